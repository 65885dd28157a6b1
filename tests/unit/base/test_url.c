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

static void a_place_is_a_host_of_any_kind_and_its_port(void **state)
{
	static const struct {
		const char *text;
		bool is_one;
	} cases[] = {
		{ "proxy.example:3128", true },
		{ "10.0.0.1:1", true },
		{ "[fd00::1]:65535", true },
		{ "[::1]:80", true },
		{ "proxy.example", false },
		{ "proxy.example:", false },
		{ "proxy.example:0", false },
		{ "proxy.example:080", false },
		{ "proxy.example:65536", false },
		{ "proxy.example:3128/", false },
		{ "u@proxy.example:3128", false },
		{ ":3128", false },
		{ "", false },
		{ "[::1]", false },
		{ "[::1]80", false },
		{ "[::1]:", false },
		{ "[::1]:80x", false },
		{ "[::1:80", false },
		{ "[]:80", false },
		{ "[10.0.0.1]:80", false },
		{ "[fe80::1%eth0]:80", false },
		{ "[fd00::/64]:80", false },
		{ "[fd00::1/128]:80", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (url_is_place(cases[i].text) != cases[i].is_one)
			fail_msg("%s", cases[i].text);
}

static void a_node_is_asked_at_an_address_inside_a_vpc_and_nowhere_else(void **state)
{
	static const struct {
		const char *url;
		bool is_inside, or_us;
	} cases[] = {
		{ "http://10.0.0.7:8040/health", true, true },
		{ "http://172.16.0.1:1/", true, true },
		{ "http://172.31.255.255:65535/a?b=c", true, true },
		{ "http://192.168.1.1:80/", true, true },
		{ "http://100.64.0.1:80/", true, true },
		{ "http://[2600:1f18:1::7]:8040/health", true, true },
		{ "http://[fd12:3456::1]:80/", true, true },
		{ "http://127.0.0.1:80/", false, true },
		{ "http://127.1.2.3:80/", false, true },
		{ "http://[::1]:80/", false, true },
		{ "https://10.0.0.7:8040/", false, false },
		{ "http://169.254.169.254:80/", false, false },
		{ "http://169.254.0.1:80/", false, false },
		{ "http://[fd00:ec2::254]:80/", false, false },
		{ "http://[fd00:ec2::253]:80/", false, false },
		{ "http://[fe80::1]:80/", false, false },
		{ "http://[fe80::1%25eth0]:80/", false, false },
		{ "http://[ff02::1]:80/", false, false },
		{ "http://[::]:80/", false, false },
		{ "http://[::ffff:10.0.0.7]:80/", false, false },
		{ "http://[::ffff:169.254.169.254]:80/", false, false },
		{ "http://[64:ff9b::a9fe:a9fe]:80/", false, false },
		{ "http://[2002:a9fe:a9fe::1]:80/", false, false },
		{ "http://[2001:0:a9fe:a9fe::1]:80/", false, false },
		{ "http://8.8.8.8:80/", false, false },
		{ "http://172.32.0.1:80/", false, false },
		{ "http://0.0.0.0:80/", false, false },
		{ "http://224.0.0.1:80/", false, false },
		{ "http://255.255.255.255:80/", false, false },
		{ "http://localhost:80/", false, false },
		{ "http://node.example:80/", false, false },
		{ "http://10.7:80/", false, false },
		{ "http://010.0.0.7:80/", false, false },
		{ "http://0x0a000007:80/", false, false },
		{ "http://167772167:80/", false, false },
		{ "http://10.0.0.7/", false, false },
		{ "http://10.0.0.7:/", false, false },
		{ "http://10.0.0.7:0/", false, false },
		{ "http://10.0.0.7:65536/", false, false },
		{ "http://10.0.0.7:80", false, false },
		{ "http://10.0.0.7:80@169.254.169.254/", false, false },
		{ "http://10.0.0.7@169.254.169.254:80/", false, false },
		{ "http://10.0.0.0/8:80/", false, false },
		{ "http://[10.0.0.7]:80/", false, false },
		{ "http://[2600::1:80/", false, false },
		{ "http://[2600::1]80/", false, false },
		{ "HTTP://10.0.0.7:80/", false, false },
		{ "http://", false, false },
		{ "http://[", false, false },
		{ "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (url_is_inside(cases[i].url, false) != cases[i].is_inside || url_is_inside(cases[i].url, true) != cases[i].or_us)
			fail_msg("%s", cases[i].url);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_is_a_name_or_an_ipv4_address_and_nothing_but_a_path_follows),
		cmocka_unit_test(loopback_is_this_machine_alone),
		cmocka_unit_test(a_place_is_a_host_of_any_kind_and_its_port),
		cmocka_unit_test(a_node_is_asked_at_an_address_inside_a_vpc_and_nowhere_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
