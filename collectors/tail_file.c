/* tail_file.c - one followed inode: its fingerprint, its lines.
 *
 * Happy path: look, then read: a chunk from `offset`, each line in it handed over, `offset` behind its LF. The unfinished
 * end stays in the file and is read again when it has grown, so framing depends on the bytes alone, never on how they came.
 * A line beyond the limit is scanned for its end without being kept; then its head is read once more and handed over.
 * Fails: a read error is counted and tried again; a sink that answers false leaves `offset` where it is. */
#include "collectors/tail_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/digest.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "collectors/tail_text.h"

#define LOOK_AGAIN_MS 1000 /* after such a pause the first bytes are compared again */
#define BOM "\xef\xbb\xbf"

/* ---- identity ---------------------------------------------------------------------------------------------------------- */

/* Of the first min(size, len) bytes; *ret_len says how many there were. */
static int fingerprint(struct world *w, struct disk_file *f, uint32_t len, uint64_t *ret_fp, uint32_t *ret_len)
{
	char head[TAIL_FP_BYTES];
	struct digest d;
	ssize_t n = w->file_read(w, f, 0, head, len < sizeof(head) ? len : sizeof(head), NULL);

	if (n < 0)
		return (int)n;
	d = digest_of(head, (size_t)n);
	memcpy(ret_fp, d.b, sizeof(*ret_fp));
	*ret_len = (uint32_t)n;
	return 0;
}

int tail_file_is_at(struct tail *t, struct disk_file *f, const struct disk_stat *st, const struct telemetry_source *position)
{
	uint64_t fp;
	uint32_t len;

	if (st->dev != position->dev || st->ino != position->ino || position->to > st->size || position->fp_len > TAIL_FP_BYTES)
		return 0;
	TRY(fingerprint(t->w, f, position->fp_len, &fp, &len));
	return fp == position->fp && len == position->fp_len;
}

/* Until it can be read again the file has no fingerprint, which every file fits. */
static void take_fingerprint(struct tail_file *tf)
{
	if (fingerprint(tf->src->t->w, tf->f, TAIL_FP_BYTES, &tf->fp, &tf->fp_len) == 0)
		return;
	tf->fp_len = 0;
	memcpy(&tf->fp, digest_of("", 0).b, sizeof(tf->fp));
}

struct tail_file *tail_file_new(struct tail_source *src, const char *path, struct disk_file *f, const struct disk_stat *st)
{
	struct tail_file *tf = mem_new(struct tail_file);
	const char *slash = strrchr(path, '/');
	struct buf name = BUF_MAX(1024);

	tail_text_clean(&name, slash != NULL ? slash + 1 : path, strlen(slash != NULL ? slash + 1 : path));
	tf->src = src;
	tf->f = f;
	tf->path = mem_str(path);
	tf->name = buf_take(&name, NULL);
	tf->dev = st->dev;
	tf->ino = st->ino;
	tf->size = st->size;
	take_fingerprint(tf);
	tf->grown_ms = tf->checked_ms = world_now_ms(src->t->w);
	return tf;
}

void tail_file_free(struct tail_file *tf)
{
	struct world *w = tf->src->t->w;

	tf->src->t->index.stale = true;
	list_del(&tf->link);
	w->file_close(w, tf->f);
	mem_free(tf->path);
	mem_free(tf->name);
	mem_free(tf);
}

static void begin_anew(struct tail_file *tf, const char *why)
{
	tf->src->t->stats.truncated_files++;
	log_info("tail.truncated", "path=\"%s\" offset=%" PRIu64 " size=%" PRIu64 " why=%s", tf->path, tf->offset, tf->size, why);
	tf->generation++;
	tf->offset = tf->scanned = 0;
	tf->at_end = false;
	take_fingerprint(tf);
}

int tail_file_look(struct tail_file *tf)
{
	struct world *w = tf->src->t->w;
	uint64_t now = world_now_ms(w);
	struct disk_stat st;
	uint64_t fp;
	uint32_t len;

	TRY(w->file_stat(w, tf->f, &st, NULL));
	if (st.size != tf->size) {
		tf->size = st.size;
		tf->grown_ms = now;
		tf->at_end = false;
	}
	if (tf->size < tf->offset || tf->size < tf->scanned || tf->size < tf->fp_len) {
		begin_anew(tf, "shorter");
	} else if (now - tf->checked_ms >= LOOK_AGAIN_MS) {
		tf->checked_ms = now;
		if (fingerprint(w, tf->f, tf->fp_len, &fp, &len) == 0 && (fp != tf->fp || len != tf->fp_len))
			begin_anew(tf, "replaced");
	}
	if (tf->fp_len < TAIL_FP_BYTES && tf->size > tf->fp_len)
		take_fingerprint(tf);
	return 0;
}

/* ---- lines --------------------------------------------------------------------------------------------------------------- */

/* Hands over one line: `raw` of `len` bytes, which the file holds from `offset` to `to`; `lost` bytes of it were cut. */
static bool hand_over(struct tail_file *tf, const char *raw, size_t len, uint64_t to, uint64_t lost)
{
	struct tail *t = tf->src->t;
	char uid[72], cut[24];
	struct telemetry_attr attrs[4] = { { "log.file.name", tf->name },
					   { "log.file.path", tf->path },
					   { "log.record.uid", uid } };
	struct telemetry_line l = { .observed_ms = world_wall_ms(t->w), .service = tf->src->service, .attrs = attrs, .attrs_n = 3 };

	if (tf->offset == 0 && len >= 3 && memcmp(raw, BOM, 3) == 0) {
		raw += 3;
		len -= 3;
	}
	buf_reset(&t->text);
	tail_text_clean(&t->text, raw, len);
	l.body = buf_str(&t->text);
	l.len = t->text.len;
	l.source = (struct telemetry_source){ tf->dev, tf->ino, tf->generation, tf->offset, to, tf->fp, tf->fp_len, tf->path };
	snprintf(uid, sizeof(uid), "%" PRIx64 "-%" PRIx64 "-%" PRIx64 "-%" PRIx64, tf->dev, tf->ino, tf->generation, tf->offset);
	snprintf(cut, sizeof(cut), "%" PRIu64, lost);
	if (lost > 0)
		attrs[l.attrs_n++] = (struct telemetry_attr){ "reeve.log.truncated_bytes", cut };
	if (!t->sink.line(t->sink.ctx, &l))
		return false;
	t->stats.lines++;
	t->stats.bytes += to - tf->offset;
	t->stats.truncated_lines += lost > 0;
	tf->offset = tf->scanned = to;
	return true;
}

static bool hand_over_whole(struct tail_file *tf, const char *raw, size_t len, uint64_t to)
{
	size_t most;

	if (len > 0 && raw[len - 1] == '\r')
		len--;
	most = tail_text_cut(raw, len, tf->src->t->line_max);
	return hand_over(tf, raw, most, to, len - most);
}

/* The line's end lies far behind its head, which is read again here; `end` is behind its text, `to` behind its LF. */
static enum tail_read hand_over_long(struct tail_file *tf, uint64_t end, uint64_t to)
{
	struct tail *t = tf->src->t;
	size_t want = (size_t)t->line_max + 4; /* a look beyond the cut shows whether a sequence goes on */
	size_t most;
	char last;

	if (t->w->file_read(t->w, tf->f, end - 1, &last, 1, NULL) != 1 ||
	    t->w->file_read(t->w, tf->f, tf->offset, t->chunk, want, NULL) != (ssize_t)want)
		return TAIL_FAILED;
	end -= last == '\r';
	most = tail_text_cut(t->chunk, want, t->line_max);
	return hand_over(tf, t->chunk, most, to, end - tf->offset - most) ? TAIL_MORE : TAIL_HOLD;
}

/* All whole lines of a chunk that begins at tf->offset. */
static enum tail_read lines_of(struct tail_file *tf, size_t n)
{
	const char *at = tf->src->t->chunk, *end = at + n, *lf;

	while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (!hand_over_whole(tf, at, (size_t)(lf - at), tf->offset + (uint64_t)(lf - at) + 1))
			return TAIL_HOLD;
		at = lf + 1;
	}
	tf->scanned = tf->offset + (uint64_t)(end - at);
	return TAIL_MORE;
}

/* Past the limit, in search of the LF. */
static enum tail_read scan_long(struct tail_file *tf, size_t n)
{
	struct tail *t = tf->src->t;
	const char *lf = memchr(t->chunk, '\n', n);
	uint64_t to = tf->scanned;

	if (lf == NULL) {
		tf->scanned += n;
		return TAIL_MORE;
	}
	to += (uint64_t)(lf - t->chunk);
	return hand_over_long(tf, to, to + 1);
}

enum tail_read tail_file_read(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	bool is_long = tf->scanned - tf->offset > (uint64_t)t->line_max + 4;
	uint64_t from = is_long ? tf->scanned : tf->offset;
	ssize_t n;

	if (tf->scanned >= tf->size) {
		tf->at_end = true;
		return TAIL_END;
	}
	n = t->w->file_read(t->w, tf->f, from, t->chunk, t->chunk_len, NULL);
	if (n < 0) {
		t->stats.read_errors++;
		return TAIL_FAILED;
	}
	tf->at_end = n == 0 || from + (uint64_t)n <= tf->scanned; /* shorter than fstat said: the next look sees why */
	if (tf->at_end)
		return TAIL_END;
	return is_long ? scan_long(tf, (size_t)n) : lines_of(tf, (size_t)n);
}

enum tail_read tail_file_flush(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	uint64_t len = tf->size - tf->offset;
	ssize_t n;

	if (len == 0)
		return TAIL_END;
	if (len > (uint64_t)t->line_max + 4)
		return hand_over_long(tf, tf->size, tf->size);
	n = t->w->file_read(t->w, tf->f, tf->offset, t->chunk, (size_t)len, NULL);
	if (n < 0 || (uint64_t)n < len)
		return TAIL_FAILED;
	return hand_over_whole(tf, t->chunk, (size_t)n, tf->size) ? TAIL_END : TAIL_HOLD;
}
