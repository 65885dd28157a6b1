/* test_run_look.c - after an ambiguity the engine looks before it repeats, and before it gives up. */
#include "tests/unit/ops/shop.h"

static bool is_first(struct shop *s, const char *body, const char *action)
{
	CLEANUP(mem_close) char *start = mem_printf("Action=%s&", action);

	return str_starts(body, start) && s->broke++ == 0;
}

static enum shop_fault launch_never_arrives(struct shop *s, const char *body)
{
	return is_first(s, body, "RunInstances") ? SHOP_LOST : SHOP_FINE;
}

static enum shop_fault group_never_arrives(struct shop *s, const char *body)
{
	return is_first(s, body, "CreateSecurityGroup") ? SHOP_LOST : SHOP_FINE;
}

static void a_call_that_never_arrived_is_repeated_with_the_same_token(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = launch_never_arrives;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(s->broke, 2);
	assert_int_equal(s->sim->launches_n, 1);
	assert_int_equal(shop_alive(s), 2);
}

static void a_group_that_was_never_made_is_made_after_looking(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = group_never_arrives;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(shop_count(s, "CreateSecurityGroup"), 1);
}

static enum shop_fault listener_dies(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=CreateListener&") ? SHOP_LOST : SHOP_FINE;
}

/* The deadline is over, and the last call may still have made it: settle_s later what is not seen is not there. */
static void a_call_without_an_answer_to_the_end_is_looked_for_and_all_is_taken_back(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	s->break_at = listener_dies;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(ROLLED_BACK));
	assert_non_null(strstr(message, "did not come through within"));
	assert_int_equal(shop_stands(s), 0);
}

static enum shop_fault listener_dies_and_nobody_can_look(struct shop *s, const char *body)
{
	s->broke += str_starts(body, "Action=CreateListener&");
	return s->broke > 0 ? SHOP_LOST : SHOP_FINE;
}

static void what_cannot_be_looked_at_ends_in_doubt_and_nothing_is_taken_back_blindly(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	s->break_at = listener_dies_and_nobody_can_look;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(INDETERMINATE));
	assert_non_null(strstr(message, "did not come through within"));
	assert_true(shop_stands(s) > 0);
}

static bool is_broken_once(void *ctx)
{
	return ((struct shop *)ctx)->broke > 0;
}

/* With looks that fail there is no call before which the switches are asked. A cancel begins the last looks at once (deadline_s and
 * settle_s, six minutes), and not when the step's own time is over, three minutes later. */
static void a_cancel_is_heard_by_who_cannot_look(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	uint64_t began;

	s->break_at = listener_dies_and_nobody_can_look;
	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, is_broken_once, s, 600000), SIM_TRUE);
	sim_run_until(s->d.w, NULL, NULL, 120000);
	began = world_now_ms(s->d.w);
	ops_cancel(s->d.ops, k.id);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(INDETERMINATE));
	assert_true(world_now_ms(s->d.w) - began < 420000);
}

/* Made, the answer lost, not shown yet; then the account's limit refuses the repetition. */
static enum shop_fault lost_then_refused(struct shop *s, const char *body)
{
	if (!str_starts(body, "Action=CreateSecurityGroup&"))
		return SHOP_FINE;
	return s->broke++ == 0 ? SHOP_LOST_AFTER : SHOP_QUOTA;
}

static void a_refused_repetition_does_not_disown_what_the_lost_call_has_made(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = lost_then_refused;
	shop_run(s, &k);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_int_equal(s->broke, 2);
	assert_int_equal(shop_count(s, "CreateSecurityGroup"), 1);
}

static bool is_refused(void *ctx)
{
	return ((struct shop *)ctx)->broke > 1;
}

/* The verb is switched off while the fate of a call is open: what it made is found and told, and nothing else is done. */
static void who_leaves_in_doubt_looks_first(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->break_at = lost_then_refused;
	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, is_refused, s, 600000), SIM_TRUE);
	shop_policy(s, "commands: {warehouse.apply: off}\n");
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	assert_int_equal(shop_status(s, &k, m)->n_created, 1);
	assert_int_equal(s->broke, 2);
	arena_free(m);
}

static enum shop_fault launches_never_arrive(struct shop *s, const char *body)
{
	s->broke += str_starts(body, "Action=RunInstances&");
	return str_starts(body, "Action=RunInstances&") ? SHOP_LOST : SHOP_FINE;
}

static enum shop_fault launches_are_told(struct shop *s, const char *body)
{
	s->broke += str_starts(body, "Action=RunInstances&");
	return str_starts(body, "Action=RunInstances&") ? SHOP_TOLD : SHOP_FINE;
}

/* An outcome with such ids in it would be no record, and nothing would go on behind it. */
static void a_launch_that_names_nodes_by_ids_that_aws_never_gives_is_looked_for_and_ends(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	CLEANUP(buf_close) struct buf b = BUF_MAX(1u << 20);

	buf_adds(&b, "<RunInstancesResponse><instancesSet>");
	for (int i = 0; i < 16; i++) {
		buf_addf(&b, "<item><instanceId>%d", i);
		for (int n = 0; n < 60000; n++)
			buf_addc(&b, '"');
		buf_adds(&b, "</instanceId><instanceState><name>pending</name></instanceState></item>");
	}
	buf_adds(&b, "</instancesSet></RunInstancesResponse>");
	s->answer = buf_str(&b);
	s->break_at = launches_are_told;
	shop_listen(s);
	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, is_broken_once, s, 600000), SIM_TRUE);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	assert_null(strstr(buf_str(&s->log), "unfit"));
}

/* A call in doubt, then a no of the policy (or the deadline of the step): how long until the command has ended, with a restart
 * every two minutes. */
static uint64_t ends_over_restarts(struct shop *s, struct desk_command *k, bool is_denied)
{
	uint64_t began;

	s->break_at = launches_never_arrive;
	shop_run(s, k);
	assert_int_equal(sim_run_until(s->d.w, is_broken_once, s, 600000), SIM_TRUE);
	if (is_denied)
		shop_policy(s, "commands: {warehouse.apply: off}\n");
	else
		sim_run_until(s->d.w, NULL, NULL, 903000); /* now it gives up */
	began = world_now_ms(s->d.w);
	for (int life = 0; life < 30 && !shop_until(s, k, ANY_END, 120000); life++)
		shop_reopen(s);
	return world_now_ms(s->d.w) - began;
}

static void the_wait_for_a_call_in_doubt_goes_on_over_restarts(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct arena *m = arena_new_sized(8u << 20);
		struct desk_command k;
		struct shop *s;
		unsigned calls;
		void *mine;

		shop_start(&mine);
		s = mine;
		assert_in_range(ends_over_restarts(s, &k, i == 0), 100000, 480000); /* settle_s of a launch is 300 */
		assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
		assert_non_null(
		    strstr(shop_status(s, &k, m)->error->message, i == 0 ? "the policy now says off" : "did not come through"));
		calls = s->broke;
		sim_run_until(s->d.w, NULL, NULL, 600000);
		assert_int_equal(s->broke, calls);
		arena_free(m);
		shop_end(&mine);
	}
}

static void status_says_what_a_doubt_waits_for_and_until_when(void **state)
{
	struct arena *m = arena_new_sized(8u << 20);
	struct shop *s = *state;
	struct desk_command k;
	char note[256] = "";

	s->break_at = launches_never_arrive;
	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, is_broken_once, s, 600000), SIM_TRUE);
	shop_policy(s, "commands: {warehouse.apply: off}\n");
	for (int life = 0; life < 2; life++) {
		shop_until(s, &k, ANY_END, 60000);
		assert_non_null(strstr(shop_status(s, &k, m)->note, "ec2:RunInstances got no answer: waits until 2027-01-15T0"));
		if (life > 0)
			assert_string_equal(shop_status(s, &k, m)->note, note); /* the same moment */
		snprintf(note, sizeof(note), "%s", shop_status(s, &k, m)->note);
		shop_reopen(s);
	}
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(FAILED));
	assert_string_equal(shop_status(s, &k, m)->note, "not done: register be/sql"); /* nothing is waited for */
	arena_free(m);
}

static bool is_asked_after_instances(const char *body)
{
	return str_starts(body, "Action=Describe") && !str_starts(body, "Action=DescribeVpcs&") &&
	       !str_starts(body, "Action=DescribeInstances&");
}

/* The launch acts and is lost, its nodes are not shown for 250 s; a look that begins before and ends much later, behind settle_s,
 * says how things were when it asked. */
static enum shop_fault lost_then_slow(struct shop *s, const char *body)
{
	uint64_t now = world_now_ms(s->d.w);

	if (str_starts(body, "Action=RunInstances&")) {
		s->lost_ms = now;
		return s->broke++ == 0 ? SHOP_LOST_AFTER : SHOP_LOST;
	}
	return s->broke > 0 && now > s->lost_ms + 200000 && is_asked_after_instances(body) && s->slow++ % 3 != 2 ? SHOP_SLOW
														 : SHOP_FINE;
}

static bool is_broken(void *ctx)
{
	return ((struct shop *)ctx)->broke > 0;
}

static void a_slow_look_knows_no_more_than_a_fast_one(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	int ended;

	s->hidden_ms = 250000;
	s->break_at = lost_then_slow;
	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, is_broken, s, 600000), SIM_TRUE);
	ops_cancel(s->d.ops, k.id);
	ended = shop_ends(s, &k, NULL);
	assert_true(s->slow > 0);
	assert_int_equal(shop_alive(s), ended == STATE_OF(CANCELLED) ? 0 : 2);
}

static enum shop_fault health_is_throttled_at_the_end(struct shop *s, const char *body)
{
	if (!str_starts(body, "Action=DescribeTargetHealth&"))
		return SHOP_FINE;
	return ++s->broke > 20 ? SHOP_THROTTLED : SHOP_FINE;
}

static bool has_targets(void *ctx)
{
	const struct shop *s = ctx;

	return s->sim->target_groups_n > 0 && s->sim->target_groups[0]->targets_n == 2;
}

/* Also when the last answers tell nothing at all. */
static void a_wait_that_is_over_tells_how_things_stood_when_they_were_last_seen(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	s->break_at = health_is_throttled_at_the_end;
	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, has_targets, s, 7200000), SIM_TRUE);
	s->sim->target_groups[0]->targets[0].healthy_ms = s->sim->target_groups[0]->targets[1].healthy_ms = UINT64_MAX;
	s->broke = 0;
	assert_int_not_equal(shop_ends(s, &k, message), DONE);
	assert_non_null(strstr(message, "did not come through within 900 s: last seen: "));
	assert_non_null(strstr(message, "is initial"));
}

/* Before the pivot it is the command's deadline that ends a wait. */
static void a_command_whose_time_is_over_tells_what_it_was_waiting_for(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	s->sim->least_up_s = s->sim->most_up_s = 100000;
	shop_apply(s, &k, 1);
	k.c.deadline_s = 600;
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(FAILED));
	assert_non_null(strstr(message, "deadline of 600 s is over: last seen: "));
	assert_non_null(strstr(message, "is pending"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_command_whose_time_is_over_tells_what_it_was_waiting_for),
		SHOP(a_wait_that_is_over_tells_how_things_stood_when_they_were_last_seen),
		cmocka_unit_test(the_wait_for_a_call_in_doubt_goes_on_over_restarts),
		SHOP(status_says_what_a_doubt_waits_for_and_until_when),
		SHOP(a_call_that_never_arrived_is_repeated_with_the_same_token),
		SHOP(a_group_that_was_never_made_is_made_after_looking),
		SHOP(a_call_without_an_answer_to_the_end_is_looked_for_and_all_is_taken_back),
		SHOP(what_cannot_be_looked_at_ends_in_doubt_and_nothing_is_taken_back_blindly),
		SHOP(a_cancel_is_heard_by_who_cannot_look),
		SHOP(a_refused_repetition_does_not_disown_what_the_lost_call_has_made),
		SHOP(who_leaves_in_doubt_looks_first),
		SHOP(a_launch_that_names_nodes_by_ids_that_aws_never_gives_is_looked_for_and_ends),
		SHOP(a_slow_look_knows_no_more_than_a_fast_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
