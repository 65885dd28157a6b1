/* run.c - the engine: the flow from step to step.
 *
 * Happy path of a step: guard -> intent -> guard -> call -> judge -> outcome -> next. A read has neither guard nor intent. Poll
 * steps come back to the call after poll_s. An intent stands for every repetition of the same call with the same generation;
 * a changed call takes the next generation and an intent of its own. Every call that changes something is one attempt, with
 * the guard before it, and what the guard asks is asked once more when its keys are there and it is about to leave: what
 * changed its mind in between goes back to the guard. What a call means: run_call.c, what it leaves in doubt: run_look.c, how
 * a step ends: run_outcome.c. */
#include <assert.h>
#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/engine/run_impl.h"

#define FROZEN_POLL_MS 1000

static const struct sm_state run_states[] = {
	[R_NEXT] = { "next", SM_TO(R_PART) | SM_TO(R_GUARD) | SM_TO(R_CALL) | SM_TO(R_LOOK) | SM_TO(R_OUTCOME) | SM_TO(R_ENDED) },
	[R_GUARD] = { "guard", SM_TO(R_SURVEY) | SM_TO(R_PART) | SM_TO(R_INTENT) | SM_TO(R_CALL) | SM_TO(R_LOOK) |
				   SM_TO(R_OUTCOME) | SM_TO(R_UNDO) | SM_TO(R_ENDED) },
	[R_INTENT] = { "intent", SM_TO(R_GUARD) | SM_TO(R_ENDED) },
	[R_CALL] = { "call", SM_TO(R_PART) | SM_TO(R_POLL) | SM_TO(R_LOOK) | SM_TO(R_OUTCOME) | SM_TO(R_GUARD) | SM_TO(R_ENDED) },
	[R_LOOK] = { "look", SM_TO(R_LOOK) | SM_TO(R_ASK) | SM_TO(R_PART) | SM_TO(R_POLL) | SM_TO(R_GUARD) | SM_TO(R_OUTCOME) |
				 SM_TO(R_ENDED) },
	[R_ASK] = { "ask", SM_TO(R_LOOK) | SM_TO(R_PART) | SM_TO(R_POLL) | SM_TO(R_GUARD) | SM_TO(R_OUTCOME) | SM_TO(R_ENDED) },
	[R_PART] = { "part", SM_TO(R_OUTCOME) | SM_TO(R_ENDED) },
	[R_POLL] = { "poll", SM_TO(R_GUARD) | SM_TO(R_CALL) | SM_TO(R_LOOK) | SM_TO(R_UNDO) | SM_TO(R_ENDED) },
	[R_OUTCOME] = { "outcome", SM_TO(R_NEXT) | SM_TO(R_SURVEY) | SM_TO(R_UNDO) | SM_TO(R_ENDED) },
	[R_SURVEY] = { "survey", SM_TO(R_UNDO) | SM_TO(R_ENDED) },
	[R_UNDO] = { "undo", SM_TO(R_NEXT) | SM_TO(R_ENDED) },
	[R_ENDED] = { "ended", SM_END },
};
static const struct sm_machine run_machine = SM_MACHINE("run", run_states, NULL);

struct doing *run_now(struct run *r)
{
	return r->undoing ? &r->undo[r->at] : &r->v[r->at];
}

static size_t count(const struct run *r)
{
	return r->undoing ? r->undo_n : r->plan->n;
}

void run_token(const struct run_env *env, const char *plan, const char *step, unsigned generation, char to[53])
{
	CLEANUP(mem_close) char *text = mem_printf("%s|%s|%s|%s|%u", env->owner.installation, env->command, plan, step, generation);
	struct digest d = digest_of(text, strlen(text));

	enc_base32(d.b, sizeof(d.b), to);
}

bool run_may_undo(const struct run *r)
{
	return !r->undoing && r->at < r->plan->pivot;
}

enum run_leave run_may(struct run *r)
{
	const struct doing *d = run_now(r);
	bool is_unspent = step_mutates(d->s.kind) && d->standing != INTENDED;
	enum run_phase phase = r->undoing ? RUN_UNDO : run_may_undo(r) ? RUN_BEFORE_PIVOT : RUN_BEHIND_PIVOT;

	return r->env->may(r->env->ctx, phase, is_unspent ? &d->s : NULL, &r->err);
}

/* ---- ends ---- */

void run_end(struct run *r, enum run_end how)
{
	r->end = how;
	sm_move(&r->sm, R_ENDED);
	log_info("op.plan.end", "op=%s plan=%s end=%d%s%s", r->env->command, r->plan->name, (int)how,
		 r->notes[0] != '\0' ? " note=" : "", r->notes);
	r->env->done(r->env->ctx, r);
}

bool run_stopping(struct run *r)
{
	if (r->stopped == NULL)
		return false;
	sm_move(&r->sm, R_ENDED);
	r->stopped(r->env->ctx, r);
	return true;
}

/* ---- guard and intent ---- */

static void on_intent(struct journal_append *a)
{
	struct run *r = container_of(a, struct run, rec);

	if (run_stopping(r))
		return;
	run_now(r)->standing = INTENDED;
	run_now(r)->leaving = STAYS;
	json_close(&run_now(r)->doubt);
	run_guard(r); /* the disk may have taken its time */
}

static void intent(struct run *r)
{
	struct doing *d = run_now(r);
	json_t *m = json_object();
	char token[53];

	run_token(r->env, r->plan->name, d->s.name, d->generation, token);
	if (d->tried_ms == 0)
		d->tried_ms = world_wall_ms(r->env->w);
	json_object_set_new(m, "op", json_string(r->env->command));
	json_object_set_new(m, "plan", json_string(r->plan->name));
	json_object_set_new(m, "step", json_string(d->s.name));
	json_object_set_new(m, "action", json_string(d->s.kind->action));
	json_object_set_new(m, "generation", json_integer(d->generation));
	if (d->s.kind->repeat == REPEAT_TOKEN)
		json_object_set_new(m, "client_token", json_string(token));
	sm_move(&r->sm, R_INTENT);
	r->env->intent(r->env->ctx, &d->s, 0);
	journal_append(r->env->journal, &r->rec, "step.intent", m, on_intent);
}

static void on_frozen(struct timer *t)
{
	struct run *r = container_of(t, struct run, timer);

	if (!run_stopping(r))
		run_guard(r);
}

/* A read changes nothing and needs no leave; while it polls before the pivot a cancel ends it. */
static void guard_read(struct run *r)
{
	if (run_may_undo(r) && run_may(r) == RUN_CANCEL)
		run_leave(r, RUN_CANCEL);
	else
		run_call(r);
}

static void guard_change(struct run *r)
{
	struct doing *d = run_now(r);
	enum run_leave leave = run_may(r);

	if (leave == RUN_WAIT) {
		r->started_ms = world_now_ms(r->env->w);
		timer_start(r->env->w, &r->timer, FROZEN_POLL_MS, on_frozen);
	} else if (leave == RUN_GO && d->standing == INTENDED) {
		run_call(r);
	} else if (leave == RUN_GO) {
		intent(r);
	} else if (r->in_doubt) {
		run_look_before_leaving(r, LEAVES);
	} else {
		run_leave(r, leave);
	}
}

void run_guard(struct run *r)
{
	if (r->sm.now != R_GUARD)
		sm_move(&r->sm, R_GUARD);
	if (step_mutates(run_now(r)->s.kind))
		guard_change(r);
	else
		guard_read(r);
}

/* ---- from step to step ---- */

static void finish_list(struct run *r)
{
	if (!r->undoing)
		run_end(r, RUN_OK);
	else if (r->some_stays)
		run_end(r, RUN_FAILED);
	else
		run_end(r, r->cancelled ? RUN_CANCELLED : RUN_ROLLED_BACK);
}

static void step_reset(struct run *r)
{
	json_decref(r->args);
	json_decref(r->facts);
	json_decref(r->left);
	json_close(&r->shown);
	json_close(&r->part);
	r->args = NULL;
	r->facts = json_object();
	r->left = json_object();
	r->cause = (struct step_cause){ 0 };
	r->last_seen[0] = '\0';
	buf_reset(&r->note);
	r->in_doubt = r->was_duplicate = r->look_again = r->is_denied = false;
	r->leaving = STAYS;
	r->until_ms = 0;
	r->repeats = r->tries = 0;
	r->wait_ms = 0;
	r->err = (struct err){ 0 };
	r->class = AWS_OK;
	r->code[0] = r->request_id[0] = '\0';
	mem_close(&r->encoded);
	r->started_ms = world_now_ms(r->env->w);
}

/* A step that failed before a crash, and whose consequence was not yet written. */
static bool resume_failed(struct run *r)
{
	struct doing *d = run_now(r);

	if (d->standing != FAILED)
		return false;
	sm_move(&r->sm, R_OUTCOME);
	r->is_denied = str_eq(json_str_or(json_object_get(d->outcome, "error"), "class", ""), "POLICY");
	r->in_doubt = json_is_true(json_object_get(d->outcome, "ambiguous"));
	run_after_outcome(r, d);
	return true;
}

/* An intent from before a crash: was it carried out? Until something tells, nobody knows. */
static void resume(struct run *r)
{
	r->in_doubt = true;
	if (run_now(r)->leaving != STAYS)
		run_resume_leaving(r);
	else
		run_look(r);
}

void run_next(struct run *r)
{
	struct doing *d;

	while (r->at < count(r) && run_now(r)->standing == DONE)
		r->at++;
	if (r->at == count(r)) {
		finish_list(r);
		return;
	}
	step_reset(r);
	if (resume_failed(r))
		return;
	d = run_now(r);
	if (facts_resolve(d->s.args, r->env->facts, &r->args, &r->err) != 0) {
		r->args = json_incref(d->s.args);
		run_outcome(r, false, "not called");
		return;
	}
	r->env->progress(r->env->ctx, r);
	if (!step_mutates(d->s.kind))
		run_call(r);
	else if (d->standing == INTENDED)
		resume(r);
	else
		run_guard(r);
}

/* ---- life ---- */

struct run *run_new(const struct run_env *env, const struct plan *plan)
{
	struct run *r = mem_new(struct run);

	r->env = env;
	r->plan = plan;
	r->v = mem_alloc(plan->n * sizeof(*r->v));
	for (size_t i = 0; i < plan->n; i++)
		r->v[i] = (struct doing){ .s = plan->steps[i], .generation = 1 };
	r->created = json_array();
	r->deleted = json_array();
	r->note = BUF_MAX(sizeof(r->notes));
	sm_init(&r->sm, &run_machine, R_NEXT);
	return r;
}

static void on_start(struct timer *t)
{
	struct run *r = container_of(t, struct run, timer);

	if (!run_stopping(r))
		run_next(r);
}

bool run_is_running(const struct run *r)
{
	return r->started && r->end == RUN_RUNNING;
}

void run_start(struct run *r)
{
	r->started = true;
	timer_start(r->env->w, &r->timer, 0, on_start);
}

static void doing_close(struct doing *d, bool owns)
{
	json_decref(d->outcome);
	json_decref(d->doubt);
	if (owns) {
		mem_free(d->own_name);
		json_decref(d->s.args);
	}
}

void run_free(struct run *r)
{
	if (r == NULL)
		return;
	timer_stop(r->env->w, &r->timer);
	if (r->doubt_rec.waiting)
		journal_forget(r->env->journal, &r->doubt_rec);
	for (size_t i = 0; i < r->plan->n; i++)
		doing_close(&r->v[i], false);
	for (size_t i = 0; i < r->undo_n; i++)
		doing_close(&r->undo[i], true);
	mem_free(r->v);
	mem_free(r->undo);
	json_decref(r->undo_reason);
	json_decref(r->doubt);
	aws_call_close(&r->call);
	inventory_req_close(&r->inv);
	json_decref(r->args);
	json_decref(r->facts);
	json_decref(r->left);
	json_decref(r->shown);
	json_decref(r->part);
	json_decref(r->error);
	json_decref(r->created);
	json_decref(r->deleted);
	buf_close(&r->note);
	mem_free(r->encoded);
	mem_free(r);
}

void run_stop(struct run *r, void (*stopped)(void *ctx, struct run *r))
{
	r->stopped = stopped;
	journal_forget(r->env->journal, &r->rec);
	journal_forget(r->env->journal, &r->doubt_rec);
	if (r->sm.now == R_CALL || r->sm.now == R_ASK)
		aws_call_cancel(&r->call);
	else if (r->inv.priv != NULL)
		inventory_cancel(&r->inv);
	else
		timer_start(r->env->w, &r->timer, 0, on_start);
}

/* ---- questions ---- */

enum run_end run_ended(const struct run *r)
{
	return r->end;
}

unsigned run_steps_done(const struct run *r)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->plan->n; i++)
		n += r->v[i].standing == DONE;
	return n;
}

bool run_has_begun(const struct run *r)
{
	for (size_t i = 0; i < r->plan->n; i++)
		if (r->v[i].standing != FRESH)
			return true;
	return false;
}

bool run_is_ahead(const struct run *r, size_t step)
{
	return r->end == RUN_RUNNING && !r->undoing && r->v[step].standing != DONE;
}

bool run_is_unspent(const struct run *r, size_t step)
{
	return run_is_ahead(r, step) && r->v[step].standing == FRESH;
}

const char *run_step_name(const struct run *r)
{
	if (r->end != RUN_RUNNING)
		return "";
	return r->undoing ? (r->at < r->undo_n ? r->undo[r->at].s.name : "") : r->at < r->plan->n ? r->v[r->at].s.name : "";
}

int64_t run_waits_until(const struct run *r, const char **action)
{
	if (!run_is_running(r) || r->until_ms == 0)
		return 0;
	*action = (r->undoing ? &r->undo[r->at] : &r->v[r->at])->s.kind->action;
	return r->until_ms;
}

const json_t *run_error(const struct run *r)
{
	return r->error;
}

const char *run_note(const struct run *r)
{
	return r->notes;
}

const json_t *run_created(const struct run *r)
{
	return r->created;
}

const json_t *run_deleted(const struct run *r)
{
	return r->deleted;
}
