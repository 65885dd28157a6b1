/* plan.c - building, reading back and hashing plans. */
#include "agent/ops/plan/plan.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"

#define PLAN_JSON_MAX (1u << 20)

struct plan_builder {
	json_t *json, *plans, *preserved;
	json_t *steps; /* of the plan that is open */
	json_t *open;
	struct err err;
};

/* Where a failure is told: only the first one is. */
static struct err *first_err(struct plan_builder *b)
{
	return b->err.code == 0 ? &b->err : NULL;
}

struct plan_builder *plan_builder_new(const char *command, const char *verb, const char *warehouse, uint64_t generation,
				      int64_t inventory_ms)
{
	struct plan_builder *b = mem_new(struct plan_builder);
	char when[STAMP_RFC3339_LEN];

	b->plans = json_array();
	b->preserved = json_array();
	b->json = json_pack("{s:s, s:s, s:s, s:I, s:s, s:O, s:O}", "command", command, "verb", verb, "warehouse", warehouse,
			    "generation", (json_int_t)generation, "inventory_time", stamp_rfc3339(inventory_ms, when), "preserved",
			    b->preserved, "plans", b->plans);
	if (b->json == NULL)
		err_set(first_err(b), ERR_INVALID, "the id, the verb or the warehouse of the command is not UTF-8");
	return b;
}

/* A plan without steps is no plan. */
static void close_open(struct plan_builder *b)
{
	if (b->open != NULL && json_array_size(b->steps) > 0)
		json_array_append(b->plans, b->open);
	json_decref(b->open);
	b->open = NULL;
	b->steps = NULL;
}

void plan_begin(struct plan_builder *b, const char *name, unsigned stage)
{
	close_open(b);
	b->open = json_pack("{s:s, s:i, s:i, s:[]}", "name", name, "stage", (int)stage, "pivot", PLAN_STEPS_MAX, "steps");
	b->steps = json_object_get(b->open, "steps");
	if (b->open == NULL)
		err_set(first_err(b), ERR_INVALID, "the name of a plan of stage %u is not UTF-8", stage);
}

static bool has_step(const json_t *steps, const char *name)
{
	for (size_t i = 0; i < json_array_size(steps); i++)
		if (str_eq(json_str_or(json_array_get(steps, i), "name", ""), name))
			return true;
	return false;
}

static const char *open_name(const struct plan_builder *b)
{
	return json_str_or(b->open, "name", "?");
}

/* name: NULL when it is not UTF-8 */
static int check_step(struct plan_builder *b, const char *name, const json_t *args)
{
	if (b->err.code != 0)
		return -b->err.code;
	if (name == NULL)
		return err_set(&b->err, ERR_INVALID, "plan %s has a step whose name is not UTF-8", open_name(b));
	if (b->open == NULL)
		return err_set(&b->err, ERR_INVALID, "step %s belongs to no plan", name);
	if (args == NULL)
		return err_set(&b->err, ERR_INVALID, "step %s: its arguments are not UTF-8", name);
	if (has_step(b->steps, name))
		return err_set(&b->err, ERR_INVALID, "plan %s has two steps called %s", open_name(b), name);
	if (json_array_size(b->steps) >= PLAN_STEPS_MAX)
		return err_set(&b->err, ERR_LIMIT, "plan %s has more than %d steps", open_name(b), PLAN_STEPS_MAX);
	return 0;
}

void plan_add(struct plan_builder *b, const struct step_kind *kind, json_t *args, const char *name_fmt, ...)
{
	json_t *name;
	va_list ap;

	va_start(ap, name_fmt);
	name = json_vsprintf(name_fmt, ap);
	va_end(ap);
	if (check_step(b, json_string_value(name), args) == 0)
		json_array_append_new(b->steps, json_pack("{s:O, s:s, s:O}", "name", name, "kind", kind->name, "args", args));
	json_decref(name);
	json_decref(args);
}

void plan_title(struct plan_builder *b, const char *fmt, ...)
{
	size_t n = json_array_size(b->steps);
	json_t *title;
	va_list ap;

	if (b->err.code != 0 || n == 0)
		return;
	va_start(ap, fmt);
	title = json_vsprintf(fmt, ap);
	va_end(ap);
	if (title == NULL)
		err_set(&b->err, ERR_INVALID, "plan %s has a step whose title is not UTF-8", open_name(b));
	json_object_set_new(json_array_get(b->steps, n - 1), "title", title);
}

void plan_pivot(struct plan_builder *b)
{
	if (b->open == NULL)
		err_set(first_err(b), ERR_INVALID, "a pivot belongs to no plan");
	json_object_set_new(b->open, "pivot", json_integer((json_int_t)json_array_size(b->steps)));
}

void plan_preserve(struct plan_builder *b, const char *kind, const char *id)
{
	if (json_array_append_new(b->preserved, json_pack("[s, s]", kind, id)) != 0)
		err_set(first_err(b), ERR_INVALID, "the id of a %s that is preserved is not UTF-8", kind);
}

void plan_stay(struct plan_builder *b, const char *cluster, json_t *ids)
{
	json_t *to = json_object_get(b->json, "staying");

	if (to == NULL && json_object_set_new(b->json, "staying", json_object()) == 0)
		to = json_object_get(b->json, "staying");
	json_object_set_new(to, cluster, ids);
}

/* To a list of sentences beside the plans. */
static void add_sentence(struct plan_builder *b, const char *list, const char *fmt, va_list ap)
{
	json_t *to = json_object_get(b->json, list), *text = json_vsprintf(fmt, ap);

	if (to == NULL && json_object_set_new(b->json, list, json_array()) == 0)
		to = json_object_get(b->json, list);
	if (json_array_append_new(to, text) != 0)
		err_set(first_err(b), ERR_INVALID, "a sentence of the plans is not UTF-8");
}

void plan_note(struct plan_builder *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_sentence(b, "notes", fmt, ap);
	va_end(ap);
}

void plan_tell(struct plan_builder *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_sentence(b, "changes", fmt, ap);
	va_end(ap);
}

void plan_deed(struct plan_builder *b, const char *says)
{
	json_object_set_new(b->json, "deed", json_text(says));
}

int plan_end(struct plan_builder *b, struct plans **ret, struct err *e)
{
	int rc = 0;

	close_open(b);
	if (b->err.code != 0)
		rc = err_set(e, b->err.code, "%s", b->err.text);
	else if (json_size(b->json) > PLAN_JSON_MAX)
		rc = err_set(e, ERR_LIMIT, "the plans are larger than %u bytes", PLAN_JSON_MAX);
	else
		rc = plans_from_json(b->json, ret, e);
	json_decref(b->plans);
	json_decref(b->preserved);
	json_decref(b->json);
	mem_free(b);
	return rc;
}

/* ---- reading back ---- */

static int step_from_json(const json_t *j, struct step *s, struct err *e)
{
	const char *kind;

	TRY(json_get_str(j, "name", &s->name, e));
	TRY(json_get_str(j, "kind", &kind, e));
	s->kind = catalogue_find(kind);
	s->args = json_object_get(j, "args");
	s->title = json_str_or(j, "title", s->name);
	if (s->kind == NULL)
		return err_set(e, ERR_UNSUPPORTED, "step %s: kind \"%s\" is not known to this version", s->name, kind);
	return json_is_object(s->args) ? 0 : err_set(e, ERR_INVALID, "step %s has no arguments", s->name);
}

static int plan_from_json(const json_t *j, struct plan *p, struct err *e)
{
	const json_t *steps = json_object_get(j, "steps");
	uint64_t stage, pivot;

	TRY(json_get_str(j, "name", &p->name, e));
	TRY(json_get_u64(j, "stage", &stage, e));
	TRY(json_get_u64(j, "pivot", &pivot, e));
	if (stage > PLANS_MAX || pivot > PLAN_STEPS_MAX)
		return err_set(e, ERR_INVALID, "plan %s: stage or pivot out of range", p->name);
	p->stage = (unsigned)stage;
	p->pivot = (unsigned)pivot;
	p->n = json_array_size(steps);
	if (p->n == 0 || p->n > PLAN_STEPS_MAX)
		return err_set(e, ERR_INVALID, "plan %s has %zu steps", p->name, p->n);
	p->steps = mem_alloc(p->n * sizeof(*p->steps));
	for (size_t i = 0; i < p->n; i++)
		TRY(step_from_json(json_array_get(steps, i), &p->steps[i], e));
	return 0;
}

static int hash_of(const json_t *plans, struct digest *ret, struct err *e)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(PLAN_JSON_MAX);

	if (json_write(plans, &b) != 0)
		return err_set(e, ERR_LIMIT, "the plans are larger than %u bytes", PLAN_JSON_MAX);
	*ret = digest_of(b.data, b.len);
	return 0;
}

static int fill(struct plans *p, struct err *e)
{
	const json_t *list = json_object_get(p->json, "plans");

	if (!json_is_array(list) || json_array_size(list) > PLANS_MAX)
		return err_set(e, ERR_INVALID, "not a list of at most %d plans", PLANS_MAX);
	p->v = mem_alloc(json_array_size(list) * sizeof(*p->v));
	for (p->n = 0; p->n < json_array_size(list); p->n++)
		TRY(plan_from_json(json_array_get(list, p->n), &p->v[p->n], e));
	return hash_of(list, &p->hash, e);
}

int plans_from_json(json_t *json, struct plans **ret, struct err *e)
{
	struct plans *p = mem_new(struct plans);
	int rc;

	p->json = json_incref(json);
	rc = fill(p, e);
	if (rc == 0)
		*ret = p;
	else
		plans_free(p);
	return rc;
}

void plans_free(struct plans *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; p->v != NULL && i < json_array_size(json_object_get(p->json, "plans")); i++)
		mem_free(p->v[i].steps);
	mem_free(p->v);
	json_decref(p->json);
	mem_free(p);
}

size_t plans_steps(const struct plans *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->v[i].n;
	return n;
}

/* Tags that the agent sets itself: who owns it, what it is part of, and the name that follows from that. */
static bool is_own_tag(const json_t *tags, const char *key, const char *value)
{
	const char *warehouse = json_str_or(tags, "reeve:warehouse", ""), *cluster = json_str_or(tags, "reeve:cluster", NULL);
	CLEANUP(mem_close) char *name = mem_printf("%s%s%s", warehouse, cluster != NULL ? "-" : "", cluster != NULL ? cluster : "");

	return str_eq(key, "resource-created-by") || str_starts(key, "reeve:") || (str_eq(key, "Name") && str_eq(value, name));
}

static void tags_demand(json_t *tags, struct demand *d)
{
	const char *key;
	json_t *value;

	json_object_foreach(tags, key, value)
		if (!is_own_tag(tags, key, json_string_value(value)))
			demand_name(d, &bound_tag_keys, key);
}

static void step_demand(const struct step *s, struct demand *d)
{
	if (s->kind->demand != NULL)
		s->kind->demand(s->args, d);
	tags_demand(json_object_get(s->args, "tags"), d);
}

void plans_demand(const struct plans *p, struct demand *d)
{
	if (p->n > 0)
		demand_name(d, &bound_warehouses, json_str_or(p->json, "warehouse", ""));
	for (size_t i = 0; i < p->n; i++) {
		for (size_t k = 0; k < p->v[i].n; k++)
			step_demand(&p->v[i].steps[k], d);
		demand_passed(d);
	}
}

const struct step *plans_high(const struct plans *p, const struct plan **ret_plan)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++) {
			const struct step *s = &p->v[i].steps[k];

			if (s->kind->is_high != NULL && s->kind->is_high(s->args)) {
				*ret_plan = &p->v[i];
				return s;
			}
		}
	return NULL;
}

/* ---- facts ---- */

static int resolve_text(const json_t *text, const json_t *facts, json_t **ret, struct err *e)
{
	const char *s = json_string_value(text);
	json_t *fact;

	if (s[0] != '@') {
		*ret = json_incref((json_t *)text);
		return 0;
	}
	fact = json_object_get(facts, s + 1);
	if (fact == NULL)
		return err_set(e, ERR_NOTYET, "fact \"%s\" is not known", s + 1);
	*ret = json_incref(fact);
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as a step's arguments, which kinds write */
static int resolve_list(const json_t *list, const json_t *facts, json_t **ret, struct err *e)
{
	json_t *out = json_array();

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *v = NULL;
		int rc = facts_resolve(json_array_get(list, i), facts, &v, e);

		if (rc != 0) {
			json_decref(out);
			return rc;
		}
		if (json_is_array(v))
			json_array_extend(out, v);
		else
			json_array_append(out, v);
		json_decref(v);
	}
	*ret = out;
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as a step's arguments, which kinds write */
static int resolve_object(const json_t *obj, const json_t *facts, json_t **ret, struct err *e)
{
	json_t *out = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)obj, key, value) {
		json_t *v = NULL;
		int rc = facts_resolve(value, facts, &v, e);

		if (rc != 0) {
			json_decref(out);
			return rc;
		}
		json_object_set_new(out, key, v);
	}
	*ret = out;
	return 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as a step's arguments, which kinds write */
int facts_resolve(const json_t *args, const json_t *facts, json_t **ret, struct err *e)
{
	if (json_is_string(args))
		return resolve_text(args, facts, ret, e);
	if (json_is_array(args))
		return resolve_list(args, facts, ret, e);
	if (json_is_object(args))
		return resolve_object(args, facts, ret, e);
	*ret = json_incref((json_t *)args);
	return 0;
}
