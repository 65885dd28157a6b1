/* test_iam.c - the IAM documents grant what the code asks for, nothing else, and nothing that is not ours. */
#include "agent/ops/steps/iam_grant.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/reads.h"
#include "tests/unit/ops/steps/iam_documents.h"

static bool is_asked_for(const char *action)
{
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++) {
		if (!step_mutates(*k) || step_asks_node(*k))
			continue;
		for (const struct iam_statement *s = (*k)->grants; s->sid != NULL; s++)
			for (const char *const *a = s->actions; *a != NULL; a++)
				if (str_eq(*a, action))
					return true;
	}
	return false;
}

static void every_action_of_a_step_kind_is_granted(void **state)
{
	CLEANUP(json_close) json_t *j = operate_json(&given);

	(void)state;
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++) {
		if (!step_mutates(*k) || step_asks_node(*k))
			continue;
		assert_true(grants(j, (*k)->action));
		for (const struct iam_statement *s = (*k)->grants; s->sid != NULL; s++)
			for (const char *const *a = s->actions; *a != NULL; a++)
				assert_true(grants(j, *a));
	}
}

static void nothing_is_granted_that_no_step_kind_asks_for(void **state)
{
	CLEANUP(json_close) json_t *j = operate_json(&given);
	size_t i, k;
	json_t *s, *a;

	(void)state;
	json_array_foreach(json_object_get(j, "Statement"), i, s) {
		json_t *actions = json_object_get(s, "Action");

		if (json_is_string(actions))
			assert_true(is_asked_for(json_string_value(actions)));
		json_array_foreach(actions, k, a)
			assert_true(is_asked_for(json_string_value(a)));
	}
}

static void the_instance_role_reads_and_assumes_and_no_more(void **state)
{
	CLEANUP(json_close) json_t *j = agent_json(&given);
	const json_t *s = json_object_get(j, "Statement");
	size_t n = 0;

	(void)state;
	for (const char *const *r = reads_all(); *r != NULL; r++, n++)
		assert_true(grants(j, *r));
	assert_int_equal(json_array_size(s), 2);
	assert_int_equal(json_array_size(json_object_get(json_array_get(s, 0), "Action")), n);
	assert_int_equal(json_array_size(json_object_get(json_array_get(s, 1), "Action")), 2);
	assert_true(
	    holds(json_object_get(json_array_get(s, 1), "Resource"), "arn:aws:iam::123456789012:role/velodb-role-inst-1-operate"));
}

/* What changes or removes is bound to what carries our tags; what creates, to requests that give them. The exceptions are
 * what a request only refers to, and what has no tags of ours: they are named. */
static void whatever_changes_something_is_bound_to_our_tags(void **state)
{
	static const char *const free_of_tags[] = {
		"InSubnet", "Image", "NodeRole", "Key", "InVpc", "BalancerRole", "BalancerLooks"
	};
	CLEANUP(json_close) json_t *j = operate_json(&given);
	size_t i, exceptions = 0;
	json_t *s;

	(void)state;
	json_array_foreach(json_object_get(j, "Statement"), i, s) {
		bool is_free = false;

		for (size_t k = 0; k < ARRAY_LEN(free_of_tags); k++)
			is_free |= str_eq(json_str_or(s, "Sid", ""), free_of_tags[k]);
		exceptions += is_free;
		assert_true(is_free || is_bound_to_us(s, "ResourceTag") || is_bound_to_us(s, "RequestTag"));
	}
	assert_int_equal(exceptions, ARRAY_LEN(free_of_tags));
}

static void only_looks(const json_t *document)
{
	size_t i, k;
	json_t *s, *a;

	json_array_foreach(json_object_get(document, "Statement"), i, s) {
		if (!holds(json_object_get(s, "Resource"), "*"))
			continue;
		assert_string_equal(test_of(s, "StringEquals", "aws:RequestedRegion"), "eu-west-1");
		json_array_foreach(json_object_get(s, "Action"), k, a)
			assert_non_null(strstr(json_string_value(a), ":Describe"));
	}
}

static void only_looking_is_allowed_on_everything_and_only_here(void **state)
{
	CLEANUP(json_close) json_t *a = agent_json(&given), *o = operate_json(&given);

	(void)state;
	only_looks(a);
	only_looks(o);
}

#define VPC "arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-0a1"

static void a_node_is_launched_only_as_promised(void **state)
{
	CLEANUP(json_close) json_t *j = operate_json(&given);

	(void)state;
	assert_string_equal(test_of(statement(j, "Node"), "StringEquals", "ec2:MetadataHttpTokens"), "required");
	assert_string_equal(test_of(statement(j, "Node"), "ArnEqualsIfExists", "ec2:InstanceProfile"),
			    "arn:aws:iam::123456789012:instance-profile/velodb-role-inst-1-node");
	assert_string_equal(test_of(statement(j, "Volume"), "Bool", "ec2:Encrypted"), "true");
	assert_string_equal(test_of(statement(j, "Interface"), "Bool", "ec2:AssociatePublicIpAddress"), "false");
	assert_string_equal(test_of(statement(j, "Interface"), "ArnEquals", "ec2:Vpc"), VPC);
	assert_string_equal(test_of(statement(j, "InGroup"), "ArnEquals", "ec2:Vpc"), VPC);
	assert_string_equal(test_of(statement(j, "InSubnet"), "ArnEquals", "ec2:Vpc"), VPC);
	assert_string_equal(test_of(statement(j, "NodeRole"), "StringEquals", "iam:PassedToService"), "ec2.amazonaws.com");
	assert_true(holds(resource(j, "NodeRole"), "arn:aws:iam::123456789012:role/velodb-role-inst-1-node"));
	assert_string_equal(test_of(statement(j, "Key"), "BoolIfExists", "kms:GrantIsForAWSResource"), "true");
	assert_string_equal(test_of(statement(j, "Key"), "StringEquals", "kms:ViaService"), "ec2.eu-west-1.amazonaws.com");
}

static void in_another_partition_ec2_has_two_names(void **state)
{
	struct iam_args there = given;
	CLEANUP(json_close) json_t *j = NULL;
	const json_t *names;

	(void)state;
	there.partition = "aws-cn";
	there.suffix = "amazonaws.com.cn";
	there.region = "cn-north-1";
	j = operate_json(&there);
	names = tested(statement(j, "NodeRole"), "StringEquals", "iam:PassedToService");
	assert_int_equal(json_array_size(names), 2);
	assert_true(holds(names, "ec2.amazonaws.com"));
	assert_true(holds(names, "ec2.amazonaws.com.cn"));
	assert_string_equal(test_of(statement(j, "Key"), "StringEquals", "kms:ViaService"), "ec2.cn-north-1.amazonaws.com.cn");
}

static void tags_come_with_the_call_that_creates(void **state)
{
	CLEANUP(json_close) json_t *j = operate_json(&given);
	json_t *elb = tested(statement(j, "TagBalancer"), "StringEquals", "elasticloadbalancing:CreateAction");

	(void)state;
	assert_string_equal(test_of(statement(j, "Tag"), "StringEquals", "ec2:CreateAction"), "RunInstances");
	assert_string_equal(test_of(statement(j, "TagGroup"), "StringEquals", "ec2:CreateAction"), "CreateSecurityGroup");
	assert_int_equal(json_array_size(elb), 3);
	assert_true(holds(elb, "CreateListener") && holds(elb, "CreateLoadBalancer") && holds(elb, "CreateTargetGroup"));
}

static void groups_stand_in_the_vpc_and_balancers_are_internal(void **state)
{
	CLEANUP(json_close) json_t *j = operate_json(&given);

	(void)state;
	assert_string_equal(json_string_value(resource(j, "InVpc")), VPC);
	assert_string_equal(test_of(statement(j, "Rules"), "ArnEquals", "ec2:Vpc"), VPC);
	assert_string_equal(test_of(statement(j, "Balancer"), "StringEquals", "elasticloadbalancing:Scheme"), "internal");
	assert_string_equal(test_of(statement(j, "BalancerRole"), "StringEquals", "iam:AWSServiceName"),
			    "elasticloadbalancing.amazonaws.com");
}

static void a_given_role_names_those_beside_it(void **state)
{
	struct iam_args a = given;
	CLEANUP(json_close) json_t *j = NULL, *o = NULL;

	(void)state;
	a.partition = "aws-cn";
	a.role = "warehouse";
	j = agent_json(&a);
	o = operate_json(&a);
	assert_true(holds(resource(j, "Operate"), "arn:aws-cn:iam::123456789012:role/warehouse-operate"));
	assert_true(holds(resource(o, "NodeRole"), "arn:aws-cn:iam::123456789012:role/warehouse-node"));
}

/* As `make iam` writes them, with CloudFormation's placeholders. */
static void the_files_in_deploy_are_what_is_generated(void **state)
{
	static const struct iam_args placeholders;

	(void)state;
	for (int i = -1; i < (int)IAM_POWERS; i++) {
		CLEANUP(buf_close) struct buf want = BUF_MAX(64u << 10);
		char path[64], have[16 << 10];
		FILE *f;

		snprintf(path, sizeof(path), "deploy/iam/%s.json", i < 0 ? "agent" : iam_lists_power((enum iam_power)i));
		f = fopen(path, "r");
		assert_non_null(f);
		have[fread(have, 1, sizeof(have) - 1, f)] = '\0';
		fclose(f);
		if (i < 0)
			assert_int_equal(iam_agent(&placeholders, &want, NULL), 0);
		else
			assert_int_equal(iam_power(&placeholders, (enum iam_power)i, &want, NULL), 0);
		assert_string_equal(have, buf_str(&want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_action_of_a_step_kind_is_granted),
		cmocka_unit_test(nothing_is_granted_that_no_step_kind_asks_for),
		cmocka_unit_test(the_instance_role_reads_and_assumes_and_no_more),
		cmocka_unit_test(whatever_changes_something_is_bound_to_our_tags),
		cmocka_unit_test(only_looking_is_allowed_on_everything_and_only_here),
		cmocka_unit_test(a_node_is_launched_only_as_promised),
		cmocka_unit_test(in_another_partition_ec2_has_two_names),
		cmocka_unit_test(tags_come_with_the_call_that_creates),
		cmocka_unit_test(groups_stand_in_the_vpc_and_balancers_are_internal),
		cmocka_unit_test(a_given_role_names_those_beside_it),
		cmocka_unit_test(the_files_in_deploy_are_what_is_generated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
