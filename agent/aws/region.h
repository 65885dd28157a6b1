/* region.h - is this text the name of a region, and what is published of its partition? By its parts (us-east-1, ap-southeast-2,
 * us-gov-west-1, eusc-de-east-1), because AWS opens new ones: a place that AWS knows, a direction, a number. */
#pragma once
#include <stdbool.h>

/* A part of AWS that has accounts, keys and names of its own. */
struct region_partition {
	const char *name;        /* "aws-cn": in its ARNs */
	const char *prefix;      /* of its regions' names, "cn-"; "" is the commercial one, which has many */
	const char *suffix;      /* of its hosts: "amazonaws.com.cn" */
	const char *dual_suffix; /* of those that answer over IPv6 too: "api.amazonwebservices.com.cn" */
};

bool region_is_one(const char *s);
/* Is it one of those that AWS has published until now, in any of its partitions? One that is none of them may be new, or a slip of
 * the pen that looks like one (us-east-77), so this is for a warning alone. */
bool region_is_known(const char *s);
/* By the name of the region alone, so that a new region has one, too; never NULL. */
const struct region_partition *region_partition(const char *region);
