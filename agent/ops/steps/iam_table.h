/* iam_table.h - the statements of the IAM documents, collected from the step kinds, and what their conditions are in IAM's words.
 * */
#pragma once
#include "agent/base/err.h"
#include "agent/ops/steps/iam_grant.h"

/* Each ends with a sid or a test that is NULL. */
const struct iam_statement *iam_table_operate(void); /* of all kinds, one a Sid, in the order of the catalogue */
/* Of one of them with IAM_BY_CREATING: the calls, all of one service, sorted, ended by NULL. */
const char *const *iam_table_creates(const struct iam_statement *s);
/* Of one of them with a flag of IAM_ANY_OWN: the kind's own conditions. */
const struct iam_condition *iam_table_own(const struct iam_statement *s);
/* The number without which nobody needs it: that of all kinds under this Sid; NULL: there is none. */
const struct bound *iam_table_bound(const struct iam_statement *s);
extern const struct iam_statement iam_table_agent[];
extern const struct iam_condition iam_table_conditions[];

/* -ERR_INVALID: a step kind that changes something is not allowed its own action, or two kinds mean different things by one Sid. */
int iam_table_check(struct err *e);
struct step_kind;
int iam_table_check_kind(const struct step_kind *k, struct err *e); /* of one */
