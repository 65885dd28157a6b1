/* spool_dest.c - what each destination has had of the backlog and still needs of it; its quota; whether there is room for more.
 *
 * A body stays until all destinations are done with it. One that is away for long must not cost the other anything: above its
 * quota a destination loses its oldest bodies, counted, as long as another has room; logs wait in their files only when all are
 * full. With one destination that means: logs wait, and nothing is lost. Metrics cannot wait, so above the quota the oldest go.
 *
 * No body before `first` is wanted, so that the oldest is found at once however long the other's backlog is. */
#include "shippers/spool_impl.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

#define QUEUE_MAX 6                /* batches of a kind that wait in memory, */
#define UNPACKED_MAX 2             /* of them with all their records: the others are packed, and wait for the disk */
#define COMING_MAX (QUEUE_MAX + 1) /* and one that is being filled: they may become entries after the room is gone */

static struct spool_entry *entry_at(struct list *n)
{
	return list_entry(n, struct spool_entry, link);
}

static uint8_t bit(unsigned dest)
{
	return (uint8_t)(1u << dest);
}

bool spool_is_wanted_by(const struct spool_entry *en, unsigned dest)
{
	return (en->wanted & bit(dest)) != 0;
}

bool spool_is_wanted_by_others(const struct spool_entry *en, unsigned dest)
{
	return (en->wanted & ~bit(dest)) != 0;
}

void spool_hold(struct spool_entry *en, unsigned dest)
{
	en->held |= bit(dest);
}

void spool_let_go(struct spool_entry *en, unsigned dest)
{
	en->held &= (uint8_t)~bit(dest);
}

/* ---- how far each has come ----------------------------------------------------------------------------------------------- */

uint8_t spool_dest_wants(const struct spool *s, enum telemetry_kind kind, uint64_t seq)
{
	uint8_t wanted = 0;

	for (unsigned i = 0; i < s->dests_n; i++)
		if (seq > s->dests[i].taken[kind])
			wanted |= bit(i);
	return wanted;
}

void spool_dest_found(struct spool *s, const struct taken *t)
{
	/* One that is not configured any more is forgotten: what it still wanted goes. */
	for (unsigned i = 0; i < s->dests_n; i++)
		if (str_eq(s->dests[i].name, t->by) && t->seq > s->dests[i].taken[t->kind])
			s->dests[i].taken[t->kind] = t->seq;
}

void spool_dest_forget(struct spool *s)
{
	const char *names[SPOOL_DESTS_MAX];

	for (unsigned i = 0; i < s->dests_n; i++)
		names[i] = s->dests[i].name;
	account_init(&s->account, names, s->dests_n);
	for (unsigned i = 0; i < s->dests_n; i++)
		memset(s->dests[i].taken, 0, sizeof(s->dests[i].taken));
}

struct taken spool_dest_taken(const struct spool *s, unsigned dest, enum telemetry_kind kind, uint64_t seq)
{
	struct taken t = { .seq = seq, .kind = kind };

	err_ignore(str_copy(t.by, sizeof(t.by), s->dests[dest].name), "the names are ours, and short");
	return t;
}

/* ---- what each still needs ----------------------------------------------------------------------------------------------- */

void spool_dest_add(struct spool_entry *en)
{
	for (unsigned i = 0; i < en->s->dests_n; i++) {
		struct spool_dest *d = &en->s->dests[i];
		struct list **first = &d->first[en->kind];

		if (!spool_is_wanted_by(en, i))
			continue;
		d->bytes[en->kind] += spool_blocks(en->bytes);
		d->entries[en->kind]++;
		if (*first == &en->s->entries[en->kind] || entry_at(*first)->seq > en->seq)
			*first = &en->link;
	}
}

static void forgo(struct spool_entry *en, unsigned dest)
{
	struct spool_dest *d = &en->s->dests[dest];

	if (!spool_is_wanted_by(en, dest))
		return;
	en->wanted &= (uint8_t)~bit(dest);
	d->bytes[en->kind] -= spool_blocks(en->bytes);
	d->entries[en->kind]--;
}

void spool_dest_gone(struct spool_entry *en)
{
	for (unsigned i = 0; i < en->s->dests_n; i++) {
		forgo(en, i);
		if (en->s->dests[i].first[en->kind] == &en->link)
			en->s->dests[i].first[en->kind] = en->link.next;
	}
}

void spool_dest_took(struct spool_entry *en, unsigned dest)
{
	uint64_t *taken = &en->s->dests[dest].taken[en->kind];

	forgo(en, dest);
	spool_let_go(en, dest);
	if (en->seq > *taken)
		*taken = en->seq;
}

static struct spool_entry *oldest(struct spool *s, unsigned dest, int kind)
{
	struct list **first = &s->dests[dest].first[kind], *head = &s->entries[kind];

	while (*first != head && !spool_is_wanted_by(entry_at(*first), dest))
		*first = (*first)->next;
	for (struct list *n = *first; n != head; n = n->next)
		if (spool_is_wanted_by(entry_at(n), dest) && (entry_at(n)->held & bit(dest)) == 0)
			return entry_at(n);
	return NULL;
}

struct spool_entry *spool_oldest(struct spool *s, unsigned dest, enum telemetry_kind kind)
{
	return s->settled ? oldest(s, dest, (int)kind) : NULL;
}

/* ---- room, and the quota ------------------------------------------------------------------------------------------------- */

static uint64_t entries_max(const struct spool *s)
{
	return SPOOL_ENTRIES_MAX / s->dests_n;
}

static bool is_full(const struct spool *s, unsigned dest, int kind)
{
	const struct spool_dest *d = &s->dests[dest];

	return d->bytes[kind] >= d->max[kind] || d->entries[kind] + COMING_MAX > entries_max(s);
}

static bool has_any_room(const struct spool *s, int kind)
{
	for (unsigned i = 0; i < s->dests_n; i++)
		if (!is_full(s, i, kind))
			return true;
	return false;
}

/*  more bodies than it may have               yes: a start may find any number
 *  not over the quota                         no
 *  metrics                                    yes
 *  logs, and another has room                 yes: what comes is for both
 *  logs, and all are full                     no: they wait in their files, and what was on its way then is kept  */
static bool must_drop(const struct spool *s, unsigned dest, int kind)
{
	const struct spool_dest *d = &s->dests[dest];

	if (d->entries[kind] > entries_max(s))
		return true;
	return d->bytes[kind] > d->max[kind] && (kind == TELEMETRY_METRIC || has_any_room(s, kind));
}

/* The file of one that nobody wants any more goes once the log says that it is lost. */
static void drop(struct spool_entry *en, unsigned dest, enum account_lost why, uint64_t *of_spool, uint64_t *of_dest)
{
	struct spool *s = en->s;

	of_spool[en->kind] += en->records;
	of_dest[en->kind] += en->records;
	forgo(en, dest);
	spool_loss_add(en, dest, why);
	if (en->wanted == 0)
		spool_entry_free(en);
	if (s->start == NULL)
		spool_write_kick(s);
}

void spool_enforce_quota(struct spool *s)
{
	for (unsigned i = 0; i < s->dests_n; i++)
		for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
			struct spool_entry *en;

			while (must_drop(s, i, kind) && (en = oldest(s, i, kind)) != NULL)
				drop(en, i, ACCOUNT_QUOTA, s->stats.dropped_records, s->dests[i].dropped);
		}
}

static bool is_too_old(const struct spool_entry *en)
{
	uint32_t now_s = spool_now_s(en->s);

	/* One that was closed later than now was so by a clock that was wrong, and is of no known age. */
	return now_s > en->at_s && now_s - en->at_s > en->s->c.max_age_s;
}

void spool_enforce_age(struct spool *s)
{
	for (unsigned i = 0; s->c.max_age_s > 0 && i < s->dests_n; i++)
		for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
			struct spool_entry *en;

			while ((en = oldest(s, i, kind)) != NULL && is_too_old(en))
				drop(en, i, ACCOUNT_AGE, s->stats.aged_records, s->dests[i].aged);
		}
}

bool spool_has_room(const struct spool *s, enum telemetry_kind kind)
{
	if (s->start != NULL || s->stats.full || s->space_low || ending_is_on(&s->end))
		return false;
	if (s->queued[kind] >= QUEUE_MAX || s->unpacked[kind] >= UNPACKED_MAX)
		return false;
	/* Metrics never wait for room. Above their quota the oldest go. */
	return kind == TELEMETRY_METRIC || has_any_room(s, (int)kind);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

struct spool_dest_stats spool_dest_stats(const struct spool *s, unsigned dest)
{
	const struct spool_dest *d = &s->dests[dest];
	struct spool_dest_stats st = { .name = d->name };

	memcpy(st.bytes, d->bytes, sizeof(st.bytes));
	memcpy(st.entries, d->entries, sizeof(st.entries));
	memcpy(st.dropped_records, d->dropped, sizeof(st.dropped_records));
	memcpy(st.aged_records, d->aged, sizeof(st.aged_records));
	return st;
}

void spool_dest_init(struct spool *s, const struct spool_config *c)
{
	const char *names[SPOOL_DESTS_MAX];

	s->dests_n = c->dests_n;
	for (unsigned i = 0; i < s->dests_n; i++) {
		s->dests[i].name = mem_str(c->dests[i].name);
		memcpy(s->dests[i].max, c->dests[i].max, sizeof(s->dests[i].max));
		for (int kind = 0; kind < TELEMETRY_KINDS; kind++)
			s->dests[i].first[kind] = &s->entries[kind];
		names[i] = s->dests[i].name;
	}
	account_init(&s->account, names, s->dests_n);
}

void spool_dest_close(struct spool *s)
{
	for (unsigned i = 0; i < s->dests_n; i++)
		mem_free(s->dests[i].name);
}
