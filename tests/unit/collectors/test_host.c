/* test_host.c - the flow of a reading, in the simulated world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "collectors/host.h"
#include "tests/sim/world_sim.h"
#include "tests/unit/cases.h"

static struct world *w;
static unsigned points, scrapes, usages;
static bool closed;

/* What a test wants to know of one series. */
static struct {
	const char *name, *key; /* key: a value of one of its attributes, NULL: any */
	const char *key2;
	int64_t i, start_ms;
	double d;
	unsigned times;
} wanted;

static bool has_value(const struct telemetry_point *p, const char *value)
{
	for (size_t i = 0; i < p->attrs_n && value != NULL; i++)
		if (strcmp(p->attrs[i].value, value) == 0)
			return true;
	return value == NULL;
}

static void want(const char *name, const char *key, const char *key2)
{
	memset(&wanted, 0, sizeof(wanted));
	wanted.name = name;
	wanted.key = key;
	wanted.key2 = key2;
}

static void on_point(void *ctx, const struct telemetry_point *p)
{
	(void)ctx;
	points++;
	if (wanted.name != NULL && strcmp(p->name, wanted.name) == 0 && has_value(p, wanted.key) && has_value(p, wanted.key2)) {
		wanted.i = p->i;
		wanted.d = p->d;
		wanted.start_ms = p->start_ms;
		wanted.times++;
	}
	usages += strcmp(p->name, "system.filesystem.usage") == 0;
}

static void on_scrape_done(void *ctx)
{
	(void)ctx;
	scrapes++;
}

static void on_closed(void *ctx)
{
	(void)ctx;
	closed = true;
}

static const struct telemetry_sink sink = { .point = on_point, .scrape_done = on_scrape_done };

static bool is_closed(void *ctx)
{
	(void)ctx;
	return closed;
}

static bool has_scraped(void *ctx)
{
	return scrapes >= *(unsigned *)ctx;
}

static int setup(void **state)
{
	(void)state;
	w = sim_new(3);
	points = scrapes = usages = 0;
	want(NULL, NULL, NULL);
	closed = false;
	sim_file_puts(w, "/proc/stat", "cpu  10 1 20 300 4 5 6 7 8 9\ncpu0 1 1 1 1 1 1 1 1 0 0\nbtime 1700000000\nprocesses 42\n");
	sim_file_puts(w, "/proc/self/mountinfo",
		      "22 1 259:1 / / rw - ext4 /dev/root rw\n25 22 259:2 / /data rw - xfs /dev/nvme1n1 rw\n");
	sim_dir_make(w, "/data");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sim_free(w);
	return 0;
}

static void close_host(struct host *h)
{
	host_close(h, on_closed, NULL);
	assert_int_equal(sim_run_until(w, is_closed, NULL, 10000), SIM_TRUE);
	sim_run_until(w, NULL, NULL, 600000);
}

static struct host *leaving;
static unsigned leave_at; /* the point, or the end of the scrape behind the last one */

static void leave_when_due(void *ctx)
{
	if (points + scrapes != leave_at)
		return;
	host_close(leaving, on_closed, ctx);
	assert_false(closed);
}

static void on_last_point(void *ctx, const struct telemetry_point *p)
{
	on_point(ctx, p);
	leave_when_due(ctx);
}

static void on_last_scrape(void *ctx)
{
	on_scrape_done(ctx);
	leave_when_due(ctx);
}

static void who_is_told_a_point_may_close_it_from_there(void **state)
{
	static const struct telemetry_sink leaver = { .point = on_last_point, .scrape_done = on_last_scrape };
	unsigned seen = 0;

	for (leave_at = 1; leave_at == 1 || leave_at <= seen; leave_at++) {
		setup(state);
		leaving = host_new(w, 15000, &leaver);
		assert_int_equal(sim_run_until(w, is_closed, NULL, 60000), SIM_TRUE);
		seen = points + scrapes > seen ? points + scrapes : seen;
		sim_run_until(w, NULL, NULL, 600000);
		teardown(state);
	}
	assert_true(seen >= 20);
}

static void what_cannot_be_read_costs_its_own_metrics_alone(void **state)
{
	struct host *h = host_new(w, 15000, &sink);
	unsigned twice = 2;

	(void)state;
	assert_int_equal(sim_run_until(w, has_scraped, &twice, 60000), SIM_TRUE);
	assert_true(points > 9); /* CPU and file systems */
	assert_true(host_stats(h).unread >= 5);
	assert_int_equal(usages, 2 * 2 * 3);
	close_host(h);
}

static void a_failing_file_system_is_left_out(void **state)
{
	struct host *h = host_new(w, 15000, &sink);
	unsigned once = 1;

	(void)state;
	sim_fail_nth(w, SIM_DISK, 1, ERR_IO);
	assert_int_equal(sim_run_until(w, has_scraped, &once, 60000), SIM_TRUE);
	assert_int_equal(usages, 3);
	assert_int_equal(host_stats(h).file_systems_failed, 1);
	close_host(h);
}

/* A world in which a file system never answers, until the test lets it. */
static struct disk_req *stuck;
static disk_cb *stuck_cb;
static void (*real_start)(struct world *world, struct disk_req *r, disk_cb *cb);

static void start_but_hang(struct world *world, struct disk_req *r, disk_cb *cb)
{
	if (strcmp(r->path, "/data") != 0) {
		real_start(world, r, cb);
		return;
	}
	assert_null(stuck); /* never asked again while it hangs */
	stuck = r;
	stuck_cb = cb;
}

static void a_file_system_that_hangs_is_skipped_and_counted_and_not_asked_again(void **state)
{
	struct host *h;
	unsigned thrice = 3;

	(void)state;
	real_start = w->disk_start;
	w->disk_start = start_but_hang;
	stuck = NULL;
	h = host_new(w, 15000, &sink);
	assert_int_equal(sim_run_until(w, has_scraped, &thrice, 60000), SIM_TRUE);
	assert_int_equal(usages, 3 * 3);
	assert_int_equal(host_stats(h).file_systems_hung, 3);
	close_host(h);
	stuck_cb(stuck, 0); /* long after everybody has gone */
}

static void scrape(unsigned n)
{
	assert_int_equal(sim_run_until(w, has_scraped, &n, 120000), SIM_TRUE);
}

static void put_case(const char *name, const char *path)
{
	CLEANUP(buf_close) struct buf b = { 0 };

	case_load(name, &b);
	sim_file_put(w, path, b.data, b.len);
}

static void the_start_of_a_counter_stays_where_the_first_reading_put_it(void **state)
{
	static const char *const texts[] = { "boot-time-1.stat", "boot-time-2.stat", "boot-time-3.stat" };
	struct host *h;

	(void)state;
	put_case(texts[0], "/proc/stat");
	want("system.cpu.time", "idle", NULL);
	h = host_new(w, 15000, &sink);
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
		put_case(texts[i], "/proc/stat");
		scrape(i + 1);
		assert_true(wanted.d == 10.0 * (i + 1));
		assert_int_equal(wanted.start_ms, INT64_C(1485888921000));
	}
	assert_int_equal(host_stats(h).counters_anew, 0);
	close_host(h);
}

/* ProtectProc= and hidepid show a process its own user's alone: their number is not the machine's. */
static void processes_are_not_counted_where_those_of_others_are_hidden(void **state)
{
	struct host *h = host_new(w, 15000, &sink);

	(void)state;
	want("system.process.count", NULL, NULL);
	sim_dir_make(w, "/proc/4711");
	scrape(1);
	assert_int_equal(wanted.times, 0);
	sim_dir_make(w, "/proc/1");
	scrape(2);
	assert_int_equal(wanted.times, 1);
	assert_int_equal(wanted.i, 2);
	close_host(h);
}

static void cpu_time_that_goes_back_is_held_and_counted(void **state)
{
	struct host *h = host_new(w, 15000, &sink);

	(void)state;
	want("system.cpu.time", "iowait", NULL);
	sim_file_puts(w, "/proc/stat", "cpu  10 1 20 300 400 5 6 7\ncpu0 1\nbtime 1600000000\nprocesses 42\n");
	scrape(1);
	assert_true(wanted.d == 4.0);
	sim_file_puts(w, "/proc/stat", "cpu  11 1 21 310 396 5 6 7\ncpu0 1\nbtime 1600000000\nprocesses 42\n");
	scrape(2);
	assert_true(wanted.d == 4.0);
	assert_int_equal(host_stats(h).counters_held, 1);
	close_host(h);
}

static void odd_numbers_cost_themselves_alone_and_are_counted(void **state)
{
	struct host *h = host_new(w, 15000, &sink);

	(void)state;
	put_case("no-memavailable.meminfo", "/proc/meminfo");
	sim_file_puts(w, "/proc/stat", "cpu  10 1 20 300 400 5 6 7\ncpu0 1\nbtime 1600000000\nprocesses -3\n");
	want("system.memory.limit", NULL, NULL);
	scrape(1);
	assert_int_equal(wanted.i, INT64_C(3849512) * 1024);
	assert_int_equal(host_stats(h).rows_odd, 2);
	want("system.process.created", NULL, NULL);
	scrape(2);
	assert_int_equal(wanted.times, 0);
	assert_int_equal(host_stats(h).rows_odd, 2); /* of the last reading */
	close_host(h);
}

/* Ten thousand containers: the limit costs the last of them and not all interfaces. */
static void a_text_that_is_too_long_is_told_as_far_as_it_goes(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(2u << 20);
	struct host *h = host_new(w, 15000, &sink);

	(void)state;
	buf_adds(&b, "heading\nheading\n");
	buf_adds(&b, "  ens5: 7 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n");
	while (b.len < (1u << 20) + 4000)
		buf_addf(&b, "veth%zu: 1000000 1000000 1 1 1 1 1 1 1000000 1000000 1 1 1 1 1 1\n", b.len);
	sim_file_put(w, "/proc/net/dev", b.data, b.len);
	want("system.network.io", "ens5", "receive");
	scrape(1);
	assert_int_equal(wanted.times, 1);
	assert_int_equal(wanted.i, 7);
	assert_true(host_stats(h).rows_over > 0);
	close_host(h);
}

/* ---- what statvfs says ---- */

static struct disk_req said; /* its fs */
static const char *asked[8];
static unsigned asked_n;

static void start_and_say(struct world *world, struct disk_req *r, disk_cb *cb)
{
	if (asked_n < ARRAY_LEN(asked))
		asked[asked_n++] = strcmp(r->path, "/data") == 0 ? "/data" : strcmp(r->path, "/") == 0 ? "/" : "another";
	real_start(world, r, cb);
}

static disk_cb *real_cb;

static void on_said(struct disk_req *r, int rc)
{
	r->fs = said.fs;
	real_cb(r, rc);
}

static void start_and_answer(struct world *world, struct disk_req *r, disk_cb *cb)
{
	real_cb = cb;
	real_start(world, r, on_said);
}

static void of_two_mounts_on_one_point_the_upper_alone_is_asked(void **state)
{
	struct host *h;

	(void)state;
	put_case("mounted-over.mountinfo", "/proc/self/mountinfo");
	real_start = w->disk_start;
	w->disk_start = start_and_say;
	asked_n = 0;
	want("system.filesystem.limit", "/dev/nvme1n1", NULL);
	h = host_new(w, 15000, &sink);
	scrape(1);
	assert_int_equal(asked_n, 2);
	assert_int_equal(wanted.times, 0);
	close_host(h);
}

static void autofs_is_never_asked(void **state)
{
	struct host *h;

	(void)state;
	put_case("autofs.mountinfo", "/proc/self/mountinfo");
	real_start = w->disk_start;
	w->disk_start = start_and_say;
	asked_n = 0;
	h = host_new(w, 15000, &sink);
	scrape(1);
	assert_int_equal(asked_n, 1);
	assert_string_equal(asked[0], "/");
	close_host(h);
}

static void a_disk_that_is_full_is_told_however_its_free_space_is_written(void **state)
{
	static const struct {
		uint64_t blocks, bfree, bavail, used, free, reserved;
	} cases[] = {
		{ 1000, 100, 50, 900, 50, 50 },
		{ 1000, 50, (uint64_t)-3, 950, 0, 50 },             /* root's reserve is used in part */
		{ 1000, (uint64_t)-20, (uint64_t)-20, 1000, 0, 0 }, /* over its quota */
		{ 1000, UINT32_MAX - 19, UINT32_MAX - 19, 1000, 0, 0 },
		{ 1000, 100, 200, 900, 100, 0 }, /* a quota binds one of them */
		{ 1000, 5000, 5000, 0, 1000, 0 },
		{ 1000, 0, 0, 1000, 0, 0 },
	};
	struct host *h;

	(void)state;
	real_start = w->disk_start;
	w->disk_start = start_and_answer;
	h = host_new(w, 15000, &sink);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		const char *const states[] = { "used", "free", "reserved" };
		const uint64_t wants[] = { cases[i].used, cases[i].free, cases[i].reserved };

		said.fs.frsize = 4096;
		said.fs.blocks = cases[i].blocks;
		said.fs.bfree = cases[i].bfree;
		said.fs.bavail = cases[i].bavail;
		for (unsigned k = 0; k < ARRAY_LEN(states); k++) {
			want("system.filesystem.usage", states[k], "/");
			scrape(scrapes + 1);
			assert_int_equal(wanted.i, wants[k] * 4096);
		}
	}
	said.fs.blocks = UINT64_MAX / 8;
	want("system.filesystem.limit", NULL, NULL);
	scrape(scrapes + 1);
	assert_int_equal(wanted.times, 0);
	assert_true(host_stats(h).rows_odd >= 2);
	close_host(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_cannot_be_read_costs_its_own_metrics_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(the_start_of_a_counter_stays_where_the_first_reading_put_it, setup, teardown),
		cmocka_unit_test_setup_teardown(cpu_time_that_goes_back_is_held_and_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(odd_numbers_cost_themselves_alone_and_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(of_two_mounts_on_one_point_the_upper_alone_is_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(autofs_is_never_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_text_that_is_too_long_is_told_as_far_as_it_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_disk_that_is_full_is_told_however_its_free_space_is_written, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failing_file_system_is_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(processes_are_not_counted_where_those_of_others_are_hidden, setup, teardown),
		cmocka_unit_test(who_is_told_a_point_may_close_it_from_there),
		cmocka_unit_test_setup_teardown(a_file_system_that_hangs_is_skipped_and_counted_and_not_asked_again, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
