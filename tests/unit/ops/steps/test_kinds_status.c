/* test_kinds_status.c - a node is ready when both of its status checks are ok; one that never gets there leaves the cluster
 * short. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"

#define NODES "{\"cluster\": \"a\", \"instances\": [\"i-1\", \"i-2\"], \"fact\": \"nodes.a\""
#define ITEM(id, state, system, instance)                                                                                          \
	"<item><instanceId>" id "</instanceId><instanceState><name>" state "</name></instanceState><systemStatus><status>" system  \
	"</status></systemStatus><instanceStatus><status>" instance "</status></instanceStatus></item>"
#define OK(id) ITEM(id, "running", "ok", "ok")
#define SEEN(items) "<R><instanceStatusSet>" items "</instanceStatusSet></R>"

static void nodes_are_ready_when_both_checks_of_each_are_ok(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_status_ok, NODES "}");
	assert_has(kinds_ask(&t), "InstanceId.1=i-1&InstanceId.2=i-2");
	assert_int_equal(kinds_answered(&t, SEEN(OK("i-1") ITEM("i-2", "running", "ok", "initializing"))), STEP_AGAIN);
	assert_string_equal(t.e.text, "i-2 is not ok yet (system check ok, instance check initializing)");
	assert_null(kinds_fact(&t, "nodes.a"));
	assert_int_equal(kinds_answered(&t, SEEN(OK("i-1") OK("i-2"))), STEP_DONE);
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-1\",\"i-2\"]");
	assert_string_equal(kinds_note(&t), "");
	kinds_end(&t);
}

static void no_other_word_than_ok_is_taken_for_it_before_its_time(void **state)
{
	static const char *const words[][2] = {
		{ "ok", "initializing" }, { "initializing", "ok" }, { "ok", "insufficient-data" }, { "insufficient-data", "ok" },
		{ "impaired", "ok" },     { "ok", "impaired" },     { "ok", "not-applicable" },    { "", "" },
		{ "OK", "ok" },
	};
	struct kinds t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		CLEANUP(mem_close) char *one = mem_printf(SEEN(ITEM("i-1", "running", "%s", "%s")), words[i][0], words[i][1]);

		kinds_start(&t, &kind_wait_status_ok, "{\"cluster\": \"a\", \"instances\": [\"i-1\"], \"fact\": \"f\"}");
		assert_int_equal(kinds_answered(&t, one), STEP_AGAIN);
		t.x.patient = true;
		assert_int_equal(kinds_answered(&t, one), STEP_FAILED);
		assert_int_equal(t.cause.class, AWS_AMBIGUOUS); /* told as TIMEOUT */
		assert_has(t.e.text, "a node did not pass its status checks: i-1 is not ok yet");
		kinds_end(&t);
	}
}

static void one_that_never_gets_there_makes_the_cluster_short_or_an_atomic_one_fail(void **state)
{
	static const char one[] = SEEN(OK("i-1") ITEM("i-2", "running", "ok", "impaired"));
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_status_ok, NODES "}");
	t.x.patient = true;
	assert_int_equal(kinds_answered(&t, one), STEP_DONE);
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-1\"]");
	assert_has(kinds_note(&t), "short: 1 node(s) of a did not pass its status checks (i-2 is not ok yet (system check ok, "
				   "instance check impaired))");
	kinds_end(&t);
	kinds_start(&t, &kind_wait_status_ok, NODES ", \"atomic\": true}");
	assert_int_equal(kinds_answered(&t, one), STEP_AGAIN);
	t.x.patient = true;
	assert_int_equal(kinds_answered(&t, one), STEP_FAILED);
	kinds_end(&t);
}

/* Of the states: a copy of EC2 that lags behind may show one of before, but nothing comes back from its end. */
static void one_that_has_ended_or_was_stopped_is_not_waited_for(void **state)
{
	static const struct {
		const char *state, *args;
		enum step_verdict v;
	} cases[] = {
		{ "terminated", "}", STEP_DONE },
		{ "shutting-down", ", \"started\": true}", STEP_DONE },
		{ "stopped", "}", STEP_DONE },
		{ "stopping", "}", STEP_DONE },
		{ "stopped", ", \"started\": true}", STEP_AGAIN },
		{ "pending", "}", STEP_AGAIN },
	};
	struct kinds t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(mem_close) char *args = mem_printf(NODES "%s", cases[i].args);
		CLEANUP(mem_close)
		char *xml = mem_printf(SEEN(OK("i-1") ITEM("i-2", "%s", "not-applicable", "not-applicable")), cases[i].state);

		kinds_start(&t, &kind_wait_status_ok, args);
		assert_int_equal(kinds_answered(&t, xml), cases[i].v);
		if (cases[i].v == STEP_DONE)
			assert_has(kinds_note(&t), cases[i].state);
		kinds_end(&t);
	}
}

static void what_the_checks_say_just_behind_a_reboot_does_not_count(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_status_ok, "{\"instances\": [\"i-1\"], \"fact\": \"f\", \"quiet_s\": 90}");
	t.x.age_ms = 89999;
	assert_int_equal(kinds_answered(&t, SEEN(OK("i-1"))), STEP_AGAIN);
	t.x.age_ms = 90000;
	assert_int_equal(kinds_answered(&t, SEEN(OK("i-1"))), STEP_DONE);
	kinds_end(&t);
}

/* One unknown id fails the whole call. */
static void one_that_ec2_does_not_know_keeps_no_other_waiting(void **state)
{
	static const char unknown[] =
	    "DescribeInstanceStatus: InvalidInstanceID.NotFound (HTTP 400): The instance ID 'i-2' does not "
	    "exist";
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_status_ok, NODES "}");
	kinds_made(&t, "nodes.a", "i-2"); /* a moment ago: it may be known soon */
	assert_int_equal(kinds_refused_saying(&t, AWS_NOTFOUND, "InvalidInstanceID.NotFound", unknown), STEP_AGAIN);
	assert_has(kinds_ask(&t), "InstanceId.2=i-2");
	t.x.patient = true;
	assert_int_equal(kinds_refused_saying(&t, AWS_NOTFOUND, "InvalidInstanceID.NotFound", unknown), STEP_AGAIN);
	assert_lacks(kinds_ask(&t), "i-2");
	t.x.patient = false;
	assert_int_equal(kinds_answered(&t, SEEN(OK("i-1"))), STEP_DONE);
	assert_string_equal(kinds_fact(&t, "nodes.a"), "[\"i-1\"]");
	kinds_end(&t);
	/* The last one: nothing is left to ask for. */
	kinds_start(&t, &kind_wait_status_ok, "{\"cluster\": \"a\", \"instances\": [\"i-2\"], \"fact\": \"f\"}");
	assert_int_equal(kinds_refused_saying(&t, AWS_NOTFOUND, "InvalidInstanceID.NotFound", unknown), STEP_FAILED);
	kinds_end(&t);
	/* A longer id begins as this one does. */
	kinds_start(&t, &kind_wait_status_ok, "{\"cluster\": \"a\", \"instances\": [\"i-2\"], \"fact\": \"f\"}");
	assert_int_equal(kinds_refused_saying(&t, AWS_NOTFOUND, "InvalidInstanceID.NotFound", "no 'i-22'"), STEP_AGAIN);
	assert_int_equal(json_object_size(t.left), 0);
	kinds_end(&t);
}

static void an_answer_that_does_not_come_is_asked_for_again(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_status_ok, NODES "}");
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, ""), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_THROTTLED, "RequestLimitExceeded"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_DENIED, "UnauthorizedOperation"), STEP_FAILED);
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_AGAIN);
	kinds_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_are_ready_when_both_checks_of_each_are_ok),
		cmocka_unit_test(no_other_word_than_ok_is_taken_for_it_before_its_time),
		cmocka_unit_test(one_that_never_gets_there_makes_the_cluster_short_or_an_atomic_one_fail),
		cmocka_unit_test(one_that_has_ended_or_was_stopped_is_not_waited_for),
		cmocka_unit_test(what_the_checks_say_just_behind_a_reboot_does_not_count),
		cmocka_unit_test(one_that_ec2_does_not_know_keeps_no_other_waiting),
		cmocka_unit_test(an_answer_that_does_not_come_is_asked_for_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
