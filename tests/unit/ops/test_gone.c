/* test_gone.c - what was ended of a cluster counts for an hour against the nodes it had, over restarts and a clock set back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/ops/gone.h"

#define T0 1800000000000ll
#define MINUTE 60000ll

static const struct gone_by one = { "wh-1", "cluster-be", "c1" }, two = { "wh-1", "cluster-be", "c2" };
static const struct gone_by fe = { "wh-1", "cluster-fe", "c2" }, other = { "wh-2", "cluster-be", "c2" };

static void a_share_is_of_the_nodes_that_there_were_an_hour_ago(void **state)
{
	struct gone g = { 0 };

	(void)state;
	gone_add(&g, T0, &one, 2);
	assert_int_equal(gone_in(&g, T0 + MINUTE, &two), 2);
	assert_int_equal(gone_until(&g, T0 + MINUTE, &two, &rates_default, 1, 4), T0 + 60 * MINUTE);
	assert_int_equal(gone_until(&g, T0 + MINUTE, &two, &rates_default, 1, 7), T0 + MINUTE); /* 3 of 9 */
	assert_int_equal(gone_until(&g, T0 + 60 * MINUTE, &two, &rates_default, 1, 4), T0 + 60 * MINUTE);
}

static void it_is_free_when_enough_and_not_all_is_an_hour_ago(void **state)
{
	struct gone g = { 0 };

	(void)state;
	gone_add(&g, T0, &one, 2);
	gone_add(&g, T0 + 10 * MINUTE, &two, 1);
	assert_int_equal(gone_until(&g, T0 + 20 * MINUTE, &(struct gone_by){ "wh-1", "cluster-be", "c3" }, &rates_default, 1, 6),
			 T0 + 60 * MINUTE);
	assert_int_equal(gone_until(&g, T0 + 20 * MINUTE, &(struct gone_by){ "wh-1", "cluster-be", "c3" }, &rates_default, 2, 6),
			 T0 + 70 * MINUTE);
}

static void clusters_and_what_a_command_has_ended_itself_do_not_count_for_each_other(void **state)
{
	struct gone g = { 0 };

	(void)state;
	gone_add(&g, T0, &one, 2);
	gone_add(&g, T0 + MINUTE, &one, 2); /* the same call once more */
	assert_int_equal(g.n, 1);
	assert_int_equal(gone_in(&g, T0 + MINUTE, &one), 0);
	assert_int_equal(gone_in(&g, T0 + MINUTE, &fe), 0);
	assert_int_equal(gone_in(&g, T0 + MINUTE, &other), 0);
	assert_int_equal(gone_in(&g, T0 + MINUTE, &two), 2);
}

static void a_restart_forgives_nothing_and_counts_nothing_twice(void **state)
{
	struct gone g = { 0 }, again = { 0 };
	CLEANUP(json_close) json_t *list = NULL;

	(void)state;
	gone_add(&g, T0, &one, 2);
	gone_add(&g, T0 + MINUTE, &two, 1);
	list = gone_list(&g);
	gone_add(&again, T0, &one, 2); /* what the intents before the record have counted */
	gone_replay(&again, list);
	assert_int_equal(again.n, 2);
	assert_int_equal(gone_in(&again, T0 + MINUTE, &(struct gone_by){ "wh-1", "cluster-be", "c3" }), 3);
}

static void a_clock_that_is_set_back_waits_no_longer_than_the_window(void **state)
{
	struct gone g = { 0 };

	(void)state;
	gone_add(&g, T0 + 7 * 24 * 60 * MINUTE, &one, 2);
	assert_int_equal(gone_in(&g, T0, &two), 2);
	assert_int_equal(gone_until(&g, T0, &two, &rates_default, 1, 4), T0 + 60 * MINUTE);
}

/* Many clusters that lose a node each do not push out what was ended of one. */
static void an_hour_that_does_not_fit_holds_up_and_is_counted(void **state)
{
	const struct rates all = { .ended_part = 1, .ended_of = 1 };
	struct gone g = { 0 };
	char name[16];

	(void)state;
	for (int i = 0; i < GONE_MAX; i++) {
		snprintf(name, sizeof(name), "c-%d", i);
		gone_add(&g, T0 + i, &(struct gone_by){ "wh-1", name, "c1" }, 1);
	}
	assert_int_equal(gone_until(&g, T0 + MINUTE, &other, &rates_default, 1, 6), T0 + 60 * MINUTE);
	assert_int_equal(gone_until(&g, T0 + MINUTE, &other, &all, 1, 6), T0 + MINUTE);
	gone_add(&g, T0 + MINUTE, &other, 1);
	assert_int_equal(g.n, GONE_MAX);
	assert_int_equal(g.dropped, 1);
	assert_int_equal(gone_until(&g, T0 + 60 * MINUTE + 1, &two, &rates_default, 1, 6), T0 + 60 * MINUTE + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_is_of_the_nodes_that_there_were_an_hour_ago),
		cmocka_unit_test(it_is_free_when_enough_and_not_all_is_an_hour_ago),
		cmocka_unit_test(clusters_and_what_a_command_has_ended_itself_do_not_count_for_each_other),
		cmocka_unit_test(a_restart_forgives_nothing_and_counts_nothing_twice),
		cmocka_unit_test(a_clock_that_is_set_back_waits_no_longer_than_the_window),
		cmocka_unit_test(an_hour_that_does_not_fit_holds_up_and_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
