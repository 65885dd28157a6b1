/* test_catalogue.c - what every step kind must keep to be safe in the engine's hands, and how kinds read their arguments. */
#include "tests/unit/aws/answers.h"

#include "agent/aws/ec2.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/steps/catalogue.h"

static void every_kind_is_found_by_its_name_and_names_are_unique(void **state)
{
	(void)state;
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++)
		assert_ptr_equal(catalogue_find((*k)->name), *k);
	assert_null(catalogue_find("shell"));
	assert_null(catalogue_find(""));
}

static bool is_listed(const struct resource *of)
{
	for (const struct resource *const *r = catalogue_resources(); *r != NULL; r++)
		if (*r == of)
			return true;
	return of == NULL;
}

/* What is in no list is never shown, so a plan would wait for it until its time is over. */
static void every_kind_of_thing_is_listed_once(void **state)
{
	(void)state;
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++) {
		assert_true(is_listed((*k)->makes));
		assert_true(is_listed((*k)->removes));
	}
	for (const struct resource *const *r = catalogue_resources(); *r != NULL; r++)
		for (const struct resource *const *other = r + 1; *other != NULL; other++)
			assert_false(str_eq((*r)->kind, (*other)->kind));
}

/* A kind that changes something can be looked for after any doubt, has a time in which AWS may not show it, and the engine can
 * wait longer than that; one that reads has none of these. */
static void a_kind_that_changes_something_can_be_found_again(void **state)
{
	(void)state;
	for (const struct step_kind *const *at = catalogue_all(); *at != NULL; at++) {
		const struct step_kind *k = *at;

		assert_non_null(k->ask);
		assert_non_null(k->judge);
		assert_true(k->deadline_s > 0 && k->poll_s > 0);
		assert_non_null(strchr(k->action, ':'));
		assert_true(k->looks == NULL || k->miss != NULL); /* what they bring is for it */
		if (step_mutates(k)) {
			assert_non_null(k->find);
			assert_true(k->settle_s > 0 && k->settle_s < k->deadline_s);
		} else {
			assert_null(k->find);
			assert_null(k->undo);
			assert_true(step_asks_node(k) || str_starts(strchr(k->action, ':'), ":Describe"));
		}
	}
}

/* What makes something can be taken back, with arguments of the fact that it leaves; what takes back makes nothing. */
static void what_makes_something_can_be_taken_back(void **state)
{
	(void)state;
	for (const struct step_kind *const *at = catalogue_all(); *at != NULL; at++) {
		const struct step_kind *k = *at;
		CLEANUP(json_close) json_t *args = json_pack("{s:s}", "fact", "x"), *undo = NULL;

		assert_true(k->undo == NULL || k->undo_args != NULL);
		if (k->makes == NULL)
			continue;
		assert_non_null(k->undo);
		assert_non_null(k->undo->removes);
		undo = k->undo_args(args);
		assert_non_null(undo);
		assert_true((k->thing == NULL) == (k->undo->thing == NULL)); /* what has no id has the same name in both */
		if (k->thing == NULL)
			assert_non_null(json_object_get(undo, k->undo->removes_arg));
		assert_true(json_is_true(json_object_get(undo, "fresh")));
	}
}

static void arguments_of_a_wrong_type_are_errors(void **state)
{
	CLEANUP(json_close)
	json_t *args = json_pack("{s:i, s:[s, i], s:s, s:[s, s]}", "number", 1, "mixed", "a", 2, "tags", "none", "list", "a", "b");
	CLEANUP(buf_close) struct buf printed = BUF_MAX(100);
	struct step_ctx x = { .args = args };
	const char *text, **list;
	struct ec2_tag *tags;
	struct err e = { 0 };
	size_t n;

	(void)state;
	assert_int_not_equal(arg_str(&x, "number", &text, &e), 0);
	assert_int_not_equal(arg_str(&x, "missing", &text, &e), 0);
	assert_int_equal(arg_strs(&x, "mixed", &list, &n, &e), -ERR_INVALID);
	assert_int_equal(arg_strs(&x, "number", &list, &n, &e), -ERR_INVALID);
	assert_int_equal(arg_tags(&x, &tags, &n, &e), -ERR_INVALID);
	assert_int_equal(arg_strs(&x, "list", &list, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[1], "b");
	arg_print_strs(args, "list", &printed);
	assert_string_equal(buf_str(&printed), "a, b");
	mem_free(list);
}

static void the_tag_of_the_command_comes_with_the_call_and_once(void **state)
{
	CLEANUP(json_close) json_t *args = json_pack("{s:{s:s, s:s}}", "tags", "reeve:command", "old", "k", "v");
	CLEANUP(mem_close) struct ec2_tag *v = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(arg_tags(&(struct step_ctx){ .args = args, .command = "c-1" }, &v, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[0].key, "reeve:command");
	assert_string_equal(v[0].value, "c-1");
	assert_string_equal(v[1].key, "k");
}

static void a_tag_that_is_no_text_is_refused_and_nothing_returned(void **state)
{
	CLEANUP(json_close) json_t *args = json_pack("{s:{s:s, s:i}}", "tags", "k", "v", "n", 1);
	struct ec2_tag *v = NULL;
	size_t n = 99;

	(void)state;
	assert_int_equal(arg_tags(&(struct step_ctx){ .args = args }, &v, &n, NULL), -ERR_INVALID);
	assert_true(v == NULL && n == 99);
}

static void close_form(struct request *f)
{
	request_close(f);
}

/* Termination protection of a node, deletion protection of a balancer. */
static void what_protects_a_thing_is_asked_by_its_id_and_read(void **state)
{
	static const struct {
		const struct resource *of;
		const char *id, *action, *on, *off;
	} cases[] = {
		{ &resource_instance, "InstanceId=i-1", "DescribeInstanceAttribute",
		  "<R><disableApiTermination><value>true</value></disableApiTermination></R>",
		  "<R><disableApiTermination><value>false</value></disableApiTermination></R>" },
		{ &resource_load_balancer, "LoadBalancerArn=i-1", "DescribeLoadBalancerAttributes",
		  "<R><DescribeLoadBalancerAttributesResult><Attributes><member><Key>deletion_protection.enabled</Key>"
		  "<Value>true</Value></member></Attributes></DescribeLoadBalancerAttributesResult></R>",
		  "<R><DescribeLoadBalancerAttributesResult><Attributes><member><Key>deletion_protection.enabled</Key>"
		  "<Value>false</Value></member></Attributes></DescribeLoadBalancerAttributesResult></R>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct resource_guard *guard = cases[i].of->guard;
		ANSWER(on, cases[i].on);
		ANSWER(off, cases[i].off);
		CLEANUP(close_form) struct request req;
		bool is_on = false;

		guard->ask(&req, "i-1");
		assert_true(has_pair(&req.body, cases[i].id));
		assert_string_equal(req.action, cases[i].action);
		assert_string_equal(strchr(guard->action, ':') + 1, req.action);
		assert_int_equal(guard->read(&(struct aws_call){ .xml = on.xml }, &is_on, NULL), 0);
		assert_true(is_on);
		assert_int_equal(guard->read(&(struct aws_call){ .xml = off.xml }, &is_on, NULL), 0);
		assert_false(is_on);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_found_by_its_name_and_names_are_unique),
		cmocka_unit_test(every_kind_of_thing_is_listed_once),
		cmocka_unit_test(what_protects_a_thing_is_asked_by_its_id_and_read),
		cmocka_unit_test(a_kind_that_changes_something_can_be_found_again),
		cmocka_unit_test(what_makes_something_can_be_taken_back),
		cmocka_unit_test(arguments_of_a_wrong_type_are_errors),
		cmocka_unit_test(the_tag_of_the_command_comes_with_the_call_and_once),
		cmocka_unit_test(a_tag_that_is_no_text_is_refused_and_nothing_returned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
