/* taken.h - a line in the log of commit records that says how far one of two destinations has come: all bodies of the kind up to
 * the sequence have ended there, and some of them still wait for the other.
 *
 *     {"taken":17,"kind":"logs","by":"customer","sum":"89abcdef"}
 *
 * The sum is that of a commit record (commit.h). With one destination there are no such lines: there a body that has ended is
 * gone from the folder. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/base/err.h"
#include "agent/base/telemetry.h"

#define TAKEN_NAME_LEN 16 /* of a destination, with its NUL */

struct taken {
	uint64_t seq;
	enum telemetry_kind kind;
	char by[TAKEN_NAME_LEN];
};

int taken_format(const struct taken *t, struct buf *b); /* with its sum and its LF */
bool taken_is(const char *line, size_t len);            /* else it is a commit record */
int taken_parse(const char *line, size_t len, struct taken *ret, struct err *e);
