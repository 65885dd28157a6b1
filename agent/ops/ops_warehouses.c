/* ops_warehouses.c - see ops_warehouses.h. */
#include "agent/ops/ops_warehouses.h"

#include <stdio.h>

#include "agent/base/str.h"
#include "agent/ops/ops_impl.h"

/* ---- which there are ---- */

struct names {
	const char *v[OPS_WAREHOUSES_MAX];
	size_t n;
};

static void add_name(struct names *to, const char *name)
{
	for (size_t i = 0; i < to->n; i++)
		if (str_eq(to->v[i], name))
			return;
	if (to->n < OPS_WAREHOUSES_MAX)
		to->v[to->n++] = name;
}

static struct names names_of(const struct ops *o)
{
	struct op_changing work;
	struct patrol_seen seen;
	struct names to = { .n = 0 };

	for (size_t i = 0; i < o->shared.wanted.n; i++)
		add_name(&to, o->shared.wanted.v[i].warehouse);
	for (size_t i = 0; i < o->n; i++)
		if (op_is_changing(o->v[i], &work))
			add_name(&to, op_warehouse(o->v[i]));
	for (size_t i = 0; i < o->shared.fates.n; i++)
		add_name(&to, o->shared.fates.v[i].warehouse);
	for (size_t i = 0; patrol_at(o->patrol, i, &seen); i++)
		if (seen.orphans > 0)
			add_name(&to, seen.warehouse);
	return to;
}

size_t ops_warehouses_n(struct ops *o)
{
	return names_of(o).n;
}

/* ---- how one is ---- */

static void find_work(const struct ops *o, const char *warehouse, struct resource_status_work *to)
{
	struct op_changing work;

	for (size_t i = 0; i < o->n; i++)
		if (str_eq(op_warehouse(o->v[i]), warehouse) && op_is_changing(o->v[i], &work))
			*to = (struct resource_status_work){ .verb = work.verb,
							     .args = work.args,
							     .plans = work.plans,
							     .found = json_object_get(work.planned, "found"),
							     .is_birth = fates_is_birth(&o->shared.fates,
											(struct wanted *)&o->shared.wanted,
											warehouse, work.planned) };
}

static void copy(const struct resource_status *from, struct ops_warehouse *to)
{
	to->status = from->status;
	to->clusters_n = from->n;
	for (size_t i = 0; i < from->n; i++) {
		snprintf(to->clusters[i].name, sizeof(to->clusters[i].name), "%s", from->clusters[i].name);
		to->clusters[i].status = from->clusters[i].status;
	}
}

void ops_warehouses_at(struct ops *o, size_t i, struct ops_warehouse *ret)
{
	const char *name = names_of(o).v[i];
	const struct wanted_one *one = wanted_of(&o->shared.wanted, name);
	ProtobufCMessage *args = one != NULL ? wanted_args(one) : NULL;
	struct resource_status_from from = { .fate = fates_of(&o->shared.fates, name),
					     .spec = args != NULL ? one->verb->spec(args) : NULL };
	struct resource_status status;

	*ret = (struct ops_warehouse){ .seen = { .stands_on = "", .unknown = "" } };
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	patrol_of(o->patrol, name, &ret->seen);
	ret->seen.warehouse = ret->name;
	from.nodes = ret->seen.nodes;
	find_work(o, name, &from.work);
	resource_status_of(&from, &status);
	copy(&status, ret);
	verb_args_free(args); /* the names were the spec's */
}
