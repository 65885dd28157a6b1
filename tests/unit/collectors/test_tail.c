/* test_tail.c - files that grow, are renamed, cut, replaced; sinks that say no; positions that fit and positions that do
 * not. All in the simulated world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "collectors/tail.h"
#include "tests/sim/flag.h"
#include "tests/sim/world_sim.h"

#define LOG "/var/log/x.log"

static struct world *w;
static struct tail *tail;
static struct buf got;             /* bodies, each with an LF */
static struct telemetry_source at; /* of the last line; the path is a copy */
static char at_path[128];
static char truncated[32];
static bool refuse;

static bool on_line(void *ctx, const struct telemetry_line *l)
{
	(void)ctx;
	if (refuse)
		return false;
	buf_add(&got, l->body, l->len);
	buf_addc(&got, '\n');
	at = l->source;
	snprintf(at_path, sizeof(at_path), "%s", l->source.path);
	at.path = at_path;
	for (size_t i = 0; i < l->attrs_n; i++)
		if (strcmp(l->attrs[i].key, "reeve.log.truncated_bytes") == 0)
			snprintf(truncated, sizeof(truncated), "%s", l->attrs[i].value);
	return true;
}

static void open_tail(const char *pattern)
{
	const struct telemetry_sink sink = { .line = on_line };
	const struct tail_path path = { pattern, "service" };
	const struct tail_config c = { .paths = &path, .paths_n = 1 };

	tail = tail_new(w, &c, &sink);
}

static void close_tail(void)
{
	bool closed = false;

	tail_close(tail, flag_set, &closed);
	assert_int_equal(sim_run_until(w, flag_is_set, &closed, 1000), SIM_TRUE);
	tail = NULL;
}

static void pass(uint64_t ms)
{
	sim_run_until(w, NULL, NULL, ms);
}

static void follow(const char *pattern, uint64_t ms)
{
	open_tail(pattern);
	tail_start(tail);
	pass(ms);
}

static int setup(void **state)
{
	(void)state;
	w = sim_new(5);
	got = BUF_MAX(64u << 20);
	refuse = false;
	truncated[0] = '\0';
	sim_dir_make(w, "/var/log");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (tail != NULL)
		close_tail();
	buf_close(&got);
	sim_free(w);
	return 0;
}

static void add(const char *path, const char *text)
{
	sim_file_append(w, path, text, strlen(text));
}

static void lines_come_as_they_are_finished(void **state)
{
	(void)state;
	sim_file_puts(w, LOG, "one\ntwo\r\nha");
	follow(LOG, 100000);
	assert_string_equal(buf_str(&got), "one\ntwo\n"); /* the rest waits, for ever if need be */
	add(LOG, "lf\n\n");
	pass(11000);
	assert_string_equal(buf_str(&got), "one\ntwo\nhalf\n\n");
	assert_int_equal(at.to, 15);
}

static void a_renamed_file_is_read_to_its_end_before_the_new_one(void **state)
{
	(void)state;
	sim_file_puts(w, LOG, "1\n");
	follow(LOG, 1000);
	add(LOG, "2\n3");
	sim_file_rename(w, LOG, LOG ".1");
	sim_file_puts(w, LOG, "5\n");
	add(LOG ".1", "\n4");
	pass(20000);
	assert_string_equal(buf_str(&got), "1\n2\n3\n5\n4\n"); /* "4" has no LF: it is complete when nobody adds to it */
	assert_int_equal(tail_stats(tail).files, 1);
	assert_int_equal(sim_disk_open(w), 1);
}

static void a_glob_that_matches_both_names_repeats_nothing(void **state)
{
	(void)state;
	open_tail("/var/log/x.log*");
	tail_start(tail);
	for (int i = 0; i < 5; i++) {
		char line[16], to[32];

		snprintf(line, sizeof(line), "%d\n", i);
		snprintf(to, sizeof(to), LOG ".%d", i);
		sim_file_puts(w, LOG, line);
		pass(300);
		sim_file_rename(w, LOG, to);
		pass(300);
	}
	pass(60000);
	assert_string_equal(buf_str(&got), "0\n1\n2\n3\n4\n");
}

static void a_file_cut_to_nothing_is_read_from_its_start(void **state)
{
	(void)state;
	sim_file_puts(w, LOG, "one\ntwo\n");
	follow(LOG, 1000);
	sim_file_truncate(w, LOG, 0);
	pass(1000);
	add(LOG, "three\n");
	pass(11000);
	assert_string_equal(buf_str(&got), "one\ntwo\nthree\n");
	assert_int_equal(at.generation, 1);
	assert_int_equal(tail_stats(tail).truncated_files, 1);
}

static void a_file_cut_and_grown_beyond_our_place_is_known_by_its_first_bytes(void **state)
{
	(void)state;
	sim_file_puts(w, LOG, "one\ntwo\n");
	follow(LOG, 2000);
	sim_file_truncate(w, LOG, 0);
	add(LOG, "another beginning\nand more\n");
	pass(11000);
	assert_string_equal(buf_str(&got), "one\ntwo\nanother beginning\nand more\n");
}

static void a_restart_goes_on_where_the_commit_says(void **state)
{
	(void)state;
	sim_file_puts(w, LOG, "one\ntwo\n");
	follow(LOG, 1000);
	close_tail();
	add(LOG, "three\n");
	open_tail(LOG);
	tail_restore(tail, &at);
	tail_start(tail);
	pass(1000);
	assert_string_equal(buf_str(&got), "one\ntwo\nthree\n");
}

static void a_file_renamed_while_we_were_away_is_found_and_read_first(void **state)
{
	(void)state;
	sim_file_puts(w, LOG, "one\n");
	follow(LOG, 1000);
	close_tail();
	add(LOG, "two\n");
	sim_file_rename(w, LOG, LOG "-yesterday");
	sim_file_puts(w, LOG, "three\n");
	open_tail(LOG);
	tail_restore(tail, &at);
	tail_start(tail);
	pass(30000);
	assert_string_equal(buf_str(&got), "one\ntwo\nthree\n");
	assert_int_equal(sim_disk_open(w), 1);
}

static void a_file_born_and_renamed_while_we_were_away_is_read_in_its_turn(void **state)
{
	(void)state;
	sim_file_puts(w, LOG ".9", "from before our time\n");
	pass(10);
	sim_file_puts(w, LOG, "one\n");
	follow(LOG, 1000);
	close_tail();
	add(LOG, "two\n");
	sim_file_rename(w, LOG, LOG ".2");
	pass(10);
	sim_file_puts(w, LOG, "three\n");
	sim_file_rename(w, LOG, LOG ".1");
	pass(10);
	sim_file_puts(w, LOG, "four\n");
	sim_file_puts(w, LOG "-audit", "another log\n");
	sim_file_puts(w, LOG ".3", "one\ntwo\n"); /* a copy */
	open_tail(LOG);
	tail_restore(tail, &at);
	tail_start(tail);
	pass(30000);
	assert_string_equal(buf_str(&got), "one\ntwo\nthree\nfour\n");
	assert_int_equal(sim_disk_open(w), 1);
}

static void a_position_that_does_not_fit_is_not_believed(void **state)
{
	struct telemetry_source wrong;

	(void)state;
	sim_file_puts(w, LOG, "one\n");
	follow(LOG, 1000);
	close_tail();
	for (int i = 0; i < 3; i++) {
		wrong = at;
		if (i == 0)
			wrong.fp++; /* the inode was given to another file */
		else if (i == 1)
			wrong.to = 5000; /* cut while we were away */
		else
			wrong.ino += 77; /* of a file that is gone */
		buf_reset(&got);
		open_tail(LOG);
		tail_restore(tail, &wrong);
		tail_start(tail);
		pass(1000);
		assert_string_equal(buf_str(&got), "one\n");
		close_tail();
	}
}

static void a_sink_that_says_no_is_asked_again_and_nothing_is_lost(void **state)
{
	(void)state;
	refuse = true;
	sim_file_puts(w, LOG, "one\ntwo\n");
	follow(LOG, 60000);
	add(LOG, "three\n");
	sim_file_rename(w, LOG, LOG ".1");
	pass(60000);
	refuse = false;
	pass(60000);
	assert_string_equal(buf_str(&got), "one\ntwo\nthree\n");
	assert_int_equal(sim_disk_open(w), 0);
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

		buf_reset(&got);
		truncated[0] = '\0';
		fill(line, lens[i]);
		memcpy(line + lens[i], "\r\n", 3);
		sim_file_puts(w, LOG, line);
		add(LOG, "next\n");
		open_tail(LOG);
		tail_start(tail);
		pass(5000);
		assert_int_equal(got.len, 65537 + 5);
		assert_memory_equal(got.data, line, 65536);
		assert_string_equal(got.data + 65537, "next\n");
		snprintf(expect, sizeof(expect), "%zu", lens[i] - 65536);
		assert_string_equal(truncated, lens[i] > 65536 ? expect : "");
		close_tail();
		sim_file_unlink(w, LOG);
	}
}

/* The same bytes, however they come, are the same lines. */
static void framing_does_not_depend_on_how_the_bytes_arrive(void **state)
{
	CLEANUP(buf_close) struct buf all = BUF_MAX(1u << 20), once = BUF_MAX(1u << 22);

	(void)state;
	for (int i = 0; i < 40; i++) {
		size_t len = sim_random(w) % (i % 8 == 0 ? 90000 : 200);

		for (size_t k = 0; k < len; k++)
			buf_addc(&all, (char)(sim_random(w) % 255 + (sim_random(w) % 255 == '\n' - 1 ? 0 : 1)));
		buf_adds(&all, i % 3 == 0 ? "\r\n" : "\n");
	}
	for (int round = 0; round < 6; round++) {
		size_t sent = 0;

		buf_reset(&got);
		open_tail(LOG);
		tail_start(tail);
		while (sent < all.len) {
			size_t n = round == 0 ? all.len : 1 + sim_random(w) % 40000;

			n = n < all.len - sent ? n : all.len - sent;
			sim_file_append(w, LOG, all.data + sent, n);
			sent += n;
			pass(sim_random(w) % 300);
		}
		pass(20000);
		close_tail();
		sim_file_unlink(w, LOG);
		if (round == 0)
			buf_add(&once, got.data, got.len);
		assert_int_equal(got.len, once.len);
		assert_memory_equal(got.data, once.data, got.len);
	}
}

static void compressed_files_and_folders_are_left_alone(void **state)
{
	(void)state;
	sim_file_put(w, "/var/log/x.log.gz", "\x1f\x8b\x08 zip\n", 8);
	sim_dir_make(w, "/var/log/x.log.d");
	follow("/var/log/x.log*", 30000);
	assert_int_equal(got.len, 0);
	assert_int_equal(sim_disk_open(w), 0);
	assert_int_equal(tail_stats(tail).refused, 1);
	assert_int_equal(tail_stats(tail).refused_compressed, 1);
}

/* The lines of a link's target must not bear the path of the file it pretends to continue: that path may leave. */
static void a_link_that_poses_as_a_rotated_file_is_not_read(void **state)
{
	(void)state;
	sim_file_puts(w, LOG, "1\n");
	follow(LOG, 1000);
	sim_file_puts(w, "/etc/secret", "secret\n");
	sim_file_link(w, LOG ".1", "/etc/secret");
	sim_file_rename(w, LOG, LOG ".2");
	sim_file_puts(w, LOG, "2\n");
	pass(30000);
	assert_string_equal(buf_str(&got), "1\n2\n");
	assert_int_equal(tail_stats(tail).refused_links, 0); /* no longer: nothing was renamed that it could continue */
}

/* The same, while we were away: the link leads to a file that a position names. */
static void a_link_to_a_file_that_was_followed_is_not_read_as_it(void **state)
{
	struct telemetry_source p;

	(void)state;
	sim_file_puts(w, LOG, "1\n");
	follow(LOG, 1000);
	p = at;
	close_tail();
	sim_file_rename(w, LOG, "/etc/moved");
	add("/etc/moved", "secret\n");
	sim_file_link(w, LOG ".1", "/etc/moved");
	open_tail(LOG);
	tail_restore(tail, &p);
	tail_start(tail);
	pass(30000);
	assert_string_equal(buf_str(&got), "1\n");
}

static void a_link_under_the_pattern_bears_the_path_it_leads_to(void **state)
{
	(void)state;
	sim_file_puts(w, "/srv/x.log", "1\n");
	sim_file_link(w, LOG, "/srv/x.log");
	follow(LOG, 1000);
	assert_string_equal(buf_str(&got), "1\n");
	assert_string_equal(at.path, "/srv/x.log");
}

static void a_byte_order_mark_is_no_part_of_the_first_line(void **state)
{
	(void)state;
	sim_file_puts(w, LOG, "\xef\xbb\xbfone\n\xef\xbb\xbftwo\n");
	follow(LOG, 1000);
	assert_string_equal(buf_str(&got), "one\n\xef\xbb\xbftwo\n");
}

static void reads_that_fail_now_and_then_lose_and_repeat_nothing(void **state)
{
	CLEANUP(buf_close) struct buf want = BUF_MAX(1u << 20);
	unsigned name = 0;

	(void)state;
	open_tail("/var/log/x.log*");
	tail_start(tail);
	sim_fail_rate(w, SIM_READ, 200);
	sim_fail_rate(w, SIM_STAT, 200);
	sim_fail_rate(w, SIM_WATCH, 500);
	for (int i = 0; i < 300; i++) {
		char line[32];

		snprintf(line, sizeof(line), "line %d\n", i);
		add(LOG, line);
		buf_adds(&want, line);
		if (i % 60 == 59) {
			char to[32];

			snprintf(to, sizeof(to), LOG ".%u", name++);
			sim_file_rename(w, LOG, to);
			pass(15000);
		}
		pass(100);
	}
	sim_fail_rate(w, SIM_READ, 0);
	sim_fail_rate(w, SIM_STAT, 0);
	pass(60000);
	assert_int_equal(tail_stats(tail).lines, 300);
	assert_int_equal(got.len, want.len);
}

/* ---- paths that cannot be followed --------------------------------------------------------------------------------------------- */

static struct {
	int (*disk_stat)(struct world *w, const char *path, struct disk_stat *ret, struct err *e);
	int (*file_open)(struct world *w, const char *path, struct disk_file **ret, struct err *e);
	const char *under; /* paths that begin so */
	int errnum;
	unsigned opens, told;
} barred;

static bool is_barred(const char *path)
{
	return barred.under != NULL && strncmp(path, barred.under, strlen(barred.under)) == 0;
}

static int barred_stat(struct world *world, const char *path, struct disk_stat *ret, struct err *e)
{
	return is_barred(path) ? err_errno(e, barred.errnum, "%s", path) : barred.disk_stat(world, path, ret, e);
}

static int barred_open(struct world *world, const char *path, struct disk_file **ret, struct err *e)
{
	if (!is_barred(path))
		return barred.file_open(world, path, ret, e);
	barred.opens++;
	return err_errno(e, barred.errnum, "%s", path);
}

static void bar_stat(const char *under, int errnum)
{
	memset(&barred, 0, sizeof(barred));
	barred.under = under;
	barred.errnum = errnum;
	barred.disk_stat = w->disk_stat;
	w->disk_stat = barred_stat;
}

static void bar_open(const char *under)
{
	memset(&barred, 0, sizeof(barred));
	barred.under = under;
	barred.errnum = EACCES;
	barred.file_open = w->file_open;
	w->file_open = barred_open;
}

static void a_path_that_cannot_be_looked_at_keeps_no_other_file_from_being_rotated(void **state)
{
	static const struct {
		int errnum;
		unsigned links, denied;
	} cases[] = { { ELOOP, 1, 0 }, { ENAMETOOLONG, 1, 0 }, { EACCES, 0, 1 }, { ENOTDIR, 0, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&got);
		sim_file_puts(w, LOG, "1\n");
		sim_file_puts(w, "/var/log/bad.log", "");
		bar_stat("/var/log/bad.log", cases[i].errnum);
		follow("/var/log/*.log", 1000);
		add(LOG, "2\n3");
		sim_file_rename(w, LOG, LOG ".1");
		sim_file_puts(w, LOG, "4\n");
		pass(20000);
		assert_int_equal(got.len, 8);
		assert_int_equal(tail_stats(tail).files, 1);
		assert_int_equal(tail_stats(tail).rotated, 0); /* let go, with its last line */
		assert_int_equal(tail_stats(tail).refused_links, cases[i].links);
		assert_int_equal(tail_stats(tail).refused_denied, cases[i].denied);
		close_tail();
		w->disk_stat = barred.disk_stat;
		sim_file_unlink(w, LOG ".1");
	}
}

static void a_disk_that_fails_or_a_folder_that_is_closed_rotates_nothing(void **state)
{
	static const struct {
		const char *under;
		int errnum;
	} cases[] = { { LOG, EIO }, { "/var/log/", EACCES } };

	(void)state;
	sim_file_puts(w, LOG, "1\n2");
	follow("/var/log/*.log", 1000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bar_stat(cases[i].under, cases[i].errnum);
		pass(60000);
		assert_int_equal(tail_stats(tail).files, 1);
		assert_int_equal(tail_stats(tail).rotated, 0);
		assert_string_equal(buf_str(&got), "1\n");
		w->disk_stat = barred.disk_stat;
	}
}

static void on_denied(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)ctx;
	if (strcmp(event, "tail.refused") != 0)
		return;
	assert_int_equal(level, LOG_WARN);
	assert_non_null(strstr(pairs, "path=\"" LOG "\" why=\"permission denied\""));
	barred.told++;
}

static void a_file_that_may_not_be_opened_is_told_once_and_tried_again_by_the_poll(void **state)
{
	(void)state;
	sim_file_puts(w, LOG, "1\n");
	bar_open(LOG);
	log_set(LOG_INFO, on_denied, NULL);
	follow(LOG, 95000);
	log_set(LOG_INFO, NULL, NULL);
	assert_int_equal(barred.told, 1);
	assert_in_range(barred.opens, 2, 11); /* each poll's: not each second's */
	assert_int_equal(tail_stats(tail).refused, 1);
	assert_int_equal(tail_stats(tail).refused_denied, 1);
	assert_int_equal(tail_stats(tail).read_errors, 0);
	barred.under = NULL;
	pass(11000);
	assert_string_equal(buf_str(&got), "1\n");
	assert_int_equal(tail_stats(tail).refused, 0);
}

/* ---- folders with very many files ---------------------------------------------------------------------------------------------- */

#define MANY 1500
#define FILES_MAX 1024

static struct {
	int (*disk_stat)(struct world *w, const char *path, struct disk_stat *ret, struct err *e);
	int (*file_open)(struct world *w, const char *path, struct disk_file **ret, struct err *e);
	void (*timer_start)(struct world *w, struct timer *t, uint64_t delay_ms, timer_cb *cb);
	unsigned calls, in_tick, most; /* a tick that has more to do ends by starting a timer */
} counted;

static void count_call(void)
{
	counted.calls++;
	if (++counted.in_tick > counted.most)
		counted.most = counted.in_tick;
}

static int counted_stat(struct world *world, const char *path, struct disk_stat *ret, struct err *e)
{
	count_call();
	return counted.disk_stat(world, path, ret, e);
}

static int counted_open(struct world *world, const char *path, struct disk_file **ret, struct err *e)
{
	count_call();
	return counted.file_open(world, path, ret, e);
}

static void counted_timer(struct world *world, struct timer *t, uint64_t delay_ms, timer_cb *cb)
{
	counted.in_tick = 0;
	counted.timer_start(world, t, delay_ms, cb);
}

static void count_calls(void)
{
	memset(&counted, 0, sizeof(counted));
	counted.disk_stat = w->disk_stat;
	counted.file_open = w->file_open;
	counted.timer_start = w->timer_start;
	w->disk_stat = counted_stat;
	w->file_open = counted_open;
	w->timer_start = counted_timer;
}

static void make_many(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/var/log/n%05u.log", i);
		sim_file_puts(w, path, "line\n");
	}
}

static unsigned told;

static void on_log(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)ctx;
	if (strcmp(event, "tail.refused") != 0)
		return;
	assert_int_equal(level, LOG_WARN);
	assert_non_null(strstr(pairs, "/var/log/n"));
	assert_non_null(strstr(pairs, "files_max=1024"));
	told++;
}

static void a_folder_of_many_files_is_taken_in_slices_and_the_rest_is_told_once(void **state)
{
	(void)state;
	told = 0;
	log_set(LOG_INFO, on_log, NULL);
	make_many(0, MANY);
	count_calls();
	follow("/var/log/*.log", 5000);
	assert_in_range(counted.most, 1, 256);
	assert_int_equal(tail_stats(tail).files, FILES_MAX);
	assert_int_equal(tail_stats(tail).lines, FILES_MAX);
	assert_int_equal(tail_stats(tail).refused, MANY - FILES_MAX);
	assert_int_equal(tail_stats(tail).refused_limit, MANY - FILES_MAX);
	pass(60000);
	assert_int_equal(tail_stats(tail).refused, MANY - FILES_MAX); /* files, not looks */
	assert_in_range(counted.most, 1, 256);
	assert_int_equal(told, 1);
	log_set(LOG_INFO, NULL, NULL);
}

static void restore_many(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char path[64];
		struct disk_stat st;

		snprintf(path, sizeof(path), "/var/log/n%05u.log", i);
		assert_int_equal(w->disk_stat(w, path, &st, NULL), 0);
		tail_restore(
		    tail, &(struct telemetry_source){
			      .dev = st.dev, .ino = st.ino, .from = 5, .to = 5, .path = path, .fp = at.fp, .fp_len = at.fp_len });
	}
}

/* Positions are claimed before strangers are taken, and the folder is looked at once for all of them. */
static void a_restart_with_many_positions_looks_at_each_name_once(void **state)
{
	(void)state;
	log_set(LOG_ERROR, NULL, NULL);
	make_many(MANY - 1000, MANY); /* the positions' files are the younger ones */
	pass(10);
	make_many(0, 1000);
	follow("/var/log/n00000.log", 1000); /* for the fingerprint, which all share */
	close_tail();
	buf_reset(&got);
	open_tail("/var/log/*.log");
	restore_many(1000);
	count_calls();
	tail_start(tail);
	pass(5000);
	assert_in_range(counted.calls, MANY, MANY + FILES_MAX);
	assert_in_range(counted.most, 1, 256);
	assert_int_equal(tail_stats(tail).lines, FILES_MAX - 1000);
	log_set(LOG_INFO, NULL, NULL);
}

static void a_compressed_file_is_opened_once_and_again_when_it_changed(void **state)
{
	(void)state;
	sim_file_put(w, LOG ".gz", "\x1f\x8b\x08 zip\n", 8);
	follow(LOG "*", 30000);
	count_calls();
	pass(60000);
	assert_in_range(counted.calls, 1, 10); /* a stat for each look */
	assert_int_equal(tail_stats(tail).refused, 1);
	sim_file_put(w, LOG ".gz", "plain\n", 6);
	pass(20000);
	assert_string_equal(buf_str(&got), "plain\n");
	assert_int_equal(tail_stats(tail).refused, 0);
}

static void closing_waits_for_a_folder_that_is_being_listed(void **state)
{
	(void)state;
	make_many(0, 10);
	for (int ms = 0; ms < 5; ms++) {
		follow("/var/log/*.log", (uint64_t)ms);
		close_tail();
	}
	assert_int_equal(sim_disk_open(w), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_come_as_they_are_finished, setup, teardown),
		cmocka_unit_test_setup_teardown(a_renamed_file_is_read_to_its_end_before_the_new_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_glob_that_matches_both_names_repeats_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_cut_to_nothing_is_read_from_its_start, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_cut_and_grown_beyond_our_place_is_known_by_its_first_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_restart_goes_on_where_the_commit_says, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_renamed_while_we_were_away_is_found_and_read_first, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_born_and_renamed_while_we_were_away_is_read_in_its_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(a_position_that_does_not_fit_is_not_believed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_sink_that_says_no_is_asked_again_and_nothing_is_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_line_is_cut_and_says_by_how_much, setup, teardown),
		cmocka_unit_test_setup_teardown(framing_does_not_depend_on_how_the_bytes_arrive, setup, teardown),
		cmocka_unit_test_setup_teardown(compressed_files_and_folders_are_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_that_poses_as_a_rotated_file_is_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_to_a_file_that_was_followed_is_not_read_as_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_under_the_pattern_bears_the_path_it_leads_to, setup, teardown),
		cmocka_unit_test_setup_teardown(a_byte_order_mark_is_no_part_of_the_first_line, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_that_fail_now_and_then_lose_and_repeat_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_path_that_cannot_be_looked_at_keeps_no_other_file_from_being_rotated, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_disk_that_fails_or_a_folder_that_is_closed_rotates_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_may_not_be_opened_is_told_once_and_tried_again_by_the_poll, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_folder_of_many_files_is_taken_in_slices_and_the_rest_is_told_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_restart_with_many_positions_looks_at_each_name_once, setup, teardown),
		cmocka_unit_test_setup_teardown(closing_waits_for_a_folder_that_is_being_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_compressed_file_is_opened_once_and_again_when_it_changed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
