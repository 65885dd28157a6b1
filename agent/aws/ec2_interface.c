/* ec2_interface.c - see ec2_interface.h. */
#include "agent/aws/ec2_interface.h"

#include "agent/aws/read.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

void ec2_describe_interfaces(struct request *req, const struct ec2_describe *d)
{
	ec2_describe(req, "DescribeNetworkInterfaces", d);
}

static const struct read_member members[] = {
	{ "networkInterfaceId", offsetof(struct ec2_interface, id), READ_ID, true },
	{ "interfaceType", offsetof(struct ec2_interface, type), READ_WORD, false },
	{ "description", offsetof(struct ec2_interface, description), READ_SAYING, false },
	{ "status", offsetof(struct ec2_interface, status), READ_WORD, false },
	{ "attachment/instanceId", offsetof(struct ec2_interface, instance_id), READ_ID, false },
};

static int read_interface(const struct xml_node *n, struct arena *m, struct ec2_interface *i, struct err *e)
{
	TRY(read_members(m, n, members, ARRAY_LEN(members), i, e));
	TRY(read_texts(m, xml_find(n, "groupSet"), "item", "groupId", READ_ID, &i->group_ids, &i->group_ids_n, e));
	i->is_managed = str_eq(xml_get(n, "requesterManaged"), "true");
	return read_tags(m, xml_find(n, "tagSet"), "item", "key", "value", &i->tags, e);
}

int ec2_read_interfaces(const struct xml_node *root, struct arena *m, struct ec2_interfaces *ret, struct err *e)
{
	const struct xml_node *set;

	TRY(read_list(root, "networkInterfaceSet", &set, e));
	READ_ROWS(set, "item", read_interface, NULL);
	return 0;
}
