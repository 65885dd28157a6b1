/* test_tail_lines.c - how bytes become lines: when one is finished, where a long one is cut. */
#include "tests/unit/collectors/reader.h"

static void lines_come_as_they_are_finished(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\ntwo\r\nha");
	reader_follow(LOG, 50000);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\n"); /* the rest waits, for a minute */
	reader_append(LOG, "lf\n\n");
	reader_pass(11000);
	assert_string_equal(buf_str(&reader.got), "one\ntwo\nhalf\n\n");
	assert_int_equal(reader.at.to, 15);
}

static void fill(char *to, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (char)('a' + i % 26);
}

static void a_long_line_is_cut_and_says_by_how_much(void **state)
{
	const size_t lens[] = { 65536, 65537, 65540, 65541, 131072, 300000 };
	CLEANUP(mem_close) char *line = mem_alloc(300003);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		char expect[32];

		buf_reset(&reader.got);
		reader.truncated[0] = '\0';
		fill(line, lens[i]);
		memcpy(line + lens[i], "\r\n", 3);
		sim_file_puts(reader.w, LOG, line);
		reader_append(LOG, "next\n");
		reader_follow(LOG, 5000);
		assert_int_equal(reader.got.len, 65537 + 5);
		assert_memory_equal(reader.got.data, line, 65536);
		assert_string_equal(reader.got.data + 65537, "next\n");
		snprintf(expect, sizeof(expect), "%zu", lens[i] - 65536);
		assert_string_equal(reader.truncated, lens[i] > 65536 ? expect : "");
		reader_close();
		sim_file_unlink(reader.w, LOG);
	}
}

/* The same bytes, however they come, are the same lines. */
static void framing_does_not_depend_on_how_the_bytes_arrive(void **state)
{
	CLEANUP(buf_close) struct buf all = BUF_MAX(1u << 20), once = BUF_MAX(1u << 22);

	(void)state;
	for (int i = 0; i < 40; i++)
		buf_adds(&all, "the head of a file, which is text\n");
	for (int i = 0; i < 40; i++) {
		size_t len = sim_random(reader.w) % (i % 8 == 0 ? 90000 : 200);

		for (size_t k = 0; k < len; k++)
			buf_addc(&all, (char)(sim_random(reader.w) % 255 + (sim_random(reader.w) % 255 == '\n' - 1 ? 0 : 1)));
		buf_adds(&all, i % 3 == 0 ? "\r\n" : "\n");
	}
	for (int round = 0; round < 6; round++) {
		size_t sent = 0;

		buf_reset(&reader.got);
		reader_begin(LOG);
		while (sent < all.len) {
			size_t n = round == 0 ? all.len : 1 + sim_random(reader.w) % 40000;

			n = n < all.len - sent ? n : all.len - sent;
			sim_file_append(reader.w, LOG, all.data + sent, n);
			sent += n;
			reader_pass(sim_random(reader.w) % 300);
		}
		reader_pass(20000);
		reader_close();
		sim_file_unlink(reader.w, LOG);
		if (round == 0)
			buf_add(&once, reader.got.data, reader.got.len);
		assert_true(once.len > all.len / 4);
		assert_int_equal(reader.got.len, once.len);
		assert_memory_equal(reader.got.data, once.data, reader.got.len);
	}
}

static void a_byte_order_mark_is_no_part_of_the_first_line(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "\xef\xbb\xbfone\n\xef\xbb\xbftwo\n");
	reader_follow(LOG, 1000);
	assert_string_equal(buf_str(&reader.got), "one\n\xef\xbb\xbftwo\n");
}

/* ---- the last line of a program that is gone ---- */

static void a_last_line_without_its_end_comes_after_a_minute_marked_and_once(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\npanic: out of");
	reader_follow(LOG, 55000);
	assert_string_equal(buf_str(&reader.got), "one\n");
	assert_false(reader.unfinished);
	reader_pass(30000);
	assert_string_equal(buf_str(&reader.got), "one\npanic: out of\n");
	assert_true(reader.unfinished);
	assert_int_equal(tail_stats(reader.tail).unfinished_lines, 1);
	reader_pass(600000);
	reader_close();
	reader_resume(LOG, &reader.at, 600000);
	sim_file_rename(reader.w, LOG, LOG ".1");
	reader_pass(60000);
	assert_string_equal(buf_str(&reader.got), "one\npanic: out of\n");
}

static void restarts_do_not_put_off_the_last_line(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\npanic: out of");
	reader_follow(LOG, 25000);
	for (int i = 0; i < 3; i++) {
		reader_close();
		reader_resume(LOG, &reader.at, 25000);
	}
	assert_string_equal(buf_str(&reader.got), "one\npanic: out of\n");
	assert_true(reader.unfinished);
}

static void the_last_line_of_a_rotated_file_is_marked_too(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "one\npanic: out of");
	reader_follow(LOG, 1000);
	sim_file_rename(reader.w, LOG, LOG ".1");
	reader_pass(20000);
	assert_string_equal(buf_str(&reader.got), "one\npanic: out of\n");
	assert_true(reader.unfinished);
}

/* Longer than a line may be, without its end: what comes behind the hole is a line of its own all the same. */
static void a_hole_ends_a_very_long_line_too(void **state)
{
	static const size_t longs[] = { 60000, 70000, 131072, 200000, 262100 };
	CLEANUP(mem_close) char *text = mem_alloc(300000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(longs); i++) {
		buf_reset(&reader.got);
		memset(text, 'x', longs[i]);
		sim_file_put(reader.w, LOG, text, longs[i]);
		memset(text, 0, 65536);
		sim_file_append(reader.w, LOG, text, 65536);
		reader_append(LOG, "ERROR disk is full\n");
		reader_follow(LOG, 2000);
		assert_non_null(strstr(buf_str(&reader.got), "x\nERROR disk is full\n"));
		reader_close();
		sim_file_unlink(reader.w, LOG);
	}
}

static void a_line_that_goes_on_after_all_is_no_line_twice(void **state)
{
	(void)state;
	for (int restarts = 0; restarts < 2; restarts++) {
		buf_reset(&reader.got);
		sim_file_puts(reader.w, LOG, "half");
		reader_follow(LOG, 90000);
		if (restarts) {
			reader_close();
			reader_resume(LOG, &reader.at, 1000);
		}
		reader_append(LOG, " and half\nnext\n");
		reader_pass(11000);
		assert_string_equal(buf_str(&reader.got), "half\n and half\nnext\n");
		assert_int_equal(reader.continuations, 1 + restarts);
		reader_close();
		sim_file_unlink(reader.w, LOG);
	}
}

static void an_end_that_comes_late_is_no_line_of_its_own(void **state)
{
	(void)state;
	for (int restarts = 0; restarts < 2; restarts++) {
		buf_reset(&reader.got);
		sim_file_puts(reader.w, LOG, "half");
		reader_follow(LOG, 90000);
		if (restarts) {
			reader_close();
			reader_resume(LOG, &reader.at, 1000);
		}
		reader_append(LOG, "\r\n\nnext\n");
		reader_pass(11000);
		assert_string_equal(buf_str(&reader.got), "half\n\nnext\n");
		reader_close();
		sim_file_unlink(reader.w, LOG);
	}
}

/* ---- the rules see whole lines ---- */

#define PIECE(text)                                                                                                                \
	{                                                                                                                          \
		text, sizeof(text) - 1                                                                                             \
	}

static void restart_reader(void)
{
	if (reader.tail != NULL)
		reader_close();
	if (reader.at.path != NULL)
		reader_resume(LOG, &reader.at, 90000);
	else
		reader_follow(LOG, 90000);
}

/* However it came, and whoever of two processes took its beginning. */
static void a_rest_is_handed_over_with_the_beginning_of_its_line_in_front(void **state)
{
	static const struct {
		struct {
			const char *bytes;
			size_t len;
		} pieces[3];
		const char *got, *begun;
	} cases[] = {
		{ { PIECE("line two password="), PIECE("hunter2 end\n") },
		  "line two password=\nhunter2 end\n",
		  "line two password=" },
		{ { PIECE("one\nhalf"), PIECE(" and"), PIECE(" more\n") }, "one\nhalf\n and\n more\n", "half and" },
		{ { PIECE("one\nhalf"), PIECE("\r"), PIECE("\ntwo\n") }, "one\nhalf\ntwo\n", "" },
		{ { PIECE("password=\0\0"), PIECE("\0hunter2\n") }, "password=\nhunter2\n", "password=" },
		{ { PIECE("password="), PIECE("\0\0\0"), PIECE("hunter2\n") }, "password=\nhunter2\n", "password=" },
		{ { PIECE("one\n\0\0password="), PIECE("hunter2\n") }, "one\npassword=\nhunter2\n", "password=" },
		{ { PIECE("gr\xc3"), PIECE("\xbc\xc3\x9f\n") }, "gr\xef\xbf\xbd\n\xc3\xbc\xc3\x9f\n", "gr" },
		{ { PIECE("\xef\xbb\xbfpass"), PIECE("word\n") }, "pass\nword\n", "pass" },
		{ { PIECE("pass"), PIECE("word\nnext\n") }, "pass\nword\nnext\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		size_t at = i % ARRAY_LEN(cases);
		bool restarts = i >= ARRAY_LEN(cases);

		buf_reset(&reader.got);
		memset(&reader.at, 0, sizeof(reader.at));
		for (size_t k = 0; k < 3 && cases[at].pieces[k].bytes != NULL; k++) {
			sim_file_append(reader.w, LOG, cases[at].pieces[k].bytes, cases[at].pieces[k].len);
			if (restarts || k == 0)
				restart_reader();
			else
				reader_pass(90000);
		}
		assert_string_equal(buf_str(&reader.got), cases[at].got);
		assert_string_equal(reader.begun, cases[at].begun);
		reader_close();
		sim_file_unlink(reader.w, LOG);
	}
}

/* A beginning that was left out as no text: with its rest it may be one. */
static void a_beginning_that_was_no_text_stands_in_front_of_its_rest_too(void **state)
{
	static const char bytes[] = "password=\0\0\0\1";

	(void)state;
	for (int restarts = 0; restarts < 2; restarts++) {
		buf_reset(&reader.got);
		for (int i = 0; i < 40; i++)
			reader_append(LOG, "the head of a file, which is text\n");
		sim_file_append(reader.w, LOG, bytes, sizeof(bytes) - 1);
		reader_follow(LOG, 90000);
		assert_null(strstr(buf_str(&reader.got), "password="));
		reader_append(LOG, "hunter2 is the end of a longer line\n");
		if (restarts)
			restart_reader();
		else
			reader_pass(11000);
		assert_non_null(strstr(buf_str(&reader.got), "hunter2"));
		assert_string_equal(restarts ? "password=\1" : reader.begun, "password=\1");
		assert_true(!restarts || strstr(buf_str(&reader.got), "password=\1hunter2") != NULL);
		reader_close();
		sim_file_unlink(reader.w, LOG);
	}
}

/* Of a line that the rules cannot see as a whole nothing more leaves. */
static void the_limit_of_a_line_holds_for_its_beginning_and_its_rest_together(void **state)
{
	static const struct {
		size_t first, then, rest;
	} cases[] = { { 65530, 10, 6 },       { 65536, 10, 0 },        { 65546, 10, 0 },    { 200000, 10, 0 },
		      { 100, 300000, 65436 }, { 60000, 300000, 5536 }, { 70000, 300000, 0 } };
	CLEANUP(mem_close) char *text = mem_alloc(300001);

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		size_t at = i / 2, first = cases[at].first < 65536 ? cases[at].first : 65536;

		buf_reset(&reader.got);
		memset(text, 'x', 300000);
		sim_file_put(reader.w, LOG, text, cases[at].first);
		reader_follow(LOG, 90000);
		assert_int_equal(reader.got.len, first + 1);
		text[cases[at].then] = '\n';
		sim_file_append(reader.w, LOG, text, cases[at].then + 1);
		reader_append(LOG, "next\n");
		if (i % 2 > 0)
			restart_reader();
		reader_pass(11000);
		assert_int_equal(reader.got.len, first + 1 + cases[at].rest + (cases[at].rest > 0) + 5);
		assert_string_equal(reader.begun, "");
		reader_close();
		sim_file_unlink(reader.w, LOG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(lines_come_as_they_are_finished),
		READER_TEST(a_long_line_is_cut_and_says_by_how_much),
		READER_TEST(framing_does_not_depend_on_how_the_bytes_arrive),
		READER_TEST(a_byte_order_mark_is_no_part_of_the_first_line),
		READER_TEST(a_last_line_without_its_end_comes_after_a_minute_marked_and_once),
		READER_TEST(restarts_do_not_put_off_the_last_line),
		READER_TEST(the_last_line_of_a_rotated_file_is_marked_too),
		READER_TEST(a_hole_ends_a_very_long_line_too),
		READER_TEST(a_line_that_goes_on_after_all_is_no_line_twice),
		READER_TEST(an_end_that_comes_late_is_no_line_of_its_own),
		READER_TEST(a_rest_is_handed_over_with_the_beginning_of_its_line_in_front),
		READER_TEST(a_beginning_that_was_no_text_stands_in_front_of_its_rest_too),
		READER_TEST(the_limit_of_a_line_holds_for_its_beginning_and_its_rest_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
