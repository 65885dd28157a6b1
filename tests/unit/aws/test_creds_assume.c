/* test_creds_assume.c - the operate role as a source: whose keys sign, what STS is told, and what a refusal is. */
#include "tests/unit/aws/askers.h"

#include "agent/aws/call.h"
#include "agent/base/str.h"

#define STS_URL "https://sts.us-east-1.amazonaws.com/"

static const char *assume_answer(struct cloud *c, const char *id, int64_t life_ms)
{
	static char texts[4][1024];
	static unsigned next;
	char stamp[STAMP_RFC3339_LEN];
	char *to = texts[next++ % 4];

	snprintf(
	    to, sizeof(texts[0]),
	    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
	    "<SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
	    id, stamp_rfc3339(world_wall_ms(c->w) + life_ms, stamp));
	return to;
}

struct op {
	struct aws *aws;
	struct role instance;
	struct creds *creds;
};

static struct op open_op(struct cloud *c)
{
	const struct aws_config cfg = { .region = "us-east-1", .suffix = "amazonaws.com", .version = "0" };
	struct op op = { .aws = aws_new(c->w, &cfg), .instance = open_role(c) };

	op.creds = creds_new_assume(c->w, op.aws, op.instance.creds, "arn:aws:iam::1:role/op", "cmd-1");
	return op;
}

static void close_op(struct cloud *c, struct op *op)
{
	close_creds(c, op->creds);
	close_role(c, &op->instance);
	aws_free(op->aws);
}

static void serve_role_for(struct cloud *c, const char *id, int64_t life_ms)
{
	c->rules_n = 0;
	CLOUD(c, .match = STS_URL, .status = 200, .body = assume_answer(c, id, life_ms));
	cloud_imds(c);
}

static void serve_role(struct cloud *c, const char *id)
{
	serve_role_for(c, id, HOUR_MS);
}

static void serve_refusal(struct cloud *c, int status, const char *body)
{
	c->rules_n = 0;
	CLOUD(c, .match = STS_URL, .status = status, .body = body);
	cloud_imds(c);
}

static void the_operate_role_is_assumed_with_the_keys_of_the_instance(void **state)
{
	struct cloud *c = *state;
	struct op op = open_op(c);
	struct ask a[5] = { 0 };

	serve_role(c, "ASIAOP");
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		start(op.creds, &a[i]);
	for (size_t i = 0; i < ARRAY_LEN(a); i++) {
		cloud_wait(c, &a[i].done);
		assert_string_equal(a[i].req.keys.id, "ASIAOP");
		keys_close(&a[i].req.keys);
	}
	assert_int_equal(cloud_count(c, STS_URL), 1);
	assert_non_null(strstr(cloud_seen(c, STS_URL, 0)->line, "SourceIdentity=cmd-1"));
	assert_non_null(strstr(seen_header(cloud_seen(c, STS_URL, 0), "Authorization"), "Credential=ASIA1/"));
	assert_string_equal(seen_header(cloud_seen(c, STS_URL, 0), "User-Agent"), "reeve/0 cmd/cmd-1");
	close_op(c, &op);
}

static void a_role_that_was_taken_away_is_a_denial(void **state)
{
	struct cloud *c = *state;
	struct op op = open_op(c);
	struct ask a = { 0 };

	serve_refusal(c, 403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>");
	assert_int_equal(ask(c, op.creds, &a), -ERR_DENIED);
	assert_int_equal(cloud_count(c, STS_URL), 1);
	start(op.creds, &a);
	close_op(c, &op);
	assert_int_equal(a.rc, -ERR_CANCELED);
}

/* An operation waits: STS is asked again within half a minute, not after the five of a renewal that can wait. */
static void refused_keys_are_replaced_soon_after_sts_is_back(void **state)
{
	struct cloud *c = *state;
	struct op op = open_op(c);
	struct ask a = { 0 };

	serve_role(c, "ASIAOP1");
	assert_int_equal(ask(c, op.creds, &a), 0);
	keys_close(&a.req.keys);
	serve_refusal(c, 403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>");
	creds_reject(op.creds, "ASIAOP1");
	assert_int_equal(ask(c, op.creds, &a), -ERR_DENIED);
	serve_refusal(c, 503, "");
	assert_int_equal(ask(c, op.creds, &a), 0); /* AWS decides */
	keys_close(&a.req.keys);
	serve_role(c, "ASIAOP2");
	cloud_pass(c, 31000);
	assert_int_equal(ask(c, op.creds, &a), 0);
	assert_string_equal(a.req.keys.id, "ASIAOP2");
	keys_close(&a.req.keys);
	close_op(c, &op);
}

/* ---- while it goes on trying ---- */

static unsigned told_n;

static void on_again(struct creds_req *req)
{
	assert_non_null(strstr(err_text(&req->err), "the role arn:aws:iam::1:role/op cannot be assumed: AssumeRole: "));
	assert_string_equal(req->why.action, "sts:AssumeRole");
	assert_int_equal(req->why.class, AWS_AMBIGUOUS);
	told_n++;
}

/* Sts is tried three times. Who asks while the second is under way hears at once of the first. */
static void each_try_that_fails_is_told_and_who_comes_late_hears_of_the_last(void **state)
{
	struct cloud *c = *state;
	struct op op = open_op(c);
	struct ask a = { .req.again = on_again }, b = { .req.again = on_again };

	told_n = 0;
	c->rules_n = 0;
	CLOUD(c, .match = STS_URL, .status = -ERR_TIMEOUT, .delay_ms = 20000);
	cloud_imds(c);
	start(op.creds, &a);
	cloud_pass(c, 15000);
	assert_int_equal(told_n, 0);
	cloud_pass(c, 10000);
	assert_int_equal(told_n, 1);
	start(op.creds, &b);
	cloud_pass(c, 100);
	assert_int_equal(told_n, 2);
	cloud_pass(c, 20000);
	assert_int_equal(told_n, 4);
	cloud_wait(c, &a.done);
	cloud_wait(c, &b.done);
	assert_int_equal(told_n, 4);
	assert_int_equal(b.req.why.class, AWS_AMBIGUOUS);
	close_op(c, &op);
}

static void a_denial_tells_the_words_and_the_code_of_sts(void **state)
{
	struct cloud *c = *state;
	struct op op = open_op(c);
	struct ask a = { 0 };

	serve_refusal(c, 403,
		      "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error><RequestId>req-1</RequestId>"
		      "</ErrorResponse>");
	assert_int_equal(ask(c, op.creds, &a), -ERR_DENIED);
	assert_string_equal(err_text(&a.req.err),
			    "the role arn:aws:iam::1:role/op cannot be assumed: AssumeRole: AccessDenied (HTTP 403): no");
	assert_string_equal(a.req.why.action, "sts:AssumeRole");
	assert_int_equal(a.req.why.class, AWS_DENIED);
	assert_string_equal(a.req.why.code, "AccessDenied");
	assert_string_equal(a.req.why.request_id, "req-1");
	close_op(c, &op);
}

/* STS was not asked: what stands behind it is told. */
static void without_keys_to_sign_with_it_is_those_that_are_told(void **state)
{
	struct cloud *c = *state;
	struct op op = open_op(c);
	struct ask a = { 0 };

	c->rules_n = 0;
	CLOUD(c, .match = "security-credentials", .status = 404);
	cloud_imds(c);
	assert_int_not_equal(ask(c, op.creds, &a), 0);
	assert_string_equal(a.req.why.action, "");
	assert_int_equal(a.req.why.class, AWS_INVALID);
	assert_true(str_starts(err_text(&a.req.err), "the role arn:aws:iam::1:role/op cannot be assumed: AssumeRole was not sent"));
	close_op(c, &op);
}

static void closing_cancels_askers_at_any_step_of_a_renewal(void **state)
{
	struct cloud *c = *state;

	serve_role(c, "ASIAOP");
	for (unsigned steps = 0; steps < 24; steps++) {
		struct op op = open_op(c);
		struct ask a = { 0 };

		start(op.creds, &a);
		for (unsigned i = 0; i < steps; i++)
			sim_step(c->w);
		close_op(c, &op);
		assert_true(a.done);
		assert_true(a.rc == -ERR_CANCELED || a.rc == 0);
		keys_close(&a.req.keys);
	}
}

/* By the code, whatever the status; beside keys that are still good for a quarter of an hour. */
static void what_no_renewal_mends_is_raised_by_its_code(void **state)
{
	static const struct {
		const char *code;
		int rc;
	} cases[] = {
		{ "AccessDenied", -ERR_DENIED },
		{ "AccessDeniedException", -ERR_DENIED },
		{ "IDPRejectedClaim", -ERR_DENIED },
		{ "InvalidIdentityToken", -ERR_DENIED },
		{ "MalformedPolicyDocument", -ERR_DENIED },
		{ "MalformedPolicyDocumentException", -ERR_DENIED },
		{ "PackedPolicyTooLarge", -ERR_DENIED },
		{ "RegionDisabled", -ERR_DENIED },
		{ "RegionDisabledException", -ERR_DENIED },
		{ "RegionDisabledOnTuesdays", 0 },
		{ "ExpiredTokenException", 0 },
		{ "IDPCommunicationError", 0 },
		{ "Throttling", 0 },
		{ "InternalFailure", 0 },
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct op op = open_op(c);
		struct ask a = { 0 };
		CLEANUP(mem_close)
		char *body =
		    mem_printf("<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error></ErrorResponse>", cases[i].code);

		serve_role(c, "ASIAOP1");
		assert_int_equal(ask(c, op.creds, &a), 0);
		keys_close(&a.req.keys);
		cloud_pass(c, HOUR_MS - 12 * 60 * 1000);
		serve_refusal(c, i % 2 == 0 ? 403 : 400, body);
		assert_int_equal(ask(c, op.creds, &a), cases[i].rc);
		if (cases[i].rc != 0)
			assert_non_null(strstr(a.req.err.text, cases[i].code));
		keys_close(&a.req.keys);
		close_op(c, &op);
	}
}

/* To our clock all keys have ended, so a renewal is said to fail and is put off; what AWS refuses is renewed all the same. */
static void refused_keys_are_replaced_though_our_clock_is_ahead_of_their_end(void **state)
{
	struct cloud *c = *state;
	struct op op = open_op(c);
	struct ask a = { 0 };

	serve_role_for(c, "ASIAOP1", -HOUR_MS);
	assert_int_equal(ask(c, op.creds, &a), 0);
	keys_close(&a.req.keys);
	assert_int_equal(ask(c, op.creds, &a), 0);
	assert_string_equal(a.req.keys.id, "ASIAOP1");
	keys_close(&a.req.keys);
	serve_role_for(c, "ASIAOP2", -HOUR_MS + 1000);
	creds_reject(op.creds, "ASIAOP1");
	cloud_pass(c, 2000);
	assert_int_equal(ask(c, op.creds, &a), 0);
	assert_string_equal(a.req.keys.id, "ASIAOP2");
	keys_close(&a.req.keys);
	close_op(c, &op);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOUD_TEST(the_operate_role_is_assumed_with_the_keys_of_the_instance),
		CLOUD_TEST(a_role_that_was_taken_away_is_a_denial),
		CLOUD_TEST(each_try_that_fails_is_told_and_who_comes_late_hears_of_the_last),
		CLOUD_TEST(a_denial_tells_the_words_and_the_code_of_sts),
		CLOUD_TEST(without_keys_to_sign_with_it_is_those_that_are_told),
		CLOUD_TEST(refused_keys_are_replaced_soon_after_sts_is_back),
		CLOUD_TEST(what_no_renewal_mends_is_raised_by_its_code),
		CLOUD_TEST(closing_cancels_askers_at_any_step_of_a_renewal),
		CLOUD_TEST(refused_keys_are_replaced_though_our_clock_is_ahead_of_their_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
