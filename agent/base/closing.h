/* closing.h - the end of a component that may have something out when it is told to close; the same for all of them.
 *
 *   open --begin--> waiting --step: nothing is out any more--> due --the loop: nor is there now--> freed, then done is told
 *                      ^------------------the loop: something went out again------'
 *
 * A component embeds one and says two things: whether something of it is still out (a request, a worker, a part that closes too),
 * and how it is freed. Its close begins it and calls off what can be called off; whatever completes afterwards ends with a step.
 * The memory goes in closing_end alone, which the loop calls: no function of the component is on the stack then, and none returns
 * into what was freed. done may free what its ctx points at: nothing of the component is used after it.
 * Pure: the component brings the loop (agent/io/ending.h brings that of a world). A component that waits for the ends of its parts
 * alone, and always has such a part, may give closing_end itself as `later`: the parts call back from the loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct closing;

struct closing_how {
	bool (*is_out)(struct closing *c); /* something is, and a step follows when it is home; NULL: never */
	/* Its timers are stopped and its memory goes, this struct's too; or, of one that can be read until its owner frees it, all
	 * that it would still have done with others. */
	void (*free)(struct closing *c);
};

struct closing {
	const struct closing_how *how;    /* NULL: open */
	void (*later)(struct closing *c); /* asks the loop for closing_end, which never comes from inside */
	bool is_due;                      /* the loop was asked and has not come yet */
	void (*done)(void *ctx);
	void *ctx;
};

/* Once, with the first step. From here on it is on, and done comes, later. */
void closing_begin(struct closing *c, const struct closing_how *how, void (*later)(struct closing *c), void (*done)(void *ctx),
		   void *ctx);
void closing_step(struct closing *c); /* something completed; may be called at any time, also while it is open */
void closing_end(struct closing *c);  /* for the loop alone; c may be gone afterwards */

static inline bool closing_is_on(const struct closing *c)
{
	return c->how != NULL;
}
