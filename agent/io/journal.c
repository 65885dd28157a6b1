/* journal.c - one writer, one disk request at a time.
 *
 * Happy path: appends queue up; when the disk is free, all of them become lines, chained, and one DISK_APPEND; its callback
 * tells every owner. A segment that has grown enough is followed by a new one (journal_segment.c).
 * Failure: the same bytes are written again at the same offset after a back-off. Close: waits for the request in flight. */
#include "agent/io/journal_impl.h"

#include <assert.h>

#include "agent/base/stamp.h"

#define RESERVE_EVERY_MS 30000

static const struct sm_state journal_states[] = {
	[JOURNAL_IDLE] = { "idle", SM_TO(JOURNAL_CUT) | SM_TO(JOURNAL_APPEND) | SM_TO(JOURNAL_SEGMENT) | SM_TO(JOURNAL_PRUNE) |
				       SM_TO(JOURNAL_CLOSED) },
	[JOURNAL_CUT] = { "cut", SM_TO(JOURNAL_IDLE) | SM_TO(JOURNAL_WAIT) },
	[JOURNAL_APPEND] = { "append", SM_TO(JOURNAL_IDLE) | SM_TO(JOURNAL_WAIT) },
	[JOURNAL_SEGMENT] = { "segment", SM_TO(JOURNAL_IDLE) | SM_TO(JOURNAL_WAIT) },
	[JOURNAL_PRUNE] = { "prune", SM_TO(JOURNAL_IDLE) },
	[JOURNAL_WAIT] = { "wait", SM_TO(JOURNAL_CUT) | SM_TO(JOURNAL_APPEND) | SM_TO(JOURNAL_SEGMENT) | SM_TO(JOURNAL_CLOSED) },
	[JOURNAL_CLOSED] = { "closed", SM_END },
};

/* What must hold in each state: one disk request at a time, and all that the state's request stands for is there. */
static const char *journal_broken(const struct sm *m)
{
	const struct journal *j = container_of(m, const struct journal, sm);

	if (j->disk.impl != NULL)
		return "one request ends before the state moves on";
	if (m->now == JOURNAL_IDLE && j->durable.next_seq != j->written.next_seq)
		return "an idle journal has no line that is not durable";
	if (m->now == JOURNAL_APPEND && (j->lines.len == 0 || j->batch_n == 0 || j->first == 0))
		return "an append has lines, their owners and a segment";
	if (m->now == JOURNAL_PRUNE && j->sealed.n == 0)
		return "only a sealed segment is removed";
	return NULL;
}

const struct sm_machine journal_machine = SM_MACHINE("journal", journal_states, journal_broken);

static void on_turn(struct timer *t);
static void on_reserve_timer(struct timer *t);

/* ---- lines ---- */

void journal_path(const struct journal *j, uint64_t first, char to[512])
{
	snprintf(to, 512, "%s/%016llu.jsonl", j->cfg.dir, (unsigned long long)first);
}

/* prev, seq, time, type, then the record's own members. */
static json_t *line_json(const struct journal *j, const char *type, json_t *members)
{
	char hex[DIGEST_HEX_LEN], time[STAMP_RFC3339_LEN];
	json_t *obj = json_object();

	/* prev comes first: by the head of a line alone a torn first line (journal_read.c) and the hash before a segment
	 * (journal_segment.c) are known. */
	json_object_set_new(obj, "prev", json_string(digest_hex(&j->written.prev, hex)));
	json_object_set_new(obj, "seq", json_integer((json_int_t)j->written.next_seq));
	json_object_set_new(obj, "time", json_string(stamp_rfc3339(world_wall_ms(j->w), time)));
	json_object_set_new(obj, "type", json_string(type));
	json_object_update(obj, members);
	return obj;
}

int journal_add_line(struct journal *j, const char *type, json_t *members)
{
	CLEANUP(json_close) json_t *obj = line_json(j, type, members);
	size_t from = j->lines.len, len = json_size(obj);

	/* Looked at before anything is moved, so that the next line takes the place of one that does not fit. */
	if (len > JOURNAL_LINE_MAX || (len > JOURNAL_RECORD_MAX && !str_eq(type, "checkpoint")))
		return -ERR_LIMIT;
	json_write(obj, &j->lines);
	j->written.prev = digest_of(j->lines.data + from, len);
	j->written.next_seq++;
	buf_addc(&j->lines, '\n');
	assert(!j->lines.over);
	return 0;
}

/* ---- the reserve ---- */

static void on_reserve(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, reserve_disk);

	/* There is room for the reserve again, so there is room for records. */
	if (rc == 0 && j->tight) {
		j->tight = false;
		log_info("journal.room", "next=\"new commands are accepted again\"");
	}
	ending_step(&j->end);
	if (rc != 0 && !ending_is_on(&j->end))
		timer_start(j->w, &j->reserve_timer, RESERVE_EVERY_MS, on_reserve_timer);
}

static void on_reserve_timer(struct timer *t)
{
	struct journal *j = container_of(t, struct journal, reserve_timer);

	disk_replace(j->w, &j->reserve_disk, j->reserve, j->zeros, RESERVE_BYTES, 0600, on_reserve);
}

/* The reserve is gone; the timer tries to get it back, and until then the disk counts as full. */
static void on_reserve_gone(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, reserve_disk);

	err_ignore(rc, "without a reserve there was nothing to give up");
	ending_step(&j->end);
	if (!ending_is_on(&j->end))
		timer_start(j->w, &j->reserve_timer, RESERVE_EVERY_MS, on_reserve_timer);
}

static void give_up_reserve(struct journal *j)
{
	/* A request for the reserve may still be under way; the next write that fails comes here again. */
	if (j->tight || j->reserve_disk.impl != NULL)
		return;
	j->tight = true;
	log_error("journal.full",
		  "err=\"the disk is full\" next=\"the reserve is given up, nothing new is started, it tries again\"");
	/* It would make the file again before the records have got its room. */
	timer_stop(j->w, &j->reserve_timer);
	disk_unlink(j->w, &j->reserve_disk, j->reserve, on_reserve_gone);
}

void journal_reserve_start(struct journal *j)
{
	snprintf(j->reserve, sizeof(j->reserve), "%s/reserve", j->cfg.dir);
	j->zeros = mem_alloc(RESERVE_BYTES);
	timer_start(j->w, &j->reserve_timer, 0, on_reserve_timer);
}

/* ---- one batch ---- */

void journal_failed(struct journal *j, int rc)
{
	uint32_t wait = backoff_next_ms(&j->backoff, world_random64(j->w));

	j->trouble = j->disk.err;
	if (j->trouble.text[0] == '\0')
		err_set(&j->trouble, -rc, "the journal cannot be written");
	log_error("journal.write.failed", "err=%s retry_in_ms=%u", err_text(&j->trouble), wait);
	/* Asked for now, so that the room is there when the same bytes are written again. */
	if (rc == -ERR_NOSPACE)
		give_up_reserve(j);
	j->retry = j->sm.now;
	sm_move(&j->sm, JOURNAL_WAIT);
	if (ending_is_on(&j->end))
		ending_step(&j->end); /* its owner is closed, and the next start finds what is durable */
	else
		timer_start(j->w, &j->timer, wait, on_turn);
}

void journal_landed(struct journal *j)
{
	j->trouble = (struct err){ 0 };
	backoff_reset(&j->backoff);
	j->durable = j->written;
	sm_move(&j->sm, JOURNAL_IDLE);
}

static void on_appended(struct disk_req *r, int rc)
{
	struct journal *j = container_of(r, struct journal, disk);

	if (rc != 0) {
		journal_failed(j, rc);
		return;
	}
	/* Before the callbacks: they may append, and ask for the newest number and hash. */
	j->size += j->lines.len;
	journal_landed(j);
	for (size_t i = 0; i < j->batch_n; i++) {
		struct journal_append *a = j->batch[i];

		if (a == NULL)
			continue; /* forgotten by its owner, perhaps in one of these callbacks */
		j->batch[i] = NULL;
		a->waiting = false;
		a->cb(a);
	}
	/* Not earlier: journal_forget, called by one of them, looks for its append in the batch. What they have appended is the
	 * next one. */
	j->batch_n = 0;
	journal_turn(j);
}

/* The first lines of a journal are written whole or not at all: a segment without a good line is damage, and a power failure must
 * not leave one. */
static void append_write(struct journal *j)
{
	if (j->size == 0)
		disk_replace(j->w, &j->disk, j->path, j->lines.data, j->lines.len, 0600, on_appended);
	else
		disk_append(j->w, &j->disk, j->path, j->size, j->lines.data, j->lines.len, on_appended);
}

/* The record's owner never gets a callback, since what is not durable has not happened. All others go on, and health tells the
 * error. */
static void unfit(struct journal *j, struct journal_append *a)
{
	err_set(&j->unfit, ERR_LIMIT, "a record %s of %s has %zu bytes; at most %u can be written", a->type,
		json_str_or(a->members, "op", "the agent"), json_size(a->members), JOURNAL_RECORD_MAX);
	log_error("journal.record.unfit", "err=%s next=\"what waits for this record does not go on\"", err_text(&j->unfit));
	json_close(&a->members);
}

static void append_start(struct journal *j)
{
	uint64_t seq = j->written.next_seq;

	/* The lines stay in this buffer until they are durable, because a retry writes the very same bytes. */
	buf_reset(&j->lines);
	while (j->batch_n < BATCH_MAX && j->lines.len < BATCH_BYTES && !list_empty(&j->queue)) {
		struct journal_append *a = list_entry(list_pop(&j->queue), struct journal_append, link);

		a->seq = j->written.next_seq;
		if (journal_add_line(j, a->type, a->members) != 0) {
			unfit(j, a);
			continue;
		}
		json_close(&a->members);
		j->batch[j->batch_n++] = a;
	}
	/* All that waited was unfit, and nothing of the chain has moved. */
	if (j->batch_n == 0)
		return;
	/* The first segment of all; the name says with which record it begins. */
	if (j->first == 0) {
		j->first = seq;
		journal_path(j, seq, j->path);
	}
	sm_move(&j->sm, JOURNAL_APPEND);
	append_write(j);
}

/* ---- the turn ---- */

static bool is_out(struct closing *c)
{
	struct journal *j = container_of(c, struct journal, end.closing);

	/* Appends in the queue are not waited for: they were never durable, so they have not happened. */
	return j->disk.impl != NULL || j->reserve_disk.impl != NULL;
}

static void journal_free(struct closing *c)
{
	struct journal *j = container_of(c, struct journal, end.closing);
	struct list *l;

	timer_stop(j->w, &j->timer);
	timer_stop(j->w, &j->reserve_timer);
	while ((l = list_pop(&j->queue)) != NULL)
		json_close(&list_entry(l, struct journal_append, link)->members);
	journal_segment_drop(j);
	buf_close(&j->lines);
	buf_close(&j->tail);
	buf_close(&j->again);
	journal_segments_close(&j->sealed);
	mem_free(j->zeros);
	mem_free(j);
}

static const struct closing_how journal_how = { is_out, journal_free };

static void retry(struct journal *j)
{
	if (j->retry == JOURNAL_CUT) {
		journal_cut(j);
		return;
	}
	/* The same bytes at the same offset: whatever a failed write has left behind the durable lines is cut and written over. */
	sm_move(&j->sm, j->retry);
	if (j->retry == JOURNAL_SEGMENT)
		journal_segment_write(j);
	else
		append_write(j);
}

static bool segment_is_due(const struct journal *j)
{
	return j->checkpoint_due || j->size - j->base >= j->cfg.segment_bytes; /* a large checkpoint alone is no reason */
}

/* What an idle journal does next, the first that is due:
 *
 *   nothing was written since the start          what was found is made durable, and a torn tail is cut
 *   a prune is recorded and durable              the segment's file is removed
 *   the segment is full, or its checkpoint torn  a new segment begins
 *   records wait                                 they are appended
 *   there are more segments than may be          a prune is recorded
 */
void journal_turn(struct journal *j)
{
	if (ending_is_on(&j->end)) {
		ending_step(&j->end);
		return;
	}
	if (j->sm.now != JOURNAL_IDLE)
		return;
	if (!j->is_cut)
		journal_cut(j);
	else if (j->prune_due && !j->prune_record.waiting)
		journal_prune(j);
	else if (segment_is_due(j))
		journal_segment_start(j);
	else if (!list_empty(&j->queue))
		append_start(j);
	else if (!j->prune_due && journal_may_prune(j))
		journal_prune_record(j);
}

static void on_turn(struct timer *t)
{
	struct journal *j = container_of(t, struct journal, timer);

	if (j->sm.now == JOURNAL_WAIT && !ending_is_on(&j->end))
		retry(j);
	else
		journal_turn(j);
}

void journal_append(struct journal *j, struct journal_append *a, const char *type, json_t *members, journal_cb *cb)
{
	assert(!a->waiting);
	a->type = type;
	a->members = members;
	a->cb = cb;
	a->waiting = true;
	list_add(&j->queue, &a->link);
	if (j->sm.now == JOURNAL_IDLE && j->timer.cb == NULL)
		/* From the loop, so that all that one event appends goes to the disk by one write and one sync. */
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
	/* It stands in the queue still. One that is a line by now, or was unfit, has no members and is in no list. */
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
	/* A disk that refuses holds up all records, an unfit record only its owner. */
	const struct err *e = j->trouble.code != 0 ? &j->trouble : &j->unfit;

	return e->code != 0 ? err_text(e) : NULL;
}

uint64_t journal_hangs_ms(const struct journal *j)
{
	return j->disk.impl != NULL ? world_now_ms(j->w) - j->disk.asked_ms : 0;
}

void journal_close(struct journal *j, void (*done)(void *ctx), void *ctx)
{
	timer_stop(j->w, &j->timer);
	ending_begin(&j->end, j->w, &journal_how, done, ctx);
}
