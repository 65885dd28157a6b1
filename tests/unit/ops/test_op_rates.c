/* test_op_rates.c - how fast an operation may go: what is denied, what waits until when, and that a restart forgives nothing. */
#include "tests/unit/ops/shop.h"

#define RATES(rates) SHOP_POLICY "rates: {" rates "}\n"
#define MINUTE 60000ull

static const char *waiting(struct shop *s, const struct desk_command *k)
{
	static char note[256];
	struct arena *m = arena_new_sized(8u << 20);

	snprintf(note, sizeof(note), "%s", shop_status(s, k, m)->note);
	arena_free(m);
	return note;
}

/* The same for another warehouse, as the second command. */
static void other_warehouse(struct shop *s, struct desk_command *k)
{
	s->k.s.warehouse = (char *)"wh-2";
	shop_apply(s, k, 2);
	k->c.target = (char *)"wh-2";
}

/* Each of two that are sent together fits into the hour; both do not. */
static void of_two_that_share_an_hour_the_later_begins_when_it_fits_also_over_a_restart(void **state)
{
	struct desk_command one, two;
	struct shop *s = *state;
	uint64_t of_one;

	shop_policy(s, RATES("mutations_per_hour: 26"));
	shop_apply(s, &one, 1);
	shop_send(s, &one, false);
	other_warehouse(s, &two);
	shop_send(s, &two, false);
	assert_true(shop_until(s, &one, STATE_OF(RUNNING), MINUTE));
	sim_run_until(s->d.w, NULL, NULL, 3000);
	assert_non_null(strstr(waiting(s, &two), " set aside for running commands and 14 wanted: waits "));
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	of_one = s->sim->effects;
	sim_run_until(s->d.w, NULL, NULL, 50 * MINUTE);
	assert_int_equal(s->sim->effects, of_one);
	assert_non_null(
	    strstr(waiting(s, &two), "policy rates.mutations_per_hour is 26, 14 are used and 14 wanted: waits until 2"));
	shop_reopen(s);
	sim_run_until(s->d.w, NULL, NULL, 6 * MINUTE);
	assert_int_equal(s->sim->effects, of_one);
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	assert_int_equal(s->sim->effects, 2 * of_one);
}

/* The second has begun when the customer lowers what an hour may hold. */
static void a_rate_that_is_lowered_on_the_way_holds_up_the_next_change(void **state)
{
	struct desk_command one, two;
	struct shop *s = *state;
	uint64_t before;

	shop_run(s, &one);
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	other_warehouse(s, &two);
	two.c.deadline_s = 4 * 3600;
	shop_send(s, &two, false);
	assert_true(shop_until(s, &two, STATE_OF(RUNNING), MINUTE));
	shop_policy(s, RATES("mutations_per_hour: 15"));
	sim_run_until(s->d.w, NULL, NULL, MINUTE);
	before = s->sim->effects;
	sim_run_until(s->d.w, NULL, NULL, 50 * MINUTE);
	assert_int_equal(s->sim->effects, before);
	assert_non_null(strstr(waiting(s, &two), "policy rates.mutations_per_hour is 15, "));
	shop_reopen(s);
	sim_run_until(s->d.w, NULL, NULL, 5 * MINUTE);
	assert_int_equal(s->sim->effects, before);
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
}

static void a_clock_that_is_wrong_for_a_moment_forgives_nothing(void **state)
{
	static const int64_t wrong_h[] = { -2, 26, -24 * 365 * 40 };
	struct desk_command first, second;
	struct shop *s = *state;
	uint64_t before;

	shop_policy_counts(s, RATES("mutations_per_hour: 18"));
	shop_run(s, &first);
	assert_int_equal(shop_ends(s, &first, NULL), DONE);
	before = s->sim->effects;
	assert_true(before > 9);
	other_warehouse(s, &second);
	shop_send(s, &second, false);
	for (size_t i = 0; i < ARRAY_LEN(wrong_h); i++) {
		sim_run_until(s->d.w, NULL, NULL, 60000);
		sim_wall_step(s->d.w, wrong_h[i] * 60 * (int64_t)MINUTE);
		sim_run_until(s->d.w, NULL, NULL, 3000);
		sim_wall_step(s->d.w, -wrong_h[i] * 60 * (int64_t)MINUTE);
		sim_run_until(s->d.w, NULL, NULL, 60000);
		assert_int_equal(s->sim->effects, before);
	}
}

static void a_plan_that_the_rest_of_the_hour_does_not_hold_begins_when_it_does(void **state)
{
	struct desk_command first, second;
	struct shop *s = *state;
	uint64_t before;

	shop_policy(s, RATES("mutations_per_hour: 16"));
	shop_run(s, &first);
	assert_int_equal(shop_ends(s, &first, NULL), DONE);
	before = s->sim->effects;
	assert_true(before > 8 && before <= 16);
	other_warehouse(s, &second);
	shop_send(s, &second, false);
	sim_run_until(s->d.w, NULL, NULL, 30 * MINUTE);
	assert_int_equal(s->sim->effects, before);
	assert_int_equal(shop_ends(s, &second, NULL), DONE);
}

static void a_plan_that_alone_is_beyond_the_hour_is_denied_at_once(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	shop_policy(s, RATES("mutations_per_hour: 5"));
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
	assert_non_null(strstr(message, "policy rates.mutations_per_hour is 5, the plan makes 1"));
	assert_int_equal(s->sim->effects, 0);
}

static void a_plan_that_deletes_more_than_a_day_allows_is_denied_at_once(void **state)
{
	struct desk_command make, remove;
	struct shop *s = *state;
	char message[512];

	shop_run(s, &make);
	assert_int_equal(shop_ends(s, &make, NULL), DONE);
	shop_policy(s, RATES("deletions_per_day: 4"));
	shop_delete(&remove, 2);
	shop_head(s);
	shop_send(s, &remove, true);
	assert_int_equal(shop_ends(s, &remove, message), STATE_OF(DENIED));
	assert_string_equal(message, "policy rates.deletions_per_day is 4, the plan deletes 5");
}

static void no_more_of_a_cluster_ends_at_once_than_its_share(void **state)
{
	struct desk_command grow, shrink;
	struct shop *s = *state;
	char message[512];

	s->k.cluster.nodes = 6;
	s->k.cluster.n_volumes = 0;
	shop_run(s, &grow);
	assert_int_equal(shop_ends(s, &grow, NULL), DONE);
	s->k.s.generation++;
	s->k.cluster.nodes = 3;
	shop_apply(s, &shrink, 2);
	shop_send(s, &shrink, false);
	assert_int_equal(shop_ends(s, &shrink, message), STATE_OF(DENIED));
	assert_string_equal(message, "policy rates.ended_at_once is 1/3, the plan ends 3 of 6 nodes of a cluster; end 2 at a time");
	assert_int_equal(shop_alive(s), 6);
}

/* The command makes the cluster so large. */
static void shrink_to(struct shop *s, struct desk_command *k, uint64_t seq, unsigned nodes)
{
	s->k.s.generation++;
	s->k.cluster.nodes = nodes;
	shop_apply(s, k, seq);
	shop_send(s, k, false);
}

static void plan_after_plan_ends_no_more_of_a_cluster_in_an_hour_than_its_share(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	s->k.cluster.n_volumes = 0;
	shrink_to(s, &k, 1, 6);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	shrink_to(s, &k, 2, 4);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	shrink_to(s, &k, 3, 3);
	sim_run_until(s->d.w, NULL, NULL, 30 * MINUTE);
	assert_int_equal(shop_alive(s), 4);
	assert_non_null(strstr(waiting(s, &k), "policy rates.ended_at_once is 1/3, 2 of 6 nodes ended within an hour, 1 wanted: "
					       "waits until 2"));
	shop_reopen(s);
	sim_run_until(s->d.w, NULL, NULL, 20 * MINUTE);
	assert_int_equal(shop_alive(s), 4);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 3);
	shrink_to(s, &k, 4, 1);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(DENIED));
	assert_string_equal(message, "policy rates.ended_at_once is 1/3, the plan ends 2 of 3 nodes of a cluster; end 1 at a time");
	shrink_to(s, &k, 5, 2);
	sim_run_until(s->d.w, NULL, NULL, 50 * MINUTE);
	assert_int_equal(shop_alive(s), 3);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(of_two_that_share_an_hour_the_later_begins_when_it_fits_also_over_a_restart),
		SHOP(a_rate_that_is_lowered_on_the_way_holds_up_the_next_change),
		SHOP(a_plan_that_alone_is_beyond_the_hour_is_denied_at_once),
		SHOP(a_clock_that_is_wrong_for_a_moment_forgives_nothing),
		SHOP(a_plan_that_the_rest_of_the_hour_does_not_hold_begins_when_it_does),
		SHOP(a_plan_that_deletes_more_than_a_day_allows_is_denied_at_once),
		SHOP(no_more_of_a_cluster_ends_at_once_than_its_share),
		SHOP(plan_after_plan_ends_no_more_of_a_cluster_in_an_hour_than_its_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
