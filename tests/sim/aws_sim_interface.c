/* aws_sim_interface.c - network interfaces, which hold a security group: those of instances, and those of somebody else. */
#include "tests/sim/aws_sim_impl.h"

/* What is described of one, whoever has it. */
struct view {
	const struct aws_instance *instance; /* NULL: of somebody else */
	const struct aws_interface *other;
	char id[200];
};

static bool stands(const struct aws_sim *a, const struct aws_instance *i)
{
	return aws_is_there(a, &i->t) && (i->interface_ms == 0 || aws_now(a) < i->interface_ms);
}

static bool is_in_use(const struct aws_sim *a, const struct view *v)
{
	return v->instance != NULL ? aws_is_alive(a, v->instance) : v->other->is_attached;
}

static bool holds(const struct view *v, const char *group)
{
	if (v->instance == NULL)
		return str_eq(v->other->group, group);
	for (size_t i = 0; i < v->instance->groups_n; i++)
		if (str_eq(v->instance->group_ids[i], group))
			return true;
	return false;
}

const struct aws_interface *aws_interface_holding(const struct aws_sim *a, const char *group)
{
	for (size_t i = 0; i < a->interfaces_n; i++)
		if (str_eq(a->interfaces[i].group, group))
			return &a->interfaces[i];
	return NULL;
}

bool aws_instance_holds(const struct aws_sim *a, const char *group)
{
	for (size_t i = 0; i < a->instances_n; i++) {
		const struct view v = { .instance = a->instances[i] };

		if ((v.instance->interface_ms == 0 || aws_now(a) < v.instance->interface_ms) && holds(&v, group))
			return true;
	}
	return false;
}

static bool fits(struct aws_ask *q, const struct view *v)
{
	for (unsigned n = 1;; n++) {
		const char *name = form_sim_get(q->f, "Filter.%u.Name", n), *group;
		bool has = false;

		if (name == NULL || q->a->ignores_filters)
			return true;
		for (unsigned k = 1; str_eq(name, "group-id") && (group = form_sim_get(q->f, "Filter.%u.Value.%u", n, k)) != NULL;
		     k++)
			has = has || holds(v, group);
		if (str_starts(name, "tag:"))
			has =
			    v->instance != NULL && aws_filter_has(q, n, aws_tag_of(&v->instance->interface, name + strlen("tag:")));
		else if (str_eq(name, "network-interface-id"))
			has = aws_filter_has(q, n, v->id);
		else if (str_eq(name, "vpc-id"))
			has = aws_filter_has(q, n, AWS_VPC);
		else if (str_eq(name, "attachment.instance-id"))
			has = v->instance != NULL && aws_filter_has(q, n, v->instance->t.id);
		else if (str_eq(name, "status"))
			has = aws_filter_has(q, n, is_in_use(q->a, v) ? "in-use" : "available");
		else if (!str_eq(name, "group-id"))
			aws_refuse(q, 400, "InvalidParameterValue", "The filter '%s' is invalid", name);
		if (!has)
			return false;
	}
}

static void write_attachment(const struct view *v, struct buf *b)
{
	xmlw_open(b, "attachment");
	xmlw_text(b, "attachmentId", "eni-attach-%s", v->id + strlen("eni-"));
	if (v->instance != NULL)
		xmlw_text(b, "instanceId", "%s", v->instance->t.id);
	xmlw_text(b, "instanceOwnerId", "%s", v->instance != NULL ? AWS_ACCOUNT : v->other->requester);
	xmlw_text(b, "deviceIndex", "%d", v->instance != NULL ? 0 : 1);
	xmlw_text(b, "status", "attached");
	xmlw_text(b, "deleteOnTermination", "%s", v->instance != NULL ? "true" : "false");
	xmlw_close(b, "attachment");
}

static void write_groups(const struct view *v, struct buf *b)
{
	xmlw_open(b, "groupSet");
	for (size_t i = 0; i < (v->instance != NULL ? v->instance->groups_n : 1); i++) {
		xmlw_open(b, "item");
		xmlw_text(b, "groupId", "%s", v->instance != NULL ? v->instance->group_ids[i] : v->other->group);
		xmlw_close(b, "item");
	}
	xmlw_close(b, "groupSet");
}

static void write_view(const struct aws_sim *a, const struct view *v, struct buf *b)
{
	const char *subnet = v->instance != NULL ? v->instance->subnet : "subnet-0001";

	xmlw_open(b, "item");
	xmlw_text(b, "networkInterfaceId", "%s", v->id);
	xmlw_text(b, "subnetId", "%s", subnet);
	xmlw_text(b, "vpcId", "%s", AWS_VPC);
	xmlw_text(b, "availabilityZone", "%s", aws_zone_of(subnet));
	xmlw_text(b, "description", "%s", v->instance != NULL ? "" : v->other->description);
	xmlw_text(b, "ownerId", "%s", AWS_ACCOUNT);
	if (v->instance == NULL && v->other->requester[0] != '\0')
		xmlw_text(b, "requesterId", "%s", v->other->requester);
	xmlw_text(b, "requesterManaged", "%s", v->instance == NULL && v->other->requester[0] != '\0' ? "true" : "false");
	xmlw_text(b, "status", "%s", is_in_use(a, v) ? "in-use" : "available");
	xmlw_text(b, "interfaceType", "interface");
	write_groups(v, b);
	if (is_in_use(a, v))
		write_attachment(v, b);
	if (v->instance != NULL)
		aws_write_tags(b, &v->instance->interface);
	xmlw_close(b, "item");
}

/* Number i: first the instances', then the others'. */
static bool view_of(const struct aws_sim *a, size_t i, struct view *v)
{
	*v = (struct view){ 0 };
	if (i < a->instances_n) {
		v->instance = a->instances[i];
		snprintf(v->id, sizeof(v->id), "%s", v->instance->interface.id);
		return stands(a, v->instance);
	}
	v->other = &a->interfaces[i - a->instances_n];
	snprintf(v->id, sizeof(v->id), "%s", v->other->id);
	return true;
}

void aws_describe_interfaces(struct aws_ask *q)
{
	struct aws_sim *a = q->a;
	struct aws_page p = aws_page_start(q, "NextToken", "MaxResults");
	struct view v;

	xmlw_open(q->xml, "networkInterfaceSet");
	for (size_t i = p.at; i < a->instances_n + a->interfaces_n; i++) {
		if (!view_of(a, i, &v) || !fits(q, &v) || (v.instance != NULL && aws_page_misses(q, &p, &v.instance->interface)))
			continue;
		if (!aws_page_takes(&p, i))
			break;
		write_view(a, &v, q->xml);
	}
	xmlw_close(q->xml, "networkInterfaceSet");
	if (p.more)
		xmlw_text(q->xml, "nextToken", "t%zu", p.at);
}

void aws_add_interface(struct aws_sim *a, const struct aws_interface *i)
{
	a->interfaces = mem_grow(a->interfaces, a->interfaces_n + 1, sizeof(*a->interfaces));
	a->interfaces[a->interfaces_n] = *i;
	snprintf(a->interfaces[a->interfaces_n].id, sizeof(i->id), "eni-%017llx", (unsigned long long)++a->next_id);
	a->interfaces_n++;
}

void aws_drop_interfaces(struct aws_sim *a, const char *group)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->interfaces_n; i++)
		if (!str_eq(a->interfaces[i].group, group))
			a->interfaces[kept++] = a->interfaces[i];
	a->interfaces_n = kept;
}
