/* host_fs.c - file systems, asked one after the other in a worker thread.
 *
 * Happy path: mountinfo gives the mounts, each is asked (statvfs), each answers, all points are emitted, done.
 * Fails: one that does not answer within DEADLINE_MS is left out and counted. Its request goes on alone; while any hangs
 * that mount is not asked again, and with HUNG_MAX of them none is: each holds a worker thread that the disk needs too.
 * Freeing leaves hanging requests to themselves: each frees itself when it returns. */
#include "collectors/host_impl.h"

#include <string.h>

#include "agent/base/list.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define DEADLINE_MS 2000
#define HUNG_MAX 2
#define MOUNTS_MAX 64

/* One question. It owns itself, because a file system may hang and answer at any later time. */
struct ask {
	struct list link;   /* in fs->hung, once it is late */
	struct host_fs *fs; /* NULL: its answer is not waited for any more */
	struct disk_req disk;
	char *point;
	bool late;
};

struct answer {
	bool came;
	uint64_t size, free, available; /* bytes */
};

struct host_fs {
	struct host *h;
	struct host_mount *mounts;
	struct answer answers[MOUNTS_MAX];
	size_t n, at;    /* mounts of this reading; the one being asked */
	struct ask *ask; /* the question under way; NULL: none */
	struct list hung;
	size_t hung_n;
	struct timer deadline;
	void (*done)(struct host *h);
};

/* ---- points -------------------------------------------------------------------------------------------------------------- */

static void emit_usage(struct host *h, const struct host_mount *m, const struct answer *a)
{
	const struct {
		const char *state;
		uint64_t v;
	} rows[] = { { "used", a->size - a->free }, { "free", a->available }, { "reserved", a->free - a->available } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		host_int(h, "system.filesystem.usage", "By", TELEMETRY_UPDOWN, rows[i].v, "system.device", m->device,
			 "system.filesystem.mountpoint", m->point, "system.filesystem.mode", m->read_only ? "ro" : "rw",
			 "system.filesystem.type", m->type, "system.filesystem.state", rows[i].state, NULL);
}

static void emit_limit(struct host *h, const struct host_mount *m, const struct answer *a)
{
	host_int(h, "system.filesystem.limit", "By", TELEMETRY_UPDOWN, a->size, "system.device", m->device,
		 "system.filesystem.mountpoint", m->point, "system.filesystem.mode", m->read_only ? "ro" : "rw",
		 "system.filesystem.type", m->type, NULL);
}

static void emit_utilization(struct host *h, const struct host_mount *m, const struct answer *a)
{
	host_double(h, "system.filesystem.utilization", "1", TELEMETRY_GAUGE, (double)(a->size - a->free) / (double)a->size,
		    "system.device", m->device, "system.filesystem.mountpoint", m->point, "system.filesystem.mode",
		    m->read_only ? "ro" : "rw", "system.filesystem.type", m->type, NULL);
}

static void each_answer(struct host_fs *fs, void (*emit)(struct host *h, const struct host_mount *m, const struct answer *a))
{
	for (size_t i = 0; i < fs->n; i++)
		if (fs->answers[i].came && fs->answers[i].size > 0)
			emit(fs->h, &fs->mounts[i], &fs->answers[i]);
}

/* ---- questions ------------------------------------------------------------------------------------------------------------- */

static void ask_next(struct host_fs *fs);

static void ask_free(struct ask *a)
{
	list_del(&a->link);
	mem_free(a->point);
	mem_free(a);
}

/* Free blocks are fewer than none where a quota or the reserve of root is used up: the kernel tells them as a very large number,
 * and some file systems as one of 32 bits. Of a disk that is full nothing is free. */
static uint64_t free_blocks(uint64_t v, uint64_t most)
{
	bool is_negative = v > INT64_MAX || (v > INT32_MAX && v <= UINT32_MAX && v > most);

	return is_negative ? 0 : v < most ? v : most;
}

/* False: the numbers are those of no file system. */
static bool take(struct answer *to, const struct disk_req *r)
{
	uint64_t bfree = free_blocks(r->fs.bfree, r->fs.blocks), bavail = free_blocks(r->fs.bavail, bfree);
	uint64_t size = host_times(r->fs.blocks, r->fs.frsize);

	if (size > INT64_MAX)
		return false;
	*to = (struct answer){ true, size, bfree * r->fs.frsize, bavail * r->fs.frsize };
	return true;
}

static void take_answer(struct host_fs *fs, const struct disk_req *r, int rc)
{
	if (rc != 0)
		fs->h->stats.file_systems_failed++;
	else if (!take(&fs->answers[fs->at], r))
		fs->h->left.odd++;
}

static void on_answer(struct disk_req *r, int rc)
{
	struct ask *a = container_of(r, struct ask, disk);
	struct host_fs *fs = a->fs;
	bool late = a->late;

	if (fs != NULL && late)
		fs->hung_n--;
	if (fs != NULL && !late)
		take_answer(fs, r, rc);
	ask_free(a);
	/* The reading went on without a late answer, so that moves nothing; it only frees its worker thread. */
	if (fs == NULL || late)
		return;
	timer_stop(fs->h->w, &fs->deadline);
	fs->ask = NULL;
	fs->at++;
	ask_next(fs);
}

static void on_deadline(struct timer *t)
{
	struct host_fs *fs = container_of(t, struct host_fs, deadline);

	fs->ask->late = true;
	list_add(&fs->hung, &fs->ask->link);
	fs->hung_n++;
	fs->h->stats.file_systems_hung++;
	log_warn("host.fs.hung", "mount=%s deadline_ms=%d", fs->ask->point, DEADLINE_MS);
	fs->ask = NULL;
	fs->at++;
	ask_next(fs);
}

static bool is_hung(const struct host_fs *fs, const char *point)
{
	list_each(n, &fs->hung)
		if (str_eq(list_entry(n, struct ask, link)->point, point))
			return true;
	return fs->hung_n >= HUNG_MAX;
}

static void ask_next(struct host_fs *fs)
{
	for (; fs->at < fs->n && is_hung(fs, fs->mounts[fs->at].point); fs->at++)
		fs->h->stats.file_systems_hung++;
	if (fs->at == fs->n) {
		/* By metric and not by file system: the sink wants all points of one metric together (telemetry.h). */
		each_answer(fs, emit_usage);
		each_answer(fs, emit_limit);
		each_answer(fs, emit_utilization);
		fs->done(fs->h);
		return;
	}
	fs->ask = mem_new(struct ask);
	fs->ask->fs = fs;
	fs->ask->point = mem_str(fs->mounts[fs->at].point);
	fs->ask->disk = (struct disk_req){ .op = DISK_STATVFS, .path = fs->ask->point };
	timer_start(fs->h->w, &fs->deadline, DEADLINE_MS, on_deadline);
	fs->h->w->disk_start(fs->h->w, &fs->ask->disk, on_answer);
}

/* ---- the whole --------------------------------------------------------------------------------------------------------------- */

struct host_fs *host_fs_new(struct host *h)
{
	struct host_fs *fs = mem_new(struct host_fs);

	fs->h = h;
	fs->mounts = mem_alloc(MOUNTS_MAX * sizeof(*fs->mounts));
	list_init(&fs->hung);
	return fs;
}

void host_fs_read(struct host_fs *fs, void (*done)(struct host *h))
{
	const char *text = host_read(fs->h, "/proc/self/mountinfo");

	fs->done = done;
	fs->n = text != NULL ? host_parse_mounts(text, fs->mounts, MOUNTS_MAX, &fs->h->left) : 0;
	fs->at = 0;
	memset(fs->answers, 0, sizeof(fs->answers));
	ask_next(fs);
}

void host_fs_free(struct host_fs *fs)
{
	timer_stop(fs->h->w, &fs->deadline);
	if (fs->ask != NULL)
		fs->ask->fs = NULL;
	list_each(n, &fs->hung)
		list_entry(n, struct ask, link)->fs = NULL;
	mem_free(fs->mounts);
	/* A hanging question takes itself out of its list when it returns. That must not write into a list that is freed here. */
	while (!list_empty(&fs->hung))
		list_pop(&fs->hung);
	mem_free(fs);
}
