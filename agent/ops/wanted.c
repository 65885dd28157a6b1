/* wanted.c - see wanted.h. */
#include "agent/ops/wanted.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

/* ---- one of them ---- */

static void forget_args(struct wanted *s, struct wanted_one *one)
{
	s->bytes -= one->args.len;
	mem_free(one->args.data);
	one->args = (ProtobufCBinaryData){ 0, NULL };
	one->verb = NULL;
	json_close(&one->tries);
}

static void drop(struct wanted *s, struct wanted_one *one)
{
	size_t at = (size_t)(one - s->v);

	forget_args(s, one);
	json_decref(one->left);
	json_decref(one->homes);
	json_decref(one->nodes);
	memmove(one, one + 1, (--s->n - at) * sizeof(*one));
}

struct wanted_one *wanted_of(struct wanted *s, const char *warehouse)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i].warehouse, warehouse))
			return &s->v[i];
	return NULL;
}

static struct wanted_one *one_for(struct wanted *s, const char *warehouse)
{
	struct wanted_one *one = wanted_of(s, warehouse);

	if (one != NULL || s->n == WANTED_MAX)
		return one;
	one = &s->v[s->n++];
	*one = (struct wanted_one){ 0 };
	snprintf(one->warehouse, sizeof(one->warehouse), "%s", warehouse);
	return one;
}

static void set_unknown(struct wanted *s, struct wanted_one *one, const char *op, const char *why)
{
	forget_args(s, one);
	snprintf(one->op, sizeof(one->op), "%s", op);
	snprintf(one->why, sizeof(one->why), "%s", why);
}

static void set_args(struct wanted *s, struct wanted_one *one, const char *op, const struct verb *verb,
		     const ProtobufCBinaryData *args)
{
	set_unknown(s, one, op, "its spec is larger than what may be kept of all warehouses");
	if (s->bytes + args->len > WANTED_BYTES) {
		log_warn("wanted.too_large", "op=%s warehouse=%s bytes=%zu most_bytes=%u next=\"it is not looked after\"", op,
			 one->warehouse, args->len, WANTED_BYTES);
		return;
	}
	one->why[0] = '\0';
	one->verb = verb;
	one->args.data = mem_alloc(args->len + 1);
	memcpy(one->args.data, args->data, args->len);
	one->args.len = args->len;
	s->bytes += args->len;
}

ProtobufCMessage *wanted_args(const struct wanted_one *one)
{
	return one->verb != NULL ? verb_args(one->verb, &one->args) : NULL;
}

/* ---- a command has ended ---- */

static bool is_state(const json_t *result, const char *name)
{
	return str_eq(json_str_or(result, "state", ""), name);
}

/* What it has begun may stand there still. */
static bool may_have_changed(const json_t *result)
{
	static const char *const lists[] = { "created", "deleted", "modified" };

	if (json_object_get(result, "started_ms") == NULL || is_state(result, "ROLLED_BACK") ||
	    json_is_true(json_object_get(result, "taken_back")))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (json_array_size(json_object_get(result, lists[i])) > 0)
			return true;
	return is_state(result, "INDETERMINATE");
}

static void leave_unknown(struct wanted *s, const struct wanted_end *end)
{
	struct wanted_one *one = one_for(s, end->warehouse);
	char why[sizeof(one->why)];

	if (one == NULL)
		return;
	snprintf(why, sizeof(why), "the last %s ended %s: what stands is neither its spec nor the one before", end->verb->name,
		 json_str_or(end->result, "state", "?"));
	set_unknown(s, one, end->op, why);
}

static void drop_text(json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (str_eq(json_string_value(json_array_get(list, i)), text)) {
			json_array_remove(list, i);
			return;
		}
}

static bool has_instance(const json_t *pairs, const char *id)
{
	const json_t *pair;
	size_t i;

	json_array_foreach(pairs, i, pair)
		if (str_eq(json_string_value(json_array_get(pair, 0)), "instance") &&
		    str_eq(json_string_value(json_array_get(pair, 1)), id))
			return true;
	return false;
}

static void forget_one(struct wanted_one *one, const char *id)
{
	const char *key;
	json_t *value;

	drop_text(one->left, id);
	json_object_foreach(one->nodes, key, value)
		drop_text(value, id);
	json_object_foreach(one->homes, key, value)
		if (str_eq(json_string_value(value), id))
			json_object_set_new(one->homes, key, json_string(""));
}

/* What a command has ended was ended on purpose: nobody has lost it. */
static void forget_ended(struct wanted_one *one, const json_t *result)
{
	const json_t *deleted = json_object_get(result, "deleted"), *pair;
	size_t i;

	json_array_foreach(deleted, i, pair)
		if (str_eq(json_string_value(json_array_get(pair, 0)), "instance"))
			forget_one(one, json_string_value(json_array_get(pair, 1)));
}

/* What it has made stands, and the patrol has not seen it yet. */
static void learn(struct wanted_one *one, const json_t *result)
{
	const json_t *made = json_object_get(result, "nodes"), *given = json_object_get(result, "volumes");
	const char *cluster;
	json_t *ids, *id;
	size_t i;

	if (one->nodes == NULL && json_object_size(made) > 0)
		one->nodes = json_object();
	json_object_foreach((json_t *)made, cluster, ids) {
		if (json_object_get(one->nodes, cluster) == NULL)
			json_object_set_new(one->nodes, cluster, json_array());
		json_array_foreach(ids, i, id)
			if (!json_has_text(json_object_get(one->nodes, cluster), json_string_value(id)))
				json_array_append(json_object_get(one->nodes, cluster), id);
	}
	if (one->homes == NULL && json_object_size(given) > 0)
		one->homes = json_object();
	if (json_object_size(given) > 0)
		json_object_update(one->homes, (json_t *)given);
}

/* It has not ended, and one that was launched in its place stands. */
static bool is_left(const Reeve__Control__V1__Heal *heal, const json_t *result)
{
	const json_t *deleted = json_object_get(result, "deleted"), *pair;
	bool is_made = false;
	size_t i;

	json_array_foreach(json_object_get(result, "created"), i, pair) {
		const char *id = json_string_value(json_array_get(pair, 1));

		is_made = is_made || (str_eq(json_string_value(json_array_get(pair, 0)), "instance") && !has_instance(deleted, id));
	}
	return heal->is_sick && is_made && !has_instance(deleted, heal->instance);
}

static void leave(struct wanted_one *one, const char *id)
{
	if (one->left == NULL)
		one->left = json_array();
	drop_text(one->left, id);
	if (json_array_size(one->left) == WANTED_LEFT_MAX)
		json_array_remove(one->left, 0);
	json_array_append_new(one->left, json_string(id));
}

/* It does not stand any more, so nobody will heal it a second time: one that was sick and was ended, or in the place of which
 * another was launched. One that stays, sick or seen again, may be healed anew, and by an id of its own: a result never changes. */
static bool is_over(const Reeve__Control__V1__Heal *heal, const json_t *result)
{
	return json_array_size(json_object_get(result, heal->is_sick ? "deleted" : "created")) > 0;
}

/* Another stands in its place: the lost one is not looked for any more, and one that was left counts no more. */
static void forget_node(struct wanted_one *one, const struct wanted_end *end)
{
	ProtobufCMessage *args = verb_args(end->verb, end->args);
	const Reeve__Control__V1__Heal *heal = (const Reeve__Control__V1__Heal *)args;
	bool is_done = is_state(end->result, "SUCCEEDED"), stays = heal != NULL && is_left(heal, end->result);

	if (heal != NULL && (is_done || stays))
		drop_text(json_object_get(one->nodes, heal->cluster), heal->instance);
	if (heal != NULL && is_done && is_over(heal, end->result))
		json_object_del(one->tries, heal->instance);
	if (stays)
		leave(one, heal->instance);
	verb_args_free(args);
}

/* The first that holds:
 *
 *   a lost node was replaced                        it is not looked for any more; one that was left counts no more
 *   the verb lays nothing down (reboot, replace)    what stood before stands
 *   it was to be planned alone                      what stood before stands
 *   it succeeded, and deletes                       the warehouse is forgotten, also where nothing was left to delete
 *   it did not start                                what stood before stands
 *   it succeeded                                    its spec stands
 *   it may have changed something                   nothing is known
 *   else                                            what stood before stands  */
static void decide(struct wanted *s, const struct wanted_end *end)
{
	struct wanted_one *one = wanted_of(s, end->warehouse);

	if (end->verb == NULL || end->verb->lays_down == VERB_LAYS_NOTHING || end->is_plan)
		return;
	if (end->verb->lays_down == VERB_LAYS_END && is_state(end->result, "SUCCEEDED")) {
		if (one != NULL)
			drop(s, one);
		return;
	}
	if (json_object_get(end->result, "started_ms") == NULL)
		return;
	if (!is_state(end->result, "SUCCEEDED")) {
		if (may_have_changed(end->result))
			leave_unknown(s, end);
		return;
	}
	one = one_for(s, end->warehouse);
	if (one != NULL) {
		/* Whoever stands by now is one of those that the spec wants. */
		json_close(&one->left);
		set_args(s, one, end->op, end->verb, end->args);
	} else {
		log_warn("wanted.full", "op=%s warehouse=%s most=%d err=\"more warehouses than are looked after\"", end->op,
			 end->warehouse, WANTED_MAX);
	}
}

void wanted_ended(struct wanted *s, const struct wanted_end *end)
{
	struct wanted_one *one = wanted_of(s, end->warehouse);

	if (one != NULL)
		forget_ended(one, end->result);
	if (one != NULL && end->verb != NULL && end->verb->is_local)
		forget_node(one, end);
	decide(s, end);
	one = wanted_of(s, end->warehouse);
	if (one != NULL)
		learn(one, end->result);
}

/* ---- records ---- */

static json_t *one_json(const struct wanted_one *one)
{
	json_t *j = json_pack("{s:s, s:s}", "warehouse", one->warehouse, "op", one->op);

	if (one->verb != NULL) {
		json_object_set_new(j, "verb", json_integer(one->verb->wire));
		json_set_base64(j, "args", one->args.data, one->args.len);
	} else {
		json_object_set_new(j, "why", json_text(one->why));
	}
	if (one->nodes != NULL)
		json_object_set(j, "nodes", one->nodes);
	if (one->tries != NULL)
		json_object_set(j, "tries", one->tries);
	if (one->left != NULL)
		json_object_set(j, "left", one->left);
	if (one->homes != NULL)
		json_object_set(j, "volumes", one->homes);
	return j;
}

/* A record each, as a line of the journal has a largest size; the first, without a warehouse, empties the list. */
void wanted_records(const struct wanted *s, json_t *to)
{
	json_array_append_new(to, json_pack("[s, {}, i]", "wanted", 0));
	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(to, json_pack("[s, o, i]", "wanted", one_json(&s->v[i]), 0));
}

static void replay_one(struct wanted *s, struct wanted_one *one, const json_t *record)
{
	CLEANUP(buf_close) struct buf args = BUF_MAX(JSON_MAX_BYTES);
	const struct verb *verb = verb_of((Reeve__Control__V1__Verb)json_int_or(record, "verb", 0));
	const char *op = json_str_or(record, "op", "");

	if (verb != NULL && json_get_base64(record, "args", &args, NULL) == 0)
		set_args(s, one, op, verb, &(ProtobufCBinaryData){ args.len, (uint8_t *)args.data });
	else
		set_unknown(s, one, op, json_str_or(record, "why", "this version cannot read what another has kept of it"));
	one->nodes = json_incref(json_object_get(record, "nodes"));
	one->tries = json_incref(json_object_get(record, "tries"));
	one->left = json_incref(json_object_get(record, "left"));
	one->homes = json_incref(json_object_get(record, "volumes")); /* an older version has kept none */
}

void wanted_replay(struct wanted *s, const json_t *record)
{
	const char *warehouse = json_str_or(record, "warehouse", NULL);
	struct wanted_one *one;

	if (warehouse == NULL) {
		wanted_close(s);
		return;
	}
	one = one_for(s, warehouse);
	if (one != NULL)
		replay_one(s, one, record);
}

void wanted_tried(struct wanted *s, const char *warehouse, const char *op, const char *occurrence, unsigned n)
{
	struct wanted_one *one = wanted_of(s, warehouse);

	if (one == NULL || !str_eq(one->op, op))
		return;
	if (one->tries == NULL)
		one->tries = json_object();
	json_object_set_new(one->tries, occurrence, json_integer(n));
}

unsigned wanted_tries(const struct wanted_one *one, const char *occurrence)
{
	return (unsigned)json_int_or(one->tries, occurrence, 0);
}

void wanted_replay_nodes(struct wanted *s, const json_t *record)
{
	struct wanted_one *one = wanted_of(s, json_str_or(record, "warehouse", ""));

	if (one == NULL || !str_eq(one->op, json_str_or(record, "op", "")))
		return;
	json_decref(one->nodes);
	one->nodes = json_incref(json_object_get(record, "nodes"));
	/* One of an older version does not speak of them. */
	if (json_object_get(record, "volumes") == NULL)
		return;
	json_decref(one->homes);
	one->homes = json_incref(json_object_get(record, "volumes"));
}

void wanted_close(struct wanted *s)
{
	while (s->n > 0)
		drop(s, &s->v[s->n - 1]);
}
