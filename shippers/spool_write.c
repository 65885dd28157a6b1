/* spool_write.c - how bodies become entries: in the order in which their batches were put, as many as are durable with one record
 * of commits.
 *
 *     idle --> commit --> idle        commit, compact --> wait --> the same again
 *       '----> compact --> idle       a body that cannot be written: to wait from idle, too
 *
 * A disk that fails makes the spool full until a write succeeds, or nothing is left to be written: what was refused may have gone
 * meanwhile without a record. The batches stay in memory and are tried again every ten seconds.
 * The log of commit records is written anew when it has grown to three times what it needs to say, or when its end is not what we
 * know (spool_compact.c).
 * Closing: writes on until there is no batch left or the disk fails once more. */
#include "shippers/spool_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "shippers/commit.h"

#define AGAIN_MS 10000
#define RECORDS_BYTES (1u << 20) /* written at once; a record of many positions with long paths may come on top */
#define LOSSES_SLICE 64
#define COMMITS_FREE (1u << 20) /* below this the log is never written anew */

enum { WRITE_IDLE, WRITE_COMMIT, WRITE_COMPACT, WRITE_WAIT };

static const struct sm_state states[] = {
	[WRITE_IDLE] = { "idle", SM_TO(WRITE_COMMIT) | SM_TO(WRITE_COMPACT) | SM_TO(WRITE_WAIT) },
	[WRITE_COMMIT] = { "commit", SM_TO(WRITE_IDLE) | SM_TO(WRITE_WAIT) },
	[WRITE_COMPACT] = { "compact", SM_TO(WRITE_IDLE) | SM_TO(WRITE_WAIT) },
	[WRITE_WAIT] = { "wait", SM_TO(WRITE_IDLE) },
};

static struct spool_job *first(const struct spool *s)
{
	return list_empty(&s->jobs) ? NULL : list_entry(s->jobs.next, struct spool_job, link);
}

static const char *write_broken(const struct sm *m)
{
	const struct spool *s = container_of(m, const struct spool, sm);
	size_t n = 0;

	if (m->now != WRITE_COMMIT)
		return s->committing + s->noting > 0 ? "jobs and endings are in a commit only while that is written" : NULL;
	list_each(at, &s->jobs) {
		if (n++ == s->committing)
			break;
		if (list_entry(at, struct spool_job, link)->sm.now != JOB_DURABLE)
			return "a body is durable before its commit record";
	}
	return s->committing + s->noting + s->losing > 0 ? NULL : "a commit is of something";
}

static const struct sm_machine write_machine = SM_MACHINE("spool_write", states, write_broken);

static void begin(struct spool *s);

bool spool_write_waits(const struct spool *s)
{
	return s->sm.now == WRITE_WAIT;
}

static void on_again(struct timer *t)
{
	struct spool *s = container_of(t, struct spool, timer);

	sm_move(&s->sm, WRITE_IDLE);
	spool_bodies_again(s);
	begin(s);
}

/* What has been reached stays: packed bodies, and those that are durable. A commit or a compaction that runs ends by itself, and
 * the wait comes behind it. */
void spool_write_failed(struct spool *s, const struct disk_req *r)
{
	s->stats.write_failures++;
	s->stats.full = true;
	s->must_wait |= s->sm.now != WRITE_WAIT;
	log_warn("spool.write.failed", "path=%s err=%s retry_in_ms=%d", r->path, err_text(&r->err), AGAIN_MS);
	snprintf(s->trouble, sizeof(s->trouble),
		 "the telemetry spool cannot be written (%.200s): log lines wait in their files, metrics are dropped; tried again "
		 "every %d s",
		 err_text(&r->err), AGAIN_MS / 1000);
	if (r == &s->disk || s->sm.now == WRITE_IDLE)
		spool_write_wait(s);
	else
		ending_step(&s->end);
}

void spool_write_wait(struct spool *s)
{
	s->must_wait = false;
	s->committing = 0;
	sm_move(&s->sm, WRITE_WAIT);
	spool_ending_refuse(s);
	if (ending_is_on(&s->end))
		ending_step(&s->end);
	else
		timer_start(s->w, &s->timer, AGAIN_MS, on_again);
}

/* In this order: those whom the news wakes ask whether there is room. */
static void tell_room(struct spool *s)
{
	if (!s->must_wait) {
		s->stats.full = false;
		s->trouble[0] = '\0';
	}
	if (s->c.changed != NULL)
		s->c.changed(s->c.ctx);
}

/* What the news bring waits for `begin`, since the state moves only behind them. */
void spool_write_done(struct spool *s)
{
	s->committing = 0;
	tell_room(s);
	sm_move(&s->sm, WRITE_IDLE);
	if (s->must_wait)
		spool_write_wait(s);
	else
		begin(s);
}

/* ---- commit ------------------------------------------------------------------------------------------------------------ */

static void job_done(struct spool *s, struct spool_job *j)
{
	struct batch *b = j->b;

	/* Only now, with the record durable, do the lines count as taken. A crash before would have them read again. */
	for (size_t i = 0; i < b->ranges_n; i++)
		s->positions->committed(s->positions->ctx, &b->ranges[i]);
	account_add(&s->account, b->kind, b->parts, b->parts_n);
	spool_account_own(j->entry, b->parts, b->parts_n);
	s->seq = j->entry->seq;
	s->queued[b->kind]--;
	s->came += b->records > 0 ? j->entry->bytes : 0;
	if (b->records > 0)
		spool_entry_add(j->entry);
	else
		spool_entry_free(j->entry);
	spool_job_free(j);
}

static void on_committed(struct disk_req *r, int rc)
{
	struct spool *s = container_of(r, struct spool, disk);

	if (rc != 0) {
		/* Shorter than we know it: somebody has cut the log, and appending would leave a hole. After any other error
		 * the same bytes go to the same place, which cuts what the failed try left there. */
		s->commits_unsure |= rc == -ERR_CORRUPT;
		spool_ending_said(s, rc);
		spool_write_failed(s, r);
		return;
	}
	s->commits_len += s->line.len;
	for (size_t i = 0; i < s->committing; i++)
		job_done(s, first(s));
	/* What is a little over, because it was on its way when the room was gone, may stay until there is more. */
	if (s->committing > 0)
		spool_enforce_quota(s);
	s->committing = 0;
	spool_loss_said(s);
	spool_ending_said(s, 0);
	spool_write_done(s);
}

static void add_line(struct spool *s, const struct spool_job *j)
{
	const struct spool_entry *en = j->entry;
	struct commit c = {
		.seq = en->seq, .kind = j->b->kind, .records = j->b->records, .bytes = en->bytes, .crc = en->crc, .at_s = en->at_s
	};

	c.ranges = j->b->ranges;
	c.ranges_n = j->b->ranges_n;
	c.parts = j->b->parts;
	c.parts_n = j->b->parts_n;
	snprintf(c.id, sizeof(c.id), "%s", en->id);
	commit_format(&c, &s->line);
}

/* All that are durable, up to the first that is not, or as many as are written at once. */
static void commit(struct spool *s)
{
	buf_reset(&s->line);
	list_each(n, &s->jobs) {
		const struct spool_job *j = list_entry(n, struct spool_job, link);

		if (j->sm.now != JOB_DURABLE || s->line.len >= RECORDS_BYTES)
			break;
		add_line(s, j);
		s->committing++;
	}
	s->losing = 0; /* of a try that failed */
	while (s->line.len < RECORDS_BYTES && spool_loss_say(s, &s->line, LOSSES_SLICE) > 0)
		;
	spool_ending_say(s, &s->line);
	assert(!s->line.over);
	sm_move(&s->sm, WRITE_COMMIT);
	disk_append(s->w, &s->disk, s->commits, s->commits_len, s->line.data, s->line.len, on_committed);
}

/* ---- the writer --------------------------------------------------------------------------------------------------------- */

static bool must_compact(const struct spool *s)
{
	return s->commits_unsure || s->commits_len > COMMITS_FREE + 3 * s->commits_least;
}

static void begin(struct spool *s)
{
	/* Before any batch: nothing is appended to a log whose end is not known. */
	if (must_compact(s)) {
		sm_move(&s->sm, WRITE_COMPACT);
		spool_compact(s);
		return;
	}
	spool_pack_next(s);
	if ((first(s) != NULL && first(s)->sm.now == JOB_DURABLE) || !list_empty(&s->noted) || spool_loss_waits(s)) {
		commit(s);
		return;
	}
	/* What the disk refused has gone without it. Only what comes next can show whether it writes again. */
	if (s->stats.full && list_empty(&s->jobs))
		tell_room(s);
	ending_step(&s->end);
}

void spool_write_init(struct spool *s)
{
	sm_init(&s->sm, &write_machine, WRITE_IDLE);
	s->line = BUF_MAX(16u << 20);
}

void spool_write_kick(struct spool *s)
{
	if (s->sm.now == WRITE_IDLE)
		begin(s);
	else
		ending_step(&s->end);
}

bool spool_write_idle(const struct spool *s)
{
	/* A disk that refuses is not waited for. What was not committed is forgotten: log lines are read
	 * again, metrics are lost. */
	return s->writing == 0 && (s->sm.now == WRITE_WAIT || (s->sm.now == WRITE_IDLE && list_empty(&s->jobs)));
}

/* One more try for what waits: the disk may work again. */
void spool_write_close(struct spool *s)
{
	if (s->sm.now != WRITE_WAIT)
		return;
	timer_stop(s->w, &s->timer);
	sm_move(&s->sm, WRITE_IDLE);
	spool_bodies_again(s);
	begin(s);
}
