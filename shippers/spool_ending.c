/* spool_ending.c - how a body ends: for one destination after the other, and with the last of them it leaves the folder.
 *
 *     others need it     noted: a record says that this one has it (taken.h), with the next commit, or alone
 *     something is lost  noted too: a record says how much and why (lost.h), before the body goes; also what another one lost
 *     nobody else does   unlinked, or set aside as what it was for any of them
 *
 * Fails: the destination still holds the body, and asks again. Closing: what has begun is waited for. */
#include "shippers/spool_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"

struct spool_ending {
	struct list link; /* while it is noted */
	struct spool *s;
	struct spool_entry *en;
	unsigned dest;
	struct disk_req disk;
	char *path, *aside; /* aside: the name to keep it under */
	struct lost lost;   /* what the destination will not get of it; without counts: nothing, or the log has it */
	void (*gone)(void *ctx, int rc);
	void *ctx;
};

static const char *const aside_names[] = { [SPOOL_REJECTED] = "rejected", [SPOOL_BAD] = "bad" };

static void ending_free(struct spool_ending *end)
{
	end->s->endings--;
	mem_free(end->path);
	mem_free(end->aside);
	mem_free(end);
}

/* The holder before all others: it must have let go of the entry when the news wakes the exporter. */
static void tell(struct spool_ending *end, int rc)
{
	void (*gone)(void *ctx, int rc) = end->gone;
	struct spool *s = end->s;
	void *ctx = end->ctx;

	ending_free(end);
	gone(ctx, rc);
	if (rc == 0 && s->c.changed != NULL && !ending_is_on(&s->end))
		s->c.changed(s->c.ctx);
	ending_step(&s->end);
}

/* ---- it leaves the folder --------------------------------------------------------------------------------------------- */

void spool_aside_trim(struct spool *s)
{
	const char *name;

	while ((name = spool_aside_oldest(&s->aside)) != NULL) {
		log_info("spool.aside.full", "dir=%s name=%s next=\"it is deleted, newer ones need the room\"", s->dir, name);
		spool_sweep(s, name);
		spool_aside_drop(&s->aside);
	}
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

static void was_set_aside(const struct spool_ending *end)
{
	struct spool_entry *en = end->en;

	spool_aside_add(&en->s->aside, strrchr(end->aside, '/') + 1, spool_blocks(en->bytes));
	spool_aside_trim(en->s);
}

static void on_gone(struct disk_req *r, int rc)
{
	struct spool_ending *end = container_of(r, struct spool_ending, disk);
	struct spool_entry *en = end->en;

	if (rc == 0 && end->aside != NULL)
		was_set_aside(end);
	if (rc == -ERR_NOTFOUND) /* the file that was to be kept is gone: the entry has ended, too */
		rc = 0;
	if (rc == 0 && en->how == SPOOL_BAD)
		count_damage(en, end->aside);
	if (rc != 0)
		log_warn("spool.remove.failed", "path=%s err=%s", end->path, err_text(&r->err));
	if (rc == 0)
		spool_entry_free(en);
	tell(end, rc);
}

static void leave(struct spool_ending *end)
{
	struct spool_entry *en = end->en;

	end->path = spool_entry_path(en);
	if (en->how == SPOOL_TAKEN) {
		disk_unlink(en->s->w, &end->disk, end->path, on_gone);
		return;
	}
	end->aside = mem_printf("%s.%s", end->path, aside_names[en->how]);
	disk_rename(en->s->w, &end->disk, end->path, end->aside, on_gone);
}

/* ---- others still need it ---------------------------------------------------------------------------------------------- */

static struct spool_ending *first_noted(const struct spool *s)
{
	return list_entry(s->noted.next, struct spool_ending, link);
}

void spool_ending_say(struct spool *s, struct buf *line)
{
	list_each(n, &s->noted) {
		const struct spool_ending *end = list_entry(n, struct spool_ending, link);
		struct taken t = spool_dest_taken(s, end->dest, end->en->kind, end->en->seq);

		/* In this order: of a body that has ended somewhere all is known that was lost of it there. */
		if (end->lost.counts_n > 0)
			err_ignore(lost_format(&end->lost, line), "the caller looks whether the line is over");
		if (spool_is_wanted_by_others(end->en, end->dest))
			err_ignore(taken_format(&t, line), "the same");
		s->noting++;
	}
}

/* Nothing more is to be said of it. Another destination may have lost it by the quota or its age a moment ago: without its body
 * that could not be counted behind a crash. */
static bool may_leave(const struct spool_ending *end)
{
	return !spool_is_wanted_by_others(end->en, end->dest) && end->lost.counts_n == 0 && !spool_loss_waits_of(end->en);
}

static void note(struct spool_ending *end)
{
	list_add(&end->s->noted, &end->link);
	if (spool_write_waits(end->s))
		spool_ending_refuse(end->s);
	else
		spool_write_kick(end->s);
}

/* The others may have ended with it meanwhile: then it goes by us. */
static void noted(struct spool_ending *end)
{
	if (end->lost.counts_n > 0) {
		lost_add(&end->lost, &end->s->account, end->dest);
		end->en->told |= (uint8_t)(1u << end->dest);
		end->lost.counts_n = 0;
	}
	if (!spool_is_wanted_by_others(end->en, end->dest)) {
		if (may_leave(end))
			leave(end);
		else
			note(end);
		return;
	}
	spool_dest_took(end->en, end->dest);
	tell(end, 0);
}

void spool_ending_said(struct spool *s, int rc)
{
	while (s->noting > 0) {
		struct spool_ending *end = first_noted(s);

		s->noting--;
		list_del(&end->link);
		if (rc == 0)
			noted(end);
		else
			tell(end, rc);
	}
}

static void on_refused(struct timer *t)
{
	struct spool *s = container_of(t, struct spool, note_timer);

	while (!list_empty(&s->noted) && spool_write_waits(s)) {
		struct spool_ending *end = first_noted(s);

		list_del(&end->link);
		tell(end, -ERR_IO);
	}
}

/* Who holds them asks again, and may want to close before the disk is well. */
void spool_ending_refuse(struct spool *s)
{
	if (!list_empty(&s->noted))
		timer_start(s->w, &s->note_timer, 0, on_refused);
}

static void take_loss(struct spool_ending *end, enum spool_how how, struct spool_loss loss)
{
	if ((end->en->told & 1u << end->dest) != 0)
		return; /* the log has it since the last try */
	spool_loss_of(end->en, end->dest, ACCOUNT_REFUSED, loss.refused, &end->lost);
	spool_loss_of(end->en, end->dest, ACCOUNT_PARTIAL, loss.partial, &end->lost);
	if (how == SPOOL_BAD)
		spool_loss_of(end->en, end->dest, ACCOUNT_DAMAGED, end->en->records - loss.refused - loss.partial, &end->lost);
}

void spool_finish(struct spool_entry *en, unsigned dest, enum spool_how how, struct spool_loss loss,
		  void (*gone)(void *ctx, int rc), void *ctx)
{
	struct spool_ending *end = mem_new(struct spool_ending);

	end->s = en->s;
	end->en = en;
	end->dest = dest;
	end->gone = gone;
	end->ctx = ctx;
	en->s->endings++;
	if (how > en->how)
		en->how = (uint8_t)how;
	take_loss(end, how, loss);
	if (may_leave(end))
		leave(end);
	else
		note(end);
}

void spool_pass_by(struct spool_entry *en, unsigned dest, enum spool_how how)
{
	CLEANUP(mem_close) char *path = spool_entry_path(en);

	if (how == SPOOL_BAD)
		count_damage(en, path);
	log_warn("spool.body.passed", "path=%s why=%s next=\"it stays there, the next start looks at it again\"", path,
		 aside_names[how]);
	if (spool_is_wanted_by_others(en, dest))
		spool_dest_took(en, dest);
	else
		spool_entry_free(en);
}
