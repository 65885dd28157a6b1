/* test_inbox_limits.c - intents that would cost much: memory, disk, time. */
#include "tests/unit/control/desk.h"

static void a_good_command_wrapped_in_junk_signatures_is_too_large(void **state)
{
	struct desk *d = *state;
	struct desk_command k;
	signed_t *s;

	desk_command(&k, 1);
	s = desk_sign_command(&k, &d->command);
	desk_sign(s, &d->command, SIGN_DOMAIN_COMMAND);
	mem_free(s->sigs[1]->sig.data);
	s->sigs[1]->sig = (ProtobufCBinaryData){ 1u << 20, mem_alloc(1u << 20) };
	desk_give_one(d, s);
	assert_int_equal(ops_accepted(d->ops), 0);
	assert_string_equal(desk_refusal(d), "a command that is too large, its signatures included");
}

static void bytes_that_are_no_intent_are_an_error_and_change_nothing(void **state)
{
	struct desk *d = *state;
	static const uint8_t junk[] = { 0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3 };
	struct err e = { 0 };

	assert_int_equal(inbox_take(&d->in, junk, sizeof(junk), &e), -ERR_INVALID);
	assert_int_equal(inbox_take(&d->in, junk, (4u << 20) + 1, &e), -ERR_LIMIT);
	assert_int_equal(ops_accepted(d->ops), 0);
	assert_int_equal(d->in.refusals_n, 0);
}

/* A few bytes each on the wire, and a struct each in memory: refused before they are unpacked. */
static void an_intent_that_would_cost_much_memory_is_refused_unread(void **state)
{
	struct desk *d = *state;
	static const struct {
		const char *field;
		size_t len, n;
		int rc;
		const char *says;
	} cases[] = {
		{ "\x1a\x00", 2, 1u << 20, -ERR_LIMIT, "more than 2048 fields" },         /* commands */
		{ "\x12\x02\x12\x00", 4, 1u << 19, -ERR_LIMIT, "more than 2048 fields" }, /* heads with a signature each */
		{ "\x12\x00", 2, 1025, 0, "" },
		{ "\x1a\x00", 2, (1u << 20) + 1, -ERR_LIMIT, "an intent of 2097154 bytes" },
		{ "\x1a\x02\x10\x01", 4, 1, -ERR_INVALID, "field sigs is of another type" },
		{ "\x0a\x00", 2, 1, -ERR_INVALID, "field epoch is of another type" },
		{ "\x1a\x03\x0a\x05", 4, 1, -ERR_INVALID, "cut off" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(4u << 20);
		struct err e = { 0 };

		for (size_t k = 0; k < cases[i].n; k++)
			buf_add(&b, cases[i].field, cases[i].len);
		assert_int_equal(inbox_take(&d->in, b.data, b.len, &e), cases[i].rc);
		assert_non_null(strstr(e.text, cases[i].says));
	}
}

static void arguments_that_would_cost_much_memory_are_accepted_with_their_refusal(void **state)
{
	struct desk *d = *state;
	struct arena *m = arena_new_sized(1u << 20);
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
	Reeve__Control__V1__Status st;
	struct desk_command k;

	for (int i = 0; i < 20000; i++)
		buf_add(&b, "\x0a\x02\x22\x00", 4); /* specs with an empty security group each */
	desk_command(&k, 1);
	k.c.verb = REEVE__CONTROL__V1__VERB__WAREHOUSE_APPLY;
	k.c.args = (ProtobufCBinaryData){ b.len, (uint8_t *)b.data };
	desk_give_command(d, &k);
	op_status(ops_find(d->ops, k.id), m, &st);
	assert_int_equal(st.state, REEVE__CONTROL__V1__STATE__FAILED);
	assert_string_equal(st.error->message, "args has more than 16384 fields");
	arena_free(m);
}

/* Taken again at each change, so it must cost nothing once nothing in it waits. */
static void an_intent_is_kept_only_while_something_in_it_waits(void **state)
{
	struct desk *d = *state;
	struct desk_command one, two;
	signed_t *all[2];

	desk_command(&one, 1);
	desk_command(&two, 2);
	all[0] = desk_sign_command(&one, &d->command);
	all[1] = desk_sign_command(&two, &d->command);
	desk_give(d, all, 2, NULL);
	assert_int_equal(d->in.refusals_n, 0); /* of an epoch that is not known yet */
	assert_true(d->in.last.len > 0);
	inbox_again(&d->in);
	assert_int_equal(d->in.last.len, 0);
	desk_settle(d);
	assert_int_equal(ops_accepted(d->ops), 2);
}

/* What stands in records must be a number that every reader of JSON reads alike. */
static void numbers_beyond_what_json_can_hold_are_refused(void **state)
{
	static const uint64_t bad[] = { 0, (1ull << 53) + 1, UINT64_MAX };
	struct desk *d = *state;
	struct desk_command k;

	for (int life = 0; life < 2; life++) { /* before the first epoch, and in one */
		for (size_t i = 0; i < 2 * ARRAY_LEN(bad); i++) {
			signed_t *s;

			desk_command(&k, 1);
			d->in.refusals_n = 0;
			k.id[0] = 99;
			*(i % 2 == 0 ? &k.c.seq : &k.c.epoch) = bad[i / 2];
			s = desk_sign_command(&k, &d->command);
			desk_sign(s, &d->release, SIGN_DOMAIN_COMMAND);
			desk_give_one(d, s);
			assert_int_equal(ops_accepted(d->ops), life);
			assert_string_equal(desk_refusal(d),
					    i % 2 == 0 ? "its sequence number is 0 or above 2^53" : "its epoch is 0 or above 2^53");
		}
		desk_command(&k, 1);
		desk_give_command(d, &k);
		assert_int_equal(ops_accepted(d->ops), 1);
	}
	assert_int_equal(d->in.waiting_n, 0);
}

/* It is a snapshot: what was not read comes again, and an honest vendor sends nothing that is not signed. */
static void an_intent_with_four_commands_that_no_key_signed_is_not_read_on(void **state)
{
	struct desk *d = *state;

	for (size_t bad = 3; bad <= 4; bad++) {
		struct desk_command k;
		signed_t *all[5];

		for (size_t i = 0; i < bad; i++)
			all[i] = desk_signed(&(size_t){ i }, 8, &d->stranger, SIGN_DOMAIN_COMMAND);
		desk_command(&k, bad - 2);
		all[bad] = desk_sign_command(&k, &d->command);
		desk_give(d, all, bad + 1, NULL);
		assert_int_equal(ops_accepted(d->ops), 1);
		assert_int_equal(ops_find(d->ops, k.id) != NULL, bad == 3);
	}
}

/* As many as an intent may hold, new ones with each poll. */
static void refused_commands_are_noted_sixty_times_an_hour_and_counted_beyond(void **state)
{
	struct desk *d = *state;
	uint64_t before = journal_seq(d->j);
	struct desk_command k;

	for (uint32_t poll = 0; poll < 20; poll++) {
		signed_t *all[32];

		for (uint32_t i = 0; i < ARRAY_LEN(all); i++)
			all[i] = desk_signed((uint32_t[]){ poll, i }, 8, &d->stranger, SIGN_DOMAIN_COMMAND);
		desk_give(d, all, ARRAY_LEN(all), NULL);
	}
	assert_int_equal(journal_seq(d->j), before + 60);
	assert_int_equal(d->in.refusals_n, INBOX_REFUSALS);
	desk_command(&k, 1);
	desk_give_command(d, &k);
	assert_int_equal(ops_accepted(d->ops), 1);
	desk_pass(d, 3600000);
	assert_int_equal(journal_seq(d->j), before + 60 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_good_command_wrapped_in_junk_signatures_is_too_large),
		DESK_TEST(bytes_that_are_no_intent_are_an_error_and_change_nothing),
		DESK_TEST(an_intent_that_would_cost_much_memory_is_refused_unread),
		DESK_TEST(arguments_that_would_cost_much_memory_are_accepted_with_their_refusal),
		DESK_TEST(an_intent_is_kept_only_while_something_in_it_waits),
		DESK_TEST(numbers_beyond_what_json_can_hold_are_refused),
		DESK_TEST(an_intent_with_four_commands_that_no_key_signed_is_not_read_on),
		DESK_TEST(refused_commands_are_noted_sixty_times_an_hour_and_counted_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
