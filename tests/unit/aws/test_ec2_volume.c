/* test_ec2_volume.c - EBS volumes and their modifications, as EC2 and moto 5 write them, and the calls that change one. */
#include "tests/unit/aws/answers.h"

#include "agent/aws/ec2_volume.h"

static void close_form(struct request *f)
{
	request_close(f);
}

/* clang-format off */
static const char volumes_text[] =
	"<R><volumeSet><item><volumeId>vol-1</volumeId><size>100</size><snapshotId/><availabilityZone>us-east-1a</availabilityZone>"
	"<status>in-use</status><volumeType>gp3</volumeType><iops>3000</iops><throughput>125</throughput><encrypted>true</encrypted>"
	"<kmsKeyId>arn:aws:kms:us-east-1:123456789012:key/k</kmsKeyId><attachmentSet>"
	"<item><volumeId>vol-1</volumeId><instanceId>i-0</instanceId><device>/dev/sdg</device><status>detached</status></item>"
	"<item><volumeId>vol-1</volumeId><instanceId>i-1</instanceId><device>/dev/sdf</device><status>attached</status>"
	"<deleteOnTermination>false</deleteOnTermination></item></attachmentSet>"
	"<tagSet><item><key>reeve:cluster</key><value>be</value></item></tagSet></item>"
	"<item><volumeId>vol-2</volumeId><status>available</status><snapshotId>snap-1</snapshotId><encrypted>false</encrypted></item>"
	"<item><volumeId>vol-3</volumeId><status>in-use</status><attachmentSet><item><instanceId>i-1</instanceId>"
	"<device>/dev/xvda</device><status>attached</status></item></attachmentSet></item></volumeSet></R>";
/* clang-format on */

static void a_volume_tells_its_form_and_where_it_is_attached(void **state)
{
	ANSWER(p, volumes_text);
	struct ec2_volumes all = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(ec2_read_volumes(p.root, p.arena, &all, NULL), 0);
	assert_int_equal(all.n, 3);                    /* one page twice is that page */
	assert_string_equal(all.v[0].instance, "i-1"); /* an attachment that is over is none */
	assert_string_equal(all.v[0].device, "/dev/sdf");
	assert_string_equal(all.v[0].attachment, "attached");
	assert_true(all.v[0].is_kept);
	assert_true(all.v[0].is_encrypted);
	assert_int_equal(all.v[0].size_gib, 100);
	assert_int_equal(all.v[0].iops, 3000);
	assert_int_equal(all.v[0].throughput, 125);
	assert_string_equal(all.v[0].type, "gp3");
	assert_string_equal(all.v[0].snapshot, "");
	assert_string_equal(all.v[0].zone, "us-east-1a");
	assert_string_equal(ec2_tag_get(&all.v[0].tags, "reeve:cluster"), "be");
}

static void a_volume_that_nothing_is_told_of_goes_with_its_instance_and_is_not_encrypted(void **state)
{
	ANSWER(p, volumes_text);
	struct ec2_volumes all = { 0 };

	(void)state;
	assert_int_equal(ec2_read_volumes(p.root, p.arena, &all, NULL), 0);
	assert_string_equal(all.v[1].instance, "");
	assert_string_equal(all.v[1].attachment, "");
	assert_string_equal(all.v[1].snapshot, "snap-1");
	assert_string_equal(all.v[1].kms_key, "");
	assert_false(all.v[1].is_encrypted);
	assert_false(all.v[2].is_kept);
	assert_int_equal(all.v[2].iops, 0);
}

static void each_change_of_a_volume_that_ec2_shows_is_a_row(void **state)
{
	ANSWER(p, "<R><volumeModificationSet>"
		  "<item><volumeId>vol-1</volumeId><modificationState>completed</modificationState><targetSize>200</targetSize>"
		  "<startTime>2026-11-30T00:00:00.000Z</startTime><progress>100</progress></item>"
		  "<item><volumeId>vol-1</volumeId><modificationState>optimizing</modificationState><targetSize>300</targetSize>"
		  "<targetIops>6000</targetIops><targetThroughput>250</targetThroughput><targetVolumeType>gp3</targetVolumeType>"
		  "<startTime>2026-11-30T01:00:00.000Z</startTime><progress>37</progress><statusMessage>x</statusMessage></item>"
		  "<item><volumeId>vol-1</volumeId><modificationState>completed</modificationState><targetSize>201</targetSize>"
		  "<startTime>2026-11-30T00:00:00.000Z</startTime></item>"
		  "</volumeModificationSet></R>");
	struct ec2_modifications all = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(ec2_read_modifications(p.root, p.arena, &all, NULL), 0);
	assert_int_equal(all.n, 3);
	assert_int_equal(all.v[0].size_gib, 200);
	assert_int_equal(all.v[0].iops, 0);
	assert_string_equal(all.v[1].state, "optimizing");
	assert_string_equal(all.v[1].start, "2026-11-30T01:00:00.000Z");
	assert_string_equal(all.v[1].type, "gp3");
	assert_string_equal(all.v[1].why, "x");
	assert_int_equal(all.v[1].iops, 6000);
	assert_int_equal(all.v[1].throughput, 250);
	assert_int_equal(all.v[1].percent, 37);
}

static void an_answer_that_is_not_what_ec2_says_adds_nothing(void **state)
{
	static const char *const bad[] = {
		"<R/>",
		"<R><volumeSet><item/></volumeSet><volumeModificationSet><item/></volumeModificationSet></R>",
		"<R><volumeSet><item><volumeId>vol-1</volumeId></item></volumeSet></R>",
		"<R><volumeSet><item><volumeId>v</volumeId><status>s</status><size>big</size></item></volumeSet></R>",
		"<R><volumeModificationSet><item><volumeId>v</volumeId></item></volumeModificationSet></R>",
		"<R><volumeModificationSet><item><volumeId>v</volumeId><modificationState/></item></volumeModificationSet></R>",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ANSWER(a, bad[i]);
		struct ec2_volumes volumes = { 0 };
		struct ec2_modifications changes = { 0 };

		assert_int_equal(ec2_read_volumes(a.root, a.arena, &volumes, NULL), -ERR_INVALID);
		assert_int_equal(ec2_read_modifications(a.root, a.arena, &changes, NULL), -ERR_INVALID);
		assert_int_equal(volumes.n + changes.n, 0);
	}
}

static void what_is_to_stay_as_it_is_is_not_asked_for(void **state)
{
	CLEANUP(close_form) struct request all, size, look;
	static const char *const ids[] = { "vol-1" };
	static const struct ec2_filter filter = { "volume-id", ids, 1 };

	(void)state;
	ec2_modify_volume(&all, &(struct ec2_modify_args){ "vol-1", "gp3", 200, 6000, 250 });
	EXPECT_PAIRS(&all, "Action=ModifyVolume", "VolumeId=vol-1", "VolumeType=gp3", "Size=200", "Iops=6000", "Throughput=250");
	ec2_modify_volume(&size, &(struct ec2_modify_args){ .volume = "vol-1", .size_gib = 200 });
	EXPECT_PAIRS(&size, "Size=200");
	assert_null(strstr(buf_str(&size.body), "Iops"));
	assert_null(strstr(buf_str(&size.body), "Throughput"));
	assert_null(strstr(buf_str(&size.body), "VolumeType"));
	ec2_describe_modifications(&look, &(struct ec2_describe){ .filters = &filter, .filters_n = 1 });
	EXPECT_PAIRS(&look, "Action=DescribeVolumesModifications", "Filter.1.Name=volume-id", "Filter.1.Value.1=vol-1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_volume_tells_its_form_and_where_it_is_attached),
		cmocka_unit_test(a_volume_that_nothing_is_told_of_goes_with_its_instance_and_is_not_encrypted),
		cmocka_unit_test(each_change_of_a_volume_that_ec2_shows_is_a_row),
		cmocka_unit_test(an_answer_that_is_not_what_ec2_says_adds_nothing),
		cmocka_unit_test(what_is_to_stay_as_it_is_is_not_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
