/* kinds_impl.h - what the step kinds of EC2 share: a rule of a security group, as a plan writes it. */
#pragma once
#include "agent/ops/step.h"

struct demand;

/* What is made in a VPC may be where the policy has a subnet of it: args.subnet_id. */
void kinds_vpc_demand(const json_t *args, struct demand *d);  /* kinds_group.c */
void kinds_rule_demand(const json_t *rule, struct demand *d); /* kinds_group.c */
