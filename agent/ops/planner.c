/* planner.c - apply and delete. Stages of apply: what is shared, then the clusters beside each other, then what is left over
 * and no longer wanted. Stages of delete: the clusters, then the rest. */
#include "agent/ops/planner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/cidr.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

enum { STAGE_BASE, STAGE_CLUSTERS, STAGE_TIDY };

struct planning {
	const struct planner_args *a;
	const struct inventory *inv;
	const spec_t *spec; /* NULL when deleting */
	const char *warehouse;
	struct plan_builder *b;
	const char *plan; /* the one that is open */
	struct err err;   /* the first thing this version cannot do */
};

typedef Reeve__Control__V1__SecurityGroup group_t;
typedef Reeve__Control__V1__Rule rule_t;
typedef Reeve__Control__V1__Cluster cluster_t;
typedef Reeve__Control__V1__TargetGroup tg_t;
typedef Reeve__Control__V1__LoadBalancer lb_t;
typedef Reeve__Control__V1__Listener listener_t;
typedef Reeve__Control__V1__Tag tag_t;

/* ---- small questions ---- */

static bool is_of_warehouse(const struct planning *p, const struct ec2_tags *t)
{
	return str_eq(ec2_tag_get(t, "reeve:warehouse"), p->warehouse);
}

static bool is_node_of(const struct planning *p, const struct ec2_instance *i, const char *cluster)
{
	return inventory_is_alive(i) && is_of_warehouse(p, &i->tags) && str_eq(ec2_tag_get(&i->tags, "reeve:cluster"), cluster);
}

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

	for (size_t i = 0; i < inv->groups.n; i++) {
		const struct ec2_tags *t = &inv->groups.v[i].tags;
		const char *text = ec2_tag_get(t, "reeve:generation");

		if (str_eq(ec2_tag_get(t, "reeve:warehouse"), warehouse) && text != NULL && str_u64(text, &g) == 0 && g > most)
			most = g;
	}
	return most;
}

/* Tags of one new thing. The order is fixed, so that one spec gives one plan, byte for byte. */
static json_t *tags_of(const struct planning *p, const char *cluster, const char *step, tag_t *const *more, size_t more_n)
{
	json_t *t = json_object();

	json_object_set_new(t, "resource-created-by", json_string(p->a->owner.vendor));
	json_object_set_new(t, "reeve:installation", json_string(p->a->owner.installation));
	json_object_set_new(t, "reeve:warehouse", json_string(p->warehouse));
	if (cluster != NULL)
		json_object_set_new(t, "reeve:cluster", json_string(cluster));
	json_object_set_new(t, "reeve:command", json_string(p->a->command));
	json_object_set_new(t, "reeve:step", json_sprintf("%s/%s", p->plan, step));
	json_object_set_new(t, "reeve:generation", json_sprintf("%" PRIu64, (uint64_t)p->spec->generation));
	json_object_set_new(t, "Name", cluster != NULL ? json_sprintf("%s-%s", p->warehouse, cluster) : json_string(p->warehouse));
	for (size_t i = 0; i < p->spec->n_tags; i++)
		json_object_set_new(t, p->spec->tags[i]->key, json_string(p->spec->tags[i]->value));
	for (size_t i = 0; i < more_n; i++)
		json_object_set_new(t, more[i]->key, json_string(more[i]->value));
	return t;
}

static void begin(struct planning *p, const char *name, unsigned stage)
{
	p->plan = name;
	plan_begin(p->b, name, stage);
}

/* ---- security groups ---- */

static void group_name(const struct planning *p, const char *name, char to[256])
{
	spec_group_name(p->a->owner.vendor, p->a->owner.installation, p->warehouse, name, to);
}

/* What stands for a thing in arguments: its id, or the fact that its creation will leave. */
static json_t *ref_or_id(const char *id, const char *kind, const char *name)
{
	return id != NULL ? json_string(id) : json_sprintf("@%s.%s", kind, name);
}

static void rule_to_ec2(const rule_t *r, const char *group_id, struct ec2_rule *to)
{
	bool self = r->source_case == REEVE__CONTROL__V1__RULE__SOURCE_SELF, all = str_eq(r->protocol, "-1");

	*to = (struct ec2_rule){
		.protocol = r->protocol,
		.from_port = all ? -1 : r->from_port,
		.to_port = all ? -1 : r->to_port,
		.cidr = self ? NULL : r->cidr,
		.group_id = self ? group_id : NULL,
		.description = r->description,
	};
}

/* A new group has no id yet: "self" is then the fact. */
static json_t *rule_json(const struct ec2_rule *r)
{
	json_t *j = json_object();

	json_object_set_new(j, "protocol", json_string(r->protocol));
	json_object_set_new(j, "from_port", json_integer(r->from_port));
	json_object_set_new(j, "to_port", json_integer(r->to_port));
	if (r->cidr != NULL)
		json_object_set_new(j, "cidr", json_string(r->cidr));
	if (r->group_id != NULL)
		json_object_set_new(j, "group_id", json_string(r->group_id));
	if (r->description != NULL && *r->description != '\0')
		json_object_set_new(j, "description", json_string(r->description));
	return j;
}

static bool is_outside(const struct planning *p, const char *cidr)
{
	struct cidr inner, outer;

	if (cidr == NULL)
		return false;
	for (size_t i = 0; i < p->inv->vpcs.n; i++) {
		const struct ec2_vpc *v = &p->inv->vpcs.v[i];

		if (!str_eq(v->id, p->spec->vpc_id) || cidr_parse(cidr, &inner) != 0)
			continue;
		for (size_t k = 0; k < v->cidrs_n; k++)
			if (cidr_parse(v->cidrs[k], &outer) == 0 && cidr_holds(&outer, &inner))
				return false;
	}
	return true;
}

static void add_rule_step(struct planning *p, const struct step_kind *kind, const char *verb, const char *group,
			  const char *group_id, const struct ec2_rule *r)
{
	json_t *args = json_object();

	json_object_set_new(args, "group_id", ref_or_id(group_id, "sg", group));
	json_object_set_new(args, "rule", rule_json(r));
	if (kind == &kind_authorize_ingress && is_outside(p, r->cidr))
		json_object_set_new(args, "outside_vpc", json_true());
	plan_add(p->b, kind, args, "%s-%s-%s-%d-%d-%s", verb, group, r->protocol, r->from_port, r->to_port,
		 r->cidr != NULL ? r->cidr : "self");
}

static bool in_group(const struct ec2_group *g, const struct ec2_rule *r)
{
	for (size_t i = 0; g != NULL && i < g->rules_n; i++)
		if (inventory_rule_eq(&g->rules[i], r))
			return true;
	return false;
}

static bool in_spec(const group_t *want, const char *group_id, const struct ec2_rule *r)
{
	struct ec2_rule w;

	for (size_t i = 0; i < want->n_rules; i++) {
		rule_to_ec2(want->rules[i], group_id, &w);
		if (inventory_rule_eq(&w, r))
			return true;
	}
	return false;
}

/* The same rule twice in the spec is one rule. */
static bool is_repeated(const group_t *want, size_t at, const char *self)
{
	struct ec2_rule a, b;

	rule_to_ec2(want->rules[at], self, &a);
	for (size_t i = 0; i < at; i++) {
		rule_to_ec2(want->rules[i], self, &b);
		if (inventory_rule_eq(&a, &b))
			return true;
	}
	return false;
}

static void plan_group(struct planning *p, const group_t *want)
{
	CLEANUP(mem_close) char *self = mem_printf("@sg.%s", want->name);
	CLEANUP(mem_close) char *step = mem_printf("sg-%s", want->name);
	const struct ec2_group *have;
	const char *id;
	char name[256];

	group_name(p, want->name, name);
	have = inventory_group_by_name(p->inv, p->spec->vpc_id, name);
	id = have != NULL ? have->id : self;
	if (have == NULL)
		plan_add(p->b, &kind_create_security_group,
			 json_pack("{s:s, s:s, s:s, s:o, s:s}", "name", name, "description", want->description, "vpc_id",
				   p->spec->vpc_id, "tags", tags_of(p, NULL, step, NULL, 0), "fact", self + 1),
			 "%s", step);
	for (size_t i = 0; i < want->n_rules; i++) {
		struct ec2_rule r;

		rule_to_ec2(want->rules[i], id, &r);
		if (!in_group(have, &r) && !is_repeated(want, i, id))
			add_rule_step(p, &kind_authorize_ingress, "rule", want->name, have != NULL ? have->id : NULL, &r);
	}
	for (size_t i = 0; have != NULL && i < have->rules_n; i++)
		if (!in_spec(want, have->id, &have->rules[i]))
			add_rule_step(p, &kind_revoke_ingress, "norule", want->name, have->id, &have->rules[i]);
}

/* ---- target groups, load balancers, listeners ---- */

static const struct inventory_group *have_tg(const struct planning *p, const char *name)
{
	char full[33];

	spec_short_name(p->a->owner.installation, p->warehouse, "tg", name, full);
	return inventory_tg_by_name(p->inv, full);
}

static json_t *tg_ref(const struct planning *p, const char *name)
{
	const struct inventory_group *g = have_tg(p, name);

	return ref_or_id(g != NULL ? g->g.arn : NULL, "tg", name);
}

static void plan_tg(struct planning *p, const tg_t *want)
{
	CLEANUP(mem_close) char *step = mem_printf("tg-%s", want->name);
	const struct inventory_group *have = have_tg(p, want->name);
	char full[33];

	if (have != NULL && (have->g.port != want->port || !str_eq(have->g.protocol, want->protocol))) {
		if (p->err.code == 0)
			err_set(&p->err, ERR_UNSUPPORTED, "target group %s: changing port or protocol is not available yet",
				want->name);
		return;
	}
	if (have != NULL)
		return;
	spec_short_name(p->a->owner.installation, p->warehouse, "tg", want->name, full);
	plan_add(p->b, &kind_create_target_group,
		 json_pack("{s:s, s:s, s:s, s:i, s:s, s:o, s:o}", "name", full, "purpose", want->name, "protocol", want->protocol,
			   "port", (int)want->port, "vpc_id", p->spec->vpc_id, "tags", tags_of(p, NULL, step, NULL, 0), "fact",
			   json_sprintf("tg.%s", want->name)),
		 "%s", step);
}

static void add_listener(struct planning *p, const lb_t *lb, const listener_t *want, json_t *lb_ref)
{
	CLEANUP(mem_close) char *step = mem_printf("listener-%s-%u", lb->name, want->port);

	plan_add(p->b, &kind_create_listener,
		 json_pack("{s:o, s:s, s:i, s:o, s:o, s:o}", "lb_arn", lb_ref, "protocol", want->protocol, "port", (int)want->port,
			   "group_arn", tg_ref(p, want->target_group), "tags", tags_of(p, NULL, step, NULL, 0), "fact",
			   json_sprintf("listener.%s.%u", lb->name, want->port)),
		 "%s", step);
}

static const struct elb_listener *have_listener(const struct inventory_lb *lb, uint32_t port)
{
	for (size_t i = 0; lb != NULL && i < lb->listeners.n; i++)
		if (lb->listeners.v[i].port == port)
			return &lb->listeners.v[i];
	return NULL;
}

/* A listener that leads elsewhere goes first: two cannot share a port. */
static void plan_listener(struct planning *p, const lb_t *lb, const struct inventory_lb *have, const listener_t *want)
{
	const struct elb_listener *l = have_listener(have, want->port);
	const struct inventory_group *g = have_tg(p, want->target_group);

	if (l != NULL && g != NULL && str_eq(l->group_arn, g->g.arn) && str_eq(l->protocol, want->protocol))
		return;
	if (l != NULL)
		plan_add(p->b, &kind_delete_listener, json_pack("{s:s}", "arn", l->arn), "nolistener-%s-%u", lb->name, want->port);
	add_listener(p, lb, want, ref_or_id(have != NULL ? have->lb.arn : NULL, "lb", lb->name));
}

static bool wants_port(const lb_t *lb, uint32_t port)
{
	for (size_t i = 0; i < lb->n_listeners; i++)
		if (lb->listeners[i]->port == port)
			return true;
	return false;
}

static json_t *subnets_of(const lb_t *lb)
{
	json_t *list = json_array();

	for (size_t i = 0; i < lb->n_subnet_ids; i++)
		json_array_append_new(list, json_string(lb->subnet_ids[i]));
	return list;
}

static void plan_lb(struct planning *p, const lb_t *want)
{
	CLEANUP(mem_close) char *step = mem_printf("lb-%s", want->name);
	const struct inventory_lb *have;
	char full[33];

	spec_short_name(p->a->owner.installation, p->warehouse, "lb", want->name, full);
	have = inventory_lb_by_name(p->inv, full);
	if (have == NULL)
		plan_add(p->b, &kind_create_load_balancer,
			 json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", full, "purpose", want->name, "subnet_ids", subnets_of(want),
				   "tags", tags_of(p, NULL, step, NULL, 0), "fact", json_sprintf("lb.%s", want->name)),
			 "%s", step);
	for (size_t i = 0; i < want->n_listeners; i++)
		plan_listener(p, want, have, want->listeners[i]);
	for (size_t i = 0; have != NULL && i < have->listeners.n; i++)
		if (!wants_port(want, have->listeners.v[i].port))
			plan_add(p->b, &kind_delete_listener, json_pack("{s:s}", "arn", have->listeners.v[i].arn),
				 "nolistener-%s-%u", want->name, have->listeners.v[i].port);
	if (have == NULL || !str_starts(have->lb.state, "active"))
		plan_add(p->b, &kind_wait_load_balancer, json_pack("{s:s, s:s}", "name", full, "purpose", want->name), "%s-active",
			 step);
}

static void plan_base(struct planning *p)
{
	begin(p, "base", STAGE_BASE);
	for (size_t i = 0; i < p->spec->n_security_groups; i++)
		plan_group(p, p->spec->security_groups[i]);
	for (size_t i = 0; i < p->spec->n_target_groups; i++)
		plan_tg(p, p->spec->target_groups[i]);
	for (size_t i = 0; i < p->spec->n_load_balancers; i++)
		plan_lb(p, p->spec->load_balancers[i]);
}

/* ---- clusters ---- */

/* Nodes of one cluster, oldest first: which stay, which go. */
struct nodes {
	const struct ec2_instance **v;
	size_t n;
};

static int by_age(const void *a, const void *b)
{
	const struct ec2_instance *x = *(const struct ec2_instance *const *)a, *y = *(const struct ec2_instance *const *)b;
	int c = strcmp(x->launch_time, y->launch_time);

	return c != 0 ? c : strcmp(x->id, y->id);
}

static struct nodes nodes_of(const struct planning *p, const char *cluster)
{
	struct nodes list = { .v = mem_alloc((p->inv->instances.n + 1) * sizeof(*list.v)) };

	for (size_t i = 0; i < p->inv->instances.n; i++)
		if (is_node_of(p, &p->inv->instances.v[i], cluster))
			list.v[list.n++] = &p->inv->instances.v[i];
	qsort(list.v, list.n, sizeof(*list.v), by_age);
	return list;
}

static json_t *ids_from(const struct nodes *list, size_t from, size_t to)
{
	json_t *ids = json_array();

	for (size_t i = from; i < to; i++)
		json_array_append_new(ids, json_string(list->v[i]->id));
	return ids;
}

static json_t *volumes_json(const cluster_t *c)
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
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *groups_json(const struct planning *p, const cluster_t *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_security_groups; i++) {
		const struct ec2_group *have;
		char name[256];

		group_name(p, c->security_groups[i], name);
		have = inventory_group_by_name(p->inv, p->spec->vpc_id, name);
		json_array_append_new(list, ref_or_id(have != NULL ? have->id : NULL, "sg", c->security_groups[i]));
	}
	return list;
}

static void plan_launch(struct planning *p, const cluster_t *c, size_t held)
{
	json_t *args =
	    json_pack("{s:s, s:i, s:i, s:b, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "cluster", c->name, "count",
		      (int)(c->nodes - held), "held", (int)held, "atomic", c->atomic, "image_id", c->image_id, "type",
		      c->instance_type, "subnet_id", c->subnet_id, "groups", groups_json(p, c), "volumes", volumes_json(c), "tags",
		      tags_of(p, c->name, "launch", c->tags, c->n_tags), "fact", json_sprintf("nodes.%s", c->name));

	if (args != NULL && *c->instance_profile != '\0')
		json_object_set_new(args, "profile", json_string(c->instance_profile));
	if (args != NULL && c->user_data.len > 0)
		json_set_base64(args, "user_data", c->user_data.data, c->user_data.len);
	plan_add(p->b, &kind_launch, args, "launch");
}

/* New nodes, and old ones that were still coming up when we looked. */
static json_t *coming_up(const struct nodes *have, size_t keep, bool launches, const char *cluster)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < keep; i++)
		if (!str_eq(have->v[i]->state, "running"))
			json_array_append_new(ids, json_string(have->v[i]->id));
	if (launches)
		json_array_append_new(ids, json_sprintf("@nodes.%s", cluster));
	return ids;
}

static bool is_registered(const struct inventory_group *g, const char *id)
{
	for (size_t i = 0; g != NULL && i < g->targets.n; i++)
		if (str_eq(g->targets.v[i].id, id) && !str_eq(g->targets.v[i].state, "draining"))
			return true;
	return false;
}

static bool is_listened(const struct planning *p, const char *tg)
{
	for (size_t i = 0; i < p->spec->n_load_balancers; i++)
		for (size_t k = 0; k < p->spec->load_balancers[i]->n_listeners; k++)
			if (str_eq(p->spec->load_balancers[i]->listeners[k]->target_group, tg))
				return true;
	return false;
}

static bool is_cluster_of(const tg_t *g, const char *cluster)
{
	for (size_t i = 0; i < g->n_clusters; i++)
		if (str_eq(g->clusters[i], cluster))
			return true;
	return false;
}

/* A group that no listener leads to has no health to wait for (target state "unused"). */
static void plan_register(struct planning *p, const tg_t *g, const struct nodes *have, size_t keep, bool launches,
			  const char *cluster)
{
	const struct inventory_group *there = have_tg(p, g->name);
	json_t *ids = json_array();

	for (size_t i = 0; i < keep; i++)
		if (!is_registered(there, have->v[i]->id))
			json_array_append_new(ids, json_string(have->v[i]->id));
	if (launches)
		json_array_append_new(ids, json_sprintf("@nodes.%s", cluster));
	if (json_array_size(ids) > 0) {
		plan_add(p->b, &kind_register, json_pack("{s:o, s:O}", "group_arn", tg_ref(p, g->name), "instances", ids),
			 "register-%s", g->name);
		if (is_listened(p, g->name))
			plan_add(p->b, &kind_wait_healthy,
				 json_pack("{s:o, s:O}", "group_arn", tg_ref(p, g->name), "instances", ids), "healthy-%s", g->name);
	}
	json_decref(ids);
}

/* Out of every group of ours they are registered in, then gone. */
static void plan_remove(struct planning *p, const struct nodes *have, size_t from, bool leaves_none)
{
	json_t *ids = ids_from(have, from, have->n), *args;

	for (size_t g = 0; g < p->inv->tgs_n; g++) {
		json_t *there = json_array();

		for (size_t i = from; i < have->n; i++)
			if (is_registered(&p->inv->tgs[g], have->v[i]->id))
				json_array_append_new(there, json_string(have->v[i]->id));
		if (json_array_size(there) > 0)
			plan_add(p->b, &kind_deregister,
				 json_pack("{s:s, s:O}", "group_arn", p->inv->tgs[g].g.arn, "instances", there), "deregister-%s",
				 p->inv->tgs[g].g.name);
		json_decref(there);
	}
	args = json_pack("{s:O}", "instances", ids);
	if (leaves_none)
		json_object_set_new(args, "leaves_none", json_true());
	plan_add(p->b, &kind_terminate, args, "terminate");
	plan_add(p->b, &kind_wait_terminated, json_pack("{s:O}", "instances", ids), "gone");
	json_decref(ids);
}

/* What a node cannot become without being replaced. */
static void check_same_type(struct planning *p, const cluster_t *c, const struct nodes *have)
{
	for (size_t i = 0; i < have->n; i++)
		if (!str_eq(have->v[i]->type, c->instance_type) && p->err.code == 0)
			err_set(&p->err, ERR_UNSUPPORTED,
				"cluster %s: %s is a %s; changing instance_type to %s is not available yet", c->name,
				have->v[i]->id, have->v[i]->type, c->instance_type);
}

static void plan_cluster(struct planning *p, const cluster_t *c)
{
	CLEANUP(mem_close) char *name = mem_printf("cluster-%s", c->name);
	struct nodes have = nodes_of(p, c->name);
	size_t keep = have.n < c->nodes ? have.n : c->nodes;
	bool launches = have.n < c->nodes;
	json_t *coming = coming_up(&have, keep, launches, c->name);

	check_same_type(p, c, &have);
	begin(p, name, STAGE_CLUSTERS);
	if (launches)
		plan_launch(p, c, have.n);
	if (json_array_size(coming) > 0)
		plan_add(p->b, &kind_wait_running,
			 json_pack("{s:s, s:O, s:b, s:o}", "cluster", c->name, "instances", coming, "atomic", c->atomic, "fact",
				   json_sprintf("nodes.%s", c->name)),
			 "up");
	plan_pivot(p->b);
	for (size_t i = 0; i < p->spec->n_target_groups; i++)
		if (is_cluster_of(p->spec->target_groups[i], c->name))
			plan_register(p, p->spec->target_groups[i], &have, keep, launches, c->name);
	if (have.n > c->nodes)
		plan_remove(p, &have, c->nodes, c->nodes == 0);
	json_decref(coming);
	mem_free(have.v);
}

/* ---- what nobody wants any more ---- */

static bool wants_cluster(const struct planning *p, const char *cluster)
{
	for (size_t i = 0; p->spec != NULL && i < p->spec->n_clusters; i++)
		if (str_eq(p->spec->clusters[i]->name, cluster))
			return true;
	return false;
}

/* Each cluster once: at its first node. */
static void plan_lost_clusters(struct planning *p, unsigned stage)
{
	for (size_t i = 0; i < p->inv->instances.n; i++) {
		const struct ec2_instance *in = &p->inv->instances.v[i];
		const char *cluster = ec2_tag_get(&in->tags, "reeve:cluster");
		bool first = true;

		if (cluster == NULL || !is_node_of(p, in, cluster) || wants_cluster(p, cluster))
			continue;
		for (size_t k = 0; k < i; k++)
			first = first && !is_node_of(p, &p->inv->instances.v[k], cluster);
		if (first) {
			CLEANUP(mem_close) char *name = mem_printf("cluster-%s", cluster);
			struct nodes have = nodes_of(p, cluster);

			begin(p, name, stage);
			plan_pivot(p->b);
			plan_remove(p, &have, 0, true);
			mem_free(have.v);
		}
	}
}

static bool wants_short(const struct planning *p, const char *kind, const char *full)
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

static bool wants_group(const struct planning *p, const char *full)
{
	char name[256];

	for (size_t i = 0; p->spec != NULL && i < p->spec->n_security_groups; i++) {
		group_name(p, p->spec->security_groups[i]->name, name);
		if (str_eq(name, full))
			return true;
	}
	return false;
}

static void plan_tidy(struct planning *p, const char *name, unsigned stage)
{
	begin(p, name, stage);
	plan_pivot(p->b);
	for (size_t i = 0; i < p->inv->lbs_n; i++) {
		const struct inventory_lb *lb = &p->inv->lbs[i];

		if (is_of_warehouse(p, &lb->lb.tags) && !wants_short(p, "lb", lb->lb.name))
			plan_add(p->b, &kind_delete_load_balancer,
				 json_pack("{s:s, s:b}", "arn", lb->lb.arn, "in_use", lb->listeners.n > 0), "nolb-%s", lb->lb.name);
	}
	for (size_t i = 0; i < p->inv->tgs_n; i++) {
		const struct inventory_group *g = &p->inv->tgs[i];

		if (is_of_warehouse(p, &g->g.tags) && !wants_short(p, "tg", g->g.name))
			plan_add(p->b, &kind_delete_target_group, json_pack("{s:s}", "arn", g->g.arn), "notg-%s", g->g.name);
	}
	for (size_t i = 0; i < p->inv->groups.n; i++) {
		const struct ec2_group *g = &p->inv->groups.v[i];

		if (is_of_warehouse(p, &g->tags) && !wants_group(p, g->name))
			plan_add(p->b, &kind_delete_security_group, json_pack("{s:s}", "group_id", g->id), "nosg-%s", g->name);
	}
}

/* ---- the two verbs ---- */

static int finish(struct planning *p, struct plans **ret, struct err *e)
{
	struct plans *plans = NULL;

	TRY(plan_end(p->b, &plans, e));
	if (p->err.code != 0) {
		plans_free(plans);
		return err_set(e, p->err.code, "%s", p->err.text);
	}
	*ret = plans;
	return 0;
}

int planner_apply(const struct planner_args *a, const spec_t *spec, struct plans **ret, struct err *e)
{
	struct planning p = { .a = a, .inv = a->inv, .spec = spec, .warehouse = spec->warehouse };

	p.b = plan_builder_new(a->command, "warehouse.apply", spec->warehouse, spec->generation, a->inv->taken_ms);
	plan_base(&p);
	for (size_t i = 0; i < spec->n_clusters; i++)
		plan_cluster(&p, spec->clusters[i]);
	plan_lost_clusters(&p, STAGE_CLUSTERS);
	plan_tidy(&p, "tidy", STAGE_TIDY);
	return finish(&p, ret, e);
}

int planner_delete(const struct planner_args *a, const char *warehouse, struct plans **ret, struct err *e)
{
	struct planning p = { .a = a, .inv = a->inv, .warehouse = warehouse };

	p.b = plan_builder_new(a->command, "warehouse.delete", warehouse, planner_generation(a->inv, warehouse), a->inv->taken_ms);
	plan_lost_clusters(&p, STAGE_BASE);
	plan_tidy(&p, "base", STAGE_CLUSTERS);
	for (size_t i = 0; i < a->inv->vpcs.n; i++)
		for (size_t k = 0; k < a->inv->groups.n; k++)
			if (str_eq(a->inv->groups.v[k].vpc_id, a->inv->vpcs.v[i].id)) {
				plan_preserve(p.b, "vpc", a->inv->vpcs.v[i].id);
				break;
			}
	return finish(&p, ret, e);
}
