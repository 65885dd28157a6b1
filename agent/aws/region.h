/* region.h - is this text the name of a region? By its form (us-east-1, ap-southeast-2, us-gov-west-1, eusc-de-east-1), because
 * AWS opens new ones: a place, then a direction, then a number. A typing error breaks the form. */
#pragma once
#include <stdbool.h>

bool region_is_one(const char *s);
