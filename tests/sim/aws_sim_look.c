/* aws_sim_look.c - what EC2 tells of VPCs, subnets, images, instance types and prefix lists. */
#include "tests/sim/aws_sim_impl.h"

bool aws_filter_takes(struct aws_ask *q, const char *name, const char *value)
{
	if (!str_eq(form_sim_get(q->f, "Filter.1.Name"), name)) {
		aws_refuse(q, 400, "InvalidParameterValue", "expected a filter by %s", name);
		return false;
	}
	for (unsigned v = 1; !q->a->ignores_filters; v++) {
		const char *want = form_sim_get(q->f, "Filter.1.Value.%u", v);

		if (want == NULL || str_eq(want, value))
			return want != NULL;
	}
	return true;
}

void aws_describe_vpcs(struct aws_ask *q)
{
	buf_adds(q->xml, "<vpcSet><item><vpcId>" AWS_VPC "</vpcId><state>available</state><cidrBlock>" AWS_VPC_CIDR "</cidrBlock>"
			 "<cidrBlockAssociationSet><item><cidrBlock>" AWS_VPC_CIDR "</cidrBlock><cidrBlockState><state>associated"
			 "</state></cidrBlockState></item></cidrBlockAssociationSet><ipv6CidrBlockAssociationSet><item>"
			 "<ipv6CidrBlock>" AWS_VPC_CIDR6 "</ipv6CidrBlock><ipv6CidrBlockState><state>associated</state>"
			 "</ipv6CidrBlockState></item></ipv6CidrBlockAssociationSet></item></vpcSet>");
}

static const char *const subnets[][3] = { { "subnet-0001", AWS_VPC, "us-east-1a" },
					  { "subnet-0002", AWS_VPC, "us-east-1b" },
					  { "subnet-0003", AWS_VPC, "us-east-1a" },
					  { "subnet-0009", "vpc-0009", "us-east-1a" } };

const char *aws_zone_of(const char *subnet)
{
	for (size_t i = 0; i < ARRAY_LEN(subnets); i++)
		if (str_eq(subnets[i][0], subnet))
			return subnets[i][2];
	return "";
}

void aws_describe_subnets(struct aws_ask *q)
{
	xmlw_open(q->xml, "subnetSet");
	for (size_t i = 0; i < ARRAY_LEN(subnets); i++) {
		if (!aws_filter_takes(q, "subnet-id", subnets[i][0]))
			continue;
		xmlw_open(q->xml, "item");
		xmlw_text(q->xml, "subnetId", "%s", subnets[i][0]);
		xmlw_text(q->xml, "vpcId", "%s", subnets[i][1]);
		xmlw_text(q->xml, "availabilityZone", "%s", subnets[i][2]);
		xmlw_close(q->xml, "item");
	}
	xmlw_close(q->xml, "subnetSet");
}

/* One good image, and one with a volume beside its root. */
void aws_describe_images(struct aws_ask *q)
{
	static const char *const images[] = { AWS_IMAGE, "ami-2", "ami-3" };

	xmlw_open(q->xml, "imagesSet");
	for (size_t i = 0; i < ARRAY_LEN(images); i++) {
		if (!aws_filter_takes(q, "image-id", images[i]))
			continue;
		xmlw_open(q->xml, "item");
		xmlw_text(q->xml, "imageId", "%s", images[i]);
		xmlw_text(q->xml, "imageOwnerId", "137112412989");
		xmlw_text(q->xml, "imageOwnerAlias", "amazon");
		xmlw_text(q->xml, "name", "al2023-ami-2023.1-x86_64");
		xmlw_text(q->xml, "rootDeviceType", "ebs");
		xmlw_text(q->xml, "rootDeviceName", AWS_IMAGE_ROOT);
		buf_adds(q->xml, "<blockDeviceMapping><item><deviceName>" AWS_IMAGE_ROOT
				 "</deviceName><ebs><volumeSize>8</volumeSize></ebs></item>");
		buf_adds(q->xml, i == 1 ? "<item><deviceName>/dev/sdz</deviceName></item>" : "");
		xmlw_close(q->xml, "blockDeviceMapping");
		xmlw_close(q->xml, "item");
	}
	xmlw_close(q->xml, "imagesSet");
}

/* As EC2 names them: those with a "d" behind the generation, and i3, have disks of their host. */
void aws_describe_instance_types(struct aws_ask *q)
{
	static const char *const types[] = { "m6i.large", "r6i.xlarge", "i3.large", "r6id.xlarge" };

	xmlw_open(q->xml, "instanceTypeSet");
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!aws_filter_takes(q, "instance-type", types[i]))
			continue;
		xmlw_open(q->xml, "item");
		xmlw_text(q->xml, "instanceType", "%s", types[i]);
		xmlw_text(q->xml, "instanceStorageSupported", "%s", i >= 2 ? "true" : "false");
		xmlw_close(q->xml, "item");
	}
	xmlw_close(q->xml, "instanceTypeSet");
}

void aws_describe_prefix_lists(struct aws_ask *q)
{
	xmlw_open(q->xml, "prefixListSet");
	if (q->a->ignores_filters)
		buf_adds(q->xml, "<item><prefixListId>pl-0001</prefixListId><prefixListName>all-the-world</prefixListName></item>");
	if (aws_filter_takes(q, "prefix-list-name", "com.amazonaws." AWS_REGION ".s3")) {
		xmlw_open(q->xml, "item");
		xmlw_text(q->xml, "prefixListId", AWS_S3_LIST);
		xmlw_text(q->xml, "prefixListName", "com.amazonaws." AWS_REGION ".s3");
		xmlw_close(q->xml, "item");
	}
	xmlw_close(q->xml, "prefixListSet");
}
