/* test_journald_place.c - where a source goes on: after restarts and crashes, behind gaps, past what is damaged. */
#include "tests/unit/collectors/journals.h"

static void a_restart_goes_on_behind_the_last_record_that_was_committed(void **state)
{
	(void)state;
	journals_say("one");
	journals_follow();
	journals_close();
	journals_say("two");
	journals_follow();
	journals_expect("one\ntwo\n");
	assert_int_equal(journals_stats().gaps_vacuumed, 0);
}

static void what_was_not_committed_is_read_again(void **state)
{
	(void)state;
	journals_say("one");
	journals_follow();
	journals.loses = true;
	journals_say("two");
	journals_pass(1000);
	journals_close();
	journals.loses = false;
	journals_follow();
	journals_expect("one\ntwo\ntwo\n");
}

static void the_ranges_of_records_go_on_where_the_last_one_ended(void **state)
{
	uint64_t to;

	(void)state;
	journals_say("one");
	journals_follow();
	assert_int_equal(journals.source.dev, 0);
	assert_int_equal(journals.source.from, 0);
	assert_string_equal(journals.source.path, "journald:app");
	to = journals.source.to;
	journals_pass(5000);
	journals_say("two");
	journals_pass(1000);
	assert_int_equal(journals.source.from, to);
	assert_true(journals.source.to >= to + 5000);
}

static void other_units_of_the_same_service_go_on_at_the_same_place(void **state)
{
	static const char *const more[] = { "b.service", "c.service", "a.service" };

	(void)state;
	journals_say("one");
	journals_follow();
	journals_close();
	journals.c.units = more;
	journals.c.units_n = 3;
	sim_journal_add(journals.w, "_SYSTEMD_UNIT=c.service\nMESSAGE=of c");
	journals_follow();
	journals_expect("one\nof c\n");
	journals_close();
	journals.c.service = "other";
	buf_reset(&journals.got);
	journals_follow();
	journals_expect("one\nof c\n");
}

static void what_was_vacuumed_unread_is_a_gap_told_and_counted_once(void **state)
{
	(void)state;
	journals_say("one");
	journals_follow();
	journals_close();
	journals_pass(20000);
	journals_say("lost");
	journals_pass(20000);
	journals_say("three");
	sim_journal_vacuum(journals.w, 2);
	journals_follow();
	journals_expect("one\nthree\n");
	assert_int_equal(journals_stats().gaps_vacuumed, 1);
	sim_journal_rotate(journals.w);
	journals_pass(1000);
	journals_close();
	journals_follow();
	journals_expect("one\nthree\n");
	assert_string_equal(journals.gaps, "vacuumed ");
}

static void a_vacuum_while_the_sink_is_full_is_a_gap_too(void **state)
{
	(void)state;
	journals_say("one");
	journals_follow();
	journals.refuse = true;
	for (int i = 0; i < 30; i++) {
		journals_pass(2000);
		journals_say("x");
	}
	journals_pass(1000);
	sim_journal_vacuum(journals.w, 25);
	journals.refuse = false;
	journals_pass(2000);
	assert_int_equal(journals_stats().gaps_vacuumed, 1);
}

/* Of a quiet unit all entries go one day, and nothing is lost by it. */
static void a_vacuum_of_what_was_read_is_no_gap(void **state)
{
	(void)state;
	journals_say("one");
	journals_follow();
	sim_journal_add(journals.w, "_SYSTEMD_UNIT=other.service\nMESSAGE=another");
	journals_pass(60000);
	sim_journal_vacuum(journals.w, 1);
	journals_pass(1000);
	journals_say("two");
	journals_pass(1000);
	journals_expect("one\ntwo\n");
	assert_int_equal(journals_stats().gaps_vacuumed, 0);
}

static void what_a_quiet_source_has_read_is_known_after_a_restart(void **state)
{
	(void)state;
	journals_say("one");
	journals_follow();
	journals_pass(2 * 3600 * 1000);
	assert_in_range(journals.found, 1, 2); /* once an hour, not at each poll */
	sim_journal_add(journals.w, "_SYSTEMD_UNIT=other.service\nMESSAGE=another");
	journals_close();
	sim_journal_vacuum(journals.w, 1);
	journals_pass(20000);
	journals_say("two");
	journals_follow();
	journals_expect("one\ntwo\n");
	assert_int_equal(journals_stats().gaps_vacuumed, 1); /* between the last hour and now nobody has looked */
	assert_in_range(journals.source.to, (uint64_t)journals.w->wall_ms(journals.w) - 5000,
			(uint64_t)journals.w->wall_ms(journals.w));
}

/* As when the journal moves from /run to /var, once early in each boot. */
static void entries_that_were_copied_to_another_file_come_once(void **state)
{
	(void)state;
	journals_say("one");
	journals_say("two");
	journals_follow();
	sim_journal_copy(journals.w);
	journals_say("three");
	journals_pass(1000);
	journals_expect("one\ntwo\nthree\n");
	assert_int_equal(journals_stats().repeated_entries, 1);
	assert_int_equal(journals_stats().gaps_vacuumed, 0);
}

static void a_damaged_entry_is_left_out_and_counted(void **state)
{
	(void)state;
	journals_say("one");
	journals_say("two");
	sim_journal_damage(journals.w);
	journals_say("three");
	journals_follow();
	journals_expect("one\nthree\n");
	assert_int_equal(journals_stats().damaged_entries, 1);
}

static void a_file_that_the_library_lets_go_is_one_gap_however_often_it_is_opened(void **state)
{
	(void)state;
	journals_say("one");
	journals_say("hidden");
	sim_journal_hide(journals.w);
	journals_follow();
	journals_expect("one\n");
	for (int i = 0; i < 5; i++) {
		sim_journal_rotate(journals.w);
		journals_pass(20000);
	}
	assert_int_equal(journals_stats().gaps_damaged, 1);
	journals_say("three");
	journals_pass(1000);
	journals_expect("one\nthree\n");
	journals_say("another");
	sim_journal_hide(journals.w);
	journals_pass(1000);
	assert_int_equal(journals_stats().gaps_damaged, 2);
	assert_string_equal(journals.gaps, "damaged damaged ");
}

static void what_cannot_be_read_is_passed_over_in_time_and_is_a_gap(void **state)
{
	(void)state;
	journals_say("one");
	journals_follow();
	journals_pass(3000);
	journals_say("never");
	sim_journal_block(journals.w);
	journals_pass(60000);
	journals_say("three");
	journals_pass(120000);
	journals_expect("one\nthree\n");
	assert_int_equal(journals_stats().gaps_damaged, 1);
	assert_string_equal(journals.gaps, "damaged ");
	assert_null(journals_stats().trouble);
	journals_close();
	journals_say("four");
	journals_follow();
	journals_expect("one\nthree\nfour\n");
}

/* No loop that spins, however long it lasts. */
static void a_journal_that_is_damaged_for_ever_costs_a_read_a_second(void **state)
{
	uint64_t reads;

	(void)state;
	journals_say("one");
	sim_fail_rate(journals.w, SIM_JOURNAL, 1000);
	journals_open();
	reads = sim_calls(journals.w, SIM_JOURNAL);
	journals_pass(600000);
	assert_in_range(sim_calls(journals.w, SIM_JOURNAL) - reads, 60, 620);
	assert_non_null(journals_stats().trouble);
	sim_fail_rate(journals.w, SIM_JOURNAL, 0);
	journals_pass(60000);
	journals_say("two");
	journals_pass(1000);
	assert_true(str_ends(buf_str(&journals.got), "two\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		JOURNALS_TEST(a_restart_goes_on_behind_the_last_record_that_was_committed),
		JOURNALS_TEST(what_was_not_committed_is_read_again),
		JOURNALS_TEST(the_ranges_of_records_go_on_where_the_last_one_ended),
		JOURNALS_TEST(other_units_of_the_same_service_go_on_at_the_same_place),
		JOURNALS_TEST(what_was_vacuumed_unread_is_a_gap_told_and_counted_once),
		JOURNALS_TEST(a_vacuum_while_the_sink_is_full_is_a_gap_too),
		JOURNALS_TEST(a_vacuum_of_what_was_read_is_no_gap),
		JOURNALS_TEST(what_a_quiet_source_has_read_is_known_after_a_restart),
		JOURNALS_TEST(entries_that_were_copied_to_another_file_come_once),
		JOURNALS_TEST(a_damaged_entry_is_left_out_and_counted),
		JOURNALS_TEST(a_file_that_the_library_lets_go_is_one_gap_however_often_it_is_opened),
		JOURNALS_TEST(what_cannot_be_read_is_passed_over_in_time_and_is_a_gap),
		JOURNALS_TEST(a_journal_that_is_damaged_for_ever_costs_a_read_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
