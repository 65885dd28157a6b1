/* file_sim.c - the synchronous half of the disk, over the pretend file system's present. */
#include "tests/sim/world_sim_impl.h"

#include <string.h>

struct disk_file {
	struct list link;
	struct inode *i;
	char *path;
};

struct lock {
	struct list link;
	char *path;
};

static int fault(struct world *w, enum sim_kind kind, const char *path, struct err *e)
{
	static const int fits[] = { ERR_IO, 0 };
	int rc = sim_fault(sim_of(w), kind, fits);

	return rc == 0 ? 0 : err_set(e, -rc, "%s: input/output error", path);
}

static int find(struct world *w, const char *path, struct inode **ret, struct err *e)
{
	struct inode *i = sim_fs_find(sim_of(w), path, true);

	if (i == NULL)
		return err_set(e, sim_fs_why_none(sim_of(w), path), "%s: no such file or directory", path);
	*ret = i;
	return 0;
}

static void fill_stat(struct world *w, const struct inode *i, const char *path, struct disk_stat *to)
{
	*to = (struct disk_stat){
		.dev = 1,
		.ino = i->ino,
		.size = i->now.len,
		.nlink = sim_fs_nlink(sim_of(w), i),
		.mtime_ms = i->mtime_ms,
		.mode = i->mode,
		.is_file = !i->is_dir && i->target == NULL,
		.is_dir = i->is_dir,
		.is_link = i->target != NULL,
		.ours_to_write = sim_fs_ours(sim_of(w), path),
	};
	to->uid = to->ours_to_write ? 990 : 0;
}

static int stat_path(struct world *w, const char *path, struct disk_stat *ret, struct err *e)
{
	CLEANUP(mem_close) char *real = sim_fs_real(sim_of(w), path);
	struct inode *i = NULL;

	TRY(fault(w, SIM_STAT, path, e));
	TRY(find(w, path, &i, e));
	fill_stat(w, i, real, ret);
	return 0;
}

static int stat_link(struct world *w, const char *path, struct disk_stat *ret, struct err *e)
{
	const struct inode *i = sim_fs_find(sim_of(w), path, false);

	if (i == NULL || i->target == NULL)
		return stat_path(w, path, ret, e);
	TRY(fault(w, SIM_STAT, path, e));
	fill_stat(w, i, path, ret);
	return 0;
}

static int read_path(struct world *w, const char *path, struct buf *b, struct err *e)
{
	struct inode *i = NULL;
	size_t room;

	TRY(fault(w, SIM_READ, path, e));
	TRY(find(w, path, &i, e));
	if (i->is_dir)
		return err_set(e, ERR_INVALID, "%s is not a regular file", path);
	room = b->max - b->len;
	if (i->now.len <= room) {
		buf_add(b, i->now.data, i->now.len);
		return buf_check(b, path, e);
	}
	buf_add(b, i->now.data, room); /* as the real one: its beginning is there */
	return err_set(e, ERR_LIMIT, "%s is larger than %zu bytes", path, b->max);
}

static int list_dir(struct world *w, const char *path, disk_name_cb *cb, void *ctx, struct err *e)
{
	CLEANUP(mem_close) char *real = sim_fs_real(sim_of(w), path);
	struct inode *i = NULL;

	TRY(fault(w, SIM_READ, path, e));
	TRY(find(w, path, &i, e));
	if (!i->is_dir)
		return err_set(e, ERR_INVALID, "%s: not a directory", path);
	return sim_fs_list(sim_of(w), real, cb, ctx);
}

static int make_dir(struct world *w, const char *dir, unsigned mode, struct err *e)
{
	struct world_sim *s = sim_of(w);
	CLEANUP(mem_close) char *above = sim_fs_dir(dir);
	struct inode *i = NULL;

	TRY(fault(w, SIM_READ, dir, e));
	TRY(find(w, above, &i, e));
	if (sim_fs_find(s, dir, true) == NULL)
		sim_fs_mkdir(s, dir, mode);
	sim_fs_sync_dir(s, dir);
	sim_fs_sync_dir(s, above);
	return 0;
}

static int lock_path(struct world *w, const char *path, struct err *e)
{
	struct world_sim *s = sim_of(w);
	struct lock *l;

	TRY(fault(w, SIM_READ, path, e));
	list_each(n, &s->locks)
		if (strcmp(list_entry(n, struct lock, link)->path, path) == 0)
			return err_set(e, ERR_EXISTS, "%s is locked by another process", path);
	if (sim_fs_find(s, path, true) == NULL && sim_fs_make(s, path, 0600) == NULL)
		return err_set(e, ERR_NOTFOUND, "%s: no such file or directory", path);
	l = mem_new(struct lock);
	l->path = mem_str(path);
	list_add(&s->locks, &l->link);
	return 0;
}

static int real_path(struct world *w, const char *path, struct buf *b, struct err *e)
{
	CLEANUP(mem_close) char *real = sim_fs_real(sim_of(w), path);
	struct inode *i = NULL;

	TRY(fault(w, SIM_STAT, path, e));
	TRY(find(w, path, &i, e));
	buf_adds(b, real);
	return buf_check(b, "the path", e);
}

static int open_file(struct world *w, const char *path, struct disk_file **ret, struct err *e)
{
	struct disk_file *f;
	struct inode *i = NULL;

	TRY(fault(w, SIM_READ, path, e));
	TRY(find(w, path, &i, e));
	if (i->is_dir)
		return err_set(e, ERR_INVALID, "%s is not a regular file", path);
	f = mem_new(struct disk_file);
	f->i = sim_inode_ref(i);
	f->path = mem_str(path);
	list_add(&sim_of(w)->files, &f->link);
	*ret = f;
	return 0;
}

static int stat_file(struct world *w, struct disk_file *f, struct disk_stat *ret, struct err *e)
{
	TRY(fault(w, SIM_STAT, f->path, e));
	fill_stat(w, f->i, f->path, ret);
	return 0;
}

static ssize_t read_file(struct world *w, struct disk_file *f, uint64_t offset, void *to, size_t len, struct err *e)
{
	int rc = fault(w, SIM_READ, f->path, e);
	size_t left = offset < f->i->now.len ? f->i->now.len - (size_t)offset : 0;

	if (rc != 0)
		return rc;
	if (len > left)
		len = left;
	if (len > 0)
		memcpy(to, f->i->now.data + offset, len);
	return (ssize_t)len;
}

static int path_of_file(struct world *w, struct disk_file *f, struct buf *b, struct err *e)
{
	CLEANUP(mem_close) char *real = sim_fs_real(sim_of(w), f->path);

	TRY(fault(w, SIM_STAT, f->path, e));
	if (sim_fs_find(sim_of(w), real, false) != f->i)
		return err_set(e, ERR_NOTFOUND, "%s has this name no more", f->path);
	buf_adds(b, real);
	return buf_check(b, "the path", e);
}

static void close_file(struct world *w, struct disk_file *f)
{
	(void)w;
	if (f == NULL)
		return;
	list_del(&f->link);
	sim_inode_unref(f->i);
	mem_free(f->path);
	mem_free(f);
}

unsigned sim_disk_open(struct world *w)
{
	unsigned n = 0;

	list_each(l, &sim_of(w)->files)
		n++;
	return n;
}

void sim_file_init(struct world_sim *s)
{
	list_init(&s->files);
	list_init(&s->locks);
	s->w.disk_read = read_path;
	s->w.disk_stat = stat_path;
	s->w.disk_lstat = stat_link;
	s->w.disk_list = list_dir;
	s->w.disk_mkdir = make_dir;
	s->w.disk_lock = lock_path;
	s->w.disk_realpath = real_path;
	s->w.file_open = open_file;
	s->w.file_stat = stat_file;
	s->w.file_read = read_file;
	s->w.file_path = path_of_file;
	s->w.file_close = close_file;
}

/* The process is gone: so are its descriptors, and with them its locks. */
void sim_file_crash(struct world_sim *s)
{
	list_each_safe(n, &s->files)
		close_file(&s->w, list_entry(n, struct disk_file, link));
	list_each_safe(n, &s->locks) {
		struct lock *l = list_entry(n, struct lock, link);

		list_del(&l->link);
		mem_free(l->path);
		mem_free(l);
	}
}
