/* region.c - see region.h. */
#include "agent/aws/region.h"

#include <string.h>

static bool is_direction(const char *s, size_t len)
{
	static const char *const directions[] = { "north",     "south",     "east",      "west",     "central",
						  "northeast", "northwest", "southeast", "southwest" };

	for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]); i++)
		if (strlen(directions[i]) == len && strncmp(s, directions[i], len) == 0)
			return true;
	return false;
}

/* What stands in front of the direction, as the SDKs of AWS know it. */
static bool is_place(const char *s, size_t len)
{
	static const char *const places[] = { "us", "eu", "ap",     "sa",     "ca",      "me",      "af",      "il",
					      "mx", "cn", "us-gov", "us-iso", "us-isob", "us-isof", "eu-isoe", "eusc-de" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strlen(places[i]) == len && strncmp(s, places[i], len) == 0)
			return true;
	return false;
}

bool region_is_one(const char *s)
{
	const char *number = strrchr(s, '-'), *direction = number;

	if (number == NULL)
		return false;
	while (direction > s && direction[-1] != '-')
		direction--;
	if (direction == s || !is_place(s, (size_t)(direction - s - 1)) || !is_direction(direction, (size_t)(number - direction)))
		return false;
	number++;
	return *number >= '1' && *number <= '9' && strspn(number, "0123456789") == strlen(number) && strlen(number) <= 2;
}
