/* test_call_node.c - requests beside the query protocols: one to a node of ours, and one whose path is signed as it is sent. */
#include "tests/unit/aws/caller.h"

#define NODE_URL "http://10.0.0.7:8040/api/health"

static void start_node(struct caller *r)
{
	aws_call_close(&r->call);
	r->call = (struct aws_call){ .command = "cmd-1", .may_send = r->may_send };
	request_node(&r->call.req, "GET", "GET /api/health", NODE_URL);
	r->done = false;
	aws_call_start(r->aws, &r->call, NULL, caller_on_call);
	assert_false(r->done);
}

static enum aws_class ask_node(struct caller *r)
{
	start_node(r);
	cloud_wait(r->c, &r->done);
	return r->call.class;
}

static void a_node_gets_no_key_and_no_signature(void **state)
{
	struct cloud *c = *state;
	const struct seen *s;
	struct caller r;

	CLOUD(c, .match = NODE_URL, .status = 200, .body = "{\"password\": \"xyzzy\"}");
	caller_open(&r, c, NULL);
	assert_int_equal(ask_node(&r), AWS_OK);
	assert_int_equal(r.call.status, 200);
	assert_null(r.call.xml);
	assert_null(r.call.json);
	assert_int_equal(c->seen_n, 1); /* nobody was asked for keys */
	s = cloud_seen(c, NODE_URL, 0);
	assert_string_equal(s->line, "GET " NODE_URL " ");
	assert_string_equal(s->headers, "User-Agent: reeve/0.1.0 cmd/cmd-1\n");
	caller_close(&r);
}

static void a_status_of_a_node_is_judged_and_its_body_is_not_told(void **state)
{
	static const struct {
		int status;
		enum aws_class class;
	} cases[] = {
		{ 204, AWS_OK },        { 302, AWS_INVALID },   { 403, AWS_DENIED },         { 404, AWS_INVALID },
		{ 429, AWS_THROTTLED }, { 503, AWS_AMBIGUOUS }, { -ERR_NET, AWS_AMBIGUOUS },
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct caller r;

		c->rules_n = 0;
		CLOUD(c, .match = NODE_URL, .status = cases[i].status, .body = "password=xyzzy",
		      .head = "Location: http://10.0.0.8/\n");
		caller_open(&r, c, NULL);
		assert_int_equal(ask_node(&r), cases[i].class);
		assert_int_equal(r.call.attempts, 1); /* its step asks again */
		assert_null(strstr(err_text(&r.call.err), "xyzzy"));
		caller_close(&r);
	}
}

static void a_body_that_never_ends_does_not_hide_the_status(void **state)
{
	CLEANUP(mem_close) char *big = mem_alloc((9u << 20) + 1);
	struct cloud *c = *state;
	struct caller r;

	memset(big, 'x', 9u << 20);
	CLOUD(c, .match = NODE_URL, .status = 200, .body = big);
	caller_open(&r, c, NULL);
	assert_int_equal(ask_node(&r), AWS_OK);
	assert_int_equal(r.call.attempts, 1);
	caller_close(&r);
}

/* Whatever made the url: from here nothing leaves for another place. */
static void a_url_that_leads_out_of_the_vpc_is_not_asked(void **state)
{
	static const char *const urls[] = { "http://169.254.169.254:80/latest/meta-data", "http://[fd00:ec2::254]:80/",
					    "http://127.0.0.1:8080/", "http://node.example:80/", "http://52.1.2.3:80/" };
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct caller r;

		c->rules_n = 0;
		CLOUD(c, .match = urls[i], .status = 200, .body = "");
		caller_open(&r, c, NULL);
		aws_call_close(&r.call);
		r.call = (struct aws_call){ 0 };
		request_node(&r.call.req, "GET", "GET /", urls[i]);
		aws_call_start(r.aws, &r.call, NULL, caller_on_call);
		cloud_wait(c, &r.done);
		assert_int_equal(r.call.class, AWS_INVALID);
		assert_int_equal(r.call.err.code, ERR_DENIED);
		assert_int_equal(c->seen_n, 0);
		caller_close(&r);
	}
}

static bool never(struct aws_call *c)
{
	(void)c;
	return false;
}

static void a_node_that_may_not_be_asked_is_not(void **state)
{
	struct cloud *c = *state;
	struct caller r;

	caller_open(&r, c, NULL);
	r.may_send = never;
	assert_int_equal(ask_node(&r), AWS_EXPIRED);
	assert_true(r.call.withheld);
	assert_int_equal(c->seen_n, 0);
	start_node(&r);
	aws_call_cancel(&r.call);
	assert_false(r.done);
	cloud_wait(c, &r.done);
	assert_true(r.call.canceled);
	caller_close(&r);
}

/* The signature is botocore's (S3SigV4Auth of 1.44.8), of the same request at the same time. */
static void a_path_is_signed_as_it_is_sent(void **state)
{
	static const char url[] = EC2_URL "a%20b//c%2Fd/../e";
	static const char nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	struct cloud *c = *state;
	const struct seen *s;
	struct caller r;

	CLOUD(c, .match = url, .status = 204);
	caller_open(&r, c, NULL);
	r.call.req = (struct request){ .service = &ec2_service,
				       .action = "GetObject",
				       .method = "GET",
				       .query = "",
				       .is_for_s3 = true,
				       .shape = REQUEST_REST };
	r.call.req.path = request_keep(&r.call.req, mem_printf("/%s//c%%2Fd/../e", "a%20b"));
	aws_call_start(r.aws, &r.call, r.creds, caller_on_call);
	cloud_wait(c, &r.done);
	assert_int_equal(r.call.class, AWS_OK);
	s = cloud_seen(c, url, 0);
	assert_string_equal(seen_header(s, "X-Amz-Content-Sha256"), nothing);
	assert_string_equal(seen_header(s, "X-Amz-Date"), "20260101T000000Z");
	assert_non_null(strstr(seen_header(s, "Authorization"),
			       "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, "
			       "Signature=aa613124bb92919201fe692fb1e2f5e5f19c7239973a42880556864221fe2f3f"));
	caller_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOUD_TEST(a_node_gets_no_key_and_no_signature),
		CLOUD_TEST(a_status_of_a_node_is_judged_and_its_body_is_not_told),
		CLOUD_TEST(a_url_that_leads_out_of_the_vpc_is_not_asked),
		CLOUD_TEST(a_body_that_never_ends_does_not_hide_the_status),
		CLOUD_TEST(a_node_that_may_not_be_asked_is_not),
		CLOUD_TEST(a_path_is_signed_as_it_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
