/* test_deed_diag.c - diag.collect and diag.send as operations: off unless the policy names them, stopped by every switch, and a
 * bundle leaves with both keys alone. What they do is agent/daemon's: here somebody else is lent to them. */
#include "agent/ops/deed_diag.h"
#include "agent/ops/deed.h"
#include "tests/unit/ops/shop.h"

#define ON "commands: {diag.collect: auto, diag.send: auto}\n"

struct hands {
	struct deed_diag lent; /* first */
	struct shop *s;
	struct deed_req *req;
	unsigned collected, sent, cancelled;
	bool hangs;
	enum deed_may may; /* what it was told last */
	struct timer timer;
};

static void on_done(struct timer *t)
{
	struct hands *h = container_of(t, struct hands, timer);
	struct deed_req *req = h->req;
	struct err e = { 0 };

	h->may = req->may(req, &e);
	if (h->may == DEED_WAIT || (h->may == DEED_GO && h->hangs && h->cancelled == 0)) {
		timer_start(h->s->d.w, &h->timer, 100, on_done);
		return;
	}
	if (h->may == DEED_DENY || h->cancelled > 0)
		req->error = json_pack("{s:s, s:s}", "class", "POLICY", "message", h->cancelled > 0 ? "called off" : err_text(&e));
	else if (req->cmd->verb == REEVE__CONTROL__V1__VERB__DIAG_COLLECT)
		req->output =
		    json_pack("{s:s, s:s, s:i, s:b}", "kind", "diag", "sha256", SHOP_ABC, "size_bytes", 3, "more_elsewhere", 1);
	h->sent += h->may == DEED_GO && req->cmd->verb == REEVE__CONTROL__V1__VERB__DIAG_SEND;
	h->req = NULL;
	req->priv = NULL;
	req->cb(req);
}

static void begin(struct hands *h, struct deed_req *req)
{
	assert_null(h->req); /* one at a time */
	h->req = req;
	req->priv = h;
	timer_start(h->s->d.w, &h->timer, 1000, on_done);
}

static void collect(struct deed_diag *d, struct deed_req *req)
{
	((struct hands *)d)->collected++;
	begin((struct hands *)d, req);
}

static void send(struct deed_diag *d, struct deed_req *req)
{
	begin((struct hands *)d, req);
}

static void cancel(struct deed_diag *d, struct deed_req *req)
{
	struct hands *h = (struct hands *)d;

	(void)req;
	h->cancelled++;
	timer_start(h->s->d.w, &h->timer, 0, on_done);
}

static void lend(struct shop *s, struct hands *h)
{
	*h = (struct hands){ .lent = { collect, send, cancel }, .s = s };
	desk_shut(&s->d);
	s->d.diag = &h->lent;
	shop_open(s);
}

static void make_collect(struct desk_command *k, uint64_t seq)
{
	desk_command(k, seq);
	k->c.verb = REEVE__CONTROL__V1__VERB__DIAG_COLLECT;
	k->c.target = (char *)"";
	k->c.args.len = 0;
	k->c.not_before = 0;
}

static void make_send(struct desk_command *k, uint64_t seq)
{
	Reeve__Control__V1__DiagSend d = REEVE__CONTROL__V1__DIAG_SEND__INIT;
	struct digest abc = digest_of("abc", 3);

	make_collect(k, seq);
	d.sha256 = (ProtobufCBinaryData){ DIGEST_LEN, abc.b };
	k->c.verb = REEVE__CONTROL__V1__VERB__DIAG_SEND;
	k->c.args.len = reeve__control__v1__diag_send__pack(&d, k->args);
}

static void a_policy_that_does_not_name_them_has_neither(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct hands h;
	char message[512];

	lend(s, &h);
	make_collect(&k, 1);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
	assert_string_equal(message, "the policy says off for diag.collect");
	make_send(&k, 2);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
	assert_string_equal(message, "the policy says off for diag.send");
	assert_int_equal(h.collected + h.sent, 0);
}

static void a_bundle_is_named_by_its_digest_and_its_bytes_are_in_no_result(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	struct hands h;
	Reeve__Control__V1__Output *o;

	lend(s, &h);
	shop_policy_counts(s, ON);
	make_collect(&k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	o = shop_status(s, &k, m)->output;
	assert_string_equal(o->kind, "diag");
	assert_true(o->more_elsewhere);
	assert_int_equal(o->size_bytes, 3);
	assert_int_equal(op_output_bytes(ops_find(s->d.ops, k.id)), 0);
	arena_free(m);
}

static void a_bundle_leaves_with_both_keys_alone(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct hands h;
	char message[512];

	lend(s, &h);
	shop_policy_counts(s, ON);
	make_send(&k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
	assert_string_equal(
	    message, "high risk (diag.send, something of this machine leaves it) needs a release signature beside the command's");
	make_send(&k, 2);
	shop_send(s, &k, true);
	assert_true(shop_until(s, &k, STATE_OF(PLANNED), 10000)); /* a fresh head is missing */
	shop_head(s);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(h.sent, 1);
}

static void the_plan_names_the_bundle_and_its_risk(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	struct hands h;
	const char *text;

	lend(s, &h);
	shop_policy_counts(s, ON);
	make_send(&k, 1);
	k.c.mode = REEVE__CONTROL__V1__MODE__PLAN;
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	text = shop_status(s, &k, m)->plan_text;
	assert_non_null(strstr(text, "It gives the vendor a bundle that diag.collect has made."));
	assert_non_null(strstr(text, "diag/" SHOP_ABC ".gz"));
	assert_non_null(strstr(text, "[HIGH RISK: needs a release signature]"));
	arena_free(m);
}

static void under_stop_nothing_leaves_before_and_after_its_start(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct hands h;

	lend(s, &h);
	shop_policy_counts(s, ON);
	shop_head(s);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	make_send(&k, 1);
	shop_send(s, &k, true);
	assert_false(shop_until(s, &k, ANY_END, 60000));
	assert_null(h.req);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	assert_false(shop_until(s, &k, ANY_END, 60000));
	assert_int_equal(h.may, DEED_WAIT);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	shop_head(s);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(h.sent, 1);
}

static void a_policy_that_forbids_it_meanwhile_has_the_last_word(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct hands h;
	char message[512];

	lend(s, &h);
	h.hangs = true;
	shop_policy_counts(s, ON);
	shop_head(s);
	make_send(&k, 1);
	shop_send(s, &k, true);
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	shop_policy_counts(s, "commands: {diag.send: off}\n");
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_string_equal(message, "the policy now says off for diag.send");
	assert_int_equal(h.sent, 0);
}

static void one_waits_behind_the_other_and_a_cancel_ends_it(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;
	struct hands h;

	lend(s, &h);
	h.hangs = true;
	shop_policy_counts(s, ON);
	make_collect(&one, 1);
	shop_send(s, &one, false);
	make_collect(&two, 2);
	shop_send(s, &two, false);
	assert_true(shop_until(s, &one, STATE_OF(RUNNING), 60000));
	desk_pass(&s->d, 5000);
	assert_int_equal(h.collected, 1);
	h.hangs = true;
	ops_cancel(s->d.ops, one.id);
	assert_int_equal(shop_ends(s, &one, NULL), STATE_OF(CANCELLED));
	h.cancelled = 0;
	h.hangs = false;
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(h.collected, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_policy_that_does_not_name_them_has_neither),
		SHOP(a_bundle_is_named_by_its_digest_and_its_bytes_are_in_no_result),
		SHOP(a_bundle_leaves_with_both_keys_alone),
		SHOP(the_plan_names_the_bundle_and_its_risk),
		SHOP(under_stop_nothing_leaves_before_and_after_its_start),
		SHOP(a_policy_that_forbids_it_meanwhile_has_the_last_word),
		SHOP(one_waits_behind_the_other_and_a_cancel_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
