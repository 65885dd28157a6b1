/* balancers.c - see balancers.h. */
#include "agent/ops/steps/balancers.h"

#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"

#define TAGS_A_CALL 20
#define ELB(name) "elasticloadbalancing:Describe" name

struct balancers *balancers_in(const struct inventory *inv)
{
	return inventory_shelf(inv, &resource_load_balancer, sizeof(struct balancers));
}

const struct balancers_target_group *balancers_target_group_by_name(const struct inventory *inv, const char *name)
{
	const struct balancers *all = balancers_in(inv);

	for (size_t i = 0; i < all->target_groups_n; i++)
		if (str_eq(all->target_groups[i].g.name, name))
			return &all->target_groups[i];
	return NULL;
}

const struct balancers_target_group *balancers_target_group_by_arn(const struct inventory *inv, const char *arn)
{
	const struct balancers *all = balancers_in(inv);

	for (size_t i = 0; i < all->target_groups_n; i++)
		if (str_eq(all->target_groups[i].g.arn, arn))
			return &all->target_groups[i];
	return NULL;
}

const struct balancers_lb *balancers_lb_by_name(const struct inventory *inv, const char *name)
{
	const struct balancers *all = balancers_in(inv);

	for (size_t i = 0; i < all->lbs_n; i++)
		if (str_eq(all->lbs[i].lb.name, name))
			return &all->lbs[i];
	return NULL;
}

const struct balancers_lb *balancers_lb_by_arn(const struct inventory *inv, const char *arn)
{
	const struct balancers *all = balancers_in(inv);

	for (size_t i = 0; i < all->lbs_n; i++)
		if (str_eq(all->lbs[i].lb.arn, arn))
			return &all->lbs[i];
	return NULL;
}

const struct elb_listener *balancers_listener_by_arn(const struct inventory *inv, const char *arn)
{
	const struct balancers *all = balancers_in(inv);

	for (size_t i = 0; i < all->lbs_n; i++)
		for (size_t k = 0; k < all->lbs[i].listeners.n; k++)
			if (str_eq(all->lbs[i].listeners.v[k].arn, arn))
				return &all->lbs[i].listeners.v[k];
	return NULL;
}

/* ---- target groups and load balancers: all of the account, until their tags tell whose they are ---- */

static const char *next_marker(const struct aws_call *c)
{
	return elb_next_marker(xml_root(c->xml));
}

static void ask_tgs(struct inventory_page *p, struct request *req)
{
	elb_describe_target_groups(req, NULL, p->token);
}

static int take_tgs(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	return elb_read_target_groups(xml_root(c->xml), p->inv->arena, &balancers_in(p->inv)->all_target_groups, e);
}

static struct inventory_rows rows_tgs(const struct inventory_page *p)
{
	return INVENTORY_ROWS(balancers_in(p->inv)->all_target_groups);
}

static void ask_lbs(struct inventory_page *p, struct request *req)
{
	elb_describe_load_balancers(req, NULL, p->token);
}

static int take_lbs(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	return elb_read_load_balancers(xml_root(c->xml), p->inv->arena, &balancers_in(p->inv)->all_lbs, e);
}

static struct inventory_rows rows_lbs(const struct inventory_page *p)
{
	return INVENTORY_ROWS(balancers_in(p->inv)->all_lbs);
}

/* ARNs of the next batch of target groups, then load balancers, counted as one list. */
static size_t arns_total(const struct inventory_page *p)
{
	const struct balancers *b = balancers_in(p->inv);

	return b->all_target_groups.n + b->all_lbs.n;
}

static void ask_tags(struct inventory_page *p, struct request *req)
{
	const struct balancers *b = balancers_in(p->inv);
	size_t tgs = b->all_target_groups.n, n = 0;
	const char *arns[TAGS_A_CALL];

	for (size_t i = p->at; i < arns_total(p) && n < TAGS_A_CALL; i++)
		arns[n++] = i < tgs ? b->all_target_groups.v[i].arn : b->all_lbs.v[i - tgs].arn;
	elb_describe_tags(req, arns, n);
}

static void set_tags(struct balancers *b, const struct elb_tagged *tagged)
{
	for (size_t i = 0; i < b->all_target_groups.n; i++)
		if (str_eq(b->all_target_groups.v[i].arn, tagged->arn))
			b->all_target_groups.v[i].tags = tagged->tags;
	for (size_t i = 0; i < b->all_lbs.n; i++)
		if (str_eq(b->all_lbs.v[i].arn, tagged->arn))
			b->all_lbs.v[i].tags = tagged->tags;
}

static int take_tags(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	struct elb_taggeds list = { 0 };

	TRY(elb_read_tags(xml_root(c->xml), p->inv->arena, &list, e));
	for (size_t i = 0; i < list.n; i++)
		set_tags(balancers_in(p->inv), &list.v[i]);
	return 0;
}

static void keep_our_target_groups(struct balancers *b, const struct owner *o, struct arena *m)
{
	const struct elb_target_groups *all = &b->all_target_groups;

	b->other_target_groups = (struct elb_target_groups){ arena_alloc(m, (all->n + 1) * sizeof(*all->v)), 0 };
	b->target_groups = arena_alloc(m, (all->n + 1) * sizeof(*b->target_groups));
	for (size_t i = 0; i < all->n; i++)
		if (inventory_is_ours(o, &all->v[i].tags))
			b->target_groups[b->target_groups_n++].g = all->v[i];
		else
			b->other_target_groups.v[b->other_target_groups.n++] = all->v[i];
}

static void keep_our_lbs(struct balancers *b, const struct owner *o, struct arena *m)
{
	const struct elb_lbs *all = &b->all_lbs;

	b->other_lbs = (struct elb_lbs){ arena_alloc(m, (all->n + 1) * sizeof(*all->v)), 0 };
	b->lbs = arena_alloc(m, (all->n + 1) * sizeof(*b->lbs));
	for (size_t i = 0; i < all->n; i++)
		if (inventory_is_ours(o, &all->v[i].tags))
			b->lbs[b->lbs_n++].lb = all->v[i];
		else
			b->other_lbs.v[b->other_lbs.n++] = all->v[i];
}

/* Of the others the rows stay, for their names. */
static void keep_ours(struct inventory_page *p)
{
	keep_our_target_groups(balancers_in(p->inv), p->owner, p->inv->arena);
	keep_our_lbs(balancers_in(p->inv), p->owner, p->inv->arena);
}

/* ---- the listeners of ours, and who is behind them ---- */

static size_t count_lbs(const struct inventory_page *p)
{
	return balancers_in(p->inv)->lbs_n;
}

static void ask_listeners(struct inventory_page *p, struct request *req)
{
	elb_describe_listeners(req, balancers_in(p->inv)->lbs[p->at].lb.arn, p->token);
}

static int take_listeners(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	return elb_read_listeners(xml_root(c->xml), p->inv->arena, &balancers_in(p->inv)->lbs[p->at].listeners, e);
}

static struct inventory_rows rows_listeners(const struct inventory_page *p)
{
	return INVENTORY_ROWS(balancers_in(p->inv)->lbs[p->at].listeners);
}

/* Listeners of all load balancers, counted as one list. */
static size_t listeners_total(const struct inventory_page *p)
{
	const struct balancers *b = balancers_in(p->inv);
	size_t n = 0;

	for (size_t i = 0; i < b->lbs_n; i++)
		n += b->lbs[i].listeners.n;
	return n;
}

static struct elb_listener *listener_at(const struct inventory_page *p, size_t at)
{
	struct balancers_lb *lb = balancers_in(p->inv)->lbs;

	for (; at >= lb->listeners.n; lb++)
		at -= lb->listeners.n;
	return &lb->listeners.v[at];
}

static void ask_listener_tags(struct inventory_page *p, struct request *req)
{
	size_t total = listeners_total(p), n = 0;
	const char *arns[TAGS_A_CALL];

	while (p->at + n < total && n < TAGS_A_CALL) {
		arns[n] = listener_at(p, p->at + n)->arn;
		n++;
	}
	elb_describe_tags(req, arns, n);
}

static int take_listener_tags(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	struct elb_taggeds list = { 0 };

	TRY(elb_read_tags(xml_root(c->xml), p->inv->arena, &list, e));
	for (size_t k = 0; k < list.n; k++)
		for (size_t i = 0; i < listeners_total(p); i++)
			if (str_eq(listener_at(p, i)->arn, list.v[k].arn))
				listener_at(p, i)->tags = list.v[k].tags;
	return 0;
}

static size_t count_tgs(const struct inventory_page *p)
{
	return balancers_in(p->inv)->target_groups_n;
}

static void ask_health(struct inventory_page *p, struct request *req)
{
	elb_describe_target_health(req, balancers_in(p->inv)->target_groups[p->at].g.arn);
}

static int take_health(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	return elb_read_target_health(xml_root(c->xml), p->inv->arena, &balancers_in(p->inv)->target_groups[p->at].targets, e);
}

/* ---- the table: target groups are among them, for one call asks for the tags of both ---- */

const struct inventory_read balancers_reads[] = {
	{ .name = "target groups",
	  .action = ELB("TargetGroups"),
	  .a_call = 1,
	  .ask = ask_tgs,
	  .take_in = take_tgs,
	  .next = next_marker,
	  .rows = rows_tgs },
	{ .name = "load balancers",
	  .action = ELB("LoadBalancers"),
	  .a_call = 1,
	  .ask = ask_lbs,
	  .take_in = take_lbs,
	  .next = next_marker,
	  .rows = rows_lbs },
	{ .name = "tags",
	  .action = ELB("Tags"),
	  .a_call = TAGS_A_CALL,
	  .things = arns_total,
	  .ask = ask_tags,
	  .take_in = take_tags,
	  .end = keep_ours },
	{ .name = "listeners",
	  .action = ELB("Listeners"),
	  .a_call = 1,
	  .things = count_lbs,
	  .ask = ask_listeners,
	  .take_in = take_listeners,
	  .next = next_marker,
	  .rows = rows_listeners },
	{ .name = "tags of listeners",
	  .action = ELB("Tags"),
	  .a_call = TAGS_A_CALL,
	  .things = listeners_total,
	  .ask = ask_listener_tags,
	  .take_in = take_listener_tags },
	{ .name = "health",
	  .action = ELB("TargetHealth"),
	  .a_call = 1,
	  .things = count_tgs,
	  .ask = ask_health,
	  .take_in = take_health },
	{ .name = NULL },
};
