/* test_op_journal.c - an operation is what its records say: the same state after they were read back, and after a checkpoint
 * was written from it and read back in their stead. */
#include "agent/base/json.h"
#include "agent/ops/plan/plan.h"
#include "agent/ops/steps/catalogue.h"
#include "tests/unit/ops/shop.h"

static struct op *accepted(struct desk *d, struct desk_command *k)
{
	desk_command(k, 1);
	desk_give_one(d, desk_sign_command(k, &d->command));
	return ops_find(d->ops, k->id);
}

/* Two steps of one plan, of which a test plays the records. */
static json_t *planned(const struct op *op)
{
	struct plan_builder *b = plan_builder_new(op_fields(op)->id_text, "warehouse.delete", "wh-1", 3, DESK_NOW);
	struct plans *p = NULL;
	json_t *m;

	plan_begin(b, "base", 0);
	plan_add(b, &kind_delete_load_balancer, json_pack("{s:s}", "arn", "arn:lb"), "nolb");
	plan_add(b, &kind_delete_security_group, json_pack("{s:s}", "group_id", "sg-1"), "nosg");
	assert_int_equal(plan_end(b, &p, NULL), 0);
	m = json_pack("{s:s, s:i, s:I, s:O}", "op", op_fields(op)->id_text, "nodes_now", 2, "planned_ms", (json_int_t)DESK_NOW,
		      "plan", p->json);
	plans_free(p);
	return m;
}

static void replay(struct op *op, const char *type, json_t *m, int64_t time_ms)
{
	assert_non_null(m);
	op_replay(op, type, m, time_ms);
	json_decref(m);
}

static json_t *step_record(const struct op *op, const char *step, const char *outcome)
{
	if (outcome == NULL)
		return json_pack("{s:s, s:s, s:s, s:i}", "op", op_fields(op)->id_text, "plan", "base", "step", step, "generation",
				 1);
	return json_pack("{s:s, s:s, s:s, s:s, s:{}, s:[], s:[[s, s]]}", "op", op_fields(op)->id_text, "plan", "base", "step", step,
			 "outcome", outcome, "facts", "created", "deleted", "loadbalancer", "arn:lb");
}

static char *records_of(const struct op *op)
{
	json_t *list = json_array();
	char *text;

	op_records(op, list);
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

static void play(struct op *op, unsigned n)
{
	const char *id = op_fields(op)->id_text;

	if (n > 0)
		replay(op, "command.planned", planned(op), DESK_NOW);
	if (n > 1)
		replay(op, "command.started", json_pack("{s:s, s:I}", "op", id, "started_ms", (json_int_t)DESK_NOW), DESK_NOW);
	if (n > 2)
		replay(op, "step.intent", step_record(op, "nolb", NULL), DESK_NOW + 5);
	if (n > 3)
		replay(op, "step.outcome", step_record(op, "nolb", "done"), DESK_NOW + 9);
	if (n > 4)
		replay(op, "step.intent", step_record(op, "nosg", NULL), DESK_NOW + 11);
	if (n > 5)
		replay(op, "command.cancelled", json_pack("{s:s}", "op", id), 0);
	if (n > 6)
		replay(op, "command.result", json_pack("{s:s, s:s, s:i}", "op", id, "state", "FAILED", "code", 17), 0);
}

static void feed_back(struct op *op, const char *text)
{
	json_t *list = json_loads(text, 0, NULL);

	assert_non_null(list);
	for (size_t i = 1; i < json_array_size(list); i++) { /* the first is command.accepted itself */
		const json_t *r = json_array_get(list, i);

		op_replay(op, json_string_value(json_array_get(r, 0)), json_array_get(r, 1),
			  json_integer_value(json_array_get(r, 2)));
	}
	json_decref(list);
}

static void records_written_from_a_state_make_that_state_again(void **state)
{
	(void)state;
	for (unsigned n = 0; n <= 7; n++) {
		struct desk_command k;
		void *a = NULL, *b = NULL;
		struct op *one, *two;
		char *first, *second;

		desk_start(&a);
		desk_start(&b);
		one = accepted(a, &k);
		two = accepted(b, &k);
		play(one, n);
		first = records_of(one);
		feed_back(two, first);
		second = records_of(two);
		assert_string_equal(first, second);
		assert_int_equal(op_fields(one)->state, op_fields(two)->state);
		if (!op_fields(one)->is_ended) /* of what has ended the result alone is kept */
			assert_int_equal(op_is_cancelled(one), op_is_cancelled(two));
		free(first);
		free(second);
		desk_end(&a);
		desk_end(&b);
	}
}

static void each_record_moves_the_state_as_it_says(void **state)
{
	static const int wanted[] = { STATE_OF(RECEIVED), STATE_OF(PLANNED), STATE_OF(RUNNING), STATE_OF(RUNNING),
				      STATE_OF(RUNNING),  STATE_OF(RUNNING), STATE_OF(RUNNING), ANY_END };
	(void)state;
	for (unsigned n = 0; n < ARRAY_LEN(wanted); n++) {
		struct desk_command k;
		void *a = NULL;
		struct op *op;

		desk_start(&a);
		op = accepted(a, &k);
		play(op, n);
		if (wanted[n] == ANY_END)
			assert_true(op_fields(op)->is_ended);
		else
			assert_int_equal(op_fields(op)->state, wanted[n]);
		assert_int_equal(op_is_cancelled(op), n > 5);
		desk_end(&a);
	}
}

static void a_plan_that_this_version_cannot_read_is_planned_anew(void **state)
{
	struct desk *d = *state;
	struct desk_command k;
	struct op *op = accepted(d, &k);
	json_t *m = planned(op);
	json_t *step =
	    json_array_get(json_object_get(json_array_get(json_object_get(json_object_get(m, "plan"), "plans"), 0), "steps"), 0);
	CLEANUP(buf_close) struct buf text = BUF_MAX(4096);

	json_object_set_new(step, "kind", json_string("from-the-future"));
	replay(op, "command.planned", m, DESK_NOW);
	op_plan_text(op, &text);
	assert_non_null(strstr(buf_str(&text), "is not planned yet"));
}

/* What it changed nobody can tell any more: that ends, loud. */
static void a_started_operation_whose_plan_cannot_be_read_ends_indeterminate(void **state)
{
	struct shop *s = *state;
	struct desk_command k;
	char message[512];
	struct op *op;

	shop_apply(s, &k, 1);
	k.c.not_before = DESK_NOW + 60000;
	shop_send(s, &k, false);
	op = ops_find(s->d.ops, k.id);
	replay(op, "command.planned", json_pack("{s:{s:i}}", "plan", "from", 2099), DESK_NOW);
	replay(op, "command.started", json_object(), DESK_NOW);
	assert_int_equal(shop_ends(s, &k, message), STATE_OF(INDETERMINATE));
	assert_non_null(strstr(message, "cannot be read by this version"));
	assert_int_equal(s->seen.len, 0);
}

/* Another version of the agent has taken it. */
static void one_whose_verb_this_version_does_not_know_ends_without_a_change(void **state)
{
	(void)state;
	for (int started = 0; started < 2; started++) {
		void *mine;
		struct shop *s;
		struct desk_command k;
		char message[512];
		uint8_t bytes[8192];

		shop_start(&mine);
		s = mine;
		shop_apply(s, &k, 1);
		k.c.verb = 99;
		k.c.not_before = DESK_NOW + 60000;
		ops_accept(s->d.ops,
			   reeve__control__v1__command__unpack(NULL, reeve__control__v1__command__pack(&k.c, bytes), bytes), "", 0,
			   0, "");
		desk_settle(&s->d);
		if (started)
			play(ops_find(s->d.ops, k.id), 2);
		assert_int_equal(shop_ends(s, &k, message), started ? STATE_OF(INDETERMINATE) : STATE_OF(FAILED));
		assert_non_null(strstr(message, "cannot be read by this version"));
		assert_int_equal(s->seen.len, 0);
		shop_end(&mine);
	}
}

/* As after a package that was put back to an older one: nobody here knows how it ended. */
static void a_result_of_a_state_that_this_version_does_not_know_is_indeterminate(void **state)
{
	static const json_int_t codes[] = { 40, -1, 4294967296 + 17, INT64_MAX };
	struct desk *d = *state;
	struct desk_command k;
	struct op *op = accepted(d, &k);

	play(op, 2);
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		replay(op, "command.result", json_pack("{s:s, s:I}", "state", "MARVELLOUS", "code", codes[i]), 0);
		assert_int_equal(op_fields(op)->state, STATE_OF(INDETERMINATE));
		assert_true(op_fields(op)->is_ended);
	}
}

static void records_of_plans_and_steps_that_are_not_there_change_nothing(void **state)
{
	struct desk *d = *state;
	struct desk_command k;
	struct op *op = accepted(d, &k);
	char *before, *after;

	play(op, 2);
	before = records_of(op);
	replay(op, "step.intent", json_pack("{s:s, s:s}", "plan", "nowhere", "step", "nolb"), 0);
	replay(op, "step.intent", json_pack("{s:s, s:s}", "plan", "base", "step", "nothing"), 0);
	replay(op, "step.outcome", json_pack("{s:i}", "plan", 7), 0);
	replay(op, "a.new.type", json_object(), 0);
	after = records_of(op);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_whose_verb_this_version_does_not_know_ends_without_a_change),
		cmocka_unit_test(records_written_from_a_state_make_that_state_again),
		cmocka_unit_test(each_record_moves_the_state_as_it_says),
		cmocka_unit_test_setup_teardown(a_plan_that_this_version_cannot_read_is_planned_anew, desk_start, desk_end),
		SHOP(a_started_operation_whose_plan_cannot_be_read_ends_indeterminate),
		cmocka_unit_test_setup_teardown(records_of_plans_and_steps_that_are_not_there_change_nothing, desk_start, desk_end),
		cmocka_unit_test_setup_teardown(a_result_of_a_state_that_this_version_does_not_know_is_indeterminate, desk_start,
						desk_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
