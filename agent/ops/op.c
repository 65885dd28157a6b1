/* op.c - one operation.
 *
 * Happy path: accepted -> its turn -> hold over -> inventory -> planned (recorded) -> policy and keys agree -> started
 * (recorded) -> the plans of each stage run beside each other -> result (recorded) -> acknowledged by the vendor.
 * Failure: before the start a refusal is a terminal result that changed nothing; after it the runs say what became of them.
 * A restart replays the records and goes on; a plan older than PLAN_FRESH_MS that has not started is made anew. */
#include "agent/ops/op.h"

#include <assert.h>
#include <string.h>

#include "agent/base/backoff.h"
#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/base/uuid.h"
#include "agent/ops/planner.h"

#define WAIT_POLL_MS 1000
#define PLAN_FRESH_MS 300000
#define PLAN_TEXT_MAX (60u << 10)

typedef Reeve__Control__V1__Command command_t;
typedef Reeve__Control__V1__Status status_t;
typedef Reeve__Control__V1__State state_t;
#define STATE(name) REEVE__CONTROL__V1__STATE__##name

struct op {
	struct ops *ops;
	struct op_fields f;
	command_t *cmd;
	Reeve__Control__V1__WarehouseApply *apply; /* args of the verb, or NULL */
	Reeve__Control__V1__WarehouseDelete *remove;
	json_t *accepted; /* its record's members */
	json_t *planned;
	json_t *result;
	struct plans *plans;
	bool is_started, is_cancelled, is_asking;
	int64_t planned_ms, started_ms; /* Unix ms */
	uint64_t running_since_ms;      /* monotonic, as if it had begun in this process */
	json_t *facts;
	struct run_env env;
	struct run **runs; /* one a plan, NULL while its stage waits */
	struct creds *operate;
	struct inventory_req inv;
	struct journal_append rec;
	struct timer timer;
	struct backoff backoff;
	char waiting[160]; /* why it does not go on, for the status */
	void (*stopped)(struct op *op);
	unsigned stopping_runs;
};

static void advance(struct op *op);
static void on_timer(struct timer *t);
static void wait_a_while(struct op *op, uint64_t ms);

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

static bool is_delete(const struct op *op)
{
	return op->cmd->verb == REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE;
}

static enum policy_mode verb_mode(const struct op *op, const struct policy *p)
{
	return p->verbs[is_delete(op) ? POLICY_DELETE : POLICY_APPLY];
}

static struct world *world(const struct op *op)
{
	return ops_cfg(op->ops)->w;
}

/* Defaults are what the vendor's own tools wait for (reference/control.md 1.2). */
static uint64_t deadline_ms(const struct op *op)
{
	return (uint64_t)(op->cmd->deadline_s != 0 ? op->cmd->deadline_s : is_delete(op) ? 1200 : 2700) * 1000;
}

/* ---- the result ---- */

static void end_runs(struct op *op)
{
	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++)
		run_free(op->runs[i]);
	mem_free(op->runs);
	op->runs = NULL;
}

static void creds_done(struct op *op)
{
	if (op->operate != NULL)
		ops_creds_close(op->ops, op->operate);
	op->operate = NULL;
}

static void on_result(struct journal_append *a)
{
	struct op *op = container_of(a, struct op, rec);

	op->f.state = OP_ENDED;
	log_info("op.end", "op=%s verb=%s state=%s", op->f.id_text, op_verb(op), json_str_or(op->result, "state", "?"));
	end_runs(op);
	creds_done(op);
	if (op->stopped == NULL)
		ops_ended(op->ops, op);
}

static const char *state_name(state_t s)
{
	return protobuf_c_enum_descriptor_get_value(&reeve__control__v1__state__descriptor, (int)s)->name;
}

static json_t *result_json(struct op *op, state_t state, json_t *error, const char *note)
{
	json_t *m = json_object();

	json_object_set_new(m, "op", json_string(op->f.id_text));
	json_object_set_new(m, "state", json_string(state_name(state)));
	json_object_set_new(m, "code", json_integer(state));
	if (op->is_started)
		json_object_set_new(m, "started_ms", json_integer(op->started_ms));
	json_object_set_new(m, "ended_ms", json_integer(world_wall_ms(world(op))));
	if (error != NULL)
		json_object_set_new(m, "error", error);
	if (note != NULL && *note != '\0')
		json_object_set_new(m, "note", json_string(note));
	return m;
}

/* The result is the whole status: it must read the same after any number of restarts, without the plan. */
static void add_plan(const struct op *op, json_t *result)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(PLAN_TEXT_MAX);
	char hex[DIGEST_HEX_LEN];

	json_object_set_new(result, "plan_hash", json_string(digest_hex(&op->plans->hash, hex)));
	json_object_set_new(result, "steps_total", json_integer((json_int_t)plans_steps(op->plans)));
	if (op->cmd->mode != REEVE__CONTROL__V1__MODE__PLAN)
		return;
	plans_print(op->plans, &text);
	json_object_set_new(result, "plan_text", json_string(buf_str(&text)));
}

static void end_with(struct op *op, json_t *result)
{
	assert(!op->rec.waiting && op->result == NULL);
	if (op->plans != NULL)
		add_plan(op, result);
	timer_stop(world(op), &op->timer);
	op->result = json_incref(result);
	journal_append(ops_journal(op->ops), &op->rec, "command.result", result, on_result);
}

/* A refusal or an end before anything was changed. */
static void end_early(struct op *op, state_t state, const char *class, const char *message)
{
	json_t *error = class != NULL ? json_pack("{s:s, s:s}", "class", class, "message", message) : NULL;

	end_with(op, result_json(op, state, error, class == NULL ? message : NULL));
}

/* ---- running ---- */

static enum run_leave may(void *ctx, struct err *e)
{
	struct op *op = ctx;
	const struct policy *p = ops_policy_read(op->ops);
	struct demand d = { 0 };
	const char *why;
	int rc;

	if (ops_is_stopped(op->ops, &why)) {
		snprintf(op->waiting, sizeof(op->waiting), "frozen: %s", why);
		return RUN_WAIT;
	}
	op->waiting[0] = '\0';
	if (op->is_cancelled) {
		err_set(e, ERR_CANCELED, "cancelled by the vendor");
		return RUN_CANCEL;
	}
	if (world_now_ms(world(op)) - op->running_since_ms > deadline_ms(op)) {
		err_set(e, ERR_TIMEOUT, "the command's deadline of %llu s is over", (unsigned long long)deadline_ms(op) / 1000);
		return RUN_CANCEL;
	}
	if (verb_mode(op, p) != POLICY_AUTO) {
		err_set(e, ERR_DENIED, "the policy now says %s for %s", policy_mode_name(verb_mode(op, p)), op_verb(op));
		return RUN_DENY;
	}
	plans_demand(op->plans, &d);
	rc = policy_bounds(p, &d, (uint32_t)json_int_or(op->planned, "nodes_now", 0), e);
	demand_close(&d);
	return rc == 0 ? RUN_GO : RUN_DENY;
}

static void on_progress(void *ctx, struct run *r)
{
	struct op *op = ctx;

	(void)r;
	ops_cfg(op->ops)->changed(ops_cfg(op->ops)->ctx);
}

static bool is_worse(enum run_end a, enum run_end b)
{
	static const int badness[] = { [RUN_RUNNING] = 0,   [RUN_OK] = 1,     [RUN_ROLLED_BACK] = 2,
				       [RUN_CANCELLED] = 3, [RUN_FAILED] = 4, [RUN_INDETERMINATE] = 5 };

	return badness[a] > badness[b];
}

static void gather(const struct op *op, json_t *result)
{
	json_t *created = json_array(), *deleted = json_array();
	char note[512] = "";

	for (size_t i = 0; i < op->plans->n; i++) {
		const struct run *r = op->runs[i];
		size_t used = strlen(note);

		if (r == NULL)
			continue;
		json_array_extend(created, (json_t *)run_created(r));
		json_array_extend(deleted, (json_t *)run_deleted(r));
		if (*run_note(r) != '\0')
			snprintf(note + used, sizeof(note) - used, "%s%s", used > 0 ? "; " : "", run_note(r));
	}
	json_object_set_new(result, "created", created);
	json_object_set_new(result, "deleted", deleted);
	json_object_set(result, "preserved", json_object_get(op->plans->json, "preserved"));
	json_object_set(result, "generation", json_object_get(op->plans->json, "generation"));
	if (*note != '\0')
		json_object_set_new(result, "note", json_string(note));
}

static unsigned steps_done(const struct op *op)
{
	unsigned n = 0;

	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++)
		n += op->runs[i] != NULL ? run_steps_done(op->runs[i]) : 0;
	return n;
}

/* The worst run tells the state; a plan that was rolled back beside one that was not is a failure of the whole. */
static void finish(struct op *op)
{
	static const state_t states[] = { [RUN_RUNNING] = STATE(SUCCEEDED),   [RUN_OK] = STATE(SUCCEEDED),
					  [RUN_FAILED] = STATE(FAILED),       [RUN_ROLLED_BACK] = STATE(ROLLED_BACK),
					  [RUN_CANCELLED] = STATE(CANCELLED), [RUN_INDETERMINATE] = STATE(INDETERMINATE) };
	enum run_end worst = RUN_OK;
	const json_t *error = NULL;
	bool some_ok = false;
	json_t *result;

	for (size_t i = 0; i < op->plans->n; i++) {
		const struct run *r = op->runs[i];

		if (r == NULL)
			continue;
		some_ok = some_ok || run_ended(r) == RUN_OK;
		if (is_worse(run_ended(r), worst)) {
			worst = run_ended(r);
			error = run_error(r);
		}
	}
	if (worst == RUN_ROLLED_BACK && some_ok)
		worst = RUN_FAILED;
	result = result_json(op, states[worst], error != NULL ? json_deep_copy(error) : NULL, NULL);
	gather(op, result);
	json_object_set_new(result, "steps_done", json_integer(steps_done(op)));
	end_with(op, result);
}

/* 0: all is over; else the stage that is to run next, plus one; a stage with a bad end is the last. */
static bool next_stage(const struct op *op, unsigned *ret)
{
	unsigned stage = UINT32_MAX;

	for (size_t i = 0; i < op->plans->n; i++) {
		enum run_end end = op->runs[i] != NULL ? run_ended(op->runs[i]) : RUN_RUNNING;

		if (end != RUN_RUNNING && end != RUN_OK)
			return false;
		if (end == RUN_RUNNING && op->plans->v[i].stage < stage)
			stage = op->plans->v[i].stage;
	}
	*ret = stage;
	return stage != UINT32_MAX;
}

static bool is_running(const struct op *op)
{
	for (size_t i = 0; i < op->plans->n; i++)
		if (op->runs[i] != NULL && run_is_running(op->runs[i]))
			return true;
	return false;
}

static struct run *run_of(struct op *op, size_t i)
{
	if (op->runs == NULL)
		op->runs = mem_alloc((op->plans->n + 1) * sizeof(*op->runs));
	if (op->runs[i] == NULL)
		op->runs[i] = run_new(&op->env, &op->plans->v[i]);
	return op->runs[i];
}

/* A run that the journal knows is made at replay; it has ended when it was started here and said so. */
static void start_stage(struct op *op)
{
	unsigned stage;

	if (!next_stage(op, &stage)) {
		finish(op);
		return;
	}
	for (size_t i = 0; i < op->plans->n; i++)
		if (op->plans->v[i].stage == stage)
			run_start(run_of(op, i));
}

static void on_run(void *ctx, struct run *r)
{
	struct op *op = ctx;

	(void)r;
	ops_cfg(op->ops)->changed(ops_cfg(op->ops)->ctx);
	if (!is_running(op) && op->stopped == NULL)
		wait_a_while(op, 0); /* the run is still on the stack: go on from the loop */
}

static void env_init(struct op *op)
{
	const struct ops_config *cfg = ops_cfg(op->ops);

	op->env = (struct run_env){
		.w = cfg->w,
		.aws = cfg->aws,
		.reader = cfg->instance,
		.operate = op->operate,
		.journal = ops_journal(op->ops),
		.owner = cfg->owner,
		.command = op->f.id_text,
		.facts = op->facts,
		.ctx = op,
		.may = may,
		.progress = on_progress,
		.done = on_run,
	};
}

static void run(struct op *op)
{
	const struct ops_config *cfg = ops_cfg(op->ops);
	int64_t past = world_wall_ms(cfg->w) - op->started_ms;

	if (op->operate == NULL) {
		op->running_since_ms =
		    world_now_ms(cfg->w) - (uint64_t)(past > 0 && past < (int64_t)world_now_ms(cfg->w) ? past : 0);
		op->operate = creds_new_assume(cfg->aws, cfg->instance, cfg->operate_role, op->f.id_text);
		env_init(op);
		if (op->runs == NULL)
			op->runs = mem_alloc((op->plans->n + 1) * sizeof(*op->runs));
	}
	op->f.state = OP_RUNNING;
	start_stage(op);
}

static void on_started(struct journal_append *a)
{
	struct op *op = container_of(a, struct op, rec);

	if (op->stopped != NULL)
		return;
	op->is_started = true;
	log_info("op.start", "op=%s verb=%s warehouse=%s steps=%zu", op->f.id_text, op_verb(op), op_warehouse(op),
		 plans_steps(op->plans));
	ops_cfg(op->ops)->changed(ops_cfg(op->ops)->ctx);
	run(op);
}

static void start(struct op *op)
{
	char hex[DIGEST_HEX_LEN];
	json_t *m = json_object();

	op->started_ms = world_wall_ms(world(op));
	json_object_set_new(m, "op", json_string(op->f.id_text));
	json_object_set_new(m, "plan_hash", json_string(digest_hex(&op->plans->hash, hex)));
	json_object_set_new(m, "started_ms", json_integer(op->started_ms));
	journal_append(ops_journal(op->ops), &op->rec, "command.started", m, on_started);
}

/* ---- may it start? ---- */

/* A reason why not, as a terminal state; or 0. */
static bool refused_by_policy(struct op *op, const struct policy *p)
{
	struct demand d = { 0 };
	struct err e = { 0 };
	char text[ERR_TEXT_MAX];
	int rc;

	if (verb_mode(op, p) == POLICY_OFF || verb_mode(op, p) == POLICY_PLAN_ONLY) {
		snprintf(text, sizeof(text), "the policy says %s for %s", policy_mode_name(verb_mode(op, p)), op_verb(op));
		end_early(op, STATE(DENIED), "POLICY", text);
		return true;
	}
	plans_demand(op->plans, &d);
	rc = policy_bounds(p, &d, (uint32_t)json_int_or(op->planned, "nodes_now", 0), &e);
	demand_close(&d);
	if (rc != 0)
		end_early(op, STATE(DENIED), "POLICY", err_text(&e));
	return rc != 0;
}

static bool refused_by_keys(struct op *op)
{
	const struct ops_config *cfg = ops_cfg(op->ops);
	CLEANUP(buf_close) struct buf signed_bytes = BUF_MAX(SPEC_ARGS_MAX * 2);
	const struct plan *plan;
	const struct step *high = plans_high(op->plans, &plan);
	char text[ERR_TEXT_MAX];

	if (high == NULL)
		return false;
	if (json_get_base64(op->accepted, "signed", &signed_bytes, NULL) != 0 ||
	    !cfg->is_release_signed(cfg->ctx, signed_bytes.data, signed_bytes.len)) {
		snprintf(text, sizeof(text), "high risk (%s/%s, %s) needs a release signature beside the command's", plan->name,
			 high->name, high->kind->action);
		end_early(op, STATE(DENIED), "POLICY", text);
		return true;
	}
	if (!cfg->head_is_fresh(cfg->ctx)) {
		snprintf(op->waiting, sizeof(op->waiting), "waits for a fresh signed head: the command is of high risk");
		wait_a_while(op, WAIT_POLL_MS);
		return true;
	}
	return false;
}

static bool is_other_plan(struct op *op)
{
	const ProtobufCBinaryData *want = &op->cmd->approved_plan_hash;

	if (want->len == 0 || (want->len == DIGEST_LEN && memcmp(want->data, op->plans->hash.b, DIGEST_LEN) == 0))
		return false;
	end_early(op, STATE(FAILED), "CONFLICT", "the plan made now is not the one that was approved: its hash differs");
	return true;
}

static bool is_stale(const struct op *op)
{
	int64_t age = world_wall_ms(world(op)) - op->planned_ms;

	return age < 0 || age > PLAN_FRESH_MS;
}

static void plan_again(struct op *op);

static void consider(struct op *op)
{
	const struct policy *p = ops_policy_read(op->ops);
	const char *why;

	if (op->cmd->mode == REEVE__CONTROL__V1__MODE__PLAN) {
		end_early(op, STATE(SUCCEEDED), NULL, "planned only, as asked");
		return;
	}
	if (!p->present) {
		end_early(op, STATE(DENIED), "POLICY", p->reason.text);
		return;
	}
	if (refused_by_policy(op, p) || is_other_plan(op))
		return;
	if (ops_is_stopped(op->ops, &why)) {
		snprintf(op->waiting, sizeof(op->waiting), "frozen: %s", why);
		wait_a_while(op, WAIT_POLL_MS);
		return;
	}
	if (verb_mode(op, p) == POLICY_APPROVE) {
		op->f.state = OP_WAIT_APPROVAL;
		snprintf(op->waiting, sizeof(op->waiting),
			 "the policy says approve; approving is not available yet in this version");
		wait_a_while(op, WAIT_POLL_MS);
		return;
	}
	if (refused_by_keys(op))
		return;
	op->waiting[0] = '\0';
	if (is_stale(op))
		plan_again(op);
	else
		start(op);
}

/* ---- planning ---- */

static void on_planned(struct journal_append *a)
{
	struct op *op = container_of(a, struct op, rec);

	if (op->stopped != NULL)
		return;
	op->f.state = OP_PLANNED;
	ops_cfg(op->ops)->changed(ops_cfg(op->ops)->ctx);
	consider(op);
}

static void planned_apply(struct op *op, json_t *m, int64_t time_ms)
{
	json_incref(m);
	json_decref(op->planned);
	op->planned = m;
	op->planned_ms = json_int_or(m, "planned_ms", time_ms);
}

static void record_plan(struct op *op, uint32_t nodes_now)
{
	json_t *m = json_object();
	char hex[DIGEST_HEX_LEN];

	json_object_set_new(m, "op", json_string(op->f.id_text));
	json_object_set_new(m, "plan_hash", json_string(digest_hex(&op->plans->hash, hex)));
	json_object_set_new(m, "nodes_now", json_integer(nodes_now));
	json_object_set_new(m, "planned_ms", json_integer(world_wall_ms(world(op))));
	json_object_set(m, "plan", op->plans->json);
	planned_apply(op, m, 0);
	journal_append(ops_journal(op->ops), &op->rec, "command.planned", m, on_planned);
}

static int plan_now(struct op *op, const struct inventory *inv, struct err *e)
{
	struct planner_args a = { .owner = ops_cfg(op->ops)->owner, .command = op->f.id_text, .inv = inv };
	uint64_t have = planner_generation(inv, op_warehouse(op)), want = op->cmd->expect_generation;

	if (want != 0 && want != have)
		return err_set(e, ERR_EXISTS, "the account holds generation %llu, the command expects %llu",
			       (unsigned long long)have, (unsigned long long)want);
	plans_free(op->plans);
	op->plans = NULL;
	if (is_delete(op))
		return planner_delete(&a, op_warehouse(op), &op->plans, e);
	return planner_apply(&a, op->apply->spec, &op->plans, e);
}

static void inventory_failed(struct op *op)
{
	uint32_t wait = backoff_next_ms(&op->backoff, world_random64(world(op)));

	if (op->inv.class == AWS_DENIED) {
		end_early(op, STATE(FAILED), "DENIED_BY_AWS", err_text(&op->inv.err));
		return;
	}
	snprintf(op->waiting, sizeof(op->waiting), "%.150s", err_text(&op->inv.err));
	log_warn("op.inventory.failed", "op=%s err=\"%s\" retry_in_ms=%u", op->f.id_text, err_text(&op->inv.err), wait);
	wait_a_while(op, wait);
}

static void on_inventory(struct inventory_req *req, int rc)
{
	struct op *op = container_of(req, struct op, inv);
	struct err e = { 0 };

	op->is_asking = false;
	if (op->stopped != NULL) {
		op->stopped(op);
		return;
	}
	if (rc != 0) {
		inventory_failed(op);
		return;
	}
	op->waiting[0] = '\0';
	rc = plan_now(op, req->inv, &e);
	if (rc == 0)
		record_plan(op, planner_nodes(req->inv));
	else
		end_early(op, STATE(FAILED), rc == -ERR_EXISTS ? "CONFLICT" : "PRECONDITION", err_text(&e));
	inventory_req_close(req);
}

static void plan_again(struct op *op)
{
	const struct ops_config *cfg = ops_cfg(op->ops);

	op->is_asking = true;
	inventory_take(cfg->w, cfg->aws, cfg->instance, &cfg->owner, &op->inv, on_inventory);
}

/* ---- waiting ---- */

static bool holds(struct op *op)
{
	const struct policy *p = ops_policy_read(op->ops);
	int64_t until = op->f.accepted_ms + (int64_t)p->delete_hold_ms;

	if (!is_delete(op) || op->cmd->mode == REEVE__CONTROL__V1__MODE__PLAN || !p->present || world_wall_ms(world(op)) >= until)
		return false;
	op->f.state = OP_HOLD;
	snprintf(op->waiting, sizeof(op->waiting), "delete_hold of the policy: a cancel ends it for %lld s more",
		 (long long)(until - world_wall_ms(world(op))) / 1000 + 1);
	return true;
}

/* What can end it before it starts, whatever it waits for. */
static bool ended_waiting(struct op *op)
{
	int64_t now = world_wall_ms(world(op));

	if (op->is_cancelled)
		end_early(op, STATE(CANCELLED), NULL, "cancelled by the vendor before it started");
	else if (op->f.expires_ms != 0 && now > op->f.expires_ms)
		end_early(op, STATE(EXPIRED), "TIMEOUT", op->waiting[0] != '\0' ? op->waiting : "it expired before it could start");
	else
		return false;
	return true;
}

static void advance(struct op *op)
{
	if (op->rec.waiting || op->is_asking || op->result != NULL)
		return;
	if (op->is_started) {
		run(op);
	} else if (ended_waiting(op)) {
		return;
	} else if (op->cmd->not_before > world_wall_ms(world(op)) || !ops_is_turn_of(op->ops, op)) {
		wait_a_while(op, WAIT_POLL_MS);
	} else if (op->plans != NULL) {
		consider(op);
	} else if (holds(op)) {
		wait_a_while(op, WAIT_POLL_MS);
	} else {
		plan_again(op);
	}
}

static void on_timer(struct timer *t)
{
	advance(container_of(t, struct op, timer));
}

static void wait_a_while(struct op *op, uint64_t ms)
{
	timer_start(world(op), &op->timer, ms, on_timer);
}

void op_cancel(struct op *op)
{
	if (op->is_cancelled || op->f.state == OP_ENDED)
		return;
	op->is_cancelled = true;
	log_info("op.cancel", "op=%s next=\"%s\"", op->f.id_text,
		 op->is_started ? "it ends at the next step it may" : "it is not started");
	if (!op->is_started)
		wait_a_while(op, 0);
}

/* ---- life ---- */

static int parse_args(struct op *op)
{
	ProtobufCBinaryData args = op->cmd->args;

	if (is_delete(op))
		op->remove = reeve__control__v1__warehouse_delete__unpack(NULL, args.len, args.data);
	else
		op->apply = reeve__control__v1__warehouse_apply__unpack(NULL, args.len, args.data);
	return op->remove != NULL || op->apply != NULL ? 0 : -ERR_INVALID;
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
	op->f.first_record = (uint64_t)json_int_or(accepted, "first_record", 0);
	if (json_object_get(accepted, "result") != NULL) {
		op->result = json_incref(json_object_get(accepted, "result"));
		op->f.state = OP_ENDED;
	} else if (parse_args(op) != 0) {
		op->f.state = OP_ACCEPTED; /* cannot be: what is not understood is accepted with its refusal */
	}
	return op;
}

void op_free(struct op *op)
{
	if (op == NULL)
		return;
	timer_stop(world(op), &op->timer);
	end_runs(op);
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
		wait_a_while(op, 0);
}

static void stop_done(struct op *op)
{
	creds_done(op);
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
		timer_start(world(op), &op->timer, 0, on_stop_timer);
}

void op_stop(struct op *op, void (*stopped)(struct op *op))
{
	op->stopped = stopped;
	if (ops_journal(op->ops) != NULL)
		journal_forget(ops_journal(op->ops), &op->rec);
	timer_stop(world(op), &op->timer);
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
		timer_start(world(op), &op->timer, 0, on_stop_timer);
}

/* ---- the journal speaks ---- */

static void replay_planned(struct op *op, const json_t *record, int64_t time_ms)
{
	struct err e = { 0 };

	end_runs(op);
	plans_free(op->plans);
	op->plans = NULL;
	planned_apply(op, (json_t *)record, time_ms);
	if (plans_from_json(json_object_get(record, "plan"), &op->plans, &e) != 0)
		log_error("op.plan.unreadable", "op=%s err=\"%s\" next=\"planned anew\"", op->f.id_text, err_text(&e));
	op->f.state = OP_PLANNED;
	env_init(op);
}

static struct run *run_named(struct op *op, const char *plan)
{
	for (size_t i = 0; op->plans != NULL && i < op->plans->n; i++)
		if (str_eq(op->plans->v[i].name, plan))
			return run_of(op, i);
	return NULL;
}

static void replay_run(struct op *op, const char *type, const json_t *record, int64_t time_ms)
{
	struct run *r = run_named(op, json_str_or(record, "plan", ""));

	if (r == NULL)
		return;
	if (str_eq(type, "step.intent"))
		run_replay_intent(r, record, time_ms);
	else if (str_eq(type, "step.outcome"))
		run_replay_outcome(r, record);
	else if (str_eq(type, "plan.undo"))
		run_replay_undo(r, record);
}

void op_replay(struct op *op, const char *type, const json_t *record, int64_t time_ms)
{
	if (str_eq(type, "command.planned")) {
		replay_planned(op, record, time_ms);
	} else if (str_eq(type, "command.started")) {
		op->is_started = true;
		op->started_ms = json_int_or(record, "started_ms", time_ms);
		op->f.state = OP_RUNNING;
	} else if (str_eq(type, "command.cancelled")) {
		op->is_cancelled = true;
	} else if (str_eq(type, "command.result")) {
		json_decref(op->result);
		op->result = json_incref((json_t *)record);
		op->f.state = OP_ENDED;
		end_runs(op);
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
	record(to, "command.accepted", op->accepted, op->f.accepted_ms);
	if (op->f.state == OP_ENDED) {
		if (json_object_get(op->accepted, "result") == NULL)
			record(to, "command.result", op->result, 0);
		return;
	}
	if (op->planned != NULL && op->f.state != OP_ACCEPTED && op->f.state != OP_HOLD)
		record(to, "command.planned", op->planned, op->planned_ms);
	if (op->is_started)
		json_array_append_new(to, json_pack("[s, {s:s, s:I}, I]", "command.started", "op", op->f.id_text, "started_ms",
						    (json_int_t)op->started_ms, (json_int_t)op->started_ms));
	if (op->is_cancelled)
		json_array_append_new(to, json_pack("[s, {s:s}, i]", "command.cancelled", "op", op->f.id_text, 0));
	for (size_t i = 0; op->runs != NULL && i < op->plans->n; i++)
		if (op->runs[i] != NULL)
			run_records(op->runs[i], to);
}

/* ---- status ---- */

void op_plan_text(const struct op *op, struct buf *to)
{
	if (op->plans != NULL)
		plans_print(op->plans, to);
	else
		buf_addf(to, "Command %s: %s of %s is not planned yet%s%s\n", op->f.id_text, op_verb(op), op_warehouse(op),
			 op->waiting[0] != '\0' ? ": " : ".", op->waiting);
}

static state_t wire_state(const struct op *op)
{
	static const state_t states[] = { [OP_ACCEPTED] = STATE(RECEIVED),
					  [OP_HOLD] = STATE(WAIT_HOLD),
					  [OP_PLANNED] = STATE(PLANNED),
					  [OP_WAIT_APPROVAL] = STATE(WAIT_APPROVAL),
					  [OP_RUNNING] = STATE(RUNNING) };

	if (op->f.state == OP_ENDED)
		return (state_t)json_int_or(op->result, "code", STATE(INDETERMINATE));
	return states[op->f.state];
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
	e->retryable =
	    e->class_ == REEVE__CONTROL__V1__ERROR_CLASS__THROTTLED || e->class_ == REEVE__CONTROL__V1__ERROR_CLASS__CAPACITY;
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
		if (op->runs[i] != NULL && *run_step_name(op->runs[i]) != '\0')
			return arena_printf(m, "%s/%s", op->plans->v[i].name, run_step_name(op->runs[i]));
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
	return op->plans != NULL && (op->f.state == OP_PLANNED || op->f.state == OP_WAIT_APPROVAL);
}

static void status_of_running(const struct op *op, struct arena *m, status_t *to)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(PLAN_TEXT_MAX);

	to->step = running_step(op, m);
	to->note = arena_str(m, op->waiting);
	to->started_at = op->is_started ? op->started_ms : 0;
	to->steps_done = steps_done(op);
	if (op->plans != NULL) {
		to->plan_hash = (ProtobufCBinaryData){ DIGEST_LEN, op->plans->hash.b };
		to->steps_total = (uint32_t)plans_steps(op->plans);
	}
	if (tells_plan(op)) {
		plans_print(op->plans, &text);
		to->plan_text = arena_str(m, buf_str(&text));
	}
}

void op_status(const struct op *op, struct arena *m, status_t *to)
{
	reeve__control__v1__status__init(to);
	to->command_id = (ProtobufCBinaryData){ sizeof(op->f.id), (uint8_t *)op->f.id };
	to->seq = op->f.seq;
	to->state = wire_state(op);
	if (op->f.state == OP_ENDED)
		status_of_result(op, m, to);
	else
		status_of_running(op, m, to);
}
