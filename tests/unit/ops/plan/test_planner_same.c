/* test_planner_same.c - every field of a specification, changed on a warehouse that stands: it has a step, or is refused with a
 * sentence. A new field fails here until it has one. */
#include "agent/ops/plan/planner_impl.h"
#include "tests/unit/ops/board.h"

/* ---- a warehouse that stands as the specification wants it ---- */

static void tag(struct board *d, struct ec2_tags *tags, const char *key, const char *value)
{
	struct ec2_tag *v = arena_alloc(d->inv->arena, (tags->n + 1) * sizeof(*v));

	memcpy(v, tags->v, tags->n * sizeof(*v));
	v[tags->n] = (struct ec2_tag){ key, value };
	*tags = (struct ec2_tags){ v, tags->n + 1 };
}

static void tag_tags(struct board *d, struct ec2_tags *tags)
{
	struct planning p = { .a = &d->a, .spec = &d->k.s };
	json_t *user = planning_user_tags(&p, NULL, 0), *text = planning_tags_text(user);

	tag(d, tags, "reeve:tags", arena_str(d->inv->arena, json_string_value(text)));
	json_decref(text);
	json_decref(user);
}

static void add_nodes(struct board *d)
{
	static struct elb_target targets[] = { { .id = "i-1", .state = "healthy", .reason = "" },
					       { .id = "i-2", .state = "healthy", .reason = "" } };
	json_t *launch = planner_launch_tag(&d->k.cluster);

	for (unsigned i = 0; i < 2; i++) {
		struct ec2_instance *in;

		board_add_node(d, targets[i].id, "be", "running");
		in = &d->inv->instances.v[i];
		in->vpc_id = "vpc-1";
		in->image_id = "ami-1";
		in->subnet_id = "subnet-1";
		tag(d, &in->tags, "reeve:launch", arena_str(d->inv->arena, json_string_value(launch)));
		tag_tags(d, &in->tags);
		board_add_volume(d, i == 0 ? "vol-1" : "vol-2", targets[i].id, "/dev/sdf", 100);
	}
	json_decref(launch);
	balancers_in(d->inv)->target_groups[0].targets = (struct elb_targets){ targets, 2 };
}

static void add_balancer(struct board *d)
{
	struct balancers_lb *lb = arena_new(d->inv->arena, struct balancers_lb);
	struct balancers_target_group *g = arena_new(d->inv->arena, struct balancers_target_group);
	struct elb_listener *l = arena_new(d->inv->arena, struct elb_listener);
	const char **subnets = arena_alloc(d->inv->arena, sizeof(*subnets));
	char *names = arena_alloc(d->inv->arena, 66);

	spec_short_name("inst-1", "wh-1", "lb", "main", names);
	spec_short_name("inst-1", "wh-1", "tg", "sql", names + 33);
	subnets[0] = "subnet-1";
	*g = (struct balancers_target_group){
		.g = { .arn = "arn:tg", .name = names + 33, .protocol = "TCP", .port = 9030, .tags = board_tags(d, "", "1") }
	};
	*l = (struct elb_listener){
		.arn = "arn:listener", .protocol = "TCP", .target_group_arn = "arn:tg", .port = 9030, .tags = board_tags(d, "", "1")
	};
	*lb = (struct balancers_lb){ .lb = { .arn = "arn:lb",
					     .name = names,
					     .state = "active",
					     .subnet_ids = subnets,
					     .subnet_ids_n = 1,
					     .tags = board_tags(d, "", "1") },
				     .listeners = { l, 1 } };
	tag_tags(d, &g->g.tags);
	tag_tags(d, &lb->lb.tags);
	balancers_in(d->inv)->target_groups = g;
	balancers_in(d->inv)->lbs = lb;
	balancers_in(d->inv)->target_groups_n = balancers_in(d->inv)->lbs_n = 1;
}

static int standing_start(void **state)
{
	static const struct ec2_rule rules[] = { { "tcp", 0, 65535, NULL, "sg-1", "", false },
						 { "tcp", 8000, 9000, "10.0.0.0/16", NULL, "", false } };
	static struct ec2_subnet subnets[] = { { .id = "subnet-1", .vpc_id = "vpc-1", .zone = "us-east-1a" },
					       { .id = "subnet-2", .vpc_id = "vpc-1", .zone = "us-east-1b" } };
	struct board *d;

	board_start(state);
	d = *state;
	d->inv->subnets = (struct ec2_subnets){ subnets, ARRAY_LEN(subnets) };
	board_add_group(d, rules, 2);
	groups_in(d->inv)->v[0].description = "nodes";
	tag_tags(d, &groups_in(d->inv)->v[0].tags);
	add_balancer(d);
	add_nodes(d);
	return 0;
}

static void a_warehouse_that_is_as_it_is_wanted_needs_nothing(void **state)
{
	struct board *d = *state;
	struct plans *p = board_apply(d);

	assert_string_equal(board_steps(p), "");
	plans_free(p);
}

/* ---- the fields ---- */

static Reeve__Control__V1__Tag other_tag;

static tag_t *changed_tag(const char *key, const char *value)
{
	static tag_t *list[1] = { &other_tag };

	reeve__control__v1__tag__init(&other_tag);
	other_tag.key = (char *)key;
	other_tag.value = (char *)value;
	return *list;
}

#define SET(name, to)                                                                                                              \
	static void set_##name(struct specs *k)                                                                                    \
	{                                                                                                                          \
		to;                                                                                                                \
	}

SET(warehouse, k->s.warehouse = (char *)"wh-2")
SET(generation, k->s.generation++)
SET(self_heal, k->s.self_heal = true)
SET(heal_until, k->s.heal_until = 1)
SET(vpc, k->s.vpc_id = (char *)"vpc-2")
SET(group_name, k->group.name = k->cluster_groups[0] = (char *)"other")
SET(group_description, k->group.description = (char *)"other")
SET(rule_direction, k->clients.direction = REEVE__CONTROL__V1__DIRECTION__EGRESS)
SET(rule_protocol, k->clients.protocol = (char *)"udp")
SET(rule_from, k->clients.from_port = 8001)
SET(rule_to, k->clients.to_port = 9001)
SET(rule_cidr, k->clients.cidr = (char *)"10.0.1.0/24")
SET(rule_self, k->clients.source_case = REEVE__CONTROL__V1__RULE__SOURCE_SELF; k->clients.self = 1)
SET(rule_list, k->clients.source_case = REEVE__CONTROL__V1__RULE__SOURCE_PREFIX_LIST; k->clients.prefix_list = (char *)"pl-2")
SET(rule_description, k->clients.description = (char *)"clients")
SET(cluster_name, k->cluster.name = k->tg_clusters[0] = (char *)"other")
SET(nodes, k->cluster.nodes = 3)
SET(instance_type, k->cluster.instance_type = (char *)"i3.large")
SET(image, k->cluster.image_id = (char *)"ami-9")
SET(subnet, k->cluster.subnet_id = (char *)"subnet-2")
static char *two_subnets[] = { (char *)"subnet-1", (char *)"subnet-2" }, *other_type[] = { (char *)"i3.large" };
SET(subnets, k->cluster.subnet_id = (char *)""; k->cluster.subnet_ids = two_subnets; k->cluster.n_subnet_ids = 2)
SET(other_types, k->cluster.other_instance_types = other_type; k->cluster.n_other_instance_types = 1)
SET(cluster_groups, k->cluster.n_security_groups = 0)
SET(volume_device, k->volume.device = (char *)"/dev/sdg")
SET(volume_size, k->volume.size_gib = 200)
SET(volume_type, k->volume.type = (char *)"io2")
SET(volume_iops, k->volume.iops = 4000)
SET(volume_throughput, k->volume.throughput = 200)
SET(volume_key, k->volume.kms_key_id = (char *)"k-1")
SET(volume_keep, k->volume.keep = 1)
SET(profile, k->cluster.instance_profile = (char *)"node")
SET(user_data, k->cluster.user_data = ((ProtobufCBinaryData){ 3, (uint8_t *)"abc" }))
SET(atomic, k->cluster.atomic = 1)
SET(power, k->cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED)
static Reeve__Control__V1__NodeEndpoint endpoint;
static Reeve__Control__V1__Drain drain;
static void set_health(struct specs *k)
{
	reeve__control__v1__node_endpoint__init(&endpoint);
	endpoint.port = 8040;
	endpoint.path = (char *)"/health";
	k->cluster.health = &endpoint;
}
static void set_drain(struct specs *k)
{
	set_health(k);
	reeve__control__v1__drain__init(&drain);
	drain.call = &endpoint;
	drain.wait_s = 60;
	k->cluster.health = NULL;
	k->cluster.drain = &drain;
}
SET(cluster_tag, static tag_t *list[1]; list[0] = changed_tag("sdb-more", "x"); k->cluster.tags = list; k->cluster.n_tags = 1)
SET(cluster_tag_value, static tag_t *list[1]; list[0] = changed_tag("sdb-cluster-id", "c-2"); k->cluster.tags = list;
    k->cluster.n_tags = 1)
SET(tg_name, k->tg.name = k->listener.target_group = (char *)"other")
SET(tg_protocol, k->tg.protocol = (char *)"UDP")
SET(tg_port, k->tg.port = 9031)
SET(tg_clusters, k->tg.n_clusters = 0)
SET(lb_name, k->lb.name = (char *)"other")
SET(lb_internal, k->lb.internal = 0)
SET(lb_subnets, k->subnets[0] = (char *)"subnet-2")
SET(listener_port, k->listener.port = 9031)
SET(listener_protocol, k->listener.protocol = (char *)"TLS")
SET(listener_group, k->target_groups[1] = &k->tg; k->tg.name = k->listener.target_group = (char *)"other")
SET(tag_key, k->tag.key = (char *)"sdb-other")
SET(tag_value, k->tag.value = (char *)"c-2")

/* `is`: a step of the plan, "plan/step"; "" nothing to do; else a part of the sentence that refuses it. */
static const struct {
	const char *path;
	void (*set)(struct specs *k);
	const char *is;
} fields[] = {
	{ "warehouse", set_warehouse, "cluster-be/launch" },
	{ "generation", set_generation, "" }, /* which one it was is told in the result */
	{ "self_heal", set_self_heal, "" },   /* what the agent may do by itself */
	{ "heal_until", set_heal_until, "" },
	{ "vpc_id", set_vpc, "security group node: it stands in vpc-1; changing vpc_id" },
	{ "security_groups.name", set_group_name, "security_groups is not what i-1 was launched with" },
	{ "security_groups.description", set_group_description, "EC2 cannot change the description of sg-1" },
	{ "security_groups.rules.protocol", set_rule_protocol, "base/rule-node-udp-8000-9000-10.0.0.0/16" },
	{ "security_groups.rules.from_port", set_rule_from, "base/rule-node-tcp-8001-9000-10.0.0.0/16" },
	{ "security_groups.rules.to_port", set_rule_to, "base/rule-node-tcp-8000-9001-10.0.0.0/16" },
	{ "security_groups.rules.cidr", set_rule_cidr, "base/rule-node-tcp-8000-9000-10.0.1.0/24" },
	{ "security_groups.rules.self", set_rule_self, "base/rule-node-tcp-8000-9000-self" },
	{ "security_groups.rules.description", set_rule_description, "base/describe-rule-node-tcp-8000-9000-10.0.0.0/16" },
	{ "security_groups.rules.direction", set_rule_direction, "base/egress-node-tcp-8000-9000-10.0.0.0/16" },
	{ "security_groups.rules.prefix_list", set_rule_list, "base/rule-node-tcp-8000-9000-pl-2" },
	{ "clusters.name", set_cluster_name, "cluster-other/launch" },
	{ "clusters.nodes", set_nodes, "cluster-be/launch" },
	{ "clusters.instance_type", set_instance_type, "resize-be-i-1/type-i-1" },
	{ "clusters.image_id", set_image, "image_id is ami-1 on i-1, and warehouse.apply does not change it to" },
	{ "clusters.subnet_id", set_subnet, "subnet_id is subnet-1 on i-1" },
	{ "clusters.subnet_ids", set_subnets, "where load balancer main has no subnet" },
	{ "clusters.other_instance_types", set_other_types, "" }, /* the same */
	{ "clusters.security_groups", set_cluster_groups, "security_groups is not what i-1 was launched with" },
	{ "clusters.volumes.device", set_volume_device, "volumes is not what i-1 was launched with; of the volumes" },
	{ "clusters.volumes.size_gib", set_volume_size, "cluster-be/modify-vol-1" },
	{ "clusters.volumes.type", set_volume_type, "type: \"io2\" is not supported" },
	{ "clusters.volumes.iops", set_volume_iops, "cluster-be/modify-vol-1" },
	{ "clusters.volumes.throughput", set_volume_throughput, "cluster-be/modified" },
	{ "clusters.volumes.kms_key_id", set_volume_key, "volumes is not what i-1 was launched with; of the volumes" },
	{ "clusters.volumes.keep", set_volume_keep, "volumes is not what i-1 was launched with; of the volumes" },
	{ "clusters.instance_profile", set_profile, "instance_profile is not what i-1 was launched with" },
	{ "clusters.user_data", set_user_data, "does not change it: send the spec by warehouse.upgrade" },
	{ "clusters.atomic", set_atomic, "" },      /* of launches alone */
	{ "clusters.health.port", set_health, "" }, /* of nodes that become ready alone */
	{ "clusters.health.path", set_health, "" },
	{ "clusters.drain.wait_s", set_drain, "" }, /* of nodes that go alone */
	{ "clusters.drain.call.port", set_drain, "" },
	{ "clusters.drain.call.path", set_drain, "" },
	{ "clusters.power", set_power, "cluster-be/stop" },
	{ "clusters.tags.key", set_cluster_tag, "tags/tag-nodes-be" },
	{ "clusters.tags.value", set_cluster_tag_value, "tags/tag-nodes-be" },
	{ "target_groups.name", set_tg_name, "switch/move-main-9030" },
	{ "target_groups.protocol", set_tg_protocol, "target group sql: it is TCP on port 9030" },
	{ "target_groups.port", set_tg_port, "target group sql: it is TCP on port 9030" },
	{ "target_groups.clusters", set_tg_clusters, "tidy/leave-sql" },
	{ "load_balancers.name", set_lb_name, "one load balancer may lead to it" },
	{ "load_balancers.internal", set_lb_internal, "a load balancer that faces the internet is not allowed" },
	{ "load_balancers.subnet_ids", set_lb_subnets, "subnet_ids are not those that it stands in" },
	{ "load_balancers.listeners.port", set_listener_port, "base/listener-main-9031" },
	{ "load_balancers.listeners.protocol", set_listener_protocol, "changing protocol to TLS is not available yet" },
	{ "load_balancers.listeners.target_group", set_listener_group, "switch/move-main-9030" },
	{ "tags.key", set_tag_key, "tags/untag-lb-main tags/tag-lb-main" },
	{ "tags.value", set_tag_value, "tags/tag-sg-node" },
};

static void check_field(struct board *d, size_t i)
{
	struct plans *p = NULL;
	struct err e = { 0 };
	const char *steps;
	int rc;

	fields[i].set(&d->k);
	rc = planner_apply(&d->a, &d->k.s, &p, &e);
	if (rc != 0 && strchr(fields[i].is, '/') != NULL && strchr(fields[i].is, ' ') == NULL)
		fail_msg("%s is refused: %s", fields[i].path, err_text(&e));
	if (rc == 0 && spec_check(&d->k.s, &e) != 0)
		rc = -e.code;
	steps = p != NULL ? board_steps(p) : "";
	if (rc != 0                 ? strstr(err_text(&e), fields[i].is) == NULL || *fields[i].is == '\0'
	    : *fields[i].is == '\0' ? *steps != '\0'
				    : strstr(steps, fields[i].is) == NULL)
		fail_msg("%s: \"%s\" and steps \"%s\"", fields[i].path, err_text(&e), steps);
	plans_free(p);
}

static void a_field_that_is_changed_has_a_step_or_is_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		check_field(*state, i);
		board_end(state);
		standing_start(state);
	}
}

/* ---- all of them ---- */

static bool is_told(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (str_eq(fields[i].path, path))
			return true;
	return false;
}

static unsigned walk(const ProtobufCMessageDescriptor *m, const char *above)
{
	unsigned leaves = 0;

	for (unsigned i = 0; i < m->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->fields[i];
		CLEANUP(mem_close) char *path = mem_printf("%s%s%s", above, *above != '\0' ? "." : "", f->name);

		if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
			leaves += walk(f->descriptor, path);
			continue;
		}
		leaves++;
		if (!is_told(path))
			fail_msg("%s: what happens when it changes?", path);
	}
	return leaves;
}

static void every_field_of_the_descriptor_has_its_row(void **state)
{
	(void)state;
	assert_int_equal(walk(&reeve__control__v1__warehouse_spec__descriptor, ""), ARRAY_LEN(fields));
}

/* ---- what was made before there were digests ---- */

static void drop_digests(struct ec2_tags *tags)
{
	size_t n = 0;

	for (size_t i = 0; i < tags->n; i++)
		if (!str_eq(tags->v[i].key, "reeve:tags") && !str_eq(tags->v[i].key, "reeve:launch"))
			((struct ec2_tag *)tags->v)[n++] = tags->v[i];
	tags->n = n;
}

static void what_an_older_version_made_is_compared_by_what_aws_shows(void **state)
{
	static const char *volumes[] = { "vol-1", "vol-2" };
	static const struct {
		const char *profile, *group;
		uint32_t volumes;
		const char *is;
	} shown[] = {
		{ "arn:aws:iam::1:instance-profile/node", "sg-1", 1, "instance_profile is not what i-1 was launched with" },
		{ "", "sg-9", 1, "security_groups is not what i-1 was launched with" },
		{ "", "sg-1", 2, "volumes is not what i-1 was launched with" },
		{ "", "sg-1", 1, NULL },
	};
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	for (unsigned i = 0; i < 2; i++)
		drop_digests(&d->inv->instances.v[i].tags);
	drop_digests(&groups_in(d->inv)->v[0].tags);
	p = board_apply(d);
	assert_string_equal(board_steps(p), "");
	plans_free(p);
	set_user_data(&d->k); /* nothing shows it */
	p = board_apply(d);
	assert_string_equal(board_steps(p), "");
	plans_free(p);
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		d->inv->instances.v[0].profile_arn = shown[i].profile;
		d->inv->instances.v[0].group_ids = (const char **)&shown[i].group;
		d->inv->instances.v[0].group_ids_n = shown[i].group != NULL;
		d->inv->instances.v[0].data_volumes = shown[i].volumes;
		d->inv->instances.v[0].data_volume_ids = volumes;
		assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), shown[i].is == NULL ? 0 : -ERR_UNSUPPORTED);
		if (shown[i].is == NULL)
			plans_free(p);
		else
			assert_non_null(strstr(err_text(&e), shown[i].is));
	}
	d->inv->instances.v[1].tags.v[5] = (struct ec2_tag){ "sdb-cluster-id", "c-9" };
	p = board_apply(d);
	assert_string_equal(board_steps(p), "tags/tag-nodes-be");
	plans_free(p);
}

static void what_stands_in_another_vpc_is_told(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	balancers_in(d->inv)->target_groups[0].g.vpc_id = "vpc-2";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_UNSUPPORTED);
	assert_string_equal(err_text(&e), "target group sql: it stands in vpc-2; changing vpc_id to vpc-1 is not available yet");
	balancers_in(d->inv)->target_groups[0].g.vpc_id = NULL;
	balancers_in(d->inv)->lbs[0].lb.vpc_id = "vpc-2";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_UNSUPPORTED);
	assert_string_equal(err_text(&e), "load balancer main: it stands in vpc-2; changing vpc_id to vpc-1 is not available yet");
}

static void a_target_group_behind_a_balancer_of_somebody_else_is_told(void **state)
{
	static const char *arns[] = { "arn:lb", "arn:other" };
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	balancers_in(d->inv)->target_groups[0].g.lb_arns = arns;
	balancers_in(d->inv)->target_groups[0].g.lb_arns_n = 1;
	p = board_apply(d);
	plans_free(p);
	balancers_in(d->inv)->target_groups[0].g.lb_arns_n = 2;
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_non_null(strstr(err_text(&e), "is behind arn:other, which is none of ours"));
	plans_free(p);
}

static void a_clusters_tag_over_the_specs_is_no_change(void **state)
{
	struct board *d = *state;
	struct plans *p;

	for (unsigned i = 0; i < 2; i++) {
		drop_digests(&d->inv->instances.v[i].tags);
		d->inv->instances.v[i].tags.v[5] = (struct ec2_tag){ "sdb-cluster-id", "c-2" };
		volumes_in(d->inv)->all.v[i].tags.v[5] = (struct ec2_tag){ "sdb-cluster-id", "c-2" };
	}
	set_cluster_tag_value(&d->k);
	p = board_apply(d);
	assert_string_equal(board_steps(p), "");
	plans_free(p);
}

static void tags_of_other_hands_beside_ours_change_nothing(void **state)
{
	struct board *d = *state;
	struct plans *p;

	tag(d, &d->inv->instances.v[0].tags, "cost-center", "42");
	p = board_apply(d);
	assert_string_equal(board_steps(p), "");
	plans_free(p);
}

static void the_order_of_lists_is_no_change(void **state)
{
	struct board *d = *state;
	Reeve__Control__V1__DataVolume more = d->k.volume;
	json_t *one, *two;

	more.device = (char *)"/dev/sdg";
	d->k.volumes[1] = &more;
	d->k.cluster.n_volumes = 2;
	one = planner_launch_tag(&d->k.cluster);
	d->k.volumes[1] = d->k.volumes[0];
	d->k.volumes[0] = &more;
	two = planner_launch_tag(&d->k.cluster);
	assert_true(json_equal(one, two));
	assert_true(json_string_length(one) < 256);
	json_decref(one);
	json_decref(two);
}

/* Whoever stopped it: the spec says that its cluster runs. */
static void a_node_that_is_stopped_is_started_or_goes_first(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->inv->instances.v[0].state = "stopped";
	p = board_apply(d);
	assert_string_equal(
	    board_steps(p),
	    "cluster-be/start cluster-be/started cluster-be/started-ok cluster-be/register-sql cluster-be/healthy-sql");
	plans_free(p);
	d->k.cluster.nodes = 1;
	p = board_apply(d);
	assert_string_equal(json_string_value(json_array_get(json_object_get(p->v[0].steps[p->v[0].n - 1].args, "instances"), 0)),
			    "i-1");
	plans_free(p);
}

#define STANDING_TEST(f) cmocka_unit_test_setup_teardown(f, standing_start, board_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STANDING_TEST(a_warehouse_that_is_as_it_is_wanted_needs_nothing),
		STANDING_TEST(a_field_that_is_changed_has_a_step_or_is_refused),
		STANDING_TEST(every_field_of_the_descriptor_has_its_row),
		STANDING_TEST(what_an_older_version_made_is_compared_by_what_aws_shows),
		STANDING_TEST(tags_of_other_hands_beside_ours_change_nothing),
		STANDING_TEST(what_stands_in_another_vpc_is_told),
		STANDING_TEST(a_target_group_behind_a_balancer_of_somebody_else_is_told),
		STANDING_TEST(a_clusters_tag_over_the_specs_is_no_change),
		STANDING_TEST(the_order_of_lists_is_no_change),
		STANDING_TEST(a_node_that_is_stopped_is_started_or_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
