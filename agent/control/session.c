/* session.c - see session.h.
 *
 * Happy path: waiting -> polling -> waiting. Failure: what a poll did not deliver is in the next one: both sides send
 * snapshots. Close: the poll under way is aborted; nothing is lost by it. */
#include "agent/control/session.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/backoff.h"
#include "agent/base/gzip.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/sm.h"
#include "agent/base/str.h"
#include "agent/control/words.h"
#include "agent/io/ending.h"

#define POLL_TIMEOUT_MS 60000            /* of a poll that does not ask to be held */
#define HELD_MOST_MS (10ull * 60 * 1000) /* of one that does: longer than any vendor holds it, and as long as a head is fresh */
#define HELD_MS 5000                     /* an answer that took longer was held */
#define KICK_MS 100                      /* several changes travel together */
#define IDLE_MIN_MS 1000
#define IDLE_MAX_MS (10ull * 60 * 1000)
#define REFUSED_MS 30000 /* OpAMP: what is refused as bad is not repeated at once */

/*  waiting --> polling --> waiting  */
enum { SESSION_WAITING, SESSION_POLLING };
static const struct sm_state session_states[] = {
	[SESSION_WAITING] = { "waiting", SM_TO(SESSION_POLLING) },
	[SESSION_POLLING] = { "polling", SM_TO(SESSION_WAITING) },
};
static const struct sm_machine session_machine = SM_MACHINE("session", session_states, NULL);

struct session {
	struct world *w;
	struct session_config cfg;
	struct sm sm;
	struct http_req http;
	struct channel_proof proof;
	struct timer timer;
	struct backoff backoff;
	struct buf send;
	struct report_memory told;
	char url[512], uid[UUID_TEXT_LEN];
	uint64_t idle_ms, started_ms, hold_until_ms; /* hold: no kick polls before this */
	bool kicked, more, connected;
	int64_t last_ms;
	struct trouble trouble;
	struct ending end;
};

static void on_timer(struct timer *t);

static void wait_ms(struct session *s, uint64_t ms)
{
	timer_start(s->w, &s->timer, ms, on_timer);
}

/* ---- out ---- */

static int build(struct session *s, struct err *e)
{
	CLEANUP(buf_close) struct buf report = BUF_MAX(REPORT_MAX), message = BUF_MAX(OPAMP_MESSAGE_MAX);

	/* Health and report are made anew for each try: what a lost poll said may be over by now. */
	s->cfg.health(s->cfg.ctx, &s->cfg.state);
	TRY(report_build(&s->cfg.report, &s->told, &report, &s->more, e));
	TRY(opamp_pack(&s->cfg.state, buf_str(&report), report.len, &message, e));
	buf_reset(&s->send);
	return gzip_pack(buf_str(&message), message.len, &s->send, e);
}

static void set_request(struct session *s)
{
	/* The server may hold a poll back. That is not offered while something runs or is still to be told: our own news would
	 * wait. */
	bool may_hold = !ops_is_busy(s->cfg.report.ops) && !s->more;
	struct http_req *r = &s->http;

	r->method = "POST";
	r->url = s->url;
	r->headers_n = 0;
	http_header_set(r, "Content-Type", "application/x-protobuf");
	http_header_set(r, "Content-Encoding", "gzip");
	http_header_set(r, "Accept-Encoding", "gzip");
	http_header_set(r, "User-Agent", "reeve/" REEVE_VERSION);
	http_header_set(r, "OpAMP-Instance-UID", uuid_text(s->cfg.state.instance_uid, s->uid));
	if (may_hold)
		http_header_set(r, "Prefer", "wait=20");
	r->send = s->send.data;
	r->send_len = s->send.len;
	r->ca_file = s->cfg.ca_file;
	r->connect_to = s->cfg.connect_to;
	r->proxy = s->cfg.proxy;
	r->total_ms = may_hold ? HELD_MOST_MS : POLL_TIMEOUT_MS;
	r->body.max = OPAMP_MESSAGE_MAX;
}

static void on_answer(struct http_req *r, int rc);

static void poll(struct session *s)
{
	struct err e = { 0 };
	int rc = build(s, &e);

	/* Forgotten before the request leaves: what changes while it is out is not in it and must bring a poll of its own. */
	s->kicked = false;
	if (rc == 0) {
		set_request(s);
		rc = channel_sign(s->cfg.channel, &s->http, &s->proof, &e);
	}
	if (rc == -ERR_NOTYET) {
		s->connected = false; /* the channel kicks us when it is in; what the last poll was refused stays told until then */
		return;
	}
	if (rc != 0) {
		s->trouble = (struct trouble){ TROUBLE_ANSWER, e };
		log_error("control.poll.unbuilt", "err=%s retry_in_ms=%u", err_text(&s->trouble.err), REFUSED_MS);
		wait_ms(s, REFUSED_MS);
		return;
	}
	/* The proof is over method, path and body, so headers may still follow it. */
	http_header_set(&s->http, "Authorization", s->proof.authorization);
	http_header_set(&s->http, "Reeve-Proof", s->proof.proof);
	/* Counted whether or not an answer comes: by a gap the plane sees that it has missed a poll. */
	s->cfg.state.sequence_num++;
	s->started_ms = world_now_ms(s->w);
	sm_move(&s->sm, SESSION_POLLING);
	http_start(s->w, &s->http, on_answer);
}

/* ---- in ---- */

static int unzip(struct session *s, struct buf *to, struct err *e)
{
	CLEANUP(buf_close) struct buf encoding = BUF_MAX(64);

	/* A plane may leave its answer plain, whatever we accept (docs/wire.md section 2); only the header tells. */
	if (http_header_get(&s->http, "Content-Encoding", &encoding) && str_eq(buf_str(&encoding), "gzip"))
		return gzip_unpack(buf_str(&s->http.body), s->http.body.len, to, e);
	return buf_add(to, buf_str(&s->http.body), s->http.body.len);
}

static const struct backoff_ask unasked, refused = { .is_said = true, .ms = REFUSED_MS };

static void back_off(struct session *s, struct backoff_ask ask)
{
	uint64_t wait = backoff_asked_ms(&s->backoff, world_random64(s->w), ask, CHANNEL_CAPS);

	s->connected = false;
	/* News must not cut this wait short (session_kick asks it): the vendor is in trouble, or wants to be left alone. */
	s->hold_until_ms = world_now_ms(s->w) + wait;
	log_warn("control.poll.failed", "err=%s retry_in_ms=%llu", err_text(&s->trouble.err), (unsigned long long)wait);
	wait_ms(s, wait);
}

static void take_settings(struct session *s, const struct opamp_answer *a)
{
	/* Kept in memory alone: the uid is no identity, and the next start makes a new one in any case. */
	if (a->has_new_uid)
		memcpy(s->cfg.state.instance_uid, a->new_uid, UUID_LEN);
	if (a->heartbeat_ms >= IDLE_MIN_MS && a->heartbeat_ms <= IDLE_MAX_MS)
		s->idle_ms = a->heartbeat_ms;
}

/* A change to tell comes first, then the pace of running operations. An idle session polls again at once after a held poll: the
 * vendor answered because it has something, or holds the next one as well.
 *
 *   something to tell, or more than fitted into a report   KICK_MS
 *   an operation is open                                    busy_ms
 *   idle, and the last poll was held                        KICK_MS
 *   idle                                                    idle_ms
 */
static void next_poll(struct session *s)
{
	/* Nothing in an answer says that it was held, so the time that it took must tell. */
	bool held = world_now_ms(s->w) - s->started_ms >= HELD_MS;

	if (s->kicked || s->more)
		wait_ms(s, KICK_MS);
	else if (ops_is_busy(s->cfg.report.ops))
		wait_ms(s, s->cfg.busy_ms);
	else
		wait_ms(s, held ? KICK_MS : s->idle_ms);
}

static void take_answer(struct session *s)
{
	CLEANUP(buf_close) struct buf body = BUF_MAX(OPAMP_MESSAGE_MAX);
	struct opamp_answer a = { .intent = BUF_MAX(OPAMP_MESSAGE_MAX) };
	int rc = unzip(s, &body, &s->trouble.err);

	if (rc == 0)
		rc = opamp_unpack(&s->cfg.state, buf_str(&body), body.len, &a, &s->trouble.err);
	/* An answer with an error_response is void as a whole, so an intent beside it is not looked at. */
	if (rc == 0 && a.is_error)
		rc = err_set(&s->trouble.err, ERR_SERVICE, "the vendor's OpAMP server says: %s", a.error);
	if (rc == 0 && a.intent.len > 0)
		rc = inbox_take(s->cfg.inbox, a.intent.data, a.intent.len, &s->trouble.err);
	buf_close(&a.intent);
	if (rc != 0) {
		s->trouble.kind = TROUBLE_ANSWER;
		err_wrap(&s->trouble.err, rc, "%s", s->url);
		back_off(s, a.is_bad_request ? refused : (struct backoff_ask){ a.retry_after_ms > 0, false, a.retry_after_ms });
		return;
	}
	/* Only an answer that was taken proves that the report was read. After any other its news are told again. */
	report_arrived(&s->told);
	take_settings(s, &a);
	if (!s->connected)
		log_info("control.connected", "url=%s", s->url);
	s->connected = true;
	s->last_ms = world_wall_ms(s->w);
	s->trouble = (struct trouble){ 0 };
	backoff_reset(&s->backoff);
	next_poll(s);
}

/* What a refusal says may be packed as an answer is. */
static void set_refused(struct session *s, const char *who)
{
	CLEANUP(buf_close) struct buf body = BUF_MAX(OPAMP_MESSAGE_MAX);
	char words[WORDS_MAX] = "";

	if (unzip(s, &body, NULL) == 0)
		words_of(buf_str(&body), body.len, words);
	s->trouble.kind = trouble_kind_of(0, s->http.status);
	err_set(&s->trouble.err, ERR_SERVICE, "%s answered %d to %s%s%s", who, s->http.status, s->url, *words != '\0' ? ": " : "",
		words);
}

/*  no answer                          back-off
 *  401                                a new login, then a poll at once
 *  429, 503                           back-off, and no less than Retry-After
 *  any other but 200                  back-off, and no less than REFUSED_MS
 *  200 that cannot be read or taken   back-off, as take_answer says
 *  200                                the next poll, by next_poll
 */
static void on_answer(struct http_req *r, int rc)
{
	struct session *s = container_of(r, struct session, http);

	sm_move(&s->sm, SESSION_WAITING);
	if (ending_is_on(&s->end)) {
		ending_step(&s->end);
	} else if (rc != 0) {
		s->trouble = (struct trouble){ trouble_kind_of(rc, 0), r->err };
		err_wrap(&s->trouble.err, rc, "no answer from %s", s->url);
		back_off(s, unasked);
	} else if (r->status == 401) {
		/* With the token of this very request: a login may have ended while the poll was held, and
		 * the new token is not to blame. */
		channel_unauthorized(s->cfg.channel, s->proof.authorization);
		s->connected = false;
		set_refused(s, "the vendor wants a new login: it");
		wait_ms(s, KICK_MS); /* when a login is under way, its end calls session_kick */
	} else if (r->status != 200) {
		set_refused(s, "the vendor's OpAMP server");
		back_off(s, r->status == 429 || r->status == 503 ? http_retry_after(r, world_wall_ms(s->w)) : refused);
	} else {
		/* The token has proved itself now, not when it was handed out: only from here does the
		 * back-off of logins start over. */
		channel_authorized(s->cfg.channel, s->proof.authorization);
		take_answer(s);
	}
}

/* ---- life ---- */

static void on_timer(struct timer *t)
{
	poll(container_of(t, struct session, timer));
}

struct session *session_new(struct world *w, const struct session_config *cfg)
{
	struct session *s = mem_new(struct session);
	uint8_t random[10];

	s->w = w;
	s->cfg = *cfg;
	s->idle_ms = cfg->idle_ms;
	s->backoff = BACKOFF(1000, 300000);
	s->send = BUF_MAX(OPAMP_MESSAGE_MAX);
	s->http.head = BUF_MAX(65536);
	w->random(w, random, sizeof(random));
	uuid_v7(world_wall_ms(w), random, s->cfg.state.instance_uid);
	s->cfg.state.started_ms = world_wall_ms(w);
	snprintf(s->url, sizeof(s->url), "%s/v1/opamp", cfg->url);
	sm_init(&s->sm, &session_machine, SESSION_WAITING);
	/* The first poll comes from the loop, when the caller has put everything together. */
	wait_ms(s, 0);
	return s;
}

/* While the vendor wants to be left alone (Retry-After), a change does not bring the next poll forward. */
void session_kick(struct session *s)
{
	uint64_t now = world_now_ms(s->w);

	if (ending_is_on(&s->end) || (s->kicked && s->timer.cb != NULL))
		return; /* it closes, or a poll is near already */
	s->kicked = true;
	if (s->sm.now == SESSION_WAITING)
		wait_ms(s, s->hold_until_ms > now ? s->hold_until_ms - now : KICK_MS);
}

bool session_is_connected(const struct session *s)
{
	return s->connected;
}

bool session_is_logged_in(const struct session *s)
{
	return channel_is_in(s->cfg.channel);
}

const struct trouble *session_trouble(const struct session *s)
{
	const struct trouble *login = channel_trouble(s->cfg.channel);

	return login->err.code != 0 ? login : &s->trouble;
}

int64_t session_last_ms(const struct session *s)
{
	return s->last_ms;
}

static bool is_out(struct closing *c)
{
	return container_of(c, struct session, end.closing)->sm.now == SESSION_POLLING;
}

static void session_free(struct closing *c)
{
	struct session *s = container_of(c, struct session, end.closing);

	timer_stop(s->w, &s->timer);
	http_req_close(&s->http);
	buf_close(&s->send);
	mem_free(s);
}

static const struct closing_how session_how = { is_out, session_free };

void session_close(struct session *s, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&s->end, s->w, &session_how, done, ctx);
	timer_stop(s->w, &s->timer);
	if (s->sm.now == SESSION_POLLING)
		http_cancel(s->w, &s->http);
}
