/* region.c - see region.h. */
#include "agent/aws/region.h"

#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define REGION_MAX 32

static bool is_direction(const char *s, size_t len)
{
	static const char *const directions[] = { "north",     "south",     "east",      "west",     "central",
						  "northeast", "northwest", "southeast", "southwest" };

	for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]); i++)
		if (strlen(directions[i]) == len && strncmp(s, directions[i], len) == 0)
			return true;
	return false;
}

bool region_is_one(const char *s)
{
	size_t words = 0, len;

	if (strlen(s) > REGION_MAX)
		return false;
	for (; (len = strspn(s, LETTERS)) > 1 && s[len] == '-' && !is_direction(s, len); words++)
		s += len + 1;
	if (words == 0 || words > 2 || s[len] != '-' || !is_direction(s, len))
		return false;
	s += len + 1;
	return *s >= '1' && *s <= '9' && strspn(s, "0123456789") == strlen(s) && strlen(s) <= 2;
}
