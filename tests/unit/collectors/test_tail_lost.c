/* test_tail_lost.c - bytes that are gone before they are read are told, with the place where the file goes on. */
#include "tests/unit/collectors/reader.h"

static void what_was_seen_and_not_read_before_a_cut_is_told(void **state)
{
	(void)state;
	reader_append(LOG, "one\ntwo\n");
	reader_follow(LOG, 3000);
	reader.refuse = true;
	reader_append(LOG, "three\n");
	reader_pass(3000);
	sim_file_truncate(reader.w, LOG, 0);
	reader_pass(3000);
	assert_int_equal(reader.losses[TELEMETRY_TRUNCATED], 1);
	assert_int_equal(reader.lost_bytes, 6);
	assert_int_equal(reader.lost_at.to, 0);
	assert_int_equal(reader.lost_at.generation, 1);
}

static void a_cut_behind_the_last_byte_read_is_told_without_bytes(void **state)
{
	(void)state;
	reader_append(LOG, "one\n");
	reader_follow(LOG, 3000);
	sim_file_truncate(reader.w, LOG, 0);
	reader_pass(3000);
	assert_int_equal(reader.losses[TELEMETRY_TRUNCATED], 1);
	assert_int_equal(reader.lost_bytes, 0);
}

static void a_file_replaced_while_nobody_looked_is_told_with_what_its_position_knew(void **state)
{
	struct telemetry_source p;

	(void)state;
	reader_append(LOG, "one\n");
	reader_follow(LOG, 3000);
	p = reader.at;
	p.size = 44;
	reader_close();
	sim_file_truncate(reader.w, LOG, 0);
	reader_append(LOG, "another\n");
	reader_resume(LOG, &p, 3000);
	assert_int_equal(reader.losses[TELEMETRY_TRUNCATED], 1);
	assert_int_equal(reader.lost_bytes, 40);
	assert_int_equal(reader.lost_at.generation, 1);
}

static void a_line_that_is_no_text_is_told_with_the_next_one(void **state)
{
	(void)state;
	reader_append(LOG, "one two three four\n");
	reader_follow(LOG, 3000);
	sim_file_append(reader.w, LOG, "a\0b\0c\0d\0\nmore\n", 14);
	reader_pass(3000);
	assert_int_equal(tail_stats(reader.tail).no_text_lines, 1);
	assert_int_equal(reader.last.no_text, 1);
	reader_append(LOG, "and more\n");
	reader_pass(3000);
	assert_int_equal(reader.last.no_text, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(what_was_seen_and_not_read_before_a_cut_is_told),
		READER_TEST(a_cut_behind_the_last_byte_read_is_told_without_bytes),
		READER_TEST(a_file_replaced_while_nobody_looked_is_told_with_what_its_position_knew),
		READER_TEST(a_line_that_is_no_text_is_told_with_the_next_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
