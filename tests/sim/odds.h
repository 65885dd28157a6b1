/* odds.h - how likely each fault is in this run, and the one place where a broken promise is told.
 *
 * A seed gives some faults odds and others none, so that runs differ in kind and not only in chance. Once `calm` is set no
 * fault happens any more: what can end then must end. */
#pragma once
#include "tests/sim/tally.h"
#include "tests/sim/world_sim.h"

struct odds {
	struct world *w;
	unsigned per_mille[TALLY_COUNT];
	unsigned hits[TALLY_COUNT]; /* how often each came */
	bool calm;
	char broken[1024]; /* the first broken promise; "" while all hold */
};

void odds_came(struct odds *o, enum tally_kind kind); /* it came without being dealt */
bool odds_hit(struct odds *o, enum tally_kind kind);  /* counts it */
uint64_t odds_between(struct odds *o, uint64_t least, uint64_t most);
bool odds_one_in(struct odds *o, unsigned n);
void odds_broken(struct odds *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
