/* op_end.c - an operation's end: the result as a record, and what is let go when it stands. */
#include "agent/ops/op_impl.h"

#include <assert.h>
#include <stdio.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/ops/room.h"

#define PLAN_KEPT_BYTES (256u << 10) /* a smaller plan can still be shown when all is over */

/* An operation that did not succeed says why in the log, too: at night it may be all that a person has. */
void op_log_end(const struct op *op)
{
	const json_t *error = json_object_get(op->result, "error");

	log_info("op.end", "op=%s verb=%s warehouse=%s state=%s err=%s note=%s", op->f.id_text, op_verb(op), op_warehouse(op),
		 json_str_or(op->result, "state", "?"), json_str_or(error, "message", ""), json_str_or(op->result, "note", ""));
}

/* A code that this version does not know, of a record that another has written, tells us nothing of how it ended. */
static state_t state_in(const json_t *result)
{
	int64_t code = json_int_or(result, "code", STATE(INDETERMINATE));

	if (code < 0 || code > INT16_MAX ||
	    protobuf_c_enum_descriptor_get_value(&reeve__control__v1__state__descriptor, (int)code) == NULL)
		return STATE(INDETERMINATE);
	return (state_t)code;
}

/* What the warehouse is to be like from now on, or that nobody knows. */
static void lay_down(const struct op *op)
{
	struct wanted_end end = { .warehouse = op_warehouse(op),
				  .op = op->f.id_text,
				  .verb = op->verb,
				  .args = &op->cmd->args,
				  .result = op->result,
				  .is_plan = op->cmd->mode == REEVE__CONTROL__V1__MODE__PLAN };

	fates_ended(&op->env->shared->fates, &op->env->shared->wanted, &end, op->planned);
	wanted_ended(&op->env->shared->wanted, &end);
}

/* The plan has done its work: it is the journal's alone from here, as it is after a restart. */
void op_ended_apply(struct op *op)
{
	op->f.is_ended = true;
	op->f.state = state_in(op->result);
	proved_add(&op->env->shared->proved, json_object_get(op->result, "proved_user_data"));
	lay_down(op);
	op_end_runs(op);
	if (op->f.plan_bytes > PLAN_KEPT_BYTES) {
		plans_free(op->plans);
		op->plans = NULL;
		json_close(&op->planned);
	}
	/* Its share of the room is free: another command may be waiting to be planned. */
	op->f.plan_bytes = 0;
	op->f.command_bytes = json_size(op->accepted);
	/* A command that was refused as it came has its result within that record: it counts once. */
	if (json_object_get(op->accepted, "result") == NULL)
		op->f.command_bytes += json_size(op->result);
}

static const char *state_name(state_t s)
{
	return protobuf_c_enum_descriptor_get_value(&reeve__control__v1__state__descriptor, (int)s)->name;
}

json_t *op_result_json(struct op *op, state_t state, json_t *error, const char *note)
{
	json_t *m = json_object();

	json_object_set_new(m, "op", json_string(op->f.id_text));
	json_object_set_new(m, "state", json_string(state_name(state)));
	json_object_set_new(m, "code", json_integer(state));
	/* The start is told only if it is in the journal: the result must not say more than the records. */
	if (op_has_started(op))
		json_object_set_new(m, "started_ms", json_integer(op->started_ms));
	json_object_set_new(m, "ended_ms", json_integer(world_wall_ms(op_world(op))));
	if (error != NULL)
		json_object_set_new(m, "error", error);
	if (note != NULL && *note != '\0')
		json_object_set_new(m, "note", json_text(note));
	return m;
}

/* The result is the whole status: it must read the same after any number of restarts, without the plan. */
static void add_plan(const struct op *op, json_t *result)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(OP_PLAN_TEXT_MAX);
	char hex[DIGEST_HEX_LEN];

	json_object_set_new(result, "plan_hash", json_string(digest_hex(&op->plans->hash, hex)));
	json_object_set_new(result, "steps_total", json_integer((json_int_t)plans_steps(op->plans)));
	if (op->cmd->mode != REEVE__CONTROL__V1__MODE__PLAN || json_object_get(result, "error") != NULL)
		return;
	op_plan_text(op, &text);
	json_object_set_new(result, "plan_text", json_text(buf_str(&text)));
}

enum op_state op_end_with(struct op *op, json_t *result)
{
	assert(op->result == NULL);
	if (op->plans != NULL)
		add_plan(op, result);
	room_cut_result(result);
	op->result = result;
	return OP_ENDING;
}

enum op_state op_end_early(struct op *op, state_t state, const char *class, const char *message)
{
	json_t *error = class != NULL ? json_pack("{s:s, s:o}", "class", class, "message", json_text(message)) : NULL;

	return op_end_with(op, op_result_json(op, state, error, class == NULL ? message : NULL));
}

enum op_state op_end_refused(struct op *op, state_t state, const char *class, const char *message)
{
	json_t *error;

	if (op->failing.error == NULL)
		return op_end_early(op, state, class, message);
	error = run_failing_json(&op->failing, message);
	if (class != NULL)
		json_object_set_new(error, "class", json_string(class));
	return op_end_with(op, op_result_json(op, state, error, NULL));
}

enum op_state op_end(struct op *op)
{
	/* The timer of the deadline, or of a wait, may still run, and this state has nothing to do when it comes. */
	timer_stop(op_world(op), &op->timer);
	return op_record(op, "command.result", json_incref(op->result));
}

enum op_state op_ended(struct op *op)
{
	op_log_end(op);
	op_ended_apply(op);
	/* The keys go after the runs, which hold on to them. */
	op_creds_done(op);
	op->env->changed(op->env->ctx);
	op->env->ended(op->env->ctx, op);
	return OP_ENDED;
}
