/* code.c - see code.h. Sources: EC2 API Reference "Error codes", ELB and STS "Common errors", the SDKs' retry lists. */
#include "agent/aws/code.h"

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

/* clang-format off */
static const struct {
	const char *code;
	struct code_meaning is;
} codes[] = {
	{ "BandwidthLimitExceeded",                 { CODE_THROTTLE, AWS_THROTTLED } },
	{ "EC2ThrottledException",                  { CODE_THROTTLE, AWS_THROTTLED } },
	{ "PriorRequestNotComplete",                { CODE_THROTTLE, AWS_THROTTLED } },
	{ "RequestLimitExceeded",                   { CODE_THROTTLE, AWS_THROTTLED } },
	{ "RequestThrottled",                       { CODE_THROTTLE, AWS_THROTTLED } },
	{ "RequestThrottledException",              { CODE_THROTTLE, AWS_THROTTLED } },
	{ "SlowDown",                               { CODE_THROTTLE, AWS_THROTTLED } },
	{ "ThrottledException",                     { CODE_THROTTLE, AWS_THROTTLED } },
	{ "Throttling",                             { CODE_THROTTLE, AWS_THROTTLED } },
	{ "ThrottlingException",                    { CODE_THROTTLE, AWS_THROTTLED } },
	{ "TooManyRequestsException",               { CODE_THROTTLE, AWS_THROTTLED } },

	{ "InternalError",                          { CODE_TRANSIENT, AWS_AMBIGUOUS } },
	{ "InternalFailure",                        { CODE_TRANSIENT, AWS_AMBIGUOUS } },
	{ "InternalServerError",                    { CODE_TRANSIENT, AWS_AMBIGUOUS } },
	{ "RequestTimeout",                         { CODE_TRANSIENT, AWS_AMBIGUOUS } },
	{ "RequestTimeoutException",                { CODE_TRANSIENT, AWS_AMBIGUOUS } },
	{ "ServiceUnavailable",                     { CODE_TRANSIENT, AWS_AMBIGUOUS } },
	{ "Unavailable",                            { CODE_TRANSIENT, AWS_AMBIGUOUS } },

	{ "ExpiredToken",                           { CODE_KEYS, AWS_EXPIRED } },
	{ "ExpiredTokenException",                  { CODE_KEYS, AWS_EXPIRED } },
	{ "InvalidClientTokenId",                   { CODE_KEYS, AWS_EXPIRED } },
	{ "InvalidToken",                           { CODE_KEYS, AWS_EXPIRED } },
	{ "RequestExpired",                         { CODE_KEYS, AWS_EXPIRED } },
	{ "InvalidSignatureException",              { CODE_CLOCK, AWS_EXPIRED } },
	{ "RequestInTheFuture",                     { CODE_CLOCK, AWS_EXPIRED } },
	{ "RequestTimeTooSkewed",                   { CODE_CLOCK, AWS_EXPIRED } },
	{ "SignatureDoesNotMatch",                  { CODE_CLOCK, AWS_EXPIRED } },

	{ "AccessDenied",                           { CODE_FINAL, AWS_DENIED } },
	{ "AccessDeniedException",                  { CODE_FINAL, AWS_DENIED } },
	{ "Blocked",                                { CODE_FINAL, AWS_DENIED } },
	{ "OptInRequired",                          { CODE_FINAL, AWS_DENIED } },
	{ "PendingVerification",                    { CODE_FINAL, AWS_DENIED } },
	{ "RegionDisabledException",                { CODE_FINAL, AWS_DENIED } },
	{ "UnauthorizedOperation",                  { CODE_FINAL, AWS_DENIED } },

	{ "InsufficientAddressCapacity",            { CODE_FINAL, AWS_CAPACITY } },
	{ "InsufficientCapacity",                   { CODE_FINAL, AWS_CAPACITY } },
	{ "InsufficientCapacityOnHost",             { CODE_FINAL, AWS_CAPACITY } },
	{ "InsufficientFreeAddressesInSubnet",      { CODE_FINAL, AWS_CAPACITY } },
	{ "InsufficientHostCapacity",               { CODE_FINAL, AWS_CAPACITY } },
	{ "InsufficientInstanceCapacity",           { CODE_FINAL, AWS_CAPACITY } },
	{ "InsufficientReservedInstanceCapacity",   { CODE_FINAL, AWS_CAPACITY } },
	{ "InsufficientVolumeCapacity",             { CODE_FINAL, AWS_CAPACITY } },
	{ "Unsupported",                            { CODE_FINAL, AWS_CAPACITY } }, /* the type does not exist in this zone */

	{ "TargetGroupAssociationLimit",            { CODE_FINAL, AWS_QUOTA } },
	{ "TooManyListeners",                       { CODE_FINAL, AWS_QUOTA } },
	{ "TooManyLoadBalancers",                   { CODE_FINAL, AWS_QUOTA } },
	{ "TooManyRegistrationsForTargetId",        { CODE_FINAL, AWS_QUOTA } },
	{ "TooManyTags",                            { CODE_FINAL, AWS_QUOTA } },
	{ "TooManyTargetGroups",                    { CODE_FINAL, AWS_QUOTA } },
	{ "TooManyTargets",                         { CODE_FINAL, AWS_QUOTA } },
	{ "TooManyUniqueTargetGroupsPerLoadBalancer", { CODE_FINAL, AWS_QUOTA } },

	{ "DuplicateListener",                      { CODE_FINAL, AWS_DUPLICATE } },
	{ "DuplicateLoadBalancerName",              { CODE_FINAL, AWS_DUPLICATE } },
	{ "DuplicateTargetGroupName",               { CODE_FINAL, AWS_DUPLICATE } },

	{ "ConcurrentTagAccess",                    { CODE_FINAL, AWS_CONFLICT } },
	{ "DependencyViolation",                    { CODE_FINAL, AWS_CONFLICT } },
	{ "IdempotentInstanceTerminated",           { CODE_FINAL, AWS_CONFLICT } },
	{ "IdempotentParameterMismatch",            { CODE_FINAL, AWS_CONFLICT } },
	{ "IncorrectInstanceState",                 { CODE_FINAL, AWS_CONFLICT } },
	{ "IncorrectState",                         { CODE_FINAL, AWS_CONFLICT } },
	{ "InvalidGroup.InUse",                     { CODE_FINAL, AWS_CONFLICT } },
	{ "InvalidState",                           { CODE_FINAL, AWS_CONFLICT } },
	{ "OperationNotPermitted",                  { CODE_FINAL, AWS_CONFLICT } }, /* termination protection */
	{ "ResourceInUse",                          { CODE_FINAL, AWS_CONFLICT } },
	{ "VolumeInUse",                            { CODE_FINAL, AWS_CONFLICT } },
};

static const struct {
	const char *ending;
	enum aws_class class;
} families[] = {
	{ "NotFound", AWS_NOTFOUND },
	{ "NotFoundException", AWS_NOTFOUND },
	{ ".Duplicate", AWS_DUPLICATE },
	{ "AlreadyExists", AWS_DUPLICATE },
	{ "LimitExceeded", AWS_QUOTA },
	{ "LimitExceededException", AWS_QUOTA },
};
/* clang-format on */

static struct code_meaning judge_status(int status)
{
	if (status == 429 || status == 509)
		return (struct code_meaning){ CODE_THROTTLE, AWS_THROTTLED };
	if (status >= 500 || status == 408 || status < 300)
		return (struct code_meaning){ CODE_TRANSIENT, AWS_AMBIGUOUS };
	if (status == 401 || status == 403)
		return (struct code_meaning){ CODE_FINAL, AWS_DENIED };
	return (struct code_meaning){ CODE_FINAL, AWS_INVALID };
}

struct code_meaning code_judge(const char *code, int status)
{
	/* 401 is a key or a clock; with another status it is an image or a snapshot that is not shared with us. */
	if (strcmp(code, "AuthFailure") == 0 && status == 401)
		return (struct code_meaning){ CODE_CLOCK, AWS_EXPIRED };
	if (strcmp(code, "AuthFailure") == 0)
		return (struct code_meaning){ CODE_FINAL, AWS_DENIED };
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (strcmp(code, codes[i].code) == 0)
			return codes[i].is;
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (str_ends(code, families[i].ending))
			return (struct code_meaning){ CODE_FINAL, families[i].class };
	if (code[0] == '\0' || status >= 500)
		return judge_status(status);
	return (struct code_meaning){ CODE_FINAL, AWS_INVALID };
}
