/* spool_start.c - what a new process finds: commit records are folded, bodies matched with them, the rest swept.
 *
 * A record that is damaged is passed by and counted; a torn last line is cut. A record without a body is a batch that was
 * sent. A body without a record was never sent and its lines are read again: it goes. Only where a record was damaged and
 * the body's seq lies below the last committed one, the record was its own: it stays and is sent. No damage stops the start.
 *
 * What a killed predecessor wrote can be read before it is durable. Were a body sent on the word of such a record and the
 * power lost then, its lines would be read and sent once more: so the log is written anew, durably, before the first send. */
#include "shippers/spool_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "shippers/commit.h"

#define COMMITS_MAX (64u << 20)

/* What the records say of bodies, until the folder has been listed. */
struct found {
	struct spool *s;
	struct commit *v; /* of metrics and logs with a body, ranges dropped */
	size_t n;
	uint64_t now_ms;
};

static void take_record(struct found *f, struct commit *c)
{
	struct spool *s = f->s;

	for (size_t i = 0; i < c->ranges_n; i++)
		positions_note(&s->positions, &c->ranges[i]);
	if (c->seq > s->seq)
		s->seq = c->seq;
	if (c->kind != COMMIT_POSITIONS && c->records > 0) {
		if ((f->n & (f->n + 1)) == 0) /* grows by doubling */
			f->v = mem_grow(f->v, 2 * (f->n + 1), sizeof(*f->v));
		f->v[f->n] = *c;
		f->v[f->n].ranges = NULL;
		f->v[f->n++].ranges_n = 0;
	}
	commit_close(c);
}

static void read_records(struct found *f, const struct buf *log)
{
	struct spool *s = f->s;
	size_t at = 0;

	while (at < log->len) {
		const char *line = log->data + at, *end = memchr(line, '\n', log->len - at);
		struct commit c;
		struct err e;

		if (end == NULL)
			break; /* torn: the next append cuts it */
		if (commit_parse(line, (size_t)(end - line), &c, &e) == 0) {
			take_record(f, &c);
		} else {
			s->stats.corrupt++;
			log_warn("spool.commit.damaged", "offset=%zu why=\"%s\"", at, err_text(&e));
		}
		at += (size_t)(end - line) + 1;
	}
	s->commits_len = s->commits_least = at;
}

static const struct commit *record_of(const struct found *f, uint64_t seq, const char *id)
{
	for (size_t i = f->n; i-- > 0;)
		if (f->v[i].seq == seq && strcmp(f->v[i].id, id) == 0)
			return &f->v[i];
	return NULL;
}

/* The body speaks for its lost record, but for the number of records in it. */
static bool adopt(struct spool_entry *en)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(BATCH_BYTES_MAX * 2);

	if (disk_read_all(en->s->w, en->path, &b, NULL) != 0)
		return false;
	en->records = 1;
	en->bytes = b.len;
	en->crc = (uint32_t)crc32(0, (const Bytef *)buf_str(&b), (uInt)b.len);
	return true;
}

static void take_body(struct found *f, const char *name, uint64_t seq, int kind, const char *id)
{
	struct spool *s = f->s;
	const struct commit *c = record_of(f, seq, id);
	struct spool_entry *en = spool_entry_new(s, (enum telemetry_kind)kind, seq, id);

	if (seq >= s->next_seq)
		s->next_seq = seq + 1;
	if (c != NULL) {
		en->records = c->records;
		en->bytes = c->bytes;
		en->crc = c->crc;
	} else if (s->stats.corrupt == 0 || seq > s->seq || !adopt(en)) {
		s->stats.uncommitted++;
		spool_sweep(s, name);
		spool_entry_free(en);
		return;
	}
	en->is_durable = true;
	spool_entry_add(en);
}

static int on_name(void *ctx, const char *name)
{
	struct found *f = ctx;
	struct disk_stat st;
	char kind[16], id[BATCH_ID_LEN];
	uint64_t seq;
	int end = 0;

	if (str_eq(name, "commits.tmp"))
		return 0; /* writing the log anew sweeps it, and is under way soon */
	if (str_ends(name, ".tmp")) {
		spool_sweep(f->s, name);
	} else if (sscanf(name, "%16" SCNu64 "-%15[a-z]-%16[0-9a-f].pb.gz%n", &seq, kind, id, &end) == 3 && end > 0) {
		if (name[end] == '\0' && batch_kind_parse(kind) >= 0)
			take_body(f, name, seq, batch_kind_parse(kind), id);
		else if (name[end] == '.') {
			CLEANUP(mem_close) char *path = mem_printf("%s/%s", f->s->dir, name);

			if (f->s->w->disk_stat(f->s->w, path, &st, NULL) == 0)
				f->s->aside_bytes += st.size;
		}
	}
	return 0;
}

/* ---- positions of files that are gone ------------------------------------------------------------------------------------ */

struct seek {
	struct world *w;
	const char *dir;
	const struct telemetry_source *of;
	bool is_there;
};

static int on_seek(void *ctx, const char *name)
{
	struct seek *k = ctx;
	CLEANUP(mem_close) char *path = mem_printf("%s/%s", k->dir, name);
	struct disk_stat st;

	int rc = k->w->disk_stat(k->w, path, &st, NULL);

	if (rc != 0)
		k->is_there = rc != -ERR_NOTFOUND; /* not known is not gone */
	else
		k->is_there = st.dev == k->of->dev && st.ino == k->of->ino;
	return k->is_there;
}

/* A position is forgotten when its folder can be listed and the file is not in it under any name. */
static void forget_gone(struct spool *s)
{
	for (size_t i = s->positions.n; i-- > 0;) {
		const struct telemetry_source *p = &s->positions.v[i];
		const char *slash = strrchr(p->path, '/');
		CLEANUP(mem_close) char *dir = slash != NULL ? mem_strn(p->path, (size_t)(slash - p->path)) : NULL;
		struct seek k = { .w = s->w, .dir = dir, .of = p };

		if (dir != NULL && s->w->disk_list(s->w, *dir != '\0' ? dir : "/", on_seek, &k, NULL) == 0 && !k.is_there)
			positions_forget(&s->positions, i);
	}
}

/* ---- start --------------------------------------------------------------------------------------------------------------- */

static int by_listing(struct found *f, struct err *e)
{
	CLEANUP(buf_close) struct buf log = BUF_MAX(COMMITS_MAX);
	struct spool *s = f->s;
	int rc = disk_read_all(s->w, s->commits, &log, e);

	if (rc != 0 && rc != -ERR_NOTFOUND)
		return rc;
	read_records(f, &log);
	s->next_seq = s->seq + 1;
	return s->w->disk_list(s->w, s->dir, on_name, f, e);
}

int spool_recover(struct spool *s, struct err *e)
{
	struct found f = { .s = s };
	int rc = by_listing(&f, e);

	mem_free(f.v);
	if (rc != 0)
		return rc;
	forget_gone(s);
	s->settled = s->commits_len == 0 && s->seq == 0;
	s->commits_unsure = !s->settled;
	log_info("spool.open", "metrics=%" PRIu64 " logs=%" PRIu64 " positions=%zu uncommitted=%" PRIu64 " damaged=%" PRIu64,
		 s->stats.entries[TELEMETRY_METRIC], s->stats.entries[TELEMETRY_LOG], s->positions.n, s->stats.uncommitted,
		 s->stats.corrupt);
	spool_enforce_quota(s);
	spool_write_kick(s);
	return 0;
}
