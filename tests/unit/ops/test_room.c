/* test_room.c - what is counted is never less than what a checkpoint holds, and a result always fits. */
#include "agent/base/json.h"
#include "agent/ops/room.h"
#include "tests/unit/ops/shop.h"

static void assert_counted(struct shop *s, const uint8_t *id)
{
	const struct op *op = ops_find(s->d.ops, id);
	json_t *list = json_array();

	if (op != NULL) {
		op_records(op, list);
		assert_true(json_size(list) <= op_fields(op)->command_bytes + op_fields(op)->plan_bytes + 256);
	}
	json_decref(list);
}

/* From acceptance to result, at each moment. */
static void run_counted(struct shop *s, const struct desk_command *k)
{
	for (int i = 0; i < 100000 && !shop_until(s, k, ANY_END, 20); i++)
		assert_counted(s, k->id);
	assert_counted(s, k->id);
	assert_true(shop_until(s, k, ANY_END, 1));
	assert_int_equal(op_fields(ops_find(s->d.ops, k->id))->plan_bytes, 0);
}

static void an_operation_never_holds_more_than_it_counts_for(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	run_counted(s, &k);
	shop_head(s);
	shop_delete(&k, 2);
	shop_send(s, &k, true);
	run_counted(s, &k);
}

static enum shop_fault lose(struct shop *s, const char *body)
{
	(void)s;
	return strstr(body, "CreateListener") != NULL ? SHOP_LOST : SHOP_FINE;
}

static void nor_does_one_that_is_undone(void **state)
{
	struct shop *s = *state;
	struct desk_command k;

	s->break_at = lose;
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	run_counted(s, &k);
}

static json_t *result_of(size_t plan_text, size_t created)
{
	CLEANUP(mem_close) char *text = mem_alloc(plan_text + 1);
	json_t *m = json_pack("{s:s, s:s, s:[], s:[]}", "state", "SUCCEEDED", "note", "as asked", "created", "deleted");

	memset(text, '"', plan_text);
	json_object_set_new(m, "plan_text", json_string(text));
	for (size_t i = 0; i < created; i++)
		json_array_append_new(json_object_get(m, "created"), json_pack("[s, s]", "instance", "i-0123456789abcdef0"));
	return m;
}

static void a_result_that_is_too_long_loses_its_plan_and_then_the_ends_of_its_lists(void **state)
{
	static const struct {
		size_t plan_text, created, kept;
		bool has_plan;
		const char *note;
	} cases[] = {
		{ 60 << 10, 100, 100, true, "as asked" },
		{ 90 << 10, 1000, 1000, false, "as asked; too long for its plan" },
		{ 90 << 10, 9000, 128, false,
		  "as asked; too long for its plan; 9000 created, of which 128 are told: the journal names all" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *m = result_of(cases[i].plan_text, cases[i].created);

		room_cut_result(m);
		assert_true(json_size(m) <= ROOM_RESULT);
		assert_int_equal(json_object_get(m, "plan_text") != NULL, cases[i].has_plan);
		assert_int_equal(json_array_size(json_object_get(m, "created")), cases[i].kept);
		assert_string_equal(json_str_or(m, "note", ""), cases[i].note);
		json_decref(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(an_operation_never_holds_more_than_it_counts_for),
		SHOP(nor_does_one_that_is_undone),
		cmocka_unit_test(a_result_that_is_too_long_loses_its_plan_and_then_the_ends_of_its_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
