/* test_reads.c - the role of the instance reads, and reads no more than the code does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/str.h"
#include "agent/ops/account/inventory_read.h"
#include "agent/ops/steps/reads.h"
#include "agent/ops/steps/catalogue.h"

static int has(const char *action)
{
	for (const char *const *r = reads_all(); *r != NULL; r++)
		if (strcmp(*r, action) == 0)
			return 1;
	return 0;
}

static void every_read_only_reads_and_stands_once_in_order(void **state)
{
	(void)state;
	for (const char *const *r = reads_all(); *r != NULL; r++) {
		const char *verb = strchr(*r, ':') + 1;

		assert_true(str_starts(verb, "Describe") || str_starts(verb, "Get") || str_starts(verb, "List"));
		assert_true(r == reads_all() || strcmp(r[-1], *r) < 0);
	}
}

static void what_waiting_steps_ask_of_aws_is_among_them(void **state)
{
	(void)state;
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++)
		assert_true(step_mutates(*k) || step_asks_node(*k) || has((*k)->action));
}

static void what_a_kind_reads_beside_its_call_is_among_them(void **state)
{
	(void)state;
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++)
		for (const struct step_look *const *l = (*k)->looks; l != NULL && *l != NULL; l++)
			assert_true(has((*l)->action));
}

static bool is_looked_for(const char *action)
{
	for (size_t i = 0; inventory_action(catalogue_resources(), i) != NULL; i++)
		if (str_eq(inventory_action(catalogue_resources(), i), action))
			return true;
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++) {
		if (!step_mutates(*k) && str_eq((*k)->action, action))
			return true;
		for (const struct step_look *const *l = (*k)->looks; l != NULL && *l != NULL; l++)
			if (str_eq((*l)->action, action))
				return true;
	}
	return false;
}

static void what_a_taking_reads_is_among_them_and_nothing_that_nobody_asks_is(void **state)
{
	size_t n = 0;

	(void)state;
	for (; inventory_action(catalogue_resources(), n) != NULL; n++)
		assert_true(has(inventory_action(catalogue_resources(), n)));
	assert_true(n > 10);
	for (const char *const *r = reads_all(); *r != NULL; r++)
		assert_true(is_looked_for(*r));
	assert_false(has("ec2:RunInstances"));
}

/* Kinds that only this test knows: a key of KMS, a step that waits for it, and one that asks a node of ours. */
static void a_new_kind_brings_its_reads_and_one_that_asks_a_node_brings_none(void **state)
{
	static const struct inventory_read key_reads[] = { { .name = "keys", .action = "kms:ListKeys" }, { .name = NULL } };
	static const struct resource key = { .kind = "key", .reads = key_reads };
	static const struct step_kind wait_enabled = { .name = "wait-key", .action = "kms:DescribeKey", .repeat = REPEAT_READ };
	static const struct step_kind answers = { .name = "wait-answers", .action = "node:GET /health", .repeat = REPEAT_READ };
	static const struct resource *const things[] = { &key, NULL };
	static const struct step_kind *const kinds[] = { &wait_enabled, &answers, NULL };
	struct reads r = { 0 };
	size_t found = 0;

	(void)state;
	reads_collect(&r, kinds, things);
	for (size_t i = 0; i < r.n; i++) {
		assert_false(str_starts(r.v[i], "node:"));
		found += str_eq(r.v[i], "kms:ListKeys") || str_eq(r.v[i], "kms:DescribeKey");
	}
	assert_int_equal(found, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_read_only_reads_and_stands_once_in_order),
		cmocka_unit_test(what_a_taking_reads_is_among_them_and_nothing_that_nobody_asks_is),
		cmocka_unit_test(what_waiting_steps_ask_of_aws_is_among_them),
		cmocka_unit_test(a_new_kind_brings_its_reads_and_one_that_asks_a_node_brings_none),
		cmocka_unit_test(what_a_kind_reads_beside_its_call_is_among_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
