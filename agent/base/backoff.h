/* backoff.h - how long to wait before the next try: exponential, full jitter (a random share of the whole), capped; and no less
 * than the peer asks for, as far as it is followed. Pure: the caller brings the random number, so a test owns it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct backoff {
	uint32_t base_ms, cap_ms; /* the first wait is at most base_ms, any wait at most cap_ms */
	uint32_t tries;           /* waits handed out since the last reset */
};

#define BACKOFF(base, cap) ((struct backoff){ .base_ms = (base), .cap_ms = (cap) })

/* What a peer says of how long it wants to be left alone; all zero: it does not say. */
struct backoff_ask {
	bool is_said;
	bool is_moment; /* a date: all who were told it would come at once, so our own wait is added */
	uint64_t ms;    /* from now, as it was said, however absurd */
};

/* How far it is followed; 0: no such cap. */
struct backoff_caps {
	uint64_t least_ms, most_ms; /* what is asked is taken for no less and for no more than that */
	uint64_t beyond_ms;         /* nor for more than our own wait and this */
};

uint32_t backoff_next_ms(struct backoff *b, uint64_t random); /* 1..min(cap, base * 2^tries) */
/* The next wait of our own, or the one that is asked for where that is longer. */
uint64_t backoff_asked_ms(struct backoff *b, uint64_t random, struct backoff_ask ask, struct backoff_caps caps);
void backoff_reset(struct backoff *b);
