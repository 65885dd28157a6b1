/* test_run.c - the engine: asks anew before each change, also when AWS has throttled the last one; holds under STOP. */
#include "agent/ops/engine/run.h"
#include "tests/unit/ops/shop.h"

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

static enum shop_fault throttled(struct shop *s, const char *body)
{
	if (!str_starts(body, "Action=CreateLoadBalancer&"))
		return SHOP_FINE;
	if (s->broke++ == 0)
		sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	return SHOP_THROTTLED;
}

/* A throttled change is not sent again behind the customer's back. */
static void a_throttled_change_asks_again_before_it_is_repeated(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = throttled;
	shop_run(s, &k);
	sim_run_until(s->d.w, NULL, NULL, 120000);
	assert_int_equal(s->broke, 1);
	s->break_at = NULL;
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_count(s, "CreateLoadBalancer"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_throttled_change_asks_again_before_it_is_repeated),
		SHOP(stop_holds_the_next_change_and_mode_off_too),
		cmocka_unit_test(a_token_is_one_of_a_kind_and_needs_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
