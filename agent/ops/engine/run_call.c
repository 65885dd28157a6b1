/* run_call.c - one AWS call of a step, and what its answer means.
 *
 * Happy path: asked -> answered -> judged by the step's kind -> done. Again: after poll_s, or later when AWS throttles. With
 * other parameters: the next generation, an intent of its own. No answer, or a refusal that tells nothing of an earlier call:
 * the step is in doubt, and run_look.c takes over. */
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/ops/engine/run_impl.h"

#define ROLE_MS 120000 /* how long IAM may take to make a role known everywhere */

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
		.age_ms = d->first_ms != 0 ? world_now_ms(r->env->w) - d->first_ms + d->first_past_ms : 0,
		.code = r->code,
		.known = r->env->facts,
		.left = r->left,
		.seen = r->shown,
		.cause = &r->cause,
		.facts = r->facts,
		.note = &r->note,
	};
}

void run_blame(struct run *r)
{
	if (r->cause.class == AWS_OK && r->cause.code[0] == '\0')
		return;
	r->class = r->cause.class;
	memcpy(r->code, r->cause.code, sizeof(r->code));
}

void run_smaller(struct run *r)
{
	run_now(r)->generation++;
	run_now(r)->standing = FRESH;
	r->tries = 0;
	run_guard(r);
}

/* The role, or what it is allowed, was made a moment ago. A customer who takes it away from an agent that has used it is not kept
 * waiting, and neither are STOP and the policy: they are asked before each call. */
static bool is_role_coming(struct run *r, const struct aws_call *c)
{
	return c->class == AWS_DENIED && step_mutates(run_now(r)->s.kind) && r->env->is_role_new(r->env->ctx) &&
	       world_now_ms(r->env->w) - r->started_ms < ROLE_MS;
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
		run_smaller(r);
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
	r->cause = (struct step_cause){ 0 };
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

/* How things stood is not forgotten over an answer that tells nothing. */
static void note_seen(struct run *r, const struct aws_call *c, enum step_verdict v)
{
	if (v == STEP_AGAIN && c->class == AWS_OK && r->err.text[0] != '\0')
		snprintf(r->last_seen, sizeof(r->last_seen), "%.*s", (int)sizeof(r->last_seen) - 1, r->err.text);
}

static void on_call(struct aws_call *c)
{
	struct run *r = container_of(c, struct run, call);
	char token[53];
	struct step_ctx x;
	enum step_verdict v;

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
	v = is_role_coming(r, c) ? STEP_AGAIN : run_now(r)->s.kind->judge(&x, c, &r->err);
	run_blame(r);
	note_seen(r, c, v);
	settle(r, v);
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
