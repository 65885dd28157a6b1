/* test_world.c - the shorthands that are the same in every world. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/base/mem.h"
#include "tests/sim/world_sim.h"

static void a_header_set_twice_is_sent_once(void **state)
{
	struct http_req r = { 0 };

	(void)state;
	http_header_set(&r, "Accept", "a");
	http_header_set(&r, "Host", "h");
	http_header_set(&r, "ACCEPT", "b");
	assert_int_equal(r.headers_n, 2);
	assert_string_equal(r.headers[0].value, "b");
}

static void an_answers_header_is_found_by_name_alone(void **state)
{
	static const struct {
		const char *name, *value; /* value NULL: not there */
	} cases[] = {
		{ "Date", "Thu, 01 Jan 2026" },
		{ "date", "Thu, 01 Jan 2026" },
		{ "X-Empty", "" },
		{ "X-Twice", "first" },
		{ "Dat", NULL },
		{ "X-Last", "no newline" },
		{ "", NULL },
		{ "first", NULL },
	};
	struct http_req r = { .head = BUF_MAX(1000) };
	struct buf v = BUF_MAX(100);

	(void)state;
	assert_false(http_header_get(&r, "Date", &v));
	buf_adds(&r.head, "Date: \t Thu, 01 Jan 2026 \r\nX-Empty:\nX-Twice: first\nX-Twice: second\nX-Last:no newline");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(http_header_get(&r, cases[i].name, &v), cases[i].value != NULL);
		assert_string_equal(buf_str(&v), cases[i].value != NULL ? cases[i].value : "");
	}
	v.max = 3;
	assert_false(http_header_get(&r, "Date", &v));
	buf_close(&v);
	http_req_close(&r);
}

static void retry_after_counts_from_the_answers_own_date(void **state)
{
	static const struct {
		const char *head;
		bool is_said;
		uint64_t ms;
	} cases[] = {
		{ "Retry-After: 0\n", true, 0 },
		{ "retry-after: 30\n", true, 30000 },
		{ "Retry-After: 18446744073709551615\n", true, UINT64_MAX },
		{ "Retry-After: Sun, 06 Nov 1994 08:50:07 GMT\n", true, 30000 },
		{ "Retry-After: Sun, 06 Nov 1994 08:49:07 GMT\n", true, 0 },
		{ "Date: Sun, 06 Nov 1994 06:00:00 GMT\nRetry-After: Sun, 06 Nov 1994 06:00:07 GMT\n", true, 7000 },
		{ "Date: Sun, 06 Nov 2044 06:00:00 GMT\nRetry-After: Sun, 06 Nov 2044 06:00:07 GMT\n", true, 7000 },
		{ "Date: Sun, 06 Nov 2044 06:00:00 GMT\nRetry-After: 7\n", true, 7000 },
		{ "Date: today\nRetry-After: Sun, 06 Nov 1994 08:50:07 GMT\n", true, 30000 },
		{ "Retry-After: soon\n", false, 0 },
		{ "Retry-After: -1\n", false, 0 },
		{ "Retry-After:\n", false, 0 },
		{ "Date: 30\n", false, 0 },
		{ "", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_req r = { .head = BUF_MAX(1000) };
		struct backoff_ask ask;

		buf_adds(&r.head, cases[i].head);
		ask = http_retry_after(&r, 784111777000);
		assert_int_equal(ask.is_said, cases[i].is_said);
		assert_true(ask.ms == cases[i].ms);
		http_req_close(&r);
	}
}

static unsigned acknowledged;

static void on_disk(struct disk_req *r, int rc)
{
	(void)r;
	acknowledged += rc == 0;
}

static void disk_shorthands_ask_for_what_they_are_named_after(void **state)
{
	struct world *w = sim_new(1);
	struct disk_req r = { 0 };
	struct buf b = BUF_MAX(100);
	struct err e = { 0 };

	(void)state;
	disk_replace(w, &r, "/run/reeve/f", "abc", 3, 0, on_disk);
	assert_int_equal(r.op, DISK_REPLACE);
	sim_run_until(w, NULL, NULL, 1000);
	disk_append(w, &r, "/run/reeve/f", 3, "def", 3, on_disk);
	sim_run_until(w, NULL, NULL, 1000);
	assert_int_equal(disk_read_all(w, "/run/reeve/f", &b, &e), 0);
	assert_string_equal(buf_str(&b), "abcdef");
	disk_truncate(w, &r, "/run/reeve/f", 1, on_disk);
	sim_run_until(w, NULL, NULL, 1000);
	disk_rename(w, &r, "/run/reeve/f", "/run/reeve/g", on_disk);
	sim_run_until(w, NULL, NULL, 1000);
	assert_true(disk_exists(w, "/run/reeve/g") && !disk_exists(w, "/run/reeve/f"));
	disk_replace(w, &r, "/run/reeve/g", "x", 1, 0, on_disk);
	sim_run_until(w, NULL, NULL, 1000);
	disk_unlink(w, &r, "/run/reeve/g", on_disk);
	sim_run_until(w, NULL, NULL, 1000);
	assert_false(disk_exists(w, "/run/reeve/g"));
	assert_int_equal(acknowledged, 6);
	assert_true(world_random64(w) != world_random64(w));
	buf_close(&b);
	sim_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_set_twice_is_sent_once),
		cmocka_unit_test(an_answers_header_is_found_by_name_alone),
		cmocka_unit_test(retry_after_counts_from_the_answers_own_date),
		cmocka_unit_test(disk_shorthands_ask_for_what_they_are_named_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
