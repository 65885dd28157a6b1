/* inventory_reads.c - the table of a taking's reads: how each asks, and what it makes of the answer. The IAM policy of the instance
 * role follows from it (reads.h). */
#include "agent/base/log.h"
#include "agent/base/str.h"
#include "agent/ops/account/inventory_impl.h"

#define TAGS_A_CALL 20
#define EC2(name) "ec2:Describe" name
#define ELB(name) "elasticloadbalancing:Describe" name
#define ROWS(list)                                                                                                                 \
	(struct inventory_rows)                                                                                                    \
	{                                                                                                                          \
		(list).v, &(list).n, sizeof(*(list).v)                                                                             \
	}

/* ---- networks, instances, security groups ---- */

static void ask_by_tags(struct inventory_taking *t, void (*build)(struct request *, const struct ec2_describe *))
{
	const struct ec2_filter filters[] = {
		{ "tag:resource-created-by", &t->owner.vendor, 1 },
		{ "tag:reeve:installation", &t->owner.installation, 1 },
	};

	build(&t->call.req, &(struct ec2_describe){ .filters = filters, .filters_n = ARRAY_LEN(filters), .next_token = t->token });
}

static void ask_vpcs(struct inventory_taking *t)
{
	ec2_describe_vpcs(&t->call.req, &(struct ec2_describe){ .next_token = t->token });
}

static int take_vpcs(struct inventory_taking *t, const struct xml_node *root, struct err *e)
{
	return ec2_read_vpcs(root, t->inv->arena, &t->inv->vpcs, e);
}

static struct inventory_rows rows_vpcs(struct inventory_taking *t)
{
	return ROWS(t->inv->vpcs);
}

static void ask_instances(struct inventory_taking *t)
{
	ask_by_tags(t, ec2_describe_instances);
}

static int take_instances(struct inventory_taking *t, const struct xml_node *root, struct err *e)
{
	return ec2_read_instances(root, t->inv->arena, &t->inv->instances, e);
}

static struct inventory_rows rows_instances(struct inventory_taking *t)
{
	return ROWS(t->inv->instances);
}

/* What a plan stands on are also the types of what runs. */
static void want_types(struct inventory_taking *t)
{
	if (t->wants_beside)
		t->beside[BESIDE_TYPES].v = inventory_beside_types(t->inv, t->beside[BESIDE_TYPES].v, t->beside[BESIDE_TYPES].n,
								   &t->beside[BESIDE_TYPES].n);
}

static void ask_groups(struct inventory_taking *t)
{
	ask_by_tags(t, ec2_describe_security_groups);
}

static int take_groups(struct inventory_taking *t, const struct xml_node *root, struct err *e)
{
	struct inventory *inv = t->inv;

	TRY(ec2_read_security_groups(root, inv->arena, &inv->groups, e));
	for (size_t i = 0; i < inv->groups.n; i++)
		for (size_t k = 0; k < inv->groups.v[i].rules_n; k++)
			inventory_rule_spell(inv->arena, &inv->groups.v[i].rules[k]);
	return 0;
}

static struct inventory_rows rows_groups(struct inventory_taking *t)
{
	return ROWS(t->inv->groups);
}

/* ---- target groups and load balancers: all of the account, until their tags tell whose they are ---- */

static void ask_tgs(struct inventory_taking *t)
{
	elb_describe_target_groups(&t->call.req, NULL, t->token);
}

static int take_tgs(struct inventory_taking *t, const struct xml_node *root, struct err *e)
{
	return elb_read_target_groups(root, t->inv->arena, &t->target_groups, e);
}

static struct inventory_rows rows_tgs(struct inventory_taking *t)
{
	return ROWS(t->target_groups);
}

static void ask_lbs(struct inventory_taking *t)
{
	elb_describe_load_balancers(&t->call.req, NULL, t->token);
}

static int take_lbs(struct inventory_taking *t, const struct xml_node *root, struct err *e)
{
	return elb_read_load_balancers(root, t->inv->arena, &t->lbs, e);
}

static struct inventory_rows rows_lbs(struct inventory_taking *t)
{
	return ROWS(t->lbs);
}

/* ARNs of the next batch of target groups, then load balancers, counted as one list. */
static size_t arns_total(const struct inventory_taking *t)
{
	return t->target_groups.n + t->lbs.n;
}

static void ask_tags(struct inventory_taking *t)
{
	const char *arns[TAGS_A_CALL];
	size_t n = 0;

	for (size_t i = t->at; i < arns_total(t) && n < TAGS_A_CALL; i++)
		arns[n++] = i < t->target_groups.n ? t->target_groups.v[i].arn : t->lbs.v[i - t->target_groups.n].arn;
	elb_describe_tags(&t->call.req, arns, n);
}

static void set_tags(struct inventory_taking *t, const struct elb_tagged *tagged)
{
	for (size_t i = 0; i < t->target_groups.n; i++)
		if (str_eq(t->target_groups.v[i].arn, tagged->arn))
			t->target_groups.v[i].tags = tagged->tags;
	for (size_t i = 0; i < t->lbs.n; i++)
		if (str_eq(t->lbs.v[i].arn, tagged->arn))
			t->lbs.v[i].tags = tagged->tags;
}

static int take_tags(struct inventory_taking *t, const struct xml_node *root, struct err *e)
{
	struct elb_taggeds list = { 0 };

	TRY(elb_read_tags(root, t->inv->arena, &list, e));
	for (size_t i = 0; i < list.n; i++)
		set_tags(t, &list.v[i]);
	return 0;
}

/* Drops what is not ours, although the filter asked for ours alone. */
static void drop_foreign(struct inventory_taking *t)
{
	struct inventory *inv = t->inv;
	size_t instances = 0, groups = 0;

	for (size_t i = 0; i < inv->instances.n; i++)
		if (inventory_is_ours(&t->owner, &inv->instances.v[i].tags))
			inv->instances.v[instances++] = inv->instances.v[i];
	for (size_t i = 0; i < inv->groups.n; i++)
		if (inventory_is_ours(&t->owner, &inv->groups.v[i].tags))
			inv->groups.v[groups++] = inv->groups.v[i];
	if (instances < inv->instances.n || groups < inv->groups.n)
		log_warn("inventory.foreign", "instances=%zu groups=%zu next=\"EC2 ignored our filter; they are left out\"",
			 inv->instances.n - instances, inv->groups.n - groups);
	inv->instances.n = instances;
	inv->groups.n = groups;
}

/* Of all target groups and load balancers, ours; of the others the rows stay, for their names. */
static void keep_ours(struct inventory_taking *t)
{
	struct inventory *inv = t->inv;

	drop_foreign(t);
	inv->other_target_groups =
	    (struct elb_target_groups){ arena_alloc(inv->arena, (t->target_groups.n + 1) * sizeof(*t->target_groups.v)), 0 };
	inv->other_lbs = (struct elb_lbs){ arena_alloc(inv->arena, (t->lbs.n + 1) * sizeof(*t->lbs.v)), 0 };
	inv->target_groups = arena_alloc(inv->arena, (t->target_groups.n + 1) * sizeof(*inv->target_groups));
	for (size_t i = 0; i < t->target_groups.n; i++)
		if (inventory_is_ours(&t->owner, &t->target_groups.v[i].tags))
			inv->target_groups[inv->target_groups_n++].g = t->target_groups.v[i];
		else
			inv->other_target_groups.v[inv->other_target_groups.n++] = t->target_groups.v[i];
	inv->lbs = arena_alloc(inv->arena, (t->lbs.n + 1) * sizeof(*inv->lbs));
	for (size_t i = 0; i < t->lbs.n; i++)
		if (inventory_is_ours(&t->owner, &t->lbs.v[i].tags))
			inv->lbs[inv->lbs_n++].lb = t->lbs.v[i];
		else
			inv->other_lbs.v[inv->other_lbs.n++] = t->lbs.v[i];
}

/* ---- the listeners of ours, and who is behind them ---- */

static size_t count_lbs(const struct inventory_taking *t)
{
	return t->inv->lbs_n;
}

static void ask_listeners(struct inventory_taking *t)
{
	elb_describe_listeners(&t->call.req, t->inv->lbs[t->at].lb.arn, t->token);
}

static int take_listeners(struct inventory_taking *t, const struct xml_node *root, struct err *e)
{
	return elb_read_listeners(root, t->inv->arena, &t->inv->lbs[t->at].listeners, e);
}

static struct inventory_rows rows_listeners(struct inventory_taking *t)
{
	return ROWS(t->inv->lbs[t->at].listeners);
}

/* Listeners of all load balancers, counted as one list. */
static size_t listeners_total(const struct inventory_taking *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->inv->lbs_n; i++)
		n += t->inv->lbs[i].listeners.n;
	return n;
}

static struct elb_listener *listener_at(const struct inventory_taking *t, size_t at)
{
	struct inventory_lb *lb = t->inv->lbs;

	for (; at >= lb->listeners.n; lb++)
		at -= lb->listeners.n;
	return &lb->listeners.v[at];
}

static void ask_listener_tags(struct inventory_taking *t)
{
	size_t total = listeners_total(t), n = 0;
	const char *arns[TAGS_A_CALL];

	while (t->at + n < total && n < TAGS_A_CALL) {
		arns[n] = listener_at(t, t->at + n)->arn;
		n++;
	}
	elb_describe_tags(&t->call.req, arns, n);
}

static int take_listener_tags(struct inventory_taking *t, const struct xml_node *root, struct err *e)
{
	struct elb_taggeds list = { 0 };

	TRY(elb_read_tags(root, t->inv->arena, &list, e));
	for (size_t k = 0; k < list.n; k++)
		for (size_t i = 0; i < listeners_total(t); i++)
			if (str_eq(listener_at(t, i)->arn, list.v[k].arn))
				listener_at(t, i)->tags = list.v[k].tags;
	return 0;
}

static size_t count_tgs(const struct inventory_taking *t)
{
	return t->inv->target_groups_n;
}

static void ask_health(struct inventory_taking *t)
{
	elb_describe_target_health(&t->call.req, t->inv->target_groups[t->at].g.arn);
}

static int take_health(struct inventory_taking *t, const struct xml_node *root, struct err *e)
{
	return elb_read_target_health(root, t->inv->arena, &t->inv->target_groups[t->at].targets, e);
}

/* ---- what is not ours, and a plan stands on ---- */

static enum beside beside_of(const struct inventory_taking *t)
{
	return inventory_reads[t->row].beside;
}

static size_t count_beside(const struct inventory_taking *t)
{
	return t->beside[beside_of(t)].n;
}

static void ask_beside(struct inventory_taking *t)
{
	enum beside what = beside_of(t);

	inventory_beside_ask(what, t->beside[what].v + t->at, t->beside[what].n - t->at, t->token, &t->call.req);
}

static int take_beside(struct inventory_taking *t, const struct xml_node *root, struct err *e)
{
	return inventory_beside_read(beside_of(t), root, t->beside[beside_of(t)].v[0], t->inv, e);
}

/* ---- what protects that which a plan would end ---- */

/* Where a node is protected, another one would end in its place: so the protection of that one is asked for, too. */
static void want_guards(struct inventory_taking *t)
{
	const char **ids;
	size_t n;

	if (t->ends == NULL || t->at < t->inv->guards.n)
		return;
	ids = t->ends(t->ends_ctx, t->inv, &n);
	inventory_guard_want(t->inv, ids, n);
}

static size_t count_guards(const struct inventory_taking *t)
{
	return t->inv->guards.n;
}

static void ask_guard(struct inventory_taking *t)
{
	inventory_guard_ask(&t->inv->guards.v[t->at], &t->call.req);
}

static int take_guard(struct inventory_taking *t, const struct xml_node *root, struct err *e)
{
	return inventory_guard_read(root, &t->inv->guards.v[t->at], e);
}

/* ---- the table ---- */

#define BESIDE(kind, what, action)                                                                                                 \
	{                                                                                                                          \
		.name = (what), .actions = { (action) }, .a_call = BESIDE_A_CALL, .beside = (kind), .things = count_beside,        \
		.ask = ask_beside, .take_in = take_beside                                                                          \
	}

const struct inventory_read inventory_reads[] = {
	{ .name = "vpcs", .actions = { EC2("Vpcs") }, .a_call = 1, .ask = ask_vpcs, .take_in = take_vpcs, .rows = rows_vpcs },
	{ .name = "instances",
	  .actions = { EC2("Instances") },
	  .a_call = 1,
	  .ask = ask_instances,
	  .take_in = take_instances,
	  .rows = rows_instances,
	  .end = want_types },
	{ .name = "groups",
	  .actions = { EC2("SecurityGroups") },
	  .a_call = 1,
	  .ask = ask_groups,
	  .take_in = take_groups,
	  .rows = rows_groups },
	{ .name = "target groups",
	  .actions = { ELB("TargetGroups") },
	  .a_call = 1,
	  .ask = ask_tgs,
	  .take_in = take_tgs,
	  .rows = rows_tgs },
	{ .name = "load balancers",
	  .actions = { ELB("LoadBalancers") },
	  .a_call = 1,
	  .ask = ask_lbs,
	  .take_in = take_lbs,
	  .rows = rows_lbs },
	{ .name = "tags",
	  .actions = { ELB("Tags") },
	  .a_call = TAGS_A_CALL,
	  .things = arns_total,
	  .ask = ask_tags,
	  .take_in = take_tags,
	  .end = keep_ours },
	{ .name = "listeners",
	  .actions = { ELB("Listeners") },
	  .a_call = 1,
	  .things = count_lbs,
	  .ask = ask_listeners,
	  .take_in = take_listeners,
	  .rows = rows_listeners },
	{ .name = "tags of listeners",
	  .actions = { ELB("Tags") },
	  .a_call = TAGS_A_CALL,
	  .things = listeners_total,
	  .ask = ask_listener_tags,
	  .take_in = take_listener_tags },
	{ .name = "health",
	  .actions = { ELB("TargetHealth") },
	  .a_call = 1,
	  .things = count_tgs,
	  .ask = ask_health,
	  .take_in = take_health },
	BESIDE(BESIDE_SUBNETS, "subnets", EC2("Subnets")),
	BESIDE(BESIDE_IMAGES, "images", EC2("Images")),
	BESIDE(BESIDE_TYPES, "instance types", EC2("InstanceTypes")),
	BESIDE(BESIDE_NAMES, "names of security groups", EC2("SecurityGroups")),
	BESIDE(BESIDE_S3, "prefix lists", EC2("PrefixLists")),
	{ .name = "protections",
	  .actions = { EC2("InstanceAttribute"), ELB("LoadBalancerAttributes") },
	  .a_call = 1,
	  .may_be_gone = true,
	  .begin = want_guards,
	  .things = count_guards,
	  .ask = ask_guard,
	  .take_in = take_guard },
	{ .name = NULL },
};

const char *inventory_action(size_t i)
{
	for (const struct inventory_read *r = inventory_reads; r->name != NULL; r++)
		for (size_t k = 0; k < ARRAY_LEN(r->actions) && r->actions[k] != NULL; k++)
			if (i-- == 0)
				return r->actions[k];
	return NULL;
}
