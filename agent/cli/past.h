/* past.h - commands as a journal tells them, also those that the daemon has long forgotten. */
#pragma once
#include <jansson.h>
#include <stdint.h>

#include "agent/base/handle.h"
#include "agent/io/world.h"

#define PAST_MAX 20

struct past {
	char id[37];
	uint64_t seq, epoch;
	char verb[40], warehouse[40];
	json_t *plan, *result; /* the last of each; NULL: none was recorded */
};

/* Those that a handle fits, the oldest first; of more than PAST_MAX the rest is left out. */
struct past_list {
	struct past v[PAST_MAX];
	size_t n;
	bool is_cut;
};

/* What stands before damage is found all the same: then the error tells of the damage, and *ret of what was found. */
int past_find(struct world *w, const char *dir, const struct handle *h, struct past_list *ret, struct err *e);
void past_close(struct past_list *l);
/* One line each, for a person to choose from. */
void past_print(const struct past_list *l);
/* "warehouse.apply": the verb in the signed bytes of a command.accepted record; "" where they cannot be read. */
const char *past_verb(const json_t *accepted, char to[40]);
