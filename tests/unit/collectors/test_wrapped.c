/* test_wrapped.c - what a container's runtime has put around a line, taken off again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "collectors/wrapped.h"

#define NOW INT64_C(1796032800000) /* 2026-11-30T10:00:00Z */
#define AT "2026-11-30T10:00:00.123456789Z "
#define D(log) "{\"log\":\"" log "\",\"stream\":\"stdout\",\"time\":\"2026-11-30T10:00:00.123456789Z\"}"

static void check(enum framing_format format, const char *line, const char *text, bool is_piece, enum wrapped_stream stream)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 16);
	struct wrapped w;
	size_t len;

	if (!wrapped_read(format, line, strlen(line), &w)) {
		if (text != NULL)
			fail_msg("refused: %s", line);
		return;
	}
	if (text == NULL)
		fail_msg("taken: %s", line);
	len = wrapped_text(&w, &b);
	assert_int_equal(len, b.len);
	assert_int_equal(wrapped_text(&w, NULL), len);
	if (strcmp(buf_str(&b), text) != 0)
		fail_msg("%s: %s", line, buf_str(&b));
	assert_int_equal(w.is_piece, is_piece);
	assert_int_equal(w.stream, stream);
}

static void cri_lines_are_taken_apart(void **state)
{
	static const struct {
		const char *line, *text; /* NULL: it is no such line */
		bool is_piece;
		enum wrapped_stream stream;
	} rows[] = {
		{ AT "stdout F hello", "hello", false, WRAPPED_STDOUT },
		{ AT "stderr P half", "half", true, WRAPPED_STDERR },
		{ AT "stdout F ", "", false, WRAPPED_STDOUT },
		{ AT "stdout F", "", false, WRAPPED_STDOUT },
		{ AT "stdout F  two blanks", " two blanks", false, WRAPPED_STDOUT },
		{ AT "stdout F:x:y tagged", "tagged", false, WRAPPED_STDOUT },
		{ AT "stdout F with CR\r", "with CR", false, WRAPPED_STDOUT },
		{ AT "stdout P with CR\r", "with CR\r", true, WRAPPED_STDOUT },
		{ "2026-11-30T18:00:00+08:00 stdout F no fraction", "no fraction", false, WRAPPED_STDOUT },
		{ AT "stdout X odd", NULL, false, 0 },
		{ AT "stdout Fine", NULL, false, 0 },
		{ AT "stdin F odd", NULL, false, 0 },
		{ AT "stdout", NULL, false, 0 },
		{ "2026-11-30 10:00:00 stdout F x", NULL, false, 0 },
		{ "2026-13-30T10:00:00Z stdout F x", NULL, false, 0 },
		{ "2026-11-30T10:00:00.Z stdout F x", NULL, false, 0 },
		{ "2026-11-30T10:00:00.1234567890Z stdout F x", NULL, false, 0 },
		{ "2026-11-30T10:00:00 stdout F x", NULL, false, 0 },
		{ "plain text", NULL, false, 0 },
		{ "", NULL, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(FRAMING_CRI, rows[i].line, rows[i].text, rows[i].is_piece, rows[i].stream);
}

static void dockers_lines_are_taken_apart(void **state)
{
	static const struct {
		const char *line, *text;
		bool is_piece;
		enum wrapped_stream stream;
	} rows[] = {
		{ D("hello\\n"), "hello", false, WRAPPED_STDOUT },
		{ D("hello"), "hello", true, WRAPPED_STDOUT },
		{ D("hello\\r\\n"), "hello", false, WRAPPED_STDOUT },
		{ D("hello\\u000d\\u000A"), "hello", false, WRAPPED_STDOUT },
		{ D("hello\\r"), "hello\r", true, WRAPPED_STDOUT },
		{ D("\\n"), "", false, WRAPPED_STDOUT },
		{ D("a path C:\\\\n"), "a path C:\\n", true, WRAPPED_STDOUT },
		{ D("a path C:\\\\\\n"), "a path C:\\", false, WRAPPED_STDOUT },
		{ D("\\\"\\\\\\/\\b\\f\\n\\r\\t!\\n"), "\"\\/\b\f\n\r\t!", false, WRAPPED_STDOUT },
		{ D("\\u003cb\\u003e \\u00e4\\u20ac\\ud83d\\ude00\\n"), "<b> \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", false,
		  WRAPPED_STDOUT },
		{ D("\\ud83d.\\ude00\\ud83d\\ud83d\\ude00\\n"), "\xef\xbf\xbd.\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80", false,
		  WRAPPED_STDOUT },
		{ "{\"time\":\"x\", \"attrs\":{\"a\":\"}\",\"b\":[1,{}]}, \"n\":null, \"stream\":\"stderr\", \"log\":\"l\\n\"} \r",
		  "l", false, WRAPPED_STDERR },
		{ "{\"log\":\"l\\n\"}", "l", false, WRAPPED_NONE },
		{ "{\"log\":\"l\\n\",\"stream\":\"other\"}", "l", false, WRAPPED_NONE },
		{ "{\"log\":\"l\",\"log\":\"m\"}", NULL, false, 0 },
		{ "{\"log\":1}", NULL, false, 0 },
		{ "{\"stream\":\"stdout\"}", NULL, false, 0 },
		{ "{\"log\":\"l\\x\"}", NULL, false, 0 },
		{ "{\"log\":\"l\\u12g4\"}", NULL, false, 0 },
		{ "{\"log\":\"l\\n\"", NULL, false, 0 },
		{ "{\"log\":\"l\\n", NULL, false, 0 },
		{ "{\"log\":\"l\\n\"}}", NULL, false, 0 },
		{ "{\"log\":\"l\\n\"},", NULL, false, 0 },
		{ "{\"log\" \"l\\n\"}", NULL, false, 0 },
		{ "{\"a\":]}", NULL, false, 0 },
		{ "{}", NULL, false, 0 },
		{ "[\"log\"]", NULL, false, 0 },
		{ "plain text", NULL, false, 0 },
		{ "", NULL, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(FRAMING_DOCKER, rows[i].line, rows[i].text, rows[i].is_piece, rows[i].stream);
}

static void both_tell_the_time_to_the_nanosecond(void **state)
{
	static const char *const lines[] = { AT "stdout F x", D("x\\n") };
	static const char early[] = "2026-11-30T18:00:00.1+08:00 stdout F x", odd[] = "{\"log\":\"x\",\"time\":\"today\"}";
	struct wrapped w;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		assert_true(wrapped_read(i == 0 ? FRAMING_CRI : FRAMING_DOCKER, lines[i], strlen(lines[i]), &w));
		assert_int_equal(w.time_ms, NOW + 123);
		assert_int_equal(w.time_ns, 456789);
	}
	assert_true(wrapped_read(FRAMING_CRI, early, strlen(early), &w));
	assert_int_equal(w.time_ms, NOW + 100);
	assert_int_equal(w.time_ns, 0);
	assert_true(wrapped_read(FRAMING_DOCKER, odd, strlen(odd), &w));
	assert_int_equal(w.time_ms, 0);
	assert_int_equal(w.time_ns, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cri_lines_are_taken_apart),
		cmocka_unit_test(dockers_lines_are_taken_apart),
		cmocka_unit_test(both_tell_the_time_to_the_nanosecond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
