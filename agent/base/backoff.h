/* backoff.h - how long to wait before the next try: exponential, full jitter (a random share of the whole), capped.
 * Pure: the caller brings the random number, so a test owns it. */
#pragma once
#include <stdint.h>

struct backoff {
	uint32_t base_ms, cap_ms; /* the first wait is at most base_ms, any wait at most cap_ms */
	uint32_t tries;           /* waits handed out since the last reset */
};

#define BACKOFF(base, cap) ((struct backoff){ .base_ms = (base), .cap_ms = (cap) })

uint32_t backoff_next_ms(struct backoff *b, uint64_t random); /* 1..min(cap, base * 2^tries) */
void backoff_reset(struct backoff *b);
