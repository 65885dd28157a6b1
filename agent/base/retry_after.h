/* retry_after.h - how long a peer wants to be left alone, from the text of its header. */
#pragma once
#include "agent/base/backoff.h"

/* Retry-After (RFC 9110, 10.2.3): seconds, or a date in any of the three forms; now_ms: the Unix time it is looked at from, best
 * that of the peer. Anything else (a sign, a fraction, a unit, a word) counts as no header; a number too large to hold counts as a
 * very long wait. */
struct backoff_ask retry_after(const char *value, int64_t now_ms);
/* x-amz-retry-after: milliseconds. */
struct backoff_ask retry_after_in_ms(const char *value);
