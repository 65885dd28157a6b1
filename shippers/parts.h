/* parts.h - a body that a receiver found too large, in parts: halved, and what is still too large halved again, down to single
 * records. Only what is too large is cut: the other half goes whole.
 *
 * The same body is always cut in the same places, and a part's id is made of the body's and of its place: so what is sent again
 * after a kill bears the ids that it had, and a receiver knows it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "shippers/batch.h"

#define PARTS_DEPTH 33 /* of halving what 32 bits can count */

struct parts {
	bool is_on;
	uint64_t seq;   /* of the body */
	struct buf raw; /* the body, unpacked */
	enum telemetry_kind kind;
	uint32_t from;              /* the part in hand: from here to ends[depth - 1] */
	uint32_t ends[PARTS_DEPTH]; /* of those that are to come, the next one last */
	unsigned depth;
	bool any_refused;
};

/* p->raw is there; -ERR_INVALID: no export request. The part in hand is the whole. */
int parts_begin(struct parts *p, enum telemetry_kind kind, uint64_t seq);
uint32_t parts_records(const struct parts *p); /* of the part in hand */
bool parts_halve(struct parts *p);             /* false: it is a single record */
bool parts_next(struct parts *p);              /* false: that was the last */
int parts_cut(const struct parts *p, struct buf *to);
void parts_id(const struct parts *p, const char *body, char to[BATCH_ID_LEN]);
void parts_close(struct parts *p);
