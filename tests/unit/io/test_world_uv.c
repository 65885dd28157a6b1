/* test_world_uv.c - the real world's timers, clocks, watches and signals; and that it may be freed in the middle of all. */
#include "tests/unit/io/server.h"

#include <signal.h>

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
	timer_stop(bench_here->w, &third);
}

static void on_c(struct timer *t)
{
	(void)t;
	strcat(order, "c");
}

static void on_end(struct timer *t)
{
	(void)t;
	world_uv_stop(bench_here->w);
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
		timer_start(bench_here->w, t, 0, on_again);
	else
		world_uv_stop(bench_here->w);
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

/* ---- turns ---- */

#define TURNS_MAX 100000

static unsigned turns_left;
static struct timer busy;
static struct disk_req looks;

static void on_turn(struct timer *t)
{
	if (--turns_left == 0)
		world_uv_stop(bench_here->w);
	else
		timer_start(bench_here->w, t, 0, on_turn);
}

static void on_looked(struct disk_req *r, int rc)
{
	(void)r;
	assert_int_equal(rc, 0);
	strcat(order, "d");
	timer_stop(bench_here->w, &busy);
	world_uv_stop(bench_here->w);
}

static void a_timer_that_is_always_due_leaves_the_disk_its_turn(void **state)
{
	struct bench *b = *state;

	turns_left = TURNS_MAX;
	order[0] = '\0';
	looks = (struct disk_req){ .op = DISK_STATVFS, .path = "/" };
	b->w->disk_start(b->w, &looks, on_looked);
	timer_start(b->w, &busy, 0, on_turn);
	world_uv_run(b->w);
	assert_string_equal(order, "d");
	assert_true(turns_left > 0);
}

static void on_long(struct timer *t)
{
	uint64_t end_ms = world_now_ms(bench_here->w) + 50;

	(void)t;
	strcat(order, "l");
	while (world_now_ms(bench_here->w) < end_ms)
		;
}

static void on_seen(struct disk_req *r, int rc)
{
	(void)r;
	(void)rc;
	strcat(order, "d");
}

/* Three that are due, the first of them long: the others come in their order, in a turn of their own. */
static void what_is_due_shares_turns_with_the_disk(void **state)
{
	struct bench *b = *state;
	struct timer tl = { 0 }, ta = { 0 }, tc = { 0 }, end = { 0 };

	order[0] = '\0';
	looks = (struct disk_req){ .op = DISK_STATVFS, .path = "/" };
	timer_start(b->w, &tl, 0, on_long);
	timer_start(b->w, &ta, 0, on_a);
	timer_start(b->w, &tc, 0, on_c);
	timer_start(b->w, &end, 200, on_end);
	b->w->disk_start(b->w, &looks, on_seen);
	world_uv_run(b->w);
	assert_string_equal(order, "ldac");
}

static void clocks_and_chance_are_there(void **state)
{
	struct bench *b = *state;
	uint64_t before_ms = world_now_ms(b->w);

	assert_true(world_wall_ms(b->w) > 1700000000000);
	assert_true(world_now_ms(b->w) >= before_ms);
	assert_true(world_random64(b->w) != world_random64(b->w));
}

static bool came, written;

static void on_watch(struct watch *wt, const char *name, bool names)
{
	(void)wt;
	assert_string_equal(name, "f");
	came |= names;
	written |= !names;
	world_uv_stop(bench_here->w);
}

static void a_watch_tells_of_a_change_in_its_directory(void **state)
{
	struct bench *b = *state;
	struct watch wt = { .dir = b->dir }, none = { .dir = "/nonexistent" };
	struct err e = { 0 };

	assert_int_equal(b->w->watch_start(b->w, &none, on_watch, &e), -ERR_NOTFOUND);
	assert_int_equal(b->w->watch_start(b->w, &wt, on_watch, &e), 0);
	bench_put(bench_path(b, "f"), "x");
	world_uv_run(b->w);
	while (!written)
		world_uv_run(b->w);
	assert_true(came);
	b->w->watch_stop(b->w, &wt);
	b->w->watch_stop(b->w, &wt);
	assert_null(wt.impl);
}

static void on_sig(struct sig *s)
{
	(void)s;
	world_uv_stop(bench_here->w);
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

static void a_world_may_be_freed_with_everything_still_open(void **state)
{
	static struct http_req r = { .method = "GET" };
	static struct disk_req d[8];
	static struct watch wt;
	struct server *s = *state;
	struct bench *b = &s->b;

	r.url = server_url(s, "/hang");
	http_start(b->w, &r, bench_on_http);
	assert_int_equal(b->w->disk_lock(b->w, bench_path(b, "lock"), NULL), 0);
	wt.dir = b->dir;
	assert_int_equal(b->w->watch_start(b->w, &wt, NULL, NULL), 0);
	for (unsigned i = 0; i < ARRAY_LEN(d); i++)
		disk_append(b->w, &d[i], bench_path(b, i % 2 ? "x" : "y"), 0, "bytes", 5, NULL);
	bench_free_world(b);
	http_req_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(timers_fire_in_order_once_and_never_after_a_stop),
		BENCH_TEST(a_timer_may_be_started_again_from_its_callback),
		BENCH_TEST(a_timer_that_is_always_due_leaves_the_disk_its_turn),
		BENCH_TEST(what_is_due_shares_turns_with_the_disk),
		BENCH_TEST(clocks_and_chance_are_there),
		BENCH_TEST(a_watch_tells_of_a_change_in_its_directory),
		BENCH_TEST(a_signal_reaches_the_loop),
		SERVER_TEST(a_world_may_be_freed_with_everything_still_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
