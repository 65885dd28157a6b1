/* ec2.h - EC2 2016-11-15 (ec2Query): pure request builders and answer readers, one pair an action that something uses.
 * Builders fill a form; readers put what they read into an arena, and fail only on an answer that is not what EC2 says. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/aws/request.h"
#include "agent/base/arena.h"
#include "agent/base/xml.h"

extern const struct aws_service ec2_service;

struct ec2_tag {
	const char *key, *value;
};

struct ec2_tags {
	struct ec2_tag *v;
	size_t n;
};

const char *ec2_tag_get(const struct ec2_tags *t, const char *key); /* or NULL */

/* A page of a Describe: all of these tags, and one optional further filter. */
struct ec2_filter {
	const char *name; /* "vpc-id", "instance-state-name", "tag:reeve:installation", "instance-id" ... */
	const char *const *values;
	size_t n;
};

struct ec2_describe {
	const struct ec2_filter *filters;
	size_t filters_n;
	const char *next_token; /* NULL: the first page */
	bool whole;             /* no pages: a short list, asked for by its ids */
};
void ec2_describe(struct request *req, const char *action, const struct ec2_describe *d); /* what every Describe begins with */
const char *ec2_next_token(const struct xml_node *root);                                  /* NULL: the last page */

/* ---- instances ---- */
struct ec2_volume_arg {
	const char *device, *type, *kms_key_id; /* kms_key_id NULL: the default key; always encrypted */
	uint32_t size_gib, iops, throughput;    /* 0: AWS default */
	bool keep;                              /* else it is deleted with its node */
};

struct ec2_run_args {
	const char *client_token, *image_id, *type, *subnet_id;
	const char *const *group_ids;
	size_t group_ids_n;
	const char *root_device; /* the image's, mapped so that it is encrypted whatever its snapshot is */
	uint32_t root_gib;       /* the image's; 0: not said */
	const struct ec2_volume_arg *volumes;
	size_t volumes_n;
	const char *profile; /* instance profile name, or NULL */
	const void *user_data;
	size_t user_data_len;
	uint32_t min, max;
	const struct ec2_tag *tags; /* on instance, volume and network-interface */
	size_t tags_n;
};

struct ec2_instance {
	const char *id, *state; /* pending running shutting-down terminated stopping stopped */
	const char *type, *image_id, *subnet_id, *vpc_id, *az, *private_ip, *ipv6, *launch_time, *client_token;
	const char *reason_code, *reason; /* of the state, "" if none */
	const char *profile_arn;          /* "": none */
	const char **group_ids;
	size_t group_ids_n;
	const char **data_volume_ids, **kept_volume_ids;
	uint32_t data_volumes; /* volumes beside the root that are deleted with it; while it is pending not all are told yet */
	uint32_t kept_volumes; /* and those that it leaves */
	struct ec2_tags tags;
};

struct ec2_instances {
	struct ec2_instance *v;
	size_t n;
};

void ec2_run_instances(struct request *req, const struct ec2_run_args *a); /* IMDSv2 required, no public address */
int ec2_read_run_instances(const struct xml_node *root, struct arena *m, struct ec2_instances *ret, struct err *e);
void ec2_describe_instances(struct request *req, const struct ec2_describe *d);
int ec2_read_instances(const struct xml_node *root, struct arena *m, struct ec2_instances *ret, struct err *e); /* appends */
void ec2_terminate_instances(struct request *req, const char *const *ids, size_t n);

/* ---- tags of what stands; of one id that is not there the whole call is refused ---- */
void ec2_create_tags(struct request *req, const char *const *ids, size_t ids_n, const struct ec2_tag *tags, size_t tags_n);
void ec2_delete_tags(struct request *req, const char *const *ids, size_t ids_n, const char *const *keys, size_t keys_n);

/* ---- security groups ---- */
struct ec2_rule {
	const char *protocol;       /* tcp udp icmp -1 */
	int32_t from_port, to_port; /* -1 with protocol -1 */
	const char *cidr;           /* either this (IPv4, IPv6, or a prefix list "pl-...") ... */
	const char *group_id;       /* ... or this */
	const char *description;    /* may be "" */
	bool is_egress;
};

struct ec2_group {
	const char *id, *name, *vpc_id, *description;
	struct ec2_rule *rules; /* of both directions, one source or target each */
	size_t rules_n;
	struct ec2_tags tags;
};

struct ec2_groups {
	struct ec2_group *v;
	size_t n;
};

void ec2_create_security_group(struct request *req, const char *name, const char *description, const char *vpc_id,
			       const struct ec2_tag *tags, size_t tags_n);
int ec2_read_create_security_group(const struct xml_node *root, const char **ret_id, struct err *e); /* lives with the xml */
void ec2_describe_security_groups(struct request *req, const struct ec2_describe *d);
int ec2_read_security_groups(const struct xml_node *root, struct arena *m, struct ec2_groups *ret, struct err *e); /* appends */
/* Direction is the call's: is_egress of the rules is not looked at. */
void ec2_authorize_ingress(struct request *req, const char *group_id, const struct ec2_rule *rules, size_t n);
void ec2_revoke_ingress(struct request *req, const char *group_id, const struct ec2_rule *rules, size_t n);
void ec2_authorize_egress(struct request *req, const char *group_id, const struct ec2_rule *rules, size_t n);
void ec2_revoke_egress(struct request *req, const char *group_id, const struct ec2_rule *rules, size_t n);
/* Rules of one direction; one without a description loses its own. */
void ec2_update_rule_descriptions(struct request *req, const char *group_id, const struct ec2_rule *rules, size_t n);
void ec2_delete_security_group(struct request *req, const char *group_id);
