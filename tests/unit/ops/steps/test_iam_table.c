/* test_iam_table.c - the statements of all kinds as one table; what takes away is in a power of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/iam_table.h"

static void each_kind_is_allowed_its_call_and_means_one_thing_by_a_sid(void **state)
{
	struct err e = { 0 };

	(void)state;
	if (iam_table_check(&e) != 0)
		fail_msg("%s", err_text(&e));
}

static void only_the_power_to_delete_takes_away(void **state)
{
	(void)state;
	for (const struct iam_statement *s = iam_table_operate(); s->sid != NULL; s++)
		for (const char *const *a = s->actions; *a != NULL; a++)
			if (strstr(*a, ":Delete") != NULL || strstr(*a, ":Terminate") != NULL || strstr(*a, ":Deregister") != NULL)
				assert_int_equal(s->power, IAM_DELETE);
}

static void no_action_is_a_pattern(void **state)
{
	(void)state;
	for (const struct iam_statement *s = iam_table_operate(); s->sid != NULL; s++)
		for (const char *const *a = s->actions; *a != NULL; a++)
			assert_null(strpbrk(*a, "*?"));
}

static size_t count(const char *sid)
{
	size_t n = 0;

	for (const struct iam_statement *s = iam_table_operate(); s->sid != NULL; s++)
		n += strcmp(s->sid, sid) == 0;
	return n;
}

/* Six kinds of rules, six that take away: one statement each, with all of their actions, each once and in order. */
static void statements_of_one_sid_are_one(void **state)
{
	size_t actions = 0;

	(void)state;
	for (const struct iam_statement *s = iam_table_operate(); s->sid != NULL; s++) {
		assert_int_equal(count(s->sid), 1);
		for (const char *const *a = s->actions; *a != NULL; a++)
			assert_true(a == s->actions || strcmp(a[-1], *a) < 0);
		for (const char *const *a = s->actions; strcmp(s->sid, "Rules") == 0 && *a != NULL; a++)
			actions++;
	}
	assert_int_equal(actions, 6);
	assert_ptr_equal(iam_table_operate(), iam_table_operate());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_is_allowed_its_call_and_means_one_thing_by_a_sid),
		cmocka_unit_test(statements_of_one_sid_are_one),
		cmocka_unit_test(only_the_power_to_delete_takes_away),
		cmocka_unit_test(no_action_is_a_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
