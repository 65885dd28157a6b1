/* tail_pattern.c - the patterns of the configuration, and the sources: the folders in which each of them has files.
 *
 * A pattern whose folder has no glob has one source for ever, there or not. Of the others a search finds the sources, and one that
 * it no longer finds goes when its last file is read to the end and let go. */
#include "collectors/tail_impl.h"

#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

static bool is_glob(const char *s)
{
	return strpbrk(s, "*?") != NULL;
}

/* A path that has the form of the pattern is the pattern itself: so it is read for its names. */
static void pieces_init(struct tail_pattern *p, const char *pieces)
{
	struct path_piece names[PATH_PIECES_MAX];
	size_t n = path_pieces_read(pieces, pieces, names);

	p->pieces = mem_str(pieces);
	for (size_t i = 0; i < n; i++)
		p->keys[i] = mem_strn(names[i].name, names[i].name_len);
}

static void pattern_init(struct tail_pattern *p, const struct tail_path *c)
{
	const char *slash = strrchr(c->path, '/');
	struct err e = { 0 };

	p->path = mem_str(c->path);
	p->dir = slash == NULL ? mem_str(".") : mem_strn(c->path, slash == c->path ? 1 : (size_t)(slash - c->path));
	p->glob = mem_str(slash != NULL ? slash + 1 : c->path);
	p->service = mem_str(c->service);
	p->is_wide = is_glob(p->dir);
	if (c->pieces != NULL)
		pieces_init(p, c->pieces);
	p->format = c->framing.format;
	p->utc_offset_s = c->utc_offset_s;
	p->starts_at_end = c->starts_at_end;
	p->ignore_older_ms = c->ignore_older_ms;
	/* The configuration has compiled it before: it fails for want of memory alone. */
	if (framing_new(&c->framing, &p->framing, &e) != 0)
		log_error("tail.framing.failed", "path=%s err=%s next=\"each line is a record\"", c->path, err_text(&e));
}

void tail_patterns_init(struct tail *t, const struct tail_config *c)
{
	t->patterns = mem_alloc(c->paths_n * sizeof(*t->patterns));
	for (t->patterns_n = 0; t->patterns_n < c->paths_n; t->patterns_n++) {
		struct tail_pattern *p = &t->patterns[t->patterns_n];

		pattern_init(p, &c->paths[t->patterns_n]);
		if (!p->is_wide)
			tail_source_add(t, p, p->dir);
	}
}

static void source_free(struct tail_source *src)
{
	mem_free(src->dir);
	mem_free(src);
}

void tail_patterns_free(struct tail *t)
{
	for (size_t i = 0; i < t->sources_n; i++)
		source_free(t->sources[i]);
	mem_free(t->sources);
	for (size_t i = 0; i < t->patterns_n; i++) {
		mem_free(t->patterns[i].path);
		mem_free(t->patterns[i].pieces);
		for (size_t k = 0; k < PATH_PIECES_MAX; k++)
			mem_free(t->patterns[i].keys[k]);
		mem_free(t->patterns[i].dir);
		mem_free(t->patterns[i].glob);
		mem_free(t->patterns[i].service);
		framing_free(t->patterns[i].framing);
	}
	mem_free(t->patterns);
}

bool tail_source_add(struct tail *t, struct tail_pattern *p, const char *dir)
{
	struct tail_source *src;

	for (size_t i = 0; i < t->sources_n; i++)
		if (t->sources[i]->of == p && str_eq(t->sources[i]->dir, dir)) {
			t->sources[i]->is_found = true;
			return true;
		}
	if (p->is_wide && t->sources_n >= TAIL_FOLDERS_MAX)
		return false;
	src = mem_new(struct tail_source);
	src->t = t;
	src->of = p;
	src->dir = mem_str(dir);
	src->is_found = true;
	t->sources = mem_grow(t->sources, t->sources_n + 1, sizeof(struct tail_source *));
	t->sources[t->sources_n++] = src;
	return true;
}

/* Its folder is gone, and with it the names of its files: they are read to their end and let go. */
static void rotate_all(struct tail *t, const struct tail_source *src)
{
	list_each(n, &t->files) {
		struct tail_file *tf = list_entry(n, struct tail_file, link);

		if (tf->src == src)
			tail_file_rotate(tf);
	}
}

void tail_sources_sweep(struct tail *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->sources_n; i++) {
		struct tail_source *src = t->sources[i];
		bool is_gone = src->of->is_wide && !src->of->is_partial && !src->is_found;

		if (is_gone) {
			src->folder = NULL;
			tail_refused(src, true);
		}
		if (is_gone && src->files_n > 0)
			rotate_all(t, src);
		if (is_gone && src->files_n == 0)
			source_free(src);
		else
			t->sources[kept++] = src;
	}
	t->sources_n = kept;
}
