/* iam_lists.h - what a policy leaves of the IAM documents: the lists that stand in them, and which powers remain.
 *
 * Without a policy the documents are open: what would be a list is any, and every power is there. With one, a list holds what
 * its bound names and nothing else, and a power that the policy cannot use is not made: `why_not` says what stops it. Volumes'
 * sizes, numbers of nodes, user data, address blocks and ports have no place in an IAM document: the agent alone judges them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct policy;

enum iam_power { IAM_LAUNCH, IAM_DELETE, IAM_GROUPS, IAM_BALANCERS, IAM_POWERS };
enum iam_list { IAM_TYPES, IAM_IMAGES, IAM_OWNERS, IAM_SUBNETS, IAM_PROFILES, IAM_KEYS, IAM_TAG_KEYS, IAM_LISTS };

struct iam_texts {
	const char **v; /* texts of the policy */
	size_t n;
	bool is_open;      /* not cut: conditions on it are left out */
	const char *bound; /* its name in the policy's bounds */
};

struct iam_lists {
	struct iam_texts of[IAM_LISTS];
	const char *why_not[IAM_POWERS]; /* NULL: the power is there */
	bool may_balance;                /* new load balancers */
};

/* p: NULL for open documents; it must outlive the lists. */
void iam_lists_init(struct iam_lists *l, const struct policy *p);
void iam_lists_close(struct iam_lists *l);

const char *iam_lists_power(enum iam_power p); /* its name: launch, delete, groups, balancers */
