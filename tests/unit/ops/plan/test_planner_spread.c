/* test_planner_spread.c - where missing nodes are launched, which go, and on what a launch falls back. */
#include "agent/ops/plan/planner_impl.h"
#include "tests/unit/ops/board.h"

static char *three[] = { (char *)"subnet-a", (char *)"subnet-b", (char *)"subnet-c" };
static struct ec2_subnet subnets[] = { { .id = "subnet-a", .vpc_id = "vpc-1", .zone = "us-east-1a" },
				       { .id = "subnet-b", .vpc_id = "vpc-1", .zone = "us-east-1b" },
				       { .id = "subnet-c", .vpc_id = "vpc-1", .zone = "us-east-1b" } };

static int spread_start(void **state)
{
	struct board *d;

	board_start(state);
	d = *state;
	d->k.s.n_target_groups = d->k.s.n_load_balancers = d->k.s.n_security_groups = 0;
	d->k.cluster.n_security_groups = 0;
	d->k.cluster.subnet_id = (char *)"";
	d->k.cluster.subnet_ids = three;
	d->k.cluster.n_subnet_ids = 3;
	d->inv->subnets = (struct ec2_subnets){ subnets, ARRAY_LEN(subnets) };
	return 0;
}

static void add(struct board *d, const char *id, const char *subnet, const char *zone)
{
	struct ec2_instance *in;

	board_add_node(d, id, "be", "running");
	in = &d->inv->instances.v[d->inv->instances.n - 1];
	in->subnet_id = subnet;
	in->az = zone;
}

static const struct step *step_of(const struct plans *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++)
			if (str_eq(p->v[i].steps[k].name, name))
				return &p->v[i].steps[k];
	return NULL;
}

static int64_t launched(const struct plans *p, const char *subnet)
{
	CLEANUP(mem_close) char *name = mem_printf("launch-%s", subnet);
	const struct step *s = step_of(p, name);

	return s != NULL ? json_int_or(s->args, "count", 0) : 0;
}

/*  nodes, in a b c beforehand      launched in a b c: zone a has one subnet, zone b has two  */
static void zones_are_filled_evenly_and_then_their_subnets(void **state)
{
	static const struct {
		unsigned nodes, have[3], launch[3];
	} rows[] = {
		{ 1, { 0, 0, 0 }, { 1, 0, 0 } }, { 2, { 0, 0, 0 }, { 1, 1, 0 } }, { 4, { 0, 0, 0 }, { 2, 1, 1 } },
		{ 5, { 0, 0, 0 }, { 2, 2, 1 } }, { 4, { 2, 0, 0 }, { 0, 1, 1 } }, { 4, { 0, 1, 0 }, { 2, 0, 1 } },
		{ 3, { 3, 0, 0 }, { 0, 0, 0 } }, { 6, { 1, 1, 1 }, { 2, 1, 0 } },
	};
	static const char *const ids[] = { "i-1", "i-2", "i-3" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct board *d = *state;
		struct plans *p;
		unsigned n = 0;

		for (unsigned s = 0; s < 3; s++)
			for (unsigned k = 0; k < rows[i].have[s]; k++)
				add(d, ids[n++], three[s], subnets[s].zone);
		d->k.cluster.nodes = rows[i].nodes;
		p = board_apply(d);
		for (unsigned s = 0; s < 3; s++)
			if (launched(p, three[s]) != rows[i].launch[s])
				fail_msg("row %zu: %lld launched in %s", i, (long long)launched(p, three[s]), three[s]);
		plans_free(p);
		board_end(state);
		spread_start(state);
	}
}

static void all_that_is_launched_is_waited_for_together(void **state)
{
	struct board *d = *state;
	CLEANUP(buf_close) struct buf b = BUF_MAX(200);
	struct plans *p;

	d->k.cluster.nodes = 2;
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/launch-subnet-a cluster-be/launch-subnet-b cluster-be/up cluster-be/up-ok");
	arg_print_strs(step_of(p, "up")->args, "instances", &b);
	assert_string_equal(buf_str(&b), "@nodes.be.subnet-a, @nodes.be.subnet-b");
	assert_string_equal(json_str_or(step_of(p, "up")->args, "fact", "?"), "nodes.be");
	assert_true(json_is_false(json_object_get(step_of(p, "launch-subnet-a")->args, "is_last")));
	assert_true(json_is_true(json_object_get(step_of(p, "launch-subnet-b")->args, "is_last")));
	assert_int_equal(json_int_or(step_of(p, "launch-subnet-b")->args, "held", 0), 1); /* for nodes_per_cluster */
	plans_free(p);
}

static void a_launch_falls_back_on_the_other_types_there_and_then_on_the_other_subnets(void **state)
{
	static char *other[] = { (char *)"i3.large" };
	struct board *d = *state;
	CLEANUP(buf_close) struct buf b = BUF_MAX(2000);
	const struct step *s;
	struct plans *p;

	d->k.cluster.nodes = 1;
	d->k.cluster.n_subnet_ids = 2;
	d->k.cluster.other_instance_types = other;
	d->k.cluster.n_other_instance_types = 1;
	p = board_apply(d);
	s = step_of(p, "launch-subnet-a");
	s->kind->detail(s->args, &b);
	assert_non_null(strstr(buf_str(&b), "      or, for want of room, i3.large in subnet-a in us-east-1a\n"
					    "      or, for want of room, r6i.xlarge in subnet-b in us-east-1b\n"
					    "      or, for want of room, i3.large in subnet-b in us-east-1b\n"));
	plans_free(p);
}

static void a_cluster_of_one_subnet_and_type_is_launched_as_ever(void **state)
{
	struct board *d = *state;
	struct plans *p;

	d->k.cluster.n_subnet_ids = 0;
	d->k.cluster.subnet_id = (char *)"subnet-a";
	p = board_apply(d);
	assert_string_equal(board_steps(p), "cluster-be/launch cluster-be/up cluster-be/up-ok");
	assert_null(json_object_get(step_of(p, "launch")->args, "elsewhere"));
	assert_null(json_object_get(step_of(p, "launch")->args, "before"));
	plans_free(p);
}

/* Three of zone a and one of zone b: the youngest of zone a go, also where that of zone b is younger. */
static void nodes_that_go_leave_the_others_spread(void **state)
{
	struct board *d = *state;
	CLEANUP(buf_close) struct buf b = BUF_MAX(200);
	struct plans *p;

	add(d, "i-1", "subnet-a", "us-east-1a");
	add(d, "i-2", "subnet-a", "us-east-1a");
	add(d, "i-3", "subnet-a", "us-east-1a");
	add(d, "i-4", "subnet-b", "us-east-1b");
	d->k.cluster.nodes = 2;
	p = board_apply(d);
	arg_print_strs(step_of(p, "terminate")->args, "instances", &b);
	assert_string_equal(buf_str(&b), "i-2, i-3");
	plans_free(p);
}

static void one_that_a_heal_has_left_fills_no_zone(void **state)
{
	struct board *d = *state;
	CLEANUP(json_close) json_t *left = json_pack("[s]", "i-1");
	struct plans *p;

	add(d, "i-1", three[0], subnets[0].zone);
	add(d, "i-2", three[1], subnets[1].zone);
	d->a.left = left;
	d->k.cluster.nodes = 2;
	p = board_apply(d);
	assert_int_equal(launched(p, three[0]), 1);
	assert_int_equal(launched(p, three[2]), 0);
	plans_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(zones_are_filled_evenly_and_then_their_subnets, spread_start, board_end),
		cmocka_unit_test_setup_teardown(all_that_is_launched_is_waited_for_together, spread_start, board_end),
		cmocka_unit_test_setup_teardown(a_launch_falls_back_on_the_other_types_there_and_then_on_the_other_subnets,
						spread_start, board_end),
		cmocka_unit_test_setup_teardown(a_cluster_of_one_subnet_and_type_is_launched_as_ever, spread_start, board_end),
		cmocka_unit_test_setup_teardown(nodes_that_go_leave_the_others_spread, spread_start, board_end),
		cmocka_unit_test_setup_teardown(one_that_a_heal_has_left_fills_no_zone, spread_start, board_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
