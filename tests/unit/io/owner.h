/* owner.h - whose journal it is: a counter that speaks of durable records alone. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/io/journal.h"
#include "tests/sim/copy.h"
#include "tests/sim/world_sim.h"

#define DIR "/var/lib/reeve/journal"
#define FIRST DIR "/0000000000000001.jsonl"

/* A journal with a counter for an owner: its checkpoint is the count, and a list of as many things as there are `parts`. */
struct owner {
	struct world *w;
	struct journal *j;
	uint64_t count, oldest_open;
	size_t parts, seen; /* things in a checkpoint; in the one that was read */
	unsigned durable;
	bool closed;
	unsigned lost; /* times that it was told so */
	struct journal_append many[200];
};

static inline json_t *owner_checkpoint(void *ctx)
{
	struct owner *o = ctx;
	json_t *m = json_pack("{s:I}", "count", (json_int_t)o->count), *list = json_array();

	for (size_t i = 0; i < o->parts; i++)
		json_array_append_new(list, json_sprintf("thing %zu of the checkpoint, a hundred bytes or so long"
							 "..................................................",
							 i));
	if (o->parts > 0)
		json_object_set(m, "records", list);
	json_decref(list);
	return m;
}

static inline uint64_t owner_oldest_open(void *ctx)
{
	return ((struct owner *)ctx)->oldest_open;
}

static inline void owner_lost(void *ctx, const struct err *e)
{
	struct owner *o = ctx;

	(void)e;
	o->lost++;
}

static inline int owner_visit(void *ctx, const struct journal_entry *entry, struct err *e)
{
	struct owner *o = ctx;

	(void)e;
	if (str_eq(entry->type, "checkpoint") && json_int_or(entry->obj, "part", 1) == 1) {
		o->count = (uint64_t)json_int_or(entry->obj, "count", 0);
		o->seen = 0;
	}
	if (str_eq(entry->type, "checkpoint"))
		o->seen += json_array_size(json_object_get(entry->obj, "records"));
	if (str_eq(entry->type, "count"))
		o->count++;
	return 0;
}

static inline int owner_open_sized(struct owner *o, uint64_t segment, uint64_t max, struct err *e)
{
	struct journal_config cfg = { .dir = DIR,
				      .segment_bytes = segment,
				      .max_bytes = max,
				      .ctx = o,
				      .checkpoint = owner_checkpoint,
				      .oldest_open = owner_oldest_open,
				      .lost = owner_lost };
	bool is_empty;

	o->count = o->seen = 0;
	assert_int_equal(o->w->disk_mkdir(o->w, DIR, 0700, NULL), 0);
	return journal_open(o->w, &cfg, owner_visit, o, &is_empty, &o->j, e);
}

static inline int owner_open(struct owner *o, struct err *e)
{
	return owner_open_sized(o, 1u << 20, 1u << 30, e);
}

static struct owner *owner_told; /* whose record has become durable: one owner at a time */

/* State changes when its record is durable, never before: a checkpoint speaks of durable records alone. */
static inline void owner_on_durable(struct journal_append *a)
{
	(void)a;
	owner_told->count++;
	owner_told->durable++;
}

static inline void owner_count_one(struct owner *o, struct journal_append *a)
{
	json_t *m = json_pack("{s:s}", "text", "0123456789012345678901234567890123456789");

	owner_told = o;
	journal_append(o->j, a, "count", m, owner_on_durable);
}

static inline bool owner_is_written(void *ctx)
{
	return !((struct journal_append *)ctx)->waiting;
}

static inline void owner_write_one(struct owner *o)
{
	struct journal_append a = { 0 };

	owner_count_one(o, &a);
	assert_int_equal(sim_run_until(o->w, owner_is_written, &a, 600000), SIM_TRUE);
}

static inline void owner_on_closed(void *ctx)
{
	((struct owner *)ctx)->closed = true;
}

static inline bool owner_is_closed(void *ctx)
{
	return ((struct owner *)ctx)->closed;
}

static inline void owner_close(struct owner *o)
{
	o->closed = false;
	journal_close(o->j, owner_on_closed, o);
	sim_run_until(o->w, owner_is_closed, o, 600000);
	assert_true(o->closed);
	o->j = NULL;
}

static inline void owner_settle(struct owner *o, uint64_t ms)
{
	sim_run_until(o->w, NULL, NULL, ms);
}

static inline int owner_start(void **state)
{
	struct owner *o = mem_new(struct owner);

	o->w = sim_new(11);
	o->oldest_open = UINT64_MAX;
	*state = o;
	return 0;
}

static inline int owner_end(void **state)
{
	struct owner *o = *state;

	if (o->j != NULL)
		owner_close(o);
	sim_free(o->w);
	mem_free(o);
	return 0;
}

#define OWNER_TEST(f) cmocka_unit_test_setup_teardown(f, owner_start, owner_end)
