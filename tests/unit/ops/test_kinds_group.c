/* test_kinds_group.c - steps of security groups and their rules. */
#include "tests/unit/ops/kinds.h"

#define CREATE "{\"name\":\"g\",\"description\":\"d d\",\"vpc_id\":\"vpc-1\"," TAGS ",\"fact\":\"sg.node\"}"
#define RULE                                                                                                                       \
	"{\"group_id\":\"sg-1\",\"rule\":{\"protocol\":\"tcp\",\"from_port\":8000,\"to_port\":9000,\"cidr\":\"10.0.0.0/"           \
	"16\",\"description\":\"c\"}}"
#define CREATED "<CreateSecurityGroupResponse><groupId>sg-9</groupId></CreateSecurityGroupResponse>"

static struct ec2_rule have_rules[] = { { "tcp", 8000, 9000, "10.0.0.0/16", NULL, "other words" } };
static struct ec2_group have[] = { { .id = "sg-1", .name = "g", .vpc_id = "vpc-1", .rules = have_rules, .rules_n = 1 } };

static void a_group_is_asked_for_with_its_tags(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_create_security_group, CREATE);
	bench_asks(&b, "Action=CreateSecurityGroup", "GroupName=g", "GroupDescription=d+d", "VpcId=vpc-1",
		   "TagSpecification.1.ResourceType=security-group", "TagSpecification.1.Tag.1.Key=resource-created-by", NULL);
	bench_close(&b);
	bench_needs(&kind_create_security_group, CREATE);
}

static void a_made_group_is_a_fact_and_a_duplicate_is_looked_for(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_create_security_group, CREATE);
	assert_int_equal(bench_judges(&b, AWS_DUPLICATE, "InvalidGroup.Duplicate", NULL), STEP_LOOK);
	assert_int_equal(bench_judges(&b, AWS_AMBIGUOUS, "", NULL), STEP_LOOK);
	assert_int_equal(bench_judges(&b, AWS_THROTTLED, "RequestLimitExceeded", NULL), STEP_AGAIN);
	assert_int_equal(bench_judges(&b, AWS_EXPIRED, "RequestExpired", NULL), STEP_AGAIN);
	assert_int_equal(bench_judges(&b, AWS_OK, "", "<CreateSecurityGroupResponse/>"), STEP_LOOK);
	assert_int_equal(json_object_size(b.facts), 0);
	assert_int_equal(bench_judges(&b, AWS_DENIED, "UnauthorizedOperation", NULL), STEP_FAILED);
	assert_non_null(strstr(b.err.text, "UnauthorizedOperation"));
	assert_int_equal(bench_judges(&b, AWS_OK, "", CREATED), STEP_DONE);
	assert_string_equal(bench_fact(&b, "sg.node"), "sg-9");
	bench_close(&b);
}

static void a_group_is_found_by_name_in_its_own_vpc_alone(void **state)
{
	struct inventory inv = { .groups = { have, 1 } };
	struct bench b;

	(void)state;
	bench_open(&b, &kind_create_security_group, CREATE);
	assert_true(b.kind->find(&b.x, &inv));
	assert_string_equal(bench_fact(&b, "sg.node"), "sg-1");
	json_object_set_new(b.args, "vpc_id", json_string("vpc-2"));
	assert_false(b.kind->find(&b.x, &inv));
	bench_close(&b);
}

static void a_rule_that_is_there_already_is_done_whatever_its_words(void **state)
{
	struct inventory inv = { .groups = { have, 1 } }, none = { 0 };
	struct bench b;

	(void)state;
	bench_open(&b, &kind_authorize_ingress, RULE);
	bench_asks(&b, "Action=AuthorizeSecurityGroupIngress", "GroupId=sg-1", "IpPermissions.1.IpProtocol=tcp",
		   "IpPermissions.1.FromPort=8000", "IpPermissions.1.ToPort=9000",
		   "IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F16", NULL);
	assert_int_equal(bench_judges(&b, AWS_OK, "", "<r/>"), STEP_DONE);
	assert_int_equal(bench_judges(&b, AWS_DUPLICATE, "InvalidPermission.Duplicate", NULL), STEP_DONE);
	assert_int_equal(bench_judges(&b, AWS_NOTFOUND, "InvalidGroup.NotFound", NULL), STEP_AGAIN);
	assert_int_equal(bench_judges(&b, AWS_AMBIGUOUS, "", NULL), STEP_LOOK);
	assert_true(b.kind->find(&b.x, &inv));
	assert_false(b.kind->find(&b.x, &none));
	bench_close(&b);
	bench_needs(&kind_authorize_ingress, RULE);
}

static void a_rule_says_what_it_opens_and_when_that_is_outside(void **state)
{
	struct demand d = { 0 };
	struct bench b;

	(void)state;
	bench_open(&b, &kind_authorize_ingress, RULE);
	b.kind->demand(b.args, &d);
	assert_int_equal(d.rules_n, 1);
	assert_string_equal(d.rules[0].cidr, "10.0.0.0/16");
	assert_int_equal(d.rules[0].to_port, 9000);
	assert_false(b.kind->is_high(b.args));
	json_object_set_new(b.args, "outside_vpc", json_true());
	assert_true(b.kind->is_high(b.args));
	demand_close(&d);
	bench_close(&b);
}

static void a_revoked_rule_is_gone_when_aws_does_not_know_it(void **state)
{
	struct inventory inv = { .groups = { have, 1 } }, none = { 0 };
	struct bench b;

	(void)state;
	bench_open(&b, &kind_revoke_ingress, RULE);
	bench_asks(&b, "Action=RevokeSecurityGroupIngress", "GroupId=sg-1", NULL);
	assert_int_equal(bench_judges(&b, AWS_NOTFOUND, "InvalidPermission.NotFound", NULL), STEP_DONE);
	assert_false(b.kind->find(&b.x, &inv));
	assert_true(b.kind->find(&b.x, &none));
	bench_close(&b);
}

/* What this very plan made may be hidden: then "not found" is no answer before the wait is over. */
static void an_undo_does_not_believe_that_a_fresh_group_is_gone(void **state)
{
	struct inventory none = { 0 };
	json_t *args, *create = json_loads(CREATE, 0, NULL);
	struct bench b;
	char *text;

	(void)state;
	args = kind_create_security_group.undo_args(create);
	assert_string_equal(json_str_or(args, "group_id", ""), "@sg.node");
	text = json_dumps(args, 0);
	bench_open(&b, kind_create_security_group.undo, text);
	assert_int_equal(bench_judges(&b, AWS_NOTFOUND, "InvalidGroup.NotFound", NULL), STEP_AGAIN);
	assert_false(b.kind->find(&b.x, &none));
	b.x.patient = true;
	assert_int_equal(bench_judges(&b, AWS_NOTFOUND, "InvalidGroup.NotFound", NULL), STEP_DONE);
	assert_true(b.kind->find(&b.x, &none));
	assert_int_equal(bench_judges(&b, AWS_CONFLICT, "DependencyViolation", NULL), STEP_AGAIN);
	bench_close(&b);
	free(text);
	json_decref(args);
	json_decref(create);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_is_asked_for_with_its_tags),
		cmocka_unit_test(a_made_group_is_a_fact_and_a_duplicate_is_looked_for),
		cmocka_unit_test(a_group_is_found_by_name_in_its_own_vpc_alone),
		cmocka_unit_test(a_rule_that_is_there_already_is_done_whatever_its_words),
		cmocka_unit_test(a_rule_says_what_it_opens_and_when_that_is_outside),
		cmocka_unit_test(a_revoked_rule_is_gone_when_aws_does_not_know_it),
		cmocka_unit_test(an_undo_does_not_believe_that_a_fresh_group_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
