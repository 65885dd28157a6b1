/* test_session.c - when the agent polls, and what it does with a vendor that is slow, busy, gone or confused. */
#include "tests/unit/aws/cloud.h"
#include "tests/unit/control/desk.h"

#include "agent/control/session.h"
#include "proto/opamp.pb-c.h"

#define URL "https://control.example"
#define POLL "POST " URL "/v1/opamp"

struct talk {
	struct cloud *c;
	struct desk d;
	struct imds *im;
	struct creds *creds;
	struct aws *aws;
	struct channel *ch;
	struct session *s;
};

static void on_ready(void *ctx)
{
	session_kick(((struct talk *)ctx)->s);
}

static void on_health(void *ctx, struct opamp_state *s)
{
	(void)ctx;
	s->is_healthy = true;
	s->health_status = "running";
	s->health_error = "";
}

static void login_rules(struct cloud *c)
{
	CLOUD(c, .match = "/reeve/v1/challenge", .status = 200,
	      .body = "{\"challenge\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\",\"expires_in_s\":60}");
	CLOUD(c, .match = "/reeve/v1/login", .status = 200, .body = "{\"token\":\"tok-1\",\"expires_in_s\":3600}");
}

static void talk_open(struct talk *t, struct cloud *c)
{
	struct aws_config aws = { .region = "us-east-1", .suffix = "amazonaws.com", .version = "1" };
	struct channel_config ch = { .url = URL, .host = "control.example", .installation = "inst-1", .ctx = t, .ready = on_ready };
	struct session_config s = { .url = URL, .idle_ms = 30000, .busy_ms = 2000, .ctx = t, .health = on_health };

	*t = (struct talk){ .c = c };
	t->d.w = c->w;
	desk_key(&t->d, &t->d.command, 1, TRUST_COMMAND);
	desk_open(&t->d);
	cloud_imds(c);
	login_rules(c);
	t->im = imds_new(c->w, IMDS_URL);
	t->creds = creds_new_imds(c->w, t->im);
	t->aws = aws_new(c->w, &aws);
	ch.aws = t->aws;
	ch.instance = t->creds;
	t->ch = channel_new(c->w, &ch);
	s.channel = t->ch;
	s.inbox = &t->d.in;
	s.report = (struct report_args){ t->d.ops, &t->d.in, t->d.j, &t->d.command.pub };
	t->s = session_new(c->w, &s);
}

static void talk_wait(struct talk *t)
{
	assert_int_equal(sim_run_until(t->c->w, desk_is_done, &t->d, 600000), SIM_TRUE);
	t->d.done = false;
}

static void talk_close(struct talk *t)
{
	session_close(t->s, desk_closed, &t->d);
	talk_wait(t);
	channel_close(t->ch, desk_closed, &t->d);
	talk_wait(t);
	desk_shut(&t->d);
	t->d.done = false;
	creds_close(t->creds, desk_closed, &t->d);
	talk_wait(t);
	imds_close(t->im, desk_closed, &t->d);
	talk_wait(t);
	aws_free(t->aws);
}

static void run(struct talk *t, uint64_t ms)
{
	sim_run_until(t->c->w, NULL, NULL, ms);
}

static void idle_polls_come_every_thirty_seconds_and_ask_to_be_held(void **state)
{
	struct talk t;
	uint64_t first, second;

	CLOUD((struct cloud *)*state, .match = POLL, .status = 200);
	talk_open(&t, *state);
	run(&t, 100000);
	first = cloud_seen(t.c, POLL, 1)->at_ms;
	second = cloud_seen(t.c, POLL, 2)->at_ms;
	assert_in_range(second - first, 29000, 31000);
	assert_string_equal(seen_header(cloud_seen(t.c, POLL, 1), "Prefer"), "wait=20");
	assert_string_equal(seen_header(cloud_seen(t.c, POLL, 1), "Content-Type"), "application/x-protobuf");
	assert_string_equal(seen_header(cloud_seen(t.c, POLL, 1), "Content-Encoding"), "gzip");
	assert_string_equal(seen_header(cloud_seen(t.c, POLL, 1), "Accept-Encoding"), "gzip");
	assert_string_equal(seen_header(cloud_seen(t.c, POLL, 1), "Authorization"), "Reeve tok-1");
	assert_true(session_is_connected(t.s));
	talk_close(&t);
}

static void after_a_held_poll_the_next_one_comes_at_once(void **state)
{
	struct talk t;

	CLOUD((struct cloud *)*state, .match = POLL, .status = 200, .delay_ms = 20000);
	talk_open(&t, *state);
	run(&t, 100000);
	assert_in_range(cloud_count(t.c, POLL), 4, 6);
	talk_close(&t);
}

static void a_poll_that_is_held_for_long_is_not_aborted(void **state)
{
	struct talk t;

	CLOUD((struct cloud *)*state, .match = POLL, .status = 200, .delay_ms = 300000);
	talk_open(&t, *state);
	run(&t, 290000);
	assert_int_equal(cloud_count(t.c, POLL), 1);
	run(&t, 30000);
	assert_true(session_is_connected(t.s));
	assert_string_equal(trouble_text(session_trouble(t.s)), "");
	talk_close(&t);
}

static void a_poll_that_is_never_answered_is_given_up_in_the_end(void **state)
{
	struct talk t;

	CLOUD((struct cloud *)*state, .match = POLL, .status = 0, .times = 1); /* hangs */
	CLOUD((struct cloud *)*state, .match = POLL, .status = 200);
	talk_open(&t, *state);
	run(&t, 590000);
	assert_int_equal(cloud_count(t.c, POLL), 1);
	run(&t, 60000);
	assert_true(session_is_connected(t.s));
	talk_close(&t);
}

static void a_change_is_told_soon_and_many_travel_together(void **state)
{
	struct talk t;
	unsigned before;

	CLOUD((struct cloud *)*state, .match = POLL, .status = 200);
	talk_open(&t, *state);
	run(&t, 5000);
	before = cloud_count(t.c, POLL);
	for (int i = 0; i < 50; i++)
		session_kick(t.s);
	run(&t, 3000);
	assert_int_equal(cloud_count(t.c, POLL), before + 1);
	talk_close(&t);
}

static void a_busy_vendor_is_left_alone_as_long_as_it_asks(void **state)
{
	struct talk t;
	uint64_t first, second;

	CLOUD((struct cloud *)*state, .match = POLL, .status = 503, .head = "Retry-After: 120\n", .times = 1);
	CLOUD((struct cloud *)*state, .match = POLL, .status = 200);
	talk_open(&t, *state);
	run(&t, 10000);
	for (int i = 0; i < 5; i++)
		session_kick(t.s);
	run(&t, 300000);
	first = cloud_seen(t.c, POLL, 0)->at_ms;
	second = cloud_seen(t.c, POLL, 1)->at_ms;
	assert_in_range(second - first, 119000, 125000);
	talk_close(&t);
}

static void a_vendor_cannot_make_us_sleep_for_more_than_a_quarter_of_an_hour(void **state)
{
	static const char *const heads[] = { "Retry-After: 99999999\n", "Retry-After: 99999999999999999999999\n",
					     "Retry-After: Thu, 01-Jan-60 00:00:00 GMT\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		void *mine = NULL;
		struct talk t;

		cloud_setup(&mine);
		CLOUD((struct cloud *)mine, .match = POLL, .status = 503, .head = heads[i], .times = 1);
		CLOUD((struct cloud *)mine, .match = POLL, .status = 200);
		talk_open(&t, mine);
		run(&t, 14 * 60000);
		assert_int_equal(cloud_count(t.c, POLL), 1);
		run(&t, 2 * 60000);
		assert_true(cloud_count(t.c, POLL) >= 2);
		talk_close(&t);
		cloud_teardown(&mine);
	}
}

/* An OpAMP error with RetryInfo; free it after the talk. No byte of it is zero, so that it can be a text. */
static char *busy_answer(uint64_t retry_after_s)
{
	Opamp__V1__ServerToAgent m = OPAMP__V1__SERVER_TO_AGENT__INIT;
	Opamp__V1__ServerErrorResponse er = OPAMP__V1__SERVER_ERROR_RESPONSE__INIT;
	Opamp__V1__RetryInfo retry = OPAMP__V1__RETRY_INFO__INIT;
	size_t len;
	char *text;

	retry.retry_after_nanoseconds = retry_after_s * 1000000000;
	er.type = OPAMP__V1__SERVER_ERROR_RESPONSE_TYPE__UNAVAILABLE;
	er.error_message = (char *)"busy";
	er.retry_info = &retry;
	m.error_response = &er;
	text = mem_alloc(opamp__v1__server_to_agent__get_packed_size(&m) + 1);
	len = opamp__v1__server_to_agent__pack(&m, (uint8_t *)text);
	assert_int_equal(strlen(text), len);
	return text;
}

static void the_peace_that_an_opamp_error_asks_for_is_kept_within_reason(void **state)
{
	static const struct {
		uint64_t asked_s, least_ms, most_ms;
	} cases[] = { { 120, 120000, 121000 }, { 86400, 900000, 901000 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *busy = busy_answer(cases[i].asked_s);
		void *mine = NULL;
		struct talk t;

		cloud_setup(&mine);
		CLOUD((struct cloud *)mine, .match = POLL, .status = 200, .body = busy, .times = 1);
		CLOUD((struct cloud *)mine, .match = POLL, .status = 200);
		talk_open(&t, mine);
		run(&t, 10000);
		assert_false(session_is_connected(t.s));
		session_kick(t.s);
		run(&t, 1000000);
		assert_true(session_is_connected(t.s));
		assert_in_range(cloud_seen(t.c, POLL, 1)->at_ms - cloud_seen(t.c, POLL, 0)->at_ms, cases[i].least_ms,
				cases[i].most_ms);
		talk_close(&t);
		cloud_teardown(&mine);
		mem_free(busy);
	}
}

static void a_401_leads_to_a_new_login_and_a_new_poll(void **state)
{
	struct talk t;

	CLOUD((struct cloud *)*state, .match = POLL, .status = 401, .times = 1);
	CLOUD((struct cloud *)*state, .match = POLL, .status = 200);
	talk_open(&t, *state);
	run(&t, 20000);
	assert_int_equal(cloud_count(t.c, "/reeve/v1/login"), 2);
	assert_true(session_is_connected(t.s));
	talk_close(&t);
}

static void a_401_to_a_poll_that_was_held_over_a_renewal_costs_no_login(void **state)
{
	struct talk t;

	CLOUD((struct cloud *)*state, .match = "/reeve/v1/login", .status = 200,
	      .body = "{\"token\":\"tok-0\",\"expires_in_s\":600}", .times = 1);
	CLOUD((struct cloud *)*state, .match = POLL, .status = 401, .delay_ms = 540000, .times = 1);
	CLOUD((struct cloud *)*state, .match = POLL, .status = 200);
	talk_open(&t, *state);
	run(&t, 545000);
	assert_string_equal(seen_header(cloud_seen(t.c, POLL, 1), "Authorization"), "Reeve tok-1");
	assert_int_equal(cloud_count(t.c, "/reeve/v1/login"), 2);
	assert_true(session_is_connected(t.s));
	talk_close(&t);
}

static void nonsense_is_said_and_asked_again_with_back_off(void **state)
{
	struct talk t;

	CLOUD((struct cloud *)*state, .match = POLL, .status = 200, .body = "<html>not protobuf</html>", .times = 3);
	CLOUD((struct cloud *)*state, .match = POLL, .status = 500, .times = 1);
	CLOUD((struct cloud *)*state, .match = POLL, .status = -ERR_NET, .times = 2);
	CLOUD((struct cloud *)*state, .match = POLL, .status = 200);
	talk_open(&t, *state);
	run(&t, 2000);
	assert_false(session_is_connected(t.s));
	assert_string_not_equal(trouble_text(session_trouble(t.s)), "");
	run(&t, 600000);
	assert_true(session_is_connected(t.s));
	assert_string_equal(trouble_text(session_trouble(t.s)), "");
	talk_close(&t);
}

/* It gives us a token, and then does not want it: not let in, whatever state the next login is in. */
static void a_vendor_that_refuses_each_of_its_tokens_is_trouble_all_the_time(void **state)
{
	struct talk t;
	unsigned silent = 0;

	CLOUD((struct cloud *)*state, .match = POLL, .status = 401, .body = "{\"error\":\"no such session\"}", .times = 8);
	CLOUD((struct cloud *)*state, .match = POLL, .status = 200);
	talk_open(&t, *state);
	run(&t, 1000);
	while (cloud_count(t.c, POLL) < 8) {
		silent += strstr(trouble_text(session_trouble(t.s)), "answered 401 to " URL "/v1/opamp: no such session") == NULL;
		assert_false(session_is_connected(t.s));
		run(&t, 100);
	}
	assert_int_equal(silent, 0);
	run(&t, 900000);
	assert_true(session_is_connected(t.s));
	assert_string_equal(trouble_text(session_trouble(t.s)), "");
	talk_close(&t);
}

/* The words of each step; a proxy between us has its say, too. */
static void a_login_or_a_poll_that_fails_says_status_url_and_the_vendors_words_until_one_goes_well(void **state)
{
	static const struct {
		const char *match, *body, *says;
		int status;
		enum trouble_kind kind;
	} cases[] = {
		{ "/reeve/v1/challenge", "{\"error\":\"unknown installation\"}",
		  "login, challenge: the vendor answered 404 to " URL "/reeve/v1/challenge: unknown installation", 404,
		  TROUBLE_REFUSED },
		{ "/reeve/v1/login", "{\"error\":\"STS did not believe it\"}",
		  "login, token: the vendor answered 401 to " URL "/reeve/v1/login: STS did not believe it", 401, TROUBLE_REFUSED },
		{ "/reeve/v1/login", "{\"error\":\"this role may not\"}",
		  "login, token: the vendor answered 403 to " URL "/reeve/v1/login: this role may not", 403, TROUBLE_REFUSED },
		{ "/reeve/v1/login", "<html><title>Oops</title></html>",
		  "login, token: the vendor answered 500 to " URL "/reeve/v1/login: Oops", 500, TROUBLE_BUSY },
		{ "/reeve/v1/login", "", "login, token: no answer from " URL "/reeve/v1/login: ", -ERR_NET, TROUBLE_NO_ANSWER },
		{ POLL, "{\"error\":\"database is down\"}",
		  "the vendor's OpAMP server answered 500 to " URL "/v1/opamp: database is down", 500, TROUBLE_BUSY },
		{ POLL, "", "no answer from " URL "/v1/opamp: ", -ERR_NET, TROUBLE_NO_ANSWER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct talk t;
		struct cloud *c;
		void *mine = NULL;

		cloud_setup(&mine);
		c = mine;
		CLOUD(c, .match = cases[i].match, .status = cases[i].status, .body = cases[i].body, .times = 3);
		CLOUD(c, .match = POLL, .status = 200);
		talk_open(&t, c);
		for (int ms = 0; ms < 3000; ms += 100) { /* and not only at the moment at which it fails */
			run(&t, 100);
			if (ms > 300 && strncmp(trouble_text(session_trouble(t.s)), cases[i].says, strlen(cases[i].says)) != 0)
				fail_msg("case %zu after %d ms says: %s", i, ms, trouble_text(session_trouble(t.s)));
			if (ms > 300)
				assert_int_equal(session_trouble(t.s)->kind, cases[i].kind);
			assert_false(session_is_connected(t.s));
			if (cloud_count(c, cases[i].match) == 3)
				break;
		}
		run(&t, 900000);
		assert_true(session_is_connected(t.s));
		assert_string_equal(trouble_text(session_trouble(t.s)), "");
		talk_close(&t);
		cloud_teardown(&mine);
	}
}

/* Not yet in is no fault: a start, or a renewal, that goes its way. */
static void a_login_under_way_is_no_trouble(void **state)
{
	struct talk t;

	CLOUD((struct cloud *)*state, .match = "/reeve/v1/challenge", .status = 200, .delay_ms = 5000,
	      .body = "{\"challenge\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\",\"expires_in_s\":60}", .times = 1);
	CLOUD((struct cloud *)*state, .match = POLL, .status = 200);
	talk_open(&t, *state);
	run(&t, 3000);
	assert_false(session_is_connected(t.s));
	assert_string_equal(trouble_text(session_trouble(t.s)), "");
	run(&t, 10000);
	assert_true(session_is_connected(t.s));
	talk_close(&t);
}

/* More results than fit into a report, and a vendor that acknowledges none. */
static void a_report_that_does_not_fit_is_told_in_quick_parts_once_and_then_there_is_no_hurry(void **state)
{
	struct talk t = { .d.w = ((struct cloud *)*state)->w };
	unsigned parts;

	desk_key(&t.d, &t.d.command, 1, TRUST_COMMAND);
	desk_open(&t.d);
	for (uint64_t seq = 1; seq <= 9; seq++)
		desk_finish(&t.d, seq, 60000);
	desk_shut(&t.d);
	CLOUD((struct cloud *)*state, .match = POLL, .status = 200);
	talk_open(&t, *state);
	run(&t, 5000);
	parts = cloud_count(t.c, POLL);
	assert_int_equal(parts, 3);
	assert_null(strstr(cloud_seen(t.c, POLL, 0)->headers, "Prefer"));
	assert_string_equal(seen_header(cloud_seen(t.c, POLL, 2), "Prefer"), "wait=20");
	run(&t, 300000);
	assert_in_range(cloud_count(t.c, POLL), parts + 9, parts + 11);
	talk_close(&t);
}

int main(void)
{
#define TALK(f) cmocka_unit_test_setup_teardown(f, cloud_setup, cloud_teardown)
	const struct CMUnitTest tests[] = {
		TALK(idle_polls_come_every_thirty_seconds_and_ask_to_be_held),
		TALK(after_a_held_poll_the_next_one_comes_at_once),
		TALK(a_poll_that_is_held_for_long_is_not_aborted),
		TALK(a_poll_that_is_never_answered_is_given_up_in_the_end),
		TALK(a_change_is_told_soon_and_many_travel_together),
		TALK(a_busy_vendor_is_left_alone_as_long_as_it_asks),
		cmocka_unit_test(a_vendor_cannot_make_us_sleep_for_more_than_a_quarter_of_an_hour),
		cmocka_unit_test(the_peace_that_an_opamp_error_asks_for_is_kept_within_reason),
		TALK(a_401_leads_to_a_new_login_and_a_new_poll),
		TALK(a_401_to_a_poll_that_was_held_over_a_renewal_costs_no_login),
		TALK(nonsense_is_said_and_asked_again_with_back_off),
		cmocka_unit_test(a_login_or_a_poll_that_fails_says_status_url_and_the_vendors_words_until_one_goes_well),
		TALK(a_login_under_way_is_no_trouble),
		TALK(a_vendor_that_refuses_each_of_its_tokens_is_trouble_all_the_time),
		TALK(a_report_that_does_not_fit_is_told_in_quick_parts_once_and_then_there_is_no_hurry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
