/* test_mem.c - allocations that do not fail, and stop the agent where they would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/list.h"
#include "agent/base/mem.h"
#include "tests/unit/base/aborts.h"

static void copies_are_terminated_and_null_stays_null(void **state)
{
	char *s = mem_str("abc"), *n = mem_strn("abcdef", 2), *p = mem_printf("%s-%d", "x", 5);
	char *c = mem_strn("a\0b", 3);

	(void)state;
	assert_string_equal(s, "abc");
	assert_string_equal(n, "ab");
	assert_string_equal(p, "x-5");
	assert_memory_equal(c, "a\0b", 4);
	assert_null(mem_str(NULL));
	mem_free(s);
	mem_free(n);
	mem_free(p);
	mem_free(c);
	mem_free(NULL);
}

static void nothing_asked_is_still_memory(void **state)
{
	void *p = mem_alloc(0), *q = mem_grow(NULL, 0, 8);

	(void)state;
	assert_non_null(p);
	assert_non_null(q);
	mem_close(&p);
	assert_null(p);
	q = mem_grow(q, 10, 8);
	memset(q, 1, 80);
	mem_free(q);
}

static void grow_past_the_end(void)
{
	mem_grow(NULL, SIZE_MAX / 4, 8);
}

static void an_overflow_stops_the_agent(void **state)
{
	(void)state;
	assert_aborts(grow_past_the_end);
}

struct item {
	struct list link;
	int n;
};

static void lists_keep_their_order_and_survive_any_removal(void **state)
{
	struct item items[5] = { 0 };
	struct list head, other;
	int sum = 0;

	(void)state;
	list_init(&head);
	list_init(&other);
	assert_true(list_empty(&head) && list_empty(&items[0].link));
	list_del(&items[0].link); /* in no list: harmless */
	for (int i = 0; i < 5; i++) {
		items[i].n = i;
		list_add(&head, &items[i].link);
	}
	list_each_safe(n, &head)
		if (list_entry(n, struct item, link)->n % 2)
			list_del(n);
	list_each(n, &head)
		sum = sum * 10 + list_entry(n, struct item, link)->n;
	assert_int_equal(sum, 24);
	list_add(&other, &items[1].link);
	list_move(&other, &head);
	assert_true(list_empty(&head));
	assert_ptr_equal(list_pop(&other), &items[1].link);
	assert_ptr_equal(list_pop(&other), &items[0].link);
	list_del(&items[4].link);
	list_del(&items[4].link);
	assert_ptr_equal(list_pop(&other), &items[2].link);
	assert_null(list_pop(&other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_terminated_and_null_stays_null),
		cmocka_unit_test(nothing_asked_is_still_memory),
		cmocka_unit_test(an_overflow_stops_the_agent),
		cmocka_unit_test(lists_keep_their_order_and_survive_any_removal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
