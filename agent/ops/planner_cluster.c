/* planner_cluster.c - the nodes of a cluster: what is missing is launched, waited for and registered, and only then does what is
 * too much go, the youngest first. */
#include <stdlib.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/planner_impl.h"

/* Nodes of one cluster, oldest first: the first `keep` stay, the others go. */
struct nodes {
	const char *cluster;
	const struct ec2_instance **v;
	size_t n, keep;
	bool launches; /* there are fewer than are wanted */
};

bool planner_is_node(const struct planning *p, const struct ec2_instance *i, const char *cluster)
{
	return inventory_is_alive(i) && planning_is_of_warehouse(p, &i->tags) &&
	       str_eq(ec2_tag_get(&i->tags, "reeve:cluster"), cluster);
}

static int by_age(const void *a, const void *b)
{
	const struct ec2_instance *x = *(const struct ec2_instance *const *)a, *y = *(const struct ec2_instance *const *)b;
	int c = strcmp(x->launch_time, y->launch_time);

	return c != 0 ? c : strcmp(x->id, y->id);
}

static struct nodes nodes_of(const struct planning *p, const char *cluster, size_t wanted)
{
	struct nodes list = { .cluster = cluster, .v = mem_alloc((p->inv->instances.n + 1) * sizeof(*list.v)) };

	for (size_t i = 0; i < p->inv->instances.n; i++)
		if (planner_is_node(p, &p->inv->instances.v[i], cluster))
			list.v[list.n++] = &p->inv->instances.v[i];
	qsort(list.v, list.n, sizeof(*list.v), by_age);
	list.keep = list.n < wanted ? list.n : wanted;
	list.launches = list.n < wanted;
	return list;
}

static void add_id(json_t *ids, const struct ec2_instance *i)
{
	json_array_append_new(ids, json_string(i->id));
}

static void add_launched(json_t *ids, const struct nodes *have)
{
	if (have->launches)
		json_array_append_new(ids, json_sprintf("@nodes.%s", have->cluster));
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
	if (!str_eq(i->root_type, "ebs") || *i->root_device != '/')
		return err_set(e, ERR_INVALID, "image %s has no EBS root volume, so it cannot be encrypted", i->id);
	if (i->more != NULL)
		return err_set(e, ERR_INVALID, "image %s maps %s beside its root: such an image is not started", i->id, i->more);
	for (size_t k = 0; k < c->n_volumes; k++)
		if (str_eq(c->volumes[k]->device, i->root_device))
			return err_set(e, ERR_INVALID, "volumes[%zu]: %s is the root of image %s", k, i->root_device, i->id);
	return 0;
}

/* A text as AWS tells it: others chose it, and a leading @ would make it a fact of the plan. */
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
		if (p->err.code == 0)
			err_set(&p->err, ERR_INVALID, "cluster %s: %s", c->name, err_text(&e));
		return;
	}
	json_object_set_new(args, "image_name", told(i->name));
	json_object_set_new(args, "image_owner", told(i->owner));
	json_object_set_new(args, "image_owner_alias", told(i->owner_alias));
	json_object_set_new(args, "root_device", json_string(i->root_device));
	json_object_set_new(args, "root_gib", json_integer(i->root_gib));
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

static void add_zone(struct planning *p, const cluster_t *c, json_t *args)
{
	CLEANUP(mem_close) char *what = mem_printf("cluster %s", c->name);
	const struct ec2_subnet *s = planning_subnet(p, what, c->subnet_id);

	if (s != NULL)
		json_object_set_new(args, "zone", told(s->zone));
}

static void plan_launch(struct planning *p, const cluster_t *c, size_t held)
{
	json_t *args =
	    json_pack("{s:s, s:i, s:i, s:b, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "cluster", c->name, "count",
		      (int)(c->nodes - held), "held", (int)held, "atomic", c->atomic, "image_id", c->image_id, "type",
		      c->instance_type, "subnet_id", c->subnet_id, "groups", groups_json(p, c), "volumes", volumes_json(c), "tags",
		      planning_tags(p, c->name, "launch", c->tags, c->n_tags), "fact", json_sprintf("nodes.%s", c->name));

	add_image(p, c, args);
	add_zone(p, c, args);
	add_rules(p, c, args);
	if (*c->instance_profile != '\0')
		json_object_set_new(args, "profile", json_string(c->instance_profile));
	if (c->user_data.len > 0)
		add_user_data(args, c);
	plan_add(p->b, &kind_launch, args, "launch");
}

/* New nodes, and old ones that were still coming up when we looked. */
static void plan_up(struct planning *p, const cluster_t *c, const struct nodes *have)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < have->keep; i++)
		if (!str_eq(have->v[i]->state, "running"))
			add_id(ids, have->v[i]);
	add_launched(ids, have);
	if (json_array_size(ids) > 0)
		plan_add(p->b, &kind_wait_running,
			 json_pack("{s:s, s:O, s:b, s:o}", "cluster", c->name, "instances", ids, "atomic", c->atomic, "fact",
				   json_sprintf("nodes.%s", c->name)),
			 "up");
	json_decref(ids);
}

static bool is_registered(const struct inventory_group *g, const char *id)
{
	for (size_t i = 0; g != NULL && i < g->targets.n; i++)
		if (str_eq(g->targets.v[i].id, id) && !str_eq(g->targets.v[i].state, "draining"))
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
static void plan_register(struct planning *p, const tg_t *g, const struct nodes *have)
{
	const struct inventory_group *there = planner_tg_there(p, g->name);
	json_t *ids = json_array();

	for (size_t i = 0; i < have->keep; i++)
		if (!is_registered(there, have->v[i]->id))
			add_id(ids, have->v[i]);
	add_launched(ids, have);
	if (json_array_size(ids) > 0) {
		plan_add(p->b, &kind_register, json_pack("{s:o, s:O}", "group_arn", planner_tg_ref(p, g->name), "instances", ids),
			 "register-%s", g->name);
		if (planner_is_listened(p, g->name))
			plan_add(p->b, &kind_wait_healthy,
				 json_pack("{s:o, s:O}", "group_arn", planner_tg_ref(p, g->name), "instances", ids), "healthy-%s",
				 g->name);
	}
	json_decref(ids);
}

json_t *planner_nodes_behind(const struct planning *p, const tg_t *g)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < p->spec->n_clusters; i++) {
		const cluster_t *c = p->spec->clusters[i];
		struct nodes have = nodes_of(p, c->name, is_cluster_of(g, c->name) ? c->nodes : 0);

		for (size_t k = 0; k < have.keep; k++)
			add_id(ids, have.v[k]);
		add_launched(ids, &have);
		mem_free(have.v);
	}
	return ids;
}

static void plan_deregister(struct planning *p, const struct inventory_group *g, const struct nodes *have)
{
	json_t *ids = json_array();

	for (size_t i = have->keep; i < have->n; i++)
		if (is_registered(g, have->v[i]->id))
			add_id(ids, have->v[i]);
	if (json_array_size(ids) > 0)
		plan_add(p->b, &kind_deregister, json_pack("{s:s, s:O}", "group_arn", g->g.arn, "instances", ids), "deregister-%s",
			 g->g.name);
	json_decref(ids);
}

static json_t *volume_ids(const struct nodes *have)
{
	json_t *ids = json_array();

	for (size_t i = have->keep; i < have->n; i++)
		for (uint32_t k = 0; k < have->v[i]->data_volumes && have->v[i]->data_volume_ids != NULL; k++)
			json_array_append_new(ids, json_string(have->v[i]->data_volume_ids[k]));
	return ids;
}

/* What goes with the nodes. A node that is still coming up may have volumes that EC2 does not show yet. */
static void add_losses(const struct planning *p, json_t *args, const struct nodes *have)
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
		json_object_set_new(args, "volume_ids", volume_ids(have));
	}
	if (disks)
		json_object_set_new(args, "disks", json_true());
	if (unseen)
		json_object_set_new(args, "unseen_volumes", json_true());
	if (have->keep == 0)
		json_object_set_new(args, "leaves_none", json_true());
}

/* Out of every group of ours they are registered in, then gone. */
static void plan_remove(struct planning *p, const struct nodes *have)
{
	json_t *ids = json_array(), *args;

	for (size_t g = 0; g < p->inv->tgs_n; g++)
		plan_deregister(p, &p->inv->tgs[g], have);
	for (size_t i = have->keep; i < have->n; i++)
		add_id(ids, have->v[i]);
	args = json_pack("{s:O, s:I}", "instances", ids, "of", (json_int_t)have->n);
	add_losses(p, args, have);
	plan_add(p->b, &kind_terminate, args, "terminate");
	plan_add(p->b, &kind_wait_terminated, json_pack("{s:O}", "instances", ids), "gone");
	json_decref(ids);
}

/* What a node cannot become without being replaced. */
static void check_same_type(struct planning *p, const cluster_t *c, const struct nodes *have)
{
	for (size_t i = 0; i < have->n; i++)
		if (have->v[i]->vpc_id != NULL && *have->v[i]->vpc_id != '\0' && !str_eq(have->v[i]->vpc_id, p->spec->vpc_id) &&
		    p->err.code == 0)
			err_set(&p->err, ERR_UNSUPPORTED, "cluster %s: %s stands in %s; changing vpc_id to %s is not available yet",
				c->name, have->v[i]->id, have->v[i]->vpc_id, p->spec->vpc_id);
	for (size_t i = 0; i < have->n; i++)
		if (!str_eq(have->v[i]->type, c->instance_type) && p->err.code == 0)
			err_set(&p->err, ERR_UNSUPPORTED,
				"cluster %s: %s is a %s; changing instance_type to %s is not available yet", c->name,
				have->v[i]->id, have->v[i]->type, c->instance_type);
}

void planner_plan_cluster(struct planning *p, const cluster_t *c, unsigned stage)
{
	CLEANUP(mem_close) char *name = mem_printf("cluster-%s", c->name);
	struct nodes have = nodes_of(p, c->name, c->nodes);

	check_same_type(p, c, &have);
	planning_begin(p, name, stage);
	if (have.launches)
		plan_launch(p, c, have.n);
	plan_up(p, c, &have);
	plan_pivot(p->b);
	for (size_t i = 0; i < p->spec->n_target_groups; i++)
		if (is_cluster_of(p->spec->target_groups[i], c->name))
			plan_register(p, p->spec->target_groups[i], &have);
	if (have.n > have.keep)
		plan_remove(p, &have);
	mem_free(have.v);
}

void planner_plan_no_cluster(struct planning *p, const char *cluster, unsigned stage)
{
	CLEANUP(mem_close) char *name = mem_printf("cluster-%s", cluster);
	struct nodes have = nodes_of(p, cluster, 0);

	planning_begin(p, name, stage);
	plan_pivot(p->b);
	plan_remove(p, &have);
	mem_free(have.v);
}
