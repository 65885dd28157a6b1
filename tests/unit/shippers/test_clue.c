/* test_clue.c - what a pattern must leave in a text: never more than it must, and something wherever there is something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "shippers/clue.h"
#include "tests/unit/shippers/patterns.h"

static void each_pattern_that_holds_something_seldom_has_a_clue(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		pcre2_code *code = NULL;
		struct clue clue;

		assert_int_equal(pattern_compile(patterns[i].text, &code, NULL), 0);
		clue_of(patterns[i].text, code, &clue);
		pcre2_code_free(code);
		if ((clue.n > 0) != patterns[i].has_clue)
			print_message("%s has %zu\n", patterns[i].text, clue.n);
		wrong += (clue.n > 0) != patterns[i].has_clue;
	}
	assert_int_equal(wrong, 0);
}

/* xorshift: the same texts at each run. */
static uint32_t next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Pieces, and pieces of the pattern itself. */
static void make_text(const char *pattern, uint32_t *seed, struct buf *to)
{
	size_t n = next(seed) % 12;

	buf_reset(to);
	for (size_t i = 0; i < n; i++) {
		size_t at = next(seed) % strlen(pattern), len = 1 + next(seed) % 5;

		if (next(seed) % 3 > 0 || (pattern[at] & 0x80) != 0)
			buf_adds(to, pieces[next(seed) % ARRAY_LEN(pieces)]);
		else
			for (; len > 0 && pattern[at] != '\0' && (pattern[at] & 0x80) == 0; at++, len--)
				buf_addc(to, pattern[at]);
	}
}

static void no_text_is_judged_otherwise_because_of_the_sieve(void **state)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(4096);
	uint32_t seed = 20260301;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		for (int n = 0; n < 400; n++) {
			const char *also = patterns[next(&seed) % ARRAY_LEN(patterns)].text;
			bool is_drop = n % 2 == 0;

			make_text(patterns[i].text, &seed, &text);
			if (!patterns_agree(is_drop ? patterns[i].text : NULL, is_drop ? also : patterns[i].text, n % 5 == 0,
					    buf_str(&text), text.len))
				fail_msg("%s (%s) on \"%s\"", patterns[i].text, also, buf_str(&text));
		}
}

/* Bits run out at 64, ways at 16, items at 64: then more texts are let through, and none less. */
static void what_has_no_room_is_let_through(void **state)
{
	struct telemetry_redact many[200];
	char texts[200][32];
	struct telemetry_rules t = { .redact = many, .redact_n = ARRAY_LEN(many) };
	CLEANUP(buf_close) struct buf room = BUF_MAX(0), longest = BUF_MAX(4096);
	struct rules *r = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		snprintf(texts[i], sizeof(texts[i]), "needle%zu[xy]!", i);
		many[i] = (struct telemetry_redact){ .name = "n", .pattern = texts[i] };
	}
	assert_int_equal(rules_new(&t, NULL, NULL, &r, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		char line[64];
		const char *text = line;
		size_t len = (size_t)snprintf(line, sizeof(line), "a needle%zux! in hay", i);

		rules_begin(r);
		assert_int_equal(rules_line(r, &text, &len, &room), RULES_PASS);
		assert_string_equal(text, "a [REDACTED:n] in hay");
	}
	rules_free(r);
	for (int i = 0; i < 100; i++)
		buf_adds(&longest, "ab");
	buf_adds(&longest, "(?:a|b)@");
	assert_true(patterns_agree(NULL, buf_str(&longest), false, buf_str(&longest), longest.len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pattern_that_holds_something_seldom_has_a_clue),
		cmocka_unit_test(no_text_is_judged_otherwise_because_of_the_sieve),
		cmocka_unit_test(what_has_no_room_is_let_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
