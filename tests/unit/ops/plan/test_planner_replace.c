/* test_planner_replace.c - nodes that others take the place of: the new one serves before the old one leaves, and nothing else
 * changes. */
#include "agent/ops/bounds.h"
#include "tests/unit/ops/serving.h"

static char *both[] = { (char *)"i-1", (char *)"i-2" };
static char *second[] = { (char *)"i-2" };

static int replace_named(struct board *d, char *const *ids, size_t n, struct plans **ret, struct err *e)
{
	const struct planner_named named = { "be", ids, n };

	d->a.verb = "nodes.replace";
	return planner_replace(&d->a, &d->k.s, &named, ret, e);
}

static struct plans *replaced(struct board *d, char *const *ids, size_t n)
{
	struct plans *p = NULL;
	struct err e = { 0 };

	if (replace_named(d, ids, n, &p, &e) != 0)
		fail_msg("%s", err_text(&e));
	return p;
}

static void assert_refused(struct board *d, char *const *ids, size_t n, int rc, const char *says)
{
	struct plans *p = NULL;
	struct err e = { 0 };

	assert_int_equal(replace_named(d, ids, n, &p, &e), rc);
	if (strstr(err_text(&e), says) == NULL)
		fail_msg("\"%s\" says nothing of \"%s\"", err_text(&e), says);
	plans_free(p);
}

static struct ec2_instance *node(struct board *d, size_t i)
{
	return &d->inv->instances.v[i];
}

/* ---- the order ---- */

static void the_old_node_leaves_when_the_new_one_is_healthy(void **state)
{
	struct plans *p = replaced(*state, second, 1);

	assert_prints(p,
		      "Plan replace-i-2 (stage 0)\n"
		      "  + launch a node of be in place of i-2    ec2:RunInstances                           1 x r6i.xlarge, "
		      "ami-1, subnet-1 in us-east-1a, gp3 100 GiB on /dev/sdf\n"
		      "      image \"al2023\" of 137112412989 amazon\n"
		      "    wait until the node of be runs         ec2:DescribeInstances                      @new.i-2\n"
		      "    wait until status checks of be pass    ec2:DescribeInstanceStatus                 @new.i-2\n"
		      "  ~ register be/sql                        elasticloadbalancing:RegisterTargets       @new.i-2 in arn:tg\n"
		      "    wait until be/sql is healthy           elasticloadbalancing:DescribeTargetHealth  @new.i-2 in arn:tg\n"
		      "  ~ deregister be/sql                      elasticloadbalancing:DeregisterTargets     i-2 in arn:tg\n"
		      "    wait until be/sql is drained           elasticloadbalancing:DescribeTargetHealth  i-2 in arn:tg\n"
		      "    see that the node of be still runs     ec2:DescribeInstances                      @new.i-2\n"
		      "    wait until status checks of be pass    ec2:DescribeInstanceStatus                 @new.i-2\n"
		      "    see that be/sql is still healthy       elasticloadbalancing:DescribeTargetHealth  @new.i-2 in arn:tg\n"
		      "    -- point of no return: what follows is not taken back --\n"
		      "  - terminate nodes of be                  ec2:TerminateInstances                     i-2\n"
		      "    wait until nodes of be are terminated  ec2:DescribeInstances                      i-2\n"
		      "\n"
		      "1 to make, 2 to change, 1 to remove.\n");
	plans_free(p);
}

static void nodes_are_replaced_one_after_the_other(void **state)
{
	struct plans *p = replaced(*state, both, 2);

	assert_int_equal(p->n, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(p->v[i].stage, i);
		/* Up to its end it can be taken back. */
		assert_string_equal(p->v[i].steps[p->v[i].pivot].name, "terminate");
		assert_string_equal(p->v[i].steps[4].name, "healthy-sql");
		assert_string_equal(p->v[i].steps[5].name, "deregister-sql");
	}
	assert_string_equal(ids_of(step_of(p, "replace-i-1", "terminate")), "i-1");
	assert_string_equal(ids_of(step_of(p, "replace-i-2", "terminate")), "i-2");
	plans_free(p);
}

/* Draining takes up to an hour, in which the new node may have died. */
static void the_new_node_is_looked_at_again_before_the_old_one_ends(void **state)
{
	struct plans *p = replaced(*state, second, 1);
	const char *steps = board_steps(p);
	const char *end = strstr(steps, "replace-i-2/terminate");

	assert_non_null(end);
	assert_true(strstr(steps, "replace-i-2/drained-sql") < strstr(steps, "replace-i-2/still-up "));
	assert_true(strstr(steps, "replace-i-2/still-up-ok") < strstr(steps, "replace-i-2/still-healthy-sql"));
	assert_true(strstr(steps, "replace-i-2/still-healthy-sql") < end);
	assert_string_equal(ids_of(step_of(p, "replace-i-2", "still-healthy-sql")), "@new.i-2");
	plans_free(p);
}

static void where_no_listener_leads_a_node_that_runs_is_enough(void **state)
{
	struct board *d = *state;
	struct plans *p;

	balancers_in(d->inv)->lbs[0].listeners.n = 0;
	d->k.lb.n_listeners = 0;
	p = replaced(d, second, 1);
	assert_string_equal(
	    board_steps(p),
	    "replace-i-2/launch replace-i-2/up replace-i-2/up-ok replace-i-2/register-sql replace-i-2/deregister-sql "
	    "replace-i-2/drained-sql replace-i-2/still-up replace-i-2/still-up-ok replace-i-2/terminate replace-i-2/gone");
	plans_free(p);
}

/* ---- nodes that do not serve ---- */

static void one_that_is_stopped_is_replaced_like_any_other(void **state)
{
	struct board *d = *state;
	struct plans *p;

	node(d, 1)->state = "stopped";
	p = replaced(d, second, 1);
	assert_string_equal(ids_of(step_of(p, "replace-i-2", "terminate")), "i-2");
	plans_free(p);
}

static void one_that_has_ended_only_has_another_launched_and_comes_first(void **state)
{
	static const char *const ends[] = { "terminated", "shutting-down", "not shown" };
	struct board *d = *state;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct plans *p;

		node(d, 1)->state = ends[i];
		if (i == 2)
			d->inv->instances.n = 1;
		p = replaced(d, both, 2);
		assert_string_equal(p->v[0].name, "replace-i-2");
		assert_int_equal(p->v[0].n, 5);
		assert_null(json_object_get(p->v[0].steps[0].args, "instead"));
		assert_string_equal(p->v[1].name, "replace-i-1");
		assert_int_equal(p->v[1].stage, 1);
		assert_int_equal(json_array_size(json_object_get(p->json, "notes")), i == 2);
		plans_free(p);
	}
}

static void the_new_node_stands_where_the_old_one_did(void **state)
{
	static struct ec2_subnet subnets[] = { { .id = "subnet-1", .vpc_id = "vpc-1", .zone = "us-east-1a" },
					       { .id = "subnet-2", .vpc_id = "vpc-1", .zone = "us-east-1b" } };
	static const char *in_lb[] = { "subnet-1", "subnet-2" };
	struct board *d = *state;
	struct plans *p;
	const struct step *s;

	d->inv->subnets = (struct ec2_subnets){ subnets, 2 };
	d->k.subnets[0] = (char *)"subnet-1";
	d->k.subnets[1] = (char *)"subnet-2";
	d->k.cluster.subnet_id = (char *)"";
	d->k.cluster.subnet_ids = d->k.lb.subnet_ids = d->k.subnets;
	d->k.cluster.n_subnet_ids = d->k.lb.n_subnet_ids = 2;
	balancers_in(d->inv)->lbs[0].lb.subnet_ids = in_lb;
	balancers_in(d->inv)->lbs[0].lb.subnet_ids_n = 2;
	node(d, 0)->subnet_id = "subnet-1";
	node(d, 1)->subnet_id = "subnet-2";
	p = replaced(d, second, 1);
	s = step_of(p, "replace-i-2", "launch");
	assert_string_equal(json_str_or(s->args, "subnet_id", ""), "subnet-2");
	assert_string_equal(json_str_or(json_array_get(json_object_get(s->args, "elsewhere"), 0), "subnet_id", ""), "subnet-1");
	plans_free(p);
	/* Where it stood is not shown any more: there, where one is missing. */
	node(d, 1)->state = "terminated";
	node(d, 1)->subnet_id = "";
	p = replaced(d, second, 1);
	assert_string_equal(json_str_or(step_of(p, "replace-i-2", "launch")->args, "subnet_id", ""), "subnet-2");
	plans_free(p);
}

/* ---- nothing else ---- */

static void only_nodes_of_the_cluster_are_replaced(void **state)
{
	static char *other[] = { (char *)"i-9" }, *three[] = { (char *)"i-1", (char *)"i-2", (char *)"i-3" };
	struct board *d = *state;

	assert_refused(d, other, 1, -ERR_INVALID, "i-9 is not there, and cluster be has 2 of its 2 nodes");
	assert_refused(d, three, 3, -ERR_INVALID, "i-3 is not there");
	board_add_node(d, "i-9", "fe", "running");
	assert_refused(d, other, 1, -ERR_INVALID, "i-9 is no node of cluster be of wh-1");
	node(d, 2)->tags.v[2].value = "wh-2";
	node(d, 2)->tags.v[3].value = "be";
	assert_refused(d, other, 1, -ERR_INVALID, "i-9 is no node of cluster be of wh-1");
}

static void what_an_apply_of_the_spec_would_change_is_refused(void **state)
{
	struct board *d = *state;

	d->k.cluster.nodes = 3;
	assert_refused(d, second, 1, -ERR_EXISTS, "it has 2 nodes, 0 that are named have ended, and the spec wants 3");
	d->k.cluster.nodes = 1;
	assert_refused(d, both, 2, -ERR_EXISTS, "the spec wants 1");
	d->k.cluster.nodes = 2;
	balancers_in(d->inv)->target_groups[0].targets.v++;
	balancers_in(d->inv)->target_groups[0].targets.n = 1;
	assert_refused(d, second, 1, -ERR_EXISTS, "(cluster-be/register-sql: register be/sql)");
	balancers_in(d->inv)->target_groups[0].targets.v--;
	balancers_in(d->inv)->target_groups[0].targets.n = 2;
	d->k.tg.port = 9031;
	assert_refused(d, second, 1, -ERR_EXISTS, "nodes.replace changes nothing else: target group sql: it is TCP on port 9030");
}

/* It may be sick, or be left out: that is why it is replaced. */
static void the_node_itself_need_not_be_as_the_spec_says(void **state)
{
	struct board *d = *state;

	balancers_in(d->inv)->target_groups[0].targets.n = 1;
	plans_free(replaced(d, second, 1));
	node(d, 1)->state = "stopping";
	plans_free(replaced(d, second, 1));
	balancers_in(d->inv)->target_groups[0].targets.n = 2;
	d->inv->instances.n = 1; /* its target is still there */
	plans_free(replaced(d, second, 1));
}

static void a_node_of_another_launch_is_no_matter_of_this(void **state)
{
	struct board *d = *state;

	node(d, 1)->image_id = "ami-7";
	assert_refused(d, second, 1, -ERR_EXISTS, "image_id is not what i-2 was launched with");
	node(d, 1)->image_id = NULL;
	node(d, 1)->type = "r6i.large";
	assert_refused(d, second, 1, -ERR_EXISTS, "instance_type is not what i-2 was launched with");
	node(d, 1)->type = "r6i.xlarge";
	node(d, 1)->tags.v[3] = (struct ec2_tag){ "reeve:cluster", "be" };
	node(d, 1)->tags.v[4] = (struct ec2_tag){ "reeve:launch", "groups=1 profile=2 data=3 volumes=4 disks=5" };
	assert_refused(d, second, 1, -ERR_EXISTS, "is not what i-2 was launched with");
}

static void a_spec_that_is_older_than_what_stands_is_refused(void **state)
{
	struct board *d = *state;

	d->k.s.security_groups = d->k.groups;
	d->k.s.n_security_groups = 1;
	board_add_group(d, NULL, 0); /* of generation 2 */
	d->k.s.generation = 1;
	assert_refused(d, second, 1, -ERR_EXISTS, "the account holds generation 2, the spec is of generation 1");
}

/* Else a command that the policy forbids would learn from its sentence what there is. */
static void what_is_refused_leaves_a_plan_for_the_policy_to_judge(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	balancers_in(d->inv)->target_groups[0].targets.n = 0;
	assert_int_equal(replace_named(d, second, 1, &p, &e), -ERR_EXISTS);
	assert_non_null(p);
	assert_string_equal(p->v[0].name, "cluster-be");
	plans_free(p);
}

/* ---- bounds, keys, protection ---- */

static uint32_t demanded(const struct plans *p, const struct bound *of)
{
	struct demand d = { 0 };
	uint32_t n;

	plans_demand(p, &d);
	n = demand_number(&d, of);
	demand_close(&d);
	return n;
}

static void one_node_more_than_before_stands_meanwhile_and_no_two(void **state)
{
	struct board *d = *state;
	struct plans *p = replaced(d, both, 2);

	assert_int_equal(demanded(p, &bound_nodes_per_cluster), 3);
	assert_int_equal(demanded(p, &bound_nodes_total), 1);
	plans_free(p);
	/* One that is gone is one more for good. */
	node(d, 1)->state = "terminated";
	p = replaced(d, both, 2);
	assert_int_equal(demanded(p, &bound_nodes_per_cluster), 3);
	assert_int_equal(demanded(p, &bound_nodes_total), 2);
	plans_free(p);
}

static void a_node_whose_volumes_go_with_it_needs_a_second_key(void **state)
{
	struct board *d = *state;
	const struct plan *where;
	struct plans *p = replaced(d, second, 1);

	assert_null(plans_high(p, &where));
	plans_free(p);
	node(d, 1)->data_volumes = 1;
	p = replaced(d, second, 1);
	assert_string_equal(plans_high(p, &where)->name, "terminate");
	plans_free(p);
}

static void the_only_node_of_a_cluster_is_not_its_last_one(void **state)
{
	struct board *d = *state;
	const struct plan *where;
	const struct step *s;
	struct plans *p;

	d->inv->instances.v++;
	d->inv->instances.n = 1;
	balancers_in(d->inv)->target_groups[0].targets.v++;
	balancers_in(d->inv)->target_groups[0].targets.n = 1;
	d->k.cluster.nodes = 1;
	p = replaced(d, second, 1);
	s = step_of(p, "replace-i-2", "terminate");
	assert_null(json_object_get(s->args, "leaves_none"));
	assert_int_equal(json_int_or(s->args, "of", 0), 2);
	assert_string_equal(json_str_or(s->args, "cluster", ""), "be");
	assert_null(plans_high(p, &where));
	plans_free(p);
	balancers_in(d->inv)->target_groups[0].targets.v--;
}

static void a_protected_node_is_asked_about_and_refused(void **state)
{
	static struct inventory_guard guards[] = { { .is_on = true } };
	struct board *d = *state;
	struct plans *p = replaced(d, second, 1);
	const struct inventory_thing *ends;
	size_t n;

	ends = planner_ends(&d->a, p, &n);
	assert_int_equal(n, 1);
	assert_string_equal(ends[0].id, "i-2");
	plans_free(p);
	guards[0].thing = ends[0];
	d->inv->guards = (struct inventory_guards){ guards, 1 };
	assert_refused(d, second, 1, -ERR_INVALID, "i-2 is protected from termination");
}

/* Named, it is the one that another is launched for; else the cluster lacks one, and that is for an apply. */
static void one_that_a_heal_has_left_can_be_replaced_where_its_cluster_lacks_one(void **state)
{
	struct board *d = *state;
	static char *first[] = { (char *)"i-1" };
	CLEANUP(json_close) json_t *left = json_pack("[s]", "i-2");
	struct plans *p;

	d->a.left = left;
	assert_refused(d, first, 1, -ERR_EXISTS, "it has 1 nodes, 0 that are named have ended, and the spec wants 2");
	p = replaced(d, second, 1);
	assert_int_equal(json_int_or(step_of(p, "replace-i-2", "launch")->args, "held", 0), 2);
	assert_string_equal(ids_of(step_of(p, "replace-i-2", "terminate")), "i-2");
	plans_free(p);
}

/* Without them the cluster is empty for a while, and yet it is none that goes. */
static void where_all_nodes_are_replaced_a_stray_cluster_is_for_an_apply(void **state)
{
	struct board *d = *state;

	board_add_node(d, "i-9", "old", "running");
	assert_refused(d, both, 2, -ERR_EXISTS, "send it by warehouse.apply first");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVING_TEST(the_old_node_leaves_when_the_new_one_is_healthy),
		SERVING_TEST(nodes_are_replaced_one_after_the_other),
		SERVING_TEST(where_all_nodes_are_replaced_a_stray_cluster_is_for_an_apply),
		SERVING_TEST(the_new_node_is_looked_at_again_before_the_old_one_ends),
		SERVING_TEST(where_no_listener_leads_a_node_that_runs_is_enough),
		SERVING_TEST(one_that_is_stopped_is_replaced_like_any_other),
		SERVING_TEST(one_that_has_ended_only_has_another_launched_and_comes_first),
		SERVING_TEST(the_new_node_stands_where_the_old_one_did),
		SERVING_TEST(only_nodes_of_the_cluster_are_replaced),
		SERVING_TEST(what_an_apply_of_the_spec_would_change_is_refused),
		SERVING_TEST(the_node_itself_need_not_be_as_the_spec_says),
		SERVING_TEST(a_node_of_another_launch_is_no_matter_of_this),
		SERVING_TEST(a_spec_that_is_older_than_what_stands_is_refused),
		SERVING_TEST(what_is_refused_leaves_a_plan_for_the_policy_to_judge),
		SERVING_TEST(one_node_more_than_before_stands_meanwhile_and_no_two),
		SERVING_TEST(a_node_whose_volumes_go_with_it_needs_a_second_key),
		SERVING_TEST(the_only_node_of_a_cluster_is_not_its_last_one),
		SERVING_TEST(a_protected_node_is_asked_about_and_refused),
		SERVING_TEST(one_that_a_heal_has_left_can_be_replaced_where_its_cluster_lacks_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
