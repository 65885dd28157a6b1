/* test_journald_record.c - what becomes of an entry: body, time, severity, attributes; what is joined, cut, mended, left out. */
#include "tests/unit/collectors/journals.h"

#include "agent/io/journald_entry.h"

static void say_with(const char *field, const char *value)
{
	CLEANUP(mem_close) char *lines = mem_printf("_SYSTEMD_UNIT=a.service\nMESSAGE=x\n%s%s", field, value);

	sim_journal_add(journals.w, lines);
	journals_pass(1000);
}

/* Appendix B of OpenTelemetry's log data model, for syslog. */
static void each_priority_is_the_severity_of_the_data_model(void **state)
{
	static const struct {
		const char *priority;
		uint8_t number;
		const char *word;
	} cases[] = {
		{ "0", 21, "emerg" },   { "1", 19, "alert" },  { "2", 18, "crit" }, { "3", 17, "err" },
		{ "4", 13, "warning" }, { "5", 10, "notice" }, { "6", 9, "info" },  { "7", 5, "debug" },
		{ "8", 9, NULL },       { "x", 9, NULL },      { "", 9, NULL },     { "66", 9, NULL },
	};

	(void)state;
	journals_follow();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		say_with("PRIORITY=", cases[i].priority);
		assert_int_equal(journals_stats().entries, i + 1);
		assert_int_equal(journals.last.severity, cases[i].number);
		if (cases[i].word == NULL)
			assert_null(journals.last.severity_text);
		else
			assert_string_equal(journals.last.severity_text, cases[i].word);
	}
	say_with("", "");
	assert_int_equal(journals.last.severity, 9); /* it has none */
}

static void the_time_is_that_of_the_source_and_else_that_of_journald(void **state)
{
	int64_t now_ms;

	(void)state;
	journals_follow();
	now_ms = journals.w->wall_ms(journals.w);
	say_with("", "");
	assert_int_equal(journals.last.time_ms, now_ms);
	say_with("_SOURCE_REALTIME_TIMESTAMP=", "1795000000123456");
	assert_int_equal(journals.last.time_ms, 1795000000123);
	assert_int_equal(journals.last.time_ns, 456000);
	say_with("SOURCE_REALTIME_TIMESTAMP=", "1795000000123456"); /* anyone's to write */
	assert_true(journals.last.time_ms != 1795000000123);
}

static void fields_are_attributes_by_the_names_of_the_conventions(void **state)
{
	(void)state;
	journals_follow();
	say_with("",
		 "_PID=42\n_COMM=doris_be\n_EXE=/opt/doris_be\n_CMDLINE=doris_be --password=x\nSYSLOG_IDENTIFIER=be\n"
		 "SYSLOG_FACILITY=3\nMESSAGE_ID=39f53479d3a045ac8e11786248231fbf\nCODE_FILE=a.c\nCODE_LINE=7\nCODE_FUNC=f\nX=y");
	assert_string_equal(buf_str(&journals.attrs),
			    "process.pid=42 process.executable.name=doris_be process.executable.path=/opt/doris_be "
			    "syslog.identifier=be syslog.facility=3 systemd.message_id=39f53479d3a045ac8e11786248231fbf "
			    "code.file.path=a.c code.line.number=7 code.function.name=f ");
	assert_string_equal(journals.unit, "systemd.unit=a.service");
	assert_string_equal(journals.path, "journald:a.service");
}

/* Its own LFs are of the record. */
static void say_bytes(const void *message, size_t len)
{
	CLEANUP(buf_close) struct buf field = BUF_MAX(8u << 20);

	buf_adds(&field, "MESSAGE=");
	buf_add(&field, message, len);
	sim_journal_begin(journals.w);
	sim_journal_field(journals.w, "_SYSTEMD_UNIT=a.service", 23);
	sim_journal_field(journals.w, field.data, field.len);
	sim_journal_end(journals.w);
	journals_pass(1000);
}

static void a_message_that_is_not_quite_text_is_mended_and_counted(void **state)
{
	(void)state;
	journals_follow();
	say_bytes("caf\xe9 is bad", 11);
	say_bytes("pass\0word is hidden so", 22);
	say_bytes("two\nlines\n", 10);
	journals_expect("caf\xef\xbf\xbd is bad\npassword is hidden so\ntwo\nlines\n");
	assert_int_equal(journals_stats().mended_entries, 2);
}

static void a_message_that_is_no_text_is_counted_and_read_no_second_time(void **state)
{
	char binary[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(binary); i++)
		binary[i] = i % 2 == 0 ? 'a' : '\0';
	journals_follow();
	say_bytes(binary, sizeof(binary));
	say_bytes("", 0);
	sim_journal_add(journals.w, "_SYSTEMD_UNIT=a.service\nOTHER=x");
	journals_pass(1000);
	sim_journal_rotate(journals.w);
	journals_pass(1000);
	journals_expect("");
	assert_int_equal(journals_stats().no_text_entries, 3);
	say_bytes("x", 1);
	journals_expect("x\n");
}

static void a_long_message_is_cut_at_a_character_and_says_how_much(void **state)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 20);

	(void)state;
	journals_follow();
	buf_adds(&text, "1");
	while (text.len < JOURNALD_MESSAGE_MAX + 2001)
		buf_adds(&text, "\xc3\xa9");
	say_bytes(text.data, text.len);
	assert_int_equal(journals.got.len, JOURNALD_MESSAGE_MAX); /* a byte less, and the LF */
	assert_string_equal(buf_str(&journals.attrs), "reeve.log.truncated_bytes=2002 ");
	assert_int_equal(journals_stats().truncated_entries, 1);
	assert_int_equal(journals_stats().mended_entries, 0);
	say_bytes(text.data, JOURNALD_MESSAGE_MAX - 1);
	assert_string_equal(buf_str(&journals.attrs), "");
	assert_int_equal(journals_stats().truncated_entries, 1);
}

static void lines_of_a_stack_trace_are_one_record(void **state)
{
	(void)state;
	journals.c.framing.continues = "^\\s";
	journals_say("it broke");
	journals_say("  at f()");
	journals_say("  at g()");
	journals_say("next");
	journals_follow();
	journals_expect("it broke\n  at f()\n  at g()\n");
	assert_string_equal(buf_str(&journals.attrs), "process.pid=42 ");
	journals_say("  at h()");
	journals_pass(3000);
	journals_expect("it broke\n  at f()\n  at g()\nnext\n  at h()\n");
	assert_int_equal(journals_stats().joined_entries, 3);
	assert_int_equal(journals_stats().entries, 5);
}

static void lines_of_another_process_or_unit_are_not_joined(void **state)
{
	(void)state;
	journals.c.framing.continues = "^\\s";
	journals_say("one");
	sim_journal_add(journals.w, "_SYSTEMD_UNIT=a.service\n_PID=43\nMESSAGE=  of another");
	sim_journal_add(journals.w, "_SYSTEMD_UNIT=b.service\n_PID=43\nMESSAGE=  of b");
	journals_open();
	journals_pass(5000);
	assert_int_equal(journals_stats().entries, 3);
	assert_int_equal(journals_stats().joined_entries, 0);
}

static void a_record_that_may_go_on_is_read_again_behind_a_restart(void **state)
{
	(void)state;
	journals.c.framing.continues = "^\\s";
	journals_say("one");
	journals_say("  more");
	journals_follow();
	journals_expect("");
	journals_close();
	journals_say("  and more");
	journals_open();
	journals_pass(5000);
	journals_expect("one\n  more\n  and more\n");
	journals_close();
	journals_open();
	journals_pass(5000);
	journals_expect("one\n  more\n  and more\n");
}

static void a_rotation_while_a_record_waits_neither_doubles_nor_loses_it(void **state)
{
	(void)state;
	journals.c.framing.continues = "^\\s";
	journals_follow();
	journals_say("one");
	journals_say("  more");
	journals_pass(500);
	sim_journal_rotate(journals.w);
	journals_say("  and more");
	journals_pass(5000);
	journals_expect("one\n  more\n  and more\n");
	assert_int_equal(journals_stats().repeated_entries, 0);
}

static void the_format_of_a_source_tells_time_and_severity_of_its_own(void **state)
{
	(void)state;
	journals.c.framing.format = FRAMING_LOG4J;
	journals_say("2026-11-30 10:00:00,123 WARN (main) hello");
	journals_say("\tat org.x");
	journals_open();
	journals_pass(5000);
	journals_expect("2026-11-30 10:00:00,123 WARN (main) hello\n\tat org.x\n");
	assert_int_equal(journals.last.severity, 13);
	assert_string_equal(journals.last.severity_text, "WARN");
	assert_int_equal(journals.last.time_ms, 1796032800123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		JOURNALS_TEST(each_priority_is_the_severity_of_the_data_model),
		JOURNALS_TEST(the_time_is_that_of_the_source_and_else_that_of_journald),
		JOURNALS_TEST(fields_are_attributes_by_the_names_of_the_conventions),
		JOURNALS_TEST(a_message_that_is_not_quite_text_is_mended_and_counted),
		JOURNALS_TEST(a_message_that_is_no_text_is_counted_and_read_no_second_time),
		JOURNALS_TEST(a_long_message_is_cut_at_a_character_and_says_how_much),
		JOURNALS_TEST(lines_of_a_stack_trace_are_one_record),
		JOURNALS_TEST(lines_of_another_process_or_unit_are_not_joined),
		JOURNALS_TEST(a_record_that_may_go_on_is_read_again_behind_a_restart),
		JOURNALS_TEST(a_rotation_while_a_record_waits_neither_doubles_nor_loses_it),
		JOURNALS_TEST(the_format_of_a_source_tells_time_and_severity_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
