/* journal.c - one writer, one disk request at a time.
 *
 * Happy path: appends queue up; when the disk is free, all of them become lines, chained, and one DISK_APPEND; its callback
 * tells every owner. A segment that has grown enough is followed by a new one, written whole with its checkpoint as first
 * line (DISK_REPLACE: there is never half a segment), and sealed ones beyond the maximum are recorded and removed.
 * Failure: the same bytes are written again at the same offset after a back-off. Close: waits for the request in flight. */
#include "agent/io/journal.h"

#include <assert.h>
#include <string.h>

#include "agent/base/backoff.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/sm.h"
#include "agent/base/stamp.h"

#define RESERVE_BYTES (256u << 10)
#define RESERVE_EVERY_MS 30000
#define BATCH_MAX 64

/*  idle --> append --> idle         append, segment --> wait --> append, segment
    idle --> segment --> idle        idle --> prune --> idle */
enum { J_IDLE, J_CUT, J_APPEND, J_SEGMENT, J_PRUNE, J_WAIT, J_CLOSED };
static const struct sm_state journal_states[] = {
	[J_IDLE] = { "idle", SM_TO(J_CUT) | SM_TO(J_APPEND) | SM_TO(J_SEGMENT) | SM_TO(J_PRUNE) | SM_TO(J_CLOSED) },
	[J_CUT] = { "cut", SM_TO(J_IDLE) | SM_TO(J_WAIT) },
	[J_APPEND] = { "append", SM_TO(J_IDLE) | SM_TO(J_WAIT) },
	[J_SEGMENT] = { "segment", SM_TO(J_IDLE) | SM_TO(J_WAIT) },
	[J_PRUNE] = { "prune", SM_TO(J_IDLE) },
	[J_WAIT] = { "wait", SM_TO(J_CUT) | SM_TO(J_APPEND) | SM_TO(J_SEGMENT) | SM_TO(J_CLOSED) },
	[J_CLOSED] = { "closed", SM_END },
};

struct journal {
	struct world *w;
	struct journal_config cfg;
	struct sm sm;
	unsigned retry; /* the state to go back to from J_WAIT */
	struct disk_req disk;
	struct timer timer; /* retry, or the next turn */
	struct backoff backoff;
	struct list queue; /* not yet lines */
	struct journal_append *batch[BATCH_MAX];
	size_t batch_n;
	struct buf lines; /* of the batch, or of the new segment */
	char path[512];   /* the segment that is written */
	char new_path[512];
	bool is_cut;                           /* what was found in it is durable, and its torn tail is gone */
	uint64_t size;                         /* good bytes in it */
	uint64_t base;                         /* of them the checkpoint that it begins with, if it was made here */
	struct journal_chain durable, written; /* behind the last durable line; behind the lines in flight */
	struct journal_segments sealed;        /* older segments, for pruning */
	uint64_t first;                        /* of the current segment; 0: there is none */
	struct err trouble;
	/* the reserve */
	char reserve[512];
	bool tight;
	struct disk_req reserve_disk;
	struct timer reserve_timer;
	char *zeros;
	/* prune */
	struct journal_append prune_record;
	char prune_path[512];
	bool prune_due; /* recorded, or about to be; not yet removed */
	/* close */
	bool closing;
	void (*done)(void *ctx);
	void *done_ctx;
};

static void turn(struct journal *j);
static void on_turn(struct timer *t);
static void on_reserve_timer(struct timer *t);

/* ---- opening ---- */

struct opening {
	journal_visit *visit;
	void *ctx;
};

static int on_entry(void *ctx, const struct journal_entry *entry, struct err *e)
{
	struct opening *o = ctx;

	return o->visit(o->ctx, entry, e);
}

/* The last segment's first line must follow from the segment before, if that is still there. */
static int chain_before(struct journal *j, const struct journal_segments *segs, struct journal_chain *chain, struct err *e)
{
	const struct journal_segment *before = &segs->v[segs->n - 2];
	uint64_t good;
	bool torn;

	*chain = (struct journal_chain){ .any_prev = true, .next_seq = before->first };
	return journal_read_segment(j->w, j->cfg.dir, before, false, chain, NULL, NULL, &good, &torn, e);
}

static int open_last(struct journal *j, struct opening *o, bool *ret_empty, struct err *e)
{
	CLEANUP(journal_segments_close) struct journal_segments segs = { 0 };
	struct journal_chain chain = { 0 };
	const struct journal_segment *last;
	bool torn;

	TRY(journal_list(j->w, j->cfg.dir, &segs, e));
	*ret_empty = segs.n == 0;
	if (segs.n == 0) {
		j->written.next_seq = j->durable.next_seq = 1;
		j->is_cut = true;
		return 0;
	}
	last = &segs.v[segs.n - 1];
	if (segs.n > 1)
		TRY(chain_before(j, &segs, &chain, e));
	else
		chain = (struct journal_chain){ .any_prev = last->first > 1, .next_seq = last->first };
	TRY(journal_read_segment(j->w, j->cfg.dir, last, true, &chain, on_entry, o, &j->size, &torn, e));
	if (torn)
		log_warn("journal.torn", "segment=%s kept_bytes=%llu next=\"cut before anything is written\"", last->name,
			 (unsigned long long)j->size);
	*ret_empty = j->size == 0 && segs.n == 1;
	j->durable = j->written = chain;
	j->first = last->first;
	snprintf(j->path, sizeof(j->path), "%s/%s", j->cfg.dir, last->name);
	j->is_cut = false;
	j->sealed = segs;
	j->sealed.n--;
	segs = (struct journal_segments){ 0 };
	return 0;
}

static void on_reserve(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, reserve_disk);

	if (rc == 0 && j->tight) {
		j->tight = false;
		log_info("journal.room", "next=\"new commands are accepted again\"");
	}
	if (j->closing)
		turn(j);
	else if (rc != 0)
		timer_start(j->w, &j->reserve_timer, RESERVE_EVERY_MS, on_reserve_timer);
}

static void on_reserve_timer(struct timer *t)
{
	struct journal *j = container_of(t, struct journal, reserve_timer);

	disk_replace(j->w, &j->reserve_disk, j->reserve, j->zeros, RESERVE_BYTES, 0600, on_reserve);
}

int journal_open(struct world *w, const struct journal_config *cfg, journal_visit *visit, void *visit_ctx, bool *ret_empty,
		 struct journal **ret, struct err *e)
{
	struct opening o = { visit, visit_ctx };
	struct journal *j = mem_new(struct journal);
	int rc;

	j->w = w;
	j->cfg = *cfg;
	j->lines = BUF_MAX(BATCH_MAX * JOURNAL_LINE_MAX);
	j->backoff = BACKOFF(200, 10000);
	list_init(&j->queue);
	sm_init(&j->sm, journal_states, J_IDLE);
	snprintf(j->reserve, sizeof(j->reserve), "%s/reserve", cfg->dir);
	rc = open_last(j, &o, ret_empty, e);
	if (rc != 0) {
		mem_free(j);
		return rc;
	}
	j->zeros = mem_alloc(RESERVE_BYTES);
	timer_start(w, &j->reserve_timer, 0, on_reserve_timer);
	*ret = j;
	return 0;
}

/* ---- lines ---- */

/* prev, seq, time, type, then the record's own members. */
static void add_line(struct journal *j, const char *type, json_t *members)
{
	CLEANUP(json_close) json_t *obj = json_object();
	char hex[DIGEST_HEX_LEN], time[STAMP_RFC3339_LEN];
	size_t from = j->lines.len;
	int rc;

	json_object_set_new(obj, "prev", json_string(digest_hex(&j->written.prev, hex)));
	json_object_set_new(obj, "seq", json_integer((json_int_t)j->written.next_seq));
	json_object_set_new(obj, "time", json_string(stamp_rfc3339(world_wall_ms(j->w), time)));
	json_object_set_new(obj, "type", json_string(type));
	json_object_update(obj, members);
	rc = json_write(obj, &j->lines);
	assert(rc == 0 && j->lines.len - from <= JOURNAL_LINE_MAX);
	j->written.prev = digest_of(j->lines.data + from, j->lines.len - from);
	j->written.next_seq++;
	rc = buf_addc(&j->lines, '\n');
	assert(rc == 0);
}

/* The reserve is gone; the timer tries to get it back, and until then the disk counts as full. */
static void on_reserve_gone(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, reserve_disk);

	err_ignore(rc, "without a reserve there was nothing to give up");
	if (j->closing)
		turn(j);
	else
		timer_start(j->w, &j->reserve_timer, RESERVE_EVERY_MS, on_reserve_timer);
}

static void give_up_reserve(struct journal *j)
{
	if (j->tight || j->reserve_disk.impl != NULL)
		return;
	j->tight = true;
	log_error("journal.full", "next=\"the reserve is given up, nothing new is started, retry\"");
	timer_stop(j->w, &j->reserve_timer);
	disk_unlink(j->w, &j->reserve_disk, j->reserve, on_reserve_gone);
}

static void failed(struct journal *j, int rc)
{
	uint32_t wait = backoff_next_ms(&j->backoff, world_random64(j->w));

	j->trouble = j->disk.err;
	if (j->trouble.text[0] == '\0')
		err_set(&j->trouble, -rc, "the journal cannot be written");
	log_error("journal.write.failed", "err=\"%s\" retry_in_ms=%u", err_text(&j->trouble), wait);
	if (rc == -ERR_NOSPACE)
		give_up_reserve(j);
	j->retry = j->sm.now;
	sm_move(&j->sm, J_WAIT);
	timer_start(j->w, &j->timer, wait, on_turn);
}

static void landed(struct journal *j)
{
	j->trouble = (struct err){ 0 };
	backoff_reset(&j->backoff);
	j->durable = j->written;
	sm_move(&j->sm, J_IDLE);
}

static void on_appended(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, disk);
	struct journal_append *batch[BATCH_MAX];
	size_t n = j->batch_n;

	if (rc != 0) {
		failed(j, rc);
		return;
	}
	j->size += j->lines.len;
	memcpy(batch, j->batch, n * sizeof(*batch));
	j->batch_n = 0;
	landed(j);
	for (size_t i = 0; i < n; i++) {
		struct journal_append *a = batch[i];

		if (a == NULL)
			continue; /* forgotten by its owner */
		a->waiting = false;
		a->cb(a);
	}
	turn(j);
}

static void append_write(struct journal *j)
{
	disk_append(j->w, &j->disk, j->path, j->size, j->lines.data, j->lines.len, on_appended);
}

static void append_start(struct journal *j)
{
	uint64_t seq = j->written.next_seq;

	buf_reset(&j->lines);
	if (j->first == 0) {
		j->first = seq;
		snprintf(j->path, sizeof(j->path), "%s/%016llu.jsonl", j->cfg.dir, (unsigned long long)seq);
	}
	while (j->batch_n < BATCH_MAX && !list_empty(&j->queue)) {
		struct journal_append *a = list_entry(list_pop(&j->queue), struct journal_append, link);

		a->seq = j->written.next_seq;
		add_line(j, a->type, a->members);
		json_close(&a->members);
		j->batch[j->batch_n++] = a;
	}
	sm_move(&j->sm, J_APPEND);
	append_write(j);
}

/* ---- segments ---- */

static void on_segment(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, disk);
	struct journal_segment *seg;

	if (rc != 0) {
		failed(j, rc);
		return;
	}
	j->sealed.v = mem_grow(j->sealed.v, j->sealed.n + 1, sizeof(*j->sealed.v));
	seg = &j->sealed.v[j->sealed.n++];
	*seg = (struct journal_segment){ .first = j->first, .size = j->size };
	snprintf(seg->name, sizeof(seg->name), "%016llu.jsonl", (unsigned long long)j->first);
	j->first = j->durable.next_seq;
	memcpy(j->path, j->new_path, sizeof(j->path));
	j->size = j->base = j->lines.len;
	landed(j);
	turn(j);
}

static void segment_write(struct journal *j)
{
	disk_replace(j->w, &j->disk, j->new_path, j->lines.data, j->lines.len, 0600, on_segment);
}

static void segment_start(struct journal *j)
{
	CLEANUP(json_close) json_t *members = j->cfg.checkpoint(j->cfg.ctx);

	buf_reset(&j->lines);
	snprintf(j->new_path, sizeof(j->new_path), "%s/%016llu.jsonl", j->cfg.dir, (unsigned long long)j->written.next_seq);
	add_line(j, "checkpoint", members);
	sm_move(&j->sm, J_SEGMENT);
	segment_write(j);
}

/* ---- pruning: recorded first, removed then ---- */

static void on_pruned(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, disk);

	err_ignore(rc, "an old segment that stays is removed at the next turn of a segment");
	sm_move(&j->sm, J_IDLE);
	turn(j);
}

static void on_prune_recorded(struct journal_append *a)
{
	(void)a; /* the turn that follows sees the state and removes the file */
}

static uint64_t total_size(const struct journal *j)
{
	uint64_t total = j->size;

	for (size_t i = 0; i < j->sealed.n; i++)
		total += j->sealed.v[i].size;
	return total;
}

static bool may_prune(const struct journal *j)
{
	uint64_t after = j->sealed.n > 1 ? j->sealed.v[1].first : j->first;

	return j->sealed.n > 0 && total_size(j) > j->cfg.max_bytes && after <= j->cfg.oldest_open(j->cfg.ctx);
}

static void prune_record(struct journal *j)
{
	struct journal_segment *seg = &j->sealed.v[0];
	struct journal_chain chain = { .any_prev = true, .next_seq = seg->first };
	char hex[DIGEST_HEX_LEN];
	json_t *m = json_object();
	uint64_t good;
	bool torn;

	err_ignore(journal_read_segment(j->w, j->cfg.dir, seg, false, &chain, NULL, NULL, &good, &torn, NULL),
		   "the hash in the record then says how far it could be read");
	json_object_set_new(m, "segment", json_string(seg->name));
	json_object_set_new(m, "last_seq", json_integer((json_int_t)chain.next_seq - 1));
	json_object_set_new(m, "last_sha256", json_string(digest_hex(&chain.prev, hex)));
	snprintf(j->prune_path, sizeof(j->prune_path), "%s/%s", j->cfg.dir, seg->name);
	memmove(seg, seg + 1, --j->sealed.n * sizeof(*seg));
	j->prune_due = true;
	journal_append(j, &j->prune_record, "journal.pruned", m, on_prune_recorded);
}

/* ---- the turn ---- */

static void close_now(struct journal *j)
{
	void (*done)(void *) = j->done;
	void *ctx = j->done_ctx;
	struct list *l;

	timer_stop(j->w, &j->timer);
	timer_stop(j->w, &j->reserve_timer);
	while ((l = list_pop(&j->queue)) != NULL)
		json_close(&list_entry(l, struct journal_append, link)->members);
	buf_close(&j->lines);
	journal_segments_close(&j->sealed);
	mem_free(j->zeros);
	mem_free(j);
	done(ctx);
}

/* ---- the first thing after a start: lines that were read are not yet lines that are durable. A process that was killed may
 * have written them, and the name of their segment, without a sync; a power failure now would take back what we act on. ---- */

static void on_cut_named(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, disk);

	if (rc != 0) {
		failed(j, rc);
		return;
	}
	j->is_cut = true;
	landed(j);
	turn(j);
}

/* Removing what is not there syncs the folder. */
static void on_cut(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, disk);

	if (rc != 0) {
		failed(j, rc);
		return;
	}
	snprintf(j->new_path, sizeof(j->new_path), "%s/none", j->cfg.dir);
	disk_unlink(j->w, &j->disk, j->new_path, on_cut_named);
}

static void cut(struct journal *j)
{
	sm_move(&j->sm, J_CUT);
	disk_truncate(j->w, &j->disk, j->path, j->size, on_cut);
}

static void retry(struct journal *j)
{
	if (j->retry == J_CUT) {
		cut(j);
		return;
	}
	sm_move(&j->sm, j->retry);
	if (j->retry == J_SEGMENT)
		segment_write(j);
	else
		append_write(j);
}

static void turn(struct journal *j)
{
	if (j->closing && j->disk.impl == NULL && j->reserve_disk.impl == NULL) {
		timer_start(j->w, &j->timer, 0, on_turn);
		return;
	}
	if (j->sm.now != J_IDLE || j->closing)
		return;
	if (!j->is_cut) {
		cut(j);
	} else if (j->prune_due && !j->prune_record.waiting) {
		j->prune_due = false;
		sm_move(&j->sm, J_PRUNE);
		disk_unlink(j->w, &j->disk, j->prune_path, on_pruned);
	} else if (j->size - j->base >= j->cfg.segment_bytes) { /* a large checkpoint alone is no reason for the next one */
		segment_start(j);
	} else if (!list_empty(&j->queue)) {
		append_start(j);
	} else if (!j->prune_due && may_prune(j)) {
		prune_record(j);
	}
}

static void on_turn(struct timer *t)
{
	struct journal *j = container_of(t, struct journal, timer);

	if (j->closing && j->disk.impl == NULL && j->reserve_disk.impl == NULL)
		close_now(j);
	else if (j->sm.now == J_WAIT)
		retry(j);
	else
		turn(j);
}

void journal_append(struct journal *j, struct journal_append *a, const char *type, json_t *members, journal_cb *cb)
{
	assert(!a->waiting);
	a->type = type;
	a->members = members;
	a->cb = cb;
	a->waiting = true;
	list_add(&j->queue, &a->link);
	if (j->sm.now == J_IDLE && j->timer.cb == NULL)
		timer_start(j->w, &j->timer, 0, on_turn);
}

void journal_forget(struct journal *j, struct journal_append *a)
{
	if (!a->waiting)
		return;
	a->waiting = false;
	for (size_t i = 0; i < j->batch_n; i++)
		if (j->batch[i] == a)
			j->batch[i] = NULL;
	if (a->members != NULL) {
		list_del(&a->link);
		json_close(&a->members);
	}
}

uint64_t journal_seq(const struct journal *j)
{
	return j->durable.next_seq - 1;
}

struct digest journal_head(const struct journal *j)
{
	return j->durable.prev;
}

bool journal_is_tight(const struct journal *j)
{
	return j->tight;
}

const char *journal_trouble(const struct journal *j)
{
	return j->trouble.code != 0 ? err_text(&j->trouble) : NULL;
}

void journal_close(struct journal *j, void (*done)(void *ctx), void *ctx)
{
	j->closing = true;
	j->done = done;
	j->done_ctx = ctx;
	turn(j);
}
