/* aws_sim_ec2.c - what all of EC2 shares: filters and tags; the table of all that it is asked. */
#include "tests/sim/aws_sim_impl.h"

/* ---- filters ---- */

bool aws_filter_has(const struct aws_ask *q, unsigned filter, const char *have)
{
	for (unsigned v = 1; have != NULL; v++) {
		const char *want = form_sim_get(q->f, "Filter.%u.Value.%u", filter, v);

		if (want == NULL)
			return false;
		if (str_eq(want, have))
			return true;
	}
	return false;
}

bool aws_passes(struct aws_ask *q, const struct aws_thing *t, aws_fits_fn *fits, const void *thing)
{
	for (unsigned n = 1;; n++) {
		const char *name = form_sim_get(q->f, "Filter.%u.Name", n);
		enum aws_fits f;

		if (name == NULL || q->a->ignores_filters)
			return true;
		f = str_starts(name, "tag:") ? (enum aws_fits)aws_filter_has(q, n, aws_tag_of(t, name + 4))
					     : fits(q, thing, name, n);
		if (f == AWS_NO_FILTER)
			aws_refuse(q, 400, "InvalidParameterValue", "The filter '%s' is invalid", name);
		if (f != AWS_FITS)
			return false;
	}
}

void aws_write_tags(struct buf *b, const struct aws_thing *t)
{
	xmlw_open(b, "tagSet");
	for (size_t i = 0; i < t->tags_n; i++) {
		xmlw_open(b, "item");
		xmlw_text(b, "key", "%s", t->tags[i].key);
		xmlw_text(b, "value", "%s", t->tags[i].value);
		xmlw_close(b, "item");
	}
	xmlw_close(b, "tagSet");
}

/* ---- things of somebody else ---- */

void aws_add_tag(struct aws_thing *t, const char *key, const char *value)
{
	t->tags = mem_grow(t->tags, t->tags_n + 1, sizeof(*t->tags));
	t->tags[t->tags_n++] = (struct aws_tag){ mem_str(key), mem_str(value) };
}

/* An instance and a group with half of our tags: not ours. */
struct aws_group *aws_add_foreign(struct aws_sim *a)
{
	struct aws_instance *i = mem_new(struct aws_instance);
	struct aws_group *g = mem_new(struct aws_group);

	aws_thing_init(a, &g->t, "sg-", "");
	snprintf(g->t.name, sizeof(g->t.name), "default");
	snprintf(g->vpc, sizeof(g->vpc), "%s", AWS_VPC);
	aws_add_tag(&g->t, "resource-created-by", "velodb");
	a->groups = mem_grow(a->groups, a->groups_n + 1, sizeof(*a->groups));
	a->groups[a->groups_n++] = g;
	aws_thing_init(a, &i->t, "i-", "");
	aws_add_tag(&i->t, "resource-created-by", "velodb");
	aws_add_tag(&i->t, "reeve:installation", "inst-2");
	aws_add_tag(&i->t, "reeve:warehouse", "wh-1");
	aws_add_tag(&i->t, "reeve:cluster", "c1");
	snprintf(i->interface.id, sizeof(i->interface.id), "eni-%.40s", i->t.id + strlen("i-"));
	i->foreign = true;
	snprintf(i->subnet, sizeof(i->subnet), "subnet-0001");
	snprintf(i->group_ids[i->groups_n++], sizeof(i->group_ids[0]), "%s", g->t.id);
	a->instances = mem_grow(a->instances, a->instances_n + 1, sizeof(*a->instances));
	a->instances[a->instances_n++] = i;
	return g;
}

const struct aws_action aws_ec2_actions[] = {
	{ "RunInstances", true, aws_run_instances },
	{ "DescribeInstances", false, aws_describe_instances },
	{ "DescribeInstanceStatus", false, aws_describe_status },
	{ "DescribeInstanceAttribute", false, aws_describe_instance_attribute },
	{ "TerminateInstances", true, aws_terminate_instances },
	{ "StopInstances", true, aws_stop_instances },
	{ "StartInstances", true, aws_start_instances },
	{ "RebootInstances", true, aws_reboot_instances },
	{ "ModifyInstanceAttribute", true, aws_modify_instance_attribute },
	{ "DescribeVolumes", false, aws_describe_volumes },
	{ "DescribeVolumesModifications", false, aws_describe_modifications },
	{ "ModifyVolume", true, aws_modify_volume },
	{ "AttachVolume", true, aws_attach_volume },
	{ "DescribeNetworkInterfaces", false, aws_describe_interfaces },
	{ "CreateSecurityGroup", true, aws_create_security_group },
	{ "DescribeSecurityGroups", false, aws_describe_security_groups },
	{ "AuthorizeSecurityGroupIngress", true, aws_authorize },
	{ "RevokeSecurityGroupIngress", true, aws_revoke },
	{ "AuthorizeSecurityGroupEgress", true, aws_authorize },
	{ "RevokeSecurityGroupEgress", true, aws_revoke },
	{ "DeleteSecurityGroup", true, aws_delete_security_group },
	{ "DescribeVpcs", false, aws_describe_vpcs },
	{ "DescribeSubnets", false, aws_describe_subnets },
	{ "DescribeImages", false, aws_describe_images },
	{ "DescribeInstanceTypes", false, aws_describe_instance_types },
	{ "DescribePrefixLists", false, aws_describe_prefix_lists },
	{ "CreateTags", true, aws_create_tags },
	{ "DeleteTags", true, aws_delete_tags },
	{ NULL, false, NULL },
};
