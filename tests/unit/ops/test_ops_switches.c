/* test_ops_switches.c - what the customer switches, and what the agent says of it. */
#include "agent/ops/ops_impl.h"
#include "tests/unit/ops/shop.h"

static void the_mode_says_what_the_customer_has_switched(void **state)
{
	struct shop *s = *state;

	desk_settle(&s->d);
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

	desk_settle(&s->d);
	sim_file_link(s->d.w, "/etc/reeve/STOP", "/etc/reeve/none");
	assert_true(ops_is_stopped(s->d.ops, &why));
	assert_string_equal(why, "the STOP file stands");
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_false(ops_is_stopped(s->d.ops, &why));
	sim_dir_make(s->d.w, "/etc/reeve/STOP");
	assert_true(ops_is_stopped(s->d.ops, &why));
}

static const char *stopped(struct shop *s)
{
	const char *why = "";

	ops_policy_read(s->d.ops);
	return ops_is_stopped(s->d.ops, &why) ? why : "";
}

static void a_policy_that_cannot_be_read_stops_and_only_the_customer_is_told_its_content(void **state)
{
	struct shop *s = *state;

	desk_settle(&s->d);
	assert_string_equal(stopped(s), "");
	shop_policy(s, "not: a policy\n");
	for (int i = 0; i < 2; i++) {
		assert_string_equal(stopped(s), "/etc/reeve/policy.yaml cannot be read, line 1: reeve check-config on the agent's "
						"machine says why");
		assert_string_equal(ops_mode_told(s->d.ops), stopped(s));
		assert_non_null(strstr(ops_mode_reason(s->d.ops), "is not known"));
		desk_settle(&s->d);
	}
	shop_policy(s, SHOP_POLICY);
	assert_string_not_equal(stopped(s), "");
	desk_settle(&s->d);
	assert_string_equal(stopped(s), "");
}

/* What the second look must see; the first is at 0. */
static void a_changed_policy_counts_once_two_looks_a_second_apart_see_the_same(void **state)
{
	static const char other[] = "commands: {warehouse.apply: off}\n";
	struct shop *s = *state;
	struct digest d = digest_of(other, strlen(other));

	desk_settle(&s->d);
	shop_policy(s, other);
	for (int i = 0; i < 4; i++) { /* whoever looks more often sees no more */
		assert_false(digest_eq(&ops_policy_read(s->d.ops)->digest, &d));
		desk_pass(&s->d, 240);
	}
	desk_pass(&s->d, 100);
	assert_true(digest_eq(&ops_policy_read(s->d.ops)->digest, &d));
	shop_policy(s, SHOP_POLICY);
	assert_true(digest_eq(&ops_policy_read(s->d.ops)->digest, &d));
	shop_policy(s, other); /* back to what counts: at once */
	assert_string_equal(stopped(s), "");
}

static void mode_off_counts_at_the_first_look_also_at_the_start(void **state)
{
	struct shop *s = *state;

	assert_int_equal(ops_mode(s->d.ops), REEVE__CONTROL__V1__AGENT_MODE__STARTING);
	assert_false(ops_is_ready(s->d.ops));
	shop_policy(s, SHOP_POLICY "mode: off\n");
	shop_reopen(s);
	assert_string_equal(stopped(s), "the policy says mode: off");
	assert_int_equal(ops_mode(s->d.ops), REEVE__CONTROL__V1__AGENT_MODE__FROZEN);
	desk_settle(&s->d);
	assert_true(ops_is_ready(s->d.ops));
	shop_policy(s, SHOP_POLICY); /* and going on takes the second look */
	assert_string_equal(stopped(s), "the policy says mode: off");
	desk_settle(&s->d);
	assert_string_equal(stopped(s), "");
}

/* The rules by which logs leave are a policy's, too, and half of it may be valid. */
static void nothing_is_a_policy_yet_at_the_first_look_of_a_life(void **state)
{
	struct shop *s = *state;

	assert_false(ops_policy_read(s->d.ops)->present);
	assert_string_equal(stopped(s), "the policy was read for the first time: it counts once it is the same for a second");
	desk_settle(&s->d);
	assert_true(ops_policy_read(s->d.ops)->present);
}

static void a_start_without_a_policy_that_counts_is_logged_with_the_reason(void **state)
{
	static const char *const texts[] = { NULL, "not: a policy\n", "" };
	struct shop *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		shop_listen(s);
		if (texts[i] == NULL)
			sim_file_unlink(s->d.w, "/etc/reeve/policy.yaml");
		else
			shop_policy(s, texts[i]);
		shop_reopen(s);
		desk_settle(&s->d);
		assert_true(ops_is_ready(s->d.ops));
		assert_int_equal(ops_mode(s->d.ops), REEVE__CONTROL__V1__AGENT_MODE__NO_POLICY);
		assert_non_null(strstr(buf_str(&s->log), "policy.none err=\"/etc/reeve/policy.yaml"));
	}
	shop_listen(s);
	shop_policy(s, SHOP_POLICY);
	sim_file_ours(s->d.w, "/etc/reeve/policy.yaml", true);
	shop_reopen(s);
	desk_settle(&s->d);
	assert_non_null(
	    strstr(buf_str(&s->log), "policy.none err=\"/etc/reeve/policy.yaml can be written by the agent's own user"));
}

static void a_policy_that_changes_while_the_list_closes_is_not_looked_at_again(void **state)
{
	struct shop *s = *state;

	desk_settle(&s->d);
	inbox_close(&s->d.in);
	ops_close(s->d.ops, desk_closed, &s->d);
	shop_policy(s, "mode: off\n");
	ops_policy_read(s->d.ops);
	shop_wait(s);
	desk_pass(&s->d, 10000);
	journal_close(s->d.j, desk_closed, &s->d);
	shop_wait(s);
	shop_open(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_policy_that_changes_while_the_list_closes_is_not_looked_at_again),
		SHOP(the_mode_says_what_the_customer_has_switched),
		SHOP(a_stop_that_is_a_link_to_nothing_or_a_folder_is_a_stop),
		SHOP(a_policy_that_cannot_be_read_stops_and_only_the_customer_is_told_its_content),
		SHOP(a_changed_policy_counts_once_two_looks_a_second_apart_see_the_same),
		SHOP(mode_off_counts_at_the_first_look_also_at_the_start),
		SHOP(nothing_is_a_policy_yet_at_the_first_look_of_a_life),
		SHOP(a_start_without_a_policy_that_counts_is_logged_with_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
