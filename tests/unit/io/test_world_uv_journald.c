/* test_world_uv_journald.c - a journal read by a thread of the real world: what it brings, what wakes it, and how it ends. */
#include "tests/unit/io/journal_files.h"

#include <dirent.h>
#include <uv.h>

#include "agent/io/journald_entry.h"

static const char *const units[] = { "a.service" };
static struct journald_req r;
static struct buf got;

static void on_read(struct journald_req *req, int rc)
{
	struct journald_entry en;

	for (size_t at = 0; journald_entry_next(&req->entries, &at, &en);)
		buf_addf(&got, "%s\n", en.v[JOURNALD_MESSAGE].text);
	bench_stop(rc);
}

static void on_changed(struct journald_req *req)
{
	(void)req;
	bench_stop(7);
}

static int start(void **state)
{
	got = BUF_MAX(8u << 20);
	journal_second = 0;
	bench_start(state);
	r = (struct journald_req){ .dir = ((struct bench *)*state)->dir, .units = units, .units_n = 1, .changed = on_changed };
	return 0;
}

static int end(void **state)
{
	struct bench *b = *state;

	if (b->w != NULL)
		b->w->journald_close(b->w, &r);
	buf_close(&r.entries);
	buf_close(&got);
	return bench_end(state);
}

#define JOURNALD_TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
#define NEEDS_JOURNAL()                                                                                                            \
	if (journal_is_missing())                                                                                                  \
	skip()

static int read_some(struct bench *b)
{
	b->w->journald_read(b->w, &r, on_read);
	return bench_run(b);
}

static void what_is_there_comes_and_what_is_added_wakes_it(void **state)
{
	struct bench *b = *state;

	NEEDS_JOURNAL();
	journal_put(b, "x.journal", "a.service", "one");
	assert_int_equal(read_some(b), 0);
	assert_true(r.is_sought);
	assert_false(r.is_more);
	for (int i = 0; i < 3; i++) {
		journal_put(b, "x.journal", "a.service", "more");
		assert_int_equal(bench_run(b), 7);
		assert_int_equal(read_some(b), 0);
	}
	/* A read that comes by itself, without the waiting before it. */
	journal_put(b, "x.journal", "a.service", "last");
	assert_int_equal(read_some(b), 0);
	assert_string_equal(buf_str(&got), "one\nmore\nmore\nmore\nlast\n");
}

static void what_cannot_be_read_is_an_answer_and_the_next_read_opens_it(void **state)
{
	struct bench *b = *state;

	NEEDS_JOURNAL();
	assert_int_equal(read_some(b), -ERR_NOTFOUND);
	assert_non_null(strstr(r.err.text, b->dir));
	journal_put(b, "x.journal", "a.service", "one");
	assert_int_equal(read_some(b), 0);
	assert_string_equal(buf_str(&got), "one\n");
}

static unsigned files_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void closing_lets_go_of_all_files_and_of_the_reader_at_once(void **state)
{
	struct bench *b = *state;
	unsigned before;

	NEEDS_JOURNAL();
	journal_put(b, "x.journal", "a.service", "one");
	assert_int_equal(read_some(b), 0);
	b->w->journald_close(b->w, &r);
	before = files_open();
	for (int i = 0; i < 20; i++) {
		assert_int_equal(read_some(b), 0);
		b->w->journald_close(b->w, &r);
		b->w->journald_close(b->w, &r); /* harmless */
	}
	assert_int_equal(files_open(), before);
}

static void a_close_while_a_thread_reads_is_followed_by_nothing(void **state)
{
	struct bench *b = *state;

	NEEDS_JOURNAL();
	journal_put(b, "x.journal", "a.service", "one");
	for (int i = 0; i < 20; i++) {
		b->w->journald_read(b->w, &r, on_read);
		b->w->journald_close(b->w, &r);
	}
	assert_int_equal(read_some(b), 0);
	assert_string_equal(buf_str(&got), "one\n");
}

static void the_world_ends_while_a_thread_reads(void **state)
{
	struct bench *b = *state;

	NEEDS_JOURNAL();
	journal_put(b, "x.journal", "a.service", "one");
	b->w->journald_read(b->w, &r, on_read);
	timer_stop(b->w, &b->guard);
	bench_free_world(b);
	assert_string_equal(buf_str(&got), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		JOURNALD_TEST(what_is_there_comes_and_what_is_added_wakes_it),
		JOURNALD_TEST(what_cannot_be_read_is_an_answer_and_the_next_read_opens_it),
		JOURNALD_TEST(closing_lets_go_of_all_files_and_of_the_reader_at_once),
		JOURNALD_TEST(a_close_while_a_thread_reads_is_followed_by_nothing),
		JOURNALD_TEST(the_world_ends_while_a_thread_reads),
	};

	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	/* The leak checker cannot look into a thread that has what a library keeps for each, opened after the thread began. */
	uv_library_shutdown();
	return failed;
}
