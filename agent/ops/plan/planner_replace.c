/* planner_replace.c - nodes that others take the place of, one after the other: a plan and a stage for each. How some come and
 * others go in one plan is the same where there are several (planner_upgrade.c).
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

#define FIRST_BOOT_S 60

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
	const char *image = node != NULL ? planner_other_image(c, node) : NULL;
	const char *field = image == NULL && node != NULL ? planner_other_launch(c, node) : image;

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

/* One that a heal has left is none of the cluster's, but that it is named. */
static size_t count_left(const struct planning *p, const cluster_t *c, char *const *ids, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		const struct ec2_instance *node = standing(p, c, ids[i]);

		left += node != NULL && planner_is_left(p, node);
	}
	return left;
}

/* Of an id that is not shown nobody can tell whose it was: that a node is missing tells it. */
static void check_count(struct planning *p, const cluster_t *c, char *const *ids, size_t n)
{
	size_t have = planner_count(p, c->name) + count_left(p, c, ids, n), gone = count_gone(p, c, ids, n);

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

/* ---- in the groups ---- */

/* Not who is in it already: whom a plan lets in it takes out again when it is taken back. */
static json_t *who_enters(const struct planning *p, const tg_t *g, const json_t *ids)
{
	const struct balancers_target_group *there = planner_target_group_there(p, g->name);
	json_t *who = json_array();

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const struct elb_target *t = there != NULL ? elb_target_in(&there->targets, id) : NULL;

		if (t == NULL || str_eq(t->state, "draining"))
			json_array_append(who, json_array_get(ids, i));
	}
	return who;
}

static void let_in(struct planning *p, const char *cluster, const tg_t *g, json_t *ids)
{
	json_t *who = who_enters(p, g, ids);

	if (json_array_size(who) > 0) {
		plan_add(p->b, &kind_register, planner_targets(p, g, who), "register-%s", g->name);
		plan_title(p->b, "register %s/%s", cluster, g->name);
	}
	json_decref(who);
	if (!planner_is_listened(p, g->name))
		return;
	plan_add(p->b, &kind_wait_healthy, planner_all_targets(p, g, ids), "healthy-%s", g->name);
	plan_title(p->b, "wait until %s/%s is healthy", cluster, g->name);
}

/* Where none comes: those that are to serve alone. */
static void wait_ready(struct planning *p, const char *cluster, const tg_t *g, json_t *ids)
{
	if (!planner_is_listened(p, g->name))
		return;
	plan_add(p->b, &kind_wait_healthy, planner_all_targets(p, g, ids), "ready-%s", g->name);
	plan_title(p->b, "wait until others of %s/%s are healthy", cluster, g->name);
}

static void look_again(struct planning *p, const char *cluster, const tg_t *g, json_t *ids)
{
	if (!planner_is_listened(p, g->name))
		return;
	plan_add(p->b, &kind_wait_healthy, planner_all_targets(p, g, ids), "still-healthy-%s", g->name);
	plan_title(p->b, "see that %s/%s is still healthy", cluster, g->name);
}

/* A node that is stopped while it boots for the first time may stay half set up. */
static void wait_up(struct planning *p, const cluster_t *c, const struct planner_exchange *x, json_t *ids, const char *step,
		    const json_t *given)
{
	bool is_first = str_eq(step, "up"), is_one = x->come == 1;
	CLEANUP(mem_close)
	char *title =
	    is_first ? mem_printf(is_one ? "wait until the node of %s runs" : "wait until the nodes of %s run", c->name)
		     : mem_printf(is_one ? "see that the node of %s still runs" : "see that the nodes of %s still run", c->name);

	planner_wait_ready(p, &(struct planner_ready){ .cluster = c->name,
						       .step = step,
						       .fact = x->fact,
						       .title = title,
						       .ids = ids,
						       .is_atomic = x->come != 1,
						       .health = c->health,
						       .given = given,
						       .quiet_s = is_first && planner_is_paused(c) ? FIRST_BOOT_S : 0 });
}

/* Nobody leaves for one that has ended meanwhile. */
static void wait_stopped(struct planning *p, json_t *ids, const char *step)
{
	plan_add(p->b, &kind_wait_stopped, json_pack("{s:O, s:b}", "instances", ids, "atomic", 1), "%s", step);
}

/* They are not let in anywhere, and what they were launched for is that they are there. Nobody needs them to be started again when
 * they are taken back. */
static void stop_again(struct planning *p, const cluster_t *c, json_t *ids)
{
	plan_add(p->b, &kind_stop, json_pack("{s:O, s:b}", "instances", ids, "launched_here", 1), "stop");
	plan_title(p->b, "stop the new nodes of %s", c->name);
	wait_stopped(p, ids, "stopped");
	plan_title(p->b, "wait until the new nodes of %s are stopped", c->name);
}

/* ---- those that go ---- */

static bool goes(const struct planner_exchange *x, const struct ec2_instance *i)
{
	for (size_t k = 0; k < x->go_n; k++)
		if (x->go[k] == i)
			return true;
	return false;
}

/* Behind all others of their cluster, which stay. */
static struct planner_nodes leaving(const struct planning *p, const cluster_t *c, const struct planner_exchange *x)
{
	struct planner_nodes all = planner_nodes_of(p, c->name, 0);

	all.keep = 0;
	for (size_t i = 0; i < all.n; i++)
		if (!goes(x, all.v[i]))
			all.v[all.keep++] = all.v[i];
	for (size_t i = 0; i < x->go_n; i++)
		all.v[all.keep + i] = x->go[i];
	all.come = x->come;
	return all;
}

/* Only these are drained, and that takes a while. */
static bool some_run(const struct planner_exchange *x)
{
	for (size_t i = 0; i < x->go_n; i++)
		if (!planner_is_stopped(x->go[i]))
			return true;
	return false;
}

/* ids: of those that come, or stay where none comes; serve: and of those that were let in with them. */
static void plan_leave(struct planning *p, const cluster_t *c, const struct planner_exchange *x, json_t *ids, json_t *serve)
{
	struct planner_nodes have = leaving(p, c, x);

	planner_plan_out(p, &have);
	if (!planner_is_paused(c)) {
		wait_up(p, c, x, ids, "still-up", NULL);
		planner_each_group(p, c->name, serve, look_again);
	} else if (some_run(x)) {
		wait_stopped(p, ids, "still-stopped");
		plan_title(p->b, "see that the new nodes of %s are still there", c->name);
	}
	/* Until here all of it can be taken back: the old ones are let in again, and the new ones go. */
	plan_pivot(p->b);
	if (p->leaves_old)
		plan_note(p->b, "%s stays, out of its groups: its data would end with it, and that is for a command", x->of);
	else
		planner_plan_end(p, &have);
	mem_free(have.v);
}

/* ---- those that come ---- */

/* Where the lost node's own volume lies; NULL: that is not known, or there is none to be given. */
static const char *own_in(const struct planning *p, const struct spread *s)
{
	for (size_t i = 0; i < s->n && p->knows_instead; i++)
		if (s->v[i].given > 0)
			return s->v[i].subnet;
	return NULL;
}

/* Where nodes are missing: number `at` of those that would be launched. Of each subnet those that get a volume come first. */
static const char *missing_in(const struct planning *p, const struct spread *s, size_t at, bool *is_given)
{
	const char *own = own_in(p, s);

	*is_given = own != NULL;
	if (own != NULL)
		return own;
	for (size_t i = 0; i < s->n; i++) {
		*is_given = at < s->v[i].given;
		if (at < s->v[i].launch)
			return s->v[i].subnet;
		at -= s->v[i].launch;
	}
	*is_given = false;
	return s->v[0].subnet; /* the count is refused, and so is the plan */
}

/* One of the cluster's, whatever AWS shows: another is refused, and so is the plan. */
static const char *subnet_of(const cluster_t *c, const struct ec2_instance *i)
{
	char *const *subnets;
	size_t n = spec_subnets(c, &subnets);

	for (size_t k = 1; k < n; k++)
		if (str_eq(subnets[k], i->subnet_id))
			return subnets[k];
	return subnets[0];
}

/* How many come into each subnet, in the order in which they are first named: where the old ones stand, and beyond these where
 * nodes are missing. What an old one has it keeps until it ends, so none of those volumes can be given. */
static struct spread places_of(const struct planning *p, const cluster_t *c, const struct planner_exchange *x)
{
	struct spread missing = planner_spread(p, c), s = { .n = 0 };

	for (size_t i = 0; i < x->come; i++) {
		bool is_given = false;
		const char *subnet =
		    i < x->go_n ? subnet_of(c, x->go[i]) : missing_in(p, &missing, x->missing_at + i - x->go_n, &is_given);
		size_t k = 0;

		while (k < s.n && !str_eq(s.v[k].subnet, subnet))
			k++;
		if (k == s.n)
			s.v[s.n++] = (struct spread_part){ .subnet = subnet };
		s.v[k].launch++;
		s.v[k].given += is_given;
	}
	return s;
}

/* What the launches of one exchange have in common. */
struct coming {
	const struct planner_exchange *x;
	struct planner_substitute s;
	json_t *ids; /* the facts that they leave */
	json_t *given;
};

static void plan_launch(struct planning *p, const cluster_t *c, struct coming *k, const char *subnet, size_t n, bool is_given)
{
	const char *what = is_given ? PLANNER_LAUNCH_KEPT : "launch";
	CLEANUP(mem_close) char *step = mem_printf("%s-%s", what, subnet);
	CLEANUP(mem_close) char *fact = mem_printf("%s.%s%s", k->x->fact, is_given ? "given." : "", subnet);
	bool is_all = n == k->x->come;

	if (n == 0)
		return;
	k->s.subnet = subnet;
	k->s.step = is_all ? what : step;
	k->s.fact = is_all ? k->x->fact : fact;
	k->s.count = n;
	k->s.given = is_given ? k->given : NULL;
	planner_plan_substitute(p, c, &k->s);
	json_array_append_new(k->ids, json_sprintf("@%s", k->s.fact));
	k->s.held += n;
}

static void plan_come(struct planning *p, const cluster_t *c, const struct planner_exchange *x, json_t *ids)
{
	struct coming k = { .x = x, .s = { .of = x->of, .held = x->held, .is_beside = x->go_n >= x->come } };
	struct spread places = places_of(p, c, x);

	k.ids = json_array();
	k.given = json_array();
	for (size_t i = 0; i < places.n; i++) {
		plan_launch(p, c, &k, places.v[i].subnet, places.v[i].given, true);
		plan_launch(p, c, &k, places.v[i].subnet, places.v[i].launch - places.v[i].given, false);
	}
	wait_up(p, c, x, k.ids, "up", k.given);
	json_decref(k.ids);
	json_decref(k.given);
	if (planner_is_paused(c))
		stop_again(p, c, ids);
}

/* What the new ones were given may have been kept since before the spec wanted more of it. There is no way back from that. */
static void plan_grow(struct planning *p, const cluster_t *c, const struct planner_exchange *x)
{
	if (json_array_size(p->given) == p->given_at)
		return;
	if (x->go_n == 0)
		plan_pivot(p->b);
	planner_plan_volumes(p, c, NULL, 0);
}

void planner_plan_exchange(struct planning *p, const cluster_t *c, const struct planner_exchange *x, unsigned stage)
{
	json_t *ids = x->come > 0 ? json_pack("[o]", json_sprintf("@%s", x->fact)) : json_incref(x->serving);
	json_t *serve = json_copy(ids); /* who is let in, or serves already */
	bool lets_in = x->come > 0 || json_array_size(x->outside) > 0;

	if (x->come > 0 && x->outside != NULL)
		json_array_extend(serve, x->outside);
	planning_begin(p, x->plan, stage);
	if (x->come > 0)
		plan_come(p, c, x, ids);
	/* In a paused cluster nobody serves. */
	if (!planner_is_paused(c))
		planner_each_group(p, c->name, serve, lets_in ? let_in : wait_ready);
	/* Who serves leaves only behind this. */
	if (x->go_n > 0)
		plan_leave(p, c, x, ids, serve);
	plan_grow(p, c, x);
	json_decref(serve);
	json_decref(ids);
}

/* ---- one after the other ---- */

struct replacing {
	size_t held;    /* nodes that the cluster has by then, the new ones of those that are gone with them */
	size_t unknown; /* of those that are gone, so many had volumes that nobody knows */
	unsigned stages;
};

/* The volume that it had is not there any more, or somebody has it, or it can be none of the new node's. */
static void tell_new(struct planning *p, const cluster_t *c, const char *id)
{
	if (p->knows_instead && planner_kept_volume(c) != NULL && json_array_size(p->given) == p->given_at)
		plan_note(p->b, "what %s has kept cannot be given to the new node, which gets a new volume", id);
}

static void plan_next(struct planning *p, const cluster_t *c, const char *id, struct replacing *r)
{
	const struct ec2_instance *node = standing(p, c, id);
	CLEANUP(mem_close) char *fact = mem_printf("new.%s", id), *name = mem_printf("replace-%s", id);
	struct planner_exchange x = { .plan = name, .fact = fact, .of = id, .come = 1, .held = r->held };

	x.go = &node;
	x.go_n = node != NULL;
	if (node == NULL)
		planner_launch_instead(p, id);
	x.missing_at = p->knows_instead ? r->stages : r->unknown++;
	planner_plan_exchange(p, c, &x, r->stages++);
	tell_new(p, c, id);
	planner_launch_instead(p, NULL);
	r->held += node == NULL;
	plan_tell(p->b, "~ cluster %s: a new node in place of %s%s", c->name, id, node == NULL ? ", which is gone" : "");
	if (inventory_instance_in(&p->inv->instances, id) == NULL)
		plan_note(p->b, "%s is not shown any more: a node of %s is missing, and another is launched", id, c->name);
}

/* Those that are gone first, then the others in the order in which they are named. */
void planner_plan_replaced(struct planning *p, const cluster_t *c, char *const *ids, size_t n)
{
	struct replacing r = { .held = planner_held(p, c->name) };

	for (size_t i = 0; i < n; i++)
		if (standing(p, c, ids[i]) == NULL)
			plan_next(p, c, ids[i], &r);
	for (size_t i = 0; i < n; i++)
		if (standing(p, c, ids[i]) != NULL)
			plan_next(p, c, ids[i], &r);
}
