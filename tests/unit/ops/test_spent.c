/* test_spent.c - what was begun is counted for as long as the rate says, over restarts and a clock that is set back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/ops/spent.h"

#define T0 1800000000000ll
#define MINUTE 60000ll

static void what_was_begun_counts_for_an_hour_and_a_day(void **state)
{
	struct spent s = { 0 };

	(void)state;
	spent_add(&s, T0, SPENT_MUTATIONS, 3);
	spent_add(&s, T0 + 20 * MINUTE, SPENT_MUTATIONS, 4);
	spent_add(&s, T0 + 20 * MINUTE, SPENT_DELETIONS, 2);
	assert_int_equal(spent_in(&s, T0 + 30 * MINUTE, SPENT_HOUR_MS, SPENT_MUTATIONS), 7);
	assert_int_equal(spent_in(&s, T0 + 66 * MINUTE, SPENT_HOUR_MS, SPENT_MUTATIONS), 4);
	assert_int_equal(spent_in(&s, T0 + 90 * MINUTE, SPENT_HOUR_MS, SPENT_MUTATIONS), 0);
	assert_int_equal(spent_in(&s, T0 + 90 * MINUTE, SPENT_DAY_MS, SPENT_DELETIONS), 2);
	assert_int_equal(spent_in(&s, T0 + 25 * 60 * MINUTE, SPENT_DAY_MS, SPENT_DELETIONS), 0);
}

static void it_says_when_enough_is_free_again_and_not_before(void **state)
{
	struct spent s = { 0 };
	int64_t now = T0 + 30 * MINUTE, until;

	(void)state;
	for (int i = 0; i < 6; i++)
		spent_add(&s, T0 + i * 5 * MINUTE, SPENT_MUTATIONS, 10);
	assert_int_equal(spent_until(&s, now, SPENT_HOUR_MS, SPENT_MUTATIONS, 60), now);
	for (uint32_t most = 0; most < 60; most++) {
		until = spent_until(&s, now, SPENT_HOUR_MS, SPENT_MUTATIONS, most);
		assert_true(until > now);
		assert_true(spent_in(&s, until, SPENT_HOUR_MS, SPENT_MUTATIONS) <= most);
		assert_true(spent_in(&s, until - 1, SPENT_HOUR_MS, SPENT_MUTATIONS) > most);
	}
}

static void a_clock_that_is_set_back_neither_forgets_nor_waits_for_longer_than_the_window(void **state)
{
	struct spent s = { 0 };

	(void)state;
	spent_add(&s, T0 + 7 * 24 * 60 * MINUTE, SPENT_MUTATIONS, 50);
	assert_int_equal(spent_in(&s, T0, SPENT_HOUR_MS, SPENT_MUTATIONS), 50);
	assert_true(spent_until(&s, T0, SPENT_HOUR_MS, SPENT_MUTATIONS, 0) <= T0 + 65 * MINUTE);
	spent_add(&s, T0, SPENT_MUTATIONS, 5);
	assert_int_equal(spent_in(&s, T0, SPENT_HOUR_MS, SPENT_MUTATIONS), 55);
	assert_int_equal(spent_in(&s, T0 + 70 * MINUTE, SPENT_HOUR_MS, SPENT_MUTATIONS), 0);
}

static void a_restart_spends_nothing_anew_and_forgives_nothing(void **state)
{
	struct spent s = { 0 }, again = { 0 };
	CLEANUP(json_close) json_t *record = NULL;

	(void)state;
	spent_add(&s, T0, SPENT_MUTATIONS, 3);
	spent_add(&s, T0 + 10 * MINUTE, SPENT_DELETIONS, 9);
	record = spent_record(&s);
	spent_add(&again, T0, SPENT_MUTATIONS, 3); /* what the intents before the record have counted */
	spent_replay(&again, record);
	assert_int_equal(again.n, 2);
	assert_int_equal(spent_in(&again, T0 + 10 * MINUTE, SPENT_HOUR_MS, SPENT_MUTATIONS), 3);
	assert_int_equal(spent_in(&again, T0 + 10 * MINUTE, SPENT_DAY_MS, SPENT_DELETIONS), 9);
	spent_replay(&again, NULL);
	assert_int_equal(again.n, 0);
}

static void years_of_changes_take_no_more_room_than_a_day(void **state)
{
	struct spent s = { 0 };

	(void)state;
	for (int i = 0; i < 3000; i++)
		spent_add(&s, T0 + i * 5 * MINUTE, SPENT_MUTATIONS, 1);
	assert_true(s.n <= SPENT_STEPS);
	assert_int_equal(spent_in(&s, T0 + 2999 * 5 * MINUTE, SPENT_DAY_MS, SPENT_MUTATIONS), 289);
	for (int i = 0; i < 3000; i++)
		spent_add(&s, T0 + (3000 - i) * 5 * MINUTE, SPENT_MUTATIONS, 1);
	assert_true(s.n <= SPENT_STEPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_begun_counts_for_an_hour_and_a_day),
		cmocka_unit_test(it_says_when_enough_is_free_again_and_not_before),
		cmocka_unit_test(a_clock_that_is_set_back_neither_forgets_nor_waits_for_longer_than_the_window),
		cmocka_unit_test(a_restart_spends_nothing_anew_and_forgives_nothing),
		cmocka_unit_test(years_of_changes_take_no_more_room_than_a_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
