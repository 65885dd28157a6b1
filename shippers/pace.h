/* pace.h - how fast a backlog goes: so many bytes a second, and as much again as comes new meanwhile. So what waits becomes less
 * at the same rate however much comes, and neither the way there nor the receiver gets the whole of an outage at once. Pure. */
#pragma once
#include <stdint.h>

struct pace {
	uint64_t rate;  /* bytes a second; 0: as fast as it goes */
	int64_t credit; /* bytes that may go now; below zero: the last one is not paid yet */
	uint64_t at_ms; /* when that was true */
	uint64_t came;  /* the number that it was told then */
};

struct pace pace_new(uint64_t rate, uint64_t now_ms);
/* 0: the next body may go, however large; else ask again in so many ms. `came`: bytes of all that came new, since any start. */
uint64_t pace_wait_ms(struct pace *p, uint64_t now_ms, uint64_t came);
void pace_spend(struct pace *p, uint64_t bytes);
