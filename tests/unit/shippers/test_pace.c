/* test_pace.c - a backlog goes at so many bytes a second, and as much again as comes new. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "shippers/pace.h"

/* What goes in so many seconds, in bodies of that size, while so much comes new in each of them. The asker naps as it is told. */
static uint64_t gone_in(uint64_t rate, uint64_t body, uint64_t new_a_second, uint64_t seconds)
{
	struct pace p = pace_new(rate, 0);
	uint64_t gone = 0;

	for (uint64_t now = 0; now < seconds * 1000;) {
		uint64_t ms = pace_wait_ms(&p, now, new_a_second * now / 1000);

		assert_true(ms <= 1000);
		now += ms;
		if (ms > 0)
			continue;
		pace_spend(&p, body);
		gone += body;
	}
	return gone;
}

static void a_backlog_goes_at_its_rate_and_what_comes_new_is_sent_beside_it(void **state)
{
	static const uint64_t rates[] = { 64u << 10, 1u << 20, 8u << 20, UINT64_C(1) << 40 };
	static const uint64_t bodies[] = { 100, 70000, 1u << 20 };
	static const uint64_t new[] = { 0, 30000, 20u << 20 };

	(void)state;
	for (size_t r = 0; r < 3; r++)
		for (size_t b = 0; b < ARRAY_LEN(bodies); b++)
			for (size_t n = 0; n < ARRAY_LEN(new); n++) {
				uint64_t seconds = 100, most = (rates[r] + new[n]) * seconds + rates[r] + bodies[b];
				uint64_t gone = gone_in(rates[r], bodies[b], new[n], seconds);

				/* What comes new within a nap may be more than the bucket holds. */
				assert_true(gone <= most);
				assert_true(gone + bodies[b] + rates[r] >= rates[r] * seconds);
			}
}

static void with_no_rate_nothing_waits(void **state)
{
	struct pace p = pace_new(0, 5);

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(pace_wait_ms(&p, 5, 0), 0);
		pace_spend(&p, 1u << 30);
	}
}

static void a_long_rest_is_no_reason_to_be_faster(void **state)
{
	struct pace p = pace_new(1000, 0);

	(void)state;
	assert_int_equal(pace_wait_ms(&p, 3600000, 0), 0);
	pace_spend(&p, 1001);
	assert_true(pace_wait_ms(&p, 3600000, 0) > 0);
}

/* A body of a mebibyte at 64 KiB a second takes sixteen seconds, also when nobody asks meanwhile. */
static void a_debt_is_paid_while_nobody_asks(void **state)
{
	struct pace p = pace_new(64u << 10, 0);

	(void)state;
	pace_spend(&p, 1u << 20);
	assert_true(pace_wait_ms(&p, 14000, 0) > 0);
	assert_int_equal(pace_wait_ms(&p, 16000, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_backlog_goes_at_its_rate_and_what_comes_new_is_sent_beside_it),
		cmocka_unit_test(with_no_rate_nothing_waits),
		cmocka_unit_test(a_long_rest_is_no_reason_to_be_faster),
		cmocka_unit_test(a_debt_is_paid_while_nobody_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
