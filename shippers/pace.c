/* pace.c - see pace.h. A bucket that holds a second's worth: what was not used for longer is no reason to be faster. */
#include "shippers/pace.h"

#define NAP_MS_MAX 1000       /* what comes new may let it go sooner than the rate alone */
#define SINCE_MS_MAX 10000000 /* pays for any body, and no product of it overflows */

struct pace pace_new(uint64_t rate, uint64_t now_ms)
{
	return (struct pace){ .rate = rate, .credit = (int64_t)rate, .at_ms = now_ms };
}

static void earn(struct pace *p, uint64_t bytes)
{
	int64_t room = (int64_t)p->rate - p->credit;

	p->credit += bytes < (uint64_t)room ? (int64_t)bytes : room;
}

uint64_t pace_wait_ms(struct pace *p, uint64_t now_ms, uint64_t came)
{
	uint64_t since_ms = now_ms - p->at_ms, wait_ms;

	if (p->rate == 0)
		return 0;
	earn(p, came - p->came);
	earn(p, p->rate * (since_ms < SINCE_MS_MAX ? since_ms : SINCE_MS_MAX) / 1000);
	p->at_ms = now_ms;
	p->came = came;
	if (p->credit >= 0)
		return 0;
	wait_ms = (uint64_t)-p->credit * 1000 / p->rate + 1;
	return wait_ms < NAP_MS_MAX ? wait_ms : NAP_MS_MAX;
}

void pace_spend(struct pace *p, uint64_t bytes)
{
	p->credit -= (int64_t)bytes;
}
