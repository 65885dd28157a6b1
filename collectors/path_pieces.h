/* path_pieces.h - names in a path: of "/var/log/{cluster}/{node}.log" and "/var/log/a/be-1.log" cluster is "a" and node "be-1".
 * Pure.
 *
 * A piece is one character or more, as few as may be, and has no slash; a `*` stands for any number without a name. Every other
 * character is itself, so pattern and path have as many components. Between two of them stands something: else nobody could say
 * where one ends. The time it takes grows with the length alone, whatever the path. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/base/err.h"

#define PATH_PIECES_MAX 6
#define PATH_PIECES_NAME_MAX 64 /* bytes of a name */

struct path_piece {
	const char *name, *value; /* lent: in the pattern, in the path */
	size_t name_len, value_len;
};

/* Is it a pattern, with a name at least? The sentence says what is wrong with it. */
int path_pieces_check(const char *pattern, struct err *e);
/* In the order of the pattern, which is right; how many there are. 0: the path is not like it. */
size_t path_pieces_read(const char *pattern, const char *path, struct path_piece ret[PATH_PIECES_MAX]);
