/* ops_impl.h - what the files of the list share: ops.c (the list, from accepting to closing), ops_switches.c (the customer's),
 * ops_env.c (what its operations are given), ops_notes.c (notes, cancels, acknowledgements), ops_local.c (the agent's own),
 * ops_heal.c (when it begins one), ops_warehouses.c (the warehouses that they are of), ops_journal.c (its records, read back).
 * Nobody else includes this but their unit tests. */
#pragma once
#include "agent/base/uuid.h"
#include "agent/io/ending.h"
#include "agent/ops/op.h"
#include "agent/ops/ops.h"
#include "agent/ops/known.h"
#include "agent/ops/patrol.h"

#define OPS_MAX 256      /* open and unacknowledged together */
#define NOTES_MAX 64     /* notes under way or remembered, against a flood */
#define NOTES_AN_HOUR 60 /* records of what outsiders can cause; beyond that they are counted */

/* A record whose end nothing waits for. */
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
	struct op_env env;
	struct op_shared shared;
	struct known known;
	struct outputs outputs;
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
	struct patrol *patrol;
	json_t *left; /* {instance: why}: lost nodes that are left alone, as it was told */
	json_t
	    *healed; /* {instance: {"ms", "n", "policy", "reason"}}: when its healing was last begun, in this life, and by what */
	/* close */
	bool is_patrol_closed;
	unsigned closing_creds, stopping_ops;
	struct ending end;
	char why[ERR_TEXT_MAX];
};

static inline void ops_changed(struct ops *o)
{
	o->cfg.changed(o->cfg.ctx);
}

/* ops_env.c */
void ops_env_init(struct ops *o); /* its operations' */

/* ops_switches.c */
bool ops_policy_waits(const struct ops *o, const char **why);
bool ops_is_stopped(struct ops *o, const char **why);

/* ops.c */
size_t ops_open_count(const struct ops *o);
const struct op *ops_ahead_of(const struct ops *o, const struct op *op);
bool ops_takes_more(const struct ops *o);                                         /* whatever room there is */
bool ops_has_room_but(const struct ops *o, size_t signed_len, const json_t *but); /* but: ids of those that give way */
bool ops_has_room_for_plan(const struct ops *o, const struct op *op, size_t bytes);
void ops_creds_close(struct ops *o, struct creds *c);    /* ops_close waits for it */
struct op *ops_find_text(struct ops *o, const char *id); /* NULL: none, or id is not one */
void ops_list_add(struct ops *o, struct op *op);         /* its record is durable */
/* The same of a command: its id and number are known from here on. */
void ops_add(struct ops *o, struct op *op, const struct digest *body);

/* ops_local.c: the agent's own operations */
struct ops_local {
	const struct verb *verb;
	ProtobufCBinaryData args; /* packed */
	const char *warehouse;
	const char *stands_on;  /* the id, as text, of the command whose spec it carries on */
	const char *occurrence; /* makes the id, with the two: the instance that is healed */
	unsigned number;        /* which try at it this is, from 1: one that has failed is followed by another */
	const char *reason;     /* in words */
};
void ops_local_id(const struct ops_local *l, uint8_t to[UUID_LEN]);
/* Its record is being written; false: not now. There was none with this id. Results of the agent's own operations that nobody has
 * acknowledged are never in its way: earlier tries at the same thing that changed nothing are told no more, as this one tells the
 * same, and where there is no room the oldest ones give way. The journal has them all. */
bool ops_begin_local(struct ops *o, const struct ops_local *l);
int ops_replay_local(struct ops *o, const json_t *record, struct err *e);

/* ops_heal.c: what the patrol finds, and what is done about it */
void ops_patrol_init(struct ops *o);
void ops_heal_ended(struct ops *o, const struct op *op); /* one of any kind */

/* ops_notes.c */
void ops_forget_acked(struct ops *o);                  /* what is finished and acknowledged is the journal's alone */
void ops_forget_ids(struct ops *o, const json_t *ids); /* the same for some by their ids as text */
