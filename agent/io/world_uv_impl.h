/* world_uv_impl.h - what the files of the real world know of each other. Nobody else includes it.
 *
 * Each part keeps a list of what it has open, so that world_uv_free can close it: init, then anything, then close, and a
 * last turn of the loop in which libuv gives the handles' memory back. */
#pragma once
#include <uv.h>

#include "agent/base/mem.h"
#include "agent/io/world.h"

struct world_uv {
	struct world w; /* first: a struct world * is a struct world_uv * */
	uv_loop_t loop;

	uv_timer_t alarm;   /* set for the first of `timers` */
	struct list timers; /* struct timer, the next one due first */

	void *multi; /* CURLM */
	uv_timer_t http_alarm;
	struct list https; /* struct http_req, running */

	struct list disks; /* struct disk_req, in the order started */
	struct list locks; /* struct lock */

	struct list pipes;  /* struct pipe: listeners and connections */
	struct list events; /* struct event: watches and signals */
};

static inline struct world_uv *world_uv_of(struct world *w)
{
	return container_of(w, struct world_uv, w);
}

int world_uv_http_init(struct world_uv *u, struct err *e);
void world_uv_http_close(struct world_uv *u);
void world_uv_disk_init(struct world_uv *u);
void world_uv_disk_close(struct world_uv *u);
void world_uv_file_init(struct world_uv *u);
void world_uv_file_close(struct world_uv *u);
void world_uv_serve_init(struct world_uv *u);
void world_uv_serve_close(struct world_uv *u);
void world_uv_watch_init(struct world_uv *u);
void world_uv_watch_close(struct world_uv *u);

/* A libuv status is a negative errno. */
static inline int world_uv_err(struct err *e, int status, const char *what, const char *name)
{
	return err_errno(e, -status, "%s %s", what, name);
}
