/* test_kinds_elb_undo.c - what a plan that is taken back waits for: it serves again, it has left; and neither holds up the taking
 * back for ever. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"

#define TARGETS "{\"group_arn\": \"arn:tg\", \"instances\": [\"i-1\", \"i-2\"]}"
#define HEALTH(id, state) "<member><Target><Id>" id "</Id></Target><TargetHealth><State>" state "</State></TargetHealth></member>"
#define UNUSED(id, reason)                                                                                                         \
	"<member><Target><Id>" id "</Id></Target><TargetHealth><State>unused</State><Reason>" reason                               \
	"</Reason></TargetHealth></member>"
#define SEEN(members)                                                                                                              \
	"<R><DescribeTargetHealthResult><TargetHealthDescriptions>" members                                                        \
	"</TargetHealthDescriptions></DescribeTargetHealthResult></R>"
#define BOTH(state) SEEN(HEALTH("i-1", state) HEALTH("i-2", state))

static void one_that_was_let_in_again_is_waited_for_until_it_serves(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_serving, TARGETS);
	assert_has(kinds_ask(&t), "Action=DescribeTargetHealth");
	assert_int_equal(kinds_answered(&t, BOTH("healthy")), STEP_DONE);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy") HEALTH("i-2", "initial"))), STEP_AGAIN);
	assert_string_equal(t.e.text, "i-2 is initial");
	assert_int_equal(kinds_answered(&t, BOTH("unhealthy")), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN("")), STEP_AGAIN); /* not shown yet */
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_DONE);
	t.x.patient = true;
	/* No listener leads there, so nobody serves. */
	assert_int_equal(kinds_answered(&t, SEEN(UNUSED("i-1", "Target.NotInUse"))), STEP_DONE);
	assert_int_equal(json_object_size(t.x.left), 0);
	kinds_end(&t);
}

static void one_that_ended_meanwhile_is_left_out_for_it_does_not_serve(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_serving, TARGETS);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy"))), STEP_AGAIN);
	t.x.patient = true;
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy"))), STEP_DONE);
	assert_int_equal(json_object_size(t.x.left), 1);
	assert_string_equal(json_str_or(t.x.left, "i-2", ""), "does not serve again (not registered)");
	kinds_end(&t);
}

static void one_that_was_taken_out_is_waited_for_until_it_has_left(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_left, TARGETS);
	assert_int_equal(kinds_answered(&t, BOTH("draining")), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, BOTH("healthy")), STEP_AGAIN); /* as it was before the call */
	assert_int_equal(kinds_answered(&t, SEEN("")), STEP_DONE);
	assert_int_equal(kinds_answered(&t, BOTH("unused")), STEP_DONE);
	t.x.patient = true;
	assert_int_equal(kinds_answered(&t, BOTH("draining")), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, BOTH("healthy")), STEP_DONE); /* somebody has let it in again */
	kinds_end(&t);
}

static void who_has_not_left_when_the_time_is_over_is_told(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_left, TARGETS);
	t.x.age_ms = 599999;
	assert_int_equal(kinds_refused(&t, AWS_DENIED, "AccessDenied"), STEP_AGAIN);
	t.x.age_ms++;
	assert_int_equal(kinds_refused(&t, AWS_DENIED, "AccessDenied"), STEP_DONE);
	assert_has(kinds_note(&t), "taken back all the same: AWS does not tell");
	buf_reset(&t.note);
	assert_int_equal(kinds_answered(&t, BOTH("draining")), STEP_DONE);
	assert_has(kinds_note(&t), "taken back all the same: i-1 is draining, i-2 is draining");
	kinds_end(&t);
}

static void who_does_not_serve_when_the_time_is_over_is_left_out(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_serving, TARGETS);
	t.x.age_ms = 299999;
	assert_int_equal(kinds_refused(&t, AWS_DENIED, "AccessDenied"), STEP_AGAIN);
	assert_int_equal(json_object_size(t.x.left), 0);
	t.x.age_ms++;
	assert_int_equal(kinds_refused(&t, AWS_DENIED, "AccessDenied"), STEP_DONE);
	assert_string_equal(json_str_or(t.x.left, "i-1", ""), "does not serve again (AWS does not tell)");
	kinds_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_was_let_in_again_is_waited_for_until_it_serves),
		cmocka_unit_test(one_that_was_taken_out_is_waited_for_until_it_has_left),
		cmocka_unit_test(one_that_ended_meanwhile_is_left_out_for_it_does_not_serve),
		cmocka_unit_test(who_has_not_left_when_the_time_is_over_is_told),
		cmocka_unit_test(who_does_not_serve_when_the_time_is_over_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
