/* tail_lines.c - the lines of one file.
 *
 * Happy path: a chunk from `offset`, with the bytes before it in front, which must be the known ones; each line in it is handed
 * over, `offset` behind its LF. The unfinished end stays in the file and is read again when it has grown, so framing depends
 * on the bytes alone, never on how they came.
 * A line beyond the limit is scanned for its end without being kept; then its head is read once more and handed over.
 * The rest of a line that was taken unfinished is read with the line's beginning in front of it, and both are handed over as
 * one body that says how much of it went before: the rules must see the whole. The limit holds for the whole too.
 * NULs in front of a line are passed over, a hole ends one; a line of which a quarter is no text is passed over too. What was
 * passed over belongs to the range of the next line, so that positions go on without a gap.
 * Fails: a read error is counted and tried again; a sink that answers false leaves `offset` where it is. */
#include "collectors/tail_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/str.h"
#include "collectors/record_head.h"
#include "collectors/tail_head.h"
#include "collectors/tail_text.h"

#define BOM "\xef\xbb\xbf"

/* One line in hand: `raw` of `len` bytes, which the file holds from its offset to `to`. In front of raw stand the `begun` bytes
 * of the same line that were taken before. */
struct tail_line {
	const char *raw;
	size_t len, begun;
	uint64_t to;
	uint64_t lost;                /* bytes that were cut */
	const char *behind;           /* where `to` is in the chunk; NULL: elsewhere */
	bool is_unfinished, has_nuls; /* it may have some */
	size_t joined;                /* lines behind the first one */
};

/* ---- one line ------------------------------------------------------------------------------------------------------------ */

static void pass_over(struct tail_file *tf, uint64_t n)
{
	tf->offset += n;
	tf->passed += n;
	if (tf->scanned < tf->offset)
		tf->scanned = tf->offset;
	tf->before_len = 0; /* until the next line; the range of that one begins where the last one ended */
}

/* Of the line at offset, what was taken before. */
static uint64_t begun_of(const struct tail_file *tf)
{
	return tf->goes_on ? tf->offset - tf->line_at : 0;
}

/* With the next move of offset the line ends, or goes on unfinished. */
static void note_end(struct tail_file *tf, bool is_unfinished)
{
	if (!tf->goes_on)
		tf->line_at = tf->offset;
	tf->goes_on = is_unfinished;
}

static void pass_line(struct tail_file *tf, const struct tail_line *l)
{
	note_end(tf, l->is_unfinished);
	pass_over(tf, l->to - tf->offset);
}

/* The bytes in front of `to`, as a position keeps them. */
static void note_before(const struct tail_file *tf, const struct tail_line *l, struct telemetry_source *s)
{
	const struct tail *t = tf->src->t;
	char bytes[TAIL_BEFORE_BYTES];
	size_t len = l->to < sizeof(bytes) ? (size_t)l->to : sizeof(bytes);
	const char *at = bytes;

	/* Out of the chunk where that is possible: this is done for each line, and a read each time would cost much. */
	if (l->behind != NULL) {
		len = (size_t)(l->behind - t->chunk) < len ? (size_t)(l->behind - t->chunk) : len;
		at = l->behind - len;
	} else if (t->w->file_read(t->w, tf->f, l->to - len, bytes, len, NULL) != (ssize_t)len) {
		/* Not known: the position then stands on the first bytes alone. */
		len = 0;
	}
	s->before_len = (uint32_t)len;
	s->before = tail_file_before(at, len);
}

static void was_taken(struct tail_file *tf, const struct tail_line *l, const struct telemetry_source *s)
{
	struct tail *t = tf->src->t;

	t->stats.lines++;
	t->stats.joined_lines += l->joined;
	t->stats.bytes += s->to - s->from;
	t->stats.truncated_lines += l->lost > 0;
	t->stats.unfinished_lines += l->is_unfinished;
	t->stats.nul_bytes += l->has_nuls ? tail_text_nuls(l->raw, l->len) : 0;
	note_end(tf, l->is_unfinished);
	tf->offset = tf->scanned = s->to;
	tf->passed = 0;
	tf->before = s->before;
	tf->before_len = s->before_len;
}

static void skip_bom(const struct tail_file *tf, struct tail_line *l)
{
	bool is_first = tf->offset == tf->passed || (l->begun > 0 && tf->line_at == tf->head_at);
	const char *whole = l->raw - l->begun;
	size_t of_rest = l->begun < 3 ? 3 - l->begun : 0;

	if (!is_first || l->begun + l->len < 3 || memcmp(whole, BOM, 3) != 0)
		return;
	l->begun -= 3 - of_rest;
	l->raw += of_rest;
	l->len -= of_rest;
}

/* Makes t->text of it; how many bytes of that were taken before. A character that was torn there counts as not taken. */
static size_t clean(struct tail *t, const struct tail_line *l)
{
	const char *whole = l->raw - l->begun, *end = l->raw + l->len, *rest = l->raw;
	size_t begun;

	for (size_t back = 1; back < 4 && back <= l->begun; back++)
		if (str_utf8_len(l->raw - back, (size_t)(end - l->raw) + back) > back)
			rest = l->raw - back;
	buf_reset(&t->text);
	tail_text_clean(&t->text, whole, (size_t)(rest - whole));
	begun = t->text.len;
	tail_text_clean(&t->text, rest, (size_t)(end - rest));
	return begun;
}

/* The usual line, whole and ASCII, is handed over where it lies in the chunk. */
static void take_body(struct tail *t, const struct tail_line *in, struct telemetry_line *l)
{
	l->body = in->raw;
	l->len = in->len;
	if (in->begun == 0 && str_plain_len(in->raw, in->len) == in->len)
		return;
	l->begun = clean(t, in);
	l->body = buf_str(&t->text);
	l->len = t->text.len;
}

static void take_head(const struct tail_file *tf, struct telemetry_line *l)
{
	struct record_head st =
	    record_head_read(tf->src->format, l->body, l->len, tf->src->utc_offset_s, world_wall_ms(tf->src->t->w));

	l->time_ms = st.time_ms;
	l->severity = st.severity;
	l->severity_text = st.word;
}

/* Hands it over; false: the sink is full. */
static bool hand_over(struct tail_file *tf, struct tail_line *in)
{
	struct tail *t = tf->src->t;
	struct telemetry_attr attrs[3];
	struct telemetry_line l = { .origin = &tf->origin, .attrs = attrs };
	char cut[24];

	skip_bom(tf, in);
	take_body(t, in, &l);
	if (tf->src->format != FRAMING_LINES && !tf->goes_on)
		take_head(tf, &l);
	l.source = tail_file_source(tf, tf->offset - tf->passed, in->to);
	note_before(tf, in, &l.source);
	if (in->lost > 0) {
		snprintf(cut, sizeof(cut), "%" PRIu64, in->lost);
		attrs[l.attrs_n++] = (struct telemetry_attr){ "reeve.log.truncated_bytes", cut };
	}
	if (in->is_unfinished)
		attrs[l.attrs_n++] = (struct telemetry_attr){ "reeve.log.unfinished", "true" };
	if (tf->goes_on)
		attrs[l.attrs_n++] = (struct telemetry_attr){ "reeve.log.continuation", "true" };
	if (ending_is_on(&t->end) || !t->sink.line(t->sink.ctx, &l))
		return false;
	was_taken(tf, in, &l.source);
	return true;
}

/* Only a line with NULs can be no text: without NULs the bytes are what a reader of UTF-8 sees. */
static bool is_text(const struct tail_file *tf, const struct tail_line *l)
{
	const char *whole = l->raw - l->begun;
	size_t len = l->begun + l->len;

	return (tf->passed == 0 && (!l->has_nuls || memchr(whole, '\0', len) == NULL)) || tail_head_is_text(whole, len, false);
}

/* Cut at the limit; `all`: bytes of the whole line without its end, of which raw may hold less. false: the sink is full. */
static bool take_text(struct tail_file *tf, struct tail_line *l, uint64_t all)
{
	struct tail *t = tf->src->t;
	size_t cut = tail_text_cut(l->raw - l->begun, l->begun + l->len, t->line_max);

	/* All that the limit lets through has left with the line's beginning. */
	if (l->begun > 0 && cut <= l->begun) {
		t->stats.truncated_lines++;
		pass_line(tf, l);
		return true;
	}
	l->len = cut - l->begun;
	l->lost = all - cut;
	if (is_text(tf, l))
		return hand_over(tf, l);
	t->stats.no_text_lines++;
	pass_line(tf, l);
	return true;
}

/* Where a line begins that goes on beyond the limit, there is nothing more to take of it. */
static bool pass_beyond(struct tail_file *tf, const struct tail_line *l)
{
	if (begun_of(tf) < tf->src->t->line_max)
		return false;
	tf->src->t->stats.truncated_lines++;
	pass_line(tf, l);
	return true;
}

/* As it stands in the file, without its LF. */
static bool take_line(struct tail_file *tf, struct tail_line *l)
{
	if (l->len > 0 && l->raw[l->len - 1] == '\r')
		l->len--;
	if (tf->goes_on && tail_text_nuls(l->raw, l->len) == l->len) { /* the LF alone, of a line that was taken without it */
		tf->src->t->stats.nul_bytes += l->len;
		pass_line(tf, l);
		return true;
	}
	if (pass_beyond(tf, l))
		return true;
	l->begun = (size_t)begun_of(tf);
	return take_text(tf, l, l->begun + l->len);
}

/* The line's end lies far behind its head, which is read again here; `end` is behind its text, `to` behind its LF. */
static enum tail_read hand_over_long(struct tail_file *tf, uint64_t end, uint64_t to, bool is_unfinished)
{
	struct tail *t = tf->src->t;
	size_t want = (size_t)t->line_max + 4; /* a look beyond the cut shows whether a sequence goes on */
	struct tail_line l = { .to = to, .is_unfinished = is_unfinished, .has_nuls = true };
	uint64_t from = tf->offset - begun_of(tf);
	char last;

	if (pass_beyond(tf, &l))
		return TAIL_MORE;
	/* Whether a CR stands before the line feed is not in the head that is read here: one byte of the end tells. */
	if (t->w->file_read(t->w, tf->f, end - 1, &last, 1, NULL) != 1 ||
	    t->w->file_read(t->w, tf->f, from, t->chunk, want, NULL) != (ssize_t)want)
		return TAIL_FAILED;
	l.begun = (size_t)begun_of(tf);
	l.raw = t->chunk + l.begun;
	l.len = want - l.begun;
	return take_text(tf, &l, end - from - (last == '\r')) ? TAIL_MORE : TAIL_HOLD;
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
	pass_over(tf, n);
	return n;
}

/* All whole records of a chunk: `at` is where tf->offset is in it, `end` its end; is_final: the last one, too, which may go on. */
static enum tail_read lines_of(struct tail_file *tf, const char *at, const char *end, bool is_final)
{
	/* NULs are rare: asked once a chunk, for the part of a line too that was taken before. */
	bool has_nuls = tf->goes_on || memchr(at, '\0', (size_t)(end - at)) != NULL;

	tf->is_open = false;
	while (at < end) {
		const char *lf, *hole, *stop;
		size_t joined = 0;
		struct tail_line l;

		at += has_nuls ? pass_nuls(tf, at, (size_t)(end - at)) : 0;
		lf = memchr(at, '\n', (size_t)(end - at));
		if (lf != NULL && framing_joins(tf->src->framing)) {
			lf = tail_record_end(tf, at, lf, end, is_final, &joined);
			tf->is_open = lf == NULL;
		}
		hole = has_nuls ? tail_head_hole(at, (size_t)((lf != NULL ? lf : end) - at)) : NULL;
		if (lf == NULL && hole == NULL)
			break;
		/* A hole itself stays for pass_nuls, in the next round or with the next chunk, which counts it. */
		stop = hole != NULL ? hole : lf + 1;
		l = (struct tail_line){ .raw = at,
					.len = (size_t)((hole != NULL ? hole : lf) - at),
					.behind = stop,
					.has_nuls = has_nuls,
					.joined = joined };
		l.to = tf->offset + (uint64_t)(stop - at);
		if (!take_line(tf, &l))
			return TAIL_HOLD;
		at = stop;
	}
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
	uint64_t begun = begun_of(tf);

	return begun < tf->src->t->line_max && begun > tf->before_len ? (size_t)begun : tf->before_len;
}

/* Of a chunk of n bytes, `front` of them before offset: false: they are not what they were, and the file begins anew. */
static bool is_ours(struct tail_file *tf, size_t front, size_t n)
{
	const char *before = tf->src->t->chunk + front - tf->before_len;

	if (n >= front && tail_file_before(before, tf->before_len) == tf->before)
		return true;
	tail_file_begin_anew(tf, n < front ? "shorter" : "rewritten");
	return false;
}

static enum tail_read read_chunk(struct tail_file *tf, bool is_final)
{
	struct tail *t = tf->src->t;
	size_t front = in_front(tf), more = front < TAIL_BEFORE_BYTES ? front : TAIL_BEFORE_BYTES;
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

enum tail_read tail_file_read(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	/* A long line's head is read once more when its end is found, with so many bytes (hand_over_long). A shorter line
	 * comes whole in one chunk. */
	bool is_long = tf->scanned - tf->offset > (uint64_t)t->line_max + 4;
	enum tail_read r = tail_file_judge(tf, false);

	if (r == TAIL_MORE && tf->is_judged && tf->scanned >= tf->size) {
		tf->at_end = true;
		return TAIL_END;
	}
	if (r == TAIL_MORE && tf->is_judged)
		r = is_long ? scan_long(tf) : read_chunk(tf, false);
	t->stats.read_errors += r == TAIL_FAILED;
	return r;
}

enum tail_read tail_file_close(struct tail_file *tf)
{
	enum tail_read r = read_chunk(tf, true);

	tf->src->t->stats.read_errors += r == TAIL_FAILED;
	/* What was read here and does not end with a line feed stays where it is. */
	if (r == TAIL_MORE)
		tf->is_open = false;
	tf->at_end = tf->scanned >= tf->size;
	return r == TAIL_MORE && tf->at_end ? TAIL_END : r;
}

enum tail_read tail_file_flush(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	size_t front = in_front(tf);
	struct tail_line l = { .raw = t->chunk + front, .to = tf->size, .is_unfinished = true, .has_nuls = true };
	uint64_t len = tf->size - tf->offset;
	enum tail_read r;
	ssize_t n;

	if (len == 0)
		return TAIL_END;
	if (len > (uint64_t)t->line_max + 4) {
		r = hand_over_long(tf, tf->size, tf->size, true);
		return r == TAIL_MORE ? TAIL_END : r;
	}
	n = t->w->file_read(t->w, tf->f, tf->offset - front, t->chunk, front + (size_t)len, NULL);
	if (n < 0 || (uint64_t)n < front + len)
		return TAIL_FAILED;
	l.len = (size_t)len;
	return take_line(tf, &l) ? TAIL_END : TAIL_HOLD;
}
