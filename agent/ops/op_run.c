/* op_run.c - an operation's plans being carried out: all of a stage beside each other, then the next stage, then the result
 * (op_finish.c).
 *
 * Happy path: started (recorded) -> the operate role's keys -> the runs of each stage -> the result. A stage with a bad end is
 * the last; what runs beside it is let go to its own end. Before each change `may` asks the customer's switches anew. */
#include "agent/ops/op_impl.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/account/recent.h"
#include "agent/ops/steps/catalogue.h"

#define DEADLINE_MOST_S 86400u /* of a command that gives none */
#define BESIDE_MAX 10          /* plans that run at once */
#define RESIZE_S 1200          /* for each node of an apply that becomes of another type */

/* The stages of its plan: where nodes go one after the other there is one for each turn. */
static uint64_t turns(const struct op *op)
{
	unsigned last = 0;

	for (size_t i = 0; op->plans != NULL && i < op->plans->n; i++)
		last = op->plans->v[i].stage >= last ? op->plans->v[i].stage + 1 : last;
	return last;
}

/* What the steps of a plan are told to wait at most: nodes that drain. */
static uint64_t waits_s(const struct plan *p)
{
	uint64_t s = 0;

	for (size_t i = 0; i < p->n; i++)
		s += (uint64_t)json_int_or(p->steps[i].args, "wait_s", 0);
	return s;
}

/* Plans of a stage go beside each other, as many at once as may, and the stages one after the other. */
static uint64_t told_to_wait_s(const struct op *op)
{
	uint64_t all = 0;

	for (unsigned stage = 0; stage < turns(op); stage++) {
		uint64_t most = 0, waiting = 0;

		for (size_t i = 0; i < op->plans->n; i++) {
			uint64_t s = op->plans->v[i].stage == stage ? waits_s(&op->plans->v[i]) : 0;

			waiting += s > 0;
			most = s > most ? s : most;
		}
		all += most * ((waiting + BESIDE_MAX - 1) / BESIDE_MAX);
	}
	return all;
}

/* Nodes that become of another type do so one after the other, a stage each. */
static uint64_t resizes(const struct op *op)
{
	unsigned last = 0, n = 0;

	for (size_t i = 0; op->plans != NULL && i < op->plans->n; i++)
		for (size_t k = 0; k < op->plans->v[i].n; k++)
			if (op->plans->v[i].steps[k].kind == &kind_modify_type && op->plans->v[i].stage > last) {
				last = op->plans->v[i].stage;
				n++;
			}
	return n;
}

static uint64_t default_s(const struct op *op)
{
	uint64_t turns_s = op->verb->turn_s * turns(op), s = turns_s > op->verb->deadline_s ? turns_s : op->verb->deadline_s;

	s += told_to_wait_s(op) + (op->verb->turn_s == 0 ? resizes(op) * RESIZE_S : 0);
	return s < DEADLINE_MOST_S ? s : DEADLINE_MOST_S;
}

static uint64_t deadline_ms(const struct op *op)
{
	return (op->cmd->deadline_s != 0 ? op->cmd->deadline_s : default_s(op)) * 1000;
}

static uint64_t running_ms(const struct op *op)
{
	return (uint64_t)((int64_t)world_now_ms(op_world(op)) - op->running_since_ms);
}

static uint64_t left_ms(const struct op *op)
{
	uint64_t gone = running_ms(op), limit = deadline_ms(op);

	return limit > gone ? limit - gone : 0;
}

int64_t op_deadline_ms(const struct op *op)
{
	return world_wall_ms(op_world(op)) + (int64_t)left_ms(op);
}

bool op_is_frozen(struct op *op)
{
	const char *why;

	/* What it waited for at the last question is told no longer, unless this answer says it again. */
	op->waiting[0] = '\0';
	if (!op->env->is_stopped(op->env->ctx, &why))
		return false;
	snprintf(op->waiting, sizeof(op->waiting), "frozen: %s", why);
	return true;
}

bool op_is_called_off(const struct op *op, struct err *e)
{
	if (op->is_cancelled)
		err_set(e, ERR_CANCELED, "cancelled by the vendor");
	else if (running_ms(op) > deadline_ms(op))
		err_set(e, ERR_TIMEOUT, "the command's deadline of %llu s is over", (unsigned long long)deadline_ms(op) / 1000);
	else
		return false;
	return true;
}

/* Until the first intent an operation can be cancelled at no cost, wherever the pivots of its plans are. */
bool op_has_begun(const struct op *op)
{
	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++)
		if (op->runs[i] != NULL && run_has_begun(op->runs[i]))
			return true;
	return false;
}

/* When the customer removes the hash of the user data from the policy, and `any` alone allows it from then on, the second key is
 * needed for the rest of a running operation, too. */
static enum run_leave within_keys(const struct op *op, const struct policy *p, struct err *e)
{
	char what[ERR_TEXT_MAX];

	/* The bounds are asked again with each change: the customer may have narrowed them since it started. */
	if (!op_is_high(op, p, what) || op_is_release_signed(op))
		return op_judge(op, p, op_nodes_now(op), e) == 0 ? RUN_GO : RUN_DENY;
	err_set(e, ERR_DENIED, "high risk (%.400s) now needs a release signature beside the command's", what);
	return RUN_DENY;
}

/* The customer's switches stand above all: under STOP also a cancel waits, and a verb that was switched off takes nothing back.
 * The bounds are for what is made; the undo makes nothing, and what it takes back is counted but not kept waiting.
 * The first row that fits:
 *
 *   it is stopped (op_env.h, is_stopped)                   wait
 *   the verb does not run by itself under the policy       deny
 *   cancelled or out of time, where that can still count   cancel
 *   it takes back                                          go
 *   beyond the bounds, or without a key that is needed     deny
 *   a new step that is beyond the rates                    wait
 *   else                                                   go
 */
static enum run_leave may(void *ctx, enum run_phase phase, const struct step *unspent, struct err *e)
{
	struct op *op = ctx;
	const struct policy *p = op->env->policy_read(op->env->ctx);

	if (op_is_frozen(op))
		return RUN_WAIT;
	if (op_verb_mode(op, p) != POLICY_AUTO) {
		err_set(e, ERR_DENIED, "the policy now says %s for %s", policy_mode_name(op_verb_mode(op, p)), op_verb(op));
		return RUN_DENY;
	}
	if ((phase == RUN_BEFORE_PIVOT || (phase == RUN_BEHIND_PIVOT && !op_has_begun(op))) && op_is_called_off(op, e))
		return RUN_CANCEL;
	if (phase == RUN_UNDO)
		return RUN_GO;
	if (within_keys(op, p, e) != RUN_GO)
		return RUN_DENY;
	return unspent != NULL && op_is_step_too_soon(op, p, unspent) ? RUN_WAIT : RUN_GO;
}

static void on_intent(void *ctx, const struct step *s, int64_t time_ms)
{
	op_spends(ctx, s, time_ms);
}

static void on_progress(void *ctx, struct run *r)
{
	struct op *op = ctx;

	(void)r;
	op->env->changed(op->env->ctx);
}

static void note_refused(struct op_shared *shared, const json_t *outcome)
{
	if (json_object_get(json_object_get(outcome, "error"), "aws_encoded_message") == NULL)
		return;
	json_decref(shared->refused);
	shared->refused = json_incref((json_t *)outcome);
}

/* Those that EC2 has taken. One whose fate is open is not certain, and not counted. */
static void note_changed(struct op *op, const struct step_kind *kind, const json_t *record, int64_t at_ms)
{
	const json_t *pairs = json_object_get(record, "modified");
	int64_t now_ms = op_env_rates_now(op->env);

	if (kind != &kind_modify_volume)
		return;
	/* The wall clock may be ahead, or have been: nothing was changed later than now. */
	for (size_t i = 0; i < json_array_size(pairs); i++)
		changed_add(&op->env->shared->changed, at_ms < now_ms ? at_ms : now_ms,
			    json_string_value(json_array_get(json_array_get(pairs, i), 1)));
}

/* Of one that is read back a part of its settle time is over, as far as the wall clock tells. */
static void on_outcome(void *ctx, const struct step_kind *kind, const json_t *record, int64_t at_ms)
{
	struct op *op = ctx;
	int64_t age_s = (world_wall_ms(op_world(op)) - at_ms) / 1000;
	uint32_t over_s = age_s <= 0 ? 0 : age_s < kind->settle_s ? (uint32_t)age_s : kind->settle_s;

	recent_note(&op->env->shared->recent, world_now_ms(op_world(op)), op_warehouse(op), record, kind->settle_s - over_s);
	note_refused(op->env->shared, record);
	note_changed(op, kind, record, at_ms);
	/* Only an answer to a call proves that the role works; what was found by looking may have been made long ago. */
	if (step_mutates(kind) && !step_asks_node(kind) && str_eq(json_str_or(record, "outcome", ""), "done") &&
	    str_eq(json_str_or(record, "how", ""), "called"))
		op->env->shared->has_role_worked = true;
}

static bool is_role_new(void *ctx)
{
	const struct op *op = ctx;

	return !op->env->shared->has_role_worked;
}

static enum run_end end_of(const struct op *op, size_t i)
{
	return op->runs[i] != NULL ? run_ended(op->runs[i]) : RUN_RUNNING;
}

/* False: all is over. Else *ret is the stage that is to run. A stage with a bad end is the last, and all of it runs: one cluster
 * that fails does not stop those beside it. */
static bool next_stage(const struct op *op, unsigned *ret)
{
	unsigned stage = UINT32_MAX;

	for (size_t i = 0; i < op->plans->n; i++)
		if (end_of(op, i) == RUN_RUNNING && op->plans->v[i].stage < stage)
			stage = op->plans->v[i].stage;
	/* A later stage rests on the ones before: nodes would be ended for others that never came. */
	for (size_t i = 0; i < op->plans->n; i++)
		if (op->plans->v[i].stage < stage && end_of(op, i) != RUN_OK)
			return false;
	*ret = stage;
	return stage != UINT32_MAX;
}

static size_t running(const struct op *op)
{
	size_t n = 0;

	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++)
		n += op->runs[i] != NULL && run_is_running(op->runs[i]);
	return n;
}

struct run *op_run_of(struct op *op, size_t i)
{
	if (op->runs == NULL)
		op->runs = mem_alloc((op->plans->n + 1) * sizeof(*op->runs));
	if (op->runs[i] == NULL)
		op->runs[i] = run_new(&op->run_env, &op->plans->v[i]);
	return op->runs[i];
}

/* Of the plans of a stage so many run beside each other: AWS takes a few launches at once and then two a second, of all that the
 * account does. A run that the journal knows is made at replay; it has ended when it was started here and said so. */
static void start_some(struct op *op, unsigned stage)
{
	for (size_t i = 0; i < op->plans->n && running(op) < BESIDE_MAX; i++)
		if (op->plans->v[i].stage == stage && end_of(op, i) == RUN_RUNNING && !run_is_running(op_run_of(op, i)))
			run_start(op_run_of(op, i));
}

static enum op_state go_on(struct op *op)
{
	unsigned stage;

	/* What still runs of a stage that has no more to start goes to its own end. */
	if (!next_stage(op, &stage))
		return running(op) == 0 ? op_finish(op) : OP_STAYS;
	start_some(op, stage);
	if (left_ms(op) > 0)
		return op_wait(op, left_ms(op) + 1); /* one millisecond behind the deadline: then it is over */
	/* Whatever only waits is to hear that; what runs on all the same, behind its pivot, ends by itself. */
	op_runs_hear(op);
	return OP_STAYS;
}

static void on_run(void *ctx, struct run *r)
{
	struct op *op = ctx;

	(void)r;
	op->env->changed(op->env->ctx);
	op_wake(op); /* the run is still on the stack: go on from the loop */
}

void op_run_env_init(struct op *op)
{
	const struct op_env *env = op->env;

	op->run_env = (struct run_env){
		.w = env->w,
		.aws = env->aws,
		.reader = env->instance,
		.operate = op->operate,
		.journal = env->journal,
		.owner = env->owner,
		.command = op->f.id_text,
		.facts = op->facts,
		.ctx = op,
		.may = may,
		.intent = on_intent,
		.is_role_new = is_role_new,
		.progress = on_progress,
		.outcome = on_outcome,
		.done = on_run,
	};
}

static void take_time(struct op *op)
{
	const struct op_env *env = op->env;
	int64_t past = world_wall_ms(env->w) - op->started_ms;

	if (op->running_since_ms != 0)
		return;
	/* A restart does not give it its whole time again, nor does one of the machine, behind which the monotonic clock is younger
	 * than the operation. How much has passed the wall clock tells; a time before the start counts as none. */
	op->running_since_ms = (int64_t)world_now_ms(env->w) - (past > 0 ? past : 0);
}

static void take_role(struct op *op)
{
	const struct op_env *env = op->env;

	op->operate = creds_new_assume(env->w, env->aws, env->instance, env->operate_role, op->f.id_text);
	op_run_env_init(op);
	if (op->runs == NULL)
		op->runs = mem_alloc((op->plans->n + 1) * sizeof(*op->runs));
}

void op_runs_hear(struct op *op)
{
	op_deed_hear(op);
	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++)
		if (op->runs[i] != NULL)
			run_hear(op->runs[i]);
}

/* What still runs when its wait is over has come to the command's deadline. */
enum op_state op_run(struct op *op)
{
	take_time(op);
	if (op_has_deed(op))
		return op_run_deed(op);
	if (op->operate == NULL)
		take_role(op);
	return go_on(op);
}

enum op_state op_start(struct op *op)
{
	char hex[DIGEST_HEX_LEN];
	json_t *m = json_object();

	/* Both are set before the record is durable: while it is on its way another operation must count these nodes and rates. */
	op->started_ms = world_wall_ms(op_world(op));
	if (!op_has_deed(op))
		op->env->shared->starts++;
	json_object_set_new(m, "op", json_string(op->f.id_text));
	json_object_set_new(m, "plan_hash", json_string(digest_hex(&op->plans->hash, hex)));
	json_object_set_new(m, "started_ms", json_integer(op->started_ms));
	return op_record(op, "command.started", m);
}

enum op_state op_start_stands(struct op *op)
{
	log_info("op.start", "op=%s verb=%s warehouse=%s steps=%zu", op->f.id_text, op_verb(op), op_warehouse(op),
		 plans_steps(op->plans));
	op->env->changed(op->env->ctx);
	return OP_RUNNING;
}

void op_end_runs(struct op *op)
{
	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++)
		run_free(op->runs[i]);
	mem_free(op->runs);
	op->runs = NULL;
}

void op_creds_done(struct op *op)
{
	/* The list closes them, and waits for that: closing keys takes a turn of the loop, and the operation may be freed
	 * before. */
	if (op->operate != NULL)
		op->env->creds_close(op->env->ctx, op->operate);
	op->operate = NULL;
}
