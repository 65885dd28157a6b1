/* local.c - see local.h.
 *
 *   off --> on      the socket is made; else every LOOK_MS again
 *   on --> gone     nothing stands at its path any more
 *   gone --> off    the server with its connections is closed
 *
 * What another put at the path, a file or his own socket, is left alone. A reason is logged once, not at each try. */
#include "agent/local.h"

#include <string.h>
#include <unistd.h>

#include "agent/base/json.h"
#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/io/http_server.h"

#define LOOK_MS 2000

struct local {
	struct world *w;
	const char *path;
	struct http_server *server; /* NULL: off */
	bool is_gone, is_closing;   /* the server is being closed, with all or alone */
	struct timer look;
	struct err trouble; /* why it is off, as logged */
	struct agent *agent;
	void (*done)(void *ctx);
	void *done_ctx;
};

static void refuse(struct http_server_answer *a, int status, const char *why)
{
	CLEANUP(json_close) json_t *j = json_pack("{s:s}", "error", why);

	a->status = status;
	json_write(j, &a->body);
}

static void answer_status(struct local *l, struct http_server_answer *a)
{
	CLEANUP(json_close) json_t *j = agent_status(l->agent);

	a->status = 200;
	json_write(j, &a->body);
}

static void answer_plan(struct local *l, const char *id, struct http_server_answer *a)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(256u << 10);
	CLEANUP(json_close) json_t *j = NULL;

	if (!agent_plan_text(l->agent, id, &text)) {
		refuse(a, 404, "there is no such command here; finished and acknowledged ones are in the journal");
		return;
	}
	j = json_pack("{s:o}", "text", json_text(buf_str(&text)));
	a->status = 200;
	json_write(j, &a->body);
}

static void on_request(void *ctx, const struct http_server_req *req, struct http_server_answer *a)
{
	struct local *l = ctx;

	if (req->peer_uid != 0 && req->peer_uid != geteuid() && !req->peer_in_group)
		refuse(a, 403, "root, the agent's user and its group may ask here");
	else if (!str_eq(req->method, "GET"))
		refuse(a, 405, "this version answers GET alone");
	else if (str_eq(req->path, "/v1/status"))
		answer_status(l, a);
	else if (str_starts(req->path, "/v1/plans/"))
		answer_plan(l, req->path + strlen("/v1/plans/"), a);
	else
		refuse(a, 404, "there are /v1/status and /v1/plans/ID");
}

static void on_look(struct timer *t);

static void look_again(struct local *l)
{
	timer_start(l->w, &l->look, LOOK_MS, on_look);
}

static void try_listen(struct local *l)
{
	struct err e = { 0 };

	l->server = http_server_new(l->w, l->path, 0660, on_request, l, &e);
	if (l->server != NULL && l->trouble.code != 0)
		log_info("local.on", "path=%s", l->path);
	if (l->server == NULL && !str_eq(err_text(&e), err_text(&l->trouble)))
		log_error("local.off", "err=\"%s\" effect=\"reeve status does not work\" retry_in_ms=%u", err_text(&e), LOOK_MS);
	l->trouble = e;
}

static void end(struct local *l)
{
	void (*done)(void *) = l->done;
	void *done_ctx = l->done_ctx;

	timer_stop(l->w, &l->look);
	mem_free(l);
	done(done_ctx);
}

static void on_server_closed(void *ctx)
{
	struct local *l = ctx;

	l->server = NULL;
	l->is_gone = false;
	if (l->is_closing) {
		end(l);
		return;
	}
	try_listen(l);
	look_again(l);
}

static void leave(struct local *l)
{
	err_set(&l->trouble, ERR_NOTFOUND, "%s is gone", l->path);
	log_warn("local.gone", "path=%s next=\"it is made again\"", l->path);
	l->is_gone = true;
	http_server_close(l->server, on_server_closed, l);
}

static void on_look(struct timer *t)
{
	struct local *l = container_of(t, struct local, look);
	struct disk_stat st;
	struct err e = { 0 };

	if (l->is_closing) {
		end(l);
		return;
	}
	if (l->server != NULL && l->w->disk_lstat(l->w, l->path, &st, &e) == -ERR_NOTFOUND) {
		leave(l);
		return;
	}
	if (l->server == NULL)
		try_listen(l);
	look_again(l);
}

struct local *local_new(struct world *w, const char *path, struct agent *agent)
{
	struct local *l = mem_new(struct local);

	l->w = w;
	l->path = path;
	l->agent = agent;
	try_listen(l);
	look_again(l);
	return l;
}

void local_close(struct local *l, void (*done)(void *ctx), void *ctx)
{
	l->done = done;
	l->done_ctx = ctx;
	l->is_closing = true;
	timer_stop(l->w, &l->look); /* a look that is due now would end it before its server has closed */
	if (l->server != NULL && !l->is_gone)
		http_server_close(l->server, on_server_closed, l);
	else if (l->server == NULL)
		timer_start(l->w, &l->look, 0, on_look);
}
