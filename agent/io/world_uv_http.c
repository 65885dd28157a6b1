/* world_uv_http.c - http requests: libcurl's multi interface, driven by the loop.
 *
 * curl says which sockets to watch and when to be called again; on_socket and on_alarm tell it what happened; `reap`
 * hands out what has finished. One easy handle a request; the connections stay in the multi and are used again.
 * curl never calls an owner: its own callbacks only collect bytes, so an owner may start and cancel anything at any time.
 * Before curl hears of a request, the certificates that count are known (world_uv_trust.c), and then the addresses of its host
 * (world_uv_name.c); how curl is told is world_uv_http_rules.c.
 * Fails as world.h says. A cancelled request, and one that curl would not even begin, calls back from a timer of 0 ms.
 * Closing drops what runs, without callbacks. */
#include "agent/io/world_uv_http_impl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_MS 3000
#define PROXY_CONNECT_MS 10000 /* it looks the name up and connects, while we wait */
#define TOTAL_MS 30000
#define IDLE_CONNS 64L

/* One socket that curl wants watched. */
struct curl_socket {
	uv_poll_t poll;
	struct world_uv *u;
	curl_socket_t fd;
};

static void reap(struct world_uv *u);

/* ---- what curl asks of the loop ------------------------------------------------------------------------------------ */

static void on_http_alarm(uv_timer_t *alarm)
{
	struct world_uv *u = container_of(alarm, struct world_uv, http_alarm);
	int running;

	curl_multi_socket_action(u->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(u);
}

static int set_alarm(CURLM *multi, long delay_ms, void *ctx)
{
	struct world_uv *u = ctx;

	(void)multi;
	if (delay_ms < 0)
		uv_timer_stop(&u->http_alarm);
	else
		/* A delay of 0 goes through the loop, too: from inside its own callback curl must not be called
		 * (CURLMOPT_TIMERFUNCTION(3)). */
		uv_timer_start(&u->http_alarm, on_http_alarm, (uint64_t)delay_ms, 0);
	return 0;
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct curl_socket *s = container_of(poll, struct curl_socket, poll);
	struct world_uv *u = s->u;
	int flags = 0, running;

	/* curl finds out itself what is wrong with the socket. */
	if (status < 0)
		flags |= CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(u->multi, s->fd, flags, &running); /* s may be closing from here on */
	reap(u);
}

static void on_socket_closed(uv_handle_t *h)
{
	mem_free(container_of((uv_poll_t *)h, struct curl_socket, poll));
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
	struct world_uv *u = ctx;
	struct curl_socket *s = known;
	int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);

	(void)easy;
	/* The handle's memory goes when libuv has let go of it, so curl's pointer to it is taken back at once: the number of the
	 * socket may be given to another connection in the same turn. */
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			uv_close((uv_handle_t *)&s->poll, on_socket_closed);
		curl_multi_assign(u->multi, fd, NULL);
		return 0;
	}
	if (s == NULL) {
		s = mem_new(struct curl_socket);
		s->u = u;
		s->fd = fd;
		if (uv_poll_init_socket(&u->loop, &s->poll, fd) != 0) {
			mem_free(s);
			return -1;
		}
		curl_multi_assign(u->multi, fd, s);
	}
	uv_poll_start(&s->poll, events, on_socket);
	return 0;
}

/* ---- the answer ------------------------------------------------------------------------------------------------------ */

static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	if (buf_add(&t->r->body, data, size * n) == 0)
		return size * n;
	t->over = true;
	return 0; /* another number than it was given ends the transfer */
}

/* curl gives one line a call, with those of interim answers (1xx) and, behind the body, of trailers. */
static size_t take_head(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	struct http_req *r = t->r;
	size_t len = size * n;

	while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r'))
		len--;
	if (t->head_done)
		return size * n;
	if (len == 0) {
		long status = 0;

		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		/* The blank line behind an interim answer (1xx) does not end the head: the final one follows. */
		t->head_done = status >= 200;
	} else if (len > 5 && memcmp(data, "HTTP/", 5) == 0) {
		/* A status line begins a head, so what came before it was of an interim answer. */
		buf_reset(&r->head);
	} else if (data[0] != ' ' && data[0] != '\t' && memchr(data, ':', len) != NULL) {
		buf_add(&r->head, data, len);
		if (buf_addc(&r->head, '\n') != 0) {
			t->over = true;
			return 0;
		}
	}
	return size * n;
}

static void release(struct transfer *t)
{
	timer_stop(&t->u->w, &t->later);
	timer_stop(&t->u->w, &t->patience);
	list_del(&t->r->link);
	t->r->impl = NULL;
	/* Harmless for a handle that was never added or is removed already. It comes before the rest: until then curl uses the
	 * lists. */
	curl_multi_remove_handle(t->u->multi, t->easy);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	if (t->to_proxy != NULL)
		secret_wipe(t->to_proxy->data, strlen(t->to_proxy->data));
	curl_slist_free_all(t->to_proxy);
	curl_slist_free_all(t->connect_to);
	curl_slist_free_all(t->resolve);
	world_uv_name_drop(&t->ask);
	world_uv_trust_drop(&t->trust);
	mem_free(t->host);
	mem_free(t);
}

static void finish(struct transfer *t, int rc)
{
	struct http_req *r = t->r;

	/* The callback comes last: it may start r again, or free it. */
	release(t);
	r->cb(r, rc);
}

/* "https://user:password@host:443/path?query" -> the part that a person needs; what is before and behind it may be secret. */
static int fail(struct transfer *t, int code, const char *why)
{
	const char *url = t->r->url;
	const char *from = strstr(url, "://"), *at, *by = "", *place = "";
	size_t host;

	from = from != NULL ? from + 3 : url;
	host = strcspn(from, "/?#");
	if ((at = memrchr(from, '@', host)) != NULL) {
		host -= (size_t)(at + 1 - from);
		from = at + 1;
	}
	if (t->r->unix_socket != NULL)
		by = " at ", place = t->r->unix_socket;
	else if (t->r->proxy != NULL)
		by = " by the proxy ", place = t->r->proxy->place;
	return err_set(&t->r->err, code, "%s %.*s%s%s: %s", t->r->method, (int)host, from, by, place, why);
}

/* What became of the connection, for the next request to the same host. */
static void teach(struct transfer *t, CURLcode cc)
{
	char *address = NULL;

	if (t->ask.host == NULL)
		return;
	if (curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address != NULL && *address != '\0')
		world_uv_name_used(t->u, t->host, t->epoch, address);
	/* Any failure counts: a silence or a wrong certificate may mean that the address is another host's by now. */
	if (cc != CURLE_OK)
		world_uv_name_doubt(t->u, t->host);
}

/* What a proxy has answered to CONNECT, when that was no yes; else NULL. */
static const char *refused_by_proxy(const struct transfer *t, char *to, size_t size)
{
	long code = 0;

	if (t->r->proxy == NULL || curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &code) != CURLE_OK || code / 100 == 2 ||
	    code == 0)
		return NULL;
	if (code == 407 && secret_empty(&t->r->proxy->pair))
		snprintf(to, size, "it answers 407: it wants a name and a password, which the credential reeve.proxy can hold");
	else if (code == 407)
		snprintf(to, size, "it answers 407: it does not take the name and password of the credential reeve.proxy");
	else
		snprintf(to, size, "it answers %ld to CONNECT%s", code, code == 403 ? ": it must be let through there" : "");
	return to;
}

/* A transfer has ended:
 *
 *   a proxy did not connect us              -ERR_NET: what it says is not the host's answer
 *   the body or the head did not fit        -ERR_LIMIT, with the status if there was one
 *   curl is content, and there is a status  0: an answer, whatever its status
 *   curl is content, and there is none      -ERR_NET: what came was no HTTP
 *   curl's time ran out                     -ERR_TIMEOUT
 *   any other failure                       -ERR_NET */
static int judge(struct transfer *t, CURLcode cc)
{
	const char *why = t->why[0] != '\0' ? t->why : curl_easy_strerror(cc);
	long status = 0, errnum = 0;
	char refusal[128];

	if (refused_by_proxy(t, refusal, sizeof(refusal)) != NULL)
		return fail(t, ERR_NET, refusal);
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	t->r->status = (int)status;
	if (cc == CURLE_COULDNT_CONNECT && curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &errnum) == CURLE_OK && errnum != 0)
		why = strerror((int)errnum);
	else if (cc == CURLE_COULDNT_CONNECT) /* curl's own sentence would name the alias, not the host */
		why = "no connection";
	else if (cc == CURLE_OPERATION_TIMEDOUT && !t->is_sent)
		why = "no connection in time";
	else if (t->is_lost) /* curl's sentence would tell of our callback, not of the peer */
		why = "the connection, which was used before, was lost without an answer";
	teach(t, cc);
	/* Asked first: curl calls a transfer that we ended a write error. */
	if (t->over)
		return fail(t, ERR_LIMIT, "the answer is larger than we allow");
	if (cc == CURLE_OK)
		return status > 0 ? 0 : fail(t, ERR_NET, "an answer without a status");
	return fail(t, cc == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_NET, why);
}

static void reap(struct world_uv *u)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(u->multi, &left)) != NULL) {
		struct transfer *t;
		void *p = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		/* m is gone once the handle is removed (curl_multi_info_read(3)), so it is read before finish. */
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &p);
		t = p;
		finish(t, judge(t, m->data.result));
	}
}

static void on_later(struct timer *later)
{
	struct transfer *t = container_of(later, struct transfer, later);

	finish(t, t->rc);
}

static void end_later(struct transfer *t, int rc)
{
	t->rc = rc;
	timer_start(&t->u->w, &t->later, 0, on_later);
}

/* What is left of a time limit after the resolver and the disk have used some of it; never 0, which means curl's own default. */
static long left_ms(const struct transfer *t, uint32_t of_ms)
{
	uint64_t gone_ms = world_now_ms(&t->u->w) - t->started_ms;

	return gone_ms < of_ms ? (long)(of_ms - gone_ms) : 1;
}

static uint32_t connect_ms(const struct http_req *r)
{
	if (r->connect_ms > 0)
		return r->connect_ms;
	return r->proxy != NULL ? PROXY_CONNECT_MS : CONNECT_MS;
}

static uint32_t total_ms(const struct http_req *r)
{
	return r->total_ms > 0 ? r->total_ms : TOTAL_MS;
}

/* Until curl has the request. */
static uint32_t patience_ms(const struct http_req *r)
{
	return connect_ms(r) < total_ms(r) ? connect_ms(r) : total_ms(r);
}

static void finish_early(struct transfer *t, int rc)
{
	if (rc != 0)
		finish(t, rc);
}

static int launch(struct transfer *t)
{
	/* From here on curl counts the time. */
	timer_stop(&t->u->w, &t->patience);
	world_uv_http_route(t);
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, left_ms(t, connect_ms(t->r)));
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, left_ms(t, total_ms(t->r)));
	if (curl_multi_add_handle(t->u->multi, t->easy) != CURLM_OK)
		return fail(t, ERR_NET, "cannot be started");
	return 0;
}

static void on_name(struct name_ask *a, int rc)
{
	struct transfer *t = container_of(a, struct transfer, ask);

	finish_early(t, rc == 0 ? launch(t) : fail(t, -rc, err_text(&a->err)));
}

static int find_addresses(struct transfer *t)
{
	int rc = t->ask.host != NULL ? world_uv_name_ask(t->u, &t->ask, on_name) : 1;

	if (rc < 0)
		return fail(t, -rc, err_text(&t->ask.err));
	return rc > 0 ? launch(t) : 0;
}

static void on_trust(struct trust_ask *a, int rc)
{
	struct transfer *t = container_of(a, struct transfer, trust);

	finish_early(t, rc == 0 ? find_addresses(t) : fail(t, ERR_NET, err_text(&a->err)));
}

static int find_certificates(struct transfer *t)
{
	if (!world_uv_http_is_tls(t))
		return find_addresses(t);
	if (world_uv_trust_ask(t->u, &t->trust, on_trust) != 0)
		return fail(t, ERR_NET, err_text(&t->trust.err));
	return 0;
}

static void on_patience(struct timer *patience)
{
	struct transfer *t = container_of(patience, struct transfer, patience);
	/* One question is out at a time: for the certificates first, then for the name. */
	bool is_named = t->ask.name != NULL;
	CLEANUP(mem_close)
	char *why = mem_printf("%s%s: no answer from the %s in %u ms", is_named ? "the name " : "",
			       is_named ? t->host : "the file of certificates", is_named ? "resolver" : "disk", patience_ms(t->r));

	finish(t, fail(t, ERR_TIMEOUT, why));
}

static int prepare(struct transfer *t)
{
	CURL *c = t->easy;

	TRY(http_req_check(t->r));
	curl_easy_setopt(c, CURLOPT_PRIVATE, t);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->why);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_head);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	TRY(world_uv_http_rules(t));
	TRY(world_uv_http_aim(t));
	return curl_easy_setopt(c, CURLOPT_URL, t->r->url) == CURLE_OK ? 0 : fail(t, ERR_NET, "cannot be started");
}

static void start(struct world *w, struct http_req *r, http_cb *cb)
{
	struct world_uv *u = world_uv_of(w);
	struct transfer *t = mem_new(struct transfer);
	int rc;

	http_req_begin(r, t, cb);
	list_add(&u->https, &r->link);
	*t = (struct transfer){
		.u = u,
		.r = r,
		.easy = curl_easy_init(),
		.trust.ca_file = r->ca_file,
		.started_ms = world_now_ms(w),
	};
	assert(t->easy != NULL);
	timer_start(w, &t->patience, patience_ms(r), on_patience);
	rc = prepare(t);
	if (rc == 0)
		rc = find_certificates(t);
	if (rc != 0)
		end_later(t, rc);
}

static void cancel(struct world *w, struct http_req *r)
{
	struct world_uv *u = world_uv_of(w);
	struct transfer *t = r->impl;

	/* Where `later` runs its end is decided already, and its callback on the way. */
	if (t == NULL || t->later.cb != NULL)
		return;
	timer_stop(w, &t->patience);
	world_uv_trust_drop(&t->trust);
	world_uv_name_drop(&t->ask);
	curl_multi_remove_handle(u->multi, t->easy);
	end_later(t, fail(t, ERR_CANCELED, "canceled"));
}

int world_uv_http_init(struct world_uv *u, struct err *e)
{
	list_init(&u->https);
	uv_timer_init(&u->loop, &u->http_alarm);
	u->w.http_start = start;
	u->w.http_cancel = cancel;
	world_uv_http_deaf();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || (u->multi = curl_multi_init()) == NULL)
		return err_set(e, ERR_IO, "libcurl cannot start");
	curl_multi_setopt(u->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(u->multi, CURLMOPT_SOCKETDATA, u);
	curl_multi_setopt(u->multi, CURLMOPT_TIMERFUNCTION, set_alarm);
	curl_multi_setopt(u->multi, CURLMOPT_TIMERDATA, u);
	curl_multi_setopt(u->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNS);
	return 0;
}

void world_uv_http_close(struct world_uv *u)
{
	struct list *n;

	while ((n = list_pop(&u->https)) != NULL)
		release(list_entry(n, struct http_req, link)->impl);
	curl_multi_cleanup(u->multi);
	curl_global_cleanup();
	uv_close((uv_handle_t *)&u->http_alarm, NULL);
}
