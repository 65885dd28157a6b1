/* test_secret.c - secrets are copies that are wiped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/secret.h"

static void a_secret_is_set_copied_and_closed(void **state)
{
	struct secret a = { 0 }, b = { 0 };

	(void)state;
	assert_true(secret_empty(&a));
	secret_copy(&b, &a);
	assert_true(secret_empty(&b));
	secret_set(&a, "key\0more", 8);
	secret_copy(&b, &a);
	secret_set(&a, a.bytes, 3); /* from itself */
	assert_string_equal(a.bytes, "key");
	assert_int_equal(b.len, 8);
	assert_memory_equal(b.bytes, "key\0more", 9);
	secret_close(&a);
	assert_true(secret_empty(&a) && a.bytes == NULL);
	secret_close(&a);
	secret_close(&b);
	secret_close(NULL);
}

static void wiping_wipes(void **state)
{
	char place[] = "password";

	(void)state;
	secret_wipe(place, sizeof(place));
	for (size_t i = 0; i < sizeof(place); i++)
		assert_int_equal(place[i], 0);
	secret_wipe(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_is_set_copied_and_closed),
		cmocka_unit_test(wiping_wipes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
