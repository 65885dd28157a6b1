/* tail_open.c - taking a file: is it one we follow, one we followed before, or a new one?
 *
 * Happy path: opened, still the inode that was seen, no archive; a position that names the inode and agrees with its first
 * bytes, its size and the bytes before it says where to go on, else it is read from 0.
 * Fails: an inode that changed meanwhile, or first bytes that cannot be read where a position must be checked: not now,
 * the next scan comes again. What is compressed or no text, lies behind a link, may not be opened or is one too many is refused
 * and counted; the poll tries again. */
#include "collectors/tail_impl.h"

#include <inttypes.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define PATH_MAX_BYTES 4096

static void was_replaced(struct tail_file *tf, const struct telemetry_source *left)
{
	tf->src->t->stats.truncated_files++;
	tail_file_lost(tf, left->to, left->size);
}

/* Where to begin. */
static int claim(struct tail *t, struct tail_file *tf, const struct disk_stat *st)
{
	struct position *pos = positions_find(t->positions, st->dev, st->ino);
	int rc;

	if (pos == NULL)
		return tail_pass_first(tf);
	tf->src->of->starts_at_end = false; /* by what its links led to it was seen before */
	rc = tail_file_is_at(t, tf->f, st, &pos->left);
	if (rc < 0)
		return rc;
	/* A reused inode, or content that was replaced: with a generation of its own no uid of its lines was used before. */
	tf->generation = pos->left.generation + (rc == 0);
	if (rc > 0)
		TRY(tail_file_place(tf, pos->left.to));
	else
		was_replaced(tf, &pos->left);
	/* Given up at the very end: after an error above, the position still waits for the next scan. */
	tail_position_claim(t, pos);
	return 0;
}

/* ---- taking a file --------------------------------------------------------------------------------------------------------- */

/* Is what is open the inode that was seen, and lies it where `path` says, with no link on the way? Whoever may write a log
 * folder may put a link to any file there, also between our look and our open: only what is open can be judged. */
static int judge(struct tail *t, struct disk_file *f, const char *path, const struct tail_candidate *seen, struct disk_stat *st)
{
	CLEANUP(buf_close) struct buf real = BUF_MAX(PATH_MAX_BYTES);

	TRY(t->w->file_stat(t->w, f, st, NULL));
	if (st->dev != seen->dev || st->ino != seen->ino)
		return -ERR_AGAIN;
	TRY(t->w->file_path(t->w, f, &real, NULL));
	return str_eq(buf_str(&real), path) ? 0 : -ERR_INVALID;
}

/* The name may have been given to another since it was seen: the next scan tells. */
static int open_as(struct tail *t, const char *path, const struct tail_candidate *seen, struct disk_file **ret,
		   struct disk_stat *st)
{
	struct disk_file *f;
	int rc;

	TRY(t->w->file_open(t->w, path, &f, NULL));
	rc = judge(t, f, path, seen, st);
	if (rc == 0)
		*ret = f;
	else
		t->w->file_close(t->w, f);
	return rc;
}

static void tell_found(struct tail_file *tf)
{
	const struct telemetry_sink *sink = &tf->src->t->sink;
	const struct telemetry_source s = tail_file_source(tf, tf->offset, tf->offset);

	if (sink->found != NULL)
		sink->found(sink->ctx, &s);
}

/* What failed may not fail the next time. */
static void again(struct tail_source *src)
{
	src->t->scan_again = true;
	src->t->stats.read_errors++;
	if (src->folder != NULL)
		src->folder->is_dirty = true;
}

/* NULL: refused, or not now. */
static struct disk_file *open_to_follow(struct tail_source *src, const char *path, const struct tail_candidate *seen,
					struct disk_stat *st)
{
	struct tail *t = src->t;
	struct disk_file *f = NULL;
	int rc = open_as(t, path, seen, &f, st);
	bool full = t->files_n >= t->files_max;
	enum tail_refusal why = TAIL_FULL;

	if (rc != 0) {
		if (tail_refuse_if_path(src, rc, path))
			return NULL;
		again(src);
	} else if (full || !tail_may_be_text(t, f, &why)) {
		tail_refuse(src, why, path);
		/* One too many is so for the moment; a file that is no text stays that until it is written again. */
		if (!full)
			tail_archive_add(t, seen, why);
		t->w->file_close(t->w, f);
		return NULL;
	}
	return f;
}

struct tail_file *tail_open(struct tail_source *src, const char *path, const char *as, const struct tail_candidate *seen)
{
	struct tail *t = src->t;
	struct disk_stat st;
	struct disk_file *f = open_to_follow(src, path, seen, &st);
	struct tail_file *tf;

	if (f == NULL)
		return NULL;
	tf = tail_file_new(src, as, f, &st);
	tf->here = mem_str(seen->name);
	if (claim(t, tf, &st) != 0) {
		tail_file_free(tf);
		again(src);
		return NULL;
	}
	return tf;
}

void tail_keep(struct tail_file *tf)
{
	struct tail *t = tf->src->t;

	list_add(&t->files, &tf->link);
	t->files_n++;
	tail_table_add(tf);
	tail_awake(tf);
	t->index.stale = true;
	tell_found(tf);
	log_info("tail.file", "path=%s ino=%" PRIu64 " offset=%" PRIu64 " size_bytes=%" PRIu64, tf->path, tf->ino, tf->offset,
		 tf->size);
}
