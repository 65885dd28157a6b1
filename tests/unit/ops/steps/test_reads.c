/* test_reads.c - the role of the instance reads, and reads no more than the code does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/reads.h"
#include "agent/ops/steps/catalogue.h"

static int has(const char *action)
{
	for (const char *const *r = reads_all(); *r != NULL; r++)
		if (strcmp(*r, action) == 0)
			return 1;
	return 0;
}

static void every_read_is_a_describe_and_stands_once_in_order(void **state)
{
	(void)state;
	for (const char *const *r = reads_all(); *r != NULL; r++) {
		assert_non_null(strstr(*r, ":Describe"));
		assert_true(r == reads_all() || strcmp(r[-1], *r) < 0);
	}
}

static void what_waiting_steps_ask_is_among_them(void **state)
{
	(void)state;
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++)
		assert_true(step_mutates(*k) || has((*k)->action));
}

static void what_a_kind_reads_beside_its_call_is_among_them(void **state)
{
	(void)state;
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++)
		for (const struct step_look *const *l = (*k)->looks; l != NULL && *l != NULL; l++)
			assert_true(has((*l)->action));
}

static void what_a_taking_reads_is_among_them_and_nothing_else_is(void **state)
{
	size_t n = 0, found = 0;

	(void)state;
	for (; inventory_action(catalogue_resources(), n) != NULL; n++)
		assert_true(has(inventory_action(catalogue_resources(), n)));
	assert_true(n > 0);
	for (const char *const *r = reads_all(); *r != NULL; r++) {
		bool taken = false;

		for (size_t i = 0; i < n; i++)
			taken = taken || strcmp(inventory_action(catalogue_resources(), i), *r) == 0;
		found += taken;
	}
	assert_int_equal(found, 14); /* DescribeNetworkInterfaces alone is a look's */
	assert_false(has("ec2:RunInstances"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_read_is_a_describe_and_stands_once_in_order),
		cmocka_unit_test(what_a_taking_reads_is_among_them_and_nothing_else_is),
		cmocka_unit_test(what_waiting_steps_ask_is_among_them),
		cmocka_unit_test(what_a_kind_reads_beside_its_call_is_among_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
