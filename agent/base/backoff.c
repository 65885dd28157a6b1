/* backoff.c - see backoff.h. */
#include "agent/base/backoff.h"

uint32_t backoff_next_ms(struct backoff *b, uint64_t random)
{
	uint64_t most = b->base_ms;

	for (uint32_t i = 0; i < b->tries && most < b->cap_ms; i++)
		most *= 2;
	if (most > b->cap_ms)
		most = b->cap_ms;
	b->tries++;
	return (uint32_t)(1 + random % (most > 0 ? most : 1));
}

void backoff_reset(struct backoff *b)
{
	b->tries = 0;
}
