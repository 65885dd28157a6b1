/* exporter.c - see exporter.h. Each kind has a lane:
 *
 *     idle --> sending --> idle                        accepted: the body is removed, durably, while the next one is sent
 *                                                      (exporter_clear.c)
 *              sending --> clearing --> idle           refused: set aside before that
 *              clearing --> uncleared --> clearing     that is tried until it succeeds
 *              sending --> unpacking --> packing --> sending --> packing ... --> idle or clearing
 *                                                      too large: in parts, see exporter_cut.c
 *              sending --> waiting --> idle            no answer, try later, not about the body
 *     idle --> packing --> sending                     and on with the part that was refused so
 *     idle, sending --> opening --> packing --> sending   spooled as zstd, and the receiver takes none: see exporter_recode.c
 *     idle --> waiting --> idle                        not logged in, or it cannot be read at the moment
 *     idle --> clearing --> idle                       the body is not what was written, or TRIES_MAX times could not be read:
 *                                                      set aside
 *
 * What TRIES_MAX times could not be set aside is passed by: it stays on the disk and the next start finds it again.
 * The window in which a killed agent repeats an answered body is the time from the answer's arrival to the unlink; after a loss of
 * power, to its sync.
 * Closing: a lane that sends gets CLOSE_MS for its answer, what is being removed or set aside ends; then done. */
#include "shippers/exporter_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/secret.h"
#include "agent/base/str.h"
#include "shippers/answer.h"

#define ANSWER_MAX (4u << 20)
#define NOT_YET_MS 1000
#define PAUSE_MS 60000
#define REFUSALS_TOLD 3
#define READ_AGAIN_MS 2000
#define CLOSE_MS 3000
#define BUDGET_MS 60000

static const struct sm_state states[] = {
	[LANE_IDLE] = { "idle", SM_TO(LANE_SENDING) | SM_TO(LANE_OPENING) | SM_TO(LANE_PACKING) | SM_TO(LANE_WAITING) |
				    SM_TO(LANE_CLEARING) },
	[LANE_SENDING] = { "sending", SM_TO(LANE_IDLE) | SM_TO(LANE_OPENING) | SM_TO(LANE_UNPACKING) | SM_TO(LANE_PACKING) |
					  SM_TO(LANE_WAITING) | SM_TO(LANE_CLEARING) },
	[LANE_OPENING] = { "opening", SM_TO(LANE_PACKING) | SM_TO(LANE_WAITING) | SM_TO(LANE_CLEARING) },
	[LANE_UNPACKING] = { "unpacking", SM_TO(LANE_PACKING) | SM_TO(LANE_WAITING) | SM_TO(LANE_CLEARING) },
	[LANE_PACKING] = { "packing", SM_TO(LANE_SENDING) | SM_TO(LANE_WAITING) | SM_TO(LANE_CLEARING) },
	[LANE_WAITING] = { "waiting", SM_TO(LANE_IDLE) },
	[LANE_CLEARING] = { "clearing", SM_TO(LANE_IDLE) | SM_TO(LANE_UNCLEARED) },
	[LANE_UNCLEARED] = { "uncleared", SM_TO(LANE_CLEARING) },
};

/* The quota must not remove a body that is being worked on, and must be able to remove any other. */
static const char *lane_broken(const struct sm *m)
{
	const struct lane *l = container_of(m, const struct lane, sm);

	if ((m->now == LANE_IDLE || m->now == LANE_WAITING) != (l->entry == NULL))
		return "an entry is in hand unless the lane is idle or waits";
	if (l->entry != NULL && l->entry->held == 0)
		return "the entry in hand is held";
	if (m->now == LANE_PACKING && l->cut.len == 0)
		return "what is packed is there";
	return NULL;
}

static const struct sm_machine lane_machine = SM_MACHINE("exporter", states, lane_broken);

/* ---- turns ------------------------------------------------------------------------------------------------------------- */

static void wait_over(struct lane *l)
{
	l->waits_budget = false;
	sm_move(&l->sm, LANE_IDLE);
	exporter_go(l);
}

/* In the other states an answer is awaited, or nothing. */
static void (*const turns[])(struct lane *l) = {
	[LANE_OPENING] = exporter_open, [LANE_UNPACKING] = exporter_unpack, [LANE_PACKING] = exporter_pack,
	[LANE_WAITING] = wait_over,     [LANE_UNCLEARED] = exporter_clear,
};

static void on_due(struct timer *t)
{
	struct lane *l = container_of(t, struct lane, timer);

	turns[l->sm.now](l);
}

void exporter_later(struct lane *l, uint64_t ms)
{
	timer_start(l->x->w, &l->timer, ms, on_due);
}

void exporter_wait(struct lane *l, uint64_t ms)
{
	/* Not kept while it waits: the quota may need its room, and afterwards the oldest is asked for anew. */
	spool_let_go(l->entry, l->x->dest);
	l->entry = NULL;
	buf_reset(&l->body);
	l->is_hashed = false;
	sm_move(&l->sm, LANE_WAITING);
	if (ending_is_on(&l->x->end))
		ending_step(&l->x->end);
	else
		exporter_later(l, ms);
}

/* ---- the answer -------------------------------------------------------------------------------------------------------- */

/* Of what is in hand. */
static uint32_t records_of(const struct lane *l)
{
	return l->parts.is_on ? parts_records(&l->parts) : l->entry->records;
}

/* Behind a part comes the next one; behind the last, and behind a whole, the end. */
static void go_on(struct lane *l)
{
	if (!l->parts.is_on || !parts_next(&l->parts))
		exporter_end(l);
	else
		exporter_cut(l);
}

static void lane_sent(struct lane *l)
{
	struct exporter_stats *st = &l->x->stats;
	uint64_t rejected = answer_rejected(&l->http.body);

	/* OTLP: what a partial success rejects is not sent again. The number is the receiver's word, and what was sent must
	 * not become negative by it. */
	if (rejected > records_of(l))
		rejected = records_of(l);
	st->sent_records[l->kind] += records_of(l) - rejected;
	st->rejected_records[l->kind] += rejected;
	l->loss.partial += (uint32_t)rejected;
	exporter_say(l, "sent", records_of(l), rejected);
	st->sent_bodies[l->kind]++;
	st->sent_bytes[l->kind] += l->body.len;
	if (rejected > 0)
		log_warn("export.partial", "kind=%s batch=%s rejected=%" PRIu64, batch_kind_name(l->kind), l->id, rejected);
	backoff_reset(&l->backoff);
	l->x->zstd_taken |= l->format == PACK_ZSTD;
	l->x->refusals = 0;
	l->x->trouble[0] = '\0';
	go_on(l);
}

void exporter_refused(struct lane *l)
{
	l->x->stats.rejected_records[l->kind] += records_of(l);
	l->loss.refused += records_of(l);
	exporter_say(l, "refused", records_of(l), 0);
	log_warn("export.rejected", "kind=%s batch=%s status=%d records=%" PRIu32 " next=\"set aside as *-%s.pb%s.rejected\"",
		 batch_kind_name(l->kind), l->id, l->http.status, records_of(l), l->entry->id, pack_suffix(l->entry->format));
	l->parts.any_refused = true;
	go_on(l);
}

static void lane_retry(struct lane *l, int rc)
{
	struct backoff_ask ask = { 0 };
	uint64_t ms;

	/* Also of an answer that was cut off because its body is too large: its head came before. */
	if (rc == 0 || rc == -ERR_LIMIT)
		ask = http_retry_after(&l->http, world_wall_ms(l->x->w));
	ms = backoff_asked_ms(&l->backoff, world_random64(l->x->w), ask, ANSWER_CAPS);
	l->x->stats.retries++;
	log_info("export.retry", "kind=%s batch=%s status=%d err=%s retry_in_ms=%" PRIu64, batch_kind_name(l->kind), l->id,
		 l->http.status, rc != 0 ? err_text(&l->http.err) : "", ms);
	exporter_wait(l, ms);
}

/* Once is usual: a session of the vendor's that is over. */
static void note_refusal(struct lane *l)
{
	struct exporter *x = l->x;

	if (++x->refusals >= REFUSALS_TOLD)
		snprintf(x->trouble, sizeof(x->trouble),
			 "%.300s answers with status %d, so nothing is sent there; it is tried again", l->url, l->http.status);
}

static void lane_pause(struct lane *l)
{
	uint64_t ms = PAUSE_MS;

	note_refusal(l);
	if (l->http.status == 401) { /* a new login will help, soon */
		ms = backoff_next_ms(&l->backoff, world_random64(l->x->w));
		if (l->x->auth.unauthorized != NULL)
			l->x->auth.unauthorized(l->x->auth.ctx, &l->proof);
	}
	l->x->stats.pauses++;
	log_warn("export.paused", "kind=%s status=%d retry_in_ms=%" PRIu64, batch_kind_name(l->kind), l->http.status, ms);
	exporter_wait(l, ms);
}

static void on_answer(struct http_req *r, int rc)
{
	struct lane *l = container_of(r, struct lane, http);

	l->x->stats.last_status = rc == 0 ? r->status : 0;
	if (rc == 0 && exporter_refuses_zstd(l)) {
		exporter_turn_back(l);
		return;
	}
	switch (answer_judge(r, rc)) {
	case ANSWER_TAKEN:
		lane_sent(l);
		break;
	case ANSWER_REFUSED:
		exporter_refused(l);
		break;
	case ANSWER_TOO_LARGE:
		exporter_too_large(l);
		break;
	case ANSWER_LATER:
		lane_retry(l, rc);
		break;
	case ANSWER_ABOUT_US:
		lane_pause(l);
		break;
	}
}

/* ---- the question ------------------------------------------------------------------------------------------------------ */

int exporter_proof_add(struct export_proof *p, const char *name, const char *value)
{
	struct export_header *h = &p->headers[p->headers_n];

	if (p->headers_n == EXPORT_HEADERS_MAX)
		return -ERR_LIMIT;
	TRY(str_copy(h->name, sizeof(h->name), name));
	TRY(str_copy(h->value, sizeof(h->value), value));
	p->headers_n++;
	return 0;
}

static int fill(struct lane *l, struct err *e)
{
	struct exporter *x = l->x;
	struct http_req *r = &l->http;

	r->method = "POST";
	r->url = l->url;
	r->send = l->body.data;
	r->send_len = l->body.len;
	l->is_hashed = false; /* a proof over a body that was there before would be refused */
	r->send_digest = exporter_hash(l);
	r->total_ms = 30000;
	r->ca_file = x->ca_file;
	r->connect_to = x->connect_to;
	r->proxy = x->proxy;
	r->headers_n = 0;
	r->body.max = ANSWER_MAX;
	/* Each attempt is signed anew: the counter in the proof may be used once (docs/wire.md section 5). */
	l->proof = (struct export_proof){ 0 };
	if (x->auth.sign != NULL)
		TRY(x->auth.sign(x->auth.ctx, r, &l->proof, e));
	http_header_set(r, "Content-Type", "application/x-protobuf");
	http_header_set(r, "Content-Encoding", pack_name(l->format));
	http_header_set(r, "User-Agent", "reeve/" REEVE_VERSION);
	http_header_set(r, "Reeve-Batch-Id", l->id);
	for (size_t i = 0; i < l->proof.headers_n; i++)
		http_header_set(r, l->proof.headers[i].name, l->proof.headers[i].value);
	return 0;
}

static void lane_damaged(struct lane *l, int rc, const struct err *e)
{
	log_warn("export.body.unread", "batch=%s err=%s", l->entry->id, err_text(e));
	/* That it cannot be read is the body's own fault only where something else of the spool can be. */
	if (rc == -ERR_CORRUPT || (exporter_is_hopeless(l) && spool_can_read(l->x->s)))
		exporter_bad(l);
	else
		exporter_wait(l, READ_AGAIN_MS);
}

/* Not to be logged in yet is usual, so it is not logged. */
static void lane_unsigned(struct lane *l, int rc, const struct err *e)
{
	uint64_t ms = rc == -ERR_NOTYET ? NOT_YET_MS : PAUSE_MS;

	if (rc != -ERR_NOTYET) {
		log_warn("export.unsigned", "kind=%s err=%s retry_in_ms=%" PRIu64, batch_kind_name(l->kind), err_text(e), ms);
		snprintf(l->x->trouble, sizeof(l->x->trouble), "%.150s: nothing is sent there: %.300s", l->url, err_text(e));
	}
	exporter_wait(l, ms);
}

/* All of the budget is spent, or more of it is being reserved: with nothing in hand it waits for a word. */
static void lane_over_budget(struct lane *l)
{
	l->waits_budget = true;
	exporter_wait(l, BUDGET_MS);
}

/*  the policy lets nothing of its kind out        let go, and the lane stays idle
 *  we cannot say who we are                       later; nothing of the budget is taken for what is not sent
 *  the budget has no room                         when it has
 *  else                                           it is sent  */
void exporter_ask(struct lane *l)
{
	struct exporter *x = l->x;
	struct err e = { 0 };
	int rc;

	if (l->is_held) {
		exporter_wait(l, 0);
		return;
	}
	rc = fill(l, &e);
	if (rc != 0) {
		lane_unsigned(l, rc, &e);
		return;
	}
	if (x->budget != NULL && !budget_take(x->budget, x->dest, l->body.len)) {
		lane_over_budget(l);
		return;
	}
	if (l->is_late)
		pace_spend(&l->x->pace, l->body.len);
	l->asked++;
	sm_move(&l->sm, LANE_SENDING);
	http_start(l->x->w, &l->http, on_answer);
}

/* The quota may have removed the body while the lane waited. */
static bool goes_on_in_parts(struct lane *l)
{
	if (l->parts.is_on && l->parts.seq == l->entry->seq)
		return true;
	parts_close(&l->parts);
	return false;
}

static bool is_late(const struct exporter *x)
{
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		if (x->lanes[kind].is_late)
			return true;
	return false;
}

/* Is it held back for a moment, because it is late and others before it were? A lane with nothing late says so, too. */
static bool is_paced(struct lane *l, const struct spool_entry *en)
{
	struct exporter *x = l->x;
	uint64_t ms = 0;

	l->is_late = en != NULL && spool_age_s(en) >= EXPORT_LATE_S;
	if (l->is_late)
		ms = pace_wait_ms(&x->pace, world_now_ms(x->w), spool_came(x->s));
	if (ms > 0 && !x->stats.is_catching_up)
		log_info("export.catch_up", "url=%s bytes_a_second=%" PRIu64, l->url, x->pace.rate);
	if (x->stats.is_catching_up && !is_late(x))
		log_info("export.caught_up", "url=%s", l->url);
	x->stats.is_catching_up = ms > 0 || (x->stats.is_catching_up && is_late(x));
	if (ms == 0)
		return false;
	sm_move(&l->sm, LANE_WAITING);
	exporter_later(l, ms);
	return true;
}

/* What an idle lane does with the oldest entry of its kind:
 *
 *   the exporter closes                        nothing: one thing less to wait for
 *   the policy lets nothing of its kind out    nothing, until it does
 *   too many before it are not gone yet        nothing, until one is
 *   there is none                              nothing, until the spool calls again
 *   it is late, and enough of those have gone  nothing for a moment
 *   a body that is sent in parts               the next part
 *   a body that cannot be read                 set aside as damaged
 *   a body that the receiver takes not so      recoded
 *   a body                                     asked: sent whole  */
void exporter_go(struct lane *l)
{
	struct exporter *x = l->x;
	struct spool_entry *oldest;
	struct err e = { 0 };
	int rc;

	if (ending_is_on(&x->end)) {
		ending_step(&x->end);
		return;
	}
	if (l->sm.now != LANE_IDLE || l->is_held || !exporter_may_go(l))
		return;
	oldest = spool_oldest(x->s, x->dest, l->kind);
	if (is_paced(l, oldest) || oldest == NULL)
		return;
	l->entry = oldest;
	spool_hold(l->entry, x->dest);
	if (goes_on_in_parts(l)) {
		exporter_cut(l);
		return;
	}
	l->loss = (struct spool_loss){ 0 };
	if (l->asked_seq != l->entry->seq)
		l->asked = 0;
	l->asked_seq = l->entry->seq;
	l->is_hashed = false;
	rc = spool_load(l->entry, &l->body, &e);
	if (rc != 0) {
		lane_damaged(l, rc, &e);
		return;
	}
	memcpy(l->id, l->entry->id, sizeof(l->id));
	l->format = l->entry->format;
	if (l->format != exporter_format(l))
		exporter_recode(l);
	else
		exporter_ask(l);
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

struct exporter *exporter_new(struct world *w, struct spool *s, unsigned dest, const struct exporter_config *c)
{
	struct exporter *x = mem_new(struct exporter);
	size_t base = strlen(c->url);

	while (base > 0 && c->url[base - 1] == '/')
		base--;
	x->w = w;
	x->s = s;
	x->dest = dest;
	x->auth = c->auth;
	x->ledger = c->ledger;
	x->budget = c->budget;
	x->name = mem_str(c->name);
	x->ca_file = mem_str(c->ca_file);
	x->connect_to = mem_str(c->connect_to);
	x->proxy = c->proxy;
	x->no_zstd = c->no_zstd;
	x->pace = pace_new(c->catch_up, world_now_ms(w));
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
		struct lane *l = &x->lanes[kind];

		l->x = x;
		l->kind = (enum telemetry_kind)kind;
		l->is_held = true;
		l->url = mem_printf("%.*s/v1/%s", (int)base, c->url, batch_kind_name(l->kind));
		l->backoff = BACKOFF(1000, 60000);
		list_init(&l->clearings);
		sm_init(&l->sm, &lane_machine, LANE_IDLE);
	}
	return x;
}

void exporter_hold(struct exporter *x, enum telemetry_kind kind, bool holds)
{
	x->lanes[kind].is_held = holds;
}

void exporter_wake(struct exporter *x)
{
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		if (x->lanes[kind].waits_budget && x->lanes[kind].sm.now == LANE_WAITING && !ending_is_on(&x->end))
			exporter_later(&x->lanes[kind], 0);
}

void exporter_kick(struct exporter *x)
{
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		if (!ending_is_on(&x->end))
			exporter_go(&x->lanes[kind]);
}

struct exporter_stats exporter_stats(const struct exporter *x)
{
	struct exporter_stats st = x->stats;

	st.format = x->no_zstd ? PACK_GZIP : spool_packs_as(x->s);
	return st;
}

const char *exporter_trouble(const struct exporter *x)
{
	return x->trouble[0] != '\0' ? x->trouble : NULL;
}

static void exporter_free(struct closing *c)
{
	struct exporter *x = container_of(c, struct exporter, end.closing);

	for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
		struct lane *l = &x->lanes[kind];

		timer_stop(x->w, &l->timer);
		http_req_close(&l->http);
		secret_wipe(&l->proof, sizeof(l->proof));
		buf_close(&l->body);
		buf_close(&l->cut);
		parts_close(&l->parts);
		pack_end(&l->pack);
		mem_free(l->url);
	}
	timer_stop(x->w, &x->late);
	mem_free(x->name);
	mem_free(x->ca_file);
	mem_free(x->connect_to);
	mem_free(x);
}

static bool is_busy(const struct lane *l)
{
	/* An answer on its way and a body that is being removed are waited for, or the next start would send it once more.
	 * What unpacks, packs or waits has nothing out. */
	return l->sm.now == LANE_SENDING || l->sm.now == LANE_CLEARING || l->clearings_n > 0;
}

static bool is_out(struct closing *c)
{
	struct exporter *x = container_of(c, struct exporter, end.closing);

	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		if (is_busy(&x->lanes[kind]))
			return true;
	return false;
}

static const struct closing_how exporter_how = { is_out, exporter_free };

static void on_late(struct timer *t)
{
	struct exporter *x = container_of(t, struct exporter, late);

	/* A body whose answer does not come is sent again by the next start, with the same id. */
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		http_cancel(x->w, &x->lanes[kind].http);
}

void exporter_close(struct exporter *x, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&x->end, x->w, &exporter_how, done, ctx);
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		exporter_let_go(&x->lanes[kind]);
	ending_step(&x->end);
	timer_start(x->w, &x->late, CLOSE_MS, on_late);
}
