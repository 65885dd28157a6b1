/* test_tail_scan.c - how a folder is looked at: in slices, each name once, up to a limit of files, and to the end before a close.
 * */
#include "tests/unit/collectors/reader.h"

#define MANY 1500
#define FILES_MAX 1024

static struct {
	int (*disk_stat)(struct world *w, const char *path, struct disk_stat *ret, struct err *e);
	int (*file_open)(struct world *w, const char *path, struct disk_file **ret, struct err *e);
	void (*timer_start)(struct world *w, struct timer *t, uint64_t delay_ms, timer_cb *cb);
	unsigned calls, in_tick, most; /* a tick that has more to do ends by starting a timer */
} counted;

static void count_call(void)
{
	counted.calls++;
	if (++counted.in_tick > counted.most)
		counted.most = counted.in_tick;
}

static int counted_stat(struct world *w, const char *path, struct disk_stat *ret, struct err *e)
{
	count_call();
	return counted.disk_stat(w, path, ret, e);
}

static int counted_open(struct world *w, const char *path, struct disk_file **ret, struct err *e)
{
	count_call();
	return counted.file_open(w, path, ret, e);
}

static void counted_timer(struct world *w, struct timer *t, uint64_t delay_ms, timer_cb *cb)
{
	counted.in_tick = 0;
	counted.timer_start(w, t, delay_ms, cb);
}

static void count_calls(void)
{
	memset(&counted, 0, sizeof(counted));
	counted.disk_stat = reader.w->disk_stat;
	counted.file_open = reader.w->file_open;
	counted.timer_start = reader.w->timer_start;
	reader.w->disk_stat = counted_stat;
	reader.w->file_open = counted_open;
	reader.w->timer_start = counted_timer;
}

static void make_many(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/var/log/n%05u.log", i);
		sim_file_puts(reader.w, path, "line\n");
	}
}

static void a_folder_of_many_files_is_taken_in_slices_and_the_rest_is_told_once(void **state)
{
	static const char *texts[] = { "/var/log/n", "files_max=1024", NULL };

	(void)state;
	log_set(LOG_INFO, reader_on_refused, texts);
	reader.files_max = FILES_MAX;
	make_many(0, MANY);
	count_calls();
	reader_follow("/var/log/*.log", 5000);
	assert_in_range(counted.most, 1, 256);
	assert_int_equal(tail_stats(reader.tail).files, FILES_MAX);
	assert_int_equal(tail_stats(reader.tail).lines, FILES_MAX);
	assert_int_equal(tail_stats(reader.tail).refused, MANY - FILES_MAX);
	assert_int_equal(tail_stats(reader.tail).refused_limit, MANY - FILES_MAX);
	reader_pass(60000);
	assert_int_equal(tail_stats(reader.tail).refused, MANY - FILES_MAX); /* files, not looks */
	assert_in_range(counted.most, 1, 256);
	assert_int_equal(reader.told, 1);
}

static void restore_many(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char path[64];
		struct telemetry_source p = { .from = 5, .to = 5, .path = path, .fp = reader.at.fp, .fp_len = reader.at.fp_len };
		struct disk_stat st;

		snprintf(path, sizeof(path), "/var/log/n%05u.log", i);
		assert_int_equal(reader.w->disk_stat(reader.w, path, &st, NULL), 0);
		p.dev = st.dev;
		p.ino = st.ino;
		reader_commit(&p);
	}
}

/* Positions are claimed before strangers are taken, and the folder is looked at once for all of them. */
static void a_restart_with_many_positions_looks_at_each_name_once(void **state)
{
	(void)state;
	log_set(LOG_ERROR, NULL, NULL);
	reader.files_max = FILES_MAX;
	make_many(MANY - 1000, MANY); /* the positions' files are the younger ones */
	reader_pass(10);
	make_many(0, 1000);
	reader_follow("/var/log/n00000.log", 1000); /* for the fingerprint, which all share */
	reader_close();
	buf_reset(&reader.got);
	reader_open("/var/log/*.log");
	restore_many(1000);
	count_calls();
	tail_start(reader.tail);
	reader_pass(5000);
	assert_in_range(counted.calls, MANY, MANY + FILES_MAX);
	assert_in_range(counted.most, 1, 256);
	assert_int_equal(tail_stats(reader.tail).lines, FILES_MAX - 1000);
}

static void closing_waits_for_a_folder_that_is_being_listed(void **state)
{
	(void)state;
	make_many(0, 10);
	for (int ms = 0; ms < 5; ms++) {
		reader_follow("/var/log/*.log", (uint64_t)ms);
		reader_close();
	}
	assert_int_equal(sim_disk_open(reader.w), 0);
}

static void a_compressed_file_is_opened_once_and_again_when_it_changed(void **state)
{
	(void)state;
	sim_file_put(reader.w, LOG ".gz", "\x1f\x8b\x08 zip\n", 8);
	reader_follow(LOG "*", 30000);
	count_calls();
	reader_pass(60000);
	assert_in_range(counted.calls, 1, 10); /* a stat for each look */
	assert_int_equal(tail_stats(reader.tail).refused, 1);
	sim_file_put(reader.w, LOG ".gz", "plain\n", 6);
	reader_pass(20000);
	assert_string_equal(buf_str(&reader.got), "plain\n");
	assert_int_equal(tail_stats(reader.tail).refused, 0);
}

static void a_folder_with_more_names_than_are_listed_is_counted(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\n");
	sim_fail_nth(reader.w, SIM_DISK, 1, ERR_LIMIT);
	reader_follow(LOG, 15000);
	assert_int_equal(tail_stats(reader.tail).large_folders, 1);
	assert_string_equal(buf_str(&reader.got), "one\n"); /* the next look lists all */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(a_folder_with_more_names_than_are_listed_is_counted),
		READER_TEST(a_folder_of_many_files_is_taken_in_slices_and_the_rest_is_told_once),
		READER_TEST(a_restart_with_many_positions_looks_at_each_name_once),
		READER_TEST(closing_waits_for_a_folder_that_is_being_listed),
		READER_TEST(a_compressed_file_is_opened_once_and_again_when_it_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
