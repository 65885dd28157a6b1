/* test_planner_group.c - security groups and their rules. */
#include "tests/unit/cases.h"
#include "tests/unit/ops/board.h"
#include "agent/ops/steps/catalogue.h"
#include "tests/unit/ops/needs.h"

static void a_rule_from_outside_the_vpc_is_high_risk(void **state)
{
	struct board *d = *state;
	const struct plan *where;
	struct plans *p;

	d->k.clients.cidr = (char *)"10.0.0.0/8";
	p = board_apply(d);
	assert_string_equal(plans_high(p, &where)->name, "rule-node-tcp-8000-9000-10.0.0.0/8");
	plans_free(p);
	d->k.clients.cidr = (char *)"10.0.0.0/16";
	d->inv->vpcs.n = 0; /* a VPC that we do not know holds nothing */
	p = board_apply(d);
	assert_non_null(plans_high(p, &where));
	plans_free(p);
}

static void rules_beyond_the_spec_go_and_missing_ones_come(void **state)
{
	static const struct ec2_rule have[] = {
		{ "tcp", 22, 22, "0.0.0.0/0", NULL, "", false },
		{ "tcp", 0, 65535, NULL, "sg-1", "", false },
	};
	struct board *d = *state;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_clusters = 0;
	board_add_group(d, have, 2);
	p = board_apply(d);
	assert_string_equal(board_steps(p), "base/rule-node-tcp-8000-9000-10.0.0.0/16 base/norule-node-tcp-22-22-0.0.0.0/0");
	assert_int_equal(p->v[0].pivot, 1); /* what goes cannot be taken back, so it stands behind the pivot */
	plans_free(p);
}

/* Rules of other ports, which nobody wants, of these addresses; their number is what a group may have. */
static void fill_group(struct board *d, size_t n, const char *cidr)
{
	struct ec2_rule *have = arena_alloc(d->inv->arena, (n + 1) * sizeof(*have));

	for (size_t i = 0; i < n; i++)
		have[i] = (struct ec2_rule){ .protocol = "tcp", .from_port = (int)i + 1, .to_port = (int)i + 1, .cidr = cidr };
	have[n] = (struct ec2_rule){ .protocol = "tcp", .to_port = 65535, .group_id = "sg-1" };
	board_add_group(d, have, n + 1);
}

/* Of a full group so many old rules go first as make room, and those are put back when the plan fails. */
static void a_full_group_makes_room_first(void **state)
{
	static const struct {
		size_t n;
		const char *cidr;
		unsigned early;
	} cases[] = {
		{ 58, "10.9.0.0/16", 0 },
		{ 59, "10.9.0.0/16", 1 },
		{ 60, "10.9.0.0/16", 1 },
		{ 60, "2600::/64", 0 },
	};
	struct board *d = *state;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_clusters = 0;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plans *p;
		unsigned early = 0;

		fill_group(d, cases[i].n, cases[i].cidr);
		p = board_apply(d);
		while (p->v[0].steps[early].kind == &kind_revoke_ingress)
			early++;
		assert_int_equal(early, cases[i].early);
		assert_ptr_equal(p->v[0].steps[early].kind, &kind_authorize_ingress);
		assert_int_equal(p->v[0].pivot, early + 1);
		assert_int_equal(p->v[0].n, cases[i].n + 1);
		for (unsigned k = 0; k < early; k++) {
			json_t *undo = kind_revoke_ingress.undo_args(p->v[0].steps[k].args);

			assert_true(json_equal(json_object_get(undo, "rule"), json_object_get(p->v[0].steps[k].args, "rule")));
			json_decref(undo);
		}
		plans_free(p);
	}
}

static void what_goes_out_of_a_new_group_is_not_put_back(void **state)
{
	struct board *d = *state;
	struct plans *p = board_apply(d);

	assert_string_equal(p->v[0].steps[1].name, "noegress-node-all-0.0.0.0/0");
	assert_null(p->v[0].steps[1].kind->undo_args(p->v[0].steps[1].args));
	plans_free(p);
}

static void the_same_rule_twice_is_one_rule(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.rules[1] = &d->k.self;
	p = board_apply(d);
	assert_null(strstr(strstr(board_steps(p), "rule-node-tcp-0-65535-self") + 1, "rule-node-tcp-0-65535-self"));
	plans_free(p);
}

/* The clients' rule stands as AWS answers it: nothing is left to do, however the spec spells it. */
static void plans_nothing_for(struct board *d, const char *spelled, const char *answered)
{
	const struct ec2_rule have[] = {
		{ "tcp", 8000, 9000, answered, NULL, "", false },
		{ "tcp", 0, 65535, NULL, "sg-1", "", false },
	};
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_clusters = 0;
	d->k.clients.cidr = (char *)spelled;
	board_add_group(d, have, 2);
	p = board_apply(d);
	assert_string_equal(board_steps(p), "");
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
	struct board *d = *state;

	for (size_t i = 0; i < ARRAY_LEN(tcp); i++) {
		d->k.clients.protocol = (char *)tcp[i];
		plans_nothing_for(d, "10.0.0.0/16", "10.0.0.0/16");
	}
}

#define OUT(protocol_, port, peer)                                                                                                 \
	{                                                                                                                          \
		.is_egress = true, .protocol = protocol_, .from_port = port, .to_port = port, .cidr = peer                         \
	}
#define ALL_OUT(block) OUT("-1", -1, block)

static void only_the_group(struct board *d)
{
	d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	d->k.cluster.nodes = 0;
	d->k.group.n_rules = 0;
}

static void egress(struct board *d, unsigned i, const char *protocol, int port, const char *cidr)
{
	Reeve__Control__V1__Rule *r = i == 0 ? &d->k.self : &d->k.clients;

	reeve__control__v1__rule__init(r);
	r->direction = REEVE__CONTROL__V1__DIRECTION__EGRESS;
	r->protocol = (char *)protocol;
	r->from_port = r->to_port = port;
	r->source_case =
	    strncmp(cidr, "pl-", 3) == 0 ? REEVE__CONTROL__V1__RULE__SOURCE_PREFIX_LIST : REEVE__CONTROL__V1__RULE__SOURCE_CIDR;
	r->cidr = (char *)cidr; /* and prefix_list: both stand in one place */
	d->k.group.n_rules = i + 1;
}

static void what_aws_lets_leave_goes_and_the_narrow_ways_out_come(void **state)
{
	static const struct ec2_rule have[] = { ALL_OUT("0.0.0.0/0"), ALL_OUT("::/0") };
	struct board *d = *state;
	struct plans *p;

	only_the_group(d);
	board_add_group_as_is(d, have, 2);
	p = board_apply(d);
	assert_string_equal(board_steps(p), "base/egress-node-all-self base/egress-node-tcp-443-443-10.0.0.0/16 "
					    "base/egress-node-tcp-443-443-pl-1 base/noegress-node-all-0.0.0.0/0 "
					    "base/noegress-node-all-::/0");
	assert_null(plans_high(p, &(const struct plan *){ NULL }));
	plans_free(p);
}

static void a_new_group_in_a_vpc_with_ipv6_loses_both_default_rules(void **state)
{
	static const char *cidrs[] = { "10.0.0.0/16", "2600:1::/56" };
	struct ec2_vpc vpc = { .id = "vpc-1", .cidr = cidrs[0], .cidrs = cidrs, .cidrs_n = 2 };
	struct board *d = *state;
	struct plans *p;

	only_the_group(d);
	d->inv->vpcs = (struct ec2_vpcs){ &vpc, 1 };
	p = board_apply(d);
	assert_string_equal(board_steps(p), "base/sg-node base/noegress-node-all-0.0.0.0/0 base/noegress-node-all-::/0 "
					    "base/egress-node-all-self base/egress-node-tcp-443-443-10.0.0.0/16 "
					    "base/egress-node-tcp-443-443-2600:1::/56 base/egress-node-tcp-443-443-pl-1");
	plans_free(p);
}

static void a_wider_way_out_is_high_risk_and_asked_of_the_policy(void **state)
{
	static const struct {
		const char *protocol;
		int port;
		const char *peer;
		unsigned asks;
		bool high;
	} cases[] = {
		{ "tcp", 443, "10.0.1.0/24", 0, false }, /* part of the VPC, on 443: the default holds it */
		{ "tcp", 443, "pl-1", 0, false },        { "tcp", 5432, "10.0.0.0/16", 1, false },
		{ "-1", 0, "10.0.0.0/16", 1, false },    { "tcp", 443, "0.0.0.0/0", 1, true },
		{ "-1", 0, "0.0.0.0/0", 1, true },       { "tcp", 443, "pl-9", 1, true },
		{ "tcp", 80, "pl-1", 1, false },
	};
	struct board *d = *state;

	only_the_group(d);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct demand need = { 0 };
		struct plans *p;

		egress(d, 0, cases[i].protocol, cases[i].port, cases[i].peer);
		p = board_apply(d);
		plans_demand(p, &need);
		assert_int_equal(need.rules_n, cases[i].asks);
		assert_int_equal(plans_high(p, &(const struct plan *){ NULL }) != NULL, cases[i].high);
		assert_non_null(strstr(board_steps(p), "base/noegress-node-all-0.0.0.0/0"));
		assert_null(strstr(board_steps(p), "egress-node-all-self")); /* what the spec says is all */
		demand_close(&need);
		plans_free(p);
	}
}

/* Made by hand, or by a version that did not look: nobody asked the policy when it came. */
static void what_starts_behind_a_wide_rule_that_stands_asks_for_it(void **state)
{
	static const struct ec2_rule have[] = { ALL_OUT("0.0.0.0/0") };
	struct board *d = *state;
	struct demand need = { 0 };
	struct plans *p;

	only_the_group(d);
	d->k.cluster.nodes = 2;
	egress(d, 0, "-1", 0, "0.0.0.0/0");
	board_add_group_as_is(d, have, 1);
	p = board_apply(d);
	assert_non_null(strstr(board_steps(p), "cluster-be/launch"));
	assert_null(strstr(board_steps(p), "egress"));
	plans_demand(p, &need);
	assert_int_equal(need.rules_n, 1);
	assert_true(need.rules[0].is_egress);
	assert_string_equal(need.rules[0].cidr, "0.0.0.0/0");
	demand_close(&need);
	plans_free(p);
}

static void what_stands_for_anybody_to_come_in_is_asked_for_too(void **state)
{
	static const struct ec2_rule have[] = { { "tcp", 8000, 9000, "10.0.0.0/16", NULL, "", false },
						{ "tcp", 0, 65535, NULL, "sg-1", "", false } };
	struct board *d = *state;
	struct demand need = { 0 };
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	board_add_group(d, have, 2);
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/launch cluster-be/up cluster-be/up-ok");
	plans_demand(p, &need);
	assert_int_equal(need.rules_n, 1);
	assert_false(need.rules[0].is_egress);
	assert_string_equal(need.rules[0].cidr, "10.0.0.0/16");
	demand_close(&need);
	plans_free(p);
}

/* "wh" and "1-node" make the name that "wh-1" and "node" make. */
static void a_group_of_another_warehouse_is_not_ours_however_it_is_called(void **state)
{
	static const struct ec2_rule have[] = { { "tcp", 8000, 9000, "10.0.0.0/16", NULL, "", false } };
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	only_the_group(d);
	board_add_group(d, have, 1);
	d->k.s.warehouse = (char *)"wh";
	d->k.group.name = (char *)"1-node";
	d->k.cluster_groups[0] = (char *)"1-node";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_non_null(strstr(
	    e.text, "security_groups[0]: name: sg-1 is called velodb-inst-1-wh-1-node in vpc-1 and is of warehouse wh-1; give "));
	assert_null(strstr(board_steps(p), "rule"));
	plans_free(p);
}

static void rules_of_other_groups_go_each_by_its_own_name(void **state)
{
	static const struct ec2_rule have[] = { { "tcp", 9030, 9030, NULL, "sg-8", "", false },
						{ "tcp", 9030, 9030, NULL, "sg-9", "", false } };
	CLEANUP(buf_close) struct buf text = BUF_MAX(65536);
	struct board *d = *state;
	struct plans *p;

	only_the_group(d);
	board_add_group(d, have, 2);
	p = board_apply(d);
	assert_string_equal(board_steps(p), "base/norule-node-tcp-9030-9030-sg-8 base/norule-node-tcp-9030-9030-sg-9");
	plans_print(p, &text);
	assert_non_null(strstr(buf_str(&text), "from sg-8"));
	assert_null(strstr(buf_str(&text), "the group itself"));
	plans_free(p);
}

/* A group or a target group in somebody's VPC: the policy has no subnet of it. */
static void what_is_made_in_a_vpc_is_judged_by_a_subnet_of_it(void **state)
{
	struct board *d = *state;
	struct demand need = { 0 };
	struct plans *p = NULL;
	struct err e = { 0 };

	only_the_group(d);
	p = board_apply(d);
	plans_demand(p, &need);
	assert_int_equal(wanted_n(&need, &bound_subnets), 1);
	assert_string_equal(wanted_text(&need, &bound_subnets, 0), "subnet-1");
	demand_close(&need);
	plans_free(p);
	d->k.s.vpc_id = (char *)"vpc-9";
	p = NULL;
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "security group node: vpc-9 has no subnet"));
	plans_free(p);
}

static void without_a_list_of_s3_the_spec_must_name_the_ways_out(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	d->inv->s3.n = 0;
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "security group node: AWS shows no prefix list of S3"));
	plans_free(p);
	only_the_group(d);
	egress(d, 0, "tcp", 443, "10.0.0.0/16");
	p = board_apply(d);
	plans_free(p);
}

/* All types of icmp have all codes, whatever is written there. */
static void a_rule_for_all_icmp_is_known_however_its_code_is_spelled(void **state)
{
	static const struct ec2_rule have[] = {
		{ "icmp", -1, -1, "10.0.0.0/16", NULL, "", false },
		{ "tcp", 0, 65535, NULL, "sg-1", "", false },
	};
	struct board *d = *state;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_clusters = 0;
	d->k.clients.protocol = (char *)"ICMP";
	d->k.clients.from_port = -1;
	board_add_group(d, have, 2);
	for (int code = -1; code <= 0; code++) {
		struct plans *p;

		d->k.clients.to_port = code;
		p = board_apply(d);
		assert_string_equal(board_steps(p), "");
		plans_free(p);
	}
}

/* As AWS stores them; and a key with a blank is no way around what is reserved. */
static void texts_are_sent_without_blanks_at_their_ends(void **state)
{
	struct board *d = *state;
	const json_t *group, *rule;
	struct plans *p;

	d->k.group.description = (char *)"  the nodes ";
	d->k.clients.description = (char *)" clients ";
	d->k.self.description = (char *)"   ";
	d->k.tag.key = (char *)" team ";
	d->k.tag.value = (char *)" blue team  ";
	p = board_apply(d);
	group = p->v[0].steps[0].args;
	assert_string_equal(json_str_or(group, "description", ""), "the nodes");
	assert_string_equal(json_str_or(json_object_get(group, "tags"), "team", ""), "blue team");
	rule = json_object_get(p->v[0].steps[3].args, "rule");
	assert_null(json_object_get(rule, "description"));
	rule = json_object_get(p->v[0].steps[4].args, "rule");
	assert_string_equal(json_str_or(rule, "description", ""), "clients");
	plans_free(p);
}

static void a_name_that_somebody_elses_group_bears_in_the_vpc_is_not_given_again(void **state)
{
	static const struct {
		const char *name, *vpc;
		bool is_ours, is_taken;
	} cases[] = {
		{ "velodb-inst-1-wh-1-node", "vpc-1", false, true },
		{ "velodb-inst-1-wh-1-node", "vpc-2", false, false },
		{ "velodb-inst-1-wh-1-other", "vpc-1", false, false },
		{ "velodb-inst-1-wh-1-node", "vpc-1", true, false }, /* the look for ours did not show it yet */
	};
	struct board *d = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ec2_group g = { .id = "sg-9", .name = cases[i].name, .vpc_id = cases[i].vpc };
		struct plans *p = NULL;
		struct err e = { 0 };
		int rc;

		if (cases[i].is_ours)
			g.tags = board_tags(d, "", "1");
		d->inv->named = (struct ec2_groups){ &g, 1 };
		rc = planner_apply(&d->a, &d->k.s, &p, &e);
		assert_int_equal(rc, cases[i].is_taken ? -ERR_INVALID : 0);
		if (rc != 0)
			assert_string_equal(err_text(&e),
					    "security_groups[0]: name: sg-9 is called velodb-inst-1-wh-1-node in vpc-1 and has "
					    "not the tags of this installation; give it another name");
		plans_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_rule_from_outside_the_vpc_is_high_risk),
		DESK_TEST(rules_beyond_the_spec_go_and_missing_ones_come),
		DESK_TEST(a_full_group_makes_room_first),
		DESK_TEST(what_goes_out_of_a_new_group_is_not_put_back),
		DESK_TEST(the_same_rule_twice_is_one_rule),
		DESK_TEST(a_rule_is_known_however_its_addresses_are_spelled),
		DESK_TEST(a_rule_is_known_however_its_protocol_is_spelled),
		DESK_TEST(a_rule_for_all_icmp_is_known_however_its_code_is_spelled),
		DESK_TEST(texts_are_sent_without_blanks_at_their_ends),
		DESK_TEST(what_aws_lets_leave_goes_and_the_narrow_ways_out_come),
		DESK_TEST(a_new_group_in_a_vpc_with_ipv6_loses_both_default_rules),
		DESK_TEST(a_wider_way_out_is_high_risk_and_asked_of_the_policy),
		DESK_TEST(what_starts_behind_a_wide_rule_that_stands_asks_for_it),
		DESK_TEST(what_stands_for_anybody_to_come_in_is_asked_for_too),
		DESK_TEST(a_group_of_another_warehouse_is_not_ours_however_it_is_called),
		DESK_TEST(rules_of_other_groups_go_each_by_its_own_name),
		DESK_TEST(what_is_made_in_a_vpc_is_judged_by_a_subnet_of_it),
		DESK_TEST(without_a_list_of_s3_the_spec_must_name_the_ways_out),
		DESK_TEST(a_name_that_somebody_elses_group_bears_in_the_vpc_is_not_given_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
