/* stocktake.h - what the account holds of ours, for whoever asks on the local socket.
 *
 * One taking at a time, which all who ask meanwhile share; it only reads, with the instance role. What was taken within the last
 * STOCKTAKE_FRESH_MS is told again: however often somebody asks, AWS is asked no oftener. */
#pragma once
#include <jansson.h>

#include "agent/ops/account/inventory.h"

#define STOCKTAKE_FRESH_MS 5000
#define STOCKTAKE_BYTES ((1u << 20) - (16u << 10)) /* of the JSON: an answer of the local socket has 1 MiB */

struct stocktake;

/* What `from` points at must outlive it. */
struct stocktake *stocktake_new(const struct inventory_source *from);
/* For one who has waited since then (monotonic). 0: *ret is inventory_json's, its own until the next call. -ERR_AGAIN: it is being
 * taken, ask again; the sentence says what holds it up. Anything else: the taking failed, and the next one may not. */
int stocktake_ask(struct stocktake *s, uint64_t since_ms, const json_t **ret, struct err *e);
void stocktake_close(struct stocktake *s, void (*done)(void *ctx), void *ctx); /* calls off a taking, then done */
