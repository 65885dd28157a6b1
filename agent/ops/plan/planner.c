/* planner.c - apply, delete, reboot, replace, upgrade, heal. Stages of apply: what is shared, then the clusters beside each other,
 * then the listeners that lead elsewhere, then nodes that become of another type, one after the other in a stage each, then
 * clusters that are paused and the nodes that are too many, then what is left over and no longer wanted. Stages of delete: the
 * clusters, then the rest.
 *
 * Each plan first adds what can be taken back; what it removes stands behind its pivot. What serves is removed last of all, when
 * what comes in its place serves. */
#include "agent/ops/plan/planner_impl.h"

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/balancers.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/groups.h"

enum { STAGE_BASE, STAGE_CLUSTERS, STAGE_SWITCH, STAGE_RESIZES };

/* ---- small questions ---- */

uint32_t planner_nodes(const struct inventory *inv)
{
	uint32_t n = 0;

	for (size_t i = 0; i < inv->instances.n; i++)
		n += inventory_is_alive(&inv->instances.v[i]);
	return n;
}

uint64_t planner_generation(const struct inventory *inv, const char *warehouse)
{
	uint64_t most = 0, g;

	for (size_t i = 0; i < groups_in(inv)->n; i++) {
		const struct ec2_tags *t = &groups_in(inv)->v[i].tags;
		/* Each group tells the generation that it was made in; the newest of them counts. */
		const char *text = ec2_tag_get(t, "reeve:generation");

		if (str_eq(ec2_tag_get(t, "reeve:warehouse"), warehouse) && text != NULL && str_u64(text, &g) == 0 && g > most)
			most = g;
	}
	return most;
}

static bool add_once(const char **v, size_t *n, size_t max, const char *id)
{
	for (size_t i = 0; i < *n; i++)
		if (str_eq(v[i], id))
			return true;
	if (*n == max)
		return false;
	v[(*n)++] = id;
	return true;
}

#define WANT(list, id) fits = add_once(to->list, &to->list##_n, ARRAY_LEN(to->list), id) && fits

bool planner_wants_more(const struct owner *o, const spec_t *spec, struct inventory_wants *to)
{
	bool fits = true;

	for (size_t i = 0; i < spec->n_clusters; i++) {
		const char *types[SPEC_TYPES_MAX];
		char *const *subnets;
		size_t subnets_n = spec_subnets(spec->clusters[i], &subnets), types_n = spec_types(spec->clusters[i], types);

		WANT(images, spec->clusters[i]->image_id);
		for (size_t k = 0; k < subnets_n; k++)
			WANT(subnets, subnets[k]);
		for (size_t k = 0; k < types_n; k++)
			WANT(types, types[k]);
	}
	for (size_t i = 0; i < spec->n_load_balancers; i++)
		for (size_t k = 0; k < spec->load_balancers[i]->n_subnet_ids; k++)
			WANT(subnets, spec->load_balancers[i]->subnet_ids[k]);
	if (to->group_names_n + spec->n_security_groups > ARRAY_LEN(to->group_names))
		return false;
	for (size_t i = 0; i < spec->n_security_groups; i++)
		spec_group_name(o->vendor, o->installation, spec->warehouse, spec->security_groups[i]->name,
				to->group_names[to->group_names_n++]);
	return fits;
}

void planner_wants(const struct owner *o, const spec_t *spec, struct inventory_wants *ret)
{
	*ret = (struct inventory_wants){ 0 };
	/* The lists have room for all that a spec can name, and spec_check has passed. */
	if (spec != NULL)
		planner_wants_more(o, spec, ret);
}

/* ---- the verbs ---- */

static void plan_base(struct planning *p)
{
	planning_begin(p, "base", STAGE_BASE);
	for (size_t i = 0; i < p->spec->n_security_groups; i++)
		planner_plan_group(p, p->spec->security_groups[i]);
	for (size_t i = 0; i < p->spec->n_target_groups; i++)
		planner_plan_tg(p, p->spec->target_groups[i]);
	for (size_t i = 0; i < p->spec->n_load_balancers; i++)
		planner_plan_lb(p, p->spec->load_balancers[i]);
	plan_pivot(p->b);
	for (size_t i = 0; i < p->spec->n_security_groups; i++)
		planner_trim_group(p, p->spec->security_groups[i]);
}

static int finish(struct planning *p, struct plans **ret, struct err *e)
{
	struct plans *plans = NULL;
	int rc = plan_end(p->b, &plans, p->err.code == 0 ? e : NULL);

	json_close(&p->given);
	/* What was refused has a sentence of its own, and that is the one that is told. */
	if (rc != 0 && p->err.code == 0)
		return rc;
	/* Of what this version cannot change (ERR_UNSUPPORTED) a plan would say something untrue, so there is none. The others have
	 * theirs, for the policy to judge before the sentence is told. */
	if (p->err.code != ERR_UNSUPPORTED)
		*ret = plans;
	else
		plans_free(plans);
	return p->err.code == 0 ? 0 : err_set(e, p->err.code, "%s", p->err.text);
}

/* One that is paused gets no node that it does not have. */
static bool has_nodes_then(const struct planning *p, const cluster_t *c)
{
	return c->nodes > 0 && (!planner_is_paused(c) || planner_count(p, c->name) > 0);
}

/* Who takes the last cluster away means to delete the warehouse, and that has a verb with a hold of its own. One that would have no
 * node is none that stays in its place. Where nodes are set apart their clusters are not without them: a replace is no apply. */
static void refuse_last(struct planning *p)
{
	if (p->apart_n > 0)
		return;
	for (size_t i = 0; i < p->spec->n_clusters; i++)
		if (has_nodes_then(p, p->spec->clusters[i]))
			return;
	for (size_t i = 0; i < p->inv->instances.n; i++) {
		const char *cluster = ec2_tag_get(&p->inv->instances.v[i].tags, "reeve:cluster");

		if (cluster == NULL || planner_wants_cluster(p, cluster) || !planner_is_node(p, &p->inv->instances.v[i], cluster))
			continue;
		planning_refuse(p, ERR_INVALID,
				"clusters: the spec names none%s, and %s has nodes of cluster %s: the last cluster of a warehouse "
				"goes by warehouse.delete alone",
				p->spec->n_clusters > 0 ? " that would have a node" : "", p->warehouse, cluster);
	}
}

static int apply(struct planning *p, struct plans **ret, struct err *e)
{
	const spec_t *spec = p->spec;
	unsigned ends;

	p->b = plan_builder_new(p->a->command, p->a->verb, spec->warehouse, spec->generation, p->inv->taken_ms);
	plan_base(p);
	/* All clusters are one stage and come up beside each other: one that gets no nodes does not keep the others waiting. */
	for (size_t i = 0; i < spec->n_clusters; i++)
		if (!planner_is_paused(spec->clusters[i]))
			planner_plan_cluster(p, spec->clusters[i], STAGE_CLUSTERS);
	/* This comes only now: the nodes that listeners will lead to must be there. Nodes end behind this, when the listeners lead
	 * elsewhere. */
	planner_plan_switch(p, STAGE_SWITCH);
	/* While nodes that are too many still serve, those that stay are changed. */
	ends = STAGE_RESIZES + planner_plan_resizes(p, STAGE_RESIZES);
	for (size_t i = 0; i < spec->n_clusters; i++) {
		if (planner_is_paused(spec->clusters[i]))
			planner_plan_pause(p, spec->clusters[i], ends);
		planner_plan_surplus(p, spec->clusters[i], ends);
	}
	refuse_last(p);
	planner_plan_lost_clusters(p, ends);
	planner_plan_tags(p, ends + 1);
	/* What was shared goes last, when nobody stands in it and nothing leads to it. */
	planner_plan_rest(p, "tidy", ends + 1);
	/* This comes at the end, because the first refusal is the one that is told: "no room now" is news only where nothing else
	 * is wrong. */
	planner_check_places(p);
	for (size_t i = 0; i < spec->n_clusters; i++)
		plan_stay(p->b, spec->clusters[i]->name, planner_staying(p, spec->clusters[i]));
	planner_preserve_volumes(p);
	planner_tell_changes(p);
	return finish(p, ret, e);
}

int planner_apply(const struct planner_args *a, const spec_t *spec, struct plans **ret, struct err *e)
{
	struct planning p = { .a = a, .inv = a->inv, .spec = spec, .warehouse = spec->warehouse };

	return apply(&p, ret, e);
}

static bool holds_group(const struct inventory *inv, const char *vpc)
{
	for (size_t i = 0; i < groups_in(inv)->n; i++)
		if (str_eq(groups_in(inv)->v[i].vpc_id, vpc))
			return true;
	return false;
}

int planner_delete(const struct planner_args *a, const char *warehouse, struct plans **ret, struct err *e)
{
	struct planning p = { .a = a, .inv = a->inv, .warehouse = warehouse };

	p.b = plan_builder_new(a->command, a->verb, warehouse, planner_generation(a->inv, warehouse), a->inv->taken_ms);
	/* Without a spec every cluster is one that nobody wants. */
	planner_plan_lost_clusters(&p, STAGE_BASE);
	planner_plan_rest(&p, "base", STAGE_CLUSTERS);
	planner_preserve_volumes(&p);
	planner_tell_changes(&p);
	for (size_t i = 0; i < a->inv->vpcs.n; i++)
		/* What a delete leaves alone is told: the VPC was there before us, and stays. */
		if (holds_group(a->inv, a->inv->vpcs.v[i].id))
			plan_preserve(p.b, "vpc", a->inv->vpcs.v[i].id);
	return finish(&p, ret, e);
}

int planner_reboot(const struct planner_args *a, const char *warehouse, const struct planner_rebooted *r, struct plans **ret,
		   struct err *e)
{
	struct planning p = { .a = a, .inv = a->inv, .warehouse = warehouse };

	p.b = plan_builder_new(a->command, a->verb, warehouse, planner_generation(a->inv, warehouse), a->inv->taken_ms);
	planner_plan_reboot(&p, r);
	return finish(&p, ret, e);
}

/* ---- nodes that are replaced, and upgraded ---- */

/* The spec held against the account without some nodes: they may be gone, stopped or sick, and nothing is said of them. */
struct others {
	char *const *apart; /* their ids */
	size_t apart_n;
	const uint32_t *less; /* of each cluster, how many of its nodes they are */
	bool is_upgrade;
};

static int apply_without(const struct planner_args *a, const spec_t *spec, const struct others *r, struct plans **ret,
			 struct err *e)
{
	spec_t rest = *spec;
	cluster_t *fewer = mem_alloc((spec->n_clusters + 1) * sizeof(*fewer));
	cluster_t **clusters = mem_alloc((spec->n_clusters + 1) * sizeof(*clusters));
	struct planning p = { .a = a, .inv = a->inv, .spec = &rest, .warehouse = spec->warehouse };
	int rc;

	for (size_t i = 0; i < spec->n_clusters; i++) {
		fewer[i] = *spec->clusters[i];
		fewer[i].nodes -= r->less[i] < fewer[i].nodes ? r->less[i] : fewer[i].nodes;
		clusters[i] = &fewer[i];
	}
	rest.clusters = clusters;
	p.apart = r->apart;
	p.apart_n = r->apart_n;
	p.is_upgrade = r->is_upgrade;
	rc = apply(&p, ret, e);
	mem_free(clusters);
	mem_free(fewer);
	return rc;
}

/* With the nodes come those things alone that an apply of the same spec would leave as they are. Else *ret is what it would do, for
 * the policy to judge before the sentence is told. */
static int check_rest(const struct planner_args *a, const spec_t *spec, const struct others *r, struct plans **ret, struct err *e)
{
	struct plans *plans = NULL;
	const struct plan *plan;
	const struct step *step;
	int rc = apply_without(a, spec, r, &plans, e);

	step = rc == 0 ? planner_first_change(plans, &plan) : NULL;
	if (rc == 0 && step == NULL) {
		plans_free(plans);
		return 0;
	}
	*ret = plans;
	if (step != NULL)
		return err_set(e, ERR_EXISTS,
			       "%s changes nothing else, and the account is not as the spec says (%s/%s: %s): send it by "
			       "warehouse.apply first",
			       a->verb, plan->name, step->name, step->title);
	return rc == -ERR_UNSUPPORTED ? err_wrap(e, -ERR_EXISTS, "%s changes nothing else", a->verb) : rc;
}

static int check_others(const struct planner_args *a, const spec_t *spec, const cluster_t *c, const struct planner_named *named,
			struct plans **ret, struct err *e)
{
	uint32_t *less = mem_alloc((spec->n_clusters + 1) * sizeof(*less));
	struct others r = { .apart = named->ids, .apart_n = named->n, .less = less };
	int rc;

	for (size_t i = 0; i < spec->n_clusters; i++)
		less[i] = spec->clusters[i] == c ? (uint32_t)named->n : 0;
	rc = check_rest(a, spec, &r, ret, e);
	mem_free(less);
	return rc;
}

static const cluster_t *cluster_named(const spec_t *spec, const char *name)
{
	for (size_t i = 0; i < spec->n_clusters; i++)
		if (str_eq(spec->clusters[i]->name, name))
			return spec->clusters[i];
	return NULL;
}

static void check_generation(struct planning *p)
{
	uint64_t have = planner_generation(p->inv, p->warehouse);

	if (p->spec->generation < have)
		planning_refuse(p, ERR_EXISTS, "the account holds generation %llu, the spec is of generation %llu",
				(unsigned long long)have, (unsigned long long)p->spec->generation);
}

int planner_replace(const struct planner_args *a, const spec_t *spec, const struct planner_named *named, struct plans **ret,
		    struct err *e)
{
	struct planning p = { .a = a, .inv = a->inv, .spec = spec, .warehouse = spec->warehouse };
	const cluster_t *c = cluster_named(spec, named->cluster);

	if (c == NULL)
		return err_set(e, ERR_INVALID, "the spec has no cluster %s", named->cluster);
	check_generation(&p);
	planner_check_replaced(&p, c, named->ids, named->n);
	/* Of a plan that is refused anyway this says no more. */
	if (p.err.code == 0)
		TRY(check_others(a, spec, c, named, ret, e));
	p.b = plan_builder_new(a->command, a->verb, spec->warehouse, spec->generation, a->inv->taken_ms);
	planner_plan_replaced(&p, c, named->ids, named->n);
	planner_preserve_volumes(&p);
	return finish(&p, ret, e);
}

static int check_upgrade(struct planning *p, struct plans **ret, struct err *e)
{
	struct planner_upgraded u = { 0 };
	struct others r = { .is_upgrade = true };
	int rc = 0;

	check_generation(p);
	planner_check_upgrade(p, &u);
	r.apart = u.apart;
	r.apart_n = u.apart_n;
	r.less = u.less;
	/* Of a plan that is refused anyway this says no more. */
	if (p->err.code == 0)
		rc = check_rest(p->a, p->spec, &r, ret, e);
	mem_free(u.apart);
	mem_free(u.less);
	return rc;
}

int planner_upgrade(const struct planner_args *a, const spec_t *spec, const struct planner_order *o, struct plans **ret,
		    struct err *e)
{
	struct planning p = { .a = a, .inv = a->inv, .spec = spec, .warehouse = spec->warehouse };

	TRY(check_upgrade(&p, ret, e));
	p.b = plan_builder_new(a->command, a->verb, spec->warehouse, spec->generation, a->inv->taken_ms);
	planner_plan_upgrade(&p, o);
	planner_preserve_volumes(&p);
	return finish(&p, ret, e);
}

/* ---- a lost node ---- */

/* A heal makes nodes and nothing else, so what they stand in must be there. */
static void check_groups(struct planning *p, const cluster_t *c)
{
	for (size_t i = 0; i < c->n_security_groups; i++)
		if (planner_group_there(p, c->security_groups[i]) == NULL)
			planning_refuse(
			    p, ERR_EXISTS,
			    "cluster %s: its security group %s is not there, and heal makes nodes alone: send the spec by "
			    "warehouse.apply",
			    c->name, c->security_groups[i]);
	for (size_t i = 0; i < p->spec->n_target_groups; i++)
		if (planner_is_for(p->spec->target_groups[i], c->name) &&
		    planner_target_group_there(p, p->spec->target_groups[i]->name) == NULL)
			planning_refuse(
			    p, ERR_EXISTS,
			    "cluster %s: its target group %s is not there, and heal makes nodes alone: send the spec by "
			    "warehouse.apply",
			    c->name, p->spec->target_groups[i]->name);
}

/* The cluster lacks one; or it has all, and this one stands, and is alone too many when another has come. */
static bool is_to_heal(const struct planning *p, const cluster_t *c, const struct planner_lost *lost)
{
	const struct ec2_instance *i = inventory_instance_in(&p->inv->instances, lost->instance);
	bool stands = i != NULL && planner_is_node(p, i, c->name);
	size_t have = planner_count(p, c->name);

	if (planner_is_paused(c) || stands != lost->is_sick || (stands && planner_is_left(p, i)))
		return false; /* it has come back, or is gone by now: the next look sees it so */
	return lost->is_sick ? have == c->nodes : have < c->nodes;
}

/* Does data end with it: volumes, as the spec wants them or as it has them, those that EC2 does not show yet, disks of its host?
 * What kinds_node.c calls high risk, and nobody has signed that. */
static bool has_data(const struct planning *p, const cluster_t *c, const struct ec2_instance *i)
{
	if (i == NULL)
		return false;
	return planner_goes_with_node(c) > 0 || i->data_volumes > 0 || str_eq(i->state, "pending") ||
	       inventory_has_disks(p->inv, i->type);
}

int planner_heal(const struct planner_args *a, const spec_t *spec, const struct planner_lost *lost, struct plans **ret,
		 struct err *e)
{
	struct planning p = { .a = a, .inv = a->inv, .spec = spec, .warehouse = spec->warehouse };
	const cluster_t *c = cluster_named(spec, lost->cluster);
	char *ids[] = { (char *)lost->instance };

	if (c == NULL)
		return err_set(e, ERR_INVALID, "the spec has no cluster %s", lost->cluster);
	check_generation(&p);
	p.b = plan_builder_new(a->command, a->verb, spec->warehouse, spec->generation, a->inv->taken_ms);
	/* Such a node leaves its groups, and waits for a command. */
	p.leaves_old = has_data(&p, c, inventory_instance_in(&a->inv->instances, lost->instance));
	p.is_heal = true;
	p.apart = lost->left;
	p.apart_n = lost->left_n;
	if (is_to_heal(&p, c, lost)) {
		check_groups(&p, c);
		planner_plan_replaced(&p, c, ids, 1);
	}
	planner_preserve_volumes(&p);
	return finish(&p, ret, e);
}

/* ---- what would end ---- */

struct ends {
	struct arena *arena;
	struct inventory_thing *v;
	size_t n;
};

static bool may_be_guarded(const struct step *step)
{
	return step->kind->removes != NULL && step->kind->removes->guard != NULL;
}

static void add_end(struct ends *to, const struct resource *of, const json_t *id)
{
	/* The id is copied: the plan that it stands in is freed, and made anew for the next question. */
	to->v[to->n++] = (struct inventory_thing){ of, arena_str(to->arena, json_string_value(id)) };
}

static void add_ends(struct ends *to, const struct step *step)
{
	const struct step_kind *kind = step->kind;
	const json_t *what = json_object_get(step->args, kind->removes_arg);

	if (json_is_string(what))
		add_end(to, kind->removes, what);
	for (size_t i = 0; i < json_array_size(what); i++)
		add_end(to, kind->removes, json_array_get(what, i));
}

static size_t ends_n(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += may_be_guarded(&p->steps[i]) ? step_deletes(p->steps[i].kind, p->steps[i].args) : 0;
	return n;
}

static void add_plan(struct ends *to, const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (may_be_guarded(&p->steps[i]))
			add_ends(to, &p->steps[i]);
}

const struct inventory_thing *planner_ends(const struct planner_args *a, const struct plans *plans, size_t *ret_n)
{
	struct ends ends = { .arena = a->inv->arena };
	size_t n = 0;

	for (size_t i = 0; plans != NULL && i < plans->n; i++)
		n += ends_n(&plans->v[i]);
	ends.v = arena_alloc(ends.arena, (n + 1) * sizeof(*ends.v));
	for (size_t i = 0; n > 0 && i < plans->n; i++)
		add_plan(&ends, &plans->v[i]);
	*ret_n = ends.n;
	return ends.v;
}
