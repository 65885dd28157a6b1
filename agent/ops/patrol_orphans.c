/* patrol_orphans.c - see patrol_orphans.h. */
#include "agent/ops/patrol_orphans.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/ops/steps/volumes.h"

uint32_t patrol_orphans_count(const struct inventory *inv, const char *warehouse, uint32_t before)
{
	uint32_t n = volumes_left(inv, warehouse);

	if (n != before)
		log_info("patrol.orphans", "warehouse=%s volumes=%u before=%u", warehouse, n, before);
	return n;
}

static bool has_room_for(const json_t *list, struct wanted *wanted, const char *warehouse)
{
	return json_object_get(list, warehouse) == NULL && json_object_size(list) < PATROL_ORPHANS_MAX &&
	       strlen(warehouse) < sizeof(wanted->v[0].warehouse) && wanted_of(wanted, warehouse) == NULL;
}

json_t *patrol_orphans_beside(const struct inventory *inv, struct wanted *wanted, const struct fates *fates, const json_t *before)
{
	const struct ec2_volumes *all = &volumes_in(inv)->all;
	json_t *list = json_object(), *n;
	const char *warehouse;

	/* A number that was told once ends with a zero, and does not only vanish. */
	for (size_t i = 0; i < fates->n; i++)
		if (has_room_for(list, wanted, fates->v[i].warehouse))
			json_object_set_new(list, fates->v[i].warehouse, json_integer(0));
	for (size_t i = 0; i < all->n; i++) {
		const char *of = ec2_tag_get(&all->v[i].tags, "reeve:warehouse");

		if (of != NULL && volumes_is_left(inv, &all->v[i]) && has_room_for(list, wanted, of))
			json_object_set_new(list, of, json_integer(0));
	}
	json_object_foreach(list, warehouse, n)
		json_integer_set(n, patrol_orphans_count(inv, warehouse, (uint32_t)json_int_or(before, warehouse, 0)));
	return list;
}
