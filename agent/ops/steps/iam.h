/* iam.h - the IAM documents of an installation, made from what the code asks for and from nothing else.
 *
 * agent: the reads, and the way into the operate role; it changes nothing. The operate role holds one document a power, made of
 * what the step kinds that change something must be allowed (.grants), each with the narrowest resource and conditions that
 * AWS lets us state. Lists cut to a policy's bounds cut the documents. The text is the same for the same arguments, byte
 * for byte, and ends with a newline.
 *
 * An instance profile is told apart from the role in it: launching names the profile, passing names the role. The two bear the
 * same name here, as in the stack and as the console makes them. */
#pragma once
#include "agent/base/buf.h"
#include "agent/base/err.h"
#include "agent/ops/steps/iam_lists.h"

/* NULL stands for CloudFormation's placeholder, e.g. "${AWS::AccountId}"; role NULL for <vendor>-role-<installation>. */
struct iam_args {
	const char *vendor, *installation, *account, *region, *partition, *suffix;
	const char *role;              /* name of the instance role; the operate and the node role are named after it */
	const char *vpc;               /* of the warehouses */
	const struct iam_lists *lists; /* NULL: open ones */
};

/* Of one document, as IAM counts: without whitespace. A managed policy may have 6,144; the rest is for what a customer adds. */
#define IAM_DOCUMENT_MAX 5120
#define IAM_ROLE_MAX 10240 /* of all inline policies of a role together */

int iam_agent(const struct iam_args *a, struct buf *to, struct err *e);
/* -ERR_DENIED: the policy leaves nothing of this power. -ERR_LIMIT: the document is too long, and which bound makes it so.
 * -ERR_INVALID: a step kind has no statement for its own action, or means another thing by a Sid than a kind before it. */
int iam_power(const struct iam_args *a, enum iam_power p, struct buf *to, struct err *e);
/* All of them as one object, {"launch": document, ...}; a power of which the policy leaves nothing is not in it. */
int iam_operate(const struct iam_args *a, struct buf *to, struct err *e);
