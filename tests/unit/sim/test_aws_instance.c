/* test_aws_instance.c - the pretend instances, groups and interfaces do what EC2's documents say. */
#include "tests/unit/sim/account.h"

static void an_instance_tells_its_image_profile_groups_and_zone(void **state)
{
	(void)state;
	account_ready();
	ask("Action=RunInstances&ClientToken=t9&InstanceType=m6i.large&ImageId=ami-1&NetworkInterface.1.SubnetId=subnet-0002"
	    "&NetworkInterface.1.AssociatePublicIpAddress=false&MetadataOptions.HttpTokens=required"
	    "&BlockDeviceMapping.1.DeviceName=" AWS_IMAGE_ROOT "&BlockDeviceMapping.1.Ebs.Encrypted=true"
	    "&NetworkInterface.1.SecurityGroupId.1=%s&IamInstanceProfile.Name=nodes&UserData=aGVsbG8="
	    "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v",
	    account.group);
	assert_true(told("<imageId>ami-1</imageId>") && told(":instance-profile/nodes</arn>") && told(account.group));
	assert_true(told("<availabilityZone>us-east-1b</availabilityZone>") && told("<key>k</key><value>v</value>"));
}

static void an_attribute_of_an_instance_is_told_by_its_name(void **state)
{
	(void)state;
	account_ready();
	ask("Action=DescribeInstanceAttribute&InstanceId=%s&Attribute=disableApiTermination", account.node);
	assert_true(told("<disableApiTermination><value>false</value></disableApiTermination>"));
	ask("Action=DescribeInstanceAttribute&InstanceId=%s&Attribute=userData", account.node);
	assert_true(told("<userData></userData>"));
	ask("Action=DescribeInstanceAttribute&InstanceId=i-none&Attribute=userData");
	assert_true(refused("InvalidInstanceID.NotFound"));
}

static void a_group_tells_whose_interfaces_hold_it(void **state)
{
	static const struct aws_interface lambda = { .description = "AWS Lambda VPC ENI",
						     .requester = "999:lambda",
						     .is_attached = true };
	struct aws_interface other = lambda;

	(void)state;
	account_ready();
	ask("Action=DescribeNetworkInterfaces&Filter.1.Name=group-id&Filter.1.Value.1=%s", account.group);
	assert_int_equal(times_told("<networkInterfaceId>"), 2);
	assert_true(told(account.node) && told("<status>in-use</status>") &&
		    told("<deleteOnTermination>true</deleteOnTermination>"));
	snprintf(other.group, sizeof(other.group), "%s", account.group);
	aws_add_interface(account.a, &other);
	ask("Action=DescribeNetworkInterfaces&Filter.1.Name=group-id&Filter.1.Value.1=%s", account.group);
	assert_true(told("<requesterId>999:lambda</requesterId>") && told("AWS Lambda VPC ENI"));
	ask("Action=TerminateInstances&InstanceId.1=%s&InstanceId.2=%s", account.node, account.other);
	account_wait_s(100);
	ask("Action=DeleteSecurityGroup&GroupId=%s", account.group);
	assert_true(refused("DependencyViolation"));
	ask("Action=DescribeNetworkInterfaces&Filter.1.Name=group-id&Filter.1.Value.1=%s", account.group);
	assert_int_equal(times_told("<networkInterfaceId>"), 1);
}

static void groups_are_found_by_name_and_by_the_rules_that_name_them(void **state)
{
	char second[64];

	(void)state;
	account_ready();
	ask("Action=CreateSecurityGroup&GroupName=extra&GroupDescription=d&VpcId=" AWS_VPC OURS);
	text_of("groupId", second, sizeof(second));
	ask("Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=1"
	    "&IpPermissions.1.ToPort=1&IpPermissions.1.Groups.1.GroupId=%s",
	    second, account.group);
	ask("Action=DescribeSecurityGroups&Filter.1.Name=group-name&Filter.1.Value.1=extra&Filter.2.Name=vpc-id&Filter.2.Value."
	    "1=" AWS_VPC);
	assert_true(told("<groupName>extra</groupName>") && !told("<groupName>node</groupName>"));
	ask("Action=DescribeSecurityGroups&Filter.1.Name=ip-permission.group-id&Filter.1.Value.1=%s", account.group);
	assert_true(told("<groupName>extra</groupName>") && !told("<groupName>node</groupName>"));
	ask("Action=DescribeSecurityGroups&Filter.1.Name=egress.ip-permission.group-id&Filter.1.Value.1=%s", account.group);
	assert_false(told("<groupName>"));
	ask("Action=DescribeSecurityGroups&Filter.1.Name=colour&Filter.1.Value.1=red");
	assert_true(refused("InvalidParameterValue"));
}

static int terminate(const char *first, const char *second)
{
	return ask("Action=TerminateInstances&InstanceId.1=%s&InstanceId.2=%s", first, second);
}

static bool is_in_state(const char *id, const char *state)
{
	char got[64];

	ask("Action=DescribeInstances&Filter.1.Name=instance-id&Filter.1.Value.1=%s", id);
	return str_eq(text_of("name", got, sizeof(got)), state);
}

static struct aws_instance *instance(const char *id)
{
	for (size_t i = 0; i < account.a->instances_n; i++)
		if (str_eq(account.a->instances[i]->t.id, id))
			return account.a->instances[i];
	fail();
	return NULL;
}

static void a_terminate_is_refused_and_yet_done_in_the_zones_without_a_protected_node(void **state)
{
	(void)state;
	account_ready();
	instance(account.other)->is_protected = true;
	assert_int_equal(terminate(account.node, account.other), 400);
	assert_true(refused("OperationNotPermitted") && told(account.other));
	account_wait_s(60);
	assert_true(is_in_state(account.node, "terminated") && is_in_state(account.other, "running"));
	ask("Action=DescribeInstanceAttribute&InstanceId=%s&Attribute=disableApiTermination", account.other);
	assert_true(told("<value>true</value>"));
}

static void a_protected_node_keeps_the_others_of_its_zone(void **state)
{
	char third[64];

	(void)state;
	account_ready();
	launch("subnet-0003", "t3", third); /* of the zone of the first */
	instance(account.node)->is_protected = true;
	assert_int_equal(terminate(third, account.node), 400);
	account_wait_s(60);
	assert_true(is_in_state(third, "running") && is_in_state(account.node, "running"));
}

static void one_with_the_tags_of_somebody_else_has_all_denied(void **state)
{
	(void)state;
	account_ready();
	aws_hand_tag(&instance(account.other)->t, "reeve:installation", "inst-9");
	assert_int_equal(terminate(account.node, account.other), 403);
	assert_true(refused("UnauthorizedOperation"));
	account_wait_s(60);
	assert_true(is_in_state(account.node, "running"));
}

static void one_unknown_id_keeps_the_whole_batch(void **state)
{
	(void)state;
	account_ready();
	terminate(account.node, "i-none");
	assert_true(refused("InvalidInstanceID.NotFound") && told("i-none") && !told(account.node));
	account_wait_s(60);
	assert_true(is_in_state(account.node, "running"));
}

static void a_stopped_node_lives_and_says_why_and_serves_no_more(void **state)
{
	(void)state;
	account_ready();
	aws_hand_stop(account.a, instance(account.node));
	assert_true(is_in_state(account.node, "stopping"));
	account_wait_s(60);
	assert_true(is_in_state(account.node, "stopped"));
	assert_true(told("<code>80</code>") && told("<code>Client.UserInitiatedShutdown</code>"));
	assert_string_equal(target_state(account.tg, account.node), "unused");
	assert_true(told("<Reason>Target.InvalidState</Reason>") && told("Target is in the stopped state"));
	ask("Action=RegisterTargets&TargetGroupArn=%s&Targets.member.1.Id=%s&Targets.member.2.Id=%s", account.other_tg,
	    account.node, account.other);
	assert_true(refused("InvalidTarget") && told(account.node) && !told(account.other));
	assert_string_equal(target_state(account.other_tg, account.other), "unused");
	assert_true(told("Target.NotRegistered"));
	aws_hand_start(account.a, instance(account.node));
	account_wait_s(5);
	assert_true(is_in_state(account.node, "running") && !told("stateReason"));
}

static void a_node_dies_at_once_of_what_its_state_reason_says(void **state)
{
	static const struct {
		enum tally_kind kind;
		const char *code;
	} cases[] = { { TALLY_AWS_DEAD_KMS, "Client.InvalidKMSKey.InvalidState" },
		      { TALLY_AWS_DEAD_CLIENT, "Client.InternalError" },
		      { TALLY_AWS_DEAD_VOLUMES, "Client.VolumeLimitExceeded" },
		      { TALLY_AWS_DEAD_CAPACITY, "Server.InsufficientInstanceCapacity" } };

	(void)state;
	account_ready();
	account.odds.calm = false;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char token[] = "d0", id[64], code[64];

		token[1] = (char)('0' + i);
		account.odds.per_mille[cases[i].kind] = 1000;
		launch("subnet-0001", token, id);
		account.odds.per_mille[cases[i].kind] = 0;
		account_wait_s(1);
		assert_true(is_in_state(id, "terminated"));
		snprintf(code, sizeof(code), "<code>%s</code>", cases[i].code);
		assert_true(told(code));
	}
}

static int allow(unsigned port, const char *cidr)
{
	return ask("Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=%u"
		   "&IpPermissions.1.ToPort=%u&IpPermissions.1.%s=%s",
		   account.group, port, port, strchr(cidr, ':') != NULL ? "Ipv6Ranges.1.CidrIpv6" : "IpRanges.1.CidrIp", cidr);
}

static void a_group_has_room_for_so_many_rules_of_each_family(void **state)
{
	(void)state;
	account_ready();
	for (unsigned i = 0; i < 60; i++)
		assert_int_equal(allow(8000 + i, "10.0.0.0/8"), 200);
	allow(9000, "10.0.0.0/8");
	assert_true(refused("RulesPerSecurityGroupLimitExceeded"));
	assert_int_equal(allow(9000, "2600::/16"), 200);
	ask("Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=%s",
	    account.group, account.group);
	assert_true(refused("RulesPerSecurityGroupLimitExceeded"));
}

static void rows_come_twice_or_not_at_all_when_pages_race(void **state)
{
	(void)state;
	account_ready();
	account.odds.calm = false;
	account.odds.per_mille[TALLY_AWS_ROW_TWICE] = 1000;
	ask("Action=DescribeInstances&MaxResults=5&NextToken=t1");
	assert_true(told(account.node) && told(account.other));
	account.odds.per_mille[TALLY_AWS_ROW_TWICE] = 0;
	account.odds.per_mille[TALLY_AWS_ROW_MISSED] = 1000;
	ask("Action=DescribeInstances&MaxResults=5&NextToken=t1");
	assert_true(told(account.other)); /* nothing came or went for a while */
	ask("Action=TerminateInstances&InstanceId.1=%s", account.node);
	launch("subnet-0001", "t7", account.node);
	ask("Action=DescribeInstances&MaxResults=5&NextToken=t2");
	assert_false(told(account.node));
}

static int launch_with_a_profile(const char *token)
{
	return ask("Action=RunInstances&ClientToken=%s&InstanceType=m6i.large&ImageId=ami-1&NetworkInterface.1.SubnetId=subnet-0002"
		   "&NetworkInterface.1.AssociatePublicIpAddress=false&MetadataOptions.HttpTokens=required"
		   "&BlockDeviceMapping.1.DeviceName=" AWS_IMAGE_ROOT "&BlockDeviceMapping.1.Ebs.Encrypted=true"
		   "&IamInstanceProfile.Name=nodes",
		   token);
}

static void a_new_profile_is_not_known_for_a_while(void **state)
{
	(void)state;
	account_ready();
	account.odds.calm = false;
	account.a->profile_delay_ms = 30000;
	launch_with_a_profile("p1");
	assert_true(refused("InvalidParameterValue") && told("Invalid IAM Instance Profile name"));
	account_wait_s(31);
	assert_int_equal(launch_with_a_profile("p2"), 200);
}

static void the_status_checks_of_a_new_node_take_a_while_and_begin_anew_with_a_start_or_a_reboot(void **state)
{
	(void)state;
	account_ready();
	account_wait_s(200);
	ask("Action=DescribeInstanceStatus&IncludeAllInstances=true&InstanceId.1=%s", account.node);
	assert_int_equal(times_told("<status>ok</status>"), 2);
	ask("Action=StopInstances&InstanceId.1=%s", account.node);
	account_wait_s(100);
	ask("Action=DescribeInstanceStatus&IncludeAllInstances=true&InstanceId.1=%s", account.node);
	assert_true(told("<name>stopped</name>") && times_told("<status>not-applicable</status>") == 2);
	ask("Action=StartInstances&InstanceId.1=%s", account.node);
	account_wait_s(2);
	ask("Action=DescribeInstanceStatus&IncludeAllInstances=true&InstanceId.1=%s", account.node);
	assert_true(told("<name>running</name>") && times_told("<status>initializing</status>") == 2);
	account_wait_s(200);
	ask("Action=RebootInstances&InstanceId.1=%s", account.node);
	ask("Action=DescribeInstanceStatus&IncludeAllInstances=true&InstanceId.1=%s", account.node);
	assert_int_equal(times_told("<status>ok</status>"), 2); /* what was seen before it began */
	account_wait_s(95);
	account_wait_s(200);
	ask("Action=DescribeInstanceStatus&IncludeAllInstances=true&InstanceId.1=%s", account.node);
	assert_int_equal(times_told("<status>ok</status>"), 2);
	ask("Action=DescribeInstanceStatus&InstanceId.1=i-none");
	assert_true(refused("InvalidInstanceID.NotFound"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_instance_tells_its_image_profile_groups_and_zone, account_start, account_end),
		cmocka_unit_test_setup_teardown(an_attribute_of_an_instance_is_told_by_its_name, account_start, account_end),
		cmocka_unit_test_setup_teardown(
		    the_status_checks_of_a_new_node_take_a_while_and_begin_anew_with_a_start_or_a_reboot, account_start,
		    account_end),
		cmocka_unit_test_setup_teardown(a_group_tells_whose_interfaces_hold_it, account_start, account_end),
		cmocka_unit_test_setup_teardown(a_terminate_is_refused_and_yet_done_in_the_zones_without_a_protected_node,
						account_start, account_end),
		cmocka_unit_test_setup_teardown(a_protected_node_keeps_the_others_of_its_zone, account_start, account_end),
		cmocka_unit_test_setup_teardown(one_with_the_tags_of_somebody_else_has_all_denied, account_start, account_end),
		cmocka_unit_test_setup_teardown(one_unknown_id_keeps_the_whole_batch, account_start, account_end),
		cmocka_unit_test_setup_teardown(a_stopped_node_lives_and_says_why_and_serves_no_more, account_start, account_end),
		cmocka_unit_test_setup_teardown(a_node_dies_at_once_of_what_its_state_reason_says, account_start, account_end),
		cmocka_unit_test_setup_teardown(a_group_has_room_for_so_many_rules_of_each_family, account_start, account_end),
		cmocka_unit_test_setup_teardown(rows_come_twice_or_not_at_all_when_pages_race, account_start, account_end),
		cmocka_unit_test_setup_teardown(a_new_profile_is_not_known_for_a_while, account_start, account_end),
		cmocka_unit_test_setup_teardown(groups_are_found_by_name_and_by_the_rules_that_name_them, account_start,
						account_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
