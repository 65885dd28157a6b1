/* test_planner_cluster.c - the nodes of a cluster: which come, which stay, which go. */
#include "tests/unit/ops/desk.h"

static void growing_launches_what_is_missing_under_the_same_step_name(void **state)
{
	struct desk *d = *state;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	desk_add_node(d, "i-1", "be", "running");
	d->k.cluster.nodes = 3;
	p = desk_apply(d);
	assert_non_null(strstr(desk_steps(p), "cluster-be/launch cluster-be/up"));
	assert_int_equal(json_int_or(p->v[1].steps[0].args, "count", 0), 2);
	assert_int_equal(json_int_or(p->v[1].steps[0].args, "held", 0), 1);
	plans_free(p);
}

static void terminated_nodes_are_not_nodes(void **state)
{
	struct desk *d = *state;
	struct plans *p;

	desk_add_node(d, "i-1", "be", "terminated");
	desk_add_node(d, "i-2", "be", "shutting-down");
	p = desk_apply(d);
	assert_int_equal(json_int_or(p->v[1].steps[0].args, "count", 0), 2);
	plans_free(p);
}

static void shrinking_takes_the_youngest_and_without_data_volumes_is_not_high_risk(void **state)
{
	struct desk *d = *state;
	const struct plan *where;
	struct plans *p;
	const json_t *ids;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = 0;
	d->k.cluster.nodes = 1;
	desk_add_node(d, "i-2", "be", "running");
	desk_add_node(d, "i-1", "be", "running");
	p = desk_apply(d);
	assert_string_equal(desk_steps(p), "cluster-be/terminate cluster-be/gone");
	ids = json_object_get(p->v[0].steps[0].args, "instances");
	assert_int_equal(json_array_size(ids), 1);
	assert_string_equal(json_string_value(json_array_get(ids, 0)), "i-2");
	assert_null(plans_high(p, &where));
	plans_free(p);
}

static void shrinking_is_high_risk_when_a_node_that_goes_has_data_volumes(void **state)
{
	static const struct {
		uint32_t of_old, of_young;
		const char *state;
		int volumes;
		bool is_high;
	} cases[] = {
		{ 2, 0, "running", 0, false }, /* those that stay do not count */
		{ 0, 2, "running", 2, true },
		{ 0, 0, "pending", 0, true }, /* it may have some: EC2 does not show them yet */
		{ 0, 1, "stopped", 1, true },
	};
	struct desk *d = *state;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = 0;
	d->k.cluster.nodes = 1;
	desk_add_node(d, "i-1", "be", "running");
	desk_add_node(d, "i-2", "be", "running");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct plan *where;
		struct plans *p;

		d->inv->instances.v[0].data_volumes = cases[i].of_old;
		d->inv->instances.v[1].data_volumes = cases[i].of_young;
		d->inv->instances.v[1].state = cases[i].state;
		p = desk_apply(d);
		assert_string_equal(desk_steps(p), "cluster-be/terminate cluster-be/gone");
		assert_int_equal(json_int_or(p->v[0].steps[0].args, "volumes", 0), cases[i].volumes);
		assert_int_equal(plans_high(p, &where) != NULL, cases[i].is_high);
		plans_free(p);
	}
}

static void leaving_a_cluster_without_nodes_is_high_risk(void **state)
{
	struct desk *d = *state;
	const struct plan *where;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = 0;
	desk_add_node(d, "i-1", "be", "running");
	d->k.cluster.nodes = 0;
	p = desk_apply(d);
	assert_string_equal(plans_high(p, &where)->name, "terminate");
	plans_free(p);
	d->k.s.n_clusters = 0;
	p = desk_apply(d);
	assert_string_equal(plans_high(p, &where)->name, "terminate");
	assert_string_equal(where->name, "cluster-be");
	plans_free(p);
}

static void another_instance_type_is_said_to_be_not_yet_and_never_pretended(void **state)
{
	struct desk *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	desk_add_node(d, "i-1", "be", "running");
	d->k.cluster.instance_type = (char *)"r6i.large";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "changing instance_type to r6i.large is not available yet"));
	assert_null(p);
}

static void user_data_goes_with_the_hash_of_its_bytes_and_only_the_specs_own_tags_count(void **state)
{
	struct desk *d = *state;
	struct demand need = { 0 };
	struct plans *p;

	d->k.cluster.user_data = (ProtobufCBinaryData){ 3, (uint8_t *)"abc" };
	p = desk_apply(d);
	plans_demand(p, &need);
	assert_int_equal(need.named[DEMAND_USER_DATA].n, 1);
	assert_string_equal(need.named[DEMAND_USER_DATA].v[0],
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-2, B.1 */
	assert_int_equal(need.named[DEMAND_TAG_KEY].n, 1);
	assert_string_equal(need.named[DEMAND_TAG_KEY].v[0], "sdb-cluster-id");
	demand_close(&need);
	plans_free(p);
	d->k.tag.key = (char *)"Name"; /* a name that the spec gives is the spec's */
	p = desk_apply(d);
	plans_demand(p, &need);
	assert_string_equal(need.named[DEMAND_TAG_KEY].v[0], "Name");
	demand_close(&need);
	plans_free(p);
}

static void refused(struct desk *d, const char *says)
{
	struct plans *p = NULL;
	struct err e = { 0 };

	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	if (strstr(e.text, says) == NULL)
		fail_msg("expected \"%s\", it says: %s", says, e.text);
	assert_non_null(p); /* for the policy to be asked */
	plans_free(p);
}

static void an_image_that_cannot_be_bounded_is_not_started(void **state)
{
	struct desk *d = *state;

	d->k.cluster.image_id = (char *)"ami-9";
	refused(d, "cluster be: ami-9 is no image that AWS shows");
	d->k.cluster.image_id = (char *)"ami-2";
	refused(d, "cluster be: image ami-2 maps /dev/sdz beside its root");
	d->k.cluster.image_id = (char *)"ami-3";
	refused(d, "cluster be: image ami-3 has no EBS root volume");
	d->k.cluster.image_id = (char *)"ami-1";
	d->k.volume.device = (char *)"/dev/xvda";
	refused(d, "cluster be: volumes[0]: /dev/xvda is the root of image ami-1");
}

static void a_subnet_is_one_of_the_specs_vpc(void **state)
{
	struct desk *d = *state;

	d->k.cluster.subnet_id = (char *)"subnet-9";
	refused(d, "cluster be: subnet-9 is a subnet of vpc-9, the spec's vpc_id is vpc-1");
	d->k.cluster.subnet_id = (char *)"subnet-7";
	refused(d, "cluster be: subnet-7 is no subnet that AWS shows");
	d->k.cluster.subnet_id = (char *)"subnet-1";
	d->k.subnets[0] = (char *)"subnet-9";
	refused(d, "load balancer main: subnet-9 is a subnet of vpc-9");
}

/* What is there already is not asked about: an image that is gone does not stop the nodes that were made from it. */
static void nodes_that_stand_need_no_image(void **state)
{
	struct desk *d = *state;
	struct plans *p;

	desk_add_node(d, "i-1", "be", "running");
	desk_add_node(d, "i-2", "be", "running");
	d->inv->images.n = 0;
	p = desk_apply(d);
	assert_null(strstr(desk_steps(p), "launch"));
	plans_free(p);
}

static void a_plan_shows_what_starts_as_aws_tells_it(void **state)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(65536);
	struct desk *d = *state;
	struct plans *p = desk_apply(d);

	plans_print(p, &text);
	assert_non_null(strstr(buf_str(&text), "ami-1, subnet-1 in us-east-1a"));
	assert_non_null(strstr(buf_str(&text), "      image \"al2023\" of 137112412989 amazon\n"));
	plans_free(p);
}

/* A fact begins with @; a name that somebody gave an image may as well. */
static void what_aws_tells_is_never_taken_for_a_fact(void **state)
{
	struct ec2_image image = { "ami-1", "@corp/base", "137112412989", "@x", "/dev/xvda", "ebs", 8, NULL };
	struct desk *d = *state;
	json_t *facts = json_object(), *resolved = NULL;
	struct plans *p;

	d->inv->images = (struct ec2_images){ &image, 1 };
	d->k.s.n_security_groups = d->k.cluster.n_security_groups = 0;
	p = desk_apply(d);
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++)
			if (p->v[i].steps[k].kind == &kind_launch) {
				assert_int_equal(facts_resolve(p->v[i].steps[k].args, facts, &resolved, NULL), 0);
				assert_string_equal(json_str_or(resolved, "image_name", ""), " @corp/base");
				json_decref(resolved);
			}
	assert_non_null(resolved);
	json_decref(facts);
	plans_free(p);
}

static void nodes_that_stand_in_another_vpc_are_told(void **state)
{
	struct desk *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	desk_add_node(d, "i-1", "be", "running");
	d->inv->instances.v[0].vpc_id = "vpc-2";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "cluster be: i-1 stands in vpc-2; changing vpc_id to vpc-1 is not available yet"));
}

static void nodes_with_disks_of_their_host_have_data(void **state)
{
	const struct plan *where = NULL;
	struct desk *d = *state;
	struct plans *p;

	for (unsigned i = 0; i < 3; i++)
		desk_add_node(d, (const char *[]){ "i-1", "i-2", "i-3" }[i], "be", "running");
	p = desk_apply(d);
	assert_null(plans_high(p, &where));
	plans_free(p);
	for (unsigned i = 0; i < 2; i++) { /* disks; a type of which AWS tells nothing */
		d->k.cluster.instance_type = (char *)(i == 0 ? "i3.large" : "x9.large");
		for (size_t k = 0; k < 3; k++)
			d->inv->instances.v[k].type = d->k.cluster.instance_type;
		p = desk_apply(d);
		assert_non_null(plans_high(p, &where));
		plans_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(growing_launches_what_is_missing_under_the_same_step_name),
		DESK_TEST(terminated_nodes_are_not_nodes),
		DESK_TEST(shrinking_takes_the_youngest_and_without_data_volumes_is_not_high_risk),
		DESK_TEST(shrinking_is_high_risk_when_a_node_that_goes_has_data_volumes),
		DESK_TEST(leaving_a_cluster_without_nodes_is_high_risk),
		DESK_TEST(user_data_goes_with_the_hash_of_its_bytes_and_only_the_specs_own_tags_count),
		DESK_TEST(an_image_that_cannot_be_bounded_is_not_started),
		DESK_TEST(a_subnet_is_one_of_the_specs_vpc),
		DESK_TEST(nodes_that_stand_need_no_image),
		DESK_TEST(a_plan_shows_what_starts_as_aws_tells_it),
		DESK_TEST(what_aws_tells_is_never_taken_for_a_fact),
		DESK_TEST(nodes_that_stand_in_another_vpc_are_told),
		DESK_TEST(nodes_with_disks_of_their_host_have_data),
		DESK_TEST(another_instance_type_is_said_to_be_not_yet_and_never_pretended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
