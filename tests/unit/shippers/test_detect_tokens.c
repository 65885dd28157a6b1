/* test_detect_tokens.c - tokens and passwords in lines as they are written, and what only sounds like one. */
#include "tests/unit/shippers/detecting.h"

/* clang-format off */
static const char *const found[] = {
	"Authorization: Bearer →eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_123←",
	"got →eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln←, expired",
	"bearer →0123456789abcdef← refused",
	"BEARER →ya29.a0AfH6SMBabcdefghijklmnop←",
	"remote: →ghp_0123456789abcdefghijABCDEFGHIJ012345← denied",
	"→github_pat_11ABCDEFG0123456789_abcdefghij←",
	"→glpat-0123456789abcdefghij← →xoxb-123456789012-abcdefghij← →xapp-1-A0123456789-x←",
	"stripe →sk_live_0123456789abcdef← npm →npm_0123456789abcdefghijABCDEFGHIJ012345←",
	"maps →AIzaSyA-0123456789abcdefghijABCDEFGHIJ0←",
	"password=→hunter2← user=x",
	"2026-03-01 12:00:00,1 INFO (main|1) [Auth.check():9] user root, passwd: →hunter2←, host x",
	"{\"user\":\"a\",\"password\":\"→a \\\"b\\\" c←\",\"n\":1}",
	"{\\\"token\\\":\\\"→abc def←\\\",\\\"n\\\":1}",
	"--password →hunter2← --host x",
	"mysql://root:→hunter2←@10.0.0.1:9030/db",
	"jdbc:mysql://h/db?user=u&password=→p%40ss←&useSSL=true",
	"CREATE USER 'u' IDENTIFIED BY '→p←' x",
	"SET PASSWORD FOR 'u' = PASSWORD('→s3cret←')",
	"api_key=→k-1← x-api-key: →k2← accessKey=\"→AK←\"",
	"client_secret: \"→open to the end←",
	"tokenValue=→abc← TOKEN: →def← clientToken := →ghi←",
	"Proxy-Authorization: Basic →dXNlcjpwYXNz←",
	"X-Amz-Security-Token=→FwoGZXIvYXdzE← X-Amz-Signature=→deadbeef←&x",
	"credentials=→abc← pwd='→a b←'",
	"java.lang.IllegalStateException: login\n\tpassword: →hunter2←\n\tat A.b(A.java:1)",
	"密码 password=→密碼1，好← token=→x←",
};

static const char *const left[] = {
	"2026-03-01 00:00:00,000 DEBUG (stream-load-30|42057) [PublishVersionDaemon.tryFinishTxn():171] tablet 1753512507 is HEALTHY",
	"tokenizer=standard tokenized: 5 passwordless=yes secretary=bob",
	"tokens: 512, max_tokens=4096, secrets=3",
	"bearer authentication is not on",
	"the bearer of this",
	"password for user root is wrong",
	"password=null token: none secret=true pwd=\"\" api_key=***** ",
	"password=[REDACTED:password] token=\"[HMAC:tokens:0123456789abcdef]\"",
	"Authorization: Bearer [REDACTED:tokens]",
	"eyJ is how they begin, eyJhbGciOiJIUzI1NiJ9 alone is a header",
	"ghp_short npm_install AIza sk_live_x xoxb-1 glpat-",
	"http://host:8030/api/meta https://example.com/a@b ftp://anonymous@host/",
	"identified by its name, IDENTIFIED WITH x",
	"I0301 12:00:00.123456 17 token_bucket.cpp:90] bucket 12 of token bucket filled",
	"\tat org.apache.doris.mysql.privilege.Auth.checkPassword(Auth.java:131)",
	"secret:\n  next line",
	"task-1 disk-2 risk-proj sk-x ask_live_0123456789abcdef",
	"TOKENIZER = x PASSWORDLESS: y",
	"unauthorized: 401, authorized=yes",
};
/* clang-format on */

static void tokens_and_the_values_of_secret_keys_are_found(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_TOKENS, found, ARRAY_LEN(found));
}

static void what_only_sounds_like_a_secret_is_left(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_TOKENS, left, ARRAY_LEN(left));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_and_the_values_of_secret_keys_are_found),
		cmocka_unit_test(what_only_sounds_like_a_secret_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
