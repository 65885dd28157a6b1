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

static void bend(struct specs *k, int how)
{
	static Reeve__Control__V1__Rule none;
	static uint8_t user_data[16385];

	switch (how) {
	case 0:
		k->s.warehouse = (char *)"Wh_1";
		break;
	case 1:
		k->s.warehouse = (char *)"";
		break;
	case 2:
		k->s.generation = 0;
		break;
	case 3:
		k->s.vpc_id = (char *)"vpc/1";
		break;
	case 4:
		k->group.name = (char *)"no de";
		break;
	case 5:
		k->group.description = (char *)"";
		break;
	case 6:
		k->clients.cidr = (char *)"10.0.0.1/16";
		break;
	case 7:
		k->clients.to_port = 70000;
		break;
	case 8:
		k->clients.from_port = 9001;
		break;
	case 9:
		k->clients.protocol = (char *)"gre";
		break;
	case 10:
		reeve__control__v1__rule__init(&none), none.protocol = (char *)"tcp", k->rules[1] = &none;
		break;
	case 11:
		k->self.self = 0;
		break;
	case 12:
		k->groups[1] = &k->group, k->s.n_security_groups = 2;
		break;
	case 13:
		k->cluster.name = (char *)"-be";
		break;
	case 14:
		k->cluster.nodes = 101;
		break;
	case 15:
		k->cluster.instance_type = (char *)"";
		break;
	case 16:
		k->cluster.image_id = (char *)"i-1";
		break;
	case 17:
		k->cluster.subnet_id = (char *)"subnet-";
		break;
	case 18:
		k->cluster_groups[0] = (char *)"other";
		break;
	case 19:
		k->cluster.n_security_groups = 0;
		break;
	case 20:
		k->volume.type = (char *)"st1";
		break;
	case 21:
		k->volume.size_gib = 0;
		break;
	case 22:
		k->volume.size_gib = 20000;
		break;
	case 23:
		k->volume.device = (char *)"/dev/s\ndf";
		break;
	case 24:
		k->cluster.user_data = (ProtobufCBinaryData){ sizeof(user_data), user_data };
		break;
	case 25:
		k->tg.port = 0;
		break;
	case 26:
		k->tg.protocol = (char *)"HTTP";
		break;
	case 27:
		k->tg_clusters[0] = (char *)"fe";
		break;
	case 28:
		k->lb.internal = 0;
		break;
	case 29:
		k->lb.n_subnet_ids = 0;
		break;
	case 30:
		k->listener.target_group = (char *)"web";
		break;
	case 31:
		k->listener.port = 65536;
		break;
	case 32:
		k->listeners[1] = &k->listener, k->lb.n_listeners = 2;
		break;
	case 33:
		k->tag.key = (char *)"reeve:installation";
		break;
	case 34:
		k->tag.key = (char *)"resource-created-by";
		break;
	case 35:
		k->tag.key = (char *)"aws:x";
		break;
	case 36:
		k->tag.value = (char *)"\xc3\x28";
		break;
	case 37:
		k->clusters[1] = &k->cluster, k->s.n_clusters = 2;
		break;
	case 38:
		k->s.n_clusters = 33;
		break;
	case 39:
		k->tag.value = (char *)"@sg.node";
		break;
	case 40:
		k->clients.description = (char *)"@lb.main";
		break;
	default:
		break;
	}
}

static void every_wrong_one_is_refused_with_its_place(void **state)
{
	static const char *const says[] = {
		"warehouse",
		"warehouse",
		"generation",
		"vpc_id",
		"security_groups[0]: name",
		"security_groups[0]: description",
		"security_groups[0]: rules[1]: cidr",
		"security_groups[0]: rules[1]: ports",
		"security_groups[0]: rules[1]: ports",
		"security_groups[0]: rules[1]: protocol",
		"security_groups[0]: rules[1]: a source",
		"security_groups[0]: rules[0]: a source",
		"security_groups[1]: name",
		"clusters[0]: name",
		"clusters[0]: nodes",
		"clusters[0]: instance_type",
		"clusters[0]: image_id",
		"clusters[0]: subnet_id",
		"clusters[0]: security_groups[0]",
		"clusters[0]: security_groups",
		"clusters[0]: volumes[0]: type",
		"clusters[0]: volumes[0]: size_gib",
		"clusters[0]: volumes[0]: size_gib",
		"clusters[0]: volumes[0]: device",
		"clusters[0]: user_data",
		"target_groups[0]: port",
		"target_groups[0]: protocol",
		"target_groups[0]: clusters[0]",
		"load_balancers[0]: internal",
		"load_balancers[0]: subnet_ids",
		"load_balancers[0]: listeners[0]: target_group",
		"load_balancers[0]: listeners[0]: port",
		"load_balancers[0]: listeners[1]: port 9030 stands twice",
		"tags: key",
		"tags: key",
		"tags: key",
		"tags value",
		"clusters[1]: name",
		"clusters: found 33",
		"tags value: a leading @",
		"security_groups[0]: rules[1]: description: a leading @",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(says); i++) {
		struct specs k;
		struct err e = { 0 };

		specs_good(&k);
		bend(&k, (int)i);
		if (spec_check(&k.s, &e) == 0)
			fail_msg("case %zu passes", i);
		if (strstr(e.text, says[i]) != e.text)
			fail_msg("case %zu says: %s", i, e.text);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one_passes),
		cmocka_unit_test(every_wrong_one_is_refused_with_its_place),
		cmocka_unit_test(names_in_aws_are_stable_short_and_one_of_a_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
