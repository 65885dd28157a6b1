/* test_host_parse.c - texts of /proc, whole, cut at every byte, and nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/err.h"
#include "agent/base/mem.h"
#include "collectors/host_parse.h"
#include "tests/unit/cases.h"

static struct host_left left;

#define STAT                                                                                                                       \
	"cpu  10 1 20 300 4 5 6 7 8 9\ncpu0 1 1 1 1 1 1 1 1 0 0\ncpu1 1 1 1 1 1 1 1 1 0 0\nintr 5\nbtime 1700000000\nprocesses "   \
	"42\n"
#define MEMINFO                                                                                                                    \
	"MemTotal:       1000 kB\nMemFree:  100 kB\nMemAvailable: 600 kB\nBuffers: 5 kB\nCached: 50 kB\nSwapCached: 9 kB\n"        \
	"Shmem: 3 kB\nSReclaimable: 7 kB\nSUnreclaim: 8 kB\n"
#define DISK "   8       0 sda 1 2 3 4 5 6 7 8 0 10 11\n   7       0 loop0 1 2 3 4 5 6 7 8 0 10 11\n"
#define NET                                                                                                                        \
	"Inter-|   Receive                |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes\n"     \
	"    lo: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n  eth0:11 12 13 14 0 0 0 0 15 16 17 18 0 0 0 0\n"
#define MOUNTS                                                                                                                     \
	"22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n23 22 0:21 / /proc rw - proc proc rw\n"                          \
	"24 22 259:1 /x /bind\\040mount rw - ext4 /dev/root rw\n25 22 259:2 / /a\\040b ro,noatime - xfs /dev/nvme1n1 rw\n"         \
	"26 22 0:50 / /mnt/nfs rw - nfs4 host:/x rw\n27 22 0:60 / /var/lib/c/merged rw - overlay overlay rw\n"

static void cpu_times_add_hard_and_soft_interrupts(void **state)
{
	struct host_cpu c;

	(void)state;
	assert_int_equal(host_parse_stat(STAT, &c, &left), 0);
	assert_int_equal(c.ticks[CPU_USER], 10);
	assert_int_equal(c.ticks[CPU_INTERRUPT], 11);
	assert_int_equal(c.ticks[CPU_STEAL], 7);
	assert_int_equal(c.logical, 2);
	assert_int_equal(c.boot_s, 1700000000);
	assert_int_equal(c.created, 42);
}

static void memory_is_in_bytes(void **state)
{
	struct host_memory m;

	(void)state;
	assert_int_equal(host_parse_meminfo(MEMINFO, &m, &left), 0);
	assert_int_equal(m.total, 1000 * 1024);
	assert_int_equal(m.cached, 50 * 1024);
	assert_int_equal(m.reclaimable, 7 * 1024);
	assert_int_equal(host_parse_meminfo("MemTotl: 1 kB\n", &m, &left), -ERR_INVALID);
}

static void disks_leave_loop_devices_out(void **state)
{
	struct host_disk d[4];

	(void)state;
	assert_int_equal(host_parse_diskstats(DISK, d, 4, &left), 1);
	assert_string_equal(d[0].device, "sda");
	assert_int_equal(d[0].read_sectors, 3);
	assert_int_equal(d[0].write_ms, 8);
	assert_int_equal(d[0].io_ms, 10);
}

static void interfaces_may_stand_close_to_their_numbers(void **state)
{
	struct host_net n[4];

	(void)state;
	assert_int_equal(host_parse_net(NET, n, 4, &left), 2);
	assert_string_equal(n[1].name, "eth0");
	assert_int_equal(n[1].bytes[0], 11);
	assert_int_equal(n[1].dropped[1], 18);
	assert_int_equal(host_parse_net(NET, n, 1, &left), 1);
}

static void mounts_are_real_ones_each_once(void **state)
{
	struct host_mount m[8];

	(void)state;
	assert_int_equal(host_parse_mounts(MOUNTS, m, 8, &left), 3);
	assert_string_equal(m[0].point, "/");
	assert_string_equal(m[1].point, "/a b");
	assert_true(m[1].read_only);
	assert_string_equal(m[2].type, "nfs4");
}

static void paging_load_uptime_and_swaps_are_read(void **state)
{
	struct host_paging p;
	struct host_swap s[2];
	double load[3], up;

	(void)state;
	assert_int_equal(host_parse_vmstat("pgfault 10\npgmajfault 3\npswpin 1\npswpout 2\n", &p, &left), 0);
	assert_int_equal(p.major_faults, 3);
	assert_int_equal(host_parse_swaps("Filename Type Size Used Priority\n/dev/sdb partition 100 4 -2\n", s, 2, &left), 1);
	assert_int_equal(s[0].used, 4096);
	assert_int_equal(host_parse_load("0.50 1.25 2.00 1/200 999\n", load), 0);
	assert_true(load[1] == 1.25);
	assert_int_equal(host_parse_load("0.50 1.25\n", load), -ERR_INVALID);
	assert_int_equal(host_parse_uptime("12.5 99\n", &up), 0);
	assert_int_equal(host_parse_uptime("nan 99\n", &up), -ERR_INVALID);
}

static void expect_no_other_number(const struct host_cpu *cut, const struct host_cpu *whole)
{
	for (int i = 0; i < CPU_MODES; i++)
		assert_true(cut->ticks[i] == whole->ticks[i] || cut->ticks[i] == HOST_NONE);
	assert_true(cut->logical == whole->logical || cut->logical == 0);
	assert_true(cut->boot_s == whole->boot_s || cut->boot_s == HOST_NONE);
	assert_true(cut->created == whole->created || cut->created == HOST_NONE);
}

/* Whatever is left of a text: an error, fewer rows, or the same numbers; a number cut in two is never taken for one. */
static void a_text_cut_anywhere_gives_no_wrong_number(void **state)
{
	struct host_cpu whole, cut;
	struct host_net n[4];
	struct host_disk d[4];
	struct host_mount m[8];

	(void)state;
	assert_int_equal(host_parse_stat(STAT, &whole, &left), 0);
	for (size_t len = 0; len < strlen(STAT); len++) {
		CLEANUP(mem_close) char *text = mem_strn(STAT, len);

		if (host_parse_stat(text, &cut, &left) == 0)
			expect_no_other_number(&cut, &whole);
	}
	for (size_t len = 0; len < strlen(NET); len++) {
		CLEANUP(mem_close) char *text = mem_strn(NET, len);

		if (host_parse_net(text, n, 4, &left) > 1)
			assert_int_equal(n[1].dropped[1], 18);
	}
	for (size_t len = 0; len < strlen(DISK); len++) {
		CLEANUP(mem_close) char *text = mem_strn(DISK, len);

		if (host_parse_diskstats(text, d, 4, &left) > 0)
			assert_int_equal(d[0].io_ms, 10);
	}
	for (size_t len = 0; len < strlen(MOUNTS); len++) {
		CLEANUP(mem_close) char *text = mem_strn(MOUNTS, len);

		assert_true(host_parse_mounts(text, m, 8, &left) <= 3);
	}
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
		"", "\n\n\n", "cpu", "cpu  -1 2 3", "cpu  99999999999999999999999 1 1 1 1 1 1 1\n", "\xff\xfe"
	};
	struct host_cpu c;
	struct host_memory mem;
	struct host_paging p;
	struct host_net n[2];
	struct host_mount m[2];
	char longname[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(host_parse_stat(texts[i], &c, &left), -ERR_INVALID);
		assert_int_equal(host_parse_meminfo(texts[i], &mem, &left), -ERR_INVALID);
		assert_int_equal(host_parse_vmstat(texts[i], &p, &left), -ERR_INVALID);
		assert_int_equal(host_parse_net(texts[i], n, 2, &left), 0);
		assert_int_equal(host_parse_mounts(texts[i], m, 2, &left), 0);
	}
	memset(longname, 'x', sizeof(longname));
	memcpy(longname, "a\nb\n", 4);
	strcpy(longname + sizeof(longname) - 40, ": 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7\n");
	assert_int_equal(host_parse_net(longname, n, 2, &left), 0);
	assert_int_equal(host_parse_net("a\nb\n : 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7\n", n, 2, &left), 0); /* nobody's numbers */
	assert_int_equal(host_parse_mounts("22 1 259:1 / \\000x rw - ext4 /dev/root rw\n", m, 2, &left), 1);
	assert_string_equal(m[0].point, "\\000x"); /* what ends a text stands for no character */
}

/* ---- one odd row costs itself alone ---- */

static void memory_without_one_number_has_all_others(void **state)
{
	CLEANUP(buf_close) struct buf b = { 0 };
	struct host_left odd = { 0 };
	struct host_memory m;

	(void)state;
	case_load("no-memavailable.meminfo", &b);
	assert_int_equal(host_parse_meminfo(buf_str(&b), &m, &odd), 0);
	assert_true(m.available == HOST_NONE);
	assert_int_equal(m.total, UINT64_C(3849512) * 1024);
	assert_int_equal(m.free, UINT64_C(162348) * 1024);
	assert_int_equal(m.cached, UINT64_C(2871036) * 1024);
	assert_int_equal(odd.odd, 1);
}

static void a_number_that_is_none_costs_itself_alone(void **state)
{
	struct host_left odd = { 0 };
	struct host_paging p;
	struct host_cpu c;

	(void)state;
	assert_int_equal(host_parse_stat("cpu  1 2 3 4 5 6 7 8\nbtime 17\nprocesses -5\n", &c, &odd), 0);
	assert_true(c.created == HOST_NONE);
	assert_int_equal(c.boot_s, 17);
	assert_int_equal(c.ticks[CPU_STEAL], 8);
	assert_int_equal(odd.odd, 1);
	assert_int_equal(host_parse_stat("cpu  1 2 3 4 5 6 7 18446744073709551615\nbtime x\nprocesses 1\n", &c, &odd), 0);
	assert_true(c.ticks[CPU_STEAL] == HOST_NONE && c.boot_s == HOST_NONE);
	assert_int_equal(c.ticks[CPU_IDLE], 4);
	assert_int_equal(odd.odd, 3);
	assert_int_equal(host_parse_vmstat("pgfault 99999999999999999999\npgmajfault 3\n", &p, &odd), 0);
	assert_true(p.faults == HOST_NONE);
	assert_int_equal(p.major_faults, 3);
	assert_int_equal(odd.odd, 4);
}

static void an_odd_row_of_a_table_is_counted_and_the_others_stand(void **state)
{
	struct host_left odd = { 0 };
	struct host_disk d[4];
	struct host_swap s[4];
	struct host_net n[4];

	(void)state;
	assert_int_equal(
	    host_parse_net("a\nb\n x: 1 2 3\n eth0: 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 -7\n ens5: 1 2 3 4 5 6 7 8 9 1 2 3 4 5 6 7\n", n,
			   4, &odd),
	    1);
	assert_string_equal(n[0].name, "ens5");
	assert_int_equal(odd.odd, 2);
	assert_int_equal(host_parse_diskstats("8 0 sda 1 2 3\n8 16 sdb 1 2 3 4 5 6 7 8 9 10 11\n", d, 4, &odd), 1);
	assert_int_equal(odd.odd, 3);
	assert_int_equal(host_parse_swaps("head\n/a file 10 20 -2\n/b file 10 2 -2\n", s, 4, &odd),
			 1); /* more used than there is */
	assert_string_equal(s[0].device, "/b");
	assert_int_equal(odd.odd, 4);
	assert_int_equal(odd.over, 0);
}

static void what_has_no_room_is_counted_and_the_machines_own_comes_first(void **state)
{
	CLEANUP(buf_close) struct buf b = { 0 };
	struct host_net *n = mem_alloc(HOST_ROWS_MAX * sizeof(*n));
	struct host_left over = { 0 };
	struct host_disk d[1];
	bool found = false;

	(void)state;
	case_load("many-interfaces.netdev", &b);
	assert_int_equal(host_parse_net(buf_str(&b), n, HOST_ROWS_MAX, &over), HOST_ROWS_MAX);
	for (size_t i = 0; i < HOST_ROWS_MAX; i++)
		found |= strcmp(n[i].name, "ens5") == 0;
	assert_true(found);
	assert_int_equal(over.over, 302 - HOST_ROWS_MAX);
	assert_int_equal(over.odd, 0);
	assert_int_equal(host_parse_diskstats("1 1 nbd0 1 1 1 1 1 1 1 1 1 1 1\n1 1 nvme0n1p1 1 1 1 1 1 1 1 1 1 1 1\n"
					      "1 1 nvme0n1 1 1 1 1 1 1 1 1 1 1 1\n",
					      d, 1, &over),
			 1);
	assert_string_equal(d[0].device, "nvme0n1");
	mem_free(n);
}

/* Also among those of a kind that no list knows. */
static void an_interface_of_the_machine_comes_before_unknown_ones(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
	struct host_net *n = mem_alloc(HOST_ROWS_MAX * sizeof(*n));
	struct host_left over = { 0 };

	(void)state;
	buf_adds(&b, "heading\nheading\n");
	for (int i = 0; i < 400; i++)
		buf_addf(&b, "pod%d: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n", i);
	buf_adds(&b, "ens5: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n eth1: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n");
	assert_int_equal(host_parse_net(buf_str(&b), n, HOST_ROWS_MAX, &over), HOST_ROWS_MAX);
	assert_string_equal(n[0].name, "ens5");
	assert_string_equal(n[1].name, "eth1");
	assert_int_equal(over.over, 402 - HOST_ROWS_MAX);
	mem_free(n);
}

static void a_file_with_one_number_has_it_whole_or_not_at_all(void **state)
{
	static const char *const wrong[] = { "", "\n", "-1\n", "12", "12x\n", "0x1\n", "18446744073709551616\n" };
	uint64_t n = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(host_parse_number(wrong[i], &n), -ERR_INVALID);
	assert_int_equal(n, 7);
	assert_int_equal(host_parse_number("209715200\n", &n), 0);
	assert_int_equal(n, 209715200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpu_times_add_hard_and_soft_interrupts),
		cmocka_unit_test(memory_is_in_bytes),
		cmocka_unit_test(disks_leave_loop_devices_out),
		cmocka_unit_test(interfaces_may_stand_close_to_their_numbers),
		cmocka_unit_test(mounts_are_real_ones_each_once),
		cmocka_unit_test(paging_load_uptime_and_swaps_are_read),
		cmocka_unit_test(a_text_cut_anywhere_gives_no_wrong_number),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(memory_without_one_number_has_all_others),
		cmocka_unit_test(a_number_that_is_none_costs_itself_alone),
		cmocka_unit_test(an_odd_row_of_a_table_is_counted_and_the_others_stand),
		cmocka_unit_test(an_interface_of_the_machine_comes_before_unknown_ones),
		cmocka_unit_test(a_file_with_one_number_has_it_whole_or_not_at_all),
		cmocka_unit_test(what_has_no_room_is_counted_and_the_machines_own_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
