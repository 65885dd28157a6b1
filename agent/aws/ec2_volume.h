/* ec2_volume.h - EBS volumes: what stands, how it is being changed, and the calls that change it or give it to an instance. */
#pragma once
#include "agent/aws/ec2.h"

struct ec2_volume {
	const char *id, *state; /* creating available in-use deleting deleted error */
	const char *type, *zone;
	const char *created;                        /* when it was made: ISO 8601, UTC; "": not told */
	const char *snapshot;                       /* that it was made from: a root volume has one; "": it was made empty */
	const char *kms_key;                        /* ARN, "": not encrypted, or not told */
	const char *instance, *device, *attachment; /* of its attachment: attaching attached detaching busy; "": there is none */
	uint32_t size_gib, iops, throughput;        /* 0: not told */
	bool is_encrypted;
	bool is_kept; /* its instance ends without it */
	struct ec2_tags tags;
};
struct ec2_volumes {
	struct ec2_volume *v;
	size_t n;
};
void ec2_describe_volumes(struct request *req, const struct ec2_describe *d);
int ec2_read_volumes(const struct xml_node *root, struct arena *m, struct ec2_volumes *ret, struct err *e); /* appends */

/* One change of a volume, as it was asked for. */
struct ec2_modification {
	const char *volume;
	const char *state; /* modifying optimizing completed failed: from optimizing on the volume is as it was asked for */
	const char *start; /* ISO 8601, UTC */
	const char *why;   /* "": nothing is said */
	const char *type;
	uint32_t size_gib, iops, throughput; /* what it is to be; 0: not told */
	uint32_t percent;                    /* done */
};
struct ec2_modifications {
	struct ec2_modification *v; /* AWS promises the newest of each volume; where it shows more, each is a row */
	size_t n;
};
void ec2_describe_modifications(struct request *req, const struct ec2_describe *d); /* filter "volume-id" */
int ec2_read_modifications(const struct xml_node *root, struct arena *m, struct ec2_modifications *ret,
			   struct err *e); /* appends */

/* What it is to be; 0 and NULL: as it is. */
struct ec2_modify_args {
	const char *volume, *type;
	uint32_t size_gib, iops, throughput;
};
void ec2_modify_volume(struct request *req, const struct ec2_modify_args *a);

/* To an instance of its zone that runs or is stopped. It stays when that instance ends: so AttachVolume has it, unlike a launch. */
void ec2_attach_volume(struct request *req, const char *volume, const char *instance, const char *device);
