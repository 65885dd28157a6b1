/* test_creds.c - one renewal for all, keys that are served on, and keys that AWS refused. */
#include "tests/unit/aws/askers.h"

#define MINUTE_MS (60 * 1000)

static void serve_failure(struct cloud *c, int status)
{
	c->rules_n = 0;
	CLOUD(c, .match = KEYS_MATCH, .status = status);
	cloud_imds(c);
}

static void many_waiters_share_one_renewal(void **state)
{
	struct cloud *c = *state;
	struct ask a[50] = { 0 };
	struct role r = open_role(c);

	serve_keys(c, "ASIA1", 6 * HOUR_MS);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		start(r.creds, &a[i]);
	for (size_t i = 0; i < ARRAY_LEN(a); i++) {
		cloud_wait(c, &a[i].done);
		assert_int_equal(a[i].rc, 0);
		assert_string_equal(a[i].req.keys.token.bytes, "token-ASIA1");
		keys_close(&a[i].req.keys);
	}
	assert_int_equal(cloud_count(c, KEYS_MATCH), 1);
	close_role(c, &r);
}

static void good_keys_are_answered_from_the_loop_without_a_request(void **state)
{
	struct cloud *c = *state;
	struct role r = open_role(c);

	serve_keys(c, "ASIA1", 6 * HOUR_MS);
	for (unsigned i = 0; i < 3; i++)
		expect(c, &r, "ASIA1", 1);
	close_role(c, &r);
}

static void nobody_asks_and_nothing_is_renewed(void **state)
{
	struct cloud *c = *state;
	struct role r = open_role(c);

	serve_keys(c, "ASIA1", 6 * HOUR_MS);
	expect(c, &r, "ASIA1", 1);
	cloud_pass(c, 12 * HOUR_MS);
	assert_int_equal(cloud_count(c, KEYS_MATCH), 1);
	close_role(c, &r);
}

static void the_advisory_window_grows_with_the_life_of_the_keys(void **state)
{
	static const struct {
		int64_t life_ms, window_ms;
	} cases[] = {
		{ 15 * MINUTE_MS, 5 * MINUTE_MS },
		{ 60 * MINUTE_MS, 15 * MINUTE_MS },
		{ 6 * HOUR_MS, 60 * MINUTE_MS },
	};
	struct cloud *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct role r = open_role(c);
		unsigned before = cloud_count(c, KEYS_MATCH);

		serve_keys(c, "ASIA1", cases[i].life_ms);
		expect(c, &r, "ASIA1", before + 1);
		cloud_pass(c, (uint64_t)(cases[i].life_ms - cases[i].window_ms - 10000));
		expect(c, &r, "ASIA1", before + 1);
		serve_keys(c, "ASIA2", cases[i].life_ms);
		cloud_pass(c, 11000);
		expect(c, &r, "ASIA2", before + 2);
		close_role(c, &r);
	}
}

static void in_the_last_minute_askers_wait_for_new_keys(void **state)
{
	struct cloud *c = *state;
	struct role r = open_role(c);

	serve_keys(c, "ASIA1", HOUR_MS);
	expect(c, &r, "ASIA1", 1);
	serve_keys(c, "ASIA2", 2 * HOUR_MS);
	cloud_pass(c, HOUR_MS - 30000);
	expect(c, &r, "ASIA2", 2);
	close_role(c, &r);
}

static void keys_are_served_past_their_expiry_while_the_source_is_down(void **state)
{
	struct cloud *c = *state;
	struct role r = open_role(c);
	uint64_t failed_ms;

	serve_keys(c, "ASIA1", HOUR_MS);
	expect(c, &r, "ASIA1", 1);
	serve_failure(c, 503);
	cloud_pass(c, 2 * HOUR_MS);
	expect(c, &r, "ASIA1", 5); /* four tries of one renewal */
	failed_ms = world_now_ms(c->w);
	serve_keys(c, "ASIA2", 6 * HOUR_MS);
	for (;;) {
		struct ask a = { 0 };
		bool old;

		assert_int_equal(ask(c, r.creds, &a), 0);
		old = strcmp(a.req.keys.id, "ASIA1") == 0;
		keys_close(&a.req.keys);
		if (!old)
			break;
		cloud_pass(c, 5000);
	}
	assert_in_range(world_now_ms(c->w) - failed_ms, 300000, 610000);
	assert_int_equal(cloud_count(c, KEYS_MATCH), 6);
	close_role(c, &r);
}

static void without_any_keys_askers_get_the_error_and_tries_are_a_second_apart(void **state)
{
	struct cloud *c = *state;
	struct role r = open_role(c);
	struct ask a = { 0 };
	unsigned tries = 0;
	uint64_t start_ms = world_now_ms(c->w);

	serve_failure(c, 404);
	while (world_now_ms(c->w) - start_ms < 120000) {
		assert_int_equal(ask(c, r.creds, &a), -ERR_NOTFOUND);
		assert_non_null(strstr(a.req.err.text, "the role has no keys"));
		cloud_pass(c, 200);
	}
	tries = cloud_count(c, KEYS_MATCH) / 2; /* each reads the role again and looks twice */
	assert_in_range(tries, 60, 120);
	serve_keys(c, "ASIA1", HOUR_MS);
	assert_int_equal(ask(c, r.creds, &a), 0);
	keys_close(&a.req.keys);
	close_role(c, &r);
}

static void refused_keys_are_renewed_only_if_they_are_still_the_cached_ones(void **state)
{
	struct cloud *c = *state;
	struct role r = open_role(c);

	serve_keys(c, "ASIA1", 6 * HOUR_MS);
	creds_reject(r.creds, "ASIA1"); /* nothing is cached yet */
	expect(c, &r, "ASIA1", 1);
	creds_reject(r.creds, "ASIA0");
	expect(c, &r, "ASIA1", 1);
	serve_keys(c, "ASIA2", 6 * HOUR_MS);
	creds_reject(r.creds, "ASIA1");
	creds_reject(r.creds, "ASIA1");
	expect(c, &r, "ASIA2", 2);
	creds_reject(r.creds, "ASIA1");
	expect(c, &r, "ASIA2", 2);
	close_role(c, &r);
}

static void first_keys_that_have_expired_are_believed(void **state)
{
	struct cloud *c = *state;
	struct role r = open_role(c);

	serve_keys(c, "ASIA1", -HOUR_MS);
	expect(c, &r, "ASIA1", 1);
	cloud_pass(c, 100000);
	expect(c, &r, "ASIA1", 1);
	serve_keys(c, "ASIA2", HOUR_MS);
	cloud_pass(c, 600000);
	expect(c, &r, "ASIA2", 2);
	close_role(c, &r);
}

static void expired_keys_never_replace_better_ones(void **state)
{
	struct cloud *c = *state;
	struct role r = open_role(c);

	serve_keys(c, "ASIA1", HOUR_MS);
	expect(c, &r, "ASIA1", 1);
	serve_keys(c, "ASIA0", -HOUR_MS);
	cloud_pass(c, HOUR_MS - 30000);
	expect(c, &r, "ASIA1", 2);
	expect(c, &r, "ASIA1", 2);
	close_role(c, &r);
}

static void a_canceled_asker_hears_of_it_and_the_others_get_their_keys(void **state)
{
	struct cloud *c = *state;
	struct ask a[3] = { 0 };
	struct role r = open_role(c);

	serve_keys(c, "ASIA1", HOUR_MS);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		start(r.creds, &a[i]);
	creds_cancel(&a[1].req);
	creds_cancel(&a[1].req);
	assert_false(a[1].done);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		cloud_wait(c, &a[i].done);
	assert_int_equal(a[0].rc, 0);
	assert_int_equal(a[1].rc, -ERR_CANCELED);
	assert_int_equal(a[2].rc, 0);
	creds_cancel(&a[0].req); /* harmless when idle */
	keys_close(&a[0].req.keys);
	keys_close(&a[2].req.keys);
	close_role(c, &r);
}

struct chain {
	struct creds_req req;
	struct creds *creds;
	unsigned left;
	bool done;
};

static void on_chain(struct creds_req *req, int rc)
{
	struct chain *ch = container_of(req, struct chain, req);

	assert_int_equal(rc, 0);
	keys_close(&req->keys);
	if (ch->left-- > 0)
		creds_get(ch->creds, req, on_chain);
	else
		ch->done = true;
}

static void who_asks_again_from_his_callback_is_answered_too(void **state)
{
	struct cloud *c = *state;
	struct role r = open_role(c);
	struct chain ch = { .creds = r.creds, .left = 5 };

	serve_keys(c, "ASIA1", HOUR_MS);
	creds_get(r.creds, &ch.req, on_chain);
	cloud_wait(c, &ch.done);
	assert_int_equal(cloud_count(c, KEYS_MATCH), 1);
	close_role(c, &r);
}

static void who_asks_one_that_closes_is_told_that_it_is_canceled(void **state)
{
	struct cloud *c = *state;
	struct role r = open_role(c);
	struct ask a[2] = { 0 };
	bool done = false;

	serve_keys(c, "K1", 3600000);
	start(r.creds, &a[0]);
	creds_close(r.creds, flag_set, &done);
	start(r.creds, &a[1]);
	cloud_wait(c, &done);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		assert_true(a[i].done && a[i].rc == -ERR_CANCELED);
	cloud_close_imds(c, r.im);
}

/* One who has heard enough: closes the cache when he is told. */
struct closer {
	struct creds_req req;
	struct creds *creds;
	bool done;
};

static void on_enough(struct creds_req *req, int rc)
{
	struct closer *cl = container_of(req, struct closer, req);

	assert_int_equal(rc, 0);
	keys_close(&req->keys);
	creds_close(cl->creds, flag_set, &cl->done);
}

/* had_keys: he and the others are answered from what is there; else they all wait for the question. */
static void one_that_is_closed_by_whom_it_answers_tells_the_rest_and_ends(void **state)
{
	struct cloud *c = *state;

	for (int had_keys = 0; had_keys < 2; had_keys++) {
		struct role r = open_role(c);
		struct closer cl = { .creds = r.creds };
		struct ask a[2] = { 0 };

		serve_keys(c, "ASIA1", 6 * HOUR_MS);
		if (had_keys)
			expect(c, &r, "ASIA1", cloud_count(c, KEYS_MATCH) + 1);
		creds_get(r.creds, &cl.req, on_enough);
		for (size_t i = 0; i < ARRAY_LEN(a); i++)
			start(r.creds, &a[i]);
		cloud_wait(c, &cl.done);
		for (size_t i = 0; i < ARRAY_LEN(a); i++) {
			assert_true(a[i].done && a[i].rc == (had_keys ? -ERR_CANCELED : 0));
			keys_close(&a[i].req.keys);
		}
		cloud_close_imds(c, r.im);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLOUD_TEST(one_that_is_closed_by_whom_it_answers_tells_the_rest_and_ends),
		CLOUD_TEST(many_waiters_share_one_renewal),
		CLOUD_TEST(good_keys_are_answered_from_the_loop_without_a_request),
		CLOUD_TEST(nobody_asks_and_nothing_is_renewed),
		CLOUD_TEST(the_advisory_window_grows_with_the_life_of_the_keys),
		CLOUD_TEST(in_the_last_minute_askers_wait_for_new_keys),
		CLOUD_TEST(keys_are_served_past_their_expiry_while_the_source_is_down),
		CLOUD_TEST(without_any_keys_askers_get_the_error_and_tries_are_a_second_apart),
		CLOUD_TEST(refused_keys_are_renewed_only_if_they_are_still_the_cached_ones),
		CLOUD_TEST(first_keys_that_have_expired_are_believed),
		CLOUD_TEST(expired_keys_never_replace_better_ones),
		CLOUD_TEST(who_asks_one_that_closes_is_told_that_it_is_canceled),
		CLOUD_TEST(a_canceled_asker_hears_of_it_and_the_others_get_their_keys),
		CLOUD_TEST(who_asks_again_from_his_callback_is_answered_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
