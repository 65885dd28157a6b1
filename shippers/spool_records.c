/* spool_records.c - see spool_records.h. */
#include "shippers/spool_records.h"

#include <inttypes.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "shippers/commit.h"
#include "shippers/taken.h"

#define SLICE 256 /* records and ranges, 10 us each */
#define STEP (64u << 10)
#define TOLD_MAX 10 /* lines in our own log about damaged records; there may be very many */

static uint8_t bit_of(const struct spool *s, const char *dest)
{
	for (unsigned i = 0; i < s->dests_n; i++)
		if (str_eq(s->dests[i].name, dest))
			return (uint8_t)(1u << i);
	return 0;
}

static void take_owners(const struct spool_records *r, const struct commit *c, struct spool_body *b)
{
	struct spool_entry en = { .s = r->s };

	spool_account_own(&en, c->parts, c->parts_n);
	mem_free(b->shares);
	b->shares = en.shares;
	b->source = en.source;
	for (unsigned i = 0; i < c->ended_n; i++)
		b->ended |= bit_of(r->s, c->ended[i]);
}

/* Of an older version there is the number alone. */
static void add_to_account(struct spool *s, const struct commit *c)
{
	if (c->kind == COMMIT_POSITIONS || c->is_said)
		return;
	account_add(&s->account, c->kind, c->parts, c->parts_n);
	if (c->parts_n == 0)
		s->account.rows[ACCOUNT_OTHERS][c->kind].n[ACCOUNT_TAKEN] += c->records;
}

static void take_record(struct spool_records *r, const struct commit *c)
{
	struct spool *s = r->s;
	struct spool_body *b;
	uint64_t id;

	add_to_account(s, c);
	for (size_t i = 0; i < c->ranges_n; i++)
		s->positions->committed(s->positions->ctx, &c->ranges[i]);
	/* The highest counts, wherever it stands: a log that was written anew begins with the last sequence, in
	 * its line of positions. */
	if (c->seq > s->seq)
		s->seq = c->seq;
	if (c->kind == COMMIT_POSITIONS || c->records == 0 || !spool_found_id(c->id, &id))
		return;
	b = spool_found_get(r->found, c->seq, id);
	if (b == NULL || b->kind != c->kind)
		return;
	b->has_record = true;
	b->records = c->records;
	b->bytes = c->bytes;
	b->crc = c->crc;
	b->at_s = c->at_s;
	take_owners(r, c, b);
}

static void count_damage(struct spool_records *r, const char *why)
{
	if (r->s->stats.corrupt++ < TOLD_MAX)
		log_warn("spool.commit.damaged", "before=%" PRIu64 " err=%s", r->offset, why);
}

/* What it cost, in records and ranges. */
static size_t take_taken(struct spool_records *r, const char *line, size_t len)
{
	struct taken t;
	struct err e;

	if (taken_parse(line, len, &t, &e) != 0)
		count_damage(r, err_text(&e));
	else
		spool_dest_found(r->s, &t);
	return 1;
}

static void take_lost_by(struct spool_records *r, const struct lost *l, unsigned dest, struct spool_body *b)
{
	lost_add(l, &r->s->account, dest);
	if (b == NULL)
		return;
	b->ended |= (uint8_t)(1u << dest);
	if (b->again[dest] != NULL || !lost_is_of_receiver(l))
		return;
	b->again[dest] = mem_new(struct lost);
	*b->again[dest] = *l;
}

static size_t take_lost(struct spool_records *r, const char *line, size_t len)
{
	struct spool_body *b;
	struct lost l;
	struct err e;
	uint64_t id;

	if (lost_parse(line, len, &l, &e) != 0) {
		count_damage(r, err_text(&e));
		return 1;
	}
	b = spool_found_id(l.id, &id) ? spool_found_get(r->found, l.seq, id) : NULL;
	if (b != NULL && b->kind != l.kind)
		b = NULL;
	for (unsigned i = 0; i < r->s->dests_n; i++)
		if (str_eq(r->s->dests[i].name, l.by))
			take_lost_by(r, &l, i, b);
	return 1;
}

static size_t take_account(struct spool_records *r, const char *line, size_t len)
{
	struct err e;

	if (spool_account_take(r->s, line, len, &e) != 0)
		count_damage(r, err_text(&e));
	return 1;
}

static size_t take_line(struct spool_records *r, const char *line, size_t len)
{
	struct commit c;
	struct err e;
	size_t cost;

	if (r->skipping) {
		r->skipping = false; /* its end */
		return 1;
	}
	if (taken_is(line, len))
		return take_taken(r, line, len);
	if (lost_is(line, len))
		return take_lost(r, line, len);
	if (spool_account_is(line, len))
		return take_account(r, line, len);
	if (commit_parse(line, len, &c, &e) != 0) {
		count_damage(r, err_text(&e));
		return 1;
	}
	cost = 1 + c.ranges_n;
	take_record(r, &c);
	commit_close(&c);
	return cost;
}

/* Whole lines from the window's front; true: there may be more of them. */
static bool take_lines(struct spool_records *r)
{
	size_t at = 0, cost = 0;

	while (cost < SLICE && at < r->window.len) {
		const char *line = r->window.data + at;
		const char *end = memchr(line, '\n', r->window.len - at);

		if (end == NULL)
			break;
		cost += take_line(r, line, (size_t)(end - line));
		at += (size_t)(end - line) + 1;
	}
	/* Whole lines alone: so the next append begins behind the last of them and cuts a torn one. */
	r->s->commits_len += at;
	buf_cut(&r->window, at);
	return cost >= SLICE;
}

static void skip_long_line(struct spool_records *r)
{
	if (r->window.len <= COMMIT_LINE_MAX)
		return;
	if (!r->skipping)
		count_damage(r, "a line longer than any record");
	r->skipping = true;
	r->s->commits_len += r->window.len;
	buf_reset(&r->window);
}

int spool_records_open(struct spool_records *r, struct spool *s, struct spool_found *found, struct err *e)
{
	int rc;

	*r = (struct spool_records){ .s = s, .found = found, .window = BUF_MAX(COMMIT_LINE_MAX + 2 * STEP) };
	rc = s->w->file_open(s->w, s->commits, &r->log, e);
	/* The very first start, or somebody has removed it: then no body that is found has a record. */
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

int spool_records_read(struct spool_records *r, bool *ret_ends, struct err *e)
{
	struct world *w;
	char *room;
	ssize_t n;

	if (take_lines(r))
		return 0;
	skip_long_line(r);
	w = r->s->w;
	room = buf_room(&r->window, STEP);
	n = r->log != NULL ? w->file_read(w, r->log, r->offset, room, STEP, e) : 0;
	if (n < 0)
		return (int)n;
	buf_grew(&r->window, (size_t)n);
	r->offset += (uint64_t)n;
	*ret_ends = n == 0;
	return 0;
}

void spool_records_close(struct spool_records *r)
{
	if (r->s != NULL)
		r->s->w->file_close(r->s->w, r->log);
	buf_close(&r->window);
	*r = (struct spool_records){ 0 };
}
