/* test_ops_journal.c - the records of all operations: read back, written again, and refused when they are damaged. */
#include "agent/ops/gone.h"
#include "agent/ops/proved.h"
#include "tests/unit/ops/shop.h"

static void a_checkpoint_read_back_is_the_same_checkpoint(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	json_t *first, *second;

	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	first = ops_checkpoint(s->d.ops);
	shop_reopen(s);
	assert_int_equal(shop_replay(s->d.ops, "checkpoint", json_deep_copy(first), NULL), 0);
	second = ops_checkpoint(s->d.ops);
	assert_true(json_equal(first, second));
	json_decref(first);
	json_decref(second);
}

/* A segment may be full while the agent stops. What was open then must stand at the next start, with every step that was tried. */
static void what_stops_is_in_every_checkpoint_until_it_is_freed(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	assert_int_equal(sim_run_until(s->d.w, shop_made_a_balancer, s, 600000), SIM_TRUE);
	for (unsigned turns = 0; turns < 40; turns++) {
		json_t *first, *now;

		for (unsigned i = 0; i < turns % 7; i++)
			sim_step(s->d.w);
		first = ops_checkpoint(s->d.ops);
		inbox_close(&s->d.in);
		ops_close(s->d.ops, desk_closed, &s->d);
		for (; !s->d.done; sim_step(s->d.w)) {
			now = ops_checkpoint(s->d.ops);
			assert_true(json_equal(first, now));
			json_decref(now);
		}
		s->d.done = false;
		journal_close(s->d.j, desk_closed, &s->d);
		shop_wait(s);
		shop_open(s);
		json_decref(first);
	}
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
}

static bool is_forgotten(void *ctx)
{
	struct shop_want *want = ctx;

	return ops_find(want->s->d.ops, want->id) == NULL;
}

/* The result that named it is acknowledged and forgotten: the checkpoint alone knows. */
static void user_data_that_is_proved_outlives_its_command_in_a_checkpoint(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct shop_want want = { s, k.id, ANY_END };
	json_t *checkpoint;

	shop_policy(s, SHOP_USER_DATA("any"));
	s->k.cluster.user_data = (ProtobufCBinaryData){ 3, (uint8_t *)"abc" };
	shop_apply(s, &k, 1);
	shop_send(s, &k, true);
	shop_head(s);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	ops_acked(s->d.ops, 1);
	assert_int_equal(sim_run_until(s->d.w, is_forgotten, &want, 60000), SIM_TRUE);
	checkpoint = ops_checkpoint(s->d.ops);
	assert_int_equal(shop_replay(s->d.ops, "checkpoint", checkpoint, NULL), 0);
	assert_true(proved_has(&ops_shared(s->d.ops)->proved, SHOP_ABC));
	assert_int_equal(shop_replay(s->d.ops, "checkpoint", json_object(), NULL), 0);
	assert_false(proved_has(&ops_shared(s->d.ops)->proved, SHOP_ABC)); /* from nowhere else */
}

static void a_command_in_the_journal_that_cannot_be_decoded_is_damage(void **state)
{
	struct shop *s = *state;
	struct err e = { 0 };

	assert_int_equal(shop_replay(s->d.ops, "command.accepted", json_pack("{s:s}", "signed", "AAAA"), &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "x.jsonl line 3"));
	assert_int_not_equal(shop_replay(s->d.ops, "command.accepted", json_pack("{s:i}", "signed", 7), &e), 0);
	assert_int_not_equal(shop_replay(s->d.ops, "command.accepted", json_object(), &e), 0);
	assert_int_equal(shop_replay(s->d.ops, "step.outcome", json_pack("{s:s}", "op", "nobody"), &e), 0);
	assert_int_equal(shop_replay(s->d.ops, "from.the.future", json_object(), &e), 0);
	assert_int_equal(ops_accepted(s->d.ops), 0);
}

/* The command that ended them is acknowledged and forgotten: the checkpoint alone knows. */
static void what_was_ended_of_a_cluster_outlives_its_command_in_a_checkpoint(void **state)
{
	const struct gone_by other = { "wh-1", "cluster-be", "another" };
	struct shop *s = *state;
	struct desk_command k;
	struct shop_want want = { s, k.id, ANY_END };
	json_t *checkpoint;

	s->k.cluster.n_volumes = 0;
	s->k.cluster.nodes = 3;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	s->k.cluster.nodes = 2;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	ops_acked(s->d.ops, 2);
	assert_int_equal(sim_run_until(s->d.w, is_forgotten, &want, 60000), SIM_TRUE);
	checkpoint = ops_checkpoint(s->d.ops);
	assert_int_equal(shop_replay(s->d.ops, "checkpoint", checkpoint, NULL), 0);
	assert_int_equal(gone_in(&ops_shared(s->d.ops)->gone, world_wall_ms(s->d.w), &other), 1);
	assert_int_equal(shop_replay(s->d.ops, "checkpoint", json_object(), NULL), 0);
	assert_int_equal(gone_in(&ops_shared(s->d.ops)->gone, world_wall_ms(s->d.w), &other), 0);
}

/* The commands that changed it are acknowledged and forgotten: the checkpoint alone knows. */
static void changes_of_a_volume_outlive_their_command_in_a_checkpoint(void **state)
{
	struct shop *s = *state;
	const struct changed *c = &ops_shared(s->d.ops)->changed;
	struct desk_command k;
	struct shop_want want = { s, k.id, ANY_END };

	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(c->n, 0); /* a launch changes none */
	s->k.volume.size_gib = 200;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(c->n, 2);
	/* The outcomes are still in the checkpoint beside them: what they say counts once. */
	assert_int_equal(shop_replay(s->d.ops, "checkpoint", ops_checkpoint(s->d.ops), NULL), 0);
	assert_int_equal(c->n, 2);
	assert_int_equal(c->v[0].at_ms[1], 0);
	ops_acked(s->d.ops, 2);
	assert_int_equal(sim_run_until(s->d.w, is_forgotten, &want, 60000), SIM_TRUE);
	assert_int_equal(shop_replay(s->d.ops, "checkpoint", ops_checkpoint(s->d.ops), NULL), 0);
	assert_int_equal(c->n, 2);
	assert_int_equal(shop_replay(s->d.ops, "checkpoint", json_object(), NULL), 0);
	assert_int_equal(c->n, 0);
}

/* Of one that is deleted no spec stands, and its command is forgotten: the checkpoint alone knows. */
static void what_became_of_a_warehouse_outlives_its_command_in_a_checkpoint(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct shop_want want = { s, k.id, ANY_END };
	json_t *checkpoint;

	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	shop_delete(&k, 2);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	ops_acked(s->d.ops, 2);
	assert_int_equal(sim_run_until(s->d.w, is_forgotten, &want, 60000), SIM_TRUE);
	checkpoint = ops_checkpoint(s->d.ops);
	assert_int_equal(shop_replay(s->d.ops, "checkpoint", json_object(), NULL), 0);
	assert_int_equal(fates_of(&ops_shared(s->d.ops)->fates, "wh-1"), FATE_NONE); /* from nowhere else */
	assert_int_equal(shop_replay(s->d.ops, "checkpoint", checkpoint, NULL), 0);
	assert_int_equal(fates_of(&ops_shared(s->d.ops)->fates, "wh-1"), FATE_DELETED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_checkpoint_read_back_is_the_same_checkpoint),
		SHOP(what_stops_is_in_every_checkpoint_until_it_is_freed),
		SHOP(user_data_that_is_proved_outlives_its_command_in_a_checkpoint),
		SHOP(a_command_in_the_journal_that_cannot_be_decoded_is_damage),
		SHOP(what_was_ended_of_a_cluster_outlives_its_command_in_a_checkpoint),
		SHOP(changes_of_a_volume_outlive_their_command_in_a_checkpoint),
		SHOP(what_became_of_a_warehouse_outlives_its_command_in_a_checkpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
