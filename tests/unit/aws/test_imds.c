/* test_imds.c - the metadata service at its best and at its worst. */
#include "tests/unit/aws/cloud.h"

struct ask {
	struct imds_req req;
	bool done;
	int rc;
};

static void on_answer(struct imds_req *req, int rc)
{
	struct ask *a = container_of(req, struct ask, req);

	assert_false(a->done);
	a->done = true;
	a->rc = rc;
}

static void start(struct imds *im, struct ask *a, enum imds_what what)
{
	a->done = false;
	imds_get(im, &a->req, what, on_answer);
	assert_false(a->done);
}

/* n questions at once to one that nobody has asked before. */
static struct imds *asked(struct cloud *c, struct ask *a, size_t n, enum imds_what what)
{
	struct imds *im = imds_new(c->w, IMDS_URL);

	for (size_t i = 0; i < n; i++)
		start(im, &a[i], what);
	return im;
}

static int ask(struct cloud *c, struct imds *im, struct ask *a, enum imds_what what)
{
	start(im, a, what);
	cloud_wait(c, &a->done);
	return a->rc;
}

/* One question to a service behind the rules given so far; returns what came. */
static int ask_once(struct cloud *c, struct ask *a, enum imds_what what)
{
	struct imds *im;
	int rc;

	cloud_imds(c);
	im = imds_new(c->w, IMDS_URL "/");
	rc = ask(c, im, a, what);
	cloud_close_imds(c, im);
	return rc;
}

static void keys_take_three_requests_and_then_one(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };
	struct imds *im;

	cloud_imds(c);
	im = imds_new(c->w, IMDS_URL);
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_KEYS), 0);
	assert_string_equal(a.req.role, "node-role");
	assert_string_equal(a.req.keys.id, "ASIA1");
	assert_string_equal(a.req.keys.secret.bytes, "secret");
	assert_string_equal(a.req.keys.token.bytes, "token-ASIA1");
	assert_int_equal(c->seen_n, 3);
	assert_string_equal(seen_header(&c->seen[0], "x-aws-ec2-metadata-token-ttl-seconds"), "21600");
	assert_string_equal(seen_header(&c->seen[1], "x-aws-ec2-metadata-token"), "TOKEN==");
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_KEYS), 0);
	assert_int_equal(c->seen_n, 4);
	keys_close(&a.req.keys);
	cloud_close_imds(c, im);
}

static void the_identity_document_and_the_domain_are_read(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 }, d = { 0 };

	assert_int_equal(ask_once(c, &a, IMDS_WHAT_IDENTITY), 0);
	assert_string_equal(a.req.identity.account, "123456789012");
	assert_string_equal(a.req.identity.az, "us-east-1a");
	assert_string_equal(a.req.identity.instance_id, "i-1");
	assert_string_equal(a.req.identity.arch, "x86_64");
	assert_int_equal(ask_once(c, &d, IMDS_WHAT_DOMAIN), 0);
	assert_string_equal(d.req.domain, "amazonaws.com");
}

static void a_401_drops_the_token_and_asks_once_more(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };

	CLOUD(c, .match = "services/domain", .status = 401, .body = "<html>", .times = 1);
	assert_int_equal(ask_once(c, &a, IMDS_WHAT_DOMAIN), 0);
	assert_int_equal(cloud_count(c, "PUT "), 2);
	assert_int_equal(cloud_count(c, "services/domain"), 2);
}

static void a_401_twice_is_an_error(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };

	CLOUD(c, .match = "services/domain", .status = 401);
	assert_int_equal(ask_once(c, &a, IMDS_WHAT_DOMAIN), -ERR_DENIED);
	assert_int_equal(cloud_count(c, "services/domain"), 2);
}

static void a_swapped_profile_is_found_by_reading_the_role_again(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };
	struct imds *im = imds_new(c->w, IMDS_URL);

	CLOUD(c, .match = "security-credentials/ ", .status = 200, .body = "old-role", .times = 1);
	CLOUD(c, .match = "security-credentials/old-role ", .status = 200, .body = cloud_keys_json(c, "ASIAOLD", HOUR_MS),
	      .times = 1);
	cloud_imds(c);
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_KEYS), 0);
	assert_string_equal(a.req.keys.id, "ASIAOLD");
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_KEYS), 0);
	assert_string_equal(a.req.keys.id, "ASIA1");
	assert_string_equal(a.req.role, "node-role");
	keys_close(&a.req.keys);
	cloud_close_imds(c, im);
}

static void keys_that_stay_away_are_asked_for_twice(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };

	CLOUD(c, .match = "security-credentials/node-role", .status = 404);
	assert_int_equal(ask_once(c, &a, IMDS_WHAT_KEYS), -ERR_NOTFOUND);
	assert_int_equal(cloud_count(c, "security-credentials/node-role"), 2);
	assert_int_equal(cloud_count(c, "security-credentials/ "), 2);
}

static void what_cannot_pass_by_itself_is_told_at_once(void **state)
{
	static const struct {
		const char *match;
		int status, rc;
		const char *says;
	} cases[] = {
		{ "api/token", 400, -ERR_SERVICE, "HTTP 400" },
		{ "api/token", 403, -ERR_DENIED, "switched off" },
		{ "api/token", 404, -ERR_NOTFOUND, "version 2" },
		{ "security-credentials/ ", 404, -ERR_NOTFOUND, "no role" },
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ask a = { 0 };

		c->rules_n = 0;
		CLOUD(c, .match = cases[i].match, .status = cases[i].status, .body = "<html>no</html>");
		assert_int_equal(ask_once(c, &a, IMDS_WHAT_KEYS), cases[i].rc);
		assert_non_null(strstr(a.req.err.text, cases[i].says));
		assert_non_null(strstr(a.req.err.text, IMDS_URL));
		assert_int_equal(c->rules[0].used, 1);
	}
}

static void what_may_pass_is_tried_four_times(void **state)
{
	static const int statuses[] = { 500, 503, 429, -ERR_NET, 0 };
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct ask a = { 0 };
		uint64_t start_ms = world_now_ms(c->w);

		c->rules_n = 0;
		CLOUD(c, .match = "services/domain", .status = statuses[i], .times = 3);
		assert_int_equal(ask_once(c, &a, IMDS_WHAT_DOMAIN), 0);
		c->rules_n = 0;
		CLOUD(c, .match = "services/domain", .status = statuses[i]);
		assert_true(ask_once(c, &a, IMDS_WHAT_DOMAIN) < 0);
		assert_int_equal(c->rules[0].used, 4);
		assert_non_null(strstr(a.req.err.text, "4 tries"));
		assert_true(world_now_ms(c->w) - start_ms < 40000);
	}
}

static void a_put_that_hangs_is_given_up_after_seconds(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };
	uint64_t start_ms = world_now_ms(c->w);

	CLOUD(c, .match = "api/token", .status = 0); /* a container with hop limit 1 */
	assert_int_equal(ask_once(c, &a, IMDS_WHAT_KEYS), -ERR_TIMEOUT);
	assert_true(world_now_ms(c->w) - start_ms < 20000);
}

static void a_page_is_never_taken_for_a_token_a_role_or_a_domain(void **state)
{
	static const char *const paths[] = { "api/token", "security-credentials/ ", "services/domain" };
	static const char *const bodies[] = { "<html>200</html>", "", "two words", "a\nb", "\n" };
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		for (size_t j = 0; j < ARRAY_LEN(bodies); j++) {
			struct ask a = { 0 };

			c->rules_n = 0;
			CLOUD(c, .match = paths[i], .status = 200, .body = bodies[j]);
			assert_int_equal(ask_once(c, &a, i == 2 ? IMDS_WHAT_DOMAIN : IMDS_WHAT_KEYS), -ERR_INVALID);
			assert_string_equal(a.req.domain, "");
			assert_string_equal(a.req.keys.id, "");
		}
}

static void an_answer_without_keys_is_told_in_its_own_words(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };

	CLOUD(c, .match = "security-credentials/node-role", .status = 200,
	      .body = "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume the role\"}");
	assert_int_equal(ask_once(c, &a, IMDS_WHAT_KEYS), -ERR_SERVICE);
	assert_non_null(strstr(a.req.err.text, "AssumeRoleUnauthorizedAccess: EC2 cannot assume the role"));
	assert_int_equal(c->rules[0].used, 1);
}

#define KEYS(id, secret, token, expires)                                                                                           \
	"{\"AccessKeyId\":" id ",\"SecretAccessKey\":" secret ",\"Token\":" token ",\"Expiration\":\"" expires

static void keys_of_a_wrong_shape_change_nothing(void **state)
{
	static const char *const bodies[] = {
		"",
		"{",
		"[]",
		"\"AccessKeyId\"",
		"{\"Code\":\"Success\"}",
		KEYS("1", "\"s\"", "\"t\"", "2027-01-01T00:00:00Z\"}"),
		KEYS("{\"a\":\"A\"}", "\"s\"", "\"t\"", "2027-01-01T00:00:00Z\"}"),
		KEYS("\"A\"", "\"s\"", "null", "2027-01-01T00:00:00Z\"}"),
		KEYS("\"A\"", "\"s\"", "\"t\"", "soon\"}"),
		KEYS("\"A\"", "\"s\"", "\"t\\r\\nX-Evil: yes\"", "2027-01-01T00:00:00Z\"}"),
		KEYS("\"A\"", "\"s\"", "\"t\"", "2027-01-01T00:00:0"),
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct ask a = { 0 };

		c->rules_n = 0;
		CLOUD(c, .match = "security-credentials/node-role", .status = 200, .body = bodies[i]);
		assert_int_equal(ask_once(c, &a, IMDS_WHAT_KEYS), -ERR_INVALID);
		assert_string_equal(a.req.keys.id, "");
		assert_null(a.req.keys.secret.bytes);
	}
}

#define IDENTITY(account, region)                                                                                                  \
	"{\"accountId\":\"" account "\",\"region\":\"" region                                                                      \
	"\",\"availabilityZone\":\"z\",\"instanceId\":\"i\",\"instanceType\":\"t\","                                               \
	"\"imageId\":\"a\",\"architecture\":\"x\"}"

static void an_identity_of_a_wrong_shape_changes_nothing(void **state)
{
	static const char *const bodies[] = {
		"{\"accountId\":\"123456789012\"}",    "{\"accountId\":123456789012}",
		IDENTITY("1234567890123", "r"),        IDENTITY("123456789012", "evil.example.com/"),
		IDENTITY("123456789012", "two words"), "{\"accountId\":\"123456789012\",\"region\":\"\"}",
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct ask a = { 0 };

		c->rules_n = 0;
		CLOUD(c, .match = "instance-identity", .status = 200, .body = bodies[i]);
		assert_int_equal(ask_once(c, &a, IMDS_WHAT_IDENTITY), -ERR_INVALID);
		assert_string_equal(a.req.identity.account, "");
	}
}

static void an_answer_beyond_64_kib_is_refused(void **state)
{
	CLEANUP(mem_close) char *big = mem_alloc(70001);
	struct cloud *c = *state;
	struct ask a = { 0 };

	memset(big, ' ', 70000);
	CLOUD(c, .match = "security-credentials/node-role", .status = 200, .body = big);
	assert_int_equal(ask_once(c, &a, IMDS_WHAT_KEYS), -ERR_LIMIT);
	assert_string_equal(a.req.keys.id, "");
}

static void the_session_token_is_renewed_two_minutes_early(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };
	struct imds *im;

	cloud_imds(c);
	im = imds_new(c->w, IMDS_URL);
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_DOMAIN), 0);
	cloud_pass(c, (21600 - 130) * 1000);
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_DOMAIN), 0);
	assert_int_equal(cloud_count(c, "PUT "), 1);
	cloud_pass(c, 11000);
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_DOMAIN), 0);
	assert_int_equal(cloud_count(c, "PUT "), 2);
	cloud_close_imds(c, im);
}

/* ---- two addresses ------------------------------------------------------------------------------------------------------- */

#define AT_IPV4 " http://169.254.169.254/"
#define AT_IPV6 " http://[fd00:ec2::254]/"

/* A service at either address, behind the rules given so far; nobody has said which one. */
static struct imds *somewhere(struct cloud *c)
{
	CLOUD(c, .match = "PUT" AT_IPV6, .status = 200, .head = TOKEN_HEAD, .body = "TOKEN6==");
	cloud_imds(c);
	return imds_new(c->w, NULL);
}

static void a_machine_with_ipv4_never_asks_at_the_other_address(void **state)
{
	struct cloud *c = *state;
	struct imds *im = somewhere(c);
	struct ask a = { 0 };

	assert_int_equal(ask(c, im, &a, IMDS_WHAT_DOMAIN), 0);
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_IDENTITY), 0);
	assert_int_equal(cloud_count(c, AT_IPV6), 0);
	assert_false(imds_is_ipv6(im));
	cloud_close_imds(c, im);
}

/* A route that leads nowhere is told at once; silence costs what a connection may take, once. */
static void where_ipv4_does_not_answer_ipv6_is_asked_in_the_same_attempt_and_remembered(void **state)
{
	static const struct {
		int status;
		uint32_t delay_ms, most_ms;
	} cases[] = { { -ERR_NET, 0, 200 }, { -ERR_TIMEOUT, 1000, 1200 } };
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ask a = { 0 };
		uint64_t began_ms = world_now_ms(c->w);
		struct imds *im;

		CLOUD(c, .match = AT_IPV4, .status = cases[i].status, .delay_ms = cases[i].delay_ms);
		im = somewhere(c);
		assert_int_equal(ask(c, im, &a, IMDS_WHAT_IDENTITY), 0);
		assert_in_range(world_now_ms(c->w) - began_ms, 0, cases[i].most_ms);
		assert_true(imds_is_ipv6(im));
		assert_int_equal(imds_lacks_ipv4(im), cases[i].status == -ERR_NET);
		assert_string_equal(seen_header(cloud_seen(c, "document", 0), "x-aws-ec2-metadata-token"), "TOKEN6==");
		assert_int_equal(ask(c, im, &a, IMDS_WHAT_DOMAIN), 0);
		assert_int_equal(cloud_count(c, AT_IPV4), 1);
		cloud_close_imds(c, im);
		cloud_forget(c);
		c->rules_n = 0;
	}
}

/* At a boot neither may be there yet. */
static void each_of_the_four_attempts_asks_both_and_the_sentence_names_both(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };
	struct imds *im;

	CLOUD(c, .match = AT_IPV4, .status = -ERR_TIMEOUT);
	CLOUD(c, .match = AT_IPV6, .status = -ERR_NET);
	im = somewhere(c);
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_KEYS), -ERR_NET);
	assert_int_equal(cloud_count(c, AT_IPV4), 4);
	assert_int_equal(cloud_count(c, AT_IPV6), 4);
	assert_non_null(strstr(a.req.err.text, "at http://169.254.169.254 or http://[fd00:ec2::254] (4 tries)"));
	cloud_close_imds(c, im);
}

/* An answer of any kind is one: the service is there. */
static void a_refusal_is_an_answer_too_and_the_other_address_is_not_asked(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };
	struct imds *im;

	CLOUD(c, .match = "PUT" AT_IPV4, .status = 403);
	im = somewhere(c);
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_KEYS), -ERR_DENIED);
	assert_non_null(strstr(a.req.err.text, "at http://169.254.169.254: 403"));
	assert_int_equal(cloud_count(c, AT_IPV6), 0);
	cloud_close_imds(c, im);
}

static void the_address_that_answered_is_kept_through_errors_and_looked_for_anew_after_a_silent_question(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };
	struct imds *im = somewhere(c);

	assert_int_equal(ask(c, im, &a, IMDS_WHAT_DOMAIN), 0);
	c->rules_n = 0;
	CLOUD(c, .match = AT_IPV4, .status = 503, .times = 4);
	CLOUD(c, .match = AT_IPV4, .status = -ERR_NET);
	CLOUD(c, .match = "PUT" AT_IPV6, .status = 200, .head = TOKEN_HEAD, .body = "TOKEN6==");
	cloud_imds(c);
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_DOMAIN), -ERR_SERVICE);
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_DOMAIN), -ERR_NET);
	assert_int_equal(cloud_count(c, AT_IPV6), 0);
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_DOMAIN), 0);
	assert_true(imds_is_ipv6(im));
	cloud_close_imds(c, im);
}

static void one_that_was_given_is_asked_alone(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };
	struct imds *im;

	CLOUD(c, .match = AT_IPV6, .status = -ERR_NET);
	cloud_imds(c);
	im = imds_new(c->w, IMDS_IPV6);
	assert_true(imds_is_ipv6(im));
	assert_int_equal(ask(c, im, &a, IMDS_WHAT_KEYS), -ERR_NET);
	assert_int_equal(cloud_count(c, AT_IPV6), 4);
	assert_int_equal(cloud_count(c, AT_IPV4), 0);
	cloud_close_imds(c, im);
}

static void many_questions_are_answered_one_after_the_other(void **state)
{
	struct cloud *c = *state;
	struct ask a[8] = { 0 };
	struct imds *im;

	cloud_imds(c);
	im = imds_new(c->w, IMDS_URL);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		start(im, &a[i], i % 2 == 0 ? IMDS_WHAT_DOMAIN : IMDS_WHAT_IDENTITY);
	for (size_t i = 0; i < ARRAY_LEN(a); i++) {
		for (size_t j = i + 1; j < ARRAY_LEN(a); j++)
			assert_false(a[j].done);
		cloud_wait(c, &a[i].done);
		assert_int_equal(a[i].rc, 0);
	}
	assert_int_equal(cloud_count(c, "PUT "), 1);
	assert_int_equal(c->seen_n, 9);
	cloud_close_imds(c, im);
}

static void a_canceled_question_calls_back_and_the_next_one_goes_on(void **state)
{
	struct cloud *c = *state;
	struct ask a[3] = { 0 };
	struct imds *im;

	cloud_imds(c);
	im = asked(c, a, ARRAY_LEN(a), IMDS_WHAT_DOMAIN);
	imds_cancel(&a[1].req);
	imds_cancel(&a[0].req);
	imds_cancel(&a[0].req);
	assert_false(a[0].done);
	cloud_wait(c, &a[2].done);
	assert_int_equal(a[0].rc, -ERR_CANCELED);
	assert_int_equal(a[1].rc, -ERR_CANCELED);
	assert_int_equal(a[2].rc, 0);
	imds_cancel(&a[2].req); /* harmless when idle */
	cloud_close_imds(c, im);
}

static void a_question_canceled_between_two_tries_ends_at_once(void **state)
{
	struct cloud *c = *state;
	struct ask a = { 0 };
	struct imds *im;

	CLOUD(c, .match = "api/token", .status = 503, .head = NULL);
	im = imds_new(c->w, IMDS_URL);
	start(im, &a, IMDS_WHAT_KEYS);
	while (c->seen_n < 3)
		assert_true(sim_step(c->w));
	sim_step(c->w); /* the answer: now it waits */
	imds_cancel(&a.req);
	cloud_wait(c, &a.done);
	assert_int_equal(a.rc, -ERR_CANCELED);
	cloud_close_imds(c, im);
}

static void closing_cancels_what_waits_and_then_tells(void **state)
{
	struct cloud *c = *state;
	struct ask a[3] = { 0 };
	struct imds *im;

	cloud_imds(c);
	im = asked(c, a, ARRAY_LEN(a), IMDS_WHAT_KEYS);
	cloud_close_imds(c, im);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		assert_true(a[i].done && a[i].rc == -ERR_CANCELED);
	cloud_close_imds(c, imds_new(c->w, IMDS_URL)); /* one that nobody asked */
}

static void who_asks_one_that_closes_is_told_that_it_is_canceled(void **state)
{
	struct cloud *c = *state;
	struct ask a[2] = { 0 };
	struct imds *im;
	bool done = false;

	cloud_imds(c);
	im = asked(c, a, 1, IMDS_WHAT_KEYS);
	imds_close(im, flag_set, &done);
	start(im, &a[1], IMDS_WHAT_KEYS);
	cloud_wait(c, &done);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		assert_true(a[i].done && a[i].rc == -ERR_CANCELED);
}

/* One who has heard enough: closes it when he is told. */
struct closer {
	struct imds_req req;
	struct imds *im;
	bool done;
};

static void on_enough(struct imds_req *req, int rc)
{
	struct closer *cl = container_of(req, struct closer, req);

	assert_int_equal(rc, 0);
	keys_close(&req->keys);
	imds_close(cl->im, flag_set, &cl->done);
}

static void one_that_is_closed_by_whom_it_answers_tells_the_rest_and_ends(void **state)
{
	struct cloud *c = *state;
	struct closer cl = { .im = imds_new(c->w, IMDS_URL) };
	struct ask a[2] = { 0 };

	cloud_imds(c);
	imds_get(cl.im, &cl.req, IMDS_WHAT_KEYS, on_enough);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		start(cl.im, &a[i], IMDS_WHAT_IDENTITY);
	cloud_wait(c, &cl.done);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		assert_true(a[i].done && a[i].rc == -ERR_CANCELED);
}

static void any_one_lost_request_is_made_up_for(void **state)
{
	struct cloud *c = *state;

	cloud_imds(c);
	for (uint64_t n = 1; n <= 4; n++) {
		struct imds *im = imds_new(c->w, IMDS_URL);
		struct ask a = { 0 };

		sim_fail_nth(c->w, SIM_HTTP, n, ERR_NET);
		assert_int_equal(ask(c, im, &a, IMDS_WHAT_KEYS), 0);
		sim_fail_nth(c->w, SIM_HTTP, 0, 0);
		keys_close(&a.req.keys);
		cloud_close_imds(c, im);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOUD_TEST(keys_take_three_requests_and_then_one),
		CLOUD_TEST(the_identity_document_and_the_domain_are_read),
		CLOUD_TEST(a_401_drops_the_token_and_asks_once_more),
		CLOUD_TEST(a_401_twice_is_an_error),
		CLOUD_TEST(a_swapped_profile_is_found_by_reading_the_role_again),
		CLOUD_TEST(keys_that_stay_away_are_asked_for_twice),
		CLOUD_TEST(what_cannot_pass_by_itself_is_told_at_once),
		CLOUD_TEST(what_may_pass_is_tried_four_times),
		CLOUD_TEST(a_put_that_hangs_is_given_up_after_seconds),
		CLOUD_TEST(a_page_is_never_taken_for_a_token_a_role_or_a_domain),
		CLOUD_TEST(an_answer_without_keys_is_told_in_its_own_words),
		CLOUD_TEST(keys_of_a_wrong_shape_change_nothing),
		CLOUD_TEST(an_identity_of_a_wrong_shape_changes_nothing),
		CLOUD_TEST(an_answer_beyond_64_kib_is_refused),
		CLOUD_TEST(the_session_token_is_renewed_two_minutes_early),
		CLOUD_TEST(a_machine_with_ipv4_never_asks_at_the_other_address),
		CLOUD_TEST(where_ipv4_does_not_answer_ipv6_is_asked_in_the_same_attempt_and_remembered),
		CLOUD_TEST(each_of_the_four_attempts_asks_both_and_the_sentence_names_both),
		CLOUD_TEST(a_refusal_is_an_answer_too_and_the_other_address_is_not_asked),
		CLOUD_TEST(the_address_that_answered_is_kept_through_errors_and_looked_for_anew_after_a_silent_question),
		CLOUD_TEST(one_that_was_given_is_asked_alone),
		CLOUD_TEST(many_questions_are_answered_one_after_the_other),
		CLOUD_TEST(a_canceled_question_calls_back_and_the_next_one_goes_on),
		CLOUD_TEST(a_question_canceled_between_two_tries_ends_at_once),
		CLOUD_TEST(closing_cancels_what_waits_and_then_tells),
		CLOUD_TEST(who_asks_one_that_closes_is_told_that_it_is_canceled),
		CLOUD_TEST(one_that_is_closed_by_whom_it_answers_tells_the_rest_and_ends),
		CLOUD_TEST(any_one_lost_request_is_made_up_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
