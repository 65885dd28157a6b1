/* interfaces.h - the network interfaces of our nodes that an inventory shows: a launch makes one with each and tags it alike. */
#pragma once
#include "agent/aws/ec2_interface.h"
#include "agent/ops/account/inventory_read.h"

struct ec2_interfaces *interfaces_in(const struct inventory *inv);
const struct ec2_interface *interfaces_by_id(const struct inventory *inv, const char *id); /* or NULL */

extern const struct inventory_read interfaces_reads[]; /* how a taking learns of them (inventory_read.h) */
