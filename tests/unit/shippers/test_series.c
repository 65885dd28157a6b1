/* test_series.c - a metric has no more series than it may, in memory that does not grow. */
#include "shippers/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "agent/base/log.h"

#define HOUR_MS UINT64_C(3600000)

static struct series *s;

static int start(void **state)
{
	(void)state;
	s = series_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	series_free(s);
	return 0;
}

static bool take(const char *name, unsigned which, uint64_t most, uint64_t now_ms)
{
	char value[16];
	const struct telemetry_attr attr = { "k", value };
	const struct telemetry_point p = { .name = name, .unit = "1", .attrs = &attr, .attrs_n = 1 };

	snprintf(value, sizeof(value), "%u", which);
	return series_take(s, &p, most, now_ms);
}

static void the_first_ones_pass_again_and_again_and_no_other(void **state)
{
	const struct series_over *over;

	(void)state;
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 10; i++)
			assert_int_equal(take("a", i, 4, round * 1000), i < 4);
	assert_true(take("b", 9, 4, 0));
	assert_int_equal(series_over(s, &over), 1);
	assert_string_equal(over[0].name, "a");
	assert_int_equal(over[0].dropped, 18);
}

static void the_place_of_one_that_does_not_come_any_more_is_another_s(void **state)
{
	(void)state;
	assert_true(take("a", 1, 2, 0));
	assert_true(take("a", 2, 2, 0));
	assert_false(take("a", 3, 2, HOUR_MS / 2));
	assert_true(take("a", 2, 2, HOUR_MS / 2));
	assert_true(take("a", 3, 2, HOUR_MS + 1000));
	assert_false(take("a", 1, 2, HOUR_MS + 1000));
	assert_true(take("a", 2, 2, HOUR_MS + 1000));
}

static void of_any_number_of_names_and_series_some_pass(void **state)
{
	const struct series_over *over;
	unsigned passed = 0;

	(void)state;
	for (unsigned name = 0; name < 3 * SERIES_NAMES; name++)
		for (unsigned i = 0; i < 40; i++) {
			char text[32];

			snprintf(text, sizeof(text), "metric.%u", name);
			passed += take(text, i, 1000, 0);
		}
	assert_int_equal(passed, SERIES_ALL);
	assert_int_equal(series_over(s, &over), SERIES_TOLD + 1);
	assert_string_equal(over[SERIES_TOLD].name, "others");
	assert_true(take("metric.0", 0, 1000, 0));
	assert_false(take("another", 0, 1000, 0));
	assert_true(take("another", 0, 1000, HOUR_MS + 1000));
}

static void other_attributes_are_another_series(void **state)
{
	const struct telemetry_attr one[] = { { "a", "bc" } }, other[] = { { "ab", "c" } };
	struct telemetry_point p = { .name = "m", .unit = "1", .attrs = one, .attrs_n = 1 };

	(void)state;
	assert_true(series_take(s, &p, 1, 0));
	p.attrs = other;
	assert_false(series_take(s, &p, 1, 0));
	p.attrs_n = 0;
	assert_false(series_take(s, &p, 1, 0));
}

static void drop(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)level;
	(void)event;
	(void)pairs;
	(void)ctx;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_ones_pass_again_and_again_and_no_other, start, end),
		cmocka_unit_test_setup_teardown(the_place_of_one_that_does_not_come_any_more_is_another_s, start, end),
		cmocka_unit_test_setup_teardown(of_any_number_of_names_and_series_some_pass, start, end),
		cmocka_unit_test_setup_teardown(other_attributes_are_another_series, start, end),
	};

	log_set(LOG_ERROR, drop, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
