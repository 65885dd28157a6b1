/* test_inbox.c - what a vendor may not do to us: signatures, binding, epoch and sequence. */
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "tests/unit/control/desk.h"

static void a_signed_command_in_sequence_is_accepted_and_in_the_journal(void **state)
{
	struct desk *d = *state;
	struct desk_command k;

	desk_command(&k, 1);
	desk_give_command(d, &k);
	assert_int_equal(ops_accepted(d->ops), 1);
	assert_non_null(ops_find(d->ops, k.id));
	desk_shut(d);
	desk_open(d);
	assert_int_equal(ops_accepted(d->ops), 1);
	assert_non_null(ops_find(d->ops, k.id));
}

static void without_a_valid_signature_nothing_is_believed(void **state)
{
	struct desk *d = *state;
	const struct sign_key *const wrong[] = { &d->stranger, &d->release, &d->head };
	struct desk_command k;
	signed_t *s;

	desk_command(&k, 1);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		desk_give_one(d, desk_sign_command(&k, wrong[i]));
	s = desk_sign_command(&k, &d->command);
	s->body.data[0] ^= 1;
	desk_give_one(d, s);
	s = desk_sign_command(&k, &d->command);
	s->sigs[0]->sig.data[63] ^= 1;
	desk_give_one(d, s);
	s = desk_sign_command(&k, &d->command);
	s->sigs[0]->sig.len = 63;
	desk_give_one(d, s);
	assert_int_equal(ops_accepted(d->ops), 0);
	assert_string_equal(desk_refusal(d), "a command without a valid signature of a command key");
}

static void a_signature_made_for_a_head_is_worth_nothing_on_a_command(void **state)
{
	struct desk *d = *state;
	struct desk_command k;
	uint8_t body[8192];
	size_t len;

	desk_command(&k, 1);
	len = reeve__control__v1__command__pack(&k.c, body);
	desk_give_one(d, desk_signed(body, len, &d->command, SIGN_DOMAIN_HEAD));
	assert_int_equal(ops_accepted(d->ops), 0);
}

static void a_command_for_somebody_else_is_refused(void **state)
{
	struct desk *d = *state;

	for (int i = 0; i < 5; i++) {
		struct desk_command k;

		desk_command(&k, 1);
		if (i == 0)
			k.b.installation = (char *)"inst-2";
		if (i == 1)
			k.b.account = (char *)"999999999999";
		if (i == 2)
			k.b.region = (char *)"eu-west-1";
		if (i == 3)
			k.b.role_id = (char *)"AROAY";
		if (i == 4)
			k.c.binding = NULL;
		desk_give_command(d, &k);
		assert_int_equal(ops_accepted(d->ops), 0);
		assert_string_equal(desk_refusal(d), "bound to another installation, account, region or role");
	}
}

static void sequence_has_no_holes_and_no_repetition(void **state)
{
	struct desk *d = *state;
	struct desk_command one, two, three;
	signed_t *all[3];

	desk_command(&one, 1);
	desk_command(&two, 2);
	desk_command(&three, 3);
	desk_give_command(d, &one);
	desk_give_command(d, &three);
	assert_int_equal(ops_accepted(d->ops), 1);
	assert_int_equal(d->in.waiting_n, 1);
	assert_int_equal(d->in.waiting[0], 3);
	desk_give_command(d, &one);
	assert_int_equal(ops_accepted(d->ops), 1);
	all[0] = desk_sign_command(&three, &d->command);
	all[1] = desk_sign_command(&two, &d->command);
	all[2] = desk_sign_command(&one, &d->command);
	desk_give(d, all, 3, NULL);
	inbox_again(&d->in);
	desk_settle(d);
	assert_int_equal(ops_accepted(d->ops), 3);
}

static void the_first_command_of_an_epoch_has_number_one(void **state)
{
	struct desk *d = *state;
	struct desk_command k;

	desk_command(&k, 2);
	desk_give_command(d, &k);
	assert_int_equal(ops_accepted(d->ops), 0);
	assert_string_equal(desk_refusal(d), "the first command of an epoch must have sequence number 1");
}

static void a_higher_epoch_needs_a_release_signature_and_a_lower_one_is_refused(void **state)
{
	struct desk *d = *state;
	struct desk_command first, next;
	signed_t *s;

	desk_command(&first, 1);
	first.c.epoch = 5;
	desk_give_command(d, &first);
	assert_int_equal(ops_epoch(d->ops), 5);
	desk_command(&next, 1);
	next.id[0] = 9;
	next.c.epoch = 6;
	desk_give_command(d, &next);
	assert_int_equal(ops_epoch(d->ops), 5);
	assert_string_equal(desk_refusal(d), "a higher epoch needs a release signature and sequence number 1");
	s = desk_sign_command(&next, &d->command);
	desk_sign(s, &d->release, SIGN_DOMAIN_COMMAND);
	desk_give_one(d, s);
	assert_int_equal(ops_epoch(d->ops), 6);
	next.id[0] = 10;
	next.c.epoch = 4;
	desk_give_command(d, &next);
	assert_string_equal(desk_refusal(d), "an older epoch");
	assert_int_equal(ops_epoch(d->ops), 6);
}

static void give_acked_through(struct desk *d, uint64_t epoch, uint64_t through)
{
	intent_t i = REEVE__CONTROL__V1__INTENT__INIT;
	uint8_t bytes[64];

	i.epoch = epoch;
	i.result_acked_through = through;
	assert_int_equal(inbox_take(&d->in, bytes, reeve__control__v1__intent__pack(&i, bytes), NULL), 0);
	desk_settle(d);
}

/* The number counts in its own epoch alone: a late intent of another one must not let a result go that nobody has. */
static void a_number_of_another_epoch_acknowledges_nothing(void **state)
{
	struct desk *d = *state;
	struct desk_command k;

	desk_command(&k, 1);
	k.c.epoch = 5;
	k.c.verb = 77; /* ended at once */
	desk_give_command(d, &k);
	give_acked_through(d, 4, 1);
	give_acked_through(d, 6, 1);
	assert_non_null(ops_find(d->ops, k.id));
	give_acked_through(d, 5, 1);
	assert_null(ops_find(d->ops, k.id));
}

static void a_number_acknowledges_no_result_of_an_epoch_that_is_over(void **state)
{
	struct desk *d = *state;
	struct desk_command old, new;
	signed_t *s;

	desk_command(&old, 1);
	old.c.verb = 77;
	desk_give_command(d, &old);
	desk_command(&new, 1);
	new.id[0] = 9;
	new.c.epoch = 2;
	new.c.verb = 77;
	s = desk_sign_command(&new, &d->command);
	desk_sign(s, &d->release, SIGN_DOMAIN_COMMAND);
	desk_give_one(d, s);
	for (int life = 0; life < 2; life++) {
		give_acked_through(d, 2, 1);
		assert_null(ops_find(d->ops, new.id));
		assert_non_null(ops_find(d->ops, old.id));
		desk_shut(d);
		desk_open(d);
	}
	ops_acked_ids(d->ops, &old.c.command_id, 1);
	desk_settle(d);
	assert_null(ops_find(d->ops, old.id));
}

static void the_id_of_another_command_is_a_game_that_is_refused(void **state)
{
	struct desk *d = *state;
	struct desk_command k, clone;

	desk_command(&k, 1);
	desk_give_command(d, &k);
	desk_command(&clone, 2);
	memcpy(clone.id, k.id, sizeof(k.id));
	desk_give_command(d, &clone);
	assert_int_equal(ops_accepted(d->ops), 1);
	assert_string_equal(desk_refusal(d), "the id of another command");
}

static void let_go(struct desk *d, const struct desk_command *k)
{
	ops_acked_ids(d->ops, &k->c.command_id, 1);
	desk_settle(d);
	assert_null(ops_find(d->ops, k->id));
}

/* `k` has ended, is acknowledged, and its id comes again with another number and other bytes. */
static void give_again(struct desk *d, const struct desk_command *k)
{
	struct desk_command again;

	desk_command(&again, ops_accepted(d->ops) + 1);
	memcpy(again.id, k->id, sizeof(again.id));
	d->in.refusals_n = 0;
	desk_give_command(d, &again);
	assert_null(ops_find(d->ops, k->id));
	assert_string_equal(desk_refusal(d), "the id of another command");
}

static void an_id_is_refused_for_as_long_as_the_journal_knows_it(void **state)
{
	struct desk *d = *state;
	struct desk_command k;

	desk_command(&k, 1);
	k.c.verb = 77; /* ended at once */
	desk_give_command(d, &k);
	let_go(d, &k);
	give_again(d, &k);
	for (int life = 0; life < 2; life++) {
		desk_shut(d);
		desk_open(d);
		give_again(d, &k);
	}
	d->in.refusals_n = 0;
	desk_give_command(d, &k); /* the very same bytes come late: no news */
	assert_string_equal(desk_refusal(d), "");
}

static void an_id_and_number_that_are_known_are_refused_on_other_bytes(void **state)
{
	struct desk *d = *state;
	struct desk_command k, other;

	desk_command(&k, 1);
	k.c.verb = 77;
	desk_give_command(d, &k);
	for (int life = 0; life < 3; life++) {
		desk_command(&other, 1);
		other.c.expires_at += life + 1;
		desk_give_command(d, &other);
		assert_string_equal(desk_refusal(d), "the id of another command");
		d->in.refusals_n = 0;
		if (life == 0)
			let_go(d, &k);
		desk_shut(d);
		desk_open(d);
	}
}

static void a_number_that_is_taken_is_refused_under_another_id_and_says_by_which(void **state)
{
	struct desk *d = *state;
	struct desk_command one, two, other;

	desk_command(&one, 1);
	one.c.verb = 77;
	desk_command(&two, 2);
	desk_give_command(d, &one);
	desk_give_command(d, &two);
	let_go(d, &one);
	for (uint64_t seq = 1; seq <= 2; seq++) {
		char id[UUID_TEXT_LEN], wanted[128];

		desk_command(&other, seq);
		other.id[15] = 99;
		desk_give_command(d, &other);
		snprintf(wanted, sizeof(wanted), "sequence number %d is taken already, by %s", (int)seq,
			 uuid_text(seq == 1 ? one.id : two.id, id));
		assert_string_equal(desk_refusal(d), wanted);
		assert_null(ops_find(d->ops, other.id));
	}
	assert_int_equal(ops_accepted(d->ops), 2);
}

/* It has no memory that could tell an old command from a new one. */
static void a_young_agent_takes_no_command_that_is_older_than_itself(void **state)
{
	static const struct {
		int64_t id_ms;
		bool is_release_signed, is_taken;
	} cases[] = {
		{ DESK_NOW - 120001, false, false }, { DESK_NOW - 86400000, false, false }, { 0, false, false },
		{ DESK_NOW - 86400000, true, true }, { DESK_NOW - 120000, false, true },    { DESK_NOW + 1, false, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct desk_command k;
		struct desk *d;
		void *own = NULL;
		signed_t *s;

		(void)state;
		desk_start(&own);
		d = own;
		ops_note(d->ops, "journal.created", json_object());
		desk_settle(d);
		desk_pass(d, 600000); /* its first start is what counts, */
		desk_shut(d);
		desk_open(d); /* and not this one */
		desk_command(&k, 1);
		uuid_v7(cases[i].id_ms, k.id + 6, k.id);
		s = desk_sign_command(&k, &d->command);
		if (cases[i].is_release_signed)
			desk_sign(s, &d->release, SIGN_DOMAIN_COMMAND);
		desk_give_one(d, s);
		assert_int_equal(ops_accepted(d->ops), cases[i].is_taken);
		if (!cases[i].is_taken)
			assert_non_null(strstr(desk_refusal(d), "older than this agent"));
		desk_end(&own);
	}
}

static void an_agent_with_a_past_takes_an_old_command_in_sequence(void **state)
{
	struct desk *d = *state;
	struct desk_command k;

	desk_command(&k, 1);
	desk_give_command(d, &k);
	desk_command(&k, 2);
	uuid_v7(DESK_NOW - 86400000, k.id + 6, k.id);
	desk_give_command(d, &k);
	assert_int_equal(ops_accepted(d->ops), 2);
}

/* The string's bytes on the wire are changed where protobuf-c cannot write them itself. */
static signed_t *with_reason(struct desk *d, const char *reason, size_t len)
{
	struct desk_command k;
	uint8_t body[4096];
	char *at;
	size_t n;

	desk_command(&k, 1);
	k.c.reason = (char *)"..........";
	assert_int_equal(len, 10);
	n = reeve__control__v1__command__pack(&k.c, body);
	at = memmem(body, n, k.c.reason, len);
	assert_non_null(at);
	memcpy(at, reason, len);
	return desk_signed(body, n, &d->command, SIGN_DOMAIN_COMMAND);
}

static void a_text_that_shows_another_sentence_than_was_signed_is_refused(void **state)
{
	struct desk *d = *state;

	desk_give_one(d, with_reason(d, "ok\0 delete", 10));
	assert_string_equal(desk_refusal(d), "a command: reason holds a NUL");
	desk_give_one(d, with_reason(d,
				     "ok \xe2\x80\xae"
				     "abcd",
				     10));
	assert_string_equal(desk_refusal(d), "a command: reason holds a character that turns the direction of text");
	assert_int_equal(ops_accepted(d->ops), 0);
	desk_give_one(d, with_reason(d, "all \xd7\xa9\xd7\x9c .", 10));
	assert_int_equal(ops_accepted(d->ops), 1);
}

static void a_time_behind_the_year_9999_is_refused(void **state)
{
	static const struct {
		int64_t not_before, expires_at;
		bool is_taken;
	} cases[] = {
		{ STAMP_MAX_MS + 1, DESK_NOW + 1000, false },
		{ 0, STAMP_MAX_MS + 1, false },
		{ 0, INT64_MAX, false },
		{ -1, DESK_NOW + 1000, false },
		{ 0, -5, false },
		{ 0, STAMP_MAX_MS, true },
	};
	struct desk *d = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct desk_command k;

		desk_command(&k, 1);
		k.c.not_before = cases[i].not_before;
		k.c.expires_at = cases[i].expires_at;
		desk_give_command(d, &k);
		assert_int_equal(ops_accepted(d->ops), cases[i].is_taken);
	}
}

static void malformed_members_are_refused_by_their_names(void **state)
{
	struct desk *d = *state;
	struct desk_command k;

	desk_command(&k, 1);
	k.c.command_id.len = 15;
	desk_give_command(d, &k);
	assert_string_equal(desk_refusal(d), "command_id is no UUIDv7 of 16 bytes");
	for (int i = 0; i < 2; i++) {
		d->in.refusals_n = 0;
		desk_command(&k, 1);
		k.id[i == 0 ? 6 : 8] ^= 0xc0; /* 16 bytes, but no UUIDv7 */
		desk_give_command(d, &k);
		assert_string_equal(desk_refusal(d), "command_id is no UUIDv7 of 16 bytes");
	}
	d->in.refusals_n = 0;
	desk_command(&k, 1);
	k.c.reason = (char *)"\xff\xfe";
	desk_give_command(d, &k);
	assert_int_equal(ops_accepted(d->ops), 0);
	assert_true(str_starts(desk_refusal(d), "target, requested_by or reason is too long or not UTF-8"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_signed_command_in_sequence_is_accepted_and_in_the_journal),
		DESK_TEST(without_a_valid_signature_nothing_is_believed),
		DESK_TEST(a_signature_made_for_a_head_is_worth_nothing_on_a_command),
		DESK_TEST(a_command_for_somebody_else_is_refused),
		DESK_TEST(sequence_has_no_holes_and_no_repetition),
		DESK_TEST(the_first_command_of_an_epoch_has_number_one),
		DESK_TEST(a_higher_epoch_needs_a_release_signature_and_a_lower_one_is_refused),
		DESK_TEST(a_number_of_another_epoch_acknowledges_nothing),
		DESK_TEST(a_number_acknowledges_no_result_of_an_epoch_that_is_over),
		DESK_TEST(the_id_of_another_command_is_a_game_that_is_refused),
		DESK_TEST(an_id_is_refused_for_as_long_as_the_journal_knows_it),
		DESK_TEST(an_id_and_number_that_are_known_are_refused_on_other_bytes),
		DESK_TEST(a_number_that_is_taken_is_refused_under_another_id_and_says_by_which),
		cmocka_unit_test(a_young_agent_takes_no_command_that_is_older_than_itself),
		DESK_TEST(an_agent_with_a_past_takes_an_old_command_in_sequence),
		DESK_TEST(a_text_that_shows_another_sentence_than_was_signed_is_refused),
		DESK_TEST(a_time_behind_the_year_9999_is_refused),
		DESK_TEST(malformed_members_are_refused_by_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
