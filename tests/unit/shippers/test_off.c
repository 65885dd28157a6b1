/* test_off.c - off means that nothing leaves: no line, no point, no number of our own, and not what waits in the spool. */
#include "tests/unit/shippers/dock.h"

static char all[] = "*", *one = all;

static const struct telemetry_rules nothing, everything = { .logs = &one, .logs_n = 1, .metrics = &one, .metrics_n = 1 },
					     logs = { .logs = &one, .logs_n = 1 }, metrics = { .metrics = &one, .metrics_n = 1 };

static void follow(const struct telemetry_rules *r)
{
	assert_int_equal(shipper_rules(dock.ship, r, NULL, NULL), 0);
}

/* What each kind of source hands over: a log line, a point of the host's, and with each scrape the agent's own. */
static void hand_over_all(void)
{
	for (int i = 0; i < 3; i++) {
		dock_put("a line");
		dock_scrape();
		dock_pass(15000);
	}
	dock_pass(120000);
}

static void expect_left(bool lines, bool points)
{
	assert_int_equal(dock_has("a line"), lines);
	assert_int_equal(dock_has("system.x"), points);
	assert_int_equal(dock_has("reeve."), points);
	assert_int_equal(dock_has("/var/log/x"), false); /* in attributes of our own */
	assert_int_equal(dock.arrived > 0, lines || points);
	dock_expect_files(0, 0, 0);
}

static void without_a_policy_nothing_leaves(void **state)
{
	(void)state;
	dock_open();
	follow(NULL);
	hand_over_all();
	expect_left(false, false);
	dock_close();
	dock_open();
	follow(NULL);
	hand_over_all();
	expect_left(false, false);
}

static void with_a_policy_that_names_nothing_nothing_leaves(void **state)
{
	(void)state;
	dock_open();
	follow(&nothing);
	hand_over_all();
	expect_left(false, false);
}

static void logs_are_off_unless_a_path_is_named(void **state)
{
	(void)state;
	dock_open();
	follow(&metrics);
	hand_over_all();
	expect_left(false, true);
}

static void metrics_are_off_unless_a_name_is(void **state)
{
	(void)state;
	dock_open();
	follow(&logs);
	hand_over_all();
	expect_left(true, false);
}

static void what_waits_in_the_spool_does_not_leave_either(void **state)
{
	struct telemetry_rules r = everything;

	(void)state;
	dock_answer(503, 503);
	dock_open();
	follow(&everything);
	assert_true(dock_put("x"));
	dock_scrape();
	dock_pass(3000);
	dock_answer(200, 200);
	follow(NULL);
	dock_pass(2000); /* what is in flight has its answer */
	dock.arrived = 0;
	dock_pass(600000);
	assert_int_equal(dock.arrived, 0);
	r.logs_n = 0;
	follow(&r);
	dock_pass(120000);
	assert_int_equal(shipper_stats(dock.ship).dest[0].entries[TELEMETRY_METRIC], 0);
	assert_int_equal(shipper_stats(dock.ship).dest[0].entries[TELEMETRY_LOG], 1);
	follow(&everything);
	dock_pass(120000);
	assert_int_equal(shipper_stats(dock.ship).dest[0].entries[TELEMETRY_LOG], 0);
}

/* A large body that its receiver wants in parts: the policy is asked between two of them. */
static void nor_does_the_rest_of_a_body_that_is_sent_in_parts(void **state)
{
	unsigned sent;

	(void)state;
	dock.most = 1000;
	dock_open();
	follow(&everything);
	for (int i = 0; i < 2000; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%016llx%016llx", (unsigned long long)sim_random(dock.w),
			 (unsigned long long)sim_random(dock.w));
		dock_put(text);
	}
	for (unsigned i = 0; dock.arrived < 3 && i < 10000; i++)
		dock_pass(1);
	follow(NULL);
	dock_pass(2000);
	sent = dock.arrived;
	assert_true(sent >= 3);
	dock_pass(600000);
	assert_int_equal(dock.arrived, sent);
	assert_int_equal(shipper_stats(dock.ship).dest[0].entries[TELEMETRY_LOG], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCK_TEST(without_a_policy_nothing_leaves),
		DOCK_TEST(with_a_policy_that_names_nothing_nothing_leaves),
		DOCK_TEST(logs_are_off_unless_a_path_is_named),
		DOCK_TEST(metrics_are_off_unless_a_name_is),
		DOCK_TEST(what_waits_in_the_spool_does_not_leave_either),
		DOCK_TEST(nor_does_the_rest_of_a_body_that_is_sent_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
