/* ec2_status.h - EC2 2016-11-15: the status checks of instances. As in ec2.h: a builder, and a reader into an arena.
 *
 * EC2 makes them once a minute ("Status checks for Amazon EC2 instances"). There is no filter by id, so instances are named: one
 * that EC2 does not know, and the whole call is refused. */
#pragma once
#include "agent/aws/ec2.h"

struct ec2_status {
	const char *id, *state;        /* state: as DescribeInstances tells it */
	const char *system, *instance; /* ok impaired initializing insufficient-data not-applicable; "": not told */
	/* By which AWS is about to stop or end it (User Guide, "Scheduled events for your instances"): instance-stop,
	 * instance-retirement; NULL: no such notice stands. */
	const char *ending;
};

struct ec2_statuses {
	struct ec2_status *v;
	size_t n;
};

void ec2_describe_status(struct request *req, const char *const *ids, size_t n); /* also of those that do not run */
int ec2_read_statuses(const struct xml_node *root, struct arena *m, struct ec2_statuses *ret, struct err *e); /* appends */
