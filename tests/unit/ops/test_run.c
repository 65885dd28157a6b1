/* test_run.c - the engine: looks before it repeats, takes back before the pivot, asks anew before each change. */
#include "tests/unit/ops/shop.h"

/* ---- faults ---- */

static int once(struct shop *s, const char *body, const char *action, int how)
{
	CLEANUP(mem_close) char *start = mem_printf("Action=%s&", action);

	if (!str_starts(body, start) || s->broke > 0)
		return 0;
	s->broke++;
	return how;
}

static int launch_never_arrives(struct shop *s, const char *body)
{
	return once(s, body, "RunInstances", 1);
}

static int group_never_arrives(struct shop *s, const char *body)
{
	return once(s, body, "CreateSecurityGroup", 1);
}

static int registration_dies(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=RegisterTargets&") ? 1 : 0;
}

static int listener_dies(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=CreateListener&") ? 1 : 0;
}

static void run_apply(struct shop *s, struct desk_command *k)
{
	shop_apply(s, k, 1);
	shop_send(s, k, false);
}

static void a_call_that_never_arrived_is_repeated_with_the_same_token(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = launch_never_arrives;
	run_apply(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(s->broke, 1);
	assert_int_equal(s->sim->launches_n, 1);
	assert_int_equal(shop_alive(s), 2);
}

static void a_group_that_was_never_made_is_made_after_looking(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = group_never_arrives;
	run_apply(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_count(s, "CreateSecurityGroup"), 1);
}

/* The journal keeps an intent for each generation, so the token is known before the call. */
static void too_little_room_takes_what_there_is_with_another_token(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->sim->capacity = 1;
	run_apply(s, &k);
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
	run_apply(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__CAPACITY);
	assert_int_equal(shop_alive(s), 0);
	arena_free(m);
}

static unsigned there(const struct shop *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->sim->groups_n; i++)
		n += aws_is_there(s->sim, &s->sim->groups[i]->t) && aws_tag_of(&s->sim->groups[i]->t, "reeve:command") != NULL;
	for (size_t i = 0; i < s->sim->tgs_n; i++)
		n += aws_is_there(s->sim, &s->sim->tgs[i]->t);
	for (size_t i = 0; i < s->sim->lbs_n; i++)
		n += aws_is_there(s->sim, &s->sim->lbs[i]->t);
	return n;
}

/* Whether the listener was made cannot be known while every answer is lost: that ends loud, and nothing is undone blindly. */
static void a_call_without_an_answer_to_the_end_is_indeterminate(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	s->break_at = listener_dies;
	run_apply(s, &k);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(INDETERMINATE));
	assert_non_null(strstr(message, "did not come through within"));
	assert_true(there(s) > 0);
}

static void behind_the_pivot_nodes_are_kept(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = registration_dies;
	run_apply(s, &k);
	assert_int_not_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 2);
}

static bool has_launched(void *ctx)
{
	return shop_count(ctx, "CreateLoadBalancer") > 0;
}

static void a_cancel_before_the_pivot_takes_everything_back(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	run_apply(s, &k);
	assert_int_equal(sim_run_until(s->d.w, has_launched, s, 600000), SIM_TRUE);
	ops_cancel(s->d.ops, k.id);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_int_equal(there(s), 0);
	assert_int_equal(shop_alive(s), 0);
}

static void a_policy_that_says_no_on_the_way_stops_the_next_change(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];
	size_t before;

	run_apply(s, &k);
	assert_int_equal(sim_run_until(s->d.w, has_launched, s, 600000), SIM_TRUE);
	shop_policy(s, "commands: {warehouse.apply: off}\n");
	before = s->seen.len;
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_int_equal(s->seen.len, before);
	assert_non_null(strstr(message, "the policy now says off"));
}

static void stop_holds_the_next_change_and_mode_off_too(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	size_t before;

	run_apply(s, &k);
	assert_int_equal(sim_run_until(s->d.w, has_launched, s, 600000), SIM_TRUE);
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

/* A stop at any moment, a start, and the same end: no node twice, none lost. */
static void a_restart_at_any_moment_goes_on_where_the_journal_says(void **state)
{
	(void)state;
	for (uint64_t ms = 50; ms < 60000; ms += ms / 3 + 20) {
		struct desk_command k;
		void *mine;
		struct shop *s;

		shop_start(&mine);
		s = mine;
		run_apply(s, &k);
		sim_run_until(s->d.w, NULL, NULL, ms);
		desk_shut(&s->d);
		shop_open(s);
		assert_int_equal(shop_ends(s, &k, NULL), DONE);
		assert_int_equal(shop_alive(s), 2);
		assert_int_equal(s->sim->launches_n, 1);
		shop_end(&mine);
	}
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
		SHOP(a_call_that_never_arrived_is_repeated_with_the_same_token),
		SHOP(a_group_that_was_never_made_is_made_after_looking),
		SHOP(too_little_room_takes_what_there_is_with_another_token),
		SHOP(no_room_at_all_takes_nothing_and_says_capacity),
		SHOP(a_call_without_an_answer_to_the_end_is_indeterminate),
		SHOP(behind_the_pivot_nodes_are_kept),
		SHOP(a_cancel_before_the_pivot_takes_everything_back),
		SHOP(a_policy_that_says_no_on_the_way_stops_the_next_change),
		SHOP(stop_holds_the_next_change_and_mode_off_too),
		cmocka_unit_test(a_restart_at_any_moment_goes_on_where_the_journal_says),
		cmocka_unit_test(a_token_is_one_of_a_kind_and_needs_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
