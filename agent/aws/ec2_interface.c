/* ec2_interface.c - see ec2_interface.h. */
#include "agent/aws/ec2_interface.h"

#include "agent/aws/read.h"
#include "agent/base/str.h"

void ec2_describe_interfaces(struct request *req, const struct ec2_describe *d)
{
	ec2_describe(req, "DescribeNetworkInterfaces", d);
}

static int read_interface(const struct xml_node *n, struct arena *m, struct ec2_interface *i, struct err *e)
{
	TRY(read_must(m, n, "networkInterfaceId", &i->id, e));
	i->type = read_text(m, n, "interfaceType");
	i->description = read_text(m, n, "description");
	i->status = read_text(m, n, "status");
	read_texts(m, xml_find(n, "groupSet"), "item", "groupId", &i->group_ids, &i->group_ids_n);
	i->is_managed = str_eq(xml_get(n, "requesterManaged"), "true");
	i->instance_id = read_text(m, n, "attachment/instanceId");
	read_tags(m, xml_find(n, "tagSet"), "item", "key", "value", &i->tags);
	return 0;
}

int ec2_read_interfaces(const struct xml_node *root, struct arena *m, struct ec2_interfaces *ret, struct err *e)
{
	const struct xml_node *set, *c = NULL;
	struct ec2_interfaces all = *ret;

	TRY(read_list(root, "networkInterfaceSet", &set, e));
	all.v = read_grow(m, all.v, all.n, read_count(set, "item"), sizeof(*all.v));
	while ((c = xml_next(set, c, "item")) != NULL)
		TRY(read_interface(c, m, &all.v[all.n++], e));
	*ret = all;
	return 0;
}
