/* positions_gone.c - see positions_gone.h. First each file is looked for under its own name, which is the usual case; then, folder
 * by folder, under any.
 *
 *     look --> folder --> list --> names --> folder ... --> done      list --> folder
 *
 * Fails: a folder that cannot be listed, or a name in it that cannot be looked at, and nothing is known of its files: they stay.
 * Closing is at once, but for a folder that is being listed. */
#include "collectors/positions_gone.h"

#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define SLICE 200 /* looks at a file, 2 us each */
#define NAMES_MAX (32u << 20)

enum { GONE_LOOK, GONE_FOLDER, GONE_LIST, GONE_NAMES, GONE_DONE };

static const struct sm_state gone_states[] = {
	[GONE_LOOK] = { "look", SM_TO(GONE_FOLDER) },
	[GONE_FOLDER] = { "folder", SM_TO(GONE_LIST) | SM_TO(GONE_DONE) },
	[GONE_LIST] = { "list", SM_TO(GONE_NAMES) | SM_TO(GONE_FOLDER) },
	[GONE_NAMES] = { "names", SM_TO(GONE_FOLDER) },
	[GONE_DONE] = { "done", SM_END },
};

static const char *gone_broken(const struct sm *m)
{
	const struct positions_gone *g = container_of(m, const struct positions_gone, sm);

	if ((m->now == GONE_LIST || m->now == GONE_NAMES) != (g->dir != NULL))
		return "there is a folder in hand while it is listed and looked through, and only then";
	return NULL;
}

static const struct sm_machine gone_machine = SM_MACHINE("positions_gone", gone_states, gone_broken);

static void on_turn(struct timer *t);

static void turn(struct positions_gone *g)
{
	timer_start(g->w, &g->timer, 0, on_turn);
}

static void go(struct positions_gone *g, unsigned to)
{
	sm_move(&g->sm, to);
	turn(g);
}

static struct position *entry(struct list *n)
{
	return list_entry(n, struct position, link);
}

static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return NULL;
	return slash == path ? mem_str("/") : mem_strn(path, (size_t)(slash - path));
}

/* ---- look: under its own name ------------------------------------------------------------------------------------------ */

static void look_for(struct positions_gone *g, struct position *pos)
{
	const struct telemetry_source *s = &pos->durable;
	struct disk_stat st;
	int rc;

	pos->is_looked_for = pos->is_there = true;
	if (s->cursor != NULL) /* no file */
		return;
	rc = g->w->disk_stat(g->w, s->path, &st, NULL);
	if (rc == 0)
		pos->is_there = st.dev == s->dev && st.ino == s->ino;
	else
		pos->is_there = rc != -ERR_NOTFOUND || strchr(s->path, '/') == NULL; /* not known is not gone */
}

static void look(struct positions_gone *g)
{
	size_t looks = 0;

	list_each(n, &g->p->all) {
		if (entry(n)->is_looked_for)
			continue;
		if (looks++ == SLICE) {
			turn(g);
			return;
		}
		look_for(g, entry(n));
	}
	go(g, GONE_FOLDER);
}

/* ---- folder: which one is next ----------------------------------------------------------------------------------------- */

static void on_listed(struct disk_req *r, int rc);

static void folder(struct positions_gone *g)
{
	list_each(n, &g->p->all) {
		if (!entry(n)->is_looked_for || entry(n)->is_there)
			continue;
		g->dir = dir_of(entry(n)->durable.path);
		g->names = BUF_MAX(NAMES_MAX);
		g->name = 0;
		sm_move(&g->sm, GONE_LIST);
		disk_list(g->w, &g->disk, g->dir, &g->names, on_listed);
		return;
	}
	go(g, GONE_DONE);
}

/* ---- list, names: under any name --------------------------------------------------------------------------------------- */

static bool lies_here(const struct positions_gone *g, const struct position *pos)
{
	CLEANUP(mem_close) char *dir = dir_of(pos->durable.path);

	return dir != NULL && str_eq(dir, g->dir);
}

static void tell_lost(struct positions_gone *g, const struct telemetry_source *left)
{
	struct telemetry_source at = *left;

	if (g->lost == NULL || left->size <= left->to)
		return;
	at.from = left->to;
	at.to = left->size;
	at.before_len = 0; /* those bytes nobody knows */
	g->lost(g->ctx, &at, left->size - left->to);
}

/* The folder is done: files that were not seen in it are gone, unless one of its names could not be looked at. */
static void leave(struct positions_gone *g, bool is_sure)
{
	list_each_safe(n, &g->p->all) {
		struct position *pos = entry(n);

		if (!pos->is_looked_for || pos->is_there || !lies_here(g, pos))
			continue;
		/* Known or not, this folder is done with: it must not be listed a second time for the same file. */
		pos->is_there = true;
		if (is_sure) {
			tell_lost(g, &pos->durable);
			positions_forget(g->p, pos);
			g->forgotten++;
		}
	}
	mem_free(g->dir);
	g->dir = NULL;
	buf_close(&g->names);
	go(g, GONE_FOLDER);
}

static void on_listed(struct disk_req *r, int rc)
{
	struct positions_gone *g = container_of(r, struct positions_gone, disk);

	if (ending_is_on(&g->end))
		ending_step(&g->end);
	else if (rc != 0)
		leave(g, false); /* not there, closed or too large: no proof that a file is gone */
	else
		go(g, GONE_NAMES);
}

static int look_at_name(struct positions_gone *g, const char *name)
{
	CLEANUP(mem_close) char *path = mem_printf("%s/%s", g->dir, name);
	struct position *pos;
	struct disk_stat st;
	int rc = g->w->disk_stat(g->w, path, &st, NULL);

	if (rc != 0)
		return rc == -ERR_NOTFOUND || rc == -ERR_INVALID ? 0 : rc; /* links that lead nowhere, anyone's to make */
	pos = positions_get(g->p, st.dev, st.ino);
	if (pos != NULL)
		pos->is_there = true;
	return 0;
}

static void names(struct positions_gone *g)
{
	for (size_t i = 0; i < SLICE && g->name < g->names.len; i++) {
		const char *name = g->names.data + g->name;

		if (look_at_name(g, name) != 0) {
			leave(g, false);
			return;
		}
		g->name += strlen(name) + 1;
	}
	if (g->name >= g->names.len)
		leave(g, true);
	else
		turn(g);
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

static void end(struct positions_gone *g)
{
	void (*done)(void *ctx) = g->done;
	void *ctx = g->ctx;

	log_info("tail.positions", "known=%zu gone=%zu", g->p->durable_n, g->forgotten);
	*g = (struct positions_gone){ 0 };
	done(ctx);
}

static void (*const turns[])(struct positions_gone *g) = {
	[GONE_LOOK] = look,
	[GONE_FOLDER] = folder,
	[GONE_NAMES] = names,
	[GONE_DONE] = end,
};

static void on_turn(struct timer *t)
{
	struct positions_gone *g = container_of(t, struct positions_gone, timer);

	turns[g->sm.now](g);
}

void positions_gone_start(struct positions_gone *g, struct world *w, struct positions *p,
			  void (*lost)(void *ctx, const struct telemetry_source *at, uint64_t bytes), void (*done)(void *ctx),
			  void *ctx)
{
	*g = (struct positions_gone){ .w = w, .p = p, .lost = lost, .done = done, .ctx = ctx };
	list_each(n, &p->all)
		entry(n)->is_looked_for = false;
	sm_init(&g->sm, &gone_machine, GONE_LOOK);
	turn(g);
}

bool positions_gone_runs(const struct positions_gone *g)
{
	return g->w != NULL;
}

static bool is_out(struct closing *c)
{
	return container_of(c, struct positions_gone, end.closing)->disk.impl != NULL;
}

static void free_it(struct closing *c)
{
	struct positions_gone *g = container_of(c, struct positions_gone, end.closing);

	buf_close(&g->names);
	mem_free(g->dir);
	*g = (struct positions_gone){ 0 };
}

static const struct closing_how gone_how = { is_out, free_it };

void positions_gone_close(struct positions_gone *g, void (*closed)(void *ctx), void *ctx)
{
	ending_begin(&g->end, g->w, &gone_how, closed, ctx);
	timer_stop(g->w, &g->timer);
}
