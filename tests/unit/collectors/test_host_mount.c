/* test_host_mount.c - which mounts are told, and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "collectors/host_parse.h"
#include "tests/unit/cases.h"

#define ROOT "22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
#define ROWS 64

static struct host_mount rows[ROWS];
static struct host_left left;
static size_t rows_n;

static void parse(const char *text)
{
	left = (struct host_left){ 0 };
	rows_n = host_parse_mounts(text, rows, ROWS, &left);
}

static void parse_case(const char *name)
{
	CLEANUP(buf_close) struct buf b = { 0 };

	case_load(name, &b);
	parse(buf_str(&b));
}

static const struct host_mount *at(const char *point)
{
	for (size_t i = 0; i < rows_n; i++)
		if (strcmp(rows[i].point, point) == 0)
			return &rows[i];
	return NULL;
}

static void a_file_system_is_read_only_also_where_its_own_options_say_so(void **state)
{
	(void)state;
	parse_case("ro-super.mountinfo");
	assert_int_equal(rows_n, 3);
	assert_false(at("/")->read_only);
	assert_true(at("/data")->read_only);
	assert_true(at("/ref")->read_only);
	parse("22 1 259:1 / / rw - ext4 /dev/root rw,errors=remount-ro,rota=ro\n23 22 8:1 / /a ro - xfs /dev/a\n");
	assert_false(at("/")->read_only);
	assert_true(at("/a")->read_only);
}

static void a_source_without_a_slash_is_a_source(void **state)
{
	static const char *const types[] = { "zfs",  "fuse", "fuse.s3fs", "fuse.mount-s3", "lustre", "nfs4", "cifs",
					     "ceph", "9p",   "virtiofs",  "beegfs",        "gpfs",   "afs",  "efs-of-tomorrow" };
	static const char *const none[] = { "proc",     "sysfs", "tmpfs",      "cgroup2", "autofs",   "nsfs",      "overlay",
					    "squashfs", "bpf",   "fuse.lxcfs", "fusectl", "devtmpfs", "hugetlbfs", "rpc_pipefs" };
	char text[256];

	(void)state;
	parse_case("no-slash.mountinfo");
	assert_int_equal(rows_n, 3);
	assert_string_equal(at("/tank/warehouse")->device, "tank/warehouse");
	assert_string_equal(at("/mnt/bucket")->type, "fuse");
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		snprintf(text, sizeof(text), ROOT "30 22 0:45 / /x rw - %s source rw\n", types[i]);
		parse(text);
		assert_non_null(at("/x"));
	}
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		snprintf(text, sizeof(text), ROOT "30 22 0:45 / /x rw - %s /source rw\n", none[i]);
		parse(text);
		assert_null(at("/x"));
	}
}

static void autofs_is_none_and_what_it_mounted_is_one(void **state)
{
	(void)state;
	parse_case("autofs.mountinfo");
	assert_int_equal(rows_n, 1);
	parse(ROOT "60 22 0:51 / /net rw - autofs /etc/auto.direct rw\n61 60 0:61 / /net rw - nfs4 host:/net rw\n");
	assert_int_equal(rows_n, 2);
	assert_string_equal(at("/net")->type, "nfs4");
}

static void what_is_mounted_over_has_no_size(void **state)
{
	(void)state;
	parse_case("mounted-over.mountinfo");
	assert_int_equal(rows_n, 2);
	assert_string_equal(at("/data")->device, "/dev/nvme2n1");
	/* also three times, also by what is not told itself, in any order of lines, and all below it */
	parse("46 45 8:3 / /data rw - xfs /dev/c rw\n45 44 8:2 / /data rw - xfs /dev/b rw\n44 22 8:1 / /data rw - xfs /dev/a "
	      "rw\n" ROOT);
	assert_int_equal(rows_n, 2);
	assert_string_equal(at("/data")->device, "/dev/c");
	parse(ROOT "44 22 8:1 / /data rw - xfs /dev/a rw\n45 44 0:9 / /data rw - tmpfs tmpfs rw\n");
	assert_int_equal(rows_n, 1);
	parse(ROOT "44 22 8:1 / /data rw - xfs /dev/a rw\n46 44 8:2 / /data/in rw - xfs /dev/in rw\n"
		   "45 44 8:3 / /data rw - xfs /dev/over rw\n47 45 8:4 / /data/new rw - xfs /dev/new rw\n"
		   "48 22 8:5 / /database rw - xfs /dev/other rw\n");
	assert_int_equal(rows_n, 4);
	assert_null(at("/data/in"));
	assert_non_null(at("/data/new"));
	assert_non_null(at("/database"));
	/* a folder above */
	parse(ROOT "44 22 8:1 / /srv/a rw - xfs /dev/a rw\n45 22 8:2 / /srv rw - xfs /dev/srv rw\n");
	assert_int_equal(rows_n, 2);
	assert_null(at("/srv/a"));
}

static void a_root_over_a_root_is_the_upper_one(void **state)
{
	(void)state;
	parse("1 1 0:2 / / rw - rootfs rootfs rw\n" ROOT "30 22 8:1 / /data rw - xfs /dev/a rw\n");
	assert_int_equal(rows_n, 2);
	assert_string_equal(at("/")->device, "/dev/root");
}

static void subvolumes_of_one_source_are_one_file_system(void **state)
{
	(void)state;
	parse("22 1 0:31 /@ / rw - btrfs /dev/sda2 rw\n23 22 0:32 /@home /home rw - btrfs /dev/sda2 rw\n");
	assert_int_equal(rows_n, 1);
}

static void mounts_beyond_the_limit_are_counted_and_the_machines_own_come_first(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);

	(void)state;
	buf_adds(&b, ROOT);
	for (int i = 0; i < 80; i++)
		buf_addf(&b, "%d 22 9:%d / /var/lib/kubelet/pods/%d rw - ext4 /dev/pod%d rw\n", 100 + i, i, i, i);
	buf_adds(&b, "300 22 259:7 / /data rw - xfs /dev/nvme1n1 rw\nnonsense\n");
	parse(buf_str(&b));
	assert_int_equal(rows_n, ROWS);
	assert_non_null(at("/data"));
	assert_int_equal(left.over, 82 - ROWS);
	assert_int_equal(left.odd, 1);
}

static void a_source_given_as_nothing_takes_nothing_from_its_neighbours(void **state)
{
	(void)state;
	parse(ROOT "30 22 8:1 / /x rw - fuse  ro,user_id=0\n");
	assert_int_equal(rows_n, 2);
	assert_string_equal(at("/x")->device, "");
	assert_true(at("/x")->read_only);
	assert_int_equal(left.odd, 0);
}

/* The tree of a machine with very many containers, and of what was mounted behind them. */
static void a_disk_behind_thousands_of_mounts_is_told(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(2u << 20);

	(void)state;
	buf_adds(&b, ROOT);
	for (int i = 0; i < 9000; i++)
		buf_addf(&b, "%d 22 0:%d / /var/lib/docker/overlay2/%d/merged rw - overlay overlay rw\n", 100 + i, i, i);
	buf_adds(&b, "20000 22 259:7 / /data rw - xfs /dev/nvme1n1 rw\n");
	parse(buf_str(&b));
	assert_non_null(at("/data"));
	assert_int_equal(left.over, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_system_is_read_only_also_where_its_own_options_say_so),
		cmocka_unit_test(a_source_without_a_slash_is_a_source),
		cmocka_unit_test(autofs_is_none_and_what_it_mounted_is_one),
		cmocka_unit_test(what_is_mounted_over_has_no_size),
		cmocka_unit_test(a_root_over_a_root_is_the_upper_one),
		cmocka_unit_test(subvolumes_of_one_source_are_one_file_system),
		cmocka_unit_test(a_source_given_as_nothing_takes_nothing_from_its_neighbours),
		cmocka_unit_test(a_disk_behind_thousands_of_mounts_is_told),
		cmocka_unit_test(mounts_beyond_the_limit_are_counted_and_the_machines_own_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
