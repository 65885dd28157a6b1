/* resource_status.c - see resource_status.h. */
#include "agent/ops/resource_status.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"

typedef Reeve__Control__V1__Cluster cluster_t;

#define IS(name) REEVE__CONTROL__V1__RESOURCE_STATUS__##name
#define VERB(name) REEVE__CONTROL__V1__VERB__##name
#define IS_PAUSED(c) ((c)->power == REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED)

const char *resource_status_name(resource_status_t s)
{
	const ProtobufCEnumValue *v =
	    protobuf_c_enum_descriptor_get_value(&reeve__control__v1__resource_status__descriptor, (int)s);

	return v != NULL && s != IS(RESOURCE_STATUS_UNSPECIFIED) ? v->name : "";
}

/* ---- nodes ---- */

json_t *resource_status_nodes(const struct inventory *inv, const char *warehouse)
{
	json_t *nodes = json_object();

	for (size_t i = 0; i < inv->instances.n; i++) {
		const struct ec2_instance *in = &inv->instances.v[i];
		const char *cluster = ec2_tag_get(&in->tags, "reeve:cluster"), *how = str_starts(in->state, "stop") ? "down" : "up";
		json_t *of;

		if (cluster == NULL || !inventory_is_alive(in) || !str_eq(ec2_tag_get(&in->tags, "reeve:warehouse"), warehouse))
			continue;
		if (json_object_get(nodes, cluster) == NULL)
			json_object_set_new(nodes, cluster, json_pack("{s:i, s:i}", "up", 0, "down", 0));
		of = json_object_get(nodes, cluster);
		json_object_set_new(of, how, json_integer(json_int_or(of, how, 0) + 1));
	}
	return nodes;
}

static bool has_nodes(const json_t *nodes, const char *cluster)
{
	return json_object_get(nodes, cluster) != NULL;
}

static bool has_node_up(const json_t *nodes, const char *cluster)
{
	return json_int_or(json_object_get(nodes, cluster), "up", 0) > 0;
}

/* ---- specs ---- */

static const cluster_t *cluster_in(const spec_t *spec, const char *name)
{
	for (size_t i = 0; spec != NULL && i < spec->n_clusters; i++)
		if (str_eq(spec->clusters[i]->name, name))
			return spec->clusters[i];
	return NULL;
}

/* The one that is being brought about; else the one that stands. */
static const spec_t *spec_of(const struct resource_status_from *f)
{
	const spec_t *own = f->work.verb != NULL && f->work.args != NULL ? f->work.verb->spec(f->work.args) : NULL;

	return own != NULL ? own : f->spec;
}

/* ---- what is done to a cluster ---- */

/* Of the steps of its plans. */
struct resource_deeds {
	bool any; /* a step that changes something */
	bool starts, stops, launches, ends, remakes;
};

static void add_step(struct resource_deeds *d, const struct step_kind *k)
{
	d->any = d->any || step_mutates(k);
	d->starts = d->starts || k == &kind_start;
	d->stops = d->stops || k == &kind_stop;
	d->launches = d->launches || k == &kind_launch;
	d->ends = d->ends || k == &kind_terminate;
	d->remakes = d->remakes || k == &kind_modify_type || k == &kind_modify_volume;
}

/* "PREFIXfe", and behind it nothing, or "-" and one word without "-" that begins so. A cluster's name may have "-" in it. */
static bool is_named(const char *plan, const char *prefix, const char *cluster, const char *word)
{
	const char *at = str_starts(plan, prefix) ? plan + strlen(prefix) : NULL;

	if (at == NULL || !str_starts(at, cluster))
		return false;
	at += strlen(cluster);
	if (word == NULL)
		return *at == '\0';
	return str_starts(at, word) && strchr(at + strlen(word), '-') == NULL;
}

/* A plan's name tells whose it is (planner_cluster.c, planner_power.c, planner_upgrade.c); of what is shared it is nobody's. */
static bool is_plan_of(const char *plan, const char *cluster)
{
	return is_named(plan, "cluster-", cluster, NULL) || is_named(plan, "end-", cluster, NULL) ||
	       is_named(plan, "resize-", cluster, "-i-") || is_named(plan, "upgrade-", cluster, "-");
}

static struct resource_deeds deeds_on(const struct plans *p, const char *cluster)
{
	struct resource_deeds d = { 0 };

	for (size_t i = 0; p != NULL && i < p->n; i++)
		for (size_t k = 0; is_plan_of(p->v[i].name, cluster) && k < p->v[i].n; k++)
			add_step(&d, p->v[i].steps[k].kind);
	return d;
}

/* ---- a cluster ---- */

/* At rest, the first row that holds:
 *
 *   a node of it is up                                 Running
 *   it is paused                                       Stopped
 *   no look has been had, or it is to have no node     Running
 *   else (each is stopped, or gone)                    Stopped  */
static resource_status_t rests(const struct resource_status_from *f, const cluster_t *c, const char *name)
{
	if (has_node_up(f->nodes, name))
		return IS(Running);
	if (c != NULL && IS_PAUSED(c))
		return IS(Stopped);
	return c != NULL && (f->nodes == NULL || c->nodes == 0) ? IS(Running) : IS(Stopped);
}

/* While an apply is at work, the first row that holds:
 *
 *   its plans change nothing                               as it rests
 *   the spec does not name it                              Deleting
 *   the plan launches nodes, and found none of it          Creating
 *   types or volumes are changed                           Resizing
 *   nodes are started                                      Starting
 *   nodes are stopped                                      Stopping
 *   nodes are launched or ended                            Resizing
 *   else                                                   Adjusting  */
static resource_status_t applied(const struct resource_status_from *f, const cluster_t *c, const char *name)
{
	struct resource_deeds d = deeds_on(f->work.plans, name);

	if (!d.any)
		return rests(f, c, name);
	if (c == NULL)
		return IS(Deleting);
	if (d.launches && (f->work.is_birth || (json_is_object(f->work.found) && !has_nodes(f->work.found, name))))
		return IS(Creating);
	if (d.remakes)
		return IS(Resizing);
	if (d.starts)
		return IS(Starting);
	if (d.stops)
		return IS(Stopping);
	return d.launches || d.ends ? IS(Resizing) : IS(Adjusting);
}

/* Which cluster a verb of one cluster speaks of; NULL: another verb. */
static const char *subject(const struct resource_status_work *w)
{
	switch (w->args != NULL ? w->verb->wire : VERB(VERB_UNSPECIFIED)) {
	case VERB(CLUSTER_REBOOT):
		return ((const Reeve__Control__V1__ClusterReboot *)w->args)->cluster;
	case VERB(NODES_REPLACE):
		return ((const Reeve__Control__V1__NodesReplace *)w->args)->cluster;
	case VERB(HEAL):
		return ((const Reeve__Control__V1__Heal *)w->args)->cluster;
	default:
		return NULL;
	}
}

/* By the verb that is at work:
 *
 *   none                                              as it rests
 *   warehouse.delete                                  Deleting
 *   warehouse.upgrade, and a plan is of it            Upgrading
 *   warehouse.apply                                   as it is applied
 *   cluster.reboot, of it                             Restarting
 *   nodes.replace, heal, of it                        Adjusting
 *   else                                              as it rests  */
static resource_status_t cluster_status(const struct resource_status_from *f, const cluster_t *c, const char *name)
{
	const struct resource_status_work *w = &f->work;

	if (w->verb == NULL)
		return rests(f, c, name);
	if (w->verb->wire == VERB(WAREHOUSE_DELETE))
		return IS(Deleting);
	if (w->verb->wire == VERB(WAREHOUSE_UPGRADE) && deeds_on(w->plans, name).any)
		return IS(Upgrading);
	if (w->verb->wire == VERB(WAREHOUSE_APPLY))
		return applied(f, c, name);
	if (!str_eq(subject(w), name))
		return rests(f, c, name);
	return w->verb->wire == VERB(CLUSTER_REBOOT) ? IS(Restarting) : IS(Adjusting);
}

/* ---- the clusters ---- */

static void add(const struct resource_status_from *f, const char *name, struct resource_status *to)
{
	for (size_t i = 0; i < to->n; i++)
		if (str_eq(to->clusters[i].name, name))
			return;
	if (to->n == RESOURCE_STATUS_CLUSTERS_MAX)
		return;
	to->clusters[to->n++] =
	    (struct resource_status_cluster){ .name = name, .status = cluster_status(f, cluster_in(spec_of(f), name), name) };
}

/* Those of the spec first, in its order; then what is to go, and what is there although no spec names it. One that is gone, and
 * that no spec names, is told no more: its last plan took it away. */
static void add_clusters(const struct resource_status_from *f, struct resource_status *to)
{
	const spec_t *now = spec_of(f);
	const char *name;
	json_t *of;

	for (size_t i = 0; now != NULL && i < now->n_clusters; i++)
		add(f, now->clusters[i]->name, to);
	for (size_t i = 0; f->spec != NULL && i < f->spec->n_clusters; i++)
		if (f->work.verb != NULL)
			add(f, f->spec->clusters[i]->name, to);
	json_object_foreach((json_t *)f->nodes, name, of)
		add(f, name, to);
}

static size_t count(const struct resource_status *s, resource_status_t status)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->clusters[i].status == status;
	return n;
}

/* ---- the warehouse ---- */

static bool are_all_paused(const spec_t *spec)
{
	size_t n = 0;

	for (size_t i = 0; spec != NULL && i < spec->n_clusters; i++)
		n += IS_PAUSED(spec->clusters[i]);
	return spec != NULL && n == spec->n_clusters;
}

/* At rest, the first row that holds:
 *
 *   it was deleted                                                Deleted
 *   it could not be made                                          CreateFailed
 *   neither its spec nor its nodes are known                      (not known)
 *   a cluster is Running, or the spec that stands names none      Running
 *   the spec that stands has them all paused                      Suspended
 *   else (no node of it is up, whoever has stopped them)          Stopped  */
static resource_status_t warehouse_rests(const struct resource_status_from *f, const struct resource_status *s)
{
	if (f->fate == FATE_DELETED)
		return IS(Deleted);
	if (f->fate == FATE_CREATE_FAILED)
		return IS(CreateFailed);
	if (f->spec == NULL && f->nodes == NULL)
		return IS(RESOURCE_STATUS_UNSPECIFIED);
	if (count(s, IS(Running)) > 0 || (f->spec != NULL && f->spec->n_clusters == 0))
		return IS(Running);
	return are_all_paused(f->spec) ? IS(Suspended) : IS(Stopped);
}

/* While an apply is at work, the first row that holds:
 *
 *   it is to make the warehouse                                                       Creating
 *   a cluster of it is Creating, Deleting or Resizing                                 Resizing
 *   clusters are Starting, and all others Stopped                                     Resuming
 *   clusters are Stopping, and all others Stopped                                     Suspending
 *   else (what is shared, tags, or some clusters of several are stopped or started)   Adjusting  */
static resource_status_t warehouse_applied(const struct resource_status_from *f, const struct resource_status *s)
{
	size_t starting = count(s, IS(Starting)), stopping = count(s, IS(Stopping)), stopped = count(s, IS(Stopped));

	if (f->work.is_birth)
		return IS(Creating);
	if (count(s, IS(Creating)) + count(s, IS(Deleting)) + count(s, IS(Resizing)) > 0)
		return IS(Resizing);
	if (starting > 0 && starting + stopped == s->n)
		return IS(Resuming);
	if (stopping > 0 && stopping + stopped == s->n)
		return IS(Suspending);
	return IS(Adjusting);
}

static resource_status_t warehouse_status(const struct resource_status_from *f, const struct resource_status *s)
{
	if (f->work.verb == NULL)
		return warehouse_rests(f, s);
	switch (f->work.verb->wire) {
	case VERB(WAREHOUSE_DELETE):
		return IS(Deleting);
	case VERB(WAREHOUSE_UPGRADE):
		return IS(Upgrading);
	case VERB(CLUSTER_REBOOT):
		return IS(Restarting);
	case VERB(WAREHOUSE_APPLY):
		return warehouse_applied(f, s);
	default: /* nodes.replace, heal */
		return IS(Adjusting);
	}
}

void resource_status_of(const struct resource_status_from *f, struct resource_status *ret)
{
	ret->n = 0;
	/* Of one that is deleted nothing is left to tell. */
	if (f->work.verb != NULL || f->fate != FATE_DELETED)
		add_clusters(f, ret);
	ret->status = warehouse_status(f, ret);
}
