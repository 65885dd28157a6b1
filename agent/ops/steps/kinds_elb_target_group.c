/* kinds_elb_target_group.c - step kinds of target groups; kinds_elb_target.c: of the targets in them. */
#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/kinds_elb_impl.h"
#include "agent/ops/steps/kinds_impl.h"

static const struct iam_statement create_tg_grants[] = {
	{ IAM_BALANCERS, "TargetGroup", IAM_TO_BE_OWNED, IAM_TEXTS("elasticloadbalancing:CreateTargetGroup"),
	  IAM_TEXTS(IAM_ELB("targetgroup/*")) },
	KINDS_ELB_TAGS("targetgroup/*"),
	KINDS_ELB_ROLE,
	KINDS_ELB_LOOKS("ec2:DescribeInternetGateways", "ec2:DescribeVpcs"),
	{ 0 },
};
static const struct iam_statement delete_tg_grants[] = { KINDS_ELB_DELETE("DeleteTargetGroup", "targetgroup/*"), { 0 } };

/* ---- the group ---- */

static const char *target_group_maker(const struct inventory *inv, const char *arn)
{
	const struct balancers_target_group *g = balancers_target_group_by_arn(inv, arn);

	return g != NULL ? ec2_tag_get(&g->g.tags, "reeve:command") : NULL;
}

static bool is_target_group_shown(const struct inventory *inv, const char *arn, bool made)
{
	return made == (balancers_target_group_by_arn(inv, arn) != NULL);
}

const struct resource resource_target_group = {
	.kind = "targetgroup",
	.is_shown = is_target_group_shown,
	.maker = target_group_maker,
	.unknown = { "TargetGroupNotFound" },
	.args = { "arn", "group_arn", "beside_arn" },
};

static int create_target_group_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) struct ec2_tag *tags = NULL;
	const char *name, *protocol, *vpc;
	size_t tags_n;

	TRY(arg_str(x, "name", &name, e));
	TRY(arg_str(x, "protocol", &protocol, e));
	TRY(arg_str(x, "vpc_id", &vpc, e));
	TRY(arg_tags(x, &tags, &tags_n, e));
	elb_create_target_group(req, name, protocol, (uint32_t)json_int_or(x->args, "port", 0), vpc, tags, tags_n);
	return 0;
}

static const char *target_group_made(const struct xml_node *root, struct arena *m)
{
	struct elb_target_groups list = { 0 };

	err_ignore(elb_read_target_groups(root, m, &list, NULL), "unread means look by tag");
	return list.n > 0 ? list.v[0].arn : NULL;
}

static enum step_verdict create_target_group_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	return kinds_elb_judge_created(x, c, target_group_made, e);
}

static bool create_target_group_find(const struct step_ctx *x, const struct inventory *inv)
{
	/* Its name is made of the installation, the warehouse and the spec's name (spec_short_name): nothing else of ours has the
	 * same. */
	const struct balancers_target_group *g = balancers_target_group_by_name(inv, json_str_or(x->args, "name", ""));

	return kinds_elb_found(x, g != NULL ? g->g.arn : NULL);
}

const struct step_kind kind_create_target_group = {
	.name = "create-target-group",
	.action = "elasticloadbalancing:CreateTargetGroup",
	.field = "target_groups",
	.grants = create_tg_grants,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.makes = &resource_target_group,
	.ask = create_target_group_ask,
	.judge = create_target_group_judge,
	.find = create_target_group_find,
	.undo = &kind_delete_target_group,
	.undo_args = kinds_elb_arn_of_fact,
	.demand = kinds_vpc_demand,
	.print = kinds_elb_print_name,
};

static int delete_target_group_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	return kinds_elb_ask_delete(x, req, elb_delete_target_group, e);
}

static bool delete_target_group_find(const struct step_ctx *x, const struct inventory *inv)
{
	return !step_may_hide(x) && balancers_target_group_by_arn(inv, kinds_elb_arn(x)) == NULL;
}

static void ask_balancers(const struct step_ctx *x, struct request *req)
{
	(void)x;
	elb_describe_load_balancers(req, NULL, NULL);
}

/* The ARNs of all balancers that the account shows, whoever's they are; of a list that goes on nothing can be said. */
static json_t *read_balancers(const struct aws_call *c)
{
	const struct xml_node *root = xml_root(c->xml);
	struct arena *m = read_arena();
	struct elb_lbs list = { 0 };
	json_t *rows = NULL;

	if (elb_read_load_balancers(root, m, &list, NULL) == 0 && elb_next_marker(root) == NULL)
		rows = json_array();
	for (size_t i = 0; rows != NULL && i < list.n; i++)
		json_array_append_new(rows, json_text(list.v[i].arn));
	arena_free(m);
	return rows;
}

static const struct step_look look_balancers = { "balancers", "elasticloadbalancing:DescribeLoadBalancers", ask_balancers,
						 read_balancers };
static const struct step_look *const target_group_looks[] = { &look_balancers, NULL };

static bool forwards_to(const struct balancers_lb *lb, const char *target_group_arn)
{
	for (size_t i = 0; i < lb->listeners.n; i++)
		if (str_eq(lb->listeners.v[i].target_group_arn, target_group_arn))
			return true;
	return false;
}

static bool is_shown(const struct step_ctx *x, const char *lb_arn)
{
	const json_t *rows = json_object_get(x->seen, "balancers");

	for (size_t i = 0; i < json_array_size(rows); i++)
		if (str_eq(json_string_value(json_array_get(rows, i)), lb_arn))
			return true;
	return false;
}

/*  a balancer          shown                            holds the group
 *  of ours             with a listener that leads here  for good
 *  of ours             without                          for a moment: that listener was just deleted
 *  of somebody else    yes                              for good
 *  of whomever         no                               for a moment: it was just deleted, or nobody could look  */
static bool holds(const struct step_ctx *x, const struct inventory *inv, const char *lb_arn)
{
	const struct balancers_lb *lb = balancers_lb_by_arn(inv, lb_arn);

	return x->patient || (lb != NULL ? forwards_to(lb, kinds_elb_arn(x)) : is_shown(x, lb_arn));
}

static const char *holder_of(const struct step_ctx *x, const struct inventory *inv)
{
	const struct balancers_target_group *g = balancers_target_group_by_arn(inv, kinds_elb_arn(x));

	/* A group that is not shown is held by nobody that could be named. */
	for (size_t i = 0; g != NULL && i < g->g.lb_arns_n; i++)
		if (holds(x, inv, g->g.lb_arns[i]))
			return g->g.lb_arns[i];
	return NULL;
}

static enum step_verdict delete_target_group_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	/* AWS does not say who uses it: only the look tells whether that passes by itself. */
	return c->class == AWS_CONFLICT ? STEP_LOOK : step_judge_gone(x, c, e);
}

static enum step_verdict delete_target_group_miss(const struct step_ctx *x, const struct inventory *inv, struct err *e)
{
	const char *holder = str_eq(x->code, "ResourceInUse") ? holder_of(x, inv) : NULL;

	if (!str_eq(x->code, "ResourceInUse"))
		return STEP_LOOK;
	if (holder == NULL)
		return STEP_AGAIN;
	err_set(e, ERR_SERVICE,
		"target group %s is in use by load balancer %s: take it out of its listeners, and send the command again",
		kinds_elb_arn(x), holder);
	return STEP_FAILED;
}

const struct step_kind kind_delete_target_group = {
	.name = "delete-target-group",
	.action = "elasticloadbalancing:DeleteTargetGroup",
	.field = "target_groups",
	.grants = delete_tg_grants,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 600,
	.poll_s = 5,
	.removes = &resource_target_group,
	.removes_arg = "arn",
	.ask = delete_target_group_ask,
	.judge = delete_target_group_judge,
	.find = delete_target_group_find,
	.miss = delete_target_group_miss,
	.looks = target_group_looks,
	.print = kinds_elb_print_arn,
};
