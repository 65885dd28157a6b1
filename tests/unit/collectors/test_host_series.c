/* test_host_series.c - counters that go back, wrap, come anew, and a clock that is set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "agent/base/mem.h"
#include "collectors/host_series.h"

#define BOOT INT64_C(1700000000000)

static struct host_series s;
static int64_t now_ms;

static int setup(void **state)
{
	(void)state;
	s = (struct host_series){ 0 };
	now_ms = BOOT + 3600000;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_series_close(&s);
	return 0;
}

static void begin(int64_t boot_ms, int64_t at_ms)
{
	now_ms = at_ms;
	host_series_boot(&s, boot_ms, now_ms);
}

static void expect(const char *name, int64_t v, int64_t want, int64_t want_start_ms)
{
	const struct telemetry_attr attr = { "name", name };
	struct telemetry_point p = { .name = "x", .shape = TELEMETRY_COUNTER, .i = v, .attrs = &attr, .attrs_n = 1 };

	host_series_follow(&s, &p);
	assert_int_equal(p.i, want);
	assert_int_equal(p.start_ms, want_start_ms);
}

static void a_counter_that_goes_back_a_little_is_held_until_it_is_passed(void **state)
{
	static const int64_t values[][2] = { { 100, 100 }, { 97, 100 }, { 99, 100 }, { 100, 100 }, { 101, 101 }, { 60, 101 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		begin(BOOT, now_ms + 15000);
		expect("iowait", values[i][0], values[i][1], BOOT);
		expect("idle", 1000 + (int64_t)i, 1000 + (int64_t)i, BOOT);
		host_series_end(&s);
	}
	assert_int_equal(s.held, 3);
	assert_int_equal(s.anew, 0);
}

static void a_counter_that_begins_anew_starts_at_the_last_reading_for_good(void **state)
{
	int64_t last;

	(void)state;
	begin(BOOT, now_ms);
	expect("eth0", INT64_C(4294967290), INT64_C(4294967290), BOOT); /* of 32 bits, about to wrap */
	host_series_end(&s);
	last = now_ms;
	for (int i = 0; i < 3; i++) {
		begin(BOOT, now_ms + 15000);
		expect("eth0", 500 + i, 500 + i, last);
		host_series_end(&s);
	}
	assert_int_equal(s.anew, 1);
}

static void what_was_away_for_a_while_is_compared_with_what_it_was(void **state)
{
	(void)state;
	begin(BOOT, now_ms);
	expect("eth0", 1000, 1000, BOOT);
	host_series_end(&s);
	for (int i = 0; i < 1000; i++) {
		begin(BOOT, now_ms + 15000);
		expect("lo", i, i, BOOT);
		host_series_end(&s);
	}
	begin(BOOT, now_ms + 15000);
	expect("eth0", 10, 10, now_ms - 15000); /* made again */
	expect("eth1", 10, 10, BOOT);           /* was never there: from the boot on it had counted nothing */
}

static void a_boot_time_that_moves_with_the_clock_moves_no_start(void **state)
{
	(void)state;
	begin(INT64_C(1485888921000), INT64_C(1485889000000)); /* before the clock was set */
	expect("cpu", 1, 1, INT64_C(1485888921000));
	host_series_end(&s);
	begin(BOOT, BOOT + 60000);
	expect("cpu", 2, 2, INT64_C(1485888921000));
	host_series_end(&s);
	begin(BOOT + 1000, BOOT + 75000);
	expect("cpu", 3, 3, INT64_C(1485888921000));
	assert_int_equal(s.anew, 0);
}

static void a_clock_set_back_before_the_start_begins_all_anew_once(void **state)
{
	(void)state;
	begin(BOOT, BOOT + 60000);
	expect("a", 1, 1, BOOT);
	expect("b", 1, 1, BOOT);
	host_series_end(&s);
	for (int i = 1; i < 4; i++) {
		begin(BOOT - 86400000, BOOT - 86400000 + 60000 + i * 15000);
		expect("a", 1 + i, 1 + i, BOOT - 86400000);
		expect("b", 1 + i, 1 + i, BOOT - 86400000);
		host_series_end(&s);
	}
	assert_int_equal(s.anew, 2);
}

/* Interfaces of containers come and go under names that nobody has used before. */
static void series_have_a_limit_and_what_is_gone_longest_makes_room(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < 3 * HOST_SERIES_MAX / 100; i++) {
		begin(BOOT, now_ms + 15000);
		expect("ens5", i, i, BOOT);
		for (int k = 0; k < 100; k++) {
			snprintf(name, sizeof(name), "veth%d", i * 100 + k);
			expect(name, 1, 1, BOOT);
		}
		host_series_end(&s);
	}
	assert_int_equal(s.n, HOST_SERIES_MAX);
	assert_int_equal(s.over, 0);
	begin(BOOT, now_ms + 15000);
	for (int i = 0; i < HOST_SERIES_MAX; i++) {
		snprintf(name, sizeof(name), "more%d", i);
		expect(name, 1, 1, BOOT);
	}
	expect("one too many", 1, 1, 0);
	assert_int_equal(s.over, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_counter_that_goes_back_a_little_is_held_until_it_is_passed),
		TEST(a_counter_that_begins_anew_starts_at_the_last_reading_for_good),
		TEST(what_was_away_for_a_while_is_compared_with_what_it_was),
		TEST(a_boot_time_that_moves_with_the_clock_moves_no_start),
		TEST(a_clock_set_back_before_the_start_begins_all_anew_once),
		TEST(series_have_a_limit_and_what_is_gone_longest_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
