/* planner_rest.c - what nobody wants any more: clusters that the spec does not name, listeners, then what was shared. When all of a
 * warehouse is deleted, nothing of it is wanted. */
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/groups.h"

/* Each cluster is planned once: at its first node in the inventory. */
void planner_plan_lost_clusters(struct planning *p, unsigned stage)
{
	for (size_t i = 0; i < p->inv->instances.n; i++) {
		const struct ec2_instance *in = &p->inv->instances.v[i];
		const char *cluster = ec2_tag_get(&in->tags, "reeve:cluster");
		bool first = true;

		if (cluster == NULL || !planner_is_node(p, in, cluster) || planner_wants_cluster(p, cluster))
			continue;
		/* Was an earlier node of the list one of this cluster? Then its plan is made. */
		for (size_t k = 0; k < i; k++)
			first = first && !planner_is_node(p, &p->inv->instances.v[k], cluster);
		if (first)
			planner_plan_no_cluster(p, cluster, stage);
	}
}

static void plan_no_lb(struct planning *p, const struct balancers_lb *lb)
{
	if (inventory_is_guarded(p->inv, lb->lb.arn))
		planning_refuse(p, ERR_INVALID,
				"load balancer %s is protected from deletion; take its protection off (its attribute "
				"deletion_protection.enabled), and send the command again",
				lb->lb.name);
	plan_add(p->b, &kind_delete_load_balancer, json_pack("{s:s, s:b}", "arn", lb->lb.arn, "in_use", lb->listeners.n > 0),
		 "nolb-%s", planner_lb_word(p, lb));
	plan_title(p->b, "delete load balancer %s", planner_lb_word(p, lb));
}

static bool wants_group(const struct planning *p, const char *full)
{
	char name[256];

	for (size_t i = 0; p->spec != NULL && i < p->spec->n_security_groups; i++) {
		planner_group_name(p, p->spec->security_groups[i]->name, name);
		if (str_eq(name, full))
			return true;
	}
	return false;
}

void planner_plan_rest(struct planning *p, const char *name, unsigned stage)
{
	planning_begin(p, name, stage);
	plan_pivot(p->b);
	/* In the order in which they let go of each other: a listener holds its target group, a balancer its listeners, and rules
	 * and interfaces hold their security group. */
	for (size_t i = 0; p->spec != NULL && i < p->spec->n_load_balancers; i++)
		planner_trim_listeners(p, p->spec->load_balancers[i]);
	for (size_t i = 0; p->spec != NULL && i < p->spec->n_target_groups; i++)
		planner_plan_departures(p, p->spec->target_groups[i]);
	for (size_t i = 0; i < balancers_in(p->inv)->lbs_n; i++) {
		const struct balancers_lb *lb = &balancers_in(p->inv)->lbs[i];

		if (planning_is_of_warehouse(p, &lb->lb.tags) && !planner_wants_short(p, "lb", lb->lb.name))
			plan_no_lb(p, lb);
	}
	for (size_t i = 0; i < balancers_in(p->inv)->target_groups_n; i++) {
		const struct balancers_target_group *g = &balancers_in(p->inv)->target_groups[i];

		if (!planning_is_of_warehouse(p, &g->g.tags) || planner_wants_short(p, "tg", g->g.name))
			continue;
		plan_add(p->b, &kind_delete_target_group, json_pack("{s:s}", "arn", g->g.arn), "notg-%s",
			 planner_target_group_word(p, g));
		plan_title(p->b, "delete target group %s", planner_target_group_word(p, g));
	}
	for (size_t i = 0; i < groups_in(p->inv)->n; i++) {
		const struct ec2_group *g = &groups_in(p->inv)->v[i];

		if (!planning_is_of_warehouse(p, &g->tags) || wants_group(p, g->name))
			continue;
		/* The name has the id in it: groups of two VPCs may bear one name, and steps of one plan may not. */
		plan_add(p->b, &kind_delete_security_group, json_pack("{s:s}", "group_id", g->id), "nosg-%s-%s", g->name, g->id);
		plan_title(p->b, "delete group %s", planner_group_word(p, g));
	}
}
