/* test_planner_balancer.c - target groups, load balancers and their listeners. */
#include "agent/ops/steps/catalogue.h"
#include "tests/unit/ops/board.h"
#include "tests/unit/ops/needs.h"

/* The balancer "main" and its target group, as the spec wants them, but for the port that the listener answers on. A second
 * listener is there for whoever sets listeners.n to 2. */
static void add_balancer(struct board *d, uint32_t port)
{
	struct balancers_lb *lb = arena_new(d->inv->arena, struct balancers_lb);
	struct balancers_target_group *g = arena_new(d->inv->arena, struct balancers_target_group);
	struct elb_listener *l = arena_alloc(d->inv->arena, 2 * sizeof(*l));
	char *names = arena_alloc(d->inv->arena, 66);

	spec_short_name("inst-1", "wh-1", "lb", "main", names);
	spec_short_name("inst-1", "wh-1", "tg", "sql", names + 33);
	*g = (struct balancers_target_group){
		.g = { .arn = "arn:tg", .name = names + 33, .protocol = "TCP", .port = 9030, .tags = board_tags(d, "", "1") }
	};
	l[0] = (struct elb_listener){
		.arn = "arn:listener", .protocol = "TCP", .target_group_arn = "arn:tg", .port = port, .tags = board_tags(d, "", "1")
	};
	l[1] = (struct elb_listener){ .arn = "arn:second",
				      .protocol = "TCP",
				      .target_group_arn = "arn:tg",
				      .port = port + 1,
				      .tags = board_tags(d, "", "1") };
	*lb = (struct balancers_lb){ .lb = { .arn = "arn:lb", .name = names, .state = "active", .tags = board_tags(d, "", "1") },
				     .listeners = { l, 1 } };
	balancers_in(d->inv)->target_groups = g;
	balancers_in(d->inv)->lbs = lb;
	balancers_in(d->inv)->target_groups_n = balancers_in(d->inv)->lbs_n = 1;
	d->k.s.n_security_groups = d->k.s.n_clusters = 0;
}

static void a_balancer_that_is_as_the_spec_wants_it_needs_nothing(void **state)
{
	struct board *d = *state;
	struct plans *p;

	add_balancer(d, 9030);
	p = board_apply(d);
	assert_string_equal(board_steps(p), "");
	plans_free(p);
}

static void who_is_registered_and_not_ours_goes(void **state)
{
	static struct elb_target targets[] = { { .id = "i-1", .state = "healthy" },
					       { .id = "i-stranger", .state = "healthy" },
					       { .id = "i-leaving", .state = "draining" } };
	struct board *d = *state;
	struct plans *p;

	add_balancer(d, 9030);
	board_add_node(d, "i-1", "be", "running");
	d->k.s.n_clusters = 1;
	d->k.cluster.nodes = 1;
	d->k.cluster.n_security_groups = 0;
	balancers_in(d->inv)->target_groups[0].targets = (struct elb_targets){ targets, ARRAY_LEN(targets) };
	p = board_apply(d);
	assert_string_equal(board_steps(p), "tidy/healthy-sql tidy/strangers-sql");
	assert_true(json_is_true(json_object_get(p->v[0].steps[0].args, "atomic")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(p->v[0].steps[1].args, "instances"), 0)),
			    "i-stranger");
	assert_int_equal(json_array_size(json_object_get(p->v[0].steps[1].args, "instances")), 1);
	plans_free(p);
}

/* A group that lost its cluster in the spec: its nodes stay, and leave it. */
static void nodes_of_a_cluster_that_a_group_is_no_more_for_leave_it_last(void **state)
{
	static struct elb_target targets[] = { { .id = "i-1", .state = "healthy" }, { .id = "i-2", .state = "draining" } };
	struct board *d = *state;
	const struct plan *where;
	struct plans *p;

	add_balancer(d, 9030);
	d->k.s.n_clusters = 1;
	d->k.cluster.nodes = 2;
	d->k.cluster.n_security_groups = 0;
	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "running");
	balancers_in(d->inv)->target_groups[0].targets = (struct elb_targets){ targets, ARRAY_LEN(targets) };
	d->k.tg.n_clusters = 0;
	p = board_apply(d);
	assert_string_equal(board_steps(p), "tidy/leave-sql");
	assert_int_equal(json_array_size(json_object_get(p->v[0].steps[0].args, "instances")), 1);
	assert_string_equal(plans_high(p, &where)->name, "leave-sql"); /* a listener leads there, and to nobody then */
	plans_free(p);
	d->k.lb.n_listeners = 0;
	balancers_in(d->inv)->lbs[0].listeners.n = 0;
	p = board_apply(d);
	assert_null(plans_high(p, &where));
	plans_free(p);
}

static void a_listener_on_a_port_that_nobody_wants_goes(void **state)
{
	struct board *d = *state;
	struct plans *p;

	add_balancer(d, 9999);
	p = board_apply(d);
	assert_string_equal(board_steps(p), "base/listener-main-9030 tidy/nolistener-main-9999");
	plans_free(p);
}

static void add_cluster(struct board *d)
{
	d->k.s.n_clusters = 1;
	d->k.cluster.n_security_groups = 0;
	board_add_node(d, "i-1", "be", "running");
}

/* Its group is registered and nobody looks at its health before the listener leads there; after that it must be good, or the
 * listener is moved back. */
static void a_listener_that_leads_elsewhere_is_moved_when_the_nodes_are_there(void **state)
{
	struct board *d = *state;
	struct plans *p;
	json_t *undo;

	add_balancer(d, 9030);
	add_cluster(d);
	balancers_in(d->inv)->lbs[0].listeners.v[0].target_group_arn = "arn:other";
	p = board_apply(d);
	assert_string_equal(board_steps(p),
			    "cluster-be/launch cluster-be/up cluster-be/up-ok cluster-be/register-sql switch/beside-main-9030 "
			    "switch/healthy-sql switch/move-main-9030");
	assert_string_equal(p->v[1].name, "switch");
	assert_true(p->v[1].pivot >= p->v[1].n && p->v[1].stage > p->v[0].stage);
	undo = kind_modify_listener.undo_args(p->v[1].steps[0].args);
	assert_string_equal(json_str_or(undo, "group_arn", ""), "arn:other");
	json_decref(undo);
	plans_free(p);
}

static void a_listener_of_a_group_that_others_lead_to_waits_for_its_nodes_at_once(void **state)
{
	struct board *d = *state;
	struct plans *p;

	add_balancer(d, 9030);
	add_cluster(d);
	balancers_in(d->inv)->lbs[0].listeners.n = 2;
	balancers_in(d->inv)->lbs[0].listeners.v[0].target_group_arn = "arn:other";
	p = board_apply(d);
	assert_string_equal(board_steps(p),
			    "cluster-be/launch cluster-be/up cluster-be/up-ok cluster-be/register-sql cluster-be/healthy-sql "
			    "switch/beside-main-9030 switch/healthy-sql switch/move-main-9030 "
			    "tidy/nolistener-main-9031");
	plans_free(p);
}

static void a_listener_with_another_protocol_is_said_to_be_not_yet(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	add_balancer(d, 9030);
	balancers_in(d->inv)->lbs[0].listeners.v[0].protocol = "TLS";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_UNSUPPORTED);
	assert_string_equal(err_text(&e),
			    "load balancer main: its listener on port 9030 speaks TLS; changing protocol to TCP is not "
			    "available yet");
}

/* With one key it would be the first half of removing a balancer in use. A listener that is moved stays, if it leads to nodes. */
static void taking_the_last_listener_is_high_risk_whatever_comes_in_its_place(void **state)
{
	static const struct {
		const char *what, *first_high;
		uint32_t have_port;
		size_t have, want;
		const char *leads_to;
		bool has_nodes;
	} cases[] = {
		{ "none is wanted", "nolistener-main-9030", 9030, 1, 0, "arn:tg", false },
		{ "both go, the first leaves one", "nolistener-main-9031", 9030, 2, 0, "arn:tg", false },
		{ "it is moved to nobody", "move-main-9030", 9030, 1, 1, "arn:other", false },
		{ "it is moved to nodes", NULL, 9030, 1, 1, "arn:other", true },
		{ "another comes beside it", "nolistener-main-9999", 9999, 1, 1, "arn:tg", false },
		{ "one stays", NULL, 9030, 2, 1, "arn:tg", false },
		{ "one is moved and the other goes", NULL, 9030, 2, 1, "arn:other", true },
		{ "nothing goes", NULL, 9030, 1, 1, "arn:tg", false },
	};
	struct board *d = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct plan *where;
		const struct step *high;
		struct plans *p;

		d->inv->instances.n = 0;
		add_balancer(d, cases[i].have_port);
		balancers_in(d->inv)->lbs[0].listeners.n = cases[i].have;
		balancers_in(d->inv)->lbs[0].listeners.v[0].target_group_arn = cases[i].leads_to;
		d->k.lb.n_listeners = cases[i].want;
		if (cases[i].has_nodes)
			add_cluster(d);
		p = board_apply(d);
		high = plans_high(p, &where);
		if (!str_eq(high != NULL ? high->name : NULL, cases[i].first_high))
			fail_msg("%s: high is %s", cases[i].what, high != NULL ? high->name : "nothing");
		plans_free(p);
	}
}

static void a_balancer_that_is_still_coming_up_is_waited_for(void **state)
{
	struct board *d = *state;
	struct plans *p;

	add_balancer(d, 9030);
	balancers_in(d->inv)->lbs[0].lb.state = "provisioning";
	p = board_apply(d);
	assert_string_equal(board_steps(p), "base/active-main");
	plans_free(p);
}

static void another_port_of_a_target_group_is_said_to_be_not_yet(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	add_balancer(d, 9030);
	d->k.tg.port = 9031;
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "target group sql: it is TCP on port 9030; changing port or protocol is not available yet"));
}

static void a_new_balancer_counts_with_those_that_are_still_there(void **state)
{
	struct board *d = *state;
	struct demand need = { 0 };
	struct plans *p;

	add_balancer(d, 9030);
	balancers_in(d->inv)->lbs[0].lb.tags = board_tags(d, "", "1");
	d->k.lb.n_listeners = 0;
	d->k.lb.name = (char *)"other"; /* the one that is there goes only behind it */
	p = board_apply(d);
	plans_demand(p, &need);
	assert_int_equal(demand_number(&need, &bound_balancers), 2);
	assert_string_equal(wanted_text(&need, &bound_subnets, 0), "subnet-1");
	demand_close(&need);
	plans_free(p);
}

static void a_balancer_takes_one_subnet_of_a_zone(void **state)
{
	static struct ec2_subnet subnets[] = { { .id = "subnet-1", .vpc_id = "vpc-1", .zone = "us-east-1a" },
					       { .id = "subnet-2", .vpc_id = "vpc-1", .zone = "us-east-1b" },
					       { .id = "subnet-3", .vpc_id = "vpc-1", .zone = "us-east-1a" } };
	char *ids[] = { (char *)"subnet-1", (char *)"subnet-2", (char *)"subnet-3" };
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	d->inv->subnets = (struct ec2_subnets){ subnets, ARRAY_LEN(subnets) };
	d->k.lb.subnet_ids = ids;
	d->k.lb.n_subnet_ids = 2;
	plans_free(board_apply(d));
	d->k.lb.n_subnet_ids = 3;
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e),
			    "load_balancers[0]: subnet_ids[2]: subnet-1 and subnet-3 are both of zone us-east-1a: a load balancer "
			    "takes one subnet of a zone");
	plans_free(p);
}

/* Also where the one that has it goes in the same command. */
static void a_target_group_behind_another_balancer_is_not_put_behind_a_second(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	add_balancer(d, 9030);
	balancers_in(d->inv)->lbs[0].lb.tags = board_tags(d, "", "1");
	d->k.lb.name = (char *)"other";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(err_text(&e), "and one load balancer may lead to it: take its listener on port 9030 away first"));
	plans_free(p);
}

static void no_names_of_balancers_make_two_steps_of_one_name(void **state)
{
	static const char *const seconds[] = { "main-active", "main-9030", "active-main", "lb-main", "9030" };
	struct board *d = *state;
	Reeve__Control__V1__LoadBalancer two;

	for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
		two = d->k.lb;
		two.name = (char *)seconds[i];
		two.n_listeners = 0;
		d->k.lbs[1] = &two;
		d->k.s.n_load_balancers = 2;
		plans_free(board_apply(d));
	}
}

static void a_name_that_somebody_elses_balancer_or_target_group_bears_is_not_given_again(void **state)
{
	struct board *d = *state;
	struct elb_lb lb = { .arn = "arn:lb/9" };
	struct elb_target_group tg = { .arn = "arn:tg/9" };
	struct err e = { 0 };
	struct plans *p = NULL, *q = NULL;
	char names[2][33];

	spec_short_name("inst-1", "wh-1", "lb", "main", names[0]);
	spec_short_name("inst-1", "wh-1", "tg", "sql", names[1]);
	lb.name = tg.name = "rv-another";
	balancers_in(d->inv)->other_lbs = (struct elb_lbs){ &lb, 1 };
	balancers_in(d->inv)->other_target_groups = (struct elb_target_groups){ &tg, 1 };
	plans_free(board_apply(d));
	lb.name = names[0];
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e),
			    "load_balancers[0]: name: arn:lb/9 is called rv-ujh5xiungcydnbmr6q4s4sfx and has not the tags "
			    "of this installation; give it another name");
	tg.name = names[1];
	assert_int_equal(planner_apply(&d->a, &d->k.s, &q, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e),
			    "target_groups[0]: name: arn:tg/9 is called rv-kgli5b7vrstyfh4r3c2m3tc5 and has not the tags "
			    "of this installation; give it another name");
	plans_free(p);
	plans_free(q);
}

/* What a command of before left there: the listener leads where it should, and to another group with weight 0. */
static void a_group_that_was_left_beside_the_right_one_goes(void **state)
{
	struct board *d = *state;
	struct plans *p;

	add_balancer(d, 9030);
	balancers_in(d->inv)->lbs[0].listeners.v[0].beside_arn = "arn:other";
	p = board_apply(d);
	assert_string_equal(board_steps(p), "switch/move-main-9030");
	plans_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_balancer_that_is_as_the_spec_wants_it_needs_nothing),
		DESK_TEST(a_group_that_was_left_beside_the_right_one_goes),
		DESK_TEST(who_is_registered_and_not_ours_goes),
		DESK_TEST(nodes_of_a_cluster_that_a_group_is_no_more_for_leave_it_last),
		DESK_TEST(a_listener_on_a_port_that_nobody_wants_goes),
		DESK_TEST(a_listener_that_leads_elsewhere_is_moved_when_the_nodes_are_there),
		DESK_TEST(a_listener_of_a_group_that_others_lead_to_waits_for_its_nodes_at_once),
		DESK_TEST(a_listener_with_another_protocol_is_said_to_be_not_yet),
		DESK_TEST(taking_the_last_listener_is_high_risk_whatever_comes_in_its_place),
		DESK_TEST(a_balancer_that_is_still_coming_up_is_waited_for),
		DESK_TEST(another_port_of_a_target_group_is_said_to_be_not_yet),
		DESK_TEST(a_new_balancer_counts_with_those_that_are_still_there),
		DESK_TEST(a_balancer_takes_one_subnet_of_a_zone),
		DESK_TEST(a_target_group_behind_another_balancer_is_not_put_behind_a_second),
		DESK_TEST(no_names_of_balancers_make_two_steps_of_one_name),
		DESK_TEST(a_name_that_somebody_elses_balancer_or_target_group_bears_is_not_given_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
