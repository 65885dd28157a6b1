/* ending.c - see ending.h. */
#include "agent/io/ending.h"

#include "agent/base/mem.h"

static void on_due(struct timer *t)
{
	closing_end(&container_of(t, struct ending, timer)->closing);
}

static void later(struct closing *c)
{
	struct ending *e = container_of(c, struct ending, closing);

	timer_start(e->w, &e->timer, 0, on_due);
}

void ending_begin(struct ending *e, struct world *w, const struct closing_how *how, void (*done)(void *ctx), void *ctx)
{
	e->w = w;
	closing_begin(&e->closing, how, later, done, ctx);
}
