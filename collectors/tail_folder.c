/* tail_folder.c - the folders that are looked at, each watched once for all patterns that lie in it or lead through it.
 *
 * Where names come or go in one, a scan of that folder alone is wanted; in one through which a pattern leads, a search for folders
 * too. A write wakes the file alone.
 * Fails: no watch (limits of inotify, a network file system): the poll finds what changed, and tries to watch again. That is told
 * once, and again only after all were watched; how many are not, the stats say. */
#include "collectors/tail_impl.h"

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define WAKE_MS 50

static struct tail_folder *entry(struct list *n)
{
	return list_entry(n, struct tail_folder, link);
}

void tail_folder_again(struct tail_folder *f)
{
	if (f == NULL)
		return;
	f->is_dirty = true;
	f->t->scan_wanted = true;
}

struct tail_source *tail_folder_source(const struct tail_folder *f, const char *name)
{
	const struct tail *t = f->t;

	for (size_t i = 0; i < t->sources_n; i++)
		if (t->sources[i]->folder == f && str_glob(t->sources[i]->of->glob, name))
			return t->sources[i];
	return NULL;
}

static void on_change(struct watch *wt, const char *name, bool names)
{
	struct tail_folder *f = container_of(wt, struct tail_folder, watch);

	if (names || name == NULL) {
		tail_folder_again(f);
		f->t->whole_wanted |= f->has_folders;
	} else {
		tail_awake_written(f, name);
	}
	tail_wake(f->t, WAKE_MS);
}

static void tell(const struct tail_folder *f, int rc, const struct err *e)
{
	struct tail *t = f->t;

	if (!t->unwatched_told)
		log_warn("tail.watch.failed", "dir=%s err=%s next=%s", f->dir, err_text(e),
			 rc == -ERR_NOSPACE ? "looked at every 10 s alone; raise fs.inotify.max_user_watches"
					    : "looked at every 10 s alone");
	t->unwatched_told = true;
}

static void watch(struct tail_folder *f)
{
	struct world *w = f->t->w;
	struct err e = { 0 };
	int rc;

	if (f->watched)
		return;
	f->watch.dir = f->dir;
	rc = w->watch_start(w, &f->watch, on_change, &e);
	f->watched = rc == 0;
	if (rc != 0 && rc != -ERR_NOTFOUND)
		tell(f, rc, &e);
}

static void unwatch(struct tail_folder *f)
{
	if (f->watched)
		f->t->w->watch_stop(f->t->w, &f->watch);
	f->watched = false;
}

static void forget(struct tail_folder *f)
{
	unwatch(f);
	list_del(&f->link);
	f->t->folders_n--;
	mem_free(f->dir);
	mem_free(f);
}

static struct tail_folder *find_or_make(struct tail *t, const char *dir)
{
	struct tail_folder *f;

	list_each(n, &t->folders)
		if (str_eq(entry(n)->dir, dir))
			return entry(n);
	if (t->folders_n >= TAIL_FOLDERS_MAX)
		return NULL;
	f = mem_new(struct tail_folder);
	f->t = t;
	f->dir = mem_str(dir);
	list_add(&t->folders, &f->link);
	t->folders_n++;
	return f;
}

struct tail_folder *tail_folder_use(struct tail *t, const char *dir)
{
	struct tail_folder *f = find_or_make(t, dir);

	if (f == NULL)
		return NULL;
	f->is_used = true;
	watch(f);
	return f;
}

void tail_folders_unuse(struct tail *t)
{
	list_each(n, &t->folders)
		entry(n)->is_used = entry(n)->has_folders = false;
}

void tail_folders_sweep(struct tail *t)
{
	list_each_safe(n, &t->folders)
		if (!entry(n)->is_used)
			forget(entry(n));
	t->unwatched_told &= tail_folders_unwatched(t) > 0;
}

size_t tail_folders_unwatched(const struct tail *t)
{
	size_t n = 0;

	list_each(l, (struct list *)&t->folders)
		n += !entry(l)->watched;
	return n;
}

void tail_folders_unwatch(struct tail *t)
{
	list_each(n, &t->folders)
		unwatch(entry(n));
}

void tail_folders_free(struct tail *t)
{
	while (!list_empty(&t->folders))
		forget(entry(t->folders.next));
}
