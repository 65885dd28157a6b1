/* journald.c - see journald.h. When each source reads, and when it waits.
 *
 * Happy path: a read brings some hundred entries; each becomes a record, which goes to the sink; then the next read, until nothing
 * is there. Then the journal says when it has changed; POLL_MS is the safety net. A record that may go on waits RECORD_MS.
 * Fails: a read: told when its reason is another one than before, and tried again, after RETRY_MS where a file is damaged (a vacuum
 * seems so for a moment), else after ABSENT_MS.
 * The sink is full: what was read waits, and so does the place.
 * Closing is at once; what was not handed over is read again by the next one. */
#include "collectors/journald_impl.h"

#include <inttypes.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define POLL_MS 10000
#define RETRY_MS 1000
#define ABSENT_MS 60000
#define RECORD_MS 2000
#define HOLD_LEAST_MS 10 /* as the tail's */
#define HOLD_MOST_MS 500
#define LET_GO_MS 30000
#define QUIET_POLLS 30

static void go_on(struct journald_source *s, bool reads);

static void on_timer(struct timer *t)
{
	go_on(container_of(t, struct journald_source, timer), true);
}

static void wait_ms(struct journald_source *s, uint64_t ms)
{
	timer_start(s->j->w, &s->timer, ms, on_timer);
}

/* ---- reading ---- */

static void fail(struct journald_source *s)
{
	const struct err *e = &s->req.err;
	uint64_t retry_ms = e->code == ERR_CORRUPT ? RETRY_MS : ABSENT_MS;

	s->stats.read_errors++;
	if (s->why.code == 0 || !str_eq(s->why.text, e->text))
		log_warn("journald.failed", "source=%s err=%s retry_in_ms=%" PRIu64, s->name, err_text(e), retry_ms);
	s->why = *e;
	journald_place_failed(s);
	wait_ms(s, retry_ms);
}

static void on_read(struct journald_req *r, int rc)
{
	struct journald_source *s = container_of(r, struct journald_source, req);

	s->is_reading = false;
	s->at = 0;
	if (rc != 0) {
		buf_reset(&r->entries);
		r->is_more = false;
		fail(s);
		return;
	}
	if (s->why.code != 0)
		log_info("journald.reads", "source=%s", s->name);
	s->why.code = 0;
	if (r->is_sought) {
		journald_record_drop(&s->record); /* it is read again */
		journald_place_sought(s);
	}
	if (r->is_damaged)
		journald_place_damaged(s);
	go_on(s, false);
}

static void read_more(struct journald_source *s)
{
	timer_stop(s->j->w, &s->timer);
	journald_place_ask(s);
	s->is_reading = true;
	s->j->w->journald_read(s->j->w, &s->req, on_read);
}

static void on_changed(struct journald_req *r)
{
	struct journald_source *s = container_of(r, struct journald_source, req);

	s->quiet_polls = 0;
	if (!s->is_reading && !s->is_held)
		read_more(s);
}

/* ---- handing over ---- */

static void on_room(struct telemetry_wait *wt)
{
	struct journald_source *s = container_of(wt, struct journald_source, wait);

	s->hold_ms = 0;
	wait_ms(s, 0);
}

/* The sink says when it takes lines again; that it may not say it, the growing waits are for. */
static void hold(struct journald_source *s)
{
	struct world *w = s->j->w;

	if (!s->is_held)
		s->held_ms = world_now_ms(w);
	s->is_held = true;
	if (world_now_ms(w) - s->held_ms > LET_GO_MS)
		w->journald_close(w, &s->req);
	s->wait.cb = on_room;
	if (s->j->sink.wait != NULL)
		s->j->sink.wait(s->j->sink.ctx, &s->wait);
	s->hold_ms = s->hold_ms == 0 ? HOLD_LEAST_MS : 2 * s->hold_ms;
	if (s->hold_ms > HOLD_MOST_MS)
		s->hold_ms = HOLD_MOST_MS;
	wait_ms(s, s->hold_ms);
}

static bool hand_over_due(struct journald_source *s)
{
	if (!s->record.is_there || !s->record.is_due)
		return true;
	if (!journald_record_hand_over(s))
		return false;
	s->hold_ms = 0;
	return true;
}

/* What was read, entry by entry; false: the sink is full. */
static bool hand_over(struct journald_source *s)
{
	struct journald_entry en;
	size_t next = s->at;

	while (hand_over_due(s)) {
		if (!journald_entry_next(&s->req.entries, &next, &en))
			return true;
		if (journald_record_add(s, &en))
			s->at = next;
		else
			next = s->at;
	}
	return false;
}

/* Nothing is there to read. Where no change is told for a long time it may be that none can be: at the limits of inotify a new
 * file is seen by opening the journal anew alone. */
static void rest(struct journald_source *s)
{
	uint64_t since = world_now_ms(s->j->w) - s->record.since_ms;

	s->fruitless = 0;
	if (s->record.is_there) {
		wait_ms(s, since < RECORD_MS ? RECORD_MS - since : 0);
		return;
	}
	journald_place_idle(s);
	if (++s->quiet_polls == QUIET_POLLS) {
		s->quiet_polls = 0;
		s->j->w->journald_close(s->j->w, &s->req);
	}
	wait_ms(s, POLL_MS);
}

/* The one way on, whatever woke it. */
static void go_on(struct journald_source *s, bool reads)
{
	if (s->record.is_there && world_now_ms(s->j->w) - s->record.since_ms >= RECORD_MS)
		s->record.is_due = true;
	if (!hand_over(s)) {
		hold(s);
		return;
	}
	s->is_held = false;
	list_del(&s->wait.link);
	if (reads || s->req.is_more)
		read_more(s);
	else
		rest(s);
}

/* ---- the whole ---- */

static void init_origins(struct journald_source *s)
{
	const struct journald_source_config *c = s->c;

	s->origins = mem_alloc(c->units_n * sizeof(*s->origins));
	s->units = mem_alloc(c->units_n * sizeof(*s->units));
	for (size_t i = 0; i < c->units_n; i++) {
		s->units[i] = (struct telemetry_attr){ "systemd.unit", c->units[i] };
		s->origins[i] = (struct telemetry_origin){ .id = world_random64(s->j->w),
							   .service = c->service,
							   .path = mem_printf("journald:%s", c->units[i]),
							   .attrs = &s->units[i],
							   .attrs_n = 1 };
	}
}

static void init_source(struct journald *j, struct journald_source *s, const struct journald_source_config *c)
{
	struct err e;

	s->j = j;
	s->c = c;
	s->req.dir = c->dir;
	s->req.units = c->units;
	s->req.units_n = c->units_n;
	s->req.changed = on_changed;
	if (framing_new(&c->framing, &s->framing, &e) != 0)
		log_error("journald.framing", "source=%s err=%s next=\"each entry is a record\"", c->service, err_text(&e));
	journald_record_init(&s->record);
	journald_place_init(s);
	init_origins(s);
}

struct journald *journald_new(struct world *w, const struct journald_source_config *sources, size_t n, struct positions *positions,
			      const struct telemetry_sink *sink)
{
	struct journald *j = mem_new(struct journald);

	j->w = w;
	j->sink = *sink;
	j->positions = positions;
	j->text = BUF_MAX(3 * JOURNALD_MESSAGE_MAX + 16);
	j->v = mem_alloc(n * sizeof(*j->v));
	j->n = n;
	for (size_t i = 0; i < n; i++)
		init_source(j, &j->v[i], &sources[i]);
	return j;
}

void journald_start(struct journald *j)
{
	for (size_t i = 0; i < j->n; i++) {
		journald_place_find(&j->v[i]);
		read_more(&j->v[i]);
	}
}

size_t journald_sources(const struct journald *j)
{
	return j->n;
}

struct journald_stats journald_stats(const struct journald *j, size_t source)
{
	const struct journald_source *s = &j->v[source];
	struct journald_stats st = s->stats;

	st.service = s->c->service;
	st.trouble = s->why.code != 0 ? err_text(&s->why) : NULL;
	return st;
}

static void free_source(struct journald_source *s)
{
	timer_stop(s->j->w, &s->timer);
	buf_close(&s->req.entries);
	journald_record_close(&s->record);
	framing_free(s->framing);
	for (size_t i = 0; i < s->c->units_n; i++)
		mem_free((char *)s->origins[i].path);
	mem_free(s->origins);
	mem_free(s->units);
	mem_free(s->name);
}

static void journald_free(struct closing *c)
{
	struct journald *j = container_of(c, struct journald, end.closing);

	for (size_t i = 0; i < j->n; i++)
		free_source(&j->v[i]);
	mem_free(j->v);
	buf_close(&j->text);
	mem_free(j);
}

static const struct closing_how journald_how = { NULL, journald_free };

void journald_close(struct journald *j, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&j->end, j->w, &journald_how, done, ctx);
	for (size_t i = 0; i < j->n; i++) {
		j->w->journald_close(j->w, &j->v[i].req);
		timer_stop(j->w, &j->v[i].timer);
		list_del(&j->v[i].wait.link);
	}
}
