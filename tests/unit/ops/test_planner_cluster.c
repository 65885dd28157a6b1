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

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(growing_launches_what_is_missing_under_the_same_step_name),
		DESK_TEST(terminated_nodes_are_not_nodes),
		DESK_TEST(shrinking_takes_the_youngest_and_without_data_volumes_is_not_high_risk),
		DESK_TEST(shrinking_is_high_risk_when_a_node_that_goes_has_data_volumes),
		DESK_TEST(leaving_a_cluster_without_nodes_is_high_risk),
		DESK_TEST(user_data_goes_with_the_hash_of_its_bytes_and_only_the_specs_own_tags_count),
		DESK_TEST(another_instance_type_is_said_to_be_not_yet_and_never_pretended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
