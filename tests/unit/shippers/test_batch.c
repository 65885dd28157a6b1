/* test_batch.c - the ranges of files that a batch stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "shippers/batch.h"

static struct telemetry_source range(uint64_t ino, uint64_t generation, uint64_t from, uint64_t to)
{
	return (struct telemetry_source){
		.dev = 1, .ino = ino, .generation = generation, .from = from, .to = to, .fp = to, .before = to + 1, .path = "/log/x"
	};
}

static void note(struct batch *b, uint64_t ino, uint64_t generation, uint64_t from, uint64_t to)
{
	const struct telemetry_source s = range(ino, generation, from, to);

	batch_note(b, &s);
}

static void lines_that_follow_each_other_in_a_file_are_one_range(void **state)
{
	struct batch *b = batch_new(TELEMETRY_LOG);

	(void)state;
	note(b, 7, 0, 0, 10);
	note(b, 8, 0, 0, 5); /* of another file, in between */
	note(b, 7, 0, 10, 30);
	assert_int_equal(b->ranges_n, 2);
	assert_int_equal(b->ranges[0].from, 0);
	assert_int_equal(b->ranges[0].to, 30);
	assert_int_equal(b->ranges[0].fp, 30);
	assert_int_equal(b->ranges[0].before, 31);
	assert_int_equal(b->ranges[1].to, 5);
	batch_free(b);
}

/* The bytes belong to the collector, and other ones lie there when the batch is closed. */
static void what_stands_before_the_end_of_a_range_is_kept_until_its_fingerprint_is_made(void **state)
{
	struct batch *b = batch_new(TELEMETRY_LOG);
	char chunk[200];

	(void)state;
	for (uint64_t i = 0; i < 300; i++) {
		struct telemetry_source s = range(i % 3, 0, i / 3, i / 3 + 1);

		memset(chunk, (int)('a' + i % 26), sizeof(chunk));
		s.before_at = chunk + 10;
		s.before_len = i % 3 == 0 ? TELEMETRY_BEFORE_BYTES : (uint32_t)(i % 60);
		batch_note(b, &s);
	}
	memset(chunk, 0, sizeof(chunk));
	batch_settle(b);
	assert_int_equal(b->ranges_n, 3);
	for (uint64_t i = 297; i < 300; i++) {
		const struct telemetry_source *r = &b->ranges[i % 3];

		memset(chunk, (int)('a' + i % 26), sizeof(chunk));
		assert_int_equal(r->before_len, i % 3 == 0 ? TELEMETRY_BEFORE_BYTES : i % 60);
		assert_int_equal(r->before, telemetry_before(chunk, r->before_len));
		assert_null(r->before_at);
	}
	batch_free(b);
}

static void entries_of_the_journal_are_one_range_up_to_the_last_cursor(void **state)
{
	struct batch *b = batch_new(TELEMETRY_LOG);
	char first[] = "s=1;i=1", second[] = "s=1;i=2";
	struct telemetry_source s = { .ino = 7, .from = 0, .to = 10, .path = "journald:a", .cursor = first };

	(void)state;
	batch_note(b, &s);
	s.from = s.to;
	s.to = 20;
	s.cursor = second;
	batch_note(b, &s);
	second[0] = first[0] = '\0'; /* it has copies */
	assert_int_equal(b->ranges_n, 1);
	assert_int_equal(b->ranges[0].from, 0);
	assert_int_equal(b->ranges[0].to, 20);
	assert_string_equal(b->ranges[0].cursor, "s=1;i=2");
	batch_free(b);
}

static void a_gap_and_a_new_beginning_are_ranges_of_their_own(void **state)
{
	struct batch *b = batch_new(TELEMETRY_LOG);

	(void)state;
	note(b, 7, 0, 0, 10);
	note(b, 7, 0, 11, 20); /* a byte was left out */
	note(b, 7, 1, 20, 30); /* the file began anew */
	assert_int_equal(b->ranges_n, 3);
	batch_free(b);
	batch_free(NULL);
}

/* By bytes, not by number alone: paths are mostly short, and the longest there are must fit as well. */
static void a_batch_has_as_many_ranges_as_a_commit_record_has_room_for(void **state)
{
	static char longest[4096];
	struct telemetry_source s = range(0, 0, 0, 1);
	struct batch *b = batch_new(TELEMETRY_LOG);

	(void)state;
	for (; !batch_is_full_of_ranges(b); s.ino++)
		batch_note(b, &s);
	assert_int_equal(b->ranges_n, BATCH_RANGES);
	for (uint64_t ino = 0; ino < BATCH_RANGES; ino++)
		note(b, ino, 0, 1, 5); /* each is found among all */
	assert_int_equal(b->ranges_n, BATCH_RANGES);
	assert_int_equal(b->ranges[1000].to, 5);
	batch_free(b);
	b = batch_new(TELEMETRY_LOG);
	memset(longest, '\x01', sizeof(longest) - 1);
	s.path = longest;
	for (; !batch_is_full_of_ranges(b); s.ino++)
		batch_note(b, &s);
	assert_int_equal(b->ranges_n, BATCH_RANGES_ANY);
	batch_free(b);
}

static void a_range_keeps_its_own_copy_of_the_path(void **state)
{
	struct batch *b = batch_new(TELEMETRY_LOG);
	char path[] = "/log/a";
	struct telemetry_source s = range(7, 0, 0, 10);

	(void)state;
	s.path = path;
	batch_note(b, &s);
	memset(path, 'x', strlen(path));
	assert_string_equal(b->ranges[0].path, "/log/a");
	batch_free(b);
}

static void every_kind_is_found_by_its_name_and_no_other_name_is_one(void **state)
{
	static const char *const wrong[] = { "", "log", "logss", "Logs", "positions", "metrics " };
	enum telemetry_kind kind = TELEMETRY_KINDS;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(batch_kind_of(wrong[i], &kind));
	assert_int_equal(kind, TELEMETRY_KINDS);
	for (enum telemetry_kind k = 0; k < TELEMETRY_KINDS; k++) {
		assert_true(batch_kind_of(batch_kind_name(k), &kind));
		assert_int_equal(kind, k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_that_follow_each_other_in_a_file_are_one_range),
		cmocka_unit_test(what_stands_before_the_end_of_a_range_is_kept_until_its_fingerprint_is_made),
		cmocka_unit_test(entries_of_the_journal_are_one_range_up_to_the_last_cursor),
		cmocka_unit_test(a_gap_and_a_new_beginning_are_ranges_of_their_own),
		cmocka_unit_test(a_batch_has_as_many_ranges_as_a_commit_record_has_room_for),
		cmocka_unit_test(a_range_keeps_its_own_copy_of_the_path),
		cmocka_unit_test(every_kind_is_found_by_its_name_and_no_other_name_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
