/* test_planner_switch.c - listeners that lead elsewhere: when they are moved, and whom they wait for. What comes of it in a plan is
 * test_planner_balancer.c. */
#include "tests/unit/ops/board.h"

/* Two listeners of one balancer that lead to "arn:other". */
static void add_two_listeners(struct board *d)
{
	struct balancers_lb *lb = arena_new(d->inv->arena, struct balancers_lb);
	struct elb_listener *l = arena_alloc(d->inv->arena, 2 * sizeof(*l));
	char *name = arena_alloc(d->inv->arena, 33);

	spec_short_name("inst-1", "wh-1", "lb", "main", name);
	for (unsigned i = 0; i < 2; i++)
		l[i] = (struct elb_listener){ .arn = i == 0 ? "arn:one" : "arn:two",
					      .protocol = "TCP",
					      .target_group_arn = "arn:other",
					      .port = 9030 + i,
					      .tags = board_tags(d, "", "1") };
	*lb = (struct balancers_lb){ .lb = { .arn = "arn:lb", .name = name, .state = "active", .tags = board_tags(d, "", "1") },
				     .listeners = { l, 2 } };
	balancers_in(d->inv)->lbs = lb;
	balancers_in(d->inv)->lbs_n = 1;
	d->k.s.n_security_groups = 0;
	d->k.cluster.n_security_groups = 0;
}

/* The group is made by the same command, and its nodes are launched by it. */
static void a_listener_is_moved_when_the_nodes_of_its_new_group_are_healthy(void **state)
{
	Reeve__Control__V1__Listener more;
	struct board *d = *state;
	struct plans *p;

	add_two_listeners(d);
	board_add_node(d, "i-1", "be", "running");
	more = d->k.listener;
	more.port = 9031;
	d->k.listeners[1] = &more;
	d->k.lb.n_listeners = 2;
	p = board_apply(d);
	assert_string_equal(board_steps(p), "base/tg-sql cluster-be/launch cluster-be/up cluster-be/up-ok cluster-be/register-sql "
					    "switch/beside-main-9030 switch/beside-main-9031 switch/healthy-sql "
					    "switch/move-main-9030 switch/move-main-9031");
	assert_string_equal(json_str_or(p->v[2].steps[0].args, "group_arn", ""), "arn:other");
	assert_string_equal(json_str_or(p->v[2].steps[0].args, "beside_arn", ""), "@tg.sql");
	assert_string_equal(json_str_or(p->v[2].steps[3].args, "group_arn", ""), "@tg.sql");
	assert_string_equal(json_str_or(p->v[2].steps[3].args, "from_group_arn", ""), "arn:other");
	assert_string_equal(json_string_value(json_array_get(json_object_get(p->v[2].steps[2].args, "instances"), 0)), "i-1");
	assert_string_equal(json_string_value(json_array_get(json_object_get(p->v[2].steps[2].args, "instances"), 1)), "@nodes.be");
	plans_free(p);
}

static void nodes_that_go_are_not_waited_for(void **state)
{
	struct board *d = *state;
	const struct step *healthy;
	struct plans *p;

	add_two_listeners(d);
	balancers_in(d->inv)->lbs[0].listeners.n = 1;
	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "running");
	d->k.cluster.nodes = 1;
	p = board_apply(d);
	healthy = &p->v[2].steps[1];
	assert_string_equal(healthy->name, "healthy-sql");
	assert_int_equal(json_array_size(json_object_get(healthy->args, "instances")), 1);
	assert_true(json_is_true(json_object_get(healthy->args, "atomic"))); /* what served before goes behind this */
	plans_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_listener_is_moved_when_the_nodes_of_its_new_group_are_healthy, board_start,
						board_end),
		cmocka_unit_test_setup_teardown(nodes_that_go_are_not_waited_for, board_start, board_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
