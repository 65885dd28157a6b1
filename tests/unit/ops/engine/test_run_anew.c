/* test_run_anew.c - what a step rests on is looked at again when the step was kept from its call: a node is replaced, and between
 * the last look at the new one and the end of the old one a long time passes. */
#include "agent/base/str.h"
#include "tests/unit/ops/shop.h"

#define POLICY                                                                                                                     \
	"commands: {warehouse.apply: auto, nodes.replace: auto}\nbounds: {" SHOP_BOUNDS                                            \
	"instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], "               \
	"ports: [1-65535]}\n"

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

static bool is_taken_out(void *ctx)
{
	return strstr(buf_str(&((struct shop *)ctx)->seen), "DeregisterTargets") != NULL;
}

/* Two nodes that serve. */
static void make(struct shop *s, struct desk_command *k)
{
	shop_policy_counts(s, POLICY);
	s->k.cluster.n_volumes = 0;
	s->sim->least_up_s = 5;
	s->sim->most_up_s = 20;
	shop_run(s, k);
	assert_int_equal(shop_ends(s, k, NULL), DONE);
	buf_reset(&s->seen);
}

/* The old node is out of its group; the new one was seen to serve; STOP keeps the end of the old one waiting for so long. */
static void hold_up(struct shop *s, struct desk_command *k, uint64_t ms)
{
	make(s, k);
	shop_replace_one(s, k, 0);
	assert_int_equal(sim_run_until(s->d.w, is_taken_out, s, 3600000), SIM_TRUE);
	shop_listen(s);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	while (strstr(buf_str(&s->log), "still-healthy-sql outcome=done") == NULL)
		desk_pass(&s->d, 100);
	desk_pass(&s->d, ms);
	assert_int_equal(shop_count(s, "TerminateInstances"), 0);
}

static void the_old_one_serves_again(struct shop *s, const struct desk_command *k)
{
	assert_true(shop_until(s, k, STATE_OF(ROLLED_BACK), 3600000));
	desk_pass(&s->d, 120000);
	assert_true(aws_is_alive(s->sim, node(s, 0)));
	assert_int_equal(serving(s->sim), 2);
}

static struct aws_target *target_of(struct shop *s, size_t group, const struct aws_instance *n)
{
	struct aws_tg *g = s->sim->target_groups[group];

	for (size_t i = 0; i < g->targets_n; i++)
		if (str_eq(g->targets[i].id, n->t.id))
			return &g->targets[i];
	return NULL;
}

/* A second group of the same cluster behind a second listener. */
static void two_groups(struct shop *s)
{
	static Reeve__Control__V1__TargetGroup web = REEVE__CONTROL__V1__TARGET_GROUP__INIT;
	static Reeve__Control__V1__Listener listener = REEVE__CONTROL__V1__LISTENER__INIT;

	web.name = listener.target_group = (char *)"web";
	web.protocol = listener.protocol = (char *)"TCP";
	web.port = listener.port = 8030;
	web.clusters = s->k.tg_clusters;
	web.n_clusters = 1;
	s->k.target_groups[1] = &web;
	s->k.s.n_target_groups = 2;
	s->k.listeners[1] = &listener;
	s->k.lb.n_listeners = 2;
}

/* Of two looks before the end of the old node the second one waits for ten minutes, and meanwhile the first becomes untrue. */
static void a_look_that_became_old_while_another_waited_is_made_again(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	two_groups(s);
	s->k.cluster.nodes = 1;
	make(s, &k);
	shop_replace_one(s, &k, 0);
	while (shop_count(s, "DeregisterTargets") < 2)
		desk_pass(&s->d, 100);
	shop_listen(s);
	target_of(s, 1, node(s, 1))->sick_ms = world_now_ms(s->d.w) + 900000;
	while (strstr(buf_str(&s->log), "still-healthy-sql outcome=done") == NULL)
		desk_pass(&s->d, 100);
	desk_pass(&s->d, 60000);
	target_of(s, 0, node(s, 1))->sick_ms = world_now_ms(s->d.w) + 3600000;
	assert_true(shop_until(s, &k, STATE_OF(ROLLED_BACK), 7200000));
	assert_int_equal(shop_count(s, "TerminateInstances"), 1); /* of the new one */
	assert_true(aws_is_alive(s->sim, node(s, 0)));
}

static void the_old_node_stays_where_the_new_one_died_while_stop_held_its_end(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	hold_up(s, &k, 600000);
	aws_hand_end(s->sim, s->sim->instances[2]);
	desk_pass(&s->d, 60000);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	the_old_one_serves_again(s, &k);
}

/* What was seen in the life before counts no more, however short the agent was away. */
static void the_old_node_stays_where_the_new_one_died_while_the_agent_was_down(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	hold_up(s, &k, 1000);
	desk_shut(&s->d);
	aws_hand_end(s->sim, s->sim->instances[2]);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	shop_open(s);
	the_old_one_serves_again(s, &k);
}

static void where_all_is_as_it_was_it_goes_on(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	hold_up(s, &k, 600000);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_true(shop_until(s, &k, DONE, 3600000));
	assert_non_null(strstr(buf_str(&s->log), "op.step.anew"));
	assert_false(aws_is_alive(s->sim, node(s, 0)));
	assert_int_equal(serving(s->sim), 2);
}

static void what_was_seen_a_moment_ago_is_not_looked_at_again(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	hold_up(s, &k, 20000);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_true(shop_until(s, &k, DONE, 3600000));
	assert_null(strstr(buf_str(&s->log), "op.step.anew"));
}

/* ---- kept from its call by AWS ---- */

static enum shop_fault ends_are_throttled(struct shop *s, const char *body)
{
	return str_starts(body, "Action=TerminateInstances&") && s->broke++ < 1000 ? SHOP_THROTTLED : SHOP_FINE;
}

/* Its end is asked for, and AWS takes no call. */
static void throttle(struct shop *s, struct desk_command *k)
{
	hold_up(s, k, 1000);
	s->break_at = ends_are_throttled;
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	while (s->broke == 0)
		desk_pass(&s->d, 100);
}

/* A call that AWS has refused without looking at it does not make what was seen before it any truer. */
static void the_old_node_stays_where_the_new_one_died_while_aws_throttled_its_end(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	throttle(s, &k);
	aws_hand_end(s->sim, s->sim->instances[2]);
	desk_pass(&s->d, 180000);
	s->break_at = NULL;
	the_old_one_serves_again(s, &k);
	assert_int_equal(shop_count(s, "TerminateInstances"), 1); /* of the new one, or what is left of it */
}

static void where_all_is_as_it_was_it_goes_on_when_aws_lets_it(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	throttle(s, &k);
	desk_pass(&s->d, 180000);
	s->break_at = NULL;
	assert_true(shop_until(s, &k, DONE, 3600000));
	assert_non_null(strstr(buf_str(&s->log), "op.step.anew"));
	assert_false(aws_is_alive(s->sim, node(s, 0)));
	assert_int_equal(serving(s->sim), 2);
}

/* Looking again gives it no more time than it has. */
static void a_step_that_aws_throttles_for_ever_ends(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	uint64_t from_ms;

	throttle(s, &k);
	from_ms = world_now_ms(s->d.w);
	assert_true(shop_until(s, &k, STATE_OF(FAILED), 3600000));
	assert_in_range(world_now_ms(s->d.w) - from_ms, 500000, 800000); /* 600 s */
	assert_true(aws_is_alive(s->sim, node(s, 0)));
}

/* ---- its call may have had its effect ---- */

static enum shop_fault ends_are_lost(struct shop *s, const char *body)
{
	return str_starts(body, "Action=TerminateInstances&") && s->broke++ < 1000 ? SHOP_LOST : SHOP_FINE;
}

static enum shop_fault end_is_lost_after(struct shop *s, const char *body)
{
	return str_starts(body, "Action=TerminateInstances&") && s->broke++ == 0 ? SHOP_LOST_AFTER : SHOP_FINE;
}

/* Its end is asked for, and no answer comes. */
static void lose(struct shop *s, struct desk_command *k, enum shop_fault (*how)(struct shop *s, const char *body))
{
	hold_up(s, k, 1000);
	s->break_at = how;
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	while (s->broke == 0)
		desk_pass(&s->d, 10);
}

/* ---- one group after the other ---- */

static enum shop_fault second_group_is_throttled(struct shop *s, const char *body)
{
	if (!str_starts(body, "Action=DeregisterTargets&") || strstr(body, s->sim->target_groups[1]->t.name) == NULL)
		return SHOP_FINE;
	return s->broke++ < 1000 ? SHOP_THROTTLED : SHOP_FINE;
}

/* It is out of the first one by then, and let in there again. */
static void the_old_node_stays_in_its_second_group_where_the_new_one_died_meanwhile(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	two_groups(s);
	make(s, &k);
	s->break_at = second_group_is_throttled;
	shop_replace_one(s, &k, 0);
	while (s->broke == 0)
		desk_pass(&s->d, 100);
	aws_hand_end(s->sim, s->sim->instances[2]);
	desk_pass(&s->d, 180000);
	s->break_at = NULL;
	the_old_one_serves_again(s, &k);
	assert_int_equal(shop_count(s, "DeregisterTargets"), 3); /* of it from the first; of the new one from both */
}

static void restart(struct shop *s)
{
	desk_shut(&s->d);
	s->break_at = NULL;
	shop_open(s);
}

/* What became of the lost call is found out first. It had no effect, so there is nothing that has to be gone through with. */
static void the_old_node_stays_where_its_end_was_lost_and_the_new_one_died_while_the_agent_was_down(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	lose(s, &k, ends_are_lost);
	aws_hand_end(s->sim, s->sim->instances[2]);
	restart(s);
	the_old_one_serves_again(s, &k);
	assert_non_null(strstr(buf_str(&s->log), "op.step.doubt"));
}

static void the_old_node_stays_where_the_new_one_died_while_the_calls_were_lost(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	lose(s, &k, ends_are_lost);
	aws_hand_end(s->sim, s->sim->instances[2]);
	desk_pass(&s->d, 180000);
	s->break_at = NULL;
	the_old_one_serves_again(s, &k);
}

static void where_all_is_as_it_was_a_lost_end_is_asked_for_again(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	lose(s, &k, ends_are_lost);
	restart(s);
	assert_true(shop_until(s, &k, DONE, 3600000));
	assert_non_null(strstr(buf_str(&s->log), "op.step.anew"));
	assert_int_equal(shop_count(s, "TerminateInstances"), 1);
	assert_false(aws_is_alive(s->sim, node(s, 0)));
	assert_int_equal(serving(s->sim), 2);
}

static void where_the_lost_end_has_come_nothing_is_looked_at_again(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	lose(s, &k, end_is_lost_after);
	restart(s);
	assert_true(shop_until(s, &k, DONE, 3600000));
	assert_null(strstr(buf_str(&s->log), "op.step.anew"));
	assert_int_equal(shop_count(s, "TerminateInstances"), 1);
	assert_int_equal(serving(s->sim), 2);
}

static void a_step_whose_calls_are_lost_for_ever_ends(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	uint64_t from_ms;

	lose(s, &k, ends_are_lost);
	from_ms = world_now_ms(s->d.w);
	assert_true(shop_until(s, &k, STATE_OF(FAILED), 3600000));
	assert_in_range(world_now_ms(s->d.w) - from_ms, 500000, 1200000); /* 600 s, and 120 s of looking */
	assert_non_null(strstr(buf_str(&s->log), "op.step.anew"));
	assert_true(aws_is_alive(s->sim, node(s, 0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(the_old_node_stays_where_the_new_one_died_while_stop_held_its_end),
		SHOP(the_old_node_stays_where_the_new_one_died_while_the_agent_was_down),
		SHOP(where_all_is_as_it_was_it_goes_on),
		SHOP(what_was_seen_a_moment_ago_is_not_looked_at_again),
		SHOP(a_look_that_became_old_while_another_waited_is_made_again),
		SHOP(the_old_node_stays_where_the_new_one_died_while_aws_throttled_its_end),
		SHOP(where_all_is_as_it_was_it_goes_on_when_aws_lets_it),
		SHOP(a_step_that_aws_throttles_for_ever_ends),
		SHOP(the_old_node_stays_in_its_second_group_where_the_new_one_died_meanwhile),
		SHOP(the_old_node_stays_where_its_end_was_lost_and_the_new_one_died_while_the_agent_was_down),
		SHOP(the_old_node_stays_where_the_new_one_died_while_the_calls_were_lost),
		SHOP(where_all_is_as_it_was_a_lost_end_is_asked_for_again),
		SHOP(where_the_lost_end_has_come_nothing_is_looked_at_again),
		SHOP(a_step_whose_calls_are_lost_for_ever_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
