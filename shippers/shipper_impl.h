/* shipper_impl.h - what the files of the shipper know of each other. */
#pragma once
#include "agent/base/closing.h"
#include "shippers/origins.h"
#include "shippers/otlp.h"
#include "shippers/rules.h"
#include "shippers/series.h"
#include "shippers/shipper.h"

/* To a destination. */
struct shipper_way {
	struct shipper *s;
	struct exporter *exporter; /* NULL: not yet, or closed */
};

struct shipper {
	struct world *w;
	struct telemetry_sink sink;
	struct rules *rules; /* NULL: nothing leaves */
	struct otlp_resource *resource;
	struct otlp_logs *logs;
	struct spare spare; /* for records, and for the bodies that they become */
	struct otlp_metrics *metrics;
	struct batch *open[TELEMETRY_KINDS];        /* NULL: nothing since the last one was closed */
	struct account_part *late[TELEMETRY_KINDS]; /* counts for the next batch that is opened */
	size_t late_n[TELEMETRY_KINDS];
	bool found_waits;    /* the open logs are positions of files just found, and nothing else */
	struct timer timer;  /* closes the open logs */
	struct timer turn;   /* ends the turn of the loop in which lines are taken; idle: none were yet */
	uint64_t turn_ms;    /* when it began */
	struct list waiting; /* struct telemetry_wait, of collectors that were answered false */
	uint64_t unclocked;  /* bytes of lines taken, and what rules spent on them, since the clock was looked at */
	struct origins origins;
	uint64_t request;      /* the number of the open logs */
	int64_t observed_ms;   /* and when their first line came */
	struct spool *spool;   /* NULL: closed */
	struct budget *budget; /* NULL: none, or closed */
	struct ledger *ledger; /* NULL: none, or closed */
	struct timer tell;
	bool is_open, tells_all;
	struct account_row told[ACCOUNT_SOURCES + 1][TELEMETRY_KINDS]; /* as the ledger has them */
	struct shipper_way ways[SPOOL_DESTS_MAX];
	unsigned ways_n;
	struct shipper_stats stats;
	struct tally tally;
	struct series *series; /* NULL: the policy has no limit */
	uint64_t series_most;
	int64_t born_ms;                           /* start time of our own counters */
	struct buf rooms[TELEMETRY_ATTRS_MAX + 1]; /* masked texts of the record in hand */
	struct telemetry_attr attrs[TELEMETRY_ATTRS_MAX];
	void (*own)(void *ctx, struct shipper *s);
	void *own_ctx;
	void (*opened)(void *ctx);
	void *opened_ctx;
	struct closing closing;
};

void shipper_add_point(struct shipper *s, const struct telemetry_point *p);
/* shipper_ledger.c */
void shipper_ledger_start(struct shipper *s);
void shipper_ledger_tell(struct shipper *s, bool is_start);
void shipper_ledger_began(void *ctx);
void shipper_ledger_lost(void *ctx, const struct lost *l, uint64_t bytes);

void shipper_own_points(struct shipper *s); /* shipper_own.c */
