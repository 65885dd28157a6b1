/* test_backoff.c - waits grow, are jittered and never exceed the cap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/backoff.h"

static void the_longest_wait_doubles_up_to_the_cap(void **state)
{
	static const uint32_t most[] = { 200, 400, 800, 1600, 3000, 3000, 3000 };
	struct backoff b = BACKOFF(200, 3000);

	(void)state;
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		struct backoff low = b;

		assert_int_equal(backoff_next_ms(&low, 0), 1);
		assert_int_equal(backoff_next_ms(&b, most[i] - 1), most[i]);
		assert_int_equal(b.tries, i + 1);
	}
	backoff_reset(&b);
	assert_int_equal(backoff_next_ms(&b, 199), 200);
}

static void no_value_breaks_it(void **state)
{
	struct backoff b = BACKOFF(UINT32_MAX, UINT32_MAX), zero = BACKOFF(0, 0), tired = BACKOFF(1, UINT32_MAX);

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		assert_true(backoff_next_ms(&b, UINT64_MAX - i) >= 1);
		assert_int_equal(backoff_next_ms(&zero, i), 1);
	}
	tired.tries = UINT32_MAX - 1;
	assert_true(backoff_next_ms(&tired, UINT32_MAX - 2) == UINT32_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_wait_doubles_up_to_the_cap),
		cmocka_unit_test(no_value_breaks_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
