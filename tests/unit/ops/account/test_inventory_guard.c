/* test_inventory_guard.c - what is protected from being ended: asked for by id, each once. */
#include "tests/unit/aws/answers.h"

#include "agent/ops/account/inventory_impl.h"

static void close_form(struct request *f)
{
	request_close(f);
}

static void each_is_wanted_once_and_what_was_answered_stays(void **state)
{
	struct inventory *inv = inventory_new();

	(void)state;
	inventory_guard_want(inv, (const char *[]){ "i-1", "i-2", "i-1" }, 3);
	assert_int_equal(inv->guards.n, 2);
	inv->guards.v[0].is_on = true;
	inventory_guard_want(inv, (const char *[]){ "arn:lb", "i-1" }, 2);
	assert_int_equal(inv->guards.n, 3);
	assert_true(inventory_is_guarded(inv, "i-1"));
	assert_false(inventory_is_guarded(inv, "i-2"));
	assert_string_equal(inv->guards.v[2].id, "arn:lb");
	assert_false(inventory_is_guarded(inv, "i-9")); /* not asked for */
	inventory_guard_want(inv, NULL, 0);
	assert_int_equal(inv->guards.n, 3);
	inventory_free(inv);
}

static void a_node_is_asked_of_ec2_and_a_balancer_of_elb(void **state)
{
	ANSWER(node, "<R><disableApiTermination><value>true</value></disableApiTermination></R>");
	ANSWER(lb, "<R><DescribeLoadBalancerAttributesResult><Attributes><member><Key>deletion_protection.enabled</Key>"
		   "<Value>true</Value></member></Attributes></DescribeLoadBalancerAttributesResult></R>");
	struct inventory_guard guards[] = { { "i-1", false }, { "arn:aws:elb", false } };
	CLEANUP(close_form) struct request of_node, of_lb;

	(void)state;
	inventory_guard_ask(&guards[0], &of_node);
	assert_int_equal(of_node.service, AWS_EC2);
	EXPECT_PAIRS(&of_node, "Action=DescribeInstanceAttribute", "InstanceId=i-1");
	inventory_guard_ask(&guards[1], &of_lb);
	assert_int_equal(of_lb.service, AWS_ELB);
	EXPECT_PAIRS(&of_lb, "Action=DescribeLoadBalancerAttributes", "LoadBalancerArn=arn%3Aaws%3Aelb");
	assert_int_equal(inventory_guard_read(node.root, &guards[0], NULL), 0);
	assert_int_equal(inventory_guard_read(lb.root, &guards[1], NULL), 0);
	assert_true(guards[0].is_on && guards[1].is_on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_wanted_once_and_what_was_answered_stays),
		cmocka_unit_test(a_node_is_asked_of_ec2_and_a_balancer_of_elb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
