/* test_patrol.c - the look that nobody asked for: how often, what it tells, and what it leaves for the next time. */
#include "agent/ops/ops_warehouses.h"
#include "tests/unit/ops/patrolled.h"

static int64_t since(const struct shop *s)
{
	return json_int_or(json_array_get(patrolled_seen(s).drifts, 0), "since_ms", 0);
}

static void a_difference_keeps_the_time_when_it_was_seen_first_and_goes_when_it_is_mended(void **state)
{
	struct shop *s = *state;
	int64_t first;
	unsigned changes;

	patrolled_stand(s, SHOP_POLICY);
	aws_hand_stop(s->sim, s->sim->instances[0]);
	desk_pass(&s->d, 2 * PATROL_MS);
	first = since(s);
	assert_int_not_equal(first, 0);
	/* That it is still there is no news for the vendor. */
	changes = s->d.changes;
	desk_pass(&s->d, 4 * PATROL_MS);
	assert_int_equal(since(s), first);
	assert_int_equal(s->d.changes, changes);
	aws_hand_start(s->sim, s->sim->instances[0]);
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_int_equal(patrolled_seen(s).total, 0);
	assert_true(s->d.changes > changes);
}

static void it_looks_once_in_five_minutes_and_changes_nothing(void **state)
{
	struct shop *s = *state;
	uint64_t requests, mutations = 0;
	int64_t looked;

	patrolled_stand(s, SHOP_POLICY);
	aws_hand_end(s->sim, s->sim->instances[0]);
	mutations = s->sim->mutations;
	looked = patrolled_seen(s).looked_ms;
	requests = s->sim->requests;
	desk_pass(&s->d, PATROL_MS);
	requests = s->sim->requests - requests;
	assert_true(patrolled_seen(s).looked_ms > looked);
	assert_true(requests > 0);
	desk_pass(&s->d, 10 * PATROL_MS);
	assert_true(s->sim->requests < 14 * requests + 100);
	assert_int_equal(s->sim->mutations, mutations);
}

static enum shop_fault deny_instances(struct shop *s, const char *body)
{
	s->broke += strstr(body, "Action=DescribeInstances&") != NULL;
	return strstr(body, "Action=DescribeInstances&") != NULL ? SHOP_DENIED : SHOP_FINE;
}

static void an_account_that_cannot_be_looked_at_is_told_and_looked_at_again(void **state)
{
	struct shop *s = *state;

	patrolled_stand(s, SHOP_POLICY);
	s->break_at = deny_instances;
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_true(s->broke > 0);
	assert_non_null(strstr(patrolled_seen(s).unknown, "the account could not be looked at: inventory, "));
	s->break_at = NULL;
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_string_equal(patrolled_seen(s).unknown, "");
	assert_int_equal(patrolled_seen(s).total, 0);
}

/* The switches of the customer stop what changes something, and this does not. */
static void it_looks_while_everything_is_stopped(void **state)
{
	struct shop *s = *state;

	patrolled_stand(s, SHOP_POLICY);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	aws_hand_stop(s->sim, s->sim->instances[0]);
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_string_equal(patrolled_drifts(s), "i-00000000000000006 power\n");
}

/* Half of another spec stands: neither it nor the one before is what is wanted. */
static void after_a_command_that_failed_halfway_nothing_is_compared(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	patrolled_stand(s, SHOP_POLICY);
	s->sim->capacity = 2;
	s->k.tag.value = (char *)"other";
	s->k.cluster.nodes = 4;
	s->k.cluster.atomic = true;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_send(s, &k, false);
	assert_int_not_equal(shop_ends(s, &k, NULL), DONE);
	desk_pass(&s->d, 2 * PATROL_MS);
	if (str_eq(patrolled_seen(s).unknown, ""))
		assert_int_equal(patrolled_seen(s).generation, 3); /* all of it was taken back */
	else
		assert_non_null(strstr(patrolled_seen(s).unknown, "the last warehouse.apply ended FAILED"));
	shop_reopen(s);
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_true(*patrolled_seen(s).unknown != '\0' || patrolled_seen(s).generation == 3);
}

static void a_warehouse_that_is_deleted_is_forgotten(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct patrol_seen seen;

	patrolled_stand(s, SHOP_POLICY);
	shop_delete(&k, 2);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_true(patrol_of(ops_patrol(s->d.ops), "wh-1", &seen));
	assert_string_equal(seen.stands_on, "");
	assert_int_equal(seen.looked_ms, 0);
	assert_int_equal(seen.orphans, 0);
}

/* They go on costing and hold data: also when the warehouse is deleted, over a restart, and when nobody knows it any more. */
static void what_a_deleted_warehouse_has_left_is_told_until_it_is_gone(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	struct patrol_seen seen;
	struct ops_warehouse *w = mem_new(struct ops_warehouse);

	s->k.volume.keep = 1;
	patrolled_stand(s, SHOP_POLICY);
	shop_delete(&k, 2);
	shop_head(s);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	for (int restart = 0; restart < 2; restart++) {
		desk_pass(&s->d, 2 * PATROL_MS);
		assert_true(patrol_of(ops_patrol(s->d.ops), "wh-1", &seen));
		assert_true(seen.knows_orphans);
		assert_int_equal(seen.orphans, 2);
		shop_reopen(s);
	}
	/* A tag that nobody here has heard of. */
	aws_hand_tag(&s->sim->volumes[1]->t, "reeve:warehouse", "wh-0");
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_int_equal(ops_warehouses_n(s->d.ops), 2);
	ops_warehouses_at(s->d.ops, 1, w);
	assert_string_equal(w->name, "wh-0");
	assert_int_equal(w->seen.orphans, 1);
	s->break_at = deny_instances;
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_false(patrol_of(ops_patrol(s->d.ops), "wh-1", &seen)); /* a zero would say that all is well */
	s->break_at = NULL;
	for (size_t i = 0; i < s->sim->volumes_n; i++)
		if (s->sim->volumes[i]->is_kept)
			s->sim->volumes[i]->t.gone_ms = world_now_ms(s->d.w); /* somebody has deleted it */
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_true(patrol_of(ops_patrol(s->d.ops), "wh-1", &seen));
	assert_int_equal(seen.orphans, 0);
	mem_free(w);
}

static void keep_one(struct shop *s)
{
	struct desk_command k;

	s->k.volume.keep = 1;
	patrolled_stand(s, SHOP_POLICY);
	assert_true(patrolled_seen(s).knows_orphans);
	assert_int_equal(patrolled_seen(s).orphans, 0);
	s->k.cluster.nodes = 1;
	s->k.s.generation++;
	shop_apply(s, &k, 2);
	shop_send(s, &k, true);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	desk_pass(&s->d, 2 * PATROL_MS);
}

static void a_volume_that_no_node_has_is_counted_by_its_warehouse_for_as_long_as_it_is_there(void **state)
{
	struct shop *s = *state;

	keep_one(s);
	assert_int_equal(patrolled_seen(s).orphans, 1);
	assert_int_equal(patrolled_seen(s).total, 0); /* it is no difference from the spec */
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_int_equal(patrolled_seen(s).orphans, 1);
}

/* A zero would say that all is well. */
static void of_an_account_that_cannot_be_looked_at_no_number_of_orphans_is_told(void **state)
{
	struct shop *s = *state;

	keep_one(s);
	s->break_at = deny_instances;
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_false(patrolled_seen(s).knows_orphans);
	s->break_at = NULL;
	desk_pass(&s->d, 2 * PATROL_MS);
	assert_true(patrolled_seen(s).knows_orphans);
	assert_int_equal(patrolled_seen(s).orphans, 1);
}

static void a_restart_goes_on_with_what_stands(void **state)
{
	struct shop *s = *state;

	patrolled_stand(s, SHOP_POLICY);
	aws_hand_stop(s->sim, s->sim->instances[1]);
	shop_reopen(s);
	desk_pass(&s->d, PATROL_MS);
	assert_string_equal(patrolled_seen(s).warehouse, "wh-1");
	assert_int_equal(patrolled_seen(s).total, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_difference_keeps_the_time_when_it_was_seen_first_and_goes_when_it_is_mended),
		SHOP(it_looks_once_in_five_minutes_and_changes_nothing),
		SHOP(an_account_that_cannot_be_looked_at_is_told_and_looked_at_again),
		SHOP(it_looks_while_everything_is_stopped),
		SHOP(after_a_command_that_failed_halfway_nothing_is_compared),
		SHOP(a_warehouse_that_is_deleted_is_forgotten),
		SHOP(what_a_deleted_warehouse_has_left_is_told_until_it_is_gone),
		SHOP(a_volume_that_no_node_has_is_counted_by_its_warehouse_for_as_long_as_it_is_there),
		SHOP(of_an_account_that_cannot_be_looked_at_no_number_of_orphans_is_told),
		SHOP(a_restart_goes_on_with_what_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
