/* policy_iam.h - what a policy leaves of the IAM documents: a list holds what its bound names and nothing else, and a power that
 * the policy cannot use is not made: `why_not` says what stops it. */
#pragma once
#include "agent/ops/policy.h"
#include "agent/ops/steps/iam_lists.h"

/* *l is new, to be closed with iam_lists_close; its texts are p's, which must outlive it. NULL: open lists. */
void policy_iam_lists(const struct policy *p, struct iam_lists *l);
