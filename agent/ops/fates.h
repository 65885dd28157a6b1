/* fates.h - warehouses of which no spec stands, and it is known why: the command that was to make one did not succeed, or one was
 * deleted.
 *
 * Read back from the results in the journal, as wanted.h is; a checkpoint carries them on. The newest FATES_MAX are known. */
#pragma once
#include <jansson.h>

#include "agent/ops/wanted.h"

#define FATES_MAX 16

enum fate { FATE_NONE, FATE_CREATE_FAILED, FATE_DELETED };

struct fates_one {
	char warehouse[33];
	char op[37]; /* the command that has left it so */
	enum fate fate;
};

/* Zero at birth. */
struct fates {
	struct fates_one v[FATES_MAX]; /* in the order in which they came */
	size_t n;
};

enum fate fates_of(const struct fates *s, const char *warehouse); /* FATE_NONE: nothing is known, or a spec stands */
/* Is a command that lays down a spec of this warehouse to make it? `planned`: the members of its command.planned, or NULL. */
bool fates_is_birth(const struct fates *s, struct wanted *wanted, const char *warehouse, const json_t *planned);
/* A command has ended. Before wanted_ended of the same: it asks what stood until now. */
void fates_ended(struct fates *s, struct wanted *wanted, const struct wanted_end *end, const json_t *planned);

json_t *fates_list(const struct fates *s); /* for a checkpoint */
void fates_replay(struct fates *s, const json_t *list);
