/* balancers.h - the load balancers of ours that an inventory shows, with their listeners, and the target groups with who is in
 * them. */
#pragma once
#include "agent/aws/elb.h"
#include "agent/ops/account/inventory_read.h"

struct balancers_target_group {
	struct elb_target_group g;
	struct elb_targets targets;
};

struct balancers_lb {
	struct elb_lb lb;
	struct elb_listeners listeners;
};

struct balancers {
	struct balancers_target_group *target_groups;
	size_t target_groups_n;
	struct balancers_lb *lbs;
	size_t lbs_n;
	struct elb_target_groups other_target_groups; /* somebody else's: their names are taken */
	struct elb_lbs other_lbs;
	struct elb_target_groups all_target_groups; /* of the account, until their tags tell whose they are */
	struct elb_lbs all_lbs;
};
struct balancers *balancers_in(const struct inventory *inv);

/* One of ours, or NULL. */
const struct balancers_target_group *balancers_target_group_by_name(const struct inventory *inv, const char *name);
const struct balancers_target_group *balancers_target_group_by_arn(const struct inventory *inv, const char *arn);
const struct balancers_lb *balancers_lb_by_name(const struct inventory *inv, const char *name);
const struct balancers_lb *balancers_lb_by_arn(const struct inventory *inv, const char *arn);
const struct elb_listener *balancers_listener_by_arn(const struct inventory *inv, const char *arn);

extern const struct inventory_read balancers_reads[]; /* how a taking learns of all of them (inventory_read.h) */
