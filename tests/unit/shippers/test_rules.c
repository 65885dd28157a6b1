/* test_rules.c - what may leave and in which shape; closed when in doubt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "agent/base/mem.h"
#include "shippers/rules.h"

static char *metrics[] = { (char[]){ "system.*" } };
static char *logs[] = { (char[]){ "/var/log/doris/*" } };
static char *drops[] = { (char[]){ "DEBUG" }, (char[]){ "^(a+)+$" } };
static struct telemetry_redact redacts[] = {
	{ "aws-key", "(?:ASIA|AKIA)[A-Z0-7]{16}" },
	{ "password", "(?<=password=)\\S+" },
	{ "empty", "x*" },
};

static struct rules *make(void)
{
	const struct telemetry_rules t = { metrics, 1, logs, 1, drops, 2, redacts, 3 };
	struct rules *r = NULL;
	struct err e;

	assert_int_equal(rules_new(&t, &r, &e), 0);
	rules_begin(r);
	return r;
}

static void nothing_passes_that_is_not_named(void **state)
{
	const struct telemetry_rules none = { 0 };
	struct rules *r = make(), *empty = NULL;

	(void)state;
	assert_int_equal(rules_new(&none, &empty, NULL), 0);
	assert_true(rules_metric(r, "system.cpu.time"));
	assert_false(rules_metric(r, "process.cpu.time"));
	assert_false(rules_metric(empty, "system.cpu.time"));
	assert_false(rules_metric(NULL, "system.cpu.time"));
	assert_int_equal(rules_text(r, "x", 1), RULES_PASS);
	assert_true(rules_path(r, "/var/log/doris/be.INFO"));
	assert_false(rules_path(r, "/etc/shadow"));
	assert_false(rules_path(empty, "/var/log/doris/be.INFO"));
	assert_false(rules_path(NULL, "/var/log/doris/be.INFO"));
	assert_int_equal(rules_text(NULL, "x", 1), RULES_DENIED);
	rules_free(r);
	rules_free(empty);
}

static void a_line_that_matches_a_drop_pattern_stays(void **state)
{
	struct rules *r = make();

	(void)state;
	assert_int_equal(rules_text(r, "a DEBUG b", 9), RULES_DROPPED);
	rules_free(r);
}

static void a_pattern_that_runs_away_drops_the_line(void **state)
{
	const char *bad = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
	struct rules *r = make();

	(void)state;
	assert_int_equal(rules_text(r, bad, strlen(bad)), RULES_FAILED);
	rules_free(r);
}

/* ---- the budget of a record ------------------------------------------------------------------------------------------ */

#define LONG 60000

static enum rules_verdict mask_with(const char *pattern, const char *body, size_t len)
{
	struct telemetry_redact redact = { "it", pattern };
	const struct telemetry_rules t = { .logs = logs, .logs_n = 1, .redact = &redact, .redact_n = 1 };
	CLEANUP(buf_close) struct buf room = BUF_MAX(0);
	struct rules *r = NULL;
	enum rules_verdict v;

	assert_int_equal(rules_new(&t, &r, NULL), 0);
	rules_begin(r);
	v = rules_mask(r, &body, &len, &room);
	rules_free(r);
	return v;
}

/* PCRE2's limits begin anew at each of the sixty thousand places where a match may start. */
static void a_long_line_costs_no_more_than_its_budget_and_is_dropped(void **state)
{
	static const char *const patterns[] = { "[A-Za-z0-9+/]+=", "[\\w.]+@[\\w.]+", "\\S+@\\S+", "[A-Z]*+=", "(?:[A-Z]++)?=" };
	CLEANUP(mem_close) char *line = mem_alloc(LONG + 8);
	clock_t from = clock();

	(void)state;
	memset(line, 'A', LONG);
	strcpy(line + LONG, " @ = ");
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		assert_int_equal(mask_with(patterns[i], line, strlen(line)), RULES_FAILED);
	print_message("%.0f ms each\n", (double)(clock() - from) * 1e3 / CLOCKS_PER_SEC / (double)ARRAY_LEN(patterns));
}

static void a_long_line_of_the_usual_kind_passes_under_usual_patterns(void **state)
{
	static const char *const patterns[] = { "[A-Za-z0-9+/]+=",
						"[\\w.]+@[\\w.]+",
						"(?:ASIA|AKIA)[A-Z0-9]{16}",
						"(?<=password=)\\S+",
						"\\b\\d{1,3}(?:\\.\\d{1,3}){3}\\b",
						"\\S+@\\S+",
						"[0-9a-f]{64}",
						"x*" };
	static const char words[] = "lorem 10.0.0.1 a.b@c.de password=foo WARN [main] org.x ";
	CLEANUP(mem_close) char *line = mem_alloc(LONG + sizeof(words));

	(void)state;
	for (size_t at = 0; at < LONG; at += sizeof(words) - 1)
		strcpy(line + at, words);
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		assert_int_equal(mask_with(patterns[i], line, strlen(line)), RULES_PASS);
}

static void the_budget_is_the_records_and_not_the_texts(void **state)
{
	CLEANUP(mem_close) char *line = mem_alloc(LONG + 8);
	CLEANUP(buf_close) struct buf room = BUF_MAX(0);
	struct telemetry_redact redact = { "it", "[A-Z]+=" };
	const struct telemetry_rules t = { .redact = &redact, .redact_n = 1 };
	const char *text;
	struct rules *r = NULL;
	size_t len;

	(void)state;
	memset(line, 'A', LONG);
	strcpy(line + LONG, " =");
	assert_int_equal(rules_new(&t, &r, NULL), 0);
	for (int again = 0; again < 2; again++) {
		rules_begin(r);
		text = "short";
		len = 5;
		assert_int_equal(rules_mask(r, &text, &len, &room), RULES_PASS);
		text = line;
		len = strlen(line);
		assert_int_equal(rules_mask(r, &text, &len, &room), RULES_FAILED);
		text = "short";
		len = 5;
		assert_int_equal(rules_mask(r, &text, &len, &room), RULES_FAILED);
	}
	rules_free(r);
}

static void what_is_no_utf8_stays(void **state)
{
	(void)state;
	assert_int_equal(mask_with("a", "b\xff", 2), RULES_FAILED);
	assert_int_equal(mask_with("a", "b\xed\xa0\x80", 4), RULES_FAILED); /* half a pair of UTF-16 */
	assert_int_equal(mask_with("a", "b\xf4\x90\x80\x80", 5), RULES_FAILED);
	assert_int_equal(mask_with("a", "b\xc0\x80", 3), RULES_FAILED);
}

static void secrets_are_masked_with_a_text_of_fixed_length(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "nothing here", "nothing here" },
		{ "key AKIAABCDEFGHIJKLMNOP.", "key [REDACTED:aws-key]." },
		{ "AKIAABCDEFGHIJKLMNOPASIAABCDEFGHIJKLMNOP", "[REDACTED:aws-key][REDACTED:aws-key]" },
		{ "user=x password=hunter2 ok", "user=[REDACTED:empty] password=[REDACTED:password] ok" },
		{ "", "" },
		{ "\xc3\xbc", "\xc3\xbc" },
	};
	struct rules *r = make();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf room = BUF_MAX(0);
		const char *text = cases[i].in;
		size_t len = strlen(text);

		assert_int_equal(rules_mask(r, &text, &len, &room), RULES_PASS);
		assert_int_equal(len, strlen(cases[i].out));
		assert_memory_equal(text, cases[i].out, len);
	}
	rules_free(r);
}

static void an_invalid_pattern_is_named(void **state)
{
	struct telemetry_redact bad = { "card-number", "[0-9" };
	const struct telemetry_rules t = { .redact = &bad, .redact_n = 1 };
	struct rules *r = NULL;
	struct err e;

	(void)state;
	assert_int_equal(rules_new(&t, &r, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "card-number"));
	assert_null(r);
}

/* Several patterns, one after the other: each mask may move where the rest begins. */
static void a_mask_that_covers_bytes_of_a_rest_belongs_to_it(void **state)
{
	static const struct {
		const char *text;
		size_t begun;
		const char *rest;
		bool touched;
	} cases[] = {
		{ "password=hunter2 end", 9, "[REDACTED:password] end", true },
		{ "password=hunter2 end", 12, "[REDACTED:password] end", true },
		{ "password=hunter2 end", 16, " end", false },
		{ "password=hunter2 end", 18, "nd", false },
		{ "AKIAABCDEFGHIJKLMNOP password=hunter2 end", 40, "d", false },
		{ "AKIAABCDEFGHIJKLMNOP password=hunter2 end", 33, "[REDACTED:password] end", true },
		{ "AKIAABCDEFGHIJKLMNOP password=hunter2 end", 7, "[REDACTED:aws-key] password=[REDACTED:password] end", true },
		{ "AKIAABCDEFGHIJKLMNOP password=hunter2 end", 20, " password=[REDACTED:password] end", true },
		{ "password=AKIAABCDEFGHIJKLMNOP.AKIAABCDEFGHIJKLMNOP end", 12, "[REDACTED:password] end", true },
		{ "password=AKIAABCDEFGHIJKLMNOP.AKIAABCDEFGHIJKLMNOP end", 35, "[REDACTED:password] end", true },
		{ "nothing", 3, "hing", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf room = BUF_MAX(1024);
		struct rules *r = make();
		const char *text = cases[i].text;
		size_t len = strlen(text), begun = cases[i].begun;
		bool touched = false;

		assert_int_equal(rules_mask_rest(r, &text, &len, &begun, &touched, &room), RULES_PASS);
		assert_int_equal(len - begun, strlen(cases[i].rest));
		assert_memory_equal(text + begun, cases[i].rest, len - begun);
		assert_int_equal(touched, cases[i].touched);
		rules_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_passes_that_is_not_named),
		cmocka_unit_test(a_line_that_matches_a_drop_pattern_stays),
		cmocka_unit_test(a_mask_that_covers_bytes_of_a_rest_belongs_to_it),
		cmocka_unit_test(a_pattern_that_runs_away_drops_the_line),
		cmocka_unit_test(a_long_line_costs_no_more_than_its_budget_and_is_dropped),
		cmocka_unit_test(a_long_line_of_the_usual_kind_passes_under_usual_patterns),
		cmocka_unit_test(the_budget_is_the_records_and_not_the_texts),
		cmocka_unit_test(what_is_no_utf8_stays),
		cmocka_unit_test(secrets_are_masked_with_a_text_of_fixed_length),
		cmocka_unit_test(an_invalid_pattern_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
