/* positions.h - how far each file has been taken: the fold of all commit records. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/base/telemetry.h"

/* Files; above it the oldest of those let go is forgotten, and only where there is none, the one that moved least recently: it
 * may be quiet, or its folder not mounted, and would be read again from its start. */
#define POSITIONS_MAX 4096

struct positions {
	struct telemetry_source *v; /* the one that moved last is last; paths are owned */
	size_t n;
	bool let_go[POSITIONS_MAX]; /* by position: read to its end and followed no more, since this start */
};

void positions_note(struct positions *p, const struct telemetry_source *s);   /* a later range of the same inode replaces */
void positions_let_go(struct positions *p, const struct telemetry_source *s); /* until it is noted again */
void positions_close(struct positions *p);
