/* budget.h - how many bytes may go on the wire to each destination in a UTC day, whatever their kind; each try counts.
 *
 *     budget_set(b, limit)              from the policy; 0: any. What was spent today stays spent
 *     budget_take(b, dest, bytes)       they may be sent now, and count; else `changed` comes when it is worth asking again
 *
 * What was spent is on the disk before it is: a share of the budget at a time is reserved durably, and sending goes as far as
 * that reaches. So no kill and no loss of power gives any of it back: each costs what was reserved and not sent, at most a
 * hundredth of the budget. A body is sent while any of it is left, so a day ends at most one body over it.
 *
 * A clock that is set back begins no new day. One that shows an earlier day for 24 hours was wrong before: then a day begins. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "agent/io/world.h"

#define BUDGET_DESTS_MAX 2

struct budget;

struct budget_config {
	const char *path; /* of its file; copied */
	const char *names[BUDGET_DESTS_MAX];
	unsigned n;
	void (*changed)(void *ctx);
	void *ctx;
};

struct budget *budget_new(struct world *w, const struct budget_config *c);
void budget_set(struct budget *b, uint64_t limit);
bool budget_take(struct budget *b, unsigned dest, uint64_t bytes);
uint64_t budget_limit(const struct budget *b);
uint64_t budget_spent(const struct budget *b, unsigned dest); /* today */
bool budget_is_over(const struct budget *b, unsigned dest);
const char *budget_trouble(const struct budget *b);                      /* for a person; NULL: nothing waits for it */
void budget_close(struct budget *b, void (*done)(void *ctx), void *ctx); /* what was spent is written exactly, then done */
