/* test_planner_upgrade.c - nodes of another image in the place of those that stand: batch by batch, cluster by cluster, and nothing
 * else changes. */
#include "agent/ops/bounds.h"
#include "tests/unit/ops/serving.h"

static struct planner_order in_order = { NULL, 0, 0 };

static int upgrade(struct board *d, const struct planner_order *o, struct plans **ret, struct err *e)
{
	d->a.verb = "warehouse.upgrade";
	return planner_upgrade(&d->a, &d->k.s, o, ret, e);
}

static struct plans *upgraded(struct board *d, uint32_t batch)
{
	struct planner_order o = { NULL, 0, batch };
	struct plans *p = NULL;
	struct err e = { 0 };

	if (upgrade(d, &o, &p, &e) != 0)
		fail_msg("%s", err_text(&e));
	return p;
}

static void assert_refused(struct board *d, int rc, const char *says)
{
	struct plans *p = NULL;
	struct err e = { 0 };

	assert_int_equal(upgrade(d, &in_order, &p, &e), rc);
	if (strstr(err_text(&e), says) == NULL)
		fail_msg("\"%s\" says nothing of \"%s\"", err_text(&e), says);
	plans_free(p);
}

static struct ec2_instance *node(struct board *d, size_t i)
{
	return &d->inv->instances.v[i];
}

static void set_images(struct board *d, const char *image)
{
	for (size_t i = 0; i < d->inv->instances.n; i++)
		node(d, i)->image_id = image;
}

/* Two nodes of an older image serve. */
static int old_start(void **state)
{
	serving_start(state);
	set_images(*state, "ami-0");
	return 0;
}

/* Beside them a cluster of two that is paused. */
static int two_start(void **state)
{
	static Reeve__Control__V1__Cluster fe;
	struct board *d;

	serving_start(state);
	d = *state;
	fe = d->k.cluster;
	fe.name = (char *)"fe";
	fe.power = REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED;
	fe.n_volumes = 0;
	d->k.clusters[1] = &fe;
	d->k.s.n_clusters = 2;
	board_add_node(d, "i-3", "fe", "stopped");
	board_add_node(d, "i-4", "fe", "stopped");
	set_images(d, "ami-0");
	return 0;
}

static const struct step *ends(const struct plans *p, const char *plan)
{
	return step_of(p, plan, "terminate");
}

static json_int_t launched(const struct plans *p, const char *plan)
{
	return json_int_or(step_of(p, plan, "launch")->args, "count", 0);
}

/* ---- the order ---- */

static void two_clusters_one_of_them_paused_are_upgraded_one_after_the_other(void **state)
{
	static char *first[] = { (char *)"fe" };
	const struct planner_order o = { first, 1, 2 };
	struct plans *p = NULL;

	assert_int_equal(upgrade(*state, &o, &p, NULL), 0);
	assert_prints(
	    p,
	    "Plan upgrade-fe-1 (stage 0)\n"
	    "  + launch nodes of fe in place of i-4, i-3     ec2:RunInstances                           2 x r6i.xlarge, ami-1, "
	    "subnet-1 in us-east-1a\n"
	    "      image \"al2023\" of 137112412989 amazon\n"
	    "    wait until the nodes of fe run              ec2:DescribeInstances                      @upgraded.fe.1\n"
	    "    wait until status checks of fe pass         ec2:DescribeInstanceStatus                 @upgraded.fe.1\n"
	    "  ~ stop the new nodes of fe                    ec2:StopInstances                          @upgraded.fe.1\n"
	    "    wait until the new nodes of fe are stopped  ec2:DescribeInstances                      @upgraded.fe.1\n"
	    "    -- point of no return: what follows is not taken back --\n"
	    "  - terminate nodes of fe                       ec2:TerminateInstances                     i-4, i-3\n"
	    "    wait until nodes of fe are terminated       ec2:DescribeInstances                      i-4, i-3\n"
	    "\n"
	    "Plan upgrade-be-1 (stage 1)\n"
	    "  + launch nodes of be in place of i-2, i-1     ec2:RunInstances                           2 x r6i.xlarge, ami-1, "
	    "subnet-1 in us-east-1a, gp3 100 GiB on /dev/sdf\n"
	    "      image \"al2023\" of 137112412989 amazon\n"
	    "    wait until the nodes of be run              ec2:DescribeInstances                      @upgraded.be.1\n"
	    "    wait until status checks of be pass         ec2:DescribeInstanceStatus                 @upgraded.be.1\n"
	    "  ~ register be/sql                             elasticloadbalancing:RegisterTargets       @upgraded.be.1 in arn:tg\n"
	    "    wait until be/sql is healthy                elasticloadbalancing:DescribeTargetHealth  @upgraded.be.1 in arn:tg\n"
	    "  ~ deregister be/sql                           elasticloadbalancing:DeregisterTargets     i-2, i-1 in arn:tg\n"
	    "    wait until be/sql is drained                elasticloadbalancing:DescribeTargetHealth  i-2, i-1 in arn:tg\n"
	    "    see that the nodes of be still run          ec2:DescribeInstances                      @upgraded.be.1\n"
	    "    wait until status checks of be pass         ec2:DescribeInstanceStatus                 @upgraded.be.1\n"
	    "    see that be/sql is still healthy            elasticloadbalancing:DescribeTargetHealth  @upgraded.be.1 in arn:tg\n"
	    "    -- point of no return: what follows is not taken back --\n"
	    "  - terminate nodes of be                       ec2:TerminateInstances                     i-2, i-1\n"
	    "    wait until nodes of be are terminated       ec2:DescribeInstances                      i-2, i-1\n"
	    "\n"
	    "2 to make, 3 to change, 2 to remove.\n");
	plans_free(p);
}

static void clusters_that_are_not_named_come_behind_those_that_are(void **state)
{
	static char *both[] = { (char *)"fe", (char *)"be" };
	struct plans *p = upgraded(*state, 2);

	assert_string_equal(p->v[0].name, "upgrade-be-1");
	assert_string_equal(p->v[1].name, "upgrade-fe-1");
	plans_free(p);
	assert_int_equal(upgrade(*state, &(struct planner_order){ both, 2, 2 }, &p, NULL), 0);
	assert_string_equal(p->v[0].name, "upgrade-fe-1");
	assert_string_equal(p->v[1].name, "upgrade-be-1");
	assert_int_equal(p->v[1].stage, 1);
	plans_free(p);
}

static void one_node_goes_at_a_time_unless_a_batch_is_asked_for(void **state)
{
	struct plans *p = upgraded(*state, 0);

	assert_int_equal(p->n, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(p->v[i].stage, i);
		assert_int_equal(launched(p, p->v[i].name), 1);
		/* Up to its end it can be taken back. */
		assert_string_equal(p->v[i].steps[p->v[i].pivot].name, "terminate");
		assert_string_equal(p->v[i].steps[4].name, "healthy-sql");
		assert_string_equal(p->v[i].steps[5].name, "deregister-sql");
	}
	/* Who serves least goes first: it is the last one in the order of by_rank. */
	assert_string_equal(ids_of(ends(p, "upgrade-be-1")), "i-2");
	assert_string_equal(ids_of(ends(p, "upgrade-be-2")), "i-1");
	plans_free(p);
}

static void a_batch_comes_up_whole_or_not_at_all(void **state)
{
	struct plans *p = upgraded(*state, 100);

	assert_int_equal(p->n, 1);
	assert_int_equal(launched(p, "upgrade-be-1"), 2);
	assert_true(json_is_true(json_object_get(step_of(p, "upgrade-be-1", "launch")->args, "atomic")));
	assert_true(json_is_true(json_object_get(step_of(p, "upgrade-be-1", "up")->args, "atomic")));
	assert_true(json_is_true(json_object_get(step_of(p, "upgrade-be-1", "still-up")->args, "atomic")));
	assert_string_equal(ids_of(step_of(p, "upgrade-be-1", "still-healthy-sql")), "@upgraded.be.1");
	assert_string_equal(ids_of(ends(p, "upgrade-be-1")), "i-2, i-1");
	assert_int_equal(json_int_or(ends(p, "upgrade-be-1")->args, "of", 0), 4);
	assert_null(json_object_get(ends(p, "upgrade-be-1")->args, "leaves_none"));
	plans_free(p);
}

static void new_nodes_stand_where_the_old_ones_do(void **state)
{
	static struct ec2_subnet subnets[] = { { .id = "subnet-1", .vpc_id = "vpc-1", .zone = "us-east-1a" },
					       { .id = "subnet-2", .vpc_id = "vpc-1", .zone = "us-east-1b" } };
	static const char *in_lb[] = { "subnet-1", "subnet-2" };
	struct board *d = *state;
	struct plans *p;
	struct demand need = { 0 };

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
	p = upgraded(d, 2);
	assert_string_equal(
	    board_steps(p),
	    "upgrade-be-1/launch-subnet-2 upgrade-be-1/launch-subnet-1 upgrade-be-1/up "
	    "upgrade-be-1/up-ok upgrade-be-1/register-sql upgrade-be-1/healthy-sql upgrade-be-1/deregister-sql "
	    "upgrade-be-1/drained-sql upgrade-be-1/still-up upgrade-be-1/still-up-ok upgrade-be-1/still-healthy-sql "
	    "upgrade-be-1/terminate upgrade-be-1/gone");
	assert_string_equal(ids_of(step_of(p, "upgrade-be-1", "up")), "@upgraded.be.1.subnet-2, @upgraded.be.1.subnet-1");
	assert_string_equal(ids_of(step_of(p, "upgrade-be-1", "register-sql")), "@upgraded.be.1");
	/* Two stand more meanwhile, though no launch is of two. */
	plans_demand(p, &need);
	assert_int_equal(demand_number(&need, &bound_nodes_per_cluster), 4);
	assert_int_equal(demand_number(&need, &bound_nodes_total), 2);
	demand_close(&need);
	plans_free(p);
}

/* ---- paused ---- */

static void new_nodes_of_a_paused_cluster_run_once_and_are_stopped_before_the_old_ones_end(void **state)
{
	struct plans *p = upgraded(*state, 1);

	assert_non_null(strstr(board_steps(p),
			       "upgrade-fe-2/launch upgrade-fe-2/up upgrade-fe-2/up-ok upgrade-fe-2/stop upgrade-fe-2/stopped "
			       "upgrade-fe-2/terminate upgrade-fe-2/gone"));
	assert_string_equal(p->v[2].name, "upgrade-fe-1");
	assert_string_equal(p->v[2].steps[p->v[2].pivot].name, "terminate");
	assert_true(json_int_or(step_of(p, "upgrade-fe-1", "up")->args, "quiet_s", 0) > 0);
	assert_null(json_object_get(step_of(p, "upgrade-be-1", "up")->args, "quiet_s"));
	/* When the plan is taken back they end: nobody needs them to be started for that. */
	assert_null(kind_stop.undo_args(step_of(p, "upgrade-fe-1", "stop")->args));
	plans_free(p);
}

static void a_paused_cluster_that_lacks_a_node_keeps_lacking_it(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->inv->instances.n = 3;
	p = upgraded(d, 9);
	assert_int_equal(launched(p, "upgrade-fe-1"), 1);
	assert_string_equal(ids_of(ends(p, "upgrade-fe-1")), "i-3");
	plans_free(p);
}

/* ---- what an upgrade that has failed leaves ---- */

static void nodes_that_have_the_new_image_stay(void **state)
{
	struct board *d = *state;
	struct plans *p;

	node(d, 1)->image_id = "ami-1";
	p = upgraded(d, 9);
	assert_int_equal(p->n, 1);
	assert_int_equal(launched(p, "upgrade-be-1"), 1);
	assert_string_equal(ids_of(ends(p, "upgrade-be-1")), "i-1");
	plans_free(p);
	node(d, 0)->image_id = "ami-1";
	p = upgraded(d, 9);
	assert_int_equal(p->n, 0);
	plans_free(p);
}

/* Neither the old specification nor the new one could be applied: so it is mended here. Rows: nodes that the spec wants, of i-1
 * (new) and i-2, i-3 (old); what the first plan launches and ends, and of how many plans. */
static void a_cluster_between_two_images_is_mended_by_the_upgrade(void **state)
{
	static const struct {
		uint32_t wanted, batch;
		json_int_t come;
		const char *go;
		size_t plans;
	} rows[] = {
		{ 3, 1, 1, "i-2", 2 },      { 3, 2, 2, "i-2, i-3", 1 }, { 2, 1, 0, "i-2", 2 },
		{ 1, 1, 0, "i-2, i-3", 1 }, { 4, 2, 2, "i-2", 2 },      { 6, 2, 2, NULL, 3 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct board *d = *state;
		struct plans *p;

		board_add_node(d, "i-3", "be", "stopped"); /* it need not even run */
		node(d, 2)->image_id = "ami-0";
		node(d, 0)->image_id = "ami-1";
		d->k.cluster.nodes = rows[i].wanted;
		p = upgraded(d, rows[i].batch);
		assert_int_equal(p->n, rows[i].plans);
		if (rows[i].come > 0)
			assert_int_equal(launched(p, "upgrade-be-1"), rows[i].come);
		else
			assert_true(str_starts(board_steps(p), "upgrade-be-1/ready-sql "));
		if (rows[i].come == 0)
			assert_null(strstr(board_steps(p), "upgrade-be-1/launch"));
		if (rows[i].go != NULL)
			assert_int_equal(strlen(ids_of(ends(p, "upgrade-be-1"))), strlen(rows[i].go));
		else
			assert_null(strstr(board_steps(p), "upgrade-be-1/terminate"));
		plans_free(p);
		board_end(state);
		old_start(state);
	}
}

/* An upgrade that could not be taken back has left the one that stays out of its group, and neither apply nor upgrade could be sent
 * before the other. Whether nodes come beside it or not. */
static void who_stays_and_is_in_no_group_is_let_in_before_anybody_leaves(void **state)
{
	static const struct {
		uint32_t wanted;
		const char *steps, *registered;
	} rows[] = {
		{ 1, "upgrade-be-1/register-sql upgrade-be-1/healthy-sql upgrade-be-1/deregister-sql ", "i-1" },
		{ 2, "upgrade-be-1/launch upgrade-be-1/up upgrade-be-1/up-ok upgrade-be-1/register-sql ", "@upgraded.be.1, i-1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct board *d = *state;
		struct balancers_target_group *g = &balancers_in(d->inv)->target_groups[0];
		struct elb_target left;
		struct plans *p;

		node(d, 0)->image_id = "ami-1";
		d->k.cluster.nodes = rows[i].wanted;
		left = g->targets.v[1];
		g->targets.v = &left;
		g->targets.n = 1;
		p = upgraded(d, 1);
		assert_true(str_starts(board_steps(p), rows[i].steps));
		assert_string_equal(ids_of(step_of(p, "upgrade-be-1", "register-sql")), rows[i].registered);
		plans_free(p);
		board_end(state);
		old_start(state);
	}
}

/* What a plan lets in it takes out again when it is taken back: who serves already is none of that. */
static void who_serves_already_is_not_let_in_with_those_that_do_not(void **state)
{
	struct board *d = *state;
	struct plans *p;

	board_add_node(d, "i-3", "be", "running"); /* in no group */
	node(d, 0)->image_id = node(d, 2)->image_id = "ami-1";
	d->k.cluster.nodes = 2;
	p = upgraded(d, 1);
	assert_true(str_starts(board_steps(p), "upgrade-be-1/register-sql upgrade-be-1/healthy-sql upgrade-be-1/deregister-sql "));
	assert_string_equal(ids_of(step_of(p, "upgrade-be-1", "register-sql")), "i-3");
	assert_string_equal(ids_of(step_of(p, "upgrade-be-1", "healthy-sql")), "i-3, i-1");
	plans_free(p);
}

/* ---- nothing else ---- */

static void change_nodes(struct board *d)
{
	d->k.cluster.nodes = 3;
}

static void change_gone(struct board *d)
{
	d->inv->instances.n = 1;
}

static void change_pending(struct board *d)
{
	node(d, 1)->state = "pending";
}

static void change_stopped(struct board *d)
{
	node(d, 1)->state = "stopped";
}

static void change_power(struct board *d)
{
	d->k.cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED;
}

static void change_type(struct board *d)
{
	node(d, 1)->type = "r6i.large";
}

static void change_launch(struct board *d)
{
	node(d, 1)->tags.v[4] = (struct ec2_tag){ "reeve:launch", "groups=1 profile=2 data=3 volumes=4 disks=5" };
}

static void change_targets(struct board *d)
{
	balancers_in(d->inv)->target_groups[0].targets.n = 1;
}

static void change_port(struct board *d)
{
	d->k.tg.port = 9031;
}

static void change_tag(struct board *d)
{
	d->k.tag.value = (char *)"c-9";
}

static void change_image(struct board *d)
{
	d->k.cluster.image_id = (char *)"ami-9";
}

static void what_is_not_whole_or_would_change_more_is_refused(void **state)
{
	static const struct {
		void (*change)(struct board *d);
		int rc;
		const char *says;
	} rows[] = {
		{ change_nodes, -ERR_EXISTS, "it has 2 nodes and the spec wants 3: send the spec that stands by warehouse.apply" },
		{ change_gone, -ERR_EXISTS, "it has 1 nodes and the spec wants 2" },
		{ change_pending, -ERR_NOTYET, "i-2 is pending, and an upgrade begins when every node is running" },
		{ change_stopped, -ERR_EXISTS, "i-2 is stopped, and an upgrade begins when every node is running" },
		{ change_power, -ERR_EXISTS, "i-2 is running, and an upgrade begins when every node is stopped" },
		{ change_type, -ERR_EXISTS, "instance_type is not what i-2 was launched with, and an upgrade changes image_id" },
		{ change_launch, -ERR_EXISTS, "security_groups is not what i-2 was launched with" },
		{ change_targets, -ERR_EXISTS,
		  "warehouse.upgrade changes nothing else, and the account is not as the spec says "
		  "(cluster-be/register-sql: register be/sql)" },
		{ change_port, -ERR_EXISTS, "warehouse.upgrade changes nothing else: target group sql: it is TCP on port 9030" },
		{ change_tag, -ERR_EXISTS,
		  "warehouse.upgrade changes nothing else, and the account is not as the spec says (tags/" },
		{ change_image, -ERR_INVALID, "cluster be: ami-9 is no image that AWS shows" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		rows[i].change(*state);
		assert_refused(*state, rows[i].rc, rows[i].says);
		board_end(state);
		old_start(state);
	}
}

static void a_spec_that_is_older_than_what_stands_is_refused(void **state)
{
	struct board *d = *state;

	d->k.s.security_groups = d->k.groups;
	d->k.s.n_security_groups = 1;
	board_add_group(d, NULL, 0); /* of generation 2 */
	d->k.s.generation = 1;
	assert_refused(d, -ERR_EXISTS, "the account holds generation 2, the spec is of generation 1");
}

/* Else a command that the policy forbids would learn from its sentence what there is. */
static void what_is_refused_leaves_a_plan_for_the_policy_to_judge(void **state)
{
	struct plans *p = NULL;
	struct err e = { 0 };

	change_stopped(*state);
	assert_int_equal(upgrade(*state, &in_order, &p, &e), -ERR_EXISTS);
	assert_non_null(p);
	assert_string_equal(p->v[0].name, "upgrade-be-1");
	plans_free(p);
}

/* Of nodes that tell what they were launched with. */
static void other_user_data_is_an_upgrade_as_another_image_is(void **state)
{
	struct board *d = *state;
	struct plans *p, *first;
	json_t *tags;

	first = upgraded(d, 1);
	tags = json_object_get(step_of(first, "upgrade-be-1", "launch")->args, "tags");
	set_images(d, "ami-1");
	for (size_t i = 0; i < 2; i++)
		node(d, i)->tags.v[4] = (struct ec2_tag){ "reeve:launch", json_str_or(tags, "reeve:launch", "") };
	p = upgraded(d, 1);
	assert_int_equal(p->n, 0);
	plans_free(p);
	d->k.cluster.user_data = (ProtobufCBinaryData){ 3, (uint8_t *)"abc" };
	p = upgraded(d, 1);
	assert_int_equal(p->n, 2);
	assert_non_null(
	    strstr(json_string_value(json_array_get(json_object_get(p->json, "changes"), 0)), "2 of 2 nodes to other user data"));
	plans_free(p);
	plans_free(first);
}

/* ---- bounds, keys, protection ---- */

static void what_passes_is_counted_for_one_batch_and_not_for_all(void **state)
{
	struct demand need = { 0 };
	struct plans *p = upgraded(*state, 1);

	plans_demand(p, &need);
	assert_int_equal(demand_number(&need, &bound_nodes_per_cluster), 3);
	assert_int_equal(demand_number(&need, &bound_nodes_total), 1);
	demand_close(&need);
	plans_free(p);
}

static void volumes_that_go_with_their_nodes_need_a_second_key_and_kept_ones_stay(void **state)
{
	static const char *kept[] = { "vol-1" };
	struct board *d = *state;
	const struct plan *where;
	struct plans *p = upgraded(d, 1);

	assert_null(plans_high(p, &where));
	plans_free(p);
	node(d, 1)->data_volumes = 1;
	p = upgraded(d, 1);
	assert_string_equal(plans_high(p, &where)->name, "terminate");
	plans_free(p);
	node(d, 1)->data_volumes = 0;
	node(d, 1)->kept_volumes = 1;
	node(d, 1)->kept_volume_ids = kept;
	p = upgraded(d, 1);
	assert_null(plans_high(p, &where));
	assert_int_equal(json_array_size(json_object_get(ends(p, "upgrade-be-1")->args, "keeps")), 1);
	plans_free(p);
}

static void a_protected_node_is_asked_about_and_refused(void **state)
{
	static struct inventory_guard guards[] = { { .is_on = true } };
	struct board *d = *state;
	struct plans *p = upgraded(d, 1);
	const struct inventory_thing *things;
	size_t n;

	things = planner_ends(&d->a, p, &n);
	assert_int_equal(n, 2);
	plans_free(p);
	guards[0].thing = things[0];
	d->inv->guards = (struct inventory_guards){ guards, 1 };
	assert_refused(d, -ERR_INVALID, "is protected from termination");
}

static void more_batches_than_a_command_may_have_are_refused(void **state)
{
	struct board *d = *state;

	for (int i = 3; i <= 130; i++) {
		char *id = arena_alloc(d->inv->arena, 16);

		snprintf(id, 16, "i-%d", i);
		board_add_node(d, id, "be", "running");
	}
	set_images(d, "ami-0");
	d->k.cluster.nodes = 130;
	d->k.s.n_target_groups = d->k.s.n_load_balancers = 0;
	*balancers_in(d->inv) = (struct balancers){ 0 };
	assert_refused(d, -ERR_INVALID, "let more go at once");
	plans_free(upgraded(d, 2));
}

#define OLD(f) cmocka_unit_test_setup_teardown(f, old_start, board_end)
#define TWO(f) cmocka_unit_test_setup_teardown(f, two_start, board_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWO(two_clusters_one_of_them_paused_are_upgraded_one_after_the_other),
		TWO(clusters_that_are_not_named_come_behind_those_that_are),
		OLD(one_node_goes_at_a_time_unless_a_batch_is_asked_for),
		OLD(a_batch_comes_up_whole_or_not_at_all),
		OLD(new_nodes_stand_where_the_old_ones_do),
		TWO(new_nodes_of_a_paused_cluster_run_once_and_are_stopped_before_the_old_ones_end),
		TWO(a_paused_cluster_that_lacks_a_node_keeps_lacking_it),
		OLD(nodes_that_have_the_new_image_stay),
		OLD(a_cluster_between_two_images_is_mended_by_the_upgrade),
		OLD(who_stays_and_is_in_no_group_is_let_in_before_anybody_leaves),
		OLD(who_serves_already_is_not_let_in_with_those_that_do_not),
		OLD(what_is_not_whole_or_would_change_more_is_refused),
		OLD(a_spec_that_is_older_than_what_stands_is_refused),
		OLD(what_is_refused_leaves_a_plan_for_the_policy_to_judge),
		OLD(other_user_data_is_an_upgrade_as_another_image_is),
		OLD(what_passes_is_counted_for_one_batch_and_not_for_all),
		OLD(volumes_that_go_with_their_nodes_need_a_second_key_and_kept_ones_stay),
		OLD(a_protected_node_is_asked_about_and_refused),
		OLD(more_batches_than_a_command_may_have_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
