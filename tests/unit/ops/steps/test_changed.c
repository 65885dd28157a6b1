/* test_changed.c - changes of volumes in a day, counted and read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/ops/steps/changed.h"

#define HOUR INT64_C(3600000)
#define NOW (1000 * HOUR)

static void the_newest_four_of_a_volume_are_known(void **state)
{
	struct changed c = { 0 };

	(void)state;
	for (int64_t i = 1; i <= 5; i++)
		changed_add(&c, i * HOUR, "vol-1");
	changed_add(&c, HOUR, "vol-2");
	assert_int_equal(c.n, 2);
	assert_null(changed_of(&c, "vol-3"));
	for (size_t i = 0; i < CHANGED_A_DAY; i++)
		assert_int_equal(changed_of(&c, "vol-1")->at_ms[i], (5 - (int64_t)i) * HOUR);
	assert_int_equal(changed_of(&c, "vol-2")->at_ms[1], 0);
	changed_close(&c);
}

static void what_is_a_day_old_goes_and_what_lies_ahead_is_of_now(void **state)
{
	struct changed c = { 0 };

	(void)state;
	changed_add(&c, NOW - 24 * HOUR, "vol-1");
	changed_add(&c, NOW - 25 * HOUR, "vol-2");
	changed_add(&c, NOW - 23 * HOUR, "vol-2");
	changed_add(&c, NOW + 9999 * HOUR, "vol-3");
	changed_keep_time(&c, NOW);
	assert_int_equal(c.n, 2);
	assert_null(changed_of(&c, "vol-1"));
	assert_int_equal(changed_of(&c, "vol-2")->at_ms[0], NOW - 23 * HOUR);
	assert_int_equal(changed_of(&c, "vol-2")->at_ms[1], 0);
	assert_int_equal(changed_of(&c, "vol-3")->at_ms[0], NOW);
	changed_close(&c);
}

static void what_a_checkpoint_says_stands_for_all_that_was_known(void **state)
{
	struct changed c = { 0 }, again = { 0 };
	CLEANUP(json_close) json_t *list = NULL;

	(void)state;
	changed_add(&c, HOUR, "vol-1");
	changed_add(&c, 2 * HOUR, "vol-2");
	changed_add(&c, 3 * HOUR, "vol-1");
	list = changed_list(&c);
	changed_add(&again, 2 * HOUR, "vol-2");
	changed_add(&again, 2 * HOUR, "vol-9");
	changed_replay(&again, list);
	assert_int_equal(again.n, 2);
	assert_int_equal(changed_of(&again, "vol-1")->at_ms[0], 3 * HOUR);
	assert_int_equal(changed_of(&again, "vol-1")->at_ms[1], HOUR);
	assert_int_equal(changed_of(&again, "vol-1")->at_ms[2], 0);
	assert_int_equal(changed_of(&again, "vol-2")->at_ms[0], 2 * HOUR);
	assert_int_equal(changed_of(&again, "vol-2")->at_ms[1], 0);
	changed_close(&c);
	changed_close(&again);
}

/* A checkpoint is read from the disk. */
static void what_cannot_be_read_is_passed_over(void **state)
{
	struct changed c = { 0 };
	CLEANUP(json_close)
	json_t *list = json_pack("[s, [i], [], [s], [s, s], [s, i]]", "vol-1", 3, "vol-2", "vol-3", "soon", "vol-4", 5);

	(void)state;
	changed_add(&c, HOUR, NULL);
	changed_add(&c, HOUR, "vol-0123456789012345678901234567890123456789012345678901234567890123456789");
	assert_int_equal(c.n, 0);
	changed_replay(&c, list);
	assert_int_equal(changed_of(&c, "vol-4")->at_ms[0], 5);
	changed_keep_time(&c, NOW);
	assert_int_equal(c.n, 0);
	changed_close(&c);
}

static void of_more_than_fit_the_one_goes_that_was_changed_longest_ago(void **state)
{
	struct changed c = { 0 };
	char id[32];

	(void)state;
	for (int i = 0; i < CHANGED_MAX; i++) {
		snprintf(id, sizeof(id), "vol-%d", i);
		changed_add(&c, HOUR + i, id);
	}
	changed_add(&c, 2 * HOUR, "vol-0");
	changed_add(&c, 2 * HOUR, "vol-new");
	assert_int_equal(c.n, CHANGED_MAX);
	assert_non_null(changed_of(&c, "vol-0"));
	assert_null(changed_of(&c, "vol-1"));
	assert_non_null(changed_of(&c, "vol-new"));
	changed_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_four_of_a_volume_are_known),
		cmocka_unit_test(what_is_a_day_old_goes_and_what_lies_ahead_is_of_now),
		cmocka_unit_test(what_a_checkpoint_says_stands_for_all_that_was_known),
		cmocka_unit_test(what_cannot_be_read_is_passed_over),
		cmocka_unit_test(of_more_than_fit_the_one_goes_that_was_changed_longest_ago),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
