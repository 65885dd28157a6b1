/* test_kinds_elb_balancer.c - step kinds of load balancers: waited for, and taken away only with a second key. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"

#define OTHER                                                                                                                      \
	"<R><DescribeLoadBalancersResult><LoadBalancers><member><LoadBalancerArn>arn:x</LoadBalancerArn><LoadBalancerName>other"   \
	"</LoadBalancerName><State><Code>failed</Code></State></member></LoadBalancers></DescribeLoadBalancersResult></R>"
#define SEEN(code)                                                                                                                 \
	"<R><DescribeLoadBalancersResult><LoadBalancers><member><LoadBalancerArn>arn:lb</LoadBalancerArn><LoadBalancerName>rv-lb"  \
	"</LoadBalancerName><State><Code>" code "</Code></State></member></LoadBalancers></DescribeLoadBalancersResult></R>"

static void a_balancer_is_waited_for_until_it_is_active(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_load_balancer, "{\"name\": \"rv-lb\", \"purpose\": \"main\"}");
	assert_has(kinds_ask(&t), "Names.member.1=rv-lb");
	assert_int_equal(kinds_answered(&t, SEEN("provisioning")), STEP_AGAIN);
	assert_string_equal(t.e.text, "load balancer rv-lb is provisioning");
	assert_int_equal(kinds_answered(&t, SEEN("active")), STEP_DONE);
	assert_int_equal(kinds_answered(&t, SEEN("active_impaired")), STEP_DONE);
	assert_int_equal(kinds_answered(&t, SEEN("failed")), STEP_FAILED);
	assert_int_equal(kinds_answered(&t, OTHER), STEP_AGAIN); /* not the one that was asked for */
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "LoadBalancerNotFound"), STEP_FAILED);
	kinds_made(&t, "lb.main", "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/net/rv-lb/1");
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "LoadBalancerNotFound"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, ""), STEP_AGAIN);
	kinds_end(&t);
}

static void a_balancer_in_use_needs_a_second_key(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_delete_load_balancer, "{\"arn\": \"a\", \"in_use\": true}");
	assert_true(t.k->is_high(t.args));
	kinds_end(&t);
	kinds_start(&t, &kind_delete_load_balancer, "{\"arn\": \"a\"}");
	assert_false(t.k->is_high(t.args));
	kinds_end(&t);
}

static void the_last_listener_of_a_balancer_needs_a_second_key_and_says_that_it_is_the_last(void **state)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(200), last = BUF_MAX(200);
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_delete_listener, "{\"arn\": \"arn:l\", \"leaves_none\": false}");
	assert_false(t.k->is_high(t.args));
	t.k->print(t.args, &text);
	kinds_end(&t);
	kinds_start(&t, &kind_delete_listener, "{\"arn\": \"arn:l\", \"leaves_none\": true}");
	assert_true(t.k->is_high(t.args));
	t.k->print(t.args, &last);
	kinds_end(&t);
	assert_string_equal(buf_str(&text), "arn:l");
	assert_string_equal(buf_str(&last), "arn:l, the last that its load balancer has");
}

static void a_listener_is_moved_and_found_where_it_leads(void **state)
{
	struct elb_listener l = { .arn = "arn:l", .target_group_arn = "arn:old", .port = 9030 };
	struct balancers_lb lb = { .lb = { .arn = "arn:lb" }, .listeners = { &l, 1 } };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_modify_listener,
		    "{\"arn\": \"arn:l\", \"port\": 9030, \"group_arn\": \"arn:new\", \"from_group_arn\": \"arn:old\"}");
	assert_has(kinds_ask(&t), "Action=ModifyListener");
	assert_has(kinds_ask(&t), "ListenerArn=arn%3Al&DefaultActions.member.1.Type=forward&"
				  "DefaultActions.member.1.TargetGroupArn=arn%3Anew");
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_DONE);
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, ""), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_QUOTA, "TargetGroupAssociationLimit"), STEP_FAILED);
	balancers_in(t.inv)->lbs = &lb;
	balancers_in(t.inv)->lbs_n = 1;
	assert_false(kinds_finds(&t));
	l.target_group_arn = "arn:new";
	assert_true(kinds_finds(&t));
	assert_false(t.k->is_high(t.args));
	kinds_end(&t);
}

/* ELB looks at the health of a group that a listener leads to, also with weight 0; nothing is sent there. */
static void a_group_stands_beside_another_with_weight_0(void **state)
{
	struct elb_listener l = { .arn = "arn:l", .target_group_arn = "arn:old" };
	struct balancers_lb lb = { .listeners = { &l, 1 } };
	CLEANUP(buf_close) struct buf text = BUF_MAX(300);
	CLEANUP(json_close) json_t *undo = NULL;
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_modify_listener,
		    "{\"arn\": \"arn:l\", \"port\": 9030, \"group_arn\": \"arn:old\", \"from_group_arn\": \"arn:old\", "
		    "\"beside_arn\": \"arn:new\"}");
#define WEIGHED "DefaultActions.member.1.ForwardConfig.TargetGroups.member."
	assert_has(kinds_ask(&t), WEIGHED "1.TargetGroupArn=arn%3Aold&" WEIGHED "1.Weight=1&" WEIGHED
					  "2.TargetGroupArn=arn%3Anew&" WEIGHED "2.Weight=0");
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_FAILED);
	kinds_made(&t, "tg.sql", "arn:new");
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_AGAIN); /* not known everywhere yet */
	balancers_in(t.inv)->lbs = &lb;
	balancers_in(t.inv)->lbs_n = 1;
	assert_false(kinds_finds(&t));
	l.beside_arn = "arn:new";
	assert_true(kinds_finds(&t));
	t.k->print(t.args, &text);
	assert_string_equal(buf_str(&text),
			    "port 9030 stays at arn:old, arn:new beside it with weight 0, so that ELB looks at its health");
	undo = t.k->undo_args(t.args);
	assert_string_equal(json_str_or(undo, "group_arn", ""), "arn:old");
	assert_null(json_object_get(undo, "beside_arn"));
	kinds_end(&t);
	kinds_start(&t, &kind_modify_listener, "{\"arn\": \"arn:l\", \"group_arn\": \"arn:old\"}");
	balancers_in(t.inv)->lbs = &lb;
	balancers_in(t.inv)->lbs_n = 1;
	assert_false(kinds_finds(&t)); /* the other one still stands beside it */
	kinds_end(&t);
}

static void an_answer_with_too_many_balancers_is_not_read(void **state)
{
	static const char end[] = "</LoadBalancers></Result></R>";
	CLEANUP(buf_close) struct buf b = { 0 };
	struct kinds t;

	(void)state;
	kinds_flood(&b, "<R><Result><LoadBalancers>", "<member/>", 99990, end);
	kinds_start(&t, &kind_create_load_balancer, "{\"name\": \"rv-lb\", \"fact\": \"lb\"}");
	assert_int_equal(kinds_answered(&t, buf_str(&b)), STEP_LOOK);
	assert_null(kinds_fact(&t, "lb"));
	kinds_end(&t);
	kinds_start(&t, &kind_wait_load_balancer, "{\"name\": \"rv-lb\", \"purpose\": \"main\"}");
	assert_int_equal(kinds_answered(&t, buf_str(&b)), STEP_AGAIN);
	kinds_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_balancer_is_waited_for_until_it_is_active),
		cmocka_unit_test(a_balancer_in_use_needs_a_second_key),
		cmocka_unit_test(a_listener_is_moved_and_found_where_it_leads),
		cmocka_unit_test(a_group_stands_beside_another_with_weight_0),
		cmocka_unit_test(the_last_listener_of_a_balancer_needs_a_second_key_and_says_that_it_is_the_last),
		cmocka_unit_test(an_answer_with_too_many_balancers_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
