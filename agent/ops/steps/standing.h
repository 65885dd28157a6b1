/* standing.h - how the nodes stand that a step waits for: who is up, who is still on its way, who is lost and why; and what
 * follows from that, the same for every wait. */
#pragma once
#include "agent/aws/code.h"
#include "agent/ops/steps/step.h"

/* `seen` tells how each stands that is not up. Of those that are lost the gravest cause is told: one that has a class before one
 * without (a fault of AWS's own). */
struct standing {
	json_t *up; /* ids */
	size_t coming, lost;
	char why[256];
	struct code_death death;
	struct buf seen;
};

void standing_open(struct standing *s);
void standing_close(struct standing *s);
void standing_is_up(struct standing *s, const char *id);
void standing_is_coming(struct standing *s, const char *id, const char *state); /* "is pending" is told of it */
void standing_is_lost(struct standing *s, const char *id, const char *why, struct code_death d);
/* What follows; the fact args.fact names those that are up. `what` stands in the sentences: "come up". */
enum step_verdict standing_verdict(const struct step_ctx *x, const struct standing *s, const char *what, struct err *e);
