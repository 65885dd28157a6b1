/* patrol.h - the look that nobody asked for: what the account shows, held against what each warehouse is to be like (wanted.h).
 *
 * Every PATROL_MS, and shortly after an operation has ended, one inventory is taken, and all warehouses are compared with it, one
 * in a turn of the loop. It only reads, with the instance role, also while everything is stopped. What it finds is told: how each
 * warehouse differs (drift.h), by resource and field and since when, and which nodes are lost. A warehouse that an operation is
 * changing, or whose last change AWS does not show yet, is left for the next look. */
#pragma once
#include <jansson.h>

#include "agent/ops/op_env.h"

#define PATROL_MS (5ull * 60 * 1000)
#define PATROL_SOON_MS (15ull * 1000)

struct patrol;

/* A node of a running cluster that is gone, and another is missing in its place; or one that stands and is sick. All of it is of
 * this call alone. */
struct patrol_lost {
	const struct wanted_one *wanted;
	const spec_t *spec;
	const char *cluster, *instance;
	bool is_sick;     /* it stands: its status checks fail, or AWS is about to stop or end it */
	char reason[160]; /* in words */
};

struct patrol_config {
	struct op_env *env; /* outlives it */
	void *ctx;
	bool (*is_changing)(void *ctx, const char *warehouse);   /* an operation of it has started */
	void (*lost)(void *ctx, const struct patrol_lost *lost); /* told at each look, until nothing is missing */
};

struct patrol *patrol_new(const struct patrol_config *cfg);
void patrol_start(struct patrol *w); /* the journal is read back */
/* An operation of it has ended: what was seen of its nodes counts no more, and a look follows within PATROL_SOON_MS. */
void patrol_changed(struct patrol *w, const char *warehouse);
void patrol_close(struct patrol *w, void (*done)(void *ctx), void *ctx);

/* What the last look at a warehouse has shown; its texts and lists stay until the next turn of the loop. */
struct patrol_seen {
	const char *warehouse, *stands_on; /* the command's id as text; "": none, it was deleted, or never made from here */
	uint64_t generation;
	int64_t looked_ms;    /* Unix ms; 0: not yet */
	const json_t *drifts; /* [{"resource", "field", "difference", "since_ms"}, ...], at most DRIFT_MAX */
	uint32_t total;
	bool knows_orphans;  /* the last look has counted them */
	uint32_t orphans;    /* volumes of it that no node has (volumes_is_left) */
	const json_t *nodes; /* resource_status_nodes; NULL: not looked at since its last operation has ended */
	const char *unknown; /* "", or why it is not known what it is to be like, or how it differs */
};
/* w NULL: it has closed. Also those that are not looked after, with what they have left. */
bool patrol_at(const struct patrol *w, size_t i, struct patrol_seen *ret); /* false: there is no i-th; a place may be empty: "" */
bool patrol_of(const struct patrol *w, const char *warehouse, struct patrol_seen *ret); /* false: it is not looked after (yet) */
