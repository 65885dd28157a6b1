/* test_kinds_elb.c - steps of load balancers, target groups, listeners and targets. */
#include "tests/unit/ops/kinds.h"

#define TG                                                                                                                         \
	"{\"name\":\"rv-t\",\"purpose\":\"sql\",\"protocol\":\"TCP\",\"port\":9030,\"vpc_id\":\"vpc-1\"," TAGS                     \
	",\"fact\":\"tg.sql\"}"
#define LB "{\"name\":\"rv-l\",\"purpose\":\"main\",\"subnet_ids\":[\"subnet-1\",\"subnet-2\"]," TAGS ",\"fact\":\"lb.main\"}"
#define LISTENER                                                                                                                   \
	"{\"lb_arn\":\"arn:lb\",\"protocol\":\"TCP\",\"port\":9030,\"group_arn\":\"arn:tg\"," TAGS                                 \
	",\"fact\":\"listener.main.9030\"}"
#define TARGETS "{\"group_arn\":\"arn:tg\",\"instances\":[\"i-1\",\"i-2\"]}"
#define RESULT(action, inner) "<" action "Response><" action "Result>" inner "</" action "Result></" action "Response>"
#define HEALTH(id, state)                                                                                                          \
	"<member><Target><Id>" id "</Id><Port>9030</Port></Target><TargetHealth><State>" state "</State></TargetHealth></member>"

static struct elb_target targets[] = { { .id = "i-1", .state = "healthy" }, { .id = "i-2", .state = "draining" } };
static struct inventory_group tgs[] = { { .g = { .arn = "arn:tg", .name = "rv-t" }, .targets = { targets, 2 } } };
static struct elb_listener listeners[] = { { .arn = "arn:li", .lb_arn = "arn:lb", .port = 9030 } };
static struct inventory_lb lbs[] = { { .lb = { .arn = "arn:lb", .name = "rv-l" }, .listeners = { listeners, 1 } } };
static const struct inventory inv = { .tgs = tgs, .tgs_n = 1, .lbs = lbs, .lbs_n = 1 }, none = { 0 };

/* What all three creations have in common. */
static void check_creation(const struct step_kind *kind, const char *args, const char *answer, const char *fact, const char *arn)
{
	struct bench b;

	bench_open(&b, kind, args);
	assert_int_equal(bench_judges(&b, AWS_DUPLICATE, "Duplicate", NULL), STEP_LOOK);
	assert_int_equal(bench_judges(&b, AWS_AMBIGUOUS, "", NULL), STEP_LOOK);
	assert_int_equal(bench_judges(&b, AWS_NOTFOUND, "LoadBalancerNotFound", NULL), STEP_AGAIN);
	assert_int_equal(bench_judges(&b, AWS_DENIED, "AccessDenied", NULL), STEP_FAILED);
	assert_int_equal(bench_judges(&b, AWS_OK, "", "<empty/>"), STEP_LOOK);
	assert_string_equal(bench_fact(&b, fact), "");
	assert_int_equal(bench_judges(&b, AWS_OK, "", answer), STEP_DONE);
	assert_string_equal(bench_fact(&b, fact), arn);
	json_object_clear(b.facts);
	assert_false(kind->find(&b.x, &none));
	assert_true(kind->find(&b.x, &inv));
	assert_string_not_equal(bench_fact(&b, fact), "");
	bench_close(&b);
	bench_needs(kind, args);
}

static void a_target_group_is_made_once(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_create_target_group, TG);
	bench_asks(&b, "Action=CreateTargetGroup", "Name=rv-t", "Protocol=TCP", "Port=9030", "VpcId=vpc-1",
		   "Tags.member.1.Key=resource-created-by", NULL);
	bench_close(&b);
	check_creation(
	    &kind_create_target_group, TG,
	    RESULT("CreateTargetGroup",
		   "<TargetGroups><member><TargetGroupArn>arn:new</TargetGroupArn><TargetGroupName>rv-t</TargetGroupName>"
		   "<Protocol>TCP</Protocol><Port>9030</Port><VpcId>vpc-1</VpcId></member></TargetGroups>"),
	    "tg.sql", "arn:new");
}

static void a_load_balancer_is_internal_and_made_once(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_create_load_balancer, LB);
	bench_asks(&b, "Action=CreateLoadBalancer", "Name=rv-l", "Scheme=internal", "Type=network", "Subnets.member.2=subnet-2",
		   NULL);
	bench_close(&b);
	check_creation(
	    &kind_create_load_balancer, LB,
	    RESULT("CreateLoadBalancer",
		   "<LoadBalancers><member><LoadBalancerArn>arn:new</LoadBalancerArn><LoadBalancerName>rv-l</LoadBalancerName>"
		   "<State><Code>provisioning</Code></State></member></LoadBalancers>"),
	    "lb.main", "arn:new");
}

static void a_listener_is_made_once_and_found_by_its_port(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_create_listener, LISTENER);
	bench_asks(&b, "Action=CreateListener", "LoadBalancerArn=arn%3Alb", "Port=9030",
		   "DefaultActions.member.1.TargetGroupArn=arn%3Atg", NULL);
	json_object_set_new(b.args, "port", json_integer(9031));
	assert_false(b.kind->find(&b.x, &inv));
	bench_close(&b);
	check_creation(
	    &kind_create_listener, LISTENER,
	    RESULT("CreateListener",
		   "<Listeners><member><ListenerArn>arn:new</ListenerArn><LoadBalancerArn>arn:lb</LoadBalancerArn><Port>9030</Port>"
		   "<Protocol>TCP</Protocol></member></Listeners>"),
	    "listener.main.9030", "arn:new");
}

static void waiting_for_a_load_balancer_ends_active_or_failed(void **state)
{
#define LB_STATE(code)                                                                                                             \
	RESULT("DescribeLoadBalancers",                                                                                            \
	       "<LoadBalancers><member><LoadBalancerArn>a</LoadBalancerArn><LoadBalancerName>rv-l</LoadBalancerName>"              \
	       "<State><Code>" code "</Code><Reason>why</Reason></State></member></LoadBalancers>")
	struct bench b;

	(void)state;
	bench_open(&b, &kind_wait_load_balancer, "{\"name\":\"rv-l\",\"purpose\":\"main\"}");
	bench_asks(&b, "Action=DescribeLoadBalancers", "Names.member.1=rv-l", NULL);
	assert_int_equal(bench_judges(&b, AWS_OK, "", LB_STATE("provisioning")), STEP_AGAIN);
	assert_int_equal(bench_judges(&b, AWS_NOTFOUND, "LoadBalancerNotFound", NULL), STEP_AGAIN);
	assert_int_equal(bench_judges(&b, AWS_OK, "", LB_STATE("active")), STEP_DONE);
	assert_int_equal(bench_judges(&b, AWS_OK, "", LB_STATE("failed")), STEP_FAILED);
	assert_non_null(strstr(b.err.text, "why"));
	assert_int_equal(bench_judges(&b, AWS_DENIED, "AccessDenied", NULL), STEP_FAILED);
	bench_close(&b);
}

static void a_node_is_registered_when_it_is_there_and_not_draining(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_register, TARGETS);
	bench_asks(&b, "Action=RegisterTargets", "TargetGroupArn=arn%3Atg", "Targets.member.1.Id=i-1", "Targets.member.2.Id=i-2",
		   NULL);
	assert_int_equal(bench_judges(&b, AWS_INVALID, "InvalidTarget", NULL), STEP_AGAIN);
	assert_int_equal(bench_judges(&b, AWS_INVALID, "ValidationError", NULL), STEP_FAILED);
	assert_int_equal(bench_judges(&b, AWS_OK, "", "<r/>"), STEP_DONE);
	assert_false(b.kind->find(&b.x, &inv));
	targets[1].state = "initial";
	assert_true(b.kind->find(&b.x, &inv));
	targets[1].state = "draining";
	bench_close(&b);
	bench_needs(&kind_register, TARGETS);
}

static void health_is_waited_for_of_all_that_were_asked_for(void **state)
{
#define HEALTHS(members) RESULT("DescribeTargetHealth", "<TargetHealthDescriptions>" members "</TargetHealthDescriptions>")
	struct bench b;

	(void)state;
	bench_open(&b, &kind_wait_healthy, TARGETS);
	assert_int_equal(bench_judges(&b, AWS_OK, "", HEALTHS(HEALTH("i-1", "healthy"))), STEP_AGAIN);
	assert_int_equal(bench_judges(&b, AWS_OK, "", HEALTHS(HEALTH("i-1", "healthy") HEALTH("i-2", "unhealthy"))), STEP_AGAIN);
	assert_int_equal(
	    bench_judges(&b, AWS_OK, "", HEALTHS(HEALTH("i-1", "healthy") HEALTH("i-2", "healthy") HEALTH("i-3", "unhealthy"))),
	    STEP_DONE);
	bench_close(&b);
}

static void deregistering_ends_when_none_is_left(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_deregister, TARGETS);
	bench_asks(&b, "Action=DeregisterTargets", NULL);
	assert_int_equal(bench_judges(&b, AWS_NOTFOUND, "TargetGroupNotFound", NULL), STEP_DONE);
	assert_int_equal(bench_judges(&b, AWS_INVALID, "InvalidTarget", NULL), STEP_DONE);
	assert_false(b.kind->find(&b.x, &inv));
	assert_true(b.kind->find(&b.x, &none));
	bench_close(&b);
}

static void deletions_wait_for_what_is_in_use_and_are_done_when_nothing_is_there(void **state)
{
	static const struct {
		const struct step_kind *kind;
		const char *args, *pair;
	} cases[] = {
		{ &kind_delete_listener, "{\"arn\":\"arn:li\"}", "ListenerArn=arn%3Ali" },
		{ &kind_delete_load_balancer, "{\"arn\":\"arn:lb\"}", "LoadBalancerArn=arn%3Alb" },
		{ &kind_delete_target_group, "{\"arn\":\"arn:tg\"}", "TargetGroupArn=arn%3Atg" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench b;

		bench_open(&b, cases[i].kind, cases[i].args);
		bench_asks(&b, cases[i].pair, NULL);
		assert_int_equal(bench_judges(&b, AWS_CONFLICT, "ResourceInUse", NULL), STEP_AGAIN);
		assert_int_equal(bench_judges(&b, AWS_NOTFOUND, "NotFound", NULL), STEP_DONE);
		assert_int_equal(bench_judges(&b, AWS_AMBIGUOUS, "", NULL), STEP_LOOK);
		assert_false(b.kind->find(&b.x, &inv));
		assert_true(b.kind->find(&b.x, &none));
		json_object_set_new(b.args, "fresh", json_true());
		assert_false(b.kind->find(&b.x, &none));
		assert_int_equal(bench_judges(&b, AWS_NOTFOUND, "NotFound", NULL), STEP_AGAIN);
		bench_close(&b);
		bench_needs(cases[i].kind, cases[i].args);
	}
}

static void a_load_balancer_in_use_is_of_high_risk(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_delete_load_balancer, "{\"arn\":\"arn:lb\",\"in_use\":true}");
	assert_true(b.kind->is_high(b.args));
	json_object_set_new(b.args, "in_use", json_false());
	assert_false(b.kind->is_high(b.args));
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_group_is_made_once),
		cmocka_unit_test(a_load_balancer_is_internal_and_made_once),
		cmocka_unit_test(a_listener_is_made_once_and_found_by_its_port),
		cmocka_unit_test(waiting_for_a_load_balancer_ends_active_or_failed),
		cmocka_unit_test(a_node_is_registered_when_it_is_there_and_not_draining),
		cmocka_unit_test(health_is_waited_for_of_all_that_were_asked_for),
		cmocka_unit_test(deregistering_ends_when_none_is_left),
		cmocka_unit_test(deletions_wait_for_what_is_in_use_and_are_done_when_nothing_is_there),
		cmocka_unit_test(a_load_balancer_in_use_is_of_high_risk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
