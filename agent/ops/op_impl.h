/* op_impl.h - what the files of an operation share: op.c (its life, its turn and its end), op_consider.c (may it start?),
 * op_plan.c (its plan being made), op_rates.c (the policy's rates), op_run.c (its plans being carried out), op_journal.c (its records), op_status.c (what is
 * told of it). Nobody else includes this. */
#pragma once
#include "agent/base/backoff.h"
#include "agent/ops/op.h"

typedef Reeve__Control__V1__Command command_t;
typedef Reeve__Control__V1__Status status_t;
typedef Reeve__Control__V1__State state_t;
#define OP_PLAN_TEXT_MAX (60u << 10)
#define OP_WAIT_MS 1000
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
	bool is_queued;                  /* it waits for its turn, and `waiting` says so */
	int64_t planned_ms, started_ms;  /* Unix ms */
	int64_t age_ms;                  /* since its acceptance, when it came into this process */
	uint64_t born_ms;                /* monotonic: when it did */
	uint64_t asked_ms, asked_starts; /* monotonic, and ops_starts: when its last inventory was asked for */
	uint64_t starts_seen;            /* asked_starts of the one that its plan is made from; 0: in another life */
	uint64_t running_since_ms;       /* monotonic, as if it had begun in this process */
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

struct world *op_world(const struct op *op);
bool op_is_delete(const struct op *op);
enum policy_mode op_verb_mode(const struct op *op, const struct policy *p);
void op_wait(struct op *op, uint64_t ms); /* then it looks again how to go on */

/* The terminal record: members of any kind of end, and the end itself. */
json_t *op_result_json(struct op *op, state_t state, json_t *error, const char *note);
void op_end_with(struct op *op, json_t *result); /* takes result */
void op_ended_apply(struct op *op);              /* its result stands: what the runs held is let go */
/* A refusal (class and message) or an end before anything was changed (class NULL: message is a note). */
void op_end_early(struct op *op, state_t state, const char *class, const char *message);

/* op_consider.c */
bool op_ended_waiting(struct op *op); /* cancelled or expired: what ends it before it starts, whatever it waits for */
void op_prepare(struct op *op);       /* it has no plan: may it be planned? */
void op_consider(struct op *op);      /* it has one: may it start? */
/* Does the policy that stands deny its plan? False where none stands: that is said elsewhere. */
bool op_is_beyond_bounds(const struct op *op, uint32_t nodes_now, struct err *e);
/* User data that starts although no hash in the policy names it, and that no release key has stood for yet. */
bool op_starts_unproved(const struct op *op, const struct policy *p, char text[ERR_TEXT_MAX]);
bool op_is_release_signed(const struct op *op);
/* Needs its plan a second key? `text` says for what. Asked of the policy too: what it allows only as `any` does, until proved. */
bool op_is_high(const struct op *op, const struct policy *p, char text[ERR_TEXT_MAX]);

/* op_plan.c */
void op_plan(struct op *op); /* makes it, records it, then op_consider */
void op_planned_apply(struct op *op, json_t *m, int64_t time_ms);
bool op_plan_is_stale(const struct op *op); /* too old, or another operation has started since */
uint32_t op_nodes_now(const struct op *op); /* alive and coming when it was planned, in the whole installation */

/* op_rates.c */
/* -ERR_DENIED: its plan is beyond the bounds or the rates. nodes_now: alive ones of the whole installation. */
int op_judge(const struct op *op, const struct policy *p, uint32_t nodes_now, struct err *e);
bool op_waits_for_rates(struct op *op, const struct policy *p);                        /* for all that it wants, before it starts */
bool op_is_step_too_soon(struct op *op, const struct policy *p, const struct step *s); /* on the way; `waiting` says until when */
void op_spends(struct op *op, const struct step *s, int64_t time_ms); /* its intent is recorded; 0: now, else Unix ms */

/* op_run.c */
void op_start(struct op *op); /* writes command.started, then runs */
void op_run(struct op *op);   /* goes on with the stage that is next, or ends */
void op_env_init(struct op *op);
struct run *op_run_of(struct op *op, size_t i); /* the run of plan i, made if need be */
void op_end_runs(struct op *op);
void op_creds_done(struct op *op);
unsigned op_steps_done(const struct op *op);
