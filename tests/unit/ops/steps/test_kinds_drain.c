/* test_kinds_drain.c - nodes are drained when they say so, or when their time is over. */
#include "tests/unit/ops/steps/asked.h"

#define DRAIN ASKED(", \"wait_s\": 60")

static void what_a_node_answers_to_drain_is_the_end_again_or_a_failure(void **state)
{
	static const struct {
		int status;
		enum step_verdict v;
	} cases[] = {
		{ 200, STEP_DONE },   { 204, STEP_DONE },   { 201, STEP_DONE },   { 202, STEP_AGAIN },  { 409, STEP_AGAIN },
		{ 503, STEP_AGAIN },  { 0, STEP_AGAIN },    { 301, STEP_FAILED }, { 302, STEP_FAILED }, { 307, STEP_FAILED },
		{ 400, STEP_FAILED }, { 403, STEP_FAILED }, { 404, STEP_FAILED }, { 429, STEP_FAILED }, { 500, STEP_FAILED },
	};
	struct kinds t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		asked_start(&t, &kind_drain, DRAIN, WHERE(AT("i-1", "running", "10.0.0.1")));
		assert_string_equal(asked_url(&t), "http://10.0.0.1:8040/health");
		assert_string_equal(t.req.method, "POST");
		assert_int_equal(asked_says(&t, cases[i].status), cases[i].v);
		assert_lacks(t.e.text, "a body that nobody is to see");
		if (cases[i].v == STEP_FAILED)
			assert_int_equal(t.cause.class, AWS_INVALID); /* told as PRECONDITION */
		asked_end(&t);
	}
}

static void it_waits_for_each_and_not_for_one_that_has_ended(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_drain, DRAIN, BOTH);
	assert_int_equal(asked_says(&t, 200), STEP_MORE);
	assert_int_equal(asked_says(&t, 202), STEP_AGAIN);
	assert_string_equal(t.e.text, "i-2 is not drained yet: HTTP 202");
	assert_true(kinds_see(&t, &asking_where, WHERE(AT("i-1", "running", "10.0.0.1") AT("i-2", "terminated", "10.0.0.2"))));
	assert_int_equal(asked_meet(&t), STEP_DONE);
	asked_end(&t);
}

static void one_that_does_not_drain_in_time_is_a_failure(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_drain, DRAIN, BOTH);
	t.x.age_ms = 59999;
	assert_int_equal(asked_says(&t, 202), STEP_MORE);
	t.x.age_ms = 60000;
	assert_int_equal(asked_says(&t, 202), STEP_FAILED);
	assert_string_equal(t.e.text, "within 60 s i-1 is not drained yet: HTTP 202, i-2 is not drained yet: HTTP 202");
	assert_int_equal(t.cause.class, AWS_AMBIGUOUS);
	asked_end(&t);
}

/* It is lost, and another has come in its place. */
static void one_that_goes_anyway_holds_nothing_up_and_is_told(void **state)
{
	struct kinds t;

	(void)state;
	asked_start(&t, &kind_drain, ASKED(", \"wait_s\": 60, \"goes_anyway\": true"), WHERE(AT("i-1", "running", "10.0.0.1")));
	assert_int_equal(asked_says(&t, 202), STEP_AGAIN);
	assert_int_equal(asked_says(&t, 0), STEP_AGAIN);
	assert_string_equal(kinds_note(&t), "");
	t.x.age_ms = 60000;
	assert_int_equal(asked_says(&t, 0), STEP_DONE);
	assert_string_equal(kinds_note(&t), "within 60 s i-1 is not drained yet: no answer; it goes undrained");
	asked_end(&t);
	asked_start(&t, &kind_drain, ASKED(", \"wait_s\": 60, \"goes_anyway\": true"), WHERE(AT("i-1", "running", "10.0.0.1")));
	assert_int_equal(asked_says(&t, 404), STEP_DONE);
	assert_string_equal(kinds_note(&t), "i-1 goes undrained: it answered HTTP 404");
	asked_end(&t);
}

static void by_waiting_they_are_given_their_time(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_time, "{\"instances\": [\"i-1\"], \"wait_s\": 30}");
	t.x.age_ms = 29999;
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_AGAIN);
	assert_string_equal(t.e.text, "29 s of 30 s are over");
	t.x.age_ms = 30000;
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_DONE);
	kinds_end(&t);
}

static void nobody_waits_for_the_time_of_nodes_that_have_all_ended(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_time, "{\"instances\": [\"i-1\", \"i-2\"], \"wait_s\": 3600}");
	t.x.age_ms = 5000;
	assert_int_equal(kinds_answered(&t, WHERE(AT("i-1", "terminated", "") AT("i-2", "running", ""))), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, WHERE(AT("i-1", "terminated", ""))), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_THROTTLED, "RequestLimitExceeded"), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, WHERE(AT("i-1", "terminated", "") AT("i-2", "shutting-down", ""))), STEP_DONE);
	assert_string_equal(t.e.text, "");
	kinds_end(&t);
}

static void a_drain_needs_no_power_in_aws_and_counts_as_no_change_there(void **state)
{
	(void)state;
	assert_true(step_mutates(&kind_drain)); /* so it has an intent, and the switches are asked before it */
	assert_true(step_asks_node(&kind_drain));
	assert_null(kind_drain.grants);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_node_answers_to_drain_is_the_end_again_or_a_failure),
		cmocka_unit_test(it_waits_for_each_and_not_for_one_that_has_ended),
		cmocka_unit_test(one_that_does_not_drain_in_time_is_a_failure),
		cmocka_unit_test(one_that_goes_anyway_holds_nothing_up_and_is_told),
		cmocka_unit_test(by_waiting_they_are_given_their_time),
		cmocka_unit_test(nobody_waits_for_the_time_of_nodes_that_have_all_ended),
		cmocka_unit_test(a_drain_needs_no_power_in_aws_and_counts_as_no_change_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
