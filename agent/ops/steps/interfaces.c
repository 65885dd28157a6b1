/* interfaces.c - see interfaces.h. */
#include "agent/ops/steps/interfaces.h"

#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"

struct ec2_interfaces *interfaces_in(const struct inventory *inv)
{
	return inventory_shelf(inv, &resource_interface, sizeof(struct ec2_interfaces));
}

const struct ec2_interface *interfaces_by_id(const struct inventory *inv, const char *id)
{
	const struct ec2_interfaces *all = interfaces_in(inv);

	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].id, id))
			return &all->v[i];
	return NULL;
}

static void ask(struct inventory_page *p, struct request *req)
{
	inventory_ask_by_tags(p, req, ec2_describe_interfaces);
}

static int take_in(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	return ec2_read_interfaces(xml_root(c->xml), p->inv->arena, interfaces_in(p->inv), e);
}

static struct inventory_rows rows(const struct inventory_page *p)
{
	return INVENTORY_ROWS(*interfaces_in(p->inv));
}

static void end(struct inventory_page *p)
{
	inventory_keep_ours(p, rows(p), offsetof(struct ec2_interface, tags), resource_interface.kind);
}

const struct inventory_read interfaces_reads[] = {
	{ .name = "network interfaces",
	  .action = "ec2:DescribeNetworkInterfaces",
	  .a_call = 1,
	  .may_be_denied = true, /* by the stack of an older version: they then keep the tags that they have */
	  .ask = ask,
	  .take_in = take_in,
	  .next = inventory_next_ec2,
	  .rows = rows,
	  .end = end },
	{ .name = NULL },
};
