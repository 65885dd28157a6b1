/* test_op_nodes.c - a result tells which nodes its command has left standing, and which volumes it has given them. */
#include "agent/base/json.h"
#include "agent/ops/op_impl.h"
#include "tests/unit/ops/patrolled.h"

static const json_t *result_of(const struct shop *s, const struct desk_command *k)
{
	return ops_find(s->d.ops, k->id)->result;
}

static bool is_told(const json_t *result, const char *id)
{
	return json_has_text(json_object_get(json_object_get(result, "nodes"), "be"), id);
}

static void what_was_launched_and_given_is_told_and_survives_a_restart(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->k.volume.keep = 1;
	patrolled_stand(s, SHOP_POLICY);
	s->k.cluster.nodes = 1;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(json_array_size(json_object_get(json_object_get(result_of(s, &k), "nodes"), "be")), 1); /* it stays */
	s->k.cluster.nodes = 3;
	s->k.s.generation++;
	shop_apply(s, &k, 3);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	for (int restart = 0; restart < 2; restart++) {
		const json_t *r = result_of(s, &k);

		assert_int_equal(json_array_size(json_object_get(json_object_get(r, "nodes"), "be")), 3);
		assert_true(is_told(r, s->sim->instances[2]->t.id) && is_told(r, s->sim->instances[3]->t.id));
		assert_int_equal(json_object_size(json_object_get(r, "volumes")), 1);
		for (size_t i = 0; i < s->sim->volumes_n; i++)
			if (s->sim->volumes[i]->taken_ms != 0)
				assert_string_equal(json_str_or(json_object_get(r, "volumes"), s->sim->volumes[i]->t.id, "?"),
						    s->sim->volumes[i]->node->t.id);
		shop_reopen(s);
	}
}

static bool has_launched(void *ctx)
{
	return shop_count(ctx, "RunInstances") > 0;
}

static void what_was_taken_back_is_not_among_it(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_policy_counts(s, SHOP_POLICY);
	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, has_launched, s, 10 * 60000), SIM_TRUE);
	op_cancel(ops_find(s->d.ops, k.id));
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_int_equal(shop_alive(s), 0);
	assert_true(json_array_size(json_object_get(result_of(s, &k), "created")) > 0);
	assert_null(json_object_get(result_of(s, &k), "nodes"));
	/* Groups and balancers of the plan before it stand. */
	assert_true(shop_stands(s) > 0);
	assert_null(json_object_get(result_of(s, &k), "taken_back"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(what_was_launched_and_given_is_told_and_survives_a_restart),
		SHOP(what_was_taken_back_is_not_among_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
