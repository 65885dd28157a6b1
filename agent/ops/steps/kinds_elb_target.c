/* kinds_elb_target.c - step kinds of the targets in a group: in, healthy, out, drained. */
#include <string.h>

#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/kinds_elb_impl.h"
#include "agent/ops/steps/kinds_impl.h"

static const struct iam_statement register_grants[] = {
	{ IAM_BALANCERS, "Register", IAM_OWNED, IAM_TEXTS("elasticloadbalancing:RegisterTargets"),
	  IAM_TEXTS(IAM_ELB("targetgroup/*")) },
	KINDS_ELB_LOOKS("ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
	{ 0 },
};
static const struct iam_statement deregister_grants[] = { KINDS_ELB_DELETE("DeregisterTargets", "targetgroup/*"), { 0 } };

/* Targets are instances by id: an address or a function would be somebody else's. */
static int check_instances(const char *const *ids, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (!str_starts(ids[i], "i-"))
			return err_set(e, ERR_INVALID, "\"%.60s\" is no instance id", ids[i]);
	return 0;
}

static int targets_of(const struct step_ctx *x, const char **ret_target_group, struct elb_target **ret, size_t *ret_n,
		      struct err *e)
{
	CLEANUP(mem_close) const char **ids = NULL;
	struct elb_target *t;

	TRY(arg_str(x, "group_arn", ret_target_group, e));
	TRY(step_members(x, "instances", &ids, ret_n, e));
	/* A plan that is read back from the journal passes here, too: this is the last look at its ids before the call. */
	TRY(check_instances(ids, *ret_n, e));
	t = mem_grow(NULL, *ret_n, sizeof(*t));
	for (size_t i = 0; i < *ret_n; i++)
		t[i] = (struct elb_target){ .id = ids[i] };
	*ret = t;
	return 0;
}

static int register_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) struct elb_target *t = NULL;
	const char *group;
	size_t n;

	TRY(targets_of(x, &group, &t, &n, e));
	elb_register_targets(req, group, t, n);
	return 0;
}

static const struct balancers_target_group *target_group_in(const struct step_ctx *x, const struct inventory *inv)
{
	return balancers_target_group_by_arn(inv, json_str_or(x->args, "group_arn", ""));
}

/* A draining one is not. */
static bool is_registered(const struct step_ctx *x, const struct inventory *inv, const char *id)
{
	const struct balancers_target_group *g = target_group_in(x, inv);
	const struct elb_target *t = g != NULL ? elb_target_in(&g->targets, id) : NULL;

	return t != NULL && !str_eq(t->state, "draining");
}

/* The step's nodes that are in the group (or out of it), as [["target", id], ...]. */
static json_t *targets_that(const struct step_ctx *x, const struct inventory *inv, bool are_in)
{
	const json_t *ids = json_object_get(x->args, "instances");
	json_t *pairs = json_array();

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (!step_is_left(x, id) && is_registered(x, inv, id) == are_in)
			json_array_append_new(pairs, json_pack("[s, s]", "target", id));
	}
	return pairs;
}

static bool is_none_that(const struct step_ctx *x, const struct inventory *inv, bool are_in)
{
	CLEANUP(json_close) json_t *pairs = targets_that(x, inv, are_in);

	return json_array_size(pairs) == 0;
}

/* ELB takes the whole batch or nothing of it. InvalidTarget, InvalidInstance: one is not there, or does not run, or was running a
 * moment ago and ELB has not heard of it yet. */
static bool is_of_a_member(const char *code)
{
	return str_eq(code, "InvalidTarget") || str_eq(code, "InvalidInstance") || str_eq(code, "InvalidInstanceID.NotFound");
}

static enum step_verdict register_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_OK)
		return STEP_DONE;
	return is_of_a_member(c->code) ? STEP_LOOK : step_judge_refusal(x, c, e);
}

static bool register_find(const struct step_ctx *x, const struct inventory *inv)
{
	/* A group that is not shown yet says nothing of who is in it. */
	return target_group_in(x, inv) != NULL && is_none_that(x, inv, false);
}

/* Why a node cannot be a target, as the inventory shows it; NULL: it can. */
static const char *unfit(const struct step_ctx *x, const struct inventory *inv, const char *id)
{
	const struct ec2_instance *in = inventory_instance_in(&inv->instances, id);

	/* A node that this command has made may not be shown yet; any other one that is not shown is gone, or not ours any more. */
	if (in == NULL)
		return step_made_here(x, id) && !x->patient ? NULL : "is not there any more, or not ours";
	/* One that was started a moment ago may still be shown as it was. */
	if (str_starts(in->state, "stop") && step_may_hide(x))
		return NULL;
	/* A pending one will run in a moment, and ELB takes it then. */
	return str_eq(in->state, "running") || str_eq(in->state, "pending") ? NULL : in->state;
}

static size_t leave_unfit(const struct step_ctx *x, const struct inventory *inv)
{
	const json_t *ids = json_object_get(x->args, "instances");
	size_t fit = 0;

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i)), *why = unfit(x, inv, id);
		/* A state is one word, and is made a sentence: "is stopped". */
		CLEANUP(mem_close) char *text = why != NULL && strchr(why, ' ') == NULL ? mem_printf("is %s", why) : mem_str(why);

		if (why != NULL)
			step_leave_out(x, id, text);
		fit += !step_is_left(x, id);
	}
	return fit;
}

static enum step_verdict register_miss(const struct step_ctx *x, const struct inventory *inv, struct err *e)
{
	if (!is_of_a_member(x->code))
		return STEP_LOOK;
	/* The call is made again also when no node was left out: the node runs, and ELB has not heard of it yet. */
	if (leave_unfit(x, inv) > 0)
		return STEP_AGAIN;
	err_set(e, ERR_SERVICE, "none of the nodes can be a target of %s: they are gone, or do not run",
		json_str_or(x->args, "group_arn", "?"));
	return STEP_FAILED;
}

static json_t *register_part(const struct step_ctx *x, const struct inventory *inv)
{
	return targets_that(x, inv, true);
}

void kinds_elb_print_targets(const json_t *args, struct buf *to)
{
	arg_print_strs(args, "instances", to);
	buf_addf(to, " in %s", json_str_or(args, "group_arn", "?"));
}

static json_t *same_targets(const json_t *args)
{
	json_t *undo = json_object();

	json_object_set(undo, "group_arn", json_object_get(args, "group_arn"));
	json_object_set(undo, "instances", json_object_get(args, "instances"));
	return undo;
}

/* Who is in it is a matter of the group. */
static void targets_changes(const json_t *args, const json_t *left, json_t *pairs)
{
	(void)left;
	step_add_pairs(pairs, &resource_target_group, json_object_get(args, "group_arn"), NULL);
}

const struct step_kind kind_register = {
	.name = "register",
	.action = "elasticloadbalancing:RegisterTargets",
	.field = "targets",
	.grants = register_grants,
	.changes = targets_changes,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.ask = register_ask,
	.judge = register_judge,
	.find = register_find,
	.miss = register_miss,
	.part = register_part,
	.undo = &kind_deregister,
	.undo_args = same_targets,
	.undo_wait = &kind_wait_left,
	.print = kinds_elb_print_targets,
};

static int deregister_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) struct elb_target *t = NULL;
	const char *group;
	size_t n;

	TRY(targets_of(x, &group, &t, &n, e));
	elb_deregister_targets(req, group, t, n);
	return 0;
}

static enum step_verdict deregister_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	return is_of_a_member(c->code) ? STEP_LOOK : step_judge_gone(x, c, e);
}

static bool deregister_find(const struct step_ctx *x, const struct inventory *inv)
{
	/* A group that is gone has nobody in it. */
	return is_none_that(x, inv, true);
}

/* A target that is out already does not keep the others from being taken out. */
static enum step_verdict deregister_miss(const struct step_ctx *x, const struct inventory *inv, struct err *e)
{
	CLEANUP(json_close) json_t *out = targets_that(x, inv, false);

	(void)e;
	if (!is_of_a_member(x->code))
		return STEP_LOOK;
	for (size_t i = 0; i < json_array_size(out); i++)
		step_leave_out(x, json_string_value(json_array_get(json_array_get(out, i), 1)), "is out of the group already");
	return STEP_AGAIN;
}

static json_t *deregister_part(const struct step_ctx *x, const struct inventory *inv)
{
	return targets_that(x, inv, false);
}

/* Does this take the last targets out of a group that listeners lead to? */
static bool leaves_nobody(const json_t *args)
{
	return json_is_true(json_object_get(args, "leaves_none"));
}

/* Where nodes are let in again they have just been started again, or are being. */
static json_t *let_in_again(const json_t *args)
{
	json_t *undo = same_targets(args);

	json_object_set_new(undo, "fresh", json_true());
	return undo;
}

static void deregister_interrupts(const json_t *args, struct buf *to)
{
	if (leaves_nobody(args))
		buf_adds(to, "nobody is left in the group, and listeners lead to it");
}

const struct step_kind kind_deregister = {
	.name = "deregister",
	.action = "elasticloadbalancing:DeregisterTargets",
	.field = "targets",
	.grants = deregister_grants,
	.looks_anew = true,
	.takes_out = true,
	.changes = targets_changes,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.ask = deregister_ask,
	.judge = deregister_judge,
	.find = deregister_find,
	.miss = deregister_miss,
	.part = deregister_part,
	.undo = &kind_register,
	.undo_args = let_in_again,
	.undo_wait = &kind_wait_serving,
	.is_high = leaves_nobody,
	.print = kinds_elb_print_targets,
	.interrupts = deregister_interrupts,
};

/* ---- waits: each tells how every target stood when it was last seen ---- */

int kinds_elb_ask_health(const struct step_ctx *x, struct request *req, struct err *e)
{
	const char *group;

	TRY(arg_str(x, "group_arn", &group, e));
	elb_describe_target_health(req, group);
	return 0;
}

struct health {
	size_t healthy, coming, hopeless;
	struct buf seen; /* of those that are not as they should be */
};

static void add_seen(struct health *h, const char *id, const struct elb_target *t)
{
	const char *state = t != NULL ? t->state : "not registered", *reason = t != NULL ? t->reason : "";

	buf_addf(&h->seen, "%s%s is %s%s%s%s", h->seen.len > 0 ? ", " : "", id, state, *reason != '\0' ? " (" : "", reason,
		 *reason != '\0' ? ")" : "");
}

/* These never become healthy targets: a node that has stopped or ended (Target.InvalidState) at once; a group that no listener
 * leads to, or that does not have the node, once what was just changed is known everywhere. */
static bool is_hopeless(const struct step_ctx *x, const struct elb_target *t)
{
	if (t != NULL && str_eq(t->state, "unused") && str_eq(t->reason, "Target.InvalidState"))
		return true;
	return x->patient && (t == NULL || str_eq(t->state, "unused") || str_eq(t->state, "draining"));
}

static void weigh(const struct step_ctx *x, const struct elb_targets *list, struct health *h)
{
	const json_t *ids = json_object_get(x->args, "instances");

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const struct elb_target *t = elb_target_in(list, id);

		if (t != NULL && str_eq(t->state, "healthy")) {
			h->healthy++;
			continue;
		}
		add_seen(h, id, t);
		h->coming += !is_hopeless(x, t);
		h->hopeless += is_hopeless(x, t);
	}
}

/*   some are hopeless, and others go, or an atomic cluster comes up, only with all of these (args.atomic)     failed
 *   some may still become healthy                                                                              again
 *   none is healthy                                                                                            failed
 *   else                                                               done: the others are named as left out  */
static enum step_verdict health_verdict(const struct step_ctx *x, const struct health *h, struct err *e)
{
	bool is_short = h->hopeless > 0 && kinds_is_atomic(x);

	if (h->coming > 0 && !is_short) {
		err_set(e, ERR_AGAIN, "%s", buf_str(&h->seen));
		return STEP_AGAIN;
	}
	if (is_short || (h->healthy == 0 && h->seen.len > 0)) {
		/* AWS has refused nothing, so a class must say whose fault it is: the nodes', not ours. */
		step_blame(x, AWS_INVALID, "");
		err_set(e, ERR_SERVICE, "%s: %s", h->healthy > 0 ? "not all targets become healthy" : "no target becomes healthy",
			buf_str(&h->seen));
		return STEP_FAILED;
	}
	if (h->seen.len > 0)
		buf_addf(x->note, "left out: %s", buf_str(&h->seen));
	return STEP_DONE;
}

/* Reads the answer and hands it to `judge`. */
static enum step_verdict judge_health(const struct step_ctx *x, const struct aws_call *c,
				      enum step_verdict (*judge)(const struct step_ctx *x, const struct elb_targets *t,
								 struct err *e),
				      struct err *e)
{
	struct elb_targets list = { 0 };
	/* An answer that cannot be read says nothing, and a read may be asked again. */
	enum step_verdict v = STEP_AGAIN;
	struct arena *m = read_arena();

	if (elb_read_target_health(xml_root(c->xml), m, &list, e) == 0)
		v = judge(x, &list, e);
	arena_free(m);
	return v;
}

/* It serves nobody, and will not by itself before it is well again. */
static bool is_idle(const struct elb_target *t)
{
	return t == NULL || str_starts(t->state, "unhealthy") || str_eq(t->state, "unused") || str_eq(t->state, "draining");
}

/* Where none of those that leave serves nobody has to make up for them. */
static bool leave_only_idle(const struct step_ctx *x, const struct elb_targets *t)
{
	const json_t *ids = json_object_get(x->args, "leave");

	for (size_t i = 0; i < json_array_size(ids); i++)
		if (!is_idle(elb_target_in(t, json_string_value(json_array_get(ids, i)))))
			return false;
	return json_array_size(ids) > 0;
}

/* Who has to serve until those are back, for the looks behind this one. Takes ids. */
static void serve_instead(const struct step_ctx *x, json_t *ids)
{
	if (json_object_get(x->args, "fact") != NULL)
		fact_set(x, ids);
	else
		json_decref(ids);
}

static enum step_verdict judge_healthy(const struct step_ctx *x, const struct elb_targets *t, struct err *e)
{
	struct health h = { .seen = BUF_MAX(400) };
	enum step_verdict v;

	if (leave_only_idle(x, t)) {
		serve_instead(x, json_array());
		return STEP_DONE;
	}
	weigh(x, t, &h);
	v = health_verdict(x, &h, e);
	buf_close(&h.seen);
	if (v == STEP_DONE)
		serve_instead(x, json_incref(json_object_get(x->args, "instances")));
	return v;
}

static enum step_verdict wait_healthy_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	return c->class == AWS_OK ? judge_health(x, c, judge_healthy, e) : step_judge_unseen(x, c, e);
}

static void healthy_print(const json_t *args, struct buf *to)
{
	kinds_elb_print_targets(args, to);
	if (json_object_get(args, "leave") == NULL)
		return;
	buf_adds(to, ", unless by then ");
	arg_print_strs(args, "leave", to);
	buf_adds(to, " serves nobody");
}

const struct step_kind kind_wait_healthy = {
	.name = "wait-healthy",
	.action = "elasticloadbalancing:DescribeTargetHealth",
	.repeat = REPEAT_READ,
	.settle_s = 60,
	.deadline_s = 900,
	.poll_s = 5,
	.ask = kinds_elb_ask_health,
	.judge = wait_healthy_judge,
	.print = healthy_print,
};

/* ---- drained: a target that is out, and yet draining, still serves what was connected ---- */

static bool is_out(const struct elb_target *t)
{
	return str_eq(t->state, "unused") && str_eq(t->reason, "Target.NotRegistered");
}

/* A target that somebody has registered again is not taken out a second time: the wait for it fails. */
static enum step_verdict judge_drained(const struct step_ctx *x, const struct elb_targets *t, struct err *e)
{
	const json_t *ids = json_object_get(x->args, "instances");
	struct health h = { .seen = BUF_MAX(400) };
	enum step_verdict v = STEP_DONE;

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const struct elb_target *at = elb_target_in(t, id);

		/* ELB shows a target that has left as unused, or not at all. */
		if (at == NULL || is_out(at))
			continue;
		add_seen(&h, id, at);
		/* Right behind the call the old state may still be shown. Once settle_s is over, one that is neither out nor
		 * draining was registered again. */
		if (v != STEP_FAILED)
			v = x->patient && !str_eq(at->state, "draining") ? STEP_FAILED : STEP_AGAIN;
	}
	if (v != STEP_DONE)
		err_set(e, ERR_AGAIN, "%s%s", v == STEP_FAILED ? "a target was registered again: " : "", buf_str(&h.seen));
	buf_close(&h.seen);
	return v;
}

/* A group that is gone has no target that drains. */
static enum step_verdict wait_drained_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_NOTFOUND)
		return STEP_DONE;
	return c->class == AWS_OK ? judge_health(x, c, judge_drained, e) : step_judge_unseen(x, c, e);
}

/* A deregistration delay is at most an hour. */
const struct step_kind kind_wait_drained = {
	.name = "wait-drained",
	.action = "elasticloadbalancing:DescribeTargetHealth",
	.repeat = REPEAT_READ,
	.settle_s = 60,
	.deadline_s = 3900,
	.poll_s = 5,
	.ask = kinds_elb_ask_health,
	.judge = wait_drained_judge,
	.print = kinds_elb_print_targets,
};
