/* iam_lists.h - the lists that stand in the IAM documents, and which powers are made.
 *
 * Open lists are those of an installation whose policy is not known: what would be a list is any, and every power is there. Cut
 * ones hold what a policy's bounds name and nothing else (policy_iam.h fills them). Volumes' sizes, numbers of nodes, user data,
 * address blocks and ports have no place in an IAM document: the agent alone judges them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "agent/ops/steps/bound.h"

enum iam_power { IAM_LAUNCH, IAM_DELETE, IAM_GROUPS, IAM_BALANCERS, IAM_TAGS, IAM_NODE_POWER, IAM_VOLUMES, IAM_POWERS };

#define IAM_WHY_MAX 256

struct iam_texts {
	const char **v; /* texts of whoever filled it */
	size_t n;
	bool is_open; /* not cut: conditions on it are left out */
};

/* Each bound of texts is a list, at its place in the catalogue. */
struct iam_lists {
	struct iam_texts of[BOUNDS_MAX], apart[BOUNDS_MAX]; /* the members that bound.apart tells from the others */
	char why_not[IAM_POWERS][IAM_WHY_MAX];              /* "": the power is there */
	bool is_none[BOUNDS_MAX];                           /* of bounds that are numbers: none is allowed */
	bool is_cut; /* texts stand as they are; in open lists the letters (iam_grant.h) are expanded */
};

void iam_lists_open(struct iam_lists *l);                                          /* *l is new */
void iam_lists_add(struct iam_lists *l, const struct bound *to, const char *text); /* a member of the policy's list */
struct iam_texts *iam_lists_of(struct iam_lists *l, const struct bound *b);
void iam_lists_close(struct iam_lists *l);

const char *iam_lists_power(enum iam_power p); /* its name: launch, delete, groups, balancers, tags, power, volumes */
