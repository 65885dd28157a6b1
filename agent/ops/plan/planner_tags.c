/* planner_tags.c - tags of what stands, as desired state: those of the spec and of its clusters, and the customer's own.
 *
 * What the agent set on a thing stands in its tag reeve:tags, by short digests: a key that was set here and is not wanted any more
 * is taken away; one that somebody else has set is left alone. Ownership tags, and all that begins with reeve:, are not touched. */
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/interfaces.h"
#include "agent/ops/steps/volumes.h"

#define THINGS_MAX 500 /* of one call; EC2 takes 1,000 (EC2 API Reference, CreateTags), and a record of the journal fewer */

/* What several things are to bear, and those of them that do not. */
struct wearers {
	const char *what;    /* "nodes of fe", for people */
	const char *step;    /* "nodes-fe", of the steps' names */
	const char *cluster; /* of nodes and what they have; NULL: of what is shared */
	const struct resource *of;
	const struct step_kind *set, *take; /* of the service that they are of */
	json_t *wanted;                     /* key to value, reeve:tags among them */
	const char *name;                   /* what they are called where nobody says otherwise */
	json_t *bare, *nameless; /* ids of those that lack some of it; and of those whose Name is to be the usual one, too */
	json_t *full;            /* [{"keys": {key: true}, "things": [id]}]: those that bear too much, by what that is */
};

static void open_wearers(struct wearers *w, json_t *user_tags)
{
	bool is_elb = w->of == &resource_target_group || w->of == &resource_load_balancer || w->of == &resource_listener;

	w->set = is_elb ? &kind_add_tags : &kind_create_tags;
	w->take = is_elb ? &kind_remove_tags : &kind_delete_tags;
	w->wanted = user_tags;
	json_object_set_new(w->wanted, "reeve:tags", planning_tags_text(user_tags));
	w->bare = json_array();
	w->nameless = json_array();
	w->full = json_array();
}

static void close_wearers(struct wearers *w)
{
	json_decref(w->wanted);
	json_decref(w->bare);
	json_decref(w->nameless);
	json_decref(w->full);
}

/* ---- one thing ---- */

/* A thing of a version that kept no such tag bears what it was made with, and that is compared. */
static bool bears(const struct ec2_tags *have, const json_t *wanted)
{
	bool has_text = ec2_tag_get(have, "reeve:tags") != NULL, all = true;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)wanted, key, value)
		if (has_text || !str_eq(key, "reeve:tags"))
			all = all && str_eq(ec2_tag_get(have, key), json_string_value(value));
	return all;
}

/*  wanted                                            stays
 *  the system's: reeve:..., aws:..., ownership       stays
 *  Name                                              stays: it is set, to what the thing is called
 *  set here, as reeve:tags tells                     goes
 *  else                                              stays: somebody else's */
static bool is_stale(const struct wearers *w, const struct ec2_tags *have, const char *key)
{
	const char *text = ec2_tag_get(have, "reeve:tags");

	if (json_object_get(w->wanted, key) != NULL || str_starts(key, "reeve:") || str_starts(key, "aws:"))
		return false;
	if (str_eq(key, "resource-created-by") || str_eq(key, "Name"))
		return false;
	return text != NULL && planning_tags_text_has(text, key);
}

static json_t *stale_keys(const struct wearers *w, const struct ec2_tags *have)
{
	json_t *keys = json_object();

	for (size_t i = 0; i < have->n; i++)
		if (is_stale(w, have, have->v[i].key))
			json_object_set_new(keys, have->v[i].key, json_true());
	return keys;
}

/* A key that is taken from one may be somebody else's on another: only those that are rid of the same go together. Takes keys. */
static void add_full(struct wearers *w, const char *id, json_t *keys)
{
	json_t *one, *things = NULL;
	size_t i;

	json_array_foreach(w->full, i, one)
		if (json_equal(json_object_get(one, "keys"), keys))
			things = json_object_get(one, "things");
	if (things == NULL) {
		things = json_array();
		json_array_append_new(w->full, json_pack("{s:O, s:o}", "keys", keys, "things", things));
	}
	json_array_append_new(things, json_string(id));
	json_decref(keys);
}

static void look_at(struct wearers *w, const char *id, const struct ec2_tags *have)
{
	const char *text = ec2_tag_get(have, "reeve:tags");
	json_t *keys = stale_keys(w, have);

	/* The spec named it, and does not any more. On another the Name may be somebody else's. */
	if (text != NULL && planning_tags_text_has(text, "Name") && json_object_get(w->wanted, "Name") == NULL)
		json_array_append_new(w->nameless, json_string(id));
	else if (!bears(have, w->wanted))
		json_array_append_new(w->bare, json_string(id));
	if (json_object_size(keys) > 0)
		add_full(w, id, keys);
	else
		json_decref(keys);
}

/* ---- the steps ---- */

static json_t *keys_of(const json_t *set)
{
	json_t *keys = json_array(), *value;
	const char *key;

	json_object_foreach((json_t *)set, key, value)
		json_array_append_new(keys, json_string(key));
	return keys;
}

/* One call for each THINGS_MAX of them; steps behind the first end in ".2", ".3", for a cluster may be called "be-2".
 * *calls: how many there are already. */
static void plan_calls(struct planning *p, const struct wearers *w, const struct step_kind *kind, const char *verb, size_t *calls,
		       const json_t *ids, const char *name, json_t *value)
{
	for (size_t at = 0; at < json_array_size(ids); at += THINGS_MAX) {
		CLEANUP(mem_close) char *number = ++*calls > 1 ? mem_printf(".%zu", *calls) : mem_str("");
		json_t *some = json_array();

		for (size_t i = at; i < json_array_size(ids) && i < at + THINGS_MAX; i++)
			json_array_append(some, json_array_get(ids, i));
		plan_add(p->b, kind, json_pack("{s:s, s:o, s:O}", "kind", w->of->kind, "things", some, name, value), "%s-%s%s",
			 verb, w->step, number);
		plan_title(p->b, "%s %s", verb, w->what);
	}
}

static void plan_untag(struct planning *p, const struct wearers *w)
{
	size_t calls = 0, i;
	json_t *one;

	json_array_foreach(w->full, i, one) {
		json_t *keys = keys_of(json_object_get(one, "keys"));

		plan_calls(p, w, w->take, "untag", &calls, json_object_get(one, "things"), "keys", keys);
		json_decref(keys);
	}
}

static void plan_tag(struct planning *p, const struct wearers *w)
{
	json_t *named = json_copy(w->wanted);
	size_t calls = 0;

	json_object_set_new(named, "Name", json_string(w->name));
	plan_calls(p, w, w->set, "tag", &calls, w->bare, "tags", w->wanted);
	plan_calls(p, w, w->set, "tag", &calls, w->nameless, "tags", named);
	json_decref(named);
}

/* A stale tag goes first: once reeve:tags is written anew, nothing tells any more that it was set here. */
static void plan_wearers(struct planning *p, struct wearers *w)
{
	plan_untag(p, w);
	plan_tag(p, w);
	close_wearers(w);
}

/* ---- things ---- */

/* Those that stay in a cluster, and what each has: a launch tags all of it alike. `nodes` is a set. */
static void look_at_nodes(struct planning *p, struct wearers *w, const json_t *nodes)
{
	const char *id;
	json_t *value;

	json_object_foreach((json_t *)nodes, id, value)
		look_at(w, id, &inventory_instance_in(&p->inv->instances, id)->tags);
}

/* Also one that an ended node has left, and that this command gives to a new one: it bears what it was made with. */
static void look_at_volumes(struct planning *p, struct wearers *w, const json_t *nodes)
{
	const struct ec2_volumes *all = &volumes_in(p->inv)->all;

	for (size_t i = 0; i < all->n; i++) {
		const struct ec2_volume *v = &all->v[i];
		bool is_given = planning_is_given(p, v->id) && str_eq(ec2_tag_get(&v->tags, "reeve:cluster"), w->cluster);

		if (is_given || json_object_get(nodes, v->instance) != NULL)
			look_at(w, v->id, &v->tags);
	}
}

static void look_at_interfaces(struct planning *p, struct wearers *w, const json_t *nodes)
{
	const struct ec2_interfaces *all = interfaces_in(p->inv);

	for (size_t i = 0; i < all->n; i++)
		if (json_object_get(nodes, all->v[i].instance_id) != NULL)
			look_at(w, all->v[i].id, &all->v[i].tags);
}

static void plan_of_nodes(struct planning *p, const cluster_t *c, const json_t *nodes, const char *word, const struct resource *of,
			  void (*look)(struct planning *p, struct wearers *w, const json_t *nodes))
{
	CLEANUP(mem_close) char *what = mem_printf("%s of %s", word, c->name), *step = mem_printf("%s-%s", word, c->name);
	CLEANUP(mem_close) char *name = mem_printf("%s-%s", p->warehouse, c->name);
	struct wearers w = { .what = what, .step = step, .name = name, .cluster = c->name, .of = of };

	open_wearers(&w, planning_user_tags(p, c->tags, c->n_tags));
	look(p, &w, nodes);
	plan_wearers(p, &w);
}

static void plan_nodes(struct planning *p, const cluster_t *c)
{
	json_t *ids = planner_staying(p, c), *nodes = json_object();

	for (size_t i = 0; i < json_array_size(ids); i++)
		json_object_set_new(nodes, json_string_value(json_array_get(ids, i)), json_true());
	plan_of_nodes(p, c, nodes, "nodes", &resource_instance, look_at_nodes);
	plan_of_nodes(p, c, nodes, "volumes", &resource_volume, look_at_volumes);
	plan_of_nodes(p, c, nodes, "interfaces", &resource_interface, look_at_interfaces);
	json_decref(nodes);
	json_decref(ids);
}

static void plan_shared(struct planning *p, const char *what, const char *step, const struct resource *of, const char *id,
			const struct ec2_tags *have)
{
	struct wearers w = { .what = what, .step = step, .name = p->warehouse, .of = of };

	open_wearers(&w, planning_user_tags(p, NULL, 0));
	look_at(&w, id, have);
	plan_wearers(p, &w);
}

static void plan_group(struct planning *p, const char *name)
{
	CLEANUP(mem_close) char *what = mem_printf("group %s", name), *step = mem_printf("sg-%s", name);
	const struct ec2_group *g = planner_group_there(p, name);

	if (g != NULL)
		plan_shared(p, what, step, &resource_security_group, g->id, &g->tags);
}

static void plan_tg(struct planning *p, const char *name)
{
	CLEANUP(mem_close) char *what = mem_printf("target group %s", name), *step = mem_printf("tg-%s", name);
	const struct balancers_target_group *g = planner_target_group_there(p, name);

	if (g != NULL)
		plan_shared(p, what, step, &resource_target_group, g->g.arn, &g->g.tags);
}

static void plan_listeners(struct planning *p, const lb_t *want, const struct balancers_lb *lb)
{
	for (size_t i = 0; i < want->n_listeners; i++) {
		uint32_t port = want->listeners[i]->port;
		CLEANUP(mem_close) char *what = mem_printf("listener %s:%u", want->name, port);
		CLEANUP(mem_close) char *step = mem_printf("listener-%s-%u", want->name, port);
		const struct elb_listener *l = planner_listener_at(lb, port);

		if (l != NULL)
			plan_shared(p, what, step, &resource_listener, l->arn, &l->tags);
	}
}

static void plan_lb(struct planning *p, const lb_t *want)
{
	CLEANUP(mem_close) char *what = mem_printf("load balancer %s", want->name), *step = mem_printf("lb-%s", want->name);
	const struct balancers_lb *lb = planner_lb_there(p, want->name);

	if (lb == NULL)
		return;
	plan_shared(p, what, step, &resource_load_balancer, lb->lb.arn, &lb->lb.tags);
	plan_listeners(p, want, lb);
}

/* EC2 and ELB take 50 a thing, and ten are the system's. */
static void check_number(struct planning *p, const char *what, tag_t *const *more, size_t more_n)
{
	json_t *all = planning_user_tags(p, more, more_n);

	if (json_object_size(all) > PLANNING_TAGS_MAX)
		planning_refuse(p, ERR_INVALID, "%s: %zu tags with those of the policy's customer_tags, and %d are the most", what,
				json_object_size(all), PLANNING_TAGS_MAX);
	json_decref(all);
}

void planner_plan_tags(struct planning *p, unsigned stage)
{
	planning_begin(p, "tags", stage);
	/* A tag is not worth a way back: what follows cannot fail because of it, and the next command sets it. */
	plan_pivot(p->b);
	check_number(p, "the warehouse", NULL, 0);
	for (size_t i = 0; i < p->spec->n_security_groups; i++)
		plan_group(p, p->spec->security_groups[i]->name);
	for (size_t i = 0; i < p->spec->n_target_groups; i++)
		plan_tg(p, p->spec->target_groups[i]->name);
	for (size_t i = 0; i < p->spec->n_load_balancers; i++)
		plan_lb(p, p->spec->load_balancers[i]);
	for (size_t i = 0; i < p->spec->n_clusters; i++) {
		CLEANUP(mem_close) char *what = mem_printf("clusters[%zu]", i);

		check_number(p, what, p->spec->clusters[i]->tags, p->spec->clusters[i]->n_tags);
		plan_nodes(p, p->spec->clusters[i]);
	}
}
