/* test_tail_find.c - patterns with globs in any component: folders that come and go, and that links lead to. */
#include <errno.h>

#include "agent/base/str.h"
#include "collectors/tail_impl.h"
#include "tests/unit/collectors/reader.h"

#define WIDE "/var/log/*/app-*.log"

static void files_are_found_in_every_folder_that_matches(void **state)
{
	(void)state;
	sim_dir_make(reader.w, "/var/log/a");
	sim_dir_make(reader.w, "/var/log/b");
	sim_file_puts(reader.w, "/var/log/a/app-1.log", "a1\n");
	sim_file_puts(reader.w, "/var/log/b/app-1.log", "b1\n");
	sim_file_puts(reader.w, "/var/log/b/other.log", "no\n");
	sim_file_puts(reader.w, "/var/log/app-1.log", "no\n");
	reader_follow(WIDE, 1000);
	assert_int_equal(reader.got.len, 6);
	assert_non_null(strstr(buf_str(&reader.got), "a1\n"));
	assert_non_null(strstr(buf_str(&reader.got), "b1\n"));
	assert_int_equal(tail_stats(reader.tail).files, 2);
	assert_int_equal(tail_stats(reader.tail).folders, 3); /* with the one that they lie in */
	assert_int_equal(tail_stats(reader.tail).refused, 0);
}

/* By what the watches tell, and not by the next poll. */
static void a_folder_that_comes_later_is_seen_at_once(void **state)
{
	(void)state;
	reader_follow("/var/log/*/x?/app-*.log", 1000);
	sim_dir_make(reader.w, "/var/log/a");
	sim_file_puts(reader.w, "/var/log/touched", "");
	reader_pass(1000);
	sim_dir_make(reader.w, "/var/log/a/x1");
	sim_file_puts(reader.w, "/var/log/a/touched", "");
	reader_pass(1000);
	sim_file_puts(reader.w, "/var/log/a/x1/app-1.log", "1\n");
	reader_pass(1000);
	assert_string_equal(buf_str(&reader.got), "1\n");
	reader_append("/var/log/a/x1/app-1.log", "2\n");
	reader_pass(500);
	assert_string_equal(buf_str(&reader.got), "1\n2\n");
}

static void what_was_in_a_folder_that_is_gone_is_read_to_its_end_and_let_go(void **state)
{
	(void)state;
	sim_dir_make(reader.w, "/var/log/a");
	sim_file_puts(reader.w, "/var/log/a/app-1.log", "1\n");
	reader_follow(WIDE, 1000);
	reader.refuse = true;
	reader_append("/var/log/a/app-1.log", "2\n3");
	reader_pass(1000);
	sim_file_unlink(reader.w, "/var/log/a/app-1.log");
	sim_file_unlink(reader.w, "/var/log/a");
	reader_pass(60000);
	assert_int_equal(tail_stats(reader.tail).rotated, 1);
	reader.refuse = false;
	reader_pass(30000);
	assert_string_equal(buf_str(&reader.got), "1\n2\n3\n");
	assert_int_equal(tail_stats(reader.tail).files, 0);
	assert_int_equal(tail_stats(reader.tail).folders, 1);
	assert_int_equal(sim_disk_open(reader.w), 0);
	sim_dir_make(reader.w, "/var/log/a"); /* the same name again, and another folder */
	sim_file_puts(reader.w, "/var/log/a/app-1.log", "4\n");
	reader_pass(20000);
	assert_string_equal(buf_str(&reader.got), "1\n2\n3\n4\n");
}

/* The rules judge a line by the path that it really came from. */
static void a_link_to_a_folder_is_followed_and_its_lines_bear_the_path_it_led_to(void **state)
{
	(void)state;
	sim_dir_make(reader.w, "/srv");
	sim_dir_make(reader.w, "/srv/real");
	sim_file_puts(reader.w, "/srv/real/app-1.log", "1\n");
	sim_file_link(reader.w, "/var/log/a", "/srv/real");
	sim_file_link(reader.w, "/var/log/b", "/srv/real");
	sim_file_link(reader.w, "/var/log/c", "/nowhere");
	reader_follow(WIDE, 1000);
	assert_string_equal(buf_str(&reader.got), "1\n"); /* once */
	assert_string_equal(reader.at_path, "/srv/real/app-1.log");
	assert_int_equal(tail_stats(reader.tail).files, 1);
	assert_int_equal(tail_stats(reader.tail).refused, 0);
}

static void a_position_in_a_folder_that_a_glob_leads_to_is_resumed(void **state)
{
	struct telemetry_source at;

	(void)state;
	sim_dir_make(reader.w, "/var/log/a");
	sim_file_puts(reader.w, "/var/log/a/app-1.log", "1\n");
	reader_follow(WIDE, 1000);
	at = reader.at;
	reader_close();
	reader_append("/var/log/a/app-1.log", "2\n");
	sim_file_rename(reader.w, "/var/log/a/app-1.log", "/var/log/a/app-1.log.1");
	sim_file_puts(reader.w, "/var/log/a/app-1.log", "3\n");
	reader_resume(WIDE, &at, 20000);
	assert_string_equal(buf_str(&reader.got), "1\n2\n3\n");
}

static void a_file_that_moves_to_another_folder_is_neither_lost_nor_repeated(void **state)
{
	(void)state;
	sim_dir_make(reader.w, "/var/log/a");
	sim_dir_make(reader.w, "/var/log/b");
	sim_file_puts(reader.w, "/var/log/a/app-1.log", "1\n");
	reader_follow(WIDE, 1000);
	sim_file_rename(reader.w, "/var/log/a/app-1.log", "/var/log/b/app-1.log");
	reader_append("/var/log/b/app-1.log", "2\n");
	reader_pass(40000);
	reader_append("/var/log/b/app-1.log", "3\n");
	reader_pass(40000);
	assert_string_equal(buf_str(&reader.got), "1\n2\n3\n");
}

static void on_unwatched(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)ctx;
	if (strcmp(event, "tail.watch.failed") != 0)
		return;
	assert_int_equal(level, LOG_WARN);
	assert_non_null(strstr(pairs, "dir=/var/log"));
	assert_non_null(strstr(pairs, "max_user_watches"));
	reader.told++;
}

static int (*really_watch)(struct world *w, struct watch *wt, watch_cb *cb, struct err *e);

static int watch_nothing(struct world *w, struct watch *wt, watch_cb *cb, struct err *e)
{
	(void)w;
	(void)cb;
	return err_errno(e, ENOSPC, "cannot watch %s", wt->dir);
}

static void without_watches_the_poll_finds_what_changed_and_the_limit_is_told_once(void **state)
{
	(void)state;
	sim_dir_make(reader.w, "/var/log/a");
	sim_file_puts(reader.w, "/var/log/a/app-1.log", "1\n");
	really_watch = reader.w->watch_start;
	reader.w->watch_start = watch_nothing;
	log_set(LOG_INFO, on_unwatched, NULL);
	reader_follow(WIDE, 60000);
	assert_int_equal(reader.told, 1);
	assert_int_equal(tail_stats(reader.tail).unwatched_folders, 2);
	reader_append("/var/log/a/app-1.log", "2\n");
	sim_dir_make(reader.w, "/var/log/b");
	sim_file_puts(reader.w, "/var/log/b/app-1.log", "3\n");
	reader_pass(11000);
	assert_string_equal(buf_str(&reader.got), "1\n2\n3\n");
	reader.w->watch_start = really_watch;
	reader_pass(11000);
	assert_int_equal(tail_stats(reader.tail).unwatched_folders, 0);
	reader_append("/var/log/a/app-1.log", "4\n");
	reader_pass(500);
	assert_string_equal(buf_str(&reader.got), "1\n2\n3\n4\n");
	assert_int_equal(reader.told, 1);
}

static char said[256];

static bool on_attrs(void *ctx, const struct telemetry_line *l)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);

	for (size_t i = 2; i < l->origin->attrs_n; i++)
		buf_addf(&b, "%s=%s ", l->origin->attrs[i].key, l->origin->attrs[i].value);
	snprintf(said, sizeof(said), "%s", buf_str(&b));
	return reader_on_line(ctx, l);
}

static void on_unlike(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)ctx;
	if (strcmp(event, "tail.path.unlike") != 0)
		return;
	assert_int_equal(level, LOG_WARN);
	assert_non_null(strstr(pairs, "path_attributes=/var/log/{cluster}/app-{node}.log"));
	reader.told++;
}

static void pieces_of_the_path_are_attributes_of_its_lines(void **state)
{
	static const struct telemetry_sink sink = { .line = on_attrs };
	static const struct tail_path path = { .path = "/var/log/*/*.log", .pieces = "/var/log/{cluster}/app-{node}.log" };
	static const struct tail_config c = { .paths = &path, .paths_n = 1, .positions = &reader.positions };

	(void)state;
	sim_dir_make(reader.w, "/var/log/c1");
	sim_file_puts(reader.w, "/var/log/c1/app-be-1.log", "1\n");
	log_set(LOG_INFO, on_unlike, NULL);
	reader.tail = tail_new(reader.w, &c, &sink);
	tail_start(reader.tail);
	reader_pass(1000);
	assert_string_equal(said, "cluster=c1 node=be-1 ");
	sim_file_puts(reader.w, "/var/log/c1/app-\xff.log", "2\n");
	reader_pass(1000);
	assert_string_equal(said, "cluster=c1 node=\xef\xbf\xbd ");
	sim_file_puts(reader.w, "/var/log/c1/x.log", "3\n");
	sim_file_puts(reader.w, "/var/log/c1/y.log", "4\n");
	reader_pass(1000);
	assert_string_equal(said, "");
	assert_int_equal(reader.told, 1);
	sim_file_rename(reader.w, "/var/log/c1/app-be-1.log", "/var/log/c1/app-be-1.log.1");
	reader_append("/var/log/c1/app-be-1.log.1", "5\n");
	reader_pass(4000);
	assert_string_equal(said, "cluster=c1 node=be-1 "); /* of the path that it had */
}

static struct {
	int (*disk_realpath)(struct world *w, const char *path, struct buf *b, struct err *e);
	void (*disk_start)(struct world *w, struct disk_req *r, disk_cb *cb);
	const char *barred;
	unsigned lists;
} counted;

static void counted_start(struct world *w, struct disk_req *r, disk_cb *cb)
{
	counted.lists += r->op == DISK_LIST;
	counted.disk_start(w, r, cb);
}

static void count_lists(void)
{
	counted.lists = 0;
	counted.disk_start = reader.w->disk_start;
	reader.w->disk_start = counted_start;
}

static void a_change_in_one_folder_has_that_one_looked_at_alone(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		CLEANUP(mem_close) char *dir = mem_printf("/var/log/%d", i), *path = mem_printf("%s/app-1.log", dir);

		sim_dir_make(reader.w, dir);
		sim_file_puts(reader.w, path, "1\n");
	}
	reader_follow(WIDE, 3000);
	assert_int_equal(tail_stats(reader.tail).lines, 50);
	count_lists();
	sim_file_puts(reader.w, "/var/log/7/app-2.log", "2\n");
	reader_pass(2000);
	assert_int_equal(tail_stats(reader.tail).lines, 51);
	assert_in_range(counted.lists, 1, 2);
}

static void on_limit(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)ctx;
	if (strcmp(event, "tail.folders.limit") != 0)
		return;
	assert_int_equal(level, LOG_WARN);
	assert_non_null(strstr(pairs, "folders_max=1024"));
	reader.told++;
}

static void more_folders_than_may_be_are_counted_and_told_once(void **state)
{
	(void)state;
	for (int i = 0; i < TAIL_FOLDERS_MAX + 10; i++) {
		CLEANUP(mem_close) char *dir = mem_printf("/var/log/%d", i), *path = mem_printf("%s/app-1.log", dir);

		sim_dir_make(reader.w, dir);
		sim_file_puts(reader.w, path, "1\n");
	}
	log_set(LOG_INFO, on_limit, NULL);
	reader_follow(WIDE, 40000);
	assert_int_equal(tail_stats(reader.tail).folders, TAIL_FOLDERS_MAX);
	assert_int_equal(tail_stats(reader.tail).refused_folders, 11); /* one is the way to all others */
	assert_int_equal(tail_stats(reader.tail).lines, TAIL_FOLDERS_MAX - 1);
	assert_int_equal(reader.told, 1);
}

/* A disk that fails says nothing of what is in it. */
static void a_folder_that_cannot_be_listed_leaves_its_files_as_they_are(void **state)
{
	(void)state;
	sim_dir_make(reader.w, "/var/log/a");
	sim_file_puts(reader.w, "/var/log/a/app-1.log", "1\n");
	reader_follow(WIDE, 1000);
	sim_fail_rate(reader.w, SIM_DISK, 1000);
	reader_pass(60000);
	assert_int_equal(tail_stats(reader.tail).rotated, 0);
	assert_int_equal(tail_stats(reader.tail).files, 1);
	sim_fail_rate(reader.w, SIM_DISK, 0);
	reader_append("/var/log/a/app-1.log", "2\n");
	reader_pass(20000);
	assert_string_equal(buf_str(&reader.got), "1\n2\n");
}

static void closing_waits_for_a_folder_that_is_being_searched(void **state)
{
	(void)state;
	sim_dir_make(reader.w, "/var/log/a");
	sim_file_puts(reader.w, "/var/log/a/app-1.log", "1\n");
	for (int ms = 0; ms < 8; ms++) {
		reader_follow(WIDE, (uint64_t)ms);
		reader_close();
	}
	assert_int_equal(sim_disk_open(reader.w), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(files_are_found_in_every_folder_that_matches),
		READER_TEST(a_folder_that_comes_later_is_seen_at_once),
		READER_TEST(what_was_in_a_folder_that_is_gone_is_read_to_its_end_and_let_go),
		READER_TEST(a_link_to_a_folder_is_followed_and_its_lines_bear_the_path_it_led_to),
		READER_TEST(a_position_in_a_folder_that_a_glob_leads_to_is_resumed),
		READER_TEST(a_file_that_moves_to_another_folder_is_neither_lost_nor_repeated),
		READER_TEST(without_watches_the_poll_finds_what_changed_and_the_limit_is_told_once),
		READER_TEST(pieces_of_the_path_are_attributes_of_its_lines),
		READER_TEST(a_change_in_one_folder_has_that_one_looked_at_alone),
		READER_TEST(more_folders_than_may_be_are_counted_and_told_once),
		READER_TEST(a_folder_that_cannot_be_listed_leaves_its_files_as_they_are),
		READER_TEST(closing_waits_for_a_folder_that_is_being_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
