/* http_sim.c - the network as a function: requests travel, a handler answers, answers travel back.
 *
 * start -> (travel) -> handler -> (its delay, travel) -> callback. Limits and timeouts are the real world's. An exchange
 * has two ends that may go away alone: the asker (answered, timed out, cancelled, crashed) and the handler (answered); it
 * is freed when both are done. */
#include "tests/sim/copy.h"
#include "tests/sim/world_sim_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define GONE_MS 80000
#define TOTAL_MS 30000

struct exchange {
	struct sim_http x; /* first: what the handler sees */
	struct list link;
	struct world_sim *s;
	struct http_req *r; /* NULL: the asker is gone */
	struct http_header headers[HTTP_HEADERS_MAX];
	struct sim_event *deadline;
	struct sim_event *way; /* the request or the answer on its way */
	bool answered;         /* by the handler, or never reached it */
	bool lose_request, lose_answer;
	/* the answer on its way */
	int rc, status;
	char *head;
	void *body;
	size_t body_len;
};

static struct exchange *exchange_of(const struct sim_http *x)
{
	return container_of((struct sim_http *)x, struct exchange, x);
}

static void exchange_free(struct exchange *x)
{
	list_del(&x->link);
	sim_event_drop(x->deadline);
	sim_event_drop(x->way);
	for (size_t i = 0; i < x->x.headers_n; i++) {
		mem_free((char *)x->headers[i].name);
		mem_free((char *)x->headers[i].value);
	}
	mem_free((char *)x->x.method);
	mem_free((char *)x->x.url);
	mem_free((void *)x->x.body);
	mem_free((char *)x->x.connect_to);
	mem_free((char *)x->x.proxy);
	mem_free((char *)x->x.ca_file);
	mem_free((char *)x->x.unix_socket);
	mem_free(x->head);
	mem_free(x->body);
	mem_free(x);
}

static void release_if_done(struct exchange *x)
{
	if (x->r == NULL && x->answered && x->way == NULL)
		exchange_free(x);
}

static int fail(struct http_req *r, int code, const char *why)
{
	const char *from = strstr(r->url, "://");

	from = from != NULL ? from + 3 : r->url;
	return err_set(&r->err, code, "%s %.*s: %s", r->method, (int)strcspn(from, "/?#"), from, why);
}

/* The asker's end is over: the callback comes last, as it may start the same request again. */
static void finish(struct exchange *x, int rc)
{
	struct http_req *r = x->r;

	sim_event_drop(x->deadline);
	x->deadline = NULL;
	x->r = NULL;
	r->impl = NULL;
	sim_trace(&x->s->w, "http done %s %d %s", r->url, r->status, err_name(rc));
	release_if_done(x);
	r->cb(r, rc);
}

static void on_deadline(void *ctx)
{
	struct exchange *x = ctx;

	x->deadline = NULL;
	finish(x, fail(x->r, ERR_TIMEOUT, "no answer in time"));
}

static void on_denied(void *ctx)
{
	struct exchange *x = ctx;

	x->deadline = NULL;
	x->answered = true; /* nothing has left */
	finish(x, http_req_check(x->r));
}

static void on_canceled(void *ctx)
{
	struct exchange *x = ctx;

	x->deadline = NULL;
	finish(x, fail(x->r, ERR_CANCELED, "canceled"));
}

/* ---- the answer ------------------------------------------------------------------------------------------------------- */

static int fill(struct exchange *x, struct http_req *r)
{
	if (x->rc != 0 || x->lose_answer)
		return fail(r, x->rc != 0 ? -x->rc : ERR_NET, "the connection is lost");
	r->status = x->status;
	if ((x->head != NULL && buf_adds(&r->head, x->head) != 0) || buf_add(&r->body, x->body, x->body_len) != 0)
		return fail(r, ERR_LIMIT, "the answer is larger than we allow");
	return 0;
}

static bool is_canceled(const struct exchange *x)
{
	return x->deadline != NULL && x->deadline->run == on_canceled;
}

static void on_answer(void *ctx)
{
	struct exchange *x = ctx;

	x->way = NULL;
	if (is_canceled(x))
		return;                                                 /* that event comes at the same instant and frees x */
	if (x->r != NULL && sim_crash_point(x->s, "answer", x->r->url)) /* its end went with the agent */
		return;
	if (x->r != NULL)
		finish(x, fill(x, x->r));
	else
		release_if_done(x);
}

static uint64_t travel(struct world_sim *s)
{
	return sim_between(s, s->net_least_ms, s->net_most_ms);
}

static void send_answer(struct exchange *x, uint32_t delay_ms)
{
	assert(!x->answered);
	x->answered = true;
	x->way = sim_event_add(x->s, delay_ms + travel(x->s), "answer", false, on_answer, x);
}

void sim_http_answer(struct sim_http *sx, int status, const char *headers, const void *body, size_t len, uint32_t delay_ms)
{
	struct exchange *x = exchange_of(sx);

	x->status = status;
	x->head = mem_str(headers);
	x->body = copy_of(body != NULL ? body : "", len);
	x->body_len = len;
	sim_trace(&x->s->w, "http answer %s %d %zu", sx->url, status, len);
	send_answer(x, delay_ms);
}

void sim_http_fail(struct sim_http *sx, int rc, uint32_t delay_ms)
{
	struct exchange *x = exchange_of(sx);

	x->rc = rc;
	send_answer(x, delay_ms);
}

const char *sim_http_header(const struct sim_http *x, const char *name)
{
	for (size_t i = 0; i < x->headers_n; i++)
		if (strcasecmp(x->headers[i].name, name) == 0)
			return x->headers[i].value;
	return NULL;
}

bool sim_http_gone(const struct sim_http *x)
{
	return exchange_of(x)->r == NULL;
}

/* ---- the question ------------------------------------------------------------------------------------------------------ */

/* A request that is lost, or that nobody serves, comes back as a broken connection. What is on its way arrives, even
 * when the agent that sent it is dead by now. */
static void on_arrival(void *ctx)
{
	struct exchange *x = ctx;
	struct world_sim *s = x->s;

	x->way = NULL;
	if (x->r != NULL)
		sim_crash_point(s, "request", x->x.url);
	if (x->lose_request || s->handler == NULL)
		sim_http_fail(&x->x, -ERR_NET, 0);
	else
		s->handler(s->handler_ctx, &x->x);
}

static void copy_question(struct exchange *x, const struct http_req *r)
{
	struct sim_http *to = &x->x;

	to->method = mem_str(r->method);
	to->url = mem_str(r->url);
	to->headers = x->headers;
	to->headers_n = r->headers_n;
	for (size_t i = 0; i < r->headers_n; i++)
		x->headers[i] = (struct http_header){ mem_str(r->headers[i].name), mem_str(r->headers[i].value) };
	to->body = mem_strn(r->send != NULL ? r->send : "", r->send_len);
	to->body_len = r->send_len;
	to->connect_to = mem_str(r->connect_to);
	to->proxy = mem_str(r->proxy != NULL ? r->proxy->place : NULL);
	to->ca_file = mem_str(r->ca_file);
	to->unix_socket = mem_str(r->unix_socket);
}

/* A request that is lost on the way is a peer that vanished: the connection's own probes notice it. */
static uint32_t patience(const struct exchange *x)
{
	uint32_t total = x->r->total_ms > 0 ? x->r->total_ms : TOTAL_MS;

	return x->lose_request && total > GONE_MS ? GONE_MS : total;
}

static void start(struct world *w, struct http_req *r, http_cb *cb)
{
	static const int fits[] = { ERR_NET, 0 };
	struct world_sim *s = sim_of(w);
	struct exchange *x = mem_new(struct exchange);
	struct digest d = digest_of(r->send, r->send_len);

	http_req_begin(r, x, cb);
	x->s = s;
	x->r = r;
	x->x.w = w;
	copy_question(x, r);
	list_add(&s->https, &x->link);
	sim_trace(w, "http %s %s %02x%02x%02x%02x", r->method, r->url, d.b[0], d.b[1], d.b[2], d.b[3]);
	if (http_req_check(r) != 0) {
		x->deadline = sim_event_add(s, 0, "http denied", true, on_denied, x);
		return;
	}
	if (sim_fault(s, SIM_HTTP, fits) != 0) {
		x->lose_request = sim_one_in(s, 2);
		x->lose_answer = true;
	}
	x->deadline = sim_event_add(s, patience(x), "http timeout", true, on_deadline, x);
	x->way = sim_event_add(s, travel(s), "request", false, on_arrival, x);
}

static void cancel(struct world *w, struct http_req *r)
{
	struct exchange *x = r->impl;

	if (x == NULL || is_canceled(x))
		return;
	sim_event_drop(x->deadline);
	x->deadline = sim_event_add(sim_of(w), 0, "http cancel", true, on_canceled, x);
}

void sim_http_handle(struct world *w, sim_http_handler *handler, void *ctx)
{
	sim_of(w)->handler = handler;
	sim_of(w)->handler_ctx = ctx;
}

void sim_net(struct world *w, uint32_t least_ms, uint32_t most_ms)
{
	sim_of(w)->net_least_ms = least_ms;
	sim_of(w)->net_most_ms = most_ms;
}

void sim_http_init(struct world_sim *s)
{
	list_init(&s->https);
	sim_net(&s->w, 1, 30);
	s->w.http_start = start;
	s->w.http_cancel = cancel;
}

/* The deadlines have gone with the other mortal events. */
void sim_http_crash(struct world_sim *s)
{
	list_each_safe(n, &s->https) {
		struct exchange *x = list_entry(n, struct exchange, link);

		if (x->r != NULL)
			sim_bury(x->r);
		x->r = NULL;
		x->deadline = NULL;
		release_if_done(x);
	}
}

/* Exchanges that a handler never answered end here; their events are gone. */
void sim_http_close(struct world_sim *s)
{
	list_each_safe(n, &s->https) {
		struct exchange *x = list_entry(n, struct exchange, link);

		x->way = x->deadline = NULL;
		exchange_free(x);
	}
}
