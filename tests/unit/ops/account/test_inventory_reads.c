/* test_inventory_reads.c - the rows of a taking: each is whole, and in its place. What they read is seen in
 * test_inventory_take.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/str.h"
#include "agent/ops/account/inventory_impl.h"
#include "agent/ops/account/resource.h"
#include "agent/ops/steps/catalogue.h"

static const struct inventory_read bucket_reads[] = { { .name = "buckets", .action = "s3:ListAllMyBuckets" }, { .name = NULL } };
static const struct resource_guard lock = { .action = "s3:GetBucketObjectLockConfiguration" };
static const struct resource bucket = { .kind = "bucket", .reads = bucket_reads, .guard = &lock }, plain = { .kind = "plain" };
static const struct resource *const kinds[] = { &plain, &bucket, NULL }, *const none[] = { NULL };

static size_t find(const struct resource *const *resources, const char *name)
{
	const struct inventory_read *r;

	for (size_t i = 0; (r = inventory_read_at(resources, i)) != NULL; i++)
		if (str_eq(r->name, name))
			return i;
	return SIZE_MAX;
}

static bool has_action(const struct resource *const *resources, const char *action)
{
	for (size_t i = 0; inventory_action(resources, i) != NULL; i++)
		if (str_eq(inventory_action(resources, i), action))
			return true;
	return false;
}

static void each_row_asks_reads_and_has_a_name_of_its_own(void **state)
{
	const struct inventory_read *r;

	(void)state;
	for (size_t i = 0; (r = inventory_read_at(catalogue_resources(), i)) != NULL; i++) {
		assert_true(r->ask != NULL && r->take_in != NULL && r->a_call > 0);
		assert_true(r->action == NULL || has_action(catalogue_resources(), r->action));
		assert_int_equal(find(catalogue_resources(), r->name), i);
	}
}

/* A kind of thing that the account knows nothing of is read after its networks and nodes, and before what depends on all. */
static void the_reads_of_a_kind_stand_between_the_accounts_own(void **state)
{
	(void)state;
	assert_int_equal(find(none, "buckets"), SIZE_MAX);
	assert_int_equal(find(kinds, "buckets"), find(kinds, "instances") + 1);
	assert_int_equal(find(kinds, "status checks"), find(kinds, "buckets") + 1);
	assert_int_equal(find(kinds, "subnets"), find(kinds, "status checks") + 1);
	assert_false(has_action(none, "s3:ListAllMyBuckets"));
	assert_true(has_action(kinds, "s3:ListAllMyBuckets"));
	assert_true(has_action(kinds, "s3:GetBucketObjectLockConfiguration"));
}

/* What is asked for by name is asked for in the states of its own kind alone. */
static void each_kind_beside_has_one_row(void **state)
{
	unsigned rows[BESIDE_KINDS] = { 0 };
	const struct inventory_read *r;

	(void)state;
	for (size_t i = 0; (r = inventory_read_at(none, i)) != NULL; i++)
		rows[r->which] += r->a_call == BESIDE_A_CALL && !str_eq(r->name, "status checks");
	for (enum beside b = 0; b < BESIDE_KINDS; b++)
		assert_int_equal(rows[b], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_asks_reads_and_has_a_name_of_its_own),
		cmocka_unit_test(the_reads_of_a_kind_stand_between_the_accounts_own),
		cmocka_unit_test(each_kind_beside_has_one_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
