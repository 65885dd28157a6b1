/* sm.h - checked state tables: states are named, their moves are a table, and a move that is not in it is a bug that
 * stops the program at once. Used by every flow (seconds, in memory) and every operation (minutes, on disk).
 *
 *     static const struct sm_state door_states[] = {
 *             [D_OPEN] = { "open", SM_TO(D_SHUT) },
 *             [D_SHUT] = { "shut", SM_TO(D_OPEN) },
 *     };
 *     static const struct sm_machine door_machine = SM_MACHINE("door", door_states, door_broken);
 *
 *     sm_init(&d->sm, &door_machine, D_OPEN);
 *     sm_move(&d->sm, D_SHUT);                    log, at debug level: sm.move machine=door of=- from=open to=shut
 *
 * A table may say more than which moves there are: what holds between the owner's fields in each state. `broken` is asked
 * after each move and answers NULL, or a sentence about what does not hold; so the owner makes it hold before it moves. */
#pragma once
#include <stdint.h>

struct sm;

struct sm_state {
	const char *name;
	uint32_t to; /* SM_TO of each allowed next state; 0: an end */
};

struct sm_machine {
	const char *name; /* one word, for the log */
	const struct sm_state *states;
	unsigned states_n;
	const char *(*broken)(const struct sm *m); /* NULL: nothing is promised */
};

#define SM_TO(state) (1u << (state)) /* of at most 32 states */
#define SM_END 0u
#define SM_MACHINE(name, states, broken) ((struct sm_machine){ name, states, sizeof(states) / sizeof((states)[0]), broken })

struct sm {
	const struct sm_machine *machine;
	unsigned now;
	const char *of; /* whose it is, for the trace, where there are several: set by the owner after sm_init; NULL: nobody's */
};

void sm_init(struct sm *m, const struct sm_machine *machine, unsigned start);
/* Aborts with the names of the machine and of both states when the table does not allow it, and when the move leaves the owner
 * broken. While nobody reads debug lines the trace is one comparison. */
void sm_move(struct sm *m, unsigned to);
const char *sm_name(const struct sm *m); /* of the state it is in */
