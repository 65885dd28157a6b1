/* test_pieces.c - buffers one behind the other: their memory is taken over, and packed they are one body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/gzip.h"
#include "agent/base/mem.h"
#include "shippers/pack.h"

static void take(struct pieces *p, const char *text)
{
	struct buf b = BUF_MAX(64);

	buf_adds(&b, text);
	pieces_take(p, &b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.max, 64);
}

static void what_is_taken_is_owned_and_nothing_is_no_piece(void **state)
{
	struct pieces p = { 0 };

	(void)state;
	take(&p, "one");
	take(&p, "");
	take(&p, "three");
	assert_int_equal(p.n, 2);
	assert_int_equal(p.len, 8);
	assert_string_equal(p.v[1].data, "three");
	pieces_close(&p);
	assert_int_equal(p.n + p.len, 0);
	pieces_close(&p);
}

static void packed(const struct pieces *from, struct buf *to)
{
	struct pack p = { 0 };
	int rc;

	pack_begin(&p, PACK_IN, PACK_GZIP, 0);
	while ((rc = pack_pieces(&p, from, to)) == 0)
		;
	pack_end(&p);
	assert_int_equal(rc, 1);
}

static void packed_they_are_one_body_whatever_their_sizes(void **state)
{
	static const size_t sizes[] = { 1, 3, 200000, 7, 600000, 524288, 2 };
	CLEANUP(buf_close) struct buf all = BUF_MAX(4u << 20);
	struct pieces p = { 0 };

	(void)state;
	for (size_t i = 0; i <= ARRAY_LEN(sizes); i++) {
		CLEANUP(buf_close) struct buf to = BUF_MAX(4u << 20);
		CLEANUP(buf_close) struct buf back = BUF_MAX(4u << 20);
		struct buf b = BUF_MAX(1u << 20);

		packed(&p, &to); /* none at all, too */
		assert_int_equal(gzip_unpack(to.data, to.len, &back, NULL), 0);
		assert_int_equal(back.len, all.len);
		assert_memory_equal(buf_str(&back), buf_str(&all), all.len);
		for (size_t k = 0; i < ARRAY_LEN(sizes) && k < sizes[i]; k++)
			buf_addc(&b, (char)('a' + (k * 7 + i) % 23));
		buf_add(&all, buf_str(&b), b.len);
		pieces_take(&p, &b);
	}
	pieces_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken_is_owned_and_nothing_is_no_piece),
		cmocka_unit_test(packed_they_are_one_body_whatever_their_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
