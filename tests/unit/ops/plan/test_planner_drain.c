/* test_planner_drain.c - nodes are drained as their cluster says, behind their target groups and before they go. */
#include "tests/unit/ops/serving.h"

static Reeve__Control__V1__NodeEndpoint call, health;
static Reeve__Control__V1__Drain drain;

static struct board *drained(void **state, uint32_t wait_s, bool calls)
{
	struct board *d = *state;

	reeve__control__v1__node_endpoint__init(&call);
	call.port = 8041;
	call.path = (char *)"/drain";
	health = call;
	health.port = 8040;
	health.path = (char *)"/health";
	reeve__control__v1__drain__init(&drain);
	drain.wait_s = wait_s;
	drain.call = calls ? &call : NULL;
	d->k.cluster.drain = &drain;
	return d;
}

static void nodes_that_go_are_drained_behind_their_groups(void **state)
{
	struct board *d = drained(state, 0, true);
	struct plans *p;

	d->k.cluster.nodes = 1;
	p = board_apply(d);
	assert_prints(p,
		      "Plan end-be (stage 3)\n"
		      "    wait until others of be/sql are healthy      elasticloadbalancing:DescribeTargetHealth  i-1 in arn:tg\n"
		      "  ~ deregister be/sql                            elasticloadbalancing:DeregisterTargets     i-2 in arn:tg\n"
		      "    wait until be/sql is drained                 elasticloadbalancing:DescribeTargetHealth  i-2 in arn:tg\n"
		      "  ~ drain nodes of be                            node:POST                                  "
		      "i-2 at port 8041, /drain\n"
		      "    see that the others of be run                ec2:DescribeInstances                      i-1\n"
		      "    see that others of be/sql are still healthy  elasticloadbalancing:DescribeTargetHealth  i-1 in arn:tg\n"
		      "    -- point of no return: what follows is not taken back --\n"
		      "  - terminate nodes of be                        ec2:TerminateInstances                     i-2\n"
		      "    wait until nodes of be are terminated        ec2:DescribeInstances                      i-2\n"
		      "\n"
		      "0 to make, 2 to change, 1 to remove.\n");
	assert_int_equal(json_int_or(step_of(p, "end-be", "drain")->args, "wait_s", 0), 600);
	plans_free(p);
}

static void a_new_node_is_asked_for_its_health_before_it_is_let_in(void **state)
{
	struct board *d = drained(state, 60, false);
	struct plans *p;

	d->k.cluster.health = &health;
	d->k.cluster.nodes = 3;
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/launch cluster-be/up cluster-be/up-ok cluster-be/up-healthy "
					    "cluster-be/register-sql cluster-be/healthy-sql");
	assert_string_equal(ids_of(step_of(p, "cluster-be", "up-healthy")), "@nodes.be");
	assert_string_equal(json_str_or(step_of(p, "cluster-be", "up-healthy")->args, "vpc_id", ""), d->k.s.vpc_id);
	assert_true(json_array_size(json_object_get(step_of(p, "cluster-be", "up-healthy")->args, "cidrs")) > 0);
	plans_free(p);
}

static void each_way_to_go_has_its_drain_and_each_way_to_come_its_health(void **state)
{
	struct board *d = drained(state, 60, true);
	static char *one[] = { (char *)"i-2" };
	struct plans *p;

	d->k.cluster.health = &health;
	d->k.cluster.instance_type = (char *)"r6i.large";
	p = board_apply(d);
	assert_non_null(strstr(board_steps(p), "resize-be-i-2/drained-sql resize-be-i-2/drain resize-be-i-2/still-up "
					       "resize-be-i-2/still-answer resize-be-i-2/still-ready-sql resize-be-i-2/stop "));
	assert_non_null(
	    strstr(board_steps(p), "resize-be-i-2/started-ok resize-be-i-2/started-healthy resize-be-i-2/register-sql"));
	plans_free(p);
	d->k.cluster.instance_type = (char *)"r6i.xlarge";
	d->k.cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED;
	p = board_apply(d);
	assert_non_null(strstr(board_steps(p), "cluster-be/drained-sql cluster-be/drain cluster-be/stop "));
	plans_free(p);
	d->k.cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__RUNNING;
	d->a.verb = "nodes.replace";
	assert_int_equal(planner_replace(&d->a, &d->k.s, &(struct planner_named){ "be", one, 1 }, &p, NULL), 0);
	assert_non_null(strstr(board_steps(p), "replace-i-2/up-healthy replace-i-2/register-sql"));
	assert_non_null(strstr(board_steps(p), "replace-i-2/drained-sql replace-i-2/drain replace-i-2/still-up "));
	assert_non_null(strstr(board_steps(p), "replace-i-2/still-up-healthy "));
	plans_free(p);
}

static void without_a_call_they_are_given_time_and_without_either_nothing_is_planned(void **state)
{
	struct board *d = drained(state, 90, false);
	struct plans *p;

	d->k.cluster.nodes = 1;
	p = board_apply(d);
	assert_ptr_equal(step_of(p, "end-be", "drain")->kind, &kind_wait_time);
	assert_int_equal(json_int_or(step_of(p, "end-be", "drain")->args, "wait_s", 0), 90);
	plans_free(p);
	drain.wait_s = 0;
	p = board_apply(d);
	assert_null(strstr(board_steps(p), "end-be/drain "));
	plans_free(p);
}

static const json_t *healed(struct board *d, struct plans **ret)
{
	const struct planner_lost lost = { "be", "i-2", .is_sick = true };

	d->a.verb = "heal";
	d->k.cluster.n_volumes = 0;
	assert_int_equal(planner_heal(&d->a, &d->k.s, &lost, ret, NULL), 0);
	return step_of(*ret, "replace-i-2", "drain")->args;
}

/* Another has come in its place, and it may be too sick to answer. */
static void a_lost_node_is_drained_for_a_while_and_goes_all_the_same(void **state)
{
	struct board *d = drained(state, 3600, true);
	struct plans *p = NULL;
	const json_t *args = healed(d, &p);

	assert_true(json_is_true(json_object_get(args, "goes_anyway")));
	assert_int_equal(json_int_or(args, "wait_s", 0), 300);
	plans_free(p);
	drain.wait_s = 60;
	args = healed(d, &p);
	assert_int_equal(json_int_or(args, "wait_s", 0), 60);
	plans_free(p);
	/* Of no other node that goes. */
	d->k.cluster.nodes = 1;
	p = board_apply(d);
	assert_null(json_object_get(step_of(p, "end-be", "drain")->args, "goes_anyway"));
	plans_free(p);
}

/* It has nothing to finish, and nobody there to ask. */
static void one_that_does_not_run_is_not_drained(void **state)
{
	struct board *d = drained(state, 90, true);
	struct plans *p;

	d->k.cluster.nodes = 1;
	d->inv->instances.v[1].state = "stopped";
	p = board_apply(d);
	assert_null(strstr(board_steps(p), "end-be/drain "));
	plans_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVING_TEST(nodes_that_go_are_drained_behind_their_groups),
		SERVING_TEST(a_new_node_is_asked_for_its_health_before_it_is_let_in),
		SERVING_TEST(each_way_to_go_has_its_drain_and_each_way_to_come_its_health),
		SERVING_TEST(without_a_call_they_are_given_time_and_without_either_nothing_is_planned),
		SERVING_TEST(a_lost_node_is_drained_for_a_while_and_goes_all_the_same),
		SERVING_TEST(one_that_does_not_run_is_not_drained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
