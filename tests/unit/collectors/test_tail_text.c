/* test_tail_text.c - whatever bytes a line holds, what leaves is UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "collectors/tail_text.h"

#define R "\xef\xbf\xbd"

static void invalid_bytes_are_replaced_one_by_one(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} cases[] = {
		{ "plain", 5, "plain" },
		{ "gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f" },
		{ "a\0b", 3, "ab" },
		{ "\0A\0K\0I\0A", 8, "AKIA" },
		{ "\xff\xfe", 2, R R },
		{ "\xc3", 1, R },                   /* cut */
		{ "\xc0\xaf", 2, R R },             /* overlong */
		{ "\xe0\x80\xaf", 3, R R R },       /* overlong */
		{ "\xed\xa0\x80", 3, R R R },       /* surrogate */
		{ "\xf4\x90\x80\x80", 4, R R R R }, /* above U+10FFFF */
		{ "\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80" },
		{ "", 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(64);

		assert_int_equal(tail_text_clean(&b, cases[i].in, cases[i].len), 0);
		assert_string_equal(buf_str(&b), cases[i].out);
	}
}

static void any_bytes_become_utf8(void **state)
{
	uint64_t x = 88172645463325252;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(256);
		char bytes[24];

		for (size_t i = 0; i < sizeof(bytes); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bytes[i] = (char)(x % 3 == 0 ? x >> 8 : 0x80 | x >> 20);
		}
		tail_text_clean(&b, bytes, sizeof(bytes));
		assert_true(str_is_utf8(buf_str(&b), b.len));
	}
}

static void a_cut_never_splits_a_character(void **state)
{
	const char *s = "ab\xe2\x82\xac\xe2\x82\xac"; /* two letters, two euros */
	const size_t expected[] = { 0, 1, 2, 2, 2, 5, 5, 5, 8, 8 };

	(void)state;
	for (size_t max = 1; max < ARRAY_LEN(expected); max++)
		assert_int_equal(tail_text_cut(s, 8, max), expected[max]);
	assert_int_equal(tail_text_cut(s + 2, 3, 2), 0);                      /* less room than one takes */
	assert_int_equal(tail_text_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5); /* no character to keep whole */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invalid_bytes_are_replaced_one_by_one),
		cmocka_unit_test(any_bytes_become_utf8),
		cmocka_unit_test(a_cut_never_splits_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
