/* step.h - a step kind: two pure functions, and what the engine must know to be safe. The catalogue lists them all.
 *
 * A step is one AWS call, made once or, after an ambiguity, found to have been made. Its arguments are JSON, so that a plan
 * can be written to the journal, hashed, printed and resumed; "@name" in them stands for a fact that an earlier step found
 * out. Kind names are journal identity: never renamed, never given another meaning. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "agent/aws/call.h"
#include "agent/aws/request.h"
#include "agent/base/err.h"
#include "agent/ops/account/resource.h"

struct inventory;
struct owner;
struct demand;
struct iam_statement;
struct iam_condition;
struct bound;

/* What a failure comes of, where another than the last answer tells it: an instance's StateReason. Zero: nothing is told. */
struct step_cause {
	enum aws_class class;
	char code[128]; /* AWS's own */
};

/* What a kind knows of its step's effect beyond "it is there" and "it is not". */
enum step_sight {
	STEP_SEEN,        /* no more than that */
	STEP_SEEN_PARTLY, /* some of it is shown: the rest may only not be shown yet, so it is looked for and not asked for again */
	STEP_SEEN_BEFORE, /* it was there before this step: not this one's to take back */
};

/* What a step is asked and judged with. Arguments are resolved: no "@" is left in them. */
struct step_ctx {
	const json_t *args;
	const char *command, *plan, *step; /* the command's id as text, and our place in it */
	const char *token;                 /* ClientToken of this generation */
	const char *region;                /* "us-east-1": S3's CreateBucket names it, for one */
	const struct owner *owner;         /* who asks: nodes that are not its own are asked nothing */
	unsigned generation;               /* from 1; a changed request takes the next one */
	bool settled;           /* settle_s lay between the last call and this look at the world: what is not seen is not there */
	bool patient;           /* settle_s has passed since the first one: what is not known is gone */
	bool in_doubt;          /* an earlier call of this step may have had its effect */
	uint64_t age_ms;        /* since its first call */
	uint64_t intent_age_ms; /* since its first intent, by the wall clock and over restarts; 0: none */
	const char *code;       /* of AWS's last answer to it, "" if that was no refusal */
	const json_t *known;    /* facts of the whole operation: what it has made or found */
	json_t *facts;          /* judge and find add what they learn */
	/* Members of the list that the step acts on which are taken out of it, each with its reason: known by looking, so that a
	 * restart looks again. What is left out is neither asked for nor waited for. NULL: nothing may be. */
	json_t *left;
	const json_t *seen;       /* what the kind's own reads have shown, by the name of the read */
	json_t *told;             /* what a kind that asks several nodes has been told so far: its own, and lost with a restart */
	struct step_cause *cause; /* NULL: nobody asks */
	enum step_sight *sight;   /* judge, find and miss may set it; STEP_SEEN before each find, which miss follows */
	struct buf *note;         /* for people, when something is less than asked; may stay empty */
};

enum step_verdict {
	STEP_DONE,
	STEP_MORE,    /* its call is done, and another one of the same step follows at once */
	STEP_AGAIN,   /* not yet: ask again after poll_s; what was seen may stand in the error, and is told when time is over */
	STEP_LOOK,    /* AWS says it is there already, or we cannot know: look by tag */
	STEP_SMALLER, /* not with these parameters: the next generation asks for less */
	STEP_FAILED,
};

enum step_repeat {
	REPEAT_READ,    /* changes nothing */
	REPEAT_TOKEN,   /* the same ClientToken makes a repetition harmless */
	REPEAT_NATURAL, /* its name or its effect makes a repetition harmless */
};

/* A read of a kind's own, with the role of the instance, behind the look at the inventory. */
struct step_look {
	const char *name, *action;
	void (*ask)(const struct step_ctx *x, struct request *req);
	json_t *(*read)(const struct aws_call *c); /* of an answer; NULL: not understood */
};

struct step_kind {
	const char *name;
	const char
	    *action; /* the one call it makes, as IAM calls it: "ec2:RunInstances"; "node:..." asks a node of ours, not AWS */
	/* What of the spec it brings about, where the account was brought out of it: "nodes", "rules" (drift.h). NULL: it waits, or
	 * is asked for by a verb of its own. */
	const char *field;
	/* What it must be allowed: the call, and what AWS asks of its caller beside it; ended by one without a sid. The IAM
	 * documents of the operate role are made of these (iam_grant.h). NULL: it reads, with the role of the instance, or asks a
	 * node. */
	const struct iam_statement *grants;
	const struct bound *bounded_by; /* a number: its statements are made where the policy allows one at least; NULL: always */
	const struct iam_condition *conditions; /* its own (IAM_OWN), ended by one without a test; NULL: none */
	bool ends_nodes;                        /* of a cluster: rates.ended_at_once counts them */
	bool looks_anew; /* kept from its call for a while, it first has the reads straight before it made again (run_anew.c) */
	bool leaves_no_trace; /* no look shows whether it was called */
	bool is_once;         /* a read that is not made again so: a time that has passed */
	bool vouches;         /* a read behind undos: for whom it leaves out, what came instead is kept (run_keep.c) */
	bool takes_out;       /* as an undo: out of service, or it waits for that. So does what removes something */
	enum step_repeat repeat;
	uint32_t settle_s; /* how long a Describe may not see what it did yet */
	uint32_t deadline_s, poll_s;
	const struct resource *makes;                      /* what the fact is that it leaves under args.fact, or NULL */
	const struct resource *removes;                    /* and of what kind that is which it takes away, or NULL */
	const char *removes_arg;                           /* the argument that names it */
	void (*thing)(const json_t *args, struct buf *to); /* its name where no fact and no argument is it; else NULL */
	/* What goes along with what it removes, as more pairs [kind, id]; not with a member that was left out. NULL: nothing. */
	void (*along)(const json_t *args, const json_t *left, json_t *pairs);
	/* What stands there before and behind it and is another way, as pairs [kind, id]; not a member that was left out. NULL:
	 * nothing. */
	void (*changes)(const json_t *args, const json_t *left, json_t *pairs);
	int (*ask)(const struct step_ctx *x, struct request *req, struct err *e);
	enum step_verdict (*judge)(const struct step_ctx *x, const struct aws_call *c, struct err *e);
	bool (*find)(const struct step_ctx *x, const struct inventory *inv); /* its effect is there: facts added; NULL: reads */
	/* Of a kind that asks nodes: the read that tells where they are, made before its calls while what it told is old; and what
	 * follows from it and from what was told so far: MORE to make a call, or an end without one. NULL: it asks none. */
	const struct step_look *where;
	enum step_verdict (*meet)(const struct step_ctx *x, struct err *e);
	/* What looking in vain tells beside that: LOOK nothing; AGAIN ask again, at once when members were left out; SMALLER the
	 * next generation; DONE, FAILED the end. NULL: nothing ever. */
	enum step_verdict (*miss)(const struct step_ctx *x, const struct inventory *inv, struct err *e);
	/* Reads that find out what is in the way, made before `miss` when AWS spoke of a conflict; ended by NULL; or NULL. */
	const struct step_look *const *looks;
	/* Of a call on many things that failed: [[kind, id], ...] of those on which it had its effect all the same. NULL: on
	 * one. */
	json_t *(*part)(const struct step_ctx *x, const struct inventory *inv);
	/* In what state its nodes are behind it, "stopped" or "started": a member of the outcome's record, by which the next plan
	 * knows which inventory is too old. NULL: it changes none. */
	const char *leaves;
	const struct step_kind *undo;             /* what takes it back before the pivot, or NULL */
	json_t *(*undo_args)(const json_t *args); /* NULL for arguments by which nothing needs to be taken back */
	const char *goes_with; /* the argument that lists with what its effect ends, where the plan has made that; NULL: none */
	const struct step_kind *undo_wait; /* a read with the undo's arguments that stands behind it, or NULL */
	/* What goes with what the step made when that is taken back, as more arguments of its undo: of its arguments, its fact and
	 * the inventory, which is NULL when nobody could look. NULL: nothing goes with it. */
	json_t *(*losses)(const json_t *args, const json_t *fact, const struct inventory *inv);
	void (*demand)(const json_t *args, struct demand *d); /* what it would need from the policy; NULL: nothing bounded */
	bool (*is_high)(const json_t *args);                  /* docs/wire.md section 8: needs a second key; NULL: never */
	void (*print)(const json_t *args, struct buf *to);    /* one line for people, behind the action */
	/* Why service stops by it, and what nobody can bring back afterwards, for people. Nothing added: not so; NULL: never. */
	void (*interrupts)(const json_t *args, struct buf *to), (*loses)(const json_t *args, struct buf *to);
	void (*detail)(const json_t *args, struct buf *to); /* whole lines below that one, indented; NULL: none */
};

/* How many things a step takes away that a day's deletions count: not rules. */
uint32_t step_deletes(const struct step_kind *k, const json_t *args);

/* Who asks a node needs no power in AWS: no statement of an IAM document follows from it. */
static inline bool step_asks_node(const struct step_kind *k)
{
	return strncmp(k->action, "node:", 5) == 0;
}

/* What stands already and the step only asks about, in words: it fails nothing. NULL: what it waits for must come. */
const char *step_confirms(const json_t *args);

static inline bool step_mutates(const struct step_kind *k)
{
	return k->repeat != REPEAT_READ;
}

/* ---- for the kinds: arguments by name. A plan that lacks one is our own mistake or a damaged journal: an error. ---- */
int arg_str(const struct step_ctx *x, const char *name, const char **ret, struct err *e);
/* A list of texts into an array from mem_grow; the texts stay the argument's. */
int arg_strs(const struct step_ctx *x, const char *name, const char ***ret, size_t *ret_n, struct err *e);
/* The object `tags` as an array from mem_grow, and reeve:command: a plan's hash is approved for one command and run by the next,
 * so no command's id stands in it. */
struct ec2_tag;
int arg_tags(const struct step_ctx *x, struct ec2_tag **ret, size_t *ret_n, struct err *e);
void arg_print_strs(const json_t *args, const char *name, struct buf *to); /* "a, b" */
void fact_set(const struct step_ctx *x, json_t *value);                    /* under args.fact */

/* ---- members: the ids that the argument lists and that are not left out ---- */
int step_members(const struct step_ctx *x, const char *name, const char ***ret, size_t *ret_n, struct err *e);
bool step_is_left(const struct step_ctx *x, const char *id);
void step_leave_out(const struct step_ctx *x, const char *id, const char *why);
/* An id, or each of a list, as pairs [kind, id]; not those that are left out. left NULL: none is. */
void step_add_pairs(json_t *pairs, const struct resource *of, const json_t *what, const json_t *left);

/* ---- judging, step.c ---- */

/* What a step of this very plan made may not be visible yet: "not there" is believed only when the wait is over. */
bool step_may_hide(const struct step_ctx *x);
bool step_made_here(const struct step_ctx *x, const char *id); /* by this operation, as its facts tell */
/* "Not found" of a thing that this operation has made, within its settle time: AWS does not know it everywhere yet. */
bool step_is_coming(const struct step_ctx *x, const char *code);
void step_blame(const struct step_ctx *x, enum aws_class class, const char *code);
/* The usual judgement of a call that did not succeed: ambiguous is LOOK, what AWS surely did not do for want of room or keys is
 * AGAIN, and so is what it does not know yet; the rest FAILED with a sentence. */
enum step_verdict step_judge_refusal(const struct step_ctx *x, const struct aws_call *c, struct err *e);
/* The same of a Describe that only waits. */
enum step_verdict step_judge_unseen(const struct step_ctx *x, const struct aws_call *c, struct err *e);
/* The same of a call that removes. "Not found" alone is no proof: what was made a moment ago is described by AWS before every
 * call knows it, so we look. A conflict is what still holds on to it: looked at where the kind can tell who that is, and
 * otherwise waited for as long as something that was just taken away may linger. */
enum step_verdict step_judge_gone(const struct step_ctx *x, const struct aws_call *c, struct err *e);
