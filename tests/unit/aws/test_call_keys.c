/* test_call_keys.c - one signed call with keys that run out, without any, and under a clock that is off. */
#include "tests/unit/aws/caller.h"

#include <time.h>

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
		struct caller r;

		expire_once(c, i, READ_OK);
		caller_open(&r, c, NULL);
		assert_int_equal(caller_read(&r), AWS_OK);
		assert_int_equal(r.call.attempts, 2);
		assert_string_equal(r.call.key_id, "ASIA1");
		assert_non_null(strstr(seen_header(cloud_seen(c, EC2_URL, 1), "Authorization"), "Credential=ASIA1/"));
		assert_string_equal(seen_header(cloud_seen(c, EC2_URL, 1), "X-Amz-Security-Token"), "token-ASIA1");
		caller_close(&r);
	}
}

static void expired_keys_end_a_launch_and_the_next_one_has_new_keys(void **state)
{
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(expiries); i++) {
		struct caller r;

		expire_once(c, i, RUN_OK);
		caller_open(&r, c, NULL);
		assert_int_equal(caller_launch(&r), AWS_EXPIRED);
		assert_int_equal(cloud_count(c, EC2_URL), 1);
		assert_int_equal(caller_launch(&r), AWS_OK);
		assert_string_equal(r.call.key_id, "ASIA1");
		caller_close(&r);
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
	struct caller r;

	CLOUD(c, .match = EC2_URL, .status = 401, .body = EC2_ERROR("AuthFailure", "x"), .head = date_head(c, 600000, head),
	      .times = 1);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK);
	caller_open(&r, c, NULL);
	assert_int_equal(aws_clock_offset_ms(r.aws), 0);
	assert_int_equal(caller_read(&r), AWS_OK);
	assert_in_range(aws_clock_offset_ms(r.aws), 590000, 600000);
	stamp_basic(world_wall_ms(c->w) + 600000, stamp);
	assert_memory_equal(seen_header(cloud_seen(c, EC2_URL, 1), "X-Amz-Date"), stamp, 11); /* the same hour, ten minutes on */
	assert_int_equal(caller_read(&r), AWS_OK);
	assert_int_equal(r.call.attempts, 1);
	caller_close(&r);
}

static void a_repaired_clock_takes_the_correction_back(void **state)
{
	struct cloud *c = *state;
	char ahead[64], now[64];
	struct caller r;

	CLOUD(c, .match = EC2_URL, .status = 403, .body = QUERY_ERROR("SignatureDoesNotMatch", "x"),
	      .head = date_head(c, 600000, ahead), .times = 1);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK, .times = 1);
	CLOUD(c, .match = EC2_URL, .status = 400, .body = EC2_ERROR("RequestExpired", "x"), .head = date_head(c, 600000, now),
	      .times = 1);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK);
	caller_open(&r, c, NULL);
	assert_int_equal(caller_read(&r), AWS_OK);
	assert_true(aws_clock_offset_ms(r.aws) != 0);
	sim_wall_step(c->w, 600000);
	assert_int_equal(caller_read(&r), AWS_OK);
	assert_int_equal(aws_clock_offset_ms(r.aws), 0);
	assert_int_equal(cloud_count(c, "security-credentials/node-role "), 1); /* the keys were never the reason */
	caller_close(&r);
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
	struct caller r;

	CLOUD(c, .match = "security-credentials/", .status = 404);
	caller_open(&r, c, NULL);
	assert_int_equal(caller_launch(&r), AWS_EXPIRED);
	assert_int_equal(cloud_count(c, EC2_URL), 0);
	assert_int_equal(r.call.attempts, 0);
	assert_non_null(strstr(r.call.err.text, "RunInstances was not sent, there are no keys"));
	caller_close(&r);
}

static unsigned asked;

static bool not_the_first_time(struct aws_call *call)
{
	assert_int_equal(cloud_count(container_of(call, struct caller, call)->c, "security-credentials/node-role "), 1);
	return asked++ > 0;
}

static void who_thinks_better_of_it_while_keys_are_fetched_sends_nothing(void **state)
{
	struct cloud *c = *state;
	struct caller r;

	CLOUD(c, .match = EC2_URL, .status = 200, .body = RUN_OK);
	caller_open(&r, c, NULL);
	r.may_send = not_the_first_time;
	asked = 0;
	assert_int_equal(caller_launch(&r), AWS_EXPIRED);
	assert_true(r.call.withheld);
	assert_int_equal(r.call.attempts, 0);
	assert_string_equal(err_text(&r.call.err), "RunInstances was not sent: its time was over");
	assert_int_equal(cloud_count(c, EC2_URL), 0);
	assert_int_equal(caller_launch(&r), AWS_OK);
	assert_false(r.call.withheld);
	caller_close(&r);
}

/* ---- while it goes on trying ---- */

static unsigned told_n;
static struct aws_call told; /* as it was when it was told last */

static void on_again(struct aws_call *call)
{
	told = *call;
	told_n++;
}

static void start_told(struct caller *r, bool mutating)
{
	told_n = 0;
	caller_start(r, mutating ? "RunInstances" : "DescribeVpcs", mutating);
	r->call.again = on_again;
}

static void a_read_that_is_tried_again_tells_each_failure_but_the_last(void **state)
{
	struct cloud *c = *state;
	struct caller r;

	CLOUD(c, .match = EC2_URL, .status = 503, .body = EC2_ERROR("RequestLimitExceeded", "slow down"));
	caller_open(&r, c, NULL);
	start_told(&r, false);
	cloud_wait(c, &r.done);
	assert_int_equal(told_n, 2);
	assert_int_equal(told.class, AWS_THROTTLED);
	assert_string_equal(told.code, "RequestLimitExceeded");
	assert_non_null(strstr(told.err.text, "slow down"));
	assert_false(told.unsent);
	caller_close(&r);
}

static void without_keys_it_is_told_that_nothing_was_sent_and_why(void **state)
{
	struct cloud *c = *state;
	struct caller r;

	CLOUD(c, .match = "security-credentials", .status = -ERR_NET);
	caller_open(&r, c, NULL);
	start_told(&r, true);
	cloud_wait(c, &r.done);
	assert_int_equal(r.call.class, AWS_EXPIRED);
	assert_true(r.call.unsent);
	assert_int_equal(r.call.keys.why.class, AWS_AMBIGUOUS);
	assert_string_equal(r.call.keys.why.action, "");
	assert_string_equal(r.call.code, "");
	c->rules_n = 0;
	cloud_imds(c);
	CLOUD(c, .match = EC2_URL, .status = 200, .body = RUN_OK);
	start_told(&r, true);
	cloud_wait(c, &r.done);
	assert_int_equal(r.call.class, AWS_OK);
	assert_false(r.call.unsent);
	caller_close(&r);
}

static void only_a_call_that_waits_for_keys_is_unsent(void **state)
{
	struct cloud *c = *state;
	struct caller r;

	CLOUD(c, .match = EC2_URL, .status = 200, .body = RUN_OK, .delay_ms = 5000);
	caller_open(&r, c, NULL);
	assert_false(aws_call_is_unsent(&r.call));
	caller_start(&r, "RunInstances", true);
	assert_true(aws_call_is_unsent(&r.call));
	cloud_pass(c, 1000);
	assert_false(aws_call_is_unsent(&r.call));
	cloud_wait(c, &r.done);
	assert_false(aws_call_is_unsent(&r.call));
	caller_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOUD_TEST(expired_keys_are_renewed_once_and_the_read_goes_on),
		CLOUD_TEST(expired_keys_end_a_launch_and_the_next_one_has_new_keys),
		CLOUD_TEST(keys_that_stay_refused_are_told_after_one_renewal),
		CLOUD_TEST(a_clock_that_is_off_is_corrected_once),
		CLOUD_TEST(a_repaired_clock_takes_the_correction_back),
		CLOUD_TEST(with_a_good_clock_a_bad_signature_is_not_repeated),
		CLOUD_TEST(without_keys_nothing_is_sent),
		CLOUD_TEST(who_thinks_better_of_it_while_keys_are_fetched_sends_nothing),
		CLOUD_TEST(a_read_that_is_tried_again_tells_each_failure_but_the_last),
		CLOUD_TEST(without_keys_it_is_told_that_nothing_was_sent_and_why),
		CLOUD_TEST(only_a_call_that_waits_for_keys_is_unsent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
