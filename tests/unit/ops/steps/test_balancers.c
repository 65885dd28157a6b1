/* test_balancers.c - load balancers, listeners and target groups as an inventory shows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/ops/steps/balancers.h"

static void each_is_found_by_its_arn_and_by_its_name(void **state)
{
	struct elb_listener first = { .arn = "arn:first" }, second[] = { { .arn = "arn:2a" }, { .arn = "arn:2b" } };
	struct balancers_lb lbs[] = { { .lb = { .arn = "arn:lb-1", .name = "one" }, .listeners = { &first, 1 } },
				      { .lb = { .arn = "arn:lb-2", .name = "two" }, .listeners = { second, 2 } } };
	struct balancers_target_group groups[] = { { .g = { .arn = "arn:tg-1", .name = "one" } },
						   { .g = { .arn = "arn:tg-2", .name = "two" } } };
	struct inventory *inv = inventory_new();
	struct balancers *b = balancers_in(inv);

	(void)state;
	assert_null(balancers_lb_by_arn(inv, "arn:lb-1"));
	*b = (struct balancers){ .target_groups = groups, .target_groups_n = 2, .lbs = lbs, .lbs_n = 2 };
	assert_ptr_equal(balancers_in(inv), b);
	assert_ptr_equal(balancers_lb_by_arn(inv, "arn:lb-2"), &lbs[1]);
	assert_ptr_equal(balancers_lb_by_name(inv, "one"), &lbs[0]);
	assert_null(balancers_lb_by_name(inv, "three"));
	assert_ptr_equal(balancers_target_group_by_arn(inv, "arn:tg-2"), &groups[1]);
	assert_ptr_equal(balancers_target_group_by_name(inv, "one"), &groups[0]);
	assert_null(balancers_target_group_by_arn(inv, "arn:lb-1"));
	assert_ptr_equal(balancers_listener_by_arn(inv, "arn:first"), &first);
	assert_ptr_equal(balancers_listener_by_arn(inv, "arn:2b"), &second[1]);
	assert_null(balancers_listener_by_arn(inv, "arn:3"));
	inventory_free(inv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_found_by_its_arn_and_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
