/* test_shipper.c - spool, exporter and shipper together: what is taken from the collectors and what leaves of it. */
#include "tests/unit/shippers/dock.h"

static void what_arrives_is_masked_and_gone_from_the_spool(void **state)
{
	(void)state;
	dock_open();
	dock_put("the password is hunter2");
	dock_scrape();
	dock_pass(5000);
	assert_int_equal(dock.arrived, 2);
	assert_true(dock_has("the password is [REDACTED:secret]") && dock_has("it is [REDACTED:secret]"));
	assert_false(dock_has("hunter2"));
	assert_true(dock_has("reeve.telemetry.records")); /* of itself, by the same way */
	assert_true(dock_has("reeve.telemetry.rule.texts"));
	assert_true(dock_has("damaged") && dock_has("reeve.spool.uncommitted"));
	assert_true(dock_has("reeve.other.things")); /* and of its neighbours */
	dock_expect_files(0, 0, 0);
}

static void the_rest_of_a_line_leaves_as_the_rules_say_of_the_whole(void **state)
{
	static char all[] = "*", *everything[] = { all }, drop[] = "DEBUG .*token", *drops[] = { drop };
	static struct telemetry_redact password = { .name = "pw", .pattern = "password=\\S+" };
	const struct telemetry_rules rules = { .metrics = everything,
					       .metrics_n = 1,
					       .logs = everything,
					       .logs_n = 1,
					       .drop = drops,
					       .drop_n = 1,
					       .redact = &password,
					       .redact_n = 1 };

	(void)state;
	dock_open();
	assert_int_equal(shipper_rules(dock.ship, &rules, NULL, NULL), 0);
	dock_put_rest("line two password=hunter3 end", 18);
	dock_put_rest("DEBUG the token is swordfish", 10);
	assert_int_equal(shipper_stats(dock.ship).rests_by_rule, 2);
	dock_put_rest("password=one and all is well", 12); /* what was masked with the beginning is no matter of the rest */
	dock_put_rest("DEBUG it is over", 8);
	assert_int_equal(shipper_stats(dock.ship).rests_by_rule, 2);
	dock_scrape();
	dock_pass(5000);
	assert_true(dock_has("[REDACTED:pw] end") && dock_has(" and all is well") && dock_has(" is over"));
	assert_false(dock_has("hunter3") || dock_has("swordfish") || dock_has("line two") || dock_has("password=one"));
	assert_true(dock_has("reeve.telemetry.lines.rests_by_rule"));
	assert_int_equal(shipper_stats(dock.ship).dropped_by_rule, 1);
	assert_int_equal(shipper_stats(dock.ship).taken[TELEMETRY_LOG], 3);
}

static void without_rules_nothing_leaves_and_lines_wait_in_their_file(void **state)
{
	(void)state;
	dock_open();
	shipper_rules(dock.ship, NULL, NULL, NULL);
	assert_false(dock_put("x"));
	dock_scrape();
	dock_pass(60000);
	assert_int_equal(dock.arrived, 0);
	assert_true(shipper_stats(dock.ship).denied[TELEMETRY_METRIC] > 0);
}

static void what_was_open_at_the_end_is_sent_by_the_next(void **state)
{
	(void)state;
	dock.logged_in = false;
	dock_open();
	dock_put("x");
	dock_close();
	dock_expect_files(1, 0, 0);
	dock.logged_in = true;
	dock_open();
	dock_pass(5000);
	assert_int_equal(dock.arrived, 1);
	assert_true(dock_has("x"));
}

static uint64_t costs_ms, spent_ms;
static unsigned looks;
static uint64_t (*really_now)(struct world *w);

/* A line takes its time: the clock goes on inside the tick. */
static uint64_t slow_now(struct world *w)
{
	looks++;
	return really_now(w) + (spent_ms += costs_ms);
}

static char *text_of(const char *word, size_t len)
{
	char *text = mem_alloc(len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = word[i % strlen(word)];
	text[len] = '\0';
	return text;
}

static void lines_take_a_few_milliseconds_of_a_turn_and_no_more(void **state)
{
	CLEANUP(mem_close) char *long_line = text_of("x", 40000);
	unsigned taken = 0;

	(void)state;
	dock_open();
	really_now = dock.w->now_ms;
	dock.w->now_ms = slow_now;
	spent_ms = 0;
	costs_ms = 1;
	while (dock_put(long_line))
		taken++;
	assert_true(taken >= 2 && taken <= 5);
	assert_false(dock_put(long_line));
	costs_ms = 0;
	dock_pass(1);
	assert_true(dock_put("x")); /* the next turn */
	dock.w->now_ms = really_now;
	dock_pass(3000);
	assert_int_equal(shipper_stats(dock.ship).exporter[0].sent_records[TELEMETRY_LOG], taken + 1);
}

static unsigned looks_of(const char *line, unsigned times)
{
	unsigned before = looks;

	for (unsigned i = 0; i < times; i++)
		assert_true(dock_put(line));
	return looks - before;
}

static void the_clock_is_looked_at_as_often_as_lines_cost(void **state)
{
	CLEANUP(mem_close) char *plain = text_of("nothing ", 7000), *costly = text_of("hunter1 ", 7000);
	unsigned of_plain;

	(void)state;
	costly[6999] = '2'; /* what the pattern ends with is there, so that it is tried at each h */
	dock_open();
	really_now = dock.w->now_ms;
	dock.w->now_ms = slow_now;
	costs_ms = spent_ms = 0;
	assert_true(looks_of("x", 1000) < 10);
	of_plain = looks_of(plain, 40);
	assert_in_range(of_plain, 5, 30);
	assert_true(looks_of(costly, 40) > of_plain);
	dock.w->now_ms = really_now;
	dock_pass(3000);
}

static void batches_close_at_their_limits(void **state)
{
	CLEANUP(mem_close) char *big = mem_alloc(60001);

	(void)state;
	dock_open();
	for (int i = 0; i < 5001; i++)
		assert_true(dock_put("small"));
	dock_pass(100);
	assert_int_equal(dock.arrived, 1); /* by number */
	dock_pass(3000);
	assert_int_equal(dock.arrived, 2); /* by time */
	memset(big, 'b', 60000);
	for (int i = 0; i < 18; i++)
		assert_true(dock_put(big));
	dock_pass(200);
	assert_int_equal(dock.arrived, 3); /* by size */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCK_TEST(what_arrives_is_masked_and_gone_from_the_spool),
		DOCK_TEST(the_rest_of_a_line_leaves_as_the_rules_say_of_the_whole),
		DOCK_TEST(without_rules_nothing_leaves_and_lines_wait_in_their_file),
		DOCK_TEST(what_was_open_at_the_end_is_sent_by_the_next),
		DOCK_TEST(lines_take_a_few_milliseconds_of_a_turn_and_no_more),
		DOCK_TEST(the_clock_is_looked_at_as_often_as_lines_cost),
		DOCK_TEST(batches_close_at_their_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
