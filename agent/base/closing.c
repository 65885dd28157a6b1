/* closing.c - see closing.h. is_out is asked twice, at a step and again when the loop calls closing_end: what was started between
 * the two is waited for as well. */
#include "agent/base/closing.h"

#include <assert.h>

static bool is_out(struct closing *c)
{
	return c->how->is_out != NULL && c->how->is_out(c);
}

void closing_begin(struct closing *c, const struct closing_how *how, void (*later)(struct closing *c), void (*done)(void *ctx),
		   void *ctx)
{
	assert(!closing_is_on(c) && how != NULL && how->free != NULL && done != NULL);
	*c = (struct closing){ .how = how, .later = later, .done = done, .ctx = ctx };
	closing_step(c);
}

void closing_step(struct closing *c)
{
	if (!closing_is_on(c) || c->is_due || is_out(c))
		return;
	/* The memory does not go here: the step may come from a function of the component, which still uses it when this
	 * returns. */
	c->is_due = true;
	c->later(c);
}

void closing_end(struct closing *c)
{
	/* Both are read now: free takes the memory that c lies in. */
	void (*done)(void *ctx) = c->done;
	void *ctx = c->ctx;

	assert(c->is_due);
	/* Where something went out again, its end is another step, which asks the loop anew. */
	c->is_due = false;
	if (is_out(c))
		return;
	c->how->free(c);
	done(ctx);
}
