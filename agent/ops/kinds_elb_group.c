/* kinds_elb_group.c - step kinds of target groups, and of the targets in them. */
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/kinds_elb_impl.h"
#include "agent/ops/kinds_impl.h"

/* User Guide for Elastic Load Balancing, "API permissions": what it asks of its caller beside the call. */
static const char *const create_tg_needs[] = { "elasticloadbalancing:AddTags", "ec2:DescribeInternetGateways", "ec2:DescribeVpcs",
					       "iam:CreateServiceLinkedRole", NULL };
static const char *const register_needs[] = { "ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeSubnets",
					      "ec2:DescribeVpcs", NULL };

/* ---- the group ---- */

static int create_group_ask(const struct step_ctx *x, struct form *f, struct err *e)
{
	CLEANUP(mem_close) struct ec2_tag *tags = NULL;
	const char *name, *protocol, *vpc;
	size_t tags_n;

	TRY(arg_str(x, "name", &name, e));
	TRY(arg_str(x, "protocol", &protocol, e));
	TRY(arg_str(x, "vpc_id", &vpc, e));
	TRY(arg_tags(x, &tags, &tags_n, e));
	elb_create_target_group(f, name, protocol, (uint32_t)json_int_or(x->args, "port", 0), vpc, tags, tags_n);
	return 0;
}

static const char *group_made(const struct xml_node *root, struct arena *m)
{
	struct elb_groups list = { 0 };

	err_ignore(elb_read_target_groups(root, m, &list, NULL), "unread means look by tag");
	return list.n > 0 ? list.v[0].arn : NULL;
}

static enum step_verdict create_group_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	return kinds_elb_judge_created(x, c, group_made, e);
}

static bool create_group_find(const struct step_ctx *x, const struct inventory *inv)
{
	const struct inventory_group *g = inventory_tg_by_name(inv, json_str_or(x->args, "name", ""));

	return kinds_elb_found(x, g != NULL ? g->g.arn : NULL);
}

static const char *group_maker(const struct inventory *inv, const char *arn)
{
	const struct inventory_group *g = inventory_tg_by_arn(inv, arn);

	return g != NULL ? ec2_tag_get(&g->g.tags, "reeve:command") : NULL;
}

const struct step_kind kind_create_target_group = {
	.name = "create-target-group",
	.service = AWS_ELB,
	.action = "elasticloadbalancing:CreateTargetGroup",
	.needs = create_tg_needs,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.makes = "targetgroup",
	.maker = group_maker,
	.ask = create_group_ask,
	.judge = create_group_judge,
	.find = create_group_find,
	.undo = &kind_delete_target_group,
	.undo_args = kinds_elb_arn_of_fact,
	.demand = kinds_vpc_demand,
	.print = kinds_elb_print_name,
};

static int delete_group_ask(const struct step_ctx *x, struct form *f, struct err *e)
{
	return kinds_elb_ask_delete(x, f, elb_delete_target_group, e);
}

static bool delete_group_find(const struct step_ctx *x, const struct inventory *inv)
{
	return !step_may_hide(x) && inventory_tg_by_arn(inv, kinds_elb_arn(x)) == NULL;
}

const struct step_kind kind_delete_target_group = {
	.name = "delete-target-group",
	.service = AWS_ELB,
	.action = "elasticloadbalancing:DeleteTargetGroup",
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 600,
	.poll_s = 5,
	.removes = "targetgroup",
	.removes_arg = "arn",
	.ask = delete_group_ask,
	.judge = step_judge_gone,
	.find = delete_group_find,
	.print = kinds_elb_print_arn,
};

/* ---- targets ---- */

/* Targets are instances by id: an address or a function would be somebody else's. */
static int check_instances(const char *const *ids, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (!str_starts(ids[i], "i-"))
			return err_set(e, ERR_INVALID, "\"%.60s\" is no instance id", ids[i]);
	return 0;
}

static int targets_of(const struct step_ctx *x, const char **ret_group, struct elb_target **ret, size_t *ret_n, struct err *e)
{
	CLEANUP(mem_close) const char **ids = NULL;
	struct elb_target *t;

	TRY(arg_str(x, "group_arn", ret_group, e));
	TRY(arg_strs(x, "instances", &ids, ret_n, e));
	TRY(check_instances(ids, *ret_n, e));
	t = mem_grow(NULL, *ret_n, sizeof(*t));
	for (size_t i = 0; i < *ret_n; i++)
		t[i] = (struct elb_target){ .id = ids[i] };
	*ret = t;
	return 0;
}

static int register_ask(const struct step_ctx *x, struct form *f, struct err *e)
{
	CLEANUP(mem_close) struct elb_target *t = NULL;
	const char *group;
	size_t n;

	TRY(targets_of(x, &group, &t, &n, e));
	elb_register_targets(f, group, t, n);
	return 0;
}

/* InvalidTarget: the node was running a moment ago and ELB has not heard of it yet. */
static enum step_verdict register_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_OK)
		return STEP_DONE;
	if (c->class == AWS_NOTFOUND || str_eq(c->code, "InvalidTarget") || str_eq(c->code, "InvalidInstance"))
		return STEP_AGAIN;
	return step_judge_refusal(x, c, e);
}

static const char *target_state(const struct inventory_group *g, const char *id)
{
	for (size_t i = 0; g != NULL && i < g->targets.n; i++)
		if (str_eq(g->targets.v[i].id, id))
			return g->targets.v[i].state;
	return NULL;
}

/* How many of the step's nodes are registered (a draining one is not). */
static size_t registered(const struct step_ctx *x, const struct inventory *inv)
{
	const struct inventory_group *g = inventory_tg_by_arn(inv, json_str_or(x->args, "group_arn", ""));
	const json_t *ids = json_object_get(x->args, "instances");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *state = target_state(g, json_string_value(json_array_get(ids, i)));

		n += state != NULL && !str_eq(state, "draining");
	}
	return n;
}

static bool register_find(const struct step_ctx *x, const struct inventory *inv)
{
	return registered(x, inv) == json_array_size(json_object_get(x->args, "instances"));
}

static void targets_print(const json_t *args, struct buf *to)
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

const struct step_kind kind_register = {
	.name = "register",
	.service = AWS_ELB,
	.action = "elasticloadbalancing:RegisterTargets",
	.needs = register_needs,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.ask = register_ask,
	.judge = register_judge,
	.find = register_find,
	.undo = &kind_deregister,
	.undo_args = same_targets,
	.print = targets_print,
};

static int deregister_ask(const struct step_ctx *x, struct form *f, struct err *e)
{
	CLEANUP(mem_close) struct elb_target *t = NULL;
	const char *group;
	size_t n;

	TRY(targets_of(x, &group, &t, &n, e));
	elb_deregister_targets(f, group, t, n);
	return 0;
}

static enum step_verdict deregister_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	return str_eq(c->code, "InvalidTarget") ? STEP_DONE : step_judge_gone(x, c, e);
}

static bool deregister_find(const struct step_ctx *x, const struct inventory *inv)
{
	return registered(x, inv) == 0;
}

/* What a group that serves has left of its last nodes. */
static bool leaves_nobody(const json_t *args)
{
	return json_is_true(json_object_get(args, "leaves_none"));
}

const struct step_kind kind_deregister = {
	.name = "deregister",
	.service = AWS_ELB,
	.action = "elasticloadbalancing:DeregisterTargets",
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.ask = deregister_ask,
	.judge = deregister_judge,
	.find = deregister_find,
	.is_high = leaves_nobody,
	.print = targets_print,
};

/* ---- health ---- */

static int wait_healthy_ask(const struct step_ctx *x, struct form *f, struct err *e)
{
	const char *group;

	TRY(arg_str(x, "group_arn", &group, e));
	elb_describe_target_health(f, group);
	return 0;
}

static size_t healthy(const json_t *ids, const struct elb_targets *t)
{
	struct inventory_group g = { .targets = *t };
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(ids); i++)
		n += str_eq(target_state(&g, json_string_value(json_array_get(ids, i))), "healthy");
	return n;
}

static enum step_verdict wait_healthy_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	const json_t *ids = json_object_get(x->args, "instances");
	struct elb_targets list = { 0 };
	enum step_verdict v = STEP_AGAIN;
	struct arena *m;

	if (c->class != AWS_OK)
		return kinds_elb_judge_unseen(x, c, e);
	m = arena_new_sized(8u << 20);
	if (elb_read_target_health(xml_root(c->xml), m, &list, e) == 0 && healthy(ids, &list) == json_array_size(ids))
		v = STEP_DONE;
	arena_free(m);
	return v;
}

const struct step_kind kind_wait_healthy = {
	.name = "wait-healthy",
	.service = AWS_ELB,
	.action = "elasticloadbalancing:DescribeTargetHealth",
	.repeat = REPEAT_READ,
	.deadline_s = 900,
	.poll_s = 5,
	.ask = wait_healthy_ask,
	.judge = wait_healthy_judge,
	.print = targets_print,
};
