/* test_tail_positions.c - which positions are kept when there are many. */
#include "tests/unit/collectors/reader.h"

#include "collectors/tail_impl.h"

#define LET_GO_MAX 4096
#define FIRST_INO 1000000 /* of files that never were */

static void on_dropped(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)ctx;
	(void)pairs;
	if (strcmp(event, "tail.position.dropped") != 0)
		return;
	assert_int_equal(level, LOG_WARN);
	reader.told++;
}

static void let_go(unsigned from, unsigned to, const char *dir)
{
	for (unsigned i = from; i < to; i++) {
		CLEANUP(mem_close) char *path = mem_printf("%s/n%u", dir, i);

		tail_position_leave(reader.tail,
				    &(struct telemetry_source){ .dev = 1, .ino = FIRST_INO + i, .to = 5, .path = path });
	}
}

static bool is_known(unsigned i)
{
	return tail_is_known(reader.tail, 1, FIRST_INO + i);
}

static int (*really_resolve)(struct world *w, const char *path, struct buf *b, struct err *e);

static int resolve_unmounted(struct world *w, const char *path, struct buf *b, struct err *e)
{
	return strncmp(path, "/mnt", 4) == 0 ? err_set(e, ERR_NOTFOUND, "%s", path) : really_resolve(w, path, b, e);
}

static void a_position_in_a_folder_not_mounted_yet_outlives_any_number_of_files_let_go(void **state)
{
	(void)state;
	sim_dir_make(reader.w, "/mnt");
	sim_file_puts(reader.w, "/mnt/x.log", "1\n");
	reader_follow("/mnt/*.log", 1000);
	reader_close();
	reader_append("/mnt/x.log", "2\n");
	really_resolve = reader.w->disk_realpath;
	reader.w->disk_realpath = resolve_unmounted;
	log_set(LOG_INFO, on_dropped, NULL);
	reader_resume("/mnt/*.log", &reader.at, 1000);
	let_go(0, 2 * LET_GO_MAX, "/var/log");
	reader.w->disk_realpath = really_resolve;
	reader_pass(20000);
	assert_string_equal(buf_str(&reader.got), "1\n2\n");
}

static void of_files_let_go_those_go_first_that_are_gone(void **state)
{
	struct disk_stat st;

	(void)state;
	sim_file_puts(reader.w, "/var/log/renamed", "there\n");
	assert_int_equal(reader.w->disk_stat(reader.w, "/var/log/renamed", &st, NULL), 0);
	reader_open("/var/log/*.log");
	tail_position_leave(
	    reader.tail, &(struct telemetry_source){ .dev = st.dev, .ino = st.ino, .from = 6, .to = 6, .path = "/var/log/x.log" });
	let_go(0, 1, "/mnt"); /* nobody looks there */
	let_go(1, 3000, "/var/log");
	sim_fail_rate(reader.w, SIM_DISK, 1000);
	tail_start(reader.tail);
	reader_pass(15000);
	assert_true(is_known(1)); /* nothing is known of a folder that cannot be listed */
	sim_fail_rate(reader.w, SIM_DISK, 0);
	reader_pass(15000);
	assert_false(is_known(1) || is_known(2999));
	let_go(3000, 3000 + LET_GO_MAX - 2, "/var/log");
	assert_true(is_known(0) && is_known(3000) && tail_is_known(reader.tail, st.dev, st.ino));
	assert_int_equal(tail_stats(reader.tail).positions_dropped, 0);
}

static void where_all_may_come_back_the_oldest_goes_counted_and_told_once(void **state)
{
	(void)state;
	log_set(LOG_INFO, on_dropped, NULL);
	reader_open("/var/log/*.log");
	let_go(0, LET_GO_MAX, "/mnt");
	tail_start(reader.tail);
	reader_pass(15000);
	assert_true(is_known(0));
	assert_int_equal(tail_stats(reader.tail).positions_dropped, 0);
	let_go(LET_GO_MAX, LET_GO_MAX + 100, "/mnt");
	assert_false(is_known(99));
	assert_true(is_known(100) && is_known(LET_GO_MAX + 99));
	assert_int_equal(tail_stats(reader.tail).positions_dropped, 100);
	assert_int_equal(reader.told, 1);
}

static void while_they_are_few_all_are_remembered(void **state)
{
	(void)state;
	reader_open("/var/log/*.log");
	let_go(0, 1000, "/var/log");
	tail_start(reader.tail);
	reader_pass(60000);
	assert_true(is_known(0) && is_known(999));
}

static void the_position_of_a_file_that_is_let_go_is_its_end_and_may_go_first(void **state)
{
	const struct position *pos;

	(void)state;
	sim_file_puts(reader.w, "/var/log/x.log", "1\n2");
	reader_follow("/var/log/*.log", 20000);
	assert_null(positions_find(&reader.positions, reader.at.dev, reader.at.ino)); /* it is followed */
	reader_commit(&reader.at);
	sim_file_rename(reader.w, "/var/log/x.log", "/var/log/x.log.1");
	reader_pass(20000);
	pos = positions_find(&reader.positions, reader.at.dev, reader.at.ino);
	assert_true(pos != NULL && pos->let_go);
	assert_int_equal(pos->left.to, 3);
	assert_int_equal(pos->durable.to, 2); /* the last line is not committed */
	assert_true(tail_is_known(reader.tail, reader.at.dev, reader.at.ino));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(a_position_in_a_folder_not_mounted_yet_outlives_any_number_of_files_let_go),
		READER_TEST(of_files_let_go_those_go_first_that_are_gone),
		READER_TEST(where_all_may_come_back_the_oldest_goes_counted_and_told_once),
		READER_TEST(the_position_of_a_file_that_is_let_go_is_its_end_and_may_go_first),
		READER_TEST(while_they_are_few_all_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
