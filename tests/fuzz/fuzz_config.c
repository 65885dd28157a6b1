/* fuzz_config.c - reeve.yaml: one that is taken names all that must be named and no plain http beyond the machine; one that is
 * not leaves nothing behind and its sentence begins with the file. */
#include "agent/base/str.h"
#include "agent/config.h"
#include "tests/fuzz/fuzz.h"

static bool is_safe(const struct config *c, const char *url)
{
	return url == NULL || str_starts(url, "https://") || (c->insecure && str_starts(url, "http://"));
}

void fuzz_one(const char *s, size_t len)
{
	struct config c = { 0 }, none = { 0 };
	struct err e = { 0 };

	if (config_parse("/etc/reeve/reeve.yaml", s, len, &c, &e) != 0) {
		FUZZ_MUST(memcmp(&c, &none, sizeof(c)) == 0);
		FUZZ_MUST(strncmp(e.text, "/etc/reeve/reeve.yaml", 21) == 0);
		return;
	}
	FUZZ_MUST(c.installation != NULL && c.vendor_url != NULL && c.vendor_host != NULL && c.state_dir != NULL);
	FUZZ_MUST(c.trust.n <= TRUST_KEYS_MAX && c.logs_n <= CONFIG_LOGS_MAX);
	FUZZ_MUST(is_safe(&c, c.vendor_url));
	for (size_t i = 0; i < c.endpoints_n; i++)
		FUZZ_MUST(is_safe(&c, c.endpoints[i].url));
	for (size_t i = 0; i < c.logs_n; i++)
		FUZZ_MUST(c.logs[i].path[0] == '/');
	config_close(&c);
}
