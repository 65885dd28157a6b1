/* sm.h - checked state tables: states are named, their moves are a table, and a move that is not in it is a bug that
 * stops the program at once. Used by every flow (seconds, in memory) and every operation (minutes, on disk). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct sm_state {
	const char *name;
	uint32_t to; /* SM_TO of each allowed next state; 0: an end */
};

#define SM_TO(state) (1u << (state))
#define SM_END 0u

struct sm {
	const struct sm_state *table;
	unsigned now;
};

void sm_init(struct sm *m, const struct sm_state *table, unsigned start);
void sm_move(struct sm *m, unsigned to); /* aborts with both names when the table does not allow it */
const char *sm_name(const struct sm *m);
