/* otlp_read.h - an encoded OTLP export request as records that a person can read: JSON objects, one a log record or a point.
 *
 * {"kind", "time", "severity", "service", "body" or "name", "value", "unit", "attributes", "scope", "resource"} */
#pragma once
#include <jansson.h>
#include <stddef.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"
#include "agent/base/telemetry.h"

/* At most so many, the first ones; *ret_all: how many there are. What is no such request is an error. */
int otlp_read(enum telemetry_kind kind, const struct buf *request, size_t most, json_t **ret_list, size_t *ret_all, struct err *e);
