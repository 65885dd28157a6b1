/* op.c - one operation: the tick, and its life in memory.
 *
 * Happy path: accepted -> its turn -> inventory -> planned (recorded) -> policy and keys agree -> hold over -> started
 * (recorded) -> the plans of each stage run beside each other -> result (recorded) -> acknowledged by the vendor.
 * Failure: before the start a refusal is a terminal result that changed nothing; after it the runs say what became of them.
 * A restart replays the records and goes on; what has not started is planned anew. */
#include "agent/ops/op_impl.h"

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/uuid.h"
#include "agent/ops/room.h"
#include "agent/ops/steps/catalogue.h"

#define TO(state) SM_TO(OP_##state)

static const struct sm_state op_states[] = {
	[OP_QUEUED] = { "queued", TO(QUEUED) | TO(PREPARING) | TO(CONSIDERING) | TO(RUNNING) | TO(ENDING) },
	[OP_PREPARING] = { "preparing", TO(PREPARING) | TO(ASKING) | TO(QUEUED) | TO(ENDING) },
	[OP_ASKING] = { "asking", TO(RECORDING) | TO(PREPARING) | TO(CONSIDERING) | TO(QUEUED) | TO(ENDING) },
	[OP_RECORDING] = { "recording", TO(CONSIDERING) },
	[OP_CONSIDERING] = { "considering", TO(CONSIDERING) | TO(WAITING) | TO(HOLDING) | TO(APPROVING) | TO(ASKING) |
						TO(STARTING) | TO(QUEUED) | TO(ENDING) },
	[OP_WAITING] = { "waiting", TO(CONSIDERING) | TO(QUEUED) | TO(ENDING) },
	[OP_HOLDING] = { "holding", TO(CONSIDERING) | TO(QUEUED) | TO(ENDING) },
	[OP_APPROVING] = { "approving", TO(CONSIDERING) | TO(QUEUED) | TO(ENDING) },
	[OP_STARTING] = { "starting", TO(RUNNING) },
	[OP_RUNNING] = { "running", TO(ENDING) },
	[OP_ENDING] = { "ending", TO(ENDED) },
	[OP_ENDED] = { "ended", SM_END },
};

static const char *op_broken(const struct sm *m)
{
	const struct op *op = container_of((struct sm *)m, struct op, sm);

	if (m->now >= OP_CONSIDERING && m->now <= OP_RUNNING && op->plans == NULL)
		return "there is no plan";
	if (m->now < OP_STARTING && op->started_ms != 0)
		return "what has started is planned";
	if ((m->now >= OP_ENDING) != (op->result != NULL))
		return "a result stands at the end, and only there";
	return NULL;
}

static const struct sm_machine op_machine = SM_MACHINE("op", op_states, op_broken);

#define AS_BEFORE ((state_t)0)
#define AS_PLANNED ((state_t)-1)

/* What a state does on the way in, when what it has begun is answered, and when its wait is over; and what the vendor is told of
 * one that is in it: AS_BEFORE, what was told before; AS_PLANNED, PLANNED when it has been planned and RECEIVED until then. Of one
 * that has ended its result tells. */
static const struct {
	enum op_state (*enter)(struct op *op), (*answered)(struct op *op), (*waited)(struct op *op);
	state_t told;
} op_work[] = {
	[OP_QUEUED] = { op_queue, NULL, op_look, AS_PLANNED },
	[OP_PREPARING] = { op_prepare, NULL, op_look, AS_PLANNED },
	[OP_ASKING] = { op_ask, op_asked, op_look, AS_PLANNED },
	/* Nothing new is told of what is not durable yet: after a crash the vendor would have heard of a plan that never was. */
	[OP_RECORDING] = { op_record_plan, op_plan_stands, NULL, AS_BEFORE },
	[OP_CONSIDERING] = { op_consider, NULL, op_look, AS_PLANNED },
	[OP_WAITING] = { op_look_again, NULL, op_look, STATE(PLANNED) },
	[OP_HOLDING] = { op_look_again, NULL, op_look, STATE(WAIT_HOLD) },
	[OP_APPROVING] = { op_look_again, NULL, op_look, STATE(WAIT_APPROVAL) },
	/* It is not told as RUNNING before the record of the start stands. */
	[OP_STARTING] = { op_start, op_start_stands, NULL, STATE(PLANNED) },
	[OP_RUNNING] = { op_run, NULL, op_run, STATE(RUNNING) },
	[OP_ENDING] = { op_end, op_ended, NULL, AS_BEFORE },
	[OP_ENDED] = { NULL, NULL, NULL, AS_BEFORE },
};

/* ---- the tick ---- */

void op_tell(struct op *op, enum op_state of)
{
	state_t told = op_work[of].told;

	if (told == AS_PLANNED)
		op->f.state = op->planned != NULL ? STATE(PLANNED) : STATE(RECEIVED);
	else if (told != AS_BEFORE)
		op->f.state = told;
}

/* The operation may be gone when the last state has been entered. */
static void go(struct op *op, enum op_state to)
{
	while (to != OP_STAYS) {
		sm_move(&op->sm, to);
		op_tell(op, to);
		to = op_work[to].enter != NULL ? op_work[to].enter(op) : OP_STAYS;
	}
}

static void tick(struct op *op, enum op_state (*work)(struct op *op))
{
	if (ending_is_on(&op->end))
		ending_step(&op->end);
	else
		go(op, work(op));
}

static void on_timer(struct timer *t)
{
	struct op *op = container_of(t, struct op, timer);

	tick(op, op_work[op->sm.now].waited);
}

static void on_record(struct journal_append *a)
{
	struct op *op = container_of(a, struct op, rec);

	tick(op, op_work[op->sm.now].answered);
}

static void on_inventory_again(struct inventory_req *req)
{
	struct op *op = container_of(req, struct op, inv);

	if (!ending_is_on(&op->end))
		op_ask_again(op);
}

static void on_inventory(struct inventory_req *req, int rc)
{
	struct op *op = container_of(req, struct op, inv);

	op->inv_rc = rc;
	tick(op, op_work[op->sm.now].answered);
}

enum op_state op_wait(struct op *op, uint64_t ms)
{
	timer_start(op_world(op), &op->timer, ms, on_timer);
	return OP_STAYS;
}

enum op_state op_take_inventory(struct op *op, const struct inventory_wants *wants)
{
	struct op_env *env = op->env;

	op->inv.again = on_inventory_again;
	inventory_take(&(struct inventory_source){ env->w, env->aws, env->instance, &env->owner, catalogue_resources() }, wants,
		       &op->inv, on_inventory);
	return OP_STAYS;
}

enum op_state op_record(struct op *op, const char *type, json_t *members)
{
	journal_append(op->env->journal, &op->rec, type, members, on_record);
	return OP_STAYS;
}

/* Nothing of it is under way: it waits. */
static bool is_resting(const struct op *op)
{
	return op_work[op->sm.now].waited != NULL && op->inv.priv == NULL;
}

void op_wake(struct op *op)
{
	if (!ending_is_on(&op->end))
		op_wait(op, 0);
}

void op_begin(struct op *op)
{
	if (!op->f.is_ended)
		op_wait(op, 0);
}

void op_cancel(struct op *op)
{
	if (op->is_cancelled || op->f.is_ended)
		return;
	op->is_cancelled = true;
	log_info("op.cancel", "op=%s next=%s", op->f.id_text,
		 op_has_started(op) ? "it ends at the next step it may" : "it is not started");
	/* What waits for a record alone is left to it: the flag is read when the record stands. An inventory is given up at once,
	 * for it may take minutes. */
	if (op_has_started(op))
		op_runs_hear(op);
	else if (is_resting(op))
		op_wait(op, 0);
	else
		inventory_cancel(&op->inv);
	op->env->changed(op->env->ctx);
}

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
	return op->verb != NULL ? op->verb->name : "unknown";
}

bool op_is_read(const struct op *op)
{
	return op->verb != NULL && op->verb->is_read;
}

bool op_is_cancelled(const struct op *op)
{
	return op->is_cancelled;
}

const json_t *op_accepted(const struct op *op)
{
	return op->accepted;
}

const char *op_stands_on(const struct op *op)
{
	return json_str_or(op->accepted, "stands_on", NULL);
}

bool op_is_under_way(const struct op *op)
{
	return op->started_ms != 0 && !op->f.is_ended;
}

bool op_ended_unstarted(const struct op *op)
{
	return op->f.is_ended && op->result != NULL && json_object_get(op->result, "started_ms") == NULL;
}

enum policy_mode op_verb_mode(const struct op *op, const struct policy *p)
{
	return p->verbs[verb_index(op->verb)];
}

const spec_t *op_spec(const struct op *op)
{
	return op->args != NULL ? op->verb->spec(op->args) : NULL;
}

struct world *op_world(const struct op *op)
{
	return op->env->w;
}

bool op_has_started(const struct op *op)
{
	return op->started_ms != 0 && op->sm.now != OP_STARTING;
}

/* ---- life ---- */

static void set_fields(struct op *op)
{
	const command_t *cmd = op->cmd;

	memcpy(op->f.id, cmd->command_id.data, sizeof(op->f.id));
	uuid_text(op->f.id, op->f.id_text);
	op->f.seq = cmd->seq;
	op->f.epoch = cmd->epoch;
	op->f.expires_ms = cmd->expires_at;
	op->f.accepted_ms = json_int_or(op->accepted, "accepted_ms", 0);
	op->f.first_record = (uint64_t)json_int_or(op->accepted, "first_record", 0);
}

static void enter_table(struct op *op, enum op_state at)
{
	sm_init(&op->sm, &op_machine, at);
	op->sm.of = op->f.id_text;
	op_tell(op, at);
}

/* The journal says that it is over: nothing of it will move again. */
void op_replay_end(struct op *op, json_t *result)
{
	json_decref(op->result);
	op->result = json_incref(result);
	op_ended_apply(op);
	enter_table(op, OP_ENDED);
}

struct op *op_new(struct op_env *env, command_t *cmd, json_t *accepted)
{
	struct op *op = mem_new(struct op);

	op->env = env;
	op->cmd = cmd;
	op->verb = verb_of(cmd->verb);
	op->accepted = json_incref(accepted);
	op->facts = json_object();
	op->backoff = BACKOFF(1000, 30000);
	set_fields(op);
	enter_table(op, OP_QUEUED);
	op->born_ms = world_now_ms(op_world(op));
	op->age_ms = world_wall_ms(op_world(op)) - op->f.accepted_ms;
	/* A clock that was set back since must not make the command younger than new. */
	op->age_ms = op->age_ms > 0 ? op->age_ms : 0;
	if (json_object_get(accepted, "result") != NULL) {
		op_replay_end(op, json_object_get(accepted, "result"));
	} else {
		/* It counts with its largest result: what is accepted must always be able to end and be told. */
		op->f.command_bytes = json_size(accepted) + ROOM_RESULT;
		op->args = op->verb != NULL ? verb_args(op->verb, &cmd->args) : NULL;
	}
	return op;
}

void op_free(struct op *op)
{
	if (op == NULL)
		return;
	timer_stop(op_world(op), &op->timer);
	/* The runs go before the plans, because they point into them. */
	op_end_runs(op);
	plans_free(op->plans);
	inventory_req_close(&op->inv);
	json_decref(op->accepted);
	json_decref(op->planned);
	json_decref(op->customer_tags);
	json_decref(op->result);
	json_decref(op->facts);
	deed_req_close(&op->deed);
	run_failing_close(&op->failing);
	verb_args_free(op->args);
	reeve__control__v1__command__free_unpacked(op->cmd, NULL);
	mem_free(op);
}

static bool is_out(struct closing *c)
{
	const struct op *op = container_of(c, struct op, end.closing);

	return op->stopping_runs > 0 || op->inv.priv != NULL || op->deed.priv != NULL;
}

static void free_stopped(struct closing *c)
{
	op_creds_done(container_of(c, struct op, end.closing));
}

static const struct closing_how op_how = { is_out, free_stopped };

static void on_run_stopped(void *ctx)
{
	struct op *op = ctx;

	op->stopping_runs--;
	ending_step(&op->end);
}

static void stop_runs(struct op *op)
{
	for (size_t i = 0; op->runs != NULL && op->operate != NULL && i < op->plans->n; i++)
		/* A run that was only read back has nothing under way. */
		if (op->runs[i] != NULL && run_is_running(op->runs[i])) {
			op->stopping_runs++;
			run_stop(op->runs[i], on_run_stopped, op);
		}
}

void op_stop(struct op *op, void (*done)(void *ctx), void *ctx)
{
	/* This comes first: what is cancelled below comes back to the tick, and must find the operation stopped. */
	ending_begin(&op->end, op_world(op), &op_how, done, ctx);
	if (op->env->journal != NULL)
		journal_forget(op->env->journal, &op->rec);
	timer_stop(op_world(op), &op->timer);
	inventory_cancel(&op->inv);
	op_deed_hear(op);
	stop_runs(op);
}
