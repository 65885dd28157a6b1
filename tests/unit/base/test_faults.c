/* test_faults.c - all faults of a file are heard, within a limit, and nothing twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/buf.h"
#include "agent/base/faults.h"
#include "agent/base/mem.h"

static struct yaml *parse(const char *text)
{
	struct yaml *y = NULL;

	assert_int_equal(yaml_parse("f", text, strlen(text), &y, NULL), 0);
	return y;
}

static void every_key_that_does_not_belong_there_is_heard_of_and_what_is_missing(void **state)
{
	CLEANUP(yaml_close) struct yaml *y = parse("a: 1\nc: 2\nd: 3\n");
	struct faults f = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(faults_first(&f, &e), 0);
	assert_true(faults_enter(&f, yaml_root(y), YAML_KEYS("a", "b")));
	assert_true(faults_need(&f, yaml_root(y), "a", "x"));
	assert_false(faults_need(&f, yaml_root(y), "b", "x"));
	assert_int_equal(f.n, 3);
	assert_non_null(strstr(f.v[0].text, "f:2: key \"c\" is not known here"));
	assert_non_null(strstr(f.v[1].text, "f:3: key \"d\" is not known here"));
	assert_non_null(strstr(f.v[2].text, "key \"b\" is missing"));
	assert_int_equal(faults_first(&f, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "f:2: key \"c\""));
	assert_non_null(strstr(e.text, "(and 2 more: see reeve check-config)"));
}

static void what_is_no_mapping_is_one_fault_and_what_is_not_there_none(void **state)
{
	CLEANUP(yaml_close) struct yaml *y = parse("[a]\n");
	struct faults f = { 0 };

	(void)state;
	assert_true(faults_enter(&f, NULL, YAML_KEYS("a")));
	assert_int_equal(f.all, 0);
	assert_false(faults_enter(&f, yaml_root(y), YAML_KEYS("a")));
	assert_int_equal(f.all, 1);
}

static void what_was_heard_while_the_text_was_read_is_not_heard_again(void **state)
{
	static const char text[] = "a: *x\nb: {c: 1}\nb: {d: 2}\ne: [1\n";
	struct faults f = { 0 };
	CLEANUP(yaml_close) struct yaml *y = faults_read(&f, "f", text, sizeof(text) - 1);
	const char *s = NULL;
	size_t missed = f.missed;

	(void)state;
	assert_int_equal(f.all, 3);
	faults_hear(&f, yaml_str(yaml_get(yaml_root(y), "a"), &s, &f.now));
	assert_true(f.all == 3 && f.missed == missed + 1 && s == NULL);
	assert_false(faults_need(&f, yaml_root(y), "z", "x")); /* it may stand behind where the reading broke off */
	assert_true(f.all == 3 && f.missed == missed + 2);
	assert_false(faults_need(&f, yaml_get(yaml_root(y), "b"), "z", "x"));
	assert_int_equal(f.all, 4);
	assert_null(faults_read(&f, "f", "", 0));
	assert_int_equal(f.all, 5);
}

static void of_too_many_the_rest_is_counted(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(16384);
	struct faults f = { 0 };
	struct yaml *y;

	(void)state;
	for (int i = 0; i < FAULTS_MAX + 5; i++)
		buf_addf(&b, "- {k%d: 1}\n", i);
	y = parse(buf_str(&b));
	for (struct yaml_node *n = yaml_first(yaml_root(y)); n != NULL; n = yaml_next(n))
		assert_true(faults_enter(&f, n, YAML_KEYS("a")));
	assert_int_equal(f.n, FAULTS_MAX);
	assert_int_equal(f.all, FAULTS_MAX + 5);
	yaml_close(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_that_does_not_belong_there_is_heard_of_and_what_is_missing),
		cmocka_unit_test(what_is_no_mapping_is_one_fault_and_what_is_not_there_none),
		cmocka_unit_test(what_was_heard_while_the_text_was_read_is_not_heard_again),
		cmocka_unit_test(of_too_many_the_rest_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
