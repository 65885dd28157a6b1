/* test_planner.c - desired state against observed state: what is planned, in which order, and what never is. */
#include "tests/unit/ops/board.h"

static void from_nothing_everything_is_made_base_first(void **state)
{
	struct board *d = *state;
	struct plans *p = board_apply(d);

	assert_string_equal(
	    board_steps(p),
	    "base/sg-node base/noegress-node-all-0.0.0.0/0 base/noegress-node-all-::/0 base/rule-node-tcp-0-65535-self "
	    "base/rule-node-tcp-8000-9000-10.0.0.0/16 base/egress-node-all-self "
	    "base/egress-node-tcp-443-443-10.0.0.0/16 base/egress-node-tcp-443-443-pl-1 base/tg-sql base/lb-main "
	    "base/listener-main-9030 base/active-main cluster-be/launch cluster-be/up cluster-be/up-ok cluster-be/register-sql "
	    "cluster-be/healthy-sql");
	assert_int_equal(p->v[0].stage, 0);
	assert_int_equal(p->v[1].stage, 1);
	assert_int_equal(p->v[1].pivot, 3);
	assert_null(plans_high(p, &(const struct plan *){ NULL }));
	plans_free(p);
}

static void the_same_spec_and_inventory_give_the_same_hash(void **state)
{
	struct board *d = *state;
	struct plans *p = board_apply(d), *q;

	d->inv->taken_ms += 5000;
	q = board_apply(d);
	assert_true(digest_eq(&p->hash, &q->hash));
	plans_free(q);
	d->k.volume.size_gib++;
	q = board_apply(d);
	assert_false(digest_eq(&p->hash, &q->hash));
	plans_free(q);
	plans_free(p);
}

static void what_carries_other_tags_is_left_alone(void **state)
{
	struct board *d = *state;
	struct plans *p;

	board_add_node(d, "i-1", "be", "running");
	((struct ec2_tag *)d->inv->instances.v[0].tags.v)[2].value = "wh-2";
	p = NULL;
	assert_int_equal(planner_delete(&d->a, "wh-1", &p, NULL), 0);
	assert_int_equal(plans_steps(p), 0);
	plans_free(p);
}

static void a_delete_takes_clusters_first_and_needs_a_second_key(void **state)
{
	struct board *d = *state;
	const struct plan *where;
	struct plans *p = NULL;

	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "fe", "running");
	board_add_group(d, NULL, 0);
	assert_int_equal(planner_delete(&d->a, "wh-1", &p, NULL), 0);
	assert_string_equal(board_steps(p), "cluster-be/terminate cluster-be/gone cluster-fe/terminate cluster-fe/gone "
					    "base/nosg-velodb-inst-1-wh-1-node-sg-1");
	assert_int_equal(p->v[0].stage, 0);
	assert_int_equal(p->v[1].stage, 0);
	assert_int_equal(p->v[2].stage, 1);
	assert_non_null(plans_high(p, &where));
	assert_int_equal(planner_generation(d->inv, "wh-1"), 2);
	assert_int_equal(planner_nodes(d->inv), 2);
	plans_free(p);
}

static void what_a_plan_would_end_is_nodes_and_balancers_and_nothing_of_a_plan_that_is_refused(void **state)
{
	struct board *d = *state;
	struct balancers_lb lb = { .lb = { .arn = "arn:lb", .name = "rv-lb", .tags = board_tags(d, "", "1") } };
	const struct inventory_thing *ends;
	struct plans *p;
	size_t n;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	balancers_in(d->inv)->lbs = &lb;
	balancers_in(d->inv)->lbs_n = 1;
	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "running");
	board_add_node(d, "i-3", "old", "running");
	d->k.cluster.nodes = 1;
	p = board_apply(d);
	ends = planner_ends(&d->a, p, &n);
	plans_free(p);
	assert_int_equal(n, 3);
	assert_string_equal(ends[0].id, "i-2");
	assert_string_equal(ends[1].id, "i-3");
	assert_string_equal(ends[2].id, "arn:lb");
	assert_ptr_equal(ends[0].of, &resource_instance);
	assert_ptr_equal(ends[2].of, &resource_load_balancer);
	p = NULL;
	assert_int_equal(planner_delete(&d->a, "wh-1", &p, NULL), 0);
	ends = planner_ends(&d->a, p, &n);
	plans_free(p);
	assert_int_equal(n, 4);
	assert_string_equal(ends[3].id, "arn:lb");
	planner_ends(&d->a, NULL, &n);
	assert_int_equal(n, 0);
}

static void what_is_looked_up_by_name_is_what_the_spec_names_each_once(void **state)
{
	struct board *d = *state;
	Reeve__Control__V1__Cluster two = d->k.cluster;
	struct inventory_wants w;

	two.name = (char *)"fe";
	two.image_id = (char *)"ami-2";
	two.instance_type = (char *)"i3.large";
	d->k.clusters[1] = &two;
	d->k.s.n_clusters = 2;
	planner_wants(&d->a.owner, &d->k.s, &w);
	assert_int_equal(w.subnets_n, 1); /* both clusters', and the balancer's */
	assert_int_equal(w.images_n, 2);
	assert_int_equal(w.types_n, 2);
	assert_string_equal(w.types[1], "i3.large");
	assert_int_equal(w.group_names_n, 1);
	assert_string_equal(w.group_names[0], "velodb-inst-1-wh-1-node");
	planner_wants(&d->a.owner, NULL, &w);
	assert_int_equal(w.subnets_n + w.images_n + w.types_n + w.group_names_n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(from_nothing_everything_is_made_base_first),
		DESK_TEST(the_same_spec_and_inventory_give_the_same_hash),
		DESK_TEST(what_carries_other_tags_is_left_alone),
		DESK_TEST(a_delete_takes_clusters_first_and_needs_a_second_key),
		DESK_TEST(what_a_plan_would_end_is_nodes_and_balancers_and_nothing_of_a_plan_that_is_refused),
		DESK_TEST(what_is_looked_up_by_name_is_what_the_spec_names_each_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
