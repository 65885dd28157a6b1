/* code.c - see code.h. Sources: EC2 API Reference "Error codes" and "StateReason", ELB and STS "Common errors", the SDKs' retry
 * lists. */
#include "agent/aws/code.h"

#include <stdio.h>
#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"

/* clang-format off */
static const struct code_row codes[] = {
	{ "BandwidthLimitExceeded",                 { CODE_THROTTLE, AWS_THROTTLED } },
	{ "EC2ThrottledException",                  { CODE_THROTTLE, AWS_THROTTLED } },
	/* One before it is still worked on, and nothing was done for this one. */
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
	{ "KMSInternalException",                   { CODE_TRANSIENT, AWS_AMBIGUOUS } },
	{ "RequestTimeout",                         { CODE_TRANSIENT, AWS_AMBIGUOUS } },
	{ "RequestTimeoutException",                { CODE_TRANSIENT, AWS_AMBIGUOUS } },
	{ "RetryableError",                         { CODE_TRANSIENT, AWS_AMBIGUOUS } },
	{ "ServerInternal",                         { CODE_TRANSIENT, AWS_AMBIGUOUS } },
	{ "ServiceUnavailable",                     { CODE_TRANSIENT, AWS_AMBIGUOUS } },
	{ "Unavailable",                            { CODE_TRANSIENT, AWS_AMBIGUOUS } },

	{ "ExpiredToken",                           { CODE_KEYS, AWS_EXPIRED } },
	{ "ExpiredTokenException",                  { CODE_KEYS, AWS_EXPIRED } },
	{ "InvalidClientTokenId",                   { CODE_KEYS, AWS_EXPIRED } },
	{ "InvalidToken",                           { CODE_KEYS, AWS_EXPIRED } },
	/* Either keys that are over or a clock that is off: the clock is looked at first (call.c). */
	{ "RequestExpired",                         { CODE_KEYS, AWS_EXPIRED } },
	{ "InvalidSignatureException",              { CODE_CLOCK, AWS_EXPIRED } },
	{ "RequestInTheFuture",                     { CODE_CLOCK, AWS_EXPIRED } },
	{ "RequestTimeTooSkewed",                   { CODE_CLOCK, AWS_EXPIRED } },
	{ "SignatureDoesNotMatch",                  { CODE_CLOCK, AWS_EXPIRED } },

	{ "AccessDenied",                           { CODE_FINAL, AWS_DENIED } },
	{ "AccessDeniedException",                  { CODE_FINAL, AWS_DENIED } },
	/* From this one to RegionDisabledException it is the account, and not a right of the role: its owner must act. */
	{ "Blocked",                                { CODE_FINAL, AWS_DENIED } },
	{ "OptInRequired",                          { CODE_FINAL, AWS_DENIED } },
	{ "PendingVerification",                    { CODE_FINAL, AWS_DENIED } },
	{ "RegionDisabledException",                { CODE_FINAL, AWS_DENIED } },
	{ "UnauthorizedOperation",                  { CODE_FINAL, AWS_DENIED } },

	{ "IncompatibleHostRequirements",           { CODE_FINAL, AWS_CAPACITY } },
	{ "InsufficientCapacityOnHost",             { CODE_FINAL, AWS_CAPACITY } },
	/* A full subnet is told like a full zone: elsewhere the same launch may find room. */
	{ "InsufficientFreeAddressesInSubnet",      { CODE_FINAL, AWS_CAPACITY } },
	{ "ReservationCapacityExceeded",            { CODE_FINAL, AWS_CAPACITY } },
	{ "SpotInstanceShutdown",                   { CODE_FINAL, AWS_CAPACITY } },
	{ "SpotInstanceTermination",                { CODE_FINAL, AWS_CAPACITY } },
	{ "UnavailableHostRequirements",            { CODE_FINAL, AWS_CAPACITY } },
	{ "UnfulfillableCapacity",                  { CODE_FINAL, AWS_CAPACITY } },

	{ "MaxScheduledInstanceCapacityExceeded",   { CODE_FINAL, AWS_QUOTA } },
	{ "VolumeIOPSLimit",                        { CODE_FINAL, AWS_QUOTA } },
	/* Four changes of one volume in a rolling day: no throttling, which passes in seconds. */
	{ "VolumeModificationRateExceeded",         { CODE_FINAL, AWS_QUOTA } },

	/* A key that cannot be used is a fault of the request, also when it is told as a fault of the server or as one not
	 * found. */
	{ "CustomerKeyHasBeenRevoked",              { CODE_FINAL, AWS_INVALID } },
	/* The request has too many filters; by its ending it would be a quota. */
	{ "FilterLimitExceeded",                    { CODE_FINAL, AWS_INVALID } },
	{ "OperationNotPermitted",                  { CODE_FINAL, AWS_INVALID } }, /* a protection, which does not pass by itself */

	{ "BucketAlreadyOwnedByYou",                { CODE_FINAL, AWS_DUPLICATE } },

	{ "ConcurrentTagAccess",                    { CODE_FINAL, AWS_CONFLICT } },
	{ "DependencyViolation",                    { CODE_FINAL, AWS_CONFLICT } },
	/* These two: the token was used by an earlier launch. Who asked looks by the tags what has become of that. */
	{ "IdempotentInstanceTerminated",           { CODE_FINAL, AWS_CONFLICT } },
	{ "IdempotentParameterMismatch",            { CODE_FINAL, AWS_CONFLICT } },
	{ "IncorrectInstanceState",                 { CODE_FINAL, AWS_CONFLICT } },
	/* The change before it is not completed. */
	{ "IncorrectModificationState",             { CODE_FINAL, AWS_CONFLICT } },
	{ "IncorrectState",                         { CODE_FINAL, AWS_CONFLICT } },
	{ "InstanceTerminated",                     { CODE_FINAL, AWS_CONFLICT } },
	{ "InvalidGroup.InUse",                     { CODE_FINAL, AWS_CONFLICT } },
	{ "InvalidState",                           { CODE_FINAL, AWS_CONFLICT } },
	{ "OperationAborted",                       { CODE_FINAL, AWS_CONFLICT } }, /* S3: another one on the same bucket */
	{ "ResourceInUse",                          { CODE_FINAL, AWS_CONFLICT } },
	{ "ScheduledStop",                          { CODE_FINAL, AWS_CONFLICT } },
	{ "UserInitiatedHibernate",                 { CODE_FINAL, AWS_CONFLICT } },
	{ "UserInitiatedShutdown",                  { CODE_FINAL, AWS_CONFLICT } },
	{ "VolumeInUse",                            { CODE_FINAL, AWS_CONFLICT } },
	{ NULL, { 0 } },
};

static const struct {
	const char *start;
	enum aws_class class;
} beginnings[] = {
	{ "InvalidKMSKey", AWS_INVALID },
	{ "KMS", AWS_INVALID },
	{ "NoSuch", AWS_NOTFOUND }, /* S3: Bucket, Key, TagSet, Upload */
	{ "TooMany", AWS_QUOTA },
};

static const struct {
	const char *ending;
	enum aws_class class;
} families[] = {
	{ "NotFound", AWS_NOTFOUND },
	{ "NotFoundException", AWS_NOTFOUND },
	{ ".Duplicate", AWS_DUPLICATE },
	{ "AlreadyExists", AWS_DUPLICATE },
	{ "AlreadyExistsException", AWS_DUPLICATE },
	{ "NotEmpty", AWS_CONFLICT },
	{ "LimitExceeded", AWS_QUOTA },
	{ "LimitExceededException", AWS_QUOTA },
	{ "CountExceeded", AWS_QUOTA },
	{ "Capacity", AWS_CAPACITY },
};
/* clang-format on */

/* The status alone, where no code is known:
 *
 *   429, 509   throttled: nothing was done
 *   5xx, 408   AWS does not know what happened
 *   1xx, 2xx   the same: it may be done, but what came is no answer of AWS
 *   401, 403   denied
 *   any other  the request is wrong for AWS */
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

static const struct code_row *find(const struct code_row *rows, const char *code)
{
	for (; rows != NULL && rows->code != NULL; rows++)
		if (str_eq(code, rows->code))
			return rows;
	return NULL;
}

/* The first that fits:
 *
 *   AuthFailure                  by its status
 *   a row of the service's own   as that says, also where the status says another thing
 *   a row of the common table    the same
 *   a beginning                  a family by its first letters
 *   an ending                    a family by its last letters
 *   no code, or 5xx              by the status: a code that nobody knows does not make a fault of AWS a refusal
 *   any other                    the request is wrong for AWS */
struct code_meaning code_judge(const struct code_row *own, const char *code, int status)
{
	const struct code_row *row;

	/* 401 is a key or a clock; with another status it is an image or a snapshot that is not shared with us. */
	if (str_eq(code, "AuthFailure") && status == 401)
		return (struct code_meaning){ CODE_CLOCK, AWS_EXPIRED };
	if (str_eq(code, "AuthFailure"))
		return (struct code_meaning){ CODE_FINAL, AWS_DENIED };
	row = find(own, code);
	if (row == NULL)
		row = find(codes, code);
	if (row != NULL)
		return row->is;
	for (size_t i = 0; i < ARRAY_LEN(beginnings); i++)
		if (str_starts(code, beginnings[i].start))
			return (struct code_meaning){ CODE_FINAL, beginnings[i].class };
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (str_ends(code, families[i].ending))
			return (struct code_meaning){ CODE_FINAL, families[i].class };
	if (code[0] == '\0' || status >= 500)
		return judge_status(status);
	return (struct code_meaning){ CODE_FINAL, AWS_INVALID };
}

/* ---- deaths ---- */

/* The part behind "Client." or "Server."; NULL: no such code. */
static const char *bare(const char *code)
{
	bool is_one = str_starts(code, "Client.") || str_starts(code, "Server.");

	return is_one && code[7] != '\0' ? code + 7 : NULL;
}

/* The code that a sentence begins with, else the given one. */
static void true_code(const char *code, const char *sentence, char to[128])
{
	size_t n = strcspn(sentence, ": ");

	/* A code ends at a colon: a sentence may also just begin with a word that looks like one. */
	if (bare(sentence) != NULL && sentence[n] == ':')
		snprintf(to, 128, "%.*s", (int)(n < 127 ? n : 127), sentence);
	else
		snprintf(to, 128, "%s", code);
}

/* Of "Client.InternalError" EC2's "Troubleshoot instance launch issues" says: a key or an encrypted snapshot that cannot be
 * used. */
struct code_death code_judge_death(const char *code, const char *sentence)
{
	struct code_death d = { 0 };

	true_code(code, sentence, d.code);
	if (bare(d.code) == NULL)
		return d;
	d.passes = str_eq(d.code, "Server.InternalError");
	if (str_eq(bare(d.code), "InternalError"))
		d.class = d.passes ? AWS_OK : AWS_INVALID;
	else
		d.class = code_judge(NULL, bare(d.code), 400).class;
	return d;
}
