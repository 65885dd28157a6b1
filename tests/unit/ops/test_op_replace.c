/* test_op_replace.c - nodes.replace from the signed command to AWS and back: who serves is never missing, and nothing stands twice
 * or is left behind. */
#include "tests/unit/ops/shop.h"

#define VERBS "commands: {warehouse.apply: auto, nodes.replace: auto}\nbounds: {" SHOP_BOUNDS
#define POLICY(total, rates)                                                                                                       \
	VERBS "instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: " total ", volume_gib: 500, "                      \
	      "cidrs: [10.0.0.0/8], ports: [1-65535]}\n" rates

static void shop_replace(struct shop *s, struct desk_command *k, uint64_t seq, char **ids, size_t n)
{
	Reeve__Control__V1__NodesReplace r = REEVE__CONTROL__V1__NODES_REPLACE__INIT;

	desk_command(k, seq);
	r.warehouse = (char *)"wh-1";
	r.cluster = (char *)"be";
	r.instances = ids;
	r.n_instances = n;
	r.spec = &s->k.s;
	k->c.verb = REEVE__CONTROL__V1__VERB__NODES_REPLACE;
	k->c.args.len = reeve__control__v1__nodes_replace__pack(&r, k->args);
	k->c.not_before = 0;
	shop_send(s, k, false);
}

static const struct aws_instance *node(const struct shop *s, size_t i)
{
	return s->sim->instances[i];
}

static unsigned serving(const struct aws_sim *a)
{
	unsigned n = 0;

	for (size_t i = 0; i < a->target_groups[0]->targets_n; i++)
		n += aws_serves(a, a->target_groups[0], &a->target_groups[0]->targets[i]);
	return n;
}

/* When a node is taken out another one has come, and so it is when it ends. */
static void on_call(void *ctx, const struct aws_entry *e)
{
	struct shop *s = ctx;

	if (str_eq(e->action, "DeregisterTargets"))
		assert_int_equal(serving(s->sim), 3);
	if (str_eq(e->action, "TerminateInstances"))
		assert_int_equal(serving(s->sim), 2);
	buf_addf(&s->seen, "%s ", e->action);
}

/* Two nodes without volumes serve. The command is seq 1. */
static void stand(struct shop *s, const char *policy)
{
	struct desk_command k;

	shop_policy_counts(s, policy);
	s->k.cluster.n_volumes = 0;
	s->sim->least_up_s = 5;
	s->sim->most_up_s = 20;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(serving(s->sim), 2);
	s->sim->watch = on_call;
	buf_reset(&s->seen);
}

static void the_old_node_ends_when_the_new_one_serves(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char *ids[1];

	stand(s, POLICY("3", ""));
	ids[0] = (char *)node(s, 0)->t.id;
	shop_replace(s, &k, 2, ids, 1);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_string_equal(buf_str(&s->seen), "RunInstances RegisterTargets DeregisterTargets TerminateInstances ");
	assert_false(aws_is_alive(s->sim, node(s, 0)));
	assert_true(aws_is_alive(s->sim, node(s, 1)));
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(serving(s->sim), 2);
}

/* One node more stands meanwhile, and no two, so that this bound is enough for both. */
static void two_go_one_after_the_other_within_a_bound_of_one_more(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char *ids[2], message[512];

	stand(s, POLICY("3", ""));
	ids[0] = (char *)node(s, 0)->t.id;
	ids[1] = (char *)node(s, 1)->t.id;
	shop_replace(s, &k, 2, ids, 2);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_string_equal(buf_str(&s->seen), "RunInstances RegisterTargets DeregisterTargets TerminateInstances "
					       "RunInstances RegisterTargets DeregisterTargets TerminateInstances ");
	assert_int_equal(shop_alive(s), 2);
	shop_policy_counts(s, POLICY("2", ""));
	ids[0] = (char *)node(s, 2)->t.id;
	shop_replace(s, &k, 3, ids, 1);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
	assert_string_equal(message, "policy bounds.nodes_total is 2, the plan makes 3");
}

static void a_launch_that_fails_leaves_the_old_node_alone(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char *ids[2], message[512];

	stand(s, POLICY("9", ""));
	s->sim->capacity = 2;
	ids[0] = (char *)node(s, 0)->t.id;
	ids[1] = (char *)node(s, 1)->t.id;
	shop_replace(s, &k, 2, ids, 2);
	assert_int_not_equal(shop_ends(s, &k, message), DONE);
	assert_non_null(strstr(message, "Capacity"));
	assert_null(strstr(buf_str(&s->seen), "DeregisterTargets"));
	assert_null(strstr(buf_str(&s->seen), "TerminateInstances"));
	assert_int_equal(serving(s->sim), 2);
}

/* It is taken back, and the old one has served all the time. */
static void a_new_node_that_does_not_become_healthy_goes_and_the_old_one_stays(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char *ids[1];

	stand(s, POLICY("9", ""));
	s->sim->watch = shop_on_call;
	ids[0] = (char *)node(s, 0)->t.id;
	shop_replace(s, &k, 2, ids, 1);
	for (unsigned i = 0; i < 1200 && !shop_until(s, &k, ANY_END, 1000); i++)
		for (size_t t = 0; t < s->sim->target_groups[0]->targets_n; t++)
			if (!str_eq(s->sim->target_groups[0]->targets[t].id, node(s, 0)->t.id) &&
			    !str_eq(s->sim->target_groups[0]->targets[t].id, node(s, 1)->t.id))
				s->sim->target_groups[0]->targets[t].healthy_ms = world_now_ms(s->d.w) + 3600000;
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(ROLLED_BACK));
	assert_string_equal(buf_str(&s->seen), "RunInstances RegisterTargets DeregisterTargets TerminateInstances ");
	assert_true(aws_is_alive(s->sim, node(s, 0)) && aws_is_alive(s->sim, node(s, 1)));
	assert_false(aws_is_alive(s->sim, node(s, 2)));
	assert_int_equal(serving(s->sim), 2);
}

/* While the old one drains the new one is ended from outside: the old one is let in again. */
static void a_new_node_that_dies_while_the_old_one_drains_has_it_let_in_again(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char *ids[1];

	stand(s, POLICY("9", ""));
	s->sim->watch = shop_on_call;
	s->sim->target_groups[0]->delay_s = 120;
	ids[0] = (char *)node(s, 0)->t.id;
	shop_replace(s, &k, 2, ids, 1);
	while (strstr(buf_str(&s->seen), "DeregisterTargets") == NULL)
		assert_false(shop_until(s, &k, ANY_END, 1000));
	aws_hand_end(s->sim, s->sim->instances[2]);
	assert_int_not_equal(shop_ends(s, &k, NULL), DONE);
	assert_true(aws_is_alive(s->sim, node(s, 0)));
	desk_pass(&s->d, 300000);
	assert_int_equal(serving(s->sim), 2);
	assert_int_equal(shop_alive(s), 2);
}

static void a_restart_at_any_time_launches_nothing_twice(void **state)
{
	(void)state;
	for (unsigned wait_ms = 100; wait_ms < 400000; wait_ms = wait_ms * 2) {
		struct desk_command k;
		struct shop *s;
		char *ids[1];
		void *mine;

		shop_start(&mine);
		s = mine;
		stand(s, POLICY("3", ""));
		ids[0] = (char *)node(s, 1)->t.id;
		shop_replace(s, &k, 2, ids, 1);
		sim_run_until(s->d.w, NULL, NULL, wait_ms);
		shop_reopen(s);
		assert_int_equal(shop_ends(s, &k, NULL), DONE);
		assert_int_equal(s->sim->launches_n, 2);
		assert_int_equal(shop_alive(s), 2);
		shop_end(&mine);
	}
}

/* A replaced node counts among those of its cluster that ended within the hour, whichever command ends the next. */
static void the_share_that_may_end_within_an_hour_holds_for_replaced_nodes_too(void **state)
{
	struct arena *m = arena_new_sized(8u << 20);
	struct shop *s = *state;
	struct desk_command k;
	char *ids[1];

	stand(s, POLICY("9", "rates: {ended_at_once: 1/3}\n"));
	ids[0] = (char *)node(s, 0)->t.id;
	shop_replace(s, &k, 2, ids, 1);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	s->k.s.generation++;
	s->k.cluster.nodes = 1;
	shop_apply(s, &k, 3);
	shop_send(s, &k, false);
	sim_run_until(s->d.w, NULL, NULL, 600000);
	assert_non_null(
	    strstr(shop_status(s, &k, m)->note, "policy rates.ended_at_once is 1/3, 1 of 3 nodes ended within an hour"));
	assert_int_equal(shop_alive(s), 2);
	arena_free(m);
}

static bool has_come(void *ctx)
{
	return strstr(buf_str(&((struct shop *)ctx)->seen), "RunInstances") != NULL;
}

/* STOP holds the first one up for longer than one alone may take, and there is time for two. */
static void each_node_has_its_time_where_the_command_gives_none(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char *ids[2], message[512];

	stand(s, POLICY("3", "rates: {ended_at_once: 100%}\n"));
	ids[0] = (char *)node(s, 0)->t.id;
	ids[1] = (char *)node(s, 1)->t.id;
	shop_replace(s, &k, 2, ids, 2);
	assert_int_equal(sim_run_until(s->d.w, has_come, s, 600000), SIM_TRUE);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	sim_run_until(s->d.w, NULL, NULL, 1300000);
	shop_reopen(s);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	/* And not for ever. */
	ids[0] = (char *)node(s, 2)->t.id;
	ids[1] = (char *)node(s, 3)->t.id;
	buf_reset(&s->seen);
	shop_replace(s, &k, 3, ids, 2);
	assert_int_equal(sim_run_until(s->d.w, has_come, s, 600000), SIM_TRUE);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	sim_run_until(s->d.w, NULL, NULL, 2500000);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	s->sim->watch = shop_on_call;
	assert_int_not_equal(shop_ends(s, &k, message), DONE);
	assert_non_null(strstr(message, "deadline of 2400 s is over"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(the_old_node_ends_when_the_new_one_serves),
		SHOP(two_go_one_after_the_other_within_a_bound_of_one_more),
		SHOP(a_launch_that_fails_leaves_the_old_node_alone),
		SHOP(a_new_node_that_does_not_become_healthy_goes_and_the_old_one_stays),
		SHOP(a_new_node_that_dies_while_the_old_one_drains_has_it_let_in_again),
		cmocka_unit_test(a_restart_at_any_time_launches_nothing_twice),
		SHOP(the_share_that_may_end_within_an_hour_holds_for_replaced_nodes_too),
		SHOP(each_node_has_its_time_where_the_command_gives_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
