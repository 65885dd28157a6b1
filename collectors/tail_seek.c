/* tail_seek.c - files that left the pattern before they were read: renamed while we were away, or between two looks.
 *
 * An orphan is an inode that a restored position names and that has another name in the same folder now. A successor is one that is
 * not known yet, stands beside a rotated file under its name and a dot or dash and a digit, and was written later than it: it was
 * born under the path and renamed in its turn before we saw it. A copy of a file that we know is neither.
 * Both are looked for in the folder of the pattern alone, among the names that the scan listed.
 * Fails: what cannot be read is looked for again with the next scan. */
#include "collectors/tail_impl.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

/* ---- renamed while we were away ---------------------------------------------------------------------------------------------- */

void tail_seek_position(struct tail *t, const struct tail_candidate *c, const struct telemetry_source *position)
{
	const char *name = tail_name_in(t->scan.dir, position->path);
	struct tail_candidate orphan = *c;

	/* Under the name that it had it is no orphan: the scan takes it in the usual way. */
	if (name == NULL || str_eq(name, c->name))
		return;
	for (size_t i = 0; i < t->sources_n; i++) {
		struct tail_source *src = t->sources[i];

		if (!tail_scan_is_of(t, src) || !str_glob(src->of->glob, name))
			continue;
		orphan.src = src;
		orphan.as = (char *)position->path;
		tail_queue_add(&t->scan.orphans, &orphan);
		return;
	}
}

static struct tail_file *open_rotated(struct tail *t, const struct tail_candidate *c)
{
	CLEANUP(mem_close) char *path = tail_scan_path(&t->scan, c->name);

	return tail_open(c->src, path, c->as, c);
}

/* Rotated until the next scan finds it, if the pattern matches the new name too: so it is read before the new file. */
static void keep_rotated(struct tail *t, const struct tail_candidate *c, struct tail_file *tf)
{
	tf->rotated = true;
	if (str_glob(c->src->of->glob, c->name))
		tail_folder_again(t->scan.folder);
	tail_keep(tf);
}

bool tail_seek_orphan(struct tail *t)
{
	struct tail_candidate c;
	struct tail_file *tf;

	if (!tail_queue_take(&t->scan.orphans, &c))
		return false;
	tf = tail_file_of(t, c.dev, c.ino) == NULL ? open_rotated(t, &c) : NULL; /* claims the position */
	if (tf != NULL)
		keep_rotated(t, &c, tf);
	mem_free(c.as);
	return true;
}

/* ---- born and renamed unseen ------------------------------------------------------------------------------------------------- */

static void add_after(struct tail *t, const struct tail_file *tf)
{
	struct tail_scan *s = &t->scan;
	struct disk_stat st;

	/* Without the time when it was last written, a successor cannot be told from an older rotation. */
	if (t->w->file_stat(t->w, tf->f, &st, NULL) != 0)
		return;
	s->afters = mem_grow(s->afters, s->afters_n + 1, sizeof(*s->afters));
	s->afters[s->afters_n++] = (struct tail_after){ tf->src, mem_str(tf->path), st.mtime_ms };
}

/* In the order of the list, last first: they are taken from the end. */
void tail_seek_after(struct tail *t)
{
	if (t->scan.beside.n == 0)
		return;
	for (struct list *n = t->files.prev; n != &t->files; n = n->prev) {
		struct tail_file *tf = list_entry(n, struct tail_file, link);

		if (tf->rotated && tail_scan_is_of(t, tf->src) && tail_name_in(t->scan.dir, tf->path) != NULL)
			add_after(t, tf);
	}
}

static void find_successors(struct tail_scan *s, const struct tail_after *after)
{
	const char *name = tail_name_in(s->dir, after->path);
	size_t len = strlen(name);

	for (size_t i = 0; i < s->beside.n; i++) {
		struct tail_candidate c = s->beside.v[i];

		/* Older rotations stand beside the name, too, but they were last written before this one. */
		if (!str_starts(c.name, name) || !tail_name_is_beside(c.name, len) || c.mtime_ms < after->since_ms)
			continue;
		c.src = after->src;
		c.as = after->path;
		tail_queue_add(&s->successors, &c);
	}
}

/* A copy has the same first bytes, and the same bytes in front of the place that was read last: the first bytes alone may be a
 * banner with which every file begins. A file that does not reach that place counts as a copy. */
static bool is_like(const struct tail_file *tf, const struct telemetry_source *read)
{
	struct world *w = tf->src->t->w;
	struct disk_stat st;

	if (read->fp != tf->fp || read->fp_len != tf->fp_len)
		return false;
	return w->file_stat(w, tf->f, &st, NULL) != 0 || st.size < read->to ||
	       tail_file_is_before(w, tf->f, read->to, read->before, read->before_len) != 0;
}

static bool is_copy(const struct tail_file *tf)
{
	const struct tail *t = tf->src->t;

	list_each(n, &t->positions->all) {
		const struct position *pos = list_entry(n, struct position, link);

		if (pos->is_left && is_like(tf, &pos->left))
			return true;
	}
	for (const struct list *n = t->files.next; n != &t->files; n = n->next) {
		const struct tail_file *o = list_entry((struct list *)n, struct tail_file, link);
		struct telemetry_source read = {
			.fp = o->fp, .fp_len = o->fp_len, .to = o->offset, .before = o->before, .before_len = o->before_len
		};

		if (o != tf && is_like(tf, &read))
			return true;
	}
	return false;
}

static void take_successor(struct tail *t, const struct tail_candidate *c)
{
	struct tail_file *tf = tail_is_known(t, c->dev, c->ino) ? NULL : open_rotated(t, c);

	if (tf == NULL)
		return;
	/* An empty file looks like any other, so it is a copy of none. A copy is let go before anybody is told of it: a position
	 * under the path of the original would make an orphan of it at the next start, and all of it would be sent again. */
	if (tf->fp_len > 0 && is_copy(tf))
		tail_file_free(tf);
	else
		keep_rotated(t, c, tf);
}

bool tail_seek_successor(struct tail *t)
{
	struct tail_scan *s = &t->scan;
	struct tail_candidate c;

	if (tail_queue_take(&s->successors, &c)) {
		take_successor(t, &c);
		mem_free(c.as);
		return true;
	}
	if (s->afters_n == 0)
		return false;
	find_successors(s, &s->afters[--s->afters_n]);
	mem_free(s->afters[s->afters_n].path);
	return true;
}
