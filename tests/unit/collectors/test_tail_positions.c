/* test_tail_positions.c - which positions are kept when there are many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "collectors/tail_impl.h"
#include "tests/sim/flag.h"
#include "tests/sim/world_sim.h"

#define LET_GO_MAX 4096
#define FIRST_INO 1000000 /* of files that never were */

static struct world *w;
static struct tail *tail;
static struct buf got;
static struct telemetry_source at; /* of the last line */
static unsigned told;
static uint64_t let_go_ino, let_go_to; /* as the sink was told */

static void on_let_go(void *ctx, const struct telemetry_source *s)
{
	(void)ctx;
	let_go_ino = s->ino;
	let_go_to = s->to;
}

static bool on_line(void *ctx, const struct telemetry_line *l)
{
	(void)ctx;
	buf_add(&got, l->body, l->len);
	buf_addc(&got, '\n');
	at = l->source;
	return true;
}

static void open_tail(const char *pattern)
{
	const struct telemetry_sink sink = { .line = on_line, .let_go = on_let_go };
	const struct tail_path path = { pattern, "service" };

	tail = tail_new(w, &(struct tail_config){ .paths = &path, .paths_n = 1 }, &sink);
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

static void on_log(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)ctx;
	(void)pairs;
	if (strcmp(event, "tail.position.dropped") != 0)
		return;
	assert_int_equal(level, LOG_WARN);
	told++;
}

static int setup(void **state)
{
	(void)state;
	w = sim_new(5);
	got = BUF_MAX(1u << 20);
	told = 0;
	let_go_ino = let_go_to = 0;
	sim_dir_make(w, "/var/log");
	log_set(LOG_INFO, on_log, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (tail != NULL)
		close_tail();
	log_set(LOG_INFO, NULL, NULL);
	buf_close(&got);
	sim_free(w);
	return 0;
}

static void let_go(unsigned from, unsigned to, const char *dir)
{
	for (unsigned i = from; i < to; i++) {
		CLEANUP(mem_close) char *path = mem_printf("%s/n%u", dir, i);

		tail_remember(tail, &(struct telemetry_source){ .dev = 1, .ino = FIRST_INO + i, .to = 5, .path = path }, true);
	}
}

static bool is_known(unsigned i)
{
	return tail_is_known(tail, 1, FIRST_INO + i);
}

static int (*really_resolve)(struct world *w, const char *path, struct buf *b, struct err *e);

static int resolve_unmounted(struct world *world, const char *path, struct buf *b, struct err *e)
{
	return strncmp(path, "/mnt", 4) == 0 ? err_set(e, ERR_NOTFOUND, "%s", path) : really_resolve(world, path, b, e);
}

static void a_position_in_a_folder_not_mounted_yet_outlives_any_number_of_files_let_go(void **state)
{
	(void)state;
	sim_dir_make(w, "/mnt");
	sim_file_puts(w, "/mnt/x.log", "1\n");
	open_tail("/mnt/*.log");
	tail_start(tail);
	pass(1000);
	close_tail();
	at.path = "/mnt/x.log";
	sim_file_append(w, "/mnt/x.log", "2\n", 2);
	really_resolve = w->disk_realpath;
	w->disk_realpath = resolve_unmounted;
	open_tail("/mnt/*.log");
	tail_restore(tail, &at);
	tail_start(tail);
	pass(1000);
	let_go(0, 2 * LET_GO_MAX, "/var/log");
	w->disk_realpath = really_resolve;
	pass(20000);
	assert_string_equal(buf_str(&got), "1\n2\n");
}

static void of_files_let_go_those_go_first_that_are_gone(void **state)
{
	struct disk_stat st;

	(void)state;
	sim_file_puts(w, "/var/log/renamed", "there\n");
	assert_int_equal(w->disk_stat(w, "/var/log/renamed", &st, NULL), 0);
	open_tail("/var/log/*.log");
	tail_remember(tail, &(struct telemetry_source){ st.dev, st.ino, 0, 6, 6, 0, 0, "/var/log/x.log" }, true);
	let_go(0, 1, "/mnt"); /* nobody looks there */
	let_go(1, 3000, "/var/log");
	sim_fail_rate(w, SIM_DISK, 1000);
	tail_start(tail);
	pass(15000);
	assert_true(is_known(1)); /* nothing is known of a folder that cannot be listed */
	sim_fail_rate(w, SIM_DISK, 0);
	pass(15000);
	assert_false(is_known(1) || is_known(2999));
	let_go(3000, 3000 + LET_GO_MAX - 2, "/var/log");
	assert_true(is_known(0) && is_known(3000) && tail_is_known(tail, st.dev, st.ino));
	assert_int_equal(tail_stats(tail).positions_dropped, 0);
}

static void where_all_may_come_back_the_oldest_goes_counted_and_told_once(void **state)
{
	(void)state;
	open_tail("/var/log/*.log");
	let_go(0, LET_GO_MAX, "/mnt");
	tail_start(tail);
	pass(15000);
	assert_true(is_known(0));
	assert_int_equal(tail_stats(tail).positions_dropped, 0);
	let_go(LET_GO_MAX, LET_GO_MAX + 100, "/mnt");
	assert_false(is_known(99));
	assert_true(is_known(100) && is_known(LET_GO_MAX + 99));
	assert_int_equal(tail_stats(tail).positions_dropped, 100);
	assert_int_equal(told, 1);
}

static void while_they_are_few_all_are_remembered(void **state)
{
	(void)state;
	open_tail("/var/log/*.log");
	let_go(0, 1000, "/var/log");
	tail_start(tail);
	pass(60000);
	assert_true(is_known(0) && is_known(999));
}

static void the_sink_is_told_of_a_file_that_is_let_go(void **state)
{
	(void)state;
	sim_file_puts(w, "/var/log/x.log", "1\n2");
	open_tail("/var/log/*.log");
	tail_start(tail);
	pass(20000);
	assert_int_equal(let_go_ino, 0);
	sim_file_rename(w, "/var/log/x.log", "/var/log/x.log.1");
	pass(20000);
	assert_int_equal(let_go_ino, at.ino);
	assert_int_equal(let_go_to, 3);
	assert_true(tail_is_known(tail, at.dev, at.ino));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_position_in_a_folder_not_mounted_yet_outlives_any_number_of_files_let_go, setup,
						teardown),
		cmocka_unit_test_setup_teardown(of_files_let_go_those_go_first_that_are_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(where_all_may_come_back_the_oldest_goes_counted_and_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(the_sink_is_told_of_a_file_that_is_let_go, setup, teardown),
		cmocka_unit_test_setup_teardown(while_they_are_few_all_are_remembered, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
