/* test_kinds_node.c - launch, wait, terminate, wait. */
#include "tests/unit/ops/kinds.h"

#define LAUNCH                                                                                                                     \
	"{\"cluster\":\"be\",\"count\":2,\"held\":1,\"atomic\":false,\"image_id\":\"ami-1\",\"type\":\"r6i.xlarge\",\"subnet_"     \
	"id\":\"subnet-1\","                                                                                                       \
	"\"groups\":[\"sg-1\"],\"volumes\":[{\"device\":\"/dev/sdf\",\"type\":\"gp3\",\"size_gib\":100}]," TAGS                    \
	",\"fact\":\"nodes.be\"}"
#define WAIT "{\"cluster\":\"be\",\"instances\":[\"i-1\",\"i-2\"],\"atomic\":false,\"fact\":\"nodes.be\"}"
#define ITEM(id, state)                                                                                                            \
	"<item><instanceId>" id "</instanceId><instanceState><code>0</code><name>" state "</name></instanceState></item>"
#define RUN(items)                                                                                                                 \
	"<RunInstancesResponse><reservationId>r-1</reservationId><instancesSet>" items "</instancesSet></RunInstancesResponse>"
#define DESCRIBE(items)                                                                                                            \
	"<DescribeInstancesResponse><reservationSet><item><instancesSet>" items                                                    \
	"</instancesSet></item></reservationSet></DescribeInstancesResponse>"

static void the_first_generation_asks_for_all_or_nothing_and_the_second_for_what_can_be_had(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_launch, LAUNCH);
	bench_asks(&b, "Action=RunInstances", "ClientToken=tok", "MinCount=2", "MaxCount=2", "ImageId=ami-1",
		   "InstanceType=r6i.xlarge", "MetadataOptions.HttpTokens=required", "BlockDeviceMapping.1.Ebs.VolumeSize=100",
		   "BlockDeviceMapping.1.Ebs.VolumeType=gp3", "BlockDeviceMapping.1.Ebs.Encrypted=true",
		   "BlockDeviceMapping.1.Ebs.DeleteOnTermination=true", NULL);
	b.x.generation = 2;
	bench_asks(&b, "MinCount=1", "MaxCount=2", NULL);
	bench_close(&b);
	bench_needs(&kind_launch, LAUNCH);
}

static void lack_of_room_asks_for_less_once_unless_the_cluster_is_atomic(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_launch, LAUNCH);
	assert_int_equal(bench_judges(&b, AWS_CAPACITY, "InsufficientInstanceCapacity", NULL), STEP_SMALLER);
	assert_int_equal(bench_judges(&b, AWS_QUOTA, "VcpuLimitExceeded", NULL), STEP_SMALLER);
	b.x.generation = 2;
	assert_int_equal(bench_judges(&b, AWS_CAPACITY, "InsufficientInstanceCapacity", NULL), STEP_FAILED);
	b.x.generation = 1;
	json_object_set_new(b.args, "atomic", json_true());
	assert_int_equal(bench_judges(&b, AWS_CAPACITY, "InsufficientInstanceCapacity", NULL), STEP_FAILED);
	bench_close(&b);
}

static void what_was_launched_is_a_fact_and_fewer_are_said(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_launch, LAUNCH);
	assert_int_equal(bench_judges(&b, AWS_OK, "", RUN(ITEM("i-1", "pending") ITEM("i-2", "pending"))), STEP_DONE);
	assert_int_equal(json_array_size(json_object_get(b.facts, "nodes.be")), 2);
	assert_int_equal(b.note.len, 0);
	assert_int_equal(bench_judges(&b, AWS_OK, "", RUN(ITEM("i-1", "pending"))), STEP_DONE);
	assert_string_equal(buf_str(&b.note), "short: 1 of 2 nodes in be");
	assert_int_equal(bench_judges(&b, AWS_OK, "", "<RunInstancesResponse/>"), STEP_LOOK);
	assert_int_equal(bench_judges(&b, AWS_CONFLICT, "IdempotentParameterMismatch", NULL), STEP_LOOK);
	assert_int_equal(bench_judges(&b, AWS_AMBIGUOUS, "", NULL), STEP_LOOK);
	bench_close(&b);
}

static struct ec2_tag mine[] = { { "reeve:command", "c-1" }, { "reeve:step", "base/s" } };
static struct ec2_tag other_step[] = { { "reeve:command", "c-1" }, { "reeve:step", "base/s2" } };
static struct ec2_tag other_command[] = { { "reeve:command", "c-2" }, { "reeve:step", "base/s" } };

static void a_launch_is_found_by_command_and_step_and_only_whole_before_the_wait_is_over(void **state)
{
	struct ec2_instance v[] = {
		{ .id = "i-1", .state = "running", .tags = { mine, 2 } },
		{ .id = "i-2", .state = "pending", .tags = { other_step, 2 } },
		{ .id = "i-3", .state = "running", .tags = { other_command, 2 } },
		{ .id = "i-4", .state = "terminated", .tags = { mine, 2 } },
	};
	struct inventory inv = { .instances = { v, 4 } }, none = { 0 };
	struct bench b;

	(void)state;
	bench_open(&b, &kind_launch, LAUNCH);
	assert_false(b.kind->find(&b.x, &none));
	assert_true(json_is_false(json_object_get(b.facts, "partly")));
	assert_false(b.kind->find(&b.x, &inv));
	assert_true(json_is_true(json_object_get(b.facts, "partly")));
	b.x.settled = true;
	assert_true(b.kind->find(&b.x, &inv));
	assert_int_equal(json_array_size(json_object_get(b.facts, "nodes.be")), 1);
	v[3].state = "running";
	b.x.settled = false;
	assert_true(b.kind->find(&b.x, &inv));
	assert_int_equal(json_array_size(json_object_get(b.facts, "nodes.be")), 2);
	bench_close(&b);
}

static void a_launch_says_what_it_needs_from_the_policy(void **state)
{
	struct demand d = { 0 };
	struct bench b;

	(void)state;
	bench_open(&b, &kind_launch, LAUNCH);
	b.kind->demand(b.args, &d);
	assert_string_equal(d.types[0], "r6i.xlarge");
	assert_int_equal(d.new_nodes, 2);
	assert_int_equal(d.cluster_nodes, 3);
	assert_int_equal(d.volume_gib, 100);
	demand_close(&d);
	bench_close(&b);
}

static void waiting_ends_when_all_run_and_goes_on_with_those_that_do(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_wait_running, WAIT);
	bench_asks(&b, "Action=DescribeInstances", "Filter.1.Name=instance-id", "Filter.1.Value.1=i-1", "Filter.1.Value.2=i-2",
		   NULL);
	assert_int_equal(bench_judges(&b, AWS_OK, "", DESCRIBE(ITEM("i-1", "running") ITEM("i-2", "pending"))), STEP_AGAIN);
	assert_int_equal(bench_judges(&b, AWS_OK, "", DESCRIBE(ITEM("i-1", "running"))), STEP_AGAIN); /* not seen yet */
	assert_int_equal(bench_judges(&b, AWS_AMBIGUOUS, "", NULL), STEP_AGAIN);
	assert_int_equal(json_object_size(b.facts), 0);
	assert_int_equal(bench_judges(&b, AWS_OK, "", DESCRIBE(ITEM("i-1", "running") ITEM("i-2", "terminated"))), STEP_DONE);
	assert_int_equal(json_array_size(json_object_get(b.facts, "nodes.be")), 1);
	assert_non_null(strstr(buf_str(&b.note), "short: 1 node(s) of be"));
	assert_int_equal(bench_judges(&b, AWS_OK, "", DESCRIBE(ITEM("i-1", "shutting-down") ITEM("i-2", "terminated"))),
			 STEP_FAILED);
	json_object_set_new(b.args, "atomic", json_true());
	assert_int_equal(bench_judges(&b, AWS_OK, "", DESCRIBE(ITEM("i-1", "running") ITEM("i-2", "terminated"))), STEP_FAILED);
	bench_close(&b);
	bench_needs(&kind_wait_running, WAIT);
}

static void a_node_is_gone_when_it_is_terminated_or_no_longer_told_of(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &kind_wait_terminated, "{\"instances\":[\"i-1\"]}");
	assert_int_equal(bench_judges(&b, AWS_OK, "", DESCRIBE(ITEM("i-1", "shutting-down"))), STEP_AGAIN);
	assert_int_equal(bench_judges(&b, AWS_OK, "", DESCRIBE(ITEM("i-1", "terminated"))), STEP_DONE);
	assert_int_equal(bench_judges(&b, AWS_OK, "", "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>"),
			 STEP_DONE);
	assert_int_equal(
	    bench_judges(&b, AWS_OK, "",
			 "<DescribeInstancesResponse><reservationSet/><nextToken>x</nextToken></DescribeInstancesResponse>"),
	    STEP_AGAIN);
	bench_close(&b);
}

static void terminating_repeats_itself_harmlessly_and_never_forgets_a_hidden_node(void **state)
{
	struct ec2_instance v[] = { { .id = "i-1", .state = "shutting-down" } };
	struct inventory inv = { .instances = { v, 1 } }, none = { 0 };
	json_t *launch = json_loads(LAUNCH, 0, NULL), *undo;
	struct bench b;

	(void)state;
	bench_open(&b, &kind_terminate, "{\"instances\":[\"i-1\"],\"fresh\":true}");
	bench_asks(&b, "Action=TerminateInstances", "InstanceId.1=i-1", NULL);
	assert_int_equal(bench_judges(&b, AWS_OK, "", "<r/>"), STEP_DONE);
	assert_int_equal(bench_judges(&b, AWS_NOTFOUND, "InvalidInstanceID.NotFound", NULL), STEP_AGAIN);
	assert_false(b.kind->find(&b.x, &none));
	assert_true(b.kind->find(&b.x, &inv));
	b.x.patient = true;
	assert_int_equal(bench_judges(&b, AWS_NOTFOUND, "InvalidInstanceID.NotFound", NULL), STEP_LOOK);
	assert_true(b.kind->find(&b.x, &none));
	v[0].state = "running";
	assert_false(b.kind->find(&b.x, &inv));
	assert_false(b.kind->is_high(b.args));
	json_object_set_new(b.args, "leaves_none", json_true());
	assert_true(b.kind->is_high(b.args));
	bench_close(&b);
	undo = kind_launch.undo_args(launch);
	assert_string_equal(json_string_value(json_array_get(json_object_get(undo, "instances"), 0)), "@nodes.be");
	json_decref(undo);
	json_decref(launch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_generation_asks_for_all_or_nothing_and_the_second_for_what_can_be_had),
		cmocka_unit_test(lack_of_room_asks_for_less_once_unless_the_cluster_is_atomic),
		cmocka_unit_test(what_was_launched_is_a_fact_and_fewer_are_said),
		cmocka_unit_test(a_launch_is_found_by_command_and_step_and_only_whole_before_the_wait_is_over),
		cmocka_unit_test(a_launch_says_what_it_needs_from_the_policy),
		cmocka_unit_test(waiting_ends_when_all_run_and_goes_on_with_those_that_do),
		cmocka_unit_test(a_node_is_gone_when_it_is_terminated_or_no_longer_told_of),
		cmocka_unit_test(terminating_repeats_itself_harmlessly_and_never_forgets_a_hidden_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
