/* test_bound.c - the rows of the policy's bounds, and what their lists hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"

/* Everyone who works by the rows takes these for granted. */
static void each_row_says_what_its_readers_need(void **state)
{
	(void)state;
	for (const struct bound *const *b = catalogue_bounds(); *b != NULL; b++) {
		bool is_texts = (*b)->form == BOUND_TEXTS;

		assert_true(strlen((*b)->key) > 0 && strlen((*b)->stops) > 0);
		assert_true(((*b)->is_member != NULL) == is_texts);
		assert_true(((*b)->expected != NULL) == is_texts);
		assert_true(is_texts || ((*b)->holds == NULL && (*b)->any == NULL && (*b)->ours == NULL));
		assert_true((*b)->form != BOUND_NUMBER || (*b)->verb != NULL || *b == &bound_nodes_total);
		for (const struct bound *const *other = b + 1; *other != NULL; other++)
			assert_false(str_eq((*b)->key, (*other)->key));
		assert_ptr_equal(catalogue_bounds()[catalogue_place_of(*b)], *b);
	}
}

static void what_a_list_holds_is_said_by_its_row(void **state)
{
	char abc[] = "abc", team[] = "team-*", *texts[] = { abc, team };
	const struct bound_texts list = { texts, 2 };
	static const struct {
		const struct bound *of;
		const char *wanted;
		bool holds;
	} cases[] = {
		{ &bound_tag_keys, "team-a", true }, { &bound_tag_keys, "team", false }, { &bound_user_data, "ABC", true },
		{ &bound_user_data, "abcd", false }, { &bound_tag_keys, "abc", true },   { &bound_user_data, "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(cases[i].of->holds(&list, cases[i].wanted), cases[i].holds);
	assert_true(bound_holds(&list, "abc"));
	assert_false(bound_holds(&list, "ABC"));
	assert_false(bound_holds(&list, "team-a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_says_what_its_readers_need),
		cmocka_unit_test(what_a_list_holds_is_said_by_its_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
