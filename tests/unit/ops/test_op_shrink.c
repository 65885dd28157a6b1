/* test_op_shrink.c - nodes are too many, or a cluster is no longer wanted, from the signed command to AWS: nobody ends while those
 * that are to serve alone do not, and what was taken out is let in again. */
#include "agent/base/str.h"
#include "tests/unit/ops/shop.h"

#define POLICY                                                                                                                     \
	"commands: {warehouse.apply: auto}\nbounds: {" SHOP_BOUNDS                                                                 \
	"instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], "               \
	"ports: [1-65535], node_http: [{port: 8040, path: /*}]}\n"
#define LONG_MS 36000000

static Reeve__Control__V1__NodeEndpoint health = REEVE__CONTROL__V1__NODE_ENDPOINT__INIT;

static void stand(struct shop *s)
{
	struct desk_command k;

	s->k.cluster.n_volumes = 0;
	s->sim->least_up_s = 5;
	s->sim->most_up_s = 20;
	shop_policy_counts(s, POLICY);
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	buf_reset(&s->seen);
}

static void change(struct shop *s, struct desk_command *k)
{
	s->k.s.generation++;
	shop_apply(s, k, 2);
	shop_head(s);
	shop_send(s, k, true);
}

static unsigned registered(const struct shop *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->sim->target_groups[0]->targets_n; i++)
		n += s->sim->target_groups[0]->targets[i].draining_ms == 0;
	return n;
}

static void sicken_those_that_are_in(struct shop *s)
{
	for (size_t i = 0; i < s->sim->target_groups[0]->targets_n; i++)
		if (s->sim->target_groups[0]->targets[i].draining_ms == 0)
			s->sim->target_groups[0]->targets[i].sick_ms = world_now_ms(s->d.w) + LONG_MS;
}

static void the_healthy_one_stays_where_the_other_falls_ill_while_it_drains(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s);
	s->k.cluster.nodes = 1;
	change(s, &k);
	while (shop_count(s, "DeregisterTargets") < 1)
		desk_pass(&s->d, 100);
	sicken_those_that_are_in(s);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(ROLLED_BACK));
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(registered(s), 2);
}

/* In no target group at all: the endpoint alone tells. */
static void the_one_that_stays_is_asked_where_it_has_an_endpoint(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	health.port = 8040;
	health.path = (char *)AWS_NODE_HEALTH;
	s->k.cluster.health = &health;
	s->k.s.n_load_balancers = s->k.s.n_target_groups = 0;
	stand(s);
	s->k.cluster.nodes = 1;
	s->is_mute = true;
	change(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(ROLLED_BACK));
	assert_int_equal(shop_alive(s), 2);
	assert_true(shop_count(s, "GET") > 0);
}

static void a_cluster_does_not_end_while_the_other_behind_its_group_is_ill(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	Reeve__Control__V1__Cluster two;

	s->k.cluster.n_volumes = 0;
	two = s->k.cluster;
	two.name = (char *)"be2";
	s->k.clusters[1] = &two;
	s->k.s.n_clusters = 2;
	s->k.tg_clusters[1] = (char *)"be2";
	s->k.tg.n_clusters = 2;
	stand(s);
	for (size_t i = 0; i < s->sim->target_groups[0]->targets_n; i++) {
		struct aws_target *t = &s->sim->target_groups[0]->targets[i];

		for (size_t n = 0; n < s->sim->instances_n; n++)
			if (str_eq(t->id, s->sim->instances[n]->t.id) &&
			    str_eq(aws_tag_of(&s->sim->instances[n]->t, "reeve:cluster"), "be2"))
				t->sick_ms = world_now_ms(s->d.w) + LONG_MS;
	}
	s->k.clusters[0] = &two;
	s->k.s.n_clusters = 1;
	s->k.tg_clusters[0] = (char *)"be2";
	s->k.tg.n_clusters = 1;
	change(s, &k);
	assert_int_not_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 4);
	assert_int_equal(registered(s), 4);
}

static const struct aws_tg *group_of(const struct shop *s)
{
	return s->sim->target_groups[0];
}

/* Two clusters behind one group, and nobody serves: nothing is lost by a pause. */
static void a_cluster_that_serves_nobody_can_be_paused(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	Reeve__Control__V1__Cluster two;

	s->k.cluster.n_volumes = 0;
	two = s->k.cluster;
	two.name = (char *)"be2";
	s->k.clusters[1] = &two;
	s->k.s.n_clusters = 2;
	s->k.tg_clusters[1] = (char *)"be2";
	s->k.tg.n_clusters = 2;
	stand(s);
	for (size_t i = 0; i < group_of(s)->targets_n; i++)
		group_of(s)->targets[i].sick_ms = world_now_ms(s->d.w) + LONG_MS;
	desk_pass(&s->d, 600000);
	s->k.cluster.power = REEVE__CONTROL__V1__CLUSTER__POWER__PAUSED;
	change(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
}

static uint32_t slow_ms;

static void answer_slowly(void *ctx, struct sim_http *x)
{
	if (aws_node_is_for(x->url) && slow_ms > 0)
		sim_http_answer(x, 200, NULL, NULL, 0, slow_ms);
	else
		shop_on_request(ctx, x);
}

/* One after the other they take longer than a look is believed. */
static void slow_endpoints_do_not_keep_a_scale_in_from_its_end(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	slow_ms = 0;
	health.port = 8040;
	health.path = (char *)AWS_NODE_HEALTH;
	s->k.cluster.health = &health;
	s->k.cluster.nodes = 9;
	stand(s);
	slow_ms = 9000;
	sim_http_handle(s->d.w, answer_slowly, s);
	s->k.cluster.nodes = 8;
	change(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 8);
}

/* More than run at once. */
static void eleven_clusters_that_drain_for_an_hour_end_by_default(void **state)
{
	enum { CLUSTERS = 11 };
	static Reeve__Control__V1__Drain drain = REEVE__CONTROL__V1__DRAIN__INIT;
	static Reeve__Control__V1__Cluster clusters[CLUSTERS], *list[CLUSTERS];
	static char names[CLUSTERS][8];
	struct shop *s = *state;
	struct desk_command k;

	drain.wait_s = 3600;
	s->k.s.n_target_groups = s->k.s.n_load_balancers = 0;
	s->k.cluster.n_volumes = 0;
	s->k.cluster.drain = &drain;
	for (size_t i = 0; i < CLUSTERS; i++) {
		snprintf(names[i], sizeof(names[i]), "be%02zu", i);
		clusters[i] = s->k.cluster;
		clusters[i].name = names[i];
		list[i] = &clusters[i];
	}
	s->k.s.clusters = list;
	s->k.s.n_clusters = CLUSTERS;
	shop_policy_counts(s, "commands: {warehouse.apply: auto}\nbounds: {" SHOP_BOUNDS
			      "instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 99, cidrs: [10.0.0.0/8], "
			      "ports: [1-65535]}\nrates: {mutations_per_hour: 1000, deletions_per_day: 1000}\n");
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	for (size_t i = 0; i < CLUSTERS; i++)
		clusters[i].nodes = 1;
	change(s, &k);
	desk_pass(&s->d, 2 * 3600000);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), CLUSTERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(the_healthy_one_stays_where_the_other_falls_ill_while_it_drains),
		SHOP(the_one_that_stays_is_asked_where_it_has_an_endpoint),
		SHOP(a_cluster_does_not_end_while_the_other_behind_its_group_is_ill),
		SHOP(a_cluster_that_serves_nobody_can_be_paused),
		SHOP(slow_endpoints_do_not_keep_a_scale_in_from_its_end),
		SHOP(eleven_clusters_that_drain_for_an_hour_end_by_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
