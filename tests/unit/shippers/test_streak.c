/* test_streak.c - so many bytes of a set in a row, against the same asked byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "shippers/streak.h"

static bool is_in_slowly(const struct byteset *set, size_t least, const char *s, size_t len)
{
	size_t row = 0;

	for (size_t i = 0; i < len && row < least; i++)
		row = byteset_has(set, (unsigned char)s[i]) ? row + 1 : 0;
	return row >= least;
}

static void a_run_is_found_at_every_place_of_every_length(void **state)
{
	static const char *const sets[] = { "[0-9 -]", "[0-9A-Fa-f:]", "x", "[A-Za-z0-9+/]", "[^a-y]" };
	char text[200];

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(sets); k++)
		for (size_t least = 1; least <= STREAK_LONGEST; least += 5)
			for (size_t at = 0; at < 140; at++)
				for (int shorter = 0; shorter < 2; shorter++) {
					struct byteset set = byteset_of(sets[k]);
					struct streak r = streak_of(&set, least);
					size_t len = at + least + at % 7;

					memset(text, 'g', sizeof(text));
					memset(text + at, k == 2 || k == 4 ? 'x' + (k == 4) * 2 : '0', least - (size_t)shorter);
					assert_int_equal(streak_is_in(&r, text, len), is_in_slowly(&set, least, text, len));
				}
}

static void a_longer_run_or_a_set_of_many_ranges_is_found_too(void **state)
{
	struct byteset hex = byteset_of("[0-9a-f]"), many = byteset_of("[acegikmoqsuwy]");
	struct streak longest = streak_of(&hex, 64), any = streak_of(&many, 4), none = streak_of(&hex, 0);
	char text[80];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_true(streak_is_in(&longest, text, 64));
	assert_false(streak_is_in(&longest, text, 20));
	assert_true(streak_is_in(&any, "bdfh", 4)); /* it is not asked: that costs a look at the text, and no secret */
	assert_true(streak_is_in(&none, "", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_is_found_at_every_place_of_every_length),
		cmocka_unit_test(a_longer_run_or_a_set_of_many_ranges_is_found_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
