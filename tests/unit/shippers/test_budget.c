/* test_budget.c - no more bytes go on the wire in a UTC day than the policy lets out, come what may to agent and clock. */
#include "shippers/budget.h"

#include "tests/unit/shippers/dock.h"

#define LIMIT (1u << 20)
#define DAY_MS (UINT64_C(24) * 3600000)

static int start(void **state)
{
	dock_start(state);
	dock.has_budget = true;
	dock.bytes_per_day = LIMIT;
	return 0;
}

/* Bodies that no packing makes smaller: about 150 KB each. */
static void put_much(unsigned bodies)
{
	static char text[200001];

	for (; bodies > 0; bodies--) {
		for (size_t i = 0; i < sizeof(text) - 1; i++)
			text[i] = (char)('0' + sim_random(dock.w) % 64);
		if (!dock_put(text))
			return;
		dock_pass(1500);
	}
}

static void expect_spent(void)
{
	assert_true(dock.arrived_whole >= LIMIT);
	assert_true(dock.arrived_whole < LIMIT + 400000); /* one body over it */
}

static void what_is_over_the_budget_waits_for_the_next_day(void **state)
{
	unsigned before;

	(void)state;
	dock_open();
	put_much(12);
	expect_spent();
	before = dock.arrived;
	assert_non_null(strstr(shipper_trouble(dock.ship), "bytes_per_day"));
	assert_true(shipper_stats(dock.ship).budget_over[0]);
	dock_pass(2 * DAY_MS);
	assert_true(dock.arrived > before);
	assert_null(shipper_trouble(dock.ship));
	assert_int_equal(shipper_stats(dock.ship).dest[0].entries[TELEMETRY_LOG], 0);
}

static void what_waits_for_a_login_spends_nothing(void **state)
{
	(void)state;
	dock.logged_in = false;
	dock_open();
	put_much(2);
	dock_pass(3600000); /* it is tried each second */
	dock.logged_in = true;
	dock_pass(10000);
	assert_int_equal(dock.arrived, 2);
	assert_false(shipper_stats(dock.ship).budget_over[0]);
}

static void neither_a_restart_nor_a_kill_gives_any_of_it_back(void **state)
{
	(void)state;
	for (int i = 0; i < 30; i++) {
		dock_open();
		put_much(2);
		if (i % 2 == 0) {
			dock_close();
			continue;
		}
		sim_bury(dock.ship);
		sim_kill(dock.w);
	}
	assert_true(dock.arrived_whole > LIMIT / 2);
	assert_true(dock.arrived_whole < LIMIT + 400000);
	dock_open();
}

static void each_try_counts(void **state)
{
	(void)state;
	dock_answer(503, 503);
	dock_open();
	put_much(1);
	dock_pass(3600000);
	expect_spent();
}

static void a_change_of_the_policy_takes_effect_at_once(void **state)
{
	char all[] = "*", *one = all;
	struct telemetry_rules r = { .logs = &one, .logs_n = 1, .metrics = &one, .metrics_n = 1, .bytes_per_day = 2 * LIMIT };
	unsigned before;

	(void)state;
	dock_open();
	put_much(12);
	before = dock.arrived;
	assert_int_equal(shipper_rules(dock.ship, &r, NULL, NULL), 0);
	dock_pass(3000);
	assert_true(dock.arrived > before);
	put_much(12);
	assert_true(dock.arrived_whole >= 2 * LIMIT);
	assert_true(dock.arrived_whole < 2 * LIMIT + 400000);
	r.bytes_per_day = 0;
	assert_int_equal(shipper_rules(dock.ship, &r, NULL, NULL), 0);
	dock_pass(30000);
	assert_int_equal(shipper_stats(dock.ship).dest[0].entries[TELEMETRY_LOG], 0);
	r.bytes_per_day = LIMIT; /* what was spent is not forgotten where there is none for a while */
	assert_int_equal(shipper_rules(dock.ship, &r, NULL, NULL), 0);
	before = dock.arrived;
	put_much(1);
	assert_int_equal(dock.arrived, before);
}

static void a_clock_that_is_set_back_begins_no_day(void **state)
{
	unsigned before;

	(void)state;
	dock_open();
	put_much(12);
	before = dock.arrived;
	sim_wall_step(dock.w, -2 * (int64_t)DAY_MS);
	dock_pass(3600000);
	assert_int_equal(dock.arrived, before);
	dock_close();
	dock_open();
	dock_pass(3600000);
	assert_int_equal(dock.arrived, before);
	dock_pass(DAY_MS); /* so long it shows another day: it was wrong before */
	assert_true(dock.arrived > before);
}

static void a_file_that_cannot_be_read_is_a_day_that_is_spent(void **state)
{
	(void)state;
	sim_file_puts(dock.w, DOCK_BUDGET, "{}");
	dock_open();
	put_much(1);
	assert_int_equal(dock.arrived, 0);
	dock_pass(DAY_MS + 3600000);
	assert_true(dock.arrived > 0);
}

static bool refuses;

static void on_refused(void *ctx)
{
	struct disk_req *r = ctx;

	r->impl = NULL;
	r->cb(r, err_set(&r->err, ERR_IO, "%s: Input/output error", r->path));
}

static void refuse_to_note(struct world *w, struct disk_req *r, disk_cb *cb)
{
	if (!refuses || !str_eq(r->path, DOCK_BUDGET)) {
		dock.disk_start(w, r, cb);
		return;
	}
	r->impl = r;
	r->cb = cb;
	sim_at(w, 1, on_refused, r);
}

static void what_cannot_be_noted_is_not_sent(void **state)
{
	(void)state;
	dock_open();
	dock_hook_disk(refuse_to_note);
	refuses = true;
	put_much(2);
	dock_pass(60000);
	assert_int_equal(dock.arrived, 0);
	assert_non_null(strstr(shipper_trouble(dock.ship), "cannot be noted"));
	refuses = false;
	dock_pass(60000);
	assert_int_equal(dock.arrived, 2);
	assert_null(shipper_trouble(dock.ship));
	dock_unhook_disk();
}

#define BUDGET_TEST(f) cmocka_unit_test_setup_teardown(f, start, dock_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BUDGET_TEST(what_is_over_the_budget_waits_for_the_next_day),    BUDGET_TEST(what_waits_for_a_login_spends_nothing),
		BUDGET_TEST(neither_a_restart_nor_a_kill_gives_any_of_it_back), BUDGET_TEST(each_try_counts),
		BUDGET_TEST(a_change_of_the_policy_takes_effect_at_once),       BUDGET_TEST(a_clock_that_is_set_back_begins_no_day),
		BUDGET_TEST(a_file_that_cannot_be_read_is_a_day_that_is_spent), BUDGET_TEST(what_cannot_be_noted_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
