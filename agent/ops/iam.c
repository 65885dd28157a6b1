/* iam.c - the IAM documents: statements as a table, and a check that the table and the catalogue ask for the same.
 *
 * What is to be ours carries both ownership tags from its first moment (aws:RequestTag), and nothing without them is ever
 * changed (aws:ResourceTag). Tags can only be set by the call that creates, never on what is there already: else the tags
 * would protect nothing. Service Authorization Reference: which resources and keys an action knows. */
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/iam.h"
#include "agent/ops/reads.h"
#include "agent/ops/step.h"

enum when {
	OWNED = 1u << 0,       /* the resource carries our tags */
	TO_BE_OWNED = 1u << 1, /* the request gives it our tags */
	HERE = 1u << 2,        /* this region; said where no ARN says it */
	AS_NODE = 1u << 3,     /* IMDSv2 alone, and no role but the node's */
	ENCRYPTED = 1u << 4,   /* volumes */
	PRIVATE = 1u << 5,     /* interfaces without a public address */
	EC2_CREATES = 1u << 6, /* tags by the call that creates, not later */
	ELB_CREATES = 1u << 7, /* the same of load balancing */
	TO_EC2 = 1u << 8,      /* a role may be passed to EC2 alone */
	ELB_ROLE = 1u << 9,    /* the role that AWS itself keeps for load balancing */
	BY_EC2 = 1u << 10      /* a key is used by EC2 for us, never by us; a grant goes to the volume */
};

/* %P partition, %R region, %A account, %N name of the instance role. */
#define EC2(what) "arn:%P:ec2:%R:%A:" what
#define ELB(what) "arn:%P:elasticloadbalancing:%R:%A:" what
#define LIST(...)                                                                                                                  \
	(const char *const[])                                                                                                      \
	{                                                                                                                          \
		__VA_ARGS__, NULL                                                                                                  \
	}

struct statement {
	const char *sid;
	unsigned when;
	const char *const *actions;
	const char *const *resources;
};

/* clang-format off */
static const struct statement operate[] = {
	{ "LaunchNode", TO_BE_OWNED | AS_NODE, LIST("ec2:RunInstances"), LIST(EC2("instance/*")) },
	{ "LaunchVolume", TO_BE_OWNED | ENCRYPTED, LIST("ec2:RunInstances"), LIST(EC2("volume/*")) },
	{ "LaunchInterface", TO_BE_OWNED | PRIVATE, LIST("ec2:RunInstances"), LIST(EC2("network-interface/*")) },
	{ "LaunchInGroup", OWNED, LIST("ec2:RunInstances"), LIST(EC2("security-group/*")) },
	{ "StandOn", 0, LIST("ec2:CreateSecurityGroup", "ec2:RunInstances"),
	  LIST("arn:%P:ec2:%R::image/*", EC2("subnet/*"), EC2("vpc/*")) },
	{ "NodeRole", TO_EC2, LIST("iam:PassRole"), LIST("arn:%P:iam::%A:role/%N-node") },
	{ "Key", BY_EC2, LIST("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext",
			      "kms:ReEncryptFrom", "kms:ReEncryptTo"), LIST("arn:%P:kms:%R:%A:key/*") },
	{ "Create", TO_BE_OWNED, LIST("ec2:CreateSecurityGroup", "elasticloadbalancing:CreateLoadBalancer",
				      "elasticloadbalancing:CreateTargetGroup"),
	  LIST(EC2("security-group/*"), ELB("loadbalancer/net/*"), ELB("targetgroup/*")) },
	{ "CreateListener", OWNED | TO_BE_OWNED, LIST("elasticloadbalancing:CreateListener"), LIST(ELB("loadbalancer/net/*")) },
	{ "Tag", TO_BE_OWNED | EC2_CREATES, LIST("ec2:CreateTags"),
	  LIST(EC2("instance/*"), EC2("network-interface/*"), EC2("security-group/*"), EC2("volume/*")) },
	{ "TagBalancer", TO_BE_OWNED | ELB_CREATES, LIST("elasticloadbalancing:AddTags"),
	  LIST(ELB("listener/net/*"), ELB("loadbalancer/net/*"), ELB("targetgroup/*")) },
	{ "ChangeOurs", OWNED, LIST("ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:DeleteSecurityGroup", "ec2:RevokeSecurityGroupEgress",
				    "ec2:RevokeSecurityGroupIngress", "ec2:TerminateInstances",
				    "elasticloadbalancing:DeleteListener", "elasticloadbalancing:DeleteLoadBalancer",
				    "elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:DeregisterTargets",
				    "elasticloadbalancing:RegisterTargets"),
	  LIST(EC2("instance/*"), EC2("security-group/*"), ELB("listener/net/*"), ELB("loadbalancer/net/*"),
	       ELB("targetgroup/*")) },
	{ "BalancerRole", ELB_ROLE, LIST("iam:CreateServiceLinkedRole"),
	  LIST("arn:%P:iam::%A:role/aws-service-role/elasticloadbalancing.amazonaws.com/*") },
	{ "BalancerLooks", HERE, LIST("ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeInstances",
				      "ec2:DescribeInternetGateways", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
				      "ec2:DescribeVpcs"), LIST("*") },
};

static const struct statement agent[] = {
	{ "Look", HERE, reads_all, LIST("*") },
	{ "Operate", 0, LIST("sts:AssumeRole", "sts:SetSourceIdentity"), LIST("arn:%P:iam::%A:role/%N-operate") },
};

static const struct condition {
	unsigned when;
	const char *test, *key, *value; /* %V vendor, %I installation */
} conditions[] = {
	{ OWNED, "StringEquals", "aws:ResourceTag/resource-created-by", "%V" },
	{ OWNED, "StringEquals", "aws:ResourceTag/reeve:installation", "%I" },
	{ TO_BE_OWNED, "StringEquals", "aws:RequestTag/resource-created-by", "%V" },
	{ TO_BE_OWNED, "StringEquals", "aws:RequestTag/reeve:installation", "%I" },
	{ HERE, "StringEquals", "aws:RequestedRegion", "%R" },
	{ AS_NODE, "StringEquals", "ec2:MetadataHttpTokens", "required" },
	{ AS_NODE, "ArnEqualsIfExists", "ec2:InstanceProfile", "arn:%P:iam::%A:instance-profile/%N-node" },
	{ ENCRYPTED, "Bool", "ec2:Encrypted", "true" },
	{ PRIVATE, "Bool", "ec2:AssociatePublicIpAddress", "false" },
	{ EC2_CREATES, "StringEquals", "ec2:CreateAction", "CreateSecurityGroup RunInstances" },
	{ ELB_CREATES, "StringEquals", "elasticloadbalancing:CreateAction", "CreateListener CreateLoadBalancer CreateTargetGroup" },
	{ TO_EC2, "StringEquals", "iam:PassedToService", "ec2.amazonaws.com" },
	{ ELB_ROLE, "StringEquals", "iam:AWSServiceName", "elasticloadbalancing.amazonaws.com" },
	{ BY_EC2, "StringEquals", "kms:ViaService", "ec2.%R.amazonaws.com" },
	{ BY_EC2, "BoolIfExists", "kms:GrantIsForAWSResource", "true" },
};
/* clang-format on */

/* ---- writing ---- */

static const char * or (const char *given, const char *placeholder)
{
	return given != NULL ? given : placeholder;
}

static void expand_one(const struct iam_args *a, char letter, struct buf *b)
{
	const char *vendor = or (a->vendor, "${Vendor}"), *installation = or (a->installation, "${Installation}");

	switch (letter) {
	case 'P':
		buf_adds(b, or (a->partition, "${AWS::Partition}"));
		break;
	case 'R':
		buf_adds(b, or (a->region, "${AWS::Region}"));
		break;
	case 'A':
		buf_adds(b, or (a->account, "${AWS::AccountId}"));
		break;
	case 'V':
		buf_adds(b, vendor);
		break;
	case 'I':
		buf_adds(b, installation);
		break;
	default:
		if (a->role != NULL)
			buf_adds(b, a->role);
		else
			buf_addf(b, "%s-role-%s", vendor, installation);
	}
}

static json_t *expand(const struct iam_args *a, const char *text)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(2048);

	for (const char *c = text; *c != '\0'; c++)
		if (*c == '%')
			expand_one(a, *++c, &b);
		else
			buf_addc(&b, *c);
	return json_string(buf_str(&b));
}

/* IAM takes one text or a list of them. */
static json_t *one_or_many(json_t *list)
{
	json_t *one;

	if (json_array_size(list) != 1)
		return list;
	one = json_incref(json_array_get(list, 0));
	json_decref(list);
	return one;
}

static json_t *texts(const struct iam_args *a, const char *const *all)
{
	json_t *list = json_array();

	for (; *all != NULL; all++)
		json_array_append_new(list, expand(a, *all));
	return one_or_many(list);
}

static json_t *words(const struct iam_args *a, const char *text)
{
	CLEANUP(mem_close) char *copy = mem_str(text);
	json_t *list = json_array();
	char *rest = NULL;

	for (char *w = strtok_r(copy, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest))
		json_array_append_new(list, expand(a, w));
	return one_or_many(list);
}

static void add_condition(const struct iam_args *a, const struct condition *c, json_t *to)
{
	json_t *test = json_object_get(to, c->test);

	if (test == NULL) {
		test = json_object();
		json_object_set_new(to, c->test, test);
	}
	json_object_set_new(test, c->key, words(a, c->value));
}

static json_t *statement_json(const struct iam_args *a, const struct statement *s)
{
	json_t *j = json_pack("{s:s, s:s, s:o, s:o}", "Sid", s->sid, "Effect", "Allow", "Action", texts(a, s->actions), "Resource",
			      texts(a, s->resources));
	json_t *when = json_object();

	for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
		if (s->when & conditions[i].when)
			add_condition(a, &conditions[i], when);
	if (json_object_size(when) > 0)
		json_object_set(j, "Condition", when);
	json_decref(when);
	return j;
}

static int document(const struct iam_args *a, const struct statement *s, size_t n, struct buf *to)
{
	json_t *list = json_array(), *j = json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", list);
	char *text;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, statement_json(a, &s[i]));
	text = json_dumps(j, JSON_INDENT(2));
	json_decref(j);
	buf_adds(to, text);
	buf_addc(to, '\n');
	free(text);
	return buf_check(to, "the IAM document", NULL);
}

/* ---- the table and the catalogue ---- */

static bool is_stated(const char *action)
{
	for (size_t i = 0; i < ARRAY_LEN(operate); i++)
		for (const char *const *a = operate[i].actions; *a != NULL; a++)
			if (str_eq(*a, action))
				return true;
	return false;
}

static bool kind_asks_for(const struct step_kind *k, const char *action)
{
	if (!step_mutates(k))
		return false; /* reads are made with the role of the instance */
	for (const char *const *need = k->needs; need != NULL && *need != NULL; need++)
		if (str_eq(*need, action))
			return true;
	return str_eq(k->action, action);
}

static bool is_asked_for(const char *action)
{
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++)
		if (kind_asks_for(*k, action))
			return true;
	return false;
}

static bool is_all_stated(const struct step_kind *k)
{
	if (!step_mutates(k))
		return true;
	for (const char *const *need = k->needs; need != NULL && *need != NULL; need++)
		if (!is_stated(*need))
			return false;
	return is_stated(k->action);
}

static int check(void)
{
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++)
		if (!is_all_stated(*k))
			return -ERR_INVALID;
	for (size_t i = 0; i < ARRAY_LEN(operate); i++)
		for (const char *const *a = operate[i].actions; *a != NULL; a++)
			if (!is_asked_for(*a))
				return -ERR_INVALID;
	return 0;
}

int iam_agent(const struct iam_args *a, struct buf *to)
{
	return document(a, agent, ARRAY_LEN(agent), to);
}

int iam_operate(const struct iam_args *a, struct buf *to)
{
	TRY(check());
	return document(a, operate, ARRAY_LEN(operate), to);
}
