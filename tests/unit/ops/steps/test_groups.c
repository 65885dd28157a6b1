/* test_groups.c - security groups as an inventory shows them, and their rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/ops/steps/groups.h"

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
		assert_int_equal(groups_rule_eq(&cases[i].a, &cases[i].b), cases[i].eq);
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

		groups_rule_name("sg-1", &cases[i].rule, &b);
		assert_string_equal(buf_str(&b), cases[i].name);
	}
}

static void one_is_found_by_its_id_and_by_its_name_in_its_vpc(void **state)
{
	struct ec2_group v[] = { { .id = "sg-1", .name = "a", .vpc_id = "vpc-1" },
				 { .id = "sg-2", .name = "a", .vpc_id = "vpc-2" } };
	struct inventory *inv = inventory_new();

	(void)state;
	assert_null(groups_by_id(inv, "sg-1"));
	*groups_in(inv) = (struct ec2_groups){ v, ARRAY_LEN(v) };
	assert_ptr_equal(groups_by_id(inv, "sg-2"), &v[1]);
	assert_ptr_equal(groups_by_name(inv, "vpc-2", "a"), &v[1]);
	assert_null(groups_by_name(inv, "vpc-3", "a"));
	assert_null(groups_by_name(inv, "vpc-1", "b"));
	inventory_free(inv);
}

static void protocols_have_one_name(void **state)
{
	static const char *const cases[][2] = { { "6", "tcp" },     { "TCP", "tcp" }, { "17", "udp" },        { "1", "icmp" },
						{ "58", "icmpv6" }, { "all", "-1" },  { "ICMPv6", "icmpv6" }, { "50", "50" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(groups_protocol(cases[i][0]), cases[i][1]);
}

static void a_rule_is_spelled_as_ec2_answers(void **state)
{
	static const struct {
		struct ec2_rule rule, spelled;
	} cases[] = {
		{ { .protocol = "6", .from_port = 1, .to_port = 2, .cidr = "::0/0" },
		  { .protocol = "tcp", .from_port = 1, .to_port = 2, .cidr = "::/0" } },
		{ { .protocol = "icmp", .from_port = -1, .to_port = 3, .cidr = "10.0.0.0/8" },
		  { .protocol = "icmp", .from_port = -1, .to_port = -1, .cidr = "10.0.0.0/8" } },
		{ { .protocol = "icmp", .from_port = 8, .to_port = 0, .cidr = "no block" },
		  { .protocol = "icmp", .from_port = 8, .to_port = 0, .cidr = "no block" } },
	};
	struct inventory *inv = inventory_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ec2_rule r = cases[i].rule;

		groups_rule_spell(inv->arena, &r);
		assert_true(groups_rule_eq(&r, &cases[i].spelled));
	}
	inventory_free(inv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_the_same_when_they_open_the_same),
		cmocka_unit_test(a_rule_has_one_name_whatever_its_description),
		cmocka_unit_test(one_is_found_by_its_id_and_by_its_name_in_its_vpc),
		cmocka_unit_test(protocols_have_one_name),
		cmocka_unit_test(a_rule_is_spelled_as_ec2_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
