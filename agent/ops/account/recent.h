/* recent.h - what was made and removed a moment ago: an inventory that does not show it yet is not planned from.
 *
 * EC2 and ELB answer a Describe from copies that lag behind (EC2 Developer Guide, "Eventual consistency"). A plan made from such an
 * answer would make again what is there, or leave open a rule that nobody sees. So what a step has done is remembered for the
 * settle_s of its kind: until then an inventory must show it; from then on it is believed whatever it shows, for somebody else
 * may have changed it meanwhile. */
#pragma once
#include <jansson.h>

#include "agent/ops/account/inventory.h"
#include "agent/ops/account/resource.h"

#define RECENT_STOPPED "stopped" /* the kind of thing that a stop makes, and a start removes: by the node's id */

struct recent_thing; /* one of them */

/* Zero at birth but for the kinds of things. */
struct recent {
	const struct resource *const *resources; /* ended by NULL; what is of none of them is not shown until its time is over */
	struct recent_thing *v;
	size_t n;
	uint64_t blind_ms; /* monotonic: until then nothing is believed: there was more than we can remember, or a doubt */
};

/* The record of an outcome (`created`, `deleted`, `stopped`, `started`, `ambiguous`) or of a result, by a command for this
 * warehouse. */
void recent_note(struct recent *r, uint64_t now_ms, const char *warehouse, const json_t *record, uint32_t settle_s);
/* Does the inventory, asked for at `asked_ms`, show all of it that matters to a plan for this warehouse: its own things, and
 * the nodes of all? If not, `why` says what is missing. */
bool recent_is_shown(struct recent *r, uint64_t asked_ms, const struct inventory *inv, const char *warehouse, struct buf *why);
/* The present by both clocks: what is remembered over a restart, the wall's alone can date. */
struct recent_now {
	uint64_t now_ms;
	int64_t wall_ms;
};
/* For a checkpoint: [["recent", members, 0], ...] added to `to`; each is a record for recent_replay. */
void recent_records(const struct recent *r, struct recent_now now, json_t *to);
void recent_replay(struct recent *r, struct recent_now now, const json_t *record);
void recent_close(struct recent *r); /* empty again: it may be used as before */
