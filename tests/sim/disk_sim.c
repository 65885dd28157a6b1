/* disk_sim.c - disk requests as stages spread over virtual time.
 *
 * Each request is a list of stages (open, write, sync, rename, sync of the folder); between two of them time passes,
 * other requests run and the agent may die. Requests on one path run in the order started, as in the real world. A failure
 * that a test asked for happens in a stage that the seed picks and leaves behind what a disk would: part of a write, or,
 * where a sync failed, bytes of which nobody knows whether they arrived. */
#include "tests/sim/world_sim_impl.h"

#include <assert.h>
#include <string.h>

struct job;
typedef int stage(struct job *j);

struct job {
	struct world_sim *s;
	struct disk_req *r;
	char *file;      /* the name the bytes are written under */
	struct inode *i; /* once it is open */
	stage *const *stages;
	unsigned at;    /* the next stage */
	unsigned fails; /* the stage that fails, counted from 1; 0: none */
	int code;       /* with this */
	bool begun;
};

static int fail(struct job *j, int code, const char *why)
{
	return err_set(&j->r->err, code, "%s: %s", j->file, why);
}

/* ---- stages -------------------------------------------------------------------------------------------------------------- */

static int make_file(struct job *j)
{
	struct inode *i = sim_fs_make(j->s, j->file, j->r->mode != 0 ? j->r->mode : 0600);

	if (i == NULL)
		return fail(j, ERR_NOTFOUND, "no such directory");
	j->i = sim_inode_ref(i);
	return 0;
}

static int open_old(struct job *j)
{
	struct inode *i = sim_fs_find(j->s, j->file, true);

	if (i == NULL)
		return fail(j, ERR_NOTFOUND, "no such file");
	if (i->is_dir)
		return fail(j, ERR_IO, "is a directory");
	j->i = sim_inode_ref(i);
	return 0;
}

static int open_to_append(struct job *j)
{
	if (sim_fs_find(j->s, j->file, true) == NULL)
		return j->r->offset == 0 ? make_file(j) : fail(j, ERR_CORRUPT, "is gone");
	TRY(open_old(j));
	return j->i->now.len >= j->r->offset ? 0 : fail(j, ERR_CORRUPT, "is shorter than it was");
}

static int open_tmp(struct job *j)
{
	if (sim_fs_find(j->s, j->file, false) != NULL)
		sim_fs_unlink(j->s, j->file);
	return make_file(j);
}

static int cut(struct job *j)
{
	sim_fs_cut(j->s, j->i, j->r->offset);
	return 0;
}

static int write_data(struct job *j)
{
	return sim_fs_write(j->s, j->i, j->r->data, j->r->len) == 0 ? 0 : fail(j, ERR_NOSPACE, "no space left on device");
}

static int sync_data(struct job *j)
{
	sim_fs_sync(j->i);
	return 0;
}

static int sync_dir(struct job *j)
{
	CLEANUP(mem_close) char *dir = sim_fs_dir(j->r->path);

	sim_fs_sync_dir(j->s, dir);
	return 0;
}

static int sync_dir_of_new(struct job *j)
{
	return j->r->offset == 0 ? sync_dir(j) : 0;
}

static int rename_tmp(struct job *j)
{
	sim_fs_rename(j->s, j->file, j->r->path);
	return 0;
}

static int rename_to(struct job *j)
{
	if (sim_fs_find(j->s, j->r->path, false) == NULL)
		return fail(j, ERR_NOTFOUND, "no such file");
	sim_fs_rename(j->s, j->r->path, j->r->to);
	return 0;
}

static int unlink_name(struct job *j)
{
	if (sim_fs_find(j->s, j->r->path, false) != NULL)
		sim_fs_unlink(j->s, j->r->path);
	return 0;
}

static int measure(struct job *j)
{
	uint64_t used = sim_fs_used(j->s);
	uint64_t left = used < j->s->capacity ? (j->s->capacity - used) / 512 : 0;

	j->r->fs.frsize = 512;
	j->r->fs.blocks = j->s->capacity / 512;
	j->r->fs.bfree = j->r->fs.bavail = left;
	return 0;
}

static int add_name(void *ctx, const char *name)
{
	return buf_add(ctx, name, strlen(name) + 1);
}

static int list_names(struct job *j)
{
	CLEANUP(mem_close) char *real = sim_fs_real(j->s, j->r->path);
	const struct inode *dir = sim_fs_find(j->s, real, false);

	if (dir == NULL)
		return fail(j, sim_fs_why_none(j->s, real), "no such directory");
	if (!dir->is_dir)
		return fail(j, ERR_INVALID, "not a directory");
	sim_fs_list(j->s, real, add_name, j->r->names);
	return buf_check(j->r->names, j->r->path, &j->r->err);
}

static stage *const append_stages[] = { open_to_append, cut, write_data, sync_data, sync_dir_of_new, NULL };
static stage *const lazy_stages[] = { open_to_append, cut, write_data, NULL };
static stage *const replace_stages[] = { open_tmp, write_data, sync_data, rename_tmp, sync_dir, NULL };
static stage *const truncate_stages[] = { open_old, cut, sync_data, NULL };
static stage *const unlink_stages[] = { unlink_name, sync_dir, NULL };
static stage *const rename_stages[] = { rename_to, sync_dir, NULL };
static stage *const statvfs_stages[] = { measure, NULL };
static stage *const list_stages[] = { list_names, NULL };

static stage *const *const stages_of[] = {
	[DISK_APPEND] = append_stages, [DISK_REPLACE] = replace_stages, [DISK_TRUNCATE] = truncate_stages,
	[DISK_UNLINK] = unlink_stages, [DISK_RENAME] = rename_stages,   [DISK_STATVFS] = statvfs_stages,
	[DISK_LIST] = list_stages,
};

/* ---- one after the other --------------------------------------------------------------------------------------------------- */

static bool is_sync(stage *st)
{
	return st == sync_data || st == sync_dir || st == sync_dir_of_new;
}

static int fail_here(struct job *j, stage *st)
{
	if (st == write_data)
		sim_fs_write(j->s, j->i, j->r->data, j->r->len > 0 ? sim_chance(j->s) % j->r->len : 0);
	if (st == sync_data)
		sim_fs_tear(j->s, j->i);
	return fail(j, j->code, j->code == ERR_NOSPACE ? "no space left on device" : "input/output error");
}

/* What the real world cleans up after a failure: a half-made file is not left in the way. */
static void clean_up(struct job *j, stage *failed)
{
	bool made = j->i != NULL && (failed == write_data || failed == sync_data || failed == rename_tmp);

	if (made && j->r->op == DISK_REPLACE)
		sim_fs_unlink(j->s, j->file);
}

static void job_free(struct job *j)
{
	list_del(&j->r->link);
	j->r->impl = NULL;
	sim_inode_unref(j->i);
	mem_free(j->file);
	mem_free(j);
}

static void begin_what_may(struct world_sim *s);

static void finish(struct job *j, int rc)
{
	struct world_sim *s = j->s;
	struct disk_req *r = j->r;

	sim_trace(&s->w, "disk done %s %s", j->file, err_name(rc));
	job_free(j);
	begin_what_may(s);
	r->cb(r, rc);
}

static void on_stage(void *ctx);

static void wait_for_next(struct job *j)
{
	uint64_t delay = j->s->disk_hangs ? 1000 : is_sync(j->stages[j->at]) ? sim_between(j->s, 1, 24) : sim_between(j->s, 0, 1);

	sim_event_add(j->s, delay, "disk", true, on_stage, j);
}

static bool dies_here(struct job *j, const char *where)
{
	return j->r->op != DISK_STATVFS && j->r->op != DISK_LIST && sim_crash_point(j->s, where, j->r->path);
}

static void on_stage(void *ctx)
{
	struct job *j = ctx;
	stage *st = j->stages[j->at];
	int rc;

	if (j->s->disk_hangs) {
		wait_for_next(j);
		return;
	}
	if (dies_here(j, j->at == 0 ? "before" : "inside"))
		return;
	rc = ++j->at == j->fails ? fail_here(j, st) : st(j);
	if (rc != 0)
		clean_up(j, st);
	else if (j->stages[j->at] != NULL)
		return wait_for_next(j);
	else if (dies_here(j, "after"))
		return;
	finish(j, rc);
}

static bool names(const struct disk_req *r, const char *path)
{
	return path != NULL && (strcmp(r->path, path) == 0 || (r->to != NULL && strcmp(r->to, path) == 0));
}

static bool must_wait(const struct world_sim *s, const struct disk_req *r)
{
	list_each(n, &s->jobs) {
		const struct disk_req *before = list_entry(n, struct disk_req, link);

		if (before == r)
			break;
		if (names(before, r->path) || names(before, r->to))
			return true;
	}
	return false;
}

static void begin_what_may(struct world_sim *s)
{
	list_each(n, &s->jobs) {
		struct job *j = list_entry(n, struct disk_req, link)->impl;

		if (j->begun || must_wait(s, j->r))
			continue;
		j->begun = true;
		wait_for_next(j);
	}
}

static void start(struct world *w, struct disk_req *r, disk_cb *cb)
{
	static const int fits[] = { ERR_IO, ERR_NOSPACE, 0 };
	struct world_sim *s = sim_of(w);
	struct job *j = mem_new(struct job);
	struct digest d = digest_of(r->data, r->len);
	unsigned count = 0;

	assert(r->impl == NULL && cb != NULL);
	r->impl = j;
	r->cb = cb;
	r->err = (struct err){ 0 };
	j->s = s;
	j->r = r;
	j->file = r->op == DISK_REPLACE ? mem_printf("%s.tmp", r->path) : mem_str(r->path);
	j->stages = r->lazy ? lazy_stages : stages_of[r->op];
	j->code = -sim_fault(s, SIM_DISK, fits);
	while (j->stages[count] != NULL)
		count++;
	j->fails = j->code != 0 ? (unsigned)sim_between(s, 1, count) : 0;
	sim_trace(w, "disk %d %s %zu %02x%02x%02x%02x", (int)r->op, r->path, r->len, d.b[0], d.b[1], d.b[2], d.b[3]);
	list_add(&s->jobs, &r->link);
	begin_what_may(s);
}

void sim_disk_hang(struct world *w, bool hangs)
{
	sim_of(w)->disk_hangs = hangs;
}

void sim_disk_init(struct world_sim *s)
{
	list_init(&s->jobs);
	s->w.disk_start = start;
}

/* The stages to come went with the other mortal events. */
void sim_disk_crash(struct world_sim *s)
{
	list_each_safe(n, &s->jobs) {
		struct disk_req *r = list_entry(n, struct disk_req, link);

		sim_bury(r);
		job_free(r->impl);
	}
}
