/* test_step.c - how the answers of AWS are judged by all kinds alike: what may still come, what passes, and what ends at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/step.h"

static void what_is_fresh_may_hide_until_the_wait_is_over(void **state)
{
	CLEANUP(json_close) json_t *fresh = json_pack("{s:b}", "fresh", 1), *old = json_object();
	struct step_ctx x = { .args = fresh };

	(void)state;
	assert_true(step_may_hide(&x));
	x.settled = true; /* the last call is long ago, the first one need not be */
	assert_true(step_may_hide(&x));
	x.patient = true;
	assert_false(step_may_hide(&x));
	x = (struct step_ctx){ .args = old };
	assert_false(step_may_hide(&x));
}

static void a_refusal_is_judged_by_what_aws_surely_did_not_do(void **state)
{
	static const enum step_verdict want[AWS_CLASSES] = {
		[AWS_OK] = STEP_FAILED,       [AWS_THROTTLED] = STEP_AGAIN, [AWS_AMBIGUOUS] = STEP_LOOK,
		[AWS_EXPIRED] = STEP_AGAIN,   [AWS_DENIED] = STEP_FAILED,   [AWS_CAPACITY] = STEP_FAILED,
		[AWS_QUOTA] = STEP_FAILED,    [AWS_NOTFOUND] = STEP_FAILED, [AWS_DUPLICATE] = STEP_FAILED,
		[AWS_CONFLICT] = STEP_FAILED, [AWS_INVALID] = STEP_FAILED,
	};
	struct step_ctx x = { 0 };

	(void)state;
	for (int c = AWS_OK + 1; c < AWS_CLASSES; c++) {
		struct aws_call call = { .class = (enum aws_class)c };
		struct err e = { 0 };

		assert_int_equal(step_judge_refusal(&x, &call, &e), want[c]);
	}
}

static void what_is_not_found_is_gone_only_after_a_look_and_what_is_held_is_waited_for_as_long_as_it_may_linger(void **state)
{
	CLEANUP(json_close) json_t *fresh = json_pack("{s:b}", "fresh", 1), *old = json_object();
	struct step_ctx x = { .args = fresh };
	struct aws_call gone = { .class = AWS_NOTFOUND }, held = { .class = AWS_CONFLICT }, done = { .class = AWS_OK };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(step_judge_gone(&x, &gone, &e), STEP_AGAIN);
	x.args = old;
	assert_int_equal(step_judge_gone(&x, &gone, &e), STEP_LOOK);
	assert_int_equal(step_judge_gone(&x, &held, &e), STEP_AGAIN);
	x.patient = true; /* nobody lets go of it any more */
	assert_int_equal(step_judge_gone(&x, &held, &e), STEP_FAILED);
	assert_int_equal(step_judge_gone(&x, &done, &e), STEP_DONE);
}

/* Every code that says "not there", of a thing that this operation made, of one that it did not make, and when the time is over. */
static void not_there_is_waited_for_only_where_this_operation_made_it(void **state)
{
	static const struct {
		const char *code, *args;
		bool waits;
	} cases[] = {
		{ "InvalidGroup.NotFound", "{\"groups\": [\"sg-old\", \"sg-new\"]}", true },
		{ "InvalidGroup.NotFound", "{\"group_id\": \"sg-new\"}", true },
		{ "InvalidGroup.NotFound", "{\"group_id\": \"sg-old\", \"rule\": {\"group_id\": \"sg-new\"}}", true },
		{ "InvalidGroup.NotFound", "{\"group_id\": \"sg-old\"}", false },
		{ "InvalidInstanceID.NotFound", "{\"instances\": [\"i-old\", \"i-new\"]}", true },
		{ "InvalidInstanceID.NotFound", "{\"instances\": [\"i-old\"]}", false },
		{ "TargetGroupNotFound", "{\"group_arn\": \"arn:tg-new\"}", true },
		{ "TargetGroupNotFound", "{\"group_arn\": \"arn:tg-old\", \"lb_arn\": \"arn:x/net/new/1\"}", false },
		{ "LoadBalancerNotFound", "{\"lb_arn\": \"arn:x/net/new/1\"}", true },
		{ "LoadBalancerNotFound", "{\"name\": \"new\"}", true },
		{ "LoadBalancerNotFound", "{\"name\": \"ne\"}", false },
		{ "ListenerNotFound", "{\"arn\": \"arn:l-new\"}", true },
		{ "ListenerNotFound", "{\"arn\": \"arn:l-old\"}", false },
		{ "SubnetNotFound", "{\"subnet_ids\": [\"sg-new\"]}", false },
		{ "InvalidSubnetID.NotFound", "{\"subnet_id\": \"s\", \"groups\": [\"sg-new\"]}", false },
		{ "InvalidAMIID.NotFound", "{\"groups\": [\"sg-new\"]}", false },
	};
	CLEANUP(json_close)
	json_t *known = json_pack("{s:s, s:[s], s:s, s:s, s:s}", "sg", "sg-new", "nodes", "i-new", "tg", "arn:tg-new", "lb",
				  "arn:x/net/new/1", "l", "arn:l-new");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(json_close) json_t *args = json_loads(cases[i].args, 0, NULL);
		struct step_ctx x = { .args = args, .known = known };
		struct aws_call c = { .class = AWS_NOTFOUND };
		struct err e = { 0 };

		strcpy(c.code, cases[i].code);
		if ((step_judge_refusal(&x, &c, &e) == STEP_AGAIN) != cases[i].waits)
			fail_msg("%s of %s", cases[i].code, cases[i].args);
		x.patient = true;
		assert_int_equal(step_judge_refusal(&x, &c, &e), STEP_FAILED);
	}
}

static void a_protection_ends_at_once_and_says_what_to_do(void **state)
{
	struct step_ctx x = { 0 };
	struct aws_call c = { .class = AWS_INVALID, .code = "OperationNotPermitted" };
	struct err e = { 0 };

	(void)state;
	err_set(&c.err, 0, "TerminateInstances: OperationNotPermitted (HTTP 400): The instance 'i-7' may not be terminated");
	assert_int_equal(step_judge_gone(&x, &c, &e), STEP_FAILED);
	assert_non_null(strstr(e.text, "i-7"));
	assert_non_null(strstr(e.text, "it is protected"));
	assert_non_null(strstr(e.text, "take that off, and send the command again"));
}

static void a_member_that_is_left_out_is_not_asked_for(void **state)
{
	CLEANUP(json_close) json_t *args = json_pack("{s:[s, s, s]}", "instances", "i-1", "i-2", "i-3"), *left = json_object();
	CLEANUP(mem_close) const char **ids = NULL;
	struct step_ctx x = { .args = args, .left = left };
	size_t n = 0;

	(void)state;
	step_leave_out(&x, "i-2", "is gone");
	step_leave_out(&x, "i-2", "is gone twice");
	assert_string_equal(json_str_or(left, "i-2", ""), "is gone");
	assert_int_equal(step_members(&x, "instances", &ids, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(ids[0], "i-1");
	assert_string_equal(ids[1], "i-3");
	assert_true(step_is_left(&x, "i-2") && !step_is_left(&x, "i-1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_fresh_may_hide_until_the_wait_is_over),
		cmocka_unit_test(a_refusal_is_judged_by_what_aws_surely_did_not_do),
		cmocka_unit_test(
		    what_is_not_found_is_gone_only_after_a_look_and_what_is_held_is_waited_for_as_long_as_it_may_linger),
		cmocka_unit_test(not_there_is_waited_for_only_where_this_operation_made_it),
		cmocka_unit_test(a_protection_ends_at_once_and_says_what_to_do),
		cmocka_unit_test(a_member_that_is_left_out_is_not_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
