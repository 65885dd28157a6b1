/* test_op_end.c - what a result tells, and that nothing happened where nothing should. */
#include "agent/base/stamp.h"
#include "tests/unit/ops/shop.h"

static void a_plan_alone_changes_nothing_and_is_told(void **state)
{
	struct shop *s = *state;
	struct arena *m = arena_new_sized(8u << 20);
	struct desk_command k;

	shop_apply(s, &k, 1);
	k.c.mode = REEVE__CONTROL__V1__MODE__PLAN;
	shop_send(s, &k, false);
	assert_int_equal(shop_ends(s, &k, NULL), DONE);
	assert_non_null(strstr(shop_status(s, &k, m)->plan_text, "2 x r6i.xlarge"));
	assert_int_equal(s->seen.len, 0);
	arena_free(m);
}

static void a_plan_that_is_too_long_to_tell_says_what_is_missing(void **state)
{
	struct shop *s = *state;
	CLEANUP(buf_close) struct buf text = BUF_MAX(1500), whole = BUF_MAX(1u << 20);
	struct desk_command k;
	struct op *op;

	shop_policy(s, SHOP_POLICY "mode: off\n");
	shop_apply(s, &k, 1);
	shop_send(s, &k, false);
	assert_true(shop_until(s, &k, STATE_OF(PLANNED), 30000));
	op = ops_find(s->d.ops, k.id);
	op_plan_text(op, &whole);
	op_plan_text(op, &text);
	assert_true(whole.len > 1500);
	assert_memory_equal(whole.data, text.data, 1000);
	assert_non_null(strstr(buf_str(&text), " more lines: the plan's record in the journal has them\n"));
	assert_int_equal(text.data[text.len - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(a_plan_alone_changes_nothing_and_is_told),
		SHOP(a_plan_that_is_too_long_to_tell_says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
