/* test_sts.c - who we are, and the keys of the operate role. */
#include "tests/unit/aws/answers.h"

#include <stdio.h>

#include "agent/aws/sts.h"

static void close_form(struct request *f)
{
	request_close(f);
}

static void requests_ask_for_an_hour_under_the_commands_name(void **state)
{
	CLEANUP(close_form) struct request who, assume;

	(void)state;
	sts_get_caller_identity(&who);
	assert_string_equal(buf_str(&who.body), "Action=GetCallerIdentity&Version=2011-06-15");
	sts_assume_role(&assume, "arn:aws:iam::123456789012:role/r", "cmd-1", "cmd-1");
	EXPECT_PAIRS(&assume, "Action=AssumeRole", "Version=2011-06-15", "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr",
		     "RoleSessionName=cmd-1", "SourceIdentity=cmd-1", "DurationSeconds=3600");
}

#define WHO(arn, user, account)                                                                                                    \
	"<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>" arn        \
	"</Arn><UserId>" user "</UserId><Account>" account "</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"

static void an_assumed_role_is_taken_apart(void **state)
{
	ANSWER(a, WHO("arn:aws-cn:sts::123456789012:assumed-role/acme-role-1/i-0123", "AROAEXAMPLE:i-0123", "123456789012"));
	struct sts_identity id;

	(void)state;
	assert_int_equal(sts_read_identity(a.root, &id, NULL), 0);
	assert_string_equal(id.account, "123456789012");
	assert_string_equal(id.partition, "aws-cn");
	assert_string_equal(id.role, "acme-role-1");
	assert_string_equal(id.session, "i-0123");
	assert_string_equal(id.role_id, "AROAEXAMPLE");
}

static void whatever_is_no_assumed_role_is_an_error_and_changes_nothing(void **state)
{
	static const char *const cases[] = {
		"<GetCallerIdentityResponse/>",
		WHO("arn:aws:iam::123456789012:user/bob", "AIDA", "123456789012"),
		WHO("arn:aws:iam::123456789012:root", "123456789012", "123456789012"),
		WHO("arn:aws:sts::123456789012:federated-user/bob", "123456789012:bob", "123456789012"),
		WHO("arn:aws:sts::999999999999:assumed-role/r/s", "AROA:s", "123456789012"),
		WHO("arn:aws:sts::123456789012:assumed-role/r/s", "AROA:other", "123456789012"),
		WHO("arn:aws:sts::123456789012:assumed-role/r/s", "AROA", "123456789012"),
		WHO("arn:aws:sts::123456789012:assumed-role/r/", "AROA:", "123456789012"),
		WHO("arn:aws:sts::123456789012:assumed-role//s", "AROA:s", "123456789012"),
		WHO("arn:aws:sts::123456789012:assumed-role/r", "AROA:", "123456789012"),
		WHO("arn:aws:sts::12345678901:assumed-role/r/s", "AROA:s", "12345678901"),
		WHO("arn:aws:sts::12345678901x:assumed-role/r/s", "AROA:s", "12345678901x"),
		WHO("arn:aws:sts::1234567890123:assumed-role/r/s", "AROA:s", "1234567890123"),
		WHO("", "", "123456789012"),
		WHO("<a>arn:aws:sts::123456789012:assumed-role/r/s</a>", "AROA:s", "123456789012"),
		WHO("arn:aws:sts::123456789012:assumed-role/"
		    "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr/s",
		    "AROA:s", "123456789012"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ANSWER(a, cases[i]);
		struct sts_identity id = { .account = "kept" };
		struct err e;

		assert_int_equal(sts_read_identity(a.root, &id, &e), -ERR_INVALID);
		assert_string_equal(id.account, "kept");
	}
}

#define KEYS(id, secret, token, expires)                                                                                           \
	"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" id "</AccessKeyId><SecretAccessKey>" secret             \
	"</SecretAccessKey><SessionToken>" token "</SessionToken><Expiration>" expires                                             \
	"</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"

static void keys_of_a_role_are_read_with_a_fraction_in_their_expiry(void **state)
{
	ANSWER(a, KEYS("ASIA1", "s/+=", "t==", "2026-11-22T06:02:01.892447Z"));
	struct keys k = { 0 };

	(void)state;
	assert_int_equal(sts_read_keys(a.root, &k, NULL), 0);
	assert_string_equal(k.id, "ASIA1");
	assert_string_equal(k.secret.bytes, "s/+=");
	assert_string_equal(k.token.bytes, "t==");
	assert_int_equal(k.expires_ms % 1000, 892);
	keys_close(&k);
}

static void keys_that_are_not_whole_change_nothing(void **state)
{
	static const char *const cases[] = {
		"<AssumeRoleResponse/>",
		KEYS("", "s", "t", "2026-11-22T06:02:01Z"),
		KEYS("A", "", "t", "2026-11-22T06:02:01Z"),
		KEYS("A", "s", "", "2026-11-22T06:02:01Z"),
		KEYS("A", "s", "t", ""),
		KEYS("A", "s", "t", "tomorrow"),
		KEYS("A", "s", "t&#13;&#10;X-Evil: 1", "2026-11-22T06:02:01Z"),
		KEYS("A B", "s", "t", "2026-11-22T06:02:01Z"),
		KEYS("A\xc3\xa4", "s", "t", "2026-11-22T06:02:01Z"),
		KEYS("<x>A</x>", "s", "t", "2026-11-22T06:02:01Z"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ANSWER(a, cases[i]);
		struct keys k = { .id = "kept", .expires_ms = 1 };
		struct err e;

		assert_int_equal(sts_read_keys(a.root, &k, &e), -ERR_INVALID);
		assert_string_equal(k.id, "kept");
		assert_null(k.secret.bytes);
		assert_int_equal(k.expires_ms, 1);
	}
}

static void a_token_too_long_for_a_header_is_refused(void **state)
{
	CLEANUP(mem_close) char *token = mem_alloc(20001), *text = mem_alloc(21000);
	struct keys k = { 0 };

	(void)state;
	memset(token, 't', 20000);
	snprintf(text, 21000, KEYS("A", "s", "%s", "2026-11-22T06:02:01Z"), token);
	ANSWER(a, text);
	assert_int_equal(sts_read_keys(a.root, &k, NULL), -ERR_INVALID);
	assert_string_equal(k.id, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_ask_for_an_hour_under_the_commands_name),
		cmocka_unit_test(an_assumed_role_is_taken_apart),
		cmocka_unit_test(whatever_is_no_assumed_role_is_an_error_and_changes_nothing),
		cmocka_unit_test(keys_of_a_role_are_read_with_a_fraction_in_their_expiry),
		cmocka_unit_test(keys_that_are_not_whole_change_nothing),
		cmocka_unit_test(a_token_too_long_for_a_header_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
