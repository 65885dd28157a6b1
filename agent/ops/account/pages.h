/* pages.h - a list that AWS shows in several pages, read until it is whole.
 *
 * While pages are read things come and go, and one that stays may move to a page that was read already: it is then on none. A node
 * that was only overlooked would be launched a second time. So a list of several pages counts when two readings in a row show the
 * same things; one that fits on a page counts at once. Pure. */
#pragma once
#include <stdbool.h>

#include "agent/base/digest.h"
#include "agent/base/err.h"

#define PAGES_READINGS_MAX 6

/* Of one list; zero before its first page, and again once it is whole. */
struct pages {
	unsigned n, readings; /* pages of this reading; readings before it */
	struct digest things; /* of the reading before */
};

/* A page has been read into the rows, of which the first member is the id, a const char *. When it was the last of its reading:
 * is the list whole? Else it is to be read again from the first page. -ERR_AGAIN: it has been, too often. */
int pages_read(struct pages *p, const void *rows, size_t n, size_t size, bool is_last, bool *ret_whole, struct err *e);
