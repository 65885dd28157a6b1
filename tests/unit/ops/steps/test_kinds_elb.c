/* test_kinds_elb.c - what all creations and all deletions of load balancing keep. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"

#define TG "arn:tg"
#define LB "arn:lb"

static struct balancers_target_group group;
static struct balancers_lb lb;
static struct elb_listener listener;

static void add_all(struct kinds *t)
{
	group = (struct balancers_target_group){ .g = { .arn = TG, .name = "rv-tg" } };
	listener =
	    (struct elb_listener){ .arn = "arn:listener", .lb_arn = LB, .protocol = "TCP", .target_group_arn = TG, .port = 9030 };
	lb = (struct balancers_lb){ .lb = { .arn = LB, .name = "rv-lb", .state = "active" }, .listeners = { &listener, 1 } };
	balancers_in(t->inv)->target_groups = &group;
	balancers_in(t->inv)->target_groups_n = 1;
	balancers_in(t->inv)->lbs = &lb;
	balancers_in(t->inv)->lbs_n = 1;
}

/* The three creations: their action, an answer, and what the fact becomes. */
static const struct {
	const struct step_kind *k;
	const char *args, *action, *answer, *fact;
} made[] = {
	{ &kind_create_target_group,
	  "{\"name\": \"rv-tg\", \"purpose\": \"sql\", \"protocol\": \"TCP\", \"port\": 9030, \"vpc_id\": \"vpc-1\", \"tags\": "
	  "{\"k\": "
	  "\"v\"}, \"fact\": \"f\"}",
	  "Action=CreateTargetGroup",
	  "<R><CreateTargetGroupResult><TargetGroups><member><TargetGroupArn>" TG "</TargetGroupArn><TargetGroupName>rv-tg"
	  "</TargetGroupName><Port>9030</Port></member></TargetGroups></CreateTargetGroupResult></R>",
	  TG },
	{ &kind_create_load_balancer,
	  "{\"name\": \"rv-lb\", \"purpose\": \"main\", \"subnet_ids\": [\"subnet-1\"], \"tags\": {\"k\": \"v\"}, \"fact\": \"f\"}",
	  "Scheme=internal",
	  "<R><CreateLoadBalancerResult><LoadBalancers><member><LoadBalancerArn>" LB "</LoadBalancerArn><LoadBalancerName>rv-lb"
	  "</LoadBalancerName><State><Code>provisioning</Code></State></member></LoadBalancers></CreateLoadBalancerResult></R>",
	  LB },
	{ &kind_create_listener,
	  "{\"lb_arn\": \"" LB "\", \"protocol\": \"TCP\", \"port\": 9030, \"group_arn\": \"" TG
	  "\", \"tags\": {\"k\": \"v\"}, \"fact\": \"f\"}",
	  "Action=CreateListener",
	  "<R><CreateListenerResult><Listeners><member><ListenerArn>arn:listener</ListenerArn><LoadBalancerArn>" LB
	  "</LoadBalancerArn><Port>9030</Port></member></Listeners></CreateListenerResult></R>",
	  "arn:listener" },
};

static void what_is_made_leaves_its_arn_and_is_found_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		struct kinds t;

		kinds_start(&t, made[i].k, made[i].args);
		assert_has(kinds_ask(&t), made[i].action);
		assert_has(kinds_ask(&t), "Tags.member.1.Key=reeve%3Acommand&Tags.member.1.Value=c-1");
		assert_has(kinds_ask(&t), "Tags.member.2.Key=k");
		assert_int_equal(kinds_answered(&t, made[i].answer), STEP_DONE);
		assert_string_equal(kinds_fact(&t, "f"), made[i].fact);
		json_object_clear(t.facts);
		assert_int_equal(kinds_answered(&t, "<R/>"), STEP_LOOK);
		assert_int_equal(kinds_refused(&t, AWS_DUPLICATE, "DuplicateX"), STEP_LOOK);
		assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "SubnetNotFound"), STEP_FAILED);
		assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "LoadBalancerNotFound"), STEP_FAILED);
		assert_int_equal(kinds_refused(&t, AWS_QUOTA, "TooManyListeners"), STEP_FAILED);
		assert_false(kinds_finds(&t));
		add_all(&t);
		assert_true(kinds_finds(&t));
		assert_string_equal(kinds_fact(&t, "f"), made[i].fact);
		kinds_end(&t);
	}
}

static const struct {
	const struct step_kind *k;
	const char *args, *fresh, *gone;
} removed[] = {
	{ &kind_delete_listener, "{\"arn\": \"arn:listener\"}", "{\"arn\": \"arn:listener\", \"fresh\": true}",
	  "ListenerNotFound" },
	{ &kind_delete_load_balancer, "{\"arn\": \"" LB "\"}", "{\"arn\": \"" LB "\", \"fresh\": true}", "LoadBalancerNotFound" },
	{ &kind_delete_target_group, "{\"arn\": \"" TG "\"}", "{\"arn\": \"" TG "\", \"fresh\": true}", "TargetGroupNotFound" },
};

static void what_is_not_found_is_looked_for_before_it_counts_as_gone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(removed); i++) {
		struct kinds t;

		kinds_start(&t, removed[i].k, removed[i].args);
		assert_int_equal(kinds_answered(&t, "<R/>"), STEP_DONE);
		assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, removed[i].gone), STEP_LOOK);
		assert_int_equal(kinds_refused(&t, AWS_CONFLICT, "ResourceInUse"), t.k->miss != NULL ? STEP_LOOK : STEP_AGAIN);
		assert_int_equal(kinds_refused(&t, AWS_INVALID, "OperationNotPermitted"), STEP_FAILED);
		assert_has(t.e.text, "it is protected");
		assert_true(kinds_finds(&t));
		add_all(&t);
		assert_false(kinds_finds(&t));
		kinds_end(&t);
		kinds_start(&t, removed[i].k, removed[i].fresh);
		assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, removed[i].gone), STEP_AGAIN);
		assert_false(kinds_finds(&t));
		t.x.patient = true;
		assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, removed[i].gone), STEP_LOOK);
		assert_true(kinds_finds(&t));
		kinds_end(&t);
	}
}

/* What a listener stands on may be new; what is not of this operation's making is never "not known yet". */
static void only_what_this_operation_made_may_not_be_known_yet(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_create_listener, made[2].args);
	kinds_made(&t, "lb.main", LB);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "LoadBalancerNotFound"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_FAILED);
	kinds_made(&t, "tg.sql", TG);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_AGAIN);
	t.x.patient = true;
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_FAILED);
	kinds_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_made_leaves_its_arn_and_is_found_again),
		cmocka_unit_test(what_is_not_found_is_looked_for_before_it_counts_as_gone),
		cmocka_unit_test(only_what_this_operation_made_may_not_be_known_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
