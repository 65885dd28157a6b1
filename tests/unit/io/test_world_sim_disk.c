/* test_world_sim_disk.c - the simulated disk does what the real one does, for the agent and for the processes beside it. */
#include "tests/unit/io/lab.h"

static void the_disk_does_what_the_real_one_does(void **state)
{
	struct disk_req r = { 0 };
	struct disk_stat st;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(lab_append(1, "x"), -ERR_CORRUPT);
	assert_int_equal(lab_append(0, "one two"), 0);
	assert_int_equal(lab_append(4, "three"), 0);
	lab_assert_file(LAB_FILE, "one three");
	assert_int_equal(lab_append(10, "x"), -ERR_CORRUPT);
	disk_replace(lab.w, &r, "/none/f", "a", 1, 0, lab_on_disk);
	assert_int_equal(lab_finish(), -ERR_NOTFOUND);
	disk_replace(lab.w, &r, LAB_FILE, "new", 3, 0640, lab_on_disk);
	assert_int_equal(lab_finish(), 0);
	lab_assert_file(LAB_FILE, "new");
	assert_int_equal(lab.w->disk_stat(lab.w, LAB_FILE, &st, &e), 0);
	assert_int_equal(st.mode, 0640);
	assert_true(st.is_file && st.ours_to_write && st.size == 3 && st.nlink == 1);
	disk_truncate(lab.w, &r, LAB_FILE, 1, lab_on_disk);
	assert_int_equal(lab_finish(), 0);
	disk_rename(lab.w, &r, LAB_FILE, LAB_FILE "2", lab_on_disk);
	assert_int_equal(lab_finish(), 0);
	lab_assert_file(LAB_FILE "2", "n");
	assert_false(disk_exists(lab.w, LAB_FILE));
	for (unsigned i = 0; i < 2; i++) {
		disk_unlink(lab.w, &r, LAB_FILE "2", lab_on_disk);
		assert_int_equal(lab_finish(), 0);
	}
}

static void a_full_disk_says_so_and_leaves_no_half_new_file(void **state)
{
	struct disk_req r = { 0 };
	char big[4096];

	(void)state;
	memset(big, 'x', sizeof(big));
	sim_disk_space(lab.w, 2048);
	disk_replace(lab.w, &r, LAB_FILE, big, sizeof(big), 0, lab_on_disk);
	assert_int_equal(lab_finish(), -ERR_NOSPACE);
	assert_false(disk_exists(lab.w, LAB_FILE ".tmp"));
	r = (struct disk_req){ .op = DISK_STATVFS, .path = "/var/lib/reeve" };
	lab.w->disk_start(lab.w, &r, lab_on_disk);
	assert_int_equal(lab_finish(), 0);
	assert_int_equal(r.fs.blocks * r.fs.frsize, 2048);
	assert_int_equal(r.fs.bavail * r.fs.frsize, 2048);
}

static void a_folder_is_listed_up_to_the_limit_of_the_names(void **state)
{
	CLEANUP(buf_close) struct buf names = BUF_MAX(4);
	struct disk_req r = { 0 };

	(void)state;
	sim_file_puts(lab.w, "/var/lib/reeve/d/one", "");
	disk_list(lab.w, &r, "/var/lib/reeve/d", &names, lab_on_disk);
	assert_int_equal(lab_finish(), 0);
	assert_string_equal(names.data, "one");
	sim_file_puts(lab.w, "/var/lib/reeve/d/two", "");
	disk_list(lab.w, &r, "/var/lib/reeve/d", &names, lab_on_disk);
	assert_int_equal(lab_finish(), -ERR_LIMIT);
	disk_list(lab.w, &r, "/var/lib/reeve/d/one", &names, lab_on_disk);
	assert_int_equal(lab_finish(), -ERR_INVALID);
	disk_list(lab.w, &r, "/var/lib/reeve/d/one/none", &names, lab_on_disk);
	assert_int_equal(lab_finish(), -ERR_INVALID);
	disk_list(lab.w, &r, "/var/lib/reeve/none", &names, lab_on_disk);
	assert_int_equal(lab_finish(), -ERR_NOTFOUND);
}

static int add_name(void *ctx, const char *name)
{
	return buf_addf(ctx, "%s ", name);
}

static void other_processes_write_rename_and_link(void **state)
{
	struct buf b = BUF_MAX(100);
	struct disk_file *f = NULL;
	struct disk_stat st, st2;
	struct err e = { 0 };
	char to[8] = "";

	(void)state;
	sim_file_puts(lab.w, "/var/log/a.log", "one\n");
	sim_file_append(lab.w, "/var/log/a.log", "two\n", 4);
	assert_int_equal(lab.w->file_open(lab.w, "/var/log/a.log", &f, &e), 0);
	sim_file_rename(lab.w, "/var/log/a.log", "/var/log/a.log.1");
	sim_file_puts(lab.w, "/var/log/a.log", "three\n");
	assert_int_equal(lab.w->file_read(lab.w, f, 4, to, sizeof(to), &e), 4);
	assert_string_equal(to, "two\n");
	assert_int_equal(lab.w->file_stat(lab.w, f, &st, &e), 0);
	assert_int_equal(lab.w->disk_stat(lab.w, "/var/log/a.log", &st2, &e), 0);
	assert_true(st.ino != st2.ino && st.nlink == 1);
	sim_file_unlink(lab.w, "/var/log/a.log.1");
	assert_int_equal(lab.w->file_stat(lab.w, f, &st, &e), 0);
	assert_int_equal(st.nlink, 0);
	assert_int_equal(lab.w->file_path(lab.w, f, &b, &e), -ERR_NOTFOUND);
	lab.w->file_close(lab.w, f);
	sim_file_link(lab.w, "/var/log/link", "/var/log/a.log");
	assert_int_equal(lab.w->file_open(lab.w, "/var/log/link", &f, &e), 0);
	assert_int_equal(lab.w->file_path(lab.w, f, &b, &e), 0);
	assert_string_equal(buf_str(&b), "/var/log/a.log");
	buf_reset(&b);
	lab.w->file_close(lab.w, f);
	assert_int_equal(lab.w->disk_realpath(lab.w, "/var/log/link", &b, &e), 0);
	assert_string_equal(buf_str(&b), "/var/log/a.log");
	assert_int_equal(lab.w->disk_lstat(lab.w, "/var/log/link", &st, &e), 0);
	assert_true(st.is_link && !st.is_file);
	assert_int_equal(lab.w->disk_lstat(lab.w, "/var/log/a.log", &st, &e), 0);
	assert_true(st.is_file && !st.is_link);
	buf_reset(&b);
	assert_int_equal(lab.w->disk_list(lab.w, "/var/log", add_name, &b, &e), 0);
	assert_int_equal(b.len, strlen("a.log link "));
	buf_reset(&b);
	assert_int_equal(lab.w->disk_read(lab.w, "/var/log/link", &b, &e), 0);
	assert_string_equal(buf_str(&b), "three\n");
	sim_file_truncate(lab.w, "/var/log/a.log", 2);
	lab_assert_file("/var/log/a.log", "th");
	sim_file_puts(lab.w, "/etc/reeve/policy.yaml", "x");
	assert_int_equal(lab.w->disk_stat(lab.w, "/etc/reeve/policy.yaml", &st, &e), 0);
	assert_false(st.ours_to_write);
	sim_file_ours(lab.w, "/etc/reeve", true);
	assert_int_equal(lab.w->disk_stat(lab.w, "/etc/reeve/policy.yaml", &st, &e), 0);
	assert_true(st.ours_to_write);
	buf_close(&b);
}

static void a_lock_ends_with_the_process(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(lab.w->disk_lock(lab.w, "/run/reeve/lock", &e), 0);
	assert_int_equal(lab.w->disk_lock(lab.w, "/run/reeve/lock", &e), -ERR_EXISTS);
	sim_kill(lab.w);
	assert_int_equal(lab.w->disk_lock(lab.w, "/run/reeve/lock", &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(the_disk_does_what_the_real_one_does),
		LAB_TEST(a_full_disk_says_so_and_leaves_no_half_new_file),
		LAB_TEST(a_folder_is_listed_up_to_the_limit_of_the_names),
		LAB_TEST(other_processes_write_rename_and_link),
		LAB_TEST(a_lock_ends_with_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
