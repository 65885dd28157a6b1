/* test_kinds_group.c - step kinds of security groups: what they ask, how they judge, what they find. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"

#define CREATE                                                                                                                     \
	"{\"name\": \"n\", \"description\": \"d\", \"vpc_id\": \"vpc-1\", \"tags\": {\"k\": \"v\", "                               \
	"\"reeve:warehouse\": \"wh-1\"}, \"fact\": \"sg.node\"}"
#define RULE(extra)                                                                                                                \
	"{\"group_id\": \"sg-1\", \"rule\": {\"protocol\": \"tcp\", \"from_port\": 80, \"to_port\": 81, \"cidr\": "                \
	"\"10.0.0.0/8\"}" extra "}"

static void add_group(struct kinds *t, const char *name, struct ec2_rule *rules, size_t n)
{
	static struct ec2_tag tags[] = { { "reeve:warehouse", "wh-1" } };
	static struct ec2_group g;

	g = (struct ec2_group){ .id = "sg-1", .name = name, .vpc_id = "vpc-1", .rules = rules, .rules_n = n, .tags = { tags, 1 } };
	*groups_in(t->inv) = (struct ec2_groups){ &g, 1 };
}

static void a_group_is_made_with_its_tags_and_leaves_its_id(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_create_security_group, CREATE);
	assert_has(kinds_ask(&t), "Action=CreateSecurityGroup");
	assert_has(kinds_ask(&t), "TagSpecification.1.Tag.1.Key=reeve%3Acommand");
	assert_has(kinds_ask(&t), "TagSpecification.1.Tag.2.Key=k");
	assert_int_equal(kinds_answered(&t, "<R><groupId>sg-7</groupId></R>"), STEP_DONE);
	assert_string_equal(kinds_fact(&t, "sg.node"), "sg-7");
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_LOOK); /* AWS did it, and we cannot read what */
	assert_int_equal(kinds_refused(&t, AWS_DUPLICATE, "InvalidGroup.Duplicate"), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, ""), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_DENIED, "UnauthorizedOperation"), STEP_FAILED);
	kinds_end(&t);
}

static void a_group_is_found_by_vpc_and_name(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_create_security_group, CREATE);
	assert_false(kinds_finds(&t));
	add_group(&t, "other", NULL, 0);
	assert_false(kinds_finds(&t));
	add_group(&t, "n", NULL, 0);
	((struct ec2_group *)groups_in(t.inv)->v)->tags.n = 0; /* the same name, but of another warehouse */
	assert_false(kinds_finds(&t));
	((struct ec2_group *)groups_in(t.inv)->v)->tags.n = 1;
	assert_true(kinds_finds(&t));
	assert_string_equal(kinds_fact(&t, "sg.node"), "sg-1");
	kinds_end(&t);
}

static void a_rule_that_is_there_is_done_and_a_group_not_yet_known_is_waited_for(void **state)
{
	struct ec2_rule r = { .protocol = "tcp", .from_port = 80, .to_port = 81, .cidr = "10.0.0.0/8" };
	struct demand d = { 0 };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_authorize_ingress, RULE(""));
	assert_has(kinds_ask(&t), "IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F8");
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_DONE);
	assert_int_equal(kinds_refused(&t, AWS_DUPLICATE, "InvalidPermission.Duplicate"), STEP_DONE);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidGroup.NotFound"), STEP_FAILED);
	kinds_made(&t, "sg.n", "sg-1");
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidGroup.NotFound"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_QUOTA, "RulesPerSecurityGroupLimitExceeded"), STEP_FAILED);
	assert_false(kinds_finds(&t));
	add_group(&t, "n", &r, 1);
	assert_true(kinds_finds(&t));
	r.to_port = 82;
	assert_false(kinds_finds(&t));
	t.k->demand(t.args, &d);
	assert_int_equal(d.rules_n, 1);
	assert_int_equal(d.rules[0].to_port, 81);
	demand_close(&d);
	assert_false(t.k->is_high(t.args));
	kinds_end(&t);
	kinds_start(&t, &kind_authorize_ingress, RULE(", \"outside_vpc\": true"));
	assert_true(t.k->is_high(t.args));
	kinds_end(&t);
}

static void a_rule_is_revoked_when_it_is_gone_and_a_fresh_one_is_waited_for(void **state)
{
	struct ec2_rule r = { .protocol = "tcp", .from_port = 80, .to_port = 81, .cidr = "10.0.0.0/8" };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_revoke_ingress, RULE(""));
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidPermission.NotFound"), STEP_LOOK);
	assert_true(kinds_finds(&t));
	add_group(&t, "n", &r, 1);
	assert_false(kinds_finds(&t));
	kinds_end(&t);
	kinds_start(&t, &kind_revoke_ingress, RULE(", \"fresh\": true"));
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidPermission.NotFound"), STEP_AGAIN);
	assert_false(kinds_finds(&t));
	t.x.patient = true;
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidPermission.NotFound"), STEP_LOOK);
	assert_true(kinds_finds(&t));
	kinds_end(&t);
}

/* The way out by IPv6 is there only where the VPC had a block when the group was made. */
static void a_rule_that_may_never_have_been_there_is_gone_when_it_is_not_found(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_revoke_egress, RULE(", \"fresh\": true, \"maybe\": true"));
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidPermission.NotFound"), STEP_DONE);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidGroup.NotFound"), STEP_AGAIN);
	kinds_end(&t);
	kinds_start(&t, &kind_revoke_egress, RULE(", \"fresh\": true"));
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidPermission.NotFound"), STEP_AGAIN);
	kinds_end(&t);
}

/* After a restart, for as long as Describe does not show the group: what starts behind it would start in an open one. */
static void a_group_that_is_not_shown_proves_nothing_of_its_birth_rules(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_revoke_egress, RULE(", \"fresh\": true, \"birth\": true"));
	t.x.patient = t.x.settled = true;
	assert_false(kinds_finds(&t));
	add_group(&t, "n", NULL, 0);
	assert_true(kinds_finds(&t));
	kinds_end(&t);
}

static void a_rule_gets_another_description_and_its_old_one_back(void **state)
{
	struct ec2_rule r = { .protocol = "tcp", .from_port = 80, .to_port = 81, .cidr = "10.0.0.0/8", .description = "old" };
	struct kinds t;
	json_t *undo;

	(void)state;
	kinds_start(
	    &t, &kind_describe_rule_ingress,
	    "{\"group_id\": \"sg-1\", \"was\": \"old\", \"rule\": {\"protocol\": \"tcp\", \"from_port\": 80, \"to_port\": 81, "
	    "\"cidr\": \"10.0.0.0/8\", \"description\": \"new\"}}");
	assert_has(kinds_ask(&t), "Action=UpdateSecurityGroupRuleDescriptionsIngress");
	assert_has(kinds_ask(&t), "IpPermissions.1.IpRanges.1.Description=new");
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_DONE);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "InvalidPermission.NotFound"), STEP_FAILED);
	add_group(&t, "n", &r, 1);
	assert_false(kinds_finds(&t));
	r.description = "new";
	assert_true(kinds_finds(&t));
	undo = t.k->undo_args(t.args);
	assert_string_equal(json_str_or(json_object_get(undo, "rule"), "description", ""), "old");
	assert_string_equal(json_str_or(json_object_get(t.args, "rule"), "description", ""), "new");
	json_decref(undo);
	kinds_end(&t);
	kinds_start(&t, &kind_describe_rule_egress, RULE(""));
	json_object_set_new(json_object_get(t.args, "rule"), "direction", json_string("egress"));
	assert_has(kinds_ask(&t), "Action=UpdateSecurityGroupRuleDescriptionsEgress");
	assert_null(strstr(kinds_ask(&t), "Description=")); /* none: it is taken away */
	kinds_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_is_made_with_its_tags_and_leaves_its_id),
		cmocka_unit_test(a_group_is_found_by_vpc_and_name),
		cmocka_unit_test(a_rule_that_may_never_have_been_there_is_gone_when_it_is_not_found),
		cmocka_unit_test(a_rule_that_is_there_is_done_and_a_group_not_yet_known_is_waited_for),
		cmocka_unit_test(a_rule_is_revoked_when_it_is_gone_and_a_fresh_one_is_waited_for),
		cmocka_unit_test(a_group_that_is_not_shown_proves_nothing_of_its_birth_rules),
		cmocka_unit_test(a_rule_gets_another_description_and_its_old_one_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
