/* planner_same.c - what stands and would have to be another: this version refuses it with a sentence, because to leave it as it is
 * and answer SUCCEEDED would be untrue.
 *
 * AWS does not show all that a node was launched with. So a node carries a digest of each part that it was launched with in its tag
 * reeve:launch. What was made before there was this is compared by what AWS shows. */
#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner_impl.h"
#include "agent/ops/steps/groups.h"

/* ---- what a node is launched with and AWS does not show, or not as we said it: as JSON in which the order of a list is no
 * matter */

static json_t *groups_part(const cluster_t *c)
{
	json_t *set = json_object();

	for (size_t i = 0; i < c->n_security_groups; i++)
		json_object_set_new(set, c->security_groups[i], json_true());
	return set;
}

static json_t *profile_part(const cluster_t *c)
{
	return json_pack("[s]", c->instance_profile);
}

static json_t *user_data_part(const cluster_t *c)
{
	json_t *part = json_object();

	json_set_base64(part, "user_data", c->user_data.data, c->user_data.len);
	return part;
}

static json_t *volumes_part(const cluster_t *c)
{
	json_t *list = planner_volumes(c), *by_device = json_object();

	for (size_t i = 0; i < json_array_size(list); i++)
		json_object_set(by_device, json_str_or(json_array_get(list, i), "device", "?"), json_array_get(list, i));
	json_decref(list);
	return by_device;
}

/* What of the volumes cannot be changed where they stand: planner_volume.c compares the rest with what EC2 shows. */
static json_t *disks_part(const cluster_t *c)
{
	json_t *by_device = json_object();

	for (size_t i = 0; i < c->n_volumes; i++)
		json_object_set_new(by_device, c->volumes[i]->device,
				    json_sprintf("%s%s", c->volumes[i]->kms_key_id, c->volumes[i]->keep ? " kept" : ""));
	return by_device;
}

static const struct part {
	const char *name, *field; /* in the tag; in the specification; NULL: planner_volume.c judges */
	json_t *(*of)(const cluster_t *c);
} parts[] = {
	{ "groups", "security_groups", groups_part },
	{ "profile", "instance_profile", profile_part },
	{ "data", "user_data", user_data_part },
	{ "volumes", NULL, volumes_part },
	{ "disks", NULL, disks_part },
};
#define DATA_PART (&parts[2])
#define VOLUMES_PART (&parts[3])
#define DISKS_PART (&parts[4])

/* "volumes=1a2b3c4d5e6f" */
static void print_part(const struct part *part, const cluster_t *c, struct buf *to)
{
	json_t *json = part->of(c);
	char digest[PLANNING_SHORT_LEN];

	buf_addf(to, "%s=%s", part->name, planning_short_digest(json, digest));
	json_decref(json);
}

json_t *planner_launch_tag(const cluster_t *c)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(256); /* of a tag's value */

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (i > 0)
			buf_addc(&text, ' ');
		print_part(&parts[i], c, &text);
	}
	return json_string(buf_str(&text));
}

/* A node of a version that had no such part says nothing about it. */
static bool differs(const struct part *part, const cluster_t *c, const char *tag)
{
	CLEANUP(buf_close) struct buf wanted = BUF_MAX(64);
	CLEANUP(mem_close) char *name = mem_printf("%s=", part->name);
	const char *at = strstr(tag, name);

	print_part(part, c, &wanted);
	/* The tag is compared as far as the wanted text goes: the parts behind it are compared by themselves. */
	return at != NULL && strncmp(at, buf_str(&wanted), wanted.len) != 0;
}

/* Of a version that had no such part nobody can tell. */
bool planner_has_same_disks(const cluster_t *c, const struct ec2_tags *have)
{
	const char *tag = ec2_tag_get(have, "reeve:launch");

	return tag != NULL && strstr(tag, " disks=") != NULL && !differs(DISKS_PART, c, tag);
}

static void check_volumes(struct planning *p, const cluster_t *c, const struct ec2_instance *i, const char *tag)
{
	enum planner_disks disks = strstr(tag, " disks=") == NULL ? DISKS_UNTOLD
				   : differs(DISKS_PART, c, tag)  ? DISKS_OTHER
								  : DISKS_SAME;

	planner_check_volumes(p, c, i, !differs(VOLUMES_PART, c, tag), disks);
}

/* ---- what stands ---- */

const char *planner_one_of_types(const cluster_t *c, const char *have)
{
	const char *types[SPEC_TYPES_MAX];
	size_t n = spec_types(c, types);

	for (size_t i = 1; i < n; i++)
		if (str_eq(types[i], have))
			return types[i];
	return types[0];
}

static const char *one_of_subnets(const cluster_t *c, const char *have)
{
	char *const *subnets;
	size_t n = spec_subnets(c, &subnets);

	for (size_t i = 1; i < n; i++)
		if (str_eq(subnets[i], have))
			return subnets[i];
	return subnets[0];
}

static void check_shown(struct planning *p, const cluster_t *c, const struct ec2_instance *i)
{
	const struct {
		const char *field, *have, *want;
	} shown[] = {
		{ "vpc_id", i->vpc_id, p->spec->vpc_id },
		{ "subnet_id", i->subnet_id, one_of_subnets(c, i->subnet_id) },
	};

	/* What AWS does not tell is not called different: the refusal would be for nothing. */
	for (size_t k = 0; k < ARRAY_LEN(shown); k++)
		if (shown[k].have != NULL && *shown[k].have != '\0' && !str_eq(shown[k].have, shown[k].want))
			planning_refuse(p, ERR_UNSUPPORTED, "cluster %s: %s is %s on %s; changing it to %s is not available yet",
					c->name, shown[k].field, shown[k].have, i->id, shown[k].want);
}

static bool stands_in_groups(const struct planning *p, const cluster_t *c, const struct ec2_instance *i)
{
	for (size_t k = 0; k < c->n_security_groups; k++) {
		const struct ec2_group *g = planner_group_there(p, c->security_groups[k]);
		bool is_in = false;

		for (size_t n = 0; g != NULL && n < i->group_ids_n; n++)
			is_in = is_in || str_eq(i->group_ids[n], g->id);
		if (!is_in)
			return false;
	}
	return i->group_ids_n == c->n_security_groups;
}

/* Of a node without digests: what AWS shows of those parts. Where it shows nothing, nothing is said. */
static void check_undigested(struct planning *p, const cluster_t *c, const struct ec2_instance *i)
{
	const char *slash = i->profile_arn != NULL ? strrchr(i->profile_arn, '/') : NULL;
	const char *profile = slash != NULL ? slash + 1 : "";
	const char *other = NULL;

	if (i->group_ids_n > 0 && !stands_in_groups(p, c, i))
		other = "security_groups";
	else if (i->profile_arn != NULL && !str_eq(profile, c->instance_profile))
		other = "instance_profile";
	/* Volumes are compared only where the node runs: while a node comes up not all of its volumes are shown. */
	else if (i->data_volume_ids != NULL && str_eq(i->state, "running") && i->data_volumes != planner_goes_with_node(c))
		other = "volumes";
	if (other != NULL)
		planning_refuse(p, ERR_UNSUPPORTED,
				"cluster %s: %s is not what %s was launched with; changing it is not available yet", c->name, other,
				i->id);
}

static bool is_other(const char *have, const char *want)
{
	return have != NULL && *have != '\0' && !str_eq(have, want); /* what AWS does not tell is not called different */
}

const char *planner_other_image(const cluster_t *c, const struct ec2_instance *i)
{
	const char *tag = ec2_tag_get(&i->tags, "reeve:launch");

	if (is_other(i->image_id, c->image_id))
		return "image_id";
	return tag != NULL && differs(DATA_PART, c, tag) ? "user_data" : NULL;
}

/* The image, or the user data. */
static void check_image(struct planning *p, const cluster_t *c, const struct ec2_instance *i)
{
	const char *field = planner_other_image(c, i);

	if (field == NULL || p->is_upgrade)
		return;
	if (str_eq(field, "image_id"))
		planning_refuse(p, ERR_UNSUPPORTED,
				"cluster %s: image_id is %s on %s, and warehouse.apply does not change it to %s: send the spec by "
				"warehouse.upgrade",
				c->name, i->image_id, i->id, c->image_id);
	else
		planning_refuse(p, ERR_UNSUPPORTED,
				"cluster %s: %s is not what %s was launched with, and warehouse.apply does not change it: send the "
				"spec by warehouse.upgrade",
				c->name, field, i->id);
}

void planner_check_node(struct planning *p, const cluster_t *c, const struct ec2_instance *i)
{
	const char *tag = ec2_tag_get(&i->tags, "reeve:launch");

	check_image(p, c, i);
	check_shown(p, c, i);
	planner_check_resize(p, c, i);
	if (tag == NULL)
		check_undigested(p, c, i);
	else
		check_volumes(p, c, i, tag);
	for (size_t k = 0; tag != NULL && k < ARRAY_LEN(parts); k++)
		if (parts[k].field != NULL && &parts[k] != DATA_PART && differs(&parts[k], c, tag))
			planning_refuse(p, ERR_UNSUPPORTED,
					"cluster %s: %s is not what %s was launched with; changing it is not available yet",
					c->name, parts[k].field, i->id);
}

const char *planner_other_launch(const cluster_t *c, const struct ec2_instance *i)
{
	const char *tag = ec2_tag_get(&i->tags, "reeve:launch");

	if (is_other(i->subnet_id, one_of_subnets(c, i->subnet_id)))
		return "subnet_id";
	if (is_other(i->type, planner_one_of_types(c, i->type)))
		return "instance_type";
	for (size_t k = 0; tag != NULL && k < ARRAY_LEN(parts); k++)
		if (&parts[k] != VOLUMES_PART && &parts[k] != DATA_PART && differs(&parts[k], c, tag))
			return parts[k].field != NULL ? parts[k].field : "volumes";
	return NULL;
}

void planner_check_group(struct planning *p, const group_t *want, const struct ec2_group *have)
{
	json_t *description = planning_text(want->description);

	if (have->description != NULL && !str_eq(have->description, json_string_value(description)))
		planning_refuse(p, ERR_UNSUPPORTED,
				"security group %s: EC2 cannot change the description of %s, which is \"%.100s\"", want->name,
				have->id, have->description);
	json_decref(description);
}

static void check_vpc(struct planning *p, const char *what, const char *name, const char *have)
{
	if (have != NULL && *have != '\0' && !str_eq(have, p->spec->vpc_id))
		planning_refuse(p, ERR_UNSUPPORTED, "%s %s: it stands in %s; changing vpc_id to %s is not available yet", what,
				name, have, p->spec->vpc_id);
}

/* Without this a group of that name in another VPC would stay behind, and nothing would say so. */
void planner_check_group_elsewhere(struct planning *p, const group_t *want)
{
	char full[256];

	planner_group_name(p, want->name, full);
	for (size_t i = 0; i < groups_in(p->inv)->n; i++)
		if (str_eq(groups_in(p->inv)->v[i].name, full) && planning_is_of_warehouse(p, &groups_in(p->inv)->v[i].tags))
			check_vpc(p, "security group", want->name, groups_in(p->inv)->v[i].vpc_id);
}

void planner_check_tg(struct planning *p, const tg_t *want, const struct balancers_target_group *have)
{
	check_vpc(p, "target group", want->name, have->g.vpc_id);
	if (have->g.port != want->port || !str_eq(have->g.protocol, want->protocol))
		planning_refuse(p, ERR_UNSUPPORTED,
				"target group %s: it is %s on port %u; changing port or protocol is not available yet", want->name,
				have->g.protocol, have->g.port);
}

static bool stands_in(const struct elb_lb *lb, const char *subnet)
{
	for (size_t i = 0; i < lb->subnet_ids_n; i++)
		if (str_eq(lb->subnet_ids[i], subnet))
			return true;
	return false;
}

void planner_check_lb(struct planning *p, const lb_t *want, const struct balancers_lb *have)
{
	/* Where AWS shows no subnets, nothing is said of them. Else both must be the same set: as many, and each wanted one among
	 * them. */
	bool same = have->lb.subnet_ids_n == 0 || have->lb.subnet_ids_n == want->n_subnet_ids;

	check_vpc(p, "load balancer", want->name, have->lb.vpc_id);
	for (size_t i = 0; have->lb.subnet_ids_n > 0 && i < want->n_subnet_ids; i++)
		same = same && stands_in(&have->lb, want->subnet_ids[i]);
	if (!same)
		planning_refuse(p, ERR_UNSUPPORTED,
				"load balancer %s: subnet_ids are not those that it stands in; changing them is not available yet",
				want->name);
}
