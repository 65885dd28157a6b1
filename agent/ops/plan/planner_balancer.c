/* planner_balancer.c - target groups, load balancers and their listeners. */
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"

typedef Reeve__Control__V1__Listener listener_t;

const tg_t *planner_target_group_named(const struct planning *p, const char *name)
{
	for (size_t i = 0; i < p->spec->n_target_groups; i++)
		if (str_eq(p->spec->target_groups[i]->name, name))
			return p->spec->target_groups[i];
	return NULL;
}

const struct balancers_target_group *planner_target_group_there(const struct planning *p, const char *name)
{
	char full[33];

	spec_short_name(p->a->owner.installation, p->warehouse, "tg", name, full);
	return balancers_target_group_by_name(p->inv, full);
}

json_t *planner_target_group_ref(const struct planning *p, const char *name)
{
	const struct balancers_target_group *g = planner_target_group_there(p, name);

	return planning_ref(g != NULL ? g->g.arn : NULL, "tg", name);
}

static size_t tg_place(const struct planning *p, const tg_t *want)
{
	size_t i = 0;

	while (p->spec->target_groups[i] != want)
		i++;
	return i;
}

/* Names of target groups and load balancers are of an account and region. */
static void refuse_taken(struct planning *p, const char *list, size_t place, const char *arn, const char *full)
{
	planning_refuse(p, ERR_INVALID,
			"%s[%zu]: name: %s is called %s and has not the tags of this installation; give it another name", list,
			place, arn, full);
}

static void check_tg_name(struct planning *p, const tg_t *want, const char *full)
{
	for (size_t i = 0; i < balancers_in(p->inv)->other_target_groups.n; i++)
		if (str_eq(balancers_in(p->inv)->other_target_groups.v[i].name, full))
			refuse_taken(p, "target_groups", tg_place(p, want), balancers_in(p->inv)->other_target_groups.v[i].arn,
				     full);
}

void planner_each_group(struct planning *p, const char *cluster, json_t *ids, planner_group_steps *plan)
{
	for (size_t i = 0; json_array_size(ids) > 0 && i < p->spec->n_target_groups; i++)
		if (planner_is_for(p->spec->target_groups[i], cluster))
			plan(p, cluster, p->spec->target_groups[i], ids);
}

json_t *planner_targets(const struct planning *p, const tg_t *g, json_t *ids)
{
	return json_pack("{s:o, s:O}", "group_arn", planner_target_group_ref(p, g->name), "instances", ids);
}

json_t *planner_all_targets(const struct planning *p, const tg_t *g, json_t *ids)
{
	json_t *args = planner_targets(p, g, ids);

	json_object_set_new(args, "atomic", json_true());
	return args;
}

void planner_plan_tg(struct planning *p, const tg_t *want)
{
	CLEANUP(mem_close) char *step = mem_printf("tg-%s", want->name), *what = NULL;
	const struct balancers_target_group *have = planner_target_group_there(p, want->name);
	char full[33];

	if (have != NULL) {
		planner_check_tg(p, want, have);
		return;
	}
	/* The name must be free only where the group is still to be made. */
	spec_short_name(p->a->owner.installation, p->warehouse, "tg", want->name, full);
	check_tg_name(p, want, full);
	what = mem_printf("target group %s", want->name);
	plan_add(p->b, &kind_create_target_group,
		 json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:o, s:o}", "name", full, "purpose", want->name, "protocol",
			   want->protocol, "port", (int)want->port, "vpc_id", p->spec->vpc_id, "subnet_id",
			   planning_proof_of_vpc(p, what), "tags", planning_tags(p, NULL, step, NULL, 0), "fact",
			   json_sprintf("tg.%s", want->name)),
		 "%s", step);
	plan_title(p->b, "create target group %s", want->name);
}

bool planner_is_for(const tg_t *g, const char *cluster)
{
	for (size_t i = 0; i < g->n_clusters; i++)
		if (str_eq(g->clusters[i], cluster))
			return true;
	return false;
}

/* A node of a cluster that stays, but that the group no longer serves. Nodes of clusters that are deleted leave with them. */
static bool is_leaving(const struct planning *p, const tg_t *want, const struct elb_target *t)
{
	const struct ec2_instance *in = inventory_instance_in(&p->inv->instances, t->id);
	const char *cluster = in != NULL ? ec2_tag_get(&in->tags, "reeve:cluster") : NULL;

	return cluster != NULL && !str_starts(t->state, "draining") && planner_is_node(p, in, cluster) &&
	       planner_wants_cluster(p, cluster) && !planner_is_for(want, cluster);
}

/* A target in a group of ours that is no instance of ours gets traffic that is not meant for it. */
static bool is_stranger(const struct planning *p, const struct elb_target *t)
{
	/* Only instances are taken out: an address or a function could not be put back if this was wrong (kinds_elb_target.c,
	 * check_instances). */
	return !str_starts(t->state, "draining") && str_starts(t->id, "i-") && !planning_is_apart(p, t->id) &&
	       inventory_instance_in(&p->inv->instances, t->id) == NULL;
}

static bool is_led_to(const struct planning *p, const char *tg)
{
	for (size_t i = 0; i < p->spec->n_load_balancers; i++)
		for (size_t k = 0; k < p->spec->load_balancers[i]->n_listeners; k++)
			if (str_eq(p->spec->load_balancers[i]->listeners[k]->target_group, tg))
				return true;
	return false;
}

/* To take the last target out of a group ends the service of the listeners that lead to it: so it needs the same keys as deleting
 * those listeners. */
static void depart(struct planning *p, const tg_t *want, const struct balancers_target_group *have, const char *step, json_t *ids,
		   bool leaves_none)
{
	if (have == NULL || json_array_size(ids) == 0)
		return;
	plan_add(p->b, &kind_deregister,
		 json_pack("{s:s, s:O, s:b}", "group_arn", have->g.arn, "instances", ids, "leaves_none", leaves_none), "%s-%s",
		 step, want->name);
	plan_title(p->b, "deregister %s from %s", str_eq(step, "leave") ? "nodes of other clusters" : "what is no node of ours",
		   want->name);
}

/* The nodes that stay must be healthy before any other is taken out. */
void planner_plan_departures(struct planning *p, const tg_t *want)
{
	const struct balancers_target_group *have = planner_target_group_there(p, want->name);
	json_t *leave = json_array(), *strangers = json_array(), *stay = planner_nodes_behind(p, want);
	/* Where no listener of the spec leads to the group, nobody is cut off, and its targets have no health to wait for. */
	bool is_used = have != NULL && is_led_to(p, want->name);

	for (size_t i = 0; have != NULL && i < have->targets.n; i++) {
		const struct elb_target *t = &have->targets.v[i];

		/* No node is both: one that leaves is a node of ours, a stranger is none. */
		if (is_leaving(p, want, t) || is_stranger(p, t))
			json_array_append_new(is_stranger(p, t) ? strangers : leave, json_string(t->id));
	}
	if (is_used && json_array_size(stay) > 0 && json_array_size(leave) + json_array_size(strangers) > 0) {
		plan_add(p->b, &kind_wait_healthy, planner_all_targets(p, want, stay), "healthy-%s", want->name);
		plan_title(p->b, "wait until %s is healthy", want->name);
	}
	depart(p, want, have, "leave", leave, is_used && json_array_size(stay) == 0);
	depart(p, want, have, "strangers", strangers, is_used && json_array_size(stay) == 0);
	json_decref(leave);
	json_decref(strangers);
	json_decref(stay);
}

static void add_listener(struct planning *p, const lb_t *lb, const listener_t *want, json_t *lb_ref)
{
	CLEANUP(mem_close) char *step = mem_printf("listener-%s-%u", lb->name, want->port);

	plan_add(p->b, &kind_create_listener,
		 json_pack("{s:o, s:s, s:i, s:o, s:o, s:o}", "lb_arn", lb_ref, "protocol", want->protocol, "port", (int)want->port,
			   "group_arn", planner_target_group_ref(p, want->target_group), "tags",
			   planning_tags(p, NULL, step, NULL, 0), "fact", json_sprintf("listener.%s.%u", lb->name, want->port)),
		 "%s", step);
	plan_title(p->b, "create listener %s:%u", lb->name, want->port);
}

const struct balancers_lb *planner_lb_there(const struct planning *p, const char *name)
{
	char full[33];

	spec_short_name(p->a->owner.installation, p->warehouse, "lb", name, full);
	return balancers_lb_by_name(p->inv, full);
}

const struct elb_listener *planner_listener_at(const struct balancers_lb *lb, uint32_t port)
{
	for (size_t i = 0; lb != NULL && i < lb->listeners.n; i++)
		if (lb->listeners.v[i].port == port)
			return &lb->listeners.v[i];
	return NULL;
}

/* ELB lets one load balancer lead to a target group; another that does, also one that goes later in this plan, is in the way. */
static void check_not_behind_another(struct planning *p, const lb_t *lb, const char *full, const struct balancers_target_group *g)
{
	for (size_t i = 0; g != NULL && i < balancers_in(p->inv)->lbs_n; i++) {
		const struct balancers_lb *other = &balancers_in(p->inv)->lbs[i];

		for (size_t k = 0; !str_eq(other->lb.name, full) && k < other->listeners.n; k++)
			if (str_eq(other->listeners.v[k].target_group_arn, g->g.arn))
				planning_refuse(
				    p, ERR_UNSUPPORTED,
				    "load balancer %s: target group %s is behind %s, and one load balancer may lead to it: take "
				    "its listener on port %u away first, with a command of its own",
				    lb->name, g->g.name, other->lb.name, other->listeners.v[k].port);
	}
	/* ELB names the balancer itself; one that the inventory does not show is none of ours, and only its owner can take it
	 * away. */
	for (size_t i = 0; g != NULL && i < g->g.lb_arns_n; i++)
		if (balancers_lb_by_arn(p->inv, g->g.lb_arns[i]) == NULL)
			planning_refuse(
			    p, ERR_INVALID,
			    "load balancer %s: target group %s is behind %.150s, which is none of ours, and one load balancer may "
			    "lead to it: take its listener away first",
			    lb->name, g->g.name, g->g.lb_arns[i]);
}

/* One that stands leads where it is to, or is moved there later (planner_switch.c). */
static void plan_listener(struct planning *p, const lb_t *lb, const struct balancers_lb *have, const listener_t *want)
{
	const struct elb_listener *l = planner_listener_at(have, want->port);
	char full[33];

	spec_short_name(p->a->owner.installation, p->warehouse, "lb", lb->name, full);
	check_not_behind_another(p, lb, full, planner_target_group_there(p, want->target_group));
	if (l == NULL)
		add_listener(p, lb, want, planning_ref(have != NULL ? have->lb.arn : NULL, "lb", lb->name));
	else if (!str_eq(l->protocol, want->protocol))
		planning_refuse(p, ERR_UNSUPPORTED,
				"load balancer %s: its listener on port %u speaks %s; changing protocol to %s is not available yet",
				lb->name, want->port, l->protocol, want->protocol);
}

static bool wants_port(const lb_t *lb, uint32_t port)
{
	for (size_t i = 0; i < lb->n_listeners; i++)
		if (lb->listeners[i]->port == port)
			return true;
	return false;
}

/* One that this command makes does not count as left: it must stand before, by a command of its own (docs/wire.md section 8). */
void planner_trim_listeners(struct planning *p, const lb_t *want)
{
	const struct balancers_lb *have = planner_lb_there(p, want->name);
	size_t left = have != NULL ? have->listeners.n : 0;

	for (size_t i = 0; have != NULL && i < have->listeners.n; i++) {
		const struct elb_listener *l = &have->listeners.v[i];

		if (wants_port(want, l->port))
			continue;
		left--;
		plan_add(p->b, &kind_delete_listener, json_pack("{s:s, s:b}", "arn", l->arn, "leaves_none", left == 0),
			 "nolistener-%s-%u", want->name, l->port);
		plan_title(p->b, "delete listener %s:%u", want->name, l->port);
	}
}

static bool is_made_for(const struct planning *p, const lb_t *lb, const char *tg)
{
	const struct balancers_lb *have = planner_lb_there(p, lb->name);

	for (size_t i = 0; i < lb->n_listeners; i++)
		if (str_eq(lb->listeners[i]->target_group, tg) && planner_listener_at(have, lb->listeners[i]->port) == NULL)
			return true;
	return false;
}

bool planner_is_listened(const struct planning *p, const char *tg)
{
	const struct balancers_target_group *there = planner_target_group_there(p, tg);

	for (size_t i = 0; there != NULL && i < balancers_in(p->inv)->lbs_n; i++)
		for (size_t k = 0; k < balancers_in(p->inv)->lbs[i].listeners.n; k++)
			if (str_eq(balancers_in(p->inv)->lbs[i].listeners.v[k].target_group_arn, there->g.arn))
				return true;
	/* A listener that this very command makes leads there, too: listeners are of the first stage, nodes of a later one. */
	for (size_t i = 0; i < p->spec->n_load_balancers; i++)
		if (is_made_for(p, p->spec->load_balancers[i], tg))
			return true;
	return false;
}

static size_t lb_place(const struct planning *p, const lb_t *want)
{
	size_t i = 0;

	while (p->spec->load_balancers[i] != want)
		i++;
	return i;
}

/* ELB takes one subnet of a zone. */
static void check_zone(struct planning *p, const lb_t *lb, size_t i, const struct ec2_subnet *s)
{
	for (size_t k = 0; k < i; k++) {
		const struct ec2_subnet *before = inventory_subnet(p->inv, lb->subnet_ids[k]);

		if (before != NULL && s->zone != NULL && *s->zone != '\0' && str_eq(before->zone, s->zone))
			planning_refuse(
			    p, ERR_INVALID,
			    "load_balancers[%zu]: subnet_ids[%zu]: %s and %s are both of zone %s: a load balancer takes one "
			    "subnet of a zone",
			    lb_place(p, lb), i, before->id, s->id, s->zone);
	}
}

static json_t *subnets_of(struct planning *p, const lb_t *lb)
{
	CLEANUP(mem_close) char *what = mem_printf("load balancer %s", lb->name);
	json_t *list = json_array();

	for (size_t i = 0; i < lb->n_subnet_ids; i++) {
		const struct ec2_subnet *s = planning_subnet(p, what, lb->subnet_ids[i]);

		if (s != NULL)
			check_zone(p, lb, i, s);
		json_array_append_new(list, json_string(lb->subnet_ids[i]));
	}
	return list;
}

bool planner_wants_short(const struct planning *p, const char *kind, const char *full)
{
	bool is_lb = str_eq(kind, "lb");
	size_t n = p->spec == NULL ? 0 : is_lb ? p->spec->n_load_balancers : p->spec->n_target_groups;
	char name[33];

	for (size_t i = 0; i < n; i++) {
		spec_short_name(p->a->owner.installation, p->warehouse, kind,
				is_lb ? p->spec->load_balancers[i]->name : p->spec->target_groups[i]->name, name);
		if (str_eq(name, full))
			return true;
	}
	return false;
}

/* How many load balancers the warehouse would have, if those that go are still there when this one comes. */
static int balancers_of(const struct planning *p)
{
	size_t n = p->spec->n_load_balancers;

	/* The policy bounds how many stand at once, and those that go are taken away last of all. */
	for (size_t i = 0; i < balancers_in(p->inv)->lbs_n; i++)
		n += planning_is_of_warehouse(p, &balancers_in(p->inv)->lbs[i].lb.tags) &&
		     !planner_wants_short(p, "lb", balancers_in(p->inv)->lbs[i].lb.name);
	return (int)n;
}

static void check_lb_name(struct planning *p, const lb_t *want, const char *full)
{
	for (size_t i = 0; i < balancers_in(p->inv)->other_lbs.n; i++)
		if (str_eq(balancers_in(p->inv)->other_lbs.v[i].name, full))
			refuse_taken(p, "load_balancers", lb_place(p, want), balancers_in(p->inv)->other_lbs.v[i].arn, full);
}

void planner_plan_lb(struct planning *p, const lb_t *want)
{
	CLEANUP(mem_close) char *step = mem_printf("lb-%s", want->name);
	const struct balancers_lb *have = planner_lb_there(p, want->name);
	char full[33];

	spec_short_name(p->a->owner.installation, p->warehouse, "lb", want->name, full);
	if (have == NULL)
		check_lb_name(p, want, full);
	if (have == NULL) {
		plan_add(p->b, &kind_create_load_balancer,
			 json_pack("{s:s, s:s, s:o, s:i, s:o, s:o}", "name", full, "purpose", want->name, "subnet_ids",
				   subnets_of(p, want), "balancers", balancers_of(p), "tags", planning_tags(p, NULL, step, NULL, 0),
				   "fact", json_sprintf("lb.%s", want->name)),
			 "%s", step);
		plan_title(p->b, "create load balancer %s", want->name);
	}
	if (have != NULL)
		planner_check_lb(p, want, have);
	for (size_t i = 0; i < want->n_listeners; i++)
		plan_listener(p, want, have, want->listeners[i]);
	/* A balancer that an earlier command made, and did not wait for, is waited for, too. */
	if (have == NULL || !str_starts(have->lb.state, "active")) {
		plan_add(p->b, &kind_wait_load_balancer, json_pack("{s:s, s:s}", "name", full, "purpose", want->name), "active-%s",
			 want->name);
		plan_title(p->b, "wait until load balancer %s is active", want->name);
	}
}
