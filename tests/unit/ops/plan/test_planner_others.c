/* test_planner_others.c - nodes leave because others serve in their place: these are looked at before anything changes, and once
 * more straight before the call. In plans here; what follows from a look that finds nobody is tests/unit/ops/test_op_shrink.c. */
#include "tests/unit/ops/board.h"
#include "tests/unit/ops/serving.h"

static void a_scale_in_looks_at_those_that_stay(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.nodes = 1;
	p = board_apply(d);
	assert_string_equal(board_steps(p), "end-be/ready-sql end-be/deregister-sql end-be/drained-sql end-be/still-up "
					    "end-be/still-ready-sql end-be/terminate end-be/gone");
	assert_string_equal(ids_of(step_of(p, "end-be", "ready-sql")), "i-1");
	assert_true(json_is_true(json_object_get(step_of(p, "end-be", "still-ready-sql")->args, "atomic")));
	plans_free(p);
}

static void where_there_is_an_endpoint_they_answer_for_themselves_too(void **state)
{
	static Reeve__Control__V1__NodeEndpoint health = REEVE__CONTROL__V1__NODE_ENDPOINT__INIT;
	struct board *d = *state;
	struct plans *p;

	health.port = 8040;
	health.path = (char *)"/health";
	d->k.cluster.health = &health;
	d->k.cluster.nodes = 1;
	p = board_apply(d);
	assert_non_null(strstr(board_steps(p), "end-be/still-up end-be/still-answer end-be/still-ready-sql end-be/terminate"));
	assert_string_equal(ids_of(step_of(p, "end-be", "still-answer")), "i-1");
	assert_string_equal(json_str_or(step_of(p, "end-be", "still-answer")->args, "path", ""), "/health");
	plans_free(p);
}

/* Nobody has to make up for it: it goes, also while one of those that stay is ill. */
static void for_one_that_does_not_serve_nobody_is_waited_for(void **state)
{
	static const char *const states[] = { "unhealthy", "draining" };
	struct board *d = *state;
	struct elb_target *leaves = &balancers_in(d->inv)->target_groups[0].targets.v[1];

	d->k.cluster.nodes = 1;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		struct plans *p;

		leaves->state = states[i];
		p = board_apply(d);
		assert_null(strstr(board_steps(p), "ready-sql"));
		assert_null(strstr(board_steps(p), "still-up"));
		assert_non_null(strstr(board_steps(p), "end-be/terminate"));
		plans_free(p);
	}
	leaves->state = "healthy";
}

/* Of a cluster that is to go all of the other one must serve, and what it had leaves its groups only for that. */
static void a_cluster_goes_when_the_other_one_behind_its_group_serves(void **state)
{
	struct board *d = *state;
	struct plans *p;

	board_add_node(d, "i-9", "old", "running");
	balancers_in(d->inv)->target_groups[0].targets.v[1].id = "i-9";
	p = board_apply(d);
	balancers_in(d->inv)->target_groups[0].targets.v[1].id = "i-2";
	assert_non_null(strstr(board_steps(p), "cluster-old/ready-sql cluster-old/deregister-sql cluster-old/drained-sql "
					       "cluster-old/still-ready-sql cluster-old/terminate cluster-old/gone"));
	assert_non_null(strstr(ids_of(step_of(p, "cluster-old", "ready-sql")), "i-1"));
	assert_null(strstr(ids_of(step_of(p, "cluster-old", "ready-sql")), "i-9"));
	plans_free(p);
}

static void with_the_warehouse_all_goes_and_nobody_is_waited_for(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;

	d->a.verb = "warehouse.delete";
	assert_int_equal(planner_delete(&d->a, "wh-1", &p, NULL), 0);
	assert_null(strstr(board_steps(p), "ready-sql"));
	assert_int_equal(p->v[0].pivot, 0);
	plans_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVING_TEST(a_scale_in_looks_at_those_that_stay),
		SERVING_TEST(where_there_is_an_endpoint_they_answer_for_themselves_too),
		SERVING_TEST(for_one_that_does_not_serve_nobody_is_waited_for),
		SERVING_TEST(a_cluster_goes_when_the_other_one_behind_its_group_serves),
		SERVING_TEST(with_the_warehouse_all_goes_and_nobody_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
