/* test_op.c - one operation, from acceptance to its end: carried out, told, queued and cancelled. */
#include "agent/base/stamp.h"
#include "tests/unit/ops/shop.h"

static void an_apply_is_planned_started_and_carried_out(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_alive(s), 2);
	assert_int_equal(shop_count(s, "RunInstances"), 1);
	assert_string_equal(s->odds.broken, "");
}

/* Wherever it is on its way to the first change: a cancel that is on record stops it. */
static void a_cancel_stops_a_delete_until_its_first_change(void **state)
{
	unsigned in_time = 0;

	(void)state;
	for (uint64_t ms = 0; ms < 3000; ms += 60) {
		struct desk_command k, make;
		void *mine;
		struct shop *s;
		size_t before;
		struct op *op;

		shop_start(&mine);
		s = mine;
		shop_run(s, &make);
		assert_int_equal(shop_ends(s, &make, NULL), DONE);
		before = s->seen.len;
		shop_delete(&k, 2);
		k.c.not_before = world_wall_ms(s->d.w) + 10000;
		shop_send(s, &k, true);
		shop_head(s);
		sim_run_until(s->d.w, NULL, NULL, 3000 + ms);
		ops_cancel(s->d.ops, k.id);
		op = ops_find(s->d.ops, k.id);
		while (!op_is_cancelled(op) && !op_fields(op)->is_ended)
			sim_run_until(s->d.w, NULL, NULL, 1);
		sim_run_until(s->d.w, NULL, NULL, 300); /* what is on its way arrives */
		if (s->seen.len == before) {
			assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
			assert_int_equal(s->seen.len, before);
			assert_int_equal(shop_alive(s), 2);
			in_time++;
		}
		shop_end(&mine);
	}
	assert_in_range(in_time, 10, 49);
}

static void a_plan_that_was_shown_and_approved_is_the_one_that_runs(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command plan, go;

	shop_apply(s, &plan, 1);
	plan.c.mode = REEVE__CONTROL__V1__MODE__PLAN;
	shop_send(s, &plan, false);
	assert_int_equal(shop_ends(s, &plan, NULL), DONE);
	shop_apply(s, &go, 2);
	go.c.approved_plan_hash = shop_status(s, &plan, m)->plan_hash;
	assert_int_equal(go.c.approved_plan_hash.len, DIGEST_LEN);
	shop_send(s, &go, false);
	arena_free(m);
	assert_int_equal(shop_ends(s, &go, NULL), DONE);
	assert_int_equal(shop_alive(s), 2);
}

static void a_command_behind_another_says_which_and_goes_on_after_it(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command one, two;
	CLEANUP(mem_close) char *note = NULL;

	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	shop_run(s, &one);
	assert_true(shop_until(s, &one, STATE_OF(PLANNED), 30000));
	shop_apply(s, &two, 2);
	shop_send(s, &two, false);
	sim_run_until(s->d.w, NULL, NULL, 10000);
	note = mem_printf("waits for warehouse.apply %s, which came before it for the same warehouse",
			  op_fields(ops_find(s->d.ops, one.id))->id_text);
	assert_string_equal(shop_status(s, &two, m)->note, note);
	assert_int_equal(shop_status(s, &two, m)->state, STATE_OF(RECEIVED));
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_int_equal(shop_ends(s, &one, NULL), DONE);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	assert_true(shop_until(s, &two, STATE_OF(PLANNED), 30000));
	assert_string_equal(shop_status(s, &two, m)->note, "frozen: the STOP file stands");
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_int_equal(shop_ends(s, &two, NULL), DONE);
	arena_free(m);
}

static void a_command_before_its_time_says_when_that_is(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	char stamp[STAMP_RFC3339_LEN];
	struct desk_command k;
	CLEANUP(mem_close) char *note = NULL;

	shop_apply(s, &k, 1);
	k.c.not_before = DESK_NOW + 600000;
	shop_send(s, &k, false);
	sim_run_until(s->d.w, NULL, NULL, 10000);
	note = mem_printf("waits for its not_before, %s", stamp_rfc3339(k.c.not_before, stamp));
	assert_string_equal(shop_status(s, &k, m)->note, note);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	arena_free(m);
}

static void a_generation_that_is_not_there_is_a_conflict(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	shop_apply(s, &k, 1);
	k.c.expect_generation = 7;
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, "the account holds generation 0, the command expects 7"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cancel_stops_a_delete_until_its_first_change),
		SHOP(an_apply_is_planned_started_and_carried_out),
		SHOP(a_plan_that_was_shown_and_approved_is_the_one_that_runs),
		SHOP(a_command_behind_another_says_which_and_goes_on_after_it),
		SHOP(a_command_before_its_time_says_when_that_is),
		SHOP(a_generation_that_is_not_there_is_a_conflict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
