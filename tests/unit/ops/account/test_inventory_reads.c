/* test_inventory_reads.c - the table of a taking's reads: each row is whole. What they read is seen in test_inventory_take.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/str.h"
#include "agent/ops/account/inventory_impl.h"

static void each_row_asks_reads_and_names_its_actions(void **state)
{
	size_t actions = 0;

	(void)state;
	for (const struct inventory_read *r = inventory_reads; r->name != NULL; r++) {
		assert_true(r->ask != NULL && r->take_in != NULL && r->a_call > 0);
		assert_non_null(r->actions[0]);
		for (size_t i = 0; i < ARRAY_LEN(r->actions) && r->actions[i] != NULL; i++, actions++)
			assert_non_null(strstr(r->actions[i], ":Describe"));
		for (const struct inventory_read *k = inventory_reads; k < r; k++)
			assert_string_not_equal(k->name, r->name);
	}
	assert_non_null(inventory_action(actions - 1));
	assert_null(inventory_action(actions));
}

/* What is asked for by name is asked for in the states of its own kind alone. */
static void each_kind_beside_has_one_row(void **state)
{
	unsigned rows[BESIDE_KINDS] = { 0 };

	(void)state;
	for (const struct inventory_read *r = inventory_reads; r->name != NULL; r++)
		rows[r->beside] += r->a_call == BESIDE_A_CALL;
	for (enum beside b = 0; b < BESIDE_KINDS; b++)
		assert_int_equal(rows[b], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_asks_reads_and_names_its_actions),
		cmocka_unit_test(each_kind_beside_has_one_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
