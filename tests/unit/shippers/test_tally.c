/* test_tally.c - counts by name, of which there are few. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "shippers/tally.h"

static void a_name_keeps_its_counts_and_names_beyond_the_limit_are_one(void **state)
{
	struct tally t = { .n = 0 };
	char name[200];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "rule-%u", i);
		tally_of(&t, name)->masked++;
	}
	assert_int_equal(t.n, TALLY_NAMES + 1);
	assert_int_equal(tally_of(&t, "rule-7")->masked, 1);
	assert_int_equal(t.v[TALLY_NAMES].masked, 200 - TALLY_NAMES);
	assert_string_equal(t.v[TALLY_NAMES].name, "others");
	assert_ptr_equal(tally_of(&t, "rule-199"), tally_of(&t, "rule-198"));
}

static void a_name_that_is_too_long_is_cut_and_stays_one(void **state)
{
	struct tally t = { .n = 0 };
	char name[TALLY_NAME_MAX + 20] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = 'n';
	tally_of(&t, name)->dropped++;
	assert_int_equal(tally_of(&t, name)->dropped, 1);
	assert_int_equal(t.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_keeps_its_counts_and_names_beyond_the_limit_are_one),
		cmocka_unit_test(a_name_that_is_too_long_is_cut_and_stays_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
