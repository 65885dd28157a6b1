/* test_policy_iam.c - what a policy leaves of the lists and the powers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/ops/policy_iam.h"
#include "agent/ops/steps/catalogue.h"

static const char text[] = "commands: {warehouse.apply: approve, warehouse.delete: approve}\n"
			   "bounds:\n"
			   "  instance_types: [r6i.xlarge]\n"
			   "  images: ['owner:amazon']\n"
			   "  subnets: [subnet-0a]\n"
			   "  warehouses: [wh-1]\n"
			   "  nodes_per_cluster: 1\n"
			   "  nodes_total: 1\n"
			   "  volumes_per_node: 1\n"
			   "  volume_gib: 1\n";

static struct policy wide; /* what it owns is closed once, at the end; copies of it only change numbers */

static int wide_open(void **state)
{
	(void)state;
	return policy_parse("policy.yaml", text, sizeof(text) - 1, &wide, NULL);
}

static int wide_close(void **state)
{
	(void)state;
	policy_close(&wide);
	return 0;
}

static struct bounds_value *value_in(struct policy *p, const struct bound *which)
{
	return &p->bounds.of[catalogue_place_of(which)];
}

static unsigned powers_of(const struct policy *p)
{
	struct iam_lists l;
	unsigned powers = 0;

	policy_iam_lists(p, &l);
	for (enum iam_power i = 0; i < IAM_POWERS; i++)
		powers |= (unsigned)(l.why_not[i][0] == '\0') << i;
	iam_lists_close(&l);
	return powers;
}

#define ALL ((1u << IAM_POWERS) - 1)

static void without_a_policy_every_power_is_there_and_lists_are_open(void **state)
{
	struct iam_lists l;

	(void)state;
	assert_int_equal(powers_of(NULL), ALL);
	policy_iam_lists(NULL, &l);
	assert_true(iam_lists_of(&l, &bound_instance_types)->is_open && iam_lists_of(&l, &bound_subnets)->is_open);
	assert_true(iam_lists_of(&l, &bound_tag_keys)->is_open);
	assert_false(iam_lists_of(&l, &bound_instance_profiles)->is_open);
	assert_string_equal(iam_lists_of(&l, &bound_instance_profiles)->v[0], "%N-node");
	iam_lists_close(&l);
}

static void an_owner_is_no_image(void **state)
{
	struct iam_lists l;

	(void)state;
	policy_iam_lists(&wide, &l);
	assert_int_equal(iam_lists_of(&l, &bound_images)->n, 0);
	assert_int_equal(l.apart[catalogue_place_of(&bound_images)].n, 1);
	assert_string_equal(l.apart[catalogue_place_of(&bound_images)].v[0], "amazon");
	iam_lists_close(&l);
}

static void a_verb_that_does_not_run_takes_the_powers_that_only_it_uses(void **state)
{
	struct policy p = wide;

	(void)state;
	assert_int_equal(powers_of(&p), ALL);
	p.verbs[VERB_WAREHOUSE_DELETE] = POLICY_OFF; /* apply takes away too */
	assert_int_equal(powers_of(&p), ALL);
	p.verbs[VERB_WAREHOUSE_APPLY] = POLICY_PLAN_ONLY;
	assert_int_equal(powers_of(&p), 0);
	p.verbs[VERB_WAREHOUSE_DELETE] = POLICY_AUTO;
	assert_int_equal(powers_of(&p), 1u << IAM_DELETE);
}

static void what_stops_every_change_takes_every_power(void **state)
{
	struct policy frozen = wide, nobody = wide;

	(void)state;
	frozen.frozen = true;
	value_in(&nobody, &bound_warehouses)->texts.n = 0;
	assert_int_equal(powers_of(&frozen), 0);
	assert_int_equal(powers_of(&nobody), 0);
}

static void what_stops_every_launch_takes_that_power_alone(void **state)
{
	struct policy p[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		p[i] = wide;
	value_in(&p[0], &bound_instance_types)->texts.n = 0;
	value_in(&p[1], &bound_images)->texts.n = 0;
	value_in(&p[2], &bound_subnets)->texts.n = 0;
	value_in(&p[3], &bound_nodes_per_cluster)->number = 0;
	value_in(&p[4], &bound_nodes_total)->number = 0;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(powers_of(&p[i]), ALL & ~(1u << IAM_LAUNCH));
}

static void where_no_volume_may_be_none_is_changed(void **state)
{
	struct policy p[2] = { wide, wide };

	(void)state;
	value_in(&p[0], &bound_volumes_per_node)->number = 0;
	value_in(&p[1], &bound_volume_gib)->number = 0;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(powers_of(&p[i]), ALL & ~(1u << IAM_VOLUMES));
}

static void whoever_launches_nodes_may_attach_what_others_have_left(void **state)
{
	static const enum verb_index verbs[] = { VERB_NODES_REPLACE, VERB_WAREHOUSE_UPGRADE, VERB_HEAL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		struct policy p = wide;

		p.verbs[VERB_WAREHOUSE_APPLY] = p.verbs[VERB_WAREHOUSE_DELETE] = POLICY_OFF;
		p.verbs[verbs[i]] = POLICY_AUTO;
		assert_int_equal(powers_of(&p) & (1u << IAM_LAUNCH | 1u << IAM_VOLUMES), 1u << IAM_LAUNCH | 1u << IAM_VOLUMES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_policy_every_power_is_there_and_lists_are_open),
		cmocka_unit_test(an_owner_is_no_image),
		cmocka_unit_test(a_verb_that_does_not_run_takes_the_powers_that_only_it_uses),
		cmocka_unit_test(what_stops_every_change_takes_every_power),
		cmocka_unit_test(what_stops_every_launch_takes_that_power_alone),
		cmocka_unit_test(where_no_volume_may_be_none_is_changed),
		cmocka_unit_test(whoever_launches_nodes_may_attach_what_others_have_left),
	};

	return cmocka_run_group_tests(tests, wide_open, wide_close);
}
