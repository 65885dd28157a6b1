/* test_tail_queue.c - whatever order names come in, they leave by position, age and name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "collectors/tail_impl.h"

#include "agent/base/mem.h"

#define N 500

static int compare(const struct tail_candidate *a, const struct tail_candidate *b)
{
	if (a->claims != b->claims)
		return a->claims ? -1 : 1;
	if (a->mtime_ms != b->mtime_ms)
		return a->mtime_ms < b->mtime_ms ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void names_leave_by_position_age_and_name(void **state)
{
	static char names[N][8];
	struct tail_queue q = { 0 };
	struct tail_candidate c, before = { 0 };
	unsigned chance = 7;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		chance = chance * 1103515245u + 12345u;
		snprintf(names[i], sizeof(names[i]), "n%u", i);
		c = (struct tail_candidate){ .name = names[i], .mtime_ms = chance >> 16 & 31, .claims = (chance >> 24 & 7) == 0 };
		tail_queue_add(&q, &c);
	}
	for (unsigned i = 0; i < N; i++, before = c) {
		assert_true(tail_queue_take(&q, &c));
		assert_true(i == 0 || compare(&before, &c) < 0);
	}
	assert_false(tail_queue_take(&q, &c));
	tail_queue_close(&q);
}

static void what_is_left_is_freed_and_what_is_taken_is_the_takers(void **state)
{
	char as[] = "/var/log/x";
	struct tail_queue q = { 0 };
	struct tail_candidate c = { .name = "a", .as = as };

	(void)state;
	tail_queue_add(&q, &c);
	tail_queue_add(&q, &c);
	assert_true(tail_queue_take(&q, &c));
	assert_string_equal(c.as, as);
	mem_free(c.as);
	tail_queue_close(&q);
	assert_int_equal(q.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_leave_by_position_age_and_name),
		cmocka_unit_test(what_is_left_is_freed_and_what_is_taken_is_the_takers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
