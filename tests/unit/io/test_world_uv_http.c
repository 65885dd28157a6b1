/* test_world_uv_http.c - the real world's http against a small server in a thread: what is sent, what is handed over, and why
 * there is no answer. */
#include "tests/unit/io/server.h"

#include <netinet/tcp.h>

#include "agent/base/str.h"

static int server_get(struct server *s, const char *path, struct http_req *r)
{
	r->method = r->method != NULL ? r->method : "GET";
	r->url = server_url(s, path);
	r->body.max = r->body.max > 0 ? r->body.max : 65536;
	return bench_http(&s->b, r);
}

static void http_hands_over_status_head_and_body(void **state)
{
	struct server *s = *state;
	struct http_req r = { 0 };
	struct buf v = BUF_MAX(100);

	http_header_set(&r, "X-Empty", "");
	http_header_set(&r, "Host", "other.example");
	assert_int_equal(server_get(s, "/hello", &r), 0);
	assert_int_equal(r.status, 404);
	assert_string_equal(buf_str(&r.body), "hello");
	assert_false(http_header_get(&r, "X-Interim", &v));
	assert_true(http_header_get(&r, "Retry-After", &v));
	assert_string_equal(buf_str(&v), "7");
	assert_true(http_header_get(&r, "x-one", &v));
	assert_string_equal(buf_str(&v), "1");
	assert_string_equal(s->seen, "GET /hello HTTP/1.1\r\nHost: other.example\r\nX-Empty:\r\n\r\n");
	buf_close(&v);
	http_req_close(&r);
}

static void http_sends_its_body_and_only_the_headers_it_was_given(void **state)
{
	struct server *s = *state;
	struct http_req r = { .method = "POST", .send = "a=b", .send_len = 3 };
	char expected[256];

	assert_int_equal(server_get(s, "/a/../b?x", &r), 0);
	snprintf(expected, sizeof(expected), "POST /a/../b?x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 3\r\n\r\na=b",
		 s->port);
	assert_string_equal(s->seen, expected);
	http_req_close(&r);
}

static unsigned again_left;

static void on_again(struct http_req *r, int rc)
{
	if (rc == 0 && --again_left > 0)
		http_start(bench_here->w, r, on_again);
	else
		bench_stop(rc);
}

static void http_keeps_a_connection_and_asks_again_from_the_callback(void **state)
{
	struct server *s = *state;
	struct http_req r = { .method = "GET", .url = server_url(s, "/"), .body.max = 100 };

	again_left = 5;
	http_start(s->b.w, &r, on_again);
	assert_int_equal(bench_run(&s->b), 0);
	assert_int_equal(again_left, 0);
	assert_string_equal(buf_str(&r.body), "ok");
	assert_int_equal(s->conns, 1);
	http_req_close(&r);
}

/* The peer may have carried it out. */
static void http_sends_a_request_once_also_when_a_kept_connection_is_lost(void **state)
{
	static const char *const methods[] = { "POST", "PUT", "GET" }, *const ends[] = { "/reset", "/silence" };
	struct server *s = *state;

	for (unsigned i = 0; i < ARRAY_LEN(methods) * ARRAY_LEN(ends); i++) {
		struct http_req kept = { 0 }, r = { .method = methods[i / 2], .send = i / 2 < 2 ? "a=b" : NULL };
		unsigned asked;

		r.send_len = r.send != NULL ? 3 : 0;
		assert_int_equal(server_get(s, "/", &kept), 0);
		asked = s->asked;
		assert_int_equal(server_get(s, ends[i % 2], &r), -ERR_NET);
		assert_int_equal(s->asked, asked + 1);
		if (i % 2 == 1) /* of a reset curl tells itself, at times before it would send again */
			assert_non_null(strstr(r.err.text, "was lost without an answer"));
		http_req_close(&kept);
		http_req_close(&r);
	}
}

/* It may have been carried out, which is another thing than a connection that never was. */
static void http_tells_a_silence_on_a_kept_connection_from_no_connection(void **state)
{
	struct server *s = *state;
	struct http_req kept = { 0 }, r = { .method = "POST", .send = "a=b", .send_len = 3, .total_ms = 80 };

	assert_int_equal(server_get(s, "/", &kept), 0);
	assert_int_equal(server_get(s, "/hang", &r), -ERR_TIMEOUT);
	assert_null(strstr(r.err.text, "no connection"));
	http_req_close(&kept);
	http_req_close(&r);
}

static void http_decodes_no_content_and_drops_trailers(void **state)
{
	struct server *s = *state;
	struct http_req r = { 0 };
	struct buf v = BUF_MAX(100);

	assert_int_equal(server_get(s, "/chunked", &r), 0);
	assert_string_equal(buf_str(&r.body), "abcde");
	assert_false(http_header_get(&r, "X-T", &v));
	buf_close(&v);
	assert_int_equal(server_get(s, "/move", &r), 0);
	assert_int_equal(r.status, 302);
	http_req_close(&r);
}

static void http_tells_its_failures_apart(void **state)
{
	static const struct {
		const char *path;
		int rc;
		unsigned total_ms;
		size_t max;
	} cases[] = {
		{ "/reset", -ERR_NET, 0, 0 },   { "/short", -ERR_NET, 0, 0 },     { "/big", -ERR_LIMIT, 0, 65536 },
		{ "/hello", -ERR_LIMIT, 0, 4 }, { "/hang", -ERR_TIMEOUT, 80, 0 }, { "/hello", 0, 0, 5 },
	};
	struct server *s = *state;

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_req r = { .total_ms = cases[i].total_ms, .body.max = cases[i].max };

		assert_int_equal(server_get(s, cases[i].path, &r), cases[i].rc);
		if (cases[i].rc != 0) {
			assert_int_equal(r.err.code, -cases[i].rc);
			assert_true(str_starts(r.err.text, "GET 127.0.0.1:"));
		}
		http_req_close(&r);
	}
}

/* Our end of a connection to that port, among the files of this process. */
static int client_of(unsigned port)
{
	for (int fd = 3; fd < 256; fd++) {
		struct sockaddr_in a;
		socklen_t len = sizeof(a);

		if (getpeername(fd, (struct sockaddr *)&a, &len) == 0 && a.sin_family == AF_INET && ntohs(a.sin_port) == port)
			return fd;
	}
	return -1;
}

static int option(int fd, int level, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	assert_int_equal(getsockopt(fd, level, name, &v, &len), 0);
	return v;
}

/* The kernel does the noticing; that it was asked to is what can be seen without cutting a cable. */
static void http_notices_a_peer_that_vanishes(void **state)
{
	struct server *s = *state;
	struct http_req r = { 0 };
	int fd;

	assert_int_equal(server_get(s, "/hello", &r), 0);
	fd = client_of(s->port);
	assert_true(fd >= 0);
	assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 20);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 10);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 60000);
	http_req_close(&r);
}

static void http_says_why_there_is_no_answer(void **state)
{
	struct server *s = *state;
	struct http_req r = { 0 };

	server_stop(s);
	assert_int_equal(server_get(s, "/", &r), -ERR_NET);
	assert_non_null(strstr(r.err.text, "refused"));
	r.url = "ftp://127.0.0.1/";
	assert_int_equal(bench_http(&s->b, &r), -ERR_NET);
	r.url = "not a url";
	assert_int_equal(bench_http(&s->b, &r), -ERR_NET);
	http_req_close(&r);
}

static void a_cancelled_request_calls_back_once_and_later(void **state)
{
	struct server *s = *state;
	struct http_req r = { .method = "GET", .url = server_url(s, "/hang") };

	http_start(s->b.w, &r, bench_on_http);
	http_cancel(s->b.w, &r);
	http_cancel(s->b.w, &r);
	assert_int_equal(bench_run(&s->b), -ERR_CANCELED);
	http_cancel(s->b.w, &r);
	http_req_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(http_hands_over_status_head_and_body),
		SERVER_TEST(http_sends_its_body_and_only_the_headers_it_was_given),
		SERVER_TEST(http_keeps_a_connection_and_asks_again_from_the_callback),
		SERVER_TEST(http_sends_a_request_once_also_when_a_kept_connection_is_lost),
		SERVER_TEST(http_tells_a_silence_on_a_kept_connection_from_no_connection),
		SERVER_TEST(http_decodes_no_content_and_drops_trailers),
		SERVER_TEST(http_tells_its_failures_apart),
		SERVER_TEST(http_notices_a_peer_that_vanishes),
		SERVER_TEST(http_says_why_there_is_no_answer),
		SERVER_TEST(a_cancelled_request_calls_back_once_and_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
