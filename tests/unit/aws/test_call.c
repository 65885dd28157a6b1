/* test_call.c - one signed call against everything AWS and the network may do to it. */
#include "tests/unit/aws/cloud.h"

#include <time.h>

#include "agent/aws/call.h"

#define EC2_URL "https://ec2.us-east-1.amazonaws.com/"
#define READ_OK "<DescribeVpcsResponse><requestId>req-1</requestId><vpcSet/></DescribeVpcsResponse>"
#define RUN_OK "<RunInstancesResponse><requestId>req-2</requestId><instancesSet/></RunInstancesResponse>"
#define HTML "<!doctype html>\n<html lang=en><title>500 \"Internal\" Server Error</title>"
#define EC2_ERROR(code, text)                                                                                                      \
	"<?xml version=\"1.0\"?><Response><Errors><Error><Code>" code "</Code><Message>" text                                      \
	"</Message></Error></Errors><RequestID>req-9</RequestID></Response>"
#define QUERY_ERROR(code, text)                                                                                                    \
	"<ErrorResponse><Error><Type>Sender</Type><Code>" code "</Code><Message>" text                                             \
	"</Message></Error><RequestId>req-8</RequestId></ErrorResponse>"

/* A call in its cloud: metadata service, cache, config. */
struct bench {
	struct cloud *c;
	struct imds *im;
	struct creds *creds;
	struct aws *aws;
	struct aws_call call;
	unsigned earlier; /* attempts before the next call */
	bool done;
};

static void open_bench(struct bench *b, struct cloud *c, const char *endpoint)
{
	const struct aws_config cfg = {
		.region = "us-east-1", .suffix = "amazonaws.com", .version = "0.1.0", .endpoints = { endpoint }
	};

	*b = (struct bench){ .c = c, .im = imds_new(c->w, IMDS_URL), .aws = aws_new(c->w, &cfg) };
	b->creds = creds_new_imds(c->w, b->im);
	cloud_imds(c);
}

static void close_bench(struct bench *b)
{
	bool done = false;

	aws_call_close(&b->call);
	creds_close(b->creds, cloud_done, &done);
	cloud_wait(b->c, &done);
	cloud_close_imds(b->c, b->im);
	aws_free(b->aws);
}

static void on_call(struct aws_call *c)
{
	struct bench *b = container_of(c, struct bench, call);

	assert_false(b->done);
	b->done = true;
}

static void start(struct bench *b, enum aws_service service, const char *action, bool mutating)
{
	aws_call_close(&b->call);
	b->call = (struct aws_call){ .service = service, .mutating = mutating, .earlier = b->earlier, .command = "cmd-1" };
	form_start(&b->call.form, action, "2016-11-15");
	b->done = false;
	aws_call_start(b->aws, &b->call, b->creds, on_call);
	assert_false(b->done);
}

static enum aws_class run(struct bench *b, enum aws_service service, const char *action, bool mutating)
{
	start(b, service, action, mutating);
	cloud_wait(b->c, &b->done);
	return b->call.class;
}

static enum aws_class read_vpcs(struct bench *b)
{
	return run(b, AWS_EC2, "DescribeVpcs", false);
}

static enum aws_class launch(struct bench *b)
{
	return run(b, AWS_EC2, "RunInstances", true);
}

/* One call, `mutating` or not, in a new bench behind one rule that answers for ever. */
static enum aws_class run_behind(struct cloud *c, bool mutating, struct rule r, struct aws_call *ret)
{
	struct bench b;
	enum aws_class class;

	c->rules_n = 0;
	cloud_forget(c);
	r.match = EC2_URL;
	cloud_rule(c, r);
	open_bench(&b, c, NULL);
	class = mutating ? launch(&b) : read_vpcs(&b);
	if (ret != NULL) {
		*ret = b.call;
		ret->xml = NULL;
	}
	close_bench(&b);
	return class;
}
#define BEHIND(c, mutating, ret, ...) run_behind((c), (mutating), (struct rule){ __VA_ARGS__ }, (ret))

/* ---- what is sent -------------------------------------------------------------------------------------------------------- */

static void a_call_is_signed_for_the_host_it_goes_to(void **state)
{
	struct cloud *c = *state;
	const struct seen *s;
	struct bench b;

	CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK);
	open_bench(&b, c, NULL);
	assert_int_equal(read_vpcs(&b), AWS_OK);
	assert_string_equal(b.call.request_id, "req-1");
	assert_non_null(b.call.xml);
	assert_int_equal(b.call.attempts, 1);
	assert_string_equal(b.call.key_id, "ASIA1");
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
	assert_false(s->direct);
	close_bench(&b);
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
		struct bench b;

		c->rules_n = 0;
		CLOUD(c, .match = cases[i].url, .status = 200, .body = READ_OK);
		open_bench(&b, c, cases[i].endpoint);
		assert_int_equal(read_vpcs(&b), AWS_OK);
		assert_string_equal(seen_header(cloud_seen(c, cases[i].url, 0), "Host"), cases[i].host);
		close_bench(&b);
	}
}

static void the_regional_host_is_told_whatever_the_override(void **state)
{
	struct cloud *c = *state;
	const struct aws_config cfg = { .region = "cn-north-1",
					.suffix = "amazonaws.com.cn",
					.version = "0",
					.endpoints = { [AWS_STS] = "http://127.0.0.1:1" } };
	struct aws *a = aws_new(c->w, &cfg);
	CLEANUP(buf_close) struct buf b = BUF_MAX(256);

	aws_host(a, AWS_STS, &b);
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
	struct bench b;

	CLOUD(c, .match = EC2_URL, .status = 503, .body = EC2_ERROR("RequestLimitExceeded", "slow"), .times = 2, .delay_ms = 2000);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK);
	open_bench(&b, c, NULL);
	assert_int_equal(read_vpcs(&b), AWS_OK);
	assert_int_equal(b.call.attempts, 3);
	assert_string_equal(b.call.code, "");
	one = cloud_seen(c, EC2_URL, 0);
	two = cloud_seen(c, EC2_URL, 1);
	assert_string_equal(seen_header(two, "amz-sdk-invocation-id"), seen_header(one, "amz-sdk-invocation-id"));
	assert_string_equal(seen_header(two, "amz-sdk-request"), "attempt=2; max=3");
	assert_string_not_equal(seen_header(two, "Authorization"), seen_header(one, "Authorization"));
	assert_string_equal(two->line, one->line);
	close_bench(&b);
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
	struct bench b;

	CLOUD(c, .match = EC2_URL, .status = 503, .body = EC2_ERROR("RequestLimitExceeded", "slow"));
	open_bench(&b, c, NULL);
	assert_int_equal(launch(&b), AWS_THROTTLED);
	assert_int_equal(cloud_count(c, EC2_URL), 1);
	assert_string_equal(seen_header(cloud_seen(c, EC2_URL, 0), "amz-sdk-request"), "attempt=1; max=1");
	assert_in_range(b.call.retry_after_ms, 1, 1000);
	for (b.earlier = 4; b.earlier < 20; b.earlier++) {
		assert_int_equal(launch(&b), AWS_THROTTLED);
		longest = b.call.retry_after_ms > longest ? b.call.retry_after_ms : longest;
	}
	assert_in_range(longest, 4000, 20000);
	close_bench(&b);
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
}

static void missing_capacity_is_told_at_once_though_it_says_500(void **state)
{
	struct cloud *c = *state;
	struct aws_call call;

	assert_int_equal(BEHIND(c, true, &call, .status = 500, .body = EC2_ERROR("InsufficientInstanceCapacity", "none")),
			 AWS_CAPACITY);
	assert_int_equal(cloud_count(c, EC2_URL), 1);
}

/* ---- no answer, and answers of strangers ------------------------------------------------------------------------------------ */

static void a_launch_without_an_answer_is_ambiguous_and_not_repeated(void **state)
{
	static const struct rule rules[] = {
		{ .status = -ERR_NET },
		{ .status = 0 }, /* hangs */
		{ .status = 500, .body = HTML },
		{ .status = 503, .body = "" },
		{ .status = 500, .body = EC2_ERROR("InternalError", "x") },
		{ .status = 200, .body = HTML },
		{ .status = 200, .body = "<RunInstancesResponse><instancesSet>" },
		{ .status = 200, .body = "" },
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct aws_call call;

		assert_int_equal(run_behind(c, true, rules[i], &call), AWS_AMBIGUOUS);
		assert_int_equal(cloud_count(c, EC2_URL), 1);
		assert_int_equal(call.attempts, 1);
		assert_non_null(strstr(call.err.text, "RunInstances"));
		assert_false(call.canceled);
	}
}

static void a_read_without_an_answer_is_tried_three_times(void **state)
{
	static const struct rule rules[] = {
		{ .status = -ERR_NET },
		{ .status = 0 },
		{ .status = 502, .body = HTML },
		{ .status = 200, .body = HTML },
		{ .status = 200, .body = "<DescribeVpcsResponse><vpcSet>" },
		{ .status = 200, .body = "<html><body>signed in</body></html>" },
		{ .status = 200, .body = "<DescribeVolumesResponse/>" },
		{ .status = 500, .body = EC2_ERROR("InternalError", "x") },
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct bench b;

		assert_int_equal(run_behind(c, false, rules[i], NULL), AWS_AMBIGUOUS);
		assert_int_equal(cloud_count(c, EC2_URL), 3);
		c->rules_n = 0;
		cloud_rule(c, rules[i]);
		c->rules[0].match = EC2_URL;
		c->rules[0].times = 2;
		CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK);
		open_bench(&b, c, NULL);
		assert_int_equal(read_vpcs(&b), AWS_OK);
		close_bench(&b);
	}
}

static void a_page_in_place_of_an_answer_is_shown_to_people(void **state)
{
	struct cloud *c = *state;
	struct aws_call call;

	assert_int_equal(BEHIND(c, false, &call, .status = 500, .body = HTML), AWS_AMBIGUOUS);
	assert_string_equal(call.err.text,
			    "DescribeVpcs: HTTP 500 with a body that is no answer of AWS: \"<!doctype html> <html lang=en>"
			    "<title>500  Internal  Server Error</title>\"");
	assert_int_equal(call.status, 500);
	assert_string_equal(call.code, "");
}

static void an_answer_that_is_too_large_is_not_taken(void **state)
{
	CLEANUP(mem_close) char *big = mem_alloc((9u << 20) + 1);
	struct cloud *c = *state;
	struct aws_call call;

	memset(big, ' ', 9u << 20);
	assert_int_equal(BEHIND(c, false, &call, .status = 200, .body = big), AWS_AMBIGUOUS);
	assert_int_equal(cloud_count(c, EC2_URL), 1);
	assert_int_equal(call.err.code, ERR_LIMIT);
	big[2u << 20] = '\0';
	assert_int_equal(BEHIND(c, true, &call, .status = 200, .body = big), AWS_AMBIGUOUS);
	assert_int_equal(call.err.code, ERR_LIMIT);
}

static void a_long_code_is_cut_and_control_characters_are_replaced(void **state)
{
	struct cloud *c = *state;
	CLEANUP(mem_close) char *text = mem_alloc(4000);
	struct aws_call call;
	char code[301];

	memset(code, 'C', 300);
	code[3] = '\n';
	code[300] = '\0';
	snprintf(text, 4000, EC2_ERROR("%s", "m"), code);
	assert_int_equal(BEHIND(c, true, &call, .status = 400, .body = text), AWS_INVALID);
	assert_int_equal(strlen(call.code), 127);
	assert_int_equal(call.code[3], '?');
}

static void any_one_lost_request_of_a_read_is_made_up_for(void **state)
{
	struct cloud *c = *state;
	struct bench b;

	CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK);
	open_bench(&b, c, NULL);
	for (uint64_t n = 1; n <= 5; n++) {
		sim_fail_nth(c->w, SIM_HTTP, n, ERR_NET);
		assert_int_equal(read_vpcs(&b), AWS_OK);
		sim_fail_nth(c->w, SIM_HTTP, 0, 0);
	}
	close_bench(&b);
}

/* ---- keys and clocks ------------------------------------------------------------------------------------------------------- */

static const struct {
	int status;
	const char *body;
} expiries[] = {
	{ 400, EC2_ERROR("RequestExpired", "Request has expired.") },
	{ 403, QUERY_ERROR("ExpiredToken", "The security token included in the request is expired") },
};

static void expire_once(struct cloud *c, size_t i, const char *then)
{
	c->rules_n = 0;
	cloud_forget(c);
	CLOUD(c, .match = "security-credentials/node-role ", .status = 200, .body = cloud_keys_json(c, "ASIAOLD", HOUR_MS),
	      .times = 1);
	CLOUD(c, .match = EC2_URL, .status = expiries[i].status, .body = expiries[i].body, .times = 1);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = then);
}

static void expired_keys_are_renewed_once_and_the_read_goes_on(void **state)
{
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(expiries); i++) {
		struct bench b;

		expire_once(c, i, READ_OK);
		open_bench(&b, c, NULL);
		assert_int_equal(read_vpcs(&b), AWS_OK);
		assert_int_equal(b.call.attempts, 2);
		assert_string_equal(b.call.key_id, "ASIA1");
		assert_non_null(strstr(seen_header(cloud_seen(c, EC2_URL, 1), "Authorization"), "Credential=ASIA1/"));
		assert_string_equal(seen_header(cloud_seen(c, EC2_URL, 1), "X-Amz-Security-Token"), "token-ASIA1");
		close_bench(&b);
	}
}

static void expired_keys_end_a_launch_and_the_next_one_has_new_keys(void **state)
{
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(expiries); i++) {
		struct bench b;

		expire_once(c, i, RUN_OK);
		open_bench(&b, c, NULL);
		assert_int_equal(launch(&b), AWS_EXPIRED);
		assert_int_equal(cloud_count(c, EC2_URL), 1);
		assert_int_equal(launch(&b), AWS_OK);
		assert_string_equal(b.call.key_id, "ASIA1");
		close_bench(&b);
	}
}

static void keys_that_stay_refused_are_told_after_one_renewal(void **state)
{
	struct cloud *c = *state;
	struct aws_call call;

	assert_int_equal(BEHIND(c, false, &call, .status = 403, .body = QUERY_ERROR("ExpiredToken", "x")), AWS_EXPIRED);
	assert_int_equal(cloud_count(c, EC2_URL), 2);
	assert_int_equal(cloud_count(c, "security-credentials/node-role "), 2);
	assert_string_equal(call.request_id, "req-8");
}

static const char *date_head(struct cloud *c, int64_t off_ms, char to[64])
{
	time_t s = (time_t)((world_wall_ms(c->w) + off_ms) / 1000);
	struct tm tm;

	strftime(to, 64, "Date: %a, %d %b %Y %H:%M:%S GMT\n", gmtime_r(&s, &tm));
	return to;
}

static void a_clock_that_is_off_is_corrected_once(void **state)
{
	struct cloud *c = *state;
	char head[64], stamp[STAMP_BASIC_LEN];
	struct bench b;

	CLOUD(c, .match = EC2_URL, .status = 401, .body = EC2_ERROR("AuthFailure", "x"), .head = date_head(c, 600000, head),
	      .times = 1);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK);
	open_bench(&b, c, NULL);
	assert_int_equal(aws_clock_offset_ms(b.aws), 0);
	assert_int_equal(read_vpcs(&b), AWS_OK);
	assert_in_range(aws_clock_offset_ms(b.aws), 590000, 600000);
	stamp_basic(world_wall_ms(c->w) + 600000, stamp);
	assert_memory_equal(seen_header(cloud_seen(c, EC2_URL, 1), "X-Amz-Date"), stamp, 11); /* the same hour, ten minutes on */
	assert_int_equal(read_vpcs(&b), AWS_OK);
	assert_int_equal(b.call.attempts, 1);
	close_bench(&b);
}

static void a_repaired_clock_takes_the_correction_back(void **state)
{
	struct cloud *c = *state;
	char ahead[64], now[64];
	struct bench b;

	CLOUD(c, .match = EC2_URL, .status = 403, .body = QUERY_ERROR("SignatureDoesNotMatch", "x"),
	      .head = date_head(c, 600000, ahead), .times = 1);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK, .times = 1);
	CLOUD(c, .match = EC2_URL, .status = 400, .body = EC2_ERROR("RequestExpired", "x"), .head = date_head(c, 600000, now),
	      .times = 1);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK);
	open_bench(&b, c, NULL);
	assert_int_equal(read_vpcs(&b), AWS_OK);
	assert_true(aws_clock_offset_ms(b.aws) != 0);
	sim_wall_step(c->w, 600000);
	assert_int_equal(read_vpcs(&b), AWS_OK);
	assert_int_equal(aws_clock_offset_ms(b.aws), 0);
	assert_int_equal(cloud_count(c, "security-credentials/node-role "), 1); /* the keys were never the reason */
	close_bench(&b);
}

static void with_a_good_clock_a_bad_signature_is_not_repeated(void **state)
{
	struct cloud *c = *state;
	char head[64];

	date_head(c, 200000, head);
	assert_int_equal(BEHIND(c, false, NULL, .status = 401, .body = EC2_ERROR("AuthFailure", "x"), .head = head), AWS_EXPIRED);
	assert_int_equal(cloud_count(c, EC2_URL), 1);
	assert_int_equal(BEHIND(c, false, NULL, .status = 401, .body = EC2_ERROR("AuthFailure", "x")), AWS_EXPIRED);
	assert_int_equal(cloud_count(c, EC2_URL), 1);
	assert_int_equal(BEHIND(c, false, NULL, .status = 401, .body = EC2_ERROR("AuthFailure", "x"), .head = "Date: yesterday\n"),
			 AWS_EXPIRED);
	assert_int_equal(cloud_count(c, EC2_URL), 1);
}

static void without_keys_nothing_is_sent(void **state)
{
	struct cloud *c = *state;
	struct bench b;

	CLOUD(c, .match = "security-credentials/", .status = 404);
	open_bench(&b, c, NULL);
	assert_int_equal(launch(&b), AWS_EXPIRED);
	assert_int_equal(cloud_count(c, EC2_URL), 0);
	assert_int_equal(b.call.attempts, 0);
	assert_non_null(strstr(b.call.err.text, "RunInstances was not sent, there are no keys"));
	close_bench(&b);
}

static void both_shapes_of_errors_are_read(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum aws_class class;
	} cases[] = {
		{ 403, EC2_ERROR("UnauthorizedOperation", "no"), AWS_DENIED },
		{ 403, QUERY_ERROR("AccessDenied", "no"), AWS_DENIED },
		{ 400, EC2_ERROR("InvalidInstanceID.NotFound", "no"), AWS_NOTFOUND },
		{ 400, QUERY_ERROR("TargetGroupNotFound", "no"), AWS_NOTFOUND },
		{ 400, EC2_ERROR("InvalidGroup.Duplicate", "no"), AWS_DUPLICATE },
		{ 400, EC2_ERROR("IdempotentParameterMismatch", "no"), AWS_CONFLICT },
		{ 400, EC2_ERROR("VcpuLimitExceeded", "no"), AWS_QUOTA },
		{ 400, EC2_ERROR("InvalidParameterValue", "no"), AWS_INVALID },
		{ 400, "<Response><Errors><Error><Code><x>deep</x></Code></Error></Errors></Response>", AWS_INVALID },
		{ 400, "not xml", AWS_INVALID },
		{ 403, HTML, AWS_DENIED },
		{ 301, "", AWS_INVALID },
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(BEHIND(c, true, NULL, .status = cases[i].status, .body = cases[i].body), cases[i].class);
		assert_int_equal(cloud_count(c, EC2_URL), 1);
	}
}

/* ---- ends ---------------------------------------------------------------------------------------------------------------- */

static void a_call_can_be_canceled_at_any_step(void **state)
{
	struct cloud *c = *state;

	CLOUD(c, .match = EC2_URL, .status = 503, .body = EC2_ERROR("RequestLimitExceeded", "slow"));
	for (unsigned steps = 0; steps < 30; steps++) {
		struct bench b;

		c->rules_n = 1;
		open_bench(&b, c, NULL);
		start(&b, AWS_EC2, "RunInstances", true);
		for (unsigned i = 0; i < steps && !b.done; i++)
			sim_step(c->w);
		if (!b.done) {
			aws_call_cancel(&b.call);
			aws_call_cancel(&b.call);
			assert_false(b.done);
			cloud_wait(c, &b.done);
			assert_true(b.call.canceled);
			assert_int_equal(b.call.class, AWS_AMBIGUOUS);
			assert_int_equal(b.call.err.code, ERR_CANCELED);
		}
		aws_call_cancel(&b.call); /* harmless when idle */
		close_bench(&b);
	}
}

static void a_form_that_did_not_fit_is_never_sent(void **state)
{
	CLEANUP(mem_close) char *big = mem_alloc(FORM_MAX_BYTES + 1);
	struct cloud *c = *state;
	struct bench b;

	memset(big, 'x', FORM_MAX_BYTES);
	open_bench(&b, c, NULL);
	form_start(&b.call.form, "RunInstances", "2016-11-15");
	form_add(&b.call.form, big, "UserData");
	aws_call_start(b.aws, &b.call, b.creds, on_call);
	assert_false(b.done);
	cloud_wait(c, &b.done);
	assert_int_equal(b.call.class, AWS_INVALID);
	assert_int_equal(c->seen_n, 0);
	close_bench(&b);
}

static void a_call_may_be_started_again_as_it_is(void **state)
{
	struct cloud *c = *state;
	struct bench b;

	CLOUD(c, .match = EC2_URL, .status = 500, .body = EC2_ERROR("InsufficientInstanceCapacity", "x"), .times = 1);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = RUN_OK);
	open_bench(&b, c, NULL);
	assert_int_equal(launch(&b), AWS_CAPACITY);
	b.done = false;
	aws_call_start(b.aws, &b.call, b.creds, on_call);
	cloud_wait(c, &b.done);
	assert_int_equal(b.call.class, AWS_OK);
	assert_string_equal(b.call.code, "");
	assert_string_equal(cloud_seen(c, EC2_URL, 0)->line, cloud_seen(c, EC2_URL, 1)->line);
	close_bench(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOUD_TEST(a_call_is_signed_for_the_host_it_goes_to),
		CLOUD_TEST(an_override_is_where_it_goes_and_what_it_signs),
		CLOUD_TEST(the_regional_host_is_told_whatever_the_override),
		CLOUD_TEST(a_throttled_read_waits_signs_anew_and_succeeds),
		CLOUD_TEST(a_throttle_that_stays_is_told_after_three_attempts),
		CLOUD_TEST(a_throttled_launch_is_told_at_once_with_how_long_to_stay_away),
		CLOUD_TEST(a_hint_of_aws_is_followed_within_five_seconds),
		CLOUD_TEST(missing_capacity_is_told_at_once_though_it_says_500),
		CLOUD_TEST(a_launch_without_an_answer_is_ambiguous_and_not_repeated),
		CLOUD_TEST(a_read_without_an_answer_is_tried_three_times),
		CLOUD_TEST(a_page_in_place_of_an_answer_is_shown_to_people),
		CLOUD_TEST(an_answer_that_is_too_large_is_not_taken),
		CLOUD_TEST(a_long_code_is_cut_and_control_characters_are_replaced),
		CLOUD_TEST(any_one_lost_request_of_a_read_is_made_up_for),
		CLOUD_TEST(expired_keys_are_renewed_once_and_the_read_goes_on),
		CLOUD_TEST(expired_keys_end_a_launch_and_the_next_one_has_new_keys),
		CLOUD_TEST(keys_that_stay_refused_are_told_after_one_renewal),
		CLOUD_TEST(a_clock_that_is_off_is_corrected_once),
		CLOUD_TEST(a_repaired_clock_takes_the_correction_back),
		CLOUD_TEST(with_a_good_clock_a_bad_signature_is_not_repeated),
		CLOUD_TEST(without_keys_nothing_is_sent),
		CLOUD_TEST(both_shapes_of_errors_are_read),
		CLOUD_TEST(a_call_can_be_canceled_at_any_step),
		CLOUD_TEST(a_form_that_did_not_fit_is_never_sent),
		CLOUD_TEST(a_call_may_be_started_again_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
