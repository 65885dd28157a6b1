/* test_journal_segment.c - segments: each begins with a checkpoint, the last whole one is believed, and old ones go. */
#include "tests/unit/io/owner.h"

static void a_segment_that_is_full_is_followed_by_one_with_a_checkpoint(void **state)
{
	struct owner *o = *state;

	assert_int_equal(owner_open_sized(o, 2000, 1u << 30, NULL), 0);
	for (int i = 0; i < 40; i++)
		owner_write_one(o);
	owner_settle(o, 5000);
	owner_close(o);
	assert_int_equal(owner_open_sized(o, 2000, 1u << 30, NULL), 0);
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
		owner_write_one(o);
		owner_settle(o, 5000);
		newest(o, path);
	} while (strcmp(path, FIRST) == 0);
}

static void a_large_checkpoint_is_spread_over_lines_and_read_back_whole(void **state)
{
	struct owner *o = *state;
	char path[128];

	o->parts = 50;
	assert_int_equal(owner_open_sized(o, 2000, 1u << 30, NULL), 0);
	fill_segment(o);
	newest(o, path);
	assert_int_equal(lines_of(o, path, "\"type\":\"checkpoint\""), 25);
	assert_int_equal(lines_of(o, path, "\"more\":true"), 24);
	owner_write_one(o);
	owner_close(o);
	assert_int_equal(owner_open_sized(o, 2000, 1u << 30, NULL), 0);
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
	assert_int_equal(owner_open_sized(o, 2000, 1u << 30, NULL), 0);
	fill_segment(o);
	before = o->durable;
	owner_close(o);
	newest(o, path);
	assert_true(sim_file_get(o->w, path, &file));
	for (size_t cut = 0; cut < file.len - 1; cut += 61) {
		sim_file_put(o->w, path, file.data, cut);
		assert_int_equal(owner_open_sized(o, 2000, 1u << 30, NULL), 0);
		assert_int_equal(o->count, before);
		assert_int_equal(o->seen, 0);
		owner_write_one(o);
		owner_close(o);
		assert_int_equal(owner_open_sized(o, 2000, 1u << 30, NULL), 0);
		assert_int_equal(o->count, before + 1);
		assert_int_equal(o->seen, 30);
		assert_int_equal(journal_read_all(o->w, DIR, none, NULL, &chain, &torn, NULL), 0);
		owner_close(o);
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
		assert_int_equal(owner_open_sized(o, 2000, 2500, NULL), 0);
		assert_true(o->count >= o->durable);
		o->durable = (unsigned)o->count;
		for (size_t i = 0; i < 12; i++)
			owner_count_one(o, &o->many[i]);
		owner_settle(o, life);
		for (size_t i = 0; i < 12; i++)
			journal_forget(o->j, &o->many[i]);
		owner_close(o);
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
	assert_int_equal(owner_open_sized(o, 2000, 1u << 30, NULL), 0);
	fill_segment(o);
	owner_close(o);
	newest(o, path);
	assert_true(sim_file_get(o->w, path, &file));
	sim_file_put(o->w, path, file.data, file.len / 2);
	sim_file_unlink(o->w, FIRST);
	assert_int_equal(owner_open_sized(o, 2000, 1u << 30, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "whole checkpoint"));
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
	assert_int_equal(owner_open_sized(o, 100000, 150000, NULL), 0);
	reads.whole = o->w->disk_read;
	reads.part = o->w->file_read;
	reads.bytes = 0;
	o->w->disk_read = read_whole;
	o->w->file_read = read_part;
	for (unsigned i = 0; i < 8; i++) {
		for (size_t k = 0; k < ARRAY_LEN(o->many); k++)
			owner_count_one(o, &o->many[k]);
		owner_settle(o, 5000);
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

	assert_int_equal(owner_open_sized(o, 2000, 1u << 30, NULL), 0);
	for (int i = 0; i < 40; i++)
		owner_write_one(o);
	owner_settle(o, 5000);
	assert_int_equal(journal_read_all(o->w, DIR, none, NULL, &chain, &torn, NULL), 0);
	assert_false(torn);
	assert_int_equal(chain.next_seq - 1, journal_seq(o->j));
}

static void above_the_maximum(struct owner *o)
{
	struct journal_segments segs = { 0 };
	struct journal_chain chain;
	bool torn;

	assert_int_equal(journal_list(o->w, DIR, &segs, NULL), 0);
	assert_true(segs.n > 1 && segs.n <= 5);
	assert_true(segs.v[0].first > 1);
	journal_segments_close(&segs);
	assert_int_equal(journal_read_all(o->w, DIR, none, NULL, &chain, &torn, NULL), 0);
}

static void above_the_maximum_the_oldest_goes_and_a_record_names_it(void **state)
{
	struct owner *o = *state;

	assert_int_equal(owner_open_sized(o, 2000, 6000, NULL), 0);
	for (int i = 0; i < 100; i++)
		owner_write_one(o);
	owner_settle(o, 10000);
	above_the_maximum(o);
}

/* A file that cannot be removed is still there, and the next to go. */
static void a_prune_that_fails_leaves_no_hole(void **state)
{
	struct owner *o = *state;
	struct journal_chain chain;
	bool torn;

	assert_int_equal(owner_open_sized(o, 2000, 6000, NULL), 0);
	for (int i = 0; i < 300; i++) {
		sim_fail_rate(o->w, SIM_DISK, 150);
		owner_write_one(o);
		sim_fail_rate(o->w, SIM_DISK, 0);
		assert_int_equal(journal_read_all(o->w, DIR, none, NULL, &chain, &torn, NULL), 0);
	}
	owner_settle(o, 60000);
	above_the_maximum(o);
}

static void segments_of_open_operations_stay(void **state)
{
	struct owner *o = *state;
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);

	o->oldest_open = 1;
	assert_int_equal(owner_open_sized(o, 2000, 6000, NULL), 0);
	for (int i = 0; i < 100; i++)
		owner_write_one(o);
	owner_settle(o, 10000);
	assert_true(sim_file_get(o->w, FIRST, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OWNER_TEST(a_segment_that_is_full_is_followed_by_one_with_a_checkpoint),
		OWNER_TEST(a_large_checkpoint_is_spread_over_lines_and_read_back_whole),
		OWNER_TEST(a_torn_checkpoint_is_passed_by),
		OWNER_TEST(what_stands_before_a_torn_checkpoint_is_not_pruned),
		OWNER_TEST(a_checkpoint_that_no_segment_holds_is_damage),
		OWNER_TEST(pruning_reads_one_line_of_the_next_segment_alone),
		OWNER_TEST(the_whole_chain_is_verified_over_all_segments),
		OWNER_TEST(above_the_maximum_the_oldest_goes_and_a_record_names_it),
		OWNER_TEST(a_prune_that_fails_leaves_no_hole),
		OWNER_TEST(segments_of_open_operations_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
