/* test_iam_lists.c - the lists of the IAM documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/ops/steps/iam_lists.h"

static void open_lists_bound_the_profile_alone(void **state)
{
	struct iam_lists l;

	(void)state;
	iam_lists_open(&l);
	for (enum iam_list i = 0; i < IAM_LISTS; i++)
		assert_int_equal(l.of[i].is_open, i != IAM_PROFILES && i != IAM_OWNERS);
	for (enum iam_power i = 0; i < IAM_POWERS; i++)
		assert_string_equal(l.why_not[i], "");
	assert_string_equal(l.of[IAM_PROFILES].v[0], "%N-node");
	assert_true(l.may_balance);
	assert_false(l.is_cut);
	iam_lists_close(&l);
	assert_null(l.of[IAM_PROFILES].v);
}

static void each_list_and_each_power_has_a_name(void **state)
{
	(void)state;
	for (enum iam_list i = 0; i < IAM_LISTS; i++)
		assert_true(strlen(iam_lists_bound(i)) > 0);
	for (enum iam_power i = 0; i < IAM_POWERS; i++)
		for (enum iam_power k = 0; k < i; k++)
			assert_string_not_equal(iam_lists_power(i), iam_lists_power(k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_lists_bound_the_profile_alone),
		cmocka_unit_test(each_list_and_each_power_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
