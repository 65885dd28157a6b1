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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVING_TEST(those_that_run_are_waited_for_alone),
		SERVING_TEST(behind_a_reboot_a_minute_passes_before_the_checks_count),
		SERVING_TEST(those_that_were_started_are_told_so),
		SERVING_TEST(one_that_was_left_out_is_let_in_only_when_its_checks_are_ok),
		SERVING_TEST(one_that_comes_up_beside_new_ones_is_named_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
