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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(too_little_room_takes_what_there_is_with_another_token),
		SHOP(no_room_at_all_takes_nothing_and_says_capacity),
		SHOP(throttling_is_met_with_growing_patience_and_surely_did_nothing),
		SHOP(a_call_that_aws_denies_is_said_so_and_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
