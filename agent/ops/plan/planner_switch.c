/* planner_switch.c - listeners that stand and are to lead elsewhere: moved when the nodes that they will lead to are healthy. ELB
 * looks at the health of a group only once a listener leads to it, so until then the group stands beside the old one with weight 0:
 * a plan that fails has taken nothing out of service. */
#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"

/* NULL: it leads there, or does not stand yet. */
static const struct elb_listener *to_be_moved(const struct planning *p, const lb_t *lb, size_t i)
{
	const struct elb_listener *l = planner_listener_at(planner_lb_there(p, lb->name), lb->listeners[i]->port);
	const struct balancers_target_group *g = planner_target_group_there(p, lb->listeners[i]->target_group);

	/* One that leads there already and has a group beside it was left so, perhaps by a command that ended halfway: it is put
	 * right. */
	return l != NULL && (g == NULL || !str_eq(l->target_group_arn, g->g.arn) || l->beside_arn != NULL) ? l : NULL;
}

/* A listener that leads to a group without targets is as good as deleted. */
static bool is_empty(const struct planning *p, const char *tg)
{
	json_t *ids = planner_nodes_behind(p, planner_target_group_named(p, tg));
	bool is = json_array_size(ids) == 0;

	json_decref(ids);
	return is;
}

/* Beside the group that it leads to; one that leads to none is moved at once, and one that has it beside it already is asked
 * again. */
static void stand_beside(struct planning *p, const lb_t *lb, size_t i)
{
	const struct elb_listener *l = to_be_moved(p, lb, i);
	const char *tg = lb->listeners[i]->target_group;
	const struct balancers_target_group *g = planner_target_group_there(p, tg);

	/* An empty group has no health that could be waited for. */
	if (l != NULL && *l->target_group_arn != '\0' && !is_empty(p, tg) &&
	    (g == NULL || !str_eq(l->target_group_arn, g->g.arn))) {
		plan_add(p->b, &kind_modify_listener,
			 json_pack("{s:s, s:i, s:s, s:s, s:o}", "arn", l->arn, "port", (int)l->port, "group_arn",
				   l->target_group_arn, "from_group_arn", l->target_group_arn, "beside_arn",
				   planner_target_group_ref(p, tg)),
			 "beside-%s-%u", lb->name, l->port);
		plan_title(p->b, "add %s without weight to listener %s:%u", tg, lb->name, l->port);
	}
}

static void move(struct planning *p, const lb_t *lb, size_t i)
{
	const struct elb_listener *l = to_be_moved(p, lb, i);
	const char *tg = lb->listeners[i]->target_group;

	if (l != NULL) {
		plan_add(p->b, &kind_modify_listener,
			 json_pack("{s:s, s:i, s:o, s:s, s:b}", "arn", l->arn, "port", (int)l->port, "group_arn",
				   planner_target_group_ref(p, tg), "from_group_arn", l->target_group_arn, "leads_nowhere",
				   is_empty(p, tg)),
			 "move-%s-%u", lb->name, l->port);
		plan_title(p->b, "move listener %s:%u to %s", lb->name, l->port, tg);
	}
}

static bool is_moved_to(const struct planning *p, const char *tg)
{
	for (size_t i = 0; i < p->spec->n_load_balancers; i++)
		for (size_t k = 0; k < p->spec->load_balancers[i]->n_listeners; k++)
			if (str_eq(p->spec->load_balancers[i]->listeners[k]->target_group, tg) &&
			    to_be_moved(p, p->spec->load_balancers[i], k) != NULL)
				return true;
	return false;
}

static void each_listener(struct planning *p, void (*plan)(struct planning *p, const lb_t *lb, size_t i))
{
	for (size_t i = 0; i < p->spec->n_load_balancers; i++)
		for (size_t k = 0; k < p->spec->load_balancers[i]->n_listeners; k++)
			plan(p, p->spec->load_balancers[i], k);
}

static void wait_healthy(struct planning *p, const tg_t *g)
{
	json_t *ids = planner_nodes_behind(p, g);

	if (json_array_size(ids) > 0) {
		plan_add(p->b, &kind_wait_healthy, planner_all_targets(p, g, ids), "healthy-%s", g->name);
		plan_title(p->b, "wait until %s is healthy", g->name);
	}
	json_decref(ids);
}

void planner_plan_switch(struct planning *p, unsigned stage)
{
	planning_begin(p, "switch", stage);
	/* No pivot: each of these steps can be taken back, so a failure at the last listener leads the first one back, too. */
	each_listener(p, stand_beside);
	for (size_t i = 0; i < p->spec->n_target_groups; i++)
		if (is_moved_to(p, p->spec->target_groups[i]->name))
			wait_healthy(p, p->spec->target_groups[i]);
	each_listener(p, move);
}
