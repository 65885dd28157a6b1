/* op_consider.c - may it start? What refuses an operation, and what it waits for, each time it is looked at anew.
 *
 * What can be known at once is said at once: mode, bounds, keys and a hold that outlasts the command end it before any waiting
 * begins; only then come the hold, STOP, approval and a fresh head. An answer that rests on a plan rests on a fresh one.
 *
 * Each question answers with the state that follows from it; OP_CONSIDERING: it has no objection, ask the next. */
#include "agent/ops/op_impl.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/stamp.h"
#include "agent/ops/proved.h"

/* When the plan is too old, or another operation has started since, a new plan is made before the operation is ended. */
static enum op_state end_or_plan_anew(struct op *op, state_t state, const char *class, const char *why)
{
	return op_plan_is_stale(op) ? OP_ASKING : op_end_early(op, state, class, why);
}

/* ---- refused ---- */

bool op_is_beyond_bounds(const struct op *op, uint32_t nodes_now, struct err *e)
{
	const struct policy *p = op->env->policy(op->env->ctx);

	return p->present && op_judge(op, p, nodes_now, e) != 0;
}

/* A command has come to its end while this one waited: by another plan nothing would be better. */
static enum op_state refused_as_overtaken(struct op *op, const struct policy *p)
{
	struct err e = { 0 };

	(void)p;
	return op_check_stands_on(op, &e) == 0 ? OP_CONSIDERING : op_end_early(op, STATE(FAILED), "CONFLICT", err_text(&e));
}

static enum op_state refused_by_bounds(struct op *op, const struct policy *p)
{
	struct err e = { 0 };

	if (op_judge(op, p, op_nodes_now(op), &e) == 0)
		return OP_CONSIDERING;
	return end_or_plan_anew(op, STATE(DENIED), "POLICY", err_text(&e));
}

static enum op_state refused_by_hash(struct op *op, const struct policy *p)
{
	const ProtobufCBinaryData *want = &op->cmd->approved_plan_hash;

	(void)p;
	/* A hash of another length is no hash, and approves of nothing. */
	if (want->len == 0 || (want->len == DIGEST_LEN && memcmp(want->data, op->plans->hash.b, DIGEST_LEN) == 0))
		return OP_CONSIDERING;
	return end_or_plan_anew(op, STATE(FAILED), "CONFLICT",
				"the plan made now is not the one that was approved: its hash differs");
}

bool op_is_release_signed(const struct op *op)
{
	const struct op_env *env = op->env;
	CLEANUP(buf_close) struct buf bytes = BUF_MAX(JSON_MAX_BYTES);

	/* The bytes come from the record of its acceptance: after a restart they are all that is left of the signatures. If they
	 * cannot be read, the command counts as signed by one key. */
	return json_get_base64(op->accepted, "signed", &bytes, NULL) == 0 &&
	       env->is_release_signed(env->ctx, bytes.data, bytes.len);
}

bool op_starts_unproved(const struct op *op, const struct policy *p, char text[ERR_TEXT_MAX])
{
	struct demand d = { 0 };
	bool yes = false;

	plans_demand(op->plans, &d);
	for (size_t i = 0; i < d.needs_n && !yes; i++) {
		const char *hex = d.needs[i].text;

		yes = d.needs[i].of == &bound_user_data && bounds_is_any_user_data(&p->bounds, hex) &&
		      !proved_has(&op->env->shared->proved, hex);
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

	if (op->verb != NULL && op->verb->is_high) {
		snprintf(text, ERR_TEXT_MAX, "%s, something of this machine leaves it", op_verb(op));
		return true;
	}
	if (high == NULL)
		return op_starts_unproved(op, p, text);
	snprintf(text, ERR_TEXT_MAX, "%s/%s, %s", plan->name, high->name, high->kind->action);
	return true;
}

static enum op_state refused_by_keys(struct op *op, const struct policy *p)
{
	char what[ERR_TEXT_MAX], text[ERR_TEXT_MAX + 80];

	if (!op_is_high(op, p, what) || op_is_release_signed(op))
		return OP_CONSIDERING;
	snprintf(text, sizeof(text), "high risk (%s) needs a release signature beside the command's", what);
	return end_or_plan_anew(op, STATE(DENIED), "POLICY", text);
}

/* Which modes let a command of this kind be planned at all, and which let it run. A plan tells what the account holds, so a verb
 * that is off is not even planned. */
static enum op_state refused_by_mode(struct op *op, const struct policy *p)
{
	enum policy_mode mode = op_verb_mode(op, p);
	bool plans_only = op->cmd->mode == REEVE__CONTROL__V1__MODE__PLAN;
	char text[ERR_TEXT_MAX];

	/* Under plan-only a command that wants to run is planned, so that its plan can be read, and refused only then. */
	if (mode != POLICY_OFF && (mode != POLICY_PLAN_ONLY || plans_only || op->plans == NULL))
		return OP_CONSIDERING;
	snprintf(text, sizeof(text), "the policy says %s for %s", policy_mode_name(mode), op_verb(op));
	return op_end_early(op, STATE(DENIED), "POLICY", text);
}

/* ---- the hold of a delete ---- */

/* How much of it is left. Time passes by both clocks: the wall's, so that a restart takes nothing away, and the monotonic one, so
 * that a step of the wall's does not end it. */
static int64_t hold_left_ms(const struct op *op, const struct policy *p)
{
	struct world *w = op_world(op);
	int64_t age = world_wall_ms(w) - op->f.accepted_ms;
	int64_t lived = op->age_ms + (int64_t)(world_now_ms(w) - op->born_ms);

	if (!op->verb->is_held || op->cmd->mode == REEVE__CONTROL__V1__MODE__PLAN)
		return 0;
	/* The smaller of both: a clock that jumps ahead while the agent runs takes nothing from the customer's time. */
	return (int64_t)p->delete_hold_ms - (age < lived ? age : lived);
}

/* A command is not started after its expiry, and the hold does not stop that clock. */
static enum op_state refused_by_hold(struct op *op, const struct policy *p)
{
	int64_t left = hold_left_ms(op, p), ends_ms = world_wall_ms(op_world(op)) + left;
	char ends[STAMP_RFC3339_LEN], expires[STAMP_RFC3339_LEN], text[ERR_TEXT_MAX];

	/* A refusal is said now, and not after a day of waiting: the vendor can sign another command at once. */
	if (left <= 0 || ends_ms <= op->f.expires_ms)
		return OP_CONSIDERING;
	snprintf(text, sizeof(text), "delete_hold of the policy ends %s, after the command expires, %s: sign one that lives longer",
		 stamp_rfc3339(ends_ms, ends), stamp_rfc3339(op->f.expires_ms, expires));
	return op_end_early(op, STATE(DENIED), "POLICY", text);
}

/* Its end is told to the second and not how long that is from now: a note that changes all the time is news in every report. */
static enum op_state waits_for_hold(struct op *op, const struct policy *p)
{
	int64_t left = hold_left_ms(op, p), ends_s = (world_wall_ms(op_world(op)) + left + 999) / 1000;
	char ends[STAMP_RFC3339_LEN];

	if (left <= 0)
		return OP_CONSIDERING;
	snprintf(op->waiting, sizeof(op->waiting), "delete_hold of the policy until %s: a cancel ends it",
		 stamp_rfc3339(ends_s * 1000, ends));
	return OP_HOLDING;
}

/* There is no step to wait for: a warehouse that is not there needs neither a hold nor a fresh head to be deleted. */
static enum op_state ended_without_work(struct op *op, const struct policy *p)
{
	char text[160];

	(void)p;
	if (op->verb->without_work == NULL || plans_steps(op->plans) > 0)
		return OP_CONSIDERING;
	snprintf(text, sizeof(text), "%s %s", op->verb->without_work, op_warehouse(op));
	return end_or_plan_anew(op, STATE(SUCCEEDED), NULL, text);
}

/* ---- waits ---- */

/* Only a policy that can be read and counts may refuse; while its file is being saved the operation waits. */
static bool waits_for_policy(struct op *op)
{
	const char *why;

	if (!op->env->policy_waits(op->env->ctx, &why))
		return false;
	snprintf(op->waiting, sizeof(op->waiting), "waits for the policy: %s", why);
	return true;
}

static enum op_state waits_for_customer(struct op *op, const struct policy *p)
{
	const char *why;

	/* STOP is there to keep things as they are, and whoever only looks keeps them so. */
	if (!op_is_read(op) && op->env->is_stopped(op->env->ctx, &why)) {
		snprintf(op->waiting, sizeof(op->waiting), "frozen: %s", why);
		return OP_WAITING;
	}
	/* Under approve it waits and is not refused: another mode in the policy may let it start before it expires. */
	if (op_verb_mode(op, p) != POLICY_APPROVE)
		return OP_CONSIDERING;
	snprintf(op->waiting, sizeof(op->waiting), "the policy says approve; approving is not available yet in this version");
	return OP_APPROVING;
}

static enum op_state waits_for_rates(struct op *op, const struct policy *p)
{
	return op_waits_for_rates(op, p) ? OP_WAITING : OP_CONSIDERING;
}

static enum op_state waits_for_head(struct op *op, const struct policy *p)
{
	char what[ERR_TEXT_MAX];

	/* A cancel travels in the head alone: an agent that does not hear the vendor begins nothing of high risk. */
	if (!op_is_high(op, p, what) || op->env->head_is_fresh(op->env->ctx))
		return OP_CONSIDERING;
	snprintf(op->waiting, sizeof(op->waiting), "waits for a fresh signed head: the command is of high risk");
	return OP_WAITING;
}

static enum op_state is_ready(struct op *op, const struct policy *p)
{
	(void)p;
	/* One of the agent's own may have started while this one was planned. */
	if (op->env->ahead_of(op->env->ctx, op) != NULL)
		return OP_QUEUED;
	op->waiting[0] = '\0';
	/* It may have waited for hours: what starts was planned from the account as it is now. */
	return op_plan_is_stale(op) ? OP_ASKING : OP_STARTING;
}

/* One that asks for a plan only has it. */
static enum op_state planned_only(struct op *op, const struct policy *p)
{
	enum op_state next = ended_without_work(op, p);

	return next != OP_CONSIDERING ? next : end_or_plan_anew(op, STATE(SUCCEEDED), NULL, "planned only, as asked");
}

/* ---- its turn ---- */

static enum op_state ended_waiting(struct op *op)
{
	int64_t now = world_wall_ms(op_world(op));

	if (op->is_cancelled)
		return op_end_refused(op, STATE(CANCELLED), NULL, "cancelled by the vendor before it started");
	/* Expired: why it could not start, where that is known, is more use to the vendor than that it did not. */
	if (op->f.expires_ms != 0 && now > op->f.expires_ms)
		return op_end_refused(op, STATE(EXPIRED), "TIMEOUT",
				      op->waiting[0] != '\0' && op->failing.error == NULL ? op->waiting
											  : "it expired before it could start");
	return OP_CONSIDERING;
}

static bool is_its_turn(const struct op *op)
{
	return op->cmd->not_before <= world_wall_ms(op_world(op)) && op->env->ahead_of(op->env->ctx, op) == NULL;
}

/*  started, and its plan or verb cannot be read   the end: indeterminate
 *  started                                        running
 *  cancelled or expired                           the end
 *  not its turn                                   queued
 *  planned                                        considering
 *  else                                           preparing
 */
enum op_state op_look(struct op *op)
{
	if (op_has_started(op) && (op->plans == NULL || op->verb == NULL))
		return op_end_early(op, STATE(INDETERMINATE), "INTERNAL",
				    "its plan cannot be read by this version: look at the account");
	if (op_has_started(op))
		return OP_RUNNING;
	if (ended_waiting(op) == OP_ENDING)
		return OP_ENDING;
	if (!is_its_turn(op))
		return OP_QUEUED;
	/* What it waited for in the queue is over; what it waits for next says so itself. */
	if (op->sm.now == OP_QUEUED)
		op->waiting[0] = '\0';
	return op->plans != NULL && op->args != NULL ? OP_CONSIDERING : OP_PREPARING;
}

static const char *why_first(const struct op *ahead)
{
	return op_stands_on(ahead) != NULL ? "which the agent has begun" : "which came before it";
}

/* A warehouse is changed by one command at a time, in the order of their sequence. */
enum op_state op_queue(struct op *op)
{
	const struct op *ahead = op->env->ahead_of(op->env->ctx, op);
	char stamp[STAMP_RFC3339_LEN];

	if (op->cmd->not_before > world_wall_ms(op_world(op)) || ahead == NULL)
		snprintf(op->waiting, sizeof(op->waiting), "waits for its not_before, %s",
			 stamp_rfc3339(op->cmd->not_before, stamp));
	else
		snprintf(op->waiting, sizeof(op->waiting), "waits for %s %s%s, %s for the same warehouse", op_verb(ahead),
			 ahead->f.id_text, ahead->f.epoch != 0 && ahead->f.epoch < op->f.epoch ? " of an older epoch" : "",
			 why_first(ahead));
	return op_wait(op, OP_WAIT_MS);
}

enum op_state op_look_again(struct op *op)
{
	return op_wait(op, OP_WAIT_MS);
}

/* ---- the two looks ---- */

/* Under plan-only there will be no hold, and the plan is what the customer wants. */
enum op_state op_prepare(struct op *op)
{
	const struct policy *p = op->env->policy_read(op->env->ctx);
	enum op_state next;

	if (op->args == NULL) /* accepted by another version */
		return op_end_early(op, STATE(FAILED), "PRECONDITION", "its arguments cannot be read by this version");
	if (waits_for_policy(op))
		return op_look_again(op);
	/* This is asked before the inventory is taken: a verb that is off learns nothing of the account, not even that a plan
	 * fails. */
	next = refused_by_mode(op, p);
	if (next == OP_CONSIDERING && op_verb_mode(op, p) != POLICY_PLAN_ONLY)
		next = refused_by_hold(op, p);
	return next == OP_CONSIDERING ? OP_ASKING : next;
}

/* First what makes the start impossible, then what is waited for. */
static enum op_state (*const questions[])(struct op *op, const struct policy *p) = {
	refused_as_overtaken, refused_by_bounds,  refused_by_hash, refused_by_keys, ended_without_work, refused_by_hold,
	waits_for_hold,       waits_for_customer, waits_for_rates, waits_for_head,  is_ready,
};

enum op_state op_consider(struct op *op)
{
	const struct policy *p = op->env->policy_read(op->env->ctx);
	enum op_state next = ended_waiting(op);

	/* This is asked before any refusal: half a policy, read while it is being saved, must not deny what the whole one
	 * allows. */
	if (next == OP_CONSIDERING && waits_for_policy(op))
		return op_look_again(op);
	if (next == OP_CONSIDERING)
		next = refused_by_mode(op, p);
	/* A plan alone changes nothing, so bounds, keys, hold and rates are not asked. */
	if (next == OP_CONSIDERING && op->cmd->mode == REEVE__CONTROL__V1__MODE__PLAN)
		return planned_only(op, p);
	for (size_t i = 0; next == OP_CONSIDERING; i++)
		next = questions[i](op, p);
	return next;
}
