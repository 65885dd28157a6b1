/* world_uv_file.c - the small and synchronous half of the disk: /proc, configuration, the journal at start.
 *
 * Opening never waits for a FIFO and never takes a terminal; only regular files are read (those of /proc are). A lock is
 * a flock on a file that is never unlinked, held by an open descriptor until the world is freed or the process ends. */
#include "agent/io/world_uv_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/base/str.h"

#define READ_STEP 4096

struct disk_file {
	int fd;
	uint64_t size; /* when it was opened; of files of /proc 0 */
	char *path;    /* for sentences: the name it was opened by */
};

struct lock {
	struct list link;
	int fd;
};

static void fill_stat(const struct stat *st, struct disk_stat *to)
{
	*to = (struct disk_stat){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.nlink = st->st_nlink,
		.mtime_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000,
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.is_file = S_ISREG(st->st_mode),
		.is_dir = S_ISDIR(st->st_mode),
		.is_link = S_ISLNK(st->st_mode),
		.ours_to_write = st->st_uid == geteuid(),
	};
}

static int stat_path(struct world *w, const char *path, struct disk_stat *ret, struct err *e)
{
	struct stat st;

	(void)w;
	if (stat(path, &st) != 0)
		return err_errno(e, errno, "%s", path);
	fill_stat(&st, ret);
	/* The kernel is asked, because bits of the mode do not tell it: groups, ACLs, capabilities and a file system mounted
	 * read-only count, too. */
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0)
		ret->ours_to_write = true;
	return 0;
}

/* A link cannot be written to, only replaced: it counts as ours when we own it. */
static int stat_link(struct world *w, const char *path, struct disk_stat *ret, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return err_errno(e, errno, "%s", path);
	if (!S_ISLNK(st.st_mode))
		return stat_path(w, path, ret, e);
	fill_stat(&st, ret);
	return 0;
}

static int open_file(struct world *w, const char *path, struct disk_file **ret, struct err *e)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct disk_file *f;
	struct stat st;

	(void)w;
	if (fd < 0)
		return err_errno(e, errno, "%s", path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, ERR_INVALID, "%s is not a regular file", path);
	}
	f = mem_new(struct disk_file);
	f->fd = fd;
	f->size = (uint64_t)st.st_size;
	f->path = mem_str(path);
	*ret = f;
	return 0;
}

static int stat_file(struct world *w, struct disk_file *f, struct disk_stat *ret, struct err *e)
{
	struct stat st;

	(void)w;
	if (fstat(f->fd, &st) != 0)
		return err_errno(e, errno, "%s", f->path);
	fill_stat(&st, ret);
	return 0;
}

static ssize_t read_file(struct world *w, struct disk_file *f, uint64_t offset, void *to, size_t len, struct err *e)
{
	ssize_t n;

	(void)w;
	do
		n = pread(f->fd, to, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n >= 0 ? n : err_errno(e, errno, "%s: read", f->path);
}

/* proc(5): the link of a descriptor is the path of what it holds. A name that is gone ends in " (deleted)", or was given to
 * another: so the path must lead back to the same inode. */
static int path_of_file(struct world *w, struct disk_file *f, struct buf *b, struct err *e)
{
	CLEANUP(mem_close) char *fd_link = mem_printf("/proc/self/fd/%d", f->fd);
	char name[PATH_MAX];
	ssize_t n = readlink(fd_link, name, sizeof(name) - 1);
	struct stat is, named;

	(void)w;
	if (n < 0)
		return err_errno(e, errno, "%s: where it is", f->path);
	name[n] = '\0';
	if (fstat(f->fd, &is) != 0 || lstat(name, &named) != 0 || is.st_dev != named.st_dev || is.st_ino != named.st_ino)
		return err_set(e, ERR_NOTFOUND, "%s has this name no more", f->path);
	buf_adds(b, name);
	return buf_check(b, "the path", e);
}

static void close_file(struct world *w, struct disk_file *f)
{
	(void)w;
	if (f == NULL)
		return;
	close(f->fd);
	mem_free(f->path);
	mem_free(f);
}

/* As much as it seems to have, so that a large file is not read in hundreds of steps into a buffer that doubles each time. */
static size_t step_of(const struct disk_file *f, uint64_t offset, const struct buf *b)
{
	size_t room = b->max - b->len, want = READ_STEP;

	if (f->size > offset && f->size - offset > want)
		want = f->size - offset < room ? (size_t)(f->size - offset) : room;
	return want < room ? want : room;
}

/* A file of /proc has no size, so the end is where a read finds nothing: also for a file that fills b exactly. */
static int read_whole(struct world *w, struct disk_file *f, const char *path, struct buf *b, struct err *e)
{
	uint64_t offset = 0;
	char beyond;

	for (;;) {
		size_t room = step_of(f, offset, b);
		ssize_t n = read_file(w, f, offset, room > 0 ? buf_room(b, room) : &beyond, room > 0 ? room : 1, e);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return 0;
		if (room == 0)
			return err_set(e, ERR_LIMIT, "%s is larger than %zu bytes", path, b->max);
		buf_grew(b, (size_t)n);
		offset += (uint64_t)n;
	}
}

static int read_path(struct world *w, const char *path, struct buf *b, struct err *e)
{
	struct disk_file *f;
	int rc;

	TRY(buf_check(b, path, e));
	TRY(open_file(w, path, &f, e));
	rc = read_whole(w, f, path, b, e); /* NOLINT(clang-analyzer-core.CallAndMessage): err_errno, being elsewhere, may give 0 */
	close_file(w, f);
	return rc;
}

static int list_dir(struct world *w, const char *path, disk_name_cb *cb, void *ctx, struct err *e)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	bool is_enough = false;
	int rc;

	(void)w;
	if (dir == NULL)
		return err_errno(e, errno, "%s", path);
	/* readdir(3) gives NULL at the end and for an error; errno alone tells which. Half a list would make a journal look shorter
	 * than it is. */
	for (errno = 0; !is_enough && (d = readdir(dir)) != NULL; errno = 0)
		is_enough = !str_eq(d->d_name, ".") && !str_eq(d->d_name, "..") && cb(ctx, d->d_name) != 0;
	rc = is_enough || errno == 0 ? 0 : err_errno(e, errno, "%s: list", path);
	closedir(dir);
	return rc;
}

static int sync_dir(const char *dir, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return err_errno(e, errno, "%s: open", dir);
	if (fsync(fd) != 0)
		rc = err_errno(e, errno, "%s: fsync", dir);
	close(fd);
	return rc;
}

/* The directory itself is synced too: what a killed predecessor had renamed or made in it, but not yet synced, is what
 * this process is about to build on. */
static int make_dir(struct world *w, const char *dir, unsigned mode, struct err *e)
{
	CLEANUP(mem_close) char *above = mem_printf("%s/..", dir);

	(void)w;
	/* A file of this name is EEXIST as well; the sync below refuses it, because it opens folders only. */
	if (mkdir(dir, mode) != 0 && errno != EEXIST)
		return err_errno(e, errno, "%s: mkdir", dir);
	TRY(sync_dir(dir, e));
	return sync_dir(above, e);
}

static int lock_path(struct world *w, const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct lock *l;

	if (fd < 0)
		return err_errno(e, errno, "%s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int errnum = errno;

		close(fd);
		if (errnum == EWOULDBLOCK)
			return err_set(e, ERR_EXISTS, "%s is locked by another process", path);
		return err_errno(e, errnum, "%s: flock", path);
	}
	/* The file stays when the lock is let go. Were it unlinked, one process could lock the file without a name that it has
	 * open, and another a new one of that name. */
	l = mem_new(struct lock);
	l->fd = fd;
	list_add(&world_uv_of(w)->locks, &l->link);
	return 0;
}

static int real_path(struct world *w, const char *path, struct buf *b, struct err *e)
{
	char *real = realpath(path, NULL);

	(void)w;
	if (real == NULL)
		return err_errno(e, errno, "%s", path);
	buf_adds(b, real);
	free(real);
	return buf_check(b, "the path", e);
}

void world_uv_file_init(struct world_uv *u)
{
	list_init(&u->locks);
	u->w.disk_read = read_path;
	u->w.disk_stat = stat_path;
	u->w.disk_lstat = stat_link;
	u->w.disk_list = list_dir;
	u->w.disk_mkdir = make_dir;
	u->w.disk_lock = lock_path;
	u->w.disk_realpath = real_path;
	u->w.file_open = open_file;
	u->w.file_stat = stat_file;
	u->w.file_read = read_file;
	u->w.file_path = path_of_file;
	u->w.file_close = close_file;
}

void world_uv_file_close(struct world_uv *u)
{
	struct list *n;

	while ((n = list_pop(&u->locks)) != NULL) {
		struct lock *l = list_entry(n, struct lock, link);

		close(l->fd);
		mem_free(l);
	}
}
