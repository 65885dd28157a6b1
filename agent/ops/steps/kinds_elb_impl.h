/* kinds_elb_impl.h - what the step kinds of load balancing share: kinds_elb_target_group.c (target groups), kinds_elb_target.c,
 * kinds_elb_undo.c (who is in them), kinds_elb_balancer.c (load balancers and listeners). Nobody else includes this. */
#pragma once
#include "agent/aws/elb.h"
#include "agent/ops/account/inventory.h"
#include "agent/ops/steps/balancers.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/iam_grant.h"

/* ---- creations: the fact is the ARN ---- */

/* The ARN of what an answer says was made, in the arena; NULL when it cannot be read, which means look by tag. */
typedef const char *kinds_elb_arn_fn(const struct xml_node *root, struct arena *m);
enum step_verdict kinds_elb_judge_created(const struct step_ctx *x, const struct aws_call *c, kinds_elb_arn_fn *arn_of,
					  struct err *e);
bool kinds_elb_found(const struct step_ctx *x, const char *arn); /* adds the fact; NULL: it is not there */
json_t *kinds_elb_arn_of_fact(const json_t *args);               /* what the deletion that takes it back is told */

/* ---- deletions: the argument is the ARN ---- */

typedef void kinds_elb_delete_fn(struct request *req, const char *arn);
int kinds_elb_ask_delete(const struct step_ctx *x, struct request *req, kinds_elb_delete_fn *build, struct err *e);
const char *kinds_elb_arn(const struct step_ctx *x);

/* ---- targets: the arguments are the group's ARN and the instances ---- */

int kinds_elb_ask_health(const struct step_ctx *x, struct request *req, struct err *e);
void kinds_elb_print_targets(const json_t *args, struct buf *to);

void kinds_elb_print_name(const json_t *args, struct buf *to);
void kinds_elb_print_arn(const json_t *args, struct buf *to);

/* What load balancing asks of its caller beside a call (User Guide for Elastic Load Balancing, "API permissions"). */
#define KINDS_ELB_TAGS(resource)                                                                                                   \
	{                                                                                                                          \
		IAM_BALANCERS, "TagBalancer", IAM_TO_BE_OWNED | IAM_BY_CREATING, IAM_TEXTS("elasticloadbalancing:AddTags"),        \
		    IAM_TEXTS(IAM_ELB(resource))                                                                                   \
	}
#define KINDS_ELB_ROLE                                                                                                             \
	{                                                                                                                          \
		IAM_BALANCERS, "BalancerRole", IAM_ELB_ROLE, IAM_TEXTS("iam:CreateServiceLinkedRole"),                             \
		    IAM_TEXTS("arn:%P:iam::%A:role/aws-service-role/elasticloadbalancing.amazonaws.com/*")                         \
	}
#define KINDS_ELB_LOOKS(...)                                                                                                       \
	{                                                                                                                          \
		IAM_BALANCERS, "BalancerLooks", IAM_HERE, IAM_TEXTS(__VA_ARGS__), IAM_TEXTS("*")                                   \
	}
#define KINDS_ELB_DELETE(call, resource)                                                                                           \
	{                                                                                                                          \
		IAM_DELETE, "Delete", IAM_OWNED, IAM_TEXTS("elasticloadbalancing:" call), IAM_TEXTS(IAM_ELB(resource))             \
	}
