/* test_planner_group.c - security groups and their rules. */
#include "tests/unit/ops/desk.h"

static void a_rule_from_outside_the_vpc_is_high_risk(void **state)
{
	struct desk *d = *state;
	const struct plan *where;
	struct plans *p;

	d->k.clients.cidr = (char *)"10.0.0.0/8";
	p = desk_apply(d);
	assert_string_equal(plans_high(p, &where)->name, "rule-node-tcp-8000-9000-10.0.0.0/8");
	plans_free(p);
	d->k.clients.cidr = (char *)"10.0.0.0/16";
	d->inv->vpcs.n = 0; /* a VPC that we do not know holds nothing */
	p = desk_apply(d);
	assert_non_null(plans_high(p, &where));
	plans_free(p);
}

static void rules_beyond_the_spec_go_and_missing_ones_come(void **state)
{
	static const struct ec2_rule have[] = {
		{ "tcp", 22, 22, "0.0.0.0/0", NULL, "" },
		{ "tcp", 0, 65535, NULL, "sg-1", "" },
	};
	struct desk *d = *state;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_clusters = 0;
	desk_add_group(d, have, 2);
	p = desk_apply(d);
	assert_string_equal(desk_steps(p), "base/rule-node-tcp-8000-9000-10.0.0.0/16 base/norule-node-tcp-22-22-0.0.0.0/0");
	plans_free(p);
}

static void the_same_rule_twice_is_one_rule(void **state)
{
	struct desk *d = *state;
	struct plans *p;

	d->k.rules[1] = &d->k.self;
	p = desk_apply(d);
	assert_null(strstr(strstr(desk_steps(p), "rule-node-tcp-0-65535-self") + 1, "rule-node-tcp-0-65535-self"));
	plans_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_rule_from_outside_the_vpc_is_high_risk),
		DESK_TEST(rules_beyond_the_spec_go_and_missing_ones_come),
		DESK_TEST(the_same_rule_twice_is_one_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
