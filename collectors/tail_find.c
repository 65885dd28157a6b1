/* tail_find.c - the folders to which the patterns lead now: a search at the beginning of a scan of all.
 *
 * Happy path: a pattern's dir is gone down component by component; where one has a glob, a worker lists the folder, and each name
 * that matches and leads to a folder is another way. What a way ends at is a source. Then each source is asked where it really is,
 * for a link on the way may lead elsewhere by now; and what was not found any more is let go.
 * Fails: a folder that is not there has nothing in it; one that cannot be listed leaves the sources of its pattern as they are.
 * There are at most TAIL_FOLDERS_MAX, told once; a glob stands for one component, and follows links as names do. */
#include "collectors/tail_impl.h"

#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define PATH_MAX_BYTES 4096
#define WAYS_MAX (4ul * TAIL_FOLDERS_MAX) /* which of them there is room for, the sources decide: those that are there stay */

static void add_way(struct tail *t, char *dir, const char *rest)
{
	struct tail_find *f = &t->scan.find;

	if (f->ways_n >= WAYS_MAX) {
		t->patterns[f->pattern].is_partial = true;
		f->refused++;
		mem_free(dir);
		return;
	}
	f->ways = mem_grow(f->ways, f->ways_n + 1, sizeof(*f->ways));
	f->ways[f->ways_n++] = (struct tail_way){ dir, rest };
}

static void end_names(struct tail *t)
{
	struct tail_find *f = &t->scan.find;

	buf_close(&t->scan.names);
	mem_free(f->now.dir);
	mem_free(f->glob);
	f->now.dir = f->glob = NULL;
}

/* ---- the names of a folder -------------------------------------------------------------------------------------------------- */

static void on_listed(struct disk_req *r, int rc)
{
	struct tail *t = container_of(r, struct tail, scan.disk);
	struct tail_find *f = &t->scan.find;

	f->is_listing = false;
	/* What is not there, or is no folder, holds none. */
	if (rc != 0 && rc != -ERR_NOTFOUND && rc != -ERR_INVALID)
		t->patterns[f->pattern].is_partial = true;
	if (rc != 0 && rc != -ERR_LIMIT)
		buf_reset(&t->scan.names);
	tail_scan_step_later(t);
}

/* It is watched by its real name, as those with files are: the two may be one. */
static void watch_names(struct tail *t, const char *dir)
{
	CLEANUP(buf_close) struct buf real = BUF_MAX(PATH_MAX_BYTES);
	struct tail_folder *f = NULL;

	if (t->w->disk_realpath(t->w, dir, &real, NULL) == 0)
		f = tail_folder_use(t, buf_str(&real));
	if (f != NULL)
		f->has_folders = true;
}

static void list_names(struct tail *t, struct tail_way *way, const char *glob, size_t len)
{
	struct tail_scan *s = &t->scan;
	struct tail_find *f = &s->find;

	f->now = *way;
	f->now.rest = glob + len;
	f->glob = mem_strn(glob, len);
	f->is_listing = true;
	s->at = 0;
	s->names = BUF_MAX(TAIL_NAMES_MAX);
	watch_names(t, *way->dir != '\0' ? way->dir : "/");
	disk_list(t->w, &s->disk, *f->now.dir != '\0' ? f->now.dir : "/", &s->names, on_listed);
}

/* One name of the folder in hand. */
static void look_at_name(struct tail *t)
{
	struct tail_scan *s = &t->scan;
	struct tail_find *f = &s->find;
	const char *name = s->names.data + s->at;
	struct disk_stat st;
	char *path;

	s->at += strlen(name) + 1;
	if (!str_glob(f->glob, name))
		return;
	path = mem_printf("%s/%s", f->now.dir, name);
	if (t->w->disk_stat(t->w, path, &st, NULL) == 0 && st.is_dir)
		add_way(t, path, f->now.rest);
	else
		mem_free(path);
}

/* ---- ways ------------------------------------------------------------------------------------------------------------------- */

static bool is_glob(const char *s, size_t len)
{
	return memchr(s, '*', len) != NULL || memchr(s, '?', len) != NULL;
}

/* Down to the next glob, or to the end. */
static void go(struct tail *t)
{
	struct tail_find *f = &t->scan.find;
	struct tail_way way = f->ways[--f->ways_n];

	while (*way.rest != '\0') {
		const char *name = way.rest + 1;
		size_t len = strcspn(name, "/");
		char *down;

		if (is_glob(name, len)) {
			list_names(t, &way, name, len);
			return;
		}
		down = mem_printf("%s/%.*s", way.dir, (int)len, name);
		mem_free(way.dir);
		way = (struct tail_way){ down, name + len };
	}
	if (!tail_source_add(t, &t->patterns[f->pattern], way.dir))
		f->refused++;
	mem_free(way.dir);
}

static void begin_pattern(struct tail *t)
{
	struct tail_find *f = &t->scan.find;
	struct tail_pattern *p = &t->patterns[f->pattern];

	p->is_partial = false;
	if (p->is_wide)
		add_way(t, mem_str(""), p->dir);
}

/* ---- where they are --------------------------------------------------------------------------------------------------------- */

/* A folder that is not there is nothing to tell of: it may come. One that is closed, or is none, is. */
static void resolve(struct tail_source *src)
{
	CLEANUP(buf_close) struct buf real = BUF_MAX(PATH_MAX_BYTES);
	struct tail *t = src->t;
	int rc = t->w->disk_realpath(t->w, src->dir, &real, NULL);

	src->folder = rc == 0 ? tail_folder_use(t, buf_str(&real)) : NULL;
	t->scan.find.refused += rc == 0 && src->folder == NULL;
	if (rc == -ERR_NOTFOUND || (rc != 0 && tail_refuse_if_path(src, rc, src->dir)))
		tail_refused(src, true); /* it is not listed: this was the look at it */
}

static void tell(struct tail *t)
{
	uint64_t refused = t->scan.find.refused;

	if (refused > 0 && t->stats.refused_folders == 0)
		log_warn("tail.folders.limit", "folders=%llu folders_max=%d next=\"not looked at; name fewer\"",
			 (unsigned long long)refused, TAIL_FOLDERS_MAX);
	t->stats.refused_folders = refused;
}

void tail_find_begin(struct tail *t)
{
	struct tail_find *f = &t->scan.find;

	f->pattern = f->source = 0;
	f->refused = 0;
	tail_folders_unuse(t);
	for (size_t i = 0; i < t->sources_n; i++)
		t->sources[i]->is_found = !t->sources[i]->of->is_wide;
	if (t->patterns_n > 0)
		begin_pattern(t);
}

bool tail_find_step(struct tail *t)
{
	struct tail_find *f = &t->scan.find;

	if (f->now.dir != NULL && t->scan.at < t->scan.names.len) {
		look_at_name(t);
	} else if (f->now.dir != NULL) {
		end_names(t);
	} else if (f->ways_n > 0) {
		go(t);
	} else if (f->pattern < t->patterns_n) {
		if (++f->pattern < t->patterns_n)
			begin_pattern(t);
		else
			tail_sources_sweep(t);
	} else if (f->source < t->sources_n) {
		resolve(t->sources[f->source++]);
	} else {
		tail_folders_sweep(t);
		tell(t);
		return false;
	}
	return true;
}

void tail_find_close(struct tail_find *f)
{
	while (f->ways_n > 0)
		mem_free(f->ways[--f->ways_n].dir);
	mem_free(f->ways);
	mem_free(f->now.dir);
	mem_free(f->glob);
	*f = (struct tail_find){ 0 };
}
