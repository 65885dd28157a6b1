/* test_world_uv_name.c - names under a resolver that is the test's own: libuv calls this program's getaddrinfo, which answers,
 * refuses, or stays dark for as long as the test wants. What waits for a dark one hangs, and the bench's guard says so. */
#include "tests/unit/io/server.h"

#include <arpa/inet.h>
#include <netdb.h>

#include "agent/io/world_uv_impl.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t light;
	bool is_dark;
	int refuses; /* with this EAI_ code */
	const char *addresses[4];
	unsigned asked, waiting;
	pthread_t loop;
	bool held_the_loop; /* was asked by the loop's own thread */
} resolver = { .lock = PTHREAD_MUTEX_INITIALIZER, .light = PTHREAD_COND_INITIALIZER };

static struct addrinfo *entry(const char *address)
{
	struct addrinfo *a = mem_new(struct addrinfo);
	struct sockaddr_in6 *v6 = mem_new(struct sockaddr_in6); /* has room for both */
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)v6;

	a->ai_addr = (struct sockaddr *)v6;
	a->ai_socktype = SOCK_STREAM;
	a->ai_family = v4->sin_family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
	a->ai_addrlen = a->ai_family == AF_INET ? sizeof(*v4) : sizeof(*v6);
	assert_int_equal(inet_pton(a->ai_family, address, a->ai_family == AF_INET ? (void *)&v4->sin_addr : &v6->sin6_addr), 1);
	return a;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	struct addrinfo **end = ret;
	int rc;

	(void)node, (void)service, (void)hints;
	pthread_mutex_lock(&resolver.lock);
	resolver.asked++;
	resolver.waiting++;
	resolver.held_the_loop |= pthread_equal(pthread_self(), resolver.loop);
	while (resolver.is_dark)
		pthread_cond_wait(&resolver.light, &resolver.lock);
	resolver.waiting--;
	rc = resolver.refuses;
	*ret = NULL;
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(resolver.addresses) && resolver.addresses[i] != NULL; i++) {
		*end = entry(resolver.addresses[i]);
		end = &(*end)->ai_next;
	}
	pthread_mutex_unlock(&resolver.lock);
	return rc;
}

void freeaddrinfo(struct addrinfo *a)
{
	while (a != NULL) {
		struct addrinfo *next = a->ai_next;

		mem_free(a->ai_addr);
		mem_free(a);
		a = next;
	}
}

static void answer(const char *first, const char *second)
{
	pthread_mutex_lock(&resolver.lock);
	resolver.addresses[0] = first;
	resolver.addresses[1] = second;
	resolver.is_dark = false;
	pthread_cond_broadcast(&resolver.light);
	pthread_mutex_unlock(&resolver.lock);
}

static unsigned asked(void)
{
	unsigned n;

	pthread_mutex_lock(&resolver.lock);
	n = resolver.asked;
	pthread_mutex_unlock(&resolver.lock);
	return n;
}

static void go_dark(void)
{
	pthread_mutex_lock(&resolver.lock);
	resolver.is_dark = true;
	pthread_mutex_unlock(&resolver.lock);
}

static int name_start(void **state)
{
	resolver.refuses = 0;
	resolver.asked = 0;
	resolver.loop = pthread_self();
	answer("127.0.0.1", NULL);
	return server_start(state);
}

static int name_end(void **state)
{
	assert_false(resolver.held_the_loop);
	return server_end(state);
}

#define NAME_TEST(f) cmocka_unit_test_setup_teardown(f, name_start, name_end)

static struct http_req get(struct server *s, const char *host, const char *path)
{
	static char urls[16][128];
	static unsigned i;
	char *url = urls[i++ % 16];

	snprintf(url, sizeof(urls[0]), "http://%s:%u%s", host, s->port, path);
	return (struct http_req){ .method = "GET", .url = url, .body.max = 65536 };
}

static int fetch(struct server *s, const char *host, const char *path)
{
	struct http_req r = get(s, host, path);
	int rc = bench_http(&s->b, &r);

	http_req_close(&r);
	return rc;
}

/* ---- the tests ------------------------------------------------------------------------------------------------------- */

static unsigned ended;

static void on_one_of_three(struct http_req *r, int rc)
{
	assert_int_equal(rc, 0);
	(void)r;
	if (++ended == 3)
		bench_stop(0);
}

static void a_name_is_looked_up_once_for_all_who_ask(void **state)
{
	struct server *s = *state;
	struct http_req r[3];

	ended = 0;
	go_dark();
	for (size_t i = 0; i < ARRAY_LEN(r); i++) {
		r[i] = get(s, "vendor.test", "/");
		http_start(s->b.w, &r[i], on_one_of_three);
	}
	answer("127.0.0.1", NULL);
	s->closes = true; /* one connection at a time is all this server does */
	assert_int_equal(bench_run(&s->b), 0);
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		http_req_close(&r[i]);
	assert_int_equal(fetch(s, "vendor.test", "/"), 0);
	assert_int_equal(asked(), 1);
}

static void an_address_needs_no_resolver(void **state)
{
	struct server *s = *state;

	go_dark();
	assert_int_equal(fetch(s, "127.0.0.1", "/"), 0);
	assert_int_equal(asked(), 0);
	answer("127.0.0.1", NULL);
}

static void a_dark_resolver_ends_the_request_in_its_time_and_says_so(void **state)
{
	struct server *s = *state;
	struct http_req r = get(s, "vendor.test", "/");

	go_dark();
	r.connect_ms = 50;
	assert_int_equal(bench_http(&s->b, &r), -ERR_TIMEOUT);
	assert_non_null(strstr(r.err.text, "vendor.test"));
	assert_non_null(strstr(r.err.text, "no answer from the resolver in 50 ms"));
	http_req_close(&r);
	answer("127.0.0.1", NULL);
	assert_int_equal(fetch(s, "vendor.test", "/"), 0); /* the lookup that was too late for the first */
	assert_int_equal(asked(), 1);
}

static void a_request_in_the_dark_is_cancelled_without_waiting_for_the_light(void **state)
{
	struct server *s = *state;
	struct http_req r = get(s, "vendor.test", "/");

	go_dark();
	http_start(s->b.w, &r, bench_on_http);
	http_cancel(s->b.w, &r);
	assert_int_equal(bench_run(&s->b), -ERR_CANCELED);
	http_req_close(&r);
	answer("127.0.0.1", NULL);
}

static void the_disk_is_written_while_the_resolver_is_dark(void **state)
{
	static const char *const hosts[] = { "a.test", "b.test", "c.test", "d.test", "e.test", "f.test", "g.test", "h.test" };
	struct server *s = *state;
	struct http_req r[ARRAY_LEN(hosts)];
	struct disk_req d = { 0 };

	go_dark();
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		r[i] = get(s, hosts[i], "/");
		http_start(s->b.w, &r[i], bench_on_http);
	}
	disk_append(s->b.w, &d, bench_path(&s->b, "journal"), 0, "x", 1, bench_on_disk);
	assert_int_equal(bench_run(&s->b), 0);
	answer("127.0.0.1", NULL);
	bench_free_world(&s->b);
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		buf_close(&r[i].body), buf_close(&r[i].head);
}

static void a_world_is_freed_in_the_dark_and_says_that_a_thread_is_held(void **state)
{
	struct server *s = *state;
	struct http_req r = get(s, "vendor.test", "/");
	struct world *next;

	assert_int_equal(s->b.w->disk_lock(s->b.w, bench_path(&s->b, "lock"), NULL), 0);
	go_dark();
	r.connect_ms = 50;
	assert_int_equal(bench_http(&s->b, &r), -ERR_TIMEOUT);
	assert_false(world_uv_free(s->b.w));
	s->b.w = NULL;
	next = world_uv_new(NULL); /* a worker may still write: the folder is not free before the process has ended */
	assert_int_equal(next->disk_lock(next, bench_path(&s->b, "lock"), NULL), -ERR_EXISTS);
	assert_true(world_uv_free(next));
	http_req_close(&r);
	answer("127.0.0.1", NULL);
}

static void a_name_that_is_not_known_is_told_and_asked_again(void **state)
{
	struct server *s = *state;
	struct http_req r = get(s, "vendor.test", "/");

	resolver.refuses = EAI_NONAME;
	assert_int_equal(bench_http(&s->b, &r), -ERR_NET);
	assert_non_null(strstr(r.err.text, "the name vendor.test: unknown node or service"));
	http_req_close(&r);
	resolver.refuses = 0;
	assert_int_equal(fetch(s, "vendor.test", "/"), 0);
}

static void on_turn(struct timer *t)
{
	(void)t;
	world_uv_stop(bench_here->w);
}

static void turn(struct bench *b)
{
	struct timer t = { 0 };

	timer_start(b->w, &t, 1, on_turn);
	world_uv_run(b->w);
}

static void who_is_known_is_found_while_the_resolver_is_dark(void **state)
{
	struct server *s = *state;

	assert_int_equal(fetch(s, "vendor.test", "/"), 0);
	go_dark();
	assert_int_equal(fetch(s, "vendor.test", "/reset"), -ERR_NET); /* from here on it is looked up again */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(fetch(s, "vendor.test", "/"), 0);
	while (asked() < 2) /* a thread looks, and may have no turn yet */
		turn(&s->b);
	assert_int_equal(asked(), 2);
	answer("127.0.0.1", NULL);
}

static void a_request_that_fails_has_its_name_looked_up_for_the_next_one(void **state)
{
	struct server *s = *state;

	assert_int_equal(fetch(s, "vendor.test", "/reset"), -ERR_NET);
	while (asked() < 2)
		turn(&s->b);
}

static void of_many_names_the_one_asked_for_longest_ago_is_forgotten(void **state)
{
	struct server *s = *state;
	char host[32];

	s->closes = true;
	for (unsigned i = 0; i < 65; i++) {
		snprintf(host, sizeof(host), "h%u.test", i);
		assert_int_equal(fetch(s, host, "/"), 0);
		turn(&s->b); /* the clock that says which came first counts milliseconds */
	}
	assert_int_equal(fetch(s, "h64.test", "/"), 0);
	assert_int_equal(asked(), 65);
	assert_int_equal(fetch(s, "h0.test", "/"), 0);
	assert_int_equal(asked(), 66);
}

static void a_version_6_address_without_a_route_falls_back(void **state)
{
	struct server *s = *state;

	answer("2001:db8::1", "127.0.0.1");
	assert_int_equal(fetch(s, "vendor.test", "/"), 0);
}

/* The same port at another address of this machine. */
static struct server *open_at(const char *address, unsigned port)
{
	struct server *s = mem_new(struct server);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	inet_pton(AF_INET, address, &a.sin_addr);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	pthread_create(&s->thread, NULL, server_main, s);
	return s;
}

static void a_name_that_moves_is_heard_under_a_live_connection(void **state)
{
	struct server *s = *state, *other = open_at("127.0.0.2", s->port);

	assert_int_equal(fetch(s, "vendor.test", "/"), 0);
	assert_int_equal(fetch(s, "vendor.test", "/hello"), 0);
	assert_int_equal(s->conns, 1); /* it lives, and would be used for ever */
	answer("127.0.0.2", NULL);
	world_uv_name_doubt(container_of(s->b.w, struct world_uv, w), "vendor.test"); /* in place of a quarter of a minute */
	while (other->conns == 0)
		assert_int_equal(fetch(s, "vendor.test", "/"), 0);
	assert_int_equal(s->conns, 1);
	assert_int_equal(fetch(s, "vendor.test", "/"), 0);
	assert_int_equal(other->conns, 1);
	bench_free_world(&s->b);
	server_stop(other);
	mem_free(other);
}

static void an_order_that_turns_moves_nobody(void **state)
{
	struct server *s = *state;

	answer("127.0.0.1", "127.0.0.3");
	assert_int_equal(fetch(s, "vendor.test", "/"), 0);
	answer("127.0.0.3", "127.0.0.1");
	world_uv_name_doubt(container_of(s->b.w, struct world_uv, w), "vendor.test");
	while (asked() < 2)
		assert_int_equal(fetch(s, "vendor.test", "/"), 0);
	assert_int_equal(fetch(s, "vendor.test", "/"), 0);
	assert_int_equal(s->conns, 1);
}

static void connect_to_is_the_name_that_is_looked_up(void **state)
{
	struct server *s = *state;
	struct http_req r = get(s, "vendor.test", "/hello");
	CLEANUP(mem_close) char *to = mem_printf("endpoint.test:%u", s->port);

	r.url = "http://vendor.test/hello";
	r.connect_to = to;
	assert_int_equal(bench_http(&s->b, &r), 0);
	assert_non_null(strstr(s->seen, "Host: vendor.test\r\n"));
	assert_int_equal(asked(), 1);
	http_req_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAME_TEST(a_name_is_looked_up_once_for_all_who_ask),
		NAME_TEST(an_address_needs_no_resolver),
		NAME_TEST(a_dark_resolver_ends_the_request_in_its_time_and_says_so),
		NAME_TEST(a_request_in_the_dark_is_cancelled_without_waiting_for_the_light),
		NAME_TEST(the_disk_is_written_while_the_resolver_is_dark),
		NAME_TEST(a_world_is_freed_in_the_dark_and_says_that_a_thread_is_held),
		NAME_TEST(a_name_that_is_not_known_is_told_and_asked_again),
		NAME_TEST(who_is_known_is_found_while_the_resolver_is_dark),
		NAME_TEST(a_request_that_fails_has_its_name_looked_up_for_the_next_one),
		NAME_TEST(of_many_names_the_one_asked_for_longest_ago_is_forgotten),
		NAME_TEST(a_version_6_address_without_a_route_falls_back),
		NAME_TEST(a_name_that_moves_is_heard_under_a_live_connection),
		NAME_TEST(an_order_that_turns_moves_nobody),
		NAME_TEST(connect_to_is_the_name_that_is_looked_up),
	};

	setenv("UV_THREADPOOL_SIZE", "1", 1); /* whatever the environment says */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
