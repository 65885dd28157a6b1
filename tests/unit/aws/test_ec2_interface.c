/* test_ec2_interface.c - network interfaces: who an interface is of, and that a page with a bad row is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/aws/ec2_interface.h"

#define ROW                                                                                                                        \
	"<item><networkInterfaceId>eni-1</networkInterfaceId><interfaceType>interface</interfaceType><description>d</description>" \
	"<status>in-use</status><groupSet><item><groupId>sg-1</groupId></item></groupSet><attachment><instanceId>i-1</"            \
	"instanceId></attachment><tagSet><item><key>k</key><value>v</value>"                                                       \
	"</item></tagSet></item>"
#define PAGE(rows) "<R><networkInterfaceSet>" rows "</networkInterfaceSet></R>"

static int read_page(const char *text, struct arena *m, struct ec2_interfaces *list)
{
	struct xml *x = NULL;
	struct err e = { 0 };
	int rc;

	assert_int_equal(xml_parse(text, strlen(text), &x, NULL), 0);
	rc = ec2_read_interfaces(xml_root(x), m, list, &e);
	xml_close(&x);
	return rc;
}

static void an_interface_tells_what_it_is_attached_to(void **state)
{
	struct arena *m = arena_new_sized(64u << 20);
	struct ec2_interfaces list = { 0 };

	(void)state;
	assert_int_equal(
	    read_page(
		PAGE(ROW "<item><networkInterfaceId>eni-2</networkInterfaceId><requesterManaged>true</requesterManaged></item>"), m,
		&list),
	    0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[0].id, "eni-1");
	assert_string_equal(list.v[0].instance_id, "i-1");
	assert_string_equal(list.v[0].type, "interface");
	assert_string_equal(list.v[0].description, "d");
	assert_string_equal(list.v[0].status, "in-use");
	assert_string_equal(ec2_tag_get(&list.v[0].tags, "k"), "v");
	assert_int_equal(list.v[0].group_ids_n, 1);
	assert_string_equal(list.v[0].group_ids[0], "sg-1");
	assert_string_equal(list.v[1].instance_id, "");
	assert_int_equal(list.v[1].group_ids_n, 0);
	assert_true(list.v[1].is_managed && !list.v[0].is_managed);
	assert_int_equal(read_page(PAGE(ROW), m, &list), 0);
	assert_int_equal(list.n, 2); /* a row on two pages is that row */
	arena_free(m);
}

static void a_page_with_a_bad_row_is_none(void **state)
{
	struct arena *m = arena_new_sized(64u << 20);
	struct ec2_interfaces list = { 0 };

	(void)state;
	assert_int_not_equal(read_page(PAGE(ROW "<item/>"), m, &list), 0);
	assert_int_not_equal(read_page("<R/>", m, &list), 0);
	assert_int_equal(list.n, 0);
	arena_free(m);
}

static void interfaces_are_asked_for_by_filter(void **state)
{
	const char *id = "sg-1";
	struct ec2_filter filter = { "group-id", &id, 1 };
	struct request f = { 0 };

	(void)state;
	ec2_describe_interfaces(&f, &(struct ec2_describe){ .filters = &filter, .filters_n = 1, .whole = true });
	assert_non_null(strstr(buf_str(&f.body), "Action=DescribeNetworkInterfaces&"));
	assert_non_null(strstr(buf_str(&f.body), "Filter.1.Name=group-id&Filter.1.Value.1=sg-1"));
	request_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interface_tells_what_it_is_attached_to),
		cmocka_unit_test(a_page_with_a_bad_row_is_none),
		cmocka_unit_test(interfaces_are_asked_for_by_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
