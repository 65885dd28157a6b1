/* kinds_elb.c - step kinds of load balancers, target groups, listeners and targets. */
#include "agent/aws/elb.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/inventory.h"
#include "agent/ops/step.h"

/* User Guide for Elastic Load Balancing, "API permissions": what it asks of its caller beside the call. */
static const char *const create_tg_needs[] = { "elasticloadbalancing:AddTags", "ec2:DescribeInternetGateways", "ec2:DescribeVpcs",
					       "iam:CreateServiceLinkedRole", NULL };
static const char *const create_lb_needs[] = {
	"elasticloadbalancing:AddTags",
	"ec2:DescribeAccountAttributes",
	"ec2:DescribeAddresses",
	"ec2:DescribeInternetGateways",
	"ec2:DescribeSecurityGroups",
	"ec2:DescribeSubnets",
	"ec2:DescribeVpcs",
	"iam:CreateServiceLinkedRole",
	NULL,
};
static const char *const create_listener_needs[] = { "elasticloadbalancing:AddTags", NULL };
static const char *const register_needs[] = { "ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeSubnets",
					      "ec2:DescribeVpcs", NULL };

static json_t *arn_of_fact(const json_t *args)
{
	return json_pack("{s:o, s:b}", "arn", json_sprintf("@%s", json_str_or(args, "fact", "?")), "fresh", 1);
}

static void name_print(const json_t *args, struct buf *to)
{
	buf_addf(to, "%s (%s)", json_str_or(args, "purpose", "?"), json_str_or(args, "name", "?"));
}

static void arn_print(const json_t *args, struct buf *to)
{
	buf_adds(to, json_str_or(args, "arn", "?"));
}

/* A creation answered with the thing itself, or with "there is one of that name": then we look whether it is ours. */
static enum step_verdict created(const struct step_ctx *x, const struct aws_call *c, const char *arn, struct err *e)
{
	if (c->class == AWS_DUPLICATE)
		return STEP_LOOK;
	if (c->class == AWS_NOTFOUND)
		return STEP_AGAIN; /* what it stands on was just made and is not known everywhere yet */
	if (c->class != AWS_OK)
		return step_judge_refusal(x, c, e);
	if (arn == NULL)
		return STEP_LOOK;
	fact_set(x, json_string(arn));
	return STEP_DONE;
}

static bool found(const struct step_ctx *x, const char *arn)
{
	if (arn == NULL)
		return false;
	fact_set(x, json_string(arn));
	return true;
}

/* ---- target group ---- */

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

static enum step_verdict create_group_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	struct arena *m = arena_new_sized(8u << 20);
	struct elb_groups list = { 0 };
	enum step_verdict v;

	if (c->class == AWS_OK)
		err_ignore(elb_read_target_groups(xml_root(c->xml), m, &list, NULL), "unread means look by tag");
	v = created(x, c, list.n > 0 ? list.v[0].arn : NULL, e);
	arena_free(m);
	return v;
}

static bool create_group_find(const struct step_ctx *x, const struct inventory *inv)
{
	const struct inventory_group *g = inventory_tg_by_name(inv, json_str_or(x->args, "name", ""));

	return found(x, g != NULL ? g->g.arn : NULL);
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
	.ask = create_group_ask,
	.judge = create_group_judge,
	.find = create_group_find,
	.undo = &kind_delete_target_group,
	.undo_args = arn_of_fact,
	.print = name_print,
};

/* ---- load balancer ---- */

static int create_lb_ask(const struct step_ctx *x, struct form *f, struct err *e)
{
	CLEANUP(mem_close) struct ec2_tag *tags = NULL;
	CLEANUP(mem_close) const char **subnets = NULL;
	const char *name;
	size_t tags_n, subnets_n;

	TRY(arg_str(x, "name", &name, e));
	TRY(arg_strs(x, "subnet_ids", &subnets, &subnets_n, e));
	TRY(arg_tags(x, &tags, &tags_n, e));
	elb_create_load_balancer(f, name, true, subnets, subnets_n, tags, tags_n);
	return 0;
}

static enum step_verdict create_lb_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	struct arena *m = arena_new_sized(8u << 20);
	struct elb_lbs list = { 0 };
	enum step_verdict v;

	if (c->class == AWS_OK)
		err_ignore(elb_read_load_balancers(xml_root(c->xml), m, &list, NULL), "unread means look by tag");
	v = created(x, c, list.n > 0 ? list.v[0].arn : NULL, e);
	arena_free(m);
	return v;
}

static bool create_lb_find(const struct step_ctx *x, const struct inventory *inv)
{
	const struct inventory_lb *lb = inventory_lb_by_name(inv, json_str_or(x->args, "name", ""));

	return found(x, lb != NULL ? lb->lb.arn : NULL);
}

const struct step_kind kind_create_load_balancer = {
	.name = "create-load-balancer",
	.service = AWS_ELB,
	.action = "elasticloadbalancing:CreateLoadBalancer",
	.needs = create_lb_needs,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.makes = "loadbalancer",
	.ask = create_lb_ask,
	.judge = create_lb_judge,
	.find = create_lb_find,
	.undo = &kind_delete_load_balancer,
	.undo_args = arn_of_fact,
	.print = name_print,
};

static int wait_lb_ask(const struct step_ctx *x, struct form *f, struct err *e)
{
	const char *name;

	TRY(arg_str(x, "name", &name, e));
	elb_describe_load_balancers(f, name, NULL);
	return 0;
}

static enum step_verdict wait_lb_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	struct elb_lbs list = { 0 };
	enum step_verdict v = STEP_AGAIN;
	struct arena *m;

	if (c->class == AWS_AMBIGUOUS || c->class == AWS_THROTTLED || c->class == AWS_NOTFOUND)
		return STEP_AGAIN;
	if (c->class != AWS_OK)
		return step_judge_refusal(x, c, e);
	m = arena_new_sized(8u << 20);
	if (elb_read_load_balancers(xml_root(c->xml), m, &list, e) == 0 && list.n > 0) {
		if (str_starts(list.v[0].state, "active"))
			v = STEP_DONE;
		else if (str_eq(list.v[0].state, "failed"))
			v = STEP_FAILED;
	}
	if (v == STEP_FAILED)
		err_set(e, ERR_SERVICE, "load balancer %s failed: %s", list.v[0].name, list.v[0].reason);
	arena_free(m);
	return v;
}

const struct step_kind kind_wait_load_balancer = {
	.name = "wait-load-balancer",
	.service = AWS_ELB,
	.action = "elasticloadbalancing:DescribeLoadBalancers",
	.repeat = REPEAT_READ,
	.deadline_s = 900,
	.poll_s = 5,
	.ask = wait_lb_ask,
	.judge = wait_lb_judge,
	.print = name_print,
};

/* ---- listener ---- */

static int create_listener_ask(const struct step_ctx *x, struct form *f, struct err *e)
{
	CLEANUP(mem_close) struct ec2_tag *tags = NULL;
	const char *lb, *protocol, *group;
	size_t tags_n;

	TRY(arg_str(x, "lb_arn", &lb, e));
	TRY(arg_str(x, "protocol", &protocol, e));
	TRY(arg_str(x, "group_arn", &group, e));
	TRY(arg_tags(x, &tags, &tags_n, e));
	elb_create_listener(f, lb, protocol, (uint32_t)json_int_or(x->args, "port", 0), group, tags, tags_n);
	return 0;
}

static enum step_verdict create_listener_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	struct arena *m = arena_new_sized(8u << 20);
	struct elb_listeners list = { 0 };
	enum step_verdict v;

	if (c->class == AWS_OK)
		err_ignore(elb_read_listeners(xml_root(c->xml), m, &list, NULL), "unread means look by tag");
	v = created(x, c, list.n > 0 ? list.v[0].arn : NULL, e);
	arena_free(m);
	return v;
}

static bool create_listener_find(const struct step_ctx *x, const struct inventory *inv)
{
	const struct inventory_lb *lb = inventory_lb_by_arn(inv, json_str_or(x->args, "lb_arn", ""));

	for (size_t i = 0; lb != NULL && i < lb->listeners.n; i++)
		if (lb->listeners.v[i].port == (uint32_t)json_int_or(x->args, "port", 0))
			return found(x, lb->listeners.v[i].arn);
	return false;
}

static void listener_print(const json_t *args, struct buf *to)
{
	buf_addf(to, "%s port %lld on %s", json_str_or(args, "protocol", "?"), (long long)json_int_or(args, "port", 0),
		 json_str_or(args, "lb_arn", "?"));
}

const struct step_kind kind_create_listener = {
	.name = "create-listener",
	.service = AWS_ELB,
	.action = "elasticloadbalancing:CreateListener",
	.needs = create_listener_needs,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.makes = "listener",
	.ask = create_listener_ask,
	.judge = create_listener_judge,
	.find = create_listener_find,
	.undo = &kind_delete_listener,
	.undo_args = arn_of_fact,
	.print = listener_print,
};

/* ---- targets ---- */

static int targets_of(const struct step_ctx *x, const char **ret_group, struct elb_target **ret, size_t *ret_n, struct err *e)
{
	CLEANUP(mem_close) const char **ids = NULL;
	struct elb_target *t;

	TRY(arg_str(x, "group_arn", ret_group, e));
	TRY(arg_strs(x, "instances", &ids, ret_n, e));
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
	const json_t *ids = json_object_get(args, "instances");

	for (size_t i = 0; i < json_array_size(ids); i++)
		buf_addf(to, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(ids, i)));
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

	if (c->class == AWS_AMBIGUOUS || c->class == AWS_THROTTLED || c->class == AWS_NOTFOUND)
		return STEP_AGAIN;
	if (c->class != AWS_OK)
		return step_judge_refusal(x, c, e);
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

static int deregister_ask(const struct step_ctx *x, struct form *f, struct err *e)
{
	CLEANUP(mem_close) struct elb_target *t = NULL;
	const char *group;
	size_t n;

	TRY(targets_of(x, &group, &t, &n, e));
	elb_deregister_targets(f, group, t, n);
	return 0;
}

/* "Not found" alone is no proof: what was made a moment ago is described by AWS before every call knows it. So we look. */
static enum step_verdict gone_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	if (c->class == AWS_NOTFOUND)
		return step_may_hide(x) ? STEP_AGAIN : STEP_LOOK;
	if (c->class == AWS_OK || str_eq(c->code, "InvalidTarget"))
		return STEP_DONE;
	return c->class == AWS_CONFLICT ? STEP_AGAIN : step_judge_refusal(x, c, e);
}

static bool deregister_find(const struct step_ctx *x, const struct inventory *inv)
{
	return registered(x, inv) == 0;
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
	.judge = gone_judge,
	.find = deregister_find,
	.print = targets_print,
};

/* ---- deletions ---- */

static int delete_listener_ask(const struct step_ctx *x, struct form *f, struct err *e)
{
	const char *arn;

	TRY(arg_str(x, "arn", &arn, e));
	elb_delete_listener(f, arn);
	return 0;
}

static bool delete_listener_find(const struct step_ctx *x, const struct inventory *inv)
{
	const char *arn = json_str_or(x->args, "arn", "");

	if (step_may_hide(x))
		return false;
	for (size_t i = 0; i < inv->lbs_n; i++)
		for (size_t k = 0; k < inv->lbs[i].listeners.n; k++)
			if (str_eq(inv->lbs[i].listeners.v[k].arn, arn))
				return false;
	return true;
}

const struct step_kind kind_delete_listener = {
	.name = "delete-listener",
	.service = AWS_ELB,
	.action = "elasticloadbalancing:DeleteListener",
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.removes = "listener",
	.removes_arg = "arn",
	.ask = delete_listener_ask,
	.judge = gone_judge,
	.find = delete_listener_find,
	.print = arn_print,
};

static int delete_lb_ask(const struct step_ctx *x, struct form *f, struct err *e)
{
	const char *arn;

	TRY(arg_str(x, "arn", &arn, e));
	elb_delete_load_balancer(f, arn);
	return 0;
}

static bool delete_lb_find(const struct step_ctx *x, const struct inventory *inv)
{
	return !step_may_hide(x) && inventory_lb_by_arn(inv, json_str_or(x->args, "arn", "")) == NULL;
}

static bool is_in_use(const json_t *args)
{
	return json_is_true(json_object_get(args, "in_use"));
}

const struct step_kind kind_delete_load_balancer = {
	.name = "delete-load-balancer",
	.service = AWS_ELB,
	.action = "elasticloadbalancing:DeleteLoadBalancer",
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.removes = "loadbalancer",
	.removes_arg = "arn",
	.ask = delete_lb_ask,
	.judge = gone_judge,
	.find = delete_lb_find,
	.is_high = is_in_use,
	.print = arn_print,
};

static int delete_group_ask(const struct step_ctx *x, struct form *f, struct err *e)
{
	const char *arn;

	TRY(arg_str(x, "arn", &arn, e));
	elb_delete_target_group(f, arn);
	return 0;
}

static bool delete_group_find(const struct step_ctx *x, const struct inventory *inv)
{
	return !step_may_hide(x) && inventory_tg_by_arn(inv, json_str_or(x->args, "arn", "")) == NULL;
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
	.judge = gone_judge,
	.find = delete_group_find,
	.print = arn_print,
};
