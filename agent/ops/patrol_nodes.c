/* patrol_nodes.c - see patrol_nodes.h. */
#include "agent/ops/patrol_nodes.h"

#include <stdio.h>

#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/steps/volumes.h"

typedef Reeve__Control__V1__Cluster cluster_t;

#define KNOWN_MAX 256 /* of a cluster; more than a spec may want */
#define IS_PAUSED(c) ((c)->power == REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED)

/* ---- who is there ---- */

/* Those that a heal has left are not: others are in their place. */
static json_t *alive_nodes(const struct patrol_look *l, const cluster_t *c)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < l->inv->instances.n && json_array_size(ids) < KNOWN_MAX; i++) {
		const struct ec2_instance *in = &l->inv->instances.v[i];

		if (inventory_is_alive(in) && !json_has_text(l->wanted->left, in->id) &&
		    str_eq(ec2_tag_get(&in->tags, "reeve:warehouse"), l->spec->warehouse) &&
		    str_eq(ec2_tag_get(&in->tags, "reeve:cluster"), c->name))
			json_array_append_new(ids, json_string(in->id));
	}
	return ids;
}

/* ---- who is lost ---- */

/* Not shown at all, now and the last time; or shown as ended. */
static bool is_lost(const struct patrol_look *l, struct patrol_nodes *n, json_t *unseen, const char *id)
{
	if (inventory_instance_in(&l->inv->instances, id) != NULL)
		return true;
	json_object_set_new(unseen, id, json_true());
	return json_object_get(n->unseen, id) != NULL;
}

static void tell(const struct patrol_look *l, const cluster_t *c, const char *id)
{
	const struct ec2_instance *in = inventory_instance_in(&l->inv->instances, id);
	struct patrol_lost lost = { .wanted = l->wanted, .spec = l->spec, .cluster = c->name, .instance = id };

	if (in == NULL)
		snprintf(lost.reason, sizeof(lost.reason), "%s of %s is not there any more", id, c->name);
	else
		snprintf(lost.reason, sizeof(lost.reason), "%s of %s is %s%s%.80s", id, c->name, in->state,
			 in->reason != NULL && *in->reason != '\0' ? ": " : "", in->reason != NULL ? in->reason : "");
	l->lost(l->ctx, &lost);
}

/* ---- who is sick ---- */

/* In words, or "": it is not, or not for long enough. */
static void why_sick(const struct patrol_look *l, const struct patrol_nodes *n, json_t *ill, const char *id, char to[160])
{
	const struct ec2_status *s = inventory_status(l->inv, id);

	to[0] = '\0';
	if (s != NULL && s->ending != NULL) {
		snprintf(to, 160, "AWS is about to stop or end %s: %s", id, s->ending);
		return;
	}
	if (s == NULL || (!str_eq(s->system, "impaired") && !str_eq(s->instance, "impaired")))
		return;
	json_object_set_new(ill, id, json_true());
	if (json_object_get(n->ill, id) != NULL)
		snprintf(to, 160, "status checks of %s fail: system %s, instance %s", id, s->system, s->instance);
}

/* The first of them: the next one's turn comes when another stands in its place. */
static void look_for_sick(const struct patrol_look *l, const struct patrol_nodes *n, json_t *ill, const json_t *alive,
			  const cluster_t *c)
{
	struct patrol_lost sick = { .wanted = l->wanted, .spec = l->spec, .cluster = c->name, .is_sick = true };
	bool is_told = false;

	for (size_t i = 0; i < json_array_size(alive); i++) {
		sick.instance = json_string_value(json_array_get(alive, i));
		why_sick(l, n, ill, sick.instance, sick.reason);
		if (sick.reason[0] == '\0' || is_told)
			continue;
		is_told = true;
		l->lost(l->ctx, &sick);
	}
}

/* Who is to be known from now on: those that are alive, and while some are missing those that were. */
static json_t *look_at_cluster(const struct patrol_look *l, struct patrol_nodes *n, json_t *unseen, json_t *ill, const cluster_t *c)
{
	const json_t *known = json_object_get(l->wanted->nodes, c->name), *one;
	json_t *alive = alive_nodes(l, c), *next;
	size_t have = json_array_size(alive), missing = c->nodes > have ? c->nodes - have : 0, i;

	if (!IS_PAUSED(c) && have == c->nodes)
		look_for_sick(l, n, ill, alive, c);
	if (IS_PAUSED(c) || missing == 0)
		return alive;
	next = json_copy(alive);
	json_array_foreach(known, i, one) {
		const char *id = json_string_value(one);

		if (id == NULL || json_has_text(alive, id) || json_has_text(l->wanted->left, id) ||
		    json_array_size(next) == KNOWN_MAX)
			continue;
		json_array_append_new(next, json_string(id));
		if (missing > 0 && is_lost(l, n, unseen, id)) {
			missing--;
			tell(l, c, id);
		}
	}
	json_decref(alive);
	return next;
}

/* ---- whose volumes are whose ---- */

static bool is_counted(const json_t *nodes, const char *id)
{
	const char *cluster;
	json_t *ids;

	json_object_foreach((json_t *)nodes, cluster, ids)
		if (json_has_text(ids, id))
			return true;
	return false;
}

/* Kept volumes that their nodes have; and of the others what was known, as long as they are shown, or their node is looked for. A
 * node that was launched in the place of another, got its volume and was taken back may be shown with it for a while: it is
 * nobody's home. */
static json_t *homes_of(const struct patrol_look *l, const json_t *nodes)
{
	const struct ec2_volumes *all = &volumes_in(l->inv)->all;
	json_t *homes = json_object(), *home;
	const char *volume;

	for (size_t i = 0; i < all->n; i++) {
		const struct ec2_volume *v = &all->v[i];
		json_t *was = json_object_get(l->wanted->homes, v->id);

		if (!str_eq(ec2_tag_get(&v->tags, "reeve:warehouse"), l->spec->warehouse))
			continue;
		if (v->is_kept && is_counted(nodes, v->instance))
			json_object_set_new(homes, v->id, json_string(v->instance));
		else if (was != NULL)
			json_object_set(homes, v->id, was);
		else if (v->is_kept && inventory_instance_in(&l->inv->instances, v->instance) != NULL)
			json_object_set_new(homes, v->id, json_string(v->instance));
	}
	json_object_foreach(l->wanted->homes, volume, home)
		if (json_object_get(homes, volume) == NULL && is_counted(nodes, json_string_value(home)))
			json_object_set(homes, volume, home);
	return homes;
}

/* ---- the record ---- */

static void on_nodes(struct journal_append *a)
{
	struct patrol_nodes *n = container_of(a, struct patrol_nodes, rec);

	wanted_replay_nodes(n->wanted, n->writing);
	json_close(&n->writing);
}

static bool is_known(const struct wanted_one *one, const json_t *nodes, const json_t *homes)
{
	bool has_same = one->homes != NULL ? json_equal(one->homes, homes) : json_object_size(homes) == 0;

	return one->nodes != NULL && json_equal(one->nodes, nodes) && has_same;
}

static void keep(const struct patrol_look *l, struct patrol_nodes *n, json_t *nodes, json_t *homes)
{
	if (n->writing != NULL || is_known(l->wanted, nodes, homes))
		return; /* the next look sees the same */
	n->wanted = &l->env->shared->wanted;
	n->writing = json_pack("{s:s, s:s, s:O, s:O}", "warehouse", l->wanted->warehouse, "op", l->wanted->op, "nodes", nodes,
			       "volumes", homes);
	journal_append(l->env->journal, &n->rec, "warehouse.nodes", json_incref(n->writing), on_nodes);
}

void patrol_nodes_look(const struct patrol_look *l, struct patrol_nodes *n)
{
	CLEANUP(json_close) json_t *nodes = json_object(), *homes = NULL;
	json_t *unseen = json_object(), *ill = json_object();

	for (size_t i = 0; i < l->spec->n_clusters; i++)
		json_object_set_new(nodes, l->spec->clusters[i]->name, look_at_cluster(l, n, unseen, ill, l->spec->clusters[i]));
	json_decref(n->unseen);
	json_decref(n->ill);
	n->unseen = unseen;
	n->ill = ill;
	homes = homes_of(l, nodes);
	keep(l, n, nodes, homes);
}

void patrol_nodes_close(struct journal *j, struct patrol_nodes *n)
{
	if (j != NULL && n->writing != NULL)
		journal_forget(j, &n->rec);
	json_close(&n->writing);
	json_close(&n->unseen);
	json_close(&n->ill);
}
