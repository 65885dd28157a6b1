/* test_stamp.c - points in time as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "agent/base/mem.h"
#include "agent/base/stamp.h"

static const struct {
	int64_t ms;
	const char *rfc3339, *basic;
} cases[] = {
	{ 0, "1970-01-01T00:00:00.000Z", "19700101T000000Z" },
	{ 1, "1970-01-01T00:00:00.001Z", "19700101T000000Z" },
	{ -1, "1969-12-31T23:59:59.999Z", "19691231T235959Z" },
	{ -1000, "1969-12-31T23:59:59.000Z", "19691231T235959Z" },
	{ 951782400000, "2000-02-29T00:00:00.000Z", "20000229T000000Z" },
	{ 1440938160500, "2015-08-30T12:36:00.500Z", "20150830T123600Z" },
	{ 253402300799999, "9999-12-31T23:59:59.999Z", "99991231T235959Z" },
};

static void times_are_written_in_utc_whatever_the_zone(void **state)
{
	char text[STAMP_RFC3339_LEN], basic[STAMP_BASIC_LEN];
	int64_t back;

	(void)state;
	setenv("TZ", "America/St_Johns", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(stamp_rfc3339(cases[i].ms, text), cases[i].rfc3339);
		assert_string_equal(stamp_basic(cases[i].ms, basic), cases[i].basic);
		assert_int_equal(stamp_parse_iso(text, &back, NULL), 0);
		assert_true(back == cases[i].ms);
	}
}

static void fractions_are_cut_to_milliseconds(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} fractions[] = {
		{ "1970-01-01T00:00:01Z", 1000 },      { "1970-01-01T00:00:01.5Z", 1500 },
		{ "1970-01-01T00:00:01.05Z", 1050 },   { "1970-01-01T00:00:01.123999999Z", 1123 },
		{ "1970-01-01T02:00:01+02:00", 1000 }, { "1969-12-31T20:30:01.5-03:30", 1500 },
		{ "1970-01-01T00:00:01+00:00", 1000 }, { "1970-01-01T00:00:01.000+00:00", 1000 },
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fractions); i++) {
		assert_int_equal(stamp_parse_iso(fractions[i].text, &ms, NULL), 0);
		assert_true(ms == fractions[i].ms);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"now",
		"2026-01-01",
		"2026-01-01T00:00:00",
		"2026-01-01T00:00:00+0100",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00+01:60",
		"2026-01-01T00:00:00 +01:00",
		"2026-01-01T00:00:00+01:00x",
		"2026-13-01T00:00:00Z",
		"2026-02-30T00:00:00Z",
		"2025-02-29T00:00:00Z",
		"2026-01-01T24:00:01Z",
		"2026-01-01T00:00:00Zx",
		"2026-01-01T00:61:00Z",
	};
	static const char *const bad_http[] = { "", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT+1",
						"Sunday, 06-Nov-94 08:49:37 GMT", "Mon, 30 Feb 2026 00:00:00 GMT" };
	int64_t ms;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(stamp_parse_iso(bad[i], &ms, &e), -ERR_INVALID);
	for (size_t i = 0; i < ARRAY_LEN(bad_http); i++)
		assert_int_equal(stamp_parse_http(bad_http[i], &ms, &e), -ERR_INVALID);
}

static void an_http_date_is_read(void **state)
{
	int64_t ms;

	(void)state;
	assert_int_equal(stamp_parse_http("Sun, 06 Nov 1994 08:49:37 GMT", &ms, NULL), 0); /* RFC 9110, 5.6.7 */
	assert_true(ms == 784111777000);
}

static void the_three_forms_of_an_http_date_are_one_time(void **state)
{
	static const char *const forms[] = { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
					     "Sun Nov  6 08:49:37 1994" };
	static const char *const bad[] = { "", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37",
					   "Sun Nov  6 08:49:37 1994 GMT", "Sunday, 30-Feb-26 00:00:00 GMT" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_int_equal(stamp_parse_http_any(forms[i], 784111777000, &ms, NULL), 0);
		assert_true(ms == 784111777000);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(stamp_parse_http_any(bad[i], 784111777000, &ms, NULL), -ERR_INVALID);
}

static void two_digits_of_a_year_are_of_the_century_that_is_nearest(void **state)
{
	static const struct {
		const char *now, *text, *is;
	} years[] = {
		{ "2026-01-01T00:00:00Z", "Friday, 01-Jan-27 00:00:00 GMT", "2027-01-01T00:00:00Z" },
		{ "2026-01-01T00:00:00Z", "Friday, 01-Jan-76 00:00:00 GMT", "2076-01-01T00:00:00Z" },
		{ "2026-01-01T00:00:00Z", "Friday, 01-Jan-77 00:00:00 GMT", "1977-01-01T00:00:00Z" },
		{ "1999-12-31T00:00:00Z", "Saturday, 01-Jan-00 00:00:00 GMT", "2000-01-01T00:00:00Z" },
		{ "2000-01-01T00:00:00Z", "Friday, 31-Dec-99 00:00:00 GMT", "1999-12-31T00:00:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(years); i++) {
		int64_t now, ms, is;

		assert_int_equal(stamp_parse_iso(years[i].now, &now, NULL), 0);
		assert_int_equal(stamp_parse_iso(years[i].is, &is, NULL), 0);
		assert_int_equal(stamp_parse_http_any(years[i].text, now, &ms, NULL), 0);
		assert_true(ms == is);
	}
}

static void no_time_has_a_year_of_more_than_four_digits(void **state)
{
	static const struct {
		int64_t ms;
		const char *text, *basic;
	} edges[] = {
		{ STAMP_MAX_MS, "9999-12-31T23:59:59.999Z", "99991231T235959Z" },
		{ STAMP_MAX_MS + 1, "9999-12-31T23:59:59.999Z", "99991231T235959Z" },
		{ INT64_MAX, "9999-12-31T23:59:59.999Z", "99991231T235959Z" },
		{ STAMP_MIN_MS, "1000-01-01T00:00:00.000Z", "10000101T000000Z" },
		{ INT64_MIN, "1000-01-01T00:00:00.000Z", "10000101T000000Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(edges) / sizeof(*edges); i++) {
		char text[STAMP_RFC3339_LEN], basic[STAMP_BASIC_LEN];

		assert_string_equal(stamp_rfc3339(edges[i].ms, text), edges[i].text);
		assert_string_equal(stamp_basic(edges[i].ms, basic), edges[i].basic);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_time_has_a_year_of_more_than_four_digits),
		cmocka_unit_test(times_are_written_in_utc_whatever_the_zone),
		cmocka_unit_test(fractions_are_cut_to_milliseconds),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(an_http_date_is_read),
		cmocka_unit_test(the_three_forms_of_an_http_date_are_one_time),
		cmocka_unit_test(two_digits_of_a_year_are_of_the_century_that_is_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
