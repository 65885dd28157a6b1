/* tail_seek.c - files that left the pattern before they were read: renamed while we were away, or between two looks.
 *
 * An orphan is an inode that a restored position names and that has another name in the same folder now. A successor is one
 * that nobody knows, stands beside a rotated file under its name and a dot or dash and a digit, and was written later than
 * it: it was born under the path and renamed in its turn before we saw it. A copy of a file that we know is neither.
 * Fails: what cannot be listed or read is looked for again with the next scan. */
#include "collectors/tail_impl.h"

#include <ctype.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

#define PATH_MAX_BYTES 4096

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
	tf = tail_take(src, k.path, r->path, &k.st); /* claims, and so forgets, r */
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

/* ---- born and renamed unseen --------------------------------------------------------------------------------------------------- */

struct successors {
	struct tail_file *after;
	const char *dir, *prefix;
	int64_t since_ms; /* when `after` was last written */
	struct tail_candidates found;
};

static int on_beside(void *ctx, const char *name)
{
	struct successors *s = ctx;
	struct tail *t = s->after->src->t;
	const char *suffix = name + strlen(s->prefix);
	struct disk_stat st;
	char *path;

	if (!str_starts(name, s->prefix) || strchr(".-", *suffix) == NULL || !isdigit((unsigned char)suffix[*suffix != '\0']))
		return 0;
	path = mem_printf("%s/%s", s->dir, name);
	if (t->w->disk_stat(t->w, path, &st, NULL) == 0 && st.is_file && st.mtime_ms >= s->since_ms && !tail_is_known(t, &st))
		tail_candidate_add(&s->found, path, &st);
	else
		mem_free(path);
	return 0;
}

static bool is_copy(const struct tail_file *tf)
{
	const struct tail *t = tf->src->t;

	for (size_t i = 0; i < t->restored_n; i++)
		if (t->restored[i].s.fp == tf->fp && t->restored[i].s.fp_len == tf->fp_len)
			return true;
	for (const struct list *n = t->files.next; n != &t->files; n = n->next) {
		const struct tail_file *other = list_entry((struct list *)n, struct tail_file, link);

		if (other != tf && other->fp == tf->fp && other->fp_len == tf->fp_len)
			return true;
	}
	return false;
}

static void take_successor(struct tail_file *after, const struct tail_candidate *c)
{
	struct tail *t = after->src->t;
	struct tail_file *tf = tail_take(after->src, c->path, after->path, &c->st);

	if (tf == NULL)
		return;
	tf->rotated = true;
	if (tf->fp_len == 0 || !is_copy(tf))
		return;
	tail_file_free(tf);
	t->files_n--;
}

void tail_find_successors(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	const char *slash = strrchr(tf->path, '/');
	CLEANUP(mem_close) char *dir = slash != NULL ? mem_strn(tf->path, (size_t)(slash - tf->path)) : NULL;
	struct successors s = { .after = tf, .dir = dir, .prefix = slash != NULL ? slash + 1 : NULL };
	struct disk_stat st;

	if (dir == NULL || t->w->file_stat(t->w, tf->f, &st, NULL) != 0)
		return;
	s.since_ms = st.mtime_ms;
	if (t->w->disk_list(t->w, dir, on_beside, &s, NULL) != 0)
		t->scan_wanted = true;
	tail_candidates_sort(&s.found);
	for (size_t i = 0; i < s.found.n; i++)
		take_successor(tf, &s.found.v[i]);
	tail_candidates_close(&s.found);
}
