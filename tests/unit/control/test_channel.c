/* test_channel.c - the login and the proof, against a scripted vendor. */
#include "tests/unit/aws/cloud.h"

#include "agent/aws/call.h"
#include "agent/aws/creds.h"
#include "agent/base/enc.h"
#include "agent/base/json.h"
#include "agent/control/channel.h"

#define CHALLENGE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

struct line {
	struct cloud *c;
	struct imds *im;
	struct creds *creds;
	struct aws *aws;
	struct channel *ch;
	unsigned ready;
	bool done;
};

static void on_ready(void *ctx)
{
	((struct line *)ctx)->ready++;
}

static void on_done(void *ctx)
{
	((struct line *)ctx)->done = true;
}

static void wait_done(struct line *l)
{
	cloud_wait(l->c, &l->done);
	l->done = false;
}

static void open_line_for(struct line *l, struct cloud *c, void (*ready)(void *ctx))
{
	struct aws_config aws = { .region = "us-east-1", .suffix = "amazonaws.com", .version = "1" };
	struct channel_config cfg = {
		.url = "https://control.example", .host = "control.example", .installation = "inst-1", .ctx = l, .ready = ready
	};

	*l = (struct line){ .c = c };
	cloud_imds(c);
	l->im = imds_new(c->w, IMDS_URL);
	l->creds = creds_new_imds(c->w, l->im);
	l->aws = aws_new(c->w, &aws);
	cfg.aws = l->aws;
	cfg.instance = l->creds;
	l->ch = channel_new(c->w, &cfg);
}

static void open_line(struct line *l, struct cloud *c)
{
	open_line_for(l, c, on_ready);
}

static void close_line(struct line *l)
{
	if (l->ch != NULL) {
		channel_close(l->ch, on_done, l);
		wait_done(l);
	}
	creds_close(l->creds, on_done, l);
	wait_done(l);
	imds_close(l->im, on_done, l);
	wait_done(l);
	aws_free(l->aws);
}

static void good_vendor(struct cloud *c)
{
	CLOUD(c, .match = "/reeve/v1/challenge", .status = 200, .body = "{\"challenge\":\"" CHALLENGE "\",\"expires_in_s\":60}");
	CLOUD(c, .match = "/reeve/v1/login", .status = 200, .body = "{\"token\":\"tok-1\",\"expires_in_s\":3600}");
}

static int sign(struct line *l, struct channel_proof *p)
{
	struct http_req r = { .method = "POST", .url = "https://control.example/v1/opamp", .send = "body", .send_len = 4 };

	return channel_sign(l->ch, &r, p, NULL);
}

static void log_in(struct line *l)
{
	struct channel_proof p;

	assert_int_equal(sign(l, &p), -ERR_NOTYET);
	sim_run_until(l->c->w, NULL, NULL, 5000);
}

static json_t *login_body(struct line *l)
{
	const struct seen *s = cloud_seen(l->c, "/reeve/v1/login", 0);
	const char *body = strchr(s->line, '{');
	json_t *j = NULL;

	assert_int_equal(json_parse(body, strlen(body), "login", &j, NULL), 0);
	return j;
}

static const char *sts_header(const json_t *j, const char *name)
{
	const json_t *list = json_object_get(json_object_get(j, "sts"), "headers");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcasecmp(json_string_value(json_array_get(json_array_get(list, i), 0)), name) == 0)
			return json_string_value(json_array_get(json_array_get(list, i), 1));
	return "";
}

static void the_login_signs_audience_challenge_and_channel_as_headers(void **state)
{
	struct line l;
	uint8_t key[SIGN_KEY_LEN];
	char expected[ENC_BASE64_LEN(DIGEST_LEN)];
	const char *key_text, *auth;
	struct digest hash;
	json_t *j;

	open_line(&l, *state);
	good_vendor(l.c);
	log_in(&l);
	j = login_body(&l);
	assert_int_equal(json_get_str(j, "channel_key", &key_text, NULL), 0);
	assert_int_equal(enc_unbase64(key_text, key, sizeof(key)), 0);
	hash = digest_of(key, sizeof(key));
	assert_string_equal(sts_header(j, "X-Reeve-Channel"), enc_base64url(hash.b, sizeof(hash.b), expected));
	assert_string_equal(sts_header(j, "X-Reeve-Audience"), "control.example");
	assert_string_equal(sts_header(j, "X-Reeve-Challenge"), CHALLENGE);
	assert_string_equal(sts_header(j, "Host"), "sts.us-east-1.amazonaws.com");
	assert_string_equal(json_str_or(json_object_get(j, "sts"), "body", ""), "Action=GetCallerIdentity&Version=2011-06-15");
	auth = sts_header(j, "Authorization");
	assert_non_null(strstr(auth,
			       "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-reeve-audience;x-reeve-challenge;"
			       "x-reeve-channel,"));
	assert_non_null(strstr(auth, "/us-east-1/sts/aws4_request"));
	assert_int_equal(l.ready, 1);
	json_decref(j);
	close_line(&l);
}

/* The vendor forwards our signed request: what STS says of our clock comes back to nobody but us, when we ask ourselves. */
static void after_a_refused_login_sts_is_asked_and_teaches_the_time(void **state)
{
	struct line l;
	const char *body;
	json_t *j = NULL;

	open_line(&l, *state);
	CLOUD(l.c, .match = "/reeve/v1/login", .status = 403, .body = "{\"error\":\"STS refuses\"}", .times = 1);
	CLOUD(l.c, .match = "https://sts.us-east-1", .status = 403, .head = "Date: Thu, 01 Jan 2026 06:00:00 GMT\n",
	      .body = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>Signature expired</Message></Error>"
		      "</ErrorResponse>",
	      .times = 1);
	good_vendor(l.c);
	log_in(&l);
	sim_run_until(l.c->w, NULL, NULL, 60000);
	assert_int_equal(l.ready, 1);
	assert_int_equal(cloud_count(l.c, "https://sts.us-east-1"), 2);
	body = strchr(cloud_seen(l.c, "/reeve/v1/login", 1)->line, '{');
	assert_int_equal(json_parse(body, strlen(body), "login", &j, NULL), 0);
	assert_true(strncmp(sts_header(j, "X-Amz-Date"), "20260101T06", 11) == 0);
	json_decref(j);
	close_line(&l);
}

static void each_request_proves_the_key_over_what_is_sent_with_a_new_counter(void **state)
{
	struct line l;
	struct sign_public pub;
	struct channel_proof p;
	char body[DIGEST_HEX_LEN], token[DIGEST_HEX_LEN], message[512];
	uint8_t sig[SIGN_SIG_LEN];
	const char *key_text;
	struct digest d;
	json_t *j;

	open_line(&l, *state);
	good_vendor(l.c);
	log_in(&l);
	j = login_body(&l);
	json_get_str(j, "channel_key", &key_text, NULL);
	assert_int_equal(enc_unbase64(key_text, pub.b, sizeof(pub.b)), 0);
	json_decref(j);
	for (unsigned n = 1; n <= 3; n++) {
		int len;

		assert_int_equal(sign(&l, &p), 0);
		assert_string_equal(p.authorization, "Reeve tok-1");
		d = digest_of("body", 4);
		digest_hex(&d, body);
		d = digest_of("tok-1", 5);
		digest_hex(&d, token);
		len = snprintf(message, sizeof(message), "reeve-proof-v1%cPOST\n/v1/opamp\n%s\n%u\n%s", 0, body, n, token);
		assert_int_equal(p.proof[3] - '0', (int)n);
		assert_int_equal(enc_unbase64(p.proof + 5, sig, sizeof(sig)), 0);
		assert_true(sign_raw_verify(&pub, message, (size_t)len, sig));
		message[20] ^= 1;
		assert_false(sign_raw_verify(&pub, message, (size_t)len, sig));
	}
	close_line(&l);
}

static void a_refused_login_is_tried_again_later(void **state)
{
	struct line l;
	struct channel_proof p;

	open_line(&l, *state);
	CLOUD(l.c, .match = "/reeve/v1/challenge", .status = 403, .body = "{\"error\":\"unknown installation\"}", .times = 2);
	good_vendor(l.c);
	log_in(&l);
	sim_run_until(l.c->w, NULL, NULL, 600000);
	assert_int_equal(l.ready, 1);
	assert_int_equal(sign(&l, &p), 0);
	close_line(&l);
}

static void a_busy_vendor_is_left_alone_as_long_as_it_asks_at_either_step(void **state)
{
	static const struct {
		const char *path, *head;
		int status;
		uint64_t least_ms, most_ms;
	} cases[] = {
		{ "/reeve/v1/challenge", "Retry-After: 120\n", 429, 120000, 121000 },
		{ "/reeve/v1/login", "Retry-After: 120\n", 503, 120000, 121000 },
		{ "/reeve/v1/challenge", "Retry-After: 99999999\n", 503, 900000, 901000 }, /* ... within reason */
		{ "/reeve/v1/login", "Retry-After: 99999999999999999999999\n", 503, 900000, 901000 },
		{ "/reeve/v1/login", "Retry-After: Thu, 01 Jan 2099 00:00:00 GMT\n", 503, 900000, 901000 },
		{ "/reeve/v1/login", "Date: Fri, 31 Dec 1999 23:57:59 GMT\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\n", 429,
		  120000, 122000 },                                         /* by its clock, not by ours */
		{ "/reeve/v1/login", "Retry-After: -120\n", 503, 0, 3000 }, /* that is not said */
		{ "/reeve/v1/login", "Retry-After: 120\n", 500, 0, 3000 },  /* it has other troubles */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct line l;
		struct cloud *c;
		void *mine = NULL;
		uint64_t waited;

		cloud_setup(&mine);
		c = mine;
		open_line(&l, c);
		CLOUD(c, .match = cases[i].path, .status = cases[i].status, .head = cases[i].head, .times = 1);
		good_vendor(c);
		log_in(&l);
		sim_run_until(c->w, NULL, NULL, 1000000);
		assert_int_equal(cloud_count(c, "/reeve/v1/challenge"), 2);
		waited = cloud_seen(c, "/reeve/v1/challenge", 1)->at_ms - cloud_seen(c, cases[i].path, 0)->at_ms;
		assert_in_range(waited, cases[i].least_ms, cases[i].most_ms);
		assert_int_equal(l.ready, 1);
		close_line(&l);
		cloud_teardown(&mine);
	}
}

/* A lying vendor: too long a life, a token that is none, no JSON, no challenge, something huge. */
static void what_is_no_token_is_not_taken(void **state)
{
	static const char *const wrong[] = {
		"{\"token\":\"\",\"expires_in_s\":60}",
		"{\"token\":\"tok-1\",\"expires_in_s\":3601}",
		"{\"token\":\"tok-1\",\"expires_in_s\":0}",
		"{\"token\":\"a b\",\"expires_in_s\":60}",
		"{\"token\":\"a\\r\\nX: y\",\"expires_in_s\":60}",
		"{\"expires_in_s\":60}",
		"{\"token\":7,\"expires_in_s\":60}",
		"[]",
		"<html>",
		"",
	};
	struct line l;
	struct channel_proof p;

	open_line(&l, *state);
	CLOUD(l.c, .match = "/reeve/v1/challenge", .status = 200, .body = "{\"challenge\":\"" CHALLENGE "\",\"expires_in_s\":60}");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		CLOUD(l.c, .match = "/reeve/v1/login", .status = 200, .body = wrong[i], .times = 1);
	CLOUD(l.c, .match = "/reeve/v1/login", .status = 500);
	log_in(&l);
	sim_run_until(l.c->w, NULL, NULL, 3600000);
	assert_true(cloud_count(l.c, "/reeve/v1/login") > ARRAY_LEN(wrong));
	assert_int_equal(sign(&l, &p), -ERR_NOTYET);
	assert_int_equal(l.ready, 0);
	close_line(&l);
}

static void a_short_challenge_is_not_signed_and_whoever_asks_is_told_why(void **state)
{
	struct line l;
	struct http_req r = { .method = "POST", .url = "https://control.example/v1/opamp" };
	struct channel_proof p;
	struct err e = { 0 };

	open_line(&l, *state);
	CLOUD(l.c, .match = "/reeve/v1/challenge", .status = 200, .body = "{\"challenge\":\"AAEC\",\"expires_in_s\":60}");
	log_in(&l);
	sim_run_until(l.c->w, NULL, NULL, 60000);
	assert_int_equal(cloud_count(l.c, "/reeve/v1/login"), 0);
	assert_int_equal(channel_sign(l.ch, &r, &p, &e), -ERR_NOTYET);
	assert_non_null(strstr(err_text(&e), "the challenge is not 32 bytes"));
	close_line(&l);
}

static void a_401_logs_in_again_with_another_key(void **state)
{
	struct line l;
	const char *one, *two;
	struct channel_proof p;

	open_line(&l, *state);
	good_vendor(l.c);
	log_in(&l);
	assert_int_equal(sign(&l, &p), 0);
	channel_unauthorized(l.ch, p.authorization);
	assert_int_equal(sign(&l, &p), -ERR_NOTYET);
	sim_run_until(l.c->w, NULL, NULL, 60000);
	assert_int_equal(l.ready, 2);
	one = strstr(cloud_seen(l.c, "/reeve/v1/login", 0)->line, "channel_key");
	two = strstr(cloud_seen(l.c, "/reeve/v1/login", 1)->line, "channel_key");
	assert_int_not_equal(strncmp(one, two, 60), 0);
	close_line(&l);
}

static void the_counter_starts_at_one_in_each_session(void **state)
{
	struct line l;
	struct channel_proof p;

	open_line(&l, *state);
	good_vendor(l.c);
	log_in(&l);
	for (unsigned n = 1; n <= 3; n++)
		assert_int_equal(sign(&l, &p), 0);
	assert_int_equal(strncmp(p.proof, "v1 3 ", 5), 0);
	channel_unauthorized(l.ch, p.authorization);
	sim_run_until(l.c->w, NULL, NULL, 60000);
	assert_int_equal(l.ready, 2);
	assert_int_equal(sign(&l, &p), 0);
	assert_int_equal(strncmp(p.proof, "v1 1 ", 5), 0);
	close_line(&l);
}

static bool is_login_refused(void *ctx)
{
	return cloud_count(ctx, "/reeve/v1/login") == 2;
}

/* A poll that was held over a renewal comes back with the old token's end. */
static void a_401_for_an_earlier_token_leaves_the_one_in_hand(void **state)
{
	struct line l;
	struct channel_proof old, now;

	open_line(&l, *state);
	CLOUD(l.c, .match = "/reeve/v1/login", .status = 200, .body = "{\"token\":\"tok-0\",\"expires_in_s\":600}", .times = 1);
	good_vendor(l.c);
	log_in(&l);
	assert_int_equal(sign(&l, &old), 0);
	sim_run_until(l.c->w, NULL, NULL, 600000);
	assert_int_equal(l.ready, 2);
	channel_unauthorized(l.ch, old.authorization);
	assert_int_equal(sign(&l, &now), 0);
	assert_string_not_equal(now.authorization, old.authorization);
	sim_run_until(l.c->w, NULL, NULL, 60000);
	assert_int_equal(l.ready, 2);
	close_line(&l);
}

/* Nobody signs with a token that was refused, also where its renewal is under way or waits. */
static void a_401_while_the_token_is_renewed_waits_for_the_new_one(void **state)
{
	struct line l;
	struct channel_proof p;

	open_line(&l, *state);
	CLOUD(l.c, .match = "/reeve/v1/login", .status = 200, .body = "{\"token\":\"tok-0\",\"expires_in_s\":10}", .times = 1);
	CLOUD(l.c, .match = "/reeve/v1/login", .status = 500, .times = 1);
	good_vendor(l.c);
	log_in(&l);
	sim_run_until(l.c->w, is_login_refused, l.c, 60000);
	assert_int_equal(l.ready, 1);
	assert_int_equal(sign(&l, &p), 0);
	channel_unauthorized(l.ch, p.authorization);
	assert_int_equal(sign(&l, &p), -ERR_NOTYET);
	sim_run_until(l.c->w, NULL, NULL, 60000);
	assert_int_equal(l.ready, 2);
	assert_int_equal(sign(&l, &p), 0);
	close_line(&l);
}

/* Logins at a vendor that gives tokens; each is refused, after it was accepted once if `accepted`. */
static size_t logins_within(struct line *l, uint64_t ms, bool accepted)
{
	struct channel_proof p = { 0 };
	uint64_t end = world_now_ms(l->c->w) + ms;

	log_in(l);
	while (world_now_ms(l->c->w) < end) {
		if (sign(l, &p) == 0 && accepted)
			channel_authorized(l->ch, p.authorization);
		channel_unauthorized(l->ch, p.authorization);
		sim_run_until(l->c->w, NULL, NULL, 1000);
	}
	return cloud_count(l->c, "/reeve/v1/login");
}

static void a_vendor_that_refuses_its_own_tokens_is_asked_ever_more_seldom(void **state)
{
	struct line l;

	open_line(&l, *state);
	good_vendor(l.c);
	assert_in_range(logins_within(&l, 3600000, false), 12, 60);
	close_line(&l);
}

static void the_back_off_starts_over_once_a_token_was_accepted(void **state)
{
	struct line l;

	open_line(&l, *state);
	good_vendor(l.c);
	assert_in_range(logins_within(&l, 60000, true), 20, 60);
	close_line(&l);
}

static void the_token_is_renewed_before_it_ends(void **state)
{
	struct line l;

	open_line(&l, *state);
	good_vendor(l.c);
	log_in(&l);
	sim_run_until(l.c->w, NULL, NULL, 3500000);
	assert_int_equal(cloud_count(l.c, "/reeve/v1/login"), 2);
	close_line(&l);
}

static void closing_in_any_state_leaves_nothing_open(void **state)
{
	(void)state;
	for (uint64_t ms = 0; ms < 300; ms += 7) {
		struct line l;
		struct cloud *c;
		struct channel_proof p;
		void *mine = NULL;

		cloud_setup(&mine);
		c = mine;
		open_line(&l, c);
		good_vendor(c);
		sign(&l, &p);
		sim_run_until(c->w, NULL, NULL, ms);
		close_line(&l);
		cloud_teardown(&mine);
	}
}

static void close_when_ready(void *ctx)
{
	struct line *l = ctx;

	channel_close(l->ch, on_done, l);
	assert_false(l->done);
}

static void one_that_is_closed_by_whom_it_tells_ends_from_the_loop(void **state)
{
	struct channel_proof p;
	struct line l;

	open_line_for(&l, *state, close_when_ready);
	good_vendor(l.c);
	sign(&l, &p);
	wait_done(&l);
	l.ch = NULL;
	close_line(&l);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, cloud_setup, cloud_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_login_signs_audience_challenge_and_channel_as_headers),
		TEST(after_a_refused_login_sts_is_asked_and_teaches_the_time),
		TEST(each_request_proves_the_key_over_what_is_sent_with_a_new_counter),
		TEST(a_refused_login_is_tried_again_later),
		cmocka_unit_test(a_busy_vendor_is_left_alone_as_long_as_it_asks_at_either_step),
		TEST(what_is_no_token_is_not_taken),
		TEST(a_short_challenge_is_not_signed_and_whoever_asks_is_told_why),
		TEST(a_401_logs_in_again_with_another_key),
		TEST(the_counter_starts_at_one_in_each_session),
		TEST(a_401_for_an_earlier_token_leaves_the_one_in_hand),
		TEST(a_401_while_the_token_is_renewed_waits_for_the_new_one),
		TEST(a_vendor_that_refuses_its_own_tokens_is_asked_ever_more_seldom),
		TEST(the_back_off_starts_over_once_a_token_was_accepted),
		TEST(the_token_is_renewed_before_it_ends),
		cmocka_unit_test(closing_in_any_state_leaves_nothing_open),
		TEST(one_that_is_closed_by_whom_it_tells_ends_from_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
