/* test_op_reboot.c - cluster.reboot from the signed command to AWS, the nodes and back: they are drained before they go, and one
 * that does not say that it is healthy again is the last one that goes. */
#include "tests/unit/ops/shop.h"

#define POLICY(node_http)                                                                                                          \
	"commands: {warehouse.apply: auto, cluster.reboot: auto}\nbounds: {" SHOP_BOUNDS                                           \
	"instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, "                                    \
	"cidrs: [10.0.0.0/8], ports: [1-65535]" node_http "}\n"
#define ASKS POLICY(", node_http: [{port: 8040-8041, path: /*}]")

/* What a reboot says of the nodes. */
struct says {
	Reeve__Control__V1__NodeEndpoint health, call;
	Reeve__Control__V1__Drain drain;
	Reeve__Control__V1__ClusterReboot r;
};

static void shop_reboot(struct shop *s, struct desk_command *k, uint64_t seq, struct says *t)
{
	reeve__control__v1__node_endpoint__init(&t->health);
	reeve__control__v1__node_endpoint__init(&t->call);
	reeve__control__v1__drain__init(&t->drain);
	reeve__control__v1__cluster_reboot__init(&t->r);
	t->health.port = 8040;
	t->health.path = (char *)AWS_NODE_HEALTH;
	t->call.port = 8041;
	t->call.path = (char *)AWS_NODE_DRAIN;
	t->drain.call = &t->call;
	t->r.warehouse = (char *)"wh-1";
	t->r.cluster = (char *)"be";
	t->r.health = &t->health;
	t->r.drain = &t->drain;
	desk_command(k, seq);
	k->c.verb = REEVE__CONTROL__V1__VERB__CLUSTER_REBOOT;
	k->c.args.len = reeve__control__v1__cluster_reboot__pack(&t->r, k->args);
	k->c.not_before = 0;
	shop_send(s, k, false);
}

/* Two nodes serve. The command is seq 1. */
static void stand(struct shop *s, const char *policy)
{
	struct desk_command k;

	shop_policy_counts(s, policy);
	s->sim->least_up_s = 5;
	s->sim->most_up_s = 20;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	buf_reset(&s->seen);
}

static unsigned registered(const struct shop *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->sim->target_groups[0]->targets_n; i++)
		n += s->sim->target_groups[0]->targets[i].draining_ms == 0;
	return n;
}

static unsigned rebooted(const struct shop *s)
{
	return s->sim->instances[0]->reboots + s->sim->instances[1]->reboots;
}

static void each_node_is_drained_rebooted_and_asked_for_its_health_before_the_next(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct says t;

	stand(s, ASKS);
	shop_reboot(s, &k, 2, &t);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_string_equal(buf_str(&s->seen), "DeregisterTargets POST GET RebootInstances GET RegisterTargets "
					       "DeregisterTargets POST GET RebootInstances GET RegisterTargets ");
	assert_true(s->sim->instances[0]->is_back_told && s->sim->instances[1]->is_back_told);
	assert_int_equal(registered(s), 2);
}

static void a_node_that_does_not_drain_is_not_rebooted_and_serves_on(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];
	struct says t;

	stand(s, ASKS);
	s->is_mute = true;
	shop_reboot(s, &k, 2, &t);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(ROLLED_BACK));
	assert_non_null(strstr(message, "is not drained yet: no answer"));
	assert_int_equal(rebooted(s), 0);
	assert_int_equal(registered(s), 2);
}

static bool has_rebooted_one(void *ctx)
{
	return rebooted(ctx) == 1;
}

static void behind_one_that_is_not_healthy_again_no_other_goes(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];
	struct says t;

	stand(s, ASKS);
	shop_reboot(s, &k, 2, &t);
	assert_int_equal(sim_run_until(s->d.w, has_rebooted_one, s, 1800000), SIM_TRUE);
	s->is_mute = true;
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(ROLLED_BACK));
	assert_non_null(strstr(message, "is not healthy yet: no answer"));
	assert_int_equal(rebooted(s), 1);
	assert_int_equal(registered(s), 2); /* that it is let in again is for the balancer to judge */
}

/* Either endpoint, and the policy as it is without any. */
static void what_the_policy_does_not_hold_is_asked_of_nobody(void **state)
{
	static const struct {
		const char *policy, *says;
	} cases[] = {
		{ POLICY(""), "bounds.node_http" },
		{ POLICY(", node_http: [{port: 8041, path: /*}]"),
		  "policy bounds.node_http does not hold port 8040 with path " AWS_NODE_HEALTH },
		{ POLICY(", node_http: [{port: 8040, path: /*}]"),
		  "policy bounds.node_http does not hold port 8041 with path " AWS_NODE_DRAIN },
	};
	struct shop *s = *state;
	struct desk_command k;
	char message[512];
	struct says t;

	stand(s, ASKS);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		shop_policy_counts(s, cases[i].policy);
		shop_reboot(s, &k, 2 + i, &t);
		assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
		assert_non_null(strstr(message, cases[i].says));
		assert_string_equal(buf_str(&s->seen), "");
	}
}

static bool is_taken_out(void *ctx)
{
	return strstr(buf_str(&((struct shop *)ctx)->seen), "DeregisterTargets") != NULL;
}

/* Two serve. While the first drains the other goes: so the first is the last one, and serves on. */
static void the_last_one_is_not_rebooted_when_the_other_went_while_it_drained(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	const struct aws_tg *g;
	unsigned serving = 0;
	struct says t;

	stand(s, ASKS);
	g = s->sim->target_groups[0];
	shop_reboot(s, &k, 2, &t);
	assert_int_equal(sim_run_until(s->d.w, is_taken_out, s, 600000), SIM_TRUE);
	for (size_t i = 0; i < g->targets_n; i++)
		for (size_t n = 0; g->targets[i].draining_ms == 0 && n < s->sim->instances_n; n++)
			if (str_eq(s->sim->instances[n]->t.id, g->targets[i].id))
				aws_hand_end(s->sim, s->sim->instances[n]);
	assert_true(shop_until(s, &k, STATE_OF(ROLLED_BACK), 3600000));
	desk_pass(&s->d, 120000);
	assert_int_equal(shop_count(s, "RebootInstances"), 0);
	for (size_t i = 0; i < g->targets_n; i++)
		serving += aws_serves(s->sim, g, &g->targets[i]);
	assert_int_equal(serving, 1);
}

/* A reboot is what they need. */
static void who_is_rebooted_is_well_again(void *ctx, const struct aws_entry *e)
{
	struct shop *s = ctx;
	struct aws_tg *g = s->sim->target_groups[0];

	for (size_t i = 0; str_eq(e->action, "RebootInstances") && i < g->targets_n; i++)
		if (str_eq(g->targets[i].id, form_sim_get(e->form, "InstanceId.1")))
			g->targets[i].sick_ms = 0;
	shop_on_call(ctx, e);
}

/* All are ill, for a day. */
static struct aws_tg *stand_ill(struct shop *s)
{
	struct aws_tg *g;

	stand(s, ASKS);
	g = s->sim->target_groups[0];
	for (size_t i = 0; i < g->targets_n; i++)
		g->targets[i].sick_ms = world_now_ms(s->d.w) + 86400000;
	desk_pass(&s->d, 60000);
	return g;
}

static void a_cluster_of_which_all_are_ill_can_be_rebooted_one_by_one(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct aws_tg *g;
	struct says t;

	g = stand_ill(s);
	s->sim->watch = who_is_rebooted_is_well_again;
	shop_reboot(s, &k, 2, &t);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(rebooted(s), 2);
	for (size_t i = 0; i < g->targets_n; i++)
		assert_true(g->targets[i].draining_ms != 0 || aws_serves(s->sim, g, &g->targets[i]));
}

static void one_reboot_mends_all(void *ctx, const struct aws_entry *e)
{
	struct shop *s = ctx;
	struct aws_tg *g = s->sim->target_groups[0];

	for (size_t i = 0; str_eq(e->action, "RebootInstances") && i < g->targets_n; i++)
		g->targets[i].sick_ms = 0;
	shop_on_call(ctx, e);
}

static bool is_taken_out_too(void *ctx)
{
	return shop_count(ctx, "DeregisterTargets") == 2;
}

static struct aws_instance *one_in(const struct shop *s, const struct aws_tg *g)
{
	for (size_t i = 0; i < g->targets_n; i++)
		for (size_t n = 0; g->targets[i].draining_ms == 0 && n < s->sim->instances_n; n++)
			if (str_eq(s->sim->instances[n]->t.id, g->targets[i].id))
				return s->sim->instances[n];
	fail_msg("none is in it");
	return NULL;
}

/* Both were ill when this was planned. By its turn the second serves, and then alone. */
static void one_that_came_back_before_it_left_is_not_rebooted_when_the_other_went(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct aws_tg *g;
	struct says t;

	g = stand_ill(s);
	s->sim->watch = one_reboot_mends_all;
	shop_reboot(s, &k, 2, &t);
	assert_int_equal(sim_run_until(s->d.w, is_taken_out_too, s, 3600000), SIM_TRUE);
	aws_hand_end(s->sim, one_in(s, g));
	assert_true(shop_until(s, &k, STATE_OF(FAILED), 3600000));
	assert_int_equal(shop_count(s, "RebootInstances"), 1);
	assert_true(aws_is_alive(s->sim, one_in(s, g)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(each_node_is_drained_rebooted_and_asked_for_its_health_before_the_next),
		SHOP(a_node_that_does_not_drain_is_not_rebooted_and_serves_on),
		SHOP(the_last_one_is_not_rebooted_when_the_other_went_while_it_drained),
		SHOP(behind_one_that_is_not_healthy_again_no_other_goes),
		SHOP(what_the_policy_does_not_hold_is_asked_of_nobody),
		SHOP(a_cluster_of_which_all_are_ill_can_be_rebooted_one_by_one),
		SHOP(one_that_came_back_before_it_left_is_not_rebooted_when_the_other_went),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
