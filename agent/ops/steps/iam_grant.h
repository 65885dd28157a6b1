/* iam_grant.h - what a step kind must be allowed: statements for the IAM document of a power of the operate role.
 *
 * They stand in the kind's own file. Statements of several kinds with one Sid become one: its actions and resources together. What
 * is to be ours carries both ownership tags from its first moment (aws:RequestTag), and nothing without them is ever changed
 * (aws:ResourceTag). Ownership tags can only be set by the call that creates, never on what is there already: else they would
 * protect nothing. Others are set on what carries them (kinds_tags.c). Service Authorization Reference: which resources and keys an
 * action knows. */
#pragma once
#include "agent/ops/steps/iam_lists.h"

/* The conditions of a statement: iam_table.c writes those that kinds share, and a kind those of its own, IAM_OWN(0) to IAM_OWN(7)
 * (step.h). */
enum iam_when {
	IAM_OWNED = 1u << 0,        /* the resource carries our tags */
	IAM_TO_BE_OWNED = 1u << 1,  /* the request gives it our tags, and none but ours and those that the policy allows */
	IAM_HERE = 1u << 2,         /* this region; said where no ARN says it */
	IAM_AS_NODE = 1u << 3,      /* IMDSv2 alone, of a type and with a profile that is allowed */
	IAM_WITH_PROFILE = 1u << 4, /* of IAM_AS_NODE: one of these, or none */
	IAM_NO_PROFILE = 1u << 5,   /* of IAM_AS_NODE: none */
	IAM_IN_VPC = 1u << 6,       /* what stands in the VPC of the warehouses */
	IAM_BY_OWNER = 1u << 7,     /* images by whose they are */
	IAM_INTERNAL = 1u << 8,     /* load balancers without a public address */
	IAM_IN_SUBNETS = 1u << 9,   /* of IAM_INTERNAL: in these subnets */
	IAM_ELB_ROLE = 1u << 10,    /* the role that AWS itself keeps for load balancing */
	IAM_BY_CREATING = 1u << 11, /* tags by the kind's own call as it creates, and not later */
};

#define IAM_OWN(n) (1u << (24 + (n)))
#define IAM_ANY_OWN (0xffu << 24)

/* A condition in IAM's words: of the statements with one of these flags. */
struct iam_condition {
	unsigned when;
	const char *test, *key, *value; /* words */
};

/* %P partition, %S suffix of its hosts, %R region, %A account, %N name of the instance role, %W the VPC; %V vendor, %I
 * installation. "%<kms_keys>" is the list of a bound (iam_lists.h), and what names one stands once for each of its members;
 * "%<owner:images>" those that bound.apart tells from the others. */
struct iam_statement {
	enum iam_power power; /* of the operate role's */
	const char *sid;
	unsigned when;
	const char *const *actions; /* NULL: every read (reads.h) */
	const char *const *resources;
};

#define IAM_EC2(what) "arn:%P:ec2:%R:%A:" what
#define IAM_ELB(what) "arn:%P:elasticloadbalancing:%R:%A:" what
#define IAM_TEXTS(...)                                                                                                             \
	(const char *const[])                                                                                                      \
	{                                                                                                                          \
		__VA_ARGS__, NULL                                                                                                  \
	}
