/* test_yaml.c - the strict subset: what it reads, what it refuses, and how well it says where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"
#include "agent/base/yaml.h"
#include "tests/unit/cases.h"

static int parse(const char *s, struct yaml **ret, struct err *e)
{
	return yaml_parse("f.yaml", s, strlen(s), ret, e);
}

static void scalars_are_typed_by_their_getters(void **state)
{
	static const char text[] = "country: no\nversion: 1.10\non: true\ncount: 0x10\nwait: 5m\nages: 200000d\nroom: 64KiB\nmode: "
				   "auto\nquoted: \"true\"\n";
	static const char *const modes[] = { "off", "auto" };
	CLEANUP(yaml_close) struct yaml *y = NULL;
	struct err e = { 0 };
	const char *s = "default";
	uint64_t n = 3;
	unsigned m = 9;
	bool b = false;
	struct yaml_node *r;

	(void)state;
	assert_int_equal(parse(text, &y, &e), 0);
	r = yaml_root(y);
	assert_int_equal(yaml_str(yaml_get(r, "country"), &s, &e), 0);
	assert_string_equal(s, "no");
	assert_int_equal(yaml_str(yaml_get(r, "version"), &s, &e), 0);
	assert_string_equal(s, "1.10");
	assert_int_equal(yaml_bool(yaml_get(r, "on"), &b, &e), 0);
	assert_true(b);
	assert_int_equal(yaml_bool(yaml_get(r, "country"), &b, &e), -ERR_INVALID);
	assert_string_equal(e.text, "f.yaml:1: country: found \"no\", expected true or false");
	assert_int_equal(yaml_u64(yaml_get(r, "count"), 100, &n, &e), -ERR_INVALID);
	assert_string_equal(e.text, "f.yaml:4: count: found \"0x10\", expected a number from 0 to 100");
	assert_int_equal(yaml_duration(yaml_get(r, "wait"), &n, &e), 0);
	assert_true(n == 300000);
	assert_int_equal(yaml_duration(yaml_get(r, "ages"), &n, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "of ten years at most"));
	assert_int_equal(yaml_size(yaml_get(r, "room"), &n, &e), 0);
	assert_true(n == 65536);
	assert_int_equal(yaml_enum(yaml_get(r, "mode"), modes, 2, &m, &e), 0);
	assert_int_equal(m, 1);
	assert_int_equal(yaml_enum(yaml_get(r, "wait"), modes, 2, &m, &e), -ERR_INVALID);
	assert_non_null(strstr(e.text, "expected one of off, auto"));
	n = 3;
	assert_int_equal(yaml_u64(yaml_get(r, "none"), 100, &n, &e), 0); /* the default stays */
	assert_true(n == 3);
	assert_int_equal(yaml_missing(r, "none", "a text", &e), -ERR_INVALID);
	assert_string_equal(e.text, "f.yaml:1: key \"none\" is missing, expected a text");
}

static void lists_and_mappings_are_walked_in_order(void **state)
{
	CLEANUP(yaml_close) struct yaml *y = NULL;
	char seen[64] = "";
	struct err e = { 0 };
	struct yaml_node *r;

	(void)state;
	assert_int_equal(parse("l: [a, b, c]\nm:\n  x: 1\n  y: 2\n", &y, &e), 0);
	r = yaml_root(y);
	assert_int_equal(yaml_list(yaml_get(r, "l"), 3, &e), 0);
	assert_int_equal(yaml_list(yaml_get(r, "l"), 2, &e), -ERR_LIMIT);
	assert_int_equal(yaml_list(yaml_get(r, "m"), 3, &e), -ERR_INVALID);
	assert_int_equal(yaml_map(yaml_get(r, "l"), YAML_KEYS("a"), &e), -ERR_INVALID);
	assert_string_equal(e.text, "f.yaml:1: l: found a list, expected a mapping");
	for (struct yaml_node *n = yaml_first(yaml_get(r, "l")); n != NULL; n = yaml_next(n)) {
		const char *s = "";

		assert_int_equal(yaml_str(n, &s, &e), 0);
		strcat(seen, s);
	}
	assert_string_equal(seen, "abc");
	assert_non_null(yaml_get(yaml_get(r, "m"), "x"));
	assert_non_null(yaml_get(yaml_get(r, "m"), "y"));
	assert_null(yaml_first(NULL));
	assert_int_equal(yaml_list(NULL, 0, &e), 0);
	assert_null(yaml_get(yaml_get(r, "l"), "x"));
}

static void a_key_that_does_not_belong_is_named_with_its_line_and_those_that_do(void **state)
{
	CLEANUP(yaml_close) struct yaml *y = NULL;
	struct err e = { 0 };
	struct yaml_node *r;

	(void)state;
	assert_int_equal(parse("a: 1\nb:\n  - c: 2\n    d: 3\n", &y, &e), 0);
	r = yaml_root(y);
	assert_int_equal(yaml_map(r, YAML_KEYS("a", "x"), &e), -ERR_INVALID);
	assert_string_equal(e.text, "f.yaml:2: key \"b\" is not known here, expected one of a, x");
	assert_int_equal(yaml_map(yaml_first(yaml_get(r, "b")), YAML_KEYS("c"), &e), -ERR_INVALID);
	assert_string_equal(e.text, "f.yaml:4: key \"d\" is not known here, expected one of c");
	assert_int_equal(yaml_map(r, YAML_KEYS("x", "b", "a"), &e), 0);
	assert_int_equal(yaml_map(NULL, YAML_KEYS("a"), &e), 0);
}

static void what_is_outside_the_subset_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "f.yaml: the file is empty" },
		{ "# only this\n", "f.yaml: the file is empty" },
		{ "a: &x 1\n", "f.yaml:1: anchors are not allowed" },
		{ "a: 1\nb: &x [1]\n", "f.yaml:2: anchors are not allowed" },
		{ "a: *x\n", "f.yaml:1: aliases are not allowed" },
		{ "a: !!str 1\n", "f.yaml:1: tags are not allowed" },
		{ "a: !x {b: 1}\n", "f.yaml:1: tags are not allowed" },
		{ "<<: {a: 1}\n", "f.yaml:1: merge keys are not allowed" },
		{ "a: 1\na: 2\n", "f.yaml:2: key \"a\" stands twice, first at line 1" },
		{ "a: 1\n---\nb: 2\n", "f.yaml:2: a second document is not allowed" },
		{ "? [a]\n: 1\n", "f.yaml:1: a key must be plain text" },
		{ "a: \"x\\0y\"\n", "f.yaml:1: a NUL byte is not allowed" },
		{ "a: [1\n", "f.yaml:2: not YAML: " },
		{ "a:\n\t- 1\n", "f.yaml:2: not YAML: " },
		{ "a: \xff\n", "f.yaml:1: not YAML: " },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct yaml *y = NULL;

		assert_int_equal(parse(bad[i].text, &y, &e), -ERR_INVALID);
		e.text[strlen(bad[i].says)] = '\0';
		assert_string_equal(e.text, bad[i].says);
		assert_null(y);
	}
}

static int parse_nested(unsigned depth, struct err *e)
{
	CLEANUP(yaml_close) struct yaml *y = NULL;
	CLEANUP(buf_close) struct buf b = BUF_MAX(1 << 20);

	for (unsigned i = 0; i < depth; i++)
		buf_addc(&b, '[');
	for (unsigned i = 0; i < depth; i++)
		buf_addc(&b, ']');
	return yaml_parse("f.yaml", b.data, b.len, &y, e);
}

static void depth_and_size_have_limits(void **state)
{
	CLEANUP(mem_close) char *big = mem_alloc(YAML_MAX_BYTES + 2);
	struct yaml *y = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(parse_nested(YAML_MAX_DEPTH, &e), 0);
	assert_int_equal(parse_nested(YAML_MAX_DEPTH + 1, &e), -ERR_INVALID);
	assert_int_equal(parse_nested(50000, &e), -ERR_INVALID);
	memset(big, '#', YAML_MAX_BYTES + 1);
	assert_int_equal(yaml_parse("f.yaml", big, YAML_MAX_BYTES + 1, &y, &e), -ERR_LIMIT);
	yaml_close(&y);
	yaml_close(&y);
}

/* The list itself is one. */
static void a_file_holds_so_many_values_and_no_more(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(YAML_MAX_BYTES);
	struct yaml *y = NULL;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 1; i < YAML_MAX_NODES; i++)
		buf_adds(&b, i == 1 ? "[a" : ",a");
	buf_adds(&b, "]");
	assert_int_equal(yaml_parse("f.yaml", b.data, b.len, &y, &e), 0);
	yaml_close(&y);
	b.len--;
	buf_adds(&b, ",a]");
	assert_int_equal(yaml_parse("f.yaml", b.data, b.len, &y, &e), -ERR_INVALID);
	assert_string_equal(e.text, "f.yaml:1: the file holds more than 8192 values: the rest was not read");
}

static void a_mapping_has_so_many_keys_and_no_more(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(YAML_MAX_BYTES);
	struct yaml *y = NULL;
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < YAML_MAX_KEYS; i++)
		buf_addf(&b, "a%d: {b: 1, c: [1, 2]}\n", i);
	assert_int_equal(yaml_parse("f.yaml", b.data, b.len, &y, &e), 0);
	yaml_close(&y);
	for (int i = 0; i < 20000; i++)
		buf_addf(&b, "b%d: 1\n", i);
	assert_int_equal(yaml_parse("f.yaml", b.data, b.len, &y, &e), -ERR_INVALID);
	assert_string_equal(e.text, "f.yaml:129: more than 128 keys in one mapping: those behind were not read");
}

static void a_byte_order_mark_is_dropped(void **state)
{
	CLEANUP(buf_close) struct buf b = { 0 };
	CLEANUP(yaml_close) struct yaml *y = NULL, *two = NULL;
	struct err e = { 0 };

	(void)state;
	case_load("bom.policy.yaml", &b);
	assert_int_equal(parse("\xef\xbb\xbf"
			       "a: 1\nb: 2\n",
			       &two, &e),
			 0);
	assert_non_null(yaml_get(yaml_root(two), "a"));
	assert_non_null(yaml_get(yaml_root(two), "b"));
	assert_int_equal(yaml_parse("policy.yaml", b.data, b.len, &y, &e), 0);
	assert_non_null(yaml_get(yaml_root(y), "commands"));
	assert_non_null(yaml_get(yaml_root(y), "export"));
}

static void a_byte_that_is_no_text_is_told_by_its_own_line(void **state)
{
	static const struct {
		const char *text, *why;
		size_t len;
	} cases[] = {
		{ "a: 1\nb: \"\xff\"\nc: 3\n", "f.yaml:2: not YAML: ", 0 },
		{ "\xef\xbb\xbf"
		  "a: 1\nb: 2\n# gr\xfcn\n",
		  "f.yaml:3: not YAML: ", 0 },
		{ "a: 1\r\nb: 2\r\nc: \x01\r\n", "f.yaml:3: not YAML: ", 0 },
		{ "a: 1\n\n\nb: \xe2\x82", "f.yaml:4: not YAML: ", 0 },
		{ "a: 1\nb: x\0y\n", "f.yaml:2: not YAML: ", 12 },
		{ "\xff\xfe"
		  "a",
		  "f.yaml:1: the file is UTF-16", 0 },
		{ "\xfe\xff"
		  "a",
		  "f.yaml:1: the file is UTF-16", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = cases[i].len > 0 ? cases[i].len : strlen(cases[i].text);
		struct yaml *y = NULL;
		struct err e = { 0 };

		assert_int_equal(yaml_parse("f.yaml", cases[i].text, len, &y, &e), -ERR_INVALID);
		assert_memory_equal(e.text, cases[i].why, strlen(cases[i].why));
	}
}

/* Far beyond what libyaml reads at once. */
static void a_bad_byte_far_down_is_told_by_its_own_line_too(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(YAML_MAX_BYTES);
	struct yaml *y = NULL;
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < 4999; i++)
		buf_adds(&b, "# a line of some length, \xc3\xbc\n");
	buf_adds(&b, "# \xc3\n");
	assert_int_equal(yaml_parse("f.yaml", b.data, b.len, &y, &e), -ERR_INVALID);
	assert_memory_equal(e.text, "f.yaml:5000: ", 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_are_typed_by_their_getters),
		cmocka_unit_test(lists_and_mappings_are_walked_in_order),
		cmocka_unit_test(a_key_that_does_not_belong_is_named_with_its_line_and_those_that_do),
		cmocka_unit_test(what_is_outside_the_subset_is_refused_with_its_line),
		cmocka_unit_test(depth_and_size_have_limits),
		cmocka_unit_test(a_file_holds_so_many_values_and_no_more),
		cmocka_unit_test(a_mapping_has_so_many_keys_and_no_more),
		cmocka_unit_test(a_byte_order_mark_is_dropped),
		cmocka_unit_test(a_byte_that_is_no_text_is_told_by_its_own_line),
		cmocka_unit_test(a_bad_byte_far_down_is_told_by_its_own_line_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
