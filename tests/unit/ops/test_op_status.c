/* test_op_status.c - what is told of an operation. */
#include "tests/unit/control/desk.h"

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
	r = json_pack("{s:s, s:i, s:I, s:I, s:s, s:s, s:i, s:i, s:I, s:{s:s, s:s, s:s, s:s}, s:[[s, s]], s:[]}", "state", "FAILED",
		      "code", (int)REEVE__CONTROL__V1__STATE__FAILED, "started_ms", (json_int_t)5, "ended_ms", (json_int_t)9,
		      "note", "short", "plan_hash", hash, "steps_done", 3, "steps_total", 7, "generation", (json_int_t)12, "error",
		      "class", "CAPACITY", "message", "no room", "action", "ec2:RunInstances", "aws_code",
		      "InsufficientInstanceCapacity", "created", "instance", "i-1", "deleted");
	assert_non_null(r);
	op_replay(op, "command.result", r, 0);
	json_decref(r);
	op_status(op, m, &s);
	assert_int_equal(s.state, REEVE__CONTROL__V1__STATE__FAILED);
	assert_int_equal(s.error->class_, REEVE__CONTROL__V1__ERROR_CLASS__CAPACITY);
	assert_string_equal(s.error->aws_code, "InsufficientInstanceCapacity");
	assert_true(s.error->retryable);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_waits_says_received_and_has_no_plan, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(a_result_is_told_from_its_record_alone, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(an_unknown_class_of_error_is_internal_and_a_code_that_is_missing_indeterminate,
						desk_start, desk_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
