/* world_uv_http.c - http requests: libcurl's multi interface, driven by the loop.
 *
 * curl says which sockets to watch and when to be called again; on_socket and on_alarm tell it what happened; `reap`
 * hands out what has finished. One easy handle a request; the connections stay in the multi and are used again.
 * curl never calls an owner: its own callbacks only collect bytes, so an owner may start and cancel anything at any time.
 * Fails as world.h says. A cancelled request, and one that curl would not even begin, calls back from a timer of 0 ms.
 * Closing drops what runs, without callbacks. */
#include "agent/io/world_uv_impl.h"

#include <assert.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define CONNECT_MS 3000
#define TOTAL_MS 30000
#define IDLE_CONNS 64L
#define CA_FILE_MAX (1u << 20)
/* A peer that is gone without a word: after KEEP_IDLE_S of silence it is probed each KEEP_EACH_S; what it leaves unanswered for
 * GONE_MS, a probe or our request, ends the connection. */
#define KEEP_IDLE_S 20L
#define KEEP_EACH_S 10L
#define GONE_MS 60000u

/* One request on its way. */
struct transfer {
	struct world_uv *u;
	struct http_req *r;
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	struct timer later; /* runs when rc is known without curl */
	int rc;
	bool head_done; /* what comes behind the final head's blank line are trailers: dropped */
	bool over;      /* the answer did not fit */
	char why[CURL_ERROR_SIZE];
};

/* One socket that curl wants watched. */
struct socket {
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
		uv_timer_start(&u->http_alarm, on_http_alarm, (uint64_t)delay_ms, 0);
	return 0;
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct socket *s = container_of(poll, struct socket, poll);
	struct world_uv *u = s->u;
	int flags = 0, running;

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
	mem_free(container_of((uv_poll_t *)h, struct socket, poll));
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
	struct world_uv *u = ctx;
	struct socket *s = known;
	int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL)
			uv_close((uv_handle_t *)&s->poll, on_socket_closed);
		curl_multi_assign(u->multi, fd, NULL);
		return 0;
	}
	if (s == NULL) {
		s = mem_new(struct socket);
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
	return 0;
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
		t->head_done = status >= 200;
	} else if (len > 5 && memcmp(data, "HTTP/", 5) == 0) {
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
	t->u->w.timer_stop(&t->u->w, &t->later);
	list_del(&t->r->link);
	t->r->impl = NULL;
	curl_multi_remove_handle(t->u->multi, t->easy);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->connect_to);
	mem_free(t);
}

static void finish(struct transfer *t, int rc)
{
	struct http_req *r = t->r;

	release(t);
	r->cb(r, rc);
}

/* "https://host:443/path?query" -> the part that a person needs; a query may be signed and so secret. */
static int fail(struct transfer *t, int code, const char *why)
{
	const char *url = t->r->url;
	const char *from = strstr(url, "://");
	size_t host;

	from = from != NULL ? from + 3 : url;
	host = strcspn(from, "/?#");
	return err_set(&t->r->err, code, "%s %.*s%s%s: %s", t->r->method, (int)host, from, t->r->unix_socket != NULL ? " at " : "",
		       t->r->unix_socket != NULL ? t->r->unix_socket : "", why);
}

static int judge(struct transfer *t, CURLcode cc)
{
	const char *why = t->why[0] != '\0' ? t->why : curl_easy_strerror(cc);
	long status = 0, errnum = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	t->r->status = (int)status;
	if (cc == CURLE_COULDNT_CONNECT && curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &errnum) == CURLE_OK && errnum != 0)
		why = strerror((int)errnum);
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
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &p);
		t = p;
		finish(t, judge(t, m->data.result));
	}
}

/* ---- the question ---------------------------------------------------------------------------------------------------- */

static void add_line(struct transfer *t, const char *fmt, const char *name, const char *value)
{
	char *line = mem_printf(fmt, name, value);

	t->headers = curl_slist_append(t->headers, line);
	mem_free(line);
}

static bool has_header(const struct http_req *r, const char *name)
{
	for (size_t i = 0; i < r->headers_n; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return true;
	return false;
}

/* curl adds some headers of its own; "Name:" takes one away, "Name;" sends one without a value. */
static void set_headers(struct transfer *t)
{
	static const char *const own[] = { "Expect", "Accept", "Content-Type", "User-Agent" };
	const struct http_req *r = t->r;

	for (size_t i = 0; i < r->headers_n; i++) {
		const struct http_header *h = &r->headers[i];

		add_line(t, h->value[0] != '\0' ? "%s: %s" : "%s;%s", h->name, h->value);
	}
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (!has_header(r, own[i]))
			add_line(t, "%s:%s", own[i], "");
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
}

static void set_method(CURL *c, const struct http_req *r)
{
	bool sends = r->send_len > 0 || strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0;

	if (strcmp(r->method, "HEAD") == 0) {
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
		return;
	}
	if (sends) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->send_len);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->send_len > 0 ? r->send : "");
	}
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
}

static void set_route(struct transfer *t)
{
	const struct http_req *r = t->r;
	CURL *c = t->easy;

	if (r->direct || r->unix_socket != NULL)
		curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
	if (r->unix_socket != NULL)
		curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
	if (r->connect_to != NULL) {
		char *rule = mem_printf("::%s", r->connect_to);

		t->connect_to = curl_slist_append(NULL, rule);
		curl_easy_setopt(c, CURLOPT_CONNECT_TO, t->connect_to);
		mem_free(rule);
	}
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
}

/* These certificates and no others: curl's own file and folder of the system's would go on counting beside them. They are given by
 * value, so that what the file holds now is asked at each request: curl uses no connection that was verified with other ones. */
static int set_ca(struct transfer *t)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(CA_FILE_MAX);
	struct curl_blob blob = { .flags = CURL_BLOB_COPY };

	if (t->r->ca_file == NULL)
		return 0;
	TRY(disk_read_all(&t->u->w, t->r->ca_file, &b, &t->r->err));
	if (b.len == 0) /* curl would take no bytes for no wish, and ask the system's */
		return err_set(&t->r->err, ERR_INVALID, "%s is empty, expected certificates in PEM", t->r->ca_file);
	blob.data = b.data;
	blob.len = b.len;
	if (curl_easy_setopt(t->easy, CURLOPT_CAINFO_BLOB, &blob) != CURLE_OK ||
	    curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL) != CURLE_OK)
		return err_set(&t->r->err, ERR_NET, "curl does not take the certificates of %s", t->r->ca_file);
	return 0;
}

/* Without TCP_USER_TIMEOUT the kernel repeats an unanswered request for a quarter of an hour and does not probe meanwhile. */
static int set_socket(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	unsigned gone_ms = GONE_MS;

	(void)ctx;
	(void)purpose;
	if (setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone_ms, sizeof(gone_ms)) != 0)
		err_ignore(-ERR_IO, "a unix socket has none, and its peer cannot vanish");
	return CURL_SOCKOPT_OK;
}

static void set_rules(struct transfer *t)
{
	const struct http_req *r = t->r;
	CURL *c = t->easy;

	curl_easy_setopt(c, CURLOPT_PRIVATE, t);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->why);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L); /* a signature covers the path as it was written */
	curl_easy_setopt(c, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPIDLE, KEEP_IDLE_S);
	curl_easy_setopt(c, CURLOPT_TCP_KEEPINTVL, KEEP_EACH_S);
	curl_easy_setopt(c, CURLOPT_SOCKOPTFUNCTION, set_socket);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(r->connect_ms > 0 ? r->connect_ms : CONNECT_MS));
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(r->total_ms > 0 ? r->total_ms : TOTAL_MS));
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_head);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
}

static void on_later(struct timer *later)
{
	struct transfer *t = container_of(later, struct transfer, later);

	finish(t, t->rc);
}

static void start(struct world *w, struct http_req *r, http_cb *cb)
{
	struct world_uv *u = world_uv_of(w);
	struct transfer *t = mem_new(struct transfer);

	http_req_begin(r, t, cb);
	list_add(&u->https, &r->link);
	*t = (struct transfer){ .u = u, .r = r, .easy = curl_easy_init() };
	assert(t->easy != NULL);
	set_rules(t);
	set_headers(t);
	set_method(t->easy, r);
	set_route(t);
	t->rc = set_ca(t);
	if (t->rc != 0) {
		w->timer_start(w, &t->later, 0, on_later);
		return;
	}
	if (curl_easy_setopt(t->easy, CURLOPT_URL, r->url) != CURLE_OK ||
	    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
	    curl_multi_add_handle(u->multi, t->easy) != CURLM_OK) {
		t->rc = fail(t, ERR_NET, "cannot be started");
		w->timer_start(w, &t->later, 0, on_later);
	}
}

static void cancel(struct world *w, struct http_req *r)
{
	struct world_uv *u = world_uv_of(w);
	struct transfer *t = r->impl;

	if (t == NULL || t->later.cb != NULL)
		return;
	curl_multi_remove_handle(u->multi, t->easy);
	t->rc = fail(t, ERR_CANCELED, "canceled");
	w->timer_start(w, &t->later, 0, on_later);
}

int world_uv_http_init(struct world_uv *u, struct err *e)
{
	list_init(&u->https);
	uv_timer_init(&u->loop, &u->http_alarm);
	u->w.http_start = start;
	u->w.http_cancel = cancel;
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
