/* test_detect_aws.c - keys of AWS in lines as they are written, and what only looks like one. */
#include "tests/unit/shippers/detecting.h"

/* clang-format off */
static const char *const found[] = {
	"key →AKIAIOSFODNN7EXAMPLE←.",
	"→ASIAIOSFODNN7EXAMPLE← expired",
	"2026-03-01 12:00:00,123 WARN (main|1) [S3Storage.init():88] access key →AKIAIOSFODNN7EXAMPLE←, retry",
	"url=http%3A%2F%2Fb%3Fk%3D→AKIAIOSFODNN7EXAMPLE←%26x",
	"arn:aws:sts::123456789012:assumed-role/x, unique id →AROADBQP57FF2AEXAMPLE←:i-0abc",
	"I0301 12:00:00.123456 17 s3_util.cpp:90] user →AIDACKCEVSQ6C2EXAMPLE← made it",
	"→AKIAIOSFODNN7EXAMPLEASIAIOSFODNN7EXAMPLE← run together",
	"\"AWS_SECRET_KEY\" = \"→wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY←\"",
	"aws_secret_access_key=→wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY←",
	"{\"SecretAccessKey\":\"→wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY←\",\"x\":1}",
	"secret →wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY← of →AKIAIOSFODNN7EXAMPLE←",
	"CREATE RESOURCE r PROPERTIES('s3.secret_key'='→wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY←')",
	"Exception: bad key →AKIAIOSFODNN7EXAMPLE←\n\tat org.apache.doris.S3.x(S3.java:1)\n",
	"export SECRET='→wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY←'",
	"s3://b/k?X-Amz-Credential=→ASIAIOSFODNN7EXAMPLE←/20260301/us-east-1/s3/aws4_request",
	"用户→AKIAIOSFODNN7EXAMPLE←已过期",
};

static const char *const left[] = {
	"",
	"2026-03-01 00:00:00,000 DEBUG (stream-load-30|42057) [PublishVersionDaemon.tryFinishTxn():171] tablet 1753512507 is HEALTHY",
	"AKIA is how keys begin",
	"AKIAIOSFODNN7EXAMPL",
	"AKIAiosfodnn7example",
	"AXIAIOSFODNN7EXAMPLE",
	"commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
	"I0301 12:00:00.123456 17 tablet.cpp:90] rowset 020000000000a1b2c3d4e5f60718293a4b5c6d7e",
	"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY without a word before it",
	"secret is rotated every 30 days",
	"secret_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCY",
	"secret_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEYwJalrXUtnFEMI",
	"the secret of it, and much later on in the very same line of a log, far away: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	"\tat org.apache.doris.catalog.InternalSchemaInitializer.run(InternalSchemaInitializer.java:131)",
	"[REDACTED:aws_keys]",
	"JAVA_HOME is set, DATA is there, AREA A, ALFA",
};
/* clang-format on */

static void ids_and_secrets_of_aws_are_found(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_AWS_KEYS, found, ARRAY_LEN(found));
}

static void what_only_looks_like_a_key_of_aws_is_left(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_AWS_KEYS, left, ARRAY_LEN(left));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_and_secrets_of_aws_are_found),
		cmocka_unit_test(what_only_looks_like_a_key_of_aws_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
