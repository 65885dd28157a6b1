/* test_tail.c - files that grow, are renamed, cut, replaced; a sink that says no and reads that fail. */
#include "tests/unit/collectors/reader.h"

static void a_renamed_file_is_read_to_its_end_before_the_new_one(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "1\n");
	reader_follow(LOG, 1000);
	reader_append(LOG, "2\n3");
	sim_file_rename(reader.w, LOG, LOG ".1");
	sim_file_puts(reader.w, LOG, "5\n");
	reader_append(LOG ".1", "\n4");
	reader_pass(20000);
	assert_string_equal(buf_str(&reader.got), "1\n2\n3\n5\n4\n"); /* "4" has no LF: it is complete when nobody adds to it */
	assert_int_equal(tail_stats(reader.tail).files, 1);
	assert_int_equal(sim_disk_open(reader.w), 1);
}

static void a_glob_that_matches_both_names_repeats_nothing(void **state)
{
	(void)state;
	reader_begin("/var/log/x.log*");
	for (int i = 0; i < 5; i++) {
		char line[16], to[32];

		snprintf(line, sizeof(line), "%d\n", i);
		snprintf(to, sizeof(to), LOG ".%d", i);
		sim_file_puts(reader.w, LOG, line);
		reader_pass(300);
		sim_file_rename(reader.w, LOG, to);
		reader_pass(300);
	}
	reader_pass(60000);
	assert_string_equal(buf_str(&reader.got), "0\n1\n2\n3\n4\n");
}

static void a_file_cut_to_nothing_is_read_from_its_start(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\ntwo\n");
	reader_follow(LOG, 1000);
	sim_file_truncate(reader.w, LOG, 0);
	reader_pass(1000);
	reader_append(LOG, "three\n");
	reader_pass(11000);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\nthree\n");
	assert_int_equal(reader.at.generation, 1);
	assert_int_equal(tail_stats(reader.tail).truncated_files, 1);
}

static void a_file_cut_and_grown_beyond_our_place_is_known_by_its_first_bytes(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\ntwo\n");
	reader_follow(LOG, 2000);
	sim_file_truncate(reader.w, LOG, 0);
	reader_append(LOG, "another beginning\nand more\n");
	reader_pass(11000);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\nanother beginning\nand more\n");
}

static void a_sink_that_says_no_is_asked_again_and_nothing_is_lost(void **state)
{
	(void)state;
	reader.refuse = true;
	sim_file_puts(reader.w, LOG, "one\ntwo\n");
	reader_follow(LOG, 60000);
	reader_append(LOG, "three\n");
	sim_file_rename(reader.w, LOG, LOG ".1");
	reader_pass(60000);
	reader.refuse = false;
	reader_pass(60000);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\nthree\n");
	assert_int_equal(sim_disk_open(reader.w), 0);
}

static void reads_that_fail_now_and_then_lose_and_repeat_nothing(void **state)
{
	CLEANUP(buf_close) struct buf want = BUF_MAX(1u << 20);
	unsigned name = 0;

	(void)state;
	reader_begin("/var/log/x.log*");
	sim_fail_rate(reader.w, SIM_READ, 200);
	sim_fail_rate(reader.w, SIM_STAT, 200);
	sim_fail_rate(reader.w, SIM_WATCH, 500);
	for (int i = 0; i < 300; i++) {
		char line[32];

		snprintf(line, sizeof(line), "line %d\n", i);
		reader_append(LOG, line);
		buf_adds(&want, line);
		if (i % 60 == 59) {
			char to[32];

			snprintf(to, sizeof(to), LOG ".%u", name++);
			sim_file_rename(reader.w, LOG, to);
			reader_pass(15000);
		}
		reader_pass(100);
	}
	sim_fail_rate(reader.w, SIM_READ, 0);
	sim_fail_rate(reader.w, SIM_STAT, 0);
	reader_pass(60000);
	assert_int_equal(tail_stats(reader.tail).lines, 300);
	assert_int_equal(reader.got.len, want.len);
	assert_memory_equal(reader.got.data, want.data, want.len);
}

/* 1,100 bytes that each log begins with, and a line. */
static void put_below_banner(const char *path, const char *line)
{
	char text[1200];

	memset(text, '#', 1100);
	for (unsigned i = 99; i < 1100; i += 100)
		text[i] = '\n';
	snprintf(text + 1100, sizeof(text) - 1100, "%s", line);
	sim_file_puts(reader.w, path, text);
}

static void a_rotated_log_below_the_same_banner_is_no_copy(void **state)
{
	(void)state;
	put_below_banner(LOG, "one\n");
	reader_follow(LOG, 2000);
	sim_file_rename(reader.w, LOG, LOG ".2"); /* twice between two looks */
	put_below_banner(LOG ".1", "two\n");
	put_below_banner(LOG, "three\n");
	reader_pass(90000);
	assert_non_null(strstr(buf_str(&reader.got), "two\n"));
	assert_non_null(strstr(buf_str(&reader.got), "three\n"));
}

static bool on_last_line(void *ctx, const struct telemetry_line *l)
{
	bool *closed = ctx;

	if (!reader_on_line(NULL, l))
		return false;
	if (reader.tail != NULL)
		tail_close(reader.tail, flag_set, closed);
	assert_false(*closed);
	reader.tail = NULL;
	return true;
}

static void who_is_given_a_line_may_close_it_from_there(void **state)
{
	static const struct tail_path paths[] = { { .path = LOG, .service = "service" },
						  { .path = "/var/log/y.log", .service = "service" } };
	bool closed = false;
	const struct telemetry_sink sink = { .ctx = &closed, .line = on_last_line };

	(void)state;
	reader_append(LOG, "one\ntwo\n");
	reader_append("/var/log/y.log", "one\ntwo\n");
	reader.tail =
	    tail_new(reader.w, &(struct tail_config){ .paths = paths, .paths_n = 2, .positions = &reader.positions }, &sink);
	tail_start(reader.tail);
	assert_int_equal(sim_run_until(reader.w, flag_is_set, &closed, 60000), SIM_TRUE);
	assert_string_equal(buf_str(&reader.got), "one\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(a_rotated_log_below_the_same_banner_is_no_copy),
		READER_TEST(who_is_given_a_line_may_close_it_from_there),
		READER_TEST(a_renamed_file_is_read_to_its_end_before_the_new_one),
		READER_TEST(a_glob_that_matches_both_names_repeats_nothing),
		READER_TEST(a_file_cut_to_nothing_is_read_from_its_start),
		READER_TEST(a_file_cut_and_grown_beyond_our_place_is_known_by_its_first_bytes),
		READER_TEST(a_sink_that_says_no_is_asked_again_and_nothing_is_lost),
		READER_TEST(reads_that_fail_now_and_then_lose_and_repeat_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
