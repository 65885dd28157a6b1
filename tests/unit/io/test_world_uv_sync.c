/* test_world_uv_sync.c - what the real disk calls durable has been synced: the system's calls are counted on their way. */
#include "tests/unit/io/bench.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned data_syncs, full_syncs;
static int fail_with;

/* These stand before the C library's: the worker threads of the loop find them first. */
int fdatasync(int fd)
{
	data_syncs++;
	if (fail_with != 0) {
		errno = fail_with;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	full_syncs++;
	return (int)syscall(SYS_fsync, fd);
}

static int start(void **state)
{
	bench_start(state);
	data_syncs = full_syncs = 0;
	fail_with = 0;
	return 0;
}

static void expect(struct bench *b, int rc, unsigned least_data, unsigned least_full)
{
	assert_int_equal(bench_run(b), rc);
	assert_true(data_syncs >= least_data);
	assert_true(full_syncs >= least_full);
	data_syncs = full_syncs = 0; /* nothing runs now: the worker has called back */
}

static void every_write_that_calls_back_with_success_was_synced(void **state)
{
	struct bench *b = *state;
	const char *path = bench_path(b, "file");
	struct disk_req r = { 0 };

	disk_append(b->w, &r, path, 0, "one\n", 4, bench_on_disk);
	expect(b, 0, 1, 1); /* a new file: its data, and its name in the folder */
	disk_append(b->w, &r, path, 4, "two\n", 4, bench_on_disk);
	expect(b, 0, 1, 0);
	disk_replace(b->w, &r, path, "new", 3, 0600, bench_on_disk);
	expect(b, 0, 1, 1);
	disk_truncate(b->w, &r, path, 1, bench_on_disk);
	expect(b, 0, 1, 0);
	disk_unlink(b->w, &r, path, bench_on_disk);
	expect(b, 0, 0, 1);
}

static void a_sync_that_fails_is_no_success(void **state)
{
	struct bench *b = *state;
	const char *path = bench_path(b, "file");
	struct disk_req r = { 0 };

	fail_with = EIO;
	disk_append(b->w, &r, path, 0, "one\n", 4, bench_on_disk);
	expect(b, -ERR_IO, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_write_that_calls_back_with_success_was_synced, start, bench_end),
		cmocka_unit_test_setup_teardown(a_sync_that_fails_is_no_success, start, bench_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
