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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_instance_tells_its_image_profile_groups_and_zone, account_start, account_end),
		cmocka_unit_test_setup_teardown(an_attribute_of_an_instance_is_told_by_its_name, account_start, account_end),
		cmocka_unit_test_setup_teardown(a_group_tells_whose_interfaces_hold_it, account_start, account_end),
		cmocka_unit_test_setup_teardown(groups_are_found_by_name_and_by_the_rules_that_name_them, account_start,
						account_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
