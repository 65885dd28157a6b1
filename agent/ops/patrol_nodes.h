/* patrol_nodes.h - the nodes of a warehouse, from look to look: which of them are lost.
 *
 * A node that was seen alive and is not any more is lost while its cluster has fewer than the spec wants: ended from outside, or
 * not shown in two looks one after the other (one alone may be a list that lags behind). Which ones were seen is in the journal, so
 * that what went while the agent was down is known, too. A cluster that never had all its nodes has lost none: that waits for an
 * apply.
 *
 * A node that stands is sick when its status checks have failed in two looks one after the other (EC2 itself brings many back), or
 * when a notice says that AWS is about to stop or retire it. Of a cluster that has all its nodes one sick one is told at a time.
 * One that a heal has left standing is not of the cluster any more. */
#pragma once
#include "agent/io/journal.h"
#include "agent/ops/patrol.h"

/* Of one warehouse; zero at birth. */
struct patrol_nodes {
	struct journal_append rec;
	struct wanted *wanted;
	json_t *writing; /* the record on its way */
	json_t *ill;     /* {"i-1": true}: the last look showed that their status checks fail */
	json_t *unseen;  /* {"i-1": true}: the last look did not show them, though they were alive before */
};

struct patrol_look {
	struct op_env *env;
	const struct inventory *inv;
	struct wanted_one *wanted;
	const spec_t *spec;
	void (*lost)(void *ctx, const struct patrol_lost *lost);
	void *ctx;
};

void patrol_nodes_look(const struct patrol_look *l, struct patrol_nodes *n);
void patrol_nodes_close(struct journal *j, struct patrol_nodes *n); /* j NULL: nothing is on its way */
