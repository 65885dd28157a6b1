/* spool_gone.h - positions of files that are gone, forgotten at start: when their folder can be listed and no name in it is
 * the file. What cannot be known is kept. In slices: a folder may hold many names, and there may be many folders. */
#pragma once
#include <stdbool.h>

#include "agent/io/world.h"
#include "shippers/positions.h"

struct spool_gone {
	struct world *w;
	struct positions *p;
	void (*done)(void *ctx);
	void *ctx;
	bool *known; /* by position: is there, or cannot be said */
	size_t at;   /* positions before it are judged, or wait for their folder */
	char *dir;   /* being looked through; NULL: none */
	struct buf names;
	size_t name; /* the next one */
	struct disk_req disk;
	struct timer timer;
};

/* done: once, and never from inside this call. The positions stay as they are until then. */
void spool_gone_start(struct spool_gone *g, struct world *w, struct positions *p, void (*done)(void *ctx), void *ctx);
bool spool_gone_idle(const struct spool_gone *g); /* no request is under way */
void spool_gone_close(struct spool_gone *g);
