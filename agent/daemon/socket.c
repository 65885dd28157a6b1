/* socket.c - see socket.h.
 *
 *   off --> on      the socket is made; else every LOOK_MS again
 *   on --> gone     nothing stands at its path any more
 *   gone --> off    the server with its connections is closed
 *
 * What another put at the path, a file or his own socket, is left alone. A reason is logged once, not at each try. */
#include "agent/daemon/socket.h"

#include <string.h>
#include <unistd.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/io/ending.h"
#include "agent/io/http_server.h"

#define LOOK_MS 2000

struct socket {
	struct world *w;
	const char *path;
	struct http_server *server; /* NULL: off */
	bool is_gone;               /* the server is being closed, because its socket is gone */
	struct timer look;
	struct err trouble; /* why it is off, as logged */
	struct agent *agent;
	struct ending end;
};

static void refuse(struct http_server_answer *a, int status, const char *why)
{
	CLEANUP(json_close) json_t *j = json_pack("{s:s}", "error", why);

	a->status = status;
	json_write(j, &a->body);
}

static void answer_status(struct socket *s, struct http_server_answer *a)
{
	CLEANUP(json_close) json_t *j = agent_status(s->agent);

	a->status = 200;
	json_write(j, &a->body);
}

static void answer_plan(struct socket *s, const char *typed, struct http_server_answer *a)
{
	CLEANUP(json_close) json_t *j = NULL;

	a->status = agent_plan(s->agent, typed, &j);
	json_write(j, &a->body);
}

static void answer_inventory(struct socket *s, const struct http_server_req *req, struct http_server_answer *a)
{
	CLEANUP(json_close) json_t *j = NULL;
	int status = agent_inventory(s->agent, req->since_ms, req->is_last, &j);

	if (status == 0) {
		a->is_later = true;
		return;
	}
	a->status = status;
	json_write(j, &a->body);
}

/* The first row that fits:
 *
 *   not root, not our own user, not in the socket's group   403, and nothing is said of the rest
 *   not GET                                                 405
 *   /v1/status                                              the status
 *   /v1/plans/ID                                            the plan of that command
 *   /v1/inventory                                           what the account holds, once AWS has told
 *   anything else                                           404
 */
static void on_request(void *ctx, const struct http_server_req *req, struct http_server_answer *a)
{
	struct socket *s = ctx;

	/* The socket's mode keeps others out already. The kernel's word on who asks is a second lock,
	 * should somebody open that. */
	if (req->peer_uid != 0 && req->peer_uid != geteuid() && !req->peer_in_group)
		refuse(a, 403, "root, the agent's user and its group may ask here");
	else if (!str_eq(req->method, "GET"))
		refuse(a, 405, "this version answers GET alone");
	else if (str_eq(req->path, "/v1/status"))
		answer_status(s, a);
	else if (str_starts(req->path, "/v1/plans/"))
		answer_plan(s, req->path + strlen("/v1/plans/"), a);
	else if (str_eq(req->path, "/v1/inventory"))
		answer_inventory(s, req, a);
	else
		refuse(a, 404, "there are /v1/status, /v1/plans/ID and /v1/inventory");
}

static void on_look(struct timer *t);

static void look_again(struct socket *s)
{
	timer_start(s->w, &s->look, LOOK_MS, on_look);
}

static void try_listen(struct socket *s)
{
	struct err e = { 0 };

	s->server = http_server_new(s->w, s->path, 0660, on_request, s, &e);
	if (s->server != NULL && s->trouble.code != 0)
		log_info("socket.on", "path=%s", s->path);
	if (s->server == NULL && !str_eq(err_text(&e), err_text(&s->trouble)))
		log_error("socket.off", "err=%s effect=\"reeve status does not work\" retry_in_ms=%u", err_text(&e), LOOK_MS);
	s->trouble = e;
}

static void on_server_closed(void *ctx)
{
	struct socket *s = ctx;

	s->server = NULL;
	s->is_gone = false;
	if (ending_is_on(&s->end)) {
		ending_step(&s->end);
		return;
	}
	try_listen(s);
	look_again(s);
}

static void leave(struct socket *s)
{
	err_set(&s->trouble, ERR_NOTFOUND, "%s is gone", s->path);
	log_warn("socket.gone", "path=%s next=\"it is made again\"", s->path);
	s->is_gone = true;
	http_server_close(s->server, on_server_closed, s);
}

static void on_look(struct timer *t)
{
	struct socket *s = container_of(t, struct socket, look);
	struct disk_stat st;
	struct err e = { 0 };

	/* Only a path with nothing at it counts. What lies there, also a link, is another's, and an error of
	 * the disk says nothing. */
	if (s->server != NULL && s->w->disk_lstat(s->w, s->path, &st, &e) == -ERR_NOTFOUND) {
		leave(s);
		return;
	}
	if (s->server == NULL)
		try_listen(s);
	look_again(s);
}

struct socket *socket_new(struct world *w, const char *path, struct agent *agent)
{
	struct socket *s = mem_new(struct socket);

	s->w = w;
	s->path = path;
	s->agent = agent;
	try_listen(s);
	look_again(s);
	return s;
}

static bool is_out(struct closing *c)
{
	return container_of(c, struct socket, end.closing)->server != NULL;
}

static void socket_free(struct closing *c)
{
	struct socket *s = container_of(c, struct socket, end.closing);

	timer_stop(s->w, &s->look);
	mem_free(s);
}

static const struct closing_how socket_how = { is_out, socket_free };

void socket_close(struct socket *s, void (*done)(void *ctx), void *ctx)
{
	ending_begin(&s->end, s->w, &socket_how, done, ctx);
	timer_stop(s->w, &s->look); /* a look that is due now would close its server once more */
	/* One that is gone closes already, and its end steps on from there. */
	if (s->server != NULL && !s->is_gone)
		http_server_close(s->server, on_server_closed, s);
}
