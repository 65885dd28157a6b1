/* test_ec2_look.c - what EC2 tells of things that are nobody's to change, as EC2 and moto 5 write it. */
#include "tests/unit/aws/answers.h"

#include "agent/aws/ec2_look.h"

static void close_form(struct request *f)
{
	request_close(f);
}

static void each_is_asked_for_by_filter_and_page(void **state)
{
	static const char *const values[] = { "a" };
	static const struct ec2_filter filter = { "image-id", values, 1 };
	static const struct {
		void (*describe)(struct request *f, const struct ec2_describe *d);
		const char *action, *more;
	} cases[] = {
		{ ec2_describe_vpcs, "Action=DescribeVpcs", "MaxResults=100" },
		{ ec2_describe_subnets, "Action=DescribeSubnets", "MaxResults=100" },
		{ ec2_describe_images, "Action=DescribeImages", "IncludeDeprecated=true" },
		{ ec2_describe_instance_types, "Action=DescribeInstanceTypes", "MaxResults=100" },
		{ ec2_describe_prefix_lists, "Action=DescribePrefixLists", "MaxResults=100" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(close_form) struct request f;

		cases[i].describe(&f, &(struct ec2_describe){ .filters = &filter, .filters_n = 1, .next_token = "a=b" });
		EXPECT_PAIRS(&f, cases[i].action, cases[i].more, "Filter.1.Name=image-id", "Filter.1.Value.1=a", "NextToken=a%3Db");
	}
}

/* clang-format off */
static const char vpcs_text[] =
	"<R><vpcSet><item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><cidrBlockAssociationSet>"
	"<item><cidrBlock>10.0.0.0/16</cidrBlock><cidrBlockState><state>associated</state></cidrBlockState></item>"
	"<item><cidrBlock>10.9.0.0/16</cidrBlock><cidrBlockState><state>disassociated</state></cidrBlockState></item>"
	"</cidrBlockAssociationSet><ipv6CidrBlockAssociationSet>"
	"<item><ipv6CidrBlock>2600:1::/56</ipv6CidrBlock><ipv6CidrBlockState><state>associated</state></ipv6CidrBlockState></item>"
	"<item><ipv6CidrBlock>2600:2::/56</ipv6CidrBlock><ipv6CidrBlockState><state>failed</state></ipv6CidrBlockState></item>"
	"</ipv6CidrBlockAssociationSet></item><item><vpcId>vpc-2</vpcId><cidrBlock>10.2.0.0/16</cidrBlock></item></vpcSet></R>";

static const char images_text[] =
	"<R><imagesSet><item><imageId>ami-1</imageId><imageOwnerId>137112412989</imageOwnerId>"
	"<imageOwnerAlias>amazon</imageOwnerAlias><name>al2023</name><rootDeviceType>ebs</rootDeviceType>"
	"<rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping>"
	"<item><deviceName>/dev/xvda</deviceName><ebs><volumeSize>8</volumeSize></ebs></item></blockDeviceMapping></item>"
	"<item><imageId>ami-2</imageId><imageOwnerId>137112412989</imageOwnerId><rootDeviceName>/dev/xvda</rootDeviceName>"
	"<blockDeviceMapping><item><deviceName>/dev/xvda</deviceName></item>"
	"<item><deviceName>/dev/sdb</deviceName><virtualName>ephemeral0</virtualName></item></blockDeviceMapping></item>"
	"</imagesSet></R>";
/* clang-format on */

static void the_blocks_of_a_vpc_are_those_that_are_associated(void **state)
{
	ANSWER(p, vpcs_text);
	struct ec2_vpcs vpcs = { 0 };

	(void)state;
	assert_int_equal(ec2_read_vpcs(p.root, p.arena, &vpcs, NULL), 0);
	assert_int_equal(vpcs.n, 2);
	assert_int_equal(vpcs.v[0].cidrs_n, 2);
	assert_string_equal(vpcs.v[0].cidrs[1], "2600:1::/56");
	assert_int_equal(vpcs.v[1].cidrs_n, 1);
	assert_string_equal(vpcs.v[1].cidrs[0], "10.2.0.0/16");
}

static void an_image_tells_its_owner_its_root_and_what_it_maps_beside_it(void **state)
{
	ANSWER(p, images_text);
	struct ec2_images all = { 0 };

	(void)state;
	assert_int_equal(ec2_read_images(p.root, p.arena, &all, NULL), 0);
	assert_int_equal(all.n, 2);
	assert_string_equal(all.v[0].name, "al2023");
	assert_string_equal(all.v[0].owner, "137112412989");
	assert_string_equal(all.v[0].owner_alias, "amazon");
	assert_string_equal(all.v[0].root_device, "/dev/xvda");
	assert_string_equal(all.v[0].root_type, "ebs");
	assert_int_equal(all.v[0].root_gib, 8);
	assert_null(all.v[0].more);
	assert_string_equal(all.v[1].more, "/dev/sdb");
	assert_string_equal(all.v[1].owner_alias, "");
}

static void subnets_types_and_prefix_lists_are_sets(void **state)
{
	ANSWER(s, "<R><subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><availabilityZone>us-east-1a"
		  "</availabilityZone></item></subnetSet></R>");
	ANSWER(t, "<R><instanceTypeSet><item><instanceType>i3.large</instanceType><instanceStorageSupported>true"
		  "</instanceStorageSupported></item><item><instanceType>m6i.large</instanceType><instanceStorageSupported>false"
		  "</instanceStorageSupported></item><item><instanceType>x.y</instanceType></item></instanceTypeSet></R>");
	ANSWER(l, "<R><prefixListSet><item><prefixListId>pl-1</prefixListId><prefixListName>com.amazonaws.us-east-1.s3"
		  "</prefixListName></item></prefixListSet></R>");
	struct ec2_subnets subnets = { 0 };
	struct ec2_types types = { 0 };
	struct ec2_prefix_lists lists = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ec2_read_subnets(s.root, s.arena, &subnets, NULL), 0);
		assert_int_equal(ec2_read_instance_types(t.root, t.arena, &types, NULL), 0);
		assert_int_equal(ec2_read_prefix_lists(l.root, l.arena, &lists, NULL), 0);
	}
	assert_int_equal(subnets.n, 1); /* one page twice is that page */
	assert_string_equal(subnets.v[0].zone, "us-east-1a");
	assert_string_equal(subnets.v[0].vpc_id, "vpc-1");
	assert_int_equal(types.n, 3);
	assert_true(types.v[0].has_disks);
	assert_false(types.v[1].has_disks);
	assert_true(types.v[2].has_disks); /* what is not told counts */
	assert_int_equal(lists.n, 1);
	assert_string_equal(lists.v[0].id, "pl-1");
}

static void an_answer_that_is_not_what_ec2_says_adds_nothing(void **state)
{
	static const char *const bad[] = { "<R/>",
					   "<R><vpcSet><item/></vpcSet></R>",
					   "<R><vpcSet><item><vpcId>v</vpcId></item></vpcSet></R>",
					   "<R><subnetSet><item><subnetId>s</subnetId></item></subnetSet></R>",
					   "<R><imagesSet><item><imageId>ami-1</imageId></item></imagesSet></R>",
					   "<R><instanceTypeSet><item/></instanceTypeSet></R>",
					   "<R><prefixListSet><item><prefixListId>p</prefixListId></item></prefixListSet></R>" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ANSWER(a, bad[i]);
		struct ec2_vpcs vpcs = { 0 };
		struct ec2_subnets subnets = { 0 };
		struct ec2_images images = { 0 };
		struct ec2_types types = { 0 };
		struct ec2_prefix_lists lists = { 0 };

		assert_int_equal(ec2_read_vpcs(a.root, a.arena, &vpcs, NULL), -ERR_INVALID);
		assert_int_equal(ec2_read_subnets(a.root, a.arena, &subnets, NULL), -ERR_INVALID);
		assert_int_equal(ec2_read_images(a.root, a.arena, &images, NULL), -ERR_INVALID);
		assert_int_equal(ec2_read_instance_types(a.root, a.arena, &types, NULL), -ERR_INVALID);
		assert_int_equal(ec2_read_prefix_lists(a.root, a.arena, &lists, NULL), -ERR_INVALID);
		assert_int_equal(vpcs.n + subnets.n + images.n + types.n + lists.n, 0);
	}
}

static void termination_protection_is_asked_for_an_instance_and_is_on_or_off(void **state)
{
	ANSWER(on, "<R><instanceId>i-1</instanceId><disableApiTermination><value>true</value></disableApiTermination></R>");
	ANSWER(off, "<R><instanceId>i-1</instanceId><disableApiTermination><value>false</value></disableApiTermination></R>");
	ANSWER(none, "<R><instanceId>i-1</instanceId></R>");
	CLEANUP(close_form) struct request f;
	struct err e = { 0 };
	bool is = false;

	(void)state;
	ec2_describe_termination_protection(&f, "i-1");
	EXPECT_PAIRS(&f, "Action=DescribeInstanceAttribute", "InstanceId=i-1", "Attribute=disableApiTermination");
	assert_null(strstr(buf_str(&f.body), "MaxResults"));
	assert_int_equal(ec2_read_termination_protection(on.root, &is, NULL), 0);
	assert_true(is);
	assert_int_equal(ec2_read_termination_protection(off.root, &is, NULL), 0);
	assert_false(is);
	assert_int_equal(ec2_read_termination_protection(none.root, &is, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), "R: disableApiTermination is \"\", neither true nor false");
}

static void a_subnet_tells_its_state_and_how_many_addresses_are_free(void **state)
{
	ANSWER(p, "<R><subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><state>available</state>"
		  "<availableIpAddressCount>251</availableIpAddressCount><ipv6Native>false</ipv6Native></item>"
		  "<item><subnetId>subnet-2</subnetId><vpcId>vpc-1</vpcId></item>"
		  "<item><subnetId>subnet-3</subnetId><vpcId>vpc-1</vpcId><availableIpAddressCount>0</availableIpAddressCount>"
		  "<ipv6Native>true</ipv6Native></item></subnetSet></R>");
	struct ec2_subnets all = { 0 };

	(void)state;
	assert_int_equal(ec2_read_subnets(p.root, p.arena, &all, NULL), 0);
	assert_string_equal(all.v[0].state, "available");
	assert_true(all.v[0].tells_free);
	assert_int_equal(all.v[0].free, 251);
	assert_string_equal(all.v[1].state, "");
	assert_false(all.v[1].tells_free);
	assert_false(all.v[2].tells_free); /* of IPv6 alone */
}

static void an_image_and_a_type_tell_what_architecture_they_are_for(void **state)
{
	ANSWER(p, "<R><imagesSet><item><imageId>ami-1</imageId><imageOwnerId>1</imageOwnerId><imageState>deregistered</imageState>"
		  "<architecture>arm64</architecture></item></imagesSet></R>");
	ANSWER(q, "<R><instanceTypeSet><item><instanceType>t1.micro</instanceType><processorInfo><supportedArchitectures>"
		  "<item>i386</item><item>x86_64</item></supportedArchitectures></processorInfo></item>"
		  "<item><instanceType>m7g.large</instanceType></item></instanceTypeSet></R>");
	struct ec2_images images = { 0 };
	struct ec2_types types = { 0 };

	(void)state;
	assert_int_equal(ec2_read_images(p.root, p.arena, &images, NULL), 0);
	assert_string_equal(images.v[0].state, "deregistered");
	assert_string_equal(images.v[0].arch, "arm64");
	assert_int_equal(ec2_read_instance_types(q.root, q.arena, &types, NULL), 0);
	assert_int_equal(types.v[0].archs_n, 2);
	assert_string_equal(types.v[0].archs[1], "x86_64");
	assert_int_equal(types.v[1].archs_n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_asked_for_by_filter_and_page),
		cmocka_unit_test(the_blocks_of_a_vpc_are_those_that_are_associated),
		cmocka_unit_test(an_image_tells_its_owner_its_root_and_what_it_maps_beside_it),
		cmocka_unit_test(subnets_types_and_prefix_lists_are_sets),
		cmocka_unit_test(an_answer_that_is_not_what_ec2_says_adds_nothing),
		cmocka_unit_test(termination_protection_is_asked_for_an_instance_and_is_on_or_off),
		cmocka_unit_test(a_subnet_tells_its_state_and_how_many_addresses_are_free),
		cmocka_unit_test(an_image_and_a_type_tell_what_architecture_they_are_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
