/* test_shipper_catch_up.c - after an outage what has waited goes at a bounded rate, and what comes new is not held up by it. */
#include "tests/unit/shippers/dock.h"

#define RATE (64u << 10)
#define LINES 120
#define MORE_LINES 400 /* at RATE it takes longer than EXPORT_LATE_S to send them */
#define LATENCY_MS 250

/* A line of 10 KB that does not pack; by its number it can be found. */
static void put_noise(unsigned number)
{
	static uint64_t chance = 1;
	static char text[10001];
	size_t at = (size_t)snprintf(text, sizeof(text), "<%u>", number);

	while (at < sizeof(text) - 1) {
		chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		text[at++] = (char)('A' + (chance >> 40) % 50);
	}
	assert_true(dock_put(text));
}

/* An outage: a body every few seconds. */
static void outage(unsigned lines)
{
	dock.logged_in = false;
	for (unsigned i = 0; i < lines; i++) {
		put_noise(i);
		if (i % 4 == 3)
			dock_pass(5000);
	}
	dock_pass(EXPORT_LATE_S * 1000);
	dock.logged_in = true;
}

static void begin_catching_up(void)
{
	dock.catch_up = RATE;
	dock_open();
	outage(LINES);
	dock_pass(5000);
	assert_true(shipper_stats(dock.ship).exporter[0].is_catching_up);
}

static void expect_each_in_order(unsigned lines)
{
	const char *at = dock.bodies.data, *end = at + dock.bodies.len;
	char text[16];

	for (unsigned i = 0; i < lines; i++) {
		snprintf(text, sizeof(text), "<%u>", i);
		at = memmem(at, (size_t)(end - at), text, strlen(text));
		assert_non_null(at);
	}
}

static void what_has_waited_goes_at_the_rate_that_is_set(void **state)
{
	uint64_t whole = 0;

	(void)state;
	begin_catching_up();
	dock_pass(60000);
	expect_each_in_order(LINES);
	assert_false(shipper_stats(dock.ship).exporter[0].is_catching_up);
	for (unsigned i = 0; i < dock.arrived; i++) {
		uint64_t bytes = 0;

		for (unsigned k = i; k < dock.arrived; k++) {
			uint64_t ms = dock.arrived_ms[k] - dock.arrived_ms[i];

			/* A second's worth at once, the last one on credit, and not all take equally long to arrive. */
			assert_true(bytes <= RATE + RATE * (ms + LATENCY_MS) / 1000);
			bytes += dock.arrived_bytes[k];
		}
		whole += dock.arrived_bytes[i];
	}
	assert_true(whole > 8ul * RATE);
	/* And it is used: not one of these seconds goes by in vain. */
	assert_true(dock.arrived_ms[dock.arrived - 1] - dock.arrived_ms[0] <= whole * 1000 / RATE);
}

static void with_no_rate_it_goes_as_fast_as_it_can(void **state)
{
	(void)state;
	dock_open();
	outage(LINES);
	dock_pass(3000);
	expect_each_in_order(LINES);
	assert_false(shipper_stats(dock.ship).exporter[0].is_catching_up);
}

/* Were the rate a limit of all that is sent, a busy machine would never catch up. */
static void more_than_the_rate_may_come_new_and_the_backlog_still_goes(void **state)
{
	unsigned seconds = 0;

	(void)state;
	dock.catch_up = RATE;
	dock_open();
	outage(MORE_LINES);
	for (; seconds < 90 && (seconds < 2 || shipper_stats(dock.ship).exporter[0].is_catching_up); seconds++) {
		for (unsigned i = 0; i < 10; i++)
			put_noise(MORE_LINES + i); /* 70 KB a second, packed */
		dock_pass(1000);
	}
	assert_true(seconds < 90);
	expect_each_in_order(MORE_LINES);
}

static void a_metric_is_not_held_up_by_lines_that_are_late(void **state)
{
	(void)state;
	begin_catching_up();
	assert_false(dock_has("system.x"));
	dock_scrape();
	dock_pass(2000);
	assert_true(shipper_stats(dock.ship).exporter[0].is_catching_up);
	assert_true(dock_has("system.x"));
}

static void it_can_be_closed_while_it_catches_up_and_goes_on_behind_that(void **state)
{
	(void)state;
	begin_catching_up();
	dock_close();
	dock_open();
	dock_pass(60000);
	expect_each_in_order(LINES);
	dock_expect_files(0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCK_TEST(what_has_waited_goes_at_the_rate_that_is_set),
		DOCK_TEST(with_no_rate_it_goes_as_fast_as_it_can),
		DOCK_TEST(more_than_the_rate_may_come_new_and_the_backlog_still_goes),
		DOCK_TEST(a_metric_is_not_held_up_by_lines_that_are_late),
		DOCK_TEST(it_can_be_closed_while_it_catches_up_and_goes_on_behind_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
