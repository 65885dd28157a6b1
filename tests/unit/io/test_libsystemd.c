/* test_libsystemd.c - the machine's library is opened, or a sentence says why not. */
#include "tests/unit/io/bench.h"

#include "agent/io/libsystemd.h"

static void the_machines_library_has_all_that_is_called(void **state)
{
	struct libsystemd l;
	struct err e;

	(void)state;
	assert_int_equal(libsystemd_open(LIBSYSTEMD, &l, &e), 0);
	assert_non_null(l.open);
	assert_non_null(l.enumerate_available_data);
}

static void a_library_that_is_not_there_is_named(void **state)
{
	struct libsystemd l;
	struct err e;

	(void)state;
	assert_int_equal(libsystemd_open("libnone.so.0", &l, &e), -ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "libnone.so.0"));
}

static void a_function_that_it_lacks_is_named(void **state)
{
	struct libsystemd l;
	struct err e;

	(void)state;
	assert_int_equal(libsystemd_open("libm.so.6", &l, &e), -ERR_NOTFOUND);
	assert_string_equal(e.text, "libm.so.6 has no sd_journal_open, expected that of systemd 246 or newer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_machines_library_has_all_that_is_called),
		cmocka_unit_test(a_library_that_is_not_there_is_named),
		cmocka_unit_test(a_function_that_it_lacks_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
