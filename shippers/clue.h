/* clue.h - what a text must hold for a pattern to match in it at all, read off the pattern: literals, and runs of a class.
 *
 * A pattern has up to CLUE_WAYS alternatives; each has a gram (sieve.h) and may have a run: so many bytes in a row that are all of
 * one set. A text in which none of the alternatives is found whole cannot match. Of (?i)\b(?:password|pwd)\s*=\s*\S+ the grams are
 * `word` and `pwd` in either case; of \d{4}(?:[ -]?\d{4}){3} there is a run of 16 digits, blanks and dashes.
 *
 * The reading is careful: what it does not know ends it, and the pattern has no clue and is always run. It knows that a caseless k
 * or s is a character of several bytes, too (U+212A, U+017F), and that a class may hold some. Where it finds nothing, PCRE2 is
 * asked for the bytes that a match may begin with, and for one that is in each. */
#pragma once
#include "agent/base/pattern.h"
#include "shippers/sieve.h"

#define CLUE_WAYS 16

struct clue_way {
	struct sieve_gram gram;
	struct byteset run;
	size_t run_least; /* 0: no run is asked for */
};

struct clue {
	struct clue_way v[CLUE_WAYS];
	size_t n; /* 0: any text may match */
};

/* `code` is what `pattern` was compiled to, by pattern_compile. */
void clue_of(const char *pattern, const pcre2_code *code, struct clue *ret);
