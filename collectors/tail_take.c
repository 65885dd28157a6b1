/* tail_take.c - see tail_line.h.
 *
 * The usual line, whole and ASCII, is handed over where it lies in the chunk.
 * The rest of a line that was taken unfinished is read with the line's beginning in front of it, and both are handed over as
 * one body that says how much of it went before: the rules must see the whole. The limit holds for the whole too.
 * A line of which a quarter is no text is passed over. */
#include "collectors/tail_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/str.h"
#include "collectors/record_head.h"
#include "collectors/tail_head.h"
#include "collectors/tail_text.h"

#define BOM "\xef\xbb\xbf"

void tail_take_none(struct tail_file *tf, uint64_t n)
{
	tf->offset += n;
	tf->passed += n;
	if (tf->scanned < tf->offset)
		tf->scanned = tf->offset;
	tf->before_at = NULL;
	tf->before_len = 0; /* until the next line; the range of that one begins where the last one ended */
}

/* Of the line at offset, what was taken before. */
uint64_t tail_line_begun(const struct tail_file *tf)
{
	return tf->goes_on ? tf->offset - tf->line_at : 0;
}

/* With the next move of offset the line ends, or goes on. */
static void note_end(struct tail_file *tf, const struct tail_line *l)
{
	if (!tf->goes_on)
		tf->line_at = tf->offset;
	tf->goes_on = l->is_within;
	tf->run = (struct tail_run){ 0 };
}

static void pass_line(struct tail_file *tf, const struct tail_line *l)
{
	note_end(tf, l);
	tail_take_none(tf, l->to - tf->offset);
}

/* The bytes in front of `to`, as a position keeps them. */
static void note_before(const struct tail_file *tf, const struct tail_line *l, struct telemetry_source *s)
{
	const struct tail *t = tf->src->t;
	char bytes[TELEMETRY_BEFORE_BYTES];
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
	if (l->is_of_chunk)
		s->before_at = at;
	else
		s->before = telemetry_before(at, len);
}

static void was_taken(struct tail_file *tf, const struct tail_line *l, const struct telemetry_source *s)
{
	struct tail *t = tf->src->t;

	t->stats.lines++;
	t->stats.joined_lines += l->joined;
	t->stats.foreign_lines += l->is_foreign;
	t->stats.bytes += s->to - s->from;
	t->stats.truncated_lines += l->lost > 0;
	t->stats.unfinished_lines += l->is_unfinished;
	t->stats.nul_bytes += l->bytes == TAIL_BYTES_ANY ? tail_text_nuls(l->raw, l->len) : 0;
	note_end(tf, l);
	tf->offset = tf->scanned = s->to;
	tf->passed = tf->no_text = 0;
	tf->before = s->before;
	tf->before_at = s->before_at;
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
	l->is_ascii = in->begun == 0 && (in->bytes == TAIL_BYTES_PLAIN || str_plain_len(in->raw, in->len) == in->len);
	if (l->is_ascii)
		return;
	l->begun = clean(t, in);
	l->body = buf_str(&t->text);
	l->len = t->text.len;
}

static void take_head(const struct tail_file *tf, struct telemetry_line *l)
{
	struct record_head st =
	    record_head_read(tf->src->of->format, l->body, l->len, tf->src->of->utc_offset_s, world_wall_ms(tf->src->t->w));

	l->time_ms = st.time_ms;
	l->severity = st.severity;
	l->severity_text = st.word;
}

static bool has_head(enum framing_format format)
{
	return format == FRAMING_LOG4J || format == FRAMING_GLOG;
}

static void take_wrapping(const struct wrapped *w, struct telemetry_line *l, struct telemetry_attr *attrs)
{
	const char *stream = wrapped_stream_name(w->stream);

	l->time_ms = w->time_ms;
	l->time_ns = w->time_ns;
	if (stream != NULL)
		attrs[l->attrs_n++] = (struct telemetry_attr){ "log.iostream", stream };
}

/* Hands it over; false: the sink is full. */
static bool hand_over(struct tail_file *tf, struct tail_line *in)
{
	struct tail *t = tf->src->t;
	struct telemetry_attr attrs[4];
	/* All members are named for the reason that tail_file_source_in has. */
	struct telemetry_line l = { .body = in->raw,
				    .len = in->len,
				    .begun = 0,
				    .is_ascii = false,
				    .time_ms = 0,
				    .time_ns = 0,
				    .severity = 0,
				    .severity_text = NULL,
				    .origin = &tf->origin,
				    .attrs = attrs,
				    .attrs_n = 0,
				    .no_text = tf->no_text,
				    .source = &t->place };
	char cut[24];

	if (in->wrapped == NULL)
		skip_bom(tf, in);
	take_body(t, in, &l);
	if (has_head(tf->src->of->format) && !tf->goes_on)
		take_head(tf, &l);
	tail_file_source_in(tf, tf->offset - tf->passed, in->to, &t->place);
	note_before(tf, in, &t->place);
	if (in->lost > 0) {
		snprintf(cut, sizeof(cut), "%" PRIu64, in->lost);
		attrs[l.attrs_n++] = (struct telemetry_attr){ "reeve.log.truncated_bytes", cut };
	}
	if (in->wrapped != NULL)
		take_wrapping(in->wrapped, &l, attrs);
	if (in->is_unfinished)
		attrs[l.attrs_n++] = (struct telemetry_attr){ "reeve.log.unfinished", "true" };
	if (tf->goes_on && in->wrapped == NULL)
		attrs[l.attrs_n++] = (struct telemetry_attr){ "reeve.log.continuation", "true" };
	if (ending_is_on(&t->end) || !t->sink.line(t->sink.ctx, &l))
		return false;
	was_taken(tf, in, &t->place);
	return true;
}

/* Only a line with NULs can be no text: without NULs the bytes are what a reader of UTF-8 sees. */
static bool is_text(const struct tail_file *tf, const struct tail_line *l)
{
	const char *whole = l->raw - l->begun;
	size_t len = l->begun + l->len;

	return (tf->passed == 0 && (l->bytes != TAIL_BYTES_ANY || memchr(whole, '\0', len) == NULL)) ||
	       tail_head_is_text(whole, len, false);
}

/* Cut at the limit; `all`: bytes of the whole line without its end, of which raw may hold less. false: the sink is full. */
bool tail_take_text(struct tail_file *tf, struct tail_line *l, uint64_t all)
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
	tf->no_text++;
	pass_line(tf, l);
	return true;
}

/* Where a line begins that goes on beyond the limit, there is nothing more to take of it. */
bool tail_take_beyond(struct tail_file *tf, const struct tail_line *l)
{
	if (tail_line_begun(tf) < tf->src->t->line_max)
		return false;
	tf->src->t->stats.truncated_lines++;
	pass_line(tf, l);
	return true;
}

/* As it stands in the file, without its LF. */
bool tail_take_line(struct tail_file *tf, struct tail_line *l)
{
	if (l->len > 0 && l->raw[l->len - 1] == '\r')
		l->len--;
	if (tf->goes_on && tail_text_nuls(l->raw, l->len) == l->len) { /* the LF alone, of a line that was taken without it */
		tf->src->t->stats.nul_bytes += l->len;
		pass_line(tf, l);
		return true;
	}
	if (tail_take_beyond(tf, l))
		return true;
	l->begun = (size_t)tail_line_begun(tf);
	return tail_take_text(tf, l, l->begun + l->len);
}
