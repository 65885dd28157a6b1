/* spool_loss.c - bodies that a destination lost unsent, by the quota or their age: said in the log of commit records (lost.h), and
 * only then unlinked where nobody else wants them. So no crash forgets the loss, and none counts it twice.
 *
 * Fails: what the disk does not take waits here, and the bodies in the folder. Closing: likewise, for the next start. */
#include "shippers/spool_impl.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"

/* As small as an entry: of a backlog that a start finds and that is far too large there are as many. */
struct loss {
	struct list link;
	struct spool *s;
	uint64_t seq;
	uint32_t records, bytes;
	uint8_t dest, why, kind, source, format;
	bool leaves; /* nobody else wants the body */
	char id[BATCH_ID_LEN];
	struct account_shares *shares;
};

static struct loss *loss_at(struct list *n)
{
	return list_entry(n, struct loss, link);
}

static void loss_free(struct loss *l)
{
	list_del(&l->link);
	mem_free(l->shares);
	mem_free(l);
}

void spool_loss_add(const struct spool_entry *en, unsigned dest, enum account_lost why)
{
	struct loss *l = mem_new(struct loss);

	*l = (struct loss){ .s = en->s, .seq = en->seq, .records = en->records, .source = en->source, .leaves = en->wanted == 0 };
	l->bytes = (uint32_t)en->bytes;
	l->dest = (uint8_t)dest;
	l->why = (uint8_t)why;
	l->kind = (uint8_t)en->kind;
	l->format = en->format;
	memcpy(l->id, en->id, sizeof(l->id));
	if (en->shares != NULL) {
		l->shares = mem_alloc(sizeof(*l->shares));
		*l->shares = *en->shares;
	}
	list_add(&en->s->losses, &l->link);
}

bool spool_loss_waits(const struct spool *s)
{
	return !list_empty(&s->losses);
}

/* Few wait at a time, but behind a start that finds far too much. */
bool spool_loss_waits_of(const struct spool_entry *en)
{
	list_each(n, &en->s->losses)
		if (loss_at(n)->seq == en->seq)
			return true;
	return false;
}

static void count(struct lost *to, const struct account *a, unsigned source, enum account_lost why, uint32_t records)
{
	struct lost_count *c = &to->counts[to->counts_n++];

	snprintf(c->source, sizeof(c->source), "%s", a->sources[source]);
	c->why = why;
	c->records = records;
}

static void count_all(struct lost *to, const struct account *a, const struct loss *l)
{
	if (l->shares == NULL)
		count(to, a, l->source, (enum account_lost)l->why, l->records);
	for (unsigned i = 0; l->shares != NULL && i < l->shares->n; i++)
		count(to, a, l->shares->v[i].source, (enum account_lost)l->why, l->shares->v[i].records);
}

static struct lost head_of(struct spool *s, unsigned dest, enum telemetry_kind kind, uint64_t seq, const char *id)
{
	struct taken by = spool_dest_taken(s, dest, kind, seq);
	struct lost to = { .seq = seq, .kind = kind };

	memcpy(to.by, by.by, sizeof(to.by));
	snprintf(to.id, sizeof(to.id), "%s", id);
	return to;
}

static struct lost lost_of(const struct loss *l)
{
	struct lost to = head_of(l->s, l->dest, (enum telemetry_kind)l->kind, l->seq, l->id);

	count_all(&to, &l->s->account, l);
	return to;
}

/* Of a part of a body it is known whose it is where all of the body is one source's. */
void spool_loss_of(struct spool_entry *en, unsigned dest, enum account_lost why, uint32_t records, struct lost *to)
{
	const struct loss all = { .records = en->records, .source = en->source, .shares = en->shares, .why = (uint8_t)why };

	if (records == 0)
		return;
	if (to->counts_n == 0)
		*to = head_of(en->s, dest, en->kind, en->seq, en->id);
	if (records == en->records)
		count_all(to, &en->s->account, &all);
	else
		count(to, &en->s->account, en->shares != NULL ? ACCOUNT_OTHERS : en->source, why, records);
}

size_t spool_loss_say(struct spool *s, struct buf *line, size_t most)
{
	size_t at = 0, n = 0;

	list_each(node, &s->losses) {
		struct lost lost;

		if (at++ < s->losing)
			continue;
		if (n == most)
			break;
		lost = lost_of(loss_at(node));
		err_ignore(lost_format(&lost, line), "the caller looks whether the line is over");
		n++;
	}
	s->losing += n;
	return n;
}

static void body_leaves(const struct loss *l)
{
	struct spool_entry en = { .s = l->s, .seq = l->seq, .kind = (enum telemetry_kind)l->kind, .format = l->format };

	memcpy(en.id, l->id, sizeof(en.id));
	spool_sweep_body(&en);
}

void spool_loss_said(struct spool *s)
{
	for (; s->losing > 0; s->losing--) {
		struct loss *l = loss_at(s->losses.next);
		struct lost lost = lost_of(l);

		lost_add(&lost, &s->account, l->dest);
		if (s->c.lost != NULL)
			s->c.lost(s->c.ctx, &lost, l->bytes);
		if (l->leaves)
			body_leaves(l);
		loss_free(l);
	}
}

void spool_loss_close(struct spool *s)
{
	while (!list_empty(&s->losses))
		loss_free(loss_at(s->losses.next));
}
