/* op.h - one operation: a command being carried out, from acceptance until its result is acknowledged.
 *
 * Where it stands is what the journal says of it and nothing else: the same records that are written are applied, whether they
 * were just written or are read back at the next start. */
#pragma once
#include <jansson.h>

#include "agent/base/arena.h"
#include "agent/base/buf.h"
#include "agent/ops/op_env.h"
#include "agent/ops/plan/plan.h"
#include "proto/control.pb-c.h"

struct op;

/* Takes cmd; accepted: the record's members. */
struct op *op_new(struct op_env *env, Reeve__Control__V1__Command *cmd, json_t *accepted);
void op_free(struct op *op);  /* it has ended, stopped, or was never begun */
void op_begin(struct op *op); /* goes on from wherever the journal left it */
/* Stops at once, without a record; done comes later. What it is can be read until it is freed (op_records). */
void op_stop(struct op *op, void (*done)(void *ctx), void *ctx);
void op_cancel(struct op *op);
void op_log_end(const struct op *op); /* it has ended */

/* The journal speaks. */
void op_replay(struct op *op, const char *type, const json_t *record, int64_t time_ms);
void op_records(const struct op *op, json_t *to); /* [[type, members, time_ms], ...] from which it could be replayed */

struct op_fields { /* what everybody may know */
	uint8_t id[16];
	char id_text[37];
	uint64_t seq, epoch;
	int64_t accepted_ms, expires_ms;
	Reeve__Control__V1__State state;  /* what the vendor is told; terminal when is_ended */
	bool is_ended;                    /* a terminal record is in the journal */
	uint64_t first_record;            /* journal seq */
	size_t command_bytes, plan_bytes; /* of the room in a checkpoint (room.h) */
};
const struct op_fields *op_fields(const struct op *op);
const char *op_warehouse(const struct op *op);
const char *op_verb(const struct op *op);
bool op_is_read(const struct op *op); /* it only looks, and waits for no other */
bool op_is_cancelled(const struct op *op);
const json_t *op_accepted(const struct op *op); /* the members of the record of its acceptance */
const char *op_stands_on(const struct op *op); /* of a local operation: the id of the command whose spec it carries on; else NULL */
bool op_ended_unstarted(const struct op *op);  /* it has ended and changed nothing: refused, or over before its turn */
bool op_is_under_way(const struct op *op);     /* it has started, also while the record of that is being written, and not ended */
/* While it changes its warehouse: it has started, its plan has a step that changes something, and it has not ended. */
struct op_changing {
	const struct verb *verb;
	const ProtobufCMessage *args; /* NULL: they cannot be read */
	const struct plans *plans;    /* NULL: neither can these */
	const json_t *planned;        /* the members of command.planned */
};
bool op_is_changing(const struct op *op, struct op_changing *ret); /* false: it does not */
/* For the report; arrays and texts are in the arena. Of an output all but its bytes. */
void op_status(const struct op *op, struct arena *m, Reeve__Control__V1__Status *to);
size_t op_output_bytes(const struct op *op); /* what op_output_load would add, at most; 0: it has none */
/* Not 0: the disk does not give them now, and its result must not be told without them. */
int op_output_load(const struct op *op, struct arena *m, Reeve__Control__V1__Output *to);
void op_plan_text(const struct op *op, struct buf *to);
/* Members: "plan" where it still has one, "note" (why it waits, or its result's), "error", "high_risk" (what no step says). */
void op_tell_plan(const struct op *op, json_t *to);
