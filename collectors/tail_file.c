/* tail_file.c - one followed inode: is it still the file that it was, and is our place in it still ours?
 *
 * Three things answer that: its size, a fingerprint of its first bytes, and one of the bytes in front of our place. The first
 * bytes tell a reused inode and a file that was replaced; a banner, a heading or a license may make them all alike, and then
 * the bytes before our place tell a file that was rewritten below it.
 * Fails: what cannot be read has no fingerprint, which every file fits, until it can be read again. */
#include "collectors/tail_impl.h"

#include <inttypes.h>
#include <string.h>

#include "agent/base/digest.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "collectors/tail_head.h"
#include "collectors/tail_text.h"

#define LOOK_AGAIN_MS 1000 /* after such a pause the fingerprints are compared again */

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

int tail_file_is_before(struct world *w, struct disk_file *f, uint64_t to, uint64_t before, uint32_t len)
{
	char bytes[TELEMETRY_BEFORE_BYTES];
	ssize_t n;

	if (len > sizeof(bytes) || len > to)
		return 0;
	n = len > 0 ? w->file_read(w, f, to - len, bytes, len, NULL) : 0;
	if (n < 0)
		return (int)n;
	return len == 0 || ((size_t)n == len && telemetry_before(bytes, len) == before);
}

int tail_file_is_at(struct tail *t, struct disk_file *f, const struct disk_stat *st, const struct telemetry_source *position)
{
	uint64_t fp;
	uint32_t len;

	/* One that ends before our place was cut or replaced meanwhile, whatever its first bytes are. */
	if (st->dev != position->dev || st->ino != position->ino || position->to > st->size || position->fp_len > TAIL_FP_BYTES)
		return 0;
	TRY(fingerprint(t->w, f, position->fp_len, &fp, &len));
	if (fp != position->fp || len != position->fp_len)
		return 0;
	return tail_file_is_before(t->w, f, position->to, position->before, position->before_len);
}

/* Until it can be read again the file has no fingerprint, which every file fits. */
static void take_fingerprint(struct tail_file *tf)
{
	if (fingerprint(tf->src->t->w, tf->f, TAIL_FP_BYTES, &tf->fp, &tf->fp_len) == 0)
		return;
	tf->fp_len = 0;
	memcpy(&tf->fp, digest_of("", 0).b, sizeof(tf->fp));
}

/* In the bytes in front of a place, which are all if is_whole: where the line begins in which it lies. That is behind an LF, a
 * hole, or the NULs at its front. */
static size_t line_begin(const char *s, size_t len, bool is_whole)
{
	const char *lf = memrchr(s, '\n', len), *hole;
	size_t at = lf != NULL ? (size_t)(lf - s) + 1 : 0;

	while ((hole = tail_head_hole(s + at, len - at)) != NULL)
		at = (size_t)(hole - s) + tail_text_nul_run(hole, len - (size_t)(hole - s));
	return at > 0 || is_whole ? at + tail_text_nul_run(s + at, len - at) : 0;
}

/* So many bytes in front of a place, into the chunk. */
static int read_before(const struct tail_file *tf, uint64_t to, size_t len)
{
	struct tail *t = tf->src->t;
	ssize_t n = len > 0 ? t->w->file_read(t->w, tf->f, to - len, t->chunk, len, NULL) : 0;

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -ERR_AGAIN;
}

/* A place inside a line: its beginning was handed over. Where that is further away than a line may be long, the rest of the
 * line is beyond the limit, and it is enough to know that. */
static int find_line(struct tail_file *tf, uint64_t offset)
{
	struct tail *t = tf->src->t;
	size_t len = offset <= t->line_max ? (size_t)offset : t->line_max + 1;

	TRY(read_before(tf, offset, len));
	tf->line_at = offset - len + line_begin(t->chunk, len, len == offset);
	tf->goes_on = tf->line_at < offset;
	return 0;
}

int tail_file_place(struct tail_file *tf, uint64_t offset)
{
	const char *chunk = tf->src->t->chunk;
	size_t len = offset < TELEMETRY_BEFORE_BYTES ? (size_t)offset : TELEMETRY_BEFORE_BYTES;

	TRY(read_before(tf, offset, len));
	tf->before_len = (uint32_t)len;
	tf->before = telemetry_before(chunk, len);
	tf->goes_on = false;
	/* Not behind a line feed: the place lies in a line whose beginning was handed over unfinished. */
	if (len > 0 && chunk[len - 1] != '\n')
		TRY(find_line(tf, offset));
	tf->offset = tf->scanned = offset;
	tf->passed = tf->no_text = 0;
	tf->run = (struct tail_run){ 0 };
	return 0;
}

/* For each line: all members are named, because the compiler empties a struct that lacks some in a slow way first. */
void tail_file_source_in(const struct tail_file *tf, uint64_t from, uint64_t to, struct telemetry_source *ret)
{
	*ret = (struct telemetry_source){ .dev = tf->dev,
					  .ino = tf->ino,
					  .generation = tf->generation,
					  .from = from,
					  .to = to,
					  .fp = tf->fp,
					  .fp_len = tf->fp_len,
					  .path = tf->path,
					  .before = tf->before,
					  .before_len = tf->before_len,
					  .before_at = NULL,
					  .cursor = NULL,
					  .size = tf->size };
}

struct telemetry_source tail_file_source(const struct tail_file *tf, uint64_t from, uint64_t to)
{
	struct telemetry_source s;

	tail_file_source_in(tf, from, to, &s);
	return s;
}

/* A restart of the agent does not start the file's silence anew: that counts from its last write, as far as the clock can be
 * believed. */
static uint64_t silent_ms(struct world *w, const struct disk_stat *st)
{
	int64_t ms = world_wall_ms(w) - st->mtime_ms;

	return ms < 0 ? 0 : ms < TAIL_SILENT_MS ? (uint64_t)ms : TAIL_SILENT_MS;
}

/* What its path says of it: once a file, and the same after a rename. */
static void take_pieces(struct tail_file *tf)
{
	struct tail_pattern *of = tf->src->of;
	struct path_piece pieces[PATH_PIECES_MAX];
	size_t n = path_pieces_read(of->pieces, tf->path, pieces);

	for (size_t i = 0; i < n; i++) {
		struct buf value = BUF_MAX(4096);

		tail_text_clean(&value, pieces[i].value, pieces[i].value_len);
		tf->attrs[tf->attrs_n++] = (struct telemetry_attr){ of->keys[i], buf_take(&value, NULL) };
	}
	if (n == 0 && !of->unlike_told)
		log_warn("tail.path.unlike", "path=%s path_attributes=%s next=\"read without them, and so are others like it\"",
			 tf->path, of->pieces);
	of->unlike_told |= n == 0;
}

struct tail_file *tail_file_new(struct tail_source *src, const char *path, struct disk_file *f, const struct disk_stat *st)
{
	struct tail_file *tf = mem_new(struct tail_file);
	const char *slash = strrchr(path, '/');
	struct buf name = BUF_MAX(1024);

	/* A file's name may be any bytes, an attribute of OTLP must be UTF-8. */
	tail_text_clean(&name, slash != NULL ? slash + 1 : path, strlen(slash != NULL ? slash + 1 : path));
	tf->src = src;
	src->files_n++;
	tf->f = f;
	tf->path = mem_str(path);
	tf->name = buf_take(&name, NULL);
	tf->dev = st->dev;
	tf->ino = st->ino;
	tf->size = st->size;
	tf->attrs[0] = (struct telemetry_attr){ "log.file.name", tf->name };
	tf->attrs[1] = (struct telemetry_attr){ "log.file.path", tf->path };
	tf->attrs_n = 2;
	if (src->of->pieces != NULL)
		take_pieces(tf);
	tf->origin = (struct telemetry_origin){
		world_random64(src->t->w), src->of->service, tf->path, tf->attrs, tf->attrs_n, src->of->path
	};
	take_fingerprint(tf);
	tf->checked_ms = world_now_ms(src->t->w);
	/* Below zero this wraps, and the differences that are made of it come out right all the same. */
	tf->grown_ms = tf->checked_ms - silent_ms(src->t->w, st);
	return tf;
}

void tail_file_rotate(struct tail_file *tf)
{
	if (tf->rotated)
		return;
	tf->rotated = true;
	tail_table_name(tf, NULL);
	tail_awake(tf);
	tf->at_end = false; /* it may have grown since the last look: what follows it waits for one more */
	tf->grown_ms = world_now_ms(tf->src->t->w);
}

void tail_file_free(struct tail_file *tf)
{
	struct world *w = tf->src->t->w;

	tf->src->t->index.stale = true;
	tf->src->files_n--;
	if (tf->newer != NULL)
		tail_awake(tf->newer); /* which may have waited for this one */
	tail_table_drop(tf);
	list_del(&tf->awake);
	list_del(&tf->link);
	mem_free(tf->here);
	w->file_close(w, tf->f);
	mem_free(tf->path);
	mem_free(tf->name);
	for (size_t i = 2; i < tf->attrs_n; i++)
		mem_free((char *)tf->attrs[i].value);
	mem_free(tf);
}

/* The count becomes durable with the place where it goes on, so that it is not counted again by the next start. */
void tail_file_lost(struct tail_file *tf, uint64_t from, uint64_t size)
{
	const struct telemetry_sink *sink = &tf->src->t->sink;
	const struct telemetry_source at = tail_file_source(tf, tf->offset, tf->offset);

	if (sink->lost != NULL)
		sink->lost(sink->ctx, tf->src->of->path, TELEMETRY_TRUNCATED, size > from ? size - from : 0, &at);
}

void tail_file_begin_anew(struct tail_file *tf, const char *why, uint64_t size)
{
	uint64_t from = tf->offset;

	tf->src->t->stats.truncated_files++;
	log_info("tail.truncated", "path=%s offset=%" PRIu64 " size_bytes=%" PRIu64 " why=%s", tf->path, tf->offset, tf->size, why);
	/* Part of a line's uid: a line at the same offset of the new content is another line. */
	tf->generation++;
	tail_file_place(tf, 0); /* reads nothing there, and so cannot fail */
	tf->head_at = tf->head_len = 0;
	tf->is_judged = false;
	tf->at_end = false;
	take_fingerprint(tf);
	tail_file_lost(tf, from, size);
}

/* What cannot be read now is compared the next time. */
static void compare(struct tail_file *tf, uint64_t size)
{
	struct world *w = tf->src->t->w;
	uint64_t fp;
	uint32_t len;

	if (fingerprint(w, tf->f, tf->fp_len, &fp, &len) == 0 && (fp != tf->fp || len != tf->fp_len))
		tail_file_begin_anew(tf, "replaced", size);
	else if (tail_file_is_before(w, tf->f, tf->offset, tf->before, tf->before_len) == 0)
		tail_file_begin_anew(tf, "rewritten", size);
}

int tail_file_look(struct tail_file *tf)
{
	struct world *w = tf->src->t->w;
	uint64_t now = world_now_ms(w), size = tf->size;
	struct disk_stat st;

	TRY(w->file_stat(w, tf->f, &st, NULL));
	if (st.size != tf->size) {
		tf->size = st.size;
		tf->grown_ms = now;
		tf->at_end = false;
	}
	/* A file may also be cut and grow beyond our place between two looks. Its size shows nothing then,
	 * only the fingerprints do. */
	if (tf->size < tf->offset || tf->size < tf->scanned || tf->size < tf->fp_len) {
		tail_file_begin_anew(tf, "shorter", size);
	} else if (now - tf->checked_ms >= LOOK_AGAIN_MS) {
		tf->checked_ms = now;
		compare(tf, size);
	}
	/* A young file has a short fingerprint. It is taken anew as the head grows, because a longer one
	 * tells more files apart. */
	if (tf->fp_len < TAIL_FP_BYTES && tf->size > tf->fp_len)
		take_fingerprint(tf);
	return 0;
}
