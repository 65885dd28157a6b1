/* test_proved.c - what was started under a release key is remembered, and no more of it than there is room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "agent/base/json.h"
#include "agent/ops/proved.h"

static void name_of(unsigned i, char to[DIGEST_HEX_LEN])
{
	snprintf(to, DIGEST_HEX_LEN, "%064x", i);
}

static void the_newest_are_known_and_what_is_no_hash_is_not(void **state)
{
	static struct proved p, back;
	json_t *list = json_array(), *told;
	char hex[DIGEST_HEX_LEN];

	(void)state;
	for (unsigned i = 0; i < PROVED_MAX + 2; i++) {
		name_of(i, hex);
		json_array_append_new(list, json_string(hex));
		json_array_append_new(list, json_string(hex)); /* twice is once */
	}
	json_array_append_new(list, json_string("abc"));
	json_array_append_new(list, json_integer(1));
	proved_add(&p, NULL);
	proved_add(&p, list);
	told = proved_list(&p);
	proved_add(&back, told);
	for (unsigned i = 0; i < PROVED_MAX + 2; i++) {
		name_of(i, hex);
		assert_int_equal(proved_has(&p, hex), i >= 2);
		assert_int_equal(proved_has(&back, hex), i >= 2);
	}
	assert_int_equal(p.n, PROVED_MAX);
	assert_false(proved_has(&p, "abc"));
	json_decref(list);
	json_decref(told);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_newest_are_known_and_what_is_no_hash_is_not) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
