/* test_planner_ready.c - wherever a node becomes ready, its status checks are waited for before anything rests on it. */
#include "tests/unit/ops/serving.h"

static const struct step *behind(const struct plans *p, const char *step)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k + 1 < p->v[i].n; k++)
			if (str_eq(p->v[i].steps[k].name, step))
				return &p->v[i].steps[k + 1];
	fail_msg("no step %s", step);
	return NULL;
}

static void those_that_run_are_waited_for_alone(void **state)
{
	struct board *d = *state;
	const struct step *s;
	struct plans *p;

	d->k.cluster.nodes = 3;
	d->k.cluster.atomic = true;
	p = board_apply(d);
	s = behind(p, "up");
	assert_ptr_equal(s->kind, &kind_wait_status_ok);
	assert_string_equal(s->name, "up-ok");
	assert_string_equal(ids_of(s), "@nodes.be"); /* which the wait before has left */
	assert_string_equal(json_str_or(s->args, "fact", ""), "nodes.be");
	assert_true(json_is_true(json_object_get(s->args, "atomic")));
	assert_null(json_object_get(s->args, "quiet_s"));
	plans_free(p);
}

/* EC2 checks once a minute: what it says counts when one of its checks can have been made since the reboot began. */
static void behind_a_reboot_a_minute_passes_before_the_checks_count(void **state)
{
	struct board *d = *state;
	const struct step *s;
	struct plans *p = NULL;

	d->a.verb = "cluster.reboot";
	assert_int_equal(planner_reboot(&d->a, "wh-1", &(struct planner_rebooted){ .cluster = "be", .batch = 2 }, &p, NULL), 0);
	s = behind(p, "up");
	assert_ptr_equal(s->kind, &kind_wait_status_ok);
	assert_int_equal(json_int_or(step_of(p, "reboot-1", "up")->args, "quiet_s", 0), 30);
	assert_int_equal(json_int_or(s->args, "quiet_s", 0), 60);
	assert_true(json_is_true(json_object_get(s->args, "atomic"))); /* a batch that is not whole ends the roll */
	plans_free(p);
}

static void those_that_were_started_are_told_so(void **state)
{
	struct board *d = *state;
	const struct step *s;
	struct plans *p;

	d->inv->instances.v[0].state = "stopped";
	p = board_apply(d);
	s = behind(p, "started");
	assert_ptr_equal(s->kind, &kind_wait_status_ok);
	assert_true(json_is_true(json_object_get(s->args, "started")));
	assert_string_equal(ids_of(s), "@started.be");
	plans_free(p);
}

/* An earlier command was short by it: that it runs proves nothing. */
static void one_that_was_left_out_is_let_in_only_when_its_checks_are_ok(void **state)
{
	struct board *d = *state;
	struct plans *p;

	balancers_in(d->inv)->target_groups[0].targets.n = 1; /* i-1 alone */
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/up cluster-be/up-ok cluster-be/register-sql cluster-be/healthy-sql");
	assert_string_equal(ids_of(step_of(p, "cluster-be", "up")), "i-2");
	assert_string_equal(ids_of(step_of(p, "cluster-be", "register-sql")), "@nodes.be");
	plans_free(p);
}

/* Once by its id and once by the fact would be twice in one call, and the id would stand for it also when it was lost. */
static void one_that_comes_up_beside_new_ones_is_named_once(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->inv->instances.v[1].state = "pending";
	balancers_in(d->inv)->target_groups[0].targets.n = 1;
	d->k.cluster.nodes = 3;
	p = board_apply(d);
	assert_string_equal(ids_of(step_of(p, "cluster-be", "up")), "i-2, @nodes.be");
	assert_string_equal(ids_of(step_of(p, "cluster-be", "register-sql")), "@nodes.be");
	plans_free(p);
}

/* Whatever goes behind it: it goes only when every one that is to serve in its place does. */
static void assert_all_or_nothing(const struct plans *p, unsigned least)
{
	unsigned n = 0;

	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++)
			if (p->v[i].steps[k].kind == &kind_wait_healthy) {
				if (!json_is_true(json_object_get(p->v[i].steps[k].args, "atomic")))
					fail_msg("%s/%s goes on with some of them", p->v[i].name, p->v[i].steps[k].name);
				n++;
			}
	assert_true(n >= least);
	plans_free((struct plans *)p);
}

static void a_replaced_node_goes_when_all_new_ones_are_healthy(void **state)
{
	static char *ids[] = { (char *)"i-1", (char *)"i-2" };
	struct board *d = *state;
	struct plans *p = NULL;

	assert_int_equal(planner_replace(&d->a, &d->k.s, &(struct planner_named){ "be", ids, 2 }, &p, NULL), 0);
	assert_all_or_nothing(p, 4);
}

static void upgraded_nodes_go_when_all_new_ones_are_healthy(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;

	d->inv->instances.v[0].image_id = d->inv->instances.v[1].image_id = "ami-0";
	assert_int_equal(planner_upgrade(&d->a, &d->k.s, &(struct planner_order){ NULL, 0, 2 }, &p, NULL), 0);
	assert_all_or_nothing(p, 2);
}

static void a_rebooted_batch_goes_when_all_others_are_healthy(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;

	d->a.verb = "cluster.reboot";
	assert_int_equal(planner_reboot(&d->a, "wh-1", &(struct planner_rebooted){ .cluster = "be", .batch = 1 }, &p, NULL), 0);
	assert_true(json_is_true(json_object_get(step_of(p, "reboot-1", "up")->args, "atomic")));
	assert_all_or_nothing(p, 4);
}

static void a_node_that_is_made_larger_goes_when_all_others_are_healthy(void **state)
{
	struct board *d = *state;

	d->k.cluster.instance_type = (char *)"r6i.large";
	assert_all_or_nothing(board_apply(d), 4);
}

/* Of a cluster that only grows those that are healthy are enough, unless the spec says otherwise. */
static void new_nodes_of_an_atomic_cluster_are_all_healthy_or_it_failed(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.nodes = 3;
	p = board_apply(d);
	assert_null(json_object_get(step_of(p, "cluster-be", "healthy-sql")->args, "atomic"));
	plans_free(p);
	d->k.cluster.atomic = true;
	assert_all_or_nothing(board_apply(d), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVING_TEST(those_that_run_are_waited_for_alone),
		SERVING_TEST(behind_a_reboot_a_minute_passes_before_the_checks_count),
		SERVING_TEST(those_that_were_started_are_told_so),
		SERVING_TEST(one_that_was_left_out_is_let_in_only_when_its_checks_are_ok),
		SERVING_TEST(one_that_comes_up_beside_new_ones_is_named_once),
		SERVING_TEST(a_replaced_node_goes_when_all_new_ones_are_healthy),
		SERVING_TEST(upgraded_nodes_go_when_all_new_ones_are_healthy),
		SERVING_TEST(a_rebooted_batch_goes_when_all_others_are_healthy),
		SERVING_TEST(a_node_that_is_made_larger_goes_when_all_others_are_healthy),
		SERVING_TEST(new_nodes_of_an_atomic_cluster_are_all_healthy_or_it_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
