/* test_demand.c - what plans need is collected, and let go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/ops/demand.h"

static void types_and_rules_are_kept_in_order(void **state)
{
	struct demand d = { 0 };

	(void)state;
	for (int i = 0; i < 50; i++) {
		demand_type(&d, i % 2 == 0 ? "m6i.large" : "r6i.large");
		demand_rule(&d, &(struct demand_rule){ "10.0.0.0/8", i, i + 1, "tcp" });
	}
	assert_int_equal(d.types_n, 50);
	assert_string_equal(d.types[49], "r6i.large");
	assert_int_equal(d.rules_n, 50);
	assert_int_equal(d.rules[49].from_port, 49);
	demand_close(&d);
	assert_int_equal(d.types_n, 0);
	assert_null(d.rules);
	demand_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(types_and_rules_are_kept_in_order) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
