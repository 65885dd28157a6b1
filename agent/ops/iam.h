/* iam.h - the two IAM documents of an installation, made from what the code asks for and from nothing else.
 *
 * agent: the reads, and the way into the operate role; it changes nothing. operate: what the step kinds that change something
 * ask for (.action and .needs), each with the narrowest resource and conditions that AWS lets us state. The text is the same
 * for the same arguments, byte for byte, and ends with a newline. */
#pragma once
#include "agent/base/buf.h"

/* NULL stands for CloudFormation's placeholder, e.g. "${AWS::AccountId}"; role NULL for <vendor>-role-<installation>. */
struct iam_args {
	const char *vendor, *installation, *account, *region, *partition;
	const char *role; /* name of the instance role; the operate and the node role are named after it */
};

#define IAM_DOCUMENT_MAX 6144 /* of a managed policy, without whitespace */

int iam_agent(const struct iam_args *a, struct buf *to);
/* -ERR_INVALID: a step kind asks for an action for which iam.c has no statement, or iam.c has one that no kind asks for. */
int iam_operate(const struct iam_args *a, struct buf *to);
