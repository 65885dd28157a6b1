/* test_tail_pass.c - what is passed over because the configuration wants it, and that it is counted and told. */
#include <stdlib.h>

#include "tests/unit/collectors/reader.h"

static struct {
	uint64_t bytes;
	char last[256];
} passed;

static void on_passed(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)ctx;
	if (strcmp(event, "tail.passed") != 0)
		return;
	assert_int_equal(level, LOG_INFO);
	passed.bytes += strtoul(strstr(pairs, "size_bytes=") + 11, NULL, 10);
	snprintf(passed.last, sizeof(passed.last), "%s", pairs);
	reader.told++;
}

static void follow(const char *pattern, bool starts_at_end, uint64_t ignore_older_ms, uint64_t ms)
{
	const struct telemetry_sink sink = { .line = reader_on_line, .found = reader_on_found };
	const struct tail_path path = {
		.path = pattern, .service = "s", .starts_at_end = starts_at_end, .ignore_older_ms = ignore_older_ms
	};
	const struct tail_config c = { .paths = &path, .paths_n = 1, .positions = &reader.positions };

	memset(&passed, 0, sizeof(passed));
	reader.told = 0;
	log_set(LOG_INFO, on_passed, NULL);
	reader.tail = tail_new(reader.w, &c, &sink);
	tail_start(reader.tail);
	reader_pass(ms);
}

/* Time passes only where something happens. */
static void grow_old(void)
{
	reader_follow("/none/x.log", 120000);
	reader_close();
}

static void at_the_end_what_is_there_is_passed_over_and_what_comes_is_read(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\ntwo\n");
	sim_file_puts(reader.w, "/var/log/empty.log", "");
	follow("/var/log/*.log", true, 0, 1000);
	assert_int_equal(reader.got.len, 0);
	assert_int_equal(tail_stats(reader.tail).passed_files, 1);
	assert_int_equal(tail_stats(reader.tail).passed_bytes, 8);
	assert_int_equal(passed.bytes, 8);
	assert_int_equal(reader.told, 1);
	assert_non_null(strstr(passed.last, "why=start_at"));
	reader_append(LOG, "three\n");
	reader_append("/var/log/empty.log", "four\n");
	sim_file_puts(reader.w, "/var/log/later.log", "five\n"); /* as a new file, from its beginning */
	reader_pass(2000);
	assert_int_equal(reader.got.len, strlen("three\nfour\nfive\n"));
	assert_int_equal(reader.told, 1);
}

/* What was written between two lives is not passed over, whether the file is known or came meanwhile. */
static void a_pattern_that_was_seen_before_is_read_as_its_positions_say(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\n");
	follow("/var/log/*.log", false, 0, 1000);
	reader_commit(&reader.at);
	reader_close();
	reader_append(LOG, "two\n");
	sim_file_puts(reader.w, "/var/log/y.log", "three\n");
	follow("/var/log/*.log", true, 60000, 1000);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\nthree\n");
	assert_int_equal(reader.told, 0);
}

static void a_position_of_a_file_that_is_gone_says_that_its_pattern_was_seen(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\n");
	follow("/var/log/*.log", false, 0, 1000);
	reader_commit(&reader.at);
	reader_close();
	sim_file_rename(reader.w, LOG, "/elsewhere");
	sim_file_puts(reader.w, "/var/log/y.log", "two\n");
	follow("/var/log/*.log", true, 0, 1000);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\n");
}

static void a_line_that_is_half_there_goes_on_behind_what_was_passed_over(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\nha");
	follow(LOG, true, 0, 1000);
	reader_append(LOG, "lf\ntwo\n");
	reader_pass(1000);
	assert_string_equal(buf_str(&reader.got), "lf\ntwo\n");
	assert_string_equal(reader.begun, "");
	assert_int_equal(reader.continuations, 1);
}

static void a_file_that_is_too_old_is_not_read_until_it_is_written_again(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "old\n");
	sim_file_puts(reader.w, "/var/log/y.log", "very old\n");
	grow_old();
	sim_file_puts(reader.w, "/var/log/z.log", "new\n");
	follow("/var/log/*.log", false, 60000, 1000);
	assert_string_equal(buf_str(&reader.got), "new\n");
	assert_int_equal(tail_stats(reader.tail).refused_old, 2);
	assert_int_equal(tail_stats(reader.tail).refused, 2);
	assert_int_equal(tail_stats(reader.tail).files, 1);
	reader_pass(60000);
	assert_int_equal(reader.told, 2); /* once a file, and not once a look */
	assert_int_equal(passed.bytes, 13);
	assert_int_equal(tail_stats(reader.tail).passed_bytes, 13);
	reader_append(LOG, "and new\n");
	reader_pass(20000);
	assert_string_equal(buf_str(&reader.got), "new\nold\nand new\n");
	assert_int_equal(tail_stats(reader.tail).refused_old, 1);
}

static void a_position_says_more_than_the_age(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\n");
	follow(LOG, false, 60000, 1000);
	reader_close();
	reader_append(LOG, "two\n");
	grow_old();
	reader_commit(&reader.at);
	follow(LOG, false, 60000, 1000);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\n");
}

static void very_many_are_counted_and_not_told(void **state)
{
	(void)state;
	for (int i = 0; i < 150; i++) {
		CLEANUP(mem_close) char *path = mem_printf("/var/log/%d.log", i);

		sim_file_puts(reader.w, path, "old\n");
	}
	grow_old();
	follow("/var/log/*.log", false, 60000, 30000);
	assert_int_equal(reader.told, 100);
	assert_non_null(strstr(passed.last, "further ones are only counted"));
	assert_int_equal(tail_stats(reader.tail).passed_files, 150);
	assert_int_equal(tail_stats(reader.tail).passed_bytes, 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(at_the_end_what_is_there_is_passed_over_and_what_comes_is_read),
		READER_TEST(a_pattern_that_was_seen_before_is_read_as_its_positions_say),
		READER_TEST(a_position_of_a_file_that_is_gone_says_that_its_pattern_was_seen),
		READER_TEST(a_line_that_is_half_there_goes_on_behind_what_was_passed_over),
		READER_TEST(a_file_that_is_too_old_is_not_read_until_it_is_written_again),
		READER_TEST(a_position_says_more_than_the_age),
		READER_TEST(very_many_are_counted_and_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
