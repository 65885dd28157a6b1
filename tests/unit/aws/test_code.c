/* test_code.c - codes before status: the cases that cost money or double an effect when judged wrongly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "agent/aws/code.h"
#include "agent/base/mem.h"

static void a_code_speaks_before_its_status(void **state)
{
	static const struct {
		const char *code;
		int status;
		enum code_act act;
		enum aws_class class;
	} cases[] = {
		{ "InsufficientInstanceCapacity", 500, CODE_FINAL, AWS_CAPACITY },
		{ "InsufficientFreeAddressesInSubnet", 400, CODE_FINAL, AWS_CAPACITY },
		{ "Unsupported", 400, CODE_FINAL, AWS_CAPACITY },
		{ "RequestLimitExceeded", 503, CODE_THROTTLE, AWS_THROTTLED },
		{ "Throttling", 400, CODE_THROTTLE, AWS_THROTTLED },
		{ "", 429, CODE_THROTTLE, AWS_THROTTLED },
		{ "InstanceLimitExceeded", 400, CODE_FINAL, AWS_QUOTA },
		{ "VcpuLimitExceeded", 400, CODE_FINAL, AWS_QUOTA },
		{ "TooManyTargets", 400, CODE_FINAL, AWS_QUOTA },
		{ "InternalError", 500, CODE_TRANSIENT, AWS_AMBIGUOUS },
		{ "Unavailable", 503, CODE_TRANSIENT, AWS_AMBIGUOUS },
		{ "NeverHeardOf", 500, CODE_TRANSIENT, AWS_AMBIGUOUS },
		{ "", 500, CODE_TRANSIENT, AWS_AMBIGUOUS },
		{ "", 502, CODE_TRANSIENT, AWS_AMBIGUOUS },
		{ "", 200, CODE_TRANSIENT, AWS_AMBIGUOUS },
		{ "", 301, CODE_FINAL, AWS_INVALID },
		{ "", 403, CODE_FINAL, AWS_DENIED },
		{ "ExpiredToken", 403, CODE_KEYS, AWS_EXPIRED },
		{ "RequestExpired", 400, CODE_KEYS, AWS_EXPIRED },
		{ "InvalidClientTokenId", 403, CODE_KEYS, AWS_EXPIRED },
		{ "AuthFailure", 401, CODE_CLOCK, AWS_EXPIRED },
		{ "AuthFailure", 403, CODE_FINAL, AWS_DENIED },
		{ "SignatureDoesNotMatch", 403, CODE_CLOCK, AWS_EXPIRED },
		{ "UnauthorizedOperation", 403, CODE_FINAL, AWS_DENIED },
		{ "AccessDenied", 403, CODE_FINAL, AWS_DENIED },
		{ "InvalidInstanceID.NotFound", 400, CODE_FINAL, AWS_NOTFOUND },
		{ "TargetGroupNotFound", 400, CODE_FINAL, AWS_NOTFOUND },
		{ "InvalidGroup.Duplicate", 400, CODE_FINAL, AWS_DUPLICATE },
		{ "InvalidPermission.Duplicate", 400, CODE_FINAL, AWS_DUPLICATE },
		{ "DuplicateLoadBalancerName", 400, CODE_FINAL, AWS_DUPLICATE },
		{ "IdempotentParameterMismatch", 400, CODE_FINAL, AWS_CONFLICT },
		{ "IdempotentInstanceTerminated", 400, CODE_FINAL, AWS_CONFLICT },
		{ "DependencyViolation", 400, CODE_FINAL, AWS_CONFLICT },
		{ "InvalidParameterValue", 400, CODE_FINAL, AWS_INVALID },
		{ "MalformedQueryString", 404, CODE_FINAL, AWS_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct code_meaning is = code_judge(cases[i].code, cases[i].status);

		if (is.act != cases[i].act || is.class != cases[i].class)
			print_error("%s %d\n", cases[i].code, cases[i].status);
		assert_int_equal(is.act, cases[i].act);
		assert_int_equal(is.class, cases[i].class);
	}
}

static void every_class_and_service_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < AWS_CLASSES; i++)
		assert_true(strlen(aws_class_name(i)) > 0);
	assert_string_equal(aws_service_name(AWS_ELB), "elasticloadbalancing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_speaks_before_its_status),
		cmocka_unit_test(every_class_and_service_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
