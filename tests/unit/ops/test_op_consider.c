/* test_op_consider.c - what lets an operation start, what ends it before, and that it says why. */
#include "agent/base/stamp.h"
#include "tests/unit/ops/shop.h"

static void give_now(struct shop *s, const struct desk_command *k)
{
	signed_t *one = desk_sign_command(k, &s->d.command);
	intent_t i = REEVE__CONTROL__V1__INTENT__INIT;
	uint8_t bytes[8192];

	i.epoch = 1;
	i.commands = &one;
	i.n_commands = 1;
	assert_int_equal(inbox_take(&s->d.in, bytes, reeve__control__v1__intent__pack(&i, bytes), NULL), 0);
	reeve__control__v1__signed__free_unpacked(one, NULL);
	desk_pass(&s->d, 10);
}

static void a_denied_command_makes_no_call_that_changes_anything(void **state)
{
	static const struct {
		const char *policy, *says;
	} cases[] = {
		{ "commands: {warehouse.apply: off}\n", "the policy says off for warehouse.apply" },
		{ "commands: {warehouse.apply: plan-only}\n", "the policy says plan-only" },
		{ "commands: {warehouse.apply: auto}\n", "policy bounds." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct desk_command k;
		char message[512];
		void *mine;
		struct shop *s;

		shop_start(&mine);
		s = mine;
		shop_policy_counts(s, cases[i].policy);
		shop_apply(s, &k, 1);
		shop_send(s, &k, false);
		assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
		if (strstr(message, cases[i].says) == NULL)
			fail_msg("case %zu says: %s", i, message);
		assert_int_equal(s->seen.len, 0);
		shop_end(&mine);
	}
}

static const char *waits_for(struct shop *s, const struct desk_command *k)
{
	static char note[512];
	struct arena *m = arena_new_sized(8u << 20);

	snprintf(note, sizeof(note), "%s", shop_status(s, k, m)->note);
	arena_free(m);
	return note;
}

/* A moment without a policy that can be read is no answer, and neither is an hour. */
static void a_command_waits_with_the_reason_while_the_policy_cannot_be_read(void **state)
{
	static const struct {
		const char *policy; /* NULL: it is away */
		const char *says, *not ;
	} cases[] = {
		{ NULL, "policy.yaml: no such file", "?" },
		{ "", "policy.yaml", "?" },
		{ "commands: {warehouse.apply: auto}\nbounds: {images: [ami-1], sub", "policy.yaml cannot be read, line ", "sub" },
		{ "not: a policy\n", "policy.yaml cannot be read, line 1", "not: a" },
		{ "export:\n  redact:\n    - {name: secret-name, pattern: '(se[cret'}\n", "policy.yaml cannot be read, line 3",
		  "secret" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases) * 2; i++) {
		const char *text = cases[i / 2].policy;
		struct desk_command k;
		void *mine;
		struct shop *s;

		shop_start(&mine);
		s = mine;
		desk_settle(&s->d);
		shop_apply(s, &k, 1);
		if (text != NULL)
			shop_policy(s, text);
		else
			sim_file_unlink(s->d.w, "/etc/reeve/policy.yaml");
		shop_send(s, &k, false);
		assert_false(shop_until(s, &k, ANY_END, i % 2 == 0 ? 900 : 3600000));
		if (strstr(waits_for(s, &k), cases[i / 2].says) == NULL || strstr(waits_for(s, &k), cases[i / 2].not ) != NULL)
			fail_msg("case %zu says: %s", i, waits_for(s, &k));
		shop_policy(s, SHOP_POLICY);
		assert_int_equal(shop_ends(s, &k, NULL), DONE);
		shop_end(&mine);
	}
}

/* Half a policy may be a valid one that says no. */
static void a_policy_that_is_being_saved_denies_nothing(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	desk_settle(&s->d);
	shop_apply(s, &k, 1);
	for (int i = 0; i < 20; i++) {
		char text[64];

		snprintf(text, sizeof(text), "commands: {warehouse.apply: off} # %d\n", i);
		shop_policy(s, text);
		if (i == 0)
			give_now(s, &k);
		desk_pass(&s->d, 900);
		assert_false(op_fields(ops_find(s->d.ops, k.id))->is_ended);
	}
	assert_string_equal(waits_for(s, &k),
			    "waits for the policy: the policy has changed: it counts once it is the same for a second");
	shop_policy(s, SHOP_POLICY);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
}

/* What is half there with wider bounds, or fewer of them, starts nothing either. */
static void a_wider_policy_starts_nothing_before_it_is_the_same_for_a_second(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_policy_counts(s, "commands: {warehouse.apply: plan-only}\nbounds: {warehouses: [wh-1]}\n");
	shop_policy(s, SHOP_POLICY);
	shop_apply(s, &k, 1);
	give_now(s, &k);
	assert_false(shop_until(s, &k, STATE_OF(RUNNING), 1000));
	assert_int_equal(s->seen.len, 0);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
}

static void a_delete_of_an_unknown_warehouse_says_so_at_once(void **state)
{
	struct shop *s = *state;

	shop_policy_counts(s, "commands: {warehouse.delete: auto}\nbounds: {warehouses: [wh-1]}\n"); /* delete_hold: 24 h */
	for (uint64_t seq = 1; seq <= 2; seq++) {
		struct arena *m = arena_new_sized(8u << 20);
		struct desk_command k;

		shop_delete(&k, seq);
		k.c.mode = seq == 1 ? REEVE__CONTROL__V1__MODE__EXECUTE : REEVE__CONTROL__V1__MODE__PLAN;
		shop_send(s, &k, true);
		assert_true(shop_until(s, &k, ANY_END, 60000));
		assert_int_equal(shop_status(s, &k, m)->state, DONE);
		assert_string_equal(shop_status(s, &k, m)->note,
				    "no such warehouse: nothing of ours in the account is tagged with wh-1");
		arena_free(m);
	}
	assert_int_equal(s->seen.len, 0);
}

/* Also what was refused as it came: one line a command, with the reason in it. */
static void the_log_says_why_a_command_did_not_run(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_policy_counts(s, "commands: {warehouse.apply: off}\n");
	shop_listen(s);
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(DENIED));
	assert_non_null(strstr(buf_str(&s->log), "verb=warehouse.apply warehouse=wh-1 state=DENIED err=\"the policy says off for "
						 "warehouse.apply\""));
	shop_apply(s, &k, 2);
	k.c.expires_at = DESK_NOW - 1;
	shop_send(s, &k, false);
	assert_non_null(strstr(buf_str(&s->log), "state=EXPIRED err=\"it had expired before it came\""));
	shop_apply(s, &k, 3);
	k.c.verb = 99;
	shop_send(s, &k, false);
	assert_non_null(strstr(buf_str(&s->log), "state=REJECTED_UNSUPPORTED err=\"verb 99 is not known to this version\""));
	shop_policy_counts(s, "commands: {warehouse.apply: approve}\n");
	shop_policy_counts(s, SHOP_POLICY);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	shop_apply(s, &k, 4);
	k.c.expires_at = world_wall_ms(s->d.w) + 60000;
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(EXPIRED));
	assert_non_null(strstr(buf_str(&s->log), "state=EXPIRED err=\"frozen: the STOP file stands\""));
}

static unsigned deleted_volumes(struct shop *s, const struct desk_command *k)
{
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st = shop_status(s, k, m);
	unsigned n = 0;

	for (size_t i = 0; i < st->n_deleted; i++)
		n += str_eq(st->deleted[i]->kind, "volume") && str_starts(st->deleted[i]->id, "vol-");
	arena_free(m);
	return n;
}

static void a_result_names_the_data_volumes_that_went_with_their_nodes(void **state)
{
	struct shop *s = *state;
	struct desk_command make, drop;

	shop_apply(s, &make, 1);
	shop_send(s, &make, false);
	assert_int_equal(shop_ends(s, &make, NULL), DONE);
	shop_head(s);
	shop_delete(&drop, 2);
	shop_send(s, &drop, true);
	assert_int_equal(shop_ends(s, &drop, NULL), DONE);
	assert_int_equal(deleted_volumes(s, &drop), s->k.cluster.n_volumes * 2); /* two nodes */
	shop_reopen(s);
	assert_int_equal(deleted_volumes(s, &drop), s->k.cluster.n_volumes * 2);
}

/* It ends honestly, and the new epoch's commands for its warehouse wait and say for what. */
static void an_open_command_of_an_older_epoch_goes_on_and_who_waits_for_it_says_so(void **state)
{
	struct shop *s = *state;
	struct desk_command old, new;

	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	shop_apply(s, &old, 1);
	shop_send(s, &old, false);
	s->k.s.generation++;
	shop_apply(s, &new, 1);
	new.c.epoch = 2;
	new.id[15] = 77;
	shop_send(s, &new, true);
	assert_int_equal(ops_epoch(s->d.ops), 2);
	sim_run_until(s->d.w, NULL, NULL, 3000);
	assert_non_null(strstr(waits_for(s, &new), " of an older epoch, which came before it for the same warehouse"));
	assert_string_equal(waits_for(s, &old), "frozen: the STOP file stands");
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_int_equal(shop_ends(s, &old, NULL), DONE);
	assert_int_equal(shop_ends(s, &new, NULL), DONE);
}

static void a_spec_whose_text_turns_its_direction_is_refused(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	s->k.s.security_groups[0]->description = (char *)"nodes \u202eyb dellac";
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_string_equal(message, "args: description holds a character that turns the direction of text");
}

static int ends_with(struct shop *s, uint64_t seq, const char *user_data, bool both_keys, char message[512])
{
	struct desk_command k;

	s->k.cluster.user_data = (ProtobufCBinaryData){ strlen(user_data), (uint8_t *)user_data };
	s->k.cluster.nodes = (uint32_t)seq;
	s->k.s.generation++;
	shop_apply(s, &k, seq);
	shop_send(s, &k, both_keys);
	if (both_keys)
		shop_head(s);
	return shop_ends(s, &k, message);
}

static const char *plan_text(struct shop *s)
{
	static char text[8192];
	CLEANUP(buf_close) struct buf b = BUF_MAX(65536);
	struct desk_command k;

	desk_command(&k, 1);
	op_plan_text(ops_find(s->d.ops, k.id), &b);
	snprintf(text, sizeof(text), "%s", buf_str(&b));
	return text;
}

static void user_data_that_only_any_allows_needs_a_second_key_until_it_ran_under_one(void **state)
{
	struct shop *s = *state;
	Reeve__Control__V1__Cluster more;
	char message[512];

	shop_policy(s, SHOP_USER_DATA("any"));
	assert_int_equal(ends_with(s, 1, "abc", false, message), STATE_OF(DENIED));
	assert_non_null(strstr(message,
			       "user data ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad, which the policy "
			       "allows only as any) needs a release signature"));
	assert_int_equal(s->seen.len, 0);
	assert_non_null(strstr(plan_text(s), "[HIGH RISK: needs a release signature] user data ba7816bf"));
	assert_int_equal(ends_with(s, 2, "abc", true, message), DONE);
	assert_int_equal(ends_with(s, 3, "abc", false, message), DONE);
	shop_reopen(s); /* it is on record */
	assert_int_equal(ends_with(s, 4, "abc", false, message), DONE);
	more = s->k.cluster; /* whose nodes are new; on those that stand it cannot be changed */
	more.name = (char *)"more";
	more.user_data = (ProtobufCBinaryData){ 5, (uint8_t *)"other" };
	s->k.clusters[1] = &more;
	s->k.s.n_clusters = 2;
	assert_int_equal(ends_with(s, 5, "abc", false, message), STATE_OF(DENIED));
}

static void user_data_that_the_policy_names_needs_one_key_and_proves_nothing(void **state)
{
	struct shop *s = *state;
	char message[512];

	shop_policy(s, SHOP_USER_DATA(SHOP_ABC));
	assert_int_equal(ends_with(s, 1, "abc", false, message), DONE);
	shop_policy(s, SHOP_USER_DATA("any"));
	assert_int_equal(ends_with(s, 2, "abc", false, message), STATE_OF(DENIED));
	shop_policy(s, SHOP_USER_DATA(SHOP_ABC ", any"));
	assert_int_equal(ends_with(s, 3, "abc", false, message), DONE);
}

static void approve_waits_and_expires_without_a_call(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_policy(s, "commands: {warehouse.apply: approve}\nbounds: {" SHOP_BOUNDS
		       "instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, "
		       "volume_gib: 500, cidrs: [10.0.0.0/8], ports: [1-65535]}\n");
	shop_apply(s, &k, 1);
	k.c.expires_at = DESK_NOW + 60000;
	shop_send(s, &k, false);
	assert_true(shop_until(s, &k, STATE_OF(WAIT_APPROVAL), 30000));
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
	shop_policy(s, "commands: {warehouse.delete: auto}\nbounds: {warehouses: [wh-1]}\ndelete_hold: 10m\n");
	shop_delete(&two, 3);
	shop_send(s, &two, true);
	assert_true(shop_until(s, &two, STATE_OF(WAIT_HOLD), 30000));
	assert_false(shop_until(s, &two, STATE_OF(PLANNED), 500000));
	assert_true(shop_until(s, &two, STATE_OF(PLANNED), 200000));
	sim_run_until(s->d.w, NULL, NULL, 60000);
	assert_int_equal(op_fields(ops_find(s->d.ops, two.id))->state, STATE_OF(PLANNED)); /* no head */
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

/* The hold is what the policy says at the end, not when the plan was made. */
static void a_hold_that_is_raised_holds_what_was_planned(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	make_and_hold(s, &k, "0s");
	assert_true(shop_until(s, &k, STATE_OF(PLANNED), 30000)); /* it waits for a head */
	shop_policy(s, "commands: {warehouse.delete: auto}\nbounds: {warehouses: [wh-1]}\ndelete_hold: 20m\n");
	assert_true(shop_until(s, &k, STATE_OF(WAIT_HOLD), 30000));
	shop_head(s);
	sim_run_until(s->d.w, NULL, NULL, 500000);
	assert_int_equal(shop_alive(s), 2);
	sim_run_until(s->d.w, NULL, NULL, 700000);
	shop_head(s);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 0);
}

/* A day of waiting for what cannot be allowed helps nobody. */
static void a_delete_with_one_key_is_denied_before_its_hold_begins(void **state)
{
	struct shop *s = *state;
	struct desk_command make, k;
	char message[512];

	shop_run(s, &make);
	assert_int_equal(shop_ends(s, &make, NULL), DONE);
	shop_policy(s, "commands: {warehouse.delete: auto}\nbounds: {warehouses: [wh-1]}\ndelete_hold: 24h\n");
	shop_delete(&k, 2);
	shop_send(s, &k, false);
	assert_true(shop_until(s, &k, ANY_END, 60000));
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
	assert_non_null(strstr(message, "needs a release signature"));
	assert_int_equal(shop_alive(s), 2);
}

static void a_hold_that_the_command_does_not_live_to_see_the_end_of_is_refused_at_once(void **state)
{
	struct shop *s = *state;
	char message[512], ends[STAMP_RFC3339_LEN], expires[STAMP_RFC3339_LEN];
	struct desk_command k;
	int64_t accepted_ms;

	shop_policy(s, "commands: {warehouse.delete: auto}\nbounds: {warehouses: [wh-1]}\ndelete_hold: 24h\n");
	shop_delete(&k, 1);
	k.c.expires_at = DESK_NOW + 3600000;
	shop_send(s, &k, true);
	assert_true(shop_until(s, &k, ANY_END, 60000));
	accepted_ms = op_fields(ops_find(s->d.ops, k.id))->accepted_ms;
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
	assert_non_null(strstr(message, "delete_hold of the policy"));
	assert_non_null(strstr(message, stamp_rfc3339(accepted_ms + 24 * 3600000, ends)));
	assert_non_null(strstr(message, stamp_rfc3339(k.c.expires_at, expires)));
	assert_int_equal(s->seen.len, 0);
}

static void under_plan_only_a_delete_is_planned_however_long_the_hold(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	char message[512];
	struct desk_command k;

	shop_policy(s, "commands: {warehouse.delete: plan-only}\nbounds: {warehouses: [wh-1]}\ndelete_hold: 24h\n");
	shop_delete(&k, 1);
	k.c.expires_at = DESK_NOW + 3600000;
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
	assert_string_equal(message, "the policy says plan-only for warehouse.delete");
	assert_int_equal(shop_status(s, &k, m)->plan_hash.len, DIGEST_LEN);
	arena_free(m);
}

static void a_hold_that_is_raised_beyond_the_life_of_a_command_ends_it(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	make_and_hold(s, &k, "24h"); /* it lives two days */
	assert_true(shop_until(s, &k, STATE_OF(WAIT_HOLD), 30000));
	shop_policy(s, "commands: {warehouse.delete: auto}\nbounds: {warehouses: [wh-1]}\ndelete_hold: 72h\n");
	assert_true(shop_until(s, &k, ANY_END, 30000));
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
	assert_non_null(strstr(message, "after the command expires"));
	assert_int_equal(shop_alive(s), 2);
}

/* There is time to object: to what, the plan says. */
static void while_a_delete_is_held_its_plan_is_told(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	Reeve__Control__V1__Status *st;

	make_and_hold(s, &k, "24h");
	assert_true(shop_until(s, &k, STATE_OF(WAIT_HOLD), 30000));
	st = shop_status(s, &k, m);
	assert_non_null(strstr(st->note, "a cancel ends it"));
	assert_non_null(strstr(st->plan_text, "ec2:TerminateInstances"));
	assert_non_null(strstr(st->plan_text, "[HIGH RISK: needs a release signature]"));
	arena_free(m);
}

static void a_hold_says_when_it_ends_and_says_the_same_all_along(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	char ends[STAMP_RFC3339_LEN];
	int64_t ends_s;

	make_and_hold(s, &k, "24h");
	assert_true(shop_until(s, &k, STATE_OF(WAIT_HOLD), 30000));
	ends_s = (op_fields(ops_find(s->d.ops, k.id))->accepted_ms + 24 * 3600000 + 999) / 1000;
	assert_non_null(strstr(shop_status(s, &k, m)->note, stamp_rfc3339(ends_s * 1000, ends)));
	for (int i = 0; i < 20; i++) {
		sim_run_until(s->d.w, NULL, NULL, 60001);
		assert_non_null(strstr(shop_status(s, &k, m)->note, ends));
	}
	arena_free(m);
}

static void a_step_of_the_clock_does_not_end_a_hold(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	make_and_hold(s, &k, "2h");
	assert_true(shop_until(s, &k, STATE_OF(WAIT_HOLD), 30000));
	sim_wall_set(s->d.w, world_wall_ms(s->d.w) + 3 * 3600000);
	shop_head(s);
	sim_run_until(s->d.w, NULL, NULL, 600000);
	assert_int_equal(op_fields(ops_find(s->d.ops, k.id))->state, STATE_OF(WAIT_HOLD));
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
		SHOP(a_spec_whose_text_turns_its_direction_is_refused),
		SHOP(a_result_names_the_data_volumes_that_went_with_their_nodes),
		SHOP(an_open_command_of_an_older_epoch_goes_on_and_who_waits_for_it_says_so),
		SHOP(a_delete_of_an_unknown_warehouse_says_so_at_once),
		SHOP(the_log_says_why_a_command_did_not_run),
		cmocka_unit_test(a_command_waits_with_the_reason_while_the_policy_cannot_be_read),
		SHOP(a_policy_that_is_being_saved_denies_nothing),
		SHOP(a_wider_policy_starts_nothing_before_it_is_the_same_for_a_second),
		cmocka_unit_test(a_denied_command_makes_no_call_that_changes_anything),
		SHOP(user_data_that_only_any_allows_needs_a_second_key_until_it_ran_under_one),
		SHOP(user_data_that_the_policy_names_needs_one_key_and_proves_nothing),
		SHOP(approve_waits_and_expires_without_a_call),
		SHOP(a_delete_needs_two_keys_a_fresh_head_and_its_hold),
		SHOP(a_hold_that_is_raised_holds_what_was_planned),
		SHOP(a_delete_with_one_key_is_denied_before_its_hold_begins),
		SHOP(a_hold_that_the_command_does_not_live_to_see_the_end_of_is_refused_at_once),
		SHOP(under_plan_only_a_delete_is_planned_however_long_the_hold),
		SHOP(a_hold_that_is_raised_beyond_the_life_of_a_command_ends_it),
		SHOP(while_a_delete_is_held_its_plan_is_told),
		SHOP(a_hold_says_when_it_ends_and_says_the_same_all_along),
		SHOP(a_step_of_the_clock_does_not_end_a_hold),
		SHOP(another_plan_than_the_approved_one_is_not_run),
		SHOP(a_stop_file_holds_the_start_and_its_going_lets_it_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
