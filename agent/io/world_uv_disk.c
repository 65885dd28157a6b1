/* world_uv_disk.c - disk requests: one piece of work for the loop's threads each, whole from open to fsync.
 *
 * Requests stand in a list in the order started; one may begin when nothing before it names a path that it names too.
 * The worker owns the request between queue and callback: nobody else looks at it then.
 * Fails with the errno's code and a sentence that names path and step. Closing forgets what has not begun, without
 * callbacks; world_uv_disk_is_busy and _is_writing tell of the rest. */
#include "agent/io/world_uv_impl.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "agent/base/str.h"

struct job {
	uv_work_t work;
	struct world_uv *u;
	struct disk_req *r; /* NULL: the world closes */
	int rc;
	bool begun;
};

/* ---- in a worker --------------------------------------------------------------------------------------------------- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		/* What close(2) could report does not count: what had to reach the disk was synced before. */
		close(*fd);
}

static int sync_dir_of(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(mem_close) char *dir = slash == NULL ? mem_str(".") : mem_strn(path, slash == path ? 1 : (size_t)(slash - path));
	CLEANUP(close_fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, errno, "%s: open", dir);
	/* The sync of a file does not cover the entry that names it (fsync(2)). */
	return fsync(fd) == 0 ? 0 : err_errno(e, errno, "%s: fsync", dir);
}

static int write_all(int fd, const struct disk_req *r, uint64_t offset, const char *path, struct err *e)
{
	const char *at = r->data;
	size_t left = r->len;

	while (left > 0) {
		ssize_t n = pwrite(fd, at, left, (off_t)offset);

		if (n < 0 && errno != EINTR)
			return err_errno(e, errno, "%s: write", path);
		if (n > 0) {
			at += n;
			offset += (uint64_t)n;
			left -= (size_t)n;
		}
	}
	if (r->lazy)
		return 0;
	/* It writes the file's size with its data, and leaves out only what nobody reads back, like times (fdatasync(2)). */
	return fdatasync(fd) == 0 ? 0 : err_errno(e, errno, "%s: fdatasync", path);
}

static mode_t mode_of(const struct disk_req *r)
{
	return r->mode != 0 ? r->mode : 0600;
}

static int open_new(const char *path, mode_t mode, int *ret, struct err *e)
{
	/* O_EXCL and O_NOFOLLOW: nothing is written through a file or a link that somebody has put there. */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0)
		return err_errno(e, errno, "%s: create", path);
	*ret = fd;
	return 0;
}

/* Open for writing; a new one only where `offset` is 0. */
static int open_old(struct disk_req *r, int *ret, struct err *e)
{
	/* O_NONBLOCK: a FIFO without a reader fails at once, instead of holding the thread. */
	int fd = open(r->path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && r->op == DISK_APPEND && r->offset == 0)
		return open_new(r->path, mode_of(r), ret, e);
	if (fd < 0 && errno == ENOENT && r->op == DISK_APPEND)
		/* A new file would have a hole where durable bytes were. */
		return err_set(e, ERR_CORRUPT, "%s is gone, %llu bytes were expected", r->path, (unsigned long long)r->offset);
	if (fd < 0)
		return err_errno(e, errno, "%s: open", r->path);
	*ret = fd;
	return 0;
}

/* A directory's entry is synced for every append at 0, not only for a file made here: an append that failed between
 * making the file and syncing its name may be what is repeated. */
static int do_append(struct disk_req *r, struct err *e)
{
	CLEANUP(close_fd) int fd = -1;
	struct stat st;

	TRY(open_old(r, &fd, e));
	if (fstat(fd, &st) != 0)
		return err_errno(e, errno, "%s: stat", r->path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INVALID, "%s is not a file", r->path);
	if ((uint64_t)st.st_size < r->offset)
		return err_set(e, ERR_CORRUPT, "%s holds %lld bytes, %llu were expected", r->path, (long long)st.st_size,
			       (unsigned long long)r->offset);
	/* Cut first, not only written over: of a longer write that failed before, the end would stay behind the new bytes. */
	if ((uint64_t)st.st_size > r->offset && ftruncate(fd, (off_t)r->offset) != 0)
		return err_errno(e, errno, "%s: truncate", r->path);
	TRY(write_all(fd, r, r->offset, r->path, e));
	return r->offset == 0 && !r->lazy ? sync_dir_of(r->path, e) : 0;
}

/* A half-written file must not stand in the way of the next try. */
static int fill_new(struct disk_req *r, const char *path, struct err *e)
{
	CLEANUP(close_fd) int fd = -1;
	int rc;

	TRY(open_new(path, mode_of(r), &fd, e));
	rc = write_all(fd, r, 0, path, e);
	if (rc != 0)
		unlink(path);
	return rc;
}

static int do_replace(struct disk_req *r, struct err *e)
{
	CLEANUP(mem_close) char *tmp = mem_printf("%s.tmp", r->path);

	unlink(tmp); /* what a crash left */
	/* The new bytes are synced before the rename: else a power failure could leave the new name on an empty file. */
	TRY(fill_new(r, tmp, e));
	if (rename(tmp, r->path) != 0) {
		int errnum = errno;

		unlink(tmp);
		return err_errno(e, errnum, "%s: rename", r->path);
	}
	return sync_dir_of(r->path, e);
}

static int do_truncate(struct disk_req *r, struct err *e)
{
	CLEANUP(close_fd) int fd = -1;

	TRY(open_old(r, &fd, e));
	if (ftruncate(fd, (off_t)r->offset) != 0)
		return err_errno(e, errno, "%s: truncate", r->path);
	return fdatasync(fd) == 0 ? 0 : err_errno(e, errno, "%s: fdatasync", r->path);
}

static int do_unlink(struct disk_req *r, struct err *e)
{
	int rc;

	if (unlink(r->path) != 0 && errno != ENOENT)
		return err_errno(e, errno, "%s: unlink", r->path);
	rc = sync_dir_of(r->path, e);
	return rc == -ERR_NOTFOUND ? 0 : rc; /* no directory, no file */
}

static int do_rename(struct disk_req *r, struct err *e)
{
	if (rename(r->path, r->to) != 0)
		return err_errno(e, errno, "%s: rename to %s", r->path, r->to);
	return sync_dir_of(r->to, e);
}

static int do_statvfs(struct disk_req *r, struct err *e)
{
	struct statvfs v;

	if (statvfs(r->path, &v) != 0)
		return err_errno(e, errno, "%s: statvfs", r->path);
	r->fs.blocks = v.f_blocks;
	r->fs.bfree = v.f_bfree;
	r->fs.bavail = v.f_bavail;
	r->fs.frsize = v.f_frsize;
	return 0;
}

static void close_dir(DIR **dir)
{
	if (*dir != NULL)
		closedir(*dir);
}

static int do_list(struct disk_req *r, struct err *e)
{
	CLEANUP(close_dir) DIR *dir = opendir(r->path);
	const struct dirent *d;

	if (dir == NULL)
		return err_errno(e, errno, "%s: list", r->path);
	/* readdir(3) gives NULL at the end and for an error; errno alone tells which. */
	for (errno = 0; (d = readdir(dir)) != NULL; errno = 0)
		if (!str_eq(d->d_name, ".") && !str_eq(d->d_name, ".."))
			buf_add(r->names, d->d_name, strlen(d->d_name) + 1);
	return errno == 0 ? buf_check(r->names, r->path, e) : err_errno(e, errno, "%s: list", r->path);
}

static int (*const ops[])(struct disk_req *r, struct err *e) = {
	[DISK_APPEND] = do_append, [DISK_REPLACE] = do_replace, [DISK_TRUNCATE] = do_truncate, [DISK_UNLINK] = do_unlink,
	[DISK_RENAME] = do_rename, [DISK_STATVFS] = do_statvfs, [DISK_LIST] = do_list,
};

static void on_work(uv_work_t *work)
{
	struct job *j = container_of(work, struct job, work);

	j->rc = ops[j->r->op](j->r, &j->r->err);
}

/* ---- on the loop --------------------------------------------------------------------------------------------------- */

static bool names(const struct disk_req *r, const char *path)
{
	return path != NULL && (str_eq(r->path, path) || (r->to != NULL && str_eq(r->to, path)));
}

/* DISK_STATVFS waits for no other request and holds none up, because a file system may hang. */
static bool must_wait(const struct world_uv *u, const struct disk_req *r)
{
	if (r->op == DISK_STATVFS)
		return false;
	list_each(n, &u->disks) {
		const struct disk_req *before = list_entry(n, struct disk_req, link);

		if (before == r)
			break;
		if (before->op != DISK_STATVFS && (names(before, r->path) || names(before, r->to)))
			return true;
	}
	return false;
}

static void on_worked(uv_work_t *work, int status);

static void begin_what_may(struct world_uv *u)
{
	list_each(n, &u->disks) {
		struct disk_req *r = list_entry(n, struct disk_req, link);
		struct job *j = r->impl;

		if (j->begun || must_wait(u, r))
			continue;
		j->begun = true;
		/* It fails only for work without a function. */
		uv_queue_work(&u->loop, &j->work, on_work, on_worked);
	}
}

static void on_worked(uv_work_t *work, int status)
{
	struct job *j = container_of(work, struct job, work);
	struct disk_req *r = j->r;
	int rc = status == 0 ? j->rc : -ERR_CANCELED;
	struct world_uv *u = j->u;

	mem_free(j);
	if (r == NULL)
		return;
	list_del(&r->link);
	r->impl = NULL;
	begin_what_may(u);
	if (r->cb != NULL)
		/* The last thing: the callback may start r again, or free it. */
		r->cb(r, rc);
}

static void start(struct world *w, struct disk_req *r, disk_cb *cb)
{
	struct world_uv *u = world_uv_of(w);
	struct job *j = mem_new(struct job);

	assert(r->impl == NULL);
	j->u = u;
	j->r = r;
	r->impl = j;
	r->cb = cb;
	r->err = (struct err){ 0 };
	list_add(&u->disks, &r->link);
	begin_what_may(u);
}

void world_uv_disk_init(struct world_uv *u)
{
	list_init(&u->disks);
	u->w.disk_start = start;
}

static void forget(struct disk_req *r)
{
	struct job *j = r->impl;

	list_del(&r->link);
	r->impl = NULL;
	if (!j->begun)
		mem_free(j);
	else
		j->r = NULL;
}

/* Data belongs to the owner, who may free it when the world is freed: so what a worker holds is waited for. */
void world_uv_disk_close(struct world_uv *u)
{
	list_each_safe(n, &u->disks) {
		struct disk_req *r = list_entry(n, struct disk_req, link);
		struct job *j = r->impl;

		/* Work that no thread has taken yet can be called off: its on_worked still comes, and frees the job alone. */
		if (!j->begun || uv_cancel((uv_req_t *)&j->work) == 0)
			forget(r);
	}
	list_each(n, &u->disks)
		list_entry(n, struct disk_req, link)->cb = NULL;
}

bool world_uv_disk_is_busy(const struct world_uv *u)
{
	return !list_empty(&u->disks);
}

bool world_uv_disk_is_writing(const struct world_uv *u)
{
	list_each(n, &u->disks) {
		const struct disk_req *r = list_entry(n, struct disk_req, link);

		if (r->op != DISK_STATVFS && r->op != DISK_LIST)
			return true;
	}
	return false;
}
