/* matcher.h - PCRE2's interpreter under limits. No code is made at run time (the unit forbids memory that is writable and
 * executable), so a pattern runs in production exactly as a customer has measured it, and nothing here waits for a JIT.
 *
 * PCRE2's own limits hold for one starting point of a match, and a line has as many of these as characters; nor do they count what
 * a class runs over. So every pattern is compiled with a callout before each of its items (pattern.h), and these count both: the
 * items tried and the distance from one to the next. The sum over a record is its budget, MATCHER_COST: what is counted takes
 * about four fifths of a nanosecond each, so the worst line holds the loop for about four milliseconds, whatever the patterns are.
 *
 * What that leaves room for: on a line of 180 bytes all patterns that a policy has room for. On one of 64 KiB a pattern costs
 * nothing if what it must find is not there (clue.h); else a twentieth of the budget if it begins with something that is seldom
 * (AKIA), and half of it if it may begin at every word ([\w.]+@[\w.]+); \S+@\S+ has used it up where there is an @ in each piece
 * of fifty bytes. What needs more is dropped and counted. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/pattern.h"

#define MATCHER_COST (INT64_C(5) << 20)

/* Its users embed it, and look at nothing in it. */
struct matcher {
	pcre2_match_context *limits;
	pcre2_match_data *found;
	int64_t left;          /* of the record's budget; below 0 it stays until the next record */
	PCRE2_SIZE start, pos; /* of the last item tried */
};

void matcher_init(struct matcher *m);
void matcher_close(struct matcher *m);
void matcher_begin(struct matcher *m);               /* a new record */
bool matcher_spend(struct matcher *m, int64_t cost); /* of work beside patterns; false: there is nothing left */
uint64_t matcher_spent(const struct matcher *m);     /* since the record's beginning */
/* 1: found at [*from, *to), 0: not found, negative: a limit was met. The text is UTF-8, which is not asked again at each match. */
int matcher_find(struct matcher *m, const pcre2_code *code, const char *s, size_t len, size_t at, size_t *from, size_t *to);
