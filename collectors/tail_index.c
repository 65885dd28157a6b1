/* tail_index.c - which inodes are known, and by which names: for a scan that asks it once for each name of a folder.
 *
 * Sorted once and searched by halves. It points into the files and positions it was made of, so whatever adds or drops one
 * calls it stale; the next question then makes it anew. */
#include "collectors/tail_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

static int by_inode(const void *a, const void *b)
{
	const struct tail_known *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->dev == y->dev ? 0 : x->dev < y->dev ? -1 : 1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *tail_name_in(const char *dir, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = strlen(dir);

	if (slash == NULL || (size_t)(slash - path) != (str_eq(dir, "/") ? 0 : len) ||
	    strncmp(path, dir, (size_t)(slash - path)) != 0)
		return NULL;
	return slash + 1;
}

static void add(struct tail_index *x, const char *dir, const struct tail_known *k, const char *path)
{
	const char *name = tail_name_in(dir, path);

	x->v[x->n++] = *k;
	if (name != NULL)
		x->names[x->names_n++] = name;
}

static void make(struct tail *t, const char *dir)
{
	struct tail_index *x = &t->index;
	size_t most = t->files_n + t->positions->left_n + t->archives_n + 1;

	x->v = mem_grow(x->v, most, sizeof(*x->v));
	x->names = mem_grow(x->names, most, sizeof(*x->names));
	x->n = x->names_n = 0;
	list_each(n, &t->files) {
		struct tail_file *tf = list_entry(n, struct tail_file, link);

		add(x, dir, &(struct tail_known){ tf->dev, tf->ino, tf, NULL, NULL }, tf->path);
	}
	list_each(n, &t->positions->all) {
		struct position *p = list_entry(n, struct position, link);

		if (p->is_left)
			add(x, dir, &(struct tail_known){ p->left.dev, p->left.ino, NULL, p, NULL }, p->left.path);
	}
	for (size_t i = 0; i < t->archives_n; i++) {
		struct tail_archive *a = &t->archives[i];

		x->v[x->n++] = (struct tail_known){ a->dev, a->ino, NULL, NULL, a };
	}
	qsort(x->v, x->n, sizeof(*x->v), by_inode);
	if (x->names_n > 0)
		qsort(x->names, x->names_n, sizeof(*x->names), by_name);
}

void tail_index_for(struct tail *t, const char *dir)
{
	/* By pointer, not by name: whoever enters a folder calls the index stale in any case. */
	if (t->index.dir == dir && !t->index.stale)
		return;
	make(t, dir);
	t->index.dir = dir;
	t->index.stale = false;
}

/* Of several that bear one number, which a reused inode may have: the file that is followed, else a position. */
const struct tail_known *tail_index_find(const struct tail_index *x, uint64_t dev, uint64_t ino)
{
	const struct tail_known key = { dev, ino, NULL, NULL, NULL };
	const struct tail_known *k = x->n > 0 ? bsearch(&key, x->v, x->n, sizeof(*x->v), by_inode) : NULL;

	if (k == NULL)
		return NULL;
	while (k > x->v && by_inode(k - 1, &key) == 0)
		k--;
	for (const struct tail_known *i = k; i < x->v + x->n && by_inode(i, &key) == 0; i++)
		if (i->file != NULL || (i->position != NULL && k->file == NULL && k->position == NULL))
			k = i;
	return k;
}

bool tail_name_is_beside(const char *name, size_t len)
{
	return (name[len] == '.' || name[len] == '-') && isdigit((unsigned char)name[len + 1]);
}

bool tail_index_is_beside(const struct tail_index *x, const char *name)
{
	for (size_t len = 1; name[0] != '\0' && name[len] != '\0'; len++) {
		CLEANUP(mem_close) char *before = NULL;

		if (x->names_n == 0 || !tail_name_is_beside(name, len))
			continue;
		before = mem_strn(name, len);
		if (bsearch(&before, x->names, x->names_n, sizeof(*x->names), by_name) != NULL)
			return true;
	}
	return false;
}

void tail_index_close(struct tail_index *x)
{
	mem_free(x->v);
	mem_free(x->names);
}
