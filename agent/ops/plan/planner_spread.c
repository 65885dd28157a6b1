/* planner_spread.c - how the nodes of a cluster are spread: the missing ones are launched where the cluster has fewest, by zone
 * first and by subnet then, in the order of the spec. */
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"

/* Two subnets of one zone fail together. A zone that AWS does not tell is the subnet's own. */
static bool is_one_zone(const struct planning *p, const char *a, const char *b)
{
	const struct ec2_subnet *x = inventory_subnet(p->inv, a), *y = inventory_subnet(p->inv, b);

	if (str_eq(a, b))
		return true;
	return x != NULL && y != NULL && x->zone != NULL && *x->zone != '\0' && str_eq(x->zone, y->zone);
}

static size_t in_zone(const struct planning *p, const struct spread *s, size_t at)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (is_one_zone(p, s->v[i].subnet, s->v[at].subnet))
			n += s->v[i].have + s->v[i].launch;
	return n;
}

/* Where the next one is launched. */
static size_t emptiest(const struct planning *p, const struct spread *s)
{
	size_t best = 0;

	for (size_t i = 1; i < s->n; i++) {
		size_t zone = in_zone(p, s, i), best_zone = in_zone(p, s, best);
		size_t here = s->v[i].have + s->v[i].launch, best_here = s->v[best].have + s->v[best].launch;

		if (zone < best_zone || (zone == best_zone && here < best_here))
			best = i;
	}
	return best;
}

struct spread planner_spread(const struct planning *p, const cluster_t *c)
{
	char *const *subnets;
	struct spread s = { .n = spec_subnets(c, &subnets) };

	for (size_t i = 0; i < s.n; i++)
		s.v[i].subnet = subnets[i];
	for (size_t k = 0; k < p->inv->instances.n; k++)
		for (size_t i = 0; i < s.n; i++)
			s.v[i].have += planner_is_node(p, &p->inv->instances.v[k], c->name) &&
				       str_eq(p->inv->instances.v[k].subnet_id, s.v[i].subnet);
	for (size_t n = planner_missing(p, c); n > 0; n--)
		s.v[emptiest(p, &s)].launch++;
	return s;
}
