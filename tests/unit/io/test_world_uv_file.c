/* test_world_uv_file.c - what the real disk does at once: small reads, open files, folders, the lock. */
#include "tests/unit/io/bench.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* A disk that fails in the middle of a folder. */
static int fails_after = -1; /* names; -1: never */

struct dirent *readdir(DIR *dir)
{
	static struct dirent *(*real)(DIR *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "readdir64");
	if (fails_after == 0) {
		errno = EIO;
		return NULL;
	}
	fails_after -= fails_after > 0;
	return real(dir);
}

static int count_name(void *ctx, const char *name)
{
	struct buf *all = ctx;

	return buf_addf(all, "%s,", name);
}

static void synchronous_reads_list_stat_and_stop_at_their_limits(void **state)
{
	struct bench *b = *state;
	struct world *w = b->w;
	struct buf buf = BUF_MAX(5), names = BUF_MAX(100), proc = BUF_MAX(65536);
	struct disk_stat st;
	struct err e = { 0 };

	bench_put(bench_path(b, "f"), "12345");
	assert_int_equal(w->disk_read(w, bench_path(b, "f"), &buf, &e), 0);
	assert_string_equal(buf_str(&buf), "12345");
	bench_put(bench_path(b, "f"), "123456");
	buf_reset(&buf);
	assert_int_equal(w->disk_read(w, bench_path(b, "f"), &buf, &e), -ERR_LIMIT);
	assert_int_equal(w->disk_read(w, bench_path(b, "none"), &buf, &e), -ERR_NOTFOUND);
	assert_int_equal(w->disk_stat(w, bench_path(b, "f/none"), &st, &e), -ERR_INVALID);
	assert_int_equal(w->disk_read(w, b->dir, &buf, &e), -ERR_INVALID);
	assert_int_equal(mkfifo(bench_path(b, "fifo"), 0600), 0);
	assert_int_equal(w->disk_read(w, bench_path(b, "fifo"), &buf, &e), -ERR_INVALID);
	unlink(bench_path(b, "fifo"));
	assert_int_equal(w->disk_read(w, "/proc/stat", &proc, &e), 0);
	assert_true(proc.len > 0);
	assert_int_equal(w->disk_mkdir(w, bench_path(b, "sub"), 0700, &e), 0);
	assert_int_equal(w->disk_mkdir(w, bench_path(b, "sub"), 0700, &e), 0);
	assert_int_equal(w->disk_mkdir(w, bench_path(b, "no/sub"), 0700, &e), -ERR_NOTFOUND);
	assert_int_equal(w->disk_stat(w, bench_path(b, "sub"), &st, &e), 0);
	assert_true(st.is_dir && !st.is_file);
	assert_int_equal(w->disk_list(w, b->dir, count_name, &names, &e), 0);
	assert_int_equal(names.len, strlen("f,sub,"));
	buf_close(&buf);
	buf_close(&names);
	buf_close(&proc);
}

static void a_link_is_looked_through_or_at(void **state)
{
	struct bench *b = *state;
	CLEANUP(mem_close) char *link = mem_str(bench_path(b, "link"));
	struct disk_stat st;
	struct err e = { 0 };

	bench_put(bench_path(b, "f"), "x");
	assert_int_equal(symlink(bench_path(b, "f"), link), 0);
	assert_int_equal(b->w->disk_lstat(b->w, link, &st, &e), 0);
	assert_true(st.is_link && !st.is_file && st.ours_to_write);
	assert_int_equal(b->w->disk_stat(b->w, link, &st, &e), 0);
	assert_true(st.is_file && !st.is_link);
	unlink(bench_path(b, "f"));
	assert_int_equal(b->w->disk_lstat(b->w, link, &st, &e), 0);
	assert_int_equal(b->w->disk_stat(b->w, link, &st, &e), -ERR_NOTFOUND);
	unlink(link);
	assert_int_equal(b->w->disk_lstat(b->w, link, &st, &e), -ERR_NOTFOUND);
	bench_put(bench_path(b, "f"), "x");
	assert_int_equal(b->w->disk_lstat(b->w, bench_path(b, "f"), &st, &e), 0);
	assert_true(st.is_file && st.ours_to_write && st.size == 1);
}

static void an_open_file_outlives_its_name(void **state)
{
	struct bench *b = *state;
	struct disk_file *f = NULL;
	struct disk_stat st;
	struct err e = { 0 };
	char to[8] = "";

	bench_put(bench_path(b, "f"), "abcdef");
	assert_int_equal(b->w->file_open(b->w, bench_path(b, "f"), &f, &e), 0);
	unlink(bench_path(b, "f"));
	assert_int_equal(b->w->file_stat(b->w, f, &st, &e), 0);
	assert_int_equal(st.nlink, 0);
	assert_int_equal(b->w->file_read(b->w, f, 4, to, sizeof(to), &e), 2);
	assert_string_equal(to, "ef");
	assert_int_equal(b->w->file_read(b->w, f, 6, to, sizeof(to), &e), 0);
	b->w->file_close(b->w, f);
	b->w->file_close(b->w, NULL);
}

static void an_open_file_tells_where_it_is_whatever_name_it_was_opened_by(void **state)
{
	struct bench *b = *state;
	CLEANUP(buf_close) struct buf real = BUF_MAX(4096), is = BUF_MAX(4096);
	CLEANUP(mem_close) char *to = mem_str(bench_path(b, "f"));
	CLEANUP(mem_close) char *link = mem_str(bench_path(b, "link"));
	struct disk_file *f = NULL;

	bench_put(to, "abcdef");
	assert_int_equal(symlink(to, link), 0);
	assert_int_equal(b->w->disk_realpath(b->w, to, &real, NULL), 0);
	assert_int_equal(b->w->file_open(b->w, link, &f, NULL), 0);
	assert_int_equal(b->w->file_path(b->w, f, &is, NULL), 0);
	assert_string_equal(buf_str(&is), buf_str(&real));
	unlink(to);
	assert_int_equal(b->w->file_path(b->w, f, &is, NULL), -ERR_NOTFOUND);
	bench_put(to, "another");
	assert_int_equal(b->w->file_path(b->w, f, &is, NULL), -ERR_NOTFOUND);
	b->w->file_close(b->w, f);
}

/* Half a list is no list: a journal would look shorter than it is. */
static void a_folder_that_cannot_be_read_to_its_end_is_an_error(void **state)
{
	struct bench *b = *state;
	CLEANUP(buf_close) struct buf names = BUF_MAX(100);
	struct disk_req r = { .op = DISK_LIST, .path = b->dir, .names = &names };
	struct err e = { 0 };

	bench_put(bench_path(b, "f"), "1");
	for (int i = 0; i < 3; i++) {
		fails_after = i; /* ".", "..", "f" */
		assert_int_equal(b->w->disk_list(b->w, b->dir, count_name, &names, &e), -ERR_IO);
		fails_after = i;
		b->w->disk_start(b->w, &r, bench_on_disk);
		assert_int_equal(bench_run(b), -ERR_IO);
	}
	fails_after = -1;
	buf_reset(&names);
	assert_int_equal(b->w->disk_list(b->w, b->dir, count_name, &names, &e), 0);
	assert_string_equal(buf_str(&names), "f,");
}

static void a_lock_is_held_by_one(void **state)
{
	struct bench *b = *state;
	struct err e = { 0 };

	assert_int_equal(b->w->disk_lock(b->w, bench_path(b, "lock"), &e), 0);
	assert_int_equal(b->w->disk_lock(b->w, bench_path(b, "lock"), &e), -ERR_EXISTS);
	world_uv_free(b->w);
	b->w = world_uv_new(&e);
	assert_int_equal(b->w->disk_lock(b->w, bench_path(b, "lock"), &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(synchronous_reads_list_stat_and_stop_at_their_limits),
		BENCH_TEST(a_link_is_looked_through_or_at),
		BENCH_TEST(an_open_file_outlives_its_name),
		BENCH_TEST(an_open_file_tells_where_it_is_whatever_name_it_was_opened_by),
		BENCH_TEST(a_folder_that_cannot_be_read_to_its_end_is_an_error),
		BENCH_TEST(a_lock_is_held_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
