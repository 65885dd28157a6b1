/* run.h - the engine: one plan being carried out, step by step, so that a crash at any instant does no harm.
 *
 * For each step that changes something: ask whether it may (policy, STOP, cancel), write the intent, ask again, call, judge,
 * write the outcome. After an ambiguity - no answer, or an intent without an outcome at start - it looks by tag before it
 * repeats, and before it gives up. Failure before the plan's pivot undoes what was done, in reverse; after it the plan only
 * goes forward or stops. What cannot be taken back is named, and the plan has then failed and was not rolled back. */
#pragma once
#include <jansson.h>

#include "agent/aws/call.h"
#include "agent/io/journal.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/plan/plan.h"

enum run_leave {
	RUN_GO,
	RUN_WAIT,   /* frozen, or too soon: ask again in a second */
	RUN_CANCEL, /* the operation is cancelled, or out of time (the error then is ERR_TIMEOUT) */
	RUN_DENY,   /* the policy no longer allows it */
};

enum run_phase { RUN_BEFORE_PIVOT, RUN_BEHIND_PIVOT, RUN_UNDO };

enum run_end { RUN_RUNNING, RUN_OK, RUN_FAILED, RUN_ROLLED_BACK, RUN_CANCELLED, RUN_INDETERMINATE };

struct run;

/* What all plans of one operation share. Must outlive its runs. */
struct run_env {
	struct world *w;
	struct aws *aws;
	struct creds *operate, *reader; /* the operate role changes, the instance role looks */
	struct journal *journal;
	struct owner owner;
	const char *command; /* id as text */
	json_t *facts;       /* of the operation: steps add to it */
	void *ctx;
	/* Before each call that changes something. RUN_CANCEL is an answer before the pivot, or while no plan was begun.
	 * `unspent`: the step, as long as it has no intent; then NULL. */
	enum run_leave (*may)(void *ctx, enum run_phase phase, const struct step *unspent, struct err *e);
	/* The intent of a step is being recorded: time_ms 0; or it is read back: Unix ms, of the first one. */
	void (*intent)(void *ctx, const struct step *s, int64_t time_ms);
	/* No change was ever made with the operate role: what it is denied, AWS may only not know everywhere yet. */
	bool (*is_role_new)(void *ctx);
	void (*progress)(void *ctx, struct run *r);
	/* An outcome is in the journal: just now, or read back. */
	void (*outcome)(void *ctx, const struct step_kind *kind, const json_t *record, int64_t at_ms);
	void (*done)(void *ctx, struct run *r); /* the run has ended; it may be freed from here */
};

struct run *run_new(const struct run_env *env, const struct plan *plan);
/* What the journal says of the past; before run_start. Times are Unix ms. */
void run_replay_intent(struct run *r, const json_t *record, int64_t time_ms);
void run_replay_doubt(struct run *r, const json_t *record);
void run_replay_outcome(struct run *r, const json_t *record, int64_t time_ms);
void run_replay_undo(struct run *r, const json_t *record);
/* The records from which the run could be replayed: [[type, members, time_ms], ...] added to `to`. */
void run_records(const struct run *r, json_t *to);

void run_start(struct run *r);
bool run_is_running(const struct run *r); /* started and not ended: a replayed one is not */
/* The command is called off: a step that waits, for keys, for an answer to a read or for its time, hears it now and not when the
 * wait is over. A call that may change something and has left is waited for. */
void run_hear(struct run *r);
void run_free(struct run *r); /* nothing of it is under way: it has ended, stopped, or was never started */
/* Stops at once, without a record. The done of its env does not come; this one does, later. What it is can be read until it is
 * freed: a checkpoint may be made meanwhile. */
void run_stop(struct run *r, void (*done)(void *ctx), void *ctx);

enum run_end run_ended(const struct run *r);
unsigned run_steps_done(const struct run *r);
bool run_has_begun(const struct run *r);               /* a step of it that changes something has an intent */
bool run_is_unspent(const struct run *r, size_t step); /* of the plan: it has no intent, and may still come */
bool run_is_fresh(const struct run *r, size_t step);   /* of the plan: it has no intent, and was never begun */
bool run_is_ahead(const struct run *r, size_t step);   /* of the plan: it may still have its effect */
enum run_phase run_phase(const struct run *r);
const char *run_step_title(const struct run *r); /* of that at hand, in words, or "" */
/* A step that does not get on: what failed last, how often since when, and when it gives up. */
struct run_trouble {
	const json_t *error; /* {class, message, action, ...}, the run's */
	const char *waits;   /* the action that has not been sent, there are no keys: the error says why; NULL: it was sent */
	unsigned tries;
	int64_t since_ms, gives_up_ms; /* Unix ms; the command's own deadline may come before, while it can be taken back */
	bool can_be_taken_back;
};
bool run_trouble(const struct run *r, struct run_trouble *ret); /* false: nothing has failed since it last got on */
/* One thing that fails, as long as it is that which does. */
struct run_failing {
	json_t *error;     /* {class, message, action, ...}, of the last time; NULL: nothing fails */
	const char *waits; /* as above */
	unsigned tries;
	int64_t since_ms; /* Unix ms: when the first of them began */
};
/* The inventory has failed that was begun then, in Unix ms. */
void run_failing_add(struct run_failing *f, const struct inventory_req *look, int64_t began_ms);
void run_failing_close(struct run_failing *f); /* nothing fails, from here on */
/* What failed stays the error of what is called off meanwhile: "<why>, while AWS refused: <its sentence>". */
json_t *run_failing_json(const struct run_failing *f, const char *why);
/* What a step is out for that nobody has failed yet. */
#define RUN_SLOW_MS 5000 /* what takes less is no news */
struct run_pending {
	const char *seen; /* it asks again and again: how things stood when they were last seen; NULL: it waits for an answer ... */
	const char *action; /* ... to this; NULL: to a look at the account */
	bool for_keys;      /* or first for keys */
	int64_t since_ms;   /* Unix ms */
};
bool run_pending(const struct run *r, struct run_pending *ret);
/* Unix ms until when it looks whether a call of `action` that got no answer has had its effect; 0: it does not. */
int64_t run_waits_until(const struct run *r, const char **action);
const char *run_class_name(enum aws_class class); /* as an error's class is called in records */
const json_t *run_error(const struct run *r);     /* {class, message, aws_code, ...}, or NULL */
const char *run_note(const struct run *r);        /* "" if none */
const json_t *run_created(const struct run *r);   /* [[kind, id], ...] */
const json_t *run_deleted(const struct run *r);
const json_t *run_modified(const struct run *r);
const json_t *run_outcome_of(const struct run *r, size_t step); /* of the plan, as recorded; NULL: it has none */
void run_add_left(const struct run *r, json_t *ids); /* of volumes that nodes have left which it has taken back, as far as shown */

/* base32 of SHA-256 over installation|command|plan|step|generation (docs/architecture.md section 6) */
void run_token(const struct run_env *env, const char *plan, const char *step, unsigned generation, char to[53]);
