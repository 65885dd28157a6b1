/* planning.h - one command being planned, and what each part of its plans is made with: the open plan, tags, and what stands
 * for a thing that may not exist yet. For the files of the planner. */
#pragma once
#include "agent/ops/plan/planner.h"

typedef Reeve__Control__V1__Tag tag_t;

/* One command being planned. */
struct planning {
	const struct planner_args *a;
	const struct inventory *inv;
	const spec_t *spec;    /* NULL: the verb has none */
	const char *asked_vpc; /* without a spec: nodes that stand in this VPC are asked by HTTP; NULL: none is */
	const char *warehouse;
	struct plan_builder *b;
	const char *plan;   /* the one that is open */
	char *const *apart; /* ids of nodes that are not looked at, as if they were not there */
	size_t apart_n;
	bool is_upgrade;     /* the image and the user data of nodes that stand are no matter */
	json_t *given;       /* ids of volumes that nodes have left and others get; NULL: none yet */
	size_t given_at;     /* from here on those of the open plan */
	const char *instead; /* a node that is gone, and one is launched in its place; NULL: none such */
	bool knows_instead;  /* and what volumes it had is known */
	json_t *sick;        /* ids of those that leave for a while, all of which are ill now; NULL: some serve */
	bool leaves_old;     /* nodes that others take the place of leave their groups, and do not end */
	bool is_heal;        /* the node that goes is lost: it is drained if it still can be */
	struct err err;      /* the first thing this version cannot do */
};

void planning_begin(struct planning *p, const char *name, unsigned stage);
bool planning_is_apart(const struct planning *p, const char *id);
/* A volume goes to one node: it is not given again, and not told as left. */
void planning_give(struct planning *p, const char *volume);
bool planning_is_given(const struct planning *p, const char *volume);
bool planning_is_of_warehouse(const struct planning *p, const struct ec2_tags *t);
/* Tags of one new thing. The order is fixed, so that one spec gives one plan, byte for byte, whichever command asks for it:
 * reeve:command comes with the call (arg_tags). cluster: or NULL. */
json_t *planning_tags(const struct planning *p, const char *cluster, const char *step, tag_t *const *more, size_t more_n);
/* Those of them that are not the system's, key to value: the spec's, `more`, which are stronger, and the customer's own, which are
 * the strongest. */
#define PLANNING_TAGS_MAX 40
json_t *planning_user_tags(const struct planning *p, tag_t *const *more, size_t more_n);
/* What the tag reeve:tags says of them: a digest of all, and a short one of each key ("4fe1d0a39b22 k5x2q m7w3d"), so that a later
 * command knows which tags were set here. */
json_t *planning_tags_text(const json_t *user_tags);
bool planning_tags_text_has(const char *text, const char *key);
/* Of any JSON, whatever the order of its objects. */
#define PLANNING_SHORT_LEN 13 /* with its NUL: enough to tell two states of one part */
const char *planning_short_digest(const json_t *json, char to[PLANNING_SHORT_LEN]);
/* What stands for a thing in arguments: its id, or the fact that its creation will leave. */
json_t *planning_text(const char *s); /* of the spec, as AWS stores it: without blanks at its ends */
json_t *planning_ref(const char *id, const char *kind, const char *name);
/* What must not be planned, for what AWS shows of the account: the first error of the planning is this sentence. ERR_INVALID, or
 * ERR_AGAIN: there may be room for it later. */
void planning_refuse(struct planning *p, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A subnet that something new is to stand in: NULL, and the first error of the planning, where AWS shows none of that id, or one
 * in another VPC. `what`: "cluster fe", for the sentence. */
const struct ec2_subnet *planning_subnet(struct planning *p, const char *what, const char *id);
/* The subnet that says that the spec's vpc_id is one for us: the first of the spec that lies in it, for the policy to judge. Where
 * none does: one that is named, or "", and the first error of the planning. */
const char *planning_proof_of_vpc(struct planning *p, const char *what);
