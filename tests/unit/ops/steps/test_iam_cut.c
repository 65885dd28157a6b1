/* test_iam_cut.c - the IAM documents of a policy grant nothing beyond its bounds, and have room where IAM counts. */
#include "agent/ops/policy_iam.h"
#include "tests/unit/ops/steps/iam_documents.h"

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
			     "  volumes_per_node: 1\n"
			     "  volume_gib: 1\n"
			     "  tag_keys: ['team-*']\n";

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
	.vendor = "an-18-letter-name-",
	.installation = "an-installation-of-32-letters-xx",
	.account = "123456789012",
	.region = "ap-southeast-2",
	.partition = "aws-iso-b",
	.suffix = "amazonaws.com.cn",
	.vpc = "vpc-0123456789abcdef0",
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
    "  volumes_per_node: 1\n"
    "  volume_gib: 1\n"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_launch_is_cut_to_the_bounds),
		cmocka_unit_test(a_balancer_stands_in_the_subnets_of_the_bounds),
		cmocka_unit_test(whatever_gets_tags_gets_no_others),
		cmocka_unit_test(no_tag_key_of_the_vendors_leaves_our_own),
		cmocka_unit_test(a_bound_that_names_none_takes_its_statement_away),
		cmocka_unit_test(no_profile_allowed_is_no_profile_given),
		cmocka_unit_test(a_power_the_policy_cannot_use_is_not_made_and_the_reason_told),
		cmocka_unit_test(each_document_fits_with_room_and_all_fit_one_role),
		cmocka_unit_test(a_document_that_is_too_long_tells_which_bound_makes_it_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
