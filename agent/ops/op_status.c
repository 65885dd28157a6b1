/* op_status.c - what is told of an operation: to the vendor in a report, to people as a plan. A result is told from its record
 * alone, so that it reads the same after any number of restarts. */
#include "agent/ops/op_impl.h"

#include "agent/aws/code.h"
#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"

#define PLAN_TEXT_WHOLE (4u << 20)
#define CUT_LINE_MAX 128

/* Whole lines, as many as there is room for, and how many are missing: a plan must not look shorter than it is. */
static void print_plans(const struct plans *p, struct buf *to)
{
	CLEANUP(buf_close) struct buf all = BUF_MAX(PLAN_TEXT_WHOLE);
	size_t room = to->max - to->len, keep, lines = 0;

	plans_print(p, &all);
	keep = all.len <= room ? all.len : room - CUT_LINE_MAX;
	while (keep < all.len && keep > 0 && all.data[keep - 1] != '\n')
		keep--;
	buf_add(to, buf_str(&all), keep);
	for (size_t i = keep; i < all.len; i++)
		lines += all.data[i] == '\n';
	if (lines > 0)
		buf_addf(to, "... %zu more lines: the plan's record in the journal has them\n", lines);
}

/* A high risk that follows from the policy and not from a step alone. */
static void print_unproved(const struct op *op, struct buf *to)
{
	char what[ERR_TEXT_MAX];

	if (op_starts_unproved(op, op->env->policy(op->env->ctx), what))
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

static void set_text(json_t *to, const char *member, const char *text)
{
	if (*text != '\0')
		json_object_set_new(to, member, json_text(text));
}

void op_tell_plan(const struct op *op, json_t *to)
{
	char what[ERR_TEXT_MAX];

	if (op->plans != NULL)
		json_object_set(to, "plan", op->plans->json);
	set_text(to, "note", op->f.is_ended ? json_str_or(op->result, "note", "") : op->waiting);
	set_text(to, "error", json_str_or(json_object_get(op->result, "error"), "message", ""));
	if (op->plans != NULL && !op->f.is_ended && op_starts_unproved(op, op->env->policy(op->env->ctx), what))
		set_text(to, "high_risk", what);
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
	e->class_ = class != NULL ? (Reeve__Control__V1__ErrorClass) class->value : REEVE__CONTROL__V1__ERROR_CLASS__INTERNAL;
	e->message = arena_str(m, json_str_or(j, "message", ""));
	e->aws_code = arena_str(m, json_str_or(j, "aws_code", ""));
	e->aws_request_id = arena_str(m, json_str_or(j, "aws_request_id", ""));
	e->action = arena_str(m, json_str_or(j, "action", ""));
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

static char *running_step(const struct op *op, struct arena *m)
{
	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++)
		if (op->runs[i] != NULL && *run_step_title(op->runs[i]) != '\0')
			return arena_printf(m, "%s: %s", op->plans->v[i].name, run_step_title(op->runs[i]));
	return arena_str(m, "");
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
	to->note = arena_str(m, json_str_or(op->result, "note", ""));
	to->generation = (uint64_t)json_int_or(op->result, "generation", 0);
	to->started_at = json_int_or(op->result, "started_ms", 0);
	to->ended_at = json_int_or(op->result, "ended_ms", 0);
	to->steps_done = (uint32_t)json_int_or(op->result, "steps_done", 0);
	to->steps_total = (uint32_t)json_int_or(op->result, "steps_total", 0);
	to->plan_hash = wire_hash(op->result, m);
	to->plan_text = arena_str(m, json_str_or(op->result, "plan_text", ""));
}

/* A plan is for people where it is what is waited for. */
static bool tells_plan(const struct op *op)
{
	return op->plans != NULL &&
	       (op->f.state == STATE(PLANNED) || op->f.state == STATE(WAIT_HOLD) || op->f.state == STATE(WAIT_APPROVAL));
}

/* It asks for an inventory, and AWS does not give it one. */
static bool is_blind(const struct op *op)
{
	return op->refusal != NULL && op->sm.now == OP_ASKING;
}

/* AWS keeps it from being planned, or else the first of its runs from getting on. */
static bool has_trouble(const struct op *op, struct run_trouble *ret)
{
	if (is_blind(op))
		*ret = (struct run_trouble){ op->refusal, op->refusals, op->refused_since_ms, op->f.expires_ms, false };
	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++)
		if (op->runs[i] != NULL && run_trouble(op->runs[i], ret))
			return true;
	return is_blind(op);
}

/* Up to the second: what changes all the time is news in every report. */
static const char *second(int64_t ms, char to[STAMP_RFC3339_LEN])
{
	return stamp_rfc3339((ms + 999) / 1000 * 1000, to);
}

static char *trouble_note(const struct op *op, const struct run_trouble *t, struct arena *m)
{
	int64_t gives_up = t->gives_up_ms, deadline = t->can_be_taken_back ? op_deadline_ms(op) : gives_up;
	char since[STAMP_RFC3339_LEN], until[STAMP_RFC3339_LEN];

	if (deadline < gives_up)
		gives_up = deadline;
	return arena_printf(m, "%s was refused %u time%s since %s, it is tried until %s: %s", json_str_or(t->error, "action", "?"),
			    t->tries, t->tries > 1 ? "s" : "", second(t->since_ms, since), second(gives_up, until),
			    json_str_or(t->error, "message", "?"));
}

/* What the first of its runs waits for, after a call without an answer. */
static char *doubt_note(const struct op *op, struct arena *m)
{
	char until[STAMP_RFC3339_LEN];
	const char *action;

	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++) {
		int64_t ms = op->runs[i] != NULL ? run_waits_until(op->runs[i], &action) : 0;

		if (ms != 0)
			return arena_printf(m, "%s got no answer: waits until %s to know whether it had its effect", action,
					    second(ms, until));
	}
	return NULL;
}

/* What holds the operation up: AWS while it cannot be planned; else the customer's word first, then a call in doubt, then AWS. */
static char *waiting_note(const struct op *op, const struct run_trouble *trouble, struct arena *m)
{
	char *doubt = *op->waiting == '\0' ? doubt_note(op, m) : NULL;

	if (doubt != NULL)
		return doubt;
	if (trouble != NULL && (*op->waiting == '\0' || is_blind(op)))
		return trouble_note(op, trouble, m);
	return arena_str(m, op->waiting);
}

static void status_of_running(const struct op *op, struct arena *m, status_t *to)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(OP_PLAN_TEXT_MAX);
	struct run_trouble trouble;
	bool is_held_up = has_trouble(op, &trouble);

	to->step = running_step(op, m);
	to->note = waiting_note(op, is_held_up ? &trouble : NULL, m);
	to->error = is_held_up ? wire_error(trouble.error, m) : NULL;
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

void op_status(const struct op *op, struct arena *m, status_t *to)
{
	reeve__control__v1__status__init(to);
	to->command_id = (ProtobufCBinaryData){ sizeof(op->f.id), (uint8_t *)op->f.id };
	to->seq = op->f.seq;
	to->epoch = op->f.epoch;
	to->state = op->f.state;
	if (op->f.is_ended)
		status_of_result(op, m, to);
	else
		status_of_running(op, m, to);
}
