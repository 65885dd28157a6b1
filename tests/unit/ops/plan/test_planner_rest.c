/* test_planner_rest.c - what nobody wants any more, and what is none of our business. */
#include "tests/unit/ops/board.h"

static void a_cluster_that_the_spec_forgot_goes_once_however_many_nodes_it_has(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = d->k.cluster.n_security_groups = 0;
	d->k.cluster.nodes = 1;
	board_add_node(d, "i-1", "old", "running");
	board_add_node(d, "i-2", "old", "pending");
	board_add_node(d, "i-3", "be", "running");
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-old/terminate cluster-old/gone");
	assert_int_equal(json_array_size(json_object_get(p->v[0].steps[0].args, "instances")), 2);
	plans_free(p);
}

static void what_was_shared_and_is_wanted_no_more_goes_last_balancers_before_their_groups(void **state)
{
	struct board *d = *state;
	struct balancers_lb lb = { .lb = { .arn = "arn:lb", .name = "rv-lb", .tags = board_tags(d, "", "1") } };
	struct balancers_target_group g = { .g = { .arn = "arn:tg", .name = "rv-tg", .tags = board_tags(d, "", "1") } };
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = d->k.s.n_clusters = 0;
	balancers_in(d->inv)->lbs = &lb;
	balancers_in(d->inv)->target_groups = &g;
	balancers_in(d->inv)->lbs_n = balancers_in(d->inv)->target_groups_n = 1;
	board_add_group(d, NULL, 0);
	p = board_apply(d);
	assert_string_equal(board_steps(p), "tidy/nolb-rv-lb tidy/notg-rv-tg tidy/nosg-velodb-inst-1-wh-1-node-sg-1");
	assert_int_equal(p->v[0].stage, 4);
	plans_free(p);
}

static void a_balancer_with_a_listener_is_in_use_and_one_without_is_not(void **state)
{
	struct board *d = *state;
	struct elb_listener l = { .arn = "arn:listener", .protocol = "TCP", .port = 9030 };
	struct balancers_lb lb = { .lb = { .arn = "arn:lb", .name = "rv-lb", .tags = board_tags(d, "", "1") } };
	const struct plan *where;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = d->k.s.n_clusters = 0;
	balancers_in(d->inv)->lbs = &lb;
	balancers_in(d->inv)->lbs_n = 1;
	p = board_apply(d);
	assert_string_equal(board_steps(p), "tidy/nolb-rv-lb");
	assert_null(plans_high(p, &where));
	plans_free(p);
	lb.listeners = (struct elb_listeners){ &l, 1 };
	p = board_apply(d);
	assert_string_equal(plans_high(p, &where)->name, "nolb-rv-lb");
	plans_free(p);
}

static void what_another_warehouse_shares_stays(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = d->k.s.n_clusters = 0;
	board_add_group(d, NULL, 0);
	((struct ec2_tag *)groups_in(d->inv)->v[0].tags.v)[2].value = "wh-2";
	p = board_apply(d);
	assert_string_equal(board_steps(p), "");
	plans_free(p);
}

/* What a spec that forgot its clusters would end is a whole warehouse, and that has a verb with a hold of its own. */
static void the_last_cluster_of_a_warehouse_never_goes_by_an_apply(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = d->k.s.n_clusters = 0;
	plans_free(board_apply(d)); /* it has none */
	board_add_node(d, "i-1", "old", "stopped");
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), "clusters: the spec names none, and wh-1 has nodes of cluster old: the last cluster of a "
					  "warehouse goes by warehouse.delete alone");
	plans_free(p);
	d->inv->instances.v[0].state = "terminated";
	plans_free(board_apply(d));
	d->inv->instances.v[0].state = "running";
	assert_int_equal(planner_delete(&d->a, "wh-1", &p, &e), 0);
	plans_free(p);
}

/* One that has no node, and gets none, does not stay in its place. */
static void an_empty_cluster_does_not_take_the_place_of_the_last_one(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = d->k.cluster.n_security_groups = 0;
	board_add_node(d, "i-1", "old", "running");
	plans_free(board_apply(d)); /* two of be come first */
	d->k.cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED;
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e),
			    "clusters: the spec names none that would have a node, and wh-1 has nodes of cluster old: the "
			    "last cluster of a warehouse goes by warehouse.delete alone");
	plans_free(p);
	d->k.cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__RUNNING;
	d->k.cluster.nodes = 0;
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	plans_free(p);
	d->k.cluster.nodes = 2;
	d->k.cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED;
	board_add_node(d, "i-2", "be", "stopped");
	plans_free(board_apply(d));
}

/* Group names are of one VPC: a warehouse that was moved has two of one name. */
static void groups_of_one_name_in_two_vpcs_both_go(void **state)
{
	struct board *d = *state;
	struct ec2_group two[2];
	struct plans *p = NULL;

	board_add_group(d, NULL, 0);
	two[0] = two[1] = groups_in(d->inv)->v[0];
	two[1].id = "sg-2";
	two[1].vpc_id = "vpc-2";
	*groups_in(d->inv) = (struct ec2_groups){ two, 2 };
	assert_int_equal(planner_delete(&d->a, "wh-1", &p, NULL), 0);
	assert_string_equal(board_steps(p), "base/nosg-velodb-inst-1-wh-1-node-sg-1 base/nosg-velodb-inst-1-wh-1-node-sg-2");
	plans_free(p);
}

/* Also where it would go last, behind the nodes of a whole warehouse. */
static void a_balancer_that_is_protected_from_deletion_stops_the_plan(void **state)
{
	struct inventory_guard guard = { { &resource_load_balancer, "arn:lb" }, true };
	struct board *d = *state;
	struct balancers_lb lb = { .lb = { .arn = "arn:lb", .name = "rv-lb", .tags = board_tags(d, "", "1") } };
	static const char says[] = "load balancer rv-lb is protected from deletion; take its protection off (its attribute "
				   "deletion_protection.enabled), and send the command again";
	struct plans *p = NULL, *q = NULL;
	struct err e = { 0 };

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = d->k.s.n_clusters = 0;
	balancers_in(d->inv)->lbs = &lb;
	balancers_in(d->inv)->lbs_n = 1;
	d->inv->guards = (struct inventory_guards){ &guard, 1 };
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), says);
	board_add_node(d, "i-1", "be", "running");
	assert_int_equal(planner_delete(&d->a, "wh-1", &q, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), says);
	guard.is_on = false;
	d->k.s.n_clusters = 1;
	d->k.cluster.nodes = 0;
	d->k.cluster.n_security_groups = 0;
	plans_free(board_apply(d));
	plans_free(p);
	plans_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_cluster_that_the_spec_forgot_goes_once_however_many_nodes_it_has),
		DESK_TEST(what_was_shared_and_is_wanted_no_more_goes_last_balancers_before_their_groups),
		DESK_TEST(a_balancer_with_a_listener_is_in_use_and_one_without_is_not),
		DESK_TEST(the_last_cluster_of_a_warehouse_never_goes_by_an_apply),
		DESK_TEST(an_empty_cluster_does_not_take_the_place_of_the_last_one),
		DESK_TEST(what_another_warehouse_shares_stays),
		DESK_TEST(groups_of_one_name_in_two_vpcs_both_go),
		DESK_TEST(a_balancer_that_is_protected_from_deletion_stops_the_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
