/* fuzz_http.c - a request to the local socket: in whatever pieces it arrives, the handler is asked the same and the answer is
 * the same bytes. */
#include "agent/io/http_server.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/world_sim.h"

#define SOCK "/run/reeve/reeve.sock"

static void on_ask(void *ctx, const struct http_server_req *req, struct http_server_answer *a)
{
	(void)ctx;
	FUZZ_MUST(req->method[0] != '\0' && req->path[0] != '\0' && strlen(req->body) <= req->body_len);
	a->status = 200;
	buf_addf(&a->body, "%s %s %zu:", req->method, req->path, req->body_len);
	buf_add(&a->body, req->body, req->body_len);
}

static void on_closed(void *ctx)
{
	*(bool *)ctx = true;
}

static bool is_set(void *ctx)
{
	return *(bool *)ctx;
}

static void ask(const char *s, size_t len, size_t piece, struct buf *answer)
{
	struct world *w = sim_new(1);
	struct http_server *server = http_server_new(w, SOCK, 0660, on_ask, NULL, NULL);
	struct sim_conn *c = sim_connect(w, SOCK, 0, 0, true);
	bool closed = false;

	for (size_t at = 0; at < len && !sim_closed(c); at += piece) {
		sim_send(c, s + at, len - at < piece ? len - at : piece);
		sim_run_until(w, NULL, NULL, 1);
	}
	sim_run_until(w, NULL, NULL, 60000); /* one that waits for more is sent away */
	buf_add(answer, sim_received(c)->data, sim_received(c)->len);
	sim_hangup(c);
	http_server_close(server, on_closed, &closed);
	FUZZ_MUST(sim_run_until(w, is_set, &closed, 60000) == SIM_TRUE);
	sim_free(w);
}

void fuzz_one(const char *s, size_t len)
{
	CLEANUP(buf_close) struct buf whole = BUF_MAX(2u << 20);
	CLEANUP(buf_close) struct buf pieces = BUF_MAX(2u << 20);
	size_t piece = 1 + fuzz_choice(&s, &len) % 64;

	if (len / piece > 400) /* a slow world: enough is enough */
		piece = len / 400;
	ask(s, len, len + 1, &whole);
	ask(s, len, piece, &pieces);
	FUZZ_MUST(fuzz_same(&whole, &pieces));
}
