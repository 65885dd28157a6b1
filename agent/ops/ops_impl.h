/* ops_impl.h - what the files of the list share: ops.c (the list, from accepting to closing), ops_switches.c (the customer's),
 * ops_notes.c (notes, cancels, acknowledgements), ops_journal.c (its records, read back). Nobody else includes this. */
#pragma once
#include "agent/base/uuid.h"
#include "agent/ops/op.h"
#include "agent/ops/gone.h"
#include "agent/ops/proved.h"
#include "agent/ops/known.h"
#include "agent/ops/account/recent.h"
#include "agent/ops/spent.h"
#include "agent/ops/steady.h"

#define OPS_MAX 256      /* open and unacknowledged together */
#define NOTES_MAX 64     /* notes under way or remembered, against a flood */
#define NOTES_AN_HOUR 60 /* records of what outsiders can cause; beyond that they are counted */

/* A record nobody waits for. */
struct note {
	struct ops *o;
	struct journal_append rec;
	struct digest digest; /* of its content, so that the same thing is noted once */
	uint8_t cancel_id[UUID_LEN];
	bool is_cancel;
};

struct ops {
	struct ops_config cfg;
	struct journal *j;
	struct policy policy;   /* the one that counts */
	struct policy changing; /* what the last look found instead, and since when */
	uint64_t changing_since_ms;
	bool is_policy_known, is_policy_changing;
	struct timer look;
	bool is_started;
	struct op *v[OPS_MAX];
	size_t n;
	uint64_t epoch, accepted;
	uint64_t starts;      /* of operations in this life, from 1 */
	json_t *refused;      /* the last outcome with an encoded authorization message; NULL: none */
	bool has_role_worked; /* a change was made with the operate role, in this life or as the journal tells */
	struct recent recent;
	struct proved proved;
	struct spent spent;
	struct steady rates_time;
	struct gone gone;
	struct known known;
	int64_t first_start_ms; /* Unix ms, of the journal's first record; 0: not known yet */
	/* the acceptance under way */
	struct journal_append rec;
	struct op *accepting;
	struct digest accepting_body;
	bool is_called_off; /* the one that is being accepted */
	/* notes */
	struct note notes[NOTES_MAX];
	size_t notes_next;
	unsigned hour_notes; /* in the hour that `hour` ends, those left out too; 0: none, and it does not run */
	struct timer hour;
	/* acknowledgements */
	struct journal_append acked_rec, ids_rec;
	uint64_t acked_through, acking, acking_epoch; /* of acked_rec: what it acknowledges, if that is still the epoch then */
	json_t *ids;                                  /* of ids_rec */
	/* close */
	unsigned closing_creds, closing_ops;
	bool closing;
	void (*done)(void *ctx);
	void *done_ctx;
	struct timer timer;
	char why[ERR_TEXT_MAX];
};

static inline void ops_changed(struct ops *o)
{
	o->cfg.changed(o->cfg.ctx);
}

/* ops.c */
struct op *ops_find_text(struct ops *o, const char *id); /* NULL: none, or id is not one */
/* Its record is durable. */
void ops_add(struct ops *o, struct op *op, const struct digest *body);

/* ops_notes.c */
void ops_forget_acked(struct ops *o);                  /* what is finished and acknowledged is the journal's alone */
void ops_forget_ids(struct ops *o, const json_t *ids); /* the same for some by their ids as text */
