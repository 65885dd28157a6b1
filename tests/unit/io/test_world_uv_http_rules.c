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

/* ---- a proxy that was given: TLS through one is in tests/e2e/agent/test_proxy.py ------------------------------------------- */

static int get_by_proxy(struct server *s, struct http_proxy *p, const char *url, struct http_req *r)
{
	static char place[32];

	snprintf(place, sizeof(place), "127.0.0.1:%u", s->port);
	p->place = place;
	*r = (struct http_req){ .method = "GET", .url = url, .proxy = p, .body.max = 65536, .head.max = 65536 };
	http_header_set(r, "Authorization", "Reeve token");
	return bench_http(&s->b, r);
}

/* The name is the proxy's to look up: this one cannot be. Nothing of the request goes to the proxy, nothing of its answer comes
 * through. */
static void a_proxy_is_asked_to_connect_and_told_nothing_else(void **state)
{
	struct server *s = *state;
	struct http_proxy p = { 0 };
	struct http_req r;

	assert_int_equal(get_by_proxy(s, &p, "http://open.invalid/hello", &r), 0);
	assert_int_equal(r.status, 404);
	assert_string_equal(buf_str(&r.body), "hello");
	assert_null(strstr(buf_str(&r.head), "X-Of"));
	assert_string_equal(s->connect, "CONNECT open.invalid:80 HTTP/1.1\r\nHost: open.invalid:80\r\n"
					"Proxy-Connection: Keep-Alive\r\n\r\n");
	assert_string_equal(s->seen, "GET /hello HTTP/1.1\r\nHost: open.invalid\r\nAuthorization: Reeve token\r\n\r\n");
	http_req_close(&r);
}

static void the_name_and_the_password_go_to_the_proxy_as_they_are_and_to_nobody_behind_it(void **state)
{
	struct server *s = *state;
	struct http_proxy p = { 0 };
	struct http_req r;

	secret_set(&p.pair, "a%41:p:%42 q", 12);
	assert_int_equal(get_by_proxy(s, &p, "http://open.invalid/hello", &r), 0);
	assert_non_null(strstr(s->connect, "\r\nProxy-Authorization: Basic YSU0MTpwOiU0MiBx\r\n"));
	assert_null(strcasestr(s->seen, "Proxy-Authorization"));
	assert_null(strstr(s->connect, "Reeve token"));
	secret_close(&p.pair);
	http_req_close(&r);
}

/* No answer of the proxy's is one of the host: no status, no body. */
static void a_proxy_that_refuses_is_told_as_one(void **state)
{
	static const struct {
		const char *url, *says;
		bool has_pair;
	} cases[] = {
		{ "http://names.invalid/", "it answers 407: it wants a name and a password, which the credential", false },
		{ "http://names.invalid/", "it answers 407: it does not take the name and password of the credential", true },
		{ "http://forbidden.invalid/", "it answers 403 to CONNECT: it must be let through there", false },
		{ "http://broken.invalid/", "it answers 502 to CONNECT", false },
		{ "http://endless.invalid/", "it answers 407: it wants a name and a password, which the credential", false },
		{ "http://closed.invalid/", "by the proxy 127.0.0.1:", false },
	};
	struct server *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_proxy p = { 0 };
		struct http_req r;

		if (cases[i].has_pair)
			secret_set(&p.pair, "reeve:hunter2", 13);
		assert_int_equal(get_by_proxy(s, &p, cases[i].url, &r), -ERR_NET);
		if (strstr(r.err.text, cases[i].says) == NULL || strstr(r.err.text, " by the proxy 127.0.0.1:") == NULL ||
		    strstr(r.err.text, "hunter2") != NULL)
			fail_msg("case %zu says: %s", i, r.err.text);
		assert_int_equal(r.status, 0);
		assert_int_equal(r.body.len, 0);
		secret_close(&p.pair);
		http_req_close(&r);
	}
}

static void a_proxy_that_is_away_or_silent_or_has_no_address_is_named(void **state)
{
	struct server *s = *state;
	struct http_proxy p = { .place = "127.0.0.1:1" };
	struct http_req r = { .method = "GET", .url = "http://open.invalid/", .proxy = &p, .body.max = 65536 };

	assert_int_equal(bench_http(&s->b, &r), -ERR_NET);
	assert_string_equal(r.err.text, "GET open.invalid by the proxy 127.0.0.1:1: Connection refused");
	p.place = "proxy.invalid:3128";
	assert_int_equal(bench_http(&s->b, &r), -ERR_NET);
	assert_true(str_starts(r.err.text, "GET open.invalid by the proxy proxy.invalid:3128: the name proxy.invalid: "));
	http_req_close(&r);
	get_by_proxy(s, &p, "http://open.invalid/hello", &r); /* sets the place */
	http_req_close(&r);
	r = (struct http_req){
		.method = "GET", .url = "http://silent.invalid/", .proxy = &p, .connect_ms = 300, .body.max = 65536
	};
	assert_int_equal(bench_http(&s->b, &r), -ERR_TIMEOUT);
	assert_true(str_starts(r.err.text, "GET silent.invalid by the proxy 127.0.0.1:"));
	assert_null(strstr(r.err.text, "connect-to"));
	http_req_close(&r);
}

static void nothing_in_the_environment_leads_past_a_proxy_that_was_given(void **state)
{
	static const char *const names[] = { "no_proxy",    "NO_PROXY",   "http_proxy", "https_proxy",
					     "HTTPS_PROXY", "HTTP_PROXY", "all_proxy",  "ALL_PROXY" };
	struct server *s = *state;
	struct http_proxy p = { 0 };
	struct http_req r;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		setenv(names[i], i < 2 ? "*" : "http://127.0.0.1:1", 1);
	assert_int_equal(get_by_proxy(s, &p, "http://open.invalid/hello", &r), 0);
	assert_true(str_starts(s->connect, "CONNECT open.invalid:80 "));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
	http_req_close(&r);
}

static void a_connection_through_a_proxy_is_used_again_by_that_host_alone(void **state)
{
	struct server *s = *state;
	struct http_proxy p = { 0 };
	struct http_req r;

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(get_by_proxy(s, &p, "http://open.invalid/hello", &r), 0);
		http_req_close(&r);
	}
	assert_int_equal(s->conns, 1);
	/* The same host without the proxy is not led through it. */
	r = (struct http_req){ .method = "GET", .url = "http://open.invalid/hello", .body.max = 65536 };
	assert_int_equal(bench_http(&s->b, &r), -ERR_NET);
	assert_non_null(strstr(r.err.text, "the name open.invalid"));
	http_req_close(&r);
}

static void a_proxy_beside_another_place_is_refused(void **state)
{
	struct server *s = *state;
	struct http_proxy p = { .place = "127.0.0.1:1" };
	struct http_req r = { .method = "GET", .url = "http://open.invalid/", .proxy = &p, .connect_to = "127.0.0.1:2" };

	assert_int_equal(bench_http(&s->b, &r), -ERR_UNSUPPORTED);
	http_req_close(&r);
}

/* For nodes: the address counts, and nothing leads round it. */
static void what_is_for_the_inside_of_a_vpc_goes_nowhere_else(void **state)
{
	struct server *s = *state;
	struct http_proxy p = { .place = "127.0.0.1:1" };
	struct http_req r = { .method = "GET", .url = server_url(s, "/"), .reach = HTTP_INSIDE, .body.max = 100 };

	assert_int_equal(bench_http(&s->b, &r), -ERR_DENIED);
	r.reach = HTTP_INSIDE_OR_US;
	r.connect_to = "127.0.0.1:1";
	assert_int_equal(bench_http(&s->b, &r), -ERR_DENIED);
	r.connect_to = NULL;
	r.proxy = &p;
	assert_int_equal(bench_http(&s->b, &r), -ERR_DENIED);
	assert_int_equal(s->conns, 0);
	r.proxy = NULL;
	assert_int_equal(bench_http(&s->b, &r), 0);
	http_req_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(no_proxy_of_the_environment_is_used),
		SERVER_TEST(no_password_comes_from_a_file_or_a_url),
		SERVER_TEST(a_proxy_is_asked_to_connect_and_told_nothing_else),
		SERVER_TEST(the_name_and_the_password_go_to_the_proxy_as_they_are_and_to_nobody_behind_it),
		SERVER_TEST(a_proxy_that_refuses_is_told_as_one),
		SERVER_TEST(a_proxy_that_is_away_or_silent_or_has_no_address_is_named),
		SERVER_TEST(nothing_in_the_environment_leads_past_a_proxy_that_was_given),
		SERVER_TEST(a_connection_through_a_proxy_is_used_again_by_that_host_alone),
		SERVER_TEST(a_proxy_beside_another_place_is_refused),
		SERVER_TEST(a_cookie_is_not_kept),
		SERVER_TEST(what_is_for_the_inside_of_a_vpc_goes_nowhere_else),
		SERVER_TEST(an_answer_that_moves_is_handed_over_and_nobody_else_is_asked),
		SERVER_TEST(only_http_is_spoken),
		SERVER_TEST(a_unix_socket_speaks_plain_http_alone),
		SERVER_TEST(no_header_is_sent_that_nobody_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
