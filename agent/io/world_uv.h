/* world_uv.h - the real world: a libuv loop, libcurl on it, the disk on its worker threads, unix sockets, inotify. */
#pragma once
#include <stdbool.h>

#include "agent/base/err.h"

struct world;

struct world *world_uv_new(struct err *e); /* NULL and a sentence on failure; SIGPIPE and SIGXFSZ are ignored from here on */
int world_uv_run(struct world *w);         /* until world_uv_stop, or until nothing is left to wait for */
void world_uv_stop(struct world *w);       /* the run returns after the callback that called this; it may run again */
/* Closes all that is still open, without callbacks; a disk request that a worker has begun is waited for, some seconds at most.
 * False: a worker is still held, by a file system or a resolver that does not answer. Then nothing was freed that it may touch, and
 * the process must end with _exit, because libuv joins its threads in exit. NULL is fine. */
bool world_uv_free(struct world *w);
/* Would this file do as the ca_file of a request, now and for this user? */
int world_uv_trust_check(struct world *w, const char *ca_file, struct err *e);
