/* test_rules.c - what may leave and in which shape; closed when in doubt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

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
	assert_int_equal(rules_line(r, "/var/log/doris/be.INFO", "x", 1), RULES_PASS);
	assert_int_equal(rules_line(r, "/etc/shadow", "x", 1), RULES_DENIED);
	assert_int_equal(rules_line(empty, "/var/log/doris/be.INFO", "x", 1), RULES_DENIED);
	assert_int_equal(rules_line(NULL, "/var/log/doris/be.INFO", "x", 1), RULES_DENIED);
	rules_free(r);
	rules_free(empty);
}

static void a_line_that_matches_a_drop_pattern_stays(void **state)
{
	struct rules *r = make();

	(void)state;
	assert_int_equal(rules_line(r, "/var/log/doris/x", "a DEBUG b", 9), RULES_DROPPED);
	rules_free(r);
}

static void a_pattern_that_runs_away_drops_the_line(void **state)
{
	const char *bad = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
	struct rules *r = make();

	(void)state;
	assert_int_equal(rules_line(r, "/var/log/doris/x", bad, strlen(bad)), RULES_FAILED);
	rules_free(r);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_passes_that_is_not_named),
		cmocka_unit_test(a_line_that_matches_a_drop_pattern_stays),
		cmocka_unit_test(a_pattern_that_runs_away_drops_the_line),
		cmocka_unit_test(secrets_are_masked_with_a_text_of_fixed_length),
		cmocka_unit_test(an_invalid_pattern_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
