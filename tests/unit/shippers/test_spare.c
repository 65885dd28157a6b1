/* test_spare.c - large buffers that are kept: which one is given, how many, and that nothing of the last one is in the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "shippers/spare.h"

static struct buf filled(size_t len)
{
	struct buf b = BUF_MAX(4u << 20);

	memset(buf_room(&b, len), 'x', len);
	buf_grew(&b, len);
	return b;
}

static void a_large_one_serves_again_and_is_empty(void **state)
{
	struct spare s = { 0 };
	struct buf a = filled(1u << 20), b = BUF_MAX(2u << 20);
	const char *at = a.data;

	(void)state;
	spare_give(&s, &a);
	assert_null(a.data);
	assert_int_equal(a.max, 4u << 20);
	spare_take(&s, &b, 900000);
	assert_ptr_equal(b.data, at);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(b.max, 2u << 20); /* the limit is the new one's */
	buf_close(&b);
	spare_close(&s);
}

static void small_and_huge_ones_are_not_kept(void **state)
{
	struct spare s = { 0 };
	struct buf small = filled(1000), huge = filled(3u << 20), b = BUF_MAX(1u << 20);

	(void)state;
	spare_give(&s, &small);
	spare_give(&s, &huge);
	assert_int_equal(s.n, 0);
	spare_take(&s, &b, 1000);
	assert_true(b.cap < SPARE_FROM);
	buf_close(&b);
}

static void the_smallest_that_does_is_given_and_none_that_does_not(void **state)
{
	struct spare s = { 0 };
	struct buf a = filled(1000000), b = filled(200000), to = BUF_MAX(2u << 20), more = BUF_MAX(2u << 20);
	const char *small = b.data;

	(void)state;
	spare_give(&s, &a);
	spare_give(&s, &b);
	spare_take(&s, &to, 150000);
	assert_ptr_equal(to.data, small);
	spare_take(&s, &more, 1100000); /* the one that is left has room for 1,048,575 */
	assert_true(more.cap > 1100000);
	assert_int_equal(s.n, 1);
	buf_close(&to);
	buf_close(&more);
	spare_close(&s);
	assert_int_equal(s.n, 0);
}

static void so_many_are_kept_and_no_more(void **state)
{
	struct spare s = { 0 };

	(void)state;
	for (int i = 0; i < 3 * SPARE_MOST; i++) {
		struct buf b = filled(300000);

		spare_give(&s, &b);
		assert_null(b.data);
	}
	assert_int_equal(s.n, SPARE_MOST);
	spare_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_one_serves_again_and_is_empty),
		cmocka_unit_test(small_and_huge_ones_are_not_kept),
		cmocka_unit_test(the_smallest_that_does_is_given_and_none_that_does_not),
		cmocka_unit_test(so_many_are_kept_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
