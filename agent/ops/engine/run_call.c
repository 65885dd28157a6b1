/* run_call.c - one AWS call of a step, and what its answer means.
 *
 * Happy path: asked -> answered -> judged by the step's kind -> done. Again: after poll_s, or later when AWS throttles. With
 * other parameters: the next generation, an intent of its own. No answer, or a refusal that tells nothing of an earlier call:
 * the step is in doubt, and run_look.c takes over. */
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/ops/engine/run_impl.h"

void run_blame(struct run *r)
{
	if (r->a.cause.class == AWS_OK && r->a.cause.code[0] == '\0')
		return;
	r->a.class = r->a.cause.class;
	memcpy(r->a.code, r->a.cause.code, sizeof(r->a.code));
}

/* The role, or what it is allowed, was made a moment ago. A customer who takes it away from an agent that has used it is not kept
 * waiting, and neither are STOP and the policy: they are asked before each call. */
static bool is_role_coming(struct run *r, const struct aws_call *c)
{
	const struct step_kind *k = run_now(r)->s.kind;

	return c->class == AWS_DENIED && step_mutates(k) && !step_asks_node(k) && r->env->is_role_new(r->env->ctx) &&
	       world_now_ms(r->env->w) - r->a.started_ms < RUN_ROLE_MS;
}

enum run_state run_settle(struct run *r, enum step_verdict v)
{
	switch (v) {
	case STEP_DONE:
		r->a.in_doubt = false;
		return run_step_ends(r, true, "called");
	case STEP_MORE:
		return run_again(r, RUN_AT_GUARD);
	case STEP_AGAIN:
		return run_again(r, RUN_AT_POLL);
	case STEP_LOOK:
		return RUN_AT_LOOK;
	case STEP_SMALLER:
		return run_smaller(r);
	case STEP_FAILED:
		break;
	}
	return run_fail(r);
}

/* May a call of this step have had an effect that nobody knows? No answer and a success that cannot be read say: perhaps.
 * What AWS refused without looking at it (throttling, keys) takes no doubt away. Another refusal does under a ClientToken,
 * for then AWS would have repeated its first answer; a name alone has it refuse the repetition for reasons of its own, such
 * as a quota that the first call has filled. */
static bool stays_in_doubt(const struct run *r, const struct step_kind *k, enum aws_class c)
{
	bool says_nothing = c == AWS_THROTTLED || c == AWS_EXPIRED || c == AWS_DENIED;

	if (!step_mutates(k))
		return false;
	return c == AWS_AMBIGUOUS || c == AWS_OK || (r->a.in_doubt && (says_nothing || k->repeat != REPEAT_TOKEN));
}

static void answer_take(struct run *r, const struct aws_call *c)
{
	/* What judging finds as a cause belongs to this answer alone; an older one must not be blamed for it. */
	r->a.cause = (struct step_cause){ 0 };
	r->a.in_doubt = stays_in_doubt(r, run_now(r)->s.kind, c->class);
	r->a.is_heard = r->a.is_heard || (!c->unsent && c->class != AWS_THROTTLED && c->class != AWS_EXPIRED);
	r->a.class = c->class;
	r->a.was_duplicate = c->class == AWS_DUPLICATE;
	r->a.wait_ms = c->retry_after_ms;
	memcpy(r->a.code, c->code, sizeof(r->a.code));
	memcpy(r->a.request_id, c->request_id, sizeof(r->a.request_id));
	mem_free(r->a.encoded);
	r->a.encoded = mem_str(c->encoded);
	r->a.unsent = c->unsent;
	r->a.why = c->keys.why;
	r->a.err = c->class == AWS_OK ? (struct err){ 0 } : c->err;
}

/* An answer that tells nothing of how things stand does not replace what was seen before. */
static void note_seen(struct run *r, const struct aws_call *c, enum step_verdict v)
{
	if (v == STEP_AGAIN && c->class == AWS_OK && r->a.err.text[0] != '\0')
		snprintf(r->a.last_seen, sizeof(r->a.last_seen), "%.*s", (int)sizeof(r->a.last_seen) - 1, r->a.err.text);
}

static void note_refusal(struct run *r, const struct aws_call *c)
{
	if (c->class == AWS_OK)
		run_gets_on(r);
	else
		run_refused(r, c);
}

/* Of a call of the step alone: its kind's own reads are asked while what made them necessary is told already. */
void run_call_again(struct run *r)
{
	if (r->sm.now != RUN_AT_CALL || ending_is_on(&r->ending))
		return;
	/* This is another failure than the denial before it: how long a new role may take says nothing of when it gives up. */
	r->a.is_role_coming = false;
	run_refused(r, &r->call);
	r->env->progress(r->env->ctx, r);
}

enum run_state run_called(struct run *r)
{
	const struct aws_call *c = &r->call;
	char token[53];
	struct step_ctx x;
	enum step_verdict v;

	/* It was taken back while nothing of it could have had an effect, or the switches said no as it was about to leave. Both
	 * are for the guard, which asks again and knows what follows. */
	if (run_has_heard(r) || c->withheld)
		return RUN_AT_GUARD;
	answer_take(r, c);
	/* After answer_take: the kind judges with the code and the doubt of this answer. */
	x = run_ctx(r, token);
	r->a.is_role_coming = is_role_coming(r, c);
	note_refusal(r, c);
	/* The kind is not asked: to it a denial is the end, or (terminate) a sign that somebody has taken a node over. */
	v = r->a.is_role_coming ? STEP_AGAIN : run_now(r)->s.kind->judge(&x, c, &r->a.err);
	run_blame(r);
	note_seen(r, c, v);
	return run_settle(r, v);
}

void run_note_asked(struct run *r)
{
	struct doing *d = run_now(r);

	d->last_ms = r->a.asked_ms = world_now_ms(r->env->w);
	d->last_wall_ms = world_wall_ms(r->env->w);
	d->last_past_ms = 0;
	if (d->first_ms == 0) {
		d->first_ms = d->last_ms;
		d->first_wall_ms = d->last_wall_ms;
	}
}

/* The operate role may have had to be assumed first, and that takes a minute where STS is slow. From here on it may have had
 * its effect. */
static bool may_send(struct aws_call *c)
{
	struct run *r = container_of(c, struct run, call);

	if (run_may(r) != RUN_GO || run_looks_are_old(r))
		return false;
	/* This is noted here and not where the call was begun: keys may take minutes to come, and settle_s counts from when it
	 * left. */
	r->a.tries++;
	run_note_asked(r);
	return true;
}

enum run_state run_call(struct run *r)
{
	struct doing *d = run_now(r);
	bool mutates = step_mutates(d->s.kind), asks_node = step_asks_node(d->s.kind);
	char token[53];
	struct step_ctx x = run_ctx(r, token);

	aws_call_close(&r->call);
	r->call = (struct aws_call){ .mutating = mutates,
				     .earlier = r->a.tries,
				     .command = r->env->command,
				     .may_send = mutates || asks_node ? may_send : NULL };
	/* Its own arguments are wrong. AWS_OK is told as INTERNAL: nobody is to look for the fault at AWS. */
	if (d->s.kind->ask(&x, &r->call.req, &r->a.err) != 0) {
		r->a.class = AWS_OK;
		return run_step_ends(r, false, "not called");
	}
	/* A read has no may_send, so its time is taken here. Its answer then counts as a little older than it is, which is the safe
	 * side. */
	if (!mutates)
		run_note_asked(r);
	/* The keys on the machine can change nothing: the operate role's are fetched for this command alone. */
	return run_send(r, asks_node ? NULL : mutates ? r->env->operate : r->env->reader);
}
