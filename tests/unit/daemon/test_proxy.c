/* test_proxy.c - the name and the password at the proxy: from the service manager's credential, or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/daemon/proxy.h"
#include "tests/sim/world_sim.h"

#define DIR "/run/credentials/reeve.service"

static void close_proxy(struct http_proxy *p)
{
	secret_close(&p->pair);
}

static void the_first_line_of_the_credential_is_who_we_are(void **state)
{
	static const struct {
		const char *text, *pair;
	} cases[] = {
		{ "reeve:hunter2\n", "reeve:hunter2" },   { "reeve:hunter2", "reeve:hunter2" },
		{ "reeve:a:b c%41\n", "reeve:a:b c%41" }, { "reeve:x\r\nsecond line\n", "reeve:x" },
		{ "r\xc3\xa9ve:x", "r\xc3\xa9ve:x" },     { "reeve:\n", "reeve:" }, /* some proxies take a name alone */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world *w = sim_new(1);
		CLEANUP(close_proxy) struct http_proxy p = { .place = "proxy.example:3128" };
		struct err e = { 0 };

		sim_file_puts(w, DIR "/reeve.proxy", cases[i].text);
		assert_int_equal(proxy_load(w, DIR, &p, &e), 0);
		assert_string_equal(p.pair.bytes, cases[i].pair);
		sim_free(w);
	}
}

static void one_that_cannot_be_used_stops_the_start_and_is_shown_by_no_sentence(void **state)
{
	static char big[2000];
	const char *const texts[] = { "", "\n", "hunter2\n", ":hunter2\n", "\nreeve:hunter2\n", "reeve:hunter2\x01\n", big };

	(void)state;
	memset(big, 'h', sizeof(big) - 1);
	memcpy(big, "reeve:hunter2", 13);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct world *w = sim_new(1);
		struct http_proxy p = { .place = "proxy.example:3128" };
		struct err e = { 0 };

		sim_file_puts(w, DIR "/reeve.proxy", texts[i]);
		if (proxy_load(w, DIR, &p, &e) == 0)
			fail_msg("case %zu is taken", i);
		assert_non_null(strstr(e.text, DIR "/reeve.proxy"));
		assert_null(strstr(e.text, "hunter2"));
		assert_true(secret_empty(&p.pair));
		sim_free(w);
	}
}

static void without_a_credential_or_a_proxy_there_is_nobody_to_be(void **state)
{
	struct world *w = sim_new(1);
	struct http_proxy p = { .place = "proxy.example:3128" }, none = { 0 };

	(void)state;
	assert_int_equal(proxy_load(w, NULL, &p, NULL), 0);
	assert_int_equal(proxy_load(w, DIR, &p, NULL), 0);
	assert_true(secret_empty(&p.pair));
	sim_file_puts(w, DIR "/reeve.proxy", "rubbish");
	assert_int_equal(proxy_load(w, DIR, &none, NULL), 0);
	sim_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_line_of_the_credential_is_who_we_are),
		cmocka_unit_test(one_that_cannot_be_used_stops_the_start_and_is_shown_by_no_sentence),
		cmocka_unit_test(without_a_credential_or_a_proxy_there_is_nobody_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
