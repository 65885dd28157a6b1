/* inventory_guard.c - termination protection of nodes and deletion protection of load balancers, each asked for by a call of its
 * own: so only of what a plan would end. */
#include <string.h>

#include "agent/base/str.h"
#include "agent/ops/account/inventory_impl.h"

static bool is_asked(const struct inventory_guards *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i].id, id))
			return true;
	return false;
}

void inventory_guard_want(struct inventory *inv, const char *const *ids, size_t n)
{
	struct inventory_guards all = { arena_alloc(inv->arena, (inv->guards.n + n + 1) * sizeof(*all.v)), inv->guards.n };

	if (all.n > 0)
		memcpy(all.v, inv->guards.v, all.n * sizeof(*all.v));
	for (size_t i = 0; i < n; i++)
		if (!is_asked(&all, ids[i]))
			all.v[all.n++] = (struct inventory_guard){ .id = ids[i] };
	inv->guards = all;
}

static bool is_balancer(const struct inventory_guard *g)
{
	return str_starts(g->id, "arn:");
}

void inventory_guard_ask(const struct inventory_guard *g, struct request *req)
{
	if (is_balancer(g))
		elb_describe_load_balancer_attributes(req, g->id);
	else
		ec2_describe_termination_protection(req, g->id);
}

int inventory_guard_read(const struct xml_node *root, struct inventory_guard *g, struct err *e)
{
	return is_balancer(g) ? elb_read_deletion_protection(root, &g->is_on, e)
			      : ec2_read_termination_protection(root, &g->is_on, e);
}
