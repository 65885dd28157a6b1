/* test_gzip.c - whole buffers there and back; a bomb, a cut and an appendix are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/gzip.h"
#include "agent/base/mem.h"

static void data_survives_the_round_trip_at_every_size(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 16383, 16384, 16385, 100000, 1 << 20 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct buf packed = BUF_MAX(2 << 20), back = BUF_MAX(sizes[i] + 1);
		CLEANUP(mem_close) char *data = mem_alloc(sizes[i]);
		uint32_t x = 1;

		for (size_t k = 0; k < sizes[i]; k++)
			data[k] = (char)((x = x * 1664525 + 1013904223) >> (i % 2 ? 24 : 30)); /* noise, and less of it */
		assert_int_equal(gzip_pack(data, sizes[i], &packed, &e), 0);
		assert_memory_equal(packed.data, "\x1f\x8b\x08", 3);
		assert_int_equal(gzip_unpack(packed.data, packed.len, &back, &e), 0);
		assert_int_equal(back.len, sizes[i]);
		if (sizes[i] > 0)
			assert_memory_equal(back.data, data, sizes[i]);
		buf_close(&packed);
		buf_close(&back);
	}
}

static void a_bomb_stops_at_the_limit(void **state)
{
	struct buf packed = BUF_MAX(1 << 20), back = BUF_MAX(100000);
	CLEANUP(mem_close) char *zeros = mem_alloc(50 << 20);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(gzip_pack(zeros, 50 << 20, &packed, &e), 0);
	assert_int_equal(gzip_unpack(packed.data, packed.len, &back, &e), -ERR_LIMIT);
	assert_true(back.len <= 100000 && back.cap <= 262144);
	buf_close(&packed);
	buf_close(&back);
	packed = BUF_MAX(10);
	assert_int_equal(gzip_pack("hello", 5, &packed, &e), -ERR_LIMIT);
	buf_close(&packed);
}

static void what_is_cut_broken_or_followed_by_more_is_refused(void **state)
{
	struct buf packed = BUF_MAX(1000), back = BUF_MAX(1000);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(gzip_pack("hello, hello, hello", 19, &packed, &e), 0);
	for (size_t len = 0; len < packed.len; len++) {
		buf_reset(&back);
		assert_int_equal(gzip_unpack(packed.data, len, &back, &e), -ERR_INVALID);
	}
	packed.data[packed.len - 5] ^= 1; /* of the CRC */
	buf_reset(&back);
	assert_int_equal(gzip_unpack(packed.data, packed.len, &back, &e), -ERR_INVALID);
	packed.data[packed.len - 5] ^= 1;
	buf_addc(&packed, 'x');
	buf_reset(&back);
	assert_int_equal(gzip_unpack(packed.data, packed.len, &back, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "1 bytes follow"));
	buf_reset(&back);
	assert_int_equal(gzip_unpack("plain text", 10, &back, &e), -ERR_INVALID);
	buf_close(&packed);
	buf_close(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_survives_the_round_trip_at_every_size),
		cmocka_unit_test(a_bomb_stops_at_the_limit),
		cmocka_unit_test(what_is_cut_broken_or_followed_by_more_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
