/* test_inventory.c - looking things up in an inventory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/account/resource.h"

/* A kind of thing that nobody but this test knows. */
static const struct resource buckets = { .kind = "bucket" }, keys = { .kind = "key" };

static void each_kind_has_one_shelf_that_is_empty_at_first(void **state)
{
	struct inventory *inv = inventory_new();
	size_t *n = inventory_shelf(inv, &buckets, sizeof(*n));
	const char **id = inventory_shelf(inv, &keys, sizeof(*id));

	(void)state;
	assert_int_equal(*n, 0);
	assert_null(*id);
	*n = 7;
	*id = "key-1";
	assert_ptr_equal(inventory_shelf(inv, &buckets, sizeof(*n)), n);
	assert_ptr_equal(inventory_shelf(inv, &keys, sizeof(*id)), id);
	assert_int_equal(*n, 7);
	inventory_free(inv);
}

static void ours_is_what_bears_both_tags(void **state)
{
	const struct owner o = { "velodb", "inst-1" };
	struct ec2_tag both[] = { { "resource-created-by", "velodb" }, { "reeve:installation", "inst-1" } };
	struct ec2_tag other[] = { { "resource-created-by", "velodb" }, { "reeve:installation", "inst-2" } };

	(void)state;
	assert_true(inventory_is_ours(&o, &(struct ec2_tags){ both, 2 }));
	assert_false(inventory_is_ours(&o, &(struct ec2_tags){ both, 1 }));
	assert_false(inventory_is_ours(&o, &(struct ec2_tags){ both + 1, 1 }));
	assert_false(inventory_is_ours(&o, &(struct ec2_tags){ other, 2 }));
	assert_false(inventory_is_ours(&o, &(struct ec2_tags){ 0 }));
}

static void what_is_not_told_is_judged_on_the_safe_side(void **state)
{
	struct ec2_type plain = { .name = "r6i.large" };
	struct inventory *inv = inventory_new();

	(void)state;
	inv->types = (struct ec2_types){ &plain, 1 };
	assert_false(inventory_has_disks(inv, "r6i.large"));
	assert_true(inventory_has_disks(inv, "i3.large"));
	assert_null(inventory_subnet(inv, "subnet-1"));
	assert_null(inventory_image(inv, "ami-1"));
	assert_false(inventory_is_guarded(inv, "i-1"));
	inventory_free(inv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_one_shelf_that_is_empty_at_first),
		cmocka_unit_test(ours_is_what_bears_both_tags),
		cmocka_unit_test(what_is_not_told_is_judged_on_the_safe_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
