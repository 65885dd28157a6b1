/* test_patrol_nodes.c - which nodes are lost: shown as ended, or not shown twice, and only where one is missing. */
#include "tests/unit/ops/patrolled.h"

#define POLICY                                                                                                                     \
	"commands: {warehouse.apply: auto, heal: auto}\nbounds: {" SHOP_BOUNDS                                                     \
	"instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, cidrs: [10.0.0.0/8], "               \
	"ports: [1-65535]}\n"

static void stand(struct shop *s)
{
	s->k.s.self_heal = true;
	s->k.s.heal_until = DESK_NOW * 2;
	patrolled_stand(s, POLICY);
	shop_listen(s);
}

/* Lists of EC2 lag behind: one that shows a node no more may be wrong. */
static void one_that_a_single_look_does_not_show_is_not_lost(void **state)
{
	struct shop *s = *state;

	stand(s);
	s->sim->instances[0]->t.shown_ms = world_now_ms(s->d.w) + PATROL_MS;
	desk_pass(&s->d, PATROL_MS);
	assert_true(patrolled_seen(s).total > 0);
	desk_pass(&s->d, 3 * PATROL_MS);
	assert_int_equal(patrolled_seen(s).total, 0);
	assert_null(strstr(buf_str(&s->log), "heal.begun"));
	assert_int_equal(shop_alive(s), 2);
}

static void one_that_two_looks_do_not_show_is_lost(void **state)
{
	struct shop *s = *state;

	stand(s);
	s->sim->instances[0]->t.shown_ms = UINT64_MAX;
	desk_pass(&s->d, PATROL_MS);
	assert_null(strstr(buf_str(&s->log), "heal.begun"));
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_non_null(strstr(buf_str(&s->log), "of be is not there any more"));
}

/* Somebody stopped it: that differs, and it is there. */
static void one_that_is_stopped_is_not_lost(void **state)
{
	struct shop *s = *state;

	stand(s);
	aws_hand_stop(s->sim, s->sim->instances[0]);
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_null(strstr(buf_str(&s->log), "heal.begun"));
	assert_string_equal(patrolled_drifts(s), "i-00000000000000006 power\n");
}

/* What was asked for and never came is for an apply: it may be the customer's capacity that lacks. */
static void a_cluster_that_never_had_all_its_nodes_has_lost_none(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_policy_counts(s, POLICY);
	s->k.s.self_heal = true;
	s->k.s.heal_until = DESK_NOW * 2;
	s->sim->capacity = 1;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 1);
	s->sim->capacity = 9;
	shop_listen(s);
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_int_equal(patrolled_seen(s).total, 1);
	assert_null(strstr(buf_str(&s->log), "heal."));
	assert_int_equal(shop_alive(s), 1);
}

/* A command took it away, and not chance. */
static void one_that_a_smaller_spec_has_ended_is_not_lost(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s);
	s->k.cluster.nodes = 1;
	s->k.s.generation++;
	s->k.s.self_heal = true;
	shop_apply(s, &k, 2);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_null(strstr(buf_str(&s->log), "heal."));
	assert_int_equal(shop_alive(s), 1);
}

/* It went by a command, the next one had no room for another, and nobody has looked in between: what is missing was never lost. */
static void one_that_a_command_has_ended_is_not_lost_where_the_next_one_falls_short(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	stand(s);
	s->k.cluster.nodes = 1;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 1);
	s->k.cluster.nodes = 3;
	s->k.s.generation++;
	s->sim->capacity = 2;
	shop_apply(s, &k, 3);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 2);
	s->sim->capacity = 9;
	desk_pass(&s->d, 6 * PATROL_MS);
	assert_null(strstr(buf_str(&s->log), "heal."));
	assert_int_equal(shop_alive(s), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(one_that_a_single_look_does_not_show_is_not_lost),
		SHOP(one_that_two_looks_do_not_show_is_lost),
		SHOP(one_that_is_stopped_is_not_lost),
		SHOP(a_cluster_that_never_had_all_its_nodes_has_lost_none),
		SHOP(one_that_a_smaller_spec_has_ended_is_not_lost),
		SHOP(one_that_a_command_has_ended_is_not_lost_where_the_next_one_falls_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
