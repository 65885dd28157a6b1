/* iam_lists.c - see iam_lists.h. */
#include "agent/ops/steps/iam_lists.h"

#include "agent/base/mem.h"

const char *iam_lists_power(enum iam_power p)
{
	static const char *const names[] = { "launch", "delete", "groups", "balancers" };

	return names[p];
}

const char *iam_lists_bound(enum iam_list l)
{
	static const char *const names[] = { "instance_types",    "images",   "images",  "subnets",
					     "instance_profiles", "kms_keys", "tag_keys" };

	return names[l];
}

void iam_lists_add(struct iam_lists *l, enum iam_list to, const char *text)
{
	struct iam_texts *t = &l->of[to];

	t->v = mem_grow(t->v, t->n + 1, sizeof(*t->v));
	t->v[t->n++] = text;
}

/* Any of this account, and the profile and role that the stack makes. */
void iam_lists_open(struct iam_lists *l)
{
	static const char *const any[IAM_LISTS] = {
		[IAM_IMAGES] = "*", [IAM_SUBNETS] = "*", [IAM_PROFILES] = "%N-node", [IAM_KEYS] = "arn:%P:kms:%R:%A:key/*"
	};

	*l = (struct iam_lists){ .may_balance = true };
	for (size_t i = 0; i < IAM_LISTS; i++) {
		l->of[i].is_open = i != IAM_PROFILES && i != IAM_OWNERS;
		if (any[i] != NULL)
			iam_lists_add(l, (enum iam_list)i, any[i]);
	}
}

void iam_lists_close(struct iam_lists *l)
{
	for (size_t i = 0; i < IAM_LISTS; i++)
		mem_free(l->of[i].v);
	*l = (struct iam_lists){ 0 };
}
