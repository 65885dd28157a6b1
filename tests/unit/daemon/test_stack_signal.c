/* test_stack_signal.c - the stack is told once that the agent has logged in, through a network that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/log.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/daemon/stack_signal.h"
#include "tests/sim/flag.h"
#include "tests/sim/world_sim.h"

#define HANDLE "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/arn%3Aaws?X-Amz-Signature=1%2F2&x=1"
#define PATH "/etc/reeve/wait-handle"

static struct {
	struct world *w;
	struct stack_signal *s;
	unsigned asked, refuse; /* requests; how many of them are refused */
	bool is_lost;           /* they are never answered */
	const char *says;       /* what a refusal says */
	char body[512], url[512];
	bool has_type;
} lab;

static void on_request(void *ctx, struct sim_http *x)
{
	(void)ctx;
	lab.asked++;
	assert_string_equal(x->method, "PUT");
	snprintf(lab.body, sizeof(lab.body), "%s", (const char *)x->body);
	snprintf(lab.url, sizeof(lab.url), "%s", x->url);
	lab.has_type = sim_http_header(x, "Content-Type") != NULL;
	if (lab.is_lost)
		sim_http_fail(x, -ERR_TIMEOUT, 30000);
	else
		sim_http_answer(x, lab.asked <= lab.refuse ? 403 : 200, "", lab.says, strlen(lab.says), 0);
}

static void open_one(void)
{
	lab.s = stack_signal_new(lab.w,
				 &(struct stack_signal_config){ .handle_path = PATH, .state_dir = "/state", .unique_id = "i-1" });
}

static void close_one(void)
{
	bool closed = false;

	stack_signal_close(lab.s, flag_set, &closed);
	assert_int_equal(sim_run_until(lab.w, flag_is_set, &closed, 60000), SIM_TRUE);
}

static void pass(uint64_t ms)
{
	sim_run_until(lab.w, NULL, NULL, ms);
}

static void silent(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	(void)level;
	(void)event;
	(void)pairs;
	(void)ctx;
}

static int lab_start(void **state)
{
	(void)state;
	memset(&lab, 0, sizeof(lab));
	log_set(LOG_ERROR, silent, NULL);
	lab.w = sim_new(7);
	lab.says = "";
	sim_http_handle(lab.w, on_request, NULL);
	sim_dir_make(lab.w, "/state");
	sim_file_puts(lab.w, PATH, HANDLE "\n");
	return 0;
}

static int lab_end(void **state)
{
	(void)state;
	sim_free(lab.w);
	log_set(LOG_INFO, NULL, NULL);
	return 0;
}

static void the_stack_is_told_once_for_a_handle_and_again_for_another(void **state)
{
	(void)state;
	open_one();
	pass(60000);
	assert_int_equal(lab.asked, 0); /* nobody has logged in */
	for (unsigned i = 0; i < 3; i++) {
		stack_signal_send(lab.s);
		pass(10000);
	}
	assert_int_equal(lab.asked, 1);
	assert_string_equal(lab.url, HANDLE);
	assert_false(lab.has_type); /* the signature is for a request without one */
	assert_string_equal(lab.body, "{\"Status\":\"SUCCESS\",\"UniqueId\":\"i-1\",\"Data\":\"reeve " REEVE_VERSION
				      "\",\"Reason\":\"the agent has logged in\"}");
	close_one();
	open_one();
	stack_signal_send(lab.s);
	pass(10000);
	assert_int_equal(lab.asked, 1);
	close_one();
	sim_file_puts(lab.w, PATH, HANDLE "2");
	open_one();
	stack_signal_send(lab.s);
	pass(10000);
	assert_int_equal(lab.asked, 2);
	close_one();
}

static void a_refusal_and_silence_are_followed_by_another_try_for_an_hour(void **state)
{
	unsigned asked;

	(void)state;
	lab.refuse = 3;
	open_one();
	stack_signal_send(lab.s);
	pass(120000);
	assert_int_equal(lab.asked, 4);
	close_one();
	sim_file_puts(lab.w, PATH, HANDLE "2");
	lab.is_lost = true;
	open_one();
	stack_signal_send(lab.s);
	pass(2 * 3600000);
	asked = lab.asked;
	assert_true(asked > 20);
	pass(2 * 3600000);
	assert_int_equal(lab.asked, asked); /* the stack waits no longer than that */
	close_one();
}

/* What S3 said of a signed address whose time was over: on every machine that comes after the first day of a stack. */
static void a_handle_that_has_expired_is_given_up_at_once_and_not_tried_at_the_next_start(void **state)
{
	(void)state;
	lab.refuse = 1000;
	lab.says = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Request has expired"
		   "</Message><X-Amz-Expires>86400</X-Amz-Expires></Error>";
	for (unsigned i = 0; i < 2; i++) {
		open_one();
		stack_signal_send(lab.s);
		pass(2 * 3600000);
		close_one();
		assert_int_equal(lab.asked, 1);
	}
}

static void it_closes_at_every_moment(void **state)
{
	(void)state;
	for (unsigned ms = 0; ms < 3000; ms += 7) {
		CLEANUP(mem_close) char *handle = mem_printf("%s%u", HANDLE, ms);

		sim_file_puts(lab.w, PATH, handle);
		lab.asked = 0;
		lab.refuse = 1;
		open_one();
		stack_signal_send(lab.s);
		pass(ms);
		close_one();
	}
}

static void a_file_that_holds_no_handle_is_none(void **state)
{
	static const char *const texts[] = { "", "\n", "http://x/y", "https://", "https://a b", "https://a\xc3\xa9" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		sim_file_puts(lab.w, PATH, texts[i]);
		open_one();
		assert_null(lab.s);
	}
	sim_file_unlink(lab.w, PATH);
	open_one();
	assert_null(lab.s);
}

#define LAB(test) cmocka_unit_test_setup_teardown(test, lab_start, lab_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(the_stack_is_told_once_for_a_handle_and_again_for_another),
		LAB(a_refusal_and_silence_are_followed_by_another_try_for_an_hour),
		LAB(a_handle_that_has_expired_is_given_up_at_once_and_not_tried_at_the_next_start),
		LAB(it_closes_at_every_moment),
		LAB(a_file_that_holds_no_handle_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
