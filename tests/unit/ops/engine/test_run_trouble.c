/* test_run_trouble.c - a step that does not get on says so: what AWS refused last, how often since when, and when it gives up. */
#include "agent/base/stamp.h"
#include "tests/unit/ops/shop.h"

static enum shop_fault throttled(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=CreateLoadBalancer&") ? SHOP_THROTTLED : SHOP_FINE;
}

static const Reeve__Control__V1__Status *stuck(struct shop *s, struct desk_command *k, struct arena *m)
{
	s->break_at = throttled;
	shop_run(s, k);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	return shop_status(s, k, m);
}

static void status_tells_the_refusal_since_when_and_until_when(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	struct desk_command k;
	unsigned tries = 0;

	st = stuck(s, &k, m);
	assert_int_equal(st->state, STATE_OF(RUNNING));
	assert_non_null(st->error);
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__THROTTLED);
	assert_string_equal(st->error->aws_code, "Throttling");
	assert_string_equal(st->error->action, "elasticloadbalancing:CreateLoadBalancer");
	assert_int_equal(sscanf(st->note, "elasticloadbalancing:CreateLoadBalancer was refused %u times since 20", &tries), 1);
	assert_in_range(tries, 2, 60);
	assert_non_null(strstr(st->note, "it is tried until 20"));
	arena_free(m);
}

static void what_gets_on_again_is_no_trouble(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	assert_non_null(stuck(s, &k, m)->error);
	s->break_at = NULL;
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_null(shop_status(s, &k, m)->error);
	assert_string_equal(shop_status(s, &k, m)->note, "");
	arena_free(m);
}

static bool is_launched(void *ctx)
{
	return ((struct shop *)ctx)->sim->instances_n == 2;
}

/* It is no refusal of AWS's. */
static void a_node_that_says_it_is_ill_is_told_as_a_node(void **state)
{
	static Reeve__Control__V1__NodeEndpoint health = REEVE__CONTROL__V1__NODE_ENDPOINT__INIT;
	struct shop *s = *state;
	struct desk_command k;
	char message[512];

	health.port = 8040;
	health.path = (char *)AWS_NODE_HEALTH;
	s->k.cluster.health = &health;
	shop_policy_counts(s, "commands: {warehouse.apply: auto}\nbounds: {" SHOP_BOUNDS
			      "instance_types: [r6i.xlarge], nodes_per_cluster: 9, nodes_total: 9, volume_gib: 500, "
			      "cidrs: [10.0.0.0/8], ports: [1-65535], node_http: [{port: 8040, path: /*}]}\n");
	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, is_launched, s, 3600000), SIM_TRUE);
	s->sim->instances[0]->healthy_ms = s->sim->instances[1]->healthy_ms = UINT64_MAX;
	for (unsigned i = 0; i < 3600 && shop_count(s, "GET") == 0; i++)
		desk_pass(&s->d, 1000);
	desk_pass(&s->d, 20000);
	ops_cancel(s->d.ops, k.id);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(CANCELLED));
	assert_non_null(strstr(message, "while a node did not say what it should: GET " AWS_NODE_HEALTH));
}

static enum shop_fault instances_throttled(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=DescribeInstances&") ? SHOP_THROTTLED : SHOP_FINE;
}

/* The step is not done, but AWS answers it again. */
static void an_answer_ends_the_trouble_of_a_step_that_goes_on_waiting(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	const char *step;

	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, is_launched, s, 600000), SIM_TRUE);
	s->sim->instances[0]->running_ms = s->sim->instances[1]->running_ms = UINT64_MAX;
	sim_run_until(s->d.w, NULL, NULL, 30000);
	s->break_at = instances_throttled;
	sim_run_until(s->d.w, NULL, NULL, 60000);
	assert_non_null(shop_status(s, &k, m)->error);
	step = shop_status(s, &k, m)->step;
	s->break_at = NULL;
	sim_run_until(s->d.w, NULL, NULL, 60000);
	assert_string_equal(shop_status(s, &k, m)->step, step);
	assert_null(shop_status(s, &k, m)->error);
	arena_free(m);
}

static void a_cancel_keeps_the_refusal_as_its_error(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	struct desk_command k;
	char message[512];

	stuck(s, &k, m);
	ops_cancel(s->d.ops, k.id);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(CANCELLED));
	st = shop_status(s, &k, m);
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__THROTTLED);
	assert_string_equal(st->error->aws_code, "Throttling");
	assert_true(str_starts(message, "cancelled by the vendor, while AWS refused: CreateLoadBalancer: Throttling"));
	arena_free(m);
}

/* The command's own deadline, which comes before the step gives up. */
static void a_deadline_keeps_it_too(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	struct desk_command k;
	char until[STAMP_RFC3339_LEN], ends[64];

	s->break_at = throttled;
	shop_apply(s, &k, 1);
	k.c.deadline_s = 90;
	shop_send(s, &k, false);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	st = shop_status(s, &k, m);
	snprintf(ends, sizeof(ends), "it is tried until %s", stamp_rfc3339((st->started_at + 90000 + 999) / 1000 * 1000, until));
	assert_non_null(strstr(st->note, ends));
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(ROLLED_BACK));
	st = shop_status(s, &k, m);
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__TIMEOUT);
	assert_string_equal(st->error->aws_code, "Throttling");
	assert_non_null(strstr(st->error->message, "while AWS refused: CreateLoadBalancer"));
	arena_free(m);
}

static void a_cancel_alone_is_a_note_and_no_error(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, shop_made_a_balancer, s, 600000), SIM_TRUE);
	ops_cancel(s->d.ops, k.id);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	assert_null(shop_status(s, &k, m)->error);
	assert_string_equal(shop_status(s, &k, m)->note, "cancelled by the vendor");
	arena_free(m);
}

static enum shop_fault lost_then_blind(struct shop *s, const char *body)
{
	if (str_starts(body, "Action=CreateLoadBalancer&"))
		return SHOP_LOST;
	return s->broke > 0 && str_starts(body, "Action=DescribeVpcs&") ? SHOP_THROTTLED : SHOP_FINE;
}

/* The call goes on failing, and between its tries the looks fail too: each is told with its own count, the one in the way now. */
static void a_look_that_fails_does_not_hide_how_often_the_call_has(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;
	unsigned before = 0, after = 0;

	s->break_at = lost_then_blind;
	shop_run(s, &k);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	assert_int_equal(
	    sscanf(shop_status(s, &k, m)->note, "elasticloadbalancing:CreateLoadBalancer has failed %u times", &before), 1);
	s->broke = 1;
	while (!str_starts(shop_status(s, &k, m)->note, "ec2:DescribeVpcs was refused 1 time since "))
		sim_run_until(s->d.w, NULL, NULL, 100);
	s->broke = 0;
	while (!str_starts(shop_status(s, &k, m)->note, "elasticloadbalancing:"))
		sim_run_until(s->d.w, NULL, NULL, 100);
	assert_int_equal(sscanf(shop_status(s, &k, m)->note, "elasticloadbalancing:CreateLoadBalancer has failed %u times", &after),
			 1);
	assert_in_range(after, before, before + 2);
	arena_free(m);
}

/* A look that fails is a refusal too: the step waits for it. */
static enum shop_fault blind(struct shop *s, const char *body)
{
	if (str_starts(body, "Action=CreateLoadBalancer&") && s->broke++ == 0)
		return SHOP_LOST_AFTER;
	return s->broke > 0 && str_starts(body, "Action=DescribeLoadBalancers&") ? SHOP_DENIED : SHOP_FINE;
}

static void a_look_that_is_refused_is_told(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	struct desk_command k;

	s->break_at = blind;
	shop_run(s, &k);
	sim_run_until(s->d.w, NULL, NULL, 90000);
	st = shop_status(s, &k, m);
	assert_non_null(st->error);
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__DENIED_BY_AWS);
	assert_non_null(strstr(st->error->message, "DescribeLoadBalancers"));
	assert_string_equal(st->error->action, "elasticloadbalancing:DescribeLoadBalancers"); /* and not the creation */
	arena_free(m);
}

/* It gives up, and looks for the effect of its call once more; what keeps it from that is told, and no time that is over. */
static void a_look_that_is_refused_is_told_to_the_end_and_once(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	struct desk_command k;
	char message[512];

	s->break_at = blind;
	shop_run(s, &k);
	sim_run_until(s->d.w, NULL, NULL, 450000);
	st = shop_status(s, &k, m);
	assert_true(str_starts(st->note, "elasticloadbalancing:DescribeLoadBalancers was refused "));
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(INDETERMINATE));
	assert_non_null(strstr(message, "did not come through"));
	assert_null(strstr(strstr(message, "did not come through") + 1, "did not come through"));
	arena_free(m);
}

static enum shop_fault all_looks_throttled(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=DescribeVpcs&") ? SHOP_THROTTLED : SHOP_FINE;
}

/* Before there is a plan it is the inventory that does not come. */
static void planning_that_cannot_look_is_told_and_a_cancel_keeps_it(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	struct desk_command k;
	char until[STAMP_RFC3339_LEN];

	s->break_at = all_looks_throttled;
	shop_run(s, &k);
	sim_run_until(s->d.w, NULL, NULL, 120000);
	st = shop_status(s, &k, m);
	assert_int_equal(st->state, STATE_OF(RECEIVED));
	assert_non_null(st->error);
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__THROTTLED);
	assert_string_equal(st->error->action, "ec2:DescribeVpcs");
	assert_true(str_starts(st->note, "ec2:DescribeVpcs was refused "));
	assert_non_null(strstr(st->note, " times since 20"));
	assert_non_null(strstr(st->note, stamp_rfc3339((k.c.expires_at + 999) / 1000 * 1000, until)));
	ops_cancel(s->d.ops, k.id);
	assert_int_equal(shop_ends(s, &k, NULL), STATE_OF(CANCELLED));
	st = shop_status(s, &k, m);
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__THROTTLED);
	assert_non_null(strstr(st->error->message, "cancelled by the vendor before it started, while AWS refused: "));
	arena_free(m);
}

static void planning_that_gets_on_again_is_no_trouble(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->break_at = all_looks_throttled;
	shop_run(s, &k);
	sim_run_until(s->d.w, NULL, NULL, 60000);
	s->break_at = NULL;
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	assert_null(shop_status(s, &k, m)->error);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	arena_free(m);
}

static enum shop_fault looks_throttled(struct shop *s, const char *body)
{
	return s->broke > 0 && str_starts(body, "Action=Describe") ? SHOP_THROTTLED : SHOP_FINE;
}

/* Before anything is taken back it looks whose it is, for up to fifteen minutes. */
static void a_taking_back_that_cannot_look_is_told(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	struct desk_command k;

	s->break_at = looks_throttled;
	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, shop_made_a_balancer, s, 600000), SIM_TRUE);
	s->broke = 1;
	ops_cancel(s->d.ops, k.id);
	sim_run_until(s->d.w, NULL, NULL, 300000);
	st = shop_status(s, &k, m);
	assert_int_equal(st->state, STATE_OF(RUNNING));
	assert_non_null(st->error);
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__THROTTLED);
	assert_true(str_starts(st->note, "a cancel has come: what was made is taken back; ec2:DescribeVpcs was refused "));
	assert_string_equal(st->error->action, "ec2:DescribeVpcs");
	arena_free(m);
}

/* ---- keys ---- */

static enum shop_fault no_sts(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=AssumeRole&") ? SHOP_LOST : SHOP_FINE;
}

static enum shop_fault slow_sts(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=AssumeRole&") ? SHOP_SLOW : SHOP_FINE;
}

/* The step's call has not been made, so nobody has refused it; which role, why, how often, since when and until when. */
static void a_role_that_cannot_be_assumed_is_told_and_no_call_was_refused(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	struct desk_command k;
	unsigned tries = 0;

	s->break_at = no_sts;
	shop_listen(s);
	shop_run(s, &k);
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	sim_run_until(s->d.w, NULL, NULL, 3000);
	st = shop_status(s, &k, m);
	assert_non_null(st->error);
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__TIMEOUT);
	assert_string_equal(st->error->action, "sts:AssumeRole");
	assert_true(str_starts(st->error->message, "the role " AWS_OPERATE " cannot be assumed: AssumeRole: no answer: "));
	assert_int_equal(sscanf(st->note, "ec2:CreateSecurityGroup waits for keys, tried %u times since 20", &tries), 1);
	assert_true(tries >= 3);
	assert_non_null(strstr(st->note, "it is tried until 20"));
	assert_non_null(strstr(st->note, ": the role " AWS_OPERATE " cannot be assumed: "));
	assert_null(strstr(st->note, "refused"));
	assert_non_null(strstr(buf_str(&s->log), "op.step.keys.failed op="));
	assert_non_null(strstr(buf_str(&s->log), " action=sts:AssumeRole class=ambiguous code=\"\" err=\"the role arn:aws:iam::"));
	assert_null(strstr(buf_str(&s->log), "op.step.refused"));
	arena_free(m);
}

/* STS is tried three times for half a minute each: the first failure is told, and not the last. */
static void the_first_try_at_keys_that_fails_is_told_and_reported(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	struct desk_command k;
	char since[STAMP_RFC3339_LEN], text[64];
	int64_t began_ms;

	s->break_at = slow_sts;
	shop_listen(s);
	shop_run(s, &k);
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	began_ms = world_wall_ms(s->d.w);
	sim_run_until(s->d.w, NULL, NULL, 10000);
	assert_true(str_starts(shop_status(s, &k, m)->note, "ec2:CreateSecurityGroup waits for keys since 20"));
	s->d.changes = 0;
	sim_run_until(s->d.w, NULL, NULL, 22000);
	assert_int_equal(s->d.changes, 1);
	st = shop_status(s, &k, m);
	snprintf(text, sizeof(text), "tried 1 time since %s", stamp_rfc3339((began_ms + 999) / 1000 * 1000, since));
	assert_non_null(strstr(st->note, text));
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__TIMEOUT);
	assert_non_null(strstr(buf_str(&s->log), "op.step.keys.failed op="));
	arena_free(m);
}

static void a_role_that_sts_denies_is_told_with_its_words(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	struct desk_command k;
	char message[512], until[STAMP_RFC3339_LEN], ends[64];
	int64_t began_ms;

	s->sim->role_gone = true;
	shop_run(s, &k);
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	began_ms = world_wall_ms(s->d.w);
	sim_run_until(s->d.w, NULL, NULL, 20000);
	st = shop_status(s, &k, m);
	snprintf(ends, sizeof(ends), "it is tried until %s", stamp_rfc3339((began_ms + 120000 + 999) / 1000 * 1000, until));
	assert_non_null(strstr(st->note, ends)); /* and not until the step's own limit: a role is known by then */
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__DENIED_BY_AWS);
	assert_string_equal(st->error->aws_code, "AccessDenied");
	assert_string_equal(st->error->action, "sts:AssumeRole");
	assert_true(str_starts(st->note, "ec2:CreateSecurityGroup waits for keys, tried "));
	assert_non_null(strstr(st->note, "not authorized to perform: sts:AssumeRole"));
	assert_int_not_equal(shop_ends(s, &k, message), DONE);
	st = shop_status(s, &k, m);
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__DENIED_BY_AWS);
	assert_string_equal(st->error->action, "sts:AssumeRole");
	assert_string_equal(st->error->aws_code, "AccessDenied");
	arena_free(m);
}

/* What fails then is another thing, and counted from there. */
static enum shop_fault no_sts_then_throttled(struct shop *s, const char *body)
{
	if (s->broke == 0)
		return no_sts(s, body);
	return str_starts(body, "Action=CreateSecurityGroup&") ? SHOP_THROTTLED : SHOP_FINE;
}

static void tries_at_keys_are_not_counted_as_refusals_of_the_call(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->break_at = no_sts_then_throttled;
	shop_run(s, &k);
	assert_true(shop_until(s, &k, STATE_OF(RUNNING), 60000));
	sim_run_until(s->d.w, NULL, NULL, 30000);
	s->broke = 1;
	while (!str_starts(shop_status(s, &k, m)->note, "ec2:CreateSecurityGroup was refused "))
		sim_run_until(s->d.w, NULL, NULL, 100);
	assert_true(str_starts(shop_status(s, &k, m)->note, "ec2:CreateSecurityGroup was refused 1 time since "));
	arena_free(m);
}

/* ---- reads ---- */

static enum shop_fault reads_slow(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=Describe") ? SHOP_SLOW : SHOP_FINE;
}

/* A read is tried three times by itself. */
static void the_first_try_at_a_read_that_fails_is_told_while_it_is_planned(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	struct desk_command k;

	s->break_at = reads_slow;
	shop_run(s, &k);
	sim_run_until(s->d.w, NULL, NULL, 10000);
	assert_true(str_starts(shop_status(s, &k, m)->note, "a look at the account is under way since 20"));
	sim_run_until(s->d.w, NULL, NULL, 25000);
	st = shop_status(s, &k, m);
	assert_int_equal(st->error->class_, REEVE__CONTROL__V1__ERROR_CLASS__TIMEOUT);
	assert_true(str_starts(st->note, "ec2:DescribeVpcs has failed 1 time since 20"));
	arena_free(m);
}

static enum shop_fault nodes_slow(struct shop *s, const char *body)
{
	return s->broke > 0 && str_starts(body, "Action=DescribeInstances&") ? SHOP_SLOW : SHOP_FINE;
}

static void a_read_of_a_step_is_told_at_its_first_failure_and_a_wait_by_what_was_seen(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	shop_run(s, &k);
	assert_int_equal(sim_run_until(s->d.w, is_launched, s, 600000), SIM_TRUE);
	s->sim->instances[0]->running_ms = s->sim->instances[1]->running_ms = UINT64_MAX;
	sim_run_until(s->d.w, NULL, NULL, 30000);
	assert_true(str_starts(shop_status(s, &k, m)->note, "waits, last seen: "));
	s->broke = 1;
	s->break_at = nodes_slow;
	sim_run_until(s->d.w, NULL, NULL, 50000);
	assert_true(str_starts(shop_status(s, &k, m)->note, "ec2:DescribeInstances has failed 1 time since 20"));
	arena_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(status_tells_the_refusal_since_when_and_until_when),
		SHOP(what_gets_on_again_is_no_trouble),
		SHOP(a_node_that_says_it_is_ill_is_told_as_a_node),
		SHOP(an_answer_ends_the_trouble_of_a_step_that_goes_on_waiting),
		SHOP(a_cancel_keeps_the_refusal_as_its_error),
		SHOP(a_deadline_keeps_it_too),
		SHOP(a_cancel_alone_is_a_note_and_no_error),
		SHOP(a_look_that_fails_does_not_hide_how_often_the_call_has),
		SHOP(a_look_that_is_refused_is_told),
		SHOP(a_look_that_is_refused_is_told_to_the_end_and_once),
		SHOP(a_taking_back_that_cannot_look_is_told),
		SHOP(planning_that_cannot_look_is_told_and_a_cancel_keeps_it),
		SHOP(planning_that_gets_on_again_is_no_trouble),
		SHOP(a_role_that_cannot_be_assumed_is_told_and_no_call_was_refused),
		SHOP(the_first_try_at_keys_that_fails_is_told_and_reported),
		SHOP(a_role_that_sts_denies_is_told_with_its_words),
		SHOP(tries_at_keys_are_not_counted_as_refusals_of_the_call),
		SHOP(the_first_try_at_a_read_that_fails_is_told_while_it_is_planned),
		SHOP(a_read_of_a_step_is_told_at_its_first_failure_and_a_wait_by_what_was_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
