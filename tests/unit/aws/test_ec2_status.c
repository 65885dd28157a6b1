/* test_ec2_status.c - the status checks of instances are asked for by id and read as EC2 writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/aws/ec2_status.h"
#include "agent/aws/read.h"
#include "agent/base/mem.h"

static void nodes_are_asked_for_by_id_whatever_their_state_and_in_one_piece(void **state)
{
	const char *const ids[] = { "i-1", "i-2" };
	struct request f = { 0 };

	(void)state;
	ec2_describe_status(&f, ids, 2);
	assert_string_equal(f.action, "DescribeInstanceStatus");
	assert_non_null(strstr(buf_str(&f.body), "IncludeAllInstances=true&InstanceId.1=i-1&InstanceId.2=i-2"));
	assert_null(strstr(buf_str(&f.body), "MaxResults")); /* EC2 refuses it beside ids */
	request_close(&f);
}

/* EC2 API Reference, DescribeInstanceStatus, its example. */
static const char answer[] =
    "<DescribeInstanceStatusResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>3be1508e</requestId>"
    "<instanceStatusSet><item><instanceId>i-1234567890abcdef0</instanceId><availabilityZone>us-east-1d</availabilityZone>"
    "<instanceState><code>16</code><name>running</name></instanceState><systemStatus><status>impaired</status><details><item>"
    "<name>reachability</name><status>failed</status><impairedSince>2020-10-11T09:00:00.000Z</impairedSince></item></details>"
    "</systemStatus><instanceStatus><status>ok</status><details><item><name>reachability</name><status>passed</status></item>"
    "</details></instanceStatus></item><item><instanceId>i-2</instanceId></item></instanceStatusSet>"
    "</DescribeInstanceStatusResponse>";

static int read_it(const char *xml, struct arena *m, struct ec2_statuses *ret)
{
	struct err e = { 0 };
	struct xml *x = NULL;
	int rc;

	assert_int_equal(xml_parse(xml, strlen(xml), &x, NULL), 0);
	rc = ec2_read_statuses(xml_root(x), m, ret, &e);
	xml_close(&x);
	return rc;
}

static void both_checks_of_each_are_read(void **state)
{
	struct arena *m = read_arena();
	struct ec2_statuses all = { 0 };

	(void)state;
	assert_int_equal(read_it(answer, m, &all), 0);
	assert_int_equal(all.n, 2);
	assert_string_equal(all.v[0].id, "i-1234567890abcdef0");
	assert_string_equal(all.v[0].state, "running");
	assert_string_equal(all.v[0].system, "impaired");
	assert_string_equal(all.v[0].instance, "ok");
	assert_string_equal(all.v[1].instance, "");
	assert_int_not_equal(read_it("<R><instanceStatusSet><item/></instanceStatusSet></R>", m, &all), 0);
	assert_int_not_equal(read_it("<R/>", m, &all), 0);
	arena_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_are_asked_for_by_id_whatever_their_state_and_in_one_piece),
		cmocka_unit_test(both_checks_of_each_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
