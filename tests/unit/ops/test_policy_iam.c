/* test_policy_iam.c - what a policy leaves of the lists and the powers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/ops/policy_iam.h"

#define ONE(text)                                                                                                                  \
	{                                                                                                                          \
		(char *[]){ (char *)(text) }, 1                                                                                    \
	} /* a list of bounds, only read */

static const struct policy wide = {
	.present = true,
	.verbs = { POLICY_APPROVE, POLICY_APPROVE },
	.bounds = {
		.types = ONE("r6i.xlarge"),
		.images = ONE("owner:amazon"),
		.subnets = ONE("subnet-0a"),
		.warehouses = ONE("wh-1"),
		.nodes_per_cluster = 1,
		.nodes_total = 1,
	},
};

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
	assert_true(l.of[IAM_TYPES].is_open && l.of[IAM_SUBNETS].is_open && l.of[IAM_TAG_KEYS].is_open);
	assert_false(l.of[IAM_PROFILES].is_open);
	assert_string_equal(l.of[IAM_PROFILES].v[0], "%N-node");
	iam_lists_close(&l);
}

static void an_owner_is_no_image(void **state)
{
	struct iam_lists l;

	(void)state;
	policy_iam_lists(&wide, &l);
	assert_int_equal(l.of[IAM_IMAGES].n, 0);
	assert_int_equal(l.of[IAM_OWNERS].n, 1);
	assert_string_equal(l.of[IAM_OWNERS].v[0], "amazon");
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
	nobody.bounds.warehouses.n = 0;
	assert_int_equal(powers_of(&frozen), 0);
	assert_int_equal(powers_of(&nobody), 0);
}

static void what_stops_every_launch_takes_that_power_alone(void **state)
{
	struct policy p[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		p[i] = wide;
	p[0].bounds.types.n = 0;
	p[1].bounds.images.n = 0;
	p[2].bounds.subnets.n = 0;
	p[3].bounds.nodes_per_cluster = 0;
	p[4].bounds.nodes_total = 0;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(powers_of(&p[i]), ALL & ~(1u << IAM_LAUNCH));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_policy_every_power_is_there_and_lists_are_open),
		cmocka_unit_test(an_owner_is_no_image),
		cmocka_unit_test(a_verb_that_does_not_run_takes_the_powers_that_only_it_uses),
		cmocka_unit_test(what_stops_every_change_takes_every_power),
		cmocka_unit_test(what_stops_every_launch_takes_that_power_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
