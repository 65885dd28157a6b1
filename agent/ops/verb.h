/* verb.h - what a command may ask: one row a verb, and whoever adds one touches its row.
 *
 * Control checks the arguments by it, the policy names it, the operation plans by it, and the IAM documents follow from the powers
 * that it uses. A plan's own steps tell its risk
 * (step.h, is_high); what a row adds is the hold, and the risk of a verb that has no steps. */
#pragma once
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/ops/deed.h"
#include "agent/ops/plan/planner.h"
#include "agent/ops/steps/iam_lists.h"
#include "proto/control.pb-c.h"

enum verb_index {
	VERB_WAREHOUSE_APPLY,
	VERB_WAREHOUSE_DELETE,
	VERB_CLUSTER_REBOOT,
	VERB_NODES_REPLACE,
	VERB_WAREHOUSE_UPGRADE,
	VERB_INVENTORY_GET,
	VERB_DIAG_COLLECT,
	VERB_DIAG_SEND,
	VERB_HEAL,
	VERBS
};

/* How far the customer's policy lets a verb go. */
enum policy_mode { POLICY_OFF, POLICY_PLAN_ONLY, POLICY_APPROVE, POLICY_AUTO };

/* What the warehouse is to be like when a command of the verb has succeeded (wanted.h). */
enum verb_lays {
	VERB_LAYS_NOTHING, /* as before */
	VERB_LAYS_SPEC,    /* as its spec says */
	VERB_LAYS_END,     /* no more */
};

/* `args` is the unpacked message of the row's `args`. */
struct verb {
	Reeve__Control__V1__Verb wire;
	const char *name; /* in the policy and for people */
	const ProtobufCMessageDescriptor *args;
	/* Is it legal, whatever the account holds? The sentence names the place. */
	int (*check)(const ProtobufCMessage *args, const char *target, struct err *e);
	enum policy_mode by_default; /* of a policy that does not name it */
	bool is_held;                /* delete_hold of the policy: what goes does not come back */
	bool ends_nothing;           /* so nobody asks AWS what is protected */
	bool is_local;               /* the agent's own: no command may ask for it */
	enum verb_lays lays_down;
	bool is_read;             /* it changes nothing: it waits behind no other and under no STOP, and nobody behind it */
	bool is_high;             /* whatever its plan: something leaves the machine */
	bool may_be_of_all;       /* the target may be empty: the whole installation */
	uint32_t deadline_s;      /* of a command that gives none: what the vendor's own tools wait for */
	uint32_t turn_s;          /* and at least so long for each turn of its plan, as its nodes go one after the other; 0: not */
	unsigned powers;          /* 1 << enum iam_power: of the operate role, when it is carried out */
	const char *without_work; /* a plan without steps ends at once, and this and the warehouse's name say so; NULL: it runs */
	const spec_t *(*spec)(const ProtobufCMessage *args); /* the desired state; NULL: none of it */
	const struct deed *deed;                             /* in the place of a plan's steps; NULL: `plan` makes them */
	int (*plan)(const struct planner_args *a, const ProtobufCMessage *args, struct plans **ret, struct err *e);
};

const struct verb *verb_at(enum verb_index i);
const struct verb *verb_of(Reeve__Control__V1__Verb wire); /* NULL: not known to this version */
enum verb_index verb_index(const struct verb *v);

/* Its arguments, from bytes that were judged by verb_judge; NULL: they are none. To be freed with verb_args_free. */
ProtobufCMessage *verb_args(const struct verb *v, const ProtobufCBinaryData *bytes);
void verb_args_free(ProtobufCMessage *args);
/* Bytes from outside: is that a legal command of this verb? */
int verb_judge(const struct verb *v, const Reeve__Control__V1__Command *c, struct err *e);
