/* exporter_clear.c - how a body leaves the spool: removed when it was taken, set aside when it never will be; tried until it
 * succeeds, so that what was answered is not sent again by the next start.
 *
 * A body that was taken is removed while the next one is sent, for the disk takes milliseconds; where CLEARINGS_MAX are not gone
 * yet the lane waits, and it waits for one that the disk refuses to let go: so what a killed agent sends again are the last few.
 * One that is set aside stays in the lane's hand. */
#include "shippers/exporter_impl.h"

#include "agent/base/mem.h"

#define CLEAR_AGAIN_MS 10000
#define CLEARINGS_MAX 4
#define TRIES_MAX 6 /* an error that comes and goes must not cost a body */

/* True when this entry has been tried often enough: one bad place on the disk must not stop all bodies of its kind for ever. */
bool exporter_is_hopeless(struct lane *l)
{
	l->tries = l->tried == l->entry->seq ? l->tries + 1 : 1;
	l->tried = l->entry->seq;
	return l->tries >= TRIES_MAX;
}

/* ---- removed --------------------------------------------------------------------------------------------------------------- */

/* A body that was taken, and is not gone yet. */
struct clearing {
	struct lane *l;
	struct spool_entry *entry; /* held */
	struct spool_loss loss;
	struct ledger_wait wait;
	struct timer timer;
	struct list link;
};

static void remove_it(struct clearing *c);

static void on_again(struct timer *t)
{
	container_of(t, struct clearing, timer)->l->stuck_n--;
	remove_it(container_of(t, struct clearing, timer));
}

static void clearing_free(struct clearing *c)
{
	struct lane *l = c->l;

	timer_stop(l->x->w, &c->timer);
	list_del(&c->link);
	list_del(&c->wait.link);
	l->clearings_n--;
	mem_free(c);
}

/*  it is gone                              the lane may go on
 *  it failed, and the agent closes         let go: the next start finds it again
 *  it failed                               again, after CLEAR_AGAIN_MS: it was accepted, and must not be sent twice */
static void on_removed(void *ctx, int rc)
{
	struct clearing *c = ctx;
	struct lane *l = c->l;

	if (rc != 0 && !ending_is_on(&l->x->end)) {
		l->stuck_n++;
		timer_start(l->x->w, &c->timer, CLEAR_AGAIN_MS, on_again);
		return;
	}
	if (rc != 0)
		spool_let_go(c->entry, l->x->dest);
	clearing_free(c);
	exporter_go(l);
}

static void remove_it(struct clearing *c)
{
	spool_finish(c->entry, c->l->x->dest, SPOOL_TAKEN, c->loss, on_removed, c);
}

static void on_said(struct ledger_wait *wt)
{
	remove_it(container_of(wt, struct clearing, wait));
}

/* What the account does not have yet of those on their way out, see account_arrived. */
uint64_t exporter_cleared_records(const struct lane *l, uint8_t dest_bit)
{
	uint64_t n = 0;

	for (struct list *at = l->clearings.next; at != &l->clearings; at = at->next) {
		const struct clearing *c = list_entry(at, struct clearing, link);

		n += c->entry->records;
		if ((c->entry->told & dest_bit) == 0)
			n -= c->loss.refused + c->loss.partial;
	}
	return n;
}

static void clear_beside(struct lane *l)
{
	struct clearing *c = mem_new(struct clearing);

	*c = (struct clearing){ .l = l, .entry = l->entry, .loss = l->loss };
	list_add(&l->clearings, &c->link);
	l->clearings_n++;
	l->entry = NULL;
	sm_move(&l->sm, LANE_IDLE);
	/* Its line first: were the agent killed between the two, the body would have left without one. */
	if (l->x->ledger != NULL)
		ledger_after(l->x->ledger, &c->wait, on_said);
	else
		remove_it(c);
	exporter_go(l);
}

bool exporter_may_go(const struct lane *l)
{
	return l->clearings_n < CLEARINGS_MAX && l->stuck_n == 0;
}

/* Those that the disk refused, and that wait to be tried again: the next start tries. */
void exporter_let_go(struct lane *l)
{
	list_each_safe(n, &l->clearings) {
		struct clearing *c = list_entry(n, struct clearing, link);

		if (c->timer.cb == NULL)
			continue;
		spool_let_go(c->entry, l->x->dest);
		l->stuck_n--;
		clearing_free(c);
	}
}

/* ---- set aside ------------------------------------------------------------------------------------------------------------- */

/*  it is set aside                               the next body
 *  it failed too often                           passed by: should the next start send it again, nothing is double
 *  it failed, and the agent closes               let go: the next start finds it again
 *  it failed                                     again, after CLEAR_AGAIN_MS
 */
static void on_aside(void *ctx, int rc)
{
	struct lane *l = ctx;

	if (rc != 0 && exporter_is_hopeless(l)) {
		spool_pass_by(l->entry, l->x->dest, l->how);
		rc = 0;
	}
	if (rc != 0 && !ending_is_on(&l->x->end)) {
		sm_move(&l->sm, LANE_UNCLEARED);
		exporter_later(l, CLEAR_AGAIN_MS);
		return;
	}
	if (rc != 0)
		spool_let_go(l->entry, l->x->dest);
	l->entry = NULL;
	sm_move(&l->sm, LANE_IDLE);
	exporter_go(l);
}

void exporter_clear(struct lane *l)
{
	sm_move(&l->sm, LANE_CLEARING);
	spool_finish(l->entry, l->x->dest, l->how, l->loss, on_aside, l);
}

static void lane_clear(struct lane *l, enum spool_how how)
{
	l->how = how;
	/* From here on it counts how often it could not be cleared; before it was how often it could not be read. */
	l->tries = 0;
	buf_reset(&l->body);
	l->is_hashed = false;
	parts_close(&l->parts);
	if (how == SPOOL_TAKEN)
		clear_beside(l);
	else
		exporter_clear(l);
}

void exporter_bad(struct lane *l)
{
	exporter_say(l, "damaged", l->entry->records - l->loss.refused - l->loss.partial, 0);
	lane_clear(l, SPOOL_BAD);
}

void exporter_end(struct lane *l)
{
	lane_clear(l, l->parts.any_refused ? SPOOL_REJECTED : SPOOL_TAKEN);
}
