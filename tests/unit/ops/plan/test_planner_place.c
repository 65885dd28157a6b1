/* test_planner_place.c - room in a subnet, and zones that a balancer leads to. */
#include "tests/unit/ops/board.h"

static struct ec2_subnet *add_subnets(struct board *d)
{
	struct ec2_subnet *v = arena_alloc(d->inv->arena, 3 * sizeof(*v));

	v[0] = (struct ec2_subnet){ .id = "subnet-1", .vpc_id = "vpc-1", .zone = "us-east-1a" };
	v[1] = (struct ec2_subnet){ .id = "subnet-2", .vpc_id = "vpc-1", .zone = "us-east-1b" };
	v[2] = (struct ec2_subnet){ .id = "subnet-3", .vpc_id = "vpc-1", .zone = "us-east-1a" };
	d->inv->subnets = (struct ec2_subnets){ v, 3 };
	return v;
}

static void expect(struct board *d, const char *says)
{
	struct plans *p = NULL;
	struct err e = { 0 };
	int rc = planner_apply(&d->a, &d->k.s, &p, &e);

	if (!str_eq(rc != 0 ? err_text(&e) : NULL, says))
		fail_msg("expected \"%s\", it says: %s", says != NULL ? says : "nothing", rc != 0 ? err_text(&e) : "nothing");
	plans_free(p);
}

/* The balancer takes one address, and each node that is launched. */
static void what_is_new_has_an_address_of_its_own_or_is_refused(void **state)
{
	static const struct {
		uint32_t free, nodes, stand;
		bool is_told;
		const char *says;
	} cases[] = {
		{ 3, 2, 0, true, NULL },
		{ 2, 2, 0, true,
		  "clusters[0]: subnet_id: subnet-1 has no capacity: it has 2 of the 3 addresses that this plan takes; free some, "
		  "ask for fewer nodes, or name another subnet" },
		{ 0, 2, 0, false, NULL }, /* not told, or of IPv6 alone */
		{ 2, 2, 1, true, NULL },  /* one of two stands already */
		{ 1, 2, 1, true,
		  "clusters[0]: subnet_id: subnet-1 has no capacity: it has 1 of the 2 addresses that this plan takes; free some, "
		  "ask for fewer nodes, or name another subnet" },
		{ 1, 2, 2, true, NULL }, /* for the balancer */
		{ 0, 2, 2, true,
		  "load_balancers[0]: subnet_ids[0]: subnet-1 has no capacity: it has 0 of the 1 addresses that this plan takes; "
		  "free some, or name another subnet" },
	};
	static const char *const ids[] = { "i-1", "i-2" };
	struct board *d = *state;
	struct ec2_subnet *subnets = add_subnets(d);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		d->inv->instances.n = 0;
		for (uint32_t k = 0; k < cases[i].stand; k++)
			board_add_node(d, ids[k], "be", "running");
		d->k.cluster.nodes = cases[i].nodes;
		subnets[0].free = cases[i].free;
		subnets[0].tells_free = cases[i].is_told;
		expect(d, cases[i].says);
	}
}

static void clusters_share_the_addresses_of_a_subnet_and_a_full_one_that_nothing_is_new_in_is_as_good(void **state)
{
	struct board *d = *state;
	struct ec2_subnet *subnets = add_subnets(d);
	Reeve__Control__V1__Cluster two = d->k.cluster;

	two.name = (char *)"fe";
	d->k.clusters[1] = &two;
	d->k.s.n_clusters = 2;
	d->k.s.n_load_balancers = d->k.s.n_target_groups = 0;
	subnets[0].tells_free = subnets[1].tells_free = true;
	subnets[0].free = 4;
	expect(d, NULL);
	subnets[0].free = 3;
	expect(d, "clusters[1]: subnet_id: subnet-1 has no capacity: it has 3 of the 4 addresses that this plan takes; free some, "
		  "ask for "
		  "fewer nodes, or name another subnet");
	two.subnet_id = (char *)"subnet-2";
	subnets[1].free = 2;
	expect(d, NULL);
	board_add_node(d, "i-1", "be", "running");
	board_add_node(d, "i-2", "be", "running");
	subnets[0].free = 0;
	expect(d, NULL);
}

/* To ELB they would be unused for ever. */
static void nodes_stand_in_a_zone_that_their_balancer_leads_to(void **state)
{
	static const char says[] =
	    "clusters[0]: subnet_id: subnet-2 is in us-east-1b, where load balancer main has no subnet: no traffic "
	    "would reach its nodes";
	struct board *d = *state;
	struct ec2_subnet *subnets = add_subnets(d);

	d->k.subnets[0] = (char *)"subnet-3";
	expect(d, NULL); /* another subnet of the zone */
	d->k.cluster.subnet_id = (char *)"subnet-2";
	expect(d, says);
	d->k.subnets[1] = (char *)"subnet-2";
	d->k.lb.n_subnet_ids = 2;
	expect(d, NULL);
	d->k.lb.n_subnet_ids = 1;
	d->k.cluster.nodes = 0;
	expect(d, NULL);
	d->k.cluster.nodes = 2;
	d->k.lb.n_listeners = 0;
	expect(d, NULL);
	d->k.lb.n_listeners = 1;
	subnets[1].zone = ""; /* AWS does not tell */
	expect(d, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(what_is_new_has_an_address_of_its_own_or_is_refused),
		DESK_TEST(clusters_share_the_addresses_of_a_subnet_and_a_full_one_that_nothing_is_new_in_is_as_good),
		DESK_TEST(nodes_stand_in_a_zone_that_their_balancer_leads_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
