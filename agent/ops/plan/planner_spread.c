/* planner_spread.c - how the nodes of a cluster are spread: the missing ones are launched where the cluster has fewest, by zone
 * first and by subnet then, in the order of the spec. First come those that get a volume which an ended node has left: among the
 * subnets whose zones have one. */
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"

bool planner_is_one_zone(const struct planning *p, const char *a, const char *b)
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
		if (planner_is_one_zone(p, s->v[i].subnet, s->v[at].subnet))
			n += s->v[i].have + s->v[i].launch;
	return n;
}

static bool is_emptier(const struct planning *p, const struct spread *s, size_t i, size_t best)
{
	size_t zone = in_zone(p, s, i), best_zone = in_zone(p, s, best);

	return zone < best_zone || (zone == best_zone && s->v[i].have + s->v[i].launch < s->v[best].have + s->v[best].launch);
}

/* Where the next one is launched. */
static size_t emptiest(const struct planning *p, const struct spread *s)
{
	size_t best = 0;

	for (size_t i = 1; i < s->n; i++)
		if (is_emptier(p, s, i, best))
			best = i;
	return best;
}

/* Has its zone a volume that is not given yet? */
static bool has_kept(const struct planning *p, const cluster_t *c, const struct spread *s, size_t at)
{
	const struct ec2_subnet *subnet = inventory_subnet(p->inv, s->v[at].subnet);
	size_t given = 0;

	if (subnet == NULL || subnet->zone == NULL || *subnet->zone == '\0')
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (planner_is_one_zone(p, s->v[i].subnet, s->v[at].subnet))
			given += s->v[i].given;
	return planner_kept_in(p, c, subnet->zone) > given;
}

/* The emptiest of those; s->n: there is none. */
static size_t emptiest_kept(const struct planning *p, const cluster_t *c, const struct spread *s)
{
	size_t best = s->n;

	for (size_t i = 0; i < s->n; i++)
		if (has_kept(p, c, s, i) && (best == s->n || is_emptier(p, s, i, best)))
			best = i;
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
				       !planner_is_left(p, &p->inv->instances.v[k]) &&
				       str_eq(p->inv->instances.v[k].subnet_id, s.v[i].subnet);
	for (size_t n = planner_missing(p, c); n > 0; n--) {
		size_t kept = emptiest_kept(p, c, &s);

		if (kept < s.n)
			s.v[kept].given++;
		s.v[kept < s.n ? kept : emptiest(p, &s)].launch++;
	}
	return s;
}
