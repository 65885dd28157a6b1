/* test_request.c - bodies of query calls, and frozen keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "agent/aws/request.h"
#include "agent/aws/keys.h"
#include "agent/base/mem.h"
#include "agent/aws/ec2.h"

static void a_request_begins_with_action_and_version(void **state)
{
	struct request f;

	(void)state;
	request_query(&f, &ec2_service, "DescribeVpcs", "2016-11-15");
	assert_string_equal(buf_str(&f.body), "Action=DescribeVpcs&Version=2016-11-15");
	assert_string_equal(f.action, "DescribeVpcs");
	request_close(&f);
	request_close(&f);
	request_close(NULL);
}

static void values_are_encoded_as_rfc_3986_wants_it(void **state)
{
	static const struct {
		const char *value, *encoded;
	} cases[] = {
		{ "", "" },
		{ "aZ0-_.~", "aZ0-_.~" },
		{ "a b+c", "a+b%2Bc" },
		{ "&Action=TerminateInstances", "%26Action%3DTerminateInstances" },
		{ "\xe1\x88\xb4\n%", "%E1%88%B4%0A%25" },
		{ "a/b", "a%2Fb" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct request f;

		request_query(&f, &ec2_service, "A", "1");
		request_add(&f, cases[i].value, "Filter.%u.Value.%u", 1u, 2u);
		assert_non_null(strstr(buf_str(&f.body), "&Filter.1.Value.2="));
		assert_string_equal(strrchr(buf_str(&f.body), '=') + 1, cases[i].encoded);
		request_close(&f);
	}
}

static void numbers_are_decimal(void **state)
{
	struct request f;

	(void)state;
	request_query(&f, &ec2_service, "A", "1");
	request_add_u(&f, 18446744073709551615u, "N");
	assert_string_equal(buf_str(&f.body), "Action=A&Version=1&N=18446744073709551615");
	request_close(&f);
}

static void a_request_remembers_that_something_did_not_fit(void **state)
{
	CLEANUP(mem_close) char *big = mem_alloc(REQUEST_MAX_BYTES);
	struct request f;

	(void)state;
	memset(big, 'x', REQUEST_MAX_BYTES - 1);
	request_query(&f, &ec2_service, "A", "1");
	request_add(&f, big, "UserData");
	request_add(&f, "small", "After");
	assert_int_equal(buf_check(&f.body, "the form", NULL), -ERR_LIMIT);
	request_close(&f);
}

static void a_copy_of_keys_outlives_the_original(void **state)
{
	struct keys a = { .id = "ASIA1", .expires_ms = 7 }, b = { 0 };

	(void)state;
	secret_set(&a.secret, "s", 1);
	secret_set(&a.token, "t", 1);
	keys_copy(&b, &a);
	keys_close(&a);
	assert_string_equal(b.id, "ASIA1");
	assert_string_equal(b.secret.bytes, "s");
	assert_string_equal(b.token.bytes, "t");
	assert_int_equal(b.expires_ms, 7);
	assert_null(a.secret.bytes);
	keys_copy(&b, &b);
	assert_string_equal(b.secret.bytes, "s");
	keys_close(&b);
	keys_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_begins_with_action_and_version),
		cmocka_unit_test(values_are_encoded_as_rfc_3986_wants_it),
		cmocka_unit_test(numbers_are_decimal),
		cmocka_unit_test(a_request_remembers_that_something_did_not_fit),
		cmocka_unit_test(a_copy_of_keys_outlives_the_original),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
