/* spool.c - entries of the spool: kept in order, loaded; free space.
 *
 * Happy path: spool_start.c reads what is there, spool_write.c makes an entry, the exporter takes the oldest, loads it, sends
 * it, and says how it ended (spool_ending.c).
 * Fails: a body that is not what was written is the exporter's to set aside; above a quota logs push back and metrics lose the
 * oldest (spool_dest.c); a disk that is nearly full pushes back, too.
 * Closing: the start is given up, the writer ends, then what is being removed, then done. A free-space question that hangs
 * is waited for. */
#include "shippers/spool_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/gzip.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define BLOCK 4096 /* of the usual file systems; a body of 300 bytes takes a whole one */
#define BODY_MAX (8u << 20)
#define DAMAGE_TOLD_MS (24 * UINT64_C(3600000))
#define SPACE_EVERY_MS 10000
#define RESERVE_LEAST (UINT64_C(1) << 30)

/* ---- entries ------------------------------------------------------------------------------------------------------- */

uint32_t spool_now_s(const struct spool *s)
{
	int64_t now_s = (s->born_ms + (int64_t)world_now_ms(s->w)) / 1000;

	return now_s > 0 && now_s < UINT32_MAX ? (uint32_t)now_s : 1;
}

struct spool_entry *spool_entry_new(struct spool *s, enum telemetry_kind kind, uint64_t seq, const char *id)
{
	struct spool_entry *en = mem_new(struct spool_entry);

	en->s = s;
	en->kind = kind;
	en->seq = seq;
	en->at_s = spool_now_s(s);
	en->wanted = spool_dest_wants(s, kind, seq);
	snprintf(en->id, sizeof(en->id), "%s", id);
	return en;
}

char *spool_entry_path(const struct spool_entry *en)
{
	return mem_printf("%s/%016" PRIu64 "-%s-%s.pb%s", en->s->dir, en->seq, batch_kind_name(en->kind), en->id,
			  pack_suffix(en->format));
}

uint64_t spool_blocks(uint64_t bytes)
{
	return (bytes + BLOCK - 1) / BLOCK * BLOCK;
}

void spool_entry_add(struct spool_entry *en)
{
	struct list *head = &en->s->entries[en->kind], *at = head->prev;

	/* From the end, because it nearly always is the newest. */
	while (at != head && list_entry(at, struct spool_entry, link)->seq > en->seq)
		at = at->prev;
	list_add(at->next, &en->link);
	en->s->stats.bytes[en->kind] += spool_blocks(en->bytes);
	en->s->stats.entries[en->kind]++;
	spool_dest_add(en);
}

void spool_entry_free(struct spool_entry *en)
{
	if (en == NULL)
		return;
	/* One that never came into the list is in no number. */
	if (en->link.next != NULL) {
		en->s->stats.bytes[en->kind] -= spool_blocks(en->bytes);
		en->s->stats.entries[en->kind]--;
		spool_compact_skip(en->s, en);
		spool_dest_gone(en);
	}
	list_del(&en->link);
	mem_free(en->shares);
	mem_free(en);
}

void spool_drop_entry(struct spool_entry *en)
{
	spool_sweep_body(en);
	spool_entry_free(en);
}

static int check_body(const struct spool_entry *en, const char *path, const struct buf *b, struct err *e)
{
	/* By the sum of the packed bytes: the format's own would be known only after unpacking. */
	if (b->len != en->bytes || gzip_crc32(b->data, b->len) != en->crc)
		return err_set(e, ERR_CORRUPT, "%s is not what was written", path);
	if (!pack_is(en->format, b))
		return err_set(e, ERR_CORRUPT, "%s is not %s", path, pack_name(en->format));
	return 0;
}

int spool_load(struct spool_entry *en, struct buf *to, struct err *e)
{
	CLEANUP(mem_close) char *path = spool_entry_path(en);
	int rc;

	buf_reset(to);
	to->max = BODY_MAX;
	rc = disk_read_all(en->s->w, path, to, e);
	/* Asking again helps neither: nobody brings it back, and nobody makes it smaller. */
	if (rc == -ERR_NOTFOUND || rc == -ERR_LIMIT)
		return err_set(e, ERR_CORRUPT, "%s is gone or too large", path);
	return rc != 0 ? rc : check_body(en, path, to, e);
}

bool spool_can_read(const struct spool *s)
{
	struct disk_file *f = NULL;
	int rc = s->w->file_open(s->w, s->commits, &f, NULL);

	s->w->file_close(s->w, f);
	return rc == 0;
}

/* ---- free space ------------------------------------------------------------------------------------------------------ */

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
	/* A question that failed changes nothing: what was known before counts until the next. */
	if (rc == 0)
		s->space_low = r->fs.bavail * r->fs.frsize < reserve_of(s);
	if (ending_is_on(&s->end)) {
		ending_step(&s->end);
		return;
	}
	timer_start(s->w, &s->space_timer, SPACE_EVERY_MS, on_space_due);
	spool_enforce_age(s);
	if (s->space_low && !was_low)
		log_warn("spool.space.low", "dir=%s free_bytes=%" PRIu64, s->dir, r->fs.bavail * r->fs.frsize);
	if (!s->space_low && was_low)
		log_info("spool.space.enough", "dir=%s free_bytes=%" PRIu64, s->dir, r->fs.bavail * r->fs.frsize);
	if (was_low && !s->space_low && s->c.changed != NULL)
		s->c.changed(s->c.ctx);
}

void spool_watch_space(struct spool *s)
{
	timer_start(s->w, &s->space_timer, 0, on_space_due);
}

unsigned spool_queued(const struct spool *s, enum telemetry_kind kind)
{
	return s->queued[kind];
}

void spool_put(struct spool *s, struct batch *b)
{
	list_add(&s->jobs, &spool_job_new(s, b)->link);
	s->queued[b->kind]++;
	s->unpacked[b->kind]++;
	/* While the start reads, the next sequence is not known yet. */
	if (s->start == NULL)
		spool_write_kick(s);
}

void spool_pack_as(struct spool *s, enum pack_format f)
{
	s->c.format = f;
}

uint64_t spool_came(const struct spool *s)
{
	return s->came;
}

uint32_t spool_age_s(const struct spool_entry *en)
{
	uint32_t now_s = spool_now_s(en->s);

	return now_s > en->at_s ? now_s - en->at_s : 0;
}

enum pack_format spool_packs_as(const struct spool *s)
{
	return s->c.format;
}

const struct account *spool_account(const struct spool *s)
{
	return &s->account;
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

struct spool_stats spool_stats(const struct spool *s)
{
	struct spool_stats st = s->stats;

	st.full |= s->space_low;
	return st;
}

const char *spool_trouble(const struct spool *s)
{
	if (s->trouble[0] != '\0')
		return s->trouble;
	if (s->space_low)
		return "the disk of the telemetry spool is nearly full: log lines wait in their files, metrics are dropped; free "
		       "some space";
	return s->damage[0] != '\0' && world_now_ms(s->w) - s->damage_ms < DAMAGE_TOLD_MS ? s->damage : NULL;
}

static void spool_free(struct closing *c)
{
	struct spool *s = container_of(c, struct spool, end.closing);

	spool_start_close(s);
	timer_stop(s->w, &s->timer);
	timer_stop(s->w, &s->pack_timer);
	timer_stop(s->w, &s->rest_timer);
	timer_stop(s->w, &s->space_timer);
	timer_stop(s->w, &s->note_timer);
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		while (!list_empty(&s->entries[kind]))
			spool_entry_free(list_entry(s->entries[kind].next, struct spool_entry, link));
	while (!list_empty(&s->jobs)) {
		struct spool_job *j = list_entry(s->jobs.next, struct spool_job, link);

		spool_entry_free(j->entry);
		spool_job_free(j);
	}
	pack_end(&s->pack);
	spool_loss_close(s);
	spool_aside_close(&s->aside);
	buf_close(&s->line);
	spool_dest_close(s);
	mem_free(s->compact.path);
	mem_free(s->dir);
	mem_free(s->commits);
	mem_free(s);
}

struct spool *spool_new(struct world *w, const struct spool_config *c)
{
	struct spool *s = mem_new(struct spool);

	s->w = w;
	s->c = *c;
	s->born_ms = world_wall_ms(w) - (int64_t)world_now_ms(w);
	s->positions = c->positions;
	s->dir = mem_str(c->dir);
	s->commits = mem_printf("%s/commits", c->dir);
	s->compact.path = mem_printf("%s/commits.tmp", c->dir);
	list_init(&s->jobs);
	list_init(&s->noted);
	list_init(&s->sweeps);
	list_init(&s->late_sweeps);
	list_init(&s->losses);
	spool_aside_init(&s->aside);
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
		list_init(&s->entries[kind]);
	spool_dest_init(s, c);
	spool_write_init(s);
	spool_start(s);
	return s;
}

static bool is_out(struct closing *c)
{
	const struct spool *s = container_of(c, struct spool, end.closing);

	return s->space_asked || s->endings > 0 || !spool_start_idle(s) || !spool_write_idle(s) || !spool_sweep_idle(s);
}

static const struct closing_how spool_how = { is_out, spool_free };

void spool_close(struct spool *s, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&s->end, s->w, &spool_how, done, ctx);
	timer_stop(s->w, &s->space_timer);
	spool_sweep_drop(s);
	/* Until the start is over there is no room, so nothing was put that would have to be written. */
	if (s->start == NULL)
		spool_write_close(s);
}
