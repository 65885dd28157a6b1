/* drift.h - how the account differs from a spec: what an apply of the same spec would change, told by resource and field.
 *
 * It is the planner's own answer, so that what is reported and what an apply would do cannot differ. A step that acts on what
 * another one is yet to make is a consequence of that one, and not told by itself. */
#pragma once
#include <jansson.h>

#include "agent/ops/plan/planner.h"

#define DRIFT_MAX 256 /* differences of one warehouse that are told apart; the others are counted */
#define DRIFT_TEXT_MAX 240

/* {"drifts": [{"resource", "field", "difference"}, ...], "total": n}. The spec has passed spec_check. -ERR_NOTYET: something is
 * under way, and what it leaves is not known yet. A spec that could not be applied as the account is now (the sentence says why)
 * differs in that, too: its difference is the sentence, and its resource the warehouse. */
int drift_of(const struct planner_args *a, const spec_t *spec, json_t **ret, struct err *e);
