/* http_server.c - see http_server.h.
 *
 *  arriving --> answering --> closing      a failure, the deadline or http_server_close: any --> closing
 *  arriving --> waiting --> answering      the handler has no answer yet; it is asked again until the deadline, and once then
 *
 * llhttp takes the bytes as they come and tells of parts; what breaks a limit or the grammar is answered with a status of
 * its own, which counts as the answer. Bytes behind the first request are not looked at. A client belongs to the server
 * and is freed when its connection is closed; a closing server calls back when the last one is. */
#include "agent/io/http_server.h"

#include <llhttp.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/sm.h"
#include "agent/io/ending.h"

#define CONNS_MAX 16
#define HEAD_MAX 8192
#define BODY_MAX (64u << 10)
#define ANSWER_MAX (1u << 20)
#define PATIENCE_MS 30000
#define AGAIN_MS 100

enum { ARRIVING, WAITING, ANSWERING, CLOSING };

static const struct sm_state states[] = {
	[ARRIVING] = { "arriving", SM_TO(WAITING) | SM_TO(ANSWERING) | SM_TO(CLOSING) },
	[WAITING] = { "waiting", SM_TO(ANSWERING) | SM_TO(CLOSING) },
	[ANSWERING] = { "answering", SM_TO(CLOSING) },
	[CLOSING] = { "closing", SM_END },
};
static const struct sm_machine client_machine = SM_MACHINE("http_server", states, NULL);

struct http_server {
	struct world *w;
	struct listener listener;
	char *path;
	http_server_handler *handler;
	void *ctx;
	struct list clients;
	unsigned clients_n;
	struct ending end;
};

struct client {
	struct conn conn;
	struct list link;
	struct http_server *s;
	struct sm sm;
	struct timer deadline, again;
	uint64_t since_ms; /* when the request was whole */
	llhttp_t parser;
	size_t head_len;
	struct buf path, body;
	int refused; /* the status that says why, or 0 */
	bool whole;
};

/* ---- leaving ----------------------------------------------------------------------------------------------------------- */

static bool is_out(struct closing *c)
{
	return container_of(c, struct http_server, end.closing)->clients_n > 0;
}

static void server_free(struct closing *c)
{
	struct http_server *s = container_of(c, struct http_server, end.closing);

	mem_free(s->path);
	mem_free(s);
}

static const struct closing_how server_how = { is_out, server_free };

static void on_closed(struct conn *conn)
{
	struct client *c = container_of(conn, struct client, conn);
	struct http_server *s = c->s;

	list_del(&c->link);
	s->clients_n--;
	buf_close(&c->path);
	buf_close(&c->body);
	mem_free(c);
	ending_step(&s->end);
}

static void leave(struct client *c)
{
	/* The deadline, the peer, a write that ended and a closing server may each come here while the connection closes
	 * already. */
	if (c->sm.now == CLOSING)
		return;
	sm_move(&c->sm, CLOSING);
	timer_stop(c->s->w, &c->deadline);
	timer_stop(c->s->w, &c->again);
	c->s->w->conn_close(c->s->w, &c->conn, on_closed);
}

static void answer(struct client *c, bool is_last);

static void on_deadline(struct timer *t)
{
	struct client *c = container_of(t, struct client, deadline);

	log_debug("http_server.slow", "state=%s", sm_name(&c->sm));
	/* Who waits for us is told why; who keeps us waiting is not. */
	if (c->sm.now == WAITING)
		answer(c, true);
	else
		leave(c);
}

static void on_wrote(struct conn *conn, int rc)
{
	err_ignore(rc, "the peer went before its answer");
	leave(container_of(conn, struct client, conn));
}

/* ---- answering --------------------------------------------------------------------------------------------------------- */

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = {
		{ 200, "OK" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Status"; /* the text is for people, and it must not be missing */
}

static void send_answer(struct client *c, const struct http_server_answer *a)
{
	CLEANUP(buf_close) struct buf out = BUF_MAX(ANSWER_MAX + 1024);

	buf_addf(&out, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n", a->status, reason(a->status),
		 a->body.len);
	buf_adds(&out, "Cache-Control: no-store\r\nConnection: close\r\n\r\n");
	/* The answer to HEAD tells the length that GET would have, and has no content (RFC 9110, 9.3.2). */
	if (c->parser.method != HTTP_HEAD)
		buf_add(&out, buf_str(&a->body), a->body.len);
	sm_move(&c->sm, ANSWERING);
	timer_stop(c->s->w, &c->again);
	/* From here on the time is the peer's, to take the answer: it begins again. */
	timer_start(c->s->w, &c->deadline, PATIENCE_MS, on_deadline);
	c->s->w->conn_write(c->s->w, &c->conn, out.data, out.len, on_wrote);
}

static void refuse(struct client *c, int status)
{
	struct http_server_answer a = { .status = status, .body = BUF_MAX(256) };

	buf_addf(&a.body, "{\"error\":\"%s\"}\n", reason(status));
	send_answer(c, &a);
	buf_close(&a.body);
}

static void on_again(struct timer *t)
{
	answer(container_of(t, struct client, again), false);
}

static void wait_more(struct client *c)
{
	if (c->sm.now == ARRIVING) {
		sm_move(&c->sm, WAITING);
		timer_start(c->s->w, &c->deadline, PATIENCE_MS, on_deadline);
	}
	timer_start(c->s->w, &c->again, AGAIN_MS, on_again);
}

/* What becomes of it, the first that holds:
 *
 *   the handler has closed the server    nothing: the connection closes
 *   it has no answer yet                 it is asked again; after its last time 503
 *   the answer does not fit              500: half of one would be taken for JSON that breaks off
 *   an answer                            it is sent  */
static void answer(struct client *c, bool is_last)
{
	struct http_server_answer a = { .status = 404, .body = BUF_MAX(ANSWER_MAX) };
	struct http_server_req req = {
		.method = llhttp_method_name((llhttp_method_t)c->parser.method),
		.path = buf_str(&c->path),
		.body = buf_str(&c->body),
		.body_len = c->body.len,
		.peer_uid = c->conn.peer_uid,
		.peer_in_group = c->conn.peer_in_group,
		.since_ms = c->since_ms,
		.is_last = is_last,
	};

	c->s->handler(c->s->ctx, &req, &a);
	if (c->sm.now != CLOSING && a.is_later && !is_last)
		wait_more(c);
	else if (c->sm.now != CLOSING && (a.is_later || a.body.over))
		refuse(c, a.is_later ? 503 : 500);
	else if (c->sm.now != CLOSING)
		send_answer(c, &a);
	buf_close(&a.body);
}

/* ---- arriving ---------------------------------------------------------------------------------------------------------- */

static int stop_with(struct client *c, int status)
{
	c->refused = status;
	return HPE_USER;
}

/* The url, names and values: what a head is made of, but for a few bytes a line. None of it is kept but the url. */
static int count_head(llhttp_t *p, const char *at, size_t len)
{
	struct client *c = container_of(p, struct client, parser);

	(void)at;
	c->head_len += len;
	return c->head_len <= HEAD_MAX ? 0 : stop_with(c, 431);
}

static int take_url(llhttp_t *p, const char *at, size_t len)
{
	struct client *c = container_of(p, struct client, parser);

	/* The handler takes the path for a text: what stands behind a NUL would be hidden from it. */
	if (memchr(at, '\0', len) != NULL)
		return stop_with(c, 400);
	return buf_add(&c->path, at, len) == 0 ? count_head(p, at, len) : stop_with(c, 431);
}

static int take_body(llhttp_t *p, const char *at, size_t len)
{
	struct client *c = container_of(p, struct client, parser);

	return buf_add(&c->body, at, len) == 0 ? 0 : stop_with(c, 413);
}

static int take_end(llhttp_t *p)
{
	container_of(p, struct client, parser)->whole = true;
	return HPE_PAUSED; /* a second request in the same bytes is not parsed */
}

static const llhttp_settings_t *settings(void)
{
	static llhttp_settings_t s;

	/* Each parser keeps the pointer, so this is one for all; filling it again writes what is there. */
	llhttp_settings_init(&s);
	s.on_url = take_url;
	s.on_header_field = count_head;
	s.on_header_value = count_head;
	s.on_body = take_body;
	s.on_message_complete = take_end;
	return &s;
}

static void on_read(struct conn *conn, const char *data, size_t len)
{
	struct client *c = container_of(conn, struct client, conn);
	llhttp_errno_t rc;

	/* One that waits holds a place among the connections, so it is let go with its peer. While an answer is written, on_wrote
	 * sees that. */
	if (data == NULL && (c->sm.now == ARRIVING || c->sm.now == WAITING))
		leave(c);
	if (c->sm.now != ARRIVING)
		return; /* what follows a request is not read */
	/* A whole request is told by take_end, not by rc, which says "paused" then, like for an error. */
	rc = llhttp_execute(&c->parser, data, len);
	if (c->whole) {
		c->since_ms = world_now_ms(c->s->w);
		answer(c, false);
	} else if (rc != HPE_OK) {
		refuse(c, c->refused != 0 ? c->refused : 400);
	}
}

static struct conn *on_conn(struct listener *l)
{
	struct http_server *s = container_of(l, struct http_server, listener);
	struct client *c;

	if (s->clients_n >= CONNS_MAX) {
		log_warn("http_server.full", "conns=%u", s->clients_n);
		return NULL;
	}
	c = mem_new(struct client);
	c->s = s;
	c->conn.on_read = on_read;
	c->path = BUF_MAX(HEAD_MAX);
	c->body = BUF_MAX(BODY_MAX);
	sm_init(&c->sm, &client_machine, ARRIVING);
	llhttp_init(&c->parser, HTTP_REQUEST, settings());
	list_add(&s->clients, &c->link);
	s->clients_n++;
	timer_start(s->w, &c->deadline, PATIENCE_MS, on_deadline);
	return &c->conn;
}

struct http_server *http_server_new(struct world *w, const char *path, unsigned mode, http_server_handler *handler, void *ctx,
				    struct err *e)
{
	struct http_server *s = mem_new(struct http_server);

	s->w = w;
	s->path = mem_str(path);
	s->handler = handler;
	s->ctx = ctx;
	s->listener.on_conn = on_conn;
	s->listener.path = s->path;
	list_init(&s->clients);
	if (w->serve(w, &s->listener, mode, e) != 0) {
		mem_free(s->path);
		mem_free(s);
		return NULL;
	}
	return s;
}

void http_server_close(struct http_server *s, void (*done)(void *ctx), void *ctx)
{
	/* Before the clients leave: the callback of the last one is the step that ends the close. */
	ending_begin(&s->end, s->w, &server_how, done, ctx);
	s->w->unserve(s->w, &s->listener);
	list_each(n, &s->clients)
		leave(list_entry(n, struct client, link));
}
