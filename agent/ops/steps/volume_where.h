/* volume_where.h - the read of the step kinds that act on volumes: how those volumes stand, asked of EC2 before each call.
 *
 * The argument `volume` names one, `volumes` a list. EC2 is asked for those that bear both ownership tags: what has lost one is not
 * ours any more, and nothing is done to it. */
#pragma once
#include "agent/ops/steps/step.h"

/* "volume": {id: {state, instance, attachment, ...}} */
extern const struct step_look volume_where;
/* NULL: EC2 does not show it, or it is not ours. */
const json_t *volume_where_row(const struct step_ctx *x, const char *id);
