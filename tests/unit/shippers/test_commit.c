/* test_commit.c - commit records and their fold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "shippers/commit.h"

static struct telemetry_source range = { .dev = UINT64_MAX,
					 .ino = 1234,
					 .generation = 2,
					 .from = 10,
					 .to = 99,
					 .fp = UINT64_C(1) << 63,
					 .fp_len = 1024,
					 .before = UINT64_MAX,
					 .before_len = 64,
					 .path = "/var/log/x.log" };

static void a_record_comes_back_as_it_was(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);
	struct commit c = {
		.seq = 7, .kind = TELEMETRY_LOG, .id = "0123456789abcdef", .records = 3, .crc = UINT32_MAX, .bytes = 9
	};
	struct commit back;

	(void)state;
	c.ranges = &range;
	c.ranges_n = 1;
	assert_int_equal(commit_format(&c, &b), 0);
	assert_int_equal(b.data[b.len - 1], '\n');
	assert_int_equal(commit_parse(b.data, b.len - 1, &back, NULL), 0);
	assert_int_equal(back.seq, 7);
	assert_int_equal(back.kind, TELEMETRY_LOG);
	assert_string_equal(back.id, c.id);
	assert_int_equal(back.crc, UINT32_MAX);
	assert_int_equal(back.ranges_n, 1);
	assert_true(back.ranges[0].dev == UINT64_MAX && back.ranges[0].fp == range.fp && back.ranges[0].to == 99);
	assert_string_equal(back.ranges[0].path, range.path);
	assert_true(back.ranges[0].before == UINT64_MAX && back.ranges[0].before_len == 64);
	commit_close(&back);
}

static void a_place_in_the_journal_comes_back_with_its_cursor(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);
	struct telemetry_source place = { .ino = 7, .from = 1, .to = 2, .path = "journald:a", .cursor = "s=1;i=2;b=3;m=4;t=5;x=6" };
	struct telemetry_source two[] = { range, place };
	struct commit c = { .kind = TELEMETRY_LOG, .id = "0123456789abcdef", .ranges = two, .ranges_n = 2 }, back;

	(void)state;
	assert_int_equal(commit_format(&c, &b), 0);
	assert_int_equal(commit_parse(b.data, b.len - 1, &back, NULL), 0);
	assert_null(back.ranges[0].cursor);
	assert_string_equal(back.ranges[1].cursor, place.cursor);
	assert_string_equal(back.ranges[1].path, "journald:a");
	assert_int_equal(back.ranges[1].dev, 0);
	commit_close(&back);
}

/* To the letter as version 0.1.0 wrote it. */
static void a_record_of_a_version_that_kept_no_bytes_before_is_whole(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);
	struct commit back;

	(void)state;
	buf_adds(&b, "{\"seq\":7,\"kind\":\"logs\",\"id\":\"0123456789abcdef\",\"records\":3,\"bytes\":9,\"crc\":1,\"ranges\":["
		     "{\"dev\":\"1f\",\"ino\":\"4d2\",\"generation\":2,\"from\":10,\"to\":99,\"fp\":\"8000000000000000\","
		     "\"fp_len\":1024,\"path\":\"/var/log/x.log\"}]}");
	assert_int_equal(commit_seal(&b, 0), 0);
	assert_int_equal(commit_parse(b.data, b.len - 1, &back, NULL), 0);
	assert_int_equal(back.ranges_n, 1);
	assert_int_equal(back.ranges[0].to, 99);
	assert_int_equal(back.ranges[0].before_len, 0);
	commit_close(&back);
}

static void a_range_that_goes_on_keeps_the_bytes_before_its_new_end(void **state)
{
	struct batch *b = batch_new(TELEMETRY_LOG);
	struct telemetry_source next = range;

	(void)state;
	batch_note(b, &range);
	next.from = range.to;
	next.to = range.to + 5;
	next.before = 77;
	next.before_len = 63;
	batch_note(b, &next);
	assert_int_equal(b->ranges_n, 1);
	assert_int_equal(b->ranges[0].from, range.from);
	assert_int_equal(b->ranges[0].before, 77);
	assert_int_equal(b->ranges[0].before_len, 63);
	batch_free(b);
}

static void a_record_cut_anywhere_is_refused(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);
	struct commit c = { .seq = 7, .kind = COMMIT_POSITIONS, .ranges = &range, .ranges_n = 1 }, back;

	(void)state;
	commit_format(&c, &b);
	for (size_t len = 0; len < b.len - 1; len++)
		assert_true(commit_parse(b.data, len, &back, NULL) != 0);
}

static void a_record_with_any_one_byte_changed_is_refused(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);
	struct commit c = { .seq = 7, .kind = COMMIT_POSITIONS, .ranges = &range, .ranges_n = 1 }, back;

	(void)state;
	commit_format(&c, &b);
	for (size_t i = 0; i < b.len - 1; i++) {
		b.data[i] ^= 1;
		assert_true(commit_parse(b.data, b.len - 1, &back, NULL) != 0);
		b.data[i] ^= 1;
	}
	assert_int_equal(commit_parse(b.data, b.len - 1, &back, NULL), 0);
	commit_close(&back);
}

static void a_sequence_beyond_all_names_is_refused(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);
	struct commit c = { .seq = BATCH_SEQ_MAX, .kind = COMMIT_POSITIONS }, back;

	(void)state;
	commit_format(&c, &b);
	assert_int_equal(commit_parse(b.data, b.len - 1, &back, NULL), 0);
	commit_close(&back);
	buf_reset(&b);
	c.seq++;
	commit_format(&c, &b);
	assert_int_equal(commit_parse(b.data, b.len - 1, &back, NULL), -ERR_INVALID);
}

static void an_unknown_kind_a_wrong_number_a_missing_member_are_refused(void **state)
{
	static const char *const lines[] = {
		"{}",
		"[]",
		"{\"seq\":1,\"kind\":\"traces\",\"id\":\"x\",\"records\":1,\"bytes\":1,\"crc\":1,\"ranges\":[]}",
		"{\"seq\":-1,\"kind\":\"logs\",\"id\":\"x\",\"records\":1,\"bytes\":1,\"crc\":1,\"ranges\":[]}",
		"{\"seq\":1,\"kind\":\"logs\",\"id\":\"x\",\"records\":4294967296,\"bytes\":1,\"crc\":1,\"ranges\":[]}",
		"{\"seq\":1,\"kind\":\"logs\",\"id\":\"0123456789abcdef0\",\"records\":1,\"bytes\":1,\"crc\":1,\"ranges\":[]}",
		"{\"seq\":1,\"kind\":\"logs\",\"id\":\"x\",\"records\":1,\"bytes\":1,\"crc\":1,\"ranges\":[{\"dev\":\"zz\"}]}",
		"{\"seq\":1,\"kind\":\"logs\",\"id\":\"x\",\"records\":1,\"bytes\":1,\"crc\":1}",
	};
	struct commit c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(4096);

		buf_adds(&b, lines[i]);
		assert_int_equal(commit_seal(&b, 0), 0);
		assert_int_equal(commit_parse(b.data, b.len - 1, &c, NULL), -ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back_as_it_was),
		cmocka_unit_test(a_place_in_the_journal_comes_back_with_its_cursor),
		cmocka_unit_test(a_record_of_a_version_that_kept_no_bytes_before_is_whole),
		cmocka_unit_test(a_range_that_goes_on_keeps_the_bytes_before_its_new_end),
		cmocka_unit_test(a_record_cut_anywhere_is_refused),
		cmocka_unit_test(a_record_with_any_one_byte_changed_is_refused),
		cmocka_unit_test(a_sequence_beyond_all_names_is_refused),
		cmocka_unit_test(an_unknown_kind_a_wrong_number_a_missing_member_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
