/* test_http_server.c - the local socket's server: one request, one answer, and nothing that a peer can do to it beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/io/http_server.h"
#include "tests/sim/world_sim.h"

#define SOCK "/run/reeve/reeve.sock"

static struct world *w;
static struct http_server *server;
static unsigned asked;
static bool closed;
static char last_ask[256];
static unsigned answered_at; /* of what comes later: at its which asking there is an answer; 0: at none */
static uint64_t since_ms;
static bool is_alone = true;

static void on_ask(void *ctx, const struct http_server_req *req, struct http_server_answer *a)
{
	(void)ctx;
	asked++;
	snprintf(last_ask, sizeof(last_ask), "%s %s [%s] %u %d", req->method, req->path, req->body_len < 100 ? req->body : "long",
		 req->peer_uid, req->peer_in_group);
	if (strcmp(req->path, "/none") == 0)
		return;
	if (str_starts(req->path, "/later")) {
		assert_true(req->since_ms <= world_now_ms(w));
		assert_true(asked == 1 || since_ms == req->since_ms || !is_alone);
		since_ms = req->since_ms;
		a->is_later = answered_at == 0 || asked < answered_at;
		if (req->is_last && str_eq(req->path, "/later/told"))
			a->is_later = false;
		if (a->is_later)
			return;
	}
	a->status = 200;
	buf_adds(&a->body, "{}");
	for (unsigned i = 0; strcmp(req->path, "/huge") == 0 && i < 300; i++)
		buf_addf(&a->body, "%4096d", 1);
}

static void on_closed(void *ctx)
{
	(void)ctx;
	closed = true;
}

/* Asked to, it closes from within: its own answer is not sent any more. */
static void on_last_ask(void *ctx, const struct http_server_req *req, struct http_server_answer *a)
{
	on_ask(ctx, req, a);
	http_server_close(server, on_closed, NULL);
	assert_false(closed);
	server = NULL;
}

static int setup(void **state)
{
	struct err e = { 0 };

	(void)state;
	w = sim_new(3);
	asked = answered_at = 0;
	is_alone = true;
	closed = false;
	server = http_server_new(w, SOCK, 0660, on_ask, NULL, &e);
	assert_non_null(server);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (server != NULL)
		http_server_close(server, on_closed, NULL);
	assert_false(closed && server != NULL);
	sim_run_until(w, NULL, NULL, 1000);
	assert_true(closed);
	sim_free(w);
	return 0;
}

/* Sends text in pieces of `step` bytes; returns the status of the answer, 0 for none. */
static int ask(const char *text, size_t len, size_t step, char *ret, size_t size)
{
	struct sim_conn *sc = sim_connect(w, SOCK, 42, 7, true);
	int status = 0;

	assert_non_null(sc);
	for (size_t i = 0; i < len; i += step)
		sim_send(sc, text + i, len - i < step ? len - i : step);
	sim_run_until(w, NULL, NULL, 20000);
	if (sim_received(sc)->len > 0) {
		assert_true(str_starts(buf_str(sim_received(sc)), "HTTP/1.1 "));
		status = atoi(buf_str(sim_received(sc)) + 9);
		assert_true(sim_closed(sc));
	}
	if (ret != NULL)
		snprintf(ret, size, "%s", buf_str(sim_received(sc)));
	sim_hangup(sc);
	return status;
}

static void a_request_gets_its_answer_for_any_split_of_its_bytes(void **state)
{
	static const char text[] = "POST /v1/approve?x=1 HTTP/1.1\r\nHost: reeve\r\nContent-Length: 7\r\n\r\n{\"a\":1}GET / HTTP";
	char got[512];

	(void)state;
	for (size_t step = 1; step <= sizeof(text); step++) {
		assert_int_equal(ask(text, strlen(text), step, got, sizeof(got)), 200);
		assert_string_equal(last_ask, "POST /v1/approve?x=1 [{\"a\":1}] 42 1");
		assert_string_equal(got, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
					 "Cache-Control: no-store\r\nConnection: close\r\n\r\n{}");
	}
	assert_int_equal(asked, sizeof(text));
}

static void what_breaks_the_rules_is_refused_and_not_asked(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{ "BREW / HTTP/1.1\r\n\r\n", 400 },
		{ "\x16\x03\x01\x02", 400 },
		{ "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(ask(cases[i].text, strlen(cases[i].text), 1000, NULL, 0), cases[i].status);
	assert_int_equal(asked, 0);
}

static int ask_long(const char *fmt, size_t fill)
{
	char *filling = mem_alloc(fill + 1), *text;
	int status;

	memset(filling, 'a', fill);
	text = mem_printf(fmt, filling);
	status = ask(text, strlen(text), 1000, NULL, 0);
	mem_free(filling);
	mem_free(text);
	return status;
}

static void sizes_have_limits(void **state)
{
	(void)state;
	assert_int_equal(ask_long("GET /%s HTTP/1.1\r\n\r\n", 8000), 200);
	assert_int_equal(ask_long("GET /%s HTTP/1.1\r\n\r\n", 9000), 431);
	assert_int_equal(ask_long("GET / HTTP/1.1\r\nX: %s\r\n\r\n", 9000), 431);
	assert_int_equal(ask_long("GET / HTTP/1.1\r\n%s", 100000), 431);
	assert_int_equal(ask_long("POST / HTTP/1.1\r\nContent-Length: 65536\r\n\r\n%s", 65536), 200);
	assert_int_equal(ask_long("POST / HTTP/1.1\r\nContent-Length: 65537\r\n\r\n%s", 65537), 413);
	assert_int_equal(ask("GET /huge HTTP/1.1\r\n\r\n", 22, 100, NULL, 0), 500);
	assert_int_equal(ask("GET /none HTTP/1.1\r\n\r\n", 22, 100, NULL, 0), 404);
}

static void a_head_request_has_no_body(void **state)
{
	char got[512];

	(void)state;
	assert_int_equal(ask("HEAD / HTTP/1.1\r\n\r\n", 19, 100, got, sizeof(got)), 200);
	assert_non_null(strstr(got, "Content-Length: 2\r\n"));
	assert_true(str_ends(got, "\r\n\r\n"));
}

static void a_silent_peer_is_dropped_and_slots_come_back(void **state)
{
	struct sim_conn *sc[17];

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 17; i++) {
			sc[i] = sim_connect(w, SOCK, 0, 0, false);
			sim_send(sc[i], "GET / HT", 8);
			sim_run_until(w, NULL, NULL, 10);
			assert_true(sim_closed(sc[i]) == (i == 16));
		}
		sim_run_until(w, NULL, NULL, 31000);
		for (unsigned i = 0; i < 17; i++) {
			assert_true(sim_closed(sc[i]));
			sim_hangup(sc[i]);
		}
	}
	assert_int_equal(ask("GET / HTTP/1.1\r\n\r\n", 18, 100, NULL, 0), 200);
}

static void a_peer_may_go_at_any_time(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\n\r\n";

	(void)state;
	for (size_t len = 0; len <= strlen(text); len++) {
		struct sim_conn *sc = sim_connect(w, SOCK, 0, 0, false);

		sim_send(sc, text, len);
		sim_hangup(sc);
		sim_run_until(w, NULL, NULL, 100);
	}
	assert_int_equal(asked, 1);
}

static void closing_drops_what_is_open_and_calls_back_once(void **state)
{
	struct sim_conn *a = sim_connect(w, SOCK, 0, 0, false), *b;

	(void)state;
	sim_run_until(w, NULL, NULL, 10);
	b = sim_connect(w, SOCK, 0, 0, false); /* not accepted yet */
	http_server_close(server, on_closed, NULL);
	server = NULL;
	assert_false(closed);
	sim_run_until(w, NULL, NULL, 100);
	assert_true(closed && sim_closed(a) && sim_closed(b));
	sim_hangup(a);
	sim_hangup(b);
}

static void who_is_asked_may_close_the_server_from_there(void **state)
{
	static const char text[] = "GET /huge HTTP/1.1\r\nHost: reeve\r\n\r\n";
	struct sim_conn *first, *other;
	struct err e = { 0 };

	(void)state;
	http_server_close(server, on_closed, NULL);
	sim_run_until(w, NULL, NULL, 1000);
	closed = false;
	server = http_server_new(w, SOCK, 0660, on_last_ask, NULL, &e);
	first = sim_connect(w, SOCK, 42, 7, true);
	other = sim_connect(w, SOCK, 42, 7, true);
	sim_send(first, text, strlen(text));
	sim_run_until(w, NULL, NULL, 1000);
	assert_true(closed && sim_closed(first) && sim_closed(other));
	assert_int_equal(sim_received(first)->len, 0);
	sim_hangup(first);
	sim_hangup(other);
}

#define LATER "GET /later HTTP/1.1\r\n\r\n"
#define LATER_TOLD "GET /later/told HTTP/1.1\r\n\r\n"

static void an_answer_that_comes_later_is_asked_for_until_it_is_there(void **state)
{
	(void)state;
	for (answered_at = 1; answered_at < 100; answered_at += 7) {
		asked = 0;
		assert_int_equal(ask(LATER, strlen(LATER), 100, NULL, 0), 200);
		assert_int_equal(asked, answered_at);
	}
}

static int ask_long_enough(const char *text)
{
	struct sim_conn *sc = sim_connect(w, SOCK, 0, 0, false);
	int status;

	asked = 0;
	sim_send(sc, text, strlen(text));
	sim_run_until(w, NULL, NULL, 29000);
	assert_int_equal(sim_received(sc)->len, 0);
	assert_false(sim_closed(sc));
	sim_run_until(w, NULL, NULL, 2000);
	assert_true(sim_closed(sc));
	status = sim_received(sc)->len > 9 ? atoi(buf_str(sim_received(sc)) + 9) : 0;
	sim_hangup(sc);
	return status;
}

static void who_waits_is_told_when_the_time_is_over(void **state)
{
	unsigned last;

	(void)state;
	assert_int_equal(ask_long_enough(LATER_TOLD), 200);
	assert_int_equal(ask_long_enough(LATER), 503);
	last = asked;
	sim_run_until(w, NULL, NULL, 10000);
	assert_int_equal(asked, last);
}

static void who_goes_while_he_waits_leaves_his_place(void **state)
{
	struct sim_conn *sc[16];
	unsigned last;

	(void)state;
	is_alone = false;
	for (unsigned i = 0; i < 16; i++) {
		sc[i] = sim_connect(w, SOCK, 0, 0, false);
		asked = 0;
		sim_send(sc[i], LATER, strlen(LATER));
		sim_run_until(w, NULL, NULL, 5);
	}
	for (unsigned i = 0; i < 16; i++)
		sim_hangup(sc[i]);
	sim_run_until(w, NULL, NULL, 50);
	last = asked;
	sim_run_until(w, NULL, NULL, 1000);
	assert_int_equal(asked, last);
	assert_int_equal(ask("GET / HTTP/1.1\r\n\r\n", 18, 100, NULL, 0), 200);
}

static void closing_drops_those_who_wait(void **state)
{
	struct sim_conn *sc = sim_connect(w, SOCK, 0, 0, false);

	(void)state;
	sim_send(sc, LATER, strlen(LATER));
	sim_run_until(w, NULL, NULL, 150);
	assert_int_equal(asked, 2);
	http_server_close(server, on_closed, NULL);
	server = NULL;
	sim_run_until(w, NULL, NULL, 1000);
	assert_true(closed && sim_closed(sc));
	assert_int_equal(asked, 2);
	sim_hangup(sc);
}

static void a_socket_that_cannot_be_served_is_an_error_with_a_sentence(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_null(http_server_new(w, SOCK, 0660, on_ask, NULL, &e));
	assert_int_equal(e.code, ERR_EXISTS);
	sim_fail_nth(w, SIM_SERVE, 1, ERR_DENIED);
	assert_null(http_server_new(w, "/run/other", 0660, on_ask, NULL, &e));
	assert_int_equal(e.code, ERR_DENIED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_request_gets_its_answer_for_any_split_of_its_bytes),
		T(what_breaks_the_rules_is_refused_and_not_asked),
		T(sizes_have_limits),
		T(a_head_request_has_no_body),
		T(a_silent_peer_is_dropped_and_slots_come_back),
		T(a_peer_may_go_at_any_time),
		T(closing_drops_what_is_open_and_calls_back_once),
		T(who_is_asked_may_close_the_server_from_there),
		T(an_answer_that_comes_later_is_asked_for_until_it_is_there),
		T(who_waits_is_told_when_the_time_is_over),
		T(who_goes_while_he_waits_leaves_his_place),
		T(closing_drops_those_who_wait),
		T(a_socket_that_cannot_be_served_is_an_error_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
