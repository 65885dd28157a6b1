/* test_run_hear.c - a step that waits hears at once that its command is called off, whatever it waits for, and says so. */
#include "tests/unit/ops/shop.h"

static enum shop_fault sts_slow(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=AssumeRole&") ? SHOP_SLOW : SHOP_FINE;
}

/* STS gives no answer for half a minute, three times over. The step is in the midst of that. */
static void a_step_that_waits_for_keys_hears_a_cancel_at_once(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->break_at = sts_slow;
	shop_run(s, &k);
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	sim_run_until(s->d.w, NULL, NULL, 45000);
	ops_cancel(s->d.ops, k.id);
	assert_true(shop_until(s, &k, STATE_OF(CANCELLED), 1500));
	assert_string_equal(buf_str(&s->seen), "");
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__TIMEOUT);
	assert_string_equal(shop_status(s, &k, m)->error->action, "sts:AssumeRole");
	assert_true(str_starts(shop_status(s, &k, m)->error->message,
			       "cancelled by the vendor, while it waited for keys: the role " AWS_OPERATE " cannot be assumed: "));
	arena_free(m);
}

/* Its time is over: what cannot be made is not waited for. */
static void a_step_that_waits_for_keys_hears_the_deadline_of_its_command(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->break_at = sts_slow;
	shop_apply(s, &k, 1);
	k.c.deadline_s = 40;
	shop_send(s, &k, false);
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	sim_run_until(s->d.w, NULL, NULL, 39000);
	assert_int_equal(shop_status(s, &k, m)->state, STATE_OF(RUNNING));
	assert_true(shop_until(s, &k, STATE_OF(ROLLED_BACK), 2500));
	assert_int_equal(shop_status(s, &k, m)->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__TIMEOUT);
	assert_non_null(strstr(shop_status(s, &k, m)->error->message, "deadline of 40 s is over, while it waited for keys: "));
	arena_free(m);
}

static enum shop_fault reads_slow(struct shop *s, const char *body)
{
	return s->broke > 0 && str_starts(body, "Action=Describe") ? SHOP_SLOW : SHOP_FINE;
}

/* Nothing has left that may change anything: the cancel is heard though no read is answered. */
static void a_plan_that_waits_for_its_inventory_hears_a_cancel_at_once(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->broke = 1;
	s->break_at = reads_slow;
	shop_run(s, &k);
	sim_run_until(s->d.w, NULL, NULL, 40000);
	ops_cancel(s->d.ops, k.id);
	assert_true(shop_until(s, &k, STATE_OF(CANCELLED), 1500));
}

static bool is_launched(void *ctx)
{
	return ((struct shop *)ctx)->sim->instances_n == 2;
}

static bool is_taken_back(void *ctx)
{
	return shop_count(ctx, "TerminateInstances") > 0;
}

/* A read of the step at hand: the nodes come up, and EC2 does not answer. What was made is taken back. */
static void a_read_that_gets_no_answer_hears_a_cancel_at_once(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, is_launched, s, 600000), SIM_TRUE);
	s->sim->instances[0]->running_ms = s->sim->instances[1]->running_ms = UINT64_MAX;
	sim_run_until(s->d.w, NULL, NULL, 30000);
	s->broke = 1;
	s->break_at = reads_slow;
	sim_run_until(s->d.w, NULL, NULL, 50000);
	assert_non_null(shop_status(s, &k, m)->error);
	ops_cancel(s->d.ops, k.id);
	s->break_at = NULL;
	assert_int_equal(sim_run_until(s->d.w, is_taken_back, s, 5000), SIM_TRUE);
	arena_free(m);
}

static enum shop_fault lost_then_blind(struct shop *s, const char *body)
{
	if (str_starts(body, "Action=CreateLoadBalancer&") && s->broke++ == 0)
		return SHOP_LOST_AFTER;
	return s->broke > 0 && str_starts(body, "Action=Describe") ? SHOP_SLOW : SHOP_FINE;
}

/* Its call may have had its effect: it is not left before that is known. */
static void what_is_in_doubt_is_looked_for_before_a_cancel_ends_it(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = lost_then_blind;
	shop_run(s, &k);
	sim_run_until(s->d.w, NULL, NULL, 120000);
	assert_true(s->broke > 0);
	ops_cancel(s->d.ops, k.id);
	sim_run_until(s->d.w, NULL, NULL, 5000);
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 1));
	s->break_at = NULL;
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_int_equal(shop_stands(s), 0);
}

static enum shop_fault create_slow(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=CreateSecurityGroup&") ? SHOP_SLOW : SHOP_FINE;
}

/* The same for one that has left and is not answered yet. */
static void a_call_that_has_left_is_waited_for_and_the_cancel_is_told(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->break_at = create_slow;
	shop_run(s, &k);
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	sim_run_until(s->d.w, NULL, NULL, 10000);
	ops_cancel(s->d.ops, k.id);
	sim_run_until(s->d.w, NULL, NULL, 5000);
	assert_int_equal(shop_status(s, &k, m)->state, STATE_OF(RUNNING));
	assert_true(str_starts(shop_status(s, &k, m)->note, "a cancel has come: it ends at the next step it may; "
							    "ec2:CreateSecurityGroup waits for an answer since 20"));
	s->break_at = NULL;
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	arena_free(m);
}

static void a_taking_back_says_that_a_cancel_has_come(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, shop_made_a_balancer, s, 600000), SIM_TRUE);
	s->broke = 1;
	s->break_at = reads_slow;
	ops_cancel(s->d.ops, k.id);
	sim_run_until(s->d.w, NULL, NULL, 40000);
	assert_true(str_starts(shop_status(s, &k, m)->note, "a cancel has come: what was made is taken back; ec2:DescribeVpcs has "
							    "failed "));
	arena_free(m);
}

/* Scale in by one, where one leaves its target group already and takes leaves_ms for it: the plan, which takes back nothing, begins
 * with a wait for that. */
static void shop_waits_for_one_that_leaves(struct shop *s, struct desk_command *k, uint32_t deadline_s, uint64_t leaves_ms)
{
	struct desk_command first;
	struct aws_tg *g;

	s->k.cluster.nodes = 2;
	shop_run(s, &first);
	assert_int_equal(shop_ends(s, &first, NULL), STATE_OF(SUCCEEDED));
	g = s->sim->target_groups[0];
	g->targets[0].draining_ms = world_now_ms(s->d.w);
	g->targets[0].gone_ms = world_now_ms(s->d.w) + leaves_ms;
	g->targets[0].served = true;
	s->k.s.generation++;
	s->k.cluster.nodes = 1;
	shop_apply(s, k, 2);
	k->c.deadline_s = deadline_s;
	shop_send(s, k, true);
	shop_head(s);
	buf_reset(&s->seen);
	assert_true(shop_until(s, k, STATE_OF(RUNNING), 600000));
	sim_run_until(s->d.w, NULL, NULL, 20000);
}

static void a_plan_that_has_only_waited_so_far_hears_a_cancel_and_ends_nothing(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_waits_for_one_that_leaves(s, &k, 0, 1800000);
	ops_cancel(s->d.ops, k.id);
	assert_true(shop_until(s, &k, STATE_OF(CANCELLED), 1500));
	assert_null(strstr(buf_str(&s->seen), "TerminateInstances"));
}

static void a_plan_that_has_only_waited_so_far_hears_its_deadline_and_ends_nothing(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_waits_for_one_that_leaves(s, &k, 60, 1800000);
	assert_true(shop_until(s, &k, STATE_OF(ROLLED_BACK), 60000));
	assert_null(strstr(buf_str(&s->seen), "TerminateInstances"));
}

/* The wait is over, and STOP keeps the change behind it from its intent. */
static void a_plan_whose_waits_are_over_and_that_has_changed_nothing_hears_a_cancel(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_waits_for_one_that_leaves(s, &k, 0, 60000);
	sim_file_puts(s->d.w, "/etc/reeve/STOP", "");
	sim_run_until(s->d.w, NULL, NULL, 300000);
	ops_cancel(s->d.ops, k.id);
	sim_run_until(s->d.w, NULL, NULL, 5000);
	sim_file_unlink(s->d.w, "/etc/reeve/STOP");
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_null(strstr(buf_str(&s->seen), "TerminateInstances"));
}

/* Over a restart, too: the wait is replayed, and has still begun nothing. */
static void a_plan_that_has_only_waited_hears_a_cancel_after_a_restart(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_waits_for_one_that_leaves(s, &k, 0, 1800000);
	shop_reopen(s);
	sim_run_until(s->d.w, NULL, NULL, 30000);
	ops_cancel(s->d.ops, k.id);
	assert_true(shop_until(s, &k, STATE_OF(CANCELLED), 5000));
	assert_null(strstr(buf_str(&s->seen), "TerminateInstances"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_step_that_waits_for_keys_hears_a_cancel_at_once),
		SHOP(a_step_that_waits_for_keys_hears_the_deadline_of_its_command),
		SHOP(a_plan_that_waits_for_its_inventory_hears_a_cancel_at_once),
		SHOP(a_read_that_gets_no_answer_hears_a_cancel_at_once),
		SHOP(what_is_in_doubt_is_looked_for_before_a_cancel_ends_it),
		SHOP(a_call_that_has_left_is_waited_for_and_the_cancel_is_told),
		SHOP(a_taking_back_says_that_a_cancel_has_come),
		SHOP(a_plan_that_has_only_waited_so_far_hears_a_cancel_and_ends_nothing),
		SHOP(a_plan_that_has_only_waited_so_far_hears_its_deadline_and_ends_nothing),
		SHOP(a_plan_that_has_only_waited_hears_a_cancel_after_a_restart),
		SHOP(a_plan_whose_waits_are_over_and_that_has_changed_nothing_hears_a_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
