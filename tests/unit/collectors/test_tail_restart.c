/* test_tail_restart.c - positions that fit and positions that do not, and what became of the files while we were away. */
#include "tests/unit/collectors/reader.h"

static void a_restart_goes_on_where_the_commit_says(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\ntwo\n");
	reader_follow(LOG, 1000);
	reader_close();
	reader_append(LOG, "three\n");
	reader_resume(LOG, &reader.at, 1000);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\nthree\n");
}

static void a_file_renamed_while_we_were_away_is_found_and_read_first(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\n");
	reader_follow(LOG, 1000);
	reader_close();
	reader_append(LOG, "two\n");
	sim_file_rename(reader.w, LOG, LOG "-yesterday");
	sim_file_puts(reader.w, LOG, "three\n");
	reader_resume(LOG, &reader.at, 30000);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\nthree\n");
	assert_int_equal(sim_disk_open(reader.w), 1);
}

static void a_file_born_and_renamed_while_we_were_away_is_read_in_its_turn(void **state)
{
	unsigned before;

	(void)state;
	sim_file_puts(reader.w, LOG ".9", "from before our time\n");
	reader_pass(10);
	sim_file_puts(reader.w, LOG, "one\n");
	reader_follow(LOG, 1000);
	reader_close();
	reader_append(LOG, "two\n");
	sim_file_rename(reader.w, LOG, LOG ".2");
	reader_pass(10);
	sim_file_puts(reader.w, LOG, "three\n");
	sim_file_rename(reader.w, LOG, LOG ".1");
	reader_pass(10);
	sim_file_puts(reader.w, LOG, "four\n");
	sim_file_puts(reader.w, LOG "-audit", "another log\n");
	sim_file_puts(reader.w, LOG ".3", "one\ntwo\n"); /* a copy */
	before = reader.found;
	reader_resume(LOG, &reader.at, 30000);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\nthree\nfour\n");
	assert_int_equal(sim_disk_open(reader.w), 1);
	/* The three, once each: with a position of the copy, the next start would find it and send it. */
	assert_int_equal(reader.found - before, 3);
}

static void a_position_that_does_not_fit_is_not_believed(void **state)
{
	struct telemetry_source wrong;

	(void)state;
	sim_file_puts(reader.w, LOG, "one\n");
	reader_follow(LOG, 1000);
	reader_close();
	for (int i = 0; i < 3; i++) {
		wrong = reader.at;
		if (i == 0)
			wrong.fp++; /* the inode was given to another file */
		else if (i == 1)
			wrong.to = 5000; /* cut while we were away */
		else
			wrong.ino += 77; /* of a file that is gone */
		buf_reset(&reader.got);
		reader_resume(LOG, &wrong, 1000);
		assert_string_equal(buf_str(&reader.got), "one\n");
		reader_close();
	}
}

/* A position names the link's target: even so its lines must not bear the path that the link pretends to continue. */
static void a_link_to_a_file_that_was_followed_is_not_read_as_it(void **state)
{
	struct telemetry_source p;

	(void)state;
	sim_file_puts(reader.w, LOG, "1\n");
	reader_follow(LOG, 1000);
	p = reader.at;
	reader_close();
	sim_file_rename(reader.w, LOG, "/etc/moved");
	reader_append("/etc/moved", "secret\n");
	sim_file_link(reader.w, LOG ".1", "/etc/moved");
	reader_resume(LOG, &p, 30000);
	assert_string_equal(buf_str(&reader.got), "1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(a_restart_goes_on_where_the_commit_says),
		READER_TEST(a_file_renamed_while_we_were_away_is_found_and_read_first),
		READER_TEST(a_file_born_and_renamed_while_we_were_away_is_read_in_its_turn),
		READER_TEST(a_position_that_does_not_fit_is_not_believed),
		READER_TEST(a_link_to_a_file_that_was_followed_is_not_read_as_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
