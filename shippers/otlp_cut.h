/* otlp_cut.h - some records of an encoded export request, as a request of their own: for a receiver that takes no larger one.
 * Pure. Whatever stands around a record (resource, scope, a metric's name and unit) stands around it in each part too. */
#pragma once
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/telemetry.h"

/* Log records, or points of metrics, from..to-1 in the order in which they stand. *ret_n: how many there are in all; with from ==
 * to they are only counted. -ERR_INVALID: it is no such request; -ERR_LIMIT. */
int otlp_cut(enum telemetry_kind kind, const struct buf *request, uint32_t from, uint32_t to, struct buf *out, uint32_t *ret_n);
