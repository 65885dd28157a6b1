/* test_pbw.c - protobuf by hand: the bytes of the encoding's own documentation, and a reader that believes nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/pbw.h"

static void expect_bytes(const struct buf *b, const void *want, size_t len)
{
	assert_int_equal(buf_check(b, "message", NULL), 0);
	assert_int_equal(b->len, len);
	assert_memory_equal(b->data, want, len);
}
#define EXPECT(b, literal) expect_bytes((b), literal, sizeof(literal) - 1)

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static void a_varint_takes_as_few_bytes_as_it_can(void **state)
{
	static const struct {
		unsigned field;
		uint64_t v;
		size_t len;
		const char *bytes;
	} cases[] = {
		{ 1, 0, 2, "\x08\x00" },
		{ 1, 127, 2, "\x08\x7f" },
		{ 1, 128, 3, "\x08\x80\x01" },
		{ 1, 150, 3, "\x08\x96\x01" },
		{ 15, 1, 2, "\x78\x01" },
		{ 16, 1, 3, "\x80\x01\x01" },
		{ 1, UINT64_MAX, 11, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" },
		{ (1u << 29) - 1, 1, 6, "\xf8\xff\xff\xff\x0f\x01" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(64);

		pbw_varint(&b, cases[i].field, cases[i].v);
		expect_bytes(&b, cases[i].bytes, cases[i].len);
	}
}

static void fixed_numbers_are_little_endian(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(64);

	(void)state;
	pbw_fixed64(&b, 2, 0x0102030405060708);
	EXPECT(&b, "\x11\x08\x07\x06\x05\x04\x03\x02\x01");
	buf_reset(&b);
	pbw_double(&b, 1, 1.0);
	EXPECT(&b, "\x09\x00\x00\x00\x00\x00\x00\xf0\x3f");
}

static void texts_and_bytes_carry_their_length_and_may_be_empty(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(64);

	(void)state;
	pbw_str(&b, 2, "testing");
	EXPECT(&b, "\x12\x07testing");
	buf_reset(&b);
	pbw_str(&b, 2, "");
	pbw_bytes(&b, 3, "\0\xff", 2);
	EXPECT(&b, "\x12\x00\x1a\x02\x00\xff");
}

static void a_message_inside_is_read_back_at_every_width_of_its_length(void **state)
{
	static const size_t sizes[] = { 0, 1, 121, 122, 123, 124, 125, 126, 127, 128, 129, 16379, 16380, 16381, 16384, 70000 };
	CLEANUP(mem_close) char *text = mem_alloc(70000);

	(void)state;
	for (size_t i = 0; i < 70000; i++)
		text[i] = (char)('a' + i % 26);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(1 << 20);
		struct pbr_field f;
		struct pbr r;
		size_t outer, inner;

		pbw_varint(&b, 9, 1);
		outer = pbw_begin(&b, 1);
		inner = pbw_begin(&b, 2);
		pbw_bytes(&b, 3, text, sizes[i]);
		pbw_end(&b, inner);
		pbw_varint(&b, 4, 5);
		pbw_end(&b, outer);
		pbw_varint(&b, 9, 2);
		r = pbr_of(b.data, b.len);
		assert_int_equal(pbr_next(&r, &f), 1);
		assert_int_equal(f.value, 1);
		assert_int_equal(pbr_next(&r, &f), 1);
		assert_int_equal(f.number, 1);
		{
			struct pbr in = pbr_of(f.p, f.len), text_in;
			struct pbr_field g;

			assert_int_equal(pbr_next(&in, &g), 1);
			assert_int_equal(g.number, 2);
			text_in = pbr_of(g.p, g.len);
			assert_int_equal(pbr_next(&in, &g), 1);
			assert_int_equal(g.value, 5);
			assert_int_equal(pbr_next(&in, &g), 0);
			assert_int_equal(pbr_next(&text_in, &g), 1);
			assert_int_equal(g.len, sizes[i]);
			assert_memory_equal(g.p, text, sizes[i]);
			assert_int_equal(pbr_next(&text_in, &g), 0);
		}
		assert_int_equal(pbr_next(&r, &f), 1);
		assert_int_equal(f.value, 2);
		assert_int_equal(pbr_next(&r, &f), 0);
	}
}

static void write_nest(struct buf *b)
{
	static const char filler[200];
	size_t outer = pbw_begin(b, 1), inner;

	pbw_double(b, 2, 0.5);
	inner = pbw_begin(b, 3);
	pbw_bytes(b, 4, filler, sizeof(filler));
	pbw_end(b, inner);
	pbw_str(b, 5, "end");
	pbw_end(b, outer);
}

static void a_buffer_too_small_by_any_number_of_bytes_says_so(void **state)
{
	CLEANUP(buf_close) struct buf whole = BUF_MAX(1000);

	(void)state;
	write_nest(&whole);
	assert_int_equal(buf_check(&whole, "message", NULL), 0);
	for (size_t max = 0; max < whole.len; max++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(max);

		write_nest(&b);
		assert_int_equal(buf_check(&b, "message", NULL), -ERR_LIMIT);
		assert_true(b.len <= max);
	}
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static void every_type_is_read_with_its_value(void **state)
{
	static const char bytes[] = "\x08\x96\x01\x11\x08\x07\x06\x05\x04\x03\x02\x01\x1d\x01\x02\x03\xff\x22\x03xyz";
	struct pbr r = pbr_of(bytes, sizeof(bytes) - 1);
	struct pbr_field f;

	(void)state;
	assert_int_equal(pbr_next(&r, &f), 1);
	assert_true(f.number == 1 && f.type == PBR_VARINT && f.value == 150);
	assert_int_equal(pbr_next(&r, &f), 1);
	assert_true(f.number == 2 && f.type == PBR_FIXED64 && f.value == 0x0102030405060708);
	assert_int_equal(pbr_next(&r, &f), 1);
	assert_true(f.number == 3 && f.type == PBR_FIXED32 && f.value == 0xff030201);
	assert_int_equal(pbr_next(&r, &f), 1);
	assert_true(f.number == 4 && f.type == PBR_BYTES && f.len == 3);
	assert_memory_equal(f.p, "xyz", 3);
	assert_int_equal(pbr_next(&r, &f), 0);
	assert_int_equal(pbr_next(&r, &f), 0);
}

static void what_breaks_the_format_is_refused_and_returns_nothing(void **state)
{
#define BYTES(literal) literal, sizeof(literal) - 1
	static const struct {
		const char *what, *bytes;
		size_t len;
	} cases[] = {
		{ "a tag that does not end", BYTES("\x80") },
		{ "field number 0", BYTES("\x00\x01") },
		{ "a field number beyond 32 bits", BYTES("\x80\x80\x80\x80\x80\x01\x01") },
		{ "no value", BYTES("\x08") },
		{ "a value that does not end", BYTES("\x08\xff\xff") },
		{ "eleven bytes of varint", BYTES("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01") },
		{ "seven bytes of fixed64", BYTES("\x09\x01\x02\x03\x04\x05\x06\x07") },
		{ "three bytes of fixed32", BYTES("\x0d\x01\x02\x03") },
		{ "no length", BYTES("\x0a") },
		{ "one byte less than said", BYTES("\x0a\x03xy") },
		{ "a length of 2^64-1", BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01xy") },
		{ "a length that would wrap a pointer", BYTES("\x0a\xf0\xff\xff\xff\xff\xff\xff\xff\x7fxy") },
		{ "a group begins", BYTES("\x0b") },
		{ "a group ends", BYTES("\x0c") },
		{ "type 6", BYTES("\x0e\x01") },
		{ "type 7", BYTES("\x0f\x01") },
	};
#undef BYTES

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pbr r = pbr_of(cases[i].bytes, cases[i].len);
		struct pbr_field f = { .number = 77 };

		if (pbr_next(&r, &f) != -ERR_INVALID)
			fail_msg("taken: %s", cases[i].what);
		assert_int_equal(f.number, 77);
		assert_true(r.at <= r.end);
	}
}

static void noise_of_any_kind_comes_to_an_end_inside_its_bytes(void **state)
{
	uint32_t x = 1;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = round % 40, fields = 0;
		CLEANUP(mem_close) uint8_t *bytes = mem_alloc(len + 1);
		struct pbr r = pbr_of(bytes, len);
		struct pbr_field f;
		int rc;

		for (size_t i = 0; i < len; i++) {
			x = x * 1664525 + 1013904223;
			bytes[i] = (uint8_t)(x >> (round % 2 ? 24 : 26)); /* half of them small: longer runs of good fields */
		}
		while ((rc = pbr_next(&r, &f)) == 1) {
			assert_true(++fields <= len);
			if (f.type == PBR_BYTES)
				assert_true((const uint8_t *)f.p >= bytes && (const uint8_t *)f.p + f.len <= bytes + len);
		}
		assert_true(rc == -ERR_INVALID || r.at == r.end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_varint_takes_as_few_bytes_as_it_can),
		cmocka_unit_test(fixed_numbers_are_little_endian),
		cmocka_unit_test(texts_and_bytes_carry_their_length_and_may_be_empty),
		cmocka_unit_test(a_message_inside_is_read_back_at_every_width_of_its_length),
		cmocka_unit_test(a_buffer_too_small_by_any_number_of_bytes_says_so),
		cmocka_unit_test(every_type_is_read_with_its_value),
		cmocka_unit_test(what_breaks_the_format_is_refused_and_returns_nothing),
		cmocka_unit_test(noise_of_any_kind_comes_to_an_end_inside_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
