/* test_world_uv.c - the real world keeps what world.h says: timers, http against a small server in a thread, disk, unix
 * sockets, watches. All paths lie in a fresh temporary directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/io/world.h"
#include "agent/io/world_uv.h"

struct bench {
	struct world *w;
	char dir[64];
	struct timer guard; /* a test that hangs fails */
};

static struct world *running; /* for callbacks: one world at a time */

static void on_guard(struct timer *t)
{
	(void)t;
	fail_msg("nothing came within ten seconds");
}

static int setup(void **state)
{
	struct bench *b = mem_new(struct bench);
	struct err e = { 0 };

	strcpy(b->dir, "/tmp/reeve-test-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	running = b->w = world_uv_new(&e);
	assert_non_null(b->w);
	timer_start(b->w, &b->guard, 10000, on_guard);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	char *cmd = mem_printf("rm -rf '%s'", b->dir);

	world_uv_free(b->w);
	assert_int_equal(system(cmd), 0);
	mem_free(cmd);
	mem_free(b);
	return 0;
}

static const char *in(struct bench *b, const char *name)
{
	static char paths[4][128];
	static unsigned i;
	char *p = paths[i++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", b->dir, name);
	return p;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void assert_file(struct bench *b, const char *path, const char *text)
{
	struct buf buf = BUF_MAX(65536);
	struct err e = { 0 };

	assert_int_equal(b->w->disk_read(b->w, path, &buf, &e), 0);
	assert_string_equal(buf_str(&buf), text);
	buf_close(&buf);
}

/* ---- timers -------------------------------------------------------------------------------------------------------- */

static char order[16];
static struct timer third;

static void on_a(struct timer *t)
{
	(void)t;
	strcat(order, "a");
}

static void on_b(struct timer *t)
{
	(void)t;
	strcat(order, "b");
	timer_stop(running, &third);
}

static void on_c(struct timer *t)
{
	(void)t;
	strcat(order, "c");
}

static void on_end(struct timer *t)
{
	(void)t;
	world_uv_stop(running);
}

static void timers_fire_in_order_once_and_never_after_a_stop(void **state)
{
	struct bench *b = *state;
	struct timer ta = { 0 }, tb = { 0 }, end = { 0 };

	order[0] = '\0';
	timer_start(b->w, &end, 60, on_end);
	timer_start(b->w, &third, 20, on_c);
	timer_start(b->w, &tb, 20, on_b);
	timer_start(b->w, &ta, 50, on_a);
	timer_start(b->w, &ta, 5, on_a); /* moves it */
	timer_start(b->w, &third, 20, on_c);
	world_uv_run(b->w);
	assert_string_equal(order, "ab");
	assert_null(ta.cb);
	timer_stop(b->w, &ta);
}

static unsigned again_left;

static void on_again(struct timer *t)
{
	if (--again_left > 0)
		timer_start(running, t, 0, on_again);
	else
		world_uv_stop(running);
}

static void a_timer_may_be_started_again_from_its_callback(void **state)
{
	struct bench *b = *state;
	struct timer t = { 0 };

	again_left = 5;
	timer_start(b->w, &t, 0, on_again);
	assert_int_equal(again_left, 5);
	world_uv_run(b->w);
	assert_int_equal(again_left, 0);
}

static void clocks_and_chance_are_there(void **state)
{
	struct bench *b = *state;

	assert_true(world_wall_ms(b->w) > 1700000000000);
	assert_true(world_now_ms(b->w) <= world_now_ms(b->w));
	assert_true(world_random64(b->w) != world_random64(b->w));
}

/* ---- http ------------------------------------------------------------------------------------------------------------ */

/* A server that answers each connection by its path, until it is told to stop. */
struct server {
	pthread_t thread;
	int fd;
	unsigned port, conns;
	char seen[8192]; /* the last request */
};

static void answer(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void answer_big(int fd)
{
	char block[4096];

	memset(block, 'x', sizeof(block));
	answer(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
	for (unsigned i = 0; i < 256; i++)
		if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0)
			return;
}

/* True: keep the connection. */
static bool answer_path(int fd, const char *seen)
{
	struct linger hard = { 1, 0 };

	if (strstr(seen, " /hello ") != NULL)
		answer(fd, "HTTP/1.1 100 Continue\r\nX-Interim: yes\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n"
			   "X-One:  1 \r\nretry-after: 7\r\n\r\nhello");
	else if (strstr(seen, " /chunked ") != NULL)
		answer(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\nTrailer: X-T\r\n\r\n"
			   "3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: forged\r\n\r\n");
	else if (strstr(seen, " /move ") != NULL)
		answer(fd, "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 0\r\n\r\n");
	else if (strstr(seen, " /short ") != NULL) {
		answer(fd, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc");
		return false;
	} else if (strstr(seen, " /big ") != NULL)
		answer_big(fd);
	else if (strstr(seen, " /reset ") != NULL) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		return false;
	} else if (strstr(seen, " /hang ") != NULL)
		return true; /* no answer; the client goes first */
	else
		answer(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	return true;
}

static bool whole(const char *seen)
{
	const char *end = strstr(seen, "\r\n\r\n"), *length = strcasestr(seen, "content-length:");

	return end != NULL && (length == NULL || strlen(end + 4) >= (size_t)atoi(length + 15));
}

static void serve_one(struct server *s, int fd)
{
	bool keep = true;

	while (keep) {
		size_t used = 0;

		while (used == 0 || !whole(s->seen)) {
			ssize_t n = recv(fd, s->seen + used, sizeof(s->seen) - 1 - used, 0);

			if (n <= 0)
				return;
			used += (size_t)n;
			s->seen[used] = '\0';
		}
		keep = answer_path(fd, s->seen);
	}
}

static void *server_main(void *ctx)
{
	struct server *s = ctx;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		s->conns++;
		serve_one(s, fd);
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	*s = (struct server){ .fd = socket(AF_INET, SOCK_STREAM, 0) };
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	getsockname(s->fd, (struct sockaddr *)&a, &len);
	s->port = ntohs(a.sin_port);
	pthread_create(&s->thread, NULL, server_main, s);
}

/* The client's connections must be gone, else the server waits for the next request on one of them. */
static void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static int last_rc;
static unsigned calls;

static void on_http(struct http_req *r, int rc)
{
	(void)r;
	last_rc = rc;
	calls++;
	world_uv_stop(running);
}

static int run_http(struct bench *b, struct http_req *r)
{
	unsigned before = calls;

	http_start(b->w, r, on_http);
	assert_int_equal(calls, before);
	world_uv_run(b->w);
	assert_int_equal(calls, before + 1);
	return last_rc;
}

static int get(struct bench *b, struct server *s, const char *path, struct http_req *r)
{
	char url[128];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", s->port, path);
	r->method = r->method != NULL ? r->method : "GET";
	r->url = url;
	r->body.max = r->body.max > 0 ? r->body.max : 65536;
	r->direct = true;
	return run_http(b, r);
}

static void http_hands_over_status_head_and_body(void **state)
{
	struct bench *b = *state;
	struct server s;
	struct http_req r = { 0 };
	struct buf v = BUF_MAX(100);

	server_start(&s);
	http_header_set(&r, "X-Empty", "");
	http_header_set(&r, "Host", "other.example");
	assert_int_equal(get(b, &s, "/hello", &r), 0);
	assert_int_equal(r.status, 404);
	assert_string_equal(buf_str(&r.body), "hello");
	assert_false(http_header_get(&r, "X-Interim", &v));
	assert_true(http_header_get(&r, "Retry-After", &v));
	assert_string_equal(buf_str(&v), "7");
	assert_true(http_header_get(&r, "x-one", &v));
	assert_string_equal(buf_str(&v), "1");
	assert_string_equal(s.seen, "GET /hello HTTP/1.1\r\nHost: other.example\r\nX-Empty:\r\n\r\n");
	buf_close(&v);
	http_req_close(&r);
	world_uv_free(b->w);
	b->w = NULL;
	server_stop(&s);
}

static void http_sends_its_body_and_only_the_headers_it_was_given(void **state)
{
	struct bench *b = *state;
	struct server s;
	struct http_req r = { .method = "POST", .send = "a=b", .send_len = 3 };
	char expected[256];

	server_start(&s);
	assert_int_equal(get(b, &s, "/a/../b?x", &r), 0);
	snprintf(expected, sizeof(expected), "POST /a/../b?x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Length: 3\r\n\r\na=b",
		 s.port);
	assert_string_equal(s.seen, expected);
	http_req_close(&r);
	world_uv_free(b->w);
	b->w = NULL;
	server_stop(&s);
}

static void http_keeps_a_connection_and_asks_again_from_the_callback(void **state)
{
	struct bench *b = *state;
	struct server s;
	struct http_req r = { 0 };

	server_start(&s);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(get(b, &s, "/", &r), 0);
	assert_string_equal(buf_str(&r.body), "ok");
	assert_int_equal(s.conns, 1);
	http_req_close(&r);
	world_uv_free(b->w);
	b->w = NULL;
	server_stop(&s);
}

static void http_decodes_no_content_and_drops_trailers(void **state)
{
	struct bench *b = *state;
	struct server s;
	struct http_req r = { 0 };
	struct buf v = BUF_MAX(100);

	server_start(&s);
	assert_int_equal(get(b, &s, "/chunked", &r), 0);
	assert_string_equal(buf_str(&r.body), "abcde");
	assert_false(http_header_get(&r, "X-T", &v));
	buf_close(&v);
	assert_int_equal(get(b, &s, "/move", &r), 0);
	assert_int_equal(r.status, 302);
	http_req_close(&r);
	world_uv_free(b->w);
	b->w = NULL;
	server_stop(&s);
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
	struct bench *b = *state;
	struct server s;

	server_start(&s);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_req r = { .total_ms = cases[i].total_ms, .body.max = cases[i].max };

		assert_int_equal(get(b, &s, cases[i].path, &r), cases[i].rc);
		if (cases[i].rc != 0) {
			assert_int_equal(r.err.code, -cases[i].rc);
			assert_true(str_starts(r.err.text, "GET 127.0.0.1:"));
		}
		http_req_close(&r);
	}
	world_uv_free(b->w);
	b->w = NULL;
	server_stop(&s);
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
	struct bench *b = *state;
	struct server s;
	struct http_req r = { 0 };
	int fd;

	server_start(&s);
	assert_int_equal(get(b, &s, "/hello", &r), 0);
	fd = client_of(s.port);
	assert_true(fd >= 0);
	assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 20);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 10);
	assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 60000);
	http_req_close(&r);
	world_uv_free(b->w);
	b->w = NULL;
	server_stop(&s);
}

static void http_says_why_there_is_no_answer(void **state)
{
	struct bench *b = *state;
	struct server s;
	struct http_req r = { 0 };

	server_start(&s);
	server_stop(&s);
	assert_int_equal(get(b, &s, "/", &r), -ERR_NET);
	assert_non_null(strstr(r.err.text, "refused"));
	r.url = "ftp://127.0.0.1/";
	assert_int_equal(run_http(b, &r), -ERR_NET);
	r.url = "not a url";
	assert_int_equal(run_http(b, &r), -ERR_NET);
	http_req_close(&r);
}

static void a_cancelled_request_calls_back_once_and_later(void **state)
{
	struct bench *b = *state;
	struct server s;
	struct http_req r = { .method = "GET", .direct = true };
	char url[64];
	unsigned before = calls;

	server_start(&s);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/hang", s.port);
	r.url = url;
	http_start(b->w, &r, on_http);
	http_cancel(b->w, &r);
	http_cancel(b->w, &r);
	assert_int_equal(calls, before);
	world_uv_run(b->w);
	assert_int_equal(calls, before + 1);
	assert_int_equal(last_rc, -ERR_CANCELED);
	http_cancel(b->w, &r);
	http_req_close(&r);
	world_uv_free(b->w);
	b->w = NULL;
	server_stop(&s);
}

static void a_world_may_be_freed_with_everything_still_open(void **state)
{
	static struct http_req r = { .method = "GET", .direct = true };
	static struct disk_req d[8];
	static struct watch wt;
	struct bench *b = *state;
	struct server s;
	char url[64], data[] = "bytes";
	struct err e = { 0 };

	server_start(&s);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/hang", s.port);
	r.url = url;
	http_start(b->w, &r, on_http);
	wt.dir = b->dir;
	assert_int_equal(b->w->watch_start(b->w, &wt, NULL, &e), 0);
	for (unsigned i = 0; i < ARRAY_LEN(d); i++)
		disk_append(b->w, &d[i], in(b, i % 2 ? "x" : "y"), 0, data, 5, NULL);
	assert_int_equal(b->w->disk_lock(b->w, in(b, "lock"), &e), 0);
	world_uv_free(b->w);
	b->w = NULL;
	http_req_close(&r);
	server_stop(&s);
}

/* ---- disk ------------------------------------------------------------------------------------------------------------ */

static void on_disk(struct disk_req *r, int rc)
{
	(void)r;
	last_rc = rc;
	world_uv_stop(running);
}

static int append(struct bench *b, const char *path, uint64_t offset, const char *text)
{
	struct disk_req r = { 0 };

	disk_append(b->w, &r, path, offset, text, strlen(text), on_disk);
	world_uv_run(b->w);
	assert_true(last_rc == 0 || r.err.text[0] != '\0');
	return last_rc;
}

static void append_cuts_what_lies_behind_and_refuses_what_is_missing(void **state)
{
	struct bench *b = *state;
	const char *path = in(b, "journal");

	assert_int_equal(append(b, path, 1, "x"), -ERR_CORRUPT);
	assert_int_equal(append(b, path, 0, "one two"), 0);
	assert_int_equal(append(b, path, 4, "three"), 0);
	assert_file(b, path, "one three");
	assert_int_equal(append(b, path, 10, "x"), -ERR_CORRUPT);
	assert_file(b, path, "one three");
	assert_int_equal(append(b, path, 3, ""), 0);
	assert_file(b, path, "one");
	assert_int_equal(append(b, in(b, "none/journal"), 0, "x"), -ERR_NOTFOUND);
	assert_int_equal(append(b, b->dir, 0, "x"), -ERR_IO);
}

static int run_disk(struct bench *b, struct disk_req *r)
{
	world_uv_run(b->w);
	(void)r;
	return last_rc;
}

static void replace_truncate_rename_unlink_do_what_they_say(void **state)
{
	struct bench *b = *state;
	struct disk_req r = { 0 };
	const char *path = in(b, "f");
	struct disk_stat st;
	struct err e = { 0 };

	disk_replace(b->w, &r, path, "abc", 3, 0640, on_disk);
	assert_int_equal(run_disk(b, &r), 0);
	assert_int_equal(b->w->disk_stat(b->w, path, &st, &e), 0);
	assert_int_equal(st.mode & 0600, 0600);
	assert_int_equal(st.size, 3);
	assert_true(st.is_file && st.ours_to_write);
	put(in(b, "f.tmp"), "left by a crash");
	disk_replace(b->w, &r, path, "defg", 4, 0, on_disk);
	assert_int_equal(run_disk(b, &r), 0);
	assert_file(b, path, "defg");
	assert_false(disk_exists(b->w, in(b, "f.tmp")));
	disk_truncate(b->w, &r, path, 2, on_disk);
	assert_int_equal(run_disk(b, &r), 0);
	assert_file(b, path, "de");
	disk_rename(b->w, &r, path, in(b, "g"), on_disk);
	assert_int_equal(run_disk(b, &r), 0);
	assert_false(disk_exists(b->w, path));
	disk_truncate(b->w, &r, path, 0, on_disk);
	assert_int_equal(run_disk(b, &r), -ERR_NOTFOUND);
	for (unsigned i = 0; i < 2; i++) { /* what is not there is no error */
		disk_unlink(b->w, &r, in(b, "g"), on_disk);
		assert_int_equal(run_disk(b, &r), 0);
	}
	r = (struct disk_req){ .op = DISK_STATVFS, .path = b->dir };
	b->w->disk_start(b->w, &r, on_disk);
	assert_int_equal(run_disk(b, &r), 0);
	assert_true(r.fs.blocks > 0 && r.fs.frsize > 0);
}

static void a_folder_is_listed_in_a_worker_up_to_the_limit_of_the_names(void **state)
{
	CLEANUP(buf_close) struct buf names = BUF_MAX(8);
	struct bench *b = *state;
	struct disk_req r = { 0 };

	put(in(b, "one"), "");
	put(in(b, "two"), "");
	disk_list(b->w, &r, b->dir, &names, on_disk);
	assert_int_equal(run_disk(b, &r), 0);
	assert_int_equal(names.len, 8);
	assert_true(memcmp(names.data, "one\0two", 8) == 0 || memcmp(names.data, "two\0one", 8) == 0);
	put(in(b, "three"), "");
	buf_reset(&names);
	disk_list(b->w, &r, b->dir, &names, on_disk);
	assert_int_equal(run_disk(b, &r), -ERR_LIMIT);
	disk_list(b->w, &r, in(b, "none"), &names, on_disk);
	assert_int_equal(run_disk(b, &r), -ERR_NOTFOUND);
}

static unsigned disk_left;

static void on_counted(struct disk_req *r, int rc)
{
	(void)r;
	assert_int_equal(rc, 0);
	if (--disk_left == 0)
		world_uv_stop(running);
}

static void requests_on_one_path_run_in_the_order_started(void **state)
{
	static struct disk_req r[40];
	static char digits[] = "0123456789012345678901234567890123456789";
	struct bench *b = *state;
	char one[64], two[64];

	strcpy(one, in(b, "one"));
	strcpy(two, in(b, "two"));
	disk_left = ARRAY_LEN(r);
	for (unsigned i = 0; i < ARRAY_LEN(r); i++)
		disk_append(b->w, &r[i], i % 2 ? one : two, i / 2, digits + i / 2, 1, on_counted);
	assert_int_equal(disk_left, ARRAY_LEN(r));
	world_uv_run(b->w);
	assert_file(b, one, "01234567890123456789");
	assert_file(b, two, "01234567890123456789");
}

static int count_name(void *ctx, const char *name)
{
	struct buf *all = ctx;

	return buf_addf(all, "%s,", name);
}

static void synchronous_reads_list_stat_and_stop_at_their_limits(void **state)
{
	struct bench *b = *state;
	struct world *w = b->w;
	struct buf buf = BUF_MAX(5), names = BUF_MAX(100), proc = BUF_MAX(65536);
	struct disk_stat st;
	struct err e = { 0 };

	put(in(b, "f"), "12345");
	assert_int_equal(w->disk_read(w, in(b, "f"), &buf, &e), 0);
	assert_string_equal(buf_str(&buf), "12345");
	put(in(b, "f"), "123456");
	buf_reset(&buf);
	assert_int_equal(w->disk_read(w, in(b, "f"), &buf, &e), -ERR_LIMIT);
	assert_int_equal(w->disk_read(w, in(b, "none"), &buf, &e), -ERR_NOTFOUND);
	assert_int_equal(w->disk_read(w, b->dir, &buf, &e), -ERR_INVALID);
	assert_int_equal(mkfifo(in(b, "fifo"), 0600), 0);
	assert_int_equal(w->disk_read(w, in(b, "fifo"), &buf, &e), -ERR_INVALID);
	unlink(in(b, "fifo"));
	assert_int_equal(w->disk_read(w, "/proc/stat", &proc, &e), 0);
	assert_true(proc.len > 0);
	assert_int_equal(w->disk_mkdir(w, in(b, "sub"), 0700, &e), 0);
	assert_int_equal(w->disk_mkdir(w, in(b, "sub"), 0700, &e), 0);
	assert_int_equal(w->disk_mkdir(w, in(b, "no/sub"), 0700, &e), -ERR_NOTFOUND);
	assert_int_equal(w->disk_stat(w, in(b, "sub"), &st, &e), 0);
	assert_true(st.is_dir && !st.is_file);
	assert_int_equal(w->disk_list(w, b->dir, count_name, &names, &e), 0);
	assert_int_equal(names.len, strlen("f,sub,"));
	buf_close(&buf);
	buf_close(&names);
	buf_close(&proc);
}

static void an_open_file_outlives_its_name(void **state)
{
	struct bench *b = *state;
	struct disk_file *f = NULL;
	struct disk_stat st;
	struct err e = { 0 };
	char to[8] = "";

	put(in(b, "f"), "abcdef");
	assert_int_equal(b->w->file_open(b->w, in(b, "f"), &f, &e), 0);
	unlink(in(b, "f"));
	assert_int_equal(b->w->file_stat(b->w, f, &st, &e), 0);
	assert_int_equal(st.nlink, 0);
	assert_int_equal(b->w->file_read(b->w, f, 4, to, sizeof(to), &e), 2);
	assert_string_equal(to, "ef");
	assert_int_equal(b->w->file_read(b->w, f, 6, to, sizeof(to), &e), 0);
	b->w->file_close(b->w, f);
	b->w->file_close(b->w, NULL);
}

static void an_open_file_tells_where_it_is_whatever_name_it_was_opened_by(void **state)
{
	struct bench *b = *state;
	CLEANUP(buf_close) struct buf real = BUF_MAX(4096), is = BUF_MAX(4096);
	CLEANUP(mem_close) char *to = mem_str(in(b, "f"));
	CLEANUP(mem_close) char *link = mem_str(in(b, "link"));
	struct disk_file *f = NULL;

	put(to, "abcdef");
	assert_int_equal(symlink(to, link), 0);
	assert_int_equal(b->w->disk_realpath(b->w, to, &real, NULL), 0);
	assert_int_equal(b->w->file_open(b->w, link, &f, NULL), 0);
	assert_int_equal(b->w->file_path(b->w, f, &is, NULL), 0);
	assert_string_equal(buf_str(&is), buf_str(&real));
	unlink(to);
	assert_int_equal(b->w->file_path(b->w, f, &is, NULL), -ERR_NOTFOUND);
	put(to, "another");
	assert_int_equal(b->w->file_path(b->w, f, &is, NULL), -ERR_NOTFOUND);
	b->w->file_close(b->w, f);
}

static void a_lock_is_held_by_one(void **state)
{
	struct bench *b = *state;
	struct err e = { 0 };

	assert_int_equal(b->w->disk_lock(b->w, in(b, "lock"), &e), 0);
	assert_int_equal(b->w->disk_lock(b->w, in(b, "lock"), &e), -ERR_EXISTS);
	world_uv_free(b->w);
	running = b->w = world_uv_new(&e);
	assert_int_equal(b->w->disk_lock(b->w, in(b, "lock"), &e), 0);
}

/* ---- what we serve, watch and hear -------------------------------------------------------------------------------------- */

static struct conn peer; /* the last one that asked, as it was */
static struct buf heard;

static void on_served_closed(struct conn *c)
{
	mem_free(c);
}

static void on_served_wrote(struct conn *c, int rc)
{
	assert_int_equal(rc, 0);
	c->w->conn_close(c->w, c, on_served_closed);
}

static void on_served_read(struct conn *c, const char *data, size_t len)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nover a socket";

	if (data == NULL) { /* somebody only looked whether the socket answers */
		c->w->conn_close(c->w, c, on_served_closed);
		return;
	}
	peer = *c;
	buf_add(&heard, data, len);
	if (strstr(buf_str(&heard), "\r\n\r\n") != NULL)
		c->w->conn_write(c->w, c, text, strlen(text), on_served_wrote);
}

static struct conn *on_conn(struct listener *l)
{
	struct conn *c = mem_new(struct conn);

	(void)l;
	c->on_read = on_served_read;
	return c;
}

static void http_works_over_a_unix_socket_that_we_serve(void **state)
{
	struct bench *b = *state;
	struct listener l = { .on_conn = on_conn, .path = in(b, "sock") }, second = { .on_conn = on_conn, .path = l.path };
	struct http_req r = { .method = "GET", .url = "http://reeve/status", .unix_socket = l.path, .body.max = 100 };
	struct stat st;
	struct err e = { 0 };

	heard = BUF_MAX(4096);
	assert_int_equal(b->w->serve(b->w, &l, 0660, &e), 0);
	assert_int_equal(b->w->serve(b->w, &second, 0660, &e), -ERR_EXISTS);
	assert_int_equal(stat(l.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(run_http(b, &r), 0);
	assert_string_equal(buf_str(&r.body), "over a socket");
	assert_true(str_starts(buf_str(&heard), "GET /status HTTP/1.1\r\nHost: reeve\r\n"));
	assert_int_equal(peer.peer_uid, getuid());
	assert_int_equal(peer.peer_gid, getgid());
	assert_true(peer.peer_in_group);
	b->w->unserve(b->w, &l);
	assert_int_equal(stat(in(b, "sock"), &st), -1);
	http_req_close(&r);
	buf_close(&heard);
}

static void a_stale_socket_is_replaced_and_another_file_is_not(void **state)
{
	struct bench *b = *state;
	struct listener l = { .on_conn = on_conn, .path = in(b, "sock") };
	struct err e = { 0 };
	pid_t pid = fork();

	if (pid == 0) { /* dies without unlinking */
		b->w->serve(b->w, &l, 0600, &e);
		_exit(e.code);
	}
	waitpid(pid, NULL, 0);
	assert_int_equal(b->w->serve(b->w, &l, 0600, &e), 0);
	b->w->unserve(b->w, &l);
	put(in(b, "file"), "mine");
	l.path = in(b, "file");
	assert_int_equal(b->w->serve(b->w, &l, 0600, &e), -ERR_EXISTS);
	assert_file(b, l.path, "mine");
}

static void on_watch(struct watch *wt)
{
	(void)wt;
	world_uv_stop(running);
}

static void a_watch_tells_of_a_change_in_its_directory(void **state)
{
	struct bench *b = *state;
	struct watch wt = { .dir = b->dir }, none = { .dir = "/nonexistent" };
	struct err e = { 0 };

	assert_int_equal(b->w->watch_start(b->w, &none, on_watch, &e), -ERR_NOTFOUND);
	assert_int_equal(b->w->watch_start(b->w, &wt, on_watch, &e), 0);
	put(in(b, "f"), "x");
	world_uv_run(b->w);
	b->w->watch_stop(b->w, &wt);
	b->w->watch_stop(b->w, &wt);
	assert_null(wt.impl);
}

static void on_sig(struct sig *s)
{
	(void)s;
	world_uv_stop(running);
}

static void a_signal_reaches_the_loop(void **state)
{
	struct bench *b = *state;
	struct sig s = { 0 };
	struct err e = { 0 };

	assert_int_equal(b->w->sig_start(b->w, &s, SIGUSR1, on_sig, &e), 0);
	raise(SIGUSR1);
	world_uv_run(b->w);
	b->w->sig_stop(b->w, &s);
	b->w->sig_stop(b->w, &s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(timers_fire_in_order_once_and_never_after_a_stop),
		T(a_timer_may_be_started_again_from_its_callback),
		T(clocks_and_chance_are_there),
		T(http_hands_over_status_head_and_body),
		T(http_sends_its_body_and_only_the_headers_it_was_given),
		T(http_keeps_a_connection_and_asks_again_from_the_callback),
		T(http_decodes_no_content_and_drops_trailers),
		T(http_tells_its_failures_apart),
		T(http_notices_a_peer_that_vanishes),
		T(http_says_why_there_is_no_answer),
		T(a_cancelled_request_calls_back_once_and_later),
		T(a_world_may_be_freed_with_everything_still_open),
		T(append_cuts_what_lies_behind_and_refuses_what_is_missing),
		T(replace_truncate_rename_unlink_do_what_they_say),
		T(a_folder_is_listed_in_a_worker_up_to_the_limit_of_the_names),
		T(requests_on_one_path_run_in_the_order_started),
		T(synchronous_reads_list_stat_and_stop_at_their_limits),
		T(an_open_file_outlives_its_name),
		T(an_open_file_tells_where_it_is_whatever_name_it_was_opened_by),
		T(a_lock_is_held_by_one),
		T(http_works_over_a_unix_socket_that_we_serve),
		T(a_stale_socket_is_replaced_and_another_file_is_not),
		T(a_watch_tells_of_a_change_in_its_directory),
		T(a_signal_reaches_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
