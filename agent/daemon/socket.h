/* socket.h - what the local socket answers: GET /v1/status, GET /v1/plans/ID (an id, its beginning, or a number) and GET
 * /v1/inventory, for root, the agent's user and the socket's group. Nothing can be changed through it in this version.
 *
 * The socket is looked at every two seconds: where it could not be made, was deleted, or lost its folder, it is made again. */
#pragma once
#include "agent/daemon/agent.h"

struct socket;

struct socket *socket_new(struct world *w, const char *path, struct agent *a); /* `path` must outlive it */
/* To be called before the agent is closed, because the socket asks it, or in the same event. */
void socket_close(struct socket *s, void (*done)(void *ctx), void *ctx);
