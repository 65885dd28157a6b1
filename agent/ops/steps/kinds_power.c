/* kinds_power.c - step kinds of nodes that stay and yet do not always run: stopped, started, rebooted, made of another type.
 *
 * All act on nodes by their ids, and the inventory shows their states and types: what had its effect is found. A node that ends
 * meanwhile, or is taken over by somebody, is left out and keeps no other from being acted upon. */
#include <string.h>

#include "agent/aws/ec2_power.h"
#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/account/recent.h"
#include "agent/ops/steps/demand.h"
#include "agent/ops/steps/kinds_impl.h"

#define REBOOT_AGAIN_MS 600000 /* for so long a reboot of which no answer came is asked for again */

#define POWER                                                                                                                      \
	{                                                                                                                          \
		IAM_NODE_POWER, "Power", IAM_OWNED, IAM_TEXTS("ec2:RebootInstances", "ec2:StartInstances", "ec2:StopInstances"),   \
		    IAM_TEXTS(IAM_EC2("instance/*"))                                                                               \
	}
static const struct iam_statement power_grants[] = { POWER, { 0 } };
/* EC2 has let go of the key of a node's volumes while it was stopped, and is granted it anew in the name of who starts the node. */
static const struct iam_statement start_grants[] = { POWER, KINDS_KEY, { 0 } };

/* ---- the members ---- */

static const struct ec2_instance *shown(const struct inventory *inv, const json_t *ids, size_t i)
{
	return inventory_instance_in(&inv->instances, json_string_value(json_array_get(ids, i)));
}

/* Why a node cannot be acted upon; NULL: it can. The inventory shows what bears our tags: one without them looks like one that is
 * gone. */
static const char *lost(const struct ec2_instance *in)
{
	if (in == NULL)
		return "is not there any more, or not ours";
	return inventory_is_alive(in) ? NULL : "has ended";
}

/* How many are left. */
static size_t leave_lost(const struct step_ctx *x, const struct inventory *inv, const char *(*why)(const struct ec2_instance *in))
{
	const json_t *ids = json_object_get(x->args, "instances");
	size_t kept = 0;

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i)), *text = why(shown(inv, ids, i));

		if (text != NULL)
			step_leave_out(x, id, text);
		kept += !step_is_left(x, id);
	}
	return kept;
}

/* With one member that is unknown, in a wrong state or not ours EC2 refuses the whole call. */
static bool is_of_a_member(const char *code)
{
	return str_eq(code, "IncorrectInstanceState") || str_eq(code, "InvalidInstanceID.NotFound") ||
	       str_eq(code, "UnauthorizedOperation");
}

static enum step_verdict power_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_OK)
		return STEP_DONE;
	return is_of_a_member(c->code) ? STEP_LOOK : step_judge_refusal(x, c, e);
}

/*  not about a member                            no more is known
 *  none is left                                  failed
 *  denied, and no node was left out              failed: it is taken for a denial of the role itself
 *  else                                          asked again: without those that were left out, or a node is still on its way
 *                                                from one state to another */
static enum step_verdict miss_members(const struct step_ctx *x, const struct inventory *inv,
				      const char *(*why)(const struct ec2_instance *in), struct err *e)
{
	size_t left = json_object_size(x->left);

	if (!is_of_a_member(x->code))
		return STEP_LOOK;
	if (leave_lost(x, inv, why) == 0) {
		step_blame(x, AWS_INVALID, "");
		err_set(e, ERR_SERVICE, "none of the nodes is there any more, or in a state for this");
		return STEP_FAILED;
	}
	if (str_eq(x->code, "UnauthorizedOperation") && json_object_size(x->left) == left) {
		if (e->text[0] == '\0')
			err_set(e, ERR_DENIED, "it is denied: %s", x->code);
		return STEP_FAILED;
	}
	return STEP_AGAIN;
}

static enum step_verdict power_miss(const struct step_ctx *x, const struct inventory *inv, struct err *e)
{
	return miss_members(x, inv, lost, e);
}

/* Of the members, those that `is` holds for, as [["instance", id], ...]. */
static json_t *members_that(const struct step_ctx *x, const struct inventory *inv, bool (*is)(const struct ec2_instance *in))
{
	const json_t *ids = json_object_get(x->args, "instances");
	json_t *pairs = json_array();

	for (size_t i = 0; i < json_array_size(ids); i++)
		if (lost(shown(inv, ids, i)) == NULL && is(shown(inv, ids, i)))
			json_array_append_new(pairs, json_pack("[s, s]", "instance", shown(inv, ids, i)->id));
	return pairs;
}

static bool are_all(const struct step_ctx *x, const struct inventory *inv, bool (*is)(const struct ec2_instance *in))
{
	const json_t *ids = json_object_get(x->args, "instances");

	for (size_t i = 0; i < json_array_size(ids); i++)
		if (lost(shown(inv, ids, i)) == NULL && !is(shown(inv, ids, i)))
			return false;
	return true;
}

static json_t *same_nodes(const json_t *args)
{
	json_t *undo = json_object();

	json_object_set(undo, "instances", json_object_get(args, "instances"));
	return undo;
}

/* Those of the call, or the one. */
static void nodes_changed(const json_t *args, const json_t *left, json_t *pairs)
{
	step_add_pairs(pairs, &resource_instance, json_object_get(args, "instances"), left);
	step_add_pairs(pairs, &resource_instance, json_object_get(args, "instance"), left);
}

/* A node that was only stopped for a while is to come back: want of room is waited out. One that the same plan has launched
 * goes. */
static json_t *start_again(const json_t *args)
{
	json_t *undo;

	if (json_is_true(json_object_get(args, "launched_here")))
		return NULL;
	undo = same_nodes(args);
	json_object_set_new(undo, "back", json_true());
	return undo;
}

static void nodes_interrupt(const json_t *args, struct buf *to)
{
	if (json_is_true(json_object_get(args, "interrupts")))
		buf_adds(to, "no other node of the cluster runs");
	if (json_array_size(json_object_get(args, "empties")) == 0)
		return;
	buf_adds(to, "nobody else serves in ");
	arg_print_strs(args, "empties", to);
}

static void nodes_print(const json_t *args, struct buf *to)
{
	CLEANUP(buf_close) struct buf why = BUF_MAX(16u << 10);

	arg_print_strs(args, "instances", to);
	if (json_is_true(json_object_get(args, "disks")))
		buf_adds(to, ", and disks of their host are lost");
	nodes_interrupt(args, &why);
	if (why.len > 0)
		buf_addf(to, ", which interrupts service: %s", buf_str(&why));
}

static void nodes_lose(const json_t *args, struct buf *to)
{
	if (!json_is_true(json_object_get(args, "disks")))
		return;
	buf_adds(to, "what is on disks of the hosts of ");
	arg_print_strs(args, "instances", to);
}

/* ---- stop ---- */

static bool is_down(const struct ec2_instance *in)
{
	return str_starts(in->state, "stop");
}

static bool is_shown_stopped(const struct inventory *inv, const char *id, bool stopped)
{
	const struct ec2_instance *in = inventory_instance_in(&inv->instances, id);

	/* One that has ended meanwhile is in no state that a plan could mistake. */
	return in == NULL || !inventory_is_alive(in) || is_down(in) == stopped;
}

/* No thing of its own: that a node is stopped, which is made by a stop and goes with a start (recent.h). */
const struct resource resource_stopped = { .kind = RECENT_STOPPED, .is_shown = is_shown_stopped };

static int stop_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) const char **ids = NULL;
	size_t n;

	TRY(step_members(x, "instances", &ids, &n, e));
	ec2_stop_instances(req, ids, n);
	return 0;
}

/* A node that has ended does not run either. Until settle_s is over a state proves nothing: a copy that lags behind may show the
 * one of before the turn before this. Until then the call is made again, which is harmless and answered by EC2 itself. */
static bool stop_find(const struct step_ctx *x, const struct inventory *inv)
{
	if (!x->patient || !are_all(x, inv, is_down))
		return false;
	leave_lost(x, inv, lost);
	return true;
}

static json_t *stop_part(const struct step_ctx *x, const struct inventory *inv)
{
	return members_that(x, inv, is_down);
}

/* What is on a disk of the host is gone when the node stops: as with its end, docs/wire.md section 8. */
static bool is_loss(const json_t *args)
{
	return json_is_true(json_object_get(args, "disks"));
}

const struct step_kind kind_stop = {
	.name = "stop",
	.action = "ec2:StopInstances",
	.field = "power",
	.grants = power_grants,
	.looks_anew = true,
	.takes_out = true,
	.repeat = REPEAT_NATURAL,
	.settle_s = 120,
	.deadline_s = 900, /* one that is still coming up cannot be stopped yet */
	.poll_s = 5,
	.changes = nodes_changed,
	.ask = stop_ask,
	.judge = power_judge,
	.find = stop_find,
	.miss = power_miss,
	.part = stop_part,
	.leaves = "stopped",
	.undo = &kind_start,
	.undo_args = start_again,
	.is_high = is_loss,
	.print = nodes_print,
	.interrupts = nodes_interrupt,
	.loses = nodes_lose,
};

/* ---- start ---- */

static bool is_up(const struct ec2_instance *in)
{
	return str_eq(in->state, "running") || str_eq(in->state, "pending");
}

static int start_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) const char **ids = NULL;
	size_t n;

	TRY(step_members(x, "instances", &ids, &n, e));
	ec2_start_instances(req, ids, n);
	return 0;
}

static bool start_find(const struct step_ctx *x, const struct inventory *inv)
{
	CLEANUP(json_close) json_t *up = members_that(x, inv, is_up);

	if (!x->patient || json_array_size(up) == 0 || !are_all(x, inv, is_up))
		return false;
	leave_lost(x, inv, lost);
	return true;
}

static json_t *start_part(const struct step_ctx *x, const struct inventory *inv)
{
	return members_that(x, inv, is_up);
}

static enum step_verdict start_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_CAPACITY && json_is_true(json_object_get(x->args, "back")))
		return STEP_AGAIN;
	return power_judge(x, c, e);
}

/* A machine of a type that the policy does not name any more is not started again. */
static void start_demand(const json_t *args, struct demand *d)
{
	const json_t *types = json_object_get(args, "types");

	for (size_t i = 0; i < json_array_size(types); i++)
		demand_name(d, &bound_instance_types, json_string_value(json_array_get(types, i)));
}

/* One that still stops cannot be started: it is asked again until it has stopped. */
const struct step_kind kind_start = {
	.name = "start",
	.action = "ec2:StartInstances",
	.field = "power",
	.grants = start_grants,
	.conditions = kinds_launch_conditions,
	.repeat = REPEAT_NATURAL,
	.settle_s = 120,
	.deadline_s = 900,
	.poll_s = 5,
	.changes = nodes_changed,
	.ask = start_ask,
	.judge = start_judge,
	.find = start_find,
	.miss = power_miss,
	.part = start_part,
	.leaves = "started",
	.undo = &kind_stop,
	.undo_args = same_nodes,
	.demand = start_demand,
	.print = nodes_print,
};

/* ---- wait-stopped ---- */

/* Where nodes leave because others stand in their place, all of those must. One that is not shown may only not be shown yet. */
static bool is_short(const struct step_ctx *x, const struct ec2_instance *in)
{
	return kinds_is_atomic(x) && lost(in) != NULL && (in != NULL || x->patient);
}

static enum step_verdict fell_short(const struct step_ctx *x, const char *id, const struct ec2_instance *in, struct err *e)
{
	step_blame(x, AWS_INVALID, "");
	err_set(e, ERR_SERVICE, "%s %s, and all of them are needed", id, lost(in));
	return STEP_FAILED;
}

/* Those that are not stopped, as they were seen. */
struct stopping {
	struct buf coming, over;
	bool is_up;
};

static void see_stopping(const struct step_ctx *x, const char *id, const struct ec2_instance *in, struct stopping *s)
{
	struct buf *to = lost(in) != NULL && !kinds_is_atomic(x) ? &s->over : &s->coming;
	const char *before = to->len > 0 ? ", " : "";

	if (lost(in) != NULL) {
		buf_addf(to, "%s%s%s", before, id, to == &s->over ? "" : " is not shown");
		return;
	}
	if (!str_eq(in->state, "stopped"))
		buf_addf(to, "%s%s is %s", before, id, in->state);
	s->is_up = s->is_up || is_up(in);
}

static enum step_verdict not_stopped(const struct step_ctx *x, const struct stopping *s, struct err *e)
{
	bool again = s->is_up && x->patient;

	err_set(e, ERR_AGAIN, "%s%s", again ? "somebody has started a node again: " : "", buf_str(&s->coming));
	if (again)
		step_blame(x, AWS_INVALID, "");
	return again ? STEP_FAILED : STEP_AGAIN;
}

/*  one is lost, and all are needed                     failed
 *  stopped                                             down
 *  not shown, or ended                                 down, and the note tells; where all are needed not yet
 *  running or pending, though settle_s has passed      somebody has started it again: failed
 *  else                                                not yet */
static enum step_verdict stopped_verdict(const struct step_ctx *x, const struct ec2_instances *list, struct err *e)
{
	const json_t *ids = json_object_get(x->args, "instances");
	struct stopping s = { .coming = BUF_MAX(400), .over = BUF_MAX(400) };
	enum step_verdict v = STEP_DONE;

	for (size_t i = 0; v == STEP_DONE && i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const struct ec2_instance *in = inventory_instance_in(list, id);

		if (is_short(x, in))
			v = fell_short(x, id, in, e);
		else
			see_stopping(x, id, in, &s);
	}
	if (v == STEP_DONE && s.coming.len > 0)
		v = not_stopped(x, &s, e);
	else if (v == STEP_DONE && s.over.len > 0)
		buf_addf(x->note, "left out: %s, not there any more", buf_str(&s.over));
	buf_close(&s.coming);
	buf_close(&s.over);
	return v;
}

static enum step_verdict wait_stopped_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	struct ec2_instances list = { 0 };
	struct arena *m;
	enum step_verdict v = STEP_AGAIN;

	if (c->class != AWS_OK)
		return step_judge_unseen(x, c, e);
	m = read_arena();
	if (ec2_read_instances(xml_root(c->xml), m, &list, e) == 0 && ec2_next_token(xml_root(c->xml)) == NULL)
		v = stopped_verdict(x, &list, e);
	arena_free(m);
	return v;
}

const struct step_kind kind_wait_stopped = {
	.name = "wait-stopped",
	.action = "ec2:DescribeInstances",
	.repeat = REPEAT_READ,
	.settle_s = 120,
	.deadline_s = 900,
	.poll_s = 5,
	.ask = kinds_nodes_ask,
	.judge = wait_stopped_judge,
	.print = nodes_print,
};

/* ---- modify-type ---- */

/* The type alone, and to one that the policy names: EC2 tells IAM the new value under a key of the attribute's own, which is there
 * with this attribute and no other. */
static const struct iam_statement modify_type_grants[] = {
	{ IAM_NODE_POWER, "Type", IAM_OWNED | IAM_OWN(0), IAM_TEXTS("ec2:ModifyInstanceAttribute"),
	  IAM_TEXTS(IAM_EC2("instance/*")) },
	{ 0 },
};

static const struct iam_condition modify_type_conditions[] = {
	{ IAM_OWN(0), "StringEquals", "ec2:Attribute/InstanceType", "%<instance_types>" },
	{ IAM_OWN(0), "Null", "ec2:Attribute/InstanceType", "false" },
	{ 0 },
};

static int modify_type_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	const char *id, *type;

	TRY(arg_str(x, "instance", &id, e));
	TRY(arg_str(x, "type", &type, e));
	ec2_modify_instance_type(req, id, type);
	return 0;
}

/* IncorrectInstanceState: it still stops. Any other refusal says of the type that it does not fit (Unsupported,
 * InvalidInstanceAttributeValue, InvalidParameterCombination): the sentence is AWS's. */
static enum step_verdict modify_type_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_OK)
		return STEP_DONE;
	return str_eq(c->code, "IncorrectInstanceState") ? STEP_LOOK : step_judge_refusal(x, c, e);
}

static const struct ec2_instance *node_of(const struct step_ctx *x, const struct inventory *inv)
{
	return inventory_instance_in(&inv->instances, json_str_or(x->args, "instance", ""));
}

static bool modify_type_find(const struct step_ctx *x, const struct inventory *inv)
{
	const struct ec2_instance *in = node_of(x, inv);

	return in != NULL && str_eq(in->type, json_str_or(x->args, "type", ""));
}

static enum step_verdict modify_type_miss(const struct step_ctx *x, const struct inventory *inv, struct err *e)
{
	const char *why = lost(node_of(x, inv));

	if (why != NULL) {
		step_blame(x, AWS_NOTFOUND, "");
		err_set(e, ERR_SERVICE, "%s %s", json_str_or(x->args, "instance", "?"), why);
		return STEP_FAILED;
	}
	return str_eq(x->code, "IncorrectInstanceState") ? STEP_AGAIN : STEP_LOOK;
}

static json_t *modify_type_undo(const json_t *args)
{
	return json_pack("{s:O, s:O, s:O}", "instance", json_object_get(args, "instance"), "type", json_object_get(args, "from"),
			 "from", json_object_get(args, "type"));
}

static void modify_type_demand(const json_t *args, struct demand *d)
{
	demand_name(d, &bound_instance_types, json_str_or(args, "type", ""));
}

static void modify_type_print(const json_t *args, struct buf *to)
{
	buf_addf(to, "%s: %s -> %s", json_str_or(args, "instance", "?"), json_str_or(args, "from", "?"),
		 json_str_or(args, "type", "?"));
}

const struct step_kind kind_modify_type = {
	.name = "modify-type",
	.action = "ec2:ModifyInstanceAttribute",
	.field = "instance_type",
	.grants = modify_type_grants,
	.conditions = modify_type_conditions,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 900, /* when it is taken back the node has just been told to stop */
	.poll_s = 5,
	.changes = nodes_changed,
	.ask = modify_type_ask,
	.judge = modify_type_judge,
	.find = modify_type_find,
	.miss = modify_type_miss,
	.undo = &kind_modify_type,
	.undo_args = modify_type_undo,
	.demand = modify_type_demand,
	.print = modify_type_print,
};

/* ---- reboot ---- */

/* Only what runs can be rebooted. */
static const char *does_not_run(const struct ec2_instance *in)
{
	const char *why = lost(in);

	return why != NULL ? why : is_down(in) ? "is stopped" : NULL;
}

static int reboot_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) const char **ids = NULL;
	size_t n;

	TRY(step_members(x, "instances", &ids, &n, e));
	ec2_reboot_instances(req, ids, n);
	return 0;
}

/* A reboot leaves no trace in a Describe: neither state nor launch time changes. */
static bool reboot_find(const struct step_ctx *x, const struct inventory *inv)
{
	(void)x;
	(void)inv;
	return false;
}

/* After a call of which no answer came it is asked for again. That is harmless: the node is out of its target groups, a second
 * reboot does what the first did, and the steps behind it wait for the node all the same. But it must not go on for ever, also when
 * the agent dies between call and outcome each time: once REBOOT_AGAIN_MS have passed since its first intent, whatever happened in
 * between, the step fails with a sentence that says what nobody can know, and the node is let in again. */
static enum step_verdict reboot_miss(const struct step_ctx *x, const struct inventory *inv, struct err *e)
{
	if (is_of_a_member(x->code))
		return miss_members(x, inv, does_not_run, e);
	if (!x->in_doubt || x->intent_age_ms < REBOOT_AGAIN_MS)
		return STEP_LOOK;
	step_blame(x, AWS_AMBIGUOUS, "");
	err_set(e, ERR_TIMEOUT, "no answer came to ec2:RebootInstances, and nobody can tell whether the nodes were rebooted");
	return STEP_FAILED;
}

const struct step_kind kind_reboot = {
	.name = "reboot",
	.action = "ec2:RebootInstances",
	.grants = power_grants,
	.looks_anew = true,
	.leaves_no_trace = true,
	.repeat = REPEAT_NATURAL,
	.settle_s = 30,
	.deadline_s = 300,
	.poll_s = 15,
	.changes = nodes_changed,
	.ask = reboot_ask,
	.judge = power_judge,
	.find = reboot_find,
	.miss = reboot_miss,
	.print = nodes_print,
	.interrupts = nodes_interrupt,
};
