/* iam_table.c - see iam_table.h. */
#include "agent/ops/steps/iam_table.h"

#include <stdbool.h>

#include "agent/base/str.h"
#include "agent/ops/steps/step.h"

#define EC2(what) "arn:%P:ec2:%R:%A:" what
#define ELB(what) "arn:%P:elasticloadbalancing:%R:%A:" what
#define LIST(...)                                                                                                                  \
	(const char *const[])                                                                                                      \
	{                                                                                                                          \
		__VA_ARGS__, NULL                                                                                                  \
	}

/* clang-format off */
const struct iam_statement iam_table_operate[] = {
	{ IAM_LAUNCH, "Node", IAM_TO_BE_OWNED | IAM_AS_NODE, LIST("ec2:RunInstances"), LIST(EC2("instance/*")) },
	{ IAM_LAUNCH, "Volume", IAM_TO_BE_OWNED | IAM_ENCRYPTED, LIST("ec2:RunInstances"), LIST(EC2("volume/*")) },
	{ IAM_LAUNCH, "Interface", IAM_TO_BE_OWNED | IAM_PRIVATE | IAM_IN_VPC, LIST("ec2:RunInstances"), LIST(EC2("network-interface/*")) },
	{ IAM_LAUNCH, "InGroup", IAM_OWNED | IAM_IN_VPC, LIST("ec2:RunInstances"), LIST(EC2("security-group/*")) },
	{ IAM_LAUNCH, "InSubnet", IAM_IN_VPC, LIST("ec2:RunInstances"), LIST(EC2("subnet/%s")) },
	{ IAM_LAUNCH, "Image", 0, LIST("ec2:RunInstances"), LIST("arn:%P:ec2:%R::image/%i") },
	{ IAM_LAUNCH, "ImageOf", IAM_BY_OWNER, LIST("ec2:RunInstances"), LIST("arn:%P:ec2:%R::image/*") },
	{ IAM_LAUNCH, "Tag", IAM_TO_BE_OWNED | IAM_EC2_RUNS, LIST("ec2:CreateTags"),
	  LIST(EC2("instance/*"), EC2("network-interface/*"), EC2("volume/*")) },
	{ IAM_LAUNCH, "NodeRole", IAM_TO_EC2, LIST("iam:PassRole"), LIST("arn:%P:iam::%A:role/%p") },
	{ IAM_LAUNCH, "Key", IAM_BY_EC2, LIST("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext",
			      "kms:ReEncryptFrom", "kms:ReEncryptTo"), LIST("%k") },

	{ IAM_DELETE, "Delete", IAM_OWNED, LIST("ec2:DeleteSecurityGroup", "ec2:TerminateInstances",
					    "elasticloadbalancing:DeleteListener", "elasticloadbalancing:DeleteLoadBalancer",
					    "elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:DeregisterTargets"),
	  LIST(EC2("instance/*"), EC2("security-group/*"), ELB("listener/net/*"), ELB("loadbalancer/net/*"),
	       ELB("targetgroup/*")) },

	{ IAM_GROUPS, "Group", IAM_TO_BE_OWNED, LIST("ec2:CreateSecurityGroup"), LIST(EC2("security-group/*")) },
	{ IAM_GROUPS, "InVpc", 0, LIST("ec2:CreateSecurityGroup"), LIST(EC2("vpc/%W")) },
	{ IAM_GROUPS, "TagGroup", IAM_TO_BE_OWNED | IAM_EC2_GROUPS, LIST("ec2:CreateTags"), LIST(EC2("security-group/*")) },
	{ IAM_GROUPS, "Rules", IAM_OWNED | IAM_IN_VPC, LIST("ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress",
						    "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress",
						    "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
						    "ec2:UpdateSecurityGroupRuleDescriptionsIngress"),
	  LIST(EC2("security-group/*")) },

	{ IAM_BALANCERS, "Balancer", IAM_TO_BE_OWNED | IAM_INTERNAL, LIST("elasticloadbalancing:CreateLoadBalancer"),
	  LIST(ELB("loadbalancer/net/*")) },
	{ IAM_BALANCERS, "TargetGroup", IAM_TO_BE_OWNED, LIST("elasticloadbalancing:CreateTargetGroup"), LIST(ELB("targetgroup/*")) },
	{ IAM_BALANCERS, "Listener", IAM_OWNED | IAM_TO_BE_OWNED, LIST("elasticloadbalancing:CreateListener"), LIST(ELB("loadbalancer/net/*")) },
	{ IAM_BALANCERS, "Move", IAM_OWNED, LIST("elasticloadbalancing:ModifyListener"), LIST(ELB("listener/net/*")) },
	{ IAM_BALANCERS, "TagBalancer", IAM_TO_BE_OWNED | IAM_ELB_CREATES, LIST("elasticloadbalancing:AddTags"),
	  LIST(ELB("listener/net/*"), ELB("loadbalancer/net/*"), ELB("targetgroup/*")) },
	{ IAM_BALANCERS, "Register", IAM_OWNED, LIST("elasticloadbalancing:RegisterTargets"), LIST(ELB("targetgroup/*")) },
	{ IAM_BALANCERS, "BalancerRole", IAM_ELB_ROLE, LIST("iam:CreateServiceLinkedRole"),
	  LIST("arn:%P:iam::%A:role/aws-service-role/elasticloadbalancing.amazonaws.com/*") },
	{ IAM_BALANCERS, "BalancerLooks", IAM_HERE, LIST("ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeInstances",
						     "ec2:DescribeInternetGateways", "ec2:DescribeSecurityGroups",
						     "ec2:DescribeSubnets", "ec2:DescribeVpcs"), LIST("*") },
	{ 0 },
};

const struct iam_statement iam_table_agent[] = {
	{ IAM_POWERS, "Look", IAM_HERE, NULL, LIST("*") },
	{ IAM_POWERS, "Operate", 0, LIST("sts:AssumeRole", "sts:SetSourceIdentity"), LIST("arn:%P:iam::%A:role/%N-operate") },
	{ 0 },
};

const struct iam_condition iam_table_conditions[] = {
	{ IAM_OWNED, "StringEquals", "aws:ResourceTag/resource-created-by", "%V" },
	{ IAM_OWNED, "StringEquals", "aws:ResourceTag/reeve:installation", "%I" },
	{ IAM_TO_BE_OWNED, "StringEquals", "aws:RequestTag/resource-created-by", "%V" },
	{ IAM_TO_BE_OWNED, "StringEquals", "aws:RequestTag/reeve:installation", "%I" },
	{ IAM_TO_BE_OWNED, "ForAllValues:StringLike", "aws:TagKeys", "Name reeve:* resource-created-by %g" },
	{ IAM_HERE, "StringEquals", "aws:RequestedRegion", "%R" },
	{ IAM_AS_NODE, "StringEquals", "ec2:MetadataHttpTokens", "required" },
	{ IAM_AS_NODE, "StringEquals", "ec2:InstanceType", "%t" },
	{ IAM_WITH_PROFILE, "ArnEqualsIfExists", "ec2:InstanceProfile", "arn:%P:iam::%A:instance-profile/%p" },
	{ IAM_NO_PROFILE, "Null", "ec2:InstanceProfile", "true" },
	{ IAM_ENCRYPTED, "Bool", "ec2:Encrypted", "true" },
	{ IAM_PRIVATE, "Bool", "ec2:AssociatePublicIpAddress", "false" },
	{ IAM_IN_VPC, "ArnEquals", "ec2:Vpc", EC2("vpc/%W") },
	{ IAM_BY_OWNER, "StringEquals", "ec2:Owner", "%o" },
	{ IAM_EC2_RUNS, "StringEquals", "ec2:CreateAction", "RunInstances" },
	{ IAM_EC2_GROUPS, "StringEquals", "ec2:CreateAction", "CreateSecurityGroup" },
	{ IAM_ELB_CREATES, "StringEquals", "elasticloadbalancing:CreateAction", "CreateListener CreateLoadBalancer CreateTargetGroup" },
	{ IAM_INTERNAL, "StringEquals", "elasticloadbalancing:Scheme", "internal" },
	{ IAM_INTERNAL, "Null", "elasticloadbalancing:SecurityGroup", "true" }, /* else it could stand in a group of the customer's */
	{ IAM_IN_SUBNETS, "ForAllValues:StringEquals", "elasticloadbalancing:Subnet", "%s" },
	{ IAM_IN_SUBNETS, "Null", "elasticloadbalancing:Subnet", "false" },
	{ IAM_TO_EC2, "StringEquals", "iam:PassedToService", "ec2.amazonaws.com" },
	{ IAM_ELB_ROLE, "StringEquals", "iam:AWSServiceName", "elasticloadbalancing.amazonaws.com" },
	{ IAM_BY_EC2, "StringEquals", "kms:ViaService", "ec2.%R.amazonaws.com" },
	{ IAM_BY_EC2, "BoolIfExists", "kms:GrantIsForAWSResource", "true" },
	{ 0 },
};
/* clang-format on */

/* ---- the table and the catalogue ---- */

static bool is_stated(const char *action)
{
	for (const struct iam_statement *s = iam_table_operate; s->sid != NULL; s++)
		for (const char *const *a = s->actions; *a != NULL; a++)
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

int iam_table_check(struct err *e)
{
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++)
		if (!is_all_stated(*k))
			return err_set(e, ERR_INVALID, "iam.c has no statement for all that the step %s asks for", (*k)->name);
	for (const struct iam_statement *s = iam_table_operate; s->sid != NULL; s++)
		for (const char *const *a = s->actions; *a != NULL; a++)
			if (!is_asked_for(*a))
				return err_set(e, ERR_INVALID, "iam.c states %s, which no step asks for", *a);
	return 0;
}
