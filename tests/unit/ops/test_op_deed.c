/* test_op_deed.c - commands without steps: what only looks waits for nobody, needs no role, and is cancelled, late, stopped and
 * restarted as any other. */
#include "tests/unit/ops/looking.h"

static size_t nodes_in(const json_t *j)
{
	const json_t *w = json_array_get(json_object_get(j, "warehouses"), 0);
	const json_t *c = json_array_get(json_object_get(w, "clusters"), 0);

	return json_array_size(json_object_get(c, "nodes"));
}

static unsigned roles; /* how often the operate role was asked for */

static enum shop_fault count_roles(struct shop *s, const char *body)
{
	(void)s;
	roles += strstr(body, "Action=AssumeRole&") != NULL;
	return SHOP_FINE;
}

static enum shop_fault no_look(struct shop *s, const char *body)
{
	(void)s;
	return strstr(body, "Action=Describe") != NULL ? SHOP_SLOW : SHOP_FINE;
}

static void stand(struct shop *s)
{
	struct desk_command k;

	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	buf_reset(&s->seen);
}

static void an_inventory_is_brought_whole_and_without_the_operate_role(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	CLEANUP(json_close) json_t *j = NULL;

	stand(s);
	roles = 0;
	s->break_at = count_roles;
	looking_send(s, &k, 2, "");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	j = looking_at(s, &k);
	assert_string_equal(json_str_or(j, "installation", ""), "inst-1");
	assert_string_equal(json_str_or(j, "account", ""), "123456789012");
	assert_int_equal(nodes_in(j), 2);
	assert_false(json_is_true(json_object_get(j, "truncated")));
	assert_int_equal(s->seen.len, 0);
	assert_int_equal(roles, 0);
}

static void one_warehouse_is_told_without_the_others(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	CLEANUP(json_close) json_t *one = NULL, *other = NULL;

	stand(s);
	looking_send(s, &k, 2, "wh-1");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	one = looking_at(s, &k);
	assert_int_equal(nodes_in(one), 2);
	looking_send(s, &k, 3, "wh-2");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	other = looking_at(s, &k);
	assert_int_equal(json_array_size(json_object_get(other, "warehouses")), 0);
}

/* The apply that runs is not waited for, and the one behind waits for the apply alone. */
static void a_look_waits_behind_no_command_of_its_warehouse_and_none_waits_behind_it(void **state)
{
	struct shop *s = *state;
	struct desk_command apply, look, second;
	struct arena *m = arena_new_sized(8u << 20);

	s->sim->least_up_s = s->sim->most_up_s = 120;
	shop_run(s, &apply);
	assert_true(shop_until(s, &apply, STATE_OF(RUNNING), 60000));
	looking_send(s, &look, 2, "wh-1");
	assert_int_equal(shop_ends(s, &look, NULL), DONE);
	assert_int_equal(shop_status(s, &apply, m)->state, STATE_OF(RUNNING));
	s->break_at = no_look;
	looking_send(s, &look, 3, "wh-1");
	shop_delete(&second, 4);
	shop_send(s, &second, false);
	assert_null(strstr(shop_status(s, &second, m)->note, "inventory.get"));
	assert_non_null(strstr(shop_status(s, &second, m)->note, "waits for warehouse.apply"));
	arena_free(m);
}

static void a_look_that_has_not_ended_holds_no_command_up(void **state)
{
	struct shop *s = *state;
	struct desk_command look, apply;

	shop_policy_counts(s, "commands: {inventory.get: approve}\n");
	looking_send(s, &look, 1, "wh-1");
	assert_true(shop_until(s, &look, STATE_OF(WAIT_APPROVAL), 60000));
	shop_apply(s, &apply, 2);
	shop_send(s, &apply, false);
	assert_int_equal(shop_ends(s, &apply, NULL), STATE_OF(DENIED));
	assert_true(shop_until(s, &look, STATE_OF(WAIT_APPROVAL), 0));
}

/* The start of a look does not make the plans of others stale: they would be made anew for each one. */
static void a_look_makes_no_plan_stale(void **state)
{
	struct shop *s = *state;
	struct desk_command look;
	uint64_t starts = ops_shared(s->d.ops)->starts;

	looking_send(s, &look, 1, "");
	assert_int_equal(shop_ends(s, &look, NULL), DONE);
	assert_int_equal(ops_shared(s->d.ops)->starts, starts);
}

static void under_stop_and_mode_off_a_look_goes_on(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	looking_send(s, &k, 1, "");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	shop_policy_counts(s, "mode: off\n");
	looking_send(s, &k, 2, "");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
}

static void the_policy_has_the_last_word_on_a_look_too(void **state)
{
	static const struct {
		const char *mode;
		int ends; /* ANY_END: it waits */
		const char *says;
	} cases[] = {
		{ "off", STATE_OF(DENIED), "the policy says off for inventory.get" },
		{ "plan-only", STATE_OF(DENIED), "the policy says plan-only for inventory.get" },
		{ "auto", DONE, "" },
		{ "approve", ANY_END, "" },
	};
	struct shop *s = *state;

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(mem_close) char *policy = mem_printf("commands: {inventory.get: %s}\n", cases[i].mode);
		struct desk_command k;
		char message[512];

		shop_policy_counts(s, policy);
		looking_send(s, &k, i + 1, "");
		if (cases[i].ends == ANY_END) {
			assert_true(shop_until(s, &k, STATE_OF(WAIT_APPROVAL), 60000));
			continue;
		}
		assert_int_equal(shop_ends(s, &k, message), cases[i].ends);
		assert_string_equal(message, cases[i].says);
		assert_int_equal(looking_has_file(s, &k), cases[i].ends == DONE);
	}
}

/* Nothing may leave without a policy, and what there is in the account would. */
static void without_a_policy_a_look_waits(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_policy_counts(s, "commands: {nonsense: auto}\n");
	looking_send(s, &k, 1, "");
	assert_false(shop_until(s, &k, ANY_END, 60000));
	shop_policy_counts(s, SHOP_POLICY);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
}

static void a_plan_of_a_look_says_what_it_would_do_and_looks_at_nothing(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	looking_command(&k, 1, "");
	k.c.mode = REEVE__CONTROL__V1__MODE__PLAN;
	s->break_at = no_look;
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_non_null(strstr(shop_status(s, &k, m)->plan_text, "It looks at the account and tells the vendor what there is."));
	assert_null(strstr(shop_status(s, &k, m)->plan_text, "Nothing to do"));
	assert_null(shop_status(s, &k, m)->output);
	assert_false(looking_has_file(s, &k));
	arena_free(m);
}

static void a_look_that_hangs_is_cancelled_or_ends_at_its_deadline(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	char message[512];
	uint64_t since_ms;

	s->break_at = no_look;
	looking_command(&k, 1, "");
	shop_send(s, &k, false);
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	ops_cancel(s->d.ops, k.id);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(CANCELLED));
	assert_false(looking_has_file(s, &k));
	looking_command(&k, 2, "");
	k.c.deadline_s = 7;
	shop_send(s, &k, false);
	since_ms = world_now_ms(s->d.w);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_true(world_now_ms(s->d.w) - since_ms < 10000);
	assert_string_equal(message, "the command's deadline of 7 s is over");
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__TIMEOUT);
	arena_free(m);
}

static void a_restart_at_any_time_brings_the_result_and_its_bytes(void **state)
{
	(void)state;
	for (unsigned wait_ms = 0; wait_ms < 20000; wait_ms = wait_ms * 3 / 2 + 1) {
		struct desk_command k;
		struct shop *s;
		json_t *j;
		void *mine;

		shop_start(&mine);
		s = mine;
		stand(s);
		looking_command(&k, 2, "");
		shop_send(s, &k, false);
		sim_run_until(s->d.w, NULL, NULL, wait_ms);
		shop_reopen(s);
		assert_int_equal(shop_ends(s, &k, NULL), DONE);
		shop_reopen(s);
		desk_pass(&s->d, 3000); /* the sweep of the start leaves it alone */
		j = looking_at(s, &k);
		assert_int_equal(nodes_in(j), 2);
		json_decref(j);
		shop_end(&mine);
	}
}

static enum shop_fault deny_looks(struct shop *s, const char *body)
{
	(void)s;
	return strstr(body, "Action=DescribeInstances&") != NULL ? SHOP_ENCODED : SHOP_FINE;
}

static void a_look_that_aws_denies_says_so(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->answer = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
	s->break_at = deny_looks;
	looking_send(s, &k, 1, "");
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__DENIED_BY_AWS);
	assert_string_equal(shop_status(s, &k, m)->error->action, "ec2:DescribeInstances");
	assert_null(shop_status(s, &k, m)->output);
	arena_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(an_inventory_is_brought_whole_and_without_the_operate_role),
		SHOP(one_warehouse_is_told_without_the_others),
		SHOP(a_look_waits_behind_no_command_of_its_warehouse_and_none_waits_behind_it),
		SHOP(a_look_that_has_not_ended_holds_no_command_up),
		SHOP(a_look_makes_no_plan_stale),
		SHOP(under_stop_and_mode_off_a_look_goes_on),
		SHOP(the_policy_has_the_last_word_on_a_look_too),
		SHOP(without_a_policy_a_look_waits),
		SHOP(a_plan_of_a_look_says_what_it_would_do_and_looks_at_nothing),
		SHOP(a_look_that_hangs_is_cancelled_or_ends_at_its_deadline),
		cmocka_unit_test(a_restart_at_any_time_brings_the_result_and_its_bytes),
		SHOP(a_look_that_aws_denies_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
