/* test_iam_lists.c - the lists of the IAM documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/iam_lists.h"

static void open_lists_bound_the_profile_alone(void **state)
{
	const struct bound *const *rows = catalogue_bounds();
	struct iam_lists l;

	(void)state;
	iam_lists_open(&l);
	for (size_t i = 0; rows[i] != NULL; i++) {
		assert_int_equal(l.of[i].is_open, rows[i] != &bound_instance_profiles);
		assert_false(l.apart[i].is_open);
		assert_int_equal(l.apart[i].n, 0);
	}
	for (enum iam_power i = 0; i < IAM_POWERS; i++)
		assert_string_equal(l.why_not[i], "");
	assert_string_equal(iam_lists_of(&l, &bound_instance_profiles)->v[0], "%N-node");
	assert_false(l.is_none[catalogue_place_of(&bound_balancers)]);
	assert_false(l.is_cut);
	iam_lists_close(&l);
	assert_null(iam_lists_of(&l, &bound_instance_profiles)->v);
}

static void members_that_are_told_apart_stand_in_a_list_of_their_own(void **state)
{
	struct iam_lists l = { .is_cut = true };
	const struct iam_texts *owners = &l.apart[catalogue_place_of(&bound_images)];

	(void)state;
	iam_lists_add(&l, &bound_images, "ami-1");
	iam_lists_add(&l, &bound_images, "owner:amazon");
	iam_lists_add(&l, &bound_subnets, "owner:amazon"); /* only the bound that says so tells them apart */
	assert_int_equal(iam_lists_of(&l, &bound_images)->n, 1);
	assert_int_equal(owners->n, 1);
	assert_string_equal(owners->v[0], "amazon");
	assert_string_equal(iam_lists_of(&l, &bound_subnets)->v[0], "owner:amazon");
	iam_lists_close(&l);
}

static void each_power_has_a_name(void **state)
{
	(void)state;
	for (enum iam_power i = 0; i < IAM_POWERS; i++)
		for (enum iam_power k = 0; k < i; k++)
			assert_string_not_equal(iam_lists_power(i), iam_lists_power(k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_lists_bound_the_profile_alone),
		cmocka_unit_test(members_that_are_told_apart_stand_in_a_list_of_their_own),
		cmocka_unit_test(each_power_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
