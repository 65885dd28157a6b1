/* host_series.h - what a receiver must be able to believe of a counter: it does not fall, and its start does not move, unless it
 * begins anew. Pure.
 *
 *     host_series_boot(s, boot_ms, now_ms)      once a reading
 *     host_series_follow(s, &point) ...         each counter of it
 *     host_series_end(s)
 *
 * The kernel's counters do go back: iowait and steal by some ticks, as its documentation says; a driver's wrap at 2^32; those of an
 * interface begin at 0 when it is made again. And the boot time, which is the time of day less the uptime, moves with the clock.
 * | value | point |
 * |---|---|
 * | at least the last one | as it is, with the start that its series has |
 * | less, but half of it or more | the last one again: it is held until it is passed |
 * | less than half | as it is; its start is the last reading |
 * | of a series not seen before | as it is, from the boot on: until it was there it had counted nothing |
 * A clock set back before a start gives every series the start that the boot time has now, once. */
#pragma once
#include <stddef.h>

#include "agent/base/telemetry.h"

#define HOST_SERIES_MAX 8192

struct host_one; /* a series */

struct host_series {
	struct host_one *v; /* in the order in which they came first */
	size_t n, at;       /* at: where the next one probably stands */
	uint64_t reading;
	int64_t boot_ms, now_ms, past_ms; /* of this reading and of the one before; 0: not known, or none */
	uint64_t held, anew;
	uint64_t over; /* of this reading: values that had no room to be followed, and start nowhere */
};

void host_series_boot(struct host_series *s, int64_t boot_ms, int64_t now_ms);
void host_series_follow(struct host_series *s, struct telemetry_point *p); /* sets its start, and its value where it went back */
void host_series_end(struct host_series *s);
void host_series_close(struct host_series *s);
