/* test_spec.c - what a legal specification is: each wrong one is refused and named by its place. */
#include "tests/unit/ops/specs.h"

static void a_good_one_passes(void **state)
{
	struct specs k;
	struct err e = { 0 };

	(void)state;
	specs_good(&k);
	assert_int_equal(spec_check(&k.s, &e), 0);
}

/* One member of a good specification, and what it is given instead. */
struct wrong {
	const char *says;
	size_t at, size; /* of the member */
	const char *text;
	uint64_t number; /* when there is no text */
};

#define USER_DATA_MAX 16384
#define SIZE_OF(member) sizeof(((struct specs *)NULL)->member)
#define TEXT(member, value) offsetof(struct specs, member), SIZE_OF(member), value, 0
#define NUMBER(member, value) offsetof(struct specs, member), SIZE_OF(member), NULL, value

/* clang-format off */
static const struct wrong wrongs[] = {
	{ "warehouse", TEXT(s.warehouse, "Wh_1") },
	{ "warehouse", TEXT(s.warehouse, "") },
	{ "generation", NUMBER(s.generation, 0) },
	{ "vpc_id", TEXT(s.vpc_id, "vpc/1") },
	{ "security_groups[0]: name", TEXT(group.name, "no de") },
	{ "security_groups[0]: description", TEXT(group.description, "") },
	{ "security_groups[0]: rules[1]: cidr", TEXT(clients.cidr, "10.0.0.1/16") },
	{ "security_groups[0]: rules[1]: cidr: \"10.0.0.1\" has no prefix", TEXT(clients.cidr, "10.0.0.1") },
	{ "security_groups[0]: rules[1]: ports", NUMBER(clients.to_port, 70000) },
	{ "security_groups[0]: rules[1]: ports", NUMBER(clients.from_port, 9001) },
	{ "security_groups[0]: rules[1]: protocol", TEXT(clients.protocol, "gre") },
	{ "security_groups[0]: rules[1]: a source", NUMBER(clients.source_case, 0) },
	{ "security_groups[0]: rules[0]: a source", NUMBER(self.self, 0) },
	{ "security_groups[1]: name", NUMBER(s.n_security_groups, 2) },
	{ "clusters[0]: name", TEXT(cluster.name, "-be") },
	{ "clusters[0]: nodes", NUMBER(cluster.nodes, 101) },
	{ "clusters[0]: instance_type", TEXT(cluster.instance_type, "") },
	{ "clusters[0]: image_id", TEXT(cluster.image_id, "i-1") },
	{ "clusters[0]: subnet_id", TEXT(cluster.subnet_id, "subnet-") },
	{ "clusters[0]: security_groups[0]", TEXT(cluster_groups[0], "other") },
	{ "clusters[0]: security_groups", NUMBER(cluster.n_security_groups, 0) },
	{ "clusters[0]: volumes[0]: type", TEXT(volume.type, "st1") },
	{ "clusters[0]: volumes[0]: size_gib", NUMBER(volume.size_gib, 0) },
	{ "clusters[0]: volumes[0]: size_gib", NUMBER(volume.size_gib, 20000) },
	{ "clusters[0]: volumes[0]: device", TEXT(volume.device, "/dev/s\ndf") },
	{ "clusters[0]: user_data", NUMBER(cluster.user_data.len, USER_DATA_MAX + 1) },
	{ "target_groups[0]: port", NUMBER(tg.port, 0) },
	{ "target_groups[0]: protocol", TEXT(tg.protocol, "HTTP") },
	{ "target_groups[0]: clusters[0]", TEXT(tg_clusters[0], "fe") },
	{ "load_balancers[0]: internal", NUMBER(lb.internal, 0) },
	{ "load_balancers[0]: subnet_ids", NUMBER(lb.n_subnet_ids, 0) },
	{ "load_balancers[0]: listeners[0]: target_group", TEXT(listener.target_group, "web") },
	{ "load_balancers[0]: listeners[0]: port", NUMBER(listener.port, 65536) },
	{ "load_balancers[0]: listeners[1]: port 9030 stands twice", NUMBER(lb.n_listeners, 2) },
	{ "tags[0]: key", TEXT(tag.key, "reeve:installation") },
	{ "tags[0]: key", TEXT(tag.key, "resource-created-by") },
	{ "tags[0]: key", TEXT(tag.key, "aws:x") },
	{ "tags[0]: value", TEXT(tag.value, "\xc3\x28") },
	{ "clusters[1]: name", NUMBER(s.n_clusters, 2) },
	{ "target_groups[1]: name", NUMBER(s.n_target_groups, 2) },
	{ "load_balancers[0]: subnet_ids[0]: expected subnet-..., found \"subnet\"", TEXT(subnets[0], "subnet") },
	{ "security_groups[0]: rules[2]: description: the rule stands as rules[1] already, with another one", NUMBER(group.n_rules, 3) },
	{ "security_groups[0]: rules[1]: ports 8000-9000: protocol -1 has all ports", TEXT(clients.protocol, "-1") },
	{ "security_groups[0]: rules[1]: ports 8000-9000: protocol -1 has all ports", TEXT(clients.protocol, "all") },
	{ "clusters[0]: tags[1]: key \"sdb-cluster-id\" stands twice", NUMBER(cluster.n_tags, 2) },
	{ "clusters: found 33", NUMBER(s.n_clusters, 33) },
	{ "security_groups[0]: description: found '", TEXT(group.description, "the vendor's nodes") },
	{ "security_groups[0]: rules[1]: description: found >", TEXT(clients.description, "a > b") },
	{ "security_groups[0]: rules[1]: icmp: from_port is the type", TEXT(clients.protocol, "icmp") },
	{ "security_groups[0]: rules[1]: icmp: from_port is the type", TEXT(clients.protocol, "58") },
	{ "clusters[0]: instance_type: \"r6i\"", TEXT(cluster.instance_type, "r6i") },
	{ "clusters[0]: instance_profile: \"a/b\"", TEXT(cluster.instance_profile, "a/b") },
	{ "clusters[0]: security_groups[1]: \"node\" stands twice", NUMBER(cluster.n_security_groups, 2) },
	{ "clusters[0]: volumes[0]: device: /dev/xvda is the root's", TEXT(volume.device, "/dev/xvda") },
	{ "clusters[0]: volumes[1]: device /dev/sdf stands twice", NUMBER(cluster.n_volumes, 2) },
	{ "clusters[0]: volumes[0]: iops", NUMBER(volume.iops, 100) },
	{ "clusters[0]: volumes[0]: throughput", NUMBER(volume.throughput, 4000) },
	{ "clusters[0]: volumes[0]: kms_key_id", TEXT(volume.kms_key_id, "my key") },
	{ "target_groups[0]: clusters[1]: \"be\" stands twice", NUMBER(tg.n_clusters, 2) },
	{ "load_balancers[0]: subnet_ids[1]: \"subnet-1\" stands twice", NUMBER(lb.n_subnet_ids, 2) },
	{ "tags[0]: key \"AWS:x\" is not", TEXT(tag.key, "AWS:x") },
	{ "tags[0]: key \"reeve:x\" is not", TEXT(tag.key, " reeve:x ") },
	{ "tags[1]: key \"sdb-cluster-id\" stands twice", NUMBER(s.n_tags, 2) },
	{ "tags[0]: value: found ;", TEXT(tag.value, "a;b") },
	{ "tags[0]: value: a leading @", TEXT(tag.value, " @sg.node") },
	{ "tags[0]: value: a leading @", TEXT(tag.value, "@sg.node") },
	{ "security_groups[0]: rules[1]: description: a leading @", TEXT(clients.description, "@lb.main") },
};
/* clang-format on */

static void bend(struct specs *k, const struct wrong *how)
{
	char *member = (char *)k + how->at;

	if (how->text != NULL)
		*(const char **)member = how->text;
	else if (how->size == sizeof(uint64_t))
		*(uint64_t *)member = how->number;
	else
		*(uint32_t *)member = (uint32_t)how->number;
}

/* What a larger count lets in: a second thing of the same name. */
static void double_up(struct specs *k)
{
	static uint8_t user_data[USER_DATA_MAX + 1];

	k->clients_again = k->clients;
	k->clients_again.description = (char *)"again";
	k->rules[2] = &k->clients_again;
	k->cluster.tags = k->tags;
	k->target_groups[1] = &k->tg;
	k->groups[1] = &k->group;
	k->listeners[1] = &k->listener;
	k->clusters[1] = &k->cluster;
	k->cluster.user_data.data = user_data;
	k->cluster_groups[1] = k->cluster_groups[0];
	k->tg_clusters[1] = k->tg_clusters[0];
	k->subnets[1] = k->subnets[0];
	k->tags[1] = k->tags[0];
	k->volumes[1] = k->volumes[0];
}

static void what_a_node_is_asked_has_a_port_and_a_path(void **state)
{
	static const struct {
		uint32_t port, wait_s;
		const char *path, *says; /* says NULL: it is taken */
	} cases[] = {
		{ 8040, 0, "/health?x=1", NULL },
		{ 65535, 3600, "/", NULL },
		{ 0, 0, "/", "clusters[0]: health: port: port 0 is not one" },
		{ 65536, 0, "/", "clusters[0]: health: port: port 65536 is not one" },
		{ 8040, 0, "", "clusters[0]: health: path: expected a path" },
		{ 8040, 0, "/a/../b", "clusters[0]: health: path: expected a path" },
		{ 8040, 3601, "/", "clusters[0]: drain: wait_s: 3601 is more than 3600" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		Reeve__Control__V1__NodeEndpoint at = REEVE__CONTROL__V1__NODE_ENDPOINT__INIT;
		Reeve__Control__V1__Drain drain = REEVE__CONTROL__V1__DRAIN__INIT;
		struct err e = { 0 };
		struct specs k;

		specs_good(&k);
		at.port = cases[i].port;
		at.path = (char *)cases[i].path;
		drain.wait_s = cases[i].wait_s;
		drain.call = &at;
		k.cluster.health = &at;
		k.cluster.drain = &drain;
		assert_int_equal(spec_check(&k.s, &e) == 0, cases[i].says == NULL);
		if (cases[i].says != NULL && strstr(e.text, cases[i].says) != e.text)
			fail_msg("case %zu says: %s", i, e.text);
		k.cluster.health = NULL;
		if (cases[i].says != NULL && spec_check(&k.s, &e) == 0)
			fail_msg("case %zu: a drain may ask that", i);
	}
}

static void every_wrong_one_is_refused_with_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
		const struct wrong *how = &wrongs[i];
		struct specs k;
		struct err e = { 0 };

		specs_good(&k);
		double_up(&k);
		assert_int_equal(spec_check(&k.s, &e), 0);
		bend(&k, how);
		if (spec_check(&k.s, &e) == 0)
			fail_msg("case %zu passes: %s", i, how->says);
		if (strstr(e.text, how->says) != e.text)
			fail_msg("case %zu says: %s", i, e.text);
	}
}

static void one_volume_of_a_cluster_may_be_kept(void **state)
{
	struct specs k;
	Reeve__Control__V1__DataVolume more;
	struct err e = { 0 };

	(void)state;
	specs_good(&k);
	more = k.volume;
	more.device = (char *)"/dev/sdg";
	k.volumes[1] = &more;
	k.cluster.n_volumes = 2;
	more.keep = 1;
	assert_int_equal(spec_check(&k.s, &e), 0);
	k.volume.keep = 1;
	assert_int_equal(spec_check(&k.s, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e),
			    "clusters[0]: volumes[1]: keep: one volume of a cluster may be kept, and one before it is");
}

/* Two rules are one to EC2 whatever their spelling, and then have one description. */
static void a_rule_is_described_once_however_it_is_spelled(void **state)
{
	static const struct {
		const char *protocol, *cidr, *description;
		int32_t from, to;
		bool is_good;
	} cases[] = {
		{ "tcp", "fd00::/8", "clients", 8000, 9000, true }, /* as it is: stands twice, is one */
		{ "tcp", "fd00::/8", " clients ", 8000, 9000, true }, { "tcp", "fd00::/8", "others", 8000, 9000, false },
		{ "6", "FD00:0::/8", "others", 8000, 9000, false },   { "TCP", "fd00::/8", "", 8000, 9000, false },
		{ "tcp", "fd00::/8", "others", 8000, 9001, true },    { "udp", "fd00::/8", "others", 8000, 9000, true },
		{ "tcp", "fd00::/9", "others", 8000, 9000, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = { 0 };
		struct specs k;

		specs_good(&k);
		k.clients.cidr = (char *)"fd00::/8";
		k.clients.description = (char *)"clients";
		k.clients_again = k.clients;
		k.clients_again.protocol = (char *)cases[i].protocol;
		k.clients_again.cidr = (char *)cases[i].cidr;
		k.clients_again.description = (char *)cases[i].description;
		k.clients_again.from_port = cases[i].from;
		k.clients_again.to_port = cases[i].to;
		k.rules[2] = &k.clients_again;
		k.group.n_rules = 3;
		if ((spec_check(&k.s, &e) == 0) != cases[i].is_good)
			fail_msg("case %zu: %s", i, err_text(&e));
		k.clients_again.direction = REEVE__CONTROL__V1__DIRECTION__EGRESS;
		assert_int_equal(spec_check(&k.s, &e), 0);
	}
}

/* Blocks of the other family, and every protocol with what it may have. */
static void icmp_goes_with_the_family_of_its_block(void **state)
{
	static const struct {
		const char *protocol, *cidr;
		bool is_good;
	} cases[] = {
		{ "icmp", "10.0.0.0/16", true }, { "icmpv6", "fd00::/8", true },     { "58", "fd00::/8", true },
		{ "icmp", "fd00::/8", false },   { "icmpv6", "10.0.0.0/16", false }, { "-1", "fd00::/8", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = { 0 };
		struct specs k;

		specs_good(&k);
		k.clients.protocol = (char *)cases[i].protocol;
		k.clients.cidr = (char *)cases[i].cidr;
		k.clients.from_port = k.clients.to_port = -1;
		if ((spec_check(&k.s, &e) == 0) != cases[i].is_good)
			fail_msg("case %zu: %s", i, err_text(&e));
	}
}

static void names_in_aws_are_stable_short_and_one_of_a_kind(void **state)
{
	char a[33], b[33], group[256];

	(void)state;
	spec_short_name("inst-1", "wh-1", "lb", "main", a);
	spec_short_name("inst-1", "wh-1", "lb", "main", b);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), 27);
	assert_int_equal(strspn(a, "abcdefghijklmnopqrstuvwxyz0123456789-"), 27);
	spec_short_name("inst-1", "wh-1", "tg", "main", b);
	assert_string_not_equal(a, b);
	spec_short_name("inst-2", "wh-1", "lb", "main", b);
	assert_string_not_equal(a, b);
	spec_group_name("velodb", "inst-1", "wh-1", "node", group);
	assert_string_equal(group, "velodb-inst-1-wh-1-node");
}

#define LONGEST "a23456789-123456789-123456789-1" /* and one more: as long as a name may be */

/* What is shortened keeps all in which two names differ, and nothing is cut off. */
static void names_that_differ_in_one_character_make_two(void **state)
{
	static const char *const names[][2] = { { LONGEST "1", LONGEST "1" }, { LONGEST "1", LONGEST "2" },
						{ LONGEST "2", LONGEST "1" }, { "wh", "1-node" },
						{ "wh-1", "node" },           { "wh-1-node", "1" } };
	char shorts[ARRAY_LEN(names)][33], groups[ARRAY_LEN(names)][256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		spec_short_name(LONGEST "1", names[i][0], "lb", names[i][1], shorts[i]);
		spec_group_name(LONGEST "1", LONGEST "1", names[i][0], names[i][1], groups[i]);
		assert_true(strlen(groups[i]) < 255);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(shorts[i], shorts[k]);
		for (size_t k = 0; k < i && i < 3; k++)
			assert_string_not_equal(groups[i], groups[k]);
	}
	assert_string_equal(groups[3], groups[4]); /* of two warehouses: the planner refuses the second (test_planner_group) */
}

static void a_target_group_is_behind_one_balancer(void **state)
{
	Reeve__Control__V1__LoadBalancer second;
	struct err e = { 0 };
	struct specs k;

	(void)state;
	specs_good(&k);
	second = k.lb;
	second.name = (char *)"second";
	k.lbs[1] = &second;
	k.s.n_load_balancers = 2;
	assert_int_equal(spec_check(&k.s, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), "load_balancers[1]: listeners[0]: target_group: \"sql\" is behind main already, and one "
					  "load balancer may lead to it");
	second.n_listeners = 0;
	assert_int_equal(spec_check(&k.s, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one_passes),
		cmocka_unit_test(a_target_group_is_behind_one_balancer),
		cmocka_unit_test(every_wrong_one_is_refused_with_its_place),
		cmocka_unit_test(what_a_node_is_asked_has_a_port_and_a_path),
		cmocka_unit_test(one_volume_of_a_cluster_may_be_kept),
		cmocka_unit_test(icmp_goes_with_the_family_of_its_block),
		cmocka_unit_test(a_rule_is_described_once_however_it_is_spelled),
		cmocka_unit_test(names_that_differ_in_one_character_make_two),
		cmocka_unit_test(names_in_aws_are_stable_short_and_one_of_a_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
