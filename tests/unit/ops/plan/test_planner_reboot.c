/* test_planner_reboot.c - a cluster that is rebooted batch by batch, out of service and healthy again each time. */
#include "tests/unit/ops/serving.h"

static struct plans *reboot(struct board *d, uint32_t batch)
{
	struct plans *p = NULL;

	d->a.verb = "cluster.reboot";
	assert_int_equal(planner_reboot(&d->a, "wh-1", "be", batch, &p, NULL), 0);
	return p;
}

#define BATCH(number, stage, id, other)                                                                                            \
	"Plan reboot-" number " (stage " stage ")\n"                                                                               \
	"    wait until others are healthy: be/sql  elasticloadbalancing:DescribeTargetHealth  " other " in arn:tg\n"              \
	"  ~ deregister be/sql                      elasticloadbalancing:DeregisterTargets     " id " in arn:tg\n"                 \
	"    wait until drained: be/sql             elasticloadbalancing:DescribeTargetHealth  " id " in arn:tg\n"                 \
	"  ~ reboot nodes of be                     ec2:RebootInstances                        " id "\n"                           \
	"    wait until nodes of be are back        ec2:DescribeInstances                      " id "\n"                           \
	"    wait until status checks of be pass    ec2:DescribeInstanceStatus                 @reboot-" number ".be\n"            \
	"    -- point of no return: what follows is not taken back --\n"                                                           \
	"  ~ register be/sql                        elasticloadbalancing:RegisterTargets       " id " in arn:tg\n"                 \
	"    wait until healthy: be/sql             elasticloadbalancing:DescribeTargetHealth  " id " in arn:tg\n"

static void nodes_are_rebooted_one_after_the_other(void **state)
{
	struct plans *p = reboot(*state, 0);

	assert_prints(p,
		      BATCH("1", "0", "i-2", "i-1") "\n" BATCH("2", "1", "i-1", "i-2") "\n0 to make, 6 to change, 0 to remove.\n");
	plans_free(p);
}

static void a_batch_of_all_of_them_interrupts_service_and_says_so(void **state)
{
	struct plans *p = reboot(*state, 2);

	assert_string_equal(board_steps(p),
			    "reboot-1/deregister-sql reboot-1/drained-sql reboot-1/reboot reboot-1/up reboot-1/up-ok "
			    "reboot-1/register-sql reboot-1/healthy-sql");
	assert_true(json_is_true(json_object_get(step_of(p, "reboot-1", "reboot")->args, "interrupts")));
	assert_string_equal(ids_of(step_of(p, "reboot-1", "reboot")), "i-1, i-2");
	plans_free(p);
}

static void batches_are_as_large_as_was_asked_and_the_last_has_the_rest(void **state)
{
	struct board *d = *state;
	struct plans *p;

	board_add_node(d, "i-3", "be", "running");
	p = reboot(d, 2);
	assert_int_equal(p->n, 2);
	/* i-3 is in no group, so it serves least. */
	assert_string_equal(ids_of(step_of(p, "reboot-1", "reboot")), "i-2, i-3");
	assert_string_equal(ids_of(step_of(p, "reboot-1", "deregister-sql")), "i-2");
	assert_string_equal(ids_of(step_of(p, "reboot-2", "reboot")), "i-1");
	plans_free(p);
}

/* It was taken out by somebody before, and is not let in again. */
static void a_node_that_is_still_leaving_a_group_is_waited_for(void **state)
{
	static struct elb_target targets[] = { { .id = "i-1", .state = "draining", .reason = "" } };
	struct board *d = *state;
	struct plans *p;

	d->inv->instances.n = 1;
	balancers_in(d->inv)->target_groups[0].targets = (struct elb_targets){ targets, 1 };
	p = reboot(d, 0);
	assert_string_equal(board_steps(p), "reboot-1/drained-sql reboot-1/reboot reboot-1/up reboot-1/up-ok");
	plans_free(p);
}

/* It is asked for, and begins a while later. */
static void a_node_is_not_taken_for_back_before_it_went(void **state)
{
	struct plans *p = reboot(*state, 0);

	assert_int_equal(json_int_or(step_of(p, "reboot-1", "up")->args, "quiet_s", 0), 30);
	plans_free(p);
}

static void a_group_that_no_listener_leads_to_has_no_health_to_wait_for(void **state)
{
	struct board *d = *state;
	struct plans *p;

	balancers_in(d->inv)->lbs[0].listeners.n = 0;
	p = reboot(d, 0);
	assert_null(strstr(board_steps(p), "healthy-sql"));
	assert_null(strstr(board_steps(p), "ready-sql"));
	assert_non_null(strstr(board_steps(p), "register-sql"));
	plans_free(p);
}

static void what_does_not_run_is_named_and_left_alone(void **state)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(65536);
	struct board *d = *state;
	struct plans *p;

	d->inv->instances.v[0].state = "stopped";
	p = reboot(d, 2);
	assert_string_equal(ids_of(step_of(p, "reboot-1", "reboot")), "i-2");
	plans_print(p, &text);
	assert_non_null(strstr(buf_str(&text), "Note: i-1 is stopped, and is not rebooted\n"));
	plans_free(p);
}

static void where_there_is_nothing_to_reboot_a_sentence_says_why(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	assert_int_equal(planner_reboot(&d->a, "wh-1", "fe", 0, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), "wh-1 has no node of a cluster fe");
	plans_free(p);
	p = NULL;
	d->inv->instances.v[0].state = d->inv->instances.v[1].state = "stopped";
	assert_int_equal(planner_reboot(&d->a, "wh-1", "be", 0, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), "no node of cluster be of wh-1 runs: there is nothing to reboot");
	plans_free(p);
}

static void nodes_of_another_warehouse_are_not_touched(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	assert_int_equal(planner_reboot(&d->a, "wh-2", "be", 0, &p, &e), -ERR_INVALID);
	plans_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVING_TEST(nodes_are_rebooted_one_after_the_other),
		SERVING_TEST(a_batch_of_all_of_them_interrupts_service_and_says_so),
		SERVING_TEST(batches_are_as_large_as_was_asked_and_the_last_has_the_rest),
		SERVING_TEST(a_node_that_is_still_leaving_a_group_is_waited_for),
		SERVING_TEST(a_node_is_not_taken_for_back_before_it_went),
		SERVING_TEST(a_group_that_no_listener_leads_to_has_no_health_to_wait_for),
		SERVING_TEST(what_does_not_run_is_named_and_left_alone),
		SERVING_TEST(where_there_is_nothing_to_reboot_a_sentence_says_why),
		SERVING_TEST(nodes_of_another_warehouse_are_not_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
