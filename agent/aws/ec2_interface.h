/* ec2_interface.h - network interfaces, as far as they tell what holds a security group. As in ec2_look.h: ask by filter. */
#pragma once
#include "agent/aws/ec2.h"

struct ec2_interface {
	const char *id, *type, *description; /* "interface", "network_load_balancer", "vpc_endpoint" ... */
	const char *instance_id;             /* "" when it is attached to none */
	const char *status;                  /* "in-use", "available", "detaching" ... */
	const char **group_ids;
	size_t group_ids_n;
	bool is_managed; /* by an AWS service, in the account's name */
	struct ec2_tags tags;
};
struct ec2_interfaces {
	struct ec2_interface *v;
	size_t n;
};
void ec2_describe_interfaces(struct request *req, const struct ec2_describe *d);
int ec2_read_interfaces(const struct xml_node *root, struct arena *m, struct ec2_interfaces *ret, struct err *e); /* appends */
