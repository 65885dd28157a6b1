/* planner_launch.c - what missing nodes of a cluster are launched with: everything that the spec says of them, and what AWS tells
 * of the image and the subnet. Those that get a volume which an ended node has left (planner_kept.c) are launched without it, by a
 * step of their own. */
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/field.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"

json_t *planner_volumes(const cluster_t *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_volumes; i++) {
		const Reeve__Control__V1__DataVolume *v = c->volumes[i];
		json_t *j = json_pack("{s:s, s:s, s:i}", "device", v->device, "type", v->type, "size_gib", (int)v->size_gib);

		if (v->iops != 0)
			json_object_set_new(j, "iops", json_integer(v->iops));
		if (v->throughput != 0)
			json_object_set_new(j, "throughput", json_integer(v->throughput));
		if (*v->kms_key_id != '\0')
			json_object_set_new(j, "kms_key_id", json_string(v->kms_key_id));
		if (v->keep)
			json_object_set_new(j, "keep", json_true());
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *groups_json(const struct planning *p, const cluster_t *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_security_groups; i++) {
		const struct ec2_group *have = planner_group_there(p, c->security_groups[i]);

		json_array_append_new(list, planning_ref(have != NULL ? have->id : NULL, "sg", c->security_groups[i]));
	}
	return list;
}

/* Its hash is over the bytes as they reach the node: what the policy names, and what a person compares. */
static void add_user_data(json_t *args, const cluster_t *c)
{
	struct digest d = digest_of(c->user_data.data, c->user_data.len);
	char hex[DIGEST_HEX_LEN];

	json_set_base64(args, "user_data", c->user_data.data, c->user_data.len);
	json_object_set_new(args, "user_data_sha256", json_string(digest_hex(&d, hex)));
}

/* What starts, as AWS tells it. A mapping beyond the root would be a volume that no bound has counted. */
static int check_image(const cluster_t *c, const struct ec2_image *i, struct err *e)
{
	if (i == NULL)
		return err_set(e, ERR_INVALID, "%s is no image that AWS shows to this account in this region", c->image_id);
	if (i->state != NULL && *i->state != '\0' && !str_eq(i->state, "available"))
		return err_set(e, ERR_INVALID, "image %s is %s, not available", i->id, i->state);
	if (!str_eq(i->root_type, "ebs") || *i->root_device != '/')
		return err_set(e, ERR_INVALID, "image %s has no EBS root volume, so it cannot be encrypted", i->id);
	if (i->more != NULL)
		return err_set(e, ERR_INVALID, "image %s maps %s beside its root: such an image is not started", i->id, i->more);
	for (size_t k = 0; k < c->n_volumes; k++)
		if (field_is_one_device(c->volumes[k]->device, i->root_device))
			return err_set(e, ERR_INVALID, "volumes[%zu]: %s is the root of image %s", k, i->root_device, i->id);
	return 0;
}

/* A text from AWS was chosen by others; with a leading @ it would count as a fact of the plan. */
static json_t *told(const char *text)
{
	return *text == '@' ? json_sprintf(" %s", text) : json_string(text);
}

static void add_image(struct planning *p, const cluster_t *c, json_t *args)
{
	const struct ec2_image *i = inventory_image(p->inv, c->image_id);
	struct err e = { 0 };
	int rc = check_image(c, i, &e);

	if (rc != 0) {
		planning_refuse(p, ERR_INVALID, "cluster %s: %s", c->name, err_text(&e));
		return;
	}
	json_object_set_new(args, "image_name", told(i->name));
	json_object_set_new(args, "image_owner", told(i->owner));
	json_object_set_new(args, "image_owner_alias", told(i->owner_alias));
	json_object_set_new(args, "root_device", json_string(i->root_device));
	json_object_set_new(args, "root_gib", json_integer(i->root_gib));
}

static bool runs(const struct ec2_type *t, const char *arch)
{
	/* What AWS does not tell may be right; a launch that does not fit is refused by EC2 itself. */
	bool is = t->archs_n == 0 || arch == NULL || *arch == '\0';

	for (size_t i = 0; i < t->archs_n && !is; i++)
		is = str_eq(t->archs[i], arch);
	return is;
}

void planner_check_type(struct planning *p, const cluster_t *c, const char *name)
{
	const struct ec2_type *t = inventory_type(p->inv, name);
	const struct ec2_image *i = inventory_image(p->inv, c->image_id);

	if (t == NULL)
		planning_refuse(p, ERR_INVALID, "cluster %s: %s is no instance type that AWS offers in this region", c->name, name);
	else if (i != NULL && !runs(t, i->arch))
		planning_refuse(p, ERR_INVALID, "cluster %s: image %s is for %s, and %s does not run that", c->name, i->id, i->arch,
				t->name);
}

static void add_rules(struct planning *p, const cluster_t *c, json_t *args)
{
	json_t *all = json_array();

	for (size_t i = 0; i < c->n_security_groups; i++) {
		json_t *rules = planner_bounded_rules(p, c->security_groups[i]);

		json_array_extend(all, rules);
		json_decref(rules);
	}
	if (json_array_size(all) > 0)
		json_object_set(args, "rules", all);
	json_decref(all);
}

/* "a", or "" where AWS does not tell; NULL, and the first error of the planning, where the subnet is not fit. */
static const char *zone_of(struct planning *p, const cluster_t *c, const char *subnet)
{
	CLEANUP(mem_close) char *what = mem_printf("cluster %s", c->name);
	const struct ec2_subnet *s = planning_subnet(p, what, subnet);

	return s != NULL ? s->zone : NULL;
}

static json_t *place(struct planning *p, const cluster_t *c, const char *subnet, const char *type)
{
	const char *zone = zone_of(p, c, subnet);
	json_t *j = json_pack("{s:s, s:s}", "type", type, "subnet_id", subnet);

	if (zone != NULL)
		json_object_set_new(j, "zone", told(zone));
	return j;
}

/* Where else, and as what: the other types in the same subnet, then all types in the other subnets. A node that gets a volume is of
 * use in the volume's zone alone. */
static json_t *elsewhere(struct planning *p, const cluster_t *c, const char *own, bool is_given)
{
	const char *types[SPEC_TYPES_MAX];
	char *const *subnets;
	size_t n = spec_subnets(c, &subnets), types_n = spec_types(c, types);
	json_t *list = json_array();

	for (size_t k = 1; k < types_n; k++)
		json_array_append_new(list, place(p, c, own, types[k]));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0;
		     k < types_n && !str_eq(subnets[i], own) && (!is_given || planner_is_one_zone(p, subnets[i], own)); k++)
			json_array_append_new(list, place(p, c, subnets[i], types[k]));
	return list;
}

static void check_types(struct planning *p, const cluster_t *c)
{
	const char *types[SPEC_TYPES_MAX];
	size_t n = spec_types(c, types);

	for (size_t i = 0; i < n; i++)
		planner_check_type(p, c, types[i]);
}

static void add_places(struct planning *p, const cluster_t *c, const char *subnet, bool is_given, json_t *args)
{
	json_t *own = place(p, c, subnet, c->instance_type), *others = elsewhere(p, c, subnet, is_given);

	json_object_update(args, own);
	json_decref(own);
	if (json_array_size(others) > 0)
		json_object_set(args, "elsewhere", others);
	json_decref(others);
}

/* What the spec says of a node; how many, and what they are called, the caller adds. */
static json_t *launch_args(struct planning *p, const cluster_t *c, const char *subnet, const char *step, bool is_given)
{
	json_t *args = json_pack("{s:s, s:s, s:o, s:o, s:o}", "cluster", c->name, "image_id", c->image_id, "groups",
				 groups_json(p, c), "volumes", is_given ? planner_volumes_but_kept(c) : planner_volumes(c), "tags",
				 planning_tags(p, c->name, step, c->tags, c->n_tags));

	/* A node has this tag beside those that all things have: planner_same.c compares it with the next spec. */
	json_object_set_new(json_object_get(args, "tags"), "reeve:launch", planner_launch_tag(c));
	add_image(p, c, args);
	check_types(p, c);
	add_places(p, c, subnet, is_given, args);
	add_rules(p, c, args);
	if (*c->instance_profile != '\0')
		json_object_set_new(args, "profile", json_string(c->instance_profile));
	if (c->user_data.len > 0)
		add_user_data(args, c);
	return args;
}

/* ---- one launch a subnet, and one more of those that get a volume ---- */

static bool is_spread(const cluster_t *c)
{
	return c->n_subnet_ids > 1;
}

static size_t count_of(const struct spread_part *at, bool is_given)
{
	return is_given ? at->given : at->launch - at->given;
}

static char *fact_of(const cluster_t *c, const char *subnet, bool is_given)
{
	const char *what = is_given ? "given" : "nodes";

	return is_spread(c) ? mem_printf("%s.%s.%s", what, c->name, subnet) : mem_printf("%s.%s", what, c->name);
}

static void add_fact(const cluster_t *c, const struct spread_part *at, bool is_given, const char *before, json_t *to)
{
	CLEANUP(mem_close) char *fact = fact_of(c, at->subnet, is_given);

	if (count_of(at, is_given) > 0)
		json_array_append_new(to, json_sprintf("%s%s", before, fact));
}

/* Of all launches, in their order: each fact behind `before`. */
static json_t *facts_of(const cluster_t *c, const struct spread *s, const char *before)
{
	json_t *facts = json_array();

	for (size_t i = 0; i < s->n; i++) {
		add_fact(c, &s->v[i], true, before, facts);
		add_fact(c, &s->v[i], false, before, facts);
	}
	return facts;
}

/* Of several launches the facts of those before it: with them it tells whether the cluster has got any node at all. */
static void add_others(const cluster_t *c, const json_t *facts, json_t *args)
{
	const char *own = json_str_or(args, "fact", "");
	size_t n = json_array_size(facts), at = 0;
	json_t *before = json_array();

	while (at < n && !str_eq(json_string_value(json_array_get(facts, at)), own))
		json_array_append(before, json_array_get(facts, at++));
	if (is_spread(c) || n > 1) {
		json_object_set(args, "before", before);
		json_object_set_new(args, "is_last", json_boolean(at + 1 == n));
	}
	json_decref(before);
}

static char *step_of(const cluster_t *c, const char *subnet, bool is_given)
{
	const char *what = is_given ? PLANNER_LAUNCH_KEPT : "launch";

	return is_spread(c) ? mem_printf("%s-%s", what, subnet) : mem_str(what);
}

static void title_launch(struct planning *p, const cluster_t *c, const char *subnet, bool is_given)
{
	const char *what = is_given ? " for kept volumes" : "";

	if (is_spread(c))
		plan_title(p->b, "launch nodes of %s%s in %s", c->name, what, subnet);
	else
		plan_title(p->b, "launch nodes of %s%s", c->name, what);
}

static void plan_launch(struct planning *p, const cluster_t *c, const struct spread_part *at, bool is_given, size_t held,
			const json_t *facts)
{
	CLEANUP(mem_close) char *step = step_of(c, at->subnet, is_given), *fact = fact_of(c, at->subnet, is_given);
	json_t *args = launch_args(p, c, at->subnet, step, is_given);

	json_object_set_new(args, "count", json_integer((json_int_t)count_of(at, is_given)));
	json_object_set_new(args, "held", json_integer((json_int_t)held));
	json_object_set_new(args, "atomic", json_boolean(c->atomic));
	json_object_set_new(args, "fact", json_string(fact));
	add_others(c, facts, args);
	plan_add(p->b, &kind_launch, args, "%s", step);
	title_launch(p, c, at->subnet, is_given);
}

void planner_plan_launches(struct planning *p, const cluster_t *c, size_t held, json_t *given)
{
	struct spread s = planner_spread(p, c);
	json_t *facts = facts_of(c, &s, "");

	for (size_t i = 0; i < s.n; i++)
		for (unsigned is_given = 2; is_given-- > 0;) {
			size_t n = count_of(&s.v[i], is_given);
			CLEANUP(mem_close) char *fact = fact_of(c, s.v[i].subnet, is_given);

			if (n > 0)
				plan_launch(p, c, &s.v[i], is_given, held, facts);
			if (is_given)
				planner_give(p, c, s.v[i].subnet, fact, n, given);
			held += n;
		}
	json_decref(facts);
}

void planner_add_launched(const struct planning *p, const cluster_t *c, json_t *ids)
{
	struct spread s = planner_spread(p, c);
	json_t *facts = facts_of(c, &s, "@");

	json_array_extend(ids, facts);
	json_decref(facts);
}

/* ---- nodes in the place of others ---- */

static void title_substitute(struct planning *p, const cluster_t *c, const struct planner_substitute *s)
{
	if (s->of == NULL)
		plan_title(p->b, "launch nodes of %s, which are missing", c->name);
	else
		plan_title(p->b, s->count == 1 ? "launch a node of %s in place of %s" : "launch nodes of %s in place of %s",
			   c->name, s->of);
}

void planner_plan_substitute(struct planning *p, const cluster_t *c, const struct planner_substitute *s)
{
	json_t *args = launch_args(p, c, s->subnet, s->step, s->given != NULL);

	if (s->given != NULL)
		planner_give(p, c, s->subnet, s->fact, s->count, s->given);
	json_object_set_new(args, "count", json_integer((json_int_t)s->count));
	json_object_set_new(args, "held", json_integer((json_int_t)s->held));
	json_object_set_new(args, "atomic", json_boolean(s->count > 1));
	json_object_set_new(args, "fact", json_string(s->fact));
	/* Only beside those that are still there do they stand for a while alone. */
	if (s->is_beside)
		json_object_set_new(args, "instead", json_string(s->of));
	plan_add(p->b, &kind_launch, args, "%s", s->step);
	title_substitute(p, c, s);
}
