/* test_config_logs.c - the log files that reeve.yaml names: how their lines are joined, where they are read from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/config.h"

/* of RFC 8032, 7.1 */
#define KEY "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define HEAD                                                                                                                       \
	"installation: inst-1\n"                                                                                                   \
	"vendor: {name: velodb, url: https://control.example}\n"                                                                   \
	"trust: {keys: [{name: a, role: command, public_key: " KEY "}]}\n"                                                         \
	"telemetry:\n  logs:\n"

static struct config read_good(const char *logs)
{
	CLEANUP(mem_close) char *text = mem_printf("%s%s", HEAD, logs);
	struct config c = { 0 };
	struct err e = { 0 };

	if (config_parse("x.yaml", text, strlen(text), &c, &e) != 0)
		fail_msg("%s", e.text);
	return c;
}

static void how_lines_are_joined_is_read(void **state)
{
	struct config c = read_good("    - {path: /a, service: a, format: glog, utc_offset: \"+08:00\"}\n"
				    "    - {path: /b, service: b, format: log4j, utc_offset: \"-03:30\", continues: \"^\\\\s\"}\n"
				    "    - {path: /c, service: c, starts: \"^x\"}\n    - {path: \"/d/*/x-?.log\", service: d}\n"
				    "    - {path: /e, service: e, format: cri}\n    - {path: /f, service: f, format: docker}\n");

	(void)state;
	assert_int_equal(c.logs_n, 6);
	assert_int_equal(c.logs[0].framing.format, FRAMING_GLOG);
	assert_int_equal(c.logs[0].utc_offset_s, 28800);
	assert_int_equal(c.logs[1].framing.format, FRAMING_LOG4J);
	assert_int_equal(c.logs[1].utc_offset_s, -12600);
	assert_string_equal(c.logs[1].framing.continues, "^\\s");
	assert_string_equal(c.logs[2].framing.starts, "^x");
	assert_int_equal(c.logs[3].framing.format, FRAMING_LINES);
	assert_null(c.logs[3].framing.starts);
	assert_string_equal(c.logs[3].path, "/d/*/x-?.log");
	assert_int_equal(c.logs[4].framing.format, FRAMING_CRI);
	assert_int_equal(c.logs[5].framing.format, FRAMING_DOCKER);
	config_close(&c);
}

static void where_reading_begins_is_read(void **state)
{
	struct config c =
	    read_good("    - {path: /a, service: a, start_at: end, ignore_older: 24h}\n"
		      "    - {path: /b, service: b, start_at: begin, path_attributes: \"/{a}\"}\n    - {path: /c, service: c}\n");

	(void)state;
	assert_true(c.logs[0].starts_at_end);
	assert_int_equal(c.logs[0].ignore_older_ms, 86400000);
	assert_false(c.logs[1].starts_at_end);
	assert_int_equal(c.logs[1].ignore_older_ms, 0);
	assert_false(c.logs[2].starts_at_end);
	assert_null(c.logs[0].pieces);
	assert_string_equal(c.logs[1].pieces, "/{a}");
	config_close(&c);
}

static void units_of_the_journal_are_read(void **state)
{
	struct config c =
	    read_good("    - {journald: [doris-be.service, \"getty@tty1.service\"], service: be, format: glog, start_at: end}\n"
		      "    - {journald: [a.service], service: be, journal_directory: /var/log/journal/remote}\n"
		      "    - {path: /c, service: be}\n");

	(void)state;
	assert_int_equal(c.logs_n, 3);
	assert_null(c.logs[0].path);
	assert_int_equal(c.logs[0].units_n, 2);
	assert_string_equal(c.logs[0].units[0], "doris-be.service");
	assert_string_equal(c.logs[0].units[1], "getty@tty1.service");
	assert_string_equal(c.logs[0].service, "be");
	assert_int_equal(c.logs[0].framing.format, FRAMING_GLOG);
	assert_true(c.logs[0].starts_at_end);
	assert_null(c.logs[0].journal_dir);
	assert_string_equal(c.logs[1].journal_dir, "/var/log/journal/remote");
	assert_int_equal(c.logs[2].units_n, 0);
	config_close(&c);
}

static void what_is_wrong_is_named_by_line_found_and_expected(void **state)
{
	static const struct {
		const char *one, *says;
	} cases[] = {
		{ "{path: /var/**/x.log, service: a}", "expected one * a component" },
		{ "{path: /var/log/*/, service: a}", "no slash at its end" },
		{ "{path: /var/x.log}", "key \"service\" is missing" },
		{ "{path: /var/x.log, service: a, format: json}", "format: found \"json\"" },
		{ "{path: /var/x.log, service: a, starts: '('}", "expected a pattern that compiles" },
		{ "{path: /var/x.log, service: a, starts: a, continues: b}", "only one of `starts` and `continues`" },
		{ "{path: /var/x.log, service: a, format: glog, utc_offset: 8h}", "expected an offset from UTC" },
		{ "{path: /var/x.log, service: a, format: glog, utc_offset: '+15:00'}", "expected an offset from UTC" },
		{ "{path: /var/x.log, service: a, utc_offset: '+08:00'}", "format: log4j or glog beside it" },
		{ "{path: /var/x.log, service: a, format: cri, utc_offset: '+08:00'}", "format: log4j or glog beside it" },
		{ "{path: /var/x.log, service: a, path_attributes: '/var/{a}{b}'}", "something must stand between two pieces" },
		{ "{path: /var/x.log, service: a, path_attributes: [a]}", "path_attributes: found" },
		{ "{path: /var/x.log, service: a, start_at: middle}", "start_at: found \"middle\"" },
		{ "{path: /var/x.log, service: a, ignore_older: 5s}", "expected at least 1m" },
		{ "{path: /var/x.log, service: a, ignore_older: old}", "ignore_older: found \"old\"" },
		{ "{path: /var/x.log, service: a, format: docker, continues: '^x'}", "expected nothing: what a container's" },
		{ "{service: a}", "key \"path\" is missing" },
		{ "{journald: [], service: a}", "one at least" },
		{ "{journald: a.service, service: a}", "journald: found" },
		{ "{journald: [a.service]}", "key \"service\" is missing" },
		{ "{journald: [a], service: a}", "found \"a\", expected a unit with its type" },
		{ "{journald: [.service], service: a}", "expected a unit with its type" },
		{ "{journald: ['a*.service'], service: a}", "expected a unit with its type" },
		{ "{journald: [a.service], path: /x, service: a}", "it is for files" },
		{ "{journald: [a.service], service: a, ignore_older: 1h}", "it is for files" },
		{ "{journald: [a.service], service: a, path_attributes: '/{a}'}", "it is for files" },
		{ "{journald: [a.service], service: a, format: cri}", "the journal wraps no lines" },
		{ "{journald: [a.service], service: a, journal_directory: x}", "an absolute path" },
		{ "{path: /x, service: a, journal_directory: /x}", "expected `journald` beside it" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(mem_close) char *text = mem_printf("%s    - %s\n", HEAD, cases[i].one);
		struct config c = { 0 };
		struct err e = { 0 };

		if (config_parse("x.yaml", text, strlen(text), &c, &e) == 0)
			fail_msg("case %zu passes", i);
		if (strstr(e.text, cases[i].says) == NULL || strstr(e.text, "x.yaml:6:") != e.text)
			fail_msg("case %zu says: %s", i, e.text);
	}
}

/* The one would go on where the other has read to. */
static void two_of_one_service_and_folder_are_refused(void **state)
{
	static const char text[] = HEAD "    - {journald: [a.service], service: a}\n    - {journald: [b.service], service: a}\n";
	struct config c = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_not_equal(config_parse("x.yaml", text, strlen(text), &c, &e), 0);
	assert_non_null(strstr(e.text, "x.yaml:7:"));
	assert_non_null(strstr(e.text, "one `journald` a service"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_lines_are_joined_is_read),
		cmocka_unit_test(where_reading_begins_is_read),
		cmocka_unit_test(units_of_the_journal_are_read),
		cmocka_unit_test(two_of_one_service_and_folder_are_refused),
		cmocka_unit_test(what_is_wrong_is_named_by_line_found_and_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
