/* rates.h - how fast: the numbers under `rates:` of the policy. Each has a default, so that none is ever missing.
 *
 * mutations_per_hour and deletions_per_day are of the whole installation, undoing included; what is beyond them waits, what running
 * commands have still to spend is set aside, and a plan that alone is beyond one of them is denied. ended_at_once is how large a
 * part of a cluster may end within an hour, one node always, however many plans that takes (gone.h); ending all of it is
 * another thing, which needs a second key. */
#pragma once
#include <stdint.h>

#include "agent/base/err.h"

struct faults;
struct yaml_node;

struct rates {
	uint32_t mutations_per_hour, deletions_per_day;
	uint32_t ended_part, ended_of; /* of n nodes n * part / of */
};

extern const struct rates rates_default; /* 60, 20, one third */

/* The mapping `rates:`, or NULL: the defaults. */
void rates_read(struct yaml_node *map, struct rates *ret, struct faults *f);
/* How many of n nodes may end at once: at least one. */
uint32_t rates_ended_most(const struct rates *r, uint32_t n);
