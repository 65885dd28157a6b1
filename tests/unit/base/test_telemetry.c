/* test_telemetry.c - the fingerprint of the bytes in front of a place: it stands in positions on the disk, so it must never become
 * another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/telemetry.h"

static void a_fingerprint_stays_what_it_was_in_older_versions(void **state)
{
	static const char text[] = "2026-03-01 00:00:00,000 INFO  (thread-1) [Query.run():17] query finished\n";

	(void)state;
	assert_int_equal(telemetry_before("", 0), UINT64_C(0x9e3779b97f4a7c15));
	assert_int_equal(telemetry_before(text, 1), UINT64_C(0x22df61bc33f753d2));
	assert_int_equal(telemetry_before(text, 7), UINT64_C(0x7e1e9637fb88e397));
	assert_int_equal(telemetry_before(text, 8), UINT64_C(0x44e7e3de297e567d));
	assert_int_equal(telemetry_before(text, 63), UINT64_C(0x5e4fbc4c58351103));
	assert_int_equal(telemetry_before(text, 64), UINT64_C(0x05da79476ac6ce9a));
}

static void one_byte_more_or_another_one_is_another_fingerprint(void **state)
{
	char text[TELEMETRY_BEFORE_BYTES] = { 0 };
	uint64_t last = telemetry_before(text, 0);

	(void)state;
	for (size_t len = 1; len <= sizeof(text); len++) {
		uint64_t zeros = telemetry_before(text, len);

		assert_true(zeros != last);
		last = zeros;
		text[len - 1] = 1;
		assert_true(telemetry_before(text, len) != zeros);
		text[len - 1] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fingerprint_stays_what_it_was_in_older_versions),
		cmocka_unit_test(one_byte_more_or_another_one_is_another_fingerprint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
