/* test_auth_file.c - the headers that say who we are at the customer's receiver, as a file has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "shippers/auth_file.h"
#include "tests/sim/world_sim.h"

#define PATH "/etc/reeve/otel.headers"

static struct world *w;

static int setup(void **state)
{
	(void)state;
	w = sim_new(1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sim_free(w);
	return 0;
}

static int read_text(const char *text, struct export_proof *ret, struct err *e)
{
	sim_file_puts(w, PATH, text);
	sim_file_chmod(w, PATH, 0600);
	return auth_file_read(w, PATH, ret, e);
}

static void each_line_is_a_header(void **state)
{
	struct export_proof p;

	(void)state;
	assert_int_equal(read_text("# ours\n\n  Authorization:  Bearer a:b== \r\nx-scope-orgid:warehouse\n  # more\nX-Empty-Not: -", &p,
				   NULL),
			 0);
	assert_int_equal(p.headers_n, 3);
	assert_string_equal(p.headers[0].name, "Authorization");
	assert_string_equal(p.headers[0].value, "Bearer a:b==");
	assert_string_equal(p.headers[1].name, "x-scope-orgid");
	assert_string_equal(p.headers[1].value, "warehouse");
	assert_string_equal(p.headers[2].value, "-");
}

static void what_is_no_header_is_refused_by_its_line_and_never_shown(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", PATH " has no header" },
		{ "# nothing\n", PATH " has no header" },
		{ "A: b\nsecret-alone\n", PATH ":2: no header" },
		{ ": secret", PATH ":1: no header" },
		{ "A B: secret", PATH ":1: no header" },
		{ "A:\n", PATH ":1: the value" },
		{ "A: secret\x01", PATH ":1: the value" },
		{ "A: secr\xc3\xa4t", PATH ":1: the value" },
		{ "content-type: secret", PATH ":1: the agent sets content-type itself" },
		{ "Reeve-Batch-Id: secret", "the agent sets Reeve-Batch-Id itself" },
		{ "HOST: secret", "the agent sets HOST itself" },
		{ "A: 1\nB: 2\nC: 3\nD: 4\nE: 5\n", PATH ":5: at most 4 headers" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct export_proof p;
		struct err e = { 0 };

		assert_int_not_equal(read_text(cases[i].text, &p, &e), 0);
		if (strstr(err_text(&e), cases[i].says) == NULL || strstr(err_text(&e), "secr") != NULL)
			fail_msg("%zu: %s", i, err_text(&e));
	}
}

static void a_name_or_a_value_that_is_too_long_is_refused_and_not_cut(void **state)
{
	struct export_proof p;
	char text[2000];

	(void)state;
	snprintf(text, sizeof(text), "A: %01023d", 7);
	assert_int_equal(read_text(text, &p, NULL), 0);
	assert_int_equal(strlen(p.headers[0].value), 1023);
	snprintf(text, sizeof(text), "A: %01024d", 7);
	assert_int_not_equal(read_text(text, &p, NULL), 0);
	snprintf(text, sizeof(text), "%064d: a", 7);
	assert_int_not_equal(read_text(text, &p, NULL), 0);
}

static void a_new_key_counts_with_the_next_request(void **state)
{
	struct auth_file a = { w, PATH };
	struct export_proof p = { 0 };

	(void)state;
	a.w = w;
	assert_int_equal(read_text("A: old", &p, NULL), 0);
	sim_file_puts(w, PATH, "A: new\n");
	assert_int_equal(auth_file_sign(&a, NULL, &p, NULL), 0);
	assert_int_equal(p.headers_n, 1);
	assert_string_equal(p.headers[0].value, "new");
	sim_file_chmod(w, PATH, 0644);
	assert_int_not_equal(auth_file_sign(&a, NULL, &p, NULL), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_line_is_a_header),
		TEST(what_is_no_header_is_refused_by_its_line_and_never_shown),
		TEST(a_name_or_a_value_that_is_too_long_is_refused_and_not_cut),
		TEST(a_new_key_counts_with_the_next_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
