/* drift.c - see drift.h. */
#include "agent/ops/plan/drift.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

struct drift_list {
	json_t *list;
	json_int_t total;
	json_t *new_facts; /* "@nodes.be": what steps make, and what is made of that; "i-1": what they start */
};

static void add(struct drift_list *l, const char *resource, const char *field, const char *difference)
{
	char text[DRIFT_TEXT_MAX];

	snprintf(text, sizeof(text), "%s", difference);
	str_mend(text);
	l->total++;
	if (json_array_size(l->list) < DRIFT_MAX)
		json_array_append_new(l->list, json_pack("{s:o, s:s, s:o}", "resource", json_text(resource), "field", field,
							 "difference", json_text(text)));
}

/* Does it name what another step is yet to make, or to start? */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the arguments of a step, which the planner builds */
static bool is_consequence(const json_t *args, const json_t *new_facts)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_string(args))
		return json_object_get(new_facts, json_string_value(args)) != NULL;
	json_array_foreach(args, i, value)
		if (is_consequence(value, new_facts))
			return true;
	json_object_foreach((json_t *)args, key, value)
		if (is_consequence(value, new_facts))
			return true;
	return false;
}

/* ---- which resource ---- */

static const char *first_text(const json_t *what)
{
	return json_string_value(json_is_array(what) ? json_array_get(what, 0) : what);
}

/* The first of what it changes or removes; what it makes has no id yet, and is named by its plan and step. */
static void name_resource(const struct plan *plan, const struct step *s, char to[DRIFT_TEXT_MAX])
{
	const struct step_kind *k = s->kind;
	json_t *pairs = json_array();
	const char *id;

	if (k->changes != NULL)
		k->changes(s->args, NULL, pairs);
	id = first_text(json_array_get(json_array_get(pairs, 0), 1));
	if (id == NULL && k->removes_arg != NULL)
		id = first_text(json_object_get(s->args, k->removes_arg));
	if (id != NULL && *id != '@')
		snprintf(to, DRIFT_TEXT_MAX, "%s", id);
	else
		snprintf(to, DRIFT_TEXT_MAX, "%s/%s", plan->name, s->name);
	json_decref(pairs);
}

static void tell_step(struct drift_list *l, const struct plan *plan, const struct step *s)
{
	CLEANUP(buf_close) struct buf what = BUF_MAX(16u << 10);
	char resource[DRIFT_TEXT_MAX];

	name_resource(plan, s, resource);
	buf_addf(&what, "%s: ", s->title);
	if (s->kind->print != NULL)
		s->kind->print(s->args, &what);
	add(l, resource, s->kind->field, buf_str(&what));
}

static void note_started(struct drift_list *l, const struct step *s)
{
	json_t *ids = json_object_get(s->args, "instances"), *id;
	size_t i;

	json_array_foreach(ids, i, id)
		if (json_is_string(id))
			json_object_set_new(l->new_facts, json_string_value(id), json_true());
}

/* A wait leaves the fact of those that it waited for: where they stood there before, what rests on them is no consequence. */
static void add_step(struct drift_list *l, const struct plan *plan, const struct step *s)
{
	bool follows = is_consequence(s->args, l->new_facts);
	CLEANUP(mem_close) char *fact = mem_printf("@%s", json_str_or(s->args, "fact", ""));

	if (follows || s->kind->makes != NULL)
		json_object_set_new(l->new_facts, fact, json_true());
	if (s->kind->leaves != NULL && str_eq(s->kind->leaves, "started"))
		note_started(l, s);
	if (s->kind->field != NULL && !follows)
		tell_step(l, plan, s);
}

int drift_of(const struct planner_args *a, const spec_t *spec, json_t **ret, struct err *e)
{
	CLEANUP(json_close) json_t *new_facts = json_object();
	struct drift_list l = { .list = json_array(), .new_facts = new_facts };
	struct plans *plans = NULL;
	struct err why = { 0 };
	int rc = planner_apply(a, spec, &plans, &why);

	for (size_t i = 0; plans != NULL && i < plans->n; i++)
		for (size_t k = 0; k < plans->v[i].n; k++)
			add_step(&l, &plans->v[i], &plans->v[i].steps[k]);
	plans_free(plans);
	if (rc == -ERR_NOTYET) {
		json_decref(l.list);
		return err_set(e, ERR_NOTYET, "%s", err_text(&why));
	}
	if (rc != 0)
		add(&l, spec->warehouse, "spec", err_text(&why));
	*ret = json_pack("{s:o, s:I}", "drifts", l.list, "total", l.total);
	return 0;
}
