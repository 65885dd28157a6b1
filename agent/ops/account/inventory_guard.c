/* inventory_guard.c - what is asked for its protection: termination protection of nodes, deletion protection of load balancers.
 * Each is asked for by a call of its own (struct resource_guard), so only of what the plan would end. */
#include <string.h>

#include "agent/base/str.h"
#include "agent/ops/account/inventory_impl.h"
#include "agent/ops/account/resource.h"

static bool is_asked(const struct inventory_guards *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i].thing.id, id))
			return true;
	return false;
}

void inventory_guard_want(struct inventory *inv, const struct inventory_thing *things, size_t n)
{
	struct inventory_guards all = { arena_alloc(inv->arena, (inv->guards.n + n + 1) * sizeof(*all.v)), inv->guards.n };

	/* What is asked for already stays at its place: the taking counts its way through this list while it grows. */
	if (all.n > 0)
		memcpy(all.v, inv->guards.v, all.n * sizeof(*all.v));
	for (size_t i = 0; i < n; i++)
		if (things[i].of->guard != NULL && !is_asked(&all, things[i].id))
			all.v[all.n++] = (struct inventory_guard){ .thing = things[i] };
	inv->guards = all;
}
