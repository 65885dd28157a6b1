/* test_trouble.c - of what kind a failure is, from which `reeve status` takes its advice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/control/trouble.h"

static void each_answer_is_of_one_kind_and_each_kind_has_a_name(void **state)
{
	static const struct {
		int rc, status;
		const char *kind;
	} cases[] = {
		{ -ERR_NET, 0, "no_answer" }, { -ERR_TIMEOUT, 200, "no_answer" },
		{ 0, 401, "refused" },        { 0, 403, "refused" },
		{ 0, 404, "refused" },        { 0, 429, "busy" },
		{ 0, 500, "busy" },           { 0, 503, "busy" },
		{ 0, 200, "answer" },         { 0, 302, "answer" },
		{ 0, 400, "answer" },         { 0, 413, "answer" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(trouble_kind_name(trouble_kind_of(cases[i].rc, cases[i].status)), cases[i].kind);
	assert_string_equal(trouble_kind_name(TROUBLE_KEYS), "keys");
}

static void nothing_failed_is_no_sentence(void **state)
{
	struct trouble t = { 0 };

	(void)state;
	assert_string_equal(trouble_text(&t), "");
	err_set(&t.err, ERR_NET, "the cable is out");
	assert_string_equal(trouble_text(&t), "the cable is out");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_is_of_one_kind_and_each_kind_has_a_name),
		cmocka_unit_test(nothing_failed_is_no_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
