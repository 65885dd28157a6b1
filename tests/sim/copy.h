/* copy.h - a copy of bytes of exactly their length, so that a sanitizer sees whoever reads one too many. */
#pragma once
#include <string.h>

#include "agent/base/mem.h"

static inline void *copy_of(const void *p, size_t len)
{
	void *copy = mem_alloc(len);

	if (len > 0)
		memcpy(copy, p, len);
	return copy;
}
