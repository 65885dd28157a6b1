/* test_spool_found.c - bodies found in any order come out in theirs, whatever the slices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "shippers/spool_found.h"

static uint64_t chance = 1;

static uint64_t draw(void)
{
	chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return chance >> 33;
}

static void add(struct spool_found *f, uint64_t seq, uint64_t id)
{
	const struct spool_body b = { .seq = seq, .id = id };

	spool_found_add(f, &b);
}

static void whatever_was_added_stands_in_order(void **state)
{
	(void)state;
	for (size_t n = 0; n < 300; n++) {
		struct spool_found f = { 0 };

		for (size_t i = 0; i < n; i++)
			add(&f, draw() % (n + 1), i);
		while (!spool_found_sort(&f, 1 + draw() % 7))
			;
		assert_int_equal(f.n, n);
		for (size_t i = 1; i < n; i++)
			assert_true(f.v[i - 1].seq < f.v[i].seq || (f.v[i - 1].seq == f.v[i].seq && f.v[i - 1].id < f.v[i].id));
		spool_found_close(&f);
	}
}

static void each_is_found_again_and_nothing_else(void **state)
{
	struct spool_found f = { 0 };

	(void)state;
	assert_null(spool_found_get(&f, 1, 1));
	for (uint64_t seq = 100; seq > 0; seq--)
		add(&f, 2 * seq, seq);
	while (!spool_found_sort(&f, 10))
		;
	for (uint64_t seq = 1; seq <= 100; seq++) {
		assert_int_equal(spool_found_get(&f, 2 * seq, seq)->seq, 2 * seq);
		assert_null(spool_found_get(&f, 2 * seq, seq + 1));
		assert_null(spool_found_get(&f, 2 * seq + 1, seq));
	}
	spool_found_close(&f);
}

static void an_id_is_sixteen_hex_digits_and_nothing_else(void **state)
{
	static const char *const wrong[] = { "",
					     "-1",
					     "0x00000000000001",
					     "0123456789abcde",
					     "0123456789abcdef0",
					     " 123456789abcdef",
					     "0123456789abcdeF",
					     "+123456789abcdef" };
	uint64_t id = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(spool_found_id(wrong[i], &id));
	assert_int_equal(id, 7);
	assert_true(spool_found_id("0123456789abcdef", &id));
	assert_int_equal(id, 0x0123456789abcdef);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_was_added_stands_in_order),
		cmocka_unit_test(each_is_found_again_and_nothing_else),
		cmocka_unit_test(an_id_is_sixteen_hex_digits_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
