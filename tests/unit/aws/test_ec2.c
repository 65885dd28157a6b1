/* test_ec2.c - requests as EC2's query protocol spells them, and answers as EC2 and moto 5 write them. */
#include "tests/unit/aws/answers.h"

#include "agent/aws/ec2.h"
#include "agent/aws/read.h"

static const struct ec2_tag tags[] = { { "resource-created-by", "acme" }, { "reeve:installation", "prod 1" } };

static void close_form(struct request *f)
{
	request_close(f);
}

static void a_launch_asks_for_imdsv2_encryption_and_no_public_address(void **state)
{
	static const struct ec2_volume_arg volumes[] = {
		{ .device = "/dev/sdf", .type = "gp3", .size_gib = 20 },
		{ .device = "/dev/sdb",
		  .type = "io2",
		  .size_gib = 100,
		  .iops = 4000,
		  .throughput = 250,
		  .kms_key_id = "arn:aws:kms:us-east-1:1:key/k",
		  .keep = true },
	};
	static const char *const groups[] = { "sg-1", "sg-2" };
	const struct ec2_run_args a = { .client_token = "tok",
					.image_id = "ami-1",
					.type = "m5.large",
					.subnet_id = "subnet-1",
					.group_ids = groups,
					.group_ids_n = 2,
					.root_device = "/dev/xvda",
					.root_gib = 8,
					.volumes = volumes,
					.volumes_n = 2,
					.profile = "node",
					.user_data = "#!/bin/sh\n",
					.user_data_len = 10,
					.min = 2,
					.max = 3,
					.tags = tags,
					.tags_n = 2 };
	CLEANUP(close_form) struct request f;

	(void)state;
	ec2_run_instances(&f, &a);
	EXPECT_PAIRS(&f, "Action=RunInstances", "Version=2016-11-15", "ClientToken=tok", "ImageId=ami-1", "InstanceType=m5.large",
		     "MinCount=2", "MaxCount=3", "MetadataOptions.HttpTokens=required", "MetadataOptions.HttpPutResponseHopLimit=1",
		     "NetworkInterface.1.DeviceIndex=0", "NetworkInterface.1.SubnetId=subnet-1",
		     "NetworkInterface.1.SecurityGroupId.1=sg-1", "NetworkInterface.1.SecurityGroupId.2=sg-2",
		     "NetworkInterface.1.AssociatePublicIpAddress=false", "IamInstanceProfile.Name=node",
		     "UserData=IyEvYmluL3NoCg%3D%3D");
	EXPECT_PAIRS(&f, "BlockDeviceMapping.1.DeviceName=%2Fdev%2Fxvda", "BlockDeviceMapping.1.Ebs.VolumeSize=8",
		     "BlockDeviceMapping.1.Ebs.Encrypted=true", "BlockDeviceMapping.1.Ebs.DeleteOnTermination=true",
		     "BlockDeviceMapping.2.DeviceName=%2Fdev%2Fsdf", "BlockDeviceMapping.2.Ebs.VolumeSize=20",
		     "BlockDeviceMapping.2.Ebs.VolumeType=gp3", "BlockDeviceMapping.2.Ebs.Encrypted=true",
		     "BlockDeviceMapping.2.Ebs.DeleteOnTermination=true", "BlockDeviceMapping.3.Ebs.Iops=4000",
		     "BlockDeviceMapping.3.Ebs.Throughput=250", "BlockDeviceMapping.3.Ebs.DeleteOnTermination=false",
		     "BlockDeviceMapping.3.Ebs.KmsKeyId=arn%3Aaws%3Akms%3Aus-east-1%3A1%3Akey%2Fk",
		     "TagSpecification.1.ResourceType=instance", "TagSpecification.2.ResourceType=volume",
		     "TagSpecification.3.ResourceType=network-interface", "TagSpecification.3.Tag.2.Key=reeve%3Ainstallation",
		     "TagSpecification.3.Tag.2.Value=prod+1");
	assert_null(strstr(buf_str(&f.body), "BlockDeviceMapping.1.Ebs.VolumeType")); /* the root's stays the image's */
	assert_null(strstr(buf_str(&f.body), "BlockDeviceMapping.2.Ebs.Iops"));
	assert_null(strstr(buf_str(&f.body), "BlockDeviceMapping.2.Ebs.KmsKeyId"));
	assert_null(strstr(buf_str(&f.body), "&SubnetId="));
}

#define PAGE 100
#define PAGE_PAIR "MaxResults=100"

static void a_describe_has_filters_a_page_size_and_a_token(void **state)
{
	static const char *const states[] = { "pending", "running" };
	static const char *const vpc[] = { "vpc-1" };
	static const struct ec2_filter filters[] = { { "instance-state-name", states, 2 }, { "vpc-id", vpc, 1 } };
	static void (*const describes[])(struct request * f, const struct ec2_describe *d) = { ec2_describe_instances,
											       ec2_describe_security_groups };
	static const char *const actions[] = { "Action=DescribeInstances", "Action=DescribeSecurityGroups" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(describes); i++) {
		CLEANUP(close_form) struct request f;

		describes[i](&f, &(struct ec2_describe){ .filters = filters, .filters_n = 2, .next_token = "a=b" });
		EXPECT_PAIRS(&f, actions[i], "Filter.1.Name=instance-state-name", "Filter.1.Value.1=pending",
			     "Filter.1.Value.2=running", "Filter.2.Name=vpc-id", "Filter.2.Value.1=vpc-1", PAGE_PAIR,
			     "NextToken=a%3Db");
	}
}

static void rules_name_their_one_source_by_its_form(void **state)
{
	static const struct ec2_rule rules[] = {
		{ "tcp", 3306, 3307, "10.0.0.0/8", NULL, "mysql", false },
		{ "tcp", 443, 443, "2001:db8::/32", NULL, "", false },
		{ "-1", -1, -1, NULL, "sg-2", NULL, false },
		{ "icmp", -1, -1, "10.0.0.0/8", NULL, "", false },
		{ "tcp", 0, 65535, "pl-1", NULL, "", false },
	};
	CLEANUP(close_form) struct request f, g, out, no_out;

	(void)state;
	ec2_authorize_ingress(&f, "sg-1", rules, ARRAY_LEN(rules));
	EXPECT_PAIRS(&f, "Action=AuthorizeSecurityGroupIngress", "GroupId=sg-1", "IpPermissions.1.IpProtocol=tcp",
		     "IpPermissions.1.FromPort=3306", "IpPermissions.1.ToPort=3307",
		     "IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F8", "IpPermissions.1.IpRanges.1.Description=mysql",
		     "IpPermissions.2.Ipv6Ranges.1.CidrIpv6=2001%3Adb8%3A%3A%2F32", "IpPermissions.3.IpProtocol=-1",
		     "IpPermissions.3.Groups.1.GroupId=sg-2", "IpPermissions.4.FromPort=-1",
		     "IpPermissions.5.PrefixListIds.1.PrefixListId=pl-1");
	assert_null(strstr(buf_str(&f.body), "IpPermissions.3.FromPort"));
	assert_null(strstr(buf_str(&f.body), "IpPermissions.2.Ipv6Ranges.1.Description"));
	ec2_revoke_ingress(&g, "sg-1", rules, 1);
	EXPECT_PAIRS(&g, "Action=RevokeSecurityGroupIngress", "IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F8");
	ec2_authorize_egress(&out, "sg-1", rules + 4, 1);
	EXPECT_PAIRS(&out, "Action=AuthorizeSecurityGroupEgress", "IpPermissions.1.PrefixListIds.1.PrefixListId=pl-1");
	ec2_revoke_egress(&no_out, "sg-1", rules, 1);
	EXPECT_PAIRS(&no_out, "Action=RevokeSecurityGroupEgress", "IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F8");
}

static void small_requests_name_what_they_touch(void **state)
{
	static const char *const ids[] = { "i-1", "i-2" };
	CLEANUP(close_form) struct request terminate, create, drop;

	(void)state;
	ec2_terminate_instances(&terminate, ids, 2);
	EXPECT_PAIRS(&terminate, "Action=TerminateInstances", "InstanceId.1=i-1", "InstanceId.2=i-2");
	ec2_create_security_group(&create, "g", "d d", "vpc-1", tags, 2);
	EXPECT_PAIRS(&create, "Action=CreateSecurityGroup", "GroupName=g", "GroupDescription=d+d", "VpcId=vpc-1",
		     "TagSpecification.1.ResourceType=security-group", "TagSpecification.1.Tag.1.Key=resource-created-by");
	ec2_delete_security_group(&drop, "sg-1");
	EXPECT_PAIRS(&drop, "Action=DeleteSecurityGroup", "GroupId=sg-1");
}

/* ---- answers ------------------------------------------------------------------------------------------------------------- */

#define INSTANCE(id, state)                                                                                                        \
	"<item><instanceId>" id "</instanceId><imageId>ami-1</imageId><instanceState><code>16</code><name>" state "</name>"        \
	"</instanceState><instanceType>m5.large</instanceType><launchTime>2026-11-22T05:01:33.000Z</launchTime><placement>"        \
	"<availabilityZone>us-east-1a</availabilityZone></placement><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>"             \
	"<privateIpAddress>172.31.0.4</privateIpAddress><clientToken>tok</clientToken><groupSet><item><groupId>sg-1</groupId>"     \
	"<groupName>g</groupName></item></groupSet><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs>"              \
	"<volumeId>vol-1</volumeId></ebs></item><item><deviceName>eph</deviceName></item></blockDeviceMapping><tagSet><item>"      \
	"<key>Name</key><value>a</value></item><item><key>empty</key><value/></item></tagSet></item>"

static void add_repeated(struct buf *b, const char *list, unsigned n, const char *item)
{
	buf_addf(b, "<%s>", list);
	for (unsigned i = 0; i < n; i++)
		buf_addf(b, "<item>%s</item>", item);
	buf_addf(b, "</%s>", list);
}

/* What one carries at most by AWS's default quotas: 50 tags, 28 volumes, eight interfaces with five groups each, and
 * the fifty single members of the API reference. */
static void add_large_instance(struct buf *b, unsigned n)
{
	CLEANUP(buf_close) struct buf card = BUF_MAX(8192);

	add_repeated(&card, "groupSet", 5, "<groupId>sg-0123456789abcdef0</groupId><groupName>name</groupName>");
	buf_adds(&card, "<attachment><attachmentId>eni-attach-1</attachmentId><status>attached</status></attachment>");
	add_repeated(&card, "privateIpAddressesSet", 2, "<privateIpAddress>10.0.0.1</privateIpAddress><primary>true</primary>");
	buf_addf(b, "<item><instancesSet><item><instanceId>i-%u</instanceId><instanceState><name>running</name></instanceState>",
		 n);
	buf_adds(b, "<instanceType>r6i.xlarge</instanceType><launchTime>2026-11-22T05:01:33.000Z</launchTime>");
	for (int i = 0; i < 50; i++)
		buf_addf(b, "<other%d>value</other%d>", i, i);
	add_repeated(b, "tagSet", 50, "<key>a-key-of-the-usual-length</key><value>a value of the usual length</value>");
	add_repeated(b, "blockDeviceMapping", 28,
		     "<deviceName>/dev/sdf</deviceName><ebs><volumeId>vol-0123456789abcdef0</volumeId><status>attached</status>"
		     "<attachTime>2026-11-22T05:01:33.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></ebs>");
	add_repeated(b, "networkInterfaceSet", 8, buf_str(&card));
	buf_adds(b, "</item></instancesSet></item>");
}

static uint32_t kept_volumes; /* of the node that was asked about last */

static uint32_t data_volumes_of(const char *root, const char *mapping)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(4096);
	struct arena *m = arena_new_sized(64u << 20);
	struct ec2_instances list = { 0 };
	struct xml *x = NULL;
	uint32_t n;

	buf_addf(&b,
		 "<R><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>running</name>"
		 "</instanceState>%s<blockDeviceMapping>%s</blockDeviceMapping></item></instancesSet></item></reservationSet></R>",
		 root, mapping);
	assert_int_equal(xml_parse(b.data, b.len, &x, NULL), 0);
	assert_int_equal(ec2_read_instances(xml_root(x), m, &list, NULL), 0);
	n = list.v[0].data_volumes;
	kept_volumes = list.v[0].kept_volumes;
	xml_close(&x);
	arena_free(m);
	return n;
}

#define ROOT "<rootDeviceName>/dev/xvda</rootDeviceName>"
#define VOLUME(device, goes)                                                                                                       \
	"<item><deviceName>" device "</deviceName><ebs><volumeId>vol-1</volumeId><deleteOnTermination>" goes                       \
	"</deleteOnTermination></ebs></item>"

static void the_data_volumes_of_a_node_are_those_beside_its_root_that_go_with_it(void **state)
{
	(void)state;
	assert_int_equal(data_volumes_of(ROOT, ""), 0);
	assert_int_equal(data_volumes_of(ROOT, VOLUME("/dev/xvda", "true")), 0);
	assert_int_equal(data_volumes_of(ROOT, VOLUME("/dev/xvda", "true") VOLUME("/dev/sdf", "true")), 1);
	assert_int_equal(data_volumes_of(ROOT, VOLUME("/dev/sdf", "true") VOLUME("/dev/sdg", "true")), 2);
	assert_int_equal(data_volumes_of(ROOT, VOLUME("/dev/xvda", "false") VOLUME("/dev/sdf", "false")), 0);
	assert_int_equal(kept_volumes, 1);
	assert_int_equal(data_volumes_of(ROOT, VOLUME("/dev/sdf", "")), 1);
	assert_int_equal(data_volumes_of("", VOLUME("/dev/xvda", "true")), 1);
	assert_int_equal(data_volumes_of(ROOT, "<item><deviceName>eph</deviceName></item>"), 0);
}

static void a_full_page_of_the_largest_instances_is_read(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(8u << 20); /* what an answer may have */
	struct ec2_instances all = { 0 };

	(void)state;
	buf_adds(&b, "<DescribeInstancesResponse><reservationSet>");
	for (unsigned i = 0; i < PAGE; i++)
		add_large_instance(&b, i);
	buf_adds(&b, "</reservationSet><nextToken>t2</nextToken></DescribeInstancesResponse>");
	{
		ANSWER(a, buf_str(&b));

		assert_int_equal(ec2_read_instances(a.root, a.arena, &all, NULL), 0);
		assert_int_equal(all.n, PAGE);
		assert_int_equal(all.v[PAGE - 1].tags.n, 50);
		assert_string_equal(ec2_next_token(a.root), "t2");
	}
}

/* The second page shows one of the first again, with what became of it meanwhile. */
static void instances_of_all_reservations_and_pages_are_a_set(void **state)
{
	ANSWER(page1, "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>"
		      "<reservationSet><item><groupSet/><instancesSet>" INSTANCE("i-0", "running") INSTANCE(
			  "i-2", "pending") "</instancesSet></item><item>"
					    "<instancesSet>" INSTANCE(
						"i-1", "running") "</instancesSet></item></reservationSet><nextToken>t2</nextToken>"
								  "</DescribeInstancesResponse>");
	ANSWER(page2, "<DescribeInstancesResponse><reservationSet><item><instancesSet>" INSTANCE(
			  "i-2", "running") "</instancesSet></item></reservationSet><nextToken/></DescribeInstancesResponse>");
	struct ec2_instances all = { 0 };
	const struct ec2_instance *i;

	(void)state;
	assert_int_equal(ec2_read_instances(page1.root, page1.arena, &all, NULL), 0);
	assert_string_equal(ec2_next_token(page1.root), "t2");
	assert_int_equal(ec2_read_instances(page2.root, page1.arena, &all, NULL), 0);
	assert_null(ec2_next_token(page2.root));
	assert_int_equal(all.n, 3);
	assert_string_equal(all.v[1].id, "i-2");
	assert_string_equal(all.v[1].state, "running");
	i = &all.v[2];
	assert_string_equal(i->id, "i-1");
	assert_string_equal(i->state, "running");
	assert_string_equal(i->az, "us-east-1a");
	assert_string_equal(i->client_token, "tok");
	assert_string_equal(i->private_ip, "172.31.0.4");
	assert_int_equal(i->group_ids_n, 1);
	assert_string_equal(i->group_ids[0], "sg-1");
	assert_int_equal(i->data_volumes, 1); /* nothing says which is the root */
	assert_string_equal(ec2_tag_get(&i->tags, "empty"), "");
	assert_null(ec2_tag_get(&i->tags, "none"));
	assert_string_equal(i->reason_code, "");
}

static void a_launch_is_read_with_its_reasons_and_the_groups_of_its_interface(void **state)
{
	ANSWER(a,
	       "<RunInstancesResponse><reservationId>r-1</reservationId><groupSet/><instancesSet><item><instanceId>i-9</instanceId>"
	       "<instanceState><code>0</code><name>pending</name></instanceState><stateReason><code>pending</code>"
	       "<message>m</message></stateReason><groupSet/><networkInterfaceSet><item><groupSet><item><groupId>sg-7</groupId>"
	       "</item></groupSet></item></networkInterfaceSet></item></instancesSet></RunInstancesResponse>");
	struct ec2_instances all = { 0 };

	(void)state;
	assert_int_equal(ec2_read_run_instances(a.root, a.arena, &all, NULL), 0);
	assert_int_equal(all.n, 1);
	assert_string_equal(all.v[0].id, "i-9");
	assert_string_equal(all.v[0].reason_code, "pending");
	assert_string_equal(all.v[0].reason, "m");
	assert_int_equal(all.v[0].group_ids_n, 1);
	assert_string_equal(all.v[0].group_ids[0], "sg-7");
}

static void a_permission_with_many_sources_becomes_as_many_rules(void **state)
{
	ANSWER(a, "<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId><groupName>g</groupName>"
		  "<vpcId>vpc-1</vpcId><groupDescription>d</groupDescription><ipPermissions><item><ipProtocol>tcp</ipProtocol>"
		  "<fromPort>3306</fromPort><toPort>3307</toPort><groups><item><groupId>sg-2</groupId><userId>1</userId></item>"
		  "</groups><ipRanges><item><cidrIp>10.0.0.0/8</cidrIp><description>x</description></item><item>"
		  "<cidrIp>10.1.0.0/16</cidrIp></item></ipRanges><ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>"
		  "<prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds></item><item>"
		  "<ipProtocol>-1</ipProtocol><groups><item><groupId>sg-1</groupId></item></groups></item></ipPermissions>"
		  "<ipPermissionsEgress><item><ipProtocol>-1</ipProtocol></item></ipPermissionsEgress></item></securityGroupInfo>"
		  "</DescribeSecurityGroupsResponse>");
	struct ec2_groups all = { 0 };
	const struct ec2_rule *r;

	(void)state;
	assert_int_equal(ec2_read_security_groups(a.root, a.arena, &all, NULL), 0);
	assert_int_equal(all.n, 1);
	assert_int_equal(all.v[0].rules_n, 6);
	r = all.v[0].rules;
	assert_string_equal(r[0].group_id, "sg-2");
	assert_null(r[0].cidr);
	assert_int_equal(r[0].from_port, 3306);
	assert_string_equal(r[1].cidr, "10.0.0.0/8");
	assert_string_equal(r[1].description, "x");
	assert_string_equal(r[3].cidr, "::/0");
	assert_string_equal(r[4].cidr, "pl-1");
	assert_int_equal(r[5].to_port, -1);
}

static void new_groups_are_read(void **state)
{
	ANSWER(g, "<CreateSecurityGroupResponse><return>true</return><groupId>sg-5</groupId></CreateSecurityGroupResponse>");
	const char *id = NULL;

	(void)state;
	assert_int_equal(ec2_read_create_security_group(g.root, &id, NULL), 0);
	assert_string_equal(id, "sg-5");
}

static void rules_of_both_directions_are_read(void **state)
{
	ANSWER(p,
	       "<R><securityGroupInfo><item><groupId>sg-1</groupId><ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>1"
	       "</fromPort><toPort>2</toPort><ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges></item></ipPermissions>"
	       "<ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges>"
	       "<ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges><prefixListIds><item><prefixListId>pl-1"
	       "</prefixListId></item></prefixListIds></item></ipPermissionsEgress></item></securityGroupInfo></R>");
	struct ec2_groups all = { 0 };

	(void)state;
	assert_int_equal(ec2_read_security_groups(p.root, p.arena, &all, NULL), 0);
	assert_int_equal(all.v[0].rules_n, 4);
	assert_false(all.v[0].rules[0].is_egress);
	for (size_t i = 1; i < 4; i++)
		assert_true(all.v[0].rules[i].is_egress);
	assert_string_equal(all.v[0].rules[2].cidr, "::/0");
	assert_string_equal(all.v[0].rules[3].cidr, "pl-1");
}

static void an_answer_that_is_not_what_ec2_says_adds_nothing(void **state)
{
	static const char *const bad_instances[] = {
		"<DescribeInstancesResponse/>",
		"<DescribeInstancesResponse><reservationSet><item/></reservationSet></DescribeInstancesResponse>",
		"<R><reservationSet><item><instancesSet>" INSTANCE("i-1",
								   "running") "<item/></instancesSet></item></reservationSet></R>",
		"<R><reservationSet><item><instancesSet><item><instanceId><a>i</a></instanceId></item></instancesSet></item>"
		"</reservationSet></R>",
		"<R><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState>running</instanceState></"
		"item>"
		"</instancesSet></item></reservationSet></R>",
	};
	static const char *const bad_groups[] = {
		"<R/>",
		"<R><securityGroupInfo><item/></securityGroupInfo></R>",
		"<R><securityGroupInfo><item><groupId>g</groupId><ipPermissions><item/></ipPermissions></item></"
		"securityGroupInfo></R>",
		"<R><securityGroupInfo><item><groupId>g</groupId><ipPermissions><item><ipProtocol>tcp</ipProtocol>"
		"<fromPort>x</fromPort></item></ipPermissions></item></securityGroupInfo></R>",
		"<R><securityGroupInfo><item><groupId>g</groupId><ipPermissions><item><ipProtocol>tcp</ipProtocol><ipRanges><item/>"
		"</ipRanges></item></ipPermissions></item></securityGroupInfo></R>",
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_instances); i++) {
		ANSWER(a, bad_instances[i]);
		struct ec2_instances all = { 0 };

		assert_int_equal(ec2_read_instances(a.root, a.arena, &all, &e), -ERR_INVALID);
		assert_int_equal(all.n, 0);
		assert_null(all.v);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad_groups); i++) {
		ANSWER(a, bad_groups[i]);
		struct ec2_groups all = { 0 };

		assert_int_equal(ec2_read_security_groups(a.root, a.arena, &all, &e), -ERR_INVALID);
		assert_int_equal(all.n, 0);
	}
}

static void a_launch_without_instances_and_a_group_without_id_are_errors(void **state)
{
	ANSWER(a, "<RunInstancesResponse><reservationId>r</reservationId></RunInstancesResponse>");
	struct ec2_instances all = { 0 };
	const char *id = "kept";
	struct err e;

	(void)state;
	assert_int_equal(ec2_read_run_instances(a.root, a.arena, &all, &e), -ERR_INVALID);
	assert_string_equal(e.text, "RunInstancesResponse has no instancesSet");
	assert_int_equal(ec2_read_create_security_group(a.root, &id, &e), -ERR_INVALID);
	assert_string_equal(id, "kept");
}

/* As many elements as a document may have, each with the most that a reader makes of one. */
static void an_answer_of_any_shape_fits_into_the_arena_of_one_answer(void **state)
{
#define NODE "<item><instanceId>i-1</instanceId><instanceState><name>running</name></instanceState>"
#define RULES "<R><securityGroupInfo><item><groupId>sg-1</groupId><ipPermissions><item><ipProtocol>tcp</ipProtocol><groups>"
#define TAGS "<R><reservationSet><item><instancesSet>" NODE "<tagSet>"
	static const struct {
		const char *head, *item, *tail;
		size_t n;
		bool is_group;
	} shapes[] = {
		{ RULES, "<item><groupId>x</groupId></item>", "</groups></item></ipPermissions></item></securityGroupInfo></R>",
		  49900, true },
		{ TAGS, "<item/>", "</tagSet></item></instancesSet></item></reservationSet></R>", 99900, false },
		{ TAGS, "<item><key>k</key><value>v</value></item>", "</tagSet></item></instancesSet></item></reservationSet></R>",
		  33300, false },
		{ "<R><reservationSet><item><instancesSet>", NODE "</item>", "</instancesSet></item></reservationSet></R>",
		  READ_ROWS_MAX, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(READ_BODY_MAX);
		struct arena *m = read_arena();
		struct ec2_instances nodes = { 0 };
		struct ec2_groups groups = { 0 };

		buf_adds(&b, shapes[i].head);
		for (size_t n = 0; n < shapes[i].n; n++)
			buf_adds(&b, shapes[i].item);
		buf_adds(&b, shapes[i].tail);
		{
			ANSWER(a, buf_str(&b));

			if (shapes[i].is_group)
				assert_int_equal(ec2_read_security_groups(a.root, m, &groups, NULL), 0);
			else
				assert_int_equal(ec2_read_instances(a.root, m, &nodes, NULL), 0);
		}
		assert_true(arena_left(m) > READ_ANSWER_BYTES / 2);
		arena_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_launch_asks_for_imdsv2_encryption_and_no_public_address),
		cmocka_unit_test(a_describe_has_filters_a_page_size_and_a_token),
		cmocka_unit_test(rules_name_their_one_source_by_its_form),
		cmocka_unit_test(small_requests_name_what_they_touch),
		cmocka_unit_test(the_data_volumes_of_a_node_are_those_beside_its_root_that_go_with_it),
		cmocka_unit_test(a_full_page_of_the_largest_instances_is_read),
		cmocka_unit_test(instances_of_all_reservations_and_pages_are_a_set),
		cmocka_unit_test(a_launch_is_read_with_its_reasons_and_the_groups_of_its_interface),
		cmocka_unit_test(a_permission_with_many_sources_becomes_as_many_rules),
		cmocka_unit_test(new_groups_are_read),
		cmocka_unit_test(rules_of_both_directions_are_read),
		cmocka_unit_test(an_answer_that_is_not_what_ec2_says_adds_nothing),
		cmocka_unit_test(a_launch_without_instances_and_a_group_without_id_are_errors),
		cmocka_unit_test(an_answer_of_any_shape_fits_into_the_arena_of_one_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
