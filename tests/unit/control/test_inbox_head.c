/* test_inbox_head.c - the head: how long it is fresh, and the cancels that travel in it. */
#include "tests/unit/control/desk.h"

static signed_t *head_of(struct desk *d, const head_t *h, const struct sign_key *by)
{
	uint8_t body[2048];
	size_t len = reeve__control__v1__head__pack(h, body);

	(void)d;
	return desk_signed(body, len, by, SIGN_DOMAIN_HEAD);
}

static void head(head_t *h)
{
	reeve__control__v1__head__init(h);
	h->installation = (char *)"inst-1";
	h->epoch = 1;
	h->issued_at = DESK_NOW;
	h->expires_at = DESK_NOW + 600000;
}

static void a_head_is_fresh_for_ten_minutes_at_most(void **state)
{
	struct desk *d = *state;
	head_t h;

	head(&h);
	h.expires_at++;
	desk_give(d, NULL, 0, head_of(d, &h, &d->head));
	assert_false(inbox_head_is_fresh(&d->in));
	head(&h);
	desk_give(d, NULL, 0, head_of(d, &h, &d->command));
	assert_false(inbox_head_is_fresh(&d->in));
	h.installation = (char *)"inst-2";
	desk_give(d, NULL, 0, head_of(d, &h, &d->head));
	assert_false(inbox_head_is_fresh(&d->in));
	head(&h);
	desk_give(d, NULL, 0, head_of(d, &h, &d->head));
	assert_true(inbox_head_is_fresh(&d->in));
	sim_wall_step(d->w, 600000);
	assert_false(inbox_head_is_fresh(&d->in));
}

static void a_head_of_an_older_epoch_is_refused(void **state)
{
	struct desk *d = *state;
	struct desk_command k;
	head_t h;

	desk_command(&k, 1);
	k.c.epoch = 5;
	desk_give_command(d, &k);
	head(&h);
	h.epoch = 4;
	desk_give(d, NULL, 0, head_of(d, &h, &d->head));
	assert_false(inbox_head_is_fresh(&d->in));
	assert_string_equal(desk_refusal(d), "a head of an older epoch");
	h.epoch = 5;
	desk_give(d, NULL, 0, head_of(d, &h, &d->head));
	assert_true(inbox_head_is_fresh(&d->in));
}

static void give_head(struct desk *d, int64_t issued, int64_t expires)
{
	head_t h;

	head(&h);
	h.issued_at = issued;
	h.expires_at = expires;
	desk_give(d, NULL, 0, head_of(d, &h, &d->head));
}

static void no_head_is_fresh_for_longer_than_ten_minutes_after_it_was_seen(void **state)
{
	struct desk *d = *state;

	give_head(d, DESK_NOW + 100000, DESK_NOW + 700000); /* a clock that is ahead: it would expire in twelve minutes */
	assert_true(inbox_head_is_fresh(&d->in));
	desk_pass(d, 300000);
	give_head(d, DESK_NOW + 100000, DESK_NOW + 700000); /* the same one again */
	desk_pass(d, 290000);
	assert_true(inbox_head_is_fresh(&d->in));
	desk_pass(d, 10000);
	assert_false(inbox_head_is_fresh(&d->in));
	give_head(d, DESK_NOW + 600000, DESK_NOW + 1200000);
	assert_true(inbox_head_is_fresh(&d->in));
	sim_wall_step(d->w, -3600000); /* a clock that is set back makes no head younger */
	desk_pass(d, 600000);
	assert_false(inbox_head_is_fresh(&d->in));
}

static void a_head_with_times_that_are_none_is_refused(void **state)
{
	struct desk *d = *state;
	static const struct {
		int64_t issued, expires;
		const char *why;
	} cases[] = {
		{ INT64_MIN, INT64_MAX, "a head without a time" },
		{ 0, 1, "a head without a time" },
		{ INT64_MAX - 1, INT64_MAX, "a head without a time" },
		{ 1, INT64_MAX, "a head without a time" },
		{ DESK_NOW, INT64_MIN, "a head that is valid for more than 10 minutes" },
		{ DESK_NOW, DESK_NOW, "a head that is valid for more than 10 minutes" },
		{ DESK_NOW + 200000, DESK_NOW + 800000, "a head issued more than 2 minutes ahead of our clock" },
		{ DESK_NOW + 3600000, DESK_NOW + 3600001, "a head issued more than 2 minutes ahead of our clock" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		d->in.refusals_n = 0;
		give_head(d, cases[i].issued, cases[i].expires);
		assert_false(inbox_head_is_fresh(&d->in));
		assert_string_equal(desk_refusal(d), cases[i].why);
	}
}

static void a_cancel_travels_in_the_head_and_ends_what_has_not_started(void **state)
{
	struct desk *d = *state;
	struct arena *m = arena_new_sized(1u << 20);
	Reeve__Control__V1__Status st;
	ProtobufCBinaryData id;
	struct desk_command k;
	head_t h;

	desk_command(&k, 1);
	desk_give_command(d, &k);
	head(&h);
	id = k.c.command_id;
	h.cancelled = &id;
	h.n_cancelled = 1;
	desk_give(d, NULL, 0, head_of(d, &h, &d->stranger));
	assert_false(op_is_cancelled(ops_find(d->ops, k.id)));
	desk_give(d, NULL, 0, head_of(d, &h, &d->head));
	desk_settle(d);
	op_status(ops_find(d->ops, k.id), m, &st);
	assert_int_equal(st.state, REEVE__CONTROL__V1__STATE__CANCELLED);
	arena_free(m);
}

/* What a restarted agent finds waiting: the command, and in the same intent, or one before it, that it is called off. */
static void a_cancel_that_comes_with_its_command_or_before_it_counts(void **state)
{
	for (int before = 0; before < 2; before++) {
		struct desk *d = *state;
		struct arena *m = arena_new_sized(1u << 20);
		Reeve__Control__V1__Status st;
		struct desk_command k;
		signed_t *one;
		head_t h;

		desk_command(&k, (uint64_t)before + 1);
		one = desk_sign_command(&k, &d->command);
		head(&h);
		h.issued_at += before;
		h.cancelled = &k.c.command_id;
		h.n_cancelled = 1;
		if (before) {
			desk_give(d, NULL, 0, head_of(d, &h, &d->head));
			desk_give(d, &one, 1, NULL);
		} else {
			desk_give(d, &one, 1, head_of(d, &h, &d->head));
		}
		op_status(ops_find(d->ops, k.id), m, &st);
		assert_int_equal(st.state, REEVE__CONTROL__V1__STATE__CANCELLED);
		assert_string_equal(st.error->message, "cancelled by the vendor before it was accepted");
		arena_free(m);
	}
}

/* What can only stop is not judged by the rules for what permits: each head here is stale for a reason of its own. */
static void a_head_that_is_not_fresh_cancels_all_the_same(void **state)
{
	struct desk *d = *state;

	for (int i = 0; i < 7; i++) {
		struct desk_command k;
		head_t h;
		signed_t *s;

		desk_command(&k, (uint64_t)i + 1);
		k.c.epoch = 5;
		desk_give_command(d, &k);
		assert_int_equal(ops_accepted(d->ops), i + 1);
		head(&h);
		h.epoch = i == 0 ? 4 : 5;
		h.issued_at = i == 1 ? DESK_NOW + 3600000 : i == 2 ? 0 : i == 3 ? INT64_MIN : h.issued_at;
		h.expires_at = i == 1 ? DESK_NOW + 4000000 : i == 4 ? h.issued_at + 600001 : i == 5 ? 1 : h.expires_at;
		h.installation = (char *)(i == 6 ? "inst-2" : "inst-1");
		h.cancelled = &k.c.command_id;
		h.n_cancelled = 1;
		s = head_of(d, &h, &d->head);
		desk_give(d, NULL, 0, s);
		assert_false(inbox_head_is_fresh(&d->in));
		assert_true(op_is_cancelled(ops_find(d->ops, k.id)));
	}
}

static void a_stale_head_calls_off_a_command_that_comes_after_it_and_after_newer_heads(void **state)
{
	struct desk *d = *state;
	struct arena *m = arena_new_sized(1u << 20);
	Reeve__Control__V1__Status st;
	struct desk_command k;
	head_t h;

	desk_command(&k, 1);
	head(&h);
	h.issued_at = DESK_NOW - 1000000;
	h.expires_at = DESK_NOW - 500000;
	h.cancelled = &k.c.command_id;
	h.n_cancelled = 1;
	desk_give(d, NULL, 0, head_of(d, &h, &d->head));
	give_head(d, DESK_NOW, DESK_NOW + 600000);
	give_head(d, DESK_NOW + 1, DESK_NOW + 600000);
	desk_give_command(d, &k);
	op_status(ops_find(d->ops, k.id), m, &st);
	assert_int_equal(st.state, REEVE__CONTROL__V1__STATE__CANCELLED);
	arena_free(m);
}

/* `tail`: bytes behind the cancels; before them n ids that nobody has, if `id` stands behind. */
static void give_long_head(struct desk *d, const uint8_t id[16], uint32_t before, uint32_t behind, const char *tail,
			   size_t tail_len)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
	uint8_t other[16] = { 0xee };
	head_t h;

	head(&h);
	reeve__control__v1__head__pack(&h, (uint8_t *)buf_room(&b, 4096));
	buf_grew(&b, reeve__control__v1__head__get_packed_size(&h));
	for (uint32_t i = 0; i < before + 1 + behind; i++) {
		memcpy(other + 8, &i, sizeof(i));
		buf_add(&b, "\x32\x10", 2);
		buf_add(&b, i == before ? id : other, 16);
	}
	buf_add(&b, tail, tail_len);
	desk_give(d, NULL, 0, desk_signed(b.data, b.len, &d->head, SIGN_DOMAIN_HEAD));
}

static void of_a_head_that_is_too_long_the_first_1024_cancels_count_and_it_is_told(void **state)
{
	static const struct {
		uint32_t before, behind;
		bool counts;
	} cases[] = { { 0, 1024, true }, { 1023, 0, true }, { 1023, 8000, true }, { 1024, 0, false }, { 0, 1023, true } };
	struct desk *d = *state;

	for (uint64_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_long = cases[i].before + cases[i].behind > 1023;
		struct desk_command k;

		desk_command(&k, i + 1);
		desk_give_command(d, &k);
		d->in.refusals_n = 0;
		memset(d->in.told, 0, sizeof(d->in.told));
		give_long_head(d, k.id, cases[i].before, cases[i].behind, "", 0);
		assert_int_equal(op_is_cancelled(ops_find(d->ops, k.id)), cases[i].counts);
		assert_string_equal(desk_refusal(d),
				    is_long ? "a head with more than 1,024 cancels: those behind them do not count" : "");
	}
}

/* Fields of another type, an id of another length, an unknown field, and bytes that break off. */
static void what_is_broken_in_a_signed_head_takes_nothing_from_its_cancels(void **state)
{
	static const struct {
		const char *tail;
		size_t len;
	} cases[] = { { "\x32\x00", 2 },     { "\x12\x01", 2 }, { "\x32\xff\xff", 3 },
		      { "\xf8\x7f\x01", 3 }, { "\x33", 1 },     { "\x00", 1 } };
	struct desk *d = *state;

	for (uint64_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct desk_command k;

		desk_command(&k, i + 1);
		desk_give_command(d, &k);
		give_long_head(d, k.id, 0, 0, cases[i].tail, cases[i].len);
		assert_true(op_is_cancelled(ops_find(d->ops, k.id)));
	}
}

/* Signed anew with each poll, as an honest vendor does whose agent is of a newer epoch. */
static void what_is_wrong_with_every_head_is_on_the_record_once_an_hour(void **state)
{
	struct desk *d = *state;
	struct desk_command k;
	uint64_t before;

	desk_command(&k, 1);
	k.c.epoch = 5;
	desk_give_command(d, &k);
	before = journal_seq(d->j);
	for (int poll = 0; poll < 100; poll++) {
		give_head(d, DESK_NOW + poll, DESK_NOW + 600000);
		desk_give(d, NULL, 0, desk_signed(&poll, sizeof(poll), &d->stranger, SIGN_DOMAIN_HEAD));
	}
	assert_int_equal(journal_seq(d->j), before + 2);
	assert_int_equal(d->in.refusals_n, 2);
	desk_pass(d, 3600000);
	give_head(d, DESK_NOW, DESK_NOW + 500000);
	assert_int_equal(journal_seq(d->j), before + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(a_head_is_fresh_for_ten_minutes_at_most),
		DESK_TEST(a_head_of_an_older_epoch_is_refused),
		DESK_TEST(no_head_is_fresh_for_longer_than_ten_minutes_after_it_was_seen),
		DESK_TEST(a_head_with_times_that_are_none_is_refused),
		DESK_TEST(a_cancel_travels_in_the_head_and_ends_what_has_not_started),
		DESK_TEST(a_cancel_that_comes_with_its_command_or_before_it_counts),
		DESK_TEST(a_head_that_is_not_fresh_cancels_all_the_same),
		DESK_TEST(a_stale_head_calls_off_a_command_that_comes_after_it_and_after_newer_heads),
		DESK_TEST(of_a_head_that_is_too_long_the_first_1024_cancels_count_and_it_is_told),
		DESK_TEST(what_is_broken_in_a_signed_head_takes_nothing_from_its_cancels),
		DESK_TEST(what_is_wrong_with_every_head_is_on_the_record_once_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
