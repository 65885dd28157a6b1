/* test_arena.c - memory that dies together is zeroed, aligned and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/arena.h"
#include "tests/unit/base/aborts.h"

static void what_is_handed_out_is_zeroed_aligned_and_apart(void **state)
{
	struct arena *a = arena_new_sized(1 << 20);
	unsigned char *last = NULL;

	(void)state;
	for (size_t len = 0; len < 600; len++) {
		unsigned char *p = arena_alloc(a, len);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, len);
		assert_ptr_not_equal(p, len > 1 ? last : NULL);
		last = p;
	}
	assert_non_null(arena_alloc(a, 100000)); /* larger than a chunk */
	arena_free(a);
	arena_free(NULL);
}

static void texts_are_copies(void **state)
{
	struct arena *a = arena_new_sized(1000);
	char text[] = "hello";
	char *copy = arena_str(a, text), *part = arena_strn(a, text, 3);

	(void)state;
	text[0] = 'j';
	assert_string_equal(copy, "hello");
	assert_string_equal(part, "hel");
	assert_string_equal(arena_printf(a, "%d-%s", 7, text), "7-jello");
	assert_string_equal(arena_strn(a, NULL, 0), "");
	assert_null(arena_str(a, NULL));
	arena_free(a);
}

static void what_is_left_is_told(void **state)
{
	struct arena *a = arena_new_sized(1000);

	(void)state;
	assert_int_equal(arena_left(a), 1000);
	arena_alloc(a, 100);
	assert_true(arena_left(a) <= 900 && arena_left(a) >= 880);
	assert_non_null(arena_alloc(a, arena_left(a) & ~(size_t)15));
	assert_true(arena_left(a) < 16);
	arena_free(a);
}

static void ask_for_too_much(void)
{
	arena_alloc(arena_new_sized(100), 101);
}

static void ask_for_everything(void)
{
	arena_alloc(arena_new_sized(100), SIZE_MAX);
}

static void ask_bit_by_bit(void)
{
	struct arena *a = arena_new_sized(1000);

	for (unsigned i = 0; i < 1001; i++)
		arena_alloc(a, 1);
}

static void beyond_its_maximum_the_agent_stops(void **state)
{
	(void)state;
	assert_aborts(ask_for_too_much);
	assert_aborts(ask_for_everything);
	assert_aborts(ask_bit_by_bit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_handed_out_is_zeroed_aligned_and_apart),
		cmocka_unit_test(texts_are_copies),
		cmocka_unit_test(what_is_left_is_told),
		cmocka_unit_test(beyond_its_maximum_the_agent_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
