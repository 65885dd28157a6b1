/* planner_drain.c - nodes are drained before they go: behind their target groups, which send them nothing new by then, each is
 * asked to finish what it has, or is given the time to. Only a cluster that the spec names says how. */
#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"

#define CALL_WAIT_S 600 /* docs: control.proto, Drain */

static const Reeve__Control__V1__Drain *drain_of(const struct planning *p, const char *cluster)
{
	for (size_t i = 0; p->spec != NULL && i < p->spec->n_clusters; i++)
		if (str_eq(p->spec->clusters[i]->name, cluster))
			return p->spec->clusters[i]->drain;
	return NULL;
}

void planner_plan_drain(struct planning *p, const char *cluster, json_t *ids)
{
	const Reeve__Control__V1__Drain *d = drain_of(p, cluster);
	json_t *args;

	if (d == NULL || json_array_size(ids) == 0 || (d->call == NULL && d->wait_s == 0))
		return;
	args = json_pack("{s:O, s:I}", "instances", ids, "wait_s", (json_int_t)(d->wait_s > 0 ? d->wait_s : CALL_WAIT_S));
	if (d->call != NULL)
		planner_add_endpoint(p, d->call, args);
	plan_add(p->b, d->call != NULL ? &kind_drain : &kind_wait_time, args, "drain");
	plan_title(p->b, d->call != NULL ? "drain nodes of %s" : "give nodes of %s time to drain", cluster);
}
