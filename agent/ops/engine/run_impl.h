/* run_impl.h - what the files of the engine share. Nobody else includes this.
 *
 * run.c owns the tick. A state does its work in up to three functions: on the way in, when what it has begun is answered, when its
 * wait is over. Each returns the state that follows, or RUN_STAYS; none calls another state's. So the files below know the struct,
 * the helpers of run.c, and the questions that decide where to go, and nothing of each other's work: run_call.c (a call and its
 * answer), run_where.c (where the nodes are that it asks), run_look.c (waiting, looking, giving up), run_ask.c (what looking tells
 * beyond "not there"), run_outcome.c (how a step ends), run_trouble.c (what holds it up), run_hear.c (called off while it waits),
 * run_anew.c (what it rests on is looked at again), run_undo.c (taking back), run_keep.c (what stays of it), run_journal.c (records
 * read back). */
#pragma once
#include "agent/base/sm.h"
#include "agent/io/ending.h"
#include "agent/ops/engine/run.h"

/*  next -> guard -> intent -> guard -> call -> outcome -> next
    next -> call, when it only reads    next -> look, when an intent stands from before a crash
    guard -> where -> call, when it asks nodes    call -> guard, when it asks the next one
    guard -> call (an intent stands), look (it may not go on, and is in doubt), next (what it rests on is old)
    call -> poll, look, guard (other parameters, or it was held back)    poll -> guard
    look -> ask (who is in the way?) -> relook, poll, guard, outcome     relook -> look, guard (it is called off)
    whatever fails -> part (what of it happened all the same?) -> outcome
    outcome, guard, next -> survey (whose is what was made, what goes with it?) -> undo (recorded) -> next ...    any -> ended */
enum run_state {
	RUN_AT_NEXT,
	RUN_AT_GUARD,
	RUN_AT_INTENT,
	RUN_AT_WHERE,
	RUN_AT_CALL,
	RUN_AT_LOOK,
	RUN_AT_ASK,
	RUN_AT_PART,
	RUN_AT_POLL,   /* poll_s, then it asks again */
	RUN_AT_RELOOK, /* poll_s, then it looks again */
	RUN_AT_OUTCOME,
	RUN_AT_SURVEY,
	RUN_AT_UNDO,
	RUN_AT_ENDED,
	RUN_STAYS, /* no state: what was begun comes back to the tick */
};

enum standing { FRESH, INTENDED, DONE, FAILED };

/* A step in doubt is not left before it is known whether it had its effect. */
enum leaving {
	STAYS,
	LEAVES,   /* it may not go on: cancelled, denied by the policy, or what it rests on is old */
	GIVES_UP, /* it has failed or run out of time */
};

/* A step and how far it is. In the undo list it takes back a step of the plan. */
struct doing {
	struct step s;
	char *own_name, *own_title; /* undo steps own name, title and arguments */
	const struct doing *of;     /* in the undo list: the plan's step that it is about */
	const struct doing *taken;  /* in the undo list: it does again what that one there has taken back; NULL: it does not */
	enum standing standing;
	unsigned generation;
	int64_t tried_ms; /* Unix time of the first intent, for the record; 0: none */
	/* Of its calls, monotonic; or of the replay of its intent: then each had happened past_ms before, as far as a record tells.
	 * A step of the wall clock in this life settles nothing. */
	uint64_t first_ms, last_ms, first_past_ms, last_past_ms;
	int64_t first_wall_ms, last_wall_ms; /* the same as Unix ms, for the record */
	unsigned anew_n;                     /* how often its looks were made again in this life */
	uint64_t since_ms;    /* monotonic: its time has run since then, although its looks were made again; 0: they were not */
	enum leaving leaving; /* as recorded: no call has followed */
	json_t *doubt;        /* the members of step.doubt, once it is durable */
	json_t *outcome;      /* the record's members, once there is one */
	int64_t outcome_ms;   /* Unix ms, of that record */
};

/* The step at hand, from the moment it comes up to its outcome. Nothing of it is left when the next comes up. */
struct attempt {
	json_t *args;  /* resolved */
	json_t *facts; /* what it has found out */
	json_t *left;  /* members taken out, with their reasons */
	json_t *shown; /* what the kind's own reads have brought, by their names */
	size_t shown_n;
	json_t *told;      /* by the nodes that it asks: the kind's own */
	uint64_t where_ms; /* monotonic: since when it is known where they are; 0: it is not */
	json_t *part;      /* [[kind, id], ...] on which a failed call had its effect all the same; NULL: not looked for */
	uint64_t part_ms;
	unsigned part_looks;
	enum step_sight sight;
	struct step_cause cause;
	char last_seen[256]; /* while it waits: how things stood when they were last seen */
	struct buf note;
	uint64_t started_ms; /* monotonic, for its deadline */
	uint64_t asked_ms;   /* monotonic: when the call or the look began that tells how things are */
	uint64_t wait_ms;    /* at least this long before the next call: AWS throttles */
	int64_t until_ms;    /* Unix ms: when it will be known that a call in doubt had no effect; 0: nothing is waited for so */
	bool in_doubt;       /* a call of it may have had its effect, and that is not known */
	bool is_heard;       /* AWS has looked at a call of it: its answer was more than "slower" or "other keys" */
	bool was_duplicate;  /* AWS said: there is one already */
	bool is_denied;      /* by the policy */
	bool is_role_coming; /* by AWS, which may only not know the role yet: tried for RUN_ROLE_MS */
	enum leaving leaving;
	unsigned repeats; /* calls repeated after looking in vain */
	unsigned tries;   /* calls of this generation */
	/* the last refusal */
	struct err err;
	char code[128], request_id[128];
	char *encoded; /* authorization message; NULL: none */
	enum aws_class class;
	bool unsent; /* it was that of the keys: nothing was sent */
	struct creds_why why;
	/* since it last got on: run_trouble.c */
	struct run_failing own;   /* its call */
	struct run_failing other; /* what it needs beside that, and stands in the way now: keys, or a look */
	int64_t out_since_ms;     /* Unix ms: when the call or the look under way began */
	bool hears;               /* what is under way was taken back, because the command is called off */
	/* how it ends */
	bool is_done;
	const char *how;
};

struct run {
	const struct run_env *env;
	const struct plan *plan;
	struct sm sm;
	struct doing *v, *undo;
	size_t undo_n, at; /* at: in the list that is worked on */
	bool undoing, cancelled, started;
	bool some_stays;     /* something that was to be taken back is known to stand */
	json_t *undo_reason; /* the record's members */
	struct attempt a;
	/* what is under way: one of these, and the tick hears of it */
	struct aws_call call;
	struct inventory_req inv;
	int inv_rc;
	struct journal_append rec;
	struct timer timer;
	uint64_t survey_ms; /* monotonic: when it began */
	/* beside it: nothing waits for this record */
	struct journal_append doubt_rec;
	json_t *doubt;
	/* the end */
	enum run_end end;
	json_t *error, *created, *deleted, *modified;
	char notes[512];
	struct ending ending;
};

/* ---- run.c ---- */

/* Moves, and enters the state: the work of that and of all that follow from it, until one waits. */
void run_go(struct run *r, enum run_state to);

/* What a state may begin; each answers RUN_STAYS, and ends in the tick. */
enum run_state run_wait(struct run *r, uint64_t ms);
enum run_state run_send(struct run *r, struct creds *creds); /* r->call is filled in */
enum run_state run_take_inventory(struct run *r);
enum run_state run_record(struct run *r, const char *type, json_t *members); /* takes members */

/* Questions. */
struct doing *run_now(const struct run *r);
bool run_may_undo(const struct run *r);
enum run_leave run_may(struct run *r);                  /* asks the customer's switches; the sentence is in r->a.err */
struct step_ctx run_ctx(struct run *r, char token[53]); /* token: where its text is put */

/* Where to go from here. */
enum run_state run_ends(struct run *r, enum run_end how);                /* the whole run */
enum run_state run_step_ends(struct run *r, bool done, const char *how); /* first its part, when it failed and has one */
enum run_state run_smaller(struct run *r);                               /* the next generation */
enum run_state run_called_off(struct run *r, enum run_leave leave);      /* nothing of the step at hand is in doubt */

/* ---- run_call.c ---- */
#define RUN_ROLE_MS 120000 /* how long IAM may take to make a role known everywhere */
enum run_state run_call(struct run *r), run_called(struct run *r);
enum run_state run_settle(struct run *r, enum step_verdict v);
void run_note_asked(struct run *r);
void run_call_again(struct run *r); /* a try at r->call has failed and another follows */
void run_blame(struct run *r);      /* what judging and looking have found as cause stands for the answer's */

/* ---- run_where.c ---- */
enum run_state run_where(struct run *r), run_where_seen(struct run *r);
enum run_state run_to_call(const struct run *r); /* the state that makes it: first where, when that is not known */

/* ---- run_look.c ---- */
enum run_state run_look(struct run *r), run_looked(struct run *r);
enum run_state run_poll(struct run *r), run_polled(struct run *r), run_relook(struct run *r);
enum run_state run_again(struct run *r, enum run_state how); /* poll or relook; the end when it is late */
enum run_state run_fail(struct run *r);                      /* the sentence is in r->a.err; in doubt it looks first */
enum run_state run_look_before_leaving(struct run *r, enum leaving why);
enum run_state run_look_before_anew(struct run *r); /* it is in doubt, and the looks that its call rested on are old */
enum run_state run_resume_leaving(struct run *r);   /* it was leaving when the life before ended */
enum run_state run_not_found(struct run *r, const struct step_ctx *x); /* looked, and no more is known than that it is not there */

/* ---- run_ask.c ---- */
enum run_state run_ask(struct run *r), run_asked(struct run *r);
enum run_state run_part(struct run *r), run_part_seen(struct run *r);
enum run_state run_looked_in_vain(struct run *r); /* the inventory in r->inv, and the kind's own reads, may tell more */
bool run_has_part(struct run *r);                 /* of a call that failed: must it be looked for? */
uint64_t run_part_ends_ms(const struct run *r);   /* monotonic: until when */

/* ---- run_outcome.c ---- */
enum run_state run_outcome(struct run *r), run_outcome_stands(struct run *r);
enum run_state run_after_outcome(struct run *r, struct doing *d);
void run_outcome_apply(struct run *r, struct doing *d, json_t *record, int64_t at_ms);
json_t *run_error_json(struct run *r);

/* ---- run_trouble.c ---- */
void run_refused(struct run *r, const struct aws_call *c); /* that call of the step failed, and it goes on trying all the same */
void run_look_refused(struct run *r);                      /* the inventory in r->inv failed: says so, and that it looks again */
void run_gets_on(struct run *r);
const struct run_failing *run_failing(const struct run *r); /* that which stands in the way now; NULL: nothing does */
void run_sees(struct run *r);                               /* it looks again: what kept it from that is over */
int64_t run_gives_up_ms(const struct run *r);               /* Unix ms */
uint64_t run_limit_ms(const struct run *r);                 /* how long the step at hand may take, from a.started_ms on */
/* A failure on its way to an error. */
struct run_told {
	const char *class, *message, *action, *code, *request_id, *encoded,
	    *resource; /* from code on: "" or NULL where there is none */
};
json_t *run_told_json(const struct run_told *t);
/* The same, with what the step at hand speaks of (subject.h) as resource. */
json_t *run_told_step(const struct run *r, struct run_told *t);
/* The same of keys that did not come for that action. */
struct run_told run_told_keys(const struct creds_why *why, const char *action, const char *message);

/* ---- run_hear.c ---- */
bool run_has_heard(struct run *r); /* what has come back was taken back by run_hear: true once */

/* ---- run_anew.c ---- */
bool run_looks_are_old(const struct run *r); /* the reads straight before the step at hand, which has made no call */
enum run_state run_look_anew(struct run *r); /* they are made again */
void run_forget_intent(struct doing *d);     /* no call that counts has followed it */

/* ---- run_keep.c ---- */
bool run_takes_away(const struct run *r); /* the step at hand: an undo that takes out of service, or removes something */
/* And it is passed over, for who was to serve again does not: told in the notes. Or it would do again what need not be. */
bool run_keeps(struct run *r);

/* ---- run_undo.c ---- */
enum run_state run_survey(struct run *r), run_survey_again(struct run *r), run_surveyed(struct run *r);
enum run_state run_undo(struct run *r), run_undo_stands(struct run *r);
enum run_state run_take_back(struct run *r);      /* everything that was done and is ours to take back */
uint64_t run_survey_ends_ms(const struct run *r); /* monotonic: until when it tries to look */
void run_undo_list(struct run *r);                /* r->undo_reason is durable: the list that follows from it */
/* The command on the tags of what a step made; NULL: not shown, or not told by tags. */
const char *run_maker_of(const struct step_kind *k, const json_t *args, const json_t *facts, const struct inventory *inv);
void run_add_note(struct run *r, const char *text);
void run_put_note(struct run *r, const char *text); /* before the others */

/* ---- run_journal.c ---- */
/* Since when no call of the step at hand has been made, and why no other will be: so that a restart does not begin the wait for
 * its effect anew. Nobody waits for the record. */
void run_record_doubt(struct run *r, json_t *error);
