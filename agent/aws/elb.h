/* elb.h - Elastic Load Balancing v2, 2015-12-01 (awsQuery): pure builders and readers, as in ec2.h. */
#pragma once
#include "agent/aws/ec2.h"

extern const struct aws_service elb_service;

struct elb_target {
	const char *id;     /* instance id */
	uint32_t port;      /* 0: the group's */
	const char *state;  /* initial healthy unhealthy unused draining unavailable; readers only */
	const char *reason; /* "" or Target.... */
};
struct elb_targets {
	struct elb_target *v;
	size_t n;
};

struct elb_target_group {
	const char *arn, *name, *protocol, *vpc_id;
	uint32_t port;
	const char **lb_arns;
	size_t lb_arns_n;
	struct ec2_tags tags; /* DescribeTargetGroups has none: elb_read_tags fills them */
};
struct elb_target_groups {
	struct elb_target_group *v;
	size_t n;
};

struct elb_lb {
	const char *arn, *name, *dns_name, *scheme, *vpc_id, *state, *reason; /* provisioning active active_impaired failed */
	const char **subnet_ids;
	size_t subnet_ids_n;
	struct ec2_tags tags;
};
struct elb_lbs {
	struct elb_lb *v;
	size_t n;
};

struct elb_listener {
	const char *arn, *lb_arn, *protocol,
	    *target_group_arn;  /* target_group_arn: of the forward action; the heaviest of several */
	const char *beside_arn; /* another group of that action; or NULL */
	uint32_t port;
	struct ec2_tags tags; /* as a target group's */
};
struct elb_listeners {
	struct elb_listener *v;
	size_t n;
};

struct elb_tagged { /* one resource of DescribeTags */
	const char *arn;
	struct ec2_tags tags;
};
struct elb_taggeds {
	struct elb_tagged *v;
	size_t n;
};

const char *elb_next_marker(const struct xml_node *root); /* NULL: the last page */

void elb_create_target_group(struct request *req, const char *name, const char *protocol, uint32_t port, const char *vpc_id,
			     const struct ec2_tag *tags, size_t tags_n);
void elb_create_load_balancer(struct request *req, const char *name, bool internal, const char *const *subnets, size_t subnets_n,
			      const struct ec2_tag *tags, size_t tags_n); /* type network */
void elb_create_listener(struct request *req, const char *lb_arn, const char *protocol, uint32_t port, const char *target_group_arn,
			 const struct ec2_tag *tags, size_t tags_n);
/* beside_arn: a group that the listener leads to as well, with weight 0, so that ELB looks at the health of its targets and sends
 * them nothing (weighted target groups of Network Load Balancers, since November 2025); or NULL. */
void elb_modify_listener(struct request *req, const char *arn, const char *target_group_arn, const char *beside_arn);
void elb_register_targets(struct request *req, const char *target_group_arn, const struct elb_target *t, size_t n);
void elb_deregister_targets(struct request *req, const char *target_group_arn, const struct elb_target *t, size_t n);
void elb_delete_listener(struct request *req, const char *arn);
void elb_delete_load_balancer(struct request *req, const char *arn);
void elb_delete_target_group(struct request *req, const char *arn);

void elb_add_tags(struct request *req, const char *arn, const struct ec2_tag *tags, size_t n);
void elb_remove_tags(struct request *req, const char *arn, const char *const *keys, size_t n);

void elb_describe_target_groups(struct request *req, const char *name, const char *marker); /* name NULL: all */
void elb_describe_load_balancers(struct request *req, const char *name, const char *marker);
void elb_describe_listeners(struct request *req, const char *lb_arn, const char *marker);
void elb_describe_target_health(struct request *req, const char *target_group_arn);
void elb_describe_load_balancer_attributes(struct request *req, const char *arn);
void elb_describe_tags(struct request *req, const char *const *arns, size_t n); /* at most 20 */

int elb_read_target_groups(const struct xml_node *root, struct arena *m, struct elb_target_groups *ret,
			   struct err *e); /* also of Create; append */
int elb_read_load_balancers(const struct xml_node *root, struct arena *m, struct elb_lbs *ret, struct err *e);
const struct elb_target *elb_target_in(const struct elb_targets *t, const char *id); /* or NULL */
int elb_read_listeners(const struct xml_node *root, struct arena *m, struct elb_listeners *ret, struct err *e);
int elb_read_target_health(const struct xml_node *root, struct arena *m, struct elb_targets *ret, struct err *e);
/* Whether DeleteLoadBalancer is refused for it. */
int elb_read_deletion_protection(const struct xml_node *root, bool *ret, struct err *e);
int elb_read_tags(const struct xml_node *root, struct arena *m, struct elb_taggeds *ret, struct err *e);
