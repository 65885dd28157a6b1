/* patterns.h - patterns for which it must not matter whether the sieve stands before them, and texts made to come near to
 * matching. For the property test here and for the fuzzer. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"
#include "shippers/rules.h"

/* `has_clue`: the sieve must be of use for it. */
static const struct {
	const char *text;
	bool has_clue;
} patterns[] = {
	{ "(?:ASIA|AKIA)[A-Z0-7]{16}", true },
	{ "(?i)bearer\\s+[a-z0-9._~+/-]{20,}", true },
	{ "(?i)\\b(?:password|passwd|pwd)\\s*[=:]\\s*\\S+", true },
	{ "-----BEGIN [A-Z ]*PRIVATE KEY-----", true },
	{ "[\\w.+-]+@[\\w-]+\\.[\\w.-]+", true },
	{ "\\b(?:\\d{1,3}\\.){3}\\d{1,3}\\b", true },
	{ "\\b\\d{4}(?:[ -]?\\d{4}){3}\\b", true },
	{ "\\beyJ[\\w-]+\\.[\\w-]+\\.[\\w-]+", true },
	{ "'[^']*'", true },
	{ "[=<>]\\s*\\d+", true },
	{ "(?<=password=)\\S+", true },
	{ "DEBUG", true },
	{ "^(a+)+$", false },
	{ "x*", false },
	{ "(?i)kiss", true },
	{ "(?i:sky|K)ß", true },
	{ "(?i)straße", true },
	{ "é+x", true },
	{ "[é-ü]x=", true },
	{ "[^a-z]=[^\\d]", true },
	{ "(?i)[^s]=", true },
	{ "a(?i)b|c", true },
	{ "a(?i:b)c=", true },
	{ "(?:abc){2,3}d", true },
	{ "(?:a|b|c|d){3}=", true },
	{ "(?:ab|cd)+=", true },
	{ "a{0}b=", true },
	{ "a{2}b=?", true },
	{ "(?=.*=)a", true },
	{ "(?!=)a@", true },
	{ "(?=@)?ab", true },
	{ "(?<!x)@y", true },
	{ "a\\Kb@", true },
	{ "\\Qa.b\\E+@", true },
	{ "a(?#no)?@", true },
	{ "(a)\\1@", true },
	{ "(?<n>a)(?&n)@", true },
	{ "(?(?=a)ab|cd)@", true },
	{ "(?|a@|b@)", true },
	{ "(?>a+)@", true },
	{ "[[:alpha:]]+@", true },
	{ "[^[:digit:]]@", true },
	{ "[[:punct:]]a", false },
	{ "[]a]@", true },
	{ "[^]a]@", true },
	{ "[a\\]b-]@", true },
	{ "[\\w-]@", true },
	{ "\\x40a", true },
	{ "\\x{40}a", true },
	{ "\\ta\\n=", true },
	{ "\\p{L}@", true },
	{ "\\R@", true },
	{ "\\h+@\\H", true },
	{ "\\N@.", true },
	{ "(?s).@", true },
	{ "(?m)^@a$", true },
	{ "(?x) a @ b", true },
	{ "(*UCP)\\w@", true },
	{ "(*F)|@", false },
	{ "@|=", true },
	{ "@|", false },
	{ "(?:@|=)a", true },
	{ "(?:@|a?)", false },
	{ "{a}@", true },
	{ "a{,2}@", true },
	{ "a{x@", true },
	{ "[0-9a-f]{64}", true },
	{ "(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", true },
	{ "(?:a(?:b(?:c(?:d@))))", true },
	{ "(?:a|b)(?:a|b)(?:a|b)(?:a|b)(?:a|b)@", true },
	{ "(?:(?:a|b)@)?c", true },
	{ "(@)?+a|=", false },
	{ "@*?a@+?b", true },
	{ "\\b@\\B", true },
	{ "(?J)(?<n>a@)|(?<n>b@)", true },
	{ "(?i)\\x4b@", true },
	{ "(?i)ſ=", true },
	{ "(?i)K=", true },
	{ "[a-cx-z]{2,}@{2}", true },
	{ "(?=a@)|b@", true },
};

/* Pieces that these patterns are about, and what a caseless k and s are, too. */
static const char *const pieces[] = { "a",           "b",
				      "c",           "d",
				      "x",           "@",
				      "=",           "ab",
				      "abc",         "é",
				      "ü",           "ß",
				      "ſ",           "K",
				      "k",           "K",
				      "s",           "S",
				      "sky",         "SKY",
				      "kiſſ",        "KISS",
				      " ",           "\n",
				      "\t",          "'",
				      "1",           "12",
				      "1234",        "10.0.0.1",
				      "-",           ".",
				      "{",           "}",
				      "a@b.c",       "AKIA",
				      "ASIA",        "0123ABCD",
				      "EFGH4567",    "bearer ",
				      "password",    "pwd=",
				      ":",           "]",
				      "DEBUG",       "0123456789abcdef",
				      "-----BEGIN ", "PRIVATE KEY-----",
				      "eyJ",         "strasse",
				      "STRAßE",      "\r\n" };

/* Patterns `at` and `also` as a drop and a redact rule and, with `detect`, all detectors: the same verdict and the same text with
 * the sieve and without it. Without it a limit may be met that the sieve spares: that is the one difference. */
static inline bool patterns_agree(const char *drop, const char *redact, bool detect, const char *s, size_t len)
{
	char *drops[] = { (char *)drop };
	struct telemetry_redact redacts = { .name = "x", .pattern = redact };
	struct telemetry_rules t = { .drop = drops, .drop_n = drop != NULL, .redact = &redacts, .redact_n = redact != NULL };
	struct buf room[2] = { BUF_MAX(0), BUF_MAX(0) };
	const char *text[2] = { s, s };
	size_t lens[2] = { len, len };
	enum rules_verdict v[2];
	bool is_same = true;

	for (size_t i = 0; i < TELEMETRY_DETECTORS; i++)
		t.detect[i].is_on = detect;
	for (int i = 0; i < 2; i++) {
		struct rules *r = NULL;

		if (rules_new(&t, NULL, NULL, &r, NULL) != 0)
			return true; /* no pattern */
		if (i == 0)
			rules_look_at_all(r);
		rules_begin(r);
		v[i] = rules_line(r, &text[i], &lens[i], &room[i]);
		rules_free(r);
	}
	if (v[0] != RULES_FAILED)
		is_same = v[0] == v[1] && (v[0] != RULES_PASS || (lens[0] == lens[1] && memcmp(text[0], text[1], lens[0]) == 0));
	buf_close(&room[0]);
	buf_close(&room[1]);
	return is_same;
}
