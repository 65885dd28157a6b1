/* verdict.h - what is wrong, and what to do: read from the daemon's status and from nothing else, so that a copy of that tells the
 * same.
 *
 *   exit status   0  fine: at work, idle, starting
 *                 3  degraded: it works, and something is missing or being lost
 *                 4  stopped or frozen: nothing is changed until a person acts
 *                 5  the vendor cannot be reached, or does not let it in
 *   (6, no daemon, is for whoever asked.) */
#pragma once
#include <jansson.h>
#include <stdint.h>

enum verdict { VERDICT_FINE = 0, VERDICT_DEGRADED = 3, VERDICT_STOPPED = 4, VERDICT_VENDOR = 5 };

/* [{"exit": 3, "what": ..., "do": ...}, ...], the worst first. *ret_exit: the highest of them, or VERDICT_FINE. */
json_t *verdict_of(const json_t *status, int *ret_exit);
/* How long before that answer it was, by the answer's own clock; INT64_MAX: never, or it does not say. */
int64_t verdict_age_ms(const json_t *status, const char *when);
