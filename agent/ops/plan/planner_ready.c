/* planner_ready.c - when a node that was launched, started or rebooted counts as ready: it runs, has the volume that it is to get
 * from another, its status checks are ok, and where the spec names an endpoint it answers there. Each wait leaves those that have
 * passed it in the same fact, so that the next one, and all that follows, rests on these alone. Of a reboot, which has no spec, the
 * command names the endpoint.
 *
 * A reboot is asked for, and begins a while later: until then the node looks healthy. EC2 makes its checks once a minute, so
 * what they say counts when one can have been made since it began. A batch that does not come back whole ends the roll. */
#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"

#define QUIET_S 30        /* by then a reboot has begun */
#define CHECKS_QUIET_S 60 /* and from then on one check has been made anew */

static json_t *ready_args(const struct planner_ready *r, json_t *ids, int quiet_s)
{
	json_t *args = json_pack("{s:s, s:O, s:s}", "cluster", r->cluster, "instances", ids, "fact", r->fact);

	/* A batch that is not whole ends the roll. */
	if (r->is_atomic || r->is_rebooted)
		json_object_set_new(args, "atomic", json_true());
	if (r->is_started)
		json_object_set_new(args, "started", json_true());
	if (quiet_s > 0)
		json_object_set_new(args, "quiet_s", json_integer(quiet_s));
	return args;
}

/* Of those that have passed the wait before. */
static json_t *passed_args(const struct planner_ready *r, int quiet_s)
{
	json_t *ids = json_array(), *args;

	json_array_append_new(ids, json_sprintf("@%s", r->fact));
	args = ready_args(r, ids, quiet_s);
	json_decref(ids);
	return args;
}

static void wait_status(struct planning *p, const struct planner_ready *r)
{
	json_t *args = passed_args(r, r->is_rebooted ? CHECKS_QUIET_S : 0);

	plan_add(p->b, &kind_wait_status_ok, args, "%s-ok", r->step);
	plan_title(p->b, "wait until status checks of %s pass", r->cluster);
}

void planner_add_endpoint(const struct planning *p, const Reeve__Control__V1__NodeEndpoint *n, json_t *args)
{
	const char *vpc = p->spec != NULL ? p->spec->vpc_id : p->asked_vpc;
	json_t *blocks = json_array();

	for (size_t i = 0; i < p->inv->vpcs.n; i++)
		for (size_t k = 0; str_eq(p->inv->vpcs.v[i].id, vpc) && k < p->inv->vpcs.v[i].cidrs_n; k++)
			json_array_append_new(blocks, json_string(p->inv->vpcs.v[i].cidrs[k]));
	json_object_set_new(args, "cidrs", blocks);
	json_object_set_new(args, "vpc_id", json_string(vpc));
	json_object_set_new(args, "port", json_integer(n->port));
	json_object_set_new(args, "path", json_string(n->path));
}

static void wait_answers(struct planning *p, const struct planner_ready *r)
{
	json_t *args = passed_args(r, 0);

	planner_add_endpoint(p, r->health, args);
	plan_add(p->b, &kind_wait_answers, args, "%s-healthy", r->step);
	plan_title(p->b, "wait until nodes of %s answer that they are healthy", r->cluster);
}

void planner_wait_ready(struct planning *p, const struct planner_ready *r)
{
	plan_add(p->b, &kind_wait_running, ready_args(r, r->ids, r->is_rebooted ? QUIET_S : r->quiet_s), "%s", r->step);
	plan_title(p->b, "%s", r->title);
	planner_attach(p, r->cluster, r->given, r->fact);
	wait_status(p, r);
	if (r->health != NULL)
		wait_answers(p, r);
}
