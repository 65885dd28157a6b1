/* planner_power.c - nodes that stay and do not always run: a cluster that is paused or runs again, and one whose nodes become of
 * another type.
 *
 * A paused cluster's nodes are taken out of their target groups, drained and stopped, when other clusters behind these groups serve
 * without them; what it lacks is launched when it runs again.
 * A cluster that is to run has its stopped nodes started before anything is launched, whoever stopped them.
 *
 * The type of a node can be changed only while it is stopped. So the nodes of a cluster that runs are changed one after the other,
 * each by a plan and in a stage of its own: first one waits until the others serve, then it is taken out, stopped, changed, started
 * and let in again, and the next one follows when it is healthy. To drain takes up to an hour: before anything stops one sees that
 * the others serve still, and if they do not what was taken out is let in again. A plan that fails takes back its own node and no
 * other: those before it are healthy with their new type, and to change them back would interrupt them twice. Its pivot stands
 * where the node runs again: from there on, too, taking back would only interrupt it once more. */
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"

#define RESIZES_MAX 128 /* in one command: a plan each (PLANS_MAX) */

bool planner_is_paused(const cluster_t *c)
{
	return c->power == REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED;
}

bool planner_is_stopped(const struct ec2_instance *i)
{
	return str_starts(i->state, "stop"); /* or about to be */
}

static bool is_of_other_type(const cluster_t *c, const struct ec2_instance *i)
{
	/* What AWS does not tell is not called different. */
	return i->type != NULL && *i->type != '\0' && !str_eq(i->type, planner_one_of_types(c, i->type));
}

/* ---- does the type fit? ---- */

static bool share_arch(const struct ec2_type *a, const struct ec2_type *b)
{
	bool share = a->archs_n == 0 || b->archs_n == 0; /* what AWS does not tell may be right */

	for (size_t i = 0; i < a->archs_n; i++)
		for (size_t k = 0; k < b->archs_n; k++)
			share = share || str_eq(a->archs[i], b->archs[k]);
	return share;
}

/* What runs on the node's disk was made for the processor that it has. */
void planner_check_resize(struct planning *p, const cluster_t *c, const struct ec2_instance *i)
{
	const struct ec2_type *have, *want = inventory_type(p->inv, c->instance_type);

	if (!is_of_other_type(c, i))
		return;
	planner_check_type(p, c, c->instance_type);
	have = inventory_type(p->inv, i->type);
	if (have != NULL && want != NULL && !share_arch(have, want))
		planning_refuse(p, ERR_INVALID, "cluster %s: %s is a %s, and %s has no processor that runs the same programs",
				c->name, i->id, i->type, c->instance_type);
}

/* ---- steps of one list of nodes ---- */

static void add_id(json_t *ids, const struct ec2_instance *i)
{
	json_array_append_new(ids, json_string(i->id));
}

static bool have_disks(const struct planning *p, const struct planner_nodes *have)
{
	bool some = false;

	for (size_t i = 0; i < have->keep; i++)
		some = some || (!planner_is_stopped(have->v[i]) && inventory_has_disks(p->inv, have->v[i]->type));
	return some;
}

static void plan_stop(struct planning *p, json_t *ids, bool disks, bool interrupts)
{
	json_t *args = json_pack("{s:O}", "instances", ids);

	if (disks)
		json_object_set_new(args, "disks", json_true());
	if (interrupts)
		json_object_set_new(args, "interrupts", json_true());
	plan_add(p->b, &kind_stop, args, "stop");
}

static void plan_wait_stopped(struct planning *p, const char *cluster, json_t *ids)
{
	plan_add(p->b, &kind_wait_stopped, json_pack("{s:O}", "instances", ids), "stopped");
	plan_title(p->b, "wait until nodes of %s are stopped", cluster);
}

static void plan_type(struct planning *p, const cluster_t *c, const struct ec2_instance *i)
{
	plan_add(p->b, &kind_modify_type,
		 json_pack("{s:s, s:s, s:s}", "instance", i->id, "type", c->instance_type, "from", i->type), "type-%s", i->id);
	plan_title(p->b, "change the type of a node of %s", c->name);
}

/* Takes types. */
static void plan_start(struct planning *p, const cluster_t *c, json_t *ids, json_t *types)
{
	plan_add(p->b, &kind_start, json_pack("{s:O, s:o}", "instances", ids, "types", types), "start");
	plan_title(p->b, "start nodes of %s", c->name);
}

static void wait_started(struct planning *p, const cluster_t *c, json_t *ids, const char *fact)
{
	CLEANUP(mem_close) char *title = mem_printf("wait until the nodes of %s run again", c->name);

	planner_wait_ready(p, &(struct planner_ready){ .cluster = c->name,
						       .step = "started",
						       .fact = fact,
						       .title = title,
						       .ids = ids,
						       .is_atomic = c->atomic,
						       .is_started = true,
						       .health = c->health });
}

/* ---- paused ---- */

static void note_lacking(struct planning *p, const cluster_t *c, const struct planner_nodes *have)
{
	if (have->keep < c->nodes)
		plan_note(p->b, "%s is paused with %zu of %u nodes: what it lacks is launched when it runs again", c->name,
			  have->keep, c->nodes);
}

void planner_plan_pause(struct planning *p, const cluster_t *c, unsigned stage)
{
	CLEANUP(mem_close) char *name = mem_printf("cluster-%s", c->name);
	struct planner_nodes have = planner_nodes_of(p, c->name, c->nodes), all = have;
	json_t *up = json_array(), *not_yet = json_array();

	all.n = have.keep;
	all.keep = 0;
	for (size_t i = 0; i < have.keep; i++) {
		planner_check_node(p, c, have.v[i]);
		if (!planner_is_stopped(have.v[i]))
			add_id(up, have.v[i]);
		if (!str_eq(have.v[i]->state, "stopped"))
			add_id(not_yet, have.v[i]);
	}
	planning_begin(p, name, stage);
	if (json_array_size(up) > 0)
		planner_each_left(p, &all, planner_others_ready);
	planner_plan_out(p, &all);
	if (json_array_size(up) > 0) {
		planner_each_left(p, &all, planner_others_still);
		plan_stop(p, up, have_disks(p, &have), true);
		plan_title(p->b, "stop the nodes of %s", c->name);
	}
	if (json_array_size(not_yet) > 0)
		plan_wait_stopped(p, c->name, not_yet);
	/* All of it can be taken back, but for volumes that grow. */
	for (size_t i = 0; i < have.keep; i++)
		if (is_of_other_type(c, have.v[i]))
			plan_type(p, c, have.v[i]);
	plan_pivot(p->b);
	planner_plan_volumes(p, c, have.v, have.keep);
	note_lacking(p, c, &have);
	json_decref(up);
	json_decref(not_yet);
	mem_free(have.v);
}

/* ---- runs again ---- */

bool planner_starts(const struct planner_nodes *have)
{
	for (size_t i = 0; i < have->keep; i++)
		if (planner_is_stopped(have->v[i]))
			return true;
	return false;
}

static json_t *stopped_ids(const struct planner_nodes *have, const char *state)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < have->keep; i++)
		if (state != NULL ? str_eq(have->v[i]->state, state) : planner_is_stopped(have->v[i]))
			add_id(ids, have->v[i]);
	return ids;
}

/* As they are when they start. */
static json_t *stopped_types(const cluster_t *c, const struct planner_nodes *have)
{
	json_t *types = json_array();

	for (size_t i = 0; i < have->keep; i++)
		if (planner_is_stopped(have->v[i]))
			json_array_append_new(types, json_string(planner_one_of_types(c, have->v[i]->type)));
	return types;
}

void planner_plan_start(struct planning *p, const cluster_t *c, const struct planner_nodes *have)
{
	json_t *ids = stopped_ids(have, NULL), *stopping = stopped_ids(have, "stopping");

	if (json_array_size(stopping) > 0)
		plan_wait_stopped(p, c->name, stopping);
	for (size_t i = 0; i < have->keep; i++)
		if (planner_is_stopped(have->v[i]) && is_of_other_type(c, have->v[i]))
			plan_type(p, c, have->v[i]);
	if (json_array_size(ids) > 0)
		plan_start(p, c, ids, stopped_types(c, have));
	json_decref(ids);
	json_decref(stopping);
}

void planner_wait_started(struct planning *p, const cluster_t *c, const struct planner_nodes *have)
{
	CLEANUP(mem_close) char *fact = mem_printf("started.%s", c->name);
	json_t *ids = stopped_ids(have, NULL);

	if (json_array_size(ids) > 0)
		wait_started(p, c, ids, fact);
	json_decref(ids);
}

/* ---- another type, node by node ---- */

static void take_out(struct planning *p, const char *cluster, const tg_t *g, json_t *ids)
{
	plan_add(p->b, &kind_deregister, planner_targets(p, g, ids), "deregister-%s", g->name);
	plan_title(p->b, "deregister %s/%s", cluster, g->name);
}

static void wait_drained(struct planning *p, const char *cluster, const tg_t *g, json_t *ids)
{
	plan_add(p->b, &kind_wait_drained, planner_targets(p, g, ids), "drained-%s", g->name);
	plan_title(p->b, "wait until %s/%s is drained", cluster, g->name);
}

static void let_in(struct planning *p, const char *cluster, const tg_t *g, json_t *ids)
{
	json_t *args = planner_targets(p, g, ids);

	/* It has just been started: a look may still show it as it was. */
	json_object_set_new(args, "fresh", json_true());
	plan_add(p->b, &kind_register, args, "register-%s", g->name);
	plan_title(p->b, "register %s/%s", cluster, g->name);
	if (!planner_is_led_to(p, g))
		return;
	plan_add(p->b, &kind_wait_healthy, planner_all_targets(p, g, ids), "healthy-%s", g->name);
	plan_title(p->b, "wait until %s/%s is healthy", cluster, g->name);
}

/* Groups that the spec does not have the cluster behind let it go last of all: until then a node may serve there, too, and is let
 * in again. */
static bool is_wanted_in(const struct planning *p, const cluster_t *c, const struct balancers_target_group *g)
{
	for (size_t i = 0; i < p->spec->n_target_groups; i++)
		if (planner_is_for(p->spec->target_groups[i], c->name) &&
		    planner_target_group_there(p, p->spec->target_groups[i]->name) == g)
			return true;
	return false;
}

static void each_other_group(struct planning *p, const cluster_t *c, json_t *ids, const struct step_kind *kind, const char *step)
{
	const char *id = json_string_value(json_array_get(ids, 0));

	for (size_t i = 0; i < balancers_in(p->inv)->target_groups_n; i++) {
		const struct balancers_target_group *g = &balancers_in(p->inv)->target_groups[i];
		const struct elb_target *t = elb_target_in(&g->targets, id);

		/* One that was leaving already is waited for, and that is all. */
		if (t == NULL || is_wanted_in(p, c, g) || (kind != &kind_wait_drained && str_starts(t->state, "draining")))
			continue;
		plan_add(p->b, kind,
			 json_pack("{s:s, s:O, s:b}", "group_arn", g->g.arn, "instances", ids, "fresh", kind == &kind_register),
			 "%s-%s", step, planner_target_group_word(p, g));
		if (kind == &kind_wait_drained)
			plan_title(p->b, "wait until %s/%s is drained", c->name, planner_target_group_word(p, g));
		else
			plan_title(p->b, "%s %s/%s", step, c->name, planner_target_group_word(p, g));
	}
}

/* The cluster's other nodes, as they are by then. */
static json_t *others_of(const struct planning *p, const struct planner_nodes *have, size_t but)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < have->keep; i++)
		if (i != but && !planner_is_stopped(have->v[i]) && !planner_is_unproven(p, have->v[i]))
			add_id(ids, have->v[i]);
	planner_add_proven(ids, have);
	if (planner_starts(have))
		json_array_append_new(ids, json_sprintf("@started.%s", have->cluster));
	return ids;
}

/* The same when this one is out. Is it unproven itself, then the wait for those names it, too: so of the others each is named by
 * its id, and those that were just launched are not looked at again. */
static json_t *others_still(const struct planning *p, const struct planner_nodes *have, size_t but)
{
	json_t *ids;

	if (!planner_is_unproven(p, have->v[but]))
		return others_of(p, have, but);
	ids = json_array();
	for (size_t i = 0; i < have->keep; i++)
		if (i != but && !planner_is_stopped(have->v[i]))
			add_id(ids, have->v[i]);
	return ids;
}

static void see_others(struct planning *p, const cluster_t *c, const struct planner_nodes *have, size_t but)
{
	CLEANUP(mem_close) char *fact = mem_printf("staying.%s", have->v[but]->id);
	json_t *still = others_still(p, have, but);

	/* Who need not serve need not run; whether anybody must is known of each group. */
	if (p->sick == NULL)
		planner_see_others(p, c->name, still, fact, c->health);
	planner_each_group(p, c->name, still, planner_others_still);
	json_decref(still);
}

/* What the spec says of groups stands by now (the stage of the clusters has registered it), whatever the inventory shows. */
static void plan_resize(struct planning *p, const cluster_t *c, const struct planner_nodes *have, size_t at, unsigned stage)
{
	const struct ec2_instance *i = have->v[at];
	CLEANUP(mem_close) char *name = mem_printf("resize-%s-%s", c->name, i->id), *fact = mem_printf("resized.%s", i->id);
	json_t *ids = json_pack("[s]", i->id), *others = others_of(p, have, at);

	planning_begin(p, name, stage);
	p->sick = planner_is_sick(p, i) ? ids : NULL;
	planner_each_group(p, c->name, others, planner_others_ready);
	planner_each_group(p, c->name, ids, take_out);
	each_other_group(p, c, ids, &kind_deregister, "deregister");
	planner_each_group(p, c->name, ids, wait_drained);
	each_other_group(p, c, ids, &kind_wait_drained, "drained");
	planner_plan_drain(p, c->drain, c->name, ids);
	see_others(p, c, have, at);
	p->sick = NULL;
	plan_stop(p, ids, inventory_has_disks(p->inv, i->type), json_array_size(others) == 0);
	plan_title(p->b, "stop a node of %s", c->name);
	plan_wait_stopped(p, c->name, ids);
	plan_type(p, c, i);
	plan_start(p, c, ids, json_pack("[s]", c->instance_type));
	wait_started(p, c, ids, fact);
	plan_pivot(p->b);
	planner_each_group(p, c->name, ids, let_in);
	each_other_group(p, c, ids, &kind_register, "register");
	json_decref(ids);
	json_decref(others);
}

/* How many stages they take. Who serves least goes first: it is the last one in the order of by_rank. */
static unsigned plan_resizes_of(struct planning *p, const cluster_t *c, unsigned stage, unsigned *all)
{
	struct planner_nodes have = planner_nodes_of(p, c->name, c->nodes);
	unsigned n = 0;

	for (size_t i = have.keep; i-- > 0;) {
		if (planner_is_stopped(have.v[i]) || !is_of_other_type(c, have.v[i]))
			continue;
		if ((*all)++ < RESIZES_MAX)
			plan_resize(p, c, &have, i, stage + n++);
	}
	mem_free(have.v);
	return n;
}

unsigned planner_plan_resizes(struct planning *p, unsigned stage)
{
	unsigned most = 0, all = 0, n;

	for (size_t i = 0; i < p->spec->n_clusters; i++) {
		n = planner_is_paused(p->spec->clusters[i]) ? 0 : plan_resizes_of(p, p->spec->clusters[i], stage, &all);
		most = n > most ? n : most;
	}
	if (all > RESIZES_MAX)
		planning_refuse(p, ERR_UNSUPPORTED,
				"%u nodes would change their instance_type, and one command may change %d: take some clusters at a "
				"time",
				all, RESIZES_MAX);
	return most;
}
