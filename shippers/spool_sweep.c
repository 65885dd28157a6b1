/* spool_sweep.c - how bodies leave the folder: an entry is removed or set aside for its holder, and told when that is durable; a
 * file that is not needed again is unlinked in the background, one at a time, however many there are.
 *
 * Fails: an entry whose end fails stays one, and its holder asks again; a sweep that fails is the next start's.
 * Closing: what has begun is waited for, the rest of the sweeps is the next start's. */
#include "shippers/spool_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

/* ---- the end of an entry ----------------------------------------------------------------------------------------------- */

struct spool_ending {
	struct spool_entry *en;
	struct disk_req disk;
	char *path, *aside; /* aside: the name to keep it under */
	bool is_bad;
	void (*gone)(void *ctx, int rc);
	void *ctx;
};

static struct spool_ending *ending_new(struct spool_entry *en, void (*gone)(void *ctx, int rc), void *ctx)
{
	struct spool_ending *end = mem_new(struct spool_ending);

	end->en = en;
	end->path = spool_entry_path(en);
	end->gone = gone;
	end->ctx = ctx;
	en->ending = end;
	en->s->endings++;
	return end;
}

static void ending_free(struct spool_ending *end)
{
	end->en->s->endings--;
	end->en->ending = NULL;
	mem_free(end->path);
	mem_free(end->aside);
	mem_free(end);
}

void spool_aside_trim(struct spool *s)
{
	const char *name;

	while ((name = spool_aside_oldest(&s->aside)) != NULL) {
		log_info("spool.aside.full", "dir=%s name=%s next=\"it is deleted, newer ones need the room\"", s->dir, name);
		spool_sweep(s, name);
		spool_aside_drop(&s->aside);
	}
}

static bool is_bad(const char *why)
{
	return str_eq(why, "bad");
}

/* Counted, and told in the status for a while, because the records in it never arrive. */
static void count_damage(const struct spool_entry *en, const char *path)
{
	struct spool *s = en->s;

	s->stats.corrupt++;
	s->stats.damaged_records[en->kind] += en->records;
	s->damage_ms = world_now_ms(s->w);
	snprintf(s->damage, sizeof(s->damage), "a body of telemetry could not be read and its %" PRIu32 " records are lost: %.300s",
		 en->records, path);
}

static void was_set_aside(struct spool_ending *end)
{
	struct spool_entry *en = end->en;

	spool_aside_add(&en->s->aside, strrchr(end->aside, '/') + 1, spool_blocks(en->bytes));
	spool_aside_trim(en->s);
}

static void on_gone(struct disk_req *r, int rc)
{
	struct spool_ending *end = container_of(r, struct spool_ending, disk);
	void (*gone)(void *ctx, int rc) = end->gone;
	struct spool_entry *en = end->en;
	struct spool *s = en->s;
	void *ctx = end->ctx;

	if (rc == 0 && end->aside != NULL)
		was_set_aside(end);
	if (rc == -ERR_NOTFOUND) /* the file that was to be kept is gone: the entry has ended, too */
		rc = 0;
	if (rc == 0 && end->is_bad)
		count_damage(en, end->aside);
	if (rc != 0)
		log_warn("spool.remove.failed", "path=%s err=%s", end->path, err_text(&r->err));
	ending_free(end);
	if (rc == 0)
		spool_entry_free(en);
	/* The holder before all others: it must have let go of the entry when the news wakes the exporter. */
	gone(ctx, rc);
	if (rc == 0 && s->c.changed != NULL && !ending_is_on(&s->end))
		s->c.changed(s->c.ctx);
	ending_step(&s->end);
}

void spool_remove(struct spool_entry *en, void (*gone)(void *ctx, int rc), void *ctx)
{
	struct spool_ending *end = ending_new(en, gone, ctx);

	disk_unlink(en->s->w, &end->disk, end->path, on_gone);
}

void spool_set_aside(struct spool_entry *en, const char *why, void (*gone)(void *ctx, int rc), void *ctx)
{
	struct spool_ending *end = ending_new(en, gone, ctx);

	end->aside = mem_printf("%s.%s", end->path, why);
	end->is_bad = is_bad(why);
	disk_rename(en->s->w, &end->disk, end->path, end->aside, on_gone);
}

void spool_pass_by(struct spool_entry *en, const char *why)
{
	CLEANUP(mem_close) char *path = spool_entry_path(en);

	if (is_bad(why))
		count_damage(en, path);
	log_warn("spool.body.passed", "path=%s why=%s next=\"it stays there, the next start looks at it again\"", path, why);
	spool_entry_free(en);
}

/* ---- the rest ------------------------------------------------------------------------------------------------------------ */

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

void spool_sweep(struct spool *s, const char *name)
{
	size_t len = strlen(name) + 1;
	struct sweep *sw;

	/* What stays in the folder is found by the next start, which judges it anew. */
	if (ending_is_on(&s->end))
		return;
	sw = mem_alloc(sizeof(*sw) + len);
	memcpy(sw->name, name, len);
	list_add(&s->sweeps, &sw->link);
	next(s);
}

void spool_sweep_drop(struct spool *s)
{
	struct list *n;

	while ((n = list_pop(&s->sweeps)) != NULL)
		mem_free(list_entry(n, struct sweep, link));
}

bool spool_sweep_idle(const struct spool *s)
{
	return s->sweep_path == NULL;
}
