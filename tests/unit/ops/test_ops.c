/* test_ops.c - all operations together: turns, acknowledgements, checkpoints, the customer's switches. */
#include "agent/ops/room.h"
#include "tests/unit/ops/shop.h"

static void one_command_a_warehouse_at_a_time_in_order(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;

	shop_apply(s, &one, 1);
	shop_send(s, &one, false);
	s->k.cluster.nodes = 3;
	shop_apply(s, &two, 2);
	shop_send(s, &two, false);
	assert_true(shop_until(s, &one, OP_RUNNING, 60000));
	assert_int_equal(op_fields(ops_find(s->d.ops, two.id))->state, OP_ACCEPTED);
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(shop_alive(s), 3);
}

static void another_warehouse_does_not_wait(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;

	shop_apply(s, &one, 1);
	one.c.not_before = DESK_NOW + 3600000;
	shop_send(s, &one, false);
	s->k.s.warehouse = (char *)"wh-2";
	shop_apply(s, &two, 2);
	two.c.target = (char *)"wh-2";
	shop_send(s, &two, false);
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(op_fields(ops_find(s->d.ops, one.id))->state, OP_ACCEPTED);
}

static void a_result_stays_until_it_is_acknowledged_and_no_longer(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	ops_acked(s->d.ops, 1); /* nothing to acknowledge yet */
	desk_settle(&s->d);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	desk_shut(&s->d);
	shop_open(s);
	assert_non_null(ops_find(s->d.ops, k.id));
	ops_acked(s->d.ops, 2); /* beyond what was accepted */
	desk_settle(&s->d);
	assert_non_null(ops_find(s->d.ops, k.id));
	ops_acked(s->d.ops, 1);
	desk_settle(&s->d);
	assert_null(ops_find(s->d.ops, k.id));
	desk_shut(&s->d);
	shop_open(s);
	assert_null(ops_find(s->d.ops, k.id));
	assert_int_equal(ops_accepted(s->d.ops), 1);
	assert_int_equal(ops_epoch(s->d.ops), 1);
}

static int refuse_entry(struct ops *o, const char *type, json_t *obj, struct err *e)
{
	struct journal_entry entry = {
		.type = type, .time = "2026-01-01T00:00:00.000Z", .obj = obj, .segment = "x.jsonl", .line_number = 3
	};
	int rc = ops_replay(o, &entry, e);

	json_decref(obj);
	return rc;
}

static void reopen(struct shop *s)
{
	desk_shut(&s->d);
	shop_open(s);
}

static void assert_result(struct shop *s, const struct desk_command *k, bool is_there)
{
	assert_int_equal(ops_find(s->d.ops, k->id) != NULL, is_there);
	assert_int_equal(ops_epoch(s->d.ops), 2);
	assert_int_equal(ops_accepted(s->d.ops), 1);
}

/* Epoch 1 ends with a result that the vendor may not have; its number says nothing in epoch 2. */
static void a_result_outlives_its_epoch_until_its_id_is_acknowledged(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two, three;
	ProtobufCBinaryData ids[2] = { { sizeof(two.id), two.id }, { 3, two.id } };
	json_t *checkpoint;

	for (unsigned seq = 1; seq <= 2; seq++) {
		desk_command(seq == 1 ? &one : &two, seq);
		(seq == 1 ? &one : &two)->c.schema = 9; /* ended at once */
		shop_send(s, seq == 1 ? &one : &two, false);
	}
	ops_acked(s->d.ops, 1);
	desk_settle(&s->d);
	desk_command(&three, 1);
	three.id[0] = 3;
	three.c.epoch = 2;
	three.c.schema = 9;
	shop_send(s, &three, true);
	assert_result(s, &one, false);
	assert_result(s, &two, true);
	reopen(s);
	assert_result(s, &two, true);
	checkpoint = ops_checkpoint(s->d.ops);
	assert_int_equal(refuse_entry(s->d.ops, "checkpoint", checkpoint, NULL), 0);
	assert_result(s, &two, true);
	ops_acked(s->d.ops, 1);
	desk_settle(&s->d);
	assert_result(s, &three, false);
	assert_result(s, &two, true);
	ops_acked_ids(s->d.ops, ids, 2);
	desk_settle(&s->d);
	assert_result(s, &two, false);
	reopen(s);
	assert_result(s, &two, false);
}

static void an_id_acknowledges_no_command_that_has_not_ended(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	ProtobufCBinaryData id = { sizeof(k.id), k.id };

	desk_command(&k, 1);
	shop_send(s, &k, false);
	ops_acked_ids(s->d.ops, &id, 1);
	desk_settle(&s->d);
	assert_non_null(ops_find(s->d.ops, k.id));
}

static void a_checkpoint_read_back_is_the_same_checkpoint(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	json_t *first, *second;

	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_true(shop_until(s, &k, OP_RUNNING, 60000));
	first = ops_checkpoint(s->d.ops);
	desk_shut(&s->d);
	shop_open(s);
	assert_int_equal(refuse_entry(s->d.ops, "checkpoint", json_deep_copy(first), NULL), 0);
	second = ops_checkpoint(s->d.ops);
	assert_true(json_equal(first, second));
	json_decref(first);
	json_decref(second);
}

static void a_command_in_the_journal_that_cannot_be_decoded_is_damage(void **state)
{
	struct shop *s = *state;
	struct err e = { 0 };

	assert_int_equal(refuse_entry(s->d.ops, "command.accepted", json_pack("{s:s}", "signed", "AAAA"), &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "x.jsonl line 3"));
	assert_int_not_equal(refuse_entry(s->d.ops, "command.accepted", json_pack("{s:i}", "signed", 7), &e), 0);
	assert_int_not_equal(refuse_entry(s->d.ops, "command.accepted", json_object(), &e), 0);
	assert_int_equal(refuse_entry(s->d.ops, "step.outcome", json_pack("{s:s}", "op", "nobody"), &e), 0);
	assert_int_equal(refuse_entry(s->d.ops, "from.the.future", json_object(), &e), 0);
	assert_int_equal(ops_accepted(s->d.ops), 0);
}

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

static void a_flood_of_the_same_event_is_noted_once(void **state)
{
	struct shop *s = *state;
	uint64_t before = journal_seq(s->d.j);

	for (int i = 0; i < 100; i++) {
		ops_note(s->d.ops, "command.refused", json_pack("{s:s}", "reason", "bad signature"));
		desk_settle(&s->d);
	}
	assert_int_equal(journal_seq(s->d.j), before + 1);
}

static void no_more_than_a_few_commands_are_open_at_once(void **state)
{
	struct shop *s = *state;
	unsigned seq = 1;

	for (; seq <= OPS_OPEN_MAX; seq++) {
		struct desk_command k;

		shop_apply(s, &k, seq);
		k.c.not_before = DESK_NOW + 3600000;
		assert_true(ops_has_room(s->d.ops));
		shop_send(s, &k, false);
	}
	assert_false(ops_has_room(s->d.ops));
	assert_int_equal(ops_accepted(s->d.ops), OPS_OPEN_MAX);
}

/* As large as a command may be: 512 KiB with its signatures. */
static void give_largest(struct shop *s, unsigned seq, int verb)
{
	CLEANUP(mem_close) char *text = mem_alloc(510 << 10);
	struct desk_command k;

	memset(text, 'x', (510 << 10) - 1);
	desk_command(&k, seq);
	k.c.verb = (Reeve__Control__V1__Verb)verb;
	k.c.traceparent = text;
	desk_give_one(&s->d, desk_sign_command(&k, &s->d.command));
}

static void assert_it_starts_again(struct shop *s, uint64_t accepted)
{
	json_t *before = ops_checkpoint(s->d.ops), *after;

	assert_true(json_size(before) > (4u << 20)); /* more than a line may hold */
	assert_true(json_size(before) < ROOM_CHECKPOINT);
	desk_shut(&s->d);
	shop_open(s);
	assert_int_equal(ops_accepted(s->d.ops), accepted);
	ops_note(s->d.ops, "test.note", json_object()); /* the first append after a start */
	desk_settle(&s->d);
	assert_null(journal_trouble(s->d.j));
	after = ops_checkpoint(s->d.ops);
	assert_int_equal(json_array_size(json_object_get(before, "records")), json_array_size(json_object_get(after, "records")));
	json_decref(before);
	json_decref(after);
}

static void open_commands_of_the_largest_size_fit_and_the_next_one_waits(void **state)
{
	struct shop *s = *state;
	unsigned seq = 0;

	while (s->d.in.waiting_n == 0)
		give_largest(s, ++seq, REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE);
	assert_in_range(seq, 7, 12);
	assert_int_equal(s->d.in.waiting[0], seq);
	assert_int_equal(ops_accepted(s->d.ops), seq - 1);
	assert_it_starts_again(s, seq - 1);
}

/* A plan that waits for nobody's approval keeps its room; another one has what is left, or all of it when it is alone. */
static void plans_share_what_room_there_is(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;
	const struct op *holder, *other;
	size_t held;

	shop_policy(s, "commands: {warehouse.apply: approve}\nbounds: {instance_types: [r6i.xlarge], nodes_per_cluster: 9, "
		       "nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], ports: [1-65535]}\n");
	shop_apply(s, &one, 1);
	shop_send(s, &one, false);
	assert_true(shop_until(s, &one, OP_WAIT_APPROVAL, 60000));
	shop_apply(s, &two, 2);
	shop_send(s, &two, false);
	holder = ops_find(s->d.ops, one.id);
	other = ops_find(s->d.ops, two.id);
	held = op_fields(holder)->plan_bytes;
	assert_in_range(held, 1000, ROOM_PLANS / 10);
	assert_true(ops_has_room_for_plan(s->d.ops, other, ROOM_PLANS - held));
	assert_false(ops_has_room_for_plan(s->d.ops, other, ROOM_PLANS - held + 1));
	assert_true(ops_has_room_for_plan(s->d.ops, holder, 2 * ROOM_PLANS));
	reopen(s);
	assert_in_range(op_fields(ops_find(s->d.ops, one.id))->plan_bytes, held, held + 1000); /* read back as a whole line */
}

static void results_that_nobody_acknowledges_make_commands_wait_and_then_go_on(void **state)
{
	struct shop *s = *state;
	unsigned seq = 0;

	while (s->d.in.waiting_n == 0)
		give_largest(s, ++seq, 999);
	assert_int_equal(ops_accepted(s->d.ops), seq - 1);
	assert_it_starts_again(s, seq - 1);
	give_largest(s, seq, 999);
	assert_int_equal(ops_accepted(s->d.ops), seq - 1);
	ops_acked(s->d.ops, seq - 1);
	desk_settle(&s->d);
	inbox_again(&s->d.in);
	desk_settle(&s->d);
	assert_int_equal(ops_accepted(s->d.ops), seq);
	assert_int_equal(s->d.in.waiting_n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(one_command_a_warehouse_at_a_time_in_order),
		SHOP(another_warehouse_does_not_wait),
		SHOP(a_result_stays_until_it_is_acknowledged_and_no_longer),
		SHOP(a_result_outlives_its_epoch_until_its_id_is_acknowledged),
		SHOP(an_id_acknowledges_no_command_that_has_not_ended),
		SHOP(a_checkpoint_read_back_is_the_same_checkpoint),
		SHOP(a_command_in_the_journal_that_cannot_be_decoded_is_damage),
		SHOP(the_mode_says_what_the_customer_has_switched),
		SHOP(a_flood_of_the_same_event_is_noted_once),
		SHOP(no_more_than_a_few_commands_are_open_at_once),
		SHOP(open_commands_of_the_largest_size_fit_and_the_next_one_waits),
		SHOP(plans_share_what_room_there_is),
		SHOP(results_that_nobody_acknowledges_make_commands_wait_and_then_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
