/* tail_table.c - the files that are followed, found by inode, by the name that they bear in their folder, and by the path that
 * they had when they were first seen: of one path the one that was found last, and behind it those that had it before. */
#include "collectors/tail_impl.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

static size_t bucket_of(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return (h ^ h >> 16) % TAIL_BUCKETS;
}

static struct tail_file **by_inode(struct tail_table *x, uint64_t dev, uint64_t ino)
{
	return &x->by_inode[(ino + dev) % TAIL_BUCKETS];
}

struct tail_file *tail_file_of(struct tail *t, uint64_t dev, uint64_t ino)
{
	struct tail_file *tf = *by_inode(&t->table, dev, ino);

	while (tf != NULL && (tf->dev != dev || tf->ino != ino))
		tf = tf->same_inode;
	return tf;
}

struct tail_file *tail_table_by_name(const struct tail *t, const struct tail_folder *f, const char *name)
{
	struct tail_file *tf = t->table.by_name[bucket_of(name)];

	while (tf != NULL && (tf->src->folder != f || !str_eq(tf->here, name)))
		tf = tf->same_name;
	return tf;
}

struct tail_file *tail_table_by_path(const struct tail *t, const char *path)
{
	struct tail_file *tf = t->table.by_path[bucket_of(path)];

	while (tf != NULL && !str_eq(tf->path, path))
		tf = tf->same_path;
	return tf;
}

static void put_name(struct tail_file *tf)
{
	struct tail_file **at;

	if (tf->here == NULL)
		return;
	at = &tf->src->t->table.by_name[bucket_of(tf->here)];
	tf->same_name = *at;
	*at = tf;
}

static void drop_name(struct tail_file *tf)
{
	struct tail_file **at;

	if (tf->here == NULL)
		return;
	for (at = &tf->src->t->table.by_name[bucket_of(tf->here)]; *at != NULL && *at != tf; at = &(*at)->same_name)
		;
	if (*at == tf)
		*at = tf->same_name;
}

void tail_table_name(struct tail_file *tf, const char *name)
{
	drop_name(tf);
	mem_free(tf->here);
	tf->here = mem_str(name);
	put_name(tf);
}

void tail_table_add(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	struct tail_file **inode = by_inode(&t->table, tf->dev, tf->ino), **path = &t->table.by_path[bucket_of(tf->path)];

	tf->older = tail_table_by_path(t, tf->path);
	if (tf->older != NULL)
		tf->older->newer = tf;
	tf->same_inode = *inode;
	*inode = tf;
	tf->same_path = *path;
	*path = tf;
	put_name(tf);
}

void tail_table_drop(struct tail_file *tf)
{
	struct tail *t = tf->src->t;
	struct tail_file **at;

	for (at = by_inode(&t->table, tf->dev, tf->ino); *at != NULL && *at != tf; at = &(*at)->same_inode)
		;
	if (*at == tf)
		*at = tf->same_inode;
	for (at = &t->table.by_path[bucket_of(tf->path)]; *at != NULL && *at != tf; at = &(*at)->same_path)
		;
	if (*at == tf)
		*at = tf->same_path;
	if (tf->older != NULL)
		tf->older->newer = tf->newer;
	if (tf->newer != NULL)
		tf->newer->older = tf->older;
	drop_name(tf);
}
