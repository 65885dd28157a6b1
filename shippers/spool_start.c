/* spool_start.c - what a new process finds: the folder's names, the commit records to them, the positions; the rest is swept.
 *
 *     list --> names --> sort --> log --> match --> open      list, log --> wait --> list
 *
 * Long work in slices: fifty thousand bodies of each kind take a second, no tick of it more than a few milliseconds.
 *
 * A record that is damaged is passed by and counted; a torn last line is cut. A record without a body is a batch that was
 * sent. A body without a record was never sent and its lines are read again: it goes. Only where a record was damaged and
 * the body's seq lies below the last committed one, the record was its own: it stays and is sent. No damage stops the start;
 * a folder or a log that cannot be read at all does: that is told, and tried again.
 *
 * What a killed predecessor wrote can be read before it is durable. Were a body sent on the word of such a record and the
 * power lost then, its lines would be read and sent once more: so the log is written anew, durably, before the first send.
 * Closing: a request that is under way is waited for. */
#include "shippers/spool_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/gzip.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "shippers/spool_found.h"
#include "shippers/spool_records.h"

#define AGAIN_MS 10000
#define NAMES_MAX (32u << 20) /* of about 55 bytes: half a million files */
#define NAMES_SLICE 2000
#define SORT_SLICE 5000
#define MATCH_SLICE 1000
#define SEQ_LEAP (UINT64_C(1) << 20)

enum { ST_LIST, ST_NAMES, ST_SORT, ST_LOG, ST_MATCH, ST_OPEN, ST_WAIT };

static const struct sm_state states[] = {
	[ST_LIST] = { "list", SM_TO(ST_NAMES) | SM_TO(ST_WAIT) },
	[ST_NAMES] = { "names", SM_TO(ST_SORT) },
	[ST_SORT] = { "sort", SM_TO(ST_LOG) | SM_TO(ST_WAIT) },
	[ST_LOG] = { "log", SM_TO(ST_MATCH) | SM_TO(ST_WAIT) },
	[ST_MATCH] = { "match", SM_TO(ST_OPEN) },
	[ST_OPEN] = { "open", SM_END },
	[ST_WAIT] = { "wait", SM_TO(ST_LIST) },
};

struct spool_start {
	struct spool *s;
	struct sm sm;
	struct timer timer;
	struct disk_req disk;
	struct buf names;
	size_t at; /* in names, then in found */
	struct spool_found found;
	struct spool_records records;
};

static const char *start_broken(const struct sm *m)
{
	const struct spool_start *st = container_of(m, const struct spool_start, sm);

	if ((m->now == ST_LOG || m->now == ST_MATCH) && st->found.heap > 1)
		return "the bodies are in order before a record asks for one";
	if (m->now == ST_OPEN && st->found.v != NULL)
		return "what was found has become entries";
	return NULL;
}

static const struct sm_machine start_machine = SM_MACHINE("spool_start", states, start_broken);

static void on_turn(struct timer *t);

static int turn(struct spool_start *st)
{
	timer_start(st->s->w, &st->timer, 0, on_turn);
	return 0;
}

static int go(struct spool_start *st, unsigned to)
{
	sm_move(&st->sm, to);
	st->at = 0;
	return turn(st);
}

/* ---- nothing can be read ------------------------------------------------------------------------------------------------- */

static void clean(struct spool_start *st)
{
	buf_close(&st->names);
	spool_records_close(&st->records);
	spool_found_close(&st->found);
	st->names = BUF_MAX(NAMES_MAX);
}

static void wait_and_retry(struct spool_start *st, const struct err *e)
{
	struct spool *s = st->s;

	snprintf(
	    s->trouble, sizeof(s->trouble),
	    "no telemetry is taken or sent: its spool cannot be read (%.250s); tried again every %d s. Mend it, or move %.100s "
	    "away: what it holds is then not sent",
	    err_text(e), AGAIN_MS / 1000, s->dir);
	log_error("spool.unreadable", "err=%s retry_in_ms=%d", err_text(e), AGAIN_MS);
	clean(st);
	sm_move(&st->sm, ST_WAIT);
	timer_start(s->w, &st->timer, AGAIN_MS, on_turn);
}

/* ---- names ---------------------------------------------------------------------------------------------------------------- */

static void on_listed(struct disk_req *r, int rc)
{
	struct spool_start *st = container_of(r, struct spool_start, disk);

	if (ending_is_on(&st->s->end))
		ending_step(&st->s->end);
	else if (rc != 0)
		wait_and_retry(st, &r->err);
	else
		go(st, ST_NAMES);
}

static int list(struct spool_start *st, struct err *e)
{
	struct spool *s = st->s;

	/* At each try: a person may have moved the folder away, as the sentence above advises. */
	TRY(s->w->disk_mkdir(s->w, s->dir, 0700, e));
	disk_list(s->w, &st->disk, s->dir, &st->names, on_listed);
	return 0;
}

/* What the last try has read is forgotten. */
static int read_again(struct spool_start *st, struct err *e)
{
	st->s->positions->forget(st->s->positions->ctx);
	st->s->stats.corrupt = 0;
	spool_aside_close(&st->s->aside);
	spool_dest_forget(st->s);
	st->s->commits_len = 0;
	st->s->seq = 0;
	sm_move(&st->sm, ST_LIST);
	return list(st, e);
}

static void take_aside(struct spool *s, const char *name)
{
	CLEANUP(mem_close) char *path = mem_printf("%s/%s", s->dir, name);
	struct disk_stat stat;

	if (s->w->disk_stat(s->w, path, &stat, NULL) == 0)
		spool_aside_found(&s->aside, name, spool_blocks(stat.size));
	spool_aside_trim(s);
}

static void take_name(struct spool_start *st, const char *name)
{
	struct spool_body b;

	if (str_eq(name, "commits.tmp"))
		return; /* writing the log anew replaces it, and is under way soon */
	if (str_ends(name, ".tmp")) {
		spool_sweep(st->s, name);
		return;
	}
	switch (spool_found_name(name, &b)) {
	case SPOOL_NAME_BODY:
		spool_found_add(&st->found, &b);
		break;
	case SPOOL_NAME_ASIDE:
		take_aside(st->s, name);
		break;
	case SPOOL_NAME_OTHER:
		break; /* not ours to delete */
	}
}

static int read_names(struct spool_start *st, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < NAMES_SLICE && st->at < st->names.len; i++) {
		const char *name = st->names.data + st->at;

		st->at += strlen(name) + 1;
		take_name(st, name);
	}
	if (st->at < st->names.len)
		return turn(st);
	buf_close(&st->names);
	return go(st, ST_SORT);
}

static int sort(struct spool_start *st, struct err *e)
{
	if (!spool_found_sort(&st->found, SORT_SLICE))
		return turn(st);
	TRY(spool_records_open(&st->records, st->s, &st->found, e));
	return go(st, ST_LOG);
}

/* ---- the log of commit records ---------------------------------------------------------------------------------------------- */

static int read_records(struct spool_start *st, struct err *e)
{
	struct spool *s = st->s;
	bool ends = false;

	TRY(spool_records_read(&st->records, &ends, e));
	if (!ends)
		return turn(st);
	s->next_seq = s->seq + 1;
	/* With no log there is nothing that a loss of power could take back, and the first append makes it. */
	s->settled = s->commits_len == 0 && s->seq == 0;
	s->commits_unsure = !s->settled;
	if (s->stats.corrupt > 0)
		log_error("spool.damaged",
			  "records=%" PRIu64 " err=\"damaged records in the list of commits\" next=\"bodies stay, lines of those "
			  "records may be sent again\"",
			  s->stats.corrupt);
	return go(st, ST_MATCH);
}

/* ---- bodies and records ---------------------------------------------------------------------------------------------------- */

/* The body itself tells all that its lost record did, except for the number of records. */
static int adopt(struct spool_entry *en)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(2ul * BATCH_BYTES_MAX);
	CLEANUP(mem_close) char *path = spool_entry_path(en);

	TRY(disk_read_all(en->s->w, path, &b, NULL));
	en->records = 1;
	en->bytes = b.len;
	en->crc = gzip_crc32(buf_str(&b), b.len);
	return 0;
}

/* One that all have had was about to be unlinked. */
static void sweep_body(struct spool_entry *en)
{
	en->s->stats.uncommitted[en->kind] += en->wanted != 0;
	spool_drop_entry(en);
}

/* A sequence is given once, also to a body whose record was lost. But a name alone proves little: if every name counted, one stray
 * file could push the sequence to the largest number that a name can hold. */
static void pass_seq(struct spool *s, const struct spool_body *b)
{
	if (b->seq >= s->next_seq && (b->has_record || b->seq - s->seq <= SEQ_LEAP))
		s->next_seq = b->seq + 1;
}

/* A body that nobody wants should not be there: a crash came before it was set aside, or the disk never let it go. One that was
 * refused or could not be read is tried again, and what was counted of it is taken back. */
static void take_wants(struct spool *s, struct spool_entry *en, const struct spool_body *b)
{
	uint8_t wants = en->wanted;

	en->wanted &= (uint8_t)~b->ended;
	for (unsigned i = 0; en->wanted == 0 && b->has_record && i < s->dests_n; i++) {
		if (b->again[i] == NULL || (wants & 1u << i) == 0)
			continue;
		lost_take_back(b->again[i], &s->account, i);
		en->wanted |= (uint8_t)(1u << i);
	}
}

/* True: it was read, which is work enough for one slice. */
static bool take_body(struct spool *s, struct spool_body *b)
{
	bool may_adopt = !b->has_record && s->stats.corrupt > 0 && b->seq <= s->seq;
	char id[BATCH_ID_LEN];
	struct spool_entry *en;

	snprintf(id, sizeof(id), "%016" PRIx64, b->id);
	en = spool_entry_new(s, b->kind, b->seq, id);
	take_wants(s, en, b);
	en->source = b->source;
	en->shares = b->shares;
	b->shares = NULL;
	pass_seq(s, b);
	en->format = (uint8_t)b->format;
	en->records = b->records;
	en->bytes = b->bytes;
	en->crc = b->crc;
	if (b->at_s > 0)
		en->at_s = b->at_s;
	en->is_durable = b->has_record || (may_adopt && adopt(en) == 0);
	if (en->is_durable && en->wanted != 0)
		spool_entry_add(en);
	else
		sweep_body(en);
	return may_adopt;
}

static int match(struct spool_start *st, struct err *e)
{
	bool was_read = false;

	(void)e;
	for (size_t i = 0; i < MATCH_SLICE && st->at < st->found.n && !was_read; i++)
		was_read = take_body(st->s, &st->found.v[st->at++]);
	/* With each slice: what a start finds beyond the limits must not be in memory as entries first. */
	spool_enforce_quota(st->s);
	if (st->at < st->found.n)
		return turn(st);
	spool_found_close(&st->found);
	return go(st, ST_OPEN);
}

/* ---- the whole --------------------------------------------------------------------------------------------------------------- */

void spool_start_close(struct spool *s)
{
	struct spool_start *st = s->start;

	if (st == NULL)
		return;
	s->start = NULL;
	timer_stop(s->w, &st->timer);
	clean(st);
	mem_free(st);
}

bool spool_start_idle(const struct spool *s)
{
	return s->start == NULL || s->start->disk.impl == NULL;
}

/* The end: the start is freed before the others are told. */
static int open_up(struct spool_start *start, struct err *e)
{
	struct spool *s = start->s;
	const struct spool_stats *st = &s->stats;

	(void)e;
	spool_start_close(s);
	s->trouble[0] = '\0';
	log_info("spool.open", "metrics=%" PRIu64 " logs=%" PRIu64 " uncommitted=%" PRIu64 " damaged=%" PRIu64,
		 st->entries[TELEMETRY_METRIC], st->entries[TELEMETRY_LOG],
		 st->uncommitted[TELEMETRY_METRIC] + st->uncommitted[TELEMETRY_LOG], st->corrupt);
	s->commits_least = s->commits_len;
	spool_account_meet(s);
	spool_watch_space(s);
	/* It writes the log anew first (commits_unsure), and only then may a body be sent. */
	spool_write_kick(s);
	if (s->c.opened != NULL)
		s->c.opened(s->c.ctx);
	return 0;
}

/* Each goes on to the next state, or takes another turn in its own. */
static int (*const turns[])(struct spool_start *st, struct err *e) = {
	[ST_LIST] = list,   [ST_NAMES] = read_names, [ST_SORT] = sort,       [ST_LOG] = read_records,
	[ST_MATCH] = match, [ST_OPEN] = open_up,     [ST_WAIT] = read_again,
};

static void on_turn(struct timer *t)
{
	struct spool_start *st = container_of(t, struct spool_start, timer);
	struct err e = { 0 };
	int rc;

	if (ending_is_on(&st->s->end)) { /* it is given up where it stands */
		ending_step(&st->s->end);
		return;
	}
	rc = turns[st->sm.now](st, &e);
	if (rc != 0)
		wait_and_retry(st, &e);
}

void spool_start(struct spool *s)
{
	struct spool_start *st = mem_new(struct spool_start);

	s->start = st;
	st->s = s;
	sm_init(&st->sm, &start_machine, ST_LIST);
	clean(st);
	turn(st);
}
