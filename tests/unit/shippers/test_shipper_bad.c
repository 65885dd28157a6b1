/* test_shipper_bad.c - bodies that are damaged, cannot be read, or cannot be moved out of the way: none stops the others. */
#include "tests/unit/shippers/dock.h"

static int spoil(void *ctx, const char *name)
{
	char *path = mem_printf(DOCK_DIR "/%s", name);

	(void)ctx;
	if (str_ends(name, ".pb.gz"))
		sim_file_puts(dock.w, path, "not what was written");
	mem_free(path);
	return 0;
}

static void a_damaged_body_is_set_aside_and_stops_nobody(void **state)
{
	(void)state;
	dock.logged_in = false;
	dock_open();
	dock_put("x");
	dock_pass(3000);
	dock.w->disk_list(dock.w, DOCK_DIR, spoil, NULL, NULL);
	dock_put("y");
	dock_pass(3000);
	dock.logged_in = true;
	dock_pass(10000);
	assert_int_equal(dock.arrived, 1);
	assert_true(dock_has("y"));
	dock_expect_files(0, 0, 1);
	assert_int_equal(shipper_stats(dock.ship).spool.corrupt, 1);
}

static int (*really_read)(struct world *w, const char *path, struct buf *b, struct err *e);
static const char *bad_place; /* part of a path */

static int read_badly(struct world *w, const char *path, struct buf *b, struct err *e)
{
	return strstr(path, bad_place) != NULL ? err_set(e, ERR_IO, "%s: Input/output error", path) : really_read(w, path, b, e);
}

static void on_refused(void *ctx)
{
	struct disk_req *r = ctx;

	r->impl = NULL;
	r->cb(r, err_set(&r->err, ERR_DENIED, "%s: not permitted", r->path));
}

static void refuse(struct disk_req *r, disk_cb *cb)
{
	r->impl = r;
	r->cb = cb;
	sim_at(dock.w, 1, on_refused, r);
}

static void rename_badly(struct world *w, struct disk_req *r, disk_cb *cb)
{
	if (r->op != DISK_RENAME || strstr(r->path, bad_place) == NULL) {
		dock.disk_start(w, r, cb);
		return;
	}
	refuse(r, cb);
}

static void put_around_a_bad_place(void)
{
	really_read = dock.w->disk_read;
	dock.w->disk_read = read_badly;
	bad_place = "/0000000000000001-";
	dock_put("x");
	dock_pass(3000);
	dock_put("y");
	dock_pass(60000);
	dock.w->disk_read = really_read;
	assert_int_equal(dock.arrived, 1);
	assert_true(dock_has("y"));
	assert_int_equal(shipper_stats(dock.ship).spool.damaged_records[TELEMETRY_LOG], 1);
	assert_non_null(strstr(shipper_trouble(dock.ship), "could not be read"));
}

static void a_body_that_cannot_be_read_is_set_aside_and_stops_nobody(void **state)
{
	(void)state;
	dock_open();
	put_around_a_bad_place();
	dock_expect_files(0, 0, 1);
	dock_pass(UINT64_C(25) * 3600000);
	assert_null(shipper_trouble(dock.ship));
}

static void while_nothing_can_be_read_no_body_is_given_up(void **state)
{
	(void)state;
	dock_open();
	really_read = dock.w->disk_read;
	dock.w->disk_read = read_badly;
	bad_place = ".pb.gz";
	dock_put("x");
	dock_pass(2000);
	sim_fail_rate(dock.w, SIM_READ, 1000);
	dock_pass(600000);
	sim_fail_rate(dock.w, SIM_READ, 0);
	dock.w->disk_read = really_read;
	dock_pass(10000);
	assert_int_equal(dock.arrived, 1);
	assert_int_equal(shipper_stats(dock.ship).spool.damaged_records[TELEMETRY_LOG], 0);
}

static void a_body_that_cannot_even_be_set_aside_is_passed_by(void **state)
{
	(void)state;
	dock_open();
	dock_hook_disk(rename_badly);
	put_around_a_bad_place();
	dock_unhook_disk();
	dock_expect_files(1, 0, 0);
	dock_close();
	dock_open(); /* it is well again: nothing was lost by that */
	dock_pass(10000);
	assert_int_equal(dock.arrived, 2);
	assert_true(dock_has("x"));
}

/* Nothing is lost by that: it was refused. A restart asks once more. */
static void a_refused_body_that_cannot_be_set_aside_is_passed_by(void **state)
{
	(void)state;
	dock_answer(400, 200);
	dock_open();
	dock_hook_disk(rename_badly);
	bad_place = "/0000000000000001-";
	dock_put("first");
	dock_pass(3000);
	dock_put("second");
	dock_pass(60000);
	dock_unhook_disk();
	assert_int_equal(dock.arrived, 2);
	assert_true(dock_has("second"));
	dock_expect_files(1, 0, 0);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].rejected_records[TELEMETRY_LOG], 1);
	assert_int_equal(shipper_stats(dock.ship).spool.damaged_records[TELEMETRY_LOG], 0); /* it could be read */
	assert_null(shipper_trouble(dock.ship));
	dock_close();
	dock_open();
	dock_pass(10000);
	assert_int_equal(dock.arrived, 3);
	assert_string_equal(dock.ids[2], dock.ids[0]);
}

static void unlink_badly(struct world *w, struct disk_req *r, disk_cb *cb)
{
	if (r->op != DISK_UNLINK) {
		dock.disk_start(w, r, cb);
		return;
	}
	refuse(r, cb);
}

/* The next is sent while the one before is on its way out; where the disk does not let that go, no more are. */
static void accepted_bodies_stay_in_hand_until_they_are_gone(void **state)
{
	(void)state;
	dock_open();
	dock_hook_disk(unlink_badly);
	for (int i = 0; i < 7; i++) {
		dock_put("a line");
		dock_pass(3000);
	}
	dock_pass(600000);
	assert_int_equal(dock.arrived, 1);
	dock_unhook_disk();
	dock_pass(20000);
	assert_int_equal(dock.arrived, 7);
	for (int i = 0; i < 7; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(dock.ids[i], dock.ids[k]);
	dock_expect_files(0, 0, 0);
}

/* The next start sends them once more, with their ids: nobody could take them off the disk. */
static void what_cannot_be_removed_at_a_close_is_let_go(void **state)
{
	(void)state;
	dock_open();
	dock_hook_disk(unlink_badly);
	dock_put("a line");
	dock_pass(3000);
	assert_int_equal(dock.arrived, 1);
	dock_close();
	dock_unhook_disk();
	dock_open();
	dock_pass(20000);
	assert_int_equal(dock.arrived, 2);
	assert_string_equal(dock.ids[0], dock.ids[1]);
	dock_expect_files(0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCK_TEST(a_damaged_body_is_set_aside_and_stops_nobody),
		DOCK_TEST(a_body_that_cannot_be_read_is_set_aside_and_stops_nobody),
		DOCK_TEST(while_nothing_can_be_read_no_body_is_given_up),
		DOCK_TEST(a_body_that_cannot_even_be_set_aside_is_passed_by),
		DOCK_TEST(a_refused_body_that_cannot_be_set_aside_is_passed_by),
		DOCK_TEST(accepted_bodies_stay_in_hand_until_they_are_gone),
		DOCK_TEST(what_cannot_be_removed_at_a_close_is_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
