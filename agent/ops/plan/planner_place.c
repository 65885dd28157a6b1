/* planner_place.c - where what is new is to stand: a subnet has as many free addresses as AWS shows, and a load balancer leads to
 * nodes in its own zones alone. What does not fit is refused before anything is made. */
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"

/* ---- free addresses ---- */

static size_t names(const lb_t *lb, const char *subnet)
{
	for (size_t i = 0; i < lb->n_subnet_ids; i++)
		if (str_eq(lb->subnet_ids[i], subnet))
			return 1;
	return 0;
}

static size_t launched_in(const struct planning *p, const cluster_t *c, const char *subnet)
{
	struct spread s = planner_spread(p, c);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += str_eq(s.v[i].subnet, subnet) ? s.v[i].launch : 0;
	return n;
}

/* What the first `lbs` load balancers and the first `clusters` clusters of the spec take in a subnet. A balancer has one interface
 * in each (Network Load Balancers, quotas). */
static size_t taken(const struct planning *p, const char *subnet, size_t lbs, size_t clusters)
{
	size_t n = 0;

	/* In the order in which the plan makes them: balancers are of the first stage. What stands already has its addresses. */
	for (size_t i = 0; i < lbs; i++)
		n += planner_lb_there(p, p->spec->load_balancers[i]->name) == NULL ? names(p->spec->load_balancers[i], subnet) : 0;
	for (size_t i = 0; i < clusters; i++)
		n += launched_in(p, p->spec->clusters[i], subnet);
	return n;
}

/* An earlier part that does not fit was refused already. */
static bool has_room(const struct planning *p, const char *subnet, size_t n)
{
	const struct ec2_subnet *s = inventory_subnet(p->inv, subnet);

	/* A subnet that is not shown was refused before (planning_subnet). */
	return s == NULL || !s->tells_free || n <= s->free;
}

static void check_lb_room(struct planning *p, size_t at)
{
	const lb_t *lb = p->spec->load_balancers[at];

	for (size_t i = 0; i < lb->n_subnet_ids && planner_lb_there(p, lb->name) == NULL; i++)
		if (!has_room(p, lb->subnet_ids[i], taken(p, lb->subnet_ids[i], at + 1, 0)))
			planning_refuse(
			    p, ERR_AGAIN,
			    "load_balancers[%zu]: subnet_ids[%zu]: %s has no capacity: it has %u of the %zu addresses that "
			    "this plan takes; free some, or name another subnet",
			    at, i, lb->subnet_ids[i], inventory_subnet(p->inv, lb->subnet_ids[i])->free,
			    taken(p, lb->subnet_ids[i], at + 1, 0));
}

static void check_cluster_room(struct planning *p, size_t at)
{
	const cluster_t *c = p->spec->clusters[at];
	struct spread s = planner_spread(p, c);

	for (size_t i = 0; i < s.n; i++) {
		const char *subnet = s.v[i].subnet;
		size_t n = taken(p, subnet, p->spec->n_load_balancers, at + 1);

		if (s.v[i].launch > 0 && !has_room(p, subnet, n))
			planning_refuse(
			    p, ERR_AGAIN,
			    "clusters[%zu]: %s: %s has no capacity: it has %u of the %zu addresses that this plan takes; free "
			    "some, ask for fewer nodes, or name another subnet",
			    at, c->n_subnet_ids > 0 ? "subnet_ids" : "subnet_id", subnet, inventory_subnet(p->inv, subnet)->free,
			    n);
	}
}

/* ---- zones ---- */

static const char *zone_of(const struct planning *p, const char *subnet)
{
	const struct ec2_subnet *s = inventory_subnet(p->inv, subnet);

	return s != NULL && s->zone != NULL ? s->zone : "";
}

/* A zone that AWS does not tell may be the right one. */
static bool serves_zone(const struct planning *p, const lb_t *lb, const char *zone)
{
	for (size_t i = 0; i < lb->n_subnet_ids; i++)
		if (*zone == '\0' || *zone_of(p, lb->subnet_ids[i]) == '\0' || str_eq(zone_of(p, lb->subnet_ids[i]), zone))
			return true;
	return false;
}

static bool leads_to(const struct planning *p, const lb_t *lb, const char *cluster)
{
	for (size_t i = 0; i < lb->n_listeners; i++) {
		const tg_t *g = planner_target_group_named(p, lb->listeners[i]->target_group);

		if (g != NULL && planner_is_for(g, cluster))
			return true;
	}
	return false;
}

/* Target groups for Network Load Balancers, target health: a target in a zone that is not enabled is unused, for ever. */
static void check_zones(struct planning *p, const lb_t *lb)
{
	for (size_t i = 0; i < p->spec->n_clusters; i++) {
		const cluster_t *c = p->spec->clusters[i];
		char *const *subnets;
		size_t n = spec_subnets(c, &subnets);

		for (size_t k = 0; k < n && c->nodes > 0 && leads_to(p, lb, c->name); k++)
			if (!serves_zone(p, lb, zone_of(p, subnets[k])))
				planning_refuse(
				    p, ERR_INVALID,
				    "clusters[%zu]: %s: %s is in %s, where load balancer %s has no subnet: no traffic would "
				    "reach its nodes",
				    i, c->n_subnet_ids > 0 ? "subnet_ids" : "subnet_id", subnets[k], zone_of(p, subnets[k]),
				    lb->name);
	}
}

void planner_check_places(struct planning *p)
{
	for (size_t i = 0; i < p->spec->n_load_balancers; i++)
		check_lb_room(p, i);
	for (size_t i = 0; i < p->spec->n_clusters; i++)
		check_cluster_room(p, i);
	for (size_t i = 0; i < p->spec->n_load_balancers; i++)
		check_zones(p, p->spec->load_balancers[i]);
}
