/* test_journald_reader.c - the machine's library reads real files: by unit, from each place, through gaps and damage. */
#include "tests/unit/io/journal_files.h"

#include <fcntl.h>

#include "agent/io/journald_reader.h"

static const char *const units[] = { "a.service" };
static struct journald_reader reader;
static struct journald_req q;
static struct buf got; /* messages, each with an LF */
static char last[JOURNALD_CURSOR_MAX];
static unsigned damaged; /* entries */
static bool has_dropped; /* a file of them */

static void take(void)
{
	struct journald_entry en;

	for (size_t at = 0; journald_entry_next(&q.entries, &at, &en);) {
		damaged += en.is_damaged;
		buf_addf(&got, "%s\n", en.v[JOURNALD_MESSAGE].text);
		snprintf(last, sizeof(last), "%s", en.cursor);
	}
}

/* All there is; the answer of the first slice stays in q. */
static int read_all(struct bench *b, enum journald_place place, const char *cursor)
{
	struct journald_req first;
	int rc;

	q.dir = b->dir;
	q.units = units;
	q.units_n = 1;
	q.place = place;
	q.cursor = cursor;
	q.is_sought = q.is_gone = q.is_more = false;
	buf_reset(&q.entries);
	q.entries.max = 1u << 20;
	q.is_damaged = has_dropped = false;
	rc = journald_reader_slice(&reader, &q);
	has_dropped |= q.is_damaged;
	take();
	first = q;
	while (rc == 0 && q.is_more) {
		q.is_more = false;
		buf_reset(&q.entries);
		rc = journald_reader_slice(&reader, &q);
		has_dropped |= q.is_damaged;
		take();
	}
	first.entries = q.entries;
	q = first;
	return rc;
}

static int start(void **state)
{
	memset(&q, 0, sizeof(q));
	reader = (struct journald_reader){ .fd = -1 };
	got = BUF_MAX(8u << 20);
	damaged = 0;
	journal_second = 0;
	return bench_start(state);
}

static int end(void **state)
{
	journald_reader_close(&reader);
	buf_close(&got);
	buf_close(&q.entries);
	free(q.newest);
	return bench_end(state);
}

#define READER_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
#define NEEDS_JOURNAL()                                                                                                            \
	if (journal_is_missing())                                                                                                  \
	skip()

static void entries_of_a_unit_are_read_by_each_of_the_four_ways(void **state)
{
	CLEANUP(buf_close) struct buf s = BUF_MAX(1u << 20);

	NEEDS_JOURNAL();
	journal_say(&s, "_SYSTEMD_UNIT=a.service\nMESSAGE=writes");
	journal_say(&s, "_SYSTEMD_UNIT=init.scope\n_PID=1\nUNIT=a.service\nMESSAGE=Started");
	journal_say(&s, "_SYSTEMD_UNIT=x.service\n_PID=77\nUNIT=a.service\nMESSAGE=forged");
	journal_say(&s, "_SYSTEMD_UNIT=b.service\nMESSAGE=another");
	journal_say(&s, "_SYSTEMD_UNIT=polkit.service\n_UID=0\nOBJECT_SYSTEMD_UNIT=a.service\nMESSAGE=of a");
	journal_say(&s, "_SYSTEMD_UNIT=polkit.service\n_UID=7\nOBJECT_SYSTEMD_UNIT=a.service\nMESSAGE=forged");
	journal_say(&s, "_UID=0\nCOREDUMP_UNIT=a.service\nMESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1\nMESSAGE=dumped");
	journal_write(*state, "x.journal", &s);
	assert_int_equal(read_all(*state, JOURNALD_BEGIN, NULL), 0);
	assert_string_equal(buf_str(&got), "writes\nStarted\nof a\ndumped\n");
}

static void fields_and_times_are_those_of_the_entry(void **state)
{
	CLEANUP(buf_close) struct buf s = BUF_MAX(1u << 20);
	struct journald_entry en;
	size_t at = 0;
	uint64_t len = 3;

	NEEDS_JOURNAL();
	buf_adds(&s, ""); /* a binary value: its length in eight bytes, then the bytes */
	journal_say(&s, "_SYSTEMD_UNIT=a.service\nPRIORITY=3\n_PID=42\n_EXE=/bin/a");
	s.len -= 1;
	buf_adds(&s, "MESSAGE\n");
	buf_add(&s, &len, 8);
	buf_add(&s, "x\0y\n\n", 5);
	journal_write(*state, "x.journal", &s);
	assert_int_equal(read_all(*state, JOURNALD_BEGIN, NULL), 0);
	assert_true(journald_entry_next(&q.entries, &at, &en));
	assert_int_equal(en.time_us, JOURNAL_SECOND_0 * 1000000);
	assert_string_equal(en.v[JOURNALD_PRIORITY].text, "3");
	assert_string_equal(en.v[JOURNALD_PID].text, "42");
	assert_int_equal(en.v[JOURNALD_MESSAGE].len, 3);
	assert_memory_equal(en.v[JOURNALD_MESSAGE].text, "x\0y", 3);
}

static void many_entries_come_in_slices_and_each_once(void **state)
{
	CLEANUP(buf_close) struct buf s = BUF_MAX(8u << 20), want = BUF_MAX(1u << 20);

	NEEDS_JOURNAL();
	for (int i = 0; i < 1000; i++) {
		CLEANUP(mem_close) char *fields = mem_printf("_SYSTEMD_UNIT=a.service\nMESSAGE=%d", i);

		journal_say(&s, fields);
		buf_addf(&want, "%d\n", i);
	}
	journal_write(*state, "x.journal", &s);
	assert_int_equal(read_all(*state, JOURNALD_BEGIN, NULL), 0);
	assert_true(q.is_more);
	assert_string_equal(buf_str(&got), buf_str(&want));
}

static void what_is_added_is_read_next(void **state)
{
	NEEDS_JOURNAL();
	journal_put(*state, "x.journal", "a.service", "one");
	assert_int_equal(read_all(*state, JOURNALD_BEGIN, NULL), 0);
	assert_true(reader.fd >= 0);
	journal_put(*state, "x.journal", "a.service", "two");
	journal_put(*state, "y.journal", "a.service", "three"); /* as behind a rotation */
	assert_int_equal(read_all(*state, JOURNALD_CURSOR, last), 0);
	assert_string_equal(buf_str(&got), "one\ntwo\nthree\n");
}

static void the_end_is_behind_all_and_names_the_last(void **state)
{
	char cursor[JOURNALD_CURSOR_MAX];

	NEEDS_JOURNAL();
	journal_put(*state, "x.journal", "a.service", "old");
	journal_put(*state, "x.journal", "b.service", "of another");
	assert_int_equal(read_all(*state, JOURNALD_END, NULL), 0);
	assert_string_equal(buf_str(&got), "");
	snprintf(cursor, sizeof(cursor), "%s", q.newest);
	journald_reader_close(&reader);
	journal_put(*state, "x.journal", "a.service", "new");
	assert_int_equal(read_all(*state, JOURNALD_CURSOR, cursor), 0);
	assert_false(q.is_gone);
	assert_string_equal(buf_str(&got), "new\n");
}

static void the_end_where_nothing_of_the_unit_is_there_is_the_beginning(void **state)
{
	NEEDS_JOURNAL();
	journal_put(*state, "x.journal", "b.service", "of another");
	assert_int_equal(read_all(*state, JOURNALD_END, NULL), 0);
	assert_string_equal(q.newest, "");
	journal_put(*state, "x.journal", "a.service", "one");
	journal_put(*state, "x.journal", "a.service", "two");
	assert_int_equal(read_all(*state, JOURNALD_BEGIN, NULL), 0);
	assert_string_equal(buf_str(&got), "one\ntwo\n");
}

static void behind_a_cursor_whose_entry_is_gone_the_next_one_is_read(void **state)
{
	NEEDS_JOURNAL();
	journal_put(*state, "x.journal", "a.service", "one");
	assert_int_equal(read_all(*state, JOURNALD_BEGIN, NULL), 0);
	journald_reader_close(&reader);
	journal_put(*state, "x.journal", "a.service", "lost");
	journal_put(*state, "y.journal", "b.service", "of another");
	journal_put(*state, "y.journal", "a.service", "three");
	unlink(bench_path(*state, "x.journal"));
	assert_int_equal(read_all(*state, JOURNALD_CURSOR, last), 0);
	assert_true(q.is_gone);
	assert_int_equal(q.oldest_us, (JOURNAL_SECOND_0 + 2) * 1000000);
	assert_string_equal(buf_str(&got), "one\nthree\n");
	assert_int_equal(read_all(*state, JOURNALD_CURSOR, last), 0);
	assert_false(q.is_sought);
}

static void a_vacuum_while_it_is_open_is_seen(void **state)
{
	NEEDS_JOURNAL();
	journal_put(*state, "x.journal", "a.service", "one");
	assert_int_equal(read_all(*state, JOURNALD_BEGIN, NULL), 0);
	journal_put(*state, "x.journal", "a.service", "lost");
	journal_put(*state, "y.journal", "a.service", "three");
	unlink(bench_path(*state, "x.journal"));
	assert_int_equal(read_all(*state, JOURNALD_CURSOR, last), 0);
	assert_true(q.is_sought);
	assert_true(q.is_gone);
	assert_string_equal(buf_str(&got), "one\nthree\n");
}

static void a_time_is_a_place_too(void **state)
{
	NEEDS_JOURNAL();
	journal_put(*state, "x.journal", "a.service", "one");
	journal_put(*state, "x.journal", "a.service", "two");
	q.time_us = JOURNAL_SECOND_0 * 1000000 + 1;
	assert_int_equal(read_all(*state, JOURNALD_TIME, NULL), 0);
	assert_string_equal(buf_str(&got), "two\n");
}

static void a_folder_without_a_journal_says_so(void **state)
{
	(void)state;
	assert_int_equal(read_all(*state, JOURNALD_BEGIN, NULL), -ERR_NOTFOUND);
	assert_non_null(strstr(q.err.text, "no file of a journal can be read"));
	assert_null(reader.j);
}

/* Overwrites what lies at and behind the message of number n, from so many bytes before. */
static void damage(const char *path, const char *text, off_t before, size_t len)
{
	CLEANUP(mem_close) char *bytes = mem_alloc(len);
	CLEANUP(buf_close) struct buf all = BUF_MAX(64u << 20);
	int fd = open(path, O_RDWR);
	off_t at;

	assert_true(fd >= 0);
	buf_grew(&all, (size_t)read(fd, buf_room(&all, 32u << 20), 32u << 20));
	at = (const char *)memmem(all.data, all.len, text, strlen(text)) - all.data - before;
	memset(bytes, 0xa5, len);
	assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

static void write_300(struct bench *b)
{
	CLEANUP(buf_close) struct buf s = BUF_MAX(8u << 20);

	for (int i = 100; i < 400; i++) {
		CLEANUP(mem_close) char *fields = mem_printf("_SYSTEMD_UNIT=a.service\nMESSAGE=number %d", i);

		journal_say(&s, fields);
	}
	journal_write(b, "x.journal", &s);
	journal_put(b, "y.journal", "a.service", "good");
}

/* What the library makes of it, it may make of it: it comes back, and with what lies in the other file. */
static void a_damaged_file_ends_and_hides_no_other(void **state)
{
	static const struct {
		off_t before;
		size_t len;
		bool drops;
	} cases[] = { { 0, 8, false }, { 64, 16, false }, { 0, 512, true }, { 512, 4096, true }, { 2000, 60000, true } };

	NEEDS_JOURNAL();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		journal_second = 0;
		write_300(*state);
		damage(bench_path(*state, "x.journal"), "MESSAGE=number 250", cases[i].before, cases[i].len);
		buf_reset(&got);
		for (int n = 0, rc = -1; n < 10 && rc != 0; n++)
			rc = read_all(*state, JOURNALD_BEGIN, NULL);
		assert_int_equal(has_dropped, cases[i].drops);
		assert_non_null(strstr(buf_str(&got), "good\n"));
		assert_non_null(strstr(buf_str(&got), "number 149\n"));
		journald_reader_close(&reader);
		unlink(bench_path(*state, "x.journal"));
		unlink(bench_path(*state, "y.journal"));
	}
}

/* As journald's own vacuum does it where a file system knows no holes. */
static void a_file_that_is_cut_while_it_is_read_ends_nothing(void **state)
{
	NEEDS_JOURNAL();
	write_300(*state);
	q.dir = ((struct bench *)*state)->dir;
	q.units = units;
	q.units_n = 1;
	q.entries.max = 1u << 20;
	assert_int_equal(journald_reader_slice(&reader, &q), 0);
	assert_true(q.is_more);
	assert_int_equal(truncate(bench_path(*state, "x.journal"), 8192), 0);
	for (int i = 0, rc = -1; i < 10 && rc != 0; i++)
		rc = read_all(*state, JOURNALD_BEGIN, NULL);
	assert_non_null(strstr(buf_str(&got), "good\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(entries_of_a_unit_are_read_by_each_of_the_four_ways),
		READER_TEST(fields_and_times_are_those_of_the_entry),
		READER_TEST(many_entries_come_in_slices_and_each_once),
		READER_TEST(what_is_added_is_read_next),
		READER_TEST(the_end_is_behind_all_and_names_the_last),
		READER_TEST(the_end_where_nothing_of_the_unit_is_there_is_the_beginning),
		READER_TEST(behind_a_cursor_whose_entry_is_gone_the_next_one_is_read),
		READER_TEST(a_vacuum_while_it_is_open_is_seen),
		READER_TEST(a_time_is_a_place_too),
		READER_TEST(a_folder_without_a_journal_says_so),
		READER_TEST(a_damaged_file_ends_and_hides_no_other),
		READER_TEST(a_file_that_is_cut_while_it_is_read_ends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
