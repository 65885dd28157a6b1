/* test_call_answer.c - a signed call without an answer, with a stranger's, with an error: what is repeated, what stays in doubt. */
#include "tests/unit/aws/caller.h"

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

		assert_int_equal(caller_behind(c, true, rules[i], &call), AWS_AMBIGUOUS);
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
		struct caller r;

		assert_int_equal(caller_behind(c, false, rules[i], NULL), AWS_AMBIGUOUS);
		assert_int_equal(cloud_count(c, EC2_URL), 3);
		c->rules_n = 0;
		cloud_rule(c, rules[i]);
		c->rules[0].match = EC2_URL;
		c->rules[0].times = 2;
		CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK);
		caller_open(&r, c, NULL);
		assert_int_equal(caller_read(&r), AWS_OK);
		caller_close(&r);
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

/* The metadata service's three, and the call itself. */
static void any_one_lost_request_of_a_read_is_made_up_for(void **state)
{
	struct cloud *c = *state;

	for (uint64_t n = 1; n <= 4; n++) {
		struct caller r;

		c->rules_n = 0;
		CLOUD(c, .match = EC2_URL, .status = 200, .body = READ_OK);
		caller_open(&r, c, NULL);
		sim_fail_nth(c->w, SIM_HTTP, n, ERR_NET);
		assert_int_equal(caller_read(&r), AWS_OK);
		assert_int_equal(sim_counts(c->w, SIM_HTTP), n); /* it was lost */
		assert_int_equal(r.call.attempts, n == 4 ? 2 : 1);
		caller_close(&r);
	}
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

static void an_encoded_message_is_kept_whole_and_leaves_the_sentence(void **state)
{
	static const struct {
		const char *message, *encoded, *sentence;
	} cases[] = {
		{ "No. Encoded authorization failure message: Ab-_9+/=", "Ab-_9+/=", "(HTTP 403): No." },
		{ "No. encoded authorization failure message:\n  Ab9\n", "Ab9", "(HTTP 403): No." },
		{ "No. Encoded authorization failure message: ", NULL, "(HTTP 403): No." },
		{ "Encoded authorization failure message: Ab9", "Ab9", "(HTTP 403): " },
		{ "No.", NULL, "(HTTP 403): No." },
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(mem_close) char *body = mem_printf(EC2_ERROR("UnauthorizedOperation", "%s"), cases[i].message);
		struct caller r;

		c->rules_n = 0;
		CLOUD(c, .match = EC2_URL, .status = 403, .body = body);
		caller_open(&r, c, NULL);
		assert_int_equal(caller_launch(&r), AWS_DENIED);
		if (cases[i].encoded != NULL)
			assert_string_equal(r.call.encoded, cases[i].encoded);
		else
			assert_null(r.call.encoded);
		assert_string_equal(strstr(r.call.err.text, "(HTTP"), cases[i].sentence);
		caller_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOUD_TEST(a_launch_without_an_answer_is_ambiguous_and_not_repeated),
		CLOUD_TEST(a_read_without_an_answer_is_tried_three_times),
		CLOUD_TEST(a_page_in_place_of_an_answer_is_shown_to_people),
		CLOUD_TEST(an_answer_that_is_too_large_is_not_taken),
		CLOUD_TEST(a_long_code_is_cut_and_control_characters_are_replaced),
		CLOUD_TEST(any_one_lost_request_of_a_read_is_made_up_for),
		CLOUD_TEST(an_encoded_message_is_kept_whole_and_leaves_the_sentence),
		CLOUD_TEST(both_shapes_of_errors_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
