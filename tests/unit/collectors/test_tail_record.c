/* test_tail_record.c - records of several lines: a stack trace belongs to the line before it, whatever way the bytes came. */
#include "agent/base/str.h"
#include "tests/unit/collectors/reader.h"

#define FIRST "2026-11-30 10:00:00,123 WARN (a) failed\njava.io.IOException: no\n\tat a.b.C(D.java:1)\nCaused by: x\n"
#define SECOND "2026-11-30 10:00:01,000 INFO next\n"

/* Records end with an LF each in reader.got, and their lines do too: so each begins with its number of lines here. */
static struct buf records;

static bool on_record(void *ctx, const struct telemetry_line *l)
{
	size_t n = 1;

	for (size_t i = 0; i < l->len; i++)
		n += l->body[i] == '\n';
	if (!reader_on_line(ctx, l))
		return false;
	buf_addf(&records, "%zu:%.*s|", n, (int)l->len, l->body);
	return true;
}

static void follow(enum framing_format format, uint64_t ms)
{
	static const struct telemetry_sink sink = { .line = on_record, .found = reader_on_found };
	const struct tail_path path = { .path = LOG, .service = "s", .framing = { .format = format } };
	const struct tail_config c = { .paths = &path, .paths_n = 1, .positions = &reader.positions };

	reader.tail = tail_new(reader.w, &c, &sink);
	tail_start(reader.tail);
	reader_pass(ms);
}

static int start(void **state)
{
	records = BUF_MAX(64u << 20);
	return reader_start(state);
}

static int end(void **state)
{
	buf_close(&records);
	return reader_end(state);
}

static void a_stack_trace_belongs_to_the_line_before_it(void **state)
{
	(void)state;
	reader_append(LOG, FIRST SECOND);
	follow(FRAMING_LOG4J, 1000);
	assert_string_equal(buf_str(&records), "4:2026-11-30 10:00:00,123 WARN (a) failed\njava.io.IOException: no\n"
					       "\tat a.b.C(D.java:1)\nCaused by: x|");
	assert_int_equal(reader.at.from, 0);
	assert_int_equal(reader.at.to, strlen(FIRST));
	assert_int_equal(reader.last.severity, 13);
	assert_string_equal(reader.last.severity_text, "WARN");
	assert_int_equal(reader.last.time_ms % 1000, 123);
	assert_int_equal(tail_stats(reader.tail).lines, 1);
	assert_int_equal(tail_stats(reader.tail).joined_lines, 3);
}

/* Two seconds after its last line a record is whole, and what comes later begins another one. */
static void a_record_that_nobody_goes_on_with_is_handed_over(void **state)
{
	(void)state;
	reader_append(LOG, FIRST);
	follow(FRAMING_LOG4J, 1000);
	assert_int_equal(records.len, 0);
	reader_pass(4000);
	assert_true(str_starts(buf_str(&records), "4:"));
	reader_append(LOG, "\tat late\n" SECOND);
	reader_pass(1000);
	assert_non_null(strstr(buf_str(&records), "|1:\tat late|"));
	assert_int_equal(reader.last.severity, 0); /* it does not say how grave it is */
	reader_pass(4000);
	assert_int_equal(reader.last.severity, 9);
	assert_int_equal(reader.at.to, strlen(FIRST SECOND) + strlen("\tat late\n"));
}

/* It was not handed over, so it is read again, and comes whole. */
static void a_restart_in_the_middle_of_a_record_reads_it_whole(void **state)
{
	(void)state;
	reader_append(LOG, SECOND "2026-11-30 10:00:02,000 WARN half\n\tat one\n");
	follow(FRAMING_LOG4J, 1000);
	assert_string_equal(buf_str(&records), "1:2026-11-30 10:00:01,000 INFO next|");
	reader_commit(&reader.at);
	reader_close();
	reader_append(LOG, "\tat two\n" SECOND);
	buf_reset(&records);
	follow(FRAMING_LOG4J, 1000);
	assert_string_equal(buf_str(&records), "3:2026-11-30 10:00:02,000 WARN half\n\tat one\n\tat two|");
}

static void a_renamed_file_ends_with_its_last_record(void **state)
{
	(void)state;
	reader_append(LOG, FIRST);
	follow(FRAMING_LOG4J, 500);
	sim_file_rename(reader.w, LOG, LOG ".1");
	reader_append(LOG, SECOND);
	reader_pass(20000);
	assert_true(str_starts(buf_str(&records), "4:"));
	assert_non_null(strstr(buf_str(&records), "|1:2026-11-30 10:00:01,000 INFO next|"));
}

/* A line that nobody has ended waits for its minute, and the record before it does not. */
static void an_unfinished_line_is_no_part_of_a_record_that_is_closed(void **state)
{
	(void)state;
	reader_append(LOG, SECOND "\tat wh");
	follow(FRAMING_LOG4J, 5000);
	assert_string_equal(buf_str(&records), "1:2026-11-30 10:00:01,000 INFO next|");
	reader_append(LOG, "ole\n");
	reader_pass(5000);
	assert_string_equal(buf_str(&records), "1:2026-11-30 10:00:01,000 INFO next|1:\tat whole|");
}

static void a_record_has_a_largest_number_of_lines_and_of_bytes(void **state)
{
	char line[8192];

	(void)state;
	reader_append(LOG, SECOND);
	for (int i = 0; i < FRAMING_LINES_MAX + 9; i++)
		reader_append(LOG, "\tat x\n");
	memset(line, 'y', sizeof(line) - 2);
	strcpy(line + sizeof(line) - 2, "\n");
	reader_append(LOG, SECOND);
	for (int i = 0; i < 10; i++)
		reader_append(LOG, line);
	reader_append(LOG, SECOND);
	follow(FRAMING_LOG4J, 5000);
	assert_true(str_starts(buf_str(&records), "500:2026"));
	assert_non_null(strstr(buf_str(&records), "|10:\tat x\n"));
	assert_non_null(strstr(buf_str(&records), "|8:2026")); /* 64 KiB */
	assert_non_null(strstr(buf_str(&records), "|3:yyyy"));
	assert_int_equal(tail_stats(reader.tail).truncated_lines, 0);
}

static void a_line_longer_than_a_record_may_be_is_one_of_its_own(void **state)
{
	static char line[70000];

	(void)state;
	memset(line, 'z', sizeof(line) - 2);
	strcpy(line + sizeof(line) - 2, "\n");
	reader_append(LOG, SECOND);
	reader_append(LOG, line);
	reader_append(LOG, "\tat x\n" SECOND);
	follow(FRAMING_LOG4J, 5000);
	assert_true(str_starts(buf_str(&records), "1:2026-11-30 10:00:01,000 INFO next|1:zzzz"));
	assert_int_equal(tail_stats(reader.tail).truncated_lines, 1);
	assert_non_null(strstr(buf_str(&records), "z|1:\tat x|1:2026"));
}

static char *shuffled(size_t *ret_len)
{
	static const char *const lines[] = { FIRST, SECOND, "\tat a\n", "\n", "2026-11-30 10:00:0", "2026\n", "no\r\n" };
	struct buf b = BUF_MAX(1u << 20);

	for (int i = 0; i < 60; i++)
		buf_adds(&b, lines[sim_random(reader.w) % ARRAY_LEN(lines)]);
	buf_adds(&b, "\n" SECOND);
	return buf_take(&b, ret_len);
}

/* The same records, one for one, however the bytes came: at once, or in pieces with looks between them. */
static void records_depend_on_the_bytes_alone(void **state)
{
	(void)state;
	for (int run = 0; run < 40; run++) {
		CLEANUP(mem_close) char *whole = NULL, *text = NULL;
		size_t len, at = 0;

		text = shuffled(&len);
		reader_append(LOG, text);
		follow(FRAMING_LOG4J, 8000);
		reader_close();
		whole = mem_str(buf_str(&records));
		buf_reset(&records);
		sim_file_unlink(reader.w, LOG);
		positions_close(&reader.positions);
		positions_init(&reader.positions);
		follow(FRAMING_LOG4J, 100);
		while (at < len) {
			size_t n = 1 + sim_random(reader.w) % 60;

			n = n > len - at ? len - at : n;
			sim_file_append(reader.w, LOG, text + at, n);
			at += n;
			reader_pass(100 + sim_random(reader.w) % 700);
		}
		reader_pass(8000);
		assert_string_equal(buf_str(&records), whole);
		reader_close();
		buf_reset(&records);
		sim_file_unlink(reader.w, LOG);
		positions_close(&reader.positions);
		positions_init(&reader.positions);
	}
	follow(FRAMING_LOG4J, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stack_trace_belongs_to_the_line_before_it),
		TEST(a_record_that_nobody_goes_on_with_is_handed_over),
		TEST(a_restart_in_the_middle_of_a_record_reads_it_whole),
		TEST(a_renamed_file_ends_with_its_last_record),
		TEST(an_unfinished_line_is_no_part_of_a_record_that_is_closed),
		TEST(a_record_has_a_largest_number_of_lines_and_of_bytes),
		TEST(a_line_longer_than_a_record_may_be_is_one_of_its_own),
		TEST(records_depend_on_the_bytes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
