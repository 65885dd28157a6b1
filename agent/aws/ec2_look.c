/* ec2_look.c - see ec2_look.h. As in ec2.c, a page hands its rows over only when the last one was good. */
#include "agent/aws/ec2_look.h"

#include <stddef.h>

#include "agent/aws/read.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

/* ---- VPCs ---- */

void ec2_describe_vpcs(struct request *req, const struct ec2_describe *d)
{
	ec2_describe(req, "DescribeVpcs", d);
}

/* Where the blocks of a family stand, and what says how one stands. */
static const struct family {
	const char *set, *block, *state;
} families[] = {
	{ "cidrBlockAssociationSet", "cidrBlock", "cidrBlockState/state" },
	{ "ipv6CidrBlockAssociationSet", "ipv6CidrBlock", "ipv6CidrBlockState/state" },
};

/* A block that is being taken away, or never came, is not the VPC's. */
static int read_blocks(const struct xml_node *set, const struct family *fam, struct arena *m, struct ec2_vpc *v, struct err *e)
{
	for (const struct xml_node *c = NULL; (c = xml_next(set, c, "item")) != NULL;) {
		const char *state = xml_get(c, fam->state);

		if (*state == '\0' || str_eq(state, "associated"))
			TRY(read_must(m, c, fam->block, READ_WORD, &v->cidrs[v->cidrs_n++], e));
	}
	return 0;
}

static int read_vpc(const struct xml_node *n, struct arena *m, struct ec2_vpc *v, struct err *e)
{
	size_t room = 1;

	TRY(read_must(m, n, "vpcId", READ_ID, &v->id, e));
	TRY(read_must(m, n, "cidrBlock", READ_WORD, &v->cidr, e));
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		room += read_count(xml_find(n, families[i].set), "item");
	v->cidrs = arena_alloc(m, room * sizeof(*v->cidrs));
	/* EC2 repeats the VPC's own block among its associations; where an answer has none, that block is all there is. */
	if (read_count(xml_find(n, families[0].set), "item") == 0)
		v->cidrs[v->cidrs_n++] = v->cidr;
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		TRY(read_blocks(xml_find(n, families[i].set), &families[i], m, v, e));
	return 0;
}

int ec2_read_vpcs(const struct xml_node *root, struct arena *m, struct ec2_vpcs *ret, struct err *e)
{
	const struct xml_node *set;

	TRY(read_list(root, "vpcSet", &set, e));
	READ_ROWS(set, "item", read_vpc, NULL);
	return 0;
}

/* ---- subnets ---- */

void ec2_describe_subnets(struct request *req, const struct ec2_describe *d)
{
	ec2_describe(req, "DescribeSubnets", d);
}

static const struct read_member subnet_members[] = {
	{ "subnetId", offsetof(struct ec2_subnet, id), READ_ID, true },
	{ "vpcId", offsetof(struct ec2_subnet, vpc_id), READ_ID, true },
	{ "availabilityZone", offsetof(struct ec2_subnet, zone), READ_WORD, false },
	{ "state", offsetof(struct ec2_subnet, state), READ_WORD, false },
};

static int read_subnet(const struct xml_node *n, struct arena *m, struct ec2_subnet *s, struct err *e)
{
	TRY(read_members(m, n, subnet_members, ARRAY_LEN(subnet_members), s, e));
	s->tells_free = xml_find(n, "availableIpAddressCount") != NULL && !str_eq(xml_get(n, "ipv6Native"), "true");
	return read_u32(n, "availableIpAddressCount", &s->free, e);
}

int ec2_read_subnets(const struct xml_node *root, struct arena *m, struct ec2_subnets *ret, struct err *e)
{
	const struct xml_node *set;

	TRY(read_list(root, "subnetSet", &set, e));
	READ_ROWS(set, "item", read_subnet, NULL);
	return 0;
}

/* ---- images ---- */

/* Without IncludeDeprecated an image that its owner has deprecated is shown to the owner alone, though others can still start
 * it. */
void ec2_describe_images(struct request *req, const struct ec2_describe *d)
{
	ec2_describe(req, "DescribeImages", d);
	request_add(req, "true", "IncludeDeprecated");
}

static int read_mappings(const struct xml_node *n, struct arena *m, struct ec2_image *i, struct err *e)
{
	const struct xml_node *list = xml_find(n, "blockDeviceMapping"), *c = NULL;

	while ((c = xml_next(list, c, "item")) != NULL)
		/* One device beyond the root is enough to know: which of several does not matter. */
		if (!str_eq(xml_get(c, "deviceName"), i->root_device))
			TRY(read_text(m, c, "deviceName", READ_WORD, &i->more, e));
		else
			TRY(read_u32(c, "ebs/volumeSize", &i->root_gib, e));
	return 0;
}

static const struct read_member image_members[] = {
	{ "imageId", offsetof(struct ec2_image, id), READ_ID, true },
	{ "imageOwnerId", offsetof(struct ec2_image, owner), READ_ID, true },
	{ "name", offsetof(struct ec2_image, name), READ_NAME, false },
	{ "imageState", offsetof(struct ec2_image, state), READ_WORD, false },
	{ "architecture", offsetof(struct ec2_image, arch), READ_WORD, false },
	{ "imageOwnerAlias", offsetof(struct ec2_image, owner_alias), READ_WORD, false },
	{ "rootDeviceName", offsetof(struct ec2_image, root_device), READ_WORD, false },
	{ "rootDeviceType", offsetof(struct ec2_image, root_type), READ_WORD, false },
};

static int read_image(const struct xml_node *n, struct arena *m, struct ec2_image *i, struct err *e)
{
	TRY(read_members(m, n, image_members, ARRAY_LEN(image_members), i, e));
	return read_mappings(n, m, i, e);
}

int ec2_read_images(const struct xml_node *root, struct arena *m, struct ec2_images *ret, struct err *e)
{
	const struct xml_node *set;

	TRY(read_list(root, "imagesSet", &set, e));
	READ_ROWS(set, "item", read_image, NULL);
	return 0;
}

/* ---- instance types ---- */

void ec2_describe_instance_types(struct request *req, const struct ec2_describe *d)
{
	ec2_describe(req, "DescribeInstanceTypes", d);
}

/* A type of which AWS does not tell it counts as one with disks: better a second key too many than one too few. */
static int read_type(const struct xml_node *n, struct arena *m, struct ec2_type *t, struct err *e)
{
	TRY(read_must(m, n, "instanceType", READ_WORD, &t->name, e));
	TRY(read_texts(m, xml_find(n, "processorInfo/supportedArchitectures"), "item", "", READ_WORD, &t->archs, &t->archs_n, e));
	t->has_disks = !str_eq(xml_get(n, "instanceStorageSupported"), "false");
	return 0;
}

int ec2_read_instance_types(const struct xml_node *root, struct arena *m, struct ec2_types *ret, struct err *e)
{
	const struct xml_node *set;

	TRY(read_list(root, "instanceTypeSet", &set, e));
	READ_ROWS(set, "item", read_type, NULL);
	return 0;
}

/* ---- prefix lists ---- */

void ec2_describe_prefix_lists(struct request *req, const struct ec2_describe *d)
{
	ec2_describe(req, "DescribePrefixLists", d);
}

static int read_prefix_list(const struct xml_node *n, struct arena *m, struct ec2_prefix_list *p, struct err *e)
{
	TRY(read_must(m, n, "prefixListId", READ_ID, &p->id, e));
	return read_must(m, n, "prefixListName", READ_NAME, &p->name, e);
}

int ec2_read_prefix_lists(const struct xml_node *root, struct arena *m, struct ec2_prefix_lists *ret, struct err *e)
{
	const struct xml_node *set;

	TRY(read_list(root, "prefixListSet", &set, e));
	READ_ROWS(set, "item", read_prefix_list, NULL);
	return 0;
}

/* ---- an attribute of one instance ---- */

void ec2_describe_termination_protection(struct request *req, const char *instance_id)
{
	/* It has no pages, and takes no MaxResults. */
	ec2_describe(req, "DescribeInstanceAttribute", &(struct ec2_describe){ .whole = true });
	request_add(req, instance_id, "InstanceId");
	request_add(req, "disableApiTermination", "Attribute");
}

int ec2_read_termination_protection(const struct xml_node *root, bool *ret, struct err *e)
{
	const char *value = xml_get(root, "disableApiTermination/value");

	if (!str_eq(value, "true") && !str_eq(value, "false"))
		return err_set(e, ERR_INVALID, "%s: disableApiTermination is \"%.20s\", neither true nor false", xml_name(root),
			       value);
	*ret = str_eq(value, "true");
	return 0;
}
