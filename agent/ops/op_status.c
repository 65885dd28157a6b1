/* op_status.c - what is told of an operation: to the vendor in a report, to people as a plan. A result is told from its record
 * alone, so that it reads the same after any number of restarts. */
#include "agent/ops/op_impl.h"

#include "agent/aws/code.h"
#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"

#define PLAN_TEXT_WHOLE (4u << 20)
#define CUT_LINE_MAX 128
#define STATUS_BYTES_MAX (64u << 20)

/* Whole lines, as many as there is room for, and how many are missing: a plan must not look shorter than it is. */
static void print_plans(const struct plans *p, struct buf *to)
{
	CLEANUP(buf_close) struct buf all = BUF_MAX(PLAN_TEXT_WHOLE);
	size_t room = to->max - to->len, keep, lines = 0;

	plans_print(p, &all);
	/* Some room is kept for the line that says how much is missing. */
	keep = all.len <= room ? all.len : room - CUT_LINE_MAX;
	while (keep < all.len && keep > 0 && all.data[keep - 1] != '\n')
		keep--;
	buf_add(to, buf_str(&all), keep);
	for (size_t i = keep; i < all.len; i++)
		lines += all.data[i] == '\n';
	if (lines > 0)
		buf_addf(to, "... %zu more lines: the plan's record in the journal has them\n", lines);
}

static bool is_high_beside_steps(const struct op *op, char what[ERR_TEXT_MAX])
{
	const struct policy *p = op->env->policy(op->env->ctx);

	return op->verb != NULL && op->verb->is_high ? op_is_high(op, p, what) : op_starts_unproved(op, p, what);
}

/* A high risk that follows from the policy and not from a step alone. */
static void print_unproved(const struct op *op, struct buf *to)
{
	char what[ERR_TEXT_MAX];

	if (is_high_beside_steps(op, what))
		buf_addf(to, "[HIGH RISK: needs a release signature] %s\n", what);
}

void op_plan_text(const struct op *op, struct buf *to)
{
	if (op->plans != NULL) {
		print_plans(op->plans, to);
		print_unproved(op, to);
	} else {
		buf_addf(to, "Command %s: %s of %s is not planned yet%s%s\n", op->f.id_text, op_verb(op), op_warehouse(op),
			 op->waiting[0] != '\0' ? ": " : ".", op->waiting);
	}
}

static Reeve__Control__V1__Error *wire_error(const json_t *j, struct arena *m)
{
	const ProtobufCEnumValue *class;
	Reeve__Control__V1__Error *e;

	if (j == NULL)
		return NULL;
	e = arena_new(m, Reeve__Control__V1__Error);
	reeve__control__v1__error__init(e);
	class = protobuf_c_enum_descriptor_get_value_by_name(&reeve__control__v1__error_class__descriptor,
							     json_str_or(j, "class", "INTERNAL"));
	/* A record of a newer version may name a class that this schema does not have. */
	e->class_ = class != NULL ? (Reeve__Control__V1__ErrorClass) class->value : REEVE__CONTROL__V1__ERROR_CLASS__INTERNAL;
	e->message = arena_str(m, json_str_or(j, "message", ""));
	e->aws_code = arena_str(m, json_str_or(j, "aws_code", ""));
	e->aws_request_id = arena_str(m, json_str_or(j, "aws_request_id", ""));
	e->action = arena_str(m, json_str_or(j, "action", ""));
	e->resource = arena_str(m, json_str_or(j, "resource", ""));
	/* Retryable is what may pass by itself: AWS was busy or full, or a node died of a fault of AWS's own. */
	e->retryable = e->class_ == REEVE__CONTROL__V1__ERROR_CLASS__THROTTLED ||
		       e->class_ == REEVE__CONTROL__V1__ERROR_CLASS__CAPACITY || code_judge_death(e->aws_code, "").passes;
	return e;
}

static void wire_resources(const json_t *list, struct arena *m, size_t *ret_n, Reeve__Control__V1__Resource ***ret)
{
	size_t n = json_array_size(list);

	*ret = arena_alloc(m, (n + 1) * sizeof(**ret));
	for (*ret_n = 0; *ret_n < n; (*ret_n)++) {
		const json_t *pair = json_array_get(list, *ret_n);
		Reeve__Control__V1__Resource *r = arena_new(m, Reeve__Control__V1__Resource);

		reeve__control__v1__resource__init(r);
		r->kind = arena_str(m, json_string_value(json_array_get(pair, 0)));
		r->id = arena_str(m, json_string_value(json_array_get(pair, 1)));
		(*ret)[*ret_n] = r;
	}
}

static ProtobufCBinaryData wire_hash(const json_t *result, struct arena *m)
{
	uint8_t *b = arena_alloc(m, DIGEST_LEN);

	if (enc_unhex(json_str_or(result, "plan_hash", ""), b, DIGEST_LEN) != 0)
		return (ProtobufCBinaryData){ 0, NULL };
	return (ProtobufCBinaryData){ DIGEST_LEN, b };
}

static void status_of_result(const struct op *op, struct arena *m, status_t *to)
{
	to->error = wire_error(json_object_get(op->result, "error"), m);
	wire_resources(json_object_get(op->result, "created"), m, &to->n_created, &to->created);
	wire_resources(json_object_get(op->result, "deleted"), m, &to->n_deleted, &to->deleted);
	wire_resources(json_object_get(op->result, "preserved"), m, &to->n_preserved, &to->preserved);
	wire_resources(json_object_get(op->result, "modified"), m, &to->n_modified, &to->modified);
	to->note = arena_str(m, json_str_or(op->result, "note", ""));
	to->generation = (uint64_t)json_int_or(op->result, "generation", 0);
	to->started_at = json_int_or(op->result, "started_ms", 0);
	to->ended_at = json_int_or(op->result, "ended_ms", 0);
	to->steps_done = (uint32_t)json_int_or(op->result, "steps_done", 0);
	to->steps_total = (uint32_t)json_int_or(op->result, "steps_total", 0);
	to->plan_hash = wire_hash(op->result, m);
	to->plan_text = arena_str(m, json_str_or(op->result, "plan_text", ""));
	to->output = op_output(op, m);
}

/* A plan is for people where it is what is waited for. */
static bool tells_plan(const struct op *op)
{
	return op->plans != NULL &&
	       (op->f.state == STATE(PLANNED) || op->f.state == STATE(WAIT_HOLD) || op->f.state == STATE(WAIT_APPROVAL));
}

/* ---- what holds it up ---- */

/* It asks for an inventory, and AWS does not give it one. */
static bool is_blind(const struct op *op)
{
	return op->failing.error != NULL && op->sm.now == OP_ASKING;
}

/* Of the plans that go beside each other, what one says goes together: its step, its error and its note. */
struct told {
	const struct plan *plan; /* NULL: it has none, or none is at work */
	const struct run *run;
	unsigned rank;     /* 3: in trouble, 2: a call of it is in doubt, 1: at work */
	unsigned running;  /* plans at work */
	unsigned troubled; /* of these, the ones of rank 2 and 3 */
	bool is_in_trouble;
	struct run_trouble trouble; /* where it is: the run's, or that of the inventory */
};

static unsigned rank_of(const struct run *r)
{
	struct run_trouble trouble;
	const char *action;

	if (r == NULL || *run_step_title(r) == '\0')
		return 0;
	if (run_trouble(r, &trouble))
		return 3;
	return run_waits_until(r, &action) != 0 ? 2 : 1;
}

static void weigh(const struct op *op, size_t i, struct told *t)
{
	unsigned rank = rank_of(op->runs[i]);

	t->running += rank > 0;
	t->troubled += rank > 1;
	if (rank <= t->rank)
		return;
	t->rank = rank;
	t->plan = &op->plans->v[i];
	t->run = op->runs[i];
}

/* The first of those that need it most. */
static struct told told_of(const struct op *op)
{
	struct told t = { 0 };

	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++)
		weigh(op, i, &t);
	t.is_in_trouble = is_blind(op) || (t.run != NULL && run_trouble(t.run, &t.trouble));
	if (is_blind(op))
		t.trouble = (struct run_trouble){ .error = op->failing.error,
						  .waits = op->failing.waits,
						  .tries = op->failing.tries,
						  .since_ms = op->failing.since_ms,
						  .gives_up_ms = op->f.expires_ms };
	return t;
}

/* ---- notes ---- */

/* Up to the second: what changes all the time is news in every report. */
static const char *second(int64_t ms, char to[STAMP_RFC3339_LEN])
{
	return stamp_rfc3339((ms + 999) / 1000 * 1000, to);
}

/* What was not sent was not refused (run_failing_json), and what got no answer was neither. */
static char *trouble_note(const struct op *op, const struct run_trouble *t, struct arena *m)
{
	int64_t gives_up = t->gives_up_ms, deadline = t->can_be_taken_back ? op_deadline_ms(op) : gives_up;
	char since[STAMP_RFC3339_LEN], until[STAMP_RFC3339_LEN];
	const char *class = json_str_or(t->error, "class", ""), *action = json_str_or(t->error, "action", "?");
	const char *what = str_eq(class, "TIMEOUT") || str_eq(class, "INTERNAL") ? "has failed" : "was refused";

	/* The time that comes first is told. Behind the pivot the command's deadline ends nothing, so it is not told there. */
	if (deadline < gives_up)
		gives_up = deadline;
	if (t->waits != NULL) {
		what = "waits for keys, tried";
		action = t->waits;
	}
	return arena_printf(m, "%s %s %u time%s since %s, it is tried until %s: %s", action, what, t->tries,
			    t->tries > 1 ? "s" : "", second(t->since_ms, since), second(gives_up, until),
			    json_str_or(t->error, "message", "?"));
}

static char *look_note(int64_t since_ms, struct arena *m)
{
	char since[STAMP_RFC3339_LEN];

	return arena_printf(m, "a look at the account is under way since %s", second(since_ms, since));
}

static char *pending_note(const struct run *r, struct arena *m)
{
	char since[STAMP_RFC3339_LEN];
	struct run_pending p;

	if (!run_pending(r, &p))
		return arena_str(m, "");
	if (p.seen != NULL)
		return arena_printf(m, "waits, last seen: %s", p.seen);
	if (p.action == NULL)
		return look_note(p.since_ms, m);
	return arena_printf(m, "%s waits for %s since %s", p.action, p.for_keys ? "keys" : "an answer", second(p.since_ms, since));
}

/* What the run that is told of waits for: a call in doubt first, then what fails, then what has not failed yet. */
static char *run_note_of(const struct op *op, const struct told *t, struct arena *m)
{
	char until[STAMP_RFC3339_LEN];
	const char *action;
	int64_t ms = run_waits_until(t->run, &action);

	if (ms != 0)
		return arena_printf(m, "%s got no answer: waits until %s to know whether it had its effect", action,
				    second(ms, until));
	return t->is_in_trouble ? trouble_note(op, &t->trouble, m) : pending_note(t->run, m);
}

/* Where several go beside each other: which one it is, and how many more do not get on. */
static char *named_note(const struct told *t, char *note, struct arena *m)
{
	unsigned others = t->troubled > 1 ? t->troubled - 1 : 0;

	if (*note == '\0' || t->running < 2)
		return note;
	note = arena_printf(m, "%s: %s", t->plan->name, note);
	return others == 0 ? note
			   : arena_printf(m, "%s (and %u other plan%s not get on)", note, others, others > 1 ? "s do" : " does");
}

/* An inventory is on its way, and takes long. */
static bool is_slow(const struct op *op)
{
	return op->inv.priv != NULL && world_wall_ms(op_world(op)) - op->asked_wall_ms >= RUN_SLOW_MS;
}

/* What holds the operation up: AWS while it cannot be planned; else the customer's word first, then its runs. */
static char *waiting_note(const struct op *op, const struct told *t, struct arena *m)
{
	if (is_blind(op))
		return trouble_note(op, &t->trouble, m);
	if (is_slow(op))
		return look_note(op->asked_wall_ms, m);
	/* The customer's word (STOP, the policy, the rates) explains all that stands still behind it. */
	if (*op->waiting != '\0' || t->run == NULL)
		return arena_str(m, op->waiting);
	return named_note(t, run_note_of(op, t, m), m);
}

static const char *cancel_note(const struct op *op, const struct told *t)
{
	if (!op_has_started(op))
		return "a cancel has come: it is not started";
	if (t->run != NULL && run_phase(t->run) == RUN_UNDO)
		return "a cancel has come: what was made is taken back";
	if (t->run != NULL && run_phase(t->run) == RUN_BEHIND_PIVOT && op_has_begun(op))
		return "a cancel has come too late: what has begun goes on";
	return "a cancel has come: it ends at the next step it may";
}

/* A cancel is told until the operation has ended, before what it waits for. */
static char *note_of(const struct op *op, const struct told *t, struct arena *m)
{
	char *note = waiting_note(op, t, m);

	if (!op->is_cancelled)
		return note;
	return arena_printf(m, "%s%s%s", cancel_note(op, t), *note != '\0' ? "; " : "", note);
}

static void status_of_running(const struct op *op, struct arena *m, status_t *to)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(OP_PLAN_TEXT_MAX);
	struct told t = told_of(op);

	to->step = t.run != NULL ? arena_printf(m, "%s: %s", t.plan->name, run_step_title(t.run)) : arena_str(m, "");
	to->note = note_of(op, &t, m);
	/* The error is told while the step is still tried: a person may mend it before the time is over. */
	to->error = t.is_in_trouble ? wire_error(t.trouble.error, m) : NULL;
	to->started_at = op_has_started(op) ? op->started_ms : 0;
	to->steps_done = op_steps_done(op);
	if (op->plans != NULL) {
		to->plan_hash = (ProtobufCBinaryData){ DIGEST_LEN, op->plans->hash.b };
		to->steps_total = (uint32_t)plans_steps(op->plans);
	}
	if (tells_plan(op)) {
		print_plans(op->plans, &text);
		to->plan_text = arena_str(m, buf_str(&text));
	}
}

static bool changes_something(const struct plans *p)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++)
			if (step_mutates(p->v[i].steps[k].kind))
				return true;
	return false;
}

bool op_is_changing(const struct op *op, struct op_changing *ret)
{
	if (op->f.is_ended || !op_has_started(op) || op->verb == NULL || op->verb->plan == NULL)
		return false;
	if (op->plans != NULL && !changes_something(op->plans))
		return false;
	*ret = (struct op_changing){ .verb = op->verb, .args = op->args, .plans = op->plans, .planned = op->planned };
	return true;
}

static ProtobufCBinaryData stands_on(const struct op *op, struct arena *m)
{
	const char *text = op_stands_on(op);
	uint8_t *id = arena_alloc(m, UUID_LEN);

	if (text == NULL || uuid_parse(text, id) != 0)
		return (ProtobufCBinaryData){ 0, NULL };
	return (ProtobufCBinaryData){ UUID_LEN, id };
}

void op_status(const struct op *op, struct arena *m, status_t *to)
{
	reeve__control__v1__status__init(to);
	to->command_id = (ProtobufCBinaryData){ sizeof(op->f.id), (uint8_t *)op->f.id };
	to->seq = op->f.seq;
	to->epoch = op->f.epoch;
	to->verb = arena_str(m, op_verb(op));
	to->stands_on = stands_on(op, m);
	to->state = op->f.state;
	if (op->f.is_ended)
		status_of_result(op, m, to);
	else
		status_of_running(op, m, to);
}

static void set_text(json_t *to, const char *member, const char *text)
{
	if (*text != '\0')
		json_object_set_new(to, member, json_text(text));
}

void op_tell_plan(const struct op *op, json_t *to)
{
	struct arena *m = arena_new_sized(STATUS_BYTES_MAX);
	char what[ERR_TEXT_MAX];
	status_t s;

	op_status(op, m, &s);
	if (op->plans != NULL)
		json_object_set(to, "plan", op->plans->json);
	set_text(to, "note", s.note);
	set_text(to, "error", s.error != NULL ? s.error->message : "");
	arena_free(m);
	if (op->plans != NULL && !op->f.is_ended && is_high_beside_steps(op, what))
		set_text(to, "high_risk", what);
}
