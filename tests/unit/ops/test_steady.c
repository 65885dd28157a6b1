/* test_steady.c - a time that nobody moves by setting the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/ops/steady.h"

#define T0 1800000000000ll
#define HOUR 3600000ll

static void it_goes_on_as_both_clocks_do(void **state)
{
	struct steady s = { 0 };

	(void)state;
	assert_int_equal(steady_now(&s, T0, 5000), T0);
	assert_int_equal(steady_now(&s, T0 + HOUR, 5000 + HOUR), T0 + HOUR);
	assert_int_equal(steady_now(&s, T0 + HOUR, 5000 + HOUR), T0 + HOUR);
}

static void a_clock_that_is_wrong_for_a_while_moves_it_by_no_more_than_that_while(void **state)
{
	static const int64_t wrong[] = { -2 * HOUR, 26 * HOUR, -T0, 24 * 365 * HOUR };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct steady s = { 0 };
		int64_t now;

		steady_now(&s, T0, 1000);
		steady_now(&s, T0 + 1000 + wrong[i], 2000);
		now = steady_now(&s, T0 + 3000, 4000);
		assert_true(now >= T0 && now <= T0 + 3000);
		assert_int_equal(steady_now(&s, T0 + 3000 + HOUR, 4000 + (uint64_t)HOUR), now + HOUR);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_goes_on_as_both_clocks_do),
		cmocka_unit_test(a_clock_that_is_wrong_for_a_while_moves_it_by_no_more_than_that_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
