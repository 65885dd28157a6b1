/* gone.h - how many nodes of which cluster were ended within the last hour: what a share of a cluster is
 * measured against while one plan after the other takes a part of it.
 *
 * Counted when an intent is recorded, read back from the journal, as with spent.h. The time it is asked with is that of
 * steady.h. Where so many clusters lose nodes that an hour does not fit, the next plan waits. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/ops/rates.h"

#define GONE_WINDOW_MS (60ll * 60 * 1000)
#define GONE_MAX 256
#define GONE_NAME_LEN 80

/* The cluster that the nodes belong to, and the command that ends them: a command does not wait for what it has ended itself. */
struct gone_by {
	const char *warehouse, *plan, *command; /* plan: the cluster's name in a command's plans */
};

struct gone_nodes {
	char warehouse[GONE_NAME_LEN], plan[GONE_NAME_LEN], command[37];
	int64_t at_ms; /* Unix ms */
	uint32_t n;
};

/* Zero at birth. */
struct gone {
	struct gone_nodes v[GONE_MAX]; /* the oldest first */
	size_t n;
	uint64_t dropped; /* of an hour that did not fit */
};

/* What the same command says twice of a cluster counts once. */
void gone_add(struct gone *g, int64_t now_ms, const struct gone_by *by, uint32_t n);
uint32_t gone_in(struct gone *g, int64_t now_ms, const struct gone_by *by); /* of the cluster, by other commands */
/* When n of the `of` nodes that the cluster has now may end: now_ms, or the Unix ms when enough of what was ended is an hour ago.
 * The share is of the nodes that there were: those of now and those that were ended. For an n that is within the share of `of`. */
int64_t gone_until(struct gone *g, int64_t now_ms, const struct gone_by *by, const struct rates *r, uint32_t n, uint32_t of);

/* For a checkpoint: [[at_ms, warehouse, plan, command, n], ...]; what is read back stands for all that was known. */
json_t *gone_list(const struct gone *g);
void gone_replay(struct gone *g, const json_t *list);
