/* local.c - see local.h. */
#include "agent/local.h"

#include <string.h>
#include <unistd.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/io/http_server.h"

struct local {
	struct http_server *server;
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

struct local *local_new(struct world *w, const char *path, struct agent *agent, struct err *e)
{
	struct local *l = mem_new(struct local);

	l->agent = agent;
	l->server = http_server_new(w, path, 0660, on_request, l, e);
	if (l->server != NULL)
		return l;
	mem_free(l);
	return NULL;
}

static void on_closed(void *ctx)
{
	struct local *l = ctx;
	void (*done)(void *) = l->done;
	void *done_ctx = l->done_ctx;

	mem_free(l);
	done(done_ctx);
}

void local_close(struct local *l, void (*done)(void *ctx), void *ctx)
{
	l->done = done;
	l->done_ctx = ctx;
	http_server_close(l->server, on_closed, l);
}
