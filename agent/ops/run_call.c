/* run_call.c - one AWS call of a step, and what its answer means.
 *
 * Happy path: asked -> answered -> judged by the step's kind -> done. Again: after poll_s, or later when AWS throttles. With
 * other parameters: the next generation, an intent of its own. No answer, or a refusal that tells nothing of an earlier call:
 * the step is in doubt, and run_look.c takes over. */
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/ops/run_impl.h"

/* Did the step's settle_s lie between a point in time (0: none) and the question whose answer we have? An answer tells how
 * things were when it was asked, not when it came. */
static bool has_passed(struct run *r, uint64_t since_ms, uint64_t past_ms)
{
	return since_ms != 0 && r->asked_ms >= since_ms &&
	       r->asked_ms - since_ms + past_ms >= (uint64_t)run_now(r)->s.kind->settle_s * 1000;
}

struct step_ctx run_ctx(struct run *r, char token[53])
{
	struct doing *d = run_now(r);

	run_token(r->env, r->plan->name, d->s.name, d->generation, token);
	return (struct step_ctx){
		.args = r->args,
		.command = r->env->command,
		.plan = r->plan->name,
		.step = d->s.name,
		.token = token,
		.generation = d->generation,
		.settled = has_passed(r, d->last_ms, d->last_past_ms),
		.patient = has_passed(r, d->first_ms, d->first_past_ms),
		.in_doubt = r->in_doubt,
		.facts = r->facts,
		.note = &r->note,
	};
}

static void smaller(struct run *r)
{
	run_now(r)->generation++;
	run_now(r)->standing = FRESH;
	r->tries = 0;
	run_guard(r);
}

static void settle(struct run *r, enum step_verdict v)
{
	switch (v) {
	case STEP_DONE:
		r->in_doubt = false;
		run_outcome(r, true, "called");
		break;
	case STEP_AGAIN:
		run_poll(r, false);
		break;
	case STEP_LOOK:
		run_look(r);
		break;
	case STEP_SMALLER:
		smaller(r);
		break;
	case STEP_FAILED:
		run_fail(r);
		break;
	}
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
	return c == AWS_AMBIGUOUS || c == AWS_OK || (r->in_doubt && (says_nothing || k->repeat != REPEAT_TOKEN));
}

static void answer_take(struct run *r, const struct aws_call *c)
{
	r->in_doubt = stays_in_doubt(r, run_now(r)->s.kind, c->class);
	r->class = c->class;
	r->was_duplicate = c->class == AWS_DUPLICATE;
	r->wait_ms = c->retry_after_ms;
	memcpy(r->code, c->code, sizeof(r->code));
	memcpy(r->request_id, c->request_id, sizeof(r->request_id));
	mem_free(r->encoded);
	r->encoded = mem_str(c->encoded);
	r->err = c->class == AWS_OK ? (struct err){ 0 } : c->err;
}

static void on_call(struct aws_call *c)
{
	struct run *r = container_of(c, struct run, call);
	char token[53];
	struct step_ctx x;

	if (run_stopping(r))
		return;
	if (c->withheld) {
		run_guard(r);
		return;
	}
	answer_take(r, c);
	x = run_ctx(r, token);
	if (c->class != AWS_OK)
		log_warn("op.step.refused", "op=%s step=%s/%s class=%s code=%s err=\"%s\"", r->env->command, r->plan->name, x.step,
			 aws_class_name(c->class), c->code, err_text(&c->err));
	settle(r, run_now(r)->s.kind->judge(&x, c, &r->err));
}

static void note_asked(struct run *r)
{
	struct doing *d = run_now(r);

	d->last_ms = r->asked_ms = world_now_ms(r->env->w);
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

	if (run_may(r) != RUN_GO)
		return false;
	r->tries++;
	note_asked(r);
	return true;
}

void run_call(struct run *r)
{
	struct doing *d = run_now(r);
	bool mutates = step_mutates(d->s.kind);
	char token[53];
	struct step_ctx x = run_ctx(r, token);

	sm_move(&r->sm, R_CALL);
	aws_call_close(&r->call);
	r->call = (struct aws_call){ .service = d->s.kind->service,
				     .mutating = mutates,
				     .earlier = r->tries,
				     .command = r->env->command,
				     .may_send = mutates ? may_send : NULL };
	if (d->s.kind->ask(&x, &r->call.form, &r->err) != 0) {
		r->class = AWS_OK;
		run_outcome(r, false, "not called");
		return;
	}
	if (!mutates)
		note_asked(r);
	aws_call_start(r->env->aws, &r->call, mutates ? r->env->operate : r->env->reader, on_call);
}
