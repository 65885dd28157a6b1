/* spool_body.c - how a batch becomes a body on the disk: packed, one at a time and in slices, so that no tick is long; then
 * written, several at a time, because a disk takes four bodies at once in little more time than one.
 *
 *     new --> packing --> writing --> durable       a batch of ranges alone: new --> durable
 *                            '--> failed --> writing
 *
 * What is packed lets go of what it was packed from, so a disk that is slow holds up packed bodies alone.
 * Fails: the body stays in memory, and is written again when the writer says so (spool_write.c). What is packed while the disk
 * fails is not tried before. */
#include "shippers/spool_impl.h"

#include <assert.h>

#include "agent/base/enc.h"
#include "agent/base/gzip.h"
#include "agent/base/mem.h"

#define REST_MS 200
#define PACKED_MAX (BATCH_BYTES_MAX + (64u << 10))

static const struct sm_state states[] = {
	[JOB_NEW] = { "new", SM_TO(JOB_PACKING) | SM_TO(JOB_DURABLE) },
	[JOB_PACKING] = { "packing", SM_TO(JOB_WRITING) | SM_TO(JOB_FAILED) },
	[JOB_WRITING] = { "writing", SM_TO(JOB_DURABLE) | SM_TO(JOB_FAILED) },
	[JOB_FAILED] = { "failed", SM_TO(JOB_WRITING) },
	[JOB_DURABLE] = { "durable", SM_END },
};

/* What must hold so that a batch is never sent as two: its entry is made once, and packed once. */
static const char *job_broken(const struct sm *m)
{
	const struct spool_job *j = container_of(m, const struct spool_job, sm);

	if (m->now != JOB_NEW && j->entry == NULL)
		return "a batch that is begun has its entry";
	if ((m->now == JOB_WRITING || m->now == JOB_FAILED) && j->packed.len == 0)
		return "a body is packed before it is written";
	return NULL;
}

static const struct sm_machine job_machine = SM_MACHINE("spool_job", states, job_broken);

struct spool_job *spool_job_new(struct spool *s, struct batch *b)
{
	struct spool_job *j = mem_new(struct spool_job);

	j->s = s;
	j->b = b;
	j->packed = BUF_MAX(PACKED_MAX);
	sm_init(&j->sm, &job_machine, JOB_NEW);
	return j;
}

void spool_job_free(struct spool_job *j)
{
	list_del(&j->link);
	batch_free(j->b);
	buf_close(&j->packed);
	mem_free(j->path);
	mem_free(j);
}

/* ---- written ------------------------------------------------------------------------------------------------------------ */

static void on_body(struct disk_req *r, int rc)
{
	struct spool_job *j = container_of(r, struct spool_job, disk);
	struct spool *s = j->s;

	s->writing--;
	if (rc != 0) {
		sm_move(&j->sm, JOB_FAILED);
		spool_write_failed(s, r);
		return;
	}
	j->entry->bytes = j->packed.len;
	j->entry->crc = gzip_crc32(j->packed.data, j->packed.len);
	j->entry->is_durable = true;
	spare_give(s->c.spare, &j->packed);
	sm_move(&j->sm, JOB_DURABLE);
	spool_write_kick(s);
}

static void write_body(struct spool_job *j)
{
	j->s->writing++;
	sm_move(&j->sm, JOB_WRITING);
	disk_replace(j->s->w, &j->disk, j->path, j->packed.data, j->packed.len, 0600, on_body);
}

void spool_bodies_again(struct spool *s)
{
	list_each(n, &s->jobs) {
		struct spool_job *j = list_entry(n, struct spool_job, link);

		if (j->sm.now == JOB_FAILED)
			write_body(j);
	}
}

/* ---- packed ------------------------------------------------------------------------------------------------------------- */

static void on_rest(struct timer *t)
{
	struct spool *s = container_of(t, struct spool, rest_timer);

	if (s->packs == NULL)
		pack_end(&s->pack);
	spare_close(s->c.spare);
}

/* What a large body needs serves the next one where that comes soon: a log is being read quickly. Else the memory goes back. */
static void keep(struct spool *s, struct spool_job *j)
{
	pieces_give(&j->b->raw, s->c.spare);
	timer_start(s->w, &s->rest_timer, REST_MS, on_rest);
}

static void on_pack(struct timer *t)
{
	struct spool *s = container_of(t, struct spool, pack_timer);
	struct spool_job *j = s->packs;
	int rc = pack_pieces(&s->pack, &j->b->raw, &j->packed);

	assert(rc >= 0); /* no format grows anything by more than PACKED_MAX leaves */
	if (rc == 0) {
		timer_start(s->w, &s->pack_timer, 0, on_pack);
		return;
	}
	keep(s, j);
	s->packs = NULL;
	s->unpacked[j->b->kind]--;
	if (spool_write_waits(s))
		sm_move(&j->sm, JOB_FAILED);
	else
		write_body(j);
	spool_pack_next(s);
	spool_write_kick(s);
}

static void new_entry(struct spool_job *j)
{
	struct spool *s = j->s;
	uint64_t chance = world_random64(s->w);
	char id[BATCH_ID_LEN];

	j->entry = spool_entry_new(s, j->b->kind, s->next_seq++, enc_hex(&chance, sizeof(chance), id));
	j->entry->records = j->b->records;
	j->entry->format = (uint8_t)s->c.format;
	j->path = spool_entry_path(j->entry);
}

/* In the order put, so that sequences are, too. */
void spool_pack_next(struct spool *s)
{
	list_each(n, &s->jobs) {
		struct spool_job *j = list_entry(n, struct spool_job, link);

		if (s->packs != NULL)
			return;
		if (j->sm.now != JOB_NEW)
			continue;
		new_entry(j);
		if (j->b->records == 0) {
			s->unpacked[j->b->kind]--;
			sm_move(&j->sm, JOB_DURABLE);
			continue;
		}
		s->packs = j;
		sm_move(&j->sm, JOB_PACKING);
		spare_take(s->c.spare, &j->packed, j->b->raw.len / 4); /* about what it becomes */
		pack_begin(&s->pack, PACK_IN, j->entry->format, j->b->raw.len);
		timer_start(s->w, &s->pack_timer, 0, on_pack);
	}
}
