/* tail_wrapped.c - records out of lines that a container's runtime has wrapped, and cut into pieces (wrapped.h).
 *
 * The usual line is a record, and its text is handed over where it lies in the chunk. The pieces of a record stay in the file until
 * its last one is seen, as lines of a record do (tail_record.c): so what is told depends on the bytes alone.
 * Lines of the other stream may lie among them. The records that lie one in another so are a group, taken in the order of their
 * beginnings when all of them are whole. A position is one number, and must say how many of a group were taken: behind record n,
 * unless it is the last one, it is n bytes behind the group's beginning, inside its first line. So a restart repeats none of them.
 *
 * Where a group ends; the first row that fits:
 *
 *   all of its records are whole                             behind the line that made them so
 *   a line that is not written as the format says            before that
 *   a line that would begin one record more than may be      before that
 *   a chunk does not hold it, and there is a line of
 *   another stream than its first record's                   before that
 *   a chunk does not hold it                                 where its one record ends: a run
 *   nobody goes on with it                                   behind its last whole line
 *   else                                                     not told
 *
 * A record that has no last piece by then is marked reeve.log.unfinished, and what comes later begins another one. Of a run, what
 * is not in the first chunk is looked through for its end alone, and counts as cut.
 * Fails: what cannot be read, or is not taken, stays where it is. */
#include <string.h>

#include "collectors/tail_line.h"

struct group {
	const char *first, *end; /* its beginning, and that of what is not looked at */
	const char *stop;        /* where it ends */
	size_t records;
};

bool tail_wraps(const struct tail_file *tf)
{
	return tf->src->of->format == FRAMING_CRI || tf->src->of->format == FRAMING_DOCKER;
}

/* One with NULs in it is none: what wrote them is no runtime. */
static bool read_line(const struct tail_file *tf, const char *line, const char *lf, struct wrapped *w)
{
	size_t len = (size_t)(lf - line);

	return wrapped_read(tf->src->of->format, line, len, w) && memchr(line, '\0', len) == NULL;
}

static const char *find_lf(const char *at, const char *end)
{
	return memchr(at, '\n', (size_t)(end - at));
}

/* ---- where a group ends --------------------------------------------------------------------------------------------------- */

/* What has been seen of a group. */
struct group_seen {
	bool open[WRAPPED_STREAMS];
	size_t open_n;
	const char *other; /* the first line of another stream; NULL: there is none */
};

/* false: one record too many. */
static bool add_line(struct group_seen *s, struct group *g, const struct wrapped *w)
{
	if (!s->open[w->stream] && g->records == TAIL_GROUP_MAX)
		return false;
	g->records += !s->open[w->stream];
	s->open_n += (size_t)w->is_piece - (size_t)s->open[w->stream];
	s->open[w->stream] = w->is_piece;
	return true;
}

/* `line` is where it ends if a chunk does not hold it, or if nobody goes on with it. */
static enum tail_read end_unseen(struct tail_file *tf, struct group *g, const struct group_seen *s, const char *line,
				 enum wrapped_stream stream, bool is_final)
{
	bool is_full = (size_t)(g->end - g->first) >= tf->src->t->chunk_len;

	g->stop = is_full && s->other != NULL ? s->other : line;
	if (is_full && s->other != NULL)
		g->records = 1; /* until then it was the only one */
	else if (is_full)
		tf->run =
		    (struct tail_run){ .is_on = true, .stream = (uint8_t)stream, .at = tf->offset + (uint64_t)(line - g->first) };
	return (is_full && s->other == NULL) || (!is_full && !is_final) ? TAIL_END : TAIL_MORE;
}

/* TAIL_MORE: known, TAIL_END: not told, or a run begins. */
static enum tail_read measure(struct tail_file *tf, struct group *g, bool is_final)
{
	enum wrapped_stream first = WRAPPED_NONE;
	struct group_seen s = { .open_n = 0 };
	struct wrapped w;

	for (const char *line = g->first, *lf;; line = lf + 1) {
		lf = find_lf(line, g->end);
		if (lf == NULL)
			return end_unseen(tf, g, &s, line, first, is_final);
		g->stop = line;
		if (!read_line(tf, line, lf, &w) || !add_line(&s, g, &w))
			return TAIL_MORE;
		if (line == g->first)
			first = w.stream;
		else if (w.stream != first && s.other == NULL)
			s.other = line;
		if (s.open_n == 0) {
			g->stop = lf + 1;
			return TAIL_MORE;
		}
	}
}

/* ---- taking ---------------------------------------------------------------------------------------------------------------- */

/* One record of several that lie one in another. */
struct record {
	struct wrapped first;
	size_t pieces;
	bool is_whole;
};

/* Record number n of the group, into t->pieces. */
static struct record gather(const struct tail_file *tf, const struct group *g, size_t n)
{
	size_t owner[WRAPPED_STREAMS] = { 0 }, begun = 0; /* by number from 1 on; 0: no record is open */
	struct tail *t = tf->src->t;
	struct record r = { .pieces = 0 };
	struct wrapped w;

	buf_reset(&t->pieces);
	for (const char *line = g->first, *lf; line < g->stop && !r.is_whole; line = lf + 1) {
		lf = find_lf(line, g->stop);
		wrapped_read(tf->src->of->format, line, (size_t)(lf - line), &w);
		if (owner[w.stream] == 0)
			owner[w.stream] = ++begun;
		if (owner[w.stream] == n + 1) {
			if (r.pieces++ == 0)
				r.first = w;
			wrapped_text(&w, &t->pieces);
			r.is_whole = !w.is_piece;
		}
		if (!w.is_piece)
			owner[w.stream] = 0;
	}
	return r;
}

static bool take_record(struct tail_file *tf, const struct record *r, struct tail_line *l, uint64_t more)
{
	const struct buf *text = &tf->src->t->pieces;

	l->raw = buf_str(text);
	l->len = text->len;
	l->bytes = text->len > 0 && memchr(text->data, '\0', text->len) != NULL ? TAIL_BYTES_ANY : TAIL_BYTES_TEXT;
	l->wrapped = &r->first;
	l->joined = r->pieces - 1;
	l->is_unfinished = !r->is_whole;
	return tail_take_text(tf, l, l->len + more);
}

/* From record number `from` on, which is the next one. */
static bool take_group(struct tail_file *tf, const struct group *g, size_t from)
{
	uint64_t first = tf->offset - from;

	for (size_t n = from; n < g->records; n++) {
		struct record r = gather(tf, g, n);
		bool is_last = n + 1 == g->records;
		struct tail_line l = { .behind = is_last ? g->stop : g->first + n + 1, .is_within = !is_last };

		l.to = first + (uint64_t)(l.behind - g->first);
		if (!take_record(tf, &r, &l, 0))
			return false;
	}
	return true;
}

/* The usual line: a record by itself. */
static bool take_alone(struct tail_file *tf, const char *at, const char *lf, struct wrapped *w)
{
	struct record r = { *w, 1, true };
	struct tail_line l = { .raw = w->text, .len = w->len, .behind = lf + 1, .wrapped = w };

	l.to = tf->offset + (uint64_t)(l.behind - at);
	if (!w->has_escapes)
		return tail_take_text(tf, &l, l.len);
	buf_reset(&tf->src->t->pieces);
	wrapped_text(w, &tf->src->t->pieces);
	return take_record(tf, &r, &l, 0);
}

enum tail_read tail_wrapped_take(struct tail_file *tf, const char *at, const char *lf, const char *end, bool is_final,
				 const char **ret_stop)
{
	size_t begun = (size_t)tail_line_begun(tf), chunk_len = tf->src->t->chunk_len;
	struct group g = { .first = at - begun, .end = end };
	struct wrapped w;

	/* The rest of a line that was taken unfinished is no record; nor is a line that no chunk holds. */
	if (begun >= TAIL_GROUP_MAX || (size_t)(lf - g.first) >= chunk_len || !read_line(tf, g.first, lf, &w))
		return TAIL_REFUSED;
	*ret_stop = lf + 1;
	if (!w.is_piece && begun == 0)
		return take_alone(tf, at, lf, &w) ? TAIL_MORE : TAIL_HOLD;
	if ((size_t)(g.end - g.first) > chunk_len)
		g.end = g.first + chunk_len;
	tf->is_open = measure(tf, &g, is_final) == TAIL_END;
	if (tf->is_open)
		return TAIL_END;
	if (begun >= g.records) /* so many there are not: a short line that was taken unfinished */
		return TAIL_REFUSED;
	*ret_stop = g.stop;
	return take_group(tf, &g, begun) ? TAIL_MORE : TAIL_HOLD;
}

/* ---- runs ------------------------------------------------------------------------------------------------------------------ */

/* The lines of a chunk from run.at on. */
static void look_through(struct tail_file *tf, const char *at, const char *end)
{
	struct tail_run *run = &tf->run;
	struct wrapped w;
	const char *lf;

	for (; run->end == 0 && (lf = find_lf(at, end)) != NULL; at = lf + 1) {
		if (!read_line(tf, at, lf, &w) || w.stream != (enum wrapped_stream)run->stream) {
			run->end = run->at;
			return;
		}
		run->at += (uint64_t)(lf + 1 - at);
		run->more += wrapped_text(&w, NULL);
		run->pieces++;
		run->is_whole = !w.is_piece;
		if (run->is_whole)
			run->end = run->at;
	}
}

static enum tail_read look_for_end(struct tail_file *tf, bool is_final)
{
	struct tail *t = tf->src->t;
	uint64_t from = tf->run.at;
	ssize_t n = t->w->file_read(t->w, tf->f, from, t->chunk, t->chunk_len, NULL);

	if (n < 0)
		return TAIL_FAILED;
	look_through(tf, t->chunk, t->chunk + n);
	/* A line that a chunk does not hold is none of it. */
	if (tf->run.end == 0 && tf->run.at == from && (is_final || (size_t)n == t->chunk_len))
		tf->run.end = from;
	tf->scanned = from + (uint64_t)n;
	tf->at_end = tf->run.end == 0 && tf->scanned >= tf->size;
	tf->is_open = tf->run.end == 0;
	return tf->at_end ? TAIL_END : TAIL_MORE;
}

static enum tail_read take_run(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	ssize_t n = t->w->file_read(t->w, tf->f, tf->offset, t->chunk, t->chunk_len, NULL);
	struct group g = { .first = t->chunk, .records = 1 };
	struct tail_line l = { .to = tf->run.end };
	struct record r;

	if (n < 0)
		return TAIL_FAILED;
	g.stop = n > 0 ? memrchr(t->chunk, '\n', (size_t)n) : NULL;
	if ((size_t)n < t->chunk_len || g.stop == NULL) { /* shorter than it was: the next look sees why */
		tf->run = (struct tail_run){ 0 };
		return TAIL_MORE;
	}
	g.stop++;
	r = gather(tf, &g, 0);
	r.pieces += tf->run.pieces;
	r.is_whole = tf->run.is_whole;
	return take_record(tf, &r, &l, tf->run.more) ? TAIL_MORE : TAIL_HOLD;
}

enum tail_read tail_wrapped_run(struct tail_file *tf, bool is_final)
{
	enum tail_read r = TAIL_MORE;

	while (tf->run.end == 0 && r == TAIL_MORE) {
		r = look_for_end(tf, is_final);
		if (!is_final)
			break;
	}
	return r == TAIL_MORE && tf->run.end != 0 ? take_run(tf) : r;
}
