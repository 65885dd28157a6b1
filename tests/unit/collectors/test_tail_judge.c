/* test_tail_judge.c - what is no text never leaves: other encodings, archives that are still being made, holes of NUL. And a
 * file that was rewritten in place is known by the bytes before our place. */
#include "tests/unit/cases.h"
#include "tests/unit/collectors/reader.h"

#define KEY "AKIAIOSFODNN7EXAMPLE"

/* The letters of text with a NUL before or behind each. */
static void append_wide(const char *text, bool big)
{
	for (; *text != '\0'; text++) {
		const char pair[2] = { big ? '\0' : *text, big ? *text : '\0' };

		sim_file_append(reader.w, LOG, pair, 2);
	}
}

/* No letters of the key in their order, whatever may stand between them. */
static void expect_no_key(void)
{
	const char *want = KEY;

	for (size_t i = 0; i < reader.got.len; i++)
		want += *want != '\0' && reader.got.data[i] == *want;
	assert_true(*want != '\0');
}

static void the_case_of_utf16_is_refused_and_counted(void **state)
{
	CLEANUP(buf_close) struct buf b = { 0 };

	(void)state;
	case_load("utf16le.log", &b);
	sim_file_put(reader.w, LOG, b.data, b.len);
	reader_follow(LOG, 200000);
	assert_int_equal(reader.got.len, 0);
	assert_int_equal(tail_stats(reader.tail).refused_no_text, 1);
	assert_int_equal(tail_stats(reader.tail).refused, 1);
}

static void no_order_of_wide_letters_leaves_a_file(void **state)
{
	static const char *const marks[] = { "", "\xff\xfe", "\xfe\xff" };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(marks); i++) {
		sim_file_puts(reader.w, LOG, marks[i / 2]);
		append_wide("the key is " KEY "\nand more\n", i % 2);
		reader_follow(LOG, 200000);
		assert_int_equal(reader.got.len, 0);
		assert_int_equal(tail_stats(reader.tail).refused_no_text, 1);
		reader_close();
		sim_file_unlink(reader.w, LOG);
	}
}

/* As a shell of Windows appends to a file of another program: the rules must see the key, or nobody. */
static void wide_letters_in_the_middle_of_a_text_are_left_out_and_counted(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		buf_reset(&reader.got);
		for (int i = 0; i < 100; i++)
			reader_append(LOG, "an ordinary line\n");
		append_wide("the key is " KEY "\n", big);
		reader_append(LOG, "\nlast\n");
		reader_follow(LOG, 2000);
		assert_non_null(strstr(buf_str(&reader.got), "\nlast\n"));
		expect_no_key();
		assert_int_equal(tail_stats(reader.tail).no_text_lines, 1);
		reader_close();
		sim_file_unlink(reader.w, LOG);
	}
}

static void a_few_nuls_in_a_line_hide_no_word_from_the_rules(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "a line before it, so that this is no first name of a tar\n");
	sim_file_append(reader.w, LOG, "the key is AKIA\0IOSFODNN7EXAMPLE\n", 33);
	reader_follow(LOG, 90000);
	assert_non_null(strstr(buf_str(&reader.got), "\nthe key is " KEY "\n"));
	assert_int_equal(tail_stats(reader.tail).nul_bytes, 1);
}

/* ---- holes ---- */

static void a_hole_before_a_line_is_counted_and_not_sent(void **state)
{
	CLEANUP(buf_close) struct buf b = { 0 };

	(void)state;
	case_load("nul-hole.log", &b);
	sim_file_put(reader.w, LOG, b.data, b.len);
	reader_follow(LOG, 2000);
	assert_string_equal(buf_str(&reader.got), "ERROR disk is full\nINFO next\n");
	assert_int_equal(tail_stats(reader.tail).nul_bytes, 65536);
}

/* A crash leaves them too: behind what was written, and then the next life goes on. */
static void a_hole_anywhere_costs_no_line_however_it_arrives(void **state)
{
	static const size_t holes[] = { 64, 100, 4096, 65536, 200000 };
	CLEANUP(mem_close) char *nuls = mem_alloc(200000);

	(void)state;
	memset(nuls, 0, 200000);
	for (size_t i = 0; i < ARRAY_LEN(holes) * 3; i++) {
		size_t step = i % 3 == 0 ? holes[i / 3] : i % 3 == 1 ? 40 : 3001;

		if (holes[i / 3] / step > 400)
			continue;
		buf_reset(&reader.got);
		reader_append(LOG, "one\nhalf");
		reader_follow(LOG, 300);
		for (size_t done = 0; done < holes[i / 3]; done += step) {
			sim_file_append(reader.w, LOG, nuls, step < holes[i / 3] - done ? step : holes[i / 3] - done);
			reader_pass(60);
		}
		reader_append(LOG, "ERROR disk is full\nlast\n");
		reader_pass(2000);
		assert_string_equal(buf_str(&reader.got), "one\nhalf\nERROR disk is full\nlast\n");
		assert_int_equal(tail_stats(reader.tail).nul_bytes, holes[i / 3]);
		reader_close();
		sim_file_unlink(reader.w, LOG);
	}
}

static void the_range_of_a_line_behind_a_hole_has_no_gap(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "the first line of it\n");
	reader_follow(LOG, 1000);
	sim_file_append(reader.w, LOG, "\0\0\0two\n", 7);
	reader_pass(90000);
	assert_string_equal(buf_str(&reader.got), "the first line of it\ntwo\n");
	assert_int_equal(reader.at.from, 21);
	assert_int_equal(reader.at.to, 28);
}

/* It looked like wide letters for a moment: what was handed over is not handed over again. */
static void a_file_refused_and_taken_again_repeats_nothing(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\n");
	reader_follow(LOG, 1000);
	append_wide("wide", false);
	reader_pass(12000);
	assert_int_equal(tail_stats(reader.tail).refused_no_text, 1);
	for (int i = 0; i < 10; i++)
		reader_append(LOG, "\nand a text after all");
	reader_append(LOG, "\n");
	reader_pass(12000);
	assert_int_equal(tail_stats(reader.tail).refused, 0);
	assert_memory_equal(buf_str(&reader.got), "one\n", 4);
	assert_null(strstr(buf_str(&reader.got) + 4, "one"));
}

static void what_copytruncate_leaves_of_a_writer_that_keeps_its_place_is_one_hole(void **state)
{
	CLEANUP(mem_close) char *nuls = mem_alloc(40000);

	(void)state;
	memset(nuls, 0, 40000);
	sim_file_puts(reader.w, LOG, "old line\n");
	reader_follow(LOG, 2000);
	sim_file_truncate(reader.w, LOG, 0);
	reader_pass(2000);
	sim_file_append(reader.w, LOG, nuls, 40000);
	reader_append(LOG, "first after\nsecond\n");
	reader_pass(12000);
	assert_string_equal(buf_str(&reader.got), "old line\nfirst after\nsecond\n");
}

/* ---- archives ---- */

static void an_archive_that_is_still_being_made_gives_no_line(void **state)
{
	static const struct {
		const char *head;
		size_t len;
	} kinds[] = { { "\x1f\x8b\x08\x00\n\n\n", 7 },
		      { "\x28\xb5\x2f\xfd\n\n", 6 },
		      { "\xfd"
			"7zXZ\0\n\n",
			8 },
		      { "BZh91AY&SY\n\n", 12 },
		      { "\x04\x22\x4d\x18\n\n", 6 },
		      { "PK\x03\x04\n\n", 6 },
		      { "7z\xbc\xaf\x27\x1c\n\n", 8 },
		      { "\xff\x06\0\0sNaPpY\n\n", 12 } };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		sim_file_puts(reader.w, "/var/log/x.log.pack", ""); /* judged, were it judged now: empty */
		reader_follow("/var/log/x.log*", 15000);
		for (size_t i = 0; i < kinds[k].len; i++) {
			sim_file_append(reader.w, "/var/log/x.log.pack", kinds[k].head + i, 1);
			reader_pass(400);
		}
		for (int i = 0; i < 50; i++) {
			reader_append("/var/log/x.log.pack", "bytes\nof it\n");
			reader_pass(700);
		}
		reader_pass(100000);
		assert_int_equal(reader.got.len, 0);
		assert_int_equal(tail_stats(reader.tail).refused_compressed, 1);
		assert_int_equal(sim_disk_open(reader.w), 0);
		reader_close();
		sim_file_unlink(reader.w, "/var/log/x.log.pack");
	}
}

static void a_text_cut_and_filled_with_an_archive_is_judged_again(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\ntwo\n");
	reader_follow(LOG, 2000);
	sim_file_truncate(reader.w, LOG, 0);
	reader_append(LOG, "\x1f\x8b\x08 and\nmuch more\nthan before\n");
	reader_pass(30000);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\n");
	assert_int_equal(tail_stats(reader.tail).refused_compressed, 1);
}

static void an_archive_of_no_known_kind_is_no_text_either(void **state)
{
	char bytes[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(sim_random(reader.w) >> 9);
	bytes[0] = 'q';
	sim_file_put(reader.w, LOG, bytes, sizeof(bytes));
	reader_follow(LOG, 90000);
	assert_int_equal(reader.got.len, 0);
	assert_int_equal(tail_stats(reader.tail).refused_no_text, 1);
}

/* ---- rewritten in place ---- */

static void put_below_a_banner(const char *lines)
{
	sim_file_puts(reader.w, LOG, "");
	for (int i = 0; i < 40; i++)
		reader_append(LOG, "# this line stands in every version of the file\n");
	reader_append(LOG, lines);
}

/* Its inode, size and first KiB are those that we know. */
static void rewrite_below_the_banner(const char *lines)
{
	sim_file_truncate(reader.w, LOG, 40 * 48);
	reader_append(LOG, lines);
}

static void expect_after_banner(const char *lines)
{
	assert_true(reader.got.len >= 40 * 48);
	assert_string_equal(reader.got.data + 40 * 48, lines);
}

static void a_file_rewritten_below_a_long_banner_is_read_from_its_start(void **state)
{
	(void)state;
	put_below_a_banner("first version, one\nfirst version, two\n");
	reader_follow(LOG, 12000);
	expect_after_banner("first version, one\nfirst version, two\n");
	buf_reset(&reader.got);
	rewrite_below_the_banner("second version, a line\nsecond version, and one more\n");
	reader_pass(12000);
	expect_after_banner("second version, a line\nsecond version, and one more\n");
	assert_int_equal(tail_stats(reader.tail).truncated_files, 1);
	buf_reset(&reader.got);
	rewrite_below_the_banner("third  version, a line\nthird  version, and one more\n"); /* of the same size */
	reader_pass(12000);
	expect_after_banner("third  version, a line\nthird  version, and one more\n");
}

static void a_file_rewritten_while_we_were_away_is_read_from_its_start(void **state)
{
	struct telemetry_source old;

	(void)state;
	put_below_a_banner("first version, one\nfirst version, two\n");
	reader_follow(LOG, 2000);
	reader_close();
	buf_reset(&reader.got);
	rewrite_below_the_banner("second version, a line\nsecond version, and one more\n");
	old = reader.at;
	reader_resume(LOG, &reader.at, 12000);
	expect_after_banner("second version, a line\nsecond version, and one more\n");
	reader_close();
	old.before_len = 0; /* a position of a version that did not keep it */
	buf_reset(&reader.got);
	reader_resume(LOG, &old, 12000);
	assert_true(reader.got.len < 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(the_case_of_utf16_is_refused_and_counted),
		READER_TEST(no_order_of_wide_letters_leaves_a_file),
		READER_TEST(wide_letters_in_the_middle_of_a_text_are_left_out_and_counted),
		READER_TEST(a_few_nuls_in_a_line_hide_no_word_from_the_rules),
		READER_TEST(a_hole_before_a_line_is_counted_and_not_sent),
		READER_TEST(a_hole_anywhere_costs_no_line_however_it_arrives),
		READER_TEST(the_range_of_a_line_behind_a_hole_has_no_gap),
		READER_TEST(a_file_refused_and_taken_again_repeats_nothing),
		READER_TEST(what_copytruncate_leaves_of_a_writer_that_keeps_its_place_is_one_hole),
		READER_TEST(an_archive_that_is_still_being_made_gives_no_line),
		READER_TEST(a_text_cut_and_filled_with_an_archive_is_judged_again),
		READER_TEST(an_archive_of_no_known_kind_is_no_text_either),
		READER_TEST(a_file_rewritten_below_a_long_banner_is_read_from_its_start),
		READER_TEST(a_file_rewritten_while_we_were_away_is_read_from_its_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
