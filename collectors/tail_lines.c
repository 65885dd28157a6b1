/* tail_lines.c - the lines of one file.
 *
 * Happy path: a chunk from `offset`, with the bytes before it in front, which must be the known ones; each line in it is handed
 * over (tail_take.c), `offset` behind its LF. The unfinished end stays in the file and is read again when it has grown, so framing
 * depends on the bytes alone, never on how they came.
 * A line beyond the limit is scanned for its end without being kept; then its head is read once more and handed over.
 * NULs in front of a line are passed over, a hole ends one. What was passed over belongs to the range of the next line, so that
 * positions go on without a gap.
 * Fails: a read error is counted and tried again; a sink that answers false leaves `offset` where it is. */
#include "collectors/tail_line.h"

#include <string.h>

#include "agent/base/str.h"
#include "collectors/tail_head.h"
#include "collectors/tail_text.h"

/* The line's end lies far behind its head, which is read again here; `end` is behind its text, `to` behind its LF. */
static enum tail_read hand_over_long(struct tail_file *tf, uint64_t end, uint64_t to, bool is_unfinished)
{
	struct tail *t = tf->src->t;
	size_t want = (size_t)t->line_max + 4; /* a look beyond the cut shows whether a sequence goes on */
	struct tail_line l = { .to = to, .is_unfinished = is_unfinished, .is_within = is_unfinished, .is_foreign = tail_wraps(tf) };
	uint64_t from = tf->offset - tail_line_begun(tf);
	char last;

	if (tail_take_beyond(tf, &l))
		return TAIL_MORE;
	/* Whether a CR stands before the line feed is not in the head that is read here: one byte of the end tells. */
	if (t->w->file_read(t->w, tf->f, end - 1, &last, 1, NULL) != 1 ||
	    t->w->file_read(t->w, tf->f, from, t->chunk, want, NULL) != (ssize_t)want)
		return TAIL_FAILED;
	l.begun = (size_t)tail_line_begun(tf);
	l.raw = t->chunk + l.begun;
	l.len = want - l.begun;
	return tail_take_text(tf, &l, end - from - (last == '\r')) ? TAIL_MORE : TAIL_HOLD;
}

/* ---- chunks ---------------------------------------------------------------------------------------------------------------- */

/* NULs in front of a line: what a writer without O_APPEND leaves behind a copytruncate, or a crash. */
static size_t pass_nuls(struct tail_file *tf, const char *at, size_t len)
{
	size_t n = tail_text_nul_run(at, len);

	if (n == 0 || (tf->goes_on && n < TAIL_HOLE_BYTES)) /* a few stand inside the line */
		return 0;
	tf->src->t->stats.nul_bytes += n;
	tf->goes_on = false;
	tail_take_none(tf, n);
	return n;
}

/* The record from *at on, which moves behind it. TAIL_END: what is there is no whole record. */
static enum tail_read take_plain(struct tail_file *tf, const char **at, const char *lf, const char *end, enum tail_bytes bytes,
				 bool is_final)
{
	const char *hole, *stop;
	size_t joined = 0;
	struct tail_line l;

	if (lf != NULL && framing_joins(tf->src->of->framing)) {
		lf = tail_record_end(tf, *at, lf, end, is_final, &joined);
		tf->is_open = lf == NULL;
	}
	hole = bytes == TAIL_BYTES_ANY ? tail_head_hole(*at, (size_t)((lf != NULL ? lf : end) - *at)) : NULL;
	if (lf == NULL && hole == NULL)
		return TAIL_END;
	/* A hole itself stays for pass_nuls, in the next round or with the next chunk, which counts it. */
	stop = hole != NULL ? hole : lf + 1;
	l = (struct tail_line){ .raw = *at,
				.len = (size_t)((hole != NULL ? hole : lf) - *at),
				.behind = stop,
				.is_of_chunk = true,
				.is_foreign = tail_wraps(tf),
				.bytes = bytes,
				.joined = joined };
	l.to = tf->offset + (uint64_t)(stop - *at);
	if (!tail_take_line(tf, &l))
		return TAIL_HOLD;
	*at = stop;
	return TAIL_MORE;
}

/* The same, where a line may be one of a container's log; what is none is taken as it is. */
static enum tail_read take_one(struct tail_file *tf, const char **at, const char *end, enum tail_bytes bytes, bool is_final)
{
	const char *lf, *stop;
	enum tail_read r;

	*at += bytes == TAIL_BYTES_ANY ? pass_nuls(tf, *at, (size_t)(end - *at)) : 0;
	lf = memchr(*at, '\n', (size_t)(end - *at));
	if (lf == NULL || !tail_wraps(tf))
		return take_plain(tf, at, lf, end, bytes, is_final);
	r = tail_wrapped_take(tf, *at, lf, end, is_final, &stop);
	if (r == TAIL_MORE)
		*at = stop;
	return r == TAIL_MORE || r == TAIL_HOLD || r == TAIL_END ? r : take_plain(tf, at, lf, end, bytes, is_final);
}

/* Asked once a chunk, and not of each line; for the part of a line too that was taken before. */
static enum tail_bytes bytes_of(const struct tail_file *tf, const char *at, size_t len)
{
	if (tf->goes_on)
		return TAIL_BYTES_ANY;
	if (str_plain_len(at, len) == len)
		return TAIL_BYTES_PLAIN;
	return memchr(at, '\0', len) != NULL ? TAIL_BYTES_ANY : TAIL_BYTES_TEXT;
}

/* All whole records of a chunk: `at` is where tf->offset is in it, `end` its end; is_final: the last one, too, which may go on. */
static enum tail_read lines_of(struct tail_file *tf, const char *at, const char *end, bool is_final)
{
	enum tail_bytes bytes = bytes_of(tf, at, (size_t)(end - at));
	enum tail_read r = TAIL_MORE;

	tf->is_open = false;
	while (at < end && r == TAIL_MORE)
		r = take_one(tf, &at, end, bytes, is_final);
	if (tf->before_at != NULL)
		tf->before = telemetry_before(tf->before_at, tf->before_len);
	tf->before_at = NULL;
	if (r == TAIL_HOLD)
		return r;
	tf->scanned = tf->offset + (uint64_t)(end - at);
	return TAIL_MORE;
}

/* Past the limit, in search of the LF, or of the hole that ends it. */
static enum tail_read scan_long(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	ssize_t n = t->w->file_read(t->w, tf->f, tf->scanned, t->chunk, t->chunk_len, NULL);
	const char *lf, *hole;
	uint64_t end;

	if (n < 0)
		return TAIL_FAILED;
	tf->at_end = n == 0; /* shorter than fstat said: the next look sees why */
	if (tf->at_end)
		return TAIL_END;
	lf = memchr(t->chunk, '\n', (size_t)n);
	hole = tail_head_hole(t->chunk, lf != NULL ? (size_t)(lf - t->chunk) : (size_t)n);
	if (lf == NULL && hole == NULL) {
		tf->scanned += (uint64_t)n;
		return TAIL_MORE;
	}
	end = tf->scanned + (uint64_t)((hole != NULL ? hole : lf) - t->chunk);
	return hand_over_long(tf, end, hole != NULL ? end : end + 1, false);
}

/* How many bytes in front of offset are read with it: the beginning of its line, and those that must be the known ones. */
static size_t in_front(const struct tail_file *tf)
{
	uint64_t begun = tail_line_begun(tf);

	return begun < tf->src->t->line_max && begun > tf->before_len ? (size_t)begun : tf->before_len;
}

/* Of a chunk of n bytes, `front` of them before offset: false: they are not what they were, and the file begins anew. */
static bool is_ours(struct tail_file *tf, size_t front, size_t n)
{
	const char *before = tf->src->t->chunk + front - tf->before_len;

	if (n >= front && telemetry_before(before, tf->before_len) == tf->before)
		return true;
	tail_file_begin_anew(tf, n < front ? "shorter" : "rewritten", tf->size);
	return false;
}

static enum tail_read read_chunk(struct tail_file *tf, bool is_final)
{
	struct tail *t = tf->src->t;
	size_t front = in_front(tf), more = front < TELEMETRY_BEFORE_BYTES ? front : TELEMETRY_BEFORE_BYTES;
	ssize_t n = t->w->file_read(t->w, tf->f, tf->offset - front, t->chunk, t->chunk_len + more, NULL);

	if (n < 0)
		return TAIL_FAILED;
	tf->at_end = tf->offset - front + (uint64_t)n <= tf->scanned;
	if (tf->at_end && !is_final) /* shorter than fstat said: the next look sees why */
		return TAIL_END;
	if (tf->before_len > 0 && !is_ours(tf, front, (size_t)n))
		return TAIL_MORE;
	return lines_of(tf, t->chunk + front, t->chunk + n, is_final);
}

/* A long line's head is read once more when its end is found, with so many bytes (hand_over_long). A shorter line comes whole in
 * one chunk. What a runtime has wrapped is longer than its text, and several lines may be one record: a chunk is theirs. */
static bool is_long(const struct tail_file *tf)
{
	const struct tail *t = tf->src->t;
	uint64_t ahead = tf->scanned - tf->offset;

	return tail_wraps(tf) && tail_line_begun(tf) < TAIL_GROUP_MAX ? ahead >= t->chunk_len : ahead > (uint64_t)t->line_max + 4;
}

static enum tail_read read_on(struct tail_file *tf, bool is_final)
{
	if (tf->run.is_on)
		return tail_wrapped_run(tf, is_final);
	return is_long(tf) && !is_final ? scan_long(tf) : read_chunk(tf, is_final);
}

enum tail_read tail_file_read(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	enum tail_read r = tail_file_judge(tf, false);

	if (r == TAIL_MORE && tf->is_judged && tf->scanned >= tf->size && tf->run.end == 0) {
		tf->at_end = true;
		return TAIL_END;
	}
	if (r == TAIL_MORE && tf->is_judged)
		r = read_on(tf, false);
	t->stats.read_errors += r == TAIL_FAILED;
	return r;
}

enum tail_read tail_file_close(struct tail_file *tf)
{
	enum tail_read r = read_on(tf, true);

	tf->src->t->stats.read_errors += r == TAIL_FAILED;
	/* What was read here and does not end with a line feed stays where it is. */
	if (r == TAIL_MORE && !tf->run.is_on)
		tf->is_open = false;
	tf->at_end = tf->scanned >= tf->size;
	return r == TAIL_MORE && tf->at_end ? TAIL_END : r;
}

enum tail_read tail_file_flush(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	size_t front = in_front(tf);
	struct tail_line l = { .raw = t->chunk + front,
			       .to = tf->size,
			       .is_unfinished = true,
			       .is_within = true,
			       .is_foreign = tail_wraps(tf),
			       .bytes = TAIL_BYTES_ANY };
	uint64_t len = tf->size - tf->offset;
	enum tail_read r;
	ssize_t n;

	/* A place so near to a line's beginning would say something else: tail_wrapped.c. */
	if (len == 0 || (tail_wraps(tf) && len <= TAIL_GROUP_MAX && !tf->goes_on && !tf->rotated))
		return TAIL_END;
	if (len > (uint64_t)t->line_max + 4) {
		r = hand_over_long(tf, tf->size, tf->size, true);
		return r == TAIL_MORE ? TAIL_END : r;
	}
	n = t->w->file_read(t->w, tf->f, tf->offset - front, t->chunk, front + (size_t)len, NULL);
	if (n < 0 || (uint64_t)n < front + len)
		return TAIL_FAILED;
	l.len = (size_t)len;
	return tail_take_line(tf, &l) ? TAIL_END : TAIL_HOLD;
}
