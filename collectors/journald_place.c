/* journald_place.c - where a source is in the journal, what is lost on the way, and what is kept of it for the next process.
 *
 * Where the next read begins that has to look for its place; the first row that fits:
 *
 *     something was passed over           the time where that ended
 *     a cursor is known                   behind it
 *     it is known that there is none      the beginning
 *     start_at: end                       the end; from then on there is a cursor, or it is known that there is none
 *     else                                the beginning */
#include "collectors/journald_impl.h"

#include <inttypes.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"

#define LATE_MS 10000             /* what is written now may bear a time so long ago */
#define TELL_MS UINT64_C(3600000) /* how often a quiet source says up to where it was read */
#define PATIENCE 10               /* fruitless reads, a second each; then it is passed over */
#define STEP_US UINT64_C(1000000) /* at first; four times as much each time, */
#define STEPS 16                  /* so often: a century */

/* FNV-1a: one number of a name, the same in each process. */
static uint64_t hash(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h * UINT64_C(0x100000001b3);
}

void journald_place_init(struct journald_source *s)
{
	s->name = mem_printf("journald:%s", s->c->service);
	s->key = hash(hash(UINT64_C(0xcbf29ce484222325), s->c->dir != NULL ? s->c->dir : ""), s->c->service);
}

void journald_place_find(struct journald_source *s)
{
	const struct position *pos = positions_get(s->j->positions, 0, s->key);

	if (pos == NULL || !pos->is_durable || pos->durable.cursor == NULL ||
	    str_copy(s->cursor, sizeof(s->cursor), pos->durable.cursor) != 0)
		return;
	s->has_place = true;
	s->seen_ms = s->told_ms = pos->durable.to;
}

void journald_place_ask(struct journald_source *s)
{
	struct journald_req *r = &s->req;

	s->asked_wall_ms = (uint64_t)world_wall_ms(s->j->w);
	r->cursor = s->cursor;
	r->time_us = s->skip_us;
	if (s->skip_us > 0)
		r->place = JOURNALD_TIME;
	else if (s->cursor[0] != '\0')
		r->place = JOURNALD_CURSOR;
	else
		r->place = s->c->starts_at_end && !s->has_place ? JOURNALD_END : JOURNALD_BEGIN;
}

struct telemetry_source journald_place_to(const struct journald_source *s, const char *cursor, uint64_t to_ms)
{
	return (struct telemetry_source){ .ino = s->key, .from = s->told_ms, .to = to_ms, .path = s->name, .cursor = cursor };
}

void journald_place_took(struct journald_source *s, const struct telemetry_source *to)
{
	err_ignore(str_copy(s->cursor, sizeof(s->cursor), to->cursor), "it fits: it comes from a place as large");
	s->has_place = true;
	s->fruitless = 0;
	s->skip_us = 0;
	s->told_ms = to->to;
	s->seen_ms = to->to > s->seen_ms ? to->to : s->seen_ms;
}

/* As a place that the next process goes on from, without a line. */
static void tell(struct journald_source *s)
{
	struct telemetry_source to = journald_place_to(s, s->cursor, s->seen_ms);

	if (s->j->sink.found != NULL)
		s->j->sink.found(s->j->sink.ctx, &to);
	s->has_place = true;
	s->told_ms = s->seen_ms;
}

static void tell_gap(const struct journald_source *s, uint64_t to_ms, const char *why)
{
	char from[STAMP_RFC3339_LEN], to[STAMP_RFC3339_LEN];

	log_warn("journald.gap", "source=%s why=%s from=%s to=%s next=\"counted; reading goes on behind it\"", s->name, why,
		 stamp_rfc3339((int64_t)s->seen_ms, from), stamp_rfc3339((int64_t)to_ms, to));
}

static void gap(struct journald_source *s, uint64_t to_ms, const char *why, uint64_t *count)
{
	if (to_ms <= s->seen_ms)
		return;
	++*count;
	tell_gap(s, to_ms, why);
	s->seen_ms = to_ms;
	tell(s);
}

/* A file was let go, and with it what was not read of it. Whenever the journal is looked through again it is there again, and
 * damaged again: that is no second gap. */
void journald_place_damaged(struct journald_source *s)
{
	bool is_known = s->req.is_sought && s->was_damaged;

	s->was_damaged = true;
	if (is_known)
		return;
	s->stats.gaps_damaged++;
	tell_gap(s, s->asked_wall_ms, "damaged");
}

/* The journal was looked through for the place, and this is what was found. */
void journald_place_sought(struct journald_source *s)
{
	const struct journald_req *r = &s->req;

	if (r->place == JOURNALD_END) {
		err_ignore(str_copy(s->cursor, sizeof(s->cursor), r->newest), "one that is too long is none: nothing is lost");
		s->seen_ms = s->asked_wall_ms;
		tell(s);
	} else if (r->place == JOURNALD_TIME) {
		gap(s, s->skip_us / 1000, "damaged", &s->stats.gaps_damaged);
	} else if (r->is_gone) {
		gap(s, r->oldest_us / 1000, "vacuumed", &s->stats.gaps_vacuumed);
	}
}

/* What is damaged for a moment, as a vacuum makes it seem, can be read the next time, and so comes no harm of it. */
void journald_place_failed(struct journald_source *s)
{
	uint64_t now_us = (uint64_t)world_wall_ms(s->j->w) * 1000;
	unsigned steps;

	if (s->req.err.code != ERR_CORRUPT || ++s->fruitless < PATIENCE)
		return;
	steps = s->fruitless - PATIENCE;
	if (s->skip_us == 0)
		s->skip_us = s->seen_ms * 1000;
	s->skip_us += STEP_US << (2 * (steps < STEPS ? steps : STEPS));
	if (s->skip_us > now_us)
		s->skip_us = now_us;
}

/* A read came to its end: it is known to stand behind all that is older than when it began. */
void journald_place_idle(struct journald_source *s)
{
	if (s->asked_wall_ms < LATE_MS || s->record.is_there)
		return;
	if (s->asked_wall_ms - LATE_MS > s->seen_ms)
		s->seen_ms = s->asked_wall_ms - LATE_MS;
	if (s->has_place && s->seen_ms > s->told_ms + TELL_MS)
		tell(s);
}

/* It was read and is not handed over: what comes of it is known, so nobody needs to read it again. */
void journald_place_pass(struct journald_source *s, const char *cursor)
{
	if (*cursor != '\0')
		err_ignore(str_copy(s->record.is_there ? s->record.cursor : s->cursor, JOURNALD_CURSOR_MAX, cursor),
			   "it fits: it comes from a place as large");
}

/* Boot, both times and the digest of its fields are an entry's own; its number is another one in another file. */
bool journald_place_is_last(const struct journald_source *s, const char *cursor)
{
	const char *last = strstr(s->record.is_there ? s->record.cursor : s->cursor, ";b="), *now = strstr(cursor, ";b=");

	return last != NULL && now != NULL && str_eq(last, now);
}
