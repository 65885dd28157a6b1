/* op_impl.h - what the files of an operation share. Nobody else includes this.
 *
 * op.c owns the tick. As in the engine, a state does its work in up to three functions: on the way in, when what it has begun is
 * answered, when its wait is over; each returns the state that follows, or OP_STAYS. op_consider.c (may it start?), op_plan.c (its
 * plan being made), op_rates.c (the policy's rates), op_run.c (its plans being carried out), op_finish.c (what they have come to),
 * op_nodes.c (the nodes among it), op_deed.c (its deed, in their place), op_end.c (its result), op_journal.c (records read back),
 * op_status.c and op_output.c (what is told of it). */
#pragma once
#include "agent/base/backoff.h"
#include "agent/base/sm.h"
#include "agent/io/ending.h"
#include "agent/ops/deed.h"
#include "agent/ops/engine/run.h"
#include "agent/ops/op.h"
#include "agent/ops/plan/plan.h"
#include "agent/ops/verb.h"

typedef Reeve__Control__V1__Command command_t;
typedef Reeve__Control__V1__Status status_t;
typedef Reeve__Control__V1__State state_t;
#define OP_PLAN_TEXT_MAX (60u << 10)
#define OP_WAIT_MS 1000
#define STATE(name) REEVE__CONTROL__V1__STATE__##name

/*  queued -> preparing -> asking -> recording -> considering -> starting -> running -> ending -> ended
    considering -> asking (the plan is stale), waiting, holding, approving -> considering (looked at anew)
    whatever has not started -> ending (cancelled, expired, refused)    a restart begins at queued, or at ended */
enum op_state {
	OP_QUEUED,      /* its turn has not come, or it has only been read back */
	OP_PREPARING,   /* it has no plan: may it be planned? */
	OP_ASKING,      /* an inventory is taken, or has to be taken once more in a while */
	OP_RECORDING,   /* command.planned is on its way to the disk */
	OP_CONSIDERING, /* it has a plan: may it start? */
	OP_WAITING,     /* not yet: STOP, the rates, a fresh head */
	OP_HOLDING,     /* delete_hold of the policy */
	OP_APPROVING,   /* the policy says approve */
	OP_STARTING,    /* command.started is on its way */
	OP_RUNNING,     /* its plans are carried out */
	OP_ENDING,      /* command.result is on its way */
	OP_ENDED,
	OP_STAYS, /* no state: what was begun comes back to the tick */
};

struct op {
	struct op_env *env;
	struct op_fields f;
	struct sm sm;
	command_t *cmd;
	const struct verb *verb; /* NULL: another version took it */
	ProtobufCMessage *args;  /* of the verb; NULL: it has ended, or they cannot be read */
	json_t *accepted;        /* its record's members */
	json_t *planned;
	json_t *result;
	struct plans *plans;
	bool is_cancelled;
	int64_t planned_ms;              /* Unix ms */
	int64_t started_ms;              /* Unix ms, from the moment that its record is on its way; 0: it has not started */
	int64_t age_ms;                  /* since its acceptance, when it came into this process */
	uint64_t born_ms;                /* monotonic: when it did */
	uint64_t asked_ms, asked_starts; /* monotonic, and shared->starts: when its last inventory was asked for */
	json_t *customer_tags;           /* of the policy that its plan was made under; NULL: none, or in another life */
	uint64_t starts_seen;            /* asked_starts of the one that its plan is made from; 0: in another life */
	int64_t running_since_ms;        /* monotonic, as if it had begun in this process; below 0: before the machine's start */
	json_t *facts;
	struct run_env run_env;
	struct run **runs; /* one a plan, NULL while its stage waits */
	struct creds *operate;
	struct deed_req deed; /* of a verb that has one, in the place of runs */
	bool is_deed_done;
	/* what is under way: one of these, and the tick hears of it */
	struct inventory_req inv;
	int inv_rc;
	struct journal_append rec;
	struct timer timer;
	struct backoff backoff;
	struct run_failing failing; /* why no inventory comes, since one came */
	int64_t asked_wall_ms;      /* Unix ms: when the last one did */
	char waiting[160];          /* why it does not go on, for the status */
	unsigned stopping_runs;
	struct ending end;
};

/* ---- op.c ---- */

/* What a state may begin; each answers OP_STAYS, and ends in the tick. */
enum op_state op_wait(struct op *op, uint64_t ms);
enum op_state op_take_inventory(struct op *op, const struct inventory_wants *wants);
enum op_state op_record(struct op *op, const char *type, json_t *members); /* takes members */

void op_tell(struct op *op, enum op_state of); /* the vendor is told what that state is called, from the next report on */
void op_replay_end(struct op *op, json_t *result);
void op_wake(struct op *op); /* from a run: what it did calls for another look, from the loop */
struct world *op_world(const struct op *op);
bool op_has_started(const struct op *op);   /* and that is durable */
const spec_t *op_spec(const struct op *op); /* the desired state; NULL: none of it */
enum policy_mode op_verb_mode(const struct op *op, const struct policy *p);

/* ---- op_end.c: the terminal record ---- */
enum op_state op_end(struct op *op), op_ended(struct op *op);
json_t *op_result_json(struct op *op, state_t state, json_t *error, const char *note);
enum op_state op_end_with(struct op *op, json_t *result); /* takes result */
/* A refusal (class and message) or an end before anything was changed (class NULL: message is a note). */
enum op_state op_end_early(struct op *op, state_t state, const char *class, const char *message);
/* The same, and what has failed until now, if anything, is its error. */
enum op_state op_end_refused(struct op *op, state_t state, const char *class, const char *message);
void op_ended_apply(struct op *op); /* its result stands: what the runs held is let go */

/* ---- op_consider.c ---- */
enum op_state op_look(struct op *op); /* whatever it waits for: cancelled, expired, another's turn, or what is next */
enum op_state op_queue(struct op *op), op_prepare(struct op *op), op_consider(struct op *op);
enum op_state op_look_again(struct op *op); /* in a second */
/* Does the policy that stands deny its plan? False where none stands: that is said elsewhere. */
bool op_is_beyond_bounds(const struct op *op, uint32_t nodes_now, struct err *e);
/* User data that starts although no hash in the policy names it, and that no release key has stood for yet. */
bool op_starts_unproved(const struct op *op, const struct policy *p, char text[ERR_TEXT_MAX]);
bool op_is_release_signed(const struct op *op);
/* Needs its plan a second key? `text` says for what. Asked of the policy too: what it allows only as `any` does, until proved. */
bool op_is_high(const struct op *op, const struct policy *p, char text[ERR_TEXT_MAX]);

/* ---- op_plan.c ---- */
enum op_state op_ask(struct op *op), op_asked(struct op *op); /* the inventory, then the plan */
void op_ask_again(struct op *op);                             /* a try at op->inv has failed and another follows */
enum op_state op_record_plan(struct op *op), op_plan_stands(struct op *op);
void op_planned_apply(struct op *op, json_t *m, int64_t time_ms);
/* Of the agent's own: -ERR_EXISTS where the spec that it carries on stands no more, or nobody knows which does. */
int op_check_stands_on(const struct op *op, struct err *e);
bool op_plan_is_stale(const struct op *op); /* too old, or another operation has started since */
uint32_t op_nodes_now(const struct op *op); /* alive and coming when it was planned, in the whole installation */

/* ---- op_rates.c ---- */
/* -ERR_DENIED: its plan is beyond the bounds or the rates. nodes_now: alive ones of the whole installation. */
int op_judge(const struct op *op, const struct policy *p, uint32_t nodes_now, struct err *e);
bool op_waits_for_rates(struct op *op, const struct policy *p);                        /* for all that it wants, before it starts */
bool op_is_step_too_soon(struct op *op, const struct policy *p, const struct step *s); /* on the way; `waiting` says until when */
void op_spends(struct op *op, const struct step *s, int64_t time_ms); /* its intent is recorded; 0: now, else Unix ms */

/* ---- op_run.c ---- */
enum op_state op_start(struct op *op), op_start_stands(struct op *op);
enum op_state op_run(struct op *op); /* goes on with the stage that is next, or ends */
void op_run_env_init(struct op *op);
struct run *op_run_of(struct op *op, size_t i); /* the run of plan i, made if need be */
void op_end_runs(struct op *op);
void op_runs_hear(struct op *op);       /* it is cancelled, or out of time: what waits hears it */
bool op_has_begun(const struct op *op); /* it runs, and a step of it has an intent */
void op_creds_done(struct op *op);
bool op_is_frozen(struct op *op);                          /* the customer's switches stand against it; `waiting` says which */
bool op_is_called_off(const struct op *op, struct err *e); /* cancelled, or its time is over */
int64_t op_deadline_ms(const struct op *op);               /* Unix ms, of the command while it runs */

/* ---- op_finish.c: what the plans have come to ---- */
enum op_state op_finish(struct op *op);
unsigned op_steps_done(const struct op *op);

/* ---- op_nodes.c ---- */
void op_add_nodes(const struct op *op, json_t *result); /* to one that tells already what was deleted */

/* ---- op_freed.c ---- */
bool op_has_not_given(const struct op *op, size_t plan, size_t step); /* a kept volume: it was not attached, and that is known */
void op_add_freed(const struct op *op, json_t *result);               /* to one that tells its nodes and what was modified */

/* ---- op_output.c ---- */
Reeve__Control__V1__Output *op_output(const struct op *op, struct arena *m); /* NULL: its result has none */

/* ---- op_deed.c ---- */
bool op_has_deed(const struct op *op);
int op_deed_plan(struct op *op, struct err *e);
enum op_state op_run_deed(struct op *op);
void op_deed_hear(struct op *op); /* it is cancelled, or stopped */
