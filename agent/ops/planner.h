/* planner.h - desired state against observed state: the plan of a command, from the signed command and one inventory alone.
 *
 * Step names and with them tokens come from the spec (cluster, role, purpose), never from what the inventory showed: a
 * re-plan asks AWS with the same token. */
#pragma once
#include "agent/ops/inventory.h"
#include "agent/ops/plan.h"
#include "agent/ops/spec.h"

struct planner_args {
	struct owner owner;
	const char *command; /* id as text */
	const struct inventory *inv;
};

/* -ERR_UNSUPPORTED names what this version cannot change yet. The spec has passed spec_check. */
int planner_apply(const struct planner_args *a, const spec_t *spec, struct plans **ret, struct err *e);
int planner_delete(const struct planner_args *a, const char *warehouse, struct plans **ret, struct err *e);

/* Alive nodes of the whole installation: what bounds.nodes_total counts. */
uint32_t planner_nodes(const struct inventory *inv);
/* The generation on the tags of what is there; 0: nothing. */
uint64_t planner_generation(const struct inventory *inv, const char *warehouse);
