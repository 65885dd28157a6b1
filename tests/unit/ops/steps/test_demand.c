/* test_demand.c - what plans need is collected, and let go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/ops/steps/demand.h"
#include "tests/unit/ops/needs.h"

static void names_are_kept_once_counts_as_the_largest_and_rules_in_order(void **state)
{
	struct demand d = { 0 };

	(void)state;
	for (int i = 0; i < 50; i++) {
		demand_name(&d, &bound_instance_types, i % 2 == 0 ? "m6i.large" : "r6i.large");
		demand_count(&d, &bound_iops, (uint32_t)(i * 7 % 50));
		demand_rule(&d, &(struct demand_rule){ "10.0.0.0/8", i, i + 1, "tcp", false });
	}
	assert_int_equal(wanted_n(&d, &bound_instance_types), 2);
	assert_string_equal(wanted_text(&d, &bound_instance_types, 1), "r6i.large");
	assert_int_equal(wanted_n(&d, &bound_subnets), 0);
	assert_int_equal(demand_number(&d, &bound_iops), 49);
	demand_add(&d, &bound_volume_gib, 3);
	demand_add(&d, &bound_volume_gib, 4);
	assert_int_equal(demand_number(&d, &bound_volume_gib), 7);
	demand_add(&d, &bound_volume_gib, UINT32_MAX);
	assert_int_equal(demand_number(&d, &bound_volume_gib), UINT32_MAX);
	assert_int_equal(d.rules_n, 50);
	assert_int_equal(d.rules[49].from_port, 49);
	demand_close(&d);
	assert_int_equal(wanted_n(&d, &bound_instance_types), 0);
	assert_null(d.rules);
	demand_name(&d, &bound_kms_keys, NULL); /* no list holds the empty text */
	assert_string_equal(wanted_text(&d, &bound_kms_keys, 0), "");
	demand_close(&d);
}

static void what_passes_counts_once_beside_the_sum(void **state)
{
	struct demand d = { 0 };

	(void)state;
	demand_pass(&d, &bound_volume_gib, 2);
	demand_add(&d, &bound_volume_gib, 3);
	demand_passed(&d);
	demand_pass(&d, &bound_volume_gib, 1);
	assert_int_equal(demand_number(&d, &bound_volume_gib), 5);
	assert_int_equal(demand_passing(&d, &bound_volume_gib), 2);
	demand_add(&d, &bound_volume_gib, UINT32_MAX);
	assert_int_equal(demand_number(&d, &bound_volume_gib), UINT32_MAX);
	demand_close(&d);
	assert_int_equal(demand_passing(&d, &bound_volume_gib), 0);
}

static void what_passes_in_one_plan_stands_beside_each_other(void **state)
{
	struct demand d = { 0 };

	(void)state;
	demand_pass(&d, &bound_volume_gib, 2);
	demand_pass(&d, &bound_volume_gib, 2);
	demand_passed(&d);
	demand_pass(&d, &bound_volume_gib, 1);
	demand_pass(&d, &bound_volume_gib, 1);
	assert_int_equal(demand_number(&d, &bound_volume_gib), 4);
	assert_int_equal(demand_passing(&d, &bound_volume_gib), 4);
	demand_pass(&d, &bound_volume_gib, UINT32_MAX);
	assert_int_equal(demand_passing(&d, &bound_volume_gib), UINT32_MAX);
	demand_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_kept_once_counts_as_the_largest_and_rules_in_order),
		cmocka_unit_test(what_passes_counts_once_beside_the_sum),
		cmocka_unit_test(what_passes_in_one_plan_stands_beside_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
