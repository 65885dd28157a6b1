/* ec2.c - see ec2.h. Request names are the upper-cased query names of the EC2 API Reference, answer names its XML names.
 *
 * Each reader goes over its list once: it makes room for all rows of the page, fills them, and hands them over only when
 * the last one was good; so an answer that fails has added nothing. */
#include "agent/aws/ec2.h"

#include <stdio.h>
#include <string.h>

#include "agent/aws/read.h"
#include "agent/base/enc.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define VERSION "2016-11-15"

const struct aws_service ec2_service = { .name = "ec2" };
/* An instance with 50 tags and 28 volumes is 700 elements, a security group with 60 rules as many; a page is read in one tick and
 * must stay below XML_MAX_NODES, or the inventory would fail for ever. Every Describe that we use allows it. */
#define PAGE_SIZE 100

const char *ec2_tag_get(const struct ec2_tags *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->v[i].key, key))
			return t->v[i].value;
	return NULL;
}

/* ---- what requests share ------------------------------------------------------------------------------------------------- */

static void add_tags(struct request *req, unsigned spec, const char *type, const struct ec2_tag *tags, size_t n)
{
	if (n == 0)
		return;
	request_add(req, type, "TagSpecification.%u.ResourceType", spec);
	for (size_t i = 0; i < n; i++) {
		request_add(req, tags[i].key, "TagSpecification.%u.Tag.%zu.Key", spec, i + 1);
		request_add(req, tags[i].value, "TagSpecification.%u.Tag.%zu.Value", spec, i + 1);
	}
}

/* A page size but for a list of ids: an unfiltered, unpaged Describe draws on a smaller bucket (EC2 Developer Guide,
 * throttling). */
void ec2_describe(struct request *req, const char *action, const struct ec2_describe *d)
{
	request_query(req, &ec2_service, action, VERSION);
	for (size_t i = 0; i < d->filters_n; i++) {
		request_add(req, d->filters[i].name, "Filter.%zu.Name", i + 1);
		for (size_t j = 0; j < d->filters[i].n; j++)
			request_add(req, d->filters[i].values[j], "Filter.%zu.Value.%zu", i + 1, j + 1);
	}
	if (!d->whole)
		request_add_u(req, PAGE_SIZE, "MaxResults");
	if (d->next_token != NULL)
		request_add(req, d->next_token, "NextToken");
}

const char *ec2_next_token(const struct xml_node *root)
{
	const char *token = xml_get(root, "nextToken");

	return *token != '\0' ? token : NULL;
}

/* ---- instances ----------------------------------------------------------------------------------------------------------- */

static void add_volume(struct request *req, size_t i, const struct ec2_volume_arg *v)
{
	request_add(req, v->device, "BlockDeviceMapping.%zu.DeviceName", i);
	request_add(req, v->type, "BlockDeviceMapping.%zu.Ebs.VolumeType", i);
	if (v->size_gib > 0)
		request_add_u(req, v->size_gib, "BlockDeviceMapping.%zu.Ebs.VolumeSize", i);
	if (v->iops > 0)
		request_add_u(req, v->iops, "BlockDeviceMapping.%zu.Ebs.Iops", i);
	if (v->throughput > 0)
		request_add_u(req, v->throughput, "BlockDeviceMapping.%zu.Ebs.Throughput", i);
	request_add(req, "true", "BlockDeviceMapping.%zu.Ebs.Encrypted", i);
	if (v->kms_key_id != NULL)
		request_add(req, v->kms_key_id, "BlockDeviceMapping.%zu.Ebs.KmsKeyId", i);
	request_add(req, v->keep ? "false" : "true", "BlockDeviceMapping.%zu.Ebs.DeleteOnTermination", i);
}

/* Subnet and groups stand on the network interface: only there can a public address be refused. */
static void add_interface(struct request *req, const struct ec2_run_args *a)
{
	request_add_u(req, 0, "NetworkInterface.1.DeviceIndex");
	request_add(req, a->subnet_id, "NetworkInterface.1.SubnetId");
	request_add(req, "false", "NetworkInterface.1.AssociatePublicIpAddress");
	request_add(req, "true", "NetworkInterface.1.DeleteOnTermination");
	for (size_t i = 0; i < a->group_ids_n; i++)
		request_add(req, a->group_ids[i], "NetworkInterface.1.SecurityGroupId.%zu", i + 1);
}

/* The image's own root, encrypted whatever its snapshot is; size and type stay the image's. */
static void add_root(struct request *req, const struct ec2_run_args *a)
{
	request_add(req, a->root_device, "BlockDeviceMapping.1.DeviceName");
	if (a->root_gib > 0)
		request_add_u(req, a->root_gib, "BlockDeviceMapping.1.Ebs.VolumeSize");
	request_add(req, "true", "BlockDeviceMapping.1.Ebs.Encrypted");
	request_add(req, "true", "BlockDeviceMapping.1.Ebs.DeleteOnTermination");
}

static void add_user_data(struct request *req, const struct ec2_run_args *a)
{
	CLEANUP(mem_close) char *text = mem_alloc(ENC_BASE64_LEN(a->user_data_len));

	if (a->user_data_len > 0)
		request_add(req, enc_base64(a->user_data, a->user_data_len, text), "UserData");
}

void ec2_run_instances(struct request *req, const struct ec2_run_args *a)
{
	request_query(req, &ec2_service, "RunInstances", VERSION);
	request_add(req, a->client_token, "ClientToken");
	request_add(req, a->image_id, "ImageId");
	request_add(req, a->type, "InstanceType");
	request_add_u(req, a->min, "MinCount");
	request_add_u(req, a->max, "MaxCount");
	request_add(req, "required", "MetadataOptions.HttpTokens");
	/* One hop reaches the instance itself. A container behind a bridge is one further, and cannot ask for the node's keys. */
	request_add_u(req, 1, "MetadataOptions.HttpPutResponseHopLimit");
	/* SubnetId and SecurityGroupId of the request itself must then not be there: EC2 takes one or the other. */
	add_interface(req, a);
	add_root(req, a);
	for (size_t i = 0; i < a->volumes_n; i++)
		add_volume(req, i + 2, &a->volumes[i]); /* 1 is the root */
	if (a->profile != NULL)
		request_add(req, a->profile, "IamInstanceProfile.Name");
	add_user_data(req, a);
	add_tags(req, 1, "instance", a->tags, a->tags_n);
	add_tags(req, 2, "volume", a->tags, a->tags_n);
	add_tags(req, 3, "network-interface", a->tags, a->tags_n);
}

void ec2_describe_instances(struct request *req, const struct ec2_describe *d)
{
	ec2_describe(req, "DescribeInstances", d);
}

void ec2_terminate_instances(struct request *req, const char *const *ids, size_t n)
{
	request_query(req, &ec2_service, "TerminateInstances", VERSION);
	for (size_t i = 0; i < n; i++)
		request_add(req, ids[i], "InstanceId.%zu", i + 1);
}

/* EC2 repeats the groups of the first interface at the instance; where that list is empty (emulators), the interface's. */
static const struct xml_node *groups_of(const struct xml_node *n)
{
	const struct xml_node *set = xml_find(n, "groupSet");

	return read_count(set, "item") > 0 ? set : xml_find(n, "networkInterfaceSet/item/groupSet");
}

static bool is_data_volume(const struct xml_node *v, const char *root)
{
	return *xml_get(v, "ebs/volumeId") != '\0' && (*root == '\0' || !str_eq(xml_get(v, "deviceName"), root));
}

static int read_data_volumes(const struct xml_node *n, struct arena *m, struct ec2_instance *i, struct err *e)
{
	const struct xml_node *list = xml_find(n, "blockDeviceMapping"), *v = NULL;
	const char *root = xml_get(n, "rootDeviceName");

	i->data_volume_ids = arena_alloc(m, (read_count(list, "item") + 1) * sizeof(*i->data_volume_ids));
	i->kept_volume_ids = arena_alloc(m, (read_count(list, "item") + 1) * sizeof(*i->kept_volume_ids));
	while ((v = xml_next(list, v, "item")) != NULL) {
		/* One that AWS does not say is kept counts as deleted with its instance. */
		bool is_kept = str_eq(xml_get(v, "ebs/deleteOnTermination"), "false");

		if (is_data_volume(v, root))
			TRY(read_text(m, v, "ebs/volumeId", READ_ID,
				      is_kept ? &i->kept_volume_ids[i->kept_volumes++] : &i->data_volume_ids[i->data_volumes++],
				      e));
	}
	return 0;
}

static const struct read_member instance_members[] = {
	{ "instanceId", offsetof(struct ec2_instance, id), READ_ID, true },
	{ "instanceState/name", offsetof(struct ec2_instance, state), READ_WORD, true },
	{ "instanceType", offsetof(struct ec2_instance, type), READ_WORD, false },
	{ "imageId", offsetof(struct ec2_instance, image_id), READ_ID, false },
	{ "subnetId", offsetof(struct ec2_instance, subnet_id), READ_ID, false },
	{ "vpcId", offsetof(struct ec2_instance, vpc_id), READ_ID, false },
	{ "placement/availabilityZone", offsetof(struct ec2_instance, az), READ_WORD, false },
	{ "privateIpAddress", offsetof(struct ec2_instance, private_ip), READ_WORD, false },
	{ "ipv6Address", offsetof(struct ec2_instance, ipv6), READ_WORD, false },
	{ "launchTime", offsetof(struct ec2_instance, launch_time), READ_WORD, false },
	{ "clientToken", offsetof(struct ec2_instance, client_token), READ_WORD, false },
	{ "iamInstanceProfile/arn", offsetof(struct ec2_instance, profile_arn), READ_ARN, false },
	{ "stateReason/code", offsetof(struct ec2_instance, reason_code), READ_WORD, false },
	{ "stateReason/message", offsetof(struct ec2_instance, reason), READ_SAYING, false },
};

static int read_instance(const struct xml_node *n, struct arena *m, struct ec2_instance *i, struct err *e)
{
	TRY(read_members(m, n, instance_members, ARRAY_LEN(instance_members), i, e));
	TRY(read_texts(m, groups_of(n), "item", "groupId", READ_ID, &i->group_ids, &i->group_ids_n, e));
	TRY(read_data_volumes(n, m, i, e));
	return read_tags(m, xml_find(n, "tagSet"), "item", "key", "value", &i->tags, e);
}

/* instancesSet of one reservation. */
int ec2_read_run_instances(const struct xml_node *root, struct arena *m, struct ec2_instances *ret, struct err *e)
{
	const struct xml_node *set;

	*ret = (struct ec2_instances){ 0 };
	TRY(read_list(root, "instancesSet", &set, e));
	READ_ROWS(set, "item", read_instance, NULL);
	return 0;
}

/* A reservation is one launch, often of one instance: room is made once for all, not once for each. */
static size_t count_instances(const struct xml_node *reservations)
{
	size_t n = 0;

	for (const struct xml_node *r = NULL; (r = xml_next(reservations, r, "item")) != NULL;)
		n += read_count(xml_find(r, "instancesSet"), "item");
	return n;
}

int ec2_read_instances(const struct xml_node *root, struct arena *m, struct ec2_instances *ret, struct err *e)
{
	const struct xml_node *reservations, *set, *r = NULL;
	struct ec2_instances all = *ret;

	TRY(read_list(root, "reservationSet", &reservations, e));
	all.v = read_grow(m, reservations, all.v, all.n, count_instances(reservations), sizeof(*all.v), e);
	if (all.v == NULL)
		return -ERR_LIMIT;
	while ((r = xml_next(reservations, r, "item")) != NULL) {
		TRY(read_list(r, "instancesSet", &set, e));
		for (const struct xml_node *c = NULL; (c = xml_next(set, c, "item")) != NULL;)
			TRY(read_instance(c, m, &all.v[all.n++], e));
	}
	all.n = read_join(all.v, all.n, sizeof(*all.v), NULL);
	*ret = all;
	return 0;
}

/* ---- tags ---------------------------------------------------------------------------------------------------------------- */

static void add_ids(struct request *req, const char *const *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		request_add(req, ids[i], "ResourceId.%zu", i + 1);
}

void ec2_create_tags(struct request *req, const char *const *ids, size_t ids_n, const struct ec2_tag *tags, size_t tags_n)
{
	request_query(req, &ec2_service, "CreateTags", VERSION);
	add_ids(req, ids, ids_n);
	for (size_t i = 0; i < tags_n; i++) {
		request_add(req, tags[i].key, "Tag.%zu.Key", i + 1);
		request_add(req, tags[i].value, "Tag.%zu.Value", i + 1);
	}
}

/* A tag goes whatever its value is: none is named (EC2 API Reference, DeleteTags). */
void ec2_delete_tags(struct request *req, const char *const *ids, size_t ids_n, const char *const *keys, size_t keys_n)
{
	request_query(req, &ec2_service, "DeleteTags", VERSION);
	add_ids(req, ids, ids_n);
	for (size_t i = 0; i < keys_n; i++)
		request_add(req, keys[i], "Tag.%zu.Key", i + 1);
}

/* ---- security groups ------------------------------------------------------------------------------------------------------ */

void ec2_create_security_group(struct request *req, const char *name, const char *description, const char *vpc_id,
			       const struct ec2_tag *tags, size_t tags_n)
{
	request_query(req, &ec2_service, "CreateSecurityGroup", VERSION);
	request_add(req, name, "GroupName");
	request_add(req, description, "GroupDescription");
	request_add(req, vpc_id, "VpcId");
	add_tags(req, 1, "security-group", tags, tags_n);
}

int ec2_read_create_security_group(const struct xml_node *root, const char **ret_id, struct err *e)
{
	const char *id = xml_get(root, "groupId");

	if (*id == '\0')
		return err_set(e, ERR_INVALID, "%s has no groupId", xml_name(root));
	TRY(read_check(root, "groupId", READ_ID, e));
	*ret_id = id;
	return 0;
}

void ec2_describe_security_groups(struct request *req, const struct ec2_describe *d)
{
	ec2_describe(req, "DescribeSecurityGroups", d);
}

/* Where a source stands in a permission, by its form. */
static const struct source {
	const char *set, *item; /* in the answer */
	const char *list, *key; /* in the request */
} sources[] = {
	{ "groups", "groupId", "Groups", "GroupId" },
	{ "ipRanges", "cidrIp", "IpRanges", "CidrIp" },
	{ "ipv6Ranges", "cidrIpv6", "Ipv6Ranges", "CidrIpv6" },
	{ "prefixListIds", "prefixListId", "PrefixListIds", "PrefixListId" }, /* a list of AWS's or the customer's, by its id */
};

static const struct source *source_of(const struct ec2_rule *r)
{
	if (r->group_id != NULL)
		return &sources[0];
	return &sources[str_starts(r->cidr, "pl-") ? 3 : strchr(r->cidr, ':') != NULL ? 2 : 1];
}

static void add_rule(struct request *req, size_t i, const struct ec2_rule *r)
{
	const struct source *s = source_of(r);

	request_add(req, r->protocol, "IpPermissions.%zu.IpProtocol", i);
	if (!str_eq(r->protocol, "-1")) {
		char port[16];

		snprintf(port, sizeof(port), "%d", r->from_port); /* -1 is any ICMP type */
		request_add(req, port, "IpPermissions.%zu.FromPort", i);
		snprintf(port, sizeof(port), "%d", r->to_port);
		request_add(req, port, "IpPermissions.%zu.ToPort", i);
	}
	request_add(req, r->group_id != NULL ? r->group_id : r->cidr, "IpPermissions.%zu.%s.1.%s", i, s->list, s->key);
	if (r->description != NULL && *r->description != '\0')
		request_add(req, r->description, "IpPermissions.%zu.%s.1.Description", i, s->list);
}

static void add_rules(struct request *req, const char *action, const char *group_id, const struct ec2_rule *rules, size_t n)
{
	request_query(req, &ec2_service, action, VERSION);
	request_add(req, group_id, "GroupId");
	for (size_t i = 0; i < n; i++)
		add_rule(req, i + 1, &rules[i]);
}

void ec2_authorize_ingress(struct request *req, const char *group_id, const struct ec2_rule *rules, size_t n)
{
	add_rules(req, "AuthorizeSecurityGroupIngress", group_id, rules, n);
}

void ec2_revoke_ingress(struct request *req, const char *group_id, const struct ec2_rule *rules, size_t n)
{
	add_rules(req, "RevokeSecurityGroupIngress", group_id, rules, n);
}

void ec2_authorize_egress(struct request *req, const char *group_id, const struct ec2_rule *rules, size_t n)
{
	add_rules(req, "AuthorizeSecurityGroupEgress", group_id, rules, n);
}

void ec2_revoke_egress(struct request *req, const char *group_id, const struct ec2_rule *rules, size_t n)
{
	add_rules(req, "RevokeSecurityGroupEgress", group_id, rules, n);
}

void ec2_update_rule_descriptions(struct request *req, const char *group_id, const struct ec2_rule *rules, size_t n)
{
	bool is_egress = n > 0 && rules[0].is_egress;

	add_rules(req, is_egress ? "UpdateSecurityGroupRuleDescriptionsEgress" : "UpdateSecurityGroupRuleDescriptionsIngress",
		  group_id, rules, n);
}

void ec2_delete_security_group(struct request *req, const char *group_id)
{
	request_query(req, &ec2_service, "DeleteSecurityGroup", VERSION);
	request_add(req, group_id, "GroupId");
}

static size_t count_rules(const struct xml_node *permissions)
{
	size_t n = 0;

	for (const struct xml_node *p = NULL; (p = xml_next(permissions, p, "item")) != NULL;)
		for (size_t s = 0; s < ARRAY_LEN(sources); s++)
			n += read_count(xml_find(p, sources[s].set), "item");
	return n;
}

/* A permission with several sources becomes as many rules. */
static int read_permission(const struct xml_node *p, bool is_egress, struct arena *m, struct ec2_group *g, struct err *e)
{
	struct ec2_rule common = { .is_egress = is_egress };

	TRY(read_must(m, p, "ipProtocol", READ_WORD, &common.protocol, e));
	/* A rule for all protocols has no ports. */
	TRY(read_i32(p, "fromPort", -1, &common.from_port, e));
	TRY(read_i32(p, "toPort", -1, &common.to_port, e));
	for (size_t s = 0; s < ARRAY_LEN(sources); s++) {
		const struct xml_node *set = xml_find(p, sources[s].set), *c = NULL;

		while ((c = xml_next(set, c, "item")) != NULL) {
			struct ec2_rule *r = &g->rules[g->rules_n++];

			*r = common;
			TRY(read_must(m, c, sources[s].item, s == 0 ? READ_ID : READ_WORD, s == 0 ? &r->group_id : &r->cidr, e));
			TRY(read_text(m, c, "description", READ_NAME, &r->description, e));
		}
	}
	return 0;
}

static int read_permissions(const struct xml_node *set, bool is_egress, struct arena *m, struct ec2_group *g, struct err *e)
{
	for (const struct xml_node *p = NULL; (p = xml_next(set, p, "item")) != NULL;)
		TRY(read_permission(p, is_egress, m, g, e));
	return 0;
}

static const struct read_member group_members[] = {
	{ "groupId", offsetof(struct ec2_group, id), READ_ID, true },
	{ "groupName", offsetof(struct ec2_group, name), READ_NAME, false },
	{ "vpcId", offsetof(struct ec2_group, vpc_id), READ_ID, false },
	{ "groupDescription", offsetof(struct ec2_group, description), READ_NAME, false },
};

static int read_group(const struct xml_node *n, struct arena *m, struct ec2_group *g, struct err *e)
{
	const struct xml_node *in = xml_find(n, "ipPermissions"), *out = xml_find(n, "ipPermissionsEgress");

	TRY(read_members(m, n, group_members, ARRAY_LEN(group_members), g, e));
	TRY(read_tags(m, xml_find(n, "tagSet"), "item", "key", "value", &g->tags, e));
	g->rules = arena_alloc(m, (count_rules(in) + count_rules(out) + 1) * sizeof(*g->rules));
	TRY(read_permissions(in, false, m, g, e));
	return read_permissions(out, true, m, g, e);
}

int ec2_read_security_groups(const struct xml_node *root, struct arena *m, struct ec2_groups *ret, struct err *e)
{
	const struct xml_node *set;

	TRY(read_list(root, "securityGroupInfo", &set, e));
	READ_ROWS(set, "item", read_group, NULL);
	return 0;
}
