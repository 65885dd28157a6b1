/* spool_write.c - how a batch becomes an entry, one at a time and in order.
 *
 *     idle --> pack --> body --> commit --> idle        body, commit, compact --> wait --> the same again
 *       '----> compact --> idle                         a batch of ranges alone: idle --> commit
 *
 * Packing is cut into slices, so that no tick is long. A disk that fails makes the spool full until a write succeeds; the
 * batch stays in memory and is tried again every ten seconds. The log of commit records is written anew when it has grown
 * to three times what it needs to say, or when its end is not what we know (spool_compact.c).
 * Closing: writes on until the queue is empty or the disk fails once more. */
#include "shippers/spool_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "agent/base/gzip.h"
#include "agent/base/enc.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "shippers/commit.h"

#define AGAIN_MS 10000
#define PACKED_MAX (BATCH_BYTES_MAX + (64u << 10))
#define COMMITS_FREE (1u << 20) /* below this the log is never written anew */

enum { WRITE_IDLE, WRITE_PACK, WRITE_BODY, WRITE_COMMIT, WRITE_COMPACT, WRITE_WAIT };

static const struct sm_state states[] = {
	[WRITE_IDLE] = { "idle", SM_TO(WRITE_PACK) | SM_TO(WRITE_COMMIT) | SM_TO(WRITE_COMPACT) },
	[WRITE_PACK] = { "pack", SM_TO(WRITE_BODY) | SM_TO(WRITE_IDLE) },
	[WRITE_BODY] = { "body", SM_TO(WRITE_COMMIT) | SM_TO(WRITE_WAIT) },
	[WRITE_COMMIT] = { "commit", SM_TO(WRITE_IDLE) | SM_TO(WRITE_WAIT) },
	[WRITE_COMPACT] = { "compact", SM_TO(WRITE_IDLE) | SM_TO(WRITE_WAIT) },
	[WRITE_WAIT] = { "wait", SM_TO(WRITE_BODY) | SM_TO(WRITE_COMMIT) | SM_TO(WRITE_COMPACT) | SM_TO(WRITE_IDLE) },
};

/* What must hold so that a batch is never sent as two: its entry is made once, packed once, and committed when its body is on the
 * disk. */
static const char *write_broken(const struct sm *m)
{
	const struct spool *s = container_of(m, const struct spool, sm);
	bool has_batch = s->cur != NULL && !list_empty(&s->queue);

	if ((m->now == WRITE_PACK || m->now == WRITE_BODY || m->now == WRITE_COMMIT) && !has_batch)
		return "what is written is the first batch of the queue, and has an entry";
	if (m->now == WRITE_BODY && s->packed.len == 0)
		return "a body is packed before it is written";
	if (m->now == WRITE_COMMIT && s->cur->records > 0 && !s->cur->is_durable)
		return "a body is durable before its commit record";
	return NULL;
}

static const struct sm_machine write_machine = SM_MACHINE("spool_write", states, write_broken);

static void begin(struct spool *s);

static struct batch *first(struct spool *s)
{
	return list_entry(s->queue.next, struct batch, link);
}

static void on_again(struct timer *t)
{
	struct spool *s = container_of(t, struct spool, timer);

	sm_move(&s->sm, WRITE_IDLE);
	begin(s);
}

/* What has been reached stays: `cur` with its packed body, or cur->bytes set for a durable one. */
void spool_write_failed(struct spool *s, const struct disk_req *r)
{
	s->stats.write_failures++;
	s->stats.full = true;
	log_warn("spool.write.failed", "path=%s err=%s retry_in_ms=%d", r->path, err_text(&r->err), AGAIN_MS);
	snprintf(s->trouble, sizeof(s->trouble),
		 "the telemetry spool cannot be written (%.200s): log lines wait in their files, metrics are dropped; tried again "
		 "every %d s",
		 err_text(&r->err), AGAIN_MS / 1000);
	sm_move(&s->sm, WRITE_WAIT);
	if (ending_is_on(&s->end))
		ending_step(&s->end);
	else
		timer_start(s->w, &s->timer, AGAIN_MS, on_again);
}

void spool_write_done(struct spool *s)
{
	s->stats.full = false;
	s->trouble[0] = '\0';
	sm_move(&s->sm, WRITE_IDLE);
	begin(s);
}

/* ---- commit ------------------------------------------------------------------------------------------------------------ */

static void batch_done(struct spool *s)
{
	struct batch *b = list_entry(list_pop(&s->queue), struct batch, link);

	/* Only now, with the record durable, do the lines count as taken. A crash before would have them read again. */
	for (size_t i = 0; i < b->ranges_n; i++)
		s->positions->committed(s->positions->ctx, &b->ranges[i]);
	s->seq = s->cur->seq;
	s->queued[b->kind]--;
	if (b->records > 0)
		spool_entry_add(s->cur);
	else
		spool_entry_free(s->cur);
	s->cur = NULL;
	batch_free(b);
	buf_close(&s->packed);
}

static void on_committed(struct disk_req *r, int rc)
{
	struct spool *s = container_of(r, struct spool, disk);

	if (rc != 0) {
		/* Shorter than we know it: somebody has cut the log, and appending would leave a hole. After any other error
		 * the same bytes go to the same place, which cuts what the failed try left there. */
		s->commits_unsure |= rc == -ERR_CORRUPT;
		spool_write_failed(s, r);
		return;
	}
	s->commits_len += s->line.len;
	batch_done(s);
	spool_enforce_quota(s);
	if (s->c.changed != NULL)
		s->c.changed(s->c.ctx);
	spool_write_done(s);
}

static void commit(struct spool *s)
{
	const struct batch *b = first(s);
	struct commit c = { .seq = s->cur->seq, .kind = b->kind, .records = b->records };

	c.bytes = s->cur->bytes;
	c.crc = s->cur->crc;
	c.ranges = b->ranges;
	c.ranges_n = b->ranges_n;
	snprintf(c.id, sizeof(c.id), "%s", s->cur->id);
	buf_reset(&s->line);
	commit_format(&c, &s->line);
	assert(!s->line.over);
	disk_append(s->w, &s->disk, s->commits, s->commits_len, s->line.data, s->line.len, on_committed);
}

/* ---- body -------------------------------------------------------------------------------------------------------------- */

static void on_body(struct disk_req *r, int rc)
{
	struct spool *s = container_of(r, struct spool, disk);

	if (rc != 0) {
		spool_write_failed(s, r);
		return;
	}
	s->cur->bytes = s->packed.len;
	s->cur->crc = gzip_crc32(s->packed.data, s->packed.len);
	s->cur->is_durable = true;
	sm_move(&s->sm, WRITE_COMMIT);
	commit(s);
}

static void body(struct spool *s)
{
	disk_replace(s->w, &s->disk, s->cur_path, s->packed.data, s->packed.len, 0600, on_body);
}

/* ---- pack -------------------------------------------------------------------------------------------------------------- */

static void on_pack(struct timer *t)
{
	struct spool *s = container_of(t, struct spool, timer);
	int rc = pack_slice(&s->pack, &first(s)->raw, &s->packed);

	assert(rc >= 0); /* gzip grows nothing by more than PACKED_MAX leaves */
	if (rc == 0) {
		timer_start(s->w, &s->timer, 0, on_pack);
		return;
	}
	pack_end(&s->pack);
	sm_move(&s->sm, WRITE_BODY);
	body(s);
}

/* ---- the writer --------------------------------------------------------------------------------------------------------- */

static bool must_compact(const struct spool *s)
{
	return s->commits_unsure || s->commits_len > COMMITS_FREE + 3 * s->commits_least;
}

static void new_entry(struct spool *s)
{
	const struct batch *b = first(s);
	uint64_t chance = world_random64(s->w);
	char id[BATCH_ID_LEN];

	s->cur = spool_entry_new(s, b->kind, s->next_seq++, enc_hex(&chance, sizeof(chance), id));
	s->cur->records = b->records;
	mem_free(s->cur_path);
	s->cur_path = spool_entry_path(s->cur);
}

/* Goes on with the first batch where it stands. */
static void begin(struct spool *s)
{
	/* Before any batch: nothing is appended to a log whose end is not known. */
	if (must_compact(s)) {
		sm_move(&s->sm, WRITE_COMPACT);
		spool_compact(s);
		return;
	}
	if (list_empty(&s->queue)) {
		ending_step(&s->end);
		return;
	}
	if (s->cur == NULL)
		new_entry(s);
	/* A body that is durable already is not written twice: only its record failed. */
	if (first(s)->records == 0 || s->cur->is_durable) {
		sm_move(&s->sm, WRITE_COMMIT);
		commit(s);
		return;
	}
	sm_move(&s->sm, WRITE_PACK);
	if (s->packed.len > 0) { /* packed before the disk failed */
		sm_move(&s->sm, WRITE_BODY);
		body(s);
		return;
	}
	s->packed = BUF_MAX(PACKED_MAX);
	pack_begin(&s->pack, PACK_IN);
	timer_start(s->w, &s->timer, 0, on_pack);
}

void spool_write_init(struct spool *s)
{
	sm_init(&s->sm, &write_machine, WRITE_IDLE);
	s->packed = BUF_MAX(PACKED_MAX);
	s->line = BUF_MAX(16u << 20);
}

void spool_write_kick(struct spool *s)
{
	if (s->sm.now == WRITE_IDLE)
		begin(s);
}

bool spool_write_idle(const struct spool *s)
{
	/* A disk that refuses is not waited for. What was not committed is forgotten: log lines are read
	 * again, metrics are lost. */
	return s->sm.now == WRITE_WAIT || (s->sm.now == WRITE_IDLE && list_empty(&s->queue));
}

/* One more try for what waits: the disk may work again. */
void spool_write_close(struct spool *s)
{
	if (s->sm.now != WRITE_WAIT)
		return;
	timer_stop(s->w, &s->timer);
	sm_move(&s->sm, WRITE_IDLE);
	begin(s);
}
