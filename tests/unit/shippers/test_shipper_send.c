/* test_shipper_send.c - what is sent how often, and what the receiver's answer does to it. */
#include "tests/unit/shippers/dock.h"

static void a_lost_answer_is_followed_by_the_same_body_with_the_same_id(void **state)
{
	(void)state;
	dock_answer(0, 200);
	dock_open();
	dock_put("x");
	dock_pass(120000);
	assert_int_equal(dock.arrived, 2);
	assert_string_equal(dock.ids[0], dock.ids[1]);
	assert_int_equal(strlen(dock.ids[0]), 16);
	assert_int_equal(dock.signs, 2); /* a new proof for each attempt */
}

static void retry_after_is_kept_but_not_for_ever(void **state)
{
	(void)state;
	dock_answer(429, 200);
	dock.answer_headers = "Retry-After: 30\n";
	dock_open();
	dock_put("x");
	dock_pass(120000);
	assert_int_equal(dock.arrived, 2);
	assert_true(dock.arrived_ms[1] - dock.arrived_ms[0] >= 30000 && dock.arrived_ms[1] - dock.arrived_ms[0] < 31000);
	dock.arrived = 0;
	dock.answer_headers = "Retry-After: 999999999\n";
	dock_put("y");
	dock_pass(700000);
	assert_int_equal(dock.arrived, 2);
	assert_true(dock.arrived_ms[1] - dock.arrived_ms[0] >= 600000);
	dock.arrived = 0;
	dock.answer_headers = "Retry-After: 99999999999999999999999\n";
	dock_put("z");
	dock_pass(700000);
	assert_int_equal(dock.arrived, 2);
	assert_true(dock.arrived_ms[1] - dock.arrived_ms[0] >= 600000);
}

static void retry_after_counts_in_front_of_a_body_that_is_too_large(void **state)
{
	CLEANUP(mem_close) char *page = mem_alloc(5u << 20);

	(void)state;
	memset(page, ' ', 5u << 20);
	dock_answer(503, 200);
	dock.answer_headers = "Retry-After: 30\n";
	dock.answer_body.max = 6u << 20;
	buf_add(&dock.answer_body, page, 5u << 20);
	dock_open();
	dock_put("x");
	dock_pass(40000);
	assert_int_equal(dock.arrived, 2);
	assert_true(dock.arrived_ms[1] - dock.arrived_ms[0] >= 30000 && dock.arrived_ms[1] - dock.arrived_ms[0] < 31000);
}

static void a_body_that_is_refused_is_set_aside_and_the_next_one_goes(void **state)
{
	(void)state;
	dock_answer(400, 200);
	dock_open();
	dock_put("first");
	dock_pass(5000);
	dock_put("second");
	dock_pass(5000);
	assert_int_equal(dock.arrived, 2);
	dock_expect_files(0, 1, 0);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].rejected_records[TELEMETRY_LOG], 1);
}

static void what_is_wrong_with_us_keeps_the_body(void **state)
{
	static const int about_us[] = { 401, 403, 404, 302 };

	(void)state;
	dock_open();
	for (size_t i = 0; i < ARRAY_LEN(about_us); i++) {
		dock.arrived = 0;
		dock_answer(about_us[i], 200);
		dock_put("x");
		dock_pass(5000);
		if (about_us[i] != 401)
			assert_int_equal(dock.arrived, 1);
		dock_pass(120000);
		assert_int_equal(dock.arrived, 2);
		assert_string_equal(dock.ids[0], dock.ids[1]);
	}
	dock_expect_files(0, 0, 0);
	assert_int_equal(dock.unauthorized, 1);
}

static void a_partial_success_is_counted_and_not_repeated(void **state)
{
	(void)state;
	buf_add(&dock.answer_body, "\x0a\x06\x08\x01\x12\x02no", 8); /* rejected 1, "no" */
	dock_open();
	dock_put("x");
	dock_put("y");
	dock_pass(60000);
	assert_int_equal(dock.arrived, 1);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].rejected_records[TELEMETRY_LOG], 1);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].sent_records[TELEMETRY_LOG], 1);
}

static void nothing_is_sent_before_the_login(void **state)
{
	(void)state;
	dock.logged_in = false;
	dock_open();
	dock_put("x");
	dock_pass(60000);
	assert_int_equal(dock.arrived, 0);
	dock.logged_in = true;
	dock_pass(2000);
	assert_int_equal(dock.arrived, 1);
}

static void a_receiver_that_always_asks_for_a_second_is_asked_ever_more_seldom(void **state)
{
	(void)state;
	dock_answer(429, 429);
	dock.answer_headers = "Retry-After: 1\n";
	dock_open();
	dock_put("x");
	dock_pass(600000);
	assert_in_range(dock.arrived, 10, 80);
	for (unsigned i = 1; i < dock.arrived; i++)
		assert_true(dock.arrived_ms[i] - dock.arrived_ms[i - 1] >= 1000);
}

/* While it opens, writes, sends, clears, cuts, waits, with a disk that refuses now and then: the sanitizer sees the rest. */
static void it_closes_at_any_step_and_leaves_nothing_behind(void **state)
{
	static const int answers[] = { 200, 400, 413, 429, 401, 0 };

	for (unsigned n = 0; n < ARRAY_LEN(answers) * 60; n++) {
		struct shipper_config c = { .dir = DOCK_DIR, .positions = &dock.positions.durable };

		dock_start(state);
		dock_answer(answers[n % ARRAY_LEN(answers)], 200);
		dock_open();
		dock_put("a line");
		dock_scrape();
		dock_pass(n % 2 == 0 ? 999 : 0);
		sim_fail_nth(dock.w, SIM_DISK, n % 5, ERR_IO);
		for (unsigned i = 0; i < n / ARRAY_LEN(answers) && sim_step(dock.w); i++)
			;
		dock_close();
		c.dests[c.dests_n++] = (struct shipper_dest){ .name = "vendor", .to = { .url = "https://vendor.example/" } };
		dock.ship = shipper_new(dock.w, &c);
		for (unsigned i = 0; i < n / ARRAY_LEN(answers) && sim_step(dock.w); i++)
			;
		dock_end(state);
	}
}

/* Once is usual: a session that is over. A key that is wrong never helps itself. */
static void a_receiver_that_does_not_know_us_is_told_to_a_person_until_it_does(void **state)
{
	(void)state;
	dock_answer(401, 401);
	dock_open();
	dock_put("a line");
	dock_pass(1200);
	assert_int_equal(dock.arrived, 1);
	assert_null(shipper_trouble(dock.ship));
	dock_pass(300000);
	assert_non_null(strstr(shipper_trouble(dock.ship), "https://vendor.example/v1/logs answers with status 401"));
	dock_answer(200, 200);
	dock_pass(120000);
	assert_null(shipper_trouble(dock.ship));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCK_TEST(a_lost_answer_is_followed_by_the_same_body_with_the_same_id),
		cmocka_unit_test(it_closes_at_any_step_and_leaves_nothing_behind),
		DOCK_TEST(a_receiver_that_always_asks_for_a_second_is_asked_ever_more_seldom),
		DOCK_TEST(retry_after_is_kept_but_not_for_ever),
		DOCK_TEST(retry_after_counts_in_front_of_a_body_that_is_too_large),
		DOCK_TEST(a_body_that_is_refused_is_set_aside_and_the_next_one_goes),
		DOCK_TEST(what_is_wrong_with_us_keeps_the_body),
		DOCK_TEST(a_partial_success_is_counted_and_not_repeated),
		DOCK_TEST(nothing_is_sent_before_the_login),
		DOCK_TEST(a_receiver_that_does_not_know_us_is_told_to_a_person_until_it_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
