/* test_ops_notes.c - notes, cancels, and when a result may be forgotten. */
#include "tests/unit/ops/shop.h"

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

static void note_numbers(struct shop *s, int from, int to)
{
	for (int i = from; i < to; i++) {
		ops_note(s->d.ops, "command.refused", json_pack("{s:i}", "number", i));
		desk_pass(&s->d, 3000);
	}
}

/* 200 different ones in ten minutes: sixty records, and after the hour one that counts the others; then it begins anew. */
static void a_flood_of_different_events_cannot_wash_out_the_journal(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	uint64_t before = journal_seq(s->d.j);

	note_numbers(s, 0, 200);
	assert_int_equal(journal_seq(s->d.j), before + 60);
	desk_command(&k, 1);
	shop_send(s, &k, false);
	ops_cancel(s->d.ops, k.id); /* a cancel is nothing that outsiders can cause */
	desk_pass(&s->d, 3600000);
	assert_true(op_is_cancelled(ops_find(s->d.ops, k.id)));
	assert_int_equal(journal_seq(s->d.j), before + 60 + 3 + 1);
	note_numbers(s, 200, 300);
	assert_int_equal(journal_seq(s->d.j), before + 60 + 4 + 60);
	desk_pass(&s->d, 3600000);
	assert_int_equal(journal_seq(s->d.j), before + 60 + 4 + 60 + 1);
	desk_pass(&s->d, 2 * 3600000);
	assert_int_equal(journal_seq(s->d.j), before + 60 + 4 + 60 + 1);
}

/* As shop_send with both keys, but the disk has not taken it yet. */
static void take(struct shop *s, const struct desk_command *k)
{
	intent_t i = REEVE__CONTROL__V1__INTENT__INIT;
	uint8_t bytes[8192];
	signed_t *one = desk_sign_command(k, &s->d.command);

	desk_sign(one, &s->d.release, SIGN_DOMAIN_COMMAND);
	i.commands = &one;
	i.n_commands = 1;
	assert_int_equal(inbox_take(&s->d.in, bytes, reeve__control__v1__intent__pack(&i, bytes), NULL), 0);
	reeve__control__v1__signed__free_unpacked(one, NULL);
}

static void a_cancel_while_its_command_is_being_accepted_counts(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_apply(s, &k, 1);
	take(s, &k);
	ops_cancel(s->d.ops, k.id);
	assert_null(ops_find(s->d.ops, k.id));
	desk_settle(&s->d);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_int_equal(s->seen.len, 0);
}

/* The head repeats its cancels: one is a record once, and none is a record for what has ended or is not known. */
static void a_cancel_is_a_record_before_it_counts_and_only_once(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	uint8_t stranger[16] = { 9 };
	uint64_t before;

	shop_apply(s, &k, 1);
	k.c.not_before = DESK_NOW + 3600000;
	shop_send(s, &k, false);
	before = journal_seq(s->d.j);
	ops_cancel(s->d.ops, k.id);
	assert_false(op_is_cancelled(ops_find(s->d.ops, k.id)));
	for (int i = 0; i < 5; i++) {
		ops_cancel(s->d.ops, k.id);
		ops_cancel(s->d.ops, stranger);
		desk_settle(&s->d);
	}
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_int_equal(journal_seq(s->d.j), before + 2); /* the cancel and the result */
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
	shop_reopen(s);
	assert_non_null(ops_find(s->d.ops, k.id));
	ops_acked(s->d.ops, 2); /* beyond what was accepted */
	desk_settle(&s->d);
	assert_non_null(ops_find(s->d.ops, k.id));
	ops_acked(s->d.ops, 1);
	desk_settle(&s->d);
	assert_null(ops_find(s->d.ops, k.id));
	shop_reopen(s);
	assert_null(ops_find(s->d.ops, k.id));
	assert_int_equal(ops_accepted(s->d.ops), 1);
	assert_int_equal(ops_epoch(s->d.ops), 1);
}

/* "All up to 2 are stored" while 1 runs: 1's result is still to come. */
static void a_number_acknowledges_nothing_beyond_a_command_that_runs(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;

	shop_apply(s, &one, 1);
	shop_send(s, &one, false);
	desk_command(&two, 2);
	two.c.schema = 9; /* ended at once */
	shop_send(s, &two, false);
	ops_acked(s->d.ops, 2);
	desk_settle(&s->d);
	assert_non_null(ops_find(s->d.ops, two.id));
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	shop_reopen(s);
	assert_non_null(ops_find(s->d.ops, one.id));
	ops_acked(s->d.ops, 2);
	desk_settle(&s->d);
	assert_null(ops_find(s->d.ops, one.id));
	assert_null(ops_find(s->d.ops, two.id));
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
	shop_reopen(s);
	assert_result(s, &two, true);
	checkpoint = ops_checkpoint(s->d.ops);
	assert_int_equal(shop_replay(s->d.ops, "checkpoint", checkpoint, NULL), 0);
	assert_result(s, &two, true);
	ops_acked(s->d.ops, 1);
	desk_settle(&s->d);
	assert_result(s, &three, false);
	assert_result(s, &two, true);
	ops_acked_ids(s->d.ops, ids, 2);
	desk_settle(&s->d);
	assert_result(s, &two, false);
	shop_reopen(s);
	assert_result(s, &two, false);
}

/* The command that begins epoch 2 and an old acknowledgement of epoch 1 wait for the disk together. */
static void an_acknowledgement_that_its_epoch_does_not_outlive_is_worth_nothing(void **state)
{
	struct shop *s = *state;
	struct desk_command old, young;

	desk_command(&old, 1);
	old.c.schema = 9; /* ended at once */
	shop_send(s, &old, false);
	desk_command(&young, 1);
	young.id[0] = 9;
	young.c.epoch = 2;
	young.c.schema = 9;
	take(s, &young);
	ops_acked(s->d.ops, 1);
	assert_int_equal(ops_epoch(s->d.ops), 1);
	desk_settle(&s->d);
	assert_result(s, &young, true);
	shop_reopen(s);
	assert_result(s, &young, true);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_flood_of_the_same_event_is_noted_once),
		SHOP(a_flood_of_different_events_cannot_wash_out_the_journal),
		SHOP(a_cancel_while_its_command_is_being_accepted_counts),
		SHOP(a_cancel_is_a_record_before_it_counts_and_only_once),
		SHOP(a_result_stays_until_it_is_acknowledged_and_no_longer),
		SHOP(a_number_acknowledges_nothing_beyond_a_command_that_runs),
		SHOP(a_result_outlives_its_epoch_until_its_id_is_acknowledged),
		SHOP(an_acknowledgement_that_its_epoch_does_not_outlive_is_worth_nothing),
		SHOP(an_id_acknowledges_no_command_that_has_not_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
