/* test_planner_group.c - security groups and their rules. */
#include "tests/unit/cases.h"
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

/* The clients' rule stands as AWS answers it: nothing is left to do, however the spec spells it. */
static void plans_nothing_for(struct desk *d, const char *spelled, const char *answered)
{
	const struct ec2_rule have[] = {
		{ "tcp", 8000, 9000, answered, NULL, "" },
		{ "tcp", 0, 65535, NULL, "sg-1", "" },
	};
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_clusters = 0;
	d->k.clients.cidr = (char *)spelled;
	desk_add_group(d, have, 2);
	p = desk_apply(d);
	assert_string_equal(desk_steps(p), "");
	plans_free(p);
}

static void a_rule_is_known_however_its_addresses_are_spelled(void **state)
{
	char spelled[64], answered[64];
	FILE *f = cases_open("addresses.txt");
	unsigned n = 0;

	for (; fscanf(f, "%63s %63s", spelled, answered) == 2; n++)
		plans_nothing_for(*state, spelled, answered);
	fclose(f);
	assert_true(n >= 2);
	plans_nothing_for(*state, "0:0::0/00", "::/0");
}

static void a_rule_is_known_however_its_protocol_is_spelled(void **state)
{
	static const char *const tcp[] = { "6", "TCP", "tcp" };
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_LEN(tcp); i++) {
		d->k.clients.protocol = (char *)tcp[i];
		plans_nothing_for(d, "10.0.0.0/16", "10.0.0.0/16");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_rule_from_outside_the_vpc_is_high_risk),
		DESK_TEST(rules_beyond_the_spec_go_and_missing_ones_come),
		DESK_TEST(the_same_rule_twice_is_one_rule),
		DESK_TEST(a_rule_is_known_however_its_addresses_are_spelled),
		DESK_TEST(a_rule_is_known_however_its_protocol_is_spelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
