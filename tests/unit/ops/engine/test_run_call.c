/* test_run_call.c - what an answer of AWS makes of a step: again, less, or the end. */
#include "tests/unit/ops/shop.h"

/* The journal keeps an intent for each generation, so the token is known before the call. */
static void too_little_room_takes_what_there_is_with_another_token(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->sim->capacity = 1;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 1);
	assert_int_equal(shop_count(s, "RunInstances"), 2);
	assert_string_equal(shop_status(s, &k, m)->note, "short: 1 of 2 nodes in be");
	arena_free(m);
}

static void no_room_at_all_takes_nothing_and_says_capacity(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->sim->capacity = 0;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__CAPACITY);
	assert_int_equal(shop_alive(s), 0);
	arena_free(m);
}

static enum shop_fault always_throttled(struct shop *s, const char *body)
{
	static uint64_t last_ms;
	uint64_t now = world_now_ms(s->d.w);

	if (!str_starts(body, "Action=CreateLoadBalancer&"))
		return SHOP_FINE;
	if (s->broke > 0 && now - last_ms > s->longest_ms)
		s->longest_ms = now - last_ms;
	last_ms = now;
	s->broke++;
	return SHOP_THROTTLED;
}

static void throttling_is_met_with_growing_patience_and_surely_did_nothing(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->break_at = always_throttled;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(ROLLED_BACK));
	assert_in_range(s->broke, 10, 60);
	assert_in_range(s->longest_ms, 5000, 25000);
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__TIMEOUT);
	assert_int_equal(shop_stands(s), 0);
	arena_free(m);
}

static enum shop_fault balancer_denied(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=CreateLoadBalancer&") ? SHOP_DENIED : SHOP_FINE;
}

/* It is AWS that says no, not the customer's policy: what was made is taken back. */
static void a_call_that_aws_denies_is_said_so_and_taken_back(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->break_at = balancer_denied;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(ROLLED_BACK));
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__DENIED_BY_AWS);
	assert_string_equal(shop_status(s, &k, m)->error->aws_code, "AccessDenied");
	assert_int_equal(shop_stands(s), 0);
	arena_free(m);
}

static uint64_t until_ms;

static enum shop_fault changes_are_denied_at_first(struct shop *s, const char *body)
{
	bool reads = str_starts(body, "Action=Describe") || str_starts(body, "Action=AssumeRole") || str_starts(body, "Action=Get");

	if (reads || world_now_ms(s->d.w) >= until_ms)
		return SHOP_FINE;
	s->broke++;
	return SHOP_DENIED;
}

/* What the role may do was attached to it a moment ago, and AWS does not know it everywhere. */
static void a_role_that_was_just_made_is_tried_again_for_two_minutes(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	until_ms = world_now_ms(s->d.w) + 100000;
	s->break_at = changes_are_denied_at_first;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_true(s->broke > 5);
}

static void a_role_that_is_denied_everything_for_two_minutes_is_told_so(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	until_ms = UINT64_MAX;
	s->break_at = changes_are_denied_at_first;
	shop_run(s, &k);
	assert_int_not_equal(shop_ends(s, &k, NULL), DONE);
	assert_in_range(world_now_ms(s->d.w), 120000, 240000);
	assert_int_equal(shop_stands(s), 0);
}

static void a_role_that_cannot_be_assumed_yet_is_tried_again_too(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->sim->role_gone = true;
	shop_run(s, &k);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	s->sim->role_gone = false;
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
}

/* The customer has taken away what the role was allowed: that is a switch, and it is fast; also for the next command, and after a
 * restart. */
static void what_is_taken_away_from_a_role_that_has_worked_is_not_waited_for(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;

	shop_run(s, &one);
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	shop_reopen(s);
	s->k.cluster.nodes = 3;
	until_ms = UINT64_MAX;
	s->break_at = changes_are_denied_at_first;
	shop_apply(s, &two, 2);
	shop_send(s, &two, false);
	assert_int_not_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(s->broke, 1);
}

static bool is_broken_once(void *ctx)
{
	return ((struct shop *)ctx)->broke > 0;
}

/* STOP, and a policy that says no, are asked before each try. */
static void a_policy_that_says_no_ends_the_tries(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	unsigned before;

	until_ms = UINT64_MAX;
	s->break_at = changes_are_denied_at_first;
	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, is_broken_once, s, 600000), SIM_TRUE);
	before = s->broke;
	shop_policy(s, "commands: {warehouse.apply: off}\n");
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	assert_int_equal(s->broke, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(too_little_room_takes_what_there_is_with_another_token),
		SHOP(no_room_at_all_takes_nothing_and_says_capacity),
		SHOP(throttling_is_met_with_growing_patience_and_surely_did_nothing),
		SHOP(a_call_that_aws_denies_is_said_so_and_taken_back),
		SHOP(a_role_that_was_just_made_is_tried_again_for_two_minutes),
		SHOP(a_role_that_is_denied_everything_for_two_minutes_is_told_so),
		SHOP(a_role_that_cannot_be_assumed_yet_is_tried_again_too),
		SHOP(what_is_taken_away_from_a_role_that_has_worked_is_not_waited_for),
		SHOP(a_policy_that_says_no_ends_the_tries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
