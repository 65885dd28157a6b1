/* test_retry_after.c - what a Retry-After says, in the forms that are published and in those that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/base/retry_after.h"

#define NOW_MS INT64_C(784111777000)         /* Sun, 06 Nov 1994 08:49:37 GMT: the example of RFC 9110, 5.6.7 */
#define CENTURY_END_MS INT64_C(946684799000) /* Fri, 31 Dec 1999 23:59:59 GMT: that of 10.2.3 */
#define YEAR_MS (INT64_C(31556952) * 1000)

enum { UNSAID, DELAY, MOMENT };

static void it_is_seconds_or_a_date_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		int64_t now_ms;
		int is;
		uint64_t ms;
	} cases[] = {
		{ "120", NOW_MS, DELAY, 120000 }, /* RFC 9110, 10.2.3 */
		{ "Fri, 31 Dec 1999 23:59:59 GMT", CENTURY_END_MS - 3000, MOMENT, 3000 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", NOW_MS - 30000, MOMENT, 30000 }, /* 5.6.7: the three forms of one time */
		{ "Sunday, 06-Nov-94 08:49:37 GMT", NOW_MS - 30000, MOMENT, 30000 },
		{ "Sun Nov  6 08:49:37 1994", NOW_MS - 30000, MOMENT, 30000 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", NOW_MS + 49 * YEAR_MS, MOMENT, 0 },        /* of the century that is nearest */
		{ "Wednesday, 31-Dec-08 23:59:60 GMT", INT64_C(1230767999000), MOMENT, 1000 }, /* a leap second */
		{ "0", NOW_MS, DELAY, 0 },
		{ "007", NOW_MS, DELAY, 7000 },
		{ "18446744073709552", NOW_MS, DELAY, UINT64_MAX }, /* times a thousand it would be 384 */
		{ "18446744073709551615", NOW_MS, DELAY, UINT64_MAX },
		{ "18446744073709551616", NOW_MS, DELAY, UINT64_MAX }, /* no number of ours, and yet very long */
		{ "99999999999999999999999999999999", NOW_MS, DELAY, UINT64_MAX },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", NOW_MS, MOMENT, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT", INT64_MAX, MOMENT, 0 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", INT64_MIN, MOMENT, UINT64_C(1) << 63 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", NOW_MS, MOMENT, UINT64_C(252618189022000) },
		{ "", NOW_MS, UNSAID, 0 },
		{ "-1", NOW_MS, UNSAID, 0 },
		{ "+120", NOW_MS, UNSAID, 0 },
		{ " 120", NOW_MS, UNSAID, 0 },
		{ "120 ", NOW_MS, UNSAID, 0 },
		{ "1.5", NOW_MS, UNSAID, 0 },
		{ "1e3", NOW_MS, UNSAID, 0 },
		{ "0x10", NOW_MS, UNSAID, 0 },
		{ "120s", NOW_MS, UNSAID, 0 },
		{ "120, 240", NOW_MS, UNSAID, 0 },
		{ "soon", NOW_MS, UNSAID, 0 },
		{ "Sun, 06 Nov 1994 08:49:37", NOW_MS, UNSAID, 0 },
		{ "Sun, 06 Nov 1994 08:49:37 CET", NOW_MS, UNSAID, 0 },
		{ "Wed, 30 Feb 1994 00:00:00 GMT", NOW_MS, UNSAID, 0 },
		{ "1994-11-06T08:49:37Z", NOW_MS, UNSAID, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct backoff_ask ask = retry_after(cases[i].text, cases[i].now_ms);

		assert_int_equal(ask.is_said, cases[i].is != UNSAID);
		assert_int_equal(ask.is_moment, cases[i].is == MOMENT);
		assert_true(ask.ms == cases[i].ms);
	}
}

static void aws_says_it_in_milliseconds(void **state)
{
	(void)state;
	assert_true(retry_after_in_ms("4000").is_said);
	assert_int_equal(retry_after_in_ms("4000").ms, 4000);
	assert_true(retry_after_in_ms("18446744073709551616").ms == UINT64_MAX);
	assert_false(retry_after_in_ms("-4000").is_said);
	assert_false(retry_after_in_ms("Sun, 06 Nov 1994 08:49:37 GMT").is_said);
	assert_false(retry_after_in_ms("").is_said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_seconds_or_a_date_and_nothing_else),
		cmocka_unit_test(aws_says_it_in_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
