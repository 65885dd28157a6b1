/* detect.h - what must not leave and needs no pattern of the customer's: keys, tokens, addresses, numbers, found by scanners that
 * are written by hand. One file each: detect_aws.c, detect_tokens.c and so on say what theirs finds and what it leaves.
 *
 *     struct detect d = detect_of(s, len);
 *     while (detect_next(TELEMETRY_EMAIL, &d, &from, &to)) ...      from left to right, never the same byte twice
 *
 * Each is linear in the text whatever stands in it: looks ahead and back are bounded, or what they went over is not looked at
 * again. The text is UTF-8 and may have many lines. A mask that stands there already is not a find.
 *
 * detect_clues: each text in which a scanner finds anything has at least one of its clues. None: the scanner is always run, and
 * quick enough for that. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/base/telemetry.h"

struct detect {
	const char *s;
	size_t len, at;
	unsigned depth; /* detect_sql.c: of parentheses since IN or VALUES */
};

/* A gram (sieve_gram_of), and a run of at least so many bytes of a set beside it (byteset_of), or 0. */
struct detect_clue {
	const char *gram, *run;
	size_t run_least;
};

struct detect detect_of(const char *s, size_t len);
bool detect_next(enum telemetry_detector which, struct detect *d, size_t *from, size_t *to);
const char *detect_name(enum telemetry_detector which);
/* Of all of them, up to one whose gram is NULL. */
const struct detect_clue *detect_clues(enum telemetry_detector which);
