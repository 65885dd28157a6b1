/* streak.h - are there so many bytes of a set in a row? For what a pattern must find in one piece: sixteen digits with blanks and
 * dashes, forty of base64. */
#pragma once
#include <stddef.h>

#include "shippers/byteset.h"

#define STREAK_RANGES 6
#define STREAK_LONGEST 32 /* of a longer one only so much is looked for */

struct streak {
	unsigned least; /* 0: nothing is asked for */
	unsigned n;     /* ranges; more than STREAK_RANGES: all texts have it */
	/* Each byte sixteen times, as it is compared: where a range begins, and how much larger its last byte is. */
	unsigned char from[STREAK_RANGES][16], more[STREAK_RANGES][16];
};

struct streak streak_of(const struct byteset *set, size_t least);
bool streak_is_in(const struct streak *r, const char *s, size_t len);
