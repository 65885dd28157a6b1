/* test_pbguard.c - what protobuf-c is never shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"
#include "agent/base/pbguard.h"
#include "agent/base/pbw.h"
#include "proto/control.pb-c.h"
#include "tests/sim/copy.h"

#define INTENT (&reeve__control__v1__intent__descriptor)
#define REPORT (&reeve__control__v1__report__descriptor)
#define RULE (&reeve__control__v1__rule__descriptor)

static void good(struct buf *b)
{
	size_t head, sig;

	pbw_varint(b, 1, 3); /* epoch */
	head = pbw_begin(b, 2);
	pbw_str(b, 1, "body");
	sig = pbw_begin(b, 2);
	pbw_varint(b, 2, 1);
	pbw_end(b, sig);
	pbw_end(b, head);
	pbw_bytes(b, 99, "new", 3);
}

static void wrong_type(struct buf *b)
{
	pbw_str(b, 1, "an epoch");
}

static void wrong_type_within(struct buf *b)
{
	size_t head = pbw_begin(b, 2);

	pbw_varint(b, 2, 7); /* a signature that is a number */
	pbw_end(b, head);
}

static void number_for_a_message(struct buf *b)
{
	pbw_varint(b, 2, 7);
}

/* Two bytes each, and a struct each when they are unpacked. */
static void a_thousand_empty(struct buf *b)
{
	for (int i = 0; i < 1000; i++)
		pbw_bytes(b, 3, "", 0);
}

static void a_thousand_empty_within(struct buf *b)
{
	size_t head = pbw_begin(b, 2);

	for (int i = 0; i < 1000; i++)
		pbw_bytes(b, 2, "", 0);
	pbw_end(b, head);
}

static void a_thousand_unknown(struct buf *b)
{
	for (int i = 0; i < 1000; i++)
		pbw_varint(b, 77, 1);
}

static void a_group(struct buf *b)
{
	buf_add(b, "\x1b\x1c", 2);
}

static void number_nought(struct buf *b)
{
	buf_add(b, "\x00\x01", 2);
}

static void each_message_is_judged_before_it_costs_anything(void **state)
{
	static const struct {
		void (*fill)(struct buf *b);
		int rc;
		const char *says;
	} cases[] = {
		{ good, 0, "" },
		{ wrong_type, -ERR_INVALID, "an intent: field epoch is of another type" },
		{ wrong_type_within, -ERR_INVALID, "an intent: field sigs is of another type" },
		{ number_for_a_message, -ERR_INVALID, "an intent: field head is of another type" },
		{ a_thousand_empty, -ERR_LIMIT, "an intent has more than 999 fields" },
		{ a_thousand_empty_within, -ERR_LIMIT, "an intent has more than 999 fields" },
		{ a_thousand_unknown, -ERR_LIMIT, "an intent has more than 999 fields" },
		{ a_group, -ERR_INVALID, "an intent is cut off or is no protobuf" },
		{ number_nought, -ERR_INVALID, "an intent is cut off or is no protobuf" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 16);
		struct err e = { 0 };

		cases[i].fill(&b);
		assert_int_equal(pbguard_check(INTENT, b.data, b.len, 999, "an intent", &e), cases[i].rc);
		assert_string_equal(e.text, cases[i].says);
	}
}

static void whatever_is_cut_off_within_a_field_is_refused(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 16);

	(void)state;
	good(&b);
	for (size_t cut = 0; cut <= b.len; cut++) {
		CLEANUP(mem_close) uint8_t *copy = copy_of(b.data, cut);
		Reeve__Control__V1__Intent *i = reeve__control__v1__intent__unpack(NULL, cut, copy);

		assert_int_equal(pbguard_check(INTENT, copy, cut, 999, "x", NULL) == 0, i != NULL);
		if (i != NULL)
			reeve__control__v1__intent__free_unpacked(i, NULL);
	}
}

static void packed_numbers_are_counted_by_their_bytes(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 16);
	static const uint8_t numbers[100];

	(void)state;
	pbw_bytes(&b, 7, numbers, sizeof(numbers)); /* waiting */
	assert_int_equal(pbguard_check(REPORT, b.data, b.len, 101, "x", NULL), 0);
	assert_int_equal(pbguard_check(REPORT, b.data, b.len, 100, "x", NULL), -ERR_LIMIT);
	buf_reset(&b);
	pbw_bytes(&b, 2, numbers, sizeof(numbers)); /* from_port: one number */
	assert_int_equal(pbguard_check(RULE, b.data, b.len, 999, "x", NULL), -ERR_INVALID);
}

static void no_bytes_at_all_are_an_empty_message(void **state)
{
	(void)state;
	assert_int_equal(pbguard_check(INTENT, NULL, 0, 1, "an intent", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_message_is_judged_before_it_costs_anything),
		cmocka_unit_test(whatever_is_cut_off_within_a_field_is_refused),
		cmocka_unit_test(no_bytes_at_all_are_an_empty_message),
		cmocka_unit_test(packed_numbers_are_counted_by_their_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
