/* clue_impl.h - a pattern as the ways in which it can match: each a row of sets that stand in the text one behind the other. */
#pragma once
#include "shippers/clue.h"

#define CLUE_ITEMS 64 /* of one way; what is more is a gap */

/* At least `least` bytes, all of `set`. A gap is anything, or nothing: what stands on its two sides need not touch. */
struct clue_item {
	struct byteset set;
	unsigned least;
	bool may_be_more;
	bool is_gap;
};

struct clue_row {
	struct clue_item v[CLUE_ITEMS];
	size_t n;
};

/* At most CLUE_WAYS. */
struct clue_rows {
	struct clue_row *v;
	size_t n;
};

/* False: something stands in the pattern that is not known here. */
bool clue_parse(const char *pattern, struct clue_rows *ret);
void clue_rows_close(struct clue_rows *r);
