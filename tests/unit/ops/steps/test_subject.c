/* test_subject.c - what failed is named: the things that a step acts on, or else its cluster, its name, itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/buf.h"
#include "agent/base/json.h"
#include "agent/base/mem.h"
#include "agent/ops/steps/catalogue.h"
#include "agent/ops/steps/subject.h"

static const struct {
	const char *kind, *args, *left, *says;
} cases[] = {
	{ "terminate", "{'instances': ['i-1', 'i-2']}", "{}", "i-1, i-2" },
	{ "terminate", "{'instances': ['i-1', 'i-2']}", "{'i-1': 'is gone'}", "i-2" },
	{ "stop", "{'instances': ['i-1', 'i-2', 'i-3', 'i-4', 'i-5', 'i-6']}", "{}", "i-1, i-2, i-3, i-4 and 2 more" },
	{ "modify-type", "{'instance': 'i-7', 'type': 'r6i.large'}", "{}", "i-7" },
	{ "modify-volume", "{'cluster': 'be', 'volumes': ['vol-1'], 'to': {}}", "{}", "vol-1" },
	{ "launch", "{'cluster': 'be', 'image_id': 'ami-1', 'volumes': [{'device': '/dev/sdf'}]}", "{}", "be" },
	{ "create-security-group", "{'name': 'velodb-inst-1-wh-1-node', 'vpc_id': 'vpc-1'}", "{}", "velodb-inst-1-wh-1-node" },
	{ "create-load-balancer", "{'name': 'main', 'subnet_ids': ['subnet-1']}", "{}", "main" },
	{ "create-listener", "{'lb_arn': 'arn:lb', 'group_arn': 'arn:tg', 'port': 9030}", "{}", "arn:lb" },
	{ "create-listener", "{'lb_arn': '@lb.main', 'group_arn': '@tg.sql', 'port': 9030}", "{}", "the-step" },
	{ "delete-security-group", "{'group_id': 'sg-1'}", "{}", "sg-1" },
	{ "delete-target-group", "{'arn': 'arn:tg'}", "{}", "arn:tg" },
	{ "register", "{'group_arn': 'arn:tg', 'instances': ['i-1']}", "{}", "i-1" },
	{ "wait-running", "{'cluster': 'be', 'instances': ['@new']}", "{}", "be" },
	{ "wait-running", "{'cluster': 'be', 'instances': ['@new', 'i-1']}", "{}", "i-1" },
	{ "create-tags", "{'kind': 'instance', 'things': ['i-1'], 'tags': {}}", "{}", "i-1" },
	{ "wait-time", "{'seconds': 5}", "{}", "the-step" },
	{ "authorize-ingress",
	  "{'group_id': 'sg-1', 'rule': {'protocol': 'tcp', 'from_port': 1, 'to_port': 2, 'cidr': '10.0.0.0/8'}}", "{}",
	  "sg-1 tcp 1-2 10.0.0.0/8" },
	{ "authorize-ingress",
	  "{'group_id': '@sg.node', 'rule': {'protocol': 'tcp', 'from_port': 1, 'to_port': 2, 'cidr': '10.0.0.0/8'}}", "{}",
	  "the-step" },
};

static json_t *parsed(const char *text)
{
	CLEANUP(mem_close) char *copy = mem_str(text);

	for (char *c = copy; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	return json_loads(copy, 0, NULL);
}

static void a_step_is_named_by_what_it_acts_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf to = BUF_MAX(SUBJECT_MAX);
		CLEANUP(json_close) json_t *args = parsed(cases[i].args), *left = parsed(cases[i].left);

		assert_non_null(catalogue_find(cases[i].kind));
		subject_of(catalogue_find(cases[i].kind), args, left, "the-step", &to);
		assert_string_equal(buf_str(&to), cases[i].says);
	}
}

static void every_kind_says_something_of_nothing(void **state)
{
	(void)state;
	for (const struct step_kind *const *k = catalogue_all(); *k != NULL; k++) {
		CLEANUP(buf_close) struct buf to = BUF_MAX(SUBJECT_MAX);
		CLEANUP(json_close) json_t *args = json_object();

		subject_of(*k, args, NULL, "the-step", &to);
		assert_true(to.len > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_is_named_by_what_it_acts_on),
		cmocka_unit_test(every_kind_says_something_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
