/* test_world_sim.c - the simulated world keeps the promises of world.h and none beyond them: time, sockets, watches, signals,
 * death, and that the same seed is the same run. */
#include "tests/unit/io/lab.h"

static void on_timer(struct timer *t)
{
	(void)t;
	lab.fired++;
}

static void on_timer_again(struct timer *t)
{
	lab.fired++;
	timer_start(lab.w, t, 24 * HOUR_MS, on_timer_again);
}

static void years_pass_in_a_moment(void **state)
{
	struct timer t = { 0 };
	uint64_t start_ms = world_now_ms(lab.w);
	int64_t wall = world_wall_ms(lab.w);

	(void)state;
	timer_start(lab.w, &t, 24 * HOUR_MS, on_timer_again);
	assert_int_equal(sim_run_until(lab.w, NULL, NULL, 3650ull * 24 * HOUR_MS), SIM_LIMIT);
	assert_int_equal(lab.fired, 3650);
	assert_int_equal(world_now_ms(lab.w) - start_ms, 3650ull * 24 * HOUR_MS);
	assert_int_equal(world_wall_ms(lab.w) - wall, 3650ull * 24 * HOUR_MS);
	timer_stop(lab.w, &t);
	assert_int_equal(sim_run_until(lab.w, NULL, NULL, 1000), SIM_IDLE);
}

static void the_wall_clock_steps_and_timers_do_not_notice(void **state)
{
	struct timer t = { 0 };

	(void)state;
	timer_start(lab.w, &t, 1000, on_timer);
	sim_wall_step(lab.w, -5 * (int64_t)HOUR_MS);
	sim_run_until(lab.w, NULL, NULL, 999);
	assert_int_equal(lab.fired, 0);
	sim_wall_set(lab.w, 42);
	assert_int_equal(world_wall_ms(lab.w), 42);
	sim_run_until(lab.w, NULL, NULL, 1);
	assert_int_equal(lab.fired, 1);
	assert_null(t.cb);
}

static void on_order(struct timer *t)
{
	sim_trace(lab.w, "%s", t->due_ms % 2 ? "odd" : "even");
	lab.fired = lab.fired * 10 + (unsigned)(uintptr_t)t->link.next;
}

static unsigned order_of_ties(uint64_t seed)
{
	struct timer t[3] = { 0 };

	lab_new(seed);
	for (unsigned i = 0; i < 3; i++) {
		timer_start(lab.w, &t[i], 5, on_order);
		t[i].link.next = (struct list *)(uintptr_t)(i + 1); /* the simulated world keeps its own lists */
	}
	sim_run_until(lab.w, NULL, NULL, 10);
	lab_free();
	return lab.fired;
}

static void ties_are_broken_by_the_seed(void **state)
{
	bool seen[400] = { false };
	unsigned kinds = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		unsigned o = order_of_ties(seed);

		assert_true(o < 400 && o == order_of_ties(seed));
		kinds += !seen[o];
		seen[o] = true;
	}
	assert_int_equal(kinds, 6);
}

static struct conn served;

static void on_served_closed(struct conn *c)
{
	(void)c;
	lab.fired += 100;
}

static void on_served_wrote(struct conn *c, int rc)
{
	lab.rc = rc;
	lab.w->conn_close(lab.w, c, on_served_closed);
}

static void on_served_read(struct conn *c, const char *data, size_t len)
{
	if (data == NULL)
		lab.w->conn_close(lab.w, c, on_served_closed);
	else if (memchr(data, '!', len) != NULL)
		lab.w->conn_write(lab.w, c, "bye", 3, on_served_wrote);
	lab.fired++;
}

static struct conn *on_conn(struct listener *l)
{
	(void)l;
	served = (struct conn){ .on_read = on_served_read };
	return &served;
}

static void sockets_carry_bytes_both_ways_in_order(void **state)
{
	struct listener l = { .on_conn = on_conn, .path = "/run/reeve/reeve.sock" };
	struct sim_conn *sc;
	struct err e = { 0 };

	(void)state;
	assert_null(sim_connect(lab.w, l.path, 0, 0, false));
	assert_int_equal(lab.w->serve(lab.w, &l, 0660, &e), 0);
	sc = sim_connect(lab.w, l.path, 7, 8, true);
	sim_send(sc, "hi", 2);
	sim_send(sc, "you!", 4);
	sim_run_until(lab.w, NULL, NULL, 100);
	assert_true(served.peer_uid == 7 && served.peer_gid == 8 && served.peer_in_group);
	assert_string_equal(buf_str(sim_received(sc)), "bye");
	assert_true(sim_closed(sc));
	assert_int_equal(lab.fired, 102);
	sim_hangup(sc);
	sc = sim_connect(lab.w, l.path, 7, 8, true);
	sim_hangup(sc);
	sim_run_until(lab.w, NULL, NULL, 100);
	assert_int_equal(lab.fired, 203);
	lab.w->unserve(lab.w, &l);
	lab.w->unserve(lab.w, &l);
}

static void on_watch(struct watch *wt, const char *name, bool names)
{
	(void)wt;
	assert_string_equal(name, "x");
	lab.names += names;
	lab.fired++;
}

static void on_sig(struct sig *sg)
{
	(void)sg;
	lab.fired++;
}

static void watches_and_signals_come_as_events(void **state)
{
	struct watch wt = { .dir = "/var/log" };
	struct sig sg = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(lab.w->watch_start(lab.w, &wt, on_watch, &e), -ERR_NOTFOUND);
	sim_dir_make(lab.w, "/var/log");
	assert_int_equal(lab.w->watch_start(lab.w, &wt, on_watch, &e), 0);
	sim_file_puts(lab.w, "/var/log/x", "a");
	sim_file_puts(lab.w, "/var/elsewhere", "a");
	assert_int_equal(lab.fired, 0);
	sim_run_until(lab.w, NULL, NULL, 10);
	assert_int_equal(lab.fired, 2); /* its birth, and the write */
	assert_int_equal(lab.names, 1);
	sim_file_append(lab.w, "/var/log/x", "b", 1);
	sim_run_until(lab.w, NULL, NULL, 10);
	assert_int_equal(lab.fired, 3);
	assert_int_equal(lab.names, 1);
	lab.w->watch_stop(lab.w, &wt);
	assert_int_equal(lab.w->sig_start(lab.w, &sg, 15, on_sig, &e), 0);
	sim_signal(lab.w, 15);
	sim_signal(lab.w, 1);
	sim_run_until(lab.w, NULL, NULL, 10);
	assert_int_equal(lab.fired, 4);
	lab.w->sig_stop(lab.w, &sg);
}

static void on_never(struct timer *t)
{
	(void)t;
	fail_msg("a dead agent was called");
}

static void a_crash_takes_everything_of_the_agent_and_nothing_of_the_world(void **state)
{
	static struct timer t;
	static struct http_req r = { .method = "GET", .url = "http://h/", .body.max = 10 };
	static struct disk_req d;
	static struct watch wt = { .dir = "/run/reeve" };
	static struct listener l = { .on_conn = on_conn, .path = "/run/reeve/reeve.sock" };
	struct disk_file *f;
	struct err e = { 0 };
	unsigned before = lab.arrived_n;

	(void)state;
	sim_http_handle(lab.w, lab_on_request, NULL);
	timer_start(lab.w, &t, 10, on_never);
	http_start(lab.w, &r, lab_on_http);
	disk_append(lab.w, &d, LAB_FILE, 0, "x", 1, lab_on_disk);
	sim_file_puts(lab.w, "/etc/f", "x");
	assert_int_equal(lab.w->file_open(lab.w, "/etc/f", &f, &e), 0);
	assert_int_equal(lab.w->watch_start(lab.w, &wt, on_watch, &e), 0);
	assert_int_equal(lab.w->serve(lab.w, &l, 0660, &e), 0);
	sim_crash(lab.w);
	assert_int_equal(sim_disk_open(lab.w), 0);
	assert_int_equal(sim_run_until(lab.w, NULL, NULL, HOUR_MS), SIM_IDLE);
	assert_int_equal(lab.fired, 0);
	assert_int_equal(lab.rc, 1);
	assert_int_equal(lab.arrived_n, before + 1); /* what was on its way arrived */
	timer_start(lab.w, &(struct timer){ 0 }, 10, on_timer);
	assert_int_equal(sim_run_until(lab.w, NULL, NULL, HOUR_MS), SIM_IDLE);
	assert_int_equal(lab.fired, 1);
}

static void busy_run(uint64_t seed, char digest[65])
{
	struct disk_req d[4] = { 0 };
	struct http_req r[4] = { 0 };
	uint64_t random;

	lab_new(seed);
	sim_http_handle(lab.w, lab_on_request, NULL);
	sim_fail_rate(lab.w, SIM_DISK, 200);
	sim_fail_rate(lab.w, SIM_HTTP, 200);
	for (unsigned i = 0; i < 4; i++) {
		disk_append(lab.w, &d[i], i % 2 ? LAB_FILE : LAB_FILE "2", 0, "hello", 5, lab_on_disk);
		r[i] = (struct http_req){ .method = "GET", .url = "http://h/", .body.max = 5 };
		http_start(lab.w, &r[i], lab_on_http);
	}
	random = world_random64(lab.w);
	sim_trace(lab.w, "%llx", (unsigned long long)random);
	sim_run_until(lab.w, NULL, NULL, HOUR_MS);
	strcpy(digest, sim_digest_hex(lab.w));
	for (unsigned i = 0; i < 4; i++)
		http_req_close(&r[i]);
	lab_free();
}

static void the_same_seed_is_the_same_run_and_another_is_not(void **state)
{
	char a[65], b[65], last[65] = "";

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		busy_run(seed, a);
		busy_run(seed, b);
		assert_string_equal(a, b);
		assert_string_not_equal(a, last);
		strcpy(last, a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(years_pass_in_a_moment),
		LAB_TEST(the_wall_clock_steps_and_timers_do_not_notice),
		LAB_TEST(ties_are_broken_by_the_seed),
		LAB_TEST(sockets_carry_bytes_both_ways_in_order),
		LAB_TEST(watches_and_signals_come_as_events),
		LAB_TEST(a_crash_takes_everything_of_the_agent_and_nothing_of_the_world),
		LAB_TEST(the_same_seed_is_the_same_run_and_another_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
