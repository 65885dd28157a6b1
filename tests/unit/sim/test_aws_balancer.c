/* test_aws_balancer.c - the pretend balancers, listeners and target groups do what ELB's documents say. */
#include "tests/unit/sim/account.h"

static int modify(const char *listener, const char *tg)
{
	return ask(
	    "Action=ModifyListener&ListenerArn=%s&DefaultActions.member.1.Type=forward&DefaultActions.member.1.TargetGroupArn=%s",
	    listener, tg);
}

static void a_listener_is_led_elsewhere_and_the_old_group_is_unused(void **state)
{
	(void)state;
	account_ready();
	assert_int_equal(modify(account.listener, account.other_tg), 200);
	assert_true(told(account.other_tg) && !told(account.tg));
	ask("Action=DescribeListeners&LoadBalancerArn=%s", account.lb);
	assert_true(told(account.other_tg) && told(account.listener) && times_told("<ListenerArn>") == 1);
	assert_string_equal(target_state(account.tg, account.node), "unused");
	assert_true(told("<Reason>Target.NotInUse</Reason>"));
	assert_int_equal(ask("Action=DeleteTargetGroup&TargetGroupArn=%s", account.tg), 200);
	assert_int_equal(ask("Action=DeleteTargetGroup&TargetGroupArn=%s", account.other_tg), 400);
	assert_true(refused("ResourceInUse"));
}

static void a_group_of_weight_0_is_looked_at_and_stays_in_use(void **state)
{
#define WEIGHED "DefaultActions.member.1.ForwardConfig.TargetGroups.member."
	(void)state;
	account_ready();
	ask("Action=RegisterTargets&TargetGroupArn=%s&Targets.member.1.Id=%s", account.other_tg, account.node);
	assert_string_equal(target_state(account.other_tg, account.node), "unused");
	assert_int_equal(ask("Action=ModifyListener&ListenerArn=%s&DefaultActions.member.1.Type=forward&" WEIGHED
			     "1.TargetGroupArn=%s&" WEIGHED "1.Weight=1&" WEIGHED "2.TargetGroupArn=%s&" WEIGHED "2.Weight=0",
			     account.listener, account.tg, account.other_tg),
			 200);
	assert_true(told(account.tg) && told(account.other_tg));
	account_wait_s(100);
	assert_string_equal(target_state(account.other_tg, account.node), "healthy");
	assert_string_equal(target_state(account.tg, account.node), "healthy");
	assert_int_equal(ask("Action=DeleteTargetGroup&TargetGroupArn=%s", account.other_tg), 400);
	assert_int_equal(modify(account.listener, account.tg), 200);
	assert_string_equal(target_state(account.other_tg, account.node), "unused");
}

static void a_listener_or_group_that_is_not_there_is_refused(void **state)
{
	(void)state;
	account_ready();
	modify("arn:none", account.other_tg);
	assert_true(refused("ListenerNotFound"));
	modify(account.listener, "arn:none");
	assert_true(refused("TargetGroupNotFound"));
	ask("Action=DescribeListeners&LoadBalancerArn=%s", account.lb);
	assert_true(told(account.tg));
}

static void a_group_is_behind_one_balancer_at_most(void **state)
{
	char lb[200], listener[200];

	(void)state;
	account_ready();
	ask("Action=CreateLoadBalancer&Name=back&Scheme=internal&Subnets.member.1=subnet-0001");
	text_of("LoadBalancerArn", lb, sizeof(lb));
	ask("Action=CreateListener&LoadBalancerArn=%s&Port=9031&DefaultActions.member.1.TargetGroupArn=%s", lb, account.other_tg);
	text_of("ListenerArn", listener, sizeof(listener));
	modify(listener, account.tg);
	assert_true(refused("TargetGroupAssociationLimit"));
	assert_int_equal(modify(account.listener, account.tg), 200);
}

static void targets_of_a_group_come_to_be_checked_when_a_listener_leads_there(void **state)
{
	(void)state;
	account_ready();
	ask("Action=RegisterTargets&TargetGroupArn=%s&Targets.member.1.Id=%s", account.other_tg, account.node);
	account_wait_s(100);
	assert_string_equal(target_state(account.other_tg, account.node), "unused");
	modify(account.listener, account.other_tg);
	assert_string_equal(target_state(account.other_tg, account.node), "initial");
	account_wait_s(100);
	assert_string_equal(target_state(account.other_tg, account.node), "healthy");
}

static void a_target_drains_for_the_whole_delay_and_is_then_gone(void **state)
{
	(void)state;
	account_ready();
	ask("Action=DescribeTargetGroupAttributes&TargetGroupArn=%s", account.tg);
	assert_true(told("<Key>deregistration_delay.timeout_seconds</Key><Value>300</Value>"));
	ask("Action=DeregisterTargets&TargetGroupArn=%s&Targets.member.1.Id=%s", account.tg, account.node);
	account_wait_s(299);
	assert_string_equal(target_state(account.tg, account.node), "draining");
	assert_true(told("<Reason>Target.DeregistrationInProgress</Reason>"));
	account_wait_s(2);
	assert_string_equal(target_state(account.tg, account.node), "unused");
	assert_true(told("<Reason>Target.NotRegistered</Reason>"));
	ask("Action=DescribeTargetHealth&TargetGroupArn=%s", account.tg);
	assert_true(!told(account.node) && told(account.other));
}

static void a_balancer_tells_its_subnets_and_its_protection(void **state)
{
	(void)state;
	account_ready();
	ask("Action=DescribeLoadBalancers&LoadBalancerArns.member.1=%s", account.lb);
	assert_true(told("<ZoneName>us-east-1b</ZoneName><SubnetId>subnet-0002</SubnetId>"));
	ask("Action=DescribeLoadBalancerAttributes&LoadBalancerArn=%s", account.lb);
	assert_true(told("<Key>deletion_protection.enabled</Key><Value>false</Value>"));
	ask("Action=DescribeLoadBalancers&LoadBalancerArns.member.1=arn:none");
	assert_true(refused("LoadBalancerNotFound"));
}

static void a_protected_balancer_is_not_deleted(void **state)
{
	(void)state;
	account_ready();
	account.a->lbs[0]->is_protected = true;
	ask("Action=DeleteLoadBalancer&LoadBalancerArn=%s", account.lb);
	assert_true(refused("OperationNotPermitted"));
	ask("Action=DescribeLoadBalancerAttributes&LoadBalancerArn=%s", account.lb);
	assert_true(told("<Key>deletion_protection.enabled</Key><Value>true</Value>"));
	ask("Action=DescribeListeners&LoadBalancerArn=%s", account.lb);
	assert_true(told(account.listener));
}

static void a_balancer_has_room_for_so_many_listeners_and_groups(void **state)
{
	(void)state;
	account_ready();
	account.a->tgs_max = 1;
	ask("Action=CreateListener&LoadBalancerArn=%s&Port=9031&DefaultActions.member.1.TargetGroupArn=%s", account.lb,
	    account.other_tg);
	assert_true(refused("TooManyUniqueTargetGroupsPerLoadBalancer"));
	assert_int_equal(modify(account.listener, account.other_tg), 200); /* the other one is let go */
	account.a->listeners_max = 1;
	ask("Action=CreateListener&LoadBalancerArn=%s&Port=9031&DefaultActions.member.1.TargetGroupArn=%s", account.lb,
	    account.other_tg);
	assert_true(refused("TooManyListeners"));
}

static void a_target_falls_ill_drains_and_recovers_or_is_unknown(void **state)
{
	(void)state;
	account_ready();
	account.odds.calm = false;
	account.odds.per_mille[TALLY_AWS_UNAVAILABLE] = 1000;
	assert_string_equal(target_state(account.tg, account.node), "unavailable");
	assert_true(told("<Reason>Elb.InternalError</Reason>"));
	account.odds.per_mille[TALLY_AWS_UNAVAILABLE] = 0;
	account.a->target_groups[0]->targets[0].sick_ms = world_now_ms(account.w) + 90000;
	assert_string_equal(target_state(account.tg, account.node), "unhealthy.draining");
	account_wait_s(60);
	assert_string_equal(target_state(account.tg, account.node), "unhealthy");
	assert_true(told("<Reason>Target.FailedHealthChecks</Reason>"));
	account_wait_s(31);
	assert_string_equal(target_state(account.tg, account.node), "healthy");
	assert_false(told("<Reason>"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_listener_is_led_elsewhere_and_the_old_group_is_unused, account_start,
						account_end),
		cmocka_unit_test_setup_teardown(a_group_of_weight_0_is_looked_at_and_stays_in_use, account_start, account_end),
		cmocka_unit_test_setup_teardown(a_listener_or_group_that_is_not_there_is_refused, account_start, account_end),
		cmocka_unit_test_setup_teardown(a_group_is_behind_one_balancer_at_most, account_start, account_end),
		cmocka_unit_test_setup_teardown(targets_of_a_group_come_to_be_checked_when_a_listener_leads_there, account_start,
						account_end),
		cmocka_unit_test_setup_teardown(a_target_drains_for_the_whole_delay_and_is_then_gone, account_start, account_end),
		cmocka_unit_test_setup_teardown(a_protected_balancer_is_not_deleted, account_start, account_end),
		cmocka_unit_test_setup_teardown(a_balancer_has_room_for_so_many_listeners_and_groups, account_start, account_end),
		cmocka_unit_test_setup_teardown(a_target_falls_ill_drains_and_recovers_or_is_unknown, account_start, account_end),
		cmocka_unit_test_setup_teardown(a_balancer_tells_its_subnets_and_its_protection, account_start, account_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
