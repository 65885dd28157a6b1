/* test_iam.c - the IAM documents grant what the code asks for, nothing else, and nothing that is not ours.
 *
 * Run with "agent" or "operate" as its one argument the program prints that document with CloudFormation's placeholders:
 * `make iam` writes deploy/iam with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/ops/iam.h"
#include "agent/ops/reads.h"
#include "agent/ops/step.h"

static const struct iam_args given = { "velodb", "inst-1", "123456789012", "eu-west-1", "aws", NULL };

static json_t *parsed(int (*make)(const struct iam_args *, struct buf *), const struct iam_args *a)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(64u << 10);
	json_t *j = NULL;

	assert_int_equal(make(a, &b), 0);
	assert_int_equal(json_parse(buf_str(&b), b.len, "document", &j, NULL), 0);
	return j;
}

static bool holds(const json_t *one_or_many, const char *text)
{
	size_t i;
	json_t *v;

	if (json_is_string(one_or_many))
		return strcmp(json_string_value(one_or_many), text) == 0;
	json_array_foreach(one_or_many, i, v)
		if (strcmp(json_string_value(v), text) == 0)
			return true;
	return false;
}

static bool grants(const json_t *document, const char *action)
{
	size_t i;
	json_t *s;

	json_array_foreach(json_object_get(document, "Statement"), i, s)
		if (holds(json_object_get(s, "Action"), action))
			return true;
	return false;
}

static bool is_asked_for(const char *action)
{
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++) {
		if (!step_mutates(*k))
			continue;
		if (strcmp((*k)->action, action) == 0)
			return true;
		for (const char *const *n = (*k)->needs; n != NULL && *n != NULL; n++)
			if (strcmp(*n, action) == 0)
				return true;
	}
	return false;
}

static void every_action_of_a_step_kind_is_granted(void **state)
{
	CLEANUP(json_close) json_t *j = parsed(iam_operate, &given);

	(void)state;
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++) {
		if (!step_mutates(*k))
			continue;
		assert_true(grants(j, (*k)->action));
		for (const char *const *n = (*k)->needs; n != NULL && *n != NULL; n++)
			assert_true(grants(j, *n));
	}
}

static void nothing_is_granted_that_no_step_kind_asks_for(void **state)
{
	CLEANUP(json_close) json_t *j = parsed(iam_operate, &given);
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
	CLEANUP(json_close) json_t *j = parsed(iam_agent, &given);
	const json_t *s = json_object_get(j, "Statement");
	size_t n = 0;

	(void)state;
	for (const char *const *r = reads_all; *r != NULL; r++, n++)
		assert_true(grants(j, *r));
	assert_int_equal(json_array_size(s), 2);
	assert_int_equal(json_array_size(json_object_get(json_array_get(s, 0), "Action")), n);
	assert_int_equal(json_array_size(json_object_get(json_array_get(s, 1), "Action")), 2);
	assert_true(
	    holds(json_object_get(json_array_get(s, 1), "Resource"), "arn:aws:iam::123456789012:role/velodb-role-inst-1-operate"));
}

static const char *test_of(const json_t *statement, const char *test, const char *key)
{
	return json_str_or(json_object_get(json_object_get(statement, "Condition"), test), key, "");
}

static bool is_bound_to_us(const json_t *s, const char *kind)
{
	char vendor[64], installation[64];

	snprintf(vendor, sizeof(vendor), "aws:%s/resource-created-by", kind);
	snprintf(installation, sizeof(installation), "aws:%s/reeve:installation", kind);
	return strcmp(test_of(s, "StringEquals", vendor), "velodb") == 0 &&
	       strcmp(test_of(s, "StringEquals", installation), "inst-1") == 0;
}

/* What changes or removes is bound to what carries our tags; what creates, to requests that give them. The exceptions are
 * what a request only refers to, and what has no tags of ours: they are named. */
static void whatever_changes_something_is_bound_to_our_tags(void **state)
{
	static const char *const free_of_tags[] = { "StandOn", "NodeRole", "Key", "BalancerRole", "BalancerLooks" };
	CLEANUP(json_close) json_t *j = parsed(iam_operate, &given);
	size_t i, exceptions = 0;
	json_t *s;

	(void)state;
	json_array_foreach(json_object_get(j, "Statement"), i, s) {
		bool is_free = false;

		for (size_t k = 0; k < ARRAY_LEN(free_of_tags); k++)
			is_free |= strcmp(json_str_or(s, "Sid", ""), free_of_tags[k]) == 0;
		exceptions += is_free;
		assert_true(is_free || is_bound_to_us(s, "ResourceTag") || is_bound_to_us(s, "RequestTag"));
	}
	assert_int_equal(exceptions, ARRAY_LEN(free_of_tags));
}

static void only_looking_is_allowed_on_everything_and_only_here(void **state)
{
	int (*const make[])(const struct iam_args *, struct buf *) = { iam_agent, iam_operate };
	size_t i, k;
	json_t *s, *a;

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(make); m++) {
		CLEANUP(json_close) json_t *j = parsed(make[m], &given);

		json_array_foreach(json_object_get(j, "Statement"), i, s) {
			if (!holds(json_object_get(s, "Resource"), "*"))
				continue;
			assert_string_equal(test_of(s, "StringEquals", "aws:RequestedRegion"), "eu-west-1");
			json_array_foreach(json_object_get(s, "Action"), k, a)
				assert_non_null(strstr(json_string_value(a), ":Describe"));
		}
	}
}

static json_t *statement(json_t *document, const char *sid)
{
	size_t i;
	json_t *s;

	json_array_foreach(json_object_get(document, "Statement"), i, s)
		if (strcmp(json_str_or(s, "Sid", ""), sid) == 0)
			return s;
	fail_msg("no statement %s", sid);
	return NULL;
}

static void a_node_is_launched_only_as_promised(void **state)
{
	CLEANUP(json_close) json_t *j = parsed(iam_operate, &given);

	(void)state;
	assert_string_equal(test_of(statement(j, "LaunchNode"), "StringEquals", "ec2:MetadataHttpTokens"), "required");
	assert_string_equal(test_of(statement(j, "LaunchNode"), "ArnEqualsIfExists", "ec2:InstanceProfile"),
			    "arn:aws:iam::123456789012:instance-profile/velodb-role-inst-1-node");
	assert_string_equal(test_of(statement(j, "LaunchVolume"), "Bool", "ec2:Encrypted"), "true");
	assert_string_equal(test_of(statement(j, "LaunchInterface"), "Bool", "ec2:AssociatePublicIpAddress"), "false");
	assert_string_equal(test_of(statement(j, "NodeRole"), "StringEquals", "iam:PassedToService"), "ec2.amazonaws.com");
	assert_true(
	    holds(json_object_get(statement(j, "NodeRole"), "Resource"), "arn:aws:iam::123456789012:role/velodb-role-inst-1-node"));
	assert_string_equal(test_of(statement(j, "Key"), "BoolIfExists", "kms:GrantIsForAWSResource"), "true");
}

/* The worst case of a managed policy, whitespace left out. A role name has at most 64 characters, so vendor and installation
 * have 50 together. */
static void each_fits_a_managed_policy(void **state)
{
	static const struct iam_args longest = { "an-18-letter-name-", "an-installation-of-32-letters-xx",
						 "123456789012",       "us-gov-west-1",
						 "aws-us-gov",         NULL };
	int (*const make[])(const struct iam_args *, struct buf *) = { iam_agent, iam_operate };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(make); m++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(64u << 10);
		size_t n = 0;

		assert_int_equal(make[m](&longest, &b), 0);
		for (size_t i = 0; i < b.len; i++)
			n += !isspace((unsigned char)b.data[i]);
		assert_in_range(n, 1, IAM_DOCUMENT_MAX);
	}
}

static void a_given_role_names_those_beside_it(void **state)
{
	const struct iam_args a = { "velodb", "inst-1", "123456789012", "cn-north-1", "aws-cn", "warehouse" };
	CLEANUP(json_close) json_t *j = parsed(iam_agent, &a), *o = parsed(iam_operate, &a);

	(void)state;
	assert_true(
	    holds(json_object_get(statement(j, "Operate"), "Resource"), "arn:aws-cn:iam::123456789012:role/warehouse-operate"));
	assert_true(
	    holds(json_object_get(statement(o, "NodeRole"), "Resource"), "arn:aws-cn:iam::123456789012:role/warehouse-node"));
}

static void expect_file(const char *path, int (*make)(const struct iam_args *, struct buf *))
{
	CLEANUP(buf_close) struct buf want = BUF_MAX(64u << 10);
	char have[64 << 10];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(have, 1, sizeof(have) - 1, f);
	fclose(f);
	have[n] = '\0';
	assert_int_equal(make(&(struct iam_args){ 0 }, &want), 0);
	assert_string_equal(have, buf_str(&want));
}

static void the_files_in_deploy_are_what_is_generated(void **state)
{
	(void)state;
	expect_file("deploy/iam/agent.json", iam_agent);
	expect_file("deploy/iam/operate.json", iam_operate);
}

static int print(const char *which)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(64u << 10);
	int rc = strcmp(which, "agent") == 0 ? iam_agent(&(struct iam_args){ 0 }, &b) : iam_operate(&(struct iam_args){ 0 }, &b);

	fputs(buf_str(&b), stdout);
	return rc != 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_action_of_a_step_kind_is_granted),
		cmocka_unit_test(nothing_is_granted_that_no_step_kind_asks_for),
		cmocka_unit_test(the_instance_role_reads_and_assumes_and_no_more),
		cmocka_unit_test(whatever_changes_something_is_bound_to_our_tags),
		cmocka_unit_test(only_looking_is_allowed_on_everything_and_only_here),
		cmocka_unit_test(a_node_is_launched_only_as_promised),
		cmocka_unit_test(each_fits_a_managed_policy),
		cmocka_unit_test(a_given_role_names_those_beside_it),
		cmocka_unit_test(the_files_in_deploy_are_what_is_generated),
	};

	if (argc == 2)
		return print(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
