/* planner_drain.c - nodes are drained before they go: behind their target groups, which send them nothing new by then, each is
 * asked to finish what it has, or is given the time to. Only a cluster that the spec names says how, or a command that has no
 * spec. A node that is lost may be too sick for it: where the agent heals, it is asked all the same, and goes whatever comes of
 * that. */
#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"

#define CALL_WAIT_S 600 /* docs: control.proto, Drain */
#define LOST_WAIT_S                                                                                                                \
	300 /* of a node that is lost, at most: more than that a heal, in which another must come first, has no time for */

const Reeve__Control__V1__Drain *planner_drain_of(const struct planning *p, const char *cluster)
{
	for (size_t i = 0; p->spec != NULL && i < p->spec->n_clusters; i++)
		if (str_eq(p->spec->clusters[i]->name, cluster))
			return p->spec->clusters[i]->drain;
	return NULL;
}

bool planner_drains(const Reeve__Control__V1__Drain *d)
{
	return d != NULL && d->call != NULL;
}

void planner_plan_drain(struct planning *p, const Reeve__Control__V1__Drain *d, const char *cluster, json_t *ids)
{
	uint32_t wait_s = d != NULL && d->wait_s > 0 ? d->wait_s : CALL_WAIT_S;
	json_t *args;

	if (d == NULL || json_array_size(ids) == 0 || (d->call == NULL && d->wait_s == 0))
		return;
	if (p->is_heal && wait_s > LOST_WAIT_S)
		wait_s = LOST_WAIT_S;
	args = json_pack("{s:O, s:I}", "instances", ids, "wait_s", (json_int_t)wait_s);
	if (d->call != NULL)
		planner_add_endpoint(p, d->call, args);
	if (d->call != NULL && p->is_heal)
		json_object_set_new(args, "goes_anyway", json_true());
	plan_add(p->b, d->call != NULL ? &kind_drain : &kind_wait_time, args, "drain");
	plan_title(p->b, d->call != NULL ? "drain nodes of %s" : "give nodes of %s time to drain", cluster);
}
