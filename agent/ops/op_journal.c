/* op_journal.c - an operation and its records: applied when they are read back, and written again into a checkpoint. */
#include "agent/ops/op_impl.h"

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/str.h"

static void replay_planned(struct op *op, const json_t *record, int64_t time_ms)
{
	struct err e = { 0 };

	/* Runs point into the plans that go; a command that is planned anew has made none of its calls. */
	op_end_runs(op);
	plans_free(op->plans);
	op->plans = NULL;
	if (plans_from_json(json_object_get(record, "plan"), &op->plans, &e) != 0)
		log_error("op.plan.unreadable", "op=%s err=%s next=\"planned anew; INDETERMINATE if it had begun\"", op->f.id_text,
			  err_text(&e));
	op_planned_apply(op, (json_t *)record, time_ms);
	op_tell(op, OP_QUEUED);
	/* The records that follow make runs, and a run needs to know whose it is. It gets keys when it starts. */
	op_run_env_init(op);
}

static struct run *run_named(struct op *op, const char *plan)
{
	for (size_t i = 0; op->plans != NULL && i < op->plans->n; i++)
		if (str_eq(op->plans->v[i].name, plan))
			return op_run_of(op, i);
	return NULL;
}

static void replay_run(struct op *op, const char *type, const json_t *record, int64_t time_ms)
{
	struct run *r = run_named(op, json_str_or(record, "plan", ""));

	if (r == NULL)
		return;
	if (str_eq(type, "step.intent"))
		run_replay_intent(r, record, time_ms);
	else if (str_eq(type, "step.doubt"))
		run_replay_doubt(r, record);
	else if (str_eq(type, "step.outcome"))
		run_replay_outcome(r, record, time_ms);
	else if (str_eq(type, "plan.undo"))
		run_replay_undo(r, record);
}

void op_replay(struct op *op, const char *type, const json_t *record, int64_t time_ms)
{
	if (str_eq(type, "command.planned")) {
		replay_planned(op, record, time_ms);
	} else if (str_eq(type, "command.started")) {
		op->started_ms = json_int_or(record, "started_ms", time_ms);
		op_tell(op, OP_RUNNING);
	} else if (str_eq(type, "command.cancelled")) {
		op->is_cancelled = true;
	} else if (str_eq(type, "command.result")) {
		op_replay_end(op, (json_t *)record);
	} else {
		replay_run(op, type, record, time_ms);
	}
}

static void record(json_t *to, const char *type, const json_t *members, int64_t time_ms)
{
	json_array_append_new(to, json_pack("[s, O, I]", type, members, (json_int_t)time_ms));
}

void op_records(const struct op *op, json_t *to)
{
	record(to, op_stands_on(op) != NULL ? "local.accepted" : "command.accepted", op->accepted, op->f.accepted_ms);
	/* Of one that is over the result is enough: its steps stay in the segments before this one. */
	if (op->f.is_ended) {
		if (json_object_get(op->accepted, "result") == NULL)
			record(to, "command.result", op->result, 0);
		return;
	}
	if (op->planned != NULL)
		record(to, "command.planned", op->planned, op->planned_ms);
	/* A start whose record is on its way is left out: that record comes behind this checkpoint by itself. */
	if (op_has_started(op))
		json_array_append_new(to, json_pack("[s, {s:s, s:I}, I]", "command.started", "op", op->f.id_text, "started_ms",
						    (json_int_t)op->started_ms, (json_int_t)op->started_ms));
	if (op->is_cancelled)
		json_array_append_new(to, json_pack("[s, {s:s}, i]", "command.cancelled", "op", op->f.id_text, 0));
	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++)
		if (op->runs[i] != NULL)
			run_records(op->runs[i], to);
}
