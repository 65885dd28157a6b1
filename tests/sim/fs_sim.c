/* fs_sim.c - the pretend file system: what processes see, and what the disk surely has.
 *
 * A name leads to a file `now` and, after a power failure, to the one it led to when its folder was last synced. What
 * happened to names since then is a list of changes; a sync of the folder carries its own out in order, a power failure
 * decides about each. A file's bytes are kept twice in the same way. Nothing else is promised: a synced file whose name
 * was not synced is lost, a size may arrive without its bytes (zeros), a write may end anywhere. */
#include "tests/sim/world_sim_impl.h"

#include <assert.h>
#include <string.h>

#include "agent/base/str.h"

#define CLEAN SIZE_MAX
#define BLOCK 512
#define LINKS_MAX 8

struct name {
	struct list link;
	char *path;
	struct inode *now, *durable;
};

/* One change to names that its folder has not synced yet. */
struct meta {
	struct list link;
	char *from, *to; /* from NULL: made; to NULL: unlinked; both: renamed */
	struct inode *i; /* of what was made or renamed */
};

/* Whether the agent could write to a path and what is below it. */
struct ours {
	struct list link;
	char *path;
	bool ours;
};

/* ---- inodes ------------------------------------------------------------------------------------------------------------ */

static struct inode *inode_new(struct world_sim *s, unsigned mode)
{
	struct inode *i = mem_new(struct inode);

	i->ino = s->next_ino++;
	i->mode = mode;
	i->mtime_ms = s->w.wall_ms(&s->w);
	i->now = i->durable = BUF_MAX(1u << 30);
	i->dirty_from = CLEAN;
	list_add(&s->inodes, &i->link);
	return i;
}

struct inode *sim_inode_ref(struct inode *i)
{
	if (i != NULL)
		i->refs++;
	return i;
}

void sim_inode_unref(struct inode *i)
{
	if (i == NULL || --i->refs > 0)
		return;
	list_del(&i->link);
	buf_close(&i->now);
	buf_close(&i->durable);
	mem_free(i->target);
	mem_free(i);
}

static void point(struct inode **at, struct inode *i)
{
	struct inode *old = *at;

	*at = sim_inode_ref(i);
	sim_inode_unref(old);
}

/* ---- names --------------------------------------------------------------------------------------------------------------- */

static struct name *name_of(struct world_sim *s, const char *path, bool make)
{
	struct name *n;

	list_each(l, &s->names) {
		n = list_entry(l, struct name, link);
		if (strcmp(n->path, path) == 0)
			return n;
	}
	if (!make)
		return NULL;
	n = mem_new(struct name);
	n->path = mem_str(path);
	list_add(&s->names, &n->link);
	return n;
}

static void name_drop(struct name *n)
{
	point(&n->now, NULL);
	point(&n->durable, NULL);
	list_del(&n->link);
	mem_free(n->path);
	mem_free(n);
}

static void drop_unused_names(struct world_sim *s)
{
	list_each_safe(l, &s->names) {
		struct name *n = list_entry(l, struct name, link);

		if (n->now == NULL && n->durable == NULL)
			name_drop(n);
	}
}

char *sim_fs_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return mem_str(".");
	return slash == path ? mem_str("/") : mem_strn(path, (size_t)(slash - path));
}

static bool lies_in(const char *path, const char *dir)
{
	size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/' && path[n + 1] != '\0' && strchr(path + n + 1, '/') == NULL;
}

char *sim_fs_real(struct world_sim *s, const char *path)
{
	char *real = mem_str(path);

	for (unsigned left = LINKS_MAX; left > 0; left--) {
		const struct name *n = name_of(s, real, false);

		if (n == NULL || n->now == NULL || n->now->target == NULL)
			break;
		mem_free(real);
		real = mem_str(n->now->target);
	}
	return real;
}

struct inode *sim_fs_find(struct world_sim *s, const char *path, bool follow)
{
	CLEANUP(mem_close) char *real = follow ? sim_fs_real(s, path) : mem_str(path);
	const struct name *n = name_of(s, real, false);

	return n != NULL ? n->now : NULL;
}

int sim_fs_why_none(struct world_sim *s, const char *path)
{
	CLEANUP(mem_close) char *dir = sim_fs_real(s, path);

	while (strchr(dir, '/') != NULL && strcmp(dir, "/") != 0) {
		CLEANUP(mem_close) char *below = dir;
		const struct inode *i;

		dir = sim_fs_dir(below);
		i = sim_fs_find(s, dir, true);
		if (i != NULL)
			return i->is_dir ? ERR_NOTFOUND : ERR_INVALID;
	}
	return ERR_NOTFOUND;
}

static void note(struct world_sim *s, const char *from, const char *to, struct inode *i)
{
	struct meta *m = mem_new(struct meta);

	m->from = mem_str(from);
	m->to = mem_str(to);
	m->i = sim_inode_ref(i);
	list_add(&s->metas, &m->link);
}

static void meta_drop(struct meta *m)
{
	list_del(&m->link);
	sim_inode_unref(m->i);
	mem_free(m->from);
	mem_free(m->to);
	mem_free(m);
}

static void meta_apply(struct world_sim *s, const struct meta *m)
{
	if (m->from != NULL)
		point(&name_of(s, m->from, true)->durable, NULL);
	if (m->to != NULL)
		point(&name_of(s, m->to, true)->durable, m->i);
}

static struct inode *make(struct world_sim *s, const char *path, unsigned mode)
{
	struct inode *i = inode_new(s, mode);

	point(&name_of(s, path, true)->now, i);
	note(s, NULL, path, i);
	sim_watch_touch(s, path, true);
	return i;
}

struct inode *sim_fs_make(struct world_sim *s, const char *path, unsigned mode)
{
	CLEANUP(mem_close) char *dir = sim_fs_dir(path);
	const struct inode *d = sim_fs_find(s, dir, true);

	return d != NULL && d->is_dir ? make(s, path, mode) : NULL;
}

struct inode *sim_fs_mkdir(struct world_sim *s, const char *path, unsigned mode)
{
	struct inode *i = make(s, path, mode);

	i->is_dir = true;
	return i;
}

void sim_fs_unlink(struct world_sim *s, const char *path)
{
	point(&name_of(s, path, true)->now, NULL);
	note(s, path, NULL, NULL);
	sim_watch_touch(s, path, true);
}

void sim_fs_rename(struct world_sim *s, const char *path, const char *to)
{
	struct inode *i = sim_inode_ref(name_of(s, path, true)->now);

	point(&name_of(s, path, true)->now, NULL);
	point(&name_of(s, to, true)->now, i);
	note(s, path, to, i);
	sim_inode_unref(i);
	sim_watch_touch(s, path, true);
	sim_watch_touch(s, to, true);
}

void sim_fs_sync_dir(struct world_sim *s, const char *dir)
{
	list_each_safe(l, &s->metas) {
		struct meta *m = list_entry(l, struct meta, link);

		if (!lies_in(m->to != NULL ? m->to : m->from, dir))
			continue;
		meta_apply(s, m);
		meta_drop(m);
	}
	drop_unused_names(s);
}

unsigned sim_fs_nlink(struct world_sim *s, const struct inode *i)
{
	unsigned count = 0;

	list_each(l, &s->names)
		count += list_entry(l, struct name, link)->now == i;
	return count;
}

/* Unsorted, as readdir is: from a random name on. The callback may change the disk, so the names are copied first. */
int sim_fs_list(struct world_sim *s, const char *dir, disk_name_cb *cb, void *ctx)
{
	char **names = NULL;
	size_t n = 0, from;

	list_each(l, &s->names) {
		const struct name *nm = list_entry(l, struct name, link);

		if (nm->now == NULL || !lies_in(nm->path, dir))
			continue;
		names = mem_grow(names, n + 1, sizeof(*names));
		names[n++] = mem_str(strrchr(nm->path, '/') + 1);
	}
	from = n > 0 ? sim_chance(s) % n : 0;
	for (size_t i = 0; i < n; i++)
		if (cb(ctx, names[(from + i) % n]) != 0)
			break;
	for (size_t i = 0; i < n; i++)
		mem_free(names[i]);
	mem_free(names);
	return 0;
}

/* ---- bytes --------------------------------------------------------------------------------------------------------------- */

uint64_t sim_fs_used(struct world_sim *s)
{
	uint64_t used = 0;

	list_each(l, &s->names) {
		const struct inode *i = list_entry(l, struct name, link)->now;

		if (i != NULL)
			used += (i->now.len + BLOCK - 1) / BLOCK * BLOCK;
	}
	return used;
}

static void set_len(struct buf *b, size_t len)
{
	char *room;

	if (len <= b->len) {
		b->len = len;
		if (b->data != NULL)
			b->data[len] = '\0';
		return;
	}
	room = buf_room(b, len - b->len);
	assert(room != NULL);
	memset(room, 0, len - b->len);
	buf_grew(b, len - b->len);
}

static void dirty(struct world_sim *s, struct inode *i, size_t from)
{
	if (from < i->dirty_from)
		i->dirty_from = from;
	i->mtime_ms = s->w.wall_ms(&s->w);
	list_each(l, &s->names)
		if (list_entry(l, struct name, link)->now == i)
			sim_watch_touch(s, list_entry(l, struct name, link)->path, false);
}

void sim_fs_cut(struct world_sim *s, struct inode *i, size_t len)
{
	if (len == i->now.len)
		return;
	dirty(s, i, len < i->now.len ? len : i->now.len);
	set_len(&i->now, len);
}

int sim_fs_write(struct world_sim *s, struct inode *i, const void *data, size_t len)
{
	uint64_t used = sim_fs_used(s);
	size_t fits = len;

	if (used + len > s->capacity)
		fits = used < s->capacity ? (size_t)(s->capacity - used) : 0;
	if (fits > 0) {
		dirty(s, i, i->now.len);
		buf_add(&i->now, data, fits);
	}
	return fits == len ? 0 : -ERR_NOSPACE;
}

void sim_fs_sync(struct inode *i)
{
	if (i->dirty_from == CLEAN)
		return;
	set_len(&i->durable, i->dirty_from);
	buf_add(&i->durable, i->now.data != NULL ? i->now.data + i->dirty_from : "", i->now.len - i->dirty_from);
	i->dirty_from = CLEAN;
}

/* The bytes before `k` arrived, those behind it are what they were or, where nothing was, zeros; the size is the old one,
 * the new one or where the write ended. */
static void tear_at(struct world_sim *s, struct inode *i, size_t k, size_t size)
{
	struct buf out = BUF_MAX(1u << 30);

	buf_add(&out, i->now.data, k < i->now.len ? k : i->now.len);
	set_len(&out, size > out.len ? size : out.len);
	if (i->durable.len > k && out.len > k)
		memcpy(out.data + k, i->durable.data + k, (i->durable.len < out.len ? i->durable.len : out.len) - k);
	set_len(&out, size);
	buf_close(&i->now);
	i->now = out;
	sim_trace(&s->w, "torn %llu at %zu size %zu", (unsigned long long)i->ino, k, size);
}

void sim_fs_tear(struct world_sim *s, struct inode *i)
{
	size_t from = i->dirty_from, old = i->durable.len, new = i->now.len;
	size_t k;

	if (from == CLEAN)
		return;
	k = sim_between(s, from, old > new ? old : new);
	switch (sim_chance(s) % 5) {
	case 0: /* nothing of it arrived */
		tear_at(s, i, from, old);
		break;
	case 1: /* all of it did */
		break;
	case 2:
		tear_at(s, i, k, old);
		break;
	case 3:
		tear_at(s, i, k, new);
		break;
	default:
		tear_at(s, i, k, k);
	}
	sim_fs_sync(i);
}

/* ---- the power fails ----------------------------------------------------------------------------------------------------- */

/* One of three fates for all that was not synced: lost, kept, or decided one by one. */
void sim_fs_power(struct world_sim *s)
{
	unsigned fate = (unsigned)(sim_chance(s) % 3);

	list_each_safe(l, &s->metas) {
		struct meta *m = list_entry(l, struct meta, link);

		if (fate == 1 || (fate == 2 && sim_one_in(s, 2)))
			meta_apply(s, m);
		meta_drop(m);
	}
	list_each(l, &s->names) {
		struct name *n = list_entry(l, struct name, link);

		point(&n->now, n->durable);
	}
	drop_unused_names(s);
	list_each(l, &s->inodes)
		sim_fs_tear(s, list_entry(l, struct inode, link));
}

/* ---- the disk, seen from outside the agent --------------------------------------------------------------------------------- */

static void settle(struct world_sim *s, const char *path)
{
	CLEANUP(mem_close) char *dir = sim_fs_dir(path);

	sim_fs_sync_dir(s, dir);
}

void sim_dir_make(struct world *w, const char *path)
{
	struct world_sim *s = sim_of(w);
	CLEANUP(mem_close) char *above = sim_fs_dir(path);

	if (sim_fs_find(s, path, true) != NULL)
		return;
	if (strcmp(above, path) != 0)
		sim_dir_make(w, above);
	point(&name_of(s, path, true)->durable, sim_fs_mkdir(s, path, 0755)); /* the root lies in no folder that could sync it */
	settle(s, path);
}

static struct inode *open_outside(struct world *w, const char *path)
{
	struct world_sim *s = sim_of(w);
	CLEANUP(mem_close) char *real = sim_fs_real(s, path);
	CLEANUP(mem_close) char *dir = sim_fs_dir(real);
	struct inode *i = sim_fs_find(s, real, false);

	sim_dir_make(w, dir);
	if (i == NULL)
		i = sim_fs_make(s, real, 0644);
	settle(s, real);
	return i;
}

void sim_file_put(struct world *w, const char *path, const void *data, size_t len)
{
	struct inode *i = open_outside(w, path);

	sim_fs_cut(sim_of(w), i, 0);
	sim_file_append(w, path, data, len);
}

void sim_file_puts(struct world *w, const char *path, const char *text)
{
	sim_file_put(w, path, text, strlen(text));
}

void sim_file_append(struct world *w, const char *path, const void *data, size_t len)
{
	struct inode *i = open_outside(w, path);

	sim_fs_write(sim_of(w), i, data, len);
	sim_fs_sync(i);
}

void sim_file_truncate(struct world *w, const char *path, size_t len)
{
	struct inode *i = open_outside(w, path);

	sim_fs_cut(sim_of(w), i, len);
	sim_fs_sync(i);
}

void sim_file_rename(struct world *w, const char *path, const char *to)
{
	sim_fs_rename(sim_of(w), path, to);
	settle(sim_of(w), path);
	settle(sim_of(w), to);
}

void sim_file_unlink(struct world *w, const char *path)
{
	sim_fs_unlink(sim_of(w), path);
	settle(sim_of(w), path);
}

void sim_file_chmod(struct world *w, const char *path, unsigned mode)
{
	open_outside(w, path)->mode = mode;
}

void sim_file_link(struct world *w, const char *path, const char *target)
{
	struct inode *i;

	if (sim_fs_find(sim_of(w), path, false) != NULL)
		sim_file_unlink(w, path);
	i = open_outside(w, path);
	mem_free(i->target);
	i->target = mem_str(target);
}

bool sim_file_get(struct world *w, const char *path, struct buf *b)
{
	const struct inode *i = sim_fs_find(sim_of(w), path, true);

	if (i == NULL || i->is_dir)
		return false;
	buf_add(b, i->now.data, i->now.len);
	return true;
}

void sim_disk_space(struct world *w, uint64_t bytes)
{
	sim_of(w)->capacity = bytes;
}

void sim_file_ours(struct world *w, const char *path, bool ours)
{
	struct ours *o = mem_new(struct ours);

	o->path = mem_str(path);
	o->ours = ours;
	list_add(&sim_of(w)->ours, &o->link);
}

/* The last word said about the path, or about a folder above it. */
bool sim_fs_ours(struct world_sim *s, const char *path)
{
	bool ours = true;

	list_each(l, &s->ours) {
		const struct ours *o = list_entry(l, struct ours, link);
		size_t n = strlen(o->path);

		if (str_starts(path, o->path) && (path[n] == '\0' || path[n] == '/'))
			ours = o->ours;
	}
	return ours;
}

void sim_fs_init(struct world_sim *s)
{
	list_init(&s->inodes);
	list_init(&s->names);
	list_init(&s->metas);
	list_init(&s->ours);
	s->next_ino = 11;
	s->capacity = 64ull << 30;
	sim_file_ours(&s->w, "/", false); /* of itself alone: what lies in it has words of its own */
	sim_file_ours(&s->w, "/etc", false);
	sim_dir_make(&s->w, "/etc/reeve");
	sim_dir_make(&s->w, "/var/lib/reeve");
	sim_dir_make(&s->w, "/run/reeve");
}

void sim_fs_close(struct world_sim *s)
{
	list_each_safe(l, &s->metas)
		meta_drop(list_entry(l, struct meta, link));
	list_each_safe(l, &s->names)
		name_drop(list_entry(l, struct name, link));
	list_each_safe(l, &s->ours) {
		struct ours *o = list_entry(l, struct ours, link);

		list_del(&o->link);
		mem_free(o->path);
		mem_free(o);
	}
	assert(list_empty(&s->inodes));
}
