/* ec2_volume.c - see ec2_volume.h. As in ec2.c, a page hands its rows over only when the last one was good. */
#include "agent/aws/ec2_volume.h"

#include <stddef.h>

#include "agent/aws/read.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define VERSION "2016-11-15"

/* ---- volumes ---- */

void ec2_describe_volumes(struct request *req, const struct ec2_describe *d)
{
	ec2_describe(req, "DescribeVolumes", d);
}

static const struct read_member volume_members[] = {
	{ "volumeId", offsetof(struct ec2_volume, id), READ_ID, true },
	{ "status", offsetof(struct ec2_volume, state), READ_WORD, true },
	{ "volumeType", offsetof(struct ec2_volume, type), READ_WORD, false },
	{ "availabilityZone", offsetof(struct ec2_volume, zone), READ_WORD, false },
	{ "createTime", offsetof(struct ec2_volume, created), READ_WORD, false },
	{ "snapshotId", offsetof(struct ec2_volume, snapshot), READ_ID, false },
	{ "kmsKeyId", offsetof(struct ec2_volume, kms_key), READ_ARN, false },
};

static const struct read_member attachment_members[] = {
	{ "instanceId", offsetof(struct ec2_volume, instance), READ_ID, false },
	{ "device", offsetof(struct ec2_volume, device), READ_WORD, false },
	{ "status", offsetof(struct ec2_volume, attachment), READ_WORD, false },
};

/* A gp3 volume has one attachment at most. One that is over is none; one that AWS does not call kept goes with its instance. */
static int read_attachment(const struct xml_node *n, struct arena *m, struct ec2_volume *v, struct err *e)
{
	static const char nothing[] = "";
	const struct xml_node *list = xml_find(n, "attachmentSet"), *a = NULL;

	v->instance = v->device = v->attachment = nothing;
	while ((a = xml_next(list, a, "item")) != NULL) {
		if (str_eq(xml_get(a, "status"), "detached"))
			continue;
		TRY(read_members(m, a, attachment_members, ARRAY_LEN(attachment_members), v, e));
		v->is_kept = str_eq(xml_get(a, "deleteOnTermination"), "false");
		return 0;
	}
	return 0;
}

static int read_volume(const struct xml_node *n, struct arena *m, struct ec2_volume *v, struct err *e)
{
	TRY(read_members(m, n, volume_members, ARRAY_LEN(volume_members), v, e));
	TRY(read_u32(n, "size", &v->size_gib, e));
	TRY(read_u32(n, "iops", &v->iops, e));
	TRY(read_u32(n, "throughput", &v->throughput, e));
	v->is_encrypted = str_eq(xml_get(n, "encrypted"), "true");
	TRY(read_attachment(n, m, v, e));
	return read_tags(m, xml_find(n, "tagSet"), "item", "key", "value", &v->tags, e);
}

int ec2_read_volumes(const struct xml_node *root, struct arena *m, struct ec2_volumes *ret, struct err *e)
{
	const struct xml_node *set;

	TRY(read_list(root, "volumeSet", &set, e));
	READ_ROWS(set, "item", read_volume, NULL);
	return 0;
}

/* ---- modifications ---- */

void ec2_describe_modifications(struct request *req, const struct ec2_describe *d)
{
	ec2_describe(req, "DescribeVolumesModifications", d);
}

static const struct read_member modification_members[] = {
	{ "volumeId", offsetof(struct ec2_modification, volume), READ_ID, true },
	{ "modificationState", offsetof(struct ec2_modification, state), READ_WORD, true },
	{ "startTime", offsetof(struct ec2_modification, start), READ_WORD, false },
	{ "statusMessage", offsetof(struct ec2_modification, why), READ_SAYING, false },
	{ "targetVolumeType", offsetof(struct ec2_modification, type), READ_WORD, false },
};

static int read_modification(const struct xml_node *n, struct arena *m, struct ec2_modification *v, struct err *e)
{
	TRY(read_members(m, n, modification_members, ARRAY_LEN(modification_members), v, e));
	TRY(read_u32(n, "targetSize", &v->size_gib, e));
	TRY(read_u32(n, "targetIops", &v->iops, e));
	TRY(read_u32(n, "targetThroughput", &v->throughput, e));
	return read_u32(n, "progress", &v->percent, e);
}

/* Two changes of one volume began at two times, or, where those are whole seconds (moto), lead to two forms. */
static bool are_two(const void *a, const void *b)
{
	const struct ec2_modification *x = a, *y = b;

	return !str_eq(x->start, y->start) || x->size_gib != y->size_gib || x->iops != y->iops || x->throughput != y->throughput;
}

int ec2_read_modifications(const struct xml_node *root, struct arena *m, struct ec2_modifications *ret, struct err *e)
{
	const struct xml_node *set;

	TRY(read_list(root, "volumeModificationSet", &set, e));
	READ_ROWS(set, "item", read_modification, are_two);
	return 0;
}

/* ---- changes ---- */

void ec2_modify_volume(struct request *req, const struct ec2_modify_args *a)
{
	request_query(req, &ec2_service, "ModifyVolume", VERSION);
	request_add(req, a->volume, "VolumeId");
	if (a->type != NULL)
		request_add(req, a->type, "VolumeType");
	if (a->size_gib > 0)
		request_add_u(req, a->size_gib, "Size");
	if (a->iops > 0)
		request_add_u(req, a->iops, "Iops");
	if (a->throughput > 0)
		request_add_u(req, a->throughput, "Throughput");
}

void ec2_attach_volume(struct request *req, const char *volume, const char *instance, const char *device)
{
	request_query(req, &ec2_service, "AttachVolume", VERSION);
	request_add(req, volume, "VolumeId");
	request_add(req, instance, "InstanceId");
	request_add(req, device, "Device");
}
