/* test_journald.c - what a source reads and when: as it grows, when the sink is full, when the journal cannot be read. */
#include "tests/unit/collectors/journals.h"

static void what_is_there_and_what_is_added_comes_in_its_order(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) /* more than a read brings */
		journals_say("old");
	journals_follow();
	assert_int_equal(journals_stats().entries, 20);
	buf_reset(&journals.got);
	journals_say("one");
	journals_say("two");
	journals_pass(300); /* it is told, not found by the poll */
	journals_expect("one\ntwo\n");
	assert_int_equal(journals_stats().bytes, 20 * 3 + 6);
	assert_null(journals_stats().trouble);
}

static void only_the_units_of_the_source_are_read_by_each_of_the_ways_to_be_of_one(void **state)
{
	(void)state;
	sim_journal_add(journals.w, "_SYSTEMD_UNIT=a.service\nMESSAGE=writes");
	sim_journal_add(journals.w, "_SYSTEMD_UNIT=init.scope\n_PID=1\nUNIT=a.service\nMESSAGE=Started a");
	sim_journal_add(journals.w, "_SYSTEMD_UNIT=x.service\n_PID=77\nUNIT=a.service\nMESSAGE=forged");
	sim_journal_add(journals.w, "_SYSTEMD_UNIT=other.service\nMESSAGE=another");
	sim_journal_add(journals.w, "_SYSTEMD_UNIT=polkit.service\n_UID=0\nOBJECT_SYSTEMD_UNIT=b.service\nMESSAGE=of b");
	sim_journal_add(journals.w, "_TRANSPORT=kernel\nMESSAGE=kernel");
	journals_follow();
	journals_expect("writes\nStarted a\nof b\n");
	assert_string_equal(journals.path, "journald:b.service");
	assert_string_equal(journals.unit, "systemd.unit=b.service");
}

static void start_at_end_passes_over_what_is_there_and_nothing_later(void **state)
{
	(void)state;
	journals.c.starts_at_end = true;
	journals_say("old");
	journals_follow();
	journals_expect("");
	assert_int_equal(journals.found, 1); /* so that the next process knows, too */
	journals_close();
	journals_say("while we were away");
	journals_follow();
	journals_expect("while we were away\n");
}

static void start_at_end_of_an_empty_journal_is_its_beginning_from_then_on(void **state)
{
	(void)state;
	journals.c.starts_at_end = true;
	journals_follow();
	journals_close();
	journals_say("one");
	journals_follow();
	journals_expect("one\n");
}

static void a_full_sink_stops_the_source_and_loses_nothing(void **state)
{
	(void)state;
	journals.refuse = true;
	journals_say("one");
	journals_follow();
	for (int i = 0; i < 30; i++)
		journals_say("more");
	journals_pass(1000);
	journals_expect("");
	journals.refuse = false;
	journals_pass(1000);
	assert_int_equal(journals_stats().entries, 31);
	assert_true(str_starts(buf_str(&journals.got), "one\nmore\n"));
}

/* What is deleted stays on the disk as long as it is open. */
static void a_sink_that_is_full_for_long_holds_no_file_open(void **state)
{
	uint64_t reads;

	(void)state;
	journals.refuse = true;
	journals_say("one");
	journals_say("two");
	journals_follow();
	journals_pass(40000);
	assert_int_equal(sim_journal_open(journals.w), 0);
	reads = sim_calls(journals.w, SIM_JOURNAL);
	journals_say("three");
	journals_pass(40000);
	assert_int_equal(sim_calls(journals.w, SIM_JOURNAL), reads);
	journals.refuse = false;
	journals_pass(1000);
	journals_expect("one\ntwo\nthree\n");
	assert_int_equal(journals_stats().repeated_entries, 0);
}

static void a_journal_that_cannot_be_read_is_told_and_tried_again(void **state)
{
	(void)state;
	journals_say("one");
	sim_journal_absent(journals.w, true);
	journals_follow();
	assert_non_null(strstr(journals_stats().trouble, "library"));
	assert_int_equal(journals_stats().read_errors, 1);
	sim_journal_absent(journals.w, false);
	journals_pass(60000);
	assert_null(journals_stats().trouble);
	journals_expect("one\n");
}

static void reads_that_fail_now_and_then_lose_and_repeat_nothing(void **state)
{
	CLEANUP(buf_close) struct buf want = BUF_MAX(1u << 20);

	(void)state;
	sim_fail_rate(journals.w, SIM_JOURNAL, 200);
	journals_follow();
	for (int i = 0; i < 200; i++) {
		CLEANUP(mem_close) char *text = mem_printf("%d", i);

		journals_say(text);
		buf_addf(&want, "%d\n", i);
		if (i % 20 == 7)
			sim_journal_rotate(journals.w);
		journals_pass(150);
	}
	sim_fail_rate(journals.w, SIM_JOURNAL, 0);
	journals_pass(20000);
	journals_expect(buf_str(&want));
	assert_int_equal(journals_stats().gaps_vacuumed, 0);
}

/* At the limits of inotify nothing tells of a new file. */
static void a_journal_that_is_quiet_for_long_is_opened_anew(void **state)
{
	(void)state;
	journals_say("one");
	journals_follow();
	journals_pass(310000);
	sim_journal_quiet(journals.w, true); /* what is open sees nothing new */
	journals_say("two");
	journals_pass(310000);
	journals_expect("one\ntwo\n");
	assert_int_equal(journals_stats().repeated_entries, 0);
}

static void closing_comes_back_whatever_is_under_way(void **state)
{
	(void)state;
	journals_say("one");
	journals_open();
	journals_close(); /* while a read is out */
	journals.refuse = true;
	journals_follow();
	journals_close(); /* while it waits for the sink */
	journals.refuse = false;
	journals_follow();
	journals_expect("one\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		JOURNALS_TEST(what_is_there_and_what_is_added_comes_in_its_order),
		JOURNALS_TEST(only_the_units_of_the_source_are_read_by_each_of_the_ways_to_be_of_one),
		JOURNALS_TEST(start_at_end_passes_over_what_is_there_and_nothing_later),
		JOURNALS_TEST(start_at_end_of_an_empty_journal_is_its_beginning_from_then_on),
		JOURNALS_TEST(a_full_sink_stops_the_source_and_loses_nothing),
		JOURNALS_TEST(a_sink_that_is_full_for_long_holds_no_file_open),
		JOURNALS_TEST(a_journal_that_cannot_be_read_is_told_and_tried_again),
		JOURNALS_TEST(reads_that_fail_now_and_then_lose_and_repeat_nothing),
		JOURNALS_TEST(a_journal_that_is_quiet_for_long_is_opened_anew),
		JOURNALS_TEST(closing_comes_back_whatever_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
