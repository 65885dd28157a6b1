/* test_detect_ip.c - addresses in lines as they are written, and versions, times and names that look alike. */
#include "tests/unit/shippers/detecting.h"

/* clang-format off */
static const char *const found[] = {
	"→10.0.0.1←",
	"from →10.0.0.1←:9050 to →192.168.255.254←/24, →127.0.0.1←.",
	"2026-03-01 12:00:00,1 INFO (main|1) [Backend.handle():9] backend[→172.16.3.4←:9060] alive",
	"I0301 12:00:00.123456 17 heartbeat.cpp:90] master host=→10.1.2.3←, port:9020",
	"→10.0.0.1←-→10.0.0.9←,→10.0.1.1←",
	"http://→10.0.0.1←/api user@→10.0.0.2←",
	"→ip-10-0-0-1←.ec2.internal",
	"2001:db8 is a prefix, →2001:db8::1← an address",
	"[→::1←]:8040 and →fe80::1%eth0←",
	"→2001:0db8:85a3:0000:0000:8a2e:0370:7334← up",
	"→2001:db8:0:0:0:0:0:1←/64",
	"→::ffff:10.0.0.1← mapped",
	"→fd00:ec2::254←: timeout",
	"host:→fe80::1←, source:→fe80::2←, add →fe80::←",
	"java.net.ConnectException: /→10.0.0.1←:9060\n\tat A.b(A.java:1)\n\tto →10.0.0.2←",
	"{\"ip\":\"→10.0.0.1←\",\"v6\":\"→2001:DB8::A←\"}",
	"地址→10.0.0.1←，→fe80::1←",
	"the end. →10.0.0.1←. The next",
};

static const char *const left[] = {
	"",
	"2026-03-01 00:00:00,000 DEBUG (stream-load-30|42057) [PublishVersionDaemon.tryFinishTxn():171] #000000000 5.",
	"doris-2.1.7-rc03 and jdk 17.0.9, 1.2.3.4.5",
	"version 2.1.7.1 v2.1.7.1 version: 3.0.0.1",
	"12:34:56 12:34:56.789 2026-03-01T12:34:56Z",
	"aa:bb:cc:dd:ee:ff 00:11:22:33:44:55:66:77",
	"query id 1a2b3c4d:5e6f7a8b, fragments: 12",
	"std::begin(x) doris::BlockReader::next foo::~foo node::add",
	"256.1.1.1 1.2.3.400 1.2.3 10.0.0 1..2.3",
	"0.5 0.25 12.50 3.14159",
	"at org.apache.doris.catalog.Env.getCurrentEnv(Env.java:604)",
	"I0301 12:00:00.123456 17 tablet.cpp:90] rowset 0200:00:a1",
	":: a::b ::add 1:2:3:4:5:6:7:8",
	"ip-address ip-10-0 zip-10-0-0-1 ip-10-0-0-256",
	"x10.0.0.1 10.0.0.1x",
	"sha256:0123456789abcdef0123456789abcdef",
	"[REDACTED:ip]:9050",
	"loaded: 12, added:34, feed:12:13",
};
/* clang-format on */

static void addresses_of_both_kinds_are_found(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_IP, found, ARRAY_LEN(found));
}

static void versions_times_and_names_are_left(void **state)
{
	(void)state;
	detecting_all(TELEMETRY_IP, left, ARRAY_LEN(left));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_both_kinds_are_found),
		cmocka_unit_test(versions_times_and_names_are_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
