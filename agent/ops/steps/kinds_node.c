/* kinds_node.c - step kinds of nodes that are there: waits, and their end. kinds_launch.c makes them. */
#include <string.h>

#include "agent/aws/code.h"
#include "agent/aws/ec2.h"
#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/kinds_impl.h"
#include "agent/ops/steps/standing.h"

/* ---- the things ---- */

/* A node that ends was made, and is removed. */
static bool is_shown(const struct inventory *inv, const char *id, bool made)
{
	const struct ec2_instance *in = inventory_instance_in(&inv->instances, id);

	return made ? in != NULL : in == NULL || !inventory_is_alive(in);
}

static int read_guard(const struct aws_call *c, bool *ret, struct err *e)
{
	return ec2_read_termination_protection(xml_root(c->xml), ret, e);
}

static const struct resource_guard guard = { "ec2:DescribeInstanceAttribute", ec2_describe_termination_protection, read_guard };

/* The bound on nodes is for all warehouses together. Launches are told apart by their tokens. */
const struct resource resource_instance = {
	.kind = "instance",
	.guard = &guard,
	.counts_in_all = true,
	.is_shown = is_shown,
	.unknown = { "InvalidInstanceID.NotFound" },
	.args = { "instances" },
};

/* ---- waits: Describe by filter, because one unknown id fails a whole DescribeInstances by id; in one piece, because a page may
 * be empty and yet not the last ---- */

int kinds_nodes_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) const char **ids = NULL;
	struct ec2_filter filter = { .name = "instance-id" };

	TRY(arg_strs(x, "instances", &ids, &filter.n, e));
	filter.values = ids;
	ec2_describe_instances(req, &(struct ec2_describe){ .filters = &filter, .filters_n = 1, .whole = true });
	return 0;
}

/* A start that fails behind the call is told by the state alone, with its reason. */
static void lose_stopped(const char *id, const struct ec2_instance *in, struct standing *s)
{
	CLEANUP(mem_close) char *why = mem_printf("%s: %s %s", in->state, in->reason_code, in->reason);

	if (*in->reason_code == '\0' || str_eq(in->reason_code, "Client.UserInitiatedShutdown"))
		standing_is_lost(s, id, "stopped: another warehouse.apply starts it", (struct code_death){ .class = AWS_INVALID });
	else
		standing_is_lost(s, id, why, code_judge_death(in->reason_code, in->reason));
}

/* Started by this very plan: what is stopped may only not be shown as coming yet. */
static bool is_started(const struct step_ctx *x)
{
	return json_is_true(json_object_get(x->args, "started")) && !x->patient;
}

/*   running                                         up
 *   not shown, launched by this very command        coming, within settle_s: AWS may not show it yet
 *   not shown otherwise                             lost
 *   pending                                         coming
 *   stopped, and started by this very plan          coming, within settle_s
 *   stopped otherwise, or about to be               lost: somebody stopped it, or its start failed
 *   ended, or about to be                           lost, with what it died of */
static void stand_one(const struct step_ctx *x, const char *id, const struct ec2_instance *in, struct standing *s)
{
	CLEANUP(mem_close) char *why = NULL;

	/* Only what this command launched may be missing because AWS does not show it yet; what was seen before and is missing now
	 * is gone. */
	if (in != NULL && str_eq(in->state, "running")) {
		standing_is_up(s, id);
	} else if (in == NULL && !x->patient && step_made_here(x, id)) {
		standing_is_coming(s, id, "not shown");
	} else if (in == NULL) {
		standing_is_lost(s, id, "not there any more", (struct code_death){ .class = AWS_NOTFOUND });
	} else if (str_eq(in->state, "pending")) {
		standing_is_coming(s, id, in->state);
	} else if (str_starts(in->state, "stop") && is_started(x)) {
		standing_is_coming(s, id, in->state);
	} else if (str_starts(in->state, "stop")) {
		lose_stopped(id, in, s);
	} else {
		why = mem_printf("%s: %s %s", in->state, in->reason_code, in->reason);
		standing_is_lost(s, id, why, code_judge_death(in->reason_code, in->reason));
	}
}

static void stand(const struct step_ctx *x, const struct ec2_instances *list, struct standing *s)
{
	const json_t *ids = json_object_get(x->args, "instances");

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		stand_one(x, id, inventory_instance_in(list, id), s);
	}
}

static enum step_verdict wait_running_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	struct ec2_instances list = { 0 };
	struct standing s;
	struct arena *m;
	enum step_verdict v = STEP_AGAIN;

	if (c->class != AWS_OK)
		return step_judge_unseen(x, c, e);
	/* A reboot begins a while after it was asked for, and until then the node looks as if it were back. */
	if (x->age_ms < (uint64_t)json_int_or(x->args, "quiet_s", 0) * 1000)
		return STEP_AGAIN;
	m = read_arena();
	standing_open(&s);
	if (ec2_read_instances(xml_root(c->xml), m, &list, e) == 0) {
		stand(x, &list, &s);
		v = standing_verdict(x, &s, "come up", e);
	}
	standing_close(&s);
	arena_free(m);
	return v;
}

static void instances_print(const json_t *args, struct buf *to)
{
	arg_print_strs(args, "instances", to);
}

const struct step_kind kind_wait_running = {
	.name = "wait-running",
	.action = "ec2:DescribeInstances",
	.repeat = REPEAT_READ,
	.settle_s = 300,
	.deadline_s = 900,
	.poll_s = 5,
	.ask = kinds_nodes_ask,
	.judge = wait_running_judge,
	.print = instances_print,
};

/* A fact of terminate: somebody has changed the node's tags, so that it is no longer ours to end. It is not ended, and its end is
 * not waited for. */
#define TAKEN "taken.%s"

static bool is_taken(const struct step_ctx *x, const char *id)
{
	CLEANUP(mem_close) char *fact = mem_printf(TAKEN, id);

	return json_object_get(x->known, fact) != NULL;
}

/* Of the rows, those that were asked for: an EC2 that ignores the filter shows the agent's own machine, too. */
static bool are_terminated(const struct step_ctx *x, const struct ec2_instances *list, struct err *e)
{
	const json_t *ids = json_object_get(x->args, "instances");
	CLEANUP(buf_close) struct buf seen = BUF_MAX(400);

	for (size_t i = 0; i < json_array_size(ids); i++) {
		/* A node that EC2 does not show any more has ended. */
		const struct ec2_instance *in = inventory_instance_in(list, json_string_value(json_array_get(ids, i)));

		if (in != NULL && !str_eq(in->state, "terminated") && !is_taken(x, in->id))
			buf_addf(&seen, "%s%s is %s", seen.len > 0 ? ", " : "", in->id, in->state);
	}
	if (seen.len > 0)
		err_set(e, ERR_AGAIN, "%s", buf_str(&seen));
	return e->code == 0;
}

static enum step_verdict wait_terminated_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	struct ec2_instances list = { 0 };
	struct arena *m;
	enum step_verdict v = STEP_DONE;

	if (c->class != AWS_OK)
		return step_judge_unseen(x, c, e);
	m = read_arena();
	if (ec2_read_instances(xml_root(c->xml), m, &list, e) != 0 || ec2_next_token(xml_root(c->xml)) != NULL)
		v = STEP_AGAIN; /* not all of it was seen */
	else if (!are_terminated(x, &list, e))
		v = STEP_AGAIN;
	arena_free(m);
	return v;
}

const struct step_kind kind_wait_terminated = {
	.name = "wait-terminated",
	.action = "ec2:DescribeInstances",
	.repeat = REPEAT_READ,
	.deadline_s = 900,
	.poll_s = 5,
	.ask = kinds_nodes_ask,
	.judge = wait_terminated_judge,
	.print = instances_print,
};

/* ---- terminate ---- */

#define UNSEEN "data volumes that EC2 did not show went unnamed with their nodes"

static int terminate_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) const char **ids = NULL;
	size_t n;

	TRY(step_members(x, "instances", &ids, &n, e));
	ec2_terminate_instances(req, ids, n);
	return 0;
}

static void note_unseen(const struct step_ctx *x)
{
	if (json_is_true(json_object_get(x->args, "unseen_volumes")))
		buf_adds(x->note, UNSEEN);
}

/* A node whose tags no longer show it as ours is as good as gone: the operate role may end nothing but ours. */
static bool is_denied(const struct step_ctx *x)
{
	return str_eq(x->code, "UnauthorizedOperation");
}

/* With one unknown id in the call AWS terminates none of them, and an id that was just launched may not be known everywhere yet.
 * With one node whose tags somebody has changed AWS denies the whole call.
 *
 *   done                                             done
 *   unknown, and this plan launched it just now      again
 *   unknown                                          look which one it is
 *   denied                                           look which of them are still ours
 *   else                                             as any other refusal */
static enum step_verdict terminate_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_OK) {
		/* EC2 did not show all volumes when this was planned, and of nodes that are gone nobody can tell which went with
		 * them. */
		note_unseen(x);
		return STEP_DONE;
	}
	if (c->class == AWS_NOTFOUND)
		return step_may_hide(x) ? STEP_AGAIN : STEP_LOOK;
	if (is_denied(x))
		return STEP_LOOK;
	return step_judge_refusal(x, c, e);
}

static void leave_out_unshown(const struct step_ctx *x, const struct inventory *inv)
{
	const json_t *ids = json_object_get(x->args, "instances");

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		CLEANUP(mem_close) char *fact = mem_printf(TAKEN, id);

		/* The inventory shows what bears our tags: a node without them looks like one that is gone. */
		if (inventory_instance_in(&inv->instances, id) != NULL)
			continue;
		step_leave_out(x, id, "is not there any more, or not ours");
		/* This is a fact, and not a note alone: the step that waits for the end must not wait for this one. */
		json_object_set_new(x->facts, fact, json_true());
	}
}

/* A node that is over is shown for about an hour, so one that is not shown was not ended by the call before this look: it is told
 * as left out, not as deleted. */
static bool terminate_find(const struct step_ctx *x, const struct inventory *inv)
{
	const json_t *ids = json_object_get(x->args, "instances");

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const struct ec2_instance *in = inventory_instance_in(&inv->instances, json_string_value(json_array_get(ids, i)));

		if (in == NULL ? step_may_hide(x) : inventory_is_alive(in))
			return false;
	}
	leave_out_unshown(x, inv);
	note_unseen(x);
	return true;
}

/* An id that is gone must not keep the others from being ended, nor must a node that belongs to somebody else now.
 *
 *   neither unknown nor denied                       no more is known
 *   unknown, and this plan launched it just now      no more is known
 *   unknown                                          what is not shown is left out, and the call is made again
 *   denied, and something is not shown               the same
 *   denied, and no node was left out                 failed */
static enum step_verdict terminate_miss(const struct step_ctx *x, const struct inventory *inv, struct err *e)
{
	size_t left = json_object_size(x->left);

	if (!is_denied(x) && !str_eq(x->code, "InvalidInstanceID.NotFound"))
		return STEP_LOOK;
	if (!step_may_hide(x))
		leave_out_unshown(x, inv);
	/* The call is made again also when no node was left out: an id that EC2 did not know a moment ago may be known now. */
	if (!is_denied(x))
		return step_may_hide(x) ? STEP_LOOK : STEP_AGAIN;
	if (json_object_size(x->left) > left)
		return STEP_AGAIN;
	/* No node was left out, so it is taken for a denial of the role itself. */
	if (e->text[0] == '\0')
		err_set(e, ERR_DENIED, "ec2:TerminateInstances is denied: %s", x->code);
	return STEP_FAILED;
}

static void add_pair(json_t *to, const struct resource *of, const char *id)
{
	json_array_append_new(to, json_pack("[s, s]", of->kind, id));
}

/* A data volume stays with a node that was left out. A plan of an older version does not say which volume belongs to which node. */
static void volumes_along(const json_t *args, const json_t *left, json_t *pairs)
{
	const char *node;
	json_t *ids;

	step_add_pairs(pairs, &resource_volume, json_object_get(args, "volume_ids"), NULL);
	json_object_foreach(json_object_get(args, "volumes_of"), node, ids) {
		if (json_object_get(left, node) == NULL)
			step_add_pairs(pairs, &resource_volume, ids, NULL);
	}
}

/* The call ends the nodes of one zone and is refused for those of another ("Terminate multiple instances with termination
 * protection across Availability Zones"). Data volumes go with their nodes. */
static json_t *terminate_part(const struct step_ctx *x, const struct inventory *inv)
{
	const json_t *ids = json_object_get(x->args, "instances");
	bool has_volumes = json_int_or(x->args, "volumes", 0) > 0, is_unseen = false;
	json_t *pairs = json_array();

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const struct ec2_instance *in = inventory_instance_in(&inv->instances, json_string_value(json_array_get(ids, i)));

		/* A node that is not shown may be gone or not: only what is known to have ended is told as deleted. */
		if (in == NULL || inventory_is_alive(in))
			continue;
		add_pair(pairs, &resource_instance, in->id);
		is_unseen = is_unseen || in->data_volumes == 0;
		for (uint32_t k = 0; k < in->data_volumes && in->data_volume_ids != NULL; k++)
			add_pair(pairs, &resource_volume, in->data_volume_ids[k]);
	}
	if (has_volumes && is_unseen && strstr(buf_str(x->note), UNSEEN) == NULL)
		buf_adds(x->note, UNSEEN);
	return pairs;
}

/* A node's data volumes are deleted with it: docs/wire.md section 8 counts both. */
static bool is_loss(const json_t *args)
{
	return json_is_true(json_object_get(args, "leaves_none")) || json_is_true(json_object_get(args, "unseen_volumes")) ||
	       json_is_true(json_object_get(args, "disks")) || json_int_or(args, "volumes", 0) > 0;
}

static void terminate_print(const json_t *args, struct buf *to)
{
	long long volumes = (long long)json_int_or(args, "volumes", 0);

	instances_print(args, to);
	if (volumes > 0)
		buf_addf(to, ", with %lld data volume%s", volumes, volumes > 1 ? "s" : "");
	if (json_object_get(args, "keeps") != NULL) {
		buf_adds(to, ", keeps ");
		arg_print_strs(args, "keeps", to);
	}
	if (json_is_true(json_object_get(args, "disks")))
		buf_adds(to, ", with disks of their host");
	if (json_is_true(json_object_get(args, "unseen_volumes")))
		buf_adds(to, ", with volumes that are still coming up");
	if (json_is_true(json_object_get(args, "leaves_none")))
		buf_adds(to, ", the last of the cluster");
}

static void terminate_interrupts(const json_t *args, struct buf *to)
{
	if (json_is_true(json_object_get(args, "leaves_none")))
		buf_adds(to, "the cluster is left without a node");
}

/* The data volumes by their ids, as far as EC2 shows them. */
static void add_volumes(const json_t *args, struct buf *to)
{
	long long n = (long long)json_int_or(args, "volumes", 0), shown = 0;
	const json_t *of = json_object_get(args, "volumes_of"), *ids;
	const char *node;

	json_object_foreach((json_t *)of, node, ids)
		for (size_t i = 0; i < json_array_size(ids); i++)
			buf_addf(to, "%s%s",
				 shown++ > 0 ? ", "
				 : n > 1     ? ", with data volumes "
					     : ", with data volume ",
				 json_string_value(json_array_get(ids, i)));
	if (n > shown)
		buf_addf(to, ", with %lld data volume%s that EC2 does not show yet", n - shown, n - shown > 1 ? "s" : "");
}

static void terminate_loses(const json_t *args, struct buf *to)
{
	instances_print(args, to);
	add_volumes(args, to);
	if (json_is_true(json_object_get(args, "disks")))
		buf_adds(to, ", with what is on disks of their hosts");
	if (json_is_true(json_object_get(args, "unseen_volumes")))
		buf_adds(to, ", with volumes that are still coming up");
}

static const struct iam_statement terminate_grants[] = {
	{ IAM_DELETE, "Delete", IAM_OWNED, IAM_TEXTS("ec2:TerminateInstances"), IAM_TEXTS(IAM_EC2("instance/*")) },
	{ 0 },
};

const struct step_kind kind_terminate = {
	.name = "terminate",
	.action = "ec2:TerminateInstances",
	.field = "nodes",
	.grants = terminate_grants,
	.ends_nodes = true,
	.looks_anew = true,
	.repeat = REPEAT_NATURAL,
	.settle_s = 120,
	.deadline_s = 600,
	.poll_s = 5,
	.removes = &resource_instance,
	.removes_arg = "instances",
	.along = volumes_along,
	.ask = terminate_ask,
	.judge = terminate_judge,
	.find = terminate_find,
	.miss = terminate_miss,
	.part = terminate_part,
	.is_high = is_loss,
	.print = terminate_print,
	.interrupts = terminate_interrupts,
	.loses = terminate_loses,
};
