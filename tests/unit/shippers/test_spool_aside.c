/* test_spool_aside.c - who goes when the room of what was set aside is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "shippers/spool_aside.h"

static void the_oldest_goes_when_there_is_no_room(void **state)
{
	struct spool_aside a;

	(void)state;
	spool_aside_init(&a);
	spool_aside_add(&a, "9", SPOOL_ASIDE_MAX / 2); /* set aside first, whatever its name */
	spool_aside_add(&a, "1", SPOOL_ASIDE_MAX / 2);
	assert_null(spool_aside_oldest(&a));
	spool_aside_add(&a, "2", 0); /* takes a block */
	assert_string_equal(spool_aside_oldest(&a), "9");
	spool_aside_drop(&a);
	assert_null(spool_aside_oldest(&a));
	spool_aside_close(&a);
	assert_int_equal(a.bytes, 0);
}

static void a_start_puts_them_in_order(void **state)
{
	struct spool_aside a;

	(void)state;
	spool_aside_init(&a);
	spool_aside_found(&a, "2", SPOOL_ASIDE_MAX);
	spool_aside_found(&a, "1", SPOOL_ASIDE_MAX);
	spool_aside_found(&a, "3", SPOOL_ASIDE_MAX);
	assert_string_equal(spool_aside_oldest(&a), "1");
	spool_aside_drop(&a);
	assert_string_equal(spool_aside_oldest(&a), "2");
	spool_aside_close(&a);
}

static void the_last_one_stays_however_large(void **state)
{
	struct spool_aside a;

	(void)state;
	spool_aside_init(&a);
	assert_null(spool_aside_oldest(&a));
	spool_aside_add(&a, "1", 2 * (uint64_t)SPOOL_ASIDE_MAX);
	assert_null(spool_aside_oldest(&a));
	spool_aside_close(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_goes_when_there_is_no_room),
		cmocka_unit_test(a_start_puts_them_in_order),
		cmocka_unit_test(the_last_one_stays_however_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
