/* positions.h - how far each file has been taken: the fold of all commit records. */
#pragma once
#include <stddef.h>

#include "agent/base/telemetry.h"

#define POSITIONS_MAX 4096 /* files; above it the one that moved least recently is forgotten */

struct positions {
	struct telemetry_source *v; /* the one that moved last is last; paths are owned */
	size_t n;
};

void positions_note(struct positions *p, const struct telemetry_source *s); /* a later range of the same inode replaces */
void positions_close(struct positions *p);
