/* test_op.c - one operation, from acceptance to its end: what lets it start, what ends it before, and that it says why. */
#include "tests/unit/ops/shop.h"

static void an_apply_is_planned_started_and_carried_out(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(shop_count(s, "RunInstances"), 1);
	assert_string_equal(s->odds.broken, "");
}

static void a_plan_alone_changes_nothing_and_is_told(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	shop_apply(s, &k, 1);
	k.c.mode = REEVE__CONTROL__V1__MODE__PLAN;
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_non_null(strstr(shop_status(s, &k, m)->plan_text, "2 x r6i.xlarge"));
	assert_int_equal(s->seen.len, 0);
	arena_free(m);
}

static void a_plan_that_is_too_long_to_tell_says_what_is_missing(void **state)
{
	struct shop *s = *state;
	CLEANUP(buf_close) struct buf text = BUF_MAX(1500), whole = BUF_MAX(1u << 20);
	struct desk_command k;
	struct op *op;

	shop_policy(s, SHOP_POLICY "mode: off\n");
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_true(shop_until(s, &k, OP_PLANNED, 30000));
	op = ops_find(s->d.ops, k.id);
	op_plan_text(op, &whole);
	op_plan_text(op, &text);
	assert_true(whole.len > 1500);
	assert_memory_equal(whole.data, text.data, 1000);
	assert_non_null(strstr(buf_str(&text), " more lines: the plan's record in the journal has them\n"));
	assert_int_equal(text.data[text.len - 1], '\n');
}

static void a_denied_command_makes_no_call_that_changes_anything(void **state)
{
	static const struct {
		const char *policy, *says;
	} cases[] = {
		{ "commands: {warehouse.apply: off}\n", "the policy says off for warehouse.apply" },
		{ "commands: {warehouse.apply: plan-only}\n", "the policy says plan-only" },
		{ "commands: {warehouse.apply: auto}\n", "policy bounds." },
		{ "not: a policy\n", "is not known" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct desk_command k;
		char message[512];
		void *mine;
		struct shop *s;

		shop_start(&mine);
		s = mine;
		shop_policy(s, cases[i].policy);
		shop_apply(s, &k, 1);
		shop_send(s, &k, false);
		assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
		if (strstr(message, cases[i].says) == NULL)
			fail_msg("case %zu says: %s", i, message);
		assert_int_equal(s->seen.len, 0);
		shop_end(&mine);
	}
}

static void approve_waits_and_expires_without_a_call(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_policy(
	    s, "commands: {warehouse.apply: approve}\nbounds: {instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, "
	       "volume_gib: 500, cidrs: [10.0.0.0/8], ports: [1-65535]}\n");
	shop_apply(s, &k, 1);
	k.c.expires_at = DESK_NOW + 60000;
	shop_send(s, &k, false);
	assert_true(shop_until(s, &k, OP_WAIT_APPROVAL, 30000));
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(EXPIRED));
	assert_int_equal(s->seen.len, 0);
}

static void a_delete_needs_two_keys_a_fresh_head_and_its_hold(void **state)
{
	struct shop *s = *state;
	struct desk_command make, one, two;
	char message[512];

	shop_apply(s, &make, 1);
	shop_send(s, &make, false);
	assert_int_equal(shop_ends(s, &make, NULL), DONE);
	shop_delete(&one, 2);
	shop_send(s, &one, false);
	assert_int_equal(shop_ends(s, &one, message), STATE_OF(DENIED));
	assert_non_null(strstr(message, "needs a release signature"));
	shop_policy(s, "commands: {warehouse.delete: auto}\ndelete_hold: 10m\n");
	shop_delete(&two, 3);
	shop_send(s, &two, true);
	assert_true(shop_until(s, &two, OP_HOLD, 30000));
	assert_false(shop_until(s, &two, OP_PLANNED, 500000));
	assert_true(shop_until(s, &two, OP_PLANNED, 200000));
	sim_run_until(s->d.w, NULL, NULL, 60000);
	assert_int_equal(op_fields(ops_find(s->d.ops, two.id))->state, OP_PLANNED); /* no head */
	assert_int_equal(shop_alive(s), 2);
	shop_head(s);
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(shop_alive(s), 0);
}

static void make_and_hold(struct shop *s, struct desk_command *delete, const char *hold)
{
	CLEANUP(mem_close)
	char *policy =
	    mem_printf("%.*sdelete_hold: %s\n", (int)(strstr(SHOP_POLICY, "delete_hold") - SHOP_POLICY), SHOP_POLICY, hold);
	struct desk_command make;

	shop_run(s, &make);
	assert_int_equal(shop_ends(s, &make, NULL), DONE);
	shop_policy(s, policy);
	shop_delete(delete, 2);
	shop_send(s, delete, true);
}

/* Wherever it is on its way to the first change: a cancel that is on record stops it. */
static void a_cancel_stops_a_delete_until_its_first_change(void **state)
{
	unsigned in_time = 0;

	(void)state;
	for (uint64_t ms = 0; ms < 3000; ms += 60) {
		struct desk_command k, make;
		void *mine;
		struct shop *s;
		size_t before;
		struct op *op;

		shop_start(&mine);
		s = mine;
		shop_run(s, &make);
		assert_int_equal(shop_ends(s, &make, NULL), DONE);
		before = s->seen.len;
		shop_delete(&k, 2);
		k.c.not_before = world_wall_ms(s->d.w) + 10000;
		shop_send(s, &k, true);
		shop_head(s);
		sim_run_until(s->d.w, NULL, NULL, 3000 + ms);
		ops_cancel(s->d.ops, k.id);
		op = ops_find(s->d.ops, k.id);
		while (!op_is_cancelled(op) && op_fields(op)->state != OP_ENDED)
			sim_run_until(s->d.w, NULL, NULL, 1);
		sim_run_until(s->d.w, NULL, NULL, 300); /* what is on its way arrives */
		if (s->seen.len == before) {
			assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
			assert_int_equal(s->seen.len, before);
			assert_int_equal(shop_alive(s), 2);
			in_time++;
		}
		shop_end(&mine);
	}
	assert_in_range(in_time, 10, 49);
}

/* The hold is what the policy says at the end, not when the plan was made. */
static void a_hold_that_is_raised_holds_what_was_planned(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	make_and_hold(s, &k, "0s");
	assert_true(shop_until(s, &k, OP_PLANNED, 30000)); /* it waits for a head */
	shop_policy(s, "commands: {warehouse.delete: auto}\ndelete_hold: 20m\n");
	assert_true(shop_until(s, &k, OP_HOLD, 30000));
	shop_head(s);
	sim_run_until(s->d.w, NULL, NULL, 500000);
	assert_int_equal(shop_alive(s), 2);
	sim_run_until(s->d.w, NULL, NULL, 700000);
	shop_head(s);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 0);
}

static void a_step_of_the_clock_does_not_end_a_hold(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	make_and_hold(s, &k, "2h");
	assert_true(shop_until(s, &k, OP_HOLD, 30000));
	sim_wall_set(s->d.w, world_wall_ms(s->d.w) + 3 * 3600000);
	shop_head(s);
	sim_run_until(s->d.w, NULL, NULL, 600000);
	assert_int_equal(op_fields(ops_find(s->d.ops, k.id))->state, OP_HOLD);
	assert_int_equal(shop_alive(s), 2);
}

static void another_plan_than_the_approved_one_is_not_run(void **state)
{
	struct shop *s = *state;
	uint8_t hash[32] = { 1 };
	struct desk_command k;
	char message[512];

	shop_apply(s, &k, 1);
	k.c.approved_plan_hash = (ProtobufCBinaryData){ sizeof(hash), hash };
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, "its hash differs"));
	assert_int_equal(s->seen.len, 0);
}

static void a_plan_that_was_shown_and_approved_is_the_one_that_runs(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command plan, go;

	shop_apply(s, &plan, 1);
	plan.c.mode = REEVE__CONTROL__V1__MODE__PLAN;
	shop_send(s, &plan, false);
	assert_int_equal(shop_ends(s, &plan, NULL), DONE);
	shop_apply(s, &go, 2);
	go.c.approved_plan_hash = shop_status(s, &plan, m)->plan_hash;
	assert_int_equal(go.c.approved_plan_hash.len, DIGEST_LEN);
	shop_send(s, &go, false);
	arena_free(m);
	assert_int_equal(shop_ends(s, &go, NULL), DONE);
	assert_int_equal(shop_alive(s), 2);
}

static void a_generation_that_is_not_there_is_a_conflict(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	shop_apply(s, &k, 1);
	k.c.expect_generation = 7;
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, "the account holds generation 0, the command expects 7"));
}

static void a_stop_file_holds_the_start_and_its_going_lets_it_go(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	sim_run_until(s->d.w, NULL, NULL, 120000);
	assert_string_equal(shop_status(s, &k, m)->note, "frozen: the STOP file stands");
	assert_int_equal(s->seen.len, 0);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	arena_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cancel_stops_a_delete_until_its_first_change),
		SHOP(a_plan_that_is_too_long_to_tell_says_what_is_missing),
		SHOP(an_apply_is_planned_started_and_carried_out),
		SHOP(a_plan_alone_changes_nothing_and_is_told),
		cmocka_unit_test(a_denied_command_makes_no_call_that_changes_anything),
		SHOP(approve_waits_and_expires_without_a_call),
		SHOP(a_delete_needs_two_keys_a_fresh_head_and_its_hold),
		SHOP(a_hold_that_is_raised_holds_what_was_planned),
		SHOP(a_step_of_the_clock_does_not_end_a_hold),
		SHOP(another_plan_than_the_approved_one_is_not_run),
		SHOP(a_plan_that_was_shown_and_approved_is_the_one_that_runs),
		SHOP(a_generation_that_is_not_there_is_a_conflict),
		SHOP(a_stop_file_holds_the_start_and_its_going_lets_it_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
