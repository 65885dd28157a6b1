/* test_yaml_read.c - a file that is wrong in many places is read to its end, and each of them is told once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"
#include "agent/base/yaml.h"

static void hear(void *ctx, const struct err *e)
{
	buf_addf(ctx, "%s\n", e->text);
}

/* What is told of the text, a line each. */
static struct yaml *read_text(const char *text, struct buf *told)
{
	buf_reset(told);
	return yaml_read("f", text, strlen(text), hear, told);
}

static void is_told(const char *text, const char *expected)
{
	CLEANUP(buf_close) struct buf told = BUF_MAX(1 << 20);
	struct yaml *y = read_text(text, &told);

	yaml_close(&y);
	assert_string_equal(buf_str(&told), expected);
}

static void all_that_is_outside_the_subset_is_told_in_one_reading(void **state)
{
	(void)state;
	is_told("a: &x 1\nb: *x\nc: !!str 2\nc: 3\n<<: {d: 1}\n? [e, [1]]\n: 1\nf: \"g\\0h\"\n\"i\\0\": 1\n*x : 2\nj: [*x, *x]\n",
		"f:1: anchors are not allowed\n"
		"f:2: aliases are not allowed\n"
		"f:3: tags are not allowed\n"
		"f:4: key \"c\" stands twice, first at line 3\n"
		"f:5: merge keys are not allowed\n"
		"f:6: a key must be plain text\n"
		"f:8: a NUL byte is not allowed\n"
		"f:9: a NUL byte is not allowed\n"
		"f:10: aliases are not allowed\n"
		"f:11: aliases are not allowed\n"
		"f:11: aliases are not allowed\n");
	is_told("a: 1\n", "");
	is_told("a: &x !y {b: *x}\n", "f:1: anchors are not allowed\nf:1: tags are not allowed\nf:1: aliases are not allowed\n");
	is_told("*x\n", "f:1: aliases are not allowed\n");
}

static void of_broken_syntax_it_is_said_that_the_rest_was_not_read(void **state)
{
	static const char begin[] = "a: *x\nb: 1\nb: 2\n";
	static const struct {
		const char *end, *says;
	} broken[] = {
		{ "c: [1\nd: 2\n", "f:5: not YAML: did not find expected ',' or ']'; the rest was not read\n" },
		{ "c: \xff\n", "f:4: not YAML: invalid leading UTF-8 octet; the rest was not read\n" },
		{ "---\nc: *x\n", "f:4: a second document is not allowed: the rest was not read\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		CLEANUP(mem_close) char *text = mem_printf("%s%s", begin, broken[i].end);
		CLEANUP(mem_close)
		char *told =
		    mem_printf("f:1: aliases are not allowed\nf:3: key \"b\" stands twice, first at line 2\n%s", broken[i].says);

		if (i == 1) /* libyaml looks at the bytes of a small file before it parses any */
			is_told(text, broken[i].says);
		else
			is_told(text, told);
	}
	is_told("", "f: the file is empty\n");
	is_told("\t\n", "f:1: not YAML: found character that cannot start any token; the rest was not read\n");
}

static void what_is_cut_is_known_to_be_so_and_what_was_closed_before_is_whole(void **state)
{
	CLEANUP(buf_close) struct buf told = BUF_MAX(1 << 20);
	CLEANUP(yaml_close) struct yaml *y = read_text("a: {b: 1}\nc:\n  d: [1, 2\n", &told);
	struct yaml_node *r;

	(void)state;
	assert_non_null(y);
	r = yaml_root(y);
	assert_true(yaml_is_cut(r) && yaml_is_cut(yaml_get(r, "c")) && yaml_is_cut(yaml_get(yaml_get(r, "c"), "d")));
	assert_false(yaml_is_cut(yaml_get(r, "a")));
	assert_non_null(yaml_get(yaml_get(r, "a"), "b"));
}

/* The second one could be the right one. */
static void of_two_mappings_of_one_key_both_are_read(void **state)
{
	CLEANUP(buf_close) struct buf told = BUF_MAX(1 << 20);
	CLEANUP(yaml_close)
	struct yaml *y = read_text("a: {b: 1, c: {d: 2}}\ne: 3\na: {b: 4, c: {f: 5}, g: 6, g: 7}\ne: {h: 8}\n", &told);
	struct yaml_node *r, *a;
	uint64_t n = 0;

	(void)state;
	assert_string_equal(buf_str(&told), "f:3: key \"a\" stands twice, first at line 1\n"
					    "f:3: key \"g\" stands twice, first at line 3\n"
					    "f:4: key \"e\" stands twice, first at line 2\n");
	r = yaml_root(y);
	a = yaml_get(r, "a");
	assert_int_equal(yaml_u64(yaml_get(a, "b"), 10, &n, NULL), 0);
	assert_true(n == 1); /* the first one stays */
	assert_non_null(yaml_get(yaml_get(a, "c"), "d"));
	assert_non_null(yaml_get(yaml_get(a, "c"), "f"));
	assert_non_null(yaml_get(a, "g"));
	assert_false(yaml_is_map(yaml_get(r, "e")));
	assert_null(yaml_next(yaml_next(yaml_first(r))));
}

static void a_value_that_was_refused_fails_every_getter_without_another_sentence(void **state)
{
	CLEANUP(buf_close) struct buf told = BUF_MAX(1 << 20);
	CLEANUP(yaml_close) struct yaml *y = read_text("a: *x\n", &told);
	struct yaml_node *a = yaml_get(yaml_root(y), "a");
	static const char *const names[] = { "b" };
	struct err e = { 0 };
	const char *s = NULL;
	unsigned which = 0;
	uint64_t n = 0;
	bool yes = false;

	(void)state;
	assert_true(yaml_str(a, &s, &e) != 0 && yaml_bool(a, &yes, &e) != 0 && yaml_u64(a, 9, &n, &e) != 0);
	assert_true(yaml_duration(a, &n, &e) != 0 && yaml_size(a, &n, &e) != 0 && yaml_enum(a, names, 1, &which, &e) != 0);
	assert_true(yaml_list(a, 9, &e) != 0 && yaml_map(a, YAML_KEYS("b"), &e) != 0 && !yaml_is_map(a));
	assert_int_equal(e.code, 0);
}

static void what_is_beyond_a_limit_is_passed_over_and_what_follows_is_read(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(YAML_MAX_BYTES), told = BUF_MAX(1 << 20);
	CLEANUP(yaml_close) struct yaml *y = NULL;

	(void)state;
	buf_adds(&b, "a: ");
	for (unsigned i = 0; i < YAML_MAX_DEPTH + 20; i++)
		buf_adds(&b, i % 2 == 0 ? "[" : "{x: ");
	for (unsigned i = YAML_MAX_DEPTH + 20; i-- > 0;)
		buf_adds(&b, i % 2 == 0 ? "]" : "}");
	buf_adds(&b, "\nm:\n");
	for (unsigned i = 0; i < YAML_MAX_KEYS + 5; i++)
		buf_addf(&b, "  k%u: {k: *x}\n", i < YAML_MAX_KEYS ? i : 0);
	buf_adds(&b, "z: 1\nz: 2\n");
	y = read_text(buf_str(&b), &told);
	assert_memory_equal(buf_str(&told), "f:1: nested too deep\nf:3: aliases", 33);
	assert_non_null(strstr(buf_str(&told), "f:131: more than 128 keys in one mapping: those behind were not read\n"));
	assert_null(strstr(buf_str(&told), "f:132: more"));
	assert_non_null(strstr(buf_str(&told), "f:137: key \"z\" stands twice, first at line 136\n"));
	assert_true(yaml_is_cut(yaml_get(yaml_root(y), "m")) && !yaml_is_cut(yaml_root(y)));
}

/* Each would be read for a minute: libyaml looks at all that is open around a token, and here that is a quarter of a million. */
static void a_file_of_nothing_but_beginnings_is_not_read_to_its_end(void **state)
{
	static const char *const opens[] = { "[", "{", "[{", "{[", "? [" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(opens); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(YAML_MAX_BYTES), told = BUF_MAX(1 << 20);
		CLEANUP(yaml_close) struct yaml *y = NULL;

		while (b.len + 8 < YAML_MAX_BYTES)
			buf_adds(&b, opens[i]);
		y = read_text(buf_str(&b), &told);
		if (strstr(buf_str(&told), "f:1: nested far too deep: the rest was not read\n") == NULL)
			fail_msg("%s: %s", opens[i], buf_str(&told));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_outside_the_subset_is_told_in_one_reading),
		cmocka_unit_test(of_broken_syntax_it_is_said_that_the_rest_was_not_read),
		cmocka_unit_test(what_is_cut_is_known_to_be_so_and_what_was_closed_before_is_whole),
		cmocka_unit_test(of_two_mappings_of_one_key_both_are_read),
		cmocka_unit_test(a_value_that_was_refused_fails_every_getter_without_another_sentence),
		cmocka_unit_test(a_file_of_nothing_but_beginnings_is_not_read_to_its_end),
		cmocka_unit_test(what_is_beyond_a_limit_is_passed_over_and_what_follows_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
