/* run_look.c - waiting and looking: what a step does when a call alone does not tell how things are.
 *
 * After a call without an answer, or an intent without an outcome at start, it looks by tag. Found: adopted. Not found: the call is
 * repeated at once, with the same token or name, and from then on every poll_s until the deadline. A step that has failed, is out
 * of time, was cancelled or denied while a call of it is in doubt is not left so: it looks until settle_s has passed since that
 * call, and only then knows that there was no effect. What cannot be looked at ends as INDETERMINATE, with an error that says
 * so. */
#include "agent/base/log.h"
#include "agent/base/str.h"
#include "agent/ops/engine/run_impl.h"

/* ---- time ---- */

static bool is_late(struct run *r)
{
	return world_now_ms(r->env->w) - r->a.started_ms > run_limit_ms(r);
}

static enum run_state late(struct run *r)
{
	struct err why = r->a.err;
	/* What was seen last is often the very sentence of the last answer: it is told once. */
	bool has_seen = r->a.last_seen[0] != '\0' && !str_eq(r->a.last_seen, why.text);

	if (r->a.leaving == GIVES_UP)
		return run_fail(r); /* why it gave up stays the reason */
	err_set(&r->a.err, ERR_TIMEOUT, "%s did not come through within %u s%s%s%s%s", run_now(r)->s.kind->action,
		run_now(r)->s.kind->deadline_s, has_seen ? ": last seen: " : "", has_seen ? r->a.last_seen : "",
		why.text[0] != '\0' ? ": " : "", why.text);
	return run_fail(r);
}

enum run_state run_again(struct run *r, enum run_state how)
{
	return is_late(r) ? late(r) : how;
}

enum run_state run_poll(struct run *r)
{
	uint64_t poll_ms = (uint64_t)run_now(r)->s.kind->poll_s * 1000, wait_ms = r->a.wait_ms;

	/* This is written once, so that a restart knows since when the step is tried, and does not begin all waits anew. */
	if (step_mutates(run_now(r)->s.kind) && r->a.leaving == STAYS && run_now(r)->doubt == NULL)
		run_record_doubt(r, NULL);
	/* What AWS asks for holds for one wait; its next answer says it again if it still wants that. */
	r->a.wait_ms = 0;
	return run_wait(r, wait_ms > poll_ms ? wait_ms : poll_ms);
}

enum run_state run_polled(struct run *r)
{
	/* A round of questions begins with where the nodes are: who came or went meanwhile is judged before anybody is asked. */
	r->a.where_ms = 0;
	/* It never goes straight to the call: STOP, another policy or a cancel may have come during the wait. */
	return RUN_AT_GUARD;
}

static bool is_called_off(struct run *r)
{
	enum run_leave leave = run_may(r);

	return leave == RUN_CANCEL || leave == RUN_DENY;
}

/* Whoever cannot look is to hear a cancel all the same: the guard leads from there. A step that is leaving has heard it. */
enum run_state run_relook(struct run *r)
{
	return r->a.leaving == STAYS && is_called_off(r) ? RUN_AT_GUARD : RUN_AT_LOOK;
}

/* ---- leaving ---- */

/* Told to the second, and once: a note that changes all the time is news in every report. */
static void wait_until(struct run *r)
{
	const struct doing *d = run_now(r);
	uint64_t age = world_now_ms(r->env->w) - d->last_ms + d->last_past_ms, settle = (uint64_t)d->s.kind->settle_s * 1000;

	r->a.until_ms = world_wall_ms(r->env->w) + (int64_t)(settle > age ? settle - age : 0);
	log_info("op.step.doubt", "op=%s step=%s/%s action=%s wait_ms=%llu next=\"it looks until then\"", r->env->command,
		 r->plan->name, d->s.name, d->s.kind->action, (unsigned long long)(settle > age ? settle - age : 0));
}

enum run_state run_look_before_leaving(struct run *r, enum leaving why)
{
	r->a.leaving = why;
	/* It gets its whole time anew, with settle_s on top (run_limit_ms), to find out what became of the call. */
	r->a.started_ms = world_now_ms(r->env->w);
	wait_until(r);
	run_record_doubt(r, why == GIVES_UP ? run_error_json(r) : NULL);
	return RUN_AT_LOOK;
}

/* In the step's own time: AWS may leave each of its calls without an answer. */
enum run_state run_look_before_anew(struct run *r)
{
	uint64_t since_ms = r->a.started_ms;
	enum run_state to = run_look_before_leaving(r, LEAVES);

	r->a.started_ms = since_ms;
	return to;
}

/* No call has been made since. */
enum run_state run_resume_leaving(struct run *r)
{
	r->a.leaving = run_now(r)->leaving;
	wait_until(r);
	return RUN_AT_LOOK;
}

enum run_state run_fail(struct run *r)
{
	if (r->a.in_doubt && r->a.leaving == STAYS)
		return run_look_before_leaving(r, GIVES_UP);
	return run_step_ends(r, false, r->a.leaving == STAYS ? "called" : "looked");
}

/* It was looked for long enough: the call had no effect. A call that was refused is made once more, because the answer may be
 * another one now. */
static enum run_state leave_now(struct run *r)
{
	r->a.in_doubt = false;
	if (r->a.leaving == GIVES_UP)
		return run_fail(r);
	/* What made it leave is asked anew. If the guard now says go, the next call needs an intent of its own, so the step is
	 * fresh. */
	r->a.leaving = STAYS;
	r->a.until_ms = 0;
	r->a.is_heard = false;
	run_now(r)->standing = FRESH;
	return RUN_AT_GUARD;
}

/* ---- looking ---- */

/* Looked, and it is not there:
 *
 *   it is leaving, settle_s is over, nothing of it shown      it leaves
 *   it is leaving, else                                       look again
 *   AWS said "there is one", settle_s is over                 the end: there is one, and not ours
 *   AWS said "there is one", or a part of it is shown         look again
 *   neither, the first time                                   ask again at once, by the same token or name
 *   neither, later                                            ask again after poll_s */
enum run_state run_not_found(struct run *r, const struct step_ctx *x)
{
	bool partly = r->a.sight == STEP_SEEN_PARTLY;

	if (r->a.leaving != STAYS)
		return x->settled && !partly ? leave_now(r) : run_again(r, RUN_AT_RELOOK);
	/* To ask again would be answered the same way, and to take it over would be to touch what is somebody else's. */
	if (r->a.was_duplicate && x->settled) {
		err_set(&r->a.err, ERR_SERVICE, "AWS says that it is there already, but nothing with our tags is: %s", r->a.code);
		return run_step_ends(r, false, "looked");
	}
	if (partly || r->a.was_duplicate)
		return run_again(r, RUN_AT_RELOOK);
	return r->a.repeats++ == 0 ? RUN_AT_GUARD : run_again(r, RUN_AT_POLL);
}

/* What an earlier command made serves as well, but this command must not take it back. Nor must it put back what somebody else has
 * removed. */
static void note_before(struct run *r, const struct inventory *inv)
{
	const struct step_kind *k = run_now(r)->s.kind;
	const char *maker = run_maker_of(k, r->a.args, r->a.facts, inv);
	bool is_anothers = maker != NULL && !str_eq(maker, r->env->command);

	/* If no call of this step can have removed it, somebody else has. */
	if (is_anothers || (k->removes != NULL && !r->a.in_doubt))
		r->a.sight = STEP_SEEN_BEFORE;
}

static enum run_state look_failed(struct run *r)
{
	run_look_refused(r);
	/* Why it gave up stays the reason, whatever keeps it from looking now. */
	if (r->a.leaving != GIVES_UP)
		r->a.err = r->inv.err;
	return run_again(r, RUN_AT_RELOOK);
}

enum run_state run_looked(struct run *r)
{
	char token[53];
	struct step_ctx x;

	if (run_has_heard(r))
		return run_relook(r);
	if (r->inv_rc != 0)
		return look_failed(r);
	run_sees(r);
	/* What is in sight is of this look alone: find may say more, and miss reads what find has said. */
	x = run_ctx(r, token);
	r->a.sight = STEP_SEEN;
	if (!run_now(r)->s.kind->find(&x, r->inv.inv))
		return run_looked_in_vain(r);
	note_before(r, r->inv.inv);
	r->a.in_doubt = false;
	return run_step_ends(r, true, "found");
}

enum run_state run_look(struct run *r)
{
	/* The time is taken before the inventory is, and not when it is there: what it shows may be as old as its first page. */
	r->a.asked_ms = world_now_ms(r->env->w);
	/* A call in doubt may have changed what was known before it: whoever asks where things are asks anew. */
	r->a.where_ms = 0;
	return run_take_inventory(r);
}
