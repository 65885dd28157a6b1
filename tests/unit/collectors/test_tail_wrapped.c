/* test_tail_wrapped.c - lines that a container's runtime has wrapped and cut: joined again, whatever way the bytes came. */
#include <limits.h>

#include "agent/base/str.h"
#include "collectors/tail_impl.h"
#include "tests/unit/collectors/reader.h"

#define T "2026-11-30T10:00:00.123456789Z "
#define OUT_P(s) T "stdout P " s "\n"
#define OUT_F(s) T "stdout F " s "\n"
#define ERR_P(s) T "stderr P " s "\n"
#define ERR_F(s) T "stderr F " s "\n"
#define D(stream, log) "{\"log\":\"" log "\",\"stream\":\"" stream "\",\"time\":\"2026-11-30T10:00:00.123456789Z\"}\n"

/* Each as "out:text|"; of one without its end "out~text|", of one that was cut "out-17:text|". */
static struct buf records;
static unsigned room; /* so many more of them are taken */

static bool on_record(void *ctx, const struct telemetry_line *l)
{
	const char *stream = "??", *cut = "";

	if (room == 0 || !reader_on_line(ctx, l))
		return false;
	room -= room < UINT_MAX;
	for (size_t i = 0; i < l->attrs_n; i++) {
		if (str_eq(l->attrs[i].key, "log.iostream"))
			stream = l->attrs[i].value + 3;
		if (str_eq(l->attrs[i].key, "reeve.log.truncated_bytes"))
			cut = l->attrs[i].value;
	}
	buf_addf(&records, "%s%s%s%s", stream, *cut != '\0' ? "-" : "", cut, reader.unfinished ? "~" : ":");
	buf_add(&records, l->body, l->len);
	buf_adds(&records, reader.continuations > 0 ? "+|" : "|");
	reader.continuations = 0;
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
	room = UINT_MAX;
	return reader_start(state);
}

static int end(void **state)
{
	buf_close(&records);
	return reader_end(state);
}

static void begin_again(void)
{
	reader_close();
	buf_reset(&records);
	sim_file_unlink(reader.w, LOG);
	positions_close(&reader.positions);
	positions_init(&reader.positions);
}

static void pieces_of_one_stream_are_one_record(void **state)
{
	(void)state;
	reader_append(LOG, OUT_F("one") OUT_P("tw") OUT_P("") OUT_F("o") ERR_F("three"));
	follow(FRAMING_CRI, 1000);
	assert_string_equal(buf_str(&records), "out:one|out:two|err:three|");
	assert_int_equal(tail_stats(reader.tail).lines, 3);
	assert_int_equal(tail_stats(reader.tail).joined_lines, 2);
	assert_int_equal(reader.last.time_ms % 1000, 123);
	assert_int_equal(reader.last.time_ns, 456789);
	begin_again();
	reader_append(LOG, D("stdout", "one\\n") D("stdout", "t\\u0077") D("stderr", "x\\n") D("stdout", "o\\n"));
	follow(FRAMING_DOCKER, 1000);
	assert_string_equal(buf_str(&records), "out:one|out:two|err:x|");
	assert_int_equal(reader.last.time_ns, 456789);
}

/* In the order of their beginnings. */
static void pieces_of_two_streams_may_lie_one_in_another(void **state)
{
	(void)state;
	reader_append(LOG, OUT_P("a") ERR_F("b") ERR_P("c") OUT_P("a") ERR_F("c") OUT_F("a") OUT_F("d"));
	follow(FRAMING_CRI, 1000);
	assert_string_equal(buf_str(&records), "out:aaa|err:b|err:cc|out:d|");
	assert_int_equal(reader.at.to, 7 * strlen(OUT_F("x")));
}

#define GROUP OUT_P("a") ERR_F("b") ERR_P("c") OUT_P("a") ERR_F("c") OUT_F("a") OUT_F("d")

/* It was taken in part when its batch was committed, and the rest of it is neither lost nor repeated. */
static void a_restart_inside_a_group_goes_on_behind_what_was_taken(void **state)
{
	static const size_t taken[] = { 0, 8, 14, 21, 27 }; /* of "out:aaa|err:b|err:cc|out:d|" */

	(void)state;
	for (unsigned n = 1; n <= 4; n++) {
		reader_append(LOG, OUT_F("first") GROUP);
		room = 1 + n;
		follow(FRAMING_CRI, 1000);
		reader_commit(&reader.at);
		assert_int_equal(tail_stats(reader.tail).bytes, reader.at.to);
		reader_close();
		buf_addc(&records, '/');
		room = UINT_MAX;
		follow(FRAMING_CRI, 1000);
		buf_cut(&records, strlen("out:first|"));
		assert_int_equal(buf_str(&records)[taken[n]], '/');
		*strchr(records.data, '/') = ' ';
		assert_int_equal(records.len, strlen("out:aaa|err:b|err:cc|out:d|") + 1);
		assert_int_equal(reader.at.to, strlen(OUT_F("first") GROUP));
		begin_again();
	}
	follow(FRAMING_CRI, 0);
}

/* The same while the sink is full for a moment: nothing is repeated. */
static void a_full_sink_inside_a_group_repeats_nothing(void **state)
{
	(void)state;
	reader_append(LOG, GROUP);
	room = 0;
	follow(FRAMING_CRI, 1000);
	for (int i = 0; i < 5; i++) {
		room = 1;
		reader_pass(2000);
	}
	assert_string_equal(buf_str(&records), "out:aaa|err:b|err:cc|out:d|");
}

static void what_is_written_otherwise_is_sent_as_it_is_and_counted(void **state)
{
	(void)state;
	reader_append(LOG, OUT_P("a") "plain text\n" OUT_F("b") "{\"log\":1}\n");
	follow(FRAMING_CRI, 1000);
	assert_string_equal(buf_str(&records), "out~a|??:plain text|out:b|??:{\"log\":1}|");
	assert_int_equal(tail_stats(reader.tail).foreign_lines, 2);
	begin_again();
	reader_append(LOG, D("stdout", "a\\n") "{\"log\":1}\n" OUT_F("b"));
	follow(FRAMING_DOCKER, 1000);
	assert_string_equal(buf_str(&records), "out:a|??:{\"log\":1}|??:2026-11-30T10:00:00.123456789Z stdout F b|");
	assert_int_equal(tail_stats(reader.tail).foreign_lines, 2);
}

static void pieces_that_nobody_goes_on_with_are_handed_over(void **state)
{
	(void)state;
	reader_append(LOG, OUT_P("a") ERR_F("b"));
	follow(FRAMING_CRI, 1000);
	assert_int_equal(records.len, 0);
	reader_pass(4000);
	assert_string_equal(buf_str(&records), "out~a|err:b|");
	reader_append(LOG, OUT_F("late"));
	reader_pass(1000);
	assert_string_equal(buf_str(&records), "out~a|err:b|out:late|");
	assert_int_equal(tail_stats(reader.tail).unfinished_lines, 1);
}

static void a_line_that_nobody_ends_is_handed_over_as_it_is(void **state)
{
	(void)state;
	reader_append(LOG, OUT_F("a") T "stdout F ha");
	follow(FRAMING_CRI, 30000);
	assert_string_equal(buf_str(&records), "out:a|");
	reader_pass(60000);
	assert_string_equal(buf_str(&records), "out:a|??~" T "stdout F ha|");
	reader_append(LOG, "lf\n" OUT_F("b"));
	reader_pass(20000);
	assert_string_equal(buf_str(&records), "out:a|??~" T "stdout F ha|??:" T "stdout F half+|out:b|");
	/* So short a piece of a line waits. */
	reader_append(LOG, "2026");
	reader_pass(90000);
	reader_append(LOG, "-11-30T10:00:00Z stdout F c\n");
	reader_pass(20000);
	assert_non_null(strstr(buf_str(&records), "|out:b|out:c|"));
}

static void more_records_in_a_group_than_may_be_end_it(void **state)
{
	(void)state;
	reader_append(LOG, OUT_P("a"));
	for (int i = 0; i < TAIL_GROUP_MAX + 8; i++)
		reader_append(LOG, ERR_F("e"));
	reader_append(LOG, OUT_F("b"));
	follow(FRAMING_CRI, 1000);
	assert_true(str_starts(buf_str(&records), "out~a|err:e|err:e|"));
	assert_non_null(strstr(buf_str(&records), "err:e|out:b|"));
	assert_int_equal(tail_stats(reader.tail).lines, TAIL_GROUP_MAX + 10);
}

/* So many bytes of text, in pieces of `each`; the last one whole. */
static void append_pieces(const char *stream, size_t len, size_t each)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4u << 20);

	for (size_t at = 0; at < len; at += each) {
		size_t n = len - at < each ? len - at : each;

		buf_addf(&b, "%s%s %c ", T, stream, at + n == len ? 'F' : 'P');
		for (size_t i = 0; i < n; i++)
			buf_addc(&b, (char)('a' + (at + i) % 26));
		buf_addc(&b, '\n');
	}
	sim_file_append(reader.w, LOG, b.data, b.len);
}

static void a_record_longer_than_it_may_be_is_cut_and_says_by_how_much(void **state)
{
	static const size_t lens[] = { 65536, 65537, 100000, 131000, 131072, 300000, 1000000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		char expect[48];

		append_pieces("stdout", lens[i], 16384);
		reader_append(LOG, ERR_F("next"));
		follow(FRAMING_CRI, 3000);
		snprintf(expect, sizeof(expect), lens[i] > 65536 ? "out-%zu:abcd" : "out:abcd", lens[i] - 65536);
		if (!str_starts(buf_str(&records), expect))
			fail_msg("%zu: %.40s", lens[i], buf_str(&records));
		assert_int_equal(strchr(records.data, '|') - strchr(records.data, ':'), 65537);
		assert_non_null(strstr(buf_str(&records), "|err:next|"));
		assert_int_equal(tail_stats(reader.tail).lines, 2);
		assert_int_equal(tail_stats(reader.tail).bytes, reader.at.to);
		begin_again();
	}
	follow(FRAMING_CRI, 0);
}

static void a_long_record_that_has_no_end_yet_waits_for_it(void **state)
{
	(void)state;
	append_pieces("stdout", 200000, 16384);
	sim_file_truncate(reader.w, LOG, 12 * (16384 + 41) + 1000); /* in the last line */
	follow(FRAMING_CRI, 1000);
	assert_int_equal(records.len, 0);
	reader_append(LOG, "and its end\n" ERR_F("x"));
	room = 0;
	reader_pass(1000);
	room = UINT_MAX;
	reader_pass(5000);
	assert_true(str_starts(buf_str(&records), "out-"));
	assert_non_null(strstr(buf_str(&records), "|err:x|"));
	begin_again();
	append_pieces("stdout", 200000, 16384);
	sim_file_truncate(reader.w, LOG, 12 * (16384 + 41)); /* its last piece is missing, and nobody goes on with it */
	follow(FRAMING_CRI, 8000);
	assert_true(str_starts(buf_str(&records), "out-131072~abc"));
	assert_int_equal(reader.at.to, 12 * (16384 + 41));
}

static void another_stream_ends_a_record_that_a_chunk_does_not_hold(void **state)
{
	(void)state;
	reader_append(LOG, OUT_P("a") ERR_F("b"));
	append_pieces("stdout", 200000, 16384);
	follow(FRAMING_CRI, 3000);
	assert_true(str_starts(buf_str(&records), "out~a|err:b|out-134464:abc"));
}

static char *shuffled(enum framing_format format, size_t *ret_len)
{
	static const char *const cri[] = {
		OUT_F("one"), OUT_P("p"),        OUT_P("q"),    ERR_P("e"),    ERR_F("f"), OUT_F("z"),
		"plain\n",    OUT_F("\xc3\xa4"), OUT_P("\xc3"), OUT_F("\xa4"), "\n",       OUT_F("cr\r")
	};
	static const char *const docker[] = {
		D("stdout", "one\\n"), D("stdout", "p"), D("stderr", "q"), D("stderr", "\\u0041\\n"),
		D("stdout", "z\\n"),   "{}\n",           "plain\n",        D("stdout", "\\n"),
	};
	struct buf b = BUF_MAX(1u << 20);

	for (int i = 0; i < 60; i++)
		buf_adds(&b, format == FRAMING_CRI ? cri[sim_random(reader.w) % ARRAY_LEN(cri)]
						   : docker[sim_random(reader.w) % ARRAY_LEN(docker)]);
	if (sim_random(reader.w) % 4 == 0) { /* one that no chunk holds */
		for (int i = 0; i < 7000; i++)
			buf_adds(&b, format == FRAMING_CRI ? OUT_P("long") : D("stdout", "long"));
	}
	buf_adds(&b, format == FRAMING_CRI ? OUT_F("end") ERR_F("end") OUT_F("more")
					   : D("stdout", "end\\n") D("stderr", "end\\n") D("stdout", "more\\n"));
	return buf_take(&b, ret_len);
}

/* The same records, one for one, however the bytes came: at once, or in pieces with looks and restarts between them. */
static void records_depend_on_the_bytes_alone(void **state)
{
	(void)state;
	for (int run = 0; run < 40; run++) {
		enum framing_format format = run % 2 == 0 ? FRAMING_CRI : FRAMING_DOCKER;
		CLEANUP(mem_close) char *whole = NULL, *text = NULL;
		size_t len, at = 0, most;

		text = shuffled(format, &len);
		most = len > 50000 ? 40000 : 160;
		reader_append(LOG, text);
		follow(format, 8000);
		whole = mem_str(buf_str(&records));
		begin_again();
		follow(format, 100);
		while (at < len) {
			size_t n = 1 + sim_random(reader.w) % most;

			n = n > len - at ? len - at : n;
			sim_file_append(reader.w, LOG, text + at, n);
			at += n;
			room = sim_random(reader.w) % 3 == 0 ? (unsigned)sim_random(reader.w) % 3 : UINT_MAX;
			reader_pass(100 + sim_random(reader.w) % 700);
			room = UINT_MAX;
			if (sim_random(reader.w) % 8 == 0) {
				if (reader.at.path != NULL)
					reader_commit(&reader.at);
				reader_close();
				follow(format, 0);
			}
		}
		reader_pass(8000);
		assert_string_equal(buf_str(&records), whole);
		begin_again();
		memset(&reader.at, 0, sizeof(reader.at));
	}
	follow(FRAMING_CRI, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pieces_of_one_stream_are_one_record),
		TEST(pieces_of_two_streams_may_lie_one_in_another),
		TEST(a_restart_inside_a_group_goes_on_behind_what_was_taken),
		TEST(a_full_sink_inside_a_group_repeats_nothing),
		TEST(what_is_written_otherwise_is_sent_as_it_is_and_counted),
		TEST(pieces_that_nobody_goes_on_with_are_handed_over),
		TEST(a_line_that_nobody_ends_is_handed_over_as_it_is),
		TEST(more_records_in_a_group_than_may_be_end_it),
		TEST(a_record_longer_than_it_may_be_is_cut_and_says_by_how_much),
		TEST(a_long_record_that_has_no_end_yet_waits_for_it),
		TEST(another_stream_ends_a_record_that_a_chunk_does_not_hold),
		TEST(records_depend_on_the_bytes_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
