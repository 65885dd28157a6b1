/* test_hmac_key.c - the customer's key: read where a rule wants it, and refused where it is no secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/ops/hmac_key.h"
#include "tests/sim/world_sim.h"

#define PATH "/etc/reeve/hmac.key"

static const struct telemetry_rules wanted = { .detect = { [TELEMETRY_EMAIL] = { true, TELEMETRY_HMAC } } };
static const struct telemetry_rules masks = {
	.detect = { [TELEMETRY_EMAIL] = { true, TELEMETRY_MASK }, [TELEMETRY_IP] = { false, TELEMETRY_HMAC } }
};

static void a_key_is_read_without_the_end_of_its_line(void **state)
{
	struct world *w = sim_new(1);
	CLEANUP(secret_close) struct secret key = { 0 };

	(void)state;
	sim_dir_make(w, "/etc/reeve");
	sim_file_puts(w, PATH, "0123456789abcdef\n");
	sim_file_chmod(w, PATH, 0600);
	assert_int_equal(hmac_key_read(w, PATH, &wanted, &key, NULL), 0);
	assert_int_equal(key.len, 16);
	assert_memory_equal(key.bytes, "0123456789abcdef", 16);
	sim_free(w);
}

static void it_is_not_even_looked_at_where_no_rule_wants_it(void **state)
{
	struct world *w = sim_new(1);
	CLEANUP(secret_close) struct secret key = { 0 };

	(void)state;
	assert_false(hmac_key_is_wanted(&masks));
	assert_true(hmac_key_is_wanted(&wanted));
	assert_int_equal(hmac_key_read(w, PATH, &masks, &key, NULL), 0);
	assert_int_equal(hmac_key_read(w, NULL, &wanted, &key, NULL), 0);
	assert_true(secret_empty(&key));
	assert_int_not_equal(hmac_key_read(w, PATH, &wanted, &key, NULL), 0);
	sim_free(w);
}

static void one_that_others_may_read_or_that_is_short_is_refused(void **state)
{
	static const struct {
		const char *text;
		unsigned mode;
		const char *says;
	} cases[] = {
		{ "0123456789abcdef", 0640, "open to others" },
		{ "0123456789abcdef", 0604, "open to others" },
		{ "0123456789abcdef", 0620, "open to others" },
		{ "0123456789abcde\n", 0600, "fewer than 16 bytes" },
		{ "", 0600, "fewer than 16 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world *w = sim_new(1);
		CLEANUP(secret_close) struct secret key = { 0 };
		struct err e = { 0 };

		sim_dir_make(w, "/etc/reeve");
		sim_file_puts(w, PATH, cases[i].text);
		sim_file_chmod(w, PATH, cases[i].mode);
		assert_int_not_equal(hmac_key_read(w, PATH, &wanted, &key, &e), 0);
		assert_non_null(strstr(err_text(&e), cases[i].says));
		assert_true(str_starts(err_text(&e), "telemetry.hmac_key_file: " PATH));
		assert_true(secret_empty(&key));
		sim_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_read_without_the_end_of_its_line),
		cmocka_unit_test(it_is_not_even_looked_at_where_no_rule_wants_it),
		cmocka_unit_test(one_that_others_may_read_or_that_is_short_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
