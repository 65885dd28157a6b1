/* test_world_uv_sync.c - what the real disk calls durable has been synced: the system's calls are counted on their way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/base/mem.h"
#include "agent/io/world.h"
#include "agent/io/world_uv.h"

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

struct bench {
	struct world *w;
	char dir[64], path[96];
	struct disk_req r;
	int rc;
};

static void on_done(struct disk_req *r, int rc)
{
	struct bench *b = container_of(r, struct bench, r);

	b->rc = rc;
	world_uv_stop(b->w);
}

static int setup(void **state)
{
	struct bench *b = mem_new(struct bench);

	strcpy(b->dir, "/tmp/reeve-sync-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->path, sizeof(b->path), "%s/file", b->dir);
	b->w = world_uv_new(NULL);
	data_syncs = full_syncs = 0;
	fail_with = 0;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	unlink(b->path);
	rmdir(b->dir);
	world_uv_free(b->w);
	mem_free(b);
	return 0;
}

static void expect(struct bench *b, int rc, unsigned least_data, unsigned least_full)
{
	world_uv_run(b->w);
	assert_int_equal(b->rc, rc);
	assert_true(data_syncs >= least_data);
	assert_true(full_syncs >= least_full);
	data_syncs = full_syncs = 0; /* nothing runs now: the worker has called back */
}

static void every_write_that_calls_back_with_success_was_synced(void **state)
{
	struct bench *b = *state;

	disk_append(b->w, &b->r, b->path, 0, "one\n", 4, on_done);
	expect(b, 0, 1, 1); /* a new file: its data, and its name in the folder */
	disk_append(b->w, &b->r, b->path, 4, "two\n", 4, on_done);
	expect(b, 0, 1, 0);
	disk_replace(b->w, &b->r, b->path, "new", 3, 0600, on_done);
	expect(b, 0, 1, 1);
	disk_truncate(b->w, &b->r, b->path, 1, on_done);
	expect(b, 0, 1, 0);
	disk_unlink(b->w, &b->r, b->path, on_done);
	expect(b, 0, 0, 1);
}

static void a_sync_that_fails_is_no_success(void **state)
{
	struct bench *b = *state;

	fail_with = EIO;
	disk_append(b->w, &b->r, b->path, 0, "one\n", 4, on_done);
	expect(b, -ERR_IO, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_write_that_calls_back_with_success_was_synced, setup, teardown),
		cmocka_unit_test_setup_teardown(a_sync_that_fails_is_no_success, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
