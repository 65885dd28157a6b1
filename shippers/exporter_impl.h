/* exporter_impl.h - what the files of the exporter know of each other. */
#pragma once
#include "agent/base/backoff.h"
#include "agent/base/sm.h"
#include "agent/io/ending.h"
#include "shippers/exporter.h"
#include "shippers/pace.h"
#include "shippers/pack.h"
#include "shippers/parts.h"

#define EXPORT_RAW_MAX (BATCH_BYTES_MAX + (64u << 10)) /* of a body, unpacked */

enum { LANE_IDLE, LANE_SENDING, LANE_OPENING, LANE_UNPACKING, LANE_PACKING, LANE_WAITING, LANE_CLEARING, LANE_UNCLEARED };

struct lane {
	struct exporter *x;
	enum telemetry_kind kind;
	struct sm sm;
	struct spool_entry *entry;     /* held; NULL while idle or waiting */
	struct list clearings;         /* bodies that were taken, on their way out (exporter_clear.c) */
	unsigned clearings_n, stuck_n; /* stuck: the disk has refused to remove it, and is asked again */
	struct spool_loss loss;        /* of the body in hand, so far */
	enum spool_how how;            /* its sending has ended, while that is made known */
	bool is_late;                  /* the entry in hand, or the one that is waited for */
	uint64_t tried;                /* seq of the last body that could not be read or set aside */
	unsigned tries;                /* how often */
	uint64_t asked_seq;
	bool is_held;      /* by the policy */
	bool waits_budget; /* while it waits */
	unsigned asked;    /* how often what is in hand was sent */
	struct http_req http;
	struct export_proof proof;
	struct buf body;
	enum pack_format format; /* of the body */
	struct digest digest;    /* of the body, where is_hashed: made once for the proof and for the ledger */
	bool is_hashed;
	char id[BATCH_ID_LEN]; /* of what is sent: the entry's, or a part's */
	struct parts parts;    /* of a body that was too large; kept while it waits */
	struct pack pack;      /* while opening, unpacking or packing */
	struct buf cut;        /* not packed: the part in hand, or a body that is recoded */
	char *url;
	struct timer timer;
	struct backoff backoff;
};

struct exporter {
	struct world *w;
	struct spool *s;
	unsigned dest; /* of the spool's */
	struct ledger *ledger;
	struct budget *budget;
	char *name;
	struct lane lanes[TELEMETRY_KINDS];
	struct export_auth auth;
	char *ca_file, *connect_to;
	const struct http_proxy *proxy;
	struct exporter_stats stats;
	struct pace pace;           /* of what is late */
	bool no_zstd, zstd_taken;   /* the receiver takes none; it has taken a body */
	unsigned refusals;          /* about us, since something was taken */
	char trouble[ERR_TEXT_MAX]; /* "": none */
	struct timer late;          /* closing: no answer is awaited any longer */
	struct ending end;
};

/* exporter.c */
void exporter_ask(struct lane *l); /* l->body and l->id are there */
void exporter_refused(struct lane *l);
void exporter_wait(struct lane *l, uint64_t ms);  /* with nothing in hand */
void exporter_later(struct lane *l, uint64_t ms); /* the lane's state has its next turn then */
void exporter_go(struct lane *l);                 /* the oldest body, if there is one and the lane is idle */

/* exporter_ledger.c */
const struct digest *exporter_hash(struct lane *l); /* of the body, where it is not there yet */
void exporter_say(struct lane *l, const char *outcome, uint32_t records, uint64_t rejected); /* of what is in hand */

/* exporter_clear.c */
uint64_t exporter_cleared_records(const struct lane *l, uint8_t dest_bit);
void exporter_bad(struct lane *l); /* the body is not what was written */
void exporter_end(struct lane *l); /* all of it was taken, but for what was refused */
void exporter_clear(struct lane *l);
bool exporter_may_go(const struct lane *l); /* few enough are on their way out */
void exporter_let_go(struct lane *l);
bool exporter_is_hopeless(struct lane *l); /* it was tried often enough */

/* exporter_cut.c: a body in parts */
void exporter_too_large(struct lane *l); /* the body, or the part, in hand */
void exporter_cut(struct lane *l);       /* the part in hand becomes l->body, and is sent */
void exporter_unpack(struct lane *l);    /* a slice of that */
void exporter_pack_cut(struct lane *l);  /* l->cut becomes l->body, and is sent */
void exporter_pack(struct lane *l);      /* a slice of that */
bool exporter_is_over(struct lane *l);   /* the agent closes: what is packed or unpacked is let go */

/* exporter_recode.c: a body that is spooled as zstd, for a receiver that takes none */
enum pack_format exporter_format(const struct lane *l); /* that the body in hand is sent in */
bool exporter_refuses_zstd(const struct lane *l);       /* that is what the answer says */
void exporter_turn_back(struct lane *l);                /* to gzip, with what was refused */
void exporter_recode(struct lane *l);                   /* l->body, as it was spooled */
void exporter_open(struct lane *l);                     /* a slice of that */
