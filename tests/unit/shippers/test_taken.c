/* test_taken.c - how far a destination has come, as a line in the log of commit records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "shippers/batch.h"
#include "shippers/commit.h"
#include "shippers/taken.h"

static void it_comes_back_as_it_was(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);
	const struct taken t = { BATCH_SEQ_MAX, TELEMETRY_LOG, "customer" };
	struct taken back;

	(void)state;
	assert_int_equal(taken_format(&t, &b), 0);
	assert_int_equal(b.data[b.len - 1], '\n');
	assert_true(str_starts(b.data, "{\"taken\":999999999999999,\"kind\":\"logs\",\"by\":\"customer\",\"sum\":\""));
	assert_true(taken_is(b.data, b.len - 1));
	assert_int_equal(taken_parse(b.data, b.len - 1, &back, NULL), 0);
	assert_true(back.seq == BATCH_SEQ_MAX && back.kind == TELEMETRY_LOG);
	assert_string_equal(back.by, "customer");
}

static void a_commit_record_is_none(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);
	const struct commit c = { .seq = 7, .kind = TELEMETRY_LOG, .id = "0123456789abcdef" };

	(void)state;
	assert_int_equal(commit_format(&c, &b), 0);
	assert_false(taken_is(b.data, b.len - 1));
	assert_false(taken_is("{\"taken\"", 8));
}

static void what_is_not_what_was_written_is_refused(void **state)
{
	static const char *const wrong[] = {
		"{\"taken\":7,\"kind\":\"traces\",\"by\":\"vendor\"}",
		"{\"taken\":-7,\"kind\":\"logs\",\"by\":\"vendor\"}",
		"{\"taken\":1000000000000000,\"kind\":\"logs\",\"by\":\"vendor\"}",
		"{\"taken\":7,\"kind\":\"logs\",\"by\":\"a-name-that-is-longer-than-any-of-ours\"}",
		"{\"taken\":7,\"kind\":\"logs\"}",
		"{\"taken\":7",
	};
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);
	const struct taken t = { 7, TELEMETRY_LOG, "vendor" };
	struct taken back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		buf_reset(&b);
		buf_adds(&b, wrong[i]);
		assert_int_equal(commit_seal(&b, 0), 0);
		assert_int_not_equal(taken_parse(b.data, b.len - 1, &back, NULL), 0);
	}
	buf_reset(&b);
	assert_int_equal(taken_format(&t, &b), 0);
	*strchr(b.data, '7') = '9'; /* a digit that changed on the disk */
	assert_int_equal(taken_parse(b.data, b.len - 1, &back, NULL), -ERR_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_back_as_it_was),
		cmocka_unit_test(a_commit_record_is_none),
		cmocka_unit_test(what_is_not_what_was_written_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
