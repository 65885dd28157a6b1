/* test_inbox_command.c - what a command that was signed and has its turn may say, and what becomes of one that says too much. */
#include "tests/unit/control/desk.h"

static void what_a_delete_names_and_confirms_is_the_target(void **state)
{
	static const struct {
		const char *target, *warehouse, *confirm;
		int wanted;
	} cases[] = {
		{ "wh-1", "wh-1", "wh-1", REEVE__CONTROL__V1__STATE__RECEIVED },
		{ "wh-1", "wh-1", "wh-2", REEVE__CONTROL__V1__STATE__FAILED },
		{ "wh-1", "wh-1", "", REEVE__CONTROL__V1__STATE__FAILED },
		{ "wh-1", "wh-2", "wh-1", REEVE__CONTROL__V1__STATE__FAILED },
		{ "wh-1", "wh-2", "wh-2", REEVE__CONTROL__V1__STATE__FAILED },
		{ "wh-2", "wh-1", "wh-1", REEVE__CONTROL__V1__STATE__FAILED },
	};
	struct desk *d = *state;

	for (uint64_t i = 0; i < ARRAY_LEN(cases); i++) {
		Reeve__Control__V1__WarehouseDelete a = REEVE__CONTROL__V1__WAREHOUSE_DELETE__INIT;
		struct arena *m = arena_new_sized(1u << 20);
		Reeve__Control__V1__Status st;
		struct desk_command k;

		desk_command(&k, i + 1);
		a.warehouse = (char *)cases[i].warehouse;
		a.confirm = (char *)cases[i].confirm;
		k.c.target = (char *)cases[i].target;
		k.c.args.len = reeve__control__v1__warehouse_delete__pack(&a, k.args);
		desk_give_command(d, &k);
		op_status(ops_find(d->ops, k.id), m, &st);
		assert_int_equal(st.state, cases[i].wanted);
		arena_free(m);
	}
}

/* Some verbs are of the whole installation where no target is named; those that change one warehouse are not. */
static void a_target_may_be_empty_where_the_verb_says_so(void **state)
{
	struct desk *d = *state;
	struct arena *m = arena_new_sized(1u << 20);
	Reeve__Control__V1__Status st;
	struct desk_command look, delete;

	desk_command(&look, 1);
	look.c.verb = REEVE__CONTROL__V1__VERB__INVENTORY_GET;
	look.c.target = (char *)"";
	look.c.args.len = 0;
	desk_give_command(d, &look);
	op_status(ops_find(d->ops, look.id), m, &st);
	assert_int_equal(st.state, REEVE__CONTROL__V1__STATE__RECEIVED);
	desk_command(&delete, 2);
	delete.c.target = (char *)"";
	desk_give_command(d, &delete);
	op_status(ops_find(d->ops, delete.id), m, &st);
	assert_int_equal(st.state, REEVE__CONTROL__V1__STATE__FAILED);
	arena_free(m);
}

/* Accepted, because it was signed and in sequence; and ended at once, because it says what cannot be done. */
static void what_is_not_understood_is_rejected_and_never_ignored(void **state)
{
	struct desk *d = *state;
	static const int wanted[] = {
		REEVE__CONTROL__V1__STATE__REJECTED_UNSUPPORTED,
		REEVE__CONTROL__V1__STATE__REJECTED_UNSUPPORTED,
		REEVE__CONTROL__V1__STATE__REJECTED_UNSUPPORTED,
		REEVE__CONTROL__V1__STATE__EXPIRED,
		REEVE__CONTROL__V1__STATE__EXPIRED,
		REEVE__CONTROL__V1__STATE__FAILED,
		REEVE__CONTROL__V1__STATE__FAILED,
		REEVE__CONTROL__V1__STATE__FAILED,
	};

	for (uint64_t i = 0; i < ARRAY_LEN(wanted); i++) {
		struct arena *m = arena_new_sized(1u << 20);
		Reeve__Control__V1__Status st;
		struct desk_command k;

		desk_command(&k, i + 1);
		if (i == 0)
			k.c.schema = 2;
		if (i == 1)
			k.c.verb = 77;
		if (i == 2)
			k.c.mode = 9;
		if (i == 3)
			k.c.expires_at = DESK_NOW - 1;
		if (i == 4)
			k.c.expires_at = 0;
		if (i == 5)
			k.c.target = (char *)"wh-2";
		if (i == 6)
			k.c.target = (char *)"Not An Id";
		if (i == 7)
			k.c.args.len = 3;
		desk_give_command(d, &k);
		assert_int_equal(ops_accepted(d->ops), i + 1);
		op_status(ops_find(d->ops, k.id), m, &st);
		assert_int_equal(st.state, wanted[i]);
		assert_true(st.error != NULL && st.error->message[0] != '\0');
		arena_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK_TEST(what_a_delete_names_and_confirms_is_the_target),
		DESK_TEST(a_target_may_be_empty_where_the_verb_says_so),
		DESK_TEST(what_is_not_understood_is_rejected_and_never_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
