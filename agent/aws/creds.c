/* creds.c - a cache of one set of keys, and the one renewal that all askers share.
 *
 *   idle --> asking --> idle
 *
 * | what we have                         | who asks while nothing is under way | who asks meanwhile |
 * |--------------------------------------|-------------------------------------|--------------------|
 * | good keys                            | gets them                           | -                  |
 * | keys within the advisory window      | starts a renewal and waits for it   | gets the old       |
 * | in the last minute, expired, refused | starts a renewal and waits for it   | waits for it too   |
 * | none                                 | starts a question and waits for it  | waits for it too   |
 *
 * A renewal fails when the source errs, brings keys that have already expired, or brings the very keys that AWS refused. Then:
 *  - what we have is served on, even past its expiry (AWS decides), to those who waited and to all who ask in the next
 *    300..600 s. The source is not asked earlier, not even when AWS refuses those keys, but for two cases. A source that brings
 *    other keys each time, and failed to replace refused ones, is asked again after 1..30 s: an operation waits. And when the only
 *    fault of what it brought was that our clock calls it expired, it is asked at once when AWS refuses that.
 *  - with no keys those who waited get the source's error. It is not kept: who asks next has the source asked again.
 *  - an error that no renewal mends, by its code (creds_refused), is told to those who waited, also when there are good keys. It is
 *    not kept either.
 * Questions that failed are a second apart at least; who asks earlier waits for that. A source whose first keys have already
 * expired is believed, because our clock may be the wrong one. There is no timer that renews: keys that nobody asks for run out.
 * Closing cancels the askers, waits until the source has answered, and only then calls done. */
#include "agent/aws/creds.h"

#include <assert.h>
#include <string.h>

#include "agent/aws/creds_source.h"
#include "agent/base/backoff.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/sm.h"
#include "agent/base/str.h"
#include "agent/io/ending.h"

#define MINUTE_MS INT64_C(60000)
#define MANDATORY_MS MINUTE_MS
#define BLOCK_MS 300000 /* and as much again, by chance */
#define RETRY_MS 1000   /* at least, between questions that failed */
#define RETRY_CAP_MS 30000

enum { CREDS_IDLE, CREDS_ASKING, CREDS_STATES };

static const struct sm_state creds_table[CREDS_STATES] = {
	[CREDS_IDLE] = { "idle", SM_TO(CREDS_ASKING) },
	[CREDS_ASKING] = { "asking", SM_TO(CREDS_IDLE) },
};
static const struct sm_machine creds_machine = SM_MACHINE("creds", creds_table, NULL);

struct creds {
	struct world *w;
	struct sm sm;
	struct list waiters, patient, dropped; /* patient: wait for the question under way, or for its turn */
	struct timer tick;
	struct keys keys;                   /* id "": none yet */
	int64_t advisory_ms;                /* how long before the expiry a renewal is worth a try */
	bool rejected;                      /* AWS refused `keys` */
	bool has_ended;                     /* what the source brought last has, to our clock */
	uint64_t blocked_until_ms, next_ms; /* next_ms: no question before this; askers wait */
	struct backoff backoff;             /* while AWS refuses what we have, of a source that brings others */
	bool is_answered,
	    is_refused;  /* the last question was, and its askers are not told yet; by an error that no renewal mends */
	bool is_failing; /* the question under way goes on after a try that has failed: err and why say of what */
	struct err err;  /* why it failed */
	struct creds_why why;
	struct err logged; /* the last that was, and when */
	uint64_t logged_ms;
	struct creds_source *source;
	struct ending end;
};

static void on_tick(struct timer *t);

static void wake(struct creds *c)
{
	timer_start(c->w, &c->tick, 0, on_tick);
}

/* ---- how good what we have is ---------------------------------------------------------------------------------------------- */

static bool has_keys(const struct creds *c)
{
	return c->keys.id[0] != '\0';
}

static bool is_blocked(const struct creds *c)
{
	return world_now_ms(c->w) < c->blocked_until_ms;
}

static bool is_worthless(const struct creds *c)
{
	return c->rejected && c->source->brings_others;
}

static int64_t left_ms(const struct creds *c, const struct keys *k)
{
	return k->expires_ms - world_wall_ms(c->w);
}

static bool must_renew(const struct creds *c)
{
	return !has_keys(c) || c->rejected || left_ms(c, &c->keys) < MANDATORY_MS;
}

static bool is_asking(const struct creds *c)
{
	return c->sm.now == CREDS_ASKING || !list_empty(&c->patient);
}

static bool should_renew(const struct creds *c)
{
	return !is_blocked(c) && (must_renew(c) || left_ms(c, &c->keys) < c->advisory_ms);
}

/* The window of the SDKs' common rules: a short life leaves less room. */
static int64_t advisory_of(int64_t life_ms)
{
	if (life_ms <= 20 * MINUTE_MS)
		return 5 * MINUTE_MS;
	return life_ms < 90 * MINUTE_MS ? 15 * MINUTE_MS : 60 * MINUTE_MS;
}

/* ---- renewal ------------------------------------------------------------------------------------------------------------- */

static uint64_t wait_ms(struct creds *c)
{
	uint64_t r = world_random64(c->w);

	/* Somebody waits for these: for first keys, or for a role that a person is just mending. */
	if (!has_keys(c) || c->is_refused)
		return RETRY_MS;
	/* By chance, so that machines whose renewals fail together do not all come back together. */
	return is_worthless(c) ? RETRY_MS + backoff_next_ms(&c->backoff, r) : BLOCK_MS + r % BLOCK_MS;
}

/* An error that stays the same is logged once a minute at most. */
static void log_failure(struct creds *c, uint64_t retry_ms)
{
	uint64_t now = world_now_ms(c->w);

	if (str_eq(err_text(&c->logged), err_text(&c->err)) && now - c->logged_ms < (uint64_t)MINUTE_MS)
		return;
	c->logged = c->err;
	c->logged_ms = now;
	log_warn("aws.keys.renewal.failed", "source=%s have_keys=%s mends=%s retry_in_ms=%llu err=%s", c->source->name,
		 has_keys(c) ? "yes" : "no", c->is_refused ? "no" : "maybe", (unsigned long long)retry_ms, err_text(&c->err));
}

static void stay_away(struct creds *c)
{
	uint64_t now = world_now_ms(c->w), ms = wait_ms(c);

	c->next_ms = now + RETRY_MS;
	if (has_keys(c) && !c->is_refused)
		c->blocked_until_ms = now + ms;
	log_failure(c, ms);
}

static void take(struct creds *c, const struct keys *k)
{
	keys_copy(&c->keys, k);
	c->advisory_ms = advisory_of(left_ms(c, k));
	c->rejected = false;
	backoff_reset(&c->backoff);
}

/* Good keys replace what we have. Expired ones do so only where they are the better ones, and never count as a success. */
static int judge(struct creds *c, const struct keys *k, struct err *e)
{
	/* These may well be valid by their date: AWS has the last word on them. */
	if (c->rejected && str_eq(k->id, c->keys.id))
		return err_set(e, ERR_NOTYET, "the source still hands out the keys that AWS refused");
	if (left_ms(c, k) > 0) {
		take(c, k);
		return 0;
	}
	/* Perhaps only to our clock: see creds_reject. */
	c->has_ended = true;
	if (!has_keys(c) || k->expires_ms > c->keys.expires_ms)
		take(c, k);
	return err_set(e, ERR_NOTYET, "the source hands out keys that have expired");
}

/* c->err is set where rc says so. */
static void end_question(struct creds *c, int rc)
{
	sm_move(&c->sm, CREDS_IDLE);
	c->is_failing = false;
	c->is_answered = true;
	if (ending_is_on(&c->end)) {
		ending_step(&c->end);
		return;
	}
	/* Askers are told by the tick, not here: their callbacks may close the source, which is calling now. */
	if (rc != 0)
		stay_away(c);
	wake(c);
}

void creds_renewed(struct creds *c, int rc, const struct keys *k, const struct err *e, const struct creds_why *why)
{
	c->is_refused = c->has_ended = false;
	c->err = rc == 0 ? (struct err){ 0 } : *e;
	c->why = *why;
	/* Keys that come when the cache closes are of use to nobody. */
	if (rc == 0 && !ending_is_on(&c->end))
		rc = judge(c, k, &c->err);
	end_question(c, rc);
}

void creds_refused(struct creds *c, const struct err *e, const struct creds_why *why)
{
	c->is_refused = true;
	c->err = *e;
	c->why = *why;
	end_question(c, -e->code);
}

static void tell_again(struct creds *c, struct creds_req *req)
{
	req->err = c->err;
	req->why = c->why;
	if (req->again != NULL)
		req->again(req);
}

void creds_again(struct creds *c, const struct err *e, const struct creds_why *why)
{
	if (ending_is_on(&c->end))
		return;
	c->is_failing = true;
	c->err = *e;
	c->why = *why;
	log_failure(c, 0);
	/* again may only look, so the list stays as it is under this loop. */
	for (struct list *n = c->patient.next; n != &c->patient; n = n->next)
		tell_again(c, list_entry(n, struct creds_req, link));
}

static void renew(struct creds *c)
{
	sm_move(&c->sm, CREDS_ASKING);
	c->source->ask(c->source);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------- */

static void tell(struct creds_req *req, int rc)
{
	/* Idle before the call: the asker may ask again from there. */
	req->c = NULL;
	req->cb(req, rc);
}

static void answer(struct creds *c, struct creds_req *req)
{
	keys_copy(&req->keys, &c->keys);
	tell(req, 0);
}

static void fail(struct creds *c, struct creds_req *req)
{
	req->err = c->err;
	req->why = c->why;
	tell(req, -c->err.code);
}

static void tell_dropped(struct creds *c)
{
	struct list *n;

	while ((n = list_pop(&c->dropped)) != NULL) {
		struct creds_req *req = list_entry(n, struct creds_req, link);

		tell(req, err_set(&req->err, ERR_CANCELED, "canceled"));
	}
}

static void drop(struct creds *c, struct creds_req *req)
{
	list_add(&c->dropped, &req->link);
	wake(c);
}

/* Those who waited for the question that has been answered. */
static void settle(struct creds *c)
{
	struct list now, *n;

	c->is_answered = false;
	list_init(&now);
	/* Moved aside first: who asks again from its callback is not one of those who waited. */
	list_move(&now, &c->patient);
	while ((n = list_pop(&now)) != NULL) {
		struct creds_req *req = list_entry(n, struct creds_req, link);

		if (has_keys(c) && !c->is_refused)
			answer(c, req);
		else
			fail(c, req);
	}
}

/* Who comes late hears at once what the others have heard. */
static void wait_for_turn(struct creds *c, struct creds_req *req)
{
	list_add(&c->patient, &req->link);
	if (c->is_failing)
		tell_again(c, req);
}

/* The table above. */
static void receive(struct creds *c, struct creds_req *req)
{
	if (ending_is_on(&c->end)) /* by a callback of this very tick */
		drop(c, req);
	else if (is_asking(c) ? must_renew(c) : should_renew(c))
		wait_for_turn(c, req);
	else
		answer(c, req);
}

/* An asker that asks again from its callback waits for the next turn. */
static void receive_all(struct creds *c)
{
	struct list now, *n;

	list_init(&now);
	list_move(&now, &c->waiters);
	while ((n = list_pop(&now)) != NULL)
		receive(c, list_entry(n, struct creds_req, link));
}

static void renew_when_due(struct creds *c)
{
	uint64_t now = world_now_ms(c->w);

	if (now >= c->next_ms)
		renew(c);
	else
		timer_start(c->w, &c->tick, c->next_ms - now, on_tick);
}

static bool is_out(struct closing *closing)
{
	struct creds *c = container_of(closing, struct creds, end.closing);

	return c->sm.now == CREDS_ASKING || !list_empty(&c->dropped);
}

static void creds_free(struct closing *closing)
{
	struct creds *c = container_of(closing, struct creds, end.closing);

	timer_stop(c->w, &c->tick);
	keys_close(&c->keys);
	c->source->free(c->source);
	mem_free(c);
}

static const struct closing_how creds_how = { is_out, creds_free };

static void on_tick(struct timer *t)
{
	struct creds *c = container_of(t, struct creds, tick);

	tell_dropped(c);
	if (ending_is_on(&c->end)) {
		ending_step(&c->end);
		return;
	}
	/* Those who waited come first; who has asked since is then judged by the keys that came. */
	if (c->is_answered)
		settle(c);
	receive_all(c);
	if (c->sm.now == CREDS_IDLE && !ending_is_on(&c->end) && !c->is_answered && !list_empty(&c->patient))
		renew_when_due(c);
}

/* ---- from outside -------------------------------------------------------------------------------------------------------- */

struct creds *creds_new(struct world *w, struct creds_source *s)
{
	struct creds *c = mem_new(struct creds);

	c->w = w;
	c->source = s;
	s->creds = c;
	c->backoff = BACKOFF(RETRY_MS, RETRY_CAP_MS - RETRY_MS);
	list_init(&c->waiters);
	list_init(&c->patient);
	list_init(&c->dropped);
	sm_init(&c->sm, &creds_machine, CREDS_IDLE);
	return c;
}

void creds_get(struct creds *c, struct creds_req *req, creds_cb *cb)
{
	assert(req->c == NULL);
	req->c = c;
	req->cb = cb;
	req->err = (struct err){ 0 };
	req->why = (struct creds_why){ 0 };
	list_add(ending_is_on(&c->end) ? &c->dropped : &c->waiters, &req->link);
	wake(c);
}

void creds_cancel(struct creds_req *req)
{
	struct creds *c = req->c;

	if (c == NULL)
		return;
	list_del(&req->link);
	drop(c, req);
}

void creds_reject(struct creds *c, const char *key_id)
{
	/* A call that left with older keys may be refused late: the keys of now are not to blame. */
	if (ending_is_on(&c->end) || !has_keys(c) || !str_eq(c->keys.id, key_id))
		return;
	/* The wait was only because our clock called what came expired. AWS agrees, so the keys are of no use, and the source
	 * brings others at once. */
	if (!c->rejected && c->has_ended && c->source->brings_others)
		c->blocked_until_ms = 0;
	c->rejected = true;
}

void creds_close(struct creds *c, void (*done)(void *ctx), void *ctx)
{
	list_move(&c->dropped, &c->waiters);
	list_move(&c->dropped, &c->patient);
	if (!list_empty(&c->dropped))
		wake(c);
	/* The answer of the source may come while it is canceled: it must see the close. */
	ending_begin(&c->end, c->w, &creds_how, done, ctx);
	if (c->sm.now == CREDS_ASKING)
		c->source->cancel(c->source);
}
