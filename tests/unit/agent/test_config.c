/* test_config.c - reeve.yaml: what it may say, and that what is wrong is refused by file, line, found and expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/base/buf.h"
#include "agent/base/faults.h"
#include "agent/base/mem.h"
#include "agent/base/str.h"
#include "agent/config.h"
#include "tests/sim/world_sim.h"

/* of RFC 8032, 7.1 */
#define KEY "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define RELEASE_KEY "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
#define HEAD_KEY "/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU="
#define LONG "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"
#define ID32 "abcdefghijklmnopqrstuvwxyz-12345"
#define GOOD                                                                                                                       \
	"installation: inst-1\n"                                                                                                   \
	"vendor: {name: velodb, url: https://control.example}\n"                                                                   \
	"trust: {keys: [{name: a, role: command, public_key: " KEY "}]}\n"

static int parse(const char *text, struct config *c, struct err *e)
{
	return config_parse("/etc/reeve/reeve.yaml", text, strlen(text), c, e);
}

static void the_least_there_is_gets_the_defaults(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(parse(GOOD, &c, NULL), 0);
	assert_string_equal(c.installation, "inst-1");
	assert_string_equal(c.vendor_host, "control.example");
	assert_string_equal(c.policy_path, "/etc/reeve/policy.yaml");
	assert_string_equal(c.stop_path, "/etc/reeve/STOP");
	assert_string_equal(c.state_dir, "/var/lib/reeve");
	assert_null(c.imds_endpoint); /* the address that answers */
	assert_int_equal(c.dualstack, CONFIG_AUTO);
	assert_int_equal(c.poll_idle_ms, 30000);
	assert_int_equal(c.trust.n, 1);
	assert_int_equal(c.metrics_interval_ms, 0);
	assert_null(c.operate_role);
	assert_false(c.insecure);
	config_close(&c);
}

/* What the customer, or the stack, does with the example: each place of a key gets one. */
static void put_keys(struct buf *b)
{
	static const struct {
		const char *place, *key;
	} keys[] = {
		{ "PUT-THE-VENDORS-COMMAND-KEY-HERE", KEY },
		{ "PUT-THE-VENDORS-RELEASE-KEY-HERE", RELEASE_KEY },
		{ "PUT-THE-VENDORS-HEAD-KEY-HERE", HEAD_KEY },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		CLEANUP(mem_close) char *text = mem_str(buf_str(b));
		char *at = strstr(text, keys[i].place);

		assert_non_null(at);
		buf_reset(b);
		buf_add(b, text, (size_t)(at - text));
		buf_addf(b, "%s%s", keys[i].key, at + strlen(keys[i].place));
	}
}

static void the_shipped_example_trusts_nobody_and_is_right_once_keys_stand_in_it(void **state)
{
	CLEANUP(buf_close) struct buf b = BUF_MAX(65536);
	struct config c;
	struct err e = { 0 };
	char part[4096];
	size_t n;
	FILE *f = fopen("deploy/etc/reeve.yaml", "r");

	(void)state;
	assert_non_null(f);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&b, part, n);
	fclose(f);
	assert_int_not_equal(config_parse("deploy/etc/reeve.yaml", b.data, b.len, &c, &e), 0);
	assert_non_null(
	    strstr(e.text, "public_key: found \"PUT-THE-VENDORS-COMMAND-KEY-HERE\", expected a raw Ed25519 public key"));
	put_keys(&b);
	if (config_parse("deploy/etc/reeve.yaml", b.data, b.len, &c, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(c.trust.n, 3);
	assert_int_equal(c.logs_n, 1);
	config_close(&c);
}

static void how_telemetry_is_packed_and_how_fast_a_backlog_goes_is_read(void **state)
{
	static const char text[] = GOOD "telemetry: {compression: zstd, spool: {catch_up: 3MiB, max_age: 72h}}\n";
	struct config c = { 0 };

	(void)state;
	assert_int_equal(config_parse("r.yaml", GOOD, sizeof(GOOD) - 1, &c, NULL), 0);
	assert_true(c.compression == CONFIG_GZIP && c.spool_catch_up == 8u << 20 && c.spool_max_age_ms == 0);
	config_close(&c);
	assert_int_equal(config_parse("r.yaml", text, sizeof(text) - 1, &c, NULL), 0);
	assert_true(c.compression == CONFIG_ZSTD && c.spool_catch_up == 3u << 20 && c.spool_max_age_ms == 72 * 3600000ull);
	config_close(&c);
}

static void the_customers_own_receiver_is_read(void **state)
{
	static const char text[] = GOOD "telemetry:\n  customer: {url: \"https://o.example/otlp\", auth_file: /a, ca_file: /b,\n"
					"    connect_to: \"vpce:443\", logs_max: 5MiB, metrics_max: 6MiB}\n";
	struct config c = { 0 };
	struct err e = { 0 };

	(void)state;
	if (config_parse("x.yaml", text, strlen(text), &c, &e) != 0)
		fail_msg("%s", e.text);
	assert_string_equal(c.customer.url, "https://o.example/otlp");
	assert_string_equal(c.customer.auth_file, "/a");
	assert_string_equal(c.customer.ca_file, "/b");
	assert_string_equal(c.customer.connect_to, "vpce:443");
	assert_null(c.vendor_connect_to);
	assert_true(c.customer.logs_max == 5u << 20 && c.customer.metrics_max == 6u << 20);
	config_close(&c);
}

#define TWO_KEYS(first, role, second)                                                                                              \
	"installation: a\nvendor: {name: v, url: https://h}\ntrust:\n  keys:\n"                                                    \
	"    - {name: one, role: command, public_key: " first "}\n    - {name: two, role: " role ", public_key: " second "}\n"

static void a_key_that_is_no_key_or_has_two_roles_is_not_trusted(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ TWO_KEYS(KEY, "release", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), ":6: public_key: found " },
		{ TWO_KEYS(KEY, "release", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), "this one is of small order" },
		{ TWO_KEYS(KEY, "release", KEY), ":6: public_key: found " },
		{ TWO_KEYS(KEY, "release", KEY), "expected a key of its own (\"one\" has this one)" },
		{ TWO_KEYS(KEY, "head", KEY), "expected a key of its own" },
		{ TWO_KEYS(KEY, "command", KEY), "expected a key of its own" },
		{ TWO_KEYS(KEY, "release", RELEASE_KEY), NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config c;
		struct err e = { 0 };
		int rc = parse(cases[i].text, &c, &e);

		if (cases[i].says == NULL ? rc != 0 : rc == 0 || strstr(e.text, cases[i].says) == NULL)
			fail_msg("case %zu says: %s", i, e.text);
		if (rc == 0)
			config_close(&c);
	}
}

static void what_is_wrong_is_named_by_line_found_and_expected(void **state)
{
	static const struct {
		const char *more, *says;
	} cases[] = {
		{ "instalation: x\n",
		  ":4: key \"instalation\" is not known here, expected one of installation, vendor, aws, trust, " },
		{ "installation: again\n", ":4: key \"installation\" stands twice, first at line 1" },
		{ "poll: 30\n", ":4: poll: found \"30\", expected a mapping" },
		{ "poll: {idle: fast}\n", ":4: idle: found \"fast\", expected a duration" },
		{ "poll: {busy: 1ms}\n", "expected at least 200ms" },
		{ "insecure: yes\n", ":4: insecure: found \"yes\", expected true or false" },
		{ "aws: {region: US_EAST}\n", "region: found \"US_EAST\"" },
		{ "aws: {region: us-esat-1}\n", "region: found \"us-esat-1\", expected a region of AWS such as us-east-1" },
		{ "aws: {region: eu-central-1a}\n", "expected a region of AWS" },
		{ "aws: {account: 12345}\n", "expected an account id of 12 digits" },
		{ "aws: {operate_role: my-role}\n", "expected a role's ARN" },
		{ "aws: {imds_endpoint: http://10.0.0.1}\n", "expected http://169.254.169.254" },
		{ "aws: {endpoints: {ec2: http://10.0.0.1}}\n", "http:// is allowed to loopback alone" },
		{ "insecure: true\naws: {endpoints: {ec2: http://10.0.0.1}}\n", "http:// is allowed to loopback alone" },
		{ "insecure: true\naws: {endpoints: {ec2: http://127.evil.example}}\n", "http:// is allowed to loopback alone" },
		{ "insecure: true\naws: {imds_endpoint: \"http://127.0.0.1@evil.example\"}\n", "expected http://169.254.169.254" },
		{ "aws: {endpoints: {s3: https://x}}\n",
		  "key \"s3\" is not known here, expected one of ec2, elasticloadbalancing, sts" },
		{ "aws: {endpoints: {ec2: https://u@host}}\n", "expected a URL" },
		{ "aws: {endpoints: {ec2: ftp://host}}\n", "expected https://" },
		{ "aws: {endpoints: {ec2: \"https://[2001:db8::1]:443\"}}\n",
		  ":4: ec2: found \"https://[2001:db8::1]:443\", expected a URL" },
		{ "aws: {endpoints: {ec2: \"https://host:\"}}\n", "expected a URL" },
		{ "aws: {endpoints: {ec2: \"https://host:65536\"}}\n", "expected a URL" },
		{ "aws: {endpoints: {ec2: \"https://host:0\"}}\n", "expected a URL" },
		{ "aws: {endpoints: {ec2: \"https://a_b\"}}\n", "expected a URL" },
		{ "aws: {endpoints: {ec2: \"https://-a\"}}\n", "expected a URL" },
		{ "aws: {dualstack: ipv6}\n", ":4: dualstack: found \"ipv6\", expected true or false" },
		{ "aws: {imds_endpoint: \"http://[::1]:1338\"}\n", "expected http://169.254.169.254 or http://[fd00:ec2::254]" },
		{ "aws: {imds_endpoint: \"http://[fd00:ec2::253]\"}\n",
		  "expected http://169.254.169.254 or http://[fd00:ec2::254]" },
		{ "insecure: true\naws: {imds_endpoint: \"http://[::1]:1@evil.example\"}\n", "expected http://169.254.169.254" },
		{ "insecure: true\naws: {imds_endpoint: \"http://[::1]:\"}\n", "expected http://169.254.169.254" },
		{ "insecure: true\naws: {imds_endpoint: \"http://[::2]:80\"}\n", "expected http://169.254.169.254" },
		{ "insecure: true\naws: {imds_endpoint: \"http://127.0.0.1:x\"}\n", "expected http://169.254.169.254" },
		{ "socket: /run/" LONG "\n", "expected a path of at most 107 bytes" },
		{ "telemetry: {customer: {auth_file: /a}}\n", "url" },
		{ "telemetry: {customer: {url: \"http://o.example\"}}\n", "expected https://" },
		{ "telemetry: {customer: {url: \"https://o.example/\"}}\n", "no slash at its end" },
		{ "telemetry: {customer: {url: \"https://u:p@o.example\"}}\n", "url" },
		{ "telemetry: {customer: {url: \"https://o.example\", auth_file: a}}\n", "an absolute path" },
		{ "telemetry: {customer: {url: \"https://o.example\", token: a}}\n", "token" },
		{ "telemetry: {customer: {url: \"https://o.example\", logs_max: 1}}\n", "at least 1MiB" },
		{ "telemetry: {compression: lz4}\n", ":4: compression: found \"lz4\", expected one of gzip, zstd" },
		{ "telemetry: {spool: {catch_up: 1KiB}}\n", ":4: catch_up: found \"1KiB\", expected at least 64KiB" },
		{ "telemetry: {spool: {logs_max: 0}}\n", ":4: logs_max: found \"0\", expected at least 1MiB" },
		{ "telemetry: {hmac_key_file: hmac.key}\n", ":4: hmac_key_file: found \"hmac.key\", expected an absolute path" },
		{ "telemetry: {spool: {metrics_max: 100KiB}}\n", "expected at least 1MiB" },
		{ "state: {dir: relative}\n", "expected an absolute path" },
		{ "journal: {max: 10}\n", "expected at least 1MiB" },
		{ "journal: {segment: 1GiB}\n", "expected at most 32MiB" },
		{ "journal: {max: lots}\n", "found \"lots\", expected a size" },
		{ "telemetry: {logs: {a: b}}\n", "found a mapping, expected a list" },
		{ "telemetry: {host_metrics: {interval: 10ms}}\n", "expected at least 1s" },
		{ "log: {level: loud}\n", "expected one of error, warn, info, debug" },
		{ "log: &anchor {level: info}\n", ":4: anchors are not allowed" },
		{ "log: !!map {level: info}\n", ":4: tags are not allowed" },
		{ "--- {}\n", "second document" },
		{ "\tlog: {}\n", "not YAML" },
		{ "x: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", "nested too deep" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(mem_close) char *text = mem_printf("%s%s", GOOD, cases[i].more);
		struct config c = { .journal_max = 7 };
		struct err e = { 0 };

		if (parse(text, &c, &e) == 0)
			fail_msg("case %zu passes", i);
		if (strstr(e.text, cases[i].says) == NULL || strstr(e.text, "/etc/reeve/reeve.yaml") != e.text)
			fail_msg("case %zu says: %s", i, e.text);
		assert_int_equal(c.journal_max, 7);
	}
}

#define PROXY(proxy) "installation: a\nvendor:\n  name: v\n  url: https://h\n  proxy: \"" proxy "\"\n"

static void a_proxy_is_a_place_and_holds_no_secret_and_is_the_one_way(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ PROXY("http://proxy.example:3128"), "key \"trust\" is missing" }, /* a good one: what comes next is missed */
		{ PROXY("http://10.0.0.1:80"), "key \"trust\" is missing" },
		{ PROXY("http://[fd00::1]:3128"), "key \"trust\" is missing" },
		{ PROXY("http://proxy.example"),
		  ":5: proxy: found \"http://proxy.example\", expected http://HOST:PORT with nothing" },
		{ PROXY("http://proxy.example:3128/"), "expected http://HOST:PORT with nothing behind it" },
		{ PROXY("http://proxy.example:3128/pac"), "expected http://HOST:PORT" },
		{ PROXY("proxy.example:3128"), "expected http://HOST:PORT" },
		{ PROXY("socks5://proxy.example:1080"), "expected http://HOST:PORT" },
		{ PROXY("https://proxy.example:3128"), "TLS to the vendor goes through it, from end to end" },
		{ PROXY("http://user:hunter2@proxy.example:3128"),
		  ":5: proxy: found a text that is not shown here, expected http://HOST:PORT with nothing behind it, such as "
		  "http://proxy.example:3128: its user:password stands in the credential reeve.proxy of the service" },
		{ PROXY("user:hunter2@proxy.example:3128"), "found a text that is not shown here" },
		{ PROXY("http://proxy.example:3128") "  connect_to: \"h:443\"\n",
		  ":5: proxy: found \"http://proxy.example:3128\", expected no connect_to beside it" },
		{ "insecure: true\ninstallation: a\nvendor: {name: v, url: \"http://127.0.0.1:1\", proxy: \"http://p:1\"}\n",
		  ":3: proxy: found \"http://p:1\", expected a url of https:// beside it" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config c;
		struct err e = { 0 };

		assert_int_equal(parse(cases[i].text, &c, &e), -ERR_INVALID);
		if (strstr(e.text, cases[i].says) == NULL || strstr(e.text, "hunter2") != NULL)
			fail_msg("case %zu says: %s", i, e.text);
	}
}

#define CONNECT_TO(to) "installation: a\nvendor: {name: v, url: https://h, connect_to: \"" to "\"}\n"

static void what_must_be_there_is_asked_for(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "the file is empty" },
		{ "[]\n", "expected a mapping" },
		{ "vendor: {}\n", "key \"installation\" is missing" },
		{ "instalation: a\n", ":1: key \"instalation\" is not known here" }, /* what was written, not what was meant */
		{ "installation: a\nvendor:\n  name: v\n  uri: https://h\n",
		  ":4: key \"uri\" is not known here, expected one of name, url, " },
		{ "installation: a\n", "key \"vendor\" is missing" },
		{ "installation: a\nvendor: {name: v}\n", "key \"url\" is missing" },
		{ "installation: a\nvendor: {name: v, url: https://h}\n", "key \"trust\" is missing" },
		{ "installation: a\nvendor: {name: v, url: https://h}\ntrust: {keys: [{name: x, role: command}]}\n",
		  "key \"public_key\" is missing" },
		{ "installation: a\nvendor: {name: v, url: https://h}\ntrust: {keys: [{name: x, role: boss, public_key: " KEY
		  "}]}\n",
		  "expected one of command, release, head" },
		{ "installation: a\nvendor: {name: v, url: https://h}\ntrust: {keys: [{name: x, role: head, public_key: AAAA}]}\n",
		  "expected a raw Ed25519 public key" },
		{ "installation: a\nvendor: {name: v, url: https://h}\ntrust: {keys: []}\n",
		  ":3: keys: found a list, expected at least one key" },
		{ "installation: a\nvendor: {name: v, url: \"https://[2001:db8::1]:443\"}\n", ":2: url: found " },
		{ "installation: a\nvendor:\n  name: v\n  url: https://h\n  connect_to: rubbish with space\n",
		  ":5: connect_to: found \"rubbish with space\", expected a name or an IPv4 address and a port" },
		{ CONNECT_TO("h"), "expected a name or an IPv4 address and a port" },
		{ CONNECT_TO("h:443:1"), "expected a name or an IPv4 address and a port" },
		{ CONNECT_TO("h:443/"), "expected a name or an IPv4 address and a port" },
		{ CONNECT_TO("[::1]:443"), "expected a name or an IPv4 address and a port" },
		{ CONNECT_TO(":443"), "expected a name or an IPv4 address and a port" },
		{ CONNECT_TO("vpce-0.example:443"), "key \"trust\" is missing" }, /* a good one: what comes next is missed */
		{ "installation: a\nvendor: {name: sg-x, url: https://h}\n",
		  ":2: name: found \"sg-x\", expected a name that does not" },
		{ "installation: " ID32 "\nvendor: {name: " ID32 ", url: https://h}\n",
		  ":1: installation: found \"" ID32 "\", expected together with vendor.name at most 50 characters, not 64" },
		{ "installation: " ID32 "\nvendor: {name: abcdefghijklmnopqr, url: https://h}\n", "key \"trust\" is missing" },
		{ "installation: " ID32 "\nvendor: {name: abcdefghijklmnopqrs, url: https://h}\n", "not 51" },
		{ "installation: " ID32 "\nvendor: {name: " ID32
		  ", url: https://h}\naws: {operate_role: \"arn:aws:iam::1:role/x\"}\n",
		  "key \"trust\" is missing" },
		{ "installation: a b\n", "expected 1 to 32 of [a-z0-9-]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config c;
		struct err e = { 0 };

		assert_int_not_equal(parse(cases[i].text, &c, &e), 0);
		if (strstr(e.text, cases[i].says) == NULL)
			fail_msg("case %zu says: %s", i, e.text);
	}
}

/* Mended one by one, five starts would be needed to find the last. */
static void all_that_is_wrong_is_told_each_with_its_line_and_nothing_that_follows_from_it(void **state)
{
	static const char text[] =
	    "installation: inst 1\n"
	    "vendor:\n  name: velodb\n  url: https://control.example/reeve\n  ca: /etc/ca.pem\n"
	    "aws: {region: us-esat-1, account: 12, endpoints: {ec2: ftp://x, s4: https://x}}\n"
	    "trust:\n  keys:\n    - {name: a, role: boss, public_key: AAAA}\n    - {role: head}\n"
	    "state: here\npoll: {idle: fast, busy: 1ms}\n"
	    "telemetry:\n  logs:\n    - {path: relative.log}\n    - {path: /var/log/x, service: x, more: 1}\n"
	    "log: {level: loud}\nextra: 1\n";
	static const char *const all[] = {
		":16: key \"extra\" is not known here",
		":1: installation: found \"inst 1\"",
		":5: key \"ca\" is not known here",
		":4: url: found \"https://control.example/reeve\", expected a URL without a path",
		":6: region: found \"us-esat-1\"",
		":6: account: found \"12\"",
		":6: key \"s4\" is not known here",
		":6: ec2: found \"ftp://x\"",
		":9: role: found \"boss\"",
		":9: public_key: found \"AAAA\"",
		": key \"name\" is missing",
		": key \"public_key\" is missing",
		":11: state: found \"here\"",
		":12: idle: found \"fast\"",
		":12: busy: found \"1ms\"",
		":15: path: found \"relative.log\"",
		":15: key \"service\" is missing",
		":16: key \"more\" is not known here",
		":17: level: found \"loud\"",
	};
	struct world *w = sim_new(1);
	struct faults f = { 0 };
	struct config c = { 0 };

	(void)state;
	sim_file_puts(w, "/etc/reeve/reeve.yaml", text);
	config_check(w, "/etc/reeve/reeve.yaml", &c, &f);
	for (size_t i = 0; i < f.n || i < ARRAY_LEN(all); i++)
		if (i >= f.n || i >= ARRAY_LEN(all) || strstr(f.v[i].text, i == 0 ? "key \"extra\"" : all[i]) == NULL)
			fail_msg("fault %zu: %s", i, i < f.n ? f.v[i].text : "missing");
	assert_int_equal(f.all, ARRAY_LEN(all));
	assert_int_equal(c.poll_idle_ms, 30000); /* what is wrong is as if it were not there */
	config_close(&c);
	sim_free(w);
}

/* Nothing that was refused while it was read may be used: by a name that is none, by a path that is none. */
static void a_file_in_which_all_values_are_refused_tells_each_of_them_once(void **state)
{
	static const char text[] = "installation: *x\nvendor: {name: *x, url: *x, connect_to: *x, proxy: *x, ca_file: *x}\n"
				   "aws: {region: *x, account: *x, role_id: *x, operate_role: *x, imds_endpoint: *x, dualstack: "
				   "*x, endpoints: {ec2: *x}}\n"
				   "trust: {keys: [{name: *x, role: *x, public_key: *x}, *x]}\nstate: {dir: *x}\nsocket: *x\n"
				   "journal: {max: *x, segment: *x}\npoll: {idle: *x, busy: *x}\n"
				   "telemetry: {host_metrics: {interval: *x}, logs: [{path: *x, service: *x}, *x], spool: *x}\n"
				   "log: {level: *x}\ninsecure: *x\nlog: *x\n";
	struct world *w = sim_new(1);
	struct faults f = { 0 };
	struct config c = { 0 };
	size_t aliases = 0;

	(void)state;
	sim_file_puts(w, "/etc/reeve/reeve.yaml", text);
	config_check(w, "/etc/reeve/reeve.yaml", &c, &f);
	for (const char *at = text; (at = strstr(at, "*x")) != NULL; at++)
		aliases++;
	assert_int_equal(f.all, aliases + 1);
	for (size_t i = 0; i < f.n; i++)
		if (strstr(f.v[i].text, "aliases are") == NULL && strstr(f.v[i].text, ":12: key \"log\" stands twice") == NULL)
			fail_msg("%s", f.v[i].text);
	assert_true(c.trust.n == 0 && c.logs_n == 0);
	config_close(&c);
	sim_free(w);
}

static void of_a_file_that_breaks_off_what_may_stand_behind_is_not_missed(void **state)
{
	static const char text[] = "poll: {idle: fast}\nvendor: {name: v}\ntrust:\n  keys:\n    - {name: a\n    more\n";
	struct world *w = sim_new(1);
	struct faults f = { 0 };
	struct config c = { 0 };

	(void)state;
	sim_file_puts(w, "/etc/reeve/reeve.yaml", text);
	config_check(w, "/etc/reeve/reeve.yaml", &c, &f);
	assert_int_equal(f.all, 3);
	assert_non_null(strstr(f.v[0].text, "not YAML: "));
	assert_non_null(strstr(f.v[0].text, "; the rest was not read"));
	assert_non_null(strstr(f.v[1].text, ":2: key \"url\" is missing"));
	assert_non_null(strstr(f.v[2].text, ":1: idle: found \"fast\""));
	config_close(&c);
	sim_free(w);
}

static void a_vendors_url_has_no_path(void **state)
{
	static const char *const paths[] = { "https://h/reeve", "https://h:443/a/b", "https://h//x" };
	struct err e = { 0 };
	struct config c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		CLEANUP(mem_close)
		char *text = mem_printf("installation: a\nvendor: {name: v, url: \"%s\"}\ntrust: {keys: [{name: a, role: command, "
					"public_key: " KEY "}]}\n",
					paths[i]);

		assert_int_equal(parse(text, &c, &e), -ERR_INVALID);
		assert_non_null(strstr(e.text, "a URL without a path"));
	}
}

static void a_file_that_is_too_large_or_cut_anywhere_is_an_error_or_less(void **state)
{
	CLEANUP(mem_close) char *huge = mem_alloc(300000);
	struct config c;
	struct err e = { 0 };

	(void)state;
	memset(huge, '#', 299999);
	assert_int_equal(config_parse("f", huge, 299999, &c, &e), -ERR_LIMIT);
	for (size_t cut = 0; cut + 1 < strlen(GOOD); cut++)
		if (config_parse("f", GOOD, cut, &c, &e) == 0)
			fail_msg("cut at %zu passes", cut);
}

static void loopback_may_be_plain_where_insecure_is_said(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(
	    parse(GOOD
		  "insecure: true\naws: {imds_endpoint: \"http://127.0.0.1:1338\", endpoints: {sts: \"http://localhost:5000\"}}\n",
		  &c, NULL),
	    0);
	assert_string_equal(c.imds_endpoint, "http://127.0.0.1:1338");
	assert_int_equal(c.endpoints_n, 1);
	assert_string_equal(c.endpoints[0].service, "sts");
	assert_string_equal(c.endpoints[0].url, "http://localhost:5000");
	config_close(&c);
}

static void the_metadata_service_may_be_named_at_either_address_and_dual_stack_hosts_be_wanted_or_not(void **state)
{
	static const struct {
		const char *more, *endpoint;
		enum config_choice dualstack;
	} cases[] = {
		{ "aws: {imds_endpoint: \"http://169.254.169.254\", dualstack: true}\n", "http://169.254.169.254", CONFIG_YES },
		{ "aws: {imds_endpoint: \"http://[fd00:ec2::254]\", dualstack: false}\n", "http://[fd00:ec2::254]", CONFIG_NO },
		{ "insecure: true\naws: {imds_endpoint: \"http://[::1]:1338\"}\n", "http://[::1]:1338", CONFIG_AUTO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(mem_close) char *text = mem_printf("%s%s", GOOD, cases[i].more);
		struct config c;

		assert_int_equal(parse(text, &c, NULL), 0);
		assert_string_equal(c.imds_endpoint, cases[i].endpoint);
		assert_int_equal(c.dualstack, cases[i].dualstack);
		config_close(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(how_telemetry_is_packed_and_how_fast_a_backlog_goes_is_read),
		cmocka_unit_test(the_customers_own_receiver_is_read),
		cmocka_unit_test(the_least_there_is_gets_the_defaults),
		cmocka_unit_test(the_shipped_example_trusts_nobody_and_is_right_once_keys_stand_in_it),
		cmocka_unit_test(a_key_that_is_no_key_or_has_two_roles_is_not_trusted),
		cmocka_unit_test(what_is_wrong_is_named_by_line_found_and_expected),
		cmocka_unit_test(what_must_be_there_is_asked_for),
		cmocka_unit_test(a_proxy_is_a_place_and_holds_no_secret_and_is_the_one_way),
		cmocka_unit_test(all_that_is_wrong_is_told_each_with_its_line_and_nothing_that_follows_from_it),
		cmocka_unit_test(a_file_in_which_all_values_are_refused_tells_each_of_them_once),
		cmocka_unit_test(of_a_file_that_breaks_off_what_may_stand_behind_is_not_missed),
		cmocka_unit_test(a_vendors_url_has_no_path),
		cmocka_unit_test(a_file_that_is_too_large_or_cut_anywhere_is_an_error_or_less),
		cmocka_unit_test(loopback_may_be_plain_where_insecure_is_said),
		cmocka_unit_test(the_metadata_service_may_be_named_at_either_address_and_dual_stack_hosts_be_wanted_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
