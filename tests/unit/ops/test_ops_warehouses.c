/* test_ops_warehouses.c - every warehouse that is known has its statuses, and the same after a restart. */
#include "agent/ops/ops_warehouses.h"
#include "tests/unit/ops/patrolled.h"

/* "wh-1 Running be Running" of each, one after the other. */
static const char *told(const struct shop *s)
{
	static char text[1024];
	struct ops_warehouse *w = mem_new(struct ops_warehouse);
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ops_warehouses_n(s->d.ops); i++) {
		ops_warehouses_at(s->d.ops, i, w);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s", used > 0 ? ", " : "", w->name,
					 resource_status_name(w->status));
		for (size_t k = 0; k < w->clusters_n; k++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, " %s %s", w->clusters[k].name,
						 resource_status_name(w->clusters[k].status));
	}
	mem_free(w);
	return text;
}

static void one_that_is_made_is_told_from_its_start_on_and_stands(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	assert_string_equal(told(s), "");
	shop_policy_counts(s, SHOP_POLICY);
	s->sim->least_up_s = s->sim->most_up_s = 60;
	shop_run(s, &k);
	desk_pass(&s->d, 10000);
	assert_string_equal(told(s), "wh-1 Creating be Creating");
	shop_reopen(s);
	assert_string_equal(told(s), "wh-1 Creating be Creating");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_string_equal(told(s), "wh-1 Running be Running");
	shop_reopen(s);
	assert_string_equal(told(s), "wh-1 Running be Running");
}

static void what_somebody_has_stopped_is_told_with_the_next_look(void **state)
{
	struct shop *s = *state;

	patrolled_stand(s, SHOP_POLICY);
	aws_hand_stop(s->sim, s->sim->instances[0]);
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_string_equal(told(s), "wh-1 Running be Running");
	aws_hand_stop(s->sim, s->sim->instances[1]);
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_string_equal(told(s), "wh-1 Stopped be Stopped");
}

/* The look before it has seen both stopped, and says nothing of what the command has done since. */
static void a_look_from_before_an_operation_counts_no_more(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	patrolled_stand(s, SHOP_POLICY);
	aws_hand_stop(s->sim, s->sim->instances[0]);
	aws_hand_stop(s->sim, s->sim->instances[1]);
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_string_equal(told(s), "wh-1 Stopped be Stopped");
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	desk_pass(&s->d, 20000);
	assert_string_equal(told(s), "wh-1 Resuming be Starting");
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_string_equal(told(s), "wh-1 Running be Running");
	desk_pass(&s->d, PATROL_MS);
	assert_string_equal(told(s), "wh-1 Running be Running");
}

static void one_that_is_deleted_is_told_so_also_when_its_result_is_acknowledged(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	patrolled_stand(s, SHOP_POLICY);
	shop_delete(&k, 2);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_string_equal(told(s), "wh-1 Deleted");
	ops_acked(s->d.ops, 2);
	desk_pass(&s->d, PATROL_MS);
	shop_reopen(s);
	assert_string_equal(told(s), "wh-1 Deleted");
}

static void one_that_could_not_be_made_is_told_so(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_policy_counts(s, SHOP_POLICY);
	s->sim->capacity = 1;
	s->k.cluster.atomic = true;
	shop_run(s, &k);
	assert_int_not_equal(shop_ends(s, &k, NULL), DONE);
	assert_true(str_starts(told(s), "wh-1 CreateFailed"));
	shop_reopen(s);
	assert_true(str_starts(told(s), "wh-1 CreateFailed"));
}

/* Of half of another spec its nodes are looked at all the same. */
static void one_whose_spec_is_not_known_is_told_by_its_nodes(void **state)
{
	struct shop *s = *state;

	patrolled_stand(s, SHOP_POLICY);
	snprintf(wanted_of(&ops_shared(s->d.ops)->wanted, "wh-1")->why, 100, "the last one failed");
	wanted_of(&ops_shared(s->d.ops)->wanted, "wh-1")->verb = NULL;
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_string_equal(told(s), "wh-1 Running be Running");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(one_that_is_made_is_told_from_its_start_on_and_stands),
		SHOP(what_somebody_has_stopped_is_told_with_the_next_look),
		SHOP(a_look_from_before_an_operation_counts_no_more),
		SHOP(one_that_is_deleted_is_told_so_also_when_its_result_is_acknowledged),
		SHOP(one_that_could_not_be_made_is_told_so),
		SHOP(one_whose_spec_is_not_known_is_told_by_its_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
