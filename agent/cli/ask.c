/* ask.c - see ask.h. */
#include "agent/cli/ask.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/cli/cli.h"
#include "agent/io/world_uv.h"

struct asking {
	struct world *w;
	struct http_req http;
	int rc;
};

static void on_answer(struct http_req *r, int rc)
{
	struct asking *a = container_of(r, struct asking, http);

	a->rc = rc;
	world_uv_stop(a->w);
}

static int take(const struct http_req *r, int *ret_status, json_t **ret, struct err *e)
{
	CLEANUP(json_close) json_t *j = NULL;

	TRY(json_parse(buf_str(&r->body), r->body.len, "the daemon's answer", &j, e));
	if (r->status == 403)
		return err_set(e, ERR_DENIED, "the daemon says: %s", json_str_or(j, "error", "no"));
	*ret_status = r->status;
	*ret = json_incref(j);
	return 0;
}

int ask(struct world *w, const struct config *c, const char *path, int *ret_status, json_t **ret, struct err *e)
{
	return ask_within(w, c, path, 10000, ret_status, ret, e);
}

int ask_within(struct world *w, const struct config *c, const char *path, uint32_t total_ms, int *ret_status, json_t **ret,
	       struct err *e)
{
	char url[512];
	struct asking a = { .w = w,
			    .http = { .method = "GET",
				      .url = url,
				      .unix_socket = c->socket,
				      .total_ms = total_ms,
				      .body = BUF_MAX(CLI_ANSWER_MAX),
				      .head = BUF_MAX(65536) } };

	/* To connect takes the right to write the socket (unix(7)). The request's own error would not tell that from a daemon
	 * that does not run, so it is asked before. */
	if (access(c->socket, W_OK) != 0 && errno == EACCES)
		return err_set(e, ERR_DENIED, "%s is closed to you: root, the agent's user and the group reeve may ask there",
			       c->socket);
	snprintf(url, sizeof(url), "http://localhost%s", path);
	http_start(w, &a.http, on_answer);
	world_uv_run(w);
	if (a.rc != 0)
		err_set(e, a.http.err.code,
			"no daemon answers on %s (%s): is it running (systemctl status reeve), and may you read that socket?",
			c->socket, err_text(&a.http.err));
	else
		a.rc = take(&a.http, ret_status, ret, e);
	http_req_close(&a.http);
	return a.rc;
}
