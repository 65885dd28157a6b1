/* test_inventory_beside.c - what a plan stands on that is not ours: asked for by name, some at a time. */
#include "tests/unit/aws/answers.h"

#include "agent/ops/account/inventory_impl.h"

static void close_form(struct request *f)
{
	request_close(f);
}

static void each_is_asked_for_by_its_own_filter_a_hundred_at_a_time(void **state)
{
	static const char *const filters[BESIDE_KINDS] = { "Filter.1.Name=subnet-id", "Filter.1.Name=image-id",
							   "Filter.1.Name=instance-type", "Filter.1.Name=group-name",
							   "Filter.1.Name=prefix-list-name" };
	const char *names[BESIDE_A_CALL + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		names[i] = "x";
	for (int what = 0; what < BESIDE_KINDS; what++) {
		CLEANUP(close_form) struct request f;

		inventory_beside_ask((enum beside)what, names, ARRAY_LEN(names), "page", &f);
		EXPECT_PAIRS(&f, filters[what], "Filter.1.Value.100=x", "NextToken=page");
		assert_null(strstr(buf_str(&f.body), "Filter.1.Value.101="));
	}
}

static void each_type_of_the_spec_and_of_our_instances_is_named_once(void **state)
{
	static struct ec2_instance v[] = { { .type = "a" }, { .type = "b" }, { .type = "a" }, { .type = "" } };
	struct inventory *inv = inventory_new();
	const char **types;
	size_t n;

	(void)state;
	inv->instances = (struct ec2_instances){ v, ARRAY_LEN(v) };
	types = inventory_beside_types(inv, (const char *const[]){ "b", "c" }, 2, &n);
	assert_int_equal(n, 3);
	assert_string_equal(types[0], "b");
	assert_string_equal(types[1], "c");
	assert_string_equal(types[2], "a");
	inventory_free(inv);
}

static void a_list_is_that_of_s3_by_its_name_alone(void **state)
{
	ANSWER(a, "<R><prefixListSet><item><prefixListId>pl-9</prefixListId><prefixListName>mine</prefixListName></item>"
		  "<item><prefixListId>pl-1</prefixListId><prefixListName>com.amazonaws.x.s3</prefixListName></item>"
		  "</prefixListSet></R>");
	struct inventory *inv = inventory_new();

	(void)state;
	assert_int_equal(inventory_beside_read(BESIDE_S3, a.root, "com.amazonaws.y.s3", inv, NULL), 0);
	assert_int_equal(inv->s3.n, 0);
	assert_int_equal(inventory_beside_read(BESIDE_S3, a.root, "com.amazonaws.x.s3", inv, NULL), 0);
	assert_int_equal(inv->s3.n, 1);
	assert_string_equal(inv->s3.v[0].id, "pl-1");
	inventory_free(inv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_asked_for_by_its_own_filter_a_hundred_at_a_time),
		cmocka_unit_test(each_type_of_the_spec_and_of_our_instances_is_named_once),
		cmocka_unit_test(a_list_is_that_of_s3_by_its_name_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
