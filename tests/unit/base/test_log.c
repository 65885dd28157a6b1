/* test_log.c - one line an event, at the chosen level, and nothing from outside can forge another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "agent/base/err.h"
#include "agent/base/log.h"

static char got[4096];
static unsigned lines;

static void keep(enum log_level level, const char *event, const char *pairs, void *ctx)
{
	assert_ptr_equal(ctx, got);
	lines++;
	snprintf(got, sizeof(got), "%d %s %s", (int)level, event, pairs);
}

static void only_the_chosen_levels_are_told(void **state)
{
	(void)state;
	log_set(LOG_WARN, keep, got);
	log_info("a.b", "x=%d", 1);
	log_debug("a.b", "x=%d", 1);
	assert_int_equal(lines, 0);
	log_warn("a.b", "x=%d", 1);
	assert_string_equal(got, "1 a.b x=1");
	log_error("a.c", "y=%s", "z");
	assert_string_equal(got, "0 a.c y=z");
	assert_int_equal(lines, 2);
}

static void control_characters_do_not_leave(void **state)
{
	(void)state;
	log_set(LOG_INFO, keep, got);
	log_info("a", "x=\"%s\"", "one\n<3>forged\r\x1b[2J\x7f");
	assert_string_equal(got, "2 a x=\"one?<3>forged??[2J?\"");
}

static void a_long_line_is_cut(void **state)
{
	char big[8192];

	(void)state;
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info("a", "%s", big);
	assert_true(strlen(got) < 2100);
}

static void an_ignored_error_is_told_at_debug_with_its_reason(void **state)
{
	(void)state;
	log_set(LOG_DEBUG, keep, got);
	err_ignore(-ERR_IO, "the next start sweeps it");
	assert_string_equal(got, "3 err.ignored rc=io why=\"the next start sweeps it\"");
	lines = 0;
	err_ignore(0, "nothing happened");
	assert_int_equal(lines, 0);
	log_set(LOG_INFO, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_chosen_levels_are_told),
		cmocka_unit_test(control_characters_do_not_leave),
		cmocka_unit_test(a_long_line_is_cut),
		cmocka_unit_test(an_ignored_error_is_told_at_debug_with_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
