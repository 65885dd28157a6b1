/* inventory.c - what an inventory knows, looked up; inventory_take.c makes one. */
#include "agent/ops/account/inventory_impl.h"

#include <assert.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

#define SHELVES_MAX 32

struct inventory_shelf {
	const struct resource *of;
	void *v;
};

struct inventory *inventory_new(void)
{
	struct inventory *inv = mem_new(struct inventory);

	inv->arena = arena_new_sized(INVENTORY_ARENA);
	inv->shelves = arena_alloc(inv->arena, SHELVES_MAX * sizeof(*inv->shelves));
	return inv;
}

void inventory_free(struct inventory *inv)
{
	if (inv == NULL)
		return;
	arena_free(inv->arena);
	mem_free(inv);
}

void *inventory_shelf(const struct inventory *inv, const struct resource *of, size_t size)
{
	struct inventory_shelf *s = inv->shelves;

	/* The first shelf without a kind ends the list, and there always is one. A kind that was never read gets an empty shelf:
	 * nothing of it is shown. */
	for (; s->of != NULL; s++)
		if (s->of == of)
			return s->v;
	assert(s < inv->shelves + SHELVES_MAX - 1);
	*s = (struct inventory_shelf){ of, arena_alloc(inv->arena, size) };
	return s->v;
}

bool inventory_is_alive(const struct ec2_instance *i)
{
	/* A stopped node is alive: it keeps its volumes, and still counts among the nodes of its cluster. */
	return !str_eq(i->state, "terminated") && !str_eq(i->state, "shutting-down");
}

const struct ec2_status *inventory_status(const struct inventory *inv, const char *id)
{
	for (size_t i = 0; i < inv->statuses.n; i++)
		if (str_eq(inv->statuses.v[i].id, id))
			return &inv->statuses.v[i];
	return NULL;
}

const struct ec2_subnet *inventory_subnet(const struct inventory *inv, const char *id)
{
	for (size_t i = 0; i < inv->subnets.n; i++)
		if (str_eq(inv->subnets.v[i].id, id))
			return &inv->subnets.v[i];
	return NULL;
}

const struct ec2_image *inventory_image(const struct inventory *inv, const char *id)
{
	for (size_t i = 0; i < inv->images.n; i++)
		if (str_eq(inv->images.v[i].id, id))
			return &inv->images.v[i];
	return NULL;
}

bool inventory_is_ours(const struct owner *o, const struct ec2_tags *t)
{
	return str_eq(ec2_tag_get(t, "resource-created-by"), o->vendor) &&
	       str_eq(ec2_tag_get(t, "reeve:installation"), o->installation);
}

bool inventory_is_guarded(const struct inventory *inv, const char *id)
{
	for (size_t i = 0; i < inv->guards.n; i++)
		if (str_eq(inv->guards.v[i].thing.id, id))
			return inv->guards.v[i].is_on;
	return false;
}

const struct ec2_type *inventory_type(const struct inventory *inv, const char *name)
{
	for (size_t i = 0; i < inv->types.n; i++)
		if (str_eq(inv->types.v[i].name, name))
			return &inv->types.v[i];
	return NULL;
}

bool inventory_has_disks(const struct inventory *inv, const char *type)
{
	const struct ec2_type *t = inventory_type(inv, type);

	/* If a type with disks counted as one without, ending its nodes would need one key where their data needs two. */
	return t == NULL || t->has_disks;
}

json_t *inventory_volumes_of(const struct ec2_instance *i)
{
	json_t *ids = json_array();

	for (uint32_t k = 0; k < i->data_volumes && i->data_volume_ids != NULL; k++)
		json_array_append_new(ids, json_string(i->data_volume_ids[k]));
	return ids;
}

const struct ec2_instance *inventory_instance_in(const struct ec2_instances *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i].id, id))
			return &list->v[i];
	return NULL;
}
