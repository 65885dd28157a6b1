/* planner_others.c - nodes leave because others serve in their place: these are looked at before the first of them leaves its
 * groups, and once more when all have drained, straight before the call that stops or ends them (which is not made on an old
 * look, run_anew.c). If they do not serve then, what was taken out is let in again.
 *
 * Who is ill serves nobody. So where all that leave are ill the others need not serve: else of two that are ill none could ever be
 * rebooted, or made of another type. That is asked before they leave, for they may have come back by then; who has to serve for
 * them is a fact of each group, and straight before the call only that is looked at again.
 *
 * Which others: all that stay behind a group that listeners lead to, of whatever cluster, and of the same cluster all that run.
 * Where the cluster has an endpoint its own answer for themselves, too. */
#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"

/* In the last stages all listeners lead where the spec wants them to. */
bool planner_is_led_to(const struct planning *p, const tg_t *g)
{
	for (size_t i = 0; i < p->spec->n_load_balancers; i++)
		for (size_t k = 0; k < p->spec->load_balancers[i]->n_listeners; k++)
			if (str_eq(p->spec->load_balancers[i]->listeners[k]->target_group, g->name))
				return true;
	return false;
}

void planner_leave_sick(struct planning *p, const char *group, json_t *args)
{
	json_object_set(args, "leave", p->sick);
	json_object_set_new(args, "fact", json_sprintf("serve.%s.%s", p->plan, group));
}

json_t *planner_for_sick(const struct planning *p, const char *group)
{
	return json_pack("[o]", json_sprintf("@serve.%s.%s", p->plan, group));
}

void planner_others_ready(struct planning *p, const char *cluster, const tg_t *g, json_t *ids)
{
	json_t *args;

	if (!planner_is_led_to(p, g))
		return;
	args = planner_all_targets(p, g, ids);
	if (p->sick != NULL)
		planner_leave_sick(p, g->name, args);
	plan_add(p->b, &kind_wait_healthy, args, "ready-%s", g->name);
	plan_title(p->b, "wait until others of %s/%s are healthy", cluster, g->name);
}

void planner_others_still(struct planning *p, const char *cluster, const tg_t *g, json_t *ids)
{
	json_t *serve;

	if (!planner_is_led_to(p, g))
		return;
	serve = p->sick != NULL ? planner_for_sick(p, g->name) : json_incref(ids);
	plan_add(p->b, &kind_wait_healthy, planner_all_targets(p, g, serve), "still-ready-%s", g->name);
	plan_title(p->b, "see that others of %s/%s are still healthy", cluster, g->name);
	json_decref(serve);
}

/* A target that is ill, or on its way out, serves nobody whose loss others would have to make up for. */
static bool serves_in(const struct balancers_target_group *g, const char *id)
{
	const struct elb_target *t = g != NULL ? elb_target_in(&g->targets, id) : NULL;

	return t != NULL && !str_starts(t->state, "unhealthy") && !str_starts(t->state, "draining");
}

/* A target of a group that no listener leads to is "unused", and tells nothing of its node. */
bool planner_is_sick(const struct planning *p, const struct ec2_instance *i)
{
	bool is_ill = false;

	for (size_t g = 0; g < balancers_in(p->inv)->target_groups_n; g++) {
		const struct elb_target *t = elb_target_in(&balancers_in(p->inv)->target_groups[g].targets, i->id);

		if (t == NULL || str_eq(t->state, "unused"))
			continue;
		if (!str_starts(t->state, "unhealthy"))
			return false;
		is_ill = true;
	}
	return is_ill;
}

static bool some_serve(const struct planning *p, const tg_t *g, const struct ec2_instance *const *v, size_t n)
{
	const struct balancers_target_group *there = planner_target_group_there(p, g->name);

	for (size_t i = 0; i < n; i++)
		if (serves_in(there, v[i]->id))
			return true;
	return false;
}

void planner_each_left(struct planning *p, const struct planner_nodes *have, planner_group_steps *plan)
{
	for (size_t i = 0; p->spec != NULL && i < p->spec->n_target_groups; i++) {
		const tg_t *g = p->spec->target_groups[i];
		bool is_left = some_serve(p, g, have->v + have->keep, have->n - have->keep);
		json_t *ids = is_left ? planner_nodes_behind(p, g) : NULL;

		if (json_array_size(ids) > 0)
			plan(p, have->cluster, g, ids);
		json_decref(ids);
	}
}

static json_t *running_args(const char *cluster, json_t *ids, const char *fact)
{
	return json_pack("{s:s, s:O, s:s, s:b}", "cluster", cluster, "instances", ids, "fact", fact, "atomic", 1);
}

void planner_see_others(struct planning *p, const char *cluster, json_t *ids, const char *fact,
			const Reeve__Control__V1__NodeEndpoint *health)
{
	json_t *args;

	if (json_array_size(ids) == 0)
		return;
	plan_add(p->b, &kind_wait_running, running_args(cluster, ids, fact), "still-up");
	plan_title(p->b, "see that the others of %s run", cluster);
	if (health == NULL)
		return;
	args = running_args(cluster, ids, fact);
	planner_add_endpoint(p, health, args);
	plan_add(p->b, &kind_wait_answers, args, "still-answer");
	plan_title(p->b, "see that the others of %s answer that they are healthy", cluster);
}
