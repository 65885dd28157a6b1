/* test_kinds_elb_undo.c - what a plan that is taken back waits for: it serves again, it has left; and neither holds up the taking
 * back for ever. */
#include "tests/unit/ops/kinds.h"
#include "agent/ops/steps/catalogue.h"

#define TARGETS "{\"group_arn\": \"arn:tg\", \"instances\": [\"i-1\", \"i-2\"]}"
#define HEALTH(id, state) "<member><Target><Id>" id "</Id></Target><TargetHealth><State>" state "</State></TargetHealth></member>"
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
	assert_int_equal(kinds_answered(&t, BOTH("unused")), STEP_DONE); /* nobody serves there */
	assert_int_equal(kinds_answered(&t, SEEN("")), STEP_DONE);
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

static void the_taking_back_goes_on_when_their_time_is_over_and_says_so(void **state)
{
	const struct step_kind *const both[] = { &kind_wait_serving, &kind_wait_left };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		struct kinds t;

		kinds_start(&t, both[i], TARGETS);
		t.x.age_ms = both[i]->deadline_s * 1000 / 2 - 1;
		assert_int_equal(kinds_refused(&t, AWS_DENIED, "AccessDenied"), STEP_AGAIN);
		t.x.age_ms++;
		assert_int_equal(kinds_refused(&t, AWS_DENIED, "AccessDenied"), STEP_DONE);
		assert_has(kinds_note(&t), "taken back all the same: AWS does not tell");
		buf_reset(&t.note);
		assert_int_equal(kinds_answered(&t, BOTH("draining")), STEP_DONE);
		assert_has(kinds_note(&t), "taken back all the same: i-1 is draining, i-2 is draining");
		kinds_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_was_let_in_again_is_waited_for_until_it_serves),
		cmocka_unit_test(one_that_was_taken_out_is_waited_for_until_it_has_left),
		cmocka_unit_test(the_taking_back_goes_on_when_their_time_is_over_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
