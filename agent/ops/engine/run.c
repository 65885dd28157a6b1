/* run.c - the engine: the tick, and the flow from step to step.
 *
 * Happy path of a step: guard -> intent -> guard -> call -> judge -> outcome -> next. A read has neither guard nor intent. Poll
 * steps come back to the call after poll_s. An intent stands for every repetition of the same call with the same generation; a
 * changed call takes the next generation and an intent of its own. Every call that changes something is one attempt, with the guard
 * before it. The switches are asked again when its keys are there, just before sending; a changed answer returns to the guard.
 *
 * Everything that a state begins (a call, a look, a record, a wait) comes back to the tick, and a stop is asked for there and
 * nowhere else. */
#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/engine/run_impl.h"
#include "agent/ops/steps/catalogue.h"

#define FROZEN_POLL_MS 1000

#define TO(state) SM_TO(RUN_AT_##state)

static const struct sm_state run_states[] = {
	/* To itself: a step of the undo failed before a restart, what it should remove is known to stand, and the next follows. */
	[RUN_AT_NEXT] = { "next",
			  TO(NEXT) | TO(PART) | TO(GUARD) | TO(CALL) | TO(LOOK) | TO(OUTCOME) | TO(SURVEY) | TO(UNDO) | TO(ENDED) },
	[RUN_AT_GUARD] = { "guard", TO(NEXT) | TO(SURVEY) | TO(PART) | TO(INTENT) | TO(WHERE) | TO(CALL) | TO(LOOK) | TO(OUTCOME) |
					TO(UNDO) | TO(ENDED) },
	[RUN_AT_INTENT] = { "intent", TO(GUARD) | TO(ENDED) },
	[RUN_AT_WHERE] = { "where", TO(CALL) | TO(POLL) | TO(LOOK) | TO(OUTCOME) | TO(GUARD) | TO(ENDED) },
	[RUN_AT_CALL] = { "call", TO(PART) | TO(POLL) | TO(LOOK) | TO(OUTCOME) | TO(GUARD) | TO(ENDED) },
	/* To itself: a step that gives up while it looks goes on looking, for as long as settle_s makes necessary. */
	[RUN_AT_LOOK] = { "look", TO(LOOK) | TO(ASK) | TO(PART) | TO(POLL) | TO(RELOOK) | TO(GUARD) | TO(OUTCOME) | TO(ENDED) },
	[RUN_AT_ASK] = { "ask", TO(ASK) | TO(LOOK) | TO(PART) | TO(POLL) | TO(RELOOK) | TO(GUARD) | TO(OUTCOME) | TO(ENDED) },
	[RUN_AT_PART] = { "part", TO(OUTCOME) | TO(ENDED) },
	[RUN_AT_POLL] = { "poll", TO(GUARD) | TO(ENDED) },
	[RUN_AT_RELOOK] = { "relook", TO(LOOK) | TO(GUARD) | TO(ENDED) },
	[RUN_AT_OUTCOME] = { "outcome", TO(NEXT) | TO(SURVEY) | TO(UNDO) | TO(ENDED) },
	[RUN_AT_SURVEY] = { "survey", TO(UNDO) | TO(ENDED) },
	[RUN_AT_UNDO] = { "undo", TO(NEXT) | TO(ENDED) },
	[RUN_AT_ENDED] = { "ended", SM_END },
};

static const char *run_broken(const struct sm *m)
{
	struct run *r = container_of((struct sm *)m, struct run, sm);

	if (m->now == RUN_AT_CALL && step_mutates(run_now(r)->s.kind) && run_now(r)->standing != INTENDED)
		return "a call that changes something has no intent";
	if (m->now == RUN_AT_INTENT && run_now(r)->standing != FRESH)
		return "an intent stands already";
	if (m->now == RUN_AT_UNDO && r->undoing)
		return "what takes back is not taken back";
	if (m->now == RUN_AT_ENDED && r->end == RUN_RUNNING)
		return "it has ended and not said how";
	return NULL;
}

static const struct sm_machine run_machine = SM_MACHINE("run", run_states, run_broken);

static enum run_state next(struct run *r), guard(struct run *r), intent(struct run *r), intent_stands(struct run *r);
static enum run_state tell_end(struct run *r);

/* What a state does on the way in, when what it has begun is answered, and when its wait is over. */
static const struct {
	enum run_state (*enter)(struct run *r), (*answered)(struct run *r), (*waited)(struct run *r);
} run_work[] = {
	[RUN_AT_NEXT] = { next, NULL, next },
	[RUN_AT_GUARD] = { guard, NULL, guard },
	[RUN_AT_INTENT] = { intent, intent_stands, NULL },
	[RUN_AT_WHERE] = { run_where, run_where_seen, NULL },
	[RUN_AT_CALL] = { run_call, run_called, NULL },
	[RUN_AT_LOOK] = { run_look, run_looked, NULL },
	[RUN_AT_ASK] = { run_ask, run_asked, NULL },
	[RUN_AT_PART] = { run_part, run_part_seen, run_take_inventory },
	[RUN_AT_POLL] = { run_poll, NULL, run_polled },
	[RUN_AT_RELOOK] = { run_poll, NULL, run_relook },
	[RUN_AT_OUTCOME] = { run_outcome, run_outcome_stands, NULL },
	[RUN_AT_SURVEY] = { run_survey, run_surveyed, run_take_inventory },
	[RUN_AT_UNDO] = { run_undo, run_undo_stands, NULL },
	[RUN_AT_ENDED] = { tell_end, NULL, NULL },
};

/* ---- the tick ---- */

/* The run may be gone when the last state has been entered. */
void run_go(struct run *r, enum run_state to)
{
	while (to != RUN_STAYS) {
		sm_move(&r->sm, to);
		to = run_work[to].enter(r);
	}
}

/* Once it is stopped, what comes back leads nowhere any more. */
static void tick(struct run *r, enum run_state (*work)(struct run *r))
{
	if (ending_is_on(&r->ending))
		ending_step(&r->ending);
	else
		run_go(r, work(r));
}

static void on_timer(struct timer *t)
{
	struct run *r = container_of(t, struct run, timer);

	tick(r, run_work[r->sm.now].waited);
}

static void on_call(struct aws_call *c)
{
	struct run *r = container_of(c, struct run, call);

	tick(r, run_work[r->sm.now].answered);
}

static void on_call_again(struct aws_call *c)
{
	run_call_again(container_of(c, struct run, call));
}

static void on_inventory(struct inventory_req *req, int rc)
{
	struct run *r = container_of(req, struct run, inv);

	r->inv_rc = rc;
	tick(r, run_work[r->sm.now].answered);
}

static void on_inventory_again(struct inventory_req *req)
{
	struct run *r = container_of(req, struct run, inv);

	if (ending_is_on(&r->ending))
		return;
	run_look_refused(r);
	r->env->progress(r->env->ctx, r);
}

static void on_record(struct journal_append *a)
{
	struct run *r = container_of(a, struct run, rec);

	tick(r, run_work[r->sm.now].answered);
}

enum run_state run_wait(struct run *r, uint64_t ms)
{
	timer_start(r->env->w, &r->timer, ms, on_timer);
	return RUN_STAYS;
}

enum run_state run_send(struct run *r, struct creds *creds)
{
	r->a.out_since_ms = world_wall_ms(r->env->w);
	r->call.again = on_call_again;
	aws_call_start(r->env->aws, &r->call, creds, on_call);
	return RUN_STAYS;
}

enum run_state run_take_inventory(struct run *r)
{
	const struct run_env *env = r->env;

	r->a.out_since_ms = world_wall_ms(env->w);
	r->inv.again = on_inventory_again;
	inventory_take(&(struct inventory_source){ env->w, env->aws, env->reader, &env->owner, catalogue_resources() }, NULL,
		       &r->inv, on_inventory);
	return RUN_STAYS;
}

enum run_state run_record(struct run *r, const char *type, json_t *members)
{
	journal_append(r->env->journal, &r->rec, type, members, on_record);
	return RUN_STAYS;
}

/* ---- the step at hand ---- */

struct doing *run_now(const struct run *r)
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

/* Did the step's settle_s lie between a point in time (0: none) and the question whose answer we have? An answer tells how
 * things were when it was asked, not when it came. */
static bool has_passed(struct run *r, uint64_t since_ms, uint64_t past_ms)
{
	/* The monotonic clock begins anew in each life: past_ms is what the record tells of the time before this one. An answer to
	 * a question from before the call proves nothing of it, however late it comes. */
	return since_ms != 0 && r->a.asked_ms >= since_ms &&
	       r->a.asked_ms - since_ms + past_ms >= (uint64_t)run_now(r)->s.kind->settle_s * 1000;
}

/* A clock that was set back makes it too young, never too old by more than it was set forward. */
static uint64_t intent_age_ms(const struct run *r, const struct doing *d)
{
	int64_t now = world_wall_ms(r->env->w);

	return d->tried_ms != 0 && now > d->tried_ms ? (uint64_t)(now - d->tried_ms) : 0;
}

struct step_ctx run_ctx(struct run *r, char token[53])
{
	struct doing *d = run_now(r);

	run_token(r->env, r->plan->name, d->s.name, d->generation, token);
	return (struct step_ctx){
		.args = r->a.args,
		.command = r->env->command,
		.plan = r->plan->name,
		.step = d->s.name,
		.token = token,
		.region = aws_region(r->env->aws),
		.owner = &r->env->owner,
		.generation = d->generation,
		.settled = has_passed(r, d->last_ms, d->last_past_ms),
		.patient = has_passed(r, d->first_ms, d->first_past_ms),
		.in_doubt = r->a.in_doubt,
		.age_ms = d->first_ms != 0 ? world_now_ms(r->env->w) - d->first_ms + d->first_past_ms : 0,
		.code = r->a.code,
		.intent_age_ms = intent_age_ms(r, d),
		.known = r->env->facts,
		.left = r->a.left,
		.seen = r->a.shown,
		.told = r->a.told,
		.cause = &r->a.cause,
		.sight = &r->a.sight,
		.facts = r->a.facts,
		.note = &r->a.note,
	};
}

bool run_may_undo(const struct run *r)
{
	return !r->undoing && r->at < r->plan->pivot;
}

static enum run_phase phase_now(const struct run *r)
{
	return r->undoing ? RUN_UNDO : run_may_undo(r) ? RUN_BEFORE_PIVOT : RUN_BEHIND_PIVOT;
}

enum run_leave run_may(struct run *r)
{
	const struct doing *d = run_now(r);
	bool is_unspent = step_mutates(d->s.kind) && d->standing != INTENDED;

	/* The rates have counted the step when its intent was recorded: what repeats that call is not counted, or kept waiting,
	 * again. */
	return r->env->may(r->env->ctx, phase_now(r), is_unspent ? &d->s : NULL, &r->a.err);
}

static void attempt_close(struct attempt *a)
{
	json_decref(a->args);
	json_decref(a->facts);
	json_decref(a->left);
	json_decref(a->shown);
	json_decref(a->told);
	json_decref(a->part);
	run_failing_close(&a->own);
	run_failing_close(&a->other);
	buf_close(&a->note);
	mem_free(a->encoded);
}

static void attempt_begin(struct run *r)
{
	attempt_close(&r->a);
	r->a = (struct attempt){ .facts = json_object(),
				 .left = json_object(),
				 .told = json_object(),
				 .note = BUF_MAX(sizeof(r->notes)),
				 .started_ms = world_now_ms(r->env->w) };
}

/* ---- ended ---- */

enum run_state run_ends(struct run *r, enum run_end how)
{
	r->end = how;
	return RUN_AT_ENDED;
}

static enum run_state tell_end(struct run *r)
{
	static const char *const ends[] = { [RUN_RUNNING] = "running",     [RUN_OK] = "ok",
					    [RUN_FAILED] = "failed",       [RUN_ROLLED_BACK] = "rolled_back",
					    [RUN_CANCELLED] = "cancelled", [RUN_INDETERMINATE] = "indeterminate" };

	log_info("op.plan.end", "op=%s plan=%s end=%s note=%s", r->env->command, r->plan->name, ends[r->end], r->notes);
	r->env->done(r->env->ctx, r);
	return RUN_STAYS;
}

/* ---- guard ---- */

/* The step's own time does not pass while STOP or the rates keep it waiting. That of the command does (op_run.c); under STOP it is
 * heard once STOP is gone. */
static enum run_state held_up(struct run *r)
{
	r->a.started_ms = world_now_ms(r->env->w);
	return run_wait(r, FROZEN_POLL_MS);
}

/* A read changes nothing and needs no leave; while it polls a cancel ends it, as long as one may. */
static enum run_state guard_read(struct run *r)
{
	enum run_leave leave = run_may(r);
	bool asks_node = step_asks_node(run_now(r)->s.kind);

	if (leave == RUN_DENY && asks_node && step_confirms(run_now(r)->s.args) != NULL) {
		buf_addf(&r->a.note, "%s unverified: %s", step_confirms(run_now(r)->s.args), err_text(&r->a.err));
		return run_step_ends(r, true, "not asked");
	}
	/* STOP and a denial do not end what only looks; the next step that would change something meets them. To a node nothing
	 * goes against the policy, a question neither. */
	if (leave == RUN_CANCEL || (leave == RUN_DENY && asks_node))
		return run_called_off(r, leave);
	if (leave == RUN_WAIT && asks_node)
		return held_up(r);
	return run_to_call(r);
}

static enum run_state guard_change(struct run *r)
{
	enum run_leave leave = run_may(r);

	if (leave == RUN_WAIT)
		return held_up(r);
	if (leave == RUN_GO && run_looks_are_old(r))
		return r->a.in_doubt ? run_look_before_anew(r) : run_look_anew(r);
	if (leave == RUN_GO)
		return run_now(r)->standing == INTENDED ? run_to_call(r) : RUN_AT_INTENT;
	/* If the step ended here, with a call in doubt, a thing could stay behind in the account that no record names. */
	return r->a.in_doubt ? run_look_before_leaving(r, LEAVES) : run_called_off(r, leave);
}

static enum run_state guard(struct run *r)
{
	return step_mutates(run_now(r)->s.kind) ? guard_change(r) : guard_read(r);
}

/* ---- intent ---- */

static enum run_state intent(struct run *r)
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
	/* It is counted now, and not when the record stands: another operation may ask in between what is left of the rates. */
	r->env->intent(r->env->ctx, &d->s, 0);
	return run_record(r, "step.intent", m);
}

/* The disk may have been slow to take the intent, so the guard is asked again. */
static enum run_state intent_stands(struct run *r)
{
	struct doing *d = run_now(r);

	d->standing = INTENDED;
	/* A call follows again, so since when none has been made is no longer true. A replay of the intent forgets it likewise. */
	d->leaving = STAYS;
	json_close(&d->doubt);
	return RUN_AT_GUARD;
}

enum run_state run_smaller(struct run *r)
{
	/* Other parameters are another request: under the old token AWS would refuse it (IdempotentParameterMismatch), and a crash
	 * between the two must find an intent for each. The delays after throttling begin anew, too. */
	run_now(r)->generation++;
	run_now(r)->standing = FRESH;
	r->a.tries = 0;
	return RUN_AT_GUARD;
}

/* ---- from step to step ---- */

static enum run_state list_ends(struct run *r)
{
	if (!r->undoing)
		return run_ends(r, RUN_OK);
	/* Something that was to be taken back stands: neither ROLLED_BACK nor CANCELLED would be true. */
	if (r->some_stays)
		return run_ends(r, RUN_FAILED);
	return run_ends(r, r->cancelled ? RUN_CANCELLED : RUN_ROLLED_BACK);
}

/* A step that failed before a crash, and whose consequence was not yet written. */
static enum run_state resume_failed(struct run *r)
{
	struct doing *d = run_now(r);

	/* What follows from the outcome hangs on these two, and after a restart the record alone knows them. */
	r->a.is_denied = str_eq(json_str_or(json_object_get(d->outcome, "error"), "class", ""), "POLICY");
	r->a.in_doubt = json_is_true(json_object_get(d->outcome, "ambiguous"));
	return run_after_outcome(r, d);
}

/* An intent from before a crash: its call may have been made or not. The step is in doubt until a look tells. */
static enum run_state resume(struct run *r)
{
	r->a.in_doubt = true;
	return run_now(r)->leaving != STAYS ? run_resume_leaving(r) : RUN_AT_LOOK;
}

/* What the list of steps is at:
 *
 *   behind the last one                   the list ends
 *   an undo that must not be              it is passed over
 *   one that failed before a restart      what follows from its outcome
 *   one that lacks a fact                 it fails, and nothing is called
 *   a read of AWS                         it is called
 *   one with an intent from before        in doubt: it is looked for
 *   any other                             it goes to the guard  */
static enum run_state next(struct run *r)
{
	struct doing *d;

	while (r->at < count(r) && (run_now(r)->standing == DONE || run_keeps(r)))
		r->at++;
	if (r->at == count(r))
		return list_ends(r);
	attempt_begin(r);
	d = run_now(r);
	if (d->since_ms != 0)
		r->a.started_ms = d->since_ms;
	if (d->standing == FAILED)
		return resume_failed(r);
	/* A fact is missing that an earlier step should have left: the plan or the journal is wrong, and no call is made. What ends
	 * the step reads the arguments all the same, so it gets them as the plan has them. */
	if (facts_resolve(d->s.args, r->env->facts, &r->a.args, &r->a.err) != 0) {
		r->a.args = json_incref(d->s.args);
		return run_step_ends(r, false, "not called");
	}
	r->env->progress(r->env->ctx, r);
	/* A read has no intent and no doubt: after a restart it is made again. */
	if (!step_mutates(d->s.kind) && !step_asks_node(d->s.kind))
		return RUN_AT_CALL;
	return d->standing == INTENDED ? resume(r) : RUN_AT_GUARD;
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
	r->modified = json_array();
	sm_init(&r->sm, &run_machine, RUN_AT_NEXT);
	r->sm.of = plan->name;
	return r;
}

bool run_is_running(const struct run *r)
{
	return r->started && r->end == RUN_RUNNING;
}

void run_start(struct run *r)
{
	r->started = true;
	/* From the loop: whoever starts several runs has all of them before the first one does anything, or ends. */
	run_wait(r, 0);
}

static void doing_close(struct doing *d, bool owns)
{
	json_decref(d->outcome);
	json_decref(d->doubt);
	if (owns) {
		mem_free(d->own_name);
		mem_free(d->own_title);
		json_decref(d->s.args);
	}
}

void run_free(struct run *r)
{
	if (r == NULL)
		return;
	timer_stop(r->env->w, &r->timer);
	/* Nothing waits for this record, so it may still be on its way when the run has ended. */
	if (r->doubt_rec.waiting)
		journal_forget(r->env->journal, &r->doubt_rec);
	for (size_t i = 0; i < r->plan->n; i++)
		doing_close(&r->v[i], false);
	for (size_t i = 0; i < r->undo_n; i++)
		doing_close(&r->undo[i], true);
	mem_free(r->v);
	mem_free(r->undo);
	attempt_close(&r->a);
	json_decref(r->undo_reason);
	json_decref(r->doubt);
	aws_call_close(&r->call);
	inventory_req_close(&r->inv);
	json_decref(r->error);
	json_decref(r->created);
	json_decref(r->deleted);
	json_decref(r->modified);
	mem_free(r);
}

static bool is_out(struct closing *c)
{
	const struct run *r = container_of(c, struct run, ending.closing);

	return aws_call_is_running(&r->call) || r->inv.priv != NULL;
}

static void free_stopped(struct closing *c)
{
	struct run *r = container_of(c, struct run, ending.closing);

	aws_call_close(&r->call);
	inventory_req_close(&r->inv);
}

static const struct closing_how run_how = { is_out, free_stopped };

void run_stop(struct run *r, void (*done)(void *ctx), void *ctx)
{
	/* This comes first: what is cancelled below comes back to the tick, and must find the run stopped. */
	ending_begin(&r->ending, r->env->w, &run_how, done, ctx);
	journal_forget(r->env->journal, &r->rec);
	journal_forget(r->env->journal, &r->doubt_rec);
	timer_stop(r->env->w, &r->timer);
	aws_call_cancel(&r->call);
	inventory_cancel(&r->inv);
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

/* What only looks begins nothing: a plan may have waited for half an hour and changed nothing yet. */
bool run_has_begun(const struct run *r)
{
	for (size_t i = 0; i < r->plan->n; i++)
		if (r->v[i].standing != FRESH && step_mutates(r->v[i].s.kind))
			return true;
	return false;
}

bool run_is_ahead(const struct run *r, size_t step)
{
	return r->end == RUN_RUNNING && !r->undoing && r->v[step].standing != DONE;
}

bool run_is_fresh(const struct run *r, size_t step)
{
	return r->v[step].standing == FRESH;
}

bool run_is_unspent(const struct run *r, size_t step)
{
	return run_is_ahead(r, step) && run_is_fresh(r, step);
}

/* What is surveyed is on its way back. */
enum run_phase run_phase(const struct run *r)
{
	return r->sm.now == RUN_AT_SURVEY || r->sm.now == RUN_AT_UNDO ? RUN_UNDO : phase_now(r);
}

const char *run_step_title(const struct run *r)
{
	if (r->end != RUN_RUNNING || r->at >= count(r))
		return "";
	return run_now(r)->s.title;
}

int64_t run_waits_until(const struct run *r, const char **action)
{
	if (!run_is_running(r) || r->a.until_ms <= world_wall_ms(r->env->w))
		return 0; /* over, and not known: what keeps it from knowing is its trouble */
	*action = (r->undoing ? &r->undo[r->at] : &r->v[r->at])->s.kind->action;
	return r->a.until_ms;
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

const json_t *run_modified(const struct run *r)
{
	return r->modified;
}

const json_t *run_outcome_of(const struct run *r, size_t step)
{
	return r->v[step].outcome;
}

void run_add_left(const struct run *r, json_t *ids)
{
	for (size_t i = 0; r->undoing && i < r->undo_n; i++)
		if (r->undo[i].standing == DONE)
			json_array_extend(ids, json_object_get(r->undo[i].s.args, "keeps"));
}
