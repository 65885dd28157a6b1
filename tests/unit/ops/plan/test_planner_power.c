/* test_planner_power.c - clusters that are paused and run again, nodes that become of another type. */
#include "tests/unit/ops/serving.h"

#include "agent/ops/plan/planner_impl.h"

#define PAUSED REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED

static void set_states(struct board *d, const char *one, const char *two)
{
	d->inv->instances.v[0].state = one;
	d->inv->instances.v[1].state = two;
}

static void a_paused_cluster_leaves_its_groups_drained_before_it_is_stopped(void **state)
{
	struct board *d = *state;
	const struct plan *where;
	struct plans *p;

	d->k.cluster.power = PAUSED;
	p = board_apply(d);
	assert_prints(p, "Plan cluster-be (stage 3)\n"
			 "  ~ deregister be/sql                   elasticloadbalancing:DeregisterTargets     i-1, i-2 in arn:tg\n"
			 "    wait until be/sql is drained        elasticloadbalancing:DescribeTargetHealth  i-1, i-2 in arn:tg\n"
			 "  ~ stop the nodes of be                ec2:StopInstances                          i-1, i-2, which "
			 "interrupts service: no other node of the cluster runs\n"
			 "    wait until nodes of be are stopped  ec2:DescribeInstances                      i-1, i-2\n"
			 "\n0 to make, 2 to change, 0 to remove.\n");
	assert_null(plans_high(p, &where)); /* stopped ones count as nodes, and their volumes stay */
	assert_true(p->v[0].pivot >= p->v[0].n);
	plans_free(p);
	set_states(d, "stopped", "stopped");
	balancers_in(d->inv)->target_groups[0].targets.n = 0;
	p = board_apply(d);
	assert_string_equal(board_steps(p), "");
	plans_free(p);
}

/* Each node of a paused cluster as it is: what is done with it? */
static void a_half_paused_cluster_is_paused_to_the_end(void **state)
{
	static const struct {
		const char *one, *two, *stops, *waits;
	} cases[] = {
		{ "running", "stopped", "i-1", "i-1" },
		{ "pending", "stopping", "i-1", "i-1, i-2" },
		{ "stopping", "stopped", NULL, "i-1" },
	};
	struct board *d = *state;

	d->k.cluster.power = PAUSED;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plans *p;

		set_states(d, cases[i].one, cases[i].two);
		p = board_apply(d);
		if (cases[i].stops != NULL)
			assert_string_equal(ids_of(step_of(p, "cluster-be", "stop")), cases[i].stops);
		else
			assert_null(strstr(board_steps(p), "/stop "));
		/* The best come first: in the order of by_rank. */
		assert_int_equal(json_array_size(json_object_get(step_of(p, "cluster-be", "deregister-sql")->args, "instances")),
				 2);
		assert_string_equal(ids_of(step_of(p, "cluster-be", "stopped")), cases[i].waits);
		plans_free(p);
	}
}

static void what_a_paused_cluster_lacks_is_not_launched_and_said(void **state)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(65536);
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.power = PAUSED;
	d->k.cluster.nodes = 3;
	p = board_apply(d);
	assert_null(strstr(board_steps(p), "launch"));
	assert_int_equal(
	    planner_missing(&(struct planning){ .a = &d->a, .inv = d->inv, .spec = &d->k.s, .warehouse = "wh-1" }, &d->k.cluster),
	    0); /* so no address is taken */
	plans_print(p, &text);
	assert_non_null(
	    strstr(buf_str(&text), "\nNote: be is paused with 2 of 3 nodes: what it lacks is launched when it runs again\n"));
	plans_free(p);
}

static void what_a_paused_cluster_has_too_many_goes(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.power = PAUSED;
	d->k.cluster.nodes = 1;
	p = board_apply(d);
	assert_string_equal(ids_of(step_of(p, "cluster-be", "stop")), "i-1");
	assert_string_equal(ids_of(step_of(p, "end-be", "terminate")), "i-2");
	plans_free(p);
}

/* No listener waits for them, and one that is to lead to them alone leads nowhere. */
static void nodes_of_a_paused_cluster_serve_nobody(void **state)
{
	struct board *d = *state;
	struct planning p = { .a = &d->a, .inv = d->inv, .spec = &d->k.s, .warehouse = "wh-1" };
	json_t *ids;

	d->k.cluster.power = PAUSED;
	ids = planner_nodes_behind(&p, &d->k.tg);
	assert_int_equal(json_array_size(ids), 0);
	json_decref(ids);
}

static void a_cluster_that_runs_again_is_started_waited_for_and_let_in(void **state)
{
	struct board *d = *state;
	const struct step *s;
	struct plans *p;

	set_states(d, "stopped", "stopping");
	balancers_in(d->inv)->target_groups[0].targets.n = 0;
	p = board_apply(d);
	assert_prints(p,
		      "Plan cluster-be (stage 1)\n"
		      "    wait until nodes of be are stopped    ec2:DescribeInstances                      i-2\n"
		      "  ~ start nodes of be                     ec2:StartInstances                         i-1, i-2\n"
		      "    wait until the nodes of be run again  ec2:DescribeInstances                      i-1, i-2\n"
		      "    wait until status checks of be pass   ec2:DescribeInstanceStatus                 @started.be\n"
		      "    -- point of no return: what follows is not taken back --\n"
		      "  ~ register be/sql                       elasticloadbalancing:RegisterTargets       @started.be in arn:tg\n"
		      "    wait until be/sql is healthy          elasticloadbalancing:DescribeTargetHealth  @started.be in arn:tg\n"
		      "\n0 to make, 2 to change, 0 to remove.\n");
	s = step_of(p, "cluster-be", "started");
	assert_true(json_is_true(json_object_get(s->args, "started")));
	assert_string_equal(json_str_or(s->args, "fact", ""), "started.be");
	plans_free(p);
}

static void a_cluster_that_runs_again_and_lacks_nodes_starts_first_and_launches_then(void **state)
{
	struct board *d = *state;
	struct plans *p;

	set_states(d, "stopped", "running");
	d->k.cluster.nodes = 3;
	p = board_apply(d);
	assert_string_equal(
	    board_steps(p),
	    "cluster-be/start cluster-be/launch cluster-be/up cluster-be/up-ok cluster-be/started cluster-be/started-ok "
	    "cluster-be/register-sql cluster-be/healthy-sql");
	assert_string_equal(ids_of(step_of(p, "cluster-be", "register-sql")), "@nodes.be, @started.be");
	plans_free(p);
}

/* Stopped nodes are changed where they stand. */
static void a_stopped_node_becomes_of_another_type_before_it_is_started(void **state)
{
	struct board *d = *state;
	struct plans *p;

	set_states(d, "stopped", "stopped");
	d->k.cluster.instance_type = (char *)"r6i.large";
	p = board_apply(d);
	assert_non_null(strstr(
	    board_steps(p), "cluster-be/type-i-1 cluster-be/type-i-2 cluster-be/start cluster-be/started cluster-be/started-ok"));
	assert_null(strstr(board_steps(p), "resize-"));
	plans_free(p);
	d->k.cluster.power = PAUSED;
	balancers_in(d->inv)->target_groups[0].targets.n = 0;
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/type-i-1 cluster-be/type-i-2");
	plans_free(p);
	balancers_in(d->inv)->target_groups[0].targets.n = 2;
}

#define RESIZE(stage, id, other)                                                                                                   \
	"Plan resize-be-" id " (stage " stage ")\n"                                                                                \
	"    wait until others of be/sql are healthy      elasticloadbalancing:DescribeTargetHealth  " other " in arn:tg\n"        \
	"  ~ deregister be/sql                            elasticloadbalancing:DeregisterTargets     " id " in arn:tg\n"           \
	"    wait until be/sql is drained                 elasticloadbalancing:DescribeTargetHealth  " id " in arn:tg\n"           \
	"    see that the others of be run                ec2:DescribeInstances                      " other "\n"                  \
	"    see that others of be/sql are still healthy  elasticloadbalancing:DescribeTargetHealth  " other " in arn:tg\n"        \
	"  ~ stop a node of be                            ec2:StopInstances                          " id "\n"                     \
	"    wait until nodes of be are stopped           ec2:DescribeInstances                      " id "\n"                     \
	"  ~ change the type of a node of be              ec2:ModifyInstanceAttribute                " id                          \
	": r6i.xlarge -> r6i.large\n"                                                                                              \
	"  ~ start nodes of be                            ec2:StartInstances                         " id "\n"                     \
	"    wait until the nodes of be run again         ec2:DescribeInstances                      " id "\n"                     \
	"    wait until status checks of be pass          ec2:DescribeInstanceStatus                 @resized." id "\n"            \
	"    -- point of no return: what follows is not taken back --\n"                                                           \
	"  ~ register be/sql                              elasticloadbalancing:RegisterTargets       " id " in arn:tg\n"           \
	"    wait until be/sql is healthy                 elasticloadbalancing:DescribeTargetHealth  " id " in arn:tg\n"

/* A stage each: the next one begins when the one before it is healthy. */
static void nodes_change_their_type_one_after_the_other(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.instance_type = (char *)"r6i.large";
	p = board_apply(d);
	assert_prints(p, RESIZE("3", "i-2", "i-1") "\n" RESIZE("4", "i-1", "i-2") "\n0 to make, 10 to change, 0 to remove.\n");
	plans_free(p);
}

/* What the wait for those that come up leaves names this one, too: it is out by then, and no reason to stay. */
static void a_node_is_not_looked_for_among_its_others_when_it_is_out(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.instance_type = (char *)"r6i.large";
	balancers_in(d->inv)->target_groups[0].targets.n = 1; /* i-1 alone */
	p = board_apply(d);
	assert_string_equal(ids_of(step_of(p, "resize-be-i-2", "still-ready-sql")), "i-1");
	assert_string_equal(ids_of(step_of(p, "resize-be-i-2", "still-up")), "i-1");
	assert_string_equal(ids_of(step_of(p, "resize-be-i-1", "still-ready-sql")), "@nodes.be");
	plans_free(p);
}

/* Two clusters behind one group: the other serves alone from then on, and before anything stops it is seen to. */
static void a_cluster_is_paused_while_another_serves_behind_its_group(void **state)
{
	static Reeve__Control__V1__Cluster fe;
	static char *both[] = { (char *)"be", (char *)"fe" };
	struct board *d = *state;
	struct plans *p;

	fe = d->k.cluster;
	fe.name = (char *)"fe";
	d->k.clusters[1] = &fe;
	d->k.s.n_clusters = 2;
	d->k.tg.clusters = both;
	d->k.tg.n_clusters = 2;
	board_add_node(d, "i-3", "fe", "running");
	board_add_node(d, "i-4", "fe", "running");
	d->k.cluster.power = PAUSED;
	p = board_apply(d);
	assert_non_null(strstr(board_steps(p), "cluster-be/ready-sql cluster-be/deregister-sql cluster-be/drained-sql "
					       "cluster-be/still-ready-sql cluster-be/stop "));
	assert_string_equal(ids_of(step_of(p, "cluster-be", "still-ready-sql")), "@nodes.fe");
	assert_true(json_is_true(json_object_get(step_of(p, "cluster-be", "still-ready-sql")->args, "atomic")));
	plans_free(p);
	/* They are stopped already: nobody is looked at for them. */
	set_states(d, "stopped", "stopped");
	balancers_in(d->inv)->target_groups[0].targets.n = 0;
	p = board_apply(d);
	assert_null(strstr(board_steps(p), "ready-sql"));
	plans_free(p);
}

/* Who serves least goes first; those that go are not changed, and go when the others are. */
static void a_change_of_type_leaves_out_what_goes_anyway(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.instance_type = (char *)"r6i.large";
	d->k.cluster.nodes = 1;
	p = board_apply(d);
	assert_null(strstr(board_steps(p), "resize-be-i-2"));
	assert_string_equal(p->v[0].name, "resize-be-i-1");
	assert_string_equal(p->v[1].name, "end-be");
	assert_true(p->v[0].stage < p->v[1].stage);
	plans_free(p);
}

/* A group that the spec no longer has the cluster behind lets it go last of all, and until then it may serve. */
static void a_node_that_is_changed_leaves_groups_that_nobody_wants_it_in_too(void **state)
{
	static struct elb_target targets[] = { { .id = "i-1", .state = "healthy", .reason = "" } };
	struct board *d = *state;
	struct balancers_target_group two[2];
	struct plans *p;

	two[0] = balancers_in(d->inv)->target_groups[0];
	two[1] = (struct balancers_target_group){
		.g = { .arn = "arn:old", .name = "rv-old", .protocol = "TCP", .port = 1, .tags = board_tags(d, "", "1") },
		.targets = { targets, 1 }
	};
	balancers_in(d->inv)->target_groups = two;
	balancers_in(d->inv)->target_groups_n = 2;
	d->k.cluster.instance_type = (char *)"r6i.large";
	p = board_apply(d);
	assert_non_null(strstr(board_steps(p), "resize-be-i-1/deregister-sql resize-be-i-1/deregister-rv-old "
					       "resize-be-i-1/drained-sql resize-be-i-1/drained-rv-old resize-be-i-1/still-up "
					       "resize-be-i-1/still-ready-sql resize-be-i-1/stop"));
	assert_non_null(strstr(board_steps(p), "resize-be-i-1/healthy-sql resize-be-i-1/register-rv-old")); /* until the end */
	assert_null(strstr(board_steps(p), "resize-be-i-2/deregister-rv-old"));
	plans_free(p);
	balancers_in(d->inv)->target_groups_n = 0;
}

static void the_only_node_of_a_cluster_interrupts_its_service_and_the_plan_says_so(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->inv->instances.n = 1;
	balancers_in(d->inv)->target_groups[0].targets.n = 1;
	d->k.cluster.nodes = 1;
	d->k.cluster.instance_type = (char *)"r6i.large";
	p = board_apply(d);
	assert_true(json_is_true(json_object_get(step_of(p, "resize-be-i-1", "stop")->args, "interrupts")));
	assert_null(strstr(board_steps(p), "ready-sql"));
	plans_free(p);
	/* One that is launched before it serves meanwhile. */
	d->k.cluster.nodes = 2;
	p = board_apply(d);
	assert_null(json_object_get(step_of(p, "resize-be-i-1", "stop")->args, "interrupts"));
	assert_string_equal(ids_of(step_of(p, "resize-be-i-1", "ready-sql")), "@nodes.be");
	plans_free(p);
	balancers_in(d->inv)->target_groups[0].targets.n = 2;
}

static void disks_of_the_host_are_lost_when_a_node_stops_and_that_is_high_risk(void **state)
{
	struct board *d = *state;
	const struct plan *where;
	struct plans *p;

	d->inv->instances.v[0].type = d->inv->instances.v[1].type = "i3.large";
	p = board_apply(d);
	assert_string_equal(plans_high(p, &where)->name, "stop");
	plans_free(p);
	d->k.cluster.instance_type = (char *)"i3.large";
	d->k.cluster.power = PAUSED;
	p = board_apply(d);
	assert_string_equal(plans_high(p, &where)->name, "stop");
	plans_free(p);
}

static void a_type_that_does_not_fit_is_refused_before_anything_stops(void **state)
{
	static const char *x86[] = { "x86_64" }, *arm[] = { "arm64" };
	static struct ec2_type types[] = { { .name = "r6i.xlarge", .archs = x86, .archs_n = 1 },
					   { .name = "r7g.large", .archs = arm, .archs_n = 1 } };
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	d->inv->types = (struct ec2_types){ types, 2 };
	d->k.cluster.instance_type = (char *)"r7g.large";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), "cluster be: image ami-1 is for x86_64, and r7g.large does not run that");
	plans_free(p);
	d->inv->images.n = 0; /* the image is not there any more: the types tell it all the same */
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e),
			    "cluster be: i-1 is a r6i.xlarge, and r7g.large has no processor that runs the same programs");
	plans_free(p);
	d->k.cluster.instance_type = (char *)"x9.none";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_INVALID);
	assert_string_equal(err_text(&e), "cluster be: x9.none is no instance type that AWS offers in this region");
	plans_free(p);
}

static void more_nodes_than_a_command_may_change_are_refused_with_a_sentence(void **state)
{
	struct board *d = *state;
	Reeve__Control__V1__Cluster more = d->k.cluster;
	struct plans *p = NULL;
	struct err e = { 0 };

	more.name = (char *)"fe";
	d->k.clusters[1] = &more;
	d->k.s.n_clusters = 2;
	d->k.cluster.nodes = more.nodes = 100;
	for (unsigned i = 2; i < 100; i++)
		board_add_node(d, arena_printf(d->inv->arena, "i-b%u", i), "be", "running");
	for (unsigned i = 0; i < 100; i++)
		board_add_node(d, arena_printf(d->inv->arena, "i-f%u", i), "fe", "running");
	d->k.cluster.instance_type = more.instance_type = (char *)"r6i.large";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_UNSUPPORTED);
	assert_string_equal(err_text(&e), "200 nodes would change their instance_type, and one command may change 128: take some "
					  "clusters at a time");
	assert_null(p);
}

/* Else of two that are ill none could become of another type. */
static void for_one_that_is_ill_the_others_need_not_serve(void **state)
{
	struct board *d = *state;
	struct elb_target *second = &balancers_in(d->inv)->target_groups[0].targets.v[1];
	struct plans *p;

	d->k.cluster.instance_type = (char *)"r6i.large";
	second->state = "unhealthy";
	p = board_apply(d);
	assert_string_equal(p->v[0].name, "resize-be-i-2");
	assert_string_equal(
	    json_string_value(json_array_get(json_object_get(step_of(p, "resize-be-i-2", "ready-sql")->args, "leave"), 0)), "i-2");
	assert_null(strstr(board_steps(p), "resize-be-i-2/still-up"));
	assert_string_equal(json_string_value(json_array_get(
				json_object_get(step_of(p, "resize-be-i-2", "still-ready-sql")->args, "instances"), 0)),
			    "@serve.resize-be-i-2.sql");
	assert_null(json_object_get(step_of(p, "resize-be-i-1", "ready-sql")->args, "leave"));
	assert_non_null(strstr(board_steps(p), "resize-be-i-1/still-up resize-be-i-1/still-ready-sql"));
	plans_free(p);
	second->state = "healthy";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVING_TEST(a_paused_cluster_leaves_its_groups_drained_before_it_is_stopped),
		SERVING_TEST(a_half_paused_cluster_is_paused_to_the_end),
		SERVING_TEST(what_a_paused_cluster_lacks_is_not_launched_and_said),
		SERVING_TEST(what_a_paused_cluster_has_too_many_goes),
		SERVING_TEST(nodes_of_a_paused_cluster_serve_nobody),
		SERVING_TEST(a_cluster_that_runs_again_is_started_waited_for_and_let_in),
		SERVING_TEST(a_cluster_that_runs_again_and_lacks_nodes_starts_first_and_launches_then),
		SERVING_TEST(a_stopped_node_becomes_of_another_type_before_it_is_started),
		SERVING_TEST(nodes_change_their_type_one_after_the_other),
		SERVING_TEST(a_node_is_not_looked_for_among_its_others_when_it_is_out),
		SERVING_TEST(a_cluster_is_paused_while_another_serves_behind_its_group),
		SERVING_TEST(a_change_of_type_leaves_out_what_goes_anyway),
		SERVING_TEST(a_node_that_is_changed_leaves_groups_that_nobody_wants_it_in_too),
		SERVING_TEST(the_only_node_of_a_cluster_interrupts_its_service_and_the_plan_says_so),
		SERVING_TEST(disks_of_the_host_are_lost_when_a_node_stops_and_that_is_high_risk),
		SERVING_TEST(a_type_that_does_not_fit_is_refused_before_anything_stops),
		SERVING_TEST(more_nodes_than_a_command_may_change_are_refused_with_a_sentence),
		SERVING_TEST(for_one_that_is_ill_the_others_need_not_serve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
