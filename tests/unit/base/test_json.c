/* test_json.c - strict parsing, and members that are missing or of another type are named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/json.h"
#include "agent/base/mem.h"

static int parse(const char *s, json_t **ret, struct err *e)
{
	return json_parse(s, strlen(s), "it", ret, e);
}

static void what_is_no_single_value_is_refused(void **state)
{
	static const char *const bad[] = {
		"",           " ",
		"{",          "{}x",
		"{} {}",      "{\"a\":1,\"a\":2}",
		"{a:1}",      "{'a':1}",
		"[1,]",       "{\"a\":NaN}",
		"{\"a\":01}", "{\"a\":99999999999999999999}",
		"[\"\xff\"]", "[\"\\u0000\"]",
		"// c\n{}",   "{\"a\":\"\n\"}",
	};
	struct err e;
	json_t *j = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse(bad[i], &j, &e), -ERR_INVALID);
		assert_int_equal(strncmp(e.text, "it: not JSON at line ", 21), 0);
		assert_null(j);
	}
}

static void size_and_depth_have_limits(void **state)
{
	CLEANUP(mem_close) char *deep = mem_alloc(JSON_MAX_BYTES + 2);
	json_t *j = NULL;
	struct err e;

	(void)state;
	memset(deep, '[', JSON_MAX_BYTES + 1);
	assert_int_equal(json_parse(deep, JSON_MAX_BYTES + 1, "it", &j, &e), -ERR_LIMIT);
	assert_int_equal(json_parse(deep, JSON_MAX_BYTES, "it", &j, &e), -ERR_INVALID);
}

static void members_are_read_by_type(void **state)
{
	CLEANUP(json_close) json_t *j = NULL;
	CLEANUP(buf_close) struct buf b = BUF_MAX(10);
	const char *s = NULL;
	uint64_t n = 0;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(parse("{\"s\":\"x\",\"n\":9007199254740992,\"m\":-1,\"f\":1.5,\"b\":\"Zm9v\",\"z\":null}", &j, &e), 0);
	assert_int_equal(json_get_str(j, "s", &s, &e), 0);
	assert_string_equal(s, "x");
	assert_int_equal(json_get_u64(j, "n", &n, &e), 0);
	assert_true(n == 9007199254740992u);
	assert_int_equal(json_get_u64(j, "m", &n, &e), -ERR_INVALID);
	assert_string_equal(e.text, "member \"m\" is negative");
	assert_int_equal(json_get_u64(j, "f", &n, &e), -ERR_INVALID);
	assert_int_equal(json_get_str(j, "n", &s, &e), -ERR_INVALID);
	assert_string_equal(e.text, "member \"n\" is not a string");
	assert_int_equal(json_get_str(j, "none", &s, &e), -ERR_INVALID);
	assert_string_equal(e.text, "member \"none\" is missing");
	assert_string_equal(json_str_or(j, "z", "other"), "other");
	assert_string_equal(json_str_or(j, "s", "other"), "x");
	assert_int_equal(json_int_or(j, "m", 5), -1);
	assert_int_equal(json_int_or(j, "s", 5), 5);
	assert_int_equal(json_get_base64(j, "b", &b, &e), 0);
	assert_string_equal(buf_str(&b), "foo");
	assert_int_equal(json_get_base64(j, "s", &b, &e), -ERR_INVALID);
}

static void what_is_no_object_has_no_members(void **state)
{
	CLEANUP(json_close) json_t *j = NULL;
	const char *s;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(parse("[1]", &j, &e), 0);
	assert_int_equal(json_get_str(j, "a", &s, &e), -ERR_INVALID);
	assert_int_equal(json_get_str(NULL, "a", &s, &e), -ERR_INVALID);
	assert_int_equal(json_int_or(NULL, "a", 3), 3);
}

static void text_comes_out_compact_and_in_order(void **state)
{
	CLEANUP(json_close) json_t *j = json_object();
	CLEANUP(buf_close) struct buf b = BUF_MAX(100);
	struct buf small = BUF_MAX(10);

	(void)state;
	json_object_set_new(j, "z", json_integer(1));
	json_object_set_new(j, "a", json_string("x\ny"));
	json_set_base64(j, "m", "foo", 3);
	assert_int_equal(json_write(j, &b), 0);
	assert_string_equal(buf_str(&b), "{\"z\":1,\"a\":\"x\\ny\",\"m\":\"Zm9v\"}");
	assert_int_equal(json_write(j, &small), -ERR_LIMIT);
	buf_close(&small);
}

static void text_from_outside_always_becomes_a_string(void **state)
{
	static const char *const cases[][2] = {
		{ "a\n\xc3\xa9", "a\n\xc3\xa9" }, { "\xff\xfe", "??" }, { "\xc3\xa9\xc3", "\xc3\xa9?" }, { "", "" }, { NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(json_close) json_t *j = json_text(cases[i][0]);

		assert_string_equal(json_string_value(j), cases[i][1]);
	}
}

static void a_text_is_found_in_a_list_and_nowhere_else(void **state)
{
	json_t *list = json_pack("[s, i, s]", "i-1", 7, "i-2"), *object = json_pack("{s:s}", "i-1", "i-1");

	(void)state;
	assert_true(json_has_text(list, "i-1") && json_has_text(list, "i-2"));
	assert_false(json_has_text(list, "i-") || json_has_text(list, "7") || json_has_text(list, NULL));
	assert_false(json_has_text(object, "i-1") || json_has_text(NULL, "i-1"));
	json_decref(list);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_found_in_a_list_and_nowhere_else),
		cmocka_unit_test(what_is_no_single_value_is_refused),
		cmocka_unit_test(size_and_depth_have_limits),
		cmocka_unit_test(members_are_read_by_type),
		cmocka_unit_test(what_is_no_object_has_no_members),
		cmocka_unit_test(text_comes_out_compact_and_in_order),
		cmocka_unit_test(text_from_outside_always_becomes_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
