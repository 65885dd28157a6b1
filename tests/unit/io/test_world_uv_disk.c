/* test_world_uv_disk.c - the real disk's requests: appends, whole files, names, listings, and in which order they run. */
#include "tests/unit/io/bench.h"

static int append(struct bench *b, const char *path, uint64_t offset, const char *text)
{
	struct disk_req r = { 0 };

	disk_append(b->w, &r, path, offset, text, strlen(text), bench_on_disk);
	bench_run(b);
	assert_true(b->rc == 0 || r.err.text[0] != '\0');
	return b->rc;
}

static void append_cuts_what_lies_behind_and_refuses_what_is_missing(void **state)
{
	struct bench *b = *state;
	const char *path = bench_path(b, "journal");

	assert_int_equal(append(b, path, 1, "x"), -ERR_CORRUPT);
	assert_int_equal(append(b, path, 0, "one two"), 0);
	assert_int_equal(append(b, path, 4, "three"), 0);
	bench_assert_file(b, path, "one three");
	assert_int_equal(append(b, path, 10, "x"), -ERR_CORRUPT);
	bench_assert_file(b, path, "one three");
	assert_int_equal(append(b, path, 3, ""), 0);
	bench_assert_file(b, path, "one");
	assert_int_equal(append(b, bench_path(b, "none/journal"), 0, "x"), -ERR_NOTFOUND);
	assert_int_equal(append(b, b->dir, 0, "x"), -ERR_IO);
}

static void replace_truncate_rename_unlink_do_what_they_say(void **state)
{
	struct bench *b = *state;
	struct disk_req r = { 0 };
	const char *path = bench_path(b, "f");
	struct disk_stat st;
	struct err e = { 0 };

	disk_replace(b->w, &r, path, "abc", 3, 0640, bench_on_disk);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(b->w->disk_stat(b->w, path, &st, &e), 0);
	assert_int_equal(st.mode & 0600, 0600);
	assert_int_equal(st.size, 3);
	assert_true(st.is_file && st.ours_to_write);
	bench_put(bench_path(b, "f.tmp"), "left by a crash");
	disk_replace(b->w, &r, path, "defg", 4, 0, bench_on_disk);
	assert_int_equal(bench_run(b), 0);
	bench_assert_file(b, path, "defg");
	assert_false(disk_exists(b->w, bench_path(b, "f.tmp")));
	disk_truncate(b->w, &r, path, 2, bench_on_disk);
	assert_int_equal(bench_run(b), 0);
	bench_assert_file(b, path, "de");
	disk_rename(b->w, &r, path, bench_path(b, "g"), bench_on_disk);
	assert_int_equal(bench_run(b), 0);
	assert_false(disk_exists(b->w, path));
	disk_truncate(b->w, &r, path, 0, bench_on_disk);
	assert_int_equal(bench_run(b), -ERR_NOTFOUND);
	for (unsigned i = 0; i < 2; i++) { /* what is not there is no error */
		disk_unlink(b->w, &r, bench_path(b, "g"), bench_on_disk);
		assert_int_equal(bench_run(b), 0);
	}
	r = (struct disk_req){ .op = DISK_STATVFS, .path = b->dir };
	b->w->disk_start(b->w, &r, bench_on_disk);
	assert_int_equal(bench_run(b), 0);
	assert_true(r.fs.blocks > 0 && r.fs.frsize > 0);
}

static void a_folder_is_listed_in_a_worker_up_to_the_limit_of_the_names(void **state)
{
	CLEANUP(buf_close) struct buf names = BUF_MAX(8);
	struct bench *b = *state;
	struct disk_req r = { 0 };

	bench_put(bench_path(b, "one"), "");
	bench_put(bench_path(b, "two"), "");
	disk_list(b->w, &r, b->dir, &names, bench_on_disk);
	assert_int_equal(bench_run(b), 0);
	assert_int_equal(names.len, 8);
	assert_true(memcmp(names.data, "one\0two", 8) == 0 || memcmp(names.data, "two\0one", 8) == 0);
	bench_put(bench_path(b, "three"), "");
	buf_reset(&names);
	disk_list(b->w, &r, b->dir, &names, bench_on_disk);
	assert_int_equal(bench_run(b), -ERR_LIMIT);
	disk_list(b->w, &r, bench_path(b, "none"), &names, bench_on_disk);
	assert_int_equal(bench_run(b), -ERR_NOTFOUND);
	disk_list(b->w, &r, bench_path(b, "one"), &names, bench_on_disk);
	assert_int_equal(bench_run(b), -ERR_INVALID);
}

static unsigned disk_left;

static void on_counted(struct disk_req *r, int rc)
{
	(void)r;
	assert_int_equal(rc, 0);
	if (--disk_left == 0)
		world_uv_stop(bench_here->w);
}

static void requests_on_one_path_run_in_the_order_started(void **state)
{
	static struct disk_req r[40];
	static char digits[] = "0123456789012345678901234567890123456789";
	struct bench *b = *state;
	char one[64], two[64];

	strcpy(one, bench_path(b, "one"));
	strcpy(two, bench_path(b, "two"));
	disk_left = ARRAY_LEN(r);
	for (unsigned i = 0; i < ARRAY_LEN(r); i++)
		disk_append(b->w, &r[i], i % 2 ? one : two, i / 2, digits + i / 2, 1, on_counted);
	assert_int_equal(disk_left, ARRAY_LEN(r));
	world_uv_run(b->w);
	bench_assert_file(b, one, "01234567890123456789");
	bench_assert_file(b, two, "01234567890123456789");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(append_cuts_what_lies_behind_and_refuses_what_is_missing),
		BENCH_TEST(replace_truncate_rename_unlink_do_what_they_say),
		BENCH_TEST(a_folder_is_listed_in_a_worker_up_to_the_limit_of_the_names),
		BENCH_TEST(requests_on_one_path_run_in_the_order_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
