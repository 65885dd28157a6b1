/* test_aws_volume.c - the pretend volumes do what EC2's documents say: one change at a time, four a day, never smaller; and one
 * node at a time, in its own zone. */
#include "tests/unit/sim/account.h"

static char node[64], volume[200];

/* A node with a volume of 100 GiB, kept or not. */
static void ready(const char *goes)
{
	account.a->wide_is_fine = true;
	account.a->optimizing_ms = 60000;
	ask("Action=CreateSecurityGroup&GroupName=node&GroupDescription=d&VpcId=" AWS_VPC OURS);
	text_of("groupId", account.group, sizeof(account.group));
	ask("Action=RunInstances&MinCount=1&MaxCount=1&ClientToken=v&InstanceType=m6i.large&ImageId=ami-1"
	    "&NetworkInterface.1.SubnetId=subnet-0001&NetworkInterface.1.AssociatePublicIpAddress=false"
	    "&MetadataOptions.HttpTokens=required&BlockDeviceMapping.1.DeviceName=" AWS_IMAGE_ROOT
	    "&BlockDeviceMapping.1.Ebs.Encrypted=true&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true"
	    "&BlockDeviceMapping.2.DeviceName=/dev/sdf&BlockDeviceMapping.2.Ebs.Encrypted=true"
	    "&BlockDeviceMapping.2.Ebs.VolumeSize=100&BlockDeviceMapping.2.Ebs.DeleteOnTermination=%s"
	    "&NetworkInterface.1.SecurityGroupId.1=%s&TagSpecification.1.ResourceType=volume"
	    "&TagSpecification.1.Tag.1.Key=reeve:installation&TagSpecification.1.Tag.1.Value=" VENDOR_INSTALLATION,
	    goes, account.group);
	text_of("instanceId", node, sizeof(node));
	account_wait_s(5);
	snprintf(volume, sizeof(volume), "vol-%s-1", node);
}

static int modify(unsigned size)
{
	return ask("Action=ModifyVolume&VolumeId=%s&Size=%u", volume, size);
}

static const char *change_state(void)
{
	static char state[32];

	ask("Action=DescribeVolumesModifications&Filter.1.Name=volume-id&Filter.1.Value.1=%s", volume);
	return text_of("modificationState", state, sizeof(state));
}

static void a_change_modifies_optimizes_and_is_completed(void **state)
{
	(void)state;
	ready("true");
	assert_int_equal(modify(200), 200);
	assert_string_equal(change_state(), "modifying");
	ask("Action=DescribeVolumes&Filter.1.Name=volume-id&Filter.1.Value.1=%s", volume);
	assert_true(told("<size>100</size>"));
	modify(300);
	assert_true(refused("IncorrectModificationState"));
	account_wait_s(61);
	assert_string_equal(change_state(), "optimizing");
	ask("Action=DescribeVolumes&Filter.1.Name=volume-id&Filter.1.Value.1=%s", volume);
	assert_true(told("<size>200</size>"));
	modify(300);
	assert_true(refused("IncorrectModificationState"));
	account_wait_s(61);
	assert_string_equal(change_state(), "completed");
	assert_int_equal(modify(300), 200);
}

static void the_fifth_change_of_a_day_is_refused(void **state)
{
	(void)state;
	ready("true");
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(modify(200 + i), 200);
		account_wait_s(200);
	}
	modify(900);
	assert_true(refused("VolumeModificationRateExceeded"));
	assert_string_equal(change_state(), "completed");
	assert_int_equal(times_told("<modificationState>"), 1); /* the newest alone */
	account_wait_s(86400);
	assert_int_equal(modify(900), 200);
}

static void a_volume_goes_with_its_node_unless_it_is_kept(void **state)
{
	static const char *const goes[] = { "true", "false" };

	for (size_t i = 0; i < ARRAY_LEN(goes); i++) {
		ready(goes[i]);
		ask("Action=DescribeVolumes&Filter.1.Name=attachment.instance-id&Filter.1.Value.1=%s", node);
		assert_int_equal(times_told("<volumeId>"), 4); /* root and data, and in their attachments */
		assert_int_equal(times_told("<deleteOnTermination>false"), i);
		aws_hand_end(account.a, account.a->instances[0]);
		account_wait_s(60);
		ask("Action=DescribeVolumes&Filter.1.Name=volume-id&Filter.1.Value.1=%s", volume);
		assert_int_equal(times_told("<status>available</status>"), i);
		account_end(state);
		account_start(state);
	}
}

/* ---- attached ---- */

/* Another node, without a data volume, that bears our tag. */
static const char *second_node(const char *subnet)
{
	static char id[64];
	static unsigned token;

	ask("Action=RunInstances&MinCount=1&MaxCount=1&ClientToken=t%u&InstanceType=m6i.large&ImageId=ami-1"
	    "&NetworkInterface.1.SubnetId=%s&NetworkInterface.1.AssociatePublicIpAddress=false"
	    "&MetadataOptions.HttpTokens=required&BlockDeviceMapping.1.DeviceName=" AWS_IMAGE_ROOT
	    "&BlockDeviceMapping.1.Ebs.Encrypted=true&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true"
	    "&NetworkInterface.1.SecurityGroupId.1=%s&TagSpecification.1.ResourceType=instance"
	    "&TagSpecification.1.Tag.1.Key=reeve:installation&TagSpecification.1.Tag.1.Value=" VENDOR_INSTALLATION,
	    ++token, subnet, account.group);
	return text_of("instanceId", id, sizeof(id));
}

static int attach(const char *to)
{
	return ask("Action=AttachVolume&VolumeId=%s&InstanceId=%s&Device=/dev/sdf", volume, to);
}

static void a_volume_has_one_node_at_a_time_and_that_one_must_run(void **state)
{
	const char *other;

	(void)state;
	ready("false");
	other = second_node("subnet-0001");
	account_wait_s(60);
	attach(other);
	assert_true(refused("VolumeInUse"));
	aws_hand_end(account.a, account.a->instances[0]);
	attach(other);
	assert_true(refused("VolumeInUse")); /* until it has ended */
	account_wait_s(60);
	assert_int_equal(attach(other), 200);
	assert_true(told("attaching"));
	attach(other);
	assert_true(refused("VolumeInUse"));
	account_wait_s(20);
	ask("Action=DescribeVolumes&Filter.1.Name=attachment.instance-id&Filter.1.Value.1=%s", other);
	assert_true(told("<status>attached</status><deleteOnTermination>false"));
	/* And it outlives that one, too. */
	aws_hand_end(account.a, account.a->instances[1]);
	account_wait_s(60);
	assert_int_equal(attach(second_node("subnet-0001")), 400);
	assert_true(refused("IncorrectState"));
}

static void a_volume_of_another_zone_is_refused_and_is_a_broken_promise(void **state)
{
	const char *other;

	(void)state;
	ready("false");
	other = second_node("subnet-0002");
	aws_hand_end(account.a, account.a->instances[0]);
	account_wait_s(120);
	attach(other);
	assert_true(refused("InvalidVolume.ZoneMismatch"));
	assert_non_null(strstr(account.odds.broken, "in another zone"));
	account.odds.broken[0] = '\0';
	attach("i-nobody");
	assert_true(refused("InvalidInstanceID.NotFound"));
}

int main(void)
{
#define ACCOUNT(f) cmocka_unit_test_setup_teardown(f, account_start, account_end)
	const struct CMUnitTest tests[] = {
		ACCOUNT(a_change_modifies_optimizes_and_is_completed),
		ACCOUNT(the_fifth_change_of_a_day_is_refused),
		ACCOUNT(a_volume_goes_with_its_node_unless_it_is_kept),
		ACCOUNT(a_volume_has_one_node_at_a_time_and_that_one_must_run),
		ACCOUNT(a_volume_of_another_zone_is_refused_and_is_a_broken_promise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
