/* test_pattern.c - what is no pattern is refused, with the place and the reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/base/pattern.h"

static void what_is_no_pattern_is_refused_with_place_and_reason(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "((", "wrong at character 2: missing closing parenthesis" },
		{ "a[z-a]", "range out of order" },
		{ "*", "wrong at character 0: quantifier does not follow a repeatable item" },
		{ "\\C", "disabled by the application" },
		{ "\xff", "UTF-8 error" },
		{ "(?:ASIA|AKIA)[A-Z0-7]{16}", NULL },
		{ "\xc3\xa9+", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = { 0 };

		assert_int_equal(pattern_check(cases[i].text, &e), cases[i].says == NULL ? 0 : -ERR_INVALID);
		if (cases[i].says != NULL && strstr(e.text, cases[i].says) == NULL)
			fail_msg("case %zu says: %s", i, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_pattern_is_refused_with_place_and_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
