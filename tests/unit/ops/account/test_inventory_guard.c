/* test_inventory_guard.c - what is asked for its protection: each thing once, and none that nothing protects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/ops/account/inventory_impl.h"
#include "agent/ops/account/resource.h"

static const struct resource_guard lock = { .action = "s3:GetObjectLock" };
static const struct resource locked = { .kind = "locked", .guard = &lock }, plain = { .kind = "plain" };

static void each_is_wanted_once_and_what_was_answered_stays(void **state)
{
	const struct inventory_thing first[] = { { &locked, "a" }, { &locked, "b" }, { &locked, "a" }, { &plain, "p" } };
	const struct inventory_thing then[] = { { &locked, "c" }, { &locked, "a" } };
	struct inventory *inv = inventory_new();

	(void)state;
	inventory_guard_want(inv, first, ARRAY_LEN(first));
	assert_int_equal(inv->guards.n, 2);
	inv->guards.v[0].is_on = true;
	inventory_guard_want(inv, then, ARRAY_LEN(then));
	assert_int_equal(inv->guards.n, 3);
	assert_true(inventory_is_guarded(inv, "a"));
	assert_false(inventory_is_guarded(inv, "b"));
	assert_string_equal(inv->guards.v[2].thing.id, "c");
	assert_false(inventory_is_guarded(inv, "z")); /* not asked for */
	inventory_guard_want(inv, NULL, 0);
	assert_int_equal(inv->guards.n, 3);
	inventory_free(inv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_wanted_once_and_what_was_answered_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
