/* test_journal.c - what the record promises: durable when it says so, whole or read-only, in segments, on a full disk too. */
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
	struct journal_append many[200];
};

static json_t *checkpoint(void *ctx)
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

static uint64_t oldest_open(void *ctx)
{
	return ((struct owner *)ctx)->oldest_open;
}

static int visit(void *ctx, const struct journal_entry *entry, struct err *e)
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

static int open_sized(struct owner *o, uint64_t segment, uint64_t max, struct err *e)
{
	struct journal_config cfg = { .dir = DIR,
				      .segment_bytes = segment,
				      .max_bytes = max,
				      .ctx = o,
				      .checkpoint = checkpoint,
				      .oldest_open = oldest_open };
	bool is_empty;

	o->count = o->seen = 0;
	assert_int_equal(o->w->disk_mkdir(o->w, DIR, 0700, NULL), 0);
	return journal_open(o->w, &cfg, visit, o, &is_empty, &o->j, e);
}

static int open_it(struct owner *o, struct err *e)
{
	return open_sized(o, 1u << 20, 1u << 30, e);
}

static struct owner *told; /* whose record has become durable: one owner at a time */

/* State changes when its record is durable, never before: a checkpoint speaks of durable records alone. */
static void on_durable(struct journal_append *a)
{
	(void)a;
	told->count++;
	told->durable++;
}

static void count_one(struct owner *o, struct journal_append *a)
{
	json_t *m = json_pack("{s:s}", "text", "0123456789012345678901234567890123456789");

	told = o;
	journal_append(o->j, a, "count", m, on_durable);
}

static bool is_written(void *ctx)
{
	return !((struct journal_append *)ctx)->waiting;
}

static void write_one(struct owner *o)
{
	struct journal_append a = { 0 };

	count_one(o, &a);
	assert_int_equal(sim_run_until(o->w, is_written, &a, 600000), SIM_TRUE);
}

static void on_closed(void *ctx)
{
	((struct owner *)ctx)->closed = true;
}

static bool is_closed(void *ctx)
{
	return ((struct owner *)ctx)->closed;
}

static void close_it(struct owner *o)
{
	o->closed = false;
	journal_close(o->j, on_closed, o);
	sim_run_until(o->w, is_closed, o, 600000);
	assert_true(o->closed);
	o->j = NULL;
}

static void settle(struct owner *o, uint64_t ms)
{
	sim_run_until(o->w, NULL, NULL, ms);
}

static int start(void **state)
{
	struct owner *o = mem_new(struct owner);

	o->w = sim_new(11);
	o->oldest_open = UINT64_MAX;
	*state = o;
	return 0;
}

static int end(void **state)
{
	struct owner *o = *state;

	if (o->j != NULL)
		close_it(o);
	sim_free(o->w);
	mem_free(o);
	return 0;
}

/* ---- the tests ---- */

static void what_was_written_is_there_at_the_next_start(void **state)
{
	struct owner *o = *state;
	struct digest head;

	assert_int_equal(open_it(o, NULL), 0);
	for (int i = 0; i < 5; i++)
		write_one(o);
	head = journal_head(o->j);
	close_it(o);
	assert_int_equal(open_it(o, NULL), 0);
	assert_int_equal(o->count, 5);
	assert_int_equal(journal_seq(o->j), 5);
	assert_true(memcmp(&head, &(struct digest){ 0 }, sizeof(head)) != 0);
	head = journal_head(o->j);
	write_one(o);
	assert_int_equal(journal_seq(o->j), 6);
}

static void appends_that_come_together_travel_together(void **state)
{
	struct owner *o = *state;
	uint64_t before;

	assert_int_equal(open_it(o, NULL), 0);
	settle(o, 1000);
	before = sim_calls(o->w, SIM_DISK);
	for (size_t i = 0; i < 40; i++)
		count_one(o, &o->many[i]);
	assert_int_equal(sim_run_until(o->w, is_written, &o->many[39], 60000), SIM_TRUE);
	assert_int_equal(sim_calls(o->w, SIM_DISK) - before, 1);
	assert_int_equal(journal_seq(o->j), 40);
}

static void a_torn_last_line_is_cut_and_the_chain_goes_on(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf whole = BUF_MAX(1u << 20);

	assert_int_equal(open_it(o, NULL), 0);
	write_one(o);
	write_one(o);
	close_it(o);
	assert_true(sim_file_get(o->w, FIRST, &whole));
	for (size_t cut = 1; cut < 60; cut += 7) {
		sim_file_put(o->w, FIRST, whole.data, whole.len - cut);
		assert_int_equal(open_it(o, NULL), 0);
		assert_int_equal(o->count, 1);
		write_one(o);
		close_it(o);
		assert_int_equal(open_it(o, NULL), 0);
		assert_int_equal(o->count, 2);
		close_it(o);
	}
}

static void damage_in_the_middle_is_never_skipped(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf whole = BUF_MAX(1u << 20);
	size_t first_line;

	assert_int_equal(open_it(o, NULL), 0);
	for (int i = 0; i < 3; i++)
		write_one(o);
	close_it(o);
	assert_true(sim_file_get(o->w, FIRST, &whole));
	first_line = strcspn(whole.data, "\n");
	for (size_t at = 1; at < first_line; at += 13) {
		struct err e = { 0 };

		whole.data[at] ^= 1;
		sim_file_put(o->w, FIRST, whole.data, whole.len);
		assert_int_equal(open_it(o, &e), -ERR_CORRUPT);
		assert_non_null(strstr(e.text, "0000000000000001.jsonl line"));
		whole.data[at] ^= 1;
	}
}

static void a_segment_that_is_full_is_followed_by_one_with_a_checkpoint(void **state)
{
	struct owner *o = *state;

	assert_int_equal(open_sized(o, 2000, 1u << 30, NULL), 0);
	for (int i = 0; i < 40; i++)
		write_one(o);
	settle(o, 5000);
	close_it(o);
	assert_int_equal(open_sized(o, 2000, 1u << 30, NULL), 0);
	assert_int_equal(o->count, 40);
}

static int none(void *ctx, const struct journal_entry *entry, struct err *e)
{
	(void)ctx, (void)entry, (void)e;
	return 0;
}

static size_t lines_of(struct owner *o, const char *path, const char *text)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4u << 20);
	size_t n = 0;

	assert_true(sim_file_get(o->w, path, &b));
	for (const char *at = buf_str(&b); (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

static void newest(struct owner *o, char path[128])
{
	struct journal_segments segs = { 0 };

	assert_int_equal(journal_list(o->w, DIR, &segs, NULL), 0);
	snprintf(path, 128, DIR "/%s", segs.v[segs.n - 1].name);
	journal_segments_close(&segs);
}

/* Until a new segment is there, with nothing in it but its checkpoint. */
static void fill_segment(struct owner *o)
{
	char path[128];

	do {
		write_one(o);
		settle(o, 5000);
		newest(o, path);
	} while (strcmp(path, FIRST) == 0);
}

static void a_large_checkpoint_is_spread_over_lines_and_read_back_whole(void **state)
{
	struct owner *o = *state;
	char path[128];

	o->parts = 50;
	assert_int_equal(open_sized(o, 2000, 1u << 30, NULL), 0);
	fill_segment(o);
	newest(o, path);
	assert_int_equal(lines_of(o, path, "\"type\":\"checkpoint\""), 25);
	assert_int_equal(lines_of(o, path, "\"more\":true"), 24);
	write_one(o);
	close_it(o);
	assert_int_equal(open_sized(o, 2000, 1u << 30, NULL), 0);
	assert_int_equal(o->count, o->durable);
	assert_int_equal(o->seen, 50);
}

/* Cut anywhere in a checkpoint, at a line's end or within one: the segment before is believed, nothing that was written is
 * taken back, and the next thing written is a whole checkpoint. */
static void a_torn_checkpoint_is_passed_by(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf file = BUF_MAX(1u << 20);
	struct journal_chain chain;
	char path[128], again[128];
	unsigned before;
	bool torn;

	o->parts = 30;
	assert_int_equal(open_sized(o, 2000, 1u << 30, NULL), 0);
	fill_segment(o);
	before = o->durable;
	close_it(o);
	newest(o, path);
	assert_true(sim_file_get(o->w, path, &file));
	for (size_t cut = 0; cut < file.len - 1; cut += 61) {
		sim_file_put(o->w, path, file.data, cut);
		assert_int_equal(open_sized(o, 2000, 1u << 30, NULL), 0);
		assert_int_equal(o->count, before);
		assert_int_equal(o->seen, 0);
		write_one(o);
		close_it(o);
		assert_int_equal(open_sized(o, 2000, 1u << 30, NULL), 0);
		assert_int_equal(o->count, before + 1);
		assert_int_equal(o->seen, 30);
		assert_int_equal(journal_read_all(o->w, DIR, none, NULL, &chain, &torn, NULL), 0);
		close_it(o);
		newest(o, again);
		if (strcmp(again, path) != 0)
			sim_file_unlink(o->w, again);
	}
}

/* A journal that is always over its maximum, closed at any moment: what recovery needs is never what goes. */
static void what_stands_before_a_torn_checkpoint_is_not_pruned(void **state)
{
	struct owner *o = *state;
	unsigned torn = 0;
	char path[128];

	o->parts = 30;
	for (uint64_t life = 0; life < 200; life++) {
		assert_int_equal(open_sized(o, 2000, 2500, NULL), 0);
		assert_true(o->count >= o->durable);
		o->durable = (unsigned)o->count;
		for (size_t i = 0; i < 12; i++)
			count_one(o, &o->many[i]);
		settle(o, life);
		for (size_t i = 0; i < 12; i++)
			journal_forget(o->j, &o->many[i]);
		close_it(o);
		newest(o, path);
		torn += lines_of(o, path, "\"part\":1,") == 1 && lines_of(o, path, "\"part\":15,") == 0;
	}
	assert_in_range(torn, 10, 190);
}

static void a_checkpoint_that_no_segment_holds_is_damage(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf file = BUF_MAX(1u << 20);
	struct err e = { 0 };
	char path[128];

	o->parts = 30;
	assert_int_equal(open_sized(o, 2000, 1u << 30, NULL), 0);
	fill_segment(o);
	close_it(o);
	newest(o, path);
	assert_true(sim_file_get(o->w, path, &file));
	sim_file_put(o->w, path, file.data, file.len / 2);
	sim_file_unlink(o->w, FIRST);
	assert_int_equal(open_sized(o, 2000, 1u << 30, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "whole checkpoint"));
}

static void a_record_that_is_too_long_is_named_and_holds_nobody_else_up(void **state)
{
	struct owner *o = *state;
	struct journal_append a = { 0 };
	char *text = mem_alloc(JOURNAL_RECORD_MAX + 1);

	assert_int_equal(open_it(o, NULL), 0);
	memset(text, 'x', JOURNAL_RECORD_MAX);
	told = o;
	journal_append(o->j, &a, "step.outcome", json_pack("{s:s, s:s}", "op", "0190-op", "text", text), on_durable);
	write_one(o);
	assert_true(a.waiting);
	assert_int_equal(o->durable, 1);
	assert_non_null(strstr(journal_trouble(o->j), "step.outcome of 0190-op"));
	journal_forget(o->j, &a);
	assert_false(a.waiting);
	mem_free(text);
}

/* What is read of files, counted. */
static struct {
	int (*whole)(struct world *w, const char *path, struct buf *b, struct err *e);
	ssize_t (*part)(struct world *w, struct disk_file *f, uint64_t offset, void *to, size_t len, struct err *e);
	size_t bytes;
} reads;

static int read_whole(struct world *w, const char *path, struct buf *b, struct err *e)
{
	size_t before = b->len;
	int rc = reads.whole(w, path, b, e);

	reads.bytes += b->len - before;
	return rc;
}

static ssize_t read_part(struct world *w, struct disk_file *f, uint64_t offset, void *to, size_t len, struct err *e)
{
	reads.bytes += len;
	return reads.part(w, f, offset, to, len, e);
}

static void pruning_reads_one_line_of_the_next_segment_alone(void **state)
{
	struct owner *o = *state;
	assert_int_equal(open_sized(o, 100000, 150000, NULL), 0);
	reads.whole = o->w->disk_read;
	reads.part = o->w->file_read;
	reads.bytes = 0;
	o->w->disk_read = read_whole;
	o->w->file_read = read_part;
	for (unsigned i = 0; i < 8; i++) {
		for (size_t k = 0; k < ARRAY_LEN(o->many); k++)
			count_one(o, &o->many[k]);
		settle(o, 5000);
	}
	o->w->disk_read = reads.whole;
	o->w->file_read = reads.part;
	assert_false(sim_file_get(o->w, FIRST, &(struct buf){ .max = 1 }));
	assert_in_range(reads.bytes, 1, 1000);
}

static void the_whole_chain_is_verified_over_all_segments(void **state)
{
	struct owner *o = *state;
	struct journal_chain chain;
	bool torn;

	assert_int_equal(open_sized(o, 2000, 1u << 30, NULL), 0);
	for (int i = 0; i < 40; i++)
		write_one(o);
	settle(o, 5000);
	assert_int_equal(journal_read_all(o->w, DIR, none, NULL, &chain, &torn, NULL), 0);
	assert_false(torn);
	assert_int_equal(chain.next_seq - 1, journal_seq(o->j));
}

static void above_the_maximum_the_oldest_goes_and_a_record_names_it(void **state)
{
	struct owner *o = *state;
	struct journal_segments segs = { 0 };
	struct journal_chain chain;
	bool torn;

	assert_int_equal(open_sized(o, 2000, 6000, NULL), 0);
	for (int i = 0; i < 100; i++)
		write_one(o);
	settle(o, 10000);
	assert_int_equal(journal_list(o->w, DIR, &segs, NULL), 0);
	assert_true(segs.n > 1 && segs.n <= 5);
	assert_true(segs.v[0].first > 1);
	journal_segments_close(&segs);
	assert_int_equal(journal_read_all(o->w, DIR, none, NULL, &chain, &torn, NULL), 0);
}

static void segments_of_open_operations_stay(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);

	o->oldest_open = 1;
	assert_int_equal(open_sized(o, 2000, 6000, NULL), 0);
	for (int i = 0; i < 100; i++)
		write_one(o);
	settle(o, 10000);
	assert_true(sim_file_get(o->w, FIRST, &b));
}

static void a_disk_that_refuses_is_asked_again_until_it_takes_the_record(void **state)
{
	struct owner *o = *state;
	struct journal_append a = { 0 };

	assert_int_equal(open_it(o, NULL), 0);
	settle(o, 1000);
	sim_fail_rate(o->w, SIM_DISK, 700);
	count_one(o, &a);
	assert_int_equal(sim_run_until(o->w, is_written, &a, 600000), SIM_TRUE);
	sim_fail_rate(o->w, SIM_DISK, 0);
	settle(o, 120000);
	close_it(o);
	assert_int_equal(open_it(o, NULL), 0);
	assert_int_equal(o->count, 1);
}

static void a_full_disk_costs_the_reserve_and_no_record(void **state)
{
	struct owner *o = *state;
	struct journal_append a = { 0 };

	assert_int_equal(open_it(o, NULL), 0);
	settle(o, 1000);
	sim_fail_nth(o->w, SIM_DISK, 1, ERR_NOSPACE);
	count_one(o, &a);
	assert_int_equal(sim_run_until(o->w, is_written, &a, 60000), SIM_TRUE);
	assert_true(journal_is_tight(o->j));
	settle(o, 120000);
	assert_false(journal_is_tight(o->j));
	assert_null(journal_trouble(o->j));
}

static void a_forgotten_append_does_not_call_back(void **state)
{
	struct owner *o = *state;
	struct journal_append a = { 0 };

	assert_int_equal(open_it(o, NULL), 0);
	count_one(o, &a);
	journal_forget(o->j, &a);
	assert_false(a.waiting);
	settle(o, 1000);
	assert_int_equal(journal_seq(o->j), 0);
}

static struct {
	struct journal *j;
	struct journal_append a[2];
	unsigned told;
} pair;

static void forgets_the_other(struct journal_append *a)
{
	pair.told++;
	journal_forget(pair.j, &pair.a[a == &pair.a[0]]);
}

/* An owner that ends at its first record takes the other with it, though both landed together. */
static void what_a_callback_forgets_does_not_call_back(void **state)
{
	struct owner *o = *state;

	assert_int_equal(open_it(o, NULL), 0);
	memset(&pair, 0, sizeof(pair));
	pair.j = o->j;
	for (size_t i = 0; i < 2; i++)
		journal_append(o->j, &pair.a[i], "n", json_object(), forgets_the_other);
	settle(o, 1000);
	assert_int_equal(journal_seq(o->j), 2);
	assert_int_equal(pair.told, 1);
	assert_false(pair.a[1].waiting);
}

/* ---- the property: whatever was told durable is there after any crash, and nothing is there twice ---- */

struct dying {
	uint64_t countdown;
	enum sim_death death;
};

static enum sim_death die(void *ctx, const char *where, const char *what)
{
	struct dying *d = ctx;

	(void)where;
	(void)what;
	return d->countdown-- == 0 ? d->death : SIM_ALIVE;
}

/* What the dead agent held stays reachable, the records that never left included. */
static void bury_waiting(struct owner *o)
{
	struct owner *dead = copy_of(o, sizeof(*o));

	sim_bury(dead);
}

static void run_until_death(struct owner *o, struct dying *d, unsigned *made)
{
	sim_set_crash_hook(o->w, die, d);
	for (size_t i = 0; i < ARRAY_LEN(o->many); i++) {
		o->many[i] = (struct journal_append){ 0 };
		journal_append(o->j, &o->many[i], "count", json_object(), on_durable);
		(*made)++;
		if (sim_run_until(o->w, NULL, NULL, 20 + i % 90) == SIM_CRASHED)
			break;
	}
	sim_set_crash_hook(o->w, NULL, NULL);
}

static void no_crash_loses_what_was_durable_or_doubles_it(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct owner *o = mem_new(struct owner);
		unsigned made = 0;

		o->w = sim_new(seed);
		o->oldest_open = UINT64_MAX;
		told = o;
		for (uint64_t life = 0; life < 6; life++) {
			struct dying d = { .countdown = (seed * 7 + life * 3) % 23, .death = seed % 2 ? SIM_POWER : SIM_KILL };

			assert_int_equal(open_sized(o, 900, 1u << 30, NULL), 0);
			assert_true(o->count >= o->durable && o->count <= made);
			write_one(o); /* what a killed predecessor left unsynced is durable with the first record behind it */
			o->durable = made = (unsigned)o->count;
			run_until_death(o, &d, &made);
			bury_waiting(o);
		}
		sim_crash(o->w);
		assert_int_equal(open_sized(o, 900, 1u << 30, NULL), 0);
		assert_true(o->count >= o->durable);
		close_it(o);
		sim_free(o->w);
		mem_free(o);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_is_there_at_the_next_start),
		TEST(appends_that_come_together_travel_together),
		TEST(a_torn_last_line_is_cut_and_the_chain_goes_on),
		TEST(damage_in_the_middle_is_never_skipped),
		TEST(a_segment_that_is_full_is_followed_by_one_with_a_checkpoint),
		TEST(a_large_checkpoint_is_spread_over_lines_and_read_back_whole),
		TEST(a_torn_checkpoint_is_passed_by),
		TEST(what_stands_before_a_torn_checkpoint_is_not_pruned),
		TEST(a_checkpoint_that_no_segment_holds_is_damage),
		TEST(a_record_that_is_too_long_is_named_and_holds_nobody_else_up),
		TEST(pruning_reads_one_line_of_the_next_segment_alone),
		TEST(the_whole_chain_is_verified_over_all_segments),
		TEST(above_the_maximum_the_oldest_goes_and_a_record_names_it),
		TEST(segments_of_open_operations_stay),
		TEST(a_disk_that_refuses_is_asked_again_until_it_takes_the_record),
		TEST(a_full_disk_costs_the_reserve_and_no_record),
		TEST(a_forgotten_append_does_not_call_back),
		TEST(what_a_callback_forgets_does_not_call_back),
		cmocka_unit_test(no_crash_loses_what_was_durable_or_doubles_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
