/* test_customer_tags.c - the customer's own tags in the policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/policy.h"
#include "agent/ops/steps/catalogue.h"

static int parse(const char *text, struct policy *ret, struct err *e)
{
	return policy_parse("policy.yaml", text, strlen(text), ret, e);
}

static void they_are_read_without_the_blanks_that_aws_drops(void **state)
{
	struct policy p = { 0 };

	(void)state;
	assert_int_equal(
	    parse("customer_tags: [{key: \" cost-center \", value: \"4711\"}, {key: team, value: \" x\"}]\n", &p, NULL), 0);
	assert_int_equal(json_object_size(p.customer_tags), 2);
	assert_string_equal(json_str_or(p.customer_tags, "cost-center", "?"), "4711");
	assert_string_equal(json_str_or(p.customer_tags, "team", "?"), "x");
	policy_close(&p);
	assert_int_equal(parse("commands: {}\n", &p, NULL), 0);
	assert_null(p.customer_tags);
	policy_close(&p);
}

static void their_keys_are_within_the_bounds(void **state)
{
	struct policy p = { 0 };
	struct demand d = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(parse("customer_tags: [{key: cost-center, value: x}]\nbounds: {tag_keys: [sdb-*]}\n", &p, NULL), 0);
	demand_name(&d, &bound_tag_keys, "cost-center");
	demand_name(&d, &bound_tag_keys, "sdb-1");
	assert_int_equal(bounds_judge(&p.bounds, &d, 0, &e), 0);
	demand_name(&d, &bound_tag_keys, "other");
	assert_int_equal(bounds_judge(&p.bounds, &d, 0, &e), -ERR_DENIED);
	demand_close(&d);
	policy_close(&p);
}

static void what_aws_would_not_take_breaks_the_policy_by_its_line(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "customer_tags: {a: b}\n", "policy.yaml:1:" },
		{ "customer_tags:\n  - {key: a}\n", "key \"value\" is missing" },
		{ "customer_tags:\n  - {value: a}\n", "key \"key\" is missing" },
		{ "customer_tags:\n  - {key: a, value: b, more: c}\n", "more" },
		{ "customer_tags:\n  - {key: \"reeve:mode\", value: frozen}\n", "policy.yaml:2:" },
		{ "customer_tags:\n  - {key: \"aws:x\", value: y}\n", "policy.yaml:2:" },
		{ "customer_tags:\n  - {key: resource-created-by, value: y}\n", "policy.yaml:2:" },
		{ "customer_tags:\n  - {key: a, value: \"<x>\"}\n", "policy.yaml:2:" },
		{ "customer_tags:\n  - {key: a, value: x}\n  - {key: \"a \", value: y}\n", "twice" },
		{ "customer_tags: [1,2,3,4,5,6,7,8,9,10,11]\n", "policy.yaml:1:" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy p = { 0 };
		struct err e = { 0 };

		assert_true(parse(rows[i].text, &p, &e) != 0);
		if (strstr(e.text, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].text, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_read_without_the_blanks_that_aws_drops),
		cmocka_unit_test(their_keys_are_within_the_bounds),
		cmocka_unit_test(what_aws_would_not_take_breaks_the_policy_by_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
