/* test_logfmt.c - whatever the arguments hold, a line is pairs that a strict parser reads back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/logfmt.h"

static char got[256];

__attribute__((format(printf, 2, 3))) static const char *line(size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	logfmt(got, size, fmt, ap);
	va_end(ap);
	return got;
}

#define LINE(...) line(sizeof(got), __VA_ARGS__)

static void a_plain_value_stands_without_quotes(void **state)
{
	(void)state;
	assert_string_equal(LINE("a=%s b=%d step=%s/%s c=x", "one", -1, "main", "sql"), "a=one b=-1 step=main/sql c=x");
	assert_string_equal(LINE("path=%s", "/var/log/caf\xc3\xa9"), "path=/var/log/caf\xc3\xa9");
}

static void a_value_with_a_blank_an_equals_or_nothing_is_quoted(void **state)
{
	(void)state;
	assert_string_equal(LINE("err=%s b=1", "two words"), "err=\"two words\" b=1");
	assert_string_equal(LINE("a=%s", "level=error"), "a=\"level=error\"");
	assert_string_equal(LINE("a=%s b=%s", "", "x"), "a=\"\" b=x");
	assert_string_equal(LINE("a=%s%s", "x", " y"), "a=\"x y\"");
	assert_string_equal(LINE("a=%s/%s b=%s", "x ", "y", "z"), "a=\"x /y\" b=z");
}

static void quotes_of_the_format_stay_around_their_value(void **state)
{
	(void)state;
	assert_string_equal(LINE("next=\"in %u ms\" a=%s", 5u, "b"), "next=\"in 5 ms\" a=b");
	assert_string_equal(LINE("a=\"%s\"", "x"), "a=\"x\"");
	assert_string_equal(LINE("a=\"set X= to %s\"", "\""), "a=\"set X= to \\\"\"");
}

static void quotes_backslashes_and_control_characters_are_escaped(void **state)
{
	(void)state;
	assert_string_equal(LINE("a=%s", "x\" level=\"error"), "a=\"x\\\" level=\\\"error\"");
	assert_string_equal(LINE("a=%s", "x\\"), "a=\"x\\\\\"");
	assert_string_equal(LINE("a=\"%s\"", "x\\"), "a=\"x\\\\\"");
	assert_string_equal(LINE("a=%s", "1\n2\r3\t4"), "a=\"1\\n2\\r3\\t4\"");
	assert_string_equal(LINE("a=%s", "\x1b[2J\x7f\xc2\x85"), "a=\"\\u001b[2J\\u007f\\u0085\"");
}

static void what_is_no_text_becomes_a_question_mark(void **state)
{
	(void)state;
	assert_string_equal(LINE("a=%s", "x\xff\xc3y\xe2\x82"), "a=x??y??");
	assert_string_equal(LINE("a=%s", "x\xe2\x80\xaey"), "a=x???y");
}

static void each_number_is_written_in_its_own_width(void **state)
{
	(void)state;
	assert_string_equal(LINE("a=%d b=%u c=%zu", INT32_MIN, UINT32_MAX, SIZE_MAX),
			    "a=-2147483648 b=4294967295 c=18446744073709551615");
	assert_string_equal(LINE("a=%" PRIu64 " b=%" PRId64, UINT64_MAX, INT64_MIN),
			    "a=18446744073709551615 b=-9223372036854775808");
	assert_string_equal(LINE("a=%llu b=%lld", UINT64_C(0) + 7ull, -7ll), "a=7 b=-7");
	assert_string_equal(LINE("a=%s b=%d", (const char *)NULL, 2), "a=(null) b=2");
}

static void a_line_that_is_cut_anywhere_ends_in_whole_pairs_and_says_so(void **state)
{
	const char *whole = "first=\"a \\\"b\\\\\" k=\"\" err=\"c\\nd e\" last=\"1 2\"";

	(void)state;
	assert_string_equal(LINE("first=%s k=%s err=%s last=\"%d %u\"", "a \"b\\", "", "c\nd e", 1, 2u), whole);
	for (size_t size = 16; size < 80; size++) {
		const char *l = line(size, "first=%s k=%s err=%s last=\"%d %u\"", "a \"b\\", "", "c\nd e", 1, 2u);
		unsigned quotes = 0;

		assert_true(strlen(l) < size);
		for (const char *c = l; *c != '\0'; c += *c == '\\' ? 2 : 1)
			quotes += *c == '"';
		assert_int_equal(quotes % 2, 0);
		if (strcmp(l, whole) != 0)
			assert_string_equal(l + strlen(l) - 7, "cut=yes");
	}
	assert_string_equal(line(32, "a=%s", "01234567890123456789012345678901234567890"), "a=0123456789012345678 cut=yes");
	assert_string_equal(line(32, "a=%s long_key_that_does_not_fit=%d", "0123456", 1), "a=0123456 cut=yes");
}

static bool stops(const char *fmt)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		fclose(stderr);
		alarm(20);
		line(sizeof(got), fmt, 1); /* not a literal: the compiler does not know */
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void a_conversion_that_is_not_ours_stops_the_program(void **state)
{
	(void)state;
	assert_false(stops("a=%d"));
	assert_true(stops("a=%5d"));
	assert_true(stops("a=%x"));
	assert_true(stops("a=%p"));
	assert_true(stops("a=%.3s"));
	assert_true(stops("a=100%"));
	assert_true(stops("%d=a"));
	assert_true(stops("a=1 %d"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_value_stands_without_quotes),
		cmocka_unit_test(a_value_with_a_blank_an_equals_or_nothing_is_quoted),
		cmocka_unit_test(quotes_of_the_format_stay_around_their_value),
		cmocka_unit_test(quotes_backslashes_and_control_characters_are_escaped),
		cmocka_unit_test(what_is_no_text_becomes_a_question_mark),
		cmocka_unit_test(each_number_is_written_in_its_own_width),
		cmocka_unit_test(a_line_that_is_cut_anywhere_ends_in_whole_pairs_and_says_so),
		cmocka_unit_test(a_conversion_that_is_not_ours_stops_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
