/* test_rates.c - how fast: what the file may say, and how many of a cluster that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/faults.h"
#include "agent/base/mem.h"
#include "agent/base/yaml.h"
#include "agent/ops/rates.h"

static int read_text(const char *text, struct rates *r, struct err *e)
{
	CLEANUP(yaml_close) struct yaml *y = NULL;
	struct faults f = { 0 };

	TRY(yaml_parse("policy.yaml", text, strlen(text), &y, e));
	rates_read(yaml_root(y), r, &f);
	return faults_first(&f, e);
}

static void what_is_not_said_is_sixty_twenty_and_a_third(void **state)
{
	struct faults f = { 0 };
	struct rates r;

	(void)state;
	rates_read(NULL, &r, &f);
	assert_int_equal(f.all, 0);
	assert_int_equal(r.mutations_per_hour, 60);
	assert_int_equal(r.deletions_per_day, 20);
	assert_int_equal(rates_ended_most(&r, 9), 3);
	assert_int_equal(read_text("deletions_per_day: 7\n", &r, NULL), 0);
	assert_int_equal(r.deletions_per_day, 7);
	assert_int_equal(r.mutations_per_hour, 60);
}

static void a_share_is_rounded_down_but_one_node_may_always_end(void **state)
{
	static const struct {
		const char *share;
		uint32_t of, most;
	} cases[] = { { "1/3", 1, 1 },    { "1/3", 2, 1 },  { "1/3", 3, 1 }, { "1/3", 5, 1 }, { "1/3", 6, 2 },
		      { "25%", 100, 25 }, { "100%", 4, 4 }, { "1%", 50, 1 }, { "1/1", 7, 7 }, { "2/3", 3, 2 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(mem_close) char *text = mem_printf("ended_at_once: %s\n", cases[i].share);
		struct rates r;

		assert_int_equal(read_text(text, &r, NULL), 0);
		assert_int_equal(rates_ended_most(&r, cases[i].of), cases[i].most);
	}
}

static void what_is_no_rate_is_told_with_its_line(void **state)
{
	static const char *const bad[] = { "ended_at_once: 2/1\n",       "ended_at_once: 1/0\n",    "ended_at_once: half\n",
					   "ended_at_once: 0%\n",        "ended_at_once: 0/3\n",    "ended_at_once: 101%\n",
					   "ended_at_once: '%'\n",       "ended_at_once: 1/\n",     "ended_at_once: 3\n",
					   "mutations_per_hour: many\n", "deletions_per_day: -1\n", "per_minute: 1\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = { 0 };
		struct rates r;

		assert_int_not_equal(read_text(bad[i], &r, &e), 0);
		if (strstr(e.text, "policy.yaml:1: ") == NULL)
			fail_msg("%s says: %s", bad[i], e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_is_sixty_twenty_and_a_third),
		cmocka_unit_test(a_share_is_rounded_down_but_one_node_may_always_end),
		cmocka_unit_test(what_is_no_rate_is_told_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
