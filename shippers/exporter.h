/* exporter.h - sends spooled bodies to an OTLP/HTTP receiver: oldest first, one in flight of each kind, until it is told
 * that they arrived.
 *
 * Retried for ever, with full jitter from 1 s to 60 s and not before Retry-After says, ten minutes at most: no answer, 429, 502,
 * 503, 504. One that is too large (413) is sent in parts, down to single records, each part with an id of its own that is the same
 * after a restart (parts.h). A body that the receiver refuses (any other 4xx or 5xx; a single record that is too large) is set
 * aside, whole, so that a person sees what stood around it; so is one that cannot be read, after a few tries. 401, 403,
 * 404 and redirects are about us, not about the body: it stays, and is tried again after a pause. Each repeat carries the
 * same Reeve-Batch-Id and the same bytes, but where a receiver does not take zstd: it gets gzip instead (exporter_recode.c).
 *
 * What has waited for EXPORT_LATE_S or more goes at a bounded rate (pace.h), so that the end of an outage is not a second one. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "agent/io/world.h"
#include "shippers/budget.h"
#include "shippers/ledger.h"
#include "shippers/spool.h"

#define EXPORT_HEADERS_MAX 4
#define EXPORT_LATE_S 30

/* The headers that say who we are, in one attempt; they live in the request until its answer. */
struct export_proof {
	struct export_header {
		char name[64], value[1024];
	} headers[EXPORT_HEADERS_MAX];
	size_t headers_n;
};

/* -ERR_LIMIT: too long, or one too many. */
int exporter_proof_add(struct export_proof *p, const char *name, const char *value);

struct export_auth {
	void *ctx;
	/* Called for each attempt anew, over method, path and body as they will be sent. -ERR_NOTYET: not logged in, ask
	 * again in a second; another error: in a minute. It fills `p` only; the exporter sets the headers. */
	int (*sign)(void *ctx, struct http_req *req, struct export_proof *p, struct err *e);
	void (*unauthorized)(void *ctx, const struct export_proof *p); /* the receiver answered 401 to what bore this */
};

struct exporter_config {
	const char *url;                  /* base; "/v1/metrics" and "/v1/logs" are added. All texts are copied */
	const char *ca_file, *connect_to; /* NULL: none */
	const struct http_proxy *proxy;   /* NULL: none; it must stay */
	uint64_t catch_up;                /* bytes a second of what has waited, beside as much as comes new; 0: any */
	bool no_zstd;                     /* what is spooled as zstd goes as gzip */
	struct export_auth auth;
	struct ledger *ledger; /* NULL: none; it outlives the exporter */
	const char *name;      /* there; copied */
	struct budget *budget; /* NULL: none; it outlives the exporter */
};

struct exporter_stats {
	uint64_t sent_records[TELEMETRY_KINDS], sent_bodies[TELEMETRY_KINDS], sent_bytes[TELEMETRY_KINDS];
	uint64_t rejected_records[TELEMETRY_KINDS]; /* by a final status, or named by a partial success */
	uint64_t retries, pauses, halved;           /* halved: bodies, or parts of them, that were too large */
	int last_status;                            /* 0: none, or no answer */
	bool is_catching_up;                        /* what has waited would go faster, were it allowed to */
	enum pack_format format;                    /* that it is sent */
};

struct exporter;
struct exporter *exporter_new(struct world *w, struct spool *s, unsigned dest, const struct exporter_config *c);
void exporter_hold(struct exporter *x, enum telemetry_kind kind, bool holds); /* at the beginning it does: nothing of it is sent */
void exporter_wake(struct exporter *x);                                       /* the budget may let more out */
void exporter_kick(struct exporter *x);                                       /* there may be something to send */
struct exporter_stats exporter_stats(const struct exporter *x);
uint64_t exporter_clearing(const struct exporter *x, enum telemetry_kind kind); /* records acknowledged, in bodies not gone yet */
/* For a person: why nothing is sent although the receiver can be reached (it does not know us, or we cannot say who we are); NULL:
 * nothing is wrong. It is tried again by itself. */
const char *exporter_trouble(const struct exporter *x);
/* Lets an answer arrive that is on its way, for a moment: what was answered must not be sent again. Then done. */
void exporter_close(struct exporter *x, void (*done)(void *ctx), void *ctx);
