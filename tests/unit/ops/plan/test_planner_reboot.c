/* test_planner_reboot.c - a cluster that is rebooted batch by batch, out of service and healthy again each time. */
#include "tests/unit/ops/serving.h"

static int reboot_as(struct board *d, const char *warehouse, const struct planner_rebooted *r, struct plans **ret, struct err *e)
{
	d->a.verb = "cluster.reboot";
	return planner_reboot(&d->a, warehouse, r, ret, e);
}

static struct plans *reboot(struct board *d, uint32_t batch)
{
	struct plans *p = NULL;

	assert_int_equal(reboot_as(d, "wh-1", &(struct planner_rebooted){ .cluster = "be", .batch = batch }, &p, NULL), 0);
	return p;
}

#define BATCH(number, stage, id, other)                                                                                            \
	"Plan reboot-" number " (stage " stage ")\n"                                                                               \
	"    wait until others are healthy: be/sql      elasticloadbalancing:DescribeTargetHealth  " other " in arn:tg\n"          \
	"  ~ deregister be/sql                          elasticloadbalancing:DeregisterTargets     " id " in arn:tg\n"             \
	"    wait until drained: be/sql                 elasticloadbalancing:DescribeTargetHealth  " id " in arn:tg\n"             \
	"    see that the others of be run              ec2:DescribeInstances                      " other "\n"                    \
	"    see that others are still healthy: be/sql  elasticloadbalancing:DescribeTargetHealth  " other " in arn:tg\n"          \
	"  ~ reboot nodes of be                         ec2:RebootInstances                        " id "\n"                       \
	"    wait until nodes of be are back            ec2:DescribeInstances                      " id "\n"                       \
	"    wait until status checks of be pass        ec2:DescribeInstanceStatus                 @reboot-" number ".be\n"        \
	"    -- point of no return: what follows is not taken back --\n"                                                           \
	"  ~ register be/sql                            elasticloadbalancing:RegisterTargets       " id " in arn:tg\n"             \
	"    wait until healthy: be/sql                 elasticloadbalancing:DescribeTargetHealth  " id " in arn:tg\n"

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

/* One that is out, as a heal leaves it, serves nobody: who serves alone does not go with those that are out unsaid. */
static void a_batch_of_all_that_serve_in_a_group_says_so(void **state)
{
	struct board *d = *state;
	struct plans *p;

	board_add_node(d, "i-0", "be", "running"); /* the oldest, and in no group */
	d->inv->instances.v[2].launch_time = "2020-01-01T00:00:00.000Z";
	p = reboot(d, 2);
	assert_int_equal(p->n, 2);
	assert_string_equal(ids_of(step_of(p, "reboot-1", "reboot")), "i-2, i-0");
	assert_null(json_object_get(step_of(p, "reboot-1", "reboot")->args, "empties"));
	assert_null(json_object_get(step_of(p, "reboot-2", "reboot")->args, "empties"));
	plans_free(p);
	balancers_in(d->inv)->target_groups[0].targets.n = 1; /* i-1 alone serves */
	p = reboot(d, 2);
	assert_string_equal(
	    json_string_value(json_array_get(json_object_get(step_of(p, "reboot-2", "reboot")->args, "empties"), 0)), "sql");
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

/* It may never be well again, and another stands in its place. */
static void one_that_a_heal_has_left_is_named_and_not_rebooted(void **state)
{
	CLEANUP(json_close) json_t *left = json_pack("[s]", "i-2");
	CLEANUP(buf_close) struct buf text = BUF_MAX(65536);
	struct board *d = *state;
	struct plans *p;

	d->a.left = left;
	p = reboot(d, 1);
	assert_int_equal(p->n, 1);
	assert_string_equal(ids_of(step_of(p, "reboot-1", "reboot")), "i-1");
	plans_print(p, &text);
	assert_non_null(strstr(buf_str(&text), "Note: a heal has left i-2, and it is not rebooted\n"));
	plans_free(p);
}

/* Else of two that are ill none could be rebooted. */
static void for_one_that_is_ill_the_others_need_not_serve(void **state)
{
	struct board *d = *state;
	struct elb_target *second = &balancers_in(d->inv)->target_groups[0].targets.v[1];
	struct plans *p;

	second->state = "unhealthy";
	p = reboot(d, 1);
	assert_string_equal(ids_of(step_of(p, "reboot-1", "reboot")), "i-2");
	assert_string_equal(
	    json_string_value(json_array_get(json_object_get(step_of(p, "reboot-1", "ready-sql")->args, "leave"), 0)), "i-2");
	assert_null(strstr(board_steps(p), "reboot-1/still-up"));
	assert_string_equal(ids_of(step_of(p, "reboot-1", "still-ready-sql")), "@serve.reboot-1.sql");
	assert_null(json_object_get(step_of(p, "reboot-2", "ready-sql")->args, "leave"));
	assert_non_null(strstr(board_steps(p), "reboot-2/still-up reboot-2/still-ready-sql"));
	plans_free(p);
	p = reboot(d, 2); /* together with one that serves */
	assert_null(strstr(board_steps(p), "ready-sql"));
	plans_free(p);
	second->state = "healthy";
}

static void where_there_is_nothing_to_reboot_a_sentence_says_why(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	assert_int_equal(reboot_as(d, "wh-1", &(struct planner_rebooted){ .cluster = "fe" }, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), "wh-1 has no node of a cluster fe");
	plans_free(p);
	p = NULL;
	d->inv->instances.v[0].state = d->inv->instances.v[1].state = "stopped";
	assert_int_equal(reboot_as(d, "wh-1", &(struct planner_rebooted){ .cluster = "be" }, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), "no node of cluster be of wh-1 runs: there is nothing to reboot");
	plans_free(p);
}

static void nodes_of_another_warehouse_are_not_touched(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	assert_int_equal(reboot_as(d, "wh-2", &(struct planner_rebooted){ .cluster = "be" }, &p, &e), -ERR_INVALID);
	plans_free(p);
}

/* ---- asked by HTTP ---- */

static Reeve__Control__V1__NodeEndpoint health, call;
static Reeve__Control__V1__Drain drain;

/* What the command says of nodes of "be", one at once. */
static struct planner_rebooted asking(struct board *d)
{
	reeve__control__v1__node_endpoint__init(&health);
	health.port = 8040;
	health.path = (char *)"/health";
	call = health;
	call.port = 8041;
	call.path = (char *)"/drain";
	reeve__control__v1__drain__init(&drain);
	drain.wait_s = 60;
	drain.call = &call;
	for (size_t i = 0; i < d->inv->instances.n; i++)
		d->inv->instances.v[i].vpc_id = "vpc-1";
	return (struct planner_rebooted){ .cluster = "be", .health = &health, .drain = &drain };
}

#define ASKING(n)                                                                                                                  \
	"reboot-" n "/ready-sql reboot-" n "/deregister-sql reboot-" n "/drained-sql reboot-" n "/drain reboot-" n                 \
	"/still-up reboot-" n "/still-answer "                                                                                     \
	"reboot-" n "/still-ready-sql reboot-" n "/reboot reboot-" n "/up reboot-" n "/up-ok reboot-" n "/up-healthy reboot-" n    \
	"/register-sql reboot-" n "/healthy-sql"

static void each_batch_is_drained_rebooted_and_healthy_before_the_next_one_goes(void **state)
{
	struct board *d = *state;
	struct planner_rebooted r = asking(d);
	struct plans *p = NULL;
	const struct step *s;

	assert_int_equal(reboot_as(d, "wh-1", &r, &p, NULL), 0);
	assert_string_equal(board_steps(p), ASKING("1") " " ASKING("2"));
	assert_int_not_equal(p->v[0].stage, p->v[1].stage);
	s = step_of(p, "reboot-1", "drain");
	assert_ptr_equal(s->kind, &kind_drain);
	assert_string_equal(ids_of(s), "i-2");
	assert_int_equal(json_int_or(s->args, "wait_s", 0), 60);
	assert_string_equal(json_str_or(s->args, "path", ""), "/drain");
	s = step_of(p, "reboot-1", "up-healthy");
	assert_ptr_equal(s->kind, &kind_wait_answers);
	assert_string_equal(ids_of(s), "@reboot-1.be"); /* those whose status checks are ok */
	assert_string_equal(json_str_or(s->args, "path", ""), "/health");
	assert_true(json_is_true(json_object_get(s->args, "atomic"))); /* a batch that is not whole ends the roll */
	plans_free(p);
}

/* What fails before it has the batch let in again; behind it, nothing is taken back. */
static void a_batch_is_not_let_in_for_good_before_it_is_healthy(void **state)
{
	struct board *d = *state;
	struct planner_rebooted r = asking(d);
	struct plans *p = NULL;

	assert_int_equal(reboot_as(d, "wh-1", &r, &p, NULL), 0);
	assert_ptr_equal(p->v[0].steps[p->v[0].pivot].kind, &kind_register);
	assert_ptr_equal(p->v[0].steps[p->v[0].pivot - 1].kind, &kind_wait_answers);
	plans_free(p);
}

/* There is no spec that names it. */
static void nodes_are_asked_in_the_vpc_in_which_they_stand(void **state)
{
	struct board *d = *state;
	struct planner_rebooted r = asking(d);
	struct plans *p = NULL;

	assert_int_equal(reboot_as(d, "wh-1", &r, &p, NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		const json_t *args = step_of(p, "reboot-2", i == 0 ? "drain" : "up-healthy")->args;
		const json_t *cidrs = json_object_get(args, "cidrs");

		assert_string_equal(json_str_or(args, "vpc_id", ""), "vpc-1");
		assert_int_equal(json_array_size(cidrs), 1);
		assert_string_equal(json_string_value(json_array_get(cidrs, 0)), "10.0.0.0/16");
	}
	plans_free(p);
}

/* By EC2's answers they would be "gone", and so pass as drained. */
static void nodes_that_would_be_asked_nowhere_are_not_rebooted(void **state)
{
	struct board *d = *state;
	struct planner_rebooted r = asking(d);
	struct plans *p = NULL;
	struct err e = { 0 };

	d->inv->instances.v[1].vpc_id = "vpc-9";
	assert_int_equal(reboot_as(d, "wh-1", &r, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e),
			    "cluster be: i-1 stands in vpc-1 and i-2 in vpc-9, and nodes of one VPC alone are asked by HTTP");
	plans_free(p);
	p = NULL;
	d->inv->instances.v[0].vpc_id = "vpc-9";
	assert_int_equal(reboot_as(d, "wh-1", &r, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e),
			    "cluster be: i-1 stands in VPC \"vpc-9\", which EC2 does not show: nobody can be asked by HTTP");
	plans_free(p);
	p = NULL;
	/* Who is asked nothing may stand anywhere. */
	drain.call = NULL;
	r.health = NULL;
	assert_int_equal(reboot_as(d, "wh-1", &r, &p, NULL), 0);
	plans_free(p);
}

static void a_drain_without_a_call_is_time(void **state)
{
	struct board *d = *state;
	struct planner_rebooted r = asking(d);
	struct plans *p = NULL;

	drain.call = NULL;
	r.health = NULL;
	assert_int_equal(reboot_as(d, "wh-1", &r, &p, NULL), 0);
	assert_ptr_equal(step_of(p, "reboot-1", "drain")->kind, &kind_wait_time);
	assert_null(strstr(board_steps(p), "up-healthy"));
	plans_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVING_TEST(nodes_are_rebooted_one_after_the_other),
		SERVING_TEST(a_batch_of_all_of_them_interrupts_service_and_says_so),
		SERVING_TEST(a_batch_of_all_that_serve_in_a_group_says_so),
		SERVING_TEST(batches_are_as_large_as_was_asked_and_the_last_has_the_rest),
		SERVING_TEST(a_node_that_is_still_leaving_a_group_is_waited_for),
		SERVING_TEST(a_node_is_not_taken_for_back_before_it_went),
		SERVING_TEST(a_group_that_no_listener_leads_to_has_no_health_to_wait_for),
		SERVING_TEST(what_does_not_run_is_named_and_left_alone),
		SERVING_TEST(one_that_a_heal_has_left_is_named_and_not_rebooted),
		SERVING_TEST(for_one_that_is_ill_the_others_need_not_serve),
		SERVING_TEST(where_there_is_nothing_to_reboot_a_sentence_says_why),
		SERVING_TEST(nodes_of_another_warehouse_are_not_touched),
		SERVING_TEST(each_batch_is_drained_rebooted_and_healthy_before_the_next_one_goes),
		SERVING_TEST(a_batch_is_not_let_in_for_good_before_it_is_healthy),
		SERVING_TEST(nodes_are_asked_in_the_vpc_in_which_they_stand),
		SERVING_TEST(nodes_that_would_be_asked_nowhere_are_not_rebooted),
		SERVING_TEST(a_drain_without_a_call_is_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
