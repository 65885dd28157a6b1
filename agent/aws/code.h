/* code.h - what an AWS error code means, decided before anybody looks at the HTTP status: EC2 says
 * InsufficientInstanceCapacity with 500 and RequestLimitExceeded with 503. One table; the families with a common ending
 * (.NotFound, .Duplicate, LimitExceeded) need no entries of their own. */
#pragma once
#include "agent/aws/call.h"

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

/* `code` may be "": then the status alone speaks. */
struct code_meaning code_judge(const char *code, int status);
