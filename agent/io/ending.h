/* ending.h - a struct closing (agent/base/closing.h) that comes back from the loop of a world: what a component embeds. */
#pragma once
#include "agent/base/closing.h"
#include "agent/io/world.h"

struct ending {
	struct closing closing;
	struct world *w;
	struct timer timer;
};

/* The first thing that a close does, so that the callbacks of all that it cancels see the close. */
void ending_begin(struct ending *e, struct world *w, const struct closing_how *how, void (*done)(void *ctx), void *ctx);

static inline bool ending_is_on(const struct ending *e)
{
	return closing_is_on(&e->closing);
}

static inline void ending_step(struct ending *e)
{
	closing_step(&e->closing);
}
