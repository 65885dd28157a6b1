/* exporter_clear.c - how a body leaves the spool: removed when it was taken, set aside when it never will be; tried until it
 * succeeds, so that what was answered is not sent again by the next start. */
#include "shippers/exporter_impl.h"

#define CLEAR_AGAIN_MS 10000
#define TRIES_MAX 6 /* an error that comes and goes must not cost a body */

static const char aside_bad[] = "bad", aside_rejected[] = "rejected";

/* True when this entry has been tried often enough: one bad place on the disk must not stop all bodies of its kind for ever. */
bool exporter_is_hopeless(struct lane *l)
{
	l->tries = l->tried == l->entry->seq ? l->tries + 1 : 1;
	l->tried = l->entry->seq;
	return l->tries >= TRIES_MAX;
}

/* What was accepted stays in hand until it is gone, or the next start would send it twice. What was refused, or never can be
 * sent, is passed by: should the next start send it again, nothing is double. */
static bool is_passed_by(struct lane *l)
{
	if (l->aside == NULL || !exporter_is_hopeless(l))
		return false;
	spool_pass_by(l->entry, l->aside);
	return true;
}

/*  it is gone, or set aside                      the next body
 *  it failed too often, and was to be set aside  passed by; the next body
 *  it failed, and the agent closes               let go: the next start finds it again
 *  it failed                                     again, after CLEAR_AGAIN_MS
 */
static void on_cleared(void *ctx, int rc)
{
	struct lane *l = ctx;

	if (rc != 0 && is_passed_by(l))
		rc = 0;
	if (rc != 0 && !ending_is_on(&l->x->end)) {
		sm_move(&l->sm, LANE_UNCLEARED);
		exporter_later(l, CLEAR_AGAIN_MS);
		return;
	}
	if (rc != 0)
		l->entry->held = false;
	l->entry = NULL;
	sm_move(&l->sm, LANE_IDLE);
	exporter_go(l);
}

void exporter_clear(struct lane *l)
{
	sm_move(&l->sm, LANE_CLEARING);
	if (l->aside != NULL)
		spool_set_aside(l->entry, l->aside, on_cleared, l);
	else
		spool_remove(l->entry, on_cleared, l);
}

static void lane_clear(struct lane *l, const char *aside)
{
	l->aside = aside;
	/* From here on it counts how often it could not be cleared; before it was how often it could not be read. */
	l->tries = 0;
	buf_reset(&l->body);
	parts_close(&l->parts);
	exporter_clear(l);
}

void exporter_bad(struct lane *l)
{
	lane_clear(l, aside_bad);
}

void exporter_end(struct lane *l)
{
	lane_clear(l, l->parts.any_refused ? aside_rejected : NULL);
}
