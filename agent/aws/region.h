/* region.h - is this text the name of a region? By its parts (us-east-1, ap-southeast-2, us-gov-west-1, eusc-de-east-1), because
 * AWS opens new ones: a place that AWS knows, a direction, a number. */
#pragma once
#include <stdbool.h>

bool region_is_one(const char *s);
/* Is it one of those that AWS has published until now, in any of its partitions? One that is none of them may be new, or a slip of
 * the pen that looks like one (us-east-77), so this is for a warning alone. */
bool region_is_known(const char *s);
