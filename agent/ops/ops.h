/* ops.h - all operations of this agent: what was accepted, what runs, what waits for its acknowledgement.
 *
 * One changing command a warehouse at a time, in the order of their sequence; others run beside it. Everything that must
 * survive is in the journal before it counts (docs/architecture.md section 6). What an operation itself is given: op_env.h. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/aws/call.h"
#include "agent/base/arena.h"
#include "agent/io/journal.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/policy.h"
#include "proto/control.pb-c.h"

#define OPS_OPEN_MAX 32

struct ops;
struct op;
struct known;
struct op_shared;
struct deed_diag;
struct patrol;

struct ops_config {
	struct world *w;
	struct aws *aws;
	struct creds *instance;   /* the instance role: looks */
	const char *operate_role; /* ARN: changes */
	struct owner owner;
	const char *policy_path, *stop_path, *outputs_dir;
	struct deed_diag *diag; /* deed_diag.h */
	void *ctx;
	void (*changed)(void *ctx); /* a status changed: something to report */
	bool (*head_is_fresh)(void *ctx);
	bool (*is_release_signed)(void *ctx, const void *signed_bytes, size_t len); /* does a release key sign it too? */
	void (*policy_read)(void *ctx, const struct policy *p);                     /* each time it was read: export rules */
};

struct ops *ops_new(const struct ops_config *cfg);
/* Once the identity is known, before ops_start. */
void ops_set_aws(struct ops *o, struct aws *aws, struct creds *instance, const char *operate_role);
/* Before ops_start: each record of the journal, and the journal itself once it is open (NULL: damaged, read-only). */
int ops_replay(struct ops *o, const struct journal_entry *entry, struct err *e);
void ops_start(struct ops *o, struct journal *j);
/* Stops everything where it stands. Its users (session, inbox) are closed before, or in the same event; the journal, which it
 * writes and which asks it for checkpoints, no earlier than in the same event and no later than at done. */
void ops_close(struct ops *o, void (*done)(void *ctx), void *ctx);

/* For the journal. */
json_t *ops_checkpoint(struct ops *o);
uint64_t ops_oldest_open(struct ops *o);

/* ---- for control ---- */
uint64_t ops_epoch(const struct ops *o);                       /* 0: none yet */
uint64_t ops_accepted(const struct ops *o);                    /* highest seq that is durable in this epoch */
int64_t ops_first_start_ms(const struct ops *o);               /* Unix ms: when this journal began */
const struct known *ops_known(const struct ops *o);            /* what was taken, also long ago (known.h) */
bool ops_has_room(const struct ops *o);                        /* may another command be accepted now, if it is small? */
bool ops_has_room_for(const struct ops *o, size_t signed_len); /* and this one? (room.h) */
struct op *ops_find(struct ops *o, const uint8_t id[16]);
/* Writes command.accepted; afterwards ops_accepted has moved and `changed` is told. One at a time: ops_is_accepting.
 * `signed_bytes` is the Signed message as it came. `refuse`: a terminal state at once, with a reason (EXPIRED,
 * REJECTED_UNSUPPORTED), or 0. Takes cmd. */
bool ops_is_accepting(const struct ops *o);
void ops_accept(struct ops *o, Reeve__Control__V1__Command *cmd, const void *signed_bytes, size_t len, int refuse,
		const char *reason);
/* A security event or another fact for the record that outsiders can cause: once a digest, and 60 an hour at most; one more
 * record an hour counts the rest. True: it is being written. */
bool ops_note(struct ops *o, const char *type, json_t *members);
void ops_cancel(struct ops *o, const uint8_t id[16]);
/* Results that are stored at the vendor: those of the present epoch up to a sequence number, and any by their command ids. An
 * epoch that ends takes no result with it: what nobody acknowledged is reported on, and only its id lets it go. */
void ops_acked(struct ops *o, uint64_t through);
void ops_acked_ids(struct ops *o, const ProtobufCBinaryData *ids, size_t n);

/* Open operations and those whose result is not acknowledged, in order of acceptance. */
typedef void ops_visit(void *ctx, struct op *op);
void ops_each(struct ops *o, ops_visit *visit, void *ctx);
/* The last step.outcome with an encoded authorization message (error.aws_encoded_message); NULL: none since the journal's last
 * checkpoint, or this start. */
const json_t *ops_refused(const struct ops *o);
bool ops_is_busy(const struct ops *o);
bool ops_is_ready(const struct ops *o);               /* started, and it is known what the policy says, or that there is none */
int ops_mode(const struct ops *o);                    /* Reeve__Control__V1__AgentMode */
const char *ops_mode_reason(const struct ops *o);     /* why not RUN, or ""; for the customer: it may quote the policy */
const char *ops_mode_told(const struct ops *o);       /* the same for the vendor */
const struct policy *ops_policy(const struct ops *o); /* the one that counts */
const struct policy *ops_policy_read(struct ops *o);  /* looks, and answers with the one that counts */
const struct patrol *ops_patrol(const struct ops *o); /* what the warehouses look like (patrol.h) */
struct op_shared *ops_shared(struct ops *o);          /* what operations share (op_env.h) */
int64_t ops_rates_now(struct ops *o);                 /* Unix ms by steady.h: the time that spent.h and gone.h are asked with */
