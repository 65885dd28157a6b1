/* test_kinds_elb_group.c - step kinds of the targets in a group: in, healthy, out. */
#include "tests/unit/ops/kinds.h"

#define TG "arn:tg"
#define TARGETS "{\"group_arn\": \"" TG "\", \"instances\": [\"i-1\", \"i-2\"]}"

static struct elb_target targets[2];
static struct inventory_group group;

static void add_targets(struct kinds *t, size_t n)
{
	targets[0] = (struct elb_target){ .id = "i-1", .state = "healthy", .reason = "" };
	targets[1] = (struct elb_target){ .id = "i-2", .state = "healthy", .reason = "" };
	group = (struct inventory_group){ .g = { .arn = TG, .name = "rv-tg" }, .targets = { targets, n } };
	t->inv->tgs = &group;
	t->inv->tgs_n = 1;
}

static void a_target_is_an_instance_by_its_id_and_nothing_else(void **state)
{
	static const char *const others[] = { "10.0.0.9", "arn:aws:lambda:us-east-1:123456789012:function:f", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		CLEANUP(mem_close)
		char *args = mem_printf("{\"group_arn\": \"arn:tg\", \"instances\": [\"i-1\", \"%s\"]}", others[i]);
		struct form f = { 0 };
		struct err e = { 0 };
		struct kinds t;

		kinds_start(&t, &kind_register, args);
		assert_int_equal(t.k->ask(&t.x, &f, &e), -ERR_INVALID);
		assert_non_null(strstr(e.text, "is no instance id"));
		kinds_end(&t);
	}
}

static void targets_are_registered_when_all_of_them_are(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_register, TARGETS);
	assert_has(kinds_ask(&t), "Targets.member.2.Id=i-2");
	assert_int_equal(kinds_refused(&t, AWS_INVALID, "InvalidTarget"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_AMBIGUOUS, ""), STEP_LOOK);
	add_targets(&t, 1);
	assert_false(kinds_finds(&t));
	add_targets(&t, 2);
	assert_true(kinds_finds(&t));
	targets[1].state = "draining";
	assert_false(kinds_finds(&t));
	kinds_end(&t);
}

static void targets_are_out_when_none_of_them_is_in(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_deregister, TARGETS);
	assert_has(kinds_ask(&t), "Action=DeregisterTargets");
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_LOOK);
	assert_int_equal(kinds_refused(&t, AWS_INVALID, "InvalidTarget"), STEP_DONE);
	add_targets(&t, 2);
	assert_false(kinds_finds(&t));
	targets[0].state = targets[1].state = "draining";
	assert_true(kinds_finds(&t));
	kinds_end(&t);
}

#define HEALTH(id, state) "<member><Target><Id>" id "</Id></Target><TargetHealth><State>" state "</State></TargetHealth></member>"
#define SEEN(members)                                                                                                              \
	"<R><DescribeTargetHealthResult><TargetHealthDescriptions>" members                                                        \
	"</TargetHealthDescriptions></DescribeTargetHealthResult></R>"

static void health_is_waited_for_until_all_are_healthy(void **state)
{
	struct kinds t;

	(void)state;
	kinds_start(&t, &kind_wait_healthy, TARGETS);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy"))), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy") HEALTH("i-2", "initial"))), STEP_AGAIN);
	assert_int_equal(kinds_answered(&t, SEEN(HEALTH("i-1", "healthy") HEALTH("i-2", "healthy"))), STEP_DONE);
	assert_int_equal(kinds_answered(&t, "<R/>"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_NOTFOUND, "TargetGroupNotFound"), STEP_AGAIN);
	assert_int_equal(kinds_refused(&t, AWS_DENIED, "AccessDenied"), STEP_FAILED);
	kinds_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_is_an_instance_by_its_id_and_nothing_else),
		cmocka_unit_test(targets_are_registered_when_all_of_them_are),
		cmocka_unit_test(targets_are_out_when_none_of_them_is_in),
		cmocka_unit_test(health_is_waited_for_until_all_are_healthy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
