/* http_server.h - a small HTTP/1.1 server for the local socket: one request and one JSON answer a connection.
 *
 * Limits: 16 connections (more are refused), 8 KiB of head, 64 KiB of body, 1 MiB of answer, 30 s for a request to arrive,
 * 30 s for its answer to be made and 30 s for it to be taken. Who asks is known from the kernel; what he may ask is the
 * handler's business. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"

struct world;
struct http_server;

/* Lives during the handler's call. The body is followed by a NUL. */
struct http_server_req {
	const char *method, *path; /* path: all of the request target, with its query */
	const char *body;
	size_t body_len;
	uid_t peer_uid;
	bool peer_in_group; /* of the group that owns the socket */
	uint64_t since_ms;  /* monotonic: when the request was whole */
	bool is_last;       /* its time is over: what is put off once more is refused with 503 */
};

/* 404 and an empty body unless the handler says otherwise. A body that does not fit becomes a 500. */
struct http_server_answer {
	int status;
	struct buf body; /* JSON */
	bool is_later;   /* there is none yet: the handler is asked the same again in a moment, unless the peer goes */
};

typedef void http_server_handler(void *ctx, const struct http_server_req *req, struct http_server_answer *a);

/* Listens at once; `path` is copied. NULL and a sentence where it cannot. */
struct http_server *http_server_new(struct world *w, const char *path, unsigned mode, http_server_handler *handler, void *ctx,
				    struct err *e);
/* Drops the connections, then done; never from inside this call. NULL is not allowed, because done could not be called. */
void http_server_close(struct http_server *s, void (*done)(void *ctx), void *ctx);
