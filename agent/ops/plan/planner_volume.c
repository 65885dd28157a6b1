/* planner_volume.c - data volumes of nodes that stay, and those that new ones get from ended ones: what of them can be changed
 * where it stands, and what cannot.
 *
 * A volume is compared with what EC2 shows of it, not with what it was launched with: it may have been changed since. */
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/volumes.h"

#define GROWS_S 60      /* by then the node's own timer has run, and what the endpoint says is about the larger file system */
#define CHANGES_MAX 200 /* of one plan: each is a step, and EC2's filter of the wait takes as many ids */

typedef Reeve__Control__V1__DataVolume volume_t;

/* The changes of a cluster, as they are planned. */
struct growth {
	const cluster_t *cluster;
	const char *new;  /* what people call a node that gets one; it has no id yet */
	json_t *ids, *to; /* of the wait: volumes, and what each is to be */
	json_t *grown;    /* nodes that run, and one of whose volumes grows */
	size_t n;
	bool grows, is_unseen; /* is_unseen: one of those that grow is of no such node */
};

static struct volumes_form wanted(const volume_t *v)
{
	return (struct volumes_form){ v->type, v->size_gib, v->iops > 0 ? v->iops : VOLUMES_IOPS,
				      v->throughput > 0 ? v->throughput : VOLUMES_THROUGHPUT };
}

/* As the arguments of modify-volume tell it: what the spec leaves to AWS is left out, for no bound speaks of it. */
static json_t *form_json(const struct volumes_form *f)
{
	json_t *j = json_pack("{s:s, s:i}", "type", f->type, "size_gib", (int)f->size_gib);

	if (f->iops > 0)
		json_object_set_new(j, "iops", json_integer(f->iops));
	if (f->throughput > 0)
		json_object_set_new(j, "throughput", json_integer(f->throughput));
	return j;
}

/* before: the change that EC2 showed when this one was planned; NULL: none, or it is that one that is waited for. */
static void await(struct growth *g, const struct ec2_volume *v, const volume_t *want, const struct ec2_modification *before,
		  bool grows)
{
	struct volumes_form spec = { want->type, want->size_gib, want->iops, want->throughput };

	json_array_append_new(g->ids, json_string(v->id));
	json_object_set_new(g->to, v->id, form_json(&spec));
	if (before != NULL)
		json_object_set_new(json_object_get(g->to, v->id), "before", json_string(before->start));
	g->grows = g->grows || grows;
}

/* Its file system grows by a timer of the node's. */
static void note_grown(struct planning *p, struct growth *g, const struct ec2_volume *v)
{
	const struct ec2_instance *i = planning_is_given(p, v->id) ? NULL : inventory_instance_in(&p->inv->instances, v->instance);

	if (i == NULL || !str_eq(i->state, "running") || planner_is_paused(g->cluster))
		g->is_unseen = true;
	else if (!json_has_text(g->grown, i->id))
		json_array_append_new(g->grown, json_string(i->id));
}

static const char *whose(const struct planning *p, const struct growth *g, const struct ec2_volume *v)
{
	return planning_is_given(p, v->id) ? g->new : v->instance;
}

static void plan_change(struct planning *p, struct growth *g, const struct ec2_volume *v, const volume_t *want,
			const struct volumes_form *have)
{
	struct volumes_form spec = { want->type, want->size_gib, want->iops, want->throughput };
	json_t *args = form_json(&spec);

	if (++g->n > CHANGES_MAX) {
		json_decref(args);
		return;
	}
	json_object_set_new(args, "volume", json_string(v->id));
	json_object_set_new(args, "instance", json_string(whose(p, g, v)));
	json_object_set_new(args, "device", json_string(want->device));
	json_object_set_new(args, "from", form_json(have));
	plan_add(p->b, &kind_modify_volume, args, "modify-%s", v->id);
	plan_title(p->b, "change %s of %s", want->device, whose(p, g, v));
	await(g, v, want, volumes_change(p->inv, v->id), want->size_gib > have->size_gib);
	if (want->size_gib > have->size_gib)
		note_grown(p, g, v);
}

static int64_t change_from_ms(const struct planning *p, const char *id)
{
	return volumes_change_from_ms(p->inv, p->a->changed, p->a->changed_now_ms, id);
}

/* EC2 takes one change after the other, and four in a day: what it would refuse in the middle of a plan is refused before it, as
 * far as that can be known. */
static void check_rate(struct planning *p, const struct growth *g, const struct ec2_volume *v)
{
	const struct ec2_modification *m = volumes_change(p->inv, v->id);
	int64_t from_ms = change_from_ms(p, v->id);
	char stamp[STAMP_RFC3339_LEN];

	if (volumes_is_changing(m))
		planning_refuse(
		    p, ERR_NOTYET,
		    "cluster %s: %s of %s is %s (%u %%) after the change before, and EC2 takes no other one until that is "
		    "completed; send the command again then",
		    g->cluster->name, v->id, whose(p, g, v), m->state, m->percent);
	else if (from_ms != 0)
		planning_refuse(
		    p, ERR_NOTYET,
		    "cluster %s: %s of %s was changed %d times within 24 hours, and EC2 takes no more; another change is "
		    "possible from %s on",
		    g->cluster->name, v->id, whose(p, g, v), CHANGED_A_DAY, stamp_rfc3339(from_ms, stamp));
}

/* Of a volume that EC2 shows, the first row that holds:
 *
 *   it is larger than is wanted            refused: a volume never shrinks
 *   it is as wanted, or will be            nothing; waited for while the size is not there yet
 *   a new node gets it, and EC2 would
 *   refuse the change                      nothing, and a note: the node is not kept waiting
 *   else                                   a step, which is refused where EC2 would, with when it is possible */
static void plan_volume(struct planning *p, struct growth *g, const struct ec2_volume *v, const volume_t *want)
{
	struct volumes_form have = volumes_form(p->inv, v), to = wanted(want);
	const struct ec2_modification *m = volumes_change(p->inv, v->id);

	if (have.size_gib > to.size_gib)
		planning_refuse(p, ERR_INVALID,
				"cluster %s: %s of %s at %s has %u GiB, and a volume never shrinks; ask for size_gib %u or more",
				g->cluster->name, v->id, v->instance, want->device, have.size_gib, have.size_gib);
	else if (!volumes_differ(&have, &to)) {
		if (m != NULL && str_eq(m->state, "modifying")) {
			await(g, v, want, NULL, v->size_gib < have.size_gib);
			if (v->size_gib < have.size_gib)
				note_grown(p, g, v);
		}
	} else if (planning_is_given(p, v->id) && (volumes_is_changing(m) || change_from_ms(p, v->id) != 0)) {
		plan_note(p->b, "%s cannot be changed yet to what the spec says: another apply does it", v->id);
	} else {
		/* The step stands in the plan all the same: the policy is asked first. */
		check_rate(p, g, v);
		plan_change(p, g, v, want, &have);
	}
}

static void plan_node(struct planning *p, struct growth *g, const struct ec2_instance *i)
{
	for (size_t k = 0; k < g->cluster->n_volumes; k++) {
		const volume_t *want = g->cluster->volumes[k];
		const struct ec2_volume *v = volumes_at(p->inv, i->id, want->device);

		if (v != NULL)
			plan_volume(p, g, v, want);
	}
}

/* Each is a step of this plan already (planner_kept.c), and counts among its changes. */
static void plan_given(struct planning *p, struct growth *g)
{
	const volume_t *want = planner_kept_volume(g->cluster);

	for (size_t i = p->given_at; want != NULL && i < json_array_size(p->given); i++) {
		const struct ec2_volume *v = volumes_by_id(p->inv, json_string_value(json_array_get(p->given, i)));

		g->n++;
		if (v != NULL)
			plan_volume(p, g, v, want);
	}
}

/* The endpoint tells whether the node is well with what it has by then. */
static void confirm_growth(struct planning *p, const struct growth *g)
{
	CLEANUP(mem_close) char *fact = mem_printf("grown.%s", g->cluster->name);
	json_t *args = json_pack("{s:s, s:O, s:s, s:s}", "cluster", g->cluster->name, "instances", g->grown, "fact", fact,
				 "confirms", "file system growth");

	plan_add(p->b, &kind_wait_time, json_pack("{s:O, s:i}", "instances", g->grown, "wait_s", GROWS_S), "growing");
	plan_title(p->b, "give nodes of %s the time to grow their file systems", g->cluster->name);
	planner_add_endpoint(p, g->cluster->health, args);
	plan_add(p->b, &kind_wait_answers, args, "grown");
	plan_title(p->b, "see that nodes of %s are healthy with larger volumes", g->cluster->name);
}

void planner_plan_volumes(struct planning *p, const cluster_t *c, const struct ec2_instance *const *nodes, size_t n)
{
	CLEANUP(mem_close) char *new = mem_printf("a new node of %s", c->name);
	struct growth g = { .cluster = c, .new = new, .ids = json_array(), .to = json_object(), .grown = json_array() };
	bool is_confirmed;

	plan_given(p, &g);
	for (size_t i = 0; i < n; i++)
		plan_node(p, &g, nodes[i]);
	if (g.n > CHANGES_MAX)
		planning_refuse(
		    p, ERR_INVALID,
		    "cluster %s: %zu volumes would change, and one command changes %d of a cluster; change one device after "
		    "the other",
		    c->name, g.n, CHANGES_MAX);
	is_confirmed = c->health != NULL && json_array_size(g.grown) > 0;
	if (json_array_size(g.ids) > 0) {
		bool tells = g.grows && (!is_confirmed || g.is_unseen);

		plan_add(p->b, &kind_wait_modified,
			 json_pack("{s:s, s:O, s:O, s:b}", "cluster", c->name, "volumes", g.ids, "to", g.to, "grows", tells),
			 "modified");
		plan_title(p->b, "wait until the volumes of %s are changed", c->name);
	}
	if (is_confirmed)
		confirm_growth(p, &g);
	json_decref(g.grown);
	json_decref(g.ids);
	json_decref(g.to);
}

/* ---- what stays when its node ends ---- */

size_t planner_goes_with_node(const cluster_t *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_volumes; i++)
		n += !c->volumes[i]->keep;
	return n;
}

void planner_add_kept(struct planning *p, json_t *args, const struct ec2_instance *const *nodes, size_t n)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < nodes[i]->kept_volumes; k++) {
			json_array_append_new(ids, json_string(nodes[i]->kept_volume_ids[k]));
			plan_preserve(p->b, resource_volume.kind, nodes[i]->kept_volume_ids[k]);
		}
	if (json_array_size(ids) > 0)
		json_object_set(args, "keeps", ids);
	json_decref(ids);
}

/* It is told for as long as it is there. */
void planner_preserve_volumes(struct planning *p)
{
	const struct ec2_volumes *all = &volumes_in(p->inv)->all;

	for (size_t i = 0; i < all->n; i++)
		if (planning_is_of_warehouse(p, &all->v[i].tags) && volumes_is_left(p->inv, &all->v[i]) &&
		    !planning_is_given(p, all->v[i].id))
			plan_preserve(p->b, resource_volume.kind, all->v[i].id);
}

/* ---- what cannot be changed ---- */

/* EC2 tells the key's ARN where a spec may name it by its id. An alias tells nothing. */
bool planner_is_under_key(const struct ec2_volume *v, const volume_t *want)
{
	const char *slash = strrchr(v->kms_key, '/'), *wanted = want->kms_key_id;

	return *wanted == '\0' || *v->kms_key == '\0' || strstr(wanted, "alias/") != NULL || str_eq(v->kms_key, wanted) ||
	       (slash != NULL && str_eq(slash + 1, wanted));
}

static bool keeps(const struct ec2_instance *i, const char *id)
{
	for (uint32_t k = 0; k < i->kept_volumes; k++)
		if (str_eq(i->kept_volume_ids[k], id))
			return true;
	return false;
}

/* Of a node of which no digest tells the devices and keys that it was launched with: what EC2 shows. */
static bool has_devices(const struct planning *p, const cluster_t *c, const struct ec2_instance *i)
{
	for (size_t k = 0; k < c->n_volumes; k++) {
		const struct ec2_volume *v = volumes_at(p->inv, i->id, c->volumes[k]->device);

		if (v == NULL || !planner_is_under_key(v, c->volumes[k]) || keeps(i, v->id) != (c->volumes[k]->keep != 0))
			return false;
	}
	return i->data_volumes == planner_goes_with_node(c);
}

/* What is known of a node's volumes: `as_launched`, that it was launched with all that the spec says of them; `same_disks`, that
 * it has the same devices and keys. The first row that holds:
 *
 *   as launched                               it is as wanted, or EC2 shows what has become of it
 *   other devices or keys                     refused
 *   it is still coming up                     refused: what EC2 does not show yet cannot be changed
 *   EC2 shows no volume at a device           refused */
void planner_check_volumes(struct planning *p, const cluster_t *c, const struct ec2_instance *i, bool as_launched,
			   enum planner_disks disks)
{
	if (as_launched)
		return;
	if (disks == DISKS_OTHER || (disks == DISKS_UNTOLD && str_eq(i->state, "running") && !has_devices(p, c, i))) {
		planning_refuse(
		    p, ERR_UNSUPPORTED,
		    "cluster %s: volumes is not what %s was launched with; of the volumes of nodes that stand only size_gib, "
		    "iops and throughput can be changed",
		    c->name, i->id);
		return;
	}
	if (str_eq(i->state, "pending")) {
		planning_refuse(p, ERR_NOTYET,
				"cluster %s: %s is %s, and EC2 does not show its volumes yet; send the command again when it runs",
				c->name, i->id, i->state);
		return;
	}
	for (size_t k = 0; k < c->n_volumes; k++)
		if (volumes_at(p->inv, i->id, c->volumes[k]->device) == NULL)
			planning_refuse(
			    p, ERR_INVALID,
			    "cluster %s: EC2 shows no volume of ours at %s of %s, so it cannot be changed; have the node "
			    "replaced",
			    c->name, c->volumes[k]->device, i->id);
}
