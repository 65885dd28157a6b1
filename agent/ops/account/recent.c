/* recent.c - see recent.h. */
#include "agent/ops/account/recent.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define THINGS_MAX 4096
#define A_RECORD 500 /* things in one record of a checkpoint */
#define RECORD_BYTES (256u << 10)
#define ID_MAX 2048 /* of an ARN: AWS's texts have limits (aws/read.h); a longer one is of a damaged or older journal */
#define SETTLE_MAX_S 300

struct recent_thing {
	char *warehouse, *kind, *id;
	const struct resource *of; /* its kind; NULL: one that is not known here, of another version */
	bool is_there;             /* made; else removed */
	uint32_t settle_s;
	uint64_t until_ms;
};

/* ---- remembering ---- */

static void thing_close(struct recent_thing *t)
{
	mem_free(t->warehouse);
	mem_free(t->kind);
	mem_free(t->id);
}

static void drop(struct recent *r, size_t i)
{
	thing_close(&r->v[i]);
	memmove(&r->v[i], &r->v[i + 1], (--r->n - i) * sizeof(*r->v));
}

static const struct resource *kind_of(const struct recent *r, const char *kind)
{
	for (const struct resource *const *of = r->resources; *of != NULL; of++)
		if (str_eq((*of)->kind, kind))
			return *of;
	return NULL;
}

static void forget_old(struct recent *r, uint64_t now_ms)
{
	for (size_t i = r->n; i-- > 0;)
		if (r->v[i].until_ms <= now_ms)
			drop(r, i);
	if (r->blind_ms <= now_ms)
		r->blind_ms = 0;
}

static bool goes_with(const struct recent_thing *t, const char *kind, const char *id)
{
	return t->of != NULL && t->of->goes_with != NULL && t->of->goes_with(t->id, kind, id);
}

static void forget_same(struct recent *r, const char *kind, const char *id, bool is_there)
{
	/* A thing is waited for in its newest state alone. When a group is removed its rules are never shown again, so they are
	 * forgotten with it. */
	for (size_t i = r->n; i-- > 0;)
		if ((str_eq(r->v[i].kind, kind) && str_eq(r->v[i].id, id)) || (!is_there && goes_with(&r->v[i], kind, id)))
			drop(r, i);
}

static void go_blind(struct recent *r, uint64_t until_ms)
{
	if (until_ms > r->blind_ms)
		r->blind_ms = until_ms;
}

static void add(struct recent *r, uint64_t now_ms, const struct recent_thing *t)
{
	forget_same(r, t->kind, t->id, t->is_there);
	/* What cannot be remembered must not be forgotten: nothing is planned until the longest settle_s is over. */
	if (r->n == THINGS_MAX || strlen(t->id) > ID_MAX || strlen(t->kind) > ID_MAX || strlen(t->warehouse) > ID_MAX) {
		go_blind(r, now_ms + SETTLE_MAX_S * 1000ull);
		return;
	}
	r->v = mem_grow(r->v, r->n + 1, sizeof(*r->v));
	r->v[r->n++] = (struct recent_thing){ .warehouse = mem_str(t->warehouse),
					      .kind = mem_str(t->kind),
					      .id = mem_str(t->id),
					      .of = kind_of(r, t->kind),
					      .is_there = t->is_there,
					      .settle_s = t->settle_s,
					      .until_ms = t->until_ms != 0 ? t->until_ms : now_ms + (uint64_t)t->settle_s * 1000 };
}

static void add_pairs(struct recent *r, uint64_t now_ms, struct recent_thing t, const json_t *pairs)
{
	for (size_t i = 0; i < json_array_size(pairs); i++) {
		t.kind = (char *)json_string_value(json_array_get(json_array_get(pairs, i), 0));
		t.id = (char *)json_string_value(json_array_get(json_array_get(pairs, i), 1));
		if (t.kind != NULL && t.id != NULL)
			add(r, now_ms, &t);
	}
}

/* A node is stopped, or not: one thing, made by a stop and removed by a start, so that its newest state alone is waited for. */
static void add_nodes(struct recent *r, uint64_t now_ms, struct recent_thing t, const json_t *ids)
{
	t.kind = (char *)RECENT_STOPPED;
	for (size_t i = 0; i < json_array_size(ids); i++) {
		t.id = (char *)json_string_value(json_array_get(ids, i));
		if (t.id != NULL)
			add(r, now_ms, &t);
	}
}

void recent_note(struct recent *r, uint64_t now_ms, const char *warehouse, const json_t *record, uint32_t settle_s)
{
	struct recent_thing t = { .warehouse = (char *)warehouse, .settle_s = settle_s, .is_there = true };

	forget_old(r, now_ms);
	add_pairs(r, now_ms, t, json_object_get(record, "created"));
	add_nodes(r, now_ms, t, json_object_get(record, "stopped"));
	t.is_there = false;
	add_pairs(r, now_ms, t, json_object_get(record, "deleted"));
	add_nodes(r, now_ms, t, json_object_get(record, "started"));
	/* Of a call in doubt nobody knows which things it made, so no inventory can show them all. */
	if (json_is_true(json_object_get(record, "ambiguous")))
		go_blind(r, now_ms + (uint64_t)settle_s * 1000);
}

/* ---- asking ---- */

static bool is_shown(const struct recent_thing *t, const struct inventory *inv)
{
	/* A kind that this version does not know cannot be looked for: its time is waited out. */
	return t->of != NULL && (t->of->is_shown == NULL || t->of->is_shown(inv, t->id, t->is_there));
}

/* Does a plan for this warehouse look at it? */
static bool matters(const struct recent_thing *t, const char *warehouse)
{
	/* A node of another warehouse that is not shown yet would be missing in the count against bounds.nodes_total. */
	return str_eq(t->warehouse, warehouse) || (t->of != NULL && t->of->counts_in_all);
}

bool recent_is_shown(struct recent *r, uint64_t asked_ms, const struct inventory *inv, const char *warehouse, struct buf *why)
{
	/* What counts is the time of the question: an answer that was on its way for long still shows what was then. */
	forget_old(r, asked_ms);
	if (r->blind_ms > asked_ms) {
		buf_adds(why, "what became of a call is not known yet");
		return false;
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct recent_thing *t = &r->v[i];

		if (!matters(t, warehouse) || is_shown(t, inv))
			continue;
		buf_addf(why, "AWS %s %s %s", t->is_there ? "does not show yet" : "still shows", t->kind, t->id);
		return false;
	}
	return true;
}

/* ---- a checkpoint and back ---- */

static int64_t wall_of(uint64_t until_ms, struct recent_now now)
{
	return now.wall_ms + (int64_t)(until_ms - now.now_ms);
}

/* What is left of it; a record without a date, from an older version, counts as just now. */
static uint64_t left_ms(const json_t *until, struct recent_now now, uint32_t most_s)
{
	int64_t most_ms = (int64_t)most_s * 1000;
	int64_t left = json_is_integer(until) ? json_integer_value(until) - now.wall_ms : most_ms;

	/* A wall clock that was set back in between must not make the wait longer than a settle_s. */
	return (uint64_t)(left <= 0 ? 0 : left < most_ms ? left : most_ms);
}

static json_t *thing_json(const struct recent_thing *t, struct recent_now now)
{
	return json_pack("[s, s, s, b, i, I]", t->warehouse, t->kind, t->id, t->is_there, (int)t->settle_s,
			 (json_int_t)wall_of(t->until_ms, now));
}

/* Things from *at on, as many as a record may hold by number and by bytes; moves *at behind them. */
static json_t *some_things(const struct recent *r, size_t *at, struct recent_now now)
{
	json_t *list = json_array();
	size_t bytes = 0;

	for (; *at < r->n && json_array_size(list) < A_RECORD && bytes < RECORD_BYTES; ++*at) {
		json_t *thing = thing_json(&r->v[*at], now);

		bytes += json_size(thing);
		json_array_append_new(list, thing);
	}
	return list;
}

void recent_records(const struct recent *r, struct recent_now now, json_t *to)
{
	for (size_t i = 0; i < r->n;) {
		json_t *list = some_things(r, &i, now);

		json_array_append_new(to, json_pack("[s, {s:o}, i]", "recent", "things", list, 0));
	}
	if (r->blind_ms != 0)
		json_array_append_new(to, json_pack("[s, {s:b, s:I}, i]", "recent", "ambiguous", 1, "until_ms",
						    (json_int_t)wall_of(r->blind_ms, now), 0));
}

void recent_replay(struct recent *r, struct recent_now now, const json_t *record)
{
	const json_t *list = json_object_get(record, "things");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *a = json_array_get(list, i);
		struct recent_thing t = { .warehouse = (char *)json_string_value(json_array_get(a, 0)),
					  .kind = (char *)json_string_value(json_array_get(a, 1)),
					  .id = (char *)json_string_value(json_array_get(a, 2)),
					  .is_there = json_is_true(json_array_get(a, 3)),
					  .settle_s = (uint32_t)json_integer_value(json_array_get(a, 4)) };

		/* A number from the disk: a wrong one must not keep the agent from planning for years. */
		if (t.settle_s > SETTLE_MAX_S)
			t.settle_s = SETTLE_MAX_S;
		t.until_ms = now.now_ms + left_ms(json_array_get(a, 5), now, t.settle_s);
		if (t.warehouse != NULL && t.kind != NULL && t.id != NULL)
			add(r, now.now_ms, &t);
	}
	if (json_is_true(json_object_get(record, "ambiguous")))
		go_blind(r, now.now_ms + left_ms(json_object_get(record, "until_ms"), now, SETTLE_MAX_S));
}

void recent_close(struct recent *r)
{
	while (r->n > 0)
		drop(r, r->n - 1);
	mem_free(r->v);
	/* The kinds of things are not read back with the records, so they stay. */
	*r = (struct recent){ .resources = r->resources };
}
