/* ec2_look.h - what EC2 tells of things that this agent never changes: VPCs, subnets, images, instance types, prefix lists.
 *
 * Ask by filter, never by id: an id that is not there fails a whole Describe, a filter leaves it out. Readers append to what
 * earlier pages brought. */
#pragma once
#include "agent/aws/ec2.h"

struct ec2_vpc {
	const char *id, *cidr;
	const char **cidrs; /* all associated blocks, IPv4 then IPv6 */
	size_t cidrs_n;
};
struct ec2_vpcs {
	struct ec2_vpc *v;
	size_t n;
};
void ec2_describe_vpcs(struct request *req, const struct ec2_describe *d);
int ec2_read_vpcs(const struct xml_node *root, struct arena *m, struct ec2_vpcs *ret, struct err *e);

struct ec2_subnet {
	const char *id, *vpc_id, *zone, *state; /* state: "available"; "": not told */
	uint32_t free;                          /* IPv4 addresses */
	bool tells_free;                        /* a subnet of IPv6 alone takes none of them */
};
struct ec2_subnets {
	struct ec2_subnet *v;
	size_t n;
};
void ec2_describe_subnets(struct request *req, const struct ec2_describe *d);
int ec2_read_subnets(const struct xml_node *root, struct arena *m, struct ec2_subnets *ret, struct err *e);

struct ec2_image {
	const char *id, *name;
	const char *owner;                   /* account id */
	const char *owner_alias;             /* "amazon", "aws-marketplace"; "" where AWS keeps none for that account */
	const char *root_device, *root_type; /* "/dev/xvda", "ebs" */
	uint32_t root_gib;                   /* size of the root as the image has it; 0: not told */
	const char *more;                    /* the device of a mapping beyond the root, or NULL */
	const char *state, *arch;            /* "available", "x86_64"; "": not told */
};
struct ec2_images {
	struct ec2_image *v;
	size_t n;
};
void ec2_describe_images(struct request *req, const struct ec2_describe *d); /* deprecated ones too */
int ec2_read_images(const struct xml_node *root, struct arena *m, struct ec2_images *ret, struct err *e);

struct ec2_type {
	const char *name;
	bool has_disks;     /* of the host (instance store): what is on them goes with the instance */
	const char **archs; /* that it runs; none: not told */
	size_t archs_n;
};
struct ec2_types {
	struct ec2_type *v;
	size_t n;
};
void ec2_describe_instance_types(struct request *req, const struct ec2_describe *d);
int ec2_read_instance_types(const struct xml_node *root, struct arena *m, struct ec2_types *ret, struct err *e);

struct ec2_prefix_list {
	const char *id, *name; /* "pl-63a5400a", "com.amazonaws.us-east-1.s3" */
};
struct ec2_prefix_lists {
	struct ec2_prefix_list *v;
	size_t n;
};
void ec2_describe_prefix_lists(struct request *req, const struct ec2_describe *d);
int ec2_read_prefix_lists(const struct xml_node *root, struct arena *m, struct ec2_prefix_lists *ret, struct err *e);

/* Whether TerminateInstances is refused for an instance: DescribeInstances does not tell. */
void ec2_describe_termination_protection(struct request *req, const char *instance_id);
int ec2_read_termination_protection(const struct xml_node *root, bool *ret, struct err *e);
