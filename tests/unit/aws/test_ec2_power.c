/* test_ec2_power.c - nodes that are there are stopped, started, rebooted and made of another type by their ids, and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/aws/ec2_power.h"
#include "agent/base/mem.h"

static void nodes_are_named_by_their_ids_and_nothing_is_forced(void **state)
{
	static const struct {
		void (*ask)(struct request *req, const char *const *ids, size_t n);
		const char *action;
	} cases[] = {
		{ ec2_stop_instances, "StopInstances" },
		{ ec2_start_instances, "StartInstances" },
		{ ec2_reboot_instances, "RebootInstances" },
	};
	const char *const ids[] = { "i-1", "i-2" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct request f = { 0 };

		cases[i].ask(&f, ids, 2);
		assert_string_equal(f.action, cases[i].action);
		assert_non_null(strstr(buf_str(&f.body), "InstanceId.1=i-1&InstanceId.2=i-2"));
		assert_null(strstr(buf_str(&f.body), "Force"));
		assert_null(strstr(buf_str(&f.body), "Hibernate"));
		request_close(&f);
	}
}

/* "You can specify only one attribute at a time" (ModifyInstanceAttribute). */
static void the_type_is_the_one_attribute_that_is_changed(void **state)
{
	struct request f = { 0 };

	(void)state;
	ec2_modify_instance_type(&f, "i-1", "r6i.large");
	assert_string_equal(f.action, "ModifyInstanceAttribute");
	assert_non_null(strstr(buf_str(&f.body), "InstanceId=i-1"));
	assert_non_null(strstr(buf_str(&f.body), "InstanceType.Value=r6i.large"));
	assert_null(strstr(buf_str(&f.body), "Attribute="));
	request_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_are_named_by_their_ids_and_nothing_is_forced),
		cmocka_unit_test(the_type_is_the_one_attribute_that_is_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
