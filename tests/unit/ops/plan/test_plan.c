/* test_plan.c - plans as data: built, hashed, read back, printed; facts put in their places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/ops/plan/plan.h"
#include "agent/ops/steps/catalogue.h"
#include "tests/unit/ops/needs.h"

static struct plan_builder *begin(void)
{
	struct plan_builder *b = plan_builder_new("c-1", "warehouse.apply", "wh-1", 7, 1800000000000);

	plan_begin(b, "base", 0);
	return b;
}

static json_t *group_args(void)
{
	return json_pack("{s:s, s:s, s:s, s:{s:s}, s:s}", "name", "g", "description", "d", "vpc_id", "vpc-1", "tags", "k", "v",
			 "fact", "sg.node");
}

static struct plans *good(const char *image)
{
	struct plan_builder *b = begin();
	struct plans *p = NULL;

	plan_add(b, &kind_create_security_group, group_args(), "sg-%s", "node");
	plan_begin(b, "empty", 1);
	plan_begin(b, "cluster-a", 1);
	plan_add(b, &kind_launch, json_pack("{s:i, s:s, s:s}", "count", 2, "type", "m6i.large", "image_id", image), "launch");
	plan_pivot(b);
	plan_add(b, &kind_terminate, json_pack("{s:[s], s:b}", "instances", "i-1", "leaves_none", 1), "terminate");
	plan_preserve(b, "vpc", "vpc-1");
	assert_int_equal(plan_end(b, &p, NULL), 0);
	return p;
}

static void a_plan_keeps_its_order_its_pivot_and_drops_what_is_empty(void **state)
{
	struct plans *p = good("ami-1");

	(void)state;
	assert_int_equal(p->n, 2);
	assert_string_equal(p->v[0].name, "base");
	assert_int_equal(p->v[0].pivot, PLAN_STEPS_MAX);
	assert_string_equal(p->v[1].name, "cluster-a");
	assert_int_equal(p->v[1].pivot, 1);
	assert_int_equal(p->v[1].stage, 1);
	assert_ptr_equal(p->v[1].steps[1].kind, &kind_terminate);
	assert_int_equal(plans_steps(p), 3);
	plans_free(p);
}

static void the_same_plan_has_the_same_hash_and_any_other_another(void **state)
{
	struct plans *a = good("ami-1"), *b = good("ami-1"), *c = good("ami-2");

	(void)state;
	assert_true(digest_eq(&a->hash, &b->hash));
	assert_false(digest_eq(&a->hash, &c->hash));
	plans_free(a);
	plans_free(b);
	plans_free(c);
}

static void a_plan_read_back_from_its_json_is_the_same(void **state)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 20);
	CLEANUP(json_close) json_t *j = NULL;
	struct plans *a = good("ami-1"), *b = NULL;

	(void)state;
	assert_int_equal(json_write(a->json, &text), 0);
	assert_int_equal(json_parse(buf_str(&text), text.len, "plan", &j, NULL), 0);
	assert_int_equal(plans_from_json(j, &b, NULL), 0);
	assert_true(digest_eq(&a->hash, &b->hash));
	assert_int_equal(b->n, a->n);
	assert_string_equal(b->v[1].steps[0].name, "launch");
	plans_free(a);
	plans_free(b);
}

static void json_that_is_no_plan_is_an_error(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"{\"plans\": 1}",
		"{\"plans\": [1]}",
		"{\"plans\": [{\"name\": \"a\", \"steps\": []}]}",
		"{\"plans\": [{\"name\": \"a\"}]}",
		"{\"plans\": [{\"steps\": [{\"name\": \"s\", \"kind\": \"launch\", \"args\": {}}]}]}",
		"{\"plans\": [{\"name\": \"a\", \"steps\": [{\"name\": \"s\", \"kind\": \"shell\", \"args\": {}}]}]}",
		"{\"plans\": [{\"name\": \"a\", \"steps\": [{\"name\": \"s\", \"kind\": \"launch\", \"args\": []}]}]}",
		"{\"plans\": [{\"name\": \"a\", \"steps\": [{\"name\": 1, \"kind\": \"launch\", \"args\": {}}]}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		CLEANUP(json_close) json_t *j = json_loads(wrong[i], 0, NULL);
		struct plans *p = NULL;
		struct err e = { 0 };

		assert_non_null(j);
		assert_int_not_equal(plans_from_json(j, &p, &e), 0);
		assert_null(p);
		assert_true(strlen(e.text) > 0);
	}
}

static void a_builder_remembers_its_first_failure(void **state)
{
	struct plan_builder *b = begin();
	struct plans *p = NULL;
	struct err e = { 0 };

	(void)state;
	plan_add(b, &kind_create_security_group, group_args(), "one");
	plan_add(b, &kind_create_security_group, group_args(), "one");
	plan_add(b, &kind_launch, NULL, "two");
	assert_int_equal(plan_end(b, &p, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "two steps called one"));
	b = begin();
	plan_add(b, &kind_launch, NULL, "bytes");
	assert_int_equal(plan_end(b, &p, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "not UTF-8"));
	b = begin();
	for (unsigned i = 0; i <= PLAN_STEPS_MAX; i++)
		plan_add(b, &kind_create_security_group, group_args(), "s%u", i);
	assert_int_equal(plan_end(b, &p, &e), -ERR_LIMIT);
	assert_null(p);
}

static void a_step_that_cannot_be_added_is_told_and_never_dropped(void **state)
{
	static const char *const told[] = { "whose name is not UTF-8",           "belongs to no plan",
					    "a pivot belongs to no plan",        "the name of a plan of stage 3",
					    "the id, the verb or the warehouse", "that is preserved" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(told); i++) {
		struct plan_builder *b = plan_builder_new(i == 4 ? "\xff" : "c-1", "warehouse.apply", "wh-1", 7, 0);
		struct plans *p = NULL;
		struct err e = { 0 };

		if (i == 2)
			plan_pivot(b);
		if (i != 1)
			plan_begin(b, i == 3 ? "\xff" : "base", 3);
		plan_add(b, &kind_create_security_group, group_args(), i == 0 ? "sg-%s\xff" : "sg-%s", "node");
		plan_preserve(b, "vpc", i == 5 ? "\xff" : "vpc-1");
		assert_int_equal(plan_end(b, &p, &e), -ERR_INVALID);
		assert_non_null(strstr(e.text, told[i]));
		assert_null(p);
	}
}

static void high_risk_is_found_and_what_is_needed_is_summed(void **state)
{
	struct plans *p = good("ami-1");
	const struct plan *plan = NULL;
	struct demand d = { 0 };

	(void)state;
	assert_string_equal(plans_high(p, &plan)->name, "terminate");
	assert_string_equal(plan->name, "cluster-a");
	plans_demand(p, &d);
	assert_int_equal(demand_number(&d, &bound_nodes_total), 2);
	assert_int_equal(wanted_n(&d, &bound_instance_types), 1);
	assert_string_equal(wanted_text(&d, &bound_instance_types, 0), "m6i.large");
	assert_string_equal(wanted_text(&d, &bound_warehouses, 0), "wh-1");
	demand_close(&d);
	plans_free(p);
}

static void it_prints_for_people(void **state)
{
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 16);
	struct plans *p = good("ami-1");
	char hex[DIGEST_HEX_LEN];

	(void)state;
	plans_print(p, &text);
	assert_non_null(strstr(buf_str(&text), "warehouse.apply of wh-1"));
	assert_non_null(strstr(buf_str(&text), digest_hex(&p->hash, hex)));
	assert_non_null(strstr(buf_str(&text), "+ sg-node"));
	assert_non_null(strstr(buf_str(&text), "HIGH RISK"));
	assert_non_null(strstr(buf_str(&text), "-- point of no return: what follows is not taken back --"));
	assert_non_null(strstr(buf_str(&text), "2 to make, 0 to change, 1 to remove."));
	plans_free(p);
}

/* Where a line's third column begins. */
static size_t column_of(const char *text, const char *step, const char *action)
{
	const char *line = strstr(text, step), *at = line != NULL ? strstr(line, action) : NULL;

	if (at == NULL)
		fail_msg("no line of %s", step);
	while (line > text && line[-1] != '\n')
		line--;
	at += strlen(action);
	return (size_t)(at + strspn(at, " ") - line);
}

static void its_columns_stand_below_each_other_whatever_the_names(void **state)
{
	static const char *const names[] = { "a", "a-name-that-is-longer-than-any-column-was-ever-made-wide-for-it", "sg-node" };
	CLEANUP(buf_close) struct buf text = BUF_MAX(1u << 16);
	struct plan_builder *b = begin();
	struct plans *p = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		plan_begin(b, names[i], 1);
		if (i == 1)
			plan_add(b, &kind_launch,
				 json_pack("{s:i, s:s, s:s}", "count", 2, "type", "m6i.large", "image_id", "ami-1"), "%s",
				 names[i]);
		else
			plan_add(b, &kind_create_security_group, group_args(), "%s", names[i]);
	}
	assert_int_equal(plan_end(b, &p, NULL), 0);
	plans_print(p, &text);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(mem_close) char *step = mem_printf("+ %s ", names[i]);

		assert_int_equal(column_of(buf_str(&text), step, i == 1 ? "ec2:RunInstances" : "ec2:CreateSecurityGroup"),
				 plans_column(p));
	}
	plans_free(p);
}

/* ---- facts ---- */

static const struct {
	const char *args, *facts, *want; /* want NULL: not known */
} cases[] = {
	{ "{\"a\": \"@x\"}", "{\"x\": \"1\"}", "{\"a\":\"1\"}" },
	{ "{\"a\": [\"i-0\", \"@x\"]}", "{\"x\": [\"i-1\", \"i-2\"]}", "{\"a\":[\"i-0\",\"i-1\",\"i-2\"]}" },
	{ "{\"a\": [\"@x\"]}", "{\"x\": []}", "{\"a\":[]}" },
	{ "{\"a\": {\"b\": [{\"c\": \"@x\"}]}}", "{\"x\": \"deep\"}", "{\"a\":{\"b\":[{\"c\":\"deep\"}]}}" },
	{ "{\"a\": 1, \"b\": true, \"c\": \"x@y\"}", "{}", "{\"a\":1,\"b\":true,\"c\":\"x@y\"}" },
	{ "{\"a\": \"@x\"}", "{}", NULL },
	{ "{\"a\": [[{\"b\": \"@x\"}]]}", "{\"y\": 1}", NULL },
};

static void facts_are_put_in_their_places_and_a_missing_one_is_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(json_close) json_t *args = json_loads(cases[i].args, 0, NULL), *facts = json_loads(cases[i].facts, 0, NULL);
		CLEANUP(json_close) json_t *got = NULL;
		CLEANUP(buf_close) struct buf text = BUF_MAX(4096);

		if (cases[i].want == NULL) {
			assert_int_equal(facts_resolve(args, facts, &got, NULL), -ERR_NOTYET);
			assert_null(got);
			continue;
		}
		assert_int_equal(facts_resolve(args, facts, &got, NULL), 0);
		json_write(got, &text);
		assert_string_equal(buf_str(&text), cases[i].want);
	}
}

/* Plans and what they preserve are one record of the journal: it must fit, whatever the account holds. */
static void plans_too_large_for_a_record_are_refused_whatever_makes_them_so(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct plan_builder *b = begin();
		struct plans *p = NULL;
		struct err e = { 0 };

		plan_begin(b, "base", 0);
		for (int k = 0; i == 0 && k < 20000; k++)
			plan_preserve(b, "volume", "vol-0123456789abcdef0123456789abcdef0123456789abcdef");
		for (int k = 0; i == 1 && k < 200; k++) {
			CLEANUP(mem_close) char *text = mem_alloc(8192);
			json_t *args = group_args();

			memset(text, 'x', 8191);
			json_object_set_new(args, "description", json_string(text));
			plan_add(b, &kind_create_security_group, args, "sg-%d", k);
		}
		assert_int_equal(plan_end(b, &p, &e), -ERR_LIMIT);
		assert_string_equal(e.text, "the plans are larger than 1048576 bytes");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_keeps_its_order_its_pivot_and_drops_what_is_empty),
		cmocka_unit_test(plans_too_large_for_a_record_are_refused_whatever_makes_them_so),
		cmocka_unit_test(the_same_plan_has_the_same_hash_and_any_other_another),
		cmocka_unit_test(a_plan_read_back_from_its_json_is_the_same),
		cmocka_unit_test(json_that_is_no_plan_is_an_error),
		cmocka_unit_test(a_builder_remembers_its_first_failure),
		cmocka_unit_test(a_step_that_cannot_be_added_is_told_and_never_dropped),
		cmocka_unit_test(high_risk_is_found_and_what_is_needed_is_summed),
		cmocka_unit_test(it_prints_for_people),
		cmocka_unit_test(its_columns_stand_below_each_other_whatever_the_names),
		cmocka_unit_test(facts_are_put_in_their_places_and_a_missing_one_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
