/* spool_aside.h - the bodies set aside for a person to look at: a little room, from which the oldest go first.
 *
 *     spool_aside_add(a, name, bytes)     behind those that are there
 *     spool_aside_found(a, name, bytes)   at its place by name, which begins with the sequence: for a start
 *     spool_aside_oldest(a)               the one to delete now, NULL: all have room; then spool_aside_drop
 *
 * Names alone; who deletes the file is the spool. Each takes a block at least, so that they are four thousand at most. */
#pragma once
#include <stdint.h>

#include "agent/base/list.h"

#define SPOOL_ASIDE_MAX (16u << 20) /* on disk: enough for a person to look at */

struct spool_aside {
	struct list names;
	uint64_t bytes; /* on disk, in whole blocks */
};

void spool_aside_init(struct spool_aside *a);
void spool_aside_add(struct spool_aside *a, const char *name, uint64_t bytes);
void spool_aside_found(struct spool_aside *a, const char *name, uint64_t bytes);
const char *spool_aside_oldest(const struct spool_aside *a); /* NULL: none has to be deleted */
void spool_aside_drop(struct spool_aside *a);                /* forgets the oldest */
void spool_aside_close(struct spool_aside *a);
