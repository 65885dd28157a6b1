/* test_handle.c - what a person may type for a command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/handle.h"
#include "agent/base/mem.h"

#define ID "01a3185c-5000-7101-8101-0101010101ff"

static void an_id_is_found_with_and_without_dashes_by_its_beginning_and_by_number(void **state)
{
	static const struct {
		const char *text;
		bool fits; /* ID, number 17 */
	} cases[] = {
		{ ID, true },
		{ "01a3185c500071018101"
		  "0101010101ff",
		  true },
		{ "01A3185C-5000-7101-8101-0101010101FF", true },
		{ "0", true },
		{ "01a3185c-", true },
		{ "01a3185c5", true },
		{ "01a3185c-5000-7101-8101-0101010101fe", false },
		{ "1a3", false },
		{ "17", true },
		{ "1", false }, /* a number, and another one */
		{ "017", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct handle h;

		assert_int_equal(handle_parse(cases[i].text, &h, NULL), 0);
		if (handle_fits(&h, ID, 17) != cases[i].fits)
			fail_msg("%s", cases[i].text);
	}
}

static void what_is_none_is_refused(void **state)
{
	static const char *const wrong[] = { "", "-", "xyz", "17 ", "../status", ID "0", "0x17", "-17", "%31" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct handle h;

		if (handle_parse(wrong[i], &h, NULL) != -ERR_INVALID)
			fail_msg("%s", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_found_with_and_without_dashes_by_its_beginning_and_by_number),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
