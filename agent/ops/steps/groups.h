/* groups.h - the security groups of ours that an inventory shows, and their rules: how a rule is spelled, called and compared. */
#pragma once
#include "agent/aws/ec2_look.h"
#include "agent/ops/account/inventory_read.h"

/* Their rules are spelled in one way (groups_rule_spell). */
struct ec2_groups *groups_in(const struct inventory *inv);
const struct ec2_group *groups_by_name(const struct inventory *inv, const char *vpc_id, const char *name); /* or NULL */
const struct ec2_group *groups_by_id(const struct inventory *inv, const char *id);                         /* or NULL */

/* "sg-1 tcp 8000-9000 10.0.0.0/16", "sg-1 egress -1 all sg-1": what a rule is called in records; the description is not part of
 * it. */
void groups_rule_name(const char *group_id, const struct ec2_rule *r, struct buf *to);
/* "6" and "TCP" are tcp, "all" is -1; what is no such name stays as it is. */
const char *groups_protocol(const char *protocol);
/* One spelling of protocol and address block, as EC2 answers: "6" is tcp, "::0/0" is ::/0, and all types of icmp have
 * all codes. What is no block stays as it is. */
void groups_rule_spell(struct arena *m, struct ec2_rule *r);
bool groups_rule_eq(const struct ec2_rule *a, const struct ec2_rule *b); /* all but the description */

extern const struct inventory_read groups_reads[]; /* how a taking learns of them (inventory_read.h) */
