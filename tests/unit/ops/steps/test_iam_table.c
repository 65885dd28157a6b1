/* test_iam_table.c - the statements of all kinds as one table; what takes away is in a power of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/iam_table.h"

static void each_kind_is_allowed_its_call_and_means_one_thing_by_a_sid(void **state)
{
	struct err e = { 0 };

	(void)state;
	if (iam_table_check(&e) != 0)
		fail_msg("%s", err_text(&e));
}

static void only_the_power_to_delete_takes_away(void **state)
{
	(void)state;
	for (const struct iam_statement *s = iam_table_operate(); s->sid != NULL; s++)
		for (const char *const *a = s->actions; *a != NULL; a++)
			if ((strstr(*a, ":Delete") != NULL && strstr(*a, ":DeleteTags") == NULL) ||
			    strstr(*a, ":Terminate") != NULL || strstr(*a, ":Deregister") != NULL)
				assert_int_equal(s->power, IAM_DELETE);
}

static void no_action_is_a_pattern(void **state)
{
	(void)state;
	for (const struct iam_statement *s = iam_table_operate(); s->sid != NULL; s++)
		for (const char *const *a = s->actions; *a != NULL; a++)
			assert_null(strpbrk(*a, "*?"));
}

static size_t count(const char *sid)
{
	size_t n = 0;

	for (const struct iam_statement *s = iam_table_operate(); s->sid != NULL; s++)
		n += strcmp(s->sid, sid) == 0;
	return n;
}

/* Six kinds of rules, six that take away: one statement each, with all of their actions, each once and in order. */
static void statements_of_one_sid_are_one(void **state)
{
	size_t actions = 0;

	(void)state;
	for (const struct iam_statement *s = iam_table_operate(); s->sid != NULL; s++) {
		assert_int_equal(count(s->sid), 1);
		for (const char *const *a = s->actions; *a != NULL; a++)
			assert_true(a == s->actions || strcmp(a[-1], *a) < 0);
		for (const char *const *a = s->actions; strcmp(s->sid, "Rules") == 0 && *a != NULL; a++)
			actions++;
	}
	assert_int_equal(actions, 6);
	assert_ptr_equal(iam_table_operate(), iam_table_operate());
}

/* Tags may be set by the calls that create, and by no other: each kind's own. */
static void who_may_tag_names_the_calls_that_create(void **state)
{
	static const char *const expected[][5] = {
		{ "TagGroup", "ec2:CreateSecurityGroup" },
		{ "Tag", "ec2:RunInstances" },
		{ "TagBalancer", "elasticloadbalancing:CreateListener", "elasticloadbalancing:CreateLoadBalancer",
		  "elasticloadbalancing:CreateTargetGroup" },
	};
	size_t found = 0;

	(void)state;
	for (const struct iam_statement *s = iam_table_operate(); s->sid != NULL; s++)
		for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
			const char *const *creates = iam_table_creates(s);

			if (strcmp(s->sid, expected[i][0]) != 0)
				continue;
			found++;
			assert_true(s->when & IAM_BY_CREATING);
			for (size_t k = 1; expected[i][k] != NULL; k++, creates++)
				assert_string_equal(*creates, expected[i][k]);
			assert_null(*creates);
		}
	assert_int_equal(found, 3);
}

static void a_kind_that_changes_aws_must_be_allowed_to_and_one_that_asks_a_node_need_not(void **state)
{
	static const struct step_kind deletes = { .name = "delete-bucket", .action = "s3:DeleteBucket", .repeat = REPEAT_NATURAL };
	static const struct step_kind drains = { .name = "drain-node", .action = "node:POST /drain", .repeat = REPEAT_NATURAL };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(iam_table_check_kind(&drains, &e), 0);
	assert_int_not_equal(iam_table_check_kind(&deletes, &e), 0);
	assert_string_equal(err_text(&e), "the step delete-bucket has no statement that allows s3:DeleteBucket");
}

/* "Bucket" is a Sid that no kind of the catalogue has: what stands under it is this test's alone, until the process ends. */
static void conditions_of_its_own_are_the_kinds_that_has_the_sid(void **state)
{
	static const char *const actions[] = { "s3:DeleteBucket", NULL }, *const resources[] = { "arn:%P:s3:::%N", NULL };
	static const struct iam_condition owner[] = { { IAM_OWN(0), "StringEquals", "s3:ResourceAccount", "%A" }, { 0 } };
	static const struct iam_statement grants[] = { { IAM_DELETE, "Bucket", IAM_OWN(0), actions, resources }, { 0 } };
	static const struct step_kind none = { .name = "a", .action = "s3:DeleteBucket", .grants = grants };
	static const struct step_kind one = { .name = "b", .action = "s3:DeleteBucket", .grants = grants, .conditions = owner };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(iam_table_check(&e), 0);
	assert_int_not_equal(iam_table_check_kind(&one, &e), 0); /* the table was made without it */
	assert_int_not_equal(iam_table_check_kind(&none, &e), 0);
	assert_string_equal(err_text(&e), "the step a means another thing by the statement Bucket than a kind before it");
	for (const struct iam_statement *s = iam_table_operate(); s->sid != NULL; s++)
		assert_int_equal(iam_table_own(s) != NULL, (s->when & IAM_ANY_OWN) != 0 && strcmp(s->sid, "Bucket") != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_is_allowed_its_call_and_means_one_thing_by_a_sid),
		cmocka_unit_test(statements_of_one_sid_are_one),
		cmocka_unit_test(only_the_power_to_delete_takes_away),
		cmocka_unit_test(no_action_is_a_pattern),
		cmocka_unit_test(who_may_tag_names_the_calls_that_create),
		cmocka_unit_test(conditions_of_its_own_are_the_kinds_that_has_the_sid),
		cmocka_unit_test(a_kind_that_changes_aws_must_be_allowed_to_and_one_that_asks_a_node_need_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
