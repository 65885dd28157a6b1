/* backoff.c - see backoff.h. */
#include "agent/base/backoff.h"

uint32_t backoff_next_ms(struct backoff *b, uint64_t random)
{
	uint64_t most = b->base_ms;

	/* The doubling stops at the cap, so it cannot overflow however many tries there were. */
	for (uint32_t i = 0; i < b->tries && most < b->cap_ms; i++)
		most *= 2;
	if (most > b->cap_ms)
		most = b->cap_ms;
	b->tries++;
	/* At least 1: a wait of 0 would be a try at once. */
	return (uint32_t)(1 + random % (most > 0 ? most : 1));
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a <= UINT64_MAX - b ? a + b : UINT64_MAX;
}

uint64_t backoff_asked_ms(struct backoff *b, uint64_t random, struct backoff_ask ask, struct backoff_caps caps)
{
	uint64_t own = backoff_next_ms(b, random), ms = ask.is_moment ? sum(ask.ms, own) : ask.ms;

	/* The wait of our own counts as handed out also where the peer's is the longer one: it grows with each failure. */
	if (!ask.is_said)
		return own;
	/* Where these contradict each other the later one wins; our own wait comes last and is never undercut. */
	if (ms < caps.least_ms)
		ms = caps.least_ms;
	if (caps.most_ms > 0 && ms > caps.most_ms)
		ms = caps.most_ms;
	if (caps.beyond_ms > 0 && ms > sum(own, caps.beyond_ms))
		ms = sum(own, caps.beyond_ms);
	return ms > own ? ms : own;
}

void backoff_reset(struct backoff *b)
{
	b->tries = 0;
}
