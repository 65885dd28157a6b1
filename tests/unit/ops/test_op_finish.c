/* test_op_finish.c - what a result tells of the plans of an operation: the worst of them, and what was done and what was not. */
#include "tests/unit/ops/shop.h"

static const char off[] = "commands: {warehouse.apply: off}\n";

static enum shop_fault policy_goes_with_the_group(struct shop *s, const char *body)
{
	if (str_starts(body, "Action=CreateSecurityGroup&") && s->broke++ == 0)
		shop_policy(s, off);
	return SHOP_FINE;
}

static Reeve__Control__V1__Status *ended(struct shop *s, struct arena *m, int state)
{
	struct desk_command k;

	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), state);
	return shop_status(s, &k, m);
}

/* Denied by the policy on its way: nothing is taken back, for that is denied as well. */
static void a_plan_that_stops_half_way_names_four_of_those_that_were_not_begun(void **state)
{
	struct arena *m = arena_new_sized(8u << 20);
	struct shop *s = *state;
	const Reeve__Control__V1__Status *st;
	unsigned commas = 0;

	s->break_at = policy_goes_with_the_group;
	st = ended(s, m, STATE_OF(FAILED));
	assert_true(str_starts(st->note, "not done: "));
	assert_true(str_ends(st->note, " and 6 more"));
	for (const char *at = st->note; (at = strchr(at, ',')) != NULL; at++)
		commas++;
	assert_int_equal(commas, 3);
	assert_int_equal(st->n_created, 1);
	arena_free(m);
}

static enum shop_fault group_is_denied(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=CreateTargetGroup&") ? SHOP_DENIED : SHOP_FINE;
}

/* Beside it the base plan has ended well, and what that has made stays. */
static void a_plan_that_is_taken_back_names_nothing_that_it_did_not_begin(void **state)
{
	struct arena *m = arena_new_sized(8u << 20);
	struct shop *s = *state;

	s->break_at = group_is_denied;
	assert_string_equal(ended(s, m, STATE_OF(ROLLED_BACK))->note, "");
	arena_free(m);
}

static enum shop_fault launch_is_denied(struct shop *s, const char *body)
{
	s->answer = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
	return str_starts(body, "Action=RunInstances&") ? SHOP_ENCODED : SHOP_FINE;
}

static void what_is_rolled_back_beside_what_stays_is_a_failure(void **state)
{
	struct arena *m = arena_new_sized(8u << 20);
	struct shop *s = *state;
	const Reeve__Control__V1__Status *st;

	s->break_at = launch_is_denied;
	st = ended(s, m, STATE_OF(FAILED));
	assert_string_equal(st->note, "");
	assert_string_equal(st->error->action, "ec2:RunInstances");
	assert_int_equal(shop_alive(s), 0);
	assert_true(st->n_created > 0);
	arena_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_plan_that_stops_half_way_names_four_of_those_that_were_not_begun),
		SHOP(a_plan_that_is_taken_back_names_nothing_that_it_did_not_begin),
		SHOP(what_is_rolled_back_beside_what_stays_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
