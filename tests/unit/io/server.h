/* server.h - a bench with a small http server in a thread beside it, which answers each connection by its path. */
#pragma once
#include "tests/unit/io/bench.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
	struct bench b; /* first: a server is a bench */
	pthread_t thread;
	int fd; /* -1: stopped */
	unsigned port, conns;
	unsigned asked;     /* requests */
	bool closes;        /* after each answer */
	char seen[8192];    /* the last request */
	char connect[8192]; /* the last CONNECT: then the server is a proxy, and what comes next is what it leads to */
	char url[128];      /* the last that was asked for */
};

static inline void server_answer(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static inline void server_answer_big(int fd)
{
	char block[4096];

	memset(block, 'x', sizeof(block));
	server_answer(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
	for (unsigned i = 0; i < 256; i++)
		if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0)
			return;
}

/* A refusal whose body has no end: whoever reads it to its end never comes back. */
static inline bool server_refuse_endlessly(int fd)
{
	static char block[65536 + 16];
	int n = snprintf(block, sizeof(block), "10000\r\n");

	memset(block + n, 'x', 65536);
	memcpy(block + n + 65536, "\r\n", 2);
	server_answer(fd, "HTTP/1.1 407 no\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\n"
			  "Transfer-Encoding: chunked\r\n\r\n");
	while (send(fd, block, (size_t)n + 65538, MSG_NOSIGNAL) > 0)
		continue;
	return false;
}

/* As a proxy, by the host that is asked for. True: keep the connection. */
static inline bool server_connect(int fd, const char *seen)
{
	if (strstr(seen, " open.invalid:80 ") != NULL)
		server_answer(fd, "HTTP/1.1 200 Connection established\r\nX-Of: the-proxy\r\n\r\n");
	else if (strstr(seen, " names.invalid:80 ") != NULL)
		server_answer(fd, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
				  "Content-Length: 9\r\n\r\nthe proxy");
	else if (strstr(seen, " forbidden.invalid:80 ") != NULL)
		server_answer(fd, "HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nthe proxy");
	else if (strstr(seen, " broken.invalid:80 ") != NULL)
		server_answer(fd, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
	else if (strstr(seen, " endless.invalid:80 ") != NULL)
		return server_refuse_endlessly(fd);
	else
		return strstr(seen, " silent.invalid:80 ") != NULL;
	return true;
}

/* True: keep the connection. */
static inline bool server_answer_path(int fd, const char *seen)
{
	struct linger hard = { 1, 0 };

	if (strstr(seen, " /hello ") != NULL)
		server_answer(fd, "HTTP/1.1 100 Continue\r\nX-Interim: yes\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n"
				  "X-One:  1 \r\nretry-after: 7\r\n\r\nhello");
	else if (strstr(seen, " /chunked ") != NULL)
		server_answer(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\nTrailer: X-T\r\n\r\n"
				  "3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: forged\r\n\r\n");
	else if (strstr(seen, " /move ") != NULL)
		server_answer(fd, "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 0\r\n\r\n");
	else if (strstr(seen, " /guarded ") != NULL)
		server_answer(fd, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nSet-Cookie: a=b\r\n"
				  "Content-Length: 0\r\n\r\n");
	else if (strstr(seen, " /old ") != NULL) {
		server_answer(fd, "an answer without a head, as in HTTP/0.9");
		return false;
	} else if (strstr(seen, " /short ") != NULL) {
		server_answer(fd, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc");
		return false;
	} else if (strstr(seen, " /big ") != NULL)
		server_answer_big(fd);
	else if (strstr(seen, " /reset ") != NULL) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		return false;
	} else if (strstr(seen, " /silence ") != NULL)
		return false; /* an orderly end, and no answer */
	else if (strstr(seen, " /hang ") != NULL)
		return true; /* no answer; the client goes first */
	else
		server_answer(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	return true;
}

static inline bool server_has_whole(const char *seen)
{
	const char *end = strstr(seen, "\r\n\r\n"), *length = strcasestr(seen, "content-length:");

	return end != NULL && (length == NULL || strlen(end + 4) >= (size_t)atoi(length + 15));
}

static inline void server_serve(struct server *s, int fd)
{
	bool keep = true;

	while (keep) {
		size_t used = 0;

		while (used == 0 || !server_has_whole(s->seen)) {
			ssize_t n = recv(fd, s->seen + used, sizeof(s->seen) - 1 - used, 0);

			if (n <= 0)
				return;
			used += (size_t)n;
			s->seen[used] = '\0';
		}
		if (strncmp(s->seen, "CONNECT ", 8) == 0) {
			memcpy(s->connect, s->seen, sizeof(s->seen));
			keep = server_connect(fd, s->seen);
		} else {
			s->asked++;
			keep = server_answer_path(fd, s->seen) && !s->closes;
		}
	}
}

static inline void *server_main(void *ctx)
{
	struct server *s = ctx;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		s->conns++;
		server_serve(s, fd);
		close(fd);
	}
	return NULL;
}

static inline void server_open(struct server *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	getsockname(s->fd, (struct sockaddr *)&a, &len);
	s->port = ntohs(a.sin_port);
	pthread_create(&s->thread, NULL, server_main, s);
}

/* The client's connections must be gone, else the server waits for the next request on one of them. */
static inline void server_stop(struct server *s)
{
	if (s->fd < 0)
		return;
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	s->fd = -1;
}

static inline int server_start(void **state)
{
	struct server *s = mem_new(struct server);

	bench_open(&s->b);
	server_open(s);
	*state = s;
	return 0;
}

static inline int server_end(void **state)
{
	struct server *s = *state;

	bench_free_world(&s->b);
	server_stop(s);
	bench_close(&s->b);
	mem_free(s);
	return 0;
}

static inline const char *server_url(struct server *s, const char *path)
{
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u%s", s->port, path);
	return s->url;
}

#define SERVER_TEST(f) cmocka_unit_test_setup_teardown(f, server_start, server_end)
