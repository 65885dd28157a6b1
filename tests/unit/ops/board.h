/* board.h - what a planner has before it: a good specification, and an inventory that a test fills. */
#pragma once
#include "agent/base/json.h"
#include "agent/base/str.h"
#include "agent/ops/plan/planner.h"
#include "agent/ops/steps/balancers.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/groups.h"
#include "agent/ops/steps/volumes.h"
#include "tests/unit/ops/specs.h"

struct board {
	struct specs k;
	struct inventory *inv;
	struct planner_args a;
};

static inline int board_start(void **state)
{
	static const char *cidrs[] = { "10.0.0.0/16" };
	static struct ec2_vpc vpcs[] = { { .id = "vpc-1", .cidr = "10.0.0.0/16", .cidrs = cidrs, .cidrs_n = 1 } };
	static struct ec2_subnet subnets[] = { { .id = "subnet-1", .vpc_id = "vpc-1", .zone = "us-east-1a" },
					       { .id = "subnet-9", .vpc_id = "vpc-9", .zone = "us-east-1a" } };
	static struct ec2_image images[] = {
		{ "ami-1", "al2023", "137112412989", "amazon", "/dev/xvda", "ebs", 8, NULL, "available", "x86_64" },
		{ "ami-2", "two disks", "137112412989", "amazon", "/dev/xvda", "ebs", 8, "/dev/sdz", "available", "x86_64" },
		{ "ami-3", "old", "210987654321", "", "/dev/sda1", "instance-store", 8, NULL, "available", "x86_64" },
	};
	static struct ec2_type types[] = { { .name = "r6i.xlarge" }, { .name = "i3.large", .has_disks = true } };
	static struct ec2_prefix_list lists[] = { { "pl-1", "com.amazonaws.us-east-1.s3" } };
	struct board *d = mem_new(struct board);

	specs_good(&d->k);
	d->inv = inventory_new();
	d->inv->taken_ms = d->inv->aws_ms = 1800000000000;
	d->inv->vpcs = (struct ec2_vpcs){ vpcs, 1 };
	d->inv->subnets = (struct ec2_subnets){ subnets, ARRAY_LEN(subnets) };
	d->inv->images = (struct ec2_images){ images, ARRAY_LEN(images) };
	d->inv->types = (struct ec2_types){ types, ARRAY_LEN(types) };
	d->inv->s3 = (struct ec2_prefix_lists){ lists, 1 };
	d->a = (struct planner_args){ .owner = { "velodb", "inst-1" }, .command = "c-1", .verb = "warehouse.apply", .inv = d->inv };
	*state = d;
	return 0;
}

static inline int board_end(void **state)
{
	struct board *d = *state;

	inventory_free(d->inv);
	mem_free(d);
	return 0;
}

static inline struct plans *board_apply(struct board *d)
{
	struct plans *p = NULL;

	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, NULL), 0);
	return p;
}

/* "plan/step plan/step ..." of all plans, in order. */
static inline const char *board_steps(const struct plans *p)
{
	static char text[8192];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s/%s", used > 0 ? " " : "", p->v[i].name,
						 p->v[i].steps[k].name);
	return text;
}

static inline struct ec2_tags board_tags(struct board *d, const char *cluster, const char *generation)
{
	struct ec2_tag *t = arena_alloc(d->inv->arena, 6 * sizeof(*t));

	t[0] = (struct ec2_tag){ "resource-created-by", "velodb" };
	t[1] = (struct ec2_tag){ "reeve:installation", "inst-1" };
	t[2] = (struct ec2_tag){ "reeve:warehouse", "wh-1" };
	t[3] = (struct ec2_tag){ "reeve:cluster", cluster };
	t[4] = (struct ec2_tag){ "reeve:generation", generation };
	t[5] = (struct ec2_tag){ d->k.tag.key, d->k.tag.value };
	return (struct ec2_tags){ t, 6 };
}

static inline void board_add_node(struct board *d, const char *id, const char *cluster, const char *state)
{
	struct ec2_instances *l = &d->inv->instances;
	struct ec2_instance *v = arena_alloc(d->inv->arena, (l->n + 1) * sizeof(*v));

	if (l->n > 0)
		memcpy(v, l->v, l->n * sizeof(*v));
	v[l->n] = (struct ec2_instance){ .id = id,
					 .state = state,
					 .type = "r6i.xlarge",
					 .launch_time = id,
					 .tags = board_tags(d, cluster, "1"),
					 .reason = "",
					 .reason_code = "" };
	l->v = v;
	l->n++;
}

/* gp3 as AWS has it, attached to a node; instance "": to none. */
static inline struct ec2_volume *board_add_volume(struct board *d, const char *id, const char *instance, const char *device,
						  uint32_t size_gib)
{
	struct ec2_volumes *l = &volumes_in(d->inv)->all;
	struct ec2_volume *v = arena_alloc(d->inv->arena, (l->n + 1) * sizeof(*v));

	if (l->n > 0)
		memcpy(v, l->v, l->n * sizeof(*v));
	v[l->n] = (struct ec2_volume){ .id = id,
				       .state = *instance != '\0' ? "in-use" : "available",
				       .type = "gp3",
				       .zone = "us-east-1a",
				       .snapshot = "",
				       .kms_key = "",
				       .instance = instance,
				       .device = device,
				       .attachment = *instance != '\0' ? "attached" : "",
				       .size_gib = size_gib,
				       .iops = 3000,
				       .throughput = 125,
				       .is_encrypted = true,
				       .tags = board_tags(d, "be", "1") };
	l->v = v;
	return &l->v[l->n++];
}

static inline void board_add_group_as_is(struct board *d, const struct ec2_rule *rules, size_t n)
{
	struct ec2_group *g = arena_new(d->inv->arena, struct ec2_group);

	*g = (struct ec2_group){ .id = "sg-1",
				 .name = "velodb-inst-1-wh-1-node",
				 .vpc_id = "vpc-1",
				 .rules = (struct ec2_rule *)rules,
				 .rules_n = n,
				 .tags = board_tags(d, "", "2") };
	*groups_in(d->inv) = (struct ec2_groups){ g, 1 };
}

/* These rules, and the ways out that a group has where the spec says nothing of them. */
static inline void board_add_group(struct board *d, const struct ec2_rule *rules, size_t n)
{
	static const struct ec2_rule out[] = {
		{ .is_egress = true, .protocol = "-1", .from_port = -1, .to_port = -1, .group_id = "sg-1" },
		{ .is_egress = true, .protocol = "tcp", .from_port = 443, .to_port = 443, .cidr = "10.0.0.0/16" },
		{ .is_egress = true, .protocol = "tcp", .from_port = 443, .to_port = 443, .cidr = "pl-1" },
	};
	struct ec2_rule *all = arena_alloc(d->inv->arena, (n + ARRAY_LEN(out)) * sizeof(*all));

	if (n > 0)
		memcpy(all, rules, n * sizeof(*all));
	memcpy(all + n, out, sizeof(out));
	board_add_group_as_is(d, all, n + ARRAY_LEN(out));
}

#define DESK_TEST(f) cmocka_unit_test_setup_teardown(f, board_start, board_end)
