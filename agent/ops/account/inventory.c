/* inventory.c - what an inventory knows, looked up; inventory_take.c makes one. */
#include "agent/ops/account/inventory.h"

#include <strings.h>

#include "agent/base/cidr.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"

#define INVENTORY_ARENA (256u << 20)

struct inventory *inventory_new(void)
{
	struct inventory *inv = mem_new(struct inventory);

	inv->arena = arena_new_sized(INVENTORY_ARENA);
	return inv;
}

void inventory_free(struct inventory *inv)
{
	if (inv == NULL)
		return;
	arena_free(inv->arena);
	mem_free(inv);
}

bool inventory_is_alive(const struct ec2_instance *i)
{
	return !str_eq(i->state, "terminated") && !str_eq(i->state, "shutting-down");
}

const struct ec2_group *inventory_group_by_name(const struct inventory *inv, const char *vpc_id, const char *name)
{
	for (size_t i = 0; i < inv->groups.n; i++)
		if (str_eq(inv->groups.v[i].name, name) && str_eq(inv->groups.v[i].vpc_id, vpc_id))
			return &inv->groups.v[i];
	return NULL;
}

const struct ec2_group *inventory_group_by_id(const struct inventory *inv, const char *id)
{
	for (size_t i = 0; i < inv->groups.n; i++)
		if (str_eq(inv->groups.v[i].id, id))
			return &inv->groups.v[i];
	return NULL;
}

const struct inventory_target_group *inventory_target_group_by_name(const struct inventory *inv, const char *name)
{
	for (size_t i = 0; i < inv->target_groups_n; i++)
		if (str_eq(inv->target_groups[i].g.name, name))
			return &inv->target_groups[i];
	return NULL;
}

const struct inventory_target_group *inventory_target_group_by_arn(const struct inventory *inv, const char *arn)
{
	for (size_t i = 0; i < inv->target_groups_n; i++)
		if (str_eq(inv->target_groups[i].g.arn, arn))
			return &inv->target_groups[i];
	return NULL;
}

const struct inventory_lb *inventory_lb_by_name(const struct inventory *inv, const char *name)
{
	for (size_t i = 0; i < inv->lbs_n; i++)
		if (str_eq(inv->lbs[i].lb.name, name))
			return &inv->lbs[i];
	return NULL;
}

const struct inventory_lb *inventory_lb_by_arn(const struct inventory *inv, const char *arn)
{
	for (size_t i = 0; i < inv->lbs_n; i++)
		if (str_eq(inv->lbs[i].lb.arn, arn))
			return &inv->lbs[i];
	return NULL;
}

const struct ec2_subnet *inventory_subnet(const struct inventory *inv, const char *id)
{
	for (size_t i = 0; i < inv->subnets.n; i++)
		if (str_eq(inv->subnets.v[i].id, id))
			return &inv->subnets.v[i];
	return NULL;
}

const struct ec2_image *inventory_image(const struct inventory *inv, const char *id)
{
	for (size_t i = 0; i < inv->images.n; i++)
		if (str_eq(inv->images.v[i].id, id))
			return &inv->images.v[i];
	return NULL;
}

bool inventory_is_ours(const struct owner *o, const struct ec2_tags *t)
{
	return str_eq(ec2_tag_get(t, "resource-created-by"), o->vendor) &&
	       str_eq(ec2_tag_get(t, "reeve:installation"), o->installation);
}

bool inventory_is_guarded(const struct inventory *inv, const char *id)
{
	for (size_t i = 0; i < inv->guards.n; i++)
		if (str_eq(inv->guards.v[i].id, id))
			return inv->guards.v[i].is_on;
	return false;
}

const struct ec2_type *inventory_type(const struct inventory *inv, const char *name)
{
	for (size_t i = 0; i < inv->types.n; i++)
		if (str_eq(inv->types.v[i].name, name))
			return &inv->types.v[i];
	return NULL;
}

bool inventory_has_disks(const struct inventory *inv, const char *type)
{
	const struct ec2_type *t = inventory_type(inv, type);

	return t == NULL || t->has_disks;
}

const struct elb_listener *inventory_listener_by_arn(const struct inventory *inv, const char *arn)
{
	for (size_t i = 0; i < inv->lbs_n; i++)
		for (size_t k = 0; k < inv->lbs[i].listeners.n; k++)
			if (str_eq(inv->lbs[i].listeners.v[k].arn, arn))
				return &inv->lbs[i].listeners.v[k];
	return NULL;
}

json_t *inventory_volumes_of(const struct ec2_instance *i)
{
	json_t *ids = json_array();

	for (uint32_t k = 0; k < i->data_volumes && i->data_volume_ids != NULL; k++)
		json_array_append_new(ids, json_string(i->data_volume_ids[k]));
	return ids;
}

const struct ec2_instance *inventory_instance_in(const struct ec2_instances *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i].id, id))
			return &list->v[i];
	return NULL;
}

void inventory_rule_name(const char *group_id, const struct ec2_rule *r, struct buf *to)
{
	buf_addf(to, "%s %s%s ", group_id, r->is_egress ? "egress " : "", r->protocol);
	if (str_eq(r->protocol, "-1"))
		buf_adds(to, "all ");
	else
		buf_addf(to, "%d-%d ", r->from_port, r->to_port);
	buf_adds(to, r->cidr != NULL ? r->cidr : r->group_id != NULL ? r->group_id : "?");
}

const char *inventory_protocol(const char *protocol)
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

void inventory_rule_spell(struct arena *m, struct ec2_rule *r)
{
	char text[CIDR_TEXT_LEN];
	struct cidr c;

	r->protocol = inventory_protocol(r->protocol);
	if (str_starts(r->protocol, "icmp") && r->from_port == -1)
		r->to_port = -1; /* all types have all codes */
	if (r->cidr != NULL && cidr_parse(r->cidr, &c) == 0)
		r->cidr = arena_str(m, cidr_text(&c, text));
}

/* Protocol -1 has no ports, whatever EC2 writes there. */
bool inventory_rule_eq(const struct ec2_rule *a, const struct ec2_rule *b)
{
	bool all = str_eq(a->protocol, "-1");

	return a->is_egress == b->is_egress && str_eq(a->protocol, b->protocol) &&
	       (all || (a->from_port == b->from_port && a->to_port == b->to_port)) && str_eq(a->cidr, b->cidr) &&
	       str_eq(a->group_id, b->group_id);
}
