/* test_kinds_elb_target_group.c - step kinds of target groups: one that a balancer holds on to. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"

#define TG "arn:tg"
#define LB "arn:lb"

static const char *holders[] = { LB };
static struct balancers_target_group group;
static struct balancers_lb lb;
static struct elb_listener listener;

static void add_group(struct kinds *t, size_t n)
{
	group = (struct balancers_target_group){ .g = { .arn = TG, .name = "rv-tg", .lb_arns = holders, .lb_arns_n = n } };
	balancers_in(t->inv)->target_groups = &group;
	balancers_in(t->inv)->target_groups_n = 1;
}

static void add_balancer(struct kinds *t, const char *forwards_to)
{
	listener = (struct elb_listener){ .arn = "arn:listener", .lb_arn = LB, .target_group_arn = forwards_to };
	lb = (struct balancers_lb){ .lb = { .arn = LB, .name = "rv-lb" }, .listeners = { &listener, 1 } };
	balancers_in(t->inv)->lbs = &lb;
	balancers_in(t->inv)->lbs_n = 1;
}

#define BALANCER(arn, more)                                                                                                        \
	"<R><DescribeLoadBalancersResult><LoadBalancers><member><LoadBalancerArn>" arn                                             \
	"</LoadBalancerArn><LoadBalancerName>n</LoadBalancerName><State><Code>active</Code></State></member></LoadBalancers>" more \
	"</DescribeLoadBalancersResult></R>"

static bool see(struct kinds *t, const char *answer)
{
	return kinds_see(t, t->k->looks[0], answer);
}

static void a_group_in_use_is_waited_for_only_while_what_uses_it_goes(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_delete_target_group, "{\"arn\": \"" TG "\"}");
	assert_int_equal(kinds_refused(&t, AWS_CONFLICT, "ResourceInUse"), STEP_LOOK);
	assert_int_equal(kinds_misses(&t, ""), STEP_LOOK); /* nobody said that it is in use */
	add_group(&t, 0);
	assert_int_equal(kinds_misses(&t, "ResourceInUse"), STEP_AGAIN);
	add_group(&t, 1);
	assert_int_equal(kinds_misses(&t, "ResourceInUse"), STEP_AGAIN); /* a balancer that was just deleted, or of others */
	t.x.patient = true;
	assert_int_equal(kinds_misses(&t, "ResourceInUse"), STEP_FAILED);
	assert_has(t.e.text, "in use by load balancer " LB);
	t.x.patient = false;
	assert_true(see(&t, BALANCER("arn:another", "")));
	assert_int_equal(kinds_misses(&t, "ResourceInUse"), STEP_AGAIN); /* just deleted */
	assert_true(see(&t, BALANCER(LB, "")));
	assert_int_equal(kinds_misses(&t, "ResourceInUse"), STEP_FAILED); /* somebody else's, at once */
	assert_false(see(&t, BALANCER("arn:another", "<NextMarker>more</NextMarker>")));
	add_balancer(&t, "arn:other");
	assert_int_equal(kinds_misses(&t, "ResourceInUse"), STEP_AGAIN); /* its listener has just gone */
	add_balancer(&t, TG);
	assert_int_equal(kinds_misses(&t, "ResourceInUse"), STEP_FAILED);
	assert_has(t.e.text, LB);
	kinds_end(&t);
}

static void an_answer_with_too_many_balancers_is_not_understood(void **state)
{
	CLEANUP(buf_close) struct buf b = { 0 };
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_delete_target_group, "{\"arn\": \"" TG "\"}");
	kinds_flood(&b, "<R><Result><LoadBalancers>", "<member/>", 99990, "</LoadBalancers></Result></R>");
	assert_false(kinds_see(&t, t.k->looks[0], buf_str(&b)));
	kinds_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_in_use_is_waited_for_only_while_what_uses_it_goes),
		cmocka_unit_test(an_answer_with_too_many_balancers_is_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
