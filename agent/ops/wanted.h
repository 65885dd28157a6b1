/* wanted.h - what each warehouse is to be like: the spec of the last command that laid one down and succeeded.
 *
 * The patrol (patrol.h) holds it against what the account shows. A command that may have changed something and did not succeed
 * leaves nothing to compare with: neither its own spec holds nor the one before it, until another command succeeds. One that
 * changed nothing, or took back all it did, leaves the one before it.
 *
 * Which nodes there are, and which volumes they have, the patrol sees; what a command has made is known from its result already, so
 * that nothing which goes before the next look goes unnoticed.
 *
 * Which nodes a heal has left follows from its result, and so is known after a restart without a call to AWS: a tag would have to
 * be written with keys of its own, and whoever may tag could say of a node that it counts no more.
 *
 * Read back from the results in the journal; a checkpoint carries it on. Packed arguments are kept, not the unpacked spec: it is
 * looked at once in five minutes. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/ops/verb.h"

#define WANTED_MAX 32           /* warehouses */
#define WANTED_BYTES (4u << 20) /* of all their specs: one that does not fit is not looked after */
#define WANTED_LEFT_MAX 256     /* of a warehouse; of more the oldest are forgotten, and count again */

/* How a command ended, as its record in the journal says. */
struct wanted_end {
	const char *warehouse, *op; /* op: the command's id as text */
	const struct verb *verb;    /* NULL: not known to this version */
	const ProtobufCBinaryData *args;
	const json_t *result; /* members of command.result */
	bool is_plan;         /* it was to be planned alone */
};

struct wanted_one {
	char warehouse[33];
	char op[37];             /* the command that laid it down, or that left it unknown */
	const struct verb *verb; /* NULL: what it is to be like is not known, and `why` tells why */
	ProtobufCBinaryData args;
	char why[160];
	json_t *tries; /* {"i-1": 2}: how often the agent has begun to do something about it; NULL: never */
	json_t *nodes; /* {"fe": ["i-1", ...]}: the nodes that the patrol has seen alive; NULL: none yet */
	/* ["i-1", ...]: nodes that a heal has left standing, as their data would have ended with them, or as they could not be
	 * ended. Others are in their place: they are none of those that the spec wants, and the first that a plan ends. An apply
	 * that fails changes nothing of that. NULL: none. */
	json_t *left;
	/* {"vol-1": "i-1"}: which node had a kept volume last, so that another in its place gets this one and no other; "": one
	 * that a command has ended. NULL: none is known. */
	json_t *homes;
};

/* Zero at birth. */
struct wanted {
	struct wanted_one v[WANTED_MAX]; /* in the order in which they came */
	size_t n, bytes;
};

void wanted_ended(struct wanted *s, const struct wanted_end *end);
struct wanted_one *wanted_of(struct wanted *s, const char *warehouse); /* NULL: no command has been heard of it */
/* The arguments, unpacked; to be freed with verb_args_free. NULL: nothing is known, or this version cannot read it. */
ProtobufCMessage *wanted_args(const struct wanted_one *one);
/* The agent has begun something by itself about an occurrence, for the n-th time. Of another command's spec: nothing. */
void wanted_tried(struct wanted *s, const char *warehouse, const char *op, const char *occurrence, unsigned n);
unsigned wanted_tries(const struct wanted_one *one, const char *occurrence);
/* Nodes that were seen, for the record: "warehouse.nodes" has `warehouse`, `op`, `nodes`, and `volumes`, the homes. Of another
 * command's it says nothing. */
void wanted_replay_nodes(struct wanted *s, const json_t *record);

/* For a checkpoint: records that stand together for all that was known. */
void wanted_records(const struct wanted *s, json_t *to);
void wanted_replay(struct wanted *s, const json_t *record);
void wanted_close(struct wanted *s);
