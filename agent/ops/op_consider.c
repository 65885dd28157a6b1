/* op_consider.c - may it start? What refuses an operation, and what it waits for, each time it is looked at anew.
 *
 * What can be known at once is said at once: mode, bounds, keys and a hold that outlasts the command end it before any waiting
 * begins; only then come the hold, STOP, approval and a fresh head. An answer that rests on a plan rests on a fresh one. */
#include "agent/ops/op_impl.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/stamp.h"
#include "agent/ops/proved.h"

/* No answer rests on a plan that the world has overtaken. */
static bool ended_or_planned_anew(struct op *op, state_t state, const char *class, const char *why)
{
	if (op_plan_is_stale(op))
		op_plan(op);
	else
		op_end_early(op, state, class, why);
	return true;
}

/* ---- refused ---- */

bool op_is_beyond_bounds(const struct op *op, uint32_t nodes_now, struct err *e)
{
	const struct policy *p = ops_policy(op->ops);

	return p->present && op_judge(op, p, nodes_now, e) != 0;
}

static bool refused_by_bounds(struct op *op, const struct policy *p)
{
	struct err e = { 0 };

	return op_judge(op, p, op_nodes_now(op), &e) != 0 && ended_or_planned_anew(op, STATE(DENIED), "POLICY", err_text(&e));
}

static bool refused_by_hash(struct op *op)
{
	const ProtobufCBinaryData *want = &op->cmd->approved_plan_hash;

	if (want->len == 0 || (want->len == DIGEST_LEN && memcmp(want->data, op->plans->hash.b, DIGEST_LEN) == 0))
		return false;
	return ended_or_planned_anew(op, STATE(FAILED), "CONFLICT",
				     "the plan made now is not the one that was approved: its hash differs");
}

bool op_is_release_signed(const struct op *op)
{
	const struct ops_config *cfg = ops_cfg(op->ops);
	CLEANUP(buf_close) struct buf bytes = BUF_MAX(JSON_MAX_BYTES);

	return json_get_base64(op->accepted, "signed", &bytes, NULL) == 0 &&
	       cfg->is_release_signed(cfg->ctx, bytes.data, bytes.len);
}

bool op_starts_unproved(const struct op *op, const struct policy *p, char text[ERR_TEXT_MAX])
{
	struct demand d = { 0 };
	bool yes = false;

	plans_demand(op->plans, &d);
	for (size_t i = 0; i < d.named[DEMAND_USER_DATA].n && !yes; i++) {
		const char *hex = d.named[DEMAND_USER_DATA].v[i];

		yes = bounds_is_any_user_data(&p->bounds, hex) && !proved_has(ops_proved(op->ops), hex);
		if (yes)
			snprintf(text, ERR_TEXT_MAX, "user data %s, which the policy allows only as any", hex);
	}
	demand_close(&d);
	return yes;
}

bool op_is_high(const struct op *op, const struct policy *p, char text[ERR_TEXT_MAX])
{
	const struct plan *plan;
	const struct step *high = plans_high(op->plans, &plan);

	if (high == NULL)
		return op_starts_unproved(op, p, text);
	snprintf(text, ERR_TEXT_MAX, "%s/%s, %s", plan->name, high->name, high->kind->action);
	return true;
}

static bool refused_by_keys(struct op *op, const struct policy *p)
{
	char what[ERR_TEXT_MAX], text[ERR_TEXT_MAX + 80];

	if (!op_is_high(op, p, what) || op_is_release_signed(op))
		return false;
	snprintf(text, sizeof(text), "high risk (%s) needs a release signature beside the command's", what);
	return ended_or_planned_anew(op, STATE(DENIED), "POLICY", text);
}

/* Which modes let a command of this kind be planned at all, and which let it run. A plan tells what the account holds, so a verb
 * that is off is not even planned. */
static bool refused_by_mode(struct op *op, const struct policy *p)
{
	enum policy_mode mode = op_verb_mode(op, p);
	bool plans_only = op->cmd->mode == REEVE__CONTROL__V1__MODE__PLAN;
	char text[ERR_TEXT_MAX];

	if (mode == POLICY_OFF || (mode == POLICY_PLAN_ONLY && !plans_only && op->plans != NULL)) {
		snprintf(text, sizeof(text), "the policy says %s for %s", policy_mode_name(mode), op_verb(op));
		op_end_early(op, STATE(DENIED), "POLICY", text);
	} else {
		return false;
	}
	return true;
}

/* ---- the hold of a delete ---- */

/* How much of it is left. Time passes by both clocks: the wall's, so that a restart takes nothing away, and the monotonic one, so
 * that a step of the wall's does not end it. */
static int64_t hold_left_ms(const struct op *op, const struct policy *p)
{
	struct world *w = op_world(op);
	int64_t age = world_wall_ms(w) - op->f.accepted_ms;
	int64_t lived = op->age_ms + (int64_t)(world_now_ms(w) - op->born_ms);

	if (!op_is_delete(op) || op->cmd->mode == REEVE__CONTROL__V1__MODE__PLAN)
		return 0;
	return (int64_t)p->delete_hold_ms - (age < lived ? age : lived);
}

/* A command is not started after its expiry, and the hold does not stop that clock. */
static bool refused_by_hold(struct op *op, const struct policy *p)
{
	int64_t left = hold_left_ms(op, p), ends_ms = world_wall_ms(op_world(op)) + left;
	char ends[STAMP_RFC3339_LEN], expires[STAMP_RFC3339_LEN], text[ERR_TEXT_MAX];

	if (left <= 0 || ends_ms <= op->f.expires_ms)
		return false;
	snprintf(text, sizeof(text), "delete_hold of the policy ends %s, after the command expires, %s: sign one that lives longer",
		 stamp_rfc3339(ends_ms, ends), stamp_rfc3339(op->f.expires_ms, expires));
	op_end_early(op, STATE(DENIED), "POLICY", text);
	return true;
}

/* Its end is told to the second and not how long that is from now: a note that changes all the time is news in every report. */
static bool waits_for_hold(struct op *op, const struct policy *p)
{
	int64_t left = hold_left_ms(op, p), ends_s = (world_wall_ms(op_world(op)) + left + 999) / 1000;
	char ends[STAMP_RFC3339_LEN];

	if (left <= 0)
		return false;
	op->f.state = OP_HOLD;
	snprintf(op->waiting, sizeof(op->waiting), "delete_hold of the policy until %s: a cancel ends it",
		 stamp_rfc3339(ends_s * 1000, ends));
	op_wait(op, OP_WAIT_MS);
	return true;
}

/* Nothing is left to wait for: neither a hold nor a head makes a warehouse that is not there go. */
static bool ended_without_work(struct op *op)
{
	char text[160];

	if (!op_is_delete(op) || plans_steps(op->plans) > 0)
		return false;
	snprintf(text, sizeof(text), "no such warehouse: nothing of ours in the account is tagged with %s", op_warehouse(op));
	return ended_or_planned_anew(op, STATE(SUCCEEDED), NULL, text);
}

/* ---- waits ---- */

/* Only a policy that can be read, and stands, says no: one that is being saved says nothing yet. */
static bool waits_for_policy(struct op *op)
{
	const char *why;

	if (!ops_policy_waits(op->ops, &why))
		return false;
	snprintf(op->waiting, sizeof(op->waiting), "waits for the policy: %s", why);
	op_wait(op, OP_WAIT_MS);
	return true;
}

static bool waits_for_customer(struct op *op, const struct policy *p)
{
	const char *why;

	if (waits_for_hold(op, p))
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

static bool waits_for_head(struct op *op, const struct policy *p)
{
	const struct ops_config *cfg = ops_cfg(op->ops);
	char what[ERR_TEXT_MAX];

	if (!op_is_high(op, p, what) || cfg->head_is_fresh(cfg->ctx))
		return false;
	snprintf(op->waiting, sizeof(op->waiting), "waits for a fresh signed head: the command is of high risk");
	op_wait(op, OP_WAIT_MS);
	return true;
}

/* ---- the two looks ---- */

bool op_ended_waiting(struct op *op)
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

void op_prepare(struct op *op)
{
	const struct policy *p = ops_policy_read(op->ops);

	if (op->apply == NULL && op->remove == NULL) /* accepted by another version */
		op_end_early(op, STATE(FAILED), "PRECONDITION", "its arguments cannot be read by this version");
	else if (!waits_for_policy(op) && !refused_by_mode(op, p) &&
		 (op_verb_mode(op, p) == POLICY_PLAN_ONLY || !refused_by_hold(op, p)))
		op_plan(op); /* under plan-only there will be no hold, and the plan is what the customer wants */
}

void op_consider(struct op *op)
{
	const struct policy *p = ops_policy_read(op->ops);

	if (op_ended_waiting(op) || waits_for_policy(op) || refused_by_mode(op, p))
		return;
	if (op->cmd->mode == REEVE__CONTROL__V1__MODE__PLAN) {
		if (!ended_without_work(op))
			ended_or_planned_anew(op, STATE(SUCCEEDED), NULL, "planned only, as asked");
		return;
	}
	if (refused_by_bounds(op, p) || refused_by_hash(op) || refused_by_keys(op, p) || ended_without_work(op) ||
	    refused_by_hold(op, p))
		return;
	if (waits_for_customer(op, p) || op_waits_for_rates(op, p) || waits_for_head(op, p))
		return;
	op->waiting[0] = '\0';
	if (op_plan_is_stale(op))
		op_plan(op);
	else
		op_start(op);
}
