/* test_inbox.c - what a vendor may not do to us. */
#include "tests/unit/control/desk.h"

static void give_bent(struct desk *d, struct desk_command *k)
{
	desk_give_one(d, desk_sign_command(k, &d->command));
}

static const char *newest_refusal(const struct desk *d)
{
	return d->in.refusals_n > 0 ? d->in.refusals[0].reason : "";
}

static void a_signed_command_in_sequence_is_accepted_and_in_the_journal(void **state)
{
	struct desk *d = *state;
	struct desk_command k;

	desk_command(&k, 1);
	give_bent(d, &k);
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
	assert_string_equal(newest_refusal(d), "a command without a valid signature of a command key");
}

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
	assert_string_equal(newest_refusal(d), "a command that is too large, its signatures included");
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
		give_bent(d, &k);
		assert_int_equal(ops_accepted(d->ops), 0);
		assert_string_equal(newest_refusal(d), "bound to another installation, account, region or role");
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
	give_bent(d, &one);
	give_bent(d, &three);
	assert_int_equal(ops_accepted(d->ops), 1);
	assert_int_equal(d->in.waiting_n, 1);
	assert_int_equal(d->in.waiting[0], 3);
	give_bent(d, &one);
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
	give_bent(d, &k);
	assert_int_equal(ops_accepted(d->ops), 0);
	assert_string_equal(newest_refusal(d), "the first command of an epoch must have sequence number 1");
}

static void a_higher_epoch_needs_a_release_signature_and_a_lower_one_is_refused(void **state)
{
	struct desk *d = *state;
	struct desk_command first, next;
	signed_t *s;

	desk_command(&first, 1);
	first.c.epoch = 5;
	give_bent(d, &first);
	assert_int_equal(ops_epoch(d->ops), 5);
	desk_command(&next, 1);
	next.id[0] = 9;
	next.c.epoch = 6;
	give_bent(d, &next);
	assert_int_equal(ops_epoch(d->ops), 5);
	assert_string_equal(newest_refusal(d), "a higher epoch needs a release signature and sequence number 1");
	s = desk_sign_command(&next, &d->command);
	desk_sign(s, &d->release, SIGN_DOMAIN_COMMAND);
	desk_give_one(d, s);
	assert_int_equal(ops_epoch(d->ops), 6);
	next.id[0] = 10;
	next.c.epoch = 4;
	give_bent(d, &next);
	assert_string_equal(newest_refusal(d), "an older epoch");
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
	give_bent(d, &k);
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
	give_bent(d, &old);
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

static void what_a_delete_names_and_confirms_is_the_target(void **state)
{
	static const struct {
		const char *target, *warehouse, *confirm;
		int wanted;
	} cases[] = {
		{ "wh-1", "wh-1", "wh-1", REEVE__CONTROL__V1__STATE__RECEIVED },
		{ "wh-1", "wh-1", "wh-2", REEVE__CONTROL__V1__STATE__FAILED },
		{ "wh-1", "wh-1", "", REEVE__CONTROL__V1__STATE__FAILED },
		{ "wh-1", "wh-2", "wh-1", REEVE__CONTROL__V1__STATE__FAILED },
		{ "wh-1", "wh-2", "wh-2", REEVE__CONTROL__V1__STATE__FAILED },
		{ "wh-2", "wh-1", "wh-1", REEVE__CONTROL__V1__STATE__FAILED },
	};
	struct desk *d = *state;

	for (uint64_t i = 0; i < ARRAY_LEN(cases); i++) {
		Reeve__Control__V1__WarehouseDelete a = REEVE__CONTROL__V1__WAREHOUSE_DELETE__INIT;
		struct arena *m = arena_new_sized(1u << 20);
		Reeve__Control__V1__Status st;
		struct desk_command k;

		desk_command(&k, i + 1);
		a.warehouse = (char *)cases[i].warehouse;
		a.confirm = (char *)cases[i].confirm;
		k.c.target = (char *)cases[i].target;
		k.c.args.len = reeve__control__v1__warehouse_delete__pack(&a, k.args);
		give_bent(d, &k);
		op_status(ops_find(d->ops, k.id), m, &st);
		assert_int_equal(st.state, cases[i].wanted);
		arena_free(m);
	}
}

/* Accepted, because it was signed and in sequence; and ended at once, because it says what cannot be done. */
static void what_is_not_understood_is_rejected_and_never_ignored(void **state)
{
	struct desk *d = *state;
	static const int wanted[] = {
		REEVE__CONTROL__V1__STATE__REJECTED_UNSUPPORTED,
		REEVE__CONTROL__V1__STATE__REJECTED_UNSUPPORTED,
		REEVE__CONTROL__V1__STATE__REJECTED_UNSUPPORTED,
		REEVE__CONTROL__V1__STATE__EXPIRED,
		REEVE__CONTROL__V1__STATE__EXPIRED,
		REEVE__CONTROL__V1__STATE__FAILED,
		REEVE__CONTROL__V1__STATE__FAILED,
		REEVE__CONTROL__V1__STATE__FAILED,
	};

	for (uint64_t i = 0; i < ARRAY_LEN(wanted); i++) {
		struct arena *m = arena_new_sized(1u << 20);
		Reeve__Control__V1__Status st;
		struct desk_command k;

		desk_command(&k, i + 1);
		if (i == 0)
			k.c.schema = 2;
		if (i == 1)
			k.c.verb = 77;
		if (i == 2)
			k.c.mode = 9;
		if (i == 3)
			k.c.expires_at = DESK_NOW - 1;
		if (i == 4)
			k.c.expires_at = 0;
		if (i == 5)
			k.c.target = (char *)"wh-2";
		if (i == 6)
			k.c.target = (char *)"Not An Id";
		if (i == 7)
			k.c.args.len = 3;
		give_bent(d, &k);
		assert_int_equal(ops_accepted(d->ops), i + 1);
		op_status(ops_find(d->ops, k.id), m, &st);
		assert_int_equal(st.state, wanted[i]);
		assert_true(st.error != NULL && st.error->message[0] != '\0');
		arena_free(m);
	}
}

static void the_id_of_another_command_is_a_game_that_is_refused(void **state)
{
	struct desk *d = *state;
	struct desk_command k, clone;

	desk_command(&k, 1);
	give_bent(d, &k);
	desk_command(&clone, 2);
	memcpy(clone.id, k.id, sizeof(k.id));
	give_bent(d, &clone);
	assert_int_equal(ops_accepted(d->ops), 1);
	assert_string_equal(newest_refusal(d), "the id of another command");
}

static void malformed_members_are_refused(void **state)
{
	struct desk *d = *state;
	struct desk_command k;

	desk_command(&k, 1);
	k.c.command_id.len = 15;
	give_bent(d, &k);
	assert_string_equal(newest_refusal(d), "a command with malformed members");
	for (int i = 0; i < 2; i++) {
		d->in.refusals_n = 0;
		desk_command(&k, 1);
		k.id[i == 0 ? 6 : 8] ^= 0xc0; /* 16 bytes, but no UUIDv7 */
		give_bent(d, &k);
		assert_string_equal(newest_refusal(d), "a command with malformed members");
	}
	d->in.refusals_n = 0;
	desk_command(&k, 1);
	k.c.reason = (char *)"\xff\xfe";
	give_bent(d, &k);
	assert_int_equal(ops_accepted(d->ops), 0);
	assert_string_equal(newest_refusal(d), "a command with malformed members");
}

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
	give_bent(d, &k);
	head(&h);
	h.epoch = 4;
	desk_give(d, NULL, 0, head_of(d, &h, &d->head));
	assert_false(inbox_head_is_fresh(&d->in));
	assert_string_equal(newest_refusal(d), "a head of an older epoch");
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

static void nothing(void *ctx)
{
	(void)ctx;
}

/* Time goes from event to event, so there must be one. */
static void pass(struct desk *d, uint64_t ms)
{
	sim_at(d->w, ms, nothing, NULL);
	sim_run_until(d->w, NULL, NULL, ms);
}

static void no_head_is_fresh_for_longer_than_ten_minutes_after_it_was_seen(void **state)
{
	struct desk *d = *state;

	give_head(d, DESK_NOW + 100000, DESK_NOW + 700000); /* a clock that is ahead: it would expire in twelve minutes */
	assert_true(inbox_head_is_fresh(&d->in));
	pass(d, 300000);
	give_head(d, DESK_NOW + 100000, DESK_NOW + 700000); /* the same one again */
	pass(d, 290000);
	assert_true(inbox_head_is_fresh(&d->in));
	pass(d, 10000);
	assert_false(inbox_head_is_fresh(&d->in));
	give_head(d, DESK_NOW + 600000, DESK_NOW + 1200000);
	assert_true(inbox_head_is_fresh(&d->in));
	sim_wall_step(d->w, -3600000); /* a clock that is set back makes no head younger */
	pass(d, 600000);
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
		{ DESK_NOW + 200000, DESK_NOW + 800000, "a head from the future" },
		{ DESK_NOW + 3600000, DESK_NOW + 3600001, "a head from the future" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		d->in.refusals_n = 0;
		give_head(d, cases[i].issued, cases[i].expires);
		assert_false(inbox_head_is_fresh(&d->in));
		assert_string_equal(newest_refusal(d), cases[i].why);
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
	give_bent(d, &k);
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

static void a_head_with_more_than_a_thousand_cancels_is_refused(void **state)
{
	struct desk *d = *state;
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
	head_t h;

	head(&h);
	reeve__control__v1__head__pack(&h, (uint8_t *)buf_room(&b, 4096));
	buf_grew(&b, reeve__control__v1__head__get_packed_size(&h));
	for (int i = 0; i < 1200; i++)
		buf_add(&b, "\x32\x00", 2);
	desk_give(d, NULL, 0, desk_signed(b.data, b.len, &d->head, SIGN_DOMAIN_HEAD));
	assert_false(inbox_head_is_fresh(&d->in));
	assert_string_equal(newest_refusal(d), "a head that cannot be decoded");
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
	give_bent(d, &k);
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
			assert_string_equal(newest_refusal(d),
					    i % 2 == 0 ? "a sequence number that is none" : "an epoch that is none");
		}
		desk_command(&k, 1);
		give_bent(d, &k);
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
	give_bent(d, &k);
	assert_int_equal(ops_accepted(d->ops), 1);
	pass(d, 3600000);
	assert_int_equal(journal_seq(d->j), before + 60 + 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, desk_start, desk_end)
	const struct CMUnitTest tests[] = {
		TEST(a_signed_command_in_sequence_is_accepted_and_in_the_journal),
		TEST(without_a_valid_signature_nothing_is_believed),
		TEST(a_good_command_wrapped_in_junk_signatures_is_too_large),
		TEST(a_signature_made_for_a_head_is_worth_nothing_on_a_command),
		TEST(a_command_for_somebody_else_is_refused),
		TEST(sequence_has_no_holes_and_no_repetition),
		TEST(the_first_command_of_an_epoch_has_number_one),
		TEST(a_higher_epoch_needs_a_release_signature_and_a_lower_one_is_refused),
		TEST(a_number_of_another_epoch_acknowledges_nothing),
		TEST(a_number_acknowledges_no_result_of_an_epoch_that_is_over),
		TEST(what_a_delete_names_and_confirms_is_the_target),
		TEST(what_is_not_understood_is_rejected_and_never_ignored),
		TEST(the_id_of_another_command_is_a_game_that_is_refused),
		TEST(malformed_members_are_refused),
		TEST(a_head_is_fresh_for_ten_minutes_at_most),
		TEST(a_head_of_an_older_epoch_is_refused),
		TEST(a_cancel_travels_in_the_head_and_ends_what_has_not_started),
		TEST(no_head_is_fresh_for_longer_than_ten_minutes_after_it_was_seen),
		TEST(a_head_with_times_that_are_none_is_refused),
		TEST(an_intent_that_would_cost_much_memory_is_refused_unread),
		TEST(a_head_with_more_than_a_thousand_cancels_is_refused),
		TEST(arguments_that_would_cost_much_memory_are_accepted_with_their_refusal),
		TEST(numbers_beyond_what_json_can_hold_are_refused),
		TEST(an_intent_with_four_commands_that_no_key_signed_is_not_read_on),
		TEST(refused_commands_are_noted_sixty_times_an_hour_and_counted_beyond),
		TEST(an_intent_is_kept_only_while_something_in_it_waits),
		TEST(a_cancel_that_comes_with_its_command_or_before_it_counts),
		TEST(bytes_that_are_no_intent_are_an_error_and_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
