/* test_xml.c - an answer as a small tree; what could hurt is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/mem.h"
#include "agent/base/xml.h"

static int parse(const char *s, struct xml **ret, struct err *e)
{
	return xml_parse(s, strlen(s), ret, e);
}

static void elements_are_found_by_path_and_walked_by_name(void **state)
{
	static const char text[] = "<?xml version=\"1.0\"?>\n<R xmlns=\"http://ec2\"><id>r&amp;1</id><set><item><a>1</a></item><x/>"
				   "<item><a><![CDATA[<2>]]></a><b> t </b></item></set></R>";
	CLEANUP(xml_close) struct xml *x = NULL;
	const struct xml_node *set, *item;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(parse(text, &x, &e), 0);
	assert_string_equal(xml_name(xml_root(x)), "R");
	assert_string_equal(xml_get(xml_root(x), "id"), "r&1");
	assert_string_equal(xml_get(xml_root(x), "set/item/a"), "1");
	assert_string_equal(xml_get(xml_root(x), "set/none/a"), "");
	assert_null(xml_find(xml_root(x), "i"));
	assert_null(xml_find(NULL, "id"));
	assert_string_equal(xml_text(NULL), "");
	set = xml_find(xml_root(x), "set");
	assert_string_equal(xml_text(set), "");
	item = xml_next(set, NULL, "item");
	item = xml_next(set, item, "item");
	assert_string_equal(xml_get(item, "a"), "<2>");
	assert_string_equal(xml_get(item, "b"), " t ");
	assert_null(xml_next(set, item, "item"));
	assert_string_equal(xml_name(xml_next(set, xml_next(set, NULL, NULL), NULL)), "x");
	assert_null(xml_next(NULL, NULL, "item"));
}

static void what_is_no_xml_is_refused(void **state)
{
	static const char *const bad[] = { "",     " ",        "<a>",         "<a></b>",     "<a/><b/>", "<a>&unknown;</a>",
					   "text", "<a b=c/>", "<a>\x01</a>", "<a>\xff</a>", "{}" };
	struct xml *x = NULL;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse(bad[i], &x, &e), -ERR_INVALID);
		assert_null(x);
	}
}

static void a_doctype_is_refused_with_all_it_could_bring(void **state)
{
	static const char laughs[] = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]><l>&b;</l>";
	static const char outside[] = "<!DOCTYPE l SYSTEM \"file:///etc/passwd\"><l/>";
	struct xml *x = NULL;
	struct err e;

	(void)state;
	assert_int_equal(parse(laughs, &x, &e), -ERR_LIMIT);
	assert_non_null(strstr(e.text, "DOCTYPE"));
	assert_int_equal(parse(outside, &x, &e), -ERR_LIMIT);
}

static int parse_nested(unsigned depth, const char *leaf, struct err *e)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(1 << 20);
	CLEANUP(xml_close) struct xml *x = NULL;

	for (unsigned i = 0; i < depth; i++)
		buf_adds(&b, "<a>");
	buf_adds(&b, leaf);
	for (unsigned i = 0; i < depth; i++)
		buf_adds(&b, "</a>");
	return xml_parse(b.data, b.len, &x, e);
}

static int parse_many(unsigned count, const char *item, struct err *e)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(60 << 20);
	CLEANUP(xml_close) struct xml *x = NULL;

	buf_adds(&b, "<r>");
	for (unsigned i = 0; i < count; i++)
		buf_adds(&b, item);
	buf_adds(&b, "</r>");
	return xml_parse(b.data, b.len, &x, e);
}

static void depth_count_and_text_have_limits(void **state)
{
	CLEANUP(mem_close) char *text = mem_alloc(70000);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(parse_nested(XML_MAX_DEPTH, "", &e), 0);
	assert_int_equal(parse_nested(XML_MAX_DEPTH, "<b/>", &e), -ERR_LIMIT);
	assert_int_equal(parse_nested(10000, "", &e), -ERR_LIMIT);
	assert_int_equal(parse_many(XML_MAX_NODES - 1, "<a/>", &e), 0);
	assert_int_equal(parse_many(XML_MAX_NODES, "<a/>", &e), -ERR_LIMIT);
	memset(text, 'x', 65537);
	assert_int_equal(parse_nested(1, text, &e), -ERR_LIMIT);
	text[65536] = '\0';
	assert_int_equal(parse_nested(1, text, &e), 0);
}

static void a_large_answer_is_an_answer_and_no_reason_to_stop(void **state)
{
	CLEANUP(buf_close) struct buf item = BUF_MAX(70000);
	struct err e = { 0 };

	(void)state;
	buf_adds(&item, "<a>");
	for (unsigned i = 0; i < 6000; i++)
		buf_adds(&item, "0123456789");
	buf_adds(&item, "</a>");
	assert_int_equal(parse_many(1000, buf_str(&item), &e), 0); /* 60 MB */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_are_found_by_path_and_walked_by_name),
		cmocka_unit_test(what_is_no_xml_is_refused),
		cmocka_unit_test(a_doctype_is_refused_with_all_it_could_bring),
		cmocka_unit_test(depth_count_and_text_have_limits),
		cmocka_unit_test(a_large_answer_is_an_answer_and_no_reason_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
