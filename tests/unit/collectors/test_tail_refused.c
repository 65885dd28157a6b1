/* test_tail_refused.c - what is not followed: compressed files, links that lead elsewhere, paths that cannot be looked at. */
#include "tests/unit/collectors/reader.h"

#include <errno.h>

static void compressed_files_and_folders_are_left_alone(void **state)
{
	(void)state;
	sim_file_put(reader.w, "/var/log/x.log.gz", "\x1f\x8b\x08 zip\n", 8);
	sim_dir_make(reader.w, "/var/log/x.log.d");
	reader_follow("/var/log/x.log*", 30000);
	assert_int_equal(reader.got.len, 0);
	assert_int_equal(sim_disk_open(reader.w), 0);
	assert_int_equal(tail_stats(reader.tail).refused, 1);
	assert_int_equal(tail_stats(reader.tail).refused_compressed, 1);
}

/* The lines of a link's target must not bear the path of the file it pretends to continue: that path may leave. */
static void a_link_that_poses_as_a_rotated_file_is_not_read(void **state)
{
	(void)state;
	sim_file_puts(reader.w, LOG, "1\n");
	reader_follow(LOG, 1000);
	sim_file_puts(reader.w, "/etc/secret", "secret\n");
	sim_file_link(reader.w, LOG ".1", "/etc/secret");
	sim_file_rename(reader.w, LOG, LOG ".2");
	sim_file_puts(reader.w, LOG, "2\n");
	reader_pass(30000);
	assert_string_equal(buf_str(&reader.got), "1\n2\n");
	assert_int_equal(tail_stats(reader.tail).refused_links, 0); /* no longer: nothing was renamed that it could continue */
}

static void a_link_under_the_pattern_bears_the_path_it_leads_to(void **state)
{
	(void)state;
	sim_file_puts(reader.w, "/srv/x.log", "1\n");
	sim_file_link(reader.w, LOG, "/srv/x.log");
	reader_follow(LOG, 1000);
	assert_string_equal(buf_str(&reader.got), "1\n");
	assert_string_equal(reader.at.path, "/srv/x.log");
}

/* ---- paths that cannot be followed ------------------------------------------------------------------------------------------- */

static struct {
	int (*disk_stat)(struct world *w, const char *path, struct disk_stat *ret, struct err *e);
	int (*file_open)(struct world *w, const char *path, struct disk_file **ret, struct err *e);
	const char *under; /* paths that begin so */
	int errnum;
	unsigned opens;
} barred;

static bool is_barred(const char *path)
{
	return barred.under != NULL && strncmp(path, barred.under, strlen(barred.under)) == 0;
}

static int barred_stat(struct world *w, const char *path, struct disk_stat *ret, struct err *e)
{
	return is_barred(path) ? err_errno(e, barred.errnum, "%s", path) : barred.disk_stat(w, path, ret, e);
}

static int barred_open(struct world *w, const char *path, struct disk_file **ret, struct err *e)
{
	if (!is_barred(path))
		return barred.file_open(w, path, ret, e);
	barred.opens++;
	return err_errno(e, barred.errnum, "%s", path);
}

static void bar_stat(const char *under, int errnum)
{
	memset(&barred, 0, sizeof(barred));
	barred.under = under;
	barred.errnum = errnum;
	barred.disk_stat = reader.w->disk_stat;
	reader.w->disk_stat = barred_stat;
}

static void bar_open(const char *under)
{
	memset(&barred, 0, sizeof(barred));
	barred.under = under;
	barred.errnum = EACCES;
	barred.file_open = reader.w->file_open;
	reader.w->file_open = barred_open;
}

static void a_path_that_cannot_be_looked_at_keeps_no_other_file_from_being_rotated(void **state)
{
	static const struct {
		int errnum;
		unsigned links, denied;
	} cases[] = { { ELOOP, 1, 0 }, { ENAMETOOLONG, 1, 0 }, { ENOTDIR, 1, 0 }, { EACCES, 0, 1 }, { ENOENT, 0, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&reader.got);
		sim_file_puts(reader.w, LOG, "1\n");
		sim_file_puts(reader.w, "/var/log/bad.log", "");
		bar_stat("/var/log/bad.log", cases[i].errnum);
		reader_follow("/var/log/*.log", 1000);
		reader_append(LOG, "2\n3");
		sim_file_rename(reader.w, LOG, LOG ".1");
		sim_file_puts(reader.w, LOG, "4\n");
		reader_pass(20000);
		assert_int_equal(reader.got.len, 8);
		assert_int_equal(tail_stats(reader.tail).files, 1);
		assert_int_equal(tail_stats(reader.tail).rotated, 0); /* let go, with its last line */
		assert_int_equal(tail_stats(reader.tail).refused_links, cases[i].links);
		assert_int_equal(tail_stats(reader.tail).refused_denied, cases[i].denied);
		reader_close();
		reader.w->disk_stat = barred.disk_stat;
		sim_file_unlink(reader.w, LOG ".1");
	}
}

static void a_link_into_a_file_is_refused_and_told_once(void **state)
{
	static const char *texts[] = { "path=/var/log/bad.log ", NULL };

	(void)state;
	sim_file_puts(reader.w, LOG, "1\n");
	sim_file_link(reader.w, "/var/log/bad.log", LOG "/x");
	log_set(LOG_INFO, reader_on_refused, texts);
	reader_follow("/var/log/*.log", 60000);
	assert_string_equal(buf_str(&reader.got), "1\n");
	assert_int_equal(reader.told, 1);
	assert_int_equal(tail_stats(reader.tail).refused_links, 1);
	assert_int_equal(tail_stats(reader.tail).read_errors, 0);
}

/* The folder of a pattern is a file, or lies in one: nobody would look for that without a word. */
static void a_folder_that_is_none_is_refused_and_told_once(void **state)
{
	static const char *const dirs[] = { "/var/log/app", "/var/log/app/sub" };
	static const char *texts[] = { "path=/var/log/app", NULL };

	(void)state;
	log_set(LOG_INFO, reader_on_refused, texts);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		CLEANUP(mem_close) char *pattern = mem_printf("%s/*.log", dirs[i]), *path = mem_printf("%s/x.log", dirs[i]);

		reader.told = 0;
		buf_reset(&reader.got);
		sim_file_puts(reader.w, "/var/log/app", "no folder\n");
		reader_follow(pattern, 60000);
		assert_int_equal(reader.told, 1);
		assert_int_equal(tail_stats(reader.tail).refused, 1);
		assert_int_equal(tail_stats(reader.tail).refused_links, 1);
		sim_file_unlink(reader.w, "/var/log/app");
		reader_pass(20000);
		assert_int_equal(tail_stats(reader.tail).refused, 0); /* not there yet is nothing to tell */
		sim_dir_make(reader.w, dirs[i]);
		sim_file_puts(reader.w, path, "1\n");
		reader_pass(20000);
		assert_string_equal(buf_str(&reader.got), "1\n");
		reader_close();
		sim_file_unlink(reader.w, path);
		sim_file_unlink(reader.w, dirs[i]);
	}
}

static int (*really_resolve)(struct world *w, const char *path, struct buf *b, struct err *e);

static int resolve_badly(struct world *w, const char *path, struct buf *b, struct err *e)
{
	return is_barred(path) ? err_errno(e, barred.errnum, "%s", path) : really_resolve(w, path, b, e);
}

static void a_folder_that_cannot_be_entered_is_refused_for_its_reason(void **state)
{
	static const struct {
		int errnum;
		unsigned links, denied;
	} cases[] = { { ELOOP, 1, 0 }, { ENOTDIR, 1, 0 }, { EACCES, 0, 1 }, { ENOENT, 0, 0 }, { EIO, 0, 0 } };

	(void)state;
	really_resolve = reader.w->disk_realpath;
	reader.w->disk_realpath = resolve_badly;
	barred.under = "/var/log";
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		barred.errnum = cases[i].errnum;
		reader_follow(LOG, 30000);
		assert_int_equal(tail_stats(reader.tail).refused_links, cases[i].links);
		assert_int_equal(tail_stats(reader.tail).refused_denied, cases[i].denied);
		reader_close();
	}
}

static void a_disk_that_fails_or_a_folder_that_is_closed_rotates_nothing(void **state)
{
	static const struct {
		const char *under;
		int errnum;
	} cases[] = { { LOG, EIO }, { "/var/log/", EACCES } };

	(void)state;
	sim_file_puts(reader.w, LOG, "1\n2");
	reader_follow("/var/log/*.log", 1000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bar_stat(cases[i].under, cases[i].errnum);
		reader_pass(25000);
		assert_int_equal(tail_stats(reader.tail).files, 1);
		assert_int_equal(tail_stats(reader.tail).rotated, 0);
		assert_string_equal(buf_str(&reader.got), "1\n");
		reader.w->disk_stat = barred.disk_stat;
	}
}

static void a_file_that_may_not_be_opened_is_told_once_and_tried_again_by_the_poll(void **state)
{
	static const char *texts[] = { "path=" LOG " why=\"permission denied\"", NULL };

	(void)state;
	sim_file_puts(reader.w, LOG, "1\n");
	bar_open(LOG);
	log_set(LOG_INFO, reader_on_refused, texts);
	reader_follow(LOG, 95000);
	assert_int_equal(reader.told, 1);
	assert_in_range(barred.opens, 2, 11); /* each poll's: not each second's */
	assert_int_equal(tail_stats(reader.tail).refused, 1);
	assert_int_equal(tail_stats(reader.tail).refused_denied, 1);
	assert_int_equal(tail_stats(reader.tail).read_errors, 0);
	barred.under = NULL;
	reader_pass(11000);
	assert_string_equal(buf_str(&reader.got), "1\n");
	assert_int_equal(tail_stats(reader.tail).refused, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(compressed_files_and_folders_are_left_alone),
		READER_TEST(a_link_that_poses_as_a_rotated_file_is_not_read),
		READER_TEST(a_link_under_the_pattern_bears_the_path_it_leads_to),
		READER_TEST(a_path_that_cannot_be_looked_at_keeps_no_other_file_from_being_rotated),
		READER_TEST(a_link_into_a_file_is_refused_and_told_once),
		READER_TEST(a_folder_that_is_none_is_refused_and_told_once),
		READER_TEST(a_folder_that_cannot_be_entered_is_refused_for_its_reason),
		READER_TEST(a_disk_that_fails_or_a_folder_that_is_closed_rotates_nothing),
		READER_TEST(a_file_that_may_not_be_opened_is_told_once_and_tried_again_by_the_poll),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
