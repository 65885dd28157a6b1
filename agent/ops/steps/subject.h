/* subject.h - what a step speaks of, for whoever reads that it failed: the ids of the things that it acts on; of a step that makes
 * something, and of one whose things are not known yet, its cluster or the name. */
#pragma once
#include "agent/ops/steps/step.h"

#define SUBJECT_MAX 1024

/* "i-1, i-2": of many the first few. `args` as far as they are resolved; `left`: members that were taken out, or NULL; `name`: the
 * step's own, for one that says nothing else. */
void subject_of(const struct step_kind *k, const json_t *args, const json_t *left, const char *name, struct buf *to);
