/* inventory_reads.c - the account's own reads: networks and instances, then what a plan stands on and what protects things of ours;
 * between them those of the kinds of things. The IAM policy of the instance role follows from all of them (reads.h). */
#include <stddef.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/str.h"
#include "agent/ops/account/inventory_impl.h"
#include "agent/ops/account/resource.h"

#define EC2(name) "ec2:Describe" name
#define STATUSES_A_CALL 100 /* EC2 takes so many ids */

/* ---- in common ---- */

void inventory_ask_by_tags(const struct inventory_page *p, struct request *req,
			   void (*build)(struct request *, const struct ec2_describe *))
{
	const struct ec2_filter filters[] = {
		{ "tag:resource-created-by", &p->owner->vendor, 1 },
		{ "tag:reeve:installation", &p->owner->installation, 1 },
	};

	build(req, &(struct ec2_describe){ .filters = filters, .filters_n = ARRAY_LEN(filters), .next_token = p->token });
}

const char *inventory_next_ec2(const struct aws_call *c)
{
	return ec2_next_token(xml_root(c->xml));
}

void inventory_keep_ours(const struct inventory_page *p, struct inventory_rows rows, size_t tags_at, const char *kind)
{
	size_t n = 0, left_out;

	for (size_t i = 0; i < *rows.n; i++) {
		char *row = (char *)rows.v + i * rows.size;

		if (inventory_is_ours(p->owner, (const struct ec2_tags *)(row + tags_at)))
			memmove((char *)rows.v + n++ * rows.size, row, rows.size);
	}
	left_out = *rows.n - n;
	*rows.n = n;
	if (left_out > 0)
		log_warn("inventory.foreign", "kind=%s n=%zu next=\"EC2 ignored our filter; they are left out\"", kind, left_out);
}

/* ---- networks, instances ---- */

static void ask_vpcs(struct inventory_page *p, struct request *req)
{
	ec2_describe_vpcs(req, &(struct ec2_describe){ .next_token = p->token });
}

static int take_vpcs(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	return ec2_read_vpcs(xml_root(c->xml), p->inv->arena, &p->inv->vpcs, e);
}

static struct inventory_rows rows_vpcs(const struct inventory_page *p)
{
	return INVENTORY_ROWS(p->inv->vpcs);
}

static void ask_instances(struct inventory_page *p, struct request *req)
{
	inventory_ask_by_tags(p, req, ec2_describe_instances);
}

static int take_instances(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	return ec2_read_instances(xml_root(c->xml), p->inv->arena, &p->inv->instances, e);
}

static struct inventory_rows rows_instances(const struct inventory_page *p)
{
	return INVENTORY_ROWS(p->inv->instances);
}

static void note_running(struct inventory_taking *t)
{
	const struct ec2_instances *all = &t->inv->instances;

	t->running = arena_alloc(t->inv->arena, (all->n + 1) * sizeof(*t->running));
	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].state, "running"))
			t->running[t->running_n++] = all->v[i].id;
}

/* What a plan stands on are also the types of what runs. */
static void end_instances(struct inventory_page *p)
{
	struct inventory_taking *t = inventory_taking_of(p);

	inventory_keep_ours(p, rows_instances(p), offsetof(struct ec2_instance, tags), "instance");
	if (t->wants_statuses)
		note_running(t);
	if (t->wants_beside)
		t->beside[BESIDE_TYPES].v = inventory_beside_types(p->inv, t->beside[BESIDE_TYPES].v, t->beside[BESIDE_TYPES].n,
								   &t->beside[BESIDE_TYPES].n);
}

/* ---- what is not ours, and a plan stands on ---- */

static size_t count_beside(const struct inventory_page *p)
{
	return inventory_taking_of(p)->beside[p->read->which].n;
}

static void ask_beside(struct inventory_page *p, struct request *req)
{
	struct inventory_taking *t = inventory_taking_of(p);
	enum beside what = p->read->which;

	inventory_beside_ask(what, t->beside[what].v + p->at, t->beside[what].n - p->at, p->token, req);
}

static int take_beside(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	enum beside what = p->read->which;

	return inventory_beside_read(what, xml_root(c->xml), inventory_taking_of(p)->beside[what].v[0], p->inv, e);
}

/* ---- how those that run are ---- */

static size_t count_statuses(const struct inventory_page *p)
{
	return inventory_taking_of(p)->running_n;
}

static void ask_statuses(struct inventory_page *p, struct request *req)
{
	const struct inventory_taking *t = inventory_taking_of(p);
	size_t n = t->running_n - p->at;

	ec2_describe_status(req, t->running + p->at, n < STATUSES_A_CALL ? n : STATUSES_A_CALL);
}

static int take_statuses(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	return ec2_read_statuses(xml_root(c->xml), p->inv->arena, &p->inv->statuses, e);
}

/* ---- what protects that which a plan would end ---- */

/* Where a node is protected, another one would end in its place: so the protection of that one is asked for, too. */
static void want_guards(struct inventory_page *p)
{
	struct inventory_taking *t = inventory_taking_of(p);
	const struct inventory_thing *things;
	size_t n;

	if (t->ends == NULL || p->at < p->inv->guards.n)
		return;
	things = t->ends(t->ends_ctx, p->inv, &n);
	inventory_guard_want(p->inv, things, n);
}

static size_t count_guards(const struct inventory_page *p)
{
	return p->inv->guards.n;
}

static void ask_guard(struct inventory_page *p, struct request *req)
{
	const struct inventory_thing *thing = &p->inv->guards.v[p->at].thing;

	p->action = thing->of->guard->action;
	thing->of->guard->ask(req, thing->id);
}

static int take_guard(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	struct inventory_guard *g = &p->inv->guards.v[p->at];

	return g->thing.of->guard->read(c, &g->is_on, e);
}

/* ---- the tables ---- */

#define BESIDE(kind, what, of)                                                                                                     \
	{                                                                                                                          \
		.name = (what), .action = (of), .a_call = BESIDE_A_CALL, .which = (kind), .things = count_beside,                  \
		.ask = ask_beside, .take_in = take_beside, .next = inventory_next_ec2                                              \
	}

static const struct inventory_read first[] = {
	{ .name = "vpcs",
	  .action = EC2("Vpcs"),
	  .a_call = 1,
	  .ask = ask_vpcs,
	  .take_in = take_vpcs,
	  .next = inventory_next_ec2,
	  .rows = rows_vpcs },
	{ .name = "instances",
	  .action = EC2("Instances"),
	  .a_call = 1,
	  .ask = ask_instances,
	  .take_in = take_instances,
	  .next = inventory_next_ec2,
	  .rows = rows_instances,
	  .end = end_instances },
	{ .name = NULL },
};

static const struct inventory_read last[] = {
	/* One that has ended since the list was read, and EC2 tells nothing of the others that were asked for with it. */
	{ .name = "status checks",
	  .action = EC2("InstanceStatus"),
	  .a_call = STATUSES_A_CALL,
	  .may_be_gone = true,
	  .things = count_statuses,
	  .ask = ask_statuses,
	  .take_in = take_statuses },
	BESIDE(BESIDE_SUBNETS, "subnets", EC2("Subnets")),
	BESIDE(BESIDE_IMAGES, "images", EC2("Images")),
	BESIDE(BESIDE_TYPES, "instance types", EC2("InstanceTypes")),
	BESIDE(BESIDE_NAMES, "names of security groups", EC2("SecurityGroups")),
	BESIDE(BESIDE_S3, "prefix lists", EC2("PrefixLists")),
	/* Its actions are those of the kinds' guards. */
	{ .name = "protections",
	  .a_call = 1,
	  .may_be_gone = true,
	  .begin = want_guards,
	  .things = count_guards,
	  .ask = ask_guard,
	  .take_in = take_guard },
	{ .name = NULL },
};

/* The i-th of a table, or NULL: then *i is counted down by all that it has. */
static const struct inventory_read *row_of(const struct inventory_read *table, size_t *i)
{
	for (; table != NULL && table->name != NULL; table++)
		if ((*i)-- == 0)
			return table;
	return NULL;
}

const struct inventory_read *inventory_read_at(const struct resource *const *resources, size_t i)
{
	const struct inventory_read *r = row_of(first, &i);

	for (; r == NULL && *resources != NULL; resources++)
		r = row_of((*resources)->reads, &i);
	return r != NULL ? r : row_of(last, &i);
}

/* The actions of the reads, then those of the guards. */
const char *inventory_action(const struct resource *const *resources, size_t i)
{
	const struct inventory_read *r;

	for (size_t k = 0; (r = inventory_read_at(resources, k)) != NULL; k++)
		if (r->action != NULL && i-- == 0)
			return r->action;
	for (; *resources != NULL; resources++)
		if ((*resources)->guard != NULL && i-- == 0)
			return (*resources)->guard->action;
	return NULL;
}
