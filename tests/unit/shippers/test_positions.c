/* test_positions.c - one position a file, and who goes when there are too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "shippers/positions.h"

static struct telemetry_source source_of(uint64_t ino, uint64_t to)
{
	return (struct telemetry_source){ .dev = 1, .ino = ino, .to = to, .path = "/var/log/x" };
}

static void note(struct positions *p, uint64_t from, uint64_t to)
{
	for (uint64_t ino = from; ino < to; ino++) {
		const struct telemetry_source s = source_of(ino, 1);

		positions_note(p, &s);
	}
}

static void let_go(struct positions *p, uint64_t ino)
{
	const struct telemetry_source s = source_of(ino, 1);

	positions_let_go(p, &s);
}

static bool has(const struct positions *p, uint64_t ino)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].ino == ino)
			return true;
	return false;
}

static void a_later_range_of_a_file_replaces_and_moves_to_the_end(void **state)
{
	const struct telemetry_source later = source_of(1, 9);
	struct positions p = { 0 };

	(void)state;
	note(&p, 1, 4);
	positions_note(&p, &later);
	assert_int_equal(p.n, 3);
	assert_int_equal(p.v[2].ino, 1);
	assert_int_equal(p.v[2].to, 9);
	positions_close(&p);
	assert_int_equal(p.n, 0);
}

static void of_too_many_those_let_go_go_first_and_then_the_quietest(void **state)
{
	struct positions p = { 0 };

	(void)state;
	note(&p, 0, POSITIONS_MAX);
	let_go(&p, 10);
	let_go(&p, 20);
	let_go(&p, 30);
	let_go(&p, 1000000);
	note(&p, 20, 21); /* it is back */
	note(&p, 10000, 10002);
	assert_int_equal(p.n, POSITIONS_MAX);
	assert_false(has(&p, 10) || has(&p, 30));
	assert_true(has(&p, 0) && has(&p, 20));
	note(&p, 10002, 10003);
	assert_false(has(&p, 0));
	assert_true(has(&p, 1) && has(&p, 20) && has(&p, 10002));
	positions_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_later_range_of_a_file_replaces_and_moves_to_the_end),
		cmocka_unit_test(of_too_many_those_let_go_go_first_and_then_the_quietest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
