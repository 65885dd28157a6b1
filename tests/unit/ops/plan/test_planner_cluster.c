/* test_planner_cluster.c - the nodes of a cluster: which come, which stay, which go. */
#include "tests/unit/ops/board.h"

static void growing_launches_what_is_missing_under_the_same_step_name(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	board_add_node(d, "i-1", "be", "running");
	d->k.cluster.nodes = 3;
	p = board_apply(d);
	assert_non_null(strstr(board_steps(p), "cluster-be/launch cluster-be/up cluster-be/up-ok"));
	assert_int_equal(json_int_or(p->v[1].steps[0].args, "count", 0), 2);
	assert_int_equal(json_int_or(p->v[1].steps[0].args, "held", 0), 1);
	plans_free(p);
}

static void terminated_nodes_are_not_nodes(void **state)
{
	struct board *d = *state;
	struct plans *p;

	board_add_node(d, "i-1", "be", "terminated");
	board_add_node(d, "i-2", "be", "shutting-down");
	p = board_apply(d);
	assert_int_equal(json_int_or(p->v[1].steps[0].args, "count", 0), 2);
	plans_free(p);
}

static void shrinking_takes_the_youngest_and_without_data_volumes_is_not_high_risk(void **state)
{
	struct board *d = *state;
	const struct plan *where;
	struct plans *p;
	const json_t *ids;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = 0;
	d->k.cluster.nodes = 1;
	board_add_node(d, "i-2", "be", "running");
	board_add_node(d, "i-1", "be", "running");
	p = board_apply(d);
	assert_string_equal(board_steps(p), "end-be/still-up end-be/terminate end-be/gone");
	ids = json_object_get(p->v[0].steps[1].args, "instances");
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
	struct board *d = *state;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = 0;
	d->k.cluster.nodes = 1;
	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "running");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct plan *where;
		struct plans *p;

		d->inv->instances.v[0].data_volumes = cases[i].of_old;
		d->inv->instances.v[1].data_volumes = cases[i].of_young;
		d->inv->instances.v[1].state = cases[i].state;
		p = board_apply(d);
		assert_non_null(strstr(board_steps(p), "end-be/terminate end-be/gone"));
		assert_int_equal(json_int_or(p->v[0].steps[p->v[0].n - 2].args, "volumes", 0), cases[i].volumes);
		assert_int_equal(plans_high(p, &where) != NULL, cases[i].is_high);
		plans_free(p);
	}
}

/* i-1 is the oldest, and does not serve. */
/* The first of those that the last plan ends. */
static const char *ended_first(const struct plans *p)
{
	const struct plan *last = &p->v[p->n - 1];

	return json_string_value(json_array_get(json_object_get(last->steps[last->n - 1].args, "instances"), 0));
}

static unsigned stage_of(const struct plans *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->v[i].name, name))
			return p->v[i].stage;
	fail_msg("there is no plan %s", name);
	return 0;
}

/* A cluster in the place of another, and one that loses a node beside it. */
static void nodes_end_only_when_all_that_is_launched_serves(void **state)
{
	struct board *d = *state;
	Reeve__Control__V1__Cluster more = d->k.cluster;
	struct plans *p;

	d->k.s.n_security_groups = d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	d->k.cluster.n_security_groups = more.n_security_groups = 0;
	more.name = (char *)"fe";
	more.nodes = 1;
	d->k.clusters[1] = &more;
	d->k.s.n_clusters = 2;
	board_add_node(d, "i-1", "old", "running");
	board_add_node(d, "i-2", "fe", "running");
	board_add_node(d, "i-3", "fe", "running");
	p = board_apply(d);
	assert_true(stage_of(p, "cluster-be") < stage_of(p, "end-fe"));
	assert_true(stage_of(p, "cluster-be") < stage_of(p, "cluster-old"));
	plans_free(p);
}

/* It came up, and nobody has let it in: it serves less than those that are. */
static void a_node_that_is_in_no_group_goes_before_those_that_are(void **state)
{
	static struct elb_target targets[] = { { .id = "i-2", .state = "healthy", .reason = "" } };
	struct board *d = *state;
	char full[33];
	struct balancers_target_group g = {
		.g = { .arn = "arn:tg", .name = full, .protocol = "TCP", .port = 9030, .tags = board_tags(d, "", "1") },
		.targets = { targets, 1 }
	};
	struct plans *p;

	spec_short_name("inst-1", "wh-1", "tg", "sql", full);
	d->k.s.n_security_groups = d->k.s.n_load_balancers = 0;
	d->k.cluster.n_security_groups = 0;
	d->k.cluster.nodes = 1;
	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "running");
	balancers_in(d->inv)->target_groups = &g;
	balancers_in(d->inv)->target_groups_n = 1;
	p = board_apply(d);
	assert_string_equal(ended_first(p), "i-1");
	plans_free(p);
	balancers_in(d->inv)->target_groups_n = 0;
}

static void what_serves_goes_last(void **state)
{
	static const struct {
		const char *states[3], *health[3], *goes;
	} cases[] = {
		{ { "running", "running", "running" }, { "healthy", "healthy", "healthy" }, "i-3" },
		{ { "running", "running", "running" }, { "unhealthy", "healthy", "healthy" }, "i-1" },
		{ { "running", "running", "running" }, { "initial", "healthy", "unhealthy.draining" }, "i-3" },
		{ { "running", "running", "running" }, { "initial", "healthy", "healthy" }, "i-1" },
		{ { "pending", "running", "running" }, { "healthy", "unhealthy", "healthy" }, "i-1" },
		{ { "pending", "stopped", "running" }, { "healthy", "healthy", "healthy" }, "i-2" },
		{ { "stopping", "pending", "running" }, { "unused", "unused", "unavailable" }, "i-1" },
	};
	static const char *const ids[] = { "i-1", "i-2", "i-3" };
	struct board *d = *state;

	d->k.s.n_security_groups = d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	d->k.cluster.n_security_groups = 0;
	d->k.cluster.nodes = 2;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct elb_target targets[3];
		struct balancers_target_group g = { .g = { .arn = "arn:tg", .name = "rv-other" }, .targets = { targets, 3 } };
		struct plans *p = NULL;
		const struct step *end;

		d->inv->instances.n = 0;
		for (unsigned k = 0; k < 3; k++) {
			board_add_node(d, ids[k], "be", cases[i].states[k]);
			targets[k] = (struct elb_target){ .id = ids[k], .state = cases[i].health[k], .reason = "" };
		}
		balancers_in(d->inv)->target_groups = &g;
		balancers_in(d->inv)->target_groups_n = 1;
		p = board_apply(d);
		end = &p->v[p->n - 1].steps[p->v[p->n - 1].n - 1];
		assert_string_equal(json_string_value(json_array_get(json_object_get(end->args, "instances"), 0)), cases[i].goes);
		plans_free(p);
	}
	balancers_in(d->inv)->target_groups_n = 0;
}

/* How they are and what they did before decides, and not their age: one that a heal has left, which may be well again by now, goes
 * before one that is sick, and that before one that can be started. */
static void one_that_is_sick_or_was_left_by_a_heal_goes_before_the_healthy(void **state)
{
	static const struct {
		const char *system[3], *instance[3], *ending[3], *states[3], *left, *goes;
	} cases[] = {
		{ { "ok", "ok", "ok" }, { "ok", "ok", "ok" }, { NULL }, { "running", "running", "running" }, NULL, "i-3" },
		{ { "ok", "ok", "ok" }, { "impaired", "ok", "ok" }, { NULL }, { "running", "running", "running" }, NULL, "i-1" },
		{ { "ok", "impaired", "ok" }, { "ok", "ok", "ok" }, { NULL }, { "running", "running", "running" }, NULL, "i-2" },
		{ { "ok", "ok", "ok" },
		  { "ok", "ok", "ok" },
		  { "instance-retirement" },
		  { "running", "running", "running" },
		  NULL,
		  "i-1" },
		{ { "initializing", "ok", "insufficient-data" },
		  { "initializing", "ok", "ok" },
		  { NULL },
		  { "running", "running", "running" },
		  NULL,
		  "i-3" },
		{ { "ok", "ok", "ok" }, { "ok", "ok", "ok" }, { NULL }, { "running", "running", "running" }, "i-1", "i-1" },
		{ { "ok", "impaired", "ok" }, { "ok", "ok", "ok" }, { NULL }, { "running", "running", "stopped" }, NULL, "i-2" },
		{ { "ok", "impaired", "ok" }, { "ok", "ok", "ok" }, { NULL }, { "running", "running", "running" }, "i-1", "i-1" },
	};
	struct board *d = *state;

	d->k.s.n_security_groups = d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	d->k.cluster.n_security_groups = 0;
	d->k.cluster.nodes = 2;
	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "running");
	board_add_node(d, "i-3", "be", "running");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(json_close) json_t *left = cases[i].left != NULL ? json_pack("[s]", cases[i].left) : NULL;
		struct ec2_status statuses[3];
		struct plans *p;

		for (size_t k = 0; k < 3; k++) {
			d->inv->instances.v[k].state = cases[i].states[k];
			statuses[k] = (struct ec2_status){ d->inv->instances.v[k].id, cases[i].states[k], cases[i].system[k],
							   cases[i].instance[k], cases[i].ending[k] };
		}
		d->inv->statuses = (struct ec2_statuses){ statuses, 3 };
		d->a.left = left;
		p = board_apply(d);
		assert_string_equal(ended_first(p), cases[i].goes);
		plans_free(p);
	}
}

static void leaving_a_cluster_without_nodes_is_high_risk(void **state)
{
	struct board *d = *state;
	const struct plan *where;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = 0;
	board_add_node(d, "i-1", "be", "running");
	d->k.cluster.nodes = 0;
	p = board_apply(d);
	assert_string_equal(plans_high(p, &where)->name, "terminate");
	plans_free(p);
	d->k.cluster.nodes = 2;
	d->k.cluster.name = (char *)"other";
	p = board_apply(d);
	assert_string_equal(plans_high(p, &where)->name, "terminate");
	assert_string_equal(where->name, "cluster-be");
	plans_free(p);
}

static void another_subnet_is_said_to_be_not_yet_and_never_pretended(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	board_add_node(d, "i-1", "be", "running");
	d->inv->instances.v[0].subnet_id = "subnet-7";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "subnet_id is subnet-7 on i-1; changing it to subnet-1 is not available yet"));
	assert_null(p);
}

static void nodes_that_stand_in_another_vpc_are_told(void **state)
{
	struct board *d = *state;
	struct plans *p = NULL;
	struct err e = { 0 };

	board_add_node(d, "i-1", "be", "running");
	d->inv->instances.v[0].vpc_id = "vpc-2";
	assert_int_equal(planner_apply(&d->a, &d->k.s, &p, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "cluster be: vpc_id is vpc-2 on i-1; changing it to vpc-1 is not available yet"));
}

static void nodes_with_disks_of_their_host_have_data(void **state)
{
	const struct plan *where = NULL;
	struct board *d = *state;
	struct plans *p;

	for (unsigned i = 0; i < 3; i++)
		board_add_node(d, (const char *[]){ "i-1", "i-2", "i-3" }[i], "be", "running");
	p = board_apply(d);
	assert_null(plans_high(p, &where));
	plans_free(p);
	for (unsigned i = 0; i < 2; i++) { /* disks; a type of which AWS tells nothing */
		d->k.cluster.instance_type = (char *)(i == 0 ? "i3.large" : "x9.large");
		for (size_t k = 0; k < 3; k++)
			d->inv->instances.v[k].type = d->k.cluster.instance_type;
		p = board_apply(d);
		assert_non_null(plans_high(p, &where));
		plans_free(p);
	}
}

/* i-1 is the oldest. The refusal comes before anything is deregistered. */
static void what_is_protected_stays_where_others_can_go_and_is_told_where_none_can(void **state)
{
	static const struct {
		const char *guarded, *health[3], *goes, *refused;
		uint32_t nodes;
	} cases[] = {
		{ "", { "healthy", "healthy", "healthy" }, "i-3", NULL, 2 },
		{ "i-3", { "healthy", "healthy", "healthy" }, "i-2", NULL, 2 },
		{ "i-3", { "healthy", "healthy", "unhealthy" }, NULL, "i-3", 2 }, /* a healthy one does not go for a sick one */
		{ "i-2 i-3", { "healthy", "healthy", "healthy" }, "i-1", NULL, 2 },
		{ "i-1 i-2 i-3", { "healthy", "healthy", "healthy" }, NULL, "i-3", 2 },
		{ "i-1 i-3", { "healthy", "healthy", "healthy" }, NULL, "i-3", 1 },
		{ "i-2", { "healthy", "healthy", "healthy" }, NULL, "i-2", 0 },
		{ "i-1 i-2 i-3", { "healthy", "healthy", "healthy" }, "", NULL, 3 },
	};
	static const char *const ids[] = { "i-1", "i-2", "i-3" };
	struct board *d = *state;

	d->k.s.n_security_groups = d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	d->k.cluster.n_security_groups = 0;
	for (unsigned k = 0; k < 3; k++)
		board_add_node(d, ids[k], "be", "running");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct inventory_guard guards[3];
		struct elb_target targets[3];
		struct balancers_target_group g = { .g = { .arn = "arn:tg", .name = "rv-other" }, .targets = { targets, 3 } };
		struct plans *p = NULL;
		struct err e = { 0 };

		d->k.cluster.nodes = cases[i].nodes;
		for (unsigned k = 0; k < 3; k++) {
			guards[k] =
			    (struct inventory_guard){ { &resource_instance, ids[k] }, strstr(cases[i].guarded, ids[k]) != NULL };
			targets[k] = (struct elb_target){ .id = ids[k], .state = cases[i].health[k], .reason = "" };
		}
		d->inv->guards = (struct inventory_guards){ guards, 3 };
		balancers_in(d->inv)->target_groups = &g;
		balancers_in(d->inv)->target_groups_n = 1;
		if (planner_apply(&d->a, &d->k.s, &p, &e) != 0) {
			CLEANUP(mem_close)
			char *says = mem_printf("cluster be: %s is protected from termination, so it cannot be ended; take its "
						"protection off (EC2 attribute disableApiTermination), and send the command again",
						cases[i].refused);

			assert_int_equal(e.code, ERR_INVALID);
			assert_string_equal(err_text(&e), says);
		} else if (*cases[i].goes == '\0') {
			assert_string_equal(board_steps(p), "");
		} else {
			assert_null(cases[i].refused);
			assert_string_equal(ended_first(p), cases[i].goes);
		}
		plans_free(p);
	}
	balancers_in(d->inv)->target_groups_n = 0;
	d->inv->guards.n = 0;
}

/* i-1 stays. Of those that go i-2 is registered, i-3 drains since before, and i-4 is in no group. */
static void nodes_end_when_all_their_groups_have_let_them_go(void **state)
{
	static const char *const ids[] = { "i-1", "i-2", "i-3", "i-4" };
	static struct elb_target first[] = { { .id = "i-1", .state = "healthy", .reason = "" },
					     { .id = "i-2", .state = "healthy", .reason = "" },
					     { .id = "i-3", .state = "draining", .reason = "" } },
				 second[] = { { .id = "i-3", .state = "draining", .reason = "" } },
				 third[] = { { .id = "i-1", .state = "healthy", .reason = "" } };
	struct balancers_target_group groups[] = { { .g = { .arn = "arn:1", .name = "rv-1" }, .targets = { first, 3 } },
						   { .g = { .arn = "arn:2", .name = "rv-2" }, .targets = { second, 1 } },
						   { .g = { .arn = "arn:3", .name = "rv-3" }, .targets = { third, 1 } } };
	struct board *d = *state;
	struct plans *p;

	d->k.s.n_security_groups = d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	d->k.cluster.n_security_groups = 0;
	d->k.cluster.nodes = 1;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		board_add_node(d, ids[i], "be", "running");
	balancers_in(d->inv)->target_groups = groups;
	balancers_in(d->inv)->target_groups_n = ARRAY_LEN(groups);
	p = board_apply(d);
	assert_string_equal(board_steps(p), "end-be/deregister-rv-1 end-be/drained-rv-1 end-be/drained-rv-2 "
					    "end-be/still-up end-be/terminate end-be/gone");
	assert_int_equal(p->v[0].pivot, 4);
	assert_int_equal(json_array_size(json_object_get(p->v[0].steps[0].args, "instances")), 1);
	assert_int_equal(json_array_size(json_object_get(p->v[0].steps[1].args, "instances")), 2);
	assert_string_equal(json_str_or(p->v[0].steps[2].args, "group_arn", ""), "arn:2");
	plans_free(p);
	assert_int_equal(planner_delete(&d->a, "wh-1", &p, NULL), 0);
	assert_string_equal(board_steps(p), "cluster-be/deregister-rv-1 cluster-be/deregister-rv-3 cluster-be/drained-rv-1 "
					    "cluster-be/drained-rv-2 cluster-be/drained-rv-3 cluster-be/terminate cluster-be/gone");
	plans_free(p);
	balancers_in(d->inv)->target_groups_n = 0;
}

/* Another stands in its place, and when as many as are wanted serve it ends, as one that is too many. */
static void one_that_a_heal_has_left_is_never_one_of_those_that_are_wanted(void **state)
{
	struct board *d = *state;
	CLEANUP(json_close) json_t *left = json_pack("[s]", "i-1");
	const struct step *launch, *end;
	const struct plan *where;
	struct plans *p;

	d->k.s.n_load_balancers = d->k.s.n_target_groups = d->k.s.n_security_groups = 0;
	d->k.cluster.n_security_groups = 0;
	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "running");
	board_add_node(d, "i-3", "be", "running");
	d->a.left = left;
	d->k.cluster.nodes = 3;
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/launch cluster-be/up cluster-be/up-ok end-be/terminate "
					    "end-be/gone");
	assert_true(stage_of(p, "cluster-be") < stage_of(p, "end-be"));
	launch = &p->v[0].steps[0];
	end = &p->v[1].steps[0];
	assert_int_equal(json_int_or(launch->args, "count", 0), 1);
	assert_int_equal(json_int_or(launch->args, "held", 0), 3); /* it stands: nodes_per_cluster counts it */
	assert_string_equal(ended_first(p), "i-1");
	assert_int_equal(json_array_size(json_object_get(end->args, "instances")), 1);
	assert_int_equal(json_int_or(end->args, "of", 0), 4);
	assert_null(plans_high(p, &where));
	plans_free(p);
	/* Nor is it the last of its cluster, where others come. */
	d->inv->instances.n = 1;
	p = board_apply(d);
	assert_int_equal(json_int_or(p->v[0].steps[0].args, "count", 0), 3);
	assert_string_equal(ended_first(p), "i-1");
	assert_null(plans_high(p, &where));
	plans_free(p);
	/* In a paused cluster none does. */
	d->k.cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED;
	p = board_apply(d);
	assert_string_equal(board_steps(p), "end-be/terminate end-be/gone");
	assert_string_equal(plans_high(p, &where)->name, "terminate");
	plans_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(growing_launches_what_is_missing_under_the_same_step_name),
		DESK_TEST(terminated_nodes_are_not_nodes),
		DESK_TEST(shrinking_takes_the_youngest_and_without_data_volumes_is_not_high_risk),
		DESK_TEST(shrinking_is_high_risk_when_a_node_that_goes_has_data_volumes),
		DESK_TEST(what_serves_goes_last),
		DESK_TEST(nodes_end_only_when_all_that_is_launched_serves),
		DESK_TEST(a_node_that_is_in_no_group_goes_before_those_that_are),
		DESK_TEST(one_that_is_sick_or_was_left_by_a_heal_goes_before_the_healthy),
		DESK_TEST(one_that_a_heal_has_left_is_never_one_of_those_that_are_wanted),
		DESK_TEST(leaving_a_cluster_without_nodes_is_high_risk),
		DESK_TEST(nodes_that_stand_in_another_vpc_are_told),
		DESK_TEST(nodes_with_disks_of_their_host_have_data),
		DESK_TEST(another_subnet_is_said_to_be_not_yet_and_never_pretended),
		DESK_TEST(what_is_protected_stays_where_others_can_go_and_is_told_where_none_can),
		DESK_TEST(nodes_end_when_all_their_groups_have_let_them_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
