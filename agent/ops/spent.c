/* spent.c - see spent.h. */
#include "agent/ops/spent.h"

#include <string.h>

#include "agent/base/json.h"

#define STEP_MS (5ll * 60 * 1000)

static void drop_first(struct spent *s)
{
	memmove(s->v, s->v + 1, --s->n * sizeof(*s->v));
}

/* What is older than a day goes. What lies ahead was written before a restart, by a clock that was ahead: it counts as begun
 * now. */
static void keep_time(struct spent *s, int64_t now_ms)
{
	int64_t from_ms = now_ms - now_ms % STEP_MS;

	while (s->n > 0 && s->v[0].from_ms + STEP_MS + SPENT_DAY_MS <= now_ms)
		drop_first(s);
	for (size_t i = s->n; i > 0 && s->v[i - 1].from_ms > from_ms; i--)
		s->v[i - 1].from_ms = from_ms;
}

static struct spent_step *newest(struct spent *s)
{
	return s->n > 0 ? &s->v[s->n - 1] : NULL;
}

/* The oldest step is dropped; when it is still within the day, its counts are added to the next one. */
static void make_room(struct spent *s)
{
	if (s->n < SPENT_STEPS)
		return;
	/* It is counted a little longer than a day, rather than forgotten too early. */
	if (s->v[0].from_ms + STEP_MS + SPENT_DAY_MS > newest(s)->from_ms)
		for (unsigned k = 0; k < SPENT_KINDS; k++)
			s->v[1].n[k] += s->v[0].n[k];
	drop_first(s);
}

/* Records are read back in their order, whatever the clock was when they were written: no later one is older than an earlier. */
void spent_add(struct spent *s, int64_t now_ms, enum spent_what what, uint32_t n)
{
	int64_t from_ms = now_ms - now_ms % STEP_MS;

	if (n == 0)
		return;
	if (newest(s) == NULL || newest(s)->from_ms < from_ms) {
		make_room(s);
		s->v[s->n++] = (struct spent_step){ .from_ms = from_ms };
	}
	newest(s)->n[what] += n;
}

uint32_t spent_in(struct spent *s, int64_t now_ms, int64_t window_ms, enum spent_what what)
{
	uint32_t n = 0;

	keep_time(s, now_ms);
	for (size_t i = 0; i < s->n; i++)
		/* A step that has begun before the edge of the window counts whole. */
		if (s->v[i].from_ms + STEP_MS + window_ms > now_ms)
			n += s->v[i].n[what];
	return n;
}

int64_t spent_until(struct spent *s, int64_t now_ms, int64_t window_ms, enum spent_what what, uint32_t most)
{
	uint32_t left = spent_in(s, now_ms, window_ms, what);
	int64_t until_ms = now_ms;

	for (size_t i = 0; i < s->n && left > most; i++)
		if (s->v[i].from_ms + STEP_MS + window_ms > now_ms) {
			left -= s->v[i].n[what];
			until_ms = s->v[i].from_ms + STEP_MS + window_ms;
		}
	return until_ms;
}

json_t *spent_record(const struct spent *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(list,
				      json_pack("[I, I, I]", (json_int_t)s->v[i].from_ms, (json_int_t)s->v[i].n[SPENT_MUTATIONS],
						(json_int_t)s->v[i].n[SPENT_DELETIONS]));
	return json_pack("{s:o}", "steps", list);
}

void spent_replay(struct spent *s, const json_t *record)
{
	const json_t *list = json_object_get(record, "steps");

	s->n = 0;
	for (size_t i = 0; i < json_array_size(list) && s->n < SPENT_STEPS; i++) {
		const json_t *step = json_array_get(list, i);

		s->v[s->n++] = (struct spent_step){ .from_ms = json_integer_value(json_array_get(step, 0)),
						    .n = { (uint32_t)json_integer_value(json_array_get(step, 1)),
							   (uint32_t)json_integer_value(json_array_get(step, 2)) } };
	}
}
