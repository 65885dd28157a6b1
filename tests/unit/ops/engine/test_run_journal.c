/* test_run_journal.c - a run read back from its records goes on where it stood. */
#include "tests/unit/ops/shop.h"

/* A stop at any moment, a start, and the same end: no node twice, none lost. */
static void a_restart_at_any_moment_goes_on_where_the_journal_says(void **state)
{
	(void)state;
	for (uint64_t ms = 50; ms < 60000; ms += ms / 3 + 20) {
		struct desk_command k;
		void *mine;
		struct shop *s;

		shop_start(&mine);
		s = mine;
		shop_run(s, &k);
		sim_run_until(s->d.w, NULL, NULL, ms);
		desk_shut(&s->d);
		shop_open(s);
		assert_int_equal(shop_ends(s, &k, NULL), DONE);
		assert_int_equal(shop_alive(s), 2);
		assert_int_equal(s->sim->launches_n, 1);
		shop_end(&mine);
	}
}

static bool is_taking_back(void *ctx)
{
	return shop_count(ctx, "DeleteLoadBalancer") > 0;
}

/* The order to take back is a record too: a start in the midst of it does not go forward again. */
static void an_undo_that_was_cut_short_is_finished(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, shop_made_a_balancer, s, 600000), SIM_TRUE);
	ops_cancel(s->d.ops, k.id);
	assert_int_equal(sim_run_until(s->d.w, is_taking_back, s, 600000), SIM_TRUE);
	desk_shut(&s->d);
	shop_open(s);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_int_equal(shop_stands(s), 0);
	assert_int_equal(shop_alive(s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restart_at_any_moment_goes_on_where_the_journal_says),
		SHOP(an_undo_that_was_cut_short_is_finished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
