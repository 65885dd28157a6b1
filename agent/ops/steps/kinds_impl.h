/* kinds_impl.h - what step kinds of several services share: a rule of a security group as a plan writes it, and who must have all
 * its nodes or none. */
#pragma once
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/iam_grant.h"

struct demand;

/* What is made in a VPC may be where the policy has a subnet of it: args.subnet_id. */
void kinds_vpc_demand(const json_t *args, struct demand *d);  /* kinds_group.c */
void kinds_rule_demand(const json_t *rule, struct demand *d); /* kinds_group.c */

int kinds_nodes_ask(const struct step_ctx *x, struct request *req, struct err *e); /* kinds_node.c: how args.instances stand */

/* kinds_answers.c: args.port and args.path of nodes */
void kinds_endpoint_demand(const json_t *args, struct demand *d);
void kinds_endpoint_print(const json_t *args, struct buf *to);

/* kinds_launch.c: of a volume under the customer's own key (Amazon EBS encryption, "Permissions for IAM users") */
#define KINDS_BY_EC2 IAM_OWN(3) /* a key is used by EC2 for us, never by us; a grant goes to the volume */
#define KINDS_KEY                                                                                                                  \
	{                                                                                                                          \
		IAM_LAUNCH, "Key", KINDS_BY_EC2,                                                                                   \
		    IAM_TEXTS("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext",          \
			      "kms:ReEncryptFrom", "kms:ReEncryptTo"),                                                             \
		    IAM_TEXTS("%<kms_keys>")                                                                                       \
	}
extern const struct iam_condition kinds_launch_conditions[];

static inline bool kinds_is_atomic(const struct step_ctx *x)
{
	return json_is_true(json_object_get(x->args, "atomic"));
}
