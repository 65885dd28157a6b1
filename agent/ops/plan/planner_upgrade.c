/* planner_upgrade.c - nodes of another image, or of other user data, in the place of those that stand: cluster by cluster, and in
 * each a batch at a time, with a plan and a stage for each batch.
 *
 * A batch is an exchange (planner_replace.c): the new nodes serve before the old ones leave. In a paused cluster the new ones run
 * once, are stopped, and stay so. A batch that fails takes itself back and no other: those before it have the new image, and those
 * behind it keep the old one.
 *
 * A cluster that such an end has left between two images fits no spec that an apply could carry out, so the upgrade itself mends
 * it: where nodes are too many they leave first, where nodes are missing more are launched than leave, and who stays and is in no
 * group is let in before anybody leaves. */
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"

#define BATCHES_MAX 128 /* a plan each (PLANS_MAX) */
#define NAMED_MAX 3     /* so many ids are told in a title; the call lists them all */

/* ---- what there is ---- */

static bool is_old(const cluster_t *c, const struct ec2_instance *i)
{
	return planner_other_image(c, i) != NULL;
}

/* All nodes of a cluster, those that are to go first: who serves least before all others. */
struct halves {
	struct planner_nodes all; /* v from mem_alloc */
	size_t old_n, new_n;
	size_t wanted; /* a paused cluster keeps no more than it has */
};

static struct halves halves_of(const struct planning *p, const cluster_t *c)
{
	struct planner_nodes ranked = planner_nodes_of(p, c->name, 0);
	struct halves h = { .all = planner_nodes_of(p, c->name, 0) };

	for (size_t i = ranked.n; i-- > 0;)
		if (is_old(c, ranked.v[i]))
			h.all.v[h.old_n++] = ranked.v[i];
	for (size_t i = ranked.n; i-- > 0;)
		if (!is_old(c, ranked.v[i]))
			h.all.v[h.old_n + h.new_n++] = ranked.v[i];
	mem_free(ranked.v);
	h.wanted = planner_is_paused(c) && h.all.n < c->nodes ? h.all.n : c->nodes;
	return h;
}

/* ---- may it begin? ---- */

/* All that the command changes nothing of must be whole. */
static void check_state(struct planning *p, const cluster_t *c, const struct ec2_instance *i)
{
	const char *whole = planner_is_paused(c) ? "stopped" : "running";

	if (str_eq(i->state, whole))
		return;
	if (str_eq(i->state, "pending") || str_eq(i->state, "stopping"))
		planning_refuse(p, ERR_NOTYET,
				"cluster %s: %s is %s, and an upgrade begins when every node is %s; send the command again then",
				c->name, i->id, i->state, whole);
	else
		planning_refuse(p, ERR_EXISTS,
				"cluster %s: %s is %s, and an upgrade begins when every node is %s: send the spec that stands by "
				"warehouse.apply first",
				c->name, i->id, i->state, whole);
}

static void check_old(struct planning *p, const cluster_t *c, const struct ec2_instance *i)
{
	const char *field = planner_other_launch(c, i);

	if (field != NULL)
		planning_refuse(
		    p, ERR_EXISTS,
		    "cluster %s: %s is not what %s was launched with, and an upgrade changes image_id and user_data alone", c->name,
		    field, i->id);
}

static void check_count(struct planning *p, const cluster_t *c, const struct halves *h)
{
	if (h->all.n != h->wanted)
		planning_refuse(
		    p, ERR_EXISTS,
		    "cluster %s: it has %zu nodes and the spec wants %zu: send the spec that stands by warehouse.apply first",
		    c->name, h->all.n, h->wanted);
}

/* Its old nodes leave, however they are. */
static void set_apart(const struct halves *h, size_t at, struct planner_upgraded *to)
{
	for (size_t i = 0; i < h->old_n; i++)
		to->apart[to->apart_n++] = (char *)h->all.v[i]->id;
	to->less[at] = h->wanted > h->new_n ? (uint32_t)(h->wanted - h->new_n) : 0;
}

static void check_cluster(struct planning *p, const cluster_t *c, size_t at, struct planner_upgraded *ret)
{
	struct halves h = halves_of(p, c);
	bool is_between = h.old_n > 0 && h.new_n > 0;

	for (size_t i = 0; i < h.old_n; i++)
		check_old(p, c, h.all.v[i]);
	for (size_t i = is_between ? h.old_n : 0; i < h.all.n; i++)
		check_state(p, c, h.all.v[i]);
	if (is_between)
		set_apart(&h, at, ret);
	else
		check_count(p, c, &h);
	mem_free(h.all.v);
}

void planner_check_upgrade(struct planning *p, struct planner_upgraded *ret)
{
	ret->apart = mem_alloc((p->inv->instances.n + 1) * sizeof(*ret->apart));
	ret->less = mem_alloc((p->spec->n_clusters + 1) * sizeof(*ret->less));
	for (size_t i = 0; i < p->spec->n_clusters; i++)
		check_cluster(p, p->spec->clusters[i], i, ret);
}

/* ---- one cluster, a batch at a time ---- */

/* How far a cluster is. */
struct upgrading {
	const struct halves *h;
	size_t batch, come, go; /* still to come, and to go */
	size_t gone, held, missing_at;
	unsigned number;
};

/* "i-1, i-2", or "12 nodes"; NULL: none. */
static char *print_ids(const struct ec2_instance *const *v, size_t n)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(256);

	for (size_t i = 0; i < n && n <= NAMED_MAX; i++)
		buf_addf(&text, "%s%s", i > 0 ? ", " : "", v[i]->id);
	if (n > NAMED_MAX)
		buf_addf(&text, "%zu nodes", n);
	return n > 0 ? mem_str(buf_str(&text)) : NULL;
}

/* What is too many goes first, so that nothing more stands than in any upgrade; what is missing comes first. Behind that as many go
 * as come. */
static void size_batch(const struct upgrading *u, size_t *come, size_t *go)
{
	size_t missing = u->come > u->go ? u->come - u->go : 0, surplus = u->go > u->come ? u->go - u->come : 0;

	*come = surplus > 0 ? 0 : u->come < u->batch ? u->come : u->batch;
	*go = *come > missing ? *come - missing : surplus;
}

static json_t *serving_ids(const struct halves *h)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < h->new_n; i++)
		json_array_append_new(ids, json_string(h->all.v[h->old_n + i]->id));
	return ids;
}

/* An upgrade that could not be taken back may have left those that stay out of their groups, and those that go in them. */
static json_t *outside_ids(const struct planning *p, const struct halves *h)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < h->new_n; i++)
		if (planner_is_out(p, h->all.v[h->old_n + i], false))
			json_array_append_new(ids, json_string(h->all.v[h->old_n + i]->id));
	return ids;
}

static void plan_batch(struct planning *p, const cluster_t *c, struct upgrading *u, unsigned stage)
{
	CLEANUP(mem_close) char *name = mem_printf("upgrade-%s-%u", c->name, u->number + 1);
	CLEANUP(mem_close) char *fact = mem_printf("upgraded.%s.%u", c->name, u->number + 1), *of = NULL;
	struct planner_exchange x = { .plan = name, .fact = fact, .held = u->held, .missing_at = u->missing_at };

	size_batch(u, &x.come, &x.go_n);
	x.go = u->h->all.v + u->gone;
	of = print_ids(x.go, x.go_n);
	x.of = of;
	x.serving = serving_ids(u->h);
	x.outside = u->number == 0 ? outside_ids(p, u->h) : NULL;
	planner_plan_exchange(p, c, &x, stage);
	json_decref(x.serving);
	json_decref(x.outside);
	u->missing_at += x.come > x.go_n ? x.come - x.go_n : 0;
	u->held = u->held + x.come - x.go_n;
	u->gone += x.go_n;
	u->come -= x.come;
	u->go -= x.go_n;
	u->number++;
}

/* From what, for the plan tells the new image alone. */
static void tell_from(struct planning *p, const cluster_t *c, const struct halves *h)
{
	bool is_image = h->old_n > 0 && str_eq(planner_other_image(c, h->all.v[0]), "image_id");

	if (is_image)
		plan_tell(p->b, "~ cluster %s: %zu of %zu nodes from %s to %s", c->name, h->old_n, h->all.n, h->all.v[0]->image_id,
			  c->image_id);
	else if (h->old_n > 0)
		plan_tell(p->b, "~ cluster %s: %zu of %zu nodes to other user data", c->name, h->old_n, h->all.n);
}

/* How many stages they take. */
static unsigned plan_cluster(struct planning *p, const cluster_t *c, size_t batch, unsigned stage)
{
	struct halves h = halves_of(p, c);
	struct upgrading u = { .h = &h, .batch = batch, .go = h.old_n, .held = h.all.n };

	/* Of a cluster that is as the spec says nothing comes, and of one that is not whole there is no plan. */
	u.come = h.old_n > 0 && h.wanted > h.new_n ? h.wanted - h.new_n : 0;
	while (u.come + u.go > 0 && stage + u.number < BATCHES_MAX)
		plan_batch(p, c, &u, stage + u.number);
	if (u.come + u.go > 0)
		planning_refuse(p, ERR_INVALID, "batch: with %zu nodes at once there are more than %d batches; let more go at once",
				batch, BATCHES_MAX);
	tell_from(p, c, &h);
	mem_free(h.all.v);
	return u.number;
}

/* ---- one cluster after the other ---- */

static bool is_named(const struct planner_order *o, const char *cluster)
{
	for (size_t i = 0; i < o->n; i++)
		if (str_eq(o->clusters[i], cluster))
			return true;
	return false;
}

void planner_plan_upgrade(struct planning *p, const struct planner_order *o)
{
	size_t batch = o->batch > 0 ? o->batch : 1, n = p->spec->n_clusters;
	unsigned stage = 0;

	for (size_t i = 0; i < o->n; i++)
		for (size_t k = 0; k < n; k++)
			if (str_eq(p->spec->clusters[k]->name, o->clusters[i]))
				stage += plan_cluster(p, p->spec->clusters[k], batch, stage);
	for (size_t k = 0; k < n; k++)
		if (!is_named(o, p->spec->clusters[k]->name))
			stage += plan_cluster(p, p->spec->clusters[k], batch, stage);
}
