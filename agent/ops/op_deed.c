/* op_deed.c - an operation whose verb has a deed in the place of steps: its plan without any, the deed under way, its result. */
#include "agent/ops/op_impl.h"

#include <stdio.h>

#include "agent/base/json.h"
#include "agent/ops/deed.h"

bool op_has_deed(const struct op *op)
{
	return op->verb != NULL && op->verb->deed != NULL;
}

/* Nothing is looked up for it: whatever the account holds, this is all that it does. */
int op_deed_plan(struct op *op, struct err *e)
{
	char note[DEED_NOTE_LEN];
	struct plan_builder *b = plan_builder_new(op->f.id_text, op->verb->name, op_warehouse(op), 0, world_wall_ms(op_world(op)));

	plan_deed(b, op->verb->deed->says);
	if (op->verb->deed->tell != NULL) {
		op->verb->deed->tell(op->args, note);
		plan_note(b, "%s", note);
	}
	plans_free(op->plans);
	op->plans = NULL;
	return plan_end(b, &op->plans, e);
}

static enum op_state called_off(struct op *op)
{
	struct err e = { 0 };

	op_is_called_off(op, &e);
	return e.code == ERR_CANCELED ? op_end_early(op, STATE(CANCELLED), NULL, "cancelled by the vendor")
				      : op_end_early(op, STATE(FAILED), "TIMEOUT", err_text(&e));
}

/* What is done is done, although a cancel came while its last write was on its way. */
static enum op_state ended(struct op *op)
{
	json_t *error = json_incref(op->deed.error), *result;

	if (error != NULL && op_is_called_off(op, NULL)) {
		json_decref(error);
		return called_off(op);
	}
	result = op_result_json(op, error == NULL ? STATE(SUCCEEDED) : STATE(FAILED), error, op->deed.note);
	if (op->deed.output != NULL)
		json_object_set(result, "output", op->deed.output);
	return op_end_with(op, result);
}

static void on_deed(struct deed_req *req)
{
	struct op *op = container_of(req, struct op, deed);

	op->is_deed_done = true;
	if (ending_is_on(&op->end))
		ending_step(&op->end);
	else
		op_wake(op); /* the deed is still on the stack: go on from the loop */
}

static void on_again(struct deed_req *req, const char *why)
{
	struct op *op = container_of(req, struct op, deed);

	snprintf(op->waiting, sizeof(op->waiting), "%.150s", why);
	op->env->changed(op->env->ctx);
}

/* As for a step that changes something (op_run.c). */
static enum deed_may on_may(struct deed_req *req, struct err *e)
{
	struct op *op = container_of(req, struct op, deed);
	const struct policy *p = op->env->policy_read(op->env->ctx);
	char what[ERR_TEXT_MAX];

	if (op_is_frozen(op))
		return DEED_WAIT;
	if (op_verb_mode(op, p) != POLICY_AUTO)
		err_set(e, ERR_DENIED, "the policy now says %s for %s", policy_mode_name(op_verb_mode(op, p)), op_verb(op));
	else if (op_is_high(op, p, what) && !op_is_release_signed(op))
		err_set(e, ERR_DENIED, "high risk (%.400s) needs a release signature beside the command's", what);
	else
		return DEED_GO;
	return DEED_DENY;
}

static void begin(struct op *op)
{
	op->deed = (struct deed_req){
		.env = op->env, .id = op->f.id_text, .cmd = op->cmd, .args = op->args, .again = on_again, .may = on_may
	};
	op->verb->deed->start(&op->deed, on_deed);
}

/* The first row that fits:
 *
 *   it is done                                    the end
 *   cancelled, or out of time                     called off; the end, when nothing of it is under way
 *   it was not begun in this life of the agent    it is begun, and looked at again when the command's time is over
 */
enum op_state op_run_deed(struct op *op)
{
	if (op->is_deed_done)
		return ended(op);
	if (op_is_called_off(op, NULL)) {
		op_deed_hear(op);
		return op->deed.priv == NULL ? called_off(op) : OP_STAYS;
	}
	if (op->deed.priv == NULL)
		begin(op);
	return op_wait(op, (uint64_t)(op_deadline_ms(op) - world_wall_ms(op_world(op))) + 1);
}

void op_deed_hear(struct op *op)
{
	if (op->deed.priv == NULL)
		return;
	if (ending_is_on(&op->end) || op_is_called_off(op, NULL))
		op->verb->deed->cancel(&op->deed);
}
