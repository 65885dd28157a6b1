/* report_warehouses.c - see report_warehouses.h. */
#include "agent/control/report_warehouses.h"

#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"
#include "agent/ops/ops_warehouses.h"

typedef Reeve__Control__V1__WarehouseStatus warehouse_t;
typedef Reeve__Control__V1__Drift drift_t;

#define FRAME 8 /* tag and length of a message within another, at most */

static char *text(struct arena *m, const char *s)
{
	char *copy = arena_str(m, s);

	str_mend(copy);
	return copy;
}

static drift_t *drift_of(const json_t *j, struct arena *m)
{
	drift_t *d = arena_new(m, drift_t);

	reeve__control__v1__drift__init(d);
	d->resource = text(m, json_str_or(j, "resource", ""));
	d->field = text(m, json_str_or(j, "field", ""));
	d->difference = text(m, json_str_or(j, "difference", ""));
	d->since = json_int_or(j, "since_ms", 0);
	return d;
}

static Reeve__Control__V1__ClusterStatus **clusters_of(const struct ops_warehouse *from, struct arena *m)
{
	Reeve__Control__V1__ClusterStatus **list = arena_alloc(m, (from->clusters_n + 1) * sizeof(*list));

	for (size_t i = 0; i < from->clusters_n; i++) {
		list[i] = arena_new(m, Reeve__Control__V1__ClusterStatus);
		reeve__control__v1__cluster_status__init(list[i]);
		list[i]->cluster = text(m, from->clusters[i].name);
		list[i]->status = from->clusters[i].status;
	}
	return list;
}

static warehouse_t *warehouse_of(const struct ops_warehouse *from, struct arena *m)
{
	const struct patrol_seen *s = &from->seen;
	warehouse_t *w = arena_new(m, warehouse_t);
	uint8_t *id = arena_alloc(m, UUID_LEN);

	reeve__control__v1__warehouse_status__init(w);
	w->warehouse = text(m, from->name);
	w->status = from->status;
	w->clusters = clusters_of(from, m);
	w->n_clusters = from->clusters_n;
	if (uuid_parse(s->stands_on, id) == 0)
		w->stands_on = (ProtobufCBinaryData){ UUID_LEN, id };
	w->generation = s->generation;
	w->looked_at = s->looked_ms;
	w->drifts_total = s->total;
	w->unknown = text(m, s->unknown);
	w->drifts = arena_alloc(m, (REPORT_DRIFTS_MAX + 1) * sizeof(*w->drifts));
	return w;
}

/* As many as there is room for: the first ones are those that a plan would begin with. */
static size_t add_drifts(warehouse_t *w, const json_t *drifts, size_t room, struct arena *m)
{
	size_t used = 0;

	for (size_t i = 0; i < json_array_size(drifts) && w->n_drifts < REPORT_DRIFTS_MAX; i++) {
		drift_t *d = drift_of(json_array_get(drifts, i), m);
		size_t bytes = reeve__control__v1__drift__get_packed_size(d) + FRAME;

		if (used + bytes > room)
			break;
		used += bytes;
		w->drifts[w->n_drifts++] = d;
	}
	return used;
}

/* Of one that nothing but a left volume speaks of there is no status. */
static bool is_told(const struct ops_warehouse *w)
{
	return w->status != REEVE__CONTROL__V1__RESOURCE_STATUS__RESOURCE_STATUS_UNSPECIFIED || *w->seen.stands_on != '\0' ||
	       *w->seen.unknown != '\0';
}

size_t report_add_warehouses(Reeve__Control__V1__Report *r, struct ops *ops, struct arena *m)
{
	size_t room = REPORT_WAREHOUSES_MAX, n = ops_warehouses_n(ops);
	struct ops_warehouse *one = arena_new(m, struct ops_warehouse);

	r->warehouses = arena_alloc(m, (n + 1) * sizeof(*r->warehouses));
	for (size_t i = 0; i < n; i++) {
		warehouse_t *w;
		size_t bytes;

		ops_warehouses_at(ops, i, one);
		if (!is_told(one))
			continue;
		w = warehouse_of(one, m);
		bytes = reeve__control__v1__warehouse_status__get_packed_size(w) + FRAME;
		if (bytes > room)
			continue;
		room -= bytes;
		r->warehouses[r->n_warehouses++] = w;
		/* A share for each that may follow: one that differs everywhere must not keep the others out. */
		room -= add_drifts(w, one->seen.drifts, room / 2, m);
	}
	return REPORT_WAREHOUSES_MAX - room;
}
