/* ops_warehouses.h - the warehouses that are known: those of which a spec stands, or is not known any more; those that an operation
 * is making; and those that were deleted or could not be made (fates.h); and those that a volume is of which no node has. */
#pragma once
#include "agent/ops/ops.h"
#include "agent/ops/patrol.h"
#include "agent/ops/patrol_orphans.h"
#include "agent/ops/resource_status.h"

#define OPS_WAREHOUSES_MAX (WANTED_MAX + FATES_MAX + OPS_OPEN_MAX + PATROL_ORPHANS_MAX)

/* Valid until the next turn of the loop. */
struct ops_warehouse {
	char name[33];
	struct patrol_seen seen; /* of one that is not looked after: all zero, its texts empty */
	struct {
		char name[33];
		resource_status_t status;
	} clusters[RESOURCE_STATUS_CLUSTERS_MAX];
	size_t clusters_n;
	resource_status_t status;
};

size_t ops_warehouses_n(struct ops *o);
void ops_warehouses_at(struct ops *o, size_t i, struct ops_warehouse *ret); /* i < ops_warehouses_n */
