/* test_op_status.c - what is told of an operation. */
#include "tests/unit/ops/shop.h"

static struct op *accepted(struct desk *d, struct desk_command *k)
{
	struct op *op;

	desk_give_one(d, desk_sign_command(k, &d->command));
	op = ops_find(d->ops, k->id);
	assert_non_null(op);
	return op;
}

static void what_waits_says_received_and_has_no_plan(void **state)
{
	struct desk *d = *state;
	struct arena *m = arena_new_sized(1u << 20);
	CLEANUP(buf_close) struct buf text = BUF_MAX(4096);
	Reeve__Control__V1__Status s;
	CLEANUP(json_close) json_t *j = json_object();
	struct desk_command k;
	struct op *op;

	desk_command(&k, 1);
	op = accepted(d, &k);
	op_status(op, m, &s);
	assert_int_equal(s.state, REEVE__CONTROL__V1__STATE__RECEIVED);
	assert_int_equal(s.seq, 1);
	assert_memory_equal(s.command_id.data, k.id, sizeof(k.id));
	assert_int_equal(s.plan_hash.len, 0);
	assert_string_equal(s.plan_text, "");
	op_plan_text(op, &text);
	assert_non_null(strstr(buf_str(&text), "warehouse.delete of wh-1 is not planned yet"));
	op_tell_plan(op, j);
	assert_null(json_object_get(j, "plan"));
	arena_free(m);
}

/* Every member of a result comes from its record, and a record that lacks one is told without it. */
static void a_result_is_told_from_its_record_alone(void **state)
{
	static const char hash[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	struct desk *d = *state;
	struct arena *m = arena_new_sized(1u << 20);
	Reeve__Control__V1__Status s;
	struct desk_command k;
	struct op *op;
	json_t *r;

	desk_command(&k, 1);
	op = accepted(d, &k);
	r = json_pack("{s:s, s:i, s:I, s:I, s:s, s:s, s:i, s:i, s:I, s:{s:s, s:s, s:s, s:s, s:s, s:s}, s:[[s, s]], s:[], s:[[s, "
		      "s]], s:[[s, s]]}",
		      "state", "FAILED", "code", (int)REEVE__CONTROL__V1__STATE__FAILED, "started_ms", (json_int_t)5, "ended_ms",
		      (json_int_t)9, "note", "short", "plan_hash", hash, "steps_done", 3, "steps_total", 7, "generation",
		      (json_int_t)12, "error", "class", "CAPACITY", "message", "no room", "action", "ec2:RunInstances", "aws_code",
		      "InsufficientInstanceCapacity", "aws_request_id", "req-1", "resource", "be", "created", "instance", "i-1",
		      "deleted", "modified", "volume", "vol-1", "preserved", "vpc", "vpc-1");
	assert_non_null(r);
	op_replay(op, "command.result", r, 0);
	json_decref(r);
	op_status(op, m, &s);
	assert_int_equal(s.state, REEVE__CONTROL__V1__STATE__FAILED);
	assert_int_equal(s.error->class_, REEVE__CONTROL__V1__ERROR_CLASS__CAPACITY);
	assert_string_equal(s.error->aws_code, "InsufficientInstanceCapacity");
	assert_string_equal(s.error->action, "ec2:RunInstances");
	assert_string_equal(s.error->aws_request_id, "req-1");
	assert_string_equal(s.error->resource, "be");
	assert_true(s.error->retryable);
	assert_string_equal(s.modified[0]->id, "vol-1");
	assert_string_equal(s.preserved[0]->id, "vpc-1");
	assert_int_equal(s.n_created, 1);
	assert_string_equal(s.created[0]->kind, "instance");
	assert_string_equal(s.created[0]->id, "i-1");
	assert_int_equal(s.n_deleted, 0);
	assert_int_equal(s.plan_hash.len, 32);
	assert_int_equal(s.plan_hash.data[1], 0x11);
	assert_int_equal(s.steps_done, 3);
	assert_int_equal(s.steps_total, 7);
	assert_int_equal(s.generation, 12);
	assert_int_equal(s.ended_at, 9);
	assert_string_equal(s.note, "short");
	arena_free(m);
}

static void an_unknown_class_of_error_is_internal_and_a_code_that_is_missing_indeterminate(void **state)
{
	struct desk *d = *state;
	struct arena *m = arena_new_sized(1u << 20);
	Reeve__Control__V1__Status s;
	struct desk_command k;
	struct op *op;
	json_t *r = json_pack("{s:{s:s}}", "error", "class", "NO_SUCH_CLASS");

	desk_command(&k, 1);
	op = accepted(d, &k);
	op_replay(op, "command.result", r, 0);
	json_decref(r);
	op_status(op, m, &s);
	assert_int_equal(s.state, REEVE__CONTROL__V1__STATE__INDETERMINATE);
	assert_int_equal(s.error->class_, REEVE__CONTROL__V1__ERROR_CLASS__INTERNAL);
	arena_free(m);
}

/* ---- plans beside each other ---- */

/* A second cluster beside the first, whose plan is the first. */
static void apply_two(struct shop *s, struct desk_command *k, Reeve__Control__V1__Cluster *more)
{
	*more = s->k.cluster;
	more->name = (char *)"fe";
	more->nodes = 1;
	s->k.clusters[1] = more;
	s->k.s.n_clusters = 2;
	shop_run(s, k);
}

static enum shop_fault second_throttled(struct shop *s, const char *body)
{
	(void)s;
	return str_starts(body, "Action=RunInstances&") && strstr(body, "wh-1-fe") != NULL ? SHOP_THROTTLED : SHOP_FINE;
}

static enum shop_fault launches_throttled(struct shop *s, const char *body)
{
	if (!str_starts(body, "Action=RunInstances&"))
		return SHOP_FINE;
	s->broke++;
	return SHOP_THROTTLED;
}

static bool has_thrice_been_refused(void *ctx)
{
	return ((struct shop *)ctx)->broke > 3;
}

/* A balancer takes minutes before the launch has its turn. */
static void wait_refused(struct shop *s)
{
	assert_int_equal(sim_run_until(s->d.w, has_thrice_been_refused, s, 600000), SIM_TRUE);
}

static bool is_launched(void *ctx)
{
	return ((struct shop *)ctx)->sim->launches_n > 0;
}

static void of_two_plans_the_one_in_trouble_is_told_with_its_step_and_named(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	Reeve__Control__V1__Cluster more;
	struct desk_command k;

	s->break_at = second_throttled;
	apply_two(s, &k, &more);
	assert_int_equal(sim_run_until(s->d.w, is_launched, s, 600000), SIM_TRUE);
	s->sim->instances[0]->running_ms = UINT64_MAX;
	sim_run_until(s->d.w, NULL, NULL, 20000);
	st = shop_status(s, &k, m);
	assert_non_null(st->error);
	assert_string_equal(st->error->action, "ec2:RunInstances");
	assert_true(str_starts(st->step, "cluster-fe: launch "));
	assert_true(str_starts(st->note, "cluster-fe: ec2:RunInstances was refused "));
	assert_null(strstr(st->note, "other plan"));
	arena_free(m);
}

static void of_two_plans_in_trouble_one_is_told_whole_and_the_other_counted(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	const Reeve__Control__V1__Status *st;
	Reeve__Control__V1__Cluster more;
	struct desk_command k;

	s->break_at = launches_throttled;
	apply_two(s, &k, &more);
	wait_refused(s);
	st = shop_status(s, &k, m);
	assert_true(str_starts(st->step, "cluster-be: launch "));
	assert_true(str_starts(st->note, "cluster-be: ec2:RunInstances was refused "));
	assert_non_null(strstr(st->note, " (and 1 other plan does not get on)"));
	arena_free(m);
}

static void one_plan_alone_is_not_named_in_its_note(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	s->break_at = launches_throttled;
	shop_run(s, &k);
	wait_refused(s);
	assert_true(str_starts(shop_status(s, &k, m)->note, "ec2:RunInstances was refused "));
	arena_free(m);
}

static void who_asks_for_the_plan_reads_why_it_does_not_get_on(void **state)
{
	struct shop *s = *state;
	CLEANUP(json_close) json_t *j = json_object();
	struct desk_command k;

	s->break_at = launches_throttled;
	shop_run(s, &k);
	wait_refused(s);
	op_tell_plan(ops_find(s->d.ops, k.id), j);
	assert_true(str_starts(json_str_or(j, "note", ""), "ec2:RunInstances was refused "));
	assert_true(str_starts(json_str_or(j, "error", ""), "RunInstances: Throttling"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_waits_says_received_and_has_no_plan, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(a_result_is_told_from_its_record_alone, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(an_unknown_class_of_error_is_internal_and_a_code_that_is_missing_indeterminate,
						desk_start, desk_end),
		SHOP(of_two_plans_the_one_in_trouble_is_told_with_its_step_and_named),
		SHOP(of_two_plans_in_trouble_one_is_told_whole_and_the_other_counted),
		SHOP(one_plan_alone_is_not_named_in_its_note),
		SHOP(who_asks_for_the_plan_reads_why_it_does_not_get_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
