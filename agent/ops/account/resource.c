/* resource.c - see resource.h. */
#include "agent/ops/account/resource.h"

#include <stddef.h>

#include "agent/base/str.h"

const struct resource *resource_find(const struct resource *const *all, const char *kind)
{
	for (; *all != NULL; all++)
		if (str_eq((*all)->kind, kind))
			return *all;
	return NULL;
}
