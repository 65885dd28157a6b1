/* test_spool.c - the spool alone in the simulated world, with backlogs that are larger than the pretend disk would hold in
 * reasonable time: the folder's names are made up as they are listed, the log of commit records is a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "collectors/positions.h"
#include "shippers/commit.h"
#include "shippers/lost.h"
#include "shippers/spool.h"
#include "shippers/taken.h"
#include "tests/sim/world_sim.h"

#define DIR "/var/lib/reeve/spool"

static struct world *w;
static struct spool *s;
static struct spool_config config;
static struct spare spare;
static struct positions positions;
static unsigned opened_n;
static bool closed;

/* ---- a folder of made-up names --------------------------------------------------------------------------------------- */

static unsigned bodies;        /* of each kind, sequences from 1 on, metrics odd */
static size_t read_most, read; /* bytes of the log read in one tick */
static void (*really_start)(struct world *, struct disk_req *, disk_cb *);
static ssize_t (*really_read)(struct world *, struct disk_file *, uint64_t, void *, size_t, struct err *);

static uint64_t id_of(uint64_t seq)
{
	return seq * UINT64_C(0x9e3779b97f4a7c15);
}

static void add_names(struct buf *to)
{
	for (uint64_t i = 2 * (uint64_t)bodies; i > 0; i--) {
		buf_addf(to, "%016" PRIu64 "-%s-%016" PRIx64 ".pb.gz", i, i % 2 == 1 ? "metrics" : "logs", id_of(i));
		buf_addc(to, '\0');
	}
}

static void on_listed(void *ctx)
{
	struct disk_req *r = ctx;

	r->impl = NULL;
	r->cb(r, buf_check(r->names, r->path, &r->err));
}

static void start_disk(struct world *world, struct disk_req *r, disk_cb *cb)
{
	if (r->op != DISK_LIST || bodies == 0 || strcmp(r->path, DIR) != 0) {
		really_start(world, r, cb);
		return;
	}
	r->impl = r;
	r->cb = cb;
	add_names(r->names);
	sim_at(w, 1, on_listed, r);
}

static ssize_t read_file(struct world *world, struct disk_file *f, uint64_t offset, void *to, size_t len, struct err *e)
{
	read += len;
	return really_read(world, f, offset, to, len, e);
}

static void put_log(void)
{
	struct buf b = BUF_MAX(64u << 20);

	for (uint64_t i = 1; i <= 2 * (uint64_t)bodies; i++) {
		size_t from = b.len;

		buf_addf(&b,
			 "{\"seq\":%" PRIu64 ",\"kind\":\"%s\",\"id\":\"%016" PRIx64
			 "\",\"records\":10,\"bytes\":300,\"crc\":7,\"ranges\":[]}",
			 i, i % 2 == 1 ? "metrics" : "logs", id_of(i));
		commit_seal(&b, from);
	}
	assert_false(b.over);
	sim_file_put(w, DIR "/commits", b.data, b.len);
	buf_close(&b);
}

/* ---- the spool ------------------------------------------------------------------------------------------------------- */

static void on_opened(void *ctx)
{
	(void)ctx;
	opened_n++;
}

static void on_closed(void *ctx)
{
	(void)ctx;
	closed = true;
}

static bool is_closed(void *ctx)
{
	(void)ctx;
	return closed;
}

static bool is_open(void *ctx)
{
	(void)ctx;
	return opened_n > 0;
}

static void make(void)
{
	opened_n = 0;
	s = spool_new(w, &config);
}

static void open_spool(void)
{
	make();
	assert_int_equal(sim_run_until(w, is_open, NULL, 60000), SIM_TRUE);
}

static void close_spool(void)
{
	closed = false;
	spool_close(s, on_closed, NULL);
	assert_int_equal(sim_run_until(w, is_closed, NULL, 3600000), SIM_TRUE);
	s = NULL;
}

static int setup(void **state)
{
	(void)state;
	w = sim_new(5);
	really_start = w->disk_start;
	really_read = w->file_read;
	w->disk_start = start_disk;
	w->file_read = read_file;
	sim_dir_make(w, DIR);
	positions_init(&positions);
	config = (struct spool_config){
		.dir = DIR, .dests_n = 1, .opened = on_opened, .positions = &positions.durable, .spare = &spare
	};
	config.dests[0] = (struct spool_dest_config){ "vendor", { 1u << 30, 1u << 30 } };
	bodies = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (s != NULL)
		close_spool();
	positions_close(&positions);
	sim_free(w);
	return 0;
}

static void pass(uint64_t ms)
{
	sim_run_until(w, NULL, NULL, ms);
}

static void put(enum telemetry_kind kind)
{
	struct batch *b = batch_new(kind);
	struct buf body = BUF_MAX(64);

	b->records = 10;
	buf_adds(&body, "a body");
	pieces_take(&b->raw, &body);
	spool_put(s, b);
}

/* ---- how many, how large ---------------------------------------------------------------------------------------------- */

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void a_start_with_fifty_thousand_bodies_of_each_kind_is_done_in_slices(void **state)
{
	unsigned ticks = 0;
	double longest = 0;

	(void)state;
	bodies = SPOOL_ENTRIES_MAX;
	put_log();
	make();
	while (opened_n == 0) {
		double from = cpu_ms(), took;

		read = 0;
		assert_true(sim_step(w));
		took = cpu_ms() - from;
		longest = took > longest && ticks > 2 ? took : longest; /* the first ones make the names up */
		read_most = read > read_most ? read : read_most;
		ticks++;
	}
	print_message("%u ticks, the longest %.1f ms\n", ticks, longest); /* told, not judged: machines differ */
	assert_true(ticks > 400);
	assert_true(read_most <= 64u << 10);
	assert_int_equal(spool_stats(s).entries[TELEMETRY_METRIC], SPOOL_ENTRIES_MAX);
	assert_int_equal(spool_stats(s).entries[TELEMETRY_LOG], SPOOL_ENTRIES_MAX);
	assert_int_equal(spool_stats(s).uncommitted[TELEMETRY_METRIC] + spool_stats(s).uncommitted[TELEMETRY_LOG], 0);
	assert_int_equal(spool_stats(s).corrupt, 0);
}

static void what_is_found_beyond_the_cap_is_dropped_the_oldest_first_and_counted(void **state)
{
	(void)state;
	bodies = SPOOL_ENTRIES_MAX + 40;
	put_log();
	open_spool();
	for (int kind = 0; kind < TELEMETRY_KINDS; kind++) {
		assert_int_equal(spool_stats(s).entries[kind], SPOOL_ENTRIES_MAX);
		assert_int_equal(spool_stats(s).dropped_records[kind], 40 * 10);
	}
	pass(60000);
	assert_int_equal(spool_oldest(s, 0, TELEMETRY_METRIC)->seq, 2 * 40 + 1);
}

static void at_the_cap_metrics_lose_the_oldest_and_logs_push_back(void **state)
{
	(void)state;
	bodies = SPOOL_ENTRIES_MAX;
	put_log();
	open_spool();
	pass(60000);
	assert_false(spool_has_room(s, TELEMETRY_LOG));
	assert_true(spool_has_room(s, TELEMETRY_METRIC));
	put(TELEMETRY_METRIC);
	pass(60000);
	assert_int_equal(spool_stats(s).entries[TELEMETRY_METRIC], SPOOL_ENTRIES_MAX);
	assert_int_equal(spool_stats(s).dropped_records[TELEMETRY_METRIC], 10);
	assert_int_equal(spool_stats(s).dropped_records[TELEMETRY_LOG], 0);
}

static void the_log_is_written_anew_at_the_cap_and_read_again(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(64u << 20);
	size_t lines = 0;

	(void)state;
	bodies = SPOOL_ENTRIES_MAX;
	put_log();
	open_spool();
	assert_null(spool_oldest(s, 0, TELEMETRY_LOG)); /* not before it is durable */
	pass(600000);
	assert_non_null(spool_oldest(s, 0, TELEMETRY_LOG));
	assert_true(sim_file_get(w, DIR "/commits", &b));
	for (const char *at = b.data; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 2 * SPOOL_ENTRIES_MAX + 4); /* and the positions, the destination, the account of either kind */
	close_spool();
	open_spool();
	assert_int_equal(spool_stats(s).entries[TELEMETRY_LOG], SPOOL_ENTRIES_MAX);
	assert_int_equal(spool_stats(s).corrupt, 0);
}

static void a_small_body_counts_as_the_block_that_it_takes(void **state)
{
	(void)state;
	bodies = 10; /* of 300 bytes */
	put_log();
	open_spool();
	assert_int_equal(spool_stats(s).bytes[TELEMETRY_LOG], 10 * 4096);
	put(TELEMETRY_LOG);
	pass(60000);
	assert_int_equal(spool_stats(s).bytes[TELEMETRY_LOG], 11 * 4096);
}

/* ---- sequences that are not ours -------------------------------------------------------------------------------------- */

/* What was put stays, is found by the next start and counts as not sent. */
static void expect_to_be_found_again(void)
{
	put(TELEMETRY_LOG);
	pass(60000);
	assert_int_equal(spool_stats(s).entries[TELEMETRY_LOG], 1);
	close_spool();
	open_spool();
	assert_int_equal(spool_stats(s).entries[TELEMETRY_LOG], 1);
}

static void a_stray_name_does_not_push_the_sequence_to_where_names_end(void **state)
{
	static const char *const names[] = {
		"9999999999999999-logs-0123456789abcdef.pb.gz", "1000000000000000-logs-0123456789abcdef.pb.gz",
		"0999999999999999-logs-0123456789abcdef.pb.gz", "9999999999999999-logs-0123456789abcdef.pb.gz.bad",
		"+000000000000007-logs-0123456789abcdef.pb.gz",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(mem_close) char *path = mem_printf(DIR "/%s", names[i]);

		sim_file_puts(w, path, "junk");
	}
	open_spool();
	expect_to_be_found_again();
	assert_true(spool_oldest(s, 0, TELEMETRY_LOG) == NULL || spool_oldest(s, 0, TELEMETRY_LOG)->seq < 1000);
}

static void a_changed_digit_in_a_record_is_damage_and_nothing_more(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);
	char *seq;

	(void)state;
	bodies = 3;
	put_log();
	assert_true(sim_file_get(w, DIR "/commits", &b));
	seq = strstr(b.data, "\"seq\":2,");
	assert_non_null(seq);
	seq[6] = '9';
	sim_file_put(w, DIR "/commits", b.data, b.len);
	open_spool();
	assert_int_equal(spool_stats(s).corrupt, 1);
	assert_int_equal(spool_stats(s).entries[TELEMETRY_METRIC], 3);
}

/* ---- what cannot be read ----------------------------------------------------------------------------------------------- */

static char told[64];

static void on_log(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)pairs;
	(void)ctx;
	if (level == LOG_ERROR)
		snprintf(told, sizeof(told), "%s", event);
}

static void a_log_that_cannot_be_read_is_told_and_read_when_it_can_be(void **state)
{
	(void)state;
	told[0] = '\0';
	log_set(LOG_ERROR, on_log, NULL);
	sim_dir_make(w, DIR "/commits");
	make();
	pass(60000);
	log_set(LOG_INFO, NULL, NULL);
	assert_int_equal(opened_n, 0);
	assert_string_equal(told, "spool.unreadable");
	assert_non_null(strstr(spool_trouble(s), DIR "/commits"));
	assert_non_null(strstr(spool_trouble(s), "move"));
	assert_false(spool_has_room(s, TELEMETRY_METRIC));
	sim_file_unlink(w, DIR "/commits");
	pass(60000);
	assert_int_equal(opened_n, 1);
	assert_null(spool_trouble(s));
	assert_true(spool_has_room(s, TELEMETRY_METRIC));
}

static void a_line_longer_than_any_record_is_passed_by_and_counted(void **state)
{
	struct buf b = BUF_MAX(COMMIT_LINE_MAX + (1u << 20));

	(void)state;
	bodies = 3;
	put_log();
	memset(buf_room(&b, COMMIT_LINE_MAX + 100000), '#', COMMIT_LINE_MAX + 100000);
	buf_grew(&b, COMMIT_LINE_MAX + 100000);
	buf_addc(&b, '\n');
	commit_format(&(struct commit){ .seq = 9, .kind = COMMIT_POSITIONS }, &b);
	buf_adds(&b, "{\"torn");
	sim_file_append(w, DIR "/commits", b.data, b.len);
	buf_close(&b);
	open_spool();
	assert_int_equal(spool_stats(s).corrupt, 1);
	assert_int_equal(spool_stats(s).entries[TELEMETRY_LOG], 3);
	put(TELEMETRY_LOG);
	pass(60000);
	close_spool();
	bodies = 0;
	open_spool();
	assert_int_equal(spool_stats(s).corrupt, 0);
	assert_int_equal(spool_stats(s).entries[TELEMETRY_LOG], 1);
}

static void a_disk_that_takes_nothing_is_told_until_it_does(void **state)
{
	(void)state;
	open_spool();
	sim_fail_rate(w, SIM_DISK, 1000);
	put(TELEMETRY_METRIC);
	pass(30000);
	assert_non_null(strstr(spool_trouble(s), "cannot be written"));
	sim_fail_rate(w, SIM_DISK, 0);
	pass(30000);
	assert_null(spool_trouble(s));
	assert_int_equal(spool_stats(s).entries[TELEMETRY_METRIC], 1);
}

static void a_close_at_any_moment_of_the_start_ends(void **state)
{
	(void)state;
	bodies = 3000;
	put_log();
	sim_fail_rate(w, SIM_READ, 100);
	for (unsigned n = 0; n < 60; n++) {
		make();
		for (unsigned i = 0; i < n; i++)
			sim_step(w);
		close_spool();
	}
	sim_fail_rate(w, SIM_READ, 0);
}

/* ---- positions ------------------------------------------------------------------------------------------------------------ */

static int (*really_stat)(struct world *, const char *, struct disk_stat *, struct err *);

static int stat_within(struct world *world, const char *path, struct disk_stat *ret, struct err *e)
{
	assert_true(str_starts(path, DIR));
	return really_stat(world, path, ret, e);
}

static void start_disk_within(struct world *world, struct disk_req *r, disk_cb *cb)
{
	assert_true(str_starts(r->path, DIR));
	start_disk(world, r, cb);
}

static void the_spool_looks_at_no_folder_but_its_own(void **state)
{
	struct telemetry_source range = { .dev = 1, .ino = 7, .to = 10, .path = "/var/log/gone" };
	const struct commit c = { .seq = 1, .kind = COMMIT_POSITIONS, .ranges = &range, .ranges_n = 1 };
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);

	(void)state;
	commit_format(&c, &b);
	sim_file_put(w, DIR "/commits", b.data, b.len);
	really_stat = w->disk_stat;
	w->disk_stat = stat_within;
	w->disk_start = start_disk_within;
	open_spool();
	pass(60000);
	assert_int_equal(positions.durable_n, 1); /* whether its file is there is not the spool's business */
}

/* ---- what goes at a start ------------------------------------------------------------------------------------------------ */

static struct disk_req *held;
static disk_cb *held_cb;

static void hold_the_rename(struct world *world, struct disk_req *r, disk_cb *cb)
{
	if (r->op != DISK_RENAME || held != NULL) {
		start_disk(world, r, cb);
		return;
	}
	held = r;
	held_cb = cb;
}

static bool is_there(const char *name)
{
	CLEANUP(mem_close) char *path = mem_printf("%s/%s", DIR, name);
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);

	return sim_file_get(w, path, &b);
}

/* Of the first the log says that it was taken, of the second that it was lost, of the third nothing. A killed agent may have
 * written that, and no disk has it yet: were a body unlinked and the word of it taken back by a loss of power, it would be missing
 * and be counted nowhere. */
static void no_body_goes_before_it_is_durable_that_it_may(void **state)
{
	static const char *const names[] = { "0000000000000001-logs-0000000000000001.pb.gz",
					     "0000000000000002-logs-0000000000000002.pb.zst",
					     "0000000000000003-logs-0000000000000003.pb.gz" };
	const struct commit first = { .seq = 1, .kind = TELEMETRY_LOG, .id = "0000000000000001", .records = 10, .bytes = 1 };
	const struct commit second = { .seq = 2, .kind = TELEMETRY_LOG, .id = "0000000000000002", .records = 10, .bytes = 1 };
	const struct taken taken = { .seq = 1, .kind = TELEMETRY_LOG, .by = "vendor" };
	struct lost lost = { .seq = 2, .kind = TELEMETRY_LOG, .by = "vendor", .id = "0000000000000002", .counts_n = 1 };
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);

	(void)state;
	lost.counts[0] = (struct lost_count){ "/x", ACCOUNT_AGE, 10 };
	commit_format(&first, &b);
	commit_format(&second, &b);
	assert_int_equal(lost_format(&lost, &b), 0);
	assert_int_equal(taken_format(&taken, &b), 0);
	sim_file_put(w, DIR "/commits", b.data, b.len);
	for (size_t i = 0; i < 3; i++) {
		CLEANUP(mem_close) char *path = mem_printf("%s/%s", DIR, names[i]);

		sim_file_puts(w, path, "x");
	}
	held = NULL;
	w->disk_start = hold_the_rename;
	open_spool();
	pass(60000);
	assert_non_null(held);
	for (size_t i = 0; i < 3; i++)
		assert_true(is_there(names[i]));
	really_start(w, held, held_cb);
	pass(60000);
	for (size_t i = 0; i < 3; i++)
		assert_false(is_there(names[i]));
	assert_int_equal(account_lost_of(spool_account(s), 0, TELEMETRY_LOG), 10);
	assert_int_equal(spool_stats(s).uncommitted[TELEMETRY_LOG], 1);
}

/* ---- a record that is refused, and not needed any more ----------------------------------------------------------------------- */

static unsigned appends;

static void refuse_the_second(struct world *world, struct disk_req *r, disk_cb *cb)
{
	if (r->op == DISK_APPEND && ++appends == 2)
		sim_fail_nth(world, SIM_DISK, 1, ERR_IO);
	start_disk(world, r, cb);
}

static void on_ended(void *ctx, int rc)
{
	*(int *)ctx = rc;
}

/* The first destination's record is written, the second's is refused: then the body is wanted by nobody else, and goes without. */
static void a_refused_record_that_nobody_needs_any_more_does_not_keep_the_spool_full(void **state)
{
	const struct spool_loss none = { 0 };
	struct spool_entry *en;
	int first = 1, second = 1;

	(void)state;
	config.dests_n = 2;
	config.dests[1] = (struct spool_dest_config){ "customer", { 1u << 30, 1u << 30 } };
	open_spool();
	put(TELEMETRY_LOG);
	pass(60000);
	en = spool_oldest(s, 0, TELEMETRY_LOG);
	assert_non_null(en);
	appends = 0;
	w->disk_start = refuse_the_second;
	spool_hold(en, 0);
	spool_hold(en, 1);
	spool_finish(en, 0, SPOOL_TAKEN, none, on_ended, &first);
	spool_finish(en, 1, SPOOL_TAKEN, none, on_ended, &second);
	pass(1000);
	assert_int_equal(first, 0);
	assert_int_equal(second, -ERR_IO);
	assert_false(spool_has_room(s, TELEMETRY_LOG));
	spool_finish(en, 1, SPOOL_TAKEN, none, on_ended, &second);
	pass(20000);
	assert_int_equal(second, 0);
	assert_true(spool_has_room(s, TELEMETRY_LOG));
	assert_null(spool_trouble(s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_start_with_fifty_thousand_bodies_of_each_kind_is_done_in_slices, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_found_beyond_the_cap_is_dropped_the_oldest_first_and_counted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(at_the_cap_metrics_lose_the_oldest_and_logs_push_back, setup, teardown),
		cmocka_unit_test_setup_teardown(the_log_is_written_anew_at_the_cap_and_read_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_small_body_counts_as_the_block_that_it_takes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stray_name_does_not_push_the_sequence_to_where_names_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_changed_digit_in_a_record_is_damage_and_nothing_more, setup, teardown),
		cmocka_unit_test_setup_teardown(a_log_that_cannot_be_read_is_told_and_read_when_it_can_be, setup, teardown),
		cmocka_unit_test_setup_teardown(a_line_longer_than_any_record_is_passed_by_and_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(a_disk_that_takes_nothing_is_told_until_it_does, setup, teardown),
		cmocka_unit_test_setup_teardown(the_spool_looks_at_no_folder_but_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(a_close_at_any_moment_of_the_start_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(no_body_goes_before_it_is_durable_that_it_may, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refused_record_that_nobody_needs_any_more_does_not_keep_the_spool_full, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
