/* test_secret_file.c - a secret is read where its owner alone can read it, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/io/secret_file.h"
#include "tests/sim/world_sim.h"

#define PATH "/etc/reeve/secret"

static void it_is_read_byte_by_byte(void **state)
{
	struct world *w = sim_new(1);
	CLEANUP(secret_close) struct secret s = { 0 };

	(void)state;
	sim_file_put(w, PATH, "a\0b\n", 4);
	sim_file_chmod(w, PATH, 0600);
	assert_int_equal(secret_file_read(w, PATH, &s, NULL), 0);
	assert_int_equal(s.len, 4);
	assert_memory_equal(s.bytes, "a\0b\n", 4);
	sim_file_puts(w, PATH, "");
	assert_int_equal(secret_file_read(w, PATH, &s, NULL), 0);
	assert_true(secret_empty(&s));
	sim_free(w);
}

static void one_that_others_can_reach_is_refused_and_so_is_one_that_is_too_large(void **state)
{
	static const unsigned open[] = { 0640, 0604, 0620, 0602, 0610, 0601, 0777 };
	static char large[SECRET_FILE_MAX + 1];
	struct world *w = sim_new(1);
	CLEANUP(secret_close) struct secret s = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(secret_file_read(w, PATH, &s, &e), -ERR_NOTFOUND);
	sim_file_puts(w, PATH, "secret");
	for (size_t i = 0; i < ARRAY_LEN(open); i++) {
		sim_file_chmod(w, PATH, open[i]);
		assert_int_equal(secret_file_read(w, PATH, &s, &e), -ERR_DENIED);
		assert_non_null(strstr(err_text(&e), PATH " is open to others than its owner"));
	}
	memset(large, 'x', sizeof(large));
	sim_file_put(w, PATH, large, sizeof(large));
	sim_file_chmod(w, PATH, 0600);
	assert_int_equal(secret_file_read(w, PATH, &s, &e), -ERR_LIMIT);
	assert_true(secret_empty(&s));
	sim_file_put(w, PATH, large, sizeof(large) - 1);
	assert_int_equal(secret_file_read(w, PATH, &s, &e), 0);
	sim_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_read_byte_by_byte),
		cmocka_unit_test(one_that_others_can_reach_is_refused_and_so_is_one_that_is_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
