/* test_region.c - names of regions by their form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/aws/region.h"
#include "agent/base/mem.h"

static void every_partitions_regions_are_known_by_their_form(void **state)
{
	static const char *const good[] = {
		"us-east-1",      "us-west-2",       "ca-central-1",   "sa-east-1",       "eu-south-2",
		"ap-southeast-5", "ap-northeast-3",  "me-central-1",   "af-south-1",      "il-central-1",
		"mx-central-1",   "cn-northwest-1",  "us-gov-west-1",  "us-iso-east-1",   "us-isob-east-1",
		"eu-isoe-west-1", "us-isof-south-1", "eusc-de-east-1", "ap-southeast-10",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!region_is_one(good[i]))
			fail_msg("%s is refused", good[i]);
}

static void what_is_no_region_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"us",
		"us-east",
		"us-east-",
		"us-east-1a",
		"us-east-0",
		"us-east-100",
		"US-EAST-1",
		"us_east_1",
		"us-esat-1",
		"useast-1",
		"east-1",
		"us--east-1",
		"-us-east-1",
		"global",
		"nowhere-1",
		"us-east-1 ",
		"us-east-1.evil.example",
		"mars-east-1",
		"us-mars-east-1",
		"u-east-1",
		"us-a-b-c-east-1",
		"us-eastcentral-1",
		"us-northeastwest-1",
		"aws-global",
		"us-east-one",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (region_is_one(wrong[i]))
			fail_msg("%s is taken", wrong[i]);
}

/* Those of the list are regions by their form, too: one of another form would be refused. */
static void a_region_that_aws_has_published_is_known_and_one_that_only_looks_so_is_not(void **state)
{
	static const char *const known[] = { "us-east-1",     "eu-central-2",   "cn-north-1",      "us-gov-east-1",
					     "us-iso-west-1", "us-isob-east-1", "us-isof-south-1", "eusc-de-east-1" };
	static const char *const unknown[] = { "us-east-77", "us-gov-south-1", "ap-southeast-10", "us-east", "US-EAST-1", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!region_is_known(known[i]) || !region_is_one(known[i]))
			fail_msg("%s is not known", known[i]);
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		if (region_is_known(unknown[i]))
			fail_msg("%s is known", unknown[i]);
}

static void each_region_belongs_to_the_partition_that_its_name_begins_with(void **state)
{
	static const char *const rows[][3] = {
		{ "us-east-1", "aws", "amazonaws.com" },
		{ "us-west-2", "aws", "amazonaws.com" },
		{ "eu-north-1", "aws", "amazonaws.com" },
		{ "mx-central-9", "aws", "amazonaws.com" }, /* one that nobody has published yet */
		{ "cn-northwest-1", "aws-cn", "amazonaws.com.cn" },
		{ "us-gov-east-1", "aws-us-gov", "amazonaws.com" },
		{ "us-iso-west-1", "aws-iso", "c2s.ic.gov" },
		{ "us-isob-west-1", "aws-iso-b", "sc2s.sgov.gov" },
		{ "eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk" },
		{ "us-isof-east-1", "aws-iso-f", "csp.hci.ic.gov" },
		{ "eusc-de-east-1", "aws-eusc", "amazonaws.eu" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct region_partition *p = region_partition(rows[i][0]);

		assert_string_equal(p->name, rows[i][1]);
		assert_string_equal(p->suffix, rows[i][2]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_partitions_regions_are_known_by_their_form),
		cmocka_unit_test(what_is_no_region_is_refused),
		cmocka_unit_test(a_region_that_aws_has_published_is_known_and_one_that_only_looks_so_is_not),
		cmocka_unit_test(each_region_belongs_to_the_partition_that_its_name_begins_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
