/* test_world_uv_http_rules.c - what curl would take from the environment, from files and from answers, and must not. The TLS half
 * is tests/e2e/tls. */
#include "tests/unit/io/server.h"

#include "agent/base/str.h"

static int get(struct server *s, const char *path, struct http_req *r)
{
	r->method = "GET";
	r->url = server_url(s, path);
	r->body.max = 65536;
	return bench_http(&s->b, r);
}

static void no_proxy_of_the_environment_is_used(void **state)
{
	static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" };
	struct server *s = *state;
	struct http_req r = { 0 };

	unsetenv("no_proxy");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		setenv(names[i], "http://127.0.0.1:1", 1);
	assert_int_equal(get(s, "/", &r), 0);
	assert_true(str_starts(s->seen, "GET / HTTP/1.1\r\n")); /* a proxy would be told the whole url */
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
	http_req_close(&r);
}

static void no_password_comes_from_a_file_or_a_url(void **state)
{
	struct server *s = *state;
	struct http_req r = { 0 };
	CLEANUP(mem_close) char *url = mem_printf("http://user:secret@127.0.0.1:%u/", s->port);
	static const char netrc[] = "machine 127.0.0.1\nlogin user\npassword secret\n";
	CLEANUP(mem_close) char *home = mem_str(getenv("HOME") != NULL ? getenv("HOME") : "/");

	bench_put(bench_path(&s->b, ".netrc"), netrc);
	setenv("HOME", s->b.dir, 1);
	setenv("NETRC", bench_path(&s->b, ".netrc"), 1);
	assert_int_equal(get(s, "/guarded", &r), 0);
	assert_int_equal(r.status, 401);
	assert_null(strcasestr(s->seen, "Authorization"));
	r.url = url;
	assert_int_equal(bench_http(&s->b, &r), -ERR_NET);
	assert_null(strstr(r.err.text, "secret@"));
	setenv("HOME", home, 1);
	http_req_close(&r);
}

static void a_cookie_is_not_kept(void **state)
{
	struct server *s = *state;
	struct http_req r = { 0 };

	assert_int_equal(get(s, "/guarded", &r), 0);
	assert_int_equal(get(s, "/guarded", &r), 0);
	assert_null(strcasestr(s->seen, "Cookie"));
	http_req_close(&r);
}

static void an_answer_that_moves_is_handed_over_and_nobody_else_is_asked(void **state)
{
	struct server *s = *state;
	struct http_req r = { 0 };
	struct buf v = BUF_MAX(100);

	assert_int_equal(get(s, "/move", &r), 0);
	assert_int_equal(r.status, 302);
	assert_true(http_header_get(&r, "Location", &v));
	assert_true(str_starts(s->seen, "GET /move "));
	buf_close(&v);
	http_req_close(&r);
}

static void only_http_is_spoken(void **state)
{
	static const char *const urls[] = { "file:///etc/hostname", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "dict://127.0.0.1/",
					    "smtp://127.0.0.1/",    "ws://127.0.0.1/",  "ldap://127.0.0.1/" };
	struct server *s = *state;
	struct http_req r = { .method = "GET", .body.max = 65536 };

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		r.url = urls[i];
		assert_int_equal(bench_http(&s->b, &r), -ERR_NET);
		assert_int_equal(r.body.len, 0);
	}
	assert_int_equal(get(s, "/old", &r), -ERR_NET);
	http_req_close(&r);
}

/* It would have no name to keep its connections apart by. */
static void a_unix_socket_speaks_plain_http_alone(void **state)
{
	struct server *s = *state;
	struct http_req r = { .method = "GET", .url = "https://localhost/", .unix_socket = bench_path(&s->b, "none") };

	assert_int_equal(bench_http(&s->b, &r), -ERR_UNSUPPORTED);
	assert_non_null(strstr(r.err.text, "plain http"));
	http_req_close(&r);
}

static void no_header_is_sent_that_nobody_asked_for(void **state)
{
	struct server *s = *state;
	struct http_req r = { 0 };
	CLEANUP(mem_close) char *whole = mem_printf("GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", s->port);

	assert_int_equal(get(s, "/", &r), 0);
	assert_string_equal(s->seen, whole);
	http_req_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(no_proxy_of_the_environment_is_used),
		SERVER_TEST(no_password_comes_from_a_file_or_a_url),
		SERVER_TEST(a_cookie_is_not_kept),
		SERVER_TEST(an_answer_that_moves_is_handed_over_and_nobody_else_is_asked),
		SERVER_TEST(only_http_is_spoken),
		SERVER_TEST(a_unix_socket_speaks_plain_http_alone),
		SERVER_TEST(no_header_is_sent_that_nobody_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
