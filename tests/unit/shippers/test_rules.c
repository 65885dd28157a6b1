/* test_rules.c - what may leave and in which shape; closed when in doubt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "agent/base/mem.h"
#include "agent/base/secret.h"
#include "shippers/rules.h"

static char *metrics[] = { (char[]){ "system.*" } };
static char *logs[] = { (char[]){ "/var/log/doris/*" } };
static char *drops[] = { (char[]){ "DEBUG" }, (char[]){ "^(a+)+$" } };
static struct telemetry_redact redacts[] = {
	{ .name = "aws-key", .pattern = "(?:ASIA|AKIA)[A-Z0-7]{16}" },
	{ .name = "password", .pattern = "(?<=password=)\\S+" },
	{ .name = "empty", .pattern = "x*" },
};

static struct rules *make(void)
{
	const struct telemetry_rules t = { metrics, 1, logs, 1, drops, 2, redacts, 3, { { 0 } }, 0, 0 };
	struct rules *r = NULL;
	struct err e;

	assert_int_equal(rules_new(&t, NULL, NULL, &r, &e), 0);
	rules_begin(r);
	return r;
}

static void nothing_passes_that_is_not_named(void **state)
{
	const struct telemetry_rules none = { 0 };
	struct rules *r = make(), *empty = NULL;

	(void)state;
	assert_int_equal(rules_new(&none, NULL, NULL, &empty, NULL), 0);
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
	struct telemetry_redact redact = { .name = "it", .pattern = pattern };
	const struct telemetry_rules t = { .logs = logs, .logs_n = 1, .redact = &redact, .redact_n = 1 };
	CLEANUP(buf_close) struct buf room = BUF_MAX(0);
	struct rules *r = NULL;
	enum rules_verdict v;

	assert_int_equal(rules_new(&t, NULL, NULL, &r, NULL), 0);
	rules_begin(r);
	v = rules_mask(r, &body, &len, &room);
	rules_free(r);
	return v;
}

/* PCRE2's limits begin anew at each of the sixty thousand places where a match may start. */
static void a_long_line_costs_no_more_than_its_budget_and_is_dropped(void **state)
{
	static const char *const patterns[] = { "[A-Za-z0-9+/]+=", "[\\w.]+@[\\w.]+", "\\S+@\\S+", "[A-Z]*+=", "(?:[A-Z]++)?=" };
	CLEANUP(mem_close) char *line = mem_alloc(LONG + 16);
	clock_t from = clock();

	(void)state;
	memset(line, 'A', LONG);
	strcpy(line + LONG, "_ a@b C=");
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		assert_int_equal(mask_with(patterns[i], line, strlen(line)), RULES_FAILED);
	print_message("%.0f ms each\n", (double)(clock() - from) * 1e3 / CLOCKS_PER_SEC / (double)ARRAY_LEN(patterns));
}

static const struct telemetry_redact ten[] = {
	{ .name = "aws-key", .pattern = "(?:ASIA|AKIA)[A-Z0-9]{16}" },
	{ .name = "bearer", .pattern = "(?i)bearer\\s+[a-z0-9._~+/-]{20,}" },
	{ .name = "password", .pattern = "(?<=password=)\\S+" },
	{ .name = "key", .pattern = "-----BEGIN [A-Z ]*PRIVATE KEY-----" },
	{ .name = "e-mail", .pattern = "[\\w.]+@[\\w.]+" },
	{ .name = "ip", .pattern = "\\b\\d{1,3}(?:\\.\\d{1,3}){3}\\b" },
	{ .name = "card", .pattern = "\\b\\d{4}(?:[ -]?\\d{4}){3}\\b" },
	{ .name = "jwt", .pattern = "\\beyJ[\\w-]+\\.[\\w-]+" },
	{ .name = "digest", .pattern = "[0-9a-f]{64}" },
	{ .name = "base64", .pattern = "[A-Za-z0-9+/]+=" },
};

/* A line of `words` again and again, with `once` at its end, under ten rules and all detectors. */
static enum rules_verdict mask_long(const char *words, const char *once)
{
	struct telemetry_rules t = { .redact = (struct telemetry_redact *)ten, .redact_n = ARRAY_LEN(ten) };
	CLEANUP(mem_close) char *line = mem_alloc(LONG + 1024);
	CLEANUP(buf_close) struct buf room = BUF_MAX(0);
	const char *text = line;
	struct rules *r = NULL;
	enum rules_verdict v;
	size_t len;

	for (size_t at = 0; at < LONG; at += strlen(words))
		strcpy(line + at, words);
	strcat(line, once);
	len = strlen(line);
	for (int i = 0; i < TELEMETRY_DETECTORS; i++)
		t.detect[i].is_on = true;
	assert_int_equal(rules_new(&t, NULL, NULL, &r, NULL), 0);
	rules_begin(r);
	v = rules_line(r, &text, &len, &room);
	rules_free(r);
	return v;
}

static void a_long_line_of_the_usual_kind_passes_under_ten_patterns_and_all_detectors(void **state)
{
	(void)state;
	assert_int_equal(mask_long("lorem 2026-03-01 12:30:45 b@home pass word foo WARN [main] org.x ", ""), RULES_PASS);
	assert_int_equal(mask_long("lorem ipsum 12 WARN [main] org.x ", "AKIAABCDEFGHIJKLMNOP 10.0.0.1 a@b.cd"), RULES_PASS);
}

static void a_long_line_that_is_full_of_finds_is_dropped_and_not_half_masked(void **state)
{
	(void)state;
	assert_int_equal(mask_long("10.0.0.1 a.b@c.de password=foo Zm9v= ", ""), RULES_FAILED);
}

static void the_budget_is_the_records_and_not_the_texts(void **state)
{
	CLEANUP(mem_close) char *line = mem_alloc(LONG + 16);
	CLEANUP(buf_close) struct buf room = BUF_MAX(0);
	struct telemetry_redact redact = { .name = "it", .pattern = "[A-Z]+=" };
	const struct telemetry_rules t = { .redact = &redact, .redact_n = 1 };
	const char *text;
	struct rules *r = NULL;
	size_t len;

	(void)state;
	memset(line, 'A', LONG);
	strcpy(line + LONG, "_ C=");
	assert_int_equal(rules_new(&t, NULL, NULL, &r, NULL), 0);
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
	struct telemetry_redact bad = { .name = "card-number", .pattern = "[0-9" };
	const struct telemetry_rules t = { .redact = &bad, .redact_n = 1 };
	struct rules *r = NULL;
	struct err e;

	(void)state;
	assert_int_equal(rules_new(&t, NULL, NULL, &r, &e), -ERR_INVALID);
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

/* ---- detectors, HMACs, counts ---------------------------------------------------------------------------------------- */

static const struct secret key = { .bytes = (char[]){ "0123456789abcdef" }, .len = 16 };

static struct telemetry_rules with_hmac(void)
{
	static char debug[] = "DEBUG", *drop[] = { debug };
	static struct telemetry_redact user = { .name = "user", .pattern = "u-\\d+", .action = TELEMETRY_HMAC };
	struct telemetry_rules t = { .drop = drop, .drop_n = 1, .redact = &user, .redact_n = 1 };

	t.detect[TELEMETRY_EMAIL] = (struct telemetry_detect){ true, TELEMETRY_HMAC };
	t.detect[TELEMETRY_TOKENS] = (struct telemetry_detect){ true, TELEMETRY_MASK };
	return t;
}

/* HMAC-SHA-256 of the key above, as `openssl dgst -sha256 -hmac` has it. */
#define U_7 "[HMAC:user:c061d17d0a9f8196]"
#define MAIL "[HMAC:email:b36282a169494441]"

static void the_same_text_has_the_same_hmac_wherever_it_stands(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "u-7 and u-7", U_7 " and " U_7 },
		{ "mail a@b.cd to u-7", "mail " MAIL " to " U_7 },
		{ "password=u-7", "password=" U_7 }, /* the pattern comes first, and its mask is no find */
		{ "password=x a@b.cd", "password=[REDACTED:tokens] " MAIL },
		{ "nothing", "nothing" },
	};
	struct telemetry_rules t = with_hmac();
	struct rules *r = NULL;

	(void)state;
	assert_int_equal(rules_new(&t, &key, NULL, &r, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf room = BUF_MAX(0);
		const char *text = cases[i].in;
		size_t len = strlen(text);

		rules_begin(r);
		assert_int_equal(rules_line(r, &text, &len, &room), RULES_PASS);
		assert_string_equal(text, cases[i].out);
	}
	rules_free(r);
}

static void without_a_key_there_are_no_rules_and_the_sentence_says_which_wants_one(void **state)
{
	static const struct secret empty;
	struct telemetry_rules t = with_hmac();
	struct rules *r = NULL;
	struct err e;

	(void)state;
	assert_int_equal(rules_new(&t, NULL, NULL, &r, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "'user'"));
	assert_non_null(strstr(e.text, "hmac_key_file"));
	t.redact_n = 0;
	assert_int_equal(rules_new(&t, &empty, NULL, &r, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "'email'"));
	assert_null(r);
}

static void what_each_rule_does_is_counted_and_outlives_the_rules(void **state)
{
	static const char *const lines[] = { "u-1 u-2 a@b.cd", "u-3", "a DEBUG u-4", "clean" };
	struct tally *counts = mem_new(struct tally);
	struct telemetry_rules t = with_hmac();

	(void)state;
	for (int again = 0; again < 2; again++) {
		struct rules *r = NULL;

		assert_int_equal(rules_new(&t, &key, counts, &r, NULL), 0);
		for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
			CLEANUP(buf_close) struct buf room = BUF_MAX(0);
			const char *text = lines[i];
			size_t len = strlen(text);

			rules_begin(r);
			rules_line(r, &text, &len, &room);
		}
		rules_free(r);
	}
	assert_int_equal(counts->n, 4);
	assert_int_equal(tally_of(counts, "drop-1")->dropped, 2);
	assert_int_equal(tally_of(counts, "user")->masked, 4);
	assert_int_equal(tally_of(counts, "email")->masked, 2);
	assert_int_equal(tally_of(counts, "tokens")->masked + tally_of(counts, "user")->failed, 0);
	mem_free(counts);
}

static void the_rule_that_met_its_limits_is_the_one_that_failed(void **state)
{
	struct tally *counts = mem_new(struct tally);
	const char *text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
	const struct telemetry_rules t = { .drop = drops, .drop_n = 2 };
	CLEANUP(buf_close) struct buf room = BUF_MAX(0);
	struct rules *r = NULL;
	size_t len = strlen(text);

	(void)state;
	assert_int_equal(rules_new(&t, NULL, counts, &r, NULL), 0);
	rules_begin(r);
	assert_int_equal(rules_line(r, &text, &len, &room), RULES_FAILED);
	assert_int_equal(tally_of(counts, "drop-1")->failed, 0);
	assert_int_equal(tally_of(counts, "drop-2")->failed, 1);
	rules_free(r);
	mem_free(counts);
}

/* A rule may be masked by what one before it left, and then there is something to look for that was not there before. */
static void a_mask_is_looked_at_by_those_behind_it(void **state)
{
	static struct telemetry_redact two[] = { { .name = "secret", .pattern = "hunter2" },
						 { .name = "all", .pattern = "REDACTED:secret\\] @end" } };
	const struct telemetry_rules t = { .redact = two, .redact_n = 2 };
	CLEANUP(buf_close) struct buf room = BUF_MAX(0);
	const char *text = "it is hunter2 @end";
	size_t len = strlen(text);
	struct rules *r = NULL;

	(void)state;
	assert_int_equal(rules_new(&t, NULL, NULL, &r, NULL), 0);
	rules_begin(r);
	assert_int_equal(rules_line(r, &text, &len, &room), RULES_PASS);
	assert_string_equal(text, "it is [[REDACTED:all]");
	rules_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_passes_that_is_not_named),
		cmocka_unit_test(a_line_that_matches_a_drop_pattern_stays),
		cmocka_unit_test(a_mask_that_covers_bytes_of_a_rest_belongs_to_it),
		cmocka_unit_test(a_pattern_that_runs_away_drops_the_line),
		cmocka_unit_test(a_long_line_costs_no_more_than_its_budget_and_is_dropped),
		cmocka_unit_test(a_long_line_of_the_usual_kind_passes_under_ten_patterns_and_all_detectors),
		cmocka_unit_test(a_long_line_that_is_full_of_finds_is_dropped_and_not_half_masked),
		cmocka_unit_test(the_budget_is_the_records_and_not_the_texts),
		cmocka_unit_test(what_is_no_utf8_stays),
		cmocka_unit_test(secrets_are_masked_with_a_text_of_fixed_length),
		cmocka_unit_test(an_invalid_pattern_is_named),
		cmocka_unit_test(the_same_text_has_the_same_hmac_wherever_it_stands),
		cmocka_unit_test(without_a_key_there_are_no_rules_and_the_sentence_says_which_wants_one),
		cmocka_unit_test(what_each_rule_does_is_counted_and_outlives_the_rules),
		cmocka_unit_test(the_rule_that_met_its_limits_is_the_one_that_failed),
		cmocka_unit_test(a_mask_is_looked_at_by_those_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
