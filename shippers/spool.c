/* spool.c - entries of the spool: kept in order, loaded, removed, set aside; quotas; free space.
 *
 * Happy path: spool_write.c makes an entry, the exporter takes the oldest, loads it, sends it, removes it.
 * Fails: a body that is not what was written is the exporter's to set aside; an unlink that fails is asked again; metrics
 * over their quota lose the oldest, counted; logs over theirs push back (spool_has_room), as does a disk that is nearly full.
 * Closing: the writer ends first, then what is being removed, then done. A free-space question that hangs is waited for. */
#include "shippers/spool_impl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define QUEUE_MAX 2 /* batches of a kind that wait in memory */
#define BODY_MAX (8u << 20)
#define SPACE_EVERY_MS 10000
#define RESERVE_LEAST (UINT64_C(1) << 30)

/* ---- entries ------------------------------------------------------------------------------------------------------- */

struct spool_entry *spool_entry_new(struct spool *s, enum telemetry_kind kind, uint64_t seq, const char *id)
{
	struct spool_entry *en = mem_new(struct spool_entry);

	en->s = s;
	en->kind = kind;
	en->seq = seq;
	snprintf(en->id, sizeof(en->id), "%s", id);
	en->path = mem_printf("%s/%016" PRIu64 "-%s-%s.pb.gz", s->dir, seq, batch_kind_name(kind), id);
	return en;
}

void spool_entry_add(struct spool_entry *en)
{
	struct list *head = &en->s->entries[en->kind], *at = head->prev;

	while (at != head && list_entry(at, struct spool_entry, link)->seq > en->seq)
		at = at->prev;
	list_add(at->next, &en->link);
	en->s->stats.bytes[en->kind] += en->bytes;
	en->s->stats.entries[en->kind]++;
}

void spool_entry_free(struct spool_entry *en)
{
	if (en == NULL)
		return;
	if (en->link.next != NULL) {
		en->s->stats.bytes[en->kind] -= en->bytes;
		en->s->stats.entries[en->kind]--;
	}
	list_del(&en->link);
	mem_free(en->path);
	mem_free(en->aside);
	mem_free(en);
}

static struct spool_entry *oldest(struct spool *s, enum telemetry_kind kind)
{
	return list_empty(&s->entries[kind]) ? NULL : list_entry(s->entries[kind].next, struct spool_entry, link);
}

struct spool_entry *spool_oldest(struct spool *s, enum telemetry_kind kind)
{
	return s->settled ? oldest(s, kind) : NULL;
}

static int check_body(const struct spool_entry *en, const struct buf *b, struct err *e)
{
	const unsigned char *p = (const unsigned char *)b->data;

	if (b->len != en->bytes || crc32(0, p, (uInt)b->len) != en->crc)
		return err_set(e, ERR_CORRUPT, "%s is not what was written", en->path);
	if (b->len < 18 || p[0] != 0x1f || p[1] != 0x8b) /* a gzip header and trailer */
		return err_set(e, ERR_CORRUPT, "%s is not gzip", en->path);
	return 0;
}

int spool_load(struct spool_entry *en, struct buf *to, struct err *e)
{
	int rc;

	buf_reset(to);
	to->max = BODY_MAX;
	rc = disk_read_all(en->s->w, en->path, to, e);
	if (rc == -ERR_NOTFOUND || rc == -ERR_LIMIT)
		return err_set(e, ERR_CORRUPT, "%s is gone or too large", en->path);
	return rc != 0 ? rc : check_body(en, to, e);
}

/* ---- the end of an entry ----------------------------------------------------------------------------------------------- */

static void on_gone(struct disk_req *r, int rc)
{
	struct spool_entry *en = container_of(r, struct spool_entry, disk);
	struct spool *s = en->s;
	void (*gone)(void *ctx, int rc) = en->gone;
	void *ctx = en->gone_ctx;

	if (rc == -ERR_NOTFOUND) /* what was to be kept is not there: that is an end too */
		rc = 0;
	if (rc != 0)
		log_warn("spool.remove.failed", "path=%s why=\"%s\"", en->path, err_text(&r->err));
	else
		spool_entry_free(en);
	if (gone != NULL)
		gone(ctx, rc);
	if (rc == 0 && s->c.changed != NULL && !s->closing)
		s->c.changed(s->c.ctx);
	spool_maybe_closed(s);
}

void spool_remove(struct spool_entry *en, void (*gone)(void *ctx, int rc), void *ctx)
{
	en->gone = gone;
	en->gone_ctx = ctx;
	disk_unlink(en->s->w, &en->disk, en->path, on_gone);
}

void spool_set_aside(struct spool_entry *en, const char *why, void (*gone)(void *ctx, int rc), void *ctx)
{
	struct spool *s = en->s;

	if (s->aside_bytes + en->bytes > (16u << 20)) { /* room for a person's curiosity, no more */
		spool_remove(en, gone, ctx);
		return;
	}
	s->aside_bytes += en->bytes;
	en->gone = gone;
	en->gone_ctx = ctx;
	mem_free(en->aside);
	en->aside = mem_printf("%s.%s", en->path, why);
	if (str_eq(why, "bad"))
		s->stats.corrupt++;
	disk_rename(s->w, &en->disk, en->path, en->aside, on_gone);
}

/* A file that nobody will ask for again. */
struct sweep {
	struct list link;
	struct spool *s;
	struct disk_req disk;
	char *path;
};

static void on_swept(struct disk_req *r, int rc)
{
	struct sweep *sw = container_of(r, struct sweep, disk);
	struct spool *s = sw->s;

	err_ignore(rc, "the next start sweeps it");
	list_del(&sw->link);
	mem_free(sw->path);
	mem_free(sw);
	spool_maybe_closed(s);
}

void spool_sweep(struct spool *s, const char *name)
{
	struct sweep *sw = mem_new(struct sweep);

	sw->s = s;
	sw->path = mem_printf("%s/%s", s->dir, name);
	list_add(&s->sweeps, &sw->link);
	disk_unlink(s->w, &sw->disk, sw->path, on_swept);
}

void spool_enforce_quota(struct spool *s)
{
	const enum telemetry_kind kind = TELEMETRY_METRIC;

	while (s->stats.bytes[kind] > s->c.max[kind]) {
		struct spool_entry *en = oldest(s, kind);

		if (en->held)
			en = en->link.next != &s->entries[kind] ? list_entry(en->link.next, struct spool_entry, link) : NULL;
		if (en == NULL)
			return;
		s->stats.dropped_records[kind] += en->records;
		spool_sweep(s, strrchr(en->path, '/') + 1);
		spool_entry_free(en);
	}
}

/* ---- room ------------------------------------------------------------------------------------------------------------ */

static uint64_t reserve_of(const struct spool *s)
{
	uint64_t share = s->space.fs.blocks * s->space.fs.frsize / 20;

	if (s->c.reserve > 0)
		return s->c.reserve;
	return share > RESERVE_LEAST ? share : RESERVE_LEAST;
}

static void on_space(struct disk_req *r, int rc);

static void on_space_due(struct timer *t)
{
	struct spool *s = container_of(t, struct spool, space_timer);

	s->space = (struct disk_req){ .op = DISK_STATVFS, .path = s->dir };
	s->space_asked = true;
	s->w->disk_start(s->w, &s->space, on_space);
}

static void on_space(struct disk_req *r, int rc)
{
	struct spool *s = container_of(r, struct spool, space);
	bool was_low = s->space_low;

	s->space_asked = false;
	if (rc == 0)
		s->space_low = r->fs.bavail * r->fs.frsize < reserve_of(s);
	if (s->closing) {
		spool_maybe_closed(s);
		return;
	}
	timer_start(s->w, &s->space_timer, SPACE_EVERY_MS, on_space_due);
	if (s->space_low != was_low)
		log_warn(s->space_low ? "spool.space.low" : "spool.space.enough", "dir=%s free_bytes=%" PRIu64, s->dir,
			 r->fs.bavail * r->fs.frsize);
	if (was_low && !s->space_low && s->c.changed != NULL)
		s->c.changed(s->c.ctx);
}

bool spool_has_room(const struct spool *s, enum telemetry_kind kind)
{
	if (s->stats.full || s->space_low || s->closing || s->queued[kind] >= QUEUE_MAX)
		return false;
	return kind == TELEMETRY_METRIC || s->stats.bytes[kind] < s->c.max[kind];
}

void spool_put(struct spool *s, struct batch *b)
{
	list_add(&s->queue, &b->link);
	s->queued[b->kind]++;
	spool_write_kick(s);
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

void spool_positions(const struct spool *s, void (*each)(void *ctx, const struct telemetry_source *position), void *ctx)
{
	for (size_t i = 0; i < s->positions.n; i++)
		each(ctx, &s->positions.v[i]);
}

struct spool_stats spool_stats(const struct spool *s)
{
	struct spool_stats st = s->stats;

	st.full |= s->space_low;
	return st;
}

static void spool_free(struct spool *s)
{
	struct list *n;

	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		while (!list_empty(&s->entries[kind]))
			spool_entry_free(list_entry(s->entries[kind].next, struct spool_entry, link));
	while ((n = list_pop(&s->queue)) != NULL)
		batch_free(list_entry(n, struct batch, link));
	spool_entry_free(s->cur);
	positions_close(&s->positions);
	buf_close(&s->packed);
	buf_close(&s->line);
	mem_free(s->dir);
	mem_free(s->commits);
	mem_free(s);
}

int spool_new(struct world *w, const struct spool_config *c, struct spool **ret, struct err *e)
{
	struct spool *s = mem_new(struct spool);
	int rc;

	s->w = w;
	s->c = *c;
	s->dir = mem_str(c->dir);
	s->commits = mem_printf("%s/commits", c->dir);
	list_init(&s->queue);
	list_init(&s->sweeps);
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		list_init(&s->entries[kind]);
	spool_write_init(s);
	rc = w->disk_mkdir(w, s->dir, 0700, e);
	if (rc == 0)
		rc = spool_recover(s, e);
	if (rc != 0) {
		assert(list_empty(&s->sweeps));
		spool_free(s);
		return err_wrap(e, rc, "spool");
	}
	timer_start(w, &s->space_timer, 0, on_space_due);
	*ret = s;
	return 0;
}

static bool any_removal(const struct spool *s)
{
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		list_each(n, &s->entries[kind])
			if (list_entry(n, struct spool_entry, link)->disk.impl != NULL)
				return true;
	return !list_empty(&s->sweeps);
}

void spool_maybe_closed(struct spool *s)
{
	void (*closed)(void *ctx) = s->closed;
	void *ctx = s->closed_ctx;

	if (!s->closing || closed == NULL || s->space_asked || !spool_write_idle(s) || any_removal(s))
		return;
	s->closed = NULL;
	timer_stop(s->w, &s->timer);
	timer_stop(s->w, &s->space_timer);
	spool_free(s);
	closed(ctx);
}

static void on_close_due(struct timer *t)
{
	spool_maybe_closed(container_of(t, struct spool, space_timer));
}

void spool_close(struct spool *s, void (*done)(void *ctx), void *ctx)
{
	s->closing = true;
	spool_write_close(s);
	s->closed = done;
	s->closed_ctx = ctx;
	timer_start(s->w, &s->space_timer, 0, on_close_due); /* also when nothing is under way */
}
