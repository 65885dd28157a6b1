/* test_spool_dest.c - two destinations, one spooled body: each gets all, in its own time, and none costs the other anything. */
#include "tests/unit/shippers/dock.h"

static int start_with_customer(void **state)
{
	dock_start(state);
	dock.has_customer = true;
	dock.customer_answer = 200;
	return 0;
}

static bool customer_has(const char *text)
{
	return dock.customer_bodies.len > 0 &&
	       memmem(dock.customer_bodies.data, dock.customer_bodies.len, text, strlen(text)) != NULL;
}

static unsigned customer_arrived(void)
{
	return (unsigned)dock.customer_ids.len / 17;
}

static void put_lines(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		char text[32];

		snprintf(text, sizeof(text), "line-%02u", i);
		assert_true(dock_put(text));
		dock_pass(1500);
	}
}

static uint64_t dropped_of(unsigned dest)
{
	return shipper_stats(dock.ship).dest[dest].dropped_records[TELEMETRY_LOG];
}

static void both_get_each_body_once_and_then_it_goes(void **state)
{
	(void)state;
	dock_open();
	put_lines(0, 3);
	dock_scrape();
	dock_pass(30000);
	assert_int_equal(dock.arrived, 4);
	assert_int_equal(customer_arrived(), 4);
	for (unsigned i = 0; i < dock.arrived; i++)
		assert_non_null(strstr(buf_str(&dock.customer_ids), dock.ids[i]));
	dock_expect_files(0, 0, 0);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].sent_records[TELEMETRY_LOG], 3);
	assert_int_equal(shipper_stats(dock.ship).exporter[1].sent_records[TELEMETRY_LOG], 3);
}

static void for_one_that_is_away_the_bodies_wait_while_the_other_gets_them(void **state)
{
	(void)state;
	dock.customer_answer = 0;
	dock_open();
	put_lines(0, 5);
	assert_int_equal(dock.arrived, 5);
	dock_expect_files(5, 0, 0);
	assert_int_equal(shipper_stats(dock.ship).dest[0].entries[TELEMETRY_LOG], 0);
	assert_int_equal(shipper_stats(dock.ship).dest[1].entries[TELEMETRY_LOG], 5);
	dock.customer_answer = 200;
	dock_pass(120000);
	assert_int_equal(customer_arrived(), 5);
	assert_int_equal(dock.arrived, 5);
	dock_expect_files(0, 0, 0);
}

/* Several: each start reads what the one before has written anew, and what came since. */
static void what_one_has_had_is_known_after_a_restart(void **state)
{
	(void)state;
	dock.customer_answer = 0;
	dock_open();
	put_lines(0, 3);
	for (unsigned i = 0; i < 4; i++) {
		dock_close();
		dock_open();
		dock_pass(10000);
		if (i % 2 == 1)
			put_lines(3 + i / 2, 4 + i / 2);
		assert_int_equal(dock.arrived, 3 + (i + 1) / 2);
	}
	dock.customer_answer = 200;
	dock_pass(120000);
	assert_int_equal(customer_arrived(), 5);
	assert_int_equal(dock.arrived, 5);
	dock_expect_files(0, 0, 0);
}

static void above_its_quota_one_that_is_away_loses_its_oldest_alone(void **state)
{
	(void)state;
	dock.customer_answer = 0;
	dock.customer_logs_max = 4 * 4096;
	dock_open();
	put_lines(0, 10);
	assert_int_equal(dock.arrived, 10);
	assert_int_equal(dropped_of(0), 0);
	assert_true(dropped_of(1) >= 6);
	dock.customer_answer = 200;
	dock_pass(120000);
	assert_false(customer_has("line-00"));
	assert_true(customer_has("line-09"));
	assert_int_equal(customer_arrived() + dropped_of(1), 10);
	dock_expect_files(0, 0, 0);
}

static struct disk_req *held;
static disk_cb *held_cb;

/* The first body is not written before the test says so, and nobody overtakes it. */
static void hold_the_first(struct world *w, struct disk_req *r, disk_cb *cb)
{
	if (r->op != DISK_REPLACE || held != NULL) {
		dock.disk_start(w, r, cb);
		return;
	}
	held = r;
	held_cb = cb;
}

/* Also what was on its way to the disk when the room was gone. */
static void logs_wait_in_their_file_when_both_are_full_and_nothing_is_lost(void **state)
{
	unsigned taken = 0;

	(void)state;
	held = NULL;
	dock.customer_answer = 0;
	dock.logged_in = false;
	dock.logs_max = dock.customer_logs_max = 4 * 4096;
	dock_open();
	dock_pass(1000);
	dock_hook_disk(hold_the_first);
	for (; taken < 20 && dock_put("a line"); taken++)
		dock_pass(1500);
	assert_true(taken >= 6 && taken < 10);
	dock.disk_start(dock.w, held, held_cb);
	dock_pass(1000);
	dock_unhook_disk();
	assert_true(shipper_stats(dock.ship).dest[1].bytes[TELEMETRY_LOG] > dock.logs_max);
	assert_false(dock_put("another"));
	assert_int_equal(dropped_of(0) + dropped_of(1), 0);
	dock.customer_answer = 200;
	dock.logged_in = true;
	dock_pass(120000);
	assert_int_equal(dock.arrived, taken);
	assert_int_equal(customer_arrived(), taken);
	assert_true(dock_put("a line more"));
}

static void what_one_refuses_is_set_aside_when_the_other_has_had_it(void **state)
{
	(void)state;
	dock.customer_answer = 400;
	dock.logged_in = false;
	dock_open();
	put_lines(0, 1);
	assert_int_equal(customer_arrived(), 1);
	dock_expect_files(1, 0, 0);
	dock.logged_in = true;
	dock_pass(30000);
	assert_int_equal(dock.arrived, 1);
	assert_int_equal(customer_arrived(), 1);
	dock_expect_files(0, 1, 0);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].rejected_records[TELEMETRY_LOG], 0);
	assert_int_equal(shipper_stats(dock.ship).exporter[1].rejected_records[TELEMETRY_LOG], 1);
}

static void one_that_is_not_configured_any_more_leaves_nothing_behind(void **state)
{
	(void)state;
	dock.customer_answer = 0;
	dock_open();
	put_lines(0, 3);
	dock_expect_files(3, 0, 0);
	dock_close();
	dock.has_customer = false;
	dock_open();
	dock_pass(30000);
	assert_int_equal(dock.arrived, 3);
	dock_expect_files(0, 0, 0);
	assert_int_equal(shipper_stats(dock.ship).spool.uncommitted[TELEMETRY_LOG], 0);
}

static uint64_t aged_of(unsigned dest)
{
	return shipper_stats(dock.ship).dest[dest].aged_records[TELEMETRY_LOG];
}

/* Over a restart, and for the one that is away alone. */
static void what_has_waited_too_long_goes_counted_and_no_sooner(void **state)
{
	(void)state;
	dock.customer_answer = 0;
	dock.max_age_s = 600;
	dock_open();
	put_lines(0, 2);
	dock_pass(300000);
	dock_close();
	dock_open();
	put_lines(2, 3);
	dock_pass(270000);
	assert_int_equal(aged_of(1), 0);
	dock_expect_files(3, 0, 0);
	dock_pass(60000);
	assert_int_equal(aged_of(1), 2);
	assert_int_equal(aged_of(0), 0);
	dock_expect_files(1, 0, 0);
	dock.customer_answer = 200;
	dock_pass(120000);
	assert_int_equal(customer_arrived(), 1);
	assert_true(customer_has("line-02"));
	assert_int_equal(dock.arrived, 3);
}

/* Of a step of the clock nothing becomes old, and one that was closed in the future is of no known age. */
static void a_clock_that_is_set_makes_nothing_old(void **state)
{
	(void)state;
	dock.customer_answer = 0;
	dock.max_age_s = 600;
	dock_open();
	put_lines(0, 2);
	sim_wall_set(dock.w, world_wall_ms(dock.w) + 86400000);
	put_lines(2, 3);
	dock_pass(60000);
	assert_int_equal(aged_of(1), 0);
	sim_wall_set(dock.w, world_wall_ms(dock.w) - 2 * 86400000ll);
	dock_close();
	dock_open();
	dock_pass(60000);
	assert_int_equal(aged_of(1), 0);
	dock_expect_files(3, 0, 0);
}

static void refuse_appends(struct world *w, struct disk_req *r, disk_cb *cb)
{
	if (r->op == DISK_APPEND) {
		r->op = DISK_RENAME; /* of a file that is not there */
		r->path = r->to = DOCK_DIR "/nothing";
	}
	dock.disk_start(w, r, cb);
}

/* Each body that is taken has a record to be written while the other still needs it. */
static void a_disk_that_refuses_the_record_stops_the_sending_and_not_the_close(void **state)
{
	unsigned before;

	(void)state;
	dock.customer_answer = 0;
	dock.logged_in = false;
	dock_open();
	put_lines(0, 6);
	dock_hook_disk(refuse_appends);
	dock.logged_in = true;
	dock_pass(60000);
	before = dock.arrived;
	assert_true(before >= 1 && before <= 4); /* that many are sent again when the agent is killed now */
	dock_close();
	dock_unhook_disk();
	dock_open();
	dock_pass(60000);
	assert_int_equal(dock.arrived, before + 6);
	dock_expect_files(6, 0, 0);
}

static void bodies_of_zstd_that_one_has_lost_leave_the_folder(void **state)
{
	(void)state;
	dock.format = PACK_ZSTD;
	dock.customer_answer = 0;
	dock.customer_logs_max = 4 * 4096;
	dock_open();
	put_lines(0, 10);
	assert_true(dropped_of(1) >= 6);
	dock_expect_files(10 - (unsigned)dropped_of(1), 0, 0);
}

/* The record of a loss is not written before the test says so. */
static void hold_the_loss(struct world *w, struct disk_req *r, disk_cb *cb)
{
	if (r->op != DISK_APPEND || held != NULL || memmem(r->data, r->len, "\"lost\"", 6) == NULL) {
		dock.disk_start(w, r, cb);
		return;
	}
	held = r;
	held_cb = cb;
}

/* Behind a crash nobody could count what is neither in the log nor in the folder. */
static void a_body_stays_until_it_is_durable_that_the_other_has_lost_it(void **state)
{
	(void)state;
	held = NULL;
	dock.customer_answer = 0;
	dock.logged_in = false;
	dock.customer_logs_max = 4 * 4096;
	dock_open();
	dock_pass(1000);
	dock_hook_disk(hold_the_loss);
	put_lines(0, 5);
	assert_non_null(held);
	dock.logged_in = true;
	dock_pass(60000);
	assert_true(dock.arrived > 0);
	dock_expect_files(5, 0, 0);
	dock_unhook_disk();
	dock.w->disk_start(dock.w, held, held_cb);
	dock_pass(60000);
	assert_int_equal(dock.arrived, 5);
	dock_expect_files(5 - (unsigned)dropped_of(1), 0, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start_with_customer, dock_end)
	const struct CMUnitTest tests[] = {
		TEST(both_get_each_body_once_and_then_it_goes),
		TEST(for_one_that_is_away_the_bodies_wait_while_the_other_gets_them),
		TEST(what_one_has_had_is_known_after_a_restart),
		TEST(above_its_quota_one_that_is_away_loses_its_oldest_alone),
		TEST(logs_wait_in_their_file_when_both_are_full_and_nothing_is_lost),
		TEST(what_one_refuses_is_set_aside_when_the_other_has_had_it),
		TEST(one_that_is_not_configured_any_more_leaves_nothing_behind),
		TEST(what_has_waited_too_long_goes_counted_and_no_sooner),
		TEST(a_clock_that_is_set_makes_nothing_old),
		TEST(a_disk_that_refuses_the_record_stops_the_sending_and_not_the_close),
		TEST(bodies_of_zstd_that_one_has_lost_leave_the_folder),
		TEST(a_body_stays_until_it_is_durable_that_the_other_has_lost_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
