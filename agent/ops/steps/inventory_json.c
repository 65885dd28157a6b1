/* inventory_json.c - see inventory_json.h.
 *
 * Each thing goes to the list of its warehouse by its tags; warehouses and clusters come into being with their first thing. An
 * index finds them, so that the work grows with the things and not with their square. */
#include "agent/ops/steps/inventory_json.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/ops/steps/balancers.h"
#include "agent/ops/steps/groups.h"
#include "agent/ops/steps/volumes.h"

#define GENERATION_BYTES 20 /* of a number that is known only when all things are */
#define DOC_BYTES 512       /* of what is around the warehouses, with all its counts */

struct listing {
	const struct inventory *inv;
	const char *only; /* the one warehouse; NULL: all */
	json_t *warehouses, *left_out;
	json_t *index; /* what a key of `make_key` stands for: an object, the volumes of a node, or a place among the instances */
	size_t room;   /* bytes that may still be added */
};

/* ---- what fits ---- */

static void count_out(struct listing *l, const char *kind)
{
	json_object_set_new(l->left_out, kind, json_integer((json_int_t)json_int_or(l->left_out, kind, 0) + 1));
}

static bool takes(struct listing *l, const json_t *thing, size_t more)
{
	size_t size = json_size(thing) + 1 + more; /* and a comma */

	if (size > l->room)
		return false;
	l->room -= size;
	return true;
}

/* `list` NULL: what it would stand in had no room. */
static bool add(struct listing *l, json_t *list, json_t *thing, const char *kind)
{
	if (list == NULL || !takes(l, thing, 0)) {
		count_out(l, kind);
		json_decref(thing);
		return false;
	}
	json_array_append_new(list, thing);
	return true;
}

/* ---- where it stands ---- */

/* A key of jansson's is UTF-8. */
static char *make_key(char what, const char *a, const char *b)
{
	char *key = mem_printf("%c%s\n%s", what, a, b);

	str_mend(key);
	return key;
}

static json_t *find(const struct listing *l, char what, const char *a, const char *b)
{
	CLEANUP(mem_close) char *key = make_key(what, a, b);

	return json_object_get(l->index, key);
}

static void note(struct listing *l, char what, const char *a, const char *b, json_t *thing)
{
	CLEANUP(mem_close) char *key = make_key(what, a, b);

	json_object_set(l->index, key, thing);
}

static void note_place(struct listing *l, char what, const char *id, size_t at)
{
	CLEANUP(json_close) json_t *place = json_integer((json_int_t)at);

	note(l, what, id, "", place);
}

static const char *tag(const struct ec2_tags *t, const char *key)
{
	const char *value = ec2_tag_get(t, key);

	return value != NULL ? value : "";
}

static bool is_wanted(const struct listing *l, const struct ec2_tags *t)
{
	return l->only == NULL || str_eq(l->only, tag(t, "reeve:warehouse"));
}

static json_int_t generation_of(const struct ec2_tags *t)
{
	uint64_t g;

	return str_u64(tag(t, "reeve:generation"), &g) == 0 && g <= INT64_MAX ? (json_int_t)g : 0;
}

static void raise_generation(json_t *warehouse, const struct ec2_tags *t)
{
	json_int_t g = generation_of(t);

	if (warehouse != NULL && g > json_int_or(warehouse, "generation", 0))
		json_object_set_new(warehouse, "generation", json_integer(g));
}

/* NULL: there is no room even for an empty one. */
static json_t *warehouse_of(struct listing *l, const struct ec2_tags *t)
{
	const char *name = tag(t, "reeve:warehouse");
	json_t *w = find(l, 'w', name, "");

	if (w == NULL) {
		w = json_pack("{s:o, s:i, s:[], s:[], s:[], s:[], s:[]}", "name", json_text(name), "generation", 0, "clusters",
			      "security_groups", "load_balancers", "target_groups", "orphan_volumes");
		if (!takes(l, w, GENERATION_BYTES)) {
			json_decref(w);
			return NULL;
		}
		json_array_append_new(l->warehouses, w);
		note(l, 'w', name, "", w);
	}
	raise_generation(w, t);
	return w;
}

static json_t *list_of(struct listing *l, const struct ec2_tags *t, const char *kind)
{
	return json_object_get(warehouse_of(l, t), kind);
}

static json_t *nodes_of(struct listing *l, const struct ec2_tags *t)
{
	const char *warehouse = tag(t, "reeve:warehouse"), *name = tag(t, "reeve:cluster");
	json_t *clusters = list_of(l, t, "clusters"), *c = find(l, 'c', warehouse, name);

	if (c == NULL && clusters != NULL) {
		c = json_pack("{s:o, s:[]}", "name", json_text(name), "nodes");
		if (!takes(l, c, 0)) {
			json_decref(c);
			return NULL;
		}
		json_array_append_new(clusters, c);
		note(l, 'c', warehouse, name, c);
	}
	return json_object_get(c, "nodes");
}

/* ---- one thing of each kind ---- */

/* The vendor's and the customer's: what is neither ours nor AWS's own. */
static json_t *tags_json(const struct ec2_tags *t)
{
	json_t *j = json_object();

	for (size_t i = 0; i < t->n; i++) {
		CLEANUP(mem_close) char *key = mem_str(t->v[i].key);

		str_mend(key);
		if (!str_starts(key, "reeve:") && !str_starts(key, "aws:") && !str_eq(key, "resource-created-by"))
			json_object_set_new(j, key, json_text(t->v[i].value));
	}
	return j;
}

static json_t *node_json(const struct ec2_instance *i)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:[], s:o}", "id", json_text(i->id), "state",
			 json_text(i->state), "reason", json_text(i->reason), "type", json_text(i->type), "image",
			 json_text(i->image_id), "subnet", json_text(i->subnet_id), "zone", json_text(i->az), "private_ip",
			 json_text(i->private_ip), "launched", json_text(i->launch_time), "generation", generation_of(&i->tags),
			 "volumes", "tags", tags_json(&i->tags));
}

static void add_nodes(struct listing *l)
{
	const struct ec2_instances *all = &l->inv->instances;

	for (size_t k = 0; k < all->n; k++) {
		const struct ec2_instance *i = &all->v[k];
		json_t *node;

		note_place(l, 'i', i->id, k);
		if (!is_wanted(l, &i->tags))
			continue;
		node = node_json(i);
		if (add(l, nodes_of(l, &i->tags), node, "nodes"))
			note(l, 'n', i->id, "", json_object_get(node, "volumes"));
	}
}

static bool is_among(const char *id, const char *const *ids, size_t n)
{
	for (size_t k = 0; ids != NULL && k < n; k++)
		if (str_eq(ids[k], id))
			return true;
	return false;
}

/* The places of the newest changes, by the rule of volumes_newest: looking for each would take the square of them. */
static void note_changes(struct listing *l)
{
	const struct ec2_modifications *all = &volumes_in(l->inv)->modifications;

	for (size_t k = 0; k < all->n; k++) {
		const json_t *known = find(l, 'm', all->v[k].volume, "");

		if (known == NULL || strcmp(all->v[k].start, all->v[json_integer_value(known)].start) >= 0)
			note_place(l, 'm', all->v[k].volume, k);
	}
}

static const struct ec2_modification *change_of(const struct listing *l, const struct ec2_volume *v)
{
	const json_t *place = find(l, 'm', v->id, "");

	return place != NULL ? &volumes_in(l->inv)->modifications.v[json_integer_value(place)] : NULL;
}

static json_t *volume_json(const struct listing *l, const struct ec2_volume *v, bool is_kept)
{
	const struct ec2_modification *m = change_of(l, v);
	json_t *j =
	    json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:b, s:b, s:o}", "id", json_text(v->id), "state",
		      json_text(v->state), "device", json_text(v->device), "type", json_text(v->type), "zone", json_text(v->zone),
		      "size_gib", (json_int_t)v->size_gib, "iops", (json_int_t)v->iops, "throughput", (json_int_t)v->throughput,
		      "kept", is_kept, "encrypted", v->is_encrypted, "tags", tags_json(&v->tags));

	if (volumes_is_changing(m))
		json_object_set_new(j, "change", json_text(m->state));
	return j;
}

/* What else the volume of no node is known by: its attachment is of somebody's machine that is not ours, or that has ended. */
static json_t *orphan_json(const struct listing *l, const struct ec2_volume *v)
{
	json_t *j = volume_json(l, v, true);

	json_object_set_new(j, "cluster", json_text(tag(&v->tags, "reeve:cluster")));
	json_object_set_new(j, "instance", json_text(v->instance));
	return j;
}

/* The first row that holds:
 *
 *   attached to nothing                          an orphan
 *   to what is no node of ours                   an orphan
 *   kept, and its node has ended                 an orphan
 *   named among the node's data volumes          the node's
 *   anything else                                not told: a root volume, or the node does not show it yet */
static void add_volume(struct listing *l, const struct ec2_volume *v, const struct ec2_instance *i)
{
	bool is_kept = v->is_kept || (i != NULL && is_among(v->id, i->kept_volume_ids, i->kept_volumes));

	if (i == NULL || (is_kept && !inventory_is_alive(i)))
		add(l, list_of(l, &v->tags, "orphan_volumes"), orphan_json(l, v), "volumes");
	else if (is_kept || is_among(v->id, i->data_volume_ids, i->data_volumes))
		add(l, find(l, 'n', i->id, ""), volume_json(l, v, is_kept), "volumes");
}

static void add_volumes(struct listing *l)
{
	const struct ec2_volumes *all = &volumes_in(l->inv)->all;

	note_changes(l);
	for (size_t k = 0; k < all->n; k++) {
		const json_t *place = find(l, 'i', all->v[k].instance, "");

		if (!is_wanted(l, &all->v[k].tags))
			continue;
		add_volume(l, &all->v[k], place != NULL ? &l->inv->instances.v[json_integer_value(place)] : NULL);
	}
}

static void add_groups(struct listing *l)
{
	const struct ec2_groups *all = groups_in(l->inv);

	for (size_t i = 0; i < all->n; i++) {
		const struct ec2_group *g = &all->v[i];

		if (!is_wanted(l, &g->tags))
			continue;
		add(l, list_of(l, &g->tags, "security_groups"),
		    json_pack("{s:o, s:o, s:o, s:I, s:o}", "id", json_text(g->id), "name", json_text(g->name), "vpc",
			      json_text(g->vpc_id), "rules", (json_int_t)g->rules_n, "tags", tags_json(&g->tags)),
		    "security_groups");
	}
}

static json_t *listeners_json(const struct elb_listeners *all)
{
	json_t *list = json_array();

	for (size_t i = 0; i < all->n; i++)
		json_array_append_new(list, json_pack("{s:o, s:I, s:o, s:o}", "arn", json_text(all->v[i].arn), "port",
						      (json_int_t)all->v[i].port, "protocol", json_text(all->v[i].protocol),
						      "target_group", json_text(all->v[i].target_group_arn)));
	return list;
}

static void add_balancers(struct listing *l)
{
	const struct balancers *all = balancers_in(l->inv);

	for (size_t i = 0; i < all->lbs_n; i++) {
		const struct elb_lb *b = &all->lbs[i].lb;

		if (!is_wanted(l, &b->tags))
			continue;
		add(l, list_of(l, &b->tags, "load_balancers"),
		    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name", json_text(b->name), "arn", json_text(b->arn), "state",
			      json_text(b->state), "dns_name", json_text(b->dns_name), "listeners",
			      listeners_json(&all->lbs[i].listeners), "tags", tags_json(&b->tags)),
		    "load_balancers");
	}
}

static json_t *targets_json(const struct elb_targets *all)
{
	json_t *list = json_array();

	for (size_t i = 0; i < all->n; i++)
		json_array_append_new(list, json_pack("{s:o, s:I, s:o, s:o}", "id", json_text(all->v[i].id), "port",
						      (json_int_t)all->v[i].port, "health", json_text(all->v[i].state), "reason",
						      json_text(all->v[i].reason)));
	return list;
}

static void add_target_groups(struct listing *l)
{
	const struct balancers *all = balancers_in(l->inv);

	for (size_t i = 0; i < all->target_groups_n; i++) {
		const struct elb_target_group *g = &all->target_groups[i].g;

		if (!is_wanted(l, &g->tags))
			continue;
		add(l, list_of(l, &g->tags, "target_groups"),
		    json_pack("{s:o, s:o, s:o, s:I, s:o, s:o}", "name", json_text(g->name), "arn", json_text(g->arn), "protocol",
			      json_text(g->protocol), "port", (json_int_t)g->port, "targets",
			      targets_json(&all->target_groups[i].targets), "tags", tags_json(&g->tags)),
		    "target_groups");
	}
}

/* ---- in an order that does not change with AWS's mood ---- */

static int by_name(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;

	return strcmp(json_str_or(x, "name", json_str_or(x, "id", "")), json_str_or(y, "name", json_str_or(y, "id", "")));
}

static void sort(json_t *list)
{
	size_t n = json_array_size(list);
	json_t **v = mem_alloc((n + 1) * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = json_incref(json_array_get(list, i));
	qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n; i++)
		json_array_set_new(list, i, v[i]);
	mem_free(v);
}

/* Lists within lists too: what has neither a name nor an id keeps its place. */
static void sort_all(json_t *warehouses)
{
	static const char *const lists[] = { "clusters", "security_groups", "load_balancers", "target_groups", "orphan_volumes" };

	sort(warehouses);
	for (size_t i = 0; i < json_array_size(warehouses); i++) {
		json_t *w = json_array_get(warehouses, i), *clusters = json_object_get(w, "clusters");

		for (size_t k = 0; k < ARRAY_LEN(lists); k++)
			sort(json_object_get(w, lists[k]));
		for (size_t k = 0; k < json_array_size(clusters); k++)
			sort(json_object_get(json_array_get(clusters, k), "nodes"));
	}
}

static bool has_left_out(const json_t *left_out)
{
	const char *kind;
	json_t *n;

	json_object_foreach((json_t *)left_out, kind, n)
		if (json_integer_value(n) > 0)
			return true;
	return false;
}

json_t *inventory_json_of(const struct inventory *inv, const char *warehouse, size_t most_bytes)
{
	char when[STAMP_RFC3339_LEN];
	struct listing l = { .inv = inv,
			     .only = warehouse,
			     .warehouses = json_array(),
			     .left_out = json_pack("{s:i, s:i, s:i, s:i, s:i}", "nodes", 0, "volumes", 0, "security_groups", 0,
						   "load_balancers", 0, "target_groups", 0),
			     .index = json_object(),
			     .room = most_bytes > DOC_BYTES ? most_bytes - DOC_BYTES : 0 };

	/* What a person looks for first comes first, and has room when the rest has none. */
	add_nodes(&l);
	add_groups(&l);
	add_balancers(&l);
	add_target_groups(&l);
	add_volumes(&l);
	json_decref(l.index);
	sort_all(l.warehouses);
	return json_pack("{s:s, s:o, s:b, s:o}", "taken_at", stamp_rfc3339(inv->taken_ms, when), "warehouses", l.warehouses,
			 "truncated", has_left_out(l.left_out), "left_out", l.left_out);
}

json_t *inventory_json(const struct inventory *inv, size_t most_bytes)
{
	return inventory_json_of(inv, NULL, most_bytes);
}
