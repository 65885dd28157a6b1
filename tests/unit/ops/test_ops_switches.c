/* test_ops_switches.c - what the customer switches, and what the agent says of it. */
#include "tests/unit/ops/shop.h"

static void the_mode_says_what_the_customer_has_switched(void **state)
{
	struct shop *s = *state;

	assert_int_equal(ops_mode(s->d.ops), REEVE__CONTROL__V1__AGENT_MODE__RUN);
	assert_string_equal(ops_mode_reason(s->d.ops), "");
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	assert_int_equal(ops_mode(s->d.ops), REEVE__CONTROL__V1__AGENT_MODE__FROZEN);
	assert_string_equal(ops_mode_reason(s->d.ops), "the STOP file stands");
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	shop_policy(s, SHOP_POLICY "mode: off\n");
	ops_policy_read(s->d.ops);
	assert_int_equal(ops_mode(s->d.ops), REEVE__CONTROL__V1__AGENT_MODE__FROZEN);
	sim_file_unlink(s->d.w, "/etc/reeve/policy.yaml");
	ops_policy_read(s->d.ops);
	assert_int_equal(ops_mode(s->d.ops), REEVE__CONTROL__V1__AGENT_MODE__NO_POLICY);
	assert_non_null(strstr(ops_mode_reason(s->d.ops), "policy.yaml"));
}

static void a_stop_that_is_a_link_to_nothing_or_a_folder_is_a_stop(void **state)
{
	struct shop *s = *state;
	const char *why = "";

	sim_file_link(s->d.w, "/etc/reeve/STOP", "/etc/reeve/none");
	assert_true(ops_is_stopped(s->d.ops, &why));
	assert_string_equal(why, "the STOP file stands");
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_false(ops_is_stopped(s->d.ops, &why));
	sim_dir_make(s->d.w, "/etc/reeve/STOP");
	assert_true(ops_is_stopped(s->d.ops, &why));
}

static void a_policy_that_cannot_be_read_stops(void **state)
{
	struct shop *s = *state;
	const char *why;

	assert_false(ops_is_stopped(s->d.ops, &why));
	sim_file_puts(s->d.w, "/etc/reeve/policy.yaml", "not: a policy\n");
	ops_policy_read(s->d.ops);
	assert_true(ops_is_stopped(s->d.ops, &why));
	assert_non_null(strstr(why, "is not known"));
	shop_policy(s, SHOP_POLICY);
	ops_policy_read(s->d.ops);
	assert_false(ops_is_stopped(s->d.ops, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(the_mode_says_what_the_customer_has_switched),
		SHOP(a_stop_that_is_a_link_to_nothing_or_a_folder_is_a_stop),
		SHOP(a_policy_that_cannot_be_read_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
