/* shipper.h - the one object that takes records and sees to it that they arrive: rules, batches, spool, and an exporter for each
 * destination.
 *
 *     s = shipper_new(w, &config);                reads the spool, tells config.positions how far files were taken, then calls
 *                                                 opened: what it holds is sent from here on
 *     shipper_rules(s, &rules, key, &e);          until then, and after NULL, nothing leaves
 *     tail_start(t, shipper_sink(s)); ...
 *
 * Without rules metrics are dropped and counted; log lines wait in their files. A line that the rules keep here moves the
 * position like one that left. The shipper speaks of itself by the same way: reeve.telemetry.* and reeve.spool.* with each
 * scrape. */
#pragma once
#include "agent/base/secret.h"
#include "agent/base/telemetry.h"
#include "agent/io/world.h"
#include "shippers/exporter.h"
#include "shippers/spool.h"
#include "shippers/tally.h"

struct shipper;

/* Who gets all that leaves. */
struct shipper_dest {
	const char *name;               /* copied */
	struct exporter_config to;      /* where, and who signs */
	uint64_t logs_max, metrics_max; /* on disk, that wait for it; 0: 2 GiB, 512 MiB */
};

struct shipper_config {
	const char *dir; /* of the spool */
	struct shipper_dest dests[SPOOL_DESTS_MAX];
	unsigned dests_n;
	const char *budget_path; /* NULL: there is no budget */
	const char *ledger_dir;  /* NULL: no ledger is kept */
	unsigned ledger_days;
	uint64_t ledger_max;                         /* of both as ledger.h says */
	uint64_t max_age_s;                          /* of what waits; 0: any */
	uint64_t catch_up;                           /* bytes a second to each, of what has waited; 0: any (exporter.h) */
	enum pack_format format;                     /* of the bodies; a destination that takes no zstd gets gzip */
	uint64_t reserve;                            /* bytes that stay free; 0: 5 % of the disk, at least 1 GiB */
	const struct telemetry_positions *positions; /* told what is committed, and asked for it; it outlives the shipper */
	const struct telemetry_attr *resource;       /* cloud.*, host.*, os.type, service.*; copied */
	size_t resource_n;
	void (*opened)(void *ctx); /* once, and never from inside shipper_new: the positions are known, records are taken */
	void *opened_ctx;
	void (*own)(void *ctx, struct shipper *s); /* at the end of each scrape, for calls of shipper_own; NULL: nothing more */
	void *own_ctx;
};

struct shipper_stats {
	uint64_t taken[TELEMETRY_KINDS]; /* records that went into a batch */
	uint64_t denied[TELEMETRY_KINDS], dropped_by_rule, failed_by_rule[TELEMETRY_KINDS];
	uint64_t rests_by_rule; /* of lines whose beginning had left: dropped (and in dropped_by_rule), or masked, with the whole */
	uint64_t dropped_full[TELEMETRY_KINDS]; /* metrics: no room; logs: an encoded batch over its limit, which is a bug */
	struct exporter_stats exporter[SPOOL_DESTS_MAX];
	struct spool_dest_stats dest[SPOOL_DESTS_MAX];
	unsigned dests_n;
	struct spool_stats spool;
	uint64_t budget, budget_spent[SPOOL_DESTS_MAX]; /* bytes a day, 0: any; of today */
	bool budget_over[SPOOL_DESTS_MAX];
};

struct shipper *shipper_new(struct world *w, const struct shipper_config *c);
/* The customer's rules, or NULL for none, and the key for those that want one (NULL: there is none). After an error there are no
 * rules: it fails closed. */
int shipper_rules(struct shipper *s, const struct telemetry_rules *t, const struct secret *key, struct err *e);
const struct telemetry_sink *shipper_sink(struct shipper *s);
/* One number more that the agent says of itself; from inside `own` alone. */
void shipper_own(struct shipper *s, const char *name, const char *unit, enum telemetry_shape shape, uint64_t v);
void shipper_own_of(struct shipper *s, const char *name, const char *unit, enum telemetry_shape shape, uint64_t v,
		    const struct telemetry_attr *of); /* of one of several things */
struct shipper_stats shipper_stats(const struct shipper *s);
const struct account *shipper_account(const struct shipper *s); /* what is durable of it */
const struct tally *shipper_tally(const struct shipper *s);     /* what each of the rules has done since the start */
const char *shipper_trouble(const struct shipper *s);           /* for a person: what is wrong and what to do; NULL: nothing */
/* Takes nothing more, writes what is open to the spool, then done. The collectors must be closed before. */
void shipper_close(struct shipper *s, void (*done)(void *ctx), void *ctx);
