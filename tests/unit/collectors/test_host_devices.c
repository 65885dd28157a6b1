/* test_host_devices.c - what a reading tells of disks and interfaces: which, in which units, and what is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"
#include "collectors/host.h"
#include "tests/sim/flag.h"
#include "tests/sim/world_sim.h"

#define DISKS                                                                                                                      \
	" 259 0 nvme0n1 100 2 4096 250 200 3 8192 500 0 1500 750\n"                                                                \
	" 259 1 nvme0n1p1 90 2 4000 240 190 3 8000 490 0 1400 730\n"                                                               \
	" 254 0 cciss/c0d0 1 0 2 3 4 0 6 7 0 8 9\n"
#define NET                                                                                                                        \
	"Inter-|   Receive                |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes\n"     \
	"  ens5:11 12 13 14 0 0 0 0 15 16 17 18 0 0 0 0\n"

static struct world *w;
static struct buf told; /* a line a point: name, values of its attributes, value and unit */
static bool scraped, closed;

static void on_point(void *ctx, const struct telemetry_point *p)
{
	(void)ctx;
	buf_addf(&told, "\n%s", p->name);
	for (size_t i = 0; i < p->attrs_n; i++)
		buf_addf(&told, " %s", p->attrs[i].value);
	if (p->is_double)
		buf_addf(&told, " %g %s", p->d, p->unit);
	else
		buf_addf(&told, " %" PRId64 " %s", p->i, p->unit);
	buf_adds(&told, "\n");
}

static void on_scrape_done(void *ctx)
{
	(void)ctx;
	scraped = true;
}

static const struct telemetry_sink sink = { .point = on_point, .scrape_done = on_scrape_done };

static void read_once(struct host_stats *ret_stats)
{
	struct host *h = host_new(w, 15000, &sink);

	assert_int_equal(sim_run_until(w, flag_is_set, &scraped, 60000), SIM_TRUE);
	*ret_stats = host_stats(h);
	host_close(h, flag_set, &closed);
	assert_int_equal(sim_run_until(w, flag_is_set, &closed, 60000), SIM_TRUE);
}

static int setup(void **state)
{
	(void)state;
	w = sim_new(3);
	told = BUF_MAX(1u << 20);
	scraped = closed = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_close(&told);
	sim_free(w);
	return 0;
}

static bool is_told(const char *line)
{
	CLEANUP(mem_close) char *whole = mem_printf("\n%s\n", line);

	return strstr(buf_str(&told), whole) != NULL;
}

static void whole_disks_are_told_in_bytes_and_seconds(void **state)
{
	struct host_stats stats;

	(void)state;
	sim_file_puts(w, "/proc/diskstats", DISKS);
	sim_file_puts(w, "/sys/block/nvme0n1/size", "41943040\n");
	sim_dir_make(w, "/sys/block/nvme0n1");
	read_once(&stats);
	assert_true(is_told("system.disk.io nvme0n1 read 2097152 By"));
	assert_true(is_told("system.disk.io nvme0n1 write 4194304 By"));
	assert_true(is_told("system.disk.operations nvme0n1 read 100 {operation}"));
	assert_true(is_told("system.disk.merged nvme0n1 write 3 {operation}"));
	assert_true(is_told("system.disk.operation_time nvme0n1 read 0.25 s"));
	assert_true(is_told("system.disk.io_time nvme0n1 1.5 s"));
	assert_true(is_told("system.disk.limit nvme0n1 21474836480 By"));
	assert_null(strstr(buf_str(&told), "nvme0n1p1")); /* a partition is no disk: /sys/block does not have it */
}

static void a_disk_whose_name_has_a_slash_is_found_as_sysfs_writes_it(void **state)
{
	struct host_stats stats;

	(void)state;
	sim_file_puts(w, "/proc/diskstats", DISKS);
	sim_file_puts(w, "/sys/block/cciss!c0d0/size", "8\n");
	sim_dir_make(w, "/sys/block/cciss!c0d0");
	read_once(&stats);
	assert_true(is_told("system.disk.limit cciss/c0d0 4096 By"));
}

static void a_size_that_is_no_number_costs_the_size_alone_and_is_counted(void **state)
{
	struct host_stats stats, with;

	sim_file_puts(w, "/proc/diskstats", DISKS);
	sim_file_puts(w, "/sys/block/nvme0n1/size", "8\n");
	sim_dir_make(w, "/sys/block/nvme0n1");
	read_once(&stats);
	teardown(state);
	setup(state);
	sim_file_puts(w, "/proc/diskstats", DISKS);
	sim_file_puts(w, "/sys/block/nvme0n1/size", "-8\n");
	sim_dir_make(w, "/sys/block/nvme0n1");
	read_once(&with);
	assert_null(strstr(buf_str(&told), "system.disk.limit"));
	assert_true(is_told("system.disk.operations nvme0n1 read 100 {operation}"));
	assert_int_equal(with.rows_odd, stats.rows_odd + 1);
}

static void interfaces_are_told_in_both_directions(void **state)
{
	struct host_stats stats;

	(void)state;
	sim_file_puts(w, "/proc/net/dev", NET);
	read_once(&stats);
	assert_true(is_told("system.network.io ens5 receive 11 By"));
	assert_true(is_told("system.network.io ens5 transmit 15 By"));
	assert_true(is_told("system.network.packet.count ens5 receive 12 {packet}"));
	assert_true(is_told("system.network.errors ens5 receive 13 {error}"));
	assert_true(is_told("system.network.packet.dropped ens5 transmit 18 {packet}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole_disks_are_told_in_bytes_and_seconds, setup, teardown),
		cmocka_unit_test_setup_teardown(a_disk_whose_name_has_a_slash_is_found_as_sysfs_writes_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_size_that_is_no_number_costs_the_size_alone_and_is_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(interfaces_are_told_in_both_directions, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
