/* test_str.c - small questions about text, and their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

static void prefixes_suffixes_and_equality(void **state)
{
	(void)state;
	assert_true(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("ab", "abc"));
	assert_true(str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("bc", "abc"));
	assert_true(str_eq("a", "a") && !str_eq("a", "b") && str_eq(NULL, NULL) && !str_eq(NULL, "") && !str_eq("", NULL));
}

static void a_copy_fits_or_is_empty(void **state)
{
	char to[4] = "xyz";

	(void)state;
	assert_int_equal(str_copy(to, sizeof(to), "abc"), 0);
	assert_string_equal(to, "abc");
	assert_int_equal(str_copy(to, sizeof(to), "abcd"), -ERR_LIMIT);
	assert_string_equal(to, "");
}

static void numbers_are_whole_and_in_range(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "0x1", "1.0", "-", "--1", "a", "1a", "99999999999999999999" };
	uint64_t u = 7;
	int64_t i = 7;
	double d = 7;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
		assert_int_equal(str_u64(bad[k], &u), -ERR_INVALID);
		assert_int_equal(str_i64(bad[k], &i), -ERR_INVALID);
	}
	assert_int_equal(str_u64("-1", &u), -ERR_INVALID);
	assert_true(u == 7 && i == 7);
	assert_int_equal(str_u64("18446744073709551615", &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(str_u64("18446744073709551616", &u), -ERR_INVALID);
	assert_int_equal(str_i64("-9223372036854775808", &i), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(str_double("-1.5e3", &d), 0);
	assert_true(d == -1500);
	assert_int_equal(str_double("nan", &d), -ERR_INVALID);
	assert_int_equal(str_double("2e859", &d), -ERR_INVALID); /* infinite */
	assert_int_equal(str_double("0x10", &d), -ERR_INVALID);
	assert_int_equal(str_double("1-2", &d), -ERR_INVALID);
	assert_int_equal(str_double("", &d), -ERR_INVALID);
}

static void durations_and_sizes_have_units(void **state)
{
	static const char *const bad[] = {
		"", "s", "5", "-5s", "5 s", "5S", "5sec", "1.5h", "999999999999999999999s", "18446744073709551615d"
	};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(str_duration(bad[i], &v), -ERR_INVALID);
	assert_true(str_duration("500ms", &v) == 0 && v == 500);
	assert_true(str_duration("30s", &v) == 0 && v == 30000);
	assert_true(str_duration("5m", &v) == 0 && v == 300000);
	assert_true(str_duration("24h", &v) == 0 && v == 86400000);
	assert_true(str_duration("30d", &v) == 0 && v == 2592000000);
	assert_true(str_duration("0", &v) == 0 && v == 0);
	assert_true(str_size("4096", &v) == 0 && v == 4096);
	assert_true(str_size("64KiB", &v) == 0 && v == 65536);
	assert_true(str_size("256MiB", &v) == 0 && v == 268435456);
	assert_true(str_size("2GiB", &v) == 0 && v == 2147483648);
	assert_int_equal(str_size("1KB", &v), -ERR_INVALID);
	assert_int_equal(str_size("18446744073709551615KiB", &v), -ERR_INVALID);
}

static void ids_are_short_and_plain(void **state)
{
	(void)state;
	assert_true(str_is_id("a", 1) && str_is_id("0-a", 10) && str_is_id("prod-eu-1", 9));
	assert_false(str_is_id("", 10) || str_is_id("-a", 10) || str_is_id("A", 10) || str_is_id("a_b", 10) ||
		     str_is_id("a/b", 10));
	assert_false(str_is_id("abc", 2) || str_is_id("a\n", 10) || str_is_id("\xc3\xa4", 10));
}

static void utf8_is_the_strict_one_of_rfc_3629(void **state)
{
	static const char *const good[] = { "",
					    "a",
					    "\xc2\x80",
					    "\xdf\xbf",
					    "\xe0\xa0\x80",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xef\xbf\xbf",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80",
					   "\xc0\x80",
					   "\xc1\xbf",
					   "\xc2",
					   "\xc2 ",
					   "\xe0\x9f\xbf",
					   "\xed\xa0\x80",
					   "\xe2\x82",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xff",
					   "a\xe2\x82z",
					   "\xf0\x90\x80" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(str_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(str_is_utf8(bad[i], strlen(bad[i])));
	assert_true(str_is_utf8("a\0b", 3));
}

static void globs_have_stars_and_question_marks_alone(void **state)
{
	static const struct {
		const char *pattern, *s;
		bool fits;
	} globs[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "*", "a/b", true },
		{ "?", "", false },
		{ "?", "/", true },
		{ "a*c", "abbbc", true },
		{ "a*c", "abbb", false },
		{ "*.log", "x.log", true },
		{ "*.log", ".log", true },
		{ "a**b", "ab", true },
		{ "*a*b*", "xaybz", true },
		{ "i4i.*", "i4i.large", true },
		{ "i4i.*", "i4ix", false },
		{ "[a]", "a", false },
		{ "[a]", "[a]", true },
		{ "a\\*", "a\\b", true },
	};
	CLEANUP(mem_close) char *many = mem_alloc(10001);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(globs); i++)
		assert_int_equal(str_glob(globs[i].pattern, globs[i].s), globs[i].fits);
	memset(many, 'a', 10000);
	assert_false(str_glob("*a*a*a*a*a*a*a*a*a*a*a*a*b", many)); /* and at once */
}

static void a_sequence_is_as_long_as_it_says_or_none(void **state)
{
	(void)state;
	assert_int_equal(str_utf8_len("a\xc3\xa9", 3), 1);
	assert_int_equal(str_utf8_len("\xc3\xa9z", 3), 2);
	assert_int_equal(str_utf8_len("\xc3\xa9", 1), 0);
	assert_int_equal(str_utf8_len("\xe2\x82\xac", 3), 3);
	assert_int_equal(str_utf8_len("\xf0\x9f\x98\x80", 4), 4);
	assert_int_equal(str_utf8_len("\xa9", 1), 0);
}

static const char *mended(const char *s, bool to_one_line)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s", s);
	(to_one_line ? str_one_line : str_mend)(text);
	assert_true(str_is_utf8(text, strlen(text)));
	return text;
}

/* Wherever a byte that is no ASCII stands in a text of any length: it is looked at many bytes at a time. */
static void ascii_ends_at_the_first_byte_that_is_none(void **state)
{
	char text[140];

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		memset(text, 'a', sizeof(text));
		assert_int_equal(str_ascii_len(text, len), len);
		assert_int_equal(str_plain_len(text, len), len);
		for (size_t at = 0; at < len; at++) {
			text[at] = '\0';
			assert_int_equal(str_ascii_len(text, len), len);
			assert_int_equal(str_plain_len(text, len), at);
			text[at] = (char)(0x80 + (at & 0x7f));
			assert_int_equal(str_ascii_len(text, len), at);
			assert_int_equal(str_plain_len(text, len), at);
			text[at] = (char)(at % 2 ? 0x01 : 0x7f);
		}
		assert_int_equal(str_plain_len(text, len), len);
	}
}

static void what_is_mended_is_utf8_and_keeps_what_was(void **state)
{
	static const char good[] = "a\n\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80";

	(void)state;
	assert_string_equal(mended("", true), "");
	assert_string_equal(mended(good, false), good);
	assert_string_equal(mended("a\xff\xfe", false), "a??");
	assert_string_equal(mended("\xc3\xa9\xc3", false), "\xc3\xa9?");
	assert_string_equal(mended("\xe2\x82z\xa9", false), "??z?");
	assert_string_equal(mended("\xed\xa0\x80", false), "???"); /* a surrogate */
	assert_string_equal(mended("a\tb\nc\x1b[0m\x7f", true), "a b c [0m ");
	assert_string_equal(mended("\xc2\x9b\xc2\xa0", true), "  \xc2\xa0"); /* C1's escape, and a blank that is none */
}

static void what_turns_the_direction_of_text_is_seen_and_mended(void **state)
{
	static const char *const turning[] = { "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
					       "\u2066", "\u2067", "\u2068", "\u2069" };
	static const char *const plain[] = { "", "abc", "\u0627\u0644", "\u2029", "\u202f", "\u2065", "\u206a", "\xe2\x80" };

	(void)state;
	for (size_t i = 0; i < sizeof(turning) / sizeof(*turning); i++) {
		char text[32];

		snprintf(text, sizeof(text), "a%sb", turning[i]);
		assert_true(str_turns_direction(text, strlen(text)));
		str_one_line(text);
		assert_string_equal(text, "a???b");
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		assert_false(str_turns_direction(plain[i], strlen(plain[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_turns_the_direction_of_text_is_seen_and_mended),
		cmocka_unit_test(prefixes_suffixes_and_equality),
		cmocka_unit_test(a_copy_fits_or_is_empty),
		cmocka_unit_test(numbers_are_whole_and_in_range),
		cmocka_unit_test(durations_and_sizes_have_units),
		cmocka_unit_test(ids_are_short_and_plain),
		cmocka_unit_test(utf8_is_the_strict_one_of_rfc_3629),
		cmocka_unit_test(globs_have_stars_and_question_marks_alone),
		cmocka_unit_test(a_sequence_is_as_long_as_it_says_or_none),
		cmocka_unit_test(ascii_ends_at_the_first_byte_that_is_none),
		cmocka_unit_test(what_is_mended_is_utf8_and_keeps_what_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
