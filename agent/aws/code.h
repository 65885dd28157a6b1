/* code.h - what an AWS error code means, decided before anybody looks at the HTTP status: EC2 says
 * InsufficientInstanceCapacity with 500 and RequestLimitExceeded with 503. One table, and rows of a service's own where it means
 * another thing; the families with a common ending (.NotFound, .Duplicate, LimitExceeded, Capacity) need no entries of their
 * own. */
#pragma once
#include <stdbool.h>

enum aws_class {
	AWS_OK,
	AWS_THROTTLED, /* still, after all attempts; see retry_after_ms */
	AWS_AMBIGUOUS, /* it may or may not have happened */
	AWS_EXPIRED,   /* keys refused as expired or unknown, also after a renewal; or none to be had: nothing was sent */
	AWS_DENIED,    /* AccessDenied, UnauthorizedOperation */
	AWS_CAPACITY,  /* InsufficientInstanceCapacity and its kin (HTTP 500!) */
	AWS_QUOTA,     /* InstanceLimitExceeded, VcpuLimitExceeded, ... */
	AWS_NOTFOUND,  /* *.NotFound, *NotFound */
	AWS_DUPLICATE, /* InvalidGroup.Duplicate, DuplicateTargetGroupName, InvalidPermission.Duplicate, ... */
	AWS_CONFLICT,  /* IdempotentParameterMismatch, DependencyViolation, ResourceInUse, IncorrectState, ... */
	AWS_INVALID,   /* any other refusal: our request is wrong for AWS */
	AWS_CLASSES
};

enum code_act {
	CODE_FINAL,     /* what `class` says, and no retry */
	CODE_THROTTLE,  /* slow down; nothing was done */
	CODE_TRANSIENT, /* AWS does not know itself what happened */
	CODE_KEYS,      /* the keys are not accepted; a clock that is off may look like it (EC2's RequestExpired) */
	CODE_CLOCK,     /* the signature's time is not accepted, or its key */
};

struct code_meaning {
	enum code_act act;
	enum aws_class class; /* once nothing is left to try */
};

/* A code, and what it means; a list ends with one without a code. */
struct code_row {
	const char *code;
	struct code_meaning is;
};

/* `own`: of the service that answered, looked at before the common table; or NULL. `code` may be "": then the status alone
 * speaks. */
struct code_meaning code_judge(const struct code_row *own, const char *code, int status);

/* Why an instance died at its birth, of its StateReason. Its sentence may begin with another code, which then is the cause:
 * "Client.InternalError" says "Client.InvalidKMSKey.InvalidState: ...". */
struct code_death {
	enum aws_class class; /* AWS_OK: a fault of AWS's own, or nothing is told */
	char code[128];       /* as AWS writes it: "Client.VolumeLimitExceeded"; "" when nothing is told */
	bool passes;          /* another launch of the same may live */
};
struct code_death code_judge_death(const char *code, const char *sentence);
