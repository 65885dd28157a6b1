/* op.c - one operation.
 *
 * Happy path: accepted -> its turn -> inventory -> planned (recorded) -> policy and keys agree -> hold over -> started
 * (recorded) -> the plans of each stage run beside each other -> result (recorded) -> acknowledged by the vendor.
 * Failure: before the start a refusal is a terminal result that changed nothing; after it the runs say what became of them.
 * A restart replays the records and goes on; what has not started is planned anew. */
#include "agent/ops/op_impl.h"

#include <assert.h>
#include <string.h>

#include "agent/base/backoff.h"
#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/stamp.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"
#include "agent/ops/proved.h"
#include "agent/ops/room.h"

#define PLAN_KEPT_BYTES (256u << 10) /* a smaller plan can still be shown when all is over */

/* ---- small questions ---- */

const struct op_fields *op_fields(const struct op *op)
{
	return &op->f;
}

const char *op_warehouse(const struct op *op)
{
	return op->cmd->target;
}

const char *op_verb(const struct op *op)
{
	return op->cmd->verb == REEVE__CONTROL__V1__VERB__WAREHOUSE_APPLY    ? "warehouse.apply"
	       : op->cmd->verb == REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE ? "warehouse.delete"
									     : "unknown";
}

struct ops *op_owner(const struct op *op)
{
	return op->ops;
}

bool op_is_cancelled(const struct op *op)
{
	return op->is_cancelled;
}

bool op_is_delete(const struct op *op)
{
	return op->cmd->verb == REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE;
}

enum policy_mode op_verb_mode(const struct op *op, const struct policy *p)
{
	return p->verbs[op_is_delete(op) ? POLICY_DELETE : POLICY_APPLY];
}

struct world *op_world(const struct op *op)
{
	return ops_cfg(op->ops)->w;
}

/* ---- the result ---- */

/* What did not succeed says why, also here: who reads the log at night has nothing else. */
void op_log_end(const struct op *op)
{
	const json_t *error = json_object_get(op->result, "error");
	const char *why = json_str_or(error, "message", json_str_or(op->result, "note", ""));

	log_info("op.end", "op=%s verb=%s warehouse=%s state=%s%s%s%s", op->f.id_text, op_verb(op), op_warehouse(op),
		 json_str_or(op->result, "state", "?"), *why != '\0' ? " why=\"" : "", why, *why != '\0' ? "\"" : "");
}

static void on_result(struct journal_append *a)
{
	struct op *op = container_of(a, struct op, rec);

	op_log_end(op);
	op_ended_apply(op);
	op_creds_done(op);
	if (op->stopped == NULL)
		ops_ended(op->ops);
}

/* The plan has done its work: it is the journal's alone from here, as it is after a restart. */
void op_ended_apply(struct op *op)
{
	op->f.state = OP_ENDED;
	proved_add(ops_proved(op->ops), json_object_get(op->result, "proved_user_data"));
	op_end_runs(op);
	if (op->f.plan_bytes > PLAN_KEPT_BYTES) {
		plans_free(op->plans);
		op->plans = NULL;
		json_close(&op->planned);
	}
	op->f.plan_bytes = 0;
	op->f.command_bytes = json_size(op->accepted);
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
	if (op->is_started)
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

void op_end_with(struct op *op, json_t *result)
{
	assert(!op->rec.waiting && op->result == NULL);
	if (op->plans != NULL)
		add_plan(op, result);
	room_cut_result(result);
	timer_stop(op_world(op), &op->timer);
	op->result = json_incref(result);
	journal_append(ops_journal(op->ops), &op->rec, "command.result", result, on_result);
}

void op_end_early(struct op *op, state_t state, const char *class, const char *message)
{
	json_t *error = class != NULL ? json_pack("{s:s, s:o}", "class", class, "message", json_text(message)) : NULL;

	op_end_with(op, op_result_json(op, state, error, class == NULL ? message : NULL));
}

/* ---- waiting ---- */

/* One warehouse is changed by one command at a time, in their order. */
static bool waits_for_turn(struct op *op)
{
	const struct op *ahead = ops_ahead_of(op->ops, op);
	char stamp[STAMP_RFC3339_LEN];

	if (op->cmd->not_before > world_wall_ms(op_world(op))) {
		snprintf(op->waiting, sizeof(op->waiting), "waits for its not_before, %s",
			 stamp_rfc3339(op->cmd->not_before, stamp));
	} else if (ahead != NULL) {
		snprintf(op->waiting, sizeof(op->waiting), "waits for %s %s%s, which came before it for the same warehouse",
			 op_verb(ahead), ahead->f.id_text, ahead->f.epoch < op->f.epoch ? " of an older epoch" : "");
	} else {
		if (op->is_queued)
			op->waiting[0] = '\0';
		op->is_queued = false;
		return false;
	}
	op->is_queued = true;
	op_wait(op, OP_WAIT_MS);
	return true;
}

static void advance(struct op *op)
{
	if (op->rec.waiting || op->is_asking || op->result != NULL)
		return;
	if (op->is_started && op->plans == NULL)
		op_end_early(op, STATE(INDETERMINATE), "INTERNAL", "its plan cannot be read by this version: look at the account");
	else if (op->is_started)
		op_run(op);
	else if (op_ended_waiting(op) || waits_for_turn(op))
		return;
	else if (op->plans != NULL)
		op_consider(op);
	else
		op_prepare(op);
}

static void on_timer(struct timer *t)
{
	advance(container_of(t, struct op, timer));
}

void op_wait(struct op *op, uint64_t ms)
{
	timer_start(op_world(op), &op->timer, ms, on_timer);
}

void op_cancel(struct op *op)
{
	if (op->is_cancelled || op->f.state == OP_ENDED)
		return;
	op->is_cancelled = true;
	log_info("op.cancel", "op=%s next=\"%s\"", op->f.id_text,
		 op->is_started ? "it ends at the next step it may" : "it is not started");
	if (!op->is_started)
		op_wait(op, 0);
}

/* ---- life ---- */

static void parse_args(struct op *op)
{
	ProtobufCBinaryData args = op->cmd->args;

	if (op_is_delete(op))
		op->remove = reeve__control__v1__warehouse_delete__unpack(NULL, args.len, args.data);
	else
		op->apply = reeve__control__v1__warehouse_apply__unpack(NULL, args.len, args.data);
}

struct op *op_new(struct ops *ops, command_t *cmd, json_t *accepted)
{
	struct op *op = mem_new(struct op);

	op->ops = ops;
	op->cmd = cmd;
	op->accepted = json_incref(accepted);
	op->facts = json_object();
	op->backoff = BACKOFF(1000, 30000);
	memcpy(op->f.id, cmd->command_id.data, sizeof(op->f.id));
	uuid_text(op->f.id, op->f.id_text);
	op->f.seq = cmd->seq;
	op->f.epoch = cmd->epoch;
	op->f.expires_ms = cmd->expires_at;
	op->f.accepted_ms = json_int_or(accepted, "accepted_ms", 0);
	op->born_ms = world_now_ms(op_world(op));
	op->age_ms = world_wall_ms(op_world(op)) - op->f.accepted_ms;
	op->age_ms = op->age_ms > 0 ? op->age_ms : 0;
	op->f.first_record = (uint64_t)json_int_or(accepted, "first_record", 0);
	if (json_object_get(accepted, "result") != NULL) {
		op->result = json_incref(json_object_get(accepted, "result"));
		op_ended_apply(op);
	} else {
		op->f.command_bytes = json_size(accepted) + ROOM_RESULT;
		parse_args(op);
	}
	return op;
}

void op_free(struct op *op)
{
	if (op == NULL)
		return;
	timer_stop(op_world(op), &op->timer);
	op_end_runs(op);
	plans_free(op->plans);
	inventory_req_close(&op->inv);
	json_decref(op->accepted);
	json_decref(op->planned);
	json_decref(op->result);
	json_decref(op->facts);
	if (op->apply != NULL)
		reeve__control__v1__warehouse_apply__free_unpacked(op->apply, NULL);
	if (op->remove != NULL)
		reeve__control__v1__warehouse_delete__free_unpacked(op->remove, NULL);
	reeve__control__v1__command__free_unpacked(op->cmd, NULL);
	mem_free(op);
}

void op_begin(struct op *op)
{
	if (op->f.state != OP_ENDED)
		op_wait(op, 0);
}

static void stop_done(struct op *op)
{
	op_creds_done(op);
	op->stopped(op);
}

static void on_stop_timer(struct timer *t)
{
	stop_done(container_of(t, struct op, timer));
}

static void on_run_stopped(void *ctx, struct run *r)
{
	struct op *op = ctx;

	(void)r;
	if (--op->stopping_runs == 0)
		timer_start(op_world(op), &op->timer, 0, on_stop_timer);
}

void op_stop(struct op *op, void (*stopped)(struct op *op))
{
	op->stopped = stopped;
	if (ops_journal(op->ops) != NULL)
		journal_forget(ops_journal(op->ops), &op->rec);
	timer_stop(op_world(op), &op->timer);
	if (op->is_asking) {
		inventory_cancel(&op->inv);
		return;
	}
	for (size_t i = 0; op->runs != NULL && op->operate != NULL && i < op->plans->n; i++)
		if (op->runs[i] != NULL && run_is_running(op->runs[i])) {
			op->stopping_runs++;
			run_stop(op->runs[i], on_run_stopped);
		}
	if (op->stopping_runs == 0)
		timer_start(op_world(op), &op->timer, 0, on_stop_timer);
}
