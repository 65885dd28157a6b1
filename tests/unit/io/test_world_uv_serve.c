/* test_world_uv_serve.c - the unix socket that the real world serves: who asks is known, and only what is ours is replaced. */
#include "tests/unit/io/bench.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/base/str.h"

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
	struct listener l = { .on_conn = on_conn, .path = bench_path(b, "sock") }, second = { .on_conn = on_conn, .path = l.path };
	struct http_req r = { .method = "GET", .url = "http://reeve/status", .unix_socket = l.path, .body.max = 100 };
	struct stat st;
	struct err e = { 0 };

	heard = BUF_MAX(4096);
	assert_int_equal(b->w->serve(b->w, &l, 0660, &e), 0);
	assert_int_equal(b->w->serve(b->w, &second, 0660, &e), -ERR_EXISTS);
	assert_int_equal(stat(l.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(bench_http(b, &r), 0);
	assert_string_equal(buf_str(&r.body), "over a socket");
	assert_true(str_starts(buf_str(&heard), "GET /status HTTP/1.1\r\nHost: reeve\r\n"));
	assert_int_equal(peer.peer_uid, getuid());
	assert_int_equal(peer.peer_gid, getgid());
	assert_true(peer.peer_in_group);
	b->w->unserve(b->w, &l);
	assert_int_equal(stat(bench_path(b, "sock"), &st), -1);
	http_req_close(&r);
	buf_close(&heard);
}

static void a_stale_socket_is_replaced_and_another_file_is_not(void **state)
{
	struct bench *b = *state;
	struct listener l = { .on_conn = on_conn, .path = bench_path(b, "sock") };
	struct err e = { 0 };
	pid_t pid = fork();
	struct stat st;
	int status;

	if (pid == 0) { /* dies without unlinking */
		b->w->serve(b->w, &l, 0600, &e);
		_exit(e.code);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(stat(l.path, &st), 0);
	assert_int_equal(b->w->serve(b->w, &l, 0600, &e), 0);
	b->w->unserve(b->w, &l);
	bench_put(bench_path(b, "file"), "mine");
	l.path = bench_path(b, "file");
	assert_int_equal(b->w->serve(b->w, &l, 0600, &e), -ERR_EXISTS);
	bench_assert_file(b, l.path, "mine");
}

static void what_another_put_in_the_place_of_our_socket_is_left_alone(void **state)
{
	struct bench *b = *state;
	struct listener l = { .on_conn = on_conn, .path = bench_path(b, "sock") };
	struct err e = { 0 };

	assert_int_equal(b->w->serve(b->w, &l, 0660, &e), 0);
	unlink(l.path);
	bench_put(l.path, "another's");
	b->w->unserve(b->w, &l);
	bench_assert_file(b, l.path, "another's");
	unlink(l.path);
	assert_int_equal(b->w->serve(b->w, &l, 0660, &e), 0);
	unlink(l.path);
	bench_put(bench_path(b, "sock"), "another's");
	bench_free_world(b);
	assert_int_equal(access(bench_path(b, "sock"), F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(http_works_over_a_unix_socket_that_we_serve),
		BENCH_TEST(a_stale_socket_is_replaced_and_another_file_is_not),
		BENCH_TEST(what_another_put_in_the_place_of_our_socket_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
