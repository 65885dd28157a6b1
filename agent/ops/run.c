/* run.c - the engine.
 *
 * Happy path of a step: guard -> intent -> call -> judge -> outcome -> next. A read has neither guard nor intent. Poll steps
 * come back to the call after poll_s. Ambiguity goes through look. An intent stands for every repetition of the same call
 * with the same generation; a changed call takes the next generation and an intent of its own. */
#include "agent/ops/run.h"

#include <assert.h>
#include <string.h>

#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/sm.h"
#include "agent/base/str.h"

#define FROZEN_POLL_MS 1000
#define NOTE_MAX 512

/*  next -> guard -> intent -> call -> outcome -> next
                 guard -> call (an intent stands), look -> call, outcome, poll    poll -> guard (again), look
    outcome -> undo (recorded) -> next ...   any -> ended, stopped  */
enum { R_NEXT, R_GUARD, R_INTENT, R_CALL, R_LOOK, R_POLL, R_OUTCOME, R_UNDO, R_ENDED };
static const struct sm_state run_states[] = {
	[R_NEXT] = { "next", SM_TO(R_GUARD) | SM_TO(R_CALL) | SM_TO(R_LOOK) | SM_TO(R_OUTCOME) | SM_TO(R_ENDED) },
	[R_GUARD] = { "guard",
		      SM_TO(R_INTENT) | SM_TO(R_CALL) | SM_TO(R_LOOK) | SM_TO(R_OUTCOME) | SM_TO(R_UNDO) | SM_TO(R_ENDED) },
	[R_INTENT] = { "intent", SM_TO(R_GUARD) | SM_TO(R_ENDED) },
	[R_CALL] = { "call", SM_TO(R_POLL) | SM_TO(R_LOOK) | SM_TO(R_OUTCOME) | SM_TO(R_GUARD) | SM_TO(R_ENDED) },
	[R_LOOK] = { "look", SM_TO(R_POLL) | SM_TO(R_GUARD) | SM_TO(R_OUTCOME) | SM_TO(R_ENDED) },
	[R_POLL] = { "poll", SM_TO(R_GUARD) | SM_TO(R_CALL) | SM_TO(R_LOOK) | SM_TO(R_UNDO) | SM_TO(R_ENDED) },
	[R_OUTCOME] = { "outcome", SM_TO(R_NEXT) | SM_TO(R_UNDO) | SM_TO(R_ENDED) },
	[R_UNDO] = { "undo", SM_TO(R_NEXT) | SM_TO(R_ENDED) },
	[R_ENDED] = { "ended", SM_END },
};

enum standing { TODO, INTENDED, DONE, FAILED };

/* A step and how far it is. In the undo list, `of` is the step that is taken back. */
struct doing {
	struct step s;
	char *own_name; /* undo steps own name and arguments */
	enum standing standing;
	unsigned generation;
	int64_t tried_ms; /* Unix time of the first intent, for the record; 0: none */
	uint64_t first_ms,
	    last_ms;     /* of its calls, monotonic, or of the replay of its intent: a step of the wall clock settles nothing */
	json_t *outcome; /* the record's members, once there is one */
};

struct run {
	const struct run_env *env;
	const struct plan *plan;
	struct sm sm;
	struct doing *v, *undo;
	size_t undo_n, at; /* at: in the list that is worked on */
	bool undoing, cancelled, started;
	json_t *undo_reason; /* the record's members */
	struct aws_call call;
	struct inventory_req inv;
	struct journal_append rec;
	struct timer timer;
	json_t *args;  /* of the step at hand, resolved */
	json_t *facts; /* what it has found out */
	struct buf note;
	uint64_t started_ms; /* monotonic, for the step's deadline */
	bool is_ambiguous;   /* the last call's fate is unknown */
	bool was_duplicate;  /* AWS said: there is one already */
	bool look_again;     /* poll leads back to looking */
	bool leaving;        /* it may not go on, and looks first whether its intent had its effect */
	unsigned repeats;    /* calls repeated after looking in vain */
	struct err err;
	char code[128], request_id[128];
	enum aws_class class;
	enum run_end end;
	json_t *error, *created, *deleted;
	char notes[NOTE_MAX];
	void (*stopped)(void *ctx, struct run *r);
};

static void next(struct run *r);
static void guard(struct run *r);
static void call(struct run *r);
static void look(struct run *r);
static void leave_refused(struct run *r, enum run_leave leave);

static struct doing *now(struct run *r)
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

/* ---- ends and errors ---- */

static const char *class_of(const struct run *r)
{
	static const char *const names[AWS_CLASSES] = {
		[AWS_OK] = "INTERNAL",           [AWS_THROTTLED] = "THROTTLED",   [AWS_AMBIGUOUS] = "TIMEOUT",
		[AWS_EXPIRED] = "DENIED_BY_AWS", [AWS_DENIED] = "DENIED_BY_AWS",  [AWS_CAPACITY] = "CAPACITY",
		[AWS_QUOTA] = "QUOTA",           [AWS_NOTFOUND] = "PRECONDITION", [AWS_DUPLICATE] = "CONFLICT",
		[AWS_CONFLICT] = "CONFLICT",     [AWS_INVALID] = "PRECONDITION",
	};

	if (r->err.code == ERR_TIMEOUT)
		return "TIMEOUT";
	return r->err.code == ERR_DENIED ? "POLICY" : names[r->class];
}

static json_t *error_json(struct run *r)
{
	const struct doing *d = now(r);
	json_t *j = json_object();

	json_object_set_new(j, "class", json_string(class_of(r)));
	json_object_set_new(j, "message", json_string(err_text(&r->err)));
	json_object_set_new(j, "action", json_string(d->s.kind->action));
	if (r->code[0] != '\0')
		json_object_set_new(j, "aws_code", json_string(r->code));
	if (r->request_id[0] != '\0')
		json_object_set_new(j, "aws_request_id", json_string(r->request_id));
	return j;
}

static void end(struct run *r, enum run_end how)
{
	r->end = how;
	sm_move(&r->sm, R_ENDED);
	log_info("op.plan.end", "op=%s plan=%s end=%d%s%s", r->env->command, r->plan->name, (int)how,
		 r->notes[0] != '\0' ? " note=" : "", r->notes);
	r->env->done(r->env->ctx, r);
}

/* A stop asked for while something was under way takes effect when that has called back. */
static bool stopping(struct run *r)
{
	if (r->stopped == NULL)
		return false;
	sm_move(&r->sm, R_ENDED);
	r->stopped(r->env->ctx, r);
	return true;
}

/* ---- undo ---- */

static void undo_add(struct run *r, const struct doing *d)
{
	struct doing *u = &r->undo[r->undo_n++];

	u->own_name = mem_printf("undo-%s", d->s.name);
	u->s = (struct step){ u->own_name, d->s.kind->undo, d->s.kind->undo_args(d->s.args) };
}

/* Everything that was done and can be taken back, the last first. */
static void undo_list(struct run *r)
{
	r->undo = mem_alloc((r->plan->n + 1) * sizeof(*r->undo));
	for (size_t i = r->plan->n; i-- > 0;)
		if (r->v[i].standing == DONE && r->v[i].s.kind->undo != NULL)
			undo_add(r, &r->v[i]);
	r->undoing = true;
	r->at = 0;
}

static void on_undo(struct journal_append *a)
{
	struct run *r = container_of(a, struct run, rec);

	if (stopping(r))
		return;
	undo_list(r);
	sm_move(&r->sm, R_NEXT);
	next(r);
}

static void undo_start(struct run *r)
{
	json_t *m = json_object();

	log_warn("op.plan.undo", "op=%s plan=%s why=\"%s\"", r->env->command, r->plan->name, err_text(&r->err));
	json_object_set_new(m, "op", json_string(r->env->command));
	json_object_set_new(m, "plan", json_string(r->plan->name));
	json_object_set_new(m, "cancelled", json_boolean(r->cancelled));
	if (r->error != NULL)
		json_object_set(m, "error", r->error);
	r->undo_reason = json_incref(m);
	sm_move(&r->sm, R_UNDO);
	journal_append(r->env->journal, &r->rec, "plan.undo", m, on_undo);
}

/* ---- outcome ---- */

static void add_note(struct run *r, const char *text)
{
	size_t used = strlen(r->notes);

	if (*text != '\0' && used < sizeof(r->notes) - 1)
		snprintf(r->notes + used, sizeof(r->notes) - used, "%s%s", used > 0 ? "; " : "", text);
}

static void pairs_add(json_t *to, const char *kind, const json_t *what)
{
	if (json_is_string(what))
		json_array_append_new(to, json_pack("[s, O]", kind, what));
	for (size_t i = 0; json_is_array(what) && i < json_array_size(what); i++)
		json_array_append_new(to, json_pack("[s, O]", kind, json_array_get(what, i)));
}

static json_t *outcome_json(struct run *r, bool done, const char *how)
{
	struct doing *d = now(r);
	json_t *m = json_object(), *created = json_array(), *deleted = json_array();

	json_object_set_new(m, "op", json_string(r->env->command));
	json_object_set_new(m, "plan", json_string(r->plan->name));
	json_object_set_new(m, "step", json_string(d->s.name));
	json_object_set_new(m, "outcome", json_string(done ? "done" : "failed"));
	json_object_set_new(m, "how", json_string(how));
	if (done && d->s.kind->makes != NULL)
		pairs_add(created, d->s.kind->makes, json_object_get(r->facts, json_str_or(r->args, "fact", "?")));
	if (done && d->s.kind->removes != NULL)
		pairs_add(deleted, d->s.kind->removes, json_object_get(r->args, d->s.kind->removes_arg));
	json_object_del(r->facts, "partly");
	json_object_set(m, "facts", r->facts);
	json_object_set_new(m, "created", created);
	json_object_set_new(m, "deleted", deleted);
	if (r->note.len > 0)
		json_object_set_new(m, "note", json_string(buf_str(&r->note)));
	if (r->request_id[0] != '\0')
		json_object_set_new(m, "aws_request_id", json_string(r->request_id));
	if (!done) {
		json_object_set_new(m, "ambiguous", json_boolean(r->is_ambiguous));
		json_object_set_new(m, "error", error_json(r));
	}
	return m;
}

/* What an outcome record means; the same when it was just written and when it is replayed. */
static void outcome_apply(struct run *r, struct doing *d, json_t *m)
{
	bool done = str_eq(json_str_or(m, "outcome", ""), "done");
	json_t *error = json_object_get(m, "error");

	json_incref(m);
	json_decref(d->outcome);
	d->outcome = m;
	d->standing = done ? DONE : FAILED;
	json_object_update(r->env->facts, json_object_get(m, "facts"));
	json_array_extend(r->created, json_object_get(m, "created"));
	json_array_extend(r->deleted, json_object_get(m, "deleted"));
	add_note(r, json_str_or(m, "note", ""));
	if (error != NULL && r->error == NULL)
		r->error = json_incref(error);
}

static bool may_undo(const struct run *r)
{
	return !r->undoing && r->at < r->plan->pivot;
}

static void after_outcome(struct run *r, struct doing *d)
{
	if (d->standing == DONE) {
		sm_move(&r->sm, R_NEXT);
		next(r);
	} else if (r->undoing || r->is_ambiguous) {
		end(r, RUN_INDETERMINATE);
	} else if (may_undo(r) && r->err.code != ERR_DENIED) {
		undo_start(r);
	} else {
		end(r, RUN_FAILED);
	}
}

static void on_outcome(struct journal_append *a)
{
	struct run *r = container_of(a, struct run, rec);
	struct doing *d = now(r);

	if (d->outcome == NULL || stopping(r))
		return;
	outcome_apply(r, d, d->outcome);
	log_info("op.step.end", "op=%s step=%s/%s outcome=%s how=%s", r->env->command, r->plan->name, d->s.name,
		 json_str_or(d->outcome, "outcome", "?"), json_str_or(d->outcome, "how", "?"));
	r->env->progress(r->env->ctx, r);
	after_outcome(r, d);
}

static void outcome(struct run *r, bool done, const char *how)
{
	struct doing *d = now(r);
	json_t *m = outcome_json(r, done, how);

	json_decref(d->outcome);
	d->outcome = json_incref(m);
	sm_move(&r->sm, R_OUTCOME);
	journal_append(r->env->journal, &r->rec, "step.outcome", m, on_outcome);
}

/* ---- look ---- */

/* The step's settle_s since a point in time; 0 is none. */
static bool has_passed(struct run *r, uint64_t since_ms)
{
	return since_ms != 0 && world_now_ms(r->env->w) - since_ms >= (uint64_t)now(r)->s.kind->settle_s * 1000;
}

static struct step_ctx ctx_of(struct run *r, char token[53])
{
	struct doing *d = now(r);

	run_token(r->env, r->plan->name, d->s.name, d->generation, token);
	return (struct step_ctx){
		.args = r->args,
		.command = r->env->command,
		.plan = r->plan->name,
		.step = d->s.name,
		.token = token,
		.generation = d->generation,
		.settled = has_passed(r, d->last_ms),
		.patient = has_passed(r, d->first_ms),
		.facts = r->facts,
		.note = &r->note,
	};
}

static void on_timer(struct timer *t)
{
	struct run *r = container_of(t, struct run, timer);
	bool look_again = r->look_again;

	if (stopping(r))
		return;
	r->look_again = false;
	if (r->sm.now == R_GUARD)
		guard(r);
	else if (look_again)
		look(r);
	else if (step_mutates(now(r)->s.kind))
		guard(r);
	else if (may_undo(r) && r->env->may(r->env->ctx, &r->err) == RUN_CANCEL)
		leave_refused(r, RUN_CANCEL);
	else
		call(r);
}

static bool is_late(struct run *r)
{
	return world_now_ms(r->env->w) - r->started_ms > (uint64_t)now(r)->s.kind->deadline_s * 1000;
}

static void late(struct run *r)
{
	struct err why = r->err;

	err_set(&r->err, ERR_TIMEOUT, "%s did not come through within %u s%s%s", now(r)->s.kind->action, now(r)->s.kind->deadline_s,
		why.text[0] != '\0' ? ": " : "", why.text);
	outcome(r, false, "called");
}

static void poll(struct run *r, bool look_again)
{
	if (is_late(r)) {
		late(r);
		return;
	}
	r->look_again = look_again;
	sm_move(&r->sm, R_POLL);
	timer_start(r->env->w, &r->timer, now(r)->s.kind->poll_s * 1000, on_timer);
}

/* Looked, and it is not there. */
static void not_found(struct run *r, const struct step_ctx *x)
{
	bool partly = json_is_true(json_object_get(r->facts, "partly"));

	if (r->was_duplicate && x->settled) {
		err_set(&r->err, ERR_SERVICE, "AWS says that it is there already, but nothing with our tags is: %s", r->code);
		outcome(r, false, "looked");
	} else if (partly || r->was_duplicate || (r->leaving && !x->settled)) {
		poll(r, true);
	} else if (r->leaving) {
		now(r)->standing = TODO; /* long enough looked for: it was not carried out */
		guard(r);
	} else if (r->repeats++ == 0) {
		guard(r); /* repeated at once with the same token or name */
	} else {
		poll(r, false);
	}
}

static void on_look(struct inventory_req *req, int rc)
{
	struct run *r = container_of(req, struct run, inv);
	char token[53];
	struct step_ctx x;

	if (stopping(r))
		return;
	if (rc != 0) {
		log_warn("op.step.look.failed", "op=%s step=%s/%s err=\"%s\" next=\"look again\"", r->env->command, r->plan->name,
			 now(r)->s.name, err_text(&req->err));
		r->err = req->err;
		poll(r, true);
		return;
	}
	x = ctx_of(r, token);
	if (now(r)->s.kind->find(&x, req->inv)) {
		r->is_ambiguous = false;
		outcome(r, true, "found");
	} else {
		not_found(r, &x);
	}
}

static void look(struct run *r)
{
	sm_move(&r->sm, R_LOOK);
	inventory_take(r->env->w, r->env->aws, r->env->reader, &r->env->owner, &r->inv, on_look);
}

/* ---- call ---- */

static void settle(struct run *r, enum step_verdict v)
{
	switch (v) {
	case STEP_DONE:
		r->is_ambiguous = false;
		outcome(r, true, "called");
		break;
	case STEP_AGAIN:
		poll(r, false);
		break;
	case STEP_LOOK:
		look(r);
		break;
	case STEP_SMALLER:
		now(r)->generation++;
		now(r)->standing = TODO;
		guard(r);
		break;
	case STEP_FAILED:
		outcome(r, false, "called");
		break;
	}
}

/* Answers that tell nothing of an earlier call with the same token: AWS did not look at what was asked. */
static bool says_nothing(enum aws_class c)
{
	return c == AWS_THROTTLED || c == AWS_EXPIRED || c == AWS_DENIED;
}

static void on_call(struct aws_call *c)
{
	struct run *r = container_of(c, struct run, call);
	char token[53];
	struct step_ctx x;

	if (stopping(r))
		return;
	x = ctx_of(r, token);
	r->class = c->class;
	r->was_duplicate = c->class == AWS_DUPLICATE;
	r->is_ambiguous =
	    step_mutates(now(r)->s.kind) && (c->class == AWS_AMBIGUOUS || (r->is_ambiguous && says_nothing(c->class)));
	memcpy(r->code, c->code, sizeof(r->code));
	memcpy(r->request_id, c->request_id, sizeof(r->request_id));
	r->err = c->class == AWS_OK ? (struct err){ 0 } : c->err;
	if (c->class != AWS_OK)
		log_warn("op.step.refused", "op=%s step=%s/%s class=%s code=%s err=\"%s\"", r->env->command, r->plan->name, x.step,
			 aws_class_name(c->class), c->code, err_text(&c->err));
	settle(r, now(r)->s.kind->judge(&x, c, &r->err));
}

static void call(struct run *r)
{
	struct doing *d = now(r);
	char token[53];
	struct step_ctx x = ctx_of(r, token);

	sm_move(&r->sm, R_CALL);
	aws_call_close(&r->call);
	r->call =
	    (struct aws_call){ .service = d->s.kind->service, .mutating = step_mutates(d->s.kind), .command = r->env->command };
	if (d->s.kind->ask(&x, &r->call.form, &r->err) != 0) {
		r->class = AWS_OK;
		outcome(r, false, "not called");
		return;
	}
	d->last_ms = world_now_ms(r->env->w);
	d->first_ms = d->first_ms != 0 ? d->first_ms : d->last_ms;
	aws_call_start(r->env->aws, &r->call, step_mutates(d->s.kind) ? r->env->operate : r->env->reader, on_call);
}

/* ---- guard and intent ---- */

static void on_intent(struct journal_append *a)
{
	struct run *r = container_of(a, struct run, rec);

	if (stopping(r))
		return;
	now(r)->standing = INTENDED;
	guard(r); /* the disk may have taken its time: ask once more before the call */
}

static void intent(struct run *r)
{
	struct doing *d = now(r);
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
	journal_append(r->env->journal, &r->rec, "step.intent", m, on_intent);
}

/* A cancel before the pivot takes back; an undo cannot be cancelled, and behind the pivot there is only forward. */
static void leave_refused(struct run *r, enum run_leave leave)
{
	r->class = AWS_OK;
	r->code[0] = r->request_id[0] = '\0';
	if (leave == RUN_DENY) {
		outcome(r, false, "not called");
	} else {
		r->cancelled = true;
		r->error = r->error != NULL ? r->error : error_json(r);
		undo_start(r);
	}
}

static void guard(struct run *r)
{
	struct doing *d = now(r);
	enum run_leave leave = r->env->may(r->env->ctx, &r->err);

	if (r->sm.now != R_GUARD)
		sm_move(&r->sm, R_GUARD);
	if (leave == RUN_CANCEL && !may_undo(r))
		leave = RUN_GO;
	if (leave == RUN_WAIT) {
		r->started_ms = world_now_ms(r->env->w);
		timer_start(r->env->w, &r->timer, FROZEN_POLL_MS, on_timer);
	} else if (leave == RUN_GO && d->standing == INTENDED) {
		call(r);
	} else if (leave == RUN_GO) {
		intent(r);
	} else if (d->standing == INTENDED) {
		r->leaving = true;
		look(r); /* the intent may have had its effect: know first, then take back */
	} else {
		leave_refused(r, leave);
	}
}

static void finish_list(struct run *r)
{
	if (!r->undoing)
		end(r, RUN_OK);
	else
		end(r, r->cancelled ? RUN_CANCELLED : RUN_ROLLED_BACK);
}

static void step_reset(struct run *r)
{
	json_decref(r->args);
	json_decref(r->facts);
	r->args = NULL;
	r->facts = json_object();
	buf_reset(&r->note);
	r->is_ambiguous = r->was_duplicate = r->look_again = r->leaving = false;
	r->repeats = 0;
	r->err = (struct err){ 0 };
	r->class = AWS_OK;
	r->code[0] = r->request_id[0] = '\0';
	r->started_ms = world_now_ms(r->env->w);
}

/* A step that failed before a crash, and whose consequence was not yet written. */
static bool resume_failed(struct run *r)
{
	struct doing *d = now(r);

	if (d->standing != FAILED)
		return false;
	sm_move(&r->sm, R_OUTCOME);
	if (str_eq(json_str_or(json_object_get(d->outcome, "error"), "class", ""), "POLICY"))
		r->err.code = ERR_DENIED;
	r->is_ambiguous = json_is_true(json_object_get(d->outcome, "ambiguous"));
	after_outcome(r, d);
	return true;
}

/* An intent from before a crash: was it carried out? Until something tells, nobody knows. */
static void resume(struct run *r)
{
	r->is_ambiguous = true;
	look(r);
}

static void next(struct run *r)
{
	struct doing *d;

	while (r->at < count(r) && now(r)->standing == DONE)
		r->at++;
	if (r->at == count(r)) {
		finish_list(r);
		return;
	}
	step_reset(r);
	if (resume_failed(r))
		return;
	d = now(r);
	if (facts_resolve(d->s.args, r->env->facts, &r->args, &r->err) != 0) {
		r->args = json_incref(d->s.args);
		outcome(r, false, "not called");
		return;
	}
	r->env->progress(r->env->ctx, r);
	if (!step_mutates(d->s.kind))
		call(r);
	else if (d->standing == INTENDED)
		resume(r);
	else
		guard(r);
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
	r->note = BUF_MAX(NOTE_MAX);
	sm_init(&r->sm, run_states, R_NEXT);
	return r;
}

static void on_start(struct timer *t)
{
	struct run *r = container_of(t, struct run, timer);

	if (!stopping(r))
		next(r);
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
	for (size_t i = 0; i < r->plan->n; i++)
		doing_close(&r->v[i], false);
	for (size_t i = 0; i < r->undo_n; i++)
		doing_close(&r->undo[i], true);
	mem_free(r->v);
	mem_free(r->undo);
	json_decref(r->undo_reason);
	aws_call_close(&r->call);
	inventory_req_close(&r->inv);
	json_decref(r->args);
	json_decref(r->facts);
	json_decref(r->error);
	json_decref(r->created);
	json_decref(r->deleted);
	buf_close(&r->note);
	mem_free(r);
}

void run_stop(struct run *r, void (*stopped)(void *ctx, struct run *r))
{
	r->stopped = stopped;
	journal_forget(r->env->journal, &r->rec);
	if (r->sm.now == R_CALL)
		aws_call_cancel(&r->call);
	else if (r->sm.now == R_LOOK)
		inventory_cancel(&r->inv);
	else
		timer_start(r->env->w, &r->timer, 0, on_start);
}

/* ---- replay ---- */

static struct doing *by_name(struct run *r, const char *name)
{
	for (size_t i = 0; i < r->plan->n; i++)
		if (str_eq(r->v[i].s.name, name))
			return &r->v[i];
	for (size_t i = 0; i < r->undo_n; i++)
		if (str_eq(r->undo[i].s.name, name))
			return &r->undo[i];
	return NULL;
}

void run_replay_intent(struct run *r, const json_t *record, int64_t time_ms)
{
	struct doing *d = by_name(r, json_str_or(record, "step", ""));

	if (d == NULL)
		return;
	d->standing = INTENDED;
	d->generation = (unsigned)json_int_or(record, "generation", 1);
	d->first_ms = d->last_ms = world_now_ms(r->env->w);
	if (d->tried_ms == 0)
		d->tried_ms = time_ms;
}

void run_replay_outcome(struct run *r, const json_t *record)
{
	struct doing *d = by_name(r, json_str_or(record, "step", ""));

	if (d != NULL)
		outcome_apply(r, d, (json_t *)record);
}

void run_replay_undo(struct run *r, const json_t *record)
{
	r->undo_reason = json_incref((json_t *)record);
	r->cancelled = json_is_true(json_object_get(record, "cancelled"));
	if (r->error == NULL && json_object_get(record, "error") != NULL)
		r->error = json_incref(json_object_get(record, "error"));
	undo_list(r);
}

static void doing_records(const struct run *r, const struct doing *d, json_t *to)
{
	if (d->tried_ms != 0 && d->standing != TODO)
		json_array_append_new(to, json_pack("[s, {s:s, s:s, s:s, s:i}, I]", "step.intent", "op", r->env->command, "plan",
						    r->plan->name, "step", d->s.name, "generation", (int)d->generation,
						    (json_int_t)d->tried_ms));
	if (d->outcome != NULL && (d->standing == DONE || d->standing == FAILED))
		json_array_append_new(to, json_pack("[s, O, i]", "step.outcome", d->outcome, 0));
}

void run_records(const struct run *r, json_t *to)
{
	for (size_t i = 0; i < r->plan->n; i++)
		doing_records(r, &r->v[i], to);
	if (r->undoing)
		json_array_append_new(to, json_pack("[s, O, i]", "plan.undo", r->undo_reason, 0));
	for (size_t i = 0; i < r->undo_n; i++)
		doing_records(r, &r->undo[i], to);
}

/* ---- questions ---- */

const struct plan *run_plan(const struct run *r)
{
	return r->plan;
}

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

const char *run_step_name(const struct run *r)
{
	if (r->end != RUN_RUNNING)
		return "";
	return r->undoing ? (r->at < r->undo_n ? r->undo[r->at].s.name : "") : r->at < r->plan->n ? r->v[r->at].s.name : "";
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
