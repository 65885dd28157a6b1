/* tail_scan.c - which files there are: the patterns are listed, inodes that are new are taken, those no longer found are
 * rotated away.
 *
 * A name leads to an inode, and only the inode counts: a known one under another name stays where it is, also when the
 * pattern matches both names. New ones are taken oldest first, behind those that were born and renamed unseen.
 * Fails: a folder that cannot be listed leaves its files as they are until the next scan. */
#include "collectors/tail_impl.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

#define PATH_MAX_BYTES 4096

struct listing {
	struct tail_source *src;
	struct tail_candidates found;
};

/* ---- candidates ------------------------------------------------------------------------------------------------------- */

void tail_candidate_add(struct tail_candidates *c, char *path, const struct disk_stat *st)
{
	c->v = mem_grow(c->v, c->n + 1, sizeof(*c->v));
	c->v[c->n++] = (struct tail_candidate){ path, *st };
}

static int older_first(const void *a, const void *b)
{
	const struct tail_candidate *x = a, *y = b;

	if (x->st.mtime_ms != y->st.mtime_ms)
		return x->st.mtime_ms < y->st.mtime_ms ? -1 : 1;
	return strcmp(x->path, y->path);
}

void tail_candidates_sort(struct tail_candidates *c)
{
	if (c->n > 0)
		qsort(c->v, c->n, sizeof(*c->v), older_first);
}

void tail_candidates_close(struct tail_candidates *c)
{
	for (size_t i = 0; i < c->n; i++)
		mem_free(c->v[i].path);
	mem_free(c->v);
	*c = (struct tail_candidates){ 0 };
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
	known = tail_file_of(t, &st);
	if (known != NULL) {
		known->found = true;
		known->rotated = false;
		return 0;
	}
	if (t->w->disk_realpath(t->w, path, &real, NULL) != 0) {
		t->scan_wanted = true;
		return 0;
	}
	tail_candidate_add(&l->found, buf_take(&real, NULL), &st);
	return 0;
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

/* Before the new ones are taken, so that older ones stand before them. Taking adds to the list's end only. */
static void find_successors(struct tail_source *src)
{
	list_each(n, &src->t->files) {
		struct tail_file *tf = list_entry(n, struct tail_file, link);

		if (tf->src == src && tf->rotated)
			tail_find_successors(tf);
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
	find_successors(src);
	tail_candidates_sort(&l.found);
	for (size_t i = 0; i < l.found.n; i++)
		if (tail_file_of(t, &l.found.v[i].st) == NULL) /* two links to one inode */
			tail_take(src, l.found.v[i].path, l.found.v[i].path, &l.found.v[i].st);
	tail_candidates_close(&l.found);
}

void tail_scan(struct tail *t)
{
	t->scan_wanted = false;
	t->scanned_ms = world_now_ms(t->w);
	for (size_t i = 0; i < t->sources_n; i++)
		scan_source(&t->sources[i]);
	t->start_at_end = false;
}
