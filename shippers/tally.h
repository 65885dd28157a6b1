/* tally.h - what each of the customer's rules has done, by its name: it outlives the rules, which a new policy makes anew.
 *
 * Names are few: from TALLY_NAMES on all that come are counted as one, "others". A text that was found is never in it. */
#pragma once
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_NAMES 64
#define TALLY_NAME_MAX 64 /* bytes of a name; what is longer is cut */

/* Texts: the body of a line, or one of its attributes, or of a metric's. */
struct tally_one {
	char name[TALLY_NAME_MAX + 1];
	uint64_t masked;  /* in which something was */
	uint64_t dropped; /* that stay here for it */
	uint64_t failed;  /* that stay here since it met its limits */
};

struct tally {
	struct tally_one v[TALLY_NAMES + 1];
	size_t n;
};

struct tally_one *tally_of(struct tally *t, const char *name); /* for as long as t is there */
json_t *tally_json(const struct tally *t);                     /* [{"rule", "masked", "dropped", "failed"}, ...]; the caller's */
