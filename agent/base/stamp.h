/* stamp.h - points in time as text. All times are Unix milliseconds, UTC. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "agent/base/err.h"

#define STAMP_RFC3339_LEN 25 /* 2026-11-22T04:13:24.123Z and NUL */
#define STAMP_BASIC_LEN 17   /* 20261122T041324Z and NUL */

#define STAMP_MAX_MS 253402300799999   /* 9999-12-31T23:59:59.999Z: four digits of a year write no later one, */
#define STAMP_MIN_MS (-30610224000000) /* and none before 1000-01-01; what lies beyond is written as these */

/* Both write their text into `to` and return it. */
const char *stamp_rfc3339(int64_t wall_ms, char to[STAMP_RFC3339_LEN]);
const char *stamp_basic(int64_t wall_ms, char to[STAMP_BASIC_LEN]);

/* ISO 8601 as AWS writes it: seconds with an optional fraction, then Z or an offset such as +02:00. */
int stamp_parse_iso(const char *s, int64_t *ret_ms, struct err *e);
/* An HTTP Date header (IMF-fixdate). */
int stamp_parse_http(const char *s, int64_t *ret_ms, struct err *e);
/* Any of the three forms that RFC 9110, 5.6.7, has a recipient accept. now_ms says which century two digits of a year are of. */
int stamp_parse_http_any(const char *s, int64_t now_ms, int64_t *ret_ms, struct err *e);
