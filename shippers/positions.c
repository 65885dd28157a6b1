/* positions.c - see positions.h. Few files and the newest last: a search from the end finds the usual one at once. */
#include "shippers/positions.h"

#include <string.h>

#include "agent/base/mem.h"

static void forget(struct positions *p, size_t i)
{
	mem_free((char *)p->v[i].path);
	memmove(&p->v[i], &p->v[i + 1], (p->n - i - 1) * sizeof(*p->v));
	memmove(&p->let_go[i], &p->let_go[i + 1], (p->n - i - 1) * sizeof(*p->let_go));
	p->n--;
}

static char *old_path(struct positions *p, const struct telemetry_source *s)
{
	for (size_t i = p->n; i-- > 0;) {
		char *path = (char *)p->v[i].path;

		if (p->v[i].dev != s->dev || p->v[i].ino != s->ino)
			continue;
		p->v[i].path = NULL;
		forget(p, i);
		return path;
	}
	return NULL;
}

static size_t first_to_go(const struct positions *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->let_go[i])
			return i;
	return 0;
}

void positions_let_go(struct positions *p, const struct telemetry_source *s)
{
	for (size_t i = p->n; i-- > 0;)
		if (p->v[i].dev == s->dev && p->v[i].ino == s->ino)
			p->let_go[i] = true;
}

void positions_note(struct positions *p, const struct telemetry_source *s)
{
	char *path = old_path(p, s);

	if (path == NULL || strcmp(path, s->path) != 0) {
		mem_free(path);
		path = mem_str(s->path);
	}
	if (p->n == POSITIONS_MAX)
		forget(p, first_to_go(p));
	p->v = mem_grow(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n] = *s;
	p->let_go[p->n] = false;
	p->v[p->n++].path = path;
}

void positions_close(struct positions *p)
{
	while (p->n > 0)
		forget(p, p->n - 1);
	mem_free(p->v);
	p->v = NULL;
}
