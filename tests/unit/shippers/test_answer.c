/* test_answer.c - what a status and a partial success come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "shippers/answer.h"

static void a_status_says_whether_the_body_goes_stays_or_comes_again(void **state)
{
	static const struct {
		int rc, status;
		enum answer is;
	} cases[] = {
		{ 0, 200, ANSWER_TAKEN },
		{ 0, 202, ANSWER_TAKEN },
		{ 0, 299, ANSWER_TAKEN },
		{ 0, 429, ANSWER_LATER },
		{ 0, 502, ANSWER_LATER },
		{ 0, 503, ANSWER_LATER },
		{ 0, 504, ANSWER_LATER },
		{ -ERR_NET, 0, ANSWER_LATER },
		{ -ERR_TIMEOUT, 0, ANSWER_LATER },
		{ -ERR_CANCELED, 0, ANSWER_LATER },
		{ 0, 301, ANSWER_ABOUT_US },
		{ 0, 399, ANSWER_ABOUT_US },
		{ 0, 401, ANSWER_ABOUT_US },
		{ 0, 403, ANSWER_ABOUT_US },
		{ 0, 404, ANSWER_ABOUT_US },
		{ 0, 400, ANSWER_REFUSED },
		{ 0, 413, ANSWER_TOO_LARGE },
		{ 0, 500, ANSWER_REFUSED },
		{ -ERR_LIMIT, 0, ANSWER_LATER },
		{ -ERR_LIMIT, 200, ANSWER_TAKEN },
		{ -ERR_LIMIT, 503, ANSWER_LATER },
		{ -ERR_LIMIT, 413, ANSWER_TOO_LARGE },
		{ -ERR_LIMIT, 401, ANSWER_ABOUT_US },
		{ -ERR_LIMIT, 400, ANSWER_REFUSED },
		{ 0, 101, ANSWER_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct http_req r = { .status = cases[i].status };

		assert_int_equal(answer_judge(&r, cases[i].rc), cases[i].is);
	}
}

static void a_partial_success_names_how_many_were_not_taken(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		uint64_t rejected;
	} cases[] = {
		{ "", 0, 0 },
		{ "\x0a\x00", 2, 0 },
		{ "\x0a\x06\x08\x07\x12\x02no", 8, 7 },
		{ "\x12\x02\x08\x07", 4, 0 },         /* another field */
		{ "\x0a\x02\x10\x07", 4, 0 },         /* in it */
		{ "\x0a\x7f\x08", 3, 0 },             /* cut short */
		{ "{\"partialSuccess\":{}}", 21, 0 }, /* another language */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(buf_close) struct buf b = BUF_MAX(64);

		buf_add(&b, cases[i].bytes, cases[i].len);
		assert_int_equal(answer_rejected(&b), cases[i].rejected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_says_whether_the_body_goes_stays_or_comes_again),
		cmocka_unit_test(a_partial_success_names_how_many_were_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
