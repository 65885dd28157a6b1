/* shipper.c - see shipper.h.
 *
 * Happy path: a record passes the rules, is masked, is encoded into the open batch of its kind; the batch closes by size,
 * number, time (logs) or with its scrape (metrics) and goes to the spool, whose news wakes the exporter.
 * Patterns cost time, so lines are taken for TURN_MS of a turn of the loop; what comes then waits in its file for the next.
 * Fails: no room: a line is answered with false and stays in its file, a point is dropped and counted. A rule that meets
 * its limits drops the record.
 * Closing: open batches go to the spool, the exporter ends, the spool writes what it holds, then done. */
#include "shippers/shipper_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define LOGS_OPEN_MS 1000
#define LOGS_MAX (UINT64_C(2) << 30)
#define METRICS_MAX (UINT64_C(512) << 20)
#define TURN_MS 2
#define UNCLOCKED 32768
#define RECORD_FRAME 512   /* what encoding adds to a record, about */
#define FOUND_QUEUE 2      /* fewer batches wait: positions alone go at once */
#define FOUND_QUEUE_MAX 11 /* that many full ones hold more positions than files are ever followed */

static struct batch *open_batch(struct shipper *s, enum telemetry_kind kind)
{
	struct batch *b = s->open[kind];

	if (b != NULL)
		return b;
	s->open[kind] = b = batch_new(kind);
	b->parts = s->late[kind];
	b->parts_n = s->late_n[kind];
	s->late[kind] = NULL;
	s->late_n[kind] = 0;
	return b;
}

static void count(struct shipper *s, enum telemetry_kind kind, const char *source, enum account_count c, uint64_t n)
{
	if (s->open[kind] != NULL)
		batch_count(s->open[kind], source, c, n);
	else if (n > 0)
		account_part_of(&s->late[kind], &s->late_n[kind], source)->n[c] += n;
}

static int finish(struct shipper *s, struct batch *b)
{
	return b->kind == TELEMETRY_LOG ? otlp_logs_finish(s->logs, &b->raw) : otlp_metrics_finish(s->metrics, &b->raw);
}

/* A batch that does not fit its hard limit cannot come to be: the sizes are watched as records are added. */
static void close_batch(struct shipper *s, enum telemetry_kind kind)
{
	struct batch *b = s->open[kind];

	if (b == NULL)
		return;
	s->open[kind] = NULL;
	batch_settle(b);
	s->found_waits &= kind != TELEMETRY_LOG;
	if (b->records > 0 && finish(s, b) != 0) {
		s->stats.dropped_full[kind] += b->records;
		log_error("telemetry.batch.lost", "kind=%s records=%" PRIu32 " err=\"the batch is over its size\"",
			  batch_kind_name(kind), b->records);
		/* Its ranges are committed all the same: lines that were read again would fail again, for ever. */
		b->records = 0;
		for (size_t i = 0; i < b->parts_n; i++) {
			b->parts[i].n[ACCOUNT_OVERSIZE] += b->parts[i].n[ACCOUNT_TAKEN];
			b->parts[i].n[ACCOUNT_TAKEN] = 0;
		}
	}
	spool_put(s->spool, b);
}

/* ---- the rules --------------------------------------------------------------------------------------------------------- */

/* Masked copies of the attributes; their texts lie in `rooms` from 1 on. */
static enum rules_verdict mask_attrs(struct shipper *s, const struct telemetry_attr *attrs, size_t n)
{
	assert(n <= TELEMETRY_ATTRS_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *text = attrs[i].value;
		size_t len = strlen(text);

		if (!str_is_utf8(text, len)) { /* one bad byte would cost the whole body */
			text = "\xef\xbf\xbd";
			len = 3;
		}
		if (rules_mask(s->rules, &text, &len, &s->rooms[i + 1]) != RULES_PASS)
			return RULES_FAILED;
		s->attrs[i] = (struct telemetry_attr){ attrs[i].key, text };
	}
	return RULES_PASS;
}

/* For a line whose beginning has left already: the rules look at the whole line, then only the rest of it is kept. */
static enum rules_verdict mask_whole(struct shipper *s, struct telemetry_line *l)
{
	enum rules_verdict v = rules_text(s->rules, l->body, l->len);
	bool touched = v == RULES_DROPPED;

	if (v == RULES_PASS)
		v = rules_mask_rest(s->rules, &l->body, &l->len, &l->begun, &touched, &s->rooms[0]);
	s->stats.rests_by_rule += touched;
	l->body += l->begun;
	l->len -= l->begun;
	return v;
}

static enum rules_verdict mask_line(struct shipper *s, struct telemetry_line *l)
{
	enum rules_verdict v = RULES_PASS;

	rules_begin(s->rules);
	if (l->begun > 0)
		v = mask_whole(s, l);
	/* The rest of a line is then judged by itself as well: a pattern may match it only where that seems to begin. */
	if (v == RULES_PASS)
		v = rules_line(s->rules, &l->body, &l->len, &s->rooms[0]);
	if (v == RULES_PASS && l->attrs_n > 0) {
		v = mask_attrs(s, l->attrs, l->attrs_n);
		l->attrs = s->attrs;
	}
	return v;
}

/* No rule looks at it, and nothing in it has to be mended: it is not even copied. */
static bool is_as_it_is(const struct shipper *s, const struct telemetry_line *l)
{
	return l->is_ascii && l->attrs_n == 0 && l->begun == 0 && !rules_have_patterns(s->rules);
}

/* ---- lines --------------------------------------------------------------------------------------------------------------- */

static void on_logs_due(struct timer *t)
{
	close_batch(container_of(t, struct shipper, timer), TELEMETRY_LOG);
}

static const char *source_of(const struct telemetry_origin *of)
{
	return of->source != NULL ? of->source : of->path;
}

static void add_line(struct shipper *s, const struct telemetry_line *l, struct origins_one *of, struct batch *b)
{
	if (b->records == 0) {
		s->request++;
		s->observed_ms = world_wall_ms(s->w);
	}
	if (of->request != s->request) {
		of->row = otlp_logs_row(s->logs, l->origin->service, of->attrs, of->attrs_n);
		of->request = s->request;
		of->part = (size_t)(account_part_of(&b->parts, &b->parts_n, source_of(l->origin)) - b->parts);
	}
	b->parts[of->part].n[ACCOUNT_TAKEN]++;
	otlp_logs_add(s->logs, of->row, l, s->observed_ms);
	b->records++;
	s->stats.taken[TELEMETRY_LOG]++;
}

static enum account_count count_of(enum rules_verdict v)
{
	return v == RULES_DENIED ? ACCOUNT_DENIED : v == RULES_DROPPED ? ACCOUNT_RULE : ACCOUNT_LIMIT;
}

/* With the batch that moves the position beyond it. */
static void count_kept(struct shipper *s, enum rules_verdict v, const struct telemetry_line *l, struct batch *b)
{
	batch_count(b, source_of(l->origin), count_of(v), 1);
	if (v == RULES_DENIED)
		s->stats.denied[TELEMETRY_LOG]++;
	else if (v == RULES_DROPPED)
		s->stats.dropped_by_rule++;
	else
		s->stats.failed_by_rule[TELEMETRY_LOG]++;
}

static bool line_is_one_too_many(const struct shipper *s, const struct telemetry_line *l)
{
	const struct batch *b = s->open[TELEMETRY_LOG];

	if (b == NULL)
		return false;
	return b->records >= BATCH_RECORDS || batch_is_full_of_ranges(b) ||
	       (b->records > 0 && otlp_logs_size(s->logs) + l->len + RECORD_FRAME > BATCH_BYTES);
}

static bool has_room(const struct shipper *s)
{
	return s->rules != NULL && spool_has_room(s->spool, TELEMETRY_LOG);
}

static void on_wait(void *ctx, struct telemetry_wait *wt)
{
	struct shipper *s = ctx;

	list_del(&wt->link);
	list_add(&s->waiting, &wt->link);
}

static void wake(struct shipper *s)
{
	if (s->turn.cb != NULL || !has_room(s))
		return;
	while (!list_empty(&s->waiting)) {
		struct telemetry_wait *wt = list_entry(list_pop(&s->waiting), struct telemetry_wait, link);

		wt->cb(wt);
	}
}

/* From here on the timer is idle, which means that the turn has ended. */
static void on_turn_over(struct timer *t)
{
	wake(container_of(t, struct shipper, turn));
}

/* The clock is looked at once for so many bytes, or nanoseconds of patterns: after a line on which these ran long, at the next. */
static bool has_time(struct shipper *s, size_t len)
{
	s->unclocked += len + rules_spent(s->rules);
	if (s->turn.cb != NULL && s->unclocked < UNCLOCKED)
		return true;
	s->unclocked = 0;
	if (s->turn.cb != NULL)
		return world_now_ms(s->w) - s->turn_ms < TURN_MS;
	s->turn_ms = world_now_ms(s->w);
	timer_start(s->w, &s->turn, 0, on_turn_over);
	return true;
}

static bool on_line(void *ctx, const struct telemetry_line *l)
{
	struct shipper *s = ctx;
	struct telemetry_line masked;
	struct origins_one *of;
	enum rules_verdict v;

	/* Without rules it is not dropped but waits in its file: when a policy is there again, nothing is missing. The time is
	 * asked last, because that begins a turn. */
	if (!has_room(s) || !has_time(s, l->len))
		return false;
	of = origins_of(&s->origins, s->rules, l->origin);
	v = of->verdict;
	if (v == RULES_PASS && !is_as_it_is(s, l)) {
		masked = *l;
		l = &masked;
		v = mask_line(s, &masked);
	}
	if (line_is_one_too_many(s, l))
		close_batch(s, TELEMETRY_LOG);
	/* Positions alone wait for no time, so the clock of a batch begins with its first line. */
	if (s->open[TELEMETRY_LOG] == NULL || s->found_waits)
		timer_start(s->w, &s->timer, LOGS_OPEN_MS, on_logs_due);
	s->found_waits = false;
	if (v == RULES_PASS)
		add_line(s, l, of, open_batch(s, TELEMETRY_LOG));
	else
		count_kept(s, v, l, open_batch(s, TELEMETRY_LOG));
	batch_count(open_batch(s, TELEMETRY_LOG), source_of(l->origin), ACCOUNT_NO_TEXT, l->no_text);
	batch_note(open_batch(s, TELEMETRY_LOG), l->source);
	return true;
}

/* ---- files that are followed, and no more ------------------------------------------------------------------------------ */

static unsigned queued(const struct shipper *s)
{
	return spool_queued(s->spool, TELEMETRY_LOG);
}

static void send_found(struct shipper *s)
{
	if (s->found_waits && queued(s) < FOUND_QUEUE)
		close_batch(s, TELEMETRY_LOG);
}

/* With no line open the position is committed at once, or with its like as soon as the disk is done with those before: the very
 * first file of all may be renamed while we are away, too. A batch without records is no entry and takes nothing of the quota,
 * so no room is asked for; but one that is full must go, and where that many wait the disk takes nothing. */
static void on_found(void *ctx, const struct telemetry_source *source)
{
	struct shipper *s = ctx;
	bool alone = s->open[TELEMETRY_LOG] == NULL;

	if (!alone && batch_is_full_of_ranges(s->open[TELEMETRY_LOG])) {
		if (queued(s) >= FOUND_QUEUE_MAX) {
			log_warn("telemetry.position.late", "path=%s next=\"kept with the file's first line\"", source->path);
			return;
		}
		close_batch(s, TELEMETRY_LOG);
		alone = true;
	}
	batch_note(open_batch(s, TELEMETRY_LOG), source);
	s->found_waits |= alone;
	send_found(s);
}

/* Bytes that nobody will read: counted with the batch that holds the place where the file goes on. */
static void on_lost(void *ctx, const char *of, enum telemetry_loss what, uint64_t bytes, const struct telemetry_source *at)
{
	static const struct {
		const char *name;
		enum account_count files, bytes;
	} losses[TELEMETRY_LOSSES] = {
		[TELEMETRY_TRUNCATED] = { "truncated", ACCOUNT_TRUNCATED, ACCOUNT_TRUNCATED_BYTES },
		[TELEMETRY_DELETED] = { "deleted", ACCOUNT_DELETED, ACCOUNT_DELETED_BYTES },
	};
	struct shipper *s = ctx;

	log_warn("telemetry.unread",
		 "path=%s what=%s bytes=%" PRIu64 " source=%s err=\"they were gone before they were read\" next=\"counted\"",
		 at->path, losses[what].name, bytes, of);
	count(s, TELEMETRY_LOG, of, losses[what].files, 1);
	count(s, TELEMETRY_LOG, of, losses[what].bytes, bytes);
	on_found(ctx, at);
}

/* ---- points -------------------------------------------------------------------------------------------------------------- */

static enum rules_verdict mask_point(struct shipper *s, struct telemetry_point *p)
{
	if (!rules_metric(s->rules, p->name))
		return RULES_DENIED;
	rules_begin(s->rules);
	if (mask_attrs(s, p->attrs, p->attrs_n) != RULES_PASS)
		return RULES_FAILED;
	p->attrs = s->attrs;
	return RULES_PASS;
}

void shipper_add_point(struct shipper *s, const struct telemetry_point *point)
{
	struct telemetry_point p = *point;
	enum rules_verdict v = mask_point(s, &p);
	struct batch *b = s->open[TELEMETRY_METRIC];
	const char *source = str_starts(p.name, "reeve.") ? "reeve" : "host";

	if (v != RULES_PASS) {
		count(s, TELEMETRY_METRIC, source, count_of(v), 1);
		*(v == RULES_DENIED ? &s->stats.denied[TELEMETRY_METRIC] : &s->stats.failed_by_rule[TELEMETRY_METRIC]) += 1;
		return;
	}
	if (s->series_most > 0 && !series_take(s->series, &p, s->series_most, world_now_ms(s->w))) {
		count(s, TELEMETRY_METRIC, source, ACCOUNT_SERIES, 1);
		return;
	}
	if (b != NULL && (b->records >= BATCH_RECORDS || otlp_metrics_size(s->metrics) > BATCH_BYTES))
		close_batch(s, TELEMETRY_METRIC);
	if (s->open[TELEMETRY_METRIC] == NULL && !spool_has_room(s->spool, TELEMETRY_METRIC)) {
		s->stats.dropped_full[TELEMETRY_METRIC]++;
		count(s, TELEMETRY_METRIC, source, ACCOUNT_NO_ROOM, 1);
		return;
	}
	otlp_metrics_add(s->metrics, &p);
	open_batch(s, TELEMETRY_METRIC)->records++;
	count(s, TELEMETRY_METRIC, source, ACCOUNT_TAKEN, 1);
	s->stats.taken[TELEMETRY_METRIC]++;
}

static void on_point(void *ctx, const struct telemetry_point *p)
{
	shipper_add_point(ctx, p);
}

static void on_scrape_done(void *ctx)
{
	struct shipper *s = ctx;

	/* Our own numbers go through the customer's rules like all others. */
	shipper_own_points(s);
	/* With no point that may leave there is no batch: what was counted is made durable all the same. */
	if (s->late_n[TELEMETRY_METRIC] > 0 && spool_queued(s->spool, TELEMETRY_METRIC) == 0 &&
	    spool_has_room(s->spool, TELEMETRY_METRIC))
		open_batch(s, TELEMETRY_METRIC);
	close_batch(s, TELEMETRY_METRIC);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

static void kick(struct shipper *s)
{
	for (unsigned i = 0; i < s->ways_n; i++)
		if (s->ways[i].exporter != NULL) /* else it closes already */
			exporter_kick(s->ways[i].exporter);
}

static void on_spool_opened(void *ctx)
{
	struct shipper *s = ctx;

	if (!closing_is_on(&s->closing))
		shipper_ledger_start(s);
	kick(s);
	if (!closing_is_on(&s->closing) && s->opened != NULL)
		s->opened(s->opened_ctx);
}

static void on_spool_changed(void *ctx)
{
	struct shipper *s = ctx;

	send_found(s);
	kick(s);
	wake(s);
}

static bool sends(const struct shipper *s)
{
	for (unsigned i = 0; i < s->ways_n; i++)
		if (s->ways[i].exporter != NULL)
			return true;
	return false;
}

static bool is_out(struct closing *c)
{
	const struct shipper *s = container_of(c, struct shipper, closing);

	return sends(s) || s->spool != NULL || s->ledger != NULL || s->budget != NULL;
}

static void shipper_free(struct closing *c)
{
	struct shipper *s = container_of(c, struct shipper, closing);

	timer_stop(s->w, &s->timer);
	timer_stop(s->w, &s->turn);
	origins_forget(&s->origins);
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		mem_free(s->late[kind]);
	series_free(s->series);
	rules_free(s->rules);
	otlp_logs_free(s->logs);
	spare_close(&s->spare);
	otlp_metrics_free(s->metrics);
	otlp_resource_free(s->resource);
	for (size_t i = 0; i < ARRAY_LEN(s->rooms); i++)
		buf_close(&s->rooms[i]);
	mem_free(s);
}

static const struct closing_how shipper_how = { is_out, shipper_free };

static struct spool_dest_config spool_dest(const struct shipper_dest *d)
{
	struct spool_dest_config sd = { .name = d->name };

	sd.max[TELEMETRY_LOG] = d->logs_max > 0 ? d->logs_max : LOGS_MAX;
	sd.max[TELEMETRY_METRIC] = d->metrics_max > 0 ? d->metrics_max : METRICS_MAX;
	return sd;
}

static void on_budget(void *ctx)
{
	struct shipper *s = ctx;

	for (unsigned i = 0; i < s->ways_n; i++)
		if (s->ways[i].exporter != NULL)
			exporter_wake(s->ways[i].exporter);
}

static struct budget *new_budget(struct shipper *s, const struct shipper_config *c)
{
	struct budget_config bc = { .path = c->budget_path, .n = c->dests_n, .changed = on_budget, .ctx = s };

	for (unsigned i = 0; i < c->dests_n; i++)
		bc.names[i] = c->dests[i].name;
	return budget_new(s->w, &bc);
}

static struct exporter *new_exporter(struct shipper *s, unsigned dest, const struct shipper_config *c)
{
	struct exporter_config to = c->dests[dest].to;

	to.ledger = s->ledger;
	to.name = c->dests[dest].name;
	to.budget = s->budget;
	to.catch_up = c->catch_up;
	to.no_zstd |= c->format != PACK_ZSTD;
	return exporter_new(s->w, s->spool, dest, &to);
}

struct shipper *shipper_new(struct world *w, const struct shipper_config *c)
{
	struct shipper *s = mem_new(struct shipper);
	struct spool_config sc = { .dir = c->dir,
				   .reserve = c->reserve,
				   .ctx = s,
				   .positions = c->positions,
				   .max_age_s = c->max_age_s,
				   .format = c->format };

	sc.spare = &s->spare;
	sc.opened = on_spool_opened;
	sc.changed = on_spool_changed;
	s->ways_n = sc.dests_n = c->dests_n;
	for (unsigned i = 0; i < c->dests_n; i++)
		sc.dests[i] = spool_dest(&c->dests[i]);
	s->w = w;
	s->sink = (struct telemetry_sink){ s, on_point, on_scrape_done, on_line, on_wait, on_found, on_lost };
	list_init(&s->waiting);
	s->resource = otlp_resource_new(c->resource, c->resource_n);
	s->logs = otlp_logs_new(s->resource, &s->spare);
	s->metrics = otlp_metrics_new(s->resource);
	s->born_ms = world_wall_ms(w);
	s->own = c->own;
	s->own_ctx = c->own_ctx;
	s->opened = c->opened;
	s->opened_ctx = c->opened_ctx;
	if (c->ledger_dir != NULL) {
		const struct ledger_config lc = { c->ledger_dir, c->ledger_days, c->ledger_max, shipper_ledger_began, s };

		s->ledger = ledger_new(w, &lc);
		sc.lost = shipper_ledger_lost;
	}
	if (c->budget_path != NULL)
		s->budget = new_budget(s, c);
	s->spool = spool_new(w, &sc);
	for (unsigned i = 0; i < s->ways_n; i++)
		s->ways[i] = (struct shipper_way){ s, new_exporter(s, i, c) };
	return s;
}

/* Off means that nothing leaves: not what waits in the spool either. */
static void hold(struct shipper *s, enum telemetry_kind kind, bool holds)
{
	for (unsigned i = 0; i < s->ways_n; i++)
		if (s->ways[i].exporter != NULL)
			exporter_hold(s->ways[i].exporter, kind, holds);
}

/* A lower limit than before begins with none, so that it holds at once. */
static void limit_series(struct shipper *s, uint64_t most)
{
	if (most == 0 || most < s->series_most) {
		series_free(s->series);
		s->series = NULL;
	}
	s->series_most = most;
	if (most > 0 && s->series == NULL)
		s->series = series_new();
}

int shipper_rules(struct shipper *s, const struct telemetry_rules *t, const struct secret *key, struct err *e)
{
	static const struct telemetry_rules none;
	int rc;

	/* The old ones go first: if the new ones cannot be compiled, the wider ones must not stay in force. */
	origins_forget(&s->origins);
	rules_free(s->rules);
	s->rules = NULL;
	rc = t != NULL ? rules_new(t, key, &s->tally, &s->rules, e) : 0;
	if (s->rules == NULL)
		t = &none;
	else if (s->budget != NULL)
		budget_set(s->budget, t->bytes_per_day);
	limit_series(s, t->series_per_metric);
	hold(s, TELEMETRY_METRIC, t->metrics_n == 0);
	hold(s, TELEMETRY_LOG, t->logs_n == 0);
	if (s->spool != NULL)
		kick(s);
	return rc;
}

const struct telemetry_sink *shipper_sink(struct shipper *s)
{
	return &s->sink;
}

struct shipper_stats shipper_stats(const struct shipper *s)
{
	struct shipper_stats st = s->stats;

	st.dests_n = s->ways_n;
	st.budget = s->budget != NULL ? budget_limit(s->budget) : 0;
	for (unsigned i = 0; i < s->ways_n; i++) {
		if (s->ways[i].exporter != NULL) /* else it is closed */
			st.exporter[i] = exporter_stats(s->ways[i].exporter);
		st.dest[i] = spool_dest_stats(s->spool, i);
		if (s->budget != NULL) {
			st.budget_spent[i] = budget_spent(s->budget, i);
			st.budget_over[i] = budget_is_over(s->budget, i);
		}
	}
	st.spool = spool_stats(s->spool);
	return st;
}

const struct account *shipper_account(const struct shipper *s)
{
	return spool_account(s->spool);
}

const struct tally *shipper_tally(const struct shipper *s)
{
	return &s->tally;
}

const char *shipper_trouble(const struct shipper *s)
{
	const char *trouble = spool_trouble(s->spool);

	for (unsigned i = 0; trouble == NULL && i < s->ways_n; i++)
		if (s->ways[i].exporter != NULL)
			trouble = exporter_trouble(s->ways[i].exporter);
	if (trouble == NULL && s->budget != NULL)
		trouble = budget_trouble(s->budget);
	return trouble == NULL && s->ledger != NULL ? ledger_trouble(s->ledger) : trouble;
}

static void on_budget_closed(void *ctx)
{
	struct shipper *s = ctx;

	s->budget = NULL;
	closing_step(&s->closing);
}

static void on_ledger_closed(void *ctx)
{
	struct shipper *s = ctx;

	s->ledger = NULL;
	closing_step(&s->closing);
}

static void on_spool_closed(void *ctx)
{
	struct shipper *s = ctx;

	s->spool = NULL;
	if (s->ledger != NULL)
		ledger_close(s->ledger, on_ledger_closed, s);
	else
		closing_step(&s->closing);
}

/* The spool comes last: an answer that still arrived has a body to remove. */
static void on_exporter_closed(void *ctx)
{
	struct shipper_way *way = ctx;

	way->exporter = NULL;
	if (sends(way->s))
		return;
	shipper_ledger_tell(way->s, false);
	if (way->s->budget != NULL)
		budget_close(way->s->budget, on_budget_closed, way->s);
	way->s->is_open = false; /* the account goes with the spool */
	spool_close(way->s->spool, on_spool_closed, way->s);
}

void shipper_close(struct shipper *s, void (*done)(void *ctx), void *ctx)
{
	closing_begin(&s->closing, &shipper_how, closing_end, done, ctx);
	timer_stop(s->w, &s->timer);
	timer_stop(s->w, &s->turn);
	timer_stop(s->w, &s->tell);
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		close_batch(s, (enum telemetry_kind)kind);
	for (unsigned i = 0; i < s->ways_n; i++)
		exporter_close(s->ways[i].exporter, on_exporter_closed, &s->ways[i]);
}
