/* spool_gone.c - see spool_gone.h. First each file is looked for under its own name, which is the usual case; then, folder by
 * folder, under any. */
#include "shippers/spool_gone.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

#define SLICE 200 /* looks at a file, 2 us each */
#define NAMES_MAX (32u << 20)

static void on_turn(struct timer *t);

static void turn(struct spool_gone *g)
{
	timer_start(g->w, &g->timer, 0, on_turn);
}

static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return NULL;
	return slash == path ? mem_str("/") : mem_strn(path, (size_t)(slash - path));
}

/* ---- under its own name ------------------------------------------------------------------------------------------------ */

static void look(struct spool_gone *g, size_t i)
{
	const struct telemetry_source *p = &g->p->v[i];
	struct disk_stat st;
	int rc = g->w->disk_stat(g->w, p->path, &st, NULL);

	if (rc == 0)
		g->known[i] = st.dev == p->dev && st.ino == p->ino;
	else
		g->known[i] = rc != -ERR_NOTFOUND || strchr(p->path, '/') == NULL; /* not known is not gone */
}

static bool look_at_some(struct spool_gone *g)
{
	for (size_t i = 0; i < SLICE && g->at < g->p->n; i++)
		look(g, g->at++);
	return g->at >= g->p->n; /* there may be fewer by now */
}

/* ---- under any -------------------------------------------------------------------------------------------------------- */

static bool lies_here(const struct spool_gone *g, const struct telemetry_source *p)
{
	CLEANUP(mem_close) char *dir = dir_of(p->path);

	return dir != NULL && str_eq(dir, g->dir);
}

/* The folder is done with: what was not seen in it is gone, unless nobody knows. */
static void leave_dir(struct spool_gone *g, bool is_sure)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->p->n; i++) {
		bool goes = is_sure && !g->known[i] && lies_here(g, &g->p->v[i]);

		if (goes) {
			mem_free((char *)g->p->v[i].path);
			continue;
		}
		g->known[kept] = g->known[i] || lies_here(g, &g->p->v[i]);
		g->p->v[kept++] = g->p->v[i];
	}
	g->p->n = kept;
	mem_free(g->dir);
	g->dir = NULL;
	buf_close(&g->names);
}

static void on_listed(struct disk_req *r, int rc)
{
	struct spool_gone *g = container_of(r, struct spool_gone, disk);

	g->name = 0;
	if (rc != 0)
		leave_dir(g, false);
	turn(g);
}

/* False: there is none any more. */
static bool enter_next_dir(struct spool_gone *g)
{
	for (size_t i = 0; i < g->p->n; i++) {
		if (g->known[i])
			continue;
		g->dir = dir_of(g->p->v[i].path);
		g->names = BUF_MAX(NAMES_MAX);
		disk_list(g->w, &g->disk, g->dir, &g->names, on_listed);
		return true;
	}
	return false;
}

static int look_at_name(struct spool_gone *g, const char *name)
{
	CLEANUP(mem_close) char *path = mem_printf("%s/%s", g->dir, name);
	struct disk_stat st;
	int rc = g->w->disk_stat(g->w, path, &st, NULL);

	if (rc != 0)
		return rc == -ERR_NOTFOUND || rc == -ERR_INVALID ? 0 : rc; /* links that lead nowhere, anyone's to make */
	for (size_t i = 0; i < g->p->n; i++)
		g->known[i] |= g->p->v[i].dev == st.dev && g->p->v[i].ino == st.ino;
	return 0;
}

static void look_at_names(struct spool_gone *g)
{
	for (size_t i = 0; i < SLICE && g->name < g->names.len; i++) {
		const char *name = g->names.data + g->name;

		if (look_at_name(g, name) != 0) {
			leave_dir(g, false);
			return;
		}
		g->name += strlen(name) + 1;
	}
	if (g->name >= g->names.len)
		leave_dir(g, true);
}

static void on_turn(struct timer *t)
{
	struct spool_gone *g = container_of(t, struct spool_gone, timer);

	if (!look_at_some(g)) {
		turn(g);
	} else if (g->dir != NULL) {
		look_at_names(g);
		turn(g);
	} else if (!enter_next_dir(g)) {
		g->done(g->ctx);
	}
}

/* ---- the whole --------------------------------------------------------------------------------------------------------- */

void spool_gone_start(struct spool_gone *g, struct world *w, struct positions *p, void (*done)(void *ctx), void *ctx)
{
	*g = (struct spool_gone){ .w = w, .p = p, .done = done, .ctx = ctx };
	g->known = mem_alloc(p->n + 1);
	turn(g);
}

bool spool_gone_idle(const struct spool_gone *g)
{
	return g->disk.impl == NULL;
}

void spool_gone_close(struct spool_gone *g)
{
	if (g->w != NULL)
		timer_stop(g->w, &g->timer);
	buf_close(&g->names);
	mem_free(g->dir);
	mem_free(g->known);
	*g = (struct spool_gone){ 0 };
}
