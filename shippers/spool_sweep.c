/* spool_sweep.c - files of the folder that are not needed again: unlinked in the background, one at a time, however many there are.
 *
 * A start reads the log as the last life has written it, which may not be durable: a loss of power could take back that a body is
 * lost, or the whole log that no longer has it, and nobody could count it without its body. So bodies stay until that is settled.
 *
 * Fails: a sweep that fails is the next start's. Closing: what has begun is waited for, the rest is the next start's. */
#include "shippers/spool_impl.h"

#include <string.h>

#include "agent/base/mem.h"

struct sweep {
	struct list link;
	char name[];
};

static void next(struct spool *s);

static void on_swept(struct disk_req *r, int rc)
{
	struct spool *s = container_of(r, struct spool, sweep);

	err_ignore(rc, "the next start sweeps it");
	mem_free(s->sweep_path);
	s->sweep_path = NULL;
	next(s);
	ending_step(&s->end);
}

static void next(struct spool *s)
{
	struct sweep *sw;

	if (s->sweep_path != NULL || list_empty(&s->sweeps))
		return;
	sw = list_entry(list_pop(&s->sweeps), struct sweep, link);
	s->sweep_path = mem_printf("%s/%s", s->dir, sw->name);
	mem_free(sw);
	disk_unlink(s->w, &s->sweep, s->sweep_path, on_swept);
}

void spool_sweep_settled(struct spool *s)
{
	list_move(&s->sweeps, &s->late_sweeps);
	if (!ending_is_on(&s->end))
		next(s);
}

static void sweep(struct spool *s, const char *name, struct list *to)
{
	size_t len = strlen(name) + 1;
	struct sweep *sw;

	/* What stays in the folder is found by the next start, which judges it anew. */
	if (ending_is_on(&s->end))
		return;
	sw = mem_alloc(sizeof(*sw) + len);
	memcpy(sw->name, name, len);
	list_add(to, &sw->link);
	next(s);
}

void spool_sweep(struct spool *s, const char *name)
{
	sweep(s, name, &s->sweeps);
}

void spool_sweep_body(const struct spool_entry *en)
{
	struct spool *s = en->s;
	CLEANUP(mem_close) char *path = spool_entry_path(en);

	sweep(s, strrchr(path, '/') + 1, s->settled ? &s->sweeps : &s->late_sweeps);
}

void spool_sweep_drop(struct spool *s)
{
	struct list *n;

	while ((n = list_pop(&s->sweeps)) != NULL || (n = list_pop(&s->late_sweeps)) != NULL)
		mem_free(list_entry(n, struct sweep, link));
}

bool spool_sweep_idle(const struct spool *s)
{
	return s->sweep_path == NULL;
}
