/* test_call_read.c - whether an HTTP answer is AWS's answer to what was asked, and what is kept of one that is not. */
#include "tests/unit/aws/answers.h"

#include <ctype.h>
#include <stdio.h>

#include "agent/aws/call_impl.h"

/* The call as it stands when its answer is there: RunInstances, and this status and body. */
static bool read_answer(struct aws_call *c, int status, const char *body)
{
	*c = (struct aws_call){ .status = status };
	c->req.action = "RunInstances";
	c->http.body = BUF_MAX(1u << 20);
	buf_adds(&c->http.body, body);
	return call_read(c);
}

static void close_answer(struct aws_call *c)
{
	xml_close(&c->xml);
	buf_close(&c->http.body);
}

static void the_answer_of_the_action_is_kept_with_its_request_id(void **state)
{
	static const char *const bodies[] = {
		"<RunInstancesResponse><requestId>r-1</requestId></RunInstancesResponse>",
		"<RunInstancesResponse><RequestID>r-1</RequestID></RunInstancesResponse>",
		"<RunInstancesResponse><RequestId>r-1</RequestId></RunInstancesResponse>",
		"<RunInstancesResponse><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></RunInstancesResponse>",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct aws_call c;

		assert_true(read_answer(&c, 200, bodies[i]));
		assert_non_null(c.xml);
		assert_string_equal(c.request_id, "r-1");
		assert_string_equal(c.code, "");
		close_answer(&c);
	}
}

static void a_200_that_is_not_the_answer_of_the_action_proves_nothing(void **state)
{
	static const char *const bodies[] = {
		"",
		"<html><body>signed in</body></html>",
		"<RunInstancesResponse>",
		"<RunInstances/>",
		"<RunInstancesResponses/>",
		"<DescribeInstancesResponse/>",
		"<!DOCTYPE x [<!ENTITY y 'z'>]><RunInstancesResponse>&y;</RunInstancesResponse>",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct aws_call c;

		assert_false(read_answer(&c, 200, bodies[i]));
		assert_null(c.xml);
		assert_string_equal(c.code, "");
		assert_non_null(strstr(c.err.text, "RunInstances: HTTP 200 with a body that is no answer of AWS"));
		close_answer(&c);
	}
}

static void an_error_is_read_in_both_shapes_whatever_the_status(void **state)
{
	static const char *const bodies[] = {
		"<Response><Errors><Error><Code>Nope</Code><Message>not "
		"so</Message></Error></Errors><RequestID>r</RequestID></Response>",
		"<ErrorResponse><Error><Code>Nope</Code><Message>not so</Message></Error><RequestId>r</RequestId></ErrorResponse>",
		"<ErrorResponse>\n <Error>\n  <Code>\n\t Nope\r\n </Code><Message>not so</Message></Error><RequestId> "
		"r\n</RequestId>"
		"</ErrorResponse>",
		"<n:ErrorResponse xmlns:n=\"urn:x\"><n:Error><n:Code>Nope</n:Code><n:Message>not so</n:Message></n:Error>"
		"<n:RequestId>r</n:RequestId></n:ErrorResponse>",
	};
	static const int statuses[] = { 200, 400, 403, 500, 503 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		for (size_t k = 0; k < ARRAY_LEN(statuses); k++) {
			char sentence[128];
			struct aws_call c;

			assert_false(read_answer(&c, statuses[k], bodies[i]));
			snprintf(sentence, sizeof(sentence), "RunInstances: Nope (HTTP %d): not so", statuses[k]);
			assert_string_equal(c.err.text, sentence);
			assert_string_equal(c.code, "Nope");
			assert_string_equal(c.request_id, "r");
			close_answer(&c);
		}
}

static void what_a_stranger_wrote_is_shown_short_and_printable(void **state)
{
	char body[4000];
	struct aws_call c;

	(void)state;
	memset(body, 'a', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	memcpy(body, "\x1b[31m\"\n", 7);
	assert_false(read_answer(&c, 502, body));
	assert_true(strlen(c.err.text) < 250);
	for (const char *s = c.err.text; *s != '\0'; s++)
		assert_true(isprint((unsigned char)*s));
	assert_non_null(strstr(c.err.text, "\" [31m  aaa"));
	close_answer(&c);
}

static void codes_and_ids_are_cut_and_made_printable(void **state)
{
	char body[2000], code[400];
	struct aws_call c;

	(void)state;
	memset(code, 'C', sizeof(code) - 1);
	code[sizeof(code) - 1] = '\0';
	code[0] = ' ';
	code[1] = '\n';
	snprintf(body, sizeof(body), "<E><Error><Code>%s</Code></Error><RequestId>%s</RequestId></E>", code, code);
	assert_false(read_answer(&c, 400, body));
	assert_int_equal(strlen(c.code), sizeof(c.code) - 1);
	assert_int_equal(strlen(c.request_id), sizeof(c.request_id) - 1);
	for (const char *s = c.code; *s != '\0'; s++)
		assert_true(isgraph((unsigned char)*s));
	close_answer(&c);
}

/* What KMS, S3 and others speak; a page of a proxy is none of it. */
static void an_answer_is_read_in_the_shape_of_its_protocol(void **state)
{
	static const struct {
		enum request_shape shape;
		int status;
		const char *body, *code;
		bool is_good;
	} cases[] = {
		{ REQUEST_JSON, 200, "{\"KeyMetadata\": {\"KeyId\": \"k-1\"}}", "", true },
		{ REQUEST_JSON, 200, "", "", true },
		{ REQUEST_JSON, 400, "{\"__type\": \"com.amazon#NotFoundException\", \"message\": \"no\"}", "NotFoundException",
		  false },
		{ REQUEST_JSON, 400, "{\"__type\": \"ThrottlingException\"}", "ThrottlingException", false },
		{ REQUEST_JSON, 200, "<html>sign in</html>", "", false },
		{ REQUEST_JSON, 500, "", "", false },
		{ REQUEST_REST, 204, "", "", true },
		{ REQUEST_REST, 200, "<ListBucketResult/>", "", true },
		{ REQUEST_REST, 404, "<Error><Code>NoSuchBucket</Code><RequestId>r-1</RequestId></Error>", "NoSuchBucket", false },
		{ REQUEST_REST, 200, "<Error><Code>InternalError</Code></Error>", "InternalError", false }, /* S3 does that */
		{ REQUEST_REST, 200, "sign in", "", false },
		{ REQUEST_QUERY, 204, "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct aws_call c = { .status = cases[i].status, .req = { .action = "Any", .shape = cases[i].shape } };

		c.http.body = BUF_MAX(1u << 20);
		buf_adds(&c.http.body, cases[i].body);
		assert_int_equal(call_read(&c), cases[i].is_good);
		assert_string_equal(c.code, cases[i].code);
		assert_int_equal(c.json != NULL, cases[i].is_good && cases[i].body[0] == '{');
		json_decref(c.json);
		close_answer(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_of_the_action_is_kept_with_its_request_id),
		cmocka_unit_test(a_200_that_is_not_the_answer_of_the_action_proves_nothing),
		cmocka_unit_test(an_error_is_read_in_both_shapes_whatever_the_status),
		cmocka_unit_test(what_a_stranger_wrote_is_shown_short_and_printable),
		cmocka_unit_test(codes_and_ids_are_cut_and_made_printable),
		cmocka_unit_test(an_answer_is_read_in_the_shape_of_its_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
