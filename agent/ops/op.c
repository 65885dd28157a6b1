/* op.c - one operation.
 *
 * Happy path: accepted -> its turn -> hold over -> inventory -> planned (recorded) -> policy and keys agree -> started
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
#include "agent/base/str.h"
#include "agent/base/uuid.h"
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

static void on_result(struct journal_append *a)
{
	struct op *op = container_of(a, struct op, rec);

	log_info("op.end", "op=%s verb=%s state=%s", op->f.id_text, op_verb(op), json_str_or(op->result, "state", "?"));
	op_ended_apply(op);
	op_creds_done(op);
	if (op->stopped == NULL)
		ops_ended(op->ops);
}

/* The plan has done its work: it is the journal's alone from here, as it is after a restart. */
void op_ended_apply(struct op *op)
{
	op->f.state = OP_ENDED;
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

/* ---- may it start? ---- */

/* No answer rests on a plan that the world has overtaken. */
static bool ended_or_planned_anew(struct op *op, state_t state, const char *class, const char *why)
{
	if (op_plan_is_stale(op))
		op_plan(op);
	else
		op_end_early(op, state, class, why);
	return true;
}

static bool refused_by_bounds(struct op *op, const struct policy *p)
{
	struct demand d = { 0 };
	struct err e = { 0 };
	int rc;

	plans_demand(op->plans, &d);
	rc = policy_bounds(p, &d, op_nodes_now(op), &e);
	demand_close(&d);
	return rc != 0 && ended_or_planned_anew(op, STATE(DENIED), "POLICY", err_text(&e));
}

static bool refused_by_hash(struct op *op)
{
	const ProtobufCBinaryData *want = &op->cmd->approved_plan_hash;

	if (want->len == 0 || (want->len == DIGEST_LEN && memcmp(want->data, op->plans->hash.b, DIGEST_LEN) == 0))
		return false;
	return ended_or_planned_anew(op, STATE(FAILED), "CONFLICT",
				     "the plan made now is not the one that was approved: its hash differs");
}

static bool refused_by_keys(struct op *op)
{
	const struct ops_config *cfg = ops_cfg(op->ops);
	CLEANUP(buf_close) struct buf signed_bytes = BUF_MAX(JSON_MAX_BYTES);
	const struct plan *plan;
	const struct step *high = plans_high(op->plans, &plan);
	char text[ERR_TEXT_MAX];

	if (high == NULL)
		return false;
	if (json_get_base64(op->accepted, "signed", &signed_bytes, NULL) != 0 ||
	    !cfg->is_release_signed(cfg->ctx, signed_bytes.data, signed_bytes.len)) {
		snprintf(text, sizeof(text), "high risk (%s/%s, %s) needs a release signature beside the command's", plan->name,
			 high->name, high->kind->action);
		return ended_or_planned_anew(op, STATE(DENIED), "POLICY", text);
	}
	if (!cfg->head_is_fresh(cfg->ctx)) {
		snprintf(op->waiting, sizeof(op->waiting), "waits for a fresh signed head: the command is of high risk");
		op_wait(op, OP_WAIT_MS);
		return true;
	}
	return false;
}

/* Which modes let a command of this kind be planned at all, and which let it run. A plan tells what the account holds, so a verb
 * that is off is not even planned. */
static bool refused_by_mode(struct op *op, const struct policy *p)
{
	enum policy_mode mode = op_verb_mode(op, p);
	bool plans_only = op->cmd->mode == REEVE__CONTROL__V1__MODE__PLAN;
	char text[ERR_TEXT_MAX];

	if (!p->present) {
		op_end_early(op, STATE(DENIED), "POLICY", p->reason.text);
	} else if (mode == POLICY_OFF || (mode == POLICY_PLAN_ONLY && !plans_only && op->plans != NULL)) {
		snprintf(text, sizeof(text), "the policy says %s for %s", policy_mode_name(mode), op_verb(op));
		op_end_early(op, STATE(DENIED), "POLICY", text);
	} else {
		return false;
	}
	return true;
}

/* Time passes by both clocks: the wall's, so that a restart takes nothing away, and the monotonic one, so that a step of the
 * wall's does not end it. */
static bool is_held(struct op *op, const struct policy *p)
{
	struct world *w = op_world(op);
	int64_t age = world_wall_ms(w) - op->f.accepted_ms;
	int64_t lived = op->age_ms + (int64_t)(world_now_ms(w) - op->born_ms), left;

	left = (int64_t)p->delete_hold_ms - (age < lived ? age : lived);
	if (!op_is_delete(op) || op->cmd->mode == REEVE__CONTROL__V1__MODE__PLAN || left <= 0)
		return false;
	op->f.state = OP_HOLD;
	snprintf(op->waiting, sizeof(op->waiting), "delete_hold of the policy: a cancel ends it for %lld s more",
		 (long long)left / 1000 + 1);
	op_wait(op, OP_WAIT_MS);
	return true;
}

static bool waits_for_customer(struct op *op, const struct policy *p)
{
	const char *why;

	if (is_held(op, p))
		return true;
	op->f.state = OP_PLANNED;
	if (ops_is_stopped(op->ops, &why)) {
		snprintf(op->waiting, sizeof(op->waiting), "frozen: %s", why);
	} else if (op_verb_mode(op, p) == POLICY_APPROVE) {
		op->f.state = OP_WAIT_APPROVAL;
		snprintf(op->waiting, sizeof(op->waiting),
			 "the policy says approve; approving is not available yet in this version");
	} else {
		return false;
	}
	op_wait(op, OP_WAIT_MS);
	return true;
}

/* What can end it before it starts, whatever it waits for. */
static bool ended_waiting(struct op *op)
{
	int64_t now = world_wall_ms(op_world(op));

	if (op->is_cancelled)
		op_end_early(op, STATE(CANCELLED), NULL, "cancelled by the vendor before it started");
	else if (op->f.expires_ms != 0 && now > op->f.expires_ms)
		op_end_early(op, STATE(EXPIRED), "TIMEOUT",
			     op->waiting[0] != '\0' ? op->waiting : "it expired before it could start");
	else
		return false;
	return true;
}

void op_consider(struct op *op)
{
	const struct policy *p = ops_policy_read(op->ops);

	if (ended_waiting(op) || refused_by_mode(op, p))
		return;
	if (op->cmd->mode == REEVE__CONTROL__V1__MODE__PLAN) {
		ended_or_planned_anew(op, STATE(SUCCEEDED), NULL, "planned only, as asked");
		return;
	}
	if (refused_by_bounds(op, p) || refused_by_hash(op) || waits_for_customer(op, p) || refused_by_keys(op))
		return;
	op->waiting[0] = '\0';
	if (op_plan_is_stale(op))
		op_plan(op);
	else
		op_start(op);
}

/* ---- waiting ---- */

/* Before it is planned: what refuses it or holds it up, all by one reading of the policy. */
static void prepare(struct op *op)
{
	const struct policy *p = ops_policy_read(op->ops);

	if (op->apply == NULL && op->remove == NULL) /* accepted by another version */
		op_end_early(op, STATE(FAILED), "PRECONDITION", "its arguments cannot be read by this version");
	else if (!refused_by_mode(op, p) && !is_held(op, p))
		op_plan(op);
}

static void advance(struct op *op)
{
	if (op->rec.waiting || op->is_asking || op->result != NULL)
		return;
	if (op->is_started && op->plans == NULL)
		op_end_early(op, STATE(INDETERMINATE), "INTERNAL", "its plan cannot be read by this version: look at the account");
	else if (op->is_started)
		op_run(op);
	else if (ended_waiting(op))
		return;
	else if (op->cmd->not_before > world_wall_ms(op_world(op)) || !ops_is_turn_of(op->ops, op))
		op_wait(op, OP_WAIT_MS);
	else if (op->plans != NULL)
		op_consider(op);
	else
		prepare(op);
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
