/* world_uv.h - the real world: a libuv loop, libcurl on it, the disk on its worker threads, unix sockets, inotify. */
#pragma once
#include "agent/base/err.h"

struct world;

struct world *world_uv_new(struct err *e); /* NULL and a sentence on failure; SIGPIPE is ignored from here on */
int world_uv_run(struct world *w);         /* until world_uv_stop, or until nothing is left to wait for */
void world_uv_stop(struct world *w);       /* the run returns after the callback that called this; it may run again */
/* Closes all that is still open, without callbacks; a disk request that a worker has begun is waited for. NULL is fine. */
void world_uv_free(struct world *w);
