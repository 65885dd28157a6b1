/* test_uuid.c - version 7 as RFC 9562 lays it out, and texts that are no UUID. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/uuid.h"

static void the_example_of_rfc_9562_comes_out(void **state)
{
	/* Appendix A.6: 2022-02-22T19:22:22Z, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F */
	static const uint8_t random[10] = { 0xfc, 0xc3, 0xd8, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f };
	uint8_t id[UUID_LEN], back[UUID_LEN];
	char text[UUID_TEXT_LEN];

	(void)state;
	uuid_v7(1645557742000, random, id);
	assert_string_equal(uuid_text(id, text), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
	assert_int_equal(uuid_parse(text, back), 0);
	assert_memory_equal(id, back, UUID_LEN);
	assert_int_equal(uuid_parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F", back), 0);
	assert_memory_equal(id, back, UUID_LEN);
}

static void version_and_variant_are_told(void **state)
{
	static const struct {
		uint8_t version, variant;
		bool is;
	} cases[] = { { 0x70, 0x80, true },  { 0x7f, 0xbf, true },  { 0x40, 0x80, false },
		      { 0x70, 0x00, false }, { 0x70, 0xc0, false }, { 0x00, 0x00, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t id[UUID_LEN] = { [6] = cases[i].version, [8] = cases[i].variant };

		assert_int_equal(uuid_is_v7(id), cases[i].is);
	}
}

static void later_ids_sort_behind(void **state)
{
	static const uint8_t low[10], high[10] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
	uint8_t a[UUID_LEN], b[UUID_LEN];

	(void)state;
	uuid_v7(1700000000000, high, a);
	uuid_v7(1700000000001, low, b);
	assert_true(memcmp(a, b, UUID_LEN) < 0);
}

static void what_is_no_uuid_is_refused(void **state)
{
	static const char *const bad[] = { "",
					   "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
					   "017f22e2-79b0-7cc3-98c4-dc0c0c07398fa",
					   "017f22e279b0-7cc3-98c4-dc0c0c07398f-",
					   "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
					   "017f22e2-79b0-7cc3-98c4_dc0c0c07398f",
					   "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
					   "017f22e2-79b0-7cc3-98c4-dc0c0c0-398f" };
	uint8_t id[UUID_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(uuid_parse(bad[i], id), -ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_rfc_9562_comes_out),
		cmocka_unit_test(version_and_variant_are_told),
		cmocka_unit_test(later_ids_sort_behind),
		cmocka_unit_test(what_is_no_uuid_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
