/* test_cidr.c - address blocks: strict to read, compared by containment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/cidr.h"
#include "agent/base/mem.h"

static void what_is_no_block_is_refused(void **state)
{
	static const char *const wrong[] = { "",
					     "10.0.0.0/33",
					     "10.0.0.1/8",
					     "10.0.0.0/",
					     "10.0.0.0/x",
					     "10.0.0/8",
					     "10.0.0.0/8 ",
					     "2001:db8::1/32",
					     "::/129",
					     "hello",
					     "10.0.0.0/-1",
					     "010.0.0.0/8/8",
					     "1111111111111111111111111111111111111111111111111111111111111111/8" };
	struct cidr c = { .bits = 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_not_equal(cidr_parse(wrong[i], &c), 0);
	assert_int_equal(c.bits, 7);
}

static void a_block_holds_what_lies_inside_it(void **state)
{
	static const struct {
		const char *outer, *inner;
		bool holds;
	} cases[] = {
		{ "10.0.0.0/8", "10.1.0.0/16", true },
		{ "10.0.0.0/8", "10.0.0.0/8", true },
		{ "10.0.0.0/16", "10.0.0.0/8", false },
		{ "10.0.0.0/8", "11.0.0.0/16", false },
		{ "0.0.0.0/0", "8.8.8.8", true },
		{ "10.0.0.0/8", "0.0.0.0/0", false },
		{ "10.0.0.0/8", "::/0", false },
		{ "::/0", "10.0.0.0/8", false },
		{ "2001:db8::/32", "2001:db8:1::/48", true },
		{ "10.0.0.0/9", "10.128.0.0/9", false },
		{ "10.0.0.7", "10.0.0.7/32", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cidr outer, inner;

		assert_int_equal(cidr_parse(cases[i].outer, &outer), 0);
		assert_int_equal(cidr_parse(cases[i].inner, &inner), 0);
		assert_int_equal(cidr_holds(&outer, &inner), cases[i].holds);
	}
}

static void a_block_has_one_spelling(void **state)
{
	static const char *const cases[][2] = {
		{ "::0/0", "::/0" },
		{ "2001:DB8::/32", "2001:db8::/32" },
		{ "10.0.0.7", "10.0.0.7/32" },
		{ "2001:0db8:0:0:0:0:0:1", "2001:db8::1/128" },
		{ "10.0.0.0/08", "10.0.0.0/8" },
		{ "0:0:0:0:0:0:0:0/00", "::/0" },
		{ "10.20.0.0/16", "10.20.0.0/16" },
	};
	char text[CIDR_TEXT_LEN];
	struct cidr c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(cidr_parse(cases[i][0], &c), 0);
		assert_string_equal(cidr_text(&c, text), cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_block_is_refused),
		cmocka_unit_test(a_block_holds_what_lies_inside_it),
		cmocka_unit_test(a_block_has_one_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
