/* steady.h - a time that counts like the wall clock, but does not jump when somebody sets that clock.
 *
 * It begins at the wall's time and goes on by the smaller of what the wall and the monotonic clock have gone on since: a wall that
 * is set back stops it for an instant, one that is set forward does not carry it along. So what was counted by it is forgotten
 * neither by a clock that is wrong for a while nor by one that is put right. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Zero at birth. */
struct steady {
	bool begun;
	int64_t now_ms, wall_ms; /* Unix ms */
	uint64_t mono_ms;
};

int64_t steady_now(struct steady *s, int64_t wall_ms, uint64_t mono_ms); /* Unix ms, never less than before */
