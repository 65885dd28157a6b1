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
	uv_idle_t due;      /* in its place, where that one is due already */
	struct list timers; /* struct timer, the next one due first */

	void *multi; /* CURLM */
	uv_timer_t http_alarm;
	struct list https; /* struct http_req, running */
	struct list names; /* struct name */
	unsigned name_epochs;
	struct list trusts; /* struct uv_certs */
	unsigned generations;

	struct list disks; /* struct disk_req, in the order started */
	struct list locks; /* struct lock */

	struct list pipes;    /* struct pipe: listeners and connections */
	struct list events;   /* struct event: watches and signals */
	struct list journals; /* struct uv_journald */
};

static inline struct world_uv *world_uv_of(struct world *w)
{
	return container_of(w, struct world_uv, w);
}

/* One question for the addresses of `host`: the asker's, who keeps it and the text until cb or drop. Zero at birth. */
struct name_ask;
typedef void name_cb(struct name_ask *a, int rc);
struct name_ask {
	const char *host;
	struct err err;
	struct list link;
	struct name *name; /* waits for it; NULL: idle */
	name_cb *cb;
};

/* 1: they are known, and no callback comes. 0: cb comes, with 0 or -ERR_NET; a resolver may take minutes. Or -ERR_NET. */
int world_uv_name_ask(struct world_uv *u, struct name_ask *a, name_cb *cb);
void world_uv_name_drop(struct name_ask *a); /* no callback; harmless when idle */
/* Of a host that is known: a name that stands for its addresses as they are, added to `alias`, and that one's rule for
 * CURLOPT_RESOLVE. Returns the epoch. */
unsigned world_uv_name_place(struct world_uv *u, const char *host, unsigned port, struct buf *alias, struct buf *resolve);
void world_uv_name_used(struct world_uv *u, const char *host, unsigned epoch, const char *address); /* connected to there */
void world_uv_name_doubt(struct world_uv *u, const char *host); /* a request failed: it is looked up again, for the next one */
bool world_uv_name_is_busy(const struct world_uv *u);           /* after close: a thread is still at it */
void world_uv_name_init(struct world_uv *u);
void world_uv_name_close(struct world_uv *u);

/* One question for the certificates of a file: as name_ask. When they are known, `store` (OpenSSL's X509_STORE) is the asker's
 * until drop; other certificates are of another generation, which is never 0. */
struct trust_ask;
typedef void trust_cb(struct trust_ask *a, int rc);
struct trust_ask {
	const char *ca_file; /* NULL: the system's */
	struct x509_store_st *store;
	unsigned generation;
	struct err err;
	struct list link;
	struct uv_certs *trust; /* waits for it; NULL: idle */
	trust_cb *cb;
};

/* 0: cb comes, with 0 or why the file cannot be used; a disk that hangs may take for ever. Or why it cannot even be looked at. */
int world_uv_trust_ask(struct world_uv *u, struct trust_ask *a, trust_cb *cb);
void world_uv_trust_drop(struct trust_ask *a);         /* no callback; harmless when idle */
bool world_uv_trust_is_busy(const struct world_uv *u); /* after close: a thread is still at it */
void world_uv_trust_init(struct world_uv *u);
void world_uv_trust_close(struct world_uv *u);

int world_uv_http_init(struct world_uv *u, struct err *e);
void world_uv_http_close(struct world_uv *u);
void world_uv_disk_init(struct world_uv *u);
void world_uv_disk_close(struct world_uv *u);
bool world_uv_disk_is_busy(const struct world_uv *u);    /* after close: a worker has begun what it must end */
bool world_uv_disk_is_writing(const struct world_uv *u); /* ... and it changes a file */
void world_uv_file_init(struct world_uv *u);
void world_uv_file_close(struct world_uv *u);
void world_uv_serve_init(struct world_uv *u);
void world_uv_serve_close(struct world_uv *u);
void world_uv_watch_init(struct world_uv *u);
void world_uv_watch_close(struct world_uv *u);
void world_uv_journald_init(struct world_uv *u);
void world_uv_journald_close(struct world_uv *u);
bool world_uv_journald_is_busy(const struct world_uv *u); /* after close: a thread is still at it */

/* A libuv status is a negative errno. */
static inline int world_uv_err(struct err *e, int status, const char *what, const char *name)
{
	return err_errno(e, -status, "%s %s", what, name);
}
