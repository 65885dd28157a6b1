/* test_bounds.c - what the file may say of how much, and what it denies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/faults.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/base/yaml.h"
#include "agent/ops/bounds.h"
#include "agent/ops/steps/catalogue.h"

#define HEX_IN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX_OUT "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_IN "arn:aws:kms:us-east-1:123456789012:key/abc"

static const char good[] = "instance_types: [r6i.large, r6i.xlarge]\nimages: [ami-1]\nsubnets: [subnet-1]\n"
			   "nodes_per_cluster: 4\nnodes_total: 6\ninstance_profiles: [node]\nuser_data_sha256: [" HEX_IN "]\n"
			   "kms_keys: [" KEY_IN "]\nvolumes_per_node: 2\nvolume_types: [gp3]\nvolume_gib: 200\niops: 6000\n"
			   "throughput: 500\ncidrs: [10.0.0.0/8]\nports: [443, 8000-9000]\nwarehouses: [wh-1]\nbalancers: 1\n"
			   "tag_keys: [sdb-*]\nprefix_lists: [pl-1]\negress_cidrs: [10.9.0.0/16]\negress_prefix_lists: [pl-9]\n"
			   "node_http: [{port: 8040, path: /health}, {port: 8050-8059, path: /api/*}]\n";

static int read_text(const char *text, struct bounds *b, struct err *e)
{
	CLEANUP(yaml_close) struct yaml *y = NULL;
	struct faults f = { 0 };

	*b = (struct bounds){ 0 };
	TRY(yaml_parse("policy.yaml", text, strlen(text), &y, e));
	bounds_read(yaml_root(y), b, &f);
	return faults_first(&f, e);
}

static const struct {
	const struct bound *of;
	const char *in, *out, *says;
} names[] = {
	{ &bound_instance_types, "r6i.large", "p5.48xlarge", "bounds.instance_types does not hold p5.48xlarge" },
	{ &bound_subnets, "subnet-1", "subnet-11", "bounds.subnets does not hold subnet-11" },
	{ &bound_instance_profiles, "node", "admin", "bounds.instance_profiles does not hold admin" },
	{ &bound_user_data, HEX_IN, HEX_OUT, "bounds.user_data_sha256 does not hold " HEX_OUT },
	{ &bound_kms_keys, KEY_IN, "alias/mine", "bounds.kms_keys does not hold alias/mine (a spec names a key by its whole ARN)" },
	{ &bound_volume_types, "gp3", "io2", "bounds.volume_types does not hold io2" },
	{ &bound_tag_keys, "sdb-cluster-id", "team", "bounds.tag_keys does not hold team" },
	{ &bound_warehouses, "wh-1", "wh-2", "bounds.warehouses does not hold wh-2" },
};

static const struct {
	const struct bound *of;
	uint32_t most;
	const char *says;
} counts[] = {
	{ &bound_nodes_per_cluster, 4, "bounds.nodes_per_cluster is 4, the plan makes 5" },
	{ &bound_volume_gib, 200, "bounds.volume_gib is 200, the plan wants 201" },
	{ &bound_volumes_per_node, 2, "bounds.volumes_per_node is 2, the plan wants 3" },
	{ &bound_iops, 6000, "bounds.iops is 6000, the plan wants 6001" },
	{ &bound_throughput, 500, "bounds.throughput is 500, the plan wants 501" },
	{ &bound_balancers, 1, "bounds.balancers is 1, the plan makes 2" },
};

static void judged(const struct bounds *b, struct demand *d, uint32_t now, const char *says)
{
	struct err e = { 0 };
	int rc = bounds_judge(b, d, now, &e);

	if (rc != (says == NULL ? 0 : -ERR_DENIED))
		fail_msg("expected %s, got %d %s", says != NULL ? says : "yes", rc, e.text);
	if (says != NULL && strstr(e.text, says) == NULL)
		fail_msg("expected %s, it says: %s", says, e.text);
	demand_close(d);
}

static void each_list_and_number_denies_what_lies_beyond_it_and_says_which(void **state)
{
	struct demand nodes = { 0 };
	struct bounds b;

	(void)state;
	assert_int_equal(read_text(good, &b, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct demand d = { 0 };

		demand_name(&d, names[i].of, names[i].in);
		judged(&b, &d, 0, NULL);
		demand_name(&d, names[i].of, names[i].out);
		judged(&b, &d, 0, names[i].says);
	}
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct demand d = { 0 };

		demand_count(&d, counts[i].of, counts[i].most);
		judged(&b, &d, 0, NULL);
		demand_count(&d, counts[i].of, counts[i].most + 1);
		judged(&b, &d, 0, counts[i].says);
	}
	demand_add(&nodes, &bound_nodes_total, 2);
	judged(&b, &nodes, 4, NULL);
	demand_add(&nodes, &bound_nodes_total, 1);
	demand_add(&nodes, &bound_nodes_total, 2); /* of another step */
	judged(&b, &nodes, 4, "bounds.nodes_total is 6, the plan makes 7");
	judged(&b, &(struct demand){ 0 }, 100, NULL);
	bounds_close(&b);
}

static void a_rule_must_lie_in_a_block_and_in_a_range_of_ports(void **state)
{
	static const struct {
		struct demand_rule r;
		const char *says;
	} cases[] = {
		{ { "10.1.0.0/16", 8000, 8500, "tcp", false }, NULL },
		{ { "", 0, 65535, "tcp", false }, NULL },
		{ { "0.0.0.0/0", 8000, 8500, "tcp", false }, "bounds.cidrs does not hold 0.0.0.0/0" },
		{ { "10.1.0.0/16", 22, 22, "tcp", false }, "bounds.ports does not hold tcp 22-22" },
		{ { "10.1.0.0/16", -1, -1, "-1", false }, "bounds.ports does not hold -1" },
		{ { "pl-1", 8000, 8500, "tcp", false }, NULL },
		{ { "pl-9", 8000, 8500, "tcp", false }, "bounds.prefix_lists does not hold pl-9" },
		{ { "10.9.1.0/24", 5432, 5432, "tcp", true }, NULL },
		{ { "10.1.0.0/16", 443, 443, "tcp", true }, "bounds.egress_cidrs does not hold 10.1.0.0/16" },
		{ { "0.0.0.0/0", -1, -1, "-1", true }, "bounds.egress_cidrs does not hold 0.0.0.0/0" },
		{ { "pl-9", 443, 443, "tcp", true }, NULL },
		{ { "pl-1", 443, 443, "tcp", true }, "bounds.egress_prefix_lists does not hold pl-1" },
		{ { "10.1.0.0/16", 8000, 8500, "icmp", false }, "bounds.ports does not hold icmp" }, /* types are no ports */
		{ { "10.1.0.0/16", -1, -1, "icmpv6", false }, "bounds.ports does not hold icmpv6" },
	};
	struct demand icmp = { 0 };
	struct bounds b;

	(void)state;
	assert_int_equal(read_text(good, &b, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct demand d = { 0 };

		demand_rule(&d, &cases[i].r);
		judged(&b, &d, 0, cases[i].says);
	}
	bounds_close(&b);
	assert_int_equal(read_text("cidrs: [10.0.0.0/8]\nports: [0-65535]\n", &b, NULL), 0);
	demand_rule(&icmp, &(struct demand_rule){ "10.1.0.0/16", 8, 0, "icmp", false });
	judged(&b, &icmp, 0, NULL);
	bounds_close(&b);
}

static void an_image_is_allowed_by_its_id_or_by_whose_it_is(void **state)
{
	static const struct {
		const char *list;
		struct demand_image i;
		bool ok;
	} cases[] = {
		{ "ami-1", { "ami-1", "111122223333", "" }, true },
		{ "ami-1", { "ami-2", "111122223333", "" }, false },
		{ "\"owner:111122223333\"", { "ami-2", "111122223333", "" }, true },
		{ "\"owner:111122223333\"", { "ami-2", "111122223334", "amazon" }, false },
		{ "\"owner:amazon\"", { "ami-2", "137112412989", "amazon" }, true },
		{ "\"owner:amazon\"", { "ami-2", "137112412989", "" }, false },
		{ "\"owner:aws-marketplace\"", { "ami-2", "679593333241", "aws-marketplace" }, true },
		{ "ami-1", { "ami-1", "", "" }, true },
		{ "\"owner:amazon\"", { "amazon", "", "" }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(mem_close) char *text = mem_printf("images: [%s]\n", cases[i].list);
		struct demand d = { 0 };
		struct bounds b;

		assert_int_equal(read_text(text, &b, NULL), 0);
		demand_image(&d, &cases[i].i);
		judged(&b, &d, 0, cases[i].ok ? NULL : "bounds.images does not hold ");
		bounds_close(&b);
	}
}

static void a_bound_that_is_not_given_allows_nothing_of_its_kind_and_is_named(void **state)
{
	struct bounds b;
	const char *name, *stops;
	size_t n = 0;

	(void)state;
	assert_int_equal(read_text("images: [ami-1]\nuser_data_sha256: [any]\n", &b, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct demand d = { 0 };

		demand_name(&d, names[i].of, names[i].in);
		judged(&b, &d, 0, names[i].of == &bound_user_data ? NULL : "does not hold");
	}
	while (bounds_missing(&b, n, &name, &stops)) {
		assert_string_not_equal(name, "images");
		assert_string_not_equal(name, "user_data_sha256");
		assert_true(*stops != '\0');
		n++;
	}
	assert_int_equal(n, 20);
	bounds_close(&b);
	assert_int_equal(read_text(good, &b, NULL), 0);
	assert_false(bounds_missing(&b, 0, &name, &stops));
	bounds_close(&b);
}

static void what_nodes_are_asked_is_held_by_port_and_path(void **state)
{
	static const struct {
		uint32_t port;
		const char *path;
		bool ok;
	} cases[] = {
		{ 8040, "/health", true },        { 8040, "/health?x=1", false },
		{ 8040, "/healthy", false },      { 8041, "/health", false },
		{ 8040, "/api/x", false },        { 8050, "/api/drain", true },
		{ 8059, "/api/", true },          { 8060, "/api/drain", false },
		{ 8050, "/apix", false },         { 8050, "/", false },
		{ 8050, "/api/*", true },         { 0, "", false },
		{ UINT32_MAX, "/health", false },
	};
	struct bounds b;

	(void)state;
	assert_int_equal(read_text(good, &b, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct demand d = { 0 };

		demand_endpoint(&d, &(struct demand_endpoint){ cases[i].port, cases[i].path });
		judged(&b, &d, 0, cases[i].ok ? NULL : "bounds.node_http does not hold port ");
	}
	bounds_close(&b);
	assert_int_equal(read_text("images: [ami-1]\n", &b, NULL), 0);
	judged(&b, &(struct demand){ 0 }, 0, NULL);
	bounds_close(&b);
}

static void a_member_that_names_nothing_is_told_with_its_line(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "images: [\"*\"]\n", "expected an image (ami-...) or whose images" },
		{ "images: [\"owner:*\"]\n", "expected an image (ami-...) or whose images" },
		{ "images: [\"owner:self\"]\n", "expected an image (ami-...) or whose images" },
		{ "node_http: [8040]\n", "a mapping" },
		{ "node_http: [{port: 8040}]\n", "path" },
		{ "node_http: [{path: /health}]\n", "port" },
		{ "node_http: [{port: 8040, path: health}]\n", "a path such as /api/health" },
		{ "node_http: [{port: 8040, path: \"*\"}]\n", "a path such as /api/health" },
		{ "node_http: [{port: 8040, path: /a*b}]\n", "a path such as /api/health" },
		{ "node_http: [{port: 8040, path: /a/../b}]\n", "a path such as /api/health" },
		{ "node_http: [{port: 9000-8000, path: /health}]\n", "a port such as 443" },
		{ "node_http: [{port: 8040, path: /health, host: x}]\n", "host" },
		{ "images: [\"owner:12345678901\"]\n", "expected an image (ami-...) or whose images" },
		{ "egress_prefix_lists: [com.amazonaws.us-east-1.s3]\n", "expected the id of a prefix list" },
		{ "egress_cidrs: [pl-1]\n", "expected an address block" },
		{ "a: 1\n", "key \"a\" is not known" },
		{ "subnets:\n  - subnet-1\n  - vpc-1\n", "policy.yaml:3: found \"vpc-1\", expected the id of a subnet" },
		{ "kms_keys: [alias/mine]\n", "expected the ARN of a key" },
		{ "kms_keys: ['arn:aws:kms:us-east-1:123456789012:alias/mine']\n", "expected the ARN of a key" },
		{ "kms_keys: ['arn:aws:kms:us-east-1:123456789012:key/*']\n", "expected the ARN of a key" },
		{ "user_data_sha256: [abc]\n", "expected 64 hex digits, or any" },
		{ "warehouses: [\"*\"]\n", "expected the id of a warehouse" },
		{ "volume_types: [fast]\n", "expected a volume type" },
		{ "instance_profiles: ['']\n", "expected a text" },
		{ "instance_profiles: ['arn:aws:iam::1:instance-profile/x']\n", "expected the name of an instance profile" },
		{ "instance_types: [r6i]\n", "expected an instance type" },
		{ "instance_types: ['r6i.*']\n", "expected an instance type" },
		{ "tag_keys: ['a;b']\n", "expected a tag key" },
		{ "tag_keys: [' team']\n", "expected a tag key" },
		{ "tag_keys: ['Reeve:*']\n", "expected a tag key" },
		{ "iops: -1\n", "expected a number" },
		{ "cidrs: [10.0.0.1/8]\n", "expected an address block" },
		{ "ports: [70000]\n", "expected a port" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = { 0 };
		struct bounds b;

		assert_int_not_equal(read_text(cases[i].text, &b, &e), 0);
		if (strstr(e.text, cases[i].says) == NULL)
			fail_msg("case %zu says: %s", i, e.text);
		bounds_close(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_list_and_number_denies_what_lies_beyond_it_and_says_which),
		cmocka_unit_test(a_rule_must_lie_in_a_block_and_in_a_range_of_ports),
		cmocka_unit_test(an_image_is_allowed_by_its_id_or_by_whose_it_is),
		cmocka_unit_test(a_bound_that_is_not_given_allows_nothing_of_its_kind_and_is_named),
		cmocka_unit_test(what_nodes_are_asked_is_held_by_port_and_path),
		cmocka_unit_test(a_member_that_names_nothing_is_told_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
