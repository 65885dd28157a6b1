/* planner_cluster.c - the nodes of a cluster: what is missing is launched, waited for and registered, and only then are surplus
 * nodes ended, in the order of by_rank. */
#include <stdlib.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"

static bool is_held(const struct planning *p, const struct ec2_instance *i, const char *cluster)
{
	return inventory_is_alive(i) && planning_is_of_warehouse(p, &i->tags) &&
	       str_eq(ec2_tag_get(&i->tags, "reeve:cluster"), cluster);
}

bool planner_is_node(const struct planning *p, const struct ec2_instance *i, const char *cluster)
{
	return is_held(p, i, cluster) && !planning_is_apart(p, i->id);
}

bool planner_is_left(const struct planning *p, const struct ec2_instance *i)
{
	return json_has_text(p->a->left, i->id);
}

bool planner_wants_cluster(const struct planning *p, const char *cluster)
{
	for (size_t i = 0; p->spec != NULL && i < p->spec->n_clusters; i++)
		if (str_eq(p->spec->clusters[i]->name, cluster))
			return true;
	return false;
}

/* How healthy a target is: 0 is best. A group that no listener leads to says nothing of its targets. */
static unsigned ill_of(const char *state)
{
	return str_eq(state, "healthy") || str_eq(state, "unused") ? 0 : str_eq(state, "initial") ? 1 : 2;
}

static bool is_registered(const struct balancers_target_group *g, const char *id)
{
	const struct elb_target *t = g != NULL ? elb_target_in(&g->targets, id) : NULL;

	return t != NULL && !str_eq(t->state, "draining");
}

/* Where no spec tells which groups are for its cluster: one in which others of it are. */
static bool is_out_alone(const struct planning *p, const struct ec2_instance *i, const char *cluster)
{
	for (size_t g = 0; cluster != NULL && g < balancers_in(p->inv)->target_groups_n; g++) {
		const struct balancers_target_group *there = &balancers_in(p->inv)->target_groups[g];

		for (size_t k = 0; k < p->inv->instances.n && !is_registered(there, i->id); k++)
			if (planner_is_node(p, &p->inv->instances.v[k], cluster) && is_registered(there, p->inv->instances.v[k].id))
				return true;
	}
	return false;
}

bool planner_is_out(const struct planning *p, const struct ec2_instance *i, bool while_others_are_in)
{
	const char *cluster = ec2_tag_get(&i->tags, "reeve:cluster");

	if (p->spec == NULL)
		return is_out_alone(p, i, cluster);
	for (size_t g = 0; cluster != NULL && g < p->spec->n_target_groups; g++) {
		const struct balancers_target_group *there = planner_target_group_there(p, p->spec->target_groups[g]->name);

		if (there != NULL && (!while_others_are_in || there->targets.n > 0) &&
		    planner_is_for(p->spec->target_groups[g], cluster) && !is_registered(there, i->id))
			return true;
	}
	return false;
}

static bool is_impaired(const struct ec2_status *s)
{
	return s != NULL && (s->ending != NULL || str_eq(s->system, "impaired") || str_eq(s->instance, "impaired"));
}

/* How far a node is from serving, 0 for one that does. Of what holds, the worst row counts:
 *
 *   a heal has left it: another stands in its place                6
 *   its status checks fail, or AWS is about to stop or end it      5
 *   stopped, or about to be                                        4
 *   it comes up (pending)                                          3
 *   not in a group for its cluster, while others are               2
 *   a target that is neither healthy, unused nor initial           2
 *   a target that ELB has just begun to look at (initial)          1
 *   else                                                           0 */
static unsigned ill(const struct planning *p, const struct ec2_instance *i)
{
	unsigned most = str_starts(i->state, "stop") ? 4 : str_eq(i->state, "pending") ? 3 : planner_is_out(p, i, true) ? 2 : 0;

	if (planner_is_left(p, i))
		return 6;
	if (is_impaired(inventory_status(p->inv, i->id)))
		return 5;
	for (size_t g = 0; g < balancers_in(p->inv)->target_groups_n; g++) {
		const struct elb_target *t = elb_target_in(&balancers_in(p->inv)->target_groups[g].targets, i->id);

		if (t != NULL && ill_of(t->state) > most)
			most = ill_of(t->state);
	}
	return most;
}

bool planner_is_unproven(const struct planning *p, const struct ec2_instance *i)
{
	return !planner_is_stopped(i) && (!str_eq(i->state, "running") || planner_is_out(p, i, true));
}

struct ranked {
	const struct ec2_instance *node;
	bool is_guarded;
	unsigned ill;
};

/* Which of two nodes stays rather than the other, by the first row in which they differ:
 *
 *   how far it is from serving (ill)   the nearer
 *   protected from termination         the protected
 *   nodes that stay in its zone        the fewer (take_turns)
 *   launched                           the earlier
 *   id                                 the smaller, so that two looks at one account end the same node  */
static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	/* Times of AWS are ISO 8601 in UTC, so their text sorts as they do. */
	int c = strcmp(x->node->launch_time, y->node->launch_time);

	if (x->ill != y->ill)
		return x->ill < y->ill ? -1 : 1;
	/* Protection counts only among equals: a sick node is not kept in place of a healthy one because it is protected. The plan
	 * that would end it is refused (check_guards). */
	if (x->is_guarded != y->is_guarded)
		return x->is_guarded ? -1 : 1;
	/* The id decides at last, so that no two are equal: one inventory gives one plan. */
	return c != 0 ? c : strcmp(x->node->id, y->node->id);
}

static size_t kept_in_zone(const struct ranked *all, size_t n, const char *zone)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		kept += str_eq(all[i].node->az, zone);
	return kept;
}

/* Among equals the zones take turns, so that those that stay are spread: number i is of the zone that has the fewest before it. */
static void take_turns(struct ranked *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t best = i, fewest = kept_in_zone(all, i, all[i].node->az);
		struct ranked one;

		for (size_t k = i + 1; k < n && all[k].ill == all[i].ill && all[k].is_guarded == all[i].is_guarded; k++) {
			size_t kept = kept_in_zone(all, i, all[k].node->az);

			if (kept < fewest) {
				fewest = kept;
				best = k;
			}
		}
		one = all[best];
		memmove(all + i + 1, all + i, (best - i) * sizeof(*all));
		all[i] = one;
	}
}

static struct ranked ranked(const struct planning *p, const struct ec2_instance *i)
{
	return (struct ranked){ i, inventory_is_guarded(p->inv, i->id), ill(p, i) };
}

struct planner_nodes planner_nodes_of(const struct planning *p, const char *cluster, size_t wanted)
{
	struct planner_nodes list = { .cluster = cluster, .v = mem_alloc((p->inv->instances.n + 1) * sizeof(*list.v)) };
	struct ranked *all = mem_alloc((p->inv->instances.n + 1) * sizeof(*all));
	size_t stand;

	for (size_t i = 0; i < p->inv->instances.n; i++)
		if (planner_is_node(p, &p->inv->instances.v[i], cluster))
			all[list.n++] = ranked(p, &p->inv->instances.v[i]);
	qsort(all, list.n, sizeof(*all), by_rank);
	take_turns(all, list.n);
	for (size_t i = 0; i < list.n; i++)
		list.v[i] = all[i].node;
	mem_free(all);
	/* The best come first, so those that stay are the first ones; and those that heals have left come last, and never stay. */
	stand = planner_count(p, cluster);
	list.keep = stand < wanted ? stand : wanted;
	list.launches = stand < wanted;
	for (size_t i = 0; i < list.keep; i++)
		list.waits = list.waits || planner_is_unproven(p, list.v[i]);
	return list;
}

size_t planner_count(const struct planning *p, const char *cluster)
{
	size_t n = 0;

	for (size_t i = 0; i < p->inv->instances.n; i++)
		n += planner_is_node(p, &p->inv->instances.v[i], cluster) && !planner_is_left(p, &p->inv->instances.v[i]);
	return n;
}

size_t planner_held(const struct planning *p, const char *cluster)
{
	size_t n = 0;

	for (size_t i = 0; i < p->inv->instances.n; i++)
		n += is_held(p, &p->inv->instances.v[i], cluster);
	return n;
}

size_t planner_missing(const struct planning *p, const cluster_t *c)
{
	size_t n = planner_count(p, c->name);

	if (planner_is_paused(c))
		return 0;
	return n < c->nodes ? c->nodes - n : 0;
}

static void add_id(json_t *ids, const struct ec2_instance *i)
{
	json_array_append_new(ids, json_string(i->id));
}

json_t *planner_staying(const struct planning *p, const cluster_t *c)
{
	struct planner_nodes have = planner_nodes_of(p, c->name, c->nodes);
	json_t *ids = json_array();

	for (size_t i = 0; i < have.keep; i++)
		add_id(ids, have.v[i]);
	mem_free(have.v);
	return ids;
}

void planner_add_proven(json_t *ids, const struct planner_nodes *have)
{
	if (have->launches || have->waits)
		json_array_append_new(ids, json_sprintf("@nodes.%s", have->cluster));
}

/* New nodes, and old ones that were still coming up when we looked, or that an earlier command has left out as not ready. */
static void plan_up(struct planning *p, const cluster_t *c, const struct planner_nodes *have, const json_t *given)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < have->keep; i++)
		if (planner_is_unproven(p, have->v[i]))
			add_id(ids, have->v[i]);
	if (have->launches)
		planner_add_launched(p, c, ids);
	if (json_array_size(ids) > 0) {
		CLEANUP(mem_close) char *fact = mem_printf("nodes.%s", c->name);
		CLEANUP(mem_close) char *title = mem_printf("wait until the nodes of %s run", c->name);

		planner_wait_ready(p, &(struct planner_ready){ .cluster = c->name,
							       .step = "up",
							       .fact = fact,
							       .title = title,
							       .ids = ids,
							       .is_atomic = c->atomic,
							       .given = given,
							       .health = c->health });
	}
	json_decref(ids);
}

/* A group that no listener leads to has no health to wait for (target state "unused"). */
static void wait_healthy(struct planning *p, const cluster_t *c, const tg_t *g, json_t *ids)
{
	if (!planner_is_listened(p, g->name))
		return;
	plan_add(p->b, &kind_wait_healthy, c->atomic ? planner_all_targets(p, g, ids) : planner_targets(p, g, ids), "healthy-%s",
		 g->name);
	plan_title(p->b, "wait until %s/%s is healthy", c->name, g->name);
}

/* Those that are waited for are known by the fact that the wait leaves, and only those of them that are ready. */
static json_t *to_register(const struct planning *p, const tg_t *g, const struct planner_nodes *have)
{
	const struct balancers_target_group *there = planner_target_group_there(p, g->name);
	bool some_wait = have->launches;
	json_t *ids = json_array();

	for (size_t i = 0; i < have->keep; i++) {
		bool is_in = is_registered(there, have->v[i]->id), is_unproven = planner_is_unproven(p, have->v[i]);

		some_wait = some_wait || (is_unproven && !is_in);
		if (!is_in && !is_unproven && !planner_is_stopped(have->v[i]))
			add_id(ids, have->v[i]);
	}
	if (some_wait)
		planner_add_proven(ids, have);
	return ids;
}

/* Between two images: the upgrade itself lets in who is to serve in the place of those that it ends. */
static bool is_for_the_upgrade(const struct planning *p, const char *cluster)
{
	for (size_t i = 0; p->is_upgrade && i < p->inv->instances.n; i++) {
		const struct ec2_instance *in = &p->inv->instances.v[i];
		const char *of = ec2_tag_get(&in->tags, "reeve:cluster");

		if (of != NULL && str_eq(of, cluster) && planning_is_apart(p, in->id))
			return true;
	}
	return false;
}

static void plan_register(struct planning *p, const cluster_t *c, const tg_t *g, const struct planner_nodes *have)
{
	json_t *ids = is_for_the_upgrade(p, have->cluster) ? json_array() : to_register(p, g, have);

	/* One that was registered all the time is let in again all the same: so its health is waited for. */
	if (planner_starts(have))
		json_array_append_new(ids, json_sprintf("@started.%s", have->cluster));
	if (json_array_size(ids) > 0) {
		json_t *args = planner_targets(p, g, ids);

		/* Of those that have just been started a look may still show them as they were. */
		if (planner_starts(have))
			json_object_set_new(args, "fresh", json_true());
		plan_add(p->b, &kind_register, args, "register-%s", g->name);
		plan_title(p->b, "register %s/%s", have->cluster, g->name);
		wait_healthy(p, c, g, ids);
	}
	json_decref(ids);
}

json_t *planner_nodes_behind(const struct planning *p, const tg_t *g)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < p->spec->n_clusters; i++) {
		const cluster_t *c = p->spec->clusters[i];
		/* Of a cluster that the group does not serve, or that is paused, none is wanted: so none stays and none is
		 * launched. */
		bool serves = planner_is_for(g, c->name) && !planner_is_paused(c);
		struct planner_nodes have = planner_nodes_of(p, c->name, serves ? c->nodes : 0);

		for (size_t k = 0; k < have.keep; k++)
			if (!planner_is_unproven(p, have.v[k]))
				add_id(ids, have.v[k]);
		planner_add_proven(ids, &have);
		mem_free(have.v);
	}
	return ids;
}

static void plan_deregister(struct planning *p, const struct balancers_target_group *g, const struct planner_nodes *have)
{
	json_t *ids = json_array();

	for (size_t i = have->keep; i < have->n; i++)
		if (is_registered(g, have->v[i]->id))
			add_id(ids, have->v[i]);
	/* That these may be the last targets is judged where the nodes end: "leaves_none" of the same plan. */
	if (json_array_size(ids) > 0) {
		plan_add(p->b, &kind_deregister, json_pack("{s:s, s:O}", "group_arn", g->g.arn, "instances", ids), "deregister-%s",
			 planner_target_group_word(p, g));
		plan_title(p->b, "deregister %s/%s", have->cluster, planner_target_group_word(p, g));
	}
	json_decref(ids);
}

/* A target that is out still serves what was connected, for as long as the group's delay; so does one that was taken out before
 * this plan. */
static void plan_drained(struct planning *p, const struct balancers_target_group *g, const struct planner_nodes *have)
{
	json_t *ids = json_array();

	for (size_t i = have->keep; i < have->n; i++)
		if (elb_target_in(&g->targets, have->v[i]->id) != NULL)
			add_id(ids, have->v[i]);
	if (json_array_size(ids) > 0) {
		plan_add(p->b, &kind_wait_drained, json_pack("{s:s, s:O}", "group_arn", g->g.arn, "instances", ids), "drained-%s",
			 planner_target_group_word(p, g));
		plan_title(p->b, "wait until %s/%s is drained", have->cluster, planner_target_group_word(p, g));
	}
	json_decref(ids);
}

static json_t *volumes_of(const struct planner_nodes *have)
{
	json_t *of = json_object();

	/* The volumes are listed by node, so that those of a node that is left out of the call are not told as deleted. */
	for (size_t i = have->keep; i < have->n; i++)
		json_object_set_new(of, have->v[i]->id, inventory_volumes_of(have->v[i]));
	return of;
}

/* What goes with the nodes. A node that is still coming up may have volumes that EC2 does not show yet. */
static void add_losses(const struct planning *p, json_t *args, const struct planner_nodes *have)
{
	uint32_t volumes = 0;
	bool unseen = false, disks = false;

	for (size_t i = have->keep; i < have->n; i++) {
		volumes += have->v[i]->data_volumes;
		disks = disks || inventory_has_disks(p->inv, have->v[i]->type);
		unseen = unseen || str_eq(have->v[i]->state, "pending");
	}
	if (volumes > 0) {
		json_object_set_new(args, "volumes", json_integer(volumes));
		json_object_set_new(args, "volumes_of", volumes_of(have));
	}
	if (disks)
		json_object_set_new(args, "disks", json_true());
	if (unseen)
		json_object_set_new(args, "unseen_volumes", json_true());
	/* The cluster would have no node left: that needs a second key, volumes or not (docs/wire.md section 8). */
	if (have->keep + have->come == 0)
		json_object_set_new(args, "leaves_none", json_true());
}

/* TerminateInstances is refused for it, and by then it would be out of service. */
static void check_guards(struct planning *p, const struct planner_nodes *have)
{
	for (size_t i = have->keep; i < have->n; i++)
		if (inventory_is_guarded(p->inv, have->v[i]->id))
			planning_refuse(
			    p, ERR_INVALID,
			    "cluster %s: %s is protected from termination, so it cannot be ended; take its protection off (EC2 "
			    "attribute disableApiTermination), and send the command again",
			    have->cluster, have->v[i]->id);
}

/* All our target groups are looked at, not those of the spec alone: a node may still serve behind a group that nobody wants any
 * more. The nodes are taken out of all of them at once, and then each group is waited for. */
void planner_plan_out(struct planning *p, const struct planner_nodes *have)
{
	json_t *ids = json_array();

	for (size_t g = 0; g < balancers_in(p->inv)->target_groups_n; g++)
		plan_deregister(p, &balancers_in(p->inv)->target_groups[g], have);
	for (size_t g = 0; g < balancers_in(p->inv)->target_groups_n; g++)
		plan_drained(p, &balancers_in(p->inv)->target_groups[g], have);
	for (size_t i = have->keep; i < have->n; i++)
		if (str_eq(have->v[i]->state, "running"))
			add_id(ids, have->v[i]);
	planner_plan_drain(p, planner_drain_of(p, have->cluster), have->cluster, ids);
	json_decref(ids);
}

void planner_plan_end(struct planning *p, const struct planner_nodes *have)
{
	json_t *ids = json_array(), *args;

	check_guards(p, have);
	for (size_t i = have->keep; i < have->n; i++)
		add_id(ids, have->v[i]);
	/* "of": how many there are by then. The share that may end at once is of these (rates.ended_at_once). */
	args = json_pack("{s:O, s:I}", "instances", ids, "of", (json_int_t)have->n + (json_int_t)have->come);
	if (have->come > 0)
		json_object_set_new(args, "cluster", json_string(have->cluster));
	add_losses(p, args, have);
	planner_add_kept(p, args, have->v + have->keep, have->n - have->keep);
	plan_add(p->b, &kind_terminate, args, "terminate");
	plan_title(p->b, "terminate nodes of %s", have->cluster);
	plan_add(p->b, &kind_wait_terminated, json_pack("{s:O}", "instances", ids), "gone");
	plan_title(p->b, "wait until nodes of %s are terminated", have->cluster);
	json_decref(ids);
}

void planner_plan_cluster(struct planning *p, const cluster_t *c, unsigned stage)
{
	CLEANUP(mem_close) char *name = mem_printf("cluster-%s", c->name);
	struct planner_nodes have = planner_nodes_of(p, c->name, c->nodes);
	json_t *given = json_array();

	for (size_t i = 0; i < have.keep; i++)
		planner_check_node(p, c, have.v[i]);
	planning_begin(p, name, stage);
	planner_attach_lacking(p, c, &have);
	planner_plan_start(p, c, &have);
	if (have.launches)
		planner_plan_launches(p, c, have.n, given);
	plan_up(p, c, &have, given);
	json_decref(given);
	planner_wait_started(p, c, &have);
	/* Behind this the nodes stay, also when they do not become healthy: the plan then ends as failed, and the next command goes
	 * on with them. */
	plan_pivot(p->b);
	for (size_t i = 0; i < p->spec->n_target_groups; i++)
		if (planner_is_for(p->spec->target_groups[i], c->name))
			plan_register(p, c, p->spec->target_groups[i], &have);
	/* A volume that was changed cannot be changed back. */
	planner_plan_volumes(p, c, have.v, have.keep);
	mem_free(have.v);
}

/* Of one that was still coming up the wait for it tells. */
static void see_staying(struct planning *p, const cluster_t *c, const struct planner_nodes *have)
{
	CLEANUP(mem_close) char *fact = mem_printf("staying.%s", have->cluster);
	json_t *ids = json_array();
	bool some_serve = false;

	/* For those that are out, ill or left nobody has to make up: to end them must be possible while another is ill. */
	for (size_t i = have->keep; i < have->n; i++)
		some_serve = some_serve || ill(p, have->v[i]) < 2;
	if (!some_serve) {
		json_decref(ids);
		return;
	}
	for (size_t i = 0; i < have->keep; i++)
		if (!planner_is_stopped(have->v[i]) && !planner_is_unproven(p, have->v[i]))
			add_id(ids, have->v[i]);
	planner_see_others(p, have->cluster, ids, fact, c->health);
	json_decref(ids);
}

void planner_plan_surplus(struct planning *p, const cluster_t *c, unsigned stage)
{
	CLEANUP(mem_close) char *name = mem_printf("end-%s", c->name);
	struct planner_nodes have = planner_nodes_of(p, c->name, c->nodes);

	have.come = planner_missing(p, c);
	planning_begin(p, name, stage);
	if (have.n > have.keep) {
		planner_each_left(p, &have, planner_others_ready);
		planner_plan_out(p, &have);
		if (!planner_is_paused(c))
			see_staying(p, c, &have);
		planner_each_left(p, &have, planner_others_still);
	}
	/* A node that has ended cannot be put back. Until then what was taken out is let in again: where one does not drain, or is
	 * needed after all. */
	plan_pivot(p->b);
	if (have.n > have.keep)
		planner_plan_end(p, &have);
	mem_free(have.v);
}

void planner_plan_no_cluster(struct planning *p, const char *cluster, unsigned stage)
{
	CLEANUP(mem_close) char *name = mem_printf("cluster-%s", cluster);
	struct planner_nodes have = planner_nodes_of(p, cluster, 0);

	planning_begin(p, name, stage);
	/* With the warehouse all goes, and nobody stays who would have to serve: only forward. Else it is as with nodes that are
	 * too many. */
	if (p->spec == NULL)
		plan_pivot(p->b);
	planner_each_left(p, &have, planner_others_ready);
	planner_plan_out(p, &have);
	planner_each_left(p, &have, planner_others_still);
	if (p->spec != NULL)
		plan_pivot(p->b);
	planner_plan_end(p, &have);
	mem_free(have.v);
}
