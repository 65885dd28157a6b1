/* test_verb.c - the table of verbs: each row is whole, and arguments from outside are judged by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/verb.h"

typedef Reeve__Control__V1__Command command_t;

static void each_row_is_whole_and_found_by_its_number_on_the_wire(void **state)
{
	(void)state;
	for (enum verb_index i = 0; i < VERBS; i++) {
		const struct verb *v = verb_at(i);

		assert_ptr_equal(verb_of(v->wire), v);
		assert_int_equal(verb_index(v), i);
		assert_true(v->args != NULL && v->check != NULL && v->spec != NULL && v->plan != NULL);
		assert_true(v->deadline_s > 0);
		for (enum verb_index k = 0; k < i; k++)
			assert_string_not_equal(v->name, verb_at(k)->name);
	}
	assert_null(verb_of(REEVE__CONTROL__V1__VERB__VERB_UNSPECIFIED));
	assert_null(verb_of((Reeve__Control__V1__Verb)99));
}

/* docs/formats.md section 3: a verb that the policy does not name is off; only what reads may be otherwise. */
static void what_changes_something_is_off_unless_the_policy_names_it(void **state)
{
	(void)state;
	for (enum verb_index i = 0; i < VERBS; i++)
		if (verb_at(i)->powers != 0)
			assert_int_equal(verb_at(i)->by_default, POLICY_OFF);
}

static int judge(Reeve__Control__V1__Verb wire, const char *target, const void *args, size_t len, struct err *e)
{
	command_t c;

	*e = (struct err){ 0 };
	reeve__control__v1__command__init(&c);
	c.target = (char *)target;
	c.args = (ProtobufCBinaryData){ len, (uint8_t *)args };
	return verb_judge(verb_of(wire), &c, e);
}

static void a_deletion_says_three_times_what_goes(void **state)
{
	Reeve__Control__V1__WarehouseDelete d;
	uint8_t bytes[256];
	struct err e;
	size_t n;

	(void)state;
	reeve__control__v1__warehouse_delete__init(&d);
	d.warehouse = d.confirm = (char *)"wh-1";
	n = reeve__control__v1__warehouse_delete__pack(&d, bytes);
	assert_int_equal(judge(REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE, "wh-1", bytes, n, &e), 0);
	assert_int_equal(judge(REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE, "wh-2", bytes, n, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "must be the same id"));
	d.confirm = (char *)"wh-2";
	n = reeve__control__v1__warehouse_delete__pack(&d, bytes);
	assert_int_equal(judge(REEVE__CONTROL__V1__VERB__WAREHOUSE_DELETE, "wh-1", bytes, n, &e), -ERR_INVALID);
}

static void a_reboot_names_a_cluster_of_its_target(void **state)
{
	static const struct {
		const char *target, *warehouse, *cluster;
		uint32_t batch;
		int rc;
		const char *says;
	} cases[] = {
		{ "wh-1", "wh-1", "be", 0, 0, "" },
		{ "wh-1", "wh-1", "be", 100, 0, "" },
		{ "wh-1", "wh-1", "be", 101, -ERR_INVALID, "batch: 101" },
		{ "wh-2", "wh-1", "be", 1, -ERR_INVALID, "target and warehouse must be the same id" },
		{ "", "", "be", 1, -ERR_INVALID, "target and warehouse must be the same id" },
		{ "wh-1", "wh-1", "", 1, -ERR_INVALID, "cluster: expected 1 to 32" },
		{ "wh-1", "wh-1", "a b", 1, -ERR_INVALID, "found \"a b\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		Reeve__Control__V1__ClusterReboot r;
		uint8_t bytes[256];
		struct err e;
		size_t n;

		reeve__control__v1__cluster_reboot__init(&r);
		r.warehouse = (char *)cases[i].warehouse;
		r.cluster = (char *)cases[i].cluster;
		r.batch = cases[i].batch;
		n = reeve__control__v1__cluster_reboot__pack(&r, bytes);
		assert_int_equal(judge(REEVE__CONTROL__V1__VERB__CLUSTER_REBOOT, cases[i].target, bytes, n, &e), cases[i].rc);
		assert_non_null(strstr(e.text, cases[i].says));
	}
}

static void arguments_that_are_none_are_refused_with_their_place(void **state)
{
	static const uint8_t cut[] = { 0x0a, 0x7f, 'x' };
	struct err e;

	(void)state;
	for (enum verb_index i = 0; i < VERBS; i++) {
		assert_int_not_equal(judge(verb_at(i)->wire, "wh-1", cut, sizeof(cut), &e), 0);
		assert_true(str_starts(e.text, "args"));
		assert_int_not_equal(judge(verb_at(i)->wire, "wh-1", "", 0, &e), 0);
		assert_true(strlen(e.text) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_whole_and_found_by_its_number_on_the_wire),
		cmocka_unit_test(what_changes_something_is_off_unless_the_policy_names_it),
		cmocka_unit_test(a_deletion_says_three_times_what_goes),
		cmocka_unit_test(a_reboot_names_a_cluster_of_its_target),
		cmocka_unit_test(arguments_that_are_none_are_refused_with_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
