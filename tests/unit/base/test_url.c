/* test_url.c - hosts and ports as a URL may write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/base/url.h"

static void a_host_is_a_name_or_an_ipv4_address_and_nothing_but_a_path_follows(void **state)
{
	static const struct {
		const char *url, *host; /* NULL: none */
	} cases[] = {
		{ "https://Control.Example", "control.example" },
		{ "https://control.example:443/v1", "control.example" },
		{ "http://127.0.0.1:5000", "127.0.0.1" },
		{ "https://host:0", NULL },
		{ "https://host:65536", NULL },
		{ "https://host:", NULL },
		{ "https://user@host", NULL },
		{ "https://host?x", NULL },
		{ "https://[::1]", NULL },
		{ "https://-a", NULL },
		{ "https://", NULL },
		{ "host", NULL },
	};
	struct arena *m = arena_new_sized(4096);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(str_eq(url_host(m, cases[i].url), cases[i].host));
	arena_free(m);
}

static void loopback_is_this_machine_alone(void **state)
{
	(void)state;
	assert_true(url_is_loopback("localhost"));
	assert_true(url_is_loopback("127.8.9.1"));
	assert_false(url_is_loopback("127.evil.example"));
	assert_false(url_is_loopback("10.0.0.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_is_a_name_or_an_ipv4_address_and_nothing_but_a_path_follows),
		cmocka_unit_test(loopback_is_this_machine_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
