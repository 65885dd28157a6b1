/* planner_replace.c - nodes that others take the place of, one after the other: a plan and a stage for each.
 *
 * A new node is launched as the spec says, first where the old one stands, and waited for until it runs, is registered and, where a
 * listener leads, healthy; then the old one leaves its groups, drained, and ends. Before it ends one looks at the new one again,
 * for draining takes a while. Until it ends, everything can be taken back: a launch that fails, or a node that does not become
 * healthy, leaves the old one alone; one that dies while the old one drains has it let in again; and the next one's turn does not
 * come. One that has ended by itself already comes first, and only has another launched. */
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"

/* ---- what is asked for, held against what is there ---- */

/* Alive, and of the cluster; NULL: it has ended, or is not shown any more. */
static const struct ec2_instance *standing(const struct planning *p, const cluster_t *c, const char *id)
{
	const struct ec2_instance *i = inventory_instance_in(&p->inv->instances, id);

	return i != NULL && planner_is_node(p, i, c->name) ? i : NULL;
}

static void check_node(struct planning *p, const cluster_t *c, const char *id)
{
	const struct ec2_instance *i = inventory_instance_in(&p->inv->instances, id), *node = standing(p, c, id);
	const char *field = node != NULL ? planner_other_launch(c, node) : NULL;

	if (i != NULL && (!planning_is_of_warehouse(p, &i->tags) || !str_eq(ec2_tag_get(&i->tags, "reeve:cluster"), c->name)))
		planning_refuse(p, ERR_INVALID, "instances: %s is no node of cluster %s of %s", id, c->name, p->warehouse);
	else if (field != NULL)
		planning_refuse(
		    p, ERR_EXISTS,
		    "cluster %s: %s is not what %s was launched with, and a node is replaced by one of its kind alone: send "
		    "the spec that stands",
		    c->name, field, id);
}

static const char *first_gone(const struct planning *p, const cluster_t *c, char *const *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (standing(p, c, ids[i]) == NULL)
			return ids[i];
	return NULL;
}

static size_t count_gone(const struct planning *p, const cluster_t *c, char *const *ids, size_t n)
{
	size_t gone = 0;

	for (size_t i = 0; i < n; i++)
		gone += standing(p, c, ids[i]) == NULL;
	return gone;
}

/* Of an id that is not shown nobody can tell whose it was: that a node is missing tells it. */
static void check_count(struct planning *p, const cluster_t *c, char *const *ids, size_t n)
{
	size_t have = planner_count(p, c->name), gone = count_gone(p, c, ids, n);

	if (have + gone > c->nodes && gone > 0)
		planning_refuse(p, ERR_INVALID,
				"instances: %s is not there, and cluster %s has %zu of its %u nodes: so many are not missing",
				first_gone(p, c, ids, n), c->name, have, c->nodes);
	else if (have + gone != c->nodes)
		planning_refuse(
		    p, ERR_EXISTS,
		    "cluster %s: it has %zu nodes, %zu that are named have ended, and the spec wants %u: send the spec by "
		    "warehouse.apply first",
		    c->name, have, gone, c->nodes);
}

void planner_check_replaced(struct planning *p, const cluster_t *c, char *const *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_node(p, c, ids[i]);
	check_count(p, c, ids, n);
}

const struct step *planner_first_change(const struct plans *p, const struct plan **ret_plan)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++)
			if (step_mutates(p->v[i].steps[k].kind)) {
				*ret_plan = &p->v[i];
				return &p->v[i].steps[k];
			}
	return NULL;
}

/* ---- one node ---- */

static void let_in(struct planning *p, const cluster_t *c, const tg_t *g, json_t *ids)
{
	plan_add(p->b, &kind_register, planner_targets(p, g, ids), "register-%s", g->name);
	plan_title(p->b, "register %s/%s", c->name, g->name);
	if (!planner_is_listened(p, g->name))
		return;
	plan_add(p->b, &kind_wait_healthy, planner_targets(p, g, ids), "healthy-%s", g->name);
	plan_title(p->b, "wait until %s/%s is healthy", c->name, g->name);
}

static void look_again(struct planning *p, const cluster_t *c, const tg_t *g, json_t *ids)
{
	if (!planner_is_listened(p, g->name))
		return;
	plan_add(p->b, &kind_wait_healthy, planner_targets(p, g, ids), "still-healthy-%s", g->name);
	plan_title(p->b, "see that %s/%s is still healthy", c->name, g->name);
}

static void wait_up(struct planning *p, const cluster_t *c, json_t *ids, const char *fact, const char *step)
{
	plan_add(p->b, &kind_wait_running,
		 json_pack("{s:s, s:O, s:b, s:s}", "cluster", c->name, "instances", ids, "atomic", 0, "fact", fact), "%s", step);
	plan_title(p->b, str_eq(step, "up") ? "wait until the node of %s runs" : "see that the node of %s still runs", c->name);
}

/* The node, behind all others of its cluster, which stay. */
static struct planner_nodes leaving(const struct planning *p, const cluster_t *c, const struct ec2_instance *node)
{
	struct planner_nodes all = planner_nodes_of(p, c->name, 0);
	size_t n = 0;

	for (size_t i = 0; i < all.n; i++)
		if (all.v[i] != node)
			all.v[n++] = all.v[i];
	all.v[n] = node;
	all.keep = n;
	all.come = 1;
	return all;
}

static void plan_leave(struct planning *p, const cluster_t *c, const struct planner_substitute *s, json_t *ids)
{
	struct planner_nodes have = leaving(p, c, standing(p, c, s->of));

	planner_plan_out(p, &have);
	wait_up(p, c, ids, s->fact, "still-up");
	planner_each_group(p, c, ids, look_again);
	/* Until here all of it can be taken back: the old one is let in again, and the new one goes. */
	plan_pivot(p->b);
	planner_plan_end(p, &have);
	mem_free(have.v);
}

static void plan_one(struct planning *p, const cluster_t *c, const struct planner_substitute *s, unsigned stage)
{
	CLEANUP(mem_close) char *name = mem_printf("replace-%s", s->of);
	json_t *ids = json_array();

	json_array_append_new(ids, json_sprintf("@%s", s->fact));
	planning_begin(p, name, stage);
	planner_plan_substitute(p, c, s);
	wait_up(p, c, ids, s->fact, "up");
	planner_each_group(p, c, ids, let_in);
	/* Who serves leaves only behind this. */
	if (s->is_beside)
		plan_leave(p, c, s, ids);
	json_decref(ids);
}

/* ---- one after the other ---- */

/* Where nodes are missing: number `at` of those that would be launched. */
static const char *missing_in(const struct spread *s, size_t at)
{
	for (size_t i = 0; i < s->n; i++) {
		if (at < s->v[i].launch)
			return s->v[i].subnet;
		at -= s->v[i].launch;
	}
	return s->v[0].subnet; /* the count is refused, and so is the plan */
}

static const char *subnet_of(const cluster_t *c, const struct ec2_instance *i)
{
	char *const *subnets;

	spec_subnets(c, &subnets);
	return i->subnet_id != NULL && *i->subnet_id != '\0' ? i->subnet_id : subnets[0];
}

struct replacing {
	struct spread missing;
	size_t held; /* nodes that the cluster has by then, the new ones of those that are gone with them */
	unsigned stages;
};

static void plan_next(struct planning *p, const cluster_t *c, const char *id, struct replacing *r)
{
	const struct ec2_instance *node = standing(p, c, id);
	CLEANUP(mem_close) char *fact = mem_printf("new.%s", id);
	struct planner_substitute s = { .of = id, .fact = fact, .held = r->held, .is_beside = node != NULL };

	s.subnet = node != NULL ? subnet_of(c, node) : missing_in(&r->missing, r->stages);
	plan_one(p, c, &s, r->stages++);
	r->held += node == NULL;
	if (inventory_instance_in(&p->inv->instances, id) == NULL)
		plan_note(p->b, "%s is not shown any more: a node of %s is missing, and another is launched", id, c->name);
}

/* Those that are gone first, then the others in the order in which they are named. */
void planner_plan_replaced(struct planning *p, const cluster_t *c, char *const *ids, size_t n)
{
	struct replacing r = { planner_spread(p, c), planner_count(p, c->name), 0 };

	for (size_t i = 0; i < n; i++)
		if (standing(p, c, ids[i]) == NULL)
			plan_next(p, c, ids[i], &r);
	for (size_t i = 0; i < n; i++)
		if (standing(p, c, ids[i]) != NULL)
			plan_next(p, c, ids[i], &r);
}
