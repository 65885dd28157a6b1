/* handle.h - what a person types for a command: its id with or without dashes, the beginning of one, or its number.
 *
 * Up to fifteen digits without a zero in front are a number (the command's seq); all else is an id or its beginning. An id of
 * version 7 begins with a zero until the year 2527, so the two are told apart. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "agent/base/err.h"

struct handle {
	bool is_number;
	uint64_t number;
	char hex[33]; /* the id or its beginning, lower case, without dashes */
};

int handle_parse(const char *text, struct handle *ret, struct err *e);
bool handle_fits(const struct handle *h, const char *id, uint64_t seq); /* id: as uuid_text writes it */
