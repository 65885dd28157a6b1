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

static struct world *w;
static unsigned points, scrapes, usages;
static bool closed;

static void on_point(void *ctx, const struct telemetry_point *p)
{
	(void)ctx;
	points++;
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

static void what_cannot_be_read_costs_its_own_metrics_alone(void **state)
{
	struct host *h = host_new(w, 15000, &sink);
	unsigned want = 2;

	(void)state;
	assert_int_equal(sim_run_until(w, has_scraped, &want, 60000), SIM_TRUE);
	assert_true(points > 9); /* CPU and file systems */
	assert_true(host_stats(h).unread >= 5);
	assert_int_equal(usages, 2 * 2 * 3);
	close_host(h);
}

static void a_failing_file_system_is_left_out(void **state)
{
	struct host *h = host_new(w, 15000, &sink);
	unsigned want = 1;

	(void)state;
	sim_fail_nth(w, SIM_DISK, 1, ERR_IO);
	assert_int_equal(sim_run_until(w, has_scraped, &want, 60000), SIM_TRUE);
	assert_int_equal(usages, 3);
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
	unsigned want = 3;

	(void)state;
	real_start = w->disk_start;
	w->disk_start = start_but_hang;
	stuck = NULL;
	h = host_new(w, 15000, &sink);
	assert_int_equal(sim_run_until(w, has_scraped, &want, 60000), SIM_TRUE);
	assert_int_equal(usages, 3 * 3);
	assert_int_equal(host_stats(h).file_systems_hung, 3);
	close_host(h);
	stuck_cb(stuck, 0); /* long after everybody has gone */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_cannot_be_read_costs_its_own_metrics_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failing_file_system_is_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_system_that_hangs_is_skipped_and_counted_and_not_asked_again, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
