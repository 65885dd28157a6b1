/* test_shipper_spool.c - what is kept and what goes when the room runs out, and what a start makes of what it finds. */
#include "tests/unit/shippers/dock.h"

static void a_full_disk_pushes_back_and_loses_nothing(void **state)
{
	unsigned taken = 0;

	(void)state;
	dock_open();
	dock_pass(1000);
	sim_disk_space(dock.w, 1);
	for (int i = 0; i < 100; i++) {
		char text[32];

		snprintf(text, sizeof(text), "line-%03d", i);
		taken += dock_put(text);
		dock_pass(1000);
	}
	assert_true(taken < 100);
	assert_true(shipper_stats(dock.ship).spool.full);
	sim_disk_space(dock.w, UINT64_C(64) << 30);
	dock_pass(30000);
	assert_true(dock_put("after"));
	dock_pass(30000);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].sent_records[TELEMETRY_LOG], taken + 1);
	assert_true(dock_has("line-000") && dock_has("after"));
}

static const char *sought;

static int is_sought(void *ctx, const char *name)
{
	*(bool *)ctx |= strstr(name, sought) != NULL;
	return 0;
}

/* Whether the spool has a file with the text in its name. */
static bool is_there(const char *text)
{
	bool there = false;

	sought = text;
	assert_int_equal(dock.w->disk_list(dock.w, DOCK_DIR, is_sought, &there, NULL), 0);
	return there;
}

static void metrics_over_their_quota_lose_the_oldest_counted(void **state)
{
	(void)state;
	dock.logged_in = false;
	dock.metrics_max = 12288;
	dock_open();
	for (int i = 0; i < 50; i++) {
		dock_scrape();
		dock_pass(500);
		if (i == 0)
			assert_true(is_there("0000000000000001-metrics-"));
	}
	assert_false(is_there("0000000000000001-metrics-"));
	assert_true(is_there("-metrics-"));
	assert_true(shipper_stats(dock.ship).spool.bytes[TELEMETRY_METRIC] <= 12288);
	assert_true(shipper_stats(dock.ship).spool.dropped_records[TELEMETRY_METRIC] > 0);
	dock.logged_in = true;
	dock_pass(5000);
	assert_true(dock.arrived > 0);
}

/* ---- several on their way to the disk ---- */

static struct disk_req *held;
static disk_cb *held_cb;
static unsigned appends;

/* The first body is not written before the test says so. */
static void hold_the_first(struct world *w, struct disk_req *r, disk_cb *cb)
{
	appends += r->op == DISK_APPEND;
	if (r->op != DISK_REPLACE || held != NULL) {
		dock.disk_start(w, r, cb);
		return;
	}
	held = r;
	held_cb = cb;
}

static void bodies_are_written_beside_each_other_and_committed_in_their_order(void **state)
{
	(void)state;
	held = NULL;
	dock_open();
	dock_pass(1000);
	dock_hook_disk(hold_the_first);
	for (int i = 0; i < 4; i++) {
		char text[32];

		snprintf(text, sizeof(text), "line-%d", i);
		assert_true(dock_put(text));
		dock_pass(1500);
	}
	assert_non_null(held);
	assert_true(is_there("0000000000000002-logs-") && is_there("0000000000000004-logs-"));
	assert_int_equal(dock.arrived, 0); /* nobody overtakes the first */
	appends = 0;
	dock_unhook_disk();
	dock.disk_start(dock.w, held, held_cb);
	dock_hook_disk(hold_the_first);
	dock_pass(30000);
	dock_unhook_disk();
	assert_int_equal(dock.arrived, 4);
	assert_int_equal(appends, 1); /* one record write for all of them */
	assert_true(strstr(buf_str(&dock.bodies), "line-0") < strstr(buf_str(&dock.bodies), "line-3"));
	dock_expect_files(0, 0, 0);
}

static void refuse_bodies(struct world *w, struct disk_req *r, disk_cb *cb)
{
	if (r->op == DISK_REPLACE) {
		r->op = DISK_RENAME; /* of a file that is not there */
		r->to = DOCK_DIR "/nothing";
	}
	dock.disk_start(w, r, cb);
}

static void bodies_that_the_disk_refuses_are_written_again_in_their_order(void **state)
{
	(void)state;
	dock_open();
	dock_pass(1000);
	dock_hook_disk(refuse_bodies);
	assert_true(dock_put("line-0"));
	dock_pass(1500);
	assert_true(shipper_stats(dock.ship).spool.full);
	assert_false(dock_put("line-x"));
	dock_unhook_disk();
	dock_pass(12000);
	assert_true(dock_put("line-1"));
	dock_pass(30000);
	assert_int_equal(dock.arrived, 2);
	assert_true(strstr(buf_str(&dock.bodies), "line-0") < strstr(buf_str(&dock.bodies), "line-1"));
}

static void refuse_appends(struct world *w, struct disk_req *r, disk_cb *cb)
{
	if (r->op == DISK_APPEND) {
		r->op = DISK_RENAME; /* of a file that is not there */
		r->path = r->to = DOCK_DIR "/nothing";
	}
	dock.disk_start(w, r, cb);
}

/* The record of what was lost is refused until its body is passed by: then no write is left that could succeed. */
static void a_disk_that_is_well_again_has_room_though_nothing_is_left_to_be_written(void **state)
{
	(void)state;
	dock_answer(400, 200);
	dock.logged_in = false;
	dock_open();
	dock_pass(1000);
	assert_true(dock_put("line-0"));
	dock_pass(1500);
	assert_int_equal(shipper_stats(dock.ship).dest[0].entries[TELEMETRY_LOG], 1);
	dock_hook_disk(refuse_appends);
	dock.logged_in = true;
	dock_pass(120000);
	assert_true(dock.arrived > 0);
	assert_int_equal(shipper_stats(dock.ship).dest[0].entries[TELEMETRY_LOG], 0);
	dock_unhook_disk();
	dock_pass(12000);
	assert_false(shipper_stats(dock.ship).spool.full);
	assert_null(shipper_trouble(dock.ship));
	assert_true(dock_put("line-1"));
	dock_pass(5000);
	assert_true(dock_has("line-1"));
}

static bool woken;

static void on_woken(struct telemetry_wait *wt)
{
	(void)wt;
	woken = true;
}

static void who_waits_for_a_disk_that_failed_is_woken_when_it_writes_again(void **state)
{
	struct telemetry_wait wait = { .cb = on_woken };

	(void)state;
	woken = false;
	dock.logged_in = false; /* an end of a body would be news as well */
	dock_open();
	dock_pass(1000);
	dock_hook_disk(refuse_bodies);
	assert_true(dock_put("line-0"));
	dock_pass(1500);
	assert_false(dock_put("line-1"));
	shipper_sink(dock.ship)->wait(shipper_sink(dock.ship)->ctx, &wait);
	dock_pass(5000);
	assert_false(woken);
	dock_unhook_disk();
	dock_pass(12000);
	assert_true(woken);
	list_del(&wait.link);
}

static void logs_over_their_quota_wait_in_their_file(void **state)
{
	(void)state;
	dock.logged_in = false;
	dock.logs_max = 100;
	dock_open();
	assert_true(dock_put("x"));
	dock_pass(3000);
	assert_false(dock_put("y"));
	dock.logged_in = true;
	dock_pass(5000);
	assert_true(dock_put("y"));
}

/* Nothing that gzip could make small. */
static void put_a_megabyte(void)
{
	static char text[60001];

	for (int n = 0; n < 18; n++) {
		for (size_t i = 0; i < sizeof(text) - 1; i++)
			text[i] = (char)('0' + sim_random(dock.w) % 64);
		assert_true(dock_put(text));
	}
	dock_pass(3000);
}

static bool is_aside(const char *id)
{
	CLEANUP(mem_close) char *name = mem_printf("-%s.pb.gz.rejected", id);

	return is_there(name);
}

static int count_aside(void *ctx, const char *name)
{
	CLEANUP(mem_close) char *path = mem_printf(DOCK_DIR "/%s", name);
	struct disk_stat st;

	assert_int_equal(dock.w->disk_stat(dock.w, path, &st, NULL), 0);
	if (str_ends(name, ".rejected"))
		*(uint64_t *)ctx += st.size;
	return 0;
}

static void of_the_bodies_set_aside_the_oldest_go_first(void **state)
{
	uint64_t bytes = 0;

	(void)state;
	dock_answer(400, 400);
	dock_open();
	dock_put("the first one");
	dock_pass(3000);
	dock_expect_files(0, 1, 0);
	for (int i = 0; i < 24; i++)
		put_a_megabyte();
	assert_int_equal(shipper_stats(dock.ship).exporter[0].rejected_records[TELEMETRY_LOG], 1 + 24 * 18);
	dock.w->disk_list(dock.w, DOCK_DIR, count_aside, &bytes, NULL);
	assert_true(bytes > 15u << 20 && bytes <= 16u << 20);
	assert_false(is_aside(dock.ids[0]));
	assert_true(is_aside(dock.ids[dock.arrived - 1]));
}

static void a_damaged_commit_record_keeps_the_bodies_before_it(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);

	(void)state;
	dock.logged_in = false;
	dock_open();
	for (int i = 0; i < 3; i++) {
		dock_put("x");
		dock_pass(3000);
	}
	dock_close();
	assert_true(sim_file_get(dock.w, DOCK_DIR "/commits", &b));
	memset(strchr(b.data, '\n') + 1, '#', 20); /* the second record */
	buf_adds(&b, "{\"seq\":4,\"torn");
	sim_file_put(dock.w, DOCK_DIR "/commits", b.data, b.len);
	sim_file_puts(dock.w, DOCK_DIR "/0000000000000004-logs-0123456789abcdef.pb.gz", "never committed");
	sim_file_puts(dock.w, DOCK_DIR "/anything.tmp", "left by a crash");
	dock.logged_in = true;
	dock_open();
	assert_int_equal(shipper_stats(dock.ship).spool.corrupt, 1);
	assert_int_equal(shipper_stats(dock.ship).spool.uncommitted[TELEMETRY_LOG], 1);
	dock_pass(10000);
	assert_int_equal(dock.arrived, 3);
	dock_expect_files(0, 0, 0);
	dock_put("y");
	dock_pass(3000);
	assert_int_equal(dock.arrived, 4);
}

static void the_log_of_commit_records_stays_small(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(16u << 20);

	(void)state;
	dock_open();
	sim_file_puts(dock.w, "/var/log/x", "");
	for (int i = 0; i < 6000; i++) {
		dock.arrived = 0;
		buf_reset(&dock.bodies);
		dock_put("x");
		dock_pass(1300);
	}
	assert_true(sim_file_get(dock.w, DOCK_DIR "/commits", &b));
	assert_true(b.len < (1u << 20) + 4096);
	dock_close();
	dock_open();
	dock.arrived = 0;
	dock_put("y");
	dock_pass(5000);
	assert_int_equal(dock.arrived, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCK_TEST(a_full_disk_pushes_back_and_loses_nothing),
		DOCK_TEST(metrics_over_their_quota_lose_the_oldest_counted),
		DOCK_TEST(bodies_are_written_beside_each_other_and_committed_in_their_order),
		DOCK_TEST(bodies_that_the_disk_refuses_are_written_again_in_their_order),
		DOCK_TEST(a_disk_that_is_well_again_has_room_though_nothing_is_left_to_be_written),
		DOCK_TEST(who_waits_for_a_disk_that_failed_is_woken_when_it_writes_again),
		DOCK_TEST(logs_over_their_quota_wait_in_their_file),
		DOCK_TEST(of_the_bodies_set_aside_the_oldest_go_first),
		DOCK_TEST(a_damaged_commit_record_keeps_the_bodies_before_it),
		DOCK_TEST(the_log_of_commit_records_stays_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
