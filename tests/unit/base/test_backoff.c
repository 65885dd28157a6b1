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

static void the_longer_of_our_wait_and_theirs_counts_as_far_as_they_are_followed(void **state)
{
	static const struct backoff_caps vendor = { .most_ms = 900000 }, receiver = { .least_ms = 1000, .most_ms = 600000 },
					 aws = { .beyond_ms = 5000 }, none = { 0 };
	static const struct {
		struct backoff_ask ask;
		const struct backoff_caps *caps;
		uint64_t ms; /* our own wait is 400 */
	} cases[] = {
		{ { false, false, 0 }, &vendor, 400 },
		{ { false, false, 7000 }, &vendor, 400 },
		{ { true, false, 0 }, &vendor, 400 },
		{ { true, false, 399 }, &vendor, 400 },
		{ { true, false, 7000 }, &vendor, 7000 },
		{ { true, false, 900000 }, &vendor, 900000 },
		{ { true, false, UINT64_MAX }, &vendor, 900000 },
		{ { true, true, 0 }, &vendor, 400 },
		{ { true, true, 7000 }, &vendor, 7400 }, /* a moment for all: each comes at his own distance from it */
		{ { true, true, UINT64_MAX }, &vendor, 900000 },
		{ { true, false, 0 }, &receiver, 1000 },
		{ { true, false, 30000 }, &receiver, 30000 },
		{ { true, false, 600001 }, &receiver, 600000 },
		{ { false, false, 0 }, &receiver, 400 },
		{ { true, false, 300 }, &aws, 400 },
		{ { true, false, 4000 }, &aws, 4000 },
		{ { true, false, 99999999 }, &aws, 5400 },
		{ { true, true, UINT64_MAX }, &none, UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct backoff b = BACKOFF(1000, 60000);

		assert_true(backoff_asked_ms(&b, 399, cases[i].ask, *cases[i].caps) == cases[i].ms);
		assert_int_equal(b.tries, 1);
	}
}

static void a_peer_that_always_asks_for_little_does_not_keep_us_from_slowing_down(void **state)
{
	struct backoff b = BACKOFF(1000, 60000);
	uint64_t longest = 0;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		uint64_t ms = backoff_asked_ms(&b, 59999, (struct backoff_ask){ true, false, 1000 }, (struct backoff_caps){ 0 });

		assert_true(ms >= 1000);
		longest = ms > longest ? ms : longest;
	}
	assert_int_equal(longest, 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_wait_doubles_up_to_the_cap),
		cmocka_unit_test(no_value_breaks_it),
		cmocka_unit_test(the_longer_of_our_wait_and_theirs_counts_as_far_as_they_are_followed),
		cmocka_unit_test(a_peer_that_always_asks_for_little_does_not_keep_us_from_slowing_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
