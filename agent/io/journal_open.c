/* journal_open.c - recovery: which segment to begin with, what is read from there on, and the first write.
 *
 * Happy path: the newest segment begins with a whole checkpoint; it is read, and its torn tail, if any, is kept aside and cut
 * before the first append. A checkpoint that a crash tore is passed by: the segment before is read, then what follows; the parts of
 * the torn one stay where they are, as lines of the chain that say nothing, and the first thing written is a new one.
 * Failure: damage, and no whole checkpoint at all, are -ERR_CORRUPT; what a newer version has written is -ERR_UNSUPPORTED. */
#include "agent/io/journal_impl.h"

#include "agent/base/str.h"

struct opening {
	journal_visit *visit;
	void *ctx;
	bool is_anchor;  /* the segment that is read now begins with the checkpoint that counts */
	uint64_t header; /* bytes of that checkpoint */
};

static int check_schema(const struct journal_entry *entry, struct err *e)
{
	const json_t *schema = json_object_get(entry->obj, "schema");
	CLEANUP(mem_close) char *text = NULL;

	if (schema == NULL || (json_is_integer(schema) && json_integer_value(schema) <= JOURNAL_SCHEMA))
		return 0;
	text = json_dumps(schema, JSON_ENCODE_ANY | JSON_COMPACT);
	return err_set(e, ERR_UNSUPPORTED,
		       "%s line %u: a newer version has written this journal (schema %.32s); reeve " REEVE_VERSION
		       " knows schema %d",
		       entry->segment, entry->line_number, text != NULL ? text : "?", JOURNAL_SCHEMA);
}

static int on_entry(void *ctx, const struct journal_entry *entry, struct err *e)
{
	struct opening *o = ctx;

	TRY(check_schema(entry, e));
	if (str_eq(entry->type, "checkpoint")) {
		/* It is torn, else the reading would have begun with it: its parts are lines of the chain and no state. */
		if (!o->is_anchor)
			return 0;
		o->header += entry->len + 1;
	}
	return o->visit(o->ctx, entry, e);
}

/* ---- where to begin ---- */

/* Do its first lines make a whole checkpoint? The chain is looked at when it is read. */
static int begins_whole(struct journal *j, const struct journal_segment *seg, bool *ret, struct err *e)
{
	CLEANUP(mem_close) char *path = mem_printf("%s/%s", j->cfg.dir, seg->name);
	CLEANUP(buf_close) struct buf b = BUF_MAX(JOURNAL_SEGMENT_READ_MAX);
	bool more = true;

	*ret = false;
	TRY(disk_read_all(j->w, path, &b, e));
	for (const char *at = buf_str(&b), *end = at + b.len, *lf; more; at = lf + 1) {
		CLEANUP(json_close) json_t *line = NULL;

		lf = memchr(at, '\n', (size_t)(end - at));
		if (lf == NULL || json_parse(at, (size_t)(lf - at), "", &line, NULL) != 0 ||
		    !str_eq(json_str_or(line, "type", ""), "checkpoint"))
			return 0;
		more = json_is_true(json_object_get(line, "more"));
	}
	*ret = true;
	return 0;
}

static int find_anchor(struct journal *j, const struct journal_segments *segs, size_t *ret, struct err *e)
{
	for (size_t i = segs->n; i-- > 0;) {
		bool is_whole = segs->v[i].first == 1; /* the journal's own beginning */

		if (!is_whole)
			TRY(begins_whole(j, &segs->v[i], &is_whole, e));
		if (is_whole) {
			*ret = i;
			return 0;
		}
		log_warn("journal.checkpoint.torn", "segment=%s next=\"the segment before it is read\"", segs->v[i].name);
	}
	return err_set(e, ERR_CORRUPT, "no segment of the journal begins with a whole checkpoint");
}

/* A segment's first line must follow from the segment before, if that is still there. */
static int chain_before(struct journal *j, const struct journal_segments *segs, size_t i, struct journal_chain *chain,
			struct err *e)
{
	const struct journal_segment *before = &segs->v[i - 1];
	uint64_t good;
	bool torn;

	/* Only the hash of its last line is wanted. It is sealed, so a torn tail in it is damage. */
	*chain = (struct journal_chain){ .any_prev = true, .next_seq = before->first };
	return journal_read_segment(j->w, j->cfg.dir, before, false, chain, NULL, NULL, &good, &torn, e);
}

/* ---- the torn tail: a copy stays, in a file that is named after its place ---- */

#define TORN_FILES_MAX 64 /* beyond that the newest takes the place of the one before */

static int count_torn(void *ctx, const char *name)
{
	*(size_t *)ctx += str_ends(name, ".torn");
	return 0;
}

static int keep_tail(struct journal *j, const struct journal_segment *seg, struct err *e)
{
	CLEANUP(mem_close) char *path = mem_printf("%s/%s", j->cfg.dir, seg->name);
	CLEANUP(buf_close) struct buf b = BUF_MAX(JOURNAL_SEGMENT_READ_MAX);
	size_t files = 0;

	TRY(disk_read_all(j->w, path, &b, e));
	TRY(j->w->disk_list(j->w, j->cfg.dir, count_torn, &files, e));
	buf_add(&j->tail, b.data + j->size, b.len - j->size);
	/* A machine that crashes at each start must not fill its disk with tails. */
	if (files < TORN_FILES_MAX)
		snprintf(j->tail_path, sizeof(j->tail_path), "%s/%016llu-%llu.torn", j->cfg.dir, (unsigned long long)seg->first,
			 (unsigned long long)j->size);
	else
		snprintf(j->tail_path, sizeof(j->tail_path), "%s/newest.torn", j->cfg.dir);
	log_warn("journal.torn", "segment=%s kept_bytes=%llu cut_bytes=%zu copy=%s next=\"cut before anything is written\"",
		 seg->name, (unsigned long long)j->size, j->tail.len, j->tail_path);
	return 0;
}

/* ---- reading ---- */

static int read_from(struct journal *j, struct opening *o, const struct journal_segments *segs, size_t anchor, struct err *e)
{
	struct journal_chain chain = { .any_prev = segs->v[anchor].first > 1, .next_seq = segs->v[anchor].first };
	bool torn = false;

	if (anchor > 0)
		TRY(chain_before(j, segs, anchor, &chain, e));
	for (size_t i = anchor; i < segs->n; i++) {
		o->is_anchor = i == anchor;
		TRY(journal_read_segment(j->w, j->cfg.dir, &segs->v[i], i + 1 == segs->n, &chain, on_entry, o, &j->size, &torn, e));
	}
	if (torn)
		TRY(keep_tail(j, &segs->v[segs->n - 1], e));
	j->durable = j->written = chain;
	return 0;
}

static int open_all(struct journal *j, struct opening *o, bool *ret_empty, struct err *e)
{
	CLEANUP(journal_segments_close) struct journal_segments segs = { 0 };
	size_t anchor = 0;

	TRY(journal_list(j->w, j->cfg.dir, &segs, e));
	*ret_empty = segs.n == 0;
	if (segs.n == 0) {
		j->written.next_seq = j->durable.next_seq = j->anchor = 1;
		j->is_cut = true;
		return 0;
	}
	TRY(find_anchor(j, &segs, &anchor, e));
	TRY(read_from(j, o, &segs, anchor, e));
	/* One segment without a whole line: its first write was torn, so no record was ever durable. */
	*ret_empty = j->size == 0 && segs.n == 1;
	j->first = segs.v[segs.n - 1].first;
	j->anchor = segs.v[anchor].first;
	/* Segments follow the one that was begun with: their checkpoints are torn, and a whole one is written before anything
	 * else. */
	j->checkpoint_due = anchor + 1 < segs.n;
	j->base = j->checkpoint_due ? 0 : o->header;
	journal_path(j, j->first, j->path);
	j->sealed = segs;
	j->sealed.n--;
	segs = (struct journal_segments){ 0 };
	return 0;
}

int journal_open(struct world *w, const struct journal_config *cfg, journal_visit *visit, void *visit_ctx, bool *ret_empty,
		 struct journal **ret, struct err *e)
{
	struct opening o = { .visit = visit, .ctx = visit_ctx };
	struct journal *j = mem_new(struct journal);
	int rc;

	j->w = w;
	j->cfg = *cfg;
	j->tail = j->again = BUF_MAX(JOURNAL_SEGMENT_READ_MAX);
	j->lines = BUF_MAX(BATCH_BYTES + 2 * JOURNAL_LINE_MAX);
	j->backoff = BACKOFF(200, 10000);
	list_init(&j->queue);
	sm_init(&j->sm, &journal_machine, JOURNAL_IDLE);
	rc = open_all(j, &o, ret_empty, e);
	if (rc != 0) {
		buf_close(&j->tail);
		mem_free(j);
		return rc;
	}
	/* The reserve is made only for a journal that may be written. */
	journal_reserve_start(j);
	*ret = j;
	return 0;
}

/* ---- the first thing after a start: lines that were read are not yet lines that are durable. A process that was killed may
 * have written them, and the name of their segment, without a sync; a power failure now would take back what we act on. ---- */

static void on_cut_named(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, disk);

	if (rc != 0) {
		journal_failed(j, rc);
		return;
	}
	j->is_cut = true;
	journal_landed(j);
	journal_turn(j);
}

/* After a sync that failed nothing is known of what was written before it: the kernel counts those pages as clean from then on, and
 * the next sync succeeds although they are not on the disk. */
static void on_cut(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, disk);

	if (rc != 0) {
		j->is_doubted = true;
		journal_failed(j, rc);
		return;
	}
	/* To unlink a file that is not there has one effect: it syncs the folder. */
	snprintf(j->new_path, sizeof(j->new_path), "%s/none", j->cfg.dir);
	disk_unlink(j->w, &j->disk, j->new_path, on_cut_named);
}

/* The disk is full and the reserve is given up already: then the start goes on without a copy of the torn tail. */
static bool has_no_room(const struct journal *j, int rc)
{
	return rc == -ERR_NOSPACE && j->tight && j->reserve_disk.impl == NULL;
}

static void on_tail_kept(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, disk);

	if (has_no_room(j, rc)) {
		log_error("journal.torn.lost", "bytes=%zu copy=%s err=\"the disk is full\" next=\"cut without a copy\"",
			  j->tail.len, j->tail_path);
	} else if (rc != 0) {
		journal_failed(j, rc);
		return;
	}
	/* Only now is the tail cut: a crash before this finds it again. */
	buf_close(&j->tail);
	disk_truncate(j->w, &j->disk, j->path, j->size, on_cut);
}

/* The lines of the newest segment as the file shows them now, which must be those that were read. */
static int read_again(struct journal *j, struct err *e)
{
	struct journal_segment seg = { .first = j->first };
	struct journal_chain chain = { .any_prev = true, .next_seq = j->first };
	uint64_t good = 0;
	bool torn;

	snprintf(seg.name, sizeof(seg.name), "%.23s", strrchr(j->path, '/') + 1);
	buf_reset(&j->again);
	TRY(disk_read_all(j->w, j->path, &j->again, e));
	TRY(journal_read_segment(j->w, j->cfg.dir, &seg, true, &chain, NULL, NULL, &good, &torn, e));
	if (good != j->size || j->again.len < j->size || (j->size > 0 && !digest_eq(&chain.prev, &j->durable.prev)))
		return err_set(e, ERR_CORRUPT, "%s: lines that were read at the start are gone from the disk", j->path);
	j->again.len = j->size;
	return 0;
}

static void on_rewritten(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, disk);

	if (rc == 0)
		buf_close(&j->again);
	on_cut_named(r, rc);
}

/* The state in memory was read from lines that are gone now. Only a new start, which reads what is there, mends that. */
static void lose(struct journal *j, const struct err *e)
{
	j->trouble = *e;
	log_error("journal.lost", "err=%s next=\"a new start reads what is there\"", err_text(e));
	/* No timer is started: it stays in this state, and writes nothing, until its owner closes it. */
	j->retry = JOURNAL_CUT;
	sm_move(&j->sm, JOURNAL_WAIT);
	j->cfg.lost(j->cfg.ctx, e);
}

static void rewrite(struct journal *j)
{
	int rc = read_again(j, &j->disk.err);

	/* A read that fails in another way may pass; lines that are gone do not come back. */
	if (rc == -ERR_CORRUPT || rc == -ERR_NOTFOUND)
		lose(j, &j->disk.err);
	else if (rc != 0)
		journal_failed(j, rc);
	else
		disk_replace(j->w, &j->disk, j->path, j->again.data, j->again.len, 0600, on_rewritten);
}

void journal_cut(struct journal *j)
{
	sm_move(&j->sm, JOURNAL_CUT);
	if (j->is_doubted)
		rewrite(j);
	else if (j->tail.len > 0)
		disk_replace(j->w, &j->disk, j->tail_path, j->tail.data, j->tail.len, 0600, on_tail_kept);
	else
		disk_truncate(j->w, &j->disk, j->path, j->size, on_cut);
}
