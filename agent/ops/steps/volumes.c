/* volumes.c - see volumes.h. */
#include "agent/ops/steps/volumes.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/field.h"

#define DAY_MS INT64_C(86400000)
#define SAME_MS 60000 /* by so much two clocks may differ that tell of one change */
#define A_CALL 200    /* values of one filter (EC2 API Reference, "Filtering") */

/* ---- seen ---- */

struct volumes *volumes_in(const struct inventory *inv)
{
	return inventory_shelf(inv, &resource_volume, sizeof(struct volumes));
}

const struct ec2_volume *volumes_by_id(const struct inventory *inv, const char *id)
{
	const struct ec2_volumes *all = &volumes_in(inv)->all;

	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].id, id))
			return &all->v[i];
	return NULL;
}

const struct ec2_volume *volumes_at(const struct inventory *inv, const char *instance, const char *device)
{
	const struct ec2_volumes *all = &volumes_in(inv)->all;

	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].instance, instance) && field_is_one_device(all->v[i].device, device))
			return &all->v[i];
	return NULL;
}

bool volumes_is_left(const struct inventory *inv, const struct ec2_volume *v)
{
	const struct ec2_instance *node = inventory_instance_in(&inv->instances, v->instance);

	if (*v->instance == '\0')
		return str_eq(v->state, "available");
	return v->is_kept && (node == NULL || !inventory_is_alive(node));
}

uint32_t volumes_left(const struct inventory *inv, const char *warehouse)
{
	const struct ec2_volumes *all = &volumes_in(inv)->all;
	uint32_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		n += str_eq(ec2_tag_get(&all->v[i].tags, "reeve:warehouse"), warehouse) && volumes_is_left(inv, &all->v[i]);
	return n;
}

/* Number `at` of those nodes of the launch that have come up (`up`; where it is not there, all of them). Both are facts, so the
 * same node is meant after a restart. */
const char *volumes_given_to(const json_t *args)
{
	const json_t *ids = json_object_get(args, "instances"), *up = json_object_get(args, "up");
	json_int_t at = json_int_or(args, "at", 0);

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (id != NULL && (up == NULL || json_has_text(up, id)) && at-- == 0)
			return id;
	}
	return NULL;
}

/* Times of AWS are ISO 8601 in UTC, so their text sorts as they do. */
const struct ec2_modification *volumes_newest(const struct ec2_modifications *all, const char *id)
{
	const struct ec2_modification *m = NULL;

	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].volume, id) && (m == NULL || strcmp(all->v[i].start, m->start) >= 0))
			m = &all->v[i];
	return m;
}

const struct ec2_modification *volumes_change(const struct inventory *inv, const char *id)
{
	return volumes_newest(&volumes_in(inv)->modifications, id);
}

bool volumes_is_changing(const struct ec2_modification *m)
{
	return m != NULL && !str_eq(m->state, "completed") && !str_eq(m->state, "failed");
}

struct volumes_form volumes_form(const struct inventory *inv, const struct ec2_volume *v)
{
	const struct ec2_modification *m = volumes_change(inv, v->id);
	struct volumes_form f = { v->type, v->size_gib, v->iops, v->throughput };

	if (!volumes_is_changing(m))
		return f;
	f.type = *m->type != '\0' ? m->type : f.type;
	f.size_gib = m->size_gib > 0 ? m->size_gib : f.size_gib;
	f.iops = m->iops > 0 ? m->iops : f.iops;
	f.throughput = m->throughput > 0 ? m->throughput : f.throughput;
	return f;
}

bool volumes_differ(const struct volumes_form *have, const struct volumes_form *want)
{
	return (have->size_gib > 0 && have->size_gib != want->size_gib) ||
	       (*have->type != '\0' && !str_eq(have->type, want->type)) || (have->iops > 0 && have->iops != want->iops) ||
	       (have->throughput > 0 && have->throughput != want->throughput);
}

/* The newest four, the newest in front; 0: there are fewer. */
struct four {
	int64_t at_ms[CHANGED_A_DAY];
};

static void take_change(struct four *f, int64_t at_ms)
{
	for (size_t k = 0; k < CHANGED_A_DAY; k++)
		if (at_ms > f->at_ms[k]) {
			int64_t older = f->at_ms[k];

			f->at_ms[k] = at_ms;
			at_ms = older;
		}
}

/* A day after the first of the last four; 0: that is over. */
static int64_t free_ms(const struct four *f, int64_t now_ms)
{
	int64_t first = f->at_ms[CHANGED_A_DAY - 1];

	return first > 0 && first + DAY_MS > now_ms ? first + DAY_MS : 0;
}

/* Better a change too late than one that EC2 refuses half-way through a plan: so a start that cannot be read counts as now, and of
 * ours the time of the outcome, which is never before that of the change. A change that EC2 shows and that began after all of ours
 * is somebody else's; an earlier one may be one of ours, and counts with them once. */
int64_t volumes_change_from_ms(const struct inventory *inv, const struct changed *ours, int64_t now_ms, const char *id)
{
	const struct ec2_modifications *all = &volumes_in(inv)->modifications;
	const struct changed_volume *own = ours != NULL ? changed_of(ours, id) : NULL;
	struct four shown = { 0 }, certain = { 0 };
	int64_t own_ms = 0, start, a, b;

	for (size_t k = 0; own != NULL && k < CHANGED_A_DAY && own->at_ms[k] != 0; k++)
		take_change(&certain, inv->aws_ms - (now_ms - own->at_ms[k]));
	own_ms = certain.at_ms[0];
	for (size_t i = 0; i < all->n; i++) {
		if (!str_eq(all->v[i].volume, id))
			continue;
		if (stamp_parse_iso(all->v[i].start, &start, NULL) != 0)
			start = inv->aws_ms;
		take_change(&shown, start);
		if (start > own_ms + SAME_MS)
			take_change(&certain, start);
	}
	a = free_ms(&shown, inv->aws_ms);
	b = free_ms(&certain, inv->aws_ms);
	return a > b ? a : b;
}

/* ---- read ---- */

static void ask(struct inventory_page *p, struct request *req)
{
	inventory_ask_by_tags(p, req, ec2_describe_volumes);
}

static int take_in(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	return ec2_read_volumes(xml_root(c->xml), p->inv->arena, &volumes_in(p->inv)->all, e);
}

static struct inventory_rows rows(const struct inventory_page *p)
{
	return INVENTORY_ROWS(volumes_in(p->inv)->all);
}

static void end(struct inventory_page *p)
{
	inventory_keep_ours(p, rows(p), offsetof(struct ec2_volume, tags), resource_volume.kind);
}

static size_t count(const struct inventory_page *p)
{
	return volumes_in(p->inv)->all.n;
}

/* Changes have no tags to be asked for by: they are asked for by the volumes. */
static void ask_changes(struct inventory_page *p, struct request *req)
{
	const struct ec2_volumes *all = &volumes_in(p->inv)->all;
	const char *ids[A_CALL];
	struct ec2_filter filter = { .name = "volume-id", .values = ids };

	for (size_t i = p->at; i < all->n && filter.n < A_CALL; i++)
		ids[filter.n++] = all->v[i].id;
	ec2_describe_modifications(req, &(struct ec2_describe){ .filters = &filter, .filters_n = 1, .next_token = p->token });
}

static int take_changes(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	return ec2_read_modifications(xml_root(c->xml), p->inv->arena, &volumes_in(p->inv)->modifications, e);
}

const struct inventory_read volumes_reads[] = {
	{ .name = "volumes",
	  .action = "ec2:DescribeVolumes",
	  .a_call = 1,
	  .ask = ask,
	  .take_in = take_in,
	  .next = inventory_next_ec2,
	  .rows = rows,
	  .end = end },
	{ .name = "changes of volumes",
	  .action = "ec2:DescribeVolumesModifications",
	  .a_call = A_CALL,
	  .things = count,
	  .ask = ask_changes,
	  .take_in = take_changes,
	  .next = inventory_next_ec2 },
	{ .name = NULL },
};
