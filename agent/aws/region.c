/* region.c - see region.h. */
#include "agent/aws/region.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

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

/* As the SDKs of AWS list them (endpoints.json of botocore), by partition: the commercial one, China, GovCloud, the isolated ones,
 * the European sovereign cloud. tests/docs/test_regions.py compares. */
static const char *const published[] = {
	"af-south-1",      "ap-east-1",      "ap-east-2",      "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
	"ap-south-1",      "ap-south-2",     "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4",
	"ap-southeast-5",  "ap-southeast-6", "ap-southeast-7", "ca-central-1",   "ca-west-1",      "eu-central-1",
	"eu-central-2",    "eu-north-1",     "eu-south-1",     "eu-south-2",     "eu-west-1",      "eu-west-2",
	"eu-west-3",       "il-central-1",   "me-central-1",   "me-south-1",     "mx-central-1",   "sa-east-1",
	"us-east-1",       "us-east-2",      "us-west-1",      "us-west-2",

	"cn-north-1",      "cn-northwest-1",

	"us-gov-east-1",   "us-gov-west-1",

	"us-iso-east-1",   "us-iso-west-1",  "us-isob-east-1", "us-isob-west-1", "eu-isoe-west-1", "us-isof-east-1",
	"us-isof-south-1",

	"eusc-de-east-1",
};

/* As partitions.json of botocore has them; tests/docs/test_regions.py compares. The last one is for every other name: the
 * commercial partition's regions have no prefix in common. */
static const struct region_partition partitions[] = {
	{ "aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn" },
	{ "aws-us-gov", "us-gov-", "amazonaws.com", "api.aws" },
	{ "aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov" },
	{ "aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud" },
	{ "aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk" },
	{ "aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov" },
	{ "aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu" },
	{ "aws", "", "amazonaws.com", "api.aws" },
};

const struct region_partition *region_partition(const char *region)
{
	const struct region_partition *p = partitions;

	while (!str_starts(region, p->prefix))
		p++;
	return p;
}

bool region_is_known(const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(published); i++)
		if (str_eq(s, published[i]))
			return true;
	return false;
}
