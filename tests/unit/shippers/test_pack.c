/* test_pack.c - gzip and zstd in slices: the same bytes whatever the sizes, and what is not of the format is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/err.h"
#include "agent/base/gzip.h"
#include "agent/base/mem.h"
#include "shippers/pack.h"
#include "shippers/pack_impl.h"

#define MOST (4u << 20)

static uint32_t chance = 1;
static bool by_zlib;
static enum pack_format format;

static char draw(void)
{
	chance = chance * 1664525u + 1013904223u;
	return (char)(chance >> 24);
}

/* What no packing makes smaller, and then what packing makes very small. */
static void fill(struct buf *b, size_t len)
{
	buf_reset(b);
	for (size_t i = 0; i < len; i++)
		buf_addc(b, i < len / 2 ? draw() : 'x');
}

static int whole(enum pack_way way, const struct buf *from, struct buf *to, unsigned *slices)
{
	struct pack p = { 0 };
	int rc;

	*slices = 0;
	pack_begin(&p, way, format, from->len);
	/* In a build with ISA-L zlib packs too, as it does where that was not there. */
	if (way == PACK_IN && by_zlib) {
		pack_end(&p);
		p = (struct pack){ .codec = &pack_zlib_in, .state = mem_alloc(pack_zlib_in.state_size) };
		p.codec->begin(p.state, from->len);
	}
	do
		++*slices;
	while ((rc = pack_slice(&p, from, to)) == 0);
	pack_end(&p);
	pack_end(&p);
	return rc;
}

static void expect_same(const struct buf *back, const struct buf *all)
{
	assert_int_equal(back->len, all->len);
	if (all->len > 0)
		assert_memory_equal(back->data, all->data, all->len);
}

static void what_is_packed_comes_out_as_it_was(void **state)
{
	static const size_t sizes[] = { 0, 1, 16383, 16384, 16385, 196608, 196609, 1u << 20, (3u << 20) + 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		CLEANUP(buf_close) struct buf all = BUF_MAX(MOST);
		CLEANUP(buf_close) struct buf packed = BUF_MAX(MOST);
		CLEANUP(buf_close) struct buf back = BUF_MAX(MOST);
		unsigned slices;

		fill(&all, sizes[i]);
		assert_int_equal(whole(PACK_IN, &all, &packed, &slices), 1);
		assert_true(slices >= sizes[i] / (512u << 10)); /* so no tick is long */
		assert_int_equal(pack_raw_size(format, &packed), sizes[i]);
		assert_int_equal(whole(PACK_OUT, &packed, &back, &slices), 1);
		expect_same(&back, &all);
	}
}

/* In a build with ISA-L zlib packs too, as it does where that was not there. */
static void begin_again(struct pack *p, size_t all)
{
	if (by_zlib && p->state == NULL) {
		*p = (struct pack){ .codec = &pack_zlib_in, .state = mem_alloc(pack_zlib_in.state_size) };
		p->codec->begin(p->state, all);
	} else if (by_zlib) {
		p->piece = p->at = 0;
		p->codec->again(p->state, all);
	} else {
		pack_begin(p, PACK_IN, format, all);
	}
}

static void a_body_is_the_same_whatever_was_packed_before_it(void **state)
{
	static const size_t sizes[] = { 700000, 0, 5, 1u << 20, 300000, 2u << 20 };
	struct pack p = { 0 };

	(void)state;
	for (size_t i = 0; i < 4 * ARRAY_LEN(sizes); i++) {
		size_t size = sizes[i % ARRAY_LEN(sizes)];
		CLEANUP(buf_close) struct buf all = BUF_MAX(MOST);
		CLEANUP(buf_close) struct buf alone = BUF_MAX(MOST);
		/* Each third one is left half way, and each fifth has no room. */
		CLEANUP(buf_close) struct buf behind = BUF_MAX(i % 5 == 4 ? 100 : MOST);
		unsigned slices;
		int rc;

		fill(&all, size);
		assert_int_equal(whole(PACK_IN, &all, &alone, &slices), 1);
		begin_again(&p, size);
		do
			rc = pack_slice(&p, &all, &behind);
		while (rc == 0 && i % 3 != 2);
		if (rc == 1)
			expect_same(&behind, &alone);
	}
	pack_end(&p);
}

static void what_packs_keeps_no_more_memory_than_one_body_needs(void **state)
{
	struct pack p = { 0 };
	const void *at = NULL;

	(void)state;
	for (int i = 0; i < 10; i++) {
		CLEANUP(buf_close) struct buf all = BUF_MAX(MOST);
		CLEANUP(buf_close) struct buf to = BUF_MAX(MOST);

		fill(&all, 1u << 20);
		begin_again(&p, all.len);
		assert_true(at == NULL || at == p.state);
		at = p.state;
		while (pack_slice(&p, &all, &to) == 0)
			;
	}
	pack_end(&p);
}

static void one_that_is_cut_anywhere_or_none_at_all_is_refused(void **state)
{
	CLEANUP(buf_close) struct buf all = BUF_MAX(MOST);
	CLEANUP(buf_close) struct buf packed = BUF_MAX(MOST);
	unsigned slices;

	(void)state;
	fill(&all, 3000);
	assert_int_equal(whole(PACK_IN, &all, &packed, &slices), 1);
	for (size_t len = 0; len < packed.len; len++) {
		CLEANUP(buf_close) struct buf cut = BUF_MAX(MOST);
		CLEANUP(buf_close) struct buf back = BUF_MAX(MOST);

		buf_add(&cut, packed.data, len);
		assert_int_equal(whole(PACK_OUT, &cut, &back, &slices), -ERR_INVALID);
	}
	packed.data[0] = 'x';
	buf_reset(&all);
	assert_int_equal(whole(PACK_OUT, &packed, &all, &slices), -ERR_INVALID);
}

static void what_does_not_fit_is_told_in_both_ways(void **state)
{
	CLEANUP(buf_close) struct buf all = BUF_MAX(MOST);
	CLEANUP(buf_close) struct buf packed = BUF_MAX(MOST);
	unsigned slices;

	(void)state;
	fill(&all, 500000);
	assert_int_equal(whole(PACK_IN, &all, &packed, &slices), 1);
	for (size_t most = 1; most < 250000; most = most * 2 + 1) {
		CLEANUP(buf_close) struct buf small = BUF_MAX(most);
		CLEANUP(buf_close) struct buf smaller = BUF_MAX(most);

		assert_int_equal(whole(PACK_IN, &all, &small, &slices), -ERR_LIMIT);
		assert_int_equal(whole(PACK_OUT, &packed, &smaller, &slices), -ERR_LIMIT);
		assert_true(small.len <= most && smaller.len <= most);
	}
}

/* A body is one member with nothing behind it, so that its trailer covers all of it. */
static void what_is_packed_is_one_whole_gzip_for_anybody(void **state)
{
	CLEANUP(buf_close) struct buf all = BUF_MAX(MOST);
	CLEANUP(buf_close) struct buf packed = BUF_MAX(MOST);
	CLEANUP(buf_close) struct buf back = BUF_MAX(MOST);
	unsigned slices;

	(void)state;
	fill(&all, (1u << 20) + 11);
	assert_int_equal(whole(PACK_IN, &all, &packed, &slices), 1);
	assert_int_equal(gzip_unpack(packed.data, packed.len, &back, NULL), 0);
	expect_same(&back, &all);
}

/* The sum over a frame's content is in it, so `zstd -t` finds what a disk has changed. */
static void a_bit_that_changed_is_found_or_changes_nothing(void **state)
{
	CLEANUP(buf_close) struct buf all = BUF_MAX(MOST);
	CLEANUP(buf_close) struct buf packed = BUF_MAX(MOST);
	unsigned slices;

	(void)state;
	fill(&all, 3000);
	assert_int_equal(whole(PACK_IN, &all, &packed, &slices), 1);
	for (size_t i = 0; i < packed.len; i++) {
		CLEANUP(buf_close) struct buf back = BUF_MAX(MOST);

		packed.data[i] = (char)(packed.data[i] ^ 1);
		if (whole(PACK_OUT, &packed, &back, &slices) == 1) /* a bit of the header that nothing depends on */
			expect_same(&back, &all);
		packed.data[i] = (char)(packed.data[i] ^ 1);
	}
}

static void a_format_is_known_by_its_first_bytes_and_its_length(void **state)
{
	unsigned slices;

	(void)state;
	for (int f = 0; f < PACK_FORMATS; f++) {
		CLEANUP(buf_close) struct buf all = BUF_MAX(MOST);
		CLEANUP(buf_close) struct buf packed = BUF_MAX(MOST);

		format = (enum pack_format)f;
		assert_int_equal(whole(PACK_IN, &all, &packed, &slices), 1); /* of nothing: the shortest that there is */
		for (int other = 0; other < PACK_FORMATS; other++)
			assert_int_equal(pack_is((enum pack_format)other, &packed), other == f);
		packed.len = 3;
		assert_false(pack_is(format, &packed));
	}
	format = PACK_GZIP;
}

static int with_zlib(void **state)
{
	(void)state;
	by_zlib = true;
	return 0;
}

static int with_zstd(void **state)
{
	(void)state;
	by_zlib = false;
	format = PACK_ZSTD;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_comes_out_as_it_was),
		cmocka_unit_test(a_body_is_the_same_whatever_was_packed_before_it),
		cmocka_unit_test(what_packs_keeps_no_more_memory_than_one_body_needs),
		cmocka_unit_test(one_that_is_cut_anywhere_or_none_at_all_is_refused),
		cmocka_unit_test(what_does_not_fit_is_told_in_both_ways),
		cmocka_unit_test(what_is_packed_is_one_whole_gzip_for_anybody),
		cmocka_unit_test_setup(what_is_packed_comes_out_as_it_was, with_zlib),
		cmocka_unit_test_setup(a_body_is_the_same_whatever_was_packed_before_it, with_zlib),
		cmocka_unit_test_setup(what_packs_keeps_no_more_memory_than_one_body_needs, with_zlib),
		cmocka_unit_test_setup(one_that_is_cut_anywhere_or_none_at_all_is_refused, with_zlib),
		cmocka_unit_test_setup(what_does_not_fit_is_told_in_both_ways, with_zlib),
		cmocka_unit_test_setup(what_is_packed_is_one_whole_gzip_for_anybody, with_zlib),
		cmocka_unit_test_setup(what_is_packed_comes_out_as_it_was, with_zstd),
		cmocka_unit_test_setup(a_body_is_the_same_whatever_was_packed_before_it, with_zstd),
		cmocka_unit_test_setup(what_packs_keeps_no_more_memory_than_one_body_needs, with_zstd),
		cmocka_unit_test_setup(one_that_is_cut_anywhere_or_none_at_all_is_refused, with_zstd),
		cmocka_unit_test_setup(what_does_not_fit_is_told_in_both_ways, with_zstd),
		cmocka_unit_test_setup(a_bit_that_changed_is_found_or_changes_nothing, with_zstd),
		cmocka_unit_test(a_format_is_known_by_its_first_bytes_and_its_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
