/* tail_scan.c - which files there are: each folder is listed once, inodes that are new are taken, those no longer found are
 * rotated away.
 *
 * A name leads to an inode, and only the inode counts: a known one under another name stays where it is, also when the
 * pattern matches both names. New ones are taken oldest first, behind those that were born and renamed unseen.
 * A folder may hold very many names: a worker lists it, and the loop does the rest in slices, name by name, file by file.
 *
 *     rest --> find --> list --> look --> orphans --> successors --> fresh --> list (the next folder) ... --> rest
 *
 * Fails: a folder that cannot be listed or entered, or a disk that fails, leaves its files as they are until the next scan; a
 * folder that is closed, or is none, is refused. A single path that cannot be followed is refused, and the others are judged
 * as ever.
 * Stopping it is at once, unless a worker lists: then when that is done. */
#include "collectors/tail_impl.h"

#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define PATH_MAX_BYTES 4096
#define SLICE_MS 2
#define SLICE_STEPS 256
#define REST_LEAST_MS 100

/* From list to fresh there is a folder in hand. Where no folder is there the scan ends as it began: from rest to rest. */
enum { SCAN_REST, SCAN_FIND, SCAN_LIST, SCAN_LOOK, SCAN_ORPHANS, SCAN_SUCCESSORS, SCAN_FRESH };

static const struct sm_state scan_states[] = {
	[SCAN_REST] = { "rest", SM_TO(SCAN_FIND) | SM_TO(SCAN_LIST) | SM_TO(SCAN_REST) },
	[SCAN_FIND] = { "find", SM_TO(SCAN_LIST) | SM_TO(SCAN_REST) },
	[SCAN_LIST] = { "list", SM_TO(SCAN_LOOK) },
	[SCAN_LOOK] = { "look", SM_TO(SCAN_ORPHANS) },
	[SCAN_ORPHANS] = { "orphans", SM_TO(SCAN_SUCCESSORS) },
	[SCAN_SUCCESSORS] = { "successors", SM_TO(SCAN_FRESH) },
	[SCAN_FRESH] = { "fresh", SM_TO(SCAN_LIST) | SM_TO(SCAN_REST) },
};

static const char *scan_broken(const struct sm *m)
{
	const struct tail_scan *s = container_of(m, const struct tail_scan, sm);

	if ((m->now == SCAN_REST || m->now == SCAN_LIST) && (s->names.len > 0 || s->fresh.n > 0 || s->afters_n > 0))
		return "of one folder nothing is left when the next one is entered";
	if (m->now == SCAN_LIST && s->find.ways_n > 0)
		return "folders are entered when all of them are found";
	if (m->now > SCAN_LIST && s->disk.impl != NULL)
		return "a folder's names are looked at when it has been listed";
	if (m->now > SCAN_LOOK && s->at < s->names.len)
		return "files are taken when every name was looked at";
	return NULL;
}

static const struct sm_machine scan_machine = SM_MACHINE("tail_scan", scan_states, scan_broken);

char *tail_scan_path(const struct tail_scan *s, const char *name)
{
	return mem_printf("%s/%s", str_eq(s->dir, "/") ? "" : s->dir, name);
}

bool tail_scan_is_of(const struct tail *t, const struct tail_source *src)
{
	return src->folder != NULL && src->folder == t->scan.folder;
}

/* ---- looking at names -------------------------------------------------------------------------------------------------------- */

/* Under another name it was renamed: then it is looked at once more before a file that took the old one is read. The first of
 * several names that lead to it counts. */
static void found(struct tail_file *tf, const struct tail_candidate *c)
{
	if (!tf->found && !str_eq(tf->here, c->name)) {
		tail_table_name(tf, c->name);
		tf->at_end = false;
		tail_awake(tf);
	}
	if (c->size != tf->size)
		tail_awake(tf);
	tf->found = true;
	tf->rotated = false;
}

/* No text when it was opened, and not written since. */
static bool is_archive(struct tail *t, const struct tail_candidate *c, const struct tail_known *k, const char *path)
{
	if (k == NULL || k->archive == NULL || k->archive->mtime_ms != c->mtime_ms)
		return false;
	k->archive->seen = t->scan.number;
	if (c->src != NULL)
		tail_refuse(c->src, k->archive->why, path);
	return true;
}

/* What a name is worth, by the inode that it leads to; the first row that fits:
 *
 *   a file that is followed                          it is still here, if a pattern matches
 *   no text when opened, and not written since       refused again, unopened
 *   a position names it                              an orphan, if it had another name; taken with its place, if a pattern matches
 *   it stands beside the name of a known file        a successor perhaps; taken as well, if a pattern matches
 *   a pattern matches                                taken as new
 */
static void sort_in(struct tail *t, struct tail_candidate *c, const char *path, bool is_beside)
{
	struct tail_scan *s = &t->scan;
	const struct tail_known *k = tail_index_find(&t->index, c->dev, c->ino);

	if (k != NULL && k->file != NULL) {
		if (c->src != NULL)
			found(k->file, c);
		return;
	}
	if (is_archive(t, c, k, path))
		return;
	if (k != NULL && k->position == NULL)
		k = NULL;
	if (k != NULL)
		k->position->seen = s->number;
	/* What this process let go was read to its end under its old name; only what an earlier one left is searched for. */
	if (k != NULL && s->seeks && !k->position->let_go)
		tail_seek_position(t, c, &k->position->left);
	c->claims = k != NULL;
	if (k == NULL && c->src != NULL && tail_pass_old(t, c, path))
		return;
	if (k == NULL && is_beside)
		tail_queue_add(&s->beside, c);
	if (c->src != NULL)
		tail_queue_add(&s->fresh, c);
}

/* May we list the folder, but not enter it? Then nothing is known of any of its names. */
static bool is_closed(struct tail *t)
{
	CLEANUP(mem_close) char *path = tail_scan_path(&t->scan, ".");
	struct disk_stat st;

	return t->scan.failed || t->w->disk_stat(t->w, path, &st, NULL) == -ERR_DENIED;
}

/* Anybody who may write the folder can make links in a circle and links into closed folders: they must not keep other files from
 * being rotated. */
static void cannot_look_at(struct tail *t, struct tail_source *src, int rc, const char *path)
{
	if (!tail_refuse_if_path(src, rc, path) || (rc == -ERR_DENIED && is_closed(t)))
		t->scan.failed = true; /* nothing is known of it */
}

static void look_at(struct tail *t, const char *name)
{
	CLEANUP(mem_close) char *path = NULL;
	struct tail_candidate c = { .src = tail_folder_source(t->scan.folder, name), .name = name };
	bool is_beside = tail_index_is_beside(&t->index, name);
	struct disk_stat st;
	int rc;

	/* Most names of a large folder end here, without a question to the disk. */
	if (c.src == NULL && !is_beside && !t->scan.seeks)
		return;
	path = tail_scan_path(&t->scan, name);
	/* Links are followed here, because the inode counts; where a link led is judged when the file is open. */
	rc = t->w->disk_stat(t->w, path, &st, NULL);
	if (rc != 0 && rc != -ERR_NOTFOUND) /* a name that leads nowhere is known to be nothing */
		cannot_look_at(t, c.src, rc, path);
	if (rc == 0 && !st.is_file && !st.is_dir && c.src != NULL)
		tail_refuse(c.src, TAIL_LINK, path);
	if (rc != 0 || !st.is_file)
		return;
	c.dev = st.dev;
	c.ino = st.ino;
	c.size = st.size;
	c.mtime_ms = st.mtime_ms;
	sort_in(t, &c, path, is_beside);
}

static void look(struct tail *t)
{
	struct tail_scan *s = &t->scan;
	const char *name = s->names.data + s->at;

	if (s->at >= s->names.len) {
		sm_move(&s->sm, SCAN_ORPHANS);
		return;
	}
	tail_index_for(t, s->dir);
	s->at += strlen(name) + 1;
	look_at(t, name);
}

/* ---- taking ------------------------------------------------------------------------------------------------------------------ */

static void mark_rotated(struct tail *t)
{
	list_each(n, &t->files) {
		struct tail_file *tf = list_entry(n, struct tail_file, link);

		if (!tail_scan_is_of(t, tf->src) || tf->found || tf->rotated)
			continue;
		tail_file_rotate(tf);
	}
}

/* The renamed ones stand before the new ones: taking adds to the list's end only. */
static void orphans(struct tail *t)
{
	if (tail_seek_orphan(t))
		return;
	/* In a folder that was seen in part, a file that is missing may stand among the names that were not. */
	if (!t->scan.failed)
		mark_rotated(t);
	tail_seek_after(t);
	sm_move(&t->scan.sm, SCAN_SUCCESSORS);
}

static void successors(struct tail *t)
{
	if (!tail_seek_successor(t))
		sm_move(&t->scan.sm, SCAN_FRESH);
}

/* Too many: the rest is told of, not opened. */
static void refuse_the_rest(struct tail *t, const struct tail_candidate *first)
{
	struct tail_scan *s = &t->scan;
	CLEANUP(mem_close) char *path = tail_scan_path(s, first->name);

	tail_refuse(first->src, TAIL_FULL, path);
	for (size_t i = 0; i < s->fresh.n; i++)
		tail_refuse(s->fresh.v[i].src, TAIL_FULL, path);
	tail_queue_close(&s->fresh);
}

static void take_fresh(struct tail *t, const struct tail_candidate *c)
{
	CLEANUP(buf_close) struct buf real = BUF_MAX(PATH_MAX_BYTES);
	CLEANUP(mem_close) char *path = tail_scan_path(&t->scan, c->name);
	int rc = t->w->disk_realpath(t->w, path, &real, NULL);
	struct tail_file *tf = rc == 0 ? tail_open(c->src, buf_str(&real), buf_str(&real), c) : NULL;

	if (tf != NULL)
		tail_keep(tf);
	else if (rc != 0 && !tail_refuse_if_path(c->src, rc, path))
		t->scan_again = t->scan.folder->is_dirty = true;
}

static void finish_folder(struct tail *t);

static void fresh(struct tail *t)
{
	struct tail_candidate c;

	if (!tail_queue_take(&t->scan.fresh, &c)) {
		finish_folder(t);
	} else if (tail_file_of(t, c.dev, c.ino) != NULL) {
		return; /* two links to one inode, or found by another way */
	} else if (t->files_n >= t->files_max) {
		refuse_the_rest(t, &c);
		finish_folder(t);
	} else {
		take_fresh(t, &c);
	}
}

/* ---- folder by folder -------------------------------------------------------------------------------------------------------- */

static void leave_folder(struct tail_scan *s)
{
	buf_close(&s->names);
	tail_queue_close(&s->orphans);
	tail_queue_close(&s->beside);
	tail_queue_close(&s->successors);
	tail_queue_close(&s->fresh);
	for (size_t i = 0; i < s->afters_n; i++)
		mem_free(s->afters[i].path);
	mem_free(s->afters);
	s->afters = NULL;
	s->afters_n = 0;
}

static void refuse_folder(struct tail *t, int rc)
{
	for (size_t i = 0; i < t->sources_n; i++)
		if (tail_scan_is_of(t, t->sources[i]))
			tail_refuse_if_path(t->sources[i], rc, t->scan.dir);
}

static void on_step(struct timer *timer);

static void on_listed(struct disk_req *r, int rc)
{
	struct tail *t = container_of(r, struct tail, scan.disk);
	struct tail_scan *s = &t->scan;

	sm_move(&s->sm, SCAN_LOOK);
	/* Also with names that are too many: those that came are looked at, but nobody is missing for not being among them. */
	s->failed = rc != 0;
	if (rc == -ERR_DENIED || rc == -ERR_INVALID)
		refuse_folder(t, rc);
	t->stats.large_folders += rc == -ERR_LIMIT;
	if (rc == -ERR_LIMIT && s->seeks) /* once each poll is often enough */
		log_warn("tail.folder.large", "dir=%s names_max_bytes=%u next=\"only what was listed is looked at\"", s->dir,
			 TAIL_NAMES_MAX);
	tail_scan_step_later(t);
}

static void enter_folder(struct tail *t, struct tail_folder *f)
{
	struct tail_scan *s = &t->scan;

	sm_move(&s->sm, SCAN_LIST);
	s->folder = f;
	s->dir = f->dir;
	s->at = 0;
	s->names = BUF_MAX(TAIL_NAMES_MAX);
	t->index.stale = true;
	/* Several patterns may lie in one folder: it is listed once for all of them. What changes from now on may be missed. */
	f->is_scanned = true;
	f->is_dirty = false;
	list_each(n, &t->files)
		if (tail_scan_is_of(t, list_entry(n, struct tail_file, link)->src))
			list_entry(n, struct tail_file, link)->found = false;
	disk_list(t->w, &s->disk, s->dir, &s->names, on_listed);
}

static void end(struct tail *t)
{
	uint64_t took_ms;

	t->scanned_ms = world_now_ms(t->w);
	took_ms = t->scanned_ms - t->scan.began_ms;
	t->rest_ms = 2 * took_ms > REST_LEAST_MS ? 2 * took_ms : REST_LEAST_MS; /* a busy folder costs a third of a CPU at most */
	t->scan.folder = NULL;
	if (t->scan.is_whole)
		tail_archives_sweep(t);
	if (t->scan.seeks && !t->scan.partial)
		tail_positions_sweep(t);
	if (t->scan.is_whole)
		tail_pass_end(t);
	sm_move(&t->scan.sm, SCAN_REST);
}

static bool has_files(const struct tail *t, const struct tail_folder *f)
{
	for (size_t i = 0; i < t->sources_n; i++)
		if (t->sources[i]->folder == f)
			return true;
	return false;
}

static void enter_next_folder(struct tail *t)
{
	list_each(n, &t->folders) {
		struct tail_folder *f = list_entry(n, struct tail_folder, link);

		if (f->is_scanned || (!f->is_dirty && !t->scan.is_whole) || !has_files(t, f))
			continue;
		enter_folder(t, f);
		return;
	}
	end(t);
}

static void find(struct tail *t)
{
	if (!tail_find_step(t))
		enter_next_folder(t);
}

static void finish_folder(struct tail *t)
{
	for (size_t i = 0; i < t->sources_n; i++)
		if (tail_scan_is_of(t, t->sources[i]))
			tail_refused(t->sources[i], !t->scan.failed);
	t->scan.partial |= t->scan.failed;
	leave_folder(&t->scan);
	enter_next_folder(t);
}

/* Each does one piece of its work, or moves on when there is none left. At rest, and while a worker lists, there is no step. */
static void (*const steps[])(struct tail *t) = {
	[SCAN_FIND] = find, [SCAN_LOOK] = look, [SCAN_ORPHANS] = orphans, [SCAN_SUCCESSORS] = successors, [SCAN_FRESH] = fresh,
};

static bool has_steps(const struct tail_scan *s)
{
	return s->sm.now > SCAN_LIST || (s->sm.now == SCAN_FIND && !s->find.is_listing);
}

static void on_step(struct timer *timer)
{
	struct tail *t = container_of(timer, struct tail, scan.timer);
	struct tail_scan *s = &t->scan;
	uint64_t end_ms = world_now_ms(t->w) + SLICE_MS;
	size_t files_n = t->files_n;

	for (unsigned n = 0; n < SLICE_STEPS && has_steps(s) && world_now_ms(t->w) < end_ms; n++)
		steps[s->sm.now](t);
	if (has_steps(s))
		timer_start(t->w, &s->timer, 0, on_step);
	if (t->files_n != files_n || !tail_scan_runs(t))
		tail_wake(t, 0); /* what was taken is to be read */
}

void tail_scan_step_later(struct tail *t)
{
	if (ending_is_on(&t->end))
		ending_step(&t->end);
	else
		timer_start(t->w, &t->scan.timer, 0, on_step);
}

void tail_scan_init(struct tail_scan *s)
{
	sm_init(&s->sm, &scan_machine, SCAN_REST);
}

bool tail_scan_runs(const struct tail *t)
{
	return t->scan.sm.now != SCAN_REST;
}

bool tail_scan_is_listing(const struct tail *t)
{
	return t->scan.sm.now == SCAN_LIST || t->scan.find.is_listing;
}

void tail_scan_start(struct tail *t)
{
	struct tail_scan *s = &t->scan;

	s->number++;
	s->began_ms = world_now_ms(t->w);
	s->partial = false;
	s->is_whole = t->whole_wanted;
	s->seeks = t->seek_wanted && tail_positions_want_all_names(t);
	/* Forgotten before a folder is listed: what changes from now on may be missed by this scan and wants another. */
	t->scan_wanted = t->scan_again = t->whole_wanted = t->seek_wanted = false;
	list_each(n, &t->folders)
		list_entry(n, struct tail_folder, link)->is_scanned = false;
	if (!s->is_whole) {
		enter_next_folder(t);
		return;
	}
	sm_move(&s->sm, SCAN_FIND);
	tail_find_begin(t);
	tail_scan_step_later(t);
}

void tail_scan_close(struct tail *t)
{
	timer_stop(t->w, &t->scan.timer);
	leave_folder(&t->scan);
	tail_find_close(&t->scan.find);
}
