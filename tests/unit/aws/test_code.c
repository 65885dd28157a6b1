/* test_code.c - codes before status: the cases that cost money or double an effect when judged wrongly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "agent/aws/call.h"
#include "agent/aws/code.h"
#include "agent/base/mem.h"
#include "agent/aws/elb.h"

static const struct {
	const char *code;
	int status;
	enum code_act act;
	enum aws_class class;
} codes[] = {
	{ "InsufficientInstanceCapacity", 500, CODE_FINAL, AWS_CAPACITY },
	{ "InsufficientFreeAddressesInSubnet", 400, CODE_FINAL, AWS_CAPACITY },
	{ "InsufficientReservedInstancesCapacity", 400, CODE_FINAL, AWS_CAPACITY },
	{ "InsufficientVolumeCapacity", 500, CODE_FINAL, AWS_CAPACITY },
	{ "InsufficientNewlyNamedCapacity", 500, CODE_FINAL, AWS_CAPACITY },
	{ "ReservationCapacityExceeded", 400, CODE_FINAL, AWS_CAPACITY },
	{ "UnfulfillableCapacity", 400, CODE_FINAL, AWS_CAPACITY },
	{ "Unsupported", 400, CODE_FINAL, AWS_INVALID },
	{ "UnsupportedOperation", 400, CODE_FINAL, AWS_INVALID },
	{ "VolumeTypeNotAvailableInZone", 400, CODE_FINAL, AWS_INVALID },
	{ "RequestLimitExceeded", 503, CODE_THROTTLE, AWS_THROTTLED },
	{ "Throttling", 400, CODE_THROTTLE, AWS_THROTTLED },
	{ "", 429, CODE_THROTTLE, AWS_THROTTLED },
	{ "InstanceLimitExceeded", 400, CODE_FINAL, AWS_QUOTA },
	{ "VcpuLimitExceeded", 400, CODE_FINAL, AWS_QUOTA },
	{ "VolumeLimitExceeded", 400, CODE_FINAL, AWS_QUOTA },
	{ "MaxIOPSLimitExceeded", 400, CODE_FINAL, AWS_QUOTA },
	{ "VolumeIOPSLimit", 400, CODE_FINAL, AWS_QUOTA },
	{ "MaxSpotInstanceCountExceeded", 400, CODE_FINAL, AWS_QUOTA },
	{ "ResourceCountExceeded", 400, CODE_FINAL, AWS_QUOTA },
	{ "MaxScheduledInstanceCapacityExceeded", 400, CODE_FINAL, AWS_QUOTA },
	{ "RulesPerSecurityGroupLimitExceeded", 400, CODE_FINAL, AWS_QUOTA },
	{ "SecurityGroupsPerInterfaceLimitExceeded", 400, CODE_FINAL, AWS_QUOTA },
	{ "PrivateIpAddressLimitExceeded", 400, CODE_FINAL, AWS_QUOTA },
	{ "FilterLimitExceeded", 400, CODE_FINAL, AWS_INVALID },
	{ "TooManyTargets", 400, CODE_FINAL, AWS_QUOTA },
	{ "TooManyActions", 400, CODE_FINAL, AWS_QUOTA },
	{ "TooManyRequestsException", 400, CODE_THROTTLE, AWS_THROTTLED },
	{ "BandwidthLimitExceeded", 503, CODE_THROTTLE, AWS_THROTTLED },
	{ "CustomerKeyHasBeenRevoked", 400, CODE_FINAL, AWS_INVALID },
	{ "InvalidKMSKey.InvalidState", 400, CODE_FINAL, AWS_INVALID },
	{ "InvalidKMSKey.NotFound", 400, CODE_FINAL, AWS_INVALID },
	{ "KMS.DisabledException", 400, CODE_FINAL, AWS_INVALID },
	{ "KMS.NotFoundException", 400, CODE_FINAL, AWS_INVALID },
	{ "KMSKeyNotAccessibleFault", 500, CODE_FINAL, AWS_INVALID },
	{ "ServerInternal", 500, CODE_TRANSIENT, AWS_AMBIGUOUS },
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
	{ "NoSuchBucket", 404, CODE_FINAL, AWS_NOTFOUND },
	{ "NoSuchTagSet", 404, CODE_FINAL, AWS_NOTFOUND },
	{ "NotFoundException", 400, CODE_FINAL, AWS_NOTFOUND },
	{ "BucketAlreadyOwnedByYou", 409, CODE_FINAL, AWS_DUPLICATE },
	{ "BucketAlreadyExists", 409, CODE_FINAL, AWS_DUPLICATE },
	{ "AlreadyExistsException", 400, CODE_FINAL, AWS_DUPLICATE },
	{ "BucketNotEmpty", 409, CODE_FINAL, AWS_CONFLICT },
	{ "InvalidInstanceID.NotFound", 400, CODE_FINAL, AWS_NOTFOUND },
	{ "TargetGroupNotFound", 400, CODE_FINAL, AWS_NOTFOUND },
	{ "InvalidGroup.Duplicate", 400, CODE_FINAL, AWS_DUPLICATE },
	{ "InvalidPermission.Duplicate", 400, CODE_FINAL, AWS_DUPLICATE },
	{ "DuplicateLoadBalancerName", 400, CODE_FINAL, AWS_DUPLICATE },
	{ "IdempotentParameterMismatch", 400, CODE_FINAL, AWS_CONFLICT },
	{ "IdempotentInstanceTerminated", 400, CODE_FINAL, AWS_CONFLICT },
	{ "DependencyViolation", 400, CODE_FINAL, AWS_CONFLICT },
	{ "OperationNotPermitted", 400, CODE_FINAL, AWS_INVALID }, /* a protection does not pass by itself */
	{ "InvalidParameterValue", 400, CODE_FINAL, AWS_INVALID },
	{ "MalformedQueryString", 404, CODE_FINAL, AWS_INVALID },
};

static void a_code_speaks_before_its_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct code_meaning is = code_judge(elb_service.codes, codes[i].code, codes[i].status);

		if (is.act != codes[i].act || is.class != codes[i].class)
			print_error("%s %d\n", codes[i].code, codes[i].status);
		assert_int_equal(is.act, codes[i].act);
		assert_int_equal(is.class, codes[i].class);
	}
}

/* Why a node died at its birth: EC2's StateReason, whose sentence often begins with the code of the true cause. */
static void a_node_that_dies_at_birth_dies_of_the_cause_that_its_reason_names(void **state)
{
	static const struct {
		const char *code, *sentence;
		enum aws_class class;
		const char *told;
		bool passes;
	} cases[] = {
		{ "Server.InsufficientInstanceCapacity", "no room", AWS_CAPACITY, "Server.InsufficientInstanceCapacity", false },
		{ "Server.InternalError", "Internal error on launch", AWS_OK, "Server.InternalError", true },
		{ "Server.InternalError", "Client.InternalError: Client error on launch", AWS_INVALID, "Client.InternalError",
		  false },
		{ "Server.InternalError", "Client.VolumeLimitExceeded: Volume limit exceeded", AWS_QUOTA,
		  "Client.VolumeLimitExceeded", false },
		{ "Server.SpotInstanceTermination", "", AWS_CAPACITY, "Server.SpotInstanceTermination", false },
		{ "Server.ScheduledStop", "", AWS_CONFLICT, "Server.ScheduledStop", false },
		{ "Client.VolumeLimitExceeded", "Client.VolumeLimitExceeded: Volume limit exceeded", AWS_QUOTA,
		  "Client.VolumeLimitExceeded", false },
		{ "Client.MaxIOPSLimitExceeded", "", AWS_QUOTA, "Client.MaxIOPSLimitExceeded", false },
		{ "Client.InternalError", "Client error on launch", AWS_INVALID, "Client.InternalError", false },
		{ "Client.InternalError", "Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state",
		  AWS_INVALID, "Client.InvalidKMSKey.InvalidState", false },
		{ "Client.InvalidKMSKey.InvalidState", "The KMS key provided is in an incorrect state", AWS_INVALID,
		  "Client.InvalidKMSKey.InvalidState", false },
		{ "Client.InvalidSnapshot.NotFound", "", AWS_NOTFOUND, "Client.InvalidSnapshot.NotFound", false },
		{ "Client.InstanceInitiatedShutdown", "", AWS_INVALID, "Client.InstanceInitiatedShutdown", false },
		{ "Client.InstanceTerminated", "", AWS_CONFLICT, "Client.InstanceTerminated", false },
		{ "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown", AWS_CONFLICT,
		  "Client.UserInitiatedShutdown", false },
		{ "", "", AWS_OK, "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct code_death is = code_judge_death(cases[i].code, cases[i].sentence);

		if (is.class != cases[i].class || strcmp(is.code, cases[i].told) != 0)
			print_error("%s: %s\n", cases[i].code, cases[i].sentence);
		assert_int_equal(is.class, cases[i].class);
		assert_string_equal(is.code, cases[i].told);
		assert_int_equal(is.passes, cases[i].passes);
	}
}

static void every_class_and_service_has_a_name(void **state)
{
	(void)state;
	for (enum aws_class i = 0; i < AWS_CLASSES; i++)
		assert_true(strlen(aws_class_name(i)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_speaks_before_its_status),
		cmocka_unit_test(a_node_that_dies_at_birth_dies_of_the_cause_that_its_reason_names),
		cmocka_unit_test(every_class_and_service_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
