/* spent.h - what of the rates has been used: how many changes and deletions were begun.
 *
 * Kept in steps of five minutes for a day, counted when an intent is recorded, read back from the journal: a restart spends
 * nothing anew and forgives nothing. The time it is asked with is that of steady.h. */
#pragma once
#include <jansson.h>
#include <stdint.h>

#define SPENT_HOUR_MS (60ll * 60 * 1000)
#define SPENT_DAY_MS (24 * SPENT_HOUR_MS)
#define SPENT_STEPS 300

enum spent_what { SPENT_MUTATIONS, SPENT_DELETIONS, SPENT_KINDS };

struct spent_step {
	int64_t from_ms; /* Unix ms */
	uint32_t n[SPENT_KINDS];
};

/* Zero at birth. */
struct spent {
	struct spent_step v[SPENT_STEPS]; /* the oldest first */
	size_t n;
};

void spent_add(struct spent *s, int64_t now_ms, enum spent_what what, uint32_t n);
/* How many in the last window_ms, and what began within five minutes of its edge. */
uint32_t spent_in(struct spent *s, int64_t now_ms, int64_t window_ms, enum spent_what what);
/* When no more than `most` are left in the window, if nothing is added; now_ms: they are no more already. */
int64_t spent_until(struct spent *s, int64_t now_ms, int64_t window_ms, enum spent_what what, uint32_t most);

/* For a checkpoint: {"steps": [[from_ms, mutations, deletions], ...]}; what is read back stands for all that was known. */
json_t *spent_record(const struct spent *s);
void spent_replay(struct spent *s, const json_t *record);
