/* test_inventory.c - looking things up in an inventory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/ops/account/inventory.h"

static void rules_are_the_same_when_they_open_the_same(void **state)
{
	static const struct {
		struct ec2_rule a, b;
		bool eq;
	} cases[] = {
		{ { "tcp", 1, 2, "10.0.0.0/8", NULL, "x", false }, { "tcp", 1, 2, "10.0.0.0/8", NULL, "y", false }, true },
		{ { "tcp", 1, 2, "10.0.0.0/8", NULL, "", false }, { "udp", 1, 2, "10.0.0.0/8", NULL, "", false }, false },
		{ { "tcp", 1, 2, "10.0.0.0/8", NULL, "", false }, { "tcp", 1, 3, "10.0.0.0/8", NULL, "", false }, false },
		{ { "tcp", 1, 2, NULL, "sg-1", "", false }, { "tcp", 1, 2, NULL, "sg-2", "", false }, false },
		{ { "tcp", 1, 2, NULL, "sg-1", "", false }, { "tcp", 1, 2, "10.0.0.0/8", NULL, "", false }, false },
		{ { "-1", -1, -1, NULL, "sg-1", "", false }, { "-1", 0, 65535, NULL, "sg-1", "", false }, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(inventory_rule_eq(&cases[i].a, &cases[i].b), cases[i].eq);
}

static void a_rule_has_one_name_whatever_its_description(void **state)
{
	static const struct {
		struct ec2_rule rule;
		const char *name;
	} cases[] = {
		{ { .protocol = "tcp", .from_port = 80, .to_port = 90, .cidr = "10.0.0.0/8", .description = "a" },
		  "sg-1 tcp 80-90 10.0.0.0/8" },
		{ { .protocol = "tcp", .from_port = 80, .to_port = 90, .cidr = "10.0.0.0/8", .description = "b" },
		  "sg-1 tcp 80-90 10.0.0.0/8" },
		{ { .protocol = "-1", .from_port = -1, .to_port = -1, .group_id = "sg-1" }, "sg-1 -1 all sg-1" },
		{ { .protocol = "-1", .from_port = 0, .to_port = 65535, .group_id = "sg-1" }, "sg-1 -1 all sg-1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(256);

		inventory_rule_name("sg-1", &cases[i].rule, &b);
		assert_string_equal(buf_str(&b), cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_the_same_when_they_open_the_same),
		cmocka_unit_test(a_rule_has_one_name_whatever_its_description),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
