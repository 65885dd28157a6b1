/* tail_scan.c - which files there are: the patterns are listed, inodes that are new are opened, those no longer found are
 * rotated away.
 *
 * A name leads to an inode, and only the inode counts: a known one under another name stays where it is, also when the
 * pattern matches both names. New ones are taken oldest first. What was restored is claimed by the inode it names, if its
 * first bytes and its size agree; else the inode was given to another file, which is read from 0.
 * Fails: a folder that cannot be listed leaves its files as they are; what is no regular file, compressed, or beyond the
 * number that we follow is refused and counted. */
#include "collectors/tail_impl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define FILES_MAX 1024
#define PATH_MAX_BYTES 4096

struct candidate {
	char *path; /* resolved */
	struct disk_stat st;
};

struct listing {
	struct tail_source *src;
	struct candidate *v;
	size_t n;
};

static struct tail_file *file_of(struct tail *t, const struct disk_stat *st)
{
	list_each(n, &t->files) {
		struct tail_file *tf = list_entry(n, struct tail_file, link);

		if (tf->dev == st->dev && tf->ino == st->ino)
			return tf;
	}
	return NULL;
}

/* ---- what was restored --------------------------------------------------------------------------------------------------- */

#define LET_GO_MAX 4096

static void forget_restored(struct tail *t, size_t i)
{
	mem_free((char *)t->restored[i].s.path);
	memmove(&t->restored[i], &t->restored[i + 1], (t->restored_n - i - 1) * sizeof(*t->restored));
	t->restored_n--;
}

void tail_remember(struct tail *t, const struct telemetry_source *s, bool let_go)
{
	if (let_go && t->restored_n >= LET_GO_MAX)
		forget_restored(t, 0);
	t->restored = mem_grow(t->restored, t->restored_n + 1, sizeof(*t->restored));
	t->restored[t->restored_n] = (struct tail_position){ .s = *s, .let_go = let_go };
	t->restored[t->restored_n++].s.path = mem_str(s->path);
}

static void claim(struct tail *t, struct tail_file *tf, const struct disk_stat *st)
{
	for (size_t i = 0; i < t->restored_n; i++) {
		const struct telemetry_source *r = &t->restored[i].s;

		if (r->dev != st->dev || r->ino != st->ino)
			continue;
		if (tail_file_is_at(t, tf->f, st, r)) {
			tf->generation = r->generation;
			tf->offset = tf->scanned = r->to;
		} else {
			tf->generation = r->generation + 1;
			t->stats.truncated_files++;
		}
		forget_restored(t, i);
		return;
	}
	if (t->start_at_end)
		tf->offset = tf->scanned = st->size;
}

/* ---- taking a file --------------------------------------------------------------------------------------------------------- */

static bool is_compressed(struct tail *t, struct disk_file *f)
{
	static const struct {
		const char *magic;
		size_t len;
	} kinds[] = { { "\x1f\x8b", 2 }, { "\x28\xb5\x2f\xfd", 4 }, { "\xfd\x37\x7a\x58\x5a", 5 } }; /* gzip, zstd, xz */
	char head[8];
	ssize_t n = t->w->file_read(t->w, f, 0, head, sizeof(head), NULL);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (n >= (ssize_t)kinds[i].len && memcmp(head, kinds[i].magic, kinds[i].len) == 0)
			return true;
	return false;
}

/* Opened and still the inode that was seen; the name may have been given to another in between: the next scan tells. */
static int open_as(struct tail *t, const char *path, const struct disk_stat *seen, struct disk_file **ret, struct disk_stat *st)
{
	struct disk_file *f;

	TRY(t->w->file_open(t->w, path, &f, NULL));
	if (t->w->file_stat(t->w, f, st, NULL) != 0 || st->dev != seen->dev || st->ino != seen->ino) {
		t->w->file_close(t->w, f);
		return -ERR_AGAIN;
	}
	*ret = f;
	return 0;
}

static struct tail_file *take(struct tail_source *src, const char *path, const char *as, const struct disk_stat *seen)
{
	struct tail *t = src->t;
	struct disk_file *f;
	struct disk_stat st;
	struct tail_file *tf;

	if (open_as(t, path, seen, &f, &st) != 0) {
		t->scan_wanted = true;
		t->stats.read_errors++;
		return NULL;
	}
	if (is_compressed(t, f) || t->files_n >= FILES_MAX) {
		t->stats.refused++;
		t->w->file_close(t->w, f);
		return NULL;
	}
	tf = tail_file_new(src, as, f, &st);
	claim(t, tf, &st);
	list_add(&t->files, &tf->link);
	t->files_n++;
	log_info("tail.file", "path=\"%s\" ino=%" PRIu64 " offset=%" PRIu64 " size=%" PRIu64, tf->path, tf->ino, tf->offset,
		 tf->size);
	return tf;
}

/* ---- the scan ---------------------------------------------------------------------------------------------------------------- */

static int on_name(void *ctx, const char *name)
{
	struct listing *l = ctx;
	struct tail *t = l->src->t;
	CLEANUP(buf_close) struct buf real = BUF_MAX(PATH_MAX_BYTES);
	CLEANUP(mem_close) char *path = NULL;
	struct disk_stat st;
	struct tail_file *known;
	int rc;

	if (!str_glob(l->src->glob, name))
		return 0;
	path = mem_printf("%s/%s", l->src->dir, name);
	rc = t->w->disk_stat(t->w, path, &st, NULL);
	if (rc != 0 && rc != -ERR_NOTFOUND)
		t->list_failed = true; /* nothing is known of it; a name that leads nowhere is known to be nothing */
	if (rc != 0 || !st.is_file)
		return 0;
	known = file_of(t, &st);
	if (known != NULL) {
		known->found = true;
		known->rotated = false;
		return 0;
	}
	if (t->w->disk_realpath(t->w, path, &real, NULL) != 0) {
		t->scan_wanted = true;
		return 0;
	}
	l->v = mem_grow(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = (struct candidate){ buf_take(&real, NULL), st };
	return 0;
}

static int older_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->st.mtime_ms != y->st.mtime_ms)
		return x->st.mtime_ms < y->st.mtime_ms ? -1 : 1;
	return strcmp(x->path, y->path);
}

static void mark_rotated(struct tail_source *src)
{
	list_each(n, &src->t->files) {
		struct tail_file *tf = list_entry(n, struct tail_file, link);

		if (tf->src != src || tf->found || tf->rotated)
			continue;
		tf->rotated = true;
		tf->at_end = false; /* it may have grown since the last look: what follows it waits for one more */
		tf->grown_ms = world_now_ms(src->t->w);
	}
}

static void scan_source(struct tail_source *src)
{
	struct tail *t = src->t;
	struct listing l = { .src = src };

	list_each(n, &t->files)
		if (list_entry(n, struct tail_file, link)->src == src)
			list_entry(n, struct tail_file, link)->found = false;
	t->list_failed = false;
	if (t->w->disk_list(t->w, src->dir, on_name, &l, NULL) != 0)
		t->list_failed = true;
	if (!t->list_failed)
		mark_rotated(src);
	if (l.n > 0)
		qsort(l.v, l.n, sizeof(*l.v), older_first);
	for (size_t i = 0; i < l.n; i++) {
		if (file_of(t, &l.v[i].st) == NULL) /* two links to one inode */
			take(src, l.v[i].path, l.v[i].path, &l.v[i].st);
		mem_free(l.v[i].path);
	}
	mem_free(l.v);
}

void tail_scan(struct tail *t)
{
	t->scan_wanted = false;
	t->scanned_ms = world_now_ms(t->w);
	for (size_t i = 0; i < t->sources_n; i++)
		scan_source(&t->sources[i]);
	t->start_at_end = false;
}

/* ---- renamed while we were away ------------------------------------------------------------------------------------------------ */

struct seek {
	struct tail *t;
	const char *dir;
	const struct telemetry_source *of;
	char *path; /* found */
	struct disk_stat st;
};

static int on_seek(void *ctx, const char *name)
{
	struct seek *k = ctx;
	char *path = mem_printf("%s/%s", k->dir, name);

	if (k->t->w->disk_stat(k->t->w, path, &k->st, NULL) == 0 && k->st.dev == k->of->dev && k->st.ino == k->of->ino)
		k->path = path;
	else
		mem_free(path);
	return k->path != NULL;
}

/* The entry of the configuration under which a resolved path was found. */
static struct tail_source *source_of(struct tail *t, const char *dir, const char *name)
{
	for (size_t i = 0; i < t->sources_n; i++) {
		CLEANUP(buf_close) struct buf real = BUF_MAX(PATH_MAX_BYTES);
		struct tail_source *src = &t->sources[i];

		if (str_glob(src->glob, name) && t->w->disk_realpath(t->w, src->dir, &real, NULL) == 0 &&
		    str_eq(buf_str(&real), dir))
			return src;
	}
	return NULL;
}

static void find_orphan(struct tail *t, const struct telemetry_source *r)
{
	const char *slash = strrchr(r->path, '/');
	CLEANUP(mem_close) char *dir = slash != NULL ? mem_strn(r->path, (size_t)(slash - r->path)) : NULL;
	struct tail_source *src = dir != NULL ? source_of(t, dir, slash + 1) : NULL;
	struct seek k = { .t = t, .dir = dir, .of = r };
	struct tail_file *tf;

	if (src == NULL)
		return;
	err_ignore(t->w->disk_list(t->w, dir, on_seek, &k, NULL), "the position stays for a later scan");
	if (k.path == NULL || str_eq(k.path, r->path)) {
		mem_free(k.path);
		return;
	}
	tf = take(src, k.path, r->path, &k.st); /* claims, and so forgets, r */
	mem_free(k.path);
	if (tf != NULL)
		tf->rotated = true;
}

void tail_find_orphans(struct tail *t)
{
	for (size_t i = 0; i < t->restored_n;) {
		size_t before = t->restored_n;

		if (!t->restored[i].let_go)
			find_orphan(t, &t->restored[i].s);
		if (t->restored_n == before)
			i++;
	}
}
