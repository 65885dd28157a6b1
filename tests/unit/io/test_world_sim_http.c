/* test_world_sim_http.c - the simulated http: to the handler and back, or not, and nobody knows whether it arrived. */
#include "tests/unit/io/lab.h"

static int run_http(struct http_req *r)
{
	lab.rc = 1;
	http_start(lab.w, r, lab_on_http);
	assert_int_equal(lab.rc, 1);
	sim_run_until(lab.w, NULL, NULL, HOUR_MS);
	return lab.rc;
}

static void http_goes_to_the_handler_and_back(void **state)
{
	struct http_req r = { .method = "POST", .url = "http://h/p", .send = "hello", .send_len = 5, .body.max = 5 };
	struct buf v = BUF_MAX(10);

	(void)state;
	assert_int_equal(run_http(&r), -ERR_NET); /* nobody there */
	sim_http_handle(lab.w, lab_on_request, NULL);
	assert_int_equal(run_http(&r), 0);
	assert_int_equal(r.status, 201);
	assert_string_equal(buf_str(&r.body), "hello");
	assert_true(http_header_get(&r, "x-a", &v));
	r.body.max = 4;
	assert_int_equal(run_http(&r), -ERR_LIMIT);
	assert_non_null(strstr(r.err.text, "POST h: "));
	buf_close(&v);
	http_req_close(&r);
}

static void http_hangs_times_out_and_can_be_cancelled(void **state)
{
	struct http_req r = { .method = "GET", .url = "http://h/hang", .total_ms = 5000, .body.max = 5 };
	uint64_t start_ms = world_now_ms(lab.w);

	(void)state;
	sim_http_handle(lab.w, lab_on_request, NULL);
	lab.rc = 1;
	http_start(lab.w, &r, lab_on_http);
	sim_run_until(lab.w, NULL, NULL, 4999);
	assert_int_equal(lab.rc, 1);
	assert_false(sim_http_gone(lab.arrived[0]));
	sim_run_until(lab.w, NULL, NULL, 1);
	assert_int_equal(lab.rc, -ERR_TIMEOUT);
	assert_int_equal(world_now_ms(lab.w) - start_ms, 5000);
	assert_true(sim_http_gone(lab.arrived[0]));
	sim_http_answer(lab.arrived[0], 200, NULL, "late", 4, 0); /* reaches nobody */
	lab.rc = 1;
	http_start(lab.w, &r, lab_on_http);
	http_cancel(lab.w, &r);
	http_cancel(lab.w, &r);
	assert_int_equal(lab.rc, 1);
	sim_run_until(lab.w, NULL, NULL, HOUR_MS);
	assert_int_equal(lab.rc, -ERR_CANCELED);
	assert_int_equal(lab.fired, 2);
	http_req_close(&r);
}

static void a_failing_request_may_or_may_not_have_arrived(void **state)
{
	unsigned before, unseen = 0, seen = 0;

	(void)state;
	sim_http_handle(lab.w, lab_on_request, NULL);
	for (unsigned i = 0; i < 100; i++) {
		struct http_req r = { .method = "GET", .url = "http://h/", .body.max = 5 };

		before = lab.arrived_n;
		sim_fail_nth(lab.w, SIM_HTTP, 1, 0);
		assert_int_equal(run_http(&r), -ERR_NET);
		seen += lab.arrived_n > before;
		unseen += lab.arrived_n == before;
		http_req_close(&r);
	}
	assert_true(seen > 20 && unseen > 20);
	assert_int_equal(sim_counts(lab.w, SIM_HTTP), 100);
	assert_int_equal(sim_calls(lab.w, SIM_HTTP), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB_TEST(http_goes_to_the_handler_and_back),
		LAB_TEST(http_hangs_times_out_and_can_be_cancelled),
		LAB_TEST(a_failing_request_may_or_may_not_have_arrived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
