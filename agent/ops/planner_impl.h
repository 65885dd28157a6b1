/* planner_impl.h - what the files of the planner share: planner.c (the two verbs and the stages), planner_group.c (security
 * groups), planner_balancer.c (target groups, load balancers, listeners), planner_cluster.c (nodes), planner_rest.c (what
 * nobody wants any more). Nobody else includes this. */
#pragma once
#include "agent/ops/planner.h"

typedef Reeve__Control__V1__SecurityGroup group_t;
typedef Reeve__Control__V1__TargetGroup tg_t;
typedef Reeve__Control__V1__LoadBalancer lb_t;
typedef Reeve__Control__V1__Cluster cluster_t;
typedef Reeve__Control__V1__Tag tag_t;

/* One command being planned. */
struct planning {
	const struct planner_args *a;
	const struct inventory *inv;
	const spec_t *spec; /* NULL when deleting */
	const char *warehouse;
	struct plan_builder *b;
	const char *plan; /* the one that is open */
	struct err err;   /* the first thing this version cannot do */
};

/* planner.c */
void planner_begin(struct planning *p, const char *plan, unsigned stage);
bool planner_is_of_warehouse(const struct planning *p, const struct ec2_tags *t);
/* Tags of one new thing. The order is fixed, so that one spec gives one plan, byte for byte. cluster: or NULL. */
json_t *planner_tags(const struct planning *p, const char *cluster, const char *step, tag_t *const *more, size_t more_n);
/* What stands for a thing in arguments: its id, or the fact that its creation will leave. */
json_t *planner_ref(const char *id, const char *kind, const char *name);

/* planner_group.c: names are the spec's */
void planner_group_name(const struct planning *p, const char *name, char to[256]);
const struct ec2_group *planner_group_there(const struct planning *p, const char *name); /* or NULL */
void planner_plan_group(struct planning *p, const group_t *want);

/* planner_balancer.c: names are the spec's */
const struct inventory_group *planner_tg_there(const struct planning *p, const char *name); /* or NULL */
json_t *planner_tg_ref(const struct planning *p, const char *name);
void planner_plan_tg(struct planning *p, const tg_t *want);
void planner_plan_lb(struct planning *p, const lb_t *want);

/* planner_cluster.c */
bool planner_is_node(const struct planning *p, const struct ec2_instance *i, const char *cluster); /* alive, and of it */
void planner_plan_cluster(struct planning *p, const cluster_t *c, unsigned stage);
void planner_plan_no_cluster(struct planning *p, const char *cluster, unsigned stage); /* all its nodes go */

/* planner_rest.c */
void planner_plan_lost_clusters(struct planning *p, unsigned stage);
void planner_plan_rest(struct planning *p, const char *plan, unsigned stage);
