/* test_iam_table.c - the tables and the step catalogue ask for the same; what a power takes away is in one of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/ops/steps/iam_table.h"

static void the_tables_and_the_catalogue_ask_for_the_same(void **state)
{
	struct err e = { 0 };

	(void)state;
	if (iam_table_check(&e) != 0)
		fail_msg("%s", err_text(&e));
}

static void only_the_power_to_delete_takes_away(void **state)
{
	(void)state;
	for (const struct iam_statement *s = iam_table_operate; s->sid != NULL; s++)
		for (const char *const *a = s->actions; *a != NULL; a++)
			if (strstr(*a, ":Delete") != NULL || strstr(*a, ":Terminate") != NULL || strstr(*a, ":Deregister") != NULL)
				assert_int_equal(s->power, IAM_DELETE);
}

static void no_action_is_a_pattern(void **state)
{
	(void)state;
	for (const struct iam_statement *s = iam_table_operate; s->sid != NULL; s++)
		for (const char *const *a = s->actions; *a != NULL; a++)
			assert_null(strpbrk(*a, "*?"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tables_and_the_catalogue_ask_for_the_same),
		cmocka_unit_test(only_the_power_to_delete_takes_away),
		cmocka_unit_test(no_action_is_a_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
