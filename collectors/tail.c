/* tail.c - see tail.h. What wakes it, in which order it reads, and when it lets a file go.
 *
 * Happy path: a file is written to, and a little later it and those that were meanwhile get their turn, a chunk each, until all are
 * read or the slice is over (tail_awake.c). Where names came or went the folder is scanned. A file waits while an older one of the
 * same path is not at its end.
 * A rotated file is let go when it is at its end and quiet for QUIET_MS; its unfinished last line is handed over then. That of
 * a file under its name waits TAIL_SILENT_MS.
 * Fails: no watch (limits of inotify, a network file system): the scan every POLL_MS finds what changed.
 * Closing is at once, but for a folder that is being listed; what was not handed over is read again by the next tail. */
#include "collectors/tail_impl.h"

#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define POLL_MS 10000
#define RETRY_MS TAIL_LATER_MS
#define HOLD_LEAST_MS 10 /* a sink that is full for a moment must not cost throughput, */
#define HOLD_MOST_MS 500 /* and one that is full for hours no CPU */
#define QUIET_MS 5000
#define SLICE_MS 2
#define SLICE_CHUNKS 16
#define LINE_MAX_BYTES (64u << 10)
#define LINE_MOST_BYTES (1u << 20)

static void on_read(struct timer *t);

void tail_wake(struct tail *t, uint64_t delay_ms)
{
	if (ending_is_on(&t->end))
		return;
	/* Never later than it would have come anyway: starting a running timer moves it. */
	if (t->read_timer.cb == NULL || t->read_timer.due_ms > world_now_ms(t->w) + delay_ms)
		timer_start(t->w, &t->read_timer, delay_ms, on_read);
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

/* What was renamed away comes before the file that took its name. */
static bool waits_for_older(const struct tail_file *tf)
{
	for (const struct tail_file *o = tf->older; o != NULL; o = o->older)
		if (!o->at_end)
			return true;
	return false;
}

static void forget(struct tail_file *tf)
{
	struct tail *t = tf->src->t;

	tail_file_free(tf);
	t->files_n--;
}

static void let_go(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	struct telemetry_source end = tail_file_source(tf, tf->size, tf->size);

	log_info("tail.done", "path=%s ino=%llu", tf->path, (unsigned long long)tf->ino);
	/* Its end stays as a position: if the inode comes under a pattern again, only what was added since is read. */
	tail_position_leave(t, &end);
	forget(tf);
}

/* There is nothing to read for now. When nobody has added to the file for a while, what waits for more bytes, such as an unfinished
 * last line, is taken as it is. */
static enum tail_read settle(struct tail_file *tf)
{
	uint64_t since = world_now_ms(tf->src->t->w) - tf->grown_ms;
	enum tail_read r = TAIL_END;

	if (tf->is_open && since >= TAIL_RECORD_MS)
		r = tail_file_close(tf);
	if (r != TAIL_END)
		return r;
	if (since < (tf->rotated ? QUIET_MS : TAIL_SILENT_MS))
		return TAIL_END;
	/* Too short to be sure what it is. Nobody adds more, so it is judged by what is there. */
	if (!tf->is_judged && tf->size > 0) {
		r = tail_file_judge(tf, true);
		if (r != TAIL_END)
			return r; /* judged now: a text's lines come first, and what is no text is let go by read_one */
	} else {
		r = tail_file_flush(tf);
	}
	/* Its writer goes on here until it opens its log anew: only after this silence is the renamed file done. */
	if (r == TAIL_END && tf->rotated)
		let_go(tf);
	return r;
}

/* The file turned out to be no text: it is let go, and the next scan refuses and counts it. Should it become text again, reading
 * goes on behind the lines that were handed over. */
static void refuse(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	struct tail_candidate c = { .dev = tf->dev, .ino = tf->ino };
	struct telemetry_source at = tail_file_source(tf, tf->offset, tf->offset);
	enum tail_refusal why = TAIL_NO_TEXT;
	struct disk_stat st;

	tail_may_be_text(t, tf->f, &why);
	if (tf->offset > 0)
		tail_position_leave(t, &at);
	/* Known by its time of writing: scans leave it closed until it is written again. */
	if (t->w->file_stat(t->w, tf->f, &st, NULL) == 0) {
		c.mtime_ms = st.mtime_ms;
		tail_archive_add(t, &c, why);
	}
	log_info("tail.no_text", "path=%s ino=%llu offset=%llu next=\"not read\"", tf->path, (unsigned long long)tf->ino,
		 (unsigned long long)tf->offset);
	tail_folder_again(tf->src->folder);
	forget(tf);
}

static enum tail_read read_one(struct tail_file *tf)
{
	enum tail_read r;

	if (waits_for_older(tf)) {
		tail_awake_later(tf);
		return TAIL_END;
	}
	/* First whether it is still the same file: a place in one that began anew means nothing. */
	if (tail_file_look(tf) != 0) {
		tf->src->t->stats.read_errors++;
		return TAIL_FAILED;
	}
	r = tail_file_read(tf);
	if (tf->at_end && tf->newer != NULL)
		tail_awake(tf->newer);
	if (tf->rotated || tf->is_open)
		tail_awake_later(tf);
	if (r == TAIL_END)
		r = settle(tf); /* it may be gone then */
	if (r == TAIL_REFUSED)
		refuse(tf);
	return r == TAIL_REFUSED ? TAIL_END : r;
}

static bool is_over(struct tail *t, uint64_t end_ms, unsigned chunks)
{
	return chunks >= SLICE_CHUNKS || world_now_ms(t->w) >= end_ms;
}

/* Before another one, or at the end: before the head. */
static void stay_awake(struct tail_file *tf, struct list *before)
{
	list_del(&tf->awake);
	list_add(before, &tf->awake);
	tf->is_awake = true;
}

/* One chunk of each file: what all of them said, the most urgent first. With very many files a round takes several slices; files
 * that had their turn in it are marked, and a full sink stops the round where it is. */
static enum tail_read read_round(struct tail *t, uint64_t end_ms, unsigned *chunks)
{
	enum tail_read said;

	while (!list_empty(&t->awake)) {
		struct tail_file *tf = list_entry(t->awake.next, struct tail_file, awake);

		if (tf->turn == t->turn) /* those that had their turn in it stand at the end */
			break;
		if (is_over(t, end_ms, *chunks))
			return TAIL_MORE;
		tf->turn = t->turn;
		list_del(&tf->awake);
		tf->is_awake = false;
		said = read_one(tf);
		if (said == TAIL_HOLD) {
			tf->turn--; /* it is still there: only one that is read to its end is let go */
			stay_awake(tf, t->awake.next);
			return said;
		}
		*chunks += said == TAIL_MORE;
		if (said == TAIL_MORE)
			stay_awake(tf, &t->awake);
		else if (said == TAIL_FAILED)
			tail_awake_later(tf);
		if (said == TAIL_MORE || (said == TAIL_FAILED && t->said == TAIL_END))
			t->said = said;
	}
	said = t->said;
	t->said = TAIL_END;
	t->turn++;
	return said;
}

static enum tail_read read_slice(struct tail *t)
{
	uint64_t end_ms = world_now_ms(t->w) + SLICE_MS;
	enum tail_read r;
	unsigned chunks = 0;

	do
		r = read_round(t, end_ms, &chunks);
	while (r == TAIL_MORE && !is_over(t, end_ms, chunks));
	return r;
}

static uint64_t next_hold_ms(struct tail *t)
{
	t->hold_ms = t->hold_ms == 0 ? HOLD_LEAST_MS : 2 * t->hold_ms;
	if (t->hold_ms > HOLD_MOST_MS)
		t->hold_ms = HOLD_MOST_MS;
	return t->hold_ms;
}

static void on_room(struct telemetry_wait *wt)
{
	struct tail *t = container_of(wt, struct tail, wait);

	t->hold_ms = 0;
	tail_wake(t, 0);
}

/* The sink says when it takes lines again; that it may not say it, the growing waits are for. */
static void hold(struct tail *t)
{
	t->wait.cb = on_room;
	if (t->sink.wait != NULL)
		t->sink.wait(t->sink.ctx, &t->wait);
	tail_wake(t, next_hold_ms(t));
}

static void scan_if_wanted(struct tail *t)
{
	uint64_t since = world_now_ms(t->w) - t->scanned_ms;

	if (!tail_scan_runs(t) && since >= t->rest_ms && (t->scan_wanted || (t->scan_again && since >= RETRY_MS)))
		tail_scan_start(t);
}

/* When to read again, by what the last slice said; the first row that fits. A scan that runs wakes us itself.
 *
 *   there is more to read                           at once
 *   the sink is full                                when it says so, or after 10 ms, twice as long each time, up to 500 ms
 *   a scan is wanted, and none runs                 when the rest after the last scan is over
 *   a scan failed, or a file waits (tail_awake.c)   after RETRY_MS
 *   else                                            when something changes, or with the next poll
 */
static void sleep_until_next(struct tail *t, enum tail_read r)
{
	uint64_t since = world_now_ms(t->w) - t->scanned_ms;

	if (r == TAIL_MORE)
		tail_wake(t, 0);
	else if (r == TAIL_HOLD)
		hold(t);
	else if (t->scan_wanted && !tail_scan_runs(t))
		tail_wake(t, since < t->rest_ms ? t->rest_ms - since : 0);
	else if (t->scan_again || !list_empty(&t->later))
		tail_wake(t, RETRY_MS);
}

static void on_read(struct timer *timer)
{
	struct tail *t = container_of(timer, struct tail, read_timer);
	uint64_t lines = t->stats.lines;
	enum tail_read r;

	scan_if_wanted(t);
	tail_awake_due(t);
	r = read_slice(t);
	/* The sink has taken something, so the next time it is full the waits begin short again. */
	if (t->stats.lines != lines)
		t->hold_ms = 0;
	sleep_until_next(t, r);
}

/* ---- what wakes it -------------------------------------------------------------------------------------------------------- */

/* The safety net: also for folders that came into being later. */
static void on_poll(struct timer *timer)
{
	struct tail *t = container_of(timer, struct tail, scan_timer);

	t->scan_wanted = t->whole_wanted = t->seek_wanted = true;
	tail_awake_all(t);
	tail_wake(t, 0);
	timer_start(t->w, &t->scan_timer, POLL_MS, on_poll);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------ */

struct tail *tail_new(struct world *w, const struct tail_config *c, const struct telemetry_sink *sink)
{
	struct tail *t = mem_new(struct tail);

	t->w = w;
	t->sink = *sink;
	t->line_max = c->line_max > 0 ? c->line_max : LINE_MAX_BYTES;
	if (t->line_max > LINE_MOST_BYTES)
		t->line_max = LINE_MOST_BYTES;
	t->files_max = c->files_max > 0 ? c->files_max : TAIL_FILES_MAX;
	t->positions = c->positions;
	list_init(&t->files);
	list_init(&t->folders);
	list_init(&t->awake);
	list_init(&t->later);
	tail_patterns_init(t, c);
	tail_scan_init(&t->scan);
	t->turn = 1;
	t->chunk_len = 2 * (size_t)t->line_max;
	/* The bytes in front of a place are read with the chunk and need room of their own. */
	t->chunk = mem_alloc(t->chunk_len + TELEMETRY_BEFORE_BYTES);
	t->pieces = BUF_MAX(t->chunk_len);
	t->text = BUF_MAX(3 * t->chunk_len); /* each byte may become three */
	return t;
}

void tail_start(struct tail *t)
{
	positions_wait(t->positions);
	tail_pass_begin(t);
	timer_start(t->w, &t->scan_timer, 0, on_poll);
}

struct tail_stats tail_stats(const struct tail *t)
{
	struct tail_stats st = t->stats;

	st.files = t->files_n;
	st.folders = t->folders_n;
	st.unwatched_folders = tail_folders_unwatched(t);
	for (size_t i = 0; i < t->patterns_n; i++) {
		const uint64_t *refused = t->patterns[i].refused;

		st.refused_compressed += refused[TAIL_COMPRESSED];
		st.refused_no_text += refused[TAIL_NO_TEXT];
		st.refused_links += refused[TAIL_LINK];
		st.refused_limit += refused[TAIL_FULL];
		st.refused_denied += refused[TAIL_DENIED];
		st.refused_old += refused[TAIL_OLD];
	}
	st.refused =
	    st.refused_compressed + st.refused_no_text + st.refused_links + st.refused_limit + st.refused_denied + st.refused_old;
	list_each(n, (struct list *)&t->files)
		st.rotated += list_entry(n, struct tail_file, link)->rotated;
	return st;
}

static bool is_out(struct closing *c)
{
	return tail_scan_is_listing(container_of(c, struct tail, end.closing));
}

static void tail_free(struct closing *c)
{
	struct tail *t = container_of(c, struct tail, end.closing);

	timer_stop(t->w, &t->read_timer);
	timer_stop(t->w, &t->scan_timer);
	tail_scan_close(t);
	while (!list_empty(&t->files))
		tail_file_free(list_entry(t->files.next, struct tail_file, link));
	mem_free(t->archives);
	tail_patterns_free(t);
	tail_folders_free(t);
	tail_index_close(&t->index);
	mem_free(t->chunk);
	buf_close(&t->text);
	buf_close(&t->pieces);
	mem_free(t);
}

static const struct closing_how tail_how = { is_out, tail_free };

void tail_close(struct tail *t, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&t->end, t->w, &tail_how, done, ctx);
	timer_stop(t->w, &t->read_timer);
	timer_stop(t->w, &t->scan_timer);
	timer_stop(t->w, &t->scan.timer);
	list_del(&t->wait.link);
	tail_folders_unwatch(t);
}
