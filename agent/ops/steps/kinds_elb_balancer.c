/* kinds_elb_balancer.c - step kinds of load balancers and their listeners. */
#include <string.h>

#include "agent/aws/read.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/demand.h"
#include "agent/ops/steps/kinds_elb_impl.h"

static const struct iam_statement create_lb_grants[] = {
	{ IAM_BALANCERS, "Balancer", IAM_TO_BE_OWNED | IAM_INTERNAL, IAM_TEXTS("elasticloadbalancing:CreateLoadBalancer"),
	  IAM_TEXTS(IAM_ELB("loadbalancer/net/*")) },
	KINDS_ELB_TAGS("loadbalancer/net/*"),
	KINDS_ELB_ROLE,
	KINDS_ELB_LOOKS("ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeInternetGateways",
			"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
	{ 0 },
};
static const struct iam_statement delete_lb_grants[] = { KINDS_ELB_DELETE("DeleteLoadBalancer", "loadbalancer/net/*"), { 0 } };
static const struct iam_statement create_listener_grants[] = {
	{ IAM_BALANCERS, "Listener", IAM_OWNED | IAM_TO_BE_OWNED, IAM_TEXTS("elasticloadbalancing:CreateListener"),
	  IAM_TEXTS(IAM_ELB("loadbalancer/net/*")) },
	KINDS_ELB_TAGS("listener/net/*"),
	{ 0 },
};
static const struct iam_statement modify_listener_grants[] = {
	{ IAM_BALANCERS, "Move", IAM_OWNED, IAM_TEXTS("elasticloadbalancing:ModifyListener"),
	  IAM_TEXTS(IAM_ELB("listener/net/*")) },
	{ 0 },
};
static const struct iam_statement delete_listener_grants[] = { KINDS_ELB_DELETE("DeleteListener", "listener/net/*"), { 0 } };

/* ---- load balancer ---- */

static const char *lb_maker(const struct inventory *inv, const char *arn)
{
	const struct balancers_lb *lb = balancers_lb_by_arn(inv, arn);

	return lb != NULL ? ec2_tag_get(&lb->lb.tags, "reeve:command") : NULL;
}

static bool is_lb_shown(const struct inventory *inv, const char *arn, bool made)
{
	return made == (balancers_lb_by_arn(inv, arn) != NULL);
}

/* A network balancer's ARN has its name between "/net/" and its number. */
static bool is_lb_called(const char *arn, const char *name)
{
	CLEANUP(mem_close) char *part = mem_printf("/net/%s/", name);

	return strstr(arn, part) != NULL;
}

static int read_guard(const struct aws_call *c, bool *ret, struct err *e)
{
	return elb_read_deletion_protection(xml_root(c->xml), ret, e);
}

static const struct resource_guard lb_guard = { "elasticloadbalancing:DescribeLoadBalancerAttributes",
						elb_describe_load_balancer_attributes, read_guard };

const struct resource resource_load_balancer = {
	.kind = "loadbalancer",
	.reads = balancers_reads,
	.guard = &lb_guard,
	.is_shown = is_lb_shown,
	.maker = lb_maker,
	.unknown = { "LoadBalancerNotFound" },
	.args = { "arn", "lb_arn" },
	.is_called = is_lb_called,
};

static int create_lb_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) struct ec2_tag *tags = NULL;
	CLEANUP(mem_close) const char **subnets = NULL;
	const char *name;
	size_t tags_n, subnets_n;

	TRY(arg_str(x, "name", &name, e));
	TRY(arg_strs(x, "subnet_ids", &subnets, &subnets_n, e));
	TRY(arg_tags(x, &tags, &tags_n, e));
	/* true: internal. A balancer that faces the internet is never made, whatever the spec says (spec.c). */
	elb_create_load_balancer(req, name, true, subnets, subnets_n, tags, tags_n);
	return 0;
}

static const char *lb_made(const struct xml_node *root, struct arena *m)
{
	struct elb_lbs list = { 0 };

	err_ignore(elb_read_load_balancers(root, m, &list, NULL), "unread means look by tag");
	return list.n > 0 ? list.v[0].arn : NULL;
}

static enum step_verdict create_lb_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	return kinds_elb_judge_created(x, c, lb_made, e);
}

static bool create_lb_find(const struct step_ctx *x, const struct inventory *inv)
{
	/* Its name is made of the installation, the warehouse and the spec's name (spec_short_name): nothing else of ours has the
	 * same. */
	const struct balancers_lb *lb = balancers_lb_by_name(inv, json_str_or(x->args, "name", ""));

	return kinds_elb_found(x, lb != NULL ? lb->lb.arn : NULL);
}

const struct bound bound_balancers = { .key = "balancers", .stops = "new load balancers", .form = BOUND_NUMBER, .verb = "makes" };

static void create_lb_demand(const json_t *args, struct demand *d)
{
	const json_t *subnets = json_object_get(args, "subnet_ids");

	demand_count(d, &bound_balancers, (uint32_t)json_int_or(args, "balancers", 1));
	for (size_t i = 0; i < json_array_size(subnets); i++)
		demand_name(d, &bound_subnets, json_string_value(json_array_get(subnets, i)));
}

const struct step_kind kind_create_load_balancer = {
	.name = "create-load-balancer",
	.action = "elasticloadbalancing:CreateLoadBalancer",
	.field = "load_balancers",
	.grants = create_lb_grants,
	.bounded_by = &bound_balancers,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.makes = &resource_load_balancer,
	.ask = create_lb_ask,
	.judge = create_lb_judge,
	.find = create_lb_find,
	.undo = &kind_delete_load_balancer,
	.undo_args = kinds_elb_arn_of_fact,
	.demand = create_lb_demand,
	.print = kinds_elb_print_name,
};

static int wait_lb_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	const char *name;

	TRY(arg_str(x, "name", &name, e));
	elb_describe_load_balancers(req, name, NULL);
	return 0;
}

/* The one that was asked for, whatever else is shown. */
static const struct elb_lb *lb_named(const struct elb_lbs *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i].name, name))
			return &list->v[i];
	return NULL;
}

static enum step_verdict wait_lb_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	struct elb_lbs list = { 0 };
	const struct elb_lb *lb = NULL;
	enum step_verdict v = STEP_AGAIN;
	struct arena *m;

	if (c->class != AWS_OK)
		return step_judge_unseen(x, c, e);
	m = read_arena();
	if (elb_read_load_balancers(xml_root(c->xml), m, &list, e) == 0)
		lb = lb_named(&list, json_str_or(x->args, "name", ""));
	/* "active_impaired" serves, too: ELB only lacks what it would need to scale (ELB API Reference, LoadBalancerState). */
	if (lb != NULL && str_starts(lb->state, "active"))
		v = STEP_DONE;
	else if (lb != NULL && str_eq(lb->state, "failed"))
		v = STEP_FAILED;
	if (v == STEP_FAILED)
		err_set(e, ERR_SERVICE, "load balancer %s failed: %s", lb->name, lb->reason);
	else if (v == STEP_AGAIN)
		err_set(e, ERR_AGAIN, "load balancer %s is %s", json_str_or(x->args, "name", "?"),
			lb != NULL ? lb->state : "not shown");
	arena_free(m);
	return v;
}

const struct step_kind kind_wait_load_balancer = {
	.name = "wait-load-balancer",
	.action = "elasticloadbalancing:DescribeLoadBalancers",
	.repeat = REPEAT_READ,
	.settle_s = 60,
	.deadline_s = 900,
	.poll_s = 5,
	.ask = wait_lb_ask,
	.judge = wait_lb_judge,
	.print = kinds_elb_print_name,
};

static int delete_lb_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	return kinds_elb_ask_delete(x, req, elb_delete_load_balancer, e);
}

static bool delete_lb_find(const struct step_ctx *x, const struct inventory *inv)
{
	return !step_may_hide(x) && balancers_lb_by_arn(inv, kinds_elb_arn(x)) == NULL;
}

static bool is_in_use(const json_t *args)
{
	/* Somebody may be connected through its listeners (docs/wire.md section 8). */
	return json_is_true(json_object_get(args, "in_use"));
}

static void delete_lb_interrupts(const json_t *args, struct buf *to)
{
	if (is_in_use(args))
		buf_adds(to, "whoever reaches the nodes through it is cut off");
}

const struct step_kind kind_delete_load_balancer = {
	.name = "delete-load-balancer",
	.action = "elasticloadbalancing:DeleteLoadBalancer",
	.field = "load_balancers",
	.grants = delete_lb_grants,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.removes = &resource_load_balancer,
	.removes_arg = "arn",
	.ask = delete_lb_ask,
	.judge = step_judge_gone,
	.find = delete_lb_find,
	.is_high = is_in_use,
	.print = kinds_elb_print_arn,
	.interrupts = delete_lb_interrupts,
};

/* ---- listener ---- */

static const char *listener_maker(const struct inventory *inv, const char *arn)
{
	const struct elb_listener *l = balancers_listener_by_arn(inv, arn);

	return l != NULL ? ec2_tag_get(&l->tags, "reeve:command") : NULL;
}

static bool is_listener_shown(const struct inventory *inv, const char *arn, bool made)
{
	return made == (balancers_listener_by_arn(inv, arn) != NULL);
}

/* Its ARN holds what its balancer's ends with: ".../net/name/number". */
static bool goes_with_lb(const char *arn, const char *kind, const char *lb_arn)
{
	static const char mark[] = ":loadbalancer/";
	const char *tail = strstr(lb_arn, mark);

	return str_eq(kind, resource_load_balancer.kind) && tail != NULL && strstr(arn, tail + strlen(mark)) != NULL;
}

const struct resource resource_listener = {
	.kind = "listener",
	.is_shown = is_listener_shown,
	.maker = listener_maker,
	.goes_with = goes_with_lb,
	.unknown = { "ListenerNotFound" },
	.args = { "arn" },
};

static int create_listener_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	CLEANUP(mem_close) struct ec2_tag *tags = NULL;
	const char *lb, *protocol, *group;
	size_t tags_n;

	TRY(arg_str(x, "lb_arn", &lb, e));
	TRY(arg_str(x, "protocol", &protocol, e));
	TRY(arg_str(x, "group_arn", &group, e));
	TRY(arg_tags(x, &tags, &tags_n, e));
	elb_create_listener(req, lb, protocol, (uint32_t)json_int_or(x->args, "port", 0), group, tags, tags_n);
	return 0;
}

static const char *listener_made(const struct xml_node *root, struct arena *m)
{
	struct elb_listeners list = { 0 };

	err_ignore(elb_read_listeners(root, m, &list, NULL), "unread means look by tag");
	return list.n > 0 ? list.v[0].arn : NULL;
}

static enum step_verdict create_listener_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	return kinds_elb_judge_created(x, c, listener_made, e);
}

static bool create_listener_find(const struct step_ctx *x, const struct inventory *inv)
{
	const struct balancers_lb *lb = balancers_lb_by_arn(inv, json_str_or(x->args, "lb_arn", ""));

	/* A balancer has one listener on a port, so the port says which one it is. */
	for (size_t i = 0; lb != NULL && i < lb->listeners.n; i++)
		if (lb->listeners.v[i].port == (uint32_t)json_int_or(x->args, "port", 0))
			return kinds_elb_found(x, lb->listeners.v[i].arn);
	return false;
}

static void listener_print(const json_t *args, struct buf *to)
{
	buf_addf(to, "%s port %lld on %s", json_str_or(args, "protocol", "?"), (long long)json_int_or(args, "port", 0),
		 json_str_or(args, "lb_arn", "?"));
}

const struct step_kind kind_create_listener = {
	.name = "create-listener",
	.action = "elasticloadbalancing:CreateListener",
	.field = "listeners",
	.grants = create_listener_grants,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.makes = &resource_listener,
	.ask = create_listener_ask,
	.judge = create_listener_judge,
	.find = create_listener_find,
	.undo = &kind_delete_listener,
	.undo_args = kinds_elb_arn_of_fact,
	.print = listener_print,
};

/* ---- a listener that leads elsewhere from now on: one call, so there is no moment without it. With `beside_arn` it stays where it
 * leads, and another group stands beside that one with weight 0: nothing is sent there, and ELB looks at its health ---- */

static const char *beside(const json_t *args)
{
	return json_str_or(args, "beside_arn", NULL);
}

static int modify_listener_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	const char *arn, *group;

	TRY(arg_str(x, "arn", &arn, e));
	TRY(arg_str(x, "group_arn", &group, e));
	elb_modify_listener(req, arn, group, beside(x->args));
	return 0;
}

static enum step_verdict modify_listener_judge(const struct step_ctx *x, const struct aws_call *c, struct err *e)
{
	return c->class == AWS_OK ? STEP_DONE : step_judge_refusal(x, c, e);
}

static bool modify_listener_find(const struct step_ctx *x, const struct inventory *inv)
{
	const struct elb_listener *l = balancers_listener_by_arn(inv, kinds_elb_arn(x));

	return l != NULL && str_eq(l->target_group_arn, json_str_or(x->args, "group_arn", "")) &&
	       str_eq(l->beside_arn, beside(x->args));
}

static json_t *back_again(const json_t *args)
{
	json_t *undo = json_object();

	json_object_set(undo, "arn", json_object_get(args, "arn"));
	json_object_set(undo, "port", json_object_get(args, "port"));
	/* Without beside_arn: a group that was put beside with weight 0 goes from the listener, too. */
	json_object_set(undo, "group_arn", json_object_get(args, "from_group_arn"));
	json_object_set(undo, "from_group_arn", json_object_get(args, "group_arn"));
	return undo;
}

/* A listener that leads to a group without targets serves nobody: to lead it there needs the same keys as to delete it. */
static bool leads_nowhere(const json_t *args)
{
	return json_is_true(json_object_get(args, "leads_nowhere"));
}

static void modify_listener_print(const json_t *args, struct buf *to)
{
	if (beside(args) != NULL) {
		buf_addf(to, "port %lld stays at %s, %s beside it with weight 0, so that ELB looks at its health",
			 (long long)json_int_or(args, "port", 0), json_str_or(args, "group_arn", "?"), beside(args));
		return;
	}
	buf_addf(to, "port %lld from %s to %s%s", (long long)json_int_or(args, "port", 0), json_str_or(args, "from_group_arn", "?"),
		 json_str_or(args, "group_arn", "?"), leads_nowhere(args) ? ", which is to have no node" : "");
}

static void modify_listener_changes(const json_t *args, const json_t *left, json_t *pairs)
{
	(void)left;
	step_add_pairs(pairs, &resource_listener, json_object_get(args, "arn"), NULL);
}

const struct step_kind kind_modify_listener = {
	.name = "modify-listener",
	.action = "elasticloadbalancing:ModifyListener",
	.field = "listeners",
	.grants = modify_listener_grants,
	.looks_anew = true,
	.changes = modify_listener_changes,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.ask = modify_listener_ask,
	.judge = modify_listener_judge,
	.find = modify_listener_find,
	.undo = &kind_modify_listener,
	.undo_args = back_again,
	.is_high = leads_nowhere,
	.print = modify_listener_print,
};

static int delete_listener_ask(const struct step_ctx *x, struct request *req, struct err *e)
{
	return kinds_elb_ask_delete(x, req, elb_delete_listener, e);
}

static bool delete_listener_find(const struct step_ctx *x, const struct inventory *inv)
{
	return !step_may_hide(x) && balancers_listener_by_arn(inv, kinds_elb_arn(x)) == NULL;
}

/* A balancer without a listener is no longer in use: its last one is under the same keys as itself, or two commands with one key
 * would do what one may not. */
static bool leaves_none(const json_t *args)
{
	return json_is_true(json_object_get(args, "leaves_none"));
}

static void delete_listener_print(const json_t *args, struct buf *to)
{
	kinds_elb_print_arn(args, to);
	if (leaves_none(args))
		buf_adds(to, ", the last that its load balancer has");
}

static void delete_listener_interrupts(const json_t *args, struct buf *to)
{
	buf_adds(to, leaves_none(args) ? "its load balancer has no other" : "nobody is let in at its port any more");
}

const struct step_kind kind_delete_listener = {
	.name = "delete-listener",
	.action = "elasticloadbalancing:DeleteListener",
	.field = "listeners",
	.grants = delete_listener_grants,
	.repeat = REPEAT_NATURAL,
	.settle_s = 60,
	.deadline_s = 300,
	.poll_s = 3,
	.removes = &resource_listener,
	.removes_arg = "arn",
	.ask = delete_listener_ask,
	.judge = step_judge_gone,
	.find = delete_listener_find,
	.is_high = leaves_none,
	.print = delete_listener_print,
	.interrupts = delete_listener_interrupts,
};
