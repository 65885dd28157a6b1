/* iam_table.c - see iam_table.h. */
#include "agent/ops/steps/iam_table.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"

#define STATEMENTS_MAX 63
#define TEXTS_MAX 31

/* clang-format off */
const struct iam_statement iam_table_agent[] = {
	{ IAM_POWERS, "Look", IAM_HERE, NULL, IAM_TEXTS("*") },
	{ IAM_POWERS, "Operate", 0, IAM_TEXTS("sts:AssumeRole", "sts:SetSourceIdentity"), IAM_TEXTS("arn:%P:iam::%A:role/%N-operate") },
	{ 0 },
};

const struct iam_condition iam_table_conditions[] = {
	{ IAM_OWNED, "StringEquals", "aws:ResourceTag/resource-created-by", "%V" },
	{ IAM_OWNED, "StringEquals", "aws:ResourceTag/reeve:installation", "%I" },
	{ IAM_TO_BE_OWNED, "StringEquals", "aws:RequestTag/resource-created-by", "%V" },
	{ IAM_TO_BE_OWNED, "StringEquals", "aws:RequestTag/reeve:installation", "%I" },
	{ IAM_TO_BE_OWNED, "ForAllValues:StringLike", "aws:TagKeys", "Name reeve:* resource-created-by %<tag_keys>" },
	{ IAM_HERE, "StringEquals", "aws:RequestedRegion", "%R" },
	{ IAM_AS_NODE, "StringEquals", "ec2:MetadataHttpTokens", "required" },
	{ IAM_AS_NODE, "StringEquals", "ec2:InstanceType", "%<instance_types>" },
	{ IAM_WITH_PROFILE, "ArnEqualsIfExists", "ec2:InstanceProfile", "arn:%P:iam::%A:instance-profile/%<instance_profiles>" },
	{ IAM_NO_PROFILE, "Null", "ec2:InstanceProfile", "true" },
	{ IAM_IN_VPC, "ArnEquals", "ec2:Vpc", IAM_EC2("vpc/%W") },
	{ IAM_BY_OWNER, "StringEquals", "ec2:Owner", "%<owner:images>" },
	{ IAM_INTERNAL, "StringEquals", "elasticloadbalancing:Scheme", "internal" },
	{ IAM_INTERNAL, "Null", "elasticloadbalancing:SecurityGroup", "true" }, /* else it could stand in a group of the customer's */
	{ IAM_IN_SUBNETS, "ForAllValues:StringEquals", "elasticloadbalancing:Subnet", "%<subnets>" },
	{ IAM_IN_SUBNETS, "Null", "elasticloadbalancing:Subnet", "false" },
	{ IAM_ELB_ROLE, "StringEquals", "iam:AWSServiceName", "elasticloadbalancing.amazonaws.com" },
	{ 0 },
};
/* clang-format on */

/* ---- the statements of all kinds ---- */

/* One Sid, and what all kinds say under it. */
struct merged {
	const char *actions[TEXTS_MAX + 1], *resources[TEXTS_MAX + 1], *creates[TEXTS_MAX + 1]; /* sorted, ended by NULL */
	const struct iam_condition *own;
	const struct bound *bounded_by;
	bool is_begun; /* a kind has said something under it */
};

static struct {
	struct iam_statement v[STATEMENTS_MAX + 1];
	struct merged of[STATEMENTS_MAX];
	size_t n;
} all;

static void add_text(const char *to[TEXTS_MAX + 1], const char *text)
{
	size_t n = 0, at = 0;

	while (to[n] != NULL)
		n++;
	while (at < n && strcmp(to[at], text) < 0)
		at++;
	if (at < n && str_eq(to[at], text))
		return;
	assert(n < TEXTS_MAX);
	memmove(to + at + 1, to + at, (n - at) * sizeof(*to));
	to[at] = text;
}

static size_t place_of(const struct iam_statement *s)
{
	size_t i = 0;

	while (i < all.n && !str_eq(all.v[i].sid, s->sid))
		i++;
	if (i < all.n)
		return i;
	assert(all.n < STATEMENTS_MAX);
	all.v[all.n] = (struct iam_statement){ s->power, s->sid, s->when, all.of[all.n].actions, all.of[all.n].resources };
	return all.n++;
}

static void add_grant(const struct step_kind *k, const struct iam_statement *s)
{
	struct merged *m = &all.of[place_of(s)];

	for (const char *const *a = s->actions; *a != NULL; a++)
		add_text(m->actions, *a);
	for (const char *const *r = s->resources; *r != NULL; r++)
		add_text(m->resources, *r);
	if (s->when & IAM_BY_CREATING)
		add_text(m->creates, k->action);
	if (s->when & IAM_ANY_OWN)
		m->own = k->conditions;
	/* Two kinds that need the same call need it as long as one of them may. */
	if (m->bounded_by != k->bounded_by)
		m->bounded_by = m->is_begun ? NULL : k->bounded_by;
	m->is_begun = true;
}

const struct iam_statement *iam_table_operate(void)
{
	if (all.n > 0)
		return all.v;
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++)
		for (const struct iam_statement *s = (*k)->grants; s != NULL && s->sid != NULL; s++)
			add_grant(*k, s);
	return all.v;
}

const char *const *iam_table_creates(const struct iam_statement *s)
{
	return all.of[s - all.v].creates;
}

const struct iam_condition *iam_table_own(const struct iam_statement *s)
{
	return all.of[s - all.v].own;
}

const struct bound *iam_table_bound(const struct iam_statement *s)
{
	return s >= all.v && s < all.v + all.n ? all.of[s - all.v].bounded_by : NULL; /* those of the instance role: no kind's */
}

static bool is_granted(const struct step_kind *k)
{
	for (const struct iam_statement *s = k->grants; s != NULL && s->sid != NULL; s++)
		for (const char *const *a = s->actions; *a != NULL; a++)
			if (str_eq(*a, k->action))
				return true;
	return false;
}

static int check_sids(const struct step_kind *k, struct err *e)
{
	for (const struct iam_statement *s = k->grants; s != NULL && s->sid != NULL; s++) {
		const struct iam_statement *one = &all.v[place_of(s)];

		if (one->power != s->power || one->when != s->when ||
		    ((s->when & IAM_ANY_OWN) && (k->conditions == NULL || iam_table_own(one) != k->conditions)))
			return err_set(e, ERR_INVALID, "the step %s means another thing by the statement %s than a kind before it",
				       k->name, s->sid);
	}
	return 0;
}

int iam_table_check_kind(const struct step_kind *k, struct err *e)
{
	if (step_mutates(k) && !step_asks_node(k) && !is_granted(k))
		return err_set(e, ERR_INVALID, "the step %s has no statement that allows %s", k->name, k->action);
	return check_sids(k, e);
}

int iam_table_check(struct err *e)
{
	iam_table_operate();
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++)
		TRY(iam_table_check_kind(*k, e));
	return 0;
}
