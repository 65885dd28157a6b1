/* run_impl.h - what the files of the engine share: run.c (the flow from step to step), run_call.c (a call and its
 * answer), run_look.c (waiting, looking, giving up), run_ask.c (what looking tells beyond "not there"),
 * run_outcome.c (how a step ends, and the taking back), run_journal.c (its records, read back). Nobody else includes this. */
#pragma once
#include "agent/base/sm.h"
#include "agent/ops/engine/run.h"

/*  next -> guard -> intent -> call -> outcome -> next
                 guard -> call (an intent stands), look -> call, outcome, poll    poll -> guard (again), look
                 look -> ask (who is in the way?) -> poll, call, outcome    call, look, guard -> part (what of it failed?) -> outcome
    outcome, guard -> survey (whose is what was made, what goes with it?) -> undo (recorded) -> next ...   any -> ended, stopped  */
enum { R_NEXT, R_GUARD, R_INTENT, R_CALL, R_LOOK, R_ASK, R_PART, R_POLL, R_OUTCOME, R_SURVEY, R_UNDO, R_ENDED };

enum standing { FRESH, INTENDED, DONE, FAILED };

/* A step in doubt is not left before it is known whether it had its effect. */
enum leaving {
	STAYS,
	LEAVES,   /* it may not go on: cancelled, or the policy says no */
	GIVES_UP, /* it has failed or run out of time */
};

/* A step and how far it is. In the undo list it takes back a step of the plan. */
struct doing {
	struct step s;
	char *own_name; /* undo steps own name and arguments */
	enum standing standing;
	unsigned generation;
	int64_t tried_ms; /* Unix time of the first intent, for the record; 0: none */
	/* Of its calls, monotonic; or of the replay of its intent: then each had happened past_ms before, as far as a record tells.
	 * A step of the wall clock in this life settles nothing. */
	uint64_t first_ms, last_ms, first_past_ms, last_past_ms;
	int64_t first_wall_ms, last_wall_ms; /* the same as Unix ms, for the record */
	enum leaving leaving;                /* as recorded: no call has followed */
	json_t *doubt;                       /* the members of step.doubt, once it is durable */
	json_t *outcome;                     /* the record's members, once there is one */
	int64_t outcome_ms;                  /* Unix ms, of that record */
};

struct run {
	const struct run_env *env;
	const struct plan *plan;
	struct sm sm;
	struct doing *v, *undo;
	size_t undo_n, at; /* at: in the list that is worked on */
	bool undoing, cancelled, started;
	bool some_stays;     /* of what was to be taken back, and nobody doubts it */
	json_t *undo_reason; /* the record's members */
	struct aws_call call;
	struct inventory_req inv;
	struct journal_append rec;
	struct timer timer;
	/* the step at hand */
	json_t *args;  /* resolved */
	json_t *facts; /* what it has found out */
	json_t *left;  /* members taken out, with their reasons */
	json_t *shown; /* what the kind's own reads have brought, by their names */
	size_t shown_n;
	json_t *part; /* [[kind, id], ...] on which a failed call had its effect all the same; NULL: not looked for */
	const char *part_how;
	uint64_t part_ms;
	unsigned part_looks;
	struct step_cause cause;
	char last_seen[256]; /* while it waits: how things stood when they were last seen */
	struct buf note;
	uint64_t started_ms; /* monotonic, for its deadline */
	uint64_t asked_ms;   /* monotonic: when the call or the look began that tells how things are */
	uint64_t wait_ms;    /* at least this long before the next call: AWS throttles */
	int64_t until_ms;    /* Unix ms: when it will be known that a call in doubt had no effect; 0: nothing is waited for so */
	struct journal_append doubt_rec;
	json_t *doubt;      /* of doubt_rec */
	bool in_doubt;      /* a call of it may have had its effect, and nobody knows */
	bool was_duplicate; /* AWS said: there is one already */
	bool look_again;    /* poll leads back to looking */
	bool is_denied;     /* by the policy */
	enum leaving leaving;
	unsigned repeats; /* calls repeated after looking in vain */
	unsigned tries;   /* calls of this generation */
	struct err err;
	char code[128], request_id[128];
	char *encoded; /* authorization message of the last refusal; NULL: none */
	enum aws_class class;
	/* the end */
	enum run_end end;
	json_t *error, *created, *deleted;
	char notes[512];
	void (*stopped)(void *ctx, struct run *r);
};

/* run.c */
struct doing *run_now(struct run *r);
bool run_may_undo(const struct run *r);
enum run_leave run_may(struct run *r); /* asks the customer's switches; the sentence is in r->err */
bool run_stopping(struct run *r);      /* a stop asked for while something was under way takes effect when that calls back */
void run_next(struct run *r);
void run_guard(struct run *r);
void run_end(struct run *r, enum run_end how);

/* run_call.c */
void run_call(struct run *r);
struct step_ctx run_ctx(struct run *r, char token[53]); /* token: where its text is put */
void run_blame(struct run *r);                          /* what judging and looking have found as cause stands for the answer's */
void run_smaller(struct run *r);                        /* the next generation */

/* run_journal.c */
/* Since when no call of the step at hand has been made, and why no other will be: so that a restart does not begin the wait for
 * its effect anew. Nobody waits for the record. */
void run_record_doubt(struct run *r, json_t *error);

/* run_look.c */
void run_resume_leaving(struct run *r);
void run_look(struct run *r);
void run_look_before_leaving(struct run *r, enum leaving why);
void run_poll(struct run *r, bool look_again);
void run_fail(struct run *r);   /* the sentence is in r->err; in doubt it looks first */
void run_survey(struct run *r); /* whose is what was made, and what goes with it? Then run_undo_start */
void run_not_found(struct run *r, const struct step_ctx *x); /* looked, and nothing more is known than that it is not there */

/* run_ask.c */
void run_ask(struct run *r); /* looked in vain: the inventory in r->inv, and the kind's own reads, may tell more */
bool run_part(struct run *r, const char *how); /* it fails: true when it looks first, and then ends the step with the outcome */

/* run_outcome.c */
void run_outcome(struct run *r, bool done, const char *how); /* the record, and then what follows from it */
void run_outcome_apply(struct run *r, struct doing *d, json_t *record, int64_t at_ms);
void run_after_outcome(struct run *r, struct doing *d);
json_t *run_error_json(struct run *r);
void run_leave(struct run *r, enum run_leave leave); /* nothing of the step at hand is in doubt */
/* Both are taken; kept: names of steps that are not taken back; losses: by the names of steps, what goes with what they made. */
void run_undo_start(struct run *r, json_t *kept, json_t *losses);
void run_undo_list(struct run *r);
