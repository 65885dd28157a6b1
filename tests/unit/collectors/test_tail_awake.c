/* test_tail_awake.c - of many files only those that were written to are looked at, and what comes of that is the same. */
#include "tests/unit/collectors/reader.h"

static struct {
	void (*disk_start)(struct world *w, struct disk_req *r, disk_cb *cb);
	int (*file_stat)(struct world *w, struct disk_file *f, struct disk_stat *ret, struct err *e);
	unsigned lists, looks;
} counted;

static void counted_start(struct world *w, struct disk_req *r, disk_cb *cb)
{
	counted.lists += r->op == DISK_LIST;
	counted.disk_start(w, r, cb);
}

static int counted_stat(struct world *w, struct disk_file *f, struct disk_stat *ret, struct err *e)
{
	counted.looks++;
	return counted.file_stat(w, f, ret, e);
}

static void count(void)
{
	counted.lists = counted.looks = 0;
	if (reader.w->disk_start == counted_start)
		return;
	counted.disk_start = reader.w->disk_start;
	counted.file_stat = reader.w->file_stat;
	reader.w->disk_start = counted_start;
	reader.w->file_stat = counted_stat;
}

static void a_write_has_its_own_file_looked_at_and_no_folder_listed(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		CLEANUP(mem_close) char *path = mem_printf("/var/log/%d.log", i);

		sim_file_puts(reader.w, path, "0\n");
	}
	reader_follow("/var/log/*.log", 5000);
	assert_int_equal(tail_stats(reader.tail).lines, 200);
	count();
	for (int i = 0; i < 10; i++) {
		reader_append("/var/log/7.log", "1\n");
		reader_pass(200);
	}
	assert_int_equal(tail_stats(reader.tail).lines, 210);
	assert_int_equal(counted.lists, 0);
	assert_in_range(counted.looks, 10, 20);
}

/* Doris BE's be.INFO is a link to the file of the day beside it. */
static void a_write_behind_a_link_in_the_same_folder_is_seen_at_once(void **state)
{
	(void)state;
	sim_file_puts(reader.w, "/var/log/be.INFO.log.20261130", "1\n");
	sim_file_link(reader.w, "/var/log/be.INFO", "/var/log/be.INFO.log.20261130");
	reader_follow("/var/log/be.INFO", 1000);
	count();
	reader_append("/var/log/be.INFO.log.20261130", "2\n");
	reader_pass(500);
	assert_string_equal(buf_str(&reader.got), "1\n2\n");
	assert_int_equal(counted.lists, 0);
}

static void a_rotated_file_that_is_still_written_to_is_read(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "1\n");
	reader_follow(LOG, 1000);
	sim_file_rename(reader.w, LOG, "/var/log/old");
	reader_pass(500);
	for (int i = 0; i < 4; i++) {
		reader_append("/var/log/old", "2\n");
		reader_pass(500);
		assert_int_equal(tail_stats(reader.tail).lines, i + 2);
	}
}

static void what_no_watch_tells_the_poll_finds(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "1\n");
	sim_fail_rate(reader.w, SIM_WATCH, 1000);
	log_set(LOG_ERROR, NULL, NULL);
	reader_follow(LOG, 5000);
	reader_append(LOG, "2\n");
	reader_pass(11000);
	assert_string_equal(buf_str(&reader.got), "1\n2\n");
}

static void a_file_that_was_refused_is_taken_when_it_is_written_to(void **state)
{
	(void)state;
	sim_file_put(reader.w, LOG,
		     "\x7f"
		     "ELF\0\0\0\0",
		     8);
	log_set(LOG_ERROR, NULL, NULL);
	reader_follow(LOG, 2000);
	assert_int_equal(tail_stats(reader.tail).refused, 1);
	sim_file_truncate(reader.w, LOG, 0);
	reader_append(LOG, "text\n");
	reader_pass(1000);
	assert_string_equal(buf_str(&reader.got), "text\n");
}

static struct {
	ssize_t (*file_read)(struct world *w, struct disk_file *f, uint64_t offset, void *to, size_t len, struct err *e);
	int (*file_stat)(struct world *w, struct disk_file *f, struct disk_stat *ret, struct err *e);
	uint64_t ino;
	bool even_stat;
} broken;

static bool is_broken(struct world *w, struct disk_file *f)
{
	struct disk_stat st;

	return broken.file_stat(w, f, &st, NULL) == 0 && st.ino == broken.ino;
}

static ssize_t broken_read(struct world *w, struct disk_file *f, uint64_t offset, void *to, size_t len, struct err *e)
{
	return is_broken(w, f) ? -ERR_IO : broken.file_read(w, f, offset, to, len, e);
}

static int broken_stat(struct world *w, struct disk_file *f, struct disk_stat *ret, struct err *e)
{
	return broken.even_stat && is_broken(w, f) ? -ERR_IO : broken.file_stat(w, f, ret, e);
}

/* A read fails, the file is renamed meanwhile and another one takes its name: its lines come before those of the other all the
 * same, also where the pattern matches both names, and whether the write was seen before the rename or not. */
static void order_is_kept_across_a_rename_while_reads_fail(void **state)
{
	(void)state;
	log_set(LOG_ERROR, NULL, NULL);
	broken.file_read = reader.w->file_read;
	broken.file_stat = reader.w->file_stat;
	reader.w->file_read = broken_read;
	reader.w->file_stat = broken_stat;
	for (int i = 0; i < 8; i++) {
		struct disk_stat st;

		buf_reset(&reader.got);
		broken.ino = 0;
		broken.even_stat = i >= 4;
		sim_file_puts(reader.w, LOG, "1\n");
		reader_follow(i % 2 == 0 ? "/var/log/x.log*" : LOG, 1000);
		assert_int_equal(reader.w->disk_stat(reader.w, LOG, &st, NULL), 0);
		broken.ino = st.ino;
		reader_append(LOG, "2\n");
		reader_pass(i / 2 % 2 == 0 ? 300 : 0);
		sim_file_rename(reader.w, LOG, LOG ".1");
		sim_file_puts(reader.w, LOG, "3\n");
		reader_pass(8000);
		assert_string_equal(buf_str(&reader.got), "1\n");
		broken.ino = 0;
		reader_pass(3000);
		assert_string_equal(buf_str(&reader.got), "1\n2\n3\n");
		reader_close();
		sim_file_unlink(reader.w, LOG);
		sim_file_unlink(reader.w, LOG ".1");
	}
	reader_begin(LOG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(a_write_has_its_own_file_looked_at_and_no_folder_listed),
		READER_TEST(a_write_behind_a_link_in_the_same_folder_is_seen_at_once),
		READER_TEST(a_rotated_file_that_is_still_written_to_is_read),
		READER_TEST(what_no_watch_tells_the_poll_finds),
		READER_TEST(a_file_that_was_refused_is_taken_when_it_is_written_to),
		READER_TEST(order_is_kept_across_a_rename_while_reads_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
