/* run_anew.c - a step that was kept from its call looks again at what it rests on.
 *
 * The reads straight before a step say that it may be taken: another node serves, the others are healthy. STOP, the rates, keys
 * that do not come or a restart may keep it from its call for hours, and by then that may be true no more. So a step of a kind
 * that says so (looks_anew) is not called on looks that are old, or of another life: they are made again, and what follows from
 * them follows, the undo too. In an undo whatever takes away is kept so from the reads that say who serves again (run_keep.c),
 * however far before it. AWS keeps a step from its call as well: what it refuses without looking at it (throttling, keys that
 * have expired) has had no effect, however often, and the step's own time runs on meanwhile.
 *
 * While a call may have had its effect, or may have it still, nothing else is begun: it is looked for until settle_s has passed
 * (run_look.c), and only what is known not to have happened is looked at anew. A kind whose effect no look shows has its call
 * repeated all the same. */
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/ops/engine/run_impl.h"

#define ANEW_MS 60000
#define ANEW_MAX 3

static struct doing *step_at(const struct run *r, size_t i)
{
	return r->undoing ? &r->undo[i] : &r->v[i];
}

static bool is_look(const struct run *r, size_t i)
{
	const struct step_kind *k = step_at(r, i)->s.kind;

	return r->undoing ? k->vouches : !step_mutates(k) && !k->is_once;
}

/* To leave a group takes minutes, and to end a node behind that rests on who serves, not on who has left. */
static bool is_before(const struct run *r, size_t i)
{
	return r->undoing || is_look(r, i) || r->v[i].s.kind == r->v[r->at].s.kind;
}

/* Of the reads straight before the step at hand the first; the step itself: there is none. Who leaves several groups, one straight
 * after the other, leaves all of them on the same reads. */
static size_t first_look(const struct run *r)
{
	size_t first = r->at;

	for (size_t i = r->at; i > 0 && is_before(r, i - 1); i--)
		if (is_look(r, i - 1))
			first = i - 1;
	return first;
}

static bool is_old(const struct run *r, const struct doing *look)
{
	return look->last_ms == 0 || world_now_ms(r->env->w) - look->last_ms > ANEW_MS;
}

/* Each of them, for while the last one waited the first may have become untrue. But where they take longer than that by themselves,
 * as many slow endpoints do, they would chase each other for ever: after ANEW_MAX times the last one decides. */
static bool is_any_old(const struct run *r)
{
	bool may_again = step_at(r, r->at)->anew_n < ANEW_MAX;
	size_t last = r->at;

	for (size_t i = first_look(r); i < r->at; i++) {
		if (!is_look(r, i))
			continue;
		if (may_again && is_old(r, step_at(r, i)))
			return true;
		last = i;
	}
	return last < r->at && is_old(r, step_at(r, last));
}

/* Of a call that AWS refused some of the effect may be there: it ends the nodes of one zone and not those of another. */
bool run_looks_are_old(const struct run *r)
{
	const struct step_kind *k = run_now(r)->s.kind;

	return (r->undoing ? run_takes_away(r) : k->looks_anew) && !(r->a.in_doubt ? k->leaves_no_trace : r->a.is_heard) &&
	       is_any_old(r);
}

void run_forget_intent(struct doing *d)
{
	d->first_ms = d->last_ms = 0;
	json_close(&d->doubt);
	d->standing = FRESH;
}

enum run_state run_look_anew(struct run *r)
{
	size_t first = first_look(r);
	struct doing *d = run_now(r);

	log_info("op.step.anew", "op=%s step=%s/%s next=\"it looks again first\"", r->env->command, r->plan->name,
		 run_now(r)->s.name);
	d->anew_n++;
	d->since_ms = r->a.tries > 0 ? r->a.started_ms : 0;
	/* No call that counts has followed its intent, if it has one: the next one is another. */
	run_forget_intent(d);
	for (size_t i = first; i < r->at; i++)
		if (is_look(r, i))
			step_at(r, i)->standing = FRESH;
	r->at = first;
	return RUN_AT_NEXT;
}
