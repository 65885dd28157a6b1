/* test_iam.c - the IAM documents grant what the code asks for, nothing else, and nothing that is not ours; with a policy, nothing
 * beyond its bounds.
 *
 * Run with an argument the program prints: "agent" or a power that document with CloudFormation's placeholders (`make iam` writes
 * deploy/iam with it), "stack" all of them as the stack carries them, lists being placeholders too (for fill.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/ops/steps/iam.h"
#include "agent/ops/policy_iam.h"
#include "agent/ops/steps/reads.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/iam_grant.h"

static const struct iam_args given = {
	"velodb", "inst-1", "123456789012", "eu-west-1", "aws", NULL, "vpc-0a1", NULL,
};

static const char narrow[] = "commands:\n"
			     "  warehouse.apply: approve\n"
			     "  warehouse.delete: approve\n"
			     "bounds:\n"
			     "  instance_types: [r6i.xlarge, m6i.large]\n"
			     "  images: [ami-0a, ami-0b, 'owner:amazon', 'owner:210987654321']\n"
			     "  subnets: [subnet-0a, subnet-0b]\n"
			     "  nodes_per_cluster: 4\n"
			     "  nodes_total: 8\n"
			     "  instance_profiles: [node-a, node-b]\n"
			     "  kms_keys: ['arn:aws:kms:eu-west-1:123456789012:key/k-1']\n"
			     "  warehouses: [wh-1]\n"
			     "  balancers: 1\n"
			     "  tag_keys: ['team-*']\n";

static json_t *json_of(const struct buf *b)
{
	json_t *j = NULL;

	assert_int_equal(json_parse(b->data, b->len, "document", &j, NULL), 0);
	return j;
}

static json_t *agent_json(const struct iam_args *a)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(64u << 10);

	assert_int_equal(iam_agent(a, &b, NULL), 0);
	return json_of(&b);
}

static json_t *power_json(const struct iam_args *a, enum iam_power p)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(64u << 10);

	assert_int_equal(iam_power(a, p, &b, NULL), 0);
	return json_of(&b);
}

/* All statements of all powers as one document. */
static json_t *operate_json(const struct iam_args *a)
{
	json_t *all = json_array();

	for (enum iam_power p = 0; p < IAM_POWERS; p++) {
		json_t *j = power_json(a, p);

		json_array_extend(all, json_object_get(j, "Statement"));
		json_decref(j);
	}
	return json_pack("{s:o}", "Statement", all);
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
		for (const struct iam_statement *s = (*k)->grants; s->sid != NULL; s++)
			for (const char *const *a = s->actions; *a != NULL; a++)
				if (strcmp(*a, action) == 0)
					return true;
	}
	return false;
}

static void every_action_of_a_step_kind_is_granted(void **state)
{
	CLEANUP(json_close) json_t *j = operate_json(&given);

	(void)state;
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++) {
		if (!step_mutates(*k))
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

static json_t *tested(const json_t *statement, const char *test, const char *key)
{
	return json_object_get(json_object_get(json_object_get(statement, "Condition"), test), key);
}

static const char *test_of(const json_t *statement, const char *test, const char *key)
{
	json_t *v = tested(statement, test, key);

	return v != NULL ? json_string_value(v) : "";
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
			is_free |= strcmp(json_str_or(s, "Sid", ""), free_of_tags[k]) == 0;
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

static json_t *find(json_t *document, const char *sid)
{
	size_t i;
	json_t *s;

	json_array_foreach(json_object_get(document, "Statement"), i, s)
		if (strcmp(json_str_or(s, "Sid", ""), sid) == 0)
			return s;
	return NULL;
}

static json_t *statement(json_t *document, const char *sid)
{
	json_t *s = find(document, sid);

	if (s == NULL)
		fail_msg("no statement %s", sid);
	return s;
}

static json_t *resource(json_t *document, const char *sid)
{
	return json_object_get(statement(document, sid), "Resource");
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

/* ---- cut by a policy ---- */

static struct policy policy_of(const char *text)
{
	struct policy p = { 0 };
	struct err e = { 0 };

	if (policy_parse("policy.yaml", text, strlen(text), &p, &e) != 0)
		fail_msg("%s", err_text(&e));
	return p;
}

/* The text with one part of it changed. */
static struct policy policy_but(const char *old, const char *new)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(16u << 10);
	const char *at = strstr(narrow, old);

	assert_non_null(at);
	buf_add(&b, narrow, (size_t)(at - narrow));
	buf_adds(&b, new);
	buf_adds(&b, at + strlen(old));
	return policy_of(buf_str(&b));
}

static json_t *cut_json(struct policy *p)
{
	struct iam_lists l;
	struct iam_args a = given;
	json_t *j;

	policy_iam_lists(p, &l);
	a.lists = &l;
	j = operate_json(&a);
	iam_lists_close(&l);
	policy_close(p);
	return j;
}

static void assert_list(const json_t *list, const char *const *want)
{
	size_t n = 0;

	for (; want[n] != NULL; n++)
		assert_true(holds(list, want[n]));
	assert_int_equal(json_is_string(list) ? 1 : json_array_size(list), n);
}

#define ONLY(...)                                                                                                                  \
	(const char *const[])                                                                                                      \
	{                                                                                                                          \
		__VA_ARGS__, NULL                                                                                                  \
	}

static void a_launch_is_cut_to_the_bounds(void **state)
{
	struct policy p = policy_of(narrow);
	CLEANUP(json_close) json_t *j = cut_json(&p);

	(void)state;
	assert_list(tested(statement(j, "Node"), "StringEquals", "ec2:InstanceType"), ONLY("r6i.xlarge", "m6i.large"));
	assert_list(resource(j, "Image"), ONLY("arn:aws:ec2:eu-west-1::image/ami-0a", "arn:aws:ec2:eu-west-1::image/ami-0b"));
	assert_list(tested(statement(j, "ImageOf"), "StringEquals", "ec2:Owner"), ONLY("amazon", "210987654321"));
	assert_list(resource(j, "ImageOf"), ONLY("arn:aws:ec2:eu-west-1::image/*"));
	assert_list(resource(j, "InSubnet"), ONLY("arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-0a",
						  "arn:aws:ec2:eu-west-1:123456789012:subnet/subnet-0b"));
	assert_list(resource(j, "Key"), ONLY("arn:aws:kms:eu-west-1:123456789012:key/k-1"));
	assert_list(resource(j, "NodeRole"),
		    ONLY("arn:aws:iam::123456789012:role/node-a", "arn:aws:iam::123456789012:role/node-b"));
	assert_list(tested(statement(j, "Node"), "ArnEqualsIfExists", "ec2:InstanceProfile"),
		    ONLY("arn:aws:iam::123456789012:instance-profile/node-a", "arn:aws:iam::123456789012:instance-profile/node-b"));
}

static void a_balancer_stands_in_the_subnets_of_the_bounds(void **state)
{
	struct policy p = policy_of(narrow);
	CLEANUP(json_close) json_t *j = cut_json(&p);
	const json_t *s = statement(j, "Balancer");

	(void)state;
	assert_list(tested(s, "ForAllValues:StringEquals", "elasticloadbalancing:Subnet"), ONLY("subnet-0a", "subnet-0b"));
	assert_string_equal(test_of(s, "Null", "elasticloadbalancing:Subnet"), "false");
}

static void whatever_gets_tags_gets_no_others(void **state)
{
	struct policy p = policy_of(narrow);
	CLEANUP(json_close) json_t *j = cut_json(&p);
	size_t i, n = 0;
	json_t *s;

	(void)state;
	json_array_foreach(json_object_get(j, "Statement"), i, s) {
		if (!is_bound_to_us(s, "RequestTag"))
			continue;
		assert_list(tested(s, "ForAllValues:StringLike", "aws:TagKeys"),
			    ONLY("Name", "reeve:*", "resource-created-by", "team-*"));
		n++;
	}
	assert_int_equal(n, 10);
}

static void no_tag_key_of_the_vendors_leaves_our_own(void **state)
{
	struct policy p = policy_but("['team-*']", "[]");
	CLEANUP(json_close) json_t *j = cut_json(&p);

	(void)state;
	assert_list(tested(statement(j, "Tag"), "ForAllValues:StringLike", "aws:TagKeys"),
		    ONLY("Name", "reeve:*", "resource-created-by"));
}

static void a_bound_that_names_none_takes_its_statement_away(void **state)
{
	static const struct {
		const char *old, *new, *sid;
	} cases[] = {
		{ "ami-0a, ami-0b, ", "", "Image" },
		{ ", 'owner:amazon', 'owner:210987654321'", "", "ImageOf" },
		{ "['arn:aws:kms:eu-west-1:123456789012:key/k-1']", "[]", "Key" },
		{ "[node-a, node-b]", "[]", "NodeRole" },
		{ "balancers: 1", "balancers: 0", "Balancer" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct policy p = policy_but(cases[i].old, cases[i].new);
		CLEANUP(json_close) json_t *j = cut_json(&p);

		assert_null(find(j, cases[i].sid));
		assert_non_null(find(j, "Node"));
		assert_non_null(find(j, "Register"));
	}
}

static void no_profile_allowed_is_no_profile_given(void **state)
{
	struct policy p = policy_but("[node-a, node-b]", "[]");
	CLEANUP(json_close) json_t *j = cut_json(&p);

	(void)state;
	assert_string_equal(test_of(statement(j, "Node"), "Null", "ec2:InstanceProfile"), "true");
	assert_null(tested(statement(j, "Node"), "ArnEqualsIfExists", "ec2:InstanceProfile"));
}

static void a_power_the_policy_cannot_use_is_not_made_and_the_reason_told(void **state)
{
	static const struct {
		const char *old, *new;
		enum iam_power power;
		const char *why;
	} cases[] = {
		{ "[subnet-0a, subnet-0b]", "[]", IAM_LAUNCH, "bounds.subnets names none" },
		{ "[r6i.xlarge, m6i.large]", "[]", IAM_LAUNCH, "bounds.instance_types names none" },
		{ "nodes_total: 8", "nodes_total: 0", IAM_LAUNCH, "bounds allow no node" },
		{ "apply: approve", "apply: plan-only", IAM_GROUPS, "warehouse.apply does not run" },
		{ "[wh-1]", "[]", IAM_DELETE, "bounds.warehouses names none" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(64u << 10), all = BUF_MAX(64u << 10);
		struct policy p = policy_but(cases[i].old, cases[i].new);
		struct iam_lists l;
		struct iam_args a = given;
		struct err e = { 0 };
		json_t *j;

		policy_iam_lists(&p, &l);
		a.lists = &l;
		assert_int_equal(iam_power(&a, cases[i].power, &b, &e), -ERR_DENIED);
		assert_non_null(strstr(err_text(&e), cases[i].why));
		assert_int_equal(iam_operate(&a, &all, NULL), 0);
		j = json_of(&all);
		assert_null(json_object_get(j, iam_lists_power(cases[i].power)));
		json_decref(j);
		iam_lists_close(&l);
		policy_close(&p);
	}
}

/* ---- how long ---- */

static size_t compact(json_t *j)
{
	size_t n = json_dumpb(j, NULL, 0, JSON_COMPACT);

	json_decref(j);
	return n;
}

/* The longest names: a role name has at most 64 characters, so vendor and installation have 50 together. */
static const struct iam_args longest = {
	"an-18-letter-name-",
	"an-installation-of-32-letters-xx",
	"123456789012",
	"us-gov-west-1",
	"aws-us-gov",
	NULL,
	"vpc-0123456789abcdef0",
	NULL,
};

/* A policy of fair size: what an installation with two warehouses in three zones names. */
static const char fair[] =
    "commands: {warehouse.apply: auto, warehouse.delete: auto}\n"
    "bounds:\n"
    "  instance_types: [r6i.xlarge, r6i.2xlarge, r6i.4xlarge, m6i.large, m6i.xlarge, m6i.2xlarge]\n"
    "  images: [ami-0123456789abcdef0, ami-0123456789abcdef1, 'owner:123456789012', 'owner:amazon']\n"
    "  subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1, subnet-0123456789abcdef2]\n"
    "  nodes_per_cluster: 4\n"
    "  nodes_total: 8\n"
    "  instance_profiles: [an-18-letter-name--role-an-installation-of-32-letters-xx-node]\n"
    "  kms_keys: ['arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/12345678-1234-1234-1234-123456789012']\n"
    "  warehouses: [wh-1, wh-2]\n"
    "  balancers: 1\n"
    "  tag_keys: ['sdb-*', 'team-*']\n";

/* A managed policy has 6,144 bytes, and a role ten of them. */
static void each_document_fits_with_room_and_all_fit_one_role(void **state)
{
	struct policy p = policy_of(fair);
	struct iam_lists l;
	struct iam_args cut = longest;

	(void)state;
	policy_iam_lists(&p, &l);
	cut.lists = &l;
	assert_in_range(compact(agent_json(&longest)), 1, IAM_DOCUMENT_MAX);
	for (enum iam_power power = 0; power < IAM_POWERS; power++) {
		assert_in_range(compact(power_json(&longest, power)), 1, IAM_DOCUMENT_MAX);
		assert_in_range(compact(power_json(&cut, power)), 1, IAM_DOCUMENT_MAX);
	}
	assert_true(IAM_POWERS <= 10);
	iam_lists_close(&l);
	policy_close(&p);
}

static void a_document_that_is_too_long_tells_which_bound_makes_it_so(void **state)
{
	static const struct {
		const char *old, *member, *why;
	} cases[] = {
		{ "subnet-0b]", "subnet-%017d", "bounds.subnets" },
		{ "m6i.large]", "m6i.x%06dlarge", "bounds.instance_types" },
		{ "'team-*']", "team-%020d", "bounds.tag_keys" },
		{ "ami-0a, ami-0b, ", "ami-%017d", "bounds.images" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf many = BUF_MAX(16u << 10), b = BUF_MAX(64u << 10);
		bool ends = strchr(cases[i].old, ']') != NULL;
		struct iam_args a = given;
		struct err e = { 0 };
		struct iam_lists l;
		struct policy p;

		for (int n = 0; n < 200; n++) {
			char member[64];

			snprintf(member, sizeof(member), cases[i].member, n); /* a format of ours */
			buf_addf(&many, "%s%s", n == 0 ? "" : ", ", member);
		}
		buf_adds(&many, ends ? "]" : ", ");
		p = policy_but(cases[i].old, buf_str(&many));
		policy_iam_lists(&p, &l);
		a.lists = &l;
		assert_int_equal(iam_power(&a, IAM_LAUNCH, &b, &e), -ERR_LIMIT);
		assert_non_null(strstr(err_text(&e), cases[i].why));
		assert_non_null(strstr(err_text(&e), "5120"));
		iam_lists_close(&l);
		policy_close(&p);
	}
}

static void a_given_role_names_those_beside_it(void **state)
{
	const struct iam_args a = { "velodb", "inst-1", "123456789012", "cn-north-1", "aws-cn", "warehouse", "vpc-0a1", NULL };
	CLEANUP(json_close) json_t *j = agent_json(&a), *o = operate_json(&a);

	(void)state;
	assert_true(holds(resource(j, "Operate"), "arn:aws-cn:iam::123456789012:role/warehouse-operate"));
	assert_true(holds(resource(o, "NodeRole"), "arn:aws-cn:iam::123456789012:role/warehouse-node"));
}

/* ---- deploy/iam and the stack ---- */

static int text_of(const char *which, struct buf *to)
{
	const struct iam_args a = { 0 };

	if (strcmp(which, "agent") == 0)
		return iam_agent(&a, to, NULL);
	for (enum iam_power p = 0; p < IAM_POWERS; p++)
		if (strcmp(which, iam_lists_power(p)) == 0)
			return iam_power(&a, p, to, NULL);
	return -ERR_INVALID;
}

static void the_files_in_deploy_are_what_is_generated(void **state)
{
	static const char *const all[] = { "agent", "launch", "delete", "groups", "balancers" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		CLEANUP(buf_close) struct buf want = BUF_MAX(64u << 10);
		char path[64], have[16 << 10];
		FILE *f;

		snprintf(path, sizeof(path), "deploy/iam/%s.json", all[i]);
		f = fopen(path, "r");
		assert_non_null(f);
		have[fread(have, 1, sizeof(have) - 1, f)] = '\0';
		fclose(f);
		assert_int_equal(text_of(all[i], &want), 0);
		assert_string_equal(have, buf_str(&want));
	}
}

#define ONE(text)                                                                                                                  \
	{                                                                                                                          \
		(char *[]){ (char *)(text) }, 1                                                                                    \
	} /* a list of bounds, only read */

/* The stack's lists are its parameters: fill.py spreads them. */
static int print_stack(void)
{
	struct policy p = {
		.present = true,
		.verbs = { POLICY_AUTO, POLICY_AUTO },
		.bounds = {
			.types = ONE("${NodeTypes}"),
			.images = { (char *[]){ (char *)"${NodeImages}", (char *)"owner:${NodeImageOwners}" }, 2 },
			.subnets = ONE("${NodeSubnets}"),
			.profiles = ONE("${Vendor}-role-${Installation}-node"),
			.keys = ONE("${NodeKmsKeys}"),
			.tag_keys = ONE("${NodeTagKeys}"),
			.warehouses = ONE("${Warehouses}"),
			.nodes_per_cluster = 1, .nodes_total = 1, .balancers = 1,
		},
	};
	CLEANUP(buf_close) struct buf agent = BUF_MAX(64u << 10), operate = BUF_MAX(64u << 10);
	struct iam_lists l;

	policy_iam_lists(&p, &l);
	if (iam_agent(&(struct iam_args){ 0 }, &agent, NULL) != 0 ||
	    iam_operate(&(struct iam_args){ .lists = &l }, &operate, NULL) != 0)
		return 1;
	iam_lists_close(&l);
	printf("{\"agent\": %s, \"operate\": %s}\n", buf_str(&agent), buf_str(&operate));
	return 0;
}

static int print(const char *which)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(64u << 10);

	if (strcmp(which, "stack") == 0)
		return print_stack();
	if (text_of(which, &b) != 0)
		return 1;
	fputs(buf_str(&b), stdout);
	return 0;
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
		cmocka_unit_test(tags_come_with_the_call_that_creates),
		cmocka_unit_test(groups_stand_in_the_vpc_and_balancers_are_internal),
		cmocka_unit_test(a_launch_is_cut_to_the_bounds),
		cmocka_unit_test(a_balancer_stands_in_the_subnets_of_the_bounds),
		cmocka_unit_test(whatever_gets_tags_gets_no_others),
		cmocka_unit_test(no_tag_key_of_the_vendors_leaves_our_own),
		cmocka_unit_test(a_bound_that_names_none_takes_its_statement_away),
		cmocka_unit_test(no_profile_allowed_is_no_profile_given),
		cmocka_unit_test(a_power_the_policy_cannot_use_is_not_made_and_the_reason_told),
		cmocka_unit_test(each_document_fits_with_room_and_all_fit_one_role),
		cmocka_unit_test(a_document_that_is_too_long_tells_which_bound_makes_it_so),
		cmocka_unit_test(a_given_role_names_those_beside_it),
		cmocka_unit_test(the_files_in_deploy_are_what_is_generated),
	};

	if (argc == 2)
		return print(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
