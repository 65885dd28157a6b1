/* test_kinds_answers.c - a node is healthy when it answers 200; one that never does leaves the cluster short. */
#include "tests/unit/ops/steps/asked.h"

static void nodes_are_healthy_when_each_has_answered_200(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_wait_answers, ASKED(""), BOTH);
	assert_int_equal(asked_meet(&t), STEP_MORE);
	assert_int_equal(asked_says(&t, 200), STEP_MORE);
	assert_int_equal(asked_says(&t, 200), STEP_DONE);
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-1\",\"i-2\"]");
	asked_end(&t);
}

static void no_other_answer_is_taken_for_it(void **state)
{
	static const int statuses[] = { 0, 201, 202, 204, 301, 302, 400, 401, 403, 404, 429, 500, 503 };
	struct kinds t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		asked_start(&t, &kind_wait_answers, ASKED(""), BOTH);
		assert_int_equal(asked_says(&t, statuses[i]), STEP_MORE);
		assert_int_equal(asked_says(&t, 200), STEP_AGAIN);
		assert_has(t.e.text, statuses[i] == 0 ? "i-1 is not healthy yet: no answer" : "i-1 is not healthy yet: HTTP ");
		assert_lacks(t.e.text, "a body that nobody is to see");
		t.x.patient = true;
		assert_int_equal(asked_says(&t, statuses[i]), STEP_DONE);
		assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-2\"]");
		assert_has(kinds_note(&t), "short: 1 node(s) of a did not become healthy");
		asked_end(&t);
	}
}

static void an_atomic_cluster_fails_when_one_is_not_healthy_in_time(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_wait_answers, ASKED(", \"atomic\": true"), BOTH);
	t.x.patient = true;
	assert_int_equal(asked_says(&t, 503), STEP_FAILED);
	assert_int_equal(t.cause.class, AWS_AMBIGUOUS); /* told as TIMEOUT */
	assert_string_equal(t.e.text, "a node did not become healthy: i-1 is not healthy yet: HTTP 503");
	asked_end(&t);
}

/* Those before it were slow. */
static void one_that_was_never_asked_is_not_given_up(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_wait_answers, ASKED(""), BOTH);
	t.x.patient = true;
	assert_int_equal(asked_says(&t, 0), STEP_MORE);
	assert_int_equal(asked_says(&t, 200), STEP_DONE);
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-2\"]");
	asked_end(&t);
}

static void where_nobody_can_be_asked_it_ends_without_a_call(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_wait_answers, ASKED(""), WHERE(""));
	assert_int_equal(asked_meet(&t), STEP_FAILED);
	assert_has(t.e.text, "not there, or not ours");
	asked_end(&t);
	asked_start(&t, &kind_wait_answers, ASKED(""), WHERE(AT("i-1", "pending", "10.0.0.1")));
	assert_int_equal(asked_meet(&t), STEP_AGAIN);
	asked_end(&t);
}

static void the_policy_is_asked_for_port_and_path(void **state)
{
	struct demand d = { 0 };
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_wait_answers, ASKED(""), BOTH);
	kind_wait_answers.demand(t.args, &d);
	assert_int_equal(d.endpoints_n, 1);
	assert_int_equal(d.endpoints[0].port, 8040);
	assert_string_equal(d.endpoints[0].path, "/health");
	demand_close(&d);
	asked_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_are_healthy_when_each_has_answered_200),
		cmocka_unit_test(no_other_answer_is_taken_for_it),
		cmocka_unit_test(an_atomic_cluster_fails_when_one_is_not_healthy_in_time),
		cmocka_unit_test(one_that_was_never_asked_is_not_given_up),
		cmocka_unit_test(where_nobody_can_be_asked_it_ends_without_a_call),
		cmocka_unit_test(the_policy_is_asked_for_port_and_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
