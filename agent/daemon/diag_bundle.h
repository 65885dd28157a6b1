/* diag_bundle.h - what diag.collect puts together: JSON Lines in gzip, every text of which has gone through the customer's rules.
 *
 * A line is {"part": what it tells of, ...}. A drop pattern that matches keeps the whole line here, and so does one that meets its
 * limits on it; what a redact pattern matches is masked, in names as in values. Some members never get in, wherever they stand: the
 * exact bytes of commands, user data, and what only the customer can decode. Packed piece by piece, so that no step takes long:
 * gunzip reads the pieces as one. */
#pragma once
#include <jansson.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"

#define DIAG_BYTES (4u << 20) /* of a bundle, packed */

struct rules;

/* Zero at birth; then diag_bundle_init. */
struct diag_bundle {
	struct rules *rules; /* the owner's */
	struct buf raw, gz;
	uint64_t lines, dropped, no_room; /* in it; kept here by the rules; that would have made it too large */
};

void diag_bundle_init(struct diag_bundle *b, struct rules *rules);
void diag_bundle_add(struct diag_bundle *b, json_t *line); /* takes line */
bool diag_bundle_is_full(const struct diag_bundle *b);
int diag_bundle_end(struct diag_bundle *b, struct err *e); /* the last line, which counts; then gz is whole */
void diag_bundle_close(struct diag_bundle *b);
