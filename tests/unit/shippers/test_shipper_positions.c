/* test_shipper_positions.c - how far each file was read: what moves a position, and what keeping them costs. */
#include "tests/unit/shippers/dock.h"

#include "agent/base/log.h"
#include "shippers/commit.h"

static struct telemetry_source found; /* the last one */

static unsigned positions(void)
{
	const struct telemetry_positions *p = &dock.positions.durable;
	unsigned n = 0;

	for (p->rewind(p->ctx); p->next(p->ctx, &found);)
		n++;
	return n;
}

static void lines_that_the_rules_keep_here_move_the_position_too(void **state)
{
	const struct telemetry_rules nothing = { 0 };

	(void)state;
	dock_open();
	sim_file_puts(dock.w, "/var/log/x", "12345\n");
	shipper_rules(dock.ship, &nothing, NULL, NULL);
	assert_true(dock_put("12345"));
	dock_pass(5000);
	dock_expect_files(0, 0, 0);
	assert_int_equal(dock.arrived, 0);
	assert_int_equal(positions(), 1);
	assert_int_equal(found.to, 6);
}

static void find(unsigned from, unsigned to, const char *dir)
{
	const struct telemetry_sink *sink = shipper_sink(dock.ship);

	for (unsigned i = from; i < to; i++) {
		CLEANUP(mem_close) char *path = mem_printf("%s/%u", dir, i);

		sink->found(sink->ctx, &(struct telemetry_source){ .dev = 9, .ino = i, .path = path });
	}
}

static unsigned appends;
static size_t line_most;

static void measure_lines(const char *at, size_t len)
{
	for (const char *end = at + len, *lf; (lf = memchr(at, '\n', (size_t)(end - at))) != NULL; at = lf + 1)
		line_most = (size_t)(lf - at) > line_most ? (size_t)(lf - at) : line_most;
}

static void count_appends(struct world *w, struct disk_req *r, disk_cb *cb)
{
	if (r->op == DISK_APPEND) {
		appends++;
		measure_lines(r->data, r->len);
	}
	dock.disk_start(w, r, cb);
}

static void open_counting(void)
{
	dock_open();
	dock_hook_disk(count_appends);
	appends = 0;
	line_most = 0;
}

/* As many as are ever followed, with paths as long as they can be, each byte of them six in JSON, while a batch is open. */
static void files_found_beside_a_line_make_no_commit_record_longer_than_one_may_be(void **state)
{
	char dir[4000];

	(void)state;
	memset(dir, '\x01', sizeof(dir));
	dir[0] = '/';
	dir[sizeof(dir) - 1] = '\0';
	open_counting();
	dock_put("x");
	find(1000, 2024, dir);
	dock_pass(5000);
	assert_int_equal(positions(), 1025);
	assert_in_range(line_most, 1, COMMIT_LINE_MAX);
	dock_unhook_disk();
	dock_close();
	dock_open();
	assert_int_equal(shipper_stats(dock.ship).spool.corrupt, 0);
	assert_int_equal(positions(), 1025);
}

static void files_found_together_share_commit_records(void **state)
{
	(void)state;
	open_counting();
	find(1000, 1001, "/mnt");
	dock_pass(100);
	assert_int_equal(positions(), 1); /* at once */
	find(1001, 2024, "/mnt");
	dock_pass(1000);
	assert_int_equal(positions(), 1024);
	assert_in_range(appends, 1, 10);
	assert_int_equal(shipper_stats(dock.ship).spool.entries[TELEMETRY_LOG], 0); /* they take nothing of the quota */
	dock_put("x");
	dock_pass(5000);
	assert_int_equal(dock.arrived, 1);
	dock_unhook_disk();
}

static void files_found_while_the_disk_takes_nothing_do_not_fill_the_memory(void **state)
{
	(void)state;
	dock_open();
	log_set(LOG_ERROR, NULL, NULL);
	sim_fail_rate(dock.w, SIM_DISK, 1000);
	find(1000, 25000, "/mnt");
	dock_pass(60000);
	log_set(LOG_INFO, NULL, NULL);
	sim_fail_rate(dock.w, SIM_DISK, 0);
	dock_pass(60000);
	assert_in_range(positions(), 10240, 14000);
	find(26000, 26001, "/mnt");
	dock_pass(1000);
	positions();
	assert_int_equal(found.ino, 26000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCK_TEST(lines_that_the_rules_keep_here_move_the_position_too),
		DOCK_TEST(files_found_beside_a_line_make_no_commit_record_longer_than_one_may_be),
		DOCK_TEST(files_found_together_share_commit_records),
		DOCK_TEST(files_found_while_the_disk_takes_nothing_do_not_fill_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
