/* test_framing.c - which line begins a record, by the formats and by the customer's patterns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "collectors/framing.h"

static struct framing *make(struct framing_config c)
{
	struct framing *f = NULL;
	struct err e = { 0 };

	if (framing_new(&c, &f, &e) != 0)
		fail_msg("%s", err_text(&e));
	return f;
}

static void the_formats_know_the_first_line_of_a_record(void **state)
{
	static const struct {
		enum framing_format format;
		const char *line;
		enum framing_says says;
	} rows[] = {
		{ FRAMING_LOG4J, "2026-11-30 10:00:00,123 WARN (thrift-1|88) [StmtExecutor.execute():443] no", FRAMING_BEGINS },
		{ FRAMING_LOG4J, "2026-11-30T10:00:00.123 INFO x", FRAMING_BEGINS },
		{ FRAMING_LOG4J, "2026-11-30 10:00:00,12", FRAMING_GOES_ON },
		{ FRAMING_LOG4J, "java.lang.IllegalStateException: no backend", FRAMING_GOES_ON },
		{ FRAMING_LOG4J, "\tat org.apache.doris.qe.Coordinator.exec(Coordinator.java:512)", FRAMING_GOES_ON },
		{ FRAMING_LOG4J, "Caused by: java.io.IOException: broken pipe", FRAMING_GOES_ON },
		{ FRAMING_LOG4J, "\t... 23 more", FRAMING_GOES_ON },
		{ FRAMING_LOG4J, "", FRAMING_GOES_ON },
		{ FRAMING_LOG4J, "2026-11-30", FRAMING_GOES_ON },
		{ FRAMING_GLOG, "W20261130 10:00:00.123456 4711 tablet.cpp:12] slow", FRAMING_BEGINS },
		{ FRAMING_GLOG, "I1130 10:00:00.123456  4711 tablet.cpp:12] slow", FRAMING_BEGINS },
		{ FRAMING_GLOG, "F20261130 10:00:00.123456 1 a.cpp:1] Check failed: a == b", FRAMING_BEGINS },
		{ FRAMING_GLOG, "*** Check failure stack trace: ***", FRAMING_GOES_ON },
		{ FRAMING_GLOG, "    @     0x55d0c0 doris::Tablet::init()", FRAMING_GOES_ON },
		{ FRAMING_GLOG, "D20261130 10:00:00.123456 x", FRAMING_GOES_ON },
		{ FRAMING_GLOG, "W20261130 10:00:00", FRAMING_GOES_ON },
		{ FRAMING_LINES, "\tat anything", FRAMING_BEGINS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct framing *f = make((struct framing_config){ .format = rows[i].format });

		if (framing_says(f, rows[i].line, strlen(rows[i].line), true) != rows[i].says)
			fail_msg("row %zu: %s", i, rows[i].line);
		assert_int_equal(framing_joins(f), rows[i].format != FRAMING_LINES);
		framing_free(f);
	}
	assert_false(framing_joins(NULL));
}

/* So records are the same however the bytes came: a beginning that may still become one is no answer. */
static void a_line_that_is_not_whole_is_told_as_soon_as_it_can_be_and_not_otherwise(void **state)
{
	static const char *const lines[] = { "2026-11-30 10:00:00,123 WARN x", "2026-11-30 at ten", "W1130 10:00:00.123456 1 a",
					     "W20261130 10:00:00.123456 1 a", "W2026 is a year" };
	static const struct framing_config configs[] = { { .format = FRAMING_LOG4J }, { .format = FRAMING_GLOG } };

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(configs); c++) {
		struct framing *f = make(configs[c]);

		for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
			enum framing_says whole = framing_says(f, lines[i], strlen(lines[i]), true);

			for (size_t len = 0; len <= strlen(lines[i]); len++) {
				enum framing_says part = framing_says(f, lines[i], len, false);

				if (part != FRAMING_UNKNOWN && part != whole)
					fail_msg("%.*s: another answer than of the whole line", (int)len, lines[i]);
			}
		}
		framing_free(f);
	}
}

static void patterns_of_the_customer_say_it_in_either_way(void **state)
{
	struct framing *starts = make((struct framing_config){ .starts = "^\\[\\d+\\]" });
	struct framing *continues = make((struct framing_config){ .format = FRAMING_LOG4J, .continues = "^\\s" });
	char line[FRAMING_LOOK + 8];

	(void)state;
	assert_int_equal(framing_says(starts, "[12] a", 6, true), FRAMING_BEGINS);
	assert_int_equal(framing_says(starts, "12 a", 4, true), FRAMING_GOES_ON);
	assert_int_equal(framing_says(continues, "  a", 3, true), FRAMING_GOES_ON);
	assert_int_equal(framing_says(continues, "a", 1, true), FRAMING_BEGINS);
	/* Until so much of it is there as is ever looked at, a pattern might still match. */
	memset(line, 'a', sizeof(line));
	assert_int_equal(framing_says(starts, line, FRAMING_LOOK - 1, false), FRAMING_UNKNOWN);
	assert_int_equal(framing_says(starts, line, FRAMING_LOOK, false), FRAMING_GOES_ON);
	memcpy(line, "[1]\xff\xc3", 5); /* looked at up to where it is UTF-8 */
	assert_int_equal(framing_says(starts, line, sizeof(line), true), FRAMING_BEGINS);
	framing_free(starts);
	framing_free(continues);
}

static void a_pattern_that_runs_away_joins_nothing(void **state)
{
	static const char bad[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
	struct framing *f = make((struct framing_config){ .continues = "^(a+)+$" });

	(void)state;
	assert_int_equal(framing_says(f, bad, strlen(bad), true), FRAMING_BEGINS);
	framing_free(f);
}

static void a_pattern_that_does_not_compile_is_told_by_its_name(void **state)
{
	struct framing_config c = { .starts = "(" };
	struct framing *f = NULL;
	struct err e = { 0 };

	(void)state;
	assert_true(framing_new(&c, &f, &e) < 0);
	assert_non_null(strstr(err_text(&e), "starts"));
	assert_null(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_formats_know_the_first_line_of_a_record),
		cmocka_unit_test(a_line_that_is_not_whole_is_told_as_soon_as_it_can_be_and_not_otherwise),
		cmocka_unit_test(patterns_of_the_customer_say_it_in_either_way),
		cmocka_unit_test(a_pattern_that_runs_away_joins_nothing),
		cmocka_unit_test(a_pattern_that_does_not_compile_is_told_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
