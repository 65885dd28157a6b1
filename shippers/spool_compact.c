/* spool_compact.c - the log of commit records, written anew: with what is still needed and no more.
 *
 *     positions --> entries --> taken, account --> losses --> rename
 *
 * Said into commits.tmp in slices, and that renamed over commits.
 *
 * A slice formats LINES_SLICE lines in one tick; PART bytes of them are appended durably at once, so that neither a tick nor the
 * memory grows with the backlog. Only the writer adds entries and makes positions durable, and it waits here; an entry that goes
 * meanwhile moves the place where the next slice begins.
 * How large the log can be: SPOOL_ENTRIES_MAX lines of at most ENTRY_LINE bytes a kind, 17 MiB in all, with the names of their
 * sources, and a line for each BATCH_RANGES_ANY positions; the writer lets it grow to three times that and a little (must_compact),
 * then comes here.
 * Fails: the old log stands until the rename; after a rename that failed it is not known which log stands, and it is written
 * anew. */
#include "shippers/spool_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "shippers/commit.h"

#define LINES_SLICE 256 /* of one range or none; 5 us each */
#define PART (1u << 20)
#define ENTRY_LINE 176 /* of an entry, whose ranges are not said again: all numbers at their longest; and whose it is */

_Static_assert(sizeof("{\"seq\":999999999999999,\"kind\":\"metrics\",\"id\":\"0123456789abcdef\",\"records\":4294967295,"
		      "\"bytes\":4294967295,\"crc\":4294967295,\"at\":4294967295,\"ranges\":[],\"sum\":\"01234567\"}\n") <=
		   ENTRY_LINE,
	       "the longest line of an entry");
_Static_assert(TELEMETRY_KINDS *SPOOL_ENTRIES_MAX *ENTRY_LINE <= 17 << 20, "the entries' part of a log just written");

enum { COMPACT_POSITIONS, COMPACT_ENTRIES, COMPACT_TAKEN, COMPACT_LOSSES, COMPACT_RENAME };

static const struct sm_state compact_states[] = {
	[COMPACT_POSITIONS] = { "positions", SM_TO(COMPACT_ENTRIES) },
	[COMPACT_ENTRIES] = { "entries", SM_TO(COMPACT_TAKEN) },
	[COMPACT_TAKEN] = { "taken", SM_TO(COMPACT_LOSSES) },
	[COMPACT_LOSSES] = { "losses", SM_TO(COMPACT_RENAME) },
	[COMPACT_RENAME] = { "rename", SM_END },
};
static const struct sm_machine compact_machine = SM_MACHINE("spool_compact", compact_states, NULL);

static void slice(struct spool *s);

static void on_slice(struct timer *t)
{
	slice(container_of(t, struct spool, timer));
}

/* ---- what is written -------------------------------------------------------------------------------------------------- */

/* One line even without a position: it carries the sequence. What is said costs so many lines and ranges. */
static size_t say_positions(struct spool *s)
{
	bool is_first = s->compact.written == 0 && s->line.len == 0;
	struct telemetry_source ranges[BATCH_RANGES_ANY];
	struct commit c = { .seq = s->seq, .kind = COMMIT_POSITIONS, .ranges = ranges };

	while (c.ranges_n < BATCH_RANGES_ANY && s->positions->next(s->positions->ctx, &ranges[c.ranges_n]))
		c.ranges_n++;
	if (c.ranges_n < BATCH_RANGES_ANY)
		sm_move(&s->compact.sm, COMPACT_ENTRIES);
	if (c.ranges_n > 0 || is_first)
		commit_format(&c, &s->line);
	return c.ranges_n + 1;
}

static struct spool_entry *next_entry(struct spool *s)
{
	struct spool_compact *c = &s->compact;
	struct spool_entry *en;

	while (c->at == &s->entries[c->kind]) {
		if (++c->kind == TELEMETRY_KINDS)
			return NULL;
		c->at = s->entries[c->kind].next;
	}
	en = list_entry(c->at, struct spool_entry, link);
	c->at = c->at->next;
	return en;
}

static struct account_part part_of(const struct spool *s, unsigned source, uint32_t records)
{
	struct account_part p = { .n = { [ACCOUNT_TAKEN] = records } };

	snprintf(p.source, sizeof(p.source), "%s", s->account.sources[source]);
	return p;
}

static size_t parts_of(const struct spool_entry *en, struct account_part parts[ACCOUNT_SHARES_MAX])
{
	if (en->shares == NULL) {
		parts[0] = part_of(en->s, en->source, en->records);
		return 1;
	}
	for (unsigned i = 0; i < en->shares->n; i++)
		parts[i] = part_of(en->s, en->shares->v[i].source, en->shares->v[i].records);
	return en->shares->n;
}

/* What a destination has lost while it still wants an older one is not below the sequence that it has come to. */
static void take_ended(const struct spool_entry *en, struct commit *c)
{
	for (unsigned i = 0; i < en->s->dests_n; i++)
		if (!spool_is_wanted_by(en, i) && en->seq > en->s->dests[i].taken[en->kind])
			snprintf(c->ended[c->ended_n++], TAKEN_NAME_LEN, "%s", en->s->dests[i].name);
}

static size_t say_entry(struct spool *s)
{
	const struct spool_entry *en = next_entry(s);
	struct account_part parts[ACCOUNT_SHARES_MAX];
	struct commit c;

	if (en == NULL) {
		sm_move(&s->compact.sm, COMPACT_TAKEN);
		return 0;
	}
	c = (struct commit){ .seq = en->seq,
			     .kind = en->kind,
			     .records = en->records,
			     .bytes = en->bytes,
			     .crc = en->crc,
			     .at_s = en->at_s,
			     .is_said = true };
	snprintf(c.id, sizeof(c.id), "%s", en->id);
	c.parts_n = parts_of(en, parts);
	c.parts = parts;
	take_ended(en, &c);
	commit_format(&c, &s->line);
	return 1;
}

/* Of one destination nothing is said: what it has had is not in the folder. */
static size_t say_taken(struct spool *s)
{
	for (unsigned i = 0; s->dests_n > 1 && i < s->dests_n; i++)
		for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
			enum telemetry_kind k = (enum telemetry_kind)kind;
			struct taken t = spool_dest_taken(s, i, k, s->dests[i].taken[kind]);

			if (t.seq > 0)
				taken_format(&t, &s->line);
		}
	spool_account_say(s, &s->line);
	sm_move(&s->compact.sm, COMPACT_LOSSES);
	return 1;
}

/* The account does not have them yet: it will when all of this is durable. */
static size_t say_losses(struct spool *s)
{
	size_t n = spool_loss_say(s, &s->line, LINES_SLICE);

	if (n == 0)
		sm_move(&s->compact.sm, COMPACT_RENAME);
	return n;
}

static size_t (*const says[])(struct spool *s) = {
	[COMPACT_POSITIONS] = say_positions,
	[COMPACT_ENTRIES] = say_entry,
	[COMPACT_TAKEN] = say_taken,
	[COMPACT_LOSSES] = say_losses,
};

/* ---- how ---------------------------------------------------------------------------------------------------------------- */

static void on_renamed(struct disk_req *r, int rc)
{
	struct spool *s = container_of(r, struct spool, disk);

	if (rc != 0) {
		s->commits_unsure = true; /* the old one or the new one stands there now */
		spool_write_failed(s, r);
		return;
	}
	s->commits_unsure = false;
	spool_loss_said(s);
	/* What says that the bodies exist is durable now, so they may be sent. */
	s->settled = true;
	spool_sweep_settled(s);
	s->commits_len = s->commits_least = s->compact.written;
	log_debug("spool.compacted", "bytes=%" PRIu64, s->commits_len);
	spool_write_done(s);
}

static void on_part(struct disk_req *r, int rc)
{
	struct spool *s = container_of(r, struct spool, disk);

	if (rc != 0) {
		spool_write_failed(s, r);
		return;
	}
	s->compact.written += s->line.len;
	buf_reset(&s->line);
	if (s->compact.sm.now == COMPACT_RENAME)
		disk_rename(s->w, &s->disk, s->compact.path, s->commits, on_renamed);
	else
		slice(s);
}

static void slice(struct spool *s)
{
	struct spool_compact *c = &s->compact;

	for (size_t cost = 0; cost < LINES_SLICE && c->sm.now != COMPACT_RENAME;)
		cost += says[c->sm.now](s);
	assert(!s->line.over);
	if (c->sm.now == COMPACT_RENAME || s->line.len >= PART)
		disk_append(s->w, &s->disk, s->compact.path, s->compact.written, s->line.data, s->line.len, on_part);
	else
		timer_start(s->w, &s->timer, 0, on_slice);
}

void spool_compact(struct spool *s)
{
	struct spool_compact *c = &s->compact;

	buf_reset(&s->line);
	sm_init(&c->sm, &compact_machine, COMPACT_POSITIONS);
	s->positions->rewind(s->positions->ctx);
	/* From the beginning, also after a try that failed: the append at 0 cuts what that left behind. */
	c->written = 0;
	s->losing = 0;
	c->kind = 0;
	c->at = s->entries[0].next;
	slice(s);
}

void spool_compact_skip(struct spool *s, const struct spool_entry *en)
{
	/* The next slice would begin at memory that is freed. */
	if (s->compact.at == &en->link)
		s->compact.at = en->link.next;
}
