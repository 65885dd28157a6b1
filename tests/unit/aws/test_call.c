/* test_call.c - one signed call: what is sent, how long it stays away when AWS asks for it, and how it ends before its time. */
#include "tests/unit/aws/caller.h"
#include "agent/aws/sts.h"

static void a_call_is_signed_for_the_host_it_goes_to(void **state)
{
	struct cloud *c = *state;
	const struct seen *s;
	struct caller r;

	CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK);
	caller_open(&r, c, NULL);
	assert_int_equal(caller_read(&r), AWS_OK);
	assert_string_equal(r.call.request_id, "req-1");
	assert_non_null(r.call.xml);
	assert_int_equal(r.call.attempts, 1);
	assert_string_equal(r.call.key_id, "ASIA1");
	s = cloud_seen(c, EC2_URL, 0);
	assert_string_equal(s->line, "POST " EC2_URL " Action=DescribeVpcs&Version=2016-11-15");
	assert_string_equal(seen_header(s, "Host"), "ec2.us-east-1.amazonaws.com");
	assert_string_equal(seen_header(s, "Content-Type"), "application/x-www-form-urlencoded; charset=utf-8");
	assert_string_equal(seen_header(s, "User-Agent"), "reeve/0.1.0 cmd/cmd-1");
	assert_string_equal(seen_header(s, "X-Amz-Security-Token"), "token-ASIA1");
	assert_string_equal(seen_header(s, "amz-sdk-request"), "attempt=1; max=3");
	assert_int_equal(strlen(seen_header(s, "amz-sdk-invocation-id")), 36);
	assert_non_null(strstr(seen_header(s, "Authorization"),
			       "/us-east-1/ec2/aws4_request, "
			       "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "));
	caller_close(&r);
}

/* AWS JSON: the action stands in a header, and who could change that could ask for another. */
static void headers_of_a_protocol_are_sent_and_signed(void **state)
{
	struct cloud *c = *state;
	const struct seen *s;
	struct caller r;

	CLOUD(c, .match = EC2_URL, .status = 200, .body = "{\"KeyId\": \"k-1\"}");
	caller_open(&r, c, NULL);
	r.call.req = (struct request){ .service = &ec2_service,
				       .action = "CreateKey",
				       .method = "POST",
				       .content_type = "application/x-amz-json-1.1",
				       .path = "/",
				       .query = "",
				       .body = BUF_MAX(4096),
				       .headers = { { "X-Amz-Target", "TrentService.CreateKey" } },
				       .shape = REQUEST_JSON };
	buf_adds(&r.call.req.body, "{}");
	aws_call_start(r.aws, &r.call, r.creds, caller_on_call);
	cloud_wait(c, &r.done);
	assert_int_equal(r.call.class, AWS_OK);
	assert_string_equal(json_string_value(json_object_get(r.call.json, "KeyId")), "k-1");
	s = cloud_seen(c, EC2_URL, 0);
	assert_string_equal(seen_header(s, "X-Amz-Target"), "TrentService.CreateKey");
	assert_non_null(strstr(seen_header(s, "Authorization"), ";x-amz-target, "));
	caller_close(&r);
}

static void an_override_is_where_it_goes_and_what_it_signs(void **state)
{
	static const struct {
		const char *endpoint, *url, *host;
	} cases[] = {
		{ "http://127.0.0.1:5000", "http://127.0.0.1:5000/", "127.0.0.1:5000" },
		{ "http://LocalHost:80/", "http://LocalHost:80/", "localhost" },
		{ "https://vpce-1.ec2.us-east-1.vpce.amazonaws.com:443/gate",
		  "https://vpce-1.ec2.us-east-1.vpce.amazonaws.com:443/gate", "vpce-1.ec2.us-east-1.vpce.amazonaws.com" },
		{ "https://h:80", "https://h:80/", "h:80" },
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct caller r;

		c->rules_n = 0;
		CLOUD(c, .match = cases[i].url, .status = 200, .body = READ_OK);
		caller_open(&r, c, cases[i].endpoint);
		assert_int_equal(caller_read(&r), AWS_OK);
		assert_string_equal(seen_header(cloud_seen(c, cases[i].url, 0), "Host"), cases[i].host);
		caller_close(&r);
	}
}

static void the_regional_host_is_told_whatever_the_override(void **state)
{
	struct cloud *c = *state;
	const struct aws_endpoint elsewhere = { "sts", "http://127.0.0.1:1" };
	const struct aws_config cfg = {
		.region = "cn-north-1", .suffix = "amazonaws.com.cn", .version = "0", .endpoints = &elsewhere, .endpoints_n = 1
	};
	struct aws *a = aws_new(c->w, &cfg);
	CLEANUP(buf_close) struct buf b = BUF_MAX(256);

	aws_host(a, &sts_service, &b);
	assert_string_equal(buf_str(&b), "sts.cn-north-1.amazonaws.com.cn");
	assert_string_equal(aws_region(a), "cn-north-1");
	aws_free(a);
	aws_free(NULL);
}

/* ---- throttles and capacity ------------------------------------------------------------------------------------------------ */

static void a_throttled_read_waits_signs_anew_and_succeeds(void **state)
{
	struct cloud *c = *state;
	const struct seen *one, *two;
	struct caller r;

	CLOUD(c, .match = EC2_URL, .status = 503, .body = EC2_ERROR("RequestLimitExceeded", "slow"), .times = 2, .delay_ms = 2000);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK);
	caller_open(&r, c, NULL);
	assert_int_equal(caller_read(&r), AWS_OK);
	assert_int_equal(r.call.attempts, 3);
	assert_string_equal(r.call.code, "");
	one = cloud_seen(c, EC2_URL, 0);
	two = cloud_seen(c, EC2_URL, 1);
	assert_string_equal(seen_header(two, "amz-sdk-invocation-id"), seen_header(one, "amz-sdk-invocation-id"));
	assert_string_equal(seen_header(two, "amz-sdk-request"), "attempt=2; max=3");
	assert_string_not_equal(seen_header(two, "Authorization"), seen_header(one, "Authorization"));
	assert_string_equal(two->line, one->line);
	caller_close(&r);
}

static void a_throttle_that_stays_is_told_after_three_attempts(void **state)
{
	struct cloud *c = *state;
	struct aws_call call;

	assert_int_equal(BEHIND(c, false, &call, .status = 503, .body = EC2_ERROR("RequestLimitExceeded", "slow")), AWS_THROTTLED);
	assert_int_equal(cloud_count(c, EC2_URL), 3);
	assert_string_equal(call.code, "RequestLimitExceeded");
	assert_string_equal(call.request_id, "req-9");
	assert_string_equal(call.err.text, "DescribeVpcs: RequestLimitExceeded (HTTP 503): slow");
	assert_int_equal(call.err.code, ERR_AGAIN);
}

/* Before each attempt of a change the customer's switches are asked: so each is its asker's. */
static void a_throttled_launch_is_told_at_once_with_how_long_to_stay_away(void **state)
{
	struct cloud *c = *state;
	uint64_t longest = 0;
	struct caller r;

	CLOUD(c, .match = EC2_URL, .status = 503, .body = EC2_ERROR("RequestLimitExceeded", "slow"));
	caller_open(&r, c, NULL);
	assert_int_equal(caller_launch(&r), AWS_THROTTLED);
	assert_int_equal(cloud_count(c, EC2_URL), 1);
	assert_string_equal(seen_header(cloud_seen(c, EC2_URL, 0), "amz-sdk-request"), "attempt=1; max=1");
	assert_in_range(r.call.retry_after_ms, 1, 1000);
	for (r.earlier = 4; r.earlier < 20; r.earlier++) {
		assert_int_equal(caller_launch(&r), AWS_THROTTLED);
		longest = r.call.retry_after_ms > longest ? r.call.retry_after_ms : longest;
	}
	assert_in_range(longest, 4000, 20000);
	caller_close(&r);
}

static void a_hint_of_aws_is_followed_within_five_seconds(void **state)
{
	struct cloud *c = *state;
	uint64_t between_ms;

	BEHIND(c, false, NULL, .status = 503, .body = EC2_ERROR("RequestLimitExceeded", "slow"),
	       .head = "x-amz-retry-after: 4000\n");
	between_ms = cloud_seen(c, EC2_URL, 1)->at_ms - cloud_seen(c, EC2_URL, 0)->at_ms;
	assert_in_range(between_ms, 4000, 4200);
	BEHIND(c, false, NULL, .status = 503, .body = EC2_ERROR("RequestLimitExceeded", "slow"),
	       .head = "x-amz-retry-after: 99999999\n");
	between_ms = cloud_seen(c, EC2_URL, 1)->at_ms - cloud_seen(c, EC2_URL, 0)->at_ms;
	assert_in_range(between_ms, 5000, 6200);
	BEHIND(c, false, NULL, .status = 503, .body = EC2_ERROR("RequestLimitExceeded", "slow"),
	       .head = "x-amz-retry-after: 99999999999999999999999\n");
	between_ms = cloud_seen(c, EC2_URL, 1)->at_ms - cloud_seen(c, EC2_URL, 0)->at_ms;
	assert_in_range(between_ms, 5000, 6200);
}

static void missing_capacity_is_told_at_once_though_it_says_500(void **state)
{
	struct cloud *c = *state;
	struct aws_call call;

	assert_int_equal(BEHIND(c, true, &call, .status = 500, .body = EC2_ERROR("InsufficientInstanceCapacity", "none")),
			 AWS_CAPACITY);
	assert_int_equal(cloud_count(c, EC2_URL), 1);
}

/* ---- ends ---------------------------------------------------------------------------------------------------------------- */

static void a_call_can_be_canceled_at_any_step(void **state)
{
	struct cloud *c = *state;

	CLOUD(c, .match = EC2_URL, .status = 503, .body = EC2_ERROR("RequestLimitExceeded", "slow"));
	for (unsigned steps = 0; steps < 30; steps++) {
		struct caller r;

		c->rules_n = 1;
		caller_open(&r, c, NULL);
		caller_start(&r, "RunInstances", true);
		for (unsigned i = 0; i < steps && !r.done; i++)
			sim_step(c->w);
		if (!r.done) {
			aws_call_cancel(&r.call);
			aws_call_cancel(&r.call);
			assert_false(r.done);
			cloud_wait(c, &r.done);
			assert_true(r.call.canceled);
			assert_int_equal(r.call.class, AWS_AMBIGUOUS);
			assert_int_equal(r.call.err.code, ERR_CANCELED);
		}
		aws_call_cancel(&r.call); /* harmless when idle */
		caller_close(&r);
	}
}

static void a_request_that_did_not_fit_is_never_sent(void **state)
{
	CLEANUP(mem_close) char *big = mem_alloc(REQUEST_MAX_BYTES + 1);
	struct cloud *c = *state;
	struct caller r;

	memset(big, 'x', REQUEST_MAX_BYTES);
	caller_open(&r, c, NULL);
	request_query(&r.call.req, &ec2_service, "RunInstances", "2016-11-15");
	request_add(&r.call.req, big, "UserData");
	aws_call_start(r.aws, &r.call, r.creds, caller_on_call);
	assert_false(r.done);
	cloud_wait(c, &r.done);
	assert_int_equal(r.call.class, AWS_INVALID);
	assert_int_equal(c->seen_n, 0);
	caller_close(&r);
}

static void a_call_may_be_started_again_as_it_is(void **state)
{
	struct cloud *c = *state;
	struct caller r;

	CLOUD(c, .match = EC2_URL, .status = 500, .body = EC2_ERROR("InsufficientInstanceCapacity", "x"), .times = 1);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = RUN_OK);
	caller_open(&r, c, NULL);
	assert_int_equal(caller_launch(&r), AWS_CAPACITY);
	r.done = false;
	aws_call_start(r.aws, &r.call, r.creds, caller_on_call);
	cloud_wait(c, &r.done);
	assert_int_equal(r.call.class, AWS_OK);
	assert_string_equal(r.call.code, "");
	assert_string_equal(cloud_seen(c, EC2_URL, 0)->line, cloud_seen(c, EC2_URL, 1)->line);
	caller_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOUD_TEST(a_call_is_signed_for_the_host_it_goes_to),
		CLOUD_TEST(headers_of_a_protocol_are_sent_and_signed),
		CLOUD_TEST(an_override_is_where_it_goes_and_what_it_signs),
		CLOUD_TEST(the_regional_host_is_told_whatever_the_override),
		CLOUD_TEST(a_throttled_read_waits_signs_anew_and_succeeds),
		CLOUD_TEST(a_throttle_that_stays_is_told_after_three_attempts),
		CLOUD_TEST(a_throttled_launch_is_told_at_once_with_how_long_to_stay_away),
		CLOUD_TEST(a_hint_of_aws_is_followed_within_five_seconds),
		CLOUD_TEST(missing_capacity_is_told_at_once_though_it_says_500),
		CLOUD_TEST(a_call_can_be_canceled_at_any_step),
		CLOUD_TEST(a_request_that_did_not_fit_is_never_sent),
		CLOUD_TEST(a_call_may_be_started_again_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
