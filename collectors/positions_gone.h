/* positions_gone.h - positions of files that are gone, forgotten before the tail starts: when their folder can be listed and no
 * name in it is the file. What cannot be known is kept. In slices: a folder may hold many names, and there may be many folders. */
#pragma once
#include <stdbool.h>

#include "agent/base/sm.h"
#include "agent/io/ending.h"
#include "agent/io/world.h"
#include "collectors/positions.h"

struct positions_gone {
	struct world *w; /* NULL: it does not run */
	struct positions *p;
	struct sm sm;
	char *dir; /* the folder in hand; NULL: none */
	struct buf names;
	size_t name; /* the next one */
	size_t forgotten;
	struct disk_req disk;
	struct timer timer;
	void (*lost)(void *ctx, const struct telemetry_source *at, uint64_t bytes);
	void (*done)(void *ctx);
	void *ctx;
	struct ending end;
};

/* done: once, and never from inside this call; it is over then. No file is followed before that. lost: of a file that is gone so
 * many bytes were not read, as far as was known when the position became durable; `at` says that they were, and once that is
 * durable nobody tells of them again. NULL: nobody counts. */
void positions_gone_start(struct positions_gone *g, struct world *w, struct positions *p,
			  void (*lost)(void *ctx, const struct telemetry_source *at, uint64_t bytes), void (*done)(void *ctx),
			  void *ctx);
bool positions_gone_runs(const struct positions_gone *g);
/* While it runs: gives up where it is, and done does not come. closed: never from inside this call. */
void positions_gone_close(struct positions_gone *g, void (*closed)(void *ctx), void *ctx);
