/* test_ops_env.c - what an operation is given by the list: each question has an answer, and it is the list's. */
#include "agent/ops/ops_impl.h"
#include "tests/unit/cases.h"
#include "tests/unit/ops/shop.h"

static void every_question_is_answered_by_the_list(void **state)
{
	struct shop *s = *state;
	struct ops *o = s->d.ops;
	const struct op_env *env = &o->env;
	const char *here = NULL, *there = NULL;
	struct desk_command one, two;

	shop_run(s, &one);
	shop_apply(s, &two, 2);
	shop_send(s, &two, false);
	assert_ptr_equal(env->ctx, o);
	assert_ptr_equal(env->journal, o->j);
	assert_ptr_equal(env->policy(o), ops_policy(o));
	assert_ptr_equal(env->policy_read(o), ops_policy(o));
	assert_int_equal(env->policy_waits(o, &here), ops_policy_waits(o, &there));
	assert_int_equal(env->is_stopped(o, &here), ops_is_stopped(o, &there));
	assert_ptr_equal(env->ahead_of(o, ops_find(o, two.id)), ops_find(o, one.id));
	assert_null(env->ahead_of(o, ops_find(o, one.id)));
	assert_true(env->has_room_for_plan(o, ops_find(o, one.id), 1));
	assert_false(env->is_release_signed(o, "", 0));
}

static void visit(void *ctx, struct op *op)
{
	(void)op;
	++*(unsigned *)ctx;
}

static void each_operation_is_visited(void **state)
{
	struct shop *s = *state;
	struct desk_command one, two;
	unsigned n = 0;

	shop_run(s, &one);
	shop_apply(s, &two, 2);
	shop_send(s, &two, false);
	s->d.ops->env.each(s->d.ops, visit, &n);
	assert_int_equal(n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOP(every_question_is_answered_by_the_list),
		SHOP(each_operation_is_visited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
