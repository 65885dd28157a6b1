/* groups.c - see groups.h. */
#include "agent/ops/steps/groups.h"

#include <strings.h>

#include "agent/base/cidr.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"

/* ---- seen ---- */

struct ec2_groups *groups_in(const struct inventory *inv)
{
	return inventory_shelf(inv, &resource_security_group, sizeof(struct ec2_groups));
}

const struct ec2_group *groups_by_name(const struct inventory *inv, const char *vpc_id, const char *name)
{
	const struct ec2_groups *all = groups_in(inv);

	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].name, name) && str_eq(all->v[i].vpc_id, vpc_id))
			return &all->v[i];
	return NULL;
}

const struct ec2_group *groups_by_id(const struct inventory *inv, const char *id)
{
	const struct ec2_groups *all = groups_in(inv);

	for (size_t i = 0; i < all->n; i++)
		if (str_eq(all->v[i].id, id))
			return &all->v[i];
	return NULL;
}

/* ---- read ---- */

static void ask(struct inventory_page *p, struct request *req)
{
	inventory_ask_by_tags(p, req, ec2_describe_security_groups);
}

static int take_in(struct inventory_page *p, const struct aws_call *c, struct err *e)
{
	struct ec2_groups *all = groups_in(p->inv);

	TRY(ec2_read_security_groups(xml_root(c->xml), p->inv->arena, all, e));
	for (size_t i = 0; i < all->n; i++)
		for (size_t k = 0; k < all->v[i].rules_n; k++)
			groups_rule_spell(p->inv->arena, &all->v[i].rules[k]);
	return 0;
}

static struct inventory_rows rows(const struct inventory_page *p)
{
	return INVENTORY_ROWS(*groups_in(p->inv));
}

static void end(struct inventory_page *p)
{
	inventory_keep_ours(p, rows(p), offsetof(struct ec2_group, tags), resource_security_group.kind);
}

const struct inventory_read groups_reads[] = {
	{ .name = "groups",
	  .action = "ec2:DescribeSecurityGroups",
	  .a_call = 1,
	  .ask = ask,
	  .take_in = take_in,
	  .next = inventory_next_ec2,
	  .rows = rows,
	  .end = end },
	{ .name = NULL },
};

/* ---- rules ---- */

void groups_rule_name(const char *group_id, const struct ec2_rule *r, struct buf *to)
{
	buf_addf(to, "%s %s%s ", group_id, r->is_egress ? "egress " : "", r->protocol);
	if (str_eq(r->protocol, "-1"))
		buf_adds(to, "all ");
	else
		buf_addf(to, "%d-%d ", r->from_port, r->to_port);
	buf_adds(to, r->cidr != NULL ? r->cidr : r->group_id != NULL ? r->group_id : "?");
}

const char *groups_protocol(const char *protocol)
{
	static const char *const names[][2] = {
		{ "6", "tcp" }, { "17", "udp" }, { "1", "icmp" }, { "58", "icmpv6" }, { "all", "-1" }
	};
	static const char *const plain[] = { "tcp", "udp", "icmp", "icmpv6" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(protocol, names[i][0]) == 0)
			return names[i][1];
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (strcasecmp(protocol, plain[i]) == 0)
			return plain[i];
	return protocol;
}

void groups_rule_spell(struct arena *m, struct ec2_rule *r)
{
	char text[CIDR_TEXT_LEN];
	struct cidr c;

	r->protocol = groups_protocol(r->protocol);
	if (str_starts(r->protocol, "icmp") && r->from_port == -1)
		r->to_port = -1; /* all types have all codes */
	if (r->cidr != NULL && cidr_parse(r->cidr, &c) == 0 && !str_eq(r->cidr, cidr_text(&c, text)))
		r->cidr = arena_str(m, cidr_text(&c, text));
}

/* Protocol -1 has no ports, whatever EC2 writes there. */
bool groups_rule_eq(const struct ec2_rule *a, const struct ec2_rule *b)
{
	bool all = str_eq(a->protocol, "-1");

	return a->is_egress == b->is_egress && str_eq(a->protocol, b->protocol) &&
	       (all || (a->from_port == b->from_port && a->to_port == b->to_port)) && str_eq(a->cidr, b->cidr) &&
	       str_eq(a->group_id, b->group_id);
}
