/* test_origins.c - what the rules say of a file is asked once, and anew when they are others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "shippers/origins.h"

static struct rules *rules_of(const char *glob, const char *pattern)
{
	char *globs[] = { (char *)glob };
	struct telemetry_redact redact = { .name = "word", .pattern = pattern };
	struct telemetry_rules t = { .logs = globs, .logs_n = 1, .redact = &redact, .redact_n = 1 };
	struct rules *r = NULL;

	assert_int_equal(rules_new(&t, NULL, NULL, &r, NULL), 0);
	return r;
}

static void path_and_attributes_are_judged_once(void **state)
{
	static const struct telemetry_attr attrs[] = { { "log.file.name", "secret.log" },
						       { "log.file.path", "/var/log/secret.log" } };
	struct telemetry_origin of = { 5, "s", "/var/log/secret.log", attrs, 2, NULL };
	struct rules *r = rules_of("/var/log/*", "secret"), *narrow = rules_of("/srv/*", "x");
	struct origins *o = mem_new(struct origins);
	struct origins_one *one = origins_of(o, r, &of);

	(void)state;
	assert_int_equal(one->verdict, RULES_PASS);
	assert_int_equal(one->attrs_n, 2);
	assert_string_equal(one->attrs[0].value, "[REDACTED:word].log");
	assert_string_equal(one->attrs[1].value, "/var/log/[REDACTED:word].log");
	one->request = 9;
	assert_ptr_equal(origins_of(o, r, &of), one);
	assert_int_equal(one->request, 9); /* it was not looked at again */
	origins_forget(o);
	assert_int_equal(origins_of(o, narrow, &of)->verdict, RULES_DENIED);
	origins_forget(o);
	mem_free(o);
	rules_free(r);
	rules_free(narrow);
}

static void two_that_want_one_place_are_told_apart(void **state)
{
	static const struct telemetry_attr attr = { "log.file.name", "a\xff" };
	struct telemetry_origin a = { 5, "s", "/var/log/a", &attr, 1, NULL },
				b = { 5 + ORIGINS_PLACES, "s", "/etc/b", NULL, 0, NULL };
	struct telemetry_origin nobody = { 0, "s", "/etc/b", NULL, 0, NULL };
	struct rules *r = rules_of("/var/log/*", "secret");
	struct origins *o = mem_new(struct origins);

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(origins_of(o, r, &a)->verdict, RULES_PASS);
		assert_string_equal(origins_of(o, r, &a)->attrs[0].value, "\xef\xbf\xbd"); /* OTLP's texts are UTF-8 */
		assert_int_equal(origins_of(o, r, &b)->verdict, RULES_DENIED);
	}
	assert_int_equal(origins_of(o, r, &nobody)->verdict, RULES_DENIED);
	nobody.path = "/var/log/b";
	assert_int_equal(origins_of(o, r, &nobody)->verdict, RULES_PASS); /* without an id it is looked at each time */
	origins_forget(o);
	mem_free(o);
	rules_free(r);
}

/* Lines of a file whose name cannot be looked at within the limits do not leave. */
static void an_attribute_that_meets_the_limits_keeps_all_lines_here(void **state)
{
	static const struct telemetry_attr attr = {
		"log.file.name", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"
	};
	struct telemetry_origin of = { 5, "s", "/var/log/a", &attr, 1, NULL };
	struct rules *r = rules_of("/var/log/*", "(a+)+$");
	struct origins *o = mem_new(struct origins);

	(void)state;
	assert_int_equal(origins_of(o, r, &of)->verdict, RULES_FAILED);
	origins_forget(o);
	mem_free(o);
	rules_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_and_attributes_are_judged_once),
		cmocka_unit_test(two_that_want_one_place_are_told_apart),
		cmocka_unit_test(an_attribute_that_meets_the_limits_keeps_all_lines_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
