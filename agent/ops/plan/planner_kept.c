/* planner_kept.c - volumes that ended nodes of a cluster have left: a new node gets one of them, with what is on it, in the place
 * of a new and empty one.
 *
 * A volume lies in one zone, so a node that gets it is launched in a subnet of that zone and in no other; of those that are missing
 * as many come there as there are volumes (planner_spread.c). It is launched without the volume, and when it runs the volume is
 * attached, before the node counts as ready. Until then all is taken back by ending the node: the volume outlives that.
 *
 * A volume whose zone none of the cluster's subnets is in, or that is not what the spec wants and cannot become so, stays where it
 * is, and is told as before. */
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/volumes.h"

#define GIVEN_MAX 100 /* of one plan: each is a step */

typedef Reeve__Control__V1__DataVolume volume_t;

const volume_t *planner_kept_volume(const cluster_t *c)
{
	for (size_t i = 0; i < c->n_volumes; i++)
		if (c->volumes[i]->keep)
			return c->volumes[i];
	return NULL;
}

/* ---- which ---- */

/* Is it the volume that the spec wants, or one that can become it? It was made empty (a root is made from a snapshot, and so is
 * what somebody made of a copy), by a launch with the same devices and keys, it is encrypted, and it need not shrink. */
static bool is_as_wanted(const struct planning *p, const cluster_t *c, const volume_t *want, const struct ec2_volume *v)
{
	struct volumes_form have = volumes_form(p->inv, v);

	return *v->snapshot == '\0' && v->is_encrypted && planner_has_same_disks(c, &v->tags) && planner_is_under_key(v, want) &&
	       str_eq(have.type, want->type) && have.size_gib <= want->size_gib;
}

static bool is_held(const struct ec2_volume *v)
{
	return *v->instance != '\0';
}

/* One that hangs on a machine that is none of ours, somebody has taken into his own hands. */
static bool is_free(const struct planning *p, const struct ec2_volume *v)
{
	return volumes_is_left(p->inv, v) && (!is_held(v) || inventory_instance_in(&p->inv->instances, v->instance) != NULL);
}

/* Which node had it last; "": one that a command has ended since. NULL: nobody knows. */
static const char *home_of(const struct planning *p, const struct ec2_volume *v)
{
	return json_str_or(p->a->homes, v->id, NULL);
}

void planner_launch_instead(struct planning *p, const char *id)
{
	const char *volume;
	json_t *home;

	p->instead = id;
	p->knows_instead = false;
	json_object_foreach((json_t *)p->a->homes, volume, home)
		p->knows_instead = p->knows_instead || (id != NULL && str_eq(json_string_value(home), id));
}

/* Another node's data is not what a lost one is to come back with. */
static bool may_get(const struct planning *p, const struct ec2_volume *v)
{
	const char *home = home_of(p, v);

	if (p->instead == NULL)
		return true;
	return p->knows_instead ? home != NULL && str_eq(home, p->instead) : home == NULL;
}

static bool is_to_give(const struct planning *p, const cluster_t *c, const struct ec2_volume *v)
{
	const volume_t *want = planner_kept_volume(c);

	return want != NULL && may_get(p, v) && planning_is_of_warehouse(p, &v->tags) &&
	       str_eq(ec2_tag_get(&v->tags, "reeve:cluster"), c->name) && is_free(p, v) && is_as_wanted(p, c, want, v);
}

/* 0 is best. */
static unsigned rank_of(const struct planning *p, const struct ec2_volume *v)
{
	const char *home = home_of(p, v);

	return is_held(v) ? 0 : home != NULL && *home != '\0' ? 1 : home == NULL ? 2 : 3;
}

/* Which of two is given, by the first row in which they differ:
 *
 *   a node holds it that is just ending    it does: that is the newest there is
 *   whose it was                           a node's that was lost; one's that nobody knows; one's that a command has ended
 *   made                                   the later: data of long ago come last
 *   id                                     the smaller, so that one inventory gives one plan  */
static bool is_better(const struct planning *p, const struct ec2_volume *a, const struct ec2_volume *b)
{
	unsigned x = rank_of(p, a), y = rank_of(p, b);
	/* Times of AWS are ISO 8601 in UTC, so their text sorts as they do. */
	int c = x == y && a->created != NULL && b->created != NULL ? strcmp(b->created, a->created) : 0;

	return x != y ? x < y : c != 0 ? c < 0 : strcmp(a->id, b->id) < 0;
}

static const struct ec2_volume *next_in(const struct planning *p, const cluster_t *c, const char *zone)
{
	const struct ec2_volumes *all = &volumes_in(p->inv)->all;
	const struct ec2_volume *first = NULL;

	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].zone, zone) && is_to_give(p, c, &all->v[i]) && !planning_is_given(p, all->v[i].id) &&
		    (first == NULL || is_better(p, &all->v[i], first)))
			first = &all->v[i];
	return first;
}

/* ---- nodes that stand and lack theirs: a command ended between their launch and the call that attaches it ---- */

/* By the tag that tells the step that made it: every other node was launched with its volume, which EC2 may only not show yet. */
static bool lacks(const struct planning *p, const cluster_t *c, const struct ec2_instance *i)
{
	const char *step = ec2_tag_get(&i->tags, "reeve:step");
	const char *name = step != NULL ? strchr(step, '/') : NULL;
	const volume_t *want = planner_kept_volume(c);

	return want != NULL && name != NULL && str_starts(name + 1, PLANNER_LAUNCH_KEPT) && str_eq(i->state, "running") &&
	       planner_is_node(p, i, c->name) && !planner_is_left(p, i) && i->kept_volumes == 0 &&
	       volumes_at(p->inv, i->id, want->device) == NULL;
}

size_t planner_kept_in(const struct planning *p, const cluster_t *c, const char *zone)
{
	const struct ec2_volumes *all = &volumes_in(p->inv)->all;
	size_t n = 0, lacking = 0;

	for (size_t i = 0; i < all->n; i++)
		n += str_eq(all->v[i].zone, zone) && is_to_give(p, c, &all->v[i]);
	/* What is known to be the lost node's own was meant for none of those. */
	for (size_t i = 0; i < p->inv->instances.n && !p->knows_instead; i++)
		lacking += str_eq(p->inv->instances.v[i].az, zone) && lacks(p, c, &p->inv->instances.v[i]);
	return n > lacking ? n - lacking : 0;
}

/* ---- given ---- */

/* What it is, as its bounds judge it: a figure of gp3's own needs none. */
static json_t *args_of(const struct planning *p, const cluster_t *c, const struct ec2_volume *v)
{
	const volume_t *want = planner_kept_volume(c);
	struct volumes_form have = volumes_form(p->inv, v);
	json_t *args = json_pack("{s:s, s:s, s:s, s:i, s:i}", "volume", v->id, "device", want->device, "type", have.type,
				 "size_gib", (int)have.size_gib, "of", (int)c->n_volumes);

	if (have.iops > VOLUMES_IOPS)
		json_object_set_new(args, "iops", json_integer(have.iops));
	if (have.throughput > VOLUMES_THROUGHPUT)
		json_object_set_new(args, "throughput", json_integer(have.throughput));
	if (*want->kms_key_id != '\0')
		json_object_set_new(args, "kms_key_id", json_string(want->kms_key_id));
	return args;
}

/* The arguments of its step, but for whom it goes to; NULL: there is none. */
static json_t *take_next(struct planning *p, const cluster_t *c, const char *zone)
{
	const struct ec2_volume *v = next_in(p, c, zone);

	if (v == NULL)
		return NULL;
	planning_give(p, v->id);
	return args_of(p, c, v);
}

void planner_give(struct planning *p, const cluster_t *c, const char *subnet, const char *fact, size_t n, json_t *to)
{
	const struct ec2_subnet *s = inventory_subnet(p->inv, subnet);

	for (size_t i = 0; i < n && s != NULL; i++) {
		json_t *args = take_next(p, c, s->zone);

		/* Never: as many are counted as can be taken. A node that is launched for one must not be without. */
		if (args == NULL) {
			planning_refuse(p, ERR_NOTYET, "cluster %s: what EC2 shows of its volumes does not fit together yet",
					c->name);
			return;
		}
		json_object_set_new(args, "instances", json_pack("[o]", json_sprintf("@%s", fact)));
		json_object_set_new(args, "at", json_integer((json_int_t)i));
		json_array_append_new(to, args);
	}
	if (json_array_size(to) > GIVEN_MAX)
		planning_refuse(
		    p, ERR_INVALID,
		    "cluster %s: %zu volumes that ended nodes have left would be attached, and one command attaches %d of "
		    "a cluster; ask for fewer nodes first, and for the others then",
		    c->name, json_array_size(to), GIVEN_MAX);
}

static void add_step(struct planning *p, json_t *args, const char *whose)
{
	const char *id = json_str_or(args, "volume", "?");

	plan_add(p->b, &kind_attach_volume, json_incref(args), "attach-%s", id);
	plan_title(p->b, "attach %s to %s", id, whose);
}

void planner_attach(struct planning *p, const char *cluster, const json_t *given, const char *up)
{
	CLEANUP(mem_close) char *whose = mem_printf("a new node of %s", cluster);

	for (size_t i = 0; i < json_array_size(given); i++) {
		json_t *args = json_array_get(given, i);

		json_object_set_new(args, "up", json_pack("[o]", json_sprintf("@%s", up)));
		add_step(p, args, whose);
	}
}

void planner_attach_lacking(struct planning *p, const cluster_t *c, const struct planner_nodes *have)
{
	for (size_t i = 0; i < have->keep; i++) {
		json_t *args = lacks(p, c, have->v[i]) ? take_next(p, c, have->v[i]->az) : NULL;

		if (args == NULL)
			continue;
		json_object_set_new(args, "instances", json_pack("[s]", have->v[i]->id));
		add_step(p, args, have->v[i]->id);
		json_decref(args);
	}
}

json_t *planner_volumes_but_kept(const cluster_t *c)
{
	json_t *all = planner_volumes(c), *list = json_array();

	for (size_t i = 0; i < json_array_size(all); i++)
		if (!json_is_true(json_object_get(json_array_get(all, i), "keep")))
			json_array_append(list, json_array_get(all, i));
	json_decref(all);
	return list;
}
