/* test_run.c - the engine: asks anew before each change, takes what there is, holds under STOP. */
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

static void stop_holds_the_next_change_and_mode_off_too(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	size_t before;

	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, shop_made_a_balancer, s, 600000), SIM_TRUE);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	before = s->seen.len;
	sim_run_until(s->d.w, NULL, NULL, 120000);
	assert_int_equal(s->seen.len, before);
	shop_policy(s, SHOP_POLICY "mode: off\n");
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	sim_run_until(s->d.w, NULL, NULL, 120000);
	assert_int_equal(s->seen.len, before);
	shop_policy(s, SHOP_POLICY);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
}

static void a_token_is_one_of_a_kind_and_needs_no_memory(void **state)
{
	struct run_env env = { .owner = { "velodb", "inst-1" }, .command = "c-1" };
	char a[53], b[53];

	(void)state;
	run_token(&env, "cluster-be", "launch", 1, a);
	run_token(&env, "cluster-be", "launch", 1, b);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), 52);
	assert_int_equal(strspn(a, "abcdefghijklmnopqrstuvwxyz234567"), 52);
	run_token(&env, "cluster-be", "launch", 2, b);
	assert_string_not_equal(a, b);
	run_token(&env, "cluster-fe", "launch", 1, b);
	assert_string_not_equal(a, b);
	env.command = "c-2";
	run_token(&env, "cluster-be", "launch", 1, b);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(too_little_room_takes_what_there_is_with_another_token),
		SHOP(no_room_at_all_takes_nothing_and_says_capacity),
		SHOP(stop_holds_the_next_change_and_mode_off_too),
		cmocka_unit_test(a_token_is_one_of_a_kind_and_needs_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
